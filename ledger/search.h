/* search: finds payments, originals, days and own numbers in the index (index.h).
 *
 * What it finds is durable, as the index holds nothing else, and may be some moments behind the
 * newest entry: search_seen says how far it reaches.  It tells where in the ledger something is; who
 * needs the entry itself, with hashes, reads it there.
 *
 * Opening needs no index to be there yet, and an index that is made anew meanwhile is noticed.
 *
 * Threads: a search belongs to one thread at a time; any number may be open.
 * Format:  ledger/README.md, "The index". */
#ifndef LEDGER_SEARCH_H
#define LEDGER_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/day.h"
#include "proto/record/entry.h"
#include "proto/record/identifier.h"

struct search;

/* FAULT_MEMORY; FAULT_FULL: the path is too long.  `vfs` (NULL: the system's) must outlive the
 * search, `directory` is copied.  *out is the caller's until search_close. */
MUST_CHECK enum fault search_open(struct search **out, const char *directory, const char *vfs);

/* Every call below may answer:
 *   FAULT_BUSY     there is no index at the moment, or it is being made: try again later;
 *   FAULT_CORRUPT  it is damaged, and has to be made anew (index.h, `cauce reindex`);
 *   FAULT_IO, FAULT_MEMORY  with the reason in the log.
 *
 * Sequence of the newest entry that is in the index; 0: none is. */
MUST_CHECK enum fault search_seen(struct search *search, uint64_t *seq);

/* A payment as its newest entry left it. */
struct search_payment {
    uint64_t seq;         /* of the entry that opened it: reserved, or refused */
    uint64_t newest_seq;  /* of its newest entry; the same while it is open, and of refused */
    enum entry_kind kind; /* of its newest entry: reserved, settled, rejected, expired, refused */
    int64_t time_ns;      /* of the entry that opened it */
    int64_t newest_ns;    /* of its newest entry */
    struct participant_code payer_agent, payee_agent, payer, payee; /* as in the entry */
    struct amount amount;
    struct payment_id id;
    struct reason reason;  /* of its newest entry */
    uint64_t returned_seq; /* of a return: seq of the settled entry of its original; else 0 */
};

/* The newest payment with this id that was opened before `before_seq` (UINT64_MAX: of all).  An id
 * can be taken again when the duplicate window has passed; who needs an older one asks again with
 * before_seq = payment->seq.  FAULT_NOT_FOUND: the index has none. */
MUST_CHECK enum fault search_find(struct search *search, const struct payment_id *id,
                                  uint64_t before_seq, struct search_payment *payment);

/* What a return or a status query needs of an original that is older than the core's memory. */
struct search_original {
    struct search_payment payment; /* settled; its settled entry is payment.newest_seq */
    struct amount returned;        /* sum of the returns that were settled up to seen_seq */
    struct amount returning;       /* sum of the returns that were open then */
    uint64_t seen_seq;             /* returns in later entries are for the caller to add */
};

/* The newest settled payment with this id.  FAULT_NOT_FOUND: the index has none. */
MUST_CHECK enum fault search_original(struct search *search, const struct payment_id *id,
                                      struct search_original *original);

/* What an operator asks for (WIRE section 8); what is false, zero or none is not asked. */
struct search_query {
    struct payment_id id;
    struct participant_code participant; /* a party: either agent, or whose account it settles on */
    bool has_kind;
    enum entry_kind kind; /* how it stands, as search_payment.kind */
    int64_t from_ns;      /* opened at or after */
    int64_t to_ns;        /* opened before; 0: no bound */
    struct amount min;    /* amount from, included */
    bool has_max;
    struct amount max;   /* amount to, included */
    uint64_t before_seq; /* opened before this entry; 0: start at the newest. What a page answered
                            as `next` */
};

/* A payment passed on; good until it returns.  Any fault ends the page. */
typedef enum fault (*search_visit)(void *context, const struct search_payment *payment);

/* Visits up to `count` payments of the query, newest first.  *next is 0 when there are no more, else
 * the before_seq with which the following page starts.
 *
 * A page costs as much as it has payments where the query names an id, a participant, a kind other
 * than settled, or a time, and no more than one of these.  For all else payments are passed over, at
 * most LIMIT_SEARCH_EXAMINED a page: then a page is shorter than `count`, perhaps empty, while *next
 * is not 0.  Else the visitor's fault. */
MUST_CHECK enum fault search_page(struct search *search, const struct search_query *query,
                                  uint32_t count, search_visit visit, void *context,
                                  uint64_t *next);

#define SEARCH_CURSOR_BYTES 17 /* 16 hexadecimal digits and a zero */

/* `next` as the opaque text that goes to the outside and comes back from it; false: it is none. */
void search_print_cursor(uint64_t next, char text[SEARCH_CURSOR_BYTES]);
MUST_CHECK bool search_parse_cursor(struct span text, uint64_t *before_seq);

/* A day's entries in the ledger. */
struct search_day {
    uint64_t first_seq, last_seq; /* last_seq < first_seq: it has none */
    bool is_closed;               /* then its `day` entry is last_seq + 1 */
};

/* A day that is closed; none (zeros): the day that is open, up to what the index has seen.
 * FAULT_NOT_FOUND: no such day was closed. */
MUST_CHECK enum fault search_day(struct search *search, struct day day, struct search_day *found);

/* One of a participant's own numbers and its entry, or zeros: it has none. */
struct search_number {
    uint64_t number;
    uint64_t seq;
};

/* A place from which the newest of the participant's entries up to `seq` is reached over the links,
 * back by at most INDEX_STRIDE of them; zeros: it has no entries at all.
 * FAULT_NOT_FOUND: there is no such participant. */
MUST_CHECK enum fault search_place(struct search *search, struct participant_code code,
                                   uint64_t seq, struct search_number *place);

/* The sequence of the participant's entry numbered `number`, a multiple of INDEX_STRIDE.
 * FAULT_NOT_FOUND: there is no such participant, or it has not come so far. */
MUST_CHECK enum fault search_number(struct search *search, struct participant_code code,
                                    uint64_t number, uint64_t *seq);

/* Accepts NULL. */
void search_close(struct search *search);

#endif
