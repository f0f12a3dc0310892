/* keeper: looks after the ledger's files behind settlement's back: the next segment is there before
 * it is needed, the one left behind is sealed, and every second with traffic a block is signed.
 *
 *   entry `segment` N  --> N + 1 is prepared, N - 1 is sealed step by step
 *   entry `day`        --> a checkpoint at once
 *   a second passed, new entries are durable --> a checkpoint
 *
 * Signing is off settlement's thread, and its key object is its own.  What the disk refuses is tried
 * again a second later: settlement goes on meanwhile, in the segment that it has.
 *
 * Threads: the follower's. */
#ifndef SWITCH_SETTLEMENT_KEEPER_H
#define SWITCH_SETTLEMENT_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/reader.h"
#include "proto/base/fault.h"
#include "proto/base/metric.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"
#include "proto/record/entry.h"

struct keeper;

/* Pointers stay the caller's and outlive the keeper. */
struct keeper_options {
    const char *directory;
    const char *vfs; /* NULL: the system's */
    const struct private_key *key;
    const struct certificate *certificate;
    struct reader *reader; /* the follower's */
    struct metric_block *metrics;
};

/* What signatures_open says; FAULT_MEMORY.  *out is the caller's until keeper_close. */
MUST_CHECK enum fault keeper_open(struct keeper **out, const struct keeper_options *options);

/* The newest segment that has begun; from then on keeper_entry says so. */
void keeper_start(struct keeper *keeper, uint64_t segment_number);

/* An entry that is durable, in the order of the ledger. */
void keeper_entry(struct keeper *keeper, const struct entry *entry);

/* Some milliseconds of work; *did is true when it was not in vain.  `durable_seq` is the newest
 * entry that may be spoken of, `now_ns` monotonic.
 * FAULT_CORRUPT: the ledger's files are not as they were written; the log says how. */
MUST_CHECK enum fault keeper_step(struct keeper *keeper, uint64_t durable_seq, int64_t now_ns,
                                  bool *did);

/* Signs the newest block now, if that has not been done; failures are logged. */
void keeper_checkpoint(struct keeper *keeper, uint64_t durable_seq);

/* Accepts NULL. */
void keeper_close(struct keeper *keeper);

#endif
