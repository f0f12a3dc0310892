/* The settlement thread's only way to the disk.
 *
 * The happy path:
 *   append   link the entry to the one before it and stage it with its body and its message;
 *   commit   BEGIN, one row per entry, one block, one frame of evidence, COMMIT (which syncs), then
 *            move `durable_seq`;
 *   idle     checkpoint, when the write-ahead log has grown enough;
 *   rotate   open the next segment's file and close the one at hand.
 *
 * Possible failures: no room in the block (the caller commits and appends again), the next segment is
 * not prepared (the caller goes on in this one), or SQLite refuses any step of a commit or a
 * checkpoint: the journal closes (`give_up`). */
#include "ledger/journal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/head.h"
#include "ledger/segment.h"
#include "ledger/series.h"
#include "ledger/signatures.h"
#include "proto/base/log.h"

#define PART "journal"
#define LOCK_FILE "lock"

/* Bodies of one block: a genesis of 1,000 banks has 2,000 certificates of 1 to 2 KiB, and is one block
 * (a payment's InstrId and UETR take 60 bytes). */
#define BODIES_BYTES (4 * 1024 * 1024)

/* A checkpoint syncs twice, about 0.5 ms on the reference machine; at one payment a time this many
 * bytes come once in some 300 commits, so that it stays out of the 99th percentile. */
#define JOURNAL_IDLE_WAL_BYTES (4 * 1024 * 1024)

/* A reader may hold a checkpoint back; the next try comes after so many bytes more. */
#define CHECKPOINT_RETRY_BYTES (4 * 1024 * 1024)

static_assert(JOURNAL_FORMAT_VERSION == SEGMENT_FORMAT_VERSION, "one number, two audiences");
static_assert(JOURNAL_LEDGER_ID_BYTES == SEGMENT_LEDGER_ID_BYTES, "one id, two audiences");

struct staged {
    struct entry_public public;
    struct entry_private private;
    uint32_t body_at;   /* in `bodies` */
    uint32_t body_size; /* 0: none of its own */
    uint64_t body_seq;  /* of the entry whose body it shares; 0: shares none */
};

/* The writing connection to a segment. */
struct writer {
    struct segment segment;
    sqlite3_stmt *begin, *insert_entry, *insert_block, *insert_evidence, *commit;
};

struct journal {
    const char *directory, *vfs; /* the caller's */
    sqlite3 *lock; /* in an exclusive transaction for as long as the journal is open */
    struct writer writer;
    uint64_t first_seq; /* of the open segment; 0: it has no entry yet */

    struct journal_head head; /* of what is staged, or durable when nothing is */
    bool failed;              /* set once, never cleared */
    uint64_t wal_bytes;       /* of the write-ahead log after the last commit */
    uint64_t held_bytes; /* no checkpoint below: a reader held the last one back; 0: none did */

    uint64_t body_seq;     /* the newest entry with a body of its own; 0: none */
    struct hash body_hash; /* of that body */

    struct evidence_writer *evidence;
    uint32_t staged_count; /* <= BLOCK_ENTRIES_MAX */
    uint32_t bodies_used;  /* <= BODIES_BYTES */
    struct staged staged[BLOCK_ENTRIES_MAX];
    struct hash hashes[BLOCK_ENTRIES_MAX]; /* of the staged entries */
    char bodies[BODIES_BYTES];

    _Alignas(64) _Atomic uint64_t durable_seq; /* <= head.seq; equal when nothing is staged */
};

/* --- opening ---------------------------------------------------------------------------------- */

/* A directory that is made must itself survive power loss, or the ledger goes with it. */
static enum fault make_directory(const char *directory)
{
    char parent[DATABASE_PATH_BYTES];
    if (mkdir(directory, 0700) != 0) {
        if (errno == EEXIST) return FAULT_NONE;
        LOG(LOG_ERROR, PART, "cannot make %s: %s", directory, strerror(errno));
        return FAULT_IO;
    }
    enum fault const fault = database_path(parent, directory, "..");
    return fault == FAULT_NONE ? database_sync_directory(PART, parent) : fault;
}

static void close_writer(struct writer *writer)
{
    (void)sqlite3_finalize(writer->begin);
    (void)sqlite3_finalize(writer->insert_entry);
    (void)sqlite3_finalize(writer->insert_block);
    (void)sqlite3_finalize(writer->insert_evidence);
    (void)sqlite3_finalize(writer->commit);
    segment_close(&writer->segment);
    *writer = (struct writer){0};
}

/* SQLite calls it after each commit with the length of the write-ahead log. */
static int note_wal(void *context, sqlite3 *db, const char *schema, int pages)
{
    (void)db;
    (void)schema;
    struct journal *journal = context;
    journal->wal_bytes = (uint64_t)pages * SEGMENT_PAGE_BYTES;
    return SQLITE_OK;
}

static enum fault open_writer(struct writer *writer, struct journal *journal, uint64_t number,
                              enum database_use use)
{
    *writer = (struct writer){0};
    enum fault fault =
        segment_open(&writer->segment, PART, journal->directory, journal->vfs, number, use);
    if (fault != FAULT_NONE) return fault;
    sqlite3 *db = writer->segment.db;
    /* The triggers guard the file against every other connection.  This one has no statement but
     * the inserts below, which refuse a number that is taken; firing costs 1.3 us an entry. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_wal_hook(db, note_wal, journal);
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&writer->begin, "BEGIN IMMEDIATE"},
        {&writer->insert_entry, "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&writer->insert_block, "INSERT INTO blocks VALUES (?1, ?2)"},
        {&writer->insert_evidence, "INSERT INTO evidence VALUES (?1, ?2)"},
        {&writer->commit, "COMMIT"},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        fault = database_prepare(db, PART, statements[i].sql, statements[i].statement);
        if (fault == FAULT_NONE) continue;
        close_writer(writer);
        return fault;
    }
    return FAULT_NONE;
}

/* The last file may be a prepared one, which a start after a crash may have to finish; then the one
 * before it is the newest. */
static enum fault open_newest(struct journal *journal, struct segment_extent *extent)
{
    uint64_t number;
    enum fault fault = series_highest(journal->directory, journal->vfs, &number);
    if (fault != FAULT_NONE) return fault;
    if (number == 0) number = 1;
    fault = open_writer(&journal->writer, journal, number, DATABASE_WRITE);
    if (fault == FAULT_NONE) fault = segment_extent(&journal->writer.segment, extent);
    if (fault != FAULT_NONE || number == 1 || extent->last_seq > 0) return fault;

    close_writer(&journal->writer);
    fault = open_writer(&journal->writer, journal, number - 1, DATABASE_WRITE);
    if (fault == FAULT_NONE) fault = segment_extent(&journal->writer.segment, extent);
    if (fault == FAULT_NONE && extent->last_seq == 0) {
        LOG(LOG_ERROR, PART, "segments %" PRIu64 " and %" PRIu64 " of %s are both empty",
            number - 1, number, journal->directory);
        fault = FAULT_CORRUPT;
    }
    return fault;
}

/* A sealed segment is written no more.  If this one is, the files after it were taken away, and with
 * them entries that banks were told of. */
static enum fault refuse_sealed(struct journal *journal)
{
    struct signatures *signatures;
    uint64_t sealed = 0;
    enum fault fault = signatures_read(&signatures, journal->directory, journal->vfs);
    if (fault == FAULT_NOT_FOUND) return FAULT_NONE;
    if (fault != FAULT_NONE) return fault;
    fault = signatures_newest_seal(signatures, &sealed);
    signatures_close(signatures);
    if (fault == FAULT_NONE && sealed >= journal->writer.segment.number) {
        LOG(LOG_ERROR, PART, "segment %" PRIu64 " of %s is missing: segment %" PRIu64 " is sealed",
            sealed + 1, journal->directory, sealed);
        fault = FAULT_CORRUPT;
    }
    return fault;
}

/* Where the chain ends, unless the ledger is empty. */
static enum fault read_head(struct journal *journal)
{
    struct segment_extent extent;
    enum fault fault = open_newest(journal, &extent);
    if (fault == FAULT_NONE) fault = refuse_sealed(journal);
    if (fault != FAULT_NONE || (extent.last_seq == 0 && extent.last_block == 0)) return fault;
    journal->first_seq = extent.first_seq;
    return head_read(&journal->writer.segment, &extent, journal->hashes, &journal->head);
}

enum fault journal_open(struct journal **out, const struct journal_options *options,
                        struct journal_head *head)
{
    struct journal *journal = aligned_alloc(_Alignof(struct journal), sizeof *journal);
    if (journal == NULL) return FAULT_MEMORY;
    memset(journal, 0, sizeof *journal); /* touched now, so that no commit waits for a page */
    journal->directory = options->directory;
    journal->vfs = options->vfs;

    enum fault fault = options->vfs == NULL ? make_directory(options->directory) : FAULT_NONE;
    if (fault != FAULT_NONE) goto failed;
    fault =
        database_lock(&journal->lock, PART, options->directory, LOCK_FILE, options->vfs, "ledger");
    if (fault != FAULT_NONE) goto failed;
    fault = evidence_open(&journal->evidence);
    if (fault != FAULT_NONE) goto failed;
    fault = read_head(journal);
    if (fault != FAULT_NONE) goto failed;
    /* The log was made durable when it was opened; its name may just have been made. */
    if (options->vfs == NULL) fault = database_sync_directory(PART, options->directory);
    if (fault != FAULT_NONE) goto failed;
    atomic_store_explicit(&journal->durable_seq, journal->head.seq, memory_order_release);
    *head = journal->head;
    *out = journal;
    return FAULT_NONE;

failed:
    journal->failed = true; /* nothing to checkpoint */
    journal_close(journal);
    return fault;
}

/* --- replay ----------------------------------------------------------------------------------- */

/* The entries of one segment from *seq on, which becomes that of the first one after them. */
static enum fault replay_segment(const struct journal *journal, struct segment *segment,
                                 uint64_t *seq, struct entry *entry, journal_visit visit,
                                 void *context)
{
    uint64_t const first_seq = *seq;
    enum fault fault = segment_start(segment, first_seq, journal->head.seq);
    while (fault == FAULT_NONE && *seq <= journal->head.seq) {
        struct span body;
        entry->prev_hash = entry->hash;
        fault = segment_next(segment, *seq, entry, &body);
        if (fault == FAULT_NOT_FOUND) {
            fault = *seq > first_seq ? FAULT_NONE : FAULT_CORRUPT;
            break;
        }
        if (fault == FAULT_NONE) fault = visit(context, entry, body);
        if (fault == FAULT_NONE) *seq += 1;
    }
    segment_stop(segment);
    return fault;
}

static enum fault replay_series(const struct journal *journal, struct series *series,
                                uint64_t from_seq, journal_visit visit, void *context)
{
    struct entry entry = {0}; /* its hash is that of the one before from_seq */
    struct segment *segment;
    enum fault fault = FAULT_NONE;
    if (from_seq > 1) {
        fault = series_by_seq(series, from_seq - 1, &segment);
        if (fault == FAULT_NONE) fault = segment_hash(segment, from_seq - 1, &entry.hash);
    }
    for (uint64_t seq = from_seq; fault == FAULT_NONE && seq <= journal->head.seq;) {
        fault = series_by_seq(series, seq, &segment);
        if (fault == FAULT_NONE)
            fault = replay_segment(journal, segment, &seq, &entry, visit, context);
    }
    if (fault == FAULT_NONE && !hash_equal(&entry.hash, &journal->head.hash)) {
        LOG(LOG_ERROR, PART, "the chain does not lead to entry %" PRIu64, journal->head.seq);
        return FAULT_CORRUPT;
    }
    return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
}

enum fault journal_replay(struct journal *journal, uint64_t from_seq, journal_visit visit,
                          void *context)
{
    assert(journal->staged_count == 0 && from_seq >= 1);
    if (from_seq > journal->head.seq + 1) return FAULT_NOT_FOUND;
    if (journal->head.seq == 0) return FAULT_NONE;

    struct series *series;
    enum fault fault = series_open(&series, PART, journal->directory, journal->vfs);
    if (fault != FAULT_NONE) return fault;
    fault = replay_series(journal, series, from_seq, visit, context);
    series_close(series);
    return fault;
}

/* --- staging ---------------------------------------------------------------------------------- */

/* The first entry of a segment says what came before it. */
static bool opens_segment(const struct journal *journal, const struct entry *entry,
                          const struct body *body)
{
    struct segment_opening opening;
    return body && segment_read_opening(entry, body_span(body), &opening) == FAULT_NONE &&
           opening.number == journal->writer.segment.number &&
           hash_equal(&opening.previous_head, &journal->head.hash) &&
           hash_equal(&opening.previous_block, &journal->head.block_hash);
}

enum fault journal_append(struct journal *journal, struct entry *entry, const struct body *body,
                          const struct evidence *evidence)
{
    uint32_t const body_size = body ? body->size : 0;
    bool const is_in_place = journal->first_seq > 0 || opens_segment(journal, entry, body);
    assert(is_in_place);
    (void)is_in_place;
    assert(entry->public.seq == journal->head.seq + 1); /* the core numbers without gaps */
    assert(entry->public.time_ns >= journal->head.time_ns);
    assert(body_size <= ENTRY_BODY_BYTES_MAX);
    assert(evidence == NULL ? hash_is_zero(&entry->public.evidence_hash)
                            : hash_equal(&entry->public.evidence_hash, &evidence->hash));

    if (journal->failed) return FAULT_CLOSED;
    if (journal->staged_count == BLOCK_ENTRIES_MAX) return FAULT_FULL;
    if (body_size > BODIES_BYTES - journal->bodies_used) return FAULT_FULL;
    if (evidence) {
        enum fault const fault = evidence_add(journal->evidence, evidence);
        if (fault != FAULT_NONE) return fault;
    }

    /* From here nothing can fail. */
    struct staged *staged = &journal->staged[journal->staged_count];
    *staged = (struct staged){.public = entry->public, .private = entry->private};
    entry->body_hash = body_size ? body_hash(body) : (struct hash){0};
    if (body_size && journal->body_seq && hash_equal(&journal->body_hash, &entry->body_hash)) {
        staged->body_seq = journal->body_seq;
    } else if (body_size) {
        staged->body_at = journal->bodies_used;
        staged->body_size = body_size;
        memcpy(journal->bodies + journal->bodies_used, body->bytes, body_size);
        journal->bodies_used += body_size;
        journal->body_seq = entry->public.seq;
        journal->body_hash = entry->body_hash;
    }
    if (journal->first_seq == 0) {
        journal->first_seq = entry->public.seq;
        journal->head.segment_number = journal->writer.segment.number;
    }
    entry->prev_hash = journal->head.hash;
    entry->hash = entry_hash(entry);
    journal->hashes[journal->staged_count++] = entry->hash;
    journal->head.seq = entry->public.seq;
    journal->head.hash = entry->hash;
    journal->head.time_ns = entry->public.time_ns;
    return FAULT_NONE;
}

uint32_t journal_staged(const struct journal *journal)
{
    return journal->staged_count;
}

/* --- committing ------------------------------------------------------------------------------- */

/* Never retry: after a failed sync the kernel may have dropped the dirty pages, and a second
 * COMMIT could succeed with nothing on disk. */
static enum fault give_up(struct journal *journal, const char *what, int result)
{
    LOG(LOG_FATAL, PART, "%s failed after entry %" PRIu64 ": %s (%d)", what,
        journal_durable_seq(journal), sqlite3_errmsg(journal->writer.segment.db), result);
    journal->failed = true;
    return FAULT_IO;
}

static int insert_entry(struct journal *journal, uint32_t index)
{
    const struct staged *staged = &journal->staged[index];
    sqlite3_stmt *insert = journal->writer.insert_entry;
    int result = sqlite3_bind_int64(insert, 1, (sqlite3_int64)staged->public.seq);
    if (result == SQLITE_OK)
        result =
            sqlite3_bind_blob(insert, 2, &staged->public, sizeof staged->public, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result =
            sqlite3_bind_blob(insert, 3, &staged->private, sizeof staged->private, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(insert, 4, &journal->hashes[index], HASH_BYTES, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = staged->body_size == 0
                     ? sqlite3_bind_null(insert, 5)
                     : sqlite3_bind_blob(insert, 5, journal->bodies + staged->body_at,
                                         (int)staged->body_size, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = staged->body_seq == 0
                     ? sqlite3_bind_null(insert, 6)
                     : sqlite3_bind_int64(insert, 6, (sqlite3_int64)staged->body_seq);
    return result == SQLITE_OK ? database_step(insert) : result;
}

static int insert_numbered(sqlite3_stmt *insert, uint64_t number, struct span blob)
{
    int result = sqlite3_bind_int64(insert, 1, (sqlite3_int64)number);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(insert, 2, blob.bytes, (int)blob.size, SQLITE_STATIC);
    return result == SQLITE_OK ? database_step(insert) : result;
}

static struct block_header header_of_staged(const struct journal *journal)
{
    const struct staged *last = &journal->staged[journal->staged_count - 1];
    return (struct block_header){
        .version = BLOCK_VERSION,
        .entry_count = journal->staged_count,
        .number = journal->head.block_number + 1,
        .first_seq = journal->staged[0].public.seq,
        .last_seq = last->public.seq,
        .time_ns = last->public.time_ns,
        .previous = journal->head.block_hash,
        .root = block_root(journal->hashes, journal->staged_count),
    };
}

/* PASSIVE: it moves what no reader still needs and waits for none of them; a log that was moved
 * whole is written from its start again. */
static enum fault checkpoint(struct journal *journal)
{
    int left = 0, moved = 0;
    int const result = sqlite3_wal_checkpoint_v2(journal->writer.segment.db, NULL,
                                                 SQLITE_CHECKPOINT_PASSIVE, &left, &moved);
    if (result != SQLITE_OK && database_fault(result) != FAULT_BUSY)
        return give_up(journal, "checkpoint", result);
    bool const whole = result == SQLITE_OK && left == moved;
    if (whole) journal->wal_bytes = 0;
    journal->held_bytes = whole ? 0 : journal->wal_bytes + CHECKPOINT_RETRY_BYTES;
    return FAULT_NONE;
}

/* Checkpoints when the log is longer than `bytes_max` and nobody held the last one back just now. */
static enum fault checkpoint_above(struct journal *journal, uint64_t bytes_max)
{
    bool const due = journal->wal_bytes > bytes_max && journal->wal_bytes >= journal->held_bytes;
    return due ? checkpoint(journal) : FAULT_NONE;
}

enum fault journal_commit(struct journal *journal)
{
    if (journal->failed) return FAULT_CLOSED;
    if (journal->staged_count == 0) return FAULT_NONE;
    assert(journal->staged[0].public.seq == journal_durable_seq(journal) + 1);

    const char *what = "commit";
    struct block_header const header = header_of_staged(journal);
    struct span frame = {0};
    int result = SQLITE_NOMEM;
    if (evidence_count(journal->evidence) > 0 &&
        evidence_frame(journal->evidence, &frame) != FAULT_NONE) {
        what = "packing the evidence";
        goto failed;
    }
    result = database_step(journal->writer.begin);
    for (uint32_t i = 0; result == SQLITE_OK && i < journal->staged_count; i++)
        result = insert_entry(journal, i);
    if (result == SQLITE_OK)
        result = insert_numbered(journal->writer.insert_block, header.number,
                                 span_of(&header, sizeof header));
    if (result == SQLITE_OK && frame.size > 0)
        result = insert_numbered(journal->writer.insert_evidence, header.number, frame);
    if (result == SQLITE_OK) result = database_step(journal->writer.commit);
    if (result != SQLITE_OK) goto failed;

    journal->head.block_number = header.number;
    journal->head.block_hash = block_header_hash(&header);
    journal->staged_count = 0;
    journal->bodies_used = 0;
    evidence_clear(journal->evidence);
    /* Release: whoever reads this seq may answer the bank about it. */
    atomic_store_explicit(&journal->durable_seq, journal->head.seq, memory_order_release);
    return checkpoint_above(journal, LIMIT_WAL_BYTES);

failed:
    return give_up(journal, what, result);
}

enum fault journal_idle(struct journal *journal)
{
    if (journal->failed) return FAULT_CLOSED;
    return checkpoint_above(journal, JOURNAL_IDLE_WAL_BYTES);
}

uint64_t journal_durable_seq(const struct journal *journal)
{
    return atomic_load_explicit(&journal->durable_seq, memory_order_acquire);
}

/* --- rotating --------------------------------------------------------------------------------- */

enum fault journal_rotate(struct journal *journal)
{
    assert(journal->staged_count == 0 && journal->first_seq > 0);
    uint64_t const number = journal->writer.segment.number + 1;
    struct writer next;
    struct segment_extent extent;
    if (journal->failed) return FAULT_CLOSED;
    if (number > LIMIT_SEGMENTS) return FAULT_FULL;
    enum fault fault = open_writer(&next, journal, number, DATABASE_TAKE_OVER);
    if (fault == FAULT_NONE) fault = segment_extent(&next.segment, &extent);
    if (fault == FAULT_NONE && extent.last_seq > 0) {
        LOG(LOG_ERROR, PART, "segment %" PRIu64 " has entries and was never begun", number);
        fault = FAULT_CORRUPT;
    }
    /* The keeper may have met a failed sync, and found on its next try that all was there. */
    if (fault == FAULT_NONE) fault = database_renew_log(next.segment.db, PART, "the next segment");
    if (fault != FAULT_NONE) {
        close_writer(&next);
        return fault == FAULT_BUSY ? FAULT_NOT_FOUND : fault; /* it is being made at this moment */
    }

    /* From here nothing can fail. */
    database_wait(next.segment.db);
    close_writer(&journal->writer);
    journal->writer = next;
    journal->first_seq = 0;
    journal->body_seq = 0; /* bodies are shared within a segment only */
    journal->wal_bytes = 0;
    journal->held_bytes = 0;
    return FAULT_NONE;
}

uint64_t journal_segment_entries(const struct journal *journal)
{
    return journal->first_seq ? journal->head.seq - journal->first_seq + 1 : 0;
}

const struct journal_head *journal_newest(const struct journal *journal)
{
    return &journal->head;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL) return;
    /* Closing the last connection then moves the write-ahead log and removes it. */
    if (!journal->failed)
        (void)sqlite3_db_config(journal->writer.segment.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
                                NULL);
    close_writer(&journal->writer);
    evidence_close(journal->evidence);
    (void)sqlite3_close(journal->lock); /* last: until here the ledger is ours */
    free(journal);
}
