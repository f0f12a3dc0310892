/* One stack of free buffers per size over one reserved run of addresses. */
#include "switch/loop/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

static const struct {
    size_t bytes;
    uint32_t count;
} classes[POOL_CLASSES] = {
#define POOL_CLASS_ROW(name, bytes, count) {bytes, count},
    POOL_CLASS_LIST(POOL_CLASS_ROW)
#undef POOL_CLASS_ROW
};

#define POOL_BUFFERS_ALL                                                                           \
    (0 POOL_CLASS_LIST(POOL_CLASS_COUNTED)) /* how many buffers there are, of all sizes */
#define POOL_CLASS_COUNTED(name, bytes, count) +(count)

struct pool_stack {
    char **free; /* free_count of them can be taken */
    uint32_t free_count;
};

struct pool {
    char *bytes;
    size_t size;
    uint32_t lent;
    struct pool_stack stacks[POOL_CLASSES];
    char *free[POOL_BUFFERS_ALL];
};

enum fault pool_open(struct pool **out)
{
    *out = NULL;
    struct pool *const pool = calloc(1, sizeof *pool);
    if (!pool) return FAULT_MEMORY;
    for (size_t i = 0; i < POOL_CLASSES; i++) {
        pool->size += classes[i].bytes * classes[i].count;
    }
    pool->bytes = mmap(NULL, pool->size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pool->bytes == MAP_FAILED) {
        free(pool);
        return FAULT_MEMORY;
    }

    char *next = pool->bytes;
    char **slot = pool->free;
    for (size_t i = 0; i < POOL_CLASSES; i++) {
        pool->stacks[i] = (struct pool_stack){.free = slot, .free_count = classes[i].count};
        /* The lowest address is taken first, so that few pages are ever touched. */
        for (uint32_t j = 0; j < classes[i].count; j++) {
            slot[classes[i].count - 1 - j] = next;
            next += classes[i].bytes;
        }
        slot += classes[i].count;
    }
    *out = pool;
    return FAULT_NONE;
}

static uint32_t share_max(size_t class)
{
    uint32_t const quarter = classes[class].count / 4;
    return quarter < 2 ? 2 : quarter;
}

enum fault pool_take(struct pool *pool, struct pool_share *share, size_t size,
                     struct pool_buffer *buffer)
{
    for (size_t i = 0; i < POOL_CLASSES; i++) {
        struct pool_stack *const stack = &pool->stacks[i];
        if (classes[i].bytes < size || stack->free_count == 0) continue;
        if (share->lent[i] >= share_max(i)) continue;
        share->lent[i] += 1;
        stack->free_count -= 1;
        pool->lent += 1;
        *buffer = (struct pool_buffer){
            .bytes = stack->free[stack->free_count],
            .size = classes[i].bytes,
            .class = (enum pool_class)i,
            .share = share,
        };
        return FAULT_NONE;
    }
    return FAULT_FULL;
}

void pool_give(struct pool *pool, struct pool_buffer *buffer)
{
    if (!buffer->bytes) return;
    struct pool_stack *const stack = &pool->stacks[buffer->class];
    assert(stack->free_count < classes[buffer->class].count);
    assert(buffer->share->lent[buffer->class] > 0);
    buffer->share->lent[buffer->class] -= 1;
    stack->free[stack->free_count++] = buffer->bytes;
    pool->lent -= 1;
    *buffer = (struct pool_buffer){0};
}

uint32_t pool_lent(const struct pool *pool)
{
    return pool->lent;
}

void pool_close(struct pool *pool)
{
    if (!pool) return;
    assert(pool->lent == 0);
    (void)munmap(pool->bytes, pool->size);
    free(pool);
}
