/* Own numbers from the cursor on: by link in the window, by page and sparse index behind it. */
#include "switch/settlement/queue.h"

#include <assert.h>
#include <string.h>

#define STRIDE_FIRST 64

void queue_start(struct queue *queue, uint32_t participant, uint64_t cursor)
{
    assert(cursor >= 1);
    memset(queue, 0, sizeof *queue);
    queue->participant = participant;
    queue->cursor = cursor;
    queue->sought = cursor;
    queue->stride = STRIDE_FIRST;
}

void queue_resume(struct queue *queue, uint64_t number, uint64_t seq)
{
    queue->newest_number = number;
    queue->newest_seq = seq;
    if (queue->cursor == number) queue->cursor_seq = seq;
}

/* What no seek will ask for any more. */
static void forget_passed(struct queue *queue)
{
    uint64_t const least = queue->sought < queue->cursor ? queue->sought : queue->cursor;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < queue->known_count; i++) {
        if (queue->known[i].number >= least) queue->known[kept++] = queue->known[i];
    }
    queue->known_count = kept;
}

/* Forgets known numbers below the cursor, then, if that does not make room, every second one. */
static void thin_out(struct queue *queue)
{
    forget_passed(queue);
    if (queue->known_count < QUEUE_KNOWN / 2) return;
    queue->stride *= 2;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < queue->known_count; i++) {
        if (queue->known[i].number % queue->stride == 0) queue->known[kept++] = queue->known[i];
    }
    queue->known_count = kept;
}

void queue_append(struct queue *queue, uint64_t number, uint64_t seq)
{
    assert(number == queue->newest_number + 1 && seq > queue->newest_seq);
    if (queue->cursor == number) {
        queue->cursor_seq = seq;
        queue->known_count = 0;
        queue->stride = STRIDE_FIRST;
    }
    queue->newest_number = number;
    queue->newest_seq = seq;
    if (number < queue->cursor || number % queue->stride != 0) return;
    if (queue->known_count >= QUEUE_KNOWN) thin_out(queue);
    if (number % queue->stride == 0)
        queue->known[queue->known_count++] = (struct queue_known){number, seq};
}

struct queue_item queue_item_of(const struct recent_entry *facts, enum entry_side side)
{
    return (struct queue_item){
        .number = facts->numbers[side],
        .seq = facts->seq,
        .time_ns = facts->time_ns,
        .deadline_ns = facts->deadline_ns,
        .use = entry_side_use(facts->kind, side),
        .side = side,
    };
}

/* Which side of the entry is this participant's number `number`. */
static enum entry_side side_of(const struct queue *queue, const struct recent_entry *facts,
                               uint64_t number)
{
    bool const payer =
        facts->sides[SIDE_PAYER] == queue->participant && facts->numbers[SIDE_PAYER] == number;
    assert(payer || (facts->sides[SIDE_PAYEE] == queue->participant &&
                     facts->numbers[SIDE_PAYEE] == number));
    return payer ? SIDE_PAYER : SIDE_PAYEE;
}

static const struct queue_item *page_item(const struct queue *queue, uint64_t number)
{
    if (number < queue->page_first || number - queue->page_first >= queue->page_count) return NULL;
    return &queue->page[number - queue->page_first];
}

enum queue_state queue_peek(const struct queue *queue, const struct recent *recent,
                            struct queue_item *item)
{
    if (queue->cursor > queue->newest_number) return QUEUE_EMPTY;
    const struct recent_entry *const facts = recent_find(recent, queue->cursor_seq);
    if (facts) {
        *item = queue_item_of(facts, side_of(queue, facts, queue->cursor));
        return QUEUE_READY;
    }
    const struct queue_item *const paged = page_item(queue, queue->cursor);
    if (!paged) return QUEUE_ABSENT;
    *item = *paged;
    return QUEUE_READY;
}

void queue_advance(struct queue *queue, const struct recent *recent)
{
    assert(queue->cursor <= queue->newest_number);
    const struct recent_entry *const facts = recent_find(recent, queue->cursor_seq);
    const struct queue_item *const paged = page_item(queue, queue->cursor + 1);
    if (facts) {
        queue->cursor_seq = facts->next_seq[side_of(queue, facts, queue->cursor)];
    } else {
        queue->cursor_seq = paged ? paged->seq : 0;
    }
    queue->cursor += 1;
    if (queue->cursor_seq == 0 && queue->cursor == queue->newest_number)
        queue->cursor_seq = queue->newest_seq;
    if (queue->cursor > queue->newest_number) queue->known_count = 0;
}

struct queue_seek queue_seek(struct queue *queue, uint64_t number)
{
    assert(!queue->seeking && number >= 1 && number <= queue->newest_number);
    queue->sought = number;
    struct queue_seek seek = {number, queue->newest_number, queue->newest_seq};
    /* The nearest known number that gives a whole page, so that a seek is not for one entry only. */
    for (uint32_t i = 0; i < queue->known_count; i++) {
        if (queue->known[i].number < number + QUEUE_PAGE - 1) continue;
        seek.known_number = queue->known[i].number;
        seek.known_seq = queue->known[i].seq;
        break;
    }
    queue->seeking = true;
    return seek;
}

void queue_walk_met(struct queue_walk *walk, const struct queue_seek *seek,
                    const struct queue_item *item)
{
    assert(item->number >= seek->number && item->number <= seek->known_number);
    uint64_t const distance = item->number - seek->number;
    walk->items[distance % QUEUE_PAGE] = *item;
    if (distance % QUEUE_PAGE == QUEUE_PAGE - 1) {
        walk->waypoints[distance / QUEUE_PAGE % QUEUE_WAYPOINTS] =
            (struct queue_known){item->number, item->seq};
    }
}

void queue_walk_page(const struct queue_walk *walk, const struct queue_seek *seek,
                     struct queue_page *page)
{
    uint64_t const total = seek->known_number - seek->number + 1;
    uint64_t const whole_pages = total / QUEUE_PAGE; /* that asked for included */
    page->count = total < QUEUE_PAGE ? (uint32_t)total : QUEUE_PAGE;
    memcpy(page->items, walk->items, page->count * sizeof *page->items);
    page->waypoint_count = 0;
    for (uint64_t i = 1; i < whole_pages && i <= QUEUE_WAYPOINTS; i++)
        page->waypoints[page->waypoint_count++] = walk->waypoints[i % QUEUE_WAYPOINTS];
}

/* Puts the waypoints before the first known number, as far as there is room. */
static void keep_waypoints(struct queue *queue, const struct queue_known *waypoints, uint32_t count)
{
    forget_passed(queue);
    while (count && queue->known_count && waypoints[count - 1].number >= queue->known[0].number)
        count--;
    uint32_t const room = QUEUE_KNOWN + QUEUE_WAYPOINTS - queue->known_count;
    if (count > room) count = room;
    memmove(queue->known + count, queue->known, queue->known_count * sizeof *queue->known);
    memcpy(queue->known, waypoints, count * sizeof *waypoints);
    queue->known_count += count;
}

void queue_found(struct queue *queue, const struct queue_page *page)
{
    assert(page->count >= 1 && page->count <= QUEUE_PAGE);
    assert(page->waypoint_count <= QUEUE_WAYPOINTS);
    queue->seeking = false;
    queue->page_count = page->count;
    queue->page_first = page->items[0].number;
    memcpy(queue->page, page->items, page->count * sizeof *page->items);
    if (queue->page_first == queue->cursor) queue->cursor_seq = page->items[0].seq;
    keep_waypoints(queue, page->waypoints, page->waypoint_count);
}
