/* reserve: levels by the room that a disk says it has; the file is real. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/reserve.h"

#define MIB (UINT64_C(1024) * 1024)
#define RESERVE_BYTES (4 * MIB)
#define LOW_BYTES (100 * MIB)
#define LAST_BYTES (20 * MIB)

static char directory[64], path[96];
static uint64_t room_bytes;
static bool is_blind;
static struct reserve *reserve;

static bool say_room(const char *asked, uint64_t *bytes)
{
    ck_assert_str_eq(asked, directory);
    if (!is_blind) *bytes = room_bytes;
    return !is_blind;
}

static void open_reserve(uint64_t bytes)
{
    struct reserve_options const options = {.directory = directory,
                                            .bytes = bytes,
                                            .low_bytes = LOW_BYTES,
                                            .last_bytes = LAST_BYTES,
                                            .room = say_room};
    ck_assert_int_eq(reserve_open(&reserve, &options), FAULT_NONE);
}

static uint64_t file_bytes(void)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? (uint64_t)facts.st_blocks * 512 : 0;
}

static void set_up(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/cauce-reserve-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/reserve", directory);
    room_bytes = 1000 * MIB;
    is_blind = false;
    reserve = NULL;
}

static void tear_down(void)
{
    reserve_close(reserve);
    (void)unlink(path);
    (void)rmdir(directory);
}

/* A disk that fills up and is emptied: what it has left, the level then, whether the file is there. */
START_TEST(levels_follow_the_room)
{
    static const struct {
        uint64_t room_mib;
        enum reserve_level level;
        bool has_file;
    } looks[] = {
        {1000, RESERVE_PLENTY, true}, {100, RESERVE_PLENTY, true}, /* at the mark itself */
        {99, RESERVE_LOW, true},      {124, RESERVE_LOW, true},    /* not enough more */
        {125, RESERVE_PLENTY, true},  {99, RESERVE_LOW, true},
        {20, RESERVE_LOW, true},      {19, RESERVE_FREED, false},
        {0, RESERVE_FREED, false},    {125, RESERVE_FREED, false}, /* the file would take 4 of it */
        {128, RESERVE_FREED, false},  {129, RESERVE_PLENTY, true},
        {3, RESERVE_FREED, false}, /* all at once */
        {500, RESERVE_PLENTY, true},
    };
    open_reserve(RESERVE_BYTES);
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        room_bytes = looks[i].room_mib * MIB;
        reserve_look(reserve);
        ck_assert_msg(reserve_level(reserve) == looks[i].level, "look %zu", i);
        ck_assert_uint_eq(reserve_room(reserve), looks[i].room_mib * MIB);
        ck_assert_msg((file_bytes() >= RESERVE_BYTES) == looks[i].has_file, "look %zu", i);
        ck_assert_uint_eq(reserve_held(reserve), looks[i].has_file ? RESERVE_BYTES : 0);
    }
}
END_TEST

START_TEST(a_start_on_a_full_disk_takes_no_payments)
{
    room_bytes = LOW_BYTES + RESERVE_BYTES - 1;
    open_reserve(RESERVE_BYTES);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_LOW);
    ck_assert_uint_eq(file_bytes(), 0);
    room_bytes = LAST_BYTES - 1; /* there is nothing to free */
    reserve_look(reserve);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_LOW);
    room_bytes = 1000 * MIB;
    reserve_look(reserve);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_PLENTY);
    ck_assert_uint_ge(file_bytes(), RESERVE_BYTES);
}
END_TEST

/* The file is there since the last time: it need not fit once more. */
START_TEST(a_start_keeps_the_file)
{
    open_reserve(RESERVE_BYTES);
    reserve_close(reserve);
    room_bytes = LOW_BYTES;
    open_reserve(RESERVE_BYTES);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_PLENTY);
    ck_assert_uint_ge(file_bytes(), RESERVE_BYTES);
}
END_TEST

START_TEST(a_file_of_another_size_is_made_anew)
{
    open_reserve(RESERVE_BYTES);
    reserve_close(reserve);
    open_reserve(RESERVE_BYTES / 2);
    ck_assert_uint_eq(file_bytes(), RESERVE_BYTES / 2);
    reserve_close(reserve);
    open_reserve(0);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* As a copy may make it. */
START_TEST(a_file_with_holes_holds_nothing_back)
{
    FILE *const file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(ftruncate(fileno(file), (off_t)RESERVE_BYTES), 0);
    (void)fclose(file);
    ck_assert_uint_eq(file_bytes(), 0);
    open_reserve(RESERVE_BYTES);
    ck_assert_uint_ge(file_bytes(), RESERVE_BYTES);
}
END_TEST

START_TEST(without_a_file_low_is_the_last_level)
{
    open_reserve(0);
    room_bytes = 0;
    reserve_look(reserve);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_LOW);
    room_bytes = LOW_BYTES + LOW_BYTES / 4;
    reserve_look(reserve);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_PLENTY);
}
END_TEST

START_TEST(a_disk_that_cannot_be_asked_keeps_its_level)
{
    open_reserve(RESERVE_BYTES);
    is_blind = true;
    room_bytes = 0;
    reserve_look(reserve);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_PLENTY);
    is_blind = false;
    reserve_look(reserve);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_FREED);

    is_blind = true;
    struct reserve *other = NULL;
    struct reserve_options const options = {.directory = directory, .room = say_room};
    ck_assert_int_eq(reserve_open(&other, &options), FAULT_IO);
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(the_system_says_what_is_left)
{
    struct reserve_options const options = {.directory = directory};
    ck_assert_int_eq(reserve_open(&reserve, &options), FAULT_NONE);
    ck_assert_int_eq(reserve_level(reserve), RESERVE_PLENTY);
    ck_assert_uint_gt(reserve_room(reserve), 0);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("reserve");
    TCase *const cases = tcase_create("levels");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, levels_follow_the_room);
    tcase_add_test(cases, a_start_on_a_full_disk_takes_no_payments);
    tcase_add_test(cases, a_start_keeps_the_file);
    tcase_add_test(cases, a_file_of_another_size_is_made_anew);
    tcase_add_test(cases, a_file_with_holes_holds_nothing_back);
    tcase_add_test(cases, without_a_file_low_is_the_last_level);
    tcase_add_test(cases, a_disk_that_cannot_be_asked_keeps_its_level);
    tcase_add_test(cases, the_system_says_what_is_left);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
