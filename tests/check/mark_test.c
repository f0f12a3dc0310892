/* The mark: equal where the entries are, the same when counted anew, and different after a change to
 * any field that it covers. */
#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "switch/core/state.h" /* the fields themselves are changed here */
#include "tests/check/core_run.h"

static bool is_same(struct engine_mark a, struct engine_mark b)
{
    return a.seq == b.seq && a.digest[0] == b.digest[0] && a.digest[1] == b.digest[1];
}

/* Both halves count: neither may stay when the state changes. */
static bool is_other(struct engine_mark a, struct engine_mark b)
{
    return a.digest[0] != b.digest[0] && a.digest[1] != b.digest[1];
}

static struct engine_mark anew(const struct engine *engine)
{
    return mark_finish(engine, mark_whole(engine));
}

START_TEST(the_mark_depends_on_the_entries_alone)
{
    struct engine *engine = NULL, *second = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    struct engine_options other = core_run_options;
    other.index_key[0] = 77;
    other.open_max *= 2;
    other.duplicate_capacity *= 100;
    other.duplicate_window_ns *= 100;
    ck_assert_int_eq(engine_open(&second, &other), FAULT_NONE);
    for (int part = 0; part < 20; part++) {
        core_run_steps(engine, &stamp, (uint64_t)(part + 100 * _i), 100, &journal);
        for (uint64_t seq = engine_totals(second).last_seq; seq < journal.count; seq++)
            ck_assert_int_eq(engine_apply(second, &journal.entries[seq], journal.bodies[seq]),
                             FAULT_NONE);
        ck_assert_uint_eq(engine_mark(engine).seq, journal.count);
        ck_assert(is_same(engine_mark(engine), engine_mark(second)));
        ck_assert(is_same(engine_mark(engine), anew(engine)));
    }
    engine_close(engine);
    engine_close(second);
    core_run_forget(&journal);
}
END_TEST

START_TEST(every_entry_changes_the_mark)
{
    struct engine *engine = NULL, *second = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 4, 1000, &journal);
    ck_assert_int_eq(engine_open(&second, &core_run_options), FAULT_NONE);
    struct engine_mark before = engine_mark(second);
    for (uint32_t i = 0; i < journal.count; i++) {
        ck_assert_int_eq(engine_apply(second, &journal.entries[i], journal.bodies[i]), FAULT_NONE);
        ck_assert(is_other(before, engine_mark(second)));
        before = engine_mark(second);
    }
    engine_close(engine);
    engine_close(second);
    core_run_forget(&journal);
}
END_TEST

/* Every bit of the field, one at a time, changes the mark; put back, the mark is what it was. */
static void flip_bits(struct engine *engine, void *field, size_t size, const char *name)
{
    struct engine_mark const before = anew(engine);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        uint8_t *const byte = (uint8_t *)field + bit / 8;
        *byte ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(is_other(before, anew(engine)), "bit %zu of %s is not in the mark", bit,
                      name);
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert(is_same(before, anew(engine)));
}

#define FLIP(field) flip_bits(engine, &(field), sizeof(field), #field)

/* A field that is read as true or false. */
#define SWITCH(field)                                                                              \
    do {                                                                                           \
        struct engine_mark const before = anew(engine);                                            \
        (field) = !(field);                                                                        \
        ck_assert_msg(is_other(before, anew(engine)), #field " is not in the mark");               \
        (field) = !(field);                                                                        \
    } while (0)

START_TEST(every_field_is_in_the_mark)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 5, 500, &journal);
    ck_assert_uint_gt(engine->payments.count, 3);

    FLIP(engine->last_seq);
    FLIP(engine->last_ns);
    FLIP(engine->segment_number);
    FLIP(engine->last_day);
    FLIP(engine->today.first_seq);
    FLIP(engine->book.net_funding);
    FLIP(engine->book.available);
    FLIP(engine->book.reserved);
    FLIP(engine->payments.open_amount);
    FLIP(engine->today.reserved_count);
    FLIP(engine->today.reserved_minor);
    FLIP(engine->today.settled_count);
    FLIP(engine->today.settled_minor);
    FLIP(engine->today.rejected_count);
    FLIP(engine->today.rejected_minor);
    FLIP(engine->today.expired_count);
    FLIP(engine->today.expired_minor);
    FLIP(engine->today.refused_count);
    FLIP(engine->today.funded_count);
    FLIP(engine->today.funded_minor);
    for (uint32_t i = 0; i < engine->members.count; i++) {
        struct member *const member = &engine->members.members[i];
        struct account *const account = &engine->book.accounts[i];
        FLIP(member->code);
        FLIP(member->account);
        FLIP(member->status);
        FLIP(member->pacs008_max);
        SWITCH(member->is_rtgs);
        SWITCH(member->has_payment_limit);
        FLIP(member->payment_limit);
        FLIP(account->available);
        FLIP(account->reserved);
        FLIP(account->number);
        FLIP(account->last_seq);
    }
    for (uint32_t i = 0; i < engine->enrolment.count; i++) {
        FLIP(engine->enrolment.certificates[i].fingerprint);
        FLIP(engine->enrolment.certificates[i].member);
        FLIP(engine->enrolment.certificates[i].purpose);
    }
    for (uint32_t i = 0; i < engine->deadlines.count; i++) {
        struct payment *const payment =
            &engine->payments.payments[engine->deadlines.items[i].payment];
        FLIP(payment->opened_by);
        FLIP(payment->deadline_ns);
        FLIP(payment->amount);
        FLIP(payment->payer);
        FLIP(payment->payee);
        FLIP(payment->agents);
        FLIP(payment->id);
        FLIP(payment->uetr);
        flip_bits(engine, payment->instruction_id.bytes, payment->instruction_id.size,
                  "instruction_id");
    }
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

/* Numbers that swap places, or move from one field to the next, do not cancel. */
START_TEST(rows_do_not_cancel)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    struct engine_mark const before = anew(engine);
    struct account *const accounts = engine->book.accounts;
    struct account const first = accounts[0], second = accounts[1];
    accounts[0] = second;
    accounts[1] = first;
    ck_assert(is_other(before, anew(engine)));
    accounts[0] = first;
    accounts[1] = second;

    for (int64_t moved = 1; moved <= 10000; moved *= 10) {
        accounts[0].available = amount_of_minor(amount_minor(first.available) - moved);
        accounts[0].reserved = amount_of_minor(moved);
        ck_assert(is_other(before, anew(engine)));
        accounts[0].reserved = first.reserved;
        accounts[1].available = amount_of_minor(amount_minor(second.available) + moved);
        ck_assert(is_other(before, anew(engine)));
        accounts[0] = first;
        accounts[1] = second;
    }
    ck_assert(is_same(before, anew(engine)));
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

/* --- damage while at work --- */

static const char *const damages[] = {"available", "reserved", "agent", "uetr"};

static void damage(struct engine *engine, const char *what)
{
    uint32_t const place = engine->deadlines.items[0].payment;
    struct payment *const payment = &engine->payments.payments[place];
    struct account *const account = &engine->book.accounts[payment->payer];
    if (strcmp(what, "available") == 0)
        account->available = amount_of_minor(amount_minor(account->available) + 1);
    else if (strcmp(what, "reserved") == 0)
        account->reserved = amount_of_minor(amount_minor(account->reserved) + 1);
    else if (strcmp(what, "uetr") == 0)
        payment->uetr.text[3] ^= 1;
    else
        payment->agents[SIDE_PAYEE].text[7] ^= 1;
}

/* The next to run out is damaged in memory, runs out, and the mark is another. */
START_TEST(damage_shows_with_the_next_change)
{
    struct engine *engine = NULL, *second = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 5, 500, &journal);
    ck_assert_int_eq(engine_open(&second, &core_run_options), FAULT_NONE);
    for (uint32_t i = 0; i < journal.count; i++)
        ck_assert_int_eq(engine_apply(second, &journal.entries[i], journal.bodies[i]), FAULT_NONE);

    damage(second, damages[_i]);
    ck_assert(is_same(engine_mark(engine), engine_mark(second))); /* at rest it does not show */
    stamp.now_ns = engine_next_deadline_ns(engine);
    ck_assert_ptr_nonnull(engine_expire(engine, &stamp));
    ck_assert_ptr_nonnull(engine_expire(second, &stamp));
    ck_assert(is_other(engine_mark(engine), engine_mark(second)));
    engine_close(engine);
    engine_close(second);
    core_run_forget(&journal);
}
END_TEST

int main(void)
{
    TCase *const cases = tcase_create("mark");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, the_mark_depends_on_the_entries_alone, 0, 4);
    tcase_add_test(cases, every_entry_changes_the_mark);
    tcase_add_test(cases, every_field_is_in_the_mark);
    tcase_add_test(cases, rows_do_not_cancel);
    tcase_add_loop_test(cases, damage_shows_with_the_next_change, 0,
                        sizeof damages / sizeof damages[0]);
    Suite *const suite = suite_create("mark");
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
