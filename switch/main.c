/* cauced: the switch in the foreground (WIRE section 6).
 *
 *   cauced -c FILE [--set section.key=value]...
 *
 * Exit 0 after a clean stop; 1 when the machine or the ledger does not let it run; 2 on bad
 * configuration or usage.  Standard output has one line, `ready ...`; everything else is the log. */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/config/config.h"
#include "switch/topology.h"

#define OVERRIDES_MAX 128

enum exit_code { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct arguments {
    const char *path;
    const char *overrides[OVERRIDES_MAX];
    size_t override_count;
};

static bool read_arguments(struct arguments *arguments, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool const has_value = i + 1 < argc;
        if (strcmp(argv[i], "-c") == 0 && has_value && !arguments->path) {
            arguments->path = argv[++i];
        } else if (strcmp(argv[i], "--set") == 0 && has_value &&
                   arguments->override_count < OVERRIDES_MAX) {
            arguments->overrides[arguments->override_count++] = argv[++i];
        } else {
            return false;
        }
    }
    return arguments->path != NULL;
}

/* Waits for SIGTERM or SIGINT, or until a thread has failed. */
static void wait_for_end(int signal_fd, int failed_fd)
{
    struct pollfd wanted[] = {{.fd = signal_fd, .events = POLLIN},
                              {.fd = failed_fd, .events = POLLIN}};
    while (poll(wanted, 2, -1) < 0) {
    }
}

/* Systems begin with 1,024 files, fewer than one loop takes connections.  Where this is refused,
 * accepting rests whenever there is none left (switch/loop/listener.c). */
static void allow_many_connections(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    if (!read_arguments(&arguments, argc, argv)) {
        (void)fprintf(stderr, "usage: cauced -c FILE [--set section.key=value]...\n");
        return EXIT_USAGE;
    }
    static struct config config;
    char error[CONFIG_ERROR_BYTES];
    if (config_load(&config, arguments.path, arguments.overrides, arguments.override_count,
                    error) != FAULT_NONE) {
        (void)fprintf(stderr, "cauced: %s\n", error);
        return EXIT_USAGE;
    }
    static config_path genesis_path;
    if (config_join(genesis_path, arguments.path, "genesis.json") != FAULT_NONE) {
        (void)fprintf(stderr, "cauced: the path of %s is too long\n", arguments.path);
        return EXIT_USAGE;
    }

    /* A peer that closes early is an error of a write, not the end of the process. */
    (void)signal(SIGPIPE, SIG_IGN);
    allow_many_connections();
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    int const signal_fd = signalfd(-1, &ends, SFD_CLOEXEC);

    struct topology *topology;
    char words[TOPOLOGY_WORDS_BYTES];
    enum fault const fault = topology_start(&topology, &config, genesis_path, words);
    if (fault != FAULT_NONE) {
        (void)fprintf(stderr, "cauced: %s\n", words);
        return fault == FAULT_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    topology_print_ready(topology);
    wait_for_end(signal_fd, topology_failed_fd(topology));
    if (!topology_stop(topology)) {
        LOG(LOG_FATAL, "cauced",
            "stopped after a failure that is named above; nothing that was "
            "acknowledged is lost: the next start goes on from the ledger");
        return EXIT_FAILED;
    }
    LOG(LOG_INFO, "cauced", "stopped cleanly");
    return EXIT_CLEAN;
}
