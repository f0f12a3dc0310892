/* Accounting days: what is a day, that they ascend, and that their totals are those of the entries,
 * counted again here. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/record/day.h"
#include "tests/check/core_run.h"

static const struct {
    const char *text;
    bool is_day;
} dates[] = {
    {"2026-11-25", true},  {"2028-02-29", true},   {"1970-01-01", true},  {"2199-12-31", true},
    {"2026-02-29", false}, {"2026-13-01", false},  {"2026-00-01", false}, {"2026-11-31", false},
    {"2026-11-00", false}, {"2026-11-2", false},   {"2026-1-025", false}, {"20261125  ", false},
    {"2026/11/25", false}, {"2026-11-250", false}, {"+026-11-25", false}, {"-026-11-25", false},
    {"1969-12-31", false}, {"2200-01-01", false},  {"2026-11-2T", false}, {"", false},
};

START_TEST(a_date_is_a_day)
{
    struct day day = {{0}};
    ck_assert_int_eq(day_parse(span_text(dates[_i].text), &day), dates[_i].is_day);
    ck_assert(span_equal(day_text(&day),
                         dates[_i].is_day ? span_text(dates[_i].text) : (struct span){0}));
}
END_TEST

static struct day day_of(const char *text)
{
    struct day day;
    ck_assert(day_parse(span_text(text), &day));
    return day;
}

START_TEST(days_ascend)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    const struct outcome *outcome = NULL;
    core_run_begin(&engine, &stamp, &journal);
    struct day const none = engine_totals(engine).last_day;
    ck_assert_uint_eq(day_text(&none).size, 0);
    ck_assert_int_eq(engine_day(engine, &stamp, none, &outcome), FAULT_INVALID);
    ck_assert_int_eq(engine_day(engine, &stamp, day_of("2026-11-25"), &outcome), FAULT_NONE);
    struct hash const before = engine_digest(engine);
    ck_assert_int_eq(engine_day(engine, &stamp, day_of("2026-11-25"), &outcome), FAULT_INVALID);
    ck_assert_int_eq(engine_day(engine, &stamp, day_of("2026-11-24"), &outcome), FAULT_INVALID);
    ck_assert_int_eq(engine_day(engine, &stamp, day_of("2025-12-31"), &outcome), FAULT_INVALID);
    struct hash const after = engine_digest(engine);
    ck_assert(hash_equal(&before, &after));
    ck_assert_int_eq(engine_day(engine, &stamp, day_of("2026-11-27"), &outcome), FAULT_NONE);
    ck_assert_int_eq(day_compare(engine_totals(engine).last_day, day_of("2026-11-27")), 0);
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

/* --- totals --- */

/* The accounts as the entries' private parts give them. */
struct recount {
    struct day_close today;
    uint64_t open_count;
    uint64_t open_minor;
    uint64_t net_funding_minor;
    uint64_t available[CORE_RUN_BANKS];
    uint64_t reserved[CORE_RUN_BANKS];
};

static void take_balances(struct recount *recount, const struct entry *entry)
{
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry_side_use(entry->public.kind, side) == SIDE_NONE) continue;
        struct participant_code const code = entry_participant(entry, side);
        for (uint32_t bank = 0; bank < CORE_RUN_BANKS; bank++) {
            if (!identifier_code_equal(code, core_run_code(bank))) continue;
            const struct entry_account *const account = &entry->private.accounts[side];
            recount->available[bank] = (uint64_t)amount_minor(account->available);
            recount->reserved[bank] = (uint64_t)amount_minor(account->reserved);
        }
    }
}

static void take_entry(struct recount *recount, const struct entry *entry)
{
    struct day_close *const today = &recount->today;
    uint64_t const minor = (uint64_t)amount_minor(entry->public.amount);
    uint32_t const kind = entry->public.kind;
    today->reserved_count += kind == ENTRY_RESERVED;
    today->reserved_minor += kind == ENTRY_RESERVED ? minor : 0;
    today->settled_count += kind == ENTRY_SETTLED;
    today->settled_minor += kind == ENTRY_SETTLED ? minor : 0;
    today->rejected_count += kind == ENTRY_REJECTED;
    today->rejected_minor += kind == ENTRY_REJECTED ? minor : 0;
    today->expired_count += kind == ENTRY_EXPIRED;
    today->expired_minor += kind == ENTRY_EXPIRED ? minor : 0;
    today->refused_count += kind == ENTRY_REFUSED;
    today->funded_count += kind == ENTRY_FUNDED;
    today->funded_minor += kind == ENTRY_FUNDED ? minor : 0;
    if (kind == ENTRY_RESERVED) {
        recount->open_count++;
        recount->open_minor += minor;
    }
    if (entry->public.opened_by != 0) {
        recount->open_count--;
        recount->open_minor -= minor;
    }
    if (kind == ENTRY_FUNDED) recount->net_funding_minor += minor;
    take_balances(recount, entry);
}

static void check_close(const struct recount *recount, const struct day_close *close)
{
    struct day_close expected = recount->today;
    expected.open_count = recount->open_count;
    expected.open_minor = recount->open_minor;
    expected.net_funding_minor = recount->net_funding_minor;
    for (uint32_t bank = 0; bank < CORE_RUN_BANKS; bank++) {
        expected.available_balance_minor += recount->available[bank];
        expected.reserved_balance_minor += recount->reserved[bank];
    }
    ck_assert_uint_eq(close->first_seq, expected.first_seq);
#define CHECK_TOTAL(name, tag) ck_assert_uint_eq(close->name, expected.name);
    DAY_TOTAL_LIST(CHECK_TOTAL)
#undef CHECK_TOTAL
}

START_TEST(totals_are_those_of_the_entries)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, (uint64_t)_i, 5000, &journal);
    struct recount recount = {.today.first_seq = 1};
    uint32_t days = 0;
    for (uint32_t i = 0; i < journal.count; i++) {
        if (journal.entries[i].public.kind != ENTRY_DAY) {
            take_entry(&recount, &journal.entries[i]);
            continue;
        }
        struct day_close close;
        ck_assert(day_read(journal.bodies[i], &close));
        check_close(&recount, &close);
        recount.today = (struct day_close){.first_seq = journal.entries[i].public.seq + 1};
        days++;
    }
    ck_assert_uint_gt(days, 10);
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

/* --- replay --- */

static struct engine *replayed(const struct core_journal *journal)
{
    struct engine *engine = NULL;
    ck_assert_int_eq(engine_open(&engine, &core_run_options), FAULT_NONE);
    for (uint32_t i = 0; i < journal->count; i++)
        ck_assert_int_eq(engine_apply(engine, &journal->entries[i], journal->bodies[i]),
                         FAULT_NONE);
    return engine;
}

static enum fault apply_close(const struct core_journal *journal, const struct entry *entry,
                              const struct day_close *close)
{
    struct engine *const engine = replayed(journal);
    struct body body;
    day_write(close, &body);
    enum fault const fault = engine_apply(engine, entry, body_span(&body));
    engine_close(engine);
    return fault;
}

START_TEST(replay_counts_again)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    const struct outcome *outcome = NULL;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 6, 500, &journal);
    ck_assert_int_eq(engine_day(engine, &stamp, day_of("2030-01-01"), &outcome), FAULT_NONE);
    struct entry const entry = outcome->entry;
    struct day_close close;
    ck_assert(day_read(body_span(&outcome->body), &close));
    ck_assert_int_eq(apply_close(&journal, &entry, &close), FAULT_NONE);

    struct day_close changed = close;
    changed.first_seq++;
    ck_assert_int_eq(apply_close(&journal, &entry, &changed), FAULT_CORRUPT);
    changed = close;
    changed.day = engine_totals(engine).last_day;
    memcpy(changed.day.text, "2026-01-01", DAY_TEXT_BYTES);
    ck_assert_int_eq(apply_close(&journal, &entry, &changed), FAULT_CORRUPT);
#define CHANGE_TOTAL(name, tag)                                                                    \
    changed = close;                                                                               \
    changed.name++;                                                                                \
    ck_assert_int_eq(apply_close(&journal, &entry, &changed), FAULT_CORRUPT);
    DAY_TOTAL_LIST(CHANGE_TOTAL)
#undef CHANGE_TOTAL

    struct engine *const second = replayed(&journal);
    ck_assert_int_eq(engine_apply(second, &entry, (struct span){0}), FAULT_CORRUPT);
    engine_close(second);
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

/* Nearly all the money there can be goes to and fro: the sums of the day pass 2^64. */
START_TEST(sums_are_modulo_two_to_the_64)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    const struct outcome *outcome = NULL;
    int64_t const minor = INT64_C(8000000000000000000);
    core_run_begin(&engine, &stamp, &journal);
    ck_assert_int_eq(
        engine_fund(engine, &stamp, core_run_code(0), amount_of_minor(minor), &outcome),
        FAULT_NONE);
    core_run_keep(&journal, outcome);
    for (uint32_t i = 0; i < 3; i++) {
        struct transfer_command transfer = {.kind = COMMAND_TRANSFER,
                                            .sender = core_run_code(0),
                                            .payer_agent = core_run_code(0),
                                            .payee_agent = core_run_code(1),
                                            .amount = amount_of_minor(minor),
                                            .currency = core_run_options.currency,
                                            .acceptance_ns = stamp.now_ns,
                                            .id = {.size = 1, .bytes = {(char)('A' + (char)i)}}};
        struct answer_command const answer = {.kind = COMMAND_ANSWER,
                                              .sender = core_run_code(1),
                                              .reason = REASON("AC03"),
                                              .id = transfer.id};
        struct message_command const message = {.sender = transfer.sender};
        outcome = engine_transfer(engine, &stamp, &message, &transfer);
        ck_assert_uint_eq(outcome->entry.public.kind, ENTRY_RESERVED);
        core_run_keep(&journal, outcome);
        outcome = engine_answer(engine, &stamp, &message, &answer);
        ck_assert_uint_eq(outcome->entry.public.kind, ENTRY_REJECTED);
        core_run_keep(&journal, outcome);
    }
    ck_assert_int_eq(engine_day(engine, &stamp, day_of("2026-11-25"), &outcome), FAULT_NONE);
    core_run_keep(&journal, outcome);
    struct day_close close;
    ck_assert(day_read(body_span(&outcome->body), &close));
    ck_assert_uint_eq(close.reserved_minor, 3 * (uint64_t)minor);
    ck_assert_uint_lt(close.reserved_minor, (uint64_t)minor);
    ck_assert_uint_eq(close.rejected_minor, close.reserved_minor);
    engine_close(replayed(&journal));
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

int main(void)
{
    TCase *const cases = tcase_create("day");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_date_is_a_day, 0, sizeof dates / sizeof dates[0]);
    tcase_add_test(cases, days_ascend);
    tcase_add_loop_test(cases, totals_are_those_of_the_entries, 0, 4);
    tcase_add_test(cases, replay_counts_again);
    tcase_add_test(cases, sums_are_modulo_two_to_the_64);
    Suite *const suite = suite_create("day");
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
