/* Levels as instants: see bucket.h.  Everything is counted in fifths of a token, each worth a whole
 * number of nanoseconds, rounded up: at a refill of 750 a second that is slow by one in a million. */
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
    int64_t fifth_ns; /* in which a fifth of a token comes back */
    int64_t full_ns;  /* in which an empty bucket fills */
};

enum fault bucket_open(struct bucket_table **out, uint64_t tokens, uint64_t refill)
{
    assert(refill >= 1);
    *out = NULL;
    struct bucket_table *const table = aligned_alloc(_Alignof(struct bucket_table), sizeof *table);
    if (!table) return FAULT_MEMORY;
    for (size_t i = 0; i < LIMIT_PARTICIPANTS; i++) {
        atomic_init(&table->buckets[i].empty_ns, 0); /* long ago: full */
    }
    uint64_t const per_second = refill * BUCKET_FIFTHS;
    uint64_t const fifth_ns = ((uint64_t)TIME_NS_PER_SECOND + per_second - 1) / per_second;
    table->is_unlimited = tokens == 0;
    table->fifth_ns = (int64_t)fifth_ns;
    table->full_ns = (int64_t)(tokens * BUCKET_FIFTHS * fifth_ns);
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
    /* WIRE section 1: "a POST is refused while it is at or below zero". */
    int64_t const above_zero_ns = empty_ns + table->fifth_ns;
    if (above_zero_ns <= now_ns) return true;
    *retry_after_seconds =
        (uint32_t)((above_zero_ns - now_ns + TIME_NS_PER_SECOND - 1) / TIME_NS_PER_SECOND);
    return false;
}

void bucket_charge(struct bucket_table *table, uint32_t participant, int64_t now_ns,
                   uint32_t fifths)
{
    assert(participant < LIMIT_PARTICIPANTS);
    if (table->is_unlimited) return;
    int64_t const cost_ns = (int64_t)fifths * table->fifth_ns;
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
