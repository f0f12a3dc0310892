/* totals: the control totals of accounting days, counted anew and held against what each `day` entry
 * says of its day. */
#ifndef LEDGER_VERIFY_TOTALS_H
#define LEDGER_VERIFY_TOTALS_H

#include <stdint.h>

#include "ledger/verify/layout.h"
#include "proto/base/span.h"

#define TOTALS_DAY_BYTES 10
#define TOTALS_OF_DAY 11 /* tags 19 to 29: of the day's entries */
#define TOTALS_ALL 16    /* and 30 to 34: what stands at the close */

struct totals {
    uint64_t first_seq;            /* of the day that is open; 0: it has no entry yet */
    char closed[TOTALS_DAY_BYTES]; /* the day closed last; zeros: none */
    uint64_t counted[TOTALS_OF_DAY];
};

/* What stands at a close, in the order of tags 30 to 34. */
struct totals_close {
    uint64_t open_count, open_amount, net_funding, available, reserved;
};

/* Takes an entry of the open day. */
void totals_count(struct totals *totals, const struct layout_entry *entry);

/* Closes the day by its `day` entry and begins the next.
 * NULL, or words that say what is wrong with the entry.  Static. */
const char *totals_day(struct totals *totals, uint64_t seq, struct span body,
                       const struct totals_close *close);

#endif
