/* bank: `cauce bank`, a bank from the command line (WIRE section 6).
 *
 *     pay      sends payments, at most WINDOW under way at once, and prints each with its end
 *     serve    answers incoming payments until --count of them, or SIGINT or SIGTERM
 *     balance  asks for the balances now
 *
 * Everything happens in one libuv loop; the work is loadtest/bank's. */
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/payee.h"
#include "loadtest/bank/payer.h"
#include "ops/cauce/rule.h"
#include "ops/cauce/subcommand.h"

#define WINDOW 16         /* payments under way at once */
#define PATIENCE_MS 20000 /* beyond the payment's time limit, before it is called unknown */
#define BALANCE_MS 15000
#define COUNT_MAX 1000000

enum exit_code { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: cauce bank -c DIR --as CODE [--url URL] [--json] ACTION\n"
    "  pay --to CODE --amount 12.34 [--count N]   pay, and wait for each payment's end\n"
    "  serve [--accept | --reject REASON | --silent | --by-amount] [--delay MS] [--count N]\n"
    "                                             answer incoming payments (--by-amount: as\n"
    "                                             `cauce conformance --list` says)\n"
    "  balance                                    ask for the balances now\n"
    "DIR is a folder made by `cauce dev`; URL is https://HOST:PORT when not the file's.\n";

struct options {
    const char *folder;
    const char *code;
    const char *url;
    const char *action;
    bool json;
    bool has_to, has_amount, has_answer, has_delay, has_count;
    bool by_amount;
    struct participant_code to;
    struct amount amount;
    enum payee_answer answer;
    struct reason reject_reason;
    uint64_t delay_ms;
    uint64_t count;
};

/* What the callbacks share. */
struct run {
    const struct options *options;
    uv_loop_t loop;
    struct environment environment;
    struct bank *bank;
    struct payer *payer;
    struct payee *payee;
    uv_signal_t signals[2];
    struct payer_payment payments[WINDOW];
    uint64_t started;
    uint64_t ended;
    uint64_t of_state[PAYER_UNKNOWN + 1];
    bool closing;
    enum exit_code result;
};

/* ---- the command line ---- */

static bool refuse(const char *option, const char *expected)
{
    fprintf(stderr, "cauce bank: %s: expected %s\n", option, expected);
    return false;
}

static bool read_number(const char *option, const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') return refuse(option, "a whole number");
    unsigned long long const value = strtoull(text, &end, 10);
    if (*end != '\0' || value > most) return refuse(option, "a whole number that is not so large");
    *number = value;
    return true;
}

static bool set_answer(struct options *options, enum payee_answer answer)
{
    if (options->has_answer)
        return refuse("serve", "one of --accept, --reject, --silent and --by-amount");
    options->has_answer = true;
    options->answer = answer;
    return true;
}

enum option_kind {
    OPTION_AS = 256,
    OPTION_URL,
    OPTION_JSON,
    OPTION_TO,
    OPTION_AMOUNT,
    OPTION_COUNT,
    OPTION_ACCEPT,
    OPTION_REJECT,
    OPTION_SILENT,
    OPTION_BY_AMOUNT,
    OPTION_DELAY
};

static const struct option long_options[] = {
    {"as", required_argument, NULL, OPTION_AS},
    {"url", required_argument, NULL, OPTION_URL},
    {"json", no_argument, NULL, OPTION_JSON},
    {"to", required_argument, NULL, OPTION_TO},
    {"amount", required_argument, NULL, OPTION_AMOUNT},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"accept", no_argument, NULL, OPTION_ACCEPT},
    {"reject", required_argument, NULL, OPTION_REJECT},
    {"silent", no_argument, NULL, OPTION_SILENT},
    {"by-amount", no_argument, NULL, OPTION_BY_AMOUNT},
    {"delay", required_argument, NULL, OPTION_DELAY},
    {NULL, 0, NULL, 0},
};

static bool read_option(struct options *options, int kind, const char *value)
{
    switch (kind) {
    case 'c': options->folder = value; return true;
    case OPTION_AS: options->code = value; return true;
    case OPTION_URL: options->url = value; return true;
    case OPTION_JSON: options->json = true; return true;
    case OPTION_TO:
        options->has_to = true;
        return identifier_parse_code(span_text(value), &options->to) ||
               refuse("--to", "a code, 8 of 0-9 and A-Z");
    case OPTION_AMOUNT:
        options->has_amount = true;
        return (amount_parse(span_text(value), &options->amount) == AMOUNT_PARSE_GOOD &&
                !amount_is_negative(options->amount)) ||
               refuse("--amount", "an amount such as 12.34");
    case OPTION_COUNT:
        options->has_count = true;
        return read_number("--count", value, COUNT_MAX, &options->count);
    case OPTION_ACCEPT: return set_answer(options, PAYEE_ACCEPT);
    case OPTION_REJECT:
        return set_answer(options, PAYEE_REJECT) &&
               ((value[0] != '\0' && strlen(value) <= 4 &&
                 identifier_parse_reason(span_text(value), &options->reject_reason)) ||
                refuse("--reject", "a reason code of up to 4 characters, such as AC03"));
    case OPTION_SILENT: return set_answer(options, PAYEE_SILENT);
    case OPTION_BY_AMOUNT: options->by_amount = true; return set_answer(options, PAYEE_ACCEPT);
    case OPTION_DELAY:
        options->has_delay = true;
        return read_number("--delay", value, 3600 * 1000, &options->delay_ms);
    default: return false; /* getopt has said what is wrong */
    }
}

/* Whether the options fit the action. */
static bool check_options(const struct options *options)
{
    if (options->folder == NULL) return refuse("-c", "a folder made by `cauce dev`");
    if (options->code == NULL) return refuse("--as", "the bank's code");
    if (options->action == NULL) return refuse("ACTION", "pay, serve or balance");
    bool const pays = strcmp(options->action, "pay") == 0;
    bool const serves = strcmp(options->action, "serve") == 0;
    bool const asks = strcmp(options->action, "balance") == 0;
    if (!pays && !serves && !asks) {
        fprintf(stderr, "cauce bank: there is no action %s\n", options->action);
        return false;
    }
    if (pays && (!options->has_to || !options->has_amount)) {
        return refuse("pay", "--to and --amount");
    }
    if (!pays && (options->has_to || options->has_amount)) {
        return refuse(options->action, "no --to and no --amount");
    }
    if (!serves && (options->has_answer || options->has_delay)) {
        return refuse(options->action,
                      "none of --accept, --reject, --silent, --by-amount and --delay");
    }
    if (options->by_amount && options->has_delay) return refuse("--by-amount", "no --delay");
    if (asks && options->has_count) return refuse("balance", "no --count");
    if (options->has_count && options->count == 0) return refuse("--count", "at least 1");
    return true;
}

static bool read_options(struct options *options, int count, char **arguments)
{
    int kind;
    optind = 1;
    while ((kind = getopt_long(count, arguments, "c:", long_options, NULL)) != -1) {
        if (!read_option(options, kind, optarg)) return false;
    }
    if (optind < count) options->action = arguments[optind++];
    if (optind < count) {
        fprintf(stderr, "cauce bank: %s is one word too many\n", arguments[optind]);
        return false;
    }
    return check_options(options);
}

/* ---- printing ---- */

/* Prints one JSON line and lets `object` go. */
static void print_json(json_t *object)
{
    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0)
        printf("null");
    json_decref(object);
    printf("\n");
}

/* ---- ending ---- */

static void on_payer_closed(void *context)
{
    struct run *const run = context;
    bank_close(run->bank);
}

static void on_payee_closed(void *context)
{
    struct run *const run = context;
    bank_close(run->bank);
}

static void close_run(struct run *run)
{
    if (run->closing) return;
    run->closing = true;
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    if (run->payer != NULL) {
        payer_close(run->payer, on_payer_closed, run);
    } else if (run->payee != NULL) {
        uint64_t const strange = payee_strange(run->payee);
        if (strange > 0) {
            fprintf(stderr, "cauce bank: %llu messages were not the switch's, none was answered\n",
                    (unsigned long long)strange);
        }
        payee_close(run->payee, on_payee_closed, run);
    } else {
        bank_close(run->bank);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    close_run(handle->data);
}

/* ---- pay ---- */

static void pay_next(struct run *run, struct payer_payment *payment);

static void print_payment(const struct run *run, const struct payer_payment *payment)
{
    struct span const id = bank_id_text(&payment->end_to_end_id);
    struct span const reason = identifier_reason_text(&payment->reason);
    const char *const state = payer_state_text(payment->state);
    if (run->options->json) {
        print_json(json_pack(
            "{s:s%, s:s, s:o, s:I, s:f}", "e2e", id.bytes, id.size, "state", state, "reason",
            reason.size > 0 ? json_stringn(reason.bytes, reason.size) : json_null(), "seq",
            (json_int_t)payment->settled_seq, "ms", payment->latency_ms));
    } else {
        printf("%.*s  %-8s %-4.*s  seq %llu  %.1f ms\n", (int)id.size, id.bytes, state,
               (int)reason.size, reason.bytes, (unsigned long long)payment->settled_seq,
               payment->latency_ms);
    }
    if (payment->state == PAYER_UNKNOWN) {
        fprintf(stderr, "cauce bank: %.*s: %s\n", (int)id.size, id.bytes, payment->words);
    }
}

static void print_totals(const struct run *run)
{
    const uint64_t *const of = run->of_state;
    if (run->options->json) {
        print_json(json_pack(
            "{s:I, s:I, s:I, s:I, s:I}", "paid", (json_int_t)run->ended, "settled",
            (json_int_t)of[PAYER_SETTLED], "rejected", (json_int_t)of[PAYER_REJECTED], "expired",
            (json_int_t)of[PAYER_EXPIRED], "unknown", (json_int_t)of[PAYER_UNKNOWN]));
    } else {
        printf("paid %llu: settled %llu, rejected %llu, expired %llu, unknown %llu\n",
               (unsigned long long)run->ended, (unsigned long long)of[PAYER_SETTLED],
               (unsigned long long)of[PAYER_REJECTED], (unsigned long long)of[PAYER_EXPIRED],
               (unsigned long long)of[PAYER_UNKNOWN]);
    }
}

static void on_paid(struct payer_payment *payment)
{
    struct run *const run = payment->context;
    run->ended++;
    run->of_state[payment->state]++;
    print_payment(run, payment);
    if (run->closing) return;
    if (run->started < run->options->count) {
        pay_next(run, payment);
    } else if (run->ended == run->started) {
        close_run(run);
    }
}

static void pay_next(struct run *run, struct payer_payment *payment)
{
    uint64_t const limit_ms =
        (uint64_t)(run->environment.config.payments_deadline_high_ns / TIME_NS_PER_MS);
    payment->to = run->options->to;
    payment->amount = run->options->amount;
    payment->timeout_ms = limit_ms + PATIENCE_MS;
    payment->done = on_paid;
    payment->context = run;
    run->started++;
    enum fault const fault = payer_pay(run->payer, payment);
    if (fault == FAULT_NONE) return;
    fprintf(stderr, "cauce bank: a payment could not be written: %s\n", fault_words(fault));
    run->result = EXIT_BAD;
    close_run(run);
}

static enum fault start_paying(struct run *run)
{
    enum fault const fault = payer_open(&run->payer, run->bank, true);
    if (fault != FAULT_NONE) return fault;
    for (size_t i = 0; i < WINDOW && run->started < run->options->count && !run->closing; i++) {
        pay_next(run, &run->payments[i]);
    }
    return FAULT_NONE;
}

/* ---- serve ---- */

static void on_answered(void *context, const struct payee_payment *payment)
{
    static const char *const words[] = {
        [PAYEE_ACCEPT] = "accept", [PAYEE_REJECT] = "reject", [PAYEE_SILENT] = "silent"};
    struct run *const run = context;
    struct span const id = payment->end_to_end_id;
    char amount[AMOUNT_TEXT_BYTES];
    (void)amount_print(payment->amount, amount);
    if (run->options->json) {
        print_json(json_pack("{s:s%, s:s%, s:s, s:s}", "e2e", id.bytes, id.size, "from",
                             payment->from.bytes, payment->from.size, "amount", amount, "answer",
                             words[payment->answer]));
    } else {
        printf("%.*s  from %.*s  %16s  %s\n", (int)id.size, id.bytes, (int)payment->from.size,
               payment->from.bytes, amount, words[payment->answer]);
    }
    run->ended++;
    if (run->options->has_count && run->ended >= run->options->count) close_run(run);
}

static void on_serving_failed(void *context, const char *words)
{
    struct run *const run = context;
    fprintf(stderr, "cauce bank: %s\n", words);
    run->result = EXIT_BAD;
    close_run(run);
}

static struct payee_decision decide(void *context, const struct payee_payment *payment)
{
    const struct run *const run = context;
    return rule_decide(
        payment->amount,
        (uint64_t)(run->environment.config.payments_deadline_high_ns / TIME_NS_PER_MS));
}

static enum fault start_serving(struct run *run)
{
    struct payee_settings const settings = {.bank = run->bank,
                                            .answer = run->options->answer,
                                            .reject_reason = run->options->reject_reason,
                                            .delay_ms = run->options->delay_ms,
                                            .streams = 1,
                                            .context = run,
                                            .decide = run->options->by_amount ? decide : NULL,
                                            .answered = on_answered,
                                            .failed = on_serving_failed};
    return payee_open(&run->payee, &settings);
}

/* ---- balance ---- */

static void on_balance(void *context, struct amount available, struct amount reserved,
                       const char *words)
{
    struct run *const run = context;
    char available_text[AMOUNT_TEXT_BYTES], reserved_text[AMOUNT_TEXT_BYTES];
    if (words != NULL) {
        fprintf(stderr, "cauce bank: %s\n", words);
        run->result = EXIT_BAD;
    } else {
        (void)amount_print(available, available_text);
        (void)amount_print(reserved, reserved_text);
        if (run->options->json) {
            print_json(
                json_pack("{s:s, s:s}", "available", available_text, "reserved", reserved_text));
        } else {
            printf("available %s  reserved %s\n", available_text, reserved_text);
        }
    }
    close_run(run);
}

static enum fault start_asking(struct run *run)
{
    enum fault const fault = payer_open(&run->payer, run->bank, true);
    if (fault != FAULT_NONE) return fault;
    return payer_balance(run->payer, BALANCE_MS, on_balance, run);
}

/* ---- the whole ---- */

static enum exit_code run_action(struct run *run)
{
    const struct options *const options = run->options;
    char words[ENVIRONMENT_WORDS_BYTES] = "";
    if (environment_open(&run->environment, options->folder, options->url, words) != FAULT_NONE) {
        fprintf(stderr, "cauce bank: %s\n", words);
        return EXIT_USAGE;
    }
    if (uv_loop_init(&run->loop) < 0) return EXIT_BAD;
    struct bank_settings const settings = {.loop = &run->loop,
                                           .environment = &run->environment,
                                           .code = options->code,
                                           .channels = 4,
                                           .pipeline_max = 4};
    if (bank_open(&run->bank, &settings, words) != FAULT_NONE) {
        fprintf(stderr, "cauce bank: %s\n", words);
        (void)uv_run(&run->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&run->loop);
        return EXIT_USAGE;
    }
    static const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&run->loop, &run->signals[i]);
        run->signals[i].data = run;
        (void)uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    }
    enum fault fault;
    if (strcmp(options->action, "pay") == 0)
        fault = start_paying(run);
    else if (strcmp(options->action, "serve") == 0)
        fault = start_serving(run);
    else
        fault = start_asking(run);
    if (fault != FAULT_NONE) {
        fprintf(stderr, "cauce bank: %s\n", fault_words(fault));
        run->result = EXIT_BAD;
        close_run(run);
    }
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run->loop);
    if (strcmp(options->action, "pay") == 0) {
        print_totals(run);
        if (run->of_state[PAYER_UNKNOWN] > 0 || run->ended < options->count) run->result = EXIT_BAD;
    }
    return run->result;
}

int bank_main(int count, char **arguments)
{
    struct options options = {.answer = PAYEE_ACCEPT, .count = 1};
    if (count > 1 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return EXIT_GOOD;
    }
    if (!read_options(&options, count, arguments)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    /* A line is there as soon as it is printed, also in a file or pipe. */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    struct run *const run = calloc(1, sizeof *run); /* large: it holds a struct config */
    if (run == NULL) return EXIT_BAD;
    run->options = &options;
    enum exit_code const result = run_action(run);
    free(run);
    return (int)result;
}
