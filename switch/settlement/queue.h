/* queue: one participant's own numbered entries, from the first that was not offered yet.
 *
 *   own number   1 ......... cursor ............................... newest
 *                offered     | page (64, read from the ledger)     | window (recent.h) |
 *                            | every stride-th number: its seq     |
 *
 * Where an entry is in the window it is found by its link.  Where it has left it, a seek reads a
 * page from the ledger: backwards, from the nearest number whose sequence is known, over the links
 * that the entries themselves hold.  The known ones are kept sparsely; when their places are full,
 * every second one is dropped, so a bank that is away for long costs no more memory, only longer
 * seeks, and no scan.  A long seek leaves waypoints behind for those that follow: one at the end of
 * each of the pages to come, so that catching up reads each own entry about twice.
 *
 * Threads: settlement's.  Memory: inside the struct. */
#ifndef SWITCH_SETTLEMENT_QUEUE_H
#define SWITCH_SETTLEMENT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "switch/settlement/recent.h"

#define QUEUE_PAGE 64   /* numbers that one seek brings */
#define QUEUE_KNOWN 512 /* sparse places */
#define QUEUE_WAYPOINTS                                                                            \
    64 /* that one seek leaves behind: a bank 2,000,000 behind has a known number for every 4,096,
                              and these lead from one to the next */

/* One own number, as it is to be delivered. */
struct queue_item {
    uint64_t number;
    uint64_t seq;
    int64_t time_ns;
    int64_t deadline_ns; /* of SIDE_PACS008: from then on it is not delivered any more */
    enum entry_side_use use;
    enum entry_side side; /* the participant's */
};

/* What a seek asks: the entries numbered `number` and on of this participant, found by walking back
 * from the entry `known_seq`, which is its number `known_number`. */
struct queue_seek {
    uint64_t number;
    uint64_t known_number;
    uint64_t known_seq;
};

struct queue_known {
    uint64_t number;
    uint64_t seq;
};

struct queue {
    uint32_t participant;   /* index */
    uint32_t known_count;   /* of known[] */
    uint64_t newest_number; /* 0: no entries */
    uint64_t newest_seq;
    uint64_t cursor;     /* first number not offered, 1 to newest_number + 1 */
    uint64_t cursor_seq; /* its sequence; 0: not known */
    uint64_t sought;     /* number of the newest seek; may be below the cursor (outbox.h) */
    uint64_t stride;     /* a power of two: which numbers are put into known[] */
    uint64_t page_first; /* number of page[0] */
    uint32_t page_count;
    bool seeking;                                            /* a seek is under way */
    struct queue_known known[QUEUE_KNOWN + QUEUE_WAYPOINTS]; /* ascending */
    struct queue_item page[QUEUE_PAGE];
};

/* `cursor` is 1, or what the marks say. */
void queue_start(struct queue *queue, uint32_t participant, uint64_t cursor);

/* Its newest entry, as of a snapshot; those before are in the ledger only.  Number 0: it has none.
 * Assumed: right behind queue_start. */
void queue_resume(struct queue *queue, uint64_t number, uint64_t seq);

/* The participant's newest entry. Assumed number = newest_number + 1. */
void queue_append(struct queue *queue, uint64_t number, uint64_t seq);

enum queue_state {
    QUEUE_EMPTY, /* everything was offered */
    QUEUE_READY, /* *item is the number at the cursor */
    QUEUE_ABSENT /* it is in the ledger only: seek, unless that is under way */
};

enum queue_state queue_peek(const struct queue *queue, const struct recent *recent,
                            struct queue_item *item);

/* Passes over the number at the cursor. Assumed: queue_peek said QUEUE_READY. */
void queue_advance(struct queue *queue, const struct recent *recent);

/* Begins a seek for `number`, up to newest_number; the caller sends it. Assumed: none is under way. */
struct queue_seek queue_seek(struct queue *queue, uint64_t number);

/* What a seek found: the items from seek.number on, and on its way the last entries of the pages
 * behind them, ascending. */
struct queue_page {
    uint32_t count;
    uint32_t waypoint_count;
    struct queue_item items[QUEUE_PAGE];
    struct queue_known waypoints[QUEUE_WAYPOINTS];
};

/* A seek's walk back over the entries' links, kept by whoever does it: its last steps are the page,
 * and some of those before it the waypoints.  Any contents at first. */
struct queue_walk {
    struct queue_item items[QUEUE_PAGE];           /* circular, by number */
    struct queue_known waypoints[QUEUE_WAYPOINTS]; /* circular, by page from the one asked for */
};

/* The next step: the item numbered seek->known_number first, seek->number last. */
void queue_walk_met(struct queue_walk *walk, const struct queue_seek *seek,
                    const struct queue_item *item);

/* The walk has reached seek->number. */
void queue_walk_page(const struct queue_walk *walk, const struct queue_seek *seek,
                     struct queue_page *page);

/* Ends the seek with what it found. Assumed: items[0].number is what was asked. */
void queue_found(struct queue *queue, const struct queue_page *page);

/* The item of a side of an entry; use SIDE_NONE where the side is not numbered. */
struct queue_item queue_item_of(const struct recent_entry *facts, enum entry_side side);

#endif
