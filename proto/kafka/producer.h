/* producer: sends records to a Kafka broker, in order and at least once.
 *
 * It is idempotent with acks=all, so that within one producer's life a partition's records are
 * stored in the order of producer_send, each once.  What may go wrong: the queue is full (the
 * caller polls and tries again); the broker is away (records wait and are tried again); a record
 * is given up or the producer fails for good (producer_failed).  After the latter the caller
 * closes it, opens a new one and sends everything again that was not acknowledged.
 *
 * Threads: one thread owns a producer and calls everything here; librdkafka's own threads stay
 *          behind it, and reports are given only inside producer_poll and producer_close.
 * Memory:  librdkafka allocates; its queue is bounded by LIMIT_KAFKA_QUEUE records and
 *          LIMIT_KAFKA_QUEUE_KIB, unless the configuration says otherwise. */
#ifndef PROTO_KAFKA_PRODUCER_H
#define PROTO_KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/config/config.h"

struct producer;

/* One topic as a producer knows it; the producer's until producer_close. */
struct producer_topic;

struct producer_header {
    const char *name;
    struct span value;
};

/* What became of one record: acknowledged by the broker, or given up. */
typedef void producer_report(void *context, struct producer_topic *topic, uint64_t tag,
                             bool acknowledged);

struct producer_settings {
    const char *bootstrap;              /* host:port[,host:port...]; NULL: `extra` says it */
    const struct config_rdkafka *extra; /* passed to librdkafka after our own, which they win over,
                                             but not over idempotence */
    size_t extra_count;
    producer_report *report;
    void *report_context;
};

#define PRODUCER_ERROR_BYTES 256

/* Does not wait for the broker. On FAULT_NONE *out is the caller's until producer_close.
 * FAULT_INVALID: a setting is not librdkafka's or contradicts idempotence; error names it. */
MUST_CHECK enum fault producer_open(struct producer **out, const struct producer_settings *settings,
                                    char error[PRODUCER_ERROR_BYTES]);

/* The topic of that name; made on first use. FAULT_INVALID: not a topic's name. */
MUST_CHECK enum fault producer_topic(struct producer *producer, const char *name,
                                     struct producer_topic **out);

/* Queues one record; key, value and headers are copied. `partition` < 0 lets the key decide, by
 * the hash that Java's clients use. `tag` comes back in the report. header_count <= 8.
 * FAULT_FULL: the queue is full; poll and try again.  FAULT_CLOSED: the producer has failed.
 * FAULT_INVALID: the record is larger than message.max.bytes; it was not queued. */
MUST_CHECK enum fault producer_send(struct producer *producer, struct producer_topic *topic,
                                    int32_t partition, struct span key, struct span value,
                                    const struct producer_header *headers, size_t header_count,
                                    uint64_t tag);

/* Gives reports, waiting up to `wait_ms` for the first; returns how many were given. */
size_t producer_poll(struct producer *producer, int wait_ms);

/* True once a record was given up or librdkafka reported a fatal error: order or completeness can
 * no longer be promised. *words says why; the producer's, NULL while false. */
bool producer_failed(const struct producer *producer, const char **words);

/* Errors of connection and broker so far, those that librdkafka retries by itself included. */
uint64_t producer_errors(const struct producer *producer);

/* Waits up to `flush_ms` for outstanding records, gives their reports, then drops the rest
 * without a report. Accepts NULL. */
void producer_close(struct producer *producer, int flush_ms);

#endif
