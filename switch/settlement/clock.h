/* clock: the one place where the switch learns what time it is.
 *
 * The time is the wall clock as it was at the start plus what the monotonic clock has counted since,
 * drawn gently towards the wall clock as it is now: at most CLOCK_SLEW_PPM millionths faster or
 * slower.  It never goes back, and a step of the system's clock expires nothing (DESIGN, "Threads
 * and rings").  Both clocks are given in by the caller, so a simulator can have its own.
 *
 * Threads: settlement's. */
#ifndef SWITCH_SETTLEMENT_CLOCK_H
#define SWITCH_SETTLEMENT_CLOCK_H

#include <stdint.h>

#include "proto/base/fault.h"

#define CLOCK_SLEW_PPM 500                       /* what NTP daemons use as well */
#define CLOCK_BEHIND_MAX_NS INT64_C(60000000000) /* a start may lie so far behind the last entry */

struct clock {
    int64_t offset_ns;    /* time = monotonic + offset */
    int64_t monotonic_ns; /* at the last call */
    int64_t now_ns;       /* what the last call said */
};

/* `newest_ns` is the time of the ledger's newest entry, 0 for none.  Up to a minute behind it the
 * clock goes on from there.  FAULT_INVALID: the wall clock is further behind, by *behind_ns. */
MUST_CHECK enum fault clock_start(struct clock *clock, int64_t wall_ns, int64_t monotonic_ns,
                                  int64_t newest_ns, int64_t *behind_ns);

/* The time now; never before what an earlier call said. */
int64_t clock_now_ns(struct clock *clock, int64_t wall_ns, int64_t monotonic_ns);

#endif
