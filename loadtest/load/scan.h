/* scan: the ids and states in a message of the switch, found without parsing it.
 *
 * The switch writes canonical XML without prefixes, so its elements can be found as text.  That
 * costs a microsecond where reading, validating and verifying costs a hundred; a sample of the
 * messages is read in full besides (teller.h).  For the load generator only: a bank that trusted
 * this would trust anybody.
 *
 * Pure.  Spans point into the message. */
#ifndef LOADTEST_LOAD_SCAN_H
#define LOADTEST_LOAD_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"

enum scan_kind {
    SCAN_PAYMENTS, /* pacs.008: end-to-end ids */
    SCAN_RESULTS,  /* pacs.002: end-to-end ids with status and, for RJCT, reason */
    SCAN_REFUSAL,  /* admi.002: the message's id and the code */
    SCAN_OTHER     /* anything else: no items */
};

struct scan_item {
    struct span id;
    struct span status; /* of SCAN_RESULTS: TxSts */
    struct span reason; /* of SCAN_RESULTS: Cd, empty when absent; of SCAN_REFUSAL: RjctgPtyRsn */
};

struct scan {
    enum scan_kind kind;
    size_t count; /* 1 to LIMIT_TRANSACTIONS, but 0 of SCAN_OTHER */
    struct scan_item items[LIMIT_TRANSACTIONS];
};

/* False: it is not as the switch writes messages; *scan is in any state. */
MUST_CHECK bool scan_message(struct span message, struct scan *scan);

#endif
