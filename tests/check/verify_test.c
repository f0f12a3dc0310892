/* verify: a good ledger is good, and every change to one is found and named.
 *
 * Two tables.  The first damages the files of a good ledger; the second writes ledgers whose
 * hashes, links and roots are right throughout, but where one entry says what does not follow. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/marks.h"
#include "ledger/verify/layout.h"
#include "ledger/verify/tree.h"
#include "ledger/verify/verify.h"
#include "proto/record/block.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/check/ledger_signed.h"
#include "tests/simulator/tamper.h"

#define SEGMENT "segment-000001.db"
#define ENTRIES 300
#define BATCH 10

static char directory[FOLDER_PATH_BYTES];
static struct scenario scenario;
static struct verify_report report;

static void make_folder(void)
{
    ledger_folder_make(directory);
}

static void remove_folder(void)
{
    ledger_folder_remove(directory);
}

static void assert_fault(uint64_t seq, const char *words, const char *what)
{
    verify_ledger(directory, &report);
    ck_assert_msg(!report.good, "%s: not found", what);
    ck_assert_msg(report.fault_seq == seq && strstr(report.fault_words, words) != NULL,
                  "%s: entry %" PRIu64 ": %s", what, report.fault_seq, report.fault_words);
}

static void assert_good(uint64_t entries)
{
    verify_ledger(directory, &report);
    ck_assert_msg(report.good, "entry %" PRIu64 ": %s", report.fault_seq, report.fault_words);
    ck_assert_uint_eq(report.entries, entries);
}

START_TEST(good_ledgers_are_good)
{
    static const uint32_t batches[] = {1, 2, 3, 7, 64, 1000};
    ledger_folder_fill(directory, (uint64_t)_i + 1, 1000, batches[_i]);
    assert_good(1000);
    ck_assert_uint_eq(report.blocks, (1000 + batches[_i] - 1) / batches[_i]);
    ck_assert_uint_eq(report.evidence_absent, 0);
    ck_assert_str_eq(report.notes, "");
}
END_TEST

START_TEST(head_is_that_of_the_newest_entry)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ledger_folder_fill(directory, 3, 50, 10);
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    assert_good(50); /* beside a writer */
    ck_assert(hash_equal(&report.head, &head.hash));
    journal_close(journal);
}
END_TEST

/* A check in another language, written from ledger/README.md, comes to the same end. */
START_TEST(stranger_agrees)
{
    ledger_folder_fill(directory, 9, 2000, 17);
    assert_good(2000);
    ledger_signed_stranger_agrees(directory);
}
END_TEST

/* --- damaged files ---------------------------------------------------------------------------- */

/* Entries 1 to 13 open the ledger; blocks are of 10, so block 5 holds 41 to 50. */
static const struct {
    const char *sql;
    uint64_t seq;
    const char *words;
} damages[] = {
    /* one bit, anywhere in an entry */
    {"UPDATE entries SET public = flip(public, 0) WHERE seq = 45", 45, "does not match its hash"},
    {"UPDATE entries SET public = flip(public, 8) WHERE seq = 45", 45, "does not match its hash"},
    {"UPDATE entries SET public = flip(public, 16) WHERE seq = 45", 45, "does not match its hash"},
    {"UPDATE entries SET public = flip(public, 56) WHERE seq = 1", 1, "does not match its hash"},
    {"UPDATE entries SET public = flip(public, 207) WHERE seq = 300", 300, "does not match"},
    {"UPDATE entries SET private = flip(private, 16) WHERE seq = 100", 100, "does not match"},
    {"UPDATE entries SET private = flip(private, 191) WHERE seq = 100", 100, "does not match"},
    {"UPDATE entries SET hash = flip(hash, 31) WHERE seq = 100", 100, "does not match its hash"},
    {"UPDATE entries SET body = flip(body, 7) WHERE seq = 2", 2, "does not match its hash"},
    {"UPDATE entries SET body = flip(body, 0) WHERE seq = 2", 2, "a body that is none"},
    {"UPDATE entries SET body = NULL WHERE seq = 2", 2, "does not match its hash"},
    {"UPDATE entries SET body = x'0100' WHERE seq = 4", 4, "does not match its hash"},
    {"UPDATE entries SET body_seq = 2 WHERE seq = 5", 5, "has a body and shares another"},
    /* rows dropped, added, swapped, rewritten */
    {"DELETE FROM entries WHERE seq = 77", 77, "is missing"},
    {"DELETE FROM entries WHERE seq = 300", 300, "is missing"},
    {"DELETE FROM entries WHERE seq = 1", 1, "is missing"},
    {"DELETE FROM entries", 1, "is missing"},
    {"UPDATE entries SET seq = 0 WHERE seq = 1", 0, "before the segment's first"},
    {"INSERT INTO entries SELECT 301, public, private, hash, body, body_seq FROM entries"
     " WHERE seq = 300",
     301, "stands in no block"},
    {"UPDATE entries SET seq = -1 WHERE seq = 50; UPDATE entries SET seq = 50 WHERE seq = 51;"
     "UPDATE entries SET seq = 51 WHERE seq = -1",
     50, "does not match its hash"},
    {"UPDATE entries SET private = (SELECT private FROM entries WHERE seq = 60) WHERE seq = 61", 61,
     "does not match its hash"},
    /* blocks */
    {"DELETE FROM blocks WHERE number = 5", 41, "block 5 is missing"},
    {"DELETE FROM blocks WHERE number = 30", 291, "stands in no block"},
    {"DELETE FROM blocks", 1, "stands in no block"},
    {"UPDATE blocks SET header = flip(header, 0) WHERE number = 5", 41, "block 5 is of version 0"},
    {"UPDATE blocks SET header = flip(header, 4) WHERE number = 5", 41, "does not go on"},
    {"UPDATE blocks SET header = flip(header, 8) WHERE number = 5", 41, "does not go on"},
    {"UPDATE blocks SET header = flip(header, 16) WHERE number = 5", 41, "does not go on"},
    {"UPDATE blocks SET header = flip(header, 24) WHERE number = 5", 41, "does not go on"},
    {"UPDATE blocks SET header = flip(header, 32) WHERE number = 5", 41, "another time"},
    {"UPDATE blocks SET header = flip(header, 40) WHERE number = 5", 41, "does not name the one"},
    {"UPDATE blocks SET header = flip(header, 72) WHERE number = 5", 41, "another root"},
    {"UPDATE blocks SET header = flip(header, 103) WHERE number = 30", 291, "another root"},
    {"INSERT INTO blocks SELECT 31, header FROM blocks WHERE number = 30", 301, "does not go on"},
    {"INSERT INTO blocks SELECT 0, header FROM blocks WHERE number = 1", 1, "stands before"},
    /* evidence */
    {"UPDATE evidence SET frame = flip(frame, 0) WHERE block = 5", 41, "cannot be unpacked"},
    {"UPDATE evidence SET frame = x'' WHERE block = 5", 41, "evidence"},
    {"INSERT INTO evidence SELECT 1, frame FROM evidence WHERE block = 5", 1,
     "evidence that none of its entries names"},
    {"INSERT INTO evidence SELECT 31, frame FROM evidence WHERE block = 5", 300,
     "evidence of a block that is not there"},
    {"INSERT INTO evidence SELECT 0, frame FROM evidence WHERE block = 5", 1,
     "evidence of a block"},
    /* the file */
    {"PRAGMA user_version = 2", 1, "is of format 2"},
    {"PRAGMA application_id = 7", 1, "no segment of a ledger"},
};

START_TEST(damage_is_found)
{
    ledger_folder_fill(directory, 1, ENTRIES, BATCH);
    ck_assert_msg(tamper_run(directory, SEGMENT, damages[_i].sql), "%s", damages[_i].sql);
    assert_fault(damages[_i].seq, damages[_i].words, damages[_i].sql);
}
END_TEST

/* Which entry of a block is the first with a message, or with a shared body, is the scenario's
 * choice. */
START_TEST(damage_is_found_where_it_is_first_met)
{
    ledger_folder_fill(directory, 1, ENTRIES, BATCH);
    char copy[FOLDER_PATH_BYTES];
    ledger_folder_copy(directory, copy);
    ck_assert(tamper_run(directory, SEGMENT,
                         "UPDATE evidence SET frame = (SELECT frame FROM evidence WHERE block = 6)"
                         " WHERE block = 5"));
    long long const caused = tamper_count(
        directory, SEGMENT,
        "SELECT min(seq) FROM entries WHERE seq > 40 AND substr(public, 145, 32) <> zeroblob(32)");
    assert_fault((uint64_t)caused, "names a message that its block's evidence lacks", "frames");
    ledger_folder_remove(directory);

    (void)strcpy(directory, copy);
    long long const shared = tamper_count(directory, SEGMENT,
                                          "SELECT min(seq) FROM entries"
                                          " WHERE body_seq IS NOT NULL");
    ck_assert(tamper_run(directory, SEGMENT,
                         "UPDATE entries SET body_seq = 200 WHERE seq ="
                         " (SELECT min(seq) FROM entries WHERE body_seq IS NOT NULL)"));
    assert_fault((uint64_t)shared, "shares a body that is not there", "bodies");
}
END_TEST

START_TEST(every_byte_of_the_file_may_be_flipped)
{
    /* Nowhere may a flipped bit make the check crash, hang or read beyond; that it is found is
     * asked of the bytes that hold something, in the table above. */
    char pristine[FOLDER_PATH_BYTES], path[2 * FOLDER_PATH_BYTES];
    ledger_folder_make(pristine);
    ledger_folder_fill(pristine, 1, 60, 10);
    for (unsigned round = 0; round < 300; round++) {
        char command[4 * FOLDER_PATH_BYTES];
        (void)snprintf(command, sizeof command, "rm -rf '%s'; cp -r '%s' '%s'", directory, pristine,
                       directory);
        ck_assert_int_eq(system(command), 0);
        (void)snprintf(path, sizeof path, "%s/%s", directory, SEGMENT);
        FILE *file = fopen(path, "r+b");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
        long const size = ftell(file);
        long const at = (long)(round * 2654435761u % (unsigned long)size);
        ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
        int const byte = fgetc(file);
        ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
        (void)fputc(byte ^ 1 << round % 8, file);
        (void)fclose(file);
        verify_ledger(directory, &report);
        ck_assert(report.good == (report.fault_words[0] == 0));
    }
    ledger_folder_remove(pristine);
}
END_TEST

START_TEST(evidence_may_be_absent)
{
    ledger_folder_fill(directory, 1, ENTRIES, BATCH);
    ck_assert(tamper_run(directory, SEGMENT, "DELETE FROM evidence WHERE block = 5"));
    assert_good(ENTRIES);
    uint64_t const of_one_block = report.evidence_absent;
    ck_assert_uint_ge(of_one_block, 5);
    ck_assert_uint_le(of_one_block, 10);
    ck_assert(tamper_run(directory, SEGMENT, "DELETE FROM evidence"));
    assert_good(ENTRIES);
    ck_assert_uint_gt(report.evidence_absent, 200);
}
END_TEST

/* --- lies with right hashes ------------------------------------------------------------------- */

static void flip_amount(struct entry *entry)
{
    entry->public.amount = amount_of_minor(amount_minor(entry->public.amount) ^ 1);
}

static void more_for_payer(struct entry *entry)
{
    struct amount *available = &entry->private.accounts[SIDE_PAYER].available;
    *available = amount_of_minor(amount_minor(*available) + 1);
}

static void more_for_payee(struct entry *entry)
{
    struct amount *available = &entry->private.accounts[SIDE_PAYEE].available;
    *available = amount_of_minor(amount_minor(*available) + 1);
}

static void less_reserved(struct entry *entry)
{
    struct amount *reserved = &entry->private.accounts[SIDE_PAYER].reserved;
    *reserved = amount_of_minor(amount_minor(*reserved) - 1);
}

static void skip_number(struct entry *entry)
{
    entry->public.sides[SIDE_PAYER].number++;
}

static void skip_payee_number(struct entry *entry)
{
    entry->public.sides[SIDE_PAYEE].number++;
}

static void lose_link(struct entry *entry)
{
    entry->public.sides[SIDE_PAYER].previous_seq = 0;
}

static void open_by_other(struct entry *entry)
{
    entry->public.opened_by--;
}

static void open_by_none(struct entry *entry)
{
    entry->public.opened_by = 0;
}

static void open_by_later(struct entry *entry)
{
    entry->public.opened_by = entry->public.seq + 1;
}

static void claim_opener(struct entry *entry)
{
    entry->public.opened_by = 1;
}

static void swap_parties(struct entry *entry)
{
    struct participant_code const payer = entry->public.payer;
    entry->public.payer = entry->public.payee;
    entry->public.payee = payer;
}

static void other_agent(struct entry *entry)
{
    entry->public.payer_agent.text[0] = '9';
}

static void other_payee(struct entry *entry)
{
    entry->public.payee.text[0] = '9';
}

static void pay_oneself(struct entry *entry)
{
    entry->public.payee = entry->public.payer;
    entry->public.payee_agent = entry->public.payer_agent;
}

static void other_id(struct entry *entry)
{
    entry->public.id.text[3] = 'X';
}

static void bad_id(struct entry *entry)
{
    entry->public.id.text[3] = ' ';
}

static void long_id(struct entry *entry)
{
    entry->public.id.size = 36;
}

static void repeated_id(struct entry *entry)
{
    memset(entry->public.id.text, 0, sizeof entry->public.id.text);
    entry->public.id.size = (uint8_t)sizeof("E0000000000000001") - 1;
    memcpy(entry->public.id.text, "E0000000000000001", entry->public.id.size);
}

static void settle_instead(struct entry *entry)
{
    entry->public.kind = ENTRY_SETTLED;
    entry->public.reason = (struct reason){0};
}

static void reject_instead(struct entry *entry)
{
    entry->public.kind = ENTRY_REJECTED;
    entry->public.reason = REASON("AC03");
}

static void expire_early(struct entry *entry)
{
    entry->public.kind = ENTRY_EXPIRED;
    entry->public.reason = REASON("AB03");
}

static void no_reason(struct entry *entry)
{
    entry->public.reason = (struct reason){0};
}

static void other_reason(struct entry *entry)
{
    entry->public.reason = REASON("AC03");
}

static void no_deadline(struct entry *entry)
{
    entry->public.deadline_ns = 0;
}

static void some_deadline(struct entry *entry)
{
    entry->public.deadline_ns = 1;
}

static void other_currency(struct entry *entry)
{
    memcpy(entry->public.currency.text, "EUR", 4);
}

static void unknown_kind(struct entry *entry)
{
    entry->public.kind = 99;
}

static void unknown_version(struct entry *entry)
{
    entry->public.version = 2;
}

static void segment_again(struct entry *entry)
{
    entry->public.kind = ENTRY_SEGMENT;
}

static void other_sender(struct entry *entry)
{
    entry->private.sender.text[7] = '9';
}

static void return_of_later(struct entry *entry)
{
    entry->public.returned_seq = entry->public.seq;
}

static void balance_of_nobody(struct entry *entry)
{
    entry->private.accounts[SIDE_PAYER].available = amount_of_minor(5);
}

static void negative_amount(struct entry *entry)
{
    entry->public.amount = amount_of_minor(-5);
}

static void too_much(struct entry *entry)
{
    entry->public.amount = amount_of_minor(AMOUNT_MAX_MINOR);
}

static void join_again(struct entry *entry)
{
    memcpy(entry->public.payee.text, "10000001", 8);
}

static void join_without_code(struct entry *entry)
{
    memcpy(entry->public.payee.text, "1000-001", 8);
}

static const struct {
    const char *name;
    enum entry_kind kind; /* the 4th entry of this kind lies, where there are so many */
    void (*lie)(struct entry *);
    const char *words;
} lies[] = {
    {"reserves another amount", ENTRY_RESERVED, flip_amount, "leaves other balances"},
    {"settles another amount", ENTRY_SETTLED, flip_amount, "other parties, amount or id"},
    {"funds another amount", ENTRY_FUNDED, flip_amount, "leaves other balances"},
    {"funds below zero", ENTRY_FUNDED, negative_amount, "not above zero"},
    {"funds too much", ENTRY_FUNDED, too_much, "more than there may be"},
    {"reserves below zero", ENTRY_RESERVED, negative_amount, "not above zero"},
    {"reserves more than there is", ENTRY_RESERVED, too_much, "more than is available"},
    {"leaves the payer more", ENTRY_RESERVED, more_for_payer, "leaves other balances"},
    {"leaves the payer more", ENTRY_REFUSED, more_for_payer, "leaves other balances"},
    {"leaves the payee more", ENTRY_SETTLED, more_for_payee, "leaves other balances"},
    {"leaves less reserved", ENTRY_RESERVED, less_reserved, "leaves other balances"},
    {"leaves the payer more", ENTRY_EXPIRED, more_for_payer, "leaves other balances"},
    {"leaves nobody something", ENTRY_FUNDED, balance_of_nobody, "it does not concern"},
    {"skips a number", ENTRY_SETTLED, skip_number, "own numbering"},
    {"skips a number", ENTRY_RESERVED, skip_payee_number, "own numbering"},
    {"numbers nobody", ENTRY_REFUSED, skip_payee_number, "numbers a side"},
    {"loses the entry before", ENTRY_SETTLED, lose_link, "entry before"},
    {"settles a payment not open", ENTRY_SETTLED, open_by_other, "is not open"},
    {"settles nothing", ENTRY_SETTLED, open_by_none, "nothing before it opened"},
    {"rejects what comes later", ENTRY_REJECTED, open_by_later, "nothing before it opened"},
    {"reserves and decides", ENTRY_RESERVED, claim_opener, "names one that opened it"},
    {"settles the other way", ENTRY_SETTLED, swap_parties, "other parties, amount or id"},
    {"settles another id", ENTRY_SETTLED, other_id, "other parties, amount or id"},
    {"settles another currency", ENTRY_SETTLED, other_currency, "other parties, amount or id"},
    {"reserves for a stranger's agent", ENTRY_RESERVED, other_agent, "settles elsewhere"},
    {"reserves for a stranger", ENTRY_RESERVED, other_payee, "payee without an account"},
    {"refuses a stranger", ENTRY_REFUSED, other_agent, "settles elsewhere"},
    {"pays itself", ENTRY_RESERVED, pay_oneself, "to itself"},
    {"has a space in its id", ENTRY_RESERVED, bad_id, "id that is none"},
    {"has an id too long", ENTRY_RESERVED, long_id, "id that is none"},
    {"takes an id again", ENTRY_RESERVED, repeated_id, "taken within 24 hours"},
    {"refuses and takes an id again", ENTRY_REFUSED, repeated_id, "taken within 24 hours"},
    {"settles after the deadline", ENTRY_EXPIRED, settle_instead, "wrong side"},
    {"rejects after the deadline", ENTRY_EXPIRED, reject_instead, "wrong side"},
    {"expires before the deadline", ENTRY_SETTLED, expire_early, "wrong side"},
    {"settles what was rejected", ENTRY_REJECTED, settle_instead, "leaves other balances"},
    {"rejects what was settled", ENTRY_SETTLED, reject_instead, "leaves other balances"},
    {"rejects without a reason", ENTRY_REJECTED, no_reason, "reason"},
    {"refuses without a reason", ENTRY_REFUSED, no_reason, "without a reason"},
    {"expires without a reason", ENTRY_EXPIRED, no_reason, "without AB03"},
    {"expires for another reason", ENTRY_EXPIRED, other_reason, "without AB03"},
    {"settles with a reason", ENTRY_SETTLED, other_reason, "reason"},
    {"reserves with a reason", ENTRY_RESERVED, other_reason, "has a reason"},
    {"reserves without a deadline", ENTRY_RESERVED, no_deadline, "after its own deadline"},
    {"settles with a deadline", ENTRY_SETTLED, some_deadline, "has a deadline"},
    {"is of no known kind", ENTRY_RESERVED, unknown_kind, "kind that is not known"},
    {"is of no known version", ENTRY_RESERVED, unknown_version, "of version 2.1"},
    {"opens a segment again", ENTRY_RESERVED, segment_again, "where none begins"},
    {"names another sender", ENTRY_SETTLED, other_sender, "another sender"},
    {"returns itself", ENTRY_RESERVED, return_of_later, "comes after it"},
    {"joins again", ENTRY_JOINED, join_again, "a second time"},
    {"joins without a code", ENTRY_JOINED, join_without_code, "code is none"},
    {"certifies a stranger", ENTRY_CERTIFICATE, other_payee, "to nobody"},
    {"funds a stranger", ENTRY_FUNDED, other_payee, "nobody's account"},
};

START_TEST(lie_is_found)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    ledger_scenario_begin(&scenario, 5);
    uint64_t lied_seq = 0;
    for (uint32_t i = 1, seen = 0; i <= 1500; i++) {
        ledger_scenario_next(&scenario);
        struct entry *entry = &scenario.entry;
        const struct evidence *evidence = ledger_scenario_evidence(&scenario);
        if (entry->public.kind == lies[_i].kind && ++seen == 4) {
            lies[_i].lie(entry);
            lied_seq = entry->public.seq;
        }
        ck_assert_int_eq(journal_append(journal, entry, &scenario.body, evidence), FAULT_NONE);
        if (i % 9 == 0) ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    }
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    journal_close(journal);
    ck_assert_uint_gt(lied_seq, 0);
    assert_fault(lied_seq, lies[_i].words, lies[_i].name);
}
END_TEST

/* What the frame says of a message, but does not chain, is held against what the chain says. */
START_TEST(evidence_under_a_strangers_certificate_is_found)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    ledger_scenario_begin(&scenario, 5);
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 40, 10), FAULT_NONE);
    do {
        ledger_scenario_next(&scenario);
        struct evidence evidence = scenario.evidence;
        evidence.certificate = scenario.participants[0].certificate;
        ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body,
                                        ledger_scenario_evidence(&scenario) ? &evidence : NULL),
                         FAULT_NONE);
    } while (identifier_code_is_none(scenario.entry.private.sender) ||
             identifier_code_equal(scenario.entry.private.sender, scenario.participants[0].code));
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    journal_close(journal);
    assert_fault(scenario.seq, "a certificate that is not its sender's", "certificate");
}
END_TEST

/* --- the folder ------------------------------------------------------------------------------- */

static void in_folder(const char *format)
{
    char command[4 * FOLDER_PATH_BYTES], script[FOLDER_PATH_BYTES];
    (void)snprintf(script, sizeof script, "%s", format);
    (void)snprintf(command, sizeof command, "cd '%s' && %s", directory, script);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(index_is_passed_over_and_strangers_are_noted)
{
    ledger_folder_fill(directory, 1, 50, 10);
    in_folder("echo nonsense > index.db && echo nonsense > index-000001.db");
    assert_good(50);
    ck_assert_str_eq(report.notes, "");
    in_folder("echo nonsense > notes.txt");
    assert_good(50);
    ck_assert_str_eq(report.notes, "notes.txt");
}
END_TEST

START_TEST(missing_files_are_faults)
{
    verify_ledger(directory, &report);
    ck_assert(!report.good);
    ledger_folder_fill(directory, 1, 50, 10);
    in_folder("cp segment-000001.db segment-000003.db");
    assert_fault(0, "segment-000002.db is missing", "gap");
    in_folder("mv segment-000003.db segment-000002.db");
    assert_fault(1, "before the segment's first", "second file is the first again");
    in_folder("rm segment-*");
    assert_fault(0, "holds no ledger", "empty folder");
    in_folder("echo text > segment-000001.db");
    assert_fault(1, "cannot be opened", "text file");
}
END_TEST

static void put_mark(const char *code, uint64_t cursor, const uint8_t id[16])
{
    struct marks *marks;
    static struct mark mark;
    memcpy(mark.code.text, code, PARTICIPANT_CODE_BYTES);
    mark.cursor = cursor;
    ck_assert_int_eq(marks_open(&marks, directory, NULL, id), FAULT_NONE);
    ck_assert_int_eq(marks_put(marks, &mark), FAULT_NONE);
    ck_assert_int_eq(marks_commit(marks), FAULT_NONE);
    marks_close(marks);
}

START_TEST(marks_are_held_against_the_entries)
{
    static const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const uint8_t other_id[16] = {9};
    ledger_folder_fill(directory, 1, 13, 13);
    put_mark("10000001", 2, id); /* its funding is number 1 */
    assert_good(13);
    put_mark("10000001", 3, id);
    assert_fault(0, "the mark of 10000001 is beyond", "cursor too high");
    put_mark("10000001", 1, id);
    put_mark("10000009", 1, id);
    assert_fault(0, "the mark of 10000009 is beyond", "nobody's mark");
    put_mark("10000001", 1, other_id);
    assert_fault(0, "another ledger", "foreign marks");
    in_folder("rm marks.db && echo text > marks.db");
    assert_fault(0, "marks.db cannot be", "text file");
}
END_TEST

/* Both ways to build the tree give the same root for every count. */
START_TEST(trees_agree)
{
    static struct hash hashes[BLOCK_ENTRIES_MAX];
    struct tree tree = {0};
    for (uint32_t i = 0; i < BLOCK_ENTRIES_MAX; i++) {
        hashes[i] = hash_of(span_of(&i, sizeof i));
        tree_add(&tree, &hashes[i]);
        if (i >= 300 && i % 97 != 0) continue;
        struct hash const a = tree_root(&tree), b = block_root(hashes, i + 1);
        ck_assert_msg(hash_equal(&a, &b), "%" PRIu32 " leaves", i + 1);
    }
}
END_TEST

/* The other decoder's idea of a layout is that of the structs. */
START_TEST(layouts_agree)
{
    struct entry entry;
    unsigned char *bytes = (unsigned char *)&entry;
    for (size_t i = 0; i < sizeof entry; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    entry.public.id.size = 35;
    memset(entry.public.reason.text + 4, 0, 12);
    struct layout_entry read;
    layout_read_entry(span_of(&entry.public, sizeof entry.public),
                      span_of(&entry.private, sizeof entry.private), &read);
    ck_assert_uint_eq(read.public_version, entry.public.version);
    ck_assert_uint_eq(read.private_version, entry.private.version);
    ck_assert_uint_eq(read.kind, entry.public.kind);
    ck_assert_uint_eq(read.seq, entry.public.seq);
    ck_assert_int_eq(read.time_ns, entry.public.time_ns);
    ck_assert_mem_eq(&read.payer_agent, &entry.public.payer_agent, 8);
    ck_assert_mem_eq(&read.payee_agent, &entry.public.payee_agent, 8);
    ck_assert_mem_eq(&read.payer, &entry.public.payer, 8);
    ck_assert_mem_eq(&read.payee, &entry.public.payee, 8);
    ck_assert_mem_eq(&read.sender, &entry.private.sender, 8);
    ck_assert_int_eq(read.amount, amount_minor(entry.public.amount));
    ck_assert(span_equal(read.id, span_of(entry.public.id.text, 35)));
    ck_assert(span_equal(read.reason, span_of(entry.public.reason.text, 4)));
    ck_assert_int_eq(read.deadline_ns, entry.public.deadline_ns);
    ck_assert_uint_eq(read.opened_by, entry.public.opened_by);
    ck_assert_uint_eq(read.returned_seq, entry.public.returned_seq);
    ck_assert(hash_equal(&read.evidence, &entry.public.evidence_hash));
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(read.sides[side].number, entry.public.sides[side].number);
        ck_assert_uint_eq(read.sides[side].previous_seq, entry.public.sides[side].previous_seq);
        ck_assert_int_eq(read.sides[side].available,
                         amount_minor(entry.private.accounts[side].available));
        ck_assert_int_eq(read.sides[side].reserved,
                         amount_minor(entry.private.accounts[side].reserved));
    }
    ck_assert_mem_eq(read.terms + 76, entry.public.currency.text, 4);
    ck_assert_mem_eq(read.terms, &entry.public.payer_agent, 76);

    struct block_header header;
    memcpy(&header, bytes, sizeof header);
    struct layout_header read_header;
    layout_read_header(span_of(&header, sizeof header), &read_header);
    ck_assert_uint_eq(read_header.version, header.version);
    ck_assert_uint_eq(read_header.count, header.entry_count);
    ck_assert_uint_eq(read_header.number, header.number);
    ck_assert_uint_eq(read_header.first_seq, header.first_seq);
    ck_assert_uint_eq(read_header.last_seq, header.last_seq);
    ck_assert_int_eq(read_header.time_ns, header.time_ns);
    ck_assert(hash_equal(&read_header.previous, &header.previous));
    ck_assert(hash_equal(&read_header.root, &header.root));
}
END_TEST

static void assert_hash(struct hash hash, const char *expected)
{
    char text[HASH_TEXT_BYTES];
    hash_print(&hash, text);
    ck_assert_str_eq(text, expected);
}

/* ledger/README.md, "A worked example". */
START_TEST(worked_example_holds)
{
    static const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const struct hash none;
    static struct entry entry;
    static struct body body;
    entry.public.version = entry.private.version = 1;
    entry.public.kind = ENTRY_SEGMENT;
    entry.public.seq = 1;
    entry.public.time_ns = INT64_C(1795000000000000000);
    ck_assert_int_eq(body_put_number(&body, BODY_FORMAT_VERSION, 1), FAULT_NONE);
    ck_assert_int_eq(body_put(&body, BODY_LEDGER_ID, span_of(id, sizeof id)), FAULT_NONE);
    ck_assert_int_eq(body_put_number(&body, BODY_SEGMENT_NUMBER, 1), FAULT_NONE);
    ck_assert_int_eq(body_put(&body, BODY_PREVIOUS_HEAD, hash_span(&none)), FAULT_NONE);
    ck_assert_int_eq(body_put(&body, BODY_PREVIOUS_BLOCK, hash_span(&none)), FAULT_NONE);

    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    ck_assert_int_eq(journal_append(journal, &entry, &body, NULL), FAULT_NONE);
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
    journal_close(journal);
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    journal_close(journal);
    assert_hash(entry_private_hash(&entry),
                "fb4a52bdcb9e92103f57f6acc15101273855283935c9bbf8276d1c45ba1b27ba");
    assert_hash(entry.body_hash,
                "9f3095f47529c489754ec25e73129c444074a79f77342cdc1a4b3c60f7eb925d");
    assert_hash(head.hash, "68000647157cffce4c72cbd1820f541d12df488988fcc385c72708ad3a94e08f");
    struct tree tree = {0};
    tree_add(&tree, &head.hash);
    assert_hash(tree_root(&tree),
                "dbfb767c21755af1dfb46870e92c97161326546eb408826714e5fa9c02587444");
    assert_hash(head.block_hash,
                "be1341b2c9da06e5c31a4e62f23810de923666ab017a899c6b65b2e63c2b75f8");
    assert_good(1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *cases = tcase_create("verify");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, good_ledgers_are_good, 0, 6);
    tcase_add_test(cases, head_is_that_of_the_newest_entry);
    tcase_add_test(cases, stranger_agrees);
    tcase_add_loop_test(cases, damage_is_found, 0, sizeof damages / sizeof damages[0]);
    tcase_add_test(cases, damage_is_found_where_it_is_first_met);
    tcase_add_test(cases, every_byte_of_the_file_may_be_flipped);
    tcase_add_test(cases, evidence_may_be_absent);
    tcase_add_loop_test(cases, lie_is_found, 0, sizeof lies / sizeof lies[0]);
    tcase_add_test(cases, evidence_under_a_strangers_certificate_is_found);
    tcase_add_test(cases, index_is_passed_over_and_strangers_are_noted);
    tcase_add_test(cases, missing_files_are_faults);
    tcase_add_test(cases, marks_are_held_against_the_entries);
    tcase_add_test(cases, trees_agree);
    tcase_add_test(cases, layouts_agree);
    tcase_add_test(cases, worked_example_holds);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
