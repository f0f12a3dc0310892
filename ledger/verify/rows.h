/* rows: what all checks ask of SQLite: one number, one row by its key, a blob as a span. */
#ifndef LEDGER_VERIFY_ROWS_H
#define LEDGER_VERIFY_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/span.h"

/* What a file calls itself; all zeros: it was just made, and holds nothing. */
struct rows_format {
    uint64_t tables, application, version;
};

/* The format of an open file. False: SQLite refused, sqlite3_errmsg says why. */
bool rows_format(sqlite3 *db, struct rows_format *format);

/* The first column of a query's one row, 0 for what is below zero. False: SQLite refused. */
bool rows_number(sqlite3 *db, const char *sql, uint64_t *number);

/* Binds `key` to the statement's ?1 and steps it. Keys above SQLite's largest become that. */
int rows_step(sqlite3_stmt *statement, uint64_t key);

/* A column of the row at hand, good until the statement is stepped or reset. */
struct span rows_blob(sqlite3_stmt *row, int column);

#endif
