/* cauce restore BACKUP LEDGERDIR: makes a ledger of a complete backup, for a switch to start on.
 *
 *   ok entries=N blocks=N head=HEX      exit 0: what cauce verify says of LEDGERDIR
 *   fault seq=N: words                  exit 1: likewise
 *   what went wrong                     exit 1: there is no LEDGERDIR, at most LEDGERDIR.partial */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ledger/backup.h"
#include "ops/cauce/outcome.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"

static enum fault show(void *context, const struct backup_report *report)
{
    outcome_progress(context, report->entries, report->to_entries);
    return FAULT_NONE;
}

int restore_main(int argc, char **argv)
{
    bool const asks = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 3 || argv[1][0] == '-' || argv[2][0] == '-') {
        fprintf(asks ? stdout : stderr, "usage: cauce restore BACKUP LEDGERDIR\n");
        return asks ? 0 : 2;
    }
    struct outcome_progress progress = {.begun_ns = time_monotonic_ns()};
    struct backup_report report;
    enum fault const fault = backup_restore(argv[1], argv[2], show, &progress, &report);
    if (fault != FAULT_NONE) return outcome_fault("restore", fault, report.entries);
    outcome_time(&progress, "restored", report.added_entries);
    return outcome_verify(argv[2]);
}
