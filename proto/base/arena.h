/* arena: memory for one piece of work, given back all at once.
 *
 * One block is taken at arena_open and never grows, so that a message from outside cannot cost
 * unbounded memory and the hot path allocates nothing.  Not for sharing between threads. */
#ifndef PROTO_BASE_ARENA_H
#define PROTO_BASE_ARENA_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

struct arena {
    char *bytes;
    size_t size;
    size_t used; /* <= size */
};

/* Takes `size` bytes and touches them, so that no page fault comes later.
 * FAULT_MEMORY: they cannot be had. */
MUST_CHECK enum fault arena_open(struct arena *arena, size_t size);

/* `size` bytes aligned for any type, not zeroed, good until arena_reset to before this point;
 * NULL when the arena is full. */
MUST_CHECK void *arena_take(struct arena *arena, size_t size);

/* A copy of `bytes`; a span with bytes == NULL when the arena is full. */
MUST_CHECK struct span arena_copy(struct arena *arena, struct span bytes);

/* Gives back everything taken since `used` was arena->used; 0 gives back all. */
void arena_reset(struct arena *arena, size_t used);

/* Accepts an arena of zeros. */
void arena_close(struct arena *arena);

#endif
