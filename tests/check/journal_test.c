/* The journal: what is committed comes back, whatever happens in between. */
#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger/journal.h"
#include "ledger/verify/verify.h"
#include "proto/base/limits.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/simulator/fault_vfs.h"
#include "tests/simulator/tamper.h"

static char directory[FOLDER_PATH_BYTES];
static struct scenario scenario;
static struct journal_head head;

static void make_folder(void)
{
    ledger_folder_make(directory);
    ledger_scenario_begin(&scenario, 7);
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

static off_t size_of(const char *file)
{
    char path[2 * FOLDER_PATH_BYTES];
    struct stat found;
    (void)snprintf(path, sizeof path, "%s/%s", directory, file);
    return stat(path, &found) == 0 ? found.st_size : -1;
}

static void assert_verified(uint64_t entries)
{
    struct verify_report report;
    verify_ledger(directory, &report);
    ck_assert_msg(report.good, "entry %" PRIu64 ": %s", report.fault_seq, report.fault_words);
    ck_assert_uint_eq(report.entries, entries);
}

/* Compares what is replayed with the same scenario made again. */
struct comparison {
    struct scenario scenario;
    uint64_t seen;
};

static enum fault compare(void *context, const struct entry *entry, struct span body)
{
    struct comparison *comparison = context;
    comparison->seen++;
    while (comparison->scenario.seq < entry->public.seq)
        ledger_scenario_next(&comparison->scenario);
    const struct entry *expected = &comparison->scenario.entry;
    ck_assert_mem_eq(&entry->public, &expected->public, sizeof entry->public);
    ck_assert_mem_eq(&entry->private, &expected->private, sizeof entry->private);
    ck_assert(span_equal(body, body_span(&comparison->scenario.body)));
    return FAULT_NONE;
}

START_TEST(new_ledger_is_empty)
{
    struct journal *journal = open_journal();
    ck_assert_uint_eq(head.seq, 0);
    ck_assert_uint_eq(head.block_number, 0);
    ck_assert(hash_is_zero(&head.hash));
    ck_assert_uint_eq(journal_durable_seq(journal), 0);
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    ck_assert_int_eq(journal_idle(journal), FAULT_NONE);
    struct comparison comparison = {0};
    ck_assert_int_eq(journal_replay(journal, 1, compare, &comparison), FAULT_NONE);
    ck_assert_int_eq(journal_replay(journal, 2, compare, &comparison), FAULT_NOT_FOUND);
    ck_assert_uint_eq(comparison.seen, 0);
    journal_close(journal);
}
END_TEST

START_TEST(entries_come_back_after_reopening)
{
    struct journal *journal = open_journal();
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 500, 37), FAULT_NONE);
    ck_assert_uint_eq(journal_durable_seq(journal), 500);
    struct hash const last = scenario.entry.hash;
    journal_close(journal);
    ck_assert_int_eq(size_of("segment-000001.db-wal"), -1);

    journal = open_journal();
    ck_assert_uint_eq(head.seq, 500);
    ck_assert(hash_equal(&head.hash, &last));
    ck_assert_uint_eq(head.block_number, 14);
    ck_assert_int_eq(head.time_ns, scenario.time_ns);
    ck_assert_uint_eq(head.segment_number, 1);
    ck_assert_uint_eq(head.ledger_id[15], 16);
    static struct comparison comparison;
    ledger_scenario_begin(&comparison.scenario, 7);
    ck_assert_int_eq(journal_replay(journal, 1, compare, &comparison), FAULT_NONE);
    ck_assert_uint_eq(comparison.seen, 500);
    ledger_scenario_begin(&comparison.scenario, 7);
    ck_assert_int_eq(journal_replay(journal, 491, compare, &comparison), FAULT_NONE);
    ck_assert_uint_eq(comparison.seen, 510);

    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 100, 100), FAULT_NONE);
    journal_close(journal);
    assert_verified(600);
}
END_TEST

static enum fault stop_at_third(void *context, const struct entry *entry, struct span body)
{
    (void)entry;
    (void)body;
    return ++*(int *)context == 3 ? FAULT_VERSION : FAULT_NONE;
}

START_TEST(replay_ends_with_the_visitors_fault)
{
    struct journal *journal = open_journal();
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 10, 5), FAULT_NONE);
    int visits = 0;
    ck_assert_int_eq(journal_replay(journal, 1, stop_at_third, &visits), FAULT_VERSION);
    ck_assert_int_eq(visits, 3);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 10, 5), FAULT_NONE);
    journal_close(journal);
    assert_verified(20);
}
END_TEST

START_TEST(staged_entries_are_lost_without_commit)
{
    struct journal *journal = open_journal();
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 30, 10), FAULT_NONE);
    ledger_scenario_next(&scenario);
    ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body,
                                    ledger_scenario_evidence(&scenario)),
                     FAULT_NONE);
    ck_assert_uint_eq(journal_staged(journal), 1);
    ck_assert_uint_eq(journal_durable_seq(journal), 30);
    journal_close(journal);
    journal = open_journal();
    ck_assert_uint_eq(head.seq, 30);
    journal_close(journal);
}
END_TEST

/* Cuts the message of the entry at hand, so that it is the entries that fill a block. */
static void shorten(void)
{
    if (ledger_scenario_evidence(&scenario) == NULL) return;
    scenario.evidence.bytes.size = 100;
    scenario.evidence.hash = hash_of(scenario.evidence.bytes);
    scenario.entry.public.evidence_hash = scenario.evidence.hash;
}

START_TEST(full_block_is_committed_and_goes_on)
{
    struct journal *journal = open_journal();
    for (uint32_t i = 0; i < BLOCK_ENTRIES_MAX; i++) {
        ledger_scenario_next(&scenario);
        shorten();
        ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body,
                                        ledger_scenario_evidence(&scenario)),
                         FAULT_NONE);
    }
    ledger_scenario_next(&scenario);
    shorten();
    ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body,
                                    ledger_scenario_evidence(&scenario)),
                     FAULT_FULL);
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body,
                                    ledger_scenario_evidence(&scenario)),
                     FAULT_NONE);
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    journal_close(journal);
    assert_verified(BLOCK_ENTRIES_MAX + 1);
}
END_TEST

/* Gives the entry at hand a message of the largest size instead of its own. */
static void enlarge(struct evidence *evidence, char *bytes)
{
    for (size_t i = 0; i < LIMIT_MESSAGE_BYTES; i += sizeof scenario.seq)
        memcpy(bytes + i, scenario.entry.private.salt.bytes + i % 24, sizeof scenario.seq);
    memcpy(bytes, &scenario.seq, sizeof scenario.seq);
    *evidence = scenario.evidence;
    evidence->bytes = span_of(bytes, LIMIT_MESSAGE_BYTES);
    evidence->hash = hash_of(evidence->bytes);
    scenario.entry.public.evidence_hash = evidence->hash;
}

START_TEST(full_evidence_is_committed_and_goes_on)
{
    struct journal *journal = open_journal();
    static char bytes[LIMIT_MESSAGE_BYTES];
    uint32_t full = 0, messages = 0;
    while (messages < 300) {
        ledger_scenario_next(&scenario);
        struct evidence evidence;
        bool const caused = ledger_scenario_evidence(&scenario) != NULL;
        if (caused) enlarge(&evidence, bytes);
        messages += caused;
        enum fault fault =
            journal_append(journal, &scenario.entry, &scenario.body, caused ? &evidence : NULL);
        if (fault == FAULT_FULL) {
            full++;
            ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
            fault = journal_append(journal, &scenario.entry, &scenario.body, &evidence);
        }
        ck_assert_int_eq(fault, FAULT_NONE);
    }
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    ck_assert_uint_eq(full, 2); /* 128 messages of 64 KiB are 8 MiB */
    journal_close(journal);
    assert_verified(scenario.seq);
}
END_TEST

START_TEST(equal_bodies_and_messages_are_stored_once)
{
    struct journal *journal = open_journal();
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 13, 13), FAULT_NONE);
    /* The payments that follow all have the same InstrId and UETR. */
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 200, 20), FAULT_NONE);
    journal_close(journal);
    const char *file = "segment-000001.db";
    ck_assert_int_eq(
        tamper_count(directory, file, "SELECT count(body) FROM entries WHERE seq > 13"), 1);
    ck_assert_int_gt(tamper_count(directory, file, "SELECT count(body_seq) FROM entries"), 50);
    static struct comparison comparison;
    ledger_scenario_begin(&comparison.scenario, 7);
    journal = open_journal();
    ck_assert_int_eq(journal_replay(journal, 1, compare, &comparison), FAULT_NONE);
    journal_close(journal);
}
END_TEST

START_TEST(second_open_is_busy)
{
    struct journal *journal = open_journal(), *second = NULL;
    ck_assert_int_eq(open_with(&second, NULL), FAULT_BUSY);
    pid_t const child = fork();
    if (child == 0) _exit(open_with(&second, NULL) == FAULT_BUSY ? 0 : 1);
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 20, 5), FAULT_NONE);
    journal_close(journal);
    journal = open_journal();
    journal_close(journal);
}
END_TEST

static const char *const refused[] = {
    "UPDATE entries SET hash = zeroblob(32) WHERE seq = 5",
    "DELETE FROM entries WHERE seq = 20",
    "INSERT INTO entries SELECT 3, public, private, hash, body, body_seq FROM entries WHERE seq = "
    "4",
    "INSERT OR REPLACE INTO entries SELECT 3, public, private, hash, body, body_seq FROM entries"
    " WHERE seq = 4",
    "REPLACE INTO entries SELECT * FROM entries WHERE seq = 20",
    "UPDATE blocks SET header = zeroblob(104)",
    "DELETE FROM blocks WHERE number = 2",
    "INSERT OR REPLACE INTO blocks SELECT 1, header FROM blocks WHERE number = 2",
    "UPDATE evidence SET frame = x'00'",
    "DELETE FROM evidence",
    "INSERT OR REPLACE INTO evidence SELECT 3, frame FROM evidence WHERE block = 4",
};

START_TEST(triggers_refuse)
{
    ledger_folder_fill(directory, 7, 20, 5);
    ck_assert_msg(tamper_is_refused(directory, refused[_i]), "%s", refused[_i]);
    assert_verified(20);
}
END_TEST

static const struct {
    const char *sql;
    enum fault fault;
} unopenable[] = {
    {"PRAGMA user_version = 2", FAULT_VERSION},
    {"PRAGMA application_id = 5", FAULT_CORRUPT},
    {"UPDATE entries SET public = flip(public, 60) WHERE seq = 98", FAULT_CORRUPT},
    {"UPDATE entries SET private = flip(private, 20) WHERE seq = 100", FAULT_CORRUPT},
    {"UPDATE entries SET hash = flip(hash, 0) WHERE seq = 100", FAULT_CORRUPT},
    {"UPDATE entries SET body = flip(body, 9) WHERE seq = 1", FAULT_CORRUPT},
    {"DELETE FROM entries WHERE seq = 95", FAULT_CORRUPT},
    {"DELETE FROM entries WHERE seq = 100", FAULT_CORRUPT},
    {"DELETE FROM entries WHERE seq > 90", FAULT_CORRUPT},
    {"DELETE FROM blocks WHERE number = 10", FAULT_CORRUPT},
    {"DELETE FROM blocks WHERE number = 9", FAULT_CORRUPT},
    {"UPDATE blocks SET header = flip(header, 72) WHERE number = 10", FAULT_CORRUPT},
    {"UPDATE blocks SET header = flip(header, 40) WHERE number = 10", FAULT_CORRUPT},
    {"UPDATE blocks SET header = flip(header, 0) WHERE number = 10", FAULT_VERSION},
    {"UPDATE blocks SET header = flip(header, 4) WHERE number = 10", FAULT_CORRUPT},
    {"UPDATE blocks SET header = flip(header, 16) WHERE number = 10", FAULT_CORRUPT},
};

START_TEST(damage_at_the_end_stops_the_start)
{
    ledger_folder_fill(directory, 7, 100, 10);
    ck_assert(tamper_run(directory, "segment-000001.db", unopenable[_i].sql));
    struct journal *journal = NULL;
    ck_assert_msg(open_with(&journal, NULL) == unopenable[_i].fault, "%s", unopenable[_i].sql);
    ck_assert_ptr_null(journal);
}
END_TEST

static enum fault pass(void *context, const struct entry *entry, struct span body)
{
    (void)body;
    *(uint64_t *)context = entry->public.seq;
    return FAULT_NONE;
}

START_TEST(damage_in_the_middle_stops_the_replay)
{
    ledger_folder_fill(directory, 7, 100, 10);
    ck_assert(tamper_run(directory, "segment-000001.db",
                         "UPDATE entries SET private = flip(private, 16) WHERE seq = 42"));
    struct journal *journal = open_journal();
    uint64_t last = 0;
    ck_assert_int_eq(journal_replay(journal, 1, pass, &last), FAULT_CORRUPT);
    ck_assert_uint_eq(last, 41);
    ck_assert_int_eq(journal_replay(journal, 43, pass, &last), FAULT_NONE);
    ck_assert_uint_eq(last, 100);
    journal_close(journal);
}
END_TEST

START_TEST(foreign_file_is_refused)
{
    char command[3 * FOLDER_PATH_BYTES];
    (void)snprintf(command, sizeof command,
                   "mkdir '%s' && echo 'this is no database, it is text' > '%s/segment-000001.db'",
                   directory, directory);
    ck_assert_int_eq(system(command), 0);
    struct journal *journal = NULL;
    ck_assert_int_eq(open_with(&journal, NULL), FAULT_CORRUPT);
}
END_TEST

/* --- the write-ahead log ---------------------------------------------------------------------- */

/* Commits a block with 8 MiB of messages that do not shrink. */
static void commit_large_block(struct journal *journal)
{
    static char bytes[LIMIT_MESSAGE_BYTES];
    static uint64_t random = 88172645463325252u;
    for (uint32_t messages = 0; messages < 128;) {
        ledger_scenario_next(&scenario);
        struct evidence evidence = scenario.evidence;
        bool const caused = ledger_scenario_evidence(&scenario) != NULL;
        for (size_t i = 0; caused && i < sizeof bytes; i += sizeof random) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            memcpy(bytes + i, &random, sizeof random);
        }
        if (caused) {
            evidence.bytes = span_of(bytes, sizeof bytes);
            evidence.hash = hash_of(evidence.bytes);
            scenario.entry.public.evidence_hash = evidence.hash;
            messages++;
        }
        ck_assert_int_eq(
            journal_append(journal, &scenario.entry, &scenario.body, caused ? &evidence : NULL),
            FAULT_NONE);
    }
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
}

static off_t log_size(void)
{
    return size_of("segment-000001.db-wal");
}

/* It stays bounded without an idle moment, and an idle moment moves what there is. */
START_TEST(log_is_moved_into_the_segment)
{
    struct journal *journal = open_journal();
    off_t largest = 0;
    for (uint32_t block = 0; block < 12; block++) {
        commit_large_block(journal);
        if (log_size() > largest) largest = log_size();
    }
    ck_assert_int_gt(largest, LIMIT_WAL_BYTES / 2);
    ck_assert_int_lt(largest, LIMIT_WAL_BYTES + 12 * 1024 * 1024);
    off_t const before = size_of("segment-000001.db");
    ck_assert_int_gt(before, LIMIT_WAL_BYTES);
    ck_assert_int_eq(journal_idle(journal), FAULT_NONE);
    ck_assert_int_gt(size_of("segment-000001.db"), before);
    journal_close(journal);
    ck_assert_int_eq(log_size(), -1);
    assert_verified(scenario.seq);
}
END_TEST

/* A reader that holds an old state open makes it grow; once it lets go the log is cut again. */
START_TEST(log_grows_only_while_a_reader_holds_it)
{
    struct journal *journal = open_journal();
    commit_large_block(journal);
    void *held = tamper_hold(directory);
    ck_assert_ptr_nonnull(held);
    for (uint32_t block = 0; block < 10; block++) {
        commit_large_block(journal);
        ck_assert_int_eq(journal_idle(journal), FAULT_NONE);
    }
    ck_assert_int_gt(log_size(), LIMIT_WAL_BYTES + 12 * 1024 * 1024);
    tamper_release(held);
    commit_large_block(journal); /* moves the log */
    commit_large_block(journal); /* starts it again */
    ck_assert_int_le(log_size(), LIMIT_WAL_BYTES);
    journal_close(journal);
    assert_verified(scenario.seq);
}
END_TEST

/* A checkpoint that fails closes the journal, and loses nothing. */
START_TEST(checkpoint_may_fail)
{
    static const uint64_t calls[] = {1, 2, 3, 10, 100, 500};
    ck_assert(fault_vfs_register());
    struct journal *journal = open_journal(); /* makes the folder, which another VFS does not */
    journal_close(journal);
    ck_assert_int_eq(open_with(&journal, FAULT_VFS_NAME), FAULT_NONE);
    commit_large_block(journal);
    uint64_t const durable = journal_durable_seq(journal);
    fault_vfs_fail(calls[_i], _i % 2 == 0);
    ck_assert_int_eq(journal_idle(journal), FAULT_IO);
    ck_assert(fault_vfs_has_failed());
    ck_assert_int_eq(journal_idle(journal), FAULT_CLOSED);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 1, 1), FAULT_CLOSED);
    fault_vfs_fail(0, false);
    journal_close(journal);
    assert_verified(durable);
    journal = open_journal();
    ck_assert_uint_eq(head.seq, durable);
    journal_close(journal);
    assert_verified(durable);
}
END_TEST

/* What a killed process wrote may never have been synced, so a start syncs before it says that
 * anything is durable. */
START_TEST(start_syncs_what_it_reads)
{
    ck_assert(fault_vfs_register());
    pid_t const child = fork();
    if (child == 0) {
        struct journal *left = NULL;
        bool const written = open_with(&left, NULL) == FAULT_NONE &&
                             ledger_folder_write(left, &scenario, 20, 5) == FAULT_NONE;
        _exit(written ? 0 : 1); /* without closing: the log stays */
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_gt(log_size(), 0);

    struct journal *journal = NULL;
    fault_vfs_fail_syncs(true);
    ck_assert_int_eq(open_with(&journal, FAULT_VFS_NAME), FAULT_IO);
    fault_vfs_fail_syncs(false);
    ck_assert_int_eq(open_with(&journal, FAULT_VFS_NAME), FAULT_NONE);
    ck_assert_uint_eq(head.seq, 20);
    journal_close(journal);
}
END_TEST

/* A child commits as fast as it can and tells each durable sequence; it is killed at a moment that
 * nobody chose.  What it told must be there, and the rest must be whole. */
START_TEST(killed_writer_loses_nothing_that_it_told)
{
    uint64_t told = 0;
    for (unsigned round = 0; round < 12; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t const child = fork();
        if (child == 0) {
            struct journal *journal = NULL;
            if (open_with(&journal, NULL) != FAULT_NONE) _exit(1);
            while (scenario.seq < head.seq)
                ledger_scenario_next(&scenario);
            for (uint32_t batch = 1;; batch = batch % 50 + 1) {
                if (ledger_folder_write(journal, &scenario, batch, batch) != FAULT_NONE) _exit(2);
                uint64_t const seq = journal_durable_seq(journal);
                if (write(ends[1], &seq, sizeof seq) != sizeof seq) _exit(3);
                if (journal_idle(journal) != FAULT_NONE) _exit(4);
            }
        }
        (void)close(ends[1]);
        struct timespec const wait = {.tv_nsec = 20000000 + 7919 * 1000 * (long)(round + 1)};
        (void)nanosleep(&wait, NULL);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        int status = -1;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        uint64_t seq;
        while (read(ends[0], &seq, sizeof seq) == sizeof seq)
            told = seq;
        (void)close(ends[0]);

        struct journal *journal = open_journal();
        ck_assert_uint_ge(head.seq, told);
        uint64_t const durable = head.seq;
        journal_close(journal);
        assert_verified(durable);
    }
    ck_assert_uint_gt(told, 0);
}
END_TEST

/* --- every I/O in turn ------------------------------------------------------------------------ */

/* Opens, replays, commits a few blocks and closes; *durable is what was told to be durable. */
static enum fault work(uint64_t *durable)
{
    struct journal *journal = NULL;
    uint64_t last = 0;
    enum fault fault = open_with(&journal, FAULT_VFS_NAME);
    if (fault != FAULT_NONE) return fault;
    ledger_scenario_begin(&scenario, 7);
    while (scenario.seq < head.seq)
        ledger_scenario_next(&scenario);
    *durable = head.seq;
    fault = journal_replay(journal, 1, pass, &last);
    for (uint32_t i = 0; i < 3 && fault == FAULT_NONE; i++) {
        fault = ledger_folder_write(journal, &scenario, 7, 7);
        *durable = journal_durable_seq(journal);
        if (fault == FAULT_NONE) continue;
        ck_assert_int_eq(fault, FAULT_IO);
        ck_assert_int_eq(journal_commit(journal), FAULT_CLOSED);
        ck_assert_int_eq(journal_idle(journal), FAULT_CLOSED);
        ck_assert_int_eq(ledger_folder_write(journal, &scenario, 1, 1), FAULT_CLOSED);
    }
    journal_close(journal);
    return fault;
}

START_TEST(each_io_may_fail)
{
    ck_assert(fault_vfs_register());
    bool const for_good = _i % 2 == 1;
    bool const has_ledger = _i / 2 == 1;
    uint64_t nth = 0;
    bool failed = true;
    while (failed) {
        char command[3 * FOLDER_PATH_BYTES];
        (void)snprintf(command, sizeof command, "rm -rf '%s' && mkdir '%s'", directory, directory);
        ck_assert_int_eq(system(command), 0);
        if (has_ledger) ledger_folder_fill(directory, 7, 20, 10);
        uint64_t durable = has_ledger ? 20 : 0;
        fault_vfs_fail(++nth, for_good);
        enum fault const fault = work(&durable);
        failed = fault_vfs_has_failed();
        fault_vfs_fail(0, false);
        if (!failed) ck_assert_int_eq(fault, FAULT_NONE);

        uint64_t again = 0;
        ck_assert_msg(work(&again) == FAULT_NONE, "after the failure of call %" PRIu64, nth);
        uint64_t const start = again - 21;
        ck_assert_uint_ge(start, durable);
        ck_assert_uint_le(start, durable + 7); /* at most the block whose fate was unknown */
        assert_verified(again);
    }
    ck_assert_uint_gt(nth, 40);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *basics = tcase_create("basics");
    tcase_add_checked_fixture(basics, make_folder, remove_folder);
    tcase_add_test(basics, new_ledger_is_empty);
    tcase_add_test(basics, entries_come_back_after_reopening);
    tcase_add_test(basics, replay_ends_with_the_visitors_fault);
    tcase_add_test(basics, staged_entries_are_lost_without_commit);
    tcase_add_test(basics, full_block_is_committed_and_goes_on);
    tcase_add_test(basics, equal_bodies_and_messages_are_stored_once);
    tcase_add_test(basics, second_open_is_busy);
    tcase_add_test(basics, foreign_file_is_refused);
    tcase_add_loop_test(basics, triggers_refuse, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(basics, damage_at_the_end_stops_the_start, 0,
                        sizeof unopenable / sizeof unopenable[0]);
    tcase_add_test(basics, damage_in_the_middle_stops_the_replay);
    suite_add_tcase(suite, basics);

    TCase *hard = tcase_create("hard");
    tcase_add_checked_fixture(hard, make_folder, remove_folder);
    tcase_set_timeout(hard, 120);
    tcase_add_test(hard, full_evidence_is_committed_and_goes_on);
    tcase_add_test(hard, log_is_moved_into_the_segment);
    tcase_add_test(hard, log_grows_only_while_a_reader_holds_it);
    tcase_add_test(hard, start_syncs_what_it_reads);
    tcase_add_loop_test(hard, checkpoint_may_fail, 0, 6);
    tcase_add_test(hard, killed_writer_loses_nothing_that_it_told);
    tcase_add_loop_test(hard, each_io_may_fail, 0, 4);
    suite_add_tcase(suite, hard);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
