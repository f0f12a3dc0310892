/* report: the result of a load test as a table for people and as JSON for programs.
 *
 * The page, with the plot, is page.h.  One thread. */
#ifndef LOADTEST_LOAD_REPORT_H
#define LOADTEST_LOAD_REPORT_H

#include <stdio.h>

#include "loadtest/load/load.h"

/* CPU microseconds per settled payment in the window; 0 where that cannot be said. */
double report_switch_us(const struct load_result *result);
double report_own_us(const struct load_result *result);

/* At most 80 columns. */
void report_print(FILE *out, const struct load_result *result);

/* One JSON object.  Keys are part of what others read: append only. */
void report_write_json(FILE *out, const struct load_result *result);

#endif
