/* Seals one segment, step by step.
 *
 * The happy path:
 *   begin    has the next segment begun?  Then checkpoint TRUNCATE and sync the emptied log;
 *   step     some block headers: each names the one before; their hashes go into the tree;
 *   last     the statement is signed and stored; close, mode 0444, away with -wal and -shm.
 *
 * Possible failures: a reader stands in an old state (FAULT_BUSY), the headers do not follow from one
 * another (FAULT_CORRUPT), the disk or the key refuses.  A crash at any point leaves a segment that
 * can be sealed again: its content is the same, and where it was signed only the last is left. */
#include "ledger/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/database.h"
#include "ledger/segment.h"
#include "ledger/series.h"
#include "proto/base/log.h"

#define PART "keeper"

/* Headers of one step: some 5 ms of reading and hashing. */
#define STEP_BLOCKS 4096

/* Readers' transactions last a few milliseconds, those of an auditor's program some ten. */
#define READERS_MS 200

/* A tree over 2^63 leaves has so many levels. */
#define TREE_LEVELS 63

/* RFC 6962's tree as its leaves come: for each set bit of `leaves` a full subtree of that size. */
struct tree {
    uint64_t leaves;
    struct hash roots[TREE_LEVELS + 1];
};

struct seal {
    struct signatures *signatures;
    const char *directory, *vfs;
    uint64_t number;
    bool is_signed; /* what is left is the file's mode */
    struct segment segment;
    sqlite3_stmt *headers; /* all, in order; stands on that of `block` */
    struct segment_extent extent;
    struct segment_opening opening;
    struct tree tree;
    uint64_t seq, block;     /* read last */
    struct hash header_hash; /* of that block */
};

/* --- the tree --------------------------------------------------------------------------------- */

static struct hash join(const struct hash *left, const struct hash *right)
{
    struct span const parts[] = {SPAN("\x01"), hash_span(left), hash_span(right)};
    return hash_parts(parts, 3);
}

static void add_leaf(struct tree *tree, const struct hash *bytes)
{
    struct span const parts[] = {span_of("\0", 1), hash_span(bytes)};
    struct hash node = hash_parts(parts, 2);
    unsigned level = 0;
    for (; tree->leaves >> level & 1; level++)
        node = join(&tree->roots[level], &node);
    tree->roots[level] = node;
    tree->leaves++;
}

/* The full subtrees, the smallest first, are each the right side of the next. */
static struct hash tree_root(const struct tree *tree)
{
    struct hash root = {0};
    bool any = false;
    for (unsigned level = 0; level <= TREE_LEVELS; level++) {
        if (!(tree->leaves >> level & 1)) continue;
        root = any ? join(&tree->roots[level], &root) : tree->roots[level];
        any = true;
    }
    return root;
}

/* --- beginning -------------------------------------------------------------------------------- */

/* The journal has let go of a segment once the next one has entries. */
static enum fault demand_successor(const struct seal *seal)
{
    struct series *series;
    uint64_t newest = 0;
    enum fault fault = series_open(&series, PART, seal->directory, seal->vfs);
    if (fault != FAULT_NONE) return fault;
    fault = series_newest(series, &newest);
    series_close(series);
    if (fault != FAULT_NONE) return fault;
    return seal->number >= 1 && seal->number < newest ? FAULT_NONE : FAULT_NOT_FOUND;
}

/* By the system's VFS only: others know no modes. */
static enum fault set_mode(const struct seal *seal, mode_t mode)
{
    char name[SERIES_NAME_BYTES], path[DATABASE_PATH_BYTES];
    if (seal->vfs != NULL) return FAULT_NONE;
    series_name(seal->number, name);
    enum fault const fault = database_path(path, seal->directory, name);
    if (fault != FAULT_NONE || chmod(path, mode) == 0) return fault;
    LOG(LOG_ERROR, PART, "cannot change the mode of %s: %s", path, strerror(errno));
    return FAULT_IO;
}

/* From here on the file has all there is, and nothing is written any more.  It may be read-only
 * already, where signatures.db was lost. */
static enum fault open_to_seal(struct seal *seal)
{
    struct segment *segment = &seal->segment;
    enum fault fault = set_mode(seal, 0600);
    if (fault != FAULT_NONE) return fault;
    fault =
        segment_open(segment, PART, seal->directory, seal->vfs, seal->number, DATABASE_TAKE_OVER);
    if (fault == FAULT_NONE) {
        (void)sqlite3_busy_timeout(segment->db, READERS_MS);
        fault = database_empty_log(segment->db, PART, "checkpoint before sealing");
    }
    if (fault == FAULT_NONE) fault = segment_extent(segment, &seal->extent);
    if (fault == FAULT_NONE) fault = segment_first(segment, &seal->opening);
    if (fault == FAULT_NONE)
        fault = database_prepare(
            segment->db, PART, "SELECT number, header FROM blocks ORDER BY number", &seal->headers);
    if (fault != FAULT_NONE) return fault;
    seal->seq = seal->extent.first_seq - 1;
    seal->block = seal->extent.first_block - 1;
    seal->header_hash = seal->opening.previous_block;
    return FAULT_NONE;
}

enum fault seal_begin(struct seal **out, struct signatures *signatures, const char *directory,
                      const char *vfs, uint64_t number)
{
    struct seal_statement statement;
    struct signature signature;
    struct seal *seal = calloc(1, sizeof *seal);
    if (seal == NULL) return FAULT_MEMORY;
    seal->signatures = signatures;
    seal->directory = directory;
    seal->vfs = vfs;
    seal->number = number;
    enum fault fault = demand_successor(seal);
    if (fault != FAULT_NONE) goto failed;
    fault = signatures_seal(signatures, number, &statement, &signature);
    seal->is_signed = fault == FAULT_NONE;
    if (fault == FAULT_NOT_FOUND) fault = open_to_seal(seal);
    if (fault != FAULT_NONE) goto failed;
    *out = seal;
    return FAULT_NONE;

failed:
    seal_close(seal);
    return fault;
}

/* --- the steps -------------------------------------------------------------------------------- */

static enum fault broken(const struct seal *seal, const char *words)
{
    LOG(LOG_ERROR, PART,
        "segment %" PRIu64 " is not sealed: block %" PRIu64 " %s: run cauce verify", seal->number,
        seal->block + 1, words);
    return FAULT_CORRUPT;
}

static enum fault read_next_header(struct seal *seal)
{
    struct block_header header;
    int const result = sqlite3_step(seal->headers);
    if (result == SQLITE_DONE) return broken(seal, "is missing");
    if (result != SQLITE_ROW)
        return database_failed(seal->segment.db, PART, "read headers", result);
    if ((uint64_t)sqlite3_column_int64(seal->headers, 0) != seal->block + 1)
        return broken(seal, "is missing");
    const void *bytes = sqlite3_column_blob(seal->headers, 1);
    size_t const size = (size_t)sqlite3_column_bytes(seal->headers, 1);
    enum fault const fault =
        segment_read_header(&seal->segment, seal->block + 1, span_of(bytes, size), &header);
    if (fault != FAULT_NONE) return fault;
    if (header.first_seq != seal->seq + 1 || !hash_equal(&header.previous, &seal->header_hash))
        return broken(seal, "does not follow from the one before");
    seal->block = header.number;
    seal->seq = header.last_seq;
    seal->header_hash = block_header_hash(&header);
    add_leaf(&seal->tree, &seal->header_hash);
    return FAULT_NONE;
}

/* What is in the segment, once all its headers were read. */
static enum fault state(struct seal *seal, struct seal_statement *statement)
{
    if (seal->seq != seal->extent.last_seq) return broken(seal, "is missing");
    *statement = (struct seal_statement){
        .version = SEAL_VERSION,
        .segment = seal->number,
        .first_seq = seal->extent.first_seq,
        .last_seq = seal->extent.last_seq,
        .first_block = seal->extent.first_block,
        .last_block = seal->extent.last_block,
        .block_head = seal->header_hash,
        .root = tree_root(&seal->tree),
    };
    memcpy(statement->ledger_id, seal->opening.ledger_id, sizeof statement->ledger_id);
    enum fault const fault = segment_hash(&seal->segment, seal->seq, &statement->head);
    return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
}

static enum fault sign(struct seal *seal)
{
    struct seal_statement statement;
    enum fault const fault = state(seal, &statement);
    return fault == FAULT_NONE ? signatures_put_seal(seal->signatures, &statement) : fault;
}

/* Closes the file; the last connection to it takes -wal and -shm with it. */
static void close_file(struct seal *seal)
{
    (void)sqlite3_finalize(seal->headers);
    seal->headers = NULL;
    if (seal->segment.db)
        (void)sqlite3_db_config(seal->segment.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    segment_close(&seal->segment);
}

/* Readers that had the file open before it was sealed keep what SQLite left beside it; its name goes.
 * Nobody writes any more, so that harms neither them nor who opens the file next. */
static enum fault tidy(const struct seal *seal)
{
    static const char *const suffixes[] = {"-wal", "-shm"};
    char name[SERIES_NAME_BYTES], path[DATABASE_PATH_BYTES], beside[DATABASE_PATH_BYTES + 8];
    bool has_log = false;
    if (seal->vfs != NULL) return FAULT_NONE;
    series_name(seal->number, name);
    enum fault fault = database_path(path, seal->directory, name);
    if (fault != FAULT_NONE) return fault;
    (void)snprintf(beside, sizeof beside, "%s%s", path, suffixes[0]);
    fault = database_exists(beside, NULL, &has_log);
    if (fault != FAULT_NONE || has_log) return fault; /* somebody else wrote: not ours to remove */
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        (void)snprintf(beside, sizeof beside, "%s%s", path, suffixes[i]);
        (void)unlink(beside); /* where it stays, it is empty and nobody needs it */
    }
    return FAULT_NONE;
}

enum fault seal_step(struct seal *seal, bool *done)
{
    *done = false;
    for (uint32_t i = 0; !seal->is_signed && i < STEP_BLOCKS; i++) {
        enum fault fault = FAULT_NONE;
        if (seal->block < seal->extent.last_block) {
            fault = read_next_header(seal);
        } else {
            fault = sign(seal);
            seal->is_signed = fault == FAULT_NONE;
        }
        if (fault != FAULT_NONE) return fault;
    }
    if (!seal->is_signed) return FAULT_NONE;
    close_file(seal);
    enum fault fault = set_mode(seal, 0444);
    if (fault == FAULT_NONE) fault = tidy(seal);
    *done = fault == FAULT_NONE;
    return fault;
}

static enum fault compare(struct seal *seal, const struct seal_statement *sealed)
{
    struct seal_statement found;
    enum fault fault = open_to_seal(seal);
    while (fault == FAULT_NONE && seal->block < seal->extent.last_block)
        fault = read_next_header(seal);
    if (fault == FAULT_NONE) fault = state(seal, &found);
    if (fault == FAULT_NONE && memcmp(&found, sealed, sizeof found) != 0) {
        LOG(LOG_ERROR, PART,
            "the seal of segment %" PRIu64 " says something else than what is in it", seal->number);
        fault = FAULT_CORRUPT;
    }
    return fault;
}

enum fault seal_copy(struct signatures *signatures, const char *directory,
                     const struct seal_statement *statement, const struct signature *signature)
{
    struct seal_statement stored;
    struct signature other;
    struct seal *seal = calloc(1, sizeof *seal);
    if (seal == NULL) return FAULT_MEMORY;
    seal->signatures = signatures;
    seal->directory = directory;
    seal->number = statement->segment;
    enum fault fault = signatures_seal(signatures, seal->number, &stored, &other);
    if (fault == FAULT_NOT_FOUND) fault = compare(seal, statement);
    if (fault == FAULT_NONE) fault = signatures_copy_seal(signatures, statement, signature);
    close_file(seal);
    if (fault == FAULT_NONE) fault = set_mode(seal, 0444);
    if (fault == FAULT_NONE) fault = tidy(seal);
    seal_close(seal);
    return fault;
}

void seal_close(struct seal *seal)
{
    if (seal == NULL) return;
    close_file(seal);
    free(seal);
}
