/* stream: what the switch has for a bank, message by message, confirmed when the bank says so.
 *
 *     stream_open -> [message ...] batch -> stream_next (confirms the batch) -> [message ...] batch ...
 *                                        -> stream_close (confirms the batch, DELETE) -> closed
 *
 * Waiting is quiet: 204 leads to the next GET, 410 to a new stream, lost connections to the same GET
 * again, 429 and 503 to another try after Retry-After.  What was not confirmed is delivered again
 * under the same PI-ResourceId (WIRE section 1): the bank drops what it has already worked on.
 * Possible failure: an answer that no retry can change (403, 406 ...): `failed`, and no more.
 *
 * Threads: that of the bank's loop. */
#ifndef LOADTEST_BANK_STREAM_H
#define LOADTEST_BANK_STREAM_H

#include <stdbool.h>

#include "loadtest/bank/bank.h"
#include "proto/base/span.h"

struct stream;

struct stream_settings {
    struct bank *bank; /* must outlive the stream */
    bool many;         /* accept up to 10 messages at once */
    void *context;     /* handed to the callbacks */
    /* One message of a batch; the spans are good during the call. */
    void (*message)(void *context, struct span resource_id, struct span bytes);
    /* The batch is complete (1 or more messages): call stream_next, now or later. */
    void (*batch)(void *context, struct stream *stream);
    /* It is over; words are static or the stream's, good during the call. */
    void (*failed)(void *context, struct stream *stream, const char *words);
};

/* FAULT_MEMORY.  On FAULT_NONE *out is the caller's until stream_close or stream_drop. */
MUST_CHECK enum fault stream_open(struct stream **out, const struct stream_settings *settings);

/* Confirms the batch and waits for the next. Assumed: `batch` was called and nothing since. */
void stream_next(struct stream *stream);

/* Leaves the batch unconfirmed, to be delivered to another stream of this bank, and goes on with
 * a new one after half a second. Assumed as above. */
void stream_abandon(struct stream *stream);

/* Confirms the batch, if `batch` was called and nothing since, and closes the stream at the switch;
 * then calls `closed` with the stream's context, later, never from inside, and frees the stream.  It
 * gives up after 2 s. Assumed: not from inside `message`. */
void stream_close(struct stream *stream, void (*closed)(void *context));

/* Ends the connection and frees the stream without a word: as a bank that dies.  Accepts NULL. */
void stream_drop(struct stream *stream);

#endif
