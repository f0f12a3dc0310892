/* book: the accounts, the moves of money between them, and each participant's own numbering.
 *
 *            fund            reserve               settle
 *   outside -----> available -------> reserved ------------> available of the payee
 *                     ^                   |
 *                     '------ release ----'
 *
 * Live and replay post with the same functions.  A move is first asked for (book_can_*), then
 * posted; a post cannot fail.  Every post keeps: available + reserved, summed over all accounts =
 * net funding; no balance below zero.  Net funding is at most AMOUNT_MAX_MINOR, so that no sum of
 * balances can overflow (DESIGN, "The ledger").
 *
 * Threads: the engine's.  Memory: inside the struct. */
#ifndef SWITCH_CORE_BOOK_H
#define SWITCH_CORE_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/limits.h"
#include "proto/record/entry.h"

#define BOOK_NOBODY UINT32_MAX

struct account {
    struct amount available; /* never below zero */
    struct amount reserved;  /* likewise */
    uint64_t number;         /* the holder's newest own number; 0: it has no entries */
    uint64_t last_seq;       /* of the entry with that number */
};

struct book {
    struct amount net_funding;
    struct amount available; /* sums over all accounts, moved by every post */
    struct amount reserved;
    struct account accounts[LIMIT_PARTICIPANTS]; /* by index of the participant */
};

/* Net funding stays within its bound. */
bool book_can_fund(const struct book *book, struct amount amount);
/* The payee's balance would stay within the range of money. */
bool book_can_credit(const struct book *book, uint32_t payee, struct amount amount);
/* The payer has so much available. */
bool book_can_reserve(const struct book *book, uint32_t payer, struct amount amount);
/* The payer has so much reserved. */
bool book_can_release(const struct book *book, uint32_t payer, struct amount amount);

/* Assumed of all: amount above zero, the matching book_can_* said true. */
void book_fund(struct book *book, uint32_t account, struct amount amount);
void book_reserve(struct book *book, uint32_t payer, struct amount amount);
void book_settle(struct book *book, uint32_t payer, uint32_t payee, struct amount amount);
void book_release(struct book *book, uint32_t payer, struct amount amount);

/* Gives the entry the next own number of each side that its kind concerns, and writes that side's
 * balances after the move into it.  `sides`: index of payer and payee, or BOOK_NOBODY; the other
 * sides of the entry are left as they are. */
void book_number(struct book *book, struct entry *entry, const uint32_t sides[2]);

/* Available and reserved, each summed over the first `count` accounts. */
void book_sum(const struct book *book, uint32_t count, struct amount *available,
              struct amount *reserved);

#endif
