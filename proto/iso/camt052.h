/* camt052: camt.052.001.08, the balances of one participant at one instant (WIRE section 5), read
 * and written. Spans point into the document and live as long as it does. Nothing is allocated. */
#ifndef PROTO_ISO_CAMT052_H
#define PROTO_ISO_CAMT052_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/iso/compose.h"
#include "proto/record/refusal.h"
#include "proto/xml/document.h"

struct camt052 {
    struct span message_id; /* GrpHdr/MsgId; the writer takes header->business_id instead */
    struct span query_id;   /* GrpHdr/OrgnlBizQry/MsgId: the MsgId of the camt.060 */
    struct span account;    /* Rpt/Acct/Id/Othr/Id: the participant's code */
    struct span currency;
    struct amount available; /* Bal ITAV, >= 0 */
    struct amount reserved;  /* Bal BLCK, >= 0 */
    int64_t instant_ns;      /* of both balances */
};

/* Reads the Document at `node`. Assumed: the schema walker found it valid.
 * False: *refusal says SCHEMA, where and why; *camt052 is in any state. */
MUST_CHECK bool camt052_read(const struct xml_document *document, uint16_t node,
                             struct camt052 *camt052, struct refusal *refusal);

/* FAULT_FULL: the buffer is too small. */
MUST_CHECK enum fault camt052_write(struct compose *compose, const struct header *header,
                                    const struct camt052 *camt052);

#endif
