/* One block of memory, handed out from its start and given back as a whole. */
#include "proto/base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum fault arena_open(struct arena *arena, size_t size)
{
    *arena = (struct arena){.bytes = malloc(size), .size = size};
    if (!arena->bytes) return FAULT_MEMORY;
    memset(arena->bytes, 0, size);
    return FAULT_NONE;
}

void *arena_take(struct arena *arena, size_t size)
{
    assert(arena->used <= arena->size);
    size_t const step = alignof(max_align_t);
    size_t const start = (arena->used + step - 1) / step * step;
    if (start > arena->size || size > arena->size - start) return NULL;
    arena->used = start + size;
    return arena->bytes + start;
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
    char *const copy = arena_take(arena, bytes.size);
    if (!copy) return (struct span){.bytes = NULL, .size = 0};
    if (bytes.size) memcpy(copy, bytes.bytes, bytes.size);
    return span_of(copy, bytes.size);
}

void arena_reset(struct arena *arena, size_t used)
{
    assert(used <= arena->used);
    arena->used = used;
}

void arena_close(struct arena *arena)
{
    free(arena->bytes);
    *arena = (struct arena){0};
}
