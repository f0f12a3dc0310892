/* The core's parts one by one, and its replay: random payments, then the same state from entries
 * alone, and no entry that was touched accepted. */
#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "switch/core/deadline.h"
#include "switch/core/duplicate.h"
#include "switch/core/engine.h"
#include "switch/core/enrolment.h"
#include "switch/core/payment.h"
#include "tests/check/core_run.h"

/* --- duplicate --- */

static const uint64_t index_key[2] = {11, 12};
static const struct participant_code sender = {{'1', '0', '0', '0', '0', '0', '0', '1'}};

static struct duplicate_key key_of(uint32_t number)
{
    struct payment_id id = {.size = sizeof number};
    memcpy(id.text, &number, sizeof number);
    return duplicate_key(&id);
}

static uint32_t insert(struct duplicate_table *table, int64_t now_ns, uint32_t number,
                       enum payment_state state)
{
    struct duplicate_key const key = key_of(number);
    struct hash const content = hash_of(span_of(&number, sizeof number));
    return duplicate_insert(
        table, now_ns, &key, &content, sender,
        (struct duplicate_mark){.state = state, .payee = number % 4096, .value = number});
}

static bool is_known(const struct duplicate_table *table, uint32_t number)
{
    struct duplicate_key const key = key_of(number);
    return duplicate_find(table, &key) != DUPLICATE_NONE;
}

START_TEST(duplicate_keeps_what_it_is_told)
{
    struct duplicate_table table;
    ck_assert_int_eq(duplicate_open(&table, 100, 1000, index_key), FAULT_NONE);
    uint32_t const record = insert(&table, 1, 7, PAYMENT_RESERVED);
    struct duplicate_mark const largest = {
        .state = PAYMENT_REFUSED, .payee = DUPLICATE_NOBODY, .value = DUPLICATE_VALUE_MAX};
    duplicate_set(&table, record, largest);
    struct duplicate_mark const mark = duplicate_mark(&table, record);
    ck_assert_int_eq(mark.state, largest.state);
    ck_assert_uint_eq(mark.payee, largest.payee);
    ck_assert_uint_eq(mark.value, largest.value);

    uint32_t const number = 7, another = 8;
    struct hash const content = hash_of(span_of(&number, sizeof number));
    struct hash const other = hash_of(span_of(&another, sizeof another));
    struct participant_code stranger = sender;
    stranger.text[7] = '2';
    ck_assert(duplicate_is_same(&table, record, &content, sender));
    ck_assert(!duplicate_is_same(&table, record, &other, sender));
    ck_assert(!duplicate_is_same(&table, record, &content, stranger));
    duplicate_close(&table);
}
END_TEST

START_TEST(duplicate_forgets_after_the_window_and_never_before)
{
    struct duplicate_table table;
    int64_t const window_ns = 1000;
    ck_assert_int_eq(duplicate_open(&table, 4, window_ns, index_key), FAULT_NONE);
    for (uint32_t i = 0; i < 4; i++)
        insert(&table, i * 100, i, PAYMENT_SETTLED);
    ck_assert(!duplicate_has_room(&table, window_ns, 1)); /* record 0 is exactly as old */
    ck_assert(duplicate_has_room(&table, window_ns + 1, 1));
    ck_assert(!duplicate_has_room(&table, window_ns + 1, 2));
    ck_assert(duplicate_has_room(&table, 300 + window_ns + 1, 4));
    ck_assert(!duplicate_has_room(&table, 300 + window_ns + 1, 5));

    insert(&table, window_ns + 1, 4, PAYMENT_SETTLED);
    ck_assert(!is_known(&table, 0));
    for (uint32_t i = 1; i <= 4; i++)
        ck_assert(is_known(&table, i));
    duplicate_close(&table);
}
END_TEST

START_TEST(duplicate_never_forgets_an_open_payment)
{
    struct duplicate_table table;
    ck_assert_int_eq(duplicate_open(&table, 3, 1000, index_key), FAULT_NONE);
    uint32_t const open = insert(&table, 0, 0, PAYMENT_RESERVED);
    insert(&table, 0, 1, PAYMENT_SETTLED);
    insert(&table, 0, 2, PAYMENT_SETTLED);
    ck_assert(!duplicate_has_room(&table, 5000, 1));
    duplicate_set(&table, open, (struct duplicate_mark){.state = PAYMENT_EXPIRED, .value = 9});
    ck_assert(duplicate_has_room(&table, 5000, 3));
    duplicate_close(&table);
}
END_TEST

START_TEST(duplicate_agrees_with_a_list)
{
    enum { NUMBERS = 4000, CAPACITY = 256, WINDOW_NS = 5000 };
    struct duplicate_table table;
    int64_t inserted_ns[NUMBERS];
    uint64_t random = (uint64_t)_i;
    int64_t now_ns = 0;
    uint32_t next = 0, oldest = 0;
    ck_assert_int_eq(duplicate_open(&table, CAPACITY, WINDOW_NS, index_key), FAULT_NONE);
    while (next < NUMBERS) {
        now_ns += core_run_below(&random, 60);
        if (!duplicate_has_room(&table, now_ns, 1)) {
            ck_assert_uint_eq(table.count, CAPACITY);
            continue;
        }
        insert(&table, now_ns, next, PAYMENT_SETTLED);
        inserted_ns[next++] = now_ns;

        while (oldest < next && !is_known(&table, oldest))
            oldest++;
        ck_assert_uint_eq(table.count, next - oldest);
        if (oldest > 0) ck_assert_int_gt(now_ns - inserted_ns[oldest - 1], WINDOW_NS);
        uint32_t const any = oldest + core_run_below(&random, next - oldest);
        ck_assert(is_known(&table, any));
        ck_assert_uint_eq(duplicate_mark(&table, duplicate_at(&table, any - oldest)).value, any);
    }
    duplicate_close(&table);
}
END_TEST

START_TEST(duplicate_forgets_on_demand)
{
    struct duplicate_table table;
    ck_assert_int_eq(duplicate_open(&table, 64, 1000, index_key), FAULT_NONE);
    for (uint32_t i = 0; i < 64; i++)
        insert(&table, 0, i, PAYMENT_SETTLED);
    for (uint32_t i = 0; i < 64; i += 2)
        duplicate_forget(&table, duplicate_at(&table, i));
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_int_eq(is_known(&table, i), i % 2);
    for (uint32_t i = 100; i < 132; i++) /* what was forgotten by hand goes in its turn */
        insert(&table, 2000, i, PAYMENT_SETTLED);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert(!is_known(&table, i));
    duplicate_close(&table);
}
END_TEST

/* --- deadline --- */

START_TEST(deadline_agrees_with_a_search)
{
    enum { PAYMENTS = 64 };
    struct deadline_heap heap;
    struct deadline_item items[PAYMENTS];
    bool in[PAYMENTS] = {false};
    uint64_t random = (uint64_t)_i, seq = 0;
    ck_assert_int_eq(deadline_open(&heap, PAYMENTS), FAULT_NONE);
    for (int step = 0; step < 3000; step++) {
        uint32_t const payment = core_run_below(&random, PAYMENTS);
        if (in[payment]) {
            deadline_remove(&heap, payment);
        } else {
            items[payment] = (struct deadline_item){
                .deadline_ns = core_run_below(&random, 50), .opened_by = ++seq, .payment = payment};
            deadline_add(&heap, items[payment]);
        }
        in[payment] = !in[payment];

        const struct deadline_item *first = NULL;
        uint32_t count = 0;
        for (uint32_t i = 0; i < PAYMENTS; i++) {
            if (!in[i]) continue;
            count++;
            if (first == NULL || items[i].deadline_ns < first->deadline_ns ||
                (items[i].deadline_ns == first->deadline_ns &&
                 items[i].opened_by < first->opened_by))
                first = &items[i];
        }
        const struct deadline_item *const next = deadline_next(&heap);
        ck_assert_uint_eq(heap.count, count);
        ck_assert_int_eq(next == NULL, first == NULL);
        if (next != NULL) ck_assert_uint_eq(next->payment, first->payment);
    }
    deadline_close(&heap);
}
END_TEST

/* --- genesis --- */

START_TEST(genesis_refuses_what_cannot_be)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    const struct outcome *outcome = NULL;
    struct hash const none = {0};
    uint8_t const ledger_id[ENGINE_LEDGER_ID_BYTES] = {1};
    core_run_begin(&engine, &stamp, &journal);
    struct hash const before = engine_digest(engine);

    struct engine_joining const good = {.code = {"2000000"}, .name = SPAN("N"), .pacs008_max = 10};
    struct {
        enum fault fault;
        struct engine_joining joining;
    } cases[] = {{FAULT_BUSY, good},      {FAULT_BUSY, good},    {FAULT_NOT_FOUND, good},
                 {FAULT_NOT_FOUND, good}, {FAULT_INVALID, good}, {FAULT_INVALID, good},
                 {FAULT_INVALID, good},   {FAULT_INVALID, good}};
    cases[0].joining.code = core_run_code(0);
    cases[1].joining.code = (struct participant_code){{0}};
    cases[2].joining.settles_through = (struct participant_code){"3000000"};
    cases[3].joining.settles_through = core_run_code(CORE_RUN_BANKS - 1); /* indirect itself */
    cases[4].joining.name.size = 0;
    cases[5].joining.name.size = LIMIT_NAME_BYTES + 1;
    cases[6].joining.pacs008_max = LIMIT_TRANSACTIONS + 1;
    cases[7].joining.has_payment_limit = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_int_eq(engine_join(engine, &stamp, &cases[i].joining, &outcome), cases[i].fault);

    ck_assert_int_eq(engine_segment(engine, &stamp, ledger_id, 1, &none, &none, &outcome),
                     FAULT_INVALID);
    ck_assert_int_eq(engine_fund(engine, &stamp, core_run_code(0), amount_of_minor(0), &outcome),
                     FAULT_INVALID);
    ck_assert_int_eq(engine_fund(engine, &stamp, core_run_code(CORE_RUN_BANKS - 1),
                                 amount_of_minor(1), &outcome),
                     FAULT_NOT_FOUND);
    ck_assert_int_eq(
        engine_fund(engine, &stamp, core_run_code(0), amount_of_minor(AMOUNT_MAX_MINOR), &outcome),
        FAULT_FULL);
    struct participant_code const first = core_run_code(0), second = core_run_code(1);
    struct span const der = span_of(&first, sizeof first);
    ck_assert_int_eq(engine_certificate(engine, &stamp, first, PURPOSE_CHANNEL, der, &outcome),
                     FAULT_BUSY);
    ck_assert_int_eq(engine_certificate(engine, &stamp, second, PURPOSE_SIGNING, der, &outcome),
                     FAULT_BUSY);
    ck_assert_int_eq(engine_certificate(engine, &stamp, first, PURPOSE_SIGNING, SPAN(""), &outcome),
                     FAULT_INVALID);

    struct hash const after = engine_digest(engine);
    ck_assert(hash_equal(&before, &after));
    ck_assert_int_eq(engine_certificate(engine, &stamp, first, PURPOSE_SIGNING, der, &outcome),
                     FAULT_NONE);
    for (char i = 1; i < LIMIT_CERTIFICATES; i++)
        ck_assert_int_eq(engine_certificate(engine, &stamp, first, PURPOSE_SIGNING,
                                            span_of(&i, sizeof i), &outcome),
                         FAULT_NONE);
    ck_assert_int_eq(
        engine_certificate(engine, &stamp, first, PURPOSE_SIGNING, SPAN("one more"), &outcome),
        FAULT_FULL);
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

/* --- replay --- */

START_TEST(replay_comes_to_the_same_state)
{
    struct engine *engine = NULL, *second = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, (uint64_t)_i, 4000, &journal);

    uint32_t kinds[ENTRY_DAY + 1] = {0};
    ck_assert_int_eq(engine_open(&second, &core_run_options), FAULT_NONE);
    for (uint32_t i = 0; i < journal.count; i++) {
        kinds[journal.entries[i].public.kind]++;
        ck_assert_int_eq(engine_apply(second, &journal.entries[i], journal.bodies[i]), FAULT_NONE);
        ck_assert_mem_eq(&engine_applied(second)->entry, &journal.entries[i],
                         sizeof journal.entries[i]);
    }
    for (uint32_t kind = ENTRY_RESERVED; kind <= ENTRY_REFUSED; kind++)
        ck_assert_uint_gt(kinds[kind], 50); /* the run is worth its name */
    ck_assert_uint_gt(kinds[ENTRY_DAY], 5);

    struct hash const live = engine_digest(engine);
    struct hash const replayed = engine_digest(second);
    ck_assert(hash_equal(&live, &replayed));
    core_run_alike(engine, second, &stamp, 77, 300, &journal);
    engine_close(engine);
    engine_close(second);
    core_run_forget(&journal);
}
END_TEST

/* A ledger of a shorter window: an id comes twice within the window of the one that replays it. */
START_TEST(replay_takes_an_id_that_the_window_had_forgotten)
{
    struct engine_options longer = core_run_options;
    longer.duplicate_window_ns *= 100;
    longer.duplicate_capacity = 100000;
    struct engine *engine = NULL, *second = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 5, 4000, &journal);
    ck_assert_int_eq(engine_open(&second, &longer), FAULT_NONE);
    for (uint32_t i = 0; i < journal.count; i++)
        ck_assert_int_eq(engine_apply(second, &journal.entries[i], journal.bodies[i]), FAULT_NONE);
    struct engine_totals const live = engine_totals(engine);
    struct engine_totals const replayed = engine_totals(second);
    ck_assert_uint_gt(replayed.fingerprint_count, 900); /* more than there are ids */
    ck_assert_int_eq(amount_compare(live.available, replayed.available), 0);
    ck_assert_uint_eq(live.open_count, replayed.open_count);
    engine_close(engine);
    engine_close(second);
    core_run_forget(&journal);
}
END_TEST

/* The bytes of an entry that replay does not judge: its time, within bounds, and what belongs to the
 * loops and to the ledger's own hashes, not to the state. */
static bool is_judged(const struct entry *entry, size_t offset)
{
    struct {
        size_t from, to;
    } const spared[] = {
        {offsetof(struct entry, public.time_ns), offsetof(struct entry, public.payer_agent)},
        {offsetof(struct entry, public.evidence_hash), offsetof(struct entry, public.sides)},
        {offsetof(struct entry, private.transaction_index), offsetof(struct entry, private.sender)},
        {offsetof(struct entry, private.content_hash), sizeof(struct entry)},
    };
    for (size_t i = 0; i < sizeof spared / sizeof spared[0]; i++) {
        if (offset >= spared[i].from && offset < spared[i].to) return false;
    }
    return entry->public.kind == ENTRY_SETTLED || entry->public.kind == ENTRY_EXPIRED;
}

/* Any byte of any entry changed: a fault or a state like any other, never an assertion; and where
 * an entry ends a payment, a fault for every byte that counts. */
START_TEST(replay_refuses_what_does_not_follow)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 3, 300, &journal);
    engine_close(engine);

    uint64_t random = 8;
    for (uint32_t at = 1; at < journal.count; at += 1 + core_run_below(&random, 4)) {
        for (int change = 0; change < 6; change++) {
            struct entry changed = journal.entries[at];
            size_t const offset =
                core_run_below(&random, sizeof changed.public + sizeof changed.private);
            ((uint8_t *)&changed)[offset] ^= (uint8_t)(1 + core_run_below(&random, 255));

            struct engine *second = NULL;
            ck_assert_int_eq(engine_open(&second, &core_run_options), FAULT_NONE);
            for (uint32_t i = 0; i < at; i++)
                ck_assert_int_eq(engine_apply(second, &journal.entries[i], journal.bodies[i]),
                                 FAULT_NONE);
            enum fault fault = engine_apply(second, &changed, journal.bodies[at]);
            if (is_judged(&journal.entries[at], offset))
                ck_assert_msg(fault != FAULT_NONE, "kind %u: byte %zu is not judged",
                              journal.entries[at].public.kind, offset);
            for (uint32_t i = at + 1; i < journal.count && fault == FAULT_NONE; i++)
                fault = engine_apply(second, &journal.entries[i], journal.bodies[i]);
            engine_close(second);
        }
    }
    core_run_forget(&journal);
}
END_TEST

START_TEST(room_is_what_the_tables_have)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    ck_assert(engine_room(engine, stamp.now_ns, core_run_options.open_max));
    ck_assert(!engine_room(engine, stamp.now_ns, core_run_options.open_max + 1));
    uint64_t random = 2;
    for (int i = 0; i < 400; i++)
        core_run_transfer(engine, &stamp, &random, &journal);
    struct engine_totals const totals = engine_totals(engine);
    ck_assert_uint_eq(totals.open_count, core_run_options.open_max);
    ck_assert(!engine_room(engine, stamp.now_ns, 1));
    ck_assert(engine_room(engine, stamp.now_ns, 0));
    engine_close(engine);
    core_run_forget(&journal);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("core");
    TCase *const parts = tcase_create("parts");
    tcase_add_test(parts, duplicate_keeps_what_it_is_told);
    tcase_add_test(parts, duplicate_forgets_after_the_window_and_never_before);
    tcase_add_test(parts, duplicate_never_forgets_an_open_payment);
    tcase_add_loop_test(parts, duplicate_agrees_with_a_list, 0, 4);
    tcase_add_test(parts, duplicate_forgets_on_demand);
    tcase_add_loop_test(parts, deadline_agrees_with_a_search, 0, 4);
    suite_add_tcase(suite, parts);
    TCase *const whole = tcase_create("engine");
    tcase_set_timeout(whole, 60);
    tcase_add_test(whole, genesis_refuses_what_cannot_be);
    tcase_add_test(whole, room_is_what_the_tables_have);
    tcase_add_loop_test(whole, replay_comes_to_the_same_state, 0, 6);
    tcase_add_test(whole, replay_takes_an_id_that_the_window_had_forgotten);
    tcase_add_test(whole, replay_refuses_what_does_not_follow);
    suite_add_tcase(suite, whole);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
