/* conformance: `cauce conformance`, what a bank runs against a sandbox to prove its connector.
 *
 * The happy path: the sandbox is opened (sandbox.h), the steps of the table (step.h) are run in their
 * order, each is reported as it ends, then all together as JSON where that is asked for.
 *
 * Possible failures: a step fails (the exit code is 1, steps that need it are not run); the sandbox
 * cannot be opened or breaks (what is left is not run, exit 1). */
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cauce/rule.h"
#include "ops/cauce/sandbox.h"
#include "ops/cauce/step.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"

#define STEPS_MAX 32
#define PATIENCE_SECONDS 60

static const char usage[] =
    "usage: cauce conformance -c DIR --as CODE [--pay COMMAND] [--only STEP[,STEP...]]\n"
    "                         [--patience SECONDS] [--report FILE]\n"
    "       cauce conformance --list\n"
    "  proves the connector of the bank CODE: starts the switch of DIR, plays another bank, and\n"
    "  breaks connections; the connector connects to DIR's participants.listen\n"
    "  --pay COMMAND   makes the connector pay CAUCE_AMOUNT to CAUCE_TO, waits for the end, "
    "prints\n"
    "                  settled, rejected or expired (default: a person is asked on the screen)\n"
    "  --only STEPS    these, and those that they need\n"
    "  --patience N    how long to wait for the connector to connect and to pay, 1 to 3600\n"
    "                  (default 60)\n"
    "  --report FILE   the report as JSON, too\n"
    "  --list          the steps, and what the connector is to answer by amount\n";

struct options {
    const char *folder;
    const char *code;
    const char *command;
    const char *only;
    const char *report;
    uint64_t patience_seconds;
    bool lists;
};

enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_NOT_RUN };

static const char *const outcome_words[] = {
    [OUTCOME_OK] = "ok", [OUTCOME_FAILED] = "FAILED", [OUTCOME_NOT_RUN] = "not run"};

struct result {
    enum outcome outcome;
    int64_t ms;
    char words[STEP_WORDS_BYTES]; /* why not ok; "" when it is */
};

/* ---- the table ---- */

static void print_table(void)
{
    printf("steps:\n");
    for (size_t i = 0; i < step_count; i++) {
        const struct step *const step = &step_table[i];
        printf("  %2zu  %-13s %s\n      %-13s contract, section %s%s%s\n", i + 1, step->name,
               step->does, "", step->proves, step->needs == NULL ? "" : "; needs ",
               step->needs == NULL ? "" : step->needs);
    }
    printf("what the connector is to answer, by amount:\n");
#define RULE_PRINT(name, minor, text, words) printf("  %-13s %s\n", text, words);
    RULE_LIST(RULE_PRINT)
#undef RULE_PRINT
    printf("  %-13s accept it\n", "any other");
}

static size_t find_step(struct span name)
{
    size_t i = 0;
    while (i < step_count && !span_equal(span_text(step_table[i].name), name))
        i++;
    return i;
}

/* Marks what --only names, and what that needs. False: there is no such step. */
static bool choose_steps(const char *only, bool chosen[STEPS_MAX])
{
    for (size_t i = 0; i < step_count; i++)
        chosen[i] = only == NULL;
    while (only != NULL && *only != '\0') {
        size_t const size = strcspn(only, ",");
        size_t step = find_step(span_of(only, size));
        if (step == step_count) {
            fprintf(stderr, "cauce conformance: --only: there is no step %.*s\n", (int)size, only);
            return false;
        }
        for (;;) {
            chosen[step] = true;
            if (step_table[step].needs == NULL) break;
            step = find_step(span_text(step_table[step].needs));
        }
        only += size;
        only += *only == ',';
    }
    return true;
}

/* ---- the run ---- */

static void ask(const char *words)
{
    printf("     -> %s\n", words);
}

/* A step is ok only if the switch took every message that the connector sent in it. */
static void run_step(struct step_run *run, const struct step *step, struct result *result)
{
    struct sandbox *const sandbox = run->sandbox;
    char refusal[SANDBOX_WORDS_BYTES];
    int64_t const began_ns = time_monotonic_ns();
    uint64_t const refused = sandbox_refused(sandbox);
    long const log_size = sandbox_log_size(sandbox);
    run->words[0] = '\0';
    bool const good = step->run(run);
    relay_disarm(sandbox->relay);
    trigger_end(&run->trigger);
    result->ms = (time_monotonic_ns() - began_ns) / TIME_NS_PER_MS;
    if (sandbox->failure[0] != '\0') {
        result->outcome = OUTCOME_NOT_RUN;
        (void)snprintf(result->words, sizeof result->words, "%s", sandbox->failure);
        return;
    }
    result->outcome = good ? OUTCOME_OK : OUTCOME_FAILED;
    (void)snprintf(result->words, sizeof result->words, "%s", run->words);
    if (sandbox_refused(sandbox) == refused) return;
    sandbox_refusal_words(sandbox, log_size, refusal);
    result->outcome = OUTCOME_FAILED;
    (void)snprintf(result->words, sizeof result->words,
                   "%.300s%sthe switch refused a message of the connector (admi.002): %.600s",
                   run->words, good ? "" : "; ", refusal);
}

static void print_result(size_t i, const struct result *result)
{
    printf("%-7s %2zu %-13s %6lld ms%s%s\n", outcome_words[result->outcome], i + 1,
           step_table[i].name, (long long)result->ms, result->words[0] == '\0' ? "" : "  ",
           result->words);
}

static void run_steps(struct step_run *run, const bool chosen[STEPS_MAX],
                      struct result results[STEPS_MAX])
{
    for (size_t i = 0; i < step_count; i++) {
        const struct step *const step = &step_table[i];
        struct result *const result = &results[i];
        size_t const needed = step->needs == NULL ? i : find_step(span_text(step->needs));
        result->outcome = OUTCOME_NOT_RUN;
        if (!chosen[i]) {
            (void)snprintf(result->words, sizeof result->words, "not among --only");
        } else if (run->sandbox->failure[0] != '\0') {
            (void)snprintf(result->words, sizeof result->words, "%s", run->sandbox->failure);
        } else if (needed != i && results[needed].outcome != OUTCOME_OK) {
            (void)snprintf(result->words, sizeof result->words, "it needs %s", step->needs);
        } else {
            run_step(run, step, result);
        }
        if (chosen[i]) print_result(i, result);
    }
}

/* ---- the report ---- */

static bool write_report(const struct options *options, const bool chosen[STEPS_MAX],
                         const struct result results[STEPS_MAX], const size_t of[3])
{
    json_t *const steps = json_array();
    for (size_t i = 0; i < step_count; i++) {
        const struct step *const step = &step_table[i];
        const struct result *const result = &results[i];
        if (!chosen[i]) continue;
        json_t *const why =
            result->outcome == OUTCOME_OK ? json_null() : json_string(result->words);
        (void)json_array_append_new(
            steps,
            json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:o}", "number", (json_int_t)i + 1, "step",
                      step->name, "does", step->does, "section", step->proves, "outcome",
                      result->outcome == OUTCOME_FAILED ? "failed" : outcome_words[result->outcome],
                      "ms", (json_int_t)result->ms, "why", why));
    }
    json_t *const report =
        json_pack("{s:s, s:I, s:I, s:I, s:o}", "connector", options->code, "passed",
                  (json_int_t)of[OUTCOME_OK], "failed", (json_int_t)of[OUTCOME_FAILED], "not_run",
                  (json_int_t)of[OUTCOME_NOT_RUN], "steps", steps);
    bool const good =
        report != NULL && json_dump_file(report, options->report, JSON_INDENT(2)) == 0;
    json_decref(report);
    if (!good) fprintf(stderr, "cauce conformance: %s cannot be written\n", options->report);
    return good;
}

static bool prove(const struct options *options, struct sandbox *sandbox,
                  const bool chosen[STEPS_MAX])
{
    struct result results[STEPS_MAX] = {0};
    struct step_run run = {.sandbox = sandbox,
                           .command = options->command,
                           .patience_ms = options->patience_seconds * 1000,
                           .ask = ask,
                           .available_before = sandbox->available,
                           .reserved_before = sandbox->reserved,
                           .trigger = {.output = -1}};
    size_t of[3] = {0};
    printf("the switch is ready for %s at %s; the other bank is %s\n", sandbox->code, sandbox->url,
           sandbox->other);
    run_steps(&run, chosen, results);
    for (size_t i = 0; i < step_count; i++)
        of[results[i].outcome] += chosen[i];
    bool good = of[OUTCOME_OK] > 0 && of[OUTCOME_FAILED] + of[OUTCOME_NOT_RUN] == 0;
    if (options->report != NULL) good &= write_report(options, chosen, results, of);
    printf("%s: passed %zu, failed %zu, not run %zu\n", options->code, of[OUTCOME_OK],
           of[OUTCOME_FAILED], of[OUTCOME_NOT_RUN]);
    return good;
}

static int run_all(const struct options *options)
{
    char words[SANDBOX_WORDS_BYTES];
    bool chosen[STEPS_MAX];
    bool good = false;
    if (!choose_steps(options->only, chosen)) return 2;
    struct sandbox *const sandbox =
        calloc(1, sizeof *sandbox); /* large: it holds a struct config */
    if (sandbox == NULL) return 1;
    if (sandbox_open(sandbox, options->folder, options->code, words))
        good = prove(options, sandbox, chosen);
    else
        fprintf(stderr, "cauce conformance: %s\n", words);
    sandbox_close(sandbox);
    free(sandbox);
    return good ? 0 : 1;
}

/* ---- the command line ---- */

enum option_kind {
    OPTION_AS = 256,
    OPTION_PAY,
    OPTION_ONLY,
    OPTION_PATIENCE,
    OPTION_REPORT,
    OPTION_LIST
};

static const struct option long_options[] = {
    {"as", required_argument, NULL, OPTION_AS},
    {"pay", required_argument, NULL, OPTION_PAY},
    {"only", required_argument, NULL, OPTION_ONLY},
    {"patience", required_argument, NULL, OPTION_PATIENCE},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"list", no_argument, NULL, OPTION_LIST},
    {NULL, 0, NULL, 0},
};

static bool refuse(const char *option, const char *expected)
{
    fprintf(stderr, "cauce conformance: %s: expected %s\n", option, expected);
    return false;
}

static bool read_option(struct options *options, int kind, const char *value)
{
    switch (kind) {
    case 'c': options->folder = value; return true;
    case OPTION_AS: options->code = value; return true;
    case OPTION_PAY: options->command = value; return true;
    case OPTION_ONLY: options->only = value; return true;
    case OPTION_REPORT: options->report = value; return true;
    case OPTION_LIST: options->lists = true; return true;
    case OPTION_PATIENCE:
        if (value[0] == '\0' || strlen(value) > 4 || value[strspn(value, "0123456789")] != '\0') {
            return refuse("--patience", "a number from 1 to 3600");
        }
        options->patience_seconds = strtoul(value, NULL, 10);
        return (options->patience_seconds >= 1 && options->patience_seconds <= 3600) ||
               refuse("--patience", "a number from 1 to 3600");
    default: return false; /* getopt has said what is wrong */
    }
}

static bool read_options(struct options *options, int count, char **arguments)
{
    int kind;
    struct participant_code code;
    optind = 1;
    while ((kind = getopt_long(count, arguments, "c:", long_options, NULL)) != -1) {
        if (!read_option(options, kind, optarg)) return false;
    }
    if (optind < count) return refuse(arguments[optind], "no argument without an option");
    if (options->lists) return true;
    if (options->folder == NULL) return refuse("-c", "a folder made by `cauce dev`");
    if (options->code == NULL || !identifier_parse_code(span_text(options->code), &code)) {
        return refuse("--as", "the code of the connector's bank, 8 of 0-9 and A-Z");
    }
    return true;
}

int conformance_main(int count, char **arguments)
{
    struct options options = {.patience_seconds = PATIENCE_SECONDS};
    if (count > 1 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (!read_options(&options, count, arguments)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (options.lists) {
        print_table();
        return 0;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    return run_all(&options);
}
