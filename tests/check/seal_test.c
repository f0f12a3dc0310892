/* Sealing and signatures: what was signed is what is there, nobody writes to it any more, and whoever
 * is killed or refused, it can be done again. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/journal.h"
#include "ledger/reader.h"
#include "ledger/seal.h"
#include "ledger/series.h"
#include "ledger/signatures.h"
#include "ledger/verify/verify.h"
#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/crypto/verifier.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/simulator/fault_vfs.h"
#include "tests/simulator/tamper.h"

#define FILE_NAME "signatures.db"
#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)

static char directory[FOLDER_PATH_BYTES];
static struct private_key *key;
static struct certificate *certificate;
static struct block_header header;
static struct seal_statement statement;
static struct signature signature;

static void make_identity(enum key_kind kind)
{
    struct authority *authority;
    int64_t const now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    ck_assert_int_eq(key_generate(&key, kind), FAULT_NONE);
    ck_assert_int_eq(authority_open(&authority, "test", now_ns, now_ns + DAY_NS), FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "switch", key, now_ns,
                                     now_ns + DAY_NS, &certificate),
                     FAULT_NONE);
    authority_close(authority);
}

static void forget_identity(void)
{
    certificate_close(certificate);
    key_close(key);
}

static void make_folder(void)
{
    ledger_folder_make(directory);
    make_identity(KEY_P256);
}

static void remove_folder(void)
{
    forget_identity();
    ledger_folder_remove(directory);
}

static enum fault open_with(struct signatures **signatures, const char *vfs)
{
    return signatures_open(signatures, directory, vfs, key, certificate);
}

static struct signatures *open_signatures(void)
{
    struct signatures *signatures = NULL;
    ck_assert_int_eq(open_with(&signatures, NULL), FAULT_NONE);
    return signatures;
}

static enum fault seal_with(struct signatures *signatures, const char *vfs, uint64_t number)
{
    struct seal *seal;
    bool done = false;
    enum fault fault = seal_begin(&seal, signatures, directory, vfs, number);
    if (fault != FAULT_NONE) return fault;
    while (fault == FAULT_NONE && !done)
        fault = seal_step(seal, &done);
    seal_close(seal);
    return fault;
}

static void assert_signed(struct span bytes)
{
    struct hash const digest = hash_of(bytes);
    struct verifier *verifier;
    ck_assert(hash_equal(&signature.certificate, certificate_fingerprint(certificate)));
    ck_assert_int_eq(verifier_open(&verifier, 1), FAULT_NONE);
    ck_assert(verifier_check(verifier, certificate_key(certificate), &digest,
                             span_of(signature.bytes, signature.size), KEY_ENCODING_DER));
    verifier_close(verifier);
}

static const char *path_of(const char *name)
{
    static char path[2 * FOLDER_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static void in_folder(const char *command)
{
    char whole[3 * FOLDER_PATH_BYTES];
    (void)snprintf(whole, sizeof whole, "cd '%s' && %s", directory, command);
    ck_assert_int_eq(system(whole), 0);
}

static void assert_verified(uint64_t entries)
{
    struct verify_report report;
    verify_ledger(directory, &report);
    ck_assert_msg(report.good, "entry %" PRIu64 ": %s", report.fault_seq, report.fault_words);
    ck_assert_uint_eq(report.entries, entries);
}

/* --- signatures ------------------------------------------------------------------------------- */

static struct block_header header_of(uint64_t number)
{
    return (struct block_header){.version = BLOCK_VERSION,
                                 .entry_count = 1,
                                 .number = number,
                                 .first_seq = number,
                                 .last_seq = number,
                                 .root = hash_of(span_of(&number, sizeof number))};
}

START_TEST(checkpoints_come_back_signed)
{
    forget_identity();
    make_identity(_i == 0 ? KEY_P256 : KEY_RSA);
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    struct signatures *reader, *signatures;
    ck_assert_int_eq(signatures_read(&reader, directory, NULL), FAULT_NOT_FOUND);
    signatures = open_signatures();
    ck_assert_int_eq(signatures_read(&reader, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(signatures_newest_checkpoint(reader, &header, &signature), FAULT_NOT_FOUND);
    ck_assert_int_eq(signatures_checkpoint(reader, 0, &header, &signature), FAULT_NOT_FOUND);

    static const uint64_t numbers[] = {10, 20, 15, 1, 20}; /* as receipts ask for them */
    for (size_t i = 0; i < 5; i++) {
        struct block_header const made = header_of(numbers[i]);
        ck_assert_int_eq(signatures_put_checkpoint(signatures, &made), FAULT_NONE);
    }
    static const struct {
        uint64_t from, found;
    } finds[] = {{0, 1}, {1, 1}, {2, 10}, {10, 10}, {11, 15}, {16, 20}, {20, 20}};
    for (size_t i = 0; i < sizeof finds / sizeof finds[0]; i++) {
        ck_assert_int_eq(signatures_checkpoint(reader, finds[i].from, &header, &signature),
                         FAULT_NONE);
        struct block_header const made = header_of(finds[i].found);
        ck_assert_mem_eq(&header, &made, sizeof made);
        assert_signed(span_of(&header, sizeof header));
    }
    ck_assert_int_eq(signatures_checkpoint(reader, 21, &header, &signature), FAULT_NOT_FOUND);
    ck_assert_int_eq(signatures_checkpoint(reader, UINT64_MAX, &header, &signature),
                     FAULT_NOT_FOUND);
    ck_assert_int_eq(signatures_newest_checkpoint(reader, &header, &signature), FAULT_NONE);
    ck_assert_uint_eq(header.number, 20);

    struct block_header other = header_of(15); /* a block has one header */
    other.time_ns = 1;
    ck_assert_int_eq(signatures_put_checkpoint(signatures, &other), FAULT_CORRUPT);
    signatures_close(reader);
    signatures_close(signatures);
    signatures = open_signatures();
    ck_assert_int_eq(signatures_newest_checkpoint(signatures, &header, &signature), FAULT_NONE);
    signatures_close(signatures);
    ck_assert(!is_there("signatures.db-wal"));
}
END_TEST

/* Copies do not wait for the disk, but a checkpoint that it refuses is told, sooner or at the end. */
START_TEST(a_copy_tells_that_it_is_not_on_the_disk)
{
    struct signatures *copy;
    uint64_t number = 1;
    enum fault fault = FAULT_NONE;
    ck_assert(fault_vfs_register());
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    ck_assert_int_eq(signatures_open_copy(&copy, directory, FAULT_VFS_NAME), FAULT_NONE);
    signature = (struct signature){.size = 70};
    fault_vfs_fail_syncs(true);
    header = header_of(number);
    ck_assert_int_eq(signatures_copy_checkpoint(copy, &header, &signature), FAULT_NONE);
    ck_assert_int_eq(signatures_finish_copy(copy), FAULT_IO);
    for (; fault == FAULT_NONE && number < 10000; number++) {
        header = header_of(number);
        fault = signatures_copy_checkpoint(copy, &header, &signature);
    }
    fault_vfs_fail_syncs(false);
    ck_assert_int_eq(fault, FAULT_IO);
    signatures_close(copy);
}
END_TEST

START_TEST(certificates_are_kept)
{
    uint8_t der[LIMIT_PEM_BYTES];
    size_t size;
    struct hash const first = *certificate_fingerprint(certificate);
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    signatures_close(open_signatures());
    signatures_close(open_signatures());
    forget_identity();
    make_identity(KEY_P256); /* a new one takes over */
    struct signatures *signatures = open_signatures();
    ck_assert_int_eq(tamper_count(directory, FILE_NAME, "SELECT count(*) FROM certificates"), 2);
    ck_assert_int_eq(signatures_certificate(signatures, certificate_fingerprint(certificate), der,
                                            sizeof der, &size),
                     FAULT_NONE);
    ck_assert(span_equal(span_of(der, size), certificate_der(certificate)));
    ck_assert_int_eq(signatures_certificate(signatures, &first, der, sizeof der, &size),
                     FAULT_NONE);
    ck_assert_int_eq(signatures_certificate(signatures, &first, der, size - 1, &size), FAULT_FULL);
    struct hash const none = {0};
    ck_assert_int_eq(signatures_certificate(signatures, &none, der, sizeof der, &size),
                     FAULT_NOT_FOUND);
    signatures_close(signatures);
}
END_TEST

static const char *const refused[] = {
    "UPDATE checkpoints SET signature = x'00'",
    "DELETE FROM checkpoints",
    "REPLACE INTO checkpoints SELECT * FROM checkpoints WHERE block = 1",
    "UPDATE seals SET signature = x'00'",
    "DELETE FROM seals",
    "REPLACE INTO seals SELECT * FROM seals WHERE segment = 1",
    "UPDATE certificates SET der = x'00'",
    "DELETE FROM certificates",
    "REPLACE INTO certificates SELECT * FROM certificates",
};

START_TEST(triggers_refuse)
{
    ledger_folder_fill_segments(directory, 5, 2, 10, 5);
    struct signatures *signatures = open_signatures();
    struct block_header const made = header_of(1);
    ck_assert_int_eq(signatures_put_checkpoint(signatures, &made), FAULT_NONE);
    ck_assert_int_eq(seal_with(signatures, NULL, 1), FAULT_NONE);
    signatures_close(signatures);
    in_folder("cp -f signatures.db segment-000001.db"); /* the file in which the tool tries it */
    ck_assert_msg(tamper_is_refused(directory, refused[_i]), "%s", refused[_i]);
}
END_TEST

#define UNGUARDED "DROP TRIGGER checkpoints_update; DROP TRIGGER seals_update; "

static const struct {
    const char *sql;
    enum fault open, checkpoint, seal;
} damages[] = {
    {"PRAGMA user_version = 2", FAULT_VERSION, 0, 0},
    {"PRAGMA application_id = 5", FAULT_CORRUPT, 0, 0},
    {UNGUARDED "UPDATE checkpoints SET block = 2", FAULT_NONE, FAULT_CORRUPT, FAULT_NONE},
    {UNGUARDED "UPDATE checkpoints SET signature = x''", FAULT_NONE, FAULT_CORRUPT, FAULT_NONE},
    {UNGUARDED "UPDATE checkpoints SET signature = zeroblob(513)", FAULT_NONE, FAULT_CORRUPT,
     FAULT_NONE},
    {UNGUARDED "UPDATE checkpoints SET header = flip(header, 0)", FAULT_NONE, FAULT_CORRUPT,
     FAULT_NONE},
    {UNGUARDED "UPDATE seals SET statement = flip(statement, 0)", FAULT_NONE, FAULT_NONE,
     FAULT_CORRUPT},
    {UNGUARDED "UPDATE seals SET statement = flip(statement, 24)", FAULT_NONE, FAULT_NONE,
     FAULT_CORRUPT},
};

START_TEST(damage_is_told)
{
    ledger_folder_fill_segments(directory, 5, 2, 10, 5);
    struct signatures *signatures = open_signatures();
    struct block_header const made = header_of(1);
    ck_assert_int_eq(signatures_put_checkpoint(signatures, &made), FAULT_NONE);
    ck_assert_int_eq(seal_with(signatures, NULL, 1), FAULT_NONE);
    signatures_close(signatures);
    ck_assert(tamper_run(directory, FILE_NAME, damages[_i].sql));
    ck_assert_int_eq(signatures_read(&signatures, directory, NULL), damages[_i].open);
    if (damages[_i].open != FAULT_NONE) return;
    ck_assert_int_eq(signatures_checkpoint(signatures, 1, &header, &signature),
                     damages[_i].checkpoint);
    ck_assert_int_eq(signatures_seal(signatures, 1, &statement, &signature), damages[_i].seal);
    signatures_close(signatures);
}
END_TEST

/* --- sealing ---------------------------------------------------------------------------------- */

/* RFC 6962, section 2.1, as it is written there. */
static struct hash root_of(const struct hash *leaves, size_t count)
{
    if (count == 1) {
        struct span const parts[] = {span_of("\0", 1), hash_span(leaves)};
        return hash_parts(parts, 2);
    }
    size_t left_count = 1;
    while (2 * left_count < count)
        left_count *= 2;
    struct hash const left = root_of(leaves, left_count);
    struct hash const right = root_of(leaves + left_count, count - left_count);
    struct span const parts[] = {SPAN("\x01"), hash_span(&left), hash_span(&right)};
    return hash_parts(parts, 3);
}

static void assert_statement(struct reader *reader, uint64_t number, uint32_t each)
{
    static struct hash leaves[4096];
    static struct entry entry;
    size_t count = 0;
    uint64_t const first_seq = (number - 1) * (each + 1) + 1, last_seq = number * (each + 1);
    ck_assert_uint_eq(statement.version, 1);
    ck_assert_uint_eq(statement.segment, number);
    ck_assert_uint_eq(statement.ledger_id[15], 16);
    ck_assert_uint_eq(statement.first_seq, first_seq);
    ck_assert_uint_eq(statement.last_seq, last_seq);
    ck_assert_int_eq(reader_block_of(reader, first_seq, &header), FAULT_NONE);
    ck_assert_uint_eq(statement.first_block, header.number);
    for (uint64_t block = statement.first_block; block <= statement.last_block; block++) {
        ck_assert_int_eq(reader_block(reader, block, &header), FAULT_NONE);
        leaves[count++] = block_header_hash(&header);
    }
    ck_assert_uint_eq(header.last_seq, last_seq);
    ck_assert(hash_equal(&statement.block_head, &leaves[count - 1]));
    struct hash const root = root_of(leaves, count);
    ck_assert(hash_equal(&statement.root, &root));
    ck_assert_int_eq(reader_entry(reader, last_seq, &entry, NULL), FAULT_NONE);
    ck_assert(hash_equal(&statement.head, &entry.hash));
}

START_TEST(sealed_segments_say_what_they_hold)
{
    uint32_t const each = 40, batch = (uint32_t)_i;
    ledger_folder_fill_segments(directory, 5, 4, each, batch);
    struct signatures *signatures = open_signatures();
    struct reader *before, *reader; /* one has opened the files before they are sealed */
    static struct entry entry;
    ck_assert_int_eq(reader_open(&before, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(reader_entry(before, 45, &entry, NULL), FAULT_NONE);
    uint64_t newest;
    ck_assert_int_eq(signatures_newest_seal(signatures, &newest), FAULT_NONE);
    ck_assert_uint_eq(newest, 0);
    for (uint64_t number = 1; number <= 3; number++) {
        ck_assert_int_eq(seal_with(signatures, NULL, number), FAULT_NONE);
        ck_assert_int_eq(signatures_newest_seal(signatures, &newest), FAULT_NONE);
        ck_assert_uint_eq(newest, number);
    }
    ck_assert_int_eq(seal_with(signatures, NULL, 4), FAULT_NOT_FOUND); /* it is the journal's */
    ck_assert_int_eq(seal_with(signatures, NULL, 5), FAULT_NOT_FOUND);
    ck_assert_int_eq(seal_with(signatures, NULL, 0), FAULT_NOT_FOUND);

    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    for (uint64_t number = 1; number <= 3; number++) {
        char name[SERIES_NAME_BYTES], beside[64];
        struct stat found;
        series_name(number, name);
        ck_assert_int_eq(stat(path_of(name), &found), 0);
        ck_assert_int_eq(found.st_mode & 07777, 0444);
        (void)snprintf(beside, sizeof beside, "%s-wal", name);
        ck_assert(!is_there(beside));
        (void)snprintf(beside, sizeof beside, "%s-shm", name);
        ck_assert(!is_there(beside));
        ck_assert_int_eq(signatures_seal(signatures, number, &statement, &signature), FAULT_NONE);
        assert_signed(span_of(&statement, sizeof statement));
        assert_statement(reader, number, each);
        assert_statement(before, number, each);
    }
    ck_assert(!is_there("segment-000002.db-shm")); /* reading makes none again */
    reader_close(before);
    reader_close(reader);
    signatures_close(signatures);
    assert_verified(4 * (each + 1));
}
END_TEST

START_TEST(sealing_again_finishes_what_was_left)
{
    ledger_folder_fill_segments(directory, 5, 3, 30, 4);
    struct signatures *signatures = open_signatures();
    ck_assert_int_eq(seal_with(signatures, NULL, 1), FAULT_NONE);
    ck_assert_int_eq(signatures_seal(signatures, 1, &statement, &signature), FAULT_NONE);
    struct signature const first = signature;
    in_folder("chmod 600 segment-000001.db && : > segment-000001.db-wal");
    ck_assert_int_eq(seal_with(signatures, NULL, 1), FAULT_NONE);
    ck_assert_int_eq(signatures_seal(signatures, 1, &statement, &signature), FAULT_NONE);
    ck_assert_mem_eq(first.bytes, signature.bytes, first.size); /* P-256 signs anew each time */
    ck_assert(!is_there("segment-000001.db-wal"));
    struct stat found;
    ck_assert_int_eq(stat(path_of("segment-000001.db"), &found), 0);
    ck_assert_int_eq(found.st_mode & 07777, 0444);
    signatures_close(signatures);
}
END_TEST

START_TEST(lost_signatures_are_made_again)
{
    uint32_t const each = 30;
    ledger_folder_fill_segments(directory, 5, 3, each, 4);
    for (int round = 0; round < 2; round++) {
        struct signatures *signatures = open_signatures();
        struct reader *reader;
        ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
        for (uint64_t number = 1; number <= 2; number++) {
            ck_assert_int_eq(seal_with(signatures, NULL, number), FAULT_NONE);
            ck_assert_int_eq(signatures_seal(signatures, number, &statement, &signature),
                             FAULT_NONE);
            assert_signed(span_of(&statement, sizeof statement));
            assert_statement(reader, number, each);
        }
        reader_close(reader);
        signatures_close(signatures);
        in_folder("rm signatures.db");
    }
}
END_TEST

/* A reader that stands in an old state holds the checkpoint back, and nothing is signed. */
START_TEST(reader_holds_sealing_back)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    static struct scenario scenario;
    ledger_scenario_begin(&scenario, 5);
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 20, 5), FAULT_NONE);
    void *held = tamper_hold(directory); /* segment 1 */
    ck_assert_ptr_nonnull(held);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 20, 5), FAULT_NONE);
    ck_assert_int_eq(ledger_folder_rotate(journal, &scenario, directory, NULL), FAULT_NONE);
    struct signatures *signatures = open_signatures();
    ck_assert_int_eq(seal_with(signatures, NULL, 1), FAULT_BUSY);
    ck_assert_int_eq(signatures_seal(signatures, 1, &statement, &signature), FAULT_NOT_FOUND);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 20, 5), FAULT_NONE);
    tamper_release(held);
    ck_assert_int_eq(seal_with(signatures, NULL, 1), FAULT_NONE);
    signatures_close(signatures);
    journal_close(journal);
    assert_verified(61);
}
END_TEST

static const char *const unsealable[] = {
    "DELETE FROM blocks WHERE number = 3",
    "DELETE FROM blocks WHERE number = 1",
    "DELETE FROM blocks WHERE number = (SELECT max(number) FROM blocks)",
    "UPDATE blocks SET header = flip(header, 40) WHERE number = 3",
    "UPDATE blocks SET header = flip(header, 80) WHERE number = 3",
    "UPDATE blocks SET header = flip(header, 16) WHERE number = 3",
    "UPDATE entries SET body = flip(body, 70) WHERE seq = 1",
    "DELETE FROM entries WHERE seq = 1",
};

START_TEST(nothing_broken_is_sealed)
{
    ledger_folder_fill_segments(directory, 5, 2, 30, 4);
    ck_assert(tamper_run(directory, "segment-000001.db", unsealable[_i]));
    struct signatures *signatures = open_signatures();
    ck_assert_msg(seal_with(signatures, NULL, 1) == FAULT_CORRUPT, "%s", unsealable[_i]);
    ck_assert_int_eq(signatures_seal(signatures, 1, &statement, &signature), FAULT_NOT_FOUND);
    signatures_close(signatures);
}
END_TEST

/* Where segments were taken away behind a sealed one, a start must not go on there. */
START_TEST(sealed_segment_is_not_written)
{
    ledger_folder_fill_segments(directory, 5, 3, 10, 4);
    struct signatures *signatures = open_signatures();
    ck_assert_int_eq(seal_with(signatures, NULL, 1), FAULT_NONE);
    signatures_close(signatures);
    struct journal *journal = NULL;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    in_folder("rm segment-000003*"); /* segment 2 is not sealed: it cannot be seen */
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    journal_close(journal);
    in_folder("rm segment-000002*");
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_CORRUPT);
}
END_TEST

START_TEST(each_io_of_sealing_may_fail)
{
    ck_assert(fault_vfs_register());
    bool failed = true;
    uint64_t nth = 0;
    ledger_folder_fill_segments(directory, 5, 2, 30, 4);
    in_folder("mkdir ../kept && cp * ../kept");
    while (failed) {
        struct signatures *signatures = NULL;
        in_folder("rm -rf * && cp ../kept/* .");
        fault_vfs_fail(++nth, _i == 1);
        enum fault fault = open_with(&signatures, FAULT_VFS_NAME);
        if (fault == FAULT_NONE) fault = seal_with(signatures, FAULT_VFS_NAME, 1);
        failed = fault_vfs_has_failed();
        fault_vfs_fail(0, false);
        if (!failed) ck_assert_int_eq(fault, FAULT_NONE);
        if (fault == FAULT_NONE)
            ck_assert_int_eq(signatures_seal(signatures, 1, &statement, &signature), FAULT_NONE);
        signatures_close(signatures);

        ck_assert_int_eq(open_with(&signatures, FAULT_VFS_NAME), FAULT_NONE);
        ck_assert_msg(seal_with(signatures, FAULT_VFS_NAME, 1) == FAULT_NONE, "after call %" PRIu64,
                      nth);
        ck_assert_int_eq(signatures_seal(signatures, 1, &statement, &signature), FAULT_NONE);
        assert_signed(span_of(&statement, sizeof statement));
        signatures_close(signatures);
        struct stat log = {0}; /* what SQLite could not remove is empty */
        ck_assert(stat(path_of("segment-000001.db-wal"), &log) != 0 || log.st_size == 0);
        assert_verified(62);
    }
    ck_assert_uint_gt(nth, 40);
    in_folder("rm -rf ../kept");
}
END_TEST

/* A keeper that seals one segment after another is killed at a moment that nobody chose. */
START_TEST(killed_keeper_leaves_what_can_be_sealed)
{
    uint32_t const segments = 30;
    ledger_folder_fill_segments(directory, 5, segments, 30, 4);
    uint64_t newest = 0;
    for (unsigned round = 1; newest < segments - 1; round++) {
        pid_t const child = fork();
        if (child == 0) {
            struct signatures *signatures;
            if (open_with(&signatures, NULL) != FAULT_NONE) _exit(1);
            if (signatures_newest_seal(signatures, &newest) != FAULT_NONE) _exit(2);
            for (uint64_t number = newest ? newest : 1; number < segments; number++) {
                if (seal_with(signatures, NULL, number) != FAULT_NONE) _exit(3);
            }
            _exit(0);
        }
        (void)usleep(10000 + 3001 * round);
        (void)kill(child, SIGKILL);
        int status = -1;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "%d", WEXITSTATUS(status));
        struct signatures *signatures = open_signatures();
        ck_assert_int_eq(signatures_newest_seal(signatures, &newest), FAULT_NONE);
        signatures_close(signatures);
    }
    struct signatures *signatures = open_signatures();
    struct reader *reader;
    ck_assert_int_eq(seal_with(signatures, NULL, segments - 1), FAULT_NONE);
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    for (uint64_t number = 1; number < segments; number++) {
        char name[SERIES_NAME_BYTES];
        struct stat found;
        series_name(number, name);
        ck_assert_int_eq(stat(path_of(name), &found), 0);
        ck_assert_int_eq(found.st_mode & 07777, 0444);
        ck_assert_int_eq(signatures_seal(signatures, number, &statement, &signature), FAULT_NONE);
        assert_statement(reader, number, 30);
    }
    reader_close(reader);
    signatures_close(signatures);
    assert_verified(segments * 31);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seal");
    TCase *cases = tcase_create("seal");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, checkpoints_come_back_signed, 0, 2);
    tcase_add_test(cases, certificates_are_kept);
    tcase_add_test(cases, a_copy_tells_that_it_is_not_on_the_disk);
    tcase_add_loop_test(cases, triggers_refuse, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(cases, damage_is_told, 0, sizeof damages / sizeof damages[0]);
    tcase_add_loop_test(cases, sealed_segments_say_what_they_hold, 1, 10);
    tcase_add_test(cases, sealing_again_finishes_what_was_left);
    tcase_add_test(cases, lost_signatures_are_made_again);
    tcase_add_test(cases, reader_holds_sealing_back);
    tcase_add_loop_test(cases, nothing_broken_is_sealed, 0,
                        sizeof unsealable / sizeof unsealable[0]);
    tcase_add_test(cases, sealed_segment_is_not_written);
    tcase_add_loop_test(cases, each_io_of_sealing_may_fail, 0, 2);
    tcase_add_test(cases, killed_keeper_leaves_what_can_be_sealed);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
