/* marks.db: one row per participant, replaced in place.
 *
 * The happy path: the first marks_put opens a transaction, marks_commit ends it with one sync.
 * Possible failures: SQLite refuses, the transaction is rolled back, and the caller puts the same
 * marks again later.
 *
 * synchronous=FULL over a write-ahead log: marks that are stored survive power loss (marks.h), for a
 * sync five times a second, when some hundred commits of the ledger have theirs. */
#include "ledger/marks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"
#include "proto/base/log.h"

#define PART "marks"
#define MARKS_FILE "marks.db"

#define APPLICATION_ID 0x4361754d /* "CauM" */
#define FORMAT_VERSION 1

/* Pages after which the write-ahead log is moved: 1 MiB. */
#define CHECKPOINT_PAGES 256

struct marks {
    sqlite3 *db;
    sqlite3_stmt *begin, *put, *commit, *load;
    bool staged; /* a transaction is open */
};

/* EXTRA until the log is on: see segment.c. */
static const char settings[] = "PRAGMA synchronous = EXTRA;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA secure_delete = OFF;";

/* clang-format off */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE ledger(one INTEGER PRIMARY KEY CHECK(one = 1), id BLOB NOT NULL) STRICT;"
    "CREATE TABLE marks("
    " code TEXT PRIMARY KEY,"
    " cursor INTEGER NOT NULL,"
    " outstanding BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 0x4361754d;"
    "PRAGMA user_version = 1;"
    "COMMIT;";
/* clang-format on */

static const struct database_format format = {APPLICATION_ID, FORMAT_VERSION, schema};

/* Are the stored marks of the ledger `id`?  Those of another are removed. */
static enum fault claim(struct marks *marks, const uint8_t id[MARKS_LEDGER_ID_BYTES])
{
    sqlite3_stmt *read = NULL, *write = NULL;
    enum fault fault = database_prepare(marks->db, PART, "SELECT id FROM ledger", &read);
    if (fault != FAULT_NONE) return fault;
    int result = sqlite3_step(read);
    bool const any = result == SQLITE_ROW;
    bool const same = any && sqlite3_column_bytes(read, 0) == MARKS_LEDGER_ID_BYTES &&
                      memcmp(sqlite3_column_blob(read, 0), id, MARKS_LEDGER_ID_BYTES) == 0;
    (void)sqlite3_finalize(read);
    if (same) return FAULT_NONE;
    if (!any && result != SQLITE_DONE) return database_failed(marks->db, PART, "read id", result);

    if (any)
        LOG(LOG_WARNING, PART, "%s is of another ledger and starts anew: deliveries repeat",
            MARKS_FILE);
    fault = database_run(marks->db, PART, "BEGIN IMMEDIATE; DELETE FROM marks; DELETE FROM ledger");
    if (fault != FAULT_NONE) return fault;
    fault = database_prepare(marks->db, PART, "INSERT INTO ledger VALUES (1, ?1)", &write);
    if (fault != FAULT_NONE) return fault;
    (void)sqlite3_bind_blob(write, 1, id, MARKS_LEDGER_ID_BYTES, SQLITE_STATIC);
    result = sqlite3_step(write);
    if (result != SQLITE_DONE) fault = database_failed(marks->db, PART, "write id", result);
    (void)sqlite3_finalize(write);
    return fault == FAULT_NONE ? database_run(marks->db, PART, "COMMIT") : fault;
}

enum fault marks_open(struct marks **out, const char *directory, const char *vfs,
                      const uint8_t ledger_id[MARKS_LEDGER_ID_BYTES])
{
    struct marks *marks = calloc(1, sizeof *marks);
    if (marks == NULL) return FAULT_MEMORY;
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&marks->begin, "BEGIN IMMEDIATE"},
        {&marks->put, "INSERT INTO marks VALUES (?1, ?2, ?3) ON CONFLICT (code) DO UPDATE"
                      " SET cursor = excluded.cursor, outstanding = excluded.outstanding"},
        {&marks->commit, "COMMIT"},
        {&marks->load, "SELECT code, cursor, outstanding FROM marks ORDER BY code"},
    };

    char path[DATABASE_PATH_BYTES];
    enum fault fault = database_path(path, directory, MARKS_FILE);
    if (fault != FAULT_NONE) goto failed;
    fault = database_open(&marks->db, PART, path, vfs, DATABASE_WRITE);
    if (fault != FAULT_NONE) goto failed;
    fault = database_run(marks->db, PART, settings);
    if (fault != FAULT_NONE) goto failed;
    database_checkpoint_above(marks->db, CHECKPOINT_PAGES);
    fault = database_check(marks->db, PART, MARKS_FILE, &format, true);
    if (fault != FAULT_NONE) goto failed;
    fault = claim(marks, ledger_id);
    if (fault != FAULT_NONE) goto failed;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        fault = database_prepare(marks->db, PART, statements[i].sql, statements[i].statement);
        if (fault != FAULT_NONE) goto failed;
    }
    *out = marks;
    return FAULT_NONE;

failed:
    if (fault == FAULT_CORRUPT || fault == FAULT_VERSION)
        LOG(LOG_ERROR, PART, "%s/%s cannot be used (%s); without it deliveries only repeat",
            directory, MARKS_FILE, fault_words(fault));
    marks_close(marks);
    return fault;
}

void marks_close(struct marks *marks)
{
    if (marks == NULL) return;
    (void)sqlite3_finalize(marks->begin);
    (void)sqlite3_finalize(marks->put);
    (void)sqlite3_finalize(marks->commit);
    (void)sqlite3_finalize(marks->load);
    /* The only connection to this file: it may move its log when it closes. */
    if (marks->db) (void)sqlite3_db_config(marks->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    (void)sqlite3_close(marks->db);
    free(marks);
}

/* A row as a mark; false when it is none. */
static bool read_row(sqlite3_stmt *row, struct mark *mark)
{
    const char *code = (const char *)sqlite3_column_text(row, 0);
    if (code == NULL || !identifier_parse_code(span_text(code), &mark->code)) return false;
    sqlite3_int64 const cursor = sqlite3_column_int64(row, 1);
    if (cursor < 1) return false;
    mark->cursor = (uint64_t)cursor;

    const void *numbers = sqlite3_column_blob(row, 2);
    size_t const size = (size_t)sqlite3_column_bytes(row, 2);
    if (size % sizeof mark->outstanding[0] != 0 || size > sizeof mark->outstanding) return false;
    mark->outstanding_count = (uint32_t)(size / sizeof mark->outstanding[0]);
    if (size) memcpy(mark->outstanding, numbers, size);
    uint64_t before = 0;
    for (uint32_t i = 0; i < mark->outstanding_count; i++) {
        if (mark->outstanding[i] <= before || mark->outstanding[i] >= mark->cursor) return false;
        before = mark->outstanding[i];
    }
    return true;
}

enum fault marks_load(struct marks *marks, marks_visit visit, void *context)
{
    enum fault fault = FAULT_NONE;
    int result = SQLITE_DONE;
    while (fault == FAULT_NONE && (result = sqlite3_step(marks->load)) == SQLITE_ROW) {
        struct mark mark;
        if (read_row(marks->load, &mark)) {
            fault = visit(context, &mark);
        } else {
            LOG(LOG_ERROR, PART, "a row of %s is no mark; without the file deliveries only repeat",
                MARKS_FILE);
            fault = FAULT_CORRUPT;
        }
    }
    if (fault == FAULT_NONE && result != SQLITE_DONE)
        fault = database_failed(marks->db, PART, "load", result);
    (void)sqlite3_reset(marks->load);
    return fault;
}

static enum fault give_up(struct marks *marks, const char *what, int result)
{
    (void)database_failed(marks->db, PART, what, result);
    marks->staged = false;
    (void)sqlite3_exec(marks->db, "ROLLBACK", NULL, NULL, NULL);
    return FAULT_IO;
}

enum fault marks_put(struct marks *marks, const struct mark *mark)
{
    assert(mark->cursor >= 1 && mark->cursor <= INT64_MAX);
    assert(mark->outstanding_count <= LIMIT_OUTSTANDING);
    if (!marks->staged) {
        int const begun = database_step(marks->begin);
        if (begun != SQLITE_OK) return give_up(marks, "begin", begun);
        marks->staged = true;
    }
    struct span const code = identifier_code_text(&mark->code);
    int const size = (int)(mark->outstanding_count * sizeof mark->outstanding[0]);
    int result = sqlite3_bind_text(marks->put, 1, code.bytes, (int)code.size, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(marks->put, 2, (sqlite3_int64)mark->cursor);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(marks->put, 3, mark->outstanding, size, SQLITE_STATIC);
    if (result == SQLITE_OK) result = database_step(marks->put);
    return result == SQLITE_OK ? FAULT_NONE : give_up(marks, "put", result);
}

enum fault marks_commit(struct marks *marks)
{
    if (!marks->staged) return FAULT_NONE;
    int const result = database_step(marks->commit);
    if (result != SQLITE_OK) return give_up(marks, "commit", result);
    marks->staged = false;
    return FAULT_NONE;
}
