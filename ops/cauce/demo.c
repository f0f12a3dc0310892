/* demo: a whole system at work: environment, switch, banks that pay one another, and a live view.
 *
 * The happy path:
 *   environment  made as by `cauce dev`, unless the folder has one;
 *   switch       a cauced of its own, with the embedded broker, until the end;
 *   paying       every bank pays random others at a steady pace, and answers what comes in;
 *   checking     every few seconds paying pauses until nothing is open, all balances are asked, and
 *                the invariants are looked at: then the books must agree to the cent;
 *   end          a last check, streams and switch are closed, the ledger is verified from disk.
 *
 *      draining --nothing open--> asking --all answered--> checked --> paying --2 s--> draining ...
 *                                                             '--at the end--> closing
 *
 * Possible failures: the switch does not start (its log says why) or ends by itself; a payment stays
 * without a result (counted as unknown); an invariant is broken.  Each makes the exit code 1. */
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/verify/verify.h"
#include "loadtest/bank/bank.h"
#include "loadtest/bank/payee.h"
#include "loadtest/bank/payer.h"
#include "ops/cauce/dev.h"
#include "ops/cauce/latency.h"
#include "ops/cauce/process.h"
#include "ops/cauce/subcommand.h"
#include "ops/cauce/view.h"
#include "proto/base/time.h"
#include "proto/config/genesis.h"

#define BANKS VIEW_BANKS_MAX
#define OPEN_MAX 64 /* payments of one bank without a result; no more are then begun */
#define TICK_MS 10  /* a payment of each bank in every second tick: 200/s together */
#define TICKS_PER_PAYMENT 2
#define CHECK_TICKS 200 /* a check every 2 s */
#define VIEW_TICKS 25   /* the screen four times a second */
#define LINE_TICKS 100  /* a plain line, and the rates, every second */
#define BROKE_EVERY 50  /* one payment in so many is beyond any balance: AM04 */
#define READY_MS 30000
#define ANSWER_MS 15000
#define PAYMENT_MS 20000                   /* the switch's own time limit is 10 s */
#define STOP_MS 5000                       /* WIRE section 6: cauced stops within 5 s */
#define AMOUNT_MOST_MINOR 50000            /* 500.00 */
#define BEYOND_MINOR INT64_C(900000000000) /* 9,000,000,000.00 */

enum phase { PHASE_DRAINING, PHASE_ASKING, PHASE_CHECKED, PHASE_PAYING, PHASE_CLOSING };

struct demo;

struct demo_bank {
    struct demo *demo;
    struct participant_code code;
    char code_text[PARTICIPANT_CODE_BYTES + 1];
    struct bank *bank;
    struct payee *payee;
    struct payer *payer;
    struct payer_payment payments[OPEN_MAX];
    bool is_open[OPEN_MAX];
    struct amount first; /* its balance when the demo began */
};

struct demo {
    const char *folder;
    bool is_own_folder; /* made for this run, removed behind it */
    bool is_fresh;      /* the environment is, so that genesis.json says what the funding is */
    bool has_port;
    uint32_t port;
    uint32_t seconds; /* 0: until a signal */
    bool is_terminal;

    struct process process;
    struct environment environment;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[2];
    struct demo_bank banks[BANKS];
    size_t opened;      /* banks that have to be closed */
    size_t asked;       /* balances under way */
    bool is_last_check; /* the one under way: closing follows */
    bool is_ending;
    enum phase phase;
    uint64_t ticks;
    uint64_t random;
    int64_t began_ns;
    uint64_t ended_before; /* payments ended until the second before */
    struct latency latency;
    struct latency latency_now;
    struct view view;
    char failure[512]; /* "": none; why the exit code is 1 */
};

static void fail(struct demo *demo, const char *format, ...) PRINTF_LIKE(2, 3);

/* Keeps the first reason and begins the end. */
static void fail(struct demo *demo, const char *format, ...)
{
    demo->is_ending = true;
    if (demo->failure[0] != '\0') return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(demo->failure, sizeof demo->failure, format, arguments);
    va_end(arguments);
}

/* xorshift64*: a spread of payments, nothing secret. Assumed bound > 0. */
static uint64_t draw(struct demo *demo, uint64_t bound)
{
    demo->random ^= demo->random >> 12;
    demo->random ^= demo->random << 25;
    demo->random ^= demo->random >> 27;
    return (demo->random * UINT64_C(2685821657736338717) >> 33) % bound;
}

static uint64_t ended(const struct demo *demo)
{
    const struct view *view = &demo->view;
    return view->settled + view->rejected + view->expired + view->unknown;
}

static void count_reason(struct demo *demo, const struct reason *reason)
{
    struct view *view = &demo->view;
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
static void book(struct demo *demo, size_t payer, const struct payer_payment *payment)
{
    for (size_t i = 0; i < BANKS; i++) {
        struct view_bank *bank = &demo->view.banks[i];
        struct amount *side = i == payer ? &bank->paid : &bank->received;
        if (i != payer && !identifier_code_equal(demo->banks[i].code, payment->to)) continue;
        if (!amount_add(*side, payment->amount, side)) fail(demo, "a bank's books overflow");
    }
}

static void on_paid(struct payer_payment *payment)
{
    struct demo_bank *bank = payment->context;
    struct demo *demo = bank->demo;
    bank->is_open[payment - bank->payments] = false;
    demo->view.waiting--;
    switch (payment->state) {
    case PAYER_SETTLED:
        demo->view.settled++;
        book(demo, (size_t)(bank - demo->banks), payment);
        break;
    case PAYER_REJECTED:
        demo->view.rejected++;
        count_reason(demo, &payment->reason);
        break;
    case PAYER_EXPIRED: demo->view.expired++; break;
    case PAYER_UNKNOWN:
        demo->view.unknown++;
        fail(demo, "a payment has no result: %s", payment->words);
        return;
    }
    uint64_t const time_us = (uint64_t)(payment->latency_ms * 1000);
    latency_add(&demo->latency, time_us);
    latency_add(&demo->latency_now, time_us);
}

/* One payment from `bank` to a random other, unless too many are open. */
static void pay(struct demo_bank *bank)
{
    struct demo *demo = bank->demo;
    size_t slot = 0;
    while (slot < OPEN_MAX && bank->is_open[slot])
        slot++;
    if (slot == OPEN_MAX) return;
    size_t const own = (size_t)(bank - demo->banks);
    size_t const other = (own + 1 + draw(demo, BANKS - 1)) % BANKS;
    bool const is_beyond = draw(demo, BROKE_EVERY) == 0;
    bank->payments[slot] = (struct payer_payment){
        .to = demo->banks[other].code,
        .amount =
            amount_of_minor(is_beyond ? BEYOND_MINOR : 1 + (int64_t)draw(demo, AMOUNT_MOST_MINOR)),
        .timeout_ms = PAYMENT_MS,
        .done = on_paid,
        .context = bank,
    };
    enum fault fault = payer_pay(bank->payer, &bank->payments[slot]);
    if (fault != FAULT_NONE) {
        fail(demo, "bank %s cannot pay: %s", bank->code_text, fault_words(fault));
        return;
    }
    bank->is_open[slot] = true;
    demo->view.waiting++;
}

/* All balances are in and nothing was open meanwhile: now they must agree to the cent. */
static void check_invariants(struct demo *demo)
{
    struct view *view = &demo->view;
    struct amount sum = amount_of_minor(0);
    bool books_agree = true;
    bool is_clear = true;
    for (size_t i = 0; i < BANKS; i++) {
        struct view_bank *bank = &view->banks[i];
        struct amount expected;
        if (view->checks == 0) demo->banks[i].first = bank->available;
        if (!amount_add(demo->banks[i].first, bank->received, &expected) ||
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
    if (view->checks == 0 && !demo->is_fresh) view->funding = sum;
    view->sum = sum;
    view->checks++;
    view->sum_breaks += amount_compare(sum, view->funding) != 0;
    view->book_breaks += !books_agree;
    view->reserve_breaks += !is_clear;
    if (view->sum_breaks + view->book_breaks + view->reserve_breaks > 0) {
        fail(demo, "an invariant is broken");
    }
}

static void on_balance(void *context, struct amount available, struct amount reserved,
                       const char *words)
{
    struct demo_bank *bank = context;
    struct demo *demo = bank->demo;
    struct view_bank *shown = &demo->view.banks[bank - demo->banks];
    demo->asked--;
    if (words == NULL) {
        shown->available = available;
        shown->reserved = reserved;
    } else {
        fail(demo, "bank %s got no balance: %s", bank->code_text, words);
    }
    if (demo->asked > 0) return;
    if (demo->failure[0] == '\0') check_invariants(demo);
    demo->phase = PHASE_CHECKED;
}

static void ask_balances(struct demo *demo)
{
    demo->phase = PHASE_ASKING;
    demo->is_last_check = demo->is_ending;
    demo->asked = BANKS;
    for (size_t i = 0; i < BANKS; i++) {
        enum fault fault =
            payer_balance(demo->banks[i].payer, ANSWER_MS, on_balance, &demo->banks[i]);
        if (fault != FAULT_NONE) {
            on_balance(&demo->banks[i], amount_of_minor(0), amount_of_minor(0), fault_words(fault));
        }
    }
}

static void on_other(void *context, const struct message *message)
{
    struct demo_bank *bank = context;
    payer_take(bank->payer, message);
}

static void on_payee_failed(void *context, const char *words)
{
    struct demo_bank *bank = context;
    fail(bank->demo, "bank %s cannot listen: %s", bank->code_text, words);
}

static void on_payee_closed(void *context)
{
    struct demo_bank *bank = context;
    struct demo *demo = bank->demo;
    bank_close(bank->bank);
    if (--demo->opened > 0) return;
    uv_close((uv_handle_t *)&demo->timer, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&demo->signals[i], NULL);
}

static void on_payer_closed(void *context)
{
    struct demo_bank *bank = context;
    payee_close(bank->payee, on_payee_closed, bank);
}

static void close_banks(struct demo *demo)
{
    demo->phase = PHASE_CLOSING;
    for (size_t i = 0; i < BANKS; i++) {
        payer_close(demo->banks[i].payer, on_payer_closed, &demo->banks[i]);
    }
}

static void take_rates(struct demo *demo)
{
    struct view *view = &demo->view;
    uint64_t const now = ended(demo);
    double const elapsed =
        (double)(time_monotonic_ns() - demo->began_ns) / (double)TIME_NS_PER_SECOND;
    view->rate_now = (double)(now - demo->ended_before);
    view->rate_mean = elapsed > 0 ? (double)now / elapsed : 0;
    view->p50_now_ms = latency_percentile_ms(&demo->latency_now, 0.50);
    view->p99_now_ms = latency_percentile_ms(&demo->latency_now, 0.99);
    demo->ended_before = now;
    latency_clear(&demo->latency_now);
}

static void take_totals(struct demo *demo)
{
    struct view *view = &demo->view;
    view->elapsed_seconds = (uint32_t)((time_monotonic_ns() - demo->began_ns) / TIME_NS_PER_SECOND);
    view->p50_ms = latency_percentile_ms(&demo->latency, 0.50);
    view->p99_ms = latency_percentile_ms(&demo->latency, 0.99);
    view->longest_ms = (double)demo->latency.longest_us / 1000.0;
}

static void show(struct demo *demo)
{
    if (demo->ticks % LINE_TICKS == 0) take_rates(demo);
    if (demo->ticks % (demo->is_terminal ? VIEW_TICKS : LINE_TICKS) != 0) return;
    take_totals(demo);
    if (demo->is_terminal) {
        view_screen(&demo->view);
    } else {
        view_line(&demo->view);
    }
}

/* The drawing at the top, one step. */
static void step_phase(struct demo *demo)
{
    if (demo->failure[0] != '\0') {
        close_banks(demo);
        return;
    }
    switch (demo->phase) {
    case PHASE_DRAINING:
        if (demo->view.waiting == 0) ask_balances(demo);
        break;
    case PHASE_ASKING: break;
    case PHASE_CHECKED:
        if (demo->is_last_check) {
            close_banks(demo);
        } else {
            demo->phase = PHASE_PAYING;
        }
        break;
    case PHASE_PAYING:
        if (demo->is_ending || demo->ticks % CHECK_TICKS == 0) {
            demo->phase = PHASE_DRAINING;
        } else if (demo->ticks % TICKS_PER_PAYMENT == 0) {
            for (size_t i = 0; i < BANKS; i++)
                pay(&demo->banks[i]);
        }
        break;
    case PHASE_CLOSING: break;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct demo *demo = timer->data;
    if (demo->phase == PHASE_CLOSING) return;
    demo->ticks++;
    if (demo->seconds > 0 &&
        time_monotonic_ns() - demo->began_ns >= demo->seconds * TIME_NS_PER_SECOND) {
        demo->is_ending = true;
    }
    if (!process_is_running(&demo->process)) {
        fail(demo, "the switch ended by itself with exit code %d", demo->process.exit_code);
    }
    step_phase(demo);
    show(demo);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    struct demo *demo = handle->data;
    demo->is_ending = true;
}

/* The environment's first direct banks that have keys; the funding, where nothing has moved yet. */
static bool choose_banks(struct demo *demo)
{
    struct genesis genesis;
    config_path path;
    char words[CONFIG_ERROR_BYTES];
    size_t count = 0;
    environment_path(&demo->environment, path, "genesis.json");
    if (genesis_load(&genesis, path, words) != FAULT_NONE) {
        fail(demo, "%s", words);
        return false;
    }
    for (size_t i = 0; i < genesis.participant_count && count < BANKS; i++) {
        const struct genesis_participant *participant = &genesis.participants[i];
        if (participant->is_rtgs || participant->settles_through[0] != '\0' ||
            participant->status != GENESIS_ACTIVE || participant->channel.count == 0 ||
            !amount_add(demo->view.funding, participant->balance, &demo->view.funding)) {
            continue;
        }
        struct demo_bank *bank = &demo->banks[count];
        memcpy(bank->code.text, participant->code, PARTICIPANT_CODE_BYTES);
        memcpy(bank->code_text, participant->code, PARTICIPANT_CODE_BYTES);
        demo->view.banks[count++].code = bank->code_text;
    }
    genesis_close(&genesis);
    if (count < BANKS) fail(demo, "%s: expected at least %d active banks with keys", path, BANKS);
    demo->view.bank_count = count;
    return count == BANKS;
}

static bool open_bank(struct demo *demo, struct demo_bank *bank)
{
    char words[ENVIRONMENT_WORDS_BYTES];
    const struct bank_settings settings = {.loop = &demo->loop,
                                           .environment = &demo->environment,
                                           .code = bank->code_text,
                                           .channels = 2,
                                           .pipeline_max = 4};
    bank->demo = demo;
    if (bank_open(&bank->bank, &settings, words) != FAULT_NONE) {
        fail(demo, "%s", words);
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
    if (fault != FAULT_NONE) fail(demo, "bank %s: %s", bank->code_text, fault_words(fault));
    return fault == FAULT_NONE;
}

/* Opens the banks and runs the loop to its end. A failure to open ends the program soon, which
 * gives everything back. */
static void run_banks(struct demo *demo)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&demo->loop) < 0) {
        fail(demo, "no event loop could be had");
        return;
    }
    for (size_t i = 0; i < BANKS; i++) {
        if (!open_bank(demo, &demo->banks[i])) return;
        demo->opened++;
    }
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&demo->loop, &demo->signals[i]);
        demo->signals[i].data = demo;
        (void)uv_signal_start(&demo->signals[i], on_signal, numbers[i]);
    }
    (void)uv_timer_init(&demo->loop, &demo->timer);
    demo->timer.data = demo;
    demo->began_ns = time_monotonic_ns();
    (void)uv_timer_start(&demo->timer, on_tick, 0, TICK_MS);
    if (demo->is_terminal) view_open();
    (void)uv_run(&demo->loop, UV_RUN_DEFAULT);
    if (demo->is_terminal) view_close();
    (void)uv_loop_close(&demo->loop);
}

/* The auditor's look at what is on disk, by code that shares nothing with the switch. */
static void verify(struct demo *demo)
{
    struct verify_report report;
    verify_ledger(demo->environment.config.ledger_directory, &report);
    if (!report.good) {
        fail(demo, "the ledger does not verify: %s", report.fault_words);
        return;
    }
    printf("the ledger on disk verifies: %" PRIu64 " entries in %" PRIu64
           " blocks; balances looked at %" PRIu64 " times\n",
           report.entries, report.blocks, demo->view.checks);
}

static bool start_switch(struct demo *demo)
{
    char listen[64];
    char words[ENVIRONMENT_WORDS_BYTES];
    config_path config_file;
    config_path log_file;
    const char *sets[4] = {NULL};
    if (demo->has_port) {
        snprintf(listen, sizeof listen, "participants.listen=127.0.0.1:%" PRIu32, demo->port);
        sets[0] = listen;
        sets[1] = "admin.listen=127.0.0.1:0";
        sets[2] = "admin.metrics_listen=127.0.0.1:0";
    }
    if (snprintf(config_file, sizeof config_file, "%s/cauce.conf", demo->folder) >=
            (int)sizeof config_file ||
        snprintf(log_file, sizeof log_file, "%s/cauced.log", demo->folder) >=
            (int)sizeof log_file) {
        fail(demo, "%s: the folder's name is too long", demo->folder);
        return false;
    }
    if (access(config_file, F_OK) != 0) {
        const struct dev_settings settings = {
            .folder = demo->folder, .participants = BANKS, .balance = amount_of_minor(100000000)};
        printf("making a development environment in %s\n", demo->folder);
        fflush(stdout);
        demo->is_fresh = true;
        if (dev_make(&settings) != FAULT_NONE) {
            fail(demo, "%s: the environment could not be made", demo->folder);
            return false;
        }
    }
    if (process_start(&demo->process, config_file, sets, log_file, READY_MS, words) != FAULT_NONE) {
        fail(demo, "%s", words);
        return false;
    }
    if (environment_open(&demo->environment, demo->folder, demo->process.participants, words) !=
        FAULT_NONE) {
        fail(demo, "%s", words);
        return false;
    }
    demo->view.participants = demo->process.participants;
    demo->view.kafka = demo->process.kafka;
    demo->view.folder = demo->folder;
    demo->view.total_seconds = demo->seconds;
    printf("the switch is ready: banks %s, events %s\n", demo->process.participants,
           demo->process.kafka);
    fflush(stdout);
    return true;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static int run_demo(struct demo *demo)
{
    if (start_switch(demo)) {
        if (choose_banks(demo)) run_banks(demo);
        bool const was_running = process_is_running(&demo->process);
        if (was_running && !process_stop(&demo->process, STOP_MS)) {
            fail(demo, "the switch did not end cleanly (exit code %d)", demo->process.exit_code);
        }
        if (demo->began_ns != 0) verify(demo);
    }
    take_totals(demo);
    if (demo->failure[0] != '\0') {
        fprintf(stderr, "cauce demo: %s\n", demo->failure);
        if (demo->is_own_folder) fprintf(stderr, "cauce demo: kept %s\n", demo->folder);
    } else if (demo->is_own_folder) {
        nftw(demo->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    if (demo->began_ns != 0) view_summary(&demo->view);
    return demo->failure[0] == '\0' ? 0 : 1;
}

static const char usage[] =
    "usage: cauce demo [DIR] [--seconds N] [--port P]\n"
    "  runs a switch, lets four banks pay one another, and shows it live\n"
    "  DIR          the environment; made when it is not there, kept behind (default: a\n"
    "               folder of its own, removed at the end)\n"
    "  --seconds N  ends by itself after so long, 1 to 86400 (default: until Ctrl-C)\n"
    "  --port P     where banks connect, 0 to 65535; 0 takes a free one; then the operators'\n"
    "               ports are free ones too (default: those of the environment)\n";

static int refuse_usage(const char *words, const char *value)
{
    fprintf(stderr, "cauce demo: %s%s\n%s", words, value, usage);
    return 2;
}

static bool read_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    if (text[0] == '\0' || strlen(text) > 5 || text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    *number = (uint32_t)strtoul(text, NULL, 10);
    return *number >= least && *number <= most;
}

int demo_main(int count, char **arguments)
{
    static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    char own_folder[] = "/tmp/cauce-demo-XXXXXX";
    struct demo *demo = calloc(1, sizeof *demo); /* large: it holds a struct config */
    if (demo == NULL) return 1;
    int option;
    int result = 2;
    opterr = 0;
    while ((option = getopt_long(count, arguments, ":h", options, NULL)) != -1) {
        switch (option) {
        case 's':
            if (!read_number(optarg, 1, 86400, &demo->seconds)) {
                refuse_usage("--seconds: expected a number from 1 to 86400, not ", optarg);
                goto done;
            }
            break;
        case 'p':
            if (!read_number(optarg, 0, 65535, &demo->port)) {
                refuse_usage("--port: expected a number from 0 to 65535, not ", optarg);
                goto done;
            }
            demo->has_port = true;
            break;
        case 'h':
            fputs(usage, stdout);
            result = 0;
            goto done;
        case ':': refuse_usage("a value is missing behind ", arguments[optind - 1]); goto done;
        default: refuse_usage("unknown option ", arguments[optind - 1]); goto done;
        }
    }
    if (optind + 1 < count) {
        refuse_usage("expected one folder at most", "");
        goto done;
    }
    demo->folder = optind < count ? arguments[optind] : mkdtemp(own_folder);
    demo->is_own_folder = optind == count;
    demo->is_terminal = isatty(STDOUT_FILENO) == 1;
    demo->random = (uint64_t)time_wall_ns() | 1;
    signal(SIGPIPE, SIG_IGN);
    if (demo->folder == NULL) {
        fprintf(stderr, "cauce demo: no folder can be made in /tmp\n");
        result = 1;
        goto done;
    }
    result = run_demo(demo);
done:
    free(demo);
    return result;
}
