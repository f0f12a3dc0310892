/* trigger: see trigger.h.
 *
 * Possible failures: the shell finds no such command (exit 127, its words go to our standard error);
 * the command says nothing; it does not end, then trigger_end kills its process group. */
#include "ops/cauce/trigger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's side; never returns. We have one thread, so setenv is safe after fork. */
static void become(const char *command, const char *as, const char *to, const char *amount,
                   int output)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (dup2(output, STDOUT_FILENO) < 0 || setenv("CAUCE_AS", as, 1) != 0 ||
        setenv("CAUCE_TO", to, 1) != 0 || setenv("CAUCE_AMOUNT", amount, 1) != 0) {
        _exit(127);
    }
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

enum fault trigger_start(struct trigger *trigger, const char *command, const char *as,
                         const char *to, const char *amount)
{
    int ends[2];
    *trigger = (struct trigger){.output = -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return FAULT_IO;
    pid_t const pid = fork();
    if (pid == 0) become(command, as, to, amount, ends[1]);
    close(ends[1]);
    if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        close(ends[0]);
        return FAULT_IO;
    }
    setpgid(pid, pid); /* the child does so, too: whoever comes first */
    trigger->pid = pid;
    trigger->output = ends[0];
    return FAULT_NONE;
}

static void note_end(struct trigger *trigger, int status)
{
    trigger->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    trigger->pid = 0;
}

/* Bytes behind the first line are read and dropped, so that the command never waits for us. */
static void read_output(struct trigger *trigger)
{
    char bytes[1024];
    for (;;) {
        ssize_t const got = read(trigger->output, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            trigger->has_line = true;
            close(trigger->output);
            trigger->output = -1;
            return;
        }
        for (ssize_t i = 0; i < got && !trigger->has_line; i++) {
            if (bytes[i] == '\n') {
                trigger->has_line = true;
            } else if (trigger->size < TRIGGER_LINE_BYTES - 1) {
                trigger->line[trigger->size++] = bytes[i];
            }
        }
    }
}

void trigger_look(struct trigger *trigger)
{
    int status;
    if (trigger->output >= 0) read_output(trigger);
    if (trigger->pid != 0 && waitpid(trigger->pid, &status, WNOHANG) == trigger->pid) {
        note_end(trigger, status);
    }
}

bool trigger_says(const struct trigger *trigger, const char *word)
{
    return strstr(trigger->line, word) != NULL;
}

void trigger_end(struct trigger *trigger)
{
    int status;
    if (trigger->pid != 0) {
        kill(-trigger->pid, SIGKILL);
        if (waitpid(trigger->pid, &status, 0) == trigger->pid) note_end(trigger, status);
    }
    if (trigger->output >= 0) close(trigger->output);
    trigger->output = -1;
}
