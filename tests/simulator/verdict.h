/* verdict: what ends a simulation that has found something wrong.
 *
 * What the switch logs (accidents make it log a lot) goes to a file without a name, and is shown
 * only with a verdict. */
#ifndef TESTS_SIMULATOR_VERDICT_H
#define TESTS_SIMULATOR_VERDICT_H

#include <stdint.h>

#include "proto/base/fault.h"

/* Sends standard error to the file; what was standard error stays the verdict's. */
void verdict_open(void);

/* Which run it is: the words of its repetition. */
void verdict_begin(uint64_t seed, uint64_t commands);

/* How far it is, for the words. */
void verdict_at(uint64_t command);

/* Says what is wrong, how to have it again, and the newest lines of the log; ends the process. */
_Noreturn void verdict_fail(const char *format, ...) PRINTF_LIKE(1, 2);

#define VERDICT(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition)) verdict_fail(__VA_ARGS__);                                               \
    } while (0)

#endif
