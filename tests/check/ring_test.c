/* ring and bell: one thread's view, then two threads that try to lose or overwrite a record. */
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "switch/ring/bell.h"
#include "switch/ring/ring.h"

#define RING_BYTES 4096
#define STRESS_RECORDS 200000

/* ck_assert itself is far too slow to be called for every byte. */
static bool holds_only(struct span record, size_t from, uint64_t byte)
{
    for (size_t i = from; i < record.size; i++) {
        if ((unsigned char)record.bytes[i] != byte) return false;
    }
    return true;
}

START_TEST(records_come_out_as_they_went_in)
{
    struct ring *ring;
    ck_assert_int_eq(ring_open(&ring, RING_BYTES), FAULT_NONE);
    ck_assert_ptr_null(ring_next(ring).bytes);
    for (uint32_t round = 0; round < 5000; round++) {
        size_t const size = round % (ring_record_max(ring) + 1);
        char *const record = ring_claim(ring, size);
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq((uintptr_t)record % 16, 0);
        memset(record, (int)(round % 251), size);
        ck_assert_ptr_null(ring_next(ring).bytes); /* not before it is published */
        ring_publish(ring);
        struct span const got = ring_next(ring);
        ck_assert_uint_eq(got.size, size);
        ck_assert(holds_only(got, 0, round % 251));
        ck_assert_ptr_null(ring_next(ring).bytes);
        ring_release(ring);
    }
    ring_close(ring);
}
END_TEST

START_TEST(a_full_ring_refuses_until_it_is_released)
{
    struct ring *ring;
    ck_assert_int_eq(ring_open(&ring, RING_BYTES), FAULT_NONE);
    unsigned records = 0;
    while (ring_claim(ring, 48))
        records++;
    ck_assert_uint_eq(records, RING_BYTES / 64);
    ring_publish(ring);
    while (ring_next(ring).bytes)
        records--;
    ck_assert_uint_eq(records, 0);
    ck_assert_ptr_null(ring_claim(ring, 48)); /* read, but not given back */
    ring_release(ring);
    ck_assert_ptr_nonnull(ring_claim(ring, 48));
    ring_abandon(ring);
    ck_assert_ptr_null(ring_next(ring).bytes);
    ring_close(ring);
}
END_TEST

START_TEST(what_room_promises_can_be_claimed)
{
    struct ring *ring;
    ck_assert_int_eq(ring_open(&ring, RING_BYTES), FAULT_NONE);
    srand(1);
    bool claimed = true;
    for (int round = 0; round < 20000; round++) {
        size_t room = ring_room(ring);
        while (room >= 16) {
            size_t const most =
                room - 16 < ring_record_max(ring) ? room - 16 : ring_record_max(ring);
            size_t const size = (size_t)rand() % (most + 1);
            size_t const taken = 16 + (size + 15) / 16 * 16;
            if (taken > room) break;
            claimed = claimed && ring_claim(ring, size);
            room -= taken;
        }
        ring_publish(ring);
        while (ring_next(ring).bytes && rand() % 8) {
        }
        ring_release(ring);
        while (rand() % 2 && ring_next(ring).bytes) {
        }
        ring_release(ring);
    }
    ck_assert(claimed);
    ring_close(ring);
}
END_TEST

/* Two rings, there and back, each side sleeping on its bell whenever its ring is empty: a lost
 * wake-up stops the test, an overwritten record fails it. */
struct side {
    struct ring *in, *out;
    struct bell *own, *other;
};

static uint64_t next_number(struct side *side, unsigned *pauses)
{
    for (;;) {
        struct span record = ring_next(side->in);
        if (!record.bytes) {
            bell_arm(side->own);
            record = ring_next(side->in);
            if (!record.bytes) bell_wait(side->own, -1);
            bell_disarm(side->own);
            *pauses += 1;
        }
        if (!record.bytes) continue;
        uint64_t number;
        memcpy(&number, record.bytes, sizeof number);
        if (!holds_only(record, 8, number % 255)) return 0; /* the caller expects another */
        ring_release(side->in);
        return number;
    }
}

static void send_number(struct side *side, uint64_t number)
{
    size_t const size = 8 + number * 7919 % 500;
    char *record;
    while (!(record = ring_claim(side->out, size)))
        sched_yield();
    memcpy(record, &number, sizeof number);
    memset(record + 8, (int)(number % 255), size - 8);
    ring_publish(side->out);
    bell_ring(side->other);
}

static void *echo(void *argument)
{
    struct side *const side = argument;
    unsigned pauses = 0;
    for (uint64_t i = 1; i <= STRESS_RECORDS; i++) {
        uint64_t const number = next_number(side, &pauses);
        send_number(side, number == i ? number : 0); /* the other side expects i */
    }
    return NULL;
}

START_TEST(two_threads_lose_nothing)
{
    struct ring *there, *back;
    struct bell near_bell, far_bell;
    ck_assert_int_eq(ring_open(&there, RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(ring_open(&back, RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(bell_open(&near_bell), FAULT_NONE);
    ck_assert_int_eq(bell_open(&far_bell), FAULT_NONE);
    struct side near = {.in = back, .out = there, .own = &near_bell, .other = &far_bell};
    struct side far = {.in = there, .out = back, .own = &far_bell, .other = &near_bell};

    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, echo, &far), 0);
    uint64_t sent = 0, received = 0;
    unsigned pauses = 0;
    srand(7);
    while (received < STRESS_RECORDS) {
        unsigned const burst =
            1 + (unsigned)rand() % 4; /* few: both rings must be able to run empty */
        while (sent < STRESS_RECORDS && sent - received < burst)
            send_number(&near, ++sent);
        received++;
        if (next_number(&near, &pauses) != received)
            ck_abort_msg("record %llu is not what was sent", (unsigned long long)received);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_gt(pauses, 0);
    ring_close(there);
    ring_close(back);
    bell_close(&near_bell);
    bell_close(&far_bell);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("ring");
    TCase *const cases = tcase_create("ring");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, records_come_out_as_they_went_in);
    tcase_add_test(cases, a_full_ring_refuses_until_it_is_released);
    tcase_add_test(cases, what_room_promises_can_be_claimed);
    tcase_add_test(cases, two_threads_lose_nothing);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
