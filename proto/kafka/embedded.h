/* embedded: a Kafka broker inside this process, for development, the demo and tests only.
 *
 * It is librdkafka's mock cluster: one broker on a free port of 127.0.0.1, plain text, that any
 * Kafka client can read and write.  It keeps everything in memory, forgets the oldest records of a
 * partition beyond 5 MiB, and has neither transactions nor an admin API; it says so in the log
 * when it opens.
 *
 * Threads: any one; the broker runs on librdkafka's own. */
#ifndef PROTO_KAFKA_EMBEDDED_H
#define PROTO_KAFKA_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"

struct embedded;

/* One topic to be there from the start. */
struct embedded_topic {
    const char *name;
    int partitions; /* 1 to 32 */
};

#define EMBEDDED_ERROR_BYTES 256

/* On FAULT_NONE *out is the caller's until embedded_close. FAULT_IO: no port could be had. */
MUST_CHECK enum fault embedded_open(struct embedded **out, const struct embedded_topic *topics,
                                    size_t topic_count, char error[EMBEDDED_ERROR_BYTES]);

/* "127.0.0.1:PORT"; the broker's. */
const char *embedded_address(const struct embedded *embedded);

/* For tests of those who send: the broker stops answering until it is called with false. */
void embedded_set_down(struct embedded *embedded, bool down);

/* For tests of those who send: how the next `count` produce requests fail. */
enum embedded_failure {
    EMBEDDED_NOT_ENOUGH_REPLICAS, /* the client tries again by itself */
    EMBEDDED_UNKNOWN_PRODUCER,    /* idempotence lost: fatal for the client */
    EMBEDDED_OUT_OF_SEQUENCE,     /* the same, where records are in flight */
};
void embedded_fail_next(struct embedded *embedded, enum embedded_failure failure, size_t count);

/* Accepts NULL. Clients that are connected are cut off. */
void embedded_close(struct embedded *embedded);

#endif
