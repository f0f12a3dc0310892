/* view: what `cauce demo` shows, on one screen of 80 x 24 or as plain lines.
 *
 * It only draws; demo.c collects the facts.  Threads: one. */
#ifndef OPS_CAUCE_VIEW_H
#define OPS_CAUCE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/amount.h"

#define VIEW_BANKS_MAX 4 /* more would not fit 24 lines */
#define VIEW_REASONS_MAX 8

struct view_bank {
    char code[9];
    struct amount available; /* by the newest camt.052 */
    struct amount reserved;
    struct amount paid; /* settled, as its payments' pacs.002 said */
    struct amount received;
};

struct view_reason {
    char text[17];
    uint64_t count;
};

struct view {
    const char *participants; /* URL */
    const char *kafka;
    const char *folder;
    uint32_t elapsed_seconds;
    uint32_t total_seconds; /* 0: until Ctrl-C */

    uint64_t settled;
    uint64_t rejected;
    uint64_t expired;
    uint64_t unknown;
    uint64_t waiting;
    double rate_now; /* ended payments per second in the last second, since the start */
    double rate_mean;
    double p50_now_ms, p99_now_ms; /* of the last second */
    double p50_ms, p99_ms, longest_ms;
    struct view_reason reasons[VIEW_REASONS_MAX];
    size_t reason_count;

    struct view_bank banks[VIEW_BANKS_MAX];
    size_t bank_count;

    struct amount funding;                            /* the sum of all balances at the start */
    struct amount sum;                                /* at the newest check */
    uint64_t checks;                                  /* made so far */
    uint64_t sum_breaks, book_breaks, reserve_breaks; /* checks that found a difference */
};

/* Takes the terminal for view_screen, and gives it back. */
void view_open(void);
void view_close(void);

/* Draws the screen anew. */
void view_screen(const struct view *view);

/* One plain line. */
void view_line(const struct view *view);

/* `settled=N rejected=N expired=N p50=...ms p99=...ms` (WIRE section 6). */
void view_summary(const struct view *view);

#endif
