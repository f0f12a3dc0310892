/* Walks the blocks of all segments in order, and in each block its entries, and stops at the first
 * fault.
 *
 *   file:   application, format, first entry opens the segment and names what came before
 *   block:  present, its fields, its link; then its entries one by one:
 *   entry:  present, sizes, hash over the one before, sequence, versions, time, its message, its
 *           meaning (sums.c)
 *   block:  its root, its time, messages that no entry names; its checkpoint (attest.c),
 *           a snapshot made then (saved.c)
 *   file:   its seal
 *
 * A fault is told by the sequence of the entry at hand; a block's by that of its first entry.
 * The end is fixed at the start, so a switch at work cannot run ahead for ever; every
 * transaction is short, as a long one would make the switch's write-ahead log grow. */
#include "ledger/verify/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/verify/attest.h"
#include "ledger/verify/cursors.h"
#include "ledger/verify/files.h"
#include "ledger/verify/frame.h"
#include "ledger/verify/layout.h"
#include "ledger/verify/rows.h"
#include "ledger/verify/saved.h"
#include "ledger/verify/sums.h"
#include "ledger/verify/tree.h"
#include "proto/base/time.h"

#define BLOCK_ENTRIES_MAX 4096
#define TRANSACTION_ENTRIES 8192 /* some 10 ms of reading */
#define BODY_BYTES_MAX 8192
#define SEGMENT_APPLICATION 0x43617563
#define FORMAT_VERSION 1

/* The body that was read last: the entries of a batch share one. */
struct shared_body {
    uint64_t seq; /* of the entry that owns it, in the segment at hand; 0: there is none */
    size_t size;
    struct hash hash;
    char bytes[BODY_BYTES_MAX];
};

/* The open segment, and where reading stands in it. */
struct segment {
    sqlite3 *db;
    uint32_t number;
    sqlite3_stmt *header, *entries, *body, *evidence;
    uint64_t last_seq, last_block, last_evidence; /* newest when it was opened; 0: none */
    struct tree headers;                          /* over the hashes of its blocks' headers */
    struct shared_body body_at_hand;
};

struct check {
    const struct verify_options *options;
    struct verify_report *report;
    struct segment segment;
    struct attest *attest;
    struct cursors cursors;
    struct saved saved;
    struct sums *sums;
    struct frame frame;
    uint64_t seq;          /* of the entry checked last */
    uint64_t block;        /* number of the block checked last */
    uint32_t last_segment; /* newest that has entries */
    int64_t time_ns;       /* of the entry checked last */
    struct hash head, block_hash;
    struct tree entries; /* of the block at hand */
    struct hash absent;  /* the message counted last as absent: its other entries follow it */
    uint8_t ledger_id[LAYOUT_LEDGER_ID_BYTES];
};

/* --- faults ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static bool fault(struct check *check, uint64_t seq,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check->report->fault_words, VERIFY_WORDS_BYTES, format, arguments);
    va_end(arguments);
    check->report->fault_seq = seq;
    return false;
}

static bool refused(struct check *check, uint64_t seq)
{
    return fault(check, seq, "segment %" PRIu32 " cannot be read: %s", check->segment.number,
                 sqlite3_errmsg(check->segment.db));
}

/* --- reading ---------------------------------------------------------------------------------- */

static void close_segment(struct segment *segment)
{
    (void)sqlite3_finalize(segment->header);
    (void)sqlite3_finalize(segment->entries);
    (void)sqlite3_finalize(segment->body);
    (void)sqlite3_finalize(segment->evidence);
    (void)sqlite3_close(segment->db);
    segment->db = NULL;
}

static bool prepare(struct check *check, sqlite3_stmt **statement, const char *sql)
{
    return sqlite3_prepare_v2(check->segment.db, sql, -1, statement, NULL) == SQLITE_OK ||
           refused(check, check->seq + 1);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Keeps a body and its hash for the entries that share it. */
static bool take_body(struct check *check, uint64_t seq, uint64_t owner, struct span body)
{
    struct shared_body *kept = &check->segment.body_at_hand;
    kept->seq = 0;
    if (body.size > BODY_BYTES_MAX || !layout_is_body(body))
        return fault(check, seq, "has a body that is none");
    memcpy(kept->bytes, body.bytes, body.size);
    kept->size = body.size;
    kept->hash = hash_of(body);
    kept->seq = owner;
    return true;
}

/* The body of the row at hand, its own or one that it shares, and its hash; zeros for none. */
static bool read_body(struct check *check, uint64_t seq, struct span *body, struct hash *hash)
{
    sqlite3_stmt *row = check->segment.entries;
    const struct shared_body *kept = &check->segment.body_at_hand;
    bool const own = sqlite3_column_type(row, 4) != SQLITE_NULL;
    bool const shared = sqlite3_column_type(row, 5) != SQLITE_NULL;
    *body = span_of(NULL, 0);
    *hash = (struct hash){0};
    if (!own && !shared) return true;
    if (own && shared) return fault(check, seq, "has a body and shares another");
    if (own) {
        if (!take_body(check, seq, seq, rows_blob(row, 4))) return false;
    } else if ((uint64_t)sqlite3_column_int64(row, 5) != kept->seq) {
        uint64_t const owner = (uint64_t)sqlite3_column_int64(row, 5);
        int const result = rows_step(check->segment.body, owner);
        if (result != SQLITE_ROW && result != SQLITE_DONE) return refused(check, seq);
        if (result == SQLITE_DONE || owner >= seq)
            return fault(check, seq, "shares a body that is not there");
        if (!take_body(check, seq, owner, rows_blob(check->segment.body, 0))) return false;
    }
    *body = span_of(kept->bytes, kept->size);
    *hash = kept->hash;
    return true;
}

/* hash = SHA-256(prev_hash | public | SHA-256(private) | SHA-256(body) or zeros) */
static struct hash chain_hash(const struct hash *before, struct span public_part,
                              struct span private_part, const struct hash *body)
{
    struct hash const private_hash = hash_of(private_part);
    struct span const parts[] = {hash_span(before), public_part, hash_span(&private_hash),
                                 hash_span(body)};
    return hash_parts(parts, 4);
}

/* The entry that opens a segment names its format and what came before. */
static bool check_opening(struct check *check, uint64_t seq, const struct layout_entry *entry,
                          struct span body, const struct hash *prev_head,
                          const struct hash *prev_block)
{
    uint64_t format = 0, number = 0;
    struct span id, head, block;
    if (entry->kind != LAYOUT_SEGMENT || !layout_find_number(body, LAYOUT_TAG_FORMAT, &format) ||
        !layout_find_number(body, LAYOUT_TAG_SEGMENT, &number) ||
        !layout_find(body, LAYOUT_TAG_LEDGER_ID, &id) || id.size != sizeof check->ledger_id ||
        !layout_find(body, LAYOUT_TAG_PREVIOUS_HEAD, &head) ||
        !layout_find(body, LAYOUT_TAG_PREVIOUS_BLOCK, &block))
        return fault(check, seq, "opens no segment");
    if (format != FORMAT_VERSION)
        return fault(check, seq, "opens a segment of format %" PRIu64, format);
    if (number != check->segment.number)
        return fault(check, seq, "opens segment %" PRIu64 " in the file of segment %" PRIu32,
                     number, check->segment.number);
    if (!span_equal(head, hash_span(prev_head)) || !span_equal(block, hash_span(prev_block)))
        return fault(check, seq, "opens a segment that does not continue the one before");
    if (seq == 1) memcpy(check->ledger_id, id.bytes, sizeof check->ledger_id);
    if (memcmp(check->ledger_id, id.bytes, sizeof check->ledger_id) != 0)
        return fault(check, seq, "opens a segment of another ledger");
    return true;
}

/* The message that caused the entry, in its block's frame, from the participant it names. */
static bool check_evidence(struct check *check, uint64_t seq, const struct layout_entry *entry)
{
    if (hash_is_zero(&entry->evidence)) return true;
    if (check->frame.count == 0) { /* archived, or erased by law: no fault */
        if (!hash_equal(&check->absent, &entry->evidence)) check->report->evidence_absent++;
        check->absent = entry->evidence;
        return true;
    }
    const struct frame_record *record = frame_name(&check->frame, &entry->evidence);
    if (record == NULL) return fault(check, seq, "names a message that its block's evidence lacks");
    if (record->sender != entry->sender)
        return fault(check, seq, "names another sender than its evidence");
    if (!sums_may_sign(check->sums, record->sender, &record->certificate))
        return fault(check, seq, "was caused under a certificate that is not its sender's");
    return true;
}

static bool check_entry(struct check *check, uint64_t seq, bool opens_segment)
{
    sqlite3_stmt *row = check->segment.entries;
    int const result = sqlite3_step(row);
    if (result != SQLITE_ROW && result != SQLITE_DONE) return refused(check, seq);
    if (result == SQLITE_DONE || (uint64_t)sqlite3_column_int64(row, 0) != seq)
        return fault(check, seq, "is missing");
    struct span const public_part = rows_blob(row, 1), private_part = rows_blob(row, 2);
    struct span const hash = rows_blob(row, 3);
    if (public_part.size != LAYOUT_PUBLIC_BYTES || private_part.size != LAYOUT_PRIVATE_BYTES ||
        hash.size != HASH_BYTES)
        return fault(check, seq, "has a part of another size");
    struct span body;
    struct hash body_hash;
    if (!read_body(check, seq, &body, &body_hash)) return false;

    struct hash const computed = chain_hash(&check->head, public_part, private_part, &body_hash);
    if (!span_equal(hash, hash_span(&computed)))
        return fault(check, seq, "does not match its hash, or does not follow the entry before");
    struct layout_entry entry;
    layout_read_entry(public_part, private_part, &entry);
    if (entry.seq != seq) return fault(check, seq, "calls itself entry %" PRIu64, entry.seq);
    if (entry.public_version != FORMAT_VERSION || entry.private_version != FORMAT_VERSION)
        return fault(check, seq, "is of version %" PRIu32 ".%" PRIu32 ", which is not known",
                     entry.public_version, entry.private_version);
    if (entry.time_ns < check->time_ns) return fault(check, seq, "is older than the one before");
    if (opens_segment != (entry.kind == LAYOUT_SEGMENT))
        return fault(check, seq, "opens a segment where none begins, or does not where one does");
    if (opens_segment && !check_opening(check, seq, &entry, body, &check->head, &check->block_hash))
        return false;
    if (!check_evidence(check, seq, &entry)) return false;
    const char *words = sums_apply(check->sums, &entry, body);
    if (words) return fault(check, seq, "%s", words);

    check->seq = seq;
    check->head = computed;
    check->time_ns = entry.time_ns;
    check->report->entries++;
    return true;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static bool read_header(struct check *check, uint64_t number, char stored[LAYOUT_HEADER_BYTES],
                        struct layout_header *header)
{
    uint64_t const first_seq = check->seq + 1;
    int const result = rows_step(check->segment.header, number);
    if (result != SQLITE_ROW && result != SQLITE_DONE) return refused(check, first_seq);
    if (result == SQLITE_DONE)
        return fault(check, first_seq, "block %" PRIu64 " is missing", number);
    struct span const bytes = rows_blob(check->segment.header, 0);
    if (bytes.size != LAYOUT_HEADER_BYTES)
        return fault(check, first_seq, "the header of block %" PRIu64 " has another size", number);
    memcpy(stored, bytes.bytes, LAYOUT_HEADER_BYTES);
    layout_read_header(bytes, header);

    if (header->version != FORMAT_VERSION)
        return fault(check, first_seq, "block %" PRIu64 " is of version %" PRIu32, number,
                     header->version);
    if (header->number != number || header->first_seq != first_seq || header->count < 1 ||
        header->count > BLOCK_ENTRIES_MAX || header->last_seq != first_seq + (header->count - 1))
        return fault(check, first_seq,
                     "block %" PRIu64 " does not go on where the one before ended", number);
    if (!hash_equal(&header->previous, &check->block_hash))
        return fault(check, first_seq, "block %" PRIu64 " does not name the one before", number);
    return true;
}

static bool unpack_evidence(struct check *check, uint64_t number)
{
    check->frame.count = 0;
    int const result = rows_step(check->segment.evidence, number);
    if (result == SQLITE_DONE) return true;
    if (result != SQLITE_ROW) return refused(check, check->seq + 1);
    const char *words = frame_read(&check->frame, rows_blob(check->segment.evidence, 0));
    return words == NULL || fault(check, check->seq + 1, "block %" PRIu64 ": %s", number, words);
}

static bool read_evidence(struct check *check, uint64_t number)
{
    int64_t const from_ns = time_monotonic_ns();
    bool const good = unpack_evidence(check, number);
    check->report->evidence_ns += time_monotonic_ns() - from_ns;
    return good;
}

/* What the switch has signed of the block, timed by itself. */
static bool check_checkpoint(struct check *check, uint64_t number, struct span header,
                             uint64_t first_seq)
{
    int64_t const from_ns = time_monotonic_ns();
    bool const good = attest_block(check->attest, number, header, check->seq);
    check->report->signatures_ns += time_monotonic_ns() - from_ns;
    return good || fault(check, first_seq, "%s", attest_words(check->attest));
}

static bool check_block(struct check *check, uint64_t number, bool opens_segment)
{
    char stored[LAYOUT_HEADER_BYTES];
    struct layout_header header;
    if (!read_header(check, number, stored, &header)) return false;
    if (!read_evidence(check, number)) return false;

    (void)sqlite3_reset(check->segment.entries);
    (void)sqlite3_bind_int64(check->segment.entries, 1, (sqlite3_int64)header.first_seq);
    (void)sqlite3_bind_int64(check->segment.entries, 2, (sqlite3_int64)header.last_seq);
    check->absent = (struct hash){0};
    check->entries.leaves = 0;
    for (uint32_t i = 0; i < header.count; i++) {
        if (!check_entry(check, header.first_seq + i, opens_segment && i == 0)) return false;
        tree_add(&check->entries, &check->head);
    }
    struct hash const root = tree_root(&check->entries);
    if (!hash_equal(&root, &header.root))
        return fault(check, header.first_seq, "block %" PRIu64 " has another root", number);
    if (header.time_ns != check->time_ns)
        return fault(check, header.first_seq, "block %" PRIu64 " has another time", number);
    if (!frame_all_named(&check->frame))
        return fault(check, header.first_seq,
                     "block %" PRIu64 " has evidence that none of its entries names", number);
    if (!check_checkpoint(check, number, span_of(stored, sizeof stored), header.first_seq))
        return false;
    check->block = number;
    check->block_hash = hash_of(span_of(stored, sizeof stored));
    tree_add(&check->segment.headers, &check->block_hash);
    check->report->blocks++;
    return saved_check(&check->saved, check->seq, &check->head, check->ledger_id, check->sums,
                       check->attest) ||
           fault(check, check->seq, "%s", check->saved.words);
}

/* --- segments --------------------------------------------------------------------------------- */

/* Fixes where the segment ends, and that nothing lies outside of what its blocks lead to. */
static bool check_extent(struct check *check)
{
    struct segment *segment = &check->segment;
    uint64_t first_seq = 0, first_block = 0, first_evidence = 0;
    const struct {
        const char *sql;
        uint64_t *number;
    } bounds[] = {
        {"SELECT ifnull(min(seq), 9223372036854775807) FROM entries", &first_seq},
        {"SELECT ifnull(max(seq), 0) FROM entries", &segment->last_seq},
        {"SELECT ifnull(min(number), 9223372036854775807) FROM blocks", &first_block},
        {"SELECT ifnull(max(number), 0) FROM blocks", &segment->last_block},
        {"SELECT ifnull(min(block), 9223372036854775807) FROM evidence", &first_evidence},
        {"SELECT ifnull(max(block), 0) FROM evidence", &segment->last_evidence},
    };
    bool good = sqlite3_exec(segment->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; good && i < sizeof bounds / sizeof bounds[0]; i++)
        good = rows_number(segment->db, bounds[i].sql, bounds[i].number);
    if (!good) return refused(check, check->seq + 1);
    (void)sqlite3_exec(segment->db, "COMMIT", NULL, NULL, NULL);

    if (first_seq < check->seq + 1)
        return fault(check, first_seq, "stands before the segment's first entry");
    if (first_block < check->block + 1)
        return fault(check, check->seq + 1, "block %" PRIu64 " stands before the segment's first",
                     first_block);
    if (first_evidence < check->block + 1)
        return fault(check, check->seq + 1, "evidence of a block before the segment's first");
    return true;
}

static bool prepare_all(struct check *check)
{
    struct segment *segment = &check->segment;
    return prepare(check, &segment->header, "SELECT header FROM blocks WHERE number = ?1") &&
           prepare(check, &segment->entries,
                   "SELECT seq, public, private, hash, body, body_seq FROM entries"
                   " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq") &&
           prepare(check, &segment->body, "SELECT body FROM entries WHERE seq = ?1") &&
           prepare(check, &segment->evidence, "SELECT frame FROM evidence WHERE block = ?1");
}

/* *is_made: false for a file after the first whose tables were not made yet. */
static bool open_segment(struct check *check, const char *directory, bool *is_made)
{
    struct segment *segment = &check->segment;
    char name[FILES_NAME_BYTES];
    const char *words = "";
    struct rows_format format;
    (void)snprintf(name, sizeof name, "segment-%06" PRIu32 ".db", segment->number);
    segment->db = files_open(directory, name, &words);
    if (segment->db == NULL)
        return fault(check, check->seq + 1, "%s cannot be opened: %s", name, words);
    if (!rows_format(segment->db, &format)) return refused(check, check->seq + 1);
    *is_made = (format.tables | format.application | format.version) != 0 || segment->number == 1;
    if (!*is_made) return true;
    if (format.application != SEGMENT_APPLICATION)
        return fault(check, check->seq + 1, "%s is no segment of a ledger", name);
    if (format.version != FORMAT_VERSION)
        return fault(check, check->seq + 1, "%s is of format %" PRIu64 ", which is not known", name,
                     format.version);
    return prepare_all(check);
}

/* Ends the transaction: statements that stand on a row keep one open. */
static void let_go(struct segment *segment)
{
    (void)sqlite3_reset(segment->header);
    (void)sqlite3_reset(segment->entries);
    (void)sqlite3_reset(segment->body);
    (void)sqlite3_reset(segment->evidence);
    (void)sqlite3_exec(segment->db, "COMMIT", NULL, NULL, NULL);
}

static bool check_blocks(struct check *check)
{
    struct segment *segment = &check->segment;
    uint64_t const first_block = check->block + 1;
    bool good = true;
    while (good && check->block < segment->last_block) {
        uint64_t const until_seq = check->seq + TRANSACTION_ENTRIES;
        if (sqlite3_exec(segment->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
            return refused(check, check->seq + 1);
        while (good && check->block < segment->last_block && check->seq < until_seq)
            good = check_block(check, check->block + 1, check->block + 1 == first_block);
        let_go(segment);
        if (check->options->progress)
            check->options->progress(check->options->context, check->report);
    }
    return good;
}

/* What the switch has signed of the segment as a whole. */
static bool check_seal(struct check *check, uint64_t first_seq, uint64_t first_block)
{
    struct layout_seal seal = {.segment = check->segment.number,
                               .first_seq = first_seq,
                               .last_seq = check->seq,
                               .first_block = first_block,
                               .last_block = check->block,
                               .head = check->head,
                               .block_head = check->block_hash,
                               .root = tree_root(&check->segment.headers)};
    memcpy(seal.ledger_id, check->ledger_id, sizeof seal.ledger_id);
    int64_t const from_ns = time_monotonic_ns();
    bool const good = attest_segment(check->attest, &seal);
    check->report->signatures_ns += time_monotonic_ns() - from_ns;
    return good || fault(check, first_seq, "%s", attest_words(check->attest));
}

static bool check_segment(struct check *check, const char *directory)
{
    struct segment *segment = &check->segment;
    uint64_t const first_seq = check->seq + 1, first_block = check->block + 1;
    bool is_made;
    if (!open_segment(check, directory, &is_made)) return false;
    if (is_made && !check_extent(check)) return false;
    if ((segment->last_seq | segment->last_block | segment->last_evidence) == 0) {
        if (segment->number == check->report->segments) return true; /* prepared for later */
        return fault(check, first_seq, "segment %" PRIu32 " has no entries", segment->number);
    }
    if (!check_blocks(check)) return false;
    if (segment->last_seq > check->seq) return fault(check, check->seq + 1, "stands in no block");
    if (segment->last_evidence > check->block)
        return fault(check, check->seq, "evidence of a block that is not there");
    check->last_segment = segment->number;
    return check_seal(check, first_seq, first_block);
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool check_segments(struct check *check, const char *directory)
{
    bool good = true;
    for (uint32_t number = 1; good && number <= check->report->segments; number++) {
        check->report->segment = number;
        check->segment = (struct segment){.number = number};
        good = check_segment(check, directory);
        close_segment(&check->segment);
    }
    return good;
}

/* What can be said when all entries are known. */
static bool check_end(struct check *check)
{
    const char *words = sums_recount(check->sums);
    if (words) return fault(check, check->seq, "%s", words);
    if (!attest_end(check->attest, check->block, check->last_segment))
        return fault(check, check->seq + 1, "%s", attest_words(check->attest));
    if (!saved_end(&check->saved)) return fault(check, 0, "%s", check->saved.words);
    return cursors_check(&check->cursors, check->sums, check->ledger_id) ||
           fault(check, 0, "%s", check->cursors.words);
}

/* What is made of the entries, signatures, marks and snapshots, is read before them. */
static bool check_ledger(struct check *check, const char *directory)
{
    struct files files;
    bool good;
    check->attest =
        attest_open(directory, check->options->trusted, check->options->trusted_count, &good);
    if (check->attest == NULL) return fault(check, 0, "no memory");
    if (!good) return fault(check, 0, "%s", attest_words(check->attest));
    if (!cursors_read(&check->cursors, directory))
        return fault(check, 0, "%s", check->cursors.words);
    if (!saved_open(&check->saved, directory)) return fault(check, 0, "%s", check->saved.words);

    if (!files_list(directory, &files))
        return fault(check, 0, "%s cannot be read: %s", directory, strerror(errno));
    (void)snprintf(check->report->notes, sizeof check->report->notes, "%s", files.notes);
    if (files.segments == 0) return fault(check, 0, "%s holds no ledger", directory);
    if (files.missing[0]) return fault(check, 0, "%s is missing", files.missing);
    check->report->segments = files.segments;
    return check_segments(check, directory) && check_end(check);
}

static void report_signatures(const struct attest *attest, struct verify_report *report)
{
    const struct attest_signer *signers;
    report->signed_seq = attest_seq(attest);
    report->signer_count = attest_signers(attest, &signers);
    memcpy(report->signers, signers, report->signer_count * sizeof *signers);
}

void verify_ledger_with(const char *directory, const struct verify_options *options,
                        struct verify_report *report)
{
    int64_t const from_ns = time_monotonic_ns();
    *report = (struct verify_report){0};
    struct check *check = calloc(1, sizeof *check);
    if (check == NULL) {
        (void)snprintf(report->fault_words, sizeof report->fault_words, "no memory");
        return;
    }
    check->options = options;
    check->report = report;
    check->sums = sums_open();
    if (frame_open(&check->frame) && check->sums != NULL)
        report->good = check_ledger(check, directory);
    else
        (void)fault(check, 0, "no memory");
    report->head = check->head;
    if (check->attest) report_signatures(check->attest, report);
    attest_close(check->attest);
    cursors_close(&check->cursors);
    frame_close(&check->frame);
    sums_close(check->sums);
    free(check);
    report->total_ns = time_monotonic_ns() - from_ns;
}

void verify_ledger(const char *directory, struct verify_report *report)
{
    static const struct verify_options plain;
    verify_ledger_with(directory, &plain, report);
}
