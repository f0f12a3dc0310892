/* Writes blocks into segments, and what was signed beside them.
 *
 * The happy path:
 *   open     make the directory, lock it, read where its chain ends;
 *   block    one insert per row, in the transaction at hand; a new segment's first block closes the file
 *            before it; a transaction that has grown is committed;
 *   seal     compares the statement with the segment's headers (seal_copy);
 *   finish   commit, move the write-ahead log, sync; BUILDER_NEW: rename.
 *
 * Possible failures: somebody else works there (FAULT_BUSY), what is to be stored was not signed
 * (FAULT_CORRUPT), the disk refuses (FAULT_IO).  A crash leaves whole transactions. */
#include "ledger/builder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/database.h"
#include "ledger/head.h"
#include "ledger/seal.h"
#include "ledger/segment.h"
#include "ledger/series.h"
#include "proto/base/log.h"
#include "proto/crypto/verifier.h"

#define PART "builder"
#define LOCK_FILE "lock"

/* A transaction ends behind so many entries, or bytes of messages: a few MiB, so that the disk, which
 * may be that of a switch at work, is not kept busy for long at a time. */
#define TRANSACTION_ENTRIES 4096
#define TRANSACTION_FRAME_BYTES (2 * 1024 * 1024)

/* Pages after which a commit moves the write-ahead log: 4 MiB. */
#define CHECKPOINT_PAGES (4 * 1024 * 1024 / SEGMENT_PAGE_BYTES)

struct builder {
    const char *target;                  /* the caller's */
    char directory[DATABASE_PATH_BYTES]; /* where it is written: target, or target.partial */
    enum builder_use use;
    sqlite3 *lock; /* in an exclusive transaction for as long as the builder is open */
    struct journal_head head;

    struct segment segment; /* the one that is written to; closed: none is */
    sqlite3_stmt *insert_entry, *insert_block, *insert_evidence;
    bool in_transaction;
    uint32_t entries;   /* in the transaction */
    size_t frame_bytes; /* likewise */
    uint64_t body_seq;  /* the newest entry with a body of its own in the segment; 0: not known */
    struct hash body_hash; /* of that body */

    struct series *written; /* what is committed; NULL: was not needed yet */
    struct signatures *signatures;
    struct verifier *verifier;
    uint8_t der[LIMIT_PEM_BYTES];
    struct certificate *signer; /* of the signature that was checked last; NULL: none was */
};

/* --- the directory ---------------------------------------------------------------------------- */

static enum fault refused(const char *directory, const char *words)
{
    LOG(LOG_ERROR, PART, "%s %s", directory, words);
    return FAULT_INVALID;
}

static enum fault failed_on(const char *what, const char *path)
{
    LOG(LOG_ERROR, PART, "cannot %s %s: %s", what, path, strerror(errno));
    return FAULT_IO;
}

static enum fault make_directory(const char *path)
{
    char parent[DATABASE_PATH_BYTES];
    if (mkdir(path, 0700) != 0) return errno == EEXIST ? FAULT_NONE : failed_on("make", path);
    enum fault const fault = database_path(parent, path, "..");
    return fault == FAULT_NONE ? database_sync_directory(PART, parent) : fault;
}

/* FAULT_NOT_FOUND: there is no such directory. */
static enum fault demand_empty(const char *path, const char *words)
{
    DIR *opened = opendir(path);
    if (opened == NULL) return errno == ENOENT ? FAULT_NOT_FOUND : failed_on("read", path);
    bool is_empty = true;
    for (const struct dirent *file; (file = readdir(opened)) != NULL;)
        is_empty = is_empty && (strcmp(file->d_name, ".") == 0 || strcmp(file->d_name, "..") == 0);
    (void)closedir(opened);
    return is_empty ? FAULT_NONE : refused(path, words);
}

/* Nothing can be renamed over the root of a file system. */
static enum fault demand_renameable(const char *path)
{
    char parent[DATABASE_PATH_BYTES];
    struct stat of_path, of_parent;
    enum fault const fault = database_path(parent, path, "..");
    if (fault != FAULT_NONE) return fault;
    if (stat(path, &of_path) != 0 || stat(parent, &of_parent) != 0)
        return failed_on("look at", path);
    return of_path.st_dev == of_parent.st_dev
               ? FAULT_NONE
               : refused(path, "is where a file system begins: take a directory in it");
}

static enum fault choose_directory(struct builder *builder)
{
    if (builder->use == BUILDER_ADD) {
        int const size =
            snprintf(builder->directory, sizeof builder->directory, "%s", builder->target);
        return size < (int)sizeof builder->directory ? make_directory(builder->directory)
                                                     : FAULT_FULL;
    }
    size_t length = strlen(builder->target);
    while (length > 1 && builder->target[length - 1] == '/')
        length--;
    int const size = snprintf(builder->directory, sizeof builder->directory, "%.*s.partial",
                              (int)length, builder->target);
    if (size >= (int)sizeof builder->directory) return FAULT_FULL;
    enum fault fault = demand_empty(builder->target, "is not empty");
    if (fault == FAULT_NONE) fault = demand_renameable(builder->target);
    if (fault == FAULT_NONE || fault == FAULT_NOT_FOUND)
        fault = demand_empty(builder->directory,
                             "is left from another attempt: remove it, unless that is at work");
    if (fault == FAULT_NONE || fault == FAULT_NOT_FOUND) fault = make_directory(builder->directory);
    return fault;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum fault read_head(struct builder *builder)
{
    uint64_t seq, block;
    struct segment_extent extent;
    struct segment *segment;
    enum fault fault = series_open(&builder->written, PART, builder->directory, NULL);
    if (fault == FAULT_NOT_FOUND) return FAULT_NONE;
    if (fault == FAULT_NONE) fault = series_end(builder->written, &seq, &block);
    if (fault != FAULT_NONE || block == 0) return fault;
    fault = series_by_block(builder->written, block, &segment);
    if (fault == FAULT_NONE) fault = segment_extent(segment, &extent);
    if (fault != FAULT_NONE) return fault;
    struct hash *hashes = malloc(BLOCK_ENTRIES_MAX * sizeof *hashes);
    if (hashes == NULL) return FAULT_MEMORY;
    fault = head_read(segment, &extent, hashes, &builder->head);
    free(hashes);
    return fault;
}

enum fault builder_open(struct builder **out, const char *directory, enum builder_use use)
{
    struct builder *builder = calloc(1, sizeof *builder);
    if (builder == NULL) return FAULT_MEMORY;
    builder->target = directory;
    builder->use = use;
    enum fault fault = choose_directory(builder);
    /* Neither a switch nor another builder may be here. */
    if (fault == FAULT_NONE)
        fault = database_lock(&builder->lock, PART, builder->directory, LOCK_FILE, NULL, "ledger");
    if (fault == FAULT_NONE) fault = read_head(builder);
    if (fault == FAULT_NONE) fault = verifier_open(&builder->verifier, 1);
    if (fault == FAULT_NONE)
        *out = builder;
    else
        builder_close(builder);
    return fault;
}

const struct journal_head *builder_head(const struct builder *builder)
{
    return &builder->head;
}

/* --- the segment at hand ---------------------------------------------------------------------- */

static enum fault run(struct builder *builder, const char *sql)
{
    return database_run(builder->segment.db, PART, sql);
}

static enum fault commit(struct builder *builder)
{
    if (!builder->in_transaction) return FAULT_NONE;
    builder->in_transaction = false;
    builder->entries = 0;
    builder->frame_bytes = 0;
    return run(builder, "COMMIT");
}

static void close_statements(struct builder *builder)
{
    (void)sqlite3_finalize(builder->insert_entry);
    (void)sqlite3_finalize(builder->insert_block);
    (void)sqlite3_finalize(builder->insert_evidence);
    builder->insert_entry = builder->insert_block = builder->insert_evidence = NULL;
}

static void let_go_of_written(struct builder *builder)
{
    series_close(builder->written);
    builder->written = NULL;
}

/* Moves all into the segment's one file and syncs that. */
static enum fault close_segment(struct builder *builder)
{
    struct segment *segment = &builder->segment;
    if (segment->db == NULL) return FAULT_NONE;
    /* So that this connection is the last and takes -wal and -shm along. */
    let_go_of_written(builder);
    enum fault fault = commit(builder);
    if (fault == FAULT_NONE) fault = database_empty_log(segment->db, PART, "checkpoint");
    if (fault != FAULT_NONE) return fault;
    close_statements(builder);
    (void)sqlite3_db_config(segment->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    segment_close(segment);
    return database_sync_directory(PART, builder->directory);
}

/* NORMAL: commits do not wait for the disk, and yet a crash leaves whole ones. */
static enum fault open_segment(struct builder *builder, uint64_t number)
{
    struct segment *segment = &builder->segment;
    if (segment->db != NULL && segment->number == number) return FAULT_NONE;
    enum fault fault = close_segment(builder);
    if (fault == FAULT_NONE)
        fault = segment_open(segment, PART, builder->directory, NULL, number, DATABASE_WRITE);
    if (fault == FAULT_NONE) fault = run(builder, "PRAGMA synchronous = NORMAL");
    if (fault != FAULT_NONE) return fault;
    database_checkpoint_above(segment->db, CHECKPOINT_PAGES);
    builder->body_seq = 0; /* bodies are shared within a segment only */
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&builder->insert_entry, "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&builder->insert_block, "INSERT INTO blocks VALUES (?1, ?2)"},
        {&builder->insert_evidence, "INSERT INTO evidence VALUES (?1, ?2)"},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        fault = database_prepare(segment->db, PART, statements[i].sql, statements[i].statement);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static int bind_blob(sqlite3_stmt *insert, int place, struct span bytes)
{
    return sqlite3_bind_blob(insert, place, bytes.bytes, (int)bytes.size, SQLITE_STATIC);
}

/* A body equal to that of the entry before is stored once, as the journal does it. */
static int insert_entry(struct builder *builder, const struct entry *entry, struct span body)
{
    sqlite3_stmt *insert = builder->insert_entry;
    bool const shares = body.size > 0 && builder->body_seq > 0 &&
                        hash_equal(&builder->body_hash, &entry->body_hash);
    int result = sqlite3_bind_int64(insert, 1, (sqlite3_int64)entry->public.seq);
    if (result == SQLITE_OK)
        result = bind_blob(insert, 2, span_of(&entry->public, sizeof entry->public));
    if (result == SQLITE_OK)
        result = bind_blob(insert, 3, span_of(&entry->private, sizeof entry->private));
    if (result == SQLITE_OK) result = bind_blob(insert, 4, hash_span(&entry->hash));
    if (result == SQLITE_OK)
        result =
            body.size == 0 || shares ? sqlite3_bind_null(insert, 5) : bind_blob(insert, 5, body);
    if (result == SQLITE_OK)
        result = shares ? sqlite3_bind_int64(insert, 6, (sqlite3_int64)builder->body_seq)
                        : sqlite3_bind_null(insert, 6);
    if (result == SQLITE_OK) result = database_step(insert);
    if (body.size > 0 && !shares) {
        builder->body_seq = entry->public.seq;
        builder->body_hash = entry->body_hash;
    }
    return result;
}

static int insert_numbered(sqlite3_stmt *insert, uint64_t number, struct span bytes)
{
    int result = sqlite3_bind_int64(insert, 1, (sqlite3_int64)number);
    if (result == SQLITE_OK) result = bind_blob(insert, 2, bytes);
    return result == SQLITE_OK ? database_step(insert) : result;
}

enum fault builder_block(struct builder *builder, const struct bundle *bundle)
{
    const struct block_header *header = &bundle->header;
    enum fault fault = open_segment(builder, bundle->segment);
    if (fault == FAULT_NONE && !builder->in_transaction) fault = run(builder, "BEGIN IMMEDIATE");
    if (fault != FAULT_NONE) return fault;
    builder->in_transaction = true;

    int result = SQLITE_OK;
    for (uint32_t i = 0; result == SQLITE_OK && i < bundle->count; i++)
        result = insert_entry(builder, &bundle->entries[i], bundle->bodies[i]);
    if (result == SQLITE_OK)
        result =
            insert_numbered(builder->insert_block, header->number, span_of(header, sizeof *header));
    if (result == SQLITE_OK && bundle->frame.size > 0)
        result = insert_numbered(builder->insert_evidence, header->number, bundle->frame);
    if (result != SQLITE_OK)
        return database_failed(builder->segment.db, PART, "write a block", result);

    builder->head = bundle->after;
    builder->entries += bundle->count;
    builder->frame_bytes += bundle->frame.size;
    bool const is_due =
        builder->entries >= TRANSACTION_ENTRIES || builder->frame_bytes >= TRANSACTION_FRAME_BYTES;
    return is_due ? commit(builder) : FAULT_NONE;
}

/* Of the segment at hand, or of what is committed. */
enum fault builder_header(struct builder *builder, uint64_t number, struct block_header *header)
{
    struct segment *segment = &builder->segment;
    enum fault fault = FAULT_NOT_FOUND;
    if (segment->db != NULL) fault = segment_header(segment, number, header);
    if (fault != FAULT_NOT_FOUND) return fault;
    fault = FAULT_NONE;
    if (builder->written == NULL)
        fault = series_open(&builder->written, PART, builder->directory, NULL);
    if (fault == FAULT_NONE) fault = series_by_block(builder->written, number, &segment);
    return fault == FAULT_NONE ? segment_header(segment, number, header) : fault;
}

/* --- what was signed -------------------------------------------------------------------------- */

static enum fault open_signatures(struct builder *builder)
{
    if (builder->signatures != NULL) return FAULT_NONE;
    return signatures_open_copy(&builder->signatures, builder->directory, NULL);
}

enum fault builder_certificate(struct builder *builder, const struct certificate *certificate)
{
    enum fault const fault = open_signatures(builder);
    return fault == FAULT_NONE ? signatures_copy_certificate(builder->signatures, certificate)
                               : fault;
}

static enum fault find_signer(struct builder *builder, const struct hash *sha256)
{
    uint8_t *der = builder->der;
    const char *words = "";
    size_t size;
    if (builder->signer && hash_equal(certificate_fingerprint(builder->signer), sha256))
        return FAULT_NONE;
    enum fault fault =
        signatures_certificate(builder->signatures, sha256, der, sizeof builder->der, &size);
    if (fault == FAULT_NOT_FOUND)
        LOG(LOG_ERROR, PART, "a signature names a certificate that is not there");
    if (fault != FAULT_NONE) return fault;
    certificate_close(builder->signer);
    builder->signer = NULL;
    fault = certificate_parse(&builder->signer, span_of(der, size), &words);
    if (fault == FAULT_NONE) return FAULT_NONE;
    LOG(LOG_ERROR, PART, "a certificate of the switch cannot be read: %s", words);
    return FAULT_CORRUPT;
}

static enum fault check_signature(struct builder *builder, struct span bytes,
                                  const struct signature *signature, const char *what,
                                  uint64_t number)
{
    enum fault fault = open_signatures(builder);
    if (fault == FAULT_NONE) fault = find_signer(builder, &signature->certificate);
    if (fault != FAULT_NONE) return fault;
    const struct public_key *key = certificate_key(builder->signer);
    struct hash const digest = hash_of(bytes);
    if (key != NULL && signature->size <= sizeof signature->bytes &&
        verifier_check(builder->verifier, key, &digest, span_of(signature->bytes, signature->size),
                       KEY_ENCODING_DER))
        return FAULT_NONE;
    LOG(LOG_ERROR, PART, "the %s %" PRIu64 " was not signed by the certificate that it names", what,
        number);
    return FAULT_CORRUPT;
}

static bool signature_equal(const struct signature *a, const struct signature *b)
{
    return hash_equal(&a->certificate, &b->certificate) && a->size == b->size &&
           memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* What is stored was checked before it was. */
static bool has_checkpoint(struct builder *builder, const struct block_header *header,
                           const struct signature *signature)
{
    struct block_header stored;
    struct signature other;
    return open_signatures(builder) == FAULT_NONE &&
           signatures_checkpoint(builder->signatures, header->number, &stored, &other) ==
               FAULT_NONE &&
           memcmp(&stored, header, sizeof stored) == 0 && signature_equal(&other, signature);
}

enum fault builder_checkpoint(struct builder *builder, const struct block_header *header,
                              const struct signature *signature)
{
    struct block_header written;
    if (has_checkpoint(builder, header, signature)) return FAULT_NONE;
    enum fault fault = builder_header(builder, header->number, &written);
    if (fault == FAULT_NOT_FOUND ||
        (fault == FAULT_NONE && memcmp(&written, header, sizeof written) != 0)) {
        LOG(LOG_ERROR, PART, "the checkpoint of block %" PRIu64 " is of another block",
            header->number);
        return FAULT_CORRUPT;
    }
    if (fault == FAULT_NONE)
        fault = check_signature(builder, span_of(header, sizeof *header), signature,
                                "checkpoint of block", header->number);
    return fault == FAULT_NONE ? signatures_copy_checkpoint(builder->signatures, header, signature)
                               : fault;
}

enum fault builder_seal(struct builder *builder, const struct seal_statement *statement,
                        const struct signature *signature)
{
    if (statement->segment < 1 || statement->segment > builder->head.segment_number) {
        LOG(LOG_ERROR, PART, "a seal of segment %" PRIu64 ", which is not there",
            statement->segment);
        return FAULT_CORRUPT;
    }
    enum fault fault = check_signature(builder, span_of(statement, sizeof *statement), signature,
                                       "seal of segment", statement->segment);
    if (fault == FAULT_NONE && builder->segment.db && builder->segment.number == statement->segment)
        fault = close_segment(builder);
    if (fault != FAULT_NONE) return fault;
    let_go_of_written(builder);
    return seal_copy(builder->signatures, builder->directory, statement, signature);
}

/* --- the end ---------------------------------------------------------------------------------- */

static enum fault give_name(struct builder *builder)
{
    char parent[DATABASE_PATH_BYTES];
    if (builder->use == BUILDER_ADD) return FAULT_NONE;
    enum fault const fault = database_path(parent, builder->target, "..");
    if (fault != FAULT_NONE) return fault;
    if (rename(builder->directory, builder->target) != 0)
        return failed_on("rename to", builder->target);
    return database_sync_directory(PART, parent);
}

/* A start refuses a ledger whose newest segment is sealed: what came behind it is missing. */
static enum fault demand_open_segment(struct builder *builder)
{
    uint64_t sealed = 0;
    if (builder->signatures == NULL) return FAULT_NONE;
    enum fault const fault = signatures_newest_seal(builder->signatures, &sealed);
    if (fault != FAULT_NONE || sealed < builder->head.segment_number) return fault;
    LOG(LOG_ERROR, PART, "segment %" PRIu64 " is sealed, and nothing follows it", sealed);
    return FAULT_CORRUPT;
}

enum fault builder_finish(struct builder *builder)
{
    uint64_t const newest = builder->head.segment_number;
    enum fault fault = demand_open_segment(builder);
    /* Where nothing was written, reading its end has left what SQLite keeps beside a file. */
    if (fault == FAULT_NONE && newest > 0) fault = open_segment(builder, newest);
    if (fault == FAULT_NONE) fault = close_segment(builder);
    if (fault == FAULT_NONE && builder->signatures != NULL)
        fault = signatures_finish_copy(builder->signatures);
    if (fault != FAULT_NONE) return fault;
    let_go_of_written(builder);
    signatures_close(builder->signatures); /* takes -wal and -shm along */
    builder->signatures = NULL;
    fault = database_sync_directory(PART, builder->directory);
    return fault == FAULT_NONE ? give_name(builder) : fault;
}

void builder_close(struct builder *builder)
{
    if (builder == NULL) return;
    close_statements(builder);
    segment_close(&builder->segment);
    series_close(builder->written);
    signatures_close(builder->signatures);
    verifier_close(builder->verifier);
    certificate_close(builder->signer);
    (void)sqlite3_close(builder->lock); /* last: until here the directory is ours */
    free(builder);
}
