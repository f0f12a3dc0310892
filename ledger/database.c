/* SQLite as the ledger wants it: one thread per connection, nothing implicit. */
#include "ledger/database.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/log.h"

/* Of a write-ahead log read and written again at once: on the stack. */
#define LOG_PART_BYTES 32768

/* "file:", a path of which every byte is written as three, "?immutable=1" and a zero. */
#define URI_BYTES (3 * DATABASE_PATH_BYTES + 20)

enum fault database_path(char path[DATABASE_PATH_BYTES], const char *directory, const char *name)
{
    int const size = snprintf(path, DATABASE_PATH_BYTES, "%s/%s", directory, name);
    return size > 0 && size < DATABASE_PATH_BYTES ? FAULT_NONE : FAULT_FULL;
}

enum fault database_exists(const char *path, const char *vfs, bool *exists)
{
    sqlite3_vfs *found = sqlite3_vfs_find(vfs);
    int is_there = 0;
    if (found == NULL || found->xAccess(found, path, SQLITE_ACCESS_EXISTS, &is_there) != SQLITE_OK)
        return FAULT_IO;
    *exists = is_there != 0;
    return FAULT_NONE;
}

enum fault database_fault(int result)
{
    /* A rollback journal is there only while a file is being made: who reads sees none yet. */
    if (result == SQLITE_READONLY_ROLLBACK) return FAULT_NOT_FOUND;
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

/* file:PATH?immutable=1, with what would end the path or start an escape escaped. */
static void write_immutable_uri(char uri[URI_BYTES], const char *path)
{
    size_t used = (size_t)snprintf(uri, URI_BYTES, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path) != NULL)
            used += (size_t)snprintf(uri + used, URI_BYTES - used, "%%%02x", (unsigned)*path);
        else
            uri[used++] = *path;
    }
    (void)snprintf(uri + used, URI_BYTES - used, "?immutable=1");
}

static int open_flags(enum database_use use)
{
    switch (use) {
    case DATABASE_READ: return SQLITE_OPEN_READONLY;
    case DATABASE_IMMUTABLE: return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    case DATABASE_WRITE: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case DATABASE_TAKE_OVER: return SQLITE_OPEN_READWRITE;
    }
    return SQLITE_OPEN_READONLY;
}

/* Whether a file could not be opened because there is none.  Only the system's VFS gives a reason. */
static bool is_absent(const char *path, const char *vfs, int reason)
{
    bool exists = true;
    return (reason == 0 || reason == ENOENT || reason == ENOTDIR) &&
           database_exists(path, vfs, &exists) == FAULT_NONE && !exists;
}

enum fault database_open(sqlite3 **out, const char *part, const char *path, const char *vfs,
                         enum database_use use)
{
    char uri[URI_BYTES];
    sqlite3 *db = NULL;
    if (use == DATABASE_IMMUTABLE) write_immutable_uri(uri, path);
    int const result =
        sqlite3_open_v2(use == DATABASE_IMMUTABLE ? uri : path, &db,
                        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | open_flags(use), vfs);
    if (result != SQLITE_OK) {
        bool const absent = use != DATABASE_WRITE && is_absent(path, vfs, sqlite3_system_errno(db));
        enum fault const fault = absent ? FAULT_NOT_FOUND : database_failed(db, part, path, result);
        (void)sqlite3_close(db);
        return fault;
    }
    (void)sqlite3_extended_result_codes(db, 1);
    if (use != DATABASE_TAKE_OVER) database_wait(db);
    /* Checkpoints are made when the writer says so and never when a connection closes: before
     * SQLite 3.51.3 two that race can corrupt a write-ahead log. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_wal_autocheckpoint(db, 0);
    *out = db;
    return FAULT_NONE;
}

void database_wait(sqlite3 *db)
{
    (void)sqlite3_busy_timeout(db, DATABASE_BUSY_MS);
}

enum fault database_lock(sqlite3 **lock, const char *part, const char *directory, const char *name,
                         const char *vfs, const char *what)
{
    char path[DATABASE_PATH_BYTES];
    enum fault fault = database_path(path, directory, name);
    if (fault == FAULT_NONE) fault = database_open(lock, part, path, vfs, DATABASE_WRITE);
    if (fault != FAULT_NONE) return fault;
    (void)sqlite3_busy_timeout(*lock, 0);
    int const result =
        sqlite3_exec(*lock, "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE", NULL, NULL, NULL);
    if (result == SQLITE_OK) return FAULT_NONE;
    if (database_fault(result) != FAULT_BUSY) return database_failed(*lock, part, path, result);
    LOG(LOG_ERROR, part, "the %s in %s is open in another process", what, directory);
    return FAULT_BUSY;
}

/* The log's bytes once more, under the writer's lock. */
static int rewrite_log(sqlite3_file *log)
{
    char bytes[LOG_PART_BYTES];
    sqlite3_int64 size = 0;
    int result = log->pMethods->xFileSize(log, &size);
    for (sqlite3_int64 at = 0; at < size && result == SQLITE_OK; at += LOG_PART_BYTES) {
        int const part = size - at < LOG_PART_BYTES ? (int)(size - at) : LOG_PART_BYTES;
        result = log->pMethods->xRead(log, bytes, part, at);
        if (result == SQLITE_OK) result = log->pMethods->xWrite(log, bytes, part, at);
    }
    return result == SQLITE_OK ? log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) : result;
}

/* What is read may be in the system's memory only.  Where its writer was killed, a sync would do; but
 * where a sync had failed, Linux has marked the pages as clean, no later sync writes them, and they go
 * with the power.  Written again, they are synced or it fails. */
enum fault database_renew_log(sqlite3 *db, const char *part, const char *name)
{
    sqlite3_file *log = NULL;
    int result = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (result != SQLITE_OK) return database_failed(db, part, name, result);
    result = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (result == SQLITE_OK && log != NULL && log->pMethods != NULL) result = rewrite_log(log);
    int const ended = sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (result == SQLITE_OK) result = ended;
    return result == SQLITE_OK ? FAULT_NONE : database_failed(db, part, name, result);
}

/* Called after each commit with the length of the write-ahead log. */
static int checkpoint_when_due(void *context, sqlite3 *db, const char *schema, int pages)
{
    if (pages < (int)(intptr_t)context) return SQLITE_OK;
    int const result = sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return database_fault(result) == FAULT_BUSY ? SQLITE_OK : result;
}

void database_checkpoint_above(sqlite3 *db, int pages)
{
    (void)sqlite3_wal_hook(db, checkpoint_when_due, (void *)(intptr_t)pages);
}

enum fault database_empty_log(sqlite3 *db, const char *part, const char *what)
{
    sqlite3_file *log = NULL;
    int result = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (result == SQLITE_OK && log != NULL && log->pMethods != NULL)
        result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    return result == SQLITE_OK ? FAULT_NONE : database_failed(db, part, what, result);
}

enum fault database_check(sqlite3 *db, const char *part, const char *name,
                          const struct database_format *format, bool is_made)
{
    /* In one statement, as another connection may be making the tables at this moment. */
    sqlite3_stmt *statement;
    enum fault fault = database_prepare(db, part,
                                        "SELECT count(*),"
                                        " (SELECT application_id FROM pragma_application_id),"
                                        " (SELECT user_version FROM pragma_user_version)"
                                        " FROM sqlite_schema",
                                        &statement);
    if (fault != FAULT_NONE) return fault;
    int const result = sqlite3_step(statement);
    int64_t const tables = sqlite3_column_int64(statement, 0);
    int64_t const application = sqlite3_column_int64(statement, 1);
    int64_t const version = sqlite3_column_int64(statement, 2);
    if (result != SQLITE_ROW) fault = database_failed(db, part, name, result);
    (void)sqlite3_finalize(statement);
    if (fault != FAULT_NONE) return fault;

    if (tables == 0 && application == 0 && version == 0)
        return is_made ? database_run(db, part, format->schema) : FAULT_NOT_FOUND;
    if (application != format->application) {
        LOG(LOG_ERROR, part, "%s is a SQLite file, but not the one of that name", name);
        return FAULT_CORRUPT;
    }
    if (version != format->version) {
        LOG(LOG_ERROR, part, "%s has format %" PRId64 ", this program knows %" PRId64, name,
            version, format->version);
        return FAULT_VERSION;
    }
    return is_made ? database_renew_log(db, part, name) : FAULT_NONE;
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

int database_step(sqlite3_stmt *statement)
{
    int const result = sqlite3_step(statement);
    int const reset = sqlite3_reset(statement);
    return result == SQLITE_DONE ? reset : result;
}

enum fault database_sync_directory(const char *part, const char *directory)
{
    int const fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool const synced = fd >= 0 && fsync(fd) == 0;
    if (!synced) LOG(LOG_ERROR, part, "cannot sync %s: %s", directory, strerror(errno));
    if (fd >= 0) (void)close(fd);
    return synced ? FAULT_NONE : FAULT_IO;
}
