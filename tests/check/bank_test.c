/* bank: paying, answering and asking against a switch of a few lines (bank_fake.h), over real TLS:
 * what is told on the good road, and that every mishap leads to the same bytes again, never to two
 * payments, and to a named end. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/payee.h"
#include "loadtest/bank/payer.h"
#include "ops/cauce/dev.h"
#include "tests/check/bank_fake.h"

#define PAYER "10000001"
#define PAYEE "10000002"

static char folder[64];
static uv_loop_t loop;
static struct environment environment;
static struct bank_fake *fake;
static struct bank *bank;

/* Keys are made once for all cases. */
static void make_environment(void)
{
    struct dev_settings const settings = {
        .folder = folder, .participants = 2, .balance = amount_of_minor(100)};
    (void)snprintf(folder, sizeof folder, "/tmp/cauce-bank-test-%d", (int)getpid());
    ck_assert_int_eq(dev_make(&settings), FAULT_NONE);
}

static void remove_environment(void)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void open_bank(const char *code)
{
    char words[ENVIRONMENT_WORDS_BYTES] = "", url[64];
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    fake = bank_fake_open(&loop, folder);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u", bank_fake_port(fake));
    ck_assert_msg(environment_open(&environment, folder, url, words) == FAULT_NONE, "%s", words);
    struct bank_settings const settings = {
        .loop = &loop, .environment = &environment, .code = code, .channels = 1, .pipeline_max = 4};
    ck_assert_msg(bank_open(&bank, &settings, words) == FAULT_NONE, "%s", words);
}

static void close_bank(void)
{
    bank_close(bank);
    bank_fake_close(fake);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void run_until(const bool *done)
{
    uint64_t const end_ms = uv_now(&loop) + 20000;
    while (!*done && uv_now(&loop) < end_ms)
        (void)uv_run(&loop, UV_RUN_ONCE);
    ck_assert(*done);
}

static void set_flag(void *context)
{
    *(bool *)context = true;
}

/* ---- posting ---- */

static void post_done(struct bank_post *post)
{
    *(bool *)post->context = true;
}

static const struct {
    enum bank_fake_mishap mishaps[3];
    enum bank_outcome outcome;
    int status;
    unsigned posts;
} posts[] = {
    {{FAKE_NONE}, BANK_TAKEN, 201, 1},
    {{FAKE_CUT}, BANK_TAKEN, 201, 2},
    {{FAKE_CUT, FAKE_CUT, FAKE_CUT}, BANK_TAKEN, 201, 4},
    {{FAKE_500}, BANK_TAKEN, 201, 2},
    {{FAKE_503}, BANK_TAKEN, 201, 2},
    {{FAKE_503, FAKE_CUT, FAKE_500}, BANK_TAKEN, 201, 4},
    {{FAKE_403}, BANK_REFUSED, 403, 1},
    {{FAKE_CUT, FAKE_403}, BANK_REFUSED, 403, 2},
    {{FAKE_SILENCE, FAKE_SILENCE}, BANK_UNKNOWN, 0, 1},
};

START_TEST(a_post_ends_well_or_is_named)
{
    bool done = false;
    open_bank(PAYER);
    for (size_t i = 0; i < 3; i++) {
        if (posts[_i].mishaps[i] != FAKE_NONE) bank_fake_spoil_post(fake, posts[_i].mishaps[i]);
    }
    struct bank_post post = {.body = SPAN("<the same bytes/>"),
                             .timeout_ms = posts[_i].outcome == BANK_UNKNOWN ? 500 : 10000,
                             .done = post_done,
                             .context = &done};
    bank_post(bank, &post);
    run_until(&done);
    ck_assert_int_eq(post.outcome, posts[_i].outcome);
    ck_assert_int_eq(post.status, posts[_i].status);
    ck_assert_uint_eq(bank_fake_post_count(fake), posts[_i].posts);
    for (size_t i = 0; i < bank_fake_post_count(fake); i++) {
        ck_assert(span_equal(bank_fake_post(fake, i), post.body));
    }
    if (post.outcome == BANK_TAKEN) {
        ck_assert_uint_eq(post.id_count, 2);
        ck_assert(span_equal(post.ids[0], SPAN("in-1")));
        ck_assert(span_equal(post.ids[1], SPAN("in-2")));
    } else {
        ck_assert_str_ne(post.words, "");
    }
    if (post.outcome == BANK_REFUSED) ck_assert_str_eq(post.words, "403 the title: the detail");
    close_bank();
}
END_TEST

START_TEST(posts_are_pipelined_and_resent_in_order)
{
    enum { COUNT = 12 };
    static struct bank_post all[COUNT];
    static char bytes[COUNT][8];
    bool done[COUNT] = {false};
    open_bank(PAYER);
    bank_fake_spoil_post(fake, FAKE_NONE);
    bank_fake_spoil_post(fake, FAKE_NONE);
    bank_fake_spoil_post(fake, FAKE_CUT);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(bytes[i], sizeof bytes[i], "<p%d/>", i);
        all[i] = (struct bank_post){.body = span_text(bytes[i]),
                                    .timeout_ms = 5000,
                                    .done = post_done,
                                    .context = &done[i]};
        bank_post(bank, &all[i]);
    }
    for (int i = 0; i < COUNT; i++)
        run_until(&done[i]);
    /* 0, 1, the cut 2, then 2 again and the rest, in their order. */
    ck_assert_uint_eq(bank_fake_post_count(fake), COUNT + 1);
    for (size_t i = 0; i <= COUNT; i++) {
        ck_assert(span_equal(bank_fake_post(fake, i), span_text(bytes[i < 3 ? i : i - 1])));
    }
    ck_assert_uint_eq(bank_fake_connections(fake), 2);
    close_bank();
}
END_TEST

START_TEST(nobody_listening_is_named)
{
    bool done = false;
    char words[ENVIRONMENT_WORDS_BYTES];
    open_bank(PAYER);
    bank_close(bank);
    ck_assert_int_eq(environment_open(&environment, folder, "https://127.0.0.1:1", words),
                     FAULT_NONE);
    struct bank_settings const settings = {.loop = &loop,
                                           .environment = &environment,
                                           .code = PAYER,
                                           .channels = 1,
                                           .pipeline_max = 1};
    ck_assert_int_eq(bank_open(&bank, &settings, words), FAULT_NONE);
    struct bank_post post = {
        .body = SPAN("<x/>"), .timeout_ms = 1500, .done = post_done, .context = &done};
    bank_post(bank, &post);
    run_until(&done);
    ck_assert_int_eq(post.outcome, BANK_UNKNOWN);
    ck_assert_str_eq(post.words, "connection refused");
    close_bank();
}
END_TEST

START_TEST(bad_environments_are_named)
{
    static const struct {
        const char *folder, *url, *words;
    } cases[] = {
        {"/nowhere", NULL, "/nowhere/cauce.conf"},
        {folder, "http://127.0.0.1:1", "expected https://HOST:PORT"},
        {folder, "https://127.0.0.1", "expected https://HOST:PORT"},
        {folder, "https://127.0.0.1:0", "expected https://HOST:PORT"},
        {folder, "https://127.0.0.1:99999", "expected https://HOST:PORT"},
        {folder, "https://:1", "expected https://HOST:PORT"},
        {folder, "https://127.0.0.1:1/x", "expected https://HOST:PORT"},
    };
    char words[ENVIRONMENT_WORDS_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_ne(environment_open(&environment, cases[i].folder, cases[i].url, words),
                         FAULT_NONE);
        ck_assert_msg(strstr(words, cases[i].words) != NULL, "%s", words);
    }
    ck_assert_int_eq(environment_open(&environment, folder, "https://[::1]:8443/", words),
                     FAULT_NONE);
    ck_assert_str_eq(environment.address.host, "::1");
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    struct bank_settings settings = {.loop = &loop,
                                     .environment = &environment,
                                     .code = "10000101",
                                     .channels = 1,
                                     .pipeline_max = 1};
    ck_assert_int_ne(bank_open(&bank, &settings, words), FAULT_NONE);
    ck_assert_ptr_nonnull(strstr(words, "10000101"));
    settings.code = "1";
    ck_assert_int_eq(bank_open(&bank, &settings, words), FAULT_INVALID);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

/* ---- paying ---- */

/* What the fake answers to each pacs.008. */
struct results {
    enum pacs002_status status;
    struct span reason;
    bool refuse; /* with admi.002 */
    bool twice;  /* the result comes twice, under two ids */
    size_t payments;
};

static char buffer[LIMIT_MESSAGE_BYTES];

static void give_result(struct bank_fake *the_fake, struct span body, void *context)
{
    struct results *const results = context;
    const struct message *const message = bank_fake_read(the_fake, body);
    struct header const header = bank_fake_header(the_fake, SPAN(PAYER));
    struct compose compose;
    compose_open(&compose, buffer, sizeof buffer);
    if (message->kind == CATALOGUE_CAMT_060) {
        struct camt052 const balances = {.query_id = message->content.camt060.message_id,
                                         .account = SPAN(PAYER),
                                         .currency = SPAN("MXN"),
                                         .available = amount_of_minor(1234),
                                         .reserved = amount_of_minor(5),
                                         .instant_ns = header.created_ns};
        ck_assert_int_eq(camt052_write(&compose, &header, &balances), FAULT_NONE);
        bank_fake_queue(the_fake, header.business_id, bank_fake_sign(the_fake, &compose));
        return;
    }
    ck_assert_int_eq(message->kind, CATALOGUE_PACS_008);
    const struct pacs008_transaction *const payment = &message->content.pacs008.transactions[0];
    results->payments++;
    ck_assert_int_eq(amount_minor(payment->amount), 1234);
    ck_assert(span_equal(payment->creditor_agent, SPAN(PAYEE)));
    if (results->refuse) {
        struct admi002 const refusal = {.reference = message->header.header.business_id,
                                        .code = SPAN("SIGNATURE")};
        ck_assert_int_eq(admi002_write(&compose, &header, &refusal), FAULT_NONE);
    } else {
        struct pacs002_transaction const result = {
            .end_to_end_id = payment->end_to_end_id,
            .status = results->status,
            .reason = results->reason,
            .settled_ns = results->status == PACS002_ACSC ? header.created_ns : 0,
            .settled_seq = results->status == PACS002_ACSC ? 77 : 0};
        ck_assert_int_eq(pacs002_write(&compose, &header, &result, 1), FAULT_NONE);
    }
    struct span const signed_message = bank_fake_sign(the_fake, &compose);
    bank_fake_queue(the_fake, header.business_id, signed_message);
    if (results->twice) bank_fake_queue(the_fake, SPAN("again"), signed_message);
}

static void payment_done(struct payer_payment *payment)
{
    *(bool *)payment->context = true;
}

static const struct {
    struct results results;
    enum bank_fake_mishap post, poll;
    enum payer_state state;
    const char *reason;
    uint64_t settled_seq;
} payments[] = {
    {{.status = PACS002_ACSC}, FAKE_NONE, FAKE_NONE, PAYER_SETTLED, "", 77},
    {{.status = PACS002_ACSC, .twice = true}, FAKE_NONE, FAKE_NONE, PAYER_SETTLED, "", 77},
    {{.status = PACS002_RJCT, .reason = {"AC03", 4}},
     FAKE_NONE,
     FAKE_NONE,
     PAYER_REJECTED,
     "AC03",
     0},
    {{.status = PACS002_RJCT, .reason = {"AB03", 4}},
     FAKE_NONE,
     FAKE_NONE,
     PAYER_EXPIRED,
     "AB03",
     0},
    {{.refuse = true}, FAKE_NONE, FAKE_NONE, PAYER_REJECTED, "SIGNATURE", 0},
    {{.status = PACS002_ACSC}, FAKE_CUT, FAKE_NONE, PAYER_SETTLED, "", 77},
    {{.status = PACS002_ACSC}, FAKE_500, FAKE_CUT, PAYER_SETTLED, "", 77},
    {{.status = PACS002_ACSC}, FAKE_NONE, FAKE_410, PAYER_SETTLED, "", 77},
    {{.status = PACS002_ACSC}, FAKE_NONE, FAKE_503, PAYER_SETTLED, "", 77},
    {{.status = PACS002_ACSP}, FAKE_NONE, FAKE_NONE, PAYER_UNKNOWN, "", 0}, /* only reserved */
    {{.status = PACS002_ACSC}, FAKE_403, FAKE_NONE, PAYER_UNKNOWN, "", 0},
    {{.status = PACS002_ACSC}, FAKE_NONE, FAKE_403, PAYER_UNKNOWN, "", 0},
};

static struct payer_payment new_payment(bool *done, uint64_t timeout_ms)
{
    struct payer_payment payment = {.amount = amount_of_minor(1234),
                                    .timeout_ms = timeout_ms,
                                    .done = payment_done,
                                    .context = done};
    ck_assert(identifier_parse_code(SPAN(PAYEE), &payment.to));
    return payment;
}

START_TEST(a_payment_has_one_end)
{
    struct payer *payer;
    struct results results = payments[_i].results;
    bool done = false, closed = false;
    open_bank(PAYER);
    bank_fake_on_post(fake, give_result, &results);
    if (payments[_i].post != FAKE_NONE) bank_fake_spoil_post(fake, payments[_i].post);
    if (payments[_i].poll != FAKE_NONE) bank_fake_spoil_poll(fake, payments[_i].poll);
    ck_assert_int_eq(payer_open(&payer, bank, true), FAULT_NONE);
    struct payer_payment payment =
        new_payment(&done, payments[_i].state == PAYER_UNKNOWN ? 600 : 10000);
    ck_assert_int_eq(payer_pay(payer, &payment), FAULT_NONE);
    run_until(&done);
    ck_assert_int_eq(payment.state, payments[_i].state);
    ck_assert(span_equal(identifier_reason_text(&payment.reason), span_text(payments[_i].reason)));
    ck_assert_uint_eq(payment.settled_seq, payments[_i].settled_seq);
    if (payment.state == PAYER_UNKNOWN) ck_assert_str_ne(payment.words, "");
    for (size_t i = 1; i < bank_fake_post_count(fake); i++) {
        ck_assert(span_equal(bank_fake_post(fake, i), bank_fake_post(fake, 0)));
    }
    payer_close(payer, set_flag, &closed);
    run_until(&closed);
    close_bank();
}
END_TEST

/* A payer that is closed from inside `done`, as by a program whose work is over. */
struct last_payment {
    struct payer *payer;
    bool closed;
};

static void close_when_done(struct payer_payment *payment)
{
    struct last_payment *const last = payment->context;
    payer_close(last->payer, set_flag, &last->closed);
}

START_TEST(a_payer_closed_from_inside_confirms)
{
    struct last_payment last = {0};
    struct results results = {.status = PACS002_ACSC, .twice = true};
    open_bank(PAYER);
    bank_fake_on_post(fake, give_result, &results);
    ck_assert_int_eq(payer_open(&last.payer, bank, true), FAULT_NONE);
    struct payer_payment payment = new_payment(NULL, 10000);
    payment.done = close_when_done;
    payment.context = &last;
    ck_assert_int_eq(payer_pay(last.payer, &payment), FAULT_NONE);
    run_until(&last.closed);
    ck_assert_int_eq(payment.state, PAYER_SETTLED);
    ck_assert_uint_eq(bank_fake_deletes(fake), 1);
    ck_assert_uint_ge(bank_fake_confirmed(fake), 1);
    close_bank();
}
END_TEST

START_TEST(many_payments_have_an_end_each)
{
    enum { COUNT = 40 };
    static struct payer_payment all[COUNT];
    bool done[COUNT] = {false}, closed = false;
    struct payer *payer;
    struct results results = {.status = PACS002_ACSC};
    open_bank(PAYER);
    bank_fake_on_post(fake, give_result, &results);
    ck_assert_int_eq(payer_open(&payer, bank, true), FAULT_NONE);
    for (int i = 0; i < COUNT; i++) {
        all[i] = new_payment(&done[i], 10000);
        ck_assert_int_eq(payer_pay(payer, &all[i]), FAULT_NONE);
    }
    for (int i = 0; i < COUNT; i++) {
        run_until(&done[i]);
        ck_assert_int_eq(all[i].state, PAYER_SETTLED);
    }
    ck_assert_uint_eq(results.payments, COUNT);
    payer_close(payer, set_flag, &closed);
    run_until(&closed);
    ck_assert_uint_eq(bank_fake_deletes(fake), 1);
    close_bank();
}
END_TEST

/* The answer to a question. */
struct balances {
    bool done;
    struct amount available, reserved;
    const char *words;
};

static void balances_done(void *context, struct amount available, struct amount reserved,
                          const char *words)
{
    *(struct balances *)context = (struct balances){true, available, reserved, words};
}

START_TEST(balances_are_told)
{
    struct payer *payer;
    struct results results = {0};
    struct balances balances = {0};
    bool closed = false;
    open_bank(PAYER);
    bank_fake_on_post(fake, give_result, &results);
    ck_assert_int_eq(payer_open(&payer, bank, true), FAULT_NONE);
    ck_assert_int_eq(payer_balance(payer, 5000, balances_done, &balances), FAULT_NONE);
    ck_assert_int_eq(payer_balance(payer, 5000, balances_done, &balances), FAULT_BUSY);
    run_until(&balances.done);
    ck_assert_ptr_null(balances.words);
    ck_assert_int_eq(amount_minor(balances.available), 1234);
    ck_assert_int_eq(amount_minor(balances.reserved), 5);
    balances.done = false;
    bank_fake_spoil_post(fake, FAKE_403);
    ck_assert_int_eq(payer_balance(payer, 5000, balances_done, &balances), FAULT_NONE);
    run_until(&balances.done);
    ck_assert_str_eq(balances.words, "403 the title: the detail");
    payer_close(payer, set_flag, &closed);
    run_until(&closed);
    close_bank();
}
END_TEST

/* ---- being paid ---- */

struct paid {
    unsigned count;
    bool done;
    bool failed;
    char last[64];
};

static void answered(void *context, const struct payee_payment *payment)
{
    struct paid *const paid = context;
    char amount[AMOUNT_TEXT_BYTES];
    (void)amount_print(payment->amount, amount);
    (void)snprintf(paid->last, sizeof paid->last, "%.*s %.*s %s", (int)payment->end_to_end_id.size,
                   payment->end_to_end_id.bytes, (int)payment->from.size, payment->from.bytes,
                   amount);
    paid->count++;
    paid->done = true;
}

static void payee_failed(void *context, const char *words)
{
    struct paid *const paid = context;
    ck_assert_str_ne(words, "");
    paid->failed = true;
}

/* Queues a pacs.008 from the switch; `forger` signs with a bank's key instead. */
static void queue_payment(const char *resource_id, const char *end_to_end_id, struct bank *forger)
{
    struct compose compose;
    struct span message;
    struct header const header = bank_fake_header(fake, SPAN(PAYEE));
    struct pacs008_order const order = {.end_to_end_id = span_text(end_to_end_id),
                                        .instruction_id = SPAN("I1"),
                                        .amount = amount_of_minor(500),
                                        .currency = SPAN("MXN"),
                                        .accepted_ns = header.created_ns,
                                        .debtor_agent = SPAN(PAYER),
                                        .creditor_agent = SPAN(PAYEE)};
    compose_open(&compose, buffer, sizeof buffer);
    ck_assert_int_eq(pacs008_write(&compose, &header, &order, 1), FAULT_NONE);
    if (forger != NULL)
        ck_assert_int_eq(bank_sign(forger, &compose, &message), FAULT_NONE);
    else
        message = bank_fake_sign(fake, &compose);
    bank_fake_queue(fake, span_text(resource_id), message);
}

static struct payee *open_payee(struct paid *paid, enum payee_answer answer, uint64_t delay_ms)
{
    struct payee *payee;
    open_bank(PAYEE);
    struct payee_settings const settings = {.bank = bank,
                                            .answer = answer,
                                            .reject_reason = REASON("AC03"),
                                            .delay_ms = delay_ms,
                                            .streams = 1,
                                            .context = paid,
                                            .answered = answered,
                                            .failed = payee_failed};
    ck_assert_int_eq(payee_open(&payee, &settings), FAULT_NONE);
    return payee;
}

static void end_payee(struct payee *payee)
{
    bool closed = false;
    payee_close(payee, set_flag, &closed);
    run_until(&closed);
    close_bank();
}

/* Runs until the fake has `count` confirmed messages. */
static void run_until_confirmed(size_t count)
{
    uint64_t const end_ms = uv_now(&loop) + 10000;
    while (bank_fake_confirmed(fake) < count && uv_now(&loop) < end_ms) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_uint_eq(bank_fake_confirmed(fake), count);
}

static const struct {
    enum payee_answer answer;
    uint64_t delay_ms;
    enum bank_fake_mishap post, poll;
    enum pacs002_status status;
    const char *reason;
    size_t posts;
} answers[] = {
    {PAYEE_ACCEPT, 0, FAKE_NONE, FAKE_NONE, PACS002_ACSP, "", 1},
    {PAYEE_REJECT, 0, FAKE_NONE, FAKE_NONE, PACS002_RJCT, "AC03", 1},
    {PAYEE_ACCEPT, 200, FAKE_NONE, FAKE_NONE, PACS002_ACSP, "", 1},
    {PAYEE_ACCEPT, 0, FAKE_CUT, FAKE_NONE, PACS002_ACSP, "", 2},
    {PAYEE_ACCEPT, 0, FAKE_503, FAKE_CUT, PACS002_ACSP, "", 2},
    {PAYEE_SILENT, 0, FAKE_NONE, FAKE_NONE, PACS002_ACSP, "", 0},
};

START_TEST(a_payment_is_answered_once)
{
    struct paid paid = {0};
    struct payee *const payee = open_payee(&paid, answers[_i].answer, answers[_i].delay_ms);
    if (answers[_i].post != FAKE_NONE) bank_fake_spoil_post(fake, answers[_i].post);
    if (answers[_i].poll != FAKE_NONE) bank_fake_spoil_poll(fake, answers[_i].poll);
    queue_payment("one", "E1", NULL);
    run_until(&paid.done);
    ck_assert_str_eq(paid.last, "E1 " PAYER " 5.00");
    /* Delivered again under the same id, as after a restart: nothing more is posted. */
    queue_payment("one", "E1", NULL);
    run_until_confirmed(2);
    ck_assert_uint_eq(paid.count, 1);
    ck_assert_uint_eq(bank_fake_post_count(fake), answers[_i].posts);
    if (answers[_i].posts > 0) {
        const struct message *const message = bank_fake_read(fake, bank_fake_post(fake, 0));
        ck_assert_int_eq(message->kind, CATALOGUE_PACS_002);
        const struct pacs002_transaction *const answer = &message->content.pacs002.transactions[0];
        ck_assert(span_equal(answer->end_to_end_id, SPAN("E1")));
        ck_assert(span_equal(answer->instruction_id, SPAN("I1")));
        ck_assert_int_eq(answer->status, answers[_i].status);
        ck_assert(span_equal(answer->reason, span_text(answers[_i].reason)));
    }
    ck_assert(!paid.failed);
    end_payee(payee);
}
END_TEST

/* Silent, late and at once, each as decided: what is due first is answered first. */
static struct payee_decision by_id(void *context, const struct payee_payment *payment)
{
    struct payee_decision decision = {.answer = PAYEE_ACCEPT, .delay_ms = 300};
    (void)context;
    if (span_equal(payment->end_to_end_id, SPAN("E2"))) decision.delay_ms = 100;
    if (span_equal(payment->end_to_end_id, SPAN("E3"))) decision.answer = PAYEE_SILENT;
    if (span_equal(payment->end_to_end_id, SPAN("E4"))) {
        decision = (struct payee_decision){.answer = PAYEE_REJECT, .reject_reason = REASON("AC04")};
    }
    return decision;
}

START_TEST(each_payment_is_decided_by_itself)
{
    static const char *const ids[] = {"E1", "E2", "E3", "E4"};
    static const struct {
        const char *id, *reason;
    } expected[] = {{"E4", "AC04"}, {"E2", ""}, {"E1", ""}};
    struct paid paid = {0};
    struct payee *payee;
    open_bank(PAYEE);
    struct payee_settings const settings = {.bank = bank,
                                            .streams = 1,
                                            .context = &paid,
                                            .decide = by_id,
                                            .answered = answered,
                                            .failed = payee_failed};
    ck_assert_int_eq(payee_open(&payee, &settings), FAULT_NONE);
    for (size_t i = 0; i < 4; i++)
        queue_payment(ids[i], ids[i], NULL);
    while (paid.count < 4)
        (void)uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(bank_fake_post_count(fake), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct message *const message = bank_fake_read(fake, bank_fake_post(fake, i));
        const struct pacs002_transaction *const answer = &message->content.pacs002.transactions[0];
        ck_assert(span_equal(answer->end_to_end_id, span_text(expected[i].id)));
        ck_assert(span_equal(answer->reason, span_text(expected[i].reason)));
    }
    end_payee(payee);
}
END_TEST

START_TEST(nothing_is_confirmed_before_its_answer_is_taken)
{
    struct paid paid = {0};
    struct payee *const payee = open_payee(&paid, PAYEE_ACCEPT, 0);
    bank_fake_spoil_post(fake, FAKE_503);
    queue_payment("one", "E1", NULL);
    while (bank_fake_post_count(fake) == 0)
        (void)uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(bank_fake_confirmed(fake), 0);
    run_until(&paid.done);
    run_until_confirmed(1);
    end_payee(payee);
}
END_TEST

START_TEST(a_batch_is_answered_whole)
{
    struct paid paid = {0};
    struct payee *const payee = open_payee(&paid, PAYEE_ACCEPT, 0);
    char id[8];
    for (int i = 0; i < 25; i++) {
        (void)snprintf(id, sizeof id, "E%d", i);
        queue_payment(id, id, NULL);
    }
    run_until_confirmed(25);
    ck_assert_uint_eq(paid.count, 25);
    end_payee(payee);
}
END_TEST

START_TEST(what_the_switch_did_not_sign_is_not_answered)
{
    struct paid paid = {0};
    struct payee *const payee = open_payee(&paid, PAYEE_ACCEPT, 0);
    queue_payment("forged", "E0", bank);
    queue_payment("one", "E1", NULL);
    run_until_confirmed(2);
    ck_assert_uint_eq(payee_strange(payee), 1);
    ck_assert_uint_eq(paid.count, 1);
    ck_assert_uint_eq(bank_fake_post_count(fake), 1);
    end_payee(payee);
}
END_TEST

START_TEST(a_refused_answer_ends_the_payee_unconfirmed)
{
    struct paid paid = {0};
    bool closed = false;
    struct payee *const payee = open_payee(&paid, PAYEE_ACCEPT, 0);
    bank_fake_spoil_post(fake, FAKE_403);
    queue_payment("one", "E1", NULL);
    run_until(&paid.failed);
    payee_close(payee, set_flag, &closed);
    run_until(&closed);
    ck_assert_uint_eq(bank_fake_confirmed(fake), 0);
    ck_assert_uint_eq(bank_fake_deletes(fake), 0);
    close_bank();
}
END_TEST

START_TEST(a_payer_leaves_incoming_payments_to_others)
{
    struct payer *payer;
    struct results results = {.status = PACS002_ACSC};
    bool done = false, closed = false;
    open_bank(PAYER);
    bank_fake_on_post(fake, give_result, &results);
    struct compose compose;
    struct header const header = bank_fake_header(fake, SPAN(PAYER));
    struct pacs008_order const order = {.end_to_end_id = SPAN("E1"),
                                        .amount = amount_of_minor(500),
                                        .currency = SPAN("MXN"),
                                        .accepted_ns = header.created_ns,
                                        .debtor_agent = SPAN(PAYEE),
                                        .creditor_agent = SPAN(PAYER)};
    compose_open(&compose, buffer, sizeof buffer);
    ck_assert_int_eq(pacs008_write(&compose, &header, &order, 1), FAULT_NONE);
    bank_fake_queue(fake, SPAN("incoming"), bank_fake_sign(fake, &compose));
    ck_assert_int_eq(payer_open(&payer, bank, true), FAULT_NONE);
    struct payer_payment payment = new_payment(&done, 10000);
    ck_assert_int_eq(payer_pay(payer, &payment), FAULT_NONE);
    run_until(&done);
    ck_assert_int_eq(payment.state, PAYER_SETTLED);
    ck_assert_uint_eq(bank_fake_confirmed(fake), 0);
    payer_close(payer, set_flag, &closed);
    run_until(&closed);
    ck_assert_uint_eq(bank_fake_confirmed(fake), 0);
    close_bank();
}
END_TEST

#define LOOP(test, table) tcase_add_loop_test(cases, test, 0, sizeof table / sizeof table[0])

int main(void)
{
    Suite *const suite = suite_create("bank");
    TCase *const cases = tcase_create("bank");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, make_environment, remove_environment);
    LOOP(a_post_ends_well_or_is_named, posts);
    tcase_add_test(cases, posts_are_pipelined_and_resent_in_order);
    tcase_add_test(cases, nobody_listening_is_named);
    tcase_add_test(cases, bad_environments_are_named);
    LOOP(a_payment_has_one_end, payments);
    tcase_add_test(cases, a_payer_closed_from_inside_confirms);
    tcase_add_test(cases, many_payments_have_an_end_each);
    tcase_add_test(cases, balances_are_told);
    tcase_add_test(cases, a_payer_leaves_incoming_payments_to_others);
    LOOP(a_payment_is_answered_once, answers);
    tcase_add_test(cases, each_payment_is_decided_by_itself);
    tcase_add_test(cases, nothing_is_confirmed_before_its_answer_is_taken);
    tcase_add_test(cases, a_batch_is_answered_whole);
    tcase_add_test(cases, what_the_switch_did_not_sign_is_not_answered);
    tcase_add_test(cases, a_refused_answer_ends_the_payee_unconfirmed);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
