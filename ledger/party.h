/* party: the participants as the index numbers them, and how far each one's own numbering has come.
 *
 * Ordinals are given in order of joining, from 1, and stand for the codes in the index's tables.
 * Plain data of fixed size; whoever holds the table owns it. */
#ifndef LEDGER_PARTY_H
#define LEDGER_PARTY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/record/identifier.h"

#define PARTY_SLOTS (2 * LIMIT_PARTICIPANTS) /* a power of two, at most half of them taken */

struct party {
    struct participant_code code;
    uint64_t number, seq; /* its newest own number, and that entry; 0: none yet */
    bool is_changed;      /* since it was written last */
};

struct party_table {
    uint32_t count;
    struct party parties[LIMIT_PARTICIPANTS]; /* ordinal less one */
    uint16_t slots[PARTY_SLOTS];              /* an ordinal; 0: free */
};

void party_clear(struct party_table *table);

/* The ordinal; 0: there is no such participant. */
uint16_t party_find(const struct party_table *table, struct participant_code code);

/* Gives the next ordinal, table->count afterwards, to a copy of *party.
 * FAULT_CORRUPT: it is there already.  FAULT_FULL: LIMIT_PARTICIPANTS are. */
MUST_CHECK enum fault party_add(struct party_table *table, const struct party *party);

#endif
