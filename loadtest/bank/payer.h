/* payer: pays and waits for the confirmation, as a bank's back end does.
 *
 *     payer_pay: pacs.008 written, signed, posted -> 201 -> pacs.002 by the stream -> done
 *
 * Possible failures: the POST is refused (4xx), or no pacs.002 comes.  In the second case the same
 * bytes are sent again, to which the switch answers with the standing result; after timeout_ms the
 * payment is given back as unknown.  A pacs.008 that comes by the payer's own stream is left
 * unconfirmed, for another stream of the bank.  A bank that both pays and is paid has a payer without
 * a stream, to which its payee hands what it does not know (payer_take).
 *
 * Threads: that of the bank's loop. */
#ifndef LOADTEST_BANK_PAYER_H
#define LOADTEST_BANK_PAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/stream.h"
#include "proto/base/amount.h"
#include "proto/iso/pacs008.h"
#include "proto/record/identifier.h"

struct payer;

enum payer_state {
    PAYER_SETTLED,
    PAYER_REJECTED, /* RJCT with reason, or admi.002 with its code as the reason */
    PAYER_EXPIRED,  /* RJCT with AB03 */
    PAYER_UNKNOWN   /* words says why */
};

/* "settled" and so on; static. */
const char *payer_state_text(enum payer_state state);

struct payer_payment {
    struct participant_code to;
    struct amount amount;
    enum pacs008_priority priority;
    struct span uetr; /* optional, as these: */
    struct span debtor_name, debtor_account;
    struct span creditor_name, creditor_account, remittance;
    uint64_t timeout_ms; /* from payer_pay to `done`; > 0 */
    void (*done)(struct payer_payment *payment);
    void *context; /* the caller's */

    struct bank_id end_to_end_id; /* drawn by payer_pay */
    enum payer_state state;
    struct reason reason; /* of PAYER_REJECTED and PAYER_EXPIRED; may be longer than 4 characters */
    uint64_t settled_seq; /* sequence of the settling entry; 0 where nothing settled */
    double latency_ms;    /* from payer_pay to the pacs.002 */
    char words[BANK_WORDS_BYTES]; /* of PAYER_UNKNOWN: why; with a zero */
};

/* `bank` must outlive it.  With `listens` it has a stream of its own, else the caller hands messages
 * over with payer_take. FAULT_MEMORY. */
MUST_CHECK enum fault payer_open(struct payer **out, struct bank *bank, bool listens);

/* Looks at a message that bank_read gave: a result, a refusal or balances that it waits for.  `done`
 * of a payment may be called from inside. */
void payer_take(struct payer *payer, const struct message *message);

/* The payment is the caller's, untouched by him until `done`, which is called later, never from
 * inside.  FAULT_MEMORY, FAULT_CRYPTO, FAULT_FULL: it could not be written or signed; no `done`. */
MUST_CHECK enum fault payer_pay(struct payer *payer, struct payer_payment *payment);

/* Asks for the balances now (camt.060, answered by camt.052). `done` gets words == NULL when
 * available and reserved are good, else why not.  FAULT_BUSY: the last question is open. */
MUST_CHECK enum fault payer_balance(struct payer *payer, uint64_t timeout_ms,
                                    void (*done)(void *context, struct amount available,
                                                 struct amount reserved, const char *words),
                                    void *context);

/* Forgets the payments that are not done (their `done` is not called), closes the stream, waits for
 * posts under way, calls `closed` and frees the payer. */
void payer_close(struct payer *payer, void (*closed)(void *context), void *context);

#endif
