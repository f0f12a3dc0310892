/* One check a kind.  Faults only stop: the process does not go on with a ledger that does not
 * follow. */
#include "switch/core/replay.h"

#include <assert.h>
#include <string.h>

#include "switch/core/rule.h"

static uint32_t find(const struct engine *engine, struct participant_code code)
{
    return member_find(&engine->members, code);
}

static bool is_positive(struct amount amount)
{
    return !amount_is_zero(amount) && !amount_is_negative(amount);
}

static enum fault check_segment(const struct engine *engine, struct span body)
{
    uint64_t number;
    if (!body_find_number(body, BODY_SEGMENT_NUMBER, &number)) return FAULT_CORRUPT;
    return number == engine->segment_number + 1 ? FAULT_NONE : FAULT_CORRUPT;
}

/* The totals say what the entries say. */
static enum fault check_day(const struct engine *engine, struct span body, struct posting *posting)
{
    struct day_close stored;
    if (!day_read(body, &stored) || day_compare(stored.day, engine->last_day) <= 0)
        return FAULT_CORRUPT;
    struct day_close const counted = state_close_day(engine, stored.day);
    bool is_same = stored.first_seq == counted.first_seq;
#define TOTAL_IS_SAME(name, tag) is_same = is_same && stored.name == counted.name;
    DAY_TOTAL_LIST(TOTAL_IS_SAME)
#undef TOTAL_IS_SAME
    posting->day = stored.day;
    return is_same ? FAULT_NONE : FAULT_CORRUPT;
}

static enum fault check_joined(const struct engine *engine, const struct entry *entry,
                               struct span body, struct posting *posting)
{
    struct participant_code const code = entry->public.payee;
    if (engine->members.count == LIMIT_PARTICIPANTS) return FAULT_FULL;
    if (identifier_code_is_none(code) || find(engine, code) != STATE_NOBODY) return FAULT_CORRUPT;

    struct member member = {.code = code, .account = engine->members.count};
    struct span text;
    if (!body_find(body, BODY_STATUS, &text) || !member_parse_status(text, &member.status))
        return FAULT_CORRUPT;

    uint64_t number;
    if (body_find_number(body, BODY_PAYMENT_LIMIT, &number)) {
        if (number == 0 || number > (uint64_t)AMOUNT_MAX_MINOR) return FAULT_CORRUPT;
        member.has_payment_limit = true;
        member.payment_limit = amount_of_minor((int64_t)number);
    }
    if (!body_find_number(body, BODY_PACS008_MAX, &number) || number < 1 ||
        number > LIMIT_TRANSACTIONS)
        return FAULT_CORRUPT;
    member.pacs008_max = (uint32_t)number;

    if (body_find(body, BODY_SETTLES_THROUGH, &text)) {
        struct participant_code holder;
        if (!identifier_parse_code(text, &holder)) return FAULT_CORRUPT;
        member.account = member_find_holder(&engine->members, holder);
        if (member.account == STATE_NOBODY) return FAULT_CORRUPT;
    }
    if (body_find(body, BODY_ROLE, &text)) {
        if (!span_equal(text, SPAN("rtgs"))) return FAULT_CORRUPT;
        member.is_rtgs = true;
    }
    posting->member = member;
    return FAULT_NONE;
}

static enum fault check_certificate(const struct engine *engine, const struct entry *entry,
                                    struct span body, struct posting *posting)
{
    uint32_t const owner = find(engine, entry->public.payee);
    struct span der, purpose;
    if (owner == STATE_NOBODY || !body_find(body, BODY_CERTIFICATE, &der) ||
        !body_find(body, BODY_PURPOSE, &purpose))
        return FAULT_CORRUPT;
    if (span_equal(purpose, SPAN("channel")))
        posting->purpose = PURPOSE_CHANNEL;
    else if (span_equal(purpose, SPAN("signing")))
        posting->purpose = PURPOSE_SIGNING;
    else
        return FAULT_CORRUPT;
    posting->sides[SIDE_PAYEE] = owner;
    posting->fingerprint = hash_of(der);
    return enrolment_check(&engine->enrolment, &posting->fingerprint, owner, posting->purpose) ==
                   FAULT_NONE
               ? FAULT_NONE
               : FAULT_CORRUPT;
}

static enum fault check_currency(const struct engine *engine, const struct entry *entry)
{
    return memcmp(&entry->public.currency, &engine->options.currency,
                  sizeof entry->public.currency) == 0
               ? FAULT_NONE
               : FAULT_INVALID;
}

static enum fault check_funded(const struct engine *engine, const struct entry *entry,
                               struct posting *posting)
{
    enum fault const fault = check_currency(engine, entry);
    if (fault != FAULT_NONE) return fault;
    posting->sides[SIDE_PAYEE] = member_find_holder(&engine->members, entry->public.payee);
    if (posting->sides[SIDE_PAYEE] == STATE_NOBODY || !is_positive(entry->public.amount) ||
        !book_can_fund(&engine->book, entry->public.amount))
        return FAULT_CORRUPT;
    return FAULT_NONE;
}

/* What reserved and refused share: an id that is free, from a sender that settles its payer's. */
static enum fault check_new(struct engine *engine, const struct entry *entry, struct span body,
                            struct posting *posting)
{
    const struct entry_public *const public = &entry->public;
    uint32_t const payer = member_find_holder(&engine->members, public->payer);
    if (payer == STATE_NOBODY || !member_settles_on(&engine->members, public->payer_agent, payer) ||
        !identifier_code_equal(entry->private.sender, public->payer) ||
        !payment_is_id(&public->id) || public->opened_by != 0 || public->returned_seq != 0)
        return FAULT_CORRUPT;
    posting->sides[SIDE_PAYER] = payer;
    posting->key = duplicate_key(&public->id);

    struct span text;
    if (body_find(body, BODY_INSTRUCTION_ID, &text) &&
        !identifier_parse_max35(text, &posting->instruction_id))
        return FAULT_CORRUPT;
    if (body_find(body, BODY_UETR, &text) && !identifier_parse_uetr(text, &posting->uetr))
        return FAULT_CORRUPT;

    if (!duplicate_has_room(&engine->duplicates, public->time_ns, 1)) return FAULT_FULL;
    uint32_t const record = duplicate_find(&engine->duplicates, &posting->key);
    if (record == DUPLICATE_NONE) return FAULT_NONE;
    if (duplicate_mark(&engine->duplicates, record).state == PAYMENT_RESERVED) return FAULT_CORRUPT;
    duplicate_forget(&engine->duplicates, record);
    return FAULT_NONE;
}

static enum fault check_reserved(struct engine *engine, const struct entry *entry, struct span body,
                                 struct posting *posting)
{
    const struct entry_public *const public = &entry->public;
    enum fault fault = check_currency(engine, entry);
    if (fault == FAULT_NONE) fault = check_new(engine, entry, body, posting);
    if (fault != FAULT_NONE) return fault;

    uint32_t const payee = member_find_holder(&engine->members, public->payee);
    if (payee == STATE_NOBODY || payee == posting->sides[SIDE_PAYER] ||
        !member_settles_on(&engine->members, public->payee_agent, payee) ||
        !is_positive(public->amount) || public->deadline_ns <= public->time_ns ||
        !book_can_reserve(&engine->book, posting->sides[SIDE_PAYER], public->amount))
        return FAULT_CORRUPT;
    posting->sides[SIDE_PAYEE] = payee;

    if (engine->payments.count == engine->payments.count_max) return FAULT_FULL;
    return FAULT_NONE;
}

static enum fault check_refused(struct engine *engine, const struct entry *entry, struct span body,
                                struct posting *posting)
{
    enum fault const fault = check_new(engine, entry, body, posting);
    if (fault != FAULT_NONE) return fault;
    if (identifier_reason_text(&entry->public.reason).size == 0 || entry->public.deadline_ns != 0)
        return FAULT_CORRUPT;
    if (identifier_code_is_none(entry->public.payee)) return FAULT_NONE;
    posting->sides[SIDE_PAYEE] = member_find_holder(&engine->members, entry->public.payee);
    return posting->sides[SIDE_PAYEE] != STATE_NOBODY ? FAULT_NONE : FAULT_CORRUPT;
}

/* Who ends a payment, when, and with what reason. */
static bool ends_well(const struct entry *entry, const struct payment *payment)
{
    const struct entry_public *const public = &entry->public;
    struct participant_code const sender = entry->private.sender;
    bool const is_late = public->time_ns >= payment->deadline_ns;
    bool const is_answer = identifier_code_equal(sender, public->payee);
    switch ((enum entry_kind) public->kind) {
    case ENTRY_SETTLED:
        return !is_late && is_answer && identifier_reason_equal(public->reason, (struct reason){0});
    case ENTRY_REJECTED:
        return !is_late && is_answer && identifier_reason_text(&public->reason).size > 0;
    case ENTRY_EXPIRED:
        return is_late && identifier_code_equal(sender, (struct participant_code){0}) &&
               identifier_reason_equal(public->reason, rule_reason(RULE_AB03));
    case ENTRY_SEGMENT:
    case ENTRY_JOINED:
    case ENTRY_CERTIFICATE:
    case ENTRY_FUNDED:
    case ENTRY_RESERVED:
    case ENTRY_REFUSED:
    case ENTRY_DAY: break;
    }
    return false;
}

/* settled, rejected, expired: an open payment, described as it is. */
static enum fault check_decided(const struct engine *engine, const struct entry *entry,
                                struct posting *posting)
{
    const struct entry_public *const public = &entry->public;
    if (!payment_is_id(&public->id)) return FAULT_CORRUPT;
    struct duplicate_key const key = duplicate_key(&public->id);
    uint32_t const record = duplicate_find(&engine->duplicates, &key);
    if (record == DUPLICATE_NONE) return FAULT_CORRUPT;
    struct duplicate_mark const mark = duplicate_mark(&engine->duplicates, record);
    if (mark.state != PAYMENT_RESERVED) return FAULT_CORRUPT;

    struct entry_public expected = *public;
    state_take_payment(engine, (uint32_t)mark.value, posting);
    state_describe(engine, posting->payment, &expected);
    expected.deadline_ns = 0;
    expected.returned_seq = 0;
    if (memcmp(&expected, public, sizeof expected) != 0) return FAULT_CORRUPT;

    const struct payment *const payment = payment_at(&engine->payments, posting->payment);
    return ends_well(entry, payment) &&
                   book_can_release(&engine->book, payment->payer, payment->amount)
               ? FAULT_NONE
               : FAULT_CORRUPT;
}

enum fault replay_check(struct engine *engine, const struct entry *entry, struct span body,
                        struct posting *posting)
{
    const struct entry_public *const public = &entry->public;
    *posting = (struct posting){.sides = {STATE_NOBODY, STATE_NOBODY}};
    if (public->version != ENTRY_VERSION || entry->private.version != ENTRY_VERSION ||
        entry_kind_name(public->kind) == NULL)
        return FAULT_VERSION;
    if (public->seq != engine->last_seq + 1 || public->time_ns < engine->last_ns)
        return FAULT_CORRUPT;
    if (engine->segment_number == 0 && public->kind != ENTRY_SEGMENT) return FAULT_CORRUPT;

    switch ((enum entry_kind) public->kind) {
    case ENTRY_SEGMENT: return check_segment(engine, body);
    case ENTRY_JOINED: return check_joined(engine, entry, body, posting);
    case ENTRY_CERTIFICATE: return check_certificate(engine, entry, body, posting);
    case ENTRY_FUNDED: return check_funded(engine, entry, posting);
    case ENTRY_RESERVED: return check_reserved(engine, entry, body, posting);
    case ENTRY_SETTLED:
    case ENTRY_REJECTED:
    case ENTRY_EXPIRED: return check_decided(engine, entry, posting);
    case ENTRY_REFUSED: return check_refused(engine, entry, body, posting);
    case ENTRY_DAY: return check_day(engine, body, posting);
    }
    return FAULT_VERSION;
}
