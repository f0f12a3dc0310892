/* config: files and --set as tables of text and either a value or the error's line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/time.h"
#include "proto/config/config.h"

/* All that must be given, so that each case says only what it is about. */
#define NEEDED                                                                                     \
    "[participants]\ncertificate=p.crt\nkey=p.key\nca=ca.crt\n[signing]\ncertificate=s.crt\n"      \
    "key=/abs/"                                                                                    \
    "s.key\n[ledger]\ndirectory=ledger\n[admin]\ncertificate=a.crt\nkey=a.key\nca=o.crt\n"
#define NEEDED_LINES 13

static char folder[] = "/tmp/cauce-config-XXXXXX";
static char path[64];
static struct config config;
static char error[CONFIG_ERROR_BYTES];

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/cauce.conf", folder);
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static enum fault load(const char *text, size_t size, const char *const *sets, size_t count)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return config_load(&config, path, sets, count, error);
}

static enum fault load_text(const char *text)
{
    return load(text, strlen(text), NULL, 0);
}

START_TEST(defaults_are_those_of_the_contract)
{
    ck_assert_msg(load_text(NEEDED) == FAULT_NONE, "%s", error);
    char expected[128];
    ck_assert_str_eq(config.switch_code, "00038166");
    ck_assert_int_eq(config.switch_profile, CONFIG_PROFILE_ISO);
    ck_assert_str_eq(config.switch_currency, "MXN");
    ck_assert_str_eq(config.switch_timezone, "America/Mexico_City");
    ck_assert_int_eq(config.switch_day_close_minute, 0);
    ck_assert_uint_eq(config.switch_loops, 0);
    ck_assert_str_eq(config.participants_listen.host, "127.0.0.1");
    ck_assert_uint_eq(config.participants_listen.port, 8443);
    ck_assert_int_eq(config.participants_poll_ns, 10 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(config.participants_stream_idle_ns, 30 * TIME_NS_PER_SECOND);
    ck_assert_uint_eq(config.participants_streams_max, 6);
    ck_assert_uint_eq(config.participants_rate_tokens, 3750);
    ck_assert_uint_eq(config.participants_rate_refill, 750);
    ck_assert_int_eq(config.participants_request_timeout_ns, 10 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(config.participants_idle_timeout_ns, 120 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(config.payments_deadline_high_ns, 10000 * TIME_NS_PER_MS);
    ck_assert_int_eq(config.payments_deadline_normal_ns, 2700000 * TIME_NS_PER_MS);
    ck_assert_int_eq(config.payments_clock_tolerance_ns, 43200 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(config.payments_clock_ahead_ns, 60 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(config.payments_duplicate_window_ns, 86400 * TIME_NS_PER_SECOND);
    ck_assert_uint_eq(config.payments_duplicate_capacity, 10000000);
    ck_assert_uint_eq(config.payments_open_max, 100000);
    ck_assert_int_eq(config.payments_return_window_ns, 90 * 86400 * TIME_NS_PER_SECOND);
    ck_assert_uint_eq(config.ledger_segment_entries, 20000000);
    ck_assert_uint_eq(config.ledger_snapshot_entries, 1000000);
    ck_assert_uint_eq(config.ledger_reserve_mib, 64);
    ck_assert_int_eq(config.kafka_mode, CONFIG_BROKER_EMBEDDED);
    ck_assert_uint_eq(config.rdkafka_count, 0);
    ck_assert_uint_eq(config.admin_listen.port, 9443);
    ck_assert_uint_eq(config.admin_metrics_listen.port, 9100);
    /* Relative paths are from the file's folder. */
    snprintf(expected, sizeof expected, "%s/p.crt", folder);
    ck_assert_str_eq(config.participants_certificate, expected);
    ck_assert_str_eq(config.signing_key, "/abs/s.key");
}
END_TEST

/* Each stands behind NEEDED, whose last section is admin. `expected` follows "FILE:LINE: ". */
static const struct {
    const char *text;
    int line; /* counted from the first line behind NEEDED; 0: the error names no line */
    const char *expected;
} bad_files[] = {
    {"colour=red\n", 1,
     "unknown key \"colour\": expected one of [admin] listen, metrics_listen, certificate, key, "
     "ca"},
    {"[Switch]\ncode=00000001\n", 2,
     "unknown section \"Switch\": expected one of switch, participants, signing, payments, ledger, "
     "kafka, admin"},
    {"[kafka]\nrdkafka=1\n", 2,
     "unknown key \"rdkafka\": expected one of [kafka] mode, rdkafka.NAME"},
    {"ca=again\n", 1, "admin.ca is given twice: expected it once"},
    {"[switch]\ncode=1\n\ncode=00000001\n", 2,
     "switch.code: expected 8 characters of 0-9 and A-Z, not \"1\""},
    {"[switch]\ncode=0003816a\n", 2,
     "switch.code: expected 8 characters of 0-9 and A-Z, not \"0003816a\""},
    {"[switch]\nprofile=spi\n", 2, "switch.profile: expected iso, not \"spi\""},
    {"[switch]\ncurrency=mxn\n", 2, "switch.currency: expected 3 characters of A-Z, not \"mxn\""},
    {"[switch]\ntimezone=America/Atlantis\n", 2,
     "switch.timezone: expected a time zone such as America/Mexico_City, not "
     "\"America/Atlantis\""},
    {"[switch]\ntimezone=../passwd\n", 2,
     "switch.timezone: expected a time zone such as America/Mexico_City, not \"../passwd\""},
    {"[switch]\nday_close=24:00\n", 2,
     "switch.day_close: expected a time from 00:00 to 23:59, not \"24:00\""},
    {"[switch]\nday_close=18:60\n", 2,
     "switch.day_close: expected a time from 00:00 to 23:59, not \"18:60\""},
    {"[switch]\nday_close=8:00\n", 2,
     "switch.day_close: expected a time from 00:00 to 23:59, not \"8:00\""},
    {"[switch]\nday_close=18:0x\n", 2,
     "switch.day_close: expected a time from 00:00 to 23:59, not \"18:0x\""},
    {"[switch]\nloops=65\n", 2, "switch.loops: expected a whole number from 0 to 64, not \"65\""},
    {"[switch]\nloops=-1\n", 2, "switch.loops: expected a whole number from 0 to 64, not \"-1\""},
    {"[switch]\nloops=\n", 2, "switch.loops: expected a whole number from 0 to 64, not \"\""},
    {"[participants]\npoll_seconds=1.5\n", 2,
     "participants.poll_seconds: expected whole seconds from 0 to 300, not \"1.5\""},
    {"[participants]\nstreams_max=0\n", 2,
     "participants.streams_max: expected a whole number from 1 to 64, not \"0\""},
    {"[participants]\nlisten=8443\n", 2, "participants.listen: expected host:port, not \"8443\""},
    {"[participants]\nlisten=off\n", 2, "participants.listen: expected host:port, not \"off\""},
    {"[participants]\nlisten=localhost:65536\n", 2,
     "participants.listen: expected host:port, not \"localhost:65536\""},
    {"[participants]\nlisten=::1:80\n", 2,
     "participants.listen: expected host:port, not \"::1:80\""},
    {"[payments]\ndeadline_high_ms=99999999999999999999\n", 2,
     "payments.deadline_high_ms: expected whole milliseconds from 1 to 86400000, not "
     "\"99999999999999999999\""},
    {"[payments]\nduplicate_window_hours=23\n", 2,
     "payments.duplicate_window_hours: expected whole hours from 24 to 744, not \"23\""},
    {"[payments]\nreturn_window_days=x\n", 2,
     "payments.return_window_days: expected whole days from 1 to 3650, not \"x\""},
    {"[kafka]\nmode=on\n", 2, "kafka.mode: expected embedded, broker or off, not \"on\""},
    {"[kafka]\nrdkafka.=1\n", 2, "kafka.rdkafka.: expected a name of 1 to 127 bytes"},
    {"[kafka]\nrdkafka.linger.ms=1\nrdkafka.linger.ms=2\n", 3,
     "kafka.rdkafka.linger.ms is given twice: expected it once"},
    {"[kafka]\nmode=broker\n", 0,
     "kafka.rdkafka.bootstrap.servers is missing: expected host:port of the broker, for "
     "kafka.mode is broker"},
    {"listen\n", 1, "expected [section], key = value, or a comment after # or ;"},
    {"[switch\n", 1, "expected [section], key = value, or a comment after # or ;"},
    {"[switch]\n  code=00000001\n  oops\n", 3,
     "expected [section], key = value, or a comment after # or ;"},
};

START_TEST(bad_files_are_refused_with_their_place)
{
    char text[1024];
    char expected[CONFIG_ERROR_BYTES];
    snprintf(text, sizeof text, NEEDED "%s", bad_files[_i].text);
    ck_assert_int_eq(load_text(text), FAULT_INVALID);
    if (bad_files[_i].line == 0) {
        snprintf(expected, sizeof expected, "%s: %s", path, bad_files[_i].expected);
    } else {
        snprintf(expected, sizeof expected, "%s:%d: %s", path, NEEDED_LINES + bad_files[_i].line,
                 bad_files[_i].expected);
    }
    ck_assert_str_eq(error, expected);
}
END_TEST

START_TEST(lines_have_their_bounds)
{
    static char text[8192];
    char expected[CONFIG_ERROR_BYTES];
    memset(text, 'x', sizeof text);
    memcpy(text, "[ledger]\ndirectory=/", 20);
    text[20 + 1022] = '\n'; /* 1,023 bytes of value pass */
    ck_assert_int_eq(load(text, 20 + 1023, NULL, 0), FAULT_INVALID);
    ck_assert_ptr_nonnull(strstr(error, "participants.certificate is missing"));
    text[20 + 1022] = 'x';
    text[20 + 1023] = '\n';
    ck_assert_int_eq(load(text, 20 + 1024, NULL, 0), FAULT_INVALID);
    ck_assert_ptr_nonnull(strstr(error, ":2: ledger.directory: expected a path of 1 to "));
    text[20 + 1023] = 'x';
    ck_assert_int_eq(load(text, sizeof text, NULL, 0), FAULT_INVALID);
    snprintf(expected, sizeof expected, "%s:2: expected a line of at most 2046 bytes", path);
    ck_assert_str_eq(error, expected);
    ck_assert_int_eq(load("[switch]\nco\0de=1\n", 17, NULL, 0), FAULT_INVALID);
    snprintf(expected, sizeof expected, "%s:2: expected text, not a zero byte", path);
    ck_assert_str_eq(error, expected);
}
END_TEST

START_TEST(a_missing_file_or_key_is_named)
{
    char expected[CONFIG_ERROR_BYTES];
    ck_assert_int_eq(config_load(&config, "/nowhere/cauce.conf", NULL, 0, error), FAULT_IO);
    ck_assert_str_eq(error, "/nowhere/cauce.conf: cannot be read: No such file or directory");
    ck_assert_int_eq(config_load(&config, folder, NULL, 0, error), FAULT_IO);
    ck_assert_int_eq(load_text(""), FAULT_INVALID);
    snprintf(expected, sizeof expected,
             "%s: participants.certificate is missing: expected a path of 1 to 1023 bytes, the "
             "switch's certificate towards banks, PEM",
             path);
    ck_assert_str_eq(error, expected);
}
END_TEST

START_TEST(spellings_of_ini_are_accepted)
{
    ck_assert_msg(load_text("\xEF\xBB\xBF# a comment\r\n; another\r\n" NEEDED
                            "[switch]\r\n code \t= 12345678 ; behind a value\r\n[admin]\n"
                            "listen=off\nmetrics_listen = [::1]:0\n[kafka]\nmode=broker\n"
                            "rdkafka.bootstrap.servers = a:1,b:2\nrdkafka.sasl.password=p=;q\n") ==
                      FAULT_NONE,
                  "%s", error);
    ck_assert_str_eq(config.switch_code, "12345678");
    ck_assert(config.admin_listen.off);
    ck_assert_str_eq(config.admin_metrics_listen.host, "::1");
    ck_assert_uint_eq(config.admin_metrics_listen.port, 0);
    ck_assert_uint_eq(config.rdkafka_count, 2);
    ck_assert_str_eq(config.rdkafka[0].name, "bootstrap.servers");
    ck_assert_str_eq(config.rdkafka[0].value, "a:1,b:2");
    ck_assert_str_eq(config.rdkafka[1].value, "p=;q");
}
END_TEST

START_TEST(admin_needs_certificates_only_when_it_listens)
{
    ck_assert_int_eq(load_text("[participants]\ncertificate=a\nkey=b\nca=c\n[signing]\n"
                               "certificate=d\nkey=e\n[ledger]\ndirectory=f\n[admin]\n"
                               "listen=off\n"),
                     FAULT_NONE);
}
END_TEST

START_TEST(set_overrides_the_file)
{
    static const char *const sets[] = {
        "participants.poll_seconds=1", "participants.poll_seconds=2",
        "kafka.mode=broker",           "kafka.rdkafka.bootstrap.servers=h:9092",
        "kafka.rdkafka.linger.ms=7",   "ledger.directory=elsewhere",
        "admin.metrics_listen=off"};
    char expected[128];
    const char *text = NEEDED "[kafka]\nmode=off\nrdkafka.linger.ms=3\n";
    ck_assert_msg(load(text, strlen(text), sets, 7) == FAULT_NONE, "%s", error);
    ck_assert_int_eq(config.participants_poll_ns, 2 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(config.kafka_mode, CONFIG_BROKER_BROKER);
    ck_assert_uint_eq(config.rdkafka_count, 2);
    ck_assert_str_eq(config.rdkafka[0].value, "7");
    ck_assert_str_eq(config.rdkafka[1].value, "h:9092");
    ck_assert(config.admin_metrics_listen.off);
    snprintf(expected, sizeof expected, "%s/elsewhere", folder);
    ck_assert_str_eq(config.ledger_directory, expected);
}
END_TEST

static const struct {
    const char *set;
    const char *error;
} bad_sets[] = {
    {"", "--set : expected section.key=value"},
    {"switch", "--set switch: expected section.key=value"},
    {"switch=1", "--set switch=1: expected section.key=value"},
    {"code=1.x=2", "--set code=1.x=2: unknown section \"code=1\": expected one of switch, "
                   "participants, signing, payments, ledger, kafka, admin"},
    {"switch.code", "--set switch.code: expected section.key=value"},
    {"switch.code=x", "--set switch.code=x: switch.code: expected 8 characters of 0-9 and A-Z, not "
                      "\"x\""},
    {"admin.port=1", "--set admin.port=1: unknown key \"port\": expected one of [admin] listen, "
                     "metrics_listen, certificate, key, ca"},
};

START_TEST(bad_sets_are_refused)
{
    ck_assert_int_eq(load(NEEDED, strlen(NEEDED), &bad_sets[_i].set, 1), FAULT_INVALID);
    ck_assert_str_eq(error, bad_sets[_i].error);
}
END_TEST

START_TEST(every_key_is_listed_once_with_its_words)
{
    size_t count;
    const struct config_key *keys = config_keys(&count);
    ck_assert_uint_gt(count, 30);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_gt(strlen(keys[i].words), 10);
        for (size_t j = 0; j < i; j++) {
            ck_assert(strcmp(keys[i].section, keys[j].section) != 0 ||
                      strcmp(keys[i].key, keys[j].key) != 0);
        }
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("config");
    tcase_add_unchecked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, defaults_are_those_of_the_contract);
    tcase_add_loop_test(cases, bad_files_are_refused_with_their_place, 0,
                        sizeof bad_files / sizeof bad_files[0]);
    tcase_add_test(cases, lines_have_their_bounds);
    tcase_add_test(cases, a_missing_file_or_key_is_named);
    tcase_add_test(cases, spellings_of_ini_are_accepted);
    tcase_add_test(cases, admin_needs_certificates_only_when_it_listens);
    tcase_add_test(cases, set_overrides_the_file);
    tcase_add_loop_test(cases, bad_sets_are_refused, 0, sizeof bad_sets / sizeof bad_sets[0]);
    tcase_add_test(cases, every_key_is_listed_once_with_its_words);
    Suite *suite = suite_create("config");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
