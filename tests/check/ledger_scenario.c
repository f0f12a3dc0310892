/* A history by the rules of WIRE section 4, without the core. */
#include "tests/check/ledger_scenario.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/time.h"

#define START_NS INT64_C(1795000000000000000) /* in November 2026 */
#define DEADLINE_NS (10 * TIME_NS_PER_SECOND)
#define FUNDS_MINOR INT64_C(100000000)

static uint64_t draw(struct scenario *scenario, uint64_t below)
{
    scenario->random ^= scenario->random << 13;
    scenario->random ^= scenario->random >> 7;
    scenario->random ^= scenario->random << 17;
    return (scenario->random >> 11) % below;
}

void ledger_scenario_begin(struct scenario *scenario, uint64_t seed)
{
    *scenario = (struct scenario){.random = seed * 2654435761u + 1, .time_ns = START_NS};
    for (unsigned i = 0; i < SCENARIO_PARTICIPANTS; i++) {
        char code[16];
        (void)snprintf(code, sizeof code, "%08u", 10000001 + i);
        memcpy(scenario->participants[i].code.text, code, PARTICIPANT_CODE_BYTES);
    }
}

const struct evidence *ledger_scenario_evidence(const struct scenario *scenario)
{
    return hash_is_zero(&scenario->entry.public.evidence_hash) ? NULL : &scenario->evidence;
}

static void put(struct body *body, enum body_tag tag, struct span bytes)
{
    if (body_put(body, tag, bytes) != FAULT_NONE) __builtin_trap();
}

static void put_number(struct body *body, enum body_tag tag, uint64_t number)
{
    if (body_put_number(body, tag, number) != FAULT_NONE) __builtin_trap();
}

static struct scenario_participant *find(struct scenario *scenario, struct participant_code code)
{
    for (unsigned i = 0; i < SCENARIO_PARTICIPANTS; i++) {
        if (identifier_code_equal(scenario->participants[i].code, code))
            return &scenario->participants[i];
    }
    __builtin_trap();
}

/* A message that shrinks about as much as signed XML does: markup, with digests and a signature. */
static void cause(struct scenario *scenario, struct participant_code sender)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t const signature_bytes = 480;
    size_t at = 0;
    for (; at < signature_bytes; at++)
        scenario->message[at] = digits[draw(scenario, 64)];
    for (unsigned i = 0; at < sizeof scenario->message; i++) {
        int const printed =
            snprintf(scenario->message + at, sizeof scenario->message - at,
                     "<Elmt%02u><Sub>%08u</Sub></Elmt%02u>", i % 64, 10000001 + i % 7, i % 64);
        at += (size_t)printed;
    }
    scenario->message[sizeof scenario->message - 1] = '\n';
    struct span const bytes = span_of(scenario->message, sizeof scenario->message);
    scenario->evidence = (struct evidence){.hash = hash_of(bytes),
                                           .sender = sender,
                                           .certificate = find(scenario, sender)->certificate,
                                           .received_ns = scenario->time_ns,
                                           .bytes = bytes};
    scenario->entry.public.evidence_hash = scenario->evidence.hash;
    scenario->entry.private.sender = sender;
}

/* Writes a side's account and link from the participant's state, as the kind wants it. */
static void write_side(struct scenario *scenario, enum entry_side side,
                       struct scenario_participant *participant)
{
    struct entry *entry = &scenario->entry;
    if (entry_side_use(entry->public.kind, side) == SIDE_NONE) return;
    entry->public.sides[side] =
        (struct entry_link){.number = ++participant->number, .previous_seq = participant->last_seq};
    participant->last_seq = scenario->seq;
    entry->private.accounts[side].available = amount_of_minor(participant->available);
    entry->private.accounts[side].reserved = amount_of_minor(participant->reserved);
}

static void begin_entry(struct scenario *scenario, enum entry_kind kind)
{
    scenario->seq++;
    scenario->time_ns += 1000 + (int64_t)draw(scenario, 1000000);
    body_clear(&scenario->body);
    scenario->entry = (struct entry){0};
    scenario->entry.public.version = ENTRY_VERSION;
    scenario->entry.public.kind = kind;
    scenario->entry.public.seq = scenario->seq;
    scenario->entry.public.time_ns = scenario->time_ns;
    scenario->entry.private.version = ENTRY_VERSION;
    scenario->entry.private.salt = hash_of(span_of(&scenario->seq, sizeof scenario->seq));
}

void ledger_scenario_segment(struct scenario *scenario, const struct hash *previous_head,
                             const struct hash *previous_block)
{
    static const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    begin_entry(scenario, ENTRY_SEGMENT);
    put_number(&scenario->body, BODY_FORMAT_VERSION, 1);
    put(&scenario->body, BODY_LEDGER_ID, span_of(id, sizeof id));
    put_number(&scenario->body, BODY_SEGMENT_NUMBER, ++scenario->segments);
    put(&scenario->body, BODY_PREVIOUS_HEAD, hash_span(previous_head));
    put(&scenario->body, BODY_PREVIOUS_BLOCK, hash_span(previous_block));
}

/* The participants join one by one, each with a certificate and its opening funds. */
static void found(struct scenario *scenario, uint64_t step)
{
    struct scenario_participant *participant = &scenario->participants[step / 3];
    char certificate[1200] = {'0', '\x82'};
    switch (step % 3) {
    case 0:
        begin_entry(scenario, ENTRY_JOINED);
        put(&scenario->body, BODY_NAME, SPAN("A bank"));
        put(&scenario->body, BODY_STATUS, SPAN("active"));
        put_number(&scenario->body, BODY_PACS008_MAX, 1);
        break;
    case 1:
        begin_entry(scenario, ENTRY_CERTIFICATE);
        memcpy(certificate + 2, participant->code.text, PARTICIPANT_CODE_BYTES);
        participant->certificate = hash_of(span_of(certificate, sizeof certificate));
        put(&scenario->body, BODY_CERTIFICATE, span_of(certificate, sizeof certificate));
        put(&scenario->body, BODY_PURPOSE, SPAN("signing"));
        break;
    case 2:
        begin_entry(scenario, ENTRY_FUNDED);
        scenario->entry.public.amount = amount_of_minor(FUNDS_MINOR);
        memcpy(scenario->entry.public.currency.text, "MXN", 4);
        participant->available += FUNDS_MINOR;
        break;
    }
    scenario->entry.public.payee_agent = participant->code;
    scenario->entry.public.payee = participant->code;
    write_side(scenario, SIDE_PAYEE, participant);
}

static void pay(struct scenario *scenario)
{
    unsigned const payer = (unsigned)draw(scenario, SCENARIO_PARTICIPANTS);
    unsigned const payee =
        (payer + 1 + (unsigned)draw(scenario, SCENARIO_PARTICIPANTS - 1)) % SCENARIO_PARTICIPANTS;
    struct scenario_participant *from = &scenario->participants[payer];
    struct scenario_participant *to = &scenario->participants[payee];
    int64_t const wish = 1 + (int64_t)draw(scenario, FUNDS_MINOR / 50);
    int64_t const minor = draw(scenario, 25) == 0 ? from->available + wish : wish;
    bool const funded = minor <= from->available;

    begin_entry(scenario, funded ? ENTRY_RESERVED : ENTRY_REFUSED);
    struct entry *entry = &scenario->entry;
    entry->public.payer_agent = entry->public.payer = from->code;
    entry->public.payee_agent = entry->public.payee = to->code;
    entry->public.amount = amount_of_minor(minor);
    memcpy(entry->public.currency.text, "MXN", 4);
    entry->public.id.size = (uint8_t)snprintf(entry->public.id.text, PAYMENT_ID_BYTES, "E%016llu",
                                              (unsigned long long)++scenario->payments);
    if (funded) {
        entry->public.deadline_ns = scenario->time_ns + DEADLINE_NS;
        from->available -= minor;
        from->reserved += minor;
    } else {
        entry->public.reason = REASON("AM04");
    }
    entry->private.content_hash = hash_of(span_of(&scenario->payments, sizeof scenario->payments));
    cause(scenario, from->code);
    put(&scenario->body, BODY_INSTRUCTION_ID, SPAN("INSTRUCTION"));
    put(&scenario->body, BODY_UETR, SPAN("e008b023-bc37-4e91-97f5-0d2ee3bb92cb"));
    write_side(scenario, SIDE_PAYER, from);
    write_side(scenario, SIDE_PAYEE, to);
    if (funded) scenario->open[scenario->open_count++] = *entry;
}

/* Decides one open payment, the one that is due if there is one. */
static void decide(struct scenario *scenario)
{
    uint32_t index = (uint32_t)draw(scenario, scenario->open_count);
    uint64_t const fate = draw(scenario, 10);
    if (fate == 0) { /* everybody is silent until the oldest is due */
        index = 0;
        for (uint32_t i = 1; i < scenario->open_count; i++) {
            if (scenario->open[i].public.deadline_ns < scenario->open[index].public.deadline_ns)
                index = i;
        }
        if (scenario->time_ns < scenario->open[index].public.deadline_ns)
            scenario->time_ns = scenario->open[index].public.deadline_ns;
    }
    for (uint32_t i = 0; i < scenario->open_count; i++) {
        if (scenario->open[i].public.deadline_ns <= scenario->time_ns + 2 * TIME_NS_PER_MS)
            index = i;
    }
    struct entry const reserved = scenario->open[index];
    if (reserved.public.deadline_ns <= scenario->time_ns + 2 * TIME_NS_PER_MS &&
        scenario->time_ns < reserved.public.deadline_ns)
        scenario->time_ns = reserved.public.deadline_ns;
    bool const due = scenario->time_ns >= reserved.public.deadline_ns;
    scenario->open[index] = scenario->open[--scenario->open_count];

    struct scenario_participant *from = find(scenario, reserved.public.payer);
    struct scenario_participant *to = find(scenario, reserved.public.payee);
    int64_t const minor = amount_minor(reserved.public.amount);
    begin_entry(scenario, due ? ENTRY_EXPIRED : fate == 1 ? ENTRY_REJECTED : ENTRY_SETTLED);
    struct entry *entry = &scenario->entry;
    entry->public.payer_agent = reserved.public.payer_agent;
    entry->public.payee_agent = reserved.public.payee_agent;
    entry->public.payer = reserved.public.payer;
    entry->public.payee = reserved.public.payee;
    entry->public.amount = reserved.public.amount;
    entry->public.currency = reserved.public.currency;
    entry->public.id = reserved.public.id;
    entry->public.opened_by = reserved.public.seq;
    from->reserved -= minor;
    if (entry->public.kind == ENTRY_SETTLED) {
        to->available += minor;
    } else {
        from->available += minor;
        entry->public.reason = due ? REASON("AB03") : REASON("AC03");
    }
    if (!due) cause(scenario, to->code);
    write_side(scenario, SIDE_PAYER, from);
    write_side(scenario, SIDE_PAYEE, to);
}

void ledger_scenario_next(struct scenario *scenario)
{
    static const struct hash none;
    uint64_t const founding = 3 * SCENARIO_PARTICIPANTS;
    if (scenario->seq == 0)
        ledger_scenario_segment(scenario, &none, &none);
    else if (scenario->founded < founding)
        found(scenario, scenario->founded++);
    else if (scenario->open_count == SCENARIO_OPEN_MAX ||
             (scenario->open_count > 0 && draw(scenario, 2) == 0))
        decide(scenario);
    else
        pay(scenario);
}
