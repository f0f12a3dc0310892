/* published: the few facts of settlement that every thread may read at any time.
 *
 * Settlement writes, the others read.  Loops take the time from here and never from the system's
 * clock (DESIGN, "Threads and rings"): now = time_monotonic_ns() + clock_offset_ns. */
#ifndef PROTO_RECORD_PUBLISHED_H
#define PROTO_RECORD_PUBLISHED_H

#include <stdatomic.h>
#include <stdint.h>

#include "proto/base/time.h"

enum switch_state { STATE_STARTING, STATE_SERVING, STATE_STOPPING, STATE_FAILED };

struct published {
    _Alignas(64) _Atomic int64_t clock_offset_ns;
    _Atomic uint64_t durable_seq; /* the newest entry that survives power loss; release order */
    _Atomic int state;            /* enum switch_state */
};

/* The switch's time, as settlement would stamp it now. */
static inline int64_t published_now_ns(struct published *published)
{
    return time_monotonic_ns() +
           atomic_load_explicit(&published->clock_offset_ns, memory_order_relaxed);
}

#endif
