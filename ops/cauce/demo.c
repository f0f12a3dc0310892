/* demo: a whole system at work: environment, switch, banks that pay one another, and a live view.
 *
 * The happy path:
 *   environment  made as by `cauce dev`, unless the folder has one;
 *   switch       a cauced of its own, with the embedded broker, until the end;
 *   market       the banks pay and check until time is up or Ctrl-C comes, on one screen;
 *   end          the switch is stopped, the ledger is verified from disk, one line sums up.
 *
 * Possible failures: the switch does not start (its log says why), ends by itself or not cleanly;
 * the market finds something wrong; the ledger does not verify.  Each makes the exit code 1. */
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/verify/verify.h"
#include "ops/cauce/dev.h"
#include "ops/cauce/market.h"
#include "ops/cauce/process.h"
#include "ops/cauce/subcommand.h"
#include "ops/cauce/view.h"

#define TICKS_PER_SCREEN (250 / MARKET_TICK_MS)
#define TICKS_PER_LINE (1000 / MARKET_TICK_MS)
#define READY_MS 30000
#define STOP_MS 5000 /* WIRE section 6: cauced stops within 5 s */

struct demo {
    const char *folder;
    bool is_own_folder; /* made for this run, removed behind it */
    bool is_fresh;      /* the environment is */
    bool is_terminal;
    bool has_run; /* the market was open: there is something to sum up */
    bool has_port;
    uint32_t port;
    uint32_t seconds; /* 0: until a signal */
    struct process process;
    struct environment environment;
    struct view view;
    char exit_words[64];
    char failure[MARKET_WORDS_BYTES]; /* why the exit code is 1; "": it is 0 */
};

static void fail(struct demo *demo, const char *format, ...) PRINTF_LIKE(2, 3);

/* Keeps the first reason. */
static void fail(struct demo *demo, const char *format, ...)
{
    if (demo->failure[0] != '\0') return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(demo->failure, sizeof demo->failure, format, arguments);
    va_end(arguments);
}

/* The market's watcher: shows it, and looks after the switch. */
static const char *watch(void *context, uint64_t tick)
{
    struct demo *demo = context;
    if (demo->is_terminal && tick % TICKS_PER_SCREEN == 0) view_screen(&demo->view);
    if (!demo->is_terminal && tick % TICKS_PER_LINE == 0) view_line(&demo->view);
    if (process_is_running(&demo->process)) return NULL;
    snprintf(demo->exit_words, sizeof demo->exit_words,
             "the switch ended by itself with exit code %d", demo->process.exit_code);
    return demo->exit_words;
}

static void run_market(struct demo *demo)
{
    char words[MARKET_WORDS_BYTES];
    const struct market_settings settings = {.environment = &demo->environment,
                                             .is_fresh = demo->is_fresh,
                                             .seconds = demo->seconds,
                                             .view = &demo->view,
                                             .watch = watch,
                                             .context = demo};
    demo->has_run = true;
    if (demo->is_terminal) view_open();
    if (!market_run(&settings, words)) fail(demo, "%s", words);
    if (demo->is_terminal) view_close();
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
        const struct dev_settings settings = {.folder = demo->folder,
                                              .participants = VIEW_BANKS_MAX,
                                              .balance = amount_of_minor(100000000)};
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
        run_market(demo);
        if (process_is_running(&demo->process) && !process_stop(&demo->process, STOP_MS)) {
            fail(demo, "the switch did not end cleanly (exit code %d)", demo->process.exit_code);
        }
        verify(demo);
    }
    if (demo->failure[0] != '\0') {
        fprintf(stderr, "cauce demo: %s\n", demo->failure);
        fprintf(stderr, "cauce demo: the switch's log is %s/cauced.log\n", demo->folder);
    } else if (demo->is_own_folder) {
        nftw(demo->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    if (demo->has_run) view_summary(&demo->view);
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
