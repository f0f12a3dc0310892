/* Opening: the ledger's entries, or genesis, become the state that turns go on from.
 *
 * The happy path: journal, marks, outbox and streams are opened; the engine is that of the newest
 * snapshot, or empty; every entry behind it is replayed through the core and noted by outbox and
 * roster; the clock is set not before the newest entry.
 * Possible failures: no snapshot is good (all entries are replayed); the ledger is held, damaged or
 * of another version; genesis is bad; the clock is behind.  Each of these ends the start with words;
 * nothing half-opened is left. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/log.h"
#include "proto/record/body.h"
#include "switch/settlement/closing.h"
#include "switch/settlement/opening.h"
#include "switch/settlement/savepoint.h"
#include "switch/settlement/settlement_internal.h"

struct replay {
    struct settlement *settlement;
    struct mark *marks; /* LIMIT_PARTICIPANTS of them */
    uint32_t mark_count;
    struct body body; /* scratch */
};

static enum fault keep_mark(void *context, const struct mark *mark)
{
    struct replay *const replay = context;
    if (replay->mark_count == LIMIT_PARTICIPANTS) return FAULT_CORRUPT;
    replay->marks[replay->mark_count++] = *mark;
    return FAULT_NONE;
}

static const struct mark *mark_of(const struct replay *replay, struct participant_code code)
{
    for (uint32_t i = 0; i < replay->mark_count; i++) {
        if (identifier_code_equal(replay->marks[i].code, code)) return &replay->marks[i];
    }
    return NULL;
}

static enum fault admit(struct settlement *settlement, uint32_t index, const struct mark *mark)
{
    struct engine_participant const participant = engine_participant(settlement->engine, index);
    enum fault const fault =
        outbox_join(settlement->outbox, participant.code, participant.pacs008_max, mark);
    return fault == FAULT_NONE ? stream_join(settlement->streams) : fault;
}

static enum fault replay_entry(void *context, const struct entry *entry, struct span body)
{
    struct replay *const replay = context;
    struct settlement *const settlement = replay->settlement;
    enum fault fault = engine_apply(settlement->engine, entry, body);
    if (fault == FAULT_NONE) fault = roster_entry(&settlement->roster, entry, body);
    if (fault == FAULT_NONE && entry->public.kind == ENTRY_JOINED) {
        fault = admit(settlement, engine_participant_count(settlement->engine) - 1,
                      mark_of(replay, entry->public.payee_agent));
    }
    if (fault != FAULT_NONE) {
        LOG(LOG_FATAL, "recovery", "entry %llu does not follow from those before it: %s",
            (unsigned long long)entry->public.seq, fault_words(fault));
        return fault;
    }
    closing_entry(settlement, entry);
    const struct outcome *const outcome = engine_applied(settlement->engine);
    struct recent_entry const facts =
        recent_facts(entry, outcome->sides, &outcome->instruction_id, &outcome->uetr);
    outbox_entry(settlement->outbox, &facts, entry);
    settlement->newest_seq = entry->public.seq;
    return FAULT_NONE;
}

/* Who joined, and their certificates, as the ledger has them. */
static enum fault restore_registry(struct replay *replay, struct reader *reader,
                                   const struct savepoint_registry *registry)
{
    struct settlement *const settlement = replay->settlement;
    uint32_t joined = 0;
    struct entry entry;
    for (uint32_t i = 0; i < registry->count; i++) {
        enum fault fault = reader_entry(reader, registry->seqs[i], &entry, &replay->body);
        if (fault == FAULT_NONE)
            fault = roster_entry(&settlement->roster, &entry, body_span(&replay->body));
        if (fault != FAULT_NONE) return fault;
        if (entry.public.kind != ENTRY_JOINED) continue;
        if (joined == engine_participant_count(settlement->engine) ||
            engine_find(settlement->engine, entry.public.payee_agent) != joined)
            return FAULT_CORRUPT;
        fault = admit(settlement, joined++, mark_of(replay, entry.public.payee_agent));
        if (fault != FAULT_NONE) return fault;
    }
    return joined == engine_participant_count(settlement->engine) ? FAULT_NONE : FAULT_CORRUPT;
}

/* The newest good snapshot, or an engine without entries. */
static enum fault restore(struct replay *replay, struct reader *reader,
                          struct savepoint_registry *registry)
{
    struct settlement *const settlement = replay->settlement;
    const struct settlement_options *const options = &settlement->options;
    struct savepoint_options const savepoint = {
        .directory = options->directory, .vfs = options->vfs, .certificate = options->certificate};
    struct hash hash;
    enum fault fault = FAULT_NOT_FOUND;
    if (options->certificate) {
        fault = savepoint_read(&savepoint, &options->engine, reader, &settlement->engine, registry,
                               &hash);
    }
    if (fault == FAULT_NOT_FOUND) return engine_open(&settlement->engine, &options->engine);
    if (fault == FAULT_NONE) fault = restore_registry(replay, reader, registry);
    if (fault != FAULT_NONE) return fault;
    for (uint32_t i = 0; i < engine_participant_count(settlement->engine); i++) {
        struct engine_participant const participant = engine_participant(settlement->engine, i);
        outbox_resume(settlement->outbox, i, participant.number, participant.last_seq);
    }
    settlement->newest_seq = engine_totals(settlement->engine).last_seq;
    LOG(LOG_INFO, "recovery", "the state as of entry %llu is that of a snapshot",
        (unsigned long long)settlement->newest_seq);
    return FAULT_NONE;
}

static enum fault restore_newest(struct replay *replay)
{
    const struct settlement_options *const options = &replay->settlement->options;
    struct savepoint_registry registry;
    struct reader *reader;
    enum fault fault = reader_open(&reader, options->directory, options->vfs);
    if (fault != FAULT_NONE) return fault;
    fault = savepoint_registry_open(&registry);
    if (fault == FAULT_NONE) fault = restore(replay, reader, &registry);
    savepoint_registry_close(&registry);
    reader_close(reader);
    return fault;
}

/* Marks from an older copy of the ledger may lie beyond the newest number: such a cursor would hide
 * deliveries that come, so that participant starts again from what the ledger has. */
static enum fault replay_all(struct settlement *settlement, struct replay *replay)
{
    replay->settlement = settlement;
    enum fault fault = marks_load(settlement->marks, keep_mark, replay);
    if (fault == FAULT_NONE) fault = restore_newest(replay);
    if (fault == FAULT_NONE) {
        fault =
            journal_replay(settlement->journal, settlement->newest_seq + 1, replay_entry, replay);
    }
    if (fault == FAULT_NONE) outbox_recovered(settlement->outbox);
    return fault;
}

static enum fault open_parts(struct settlement *settlement,
                             const uint8_t ledger_id[JOURNAL_LEDGER_ID_BYTES])
{
    const struct settlement_options *const options = &settlement->options;
    struct outbox_options outbox_options;
    memcpy(outbox_options.ledger_id, ledger_id, sizeof outbox_options.ledger_id);
    enum fault fault = outbox_open(&settlement->outbox, &outbox_options);
    struct stream_options const stream_options = {
        .streams_max = options->streams_max,
        .idle_ns = options->stream_idle_ns,
        .outbox = settlement->outbox,
    };
    if (fault == FAULT_NONE) fault = stream_open(&settlement->streams, &stream_options);
    if (fault == FAULT_NONE)
        fault = marks_open(&settlement->marks, options->directory, options->vfs, ledger_id);
    settlement->dispatch = (struct dispatch){
        .outbox = settlement->outbox,
        .streams = settlement->streams,
        .replies = settlement->options.replies,
        .loop_count = options->loop_count,
        .requests = options->requests,
        .results = options->results,
        .touched = settlement->touched,
    };
    return fault;
}

static enum fault start_clock(struct settlement *settlement, int64_t newest_ns, char *words)
{
    int64_t behind_ns;
    enum fault const fault = clock_start(&settlement->clock, settlement->options.wall_ns,
                                         settlement->options.monotonic_ns, newest_ns, &behind_ns);
    if (fault == FAULT_NONE) return fault;
    (void)snprintf(
        words, SETTLEMENT_WORDS_BYTES,
        "the system's clock is %lld.%03lld s behind the ledger's newest entry; set it right",
        (long long)(behind_ns / TIME_NS_PER_SECOND),
        (long long)(behind_ns % TIME_NS_PER_SECOND / TIME_NS_PER_MS));
    return FAULT_CLOSED;
}

/* The first entries; then what an existing ledger gets by replay. */
static enum fault begin_ledger(struct settlement *settlement, char *words)
{
    enum fault fault = start_clock(settlement, 0, words);
    if (fault == FAULT_NONE) fault = engine_open(&settlement->engine, &settlement->options.engine);
    if (fault == FAULT_NONE) {
        fault = opening_write(settlement, settlement->options.genesis_path,
                              settlement->clock.now_ns, words);
    }
    return fault;
}

static enum fault open_all(struct settlement *settlement, char *words)
{
    const struct settlement_options *const options = &settlement->options;
    struct journal_options const journal_options = {.directory = options->directory,
                                                    .vfs = options->vfs};
    struct journal_head head;
    enum fault fault = journal_open(&settlement->journal, &journal_options, &head);
    if (fault == FAULT_NONE) fault = roster_open(&settlement->roster);
    if (fault != FAULT_NONE) return fault;
    if (head.seq == 0) return begin_ledger(settlement, words);

    fault = open_parts(settlement, head.ledger_id);
    if (fault == FAULT_NONE) fault = start_clock(settlement, head.time_ns, words);
    if (fault != FAULT_NONE) return fault;
    struct replay *const replay = calloc(1, sizeof *replay);
    struct mark *const marks = calloc(LIMIT_PARTICIPANTS, sizeof *marks);
    fault = replay && marks ? FAULT_NONE : FAULT_MEMORY;
    if (fault == FAULT_NONE) {
        replay->marks = marks;
        fault = replay_all(settlement, replay);
    }
    if (fault == FAULT_NONE) closing_start(settlement, head.time_ns);
    free(marks);
    free(replay);
    return fault;
}

enum fault settlement_open(struct settlement **out, const struct settlement_options *options,
                           char words[SETTLEMENT_WORDS_BYTES])
{
    *out = NULL;
    words[0] = 0;
    struct settlement *settlement = calloc(1, sizeof *settlement);
    if (!settlement) return FAULT_MEMORY;
    settlement->options = *options;
    enum fault fault = open_all(settlement, words);
    if (fault == FAULT_NONE && !settlement->outbox) {
        /* Genesis was written: read it as any later start would, so that there is one way to begin. */
        settlement_close(settlement);
        settlement = calloc(1, sizeof *settlement);
        if (!settlement) return FAULT_MEMORY;
        settlement->options = *options;
        fault = open_all(settlement, words);
    }
    if (fault != FAULT_NONE) {
        if (words[0] == 0) {
            (void)snprintf(words, SETTLEMENT_WORDS_BYTES, "ledger %s: %s", options->directory,
                           fault_words(fault));
        }
        settlement_close(settlement);
        return fault;
    }
    uint64_t const durable_seq = journal_durable_seq(settlement->journal);
    atomic_store(&options->published->must_halt, false);
    atomic_store(&options->published->durable_seq, durable_seq);
    turn_publish_mark(settlement);
    metric_set(options->metrics, METRIC_LEDGER_SEQ, durable_seq);
    *out = settlement;
    return FAULT_NONE;
}

const struct registry *settlement_registry(struct settlement *settlement)
{
    return roster_registry(&settlement->roster);
}

struct engine *settlement_engine(struct settlement *settlement)
{
    return settlement->engine;
}

struct outbox *settlement_outbox(struct settlement *settlement)
{
    return settlement->outbox;
}

void settlement_close(struct settlement *settlement)
{
    if (!settlement) return;
    if (settlement->outbox) turn_store_marks(settlement);
    marks_close(settlement->marks);
    journal_close(settlement->journal);
    stream_close(settlement->streams);
    outbox_close(settlement->outbox);
    roster_close(&settlement->roster);
    engine_close(settlement->engine);
    free(settlement);
}
