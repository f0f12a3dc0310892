/* index.db: rows for what people look for, written beside the walk of the follower.
 *
 * The happy path:
 *   open     lock, open the file, see that it goes on from an entry of this very ledger;
 *   entry    the first one begins a transaction; rows are added to it, a decided payment's row changes;
 *   commit   the participants' newest numbers and how far it all has come, then COMMIT.
 *
 * Possible failures: the file is none of ours, or not of this ledger, at the opening (it is removed
 * and made anew); SQLite refuses, or an entry does not follow, later (`give_up`: the transaction is
 * rolled back, the memory no longer fits the file, and the owner opens the index again).
 *
 * Every table grows at its right edge, or at one edge per participant, or within one period of ids:
 * what a commit touches does not depend on how much there is. */
#include "ledger/index.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"
#include "ledger/index_schema.h"
#include "ledger/party.h"
#include "proto/base/log.h"
#include "proto/record/day.h"

#define PART "index"
#define LOCK_FILE "index.lock"

/* Pages of 4 KiB after which the write-ahead log is moved: 32 MiB, about four large commits. */
#define CHECKPOINT_PAGES 8192

struct index {
    const char *directory, *vfs;
    uint8_t ledger_id[READER_LEDGER_ID_BYTES];
    sqlite3 *lock; /* in an exclusive transaction for as long as the index is open */
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *move;
    sqlite3_stmt *add_participant, *set_participant;
    sqlite3_stmt *add_payment, *opened, *decide, *add_id, *add_party;
    sqlite3_stmt *add_return, *add_number, *add_day;
    uint64_t committed_seq; /* <= seq */
    uint64_t seq;           /* of the entry taken last */
    struct hash hash;       /* of that entry */
    bool is_open;           /* a transaction is */
    bool failed;            /* set once, never cleared */
    bool is_unfit;          /* the file is to be removed, for the next opening to make it anew */
    struct party_table parties;
};

int64_t index_key(const struct payment_id *id)
{
    struct hash const hash = hash_of(identifier_payment_id_text(id));
    int64_t key;
    memcpy(&key, hash.bytes, sizeof key);
    return key;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum fault prepare_all(struct index *index)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&index->begin, "BEGIN IMMEDIATE"},
        {&index->commit, "COMMIT"},
        {&index->move, "UPDATE ledger SET seq = ?1, hash = ?2"},
        {&index->add_participant, "INSERT INTO participants VALUES (?1, ?2, 0, 0)"},
        {&index->set_participant,
         "UPDATE participants SET number = ?2, seq = ?3 WHERE ordinal = ?1"},
        {&index->add_payment, "INSERT INTO payments VALUES"
                              " (?1, ?2, ?1, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
        {&index->opened, "SELECT kind, amount_minor, returned_seq FROM payments WHERE seq = ?1"},
        {&index->decide, "UPDATE payments SET kind = ?2, newest_seq = ?3, newest_ns = ?4,"
                         " reason = ?5 WHERE seq = ?1"},
        {&index->add_id, "INSERT INTO ids VALUES (?1, ?2, ?3)"},
        {&index->add_party, "INSERT INTO parties VALUES (?1, ?2)"},
        {&index->add_return,
         "INSERT INTO returns VALUES (?1, ?2, ?3) ON CONFLICT (original) DO UPDATE SET"
         " settled_minor = settled_minor + excluded.settled_minor,"
         " open_minor = open_minor + excluded.open_minor"},
        {&index->add_number, "INSERT INTO numbers VALUES (?1, ?2, ?3)"},
        {&index->add_day, "INSERT INTO days VALUES (?1, ?2, ?3)"},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        enum fault const fault =
            database_prepare(index->db, PART, statements[i].sql, statements[i].statement);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

static void close_file(struct index *index)
{
    sqlite3_stmt *statement;
    while (index->db && (statement = sqlite3_next_stmt(index->db, NULL)) != NULL)
        (void)sqlite3_finalize(statement);
    /* The only connection that writes: it may move its log when it closes, unless a sync has failed,
     * on which nothing may be built before the log is renewed (database.h). */
    if (index->db && !index->failed)
        (void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    (void)sqlite3_close(index->db);
    index->db = NULL;
    index->is_open = false;
}

/* The row of how far it has come.  FAULT_NOT_FOUND: it is missing, or of another ledger. */
static enum fault load_place(struct index *index)
{
    sqlite3_stmt *read = NULL;
    enum fault fault = database_prepare(index->db, PART, "SELECT id, seq, hash FROM ledger", &read);
    if (fault != FAULT_NONE) return fault;
    int const result = sqlite3_step(read);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        fault = database_failed(index->db, PART, "read its place", result);
    } else if (result == SQLITE_DONE || sqlite3_column_bytes(read, 0) != READER_LEDGER_ID_BYTES ||
               memcmp(sqlite3_column_blob(read, 0), index->ledger_id, READER_LEDGER_ID_BYTES) !=
                   0) {
        fault = FAULT_NOT_FOUND;
    } else if (sqlite3_column_int64(read, 1) < 0 || sqlite3_column_bytes(read, 2) != HASH_BYTES) {
        fault = FAULT_CORRUPT;
    } else {
        index->seq = (uint64_t)sqlite3_column_int64(read, 1);
        memcpy(index->hash.bytes, sqlite3_column_blob(read, 2), HASH_BYTES);
    }
    (void)sqlite3_finalize(read);
    return fault;
}

static enum fault load_parties(struct index *index)
{
    sqlite3_stmt *rows = NULL;
    int result = SQLITE_DONE;
    enum fault fault = database_prepare(
        index->db, PART, "SELECT ordinal, code, number, seq FROM participants ORDER BY ordinal",
        &rows);
    while (fault == FAULT_NONE && (result = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *code = (const char *)sqlite3_column_text(rows, 1);
        struct party party = {.number = (uint64_t)sqlite3_column_int64(rows, 2),
                              .seq = (uint64_t)sqlite3_column_int64(rows, 3)};
        if (sqlite3_column_int64(rows, 0) != (int64_t)index->parties.count + 1 || code == NULL ||
            !identifier_parse_code(span_text(code), &party.code))
            fault = FAULT_CORRUPT;
        else
            fault = party_add(&index->parties, &party);
    }
    if (fault == FAULT_NONE && result != SQLITE_DONE)
        fault = database_failed(index->db, PART, "read participants", result);
    (void)sqlite3_finalize(rows);
    return fault == FAULT_FULL ? FAULT_CORRUPT : fault;
}

/* The hash of the entry up to which it has come is that of the ledger's entry there? A ledger that
 * was restored from a copy may have gone another way since. */
static enum fault compare(const struct index *index, struct reader *reader)
{
    struct entry entry;
    if (index->seq == 0) return FAULT_NONE;
    enum fault const fault = reader_entry(reader, index->seq, &entry, NULL);
    if (fault != FAULT_NONE) return fault;
    return hash_equal(&entry.hash, &index->hash) ? FAULT_NONE : FAULT_NOT_FOUND;
}

/* Opens the file, which is made with its tables when it is absent, and reads where it has come to.
 * FAULT_NOT_FOUND: it has not begun. */
static enum fault open_file(struct index *index)
{
    char path[DATABASE_PATH_BYTES];
    index->seq = index->committed_seq = 0;
    index->hash = (struct hash){0};
    party_clear(&index->parties);

    enum fault fault = database_path(path, index->directory, INDEX_FILE);
    if (fault == FAULT_NONE)
        fault = database_open(&index->db, PART, path, index->vfs, DATABASE_WRITE);
    if (fault == FAULT_NONE) fault = database_run(index->db, PART, index_schema_settings);
    if (fault != FAULT_NONE) return fault;
    database_checkpoint_above(index->db, CHECKPOINT_PAGES);
    fault = database_check(index->db, PART, INDEX_FILE, &index_schema, true);
    if (fault == FAULT_NONE) fault = prepare_all(index);
    if (fault == FAULT_IO) fault = FAULT_CORRUPT; /* not the tables that its version promises */
    if (fault == FAULT_NONE) fault = load_place(index);
    if (fault == FAULT_NONE) fault = load_parties(index);
    index->committed_seq = index->seq;
    return fault;
}

/* Writes whose index it is. */
static enum fault claim(struct index *index)
{
    static const struct hash none;
    sqlite3_stmt *write = NULL;
    enum fault fault = database_prepare(
        index->db, PART, "INSERT OR REPLACE INTO ledger VALUES (1, ?1, 0, ?2)", &write);
    if (fault != FAULT_NONE) return fault;
    (void)sqlite3_bind_blob(write, 1, index->ledger_id, READER_LEDGER_ID_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_blob(write, 2, none.bytes, HASH_BYTES, SQLITE_STATIC);
    int const result = sqlite3_step(write);
    if (result != SQLITE_DONE) fault = database_failed(index->db, PART, "claim", result);
    (void)sqlite3_finalize(write);
    return fault;
}

/* Removes the file and what SQLite keeps beside it.  Who still reads it keeps what was there. */
static enum fault remove_file(const struct index *index)
{
    static const char *const ends[] = {"-wal", "-shm", "-journal", ""};
    sqlite3_vfs *vfs = sqlite3_vfs_find(index->vfs);
    char path[DATABASE_PATH_BYTES], name[sizeof INDEX_FILE + 8];
    bool exists = false;
    if (vfs == NULL) return FAULT_IO;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", INDEX_FILE, ends[i]);
        enum fault const fault = database_path(path, index->directory, name);
        if (fault != FAULT_NONE) return fault;
        (void)vfs->xDelete(vfs, path, 0);
    }
    enum fault const fault = database_exists(path, index->vfs, &exists);
    if (fault == FAULT_NONE && !exists) return FAULT_NONE;
    LOG(LOG_ERROR, PART, "cannot remove %s", path);
    return FAULT_IO;
}

static enum fault make_anew(struct index *index)
{
    close_file(index);
    enum fault fault = remove_file(index);
    if (fault == FAULT_NONE) fault = open_file(index);
    return fault == FAULT_NOT_FOUND ? claim(index) : fault;
}

enum fault index_open(struct index **out, const char *directory, const char *vfs,
                      struct reader *reader)
{
    struct index *index = calloc(1, sizeof *index);
    if (index == NULL) return FAULT_MEMORY;
    index->directory = directory;
    index->vfs = vfs;
    enum fault fault = reader_ledger_id(reader, index->ledger_id);
    if (fault == FAULT_NONE)
        fault = database_lock(&index->lock, PART, index->directory, LOCK_FILE, index->vfs, "index");
    if (fault != FAULT_NONE) goto failed;

    fault = open_file(index);
    if (fault == FAULT_NONE) fault = compare(index, reader);
    if (fault == FAULT_NOT_FOUND || fault == FAULT_CORRUPT || fault == FAULT_VERSION) {
        LOG(LOG_INFO, PART, "%s/%s is made anew: %s", directory, INDEX_FILE,
            fault == FAULT_NOT_FOUND ? "there is none of this ledger" : fault_words(fault));
        fault = make_anew(index);
    }
    if (fault != FAULT_NONE) goto failed;
    *out = index;
    return FAULT_NONE;

failed:
    index_close(index);
    return fault;
}

enum fault index_clear(struct index *index)
{
    enum fault const fault = make_anew(index);
    index->failed = fault != FAULT_NONE;
    index->is_unfit = false;
    return fault;
}

void index_close(struct index *index)
{
    if (index == NULL) return;
    close_file(index);
    if (index->is_unfit) (void)remove_file(index);
    (void)sqlite3_close(index->lock);
    free(index);
}

uint64_t index_seq(const struct index *index)
{
    return index->committed_seq;
}

uint64_t index_next_seq(const struct index *index)
{
    return index->seq + 1;
}

/* --- entries ---------------------------------------------------------------------------------- */

static enum fault run(struct index *index, sqlite3_stmt *statement, const char *what)
{
    int const result = database_step(statement);
    return result == SQLITE_OK ? FAULT_NONE : database_failed(index->db, PART, what, result);
}

static void bind(sqlite3_stmt *statement, int at, uint64_t number)
{
    (void)sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
}

/* An empty text is NULL; the bytes must be good until the statement has run. */
static void bind_text(sqlite3_stmt *statement, int at, struct span text)
{
    if (text.size == 0)
        (void)sqlite3_bind_null(statement, at);
    else
        (void)sqlite3_bind_text(statement, at, text.bytes, (int)text.size, SQLITE_STATIC);
}

static void bind_or_null(sqlite3_stmt *statement, int at, uint64_t number)
{
    if (number == 0)
        (void)sqlite3_bind_null(statement, at);
    else
        bind(statement, at, number);
}

static enum fault join(struct index *index, const struct entry *entry)
{
    struct party const party = {.code = entry->public.payee};
    enum fault const fault = party_add(&index->parties, &party);
    if (fault != FAULT_NONE) return fault;
    bind(index->add_participant, 1, index->parties.count);
    bind_text(index->add_participant, 2, identifier_code_text(&entry->public.payee));
    return run(index, index->add_participant, "add a participant");
}

/* A payment is listed once under each participant that it names. */
static enum fault list_parties(struct index *index, const struct entry_public *public)
{
    uint16_t const named[] = {party_find(&index->parties, public->payer),
                              party_find(&index->parties, public->payee),
                              party_find(&index->parties, public->payer_agent),
                              party_find(&index->parties, public->payee_agent)};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        bool is_listed = named[i] == 0;
        for (size_t k = 0; k < i; k++)
            is_listed = is_listed || named[k] == named[i];
        if (is_listed) continue;
        bind(index->add_party, 1, named[i]);
        bind(index->add_party, 2, public->seq);
        enum fault const fault = run(index, index->add_party, "list a payment");
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

static enum fault add_return(struct index *index, uint64_t original, int64_t settled_minor,
                             int64_t open_minor)
{
    bind(index->add_return, 1, original);
    (void)sqlite3_bind_int64(index->add_return, 2, settled_minor);
    (void)sqlite3_bind_int64(index->add_return, 3, open_minor);
    return run(index, index->add_return, "count a return");
}

/* An agent that is itself the participant, as nearly all are, is not written twice. */
static struct span agent_text(const struct participant_code *agent,
                              const struct participant_code *participant)
{
    return identifier_code_equal(*agent, *participant) ? (struct span){0}
                                                       : identifier_code_text(agent);
}

/* Reserved or refused. */
static enum fault open_payment(struct index *index, const struct entry *entry)
{
    const struct entry_public *const public = &entry->public;
    sqlite3_stmt *const add = index->add_payment;
    if (public->id.size == 0 || public->id.size > PAYMENT_ID_BYTES) return FAULT_CORRUPT;
    bind(add, 1, public->seq);
    bind(add, 2, public->kind);
    bind(add, 3, (uint64_t) public->time_ns);
    bind_or_null(add, 4, party_find(&index->parties, public->payer));
    bind_or_null(add, 5, party_find(&index->parties, public->payee));
    bind_text(add, 6, agent_text(&public->payer_agent, &public->payer));
    bind_text(add, 7, agent_text(&public->payee_agent, &public->payee));
    (void)sqlite3_bind_int64(add, 8, amount_minor(public->amount));
    bind_text(add, 9, identifier_payment_id_text(&public->id));
    bind_text(add, 10, identifier_reason_text(&public->reason));
    bind_or_null(add, 11, public->returned_seq);
    enum fault fault = run(index, add, "add a payment");
    if (fault != FAULT_NONE) return fault;

    bind(index->add_id, 1, public->seq / INDEX_PERIOD_ENTRIES);
    (void)sqlite3_bind_int64(index->add_id, 2, index_key(&public->id));
    bind(index->add_id, 3, public->seq);
    fault = run(index, index->add_id, "add an id");
    if (fault == FAULT_NONE) fault = list_parties(index, public);
    if (fault == FAULT_NONE && public->kind == ENTRY_RESERVED && public->returned_seq != 0)
        fault = add_return(index, public->returned_seq, 0, amount_minor(public->amount));
    return fault;
}

/* Settled, rejected or expired: the payment's row tells how it ended. */
static enum fault decide_payment(struct index *index, const struct entry *entry)
{
    const struct entry_public *const public = &entry->public;
    bind(index->opened, 1, public->opened_by);
    int const result = sqlite3_step(index->opened);
    bool const is_open =
        result == SQLITE_ROW && sqlite3_column_int(index->opened, 0) == ENTRY_RESERVED;
    int64_t const minor = sqlite3_column_int64(index->opened, 1);
    uint64_t const original = (uint64_t)sqlite3_column_int64(index->opened, 2);
    (void)sqlite3_reset(index->opened);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return database_failed(index->db, PART, "read a payment", result);
    if (!is_open) return FAULT_CORRUPT;

    bind(index->decide, 1, public->opened_by);
    bind(index->decide, 2, public->kind);
    bind(index->decide, 3, public->seq);
    bind(index->decide, 4, (uint64_t) public->time_ns);
    bind_text(index->decide, 5, identifier_reason_text(&public->reason));
    enum fault const fault = run(index, index->decide, "decide a payment");
    if (fault != FAULT_NONE || original == 0) return fault;
    return add_return(index, original, public->kind == ENTRY_SETTLED ? minor : 0, -minor);
}

static enum fault close_day(struct index *index, const struct entry *entry, struct span body)
{
    struct day_close close;
    if (!day_read(body, &close)) return FAULT_CORRUPT;
    bind_text(index->add_day, 1, day_text(&close.day));
    bind(index->add_day, 2, close.first_seq);
    bind(index->add_day, 3, entry->public.seq);
    return run(index, index->add_day, "add a day");
}

/* Notes the own number of each side that takes one. */
static enum fault number_sides(struct index *index, const struct entry *entry)
{
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        uint64_t const number = entry->public.sides[side].number;
        if (number == 0) continue;
        uint16_t const ordinal = party_find(&index->parties, entry_participant(entry, side));
        if (ordinal == 0 || number != index->parties.parties[ordinal - 1].number + 1)
            return FAULT_CORRUPT;
        struct party *const party = &index->parties.parties[ordinal - 1];
        party->number = number;
        party->seq = entry->public.seq;
        party->is_changed = true;
        if (number % INDEX_STRIDE != 0) continue;
        bind(index->add_number, 1, ordinal);
        bind(index->add_number, 2, number);
        bind(index->add_number, 3, entry->public.seq);
        enum fault const fault = run(index, index->add_number, "add a number");
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

static enum fault take(struct index *index, const struct entry *entry, struct span body)
{
    switch ((enum entry_kind)entry->public.kind) {
    case ENTRY_JOINED: return join(index, entry);
    case ENTRY_RESERVED:
    case ENTRY_REFUSED: return open_payment(index, entry);
    case ENTRY_SETTLED:
    case ENTRY_REJECTED:
    case ENTRY_EXPIRED: return decide_payment(index, entry);
    case ENTRY_DAY: return close_day(index, entry, body);
    case ENTRY_SEGMENT:
    case ENTRY_CERTIFICATE:
    case ENTRY_FUNDED: return FAULT_NONE;
    }
    return FAULT_CORRUPT; /* the reader lets no other pass */
}

static enum fault give_up(struct index *index, enum fault fault)
{
    if (index->is_open) (void)sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
    index->is_open = false;
    index->failed = true;
    index->is_unfit = fault == FAULT_CORRUPT;
    return fault;
}

enum fault index_entry(struct index *index, const struct entry *entry, struct span body)
{
    assert(entry->public.seq == index->seq + 1);
    if (index->failed) return FAULT_CLOSED;
    enum fault fault = FAULT_NONE;
    if (!index->is_open) fault = run(index, index->begin, "begin");
    if (fault != FAULT_NONE) return give_up(index, fault);
    index->is_open = true;

    fault = take(index, entry, body);
    if (fault == FAULT_NONE) fault = number_sides(index, entry);
    if (fault == FAULT_CORRUPT)
        LOG(LOG_ERROR, PART, "entry %" PRIu64 " does not follow from what is in the index",
            entry->public.seq);
    if (fault != FAULT_NONE) return give_up(index, fault);
    index->seq = entry->public.seq;
    index->hash = entry->hash;
    return FAULT_NONE;
}

enum fault index_commit(struct index *index)
{
    if (index->failed) return FAULT_CLOSED;
    if (!index->is_open) return FAULT_NONE;
    enum fault fault = FAULT_NONE;
    for (uint32_t i = 0; fault == FAULT_NONE && i < index->parties.count; i++) {
        struct party *const party = &index->parties.parties[i];
        if (!party->is_changed) continue;
        party->is_changed = false;
        bind(index->set_participant, 1, i + 1);
        bind(index->set_participant, 2, party->number);
        bind(index->set_participant, 3, party->seq);
        fault = run(index, index->set_participant, "note a number");
    }
    bind(index->move, 1, index->seq);
    (void)sqlite3_bind_blob(index->move, 2, index->hash.bytes, HASH_BYTES, SQLITE_STATIC);
    if (fault == FAULT_NONE) fault = run(index, index->move, "note its place");
    if (fault == FAULT_NONE) fault = run(index, index->commit, "commit");
    if (fault != FAULT_NONE) return give_up(index, fault);
    index->is_open = false;
    index->committed_seq = index->seq;
    return FAULT_NONE;
}
