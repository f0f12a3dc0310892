/* sandbox: what a connector under test meets: a switch behind a wire that can be cut, and another
 * bank that pays it and is paid by it.
 *
 *     connector --> relay --> cauced, started here <-- the other bank, played here
 *
 * A run is told step by step, in straight lines: something is begun, then
 *
 *     int64_t const end_ns = sandbox_until(5000);
 *     while (!payment->is_done && sandbox_turn(sandbox, end_ns)) continue;
 *
 * Threads: one; sandbox_turn runs its loop. */
#ifndef OPS_CAUCE_SANDBOX_H
#define OPS_CAUCE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/environment.h"
#include "loadtest/bank/payee.h"
#include "loadtest/bank/payer.h"
#include "loadtest/bank/relay.h"
#include "loadtest/load/meter.h"
#include "ops/cauce/process.h"

#define SANDBOX_PAYMENTS_MAX 128 /* of one run, each way */
#define SANDBOX_WORDS_BYTES 1400 /* of an error: a path and why */

/* The other bank pays the connector. */
struct sandbox_outgoing {
    struct payer_payment payment;
    bool is_done;
};

/* The connector pays the other bank. */
struct sandbox_incoming {
    struct bank_id end_to_end_id;
    size_t end_to_end_id_size;
    struct amount amount;
    bool is_settled; /* ACCC has come */
    bool is_expired; /* AB03 has come */
};

struct sandbox {
    struct environment environment;
    config_path config_file, log_file;
    const char *code;       /* the connector's */
    config_code other;      /* the other bank's */
    uint64_t limit_ms;      /* payments.deadline_high_ms */
    struct process process; /* the switch */
    char listen[64];        /* --set of its port: a free one, then the same again */
    struct config_address metrics;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t signals[2];
    bool has_loop;
    struct relay *relay;
    struct bank *bank;
    struct payee *payee;
    struct payer *payer;
    struct payee_decision plan; /* what the other bank answers */
    size_t outgoing_count, incoming_count;
    struct sandbox_outgoing outgoing[SANDBOX_PAYMENTS_MAX];
    struct sandbox_incoming incoming[SANDBOX_PAYMENTS_MAX];
    struct amount available, reserved; /* of the other bank, as last asked */
    bool is_asking;
    char url[PROCESS_URL_BYTES]; /* where the connector connects */
    uint64_t refused_before;     /* messages refused by switches that have ended */
    char metrics_text[METER_TEXT_BYTES];
    char failure[SANDBOX_WORDS_BYTES]; /* why the run cannot go on; "": it can */
};

/* Starts the switch of `folder`, the relay where cauce.conf says that it listens, and the other
 * bank: the first active one with keys that is not `code`.  False: words says why; close it anyhow.
 * `sandbox` is all zeros, `folder` and `code` outlive it. */
MUST_CHECK bool sandbox_open(struct sandbox *sandbox, const char *folder, const char *code,
                             char words[SANDBOX_WORDS_BYTES]);

void sandbox_close(struct sandbox *sandbox);

/* An instant so far from now, on time_monotonic_ns. */
int64_t sandbox_until(uint64_t ms);

/* Lets everything go on for a moment. False: the instant has come, or the run cannot go on. */
bool sandbox_turn(struct sandbox *sandbox, int64_t end_ns);

void sandbox_pause(struct sandbox *sandbox, uint64_t ms);

/* The other bank pays the connector amount, priority and texts of `payment`; is_done says when it has
 * its end.  NULL: it cannot be written (failure says why). */
struct sandbox_outgoing *sandbox_pay(struct sandbox *sandbox, const struct payer_payment *payment);

/* Payments of this amount that have come from the connector; *first is the first of them. */
size_t sandbox_paid(struct sandbox *sandbox, int64_t minor, struct sandbox_incoming **first);

/* Asks for the other bank's balances. False: failure says why. */
MUST_CHECK bool sandbox_ask_balance(struct sandbox *sandbox);

/* A figure of the switch's /metrics; -1: it cannot be had. */
int64_t sandbox_figure(struct sandbox *sandbox, const char *name);

/* Messages that the switch has refused with admi.002 in this run. */
uint64_t sandbox_refused(struct sandbox *sandbox);

/* What the log last said of a refused message of the connector, behind its first `from` bytes; "":
 * nothing. */
void sandbox_refusal_words(struct sandbox *sandbox, long from, char words[SANDBOX_WORDS_BYTES]);
long sandbox_log_size(const struct sandbox *sandbox);

/* Ends the switch as SIGTERM does, or at once, and starts it again.  SANDBOX_FORGED: it then signs
 * with the other bank's key, as somebody does who has taken the switch's place, until the next
 * restart.  False: failure says why. */
enum sandbox_restart { SANDBOX_STOPPED, SANDBOX_KILLED, SANDBOX_FORGED };
MUST_CHECK bool sandbox_restart(struct sandbox *sandbox, enum sandbox_restart how);

#endif
