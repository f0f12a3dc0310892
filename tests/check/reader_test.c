/* The reader: entries, messages and blocks come back as they were written, also beside a writer. */
#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/journal.h"
#include "ledger/reader.h"
#include "proto/base/limits.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/simulator/fault_vfs.h"
#include "tests/simulator/tamper.h"

#define SEGMENT "segment-000001.db"

static char directory[FOLDER_PATH_BYTES];
static struct scenario scenario;
static struct entry entry;
static struct body body;
static char message[LIMIT_MESSAGE_BYTES];

static void make_folder(void)
{
    ledger_folder_make(directory);
    ledger_scenario_begin(&scenario, 11);
}

static void remove_folder(void)
{
    ledger_folder_remove(directory);
}

static struct reader *open_reader(void)
{
    struct reader *reader = NULL;
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    return reader;
}

static struct journal *open_journal(void)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    return journal;
}

START_TEST(no_ledger_is_not_found)
{
    struct reader *reader = NULL;
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_open(&reader, "/nowhere/at/all", NULL), FAULT_NOT_FOUND);
    static char long_path[2 * LIMIT_LEDGER_PATH_BYTES];
    memset(long_path, 'x', sizeof long_path - 1);
    ck_assert_int_eq(reader_open(&reader, long_path, NULL), FAULT_FULL);
    ck_assert_ptr_null(reader);
}
END_TEST

START_TEST(empty_ledger_has_nothing)
{
    struct journal *journal = open_journal();
    struct reader *reader = open_reader();
    uint64_t seq = 7;
    uint8_t id[READER_LEDGER_ID_BYTES];
    struct block_header header;
    ck_assert_int_eq(reader_newest_seq(reader, &seq), FAULT_NONE);
    ck_assert_uint_eq(seq, 0);
    ck_assert_int_eq(reader_ledger_id(reader, id), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_entry(reader, 1, &entry, &body), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_block(reader, 1, &header), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_block_of(reader, 1, &header), FAULT_NOT_FOUND);

    /* It sees what is committed after it was opened, and not what is staged. */
    ledger_scenario_next(&scenario);
    ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body, NULL), FAULT_NONE);
    ck_assert_int_eq(reader_entry(reader, 1, &entry, &body), FAULT_NOT_FOUND);
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    ck_assert_int_eq(reader_entry(reader, 1, &entry, &body), FAULT_NONE);
    ck_assert_int_eq(reader_ledger_id(reader, id), FAULT_NONE);
    ck_assert_uint_eq(id[0], 1);
    reader_close(reader);
    journal_close(journal);
}
END_TEST

START_TEST(entries_messages_and_blocks_come_back)
{
    uint32_t const batch = (uint32_t)_i;
    ledger_folder_fill(directory, 11, 400, batch);
    struct reader *reader = open_reader();
    struct hash before = {0};
    struct block_header header;
    for (uint64_t seq = 1; seq <= 400; seq++) {
        ledger_scenario_next(&scenario);
        ck_assert_int_eq(reader_entry(reader, seq, &entry, &body), FAULT_NONE);
        ck_assert_mem_eq(&entry.public, &scenario.entry.public, sizeof entry.public);
        ck_assert_mem_eq(&entry.private, &scenario.entry.private, sizeof entry.private);
        ck_assert(span_equal(body_span(&body), body_span(&scenario.body)));
        struct hash const hash = entry_hash(&entry), hashed_body = body_hash(&body);
        ck_assert(hash_equal(&entry.prev_hash, &before));
        ck_assert(hash_equal(&entry.hash, &hash));
        ck_assert(hash_equal(&entry.body_hash, &hashed_body));
        before = entry.hash;

        ck_assert_int_eq(reader_block_of(reader, seq, &header), FAULT_NONE);
        ck_assert_uint_eq(header.number, (seq + batch - 1) / batch);

        struct evidence evidence;
        enum fault const fault = reader_message(reader, &entry, message, sizeof message, &evidence);
        const struct evidence *expected = ledger_scenario_evidence(&scenario);
        ck_assert_int_eq(fault, expected ? FAULT_NONE : FAULT_NOT_FOUND);
        if (expected == NULL) continue;
        ck_assert(span_equal(evidence.bytes, expected->bytes));
        ck_assert(hash_equal(&evidence.certificate, &expected->certificate));
        ck_assert(identifier_code_equal(evidence.sender, expected->sender));
        ck_assert_int_eq(evidence.received_ns, expected->received_ns);
        ck_assert_int_eq(reader_message(reader, &entry, message, 3499, &evidence), FAULT_FULL);
    }
    ck_assert_int_eq(reader_entry(reader, 0, &entry, NULL), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_entry(reader, 401, &entry, NULL), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_entry(reader, UINT64_MAX, &entry, NULL), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_block_of(reader, 401, &header), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_block(reader, 0, &header), FAULT_NOT_FOUND);
    reader_close(reader);
}
END_TEST

struct walk {
    uint64_t seq; /* of the entry visited last */
    uint64_t stop_seq;
    struct reader *reader;
};

static enum fault follow(void *context, const struct entry *visited, struct span bytes)
{
    struct walk *walk = context;
    ck_assert_uint_eq(visited->public.seq, walk->seq + 1);
    struct hash const hash = entry_hash(visited);
    ck_assert(hash_equal(&hash, &visited->hash));
    struct hash const hashed_body = bytes.size ? hash_of(bytes) : (struct hash){0};
    ck_assert(hash_equal(&hashed_body, &visited->body_hash));
    walk->seq++;
    /* The visitor may use the reader. */
    ck_assert_int_eq(reader_entry(walk->reader, visited->public.seq, &entry, &body), FAULT_NONE);
    return walk->seq == walk->stop_seq ? FAULT_CLOSED : FAULT_NONE;
}

START_TEST(walk_is_in_order_and_bounded)
{
    ledger_folder_fill(directory, 11, 1000, 10);
    struct reader *reader = open_reader();
    struct walk walk = {.reader = reader};
    ck_assert_int_eq(reader_walk(reader, 1, 1000, follow, &walk), FAULT_NONE);
    ck_assert_uint_eq(walk.seq, 1000);
    walk.seq = 499;
    ck_assert_int_eq(reader_walk(reader, 500, 500, follow, &walk), FAULT_NONE);
    ck_assert_uint_eq(walk.seq, 500);
    ck_assert_int_eq(reader_walk(reader, 501, 500, follow, &walk), FAULT_NONE);
    ck_assert_uint_eq(walk.seq, 500);
    ck_assert_int_eq(reader_walk(reader, 501, 1001, follow, &walk), FAULT_NOT_FOUND);
    ck_assert_uint_eq(walk.seq, 1000);
    ck_assert_int_eq(reader_walk(reader, 1001, 2000, follow, &walk), FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_walk(reader, 1002, 2000, follow, &walk), FAULT_NOT_FOUND);
    walk = (struct walk){.reader = reader, .stop_seq = 300};
    ck_assert_int_eq(reader_walk(reader, 1, 1000, follow, &walk), FAULT_CLOSED);
    ck_assert_uint_eq(walk.seq, 300);
    reader_close(reader);
}
END_TEST

static const struct {
    const char *sql;
    uint64_t seq;
    enum fault entry_fault, message_fault, block_fault;
} damages[] = {
    {"UPDATE entries SET public = flip(public, 20) WHERE seq = 50", 50, FAULT_CORRUPT, 0, 0},
    {"UPDATE entries SET private = flip(private, 20) WHERE seq = 50", 50, FAULT_CORRUPT, 0, 0},
    {"UPDATE entries SET hash = flip(hash, 20) WHERE seq = 49", 50, FAULT_CORRUPT, 0, 0},
    {"DELETE FROM entries WHERE seq = 50", 50, FAULT_NOT_FOUND, 0, 0},
    {"UPDATE entries SET body = flip(body, 8) WHERE seq = 3", 3, FAULT_CORRUPT, 0, 0},
    {"UPDATE evidence SET frame = flip(frame, 1)", 14, FAULT_NONE, FAULT_CORRUPT, FAULT_NONE},
    {"DELETE FROM evidence", 14, FAULT_NONE, FAULT_NOT_FOUND, FAULT_NONE},
    {"DELETE FROM blocks WHERE number = 2", 14, FAULT_NONE, FAULT_CORRUPT, FAULT_CORRUPT},
    {"UPDATE blocks SET header = flip(header, 0)", 14, FAULT_NONE, FAULT_VERSION, FAULT_VERSION},
    {"UPDATE blocks SET header = flip(header, 16) WHERE number = 2", 14, FAULT_NONE, FAULT_CORRUPT,
     FAULT_CORRUPT},
};

START_TEST(damage_is_told)
{
    ledger_folder_fill(directory, 11, 100, 10);
    ck_assert(tamper_run(directory, SEGMENT, damages[_i].sql));
    struct reader *reader = open_reader();
    ck_assert_int_eq(reader_entry(reader, damages[_i].seq, &entry, &body), damages[_i].entry_fault);
    if (damages[_i].entry_fault == FAULT_NONE) {
        struct evidence evidence;
        struct block_header header;
        ck_assert_int_eq(reader_message(reader, &entry, message, sizeof message, &evidence),
                         damages[_i].message_fault);
        ck_assert_int_eq(reader_block_of(reader, damages[_i].seq, &header),
                         damages[_i].block_fault);
    }
    reader_close(reader);
}
END_TEST

START_TEST(reader_survives_each_failed_io)
{
    ck_assert(fault_vfs_register());
    ledger_folder_fill(directory, 11, 100, 10);
    uint64_t nth = 0;
    bool failed = true;
    while (failed) {
        struct reader *reader = NULL;
        struct walk walk = {0};
        fault_vfs_fail(++nth, false);
        enum fault fault = reader_open(&reader, directory, FAULT_VFS_NAME);
        walk.reader = reader;
        if (fault == FAULT_NONE) fault = reader_entry(reader, 77, &entry, &body);
        failed = fault_vfs_has_failed();
        fault_vfs_fail(0, false);
        if (!failed) ck_assert_int_eq(fault, FAULT_NONE);
        if (reader) ck_assert_int_eq(reader_walk(reader, 1, 100, follow, &walk), FAULT_NONE);
        reader_close(reader);
    }
    ck_assert_uint_gt(nth, 5);
}
END_TEST

/* --- beside a writer -------------------------------------------------------------------------- */

#define WRITTEN 6000

struct shared {
    struct journal *journal;
    _Atomic uint64_t done; /* set when the writer has ended */
};

static void *write_all(void *context)
{
    struct shared *shared = context;
    while (scenario.seq < WRITTEN) {
        if (ledger_folder_write(shared->journal, &scenario, 20, 20) != FAULT_NONE ||
            journal_idle(shared->journal) != FAULT_NONE)
            abort();
    }
    atomic_store(&shared->done, 1);
    return NULL;
}

static enum fault count_one(void *context, const struct entry *visited, struct span bytes)
{
    (void)bytes;
    uint64_t *seq = context;
    if (visited->public.seq != *seq + 1) return FAULT_INVALID;
    *seq += 1;
    return FAULT_NONE;
}

static void *read_all(void *context)
{
    struct shared *shared = context;
    struct reader *reader = NULL;
    if (reader_open(&reader, directory, NULL) != FAULT_NONE) abort();
    uint64_t seq = 0;
    while (seq < WRITTEN) {
        uint64_t const durable_seq = journal_durable_seq(shared->journal);
        if (reader_walk(reader, seq + 1, durable_seq, count_one, &seq) != FAULT_NONE) abort();
    }
    reader_close(reader);
    return NULL;
}

START_TEST(readers_follow_a_writer)
{
    static struct shared shared;
    shared.journal = open_journal();
    pthread_t writer, readers[2];
    ck_assert_int_eq(pthread_create(&writer, NULL, write_all, &shared), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, read_all, &shared), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(readers[i], NULL), 0);
    ck_assert_int_eq(pthread_join(writer, NULL), 0);
    ck_assert_uint_eq(atomic_load(&shared.done), 1);
    journal_close(shared.journal);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader");
    TCase *cases = tcase_create("reader");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, no_ledger_is_not_found);
    tcase_add_test(cases, empty_ledger_has_nothing);
    tcase_add_loop_test(cases, entries_messages_and_blocks_come_back, 1, 4);
    tcase_add_loop_test(cases, entries_messages_and_blocks_come_back, 63, 65);
    tcase_add_test(cases, walk_is_in_order_and_bounded);
    tcase_add_loop_test(cases, damage_is_told, 0, sizeof damages / sizeof damages[0]);
    tcase_add_test(cases, reader_survives_each_failed_io);
    tcase_add_test(cases, readers_follow_a_writer);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
