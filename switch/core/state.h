/* state: what the engine consists of, and the one function that moves it.
 *
 * Only files of switch/core include this.  Live (engine.c) and replay (replay.c) both end in
 * state_post: they differ in where the entry comes from and in what they check before.
 *
 * Threads: the engine's. */
#ifndef SWITCH_CORE_STATE_H
#define SWITCH_CORE_STATE_H

#include <assert.h>
#include <stdint.h>

#include "proto/crypto/hash.h"
#include "proto/record/day.h"
#include "proto/record/entry.h"
#include "switch/core/book.h"
#include "switch/core/deadline.h"
#include "switch/core/duplicate.h"
#include "switch/core/engine.h"
#include "switch/core/enrolment.h"
#include "switch/core/mark.h"
#include "switch/core/member.h"
#include "switch/core/payment.h"

#define STATE_NOBODY UINT32_MAX

static_assert(STATE_NOBODY == ENGINE_NOBODY && STATE_NOBODY == MEMBER_NOBODY &&
                  STATE_NOBODY == BOOK_NOBODY,
              "nobody is the same everywhere");
static_assert(DUPLICATE_NOBODY >= LIMIT_PARTICIPANTS, "every index fits a record, and nobody's");

struct engine {
    struct engine_options options;
    uint64_t last_seq;
    int64_t last_ns;
    uint64_t segment_number;
    struct day last_day;    /* closed last */
    struct day_close today; /* counts since then; what stands at its close is not in it yet */
    struct member_table members;
    struct enrolment enrolment;
    struct book book;
    struct payment_table payments;
    struct duplicate_table duplicates;
    struct deadline_heap deadlines;
    struct mark mark;                              /* the sum over all rows */
    struct mark account_marks[LIMIT_PARTICIPANTS]; /* what of it is each account's */
    struct hasher *hasher;                         /* the digest's */
    struct pages pages;                            /* where the engine itself stands */
    struct outcome outcome;
};

/* What an entry's post needs besides the entry, already checked.  By kind: */
struct posting {
    uint32_t sides[2];       /* all: index of payer and payee, or STATE_NOBODY */
    struct member member;    /* joined */
    struct hash fingerprint; /* certificate: SHA-256 of its DER */
    enum certificate_purpose purpose;
    struct duplicate_key key;         /* reserved, refused */
    struct max35_text instruction_id; /* reserved, refused, settled, rejected, expired */
    struct uetr uetr;                 /* likewise */
    uint32_t payment;                 /* settled, rejected, expired: its place */
    struct day day;                   /* day */
};

/* Moves the state from before the entry to after it, and writes the sides' numbers and balances
 * into the entry.  Nothing can fail: every check has been made. */
void state_post(struct engine *engine, struct entry *entry, const struct posting *posting);

/* Replaces what the account has in the mark by what it holds now. */
void state_mark_account(struct engine *engine, uint32_t index);

/* Writes what a settled, rejected or expired entry says of its payment: agents, accounts, amount,
 * currency, id, opened_by. */
void state_describe(const struct engine *engine, uint32_t payment, struct entry_public *public);

/* Writes what the post of such an entry needs. */
void state_take_payment(const struct engine *engine, uint32_t payment, struct posting *posting);

/* What a `day` entry that closes `day` says, were it the next one. */
struct day_close state_close_day(const struct engine *engine, struct day day);

#endif
