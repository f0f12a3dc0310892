/* pacs002: pacs.002.001.10, a bank's answers to payments, and the switch's results of them (WIRE
 * section 4), read and written.
 *
 * Spans point into the document and live as long as it does. Nothing is allocated. */
#ifndef PROTO_ISO_PACS002_H
#define PROTO_ISO_PACS002_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/iso/compose.h"
#include "proto/record/refusal.h"
#include "proto/xml/document.h"

/* TxSts (ISO's external code list); whether a bank may answer it, whether the switch may send it. */
#define PACS002_STATUS_LIST(X)                                                                     \
    X(ACSP, true, true)  /* a bank accepts; from the switch: still reserved */                     \
    X(ACTC, true, false) /* a bank accepts */                                                      \
    X(ACWP, true, false) /* a bank accepts */                                                      \
    X(RJCT, true, true)  /* rejected, with a reason */                                             \
    X(ACSC, false, true) /* settled, to the payer's bank */                                        \
    X(ACCC, false, true) /* settled, to the payee's bank */

enum pacs002_status {
#define PACS002_MEMBER(name, from_bank, from_switch) PACS002_##name,
    PACS002_STATUS_LIST(PACS002_MEMBER)
#undef PACS002_MEMBER
};

struct pacs002_transaction {
    struct span instruction_id; /* OrgnlInstrId; empty when absent */
    struct span end_to_end_id;  /* OrgnlEndToEndId, 1 to 35 characters of any kind */
    struct span uetr;           /* OrgnlUETR; empty when absent */
    enum pacs002_status status;
    struct span reason;   /* StsRsnInf/Rsn/Cd, 1 to 4 characters; not empty when RJCT */
    int64_t settled_ns;   /* FctvIntrBkSttlmDt/DtTm; 0 when absent */
    uint64_t settled_seq; /* AcctSvcrRef; 0 when absent, or not a sequence of ours */
};

struct pacs002 {
    struct span message_id;
    size_t count; /* 1 to LIMIT_TRANSACTIONS */
    struct pacs002_transaction transactions[LIMIT_TRANSACTIONS];
};

/* True for the answers that settle: ACSP, ACTC, ACWP. */
bool pacs002_accepts(enum pacs002_status status);

/* Four letters. Static. */
struct span pacs002_status_text(enum pacs002_status status);

/* Reads the Document at `node`, sent by a bank or by the switch. Assumed: the schema walker found
 * it valid. False: *refusal says SCHEMA, where and why; *pacs002 is in any state. From a bank the
 * rules are those of WIRE section 4; from the switch, what it may write. settled_ns and
 * settled_seq are read from the switch only. */
MUST_CHECK bool pacs002_read_answers(const struct xml_document *document, uint16_t node,
                                     struct pacs002 *pacs002, struct refusal *refusal);
MUST_CHECK bool pacs002_read_results(const struct xml_document *document, uint16_t node,
                                     struct pacs002 *pacs002, struct refusal *refusal);

/* Both sides. What is empty or 0 is left out. Assumed 1 <= count <= LIMIT_TRANSACTIONS.
 * FAULT_FULL: the buffer is too small. */
MUST_CHECK enum fault pacs002_write(struct compose *compose, const struct header *header,
                                    const struct pacs002_transaction *transactions, size_t count);

#endif
