/* opening: the first entries of an empty ledger, from genesis.json (WIRE section 6).
 *
 * Segment, then who joins (holders of accounts first), their certificates and opening funds; one
 * block.  Afterwards the file is never read again.
 *
 * Threads: settlement's, at start. */
#ifndef SWITCH_SETTLEMENT_OPENING_H
#define SWITCH_SETTLEMENT_OPENING_H

#include "switch/settlement/settlement_internal.h"

/* FAULT_INVALID: the file or one of its certificates is bad, `words` says which; else as turn_enter. */
MUST_CHECK enum fault opening_write(struct settlement *settlement, const char *path, int64_t now_ns,
                                    char words[SETTLEMENT_WORDS_BYTES]);

#endif
