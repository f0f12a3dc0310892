/* publisher: a real ledger into the embedded broker; everything once, in order, however it fails.
 *
 * Each test makes a ledger of its own from the scenario, moves its durable_seq and then looks at the
 * topics as a stranger would: through a consumer of its own. */
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger/journal.h"
#include "ledger/reader.h"
#include "proto/base/time.h"
#include "proto/kafka/consumer.h"
#include "proto/kafka/embedded.h"
#include "proto/kafka/producer.h"
#include "proto/record/json.h"
#include "switch/publisher/publisher.h"
#include "tests/check/ledger_scenario.h"

#define WAIT_MS 20000
#define SEQ_MAX 8192
#define PARTITIONS PUBLISHER_PAYMENTS_PARTITIONS

static char folder[] = "/tmp/cauce-publisher-XXXXXX";
static char ledger_folder[80];
static char error[512];
static struct config config;
static struct scenario scenario;
static struct journal *journal;
static struct embedded *broker;
static struct publisher *publisher;
static struct publisher_meters meters;
static _Atomic uint64_t durable_seq;
static bool other_ledger_id; /* the scenario's id is always the same, unless this is set */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void open_broker(void)
{
    static const struct embedded_topic topics[] = {{PUBLISHER_TOPIC_LEDGER, 1},
                                                   {PUBLISHER_TOPIC_PAYMENTS, PARTITIONS}};
    ck_assert_msg(embedded_open(&broker, topics, 2, error) == FAULT_NONE, "%s", error);
}

/* A new, empty ledger and a broker; `seed` makes another history. */
static void open_ledger(uint64_t seed)
{
    struct journal_head head;
    /* Named at random: forked tests have no counter in common. */
    snprintf(ledger_folder, sizeof ledger_folder, "%s/XXXXXX", folder);
    ck_assert_ptr_nonnull(mkdtemp(ledger_folder));
    const struct journal_options options = {.directory = ledger_folder};
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    ck_assert_uint_eq(head.seq, 0);
    ledger_scenario_begin(&scenario, seed);
    memset(&config, 0, sizeof config);
    strcpy(config.switch_code, "00038166");
    strcpy(config.ledger_directory, ledger_folder);
    durable_seq = 0;
}

static void open_all(void)
{
    open_ledger(7);
    open_broker();
}

static void close_all(void)
{
    publisher_stop(publisher, 0);
    publisher = NULL;
    embedded_close(broker);
    journal_close(journal);
}

/* Commits entries up to `seq` and says so, as settlement does. */
static void grow(uint64_t seq)
{
    while (scenario.seq < seq) {
        struct span id;
        ledger_scenario_next(&scenario);
        if (other_ledger_id && body_find(body_span(&scenario.body), BODY_LEDGER_ID, &id)) {
            scenario.body.bytes[(const uint8_t *)id.bytes - scenario.body.bytes] ^= 1;
        }
        ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body,
                                        ledger_scenario_evidence(&scenario)),
                         FAULT_NONE);
        if (scenario.seq % 50 == 0 || scenario.seq == seq) {
            ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
            atomic_store_explicit(&durable_seq, journal_durable_seq(journal), memory_order_release);
        }
    }
}

static void start(void)
{
    const struct publisher_settings settings = {
        .config = &config,
        .bootstrap = embedded_address(broker),
        .durable_seq = &durable_seq,
        .meters = &meters,
    };
    memset(&meters, 0, sizeof meters);
    ck_assert_msg(publisher_start(&publisher, &settings, error) == FAULT_NONE, "%s", error);
}

static void stop(void)
{
    publisher_stop(publisher, 2000);
    publisher = NULL;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5 * TIME_NS_PER_MS}, NULL);
}

static void wait_for_seq(uint64_t seq)
{
    int64_t const deadline_ns = time_monotonic_ns() + WAIT_MS * TIME_NS_PER_MS;
    while (atomic_load(&meters.acknowledged_seq) < seq) {
        ck_assert_msg(time_monotonic_ns() < deadline_ns, "stuck at %llu of %llu",
                      (unsigned long long)meters.acknowledged_seq, (unsigned long long)seq);
        nap();
    }
}

static void wait_for_state(enum publisher_state state)
{
    int64_t const deadline_ns = time_monotonic_ns() + WAIT_MS * TIME_NS_PER_MS;
    while (atomic_load(&meters.state) != (int)state) {
        ck_assert_int_lt(time_monotonic_ns(), deadline_ns);
        nap();
    }
}

/* What a stranger finds in the topics. */
struct audit {
    struct reader *reader;
    struct body body;
    uint64_t next_seq; /* of cauce.ledger.v1 */
    uint64_t repeats;
    uint32_t seen[SEQ_MAX + 1]; /* how often each sequence is in cauce.payments.v1 */
    uint64_t partition_seq;     /* highest in the partition being read */
    uint64_t payments;
    const char *topic;
};

static uint64_t seq_of(const struct consumer_record *record)
{
    struct span const id = consumer_header(record, "ce_id");
    ck_assert_uint_gt(id.size, 37);
    return strtoull(id.bytes + 37, NULL, 10);
}

/* Every record must be what the ledger says, byte for byte, under the headers of the contract. */
static bool audit_record(void *context, const struct consumer_record *record)
{
    static char text[JSON_ENTRY_BYTES_MAX];
    struct audit *audit = context;
    struct entry entry;
    char type[64];
    uint64_t const seq = seq_of(record);
    bool const is_ledger = strcmp(audit->topic, PUBLISHER_TOPIC_LEDGER) == 0;
    ck_assert_int_eq(reader_entry(audit->reader, seq, &entry, &audit->body), FAULT_NONE);
    size_t const size =
        is_ledger ? json_entry(&entry, body_span(&audit->body), text) : json_payment(&entry, text);
    ck_assert(span_equal(record->value, span_of(text, size)));
    snprintf(type, sizeof type, "cauce.ledger.%s", entry_kind_name(entry.public.kind));
    ck_assert(span_equal(consumer_header(record, "ce_specversion"), SPAN("1.0")));
    ck_assert(span_equal(consumer_header(record, "ce_type"), span_text(type)));
    ck_assert(span_equal(consumer_header(record, "content-type"), SPAN("application/json")));
    ck_assert(span_equal(consumer_header(record, "ce_source"),
                         is_ledger ? SPAN("urn:cauce:00038166:ledger")
                                   : SPAN("urn:cauce:00038166:payments")));
    char time_text[TIME_TEXT_BYTES];
    ck_assert(span_equal(consumer_header(record, "ce_time"),
                         span_of(time_text, time_print_ns(entry.public.time_ns, time_text))));
    if (is_ledger) {
        ck_assert_uint_le(seq, audit->next_seq); /* never a gap */
        if (seq < audit->next_seq) audit->repeats++;
        if (seq == audit->next_seq) audit->next_seq++;
    } else {
        ck_assert(json_is_payment(&entry));
        ck_assert(span_equal(record->key, identifier_payment_id_text(&entry.public.id)));
        if (audit->seen[seq]++ == 0) {
            ck_assert_uint_gt(seq, audit->partition_seq); /* first sights in order */
            audit->partition_seq = seq;
            audit->payments++;
        } else {
            audit->repeats++;
        }
    }
    return true;
}

static void audit_partition(struct consumer *consumer, struct audit *audit, int32_t partition)
{
    int64_t low;
    int64_t high;
    audit->partition_seq = 0;
    ck_assert_msg(consumer_bounds(consumer, audit->topic, partition, 5000, &low, &high, error) ==
                      FAULT_NONE,
                  "%s", error);
    ck_assert_msg(consumer_scan(consumer, audit->topic, partition, low, high, 10000, audit_record,
                                audit, error) == FAULT_NONE,
                  "%s", error);
}

/* Both topics must hold the ledger up to `seq`; returns how many records were repeats. */
static uint64_t audit_topics(uint64_t seq)
{
    static struct audit audit;
    struct consumer *consumer;
    const struct consumer_settings settings = {.bootstrap = embedded_address(broker)};
    memset(&audit, 0, sizeof audit);
    audit.next_seq = 1;
    ck_assert_int_eq(consumer_open(&consumer, &settings, error), FAULT_NONE);
    ck_assert_int_eq(reader_open(&audit.reader, ledger_folder, NULL), FAULT_NONE);
    audit.topic = PUBLISHER_TOPIC_LEDGER;
    audit_partition(consumer, &audit, 0);
    ck_assert_uint_eq(audit.next_seq, seq + 1);
    audit.topic = PUBLISHER_TOPIC_PAYMENTS;
    int32_t used = 0;
    for (int32_t i = 0; i < PARTITIONS; i++) {
        uint64_t const before = audit.payments;
        audit_partition(consumer, &audit, i);
        used += audit.payments > before;
    }
    ck_assert_int_gt(used, 1); /* keys are spread */
    for (uint64_t i = 1; i <= seq; i++) {
        struct entry entry;
        ck_assert_int_eq(reader_entry(audit.reader, i, &entry, NULL), FAULT_NONE);
        ck_assert_int_eq(audit.seen[i] > 0, json_is_payment(&entry));
    }
    reader_close(audit.reader);
    consumer_close(consumer);
    return audit.repeats;
}

START_TEST(every_entry_once_and_in_order)
{
    grow(2000); /* there before the publisher, and more than its window */
    start();
    wait_for_seq(2000);
    for (uint64_t seq = 2100; seq <= 3000; seq += 100)
        grow(seq); /* while it runs */
    wait_for_seq(3000);
    ck_assert_int_eq(meters.state, PUBLISHER_RUNNING);
    ck_assert_uint_eq(meters.errors, 0);
    ck_assert_uint_eq(audit_topics(3000), 0);
}
END_TEST

/* kcat is a client of another make, the script knows only the contract. */
START_TEST(a_stranger_can_prove_the_stream)
{
    char command[512];
    char line[256] = "";
    char expected[128];
    struct reader *reader;
    struct entry newest;
    char head[HASH_TEXT_BYTES];
    if (system("command -v kcat python3 >/dev/null") != 0) {
        printf("skipped: kcat or python3 is not installed\n");
        return;
    }
    grow(1200);
    start();
    wait_for_seq(1200);
    snprintf(command, sizeof command,
             "kcat -C -b %s -t %s -o beginning -e -q -J | %s/tests/interop/ledger_topic.py",
             embedded_address(broker), PUBLISHER_TOPIC_LEDGER, SOURCE_FOLDER);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, output));
    ck_assert_msg(pclose(output) == 0, "%s", line);
    ck_assert_int_eq(reader_open(&reader, ledger_folder, NULL), FAULT_NONE);
    ck_assert_int_eq(reader_entry(reader, 1200, &newest, NULL), FAULT_NONE);
    reader_close(reader);
    hash_print(&newest.hash, head);
    snprintf(expected, sizeof expected, "ok entries=1200 repeats=0 head=%s\n", head);
    ck_assert_str_eq(line, expected);
}
END_TEST

START_TEST(a_restart_goes_on_after_what_the_broker_holds)
{
    grow(500);
    start();
    wait_for_seq(500);
    stop();
    grow(700);
    start();
    wait_for_seq(700);
    ck_assert_uint_eq(audit_topics(700), 0);
}
END_TEST

START_TEST(a_stop_sends_what_is_durable)
{
    start();
    grow(1500);
    wait_for_state(PUBLISHER_RUNNING);
    stop();
    ck_assert_uint_eq(audit_topics(1500), 0);
}
END_TEST

START_TEST(a_broker_that_is_away_is_caught_up)
{
    grow(300);
    start();
    wait_for_seq(300);
    embedded_set_down(broker, true);
    grow(3500); /* settlement goes on, beyond the window */
    for (int i = 0; i < 100; i++)
        nap();
    ck_assert_uint_lt(meters.acknowledged_seq, 3500);
    ck_assert_uint_gt(meters.errors, 0);
    embedded_set_down(broker, false);
    wait_for_seq(3500);
    (void)audit_topics(3500);
}
END_TEST

START_TEST(a_failed_producer_is_built_anew)
{
    grow(300);
    start();
    wait_for_seq(300);
    embedded_fail_next(broker, EMBEDDED_OUT_OF_SEQUENCE, 1);
    grow(1000);
    wait_for_seq(1000);
    ck_assert_uint_ge(meters.rebuilds, 1);
    embedded_fail_next(broker, EMBEDDED_NOT_ENOUGH_REPLICAS, 2);
    grow(1200);
    wait_for_seq(1200);
    (void)audit_topics(1200);
}
END_TEST

START_TEST(a_broker_that_comes_late_is_waited_for)
{
    grow(400);
    embedded_set_down(broker, true);
    start();
    for (int i = 0; i < 60; i++)
        nap();
    ck_assert_int_eq(meters.state, PUBLISHER_CONNECTING);
    embedded_set_down(broker, false);
    wait_for_seq(400);
    ck_assert_uint_eq(audit_topics(400), 0);
}
END_TEST

START_TEST(an_unreachable_broker_does_not_hold_up_the_stop)
{
    grow(400);
    embedded_set_down(broker, true);
    start();
    nap();
    int64_t const before_ns = time_monotonic_ns();
    stop();
    ck_assert_int_lt(time_monotonic_ns() - before_ns, 4 * TIME_NS_PER_SECOND);
}
END_TEST

/* Copies cauce.ledger.v1 from one broker to another, up to a sequence. */
struct copying {
    struct producer *producer;
    struct producer_topic *topic;
    uint64_t last_seq;
    uint64_t reported;
};

static void count_report(void *context, struct producer_topic *topic, uint64_t tag, bool good)
{
    (void)topic, (void)tag;
    struct copying *copying = context;
    ck_assert(good);
    copying->reported++;
}

static bool copy_record(void *context, const struct consumer_record *record)
{
    struct copying *copying = context;
    if (seq_of(record) > copying->last_seq) return false;
    static const char *const names[] = {"ce_specversion", "ce_id",      "ce_source",   "ce_type",
                                        "ce_time",        "ce_subject", "content-type"};
    struct producer_header headers[7];
    size_t count = 0;
    for (size_t i = 0; i < 7; i++) {
        headers[count] = (struct producer_header){names[i], consumer_header(record, names[i])};
        count += headers[count].value.bytes != NULL;
    }
    ck_assert_int_eq(producer_send(copying->producer, copying->topic, record->partition,
                                   record->key, record->value, headers, count, 0),
                     FAULT_NONE);
    return true;
}

/* A new broker that holds cauce.ledger.v1 up to ledger_seq and the payments up to payments_seq. */
static void move_to_new_broker(uint64_t ledger_seq, uint64_t payments_seq)
{
    struct embedded *old = broker;
    struct copying copying = {0};
    struct consumer *consumer;
    const struct consumer_settings from = {.bootstrap = embedded_address(old)};
    ck_assert_int_eq(consumer_open(&consumer, &from, error), FAULT_NONE);
    open_broker();
    const struct producer_settings to = {
        .bootstrap = embedded_address(broker), .report = count_report, .report_context = &copying};
    ck_assert_int_eq(producer_open(&copying.producer, &to, error), FAULT_NONE);
    for (int32_t i = -1; i < PARTITIONS; i++) {
        const char *topic = i < 0 ? PUBLISHER_TOPIC_LEDGER : PUBLISHER_TOPIC_PAYMENTS;
        int64_t low;
        int64_t high;
        copying.last_seq = i < 0 ? ledger_seq : payments_seq;
        ck_assert_int_eq(producer_topic(copying.producer, topic, &copying.topic), FAULT_NONE);
        ck_assert_int_eq(consumer_bounds(consumer, topic, i < 0 ? 0 : i, 5000, &low, &high, error),
                         FAULT_NONE);
        ck_assert_int_eq(consumer_scan(consumer, topic, i < 0 ? 0 : i, low, high, 10000,
                                       copy_record, &copying, error),
                         FAULT_NONE);
    }
    producer_close(copying.producer, 5000);
    consumer_close(consumer);
    embedded_close(old);
}

/* How far the other broker's topics reach when the publisher comes to it, and whether all payments
 * are sent again. */
static const struct {
    uint64_t ledger_seq;
    uint64_t payments_seq;
    bool repeats_payments;
} moves[] = {
    {800, 800, false}, /* nothing is missing */
    {600, 600, false}, /* the end of both */
    {600, 800, true},  /* what was not yet in cauce.ledger.v1 is sent again, as after a crash */
    {800, 0, false},   /* payments is empty: from 1, that topic alone */
    {800, 300, true},  /* a filling from 1 was cut off: from 1 again */
    {0, 0, false},     /* both are empty */
};

START_TEST(other_topics_are_filled_from_the_start)
{
    grow(800);
    start();
    wait_for_seq(800);
    stop();
    move_to_new_broker(moves[_i].ledger_seq, moves[_i].payments_seq);
    grow(900);
    start();
    wait_for_seq(900);
    ck_assert_int_eq(audit_topics(900) > 0, moves[_i].repeats_payments);
}
END_TEST

/* Both ledgers reach further than the topic, so that only their content tells them apart: another
 * history under the same id, as a restored copy that went on, and another id. */
START_TEST(another_ledgers_topic_is_refused)
{
    grow(200);
    start();
    wait_for_seq(200);
    stop();
    journal_close(journal);
    open_ledger(_i == 0 ? 8 : 7);
    other_ledger_id = _i == 1;
    grow(300);
    other_ledger_id = false;
    start();
    wait_for_state(PUBLISHER_REFUSED);
    ck_assert_uint_eq(meters.acknowledged_seq, 0);
}
END_TEST

START_TEST(a_ledger_that_lost_entries_is_refused)
{
    grow(200);
    start();
    wait_for_seq(200);
    stop();
    atomic_store(&durable_seq, 150);
    start();
    wait_for_state(PUBLISHER_REFUSED);
}
END_TEST

START_TEST(a_bad_setting_is_refused_at_once)
{
    strcpy(config.rdkafka[0].name, "colour");
    strcpy(config.rdkafka[0].value, "red");
    config.rdkafka_count = 1;
    const struct publisher_settings settings = {
        .config = &config,
        .bootstrap = embedded_address(broker),
        .durable_seq = &durable_seq,
        .meters = &meters,
    };
    ck_assert_int_eq(publisher_start(&publisher, &settings, error), FAULT_INVALID);
    ck_assert_str_eq(error, "rdkafka.colour: expected a setting that librdkafka has");
    ck_assert_ptr_null(publisher);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("publisher");
    tcase_set_timeout(cases, 60);
    tcase_add_unchecked_fixture(cases, make_folder, remove_folder);
    tcase_add_checked_fixture(cases, open_all, close_all);
    tcase_add_test(cases, every_entry_once_and_in_order);
    tcase_add_test(cases, a_stranger_can_prove_the_stream);
    tcase_add_test(cases, a_restart_goes_on_after_what_the_broker_holds);
    tcase_add_test(cases, a_stop_sends_what_is_durable);
    tcase_add_test(cases, a_broker_that_is_away_is_caught_up);
    tcase_add_test(cases, a_failed_producer_is_built_anew);
    tcase_add_test(cases, a_broker_that_comes_late_is_waited_for);
    tcase_add_test(cases, an_unreachable_broker_does_not_hold_up_the_stop);
    tcase_add_loop_test(cases, other_topics_are_filled_from_the_start, 0,
                        sizeof moves / sizeof moves[0]);
    tcase_add_loop_test(cases, another_ledgers_topic_is_refused, 0, 2);
    tcase_add_test(cases, a_ledger_that_lost_entries_is_refused);
    tcase_add_test(cases, a_bad_setting_is_refused_at_once);
    Suite *suite = suite_create("publisher");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
