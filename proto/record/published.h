/* published: the few facts of settlement that every thread may read at any time.
 *
 * Settlement writes, the others read.  Two are the other way round: must_halt is the follower's, by
 * which it stops settlement when its own state is not the live one, and is_disk_low is of the thread
 * that watches the disk.  Loops take the time from here and never from the system's clock (DESIGN,
 * "Threads and rings"): now = time_monotonic_ns() + clock_offset_ns. */
#ifndef PROTO_RECORD_PUBLISHED_H
#define PROTO_RECORD_PUBLISHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/time.h"

enum switch_state { STATE_STARTING, STATE_SERVING, STATE_STOPPING, STATE_FAILED };

struct published {
    _Alignas(64) _Atomic int64_t clock_offset_ns;
    _Atomic uint64_t durable_seq; /* the newest entry that survives power loss; release order */
    _Atomic int state;            /* enum switch_state */
    atomic_bool must_halt;        /* settlement's next turn fails */
    atomic_bool is_disk_low;      /* no new payments are taken, no snapshot is written */

    /* What the newest commit made of the state (engine.h, engine_mark); odd version: being written. */
    _Alignas(64) _Atomic uint64_t mark_version;
    _Atomic uint64_t mark_seq, mark_digest[2];
};

/* Settlement's thread only. */
static inline void published_put_mark(struct published *published, uint64_t seq,
                                      const uint64_t digest[2])
{
    uint64_t const version = atomic_load_explicit(&published->mark_version, memory_order_relaxed);
    atomic_store_explicit(&published->mark_version, version + 1, memory_order_relaxed);
    /* Release, so that whoever sees one of these sees the odd version as well. */
    atomic_store_explicit(&published->mark_seq, seq, memory_order_release);
    atomic_store_explicit(&published->mark_digest[0], digest[0], memory_order_release);
    atomic_store_explicit(&published->mark_digest[1], digest[1], memory_order_release);
    atomic_store_explicit(&published->mark_version, version + 2, memory_order_release);
}

/* False: it is being written at this moment; ask again later. */
static inline bool published_mark(struct published *published, uint64_t *seq, uint64_t digest[2])
{
    uint64_t const version = atomic_load_explicit(&published->mark_version, memory_order_acquire);
    *seq = atomic_load_explicit(&published->mark_seq, memory_order_acquire);
    digest[0] = atomic_load_explicit(&published->mark_digest[0], memory_order_acquire);
    digest[1] = atomic_load_explicit(&published->mark_digest[1], memory_order_acquire);
    return version % 2 == 0 &&
           atomic_load_explicit(&published->mark_version, memory_order_relaxed) == version;
}

/* The switch's time, as settlement would stamp it now. */
static inline int64_t published_now_ns(struct published *published)
{
    return time_monotonic_ns() +
           atomic_load_explicit(&published->clock_offset_ns, memory_order_relaxed);
}

#endif
