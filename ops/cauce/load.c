/* load: `cauce load`, a load test against a running switch (WIRE section 9).
 *
 * Exit code: 0 every payment accounted for; 1 not, or the run did not come to its end; 2 usage. */
#include "loadtest/load/load.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/load/page.h"
#include "loadtest/load/report.h"
#include "ops/cauce/subcommand.h"
#include "proto/crypto/random.h"

static const char usage[] =
    "usage: cauce load -c DIR [options]\n"
    "  -c DIR            a folder made by `cauce dev`, whose switch is running\n"
    "  --url URL         https://HOST:PORT of the switch when not the file's\n"
    "  --metrics URL     http://HOST:PORT of its metrics when not the file's\n"
    "  --rate N          payments per second, 1 to 100000 (500)\n"
    "  --seconds N       how long they arrive, 1 to 3600 (10)\n"
    "  --participants N  how many banks, 2 or more (all direct, active ones)\n"
    "  --hot SHARE       of the payments, from the first bank to the second, 0 to 1 (0)\n"
    "  --connections N   of each bank for posting, 1 to 64, and as many streams, at most 6 (2)\n"
    "  --batch N         payments of one bank to one other in a body, 1 to 10 (1)\n"
    "  --reject SHARE    of the payments, rejected by the payee's bank (0)\n"
    "  --silent SHARE    of the payments, not answered by the payee's bank (0)\n"
    "  --seed N          of the schedule (drawn)\n"
    "  --report NAME     writes NAME.html and NAME.json (cauce-load)\n";

struct options {
    struct load_settings load;
    uint64_t rate, seconds, participants, connections, batch;
    const char *report;
};

static bool refuse(const char *option, const char *expected)
{
    fprintf(stderr, "cauce load: %s: expected %s\n", option, expected);
    return false;
}

static bool read_number(const char *option, const char *text, uint64_t least, uint64_t most,
                        uint64_t *number)
{
    char *end, expected[80];
    unsigned long long const value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && strlen(text) < 20 && value >= least &&
        value <= most) {
        *number = value;
        return true;
    }
    (void)snprintf(expected, sizeof expected, "a whole number from %llu to %llu",
                   (unsigned long long)least, (unsigned long long)most);
    return refuse(option, expected);
}

static bool read_share(const char *option, const char *text, double *share)
{
    char *end;
    double const value = strtod(text, &end);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || !(value >= 0 && value <= 1)) {
        return refuse(option, "a share from 0 to 1");
    }
    *share = value;
    return true;
}

enum option_kind {
    OPTION_URL = 256,
    OPTION_METRICS,
    OPTION_RATE,
    OPTION_SECONDS,
    OPTION_PARTICIPANTS,
    OPTION_HOT,
    OPTION_CONNECTIONS,
    OPTION_BATCH,
    OPTION_REJECT,
    OPTION_SILENT,
    OPTION_SEED,
    OPTION_REPORT,
};

static const struct option long_options[] = {
    {"url", required_argument, NULL, OPTION_URL},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"participants", required_argument, NULL, OPTION_PARTICIPANTS},
    {"hot", required_argument, NULL, OPTION_HOT},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"reject", required_argument, NULL, OPTION_REJECT},
    {"silent", required_argument, NULL, OPTION_SILENT},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"report", required_argument, NULL, OPTION_REPORT},
    {NULL, 0, NULL, 0},
};

/* False: it was refused, and said so. */
static bool read_option(struct options *options, int option)
{
    struct load_settings *const load = &options->load;
    switch (option) {
    case 'c': load->folder = optarg; return true;
    case OPTION_URL: load->url = optarg; return true;
    case OPTION_METRICS: load->metrics = optarg; return true;
    case OPTION_RATE: return read_number("--rate", optarg, 1, 100000, &options->rate);
    case OPTION_SECONDS: return read_number("--seconds", optarg, 1, 3600, &options->seconds);
    case OPTION_PARTICIPANTS:
        return read_number("--participants", optarg, 2, LIMIT_PARTICIPANTS, &options->participants);
    case OPTION_HOT: return read_share("--hot", optarg, &load->hot_share);
    case OPTION_CONNECTIONS:
        return read_number("--connections", optarg, 1, TELLER_CONNECTIONS_MAX,
                           &options->connections);
    case OPTION_BATCH: return read_number("--batch", optarg, 1, LIMIT_PARTS, &options->batch);
    case OPTION_REJECT: return read_share("--reject", optarg, &load->reject_share);
    case OPTION_SILENT: return read_share("--silent", optarg, &load->silent_share);
    case OPTION_SEED: return read_number("--seed", optarg, 0, UINT64_MAX, &load->seed);
    case OPTION_REPORT: options->report = optarg; return true;
    default: fputs(usage, stderr); return false;
    }
}

static bool read_options(struct options *options, int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "c:", long_options, NULL)) != -1) {
        if (!read_option(options, option)) return false;
    }
    if (optind < argc) return refuse(argv[optind], "no argument without an option");
    if (options->load.folder == NULL) return refuse("-c", "a folder made by `cauce dev`");
    if (options->load.reject_share + options->load.silent_share > 1) {
        return refuse("--silent", "a share that with --reject is at most 1");
    }
    options->load.rate = (uint32_t)options->rate;
    options->load.seconds = (uint32_t)options->seconds;
    options->load.participants = (uint32_t)options->participants;
    options->load.connections = (uint32_t)options->connections;
    options->load.batch = (uint32_t)options->batch;
    return true;
}

static void say(const char *words)
{
    fprintf(stderr, "%s\n", words);
}

/* NAME.html or NAME.json. */
static bool write_file(const struct options *options, const char *ending,
                       void (*write)(FILE *, const struct load_result *),
                       const struct load_result *result)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s%s", options->report, ending);
    FILE *const file = fopen(path, "we");
    if (file == NULL) {
        fprintf(stderr, "cauce load: %s cannot be written\n", path);
        return false;
    }
    write(file, result);
    bool const good = ferror(file) == 0;
    if (fclose(file) == 0 && good) return true;
    fprintf(stderr, "cauce load: %s cannot be written\n", path);
    return false;
}

static int run(const struct options *options)
{
    char words[LOAD_WORDS_BYTES];
    struct load_result *const result = malloc(sizeof *result);
    if (result == NULL || load_run(result, &options->load, words) != FAULT_NONE) {
        fprintf(stderr, "cauce load: %s\n", result == NULL ? "no memory could be had" : words);
        free(result);
        return 1;
    }
    report_print(stdout, result);
    bool good = result->clear;
    good &= write_file(options, ".html", page_write, result);
    good &= write_file(options, ".json", report_write_json, result);
    if (good) printf("  report     %s.html, %s.json\n", options->report, options->report);
    load_close(result);
    free(result);
    return good ? 0 : 1;
}

int load_main(int argc, char **argv)
{
    struct options options = {
        .load = {.say = say},
        .rate = 500,
        .seconds = 10,
        .connections = 2,
        .batch = 1,
        .report = "cauce-load",
    };
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (random_fill(&options.load.seed, sizeof options.load.seed) != FAULT_NONE) {
        fprintf(stderr, "cauce load: there is no randomness\n");
        return 1;
    }
    options.load.seed >>= 32; /* short enough to be typed again */
    if (!read_options(&options, argc, argv)) return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    return run(&options);
}
