/* Lines for people at a terminal, and one for programs. */
#include "ops/cauce/outcome.h"

#include <inttypes.h>
#include <unistd.h>

#include "proto/base/time.h"

#define PROGRESS_NS (TIME_NS_PER_SECOND / 4)

void outcome_progress(struct outcome_progress *progress, uint64_t entries, uint64_t to_entries)
{
    int64_t const now_ns = time_monotonic_ns();
    if (now_ns - progress->shown_ns < PROGRESS_NS || !isatty(STDERR_FILENO)) return;
    progress->shown_ns = now_ns;
    if (to_entries > 0)
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries ", entries, to_entries);
    else
        fprintf(stderr, "\r%" PRIu64 " entries ", entries);
}

void outcome_time(const struct outcome_progress *progress, const char *what, uint64_t entries)
{
    double const seconds = (double)(time_monotonic_ns() - progress->begun_ns) / 1e9;
    if (progress->shown_ns > 0) fprintf(stderr, "\r%56s\r", "");
    fprintf(stderr, "%s: entries=%" PRIu64 " in %.2f s (%.0f/s)\n", what, entries, seconds,
            seconds > 0 ? (double)entries / seconds : 0.0);
}

void outcome_ok(FILE *out, uint64_t entries, uint64_t blocks, const struct hash *head)
{
    char text[HASH_TEXT_BYTES];
    hash_print(head, text);
    fprintf(out, "ok entries=%" PRIu64 " blocks=%" PRIu64 " head=%s\n", entries, blocks, text);
}

int outcome_fault(const char *command, enum fault fault, uint64_t entries)
{
    fprintf(stderr, "cauce %s: stopped behind entry %" PRIu64 ": %s\n", command, entries,
            fault_words(fault));
    return 1;
}

int outcome_verdict(const struct verify_report *report)
{
    if (report->good) {
        outcome_ok(stdout, report->entries, report->blocks, &report->head);
        return 0;
    }
    if (report->fault_seq > 0)
        printf("fault seq=%" PRIu64 ": %s\n", report->fault_seq, report->fault_words);
    else
        printf("fault: %s\n", report->fault_words);
    return 1;
}

int outcome_verify(const char *directory)
{
    static struct verify_report report;
    verify_ledger(directory, &report);
    return outcome_verdict(&report);
}
