/* sums: who has how much, which payments are open and which ids are taken, from entries alone.
 *
 * Each entry is held against the state that those before it led to: the life of its payment, the
 * own numbering of both sides, the balances it says it left, and a day's control totals.  Memory grows with participants,
 * open payments and the ids of the last 24 hours (40 bytes or so each), not with the ledger. */
#ifndef LEDGER_VERIFY_SUMS_H
#define LEDGER_VERIFY_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/verify/layout.h"
#include "proto/base/span.h"

struct sums;

/* NULL: no memory. */
struct sums *sums_open(void);
void sums_close(struct sums *sums);

/* Takes the next entry; `body` is empty for none and is a body otherwise.
 * NULL, or words that say what is wrong with the entry.  Static. */
const char *sums_apply(struct sums *sums, const struct layout_entry *entry, struct span body);

/* Counts everything once more, in another way: the balances' sum against net funding, each
 * reserved balance against the open payments.  NULL, or words.  Static. */
const char *sums_recount(struct sums *sums);

/* True when a signing certificate with this hash is the participant's so far. */
bool sums_may_sign(const struct sums *sums, uint64_t code, const struct hash *certificate);

/* The newest own number of a participant; false when no such participant has joined. */
bool sums_number(const struct sums *sums, uint64_t code, uint64_t *number);

/* Participants by the order in which they joined. */
struct sums_account {
    uint64_t code;
    int64_t available, reserved; /* the last four: zeros where another holds its account */
    uint64_t number, last_seq;
};

uint32_t sums_participants(const struct sums *sums);

/* False: not so many have joined. */
bool sums_account(const struct sums *sums, uint32_t index, struct sums_account *account);

/* Payments that are open. */
uint64_t sums_open_count(const struct sums *sums);

#endif
