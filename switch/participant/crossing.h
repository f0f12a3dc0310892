/* crossing: what this loop sends over to settlement, and how much of it is under way.
 *
 * Room is looked at before something is begun, never in the midst of it: a body needs room for the
 * largest body, and LIMIT_POLL_END_BYTES always stay free for the ends of polls.  So whatever has
 * been begun can be said to the end, and nothing is dropped because a ring is full.
 *
 * Threads: the one of its loop. */
#ifndef SWITCH_PARTICIPANT_CROSSING_H
#define SWITCH_PARTICIPANT_CROSSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switch/ring/bell.h"
#include "switch/ring/ring.h"

struct crossing {
    struct ring *commands;
    struct bell *settlement_bell;
    uint32_t outstanding; /* requests without a reply, <= LIMIT_LOOP_OUTSTANDING */
    bool is_silent;       /* something was published and the bell not rung */
};

/* Whether a body, a poll, or a receipt, may be begun now; else it waits. */
bool crossing_takes_body(struct crossing *crossing);
bool crossing_takes_poll(struct crossing *crossing);
bool crossing_takes_receipt(struct crossing *crossing);

/* Room for a record, zeroed but for `behind` bytes at its end. Assumed: what it belongs to was
 * begun when there was room. */
void *crossing_claim(struct crossing *crossing, size_t size, size_t behind);

/* Hands over all that was claimed; with a request, one more is outstanding. */
void crossing_send(struct crossing *crossing);
void crossing_send_request(struct crossing *crossing);

/* A reply has come, or will not come. */
void crossing_close_request(struct crossing *crossing);

/* At the end of a turn: wakes settlement when something was sent. */
void crossing_ring_bell(struct crossing *crossing);

#endif
