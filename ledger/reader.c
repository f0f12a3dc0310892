/* Reads entries, messages and blocks over read-only connections.
 *
 * The happy path of a walk: read some entries in one transaction into a batch, end the transaction,
 * show them, go on behind them, in the next segment where one ends.  Possible failures: a row does not match its hash (FAULT_CORRUPT),
 * or SQLite refuses (FAULT_IO, or FAULT_BUSY while another process recovers the file at its start);
 * every function ends its transaction on each of its ways out. */
#include "ledger/reader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/segment.h"
#include "ledger/series.h"
#include "proto/base/log.h"

#define PART "reader"

/* A batch is read in well under a millisecond, so that no transaction holds a checkpoint back. */
#define BATCH_ENTRIES 128
#define BATCH_BODY_BYTES (64 * 1024)

static_assert(READER_LEDGER_ID_BYTES == SEGMENT_LEDGER_ID_BYTES, "one id, two audiences");
static_assert(BATCH_BODY_BYTES >= ENTRY_BODY_BYTES_MAX, "a batch takes any one entry");

struct batch {
    uint32_t count;
    uint32_t body_used;
    struct entry entries[BATCH_ENTRIES];
    uint32_t body_at[BATCH_ENTRIES];
    uint32_t body_size[BATCH_ENTRIES];
    char bodies[BATCH_BODY_BYTES];
};

struct reader {
    struct series *series;
    struct evidence_reader *evidence;
    struct block_header unpacked; /* the block whose frame `evidence` holds; number 0: none */
    struct batch batch;           /* of the walk that is under way */
};

enum fault reader_open(struct reader **out, const char *directory, const char *vfs)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return FAULT_MEMORY;
    enum fault fault = series_open(&reader->series, PART, directory, vfs);
    if (fault != FAULT_NONE) goto failed;
    fault = evidence_reader_open(&reader->evidence);
    if (fault != FAULT_NONE) goto failed;
    *out = reader;
    return FAULT_NONE;

failed:
    reader_close(reader);
    return fault;
}

void reader_close(struct reader *reader)
{
    if (reader == NULL) return;
    series_close(reader->series);
    evidence_reader_close(reader->evidence);
    free(reader);
}

enum fault reader_newest_seq(struct reader *reader, uint64_t *seq)
{
    uint64_t block;
    return series_end(reader->series, seq, &block);
}

/* Every segment's first entry repeats the id; the newest is open anyway. */
enum fault reader_ledger_id(struct reader *reader, uint8_t id[READER_LEDGER_ID_BYTES])
{
    uint64_t seq, block;
    struct segment *segment;
    struct segment_opening opening;
    enum fault fault = series_end(reader->series, &seq, &block);
    if (fault == FAULT_NONE) fault = series_by_seq(reader->series, seq, &segment);
    if (fault == FAULT_NONE) fault = segment_first(segment, &opening);
    if (fault == FAULT_NONE) memcpy(id, opening.ledger_id, READER_LEDGER_ID_BYTES);
    return fault;
}

/* The hash of an entry that may be in the segment before; zeros for 0. */
static enum fault hash_at(struct reader *reader, uint64_t seq, struct hash *hash)
{
    struct segment *segment;
    *hash = (struct hash){0};
    if (seq == 0) return FAULT_NONE;
    enum fault const fault = series_by_seq(reader->series, seq, &segment);
    return fault == FAULT_NONE ? segment_hash(segment, seq, hash) : fault;
}

enum fault reader_entry(struct reader *reader, uint64_t seq, struct entry *entry, struct body *body)
{
    if (seq == 0) return FAULT_NOT_FOUND;
    struct segment *segment;
    struct span bytes;
    enum fault fault = hash_at(reader, seq - 1, &entry->prev_hash);
    if (fault == FAULT_NONE) fault = series_by_seq(reader->series, seq, &segment);
    if (fault != FAULT_NONE) return fault;
    fault = segment_start(segment, seq, seq);
    if (fault == FAULT_NONE) fault = segment_next(segment, seq, entry, &bytes);
    if (fault == FAULT_NONE && body) {
        body->size = (uint32_t)bytes.size;
        if (bytes.size) memcpy(body->bytes, bytes.bytes, bytes.size);
    }
    segment_stop(segment);
    return fault;
}

/* Reads entries from `seq` on until the batch is full, to_seq is in it, or the segment ends.
 * *prev_hash is the hash of the entry before, and afterwards that of the last one read. */
static enum fault fill(struct reader *reader, uint64_t seq, uint64_t to_seq, struct hash *prev_hash)
{
    struct batch *batch = &reader->batch;
    struct segment *segment;
    batch->count = 0;
    batch->body_used = 0;
    enum fault fault = series_by_seq(reader->series, seq, &segment);
    if (fault != FAULT_NONE) return fault;
    fault = segment_start(segment, seq, to_seq);
    while (fault == FAULT_NONE && seq <= to_seq && batch->count < BATCH_ENTRIES &&
           BATCH_BODY_BYTES - batch->body_used >= ENTRY_BODY_BYTES_MAX) {
        struct entry *entry = &batch->entries[batch->count];
        struct span body;
        entry->prev_hash = *prev_hash;
        fault = segment_next(segment, seq, entry, &body);
        if (fault != FAULT_NONE) break;
        batch->body_at[batch->count] = batch->body_used;
        batch->body_size[batch->count] = (uint32_t)body.size;
        if (body.size) memcpy(batch->bodies + batch->body_used, body.bytes, body.size);
        batch->body_used += (uint32_t)body.size;
        batch->count++;
        *prev_hash = entry->hash;
        seq++;
    }
    segment_stop(segment);
    /* Whether the next segment goes on from here is asked with the next batch. */
    return fault == FAULT_NOT_FOUND && batch->count > 0 ? FAULT_NONE : fault;
}

enum fault reader_walk(struct reader *reader, uint64_t from_seq, uint64_t to_seq,
                       reader_visit visit, void *context)
{
    assert(from_seq >= 1);
    struct hash prev_hash;
    enum fault fault = hash_at(reader, from_seq - 1, &prev_hash);
    while (fault == FAULT_NONE && from_seq <= to_seq) {
        fault = fill(reader, from_seq, to_seq, &prev_hash);
        /* What was read before a fault is good and is shown. */
        struct batch *batch = &reader->batch;
        for (uint32_t i = 0; i < batch->count; i++) {
            struct span const body =
                span_of(batch->bodies + batch->body_at[i], batch->body_size[i]);
            enum fault const visited = visit(context, &batch->entries[i], body);
            if (visited != FAULT_NONE) return visited;
        }
        from_seq += batch->count;
    }
    return fault;
}

enum fault reader_block(struct reader *reader, uint64_t number, struct block_header *header)
{
    struct segment *segment;
    enum fault const fault = series_by_block(reader->series, number, &segment);
    return fault == FAULT_NONE ? segment_header(segment, number, header) : fault;
}

/* Blocks are numbered without a gap and in order of sequence, so the one that holds an entry is
 * found by halving, and no index has to be kept. */
static enum fault find_block(struct segment *segment, uint64_t seq, struct block_header *header)
{
    struct segment_extent extent;
    enum fault fault = segment_extent(segment, &extent);
    if (fault != FAULT_NONE) return fault;
    uint64_t low = extent.first_block, high = extent.last_block;
    while (low <= high) {
        uint64_t const middle = low + (high - low) / 2;
        fault = segment_header(segment, middle, header);
        if (fault == FAULT_NOT_FOUND) break;
        if (fault != FAULT_NONE) return fault;
        if (seq < header->first_seq)
            high = middle - 1;
        else if (seq > header->last_seq)
            low = middle + 1;
        else
            return FAULT_NONE;
    }
    LOG(LOG_ERROR, PART, "no block holds entry %" PRIu64, seq);
    return FAULT_CORRUPT;
}

enum fault reader_block_of(struct reader *reader, uint64_t seq, struct block_header *header)
{
    struct segment *segment;
    enum fault const fault = series_by_seq(reader->series, seq, &segment);
    return fault == FAULT_NONE ? find_block(segment, seq, header) : fault;
}

/* Unpacks the frame of the block that holds the entry; messages that are read one after the other
 * are often of one block. */
static enum fault unpack_frame(struct reader *reader, uint64_t seq)
{
    struct block_header *const unpacked = &reader->unpacked;
    if (unpacked->number && seq >= unpacked->first_seq && seq <= unpacked->last_seq)
        return FAULT_NONE;
    struct segment *segment;
    struct block_header found;
    struct span frame;
    enum fault fault = series_by_seq(reader->series, seq, &segment);
    if (fault == FAULT_NONE) fault = find_block(segment, seq, &found);
    if (fault != FAULT_NONE) return fault;

    unpacked->number = 0;
    fault = segment_frame(segment, found.number, &frame);
    if (fault == FAULT_NONE) fault = evidence_unpack(reader->evidence, frame);
    segment_stop(segment);
    if (fault == FAULT_NONE) *unpacked = found;
    return fault;
}

enum fault reader_message(struct reader *reader, const struct entry *entry, void *buffer,
                          size_t size, struct evidence *evidence)
{
    if (hash_is_zero(&entry->public.evidence_hash)) return FAULT_NOT_FOUND;
    enum fault fault = unpack_frame(reader, entry->public.seq);
    if (fault == FAULT_NONE)
        fault = evidence_find(reader->evidence, &entry->public.evidence_hash, evidence);
    if (fault == FAULT_CORRUPT || fault == FAULT_VERSION)
        LOG(LOG_ERROR, PART, "the evidence of entry %" PRIu64 " is not as it was written",
            entry->public.seq);
    if (fault != FAULT_NONE) return fault;
    if (evidence->bytes.size > size) return FAULT_FULL;

    memcpy(buffer, evidence->bytes.bytes, evidence->bytes.size);
    evidence->bytes = span_of(buffer, evidence->bytes.size);
    return FAULT_NONE;
}
