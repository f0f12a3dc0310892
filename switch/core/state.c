/* One case a kind, then the numbering that all kinds share. */
#include "switch/core/state.h"

#include <assert.h>

static void reserve(struct engine *engine, const struct entry *entry, const struct posting *posting)
{
    const struct entry_public *const public = &entry->public;
    uint32_t const payer = posting->sides[SIDE_PAYER];
    uint32_t const payee = posting->sides[SIDE_PAYEE];
    book_reserve(&engine->book, payer, public->amount);

    struct payment payment = {
        .opened_by = public->seq,
        .deadline_ns = public->deadline_ns,
        .amount = public->amount,
        .payer = payer,
        .payee = payee,
        .agents = {public->payer_agent, public->payee_agent},
        .id = public->id,
        .uetr = posting->uetr,
        .instruction_id = posting->instruction_id,
    };
    /* The record names the payment's place and the payment its record: the place comes first. */
    uint32_t const place = payment_next(&engine->payments);
    payment.record = duplicate_insert(
        &engine->duplicates, public->time_ns, &posting->key, &entry->private.content_hash,
        entry->private.sender,
        (struct duplicate_mark){.state = PAYMENT_RESERVED, .payee = payee, .value = place});
    payment_add(&engine->payments, &payment);
    mark_add(&engine->mark, mark_of_payment(&payment));
    deadline_add(&engine->deadlines, (struct deadline_item){.deadline_ns = public->deadline_ns,
                                                            .opened_by = public->seq,
                                                            .payment = place});
}

static void refuse(struct engine *engine, const struct entry *entry, const struct posting *posting)
{
    (void)duplicate_insert(&engine->duplicates, entry->public.time_ns, &posting->key,
                           &entry->private.content_hash, entry->private.sender,
                           (struct duplicate_mark){.state = PAYMENT_REFUSED,
                                                   .payee = DUPLICATE_NOBODY,
                                                   .value = entry->public.seq});
}

/* The end of an open payment: it leaves the open table, and its record names the entry. */
static void decide(struct engine *engine, const struct entry *entry, uint32_t place,
                   enum payment_state end)
{
    const struct payment *const payment = payment_at(&engine->payments, place);
    mark_remove(&engine->mark, mark_of_payment(payment));
    if (end == PAYMENT_SETTLED)
        book_settle(&engine->book, payment->payer, payment->payee, payment->amount);
    else
        book_release(&engine->book, payment->payer, payment->amount);
    duplicate_set(
        &engine->duplicates, payment->record,
        (struct duplicate_mark){.state = end, .payee = payment->payee, .value = entry->public.seq});
    deadline_remove(&engine->deadlines, place);
    payment_remove(&engine->payments, place);
}

void state_mark_account(struct engine *engine, uint32_t index)
{
    struct mark const mark = mark_of_account(index, &engine->book.accounts[index]);
    mark_remove(&engine->mark, engine->account_marks[index]);
    mark_add(&engine->mark, mark);
    engine->account_marks[index] = mark;
}

static void join(struct engine *engine, const struct member *member)
{
    uint32_t const index = member_add(&engine->members, member);
    mark_add(&engine->mark, mark_of_member(index, member));
    state_mark_account(engine, index);
}

static void enrol(struct engine *engine, const struct posting *posting)
{
    struct enrolment *const enrolment = &engine->enrolment;
    enrolment_add(enrolment, &posting->fingerprint, posting->sides[SIDE_PAYEE], posting->purpose);
    uint32_t const index = enrolment->count - 1;
    mark_add(&engine->mark, mark_of_certificate(index, &enrolment->certificates[index]));
}

/* An entry changes the accounts of the sides that it numbers, and no others. */
static void mark_sides(struct engine *engine, uint32_t kind, const uint32_t sides[2])
{
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry_side_use(kind, side) != SIDE_NONE) state_mark_account(engine, sides[side]);
    }
}

static void add(uint64_t *count, uint64_t *sum_minor, struct amount amount)
{
    *count += 1;
    *sum_minor += (uint64_t)amount_minor(amount);
}

static void count(struct day_close *today, const struct entry_public *public)
{
    struct amount const amount = public->amount;
    switch ((enum entry_kind) public->kind) {
    case ENTRY_RESERVED: add(&today->reserved_count, &today->reserved_minor, amount); break;
    case ENTRY_SETTLED: add(&today->settled_count, &today->settled_minor, amount); break;
    case ENTRY_REJECTED: add(&today->rejected_count, &today->rejected_minor, amount); break;
    case ENTRY_EXPIRED: add(&today->expired_count, &today->expired_minor, amount); break;
    case ENTRY_REFUSED: today->refused_count++; break;
    case ENTRY_FUNDED: add(&today->funded_count, &today->funded_minor, amount); break;
    case ENTRY_SEGMENT:
    case ENTRY_JOINED:
    case ENTRY_CERTIFICATE:
    case ENTRY_DAY: break;
    }
}

struct day_close state_close_day(const struct engine *engine, struct day day)
{
    struct day_close close = engine->today;
    close.day = day;
    close.open_count = engine->payments.count;
    close.open_minor = (uint64_t)amount_minor(engine->payments.open_amount);
    close.net_funding_minor = (uint64_t)amount_minor(engine->book.net_funding);
    close.available_balance_minor = (uint64_t)amount_minor(engine->book.available);
    close.reserved_balance_minor = (uint64_t)amount_minor(engine->book.reserved);
    return close;
}

static void close_day(struct engine *engine, uint64_t seq, struct day day)
{
    engine->last_day = day;
    engine->today = (struct day_close){.first_seq = seq + 1};
}

void state_post(struct engine *engine, struct entry *entry, const struct posting *posting)
{
    assert(entry->public.seq == engine->last_seq + 1);
    assert(entry->public.time_ns >= engine->last_ns);

    switch ((enum entry_kind)entry->public.kind) {
    case ENTRY_SEGMENT: engine->segment_number++; break;
    case ENTRY_JOINED: join(engine, &posting->member); break;
    case ENTRY_CERTIFICATE: enrol(engine, posting); break;
    case ENTRY_FUNDED:
        book_fund(&engine->book, posting->sides[SIDE_PAYEE], entry->public.amount);
        break;
    case ENTRY_RESERVED: reserve(engine, entry, posting); break;
    case ENTRY_SETTLED: decide(engine, entry, posting->payment, PAYMENT_SETTLED); break;
    case ENTRY_REJECTED: decide(engine, entry, posting->payment, PAYMENT_REJECTED); break;
    case ENTRY_EXPIRED: decide(engine, entry, posting->payment, PAYMENT_EXPIRED); break;
    case ENTRY_REFUSED: refuse(engine, entry, posting); break;
    case ENTRY_DAY: close_day(engine, entry->public.seq, posting->day); break;
    }
    count(&engine->today, &entry->public);
    book_number(&engine->book, entry, posting->sides);
    mark_sides(engine, entry->public.kind, posting->sides);
    engine->last_seq = entry->public.seq;
    engine->last_ns = entry->public.time_ns;

    /* Two tables that know nothing of one another agree on what is reserved. */
    assert(amount_compare(engine->book.reserved, engine->payments.open_amount) == 0);
    assert(engine->payments.count == engine->deadlines.count);
}

void state_describe(const struct engine *engine, uint32_t payment, struct entry_public *public)
{
    const struct payment *const described = payment_at(&engine->payments, payment);
    const struct member *const members = engine->members.members;
    public->payer_agent = described->agents[SIDE_PAYER];
    public->payee_agent = described->agents[SIDE_PAYEE];
    public->payer = members[described->payer].code;
    public->payee = members[described->payee].code;
    public->amount = described->amount;
    public->currency = engine->options.currency;
    public->id = described->id;
    public->opened_by = described->opened_by;
}

void state_take_payment(const struct engine *engine, uint32_t payment, struct posting *posting)
{
    const struct payment *const taken = payment_at(&engine->payments, payment);
    posting->sides[SIDE_PAYER] = taken->payer;
    posting->sides[SIDE_PAYEE] = taken->payee;
    posting->instruction_id = taken->instruction_id;
    posting->uetr = taken->uetr;
    posting->payment = payment;
}
