/* deadline: which open payment runs out next.
 *
 * A heap of four children per node, ordered by deadline and then by the seq that opened the
 * payment, so that the order of expiry depends on nothing else.  It knows where each payment stands,
 * so that a decided one leaves at once.
 *
 * Threads: the engine's.  Memory: taken in deadline_open. */
#ifndef SWITCH_CORE_DEADLINE_H
#define SWITCH_CORE_DEADLINE_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "switch/core/pages.h"

struct deadline_item {
    int64_t deadline_ns;
    uint64_t opened_by; /* seq of the reserved entry; unique */
    uint32_t payment;   /* its place in the table of open payments */
};

struct deadline_heap {
    uint32_t count;
    uint32_t count_max;
    struct deadline_item *items; /* the next to run out is items[0] */
    uint32_t *places;            /* by payment: where in items it stands */
    struct pages pages;
};

/* Room for payments 0 to count_max - 1. FAULT_MEMORY. */
MUST_CHECK enum fault deadline_open(struct deadline_heap *heap, uint32_t count_max);

/* Accepts a heap of zeros. */
void deadline_close(struct deadline_heap *heap);

/* Assumed: the payment is not in the heap. */
void deadline_add(struct deadline_heap *heap, struct deadline_item item);

/* Assumed: the payment is in the heap. */
void deadline_remove(struct deadline_heap *heap, uint32_t payment);

/* The next to run out, or NULL; good until the heap changes. */
const struct deadline_item *deadline_next(const struct deadline_heap *heap);

#endif
