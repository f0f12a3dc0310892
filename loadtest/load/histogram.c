/* histogram: below 256 ns a bucket for each; above, 128 buckets for each doubling. */
#include "loadtest/load/histogram.h"

#define PER_DOUBLING 128U
#define FINE (2 * PER_DOUBLING)
#define TIME_MAX ((INT64_C(1) << 40) - 1)

static unsigned bucket_of(uint64_t time_ns)
{
    if (time_ns < FINE) return (unsigned)time_ns;
    unsigned const doublings = 63U - (unsigned)__builtin_clzll(time_ns) - 7U; /* at least 1 */
    return doublings * PER_DOUBLING + (unsigned)(time_ns >> doublings);
}

/* The longest time that falls into the bucket. */
static int64_t bucket_end_ns(unsigned bucket)
{
    if (bucket < FINE) return (int64_t)bucket;
    unsigned const doublings = bucket / PER_DOUBLING - 1;
    int64_t const start = (int64_t)(bucket - doublings * PER_DOUBLING);
    return ((start + 1) << doublings) - 1;
}

void histogram_add(struct histogram *histogram, int64_t time_ns)
{
    int64_t const bounded = time_ns < 0 ? 0 : time_ns < TIME_MAX ? time_ns : TIME_MAX;
    histogram->count++;
    histogram->buckets[bucket_of((uint64_t)bounded)]++;
    if (time_ns > histogram->longest_ns) histogram->longest_ns = time_ns;
}

int64_t histogram_percentile_ns(const struct histogram *histogram, double share)
{
    /* How many are not longer: rounded up, and at least 1. */
    uint64_t wanted = (uint64_t)(share * (double)histogram->count);
    if ((double)wanted < share * (double)histogram->count || wanted == 0) wanted++;
    uint64_t seen = 0;
    if (histogram->count == 0) return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += histogram->buckets[i];
        if (seen < wanted) continue;
        int64_t const end_ns = bucket_end_ns(i);
        return end_ns < histogram->longest_ns ? end_ns : histogram->longest_ns;
    }
    return histogram->longest_ns; /* only the last bucket has no end */
}
