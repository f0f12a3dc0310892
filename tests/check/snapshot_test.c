/* Snapshots of the core: a loaded engine is the saved one, and nothing but what was saved is loaded:
 * not half of it, not with a bit changed, not with rows that no engine could have written. */
#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "tests/check/core_run.h"

/* --- a snapshot in memory --- */

struct stored {
    size_t size;
    size_t room;
    uint8_t *bytes;
    size_t at; /* of reading */
};

static enum fault store(void *context, struct span bytes)
{
    struct stored *const stored = context;
    while (stored->room < stored->size + bytes.size) {
        stored->room = stored->room ? 2 * stored->room : 4096;
        stored->bytes = realloc(stored->bytes, stored->room);
        ck_assert_ptr_nonnull(stored->bytes);
    }
    memcpy(stored->bytes + stored->size, bytes.bytes, bytes.size);
    stored->size += bytes.size;
    return FAULT_NONE;
}

static enum fault fetch(void *context, void *bytes, size_t size)
{
    struct stored *const stored = context;
    if (size > stored->size - stored->at) return FAULT_CORRUPT;
    memcpy(bytes, stored->bytes + stored->at, size);
    stored->at += size;
    return FAULT_NONE;
}

static struct stored save(const struct engine *engine)
{
    struct stored stored = {0};
    ck_assert_int_eq(engine_save(engine, store, &stored), FAULT_NONE);
    return stored;
}

static enum fault load(struct stored *stored, const struct engine_options *options,
                       struct engine **engine)
{
    stored->at = 0;
    return engine_load(engine, options, fetch, stored);
}

/* The fault of loading, the engine closed again. */
static enum fault try_load(struct stored *stored, const struct engine_options *options)
{
    struct engine *engine = NULL;
    enum fault const fault = load(stored, options, &engine);
    engine_close(engine);
    return fault;
}

/* --- what was saved is loaded --- */

static void check_same(struct engine *engine, struct engine *loaded)
{
    struct hash const digest = engine_digest(engine), digest_of_loaded = engine_digest(loaded);
    ck_assert(hash_equal(&digest, &digest_of_loaded));
    struct engine_mark const mark = engine_mark(engine), mark_of_loaded = engine_mark(loaded);
    ck_assert_mem_eq(&mark, &mark_of_loaded, sizeof mark);
    ck_assert_int_eq(engine_next_deadline_ns(engine), engine_next_deadline_ns(loaded));

    struct engine_totals const totals = engine_totals(engine);
    struct engine_totals const totals_of_loaded = engine_totals(loaded);
    ck_assert_int_eq(amount_compare(totals.net_funding, totals_of_loaded.net_funding), 0);
    ck_assert_int_eq(amount_compare(totals.available, totals_of_loaded.available), 0);
    ck_assert_int_eq(amount_compare(totals.reserved, totals_of_loaded.reserved), 0);
    ck_assert_int_eq(amount_compare(totals.open_amount, totals_of_loaded.open_amount), 0);
    ck_assert_uint_eq(totals.open_count, totals_of_loaded.open_count);
    ck_assert_uint_eq(totals.fingerprint_count, totals_of_loaded.fingerprint_count);
    ck_assert_uint_eq(totals.last_seq, totals_of_loaded.last_seq);
    ck_assert_int_eq(totals.last_ns, totals_of_loaded.last_ns);
    ck_assert_uint_eq(totals.segment_number, totals_of_loaded.segment_number);
    ck_assert_int_eq(day_compare(totals.last_day, totals_of_loaded.last_day), 0);
}

START_TEST(an_engine_is_saved_and_loaded)
{
    struct engine *engine = NULL, *loaded = NULL;
    struct stamp stamp;
    struct core_journal journal;
    struct engine_options options = core_run_options;
    options.index_key[0] = 99;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, (uint64_t)_i, 100 + 700 * _i, &journal);
    struct stored stored = save(engine);
    ck_assert_int_eq(load(&stored, &options, &loaded), FAULT_NONE);
    ck_assert_uint_eq(stored.at, stored.size);
    check_same(engine, loaded);

    struct stored again = save(loaded);
    ck_assert_uint_eq(again.size, stored.size);
    ck_assert_mem_eq(again.bytes, stored.bytes, stored.size);

    core_run_alike(engine, loaded, &stamp, 5, 1000, &journal);
    engine_close(engine);
    engine_close(loaded);
    core_run_forget(&journal);
    free(stored.bytes);
    free(again.bytes);
}
END_TEST

START_TEST(both_go_on_alike_for_long)
{
    struct engine *engine = NULL, *loaded = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 11, 2000, &journal);
    struct stored stored = save(engine);
    ck_assert_int_eq(load(&stored, &core_run_options, &loaded), FAULT_NONE);
    core_run_alike(engine, loaded, &stamp, 12, 100000, &journal);
    engine_close(engine);
    engine_close(loaded);
    core_run_forget(&journal);
    free(stored.bytes);
}
END_TEST

START_TEST(an_engine_without_entries_is_saved_too)
{
    struct engine *engine = NULL, *loaded = NULL;
    ck_assert_int_eq(engine_open(&engine, &core_run_options), FAULT_NONE);
    struct stored stored = save(engine);
    ck_assert_int_eq(load(&stored, &core_run_options, &loaded), FAULT_NONE);
    check_same(engine, loaded);
    engine_close(engine);
    engine_close(loaded);
    free(stored.bytes);
}
END_TEST

/* Ids that were forgotten before their time keep their places. */
START_TEST(forgotten_ids_are_saved_too)
{
    struct engine_options longer = core_run_options;
    longer.duplicate_window_ns *= 100;
    longer.duplicate_capacity = 100000;
    struct engine *engine = NULL, *second = NULL, *loaded = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 5, 4000, &journal);
    ck_assert_int_eq(engine_open(&second, &longer), FAULT_NONE);
    for (uint32_t i = 0; i < journal.count; i++)
        ck_assert_int_eq(engine_apply(second, &journal.entries[i], journal.bodies[i]), FAULT_NONE);
    struct stored stored = save(second);
    ck_assert_int_eq(load(&stored, &longer, &loaded), FAULT_NONE);
    check_same(second, loaded);
    engine_close(engine);
    engine_close(second);
    engine_close(loaded);
    core_run_forget(&journal);
    free(stored.bytes);
}
END_TEST

/* --- options --- */

/* Of a run whose tables hold something: what it saved. */
static struct stored saved_run(int steps)
{
    struct engine *engine = NULL;
    struct stamp stamp;
    struct core_journal journal;
    core_run_begin(&engine, &stamp, &journal);
    core_run_steps(engine, &stamp, 3, steps, &journal);
    struct engine_totals const totals = engine_totals(engine);
    ck_assert_uint_gt(totals.open_count, 2);
    ck_assert_uint_gt(totals.fingerprint_count, 20);
    struct stored const stored = save(engine);
    engine_close(engine);
    core_run_forget(&journal);
    return stored;
}

START_TEST(options_must_fit)
{
    struct stored stored = saved_run(900);
    struct engine *engine = NULL;
    ck_assert_int_eq(load(&stored, &core_run_options, &engine), FAULT_NONE);
    struct engine_totals const totals = engine_totals(engine);
    struct engine_mark const mark = engine_mark(engine);
    engine_close(engine);

    struct engine_options options = core_run_options;
    options.open_max = totals.open_count;
    options.duplicate_capacity = totals.fingerprint_count;
    ck_assert_int_eq(try_load(&stored, &options), FAULT_NONE);
    options.open_max--;
    ck_assert_int_eq(try_load(&stored, &options), FAULT_FULL);
    options.open_max++;
    options.duplicate_capacity--;
    ck_assert_int_eq(try_load(&stored, &options), FAULT_FULL);

    options = core_run_options;
    options.currency = (struct currency){"USD"};
    ck_assert_int_eq(try_load(&stored, &options), FAULT_INVALID);

    options = core_run_options;
    options.duplicate_window_ns += 1;
    ck_assert_int_eq(try_load(&stored, &options), FAULT_INVALID);
    options.duplicate_window_ns -= 2 * TIME_NS_PER_SECOND;
    ck_assert_int_eq(load(&stored, &options, &engine), FAULT_NONE);
    struct engine_mark const mark_of_shorter = engine_mark(engine);
    ck_assert_mem_eq(&mark, &mark_of_shorter, sizeof mark);
    engine_close(engine);

    stored.bytes[8]++;
    ck_assert_int_eq(try_load(&stored, &core_run_options), FAULT_VERSION);
    free(stored.bytes);
}
END_TEST

/* --- faults of others --- */

struct failing {
    int calls_left;
    struct stored *stored;
};

static enum fault store_some(void *context, struct span bytes)
{
    struct failing *const failing = context;
    (void)bytes;
    ck_assert_int_ge(failing->calls_left, 0); /* after a fault there is no other call */
    return failing->calls_left-- > 0 ? FAULT_NONE : FAULT_IO;
}

static enum fault fetch_some(void *context, void *bytes, size_t size)
{
    struct failing *const failing = context;
    ck_assert_int_ge(failing->calls_left, 0);
    return failing->calls_left-- > 0 ? fetch(failing->stored, bytes, size) : FAULT_IO;
}

START_TEST(faults_are_passed_on)
{
    struct stored stored = saved_run(900);
    struct engine *engine = NULL;
    ck_assert_int_eq(load(&stored, &core_run_options, &engine), FAULT_NONE);
    int saving = 0, loading = 0;
    for (enum fault fault = FAULT_IO; fault != FAULT_NONE; saving++) {
        struct failing failing = {.calls_left = saving};
        fault = engine_save(engine, store_some, &failing);
        ck_assert(fault == FAULT_NONE || fault == FAULT_IO);
    }
    engine_close(engine);
    for (enum fault fault = FAULT_IO; fault != FAULT_NONE; loading++) {
        struct failing failing = {.calls_left = loading, .stored = &stored};
        struct engine *loaded = NULL;
        stored.at = 0;
        fault = engine_load(&loaded, &core_run_options, fetch_some, &failing);
        ck_assert(fault == FAULT_NONE || fault == FAULT_IO);
        engine_close(loaded);
    }
    ck_assert_int_ge(saving, 3);
    ck_assert_int_ge(loading, 8);
    free(stored.bytes);
}
END_TEST

/* --- damage --- */

#define HEAD_BYTES 216

START_TEST(half_of_it_is_refused)
{
    struct stored stored = saved_run(200);
    size_t const whole = stored.size;
    for (stored.size = 0; stored.size < whole; stored.size += stored.size < HEAD_BYTES ? 3 : 29)
        ck_assert_int_eq(try_load(&stored, &core_run_options), FAULT_CORRUPT);
    stored.size = whole - 1;
    ck_assert_int_eq(try_load(&stored, &core_run_options), FAULT_CORRUPT);
    free(stored.bytes);
}
END_TEST

static void flip(struct stored *stored, size_t at, uint32_t bit)
{
    stored->bytes[at] ^= (uint8_t)(1u << bit);
    ck_assert_msg(try_load(stored, &core_run_options) != FAULT_NONE,
                  "bit %u of byte %zu may be anything", bit, at);
    stored->bytes[at] ^= (uint8_t)(1u << bit);
}

START_TEST(a_changed_bit_is_refused)
{
    struct stored stored = saved_run(200);
    uint64_t random = 1;
    for (size_t at = 0; at < HEAD_BYTES; at++) {
        for (uint32_t bit = 0; bit < 8; bit++)
            flip(&stored, at, bit);
    }
    for (size_t at = HEAD_BYTES; at < stored.size; at += 1 + core_run_below(&random, 16))
        flip(&stored, at, core_run_below(&random, 8));
    ck_assert_int_eq(try_load(&stored, &core_run_options), FAULT_NONE);
    free(stored.bytes);
}
END_TEST

/* --- rows that no engine could have written, with a digest that fits --- */

/* Where the tables of a snapshot begin (snapshot.h). */
struct places {
    size_t members, certificates, payments, groups, records, digest;
    uint32_t group_count, record_count;
};

static uint32_t count_at(const struct stored *stored, size_t at)
{
    uint32_t count;
    memcpy(&count, stored->bytes + at, sizeof count);
    return count;
}

static struct places places_of(const struct stored *stored)
{
    struct places places = {.members = HEAD_BYTES};
    places.certificates = places.members + 64 * (size_t)count_at(stored, 48);
    places.payments = places.certificates + 40 * (size_t)count_at(stored, 52);
    places.groups = places.payments + 264 * (size_t)count_at(stored, 56);
    places.group_count = count_at(stored, 60);
    places.records = places.groups + 24 * (size_t)places.group_count;
    places.record_count = count_at(stored, 64);
    places.digest = places.records + 32 * (size_t)places.record_count;
    ck_assert_uint_eq(places.digest + HASH_BYTES, stored->size);
    return places;
}

static void fit_digest(struct stored *stored)
{
    size_t const size = stored->size - HASH_BYTES;
    struct hash const digest = hash_of(span_of(stored->bytes, size));
    memcpy(stored->bytes + size, &digest, sizeof digest);
}

enum table { HEAD, MEMBERS, CERTIFICATES, PAYMENTS, GROUPS, RECORDS };

static size_t table_at(const struct places *places, enum table table)
{
    switch (table) {
    case HEAD: return 0;
    case MEMBERS: return places->members;
    case CERTIFICATES: return places->certificates;
    case PAYMENTS: return places->payments;
    case GROUPS: return places->groups;
    case RECORDS: return places->records;
    }
    return 0;
}

#define MARK(state, payee, value)                                                                  \
    (int64_t)(UINT64_C(state) << 61 | UINT64_C(payee) << 48 | UINT64_C(value))

/* A number of `size` bytes is replaced at this offset of the table. */
static const struct {
    const char *what;
    enum table table;
    size_t at;
    size_t size;
    int64_t value;
} impossible[] = {
    {"a time before 1970", HEAD, 24, 8, -1},
    {"no segment", HEAD, 32, 8, 0},
    {"more segments than entries", HEAD, 32, 8, 1000000},
    {"no entries", HEAD, 16, 8, 0},
    {"more entries than a record can name", HEAD, 16, 8, INT64_MAX},
    {"a window below zero", HEAD, 40, 8, -1},
    {"no groups", HEAD, 60, 4, 0},
    {"something behind the day", HEAD, 78, 2, 1},
    {"a day that begins at 0", HEAD, 80, 8, 0},
    {"a day that begins after its end", HEAD, 80, 8, 1000000},
    {"more reserved than entries", HEAD, 88, 8, 1000000},
    {"a number of entries that wraps", HEAD, 104, 8, -1},
    {"other payments open than there are", HEAD, 176, 8, 1},
    {"another open amount", HEAD, 184, 8, 1},
    {"another net funding", HEAD, 192, 8, 49999},
    {"other available funds", HEAD, 200, 8, 1},
    {"other reserved funds", HEAD, 208, 8, 1},
    {"nobody", MEMBERS, 0, 8, 0},
    {"the code of the next", MEMBERS, 64 + 7, 1, '1'},
    {"an account that is still to come", MEMBERS, 8, 4, 1},
    {"an account of one who has none", MEMBERS, 5 * 64 + 8, 4, 6},
    {"an account of its own that is another's", MEMBERS, 64 + 8, 4, 0},
    {"a status of none", MEMBERS, 12, 4, 3},
    {"no pacs.008", MEMBERS, 16, 4, 0},
    {"eleven pacs.008", MEMBERS, 16, 4, 11},
    {"another flag", MEMBERS, 20, 4, 4},
    {"a limit that does not count", MEMBERS, 24, 8, 1},
    {"a limit of nothing", MEMBERS, 3 * 64 + 24, 8, 0},
    {"an overdraft", MEMBERS, 32, 8, -1},
    {"more than all money", MEMBERS, 32, 8, INT64_MAX},
    {"as much money as there can be", MEMBERS, 32, 8, AMOUNT_MAX_MINOR},
    {"less than nothing reserved", MEMBERS, 40, 8, -1},
    {"more reserved than is open", MEMBERS, 40, 8, 9000},
    {"numbers without entries", MEMBERS, 48, 8, 0},
    {"more numbers than entries", MEMBERS, 48, 8, 1000000},
    {"an entry still to come", MEMBERS, 56, 8, 1000000},
    {"numbers of one who has no account", MEMBERS, 5 * 64 + 48, 8, 1},
    {"money of one who has no account", MEMBERS, 5 * 64 + 32, 8, 1},
    {"a certificate of nobody", CERTIFICATES, 32, 4, 6},
    {"a purpose of none", CERTIFICATES, 36, 4, 2},
    {"a payment still to come", PAYMENTS, 0, 8, 1000000},
    {"another payment", PAYMENTS, 0, 8, 1},
    {"a deadline before 1970", PAYMENTS, 8, 8, -1},
    {"a payment of nothing", PAYMENTS, 16, 8, 0},
    {"a payment backwards", PAYMENTS, 16, 8, -5},
    {"a payment of all money", PAYMENTS, 16, 8, INT64_MAX},
    {"a payer that there is not", PAYMENTS, 24, 4, 6},
    {"a payee that there is not", PAYMENTS, 28, 4, -1},
    {"a payer without an account", PAYMENTS, 24, 4, 5},
    {"an agent that there is not", PAYMENTS, 32, 4, 0},
    {"an id without an end", PAYMENTS, 48, 4, 0x41414124},
    {"no id", PAYMENTS, 48, 4, 0},
    {"another id", PAYMENTS, 48, 4, 0x30305104},
    {"a UETR that is none", PAYMENTS, 84, 4, 0x41414141},
    {"an InstrId without an end", PAYMENTS, 120, 4, 0x4141418D},
    {"an InstrId without a size", PAYMENTS, 120, 4, 0x41414100},
    {"something behind InstrId", PAYMENTS, 260, 4, 0x100},
    {"ids before 1970", GROUPS, 0, 8, -1},
    {"ids that are older than the oldest", GROUPS, 8, 8, 1},
    {"ids of the future", GROUPS, 8, 8, INT64_MAX},
    {"a group of none", GROUPS, 16, 8, 0},
    {"a group of more than all", GROUPS, 16, 8, 1000000},
    {"a group that wraps", GROUPS, 16, 8, -1},
    {"a state of none", RECORDS, 24, 8, MARK(6, 0, 20)},
    {"another state of none", RECORDS, 24, 8, MARK(7, 0, 20)},
    {"forgotten, and not quite", RECORDS, 24, 8, MARK(0, 0, 20)},
    {"open, and not among the open", RECORDS, 24, 8, MARK(1, 1, 20)},
    {"settled by no entry", RECORDS, 24, 8, MARK(2, 0, 0)},
    {"settled by an entry still to come", RECORDS, 24, 8, MARK(2, 0, 1000000)},
    {"settled for nobody", RECORDS, 24, 8, MARK(2, 8191, 20)},
    {"settled for one without an account", RECORDS, 24, 8, MARK(2, 5, 20)},
    {"refused by no entry", RECORDS, 24, 8, MARK(5, 8191, 0)},
    {"refused for somebody", RECORDS, 24, 8, MARK(5, 0, 20)},
};

START_TEST(impossible_rows_are_refused)
{
    struct stored stored = saved_run(200);
    struct places const places = places_of(&stored);
    size_t const at = table_at(&places, impossible[_i].table) + impossible[_i].at;
    ck_assert_int_ne(memcmp(stored.bytes + at, &impossible[_i].value, impossible[_i].size), 0);
    memcpy(stored.bytes + at, &impossible[_i].value, impossible[_i].size);
    fit_digest(&stored);
    ck_assert_msg(try_load(&stored, &core_run_options) == FAULT_CORRUPT, "%s is loaded",
                  impossible[_i].what);
    free(stored.bytes);
}
END_TEST

/* Two rows of a table put in each other's place, or the second one a copy of the first. */
static void exchange(struct stored *stored, size_t first, size_t second, size_t size)
{
    uint8_t row[264];
    memcpy(row, stored->bytes + first, size);
    memcpy(stored->bytes + first, stored->bytes + second, size);
    memcpy(stored->bytes + second, row, size);
    fit_digest(stored);
    ck_assert_int_eq(try_load(stored, &core_run_options), FAULT_CORRUPT);
}

static void repeat(struct stored *stored, size_t first, size_t second, size_t size)
{
    memcpy(stored->bytes + second, stored->bytes + first, size);
    fit_digest(stored);
    ck_assert_int_eq(try_load(stored, &core_run_options), FAULT_CORRUPT);
}

START_TEST(rows_have_their_order)
{
    for (int change = 0; change < 7; change++) {
        struct stored stored = saved_run(200);
        struct places const places = places_of(&stored);
        switch (change) {
        case 0: exchange(&stored, places.payments, places.payments + 264, 264); break;
        case 1: exchange(&stored, places.groups, places.groups + 24, 24); break;
        case 2: repeat(&stored, places.members, places.members + 64, 64); break;
        case 3: repeat(&stored, places.payments, places.payments + 264, 264); break;
        case 4: repeat(&stored, places.groups, places.groups + 24, 24); break;
        case 5: repeat(&stored, places.certificates, places.certificates + 40, 40); break;
        case 6: repeat(&stored, places.records, places.records + 32, 12); break; /* an id */
        }
        free(stored.bytes);
    }
}
END_TEST

int main(void)
{
    TCase *const cases = tcase_create("snapshot");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, an_engine_is_saved_and_loaded, 0, 6);
    tcase_add_test(cases, both_go_on_alike_for_long);
    tcase_add_test(cases, an_engine_without_entries_is_saved_too);
    tcase_add_test(cases, forgotten_ids_are_saved_too);
    tcase_add_test(cases, options_must_fit);
    tcase_add_test(cases, faults_are_passed_on);
    tcase_add_test(cases, half_of_it_is_refused);
    tcase_add_test(cases, a_changed_bit_is_refused);
    tcase_add_loop_test(cases, impossible_rows_are_refused, 0,
                        sizeof impossible / sizeof impossible[0]);
    tcase_add_test(cases, rows_have_their_order);
    Suite *const suite = suite_create("snapshot");
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
