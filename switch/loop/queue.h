/* queue: things in a row that can leave it from any place: a ring of links with a fixed anchor. */
#ifndef SWITCH_LOOP_QUEUE_H
#define SWITCH_LOOP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue {
    struct queue *previous; /* itself when the anchor stands alone, NULL when a link is in no row */
    struct queue *next;
};

/* What holds `link` as its member. */
#define QUEUE_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void queue_open(struct queue *anchor)
{
    anchor->previous = anchor->next = anchor;
}

static inline bool queue_holds(const struct queue *link)
{
    return link->next != NULL;
}

/* Last in the row; nothing happens when it is in one already. */
static inline void queue_append(struct queue *anchor, struct queue *link)
{
    if (queue_holds(link)) return;
    link->previous = anchor->previous;
    link->next = anchor;
    anchor->previous->next = link;
    anchor->previous = link;
}

/* Out of its row; nothing happens when it is in none. */
static inline void queue_leave(struct queue *link)
{
    if (!queue_holds(link)) return;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->previous = link->next = NULL;
}

/* Moves the whole row behind an anchor that stands alone. */
static inline void queue_move(struct queue *from, struct queue *to)
{
    if (from->next == from) return;
    *to = *from;
    to->next->previous = to->previous->next = to;
    queue_open(from);
}

/* The first of the row; NULL: it is empty. */
static inline struct queue *queue_first(struct queue *anchor)
{
    return anchor->next == anchor ? NULL : anchor->next;
}

#endif
