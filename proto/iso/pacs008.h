/* pacs008: pacs.008.001.08, a bank's payment orders, and the same orders as the switch forwards
 * them (WIRE section 4), read and written.
 *
 * What section 4 demands beyond the XSD and is missing or unlike is refused with SCHEMA for the
 * whole message. What the core judges with a reason code (agents, amount, currency, ids, times
 * against the clock) survives here as data, whatever it is.
 * Spans point into the document and live as long as it does. Nothing is allocated. */
#ifndef PROTO_ISO_PACS008_H
#define PROTO_ISO_PACS008_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/crypto/hash.h"
#include "proto/iso/compose.h"
#include "proto/record/refusal.h"
#include "proto/xml/document.h"

/* SttlmPrty, else PmtTpInf/InstrPrty: NORM is NORM, anything else and nothing is HIGH. */
enum pacs008_priority { PACS008_HIGH, PACS008_NORM };

struct pacs008_transaction {
    uint16_t node;                  /* its CdtTrfTxInf in the document */
    struct span instruction_id;     /* InstrId; empty when absent */
    struct span end_to_end_id;      /* 1 to 35 characters of any kind: FF08 is the core's to say */
    struct span uetr;               /* 36 characters; empty when absent */
    struct span debtor_agent;       /* MmbId, 1 to 35 characters: an unknown one is RC09 */
    struct span creditor_agent;     /* likewise, RC10 */
    struct span currency;           /* 3 letters */
    enum amount_parse amount_parse; /* NOT_MONEY is AM12; never NOT_DECIMAL */
    struct amount amount;           /* zero where it is not GOOD; never negative */
    int64_t accepted_ns;            /* AccptncDtTm */
    enum pacs008_priority priority;
};

struct pacs008 {
    struct span message_id;
    size_t count; /* 1 to LIMIT_TRANSACTIONS */
    struct pacs008_transaction transactions[LIMIT_TRANSACTIONS];
};

/* Reads the Document at `node`. Assumed: the schema walker found it valid.
 * False: *refusal says SCHEMA, where and why; *pacs008 is in any state. */
MUST_CHECK bool pacs008_read(const struct xml_document *document, uint16_t node,
                             struct pacs008 *pacs008, struct refusal *refusal);

/* The canonical bytes of one CdtTrfTxInf as they will stand inside our own Document, and their
 * SHA-256: with the sender that is "same content" (WIRE section 4). *bytes lies in `buffer`.
 * FAULT_FULL: they do not fit; LIMIT_CANONICAL_BYTES always hold what one message may give. */
MUST_CHECK enum fault pacs008_canonical(struct xml_document *document,
                                        const struct pacs008_transaction *transaction, char *buffer,
                                        size_t size, struct span *bytes, struct hash *content_hash);

/* The switch's side: canonical transactions, as above, under our own GrpHdr.
 * Assumed 1 <= count <= LIMIT_TRANSACTIONS. FAULT_FULL: the buffer is too small. */
MUST_CHECK enum fault pacs008_forward(struct compose *compose, const struct header *header,
                                      const struct span *transactions, size_t count);

/* A bank's side: what it pays. Optional spans are left out when empty. */
struct pacs008_order {
    struct span instruction_id; /* optional */
    struct span end_to_end_id;
    struct span uetr; /* optional */
    struct amount amount;
    struct span currency;
    int64_t accepted_ns;
    enum pacs008_priority priority; /* SttlmPrty is written for NORM only */
    struct span debtor_name;        /* optional */
    struct span debtor_account;     /* optional, DbtrAcct/Id/Othr/Id */
    struct span debtor_agent;
    struct span creditor_agent;
    struct span creditor_name;    /* optional */
    struct span creditor_account; /* optional */
    struct span remittance;       /* optional, RmtInf/Ustrd, at most 140 characters */
};

/* Assumed 1 <= count <= LIMIT_TRANSACTIONS. FAULT_FULL: the buffer is too small. */
MUST_CHECK enum fault pacs008_write(struct compose *compose, const struct header *header,
                                    const struct pacs008_order *orders, size_t count);

#endif
