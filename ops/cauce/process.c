/* process: fork, exec, the ready line, and the end.
 *
 * The happy path: the child becomes cauced, prints `ready ...` within a second or so, runs until
 * SIGTERM and exits with 0.
 *
 * Possible failures: no cauced beside us; it exits before it is ready (its log says why, in its last
 * line); it prints nothing in time; it does not end in time (SIGKILL). */
#include "ops/cauce/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/span.h"
#include "proto/base/time.h"
#include "proto/config/config.h"

#define LINE_BYTES 2048
#define PAUSE_MS 10

/* The cauced in the folder of the running program. */
static enum fault find_program(config_path program, char error[PROCESS_ERROR_BYTES])
{
    config_path self;
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size < 0) {
        snprintf(error, PROCESS_ERROR_BYTES, "/proc/self/exe: %s", strerror(errno));
        return FAULT_IO;
    }
    self[size] = '\0';
    if (config_join(program, self, "cauced") != FAULT_NONE || access(program, X_OK) != 0) {
        snprintf(error, PROCESS_ERROR_BYTES, "%.400s: there is no such program", program);
        return FAULT_NOT_FOUND;
    }
    return FAULT_NONE;
}

/* The child's side; never returns. Only calls that are safe after fork. */
static void become(const char *program, char *const *arguments, int output, int log, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127); /* it died before we asked for its signal */
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) _exit(127);
    execv(program, arguments);
    _exit(127);
}

static enum fault spawn(struct process *process, const char *program, char *const *arguments,
                        const char *log_file, char error[PROCESS_ERROR_BYTES])
{
    int pipe_ends[2];
    int log = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) {
        snprintf(error, PROCESS_ERROR_BYTES, "%s: %s", log_file, strerror(errno));
        return FAULT_IO;
    }
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        snprintf(error, PROCESS_ERROR_BYTES, "no pipe: %s", strerror(errno));
        close(log);
        return FAULT_IO;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) become(program, arguments, pipe_ends[1], log, parent);
    int const fork_error = errno;
    close(log);
    close(pipe_ends[1]);
    if (pid < 0) {
        snprintf(error, PROCESS_ERROR_BYTES, "no process: %s", strerror(fork_error));
        close(pipe_ends[0]);
        return FAULT_IO;
    }
    process->pid = pid;
    process->output = pipe_ends[0];
    return FAULT_NONE;
}

/* The value behind NAME= in the ready line; false when it is not there. */
static bool take_field(const char *line, const char *name, char value[PROCESS_URL_BYTES])
{
    const char *at = strstr(line, name);
    if (at == NULL) return false;
    at += strlen(name);
    size_t length = strcspn(at, " \n");
    if (length == 0 || length >= PROCESS_URL_BYTES) return false;
    memcpy(value, at, length);
    value[length] = '\0';
    return true;
}

static bool parse_ready(struct process *process, const char *line)
{
    return strncmp(line, "ready ", 6) == 0 &&
           take_field(line, " participants=", process->participants) &&
           take_field(line, " admin=", process->admin) &&
           take_field(line, " metrics=", process->metrics) &&
           take_field(line, " kafka=", process->kafka);
}

/* The last line of the log, for the error's words. */
static void take_last_line(const char *log_file, char error[PROCESS_ERROR_BYTES])
{
    char line[LINE_BYTES];
    FILE *file = fopen(log_file, "re");
    error[0] = '\0';
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0') snprintf(error, PROCESS_ERROR_BYTES, "cauced: %.480s", line);
    }
    if (file != NULL) fclose(file);
    if (error[0] == '\0') snprintf(error, PROCESS_ERROR_BYTES, "cauced ended and said nothing");
}

/* Reads the first line. FAULT_CLOSED: the output ended before it. */
static enum fault read_ready(struct process *process, int wait_ms)
{
    char line[LINE_BYTES];
    size_t size = 0;
    int64_t const deadline_ns = time_monotonic_ns() + wait_ms * TIME_NS_PER_MS;
    for (;;) {
        int64_t const left_ns = deadline_ns - time_monotonic_ns();
        struct pollfd poll_on = {.fd = process->output, .events = POLLIN};
        if (left_ns <= 0) return FAULT_BUSY;
        if (poll(&poll_on, 1, (int)(left_ns / TIME_NS_PER_MS) + 1) <= 0) continue;
        ssize_t got = read(process->output, line + size, sizeof line - 1 - size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return FAULT_CLOSED;
        size += (size_t)got;
        line[size] = '\0';
        if (strchr(line, '\n') != NULL || size == sizeof line - 1) {
            return parse_ready(process, line) ? FAULT_NONE : FAULT_CLOSED;
        }
    }
}

enum fault process_start(struct process *process, const char *config_file, const char *const *sets,
                         const char *log_file, int wait_ms, char error[PROCESS_ERROR_BYTES])
{
    config_path program;
    char *arguments[4 + 2 * PROCESS_SETS_MAX];
    size_t count = 0;
    *process = (struct process){.output = -1};
    enum fault fault = find_program(program, error);
    if (fault != FAULT_NONE) return fault;
    arguments[count++] = program;
    arguments[count++] = (char *)(uintptr_t) "-c";
    arguments[count++] = (char *)(uintptr_t)config_file;
    for (size_t i = 0; sets[i] != NULL && i < PROCESS_SETS_MAX; i++) {
        arguments[count++] = (char *)(uintptr_t) "--set";
        arguments[count++] = (char *)(uintptr_t)sets[i];
    }
    arguments[count] = NULL;
    fault = spawn(process, program, arguments, log_file, error);
    if (fault != FAULT_NONE) return fault;
    fault = read_ready(process, wait_ms);
    if (fault == FAULT_NONE) return fault;

    process_stop(process, 1000);
    if (fault == FAULT_CLOSED) {
        take_last_line(log_file, error);
    } else {
        snprintf(error, PROCESS_ERROR_BYTES, "cauced was not ready within %d ms", wait_ms);
    }
    return fault;
}

/* Notes the end of a process that has been waited for. */
static void note_end(struct process *process, int status)
{
    process->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    process->pid = 0;
    close(process->output);
    process->output = -1;
}

bool process_is_running(struct process *process)
{
    int status;
    if (process->pid != 0 && waitpid(process->pid, &status, WNOHANG) == process->pid) {
        note_end(process, status);
    }
    return process->pid != 0;
}

bool process_stop(struct process *process, int wait_ms)
{
    if (!process_is_running(process)) return false;
    kill(process->pid, SIGTERM);
    for (int waited_ms = 0; waited_ms < wait_ms; waited_ms += PAUSE_MS) {
        if (!process_is_running(process)) return process->exit_code == 0;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * TIME_NS_PER_MS}, NULL);
    }
    process_kill(process);
    return false;
}

void process_kill(struct process *process)
{
    int status;
    if (!process_is_running(process)) return;
    kill(process->pid, SIGKILL);
    if (waitpid(process->pid, &status, 0) == process->pid) note_end(process, status);
}
