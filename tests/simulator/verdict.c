/* Words to people, and the log's last lines. */
#include "tests/simulator/verdict.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TAIL_BYTES 4096
#define AGAIN_BYTES 160

static int people = STDERR_FILENO;
static int log_file = -1;
static char run_again[AGAIN_BYTES];
static uint64_t run_at;

/* An assertion of the switch is a verdict as well. */
static void show_abort(int number)
{
    (void)number;
    (void)signal(SIGABRT, SIG_DFL);
    verdict_fail("the switch aborted");
}

void verdict_open(void)
{
    FILE *const file = tmpfile();
    if (file == NULL) abort();
    log_file = fileno(file);
    people = dup(STDERR_FILENO);
    if (people < 0 || dup2(log_file, STDERR_FILENO) < 0) abort();
    (void)signal(SIGABRT, show_abort);
}

void verdict_begin(const char *again)
{
    (void)snprintf(run_again, sizeof run_again, "%s", again);
    run_at = 0;
    if (ftruncate(log_file, 0) != 0 || lseek(log_file, 0, SEEK_SET) != 0) abort();
}

void verdict_fork(bool is_shown)
{
    FILE *const file = tmpfile();
    if (file == NULL) abort();
    log_file = fileno(file);
    if (!is_shown) people = log_file;
    if (dup2(log_file, STDERR_FILENO) < 0) abort();
}

void verdict_at(uint64_t command)
{
    run_at = command;
}

void verdict_fail(const char *format, ...)
{
    char tail[TAIL_BYTES];
    off_t const end = lseek(log_file, 0, SEEK_END);
    off_t const from = end > TAIL_BYTES ? end - TAIL_BYTES : 0;
    ssize_t const size = pread(log_file, tail, sizeof tail, from);
    if (size > 0) (void)!write(people, tail, (size_t)size);

    (void)dprintf(people, "command %" PRIu64 ": ", run_at);
    va_list arguments;
    va_start(arguments, format);
    (void)vdprintf(people, format, arguments);
    va_end(arguments);
    (void)dprintf(people, "\nagain: %s\n", run_again);
    _exit(EXIT_FAILURE);
}
