/* trigger: the command that makes a connector pay (`cauce conformance --pay COMMAND`).
 *
 * It is run by /bin/sh with CAUCE_TO, CAUCE_AMOUNT and CAUCE_AS in its environment, in a process
 * group of its own.  It waits for the payment's end and says, in the first line of its standard
 * output, what the connector's books say: a line with the word settled, rejected or expired.
 *
 * Threads: one.  Nothing here blocks. */
#ifndef OPS_CAUCE_TRIGGER_H
#define OPS_CAUCE_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/base/fault.h"

#define TRIGGER_LINE_BYTES 256

struct trigger {
    pid_t pid;     /* 0: ended, or never started */
    int output;    /* the read end of its standard output; -1: none */
    int exit_code; /* of an ended one; 128 + signal where a signal ended it */
    bool has_line; /* the first line is whole, or the output ended */
    size_t size;
    char line[TRIGGER_LINE_BYTES]; /* with a zero, cut */
};

/* FAULT_IO: no pipe or no process. The trigger is the caller's until trigger_end. */
MUST_CHECK enum fault trigger_start(struct trigger *trigger, const char *command, const char *as,
                                    const char *to, const char *amount);

/* Takes what the command has said, and notes its end. */
void trigger_look(struct trigger *trigger);

/* Whether its line has the word. */
bool trigger_says(const struct trigger *trigger, const char *word);

/* Ends the command, with all that it started, if it still runs. */
void trigger_end(struct trigger *trigger);

#endif
