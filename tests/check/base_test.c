/* base: money and time as tables of text and value. */
#include <check.h>
#include <stdlib.h>

#include "proto/base/amount.h"
#include "proto/base/arena.h"
#include "proto/base/time.h"

static const struct {
    const char *text;
    enum amount_parse parse;
    int64_t minor;
    const char *printed;
} amounts[] = {
    {"0", AMOUNT_PARSE_GOOD, 0, "0.00"},
    {"1", AMOUNT_PARSE_GOOD, 100, "1.00"},
    {"1.5", AMOUNT_PARSE_GOOD, 150, "1.50"},
    {"1.000", AMOUNT_PARSE_GOOD, 100, "1.00"},
    {"1.001", AMOUNT_PARSE_NOT_MONEY, 0, NULL},
    {"1.010", AMOUNT_PARSE_GOOD, 101, "1.01"},
    {".5", AMOUNT_PARSE_GOOD, 50, "0.50"},
    {"5.", AMOUNT_PARSE_GOOD, 500, "5.00"},
    {"+7.25", AMOUNT_PARSE_GOOD, 725, "7.25"},
    {"-7.25", AMOUNT_PARSE_GOOD, -725, "-7.25"},
    {"-0.05", AMOUNT_PARSE_GOOD, -5, "-0.05"},
    {"9999999999999999.99", AMOUNT_PARSE_GOOD, 999999999999999999, "9999999999999999.99"},
    {"10000000000000000", AMOUNT_PARSE_NOT_MONEY, 0, NULL},
    {"0000000000000000000000000001.10", AMOUNT_PARSE_GOOD, 110, "1.10"},
    {"", AMOUNT_PARSE_NOT_DECIMAL, 0, NULL},
    {".", AMOUNT_PARSE_NOT_DECIMAL, 0, NULL},
    {"+", AMOUNT_PARSE_NOT_DECIMAL, 0, NULL},
    {"1e3", AMOUNT_PARSE_NOT_DECIMAL, 0, NULL},
    {"1.2.3", AMOUNT_PARSE_NOT_DECIMAL, 0, NULL},
    {" 1", AMOUNT_PARSE_NOT_DECIMAL, 0, NULL},
    {"1,00", AMOUNT_PARSE_NOT_DECIMAL, 0, NULL},
};

START_TEST(amounts_are_read_and_written)
{
    struct amount amount = amount_of_minor(-1);
    ck_assert_int_eq(amount_parse(span_text(amounts[_i].text), &amount), amounts[_i].parse);
    if (amounts[_i].parse != AMOUNT_PARSE_GOOD) {
        ck_assert_int_eq(amount_minor(amount), -1);
        return;
    }
    char text[AMOUNT_TEXT_BYTES];
    ck_assert_int_eq(amount_minor(amount), amounts[_i].minor);
    ck_assert_uint_eq(amount_print(amount, text), strlen(amounts[_i].printed));
    ck_assert_str_eq(text, amounts[_i].printed);
}
END_TEST

START_TEST(amounts_stay_in_range)
{
    struct amount const most = amount_of_minor(AMOUNT_MAX_MINOR), one = amount_of_minor(1);
    struct amount result = one;
    ck_assert(!amount_add(most, one, &result));
    ck_assert(!amount_subtract(amount_of_minor(-AMOUNT_MAX_MINOR), one, &result));
    ck_assert_int_eq(amount_minor(result), 1);
    ck_assert(amount_subtract(most, one, &result));
    ck_assert(amount_add(result, one, &result));
    ck_assert_int_eq(amount_compare(result, most), 0);
    char text[AMOUNT_TEXT_BYTES];
    ck_assert_uint_lt(amount_print(amount_of_minor(-AMOUNT_MAX_MINOR), text), AMOUNT_TEXT_BYTES);
    ck_assert_str_eq(text, "-90000000000000000.00");
}
END_TEST

static const struct {
    const char *text;
    enum time_parse parse;
    const char *printed;
} times[] = {
    {"1970-01-01T00:00:00Z", TIME_PARSE_GOOD, "1970-01-01T00:00:00.000000000Z"},
    {"2026-11-21T18:00:00.123Z", TIME_PARSE_GOOD, "2026-11-21T18:00:00.123000000Z"},
    {"2026-11-21T18:00:00.123456789Z", TIME_PARSE_GOOD, "2026-11-21T18:00:00.123456789Z"},
    {"2026-11-21T18:00:00.1234567890Z", TIME_PARSE_FRACTION, NULL},
    {"2026-11-21T12:00:00-06:00", TIME_PARSE_GOOD, "2026-11-21T18:00:00.000000000Z"},
    {"2026-11-22T08:00:00+14:00", TIME_PARSE_GOOD, "2026-11-21T18:00:00.000000000Z"},
    {"2026-11-21T18:00:00+14:01", TIME_PARSE_NOT_TIME, NULL},
    {"2026-11-21T24:00:00Z", TIME_PARSE_GOOD, "2026-11-22T00:00:00.000000000Z"},
    {"2026-11-21T24:00:00.0Z", TIME_PARSE_GOOD, "2026-11-22T00:00:00.000000000Z"},
    {"2026-11-21T24:00:01Z", TIME_PARSE_NOT_TIME, NULL},
    {"2024-02-29T00:00:00Z", TIME_PARSE_GOOD, "2024-02-29T00:00:00.000000000Z"},
    {"2100-02-29T00:00:00Z", TIME_PARSE_NOT_TIME, NULL},
    {"2026-11-21T18:00:60Z", TIME_PARSE_NOT_TIME, NULL},
    {"2026-11-21T18:00:00", TIME_PARSE_NO_ZONE, NULL},
    {"2026-11-21T18:00:00.", TIME_PARSE_NOT_TIME, NULL},
    {"2026-11-21 18:00:00Z", TIME_PARSE_NOT_TIME, NULL},
    {"1970-01-01T00:00:00+00:01", TIME_PARSE_OUT_OF_RANGE, NULL},
    {"1969-12-31T23:59:00-00:01", TIME_PARSE_GOOD, "1970-01-01T00:00:00.000000000Z"},
    {"2199-12-31T23:59:59.999Z", TIME_PARSE_GOOD, "2199-12-31T23:59:59.999000000Z"},
    {"2199-12-31T24:00:00Z", TIME_PARSE_OUT_OF_RANGE, NULL},
    {"2200-01-01T00:00:00Z", TIME_PARSE_OUT_OF_RANGE, NULL},
    {"12026-11-21T18:00:00Z", TIME_PARSE_OUT_OF_RANGE, NULL},
    {"02026-11-21T18:00:00Z", TIME_PARSE_NOT_TIME, NULL},
    {"-2026-11-21T18:00:00Z", TIME_PARSE_OUT_OF_RANGE, NULL},
    {"26-11-21T18:00:00Z", TIME_PARSE_NOT_TIME, NULL},
    {"2026-11-21T18:00:00Zx", TIME_PARSE_NOT_TIME, NULL},
    {"", TIME_PARSE_NOT_TIME, NULL},
};

START_TEST(times_are_read_and_written)
{
    int64_t instant_ns = -1;
    ck_assert_int_eq(time_parse(span_text(times[_i].text), &instant_ns), times[_i].parse);
    if (times[_i].parse != TIME_PARSE_GOOD) {
        ck_assert_int_eq(instant_ns, -1);
        return;
    }
    char text[TIME_TEXT_BYTES];
    (void)time_print_ns(instant_ns, text);
    ck_assert_str_eq(text, times[_i].printed);
    int64_t again_ns;
    ck_assert_int_eq(time_parse(span_text(text), &again_ns), TIME_PARSE_GOOD);
    ck_assert_int_eq(again_ns, instant_ns);
}
END_TEST

START_TEST(arena_never_grows)
{
    struct arena arena;
    ck_assert_int_eq(arena_open(&arena, 100), FAULT_NONE);
    ck_assert_ptr_nonnull(arena_take(&arena, 60));
    ck_assert_ptr_null(arena_take(&arena, 60));
    ck_assert_ptr_null(arena_take(&arena, (size_t)-1));
    size_t const mark = arena.used;
    ck_assert_uint_eq(arena_copy(&arena, SPAN("twelve bytes")).size, 12);
    arena_reset(&arena, mark);
    ck_assert_ptr_nonnull(arena_take(&arena, 20));
    arena_close(&arena);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("base");
    TCase *const cases = tcase_create("base");
    tcase_add_loop_test(cases, amounts_are_read_and_written, 0, sizeof amounts / sizeof amounts[0]);
    tcase_add_test(cases, amounts_stay_in_range);
    tcase_add_loop_test(cases, times_are_read_and_written, 0, sizeof times / sizeof times[0]);
    tcase_add_test(cases, arena_never_grows);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
