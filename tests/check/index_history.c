/* A small switch of its own: balances, numbers and links kept in the plainest way. */
#include "tests/check/index_history.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/record/day.h"

#define START_NS INT64_C(1795000000000000000) /* in November 2026 */
#define FUNDS_MINOR INT64_C(100000000)
#define OPEN_MAX 64
#define DIRECT (HISTORY_PARTICIPANTS - 1)

static uint64_t draw(struct history *history, uint64_t below)
{
    history->random ^= history->random << 13;
    history->random ^= history->random >> 7;
    history->random ^= history->random << 17;
    return (history->random >> 11) % below;
}

void history_begin(struct history *history, uint64_t seed)
{
    memset(history, 0, sizeof *history);
    history->random = seed * 2654435761u + 1;
    history->time_ns = START_NS;
    history->day_entries = 300;
    for (unsigned i = 0; i < HISTORY_PARTICIPANTS; i++) {
        char code[16];
        (void)snprintf(code, sizeof code, "%08u", i < DIRECT ? 10000001 + i : 10000101);
        memcpy(history->participants[i].code.text, code, PARTICIPANT_CODE_BYTES);
    }
}

static struct entry *begin_entry(struct history *history, enum entry_kind kind)
{
    ck_assert_uint_lt(history->seq, HISTORY_ENTRIES_MAX);
    struct entry *entry = &history->entries[history->seq++];
    *entry = (struct entry){0};
    history->time_ns += (int64_t)draw(history, 3) * 1000000; /* equal times occur */
    body_clear(&history->body);
    entry->public.version = entry->private.version = ENTRY_VERSION;
    entry->public.kind = kind;
    entry->public.seq = history->seq;
    entry->public.time_ns = history->time_ns;
    return entry;
}

static struct history_participant *find(struct history *history, struct participant_code code)
{
    for (unsigned i = 0; i < HISTORY_PARTICIPANTS; i++) {
        if (identifier_code_equal(history->participants[i].code, code))
            return &history->participants[i];
    }
    return NULL;
}

/* Numbers the sides that take one, and writes the balances after. */
static void end_entry(struct history *history, struct entry *entry)
{
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry_side_use(entry->public.kind, side) == SIDE_NONE) continue;
        struct history_participant *participant = find(history, entry_participant(entry, side));
        entry->public.sides[side].number = ++participant->number;
        entry->public.sides[side].previous_seq = participant->last_seq;
        participant->last_seq = history->seq;
        entry->private.accounts[side].available = amount_of_minor(participant->available);
        entry->private.accounts[side].reserved = amount_of_minor(participant->reserved);
    }
}

static void put(struct history *history, enum body_tag tag, struct span bytes)
{
    ck_assert_int_eq(body_put(&history->body, tag, bytes), FAULT_NONE);
}

static void open_segment(struct history *history)
{
    static const struct hash none;
    static const uint8_t id[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    (void)begin_entry(history, ENTRY_SEGMENT);
    ck_assert_int_eq(body_put_number(&history->body, BODY_FORMAT_VERSION, 1), FAULT_NONE);
    put(history, BODY_LEDGER_ID, span_of(id, sizeof id));
    ck_assert_int_eq(body_put_number(&history->body, BODY_SEGMENT_NUMBER, 1), FAULT_NONE);
    put(history, BODY_PREVIOUS_HEAD, hash_span(&none));
    put(history, BODY_PREVIOUS_BLOCK, hash_span(&none));
}

static void join(struct history *history, struct history_participant *participant)
{
    struct entry *entry = begin_entry(history, ENTRY_JOINED);
    entry->public.payee = entry->public.payee_agent = participant->code;
    end_entry(history, entry);
}

static void fund(struct history *history, struct history_participant *participant, int64_t minor)
{
    struct entry *entry = begin_entry(history, ENTRY_FUNDED);
    entry->public.payee = entry->public.payee_agent = participant->code;
    entry->public.amount = amount_of_minor(minor);
    entry->public.currency = (struct currency){"MXN"};
    participant->available += minor;
    end_entry(history, entry);
}

/* What the arrays keep of an entry that opens a payment. */
static void note(struct history *history, const struct entry *entry)
{
    history->payments[history->payment_count++] = (struct search_payment){
        .seq = entry->public.seq,
        .newest_seq = entry->public.seq,
        .kind = (enum entry_kind)entry->public.kind,
        .time_ns = entry->public.time_ns,
        .newest_ns = entry->public.time_ns,
        .payer_agent = entry->public.payer_agent,
        .payee_agent = entry->public.payee_agent,
        .payer = entry->public.payer,
        .payee = entry->public.payee,
        .amount = entry->public.amount,
        .id = entry->public.id,
        .reason = entry->public.reason,
        .returned_seq = entry->public.returned_seq,
    };
}

static void describe(struct history *history, struct entry *entry, unsigned payer, unsigned payee,
                     int64_t minor)
{
    struct history_participant *parties = history->participants;
    entry->public.payer_agent = parties[payer].code;
    entry->public.payee_agent = parties[payee].code;
    entry->public.payer = parties[payer % DIRECT].code; /* the last settles through the first */
    entry->public.payee = parties[payee % DIRECT].code;
    entry->public.amount = amount_of_minor(minor);
    entry->public.currency = (struct currency){"MXN"};
    entry->public.id.size =
        (uint8_t)snprintf(entry->public.id.text, PAYMENT_ID_BYTES, "E%u", history->payment_count);
    /* One in eight ids is taken a second time. */
    if (history->payment_count > 500 && draw(history, 8) == 0)
        entry->public.id = history->payments[history->payment_count - 400].id;
}

static void reserve(struct history *history, struct entry *entry)
{
    struct history_participant *payer = find(history, entry->public.payer);
    int64_t const minor = amount_minor(entry->public.amount);
    entry->public.deadline_ns = history->time_ns + 10 * TIME_NS_PER_SECOND;
    payer->available -= minor;
    payer->reserved += minor;
    end_entry(history, entry);
    history->open[history->open_count++] = history->payment_count;
    note(history, entry);
}

static void pay(struct history *history)
{
    unsigned const payer = (unsigned)draw(history, HISTORY_PARTICIPANTS);
    unsigned payee = (unsigned)draw(history, HISTORY_PARTICIPANTS);
    while (payee % DIRECT == payer % DIRECT)
        payee = (unsigned)draw(history, HISTORY_PARTICIPANTS);
    int64_t const minor = 1 + (int64_t)draw(history, FUNDS_MINOR / 100);
    bool const funded = minor <= history->participants[payer % DIRECT].available;
    uint64_t const chance = draw(history, 30);
    struct entry *entry =
        begin_entry(history, funded && chance > 1 ? ENTRY_RESERVED : ENTRY_REFUSED);
    describe(history, entry, payer, payee, minor);
    if (entry->public.kind == ENTRY_RESERVED) {
        reserve(history, entry);
        return;
    }
    entry->public.reason = REASON("AM04");
    if (chance == 0) { /* RC10: an agent that nobody knows; or what was named is no code */
        entry->public.reason = REASON("RC10");
        entry->public.payee = (struct participant_code){0};
        entry->public.payee_agent =
            draw(history, 2) ? (struct participant_code){"9999999X"} : (struct participant_code){0};
    }
    end_entry(history, entry);
    note(history, entry);
}

/* Money of a settled payment goes back, part of it. */
static void give_back(struct history *history)
{
    const struct search_payment *original =
        &history->payments[draw(history, history->payment_count)];
    if (original->kind != ENTRY_SETTLED || original->returned_seq != 0) return;
    int64_t const minor = 1 + amount_minor(original->amount) / 4;
    if (find(history, original->payee)->available < minor) return;
    struct entry *entry = begin_entry(history, ENTRY_RESERVED);
    entry->public.payer_agent = original->payee_agent;
    entry->public.payee_agent = original->payer_agent;
    entry->public.payer = original->payee;
    entry->public.payee = original->payer;
    entry->public.amount = amount_of_minor(minor);
    entry->public.currency = (struct currency){"MXN"};
    entry->public.returned_seq = original->newest_seq;
    entry->public.id.size =
        (uint8_t)snprintf(entry->public.id.text, PAYMENT_ID_BYTES, "D%u", history->payment_count);
    reserve(history, entry);
}

static void decide(struct history *history)
{
    static const enum entry_kind kinds[] = {ENTRY_REJECTED, ENTRY_EXPIRED, ENTRY_SETTLED};
    uint64_t const fate = draw(history, 12);
    uint32_t const at = (uint32_t)draw(history, history->open_count);
    struct search_payment *payment = &history->payments[history->open[at]];
    history->open[at] = history->open[--history->open_count];
    struct entry *entry = begin_entry(history, kinds[fate < 2 ? fate : 2]);
    const struct entry *reserved = &history->entries[payment->seq - 1];
    entry->public.payer_agent = reserved->public.payer_agent;
    entry->public.payee_agent = reserved->public.payee_agent;
    entry->public.payer = reserved->public.payer;
    entry->public.payee = reserved->public.payee;
    entry->public.amount = reserved->public.amount;
    entry->public.currency = reserved->public.currency;
    entry->public.id = reserved->public.id;
    entry->public.opened_by = reserved->public.seq;
    entry->public.returned_seq = reserved->public.returned_seq;
    if (fate == 0)
        entry->public.reason = REASON("\"\n1"); /* to be escaped, as a bank may send it */
    if (fate == 1) entry->public.reason = REASON("AB03");
    struct history_participant *payer = find(history, entry->public.payer);
    int64_t const minor = amount_minor(entry->public.amount);
    payer->reserved -= minor;
    if (fate < 2)
        payer->available += minor;
    else
        find(history, entry->public.payee)->available += minor;
    end_entry(history, entry);
    payment->kind = (enum entry_kind)entry->public.kind;
    payment->newest_seq = entry->public.seq;
    payment->newest_ns = entry->public.time_ns;
    payment->reason = entry->public.reason;
}

static void close_day(struct history *history)
{
    struct entry *entry = begin_entry(history, ENTRY_DAY);
    struct history_day *day = &history->days[history->day_count];
    char text[32];
    (void)snprintf(text, sizeof text, "2026-%02u-%02u", 1 + history->day_count / 28,
                   1 + history->day_count % 28);
    memcpy(day->day.text, text, DAY_TEXT_BYTES);
    day->first_seq = history->day_count ? history->days[history->day_count - 1].seq + 1 : 1;
    day->seq = entry->public.seq;
    history->day_count++;
    struct day_close const close = {.day = day->day, .first_seq = day->first_seq};
    day_write(&close, &history->body);
    end_entry(history, entry);
}

void history_next(struct history *history)
{
    struct history_participant *parties = history->participants;
    uint64_t const before = history->seq;
    uint64_t const joins = 1 + HISTORY_PARTICIPANTS;
    if (before == 0)
        open_segment(history);
    else if (before < joins)
        join(history, &parties[before - 1]);
    else if (before < joins + DIRECT - 1) /* the last but one starts with nothing */
        fund(history, &parties[before - joins], FUNDS_MINOR);
    else if (before % history->day_entries == 0 && history->day_count < HISTORY_DAYS_MAX)
        close_day(history);
    else if (history->open_count == OPEN_MAX || (history->open_count > 0 && draw(history, 2)))
        decide(history);
    else if (history->payment_count > 20 && draw(history, 5) == 0)
        give_back(history);
    if (history->seq == before) pay(history);
}

void history_write(struct history *history, const char *directory, uint32_t count)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    for (uint32_t i = 1; i <= count; i++) {
        history_next(history);
        struct entry *entry = &history->entries[history->seq - 1];
        if (history->alter) history->alter(entry);
        ck_assert_int_eq(journal_append(journal, entry, &history->body, NULL), FAULT_NONE);
        if (i % 2000 == 0 || i == count) ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    }
    journal_close(journal);
}

void history_returns(const struct history *history, uint64_t settled_seq, int64_t *settled_minor,
                     int64_t *open_minor)
{
    *settled_minor = *open_minor = 0;
    for (uint32_t i = 0; i < history->payment_count; i++) {
        const struct search_payment *payment = &history->payments[i];
        if (payment->returned_seq != settled_seq) continue;
        int64_t const minor = amount_minor(payment->amount);
        if (payment->kind == ENTRY_RESERVED)
            *open_minor += minor;
        else if (payment->kind == ENTRY_SETTLED)
            *settled_minor += minor;
    }
}
