/* One pass over the rows of marks.db; a bank that has none has confirmed nothing. */
#include "ledger/verify/cursors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/verify/files.h"
#include "ledger/verify/rows.h"

#define MARKS_APPLICATION 0x4361754d
#define MARKS_VERSION 1

__attribute__((format(printf, 2, 3))) static bool wrong(struct cursors *cursors, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(cursors->words, sizeof cursors->words, format, arguments);
    va_end(arguments);
    return false;
}

static bool refused(struct cursors *cursors, sqlite3 *db)
{
    return wrong(cursors, "marks.db cannot be read: %s", sqlite3_errmsg(db));
}

static bool read_ledger_id(struct cursors *cursors, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "SELECT id FROM ledger", -1, &statement, NULL) != SQLITE_OK)
        return refused(cursors, db);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        struct span const id = rows_blob(statement, 0);
        if (id.size == sizeof cursors->ledger_id) memcpy(cursors->ledger_id, id.bytes, id.size);
    }
    (void)sqlite3_finalize(statement);
    return true;
}

static bool read_rows(struct cursors *cursors, sqlite3 *db)
{
    uint64_t rows = 0;
    sqlite3_stmt *statement = NULL;
    if (!rows_number(db, "SELECT count(*) FROM marks", &rows) ||
        sqlite3_prepare_v2(db, "SELECT code, cursor FROM marks", -1, &statement, NULL) != SQLITE_OK)
        return refused(cursors, db);
    bool good = true;
    int result = SQLITE_DONE;
    cursors->each = calloc(rows + 1, sizeof *cursors->each);
    if (cursors->each == NULL) good = wrong(cursors, "no memory for the rows of marks.db");
    while (good && cursors->count < rows && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        struct span const code = rows_blob(statement, 0);
        if (code.size != LAYOUT_CODE_BYTES) {
            good = wrong(cursors, "marks.db: the mark of %.*s, which is no code",
                         (int)(code.size > 35 ? 35 : code.size), code.size ? code.bytes : "");
            break;
        }
        cursors->each[cursors->count++] = (struct cursor){
            .code = layout_u64(code.bytes), .next = (uint64_t)sqlite3_column_int64(statement, 1)};
    }
    if (good && result != SQLITE_ROW && result != SQLITE_DONE) good = refused(cursors, db);
    (void)sqlite3_finalize(statement);
    return good;
}

bool cursors_read(struct cursors *cursors, const char *directory)
{
    const char *words = "";
    struct rows_format format;
    if (!files_exist(directory, "marks.db")) return true;
    sqlite3 *db = files_open(directory, "marks.db", &words);
    if (db == NULL) return wrong(cursors, "marks.db cannot be opened: %s", words);
    bool good = rows_format(db, &format) || refused(cursors, db);
    if (good && (format.tables | format.application | format.version) != 0) {
        good = (format.application == MARKS_APPLICATION && format.version == MARKS_VERSION) ||
               wrong(cursors, "marks.db is of a format that is not known");
        good = good && read_ledger_id(cursors, db) && read_rows(cursors, db);
    }
    (void)sqlite3_close(db);
    return good;
}

bool cursors_check(struct cursors *cursors, const struct sums *sums,
                   const uint8_t ledger_id[LAYOUT_LEDGER_ID_BYTES])
{
    if (cursors->count > 0 && memcmp(ledger_id, cursors->ledger_id, LAYOUT_LEDGER_ID_BYTES) != 0)
        return wrong(cursors, "marks.db is of another ledger");
    for (size_t i = 0; i < cursors->count; i++) {
        const struct cursor *cursor = &cursors->each[i];
        uint64_t number = 0;
        if (!sums_number(sums, cursor->code, &number) || cursor->next > number + 1)
            return wrong(cursors, "marks.db: the mark of %.8s is beyond its entries",
                         (const char *)&cursor->code);
    }
    return true;
}

void cursors_close(struct cursors *cursors)
{
    free(cursors->each);
}
