/* From parcels to the records that a loop builds messages from. */
#include "switch/settlement/dispatch.h"

#include <assert.h>
#include <string.h>

#include "proto/base/limits.h"
#include "switch/settlement/lookup.h"

void dispatch_say(struct dispatch *dispatch, const struct stream_answer *answer)
{
    struct poll_reply *const reply = ring_claim(dispatch->replies[answer->loop], sizeof *reply);
    assert(reply); /* LIMIT_REPLY_BYTES are kept free for all that a loop may have outstanding */
    *reply = answer->reply;
    dispatch->touched[answer->loop] = true;
}

bool dispatch_has_room(struct dispatch *dispatch, uint32_t loop)
{
    return ring_room(dispatch->replies[loop]) >= LIMIT_REPLY_BYTES + LIMIT_RESULT_BYTES;
}

/* Where the facts of one item are. */
static const struct recent_entry *facts_in_memory(const struct dispatch *dispatch,
                                                  const struct parcel *parcel, uint32_t index,
                                                  struct span *transaction)
{
    const struct recent_entry *const facts =
        outbox_facts(dispatch->outbox, parcel->items[index].seq);
    if (!facts || parcel->type != DELIVER_PACS008) return facts;
    *transaction = outbox_transaction(dispatch->outbox, facts);
    return transaction->bytes ? facts : NULL;
}

/* Also true of a transient answer that stands on an entry which has left the window. */
static bool needs_ledger(const struct dispatch *dispatch, const struct parcel *parcel)
{
    struct span transaction;
    if (parcel->transient == TRANSIENT_NONE) {
        for (uint32_t i = 0; i < parcel->item_count; i++) {
            if (!facts_in_memory(dispatch, parcel, i, &transaction)) return true;
        }
        return false;
    }
    const struct transient *const transient = outbox_transient(dispatch->outbox, parcel);
    return transient->standing_seq && !outbox_facts(dispatch->outbox, transient->standing_seq);
}

static void *claim(struct ring *ring, size_t size, uint32_t kind)
{
    void *const record = ring_claim(ring, size);
    assert(record); /* dispatch_serve has seen that LIMIT_RESULT_BYTES fit */
    memset(record, 0, size);
    memcpy(record, &kind, sizeof kind);
    return record;
}

static void write_absent(struct ring *ring, enum delivery_type type, uint64_t seq,
                         enum entry_side side, const struct transient *transient)
{
    struct lookup_item *const item = claim(ring, sizeof *item, LOOKUP_ITEM);
    item->type = type;
    item->seq = seq;
    item->side = side;
    if (transient) {
        item->ids_known = transient->ids_known;
        item->status = transient->status;
    }
}

static void write_entry_item(struct dispatch *dispatch, struct ring *ring,
                             const struct parcel *parcel, uint32_t index)
{
    struct span transaction = {0};
    enum entry_side const side = parcel->items[index].side;
    const struct recent_entry *const facts = facts_in_memory(dispatch, parcel, index, &transaction);
    if (!facts) {
        write_absent(ring, parcel->type, parcel->items[index].seq, side, NULL);
        return;
    }
    struct delivery_item *const item = claim(ring, sizeof *item + transaction.size, REPLY_ITEM);
    item->type = parcel->type;
    if (parcel->type == DELIVER_PACS008) {
        item->transfer = (struct transfer_item){.size = (uint32_t)transaction.size};
        memcpy(item + 1, transaction.bytes, transaction.size);
    } else {
        item->status = recent_status(facts, side);
    }
}

/* A standing result is the deciding entry's, for the side of whoever asks again; its InstrId and
 * UETR are the payment's. */
static void write_transient_item(struct dispatch *dispatch, struct ring *ring,
                                 const struct transient *transient)
{
    const struct recent_entry *const facts =
        outbox_facts(dispatch->outbox, transient->standing_seq);
    if (transient->standing_seq && !facts) {
        write_absent(ring, transient->type, transient->standing_seq, transient->side, transient);
        return;
    }
    struct delivery_item *const item = claim(ring, sizeof *item, REPLY_ITEM);
    item->type = transient->type;
    switch (transient->type) {
    case DELIVER_PACS008: break; /* never transient */
    case DELIVER_PACS002:
        item->status = transient->status;
        if (!facts) break;
        item->status = recent_status(facts, transient->side);
        if (transient->ids_known) {
            item->status.instruction_id = transient->status.instruction_id;
            item->status.uetr = transient->status.uetr;
        }
        break;
    case DELIVER_ADMI002: item->refusal = transient->refusal; break;
    case DELIVER_CAMT052: item->balance = transient->balance; break;
    }
}

static void write_parcel(struct dispatch *dispatch, struct ring *ring, uint32_t participant,
                         const struct parcel *parcel)
{
    struct delivery *const delivery = claim(ring, sizeof *delivery, REPLY_DELIVERY);
    delivery->type = parcel->type;
    delivery->receiver = outbox_code(dispatch->outbox, participant);
    delivery->resource_id = parcel->resource_id;
    delivery->created_ns = parcel->created_ns;
    delivery->item_count = parcel->item_count;
    if (parcel->transient != TRANSIENT_NONE) {
        write_transient_item(dispatch, ring, outbox_transient(dispatch->outbox, parcel));
        return;
    }
    for (uint32_t i = 0; i < parcel->item_count; i++)
        write_entry_item(dispatch, ring, parcel, i);
}

static void send_batch(struct dispatch *dispatch, uint32_t participant, struct stream *stream,
                       int64_t now_ns)
{
    bool by_reader = false;
    uint32_t records = 1;
    for (uint32_t i = 0; i < stream->held_count; i++) {
        by_reader = by_reader || needs_ledger(dispatch, stream->held[i]);
        records += 1 + stream->held[i]->item_count;
    }
    struct ring *const ring = by_reader ? dispatch->requests : dispatch->replies[stream->loop];
    if (by_reader) {
        dispatch->asked = true;
        struct lookup_run *const run = claim(ring, sizeof *run, LOOKUP_RUN);
        run->loop = stream->loop;
        run->record_count = records;
    } else {
        dispatch->touched[stream->loop] = true;
    }
    struct poll_reply *const reply = claim(ring, sizeof *reply, REPLY_POLL);
    *reply = stream_answer(stream, now_ns).reply;
    for (uint32_t i = 0; i < stream->held_count; i++)
        write_parcel(dispatch, ring, participant, stream->held[i]);
}

static void serve(struct dispatch *dispatch, uint32_t participant, int64_t now_ns)
{
    uint64_t after = 0;
    for (;;) {
        struct stream *const stream = stream_waiting(dispatch->streams, participant, after);
        if (!stream) return;
        after = stream->waiting_order;
        if (!dispatch_has_room(dispatch, stream->loop) ||
            ring_room(dispatch->requests) < LIMIT_RESULT_BYTES) {
            outbox_stir(dispatch->outbox, participant); /* again in the next turn */
            continue;
        }
        if (!stream_repeats(stream)) {
            bool seek_due;
            stream->held_count = outbox_take(dispatch->outbox, participant, now_ns,
                                             stream->messages_max, stream->held, &seek_due);
            if (seek_due) {
                dispatch->asked = true;
                struct lookup_seek *const seek =
                    claim(dispatch->requests, sizeof *seek, LOOKUP_SEEK);
                seek->participant = participant;
                seek->code = outbox_code(dispatch->outbox, participant);
                seek->seek = outbox_seek(dispatch->outbox, participant);
            }
            if (stream->held_count == 0) return; /* nothing for the streams behind it either */
        }
        send_batch(dispatch, participant, stream, now_ns);
    }
}

void dispatch_receipt(struct dispatch *dispatch, uint32_t loop,
                      const struct receipt_command *command, uint64_t seq, int64_t remembered_ns)
{
    if (ring_room(dispatch->requests) < LIMIT_RESULT_BYTES) {
        struct receipt_reply *const reply = ring_claim(dispatch->replies[loop], sizeof *reply);
        assert(reply); /* as in dispatch_say */
        *reply = (struct receipt_reply){.kind = REPLY_RECEIPT,
                                        .outcome = RECEIPT_BUSY,
                                        .request = command->request,
                                        .retry_after_seconds = LOOKUP_RETRY_SECONDS};
        dispatch->touched[loop] = true;
        return;
    }
    struct lookup_receipt *const wanted = claim(dispatch->requests, sizeof *wanted, LOOKUP_RECEIPT);
    wanted->loop = loop;
    wanted->request = command->request;
    wanted->code = outbox_code(dispatch->outbox, command->participant);
    wanted->id = command->id;
    wanted->seq = seq;
    wanted->remembered_ns = remembered_ns;
    dispatch->asked = true;
}

void dispatch_serve(struct dispatch *dispatch, int64_t now_ns)
{
    const uint32_t *participants;
    uint32_t const count = outbox_stirred(dispatch->outbox, &participants);
    uint32_t stirred[LIMIT_PARTICIPANTS];
    memcpy(stirred, participants, count * sizeof *stirred);
    outbox_calm(dispatch->outbox);
    for (uint32_t i = 0; i < count; i++)
        serve(dispatch, stirred[i], now_ns);
}

static void collect_page(struct dispatch *dispatch, const struct lookup_page *page)
{
    outbox_found(dispatch->outbox, page->participant, &page->page);
}

/* False: the loop has no room now. */
static bool collect_run(struct dispatch *dispatch, const struct lookup_run *run)
{
    struct ring *const ring = dispatch->replies[run->loop];
    if (ring_room(ring) < LIMIT_REPLY_BYTES + run->bytes) return false;
    for (uint32_t i = 0; i < run->record_count; i++) {
        struct span const record = ring_next(dispatch->results);
        void *const copy = ring_claim(ring, record.size);
        assert(record.bytes && copy);
        memcpy(copy, record.bytes, record.size);
    }
    dispatch->touched[run->loop] = true;
    return true;
}

bool dispatch_collect(struct dispatch *dispatch)
{
    bool did = false;
    for (;;) {
        struct span const record =
            dispatch->held.bytes ? dispatch->held : ring_next(dispatch->results);
        if (!record.bytes) break;
        uint32_t kind;
        memcpy(&kind, record.bytes, sizeof kind);
        if (kind == LOOKUP_PAGE) {
            collect_page(dispatch, (const struct lookup_page *)(const void *)record.bytes);
        } else if (!collect_run(dispatch, (const struct lookup_run *)(const void *)record.bytes)) {
            dispatch->held = record;
            return did;
        }
        dispatch->held = (struct span){0};
        dispatch->asked = true; /* there may be room for more results now */
        did = true;
    }
    ring_release(dispatch->results);
    return did;
}
