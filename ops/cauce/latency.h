/* latency: counts times in buckets that grow with them, for percentiles of any run's length.
 *
 * Times are microseconds; a percentile is off by 1.6% at most.  Threads: one. */
#ifndef OPS_CAUCE_LATENCY_H
#define OPS_CAUCE_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 1856 /* 64 for each power of two up to 2^34 us, 4.7 hours */

struct latency {
    uint64_t count;
    uint64_t longest_us;
    uint32_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, uint64_t time_us);

/* The time that `share` (0 to 1) of all were not longer than; 0 when there are none. In ms. */
double latency_percentile_ms(const struct latency *latency, double share);

void latency_clear(struct latency *latency);

#endif
