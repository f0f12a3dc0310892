/* A pool of answers without entries, and a queue of them for each participant. */
#include "switch/settlement/transient.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/crypto/random.h"

enum fault transient_open(struct transient_pool *pool)
{
    *pool = (struct transient_pool){0};
    enum fault const fault = random_fill(&pool->start, sizeof pool->start);
    if (fault != FAULT_NONE) return fault;
    size_t const size = LIMIT_TRANSIENT * sizeof *pool->places;
    pool->places = malloc(size);
    if (!pool->places) return FAULT_MEMORY;
    memset(pool->places, 0, size);
    for (uint32_t i = 0; i < LIMIT_TRANSIENT; i++)
        pool->places[i].next = i + 1 < LIMIT_TRANSIENT ? i + 1 : TRANSIENT_NONE;
    pool->free_count = LIMIT_TRANSIENT;
    return FAULT_NONE;
}

void transient_queue_start(struct transient_queue *queue)
{
    *queue = (struct transient_queue){.first = TRANSIENT_NONE, .last = TRANSIENT_NONE};
}

bool transient_room(const struct transient_queue *queue, uint32_t count)
{
    assert(queue->count <= LIMIT_TRANSIENT_EACH);
    return count <= LIMIT_TRANSIENT_EACH - queue->count;
}

bool transient_pool_room(const struct transient_pool *pool, uint32_t count)
{
    return count <= pool->free_count;
}

struct transient *transient_add(struct transient_pool *pool, struct transient_queue *queue)
{
    assert(pool->free_count > 0 && queue->count < LIMIT_TRANSIENT_EACH);
    uint32_t const place = pool->free_first;
    struct transient *const transient = &pool->places[place];
    pool->free_first = transient->next;
    pool->free_count -= 1;

    *transient = (struct transient){.next = TRANSIENT_NONE};
    (void)snprintf(transient->resource_id.text, sizeof transient->resource_id.text, "T%016llx-%llx",
                   (unsigned long long)pool->start, (unsigned long long)++pool->counter);
    if (queue->last == TRANSIENT_NONE) {
        queue->first = place;
    } else {
        pool->places[queue->last].next = place;
    }
    queue->last = place;
    queue->count += 1;
    return transient;
}

const struct transient *transient_peek(const struct transient_pool *pool,
                                       const struct transient_queue *queue)
{
    return queue->first == TRANSIENT_NONE ? NULL : &pool->places[queue->first];
}

uint32_t transient_take(struct transient_pool *pool, struct transient_queue *queue)
{
    assert(queue->first != TRANSIENT_NONE);
    uint32_t const place = queue->first;
    queue->first = pool->places[place].next;
    if (queue->first == TRANSIENT_NONE) queue->last = TRANSIENT_NONE;
    return place;
}

const struct transient *transient_at(const struct transient_pool *pool, uint32_t place)
{
    assert(place < LIMIT_TRANSIENT);
    return &pool->places[place];
}

void transient_drop(struct transient_pool *pool, struct transient_queue *queue, uint32_t place)
{
    assert(place < LIMIT_TRANSIENT && queue->count > 0);
    pool->places[place].next = pool->free_count ? pool->free_first : TRANSIENT_NONE;
    pool->free_first = place;
    pool->free_count += 1;
    queue->count -= 1;
}

void transient_close(struct transient_pool *pool)
{
    free(pool->places);
    *pool = (struct transient_pool){0};
}
