/* A ledger over many segments: rotation, the replay and the readers over it, whatever fails. */
#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/journal.h"
#include "ledger/reader.h"
#include "ledger/series.h"
#include "ledger/verify/verify.h"
#include "proto/base/limits.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/simulator/fault_vfs.h"
#include "tests/simulator/tamper.h"

static char directory[FOLDER_PATH_BYTES];
static struct scenario scenario;
static struct journal_head head;
static struct entry entry;
static struct body body;

static void make_folder(void)
{
    ledger_folder_make(directory);
    ledger_scenario_begin(&scenario, 5);
}

static void remove_folder(void)
{
    ledger_folder_remove(directory);
}

static enum fault open_with(struct journal **journal, const char *vfs)
{
    struct journal_options const options = {.directory = directory, .vfs = vfs};
    return journal_open(journal, &options, &head);
}

static struct journal *open_journal(void)
{
    struct journal *journal = NULL;
    ck_assert_int_eq(open_with(&journal, NULL), FAULT_NONE);
    return journal;
}

static struct reader *open_reader(void)
{
    struct reader *reader = NULL;
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    return reader;
}

static void write_some(struct journal *journal, uint32_t count)
{
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, count, 7), FAULT_NONE);
}

static void rotate(struct journal *journal)
{
    ck_assert_int_eq(ledger_folder_rotate(journal, &scenario, directory, NULL), FAULT_NONE);
}

static void assert_verified(uint64_t entries)
{
    struct verify_report report;
    verify_ledger(directory, &report);
    ck_assert_msg(report.good, "entry %" PRIu64 ": %s", report.fault_seq, report.fault_words);
    ck_assert_uint_eq(report.entries, entries);
}

static void in_folder(const char *command)
{
    char whole[3 * FOLDER_PATH_BYTES];
    (void)snprintf(whole, sizeof whole, "cd '%s' && %s", directory, command);
    ck_assert_int_eq(system(whole), 0);
}

/* Copies or moves segment FROM over segment TO with its write-ahead log, which a retired one has. */
#define OVER(tool, from, to)                                                                       \
    "rm -f segment-00000" to ".*; for end in db db-wal; do if [ -e segment-00000" from ".$end ];"  \
    " then " tool " segment-00000" from ".$end segment-00000" to ".$end; fi; done; "

static enum fault count_one(void *context, const struct entry *visited, struct span bytes)
{
    (void)bytes;
    uint64_t *seq = context;
    if (visited->public.seq != *seq + 1) return FAULT_INVALID;
    *seq += 1;
    return FAULT_NONE;
}

/* --- rotation --------------------------------------------------------------------------------- */

START_TEST(segments_follow_one_another)
{
    struct journal *journal = open_journal();
    ck_assert_uint_eq(journal_segment_entries(journal), 0);
    write_some(journal, 30);
    for (uint64_t number = 2; number <= 5; number++) {
        rotate(journal);
        ck_assert_uint_eq(journal_segment_entries(journal), 1);
        write_some(journal, 29);
        ck_assert_uint_eq(journal_segment_entries(journal), 30);
        ck_assert_uint_eq(journal_newest(journal)->segment_number, number);
    }
    uint64_t seq = 0;
    ck_assert_int_eq(journal_replay(journal, 1, count_one, &seq), FAULT_NONE);
    ck_assert_uint_eq(seq, 150);
    journal_close(journal);
    assert_verified(150);

    journal = open_journal();
    ck_assert_uint_eq(head.seq, 150);
    ck_assert_uint_eq(head.segment_number, 5);
    ck_assert_uint_eq(journal_segment_entries(journal), 30);
    for (seq = 0; seq < 150;) { /* from each entry on */
        uint64_t const from_seq = seq + 1;
        ck_assert_int_eq(journal_replay(journal, from_seq, count_one, &seq), FAULT_NONE);
        ck_assert_uint_eq(seq, 150);
        seq = from_seq;
    }
    write_some(journal, 10);
    journal_close(journal);
    assert_verified(160);
}
END_TEST

START_TEST(nothing_rotates_before_it_is_prepared)
{
    struct journal *journal = open_journal();
    write_some(journal, 10);
    ck_assert_int_eq(journal_rotate(journal), FAULT_NOT_FOUND);
    in_folder(": > segment-000002.db"); /* a file that is being made */
    ck_assert_int_eq(journal_rotate(journal), FAULT_NOT_FOUND);
    write_some(journal, 10);
    ck_assert_int_eq(series_prepare(directory, NULL, 2), FAULT_NONE);
    ck_assert_int_eq(series_prepare(directory, NULL, 2), FAULT_NONE);
    ck_assert_int_eq(series_prepare(directory, NULL, LIMIT_SEGMENTS + 1), FAULT_FULL);
    rotate(journal);
    write_some(journal, 10);
    journal_close(journal);
    assert_verified(31);
}
END_TEST

START_TEST(foreign_file_is_not_taken_over)
{
    struct journal *journal = open_journal();
    write_some(journal, 10);
    in_folder("echo 'this is no database, it is text' > segment-000002.db");
    ck_assert_int_eq(journal_rotate(journal), FAULT_CORRUPT);
    in_folder("cp segment-000001.db segment-000002.db && cp segment-000001.db-wal "
              "segment-000002.db-wal");
    ck_assert_int_eq(journal_rotate(journal), FAULT_CORRUPT); /* it has entries */
    in_folder("rm segment-000002*");
    rotate(journal);
    write_some(journal, 10);
    journal_close(journal);
    assert_verified(21);
}
END_TEST

/* The process ends after journal_rotate, or after the entry was staged: nothing was committed. */
START_TEST(start_goes_on_in_the_old_segment)
{
    struct journal *journal = open_journal();
    write_some(journal, 20);
    ck_assert_int_eq(series_prepare(directory, NULL, 2), FAULT_NONE);
    ck_assert_int_eq(journal_rotate(journal), FAULT_NONE);
    if (_i == 1) {
        struct scenario ahead = scenario;
        const struct journal_head *newest = journal_newest(journal);
        ledger_scenario_segment(&ahead, &newest->hash, &newest->block_hash);
        ck_assert_int_eq(journal_append(journal, &ahead.entry, &ahead.body, NULL), FAULT_NONE);
    }
    journal_close(journal);
    assert_verified(20);

    journal = open_journal();
    ck_assert_uint_eq(head.seq, 20);
    ck_assert_uint_eq(head.segment_number, 1);
    write_some(journal, 5);
    struct reader *reader = open_reader();
    uint64_t seq;
    ck_assert_int_eq(reader_newest_seq(reader, &seq), FAULT_NONE);
    ck_assert_uint_eq(seq, 25);
    rotate(journal);
    write_some(journal, 5);
    ck_assert_int_eq(reader_newest_seq(reader, &seq), FAULT_NONE);
    ck_assert_uint_eq(seq, 31);
    reader_close(reader);
    journal_close(journal);
    assert_verified(31);
}
END_TEST

START_TEST(bodies_are_shared_within_a_segment_only)
{
    struct journal *journal = open_journal();
    write_some(journal, 60);
    for (int i = 0; i < 3; i++) {
        rotate(journal);
        write_some(journal, 60);
    }
    journal_close(journal);
    for (uint64_t number = 1; number <= 4; number++) {
        char name[SERIES_NAME_BYTES];
        series_name(number, name);
        ck_assert_int_gt(tamper_count(directory, name, "SELECT count(body_seq) FROM entries"), 0);
        ck_assert_int_eq(tamper_count(directory, name,
                                      "SELECT count(*) FROM entries WHERE body_seq <"
                                      " (SELECT min(seq) FROM entries)"),
                         0);
    }
    assert_verified(243);
}
END_TEST

static const struct {
    const char *command;
    enum fault fault;
} unopenable[] = {
    {"rm segment-000004*", FAULT_NONE}, /* cut off whole: only what was signed shows it */
    {"rm segment-000002.db", FAULT_CORRUPT},
    {"rm segment-000001.db", FAULT_CORRUPT},
    {OVER("cp", "1", "4"), FAULT_CORRUPT},
    {OVER("cp", "3", "4"), FAULT_CORRUPT},
    {OVER("cp", "3", "5"), FAULT_CORRUPT},
    {"echo 'this is no database, it is text' > segment-000005.db", FAULT_CORRUPT},
};

START_TEST(other_files_stop_the_start)
{
    ledger_folder_fill_segments(directory, 5, 4, 20, 5);
    in_folder(unopenable[_i].command);
    struct journal *journal = NULL;
    ck_assert_msg(open_with(&journal, NULL) == unopenable[_i].fault, "%s", unopenable[_i].command);
    journal_close(journal);
}
END_TEST

static const char *const broken[] = {
    OVER("cp", "1", "2"),
    OVER("cp", "3", "2"),
    OVER("mv", "3", "9") OVER("mv", "2", "3") OVER("mv", "9", "2"),
};

START_TEST(other_files_stop_the_replay)
{
    ledger_folder_fill_segments(directory, 5, 4, 20, 5);
    in_folder(broken[_i]);
    struct journal *journal = open_journal();
    uint64_t seq = 0;
    ck_assert_int_eq(journal_replay(journal, 1, count_one, &seq), FAULT_CORRUPT);
    ck_assert_uint_le(seq, 21);
    journal_close(journal);
}
END_TEST

/* --- reading ---------------------------------------------------------------------------------- */

START_TEST(everything_is_found_in_any_order)
{
    static char message[LIMIT_MESSAGE_BYTES];
    uint32_t const segments = 13, each = 40;
    uint64_t const total = segments * (each + 1);
    ledger_folder_fill_segments(directory, 5, segments, each, 6);
    struct reader *reader = open_reader();
    uint8_t id[READER_LEDGER_ID_BYTES];
    ck_assert_int_eq(reader_ledger_id(reader, id), FAULT_NONE);
    ck_assert_uint_eq(id[15], 16);
    uint64_t messages = 0;
    for (uint64_t i = 0; i < total; i++) {
        uint64_t const seq = 1 + i * 211 % total; /* 211 is prime: all of them */
        struct hash before = {0};
        if (seq > 1) {
            ck_assert_int_eq(reader_entry(reader, seq - 1, &entry, NULL), FAULT_NONE);
            before = entry.hash;
        }
        ck_assert_int_eq(reader_entry(reader, seq, &entry, &body), FAULT_NONE);
        ck_assert_uint_eq(entry.public.seq, seq);
        ck_assert(hash_equal(&entry.prev_hash, &before));
        ck_assert_int_eq(entry.public.kind == ENTRY_SEGMENT, (seq - 1) % (each + 1) == 0);

        struct block_header header, same;
        ck_assert_int_eq(reader_block_of(reader, seq, &header), FAULT_NONE);
        ck_assert(header.first_seq <= seq && seq <= header.last_seq);
        ck_assert_int_eq(reader_block(reader, header.number, &same), FAULT_NONE);
        ck_assert_mem_eq(&header, &same, sizeof same);

        struct evidence evidence;
        enum fault const fault = reader_message(reader, &entry, message, sizeof message, &evidence);
        ck_assert_int_eq(fault,
                         hash_is_zero(&entry.public.evidence_hash) ? FAULT_NOT_FOUND : FAULT_NONE);
        messages += fault == FAULT_NONE;
    }
    ck_assert_uint_gt(messages, total / 2);
    struct block_header header;
    ck_assert_int_eq(reader_entry(reader, total + 1, &entry, NULL), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_block_of(reader, total + 1, &header), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_block(reader, segments * 8 + 1, &header), FAULT_NOT_FOUND);
    for (uint64_t from = 1; from <= total; from += 17) {
        uint64_t seq = from - 1;
        ck_assert_int_eq(reader_walk(reader, from, total, count_one, &seq), FAULT_NONE);
        ck_assert_uint_eq(seq, total);
        ck_assert_int_eq(reader_walk(reader, total + 1, total + 9, count_one, &seq),
                         FAULT_NOT_FOUND);
    }
    reader_close(reader);
}
END_TEST

START_TEST(missing_segment_is_told)
{
    ledger_folder_fill_segments(directory, 5, 4, 20, 5);
    struct reader *reader = open_reader();
    in_folder("rm segment-000002.db");
    ck_assert_int_eq(reader_entry(reader, 25, &entry, NULL), FAULT_CORRUPT);
    ck_assert_int_eq(reader_entry(reader, 84, &entry, NULL), FAULT_NONE);
    reader_close(reader);
}
END_TEST

/* --- beside a writer that rotates ------------------------------------------------------------- */

#define WRITTEN 6000

static void *write_all(void *context)
{
    struct journal *journal = context;
    while (scenario.seq < WRITTEN) {
        if (ledger_folder_write(journal, &scenario, 20, 20) != FAULT_NONE) abort();
        if (journal_segment_entries(journal) > 200) {
            /* A reader may hold the prepared file, looking into it: then later, as settlement does. */
            enum fault const fault = ledger_folder_rotate(journal, &scenario, directory, NULL);
            if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND) abort();
        }
        if (journal_idle(journal) != FAULT_NONE) abort();
    }
    return NULL;
}

static void *read_all(void *context)
{
    struct journal *journal = context;
    struct reader *reader = NULL;
    if (reader_open(&reader, directory, NULL) != FAULT_NONE) abort();
    uint64_t seq = 0, newest = 0;
    struct entry found;
    while (seq < WRITTEN) {
        uint64_t const durable_seq = journal_durable_seq(journal);
        if (reader_walk(reader, seq + 1, durable_seq, count_one, &seq) != FAULT_NONE) abort();
        if (seq < durable_seq || reader_newest_seq(reader, &newest) != FAULT_NONE) abort();
        if (newest < durable_seq) abort();
        if (seq && reader_entry(reader, 1 + seq / 2, &found, NULL) != FAULT_NONE) abort();
    }
    reader_close(reader);
    return NULL;
}

START_TEST(readers_follow_a_writer_that_rotates)
{
    struct journal *journal = open_journal();
    pthread_t writer, readers[2];
    ck_assert_int_eq(pthread_create(&writer, NULL, write_all, journal), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, read_all, journal), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(readers[i], NULL), 0);
    ck_assert_int_eq(pthread_join(writer, NULL), 0);
    ck_assert_uint_gt(journal_newest(journal)->segment_number, 20);
    journal_close(journal);
    assert_verified(scenario.seq);
}
END_TEST

/* --- every I/O in turn ------------------------------------------------------------------------ */

/* Opens the ledger and `count` segments more, which have an entry each, its opening: where a fault
 * came in between, what follows would depend on it.  *durable is what was told to be durable. */
static enum fault open_segments(uint64_t *durable, uint32_t count)
{
    struct journal *journal = NULL;
    enum fault fault = open_with(&journal, FAULT_VFS_NAME);
    if (fault != FAULT_NONE) return fault;
    *durable = head.seq;
    scenario.seq = head.seq;
    scenario.segments = head.segment_number;
    scenario.time_ns = head.time_ns;
    for (uint32_t i = 0; i < count && fault == FAULT_NONE; i++) {
        if (head.seq == 0 && i == 0) {
            ledger_scenario_begin(&scenario, 5);
            fault = ledger_folder_write(journal, &scenario, 1, 1);
        } else {
            fault = ledger_folder_rotate(journal, &scenario, directory, FAULT_VFS_NAME);
        }
        *durable = journal_durable_seq(journal);
    }
    journal_close(journal);
    return fault;
}

START_TEST(each_io_of_a_rotation_may_fail)
{
    ck_assert(fault_vfs_register());
    bool failed = true;
    uint64_t nth = 0, kept = 0;
    ck_assert_int_eq(mkdir(directory, 0700), 0); /* a VFS other than the system's does not */
    ck_assert_int_eq(open_segments(&kept, 2), FAULT_NONE);
    in_folder("mkdir ../kept && cp * ../kept");
    while (failed) {
        uint64_t durable = kept, again = 0;
        in_folder("rm -rf * && cp ../kept/* .");
        fault_vfs_fail(++nth, _i == 1);
        enum fault const fault = open_segments(&durable, 1);
        failed = fault_vfs_has_failed();
        fault_vfs_fail(0, false);
        if (!failed) ck_assert_int_eq(fault, FAULT_NONE);

        ck_assert_msg(open_segments(&again, 1) == FAULT_NONE, "after call %" PRIu64, nth);
        ck_assert_uint_ge(again, durable + 1);
        ck_assert_uint_le(again, durable + 2); /* the one whose fate was unknown */
        assert_verified(again);
    }
    ck_assert_uint_gt(nth, 40);
    in_folder("rm -rf ../kept");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series");
    TCase *cases = tcase_create("series");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, segments_follow_one_another);
    tcase_add_test(cases, nothing_rotates_before_it_is_prepared);
    tcase_add_test(cases, foreign_file_is_not_taken_over);
    tcase_add_loop_test(cases, start_goes_on_in_the_old_segment, 0, 2);
    tcase_add_test(cases, bodies_are_shared_within_a_segment_only);
    tcase_add_loop_test(cases, other_files_stop_the_start, 0,
                        sizeof unopenable / sizeof unopenable[0]);
    tcase_add_loop_test(cases, other_files_stop_the_replay, 0, sizeof broken / sizeof broken[0]);
    tcase_add_test(cases, everything_is_found_in_any_order);
    tcase_add_test(cases, missing_segment_is_told);
    tcase_add_test(cases, readers_follow_a_writer_that_rotates);
    tcase_add_loop_test(cases, each_io_of_a_rotation_may_fail, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
