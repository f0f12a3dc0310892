/* The simulator's disk: what was synced is there after a power loss, what was not may be gone, and a
 * database that does not sync is found out. */
#include <check.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulator/disk.h"

#define ROWS 40

static void set_synchronous(sqlite3 *db, const char *synchronous)
{
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA synchronous = %s", synchronous);
    (void)sqlite3_exec(db, sql, NULL, NULL, NULL); /* fails where the file is torn: found later */
}

static sqlite3 *open_database(const char *synchronous)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(
        sqlite3_open_v2("/test.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, DISK_VFS),
        SQLITE_OK);
    set_synchronous(db, synchronous);
    return db;
}

/* Rows up to ROWS until something fails; how many were committed. */
static int fill(sqlite3 *db, int from)
{
    for (int row = from; row < ROWS; row++) {
        char sql[128];
        sqlite3_snprintf(sizeof sql, sql, "INSERT INTO t VALUES (%d, randomblob(3000))", row);
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) return row;
        if (row % 8 == 7) (void)sqlite3_exec(db, "PRAGMA wal_checkpoint", NULL, NULL, NULL);
    }
    return ROWS;
}

static int rows_of(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int rows = -1;
    if (sqlite3_prepare_v2(db, "SELECT count(*), coalesce(max(id), -1) FROM t", -1, &statement,
                           NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        rows = sqlite3_column_int(statement, 0);
        ck_assert_int_eq(sqlite3_column_int(statement, 1), rows - 1);
    }
    sqlite3_finalize(statement);
    return rows;
}

static bool is_sound(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool const sound =
        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW &&
        strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    return sound;
}

/* One run with an accident; true when everything that was committed is there afterwards. */
static bool survives(uint64_t seed, enum disk_accident accident, const char *synchronous)
{
    disk_format(seed);
    sqlite3 *db = open_database(synchronous);
    /* EXTRA until the log is on, as ledger/segment.c does: the rollback journal that leads to it must
     * not come back. */
    ck_assert_int_eq(sqlite3_exec(db,
                                  "PRAGMA synchronous = EXTRA;"
                                  "PRAGMA journal_mode = WAL;",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    set_synchronous(db, synchronous);
    ck_assert_int_eq(
        sqlite3_exec(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB)", NULL, NULL, NULL),
        SQLITE_OK);
    disk_arm(accident, (uint32_t)(seed % 97));
    int const committed = fill(db, 0);
    (void)sqlite3_close(db);
    disk_restart();

    db = open_database(synchronous);
    int const rows = rows_of(db);
    bool const survived = rows >= committed && rows <= committed + 1 && is_sound(db);
    (void)sqlite3_close(db);
    return survived;
}

START_TEST(what_was_synced_survives_power_loss)
{
    for (uint64_t seed = 0; seed < 300; seed++)
        ck_assert_msg(survives(seed, DISK_POWER, "FULL"), "seed %d", (int)seed);
}
END_TEST

START_TEST(what_was_written_survives_a_kill)
{
    for (uint64_t seed = 0; seed < 100; seed++)
        ck_assert_msg(survives(seed, DISK_KILL, "OFF"), "seed %d", (int)seed);
}
END_TEST

START_TEST(a_database_that_does_not_sync_is_found_out)
{
    int lost = 0;
    for (uint64_t seed = 0; seed < 100; seed++)
        lost += !survives(seed, DISK_POWER, "OFF");
    ck_assert_int_gt(lost, 30);
}
END_TEST

START_TEST(a_refused_operation_fails_and_nothing_more)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        disk_format(seed);
        sqlite3 *const db = open_database("FULL");
        ck_assert_int_eq(sqlite3_exec(db,
                                      "PRAGMA journal_mode = WAL;"
                                      "CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB)",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        disk_arm(DISK_REFUSE, (uint32_t)seed);
        int const committed = fill(db, 0);
        ck_assert(disk_has_struck());
        ck_assert(!disk_is_down());
        ck_assert_int_eq(fill(db, rows_of(db)), ROWS);
        ck_assert(committed <= ROWS && is_sound(db));
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    }
}
END_TEST

START_TEST(the_same_seed_is_the_same_disk)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        (void)survives(seed, DISK_POWER, "OFF");
        uint64_t const bytes = disk_bytes(), operations = disk_operations();
        (void)survives(seed, DISK_POWER, "OFF");
        ck_assert_uint_eq(disk_bytes(), bytes);
        ck_assert_uint_eq(disk_operations(), operations);
    }
}
END_TEST

int main(void)
{
    disk_open();
    Suite *const suite = suite_create("disk");
    TCase *const cases = tcase_create("accidents");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_was_synced_survives_power_loss);
    tcase_add_test(cases, what_was_written_survives_a_kill);
    tcase_add_test(cases, a_database_that_does_not_sync_is_found_out);
    tcase_add_test(cases, a_refused_operation_fails_and_nothing_more);
    tcase_add_test(cases, the_same_seed_is_the_same_disk);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
