/* tamper: changes a ledger's files behind its back, as somebody with the disk in his hands could.
 *
 * For the suites: tests/simulator is the one place beside ledger/ that knows SQLite. */
#ifndef TESTS_SIMULATOR_TAMPER_H
#define TESTS_SIMULATOR_TAMPER_H

#include <stdbool.h>

/* Removes the segment's triggers and runs `sql`, in which flip(blob, at) is the blob with the
 * lowest bit of byte `at` turned over.  False: SQLite refused, or nothing was changed. */
bool tamper_run(const char *directory, const char *file, const char *sql);

/* Runs `sql` on the segment as it is.  True: the ledger's own triggers refused it. */
bool tamper_is_refused(const char *directory, const char *sql);

/* The one number that a query over the segment gives; -1: it gives none. */
long long tamper_count(const char *directory, const char *file, const char *sql);

/* Opens a read transaction on the segment that lasts until tamper_release; NULL: it cannot. */
void *tamper_hold(const char *directory);
void tamper_release(void *held);

#endif
