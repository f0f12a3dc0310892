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

#include "ledger/series.h"
#include "proto/base/log.h"
#include "proto/record/body.h"

/* Never edit: a file made by an earlier version of the program has it as it was then.
 * INSERT OR REPLACE would pass the triggers on DELETE by; so an insert must go behind the last. */
/* clang-format off */
static const char schema[] =
    "BEGIN IMMEDIATE;"

    "CREATE TABLE entries("
    " seq INTEGER PRIMARY KEY,"
    " public BLOB NOT NULL CHECK(length(public) = 208),"
    " private BLOB NOT NULL CHECK(length(private) = 192),"
    " hash BLOB NOT NULL CHECK(length(hash) = 32),"
    " body BLOB,"
    " body_seq INTEGER"
    ") STRICT;"

    "CREATE TABLE blocks("
    " number INTEGER PRIMARY KEY,"
    " header BLOB NOT NULL CHECK(length(header) = 104)"
    ") STRICT;"

    "CREATE TABLE evidence("
    " block INTEGER PRIMARY KEY,"
    " frame BLOB NOT NULL"
    ") STRICT;"

    "CREATE TRIGGER entries_insert BEFORE INSERT ON entries"
    " WHEN NEW.seq <= (SELECT max(seq) FROM entries)"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"
    "CREATE TRIGGER entries_update BEFORE UPDATE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"
    "CREATE TRIGGER entries_delete BEFORE DELETE ON entries"
    " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;"

    "CREATE TRIGGER blocks_insert BEFORE INSERT ON blocks"
    " WHEN NEW.number <= (SELECT max(number) FROM blocks)"
    " BEGIN SELECT RAISE(ABORT, 'blocks are append-only'); END;"
    "CREATE TRIGGER blocks_update BEFORE UPDATE ON blocks"
    " BEGIN SELECT RAISE(ABORT, 'blocks are append-only'); END;"
    "CREATE TRIGGER blocks_delete BEFORE DELETE ON blocks"
    " BEGIN SELECT RAISE(ABORT, 'blocks are append-only'); END;"

    "CREATE TRIGGER evidence_insert BEFORE INSERT ON evidence"
    " WHEN NEW.block <= (SELECT max(block) FROM evidence)"
    " BEGIN SELECT RAISE(ABORT, 'evidence are append-only'); END;"
    "CREATE TRIGGER evidence_update BEFORE UPDATE ON evidence"
    " BEGIN SELECT RAISE(ABORT, 'evidence are append-only'); END;"
    "CREATE TRIGGER evidence_delete BEFORE DELETE ON evidence"
    " BEGIN SELECT RAISE(ABORT, 'evidence are append-only'); END;"

    "PRAGMA application_id = 0x43617563;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* synchronous = EXTRA until the log is on: the switch to it goes by a rollback journal, whose removal
 * must be on disk, or a later start would roll committed entries back with it.
 * journal_size_limit: a write-ahead log that a reader made longer is cut when it starts again.
 * secure_delete: Debian's default zeroes what is freed; nothing is ever freed here. */
static const char settings[] =
    "PRAGMA page_size = 8192;"
    "PRAGMA synchronous = EXTRA;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA secure_delete = OFF;"
    "PRAGMA temp_store = MEMORY;";
/* clang-format on */

/* The literals above: neither CREATE TABLE nor PRAGMA takes a parameter. */
static_assert(ENTRY_PUBLIC_BYTES == 208 && ENTRY_PRIVATE_BYTES == 192, "public, private");
static_assert(HASH_BYTES == 32 && BLOCK_HEADER_BYTES == 104, "hash, header");
static_assert(SEGMENT_APPLICATION_ID == 0x43617563 && SEGMENT_FORMAT_VERSION == 1, "format");
static_assert(SEGMENT_PAGE_BYTES == 8192 && LIMIT_WAL_BYTES == 67108864, "page_size, size_limit");

static const struct database_format format = {SEGMENT_APPLICATION_ID, SEGMENT_FORMAT_VERSION,
                                              schema};

enum fault segment_open(struct segment *segment, const char *part, const char *directory,
                        const char *vfs, uint64_t number, enum database_use use)
{
    *segment = (struct segment){.part = part, .number = number};
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&segment->rows, "SELECT seq, public, private, hash, body, body_seq FROM entries"
                         " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"},
        {&segment->body, "SELECT body FROM entries WHERE seq = ?1"},
        {&segment->entry_hash, "SELECT hash FROM entries WHERE seq = ?1"},
        {&segment->header, "SELECT header FROM blocks WHERE number = ?1"},
        {&segment->frame, "SELECT frame FROM evidence WHERE block = ?1"},
        {&segment->extent, "SELECT (SELECT min(seq) FROM entries), (SELECT max(seq) FROM entries),"
                           " (SELECT min(number) FROM blocks), (SELECT max(number) FROM blocks)"},
    };

    char name[SERIES_NAME_BYTES], path[DATABASE_PATH_BYTES];
    series_name(number, name);
    enum fault fault = database_path(path, directory, name);
    if (fault != FAULT_NONE) return fault;
    fault = database_open(&segment->db, part, path, vfs, use);
    if (fault != FAULT_NONE) return fault;
    /* What is taken over must be whole already; settings would make something of it. */
    if (use == DATABASE_TAKE_OVER) fault = database_check(segment->db, part, name, &format, false);
    if (fault == FAULT_NONE && (use == DATABASE_WRITE || use == DATABASE_TAKE_OVER))
        fault = database_run(segment->db, part, settings);
    if (fault == FAULT_NONE && use != DATABASE_TAKE_OVER)
        fault = database_check(segment->db, part, name, &format, use == DATABASE_WRITE);
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
    (void)sqlite3_finalize(segment->frame);
    (void)sqlite3_finalize(segment->extent);
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

enum fault segment_extent(struct segment *segment, struct segment_extent *extent)
{
    sqlite3_stmt *statement = segment->extent;
    enum fault fault = FAULT_NONE;
    int const result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *extent = (struct segment_extent){
            .first_seq = (uint64_t)sqlite3_column_int64(statement, 0),
            .last_seq = (uint64_t)sqlite3_column_int64(statement, 1),
            .first_block = (uint64_t)sqlite3_column_int64(statement, 2),
            .last_block = (uint64_t)sqlite3_column_int64(statement, 3),
        };
    else
        fault = failed(segment, "first and newest entry", result);
    (void)sqlite3_reset(statement);
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

enum fault segment_read_header(const struct segment *segment, uint64_t number, struct span bytes,
                               struct block_header *header)
{
    if (bytes.size != sizeof *header) {
        LOG(LOG_ERROR, segment->part, "the header of block %" PRIu64 " has another size", number);
        return FAULT_CORRUPT;
    }
    memcpy(header, bytes.bytes, sizeof *header);
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

enum fault segment_header(struct segment *segment, uint64_t number, struct block_header *header)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    if (number == 0) return FAULT_NOT_FOUND;
    enum fault const fault = fixed_blob(segment, segment->header, number, bytes, sizeof bytes);
    if (fault != FAULT_NONE) return fault;
    return segment_read_header(segment, number, span_of(bytes, sizeof bytes), header);
}

enum fault segment_frame(struct segment *segment, uint64_t block, struct span *frame)
{
    (void)sqlite3_bind_int64(segment->frame, 1, key_of(block));
    int const result = sqlite3_step(segment->frame);
    if (result == SQLITE_DONE) return FAULT_NOT_FOUND;
    if (result != SQLITE_ROW) return failed(segment, "read a frame", result);
    const void *bytes = sqlite3_column_blob(segment->frame, 0);
    *frame = span_of(bytes, (size_t)sqlite3_column_bytes(segment->frame, 0));
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
    (void)sqlite3_reset(segment->frame);
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

static bool find_hash(struct span body, enum body_tag tag, struct hash *hash)
{
    struct span bytes;
    if (!body_find(body, tag, &bytes) || bytes.size != sizeof *hash) return false;
    memcpy(hash, bytes.bytes, sizeof *hash);
    return true;
}

enum fault segment_read_opening(const struct entry *entry, struct span body,
                                struct segment_opening *opening)
{
    uint64_t version = 0;
    struct span ledger_id;
    if (entry->public.kind != ENTRY_SEGMENT ||
        !body_find_number(body, BODY_FORMAT_VERSION, &version) ||
        !body_find_number(body, BODY_SEGMENT_NUMBER, &opening->number) ||
        !body_find(body, BODY_LEDGER_ID, &ledger_id) || ledger_id.size != SEGMENT_LEDGER_ID_BYTES ||
        !find_hash(body, BODY_PREVIOUS_HEAD, &opening->previous_head) ||
        !find_hash(body, BODY_PREVIOUS_BLOCK, &opening->previous_block))
        return FAULT_CORRUPT;
    if (version != SEGMENT_FORMAT_VERSION) return FAULT_VERSION;
    memcpy(opening->ledger_id, ledger_id.bytes, SEGMENT_LEDGER_ID_BYTES);
    return FAULT_NONE;
}

/* The head that the body of entry `seq` repeats; whether it is true shows in the entry's hash. */
static enum fault repeated_head(struct segment *segment, uint64_t seq, struct hash *head)
{
    (void)sqlite3_bind_int64(segment->body, 1, key_of(seq));
    int const result = sqlite3_step(segment->body);
    enum fault fault = FAULT_NONE;
    if (result == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(segment->body, 0);
        struct span const body = span_of(bytes, (size_t)sqlite3_column_bytes(segment->body, 0));
        if (!find_hash(body, BODY_PREVIOUS_HEAD, head))
            fault = corrupt(segment, seq, "opens no segment");
    } else {
        fault = failed(segment, "read the first entry", result);
    }
    (void)sqlite3_reset(segment->body);
    return fault;
}

enum fault segment_first(struct segment *segment, struct segment_opening *opening)
{
    struct segment_extent extent = {0};
    struct entry entry;
    struct span body;
    enum fault fault = segment_extent(segment, &extent);
    if (fault != FAULT_NONE) return fault;
    uint64_t const seq = extent.first_seq;
    if (seq == 0) return FAULT_NOT_FOUND;
    fault = repeated_head(segment, seq, &entry.prev_hash);
    if (fault == FAULT_NONE) fault = segment_start(segment, seq, seq);
    if (fault == FAULT_NONE) fault = segment_next(segment, seq, &entry, &body);
    if (fault == FAULT_NONE) fault = segment_read_opening(&entry, body, opening);
    segment_stop(segment);
    if (fault == FAULT_NONE && opening->number != segment->number) fault = FAULT_CORRUPT;
    if (fault == FAULT_CORRUPT || fault == FAULT_VERSION)
        LOG(LOG_ERROR, segment->part, "entry %" PRIu64 " does not open segment %" PRIu64 ": %s",
            seq, segment->number, fault_words(fault));
    return fault;
}
