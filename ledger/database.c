/* SQLite as the ledger wants it: one thread per connection, nothing implicit. */
#include "ledger/database.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "proto/base/log.h"

/* How long a connection waits for another one that recovers or holds a lock: only at a start. */
#define BUSY_MS 5000

enum fault database_path(char path[DATABASE_PATH_BYTES], const char *directory, const char *name)
{
    int const size = snprintf(path, DATABASE_PATH_BYTES, "%s/%s", directory, name);
    return size > 0 && size < DATABASE_PATH_BYTES ? FAULT_NONE : FAULT_FULL;
}

enum fault database_fault(int result)
{
    int const primary = result & 0xff; /* of an extended code */
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return FAULT_BUSY;
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) return FAULT_CORRUPT;
    if (primary == SQLITE_NOMEM) return FAULT_MEMORY;
    return FAULT_IO;
}

enum fault database_failed(sqlite3 *db, const char *part, const char *what, int result)
{
    LOG(LOG_ERROR, part, "%s: %s (%d)", what, sqlite3_errmsg(db), result);
    return database_fault(result);
}

enum fault database_open(sqlite3 **out, const char *part, const char *path, const char *vfs,
                         enum database_use use)
{
    int const flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
        (use == DATABASE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    sqlite3 *db = NULL;
    int const result = sqlite3_open_v2(path, &db, flags, vfs);
    if (result != SQLITE_OK) {
        int const reason = sqlite3_system_errno(db);
        bool const absent = use == DATABASE_READ && (reason == ENOENT || reason == ENOTDIR);
        enum fault const fault = absent ? FAULT_NOT_FOUND : database_failed(db, part, path, result);
        (void)sqlite3_close(db);
        return fault;
    }
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    /* Checkpoints are made when the writer says so and never when a connection closes: before
     * SQLite 3.51.3 two that race can corrupt a write-ahead log. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_wal_autocheckpoint(db, 0);
    *out = db;
    return FAULT_NONE;
}

enum fault database_run(sqlite3 *db, const char *part, const char *sql)
{
    int const result = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? FAULT_NONE : database_failed(db, part, sql, result);
}

enum fault database_prepare(sqlite3 *db, const char *part, const char *sql,
                            sqlite3_stmt **statement)
{
    int const result = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return result == SQLITE_OK ? FAULT_NONE : database_failed(db, part, sql, result);
}

enum fault database_number(sqlite3 *db, const char *part, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    enum fault fault = database_prepare(db, part, sql, &statement);
    if (fault != FAULT_NONE) return fault;
    int const result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    else if (result == SQLITE_DONE)
        fault = FAULT_NOT_FOUND;
    else
        fault = database_failed(db, part, sql, result);
    (void)sqlite3_finalize(statement);
    return fault;
}
