/* settlement: where core and ledger meet: the one thread that decides, journals and answers.
 *
 *   loops --commands--> [ stamp | expire | step the core | append ] COMMIT [ replies | deliveries ] --replies--> loops
 *                                                              |
 *                                                         durable_seq --> publisher, follower
 *
 * Group commit is natural, not timed: a turn takes whatever arrived during the last one.  Nothing
 * that depends on an entry leaves before the commit that holds it.  Settlement waits for nobody: a
 * ring without room leaves a poll waiting, and the ledger is read by another thread (lookup.h).
 *
 * After a failed commit nothing is said any more and the process must stop.
 *
 * Threads: settlement_open (recovery.c) and settlement_close on one thread while the others do not
 *          run; settlement_turn on settlement's own; settlement_registry after settlement_open.
 * Memory:  taken in settlement_open. */
#ifndef SWITCH_SETTLEMENT_SETTLEMENT_H
#define SWITCH_SETTLEMENT_SETTLEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/metric.h"
#include "proto/crypto/certificate.h"
#include "proto/record/calendar.h"
#include "proto/record/published.h"
#include "proto/record/registry.h"
#include "switch/core/engine.h"
#include "switch/ring/ring.h"

struct settlement;

#define SETTLEMENT_WORDS_BYTES 512

/* Pointers stay the caller's and outlive the settlement. */
struct settlement_options {
    const char *directory;    /* of the ledger */
    const char *vfs;          /* SQLite VFS; NULL: the system's */
    const char *genesis_path; /* read only when the ledger is empty */
    struct engine_options engine;
    const struct certificate
        *certificate;                /* of the key that signs snapshots; NULL: start without */
    const struct calendar *calendar; /* when days end; NULL: they do not */
    uint64_t segment_entries;        /* after which a new segment is begun; 0: by days only */
    uint32_t streams_max;
    int64_t stream_idle_ns;
    uint32_t loop_count;
    struct ring *commands[LIMIT_LOOPS]; /* from each loop */
    struct ring *replies[LIMIT_LOOPS];  /* to each loop */
    struct ring *requests;              /* to the reader thread */
    struct ring *results;               /* from it */
    struct published *published;
    struct metric_block *metrics;
    int64_t wall_ns, monotonic_ns; /* the two clocks now */
};

/* Opens the ledger, replays it or writes genesis, and is ready for turns.
 * FAULT_BUSY: somebody else has the ledger; FAULT_CORRUPT, FAULT_VERSION, FAULT_IO, FAULT_MEMORY,
 * FAULT_CRYPTO; FAULT_INVALID: genesis is bad; FAULT_CLOSED: the clock is too far behind the ledger.
 * `words` says why, without a line feed.  *out is the caller's until settlement_close. */
MUST_CHECK enum fault settlement_open(struct settlement **out,
                                      const struct settlement_options *options,
                                      char words[SETTLEMENT_WORDS_BYTES]);

const struct registry *settlement_registry(struct settlement *settlement);

/* What a turn found to do, and when the next one is due at latest. */
struct settlement_turn {
    bool did;                  /* something: the next turn should follow at once */
    int64_t due_ns;            /* at latest then, by this turn's clock, when nothing rings */
    int64_t now_ns;            /* this turn's time */
    bool touched[LIMIT_LOOPS]; /* loops whose ring was written to: ring their bells */
    bool reader_touched;       /* requests were written for the reader thread */
};

/* One turn.  Any fault: nothing may be said any more, the process must stop; the log says why. */
MUST_CHECK enum fault settlement_turn(struct settlement *settlement, int64_t wall_ns,
                                      int64_t monotonic_ns, struct settlement_turn *turn);

/* Answers all waiting polls with 204, once, before the loops end. */
void settlement_end_polls(struct settlement *settlement, struct settlement_turn *turn);

/* The core, for invariants in tests and for gauges; between turns only. */
struct engine *settlement_engine(struct settlement *settlement);
struct outbox *settlement_outbox(struct settlement *settlement);

/* Stores the marks, checkpoints and closes the ledger.  Accepts NULL. */
void settlement_close(struct settlement *settlement);

#endif
