/* Reading the ledger on behalf of settlement.
 *
 * The happy path: a seek walks back over the links of one participant's entries and returns the
 * page asked for, with waypoints on the way to it (queue.h); a run is copied record by record, absent
 * items filled from entry, opening entry and evidence; a receipt is collected by ledger/receipt.h.
 * Possible failures: the ledger cannot be read (the process stops); the evidence of a forwarded
 * payment was erased by law (it is older than any payment that can still be delivered: corrupt). */
#include "switch/settlement/lookup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/index.h"
#include "ledger/reader.h"
#include "ledger/receipt.h"
#include "ledger/search.h"
#include "proto/base/limits.h"
#include "proto/base/log.h"
#include "switch/settlement/recent.h"

struct lookup {
    struct lookup_options options;
    struct reader *reader;
    struct search *search;
    struct entry entry;
    struct entry opening;
    struct body body;
    struct body opening_body;
    uint64_t entries_read;
    struct queue_walk walk;
    char message[LIMIT_MESSAGE_BYTES];
};

enum fault lookup_open(struct lookup **out, const struct lookup_options *options)
{
    *out = NULL;
    struct lookup *const lookup = calloc(1, sizeof *lookup);
    if (!lookup) return FAULT_MEMORY;
    lookup->options = *options;
    enum fault fault = reader_open(&lookup->reader, options->directory, options->vfs);
    if (fault == FAULT_NONE) fault = search_open(&lookup->search, options->directory, options->vfs);
    if (fault != FAULT_NONE) {
        lookup_close(lookup);
        return fault;
    }
    *out = lookup;
    return FAULT_NONE;
}

/* Only the fields that queue_item_of and recent_status use. */
static struct recent_entry facts_of(const struct entry *entry)
{
    uint32_t const sides[2] = {RECENT_NOBODY, RECENT_NOBODY};
    struct max35_text const instruction_id = {0};
    struct uetr const uetr = {0};
    return recent_facts(entry, sides, &instruction_id, &uetr);
}

static enum fault read_entry(struct lookup *lookup, uint64_t seq, struct entry *entry,
                             struct body *body)
{
    enum fault const fault = reader_entry(lookup->reader, seq, entry, body);
    lookup->entries_read += 1;
    if (fault != FAULT_NONE) {
        LOG(LOG_FATAL, "lookup", "entry %llu cannot be read: %s", (unsigned long long)seq,
            fault_words(fault));
    }
    return fault;
}

/* Is the entry just read this number of the participant, and on which side? */
static bool is_number(const struct lookup *lookup, struct participant_code code, uint64_t number,
                      enum entry_side *side)
{
    const struct entry_public *const public = &lookup->entry.public;
    for (uint32_t at = 0; at < 2; at++) {
        *side = (enum entry_side)at;
        if (public->sides[at].number == number &&
            identifier_code_equal(entry_participant(&lookup->entry, *side), code))
            return true;
    }
    return false;
}

/* The follower's index has every INDEX_STRIDE-th number, so that no walk need be long; where it has
 * not, or is not right, settlement's own known number stays. */
static void begin_nearer(struct lookup *lookup, struct participant_code code,
                         struct queue_seek *seek)
{
    enum entry_side side;
    uint64_t seq;
    uint64_t const last = seek->number + QUEUE_PAGE - 1;
    uint64_t const number = (last + INDEX_STRIDE - 1) / INDEX_STRIDE * INDEX_STRIDE;
    if (number >= seek->known_number) return;
    if (search_number(lookup->search, code, number, &seq) != FAULT_NONE) return;
    if (reader_entry(lookup->reader, seq, &lookup->entry, NULL) != FAULT_NONE ||
        !is_number(lookup, code, number, &side)) {
        LOG(LOG_WARNING, "lookup", "the index is wrong about number %llu of %.8s: reindex",
            (unsigned long long)number, code.text);
        return;
    }
    seek->known_number = number;
    seek->known_seq = seq;
}

/* Walks back from the known number to the one asked for. */
static enum fault seek(struct lookup *lookup, const struct lookup_seek *request,
                       struct lookup_page *page)
{
    struct queue_seek seek = request->seek;
    begin_nearer(lookup, request->code, &seek);
    uint64_t number = seek.known_number, seq = seek.known_seq;
    for (;;) {
        enum fault const fault = read_entry(lookup, seq, &lookup->entry, NULL);
        if (fault != FAULT_NONE) return fault;
        enum entry_side side;
        if (!is_number(lookup, request->code, number, &side)) {
            LOG(LOG_FATAL, "lookup", "entry %llu is not number %llu of %.8s",
                (unsigned long long)seq, (unsigned long long)number, request->code.text);
            return FAULT_CORRUPT;
        }
        struct recent_entry const facts = facts_of(&lookup->entry);
        struct queue_item const item = queue_item_of(&facts, side);
        queue_walk_met(&lookup->walk, &seek, &item);
        if (number == seek.number) break;
        seq = lookup->entry.public.sides[side].previous_seq;
        number -= 1;
    }
    page->kind = LOOKUP_PAGE;
    page->participant = request->participant;
    queue_walk_page(&lookup->walk, &seek, &page->page);
    return FAULT_NONE;
}

static void take_ids(struct status_item *status, const struct body *body)
{
    struct span text;
    if (body_find(body_span(body), BODY_INSTRUCTION_ID, &text))
        (void)!identifier_parse_max35(text, &status->instruction_id);
    if (body_find(body_span(body), BODY_UETR, &text))
        (void)!identifier_parse_uetr(text, &status->uetr);
}

static enum fault fill_status(struct lookup *lookup, const struct lookup_item *wanted,
                              struct delivery_item *item)
{
    enum fault fault = read_entry(lookup, wanted->seq, &lookup->entry, &lookup->body);
    if (fault != FAULT_NONE) return fault;
    struct recent_entry const facts = facts_of(&lookup->entry);
    item->status = recent_status(&facts, wanted->side);
    if (wanted->ids_known) {
        item->status.instruction_id = wanted->status.instruction_id;
        item->status.uetr = wanted->status.uetr;
        return FAULT_NONE;
    }
    if (lookup->entry.public.opened_by == 0) {
        take_ids(&item->status, &lookup->body);
        return FAULT_NONE;
    }
    fault =
        read_entry(lookup, lookup->entry.public.opened_by, &lookup->opening, &lookup->opening_body);
    if (fault == FAULT_NONE) take_ids(&item->status, &lookup->opening_body);
    return fault;
}

/* Claims the item's record behind those of the run; NULL: no room for it now. */
static struct delivery_item *claim_item(struct lookup *lookup, enum delivery_type type,
                                        size_t behind)
{
    struct delivery_item *const item = ring_claim(lookup->options.results, sizeof *item + behind);
    if (!item) return NULL;
    memset(item, 0, sizeof *item);
    item->kind = REPLY_ITEM;
    item->type = type;
    return item;
}

static enum fault fill_item(struct lookup *lookup, const struct lookup_item *wanted,
                            uint32_t *bytes)
{
    if (wanted->type != DELIVER_PACS008) {
        struct delivery_item *const item = claim_item(lookup, wanted->type, 0);
        assert(item); /* lookup_step has seen that there is room */
        *bytes += (uint32_t)sizeof *item + 32;
        return fill_status(lookup, wanted, item);
    }
    enum fault fault = read_entry(lookup, wanted->seq, &lookup->entry, NULL);
    if (fault != FAULT_NONE) return fault;
    struct evidence evidence;
    fault = reader_message(lookup->reader, &lookup->entry, lookup->message, sizeof lookup->message,
                           &evidence);
    if (fault != FAULT_NONE) {
        LOG(LOG_FATAL, "lookup", "the message of entry %llu cannot be read: %s",
            (unsigned long long)wanted->seq, fault_words(fault));
        return fault;
    }
    struct delivery_item *const item = claim_item(lookup, wanted->type, evidence.bytes.size);
    assert(item);
    item->transfer = (struct transfer_item){
        .size = (uint32_t)evidence.bytes.size,
        .transaction_index = lookup->entry.private.transaction_index,
        .whole_message = true,
    };
    memcpy(item + 1, evidence.bytes.bytes, evidence.bytes.size);
    *bytes += (uint32_t)(sizeof *item + evidence.bytes.size) + 32;
    return FAULT_NONE;
}

static enum fault run(struct lookup *lookup, const struct lookup_run *request)
{
    struct lookup_run *const result = ring_claim(lookup->options.results, sizeof *result);
    assert(result);
    *result = *request;
    result->bytes = 0;
    for (uint32_t i = 0; i < request->record_count; i++) {
        struct span const record = ring_next(lookup->options.requests);
        assert(record.bytes); /* a run is published whole */
        uint32_t kind;
        memcpy(&kind, record.bytes, sizeof kind);
        if (kind == LOOKUP_ITEM) {
            enum fault const fault = fill_item(
                lookup, (const struct lookup_item *)(const void *)record.bytes, &result->bytes);
            if (fault != FAULT_NONE) return fault;
            continue;
        }
        void *const copy = ring_claim(lookup->options.results, record.size);
        assert(copy);
        memcpy(copy, record.bytes, record.size);
        result->bytes += (uint32_t)record.size + 32;
    }
    return FAULT_NONE;
}

static enum receipt_outcome outcome_of(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE: return RECEIPT_FOUND;
    case FAULT_NOT_FOUND: return RECEIPT_UNKNOWN;
    case FAULT_BUSY: return RECEIPT_BUSY;
    case FAULT_INVALID:
    case FAULT_FULL:
    case FAULT_CLOSED:
    case FAULT_MEMORY:
    case FAULT_IO:
    case FAULT_CORRUPT:
    case FAULT_VERSION:
    case FAULT_CRYPTO: break;
    }
    return RECEIPT_FAILED;
}

/* Has the ledger begun after that? */
static bool is_younger(struct lookup *lookup, int64_t time_ns)
{
    return reader_entry(lookup->reader, 1, &lookup->entry, NULL) == FAULT_NONE &&
           lookup->entry.public.time_ns > time_ns;
}

static void answer_receipt(struct lookup *lookup, const struct lookup_receipt *request)
{
    struct receipt receipt;
    enum fault fault = receipt_find(lookup->reader, lookup->search, request->code, &request->id,
                                    request->seq, &receipt);
    /* A young ledger needs no index: the core has known all its payments. */
    if (fault == FAULT_BUSY && is_younger(lookup, request->remembered_ns)) fault = FAULT_NOT_FOUND;
    enum receipt_outcome const outcome = outcome_of(fault);
    size_t const behind = outcome == RECEIPT_FOUND ? sizeof receipt : 0;
    if (outcome == RECEIPT_FAILED)
        LOG(LOG_ERROR, "lookup", "the receipt of %.*s cannot be made: %s", (int)request->id.size,
            request->id.text, fault_words(fault));

    struct lookup_run *const run = ring_claim(lookup->options.results, sizeof *run);
    struct receipt_reply *const reply = ring_claim(lookup->options.results, sizeof *reply + behind);
    assert(run && reply);
    *run = (struct lookup_run){.kind = LOOKUP_RUN,
                               .loop = request->loop,
                               .record_count = 1,
                               .bytes = (uint32_t)(sizeof *reply + behind) + 32};
    *reply = (struct receipt_reply){.kind = REPLY_RECEIPT,
                                    .outcome = outcome,
                                    .request = request->request,
                                    .retry_after_seconds = LOOKUP_RETRY_SECONDS};
    if (behind) memcpy(reply + 1, &receipt, behind);
}

enum fault lookup_step(struct lookup *lookup, bool *did)
{
    *did = false;
    if (ring_room(lookup->options.results) < LIMIT_RESULT_BYTES) return FAULT_NONE;
    struct span const record = ring_next(lookup->options.requests);
    if (!record.bytes) return FAULT_NONE;
    *did = true;

    enum fault fault = FAULT_NONE;
    uint32_t kind;
    memcpy(&kind, record.bytes, sizeof kind);
    if (kind == LOOKUP_RECEIPT) {
        answer_receipt(lookup, (const struct lookup_receipt *)(const void *)record.bytes);
    } else if (kind == LOOKUP_SEEK) {
        struct lookup_page *const page = ring_claim(lookup->options.results, sizeof *page);
        assert(page);
        fault = seek(lookup, (const struct lookup_seek *)(const void *)record.bytes, page);
    } else {
        assert(kind == LOOKUP_RUN);
        fault = run(lookup, (const struct lookup_run *)(const void *)record.bytes);
    }
    if (fault != FAULT_NONE) {
        ring_abandon(lookup->options.results);
        return fault;
    }
    ring_release(lookup->options.requests);
    ring_publish(lookup->options.results);
    return FAULT_NONE;
}

uint64_t lookup_entries_read(const struct lookup *lookup)
{
    return lookup->entries_read;
}

void lookup_close(struct lookup *lookup)
{
    if (!lookup) return;
    search_close(lookup->search);
    reader_close(lookup->reader);
    free(lookup);
}
