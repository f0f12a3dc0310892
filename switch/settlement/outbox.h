/* outbox: what each participant still has to get, message by message.
 *
 *   own numbers of the ledger (queue.h) --+
 *   numbers left over from before         +--> parcels, in ledger order --> streams (stream.h)
 *   answers without entries (transient.h)-+         ^                          |
 *                                                   +------ given back --------+-- confirmed
 *
 * A parcel is one message: a transient answer, or up to 10 transactions of one kind.  Its id is
 * computed from the ledger alone: kind, ledger, participant, first own number, mask of further
 * numbers; so the same id always has the same transactions (DESIGN, "Delivery to banks").  A parcel
 * is made when a stream asks, and stays as it is until it is confirmed; one that a stream gives back
 * is offered again before anything newer.
 *
 * What is confirmed: every number below the cursor that stands in no parcel and in no left-over.
 * That is what the marks hold.
 *
 * Threads: settlement's.
 * Memory:  tables in outbox_open; about 50 KiB per participant when it joins, nothing later. */
#ifndef SWITCH_SETTLEMENT_OUTBOX_H
#define SWITCH_SETTLEMENT_OUTBOX_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "ledger/marks.h"
#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/record/reply.h"
#include "switch/settlement/content.h"
#include "switch/settlement/queue.h"
#include "switch/settlement/recent.h"
#include "switch/settlement/transient.h"

#define OUTBOX_PARCELS                                                                             \
    64 /* a participant's, ready or held: six streams hold 60; with more streams, and
                             all of them silent, a stream waits until one is confirmed */
#define OUTBOX_LEDGER_ID_BYTES 16

/* How far a cursor may run ahead of the stored mark.  After a crash so many numbers from the stored
 * cursor on may have been offered before: they come singly, as a message of one transaction must come
 * again under its id (WIRE section 1), and how they were grouped is not kept.  What lies beyond was
 * never offered, and is grouped as ever.  The marks of a bank that gets 25,000 deliveries a second are
 * then stored 12 times a second. */
#define OUTBOX_AHEAD 4096

enum parcel_state { PARCEL_FREE, PARCEL_READY, PARCEL_HELD };

/* Their numbers fit a mark, with the left-overs, which are parcelled first. */
static_assert(OUTBOX_PARCELS * LIMIT_TRANSACTIONS <= LIMIT_OUTSTANDING,
              "a mark must hold them all");

struct parcel {
    enum parcel_state state;
    enum delivery_type type;
    uint32_t transient; /* its place; TRANSIENT_NONE: of entries */
    uint32_t item_count;
    struct queue_item items[LIMIT_TRANSACTIONS]; /* of entries */
    struct resource_id resource_id;
    int64_t created_ns;
    uint64_t order; /* of READY: lower goes first */
};

struct outbox;

struct outbox_options {
    uint8_t ledger_id[OUTBOX_LEDGER_ID_BYTES]; /* part of the computed ids */
};

/* FAULT_MEMORY, FAULT_CRYPTO. *out is the caller's until outbox_close. */
MUST_CHECK enum fault outbox_open(struct outbox **out, const struct outbox_options *options);

/* A participant joins; its index is the count of those before it.  `mark` is what the marks say of
 * it, NULL: nothing.  FAULT_MEMORY. */
MUST_CHECK enum fault outbox_join(struct outbox *outbox, struct participant_code code,
                                  uint32_t pacs008_max, const struct mark *mark);

/* What a participant that has joined has in the ledger as of a snapshot: its newest own number, 0: none,
 * and that entry's sequence.  Entries replayed behind it follow with outbox_entry. */
void outbox_resume(struct outbox *outbox, uint32_t participant, uint64_t number, uint64_t seq);

/* An entry was made or replayed; it may be offered after its commit.  `facts` as recent.h says. */
void outbox_entry(struct outbox *outbox, const struct recent_entry *facts,
                  const struct entry *entry);

/* Keeps the canonical transaction of a reserved entry, for as long as there is room. */
void outbox_content(struct outbox *outbox, struct recent_entry *facts, struct span canonical);

/* The replay is over.  A cursor beyond the newest number, from the marks of a newer copy of the
 * ledger, would hide deliveries to come; it is drawn back to the first number that the ledger does
 * not have. */
void outbox_recovered(struct outbox *outbox);

/* Room for transient answers: of a participant, of the switch. */
bool outbox_has_room(const struct outbox *outbox, uint32_t participant, uint32_t transient_count);
bool outbox_pool_has_room(const struct outbox *outbox, uint32_t transient_count);

/* Queues a transient answer, which the caller fills in (transient_add). */
struct transient *outbox_answer(struct outbox *outbox, uint32_t participant);

/* Takes up to `parcels_max` messages for a stream, oldest first; they are HELD then.  Returns how
 * many.  What needs a page of the ledger first: *seek_due is true, and outbox_seek says which. */
uint32_t outbox_take(struct outbox *outbox, uint32_t participant, int64_t now_ns,
                     uint32_t parcels_max, struct parcel **parcels, bool *seek_due);

struct queue_seek outbox_seek(struct outbox *outbox, uint32_t participant);
void outbox_found(struct outbox *outbox, uint32_t participant, const struct queue_page *page);

/* The receiver has confirmed a held parcel. */
void outbox_confirm(struct outbox *outbox, uint32_t participant, struct parcel *parcel);

/* The stream that held it is gone: it is offered again. */
void outbox_give_back(struct outbox *outbox, uint32_t participant, struct parcel *parcel);

/* The participants in whose queue something may have come since the last call with `clear`, each
 * once; the array is the outbox's.  Streams that wait for them are to be served. */
uint32_t outbox_stirred(const struct outbox *outbox, const uint32_t **participants);
void outbox_calm(struct outbox *outbox);
void outbox_stir(struct outbox *outbox, uint32_t participant);

/* The mark of a participant whose deliveries changed since marks were stored: true, and *mark. */
bool outbox_changed_mark(const struct outbox *outbox, uint32_t participant, struct mark *mark);

/* Every changed mark is stored, as it was and is. */
void outbox_marks_stored(struct outbox *outbox);

/* Somebody's cursor is so far beyond the stored one that marks are to be stored now. */
bool outbox_marks_due(const struct outbox *outbox);

/* Facts of an entry in the window, or NULL; a kept transaction, or bytes == NULL. */
const struct recent_entry *outbox_facts(const struct outbox *outbox, uint64_t seq);
struct span outbox_transaction(const struct outbox *outbox, const struct recent_entry *facts);
const struct transient *outbox_transient(const struct outbox *outbox, const struct parcel *parcel);

uint32_t outbox_participant_count(const struct outbox *outbox);
struct participant_code outbox_code(const struct outbox *outbox, uint32_t participant);

/* Of all participants: own numbers that no stream was offered yet; transient answers not confirmed
 * yet. */
uint64_t outbox_unoffered(const struct outbox *outbox);
uint32_t outbox_transient_count(const struct outbox *outbox);

/* Own numbers not confirmed yet, transient answers aside: for tests and gauges. */
uint64_t outbox_unconfirmed(const struct outbox *outbox, uint32_t participant);

/* Accepts NULL. */
void outbox_close(struct outbox *outbox);

#endif
