/* kafka: producer, consumer and the embedded broker against one another, and how each fails. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/kafka/consumer.h"
#include "proto/kafka/embedded.h"
#include "proto/kafka/producer.h"

#define TOPIC "cauce.ledger.v1"
#define WAIT_MS 5000

static char error[256];
static struct embedded *broker;
static struct producer *producer;
static struct consumer *consumer;

/* What the reports said, and in which order. */
static struct {
    uint64_t acknowledged;
    uint64_t given_up;
    uint64_t last_tag;
    bool in_order;
} reports;

static void take_report(void *context, struct producer_topic *topic, uint64_t tag, bool good)
{
    ck_assert_ptr_eq(context, &reports);
    ck_assert_ptr_nonnull(topic);
    if (!good) {
        reports.given_up++;
        return;
    }
    if (tag != reports.last_tag + 1) reports.in_order = false;
    reports.last_tag = tag;
    reports.acknowledged++;
}

static void open_producer(const struct config_rdkafka *extra, size_t count)
{
    const struct producer_settings settings = {
        .bootstrap = embedded_address(broker),
        .extra = extra,
        .extra_count = count,
        .report = take_report,
        .report_context = &reports,
    };
    memset(&reports, 0, sizeof reports);
    reports.in_order = true;
    ck_assert_msg(producer_open(&producer, &settings, error) == FAULT_NONE, "%s", error);
}

static void open_all(void)
{
    static const struct embedded_topic topics[] = {{TOPIC, 1}, {"other", 3}};
    ck_assert_msg(embedded_open(&broker, topics, 2, error) == FAULT_NONE, "%s", error);
    const struct consumer_settings settings = {.bootstrap = embedded_address(broker)};
    ck_assert_msg(consumer_open(&consumer, &settings, error) == FAULT_NONE, "%s", error);
    open_producer(NULL, 0);
}

static void close_all(void)
{
    producer_close(producer, 0);
    producer = NULL;
    consumer_close(consumer);
    embedded_close(broker);
}

/* Sends records tagged first to last; each value is its tag. */
static void send_range(uint64_t first, uint64_t last)
{
    struct producer_topic *topic;
    ck_assert_int_eq(producer_topic(producer, TOPIC, &topic), FAULT_NONE);
    for (uint64_t tag = first; tag <= last; tag++) {
        char text[24];
        int length = snprintf(text, sizeof text, "%llu", (unsigned long long)tag);
        struct span const value = span_of(text, (size_t)length);
        const struct producer_header headers[] = {{"ce_id", value}, {"kind", SPAN("test")}};
        enum fault fault;
        while ((fault = producer_send(producer, topic, 0, SPAN("key"), value, headers, 2, tag)) ==
               FAULT_FULL) {
            producer_poll(producer, 10);
        }
        ck_assert_int_eq(fault, FAULT_NONE);
    }
}

/* Polls until `count` records have their report. */
static void wait_for(uint64_t count)
{
    int64_t const deadline_ns = time_monotonic_ns() + 4 * WAIT_MS * TIME_NS_PER_MS;
    while (reports.acknowledged + reports.given_up < count) {
        ck_assert_int_lt(time_monotonic_ns(), deadline_ns);
        producer_poll(producer, 50);
    }
}

struct seen {
    uint64_t count;
    uint64_t next; /* the value that must come next */
    bool stop_at_first;
};

static bool see(void *context, const struct consumer_record *record)
{
    struct seen *seen = context;
    char text[24];
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)seen->next);
    ck_assert(span_equal(record->value, span_of(text, (size_t)length)));
    ck_assert(span_equal(consumer_header(record, "ce_id"), record->value));
    ck_assert(span_equal(consumer_header(record, "kind"), SPAN("test")));
    ck_assert_ptr_null(consumer_header(record, "absent").bytes);
    ck_assert(span_equal(record->key, SPAN("key")));
    seen->next++;
    seen->count++;
    return !seen->stop_at_first;
}

START_TEST(records_arrive_in_order_with_their_headers)
{
    int64_t low;
    int64_t high;
    const char *words;
    ck_assert_int_eq(consumer_bounds(consumer, TOPIC, 0, WAIT_MS, &low, &high, error), FAULT_NONE);
    ck_assert_int_eq(low, 0);
    ck_assert_int_eq(high, 0);
    send_range(1, 25000); /* more than the queue holds */
    wait_for(25000);
    ck_assert_uint_eq(reports.acknowledged, 25000);
    ck_assert(reports.in_order);
    ck_assert(!producer_failed(producer, &words));
    ck_assert_ptr_null(words);
    ck_assert_int_eq(consumer_bounds(consumer, TOPIC, 0, WAIT_MS, &low, &high, error), FAULT_NONE);
    ck_assert_int_eq(low, 0);
    ck_assert_int_eq(high, 25000);

    struct seen seen = {.next = 1};
    ck_assert_int_eq(consumer_scan(consumer, TOPIC, 0, low, high, WAIT_MS, see, &seen, error),
                     FAULT_NONE);
    ck_assert_uint_eq(seen.count, 25000);
    seen = (struct seen){.next = 24991};
    ck_assert_int_eq(consumer_scan(consumer, TOPIC, 0, 24990, high, WAIT_MS, see, &seen, error),
                     FAULT_NONE);
    ck_assert_uint_eq(seen.count, 10);
    seen = (struct seen){.next = 11};
    ck_assert_int_eq(consumer_scan(consumer, TOPIC, 0, 10, 12, WAIT_MS, see, &seen, error),
                     FAULT_NONE);
    ck_assert_uint_eq(seen.count, 2);
    seen = (struct seen){.next = 1, .stop_at_first = true};
    ck_assert_int_eq(consumer_scan(consumer, TOPIC, 0, 0, high, WAIT_MS, see, &seen, error),
                     FAULT_NONE);
    ck_assert_uint_eq(seen.count, 1);
}
END_TEST

START_TEST(partitions_are_counted)
{
    int32_t count;
    ck_assert_int_eq(consumer_partitions(consumer, TOPIC, WAIT_MS, &count, error), FAULT_NONE);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(consumer_partitions(consumer, "other", WAIT_MS, &count, error), FAULT_NONE);
    ck_assert_int_eq(count, 3);
}
END_TEST

START_TEST(a_broker_that_is_away_is_waited_for)
{
    int64_t low;
    int64_t high;
    const char *words;
    send_range(1, 100);
    wait_for(100);
    embedded_set_down(broker, true);
    send_range(101, 200);
    for (int i = 0; i < 10; i++)
        producer_poll(producer, 50);
    ck_assert_uint_eq(reports.acknowledged, 100);
    ck_assert(!producer_failed(producer, &words));
    ck_assert_uint_gt(producer_errors(producer), 0);
    ck_assert_int_eq(consumer_bounds(consumer, TOPIC, 0, 300, &low, &high, error), FAULT_BUSY);
    embedded_set_down(broker, false);
    wait_for(200);
    ck_assert_uint_eq(reports.acknowledged, 200);
    ck_assert(reports.in_order);
    int64_t const deadline_ns = time_monotonic_ns() + 2 * WAIT_MS * TIME_NS_PER_MS;
    while (consumer_bounds(consumer, TOPIC, 0, 500, &low, &high, error) != FAULT_NONE) {
        ck_assert_int_lt(time_monotonic_ns(), deadline_ns);
    }
    ck_assert_int_eq(high, 200);
}
END_TEST

START_TEST(errors_that_pass_are_tried_again)
{
    embedded_fail_next(broker, EMBEDDED_NOT_ENOUGH_REPLICAS, 3);
    send_range(1, 50);
    wait_for(50);
    ck_assert_uint_eq(reports.acknowledged, 50);
    ck_assert(reports.in_order);
}
END_TEST

START_TEST(a_record_given_up_fails_the_producer)
{
    static const struct config_rdkafka brief = {"message.timeout.ms", "300"};
    const char *words;
    producer_close(producer, 0);
    open_producer(&brief, 1);
    send_range(1, 5);
    wait_for(5);
    embedded_set_down(broker, true);
    send_range(6, 10);
    wait_for(10);
    ck_assert_uint_eq(reports.acknowledged, 5);
    ck_assert_uint_eq(reports.given_up, 5);
    ck_assert(producer_failed(producer, &words));
    ck_assert_ptr_nonnull(strstr(words, "a record was given up"));
    struct producer_topic *topic;
    ck_assert_int_eq(producer_topic(producer, TOPIC, &topic), FAULT_NONE);
    ck_assert_int_eq(producer_send(producer, topic, 0, SPAN("k"), SPAN("v"), NULL, 0, 11),
                     FAULT_CLOSED);
    embedded_set_down(broker, false);
}
END_TEST

START_TEST(lost_idempotence_fails_the_producer)
{
    const char *words;
    send_range(1, 10);
    wait_for(10);
    embedded_fail_next(broker, EMBEDDED_OUT_OF_SEQUENCE, 1);
    send_range(11, 20);
    int64_t const deadline_ns = time_monotonic_ns() + 2 * WAIT_MS * TIME_NS_PER_MS;
    while (!producer_failed(producer, &words)) {
        ck_assert_int_lt(time_monotonic_ns(), deadline_ns);
        producer_poll(producer, 50);
    }
    ck_assert_ptr_nonnull(strstr(words, "OUT_OF_ORDER_SEQUENCE_NUMBER"));
}
END_TEST

static const struct {
    struct config_rdkafka setting;
    const char *error; /* how it begins */
} bad_settings[] = {
    {{"colour", "red"}, "rdkafka.colour: expected a setting that librdkafka has"},
    {{"linger.ms", "soon"}, "rdkafka.linger.ms: expected a value that librdkafka takes"},
    {{"acks", "1"}, "`acks` must be set to `all` when `enable.idempotence` is true"},
};

START_TEST(bad_settings_are_refused)
{
    const struct producer_settings settings = {
        .bootstrap = "127.0.0.1:1", .extra = &bad_settings[_i].setting, .extra_count = 1};
    struct producer *none = NULL;
    ck_assert_int_eq(producer_open(&none, &settings, error), FAULT_INVALID);
    ck_assert_ptr_null(none);
    ck_assert_msg(strncmp(error, bad_settings[_i].error, strlen(bad_settings[_i].error)) == 0, "%s",
                  error);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("kafka");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, open_all, close_all);
    tcase_add_test(cases, records_arrive_in_order_with_their_headers);
    tcase_add_test(cases, partitions_are_counted);
    tcase_add_test(cases, a_broker_that_is_away_is_waited_for);
    tcase_add_test(cases, errors_that_pass_are_tried_again);
    tcase_add_test(cases, a_record_given_up_fails_the_producer);
    tcase_add_test(cases, lost_idempotence_fails_the_producer);
    tcase_add_loop_test(cases, bad_settings_are_refused, 0,
                        sizeof bad_settings / sizeof bad_settings[0]);
    Suite *suite = suite_create("kafka");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
