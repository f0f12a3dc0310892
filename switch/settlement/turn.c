/* The turn: a list of named steps (settlement.h draws it).
 *
 * Possible failures: the journal cannot commit, randomness is not to be had, or the follower has
 * found the state damaged.  Each ends the process; what was staged and not committed was told to
 * nobody. */
#include <assert.h>
#include <string.h>

#include "proto/base/log.h"
#include "proto/base/time.h"
#include "proto/crypto/random.h"
#include "switch/settlement/closing.h"
#include "switch/settlement/settlement_internal.h"

#define MARKS_EVERY_NS (200 * TIME_NS_PER_MS) /* DESIGN: "written every 200 ms when changed" */
#define SWEEP_EVERY_NS (100 * TIME_NS_PER_MS) /* idle streams are noticed so late at most */
#define RETRY_NS (1 * TIME_NS_PER_MS)         /* a ring without room is looked at again */
#define ENTRIES_PER_TURN                                                                           \
    (BLOCK_ENTRIES_MAX / 2)   /* reading stops then, so that a block holds a turn */
#define EXPIRIES_PER_TURN 256 /* 2 ms: others' payments do not wait for 100,000 of one bank's */
#define RETRY_AFTER_SECONDS 1
#define LOW_DISK_RETRY_SECONDS 10 /* a person makes room */

enum fault turn_seed(struct settlement *settlement)
{
    if (settlement->is_seeded) return FAULT_NONE;
    settlement->is_seeded = true;
    return random_fill(&settlement->stamp.seed, sizeof settlement->stamp.seed);
}

static void count_entry(struct settlement *settlement, uint32_t kind)
{
    struct metric_block *const metrics = settlement->options.metrics;
    switch (kind) {
    case ENTRY_RESERVED: metric_add(metrics, METRIC_RESERVED, 1); break;
    case ENTRY_SETTLED: metric_add(metrics, METRIC_SETTLED, 1); break;
    case ENTRY_REJECTED: metric_add(metrics, METRIC_REJECTED, 1); break;
    case ENTRY_EXPIRED: metric_add(metrics, METRIC_EXPIRED, 1); break;
    case ENTRY_REFUSED: metric_add(metrics, METRIC_REFUSED, 1); break;
    }
}

enum fault turn_enter(struct settlement *settlement, const struct outcome *outcome,
                      const struct evidence *evidence, struct span canonical)
{
    assert(outcome->kind == OUTCOME_ENTRY);
    struct entry entry = outcome->entry;
    enum fault fault = journal_append(settlement->journal, &entry, &outcome->body, evidence);
    if (fault == FAULT_FULL && settlement->outbox) {
        fault = turn_commit(settlement);
        if (fault == FAULT_NONE)
            fault = journal_append(settlement->journal, &entry, &outcome->body, evidence);
    }
    if (fault != FAULT_NONE) return fault;
    settlement->newest_seq = entry.public.seq;
    count_entry(settlement, entry.public.kind);
    if (!settlement->outbox) return FAULT_NONE; /* genesis: replayed afterwards */

    struct recent_entry facts =
        recent_facts(&entry, outcome->sides, &outcome->instruction_id, &outcome->uetr);
    if (canonical.size) outbox_content(settlement->outbox, &facts, canonical);
    outbox_entry(settlement->outbox, &facts, &entry);
    return FAULT_NONE;
}

enum fault turn_commit(struct settlement *settlement)
{
    if (journal_staged(settlement->journal) == 0) return FAULT_NONE;
    int64_t const before_ns = time_monotonic_ns();
    enum fault const fault = journal_commit(settlement->journal);
    if (fault != FAULT_NONE) return fault;
    struct metric_block *const metrics = settlement->options.metrics;
    metric_add(metrics, METRIC_BLOCKS, 1);
    metric_add(metrics, METRIC_COMMIT_NS, (uint64_t)(time_monotonic_ns() - before_ns));

    uint64_t const durable_seq = journal_durable_seq(settlement->journal);
    assert(durable_seq == settlement->newest_seq);
    metric_set(metrics, METRIC_LEDGER_SEQ, durable_seq);
    atomic_store_explicit(&settlement->options.published->durable_seq, durable_seq,
                          memory_order_release);
    turn_publish_mark(settlement);
    return FAULT_NONE;
}

/* In the middle of a turn the state may be one entry ahead of a commit that made room for it. */
void turn_publish_mark(struct settlement *settlement)
{
    struct engine_mark const mark = engine_mark(settlement->engine);
    if (mark.seq == journal_durable_seq(settlement->journal))
        published_put_mark(settlement->options.published, mark.seq, mark.digest);
}

/* Payments whose deadline has come are released, before anything of this turn is decided; what is
 * beyond the bound in the next turns.  Until then it holds its funds, and no answer can settle it. */
static enum fault expire_due(struct settlement *settlement, struct settlement_turn *turn)
{
    for (uint32_t i = 0; i < EXPIRIES_PER_TURN; i++) {
        if (engine_next_deadline_ns(settlement->engine) > settlement->stamp.now_ns) break;
        enum fault fault = turn_seed(settlement);
        if (fault != FAULT_NONE) return fault;
        const struct outcome *const outcome = engine_expire(settlement->engine, &settlement->stamp);
        if (!outcome) break;
        fault = turn_enter(settlement, outcome, NULL, (struct span){0});
        if (fault != FAULT_NONE) return fault;
        turn->did = true;
    }
    return FAULT_NONE;
}

static struct transient *answer(struct settlement *settlement, uint32_t participant,
                                enum delivery_type type)
{
    struct transient *const transient = outbox_answer(settlement->outbox, participant);
    transient->type = type;
    transient->created_ns = settlement->stamp.now_ns;
    transient->after_seq = settlement->newest_seq;
    metric_add(settlement->options.metrics, METRIC_TRANSIENT, 1);
    return transient;
}

/* What the core says of one command becomes an entry or a transient answer. */
static enum fault spread(struct settlement *settlement, const struct outcome *outcome,
                         const struct evidence *evidence, struct span canonical)
{
    switch (outcome->kind) {
    case OUTCOME_ENTRY:
        return turn_enter(settlement, outcome, evidence,
                          outcome->entry.public.kind == ENTRY_RESERVED ? canonical
                                                                       : (struct span){0});
    case OUTCOME_STATUS: {
        struct transient *const transient = answer(settlement, outcome->receiver, DELIVER_PACS002);
        transient->status = outcome->status;
        transient->status.instruction_id = outcome->instruction_id;
        transient->status.uetr = outcome->uetr;
        transient->standing_seq = outcome->standing_seq;
        transient->side = outcome->side;
        transient->ids_known = outcome->standing_seq == 0 || outcome->side == SIDE_PAYER;
        return FAULT_NONE;
    }
    case OUTCOME_BALANCE:
        answer(settlement, outcome->receiver, DELIVER_CAMT052)->balance = outcome->balance;
        return FAULT_NONE;
    }
    return FAULT_INVALID;
}

/* One command of a body; `message` is the MESSAGE record that it belongs to. */
static enum fault take_command(struct settlement *settlement, const struct body_command *body,
                               const struct message_command *message, struct span record)
{
    const void *const bytes = record.bytes;
    struct span const received = span_of(message + 1, message->size);
    struct evidence const evidence = {
        .hash = message->hash,
        .sender = message->sender,
        .certificate = message->certificate,
        .received_ns = settlement->stamp.now_ns,
        .bytes = received,
    };
    uint32_t kind;
    memcpy(&kind, bytes, sizeof kind);
    switch ((enum command_kind)kind) {
    case COMMAND_TRANSFER: {
        const struct transfer_command *const transfer = bytes;
        struct span const canonical =
            transfer->canonical_behind
                ? span_of(transfer + 1, transfer->canonical_size)
                : span_of(received.bytes + transfer->canonical_at, transfer->canonical_size);
        return spread(settlement,
                      engine_transfer(settlement->engine, &settlement->stamp, message, transfer),
                      &evidence, canonical);
    }
    case COMMAND_ANSWER: {
        const struct outcome *const late =
            engine_expire_answered(settlement->engine, &settlement->stamp, bytes);
        if (late) {
            enum fault const fault = turn_enter(settlement, late, NULL, (struct span){0});
            if (fault != FAULT_NONE) return fault;
        }
        return spread(settlement,
                      engine_answer(settlement->engine, &settlement->stamp, message, bytes),
                      &evidence, (struct span){0});
    }
    case COMMAND_BALANCE:
        return spread(settlement, engine_balance(settlement->engine, &settlement->stamp, bytes),
                      NULL, (struct span){0});
    case COMMAND_REFUSAL:
        answer(settlement, body->participant, DELIVER_ADMI002)->refusal =
            ((const struct refusal_command *)bytes)->refusal;
        return FAULT_NONE;
    case COMMAND_BODY:
    case COMMAND_MESSAGE:
    case COMMAND_POLL:
    case COMMAND_POLL_END:
    case COMMAND_RECEIPT: break;
    }
    assert(false); /* a loop wrote records out of order */
    return FAULT_INVALID;
}

/* Answers go on, and expiries: the room that is left is for payments in flight. */
static bool is_disk_low(const struct settlement *settlement)
{
    return atomic_load_explicit(&settlement->options.published->is_disk_low, memory_order_relaxed);
}

/* DESIGN: "Admission is per body and before its first command: settlement reserves places for
 * transient answers, open payments and fingerprints for all that the body holds, or refuses it whole
 * (429 for the first, 503 for the others)". */
static enum body_outcome admit(struct settlement *settlement, const struct body_command *body)
{
    if (body->transfer_count && is_disk_low(settlement)) return BODY_OVERLOADED;
    if (!outbox_has_room(settlement->outbox, body->participant, body->transient_count))
        return BODY_TOO_MANY;
    if (!outbox_pool_has_room(settlement->outbox, body->transient_count)) return BODY_OVERLOADED;
    if (body->transfer_count &&
        !engine_room(settlement->engine, settlement->stamp.now_ns, body->transfer_count)) {
        return BODY_OVERLOADED;
    }
    return BODY_DONE;
}

static enum fault take_body(struct settlement *settlement, uint32_t loop,
                            const struct body_command *body)
{
    enum body_outcome const outcome = admit(settlement, body);
    const struct message_command *message = NULL;
    enum fault fault = FAULT_NONE;
    for (uint32_t i = 0; i < body->message_count + body->command_count && fault == FAULT_NONE;
         i++) {
        struct span const record = ring_next(settlement->options.commands[loop]);
        assert(record.bytes); /* a body is published whole */
        uint32_t kind;
        memcpy(&kind, record.bytes, sizeof kind);
        if (kind == COMMAND_MESSAGE) {
            message = (const void *)record.bytes;
        } else if (outcome == BODY_DONE) {
            assert(message);
            fault = take_command(settlement, body, message, record);
        }
    }
    if (fault != FAULT_NONE) return fault;
    settlement->staged[settlement->staged_count++] = (struct staged_reply){
        .loop = loop,
        .reply = {.kind = REPLY_BODY,
                  .outcome = outcome,
                  .request = body->request,
                  .retry_after_seconds =
                      is_disk_low(settlement) ? LOW_DISK_RETRY_SECONDS : RETRY_AFTER_SECONDS},
    };
    return FAULT_NONE;
}

static void say_all(struct settlement *settlement, const struct stream_answer *answers,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        dispatch_say(&settlement->dispatch, &answers[i]);
}

static enum fault take_record(struct settlement *settlement, uint32_t loop, struct span record)
{
    struct stream_answer answers[STREAM_ANSWERS_MAX];
    int64_t const now_ns = settlement->stamp.now_ns;
    enum fault fault = FAULT_NONE;
    uint32_t kind;
    memcpy(&kind, record.bytes, sizeof kind);
    if (kind == COMMAND_BODY) return take_body(settlement, loop, (const void *)record.bytes);
    if (kind == COMMAND_POLL) {
        uint32_t const count = stream_poll(settlement->streams, (const void *)record.bytes, loop,
                                           now_ns, answers, &fault);
        say_all(settlement, answers, count);
        return fault;
    }
    if (kind == COMMAND_RECEIPT) {
        const struct receipt_command *const command = (const void *)record.bytes;
        dispatch_receipt(&settlement->dispatch, loop, command,
                         engine_settled_seq(settlement->engine, &command->id),
                         now_ns - settlement->options.engine.duplicate_window_ns);
        return FAULT_NONE;
    }
    assert(kind == COMMAND_POLL_END);
    say_all(
        settlement, answers,
        stream_poll_end(settlement->streams, (const void *)record.bytes, loop, now_ns, answers));
    return FAULT_NONE;
}

static enum fault take_commands(struct settlement *settlement, struct settlement_turn *turn)
{
    for (uint32_t loop = 0; loop < settlement->options.loop_count; loop++) {
        /* What may have to be said at once finds room: the loop has no more outstanding than that. */
        while (settlement->staged_count < SETTLEMENT_BODIES_MAX &&
               journal_staged(settlement->journal) < ENTRIES_PER_TURN) {
            struct span const record = ring_next(settlement->options.commands[loop]);
            if (!record.bytes) break;
            turn->did = true;
            enum fault fault = turn_seed(settlement);
            if (fault == FAULT_NONE) fault = take_record(settlement, loop, record);
            if (fault != FAULT_NONE) return fault;
        }
    }
    return FAULT_NONE;
}

/* After the commit: what was decided may be heard. */
static void answer_bodies(struct settlement *settlement)
{
    for (uint32_t i = 0; i < settlement->staged_count; i++) {
        const struct staged_reply *const staged = &settlement->staged[i];
        struct body_reply *const reply =
            ring_claim(settlement->options.replies[staged->loop], sizeof *reply);
        assert(reply); /* LIMIT_REPLY_BYTES are kept free */
        *reply = staged->reply;
        settlement->touched[staged->loop] = true;
    }
    settlement->staged_count = 0;
}

static void show_and_release(struct settlement *settlement)
{
    for (uint32_t loop = 0; loop < settlement->options.loop_count; loop++) {
        ring_release(settlement->options.commands[loop]);
        if (settlement->touched[loop]) ring_publish(settlement->options.replies[loop]);
    }
    if (settlement->dispatch.asked) ring_publish(settlement->options.requests);
}

void turn_store_marks(struct settlement *settlement)
{
    enum fault fault = FAULT_NONE;
    bool changed = false;
    uint32_t const count = outbox_participant_count(settlement->outbox);
    for (uint32_t i = 0; i < count && fault == FAULT_NONE; i++) {
        if (!outbox_changed_mark(settlement->outbox, i, &settlement->mark)) continue;
        changed = true;
        fault = marks_put(settlement->marks, &settlement->mark);
    }
    if (!changed) return;
    if (fault == FAULT_NONE) fault = marks_commit(settlement->marks);
    if (fault == FAULT_NONE) {
        outbox_marks_stored(settlement->outbox);
        return;
    }
    /* Lost marks only repeat deliveries: settlement goes on, and tries again. */
    LOG(LOG_ERROR, "settlement", "marks are not stored: %s", fault_words(fault));
}

static void show_gauges(struct settlement *settlement)
{
    struct engine_totals const totals = engine_totals(settlement->engine);
    struct metric_block *const metrics = settlement->options.metrics;
    metric_set(metrics, METRIC_PAYMENTS_OPEN, totals.open_count);
    metric_set(metrics, METRIC_FINGERPRINTS, totals.fingerprint_count);
    metric_set(metrics, METRIC_NET_FUNDING, (uint64_t)amount_minor(totals.net_funding));
    metric_set(metrics, METRIC_AVAILABLE, (uint64_t)amount_minor(totals.available));
    metric_set(metrics, METRIC_RESERVED_SUM, (uint64_t)amount_minor(totals.reserved));
    metric_set(metrics, METRIC_OPEN_SUM, (uint64_t)amount_minor(totals.open_amount));
    uint64_t commands_waiting = 0;
    for (uint32_t loop = 0; loop < settlement->options.loop_count; loop++) {
        commands_waiting += ring_waiting(settlement->options.commands[loop]);
    }
    metric_set(metrics, METRIC_COMMANDS_WAITING, commands_waiting);
    metric_set(metrics, METRIC_DELIVERIES_WAITING, outbox_unoffered(settlement->outbox));
    metric_set(metrics, METRIC_TRANSIENT_WAITING, outbox_transient_count(settlement->outbox));
    metric_set(metrics, METRIC_STREAMS_OPEN, stream_count(settlement->streams));
    metric_set(metrics, METRIC_DELIVERIES_CONFIRMED, stream_confirmed(settlement->streams));
}

static void keep_house(struct settlement *settlement)
{
    int64_t const now_ns = settlement->stamp.now_ns;
    if (now_ns >= settlement->sweep_due_ns) {
        stream_sweep(settlement->streams, now_ns);
        show_gauges(settlement);
        settlement->sweep_due_ns = now_ns + SWEEP_EVERY_NS;
    }
    if (now_ns >= settlement->marks_due_ns || outbox_marks_due(settlement->outbox)) {
        turn_store_marks(settlement);
        settlement->marks_due_ns = now_ns + MARKS_EVERY_NS;
    }
}

static int64_t due_ns(const struct settlement *settlement)
{
    const uint32_t *participants;
    int64_t const now_ns = settlement->stamp.now_ns;
    if (outbox_stirred(settlement->outbox, &participants) || settlement->dispatch.held.bytes)
        return now_ns + RETRY_NS;
    int64_t due_ns = settlement->sweep_due_ns;
    if (settlement->marks_due_ns < due_ns) due_ns = settlement->marks_due_ns;
    if (closing_due_ns(settlement) < due_ns) due_ns = closing_due_ns(settlement);
    int64_t const deadline_ns = engine_next_deadline_ns(settlement->engine);
    return deadline_ns < due_ns ? deadline_ns : due_ns;
}

/* The follower has found that the state is not what the entries make: nothing more is decided. */
static enum fault look_at_follower(const struct settlement *settlement)
{
    return atomic_load_explicit(&settlement->options.published->must_halt, memory_order_relaxed)
               ? FAULT_CORRUPT
               : FAULT_NONE;
}

enum fault settlement_turn(struct settlement *settlement, int64_t wall_ns, int64_t monotonic_ns,
                           struct settlement_turn *turn)
{
    *turn = (struct settlement_turn){0};
    memset(settlement->touched, 0, sizeof settlement->touched);
    settlement->dispatch.asked = false;
    settlement->is_seeded = false;
    settlement->stamp.now_ns = clock_now_ns(&settlement->clock, wall_ns, monotonic_ns);
    atomic_store_explicit(&settlement->options.published->clock_offset_ns,
                          settlement->stamp.now_ns - monotonic_ns, memory_order_relaxed);

    enum fault fault = look_at_follower(settlement);
    if (fault == FAULT_NONE) fault = closing_step(settlement, turn);
    if (fault == FAULT_NONE) fault = expire_due(settlement, turn);
    if (fault == FAULT_NONE) fault = take_commands(settlement, turn);
    if (fault == FAULT_NONE) fault = turn_commit(settlement);
    if (fault != FAULT_NONE) {
        LOG(LOG_FATAL, "settlement", "stopped after entry %llu: %s",
            (unsigned long long)journal_durable_seq(settlement->journal), fault_words(fault));
        return fault;
    }
    /* From here everything that was decided is durable, and nothing can fail. */
    answer_bodies(settlement);
    turn->did |= dispatch_collect(&settlement->dispatch);
    dispatch_serve(&settlement->dispatch, settlement->stamp.now_ns);
    show_and_release(settlement);
    keep_house(settlement);

    if (!turn->did) fault = journal_idle(settlement->journal);
    memcpy(turn->touched, settlement->touched, sizeof turn->touched);
    turn->reader_touched = settlement->dispatch.asked;
    turn->now_ns = settlement->stamp.now_ns;
    turn->due_ns = due_ns(settlement);
    return fault;
}

static void say_end(void *context, const struct stream_answer *answer)
{
    dispatch_say(context, answer);
}

void settlement_end_polls(struct settlement *settlement, struct settlement_turn *turn)
{
    memset(settlement->touched, 0, sizeof settlement->touched);
    stream_end_all(settlement->streams, settlement->stamp.now_ns, say_end, &settlement->dispatch);
    show_and_release(settlement);
    memcpy(turn->touched, settlement->touched, sizeof turn->touched);
}
