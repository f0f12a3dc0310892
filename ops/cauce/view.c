/* view: the screen is composed in memory, line by line, each cut at 80 columns, and written once. */
#include "ops/cauce/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/fault.h"

#define COLUMNS 80
#define SCREEN_BYTES 8192

struct screen {
    char text[SCREEN_BYTES];
    size_t size;
};

static void add_line(struct screen *screen, const char *format, ...) PRINTF_LIKE(2, 3);

/* A line of at most 80 columns; what stood behind it before is cleared. Text is ASCII. */
static void add_line(struct screen *screen, const char *format, ...)
{
    char line[2 * COLUMNS];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    int size = snprintf(screen->text + screen->size, SCREEN_BYTES - screen->size, "%.*s\033[K\r\n",
                        COLUMNS, line);
    screen->size += (size_t)size;
}

static const char *amount_text(struct amount amount, char text[AMOUNT_TEXT_BYTES])
{
    amount_print(amount, text);
    return text;
}

static void add_head(struct screen *screen, const struct view *view)
{
    char clock[40];
    if (view->total_seconds > 0) {
        snprintf(clock, sizeof clock, "%" PRIu32 " of %" PRIu32 " s", view->elapsed_seconds,
                 view->total_seconds);
    } else {
        snprintf(clock, sizeof clock, "%" PRIu32 " s, Ctrl-C ends it", view->elapsed_seconds);
    }
    add_line(screen, "Cauce: %zu banks pay one another through the switch %28s", view->bank_count,
             clock);
    add_line(screen, "banks %s   events %s", view->participants, view->kafka);
    add_line(screen, "folder %s", view->folder);
    add_line(screen, "%s", "");
}

static void add_payments(struct screen *screen, const struct view *view)
{
    add_line(screen, "PAYMENTS  how they ended, by the pacs.002 that the payer's bank got");
    add_line(screen,
             "   settled  rejected   expired   unknown   waiting      per second now    mean");
    add_line(screen, "%10" PRIu64 "%10" PRIu64 "%10" PRIu64 "%10" PRIu64 "%10" PRIu64 "%20.0f%8.0f",
             view->settled, view->rejected, view->expired, view->unknown, view->waiting,
             view->rate_now, view->rate_mean);
    char line[2 * COLUMNS] = "none yet";
    size_t at = 0;
    for (size_t i = 0; i < view->reason_count && at < COLUMNS; i++) {
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%s %" PRIu64, i == 0 ? "" : ", ",
                               view->reasons[i].text, view->reasons[i].count);
    }
    add_line(screen, "reasons of those rejected (AM04: not enough funds): %s", line);
    add_line(screen, "%s", "");
}

static void add_times(struct screen *screen, const struct view *view)
{
    add_line(screen, "TIME  ms from signing the pacs.008 to the payer's confirmation, both legs");
    add_line(screen, "  last second  p50 %.2f  p99 %.2f     all  p50 %.2f  p99 %.2f  longest %.2f",
             view->p50_now_ms, view->p99_now_ms, view->p50_ms, view->p99_ms, view->longest_ms);
    add_line(screen, "%s", "");
}

static void add_banks(struct screen *screen, const struct view *view)
{
    char available[AMOUNT_TEXT_BYTES], reserved[AMOUNT_TEXT_BYTES];
    char paid[AMOUNT_TEXT_BYTES], received[AMOUNT_TEXT_BYTES];
    add_line(screen,
             "BALANCES  at the switch (camt.052)        |  settled, by the banks' own books");
    add_line(screen, "bank          available        reserved   |           paid        received");
    for (size_t i = 0; i < view->bank_count; i++) {
        const struct view_bank *bank = &view->banks[i];
        add_line(screen, "%-8s%15s%16s   |%15s%16s", bank->code,
                 amount_text(bank->available, available), amount_text(bank->reserved, reserved),
                 amount_text(bank->paid, paid), amount_text(bank->received, received));
    }
    add_line(screen, "%s", "");
}

static const char *verdict(const struct view *view, uint64_t breaks)
{
    if (view->checks == 0) return "not yet";
    return breaks == 0 ? "holds" : "BROKEN";
}

static void add_checks(struct screen *screen, const struct view *view)
{
    char sum[AMOUNT_TEXT_BYTES], funding[AMOUNT_TEXT_BYTES];
    add_line(screen, "INVARIANTS  looked at %" PRIu64 " times, while no payment was open",
             view->checks);
    add_line(screen, "  %-8s sum of balances = funding: %s = %s", verdict(view, view->sum_breaks),
             amount_text(view->sum, sum), amount_text(view->funding, funding));
    add_line(screen, "  %-8s every balance = the bank's own books",
             verdict(view, view->book_breaks));
    add_line(screen, "  %-8s nothing stays reserved, no balance below zero",
             verdict(view, view->reserve_breaks));
}

void view_open(void)
{
    fputs("\033[?25l\033[2J", stdout);
    fflush(stdout);
}

void view_close(void)
{
    fputs("\033[?25h", stdout);
    fflush(stdout);
}

void view_screen(const struct view *view)
{
    struct screen screen = {.size = 0};
    screen.size = (size_t)snprintf(screen.text, sizeof screen.text, "\033[H");
    add_head(&screen, view);
    add_payments(&screen, view);
    add_times(&screen, view);
    add_banks(&screen, view);
    add_checks(&screen, view);
    fwrite(screen.text, 1, screen.size, stdout);
    fputs("\033[J", stdout);
    fflush(stdout);
}

void view_line(const struct view *view)
{
    char sum[AMOUNT_TEXT_BYTES];
    printf("%4" PRIu32 " s  settled %" PRIu64 "  rejected %" PRIu64 "  expired %" PRIu64
           "  waiting %" PRIu64 "  %.0f/s  p50 %.2f ms  p99 %.2f ms  sum of balances %s %s\n",
           view->elapsed_seconds, view->settled, view->rejected, view->expired, view->waiting,
           view->rate_now, view->p50_ms, view->p99_ms, amount_text(view->sum, sum),
           verdict(view, view->sum_breaks + view->book_breaks + view->reserve_breaks));
    fflush(stdout);
}

void view_summary(const struct view *view)
{
    printf("settled=%" PRIu64 " rejected=%" PRIu64 " expired=%" PRIu64 " p50=%.2fms p99=%.2fms\n",
           view->settled, view->rejected, view->expired, view->p50_ms, view->p99_ms);
    fflush(stdout);
}
