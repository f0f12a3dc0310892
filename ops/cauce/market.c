/* market: see market.h for what it is for.
 *
 *      draining --nothing open--> asking --all answered--> checked --paying for 2 s--> draining ...
 *                                                             '--at the end--> closing
 *
 * The happy path goes round that circle until time or a signal ends it.
 *
 * Possible failures: a bank cannot listen or pay, a payment stays without a result, a balance is not
 * answered, an invariant is broken, the watcher says so.  The first one closes everything at once. */
#include "ops/cauce/market.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/payee.h"
#include "loadtest/bank/payer.h"
#include "loadtest/load/histogram.h"
#include "proto/base/time.h"
#include "proto/config/genesis.h"

#define BANKS VIEW_BANKS_MAX
#define OPEN_MAX 64 /* payments of one bank without a result; no more are then begun */
#define TICKS_PER_CHECK (2000 / MARKET_TICK_MS)
#define TICKS_PER_RATE (1000 / MARKET_TICK_MS)
#define BEYOND_EVERY 50 /* one payment in so many is beyond any balance: AM04 */
#define ANSWER_MS 15000
#define PAYMENT_MS 20000                   /* the switch's own time limit is 10 s */
#define AMOUNT_MOST_MINOR 50000            /* 500.00 */
#define BEYOND_MINOR INT64_C(900000000000) /* 9,000,000,000.00 */

enum phase { PHASE_DRAINING, PHASE_ASKING, PHASE_CHECKED, PHASE_PAYING, PHASE_CLOSING };

struct market;

struct market_bank {
    struct market *market;
    struct participant_code code;
    char code_text[PARTICIPANT_CODE_BYTES + 1];
    struct bank *bank;
    struct payee *payee;
    struct payer *payer;
    struct payer_payment payments[OPEN_MAX];
    bool is_open[OPEN_MAX];
    struct amount first; /* its balance at the first check */
};

struct market {
    const struct market_settings *settings;
    struct view *view;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[2];
    struct market_bank banks[BANKS];
    size_t opened;      /* banks that have to be closed */
    size_t asked;       /* balances under way */
    bool is_last_check; /* the one under way: closing follows */
    bool is_ending;
    enum phase phase;
    uint64_t ticks;
    uint64_t random;
    int64_t began_ns;
    uint64_t ended_before; /* payments ended until the second before */
    struct histogram latency;
    struct histogram latency_now; /* of the second under way */
    char *words;                  /* of the first failure, MARKET_WORDS_BYTES; "": none */
};

static void fail(struct market *market, const char *format, ...) PRINTF_LIKE(2, 3);

/* Keeps the first reason and begins the end. */
static void fail(struct market *market, const char *format, ...)
{
    market->is_ending = true;
    if (market->words[0] != '\0') return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(market->words, MARKET_WORDS_BYTES, format, arguments);
    va_end(arguments);
}

/* xorshift64*: a spread of payments, nothing secret. Assumed bound > 0. */
static uint64_t draw(struct market *market, uint64_t bound)
{
    market->random ^= market->random >> 12;
    market->random ^= market->random << 25;
    market->random ^= market->random >> 27;
    return (market->random * UINT64_C(2685821657736338717) >> 33) % bound;
}

static uint64_t ended(const struct market *market)
{
    const struct view *view = market->view;
    return view->settled + view->rejected + view->expired + view->unknown;
}

static void count_reason(struct market *market, const struct reason *reason)
{
    struct view *view = market->view;
    struct span const text = identifier_reason_text(reason);
    for (size_t i = 0; i < view->reason_count; i++) {
        if (!span_equal(text, span_text(view->reasons[i].text))) continue;
        view->reasons[i].count++;
        return;
    }
    if (view->reason_count == VIEW_REASONS_MAX) return;
    struct view_reason *added = &view->reasons[view->reason_count++];
    memcpy(added->text, text.bytes, text.size);
    added->text[text.size] = '\0';
    added->count = 1;
}

/* The payer's and the payee's own books; the payee is one of ours. */
static void book(struct market *market, size_t payer, const struct payer_payment *payment)
{
    for (size_t i = 0; i < BANKS; i++) {
        struct view_bank *bank = &market->view->banks[i];
        struct amount *side = i == payer ? &bank->paid : &bank->received;
        if (i != payer && !identifier_code_equal(market->banks[i].code, payment->to)) continue;
        if (!amount_add(*side, payment->amount, side)) fail(market, "a bank's books overflow");
    }
}

static void on_paid(struct payer_payment *payment)
{
    struct market_bank *bank = payment->context;
    struct market *market = bank->market;
    bank->is_open[payment - bank->payments] = false;
    market->view->waiting--;
    switch (payment->state) {
    case PAYER_SETTLED:
        market->view->settled++;
        book(market, (size_t)(bank - market->banks), payment);
        break;
    case PAYER_REJECTED:
        market->view->rejected++;
        count_reason(market, &payment->reason);
        break;
    case PAYER_EXPIRED: market->view->expired++; break;
    case PAYER_UNKNOWN:
        market->view->unknown++;
        fail(market, "a payment has no result: %s", payment->words);
        return;
    }
    int64_t const time_ns = (int64_t)(payment->latency_ms * TIME_NS_PER_MS);
    histogram_add(&market->latency, time_ns);
    histogram_add(&market->latency_now, time_ns);
}

/* One payment from `bank` to a random other, unless too many are open. */
static void pay(struct market_bank *bank)
{
    struct market *market = bank->market;
    size_t slot = 0;
    while (slot < OPEN_MAX && bank->is_open[slot])
        slot++;
    if (slot == OPEN_MAX) return;
    size_t const own = (size_t)(bank - market->banks);
    size_t const other = (own + 1 + draw(market, BANKS - 1)) % BANKS;
    bool const is_beyond = draw(market, BEYOND_EVERY) == 0;
    bank->payments[slot] = (struct payer_payment){
        .to = market->banks[other].code,
        .amount = amount_of_minor(is_beyond ? BEYOND_MINOR
                                            : 1 + (int64_t)draw(market, AMOUNT_MOST_MINOR)),
        .timeout_ms = PAYMENT_MS,
        .done = on_paid,
        .context = bank,
    };
    enum fault fault = payer_pay(bank->payer, &bank->payments[slot]);
    if (fault != FAULT_NONE) {
        fail(market, "bank %s cannot pay: %s", bank->code_text, fault_words(fault));
        return;
    }
    bank->is_open[slot] = true;
    market->view->waiting++;
}

/* All balances are in and nothing was open meanwhile: now they must agree to the cent. */
static void check_invariants(struct market *market)
{
    struct view *view = market->view;
    struct amount sum = amount_of_minor(0);
    bool books_agree = true;
    bool is_clear = true;
    for (size_t i = 0; i < BANKS; i++) {
        struct view_bank *bank = &view->banks[i];
        struct amount expected;
        if (view->checks == 0) market->banks[i].first = bank->available;
        if (!amount_add(market->banks[i].first, bank->received, &expected) ||
            !amount_subtract(expected, bank->paid, &expected) ||
            amount_compare(expected, bank->available) != 0) {
            books_agree = false;
        }
        if (!amount_is_zero(bank->reserved) || amount_is_negative(bank->available)) {
            is_clear = false;
        }
        if (!amount_add(sum, bank->available, &sum) || !amount_add(sum, bank->reserved, &sum)) {
            books_agree = false;
        }
    }
    if (view->checks == 0 && !market->settings->is_fresh) view->funding = sum;
    view->sum = sum;
    view->checks++;
    view->sum_breaks += amount_compare(sum, view->funding) != 0;
    view->book_breaks += !books_agree;
    view->reserve_breaks += !is_clear;
    if (view->sum_breaks + view->book_breaks + view->reserve_breaks > 0) {
        fail(market, "an invariant is broken");
    }
}

static void on_balance(void *context, struct amount available, struct amount reserved,
                       const char *words)
{
    struct market_bank *bank = context;
    struct market *market = bank->market;
    struct view_bank *shown = &market->view->banks[bank - market->banks];
    market->asked--;
    if (words == NULL) {
        shown->available = available;
        shown->reserved = reserved;
    } else {
        fail(market, "bank %s got no balance: %s", bank->code_text, words);
    }
    if (market->asked > 0) return;
    if (market->words[0] == '\0') check_invariants(market);
    market->phase = PHASE_CHECKED;
}

static void ask_balances(struct market *market)
{
    market->phase = PHASE_ASKING;
    market->is_last_check = market->is_ending;
    market->asked = BANKS;
    for (size_t i = 0; i < BANKS; i++) {
        enum fault fault =
            payer_balance(market->banks[i].payer, ANSWER_MS, on_balance, &market->banks[i]);
        if (fault != FAULT_NONE) {
            on_balance(&market->banks[i], amount_of_minor(0), amount_of_minor(0),
                       fault_words(fault));
        }
    }
}

static void on_other(void *context, const struct message *message)
{
    struct market_bank *bank = context;
    payer_take(bank->payer, message);
}

static void on_payee_failed(void *context, const char *words)
{
    struct market_bank *bank = context;
    fail(bank->market, "bank %s cannot listen: %s", bank->code_text, words);
}

static void on_payee_closed(void *context)
{
    struct market_bank *bank = context;
    struct market *market = bank->market;
    bank_close(bank->bank);
    if (--market->opened > 0) return;
    uv_close((uv_handle_t *)&market->timer, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&market->signals[i], NULL);
}

static void on_payer_closed(void *context)
{
    struct market_bank *bank = context;
    payee_close(bank->payee, on_payee_closed, bank);
}

static void close_banks(struct market *market)
{
    market->phase = PHASE_CLOSING;
    for (size_t i = 0; i < BANKS; i++) {
        payer_close(market->banks[i].payer, on_payer_closed, &market->banks[i]);
    }
}

static double percentile_ms(const struct histogram *histogram, double share)
{
    return (double)histogram_percentile_ns(histogram, share) / TIME_NS_PER_MS;
}

static void take_rates(struct market *market)
{
    struct view *view = market->view;
    uint64_t const now = ended(market);
    double const elapsed =
        (double)(time_monotonic_ns() - market->began_ns) / (double)TIME_NS_PER_SECOND;
    view->rate_now = (double)(now - market->ended_before);
    view->rate_mean = elapsed > 0 ? (double)now / elapsed : 0;
    view->p50_now_ms = percentile_ms(&market->latency_now, 0.50);
    view->p99_now_ms = percentile_ms(&market->latency_now, 0.99);
    market->ended_before = now;
    market->latency_now = (struct histogram){0};
}

static void take_totals(struct market *market)
{
    struct view *view = market->view;
    view->elapsed_seconds =
        (uint32_t)((time_monotonic_ns() - market->began_ns) / TIME_NS_PER_SECOND);
    view->p50_ms = percentile_ms(&market->latency, 0.50);
    view->p99_ms = percentile_ms(&market->latency, 0.99);
    view->longest_ms = (double)market->latency.longest_ns / TIME_NS_PER_MS;
}

/* The drawing at the top, one step. */
static void step_phase(struct market *market)
{
    if (market->words[0] != '\0') {
        close_banks(market);
        return;
    }
    switch (market->phase) {
    case PHASE_DRAINING:
        if (market->view->waiting == 0) ask_balances(market);
        break;
    case PHASE_ASKING: break;
    case PHASE_CHECKED:
        if (market->is_last_check) {
            close_banks(market);
        } else {
            market->phase = PHASE_PAYING;
        }
        break;
    case PHASE_PAYING:
        if (market->is_ending || market->ticks % TICKS_PER_CHECK == 0) {
            market->phase = PHASE_DRAINING;
        } else {
            pay(&market->banks[market->ticks % BANKS]); /* in turn, so that they do not queue */
        }
        break;
    case PHASE_CLOSING: break;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct market *market = timer->data;
    if (market->phase == PHASE_CLOSING) return;
    market->ticks++;
    if (market->settings->seconds > 0 &&
        time_monotonic_ns() - market->began_ns >= market->settings->seconds * TIME_NS_PER_SECOND) {
        market->is_ending = true;
    }
    if (market->ticks % TICKS_PER_RATE == 0) take_rates(market);
    take_totals(market);
    const char *words = market->settings->watch(market->settings->context, market->ticks);
    if (words != NULL) fail(market, "%s", words);
    step_phase(market);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    struct market *market = handle->data;
    market->is_ending = true;
}

/* The environment's first direct banks that have keys; the funding, where nothing has moved yet. */
static bool choose_banks(struct market *market)
{
    struct genesis genesis;
    config_path path;
    char words[CONFIG_ERROR_BYTES];
    size_t count = 0;
    environment_path(market->settings->environment, path, "genesis.json");
    if (genesis_load(&genesis, path, words) != FAULT_NONE) {
        fail(market, "%s", words);
        return false;
    }
    for (size_t i = 0; i < genesis.participant_count && count < BANKS; i++) {
        const struct genesis_participant *participant = &genesis.participants[i];
        if (participant->is_rtgs || participant->settles_through[0] != '\0' ||
            participant->status != GENESIS_ACTIVE || participant->channel.count == 0 ||
            !amount_add(market->view->funding, participant->balance, &market->view->funding)) {
            continue;
        }
        struct market_bank *bank = &market->banks[count];
        memcpy(bank->code.text, participant->code, PARTICIPANT_CODE_BYTES);
        memcpy(bank->code_text, participant->code, sizeof bank->code_text);
        memcpy(market->view->banks[count++].code, participant->code, sizeof(config_code));
    }
    genesis_close(&genesis);
    if (count < BANKS) fail(market, "%s: expected at least %d active banks with keys", path, BANKS);
    market->view->bank_count = count;
    return count == BANKS;
}

static bool open_bank(struct market *market, struct market_bank *bank)
{
    char words[ENVIRONMENT_WORDS_BYTES];
    const struct bank_settings settings = {.loop = &market->loop,
                                           .environment = market->settings->environment,
                                           .code = bank->code_text,
                                           .channels = 2,
                                           .pipeline_max = 4};
    bank->market = market;
    if (bank_open(&bank->bank, &settings, words) != FAULT_NONE) {
        fail(market, "%s", words);
        return false;
    }
    const struct payee_settings payee = {.bank = bank->bank,
                                         .answer = PAYEE_ACCEPT,
                                         .streams = 1,
                                         .context = bank,
                                         .failed = on_payee_failed,
                                         .other = on_other};
    enum fault fault = payer_open(&bank->payer, bank->bank, false);
    if (fault == FAULT_NONE) fault = payee_open(&bank->payee, &payee);
    if (fault != FAULT_NONE) fail(market, "bank %s: %s", bank->code_text, fault_words(fault));
    return fault == FAULT_NONE;
}

/* Opens the banks and runs the loop to its end. */
static void run(struct market *market)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&market->loop) < 0) {
        fail(market, "no event loop could be had");
        return;
    }
    for (size_t i = 0; i < BANKS; i++) {
        if (!open_bank(market, &market->banks[i])) return; /* the program ends soon */
        market->opened++;
    }
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&market->loop, &market->signals[i]);
        market->signals[i].data = market;
        (void)uv_signal_start(&market->signals[i], on_signal, numbers[i]);
    }
    (void)uv_timer_init(&market->loop, &market->timer);
    market->timer.data = market;
    market->began_ns = time_monotonic_ns();
    (void)uv_timer_start(&market->timer, on_tick, MARKET_TICK_MS, MARKET_TICK_MS);
    (void)uv_run(&market->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&market->loop);
    take_totals(market);
}

bool market_run(const struct market_settings *settings, char words[MARKET_WORDS_BYTES])
{
    struct market *market = calloc(1, sizeof *market);
    words[0] = '\0';
    if (market == NULL) {
        snprintf(words, MARKET_WORDS_BYTES, "out of memory");
        return false;
    }
    market->settings = settings;
    market->view = settings->view;
    market->words = words;
    market->random = (uint64_t)time_wall_ns() | 1;
    signal(SIGPIPE, SIG_IGN);
    if (choose_banks(market)) run(market);
    free(market);
    return words[0] == '\0';
}
