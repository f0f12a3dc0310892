/* load: the pure parts of the load generator: schedule, histogram, account, scan, metrics' text. */
#include <check.h>
#include <stdlib.h>

#include "loadtest/load/account.h"
#include "loadtest/load/histogram.h"
#include "loadtest/load/meter.h"
#include "loadtest/load/scan.h"
#include "loadtest/load/schedule.h"
#include "proto/base/time.h"
#include "tests/check/iso_sample.h"

/* ---- schedule ---- */

static const struct schedule_settings usual = {
    .seed = 7, .rate = 2000, .seconds = 10, .batch = 1, .banks = 4};

static struct schedule schedule;

static void make(const struct schedule_settings *settings)
{
    ck_assert_int_eq(schedule_make(&schedule, settings), FAULT_NONE);
}

static void close_schedule(void)
{
    schedule_close(&schedule);
}

START_TEST(a_schedule_is_lawful)
{
    static const struct schedule_settings list[] = {
        {.seed = 1, .rate = 500, .seconds = 4, .batch = 1, .banks = 2},
        {.seed = 2, .rate = 3000, .seconds = 2, .batch = 10, .banks = 4, .hot_share = 0.5},
        {.seed = 3, .rate = 900, .seconds = 3, .batch = 3, .banks = 40, .hot_share = 1},
        {.seed = 4, .rate = 1, .seconds = 1, .batch = 7, .banks = 3, .silent_share = 1},
        {.seed = 5,
         .rate = 700,
         .seconds = 3,
         .batch = 1,
         .banks = 3,
         .reject_share = 0.3,
         .silent_share = 0.7},
    };
    const struct schedule_settings *const settings = &list[_i];
    make(settings);
    ck_assert_uint_ge(schedule.count, settings->batch);
    ck_assert_uint_eq(schedule.count % settings->batch, 0);
    for (size_t i = 0; i < schedule.count; i++) {
        const struct schedule_payment *const payment = &schedule.payments[i];
        const struct schedule_payment *const first = &schedule.payments[i - i % settings->batch];
        ck_assert_int_ge(payment->due_ns, i == 0 ? 0 : payment[-1].due_ns);
        ck_assert_int_lt(payment->due_ns, settings->seconds * TIME_NS_PER_SECOND);
        ck_assert_uint_lt(payment->payer, settings->banks);
        ck_assert_uint_lt(payment->payee, settings->banks);
        ck_assert_uint_ne(payment->payer, payment->payee);
        ck_assert_uint_ge(payment->amount_minor, 1);
        ck_assert_uint_le(payment->amount_minor, SCHEDULE_AMOUNT_MAX_MINOR);
        ck_assert_uint_eq(payment->payer, first->payer);
        ck_assert_uint_eq(payment->payee, first->payee);
        ck_assert_int_eq(payment->due_ns, first->due_ns);
        if (settings->hot_share >= 1) ck_assert_uint_eq(payment->payee, 1);
        if (settings->silent_share >= 1) ck_assert_int_eq(payment->answer, SCHEDULE_SILENT);
        if (settings->reject_share + settings->silent_share >= 1)
            ck_assert_int_ne(payment->answer, SCHEDULE_ACCEPT);
        if (settings->reject_share + settings->silent_share <= 0)
            ck_assert_int_eq(payment->answer, SCHEDULE_ACCEPT);
    }
}
END_TEST

START_TEST(the_seed_alone_decides)
{
    struct schedule_settings settings = usual;
    make(&settings);
    struct schedule const first = schedule;
    make(&settings);
    ck_assert_uint_eq(first.count, schedule.count);
    for (size_t i = 0; i < first.count; i++) {
        ck_assert_int_eq(first.payments[i].due_ns, schedule.payments[i].due_ns);
        ck_assert_uint_eq(first.payments[i].payee, schedule.payments[i].payee);
    }
    schedule_close(&schedule);
    settings.seed++;
    make(&settings);
    ck_assert_int_ne(first.payments[0].due_ns, schedule.payments[0].due_ns);
    free(first.payments);
}
END_TEST

/* Of a Poisson process with mean gap 1, gaps have the variance 1 and exceed x with probability
 * exp(-x); its counts have the variance of their mean.  Bounds are five standard errors wide. */
START_TEST(arrivals_are_a_poisson_process)
{
    make(&usual);
    double const mean_ns = (double)TIME_NS_PER_SECOND / usual.rate;
    size_t const gaps = schedule.count - 1;
    double squares = 0;
    size_t above_one = 0, above_three = 0;
    for (size_t i = 1; i < schedule.count; i++) {
        double const gap =
            (double)(schedule.payments[i].due_ns - schedule.payments[i - 1].due_ns) / mean_ns;
        squares += (gap - 1) * (gap - 1);
        above_one += gap > 1;
        above_three += gap > 3;
    }
    ck_assert_double_eq_tol((double)schedule.count, 20000, 5 * 142);
    ck_assert_double_eq_tol(squares / (double)gaps, 1, 0.1);
    ck_assert_double_eq_tol((double)above_one / (double)gaps, 0.36788, 0.018);
    ck_assert_double_eq_tol((double)above_three / (double)gaps, 0.04979, 0.008);
}
END_TEST

START_TEST(shares_are_kept)
{
    struct schedule_settings settings = usual;
    settings.hot_share = 0.5;
    settings.reject_share = 0.2;
    settings.silent_share = 0.1;
    size_t hot = 0, rejected = 0, silent = 0;
    make(&settings);
    for (size_t i = 0; i < schedule.count; i++) {
        const struct schedule_payment *const payment = &schedule.payments[i];
        hot += payment->payer == 0 && payment->payee == 1;
        rejected += payment->answer == SCHEDULE_REJECT;
        silent += payment->answer == SCHEDULE_SILENT;
    }
    double const count = (double)schedule.count;
    /* By chance one of the 12 ordered pairs of 4 banks is the hot one. */
    ck_assert_double_eq_tol((double)hot / count, 0.5 + 0.5 / 12, 0.02);
    ck_assert_double_eq_tol((double)rejected / count, 0.2, 0.02);
    ck_assert_double_eq_tol((double)silent / count, 0.1, 0.02);
}
END_TEST

START_TEST(a_run_without_bound_is_refused)
{
    struct schedule_settings settings = usual;
    settings.rate = 100000;
    settings.seconds = 3600;
    ck_assert_int_eq(schedule_make(&schedule, &settings), FAULT_FULL);
    ck_assert_ptr_null(schedule.payments);
}
END_TEST

/* ---- histogram ---- */

static struct histogram histogram;

static void clear_histogram(void)
{
    histogram = (struct histogram){0};
}

START_TEST(percentiles_of_a_series)
{
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 0.5), 0);
    for (int64_t ns = 1; ns <= 200; ns++)
        histogram_add(&histogram, ns);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 0), 1);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 0.5), 100);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 0.505), 101);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 0.99), 198);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 1), 200);
    histogram_add(&histogram, 123456789);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 1), 123456789);
    ck_assert_uint_eq(histogram.count, 201);
}
END_TEST

START_TEST(no_time_is_off_by_more_than_promised)
{
    /* The last bucket, which has no end, begins at 2^40 - 2^32. */
    for (int64_t ns = 1; ns < (INT64_C(1) << 40) - (INT64_C(1) << 32); ns += ns / 53 + 1) {
        clear_histogram();
        histogram_add(&histogram, ns);
        histogram_add(&histogram, INT64_C(1) << 41); /* so that the longest does not help */
        int64_t const found_ns = histogram_percentile_ns(&histogram, 0.5);
        ck_assert_int_ge(found_ns, ns);
        ck_assert_int_le(found_ns, ns + ns / 128);
    }
}
END_TEST

START_TEST(times_beyond_the_buckets_are_kept)
{
    histogram_add(&histogram, -5);
    histogram_add(&histogram, INT64_MAX);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 0.5), 0);
    ck_assert_int_eq(histogram_percentile_ns(&histogram, 1), INT64_MAX);
    ck_assert_uint_eq(histogram.buckets[HISTOGRAM_BUCKETS - 1], 1);
}
END_TEST

/* ---- account ---- */

/* What happens to one payment, letter by letter: s sent, t taken (201), b body refused, S settled,
 * R rejected, E expired, F refused, p the payee told. */
static void play(struct account *account, const char *story)
{
    unsigned results = 0;
    for (; *story != '\0'; story++) {
        enum account_end end = ACCOUNT_NONE;
        switch (*story) {
        case 's': account_sent(account, 0); break;
        case 't': account_taken(account, 0); break;
        case 'b': account_body_refused(account, 0, SPAN("HTTP 503")); break;
        case 'p': account_payee_told(account, 0); break;
        case 'S': end = ACCOUNT_SETTLED; break;
        case 'R': end = ACCOUNT_REJECTED; break;
        case 'E': end = ACCOUNT_EXPIRED; break;
        case 'F': end = ACCOUNT_REFUSED; break;
        default: ck_abort_msg("no such letter: %c", *story);
        }
        if (end != ACCOUNT_NONE) results += account_result(account, 0, end, SPAN("AM04"));
    }
    ck_assert_uint_le(results, 1);
}

static const struct {
    const char *story;
    enum account_end end;
    bool complete, clear;
} stories[] = {
    {"", ACCOUNT_NONE, false, false},
    {"s", ACCOUNT_NONE, false, false},
    {"st", ACCOUNT_NONE, false, false},
    {"stSp", ACCOUNT_SETTLED, true, true},
    {"sSpt", ACCOUNT_SETTLED, true, true}, /* confirmations may overtake the 201 */
    {"stpS", ACCOUNT_SETTLED, true, true},
    {"stS", ACCOUNT_SETTLED, false, false}, /* the payee's bank was not told */
    {"sSp", ACCOUNT_SETTLED, false, false}, /* no 201 */
    {"stp", ACCOUNT_NONE, false, false},    /* the payer's bank was not told */
    {"stR", ACCOUNT_REJECTED, true, true},
    {"sR", ACCOUNT_REJECTED, false, false},
    {"stE", ACCOUNT_EXPIRED, true, true},
    {"stF", ACCOUNT_REFUSED, true, true},
    {"sb", ACCOUNT_REFUSED, true, true},
    {"stSpS", ACCOUNT_SETTLED, true, true},  /* told twice */
    {"stSpR", ACCOUNT_SETTLED, true, false}, /* and then otherwise */
    {"sbS", ACCOUNT_REFUSED, true, false},   /* a refused body was processed after all */
    {"stEp", ACCOUNT_EXPIRED, true, false},  /* the banks were told different things */
    {"stSpSSS", ACCOUNT_SETTLED, true, true},
};

START_TEST(a_story_of_a_payment)
{
    struct account account;
    ck_assert_int_eq(account_open(&account, 1), FAULT_NONE);
    play(&account, stories[_i].story);
    struct account_summary const summary = account_sum(&account);
    ck_assert_msg(summary.ends[stories[_i].end] == 1, "%s", stories[_i].story);
    ck_assert_msg((account.incomplete == 0) == stories[_i].complete, "%s", stories[_i].story);
    ck_assert_msg(account_is_clear(&account, &summary) == stories[_i].clear, "%s",
                  stories[_i].story);
    account_close(&account);
}
END_TEST

START_TEST(only_the_first_result_counts)
{
    struct account account;
    ck_assert_int_eq(account_open(&account, 3), FAULT_NONE);
    ck_assert(account_result(&account, 1, ACCOUNT_REFUSED, SPAN("AM04")));
    ck_assert(!account_result(&account, 1, ACCOUNT_REFUSED, SPAN("AM04")));
    ck_assert(account_result(&account, 2, ACCOUNT_REFUSED, SPAN("AG12")));
    ck_assert(account_result(&account, 0, ACCOUNT_REFUSED, SPAN("AM04")));
    ck_assert_uint_eq(account.refused.count, 2);
    ck_assert_str_eq(account.refused.list[0].text, "AM04");
    ck_assert_uint_eq(account.refused.list[0].count, 2);
    ck_assert_uint_eq(account.repeats, 1);
    ck_assert_uint_eq(account.contradictions, 0);
    account_close(&account);
}
END_TEST

START_TEST(reasons_are_bounded)
{
    static struct account_reasons reasons;
    char text[64];
    for (int i = 0; i < 2 * ACCOUNT_REASONS_MAX; i++) {
        int const size = snprintf(text, sizeof text, "%03d and more than fits into a reason", i);
        account_count_reason(&reasons, span_of(text, (size_t)size), 2);
    }
    uint64_t sum = 0;
    ck_assert_uint_eq(reasons.count, ACCOUNT_REASONS_MAX);
    for (size_t i = 0; i < reasons.count; i++)
        sum += reasons.list[i].count;
    ck_assert_uint_eq(sum, 4 * ACCOUNT_REASONS_MAX);
    ck_assert_str_eq(reasons.list[0].text, "000 and more than fits ");
    ck_assert_str_eq(reasons.list[ACCOUNT_REASONS_MAX - 1].text, "other");
}
END_TEST

/* ---- scan ---- */

static struct scan scan;

#define CHECK_SPAN(span, literal) ck_assert(span_equal(span, SPAN(literal)))

START_TEST(payments_are_found)
{
    ck_assert(scan_message(SPAN(SAMPLE_PACS_008), &scan));
    ck_assert_int_eq(scan.kind, SCAN_PAYMENTS);
    ck_assert_uint_eq(scan.count, 2);
    CHECK_SPAN(scan.items[0].id, "E1");
    CHECK_SPAN(scan.items[1].id, "E2");
}
END_TEST

START_TEST(results_are_found)
{
    ck_assert(scan_message(SPAN(SAMPLE_PACS_002), &scan));
    ck_assert_int_eq(scan.kind, SCAN_RESULTS);
    ck_assert_uint_eq(scan.count, 2);
    CHECK_SPAN(scan.items[0].id, "E1");
    CHECK_SPAN(scan.items[0].status, "ACSP");
    CHECK_SPAN(scan.items[0].reason, ""); /* not the next one's */
    CHECK_SPAN(scan.items[1].id, "E2");
    CHECK_SPAN(scan.items[1].status, "RJCT");
    CHECK_SPAN(scan.items[1].reason, "AC03");
}
END_TEST

START_TEST(refusals_and_others_are_found)
{
    ck_assert(scan_message(SPAN(SAMPLE_ADMI_002), &scan));
    ck_assert_int_eq(scan.kind, SCAN_REFUSAL);
    CHECK_SPAN(scan.items[0].id, "X");
    CHECK_SPAN(scan.items[0].reason, "SCHEMA");
    ck_assert(scan_message(SPAN(SAMPLE_CAMT_060), &scan));
    ck_assert_int_eq(scan.kind, SCAN_OTHER);
    ck_assert_uint_eq(scan.count, 0);
}
END_TEST

/* Cut anywhere before its last item ends, or without a mark, a message is none of the switch's. */
START_TEST(damaged_messages_are_told)
{
    static const struct {
        const char *find, *replace;
    } damages[] = {
        {"<MsgDefIdr>", "<MsgDefIdr2>"},
        {"</AppHdr>", "</Other>"},
        {"<TxSts>ACSP", "<TxSts>"},
        {"<OrgnlEndToEndId>E1", "<OrgnlEndToEndId>"},
        {"<OrgnlEndToEndId>E1", "<Original>E1"},
    };
    static char text[SAMPLE_BYTES];
    strcpy(text, SAMPLE_PACS_002);
    sample_edit(text, damages[_i].find, damages[_i].replace);
    ck_assert_msg(!scan_message(span_text(text), &scan), "%s", damages[_i].find);
}
END_TEST

START_TEST(a_cut_message_reads_no_further)
{
    struct span const whole = SPAN(SAMPLE_PACS_002);
    for (size_t size = 0; size <= whole.size; size++) {
        char *const cut = malloc(size + 1); /* so that a sanitizer sees a byte too far */
        memcpy(cut, whole.bytes, size);
        bool const good = scan_message(span_of(cut, size), &scan);
        if (good) ck_assert_uint_le(scan.count, 2);
        free(cut);
    }
}
END_TEST

/* ---- metrics ---- */

START_TEST(a_sample_is_found)
{
    struct span const text = SPAN("# HELP cpu_total time\n# TYPE cpu_total counter\n"
                                  "cpu_total_more 3\ncpu{kind=\"x\"} 4\ncpu_total 12.034500\n"
                                  "bad 1x\nlast 7");
    double value = 0;
    ck_assert(meter_find(text, "cpu_total", &value));
    ck_assert_double_eq_tol(value, 12.0345, 1e-9);
    ck_assert(!meter_find(text, "cpu", &value));
    ck_assert(!meter_find(text, "bad", &value));
    ck_assert(!meter_find(text, "last", &value)); /* its line is cut */
    ck_assert(!meter_find(SPAN(""), "last", &value));
}
END_TEST

static const struct {
    const char *url, *host;
    uint16_t port; /* 0: refused */
} urls[] = {
    {"http://127.0.0.1:9100", "127.0.0.1", 9100},
    {"http://switch.example:80/metrics", "switch.example", 80},
    {"http://[::1]:9100/", "::1", 9100},
    {"https://127.0.0.1:9100", "", 0},
    {"http://127.0.0.1", "", 0},
    {"http://:9100", "", 0},
    {"http://[]:9100", "", 0},
    {"http://a:", "", 0},
    {"http://a:0", "", 0},
    {"http://a:65536", "", 0},
    {"http://a:-1", "", 0},
    {"http://a:91x", "", 0},
    {"http://a/b:9100", "", 0},
    {"", "", 0},
};

START_TEST(a_url_of_metrics)
{
    struct config_address address;
    bool const good = meter_parse_url(urls[_i].url, &address);
    ck_assert_msg(good == (urls[_i].port != 0), "%s", urls[_i].url);
    if (!good) return;
    ck_assert_str_eq(address.host, urls[_i].host);
    ck_assert_uint_eq(address.port, urls[_i].port);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("load");
    TCase *const of_schedule = tcase_create("schedule");
    tcase_add_checked_fixture(of_schedule, NULL, close_schedule);
    tcase_add_loop_test(of_schedule, a_schedule_is_lawful, 0, 5);
    tcase_add_test(of_schedule, the_seed_alone_decides);
    tcase_add_test(of_schedule, arrivals_are_a_poisson_process);
    tcase_add_test(of_schedule, shares_are_kept);
    tcase_add_test(of_schedule, a_run_without_bound_is_refused);
    suite_add_tcase(suite, of_schedule);

    TCase *const of_histogram = tcase_create("histogram");
    tcase_add_checked_fixture(of_histogram, clear_histogram, NULL);
    tcase_add_test(of_histogram, percentiles_of_a_series);
    tcase_add_test(of_histogram, no_time_is_off_by_more_than_promised);
    tcase_add_test(of_histogram, times_beyond_the_buckets_are_kept);
    suite_add_tcase(suite, of_histogram);

    TCase *const of_account = tcase_create("account");
    tcase_add_loop_test(of_account, a_story_of_a_payment, 0, sizeof stories / sizeof *stories);
    tcase_add_test(of_account, only_the_first_result_counts);
    tcase_add_test(of_account, reasons_are_bounded);
    suite_add_tcase(suite, of_account);

    TCase *const of_scan = tcase_create("scan");
    tcase_add_test(of_scan, payments_are_found);
    tcase_add_test(of_scan, results_are_found);
    tcase_add_test(of_scan, refusals_and_others_are_found);
    tcase_add_loop_test(of_scan, damaged_messages_are_told, 0, 5);
    tcase_add_test(of_scan, a_cut_message_reads_no_further);
    suite_add_tcase(suite, of_scan);

    TCase *const of_meter = tcase_create("meter");
    tcase_add_test(of_meter, a_sample_is_found);
    tcase_add_loop_test(of_meter, a_url_of_metrics, 0, sizeof urls / sizeof *urls);
    suite_add_tcase(suite, of_meter);

    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
