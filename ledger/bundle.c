/* One block read, or put together, and checked.
 *
 * The happy path: the header follows from the place before; each entry is hashed over the one before;
 * at the end come the root, what the segment's first entry says, and the messages.
 *
 * Possible failures: a file cannot be read, or something is not what its hash says.  What is wrong is
 * said in the log with the number of the block; the bundle may be used for another block. */
#include "ledger/bundle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/segment.h"
#include "proto/base/limits.h"
#include "proto/base/log.h"

#define PART "bundle"

/* A frame larger than this was not made from messages of one block: zstd adds little to what it cannot
 * shrink. */
#define FRAME_BYTES_MAX (LIMIT_EVIDENCE_BLOCK_BYTES + LIMIT_EVIDENCE_BLOCK_BYTES / 8)

enum fault bundle_open(struct bundle **out)
{
    struct bundle *bundle = calloc(1, sizeof *bundle);
    if (bundle == NULL) return FAULT_MEMORY;
    bundle->bodies_bytes = malloc(BUNDLE_BODIES_BYTES);
    enum fault const fault =
        bundle->bodies_bytes ? evidence_reader_open(&bundle->evidence) : FAULT_MEMORY;
    if (fault == FAULT_NONE)
        *out = bundle;
    else
        bundle_close(bundle);
    return fault;
}

void bundle_close(struct bundle *bundle)
{
    if (bundle == NULL) return;
    evidence_reader_close(bundle->evidence);
    free(bundle->bodies_bytes);
    free(bundle->frame_bytes);
    free(bundle);
}

static enum fault broken(const struct bundle *bundle, const char *words)
{
    LOG(LOG_ERROR, PART, "block %" PRIu64 ": %s", bundle->header.number, words);
    return FAULT_CORRUPT;
}

/* --- the beginning ---------------------------------------------------------------------------- */

enum fault bundle_begin(struct bundle *bundle, const struct journal_head *before, uint64_t segment,
                        const struct block_header *header)
{
    bundle->segment = segment;
    bundle->header = *header;
    bundle->count = 0;
    bundle->bodies_used = 0;
    bundle->frame = span_of(NULL, 0);
    bundle->after = *before;
    if (header->version != BLOCK_VERSION) {
        LOG(LOG_ERROR, PART, "block %" PRIu64 " has version %" PRIu32, header->number,
            header->version);
        return FAULT_VERSION;
    }
    if (header->number != before->block_number + 1 || header->first_seq != before->seq + 1 ||
        !hash_equal(&header->previous, &before->block_hash))
        return broken(bundle, "does not follow from the one before");
    if (header->entry_count < 1 || header->entry_count > BLOCK_ENTRIES_MAX ||
        header->last_seq != header->first_seq + (header->entry_count - 1))
        return broken(bundle, "contradicts itself");
    if (segment != before->segment_number && segment != before->segment_number + 1)
        return broken(bundle, "leaves a segment out");
    return FAULT_NONE;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* What is passed on as text must be printable as such. */
static bool is_lawful(const struct entry *entry)
{
    const struct entry_public *public = &entry->public;
    bool lawful = entry_kind_name(public->kind) != NULL && public->time_ns >= 0 &&
                  public->deadline_ns >= 0 && public->id.size <= PAYMENT_ID_BYTES &&
                  amount_minor(public->amount) > INT64_MIN;
    for (int side = SIDE_PAYER; side <= SIDE_PAYEE; side++)
        lawful = lawful && amount_minor(entry->private.accounts[side].available) > INT64_MIN &&
                 amount_minor(entry->private.accounts[side].reserved) > INT64_MIN;
    return lawful;
}

/* Keeps the bytes of a body; where it is that of the entry before, those are kept already. */
static enum fault keep_body(struct bundle *bundle, const struct entry *entry, struct span body)
{
    uint32_t const i = bundle->count;
    if (i > 0 && body.size > 0 &&
        hash_equal(&bundle->entries[i - 1].body_hash, &entry->body_hash)) {
        bundle->bodies[i] = bundle->bodies[i - 1];
        return FAULT_NONE;
    }
    if (body.size > BUNDLE_BODIES_BYTES - bundle->bodies_used) return FAULT_FULL;
    char *bytes = bundle->bodies_bytes + bundle->bodies_used;
    if (body.size > 0) memcpy(bytes, body.bytes, body.size);
    bundle->bodies[i] = span_of(bytes, body.size);
    bundle->bodies_used += body.size;
    return FAULT_NONE;
}

/* The first entry of a segment is of that kind, and no other is. */
static enum fault check_opening(struct bundle *bundle, const struct entry *entry, struct span body)
{
    struct journal_head *after = &bundle->after;
    struct segment_opening opening;
    bool const must_open = bundle->segment != after->segment_number;
    if (must_open != (entry->public.kind == ENTRY_SEGMENT))
        return broken(bundle, "opens a segment where none begins, or does not where one does");
    if (!must_open) return FAULT_NONE;
    enum fault const fault = segment_read_opening(entry, body, &opening);
    if (fault == FAULT_VERSION) return fault;
    if (fault != FAULT_NONE || opening.number != bundle->segment ||
        !hash_equal(&opening.previous_head, &after->hash) ||
        !hash_equal(&opening.previous_block, &after->block_hash))
        return broken(bundle, "its first entry does not open its segment");
    if (after->seq > 0 && memcmp(opening.ledger_id, after->ledger_id, sizeof after->ledger_id) != 0)
        return broken(bundle, "opens a segment of another ledger");
    memcpy(after->ledger_id, opening.ledger_id, sizeof after->ledger_id);
    after->segment_number = opening.number;
    return FAULT_NONE;
}

/* Takes an entry whose hashes are computed. */
static enum fault take(struct bundle *bundle, const struct entry *entry, struct span body)
{
    struct journal_head *after = &bundle->after;
    const struct entry_public *public = &entry->public;
    if (bundle->count == bundle->header.entry_count) return broken(bundle, "has more entries");
    if (public->version != ENTRY_VERSION || entry->private.version != ENTRY_VERSION) {
        LOG(LOG_ERROR, PART, "entry %" PRIu64 " is of another version", after->seq + 1);
        return FAULT_VERSION;
    }
    if (public->seq != after->seq + 1 || public->time_ns < after->time_ns || !is_lawful(entry))
        return broken(bundle, "has an entry that does not follow, or that no switch makes");
    enum fault fault = check_opening(bundle, entry, body);
    if (fault == FAULT_NONE) fault = keep_body(bundle, entry, body);
    if (fault != FAULT_NONE) return fault;

    bundle->entries[bundle->count] = *entry;
    bundle->hashes[bundle->count++] = entry->hash;
    after->seq = public->seq;
    after->hash = entry->hash;
    after->time_ns = public->time_ns;
    return FAULT_NONE;
}

enum fault bundle_add(struct bundle *bundle, const struct entry_public *public,
                      const struct entry_private *private, struct span body)
{
    struct entry entry = {.public = *public, .private = *private, .prev_hash = bundle->after.hash};
    if (body.size > ENTRY_BODY_BYTES_MAX) return broken(bundle, "has a body that is too long");
    entry.body_hash = body.size ? hash_of(body) : (struct hash){0};
    entry.hash = entry_hash(&entry);
    return take(bundle, &entry, body);
}

/* --- the end ---------------------------------------------------------------------------------- */

static enum fault keep_frame(struct bundle *bundle, struct span frame)
{
    if (frame.size > FRAME_BYTES_MAX) return broken(bundle, "has more messages than a block has");
    if (frame.size > bundle->frame_room) {
        char *bytes = realloc(bundle->frame_bytes, frame.size);
        if (bytes == NULL) return FAULT_MEMORY;
        bundle->frame_bytes = bytes;
        bundle->frame_room = frame.size;
    }
    if (frame.size > 0) memcpy(bundle->frame_bytes, frame.bytes, frame.size);
    bundle->frame = span_of(bundle->frame_bytes, frame.size);
    return FAULT_NONE;
}

/* Where messages are kept, each that an entry names must be among them. */
static enum fault check_evidence(struct bundle *bundle)
{
    struct evidence evidence;
    struct hash last = {0};
    if (bundle->frame.size == 0) return FAULT_NONE;
    if (evidence_unpack(bundle->evidence, bundle->frame) != FAULT_NONE)
        return broken(bundle, "its messages cannot be unpacked");
    for (uint32_t i = 0; i < bundle->count; i++) {
        const struct hash *hash = &bundle->entries[i].public.evidence_hash;
        if (hash_is_zero(hash) || hash_equal(hash, &last)) continue;
        if (evidence_find(bundle->evidence, hash, &evidence) != FAULT_NONE)
            return broken(bundle, "a message that an entry names is not what its hash says");
        last = *hash;
    }
    return FAULT_NONE;
}

enum fault bundle_end(struct bundle *bundle, struct span frame)
{
    const struct block_header *header = &bundle->header;
    if (bundle->count != header->entry_count) return broken(bundle, "lacks entries");
    struct hash const root = block_root(bundle->hashes, bundle->count);
    if (!hash_equal(&root, &header->root)) return broken(bundle, "has another root");
    if (header->time_ns != bundle->after.time_ns) return broken(bundle, "has another time");
    enum fault fault = keep_frame(bundle, frame);
    if (fault == FAULT_NONE) fault = check_evidence(bundle);
    if (fault != FAULT_NONE) return fault;
    bundle->after.block_number = header->number;
    bundle->after.block_hash = block_header_hash(header);
    return FAULT_NONE;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum fault read_entries(struct bundle *bundle, struct segment *segment)
{
    const struct block_header *header = &bundle->header;
    enum fault fault = segment_start(segment, header->first_seq, header->last_seq);
    for (uint64_t seq = header->first_seq; fault == FAULT_NONE && seq <= header->last_seq; seq++) {
        struct entry entry = {.prev_hash = bundle->after.hash};
        struct span body;
        fault = segment_next(segment, seq, &entry, &body);
        if (fault == FAULT_NOT_FOUND) fault = broken(bundle, "lacks entries");
        if (fault == FAULT_NONE) fault = take(bundle, &entry, body);
    }
    return fault;
}

static enum fault read_rest(struct bundle *bundle, struct segment *segment)
{
    struct span frame;
    enum fault fault = read_entries(bundle, segment);
    if (fault != FAULT_NONE) return fault;
    fault = segment_frame(segment, bundle->header.number, &frame);
    if (fault == FAULT_NOT_FOUND) return bundle_end(bundle, span_of(NULL, 0));
    return fault == FAULT_NONE ? bundle_end(bundle, frame) : fault;
}

enum fault bundle_read(struct bundle *bundle, struct series *series,
                       const struct journal_head *before)
{
    uint64_t const number = before->block_number + 1;
    struct block_header header;
    struct segment *segment;
    enum fault fault = series_by_block(series, number, &segment);
    if (fault != FAULT_NONE) return fault;
    fault = segment_header(segment, number, &header);
    if (fault == FAULT_NOT_FOUND) {
        LOG(LOG_ERROR, PART, "block %" PRIu64 " is missing", number);
        return FAULT_CORRUPT;
    }
    if (fault == FAULT_NONE) fault = bundle_begin(bundle, before, segment->number, &header);
    if (fault == FAULT_NONE) fault = read_rest(bundle, segment);
    segment_stop(segment);
    return fault;
}
