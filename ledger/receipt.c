/* The happy path: the entry, the header of its block, and one walk over the block's entries, from
 * whose hashes the path is climbed without keeping them.
 * Possible failures: those of reading; an index that is not there, or names another entry. */
#include "ledger/receipt.h"

#include <assert.h>
#include <inttypes.h>

#include "proto/base/log.h"

#define PART "receipt"

/* A full subtree of RFC 6962 (block.h). */
struct peak {
    struct hash root;
    uint32_t level; /* it has 2^level leaves */
    bool holds;     /* the entry is one of them */
};

/* The tree over the leaves so far: full subtrees, each smaller than the one before it. */
struct climb {
    uint64_t seq; /* of the entry */
    uint32_t peak_count;
    struct peak peaks[RECEIPT_PATH_MAX + 1];
    struct receipt *receipt;
};

/* Joins the last two peaks; the one beside the entry's is the next step of its path. */
static void join(struct climb *climb)
{
    struct peak *const left = &climb->peaks[climb->peak_count - 2];
    struct peak *const right = &climb->peaks[climb->peak_count - 1];
    if (left->holds || right->holds) {
        assert(climb->receipt->path_count < RECEIPT_PATH_MAX);
        climb->receipt->path[climb->receipt->path_count++] = (struct receipt_step){
            .is_left = right->holds, .hash = right->holds ? left->root : right->root};
    }
    struct span const parts[] = {SPAN("\1"), hash_span(&left->root), hash_span(&right->root)};
    left->root = hash_parts(parts, 3);
    left->holds = left->holds || right->holds;
    left->level += 1;
    climb->peak_count -= 1;
}

static enum fault take_leaf(void *context, const struct entry *entry, struct span body)
{
    struct climb *const climb = context;
    struct span const leaf[] = {SPAN("\0"), hash_span(&entry->hash)};
    (void)body;
    climb->peaks[climb->peak_count++] =
        (struct peak){.root = hash_parts(leaf, 2), .holds = entry->public.seq == climb->seq};
    while (climb->peak_count >= 2 &&
           climb->peaks[climb->peak_count - 2].level == climb->peaks[climb->peak_count - 1].level)
        join(climb);
    return FAULT_NONE;
}

static enum fault climb_path(struct reader *reader, struct receipt *receipt)
{
    struct climb climb = {.seq = receipt->public.seq, .receipt = receipt};
    const struct block_header *const header = &receipt->header;
    receipt->path_count = 0;
    enum fault const fault =
        reader_walk(reader, header->first_seq, header->last_seq, take_leaf, &climb);
    if (fault != FAULT_NONE) return fault;
    while (climb.peak_count > 1)
        join(&climb);
    if (hash_equal(&climb.peaks[0].root, &header->root)) return FAULT_NONE;
    LOG(LOG_ERROR, PART, "block %" PRIu64 " has another root than its entries", header->number);
    return FAULT_CORRUPT;
}

/* `entry` is in the ledger. */
static enum fault read_around(struct reader *reader, const struct entry *entry,
                              struct receipt *receipt)
{
    enum fault const fault = reader_block_of(reader, entry->public.seq, &receipt->header);
    if (fault != FAULT_NONE) return fault;
    if (receipt->header.entry_count < 1 || receipt->header.entry_count > BLOCK_ENTRIES_MAX ||
        receipt->header.last_seq - receipt->header.first_seq + 1 != receipt->header.entry_count) {
        LOG(LOG_ERROR, PART, "block %" PRIu64 " has a count of its own", receipt->header.number);
        return FAULT_CORRUPT;
    }
    receipt->public = entry->public;
    receipt->private_hash = entry_private_hash(entry);
    receipt->body_hash = entry->body_hash;
    receipt->prev_hash = entry->prev_hash;
    receipt->hash = entry->hash;
    return climb_path(reader, receipt);
}

enum fault receipt_read(struct reader *reader, uint64_t seq, struct receipt *receipt)
{
    struct entry entry;
    enum fault const fault = reader_entry(reader, seq, &entry, NULL);
    return fault == FAULT_NONE ? read_around(reader, &entry, receipt) : fault;
}

static bool is_theirs(struct participant_code code, struct participant_code payer,
                      struct participant_code payee)
{
    return identifier_code_equal(code, payer) || identifier_code_equal(code, payee);
}

static bool is_settled(const struct entry *entry, const struct payment_id *id)
{
    return entry->public.kind == ENTRY_SETTLED &&
           span_equal(identifier_payment_id_text(&entry->public.id),
                      identifier_payment_id_text(id));
}

/* The settled entry of the newest payment with this id that was the participant's. */
static enum fault search_settled(struct search *search, struct participant_code code,
                                 const struct payment_id *id, uint64_t *seq)
{
    uint64_t before_seq = UINT64_MAX;
    for (uint32_t i = 0; i < RECEIPT_TRIES; i++) {
        struct search_payment payment;
        enum fault const fault = search_find(search, id, before_seq, &payment);
        if (fault != FAULT_NONE) return fault == FAULT_NOT_FOUND ? FAULT_NOT_FOUND : FAULT_BUSY;
        if (payment.kind == ENTRY_SETTLED && is_theirs(code, payment.payer, payment.payee)) {
            *seq = payment.newest_seq;
            return FAULT_NONE;
        }
        before_seq = payment.seq;
    }
    return FAULT_NOT_FOUND;
}

enum fault receipt_find(struct reader *reader, struct search *search, struct participant_code code,
                        const struct payment_id *id, uint64_t seq, struct receipt *receipt)
{
    struct entry entry;
    enum fault fault;
    if (seq != 0) {
        fault = reader_entry(reader, seq, &entry, NULL);
        if (fault != FAULT_NONE) return fault;
        if (is_settled(&entry, id) && is_theirs(code, entry.public.payer, entry.public.payee))
            return read_around(reader, &entry, receipt);
    }
    /* Older than the core's memory, or its id has been used again since. */
    fault = search_settled(search, code, id, &seq);
    if (fault == FAULT_NONE) fault = reader_entry(reader, seq, &entry, NULL);
    if (fault != FAULT_NONE) return fault;
    if (!is_settled(&entry, id) || !is_theirs(code, entry.public.payer, entry.public.payee)) {
        LOG(LOG_ERROR, PART, "the index is wrong about entry %" PRIu64 ": reindex", seq);
        return FAULT_BUSY;
    }
    return read_around(reader, &entry, receipt);
}
