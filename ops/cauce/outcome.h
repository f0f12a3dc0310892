/* outcome: how the subcommands that walk a ledger show their work and say how it ended.
 *
 *   standard output   ok entries=N blocks=N head=HEX      as cauce verify says it
 *   standard error    progress, when it is a terminal; what went wrong */
#ifndef OPS_CAUCE_OUTCOME_H
#define OPS_CAUCE_OUTCOME_H

#include <stdint.h>
#include <stdio.h>

#include "ledger/verify/verify.h"
#include "proto/base/fault.h"
#include "proto/crypto/hash.h"

/* Zero but for begun_ns. */
struct outcome_progress {
    int64_t begun_ns, shown_ns;
};

/* Shows how far it is, a few times a second; to_entries is 0 where the end is not known. */
void outcome_progress(struct outcome_progress *progress, uint64_t entries, uint64_t to_entries);

/* Says how many entries were done in what time, in place of the progress. */
void outcome_time(const struct outcome_progress *progress, const char *what, uint64_t entries);

void outcome_ok(FILE *out, uint64_t entries, uint64_t blocks, const struct hash *head);

/* Says why `command` stopped behind entry `entries`; the log has said where.  Returns the exit code. */
int outcome_fault(const char *command, enum fault fault, uint64_t entries);

/* Says a verdict of the auditor's own code, `ok` or `fault`.  Returns the exit code. */
int outcome_verdict(const struct verify_report *report);

/* Checks a new ledger from its first entry with the auditor's own code and says the verdict as
 * cauce verify does.  Returns the exit code. */
int outcome_verify(const char *directory);

#endif
