/* cauce verify LEDGERDIR: is everything in this ledger as it must be?
 *
 *   ok entries=N blocks=N head=HEX      exit 0
 *   fault seq=N: words                  exit 1; `seq=N` is left out where no entry is concerned
 *
 * A second line `evidence absent=N` tells how many messages were archived or erased: no fault. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger/verify/verify.h"
#include "ops/cauce/subcommand.h"

int verify_main(int argc, char **argv)
{
    bool const asks = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(asks ? stdout : stderr, "usage: cauce verify LEDGERDIR\n");
        return asks ? 0 : 2;
    }
    struct verify_report report;
    verify_ledger(argv[1], &report);
    if (report.notes[0] != 0)
        fprintf(stderr, "not looked at, none of the ledger's files: %s\n", report.notes);
    if (!report.good) {
        if (report.fault_seq > 0)
            printf("fault seq=%" PRIu64 ": %s\n", report.fault_seq, report.fault_words);
        else
            printf("fault: %s\n", report.fault_words);
        return 1;
    }
    char head[HASH_TEXT_BYTES];
    hash_print(&report.head, head);
    printf("ok entries=%" PRIu64 " blocks=%" PRIu64 " head=%s\n", report.entries, report.blocks,
           head);
    if (report.evidence_absent > 0) printf("evidence absent=%" PRIu64 "\n", report.evidence_absent);
    return 0;
}
