/* follower: goes through the ledger behind settlement, with an engine of its own.
 *
 *   settlement --mark of the state after each commit--> follower --> the same mark, or settlement stops
 *   ledger     --entries----------------------------------> |  |
 *                     index (search) <----------------------+  +--> keeper: segments, seals, checkpoints
 *                     snapshots, of the follower's engine <----+
 *
 * The two engines saw the same entries, one as commands and one as replay, in different places of
 * memory: as long as their marks are equal at the same sequence, neither was damaged.  The live core
 * is never read by another thread, so a snapshot, of hundreds of megabytes, never makes it wait.
 *
 * Everything here can be late without harm: settlement never waits for it.
 *
 * Threads: follower_open and follower_close on the thread that starts it; follower_step and
 *          follower_finish on its own.  A simulator calls steps instead of running a thread.
 * Memory:  as much as the live engine, taken in the first step; some MiB in follower_open. */
#ifndef SWITCH_SETTLEMENT_FOLLOWER_H
#define SWITCH_SETTLEMENT_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/metric.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"
#include "proto/record/published.h"
#include "switch/core/engine.h"

struct follower;

/* Pointers stay the caller's and outlive the follower. */
struct follower_options {
    const char *directory;         /* of the ledger, which has entries */
    const char *vfs;               /* SQLite VFS; NULL: the system's */
    struct engine_options engine;  /* of the live engine; the index_key better another */
    const struct private_key *key; /* what signs checkpoints, seals and snapshots */
    const struct certificate *certificate;
    uint64_t snapshot_entries; /* between two snapshots; 0: never any */
    bool is_paced; /* rests between slices of a snapshot, so that commits find the disk free */
    struct published *published;
    struct metric_block *metrics;
};

/* FAULT_MEMORY; what reader_open, signatures_open and signer_open say.  *out is the caller's until
 * follower_close. */
MUST_CHECK enum fault follower_open(struct follower **out, const struct follower_options *options);

/* Processor and disk are for the others first, where the system knows such a thing: to be called once
 * on the follower's thread. */
void follower_step_back(void);

/* Does some work; *did is true when more may be there at once.  The first step takes as long as a
 * start, and one that writes a snapshot as long as that; others some ten milliseconds.  `now_ns` is
 * monotonic.  What the disk refuses is logged and tried again later.
 * FAULT_CORRUPT: the live state is not what the ledger's entries make, or the ledger is damaged;
 * the log says which, published->must_halt is set, and nothing but follower_close may follow.
 * FAULT_MEMORY, FAULT_FULL, FAULT_VERSION, FAULT_INVALID: no engine could be made; likewise. */
MUST_CHECK enum fault follower_step(struct follower *follower, int64_t now_ns, bool *did);

/* At a clean stop, when settlement has ended: catches up, signs the newest block, and writes a
 * snapshot when more than a tenth of snapshot_entries have come since the last, all within
 * LIMIT_FOLLOWER_STOP_MS or not at all.  The marks are compared once more: faults as above. */
MUST_CHECK enum fault follower_finish(struct follower *follower);

/* Sequence up to which both states were found alike; that of the newest snapshot, 0: none yet. */
uint64_t follower_checked_seq(const struct follower *follower);
uint64_t follower_snapshot_seq(const struct follower *follower);

/* Accepts NULL. */
void follower_close(struct follower *follower);

#endif
