/* settlement_internal: the parts of struct settlement, for recovery.c, turn.c, opening.c and closing.c only. */
#ifndef SWITCH_SETTLEMENT_SETTLEMENT_INTERNAL_H
#define SWITCH_SETTLEMENT_SETTLEMENT_INTERNAL_H

#include "ledger/journal.h"
#include "ledger/marks.h"
#include "switch/settlement/clock.h"
#include "switch/settlement/dispatch.h"
#include "switch/settlement/outbox.h"
#include "switch/settlement/roster.h"
#include "switch/settlement/settlement.h"
#include "switch/settlement/stream.h"

/* Bodies answered after one commit, at most; more wait for the next turn. */
#define SETTLEMENT_BODIES_MAX 1024

struct staged_reply {
    uint32_t loop;
    struct body_reply reply;
};

struct settlement {
    struct settlement_options options;
    struct clock clock;
    struct journal *journal;
    struct marks *marks;
    struct engine *engine;
    struct outbox *outbox;
    struct stream_table *streams;
    struct roster roster;
    struct dispatch dispatch;
    struct stamp stamp; /* of this turn */
    bool is_seeded;     /* the stamp's seed is fresh */
    uint32_t staged_count;
    struct staged_reply staged[SETTLEMENT_BODIES_MAX];
    bool touched[LIMIT_LOOPS];
    uint64_t newest_seq; /* appended; <= durable only between turns */
    int64_t marks_due_ns;
    int64_t sweep_due_ns;
    int64_t close_due_ns;   /* the day's end (closing.h) */
    bool segment_is_due;    /* a new one is to be begun, */
    int64_t segment_due_ns; /* not tried before */
    struct mark mark;       /* scratch */
};

/* Takes in an entry that the core has made: journal, outbox, roster.  `evidence` NULL: no message
 * caused it; `canonical`: of reserved, the transaction.  Commits by itself when the block is full, but not
 * in genesis, which is on disk whole or not at all: FAULT_FULL. */
MUST_CHECK enum fault turn_enter(struct settlement *settlement, const struct outcome *outcome,
                                 const struct evidence *evidence, struct span canonical);

/* Draws the stamp's seed unless this turn has one. FAULT_CRYPTO. */
MUST_CHECK enum fault turn_seed(struct settlement *settlement);

/* Stores the marks that have changed; a failure is logged. */
void turn_store_marks(struct settlement *settlement);

/* Lets the follower see what the newest commit made of the state. */
void turn_publish_mark(struct settlement *settlement);

/* Makes durable what was appended and publishes the sequence. */
MUST_CHECK enum fault turn_commit(struct settlement *settlement);

#endif
