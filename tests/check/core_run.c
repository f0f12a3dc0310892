/* Mostly payments that work, and enough that do not. */
#include "tests/check/core_run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"

#define START_NS (INT64_C(1795284000) * TIME_NS_PER_SECOND)

const struct engine_options core_run_options = {
    .open_max = 40,
    .duplicate_capacity = 300,
    .duplicate_window_ns = 600 * TIME_NS_PER_SECOND,
    .clock_tolerance_ns = 300 * TIME_NS_PER_SECOND,
    .clock_ahead_ns = 60 * TIME_NS_PER_SECOND,
    .deadline_high_ns = 10 * TIME_NS_PER_SECOND,
    .deadline_normal_ns = 60 * TIME_NS_PER_SECOND,
    .currency = {"MXN"},
    .index_key = {3, 4},
};

/* A small generator of numbers: the same seed, the same run. */
static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

uint32_t core_run_below(uint64_t *random, uint32_t bound)
{
    return (uint32_t)(random_next(random) % bound);
}

static struct span copy_of(struct span bytes)
{
    char *const copy = malloc(bytes.size + 1);
    ck_assert_ptr_nonnull(copy);
    if (bytes.size > 0) memcpy(copy, bytes.bytes, bytes.size);
    return span_of(copy, bytes.size);
}

static void keep_entry(struct core_journal *journal, const struct entry *entry, struct span body)
{
    if (journal->count == journal->room) {
        journal->room = journal->room ? 2 * journal->room : 64;
        journal->entries = realloc(journal->entries, journal->room * sizeof *journal->entries);
        journal->bodies = realloc(journal->bodies, journal->room * sizeof *journal->bodies);
        ck_assert(journal->entries != NULL && journal->bodies != NULL);
    }
    journal->entries[journal->count] = *entry;
    journal->bodies[journal->count] = copy_of(body);
    journal->count++;
}

static void keep_answer(struct core_journal *journal, const struct outcome *outcome)
{
    uint64_t const said[] = {outcome->kind, outcome->receiver, outcome->status.status,
                             outcome->standing_seq, outcome->side};
    struct span const parts[] = {hash_span(&journal->answers), span_of(said, sizeof said),
                                 span_of(&outcome->status.reason, sizeof outcome->status.reason),
                                 identifier_max35_text(&outcome->status.id),
                                 identifier_max35_text(&outcome->instruction_id)};
    journal->answers = hash_parts(parts, sizeof parts / sizeof parts[0]);
}

void core_run_keep(struct core_journal *journal, const struct outcome *outcome)
{
    if (outcome->kind == OUTCOME_ENTRY)
        keep_entry(journal, &outcome->entry, body_span(&outcome->body));
    else
        keep_answer(journal, outcome);
}

void core_run_forget(struct core_journal *journal)
{
    for (uint32_t i = 0; i < journal->count; i++)
        free((void *)(uintptr_t)journal->bodies[i].bytes);
    free(journal->entries);
    free(journal->bodies);
}

struct participant_code core_run_code(uint32_t bank)
{
    struct participant_code code = {{'1', '0', '0', '0', '0', '0', '0', '0'}};
    code.text[7] = (char)('1' + bank);
    return code;
}

void core_run_begin(struct engine **engine, struct stamp *stamp, struct core_journal *journal)
{
    const struct outcome *outcome = NULL;
    struct hash const none = {0};
    uint8_t const ledger_id[ENGINE_LEDGER_ID_BYTES] = {1};
    *stamp = (struct stamp){.now_ns = START_NS, .seed = {{9}}};
    *journal = (struct core_journal){0};
    ck_assert_int_eq(engine_open(engine, &core_run_options), FAULT_NONE);
    ck_assert_int_eq(engine_segment(*engine, stamp, ledger_id, 1, &none, &none, &outcome),
                     FAULT_NONE);
    core_run_keep(journal, outcome);
    for (uint32_t bank = 0; bank < CORE_RUN_BANKS; bank++) {
        struct engine_joining joining = {.code = core_run_code(bank),
                                         .name = SPAN("Banco"),
                                         .status = MEMBER_ACTIVE,
                                         .has_payment_limit = bank == 3,
                                         .payment_limit = amount_of_minor(500),
                                         .pacs008_max = 1 + bank,
                                         .is_rtgs = bank == 4};
        if (bank == CORE_RUN_BANKS - 1) joining.settles_through = core_run_code(0);
        ck_assert_int_eq(engine_join(*engine, stamp, &joining, &outcome), FAULT_NONE);
        core_run_keep(journal, outcome);
        struct span const der = span_of(&joining.code, sizeof joining.code);
        ck_assert_int_eq(
            engine_certificate(*engine, stamp, joining.code, PURPOSE_CHANNEL, der, &outcome),
            FAULT_NONE);
        core_run_keep(journal, outcome);
        if (bank == CORE_RUN_BANKS - 1) continue;
        ck_assert_int_eq(
            engine_fund(*engine, stamp, joining.code, amount_of_minor(10000), &outcome),
            FAULT_NONE);
        core_run_keep(journal, outcome);
    }
}

static struct max35_text id_text(uint32_t number)
{
    struct max35_text id = {.size = 4, .bytes = {'P'}};
    for (size_t i = 1; i < 4; i++, number /= 10)
        id.bytes[i] = (char)('0' + number % 10);
    return id;
}

void core_run_transfer(struct engine *engine, struct stamp *stamp, uint64_t *random,
                       struct core_journal *journal)
{
    if (!engine_room(engine, stamp->now_ns, 1)) return;
    uint32_t const payer = core_run_below(random, CORE_RUN_BANKS);
    struct transfer_command transfer = {
        .kind = COMMAND_TRANSFER,
        .transaction_index = core_run_below(random, LIMIT_TRANSACTIONS),
        .sender = core_run_code(payer == CORE_RUN_BANKS - 1 ? 0 : payer),
        .payer_agent = core_run_code(payer),
        .payee_agent = core_run_code(core_run_below(random, CORE_RUN_BANKS + 1)),
        .amount = amount_of_minor(core_run_below(random, 1000)),
        .priority = core_run_below(random, 2) ? PRIORITY_HIGH : PRIORITY_NORMAL,
        .currency = core_run_options.currency,
        .acceptance_ns = stamp->now_ns - core_run_below(random, 12) * TIME_NS_PER_SECOND,
        .id = id_text(core_run_below(random, 900)),
        .content_hash = {{(uint8_t)core_run_below(random, 2)}},
    };
    if (core_run_below(random, 2)) transfer.instruction_id = id_text(core_run_below(random, 100));
    if (core_run_below(random, 2))
        memcpy(transfer.uetr.text, "00000000-0000-4000-8000-000000000000", UETR_BYTES);
    struct message_command const message = {.sender = transfer.sender, .hash = {{5}}};
    core_run_keep(journal, engine_transfer(engine, stamp, &message, &transfer));
}

/* Mostly of an open payment, now and then of any. */
static void random_answer(struct engine *engine, struct stamp *stamp, uint64_t *random,
                          struct core_journal *journal)
{
    uint32_t const back = core_run_below(random, 40) + 1;
    struct answer_command answer = {.kind = COMMAND_ANSWER,
                                    .sender = core_run_code(core_run_below(random, CORE_RUN_BANKS)),
                                    .accepted = core_run_below(random, 3) > 0,
                                    .reason = REASON("AC03"),
                                    .id = id_text(core_run_below(random, 900))};
    if (back <= journal->count) {
        const struct entry_public *const public = &journal->entries[journal->count - back].public;
        if (public->id.size > 0) {
            answer.id.size = public->id.size;
            memcpy(answer.id.bytes, public->id.text, public->id.size);
            answer.sender = public->payee;
        }
    }
    struct message_command const message = {.sender = answer.sender, .hash = {{6}}};
    core_run_keep(journal, engine_answer(engine, stamp, &message, &answer));
}

/* The day after the one closed last; months have 28 days here. */
static void close_next_day(struct engine *engine, struct stamp *stamp, struct core_journal *journal)
{
    unsigned year = 2026, month = 11, date = 24;
    struct day day = engine_totals(engine).last_day;
    struct span const last = day_text(&day);
    char text[40];
    (void)snprintf(text, sizeof text, "%.*s", (int)last.size, last.bytes);
    if (last.size > 0) ck_assert_int_eq(sscanf(text, "%4u-%2u-%2u", &year, &month, &date), 3);
    date++;
    if (date > 28) month++, date = 1;
    if (month > 12) year++, month = 1;
    (void)snprintf(text, sizeof text, "%04u-%02u-%02u", year, month, date);
    ck_assert(day_parse(span_text(text), &day));

    const struct outcome *outcome = NULL;
    ck_assert_int_eq(engine_day(engine, stamp, day, &outcome), FAULT_NONE);
    core_run_keep(journal, outcome);
}

void core_run_steps(struct engine *engine, struct stamp *stamp, uint64_t seed, int steps,
                    struct core_journal *journal)
{
    uint64_t random = seed;
    for (int step = 0; step < steps; step++) {
        stamp->now_ns += core_run_below(&random, 3000) * TIME_NS_PER_MS;
        const struct outcome *outcome;
        while ((outcome = engine_expire(engine, stamp)) != NULL)
            core_run_keep(journal, outcome);
        if (core_run_below(&random, 200) == 0) close_next_day(engine, stamp, journal);
        if (core_run_below(&random, 2))
            core_run_transfer(engine, stamp, &random, journal);
        else
            random_answer(engine, stamp, &random, journal);

        struct engine_totals const totals = engine_totals(engine);
        struct amount sum;
        ck_assert(amount_add(totals.available, totals.reserved, &sum));
        ck_assert_int_eq(amount_compare(sum, totals.net_funding), 0);
        ck_assert_int_eq(amount_compare(totals.reserved, totals.open_amount), 0);
        ck_assert_uint_eq(totals.last_seq, journal->count);
    }
}

static struct core_journal copy_journal(const struct core_journal *journal)
{
    struct core_journal copy = {.answers = journal->answers};
    for (uint32_t i = 0; i < journal->count; i++)
        keep_entry(&copy, &journal->entries[i], journal->bodies[i]);
    return copy;
}

void core_run_alike(struct engine *first, struct engine *second, const struct stamp *stamp,
                    uint64_t seed, int steps, const struct core_journal *journal)
{
    struct core_journal of_first = copy_journal(journal), of_second = copy_journal(journal);
    struct stamp stamp_of_first = *stamp, stamp_of_second = *stamp;
    core_run_steps(first, &stamp_of_first, seed, steps, &of_first);
    core_run_steps(second, &stamp_of_second, seed, steps, &of_second);

    ck_assert_uint_eq(of_first.count, of_second.count);
    ck_assert(hash_equal(&of_first.answers, &of_second.answers));
    for (uint32_t i = 0; i < of_first.count; i++) {
        ck_assert_mem_eq(&of_first.entries[i], &of_second.entries[i], sizeof of_first.entries[i]);
        ck_assert(span_equal(of_first.bodies[i], of_second.bodies[i]));
    }
    struct hash const digest = engine_digest(first);
    struct hash const digest_of_second = engine_digest(second);
    ck_assert(hash_equal(&digest, &digest_of_second));
    struct engine_mark const mark = engine_mark(first);
    struct engine_mark const mark_of_second = engine_mark(second);
    ck_assert_mem_eq(&mark, &mark_of_second, sizeof mark);
    core_run_forget(&of_first);
    core_run_forget(&of_second);
}
