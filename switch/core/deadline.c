/* The heap: sift up on arrival, sift either way where one has left. */
#include "switch/core/deadline.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#define CHILDREN 4 /* half the levels of a binary heap, and the four stand in two cache lines */

enum fault deadline_open(struct deadline_heap *heap, uint32_t count_max)
{
    *heap = (struct deadline_heap){.count_max = count_max};
    size_t const items_size = (size_t)count_max * sizeof *heap->items;
    enum fault const fault =
        pages_open(&heap->pages, items_size + (size_t)count_max * sizeof *heap->places);
    if (fault != FAULT_NONE) return fault;
    heap->items = heap->pages.bytes;
    heap->places = (uint32_t *)(void *)((char *)heap->pages.bytes + items_size);
    return FAULT_NONE;
}

void deadline_close(struct deadline_heap *heap)
{
    pages_close(&heap->pages);
    *heap = (struct deadline_heap){0};
}

static bool is_before(const struct deadline_item *a, const struct deadline_item *b)
{
    if (a->deadline_ns != b->deadline_ns) return a->deadline_ns < b->deadline_ns;
    return a->opened_by < b->opened_by;
}

static void put(struct deadline_heap *heap, uint32_t place, struct deadline_item item)
{
    heap->items[place] = item;
    heap->places[item.payment] = place;
}

static uint32_t sift_up(struct deadline_heap *heap, uint32_t place, struct deadline_item item)
{
    while (place > 0) {
        uint32_t const parent = (place - 1) / CHILDREN;
        if (!is_before(&item, &heap->items[parent])) break;
        put(heap, place, heap->items[parent]);
        place = parent;
    }
    return place;
}

static uint32_t sift_down(struct deadline_heap *heap, uint32_t place, struct deadline_item item)
{
    for (;;) {
        uint32_t const first = place * CHILDREN + 1;
        if (first >= heap->count) return place;
        uint32_t const end = heap->count - first < CHILDREN ? heap->count : first + CHILDREN;
        uint32_t least = first;
        for (uint32_t child = first + 1; child < end; child++) {
            if (is_before(&heap->items[child], &heap->items[least])) least = child;
        }
        if (!is_before(&heap->items[least], &item)) return place;
        put(heap, place, heap->items[least]);
        place = least;
    }
}

void deadline_add(struct deadline_heap *heap, struct deadline_item item)
{
    assert(heap->count < heap->count_max && item.payment < heap->count_max);
    uint32_t const place = sift_up(heap, heap->count, item);
    heap->count++;
    put(heap, place, item);
}

void deadline_remove(struct deadline_heap *heap, uint32_t payment)
{
    assert(payment < heap->count_max);
    uint32_t const place = heap->places[payment];
    assert(place < heap->count && heap->items[place].payment == payment);

    heap->count--;
    if (place == heap->count) return;
    struct deadline_item const last = heap->items[heap->count];
    uint32_t const above = sift_up(heap, place, last);
    put(heap, above < place ? above : sift_down(heap, place, last), last);
}

const struct deadline_item *deadline_next(const struct deadline_heap *heap)
{
    return heap->count > 0 ? &heap->items[0] : NULL;
}
