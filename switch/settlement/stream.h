/* stream: a bank's view of its outbox (WIRE section 1, "Streams").
 *
 *                 start                   GET next_step                DELETE next_step
 *   (none) -----------------> WAITING <------------------- ANSWERED -------------------> (gone)
 *                                |  messages, or 204 in time   ^ |
 *                                +-----------------------------+ +--- idle, reclaimed -> (gone)
 *
 * Each answer hands out a new step; the GET of that step confirms what came with the answer.  The
 * step last asked may be asked again: it gives the same batch, or waits again where that was empty.
 * Every other step is gone.  An answer to a repeated GET that had been answered 204 gets a newer
 * step, so that the older one, which came with an empty batch, can never confirm messages that its
 * holder has not seen.
 *
 * Threads: settlement's.  Memory: in stream_open and, per participant, stream_join. */
#ifndef SWITCH_SETTLEMENT_STREAM_H
#define SWITCH_SETTLEMENT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/record/reply.h"
#include "switch/settlement/outbox.h"

struct stream {
    uint64_t id;         /* random; 0: this place is free */
    uint64_t asked_step; /* of the last GET; 0: stream/start */
    uint64_t next_step;  /* handed out with the last answer; 0: none since the last GET */
    uint64_t steps;      /* handed out so far */
    bool is_used;        /* a step of it was asked */
    bool is_waiting;     /* the last GET has no answer yet */
    bool is_repeat;      /* it asked again for the batch that is held */
    uint32_t loop;       /* of the waiting GET */
    uint32_t messages_max;
    struct request_id request;
    int64_t last_use_ns;    /* when it last ceased to wait */
    uint64_t waiting_order; /* of streams that wait, the lower is served first */
    uint32_t held_count;
    struct parcel *held[LIMIT_PARTS];
};

/* What is to be said at once of a request, if anything. */
struct stream_answer {
    uint32_t loop;
    struct poll_reply reply;
};

struct stream_table;

struct stream_options {
    uint32_t streams_max; /* of one participant, 1 to LIMIT_STREAMS */
    int64_t idle_ns;
    struct outbox *outbox; /* outlives the table */
};

/* FAULT_MEMORY. *out is the caller's until stream_close. */
MUST_CHECK enum fault stream_open(struct stream_table **out, const struct stream_options *options);

/* A participant joins, in the outbox's order. FAULT_MEMORY. */
MUST_CHECK enum fault stream_join(struct stream_table *table);

#define STREAM_ANSWERS_MAX 2 /* the request's own, and that of one which it took over or closed */

/* A GET or DELETE has come.  Returns how many answers are due now; a GET that waits has none.
 * FAULT_CRYPTO in *fault: no randomness for a new stream; answers is then 0 and the process stops. */
uint32_t stream_poll(struct stream_table *table, const struct poll_command *poll, uint32_t loop,
                     int64_t now_ns, struct stream_answer answers[STREAM_ANSWERS_MAX],
                     enum fault *fault);

/* The loop says that a waiting GET's time is up (its answer is due) or that its connection is gone. */
uint32_t stream_poll_end(struct stream_table *table, const struct poll_end_command *end,
                         uint32_t loop, int64_t now_ns,
                         struct stream_answer answers[STREAM_ANSWERS_MAX]);

/* The next stream of this participant that waits and was not passed over, oldest wait first: NULL
 * when there is none.  `after` is the order of the one before, 0 for the first. */
struct stream *stream_waiting(struct stream_table *table, uint32_t participant, uint64_t after);

/* A repeated GET of a batch that is still held: it is to be sent again. */
bool stream_repeats(const struct stream *stream);

/* Answers the waiting GET with what it holds, and hands out the next step. */
struct stream_answer stream_answer(struct stream *stream, int64_t now_ns);

/* Gives up streams that have not waited for the idle time; what they held is offered again. */
void stream_sweep(struct stream_table *table, int64_t now_ns);

/* Answers every waiting GET with 204, for a clean stop: calls `say` for each. */
void stream_end_all(struct stream_table *table, int64_t now_ns,
                    void (*say)(void *context, const struct stream_answer *), void *context);

uint32_t stream_count(const struct stream_table *table);
uint64_t
stream_confirmed(const struct stream_table *table); /* messages confirmed since the start */

/* Accepts NULL. */
void stream_close(struct stream_table *table);

#endif
