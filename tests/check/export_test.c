/* Export and import: the lines lead to the same ledger, and no line that was changed, dropped, added or
 * cut leads to any. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/cauce/line.h"
#include "ops/cauce/subcommand.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_signed.h"
#include "tests/simulator/tamper.h"

static char directory[FOLDER_PATH_BYTES], file[FOLDER_PATH_BYTES + 16],
    other[FOLDER_PATH_BYTES + 16], again[FOLDER_PATH_BYTES + 16];

static void make_folder(void)
{
    ledger_folder_make(directory);
    (void)snprintf(file, sizeof file, "%s/../file", directory);
    (void)snprintf(other, sizeof other, "%s/../other", directory);
    (void)snprintf(again, sizeof again, "%s/../again", directory);
    ledger_signed_make(directory);
}

static void in_folder(const char *command)
{
    char whole[8 * FOLDER_PATH_BYTES];
    (void)snprintf(whole, sizeof whole, "cd '%s/..' && { %s; }", directory, command);
    ck_assert_msg(system(whole) == 0, "%s", command);
}

static void remove_folder(void)
{
    ledger_signed_end();
    in_folder("rm -rf file other again again.partial");
    ledger_folder_remove(directory);
}

static int run_export(char *from, char *to)
{
    return export_main(3, (char *[]){"export", from, to, NULL});
}

static int run_import(char *from, char *to)
{
    return import_main(3, (char *[]){"import", from, to, NULL});
}

/* --- there and back --------------------------------------------------------------------------- */

START_TEST(the_same_ledger_and_the_same_lines)
{
    ck_assert_int_eq(run_export(directory, file), 0);
    ck_assert_int_eq(run_import(file, again), 0);
    ledger_signed_equal(directory, again, SIGNED_ENTRIES);
    static const char shared[] = "SELECT sum(body_seq) FROM entries"; /* stored once, as before */
    ck_assert_int_eq(tamper_count(again, "segment-000001.db", shared),
                     tamper_count(directory, "segment-000001.db", shared));
    in_folder("test -z \"$(ls again | grep -E 'wal|shm')\" && test ! -e again.partial");
    in_folder("test ! -w again/segment-000001.db || test $(id -u) = 0");
    ck_assert_int_eq(run_export(again, other), 0);
    in_folder("cmp file other");
    struct journal *journal = ledger_signed_open(again); /* a switch goes on there */
    ledger_signed_write(journal, 25);
    ledger_signed_segment(journal, again);
    journal_close(journal);
}
END_TEST

START_TEST(one_line_for_each_thing)
{
    ck_assert_int_eq(run_export(directory, file), 0);
    in_folder("test $(grep -c '\"record\":\"entry\"' file) = 183");
    in_folder("test $(grep -c '\"record\":\"block\"' file) = 21");
    in_folder("test $(grep -c '\"record\":\"checkpoint\"' file) = 3");
    in_folder("test $(grep -c '\"record\":\"seal\"' file) = 2");
    in_folder("test $(grep -c '\"record\":\"certificate\"' file) = 1");
    in_folder("head -n 1 file | grep -q '\"record\":\"ledger\",\"version\":1,'");
    in_folder("tail -n 1 file | grep -q '\"record\":\"end\",\"entries\":183,\"blocks\":21,'");
}
END_TEST

START_TEST(beside_an_open_journal_to_a_file_that_is_not_there)
{
    struct journal *journal = ledger_signed_open(directory);
    ledger_signed_write(journal, 25);
    ck_assert_int_eq(run_export(directory, file), 0);
    ck_assert_int_eq(run_export(directory, file), 1); /* it is there */
    journal_close(journal);
    ck_assert_int_eq(run_import(file, again), 0);
    ledger_signed_equal(directory, again, SIGNED_ENTRIES + 25);
    ck_assert_int_eq(run_import(file, again), 1); /* likewise */
}
END_TEST

/* Messages that were archived or erased by law are not there to be exported; the chain holds. */
START_TEST(without_the_messages_of_a_block)
{
    in_folder("chmod u+w ledger/segment-*");
    ck_assert(tamper_run(directory, "segment-000002.db", "DELETE FROM evidence WHERE block = 10"));
    ck_assert_int_eq(run_export(directory, file), 0);
    ck_assert_int_eq(run_import(file, again), 0);
    ck_assert_int_eq(tamper_count(again, "segment-000002.db", "SELECT count(*) FROM evidence"),
                     tamper_count(directory, "segment-000002.db", "SELECT count(*) FROM evidence"));
}
END_TEST

START_TEST(a_damaged_ledger_is_not_exported)
{
    in_folder("chmod u+w ledger/segment-*");
    ck_assert(tamper_run(directory, "segment-000002.db",
                         "UPDATE entries SET private = flip(private, 20) WHERE seq = 70"));
    ck_assert_int_eq(run_export(directory, file), 1);
    in_folder("! grep -q '\"record\":\"end\"' file");
    ck_assert_int_eq(run_import(file, again), 1);
    ck_assert_int_ne(access(again, F_OK), 0);
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------- */

/* Each is a sed script that changes the file. */
static const char *const changes[] = {
    /* bytes: a letter of base64 becomes another one */
    "/\"seq\":90,/s/\"public\":\"\\(.\\{80\\}\\)./\"public\":\"\\1_/",
    "/\"record\":\"entry\"/s/\"private\":\"AQ/\"private\":\"Ag/",
    "/\"seq\":100,/s/\"public\":\"AQAA/\"public\":\"AQAB/",
    "/\"seq\":100,/s/\"private\":\"\\(.\\{60\\}\\)..../\"private\":\"\\1BBBB/",
    "/\"seq\":62,/s/\"body\":\"AQAM/\"body\":\"AQAN/",
    "/\"seq\":100,/s/\"hash\":\"..../\"hash\":\"0000/",
    "/\"record\":\"block\",\"segment\":2,\"number\":10,/s/\"header\":\"\\(.\\{100\\}\\)..../"
    "\"header\":\"\\1BBBB/",
    "/\"record\":\"block\",\"segment\":2,\"number\":10,/s/\"segment\":2/\"segment\":3/",
    "/\"record\":\"block\",\"segment\":2,\"number\":8,/s/\"segment\":2/\"segment\":1/",
    "0,/\"bytes\":\"/s/\"bytes\":\"..../\"bytes\":\"BBBB/",
    "0,/\"record\":\"message\"/s/\"hash\":\"..../\"hash\":\"0000/",
    "0,/\"record\":\"checkpoint\"/s/\"signature\":\"\\(.\\{40\\}\\)..../\"signature\":\"\\1BBBB/",
    "0,/\"record\":\"checkpoint\"/{/checkpoint/s/\"header\":\"\\(.\\{30\\}\\)..../"
    "\"header\":\"\\1BBBB/}",
    "0,/\"record\":\"checkpoint\"/{/checkpoint/s/\"certificate\":\"..../\"certificate\":\"0000/}",
    "0,/\"record\":\"seal\"/{/seal/s/\"statement\":\"\\(.\\{100\\}\\)..../\"statement\":\"\\1BBBB/"
    "}",
    "/\"record\":\"seal\"/s/\"signature\":\"\\(.\\{40\\}\\)..../\"signature\":\"\\1BBBB/",
    "/\"record\":\"certificate\"/s/\"der\":\"..../\"der\":\"BBBB/",
    "/\"record\":\"certificate\"/d",
    /* lines: dropped, twice, out of place, cut */
    "1d",
    "$d",
    "$p",
    "1p",
    "/\"seq\":100,/d",
    "/\"seq\":100,/p",
    "/\"seq\":183,/d",
    "/\"record\":\"block\",\"segment\":2,\"number\":10,/d",
    "/\"record\":\"block\",\"segment\":2,\"number\":10,/p",
    "0,/\"record\":\"message\"/{/message/p}",
    "/\"seq\":100,/{h;d};/\"seq\":101,/G",
    "/\"record\":\"checkpoint\"/{h;d};/\"seq\":100,/G",
    "100q",
    "$s/.\\{10\\}$//",
    /* shape */
    "1s/\"version\":1/\"version\":2/",
    "1s/\"ledger_id\":\"../\"ledger_id\":\"zz/",
    "1s/\"ledger_id\":\"../\"ledger_id\":\"fe/",
    "100s/^{/[/",
    "100s/\"record\":\"[a-z]*\"/\"record\":\"other\"/",
    "100s/\"record\"/\"Record\"/",
    "100s/,\"/,\"record\":\"block\",\"/",
    "/\"record\":\"end\"/s/\"entries\":183/\"entries\":184/",
    "/\"record\":\"end\"/s/\"entries\":183/\"entries\":-183/",
    "/\"record\":\"end\"/s/\"head\":\"..../\"head\":\"0000/",
    "100s/$/\\n/",
    "/\"record\":\"block\"/s/\"number\":1,.*/\\x00/",
};

START_TEST(what_was_changed_is_refused)
{
    FILE *script;
    char path[FOLDER_PATH_BYTES + 24];
    ck_assert_int_eq(run_export(directory, file), 0);
    (void)snprintf(path, sizeof path, "%s/../script", directory);
    ck_assert_ptr_nonnull(script = fopen(path, "w"));
    fprintf(script, "%s\n", changes[_i]);
    (void)fclose(script);
    in_folder("sed -f script file > other && rm script && ! cmp -s file other");
    ck_assert_int_eq(run_import(other, again), 1);
    ck_assert_int_ne(access(again, F_OK), 0);
}
END_TEST

START_TEST(a_line_too_long_is_refused)
{
    ck_assert_int_eq(run_export(directory, file), 0);
    in_folder(
        "{ head -n 1 file; head -c 200000 /dev/zero | tr '\\0' x; tail -n +2 file; } > other");
    ck_assert_int_eq(run_import(other, again), 1);
    ck_assert_int_ne(access(again, F_OK), 0);
}
END_TEST

/* Without these the ledger is the same, but nothing is signed. */
START_TEST(signatures_may_be_left_out)
{
    ck_assert_int_eq(run_export(directory, file), 0);
    in_folder("grep -vE '\"record\":\"(certificate|checkpoint|seal)\"' file > other");
    ck_assert_int_eq(run_import(other, again), 0);
    ck_assert_int_ne(access("signatures.db", F_OK), 0);
}
END_TEST

/* --- lines ------------------------------------------------------------------------------------ */

/* The largest message there may be fits a line. */
START_TEST(the_largest_message_is_read_back)
{
    static char bytes[LIMIT_MESSAGE_BYTES], text[2 * LINE_BYTES_MAX];
    static struct line line;
    const char *words;
    memset(bytes, 0xff, sizeof bytes);
    struct evidence evidence = {.bytes = span_of(bytes, sizeof bytes),
                                .received_ns = INT64_C(1795000000123456789)};
    evidence.hash = hash_of(evidence.bytes);
    memcpy(evidence.sender.text, "ZZZZZZZZ", sizeof evidence.sender.text);
    FILE *out = fmemopen(text, sizeof text, "w");
    line_write_message(out, &evidence);
    (void)fclose(out);
    size_t const size = strlen(text);
    ck_assert_uint_gt(size, 0);
    ck_assert_int_eq(line_read(&line, span_of(text, size - 1), &words), FAULT_NONE);
    ck_assert_int_eq(line.record, LINE_MESSAGE);
    ck_assert(span_equal(line.evidence.bytes, evidence.bytes));
    ck_assert_int_eq(line.evidence.received_ns, evidence.received_ns);
    ck_assert_int_eq(memcmp(&line.evidence.sender, &evidence.sender, 8), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("export");
    TCase *cases = tcase_create("export");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_same_ledger_and_the_same_lines);
    tcase_add_test(cases, one_line_for_each_thing);
    tcase_add_test(cases, beside_an_open_journal_to_a_file_that_is_not_there);
    tcase_add_test(cases, without_the_messages_of_a_block);
    tcase_add_test(cases, a_damaged_ledger_is_not_exported);
    tcase_add_loop_test(cases, what_was_changed_is_refused, 0,
                        (int)(sizeof changes / sizeof changes[0]));
    tcase_add_test(cases, a_line_too_long_is_refused);
    tcase_add_test(cases, signatures_may_be_left_out);
    tcase_add_test(cases, the_largest_message_is_read_back);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
