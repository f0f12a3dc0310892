/* payee: answers incoming payments, as a bank's back end does.
 *
 *     pacs.008 by a stream -> its signature checked against the switch's certificate -> a decision
 *     per transaction -> one signed pacs.002 -> 201 -> the batch is confirmed
 *
 * A message that has been answered is not answered again when it is delivered again (by its
 * PI-ResourceId).  The batch is confirmed only after the 201 of its answers; answers with a delay are
 * the exception, as they would hold up the stream.
 * Possible failures: a message that is not the switch's (counted, confirmed, not answered), or an
 * answer that cannot be posted (the batch stays unconfirmed and comes again).
 *
 * Threads: that of the bank's loop. */
#ifndef LOADTEST_BANK_PAYEE_H
#define LOADTEST_BANK_PAYEE_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/stream.h"
#include "proto/base/amount.h"
#include "proto/record/identifier.h"

struct payee;

enum payee_answer { PAYEE_ACCEPT, PAYEE_REJECT, PAYEE_SILENT };

/* What came in and what was answered. */
struct payee_payment {
    struct span end_to_end_id; /* good during the call */
    struct span from;          /* DbtrAgt */
    struct amount amount;
    enum payee_answer answer;
};

/* What is to be answered to one payment. */
struct payee_decision {
    enum payee_answer answer;
    struct reason reject_reason; /* of PAYEE_REJECT, up to 4 characters */
    uint64_t delay_ms;           /* before the answer */
};

struct payee_settings {
    struct bank *bank; /* must outlive the payee */
    enum payee_answer answer;
    struct reason reject_reason; /* of PAYEE_REJECT, up to 4 characters */
    uint64_t delay_ms;           /* before each answer */
    unsigned streams;            /* 1 to 6 */
    void *context;
    /* Decides each payment by itself; its `answer` is not set.  The transactions of one message are
     * answered together, after the longest of their delays.  NULL: the three fields above hold for
     * all. */
    struct payee_decision (*decide)(void *context, const struct payee_payment *payment);
    /* Each transaction, once, when its answer has its 201 (when silent: when it came). May be
     * NULL. */
    void (*answered)(void *context, const struct payee_payment *payment);
    /* It is over: words say why.  payee_close is still due. */
    void (*failed)(void *context, const char *words);
    /* Any other message of the switch, read and verified: pacs.002, admi.002, camt.052. May be
     * NULL. */
    void (*other)(void *context, const struct message *message);
};

/* FAULT_MEMORY. */
MUST_CHECK enum fault payee_open(struct payee **out, const struct payee_settings *settings);

/* Messages that were not the switch's or not readable, so far. */
uint64_t payee_strange(const struct payee *payee);

/* Closes the streams, confirming what was answered, calls `closed` and frees the payee. */
void payee_close(struct payee *payee, void (*closed)(void *context), void *context);

#endif
