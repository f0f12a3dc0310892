/* statement: one participant's accounting day: opening, every entry by its own numbering, closing.
 *
 *      opening  number 41             what the entry numbered 41 left
 *        42, 43, ... 97               every entry that moved or concerned the account
 *      closing  number 97             what the entry numbered 97 left
 *
 * The index says where the day and the participant's entries are; all that is shown comes from the
 * ledger, hashed again.  What cannot be seen here is an entry behind the closing that the index does
 * not know of: `cauce reindex` makes the index anew from the entries.
 *
 * Threads: as the reader and the search that are passed, the caller's. */
#ifndef LEDGER_STATEMENT_H
#define LEDGER_STATEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/reader.h"
#include "ledger/search.h"
#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/record/day.h"
#include "proto/record/entry.h"
#include "proto/record/identifier.h"

#define STATEMENT_KINDS 16 /* numbers of kinds are below */
#define STATEMENT_WORDS_BYTES 160

/* An account as one of its entries left it. */
struct statement_balance {
    uint64_t number; /* of that entry; 0: the account had none yet, and all is zero */
    uint64_t seq;
    struct amount available, reserved;
};

struct statement {
    struct participant_code code;
    struct day day; /* none: the one that is open */
    uint64_t first_seq,
        last_seq; /* of the day's entries, of all participants; last_seq < first_seq: none */
    struct statement_balance opening, closing;
};

/* Entries of one kind on one side, and the sum of their amounts, modulo 2^64 as in day.h. */
struct statement_total {
    uint64_t count;
    uint64_t sum_minor;
};

/* What a walk counted. */
struct statement_totals {
    struct statement_total by_kind[STATEMENT_KINDS][2]; /* by enum entry_kind, enum entry_side */
    struct statement_total debits,
        credits; /* of these, what left the account and what came to it */
};

/* The effect of an entry on the account of one of its sides, as factors of its amount. */
struct statement_effect {
    int available, reserved; /* -1, 0 or 1 */
};
struct statement_effect statement_effect(enum entry_kind kind, enum entry_side side);

/* Finds the day and the two balances.
 * FAULT_NOT_FOUND: there is no such participant, or no such day was closed.
 * FAULT_CORRUPT: what the index says is not what the ledger has; the log names it.
 * Else as the reader and the search. */
MUST_CHECK enum fault statement_open(struct statement *statement, struct reader *reader,
                                     struct search *search, struct participant_code code,
                                     struct day day);

/* An entry of the statement; good until it returns.  Any fault ends the walk. */
typedef enum fault (*statement_visit)(void *context, const struct entry *entry,
                                      enum entry_side side);

/* Visits the entries in order of their numbers and counts them.  Each must follow from the one
 * before: its number, its link, and both balances by the amount and the kind; the last must be the
 * closing.  FAULT_CORRUPT: one does not, and `words` says which and why (else it is empty).
 * Else as the reader and the search, or the visitor's fault. */
MUST_CHECK enum fault statement_walk(const struct statement *statement, struct reader *reader,
                                     struct search *search, statement_visit visit, void *context,
                                     struct statement_totals *totals,
                                     char words[STATEMENT_WORDS_BYTES]);

/* Takes text that is written; any fault ends the writing. */
typedef enum fault (*statement_sink)(void *context, struct span text);

/* Writes the statement as one JSON object, an entry a line, while it walks; ledger/README.md,
 * "Statements", has its members.  Faults as statement_walk, or the sink's; what was written before a
 * fault is no whole object. */
MUST_CHECK enum fault statement_write_json(const struct statement *statement, struct reader *reader,
                                           struct search *search, statement_sink sink,
                                           void *context, char words[STATEMENT_WORDS_BYTES]);

#endif
