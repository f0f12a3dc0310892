/* relay: a wire between a bank's connector and the switch, which can be held and cut.
 *
 * The connector connects to the relay as if it were the switch; each connection gets one of the
 * relay's to the switch, and the bytes go through as they are: TLS stays end to end, nothing is
 * read.  What a conformance run does with it:
 *
 *     relay_arm     hold what the connector sends from the moment on that a delivery has reached it
 *     relay_hold    hold one direction at once
 *     relay_turn    let go what the connector sent, hold what it is answered
 *     relay_cut     reset every connection, what is held is lost; let the next ones pass
 *
 * Threads: that of its loop.  Nothing blocks. */
#ifndef LOADTEST_BANK_RELAY_H
#define LOADTEST_BANK_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/fault.h"
#include "proto/config/config.h"

/* A signed message takes at least 1,900 bytes; what a connector and the switch say without one (a
 * GET, a 204, a 201) at most 600, the frames of TLS included. */
#define RELAY_MESSAGE_BYTES 1200

struct relay;

enum relay_direction {
    RELAY_TO_SWITCH,
    RELAY_TO_CONNECTOR /* on the connections that are there, not on those that come */
};

/* Listens on `listen` (port 0: a free one), IPv4 or IPv6 in numbers.  On FAULT_NONE *out is the
 * caller's until relay_close.  FAULT_BUSY: the port is taken.  FAULT_INVALID: no such address.
 * FAULT_MEMORY, FAULT_IO. */
MUST_CHECK enum fault relay_open(struct relay **out, uv_loop_t *loop,
                                 const struct config_address *listen);

/* Where it really listens. */
uint16_t relay_port(const struct relay *relay);

/* Where the switch is; connections that come before are closed at once.  On the loopback. */
void relay_aim(struct relay *relay, uint16_t port);

/* Connections of the connector now open. */
unsigned relay_connections(const struct relay *relay);

/* From now on RELAY_MESSAGE_BYTES without a word of the connector between them, on a connection that
 * is there now, are a delivery: behind it everything to the switch is held. */
void relay_arm(struct relay *relay);

/* Whether a delivery has come since relay_arm. */
bool relay_has_delivered(const struct relay *relay);

/* Lets everything go on, what is held too. */
void relay_disarm(struct relay *relay);

void relay_hold(struct relay *relay, enum relay_direction direction);

/* Whether a message seems to be held: RELAY_MESSAGE_BYTES on one connection, or anything on one that
 * came meanwhile, as a connector has that connects for each request. */
bool relay_holds_message(const struct relay *relay);

/* Lets go what goes to the switch, and holds what comes back, but on connections that came while it
 * was held: they have their handshake before them. */
void relay_turn(struct relay *relay);

void relay_cut(struct relay *relay);

/* Ends all connections; the memory goes once the loop has run.  Accepts NULL. */
void relay_close(struct relay *relay);

#endif
