/* listener: one listening socket, whose connections are dealt to servers in turn.
 *
 * One loop accepts and hands the sockets over, round-robin.  The kernel's own dealing
 * (SO_REUSEPORT) goes by a hash of addresses: with banks' few, long connections one loop would
 * often get most of them and another none.
 *
 * Threads: listener_open and listener_deal before the loop runs; the rest on the loop's thread. */
#ifndef SWITCH_LOOP_LISTENER_H
#define SWITCH_LOOP_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "switch/loop/loop.h"
#include "switch/loop/server.h"

#define LISTENER_WORDS_BYTES 128

struct listener;

/* Binds and listens; accepting begins with listener_deal.  port 0: any free one.
 * On FAULT_NONE *out is the caller's until listener_close.  `host`: a name or an address.
 * FAULT_BUSY: the port is in use.  FAULT_IO: any other refusal of the system.  FAULT_MEMORY.
 * `words` says why, without a line feed. */
MUST_CHECK enum fault listener_open(struct listener **out, struct loop *loop, const char *host,
                                    uint16_t port, char words[LISTENER_WORDS_BYTES]);

/* The real port. */
uint16_t listener_port(const struct listener *listener);

/* Accepts from now on, for these servers, at most LIMIT_LOOPS; they outlive the listener. */
MUST_CHECK enum fault listener_deal(struct listener *listener, struct server *const *servers,
                                    size_t count);

/* Stops listening; frees it when the loop has let it go. Accepts NULL. */
void listener_close(struct listener *listener);

#endif
