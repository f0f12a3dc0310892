/* Backup and restore: the copy is the ledger, block by block, whoever is killed and whatever is full;
 * what is damaged is not copied; what is not whole is not restored.
 */
#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/backup.h"
#include "ledger/series.h"
#include "ledger/verify/verify.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_signed.h"
#include "tests/simulator/tamper.h"

static char directory[FOLDER_PATH_BYTES], dest[FOLDER_PATH_BYTES + 16],
    again[FOLDER_PATH_BYTES + 16];
static struct backup_report report;

static void make_folder(void)
{
    ledger_folder_make(directory);
    (void)snprintf(dest, sizeof dest, "%s/../copy", directory);
    (void)snprintf(again, sizeof again, "%s/../again", directory);
    ledger_signed_make(directory);
}

static void in_folder(const char *command)
{
    char whole[8 * FOLDER_PATH_BYTES];
    (void)snprintf(whole, sizeof whole, "cd '%s/..' && %s", directory, command);
    ck_assert_int_eq(system(whole), 0);
}

static void remove_folder(void)
{
    ledger_signed_end();
    in_folder("rm -rf copy again copy.partial again.partial");
    ledger_folder_remove(directory);
}

/* --- what is asked of a copy ------------------------------------------------------------------ */

static enum fault run(void)
{
    return backup_run(directory, dest, NULL, NULL, &report);
}

static const char *state(void)
{
    static char line[200];
    char path[2 * FOLDER_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/" BACKUP_STATE_FILE, dest);
    FILE *file = fopen(path, "r");
    if (file == NULL) return "none";
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    (void)fclose(file);
    return line;
}

static void assert_incomplete(void)
{
    ck_assert_str_eq(state(), "incomplete\n");
    ck_assert_int_eq(backup_restore(dest, again, NULL, NULL, &report), FAULT_INVALID);
    ck_assert_int_ne(access(again, F_OK), 0);
}

static void assert_same(const char *where, uint64_t entries)
{
    ledger_signed_equal(directory, where, entries);
}

/* --- copies ----------------------------------------------------------------------------------- */

START_TEST(a_copy_is_the_ledger_in_whole_files)
{
    char expected[200], head[HASH_TEXT_BYTES];
    ck_assert_int_eq(run(), FAULT_NONE);
    ck_assert_uint_eq(report.entries, SIGNED_ENTRIES);
    ck_assert_uint_eq(report.added_entries, SIGNED_ENTRIES);
    ck_assert_uint_eq(report.blocks, SIGNED_BLOCKS);
    hash_print(&report.head, head);
    (void)snprintf(expected, sizeof expected, "ok entries=183 blocks=21 head=%s\n", head);
    ck_assert_str_eq(state(), expected);
    in_folder("test -z \"$(ls copy | grep -E 'wal|shm|new')\"");
    in_folder("test \"$(stat -c %a copy/segment-* | sort | uniq -c | tr -s '\\n ' _)\" = "
              "_2_444_1_644_");
    assert_same(dest, SIGNED_ENTRIES);
}
END_TEST

START_TEST(a_second_run_adds_nothing_a_third_what_is_new)
{
    ck_assert_int_eq(run(), FAULT_NONE);
    ck_assert_int_eq(run(), FAULT_NONE);
    ck_assert_uint_eq(report.added_entries, 0);
    in_folder("test -z \"$(ls copy | grep -E 'wal|shm|new')\"");
    struct journal *journal = ledger_signed_open(directory);
    ledger_signed_write(journal, 25);
    ledger_signed_checkpoint(directory, 5); /* a receipt was asked of an old block */
    ck_assert_int_eq(run(), FAULT_NONE);    /* beside the open journal */
    ck_assert_uint_eq(report.added_entries, 25);
    assert_same(dest, SIGNED_ENTRIES + 25);
    ledger_signed_segment(journal, directory);
    ledger_signed_seal(directory, 3);
    ck_assert_int_eq(run(), FAULT_NONE);
    ck_assert_uint_eq(report.added_entries, 61);
    assert_same(dest, SIGNED_ENTRIES + 25 + 61);
    journal_close(journal);
}
END_TEST

START_TEST(a_prepared_segment_is_not_copied)
{
    ck_assert_int_eq(series_prepare(directory, NULL, 4), FAULT_NONE);
    ck_assert_int_eq(run(), FAULT_NONE);
    in_folder("test ! -e copy/segment-000004.db");
    assert_same(dest, SIGNED_ENTRIES);
}
END_TEST

static enum fault die_at(void *context, const struct backup_report *so_far)
{
    uint64_t const *const block = context;
    if (so_far->blocks == *block) (void)raise(SIGKILL);
    return FAULT_NONE;
}

static void run_killed_at(uint64_t block)
{
    int status;
    pid_t const child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit((int)backup_run(directory, dest, die_at, &block, &report));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

START_TEST(killed_at_any_block_the_next_run_completes)
{
    for (uint64_t block = 1; block <= SIGNED_BLOCKS; block += 2) {
        run_killed_at(block);
        assert_incomplete();
        if (block % 3 == 0) continue; /* some are killed again, further on */
        ck_assert_int_eq(run(), FAULT_NONE);
        assert_same(dest, SIGNED_ENTRIES);
        in_folder("rm -rf copy");
    }
}
END_TEST

/* Behind the blocks come signatures; a disk that is full at any size of a file is found too. */
START_TEST(a_full_disk_leaves_a_copy_that_can_be_completed)
{
    for (rlim_t bytes = 1000; bytes < 400000; bytes = bytes * 3 / 2) {
        int status;
        pid_t const child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            struct rlimit const limit = {.rlim_cur = bytes, .rlim_max = bytes};
            (void)signal(SIGXFSZ, SIG_IGN);
            bool const limited = setrlimit(RLIMIT_FSIZE, &limit) == 0;
            enum fault const fault = run();
            _exit(!limited || (fault != FAULT_NONE && fault != FAULT_IO));
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        ck_assert_msg(strncmp(state(), "ok entries=183 ", 15) == 0 ||
                          strcmp(state(), "none") == 0 || strcmp(state(), "incomplete\n") == 0,
                      "%s", state());
    }
    ck_assert_int_eq(run(), FAULT_NONE);
    assert_same(dest, SIGNED_ENTRIES);
}
END_TEST

/* --- damage ----------------------------------------------------------------------------------- */

static const struct {
    const char *file, *sql;
} damages[] = {
    {"segment-000001.db", "UPDATE entries SET public = flip(public, 60) WHERE seq = 40"},
    {"segment-000001.db", "UPDATE entries SET private = flip(private, 20) WHERE seq = 40"},
    {"segment-000001.db", "UPDATE entries SET hash = flip(hash, 1) WHERE seq = 40"},
    {"segment-000002.db", "UPDATE entries SET body = flip(body, 8) WHERE seq = 62"},
    {"segment-000003.db", "DELETE FROM entries WHERE seq = 130"},
    {"segment-000002.db", "UPDATE blocks SET header = flip(header, 80) WHERE number = 10"},
    {"segment-000002.db", "UPDATE blocks SET header = flip(header, 33) WHERE number = 10"},
    {"segment-000002.db", "DELETE FROM blocks WHERE number = 10"},
    {"segment-000003.db", "UPDATE evidence SET frame = flip(frame, 90) WHERE block = 17"},
    {"segment-000003.db",
     "UPDATE evidence SET frame = (SELECT frame FROM evidence WHERE block = 18)"
     " WHERE block = 17"},
    {"signatures.db", "UPDATE checkpoints SET signature = flip(signature, 20) WHERE block = 8"},
    {"signatures.db", "UPDATE checkpoints SET header = flip(header, 50) WHERE block = 8"},
    {"signatures.db", "UPDATE seals SET signature = flip(signature, 20) WHERE segment = 2"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 130) WHERE segment = 2"},
    {"signatures.db", "UPDATE certificates SET der = flip(der, 100)"},
    {"signatures.db", "DELETE FROM certificates"},
};

static void damage(const char *where, int i)
{
    static const char remove_triggers[] =
        "DROP TRIGGER IF EXISTS certificates_update; DROP TRIGGER IF EXISTS certificates_delete;"
        "DROP TRIGGER IF EXISTS checkpoints_update; DROP TRIGGER IF EXISTS seals_update;";
    char sql[1000];
    in_folder("chmod -R u+w .");
    (void)snprintf(sql, sizeof sql, "%s%s", remove_triggers, damages[i].sql);
    ck_assert(tamper_run(where, damages[i].file, sql));
}

START_TEST(what_is_damaged_is_not_copied)
{
    damage(directory, _i);
    ck_assert_int_eq(run(), FAULT_CORRUPT);
    assert_incomplete();
}
END_TEST

START_TEST(a_damaged_backup_is_not_restored)
{
    ck_assert_int_eq(run(), FAULT_NONE);
    damage(dest, _i);
    ck_assert_int_eq(backup_restore(dest, again, NULL, NULL, &report), FAULT_CORRUPT);
    ck_assert_int_ne(access(again, F_OK), 0);
}
END_TEST

/* Cut behind block 20, everything good: only backup.txt knows of block 21. */
START_TEST(a_backup_that_was_cut_is_not_restored)
{
    in_folder("rm ledger/signatures.db");
    ck_assert_int_eq(run(), FAULT_NONE);
    in_folder("chmod u+w copy/segment-*");
    ck_assert(tamper_run(dest, "segment-000003.db", "DELETE FROM entries WHERE seq > 173"));
    ck_assert(tamper_run(dest, "segment-000003.db", "DELETE FROM blocks WHERE number > 20"));
    ck_assert(tamper_run(dest, "segment-000003.db", "DELETE FROM evidence WHERE block > 20"));
    ck_assert_int_eq(backup_restore(dest, again, NULL, NULL, &report), FAULT_INVALID);
    ck_assert_int_ne(access(again, F_OK), 0);
}
END_TEST

START_TEST(directories_that_will_not_do)
{
    char other[FOLDER_PATH_BYTES];
    ck_assert_int_eq(backup_run(directory, directory, NULL, NULL, &report), FAULT_INVALID);
    ck_assert_int_eq(backup_run(again, dest, NULL, NULL, &report), FAULT_NOT_FOUND);
    ck_assert_int_eq(run(), FAULT_NONE);

    ledger_folder_make(other); /* another history: not even the first block is the same */
    ledger_folder_fill_segments(other, 6, 3, 60, 10);
    ck_assert_int_eq(backup_run(other, dest, NULL, NULL, &report), FAULT_CORRUPT);
    ledger_folder_remove(other);

    struct journal *journal =
        ledger_signed_open(dest); /* somebody has started a switch on the copy */
    ck_assert_int_eq(run(), FAULT_BUSY);
    journal_close(journal);
    ck_assert_int_eq(run(), FAULT_NONE);

    in_folder("mkdir again && touch again/file");
    ck_assert_int_eq(backup_restore(dest, again, NULL, NULL, &report), FAULT_INVALID);
    in_folder("rm -r again && mkdir again.partial && touch again.partial/file");
    ck_assert_int_eq(backup_restore(dest, again, NULL, NULL, &report), FAULT_INVALID);
    in_folder("rm -r again.partial");
    assert_same(dest, SIGNED_ENTRIES);
}
END_TEST

/* A copy of which the ledger was cut: the copy knows better, and nothing is overwritten. */
START_TEST(a_ledger_that_was_cut_does_not_shorten_its_copy)
{
    ck_assert_int_eq(run(), FAULT_NONE);
    in_folder("rm ledger/segment-000003.db");
    ck_assert_int_eq(run(), FAULT_CORRUPT);
    ck_assert_int_eq(tamper_count(dest, "segment-000003.db", "SELECT max(seq) FROM entries"), 183);
}
END_TEST

/* --- restored --------------------------------------------------------------------------------- */

START_TEST(a_restored_ledger_is_the_ledger_and_goes_on)
{
    static struct verify_report verdict;
    ck_assert_int_eq(run(), FAULT_NONE);
    if (_i == 1) in_folder("mkdir again");
    ck_assert_int_eq(backup_restore(dest, again, NULL, NULL, &report), FAULT_NONE);
    assert_same(again, SIGNED_ENTRIES);
    in_folder("test ! -e again.partial && test ! -e again/" BACKUP_STATE_FILE);
    in_folder("test -z \"$(ls again | grep -E 'wal|shm|new')\"");
    struct journal *journal = ledger_signed_open(again);
    ledger_signed_write(journal, 25);
    ledger_signed_segment(journal, again);
    journal_close(journal);
    verify_ledger(again, &verdict);
    ck_assert_msg(verdict.good, "%s", verdict.fault_words);
    ck_assert_uint_eq(verdict.entries, SIGNED_ENTRIES + 25 + 61);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup");
    TCase *cases = tcase_create("backup");
    int const damage_count = (int)(sizeof damages / sizeof damages[0]);
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_copy_is_the_ledger_in_whole_files);
    tcase_add_test(cases, a_second_run_adds_nothing_a_third_what_is_new);
    tcase_add_test(cases, a_prepared_segment_is_not_copied);
    tcase_add_test(cases, killed_at_any_block_the_next_run_completes);
    tcase_add_test(cases, a_full_disk_leaves_a_copy_that_can_be_completed);
    tcase_add_loop_test(cases, what_is_damaged_is_not_copied, 0, damage_count);
    tcase_add_loop_test(cases, a_damaged_backup_is_not_restored, 0, damage_count);
    tcase_add_test(cases, a_backup_that_was_cut_is_not_restored);
    tcase_add_test(cases, directories_that_will_not_do);
    tcase_add_test(cases, a_ledger_that_was_cut_does_not_shorten_its_copy);
    tcase_add_loop_test(cases, a_restored_ledger_is_the_ledger_and_goes_on, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
