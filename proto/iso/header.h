/* header: the business application header, head.001.001.02 (WIRE section 2), read and written.
 *
 * Reading takes the parts that the switch looks at out of a parsed document; nothing is judged
 * here but the form of CreDt: who may be Fr and To is message.h's matter. Spans point into the
 * document and live as long as it does. */
#ifndef PROTO_ISO_HEADER_H
#define PROTO_ISO_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/base/time.h"
#include "proto/iso/catalogue.h"
#include "proto/xml/document.h"
#include "proto/xml/writer.h"

/* What a writer is told. Assumed: each span is 1 to 35 characters of XML text,
 * as are all texts given to the writers of this folder. */
struct header {
    struct span sender;      /* Fr: a participant's code, or the switch's */
    struct span receiver;    /* To */
    struct span business_id; /* BizMsgIdr, and GrpHdr/MsgId where the message has one */
    int64_t created_ns;      /* CreDt, and GrpHdr/CreDtTm; written with milliseconds */
};

/* What reading found. */
struct header_found {
    struct header header;      /* sender and receiver are empty where they are not given by
                                   FIId/FinInstnId/ClrSysMmbId/MmbId; created_ns only if GOOD */
    enum time_parse created;   /* what CreDt is; not GOOD leads to HEADER */
    uint16_t sender_node;      /* Fr */
    uint16_t receiver_node;    /* To */
    uint16_t business_id_node; /* BizMsgIdr */
    uint16_t created_node;     /* CreDt */
    uint16_t signature_node;   /* Sgntr; XML_NONE when absent */
    uint16_t related_node;     /* the first Rltd; XML_NONE when absent */
};

/* Reads the AppHdr at `node`. Assumed: the schema walker found it valid. */
void header_read(const struct xml_document *document, uint16_t node, struct header_found *found);

/* Writes from "<AppHdr" to "<Sgntr>"; header_write_end goes on from "</Sgntr>". */
void header_write_start(struct writer *writer, enum catalogue_kind kind,
                        const struct header *header);
void header_write_end(struct writer *writer);

#endif
