/* pages: memory for the big tables, taken once at start and touched before use.
 *
 * A first touch costs 2 us and a TLB miss 0.2 us (DESIGN, "Budgets"), so the pages are asked for as
 * huge ones and are all written to before the first payment comes. */
#ifndef SWITCH_CORE_PAGES_H
#define SWITCH_CORE_PAGES_H

#include <stddef.h>

#include "proto/base/fault.h"

struct pages {
    void *bytes; /* zeros at first; NULL: none */
    size_t size;
};

/* `size` bytes of zeros, above 0. FAULT_MEMORY: they cannot be had. */
MUST_CHECK enum fault pages_open(struct pages *pages, size_t size);

/* Accepts pages of zeros, which hold nothing. */
void pages_close(struct pages *pages);

#endif
