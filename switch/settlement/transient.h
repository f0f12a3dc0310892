/* transient: answers that leave no entry: admi.002, repeated results, balances (DESIGN, "Delivery").
 *
 * One pool for all participants, each with a queue of its own in order of arising and a bound of its
 * own, so that one bank that does not fetch its answers costs the others nothing.  They are lost at
 * a restart; the bank asks again.
 *
 * Threads: settlement's.  Memory: taken and touched in transient_open. */
#ifndef SWITCH_SETTLEMENT_TRANSIENT_H
#define SWITCH_SETTLEMENT_TRANSIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/record/reply.h"

#define TRANSIENT_NONE UINT32_MAX

struct transient {
    struct resource_id resource_id;
    int64_t created_ns;
    uint64_t after_seq;      /* the newest entry when it arose: it goes out after that one */
    enum delivery_type type; /* never DELIVER_PACS008 */
    uint32_t next;           /* in its queue; TRANSIENT_NONE: the last */
    /* Of DELIVER_PACS002: not 0: status, reason and times are to be taken from this entry for
     * `side`; where ids_known is false, InstrId and UETR too, from the entry that opened it. */
    uint64_t standing_seq;
    enum entry_side side;
    bool ids_known;
    union {
        struct status_item status;
        struct refusal refusal;
        struct balance_item balance;
    };
};

struct transient_queue {
    uint32_t first, last; /* TRANSIENT_NONE: empty */
    uint32_t count;       /* in the queue, or taken from it and not dropped yet */
};

struct transient_pool {
    struct transient *places;
    uint32_t free_first;
    uint32_t free_count;
    uint64_t start;   /* random, of this start of the switch */
    uint64_t counter; /* of the ids given */
};

/* FAULT_MEMORY; FAULT_CRYPTO: no randomness. */
MUST_CHECK enum fault transient_open(struct transient_pool *pool);

void transient_queue_start(struct transient_queue *queue);

/* True when this participant surely has room for `count` more. */
bool transient_room(const struct transient_queue *queue, uint32_t count);

/* True when the pool has. */
bool transient_pool_room(const struct transient_pool *pool, uint32_t count);

/* Queues one under a new resource id; the caller fills in the rest but `next`.
 * Assumed: both kinds of room were there for it. */
struct transient *transient_add(struct transient_pool *pool, struct transient_queue *queue);

/* The oldest that was not taken, or NULL. */
const struct transient *transient_peek(const struct transient_pool *pool,
                                       const struct transient_queue *queue);

/* Takes it from the queue; it keeps its place until transient_drop. Assumed: there is one. */
uint32_t transient_take(struct transient_pool *pool, struct transient_queue *queue);

const struct transient *transient_at(const struct transient_pool *pool, uint32_t place);

/* Its receiver has confirmed it. */
void transient_drop(struct transient_pool *pool, struct transient_queue *queue, uint32_t place);

/* Accepts one of zeros. */
void transient_close(struct transient_pool *pool);

#endif
