/* dispatch: writes the answers to polls: which messages, with all that makes them.
 *
 * Goes through the participants whose outbox was stirred and lets each waiting stream take what is
 * there.  An answer whose facts are all in memory goes straight to the loop; one that needs the
 * ledger goes by the reader thread (lookup.h) and comes back complete.  A ring without room leaves
 * the stream waiting until the next turn: settlement waits for nobody.
 *
 * Threads: settlement's. */
#ifndef SWITCH_SETTLEMENT_DISPATCH_H
#define SWITCH_SETTLEMENT_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "switch/ring/ring.h"
#include "switch/settlement/outbox.h"
#include "switch/settlement/stream.h"

struct dispatch {
    struct outbox *outbox;
    struct stream_table *streams;
    struct ring *const *replies; /* by loop */
    uint32_t loop_count;
    struct ring *requests; /* to the reader thread */
    struct ring *results;  /* from it */
    struct span held;      /* a result that is read and could not be passed on yet */
    bool *touched;         /* by loop: something was written to its ring */
    bool asked;            /* the reader thread has something new to look at */
};

/* Serves every stream that waits and for which there is something. */
void dispatch_serve(struct dispatch *dispatch, int64_t now_ns);

/* Passes on what the reader thread has found. True when there was something. */
bool dispatch_collect(struct dispatch *dispatch);

/* One answer that needs no deliveries. */
void dispatch_say(struct dispatch *dispatch, const struct stream_answer *answer);

/* Answers a GET of a receipt, by the reader thread.  `seq` is of the entry that settled the payment
 * (0: the core, which knows what was settled since remembered_ns, does not know it).  It is durable
 * before the reader hears of it: what a turn writes to the rings is shown after its commit. */
void dispatch_receipt(struct dispatch *dispatch, uint32_t loop,
                      const struct receipt_command *command, uint64_t seq, int64_t remembered_ns);

/* Room in a loop's ring that is kept for answers without deliveries. */
bool dispatch_has_room(struct dispatch *dispatch, uint32_t loop);

#endif
