/* consumer: looks into a topic's partitions, as little as resuming needs, and makes what is missing.
 *
 * No group, no commits: the caller asks for a partition's bounds and scans a range of offsets.
 * Only records of committed transactions are shown.
 *
 * Possible failures: the broker does not answer in time (FAULT_BUSY: try again later), or refuses
 * (FAULT_IO: as before, but a person may have to look at it, for rights are missing or so).
 *
 * Threads: one thread owns a consumer.  Calls wait, up to wait_ms each: not for hot paths. */
#ifndef PROTO_KAFKA_CONSUMER_H
#define PROTO_KAFKA_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/config/config.h"

struct consumer;

struct consumer_settings {
    const char *bootstrap;              /* as producer_settings has it */
    const struct config_rdkafka *extra; /* librdkafka passes over those that only a producer has */
    size_t extra_count;
};

/* A record as it is shown; good only during the call. */
struct consumer_record {
    int32_t partition;
    int64_t offset;
    struct span key;
    struct span value;
    const void *headers; /* for consumer_header */
};

/* The value of the record's last header of that name; bytes == NULL when there is none. */
struct span consumer_header(const struct consumer_record *record, const char *name);

/* False ends the scan. */
typedef bool consumer_visit(void *context, const struct consumer_record *record);

#define CONSUMER_ERROR_BYTES 256

/* Does not wait for the broker. FAULT_INVALID: a setting is not librdkafka's; error names it. */
MUST_CHECK enum fault consumer_open(struct consumer **out, const struct consumer_settings *settings,
                                    char error[CONSUMER_ERROR_BYTES]);

/* How many partitions the topic has; FAULT_NOT_FOUND: there is no such topic (a broker that makes
 * topics by itself makes it now: ask again). FAULT_BUSY, FAULT_IO: see above; error says why. */
MUST_CHECK enum fault consumer_partitions(struct consumer *consumer, const char *topic, int wait_ms,
                                          int32_t *count, char error[CONSUMER_ERROR_BYTES]);

/* Makes a topic that the broker said it does not have, with the broker's own replication factor.
 * FAULT_BUSY: it is there after all, or the broker does not answer: ask consumer_partitions again.
 * FAULT_IO: the broker refuses; error says why. */
MUST_CHECK enum fault consumer_make_topic(struct consumer *consumer, const char *topic,
                                          int partitions, int wait_ms,
                                          char error[CONSUMER_ERROR_BYTES]);

/* *low is the oldest offset kept, *high the one that the next record gets; equal when empty. */
MUST_CHECK enum fault consumer_bounds(struct consumer *consumer, const char *topic,
                                      int32_t partition, int wait_ms, int64_t *low, int64_t *high,
                                      char error[CONSUMER_ERROR_BYTES]);

/* Shows the records with from <= offset < end, in order, until `visit` says false. Offsets that
 * hold no record (compacted, control) are passed over. Waits up to `wait_ms` in all.
 * Assumed from and end lie within the partition's bounds. */
MUST_CHECK enum fault consumer_scan(struct consumer *consumer, const char *topic, int32_t partition,
                                    int64_t from, int64_t end, int wait_ms, consumer_visit *visit,
                                    void *context, char error[CONSUMER_ERROR_BYTES]);

/* Accepts NULL. */
void consumer_close(struct consumer *consumer);

#endif
