/* A circular buffer of 16-byte-aligned records, each behind a head that says its size.
 *
 * The happy path: claim moves the producer's own position, publish copies it to the shared one with
 * release order; next sees it with acquire order and moves the consumer's own position, release
 * copies that back.  Possible failures: no room (claim says so), nothing to read (next says so). */
#include "switch/ring/ring.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE_BYTES 64
#define STEP_BYTES 16

struct head {
    uint64_t size;   /* of the record behind it */
    uint64_t is_gap; /* 1: no record, the rest of the buffer is passed over */
};

static_assert(sizeof(struct head) == STEP_BYTES, "records stay aligned");

struct ring {
    /* Written once. */
    alignas(LINE_BYTES) char *bytes;
    size_t size;

    /* The producer's line. */
    alignas(LINE_BYTES) uint64_t claimed; /* >= published */
    uint64_t released_seen;               /* <= released */
    alignas(LINE_BYTES) _Atomic uint64_t published;

    /* The consumer's line. */
    alignas(LINE_BYTES) uint64_t read; /* released <= read <= published */
    uint64_t published_seen;           /* <= published */
    alignas(LINE_BYTES) _Atomic uint64_t released;
};

enum fault ring_open(struct ring **out, size_t size)
{
    assert(size >= 4096 && (size & (size - 1)) == 0);
    *out = NULL;
    struct ring *const ring = aligned_alloc(LINE_BYTES, sizeof *ring);
    if (!ring) return FAULT_MEMORY;
    memset(ring, 0, sizeof *ring);
    ring->size = size;
    ring->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring->bytes == MAP_FAILED) {
        free(ring);
        return FAULT_MEMORY;
    }
    (void)madvise(ring->bytes, size,
                  MADV_HUGEPAGE); /* advice: where it is not taken, pages are small */
    memset(ring->bytes, 0, size);
    *out = ring;
    return FAULT_NONE;
}

size_t ring_record_max(const struct ring *ring)
{
    return ring->size / 4;
}

/* Bytes of a record of `size` with its head, in steps. */
static size_t footprint(size_t size)
{
    return sizeof(struct head) + (size + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
}

static size_t producer_free(struct ring *ring)
{
    ring->released_seen = atomic_load_explicit(&ring->released, memory_order_acquire);
    assert(ring->claimed - ring->released_seen <= ring->size);
    return ring->size - (size_t)(ring->claimed - ring->released_seen);
}

size_t ring_room(struct ring *ring)
{
    size_t const free_bytes = producer_free(ring);
    size_t const to_end = ring->size - (size_t)(ring->claimed % ring->size);
    size_t const gap_max = footprint(ring_record_max(ring));
    if (free_bytes <= to_end) return free_bytes > gap_max ? free_bytes - gap_max : 0;
    size_t const gap = to_end < gap_max ? to_end : gap_max;
    return free_bytes > gap ? free_bytes - gap : 0;
}

void *ring_claim(struct ring *ring, size_t size)
{
    assert(size <= ring_record_max(ring));
    size_t const needed = footprint(size);
    size_t const at = (size_t)(ring->claimed % ring->size);
    size_t const to_end = ring->size - at;
    size_t const gap = needed > to_end ? to_end : 0;
    if (ring->size - (size_t)(ring->claimed - ring->released_seen) < gap + needed &&
        producer_free(ring) < gap + needed) {
        return NULL;
    }

    if (gap) {
        *(struct head *)(void *)(ring->bytes + at) =
            (struct head){.size = gap - sizeof(struct head), .is_gap = 1};
        ring->claimed += gap;
    }
    char *const start = ring->bytes + ring->claimed % ring->size;
    *(struct head *)(void *)start = (struct head){.size = size, .is_gap = 0};
    ring->claimed += needed;
    return start + sizeof(struct head);
}

void ring_publish(struct ring *ring)
{
    atomic_store_explicit(&ring->published, ring->claimed, memory_order_release);
}

void ring_abandon(struct ring *ring)
{
    ring->claimed = atomic_load_explicit(&ring->published, memory_order_relaxed);
}

struct span ring_next(struct ring *ring)
{
    for (;;) {
        if (ring->read == ring->published_seen) {
            ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
            if (ring->read == ring->published_seen) return (struct span){0};
        }
        char *const start = ring->bytes + ring->read % ring->size;
        struct head const head = *(const struct head *)(const void *)start;
        assert(head.size <= ring->size);
        ring->read += footprint(head.size);
        assert(ring->read <= ring->published_seen);
        if (!head.is_gap) return span_of(start + sizeof head, head.size);
    }
}

size_t ring_waiting(const struct ring *ring)
{
    return (size_t)(atomic_load_explicit(&ring->published, memory_order_relaxed) - ring->read);
}

void ring_release(struct ring *ring)
{
    atomic_store_explicit(&ring->released, ring->read, memory_order_release);
}

void ring_close(struct ring *ring)
{
    if (!ring) return;
    (void)munmap(ring->bytes, ring->size);
    free(ring);
}
