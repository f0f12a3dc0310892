/* index_history: a made-up, lawful history with days, returns, an indirect participant and ids that
 * are taken again, written into a ledger, and beside it in plain arrays what there is to be found, for
 * the suites of index and statements. */
#ifndef TESTS_CHECK_INDEX_HISTORY_H
#define TESTS_CHECK_INDEX_HISTORY_H

#include <stdint.h>

#include "ledger/journal.h"
#include "ledger/search.h"
#include "proto/record/body.h"
#include "proto/record/entry.h"

#define HISTORY_PARTICIPANTS 5 /* the last one settles through the first */
#define HISTORY_ENTRIES_MAX 70000
#define HISTORY_DAYS_MAX 64

struct history_participant {
    struct participant_code code;
    int64_t available, reserved;
    uint64_t number, last_seq;
};

struct history_day {
    struct day day;
    uint64_t first_seq, seq; /* of its first entry, and of the one that closes it */
};

struct history {
    uint64_t random;
    int64_t time_ns;
    uint64_t day_entries;               /* between two closes */
    void (*alter)(struct entry *entry); /* NULL, or what is done to each before it is written */
    uint64_t seq;
    struct history_participant participants[HISTORY_PARTICIPANTS];
    uint32_t day_count;
    struct history_day days[HISTORY_DAYS_MAX];
    uint32_t payment_count;
    struct search_payment payments[HISTORY_ENTRIES_MAX]; /* as they stand, in order */
    uint32_t open_count;
    uint32_t open[64];                         /* places in `payments` */
    struct entry entries[HISTORY_ENTRIES_MAX]; /* the entry numbered n at n - 1 */
    struct body body;                          /* of the entry made last */
};

void history_begin(struct history *history, uint64_t seed);

/* Makes the next entry, history->entries[history->seq - 1], and its body. */
void history_next(struct history *history);

/* Makes `count` entries and commits them to the ledger in `directory`, which is closed afterwards. */
void history_write(struct history *history, const char *directory, uint32_t count);

/* Of the payments that are returns of the original settled by entry `settled_seq`, the sums of those
 * that are settled and of those that are open. */
void history_returns(const struct history *history, uint64_t settled_seq, int64_t *settled_minor,
                     int64_t *open_minor);

#endif
