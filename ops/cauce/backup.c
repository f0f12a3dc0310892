/* cauce backup LEDGERDIR DEST: a second copy of a ledger, beside a switch at work; again: what is new.
 *
 *   ok entries=N blocks=N head=HEX      exit 0: this is in DEST now, on the disk, and was checked
 *   what went wrong                     exit 1: DEST/backup.txt says "incomplete" unless nothing was done */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger/backup.h"
#include "ops/cauce/outcome.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"

/* Of the scheduler: a switch that wants the processor has it. */
#define NICENESS 10

/* After so much work as much rest: the disk may be that of the switch. */
#define WORK_NS (10 * TIME_NS_PER_MS)

struct work {
    struct outcome_progress progress;
    int64_t begun_ns; /* behind the last rest */
};

static enum fault show(void *context, const struct backup_report *report)
{
    static const struct timespec rest = {.tv_nsec = WORK_NS};
    struct work *work = context;
    outcome_progress(&work->progress, report->entries, report->to_entries);
    if (time_monotonic_ns() - work->begun_ns < WORK_NS) return FAULT_NONE;
    (void)nanosleep(&rest, NULL);
    work->begun_ns = time_monotonic_ns();
    return FAULT_NONE;
}

int backup_main(int argc, char **argv)
{
    bool const asks = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 3 || argv[1][0] == '-' || argv[2][0] == '-') {
        fprintf(asks ? stdout : stderr, "usage: cauce backup LEDGERDIR DEST\n");
        return asks ? 0 : 2;
    }
    int64_t const now_ns = time_monotonic_ns();
    struct work work = {.progress = {.begun_ns = now_ns}, .begun_ns = now_ns};
    struct backup_report report;
    errno = 0;
    if (nice(NICENESS) == -1 && errno != 0) perror("cauce backup: nice");
    enum fault const fault = backup_run(argv[1], argv[2], show, &work, &report);
    if (fault != FAULT_NONE) return outcome_fault("backup", fault, report.entries);
    outcome_time(&work.progress, "added", report.added_entries);
    outcome_ok(stdout, report.entries, report.blocks, &report.head);
    return 0;
}
