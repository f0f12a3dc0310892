/* closing: ends accounting days and segments, at the beginning of a turn, before anything else in it.
 *
 *   day's end has come  --> entry `day` with its totals, committed --> the next segment is due
 *   segment is long     -------------------------------------------> likewise
 *   next segment due    --> journal_rotate --> entry `segment`, committed with the turn
 *
 * The next segment is a file that the keeper has made; where it is not there yet, settlement goes on
 * in the old one and asks again.  Several ends while the switch was down are one: entries there were
 * only on the first of these days.
 *
 * Threads: settlement's. */
#ifndef SWITCH_SETTLEMENT_CLOSING_H
#define SWITCH_SETTLEMENT_CLOSING_H

#include "switch/settlement/settlement_internal.h"

/* From the ledger's newest entry on, whose time is given; the stamp need not be set. */
void closing_start(struct settlement *settlement, int64_t newest_ns);

/* A replayed entry: a `day` without a `segment` behind it leaves a segment due. */
void closing_entry(struct settlement *settlement, const struct entry *entry);

/* Ends what has to be ended now; turn->did says that it was something.  Faults as turn_enter.
 * Assumed: nothing is staged. */
MUST_CHECK enum fault closing_step(struct settlement *settlement, struct settlement_turn *turn);

/* When the next end of a day comes; INT64_MAX: days are not closed. */
int64_t closing_due_ns(const struct settlement *settlement);

#endif
