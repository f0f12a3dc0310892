/* Thin, so that the checks read as checks. */
#include "ledger/verify/rows.h"

static uint64_t number_at(sqlite3_stmt *row, int column)
{
    sqlite3_int64 const value = sqlite3_column_int64(row, column);
    return value < 0 ? 0 : (uint64_t)value; /* no number of ours is below zero */
}

/* In one statement, as the file may be made at this moment. */
bool rows_format(sqlite3 *db, struct rows_format *format)
{
    sqlite3_stmt *statement = NULL;
    bool const good = sqlite3_prepare_v2(db,
                                         "SELECT count(*),"
                                         " (SELECT application_id FROM pragma_application_id),"
                                         " (SELECT user_version FROM pragma_user_version)"
                                         " FROM sqlite_schema",
                                         -1, &statement, NULL) == SQLITE_OK &&
                      sqlite3_step(statement) == SQLITE_ROW;
    if (good) {
        *format = (struct rows_format){.tables = number_at(statement, 0),
                                       .application = number_at(statement, 1),
                                       .version = number_at(statement, 2)};
    }
    (void)sqlite3_finalize(statement);
    return good;
}

bool rows_number(sqlite3 *db, const char *sql, uint64_t *number)
{
    sqlite3_stmt *statement = NULL;
    bool const good = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                      sqlite3_step(statement) == SQLITE_ROW;
    if (good) *number = number_at(statement, 0);
    (void)sqlite3_finalize(statement);
    return good;
}

int rows_step(sqlite3_stmt *statement, uint64_t key)
{
    (void)sqlite3_reset(statement);
    (void)sqlite3_bind_int64(statement, 1, key > INT64_MAX ? INT64_MAX : (sqlite3_int64)key);
    return sqlite3_step(statement);
}

struct span rows_blob(sqlite3_stmt *row, int column)
{
    const void *bytes = sqlite3_column_blob(row, column);
    return span_of(bytes, (size_t)sqlite3_column_bytes(row, column));
}
