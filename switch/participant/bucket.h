/* bucket: how much a participant may send (WIRE section 1, "Limits"): one token bucket each.
 *
 * The only state that loops share: one atomic per participant.  It holds the instant at which the
 * bucket is, was or will be empty; the level is the time since then, at `refill` tokens a second,
 * at most `tokens`.  So nothing has to be refilled, and a charge moves that instant on.  Tokens come
 * back by fifths, the smallest charge: until a whole fifth is there, the level is zero.
 *
 *   ---- empty_ns ====level==== now ---->        empty_ns >= now: at or below zero, refused
 *
 * Threads: any, but open and close. */
#ifndef SWITCH_PARTICIPANT_BUCKET_H
#define SWITCH_PARTICIPANT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"

#define BUCKET_FIFTHS 5 /* charges are counted in fifths of a token: a pacs.002 costs 0.2 */

struct bucket_table;

/* `tokens` 0: unlimited. Assumed tokens <= 10^9, 1 <= refill <= 10^9. FAULT_MEMORY: none to be had. */
MUST_CHECK enum fault bucket_open(struct bucket_table **out, uint64_t tokens, uint64_t refill);

/* True when the participant (index below LIMIT_PARTICIPANTS) may send now; else
 * *retry_after_seconds, at least 1, says when it may again, rounded up. */
MUST_CHECK bool bucket_admits(struct bucket_table *table, uint32_t participant, int64_t now_ns,
                              uint32_t *retry_after_seconds);

/* Takes `fifths` of a token; the level may fall below zero. */
void bucket_charge(struct bucket_table *table, uint32_t participant, int64_t now_ns,
                   uint32_t fifths);

/* Accepts NULL. */
void bucket_close(struct bucket_table *table);

#endif
