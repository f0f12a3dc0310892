/* database: one SQLite file opened the house's way, and SQLite's results as faults.
 *
 * Inside ledger/ only: it shows SQLite's types.  A connection belongs to one thread at a time. */
#ifndef LEDGER_DATABASE_H
#define LEDGER_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"

#define DATABASE_PATH_BYTES (LIMIT_LEDGER_PATH_BYTES + 1)

/* How long a connection waits for another one that recovers or holds a lock: only at a start. */
#define DATABASE_BUSY_MS 5000

enum database_use {
    DATABASE_READ,      /* never writes, never checkpoints; the file must be there */
    DATABASE_IMMUTABLE, /* the same of a file that nobody writes any more: no locks, no -wal, no -shm */
    DATABASE_WRITE,     /* makes the file when it is absent; checkpoints only when asked */
    DATABASE_TAKE_OVER /* writes, but the file must be there, and nothing waits: see database_wait */
};

/* Writes DIRECTORY/NAME and a zero. FAULT_FULL: it is too long. */
MUST_CHECK enum fault database_path(char path[DATABASE_PATH_BYTES], const char *directory,
                                    const char *name);

/* True when there is a file that is not empty. FAULT_IO: `vfs` is no registered VFS. */
MUST_CHECK enum fault database_exists(const char *path, const char *vfs, bool *exists);

/* Opens `path` through the VFS `vfs` (NULL: the system's).  `part` names the owner in the log and
 * must be static.  FAULT_NOT_FOUND: it must be there and is not.  FAULT_IO, FAULT_MEMORY. */
MUST_CHECK enum fault database_open(sqlite3 **out, const char *part, const char *path,
                                    const char *vfs, enum database_use use);

/* Lets a connection wait for others as if it had not been opened with DATABASE_TAKE_OVER. */
void database_wait(sqlite3 *db);

/* Takes the lock DIRECTORY/NAME for as long as *lock is open: SQLite's exclusive lock on an empty
 * file, so it works through any VFS and ends with the process.  `what` names in the log what is in
 * use by another process when that has it: FAULT_BUSY.  Else the faults of database_path and
 * database_open; on any fault *lock may be open, and is to be closed. */
MUST_CHECK enum fault database_lock(sqlite3 **lock, const char *part, const char *directory,
                                    const char *name, const char *vfs, const char *what);

/* What a kind of file calls itself, and how an empty one becomes such. */
struct database_format {
    int64_t application; /* PRAGMA application_id */
    int64_t version;     /* PRAGMA user_version */
    const char *schema;  /* one transaction that makes the tables and sets the two */
};

/* Is the file `name` of the format?  One without tables is made so with `is_made`: a crash while it
 * was being made leaves it empty, as the schema is one transaction.  One with tables is then the
 * caller's to go on in, so its log is renewed.
 * FAULT_NOT_FOUND: it is empty.  FAULT_CORRUPT: it is another program's.  FAULT_VERSION. */
MUST_CHECK enum fault database_check(sqlite3 *db, const char *part, const char *name,
                                     const struct database_format *format, bool is_made);

/* Makes durable what is in the write-ahead log of the file `name`, whatever failed before: who goes on
 * in what another process or thread has written does this first.  FAULT_IO, FAULT_BUSY. */
MUST_CHECK enum fault database_renew_log(sqlite3 *db, const char *part, const char *name);

/* From here on each commit that leaves `pages` or more in the write-ahead log moves it into the file.
 * Where that fails the commit answers so, though it is made: unlike after SQLite's own
 * autocheckpoint nobody goes on over a sync that has failed. */
void database_checkpoint_above(sqlite3 *db, int pages);

/* Moves the whole write-ahead log into the file, empties it, and syncs both, so that power loss brings
 * no log back beside a file that is written no more.  FAULT_BUSY: a reader holds an old state. */
MUST_CHECK enum fault database_empty_log(sqlite3 *db, const char *part, const char *what);

/* The fault of a result other than SQLITE_OK, _ROW and _DONE. */
enum fault database_fault(int result);

/* Says in the log what failed and why; returns the fault. */
enum fault database_failed(sqlite3 *db, const char *part, const char *what, int result);

/* Runs statements that return nothing of interest. */
MUST_CHECK enum fault database_run(sqlite3 *db, const char *part, const char *sql);

/* Prepares a statement that is kept; sqlite3_finalize gives it back. */
MUST_CHECK enum fault database_prepare(sqlite3 *db, const char *part, const char *sql,
                                       sqlite3_stmt **statement);

/* Runs a statement that returns no rows, and resets it.  SQLITE_OK, or why not. */
int database_step(sqlite3_stmt *statement);

/* Makes the names of a directory's files survive power loss.  The system's VFS only: others keep
 * names as they keep pages. */
MUST_CHECK enum fault database_sync_directory(const char *part, const char *directory);

#endif
