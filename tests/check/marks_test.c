/* Marks: what was stored is loaded, whoever is killed; what is no mark is refused. */
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

#include "ledger/marks.h"
#include "tests/check/ledger_folder.h"
#include "tests/simulator/fault_vfs.h"
#include "tests/simulator/tamper.h"

#define FILE_NAME "marks.db"

static char directory[FOLDER_PATH_BYTES];
static const uint8_t id[MARKS_LEDGER_ID_BYTES] = {1, 2, 3};

static void make_folder(void)
{
    ledger_folder_make(directory);
    ck_assert_int_eq(mkdir(directory, 0700), 0);
}

static void remove_folder(void)
{
    ledger_folder_remove(directory);
}

static struct marks *open_marks(void)
{
    struct marks *marks = NULL;
    ck_assert_int_eq(marks_open(&marks, directory, NULL, id), FAULT_NONE);
    return marks;
}

/* A mark whose every field follows from its code and cursor. */
static const struct mark *mark_of(unsigned participant, uint64_t cursor, uint32_t outstanding)
{
    static struct mark mark;
    char code[16];
    (void)snprintf(code, sizeof code, "%08u", participant);
    mark = (struct mark){.cursor = cursor, .outstanding_count = outstanding};
    memcpy(mark.code.text, code, PARTICIPANT_CODE_BYTES);
    for (uint32_t i = 0; i < outstanding; i++)
        mark.outstanding[i] = cursor - outstanding + i;
    return &mark;
}

struct found {
    uint32_t count;
    struct mark marks[8];
};

static enum fault keep(void *context, const struct mark *mark)
{
    struct found *found = context;
    found->marks[found->count++] = *mark;
    return FAULT_NONE;
}

static const struct found *load(struct marks *marks)
{
    static struct found found;
    found.count = 0;
    ck_assert_int_eq(marks_load(marks, keep, &found), FAULT_NONE);
    return &found;
}

static void assert_mark(const struct mark *found, const struct mark *expected)
{
    ck_assert(identifier_code_equal(found->code, expected->code));
    ck_assert_uint_eq(found->cursor, expected->cursor);
    ck_assert_uint_eq(found->outstanding_count, expected->outstanding_count);
    ck_assert_mem_eq(found->outstanding, expected->outstanding,
                     expected->outstanding_count * sizeof expected->outstanding[0]);
}

START_TEST(marks_come_back)
{
    struct marks *marks = open_marks();
    ck_assert_uint_eq(load(marks)->count, 0);
    ck_assert_int_eq(marks_put(marks, mark_of(10000002, 5000, LIMIT_OUTSTANDING)), FAULT_NONE);
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 1, 0)), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 9, 3)), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    marks_close(marks);

    marks = open_marks();
    const struct found *found = load(marks);
    ck_assert_uint_eq(found->count, 2);
    assert_mark(&found->marks[0], mark_of(10000001, 9, 3));
    assert_mark(&found->marks[1], mark_of(10000002, 5000, LIMIT_OUTSTANDING));
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 77, 0)), FAULT_NONE);
    marks_close(marks); /* staged only: not stored */
    marks = open_marks();
    assert_mark(&load(marks)->marks[0], mark_of(10000001, 9, 3));
    marks_close(marks);
}
END_TEST

static enum fault refuse(void *context, const struct mark *mark)
{
    (void)mark;
    ++*(int *)context;
    return FAULT_FULL;
}

START_TEST(load_ends_with_the_visitors_fault)
{
    struct marks *marks = open_marks();
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 9, 3)), FAULT_NONE);
    ck_assert_int_eq(marks_put(marks, mark_of(10000002, 9, 3)), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    int visits = 0;
    ck_assert_int_eq(marks_load(marks, refuse, &visits), FAULT_FULL);
    ck_assert_int_eq(visits, 1);
    ck_assert_uint_eq(load(marks)->count, 2);
    marks_close(marks);
}
END_TEST

START_TEST(marks_of_another_ledger_are_thrown_away)
{
    static const uint8_t other_id[MARKS_LEDGER_ID_BYTES] = {4};
    struct marks *marks = open_marks();
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 9, 3)), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    marks_close(marks);
    ck_assert_int_eq(marks_open(&marks, directory, NULL, other_id), FAULT_NONE);
    ck_assert_uint_eq(load(marks)->count, 0);
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 2, 0)), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    marks_close(marks);
    ck_assert_int_eq(marks_open(&marks, directory, NULL, other_id), FAULT_NONE);
    ck_assert_uint_eq(load(marks)->count, 1);
    marks_close(marks);
}
END_TEST

static const struct {
    const char *sql;
    enum fault open, load;
} damages[] = {
    {"PRAGMA user_version = 2", FAULT_VERSION, FAULT_NONE},
    {"PRAGMA application_id = 2", FAULT_CORRUPT, FAULT_NONE},
    {"UPDATE marks SET code = '1000000'", FAULT_NONE, FAULT_CORRUPT},
    {"UPDATE marks SET code = '1000-001'", FAULT_NONE, FAULT_CORRUPT},
    {"UPDATE marks SET cursor = 0", FAULT_NONE, FAULT_CORRUPT},
    {"UPDATE marks SET cursor = -1", FAULT_NONE, FAULT_CORRUPT},
    {"UPDATE marks SET cursor = 7", FAULT_NONE, FAULT_CORRUPT}, /* 6, 7 and 8 are outstanding */
    {"UPDATE marks SET outstanding = x'00'", FAULT_NONE, FAULT_CORRUPT},
    {"UPDATE marks SET outstanding = zeroblob(8)", FAULT_NONE, FAULT_CORRUPT},
    {"UPDATE marks SET outstanding = zeroblob(16384)", FAULT_NONE, FAULT_CORRUPT},
    {"UPDATE marks SET outstanding = x'02000000000000000200000000000000'", FAULT_NONE,
     FAULT_CORRUPT},
};

START_TEST(what_is_no_mark_is_refused)
{
    struct marks *marks = open_marks();
    static struct found found;
    found.count = 0;
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 9, 3)), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    marks_close(marks);
    ck_assert_msg(tamper_run(directory, FILE_NAME, damages[_i].sql), "%s", damages[_i].sql);
    ck_assert_int_eq(marks_open(&marks, directory, NULL, id), damages[_i].open);
    if (damages[_i].open != FAULT_NONE) return;
    ck_assert_int_eq(marks_load(marks, keep, &found), damages[_i].load);
    marks_close(marks);
}
END_TEST

START_TEST(text_file_is_refused)
{
    char command[2 * FOLDER_PATH_BYTES];
    (void)snprintf(command, sizeof command, "echo 'this is no database' > '%s/marks.db'",
                   directory);
    ck_assert_int_eq(system(command), 0);
    struct marks *marks = NULL;
    ck_assert_int_eq(marks_open(&marks, directory, NULL, id), FAULT_CORRUPT);
    ck_assert_ptr_null(marks);
}
END_TEST

START_TEST(killed_writer_loses_no_stored_mark)
{
    uint64_t told = 0;
    for (unsigned round = 0; round < 6; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t const child = fork();
        if (child == 0) {
            struct marks *marks = NULL;
            if (marks_open(&marks, directory, NULL, id) != FAULT_NONE) _exit(1);
            for (uint64_t cursor = told + 1;; cursor++) {
                for (unsigned i = 0; i < 4; i++) {
                    if (marks_put(marks, mark_of(10000001 + i, cursor, 0)) != FAULT_NONE) _exit(2);
                }
                if (marks_commit(marks) != FAULT_NONE) _exit(3);
                if (write(ends[1], &cursor, sizeof cursor) != sizeof cursor) _exit(4);
            }
        }
        (void)close(ends[1]);
        ck_assert_int_eq(read(ends[0], &told, sizeof told), sizeof told); /* it has begun */
        struct timespec const wait = {.tv_nsec = 5000000 + 1237000 * (long)round};
        (void)nanosleep(&wait, NULL);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        uint64_t cursor;
        while (read(ends[0], &cursor, sizeof cursor) == sizeof cursor)
            told = cursor;
        (void)close(ends[0]);

        struct marks *marks = open_marks();
        const struct found *found = load(marks);
        ck_assert_uint_eq(found->count, 4);
        for (unsigned i = 0; i < 4; i++) { /* all four of one commit, or of the next */
            ck_assert_uint_ge(found->marks[i].cursor, told);
            ck_assert_uint_eq(found->marks[i].cursor, found->marks[0].cursor);
        }
        told = found->marks[0].cursor;
        marks_close(marks);
    }
}
END_TEST

/* A store that fails leaves the marks as they were; the same marks can be stored again. */
START_TEST(each_io_may_fail)
{
    ck_assert(fault_vfs_register());
    struct marks *marks = open_marks();
    ck_assert_int_eq(marks_put(marks, mark_of(10000001, 5, 0)), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    marks_close(marks);
    uint64_t nth = 0;
    bool failed = true;
    while (failed) {
        marks = NULL;
        fault_vfs_fail(++nth, false);
        enum fault fault = marks_open(&marks, directory, FAULT_VFS_NAME, id);
        bool const opened = fault == FAULT_NONE;
        if (fault == FAULT_NONE) fault = marks_put(marks, mark_of(10000001, 5 + nth, 0));
        if (fault == FAULT_NONE) fault = marks_commit(marks);
        failed = fault_vfs_has_failed();
        fault_vfs_fail(0, false);
        if (!failed) ck_assert_int_eq(fault, FAULT_NONE);
        if (opened) {
            ck_assert_int_eq(marks_put(marks, mark_of(10000001, 5 + nth, 1)), FAULT_NONE);
            ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
        }
        marks_close(marks);
        marks = open_marks();
        const struct found *found = load(marks);
        ck_assert_uint_eq(found->count, 1);
        if (opened) ck_assert_uint_eq(found->marks[0].cursor, 5 + nth);
        marks_close(marks);
    }
    ck_assert_uint_gt(nth, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("marks");
    TCase *cases = tcase_create("marks");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, marks_come_back);
    tcase_add_test(cases, load_ends_with_the_visitors_fault);
    tcase_add_test(cases, marks_of_another_ledger_are_thrown_away);
    tcase_add_loop_test(cases, what_is_no_mark_is_refused, 0, sizeof damages / sizeof damages[0]);
    tcase_add_test(cases, text_file_is_refused);
    tcase_add_test(cases, killed_writer_loses_no_stored_mark);
    tcase_add_test(cases, each_io_may_fail);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
