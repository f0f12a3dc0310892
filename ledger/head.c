/* Reads the newest block of a segment, its entries hashed again, and what it is linked to. */
#include "ledger/head.h"

#include <inttypes.h>
#include <string.h>

#include "proto/base/log.h"

static enum fault contradiction(const struct segment *segment, uint64_t block, const char *words)
{
    LOG(LOG_ERROR, segment->part, "block %" PRIu64 " %s: run cauce verify", block, words);
    return FAULT_CORRUPT;
}

/* The hash that the first entry of a block is linked to, and that of the header that the block names;
 * where the block is the segment's first, that is what its first entry repeats. */
static enum fault before_block(struct segment *segment, const struct segment_extent *extent,
                               const struct segment_opening *opening,
                               const struct block_header *header, struct hash *entry_hash,
                               struct hash *block_hash)
{
    struct block_header before;
    if (header->first_seq == extent->first_seq) {
        *entry_hash = opening->previous_head;
        *block_hash = opening->previous_block;
        return FAULT_NONE;
    }
    enum fault fault = segment_header(segment, header->number - 1, &before);
    if (fault == FAULT_NOT_FOUND) return contradiction(segment, header->number - 1, "is missing");
    if (fault != FAULT_NONE) return fault;
    *block_hash = block_header_hash(&before);
    fault = segment_hash(segment, header->first_seq - 1, entry_hash);
    return fault == FAULT_NOT_FOUND ? contradiction(segment, before.number, "lacks an entry")
                                    : fault;
}

/* Reads the newest block's entries, hashing each again, and leaves the last in *entry, whose hash is
 * that of the entry before the block. */
static enum fault check_entries(struct segment *segment, const struct block_header *header,
                                struct hash *hashes, struct entry *entry)
{
    enum fault fault = segment_start(segment, header->first_seq, header->last_seq);
    for (uint64_t seq = header->first_seq; fault == FAULT_NONE && seq <= header->last_seq; seq++) {
        struct span body;
        entry->prev_hash = entry->hash;
        fault = segment_next(segment, seq, entry, &body);
        hashes[seq - header->first_seq] = entry->hash;
    }
    segment_stop(segment);
    return fault == FAULT_NOT_FOUND ? contradiction(segment, header->number, "lacks an entry")
                                    : fault;
}

/* What a crash may leave is decided by SQLite: the newest commit whole, or not at all.  That is
 * checked, and with it that the file's end was not tampered with; the rest is for the replay. */
enum fault head_read(struct segment *segment, const struct segment_extent *extent,
                     struct hash hashes[BLOCK_ENTRIES_MAX], struct journal_head *head)
{
    uint64_t const number = extent->last_block;
    struct segment_opening opening;
    struct block_header header;
    struct entry last;
    struct hash before_hash;
    if (extent->last_seq == 0) return contradiction(segment, number, "lacks an entry");
    enum fault fault = segment_first(segment, &opening);
    if (fault != FAULT_NONE) return fault;
    fault = segment_header(segment, number, &header);
    if (fault == FAULT_NOT_FOUND || (fault == FAULT_NONE && header.last_seq != extent->last_seq))
        return contradiction(segment, number, "does not end with the newest entry");
    if (fault == FAULT_NONE)
        fault = before_block(segment, extent, &opening, &header, &last.hash, &before_hash);
    if (fault != FAULT_NONE) return fault;
    if (!hash_equal(&header.previous, &before_hash))
        return contradiction(segment, number, "does not name the one before");

    fault = check_entries(segment, &header, hashes, &last);
    if (fault != FAULT_NONE) return fault;
    struct hash const root = block_root(hashes, header.entry_count);
    if (!hash_equal(&root, &header.root))
        return contradiction(segment, number, "has another root than its entries");

    /* From here nothing can fail. */
    *head = (struct journal_head){
        .seq = extent->last_seq,
        .hash = last.hash,
        .block_number = number,
        .block_hash = block_header_hash(&header),
        .time_ns = last.public.time_ns,
        .segment_number = opening.number,
    };
    memcpy(head->ledger_id, opening.ledger_id, sizeof head->ledger_id);
    return FAULT_NONE;
}
