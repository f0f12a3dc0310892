/* net_loop: the thread between the banks and settlement: sockets, TLS, HTTP, XML, signatures.
 *
 *   banks ==TLS==> server -> session -> intake  --commands ring--> settlement
 *                                   \-> stream  --commands ring-->     |
 *   banks <==TLS== server <- stream <- outbound <--replies ring--------+
 *
 * Threads: net_loop_open, net_loop_listen and net_loop_close on the thread that starts the loops,
 *          before and after they run; net_loop_run is the thread's main function; net_loop_stop and
 *          bell_ring on net_loop_bell from any thread.
 * Bounds:  at most LIMIT_LOOP_OUTSTANDING bodies, polls and receipts at settlement; it always drains
 *          its replies.  A body is begun only when LIMIT_BODY_COMMAND_BYTES fit the commands ring,
 *          which must be of LIMIT_COMMAND_RING_BYTES at least. */
#ifndef SWITCH_PARTICIPANT_NET_LOOP_H
#define SWITCH_PARTICIPANT_NET_LOOP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/metric.h"
#include "proto/config/config.h"
#include "proto/record/published.h"
#include "proto/record/registry.h"
#include "proto/tls/tls_context.h"
#include "switch/participant/bucket.h"
#include "switch/ring/bell.h"
#include "switch/ring/ring.h"

#define NET_LOOP_WORDS_BYTES 1280 /* a path and why it is of no use */

struct net_loop;

/* All pointers stay the caller's and outlive the net loop. */
struct net_loop_settings {
    uint32_t index;                            /* 0 to LIMIT_LOOPS - 1, each its own */
    const struct config *config;               /* switch, participants, signing, payments */
    const struct tls_ticket_seed *ticket_seed; /* the same for all loops of the port */
    struct ring *commands;                     /* this loop writes, settlement reads */
    struct bell *settlement_bell;              /* rung after writing */
    struct ring *replies;                      /* settlement writes, this loop reads */
    struct published *published;
    const struct registry *_Atomic *registry; /* the newest; NULL before there is one (503) */
    struct bucket_table *buckets;             /* shared by all loops */
    struct metric_block *metrics;             /* this thread's */
};

/* On FAULT_NONE *out is the caller's until net_loop_close.  FAULT_IO, FAULT_INVALID: a certificate
 * or key cannot be used.  FAULT_MEMORY, FAULT_CRYPTO.  `words` says which and why. */
MUST_CHECK enum fault net_loop_open(struct net_loop **out, const struct net_loop_settings *settings,
                                    char words[NET_LOOP_WORDS_BYTES]);

/* What settlement rings after it has written to the replies ring. */
struct bell *net_loop_bell(struct net_loop *net_loop);

/* Binds participants.listen; loops[0] accepts for all of them.  *port is the real one.
 * FAULT_BUSY: the port is in use; FAULT_IO, FAULT_MEMORY; `words` as above. */
MUST_CHECK enum fault net_loop_listen(struct net_loop *const *loops, size_t count, uint16_t *port,
                                      char words[NET_LOOP_WORDS_BYTES]);

/* The thread's main function; returns when the loop has stopped. */
void net_loop_run(struct net_loop *net_loop);

/* Asks for a clean stop (WIRE section 6): no new connections, 503 for new requests, waiting polls
 * are ended, what has reached settlement is answered, then connections close; at most
 * LIMIT_STOP_SECONDS.  Settlement must go on until net_loop_run has returned. */
void net_loop_stop(struct net_loop *net_loop);

/* Accepts NULL. */
void net_loop_close(struct net_loop *net_loop);

#endif
