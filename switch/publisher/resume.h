/* resume: finds out where to go on, from what the broker holds and what the ledger says.
 *
 *   cauce.ledger.v1     its last sequence; what comes after it is to be sent
 *   cauce.payments.v1   everything up to that sequence was acknowledged before, unless the topic is
 *                       empty, or was made anew, or an earlier filling was cut off: then from 1
 *
 * It asks the broker and waits for it, so it belongs between two producers, not beside one. */
#ifndef SWITCH_PUBLISHER_RESUME_H
#define SWITCH_PUBLISHER_RESUME_H

#include <stdint.h>

#include "ledger/reader.h"
#include "proto/base/fault.h"
#include "proto/kafka/consumer.h"
#include "switch/publisher/event.h"

struct resume {
    uint64_t ledger_seq;    /* the last sequence in cauce.ledger.v1; 0: none */
    uint64_t payments_from; /* the sequence from which cauce.payments.v1 is to be filled, >= 1 */
};

#define RESUME_ERROR_BYTES 512

/* Asks about both topics. `durable_seq` is the ledger's newest sequence, at least 1.
 * FAULT_BUSY, FAULT_IO: the broker does not answer, or the ledger cannot be read: ask again later.
 * FAULT_CORRUPT: cauce.ledger.v1 is not a part of this ledger: a person must look.
 * error says why in each case. */
MUST_CHECK enum fault resume_find(struct resume *resume, struct consumer *consumer,
                                  struct reader *reader, const struct event *event,
                                  uint64_t durable_seq, char error[RESUME_ERROR_BYTES]);

#endif
