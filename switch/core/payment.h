/* payment: the life of a payment as a table, and the payments that are open now.
 *
 *     UNKNOWN --transfer--> RESERVED --accept---> SETTLED
 *        |                     |-----reject---> REJECTED
 *        |                     '----deadline--> EXPIRED
 *        '-----transfer, refused by rule------> REFUSED
 *
 * Nothing leads out of the four on the right.  The open table holds what is RESERVED; of the rest
 * the duplicate window keeps the state, and the ledger everything.
 *
 * Threads: the engine's.  Memory: taken in payment_open. */
#ifndef SWITCH_CORE_PAYMENT_H
#define SWITCH_CORE_PAYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/record/identifier.h"
#include "switch/core/pages.h"

/* Where a payment stands.  UNKNOWN: no such id, or one that the window has forgotten. */
enum payment_state {
    PAYMENT_UNKNOWN,
    PAYMENT_RESERVED,
    PAYMENT_SETTLED,
    PAYMENT_REJECTED,
    PAYMENT_EXPIRED,
    PAYMENT_REFUSED
};

#define PAYMENT_STATES 6

/* What can happen to it. */
enum payment_event {
    PAYMENT_TRANSFER, /* a pacs.008 with its id: a first one, or one of other content */
    PAYMENT_REPEAT,   /* a pacs.008 with its id, sender and content */
    PAYMENT_ACCEPT,   /* a pacs.002 of the payee's bank */
    PAYMENT_REJECT,   /* likewise */
    PAYMENT_DEADLINE
};

#define PAYMENT_EVENTS 5

/* What the engine then does. */
enum payment_step {
    STEP_IMPOSSIBLE,  /* a broken invariant: the engine never asks */
    STEP_DECIDE,      /* check the rules, then reserve or refuse */
    STEP_OTHER,       /* answer DU04 */
    STEP_STANDING,    /* answer the standing result */
    STEP_NO_ORIGINAL, /* answer NOOR */
    STEP_SETTLE,
    STEP_REJECT,
    STEP_EXPIRE
};

enum payment_step payment_step(enum payment_state state, enum payment_event event);

/* A reserved payment. */
struct payment {
    uint64_t opened_by; /* seq of its reserved entry */
    int64_t deadline_ns;
    struct amount amount;
    uint32_t payer; /* index of the holder of the account */
    uint32_t payee;
    struct participant_code agents[2]; /* as the message names them, by enum entry_side */
    struct payment_id id;
    struct uetr uetr;
    struct max35_text instruction_id;
    uint8_t zeros[11]; /* the mark reads what stands above 16 bytes at a time */
    uint32_t record;   /* its place in the duplicate window */
};

struct payment_table {
    uint32_t count;
    uint32_t count_max;
    struct amount open_amount; /* sum over the open payments */
    struct payment *payments;  /* count_max places */
    uint32_t *vacant;          /* the places without a payment: vacant[0 .. count_max - count) */
    struct pages pages;
};

/* Whether stored bytes are an id, written as identifier_parse_payment_id writes it. */
bool payment_is_id(const struct payment_id *id);

/* FAULT_MEMORY. */
MUST_CHECK enum fault payment_open(struct payment_table *table, uint32_t count_max);

/* Accepts a table of zeros. */
void payment_close(struct payment_table *table);

/* The place that the next payment_add takes. Assumed: there is one. */
uint32_t payment_next(const struct payment_table *table);

/* Takes that place. Assumed: there is one, and the book has reserved the payment's amount. */
void payment_add(struct payment_table *table, const struct payment *payment);

/* The payment at a place that has been taken; good until it is removed. */
const struct payment *payment_at(const struct payment_table *table, uint32_t place);

void payment_remove(struct payment_table *table, uint32_t place);

#endif
