/* camt060: camt.060.001.05, a bank asks for its balances now (WIRE section 5), read and written.
 * Spans point into the document and live as long as it does. Nothing is allocated. */
#ifndef PROTO_ISO_CAMT060_H
#define PROTO_ISO_CAMT060_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/iso/compose.h"
#include "proto/record/refusal.h"
#include "proto/xml/document.h"

struct camt060 {
    struct span message_id;
    struct span account;   /* RptgReq/Acct/Id/Othr/Id */
    struct span owner;     /* RptgReq/AcctOwnr/Agt/FinInstnId/ClrSysMmbId/MmbId */
    uint16_t account_node; /* where each stands: for the location of SENDER, which the caller */
    uint16_t owner_node;   /* tests, as only he knows who sent it */
};

/* Reads the Document at `node`. Assumed: the schema walker found it valid.
 * False: *refusal says SCHEMA (more than one RptgReq, another ReqdMsgNmId than camt.052.001.08, no
 * account or owner in the demanded form); *camt060 is in any state. */
MUST_CHECK bool camt060_read(const struct xml_document *document, uint16_t node,
                             struct camt060 *camt060, struct refusal *refusal);

/* The bank's side: asks for camt.052.001.08 of the sender's own account. FAULT_FULL: the buffer is
 * too small. */
MUST_CHECK enum fault camt060_write(struct compose *compose, const struct header *header);

#endif
