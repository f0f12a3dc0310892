/* Levels as instants: see bucket.h.  Costs are rounded up and the bucket's size down, each by less
 * than a nanosecond, so that rounding never lets a message more through. */
#include "switch/participant/bucket.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"

struct bucket {
    _Alignas(64) _Atomic int64_t empty_ns;
};

struct bucket_table {
    struct bucket buckets[LIMIT_PARTICIPANTS];
    bool is_unlimited;
    uint64_t refill; /* tokens a second */
    int64_t full_ns; /* what a full bucket is worth */
};

enum fault bucket_open(struct bucket_table **out, uint64_t tokens, uint64_t refill)
{
    assert(refill >= 1);
    *out = NULL;
    struct bucket_table *const table = aligned_alloc(_Alignof(struct bucket_table), sizeof *table);
    if (!table) return FAULT_MEMORY;
    for (size_t i = 0; i < LIMIT_PARTICIPANTS; i++) {
        atomic_init(&table->buckets[i].empty_ns, INT64_MIN); /* full */
    }
    uint64_t const whole_seconds = tokens / refill;
    uint64_t const rest = tokens % refill; /* below 10^9 by the configuration's range */
    table->is_unlimited = tokens == 0;
    table->refill = refill;
    table->full_ns = (int64_t)(whole_seconds * (uint64_t)TIME_NS_PER_SECOND +
                               rest * (uint64_t)TIME_NS_PER_SECOND / refill);
    *out = table;
    return FAULT_NONE;
}

bool bucket_admits(struct bucket_table *table, uint32_t participant, int64_t now_ns,
                   uint32_t *retry_after_seconds)
{
    assert(participant < LIMIT_PARTICIPANTS);
    if (table->is_unlimited) return true;
    int64_t const empty_ns =
        atomic_load_explicit(&table->buckets[participant].empty_ns, memory_order_relaxed);
    if (empty_ns < now_ns) return true;
    *retry_after_seconds = (uint32_t)((empty_ns - now_ns) / TIME_NS_PER_SECOND + 1);
    return false;
}

void bucket_charge(struct bucket_table *table, uint32_t participant, int64_t now_ns,
                   uint32_t fifths)
{
    assert(participant < LIMIT_PARTICIPANTS);
    if (table->is_unlimited) return;
    uint64_t const per_second = table->refill * BUCKET_FIFTHS;
    int64_t const cost_ns =
        (int64_t)((fifths * (uint64_t)TIME_NS_PER_SECOND + per_second - 1) / per_second);
    _Atomic int64_t *const empty_ns = &table->buckets[participant].empty_ns;
    int64_t seen = atomic_load_explicit(empty_ns, memory_order_relaxed);
    int64_t charged;
    do {
        int64_t const fullest_ns = now_ns - table->full_ns;
        charged = (seen < fullest_ns ? fullest_ns : seen) + cost_ns;
    } while (!atomic_compare_exchange_weak_explicit(empty_ns, &seen, charged, memory_order_relaxed,
                                                    memory_order_relaxed));
}

void bucket_close(struct bucket_table *table)
{
    free(table);
}
