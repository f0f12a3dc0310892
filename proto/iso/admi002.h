/* admi002: admi.002.001.01, the switch's word that a message cannot be taken (WIRE section 2),
 * read and written. Spans point into the document, or into the refusal. Nothing is allocated. */
#ifndef PROTO_ISO_ADMI002_H
#define PROTO_ISO_ADMI002_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/iso/compose.h"
#include "proto/record/refusal.h"
#include "proto/xml/document.h"

struct admi002 {
    struct span reference; /* RltdRef/Ref: BizMsgIdr of the refused message, or its PI-ResourceId */
    struct span code;      /* RjctgPtyRsn: a text of refusal.h's list */
    struct span location;  /* ErrLctn; empty when absent */
    struct span words;     /* RsnDesc; empty when absent */
};

/* Reads the Document at `node`. Assumed: the schema walker found it valid; then nothing fails. */
void admi002_read(const struct xml_document *document, uint16_t node, struct admi002 *admi002);

/* What says `refusal`; spans into it. Assumed: it has a reference. */
struct admi002 admi002_of_refusal(const struct refusal *refusal);

/* An empty location or empty words are left out. header->business_id stands in AppHdr only, as
 * admi.002 has no id of its own. FAULT_FULL: the buffer is too small. */
MUST_CHECK enum fault admi002_write(struct compose *compose, const struct header *header,
                                    const struct admi002 *admi002);

#endif
