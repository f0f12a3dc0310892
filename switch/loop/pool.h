/* pool: the buffers of one loop, in a few sizes, taken once and lent again and again.
 *
 * Bodies are received into them, answers leave from them, and what a client has sent ahead waits in
 * them.  When a size has run out the next larger one serves; when all have, the caller refuses.
 * What is lent on a share is at most a quarter of each size (of the few largest half), so that no
 * borrower leaves nothing for the others.
 * Memory: reserved in pool_open; the system gives a page when it is first written.
 * Threads: the one of its loop. */
#ifndef SWITCH_LOOP_POOL_H
#define SWITCH_LOOP_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"

/* name, bytes of one buffer, how many a loop has, what for */
#define POOL_CLASS_LIST(X)                                                                         \
    X(SMALL, 16 * 1024, 2048)   /* a body or an answer of one or two messages */                   \
    X(MIDDLE, 64 * 1024, 256)   /* a batch, or what a client has pipelined */                      \
    X(LARGE, 642 * 1024, 128)   /* the largest body, a large batch */                              \
    X(HUGE, POOL_HUGE_BYTES, 4) /* ten forwarded messages of the largest size */

/* Ten messages with all that goes around them. */
#define POOL_HUGE_BYTES (LIMIT_POLL_REPLY_BYTES + LIMIT_PARTS * 64 * 1024)

enum pool_class {
#define POOL_CLASS_MEMBER(name, bytes, count) POOL_##name,
    POOL_CLASS_LIST(POOL_CLASS_MEMBER)
#undef POOL_CLASS_MEMBER
        POOL_CLASSES
};

/* What one borrower has of each size; zeros at first. The caller's; longer than its buffers. */
struct pool_share {
    uint32_t lent[POOL_CLASSES];
};

struct pool_buffer {
    char *bytes; /* NULL: none is held */
    size_t size;
    enum pool_class class;
    struct pool_share *share;
};

struct pool;

/* FAULT_MEMORY: the address space cannot be had. */
MUST_CHECK enum fault pool_open(struct pool **out);

/* A buffer of at least `size` bytes; the holder's until pool_give.  FAULT_FULL: none is left, or none
 * for this share. */
MUST_CHECK enum fault pool_take(struct pool *pool, struct pool_share *share, size_t size,
                                struct pool_buffer *buffer);

/* Gives it back and sets it to none. Accepts a buffer that holds none. */
void pool_give(struct pool *pool, struct pool_buffer *buffer);

/* Buffers now lent, of all sizes. */
uint32_t pool_lent(const struct pool *pool);

/* Assumed: all buffers were given back. Accepts NULL. */
void pool_close(struct pool *pool);

#endif
