/* stranger: connections whose peer is not known yet, or never will be, kept from being in the way.
 *
 * A connection is a stranger until its handler has said whose it is (server_handler.owner): while
 * its TLS handshake is under way, and for ever with a certificate that is nobody's.  Strangers
 *   - give way: beyond LIMIT_STRANGERS_EACH of one address, or when the loop is full, the one that
 *     has been silent longest is closed.  An honest bank is done in two round trips, so what has been
 *     silent longest is hardly one, also where it shares its address with an attacker; to refuse the
 *     newest would let the attacker's silent ones shut it out.  One whose bytes wait for us is not
 *     silent: where all are like that, many come at once, and it is the newest that has to come again;
 *   - are served one behind the other, LIMIT_STRANGER_STEPS in a turn of the loop, as a step of a
 *     handshake costs as much as a payment, and those who pay come first.
 *
 *     silent --its socket can be read, and it is not its turn--> knocking --let in--> silent
 *
 * Addresses are told apart by 32 bits of IPv4 and 64 of IPv6, in rows by a hash with a secret: two
 * that share a row share its bound.
 *
 * Inside this folder only.  Threads: the server's loop, but stranger_origin: any. */
#ifndef SWITCH_LOOP_STRANGER_H
#define SWITCH_LOOP_STRANGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/base/fault.h"
#include "switch/loop/queue.h"

#define STRANGER_ROWS 1024

struct connection;
struct server;

struct stranger_row {
    struct queue silent; /* longest first */
    uint32_t count;      /* those that knock too */
};

struct strangers {
    uint64_t secret;     /* odd */
    uint32_t steps;      /* left in this turn */
    struct queue silent; /* of all rows, longest first */
    struct queue knocking;
    struct stranger_row rows[STRANGER_ROWS];
};

/* What of an address tells one origin from another; 0 for one of another family. */
uint64_t stranger_origin(const struct sockaddr_storage *address);

/* FAULT_CRYPTO: there is no secret to be had. */
MUST_CHECK enum fault stranger_open(struct strangers *strangers);

/* Makes room for one more from there; false: there is none, refuse it. */
MUST_CHECK bool stranger_make_room(struct server *server, uint64_t origin);

/* From here on it is one. */
void stranger_join(struct connection *connection, uint64_t origin);

/* It is none any more, or is closing. Nothing happens when it was none. */
void stranger_leave(struct connection *connection);

/* Its socket can be read: whether that is to be done now.  False: it knocks, and its socket is not
 * to be watched before it is let in. Assumed: it is a stranger. */
MUST_CHECK bool stranger_may_enter(struct connection *connection);

/* It has been heard, so it is no longer the one that has been silent longest. */
void stranger_heard(struct connection *connection);

/* A new turn: lets in those that knock, oldest first; true when there was one. */
bool stranger_let_in(struct server *server);

#endif
