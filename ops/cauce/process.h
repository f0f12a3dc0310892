/* process: a cauced started and ended by this program, as a user would start it.
 *
 * It runs in a process group of its own, so that Ctrl-C reaches us alone and we decide when it
 * ends; it gets SIGTERM when we die.  Its log goes to a file, its first line to us.
 *
 * Threads: one. */
#ifndef OPS_CAUCE_PROCESS_H
#define OPS_CAUCE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/base/fault.h"

#define PROCESS_URL_BYTES 300
#define PROCESS_SETS_MAX 8

struct process {
    pid_t pid;     /* 0: not started, or ended */
    int exit_code; /* of an ended one; 128 + signal where a signal ended it */
    int output;    /* the read end of its standard output; -1: none */
    /* What its `ready` line says; "-" for what is off. */
    char participants[PROCESS_URL_BYTES];
    char admin[PROCESS_URL_BYTES];
    char metrics[PROCESS_URL_BYTES];
    char kafka[PROCESS_URL_BYTES];
};

#define PROCESS_ERROR_BYTES 512

/* Starts the cauced that lies beside this program with `-c config_file` and each `--set` of the
 * NULL-terminated `sets`, and waits up to `wait_ms` for its `ready` line. `log_file` is appended to.
 * FAULT_NOT_FOUND: there is no cauced.  FAULT_IO: it could not be started.  FAULT_CLOSED: it ended;
 * error has the last line of its log.  FAULT_BUSY: it was not ready in time and was ended. */
MUST_CHECK enum fault process_start(struct process *process, const char *config_file,
                                    const char *const *sets, const char *log_file, int wait_ms,
                                    char error[PROCESS_ERROR_BYTES]);

/* Whether it still runs; when not, pid is 0 and exit_code is good. */
bool process_is_running(struct process *process);

/* SIGTERM, up to `wait_ms` for its end, then SIGKILL. True: it ended by itself with exit code 0. */
bool process_stop(struct process *process, int wait_ms);

/* SIGKILL, and waits for its end: as a machine that loses power. */
void process_kill(struct process *process);

#endif
