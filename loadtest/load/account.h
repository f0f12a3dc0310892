/* account: what became of every payment, so that none is lost from sight.
 *
 *     sent -> 201 taken -> result (settled, rejected, expired, refused) -> both banks told
 *                  \-- body refused: its end
 *
 * A payment is complete when it has its end and everything that belongs to it: a settled one its
 * 201, the payer's ACSC and the payee's ACCC; a rejected, expired or refused one its 201 and its
 * RJCT or admi.002; one whose body was refused with a status nothing more.
 *
 * One thread. */
#ifndef LOADTEST_LOAD_ACCOUNT_H
#define LOADTEST_LOAD_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

#define ACCOUNT_REASONS_MAX 64 /* told apart; the rest is counted as "other" */
#define ACCOUNT_REASON_BYTES 24

/* name, text, in the words of the summary */
#define ACCOUNT_END_LIST(X)                                                                        \
    X(NONE, "unknown")                                                                             \
    X(SETTLED, "settled")                                                                          \
    X(REJECTED, "rejected")                                                                        \
    X(EXPIRED, "expired")                                                                          \
    X(REFUSED, "refused")

enum account_end {
#define ACCOUNT_END_MEMBER(name, text) ACCOUNT_##name,
    ACCOUNT_END_LIST(ACCOUNT_END_MEMBER)
#undef ACCOUNT_END_MEMBER
        ACCOUNT_ENDS
};

/* "settled" and so on; static. */
const char *account_end_text(enum account_end end);

/* How often something with a code happened: "AM04", "admi.002 SCHEMA", "HTTP 503". */
struct account_reason {
    char text[ACCOUNT_REASON_BYTES]; /* with a zero */
    uint64_t count;
};

struct account_reasons {
    struct account_reason list[ACCOUNT_REASONS_MAX];
    size_t count;
};

/* Adds `count` under this text, cut where it is too long. */
void account_count_reason(struct account_reasons *reasons, struct span text, uint64_t count);

struct account {
    uint8_t *payments; /* account.c */
    size_t count;
    size_t incomplete;
    uint64_t repeats;               /* results that came again, the same */
    uint64_t contradictions;        /* results that came again, and differed */
    struct account_reasons refused; /* of ACCOUNT_REFUSED, by code */
};

struct account_summary {
    uint64_t sent;
    uint64_t ends[ACCOUNT_ENDS]; /* of all payments; [ACCOUNT_NONE]: unknown */
    uint64_t without_201;        /* have a result, but their 201 never came */
    uint64_t payee_untold;       /* settled, but the payee's bank never got its ACCC */
    uint64_t payee_disagrees;    /* the payee's bank got its ACCC, the payer's something else */
};

/* On FAULT_NONE *account is the caller's until account_close.  FAULT_MEMORY. */
MUST_CHECK enum fault account_open(struct account *account, size_t count);
void account_close(struct account *account);

/* Its bytes are on their way. Assumed payment < count, here and below. */
void account_sent(struct account *account, size_t payment);

/* Its body got 201. */
void account_taken(struct account *account, size_t payment);

/* Its body was refused for good with a status: nothing of it was processed. */
void account_body_refused(struct account *account, size_t payment, struct span code);

/* The payer's bank has its result, `end` not ACCOUNT_NONE.  `code` is kept for ACCOUNT_REFUSED only.
 * True when it is the first: only then a time is to be counted. */
MUST_CHECK bool account_result(struct account *account, size_t payment, enum account_end end,
                               struct span code);

/* The payee's bank has its ACCC. */
void account_payee_told(struct account *account, size_t payment);

struct account_summary account_sum(const struct account *account);

/* Whether nothing is unknown, missing or contradictory. */
bool account_is_clear(const struct account *account, const struct account_summary *summary);

#endif
