/* The tables of a segment and how their rows become entries.
 *
 *   entries   seq, public, private, hash   the entry;  prev_hash is the hash of the row before
 *             body                         its body, where it is the first entry to carry it
 *             body_seq                     else the sequence of the entry whose body it shares
 *   blocks    number, header
 *   evidence  block, frame                 no row: the block has none, or it was archived or erased
 *
 * Rows are only ever added behind the last one, so every table grows at its right edge and no
 * index is kept.  Triggers refuse the rest: they guard against slips, the hashes against intent. */
#include "ledger/segment.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "proto/base/log.h"
#include "proto/record/body.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

#define REFUSE(table, what, event)                                                                 \
    "CREATE TRIGGER " table "_" what " BEFORE " event " ON " table                                 \
    " BEGIN SELECT RAISE(ABORT, '" table " are append-only'); END;"

/* INSERT OR REPLACE would pass the triggers on DELETE by; so an insert must go behind the last. */
#define REFUSE_ALL(table, key)                                                                     \
    "CREATE TRIGGER " table "_insert BEFORE INSERT ON " table " WHEN NEW." key                     \
    " <= (SELECT max(" key ") FROM " table ")"                                                     \
    " BEGIN SELECT RAISE(ABORT, '" table                                                           \
    " are append-only'); END;" REFUSE(table, "update", "UPDATE") REFUSE(table, "delete", "DELETE")

/* Never edit: a file made by an earlier version of the program has it as it was then. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE entries("
    " seq INTEGER PRIMARY KEY,"
    " public BLOB NOT NULL CHECK(length(public) = " TEXT(
        ENTRY_PUBLIC_BYTES) "),"
                            " private BLOB NOT NULL CHECK(length(private) = " TEXT(
                                ENTRY_PRIVATE_BYTES) "),"
                                                     " hash BLOB NOT NULL CHECK(length(hash) "
                                                     "= " TEXT(
                                                         HASH_BYTES) "),"
                                                                     " body BLOB,"
                                                                     " body_seq INTEGER"
                                                                     ") STRICT;"
                                                                     "CREATE TABLE blocks("
                                                                     " number INTEGER PRIMARY KEY,"
                                                                     " header BLOB NOT NULL "
                                                                     "CHECK(length(header) = " TEXT(
                                                                         BLOCK_HEADER_BYTES) ")"
                                                                                             ") "
                                                                                             "STRIC"
                                                                                             "T;"
                                                                                             "CREAT"
                                                                                             "E "
                                                                                             "TABLE"
                                                                                             " evid"
                                                                                             "ence("
                                                                                             " bloc"
                                                                                             "k "
                                                                                             "INTEG"
                                                                                             "ER "
                                                                                             "PRIMA"
                                                                                             "RY "
                                                                                             "KEY,"
                                                                                             " fram"
                                                                                             "e "
                                                                                             "BLOB "
                                                                                             "NOT "
                                                                                             "NULL"
                                                                                             ") "
                                                                                             "STRIC"
                                                                                             "T"
                                                                                             ";" REFUSE_ALL(
                                                                                                 "e"
                                                                                                 "n"
                                                                                                 "t"
                                                                                                 "r"
                                                                                                 "i"
                                                                                                 "e"
                                                                                                 "s",
                                                                                                 "s"
                                                                                                 "e"
                                                                                                 "q") REFUSE_ALL("blocks",
                                                                                                                 "number")
                                                                                                 REFUSE_ALL("evidence", "block") "PRAGMA application_id = " TEXT(
                                                                                                     SEGMENT_APPLICATION_ID) ";"
                                                                                                                             "PRAGMA user_version = " TEXT(
                                                                                                                                 SEGMENT_FORMAT_VERSION) ";"
                                                                                                                                                         "COMMIT;";

#define JOURNAL_SIZE_LIMIT 67108864 /* a literal, as PRAGMA takes no expression */
static_assert(JOURNAL_SIZE_LIMIT == LIMIT_WAL_BYTES, "one bound");

/* synchronous = EXTRA until the log is on: the switch to it goes by a rollback journal, whose removal
 * must be on disk, or a later start would roll committed entries back with it.
 * journal_size_limit: a write-ahead log that a reader made longer is cut when it starts again.
 * secure_delete: Debian's default zeroes what is freed; nothing is ever freed here. */
static const char settings[] = "PRAGMA page_size = " TEXT(
    SEGMENT_PAGE_BYTES) ";"
                        "PRAGMA synchronous = EXTRA;"
                        "PRAGMA journal_mode = WAL;"
                        "PRAGMA synchronous = FULL;"
                        "PRAGMA journal_size_limit = " TEXT(
                            JOURNAL_SIZE_LIMIT) ";"
                                                "PRAGMA secure_delete = OFF;"
                                                "PRAGMA temp_store = MEMORY;";

/* Is the file the ledger's, and of our version?  An empty one is made ours when we may write: a
 * crash while it was being made leaves it so, as the schema is one transaction. */
static enum fault check_format(struct segment *segment, enum database_use use)
{
    int64_t tables = 0, application = 0, version = 0;
    enum fault fault =
        database_number(segment->db, segment->part, "SELECT count(*) FROM sqlite_schema", &tables);
    if (fault != FAULT_NONE) return fault;
    fault = database_number(segment->db, segment->part, "PRAGMA application_id", &application);
    if (fault != FAULT_NONE) return fault;
    fault = database_number(segment->db, segment->part, "PRAGMA user_version", &version);
    if (fault != FAULT_NONE) return fault;

    if (tables == 0 && application == 0 && version == 0) {
        return use == DATABASE_WRITE ? database_run(segment->db, segment->part, schema)
                                     : FAULT_NOT_FOUND;
    }
    if (application != SEGMENT_APPLICATION_ID) {
        LOG(LOG_ERROR, segment->part, "%s is a SQLite file, but not one of this ledger's",
            SEGMENT_FILE);
        return FAULT_CORRUPT;
    }
    if (version != SEGMENT_FORMAT_VERSION) {
        LOG(LOG_ERROR, segment->part, "%s has format %" PRId64 ", this program knows %d",
            SEGMENT_FILE, version, SEGMENT_FORMAT_VERSION);
        return FAULT_VERSION;
    }
    return FAULT_NONE;
}

enum fault segment_open(struct segment *segment, const char *part, const char *directory,
                        const char *vfs, enum database_use use)
{
    *segment = (struct segment){.part = part};
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&segment->rows, "SELECT seq, public, private, hash, body, body_seq FROM entries"
                         " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"},
        {&segment->body, "SELECT body FROM entries WHERE seq = ?1"},
        {&segment->entry_hash, "SELECT hash FROM entries WHERE seq = ?1"},
        {&segment->header, "SELECT header FROM blocks WHERE number = ?1"},
        {&segment->newest, "SELECT (SELECT max(seq) FROM entries),"
                           " (SELECT max(number) FROM blocks)"},
    };

    char path[DATABASE_PATH_BYTES];
    enum fault fault = database_path(path, directory, SEGMENT_FILE);
    if (fault != FAULT_NONE) return fault;
    fault = database_open(&segment->db, part, path, vfs, use);
    if (fault != FAULT_NONE) return fault;
    if (use == DATABASE_WRITE) {
        fault = database_run(segment->db, part, settings);
        if (fault != FAULT_NONE) goto failed;
    }
    fault = check_format(segment, use);
    if (fault != FAULT_NONE) goto failed;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        fault = database_prepare(segment->db, part, statements[i].sql, statements[i].statement);
        if (fault != FAULT_NONE) goto failed;
    }
    return FAULT_NONE;

failed:
    segment_close(segment);
    return fault;
}

void segment_close(struct segment *segment)
{
    (void)sqlite3_finalize(segment->rows);
    (void)sqlite3_finalize(segment->body);
    (void)sqlite3_finalize(segment->entry_hash);
    (void)sqlite3_finalize(segment->header);
    (void)sqlite3_finalize(segment->newest);
    (void)sqlite3_close(segment->db);
    *segment = (struct segment){.part = segment->part};
}

/* A sequence as SQLite binds it: its integers are signed, and no ledger has 2^63 entries. */
static sqlite3_int64 key_of(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number;
}

static enum fault failed(struct segment *segment, const char *what, int result)
{
    return database_failed(segment->db, segment->part, what, result);
}

enum fault segment_newest(struct segment *segment, uint64_t *seq, uint64_t *block)
{
    enum fault fault = FAULT_NONE;
    int const result = sqlite3_step(segment->newest);
    if (result == SQLITE_ROW) {
        *seq = (uint64_t)sqlite3_column_int64(segment->newest, 0);
        *block = (uint64_t)sqlite3_column_int64(segment->newest, 1);
    } else {
        fault = failed(segment, "newest entry", result);
    }
    (void)sqlite3_reset(segment->newest);
    return fault;
}

/* Copies the one blob of `size` bytes that `statement` finds under `key`. */
static enum fault fixed_blob(struct segment *segment, sqlite3_stmt *statement, uint64_t key,
                             void *bytes, size_t size)
{
    enum fault fault = FAULT_NONE;
    (void)sqlite3_bind_int64(statement, 1, key_of(key));
    int const result = sqlite3_step(statement);
    if (result == SQLITE_DONE) {
        fault = FAULT_NOT_FOUND;
    } else if (result != SQLITE_ROW) {
        fault = failed(segment, sqlite3_sql(statement), result);
    } else if ((size_t)sqlite3_column_bytes(statement, 0) != size) {
        LOG(LOG_ERROR, segment->part, "row %" PRIu64 " of '%s' has another size than %zu", key,
            sqlite3_sql(statement), size);
        fault = FAULT_CORRUPT;
    } else {
        memcpy(bytes, sqlite3_column_blob(statement, 0), size);
    }
    (void)sqlite3_reset(statement);
    return fault;
}

enum fault segment_header(struct segment *segment, uint64_t number, struct block_header *header)
{
    if (number == 0) return FAULT_NOT_FOUND;
    enum fault const fault = fixed_blob(segment, segment->header, number, header, sizeof *header);
    if (fault != FAULT_NONE) return fault;
    if (header->version != BLOCK_VERSION) {
        LOG(LOG_ERROR, segment->part, "block %" PRIu64 " has version %" PRIu32, number,
            header->version);
        return FAULT_VERSION;
    }
    if (header->number != number || header->entry_count < 1 ||
        header->entry_count > BLOCK_ENTRIES_MAX || header->first_seq < 1 ||
        header->last_seq - header->first_seq != header->entry_count - 1) {
        LOG(LOG_ERROR, segment->part, "the header of block %" PRIu64 " contradicts itself", number);
        return FAULT_CORRUPT;
    }
    return FAULT_NONE;
}

enum fault segment_hash(struct segment *segment, uint64_t seq, struct hash *hash)
{
    if (seq == 0) {
        *hash = (struct hash){0};
        return FAULT_NONE;
    }
    return fixed_blob(segment, segment->entry_hash, seq, hash, sizeof *hash);
}

enum fault segment_start(struct segment *segment, uint64_t from_seq, uint64_t to_seq)
{
    int result = sqlite3_bind_int64(segment->rows, 1, key_of(from_seq));
    if (result == SQLITE_OK) result = sqlite3_bind_int64(segment->rows, 2, key_of(to_seq));
    return result == SQLITE_OK ? FAULT_NONE : failed(segment, "read entries", result);
}

void segment_stop(struct segment *segment)
{
    (void)sqlite3_reset(segment->rows);
    (void)sqlite3_reset(segment->body);
}

static enum fault corrupt(struct segment *segment, uint64_t seq, const char *words)
{
    LOG(LOG_ERROR, segment->part, "entry %" PRIu64 ": %s", seq, words);
    return FAULT_CORRUPT;
}

/* The body of the row at hand: its own, that of an earlier entry, or none. */
static enum fault row_body(struct segment *segment, uint64_t seq, struct span *body)
{
    enum { BODY = 4, BODY_SEQ = 5 };
    *body = span_of(NULL, 0);
    bool const own = sqlite3_column_type(segment->rows, BODY) != SQLITE_NULL;
    bool const shared = sqlite3_column_type(segment->rows, BODY_SEQ) != SQLITE_NULL;
    if (own && shared) return corrupt(segment, seq, "has a body and shares another");

    sqlite3_stmt *statement = segment->rows;
    int column = BODY;
    if (shared) {
        uint64_t const owner = (uint64_t)sqlite3_column_int64(segment->rows, BODY_SEQ);
        if (owner >= seq) return corrupt(segment, seq, "shares the body of a later entry");
        statement = segment->body;
        column = 0;
        (void)sqlite3_reset(statement);
        (void)sqlite3_bind_int64(statement, 1, key_of(owner));
        int const result = sqlite3_step(statement);
        if (result == SQLITE_DONE) return corrupt(segment, seq, "shares a body that is not there");
        if (result != SQLITE_ROW) return failed(segment, "read a shared body", result);
    }
    if (own || shared) {
        /* The blob first, then its size: SQLite's own order. */
        const void *bytes = sqlite3_column_blob(statement, column);
        size_t const size = (size_t)sqlite3_column_bytes(statement, column);
        if (size == 0 || size > ENTRY_BODY_BYTES_MAX)
            return corrupt(segment, seq, "has a body of an impossible size");
        *body = span_of(bytes, size);
    }
    return FAULT_NONE;
}

static bool take_blob(sqlite3_stmt *statement, int column, void *bytes, size_t size)
{
    const void *blob = sqlite3_column_blob(statement, column);
    if (blob == NULL || (size_t)sqlite3_column_bytes(statement, column) != size) return false;
    memcpy(bytes, blob, size);
    return true;
}

enum fault segment_next(struct segment *segment, uint64_t seq, struct entry *entry,
                        struct span *body)
{
    int const result = sqlite3_step(segment->rows);
    if (result == SQLITE_DONE) return FAULT_NOT_FOUND;
    if (result != SQLITE_ROW) return failed(segment, "read entries", result);

    if ((uint64_t)sqlite3_column_int64(segment->rows, 0) != seq)
        return corrupt(segment, seq, "is missing");
    if (!take_blob(segment->rows, 1, &entry->public, sizeof entry->public) ||
        !take_blob(segment->rows, 2, &entry->private, sizeof entry->private) ||
        !take_blob(segment->rows, 3, &entry->hash, sizeof entry->hash))
        return corrupt(segment, seq, "has a part of another size");
    enum fault const fault = row_body(segment, seq, body);
    if (fault != FAULT_NONE) return fault;

    entry->body_hash = body->size ? hash_of(*body) : (struct hash){0};
    struct hash const hash = entry_hash(entry);
    if (!hash_equal(&hash, &entry->hash))
        return corrupt(segment, seq, "does not match its hash, or does not follow the one before");
    if (entry->public.seq != seq) return corrupt(segment, seq, "calls itself by another sequence");
    if (entry->public.version != ENTRY_VERSION || entry->private.version != ENTRY_VERSION) {
        LOG(LOG_ERROR, segment->part, "entry %" PRIu64 " has version %" PRIu32 ".%" PRIu32, seq,
            entry->public.version, entry->private.version);
        return FAULT_VERSION;
    }
    return FAULT_NONE;
}

enum fault segment_read_opening(const struct entry *entry, struct span body,
                                struct segment_opening *opening)
{
    uint64_t version = 0;
    struct span ledger_id;
    if (entry->public.kind != ENTRY_SEGMENT ||
        !body_find_number(body, BODY_FORMAT_VERSION, &version) ||
        !body_find_number(body, BODY_SEGMENT_NUMBER, &opening->number) ||
        !body_find(body, BODY_LEDGER_ID, &ledger_id) || ledger_id.size != SEGMENT_LEDGER_ID_BYTES)
        return FAULT_CORRUPT;
    if (version != SEGMENT_FORMAT_VERSION) return FAULT_VERSION;
    memcpy(opening->ledger_id, ledger_id.bytes, SEGMENT_LEDGER_ID_BYTES);
    return FAULT_NONE;
}
