/* Plain SQLite connections, as a stranger's tool would open them. */
#include "tests/simulator/tamper.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 1200

static void flip(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const unsigned char *bytes = sqlite3_value_blob(values[0]);
    int const size = sqlite3_value_bytes(values[0]), at = sqlite3_value_int(values[1]);
    if (bytes == NULL || at < 0 || at >= size) {
        sqlite3_result_error(context, "nothing to flip there", -1);
        return;
    }
    unsigned char *copy = malloc((size_t)size);
    if (copy == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    memcpy(copy, bytes, (size_t)size);
    copy[at] ^= 1;
    sqlite3_result_blob(context, copy, size, free);
}

static sqlite3 *open_file(const char *directory, const char *file)
{
    char path[PATH_BYTES];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", directory, file);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_create_function(db, "flip", 2, SQLITE_UTF8, NULL, flip, NULL, NULL) == SQLITE_OK)
        return db;
    (void)sqlite3_close(db);
    return NULL;
}

bool tamper_run(const char *directory, const char *file, const char *sql)
{
    static const char remove_triggers[] =
        "DROP TRIGGER IF EXISTS entries_insert;   DROP TRIGGER IF EXISTS entries_update;"
        "DROP TRIGGER IF EXISTS entries_delete;   DROP TRIGGER IF EXISTS blocks_insert;"
        "DROP TRIGGER IF EXISTS blocks_update;    DROP TRIGGER IF EXISTS blocks_delete;"
        "DROP TRIGGER IF EXISTS evidence_insert;  DROP TRIGGER IF EXISTS evidence_update;"
        "DROP TRIGGER IF EXISTS evidence_delete;";
    sqlite3 *db = open_file(directory, file);
    if (db == NULL) return false;
    bool good = sqlite3_exec(db, remove_triggers, NULL, NULL, NULL) == SQLITE_OK;
    int const before = sqlite3_total_changes(db);
    good = good && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    bool const is_pragma = strstr(sql, "PRAGMA") != NULL;
    good = good && (is_pragma || sqlite3_total_changes(db) > before);
    (void)sqlite3_close(db);
    return good;
}

bool tamper_is_refused(const char *directory, const char *sql)
{
    sqlite3 *db = open_file(directory, "segment-000001.db");
    if (db == NULL) return false;
    int const result = sqlite3_exec(db, sql, NULL, NULL, NULL);
    bool const refused =
        result == SQLITE_CONSTRAINT && strstr(sqlite3_errmsg(db), "are append-only") != NULL;
    (void)sqlite3_close(db);
    return refused;
}

long long tamper_count(const char *directory, const char *file, const char *sql)
{
    sqlite3 *db = open_file(directory, file);
    sqlite3_stmt *statement = NULL;
    long long count = -1;
    if (db != NULL && sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return count;
}

void *tamper_hold(const char *directory)
{
    sqlite3 *db = open_file(directory, "segment-000001.db");
    if (db != NULL &&
        sqlite3_exec(db, "BEGIN; SELECT count(*) FROM blocks", NULL, NULL, NULL) == SQLITE_OK) {
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return db;
    }
    (void)sqlite3_close(db);
    return NULL;
}

void tamper_release(void *held)
{
    (void)sqlite3_close(held);
}
