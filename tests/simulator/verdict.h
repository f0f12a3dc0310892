/* verdict: what ends a simulation that has found something wrong.
 *
 * What the switch logs (accidents make it log a lot) goes to a file without a name, and is shown
 * only with a verdict. */
#ifndef TESTS_SIMULATOR_VERDICT_H
#define TESTS_SIMULATOR_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"

/* Sends standard error to the file; what was standard error stays the verdict's. */
void verdict_open(void);

/* A run begins; `again` is the command that repeats it, and is copied. */
void verdict_begin(const char *again);

/* This process was forked: its log is a file of its own from here on; where it is not shown, a
 * verdict ends the process without a word. */
void verdict_fork(bool is_shown);

/* How far it is, for the words. */
void verdict_at(uint64_t command);

/* Says what is wrong, how to have it again, and the newest lines of the log; ends the process. */
_Noreturn void verdict_fail(const char *format, ...) PRINTF_LIKE(1, 2);

#define VERDICT(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition)) verdict_fail(__VA_ARGS__);                                               \
    } while (0)

#endif
