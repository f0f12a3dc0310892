/* latency: below 128 us a bucket for each; above, 64 buckets for each doubling. */
#include "ops/cauce/latency.h"

#include <string.h>

#define FINE 128
#define PER_DOUBLING 64

static unsigned bucket_of(uint64_t time_us)
{
    if (time_us < FINE) return (unsigned)time_us;
    unsigned const doublings = 63U - (unsigned)__builtin_clzll(time_us) - 6U; /* at least 1 */
    unsigned const bucket = doublings * PER_DOUBLING + (unsigned)(time_us >> doublings);
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The longest time that falls into the bucket. */
static uint64_t bucket_end_us(unsigned bucket)
{
    if (bucket < FINE) return bucket;
    unsigned const doublings = bucket / PER_DOUBLING - 1;
    uint64_t const start = bucket - doublings * PER_DOUBLING;
    return ((start + 1) << doublings) - 1;
}

void latency_add(struct latency *latency, uint64_t time_us)
{
    latency->count++;
    latency->buckets[bucket_of(time_us)]++;
    if (time_us > latency->longest_us) latency->longest_us = time_us;
}

double latency_percentile_ms(const struct latency *latency, double share)
{
    uint64_t const wanted = (uint64_t)(share * (double)latency->count + 0.999999);
    uint64_t seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->buckets[i];
        if (seen == 0 || seen < wanted) continue;
        uint64_t const end_us = bucket_end_us(i);
        return (double)(end_us < latency->longest_us ? end_us : latency->longest_us) / 1000.0;
    }
    return 0;
}

void latency_clear(struct latency *latency)
{
    memset(latency, 0, sizeof *latency);
}
