/* verify of snapshots: what a start would trust must be what the entries lead to.
 *
 * The snapshots are written here byte by byte from ledger/README.md, as a liar would write them, with
 * a right hash and a right signature. */
#include <check.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/reader.h"
#include "ledger/signatures.h"
#include "ledger/snapshot_file.h"
#include "ledger/verify/verify.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/check/ledger_signed.h"

#define BATCH 10
#define ENTRIES 200
#define SEQ 100         /* of the snapshot */
#define REST_BYTES 1000 /* of the state, behind the accounts */

/* The core's part of the content; the structs are the bytes. */
struct account {
    uint64_t code;
    uint32_t holder, status, pacs008_max, flags;
    uint64_t limit;
    int64_t available, reserved;
    uint64_t number, last_seq;
};

struct content {
    char magic[8];
    uint32_t version;
    char currency[4];
    uint64_t seq, time_ns, segment, window_ns;
    uint32_t participants, certificates, open, groups, ids;
    char between[216 - 68];
    struct account accounts[SCENARIO_PARTICIPANTS];
    char rest[REST_BYTES];
    uint64_t registry[3];
};

static char directory[FOLDER_PATH_BYTES];
static struct scenario scenario;
static struct verify_report report;
static struct private_key *key;
static struct certificate *certificate, *stranger;
static struct content content;
static struct snapshot_facts facts;

static void make_identities(void)
{
    struct signatures *signatures;
    ck_assert_int_eq(key_generate(&key, KEY_P256), FAULT_NONE);
    certificate = ledger_signed_issue(key, "switch");
    stranger = ledger_signed_issue(key, "another");
    ck_assert_int_eq(signatures_open(&signatures, directory, NULL, key, certificate), FAULT_NONE);
    signatures_close(signatures);
}

/* What is true after entry SEQ. */
static void keep_truth(void)
{
    struct reader *reader;
    struct block_header header;
    static struct entry entry;
    static struct body body;
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(reader_entry(reader, SEQ, &entry, &body), FAULT_NONE);
    ck_assert_int_eq(reader_block_of(reader, SEQ, &header), FAULT_NONE);
    facts = (struct snapshot_facts){.seq = SEQ,
                                    .time_ns = entry.public.time_ns,
                                    .block = header.number,
                                    .hash = entry.hash,
                                    .state_bytes = offsetof(struct content, registry),
                                    .registry_count = 3};
    ck_assert_int_eq(reader_ledger_id(reader, facts.ledger_id), FAULT_NONE);
    reader_close(reader);

    content = (struct content){.magic = "CauState",
                               .version = 1,
                               .currency = "MXN",
                               .seq = SEQ,
                               .segment = 1,
                               .participants = SCENARIO_PARTICIPANTS,
                               .open = scenario.open_count,
                               .registry = {2, 3, 5}};
    for (unsigned i = 0; i < SCENARIO_PARTICIPANTS; i++) {
        const struct scenario_participant *participant = &scenario.participants[i];
        struct account *account = &content.accounts[i];
        memcpy(&account->code, participant->code.text, sizeof account->code);
        account->available = participant->available;
        account->reserved = participant->reserved;
        account->number = participant->number;
        account->last_seq = participant->last_seq;
    }
}

static void make_ledger(void)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ledger_folder_make(directory);
    ledger_scenario_begin(&scenario, 5);
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    make_identities();
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, SEQ, BATCH), FAULT_NONE);
    keep_truth();
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, ENTRIES - SEQ, BATCH), FAULT_NONE);
    journal_close(journal);
}

static void remove_ledger(void)
{
    certificate_close(certificate);
    certificate_close(stranger);
    key_close(key);
    ledger_folder_remove(directory);
}

static void write_snapshot(uint32_t place, const struct certificate *signer_certificate)
{
    struct snapshot_writer *writer;
    struct signer *signer;
    uint32_t slices = 0;
    ck_assert_int_eq(signer_open(&signer, key), FAULT_NONE);
    ck_assert_int_eq(snapshot_writer_open(&writer, directory, NULL, place), FAULT_NONE);
    ck_assert_int_eq(snapshot_writer_put(writer, span_of(&content, sizeof content), &slices),
                     FAULT_NONE);
    ck_assert_int_eq(snapshot_writer_finish(writer, &facts, signer, signer_certificate),
                     FAULT_NONE);
    snapshot_writer_close(writer);
    signer_close(signer);
}

static void assert_good(void)
{
    verify_ledger(directory, &report);
    ck_assert_msg(report.good, "entry %" PRIu64 ": %s", report.fault_seq, report.fault_words);
    ck_assert_str_eq(report.notes, "");
}

static void assert_fault(uint64_t seq, const char *words)
{
    verify_ledger(directory, &report);
    ck_assert_msg(!report.good, "%s: not found", words);
    ck_assert_msg(report.fault_seq == seq && strstr(report.fault_words, words) != NULL,
                  "%s: entry %" PRIu64 ": %s", words, report.fault_seq, report.fault_words);
}

static FILE *open_snapshot(const char *mode)
{
    char path[2 * FOLDER_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/snapshot-1.bin", directory);
    FILE *file = fopen(path, mode);
    ck_assert_ptr_nonnull(file);
    return file;
}

START_TEST(true_snapshots_are_good)
{
    write_snapshot(1, certificate);
    assert_good();
    write_snapshot(2, certificate);
    assert_good();
    FILE *file = open_snapshot("w"); /* one that is just being made */
    (void)fclose(file);
    assert_good();
}
END_TEST

static void more_available(void)
{
    content.accounts[2].available++;
}

static void more_reserved(void)
{
    content.accounts[0].reserved++;
}

static void other_number(void)
{
    content.accounts[3].number++;
}

static void other_link(void)
{
    content.accounts[3].last_seq--;
}

static void other_code(void)
{
    content.accounts[1].code++;
}

static void fewer_participants(void)
{
    content.participants--;
}

static void more_open(void)
{
    content.open++;
}

static void other_state_seq(void)
{
    content.seq++;
}

static void other_state_version(void)
{
    content.version++;
}

static void other_hash(void)
{
    facts.hash.bytes[0] ^= 1;
}

static void other_ledger(void)
{
    facts.ledger_id[0] ^= 1;
}

static void inside_a_block(void)
{
    facts.seq = content.seq = SEQ + 1;
}

static void beyond_the_end(void)
{
    facts.seq = content.seq = ENTRIES + BATCH;
}

static void of_no_entry(void)
{
    facts.seq = 0;
}

static const struct {
    void (*lie)(void);
    uint64_t seq;
    const char *words;
} lies[] = {
    {more_available, SEQ, "other balances of 10000003"},
    {more_reserved, SEQ, "other balances of 10000001"},
    {other_number, SEQ, "another number of 10000004"},
    {other_link, SEQ, "another number of 10000004"},
    {other_code, SEQ, "other participants"},
    {fewer_participants, SEQ, "other participants"},
    {more_open, SEQ, "other open payments"},
    {other_state_seq, SEQ, "state of another entry"},
    {other_state_version, SEQ, "state that is not known"},
    {other_hash, SEQ, "another hash of its entry"},
    {other_ledger, SEQ, "of another ledger"},
    {inside_a_block, 0, "ends no block"},
    {beyond_the_end, 0, "ends no block"},
    {of_no_entry, 0, "is of no entry"},
};

START_TEST(lie_is_found)
{
    lies[_i].lie();
    write_snapshot(1, certificate);
    assert_fault(lies[_i].seq, lies[_i].words);
}
END_TEST

/* One bit of the file, and what finds it. */
static const struct {
    long at;
    uint64_t seq;
    const char *words;
} flips[] = {
    {0, 0, "is no snapshot"},
    {8, 0, "of version 5"},
    {12, SEQ, "has another size"},
    {40, SEQ, "signature of it"},
    {56, SEQ, "has another size"},
    {96, SEQ, "does not match its own hash"},
    {128, SEQ, "certificate that is not there"},
    {161, SEQ, "has no signature"},
    {170, SEQ, "signature of it"},
    {4096 + 216 + 32, SEQ, "other balances"},
    {4096 + 216 + 4 * 64 + 500, SEQ, "does not match its own hash"},
    {4096 + (long)sizeof content - 1, SEQ, "does not match its own hash"},
};

START_TEST(flipped_bit_is_found)
{
    write_snapshot(1, certificate);
    FILE *file = open_snapshot("r+b");
    ck_assert_int_eq(fseek(file, flips[_i].at, SEEK_SET), 0);
    int const byte = fgetc(file);
    ck_assert_int_eq(fseek(file, flips[_i].at, SEEK_SET), 0);
    ck_assert_int_ge(fputc(byte ^ 4, file), 0);
    (void)fclose(file);
    assert_fault(flips[_i].seq, flips[_i].words);
}
END_TEST

START_TEST(stranger_may_not_sign)
{
    write_snapshot(1, stranger);
    assert_fault(SEQ, "certificate that is not there");
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("verify_saved");
    TCase *cases = tcase_create("verify_saved");
    tcase_add_checked_fixture(cases, make_ledger, remove_ledger);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, true_snapshots_are_good);
    tcase_add_loop_test(cases, lie_is_found, 0, ROWS(lies));
    tcase_add_loop_test(cases, flipped_bit_is_found, 0, ROWS(flips));
    tcase_add_test(cases, stranger_may_not_sign);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
