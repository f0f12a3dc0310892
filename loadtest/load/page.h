/* page: the result of a load test as one HTML file that needs nothing else: no script, no network.
 *
 * The plot shows every percentile of both times: to the right each step is ten times rarer, upwards
 * each step ten times longer.  One thread. */
#ifndef LOADTEST_LOAD_PAGE_H
#define LOADTEST_LOAD_PAGE_H

#include <stdio.h>

#include "loadtest/load/load.h"

void page_write(FILE *out, const struct load_result *result);

#endif
