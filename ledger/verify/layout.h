/* layout: where each field of an entry, a body and a block header stands, read byte by byte.
 *
 * Written from ledger/README.md, on purpose without the structs of proto/record: a mistake made
 * there must not be made again here. */
#ifndef LEDGER_VERIFY_LAYOUT_H
#define LEDGER_VERIFY_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/crypto/hash.h"

#define LAYOUT_PUBLIC_BYTES 208
#define LAYOUT_PRIVATE_BYTES 192
#define LAYOUT_HEADER_BYTES 104
#define LAYOUT_SEAL_BYTES 160
#define LAYOUT_LEDGER_ID_BYTES 16
#define LAYOUT_CODE_BYTES 8
#define LAYOUT_TERMS_BYTES 80 /* what a payment's entries share: agents to id, and currency */

/* Kinds of entries, as ledger/README.md numbers them. */
enum layout_kind {
    LAYOUT_SEGMENT = 1,
    LAYOUT_JOINED = 2,
    LAYOUT_CERTIFICATE = 3,
    LAYOUT_FUNDED = 4,
    LAYOUT_RESERVED = 5,
    LAYOUT_SETTLED = 6,
    LAYOUT_REJECTED = 7,
    LAYOUT_EXPIRED = 8,
    LAYOUT_REFUSED = 9,
    LAYOUT_DAY = 10
};

/* Tags of a body's fields. */
enum layout_tag {
    LAYOUT_TAG_CERTIFICATE = 4,
    LAYOUT_TAG_PURPOSE = 5,
    LAYOUT_TAG_STATUS = 7,
    LAYOUT_TAG_SETTLES_THROUGH = 10,
    LAYOUT_TAG_FORMAT = 12,
    LAYOUT_TAG_LEDGER_ID = 13,
    LAYOUT_TAG_SEGMENT = 14,
    LAYOUT_TAG_PREVIOUS_HEAD = 15,
    LAYOUT_TAG_PREVIOUS_BLOCK = 16,
    LAYOUT_TAG_DAY = 17,
    LAYOUT_TAG_DAY_FIRST_SEQ = 18,
    LAYOUT_TAG_DAY_TOTALS = 19 /* the first of 16 */
};

struct layout_side {
    uint64_t number, previous_seq;
    int64_t available, reserved;
};

/* The fields of an entry that are checked; spans point into the bytes it was read from. */
struct layout_entry {
    uint32_t public_version, private_version, kind;
    uint64_t seq, opened_by, returned_seq;
    int64_t time_ns, deadline_ns, amount;
    uint64_t payer_agent, payee_agent, payer, payee, sender; /* the 8 bytes of each code */
    struct span id;     /* cut to its size; empty when the size is beyond its field */
    struct span reason; /* cut before its first zero */
    struct hash evidence;
    struct layout_side sides[2]; /* payer's, payee's */
    uint8_t terms[LAYOUT_TERMS_BYTES];
};

struct layout_header {
    uint32_t version, count;
    uint64_t number, first_seq, last_seq;
    int64_t time_ns;
    struct hash previous, root;
};

/* What a seal says of a segment. */
struct layout_seal {
    uint8_t ledger_id[LAYOUT_LEDGER_ID_BYTES];
    uint64_t segment, first_seq, last_seq, first_block, last_block;
    struct hash head;       /* hash of its last entry */
    struct hash block_head; /* SHA-256 of its last block's header */
    struct hash root;       /* of the hashes of its blocks' headers */
};

/* Assumed: spans of exactly LAYOUT_PUBLIC_BYTES and LAYOUT_PRIVATE_BYTES. */
void layout_read_entry(struct span public_part, struct span private_part,
                       struct layout_entry *entry);

/* Assumed: a span of exactly LAYOUT_HEADER_BYTES. */
void layout_read_header(struct span bytes, struct layout_header *header);

/* Writes the bytes that a seal's signature is over. */
void layout_write_seal(const struct layout_seal *seal, char bytes[LAYOUT_SEAL_BYTES]);

/* True when a body is of version 1 and its fields fill it exactly, tags ascending. */
bool layout_is_body(struct span body);

/* Finds a field of such a body. */
bool layout_find(struct span body, enum layout_tag tag, struct span *field);

/* A field of 8 bytes as a number. */
bool layout_find_number(struct span body, enum layout_tag tag, uint64_t *number);

/* Little-endian numbers anywhere in bytes. Assumed: they are there. */
uint32_t layout_u32(const char *at);
uint64_t layout_u64(const char *at);

#endif
