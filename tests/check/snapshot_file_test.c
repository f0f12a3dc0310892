/* snapshot_file: what was written is read; whatever else is in the file is refused, without a crash. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/snapshot_file.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "tests/check/ledger_folder.h"
#include "tests/simulator/fault_vfs.h"

#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)
#define HEAD_BYTES 4096
#define CONTENT_MAX (3 * SNAPSHOT_SLICE_BYTES)

struct identity {
    struct private_key *key;
    struct certificate *certificate;
    struct signer *signer;
};

static char directory[FOLDER_PATH_BYTES];
static struct identity ours, other;
static uint8_t content[CONTENT_MAX];

static void make_identity(struct identity *identity, enum key_kind kind)
{
    struct authority *authority;
    int64_t const now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    ck_assert_int_eq(key_generate(&identity->key, kind), FAULT_NONE);
    ck_assert_int_eq(authority_open(&authority, "test", now_ns, now_ns + DAY_NS), FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "switch", identity->key, now_ns,
                                     now_ns + DAY_NS, &identity->certificate),
                     FAULT_NONE);
    ck_assert_int_eq(signer_open(&identity->signer, identity->key), FAULT_NONE);
    authority_close(authority);
}

static void forget_identity(struct identity *identity)
{
    signer_close(identity->signer);
    certificate_close(identity->certificate);
    key_close(identity->key);
}

static void set_up(void)
{
    ledger_folder_make(directory);
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    make_identity(&ours, KEY_P256);
    make_identity(&other, KEY_P256);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 31 + i / 251);
}

static void tear_down(void)
{
    forget_identity(&ours);
    forget_identity(&other);
    ledger_folder_remove(directory);
}

/* The last eight bytes are the registry, the rest the state. */
static struct snapshot_facts facts_of(size_t size, uint64_t seq)
{
    return (struct snapshot_facts){
        .ledger_id = {1, 2, 3},
        .seq = seq,
        .time_ns = 7,
        .block = 9,
        .hash = hash_of(SPAN("entry")),
        .state_bytes = size - 8,
        .registry_count = 1,
    };
}

static enum fault write_file(uint32_t place, size_t size, uint64_t seq, const char *vfs)
{
    struct snapshot_writer *writer;
    enum fault fault = snapshot_writer_open(&writer, directory, vfs, place);
    if (fault != FAULT_NONE) return fault;
    uint32_t slices = 0;
    for (size_t at = 0; at < size && fault == FAULT_NONE;) {
        size_t const part = size - at < 7777 ? size - at : 7777;
        fault = snapshot_writer_put(writer, span_of(content + at, part), &slices);
        at += part;
    }
    if (fault == FAULT_NONE) ck_assert_uint_eq(slices, size / SNAPSHOT_SLICE_BYTES);
    struct snapshot_facts const facts = facts_of(size, seq);
    if (fault == FAULT_NONE)
        fault = snapshot_writer_finish(writer, &facts, ours.signer, ours.certificate);
    snapshot_writer_close(writer);
    return fault;
}

static enum fault read_file(uint32_t place, size_t size, const struct certificate *certificate,
                            struct snapshot_facts *facts)
{
    static uint8_t got[CONTENT_MAX];
    struct snapshot_reader *reader;
    enum fault fault = snapshot_reader_open(&reader, directory, NULL, place, certificate, facts);
    if (fault != FAULT_NONE) return fault;
    for (size_t at = 0; at < size && fault == FAULT_NONE;) {
        size_t const part = size - at < 4321 ? size - at : 4321;
        fault = snapshot_reader_get(reader, got + at, part);
        at += part;
    }
    if (fault == FAULT_NONE) fault = snapshot_reader_end(reader);
    snapshot_reader_close(reader);
    if (fault == FAULT_NONE) ck_assert_int_eq(memcmp(got, content, size), 0);
    return fault;
}

static void path_of(uint32_t place, char path[FOLDER_PATH_BYTES + 32])
{
    (void)snprintf(path, FOLDER_PATH_BYTES + 32, "%s/snapshot-%u.bin", directory, place);
}

static void flip(uint32_t place, long at, uint8_t mask)
{
    char path[FOLDER_PATH_BYTES + 32];
    path_of(place, path);
    FILE *const file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
    int const byte = fgetc(file);
    ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
    ck_assert_int_ne(fputc(byte ^ mask, file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}

static const size_t sizes[] = {8,
                               100,
                               SNAPSHOT_SLICE_BYTES - 1,
                               SNAPSHOT_SLICE_BYTES,
                               SNAPSHOT_SLICE_BYTES + 1,
                               2 * SNAPSHOT_SLICE_BYTES + 12345};

START_TEST(what_was_written_is_read)
{
    struct snapshot_facts facts;
    struct snapshot_facts const written = facts_of(sizes[_i], 42);
    ck_assert_int_eq(write_file(1, sizes[_i], 42, NULL), FAULT_NONE);
    ck_assert_int_eq(read_file(1, sizes[_i], ours.certificate, &facts), FAULT_NONE);
    ck_assert_mem_eq(&facts.hash, &written.hash, sizeof facts.hash);
    ck_assert_mem_eq(facts.ledger_id, written.ledger_id, sizeof facts.ledger_id);
    ck_assert_uint_eq(facts.seq, 42);
    ck_assert_int_eq(facts.time_ns, 7);
    ck_assert_uint_eq(facts.block, 9);
    ck_assert_uint_eq(facts.state_bytes, sizes[_i] - 8);
    ck_assert_uint_eq(facts.registry_count, 1);
    /* More is not there, and less is not all. */
    ck_assert_int_eq(read_file(1, sizes[_i] + 1, ours.certificate, &facts), FAULT_CORRUPT);
    ck_assert_int_eq(read_file(1, sizes[_i] - 1, ours.certificate, &facts), FAULT_CORRUPT);
}
END_TEST

START_TEST(a_file_is_written_over_by_a_shorter_one)
{
    struct snapshot_facts facts;
    ck_assert_int_eq(write_file(2, 500000, 1, NULL), FAULT_NONE);
    ck_assert_int_eq(write_file(2, 1000, 2, NULL), FAULT_NONE);
    ck_assert_int_eq(read_file(2, 1000, ours.certificate, &facts), FAULT_NONE);
    ck_assert_uint_eq(facts.seq, 2);
    ck_assert_int_eq(read_file(1, 1000, ours.certificate, &facts), FAULT_NOT_FOUND);
}
END_TEST

START_TEST(one_that_was_not_finished_is_none)
{
    struct snapshot_facts facts;
    struct snapshot_writer *writer;
    uint32_t slices = 0;
    ck_assert_int_eq(write_file(1, 1000, 1, NULL), FAULT_NONE);
    ck_assert_int_eq(snapshot_writer_open(&writer, directory, NULL, 1), FAULT_NONE);
    ck_assert_int_eq(read_file(1, 1000, ours.certificate, &facts), FAULT_NOT_FOUND);
    ck_assert_int_eq(snapshot_writer_put(writer, span_of(content, CONTENT_MAX), &slices),
                     FAULT_NONE);
    ck_assert_int_eq(read_file(1, 1000, ours.certificate, &facts), FAULT_NOT_FOUND);
    snapshot_writer_close(writer);
    char path[FOLDER_PATH_BYTES + 32];
    path_of(1, path);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(only_our_own_signature_counts)
{
    struct snapshot_facts facts;
    ck_assert_int_eq(write_file(1, 1000, 1, NULL), FAULT_NONE);
    ck_assert_int_eq(read_file(1, 1000, other.certificate, &facts), FAULT_CORRUPT);
    ck_assert_int_eq(read_file(1, 1000, ours.certificate, &facts), FAULT_NONE);
}
END_TEST

/* Every byte of the head that means something, and bytes of the content. */
START_TEST(a_changed_byte_is_found)
{
    struct snapshot_facts facts;
    size_t const size = SNAPSHOT_SLICE_BYTES + 100;
    ck_assert_int_eq(write_file(1, size, 1, NULL), FAULT_NONE);
    for (long at = 0; at < 200; at++) {
        flip(1, at, 0x10);
        ck_assert_msg(read_file(1, size, ours.certificate, &facts) != FAULT_NONE, "byte %ld", at);
        flip(1, at, 0x10);
    }
    for (long at = HEAD_BYTES; at < (long)(HEAD_BYTES + size); at += 1009) {
        flip(1, at, 0x01);
        ck_assert_msg(read_file(1, size, ours.certificate, &facts) == FAULT_CORRUPT, "byte %ld",
                      at);
        flip(1, at, 0x01);
    }
    ck_assert_int_eq(read_file(1, size, ours.certificate, &facts), FAULT_NONE);
}
END_TEST

START_TEST(a_cut_or_longer_file_is_refused)
{
    static const long lengths[] = {0, 1, 160, 4095, 4096, 4097, 5000, 5095, 5097, 90000};
    struct snapshot_facts facts;
    char path[FOLDER_PATH_BYTES + 32];
    path_of(1, path);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ck_assert_int_eq(write_file(1, 1000, 1, NULL), FAULT_NONE);
        ck_assert_int_eq(truncate(path, lengths[i]), 0);
        ck_assert_int_ne(read_file(1, 1000, ours.certificate, &facts), FAULT_NONE);
    }
}
END_TEST

/* The n-th call fails, once or for good, for each n until none does: never half a snapshot. */
START_TEST(a_refusing_disk_leaves_none_or_a_whole_one)
{
    size_t const size = SNAPSHOT_SLICE_BYTES + 100;
    bool const for_good = _i == 1;
    uint64_t nth = 0;
    ck_assert(fault_vfs_register());
    do {
        struct snapshot_facts facts;
        ck_assert_uint_lt(++nth, 100);
        fault_vfs_fail(nth, for_good);
        enum fault const written = write_file(1, size, 5, FAULT_VFS_NAME);
        bool const has_failed = fault_vfs_has_failed();
        fault_vfs_fail(0, false);
        enum fault const read = read_file(1, size, ours.certificate, &facts);
        if (!has_failed) break;
        ck_assert_int_ne(written, FAULT_NONE);
        ck_assert_msg(read == FAULT_NOT_FOUND || (for_good && read == FAULT_NONE), "call %d: %s",
                      (int)nth, fault_name(read));
    } while (true);
    ck_assert_uint_gt(nth, 8);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("snapshot_file");
    TCase *const tests = tcase_create("snapshot_file");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_was_written_is_read, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(tests, a_file_is_written_over_by_a_shorter_one);
    tcase_add_test(tests, one_that_was_not_finished_is_none);
    tcase_add_test(tests, only_our_own_signature_counts);
    tcase_add_test(tests, a_changed_byte_is_found);
    tcase_add_test(tests, a_cut_or_longer_file_is_refused);
    tcase_add_loop_test(tests, a_refusing_disk_leaves_none_or_a_whole_one, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
