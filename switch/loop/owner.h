/* owner: what all connections of one participant together may take of a loop.
 *
 * Owners are numbers below LIMIT_PARTICIPANTS, given by server_handler.owner; all strangers together
 * are one more.  Each owner has its turn when it has something to be shown: in a turn of the loop one
 * request of every owner is shown to the handler, of its connections in the order in which they were
 * ready.  So whatever one bank sends, on however many connections, another waits for one of its
 * requests.  Beside that, of one owner there are at most
 *   LIMIT_OWNER_CONNECTIONS  connections; what further ones ask is answered 429;
 *   LIMIT_OWNER_OUTSTANDING  requests that are answered later; the next one waits;
 *   a quarter of the pool's buffers of each size (pool.h).
 *
 *     ready -> its turn -> shown -> [outstanding -> answered]
 *                     \-> stalled: no owner is shown anything before it
 *
 * Inside this folder only.  Threads: the server's loop. */
#ifndef SWITCH_LOOP_OWNER_H
#define SWITCH_LOOP_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "switch/loop/pool.h"
#include "switch/loop/queue.h"

#define OWNER_STRANGERS LIMIT_PARTICIPANTS
#define OWNERS (LIMIT_PARTICIPANTS + 1)

struct connection;
struct exchange;
struct server;

struct owner {
    struct queue ready; /* its connections with a request to be shown */
    struct queue turn;  /* link in the server's row of those that have their turn */
    uint32_t connections;
    uint32_t outstanding;
    struct pool_share share;
};

void owner_open(struct owner *owner);

/* The connection, a stranger until now, is of this owner; false: it has too many. */
MUST_CHECK bool owner_join(struct connection *connection, uint32_t number);

/* The connection is closing. */
void owner_leave(struct connection *connection);

/* The connection's request is complete: it waits for its turn. */
void owner_ready(struct connection *connection);

/* The exchange will be answered later, and: it has been, or is over. The latter does nothing for an
 * exchange that was not. */
void owner_hold(struct exchange *exchange);
void owner_let_go(struct exchange *exchange);

/* One request of every owner that has its turn; true when one was shown. */
bool owner_take_turns(struct server *server);

#endif
