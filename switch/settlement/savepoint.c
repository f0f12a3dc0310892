/* From engine and registry to a snapshot file, and back.
 *
 * The happy path of a start: both heads are read, the newer one first is held against the ledger
 * (its id, the hash of its entry, that entry the last of its block), the engine is loaded from it,
 * the sequences read, and the hash of it all compared with what was signed.
 * Possible failures: each is said, and the next file tried. */
#include "switch/settlement/savepoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/log.h"

#define PART "snapshot"

static_assert(SNAPSHOT_FILE_LEDGER_ID_BYTES == READER_LEDGER_ID_BYTES, "one id, two audiences");

enum fault savepoint_registry_open(struct savepoint_registry *registry)
{
    *registry = (struct savepoint_registry){0};
    registry->seqs = calloc(SAVEPOINT_REGISTRY_MAX, sizeof *registry->seqs);
    return registry->seqs ? FAULT_NONE : FAULT_MEMORY;
}

enum fault savepoint_registry_entry(struct savepoint_registry *registry, const struct entry *entry)
{
    if (entry->public.kind != ENTRY_JOINED && entry->public.kind != ENTRY_CERTIFICATE)
        return FAULT_NONE;
    if (registry->count == SAVEPOINT_REGISTRY_MAX) return FAULT_FULL;
    registry->seqs[registry->count++] = entry->public.seq;
    return FAULT_NONE;
}

void savepoint_registry_close(struct savepoint_registry *registry)
{
    free(registry->seqs);
    *registry = (struct savepoint_registry){0};
}

/* --- writing ---------------------------------------------------------------------------------- */

struct saving {
    struct snapshot_writer *writer;
    savepoint_rest rest;
    void *context;
    uint64_t bytes;
};

static enum fault put(void *context, struct span bytes)
{
    struct saving *const saving = context;
    uint32_t slices = 0;
    saving->bytes += bytes.size;
    enum fault const fault = snapshot_writer_put(saving->writer, bytes, &slices);
    return fault == FAULT_NONE && slices > 0 ? saving->rest(saving->context) : fault;
}

/* The file without a good snapshot, or that with the older one. */
static uint32_t older_place(const struct savepoint_options *options)
{
    uint32_t older = 1;
    uint64_t older_seq = UINT64_MAX;
    for (uint32_t place = 1; place <= SNAPSHOT_FILES; place++) {
        struct snapshot_facts facts = {0};
        struct snapshot_reader *reader;
        if (snapshot_reader_open(&reader, options->directory, options->vfs, place,
                                 options->certificate, &facts) == FAULT_NONE)
            snapshot_reader_close(reader);
        if (facts.seq >= older_seq) continue;
        older_seq = facts.seq;
        older = place;
    }
    return older;
}

static enum fault state_facts(const struct engine *engine, struct reader *reader,
                              struct snapshot_facts *facts)
{
    struct engine_totals const totals = engine_totals(engine);
    struct block_header header;
    enum fault fault = reader_ledger_id(reader, facts->ledger_id);
    if (fault == FAULT_NONE) fault = reader_block_of(reader, totals.last_seq, &header);
    if (fault != FAULT_NONE) return fault;
    facts->seq = totals.last_seq;
    facts->time_ns = totals.last_ns;
    facts->block = header.number;
    return FAULT_NONE;
}

enum fault savepoint_write(const struct savepoint_options *options, const struct engine *engine,
                           const struct savepoint_registry *registry, const struct hash *hash,
                           struct reader *reader, struct signer *signer, savepoint_rest rest,
                           void *context)
{
    struct saving saving = {.rest = rest, .context = context};
    struct snapshot_facts facts = {.hash = *hash, .registry_count = registry->count};
    enum fault fault = state_facts(engine, reader, &facts);
    if (fault == FAULT_NONE) {
        fault = snapshot_writer_open(&saving.writer, options->directory, options->vfs,
                                     older_place(options));
    }
    if (fault != FAULT_NONE) return fault;
    fault = engine_save(engine, put, &saving);
    facts.state_bytes = saving.bytes;
    if (fault == FAULT_NONE)
        fault = put(&saving, span_of(registry->seqs, registry->count * sizeof *registry->seqs));
    if (fault == FAULT_NONE)
        fault = snapshot_writer_finish(saving.writer, &facts, signer, options->certificate);
    snapshot_writer_close(saving.writer);
    return fault;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct candidate {
    struct snapshot_reader *reader; /* NULL: none */
    struct snapshot_facts facts;
    uint64_t left; /* of the state */
};

/* Does the ledger have this very entry, at the end of a block? */
static bool is_of_chain(const struct snapshot_facts *facts, struct reader *ledger)
{
    uint8_t id[READER_LEDGER_ID_BYTES];
    struct entry entry;
    struct block_header header;
    return reader_ledger_id(ledger, id) == FAULT_NONE &&
           memcmp(id, facts->ledger_id, sizeof id) == 0 &&
           reader_entry(ledger, facts->seq, &entry, NULL) == FAULT_NONE &&
           hash_equal(&entry.hash, &facts->hash) && entry.public.time_ns == facts->time_ns &&
           reader_block(ledger, facts->block, &header) == FAULT_NONE &&
           header.last_seq == facts->seq;
}

static enum fault get(void *context, void *bytes, size_t size)
{
    struct candidate *const candidate = context;
    if (size > candidate->left) return FAULT_CORRUPT;
    candidate->left -= size;
    return snapshot_reader_get(candidate->reader, bytes, size);
}

static enum fault load(struct candidate *candidate, const struct engine_options *engine_options,
                       struct engine **engine, struct savepoint_registry *registry)
{
    if (candidate->facts.registry_count > SAVEPOINT_REGISTRY_MAX) return FAULT_CORRUPT;
    candidate->left = candidate->facts.state_bytes;
    enum fault fault = engine_load(engine, engine_options, get, candidate);
    if (fault != FAULT_NONE) return fault;
    registry->count = candidate->facts.registry_count;
    fault = candidate->left > 0 ? FAULT_CORRUPT
                                : snapshot_reader_get(candidate->reader, registry->seqs,
                                                      registry->count * sizeof *registry->seqs);
    if (fault == FAULT_NONE) fault = snapshot_reader_end(candidate->reader);
    if (fault == FAULT_NONE && engine_totals(*engine).last_seq != candidate->facts.seq)
        fault = FAULT_CORRUPT;
    if (fault != FAULT_NONE) {
        engine_close(*engine);
        *engine = NULL;
        registry->count = 0;
    }
    return fault;
}

static enum fault try_candidate(struct candidate *candidate,
                                const struct engine_options *engine_options, struct reader *ledger,
                                struct engine **engine, struct savepoint_registry *registry)
{
    if (!candidate->reader) return FAULT_NOT_FOUND;
    if (!is_of_chain(&candidate->facts, ledger)) {
        LOG(LOG_WARNING, PART, "the snapshot as of entry %" PRIu64 " is not of this ledger's chain",
            candidate->facts.seq);
        return FAULT_CORRUPT;
    }
    enum fault const fault = load(candidate, engine_options, engine, registry);
    if (fault != FAULT_NONE) {
        LOG(LOG_WARNING, PART, "the snapshot as of entry %" PRIu64 " is not taken: %s",
            candidate->facts.seq, fault_words(fault));
    }
    return fault;
}

enum fault savepoint_read(const struct savepoint_options *options,
                          const struct engine_options *engine_options, struct reader *reader,
                          struct engine **engine, struct savepoint_registry *registry,
                          struct hash *hash)
{
    struct candidate candidates[SNAPSHOT_FILES] = {0};
    for (uint32_t i = 0; i < SNAPSHOT_FILES; i++) {
        if (snapshot_reader_open(&candidates[i].reader, options->directory, options->vfs, i + 1,
                                 options->certificate, &candidates[i].facts) != FAULT_NONE)
            candidates[i].reader = NULL;
    }
    uint32_t const newest = candidates[1].facts.seq > candidates[0].facts.seq ? 1 : 0;
    enum fault fault = FAULT_NOT_FOUND;
    for (uint32_t i = 0; i < SNAPSHOT_FILES && fault != FAULT_NONE && fault != FAULT_MEMORY; i++) {
        struct candidate *const candidate = &candidates[i == 0 ? newest : 1 - newest];
        fault = try_candidate(candidate, engine_options, reader, engine, registry);
        if (fault == FAULT_NONE) *hash = candidate->facts.hash;
    }
    for (uint32_t i = 0; i < SNAPSHOT_FILES; i++)
        snapshot_reader_close(candidates[i].reader);
    return fault == FAULT_NONE || fault == FAULT_MEMORY ? fault : FAULT_NOT_FOUND;
}
