/* stream: a participant's GETs and DELETEs on its streams, which settlement keeps (WIRE section 1).
 *
 *   stream/start, GET, DELETE --POLL--> settlement --POLL_REPLY--> 200, 204, 410, 429
 *        | poll_seconds are up, or the switch stops: POLL_END, and the reply is a 204
 *        | the connection is lost: POLL_END, and the exchange is forgotten
 *
 * The happy path: stream_begin -> "waits" -> stream_finish with the messages of the reply.
 * Possible failures: no room towards settlement (the request stalls); a repeat that takes one message
 * only while the stream holds several (406, the stream keeps them); a message that cannot be made or
 * a batch for which no buffer is left (the connection is cut: the client repeats its GET and gets the
 * same batch).
 *
 * Threads: the one of its loop. */
#ifndef SWITCH_PARTICIPANT_STREAM_H
#define SWITCH_PARTICIPANT_STREAM_H

#include <stdint.h>

#include "proto/record/reply.h"
#include "switch/loop/exchange.h"
#include "switch/loop/server.h"
#include "switch/participant/crossing.h"
#include "switch/participant/outbound.h"
#include "switch/participant/task.h"
#include "switch/ring/ring.h"

/* All pointers stay the caller's and outlive it. */
struct stream {
    int64_t poll_ns; /* how long a GET waits */
    struct crossing *crossing;
    struct outbound *outbound;
};

/* Takes a request that session_admit has let through. */
MUST_CHECK enum server_step stream_begin(struct stream *stream, struct exchange *exchange);

/* The time of a waiting GET is up. */
void stream_end(struct stream *stream, struct exchange *exchange);

/* The connection of a waiting request is gone; the exchange is forgotten. */
void stream_lose(struct stream *stream, struct exchange *exchange);

/* Settlement's reply, whose deliveries are next in `replies` and are all taken.  NULL: the exchange
 * is over. */
void stream_finish(struct stream *stream, struct exchange *exchange, const struct poll_reply *reply,
                   struct ring *replies);

#endif
