/* latency: percentiles of known series, and every bucket's edges. */
#include <check.h>
#include <stdlib.h>

#include "ops/cauce/latency.h"

static struct latency latency;

static void clear(void)
{
    latency_clear(&latency);
}

START_TEST(percentiles_of_a_series)
{
    ck_assert_double_eq(latency_percentile_ms(&latency, 0.5), 0);
    for (uint64_t us = 1; us <= 100; us++)
        latency_add(&latency, us);
    ck_assert_double_eq(latency_percentile_ms(&latency, 0.50), 0.050);
    ck_assert_double_eq(latency_percentile_ms(&latency, 0.99), 0.099);
    ck_assert_double_eq(latency_percentile_ms(&latency, 1.00), 0.100);
    latency_add(&latency, 1000000);
    ck_assert_double_eq(latency_percentile_ms(&latency, 1.00), 1000);
    ck_assert_uint_eq(latency.longest_us, 1000000);
    ck_assert_uint_eq(latency.count, 101);
}
END_TEST

START_TEST(no_time_is_off_by_more_than_promised)
{
    for (uint64_t us = 1; us < UINT64_C(1) << 34; us += us / 37 + 1) {
        latency_clear(&latency);
        latency_add(&latency, us);
        latency_add(&latency, UINT64_C(1) << 33); /* so that the longest does not help */
        double const found_us = latency_percentile_ms(&latency, 0.5) * 1000;
        double const smaller = (double)(us < UINT64_C(1) << 33 ? us : UINT64_C(1) << 33);
        ck_assert_double_ge(found_us, smaller - 0.001);
        ck_assert_double_le(found_us, smaller * 1.016 + 0.001);
    }
}
END_TEST

START_TEST(the_longest_times_stay_in_the_last_bucket)
{
    latency_add(&latency, UINT64_MAX);
    latency_add(&latency, UINT64_C(1) << 34);
    ck_assert_uint_eq(latency.buckets[LATENCY_BUCKETS - 1], 2);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("latency");
    tcase_add_checked_fixture(cases, clear, NULL);
    tcase_add_test(cases, percentiles_of_a_series);
    tcase_add_test(cases, no_time_is_off_by_more_than_promised);
    tcase_add_test(cases, the_longest_times_stay_in_the_last_bucket);
    Suite *suite = suite_create("latency");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
