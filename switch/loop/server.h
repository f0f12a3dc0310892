/* server: one port's HTTP side on one loop: its connections, their requests, and who answers them.
 *
 *   listener --socket--> server --> connection --request--> exchange --> handler
 *                                                               ^           |
 *                                                               +--answer---+  now or later
 *
 * Requests of a connection are answered in the order in which they came.  They are shown to the
 * handler one behind the other, at most LIMIT_PIPELINED before the first of them is answered; what
 * stands behind one that waits (SERVER_WAITS) is not shown before that is answered.
 *
 * What the server does by itself: TLS; malformed requests and all bounds (400, 505, 414, 431, 413);
 * 408; 503 when no buffer is left for a body; `Expect: 100-continue`; refusals before the body was
 * read close the connection and read on for LIMIT_LINGER_SECONDS; idle connections are closed; a
 * client that does not take its answer for LIMIT_STALL_SECONDS is cut.
 *
 * Fairness: connections of an owner take their turns together (owner.h), and those whose owner is not
 * known give way to others (stranger.h).
 *
 * Threads: the one of its loop, but server_adopt: the one thread of the listener. */
#ifndef SWITCH_LOOP_SERVER_H
#define SWITCH_LOOP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/metric.h"
#include "proto/base/span.h"
#include "proto/http/request.h"
#include "proto/tls/tls_context.h"
#include "switch/loop/exchange.h"
#include "switch/loop/loop.h"

/* What the handler says of a request that is complete. */
enum server_step {
    SERVER_ANSWERED, /* exchange_answer and its like have been called */
    SERVER_LATER,    /* it will be answered; requests behind it may be shown meanwhile */
    SERVER_WAITS,    /* likewise, but nothing behind it is shown before */
    SERVER_STALLED   /* it cannot be begun now: server_show shows it again, and what comes later on
                        any connection waits behind it */
};

struct server_handler {
    void *context;
    /* Whose connection it is, by the certificate that the peer has proved to hold (NULL on a port
     * without TLS): *owner below LIMIT_PARTICIPANTS.  False: not known, it is asked again when the
     * next request comes.  May be NULL: nobody is known. */
    bool (*owner)(void *context, const struct hash *peer, uint32_t *owner);
    /* The head was read.  False: refused, an answer has been given.  True: read the body, if any,
     * then call complete.  *request is good during this call and during complete. */
    bool (*head)(void *context, struct exchange *exchange, const struct request *request);
    /* The whole request was read; `body` is good during the call. */
    enum server_step (*complete)(void *context, struct exchange *exchange,
                                 const struct request *request, struct span body);
    /* exchange_wake_after's time is up. May be NULL when that is never called. */
    void (*time_up)(void *context, struct exchange *exchange);
    /* The connection of an exchange that was to be answered later is gone.  The handler calls
     * exchange_forget or exchange_answer, now or later. */
    void (*lost)(void *context, struct exchange *exchange);
};

struct server_settings {
    struct loop *loop;
    struct tls_context *tls; /* NULL: plain HTTP. The caller's, until server_close has returned */
    const struct server_handler *handler; /* copied */
    size_t data_bytes;                    /* of exchange_data, at most 256 */
    int64_t request_timeout_ns;           /* from a request's first byte to its last; a handshake */
    int64_t idle_timeout_ns;              /* a connection without a request */
    bool problems_in_json;                /* where the request's Accept is not known */
    struct metric_block *metrics;         /* of this thread; NULL: this port is not counted */
};

/* On FAULT_NONE *out is the caller's until server_close. FAULT_MEMORY: none to be had. */
MUST_CHECK enum fault server_open(struct server **out, const struct server_settings *settings);

/* Hands over a connected socket, from the listener's thread; the server owns it from here.
 * `origin`: stranger_origin of its peer.
 * FAULT_FULL: too many wait to be taken over; the socket is still the caller's. */
MUST_CHECK enum fault server_adopt(struct server *server, int socket_fd, uint64_t origin);

/* For the loop's duty, each turn, in this order: takes over adopted sockets; shows the handler one
 * request of each owner, until one stalls; sends what has been answered.  Each returns true when it
 * did something. */
bool server_accept(struct server *server);
bool server_show(struct server *server);
bool server_flush(struct server *server);

/* From now on connections without an open request close at once, the others after their answers,
 * and all that is left after `grace_ns`.  The time of every exchange that waits is up. */
void server_stop(struct server *server, int64_t grace_ns);

uint32_t server_connection_count(const struct server *server);

/* Assumed: server_connection_count is 0, or the loop has never run. Accepts NULL. */
void server_close(struct server *server);

#endif
