/* database: one SQLite file opened the house's way, and SQLite's results as faults.
 *
 * Inside ledger/ only: it shows SQLite's types.  A connection belongs to one thread at a time. */
#ifndef LEDGER_DATABASE_H
#define LEDGER_DATABASE_H

#include <sqlite3.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"

#define DATABASE_PATH_BYTES (LIMIT_LEDGER_PATH_BYTES + 1)

enum database_use {
    DATABASE_READ, /* never writes, never checkpoints; the file must be there */
    DATABASE_WRITE /* makes the file when it is absent; checkpoints only when asked */
};

/* Writes DIRECTORY/NAME and a zero. FAULT_FULL: it is too long. */
MUST_CHECK enum fault database_path(char path[DATABASE_PATH_BYTES], const char *directory,
                                    const char *name);

/* Opens `path` through the VFS `vfs` (NULL: the system's).  `part` names the owner in the log and
 * must be static.  FAULT_NOT_FOUND: DATABASE_READ and it is not there.  FAULT_IO, FAULT_MEMORY. */
MUST_CHECK enum fault database_open(sqlite3 **out, const char *part, const char *path,
                                    const char *vfs, enum database_use use);

/* The fault of a result other than SQLITE_OK, _ROW and _DONE. */
enum fault database_fault(int result);

/* Says in the log what failed and why; returns the fault. */
enum fault database_failed(sqlite3 *db, const char *part, const char *what, int result);

/* Runs statements that return nothing of interest. */
MUST_CHECK enum fault database_run(sqlite3 *db, const char *part, const char *sql);

/* The first column of the first row, as a number. FAULT_NOT_FOUND: no row. */
MUST_CHECK enum fault database_number(sqlite3 *db, const char *part, const char *sql,
                                      int64_t *number);

/* Prepares a statement that is kept; sqlite3_finalize gives it back. */
MUST_CHECK enum fault database_prepare(sqlite3 *db, const char *part, const char *sql,
                                       sqlite3_stmt **statement);

#endif
