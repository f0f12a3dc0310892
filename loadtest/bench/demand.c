/* demand: see demand.h. */
#include "loadtest/bench/demand.h"

#include <stdio.h>
#include <stdlib.h>

void demand(enum fault fault, const char *what)
{
    if (fault == FAULT_NONE) return;
    fprintf(stderr, "%s: %s\n", what, fault_words(fault));
    exit(1);
}
