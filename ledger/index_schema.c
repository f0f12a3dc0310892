/* The tables of index.db, and how SQLite is to keep them. */
#include "ledger/index_schema.h"

#include <assert.h>

#include "ledger/index.h"
#include "proto/record/entry.h"

/* clang-format off */
static const char schema[] =
    "BEGIN IMMEDIATE;"

    "CREATE TABLE ledger("
    " one INTEGER PRIMARY KEY CHECK(one = 1),"
    " id BLOB NOT NULL,"
    " seq INTEGER NOT NULL,"
    " hash BLOB NOT NULL"
    ") STRICT;"

    "CREATE TABLE participants("
    " ordinal INTEGER PRIMARY KEY,"
    " code TEXT NOT NULL UNIQUE,"
    " number INTEGER NOT NULL,"
    " seq INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE payments("
    " seq INTEGER PRIMARY KEY,"
    " kind INTEGER NOT NULL,"
    " newest_seq INTEGER NOT NULL,"
    " time_ns INTEGER NOT NULL,"
    " newest_ns INTEGER NOT NULL,"
    " payer INTEGER,"
    " payee INTEGER,"
    " payer_agent TEXT,"
    " payee_agent TEXT,"
    " amount_minor INTEGER NOT NULL,"
    " id TEXT NOT NULL,"
    " reason TEXT,"
    " returned_seq INTEGER"
    ") STRICT;"
    "CREATE INDEX unsettled ON payments(kind) WHERE kind <> 6;"

    "CREATE TABLE ids("
    " period INTEGER NOT NULL,"
    " key INTEGER NOT NULL,"
    " seq INTEGER NOT NULL,"
    " PRIMARY KEY(period, key, seq)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE parties("
    " participant INTEGER NOT NULL,"
    " seq INTEGER NOT NULL,"
    " PRIMARY KEY(participant, seq)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE numbers("
    " participant INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " seq INTEGER NOT NULL,"
    " PRIMARY KEY(participant, number)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE returns("
    " original INTEGER PRIMARY KEY,"
    " settled_minor INTEGER NOT NULL,"
    " open_minor INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE days("
    " day TEXT PRIMARY KEY,"
    " first_seq INTEGER NOT NULL,"
    " seq INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "PRAGMA application_id = 0x43617549;" /* "CauI" */
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* EXTRA until the log is on: see segment.c.  The cache holds what a commit touches again and again:
 * one period of ids, and the right edges. */
const char index_schema_settings[] =
    "PRAGMA synchronous = EXTRA;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA secure_delete = OFF;"
    "PRAGMA cache_size = -65536;"
    "PRAGMA journal_size_limit = 33554432;";
/* clang-format on */

static_assert(ENTRY_SETTLED == 6, "the schema's");

const struct database_format index_schema = {INDEX_APPLICATION_ID, INDEX_VERSION, schema};
