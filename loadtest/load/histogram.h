/* histogram: counts times in buckets that grow with them, for percentiles of a run of any length.
 *
 * Times are nanoseconds from 0 to about 18 minutes, longer ones count as that; a percentile is at
 * most 0.8% above the true one, the longest time is exact.  It allocates nothing.  One thread. */
#ifndef LOADTEST_LOAD_HISTOGRAM_H
#define LOADTEST_LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 4352 /* 256, and 128 for each doubling up to 2^40 ns */

/* Zeros are an empty one. */
struct histogram {
    uint64_t count;
    int64_t longest_ns;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

/* A negative time counts as 0. */
void histogram_add(struct histogram *histogram, int64_t time_ns);

/* The time that `share` (0 to 1) of all were not longer than; 0 when there are none. */
int64_t histogram_percentile_ns(const struct histogram *histogram, double share);

#endif
