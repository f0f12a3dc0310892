/* The happy path of a command:
 *   look up     who the sender is, and what is known of the id;
 *   decide      the life-cycle table says what the event leads to, the rules whether it may;
 *   describe    the entry is written into the outcome;
 *   post        state_post moves the state and adds numbers and balances: nothing can fail there.
 *
 * Possible failures: none; whatever a bank may ask has an outcome.  Genesis commands have faults,
 * all of them found before anything changes. */
#include "switch/core/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "switch/core/pages.h"
#include "switch/core/replay.h"
#include "switch/core/rule.h"
#include "switch/core/snapshot.h"
#include "switch/core/state.h"

static_assert(ENTRY_BODY_BYTES_MAX > LIMIT_NAME_BYTES + 256, "what joins fits a body");

enum fault engine_open(struct engine **out, const struct engine_options *options)
{
    assert(options->open_max >= 1 && options->open_max <= UINT32_C(1) << 30);
    assert(options->deadline_high_ns > 0 && options->deadline_normal_ns > 0);

    struct pages pages;
    enum fault fault = pages_open(&pages, sizeof(struct engine));
    if (fault != FAULT_NONE) return fault;
    struct engine *const engine = pages.bytes;
    engine->pages = pages;
    engine->options = *options;
    engine->today.first_seq = 1;

    fault = hash_open(&engine->hasher);
    if (fault == FAULT_NONE) fault = enrolment_open(&engine->enrolment);
    if (fault == FAULT_NONE) fault = payment_open(&engine->payments, options->open_max);
    if (fault == FAULT_NONE) fault = deadline_open(&engine->deadlines, options->open_max);
    if (fault == FAULT_NONE)
        fault = duplicate_open(&engine->duplicates, options->duplicate_capacity,
                               options->duplicate_window_ns, options->index_key);
    if (fault != FAULT_NONE) {
        engine_close(engine);
        return fault;
    }
    *out = engine;
    return FAULT_NONE;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL) return;
    duplicate_close(&engine->duplicates);
    deadline_close(&engine->deadlines);
    payment_close(&engine->payments);
    enrolment_close(&engine->enrolment);
    hash_close(engine->hasher);
    struct pages pages = engine->pages; /* the engine itself stands in them */
    pages_close(&pages);
}

bool engine_room(const struct engine *engine, int64_t now_ns, uint32_t transfer_count)
{
    return transfer_count <= engine->payments.count_max - engine->payments.count &&
           duplicate_has_room(&engine->duplicates, now_ns, transfer_count);
}

/* An empty entry of this kind, numbered, timed and salted. */
static struct outcome *begin_entry(struct engine *engine, const struct stamp *stamp,
                                   enum entry_kind kind)
{
    struct outcome *const outcome = &engine->outcome;
    uint64_t const seq = engine->last_seq + 1;
    struct span const salted[] = {span_of(&stamp->seed, sizeof stamp->seed),
                                  span_of(&seq, sizeof seq)};
    outcome->kind = OUTCOME_ENTRY;
    outcome->entry = (struct entry){
        .public = {.version = ENTRY_VERSION,
                   .kind = (uint32_t)kind,
                   .seq = seq,
                   .time_ns = stamp->now_ns},
        .private = {.version = ENTRY_VERSION, .salt = hash_parts(salted, 2)},
    };
    body_clear(&outcome->body);
    return outcome;
}

/* What an outcome says besides its entry. */
static void take_facts(struct outcome *outcome, const struct posting *posting)
{
    outcome->sides[SIDE_PAYER] = posting->sides[SIDE_PAYER];
    outcome->sides[SIDE_PAYEE] = posting->sides[SIDE_PAYEE];
    outcome->instruction_id = posting->instruction_id;
    outcome->uetr = posting->uetr;
}

static const struct outcome *post(struct engine *engine, const struct posting *posting)
{
    struct outcome *const outcome = &engine->outcome;
    outcome->entry.body_hash = body_hash(&outcome->body);
    take_facts(outcome, posting);
    state_post(engine, &outcome->entry, posting);
    return outcome;
}

static void put(struct body *body, enum body_tag tag, struct span bytes)
{
    enum fault const fault = body_put(body, tag, bytes);
    assert(fault == FAULT_NONE); /* every field is bounded, and so is their sum */
    (void)fault;
}

static void put_number(struct body *body, enum body_tag tag, uint64_t number)
{
    put(body, tag, span_of(&number, sizeof number));
}

/* A transient pacs.002 item for the sender of `id`, its status still to be filled in. */
static struct outcome *begin_status(struct engine *engine, struct participant_code sender,
                                    const struct max35_text *id, enum entry_side side)
{
    struct outcome *const outcome = &engine->outcome;
    outcome->kind = OUTCOME_STATUS;
    outcome->receiver = member_find(&engine->members, sender);
    outcome->instruction_id = (struct max35_text){0};
    outcome->uetr = (struct uetr){0};
    outcome->status = (struct status_item){.id = *id};
    outcome->standing_seq = 0;
    outcome->side = side;
    return outcome;
}

static struct outcome *begin_status_of_transfer(struct engine *engine,
                                                const struct transfer_command *transfer)
{
    struct outcome *const outcome =
        begin_status(engine, transfer->sender, &transfer->id, SIDE_PAYER);
    outcome->instruction_id = outcome->status.instruction_id = transfer->instruction_id;
    outcome->uetr = outcome->status.uetr = transfer->uetr;
    return outcome;
}

static const struct outcome *reject_status(struct outcome *outcome, enum rule rule)
{
    outcome->status.status = STATUS_RJCT;
    outcome->status.reason = rule_reason(rule);
    return outcome;
}

/* "the standing result again to the sender: ACSP while reserved, else the result with its reason" */
static const struct outcome *standing_status(struct outcome *outcome, struct duplicate_mark mark)
{
    outcome->status.status = STATUS_ACSP;
    if (mark.state != PAYMENT_RESERVED) outcome->standing_seq = mark.value;
    return outcome;
}

/* What reserved and refused entries say of their transaction, and the body of both. */
static struct outcome *begin_transfer_entry(struct engine *engine, const struct stamp *stamp,
                                            enum entry_kind kind,
                                            const struct message_command *message,
                                            const struct transfer_command *transfer,
                                            const struct rule_facts *facts)
{
    struct outcome *const outcome = begin_entry(engine, stamp, kind);
    const struct member *const members = engine->members.members;
    struct entry_public *const public = &outcome->entry.public;
    public->payer_agent = transfer->payer_agent;
    public->payee_agent = transfer->payee_agent;
    public->payer = members[facts->payer].code;
    if (facts->payee != STATE_NOBODY) public->payee = members[facts->payee].code;
    if (transfer->amount_parse == AMOUNT_PARSE_GOOD) public->amount = transfer->amount;
    public->id = facts->id;
    public->currency = transfer->currency;
    public->evidence_hash = message->hash;

    struct entry_private *const private = &outcome->entry.private;
    private->transaction_index = transfer->transaction_index;
    private->sender = transfer->sender;
    private->content_hash = transfer->content_hash;

    struct span const instruction_id = identifier_max35_text(&transfer->instruction_id);
    struct span const uetr = identifier_uetr_text(&transfer->uetr);
    if (instruction_id.size > 0) put(&outcome->body, BODY_INSTRUCTION_ID, instruction_id);
    if (uetr.size > 0) put(&outcome->body, BODY_UETR, uetr);
    return outcome;
}

/* A transaction whose id is new: reserved, or refused by the first rule that it breaks. */
static const struct outcome *decide(struct engine *engine, const struct stamp *stamp,
                                    const struct message_command *message,
                                    const struct transfer_command *transfer,
                                    struct rule_facts *facts, const struct duplicate_key *key)
{
    assert(engine_room(engine, stamp->now_ns, 1)); /* settlement has asked */
    enum rule const rule = rule_of_payment(engine, stamp->now_ns, transfer, facts);
    enum entry_kind const kind = rule == RULE_NONE ? ENTRY_RESERVED : ENTRY_REFUSED;

    /* From here on nothing can fail. */
    struct outcome *const outcome =
        begin_transfer_entry(engine, stamp, kind, message, transfer, facts);
    outcome->entry.public.reason = rule_reason(rule);
    if (rule == RULE_NONE) outcome->entry.public.deadline_ns = facts->deadline_ns;
    struct posting const posting = {
        .sides = {facts->payer, facts->payee},
        .key = *key,
        .instruction_id = transfer->instruction_id,
        .uetr = transfer->uetr,
    };
    return post(engine, &posting);
}

const struct outcome *engine_transfer(struct engine *engine, const struct stamp *stamp,
                                      const struct message_command *message,
                                      const struct transfer_command *transfer)
{
    struct rule_facts facts;
    enum rule const rule = rule_of_sender(engine, transfer, &facts);
    if (rule != RULE_NONE) return reject_status(begin_status_of_transfer(engine, transfer), rule);

    struct duplicate_key const key = duplicate_key(&facts.id);
    uint32_t const record = duplicate_find(&engine->duplicates, &key);
    struct duplicate_mark mark = {.state = PAYMENT_UNKNOWN};
    enum payment_event event = PAYMENT_TRANSFER;
    if (record != DUPLICATE_NONE) {
        mark = duplicate_mark(&engine->duplicates, record);
        if (duplicate_is_same(&engine->duplicates, record, &transfer->content_hash,
                              transfer->sender))
            event = PAYMENT_REPEAT;
    }

    enum payment_step const step = payment_step(mark.state, event);
    if (step == STEP_STANDING)
        return standing_status(begin_status_of_transfer(engine, transfer), mark);
    if (step == STEP_OTHER)
        return reject_status(begin_status_of_transfer(engine, transfer), RULE_DU04);
    assert(step == STEP_DECIDE);
    return decide(engine, stamp, message, transfer, &facts, &key);
}

/* The end of an open payment: settled, rejected or expired. */
static const struct outcome *end_payment(struct engine *engine, const struct stamp *stamp,
                                         enum entry_kind kind, uint32_t place, struct reason reason,
                                         const struct message_command *message,
                                         const struct answer_command *answer)
{
    const struct payment *const payment = payment_at(&engine->payments, place);
    assert(book_can_release(&engine->book, payment->payer, payment->amount));
    (void)payment;

    /* From here on nothing can fail. */
    struct outcome *const outcome = begin_entry(engine, stamp, kind);
    state_describe(engine, place, &outcome->entry.public);
    outcome->entry.public.reason = reason;
    if (answer != NULL) {
        outcome->entry.public.evidence_hash = message->hash;
        outcome->entry.private.sender = answer->sender;
        outcome->entry.private.transaction_index = answer->transaction_index;
    }
    struct posting posting = {0};
    state_take_payment(engine, place, &posting);
    return post(engine, &posting);
}

/* What is known of the payment that an answer names, when the answer is from its payee's bank.
 * WIRE section 4: "answer to an id unknown, or not from the payee's bank: pacs.002 RJCT NOOR". */
static struct duplicate_mark find_answered(const struct engine *engine,
                                           const struct answer_command *answer)
{
    struct duplicate_mark const unknown = {.state = PAYMENT_UNKNOWN};
    struct payment_id id;
    if (!identifier_parse_payment_id(identifier_max35_text(&answer->id), &id)) return unknown;
    struct duplicate_mark const mark = duplicate_known(&engine->duplicates, &id);
    if (mark.payee != DUPLICATE_NOBODY &&
        !identifier_code_equal(engine->members.members[mark.payee].code, answer->sender))
        return unknown;
    return mark;
}

const struct outcome *engine_answer(struct engine *engine, const struct stamp *stamp,
                                    const struct message_command *message,
                                    const struct answer_command *answer)
{
    struct duplicate_mark const mark = find_answered(engine, answer);
    switch (payment_step(mark.state, answer->accepted ? PAYMENT_ACCEPT : PAYMENT_REJECT)) {
    case STEP_SETTLE:
        /* "at or after the deadline is late": engine_expire_answered has taken what is due */
        assert(payment_at(&engine->payments, (uint32_t)mark.value)->deadline_ns > stamp->now_ns);
        return end_payment(engine, stamp, ENTRY_SETTLED, (uint32_t)mark.value, (struct reason){0},
                           message, answer);
    case STEP_REJECT:
        assert(payment_at(&engine->payments, (uint32_t)mark.value)->deadline_ns > stamp->now_ns);
        return end_payment(engine, stamp, ENTRY_REJECTED, (uint32_t)mark.value, answer->reason,
                           message, answer);
    case STEP_STANDING:
        return standing_status(begin_status(engine, answer->sender, &answer->id, SIDE_PAYEE), mark);
    case STEP_NO_ORIGINAL:
        return reject_status(begin_status(engine, answer->sender, &answer->id, SIDE_PAYEE),
                             RULE_NOOR);
    case STEP_IMPOSSIBLE:
    case STEP_DECIDE:
    case STEP_OTHER:
    case STEP_EXPIRE: break;
    }
    abort(); /* the life-cycle table gives an answer no other step */
}

const struct outcome *engine_balance(struct engine *engine, const struct stamp *stamp,
                                     const struct balance_command *balance)
{
    struct outcome *const outcome = &engine->outcome;
    outcome->kind = OUTCOME_BALANCE;
    outcome->receiver = member_find(&engine->members, balance->sender);
    assert(outcome->receiver != STATE_NOBODY); /* the sender has joined */
    const struct account *const account = &engine->book.accounts[outcome->receiver];
    outcome->balance = (struct balance_item){
        .account = balance->sender,
        .query = balance->query,
        .available = account->available,
        .reserved = account->reserved,
        .currency = engine->options.currency,
        .at_ns = stamp->now_ns,
    };
    return outcome;
}

/* "no answer in time: released: pacs.002 RJCT AB03 to both" */
static const struct outcome *expire(struct engine *engine, const struct stamp *stamp,
                                    uint32_t place)
{
    enum payment_step const step = payment_step(PAYMENT_RESERVED, PAYMENT_DEADLINE);
    assert(step == STEP_EXPIRE);
    (void)step;
    return end_payment(engine, stamp, ENTRY_EXPIRED, place, rule_reason(RULE_AB03), NULL, NULL);
}

const struct outcome *engine_expire(struct engine *engine, const struct stamp *stamp)
{
    const struct deadline_item *const next = deadline_next(&engine->deadlines);
    if (next == NULL || next->deadline_ns > stamp->now_ns) return NULL;
    return expire(engine, stamp, next->payment);
}

const struct outcome *engine_expire_answered(struct engine *engine, const struct stamp *stamp,
                                             const struct answer_command *answer)
{
    if (engine_next_deadline_ns(engine) > stamp->now_ns) return NULL;
    struct duplicate_mark const mark = find_answered(engine, answer);
    if (mark.state != PAYMENT_RESERVED) return NULL;
    uint32_t const place = (uint32_t)mark.value;
    if (payment_at(&engine->payments, place)->deadline_ns > stamp->now_ns) return NULL;
    return expire(engine, stamp, place);
}

int64_t engine_next_deadline_ns(const struct engine *engine)
{
    const struct deadline_item *const next = deadline_next(&engine->deadlines);
    return next != NULL ? next->deadline_ns : ENGINE_NO_DEADLINE;
}

enum fault engine_segment(struct engine *engine, const struct stamp *stamp,
                          const uint8_t ledger_id[ENGINE_LEDGER_ID_BYTES], uint64_t number,
                          const struct hash *previous_head, const struct hash *previous_block,
                          const struct outcome **out)
{
    if (number != engine->segment_number + 1) return FAULT_INVALID;

    /* From here on nothing can fail. */
    struct outcome *const outcome = begin_entry(engine, stamp, ENTRY_SEGMENT);
    put_number(&outcome->body, BODY_FORMAT_VERSION, ENTRY_VERSION);
    put(&outcome->body, BODY_LEDGER_ID, span_of(ledger_id, ENGINE_LEDGER_ID_BYTES));
    put_number(&outcome->body, BODY_SEGMENT_NUMBER, number);
    put(&outcome->body, BODY_PREVIOUS_HEAD, hash_span(previous_head));
    put(&outcome->body, BODY_PREVIOUS_BLOCK, hash_span(previous_block));
    *out = post(engine, &(struct posting){.sides = {STATE_NOBODY, STATE_NOBODY}});
    return FAULT_NONE;
}

/* An entry about one participant, whom it names as payee. */
static struct outcome *begin_member_entry(struct engine *engine, const struct stamp *stamp,
                                          enum entry_kind kind, struct participant_code code)
{
    struct outcome *const outcome = begin_entry(engine, stamp, kind);
    outcome->entry.public.payee_agent = code;
    outcome->entry.public.payee = code;
    return outcome;
}

static void put_joining(struct body *body, const struct engine_joining *joining)
{
    put(body, BODY_NAME, joining->name);
    put(body, BODY_STATUS, span_text(member_status_text(joining->status)));
    if (joining->has_payment_limit)
        put_number(body, BODY_PAYMENT_LIMIT, (uint64_t)amount_minor(joining->payment_limit));
    put_number(body, BODY_PACS008_MAX, joining->pacs008_max);
    if (!identifier_code_is_none(joining->settles_through))
        put(body, BODY_SETTLES_THROUGH, identifier_code_text(&joining->settles_through));
    if (joining->is_rtgs) put(body, BODY_ROLE, SPAN("rtgs"));
}

static bool is_above_zero(struct amount amount)
{
    return !amount_is_zero(amount) && !amount_is_negative(amount);
}

enum fault engine_join(struct engine *engine, const struct stamp *stamp,
                       const struct engine_joining *joining, const struct outcome **out)
{
    assert(engine->segment_number > 0);
    if (joining->name.size < 1 || joining->name.size > LIMIT_NAME_BYTES ||
        joining->pacs008_max < 1 || joining->pacs008_max > LIMIT_TRANSACTIONS ||
        (joining->has_payment_limit && !is_above_zero(joining->payment_limit)))
        return FAULT_INVALID;
    if (identifier_code_is_none(joining->code) ||
        member_find(&engine->members, joining->code) != MEMBER_NOBODY)
        return FAULT_BUSY;
    if (engine->members.count == LIMIT_PARTICIPANTS) return FAULT_FULL;
    uint32_t account = engine->members.count;
    if (!identifier_code_is_none(joining->settles_through)) {
        account = member_find(&engine->members, joining->settles_through);
        if (account == MEMBER_NOBODY || engine->members.members[account].account != account)
            return FAULT_NOT_FOUND;
    }

    /* From here on nothing can fail. */
    struct outcome *const outcome = begin_member_entry(engine, stamp, ENTRY_JOINED, joining->code);
    put_joining(&outcome->body, joining);
    struct posting const posting = {
        .sides = {STATE_NOBODY, engine->members.count},
        .member = {.code = joining->code,
                   .account = account,
                   .status = joining->status,
                   .pacs008_max = joining->pacs008_max,
                   .is_rtgs = joining->is_rtgs,
                   .has_payment_limit = joining->has_payment_limit,
                   .payment_limit =
                       joining->has_payment_limit ? joining->payment_limit : (struct amount){0}},
    };
    *out = post(engine, &posting);
    return FAULT_NONE;
}

enum fault engine_certificate(struct engine *engine, const struct stamp *stamp,
                              struct participant_code code, enum certificate_purpose purpose,
                              struct span der, const struct outcome **out)
{
    assert(engine->segment_number > 0);
    if (der.size < 1 || der.size > ENGINE_CERTIFICATE_BYTES_MAX) return FAULT_INVALID;
    struct posting posting = {.sides = {STATE_NOBODY, member_find(&engine->members, code)},
                              .fingerprint = hash_of(der),
                              .purpose = purpose};
    if (posting.sides[SIDE_PAYEE] == MEMBER_NOBODY) return FAULT_NOT_FOUND;
    enum fault const fault = enrolment_check(&engine->enrolment, &posting.fingerprint,
                                             posting.sides[SIDE_PAYEE], purpose);
    if (fault != FAULT_NONE) return fault;

    /* From here on nothing can fail. */
    struct outcome *const outcome = begin_member_entry(engine, stamp, ENTRY_CERTIFICATE, code);
    put(&outcome->body, BODY_CERTIFICATE, der);
    put(&outcome->body, BODY_PURPOSE,
        purpose == PURPOSE_CHANNEL ? SPAN("channel") : SPAN("signing"));
    *out = post(engine, &posting);
    return FAULT_NONE;
}

enum fault engine_fund(struct engine *engine, const struct stamp *stamp,
                       struct participant_code code, struct amount amount,
                       const struct outcome **out)
{
    assert(engine->segment_number > 0);
    uint32_t const account = member_find(&engine->members, code);
    if (account == MEMBER_NOBODY || engine->members.members[account].account != account)
        return FAULT_NOT_FOUND;
    if (!is_above_zero(amount)) return FAULT_INVALID;
    if (!book_can_fund(&engine->book, amount)) return FAULT_FULL;

    /* From here on nothing can fail. */
    struct outcome *const outcome = begin_member_entry(engine, stamp, ENTRY_FUNDED, code);
    outcome->entry.public.amount = amount;
    outcome->entry.public.currency = engine->options.currency;
    *out = post(engine, &(struct posting){.sides = {STATE_NOBODY, account}});
    return FAULT_NONE;
}

enum fault engine_day(struct engine *engine, const struct stamp *stamp, struct day day,
                      const struct outcome **out)
{
    assert(engine->segment_number > 0);
    if (day_compare(day, engine->last_day) <= 0) return FAULT_INVALID;

    /* From here on nothing can fail. */
    struct day_close const close = state_close_day(engine, day);
    struct outcome *const outcome = begin_entry(engine, stamp, ENTRY_DAY);
    day_write(&close, &outcome->body);
    *out = post(engine, &(struct posting){.sides = {STATE_NOBODY, STATE_NOBODY}, .day = day});
    return FAULT_NONE;
}

enum fault engine_apply(struct engine *engine, const struct entry *entry, struct span body)
{
    struct posting posting;
    enum fault const fault = replay_check(engine, entry, body, &posting);
    if (fault != FAULT_NONE) return fault;

    struct outcome *const outcome = &engine->outcome;
    outcome->kind = OUTCOME_ENTRY;
    body_clear(&outcome->body);
    take_facts(outcome, &posting);

    /* The state alone gives numbers and balances: they must be those that were stored. */
    struct entry *const again = &outcome->entry;
    *again = *entry;
    memset(again->public.sides, 0, sizeof again->public.sides);
    memset(again->private.accounts, 0, sizeof again->private.accounts);
    state_post(engine, again, &posting);
    if (memcmp(&again->public, &entry->public, sizeof entry->public) != 0 ||
        memcmp(&again->private, &entry->private, sizeof entry->private) != 0)
        return FAULT_CORRUPT;
    return FAULT_NONE;
}

const struct outcome *engine_applied(const struct engine *engine)
{
    return &engine->outcome;
}

uint32_t engine_participant_count(const struct engine *engine)
{
    return engine->members.count;
}

struct engine_participant engine_participant(const struct engine *engine, uint32_t index)
{
    assert(index < engine->members.count);
    const struct member *const member = &engine->members.members[index];
    const struct account *const account = &engine->book.accounts[index];
    return (struct engine_participant){
        .code = member->code,
        .status = member->status,
        .account = member->account,
        .pacs008_max = member->pacs008_max,
        .is_rtgs = member->is_rtgs,
        .available = account->available,
        .reserved = account->reserved,
        .number = account->number,
        .last_seq = account->last_seq,
    };
}

uint32_t engine_find(const struct engine *engine, struct participant_code code)
{
    return member_find(&engine->members, code);
}

uint64_t engine_settled_seq(const struct engine *engine, const struct payment_id *id)
{
    struct duplicate_mark const mark = duplicate_known(&engine->duplicates, id);
    return mark.state == PAYMENT_SETTLED ? mark.value : 0;
}

struct engine_totals engine_totals(const struct engine *engine)
{
    struct engine_totals totals = {
        .net_funding = engine->book.net_funding,
        .open_amount = engine->payments.open_amount,
        .open_count = engine->payments.count,
        .fingerprint_count = engine->duplicates.count,
        .last_seq = engine->last_seq,
        .last_ns = engine->last_ns,
        .segment_number = engine->segment_number,
        .last_day = engine->last_day,
    };
    book_sum(&engine->book, engine->members.count, &totals.available, &totals.reserved);
    return totals;
}

struct engine_mark engine_mark(const struct engine *engine)
{
    return mark_finish(engine, engine->mark);
}

struct hash engine_digest(const struct engine *engine)
{
    return snapshot_digest(engine);
}

enum fault engine_save(const struct engine *engine, engine_sink *sink, void *context)
{
    return snapshot_save(engine, sink, context);
}

enum fault engine_load(struct engine **out, const struct engine_options *options,
                       engine_source *source, void *context)
{
    return snapshot_load(out, options, source, context);
}
