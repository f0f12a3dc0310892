/* lookup: settlement's reader thread, which looks into the ledger so that settlement never does.
 *
 *   settlement --requests--> SEEK: own numbers of a bank that is far behind    --results--> settlement
 *                            RUN:  an answer to a poll, some items still absent
 *                            RECEIPT: what a receipt holds
 *
 * A run is the very records that the loop is to get (reply.h), with a LOOKUP_ITEM in place of each
 * item that has left memory; the result is the same run with every item filled in.  Settlement
 * passes it on as it is.  What cannot be read ends the process: it was durable, so something is
 * broken, and a person must look.
 *
 * The result of a RECEIPT is a run of one record, a RECEIPT_REPLY.  A bank may ask for any entry,
 * however old, so one that cannot be read is told to the bank and the log.
 *
 * Threads: lookup_open and lookup_close on the thread that starts it; lookup_step on its own.
 * Memory:  taken in lookup_open. */
#ifndef SWITCH_SETTLEMENT_LOOKUP_H
#define SWITCH_SETTLEMENT_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/record/reply.h"
#include "switch/ring/ring.h"
#include "switch/settlement/queue.h"

#define LOOKUP_RETRY_SECONDS 1 /* a bank that asks again then finds the index there, or its turn */

enum lookup_kind { LOOKUP_SEEK = 101, LOOKUP_RUN, LOOKUP_ITEM, LOOKUP_PAGE, LOOKUP_RECEIPT };

struct lookup_seek {
    uint32_t kind;
    uint32_t participant;
    struct participant_code code;
    struct queue_seek seek;
};

/* The result of a seek. */
struct lookup_page {
    uint32_t kind;
    uint32_t participant;
    struct queue_page page;
};

/* Before the records of an answer, there and back. */
struct lookup_run {
    uint32_t kind;
    uint32_t loop;
    uint32_t record_count; /* that follow: one POLL_REPLY, then DELIVERYs with their items */
    uint32_t bytes;        /* of a result: room that they take in a ring, as ring_room counts */
};

/* An item that is to be made from the entry `seq`, for the participant on `side`. */
struct lookup_item {
    uint32_t kind;
    enum delivery_type type; /* DELIVER_PACS008 or DELIVER_PACS002 */
    uint64_t seq;
    enum entry_side side;
    bool ids_known;            /* status.instruction_id and uetr are in place already */
    struct status_item status; /* of DELIVER_PACS002: what is known */
};

/* What a receipt is asked by. */
struct lookup_receipt {
    uint32_t kind;
    uint32_t loop;
    struct request_id request;
    struct participant_code code; /* who asks */
    struct payment_id id;
    uint64_t seq;          /* of the entry that settled it; 0: not known to the core */
    int64_t remembered_ns; /* what was settled since then the core knows */
};

struct lookup;

struct lookup_options {
    const char *directory;
    const char *vfs;       /* NULL: the system's */
    struct ring *requests; /* settlement writes */
    struct ring *results;  /* settlement reads; of at least LIMIT_REPLY_RING_BYTES */
};

/* FAULT_MEMORY; what reader_open says. *out is the caller's until lookup_close. */
MUST_CHECK enum fault lookup_open(struct lookup **out, const struct lookup_options *options);

/* Does one request: *did is false when there was none, or no room for its result.
 * FAULT_CORRUPT, FAULT_IO: the ledger cannot be read; the log says where. */
MUST_CHECK enum fault lookup_step(struct lookup *lookup, bool *did);

/* Entries read so far: for tests of how much a bank that is behind costs. */
uint64_t lookup_entries_read(const struct lookup *lookup);

/* Accepts NULL. */
void lookup_close(struct lookup *lookup);

#endif
