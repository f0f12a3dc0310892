/* message: from received bytes to a verdict, in the order of WIRE section 2's table.
 *
 *     bytes --message_read--> BADXML, SCHEMA, VERSION, SCHEMA, SENDER, HEADER --message_verify-->
 *     SIGNATURE --> good
 *
 * The two steps are apart because the second is the dear one (21 us against 7) and may have to be
 * repeated when the sender's certificates change before the core sees the message.
 *
 * A message_reader holds all the memory that one message at a time needs; it is taken once, at
 * message_open, and belongs to one thread. What message_read gives points into the reader and into
 * `bytes`, and is good until the reader's next message_read and as long as `bytes` stay put. */
#ifndef PROTO_ISO_MESSAGE_H
#define PROTO_ISO_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/iso/admi002.h"
#include "proto/iso/camt052.h"
#include "proto/iso/camt060.h"
#include "proto/iso/catalogue.h"
#include "proto/iso/header.h"
#include "proto/iso/pacs002.h"
#include "proto/iso/pacs008.h"
#include "proto/record/refusal.h"
#include "proto/signature/signature.h"
#include "proto/xml/document.h"

struct message_reader;
/* FAULT_MEMORY: it cannot be had. *out is the caller's until message_close. */
MUST_CHECK enum fault message_open(struct message_reader **out);

/* Accepts NULL. */
void message_close(struct message_reader *reader);

/* Who reads. The switch takes the inward types of the catalogue, a bank the outward ones. */
enum message_side { MESSAGE_BY_SWITCH, MESSAGE_BY_BANK };

struct message_rules {
    enum message_side side;
    struct span sender;   /* Fr must be it: the path's code, or the switch's; empty: any */
    struct span receiver; /* To must be it; empty: any */
    bool age_checked;     /* whether CreDt is compared with: */
    int64_t now_ns;
    int64_t age_max_ns;   /* duplicate_window_hours: older is HEADER */
    int64_t ahead_max_ns; /* clock_ahead_seconds: further ahead is HEADER */
};

struct message {
    enum catalogue_kind kind;
    struct span bytes; /* as given */
    struct header_found header;
    struct xml_document *document; /* the reader's */
    uint16_t header_node;          /* AppHdr; the Envelope is node 0 */
    uint16_t document_node;
    union { /* by kind */
        struct pacs008 pacs008;
        struct pacs002 pacs002;
        struct camt060 camt060;
        struct camt052 camt052;
        struct admi002 admi002;
    } content;
};

enum message_verdict {
    MESSAGE_GOOD,
    MESSAGE_REFUSED, /* *refusal says why; the switch answers admi.002 */
    MESSAGE_DROPPED, /* admi.002 or admi.011 sent to the switch: no answer (WIRE section 2) */
};

/* Every row of the table but SIGNATURE. *message is written when GOOD, *refusal when REFUSED.
 * Assumed: bytes.size <= LIMIT_MESSAGE_BYTES; a longer message was 413. */
MUST_CHECK enum message_verdict message_read(struct message_reader *reader, struct span bytes,
                                             const struct message_rules *rules,
                                             struct message *message, struct refusal *refusal);

/* The row SIGNATURE, of a message that message_read gave and no other was read after.
 * `certificates`: the sender's active ones for signing (signature.h). True: *key is the index of the
 * one that verified. False: *refusal says SIGNATURE, or BADXML where the canonical form is longer
 * than LIMIT_CANONICAL_BYTES. */
MUST_CHECK bool message_verify(struct signature_checker *checker, const struct message *message,
                               const struct certificate *const *certificates,
                               size_t certificate_count, size_t *key, struct refusal *refusal);

/* What `cauce message check` says of a file (WIRE section 6): an Envelope as message_read does; a
 * bare Document of any version of section 2's list, judged by its XSD and, where the switch reads
 * that type, by sections 4 and 5; a bare AppHdr, judged by its XSD and the row HEADER as far as it
 * concerns AppHdr alone. */
enum message_part { MESSAGE_ENVELOPE, MESSAGE_DOCUMENT, MESSAGE_HEADER };

/* *part says what the file is; *identifier (static) its version when GOOD; *message is written for
 * a good Envelope only.  Never DROPPED: what the switch drops is VERSION here. */
MUST_CHECK enum message_verdict message_check(struct message_reader *reader, struct span bytes,
                                              const struct message_rules *rules,
                                              enum message_part *part, struct span *identifier,
                                              struct message *message, struct refusal *refusal);

#endif
