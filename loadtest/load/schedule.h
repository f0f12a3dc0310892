/* schedule: who pays whom, when, how much, and what the payee will answer: all drawn beforehand.
 *
 * Arrivals are a Poisson process: payers do not wait for one another, so payments come in bunches,
 * and it is the bunches that show what queues.  Evenly spaced arrivals would flatter every
 * percentile above the median.  The same seed and settings give the same schedule, on any machine.
 *
 * A group is what goes in one body: `batch` payments of one bank to one other, due together.
 *
 * Pure; plain data once made; any thread may read it. */
#ifndef LOADTEST_LOAD_SCHEDULE_H
#define LOADTEST_LOAD_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"

#define SCHEDULE_AMOUNT_MAX_MINOR 100 /* small, so that no bank runs dry in a long run */
#define SCHEDULE_PAYMENTS_MAX 2000000 /* 15 GiB of signed messages; ids count to 10 digits */

enum schedule_answer { SCHEDULE_ACCEPT, SCHEDULE_REJECT, SCHEDULE_SILENT };

struct schedule_payment {
    int64_t due_ns;        /* from the start */
    uint16_t payer, payee; /* 0 to banks - 1, never the same */
    uint16_t amount_minor; /* 1 to SCHEDULE_AMOUNT_MAX_MINOR */
    uint8_t answer;        /* enum schedule_answer */
};

struct schedule_settings {
    uint64_t seed;
    uint32_t rate;       /* payments per second, 1 to 100,000 */
    uint32_t seconds;    /* 1 to 3,600 */
    uint32_t batch;      /* payments in a group, 1 to LIMIT_PARTS */
    uint16_t banks;      /* 2 or more */
    double hot_share;    /* 0 to 1: of the groups, those from bank 0 to bank 1 beyond chance */
    double reject_share; /* 0 to 1, of the payments; with silent_share at most 1 */
    double silent_share;
};

/* In the order of due_ns; payments of a group stand together: payment / batch is its group. */
struct schedule {
    struct schedule_payment *payments;
    size_t count; /* a multiple of batch, at least batch */
    uint32_t batch;
};

/* On FAULT_NONE *schedule is the caller's until schedule_close.  The number of payments is drawn,
 * too: on average rate * seconds.  FAULT_FULL: more than SCHEDULE_PAYMENTS_MAX.  FAULT_MEMORY. */
MUST_CHECK enum fault schedule_make(struct schedule *schedule,
                                    const struct schedule_settings *settings);

/* Accepts a schedule of zeros. */
void schedule_close(struct schedule *schedule);

#endif
