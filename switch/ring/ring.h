/* ring: records of any size from one thread to one other, without a lock and without a copy.
 *
 *                  released        read            published       claimed
 *                     |              |                 |              |
 *   ------------------+==============+=================+..............+------------------
 *        free         | read, not    |  to be read     | being        |      free
 *                     | given back   |                 | written      |
 *
 * The producer claims room for a record, writes into it, and publishes all it has claimed at once:
 * a run of records appears whole or not at all.  The consumer reads on while what it has read stays
 * where it is, until it releases all of that at once: settlement reads a turn's commands and gives
 * their bytes back after the commit.
 *
 * Positions are counted in bytes and never wrap (2^64); a record is never split: where it would
 * cross the end, the rest of the buffer is passed over.  Each side keeps its own copy of the other
 * side's position and looks at the shared one only when the copy does not suffice.
 *
 * Threads: ring_claim, ring_publish, ring_abandon, ring_room: the producer's; ring_next,
 *          ring_release, ring_waiting: the consumer's; open before, close after both.
 * Memory:  all of it is taken, and touched, in ring_open.
 * Proof:   tests/model/ring.pml; stress under TSan in tests/check/ring_test.c. */
#ifndef SWITCH_RING_RING_H
#define SWITCH_RING_RING_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

struct ring;

/* `size` bytes, a power of two of at least 4,096. FAULT_MEMORY: they cannot be had. */
MUST_CHECK enum fault ring_open(struct ring **out, size_t size);

/* The largest record: a quarter of the size. */
size_t ring_record_max(const struct ring *ring);

/* Bytes that can surely be claimed now, whatever the sizes of the records, each counted with 16
 * bytes more and rounded up to 16. */
size_t ring_room(struct ring *ring);

/* Room for a record of `size` bytes, aligned to 16, to be written before ring_publish.
 * NULL: no room now.  Assumed size <= ring_record_max. */
MUST_CHECK void *ring_claim(struct ring *ring, size_t size);

/* Shows all claimed records to the consumer, with release order. */
void ring_publish(struct ring *ring);

/* Takes back all records claimed and not published. */
void ring_abandon(struct ring *ring);

/* The next record, not yet given back; bytes == NULL: none now.  What the span shows belongs to the
 * consumer until ring_release. */
struct span ring_next(struct ring *ring);

/* Bytes published and not yet returned by ring_next, heads included. */
size_t ring_waiting(const struct ring *ring);

/* Gives every record back that ring_next has returned. */
void ring_release(struct ring *ring);

/* Accepts NULL. */
void ring_close(struct ring *ring);

#endif
