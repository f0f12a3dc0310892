/* payer: pays and waits for the confirmation, as a bank's back end does.
 *
 *     payer_pay: pacs.008 written, signed, posted -> 201 -> pacs.002 by the stream -> done
 *
 * Possible failures: the POST is refused (4xx), or no pacs.002 comes.  In the second case the same
 * bytes are sent again, to which the switch answers with the standing result; after timeout_ms the
 * payment is given back as unknown.  A pacs.008 that comes by this stream is left for another
 * stream of the bank (payee.h) unless `other` takes it.
 *
 * Threads: that of the bank's loop. */
#ifndef LOADTEST_BANK_PAYER_H
#define LOADTEST_BANK_PAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/stream.h"
#include "proto/base/amount.h"
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
    uint64_t timeout_ms; /* from payer_pay to `done`; > 0 */
    void (*done)(struct payer_payment *payment);
    void *context; /* the caller's */

    struct bank_id end_to_end_id; /* drawn by payer_pay */
    enum payer_state state;
    struct reason reason; /* of PAYER_REJECTED and PAYER_EXPIRED; may be longer than 4 characters */
    uint64_t settled_seq; /* sequence of the settling entry; 0 where nothing settled */
    double latency_ms;    /* from payer_pay to the pacs.002 */
    const char *words;    /* of PAYER_UNKNOWN */

    struct payer_order *order; /* the payer's */
};

/* Opens a payer with a stream of its own.  `bank` must outlive it. FAULT_MEMORY. */
MUST_CHECK enum fault payer_open(struct payer **out, struct bank *bank);

/* The payment is the caller's, untouched by him until `done`, which is called later, never from
 * inside.  FAULT_MEMORY, FAULT_CRYPTO, FAULT_FULL: it could not be written or signed; no `done`. */
MUST_CHECK enum fault payer_pay(struct payer *payer, struct payer_payment *payment);

/* Asks for the balances now (camt.060, answered by camt.052). `done` gets words == NULL when
 * available and reserved are good, else why not.  One question at a time. */
MUST_CHECK enum fault payer_balance(struct payer *payer, uint64_t timeout_ms,
                                    void (*done)(void *context, struct amount available,
                                                 struct amount reserved, const char *words),
                                    void *context);

/* Closes the stream and then frees the payer; `closed` is called after that.  Payments that are
 * not done are forgotten. */
void payer_close(struct payer *payer, void (*closed)(void *context), void *context);

#endif
