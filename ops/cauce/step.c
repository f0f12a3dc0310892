/* step: see step.h.  The table is at the end; above it the steps in its order.
 *
 * Incoming payments bear the amounts of rule.h; those that the connector is asked to make bear one
 * amount for each step, by which they are known. */
#include "ops/cauce/step.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ops/cauce/rule.h"

#define PLAIN_MINOR 100
#define BURST 10
#define TRIES 3
#define GRACE_MS 5000    /* beyond a time limit, for a result to come */
#define OPEN_MS 15000    /* for an answer where the time limit is not the matter */
#define SETTLING_MS 300  /* for what should not come */
#define DELIVERY_MS 5000 /* for a payment to go down a poll that waits, and be answered */
#define HOLD_MS 900      /* the other bank's answer waits while the wire is cut */

static bool fail(struct step_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(struct step_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(run->words, sizeof run->words, format, arguments);
    va_end(arguments);
    return false;
}

static int64_t figure(struct step_run *run, const char *name)
{
    return sandbox_figure(run->sandbox, name);
}

/* Waits until a figure is at least so much. */
static bool wait_for_figure(struct step_run *run, const char *name, int64_t least, uint64_t ms)
{
    int64_t const end_ns = sandbox_until(ms);
    while (figure(run, name) < least) {
        if (!sandbox_turn(run->sandbox, end_ns)) return figure(run, name) >= least;
    }
    return true;
}

/* ---- paying the connector ---- */

static bool wait_for_end(struct step_run *run, const struct sandbox_outgoing *outgoing)
{
    if (outgoing == NULL) return false;
    bool const is_high = outgoing->payment.priority == PACS008_HIGH;
    int64_t const end_ns = sandbox_until(is_high ? run->sandbox->limit_ms + GRACE_MS : OPEN_MS);
    while (!outgoing->is_done && sandbox_turn(run->sandbox, end_ns))
        continue;
    return outgoing->is_done;
}

static struct sandbox_outgoing *pay(struct step_run *run, int64_t minor)
{
    return sandbox_pay(run->sandbox, &(struct payer_payment){.amount = amount_of_minor(minor)});
}

static bool expect_settled(struct step_run *run, const struct sandbox_outgoing *outgoing)
{
    if (!wait_for_end(run, outgoing)) {
        return fail(run,
                    "no valid answer came within %d ms: a pacs.008 whose answer got no 201 "
                    "must be answered again when it is delivered again",
                    OPEN_MS);
    }
    const struct payer_payment *const payment = &outgoing->payment;
    struct span const reason = identifier_reason_text(&payment->reason);
    switch (payment->state) {
    case PAYER_SETTLED: return true;
    case PAYER_REJECTED:
        return fail(run, "the payment was rejected with %.*s: accept it, with a pacs.002 ACSP",
                    (int)reason.size, reason.bytes);
    case PAYER_EXPIRED:
        return fail(run,
                    "no valid answer within %llu ms (AB03): poll, and post a signed pacs.002 for "
                    "each pacs.008 at once",
                    (unsigned long long)run->sandbox->limit_ms);
    case PAYER_UNKNOWN: break;
    }
    return fail(run, "the other bank could not pay: %s", payment->words);
}

static bool pay_and_settle(struct step_run *run)
{
    return expect_settled(run, pay(run, PLAIN_MINOR));
}

static bool expect_end(struct step_run *run, int64_t minor, enum payer_state state,
                       const char *reason, const char *what_to_do)
{
    const struct sandbox_outgoing *const outgoing = pay(run, minor);
    if (!wait_for_end(run, outgoing)) return fail(run, "the payment got no result");
    struct span const found = identifier_reason_text(&outgoing->payment.reason);
    if (outgoing->payment.state == state && span_equal(found, span_text(reason))) return true;
    return fail(run, "the payment ended as %s %.*s, expected %s: %s",
                payer_state_text(outgoing->payment.state), (int)found.size, found.bytes, reason,
                what_to_do);
}

/* ---- the steps: being paid ---- */

static bool run_connect(struct step_run *run)
{
    struct sandbox *const sandbox = run->sandbox;
    char words[PROCESS_URL_BYTES + 64];
    (void)snprintf(words, sizeof words, "connect to %s and poll as %s", sandbox->url,
                   sandbox->code);
    run->ask(words);
    /* The other bank has one stream. */
    if (wait_for_figure(run, "cauce_streams_open", 2, run->patience_ms)) return true;
    if (relay_connections(sandbox->relay) > 0) {
        return fail(run,
                    "it is connected, but has opened no stream: GET "
                    "/api/v1/out/%s/stream/start with the channel certificate of %s",
                    sandbox->code, sandbox->code);
    }
    if (figure(run, "cauce_tls_handshakes_failed_total") > 0) {
        return fail(run, "its TLS handshake fails: use the channel certificate of %s, trust ca.crt",
                    sandbox->code);
    }
    return fail(run, "nobody has connected to %s", sandbox->url);
}

static bool run_accept(struct step_run *run)
{
    return pay_and_settle(run);
}

/* All texts that a payment may bear, with what XML and clumsy character sets stumble over. */
static bool run_text(struct step_run *run)
{
    struct payer_payment const payment = {
        .amount = amount_of_minor(PLAIN_MINOR),
        .uetr = SPAN("0b3c1a5e-7d2f-4e86-9a41-5c6d7e8f9a0b"),
        .debtor_name = SPAN("Ñandú & Hijos, S.A. de C.V. <México>"),
        .debtor_account = SPAN("002010077777777771"),
        .creditor_name = SPAN("José \"Pepe\" O'Higgins — Zażółć 東京"),
        .creditor_account = SPAN("072680004567890126"),
        .remittance = SPAN("Factura 100% ]]> \xF0\x9F\x98\x80 1 < 2"),
    };
    return expect_settled(run, sandbox_pay(run->sandbox, &payment));
}

/* Three messages to confirm: the pacs.008 and the ACCC by the connector, the ACSC by us. */
static bool pay_and_confirm(struct step_run *run)
{
    static const char name[] = "cauce_deliveries_confirmed_total";
    int64_t const before = figure(run, name);
    if (!pay_and_settle(run)) return false;
    return wait_for_figure(run, name, before + 3, GRACE_MS) ||
           fail(run, "it does not confirm what it has received: GET the last PI-Pull-Next");
}

static bool run_confirm(struct step_run *run)
{
    return pay_and_confirm(run);
}

static bool run_burst(struct step_run *run)
{
    static const char name[] = "cauce_transient_answers_total";
    struct sandbox_outgoing *payments[BURST];
    int64_t const before = figure(run, name);
    for (size_t i = 0; i < BURST; i++)
        payments[i] = pay(run, PLAIN_MINOR);
    for (size_t i = 0; i < BURST; i++) {
        if (!expect_settled(run, payments[i])) return false;
    }
    sandbox_pause(run->sandbox, SETTLING_MS);
    int64_t const more = figure(run, name) - before;
    if (more == 0) return true;
    return fail(run,
                "%lld answers more than payments: each pacs.008 is answered once, a second answer "
                "changes nothing",
                (long long)more);
}

static bool run_reject(struct step_run *run)
{
    return expect_end(run, RULE_REJECT_MINOR, PAYER_REJECTED, "AC03",
                      "answer 66.03 with RJCT and StsRsnInf/Rsn/Cd AC03");
}

static bool run_silent(struct step_run *run)
{
    return expect_end(run, RULE_SILENT_MINOR, PAYER_EXPIRED, "AB03", "do not answer 66.99") &&
           pay_and_settle(run);
}

static bool run_late(struct step_run *run)
{
    static const char name[] = "cauce_transient_answers_total";
    int64_t const before = figure(run, name);
    if (!expect_end(run, RULE_LATE_MINOR, PAYER_EXPIRED, "AB03",
                    "accept 66.45 only after its time limit")) {
        return false;
    }
    if (!wait_for_figure(run, name, before + 1, GRACE_MS)) {
        return fail(run, "66.45 was not answered at all: accept it after its time limit");
    }
    return pay_and_settle(run);
}

/* ---- the steps: paying ---- */

/* Has the connector pay `minor`. */
static bool ask_to_pay(struct step_run *run, int64_t minor)
{
    char amount[AMOUNT_TEXT_BYTES], words[200];
    struct sandbox *const sandbox = run->sandbox;
    (void)amount_print(amount_of_minor(minor), amount);
    if (run->command == NULL) {
        (void)snprintf(words, sizeof words, "pay %s to %s", amount, sandbox->other);
        run->ask(words);
    } else if (trigger_start(&run->trigger, run->command, sandbox->code, sandbox->other, amount) !=
               FAULT_NONE) {
        return fail(run, "--pay: no process could be had");
    }
    return true;
}

static struct sandbox_incoming *wait_for_payment(struct step_run *run, int64_t minor)
{
    struct sandbox_incoming *incoming;
    int64_t const end_ns = sandbox_until(run->patience_ms);
    while (sandbox_paid(run->sandbox, minor, &incoming) == 0) {
        trigger_look(&run->trigger);
        if (run->command != NULL && run->trigger.pid == 0 && run->trigger.exit_code != 0) {
            (void)fail(run, "the command of --pay ended with exit code %d", run->trigger.exit_code);
            return NULL;
        }
        if (sandbox_turn(run->sandbox, end_ns)) continue;
        (void)fail(run, "no payment came from the connector");
        return NULL;
    }
    return incoming;
}

/* What the connector says of its payment; a person sees to that herself. */
static bool expect_said(struct step_run *run, const char *word)
{
    int64_t const end_ns = sandbox_until(run->sandbox->limit_ms + GRACE_MS);
    if (run->command == NULL) {
        char words[64];
        (void)snprintf(words, sizeof words, "your books must say: %s", word);
        run->ask(words);
        return true;
    }
    while (!run->trigger.has_line) {
        if (!sandbox_turn(run->sandbox, end_ns)) break;
        trigger_look(&run->trigger);
    }
    /* AB03 is a rejection, too. */
    if (trigger_says(&run->trigger, word) ||
        (strcmp(word, "expired") == 0 && trigger_says(&run->trigger, "rejected"))) {
        return true;
    }
    return fail(run,
                "the payment is %s at the switch, but the command of --pay says \"%s\": take the "
                "result from the pacs.002, and after a lost 201 send the same bytes again",
                word, run->trigger.line);
}

/* One payment only: nothing doubled it. */
static bool expect_one(struct step_run *run, int64_t minor)
{
    struct sandbox_incoming *incoming;
    sandbox_pause(run->sandbox, SETTLING_MS);
    size_t const count = sandbox_paid(run->sandbox, minor, &incoming);
    if (count == 1) return true;
    return fail(run,
                "it paid %zu times for one order: never pay again under a new end-to-end id, send "
                "the same bytes",
                count);
}

static bool expect_accepted(struct step_run *run, int64_t minor,
                            const struct sandbox_incoming *incoming)
{
    int64_t const end_ns = sandbox_until(OPEN_MS);
    while (!incoming->is_settled && sandbox_turn(run->sandbox, end_ns))
        continue;
    if (!incoming->is_settled) return fail(run, "the payment did not settle");
    return expect_said(run, "settled") && expect_one(run, minor);
}

static bool run_pay(struct step_run *run)
{
    run->sandbox->plan = (struct payee_decision){.answer = PAYEE_ACCEPT};
    if (!ask_to_pay(run, 1201)) return false;
    const struct sandbox_incoming *const incoming = wait_for_payment(run, 1201);
    return incoming != NULL && expect_accepted(run, 1201, incoming);
}

static bool run_pay_rejected(struct step_run *run)
{
    run->sandbox->plan =
        (struct payee_decision){.answer = PAYEE_REJECT, .reject_reason = REASON("AC04")};
    return ask_to_pay(run, 1202) && wait_for_payment(run, 1202) != NULL &&
           expect_said(run, "rejected") && expect_one(run, 1202);
}

static bool run_pay_expired(struct step_run *run)
{
    run->sandbox->plan = (struct payee_decision){.answer = PAYEE_SILENT};
    if (!ask_to_pay(run, 1203)) return false;
    const struct sandbox_incoming *const incoming = wait_for_payment(run, 1203);
    if (incoming == NULL) return false;
    int64_t const end_ns = sandbox_until(run->sandbox->limit_ms + GRACE_MS);
    while (!incoming->is_expired && sandbox_turn(run->sandbox, end_ns))
        continue;
    if (!incoming->is_expired) {
        return fail(run, "the payment did not expire: pay with the priority HIGH (no SttlmPrty)");
    }
    return expect_said(run, "expired") && expect_one(run, 1203);
}

/* ---- the steps: a wire that breaks ---- */

/* Whether the payment has reached the connector and its answer waits in the relay. What was delivered
 * may have been an earlier result: to that it answers nothing. */
static bool is_held(const struct relay *relay)
{
    return relay_has_delivered(relay) && relay_holds_message(relay);
}

/* Pays, and holds the connector's answer.  Another payment goes before, so that the connector has its
 * connections, and waits with nothing left to be delivered.  NULL: it failed. */
static struct sandbox_outgoing *deliver_and_hold(struct step_run *run)
{
    struct sandbox *const sandbox = run->sandbox;
    for (int i = 0; i < TRIES; i++) {
        sandbox_pause(sandbox, SETTLING_MS);
        if (!pay_and_confirm(run)) return NULL;
        relay_arm(sandbox->relay);
        struct sandbox_outgoing *const outgoing =
            sandbox_pay(sandbox, &(struct payer_payment){.amount = amount_of_minor(PLAIN_MINOR),
                                                         .priority = PACS008_NORM});
        int64_t const end_ns = sandbox_until(DELIVERY_MS);
        while (!is_held(sandbox->relay) && sandbox_turn(sandbox, end_ns))
            continue;
        if (is_held(sandbox->relay)) {
            sandbox_pause(sandbox, SETTLING_MS); /* the rest of the answer */
            return outgoing;
        }
        relay_disarm(sandbox->relay);
        if (!expect_settled(run, outgoing)) return NULL;
    }
    (void)fail(run, "no payment went down a connection that was open before: keep one for polling");
    return NULL;
}

static bool run_redeliver(struct step_run *run)
{
    const struct sandbox_outgoing *const outgoing = deliver_and_hold(run);
    if (outgoing == NULL) return false;
    relay_cut(run->sandbox->relay);
    return expect_settled(run, outgoing);
}

static bool run_unheard(struct step_run *run)
{
    const struct sandbox_outgoing *const outgoing = deliver_and_hold(run);
    if (outgoing == NULL) return false;
    relay_turn(run->sandbox->relay);
    bool const good = expect_settled(run, outgoing);
    relay_cut(run->sandbox->relay);
    return good && pay_and_settle(run);
}

static bool run_pay_lost(struct step_run *run)
{
    struct sandbox *const sandbox = run->sandbox;
    sandbox->plan = (struct payee_decision){.answer = PAYEE_ACCEPT};
    relay_hold(sandbox->relay, RELAY_TO_SWITCH);
    bool const asked = ask_to_pay(run, 1204);
    int64_t const end_ns = sandbox_until(run->patience_ms);
    while (asked && !relay_holds_message(sandbox->relay) && sandbox_turn(sandbox, end_ns))
        continue;
    sandbox_pause(sandbox, SETTLING_MS);
    relay_cut(sandbox->relay);
    if (!asked) return false;
    const struct sandbox_incoming *const incoming = wait_for_payment(run, 1204);
    return incoming != NULL && expect_accepted(run, 1204, incoming);
}

static bool run_pay_unheard(struct step_run *run)
{
    struct sandbox *const sandbox = run->sandbox;
    sandbox->plan = (struct payee_decision){.answer = PAYEE_ACCEPT, .delay_ms = HOLD_MS};
    relay_hold(sandbox->relay, RELAY_TO_CONNECTOR);
    const struct sandbox_incoming *const incoming =
        ask_to_pay(run, 1205) ? wait_for_payment(run, 1205) : NULL;
    relay_cut(sandbox->relay);
    return incoming != NULL && expect_accepted(run, 1205, incoming);
}

/* ---- the steps: the switch restarts ---- */

static bool wait_for_return(struct step_run *run)
{
    return wait_for_figure(run, "cauce_streams_open", 2, run->patience_ms) ||
           fail(run,
                "it did not come back after a restart of the switch: connect again, and when a "
                "stream is 410 open a new one");
}

static bool run_restart(struct step_run *run)
{
    return sandbox_restart(run->sandbox, SANDBOX_STOPPED) && wait_for_return(run) &&
           pay_and_settle(run);
}

static bool run_crash(struct step_run *run)
{
    const struct sandbox_outgoing *const outgoing = deliver_and_hold(run);
    if (outgoing == NULL) return false;
    if (!sandbox_restart(run->sandbox, SANDBOX_KILLED)) return false;
    relay_cut(run->sandbox->relay);
    return expect_settled(run, outgoing) && pay_and_settle(run);
}

/* Nobody but the switch may have its word taken; the other bank does not take it either, so that the
 * switch's own count says what happened. */
static bool run_forged(struct step_run *run)
{
    struct sandbox *const sandbox = run->sandbox;
    if (!sandbox_restart(sandbox, SANDBOX_FORGED) || !wait_for_return(run)) return false;
    const struct sandbox_outgoing *const outgoing = pay(run, PLAIN_MINOR);
    if (outgoing == NULL) return false;
    bool const expired =
        wait_for_figure(run, "cauce_payments_expired_total", 1, sandbox->limit_ms + GRACE_MS);
    if (!sandbox_restart(sandbox, SANDBOX_STOPPED) || !wait_for_return(run)) return false;
    if (expired) return pay_and_settle(run);
    (void)wait_for_end(run, outgoing); /* for the books */
    return fail(run, "it answered a payment that the switch had not signed: verify with the "
                     "certificate that you hold, not with the one in KeyInfo");
}

/* ---- the books ---- */

/* What the other bank must have now by its own books, available and reserved together: at least so
 * much, as what an earlier run left open may have settled meanwhile, and at most.  False: the sums
 * overflow. */
static bool expected_total(const struct step_run *run, struct amount *least, struct amount *most)
{
    const struct sandbox *const sandbox = run->sandbox;
    *least = run->available_before;
    for (size_t i = 0; i < sandbox->outgoing_count; i++) {
        const struct sandbox_outgoing *const outgoing = &sandbox->outgoing[i];
        if (outgoing->is_done && outgoing->payment.state == PAYER_SETTLED &&
            !amount_subtract(*least, outgoing->payment.amount, least)) {
            return false;
        }
    }
    for (size_t i = 0; i < sandbox->incoming_count; i++) {
        if (sandbox->incoming[i].is_settled &&
            !amount_add(*least, sandbox->incoming[i].amount, least)) {
            return false;
        }
    }
    return amount_add(*least, run->reserved_before, most);
}

static bool run_books(struct step_run *run)
{
    struct sandbox *const sandbox = run->sandbox;
    struct amount least, most, found;
    char expected_text[AMOUNT_TEXT_BYTES], found_text[AMOUNT_TEXT_BYTES];
    if (!sandbox_ask_balance(sandbox)) return false;
    if (!expected_total(run, &least, &most) ||
        !amount_add(sandbox->available, sandbox->reserved, &found)) {
        return fail(run, "the sums overflow");
    }
    if (amount_compare(least, found) <= 0 && amount_compare(found, most) <= 0) return true;
    (void)amount_print(most, expected_text);
    (void)amount_print(found, found_text);
    return fail(run,
                "the other bank has %s, by what it has seen settle it should have %s: something "
                "else moved its money",
                found_text, expected_text);
}

const struct step step_table[] = {
    {"connect", NULL, "connect with mutual TLS, open a stream, poll", "1 (streams)", run_connect},
    {"accept", "connect", "accept a payment: a signed pacs.002 ACSP in time", "3, 4", run_accept},
    {"text", "accept", "accept a payment with accents, quotes and every optional text", "2, 4",
     run_text},
    {"confirm", "accept", "confirm what was received, results too", "1 (streams)", run_confirm},
    {"burst", "confirm", "answer ten payments at once, each exactly once", "4", run_burst},
    {"reject", "accept", "reject 66.03 with RJCT AC03", "4", run_reject},
    {"silent", "accept", "leave 66.99 unanswered, bear its AB03, go on", "4", run_silent},
    {"late", "accept", "accept 66.45 after its time limit, bear AB03 again, go on", "4", run_late},
    {"pay", "connect", "pay when asked, take ACSC", "2, 3, 4", run_pay},
    {"pay-rejected", "pay", "pay when asked, take RJCT AC04", "4", run_pay_rejected},
    {"pay-expired", "pay", "pay when asked, take RJCT AB03, do not pay again", "4",
     run_pay_expired},
    {"redeliver", "confirm",
     "answer a payment that comes again, as the connection broke before the answer was sent",
     "1 (streams)", run_redeliver},
    {"unheard", "redeliver", "go on when the connection breaks before the 201 of an answer",
     "1 (calls)", run_unheard},
    {"pay-lost", "pay", "send a payment again whose connection broke before it arrived",
     "1 (calls)", run_pay_lost},
    {"pay-unheard", "pay-lost",
     "send the same bytes again when the connection broke before the 201: one payment", "1, 4",
     run_pay_unheard},
    {"restart", "redeliver", "come back after a restart of the switch, accept", "1 (streams)",
     run_restart},
    {"crash", "restart", "answer a payment that was delivered before the switch was killed",
     "1 (streams)", run_crash},
    {"forged", "restart", "do not answer what another key than the switch's has signed, go on", "3",
     run_forged},
    {"books", NULL, "(nothing: the other bank's balance moved by what was settled)", "4, 5",
     run_books},
};

const size_t step_count = sizeof step_table / sizeof step_table[0];
