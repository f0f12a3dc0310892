/* calendar: ends of days as a table of zone, closing time, instant, and what comes next. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/record/calendar.h"

static const struct {
    const char *zone;
    int close_minute;
    const char *after; /* UTC */
    const char *close; /* the first end after it, UTC */
    const char *day;
} cases[] = {
    {"UTC", 0, "2026-11-25T12:00:00Z", "2026-11-26T00:00:00Z", "2026-11-25"},
    {"UTC", 0, "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z", "2026-11-25"},
    {"UTC", 0, "2026-11-24T23:59:59.999999999Z", "2026-11-25T00:00:00Z", "2026-11-24"},
    {"UTC", 0, "2026-12-31T01:00:00Z", "2027-01-01T00:00:00Z", "2026-12-31"},
    {"UTC", 0, "2028-02-28T01:00:00Z", "2028-02-29T00:00:00Z", "2028-02-28"},
    {"UTC", 0, "2028-02-29T01:00:00Z", "2028-03-01T00:00:00Z", "2028-02-29"},
    /* An early closing time: the evening belongs to the next date. */
    {"UTC", 18 * 60, "2026-11-25T17:59:59Z", "2026-11-25T18:00:00Z", "2026-11-25"},
    {"UTC", 18 * 60, "2026-11-25T18:00:00Z", "2026-11-26T18:00:00Z", "2026-11-26"},
    {"UTC", 18 * 60, "2026-11-25T23:00:00Z", "2026-11-26T18:00:00Z", "2026-11-26"},
    {"UTC", 1439, "2026-11-25T23:58:00Z", "2026-11-25T23:59:00Z", "2026-11-25"},
    /* Mexico has no summer time any more: six hours behind. */
    {"America/Mexico_City", 0, "2026-11-25T12:00:00Z", "2026-11-26T06:00:00Z", "2026-11-25"},
    {"America/Mexico_City", 0, "2026-11-26T05:59:59Z", "2026-11-26T06:00:00Z", "2026-11-25"},
    {"America/Mexico_City", 18 * 60, "2026-07-01T12:00:00Z", "2026-07-02T00:00:00Z", "2026-07-01"},
    /* Days of 23 and of 25 hours. */
    {"Europe/Madrid", 0, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-29"},
    {"Europe/Madrid", 0, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-25"},
    /* Santiago sets the clock forward at 24:00 of September 5th, so that the 6th begins at 01:00. */
    {"America/Santiago", 0, "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-05"},
    {"America/Santiago", 0, "2026-09-06T12:00:00Z", "2026-09-07T03:00:00Z", "2026-09-06"},
    {"Asia/Kolkata", 0, "2026-11-25T18:29:00Z", "2026-11-25T18:30:00Z", "2026-11-25"},
    {"Pacific/Kiritimati", 0, "2026-11-25T09:59:00Z", "2026-11-25T10:00:00Z", "2026-11-25"},
};

static int64_t instant(const char *text)
{
    int64_t ns = 0;
    ck_assert_int_eq(time_parse(span_text(text), &ns), TIME_PARSE_GOOD);
    return ns;
}

START_TEST(a_day_ends_and_has_a_name)
{
    struct calendar calendar;
    ck_assert_int_eq(calendar_open(&calendar, cases[_i].zone, cases[_i].close_minute), FAULT_NONE);
    int64_t const close_ns = calendar_next_close_ns(&calendar, instant(cases[_i].after));
    struct day const day = calendar_day(close_ns);
    char text[TIME_TEXT_BYTES];
    (void)time_print_ms(close_ns, text);
    ck_assert_msg(close_ns == instant(cases[_i].close), "%s after %s: %s, not %s", cases[_i].zone,
                  cases[_i].after, text, cases[_i].close);
    ck_assert_msg(memcmp(day.text, cases[_i].day, DAY_TEXT_BYTES) == 0, "%s after %s: %.10s",
                  cases[_i].zone, cases[_i].after, day.text);
}
END_TEST

/* From each end to the next for ten years: in order, one a date, none left out. */
START_TEST(every_date_ends_once)
{
    static const char *const zones[] = {"UTC",           "America/Mexico_City", "America/Santiago",
                                        "Europe/Madrid", "Africa/Cairo",        "America/Havana",
                                        "Asia/Beirut",   "Australia/Lord_Howe"};
    static const int minutes[] = {0, 30, 120, 150, 18 * 60, 1439};
    for (size_t zone = 0; zone < sizeof zones / sizeof zones[0]; zone++) {
        struct calendar calendar;
        ck_assert_int_eq(calendar_open(&calendar, zones[zone], minutes[_i]), FAULT_NONE);
        int64_t close_ns = calendar_next_close_ns(&calendar, instant("2020-01-01T12:00:00Z"));
        struct day day = calendar_day(close_ns);
        for (int count = 0; count < 3653; count++) {
            int64_t const next_ns = calendar_next_close_ns(&calendar, close_ns);
            struct day const next = calendar_day(next_ns);
            int64_t const hours = (next_ns - close_ns) / TIME_NS_PER_SECOND / 3600;
            ck_assert_msg(hours >= 22 && hours <= 26, "%s %.10s: %lld hours", zones[zone],
                          next.text, (long long)hours);
            ck_assert_msg(day_compare(day, next) < 0, "%s: %.10s, then %.10s", zones[zone],
                          day.text, next.text);
            close_ns = next_ns;
            day = next;
        }
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("calendar");
    TCase *const tests = tcase_create("calendar");
    tcase_add_loop_test(tests, a_day_ends_and_has_a_name, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(tests, every_date_ends_once, 0, 6);
    suite_add_tcase(suite, tests);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
