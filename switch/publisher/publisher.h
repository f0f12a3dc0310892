/* publisher: tells Kafka what is in the ledger (WIRE section 9).
 *
 * The outbox is the ledger itself: one thread reads entries by sequence as they become durable and
 * produces cauce.payments.v1 (payment entries, key = id) and cauce.ledger.v1 (every entry, one
 * partition).  A sequence goes to cauce.ledger.v1 only after everything of lower or equal sequence
 * in the other topics is acknowledged, so a restart goes on after the last sequence that
 * cauce.ledger.v1 holds; another topic found empty or made anew is sent again from 1, that topic
 * alone.  Consumers may see a sequence twice, never a gap.
 *
 * What may go wrong: the broker is away (entries wait in the ledger, the log says so); the producer
 * fails for good (it is built anew and resumes from what the broker holds); the topic holds another
 * ledger's entries (nothing is sent: a person must look; asked again every 10 s).  Settlement waits
 * for none of it.
 *
 * Threads: publisher_start and publisher_stop belong to one thread (main); the meters may be read
 *          from any.  The thread has its own read-only connection to the ledger. */
#ifndef SWITCH_PUBLISHER_PUBLISHER_H
#define SWITCH_PUBLISHER_PUBLISHER_H

#include <stdatomic.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/config/config.h"

#define PUBLISHER_TOPIC_LEDGER "cauce.ledger.v1"
#define PUBLISHER_TOPIC_PAYMENTS "cauce.payments.v1"
#define PUBLISHER_PAYMENTS_PARTITIONS 4 /* when we make the topic; a broker may have more */

/* What the thread is doing. */
enum publisher_state {
    PUBLISHER_CONNECTING, /* asks the broker what it holds, or waits until it may ask again */
    PUBLISHER_RUNNING,    /* follows the ledger */
    PUBLISHER_REFUSED,    /* the topic does not continue this ledger */
    PUBLISHER_STOPPED     /* publisher_stop was called, or the ledger cannot be read */
};

/* Written by the publisher's thread, read by any with atomic_load. Lag = durable - acknowledged. */
struct publisher_meters {
    _Atomic uint64_t acknowledged_seq; /* everything up to it is in cauce.ledger.v1 */
    _Atomic uint64_t errors;           /* of connection and broker */
    _Atomic uint64_t rebuilds;         /* producers built anew after a failure */
    _Atomic int state;                 /* enum publisher_state */
};

struct publisher;

struct publisher_settings {
    const struct config *config;         /* ledger_directory, rdkafka, switch_code, _currency */
    const char *bootstrap;               /* the embedded broker's address; NULL: rdkafka's */
    const _Atomic uint64_t *durable_seq; /* settlement's; outlives the publisher */
    struct publisher_meters *meters;     /* the caller's, zeros; outlives the publisher */
};

#define PUBLISHER_ERROR_BYTES 256

/* Starts the thread. FAULT_INVALID: a rdkafka setting is bad; error names it. */
MUST_CHECK enum fault publisher_start(struct publisher **out,
                                      const struct publisher_settings *settings,
                                      char error[PUBLISHER_ERROR_BYTES]);

/* Sends what is durable and can be sent within `flush_ms`, then ends the thread. Accepts NULL. */
void publisher_stop(struct publisher *publisher, int flush_ms);

#endif
