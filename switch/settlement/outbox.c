/* Parcels: made from the queue when a stream asks, given back or confirmed by streams.
 *
 * The happy path: an entry moves its participants' queues on and stirs them; settlement, after the
 * commit, lets each waiting stream take parcels; the stream's next GET confirms them.
 * Possible failures: a stream goes away (its parcels are ready again, under the same ids), the
 * switch restarts (the marks say which numbers were not confirmed: they become left-overs and are
 * parcelled anew), an entry has left the window (a seek brings a page of the ledger). */
#include "switch/settlement/outbox.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_BYTES (64u * 1024 * 1024) /* about 25,000 transactions of 2.5 KiB */
#define MASK_NUMBERS 31                   /* a parcel's numbers lie within so many of its first */
#define FORWARD_BYTES_MAX (48u * 1024)    /* transactions of one forwarded pacs.008 together */

/* A number that was offered before the restart and not confirmed. */
struct left_over {
    uint64_t number;
    struct queue_item item; /* seq 0: in the ledger only, before what was replayed */
};

struct outbox_member {
    struct participant_code code;
    uint32_t pacs008_max;
    bool stirred;
    bool mark_changed;
    uint64_t
        stored_cursor; /* of the stored mark; the queue's cursor stays below it + OUTBOX_AHEAD */
    uint64_t single_below;        /* lower numbers may have been offered before the restart */
    struct left_over *left_overs; /* ascending; NULL: none */
    uint32_t left_over_count;
    uint32_t left_over_next;
    uint64_t order_next;
    struct transient_queue transients;
    struct queue queue;
    struct parcel parcels[OUTBOX_PARCELS];
};

struct outbox {
    struct recent recent;
    struct content content;
    struct transient_pool transients;
    char ledger_text[7]; /* six characters of the ledger's id */
    bool marks_due;
    uint32_t member_count;
    uint32_t stirred_count;
    struct outbox_member *members[LIMIT_PARTICIPANTS];
    uint32_t stirred[LIMIT_PARTICIPANTS];
};

/* Writes `number` in base 36 with at least `width` digits; returns the end. */
static char *print_base36(char *at, uint64_t number, unsigned width)
{
    char digits[13];
    unsigned count = 0;
    while (number || count < width) {
        digits[count++] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 36];
        number /= 36;
    }
    while (count)
        *at++ = digits[--count];
    return at;
}

enum fault outbox_open(struct outbox **out, const struct outbox_options *options)
{
    *out = NULL;
    struct outbox *const outbox = calloc(1, sizeof *outbox);
    if (!outbox) return FAULT_MEMORY;
    enum fault fault = recent_open(&outbox->recent);
    if (fault == FAULT_NONE) fault = content_open(&outbox->content, CONTENT_BYTES);
    if (fault == FAULT_NONE) fault = transient_open(&outbox->transients);
    if (fault != FAULT_NONE) {
        outbox_close(outbox);
        return fault;
    }
    uint64_t id;
    memcpy(&id, options->ledger_id, sizeof id);
    (void)print_base36(outbox->ledger_text, id % UINT64_C(2176782336), 6); /* 36^6 */
    *out = outbox;
    return FAULT_NONE;
}

enum fault outbox_join(struct outbox *outbox, struct participant_code code, uint32_t pacs008_max,
                       const struct mark *mark)
{
    assert(outbox->member_count < LIMIT_PARTICIPANTS);
    struct outbox_member *const member = calloc(1, sizeof *member);
    if (!member) return FAULT_MEMORY;
    member->code = code;
    member->pacs008_max = pacs008_max;
    transient_queue_start(&member->transients);
    member->stored_cursor = mark ? mark->cursor : 1;
    /* Without a mark, which may have been lost, anything may have been offered. */
    member->single_below = mark ? mark->cursor + OUTBOX_AHEAD : UINT64_MAX;
    member->mark_changed = !mark;
    queue_start(&member->queue, outbox->member_count, member->stored_cursor);
    if (mark && mark->outstanding_count) {
        member->left_overs = calloc(mark->outstanding_count, sizeof *member->left_overs);
        if (!member->left_overs) {
            free(member);
            return FAULT_MEMORY;
        }
        member->left_over_count = mark->outstanding_count;
        for (uint32_t i = 0; i < mark->outstanding_count; i++)
            member->left_overs[i].number = mark->outstanding[i];
    }
    outbox->members[outbox->member_count++] = member;
    return FAULT_NONE;
}

void outbox_stir(struct outbox *outbox, uint32_t participant)
{
    struct outbox_member *const member = outbox->members[participant];
    if (member->stirred) return;
    member->stirred = true;
    outbox->stirred[outbox->stirred_count++] = participant;
}

uint32_t outbox_stirred(const struct outbox *outbox, const uint32_t **participants)
{
    *participants = outbox->stirred;
    return outbox->stirred_count;
}

void outbox_calm(struct outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->stirred_count; i++)
        outbox->members[outbox->stirred[i]]->stirred = false;
    outbox->stirred_count = 0;
}

static int compare_left_over(const void *number, const void *left_over)
{
    uint64_t const left = *(const uint64_t *)number;
    uint64_t const right = ((const struct left_over *)left_over)->number;
    return (left > right) - (left < right);
}

static void note_left_over(struct outbox_member *member, const struct queue_item *item)
{
    struct left_over *const left_over =
        bsearch(&item->number, member->left_overs, member->left_over_count,
                sizeof *member->left_overs, compare_left_over);
    if (left_over) left_over->item = *item;
}

void outbox_resume(struct outbox *outbox, uint32_t participant, uint64_t number, uint64_t seq)
{
    queue_resume(&outbox->members[participant]->queue, number, seq);
    outbox_stir(outbox, participant);
}

void outbox_entry(struct outbox *outbox, const struct recent_entry *facts,
                  const struct entry *entry)
{
    (void)recent_add(&outbox->recent, facts, entry);
    for (uint32_t side = 0; side < 2; side++) {
        if (facts->numbers[side] == 0) continue;
        struct outbox_member *const member = outbox->members[facts->sides[side]];
        if (member->left_over_count && facts->numbers[side] < member->queue.cursor) {
            struct queue_item const item = queue_item_of(facts, (enum entry_side)side);
            note_left_over(member, &item);
        }
        queue_append(&member->queue, facts->numbers[side], facts->seq);
        outbox_stir(outbox, facts->sides[side]);
    }
}

void outbox_content(struct outbox *outbox, struct recent_entry *facts, struct span canonical)
{
    facts->content_at = content_put(&outbox->content, canonical);
    facts->content_size = (uint32_t)canonical.size;
}

void outbox_recovered(struct outbox *outbox)
{
    for (uint32_t i = 0; i < outbox->member_count; i++) {
        struct outbox_member *const member = outbox->members[i];
        uint64_t const end = member->queue.newest_number + 1;
        if (member->queue.cursor > end) {
            member->queue.cursor = end;
            member->mark_changed = true;
        }
        if (member->stored_cursor > end) member->stored_cursor = end;
        if (member->single_below > end) member->single_below = end;
    }
}

bool outbox_has_room(const struct outbox *outbox, uint32_t participant, uint32_t transient_count)
{
    return transient_room(&outbox->members[participant]->transients, transient_count);
}

bool outbox_pool_has_room(const struct outbox *outbox, uint32_t transient_count)
{
    return transient_pool_room(&outbox->transients, transient_count);
}

struct transient *outbox_answer(struct outbox *outbox, uint32_t participant)
{
    outbox_stir(outbox, participant);
    return transient_add(&outbox->transients, &outbox->members[participant]->transients);
}

/* "the id of a durable delivery is computed from the ledger (version, kind, first own number, mask
 * of further numbers)" (DESIGN).  At most 2 + 6 + 8 + 1 + 10 + 1 + 6 characters. */
static void name_parcel(const struct outbox *outbox, const struct outbox_member *member,
                        struct parcel *parcel)
{
    uint64_t mask = 0;
    for (uint32_t i = 1; i < parcel->item_count; i++) {
        mask |= UINT64_C(1) << (parcel->items[i].number - parcel->items[0].number - 1);
    }
    char *at = parcel->resource_id.text;
    *at++ = 'A'; /* version of this rule */
    *at++ = parcel->type == DELIVER_PACS008 ? '8' : '2';
    memcpy(at, outbox->ledger_text, 6);
    memcpy(at + 6, member->code.text, PARTICIPANT_CODE_BYTES);
    at += 6 + PARTICIPANT_CODE_BYTES;
    *at++ = '-';
    at = print_base36(at, parcel->items[0].number, 1);
    *at++ = '-';
    at = print_base36(at, mask, 1);
    *at = 0;
    parcel->created_ns = parcel->items[parcel->item_count - 1].time_ns;
}

static struct parcel *free_parcel(struct outbox_member *member)
{
    for (uint32_t i = 0; i < OUTBOX_PARCELS; i++) {
        if (member->parcels[i].state == PARCEL_FREE) return &member->parcels[i];
    }
    return NULL;
}

static const struct left_over *next_left_over(const struct outbox_member *member)
{
    return member->left_over_next < member->left_over_count
               ? &member->left_overs[member->left_over_next]
               : NULL;
}

static void pass_item(struct outbox *outbox, struct outbox_member *member)
{
    member->mark_changed = true;
    if (next_left_over(member)) {
        member->left_over_next++;
        return;
    }
    queue_advance(&member->queue, &outbox->recent);
    if (member->queue.cursor - member->stored_cursor >= OUTBOX_AHEAD / 2) outbox->marks_due = true;
}

/* The next number to deliver, from the left-overs and then from the queue; passes over what is
 * delivered to nobody.  WIRE section 4: "a pacs.008 not yet delivered is then [after the deadline]
 * not delivered any more". */
static enum queue_state next_item(struct outbox *outbox, struct outbox_member *member,
                                  int64_t now_ns, struct queue_item *item)
{
    for (;;) {
        const struct left_over *const left_over = next_left_over(member);
        enum queue_state state = QUEUE_READY;
        if (left_over) {
            *item = left_over->item;
            if (!item->seq && left_over->number <= member->queue.newest_number)
                state = QUEUE_ABSENT;
        } else if (member->queue.cursor - member->stored_cursor >= OUTBOX_AHEAD) {
            state = QUEUE_EMPTY; /* until outbox_marks_stored */
        } else {
            state = queue_peek(&member->queue, &outbox->recent, item);
        }
        if (state != QUEUE_READY) return state;
        bool const late = item->use == SIDE_PACS008 && item->deadline_ns <= now_ns;
        if (item->seq && !late && (item->use == SIDE_PACS008 || item->use == SIDE_PACS002))
            return QUEUE_READY;
        pass_item(outbox, member);
    }
}

/* Bytes that the item adds to a forwarded pacs.008; what must be read back is let go alone. */
static uint32_t item_bytes(const struct outbox *outbox, const struct queue_item *item)
{
    const struct recent_entry *const facts = recent_find(&outbox->recent, item->seq);
    return facts && facts->content_size ? facts->content_size : FORWARD_BYTES_MAX;
}

/* True when the item may go into the message as one more transaction. */
static bool fits(const struct outbox *outbox, const struct outbox_member *member,
                 const struct parcel *parcel, const struct queue_item *item, uint32_t bytes)
{
    if (parcel->items[0].number < member->single_below || item->number < member->single_below)
        return false; /* see OUTBOX_AHEAD */
    bool const is_transfer = parcel->type == DELIVER_PACS008;
    uint32_t const most = is_transfer ? member->pacs008_max : LIMIT_TRANSACTIONS;
    if (parcel->item_count >= most || (item->use == SIDE_PACS008) != is_transfer) return false;
    if (item->number <= parcel->items[0].number ||
        item->number - parcel->items[0].number > MASK_NUMBERS)
        return false;
    return !is_transfer || bytes + item_bytes(outbox, item) <= FORWARD_BYTES_MAX;
}

/* Makes the next message of entries: numbers of one kind that follow one another, what is delivered
 * to nobody aside, so that first deliveries keep the ledger's order. */
static void pack_entries(struct outbox *outbox, struct outbox_member *member, int64_t now_ns,
                         struct parcel *parcel, struct queue_item item)
{
    parcel->state = PARCEL_READY;
    parcel->type = item.use == SIDE_PACS008 ? DELIVER_PACS008 : DELIVER_PACS002;
    parcel->transient = TRANSIENT_NONE;
    parcel->item_count = 0;
    uint32_t bytes = 0;
    do {
        parcel->items[parcel->item_count++] = item;
        bytes += item_bytes(outbox, &item);
        pass_item(outbox, member);
    } while (next_item(outbox, member, now_ns, &item) == QUEUE_READY &&
             fits(outbox, member, parcel, &item, bytes));
    name_parcel(outbox, member, parcel);
    parcel->order = member->order_next++;
}

static void pack_transient(struct outbox *outbox, struct outbox_member *member,
                           struct parcel *parcel)
{
    const struct transient *const transient =
        transient_peek(&outbox->transients, &member->transients);
    parcel->state = PARCEL_READY;
    parcel->type = transient->type;
    parcel->item_count = 1;
    parcel->resource_id = transient->resource_id;
    parcel->created_ns = transient->created_ns;
    parcel->transient = transient_take(&outbox->transients, &member->transients);
    parcel->order = member->order_next++;
}

static struct parcel *oldest_ready(struct outbox_member *member)
{
    struct parcel *oldest = NULL;
    for (uint32_t i = 0; i < OUTBOX_PARCELS; i++) {
        struct parcel *const parcel = &member->parcels[i];
        if (parcel->state == PARCEL_READY && (!oldest || parcel->order < oldest->order))
            oldest = parcel;
    }
    return oldest;
}

/* Makes one more parcel ready: the older of the next transient answer and the next number. */
static bool pack_next(struct outbox *outbox, struct outbox_member *member, int64_t now_ns,
                      bool *seek_due)
{
    struct parcel *const parcel = free_parcel(member);
    if (!parcel) return false;
    struct queue_item item;
    enum queue_state const state = next_item(outbox, member, now_ns, &item);
    const struct transient *const transient =
        transient_peek(&outbox->transients, &member->transients);
    if (transient && (state != QUEUE_READY || transient->after_seq < item.seq)) {
        pack_transient(outbox, member, parcel);
        return true;
    }
    if (state == QUEUE_READY) {
        pack_entries(outbox, member, now_ns, parcel, item);
        return true;
    }
    *seek_due = state == QUEUE_ABSENT && !member->queue.seeking;
    return false;
}

uint32_t outbox_take(struct outbox *outbox, uint32_t participant, int64_t now_ns,
                     uint32_t parcels_max, struct parcel **parcels, bool *seek_due)
{
    assert(parcels_max <= LIMIT_PARTS);
    struct outbox_member *const member = outbox->members[participant];
    *seek_due = false;
    uint32_t count = 0;
    while (count < parcels_max) {
        struct parcel *parcel = oldest_ready(member);
        if (!parcel && pack_next(outbox, member, now_ns, seek_due)) parcel = oldest_ready(member);
        if (!parcel) break;
        parcel->state = PARCEL_HELD;
        parcels[count++] = parcel;
    }
    return count;
}

struct queue_seek outbox_seek(struct outbox *outbox, uint32_t participant)
{
    struct outbox_member *const member = outbox->members[participant];
    const struct left_over *const left_over = next_left_over(member);
    return queue_seek(&member->queue, left_over ? left_over->number : member->queue.cursor);
}

void outbox_found(struct outbox *outbox, uint32_t participant, const struct queue_page *page)
{
    struct outbox_member *const member = outbox->members[participant];
    for (uint32_t i = 0; i < page->count && next_left_over(member); i++)
        note_left_over(member, &page->items[i]);
    queue_found(&member->queue, page);
    outbox_stir(outbox, participant);
}

void outbox_confirm(struct outbox *outbox, uint32_t participant, struct parcel *parcel)
{
    struct outbox_member *const member = outbox->members[participant];
    assert(parcel->state == PARCEL_HELD);
    if (parcel->transient != TRANSIENT_NONE) {
        transient_drop(&outbox->transients, &member->transients, parcel->transient);
    } else {
        member->mark_changed = true;
    }
    parcel->state = PARCEL_FREE;
}

/* Whether a forwarded payment was delivered is not known: it is offered again, even late, under its
 * id; the bank's answer then gets the standing result. */
void outbox_give_back(struct outbox *outbox, uint32_t participant, struct parcel *parcel)
{
    assert(parcel->state == PARCEL_HELD);
    parcel->state = PARCEL_READY; /* its order is lower than that of anything newer */
    outbox_stir(outbox, participant);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t const left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

void outbox_marks_stored(struct outbox *outbox)
{
    outbox->marks_due = false;
    for (uint32_t i = 0; i < outbox->member_count; i++) {
        struct outbox_member *const member = outbox->members[i];
        if (!member->mark_changed) continue;
        member->mark_changed = false;
        if (member->queue.cursor - member->stored_cursor >= OUTBOX_AHEAD) outbox_stir(outbox, i);
        member->stored_cursor = member->queue.cursor;
    }
}

bool outbox_marks_due(const struct outbox *outbox)
{
    return outbox->marks_due;
}

bool outbox_changed_mark(const struct outbox *outbox, uint32_t participant, struct mark *mark)
{
    const struct outbox_member *const member = outbox->members[participant];
    if (!member->mark_changed) return false;
    mark->code = member->code;
    mark->cursor = member->queue.cursor;
    mark->outstanding_count = 0;
    for (uint32_t i = member->left_over_next; i < member->left_over_count; i++) {
        mark->outstanding[mark->outstanding_count++] = member->left_overs[i].number;
    }
    for (uint32_t i = 0; i < OUTBOX_PARCELS; i++) {
        const struct parcel *const parcel = &member->parcels[i];
        if (parcel->state == PARCEL_FREE || parcel->transient != TRANSIENT_NONE) continue;
        for (uint32_t k = 0; k < parcel->item_count && mark->outstanding_count < LIMIT_OUTSTANDING;
             k++) {
            mark->outstanding[mark->outstanding_count++] = parcel->items[k].number;
        }
    }
    qsort(mark->outstanding, mark->outstanding_count, sizeof mark->outstanding[0], compare_numbers);
    return true;
}

const struct recent_entry *outbox_facts(const struct outbox *outbox, uint64_t seq)
{
    return recent_find(&outbox->recent, seq);
}

struct span outbox_transaction(const struct outbox *outbox, const struct recent_entry *facts)
{
    if (facts->content_size == 0) return (struct span){0};
    return content_get(&outbox->content, facts->content_at, facts->content_size);
}

const struct transient *outbox_transient(const struct outbox *outbox, const struct parcel *parcel)
{
    return transient_at(&outbox->transients, parcel->transient);
}

uint32_t outbox_participant_count(const struct outbox *outbox)
{
    return outbox->member_count;
}

struct participant_code outbox_code(const struct outbox *outbox, uint32_t participant)
{
    return outbox->members[participant]->code;
}

static uint64_t unoffered(const struct outbox_member *member)
{
    return member->queue.newest_number + 1 - member->queue.cursor + member->left_over_count -
           member->left_over_next;
}

uint64_t outbox_unoffered(const struct outbox *outbox)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < outbox->member_count; i++)
        count += unoffered(outbox->members[i]);
    return count;
}

uint32_t outbox_transient_count(const struct outbox *outbox)
{
    return LIMIT_TRANSIENT - outbox->transients.free_count;
}

uint64_t outbox_unconfirmed(const struct outbox *outbox, uint32_t participant)
{
    const struct outbox_member *const member = outbox->members[participant];
    uint64_t count = unoffered(member);
    for (uint32_t i = 0; i < OUTBOX_PARCELS; i++) {
        const struct parcel *const parcel = &member->parcels[i];
        if (parcel->state != PARCEL_FREE && parcel->transient == TRANSIENT_NONE)
            count += parcel->item_count;
    }
    return count;
}

void outbox_close(struct outbox *outbox)
{
    if (!outbox) return;
    for (uint32_t i = 0; i < outbox->member_count; i++) {
        free(outbox->members[i]->left_overs);
        free(outbox->members[i]);
    }
    transient_close(&outbox->transients);
    content_close(&outbox->content);
    recent_close(&outbox->recent);
    free(outbox);
}
