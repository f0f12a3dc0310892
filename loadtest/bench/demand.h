/* demand: what a benchmark cannot do without. */
#ifndef LOADTEST_BENCH_DEMAND_H
#define LOADTEST_BENCH_DEMAND_H

#include "proto/base/fault.h"

/* Ends the program, saying why `what` did not come about, unless `fault` is FAULT_NONE. */
void demand(enum fault fault, const char *what);

#endif
