/* verify over many segments: what opens and closes them, what was signed of them, control totals of
 * days.  verify_test.c has what concerns single entries and blocks.
 *
 * What is signed is the ledger of ledger_signed.h. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/series.h"
#include "ledger/verify/verify.h"
#include "proto/crypto/hex.h"
#include "proto/record/day.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/check/ledger_signed.h"
#include "tests/simulator/tamper.h"

static char directory[FOLDER_PATH_BYTES];
static struct scenario scenario;
static struct verify_report report;

static void make_folder(void)
{
    ledger_folder_make(directory);
}

static void remove_folder(void)
{
    ledger_signed_end();
    ledger_folder_remove(directory);
}

static void in_folder(const char *command)
{
    char whole[8 * FOLDER_PATH_BYTES];
    int const size = snprintf(whole, sizeof whole, "cd '%s' && %s", directory, command);
    ck_assert_int_lt(size, (int)sizeof whole);
    ck_assert_int_eq(system(whole), 0);
}

static void make_signed_ledger(void)
{
    ledger_signed_make(directory);
    in_folder("chmod u+w segment-*"); /* for whoever tampers with them, and is not root */
}

static void assert_good(uint64_t entries)
{
    verify_ledger(directory, &report);
    ck_assert_msg(report.good, "entry %" PRIu64 ": %s", report.fault_seq, report.fault_words);
    ck_assert_uint_eq(report.entries, entries);
}

static void assert_fault_with(const struct verify_options *options, uint64_t seq, const char *words,
                              const char *what)
{
    verify_ledger_with(directory, options, &report);
    ck_assert_msg(!report.good, "%s: not found", what);
    ck_assert_msg(report.fault_seq == seq && strstr(report.fault_words, words) != NULL,
                  "%s: entry %" PRIu64 ": %s", what, report.fault_seq, report.fault_words);
}

static void assert_fault(uint64_t seq, const char *words, const char *what)
{
    static const struct verify_options plain;
    assert_fault_with(&plain, seq, words, what);
}

/* --- what is signed --------------------------------------------------------------------------- */

static void count_call(void *context, const struct verify_report *so_far)
{
    ck_assert_uint_le(so_far->segment, so_far->segments);
    ++*(unsigned *)context;
}

START_TEST(signatures_are_counted)
{
    make_signed_ledger();
    in_folder("chmod a-w segment-000001.db segment-000002.db");
    assert_good(SIGNED_ENTRIES);
    ck_assert_uint_eq(report.segments, 3);
    ck_assert_uint_eq(report.signed_seq, SIGNED_ENTRIES);
    ck_assert_uint_eq(report.signer_count, 1);
    ck_assert_uint_eq(report.signers[0].checkpoints, 3);
    ck_assert_uint_eq(report.signers[0].seals, 2);
    ck_assert(hash_equal(&report.signers[0].certificate,
                         certificate_fingerprint(ledger_signed_certificate())));
    ck_assert_str_eq(report.notes, "");
    /* Beside sealed files nothing was made. */
    in_folder("! ls segment-000001.db-* segment-000002.db-* 2>/dev/null");
}
END_TEST

START_TEST(only_trusted_certificates_count)
{
    make_signed_ledger();
    unsigned calls = 0;
    struct private_key *key;
    ck_assert_int_eq(key_generate(&key, KEY_P256), FAULT_NONE);
    struct certificate *const stranger = ledger_signed_issue(key, "another");
    const struct certificate *const both[] = {stranger, ledger_signed_certificate()};
    struct verify_options options = {
        .trusted = both, .trusted_count = 2, .progress = count_call, .context = &calls};
    verify_ledger_with(directory, &options, &report);
    ck_assert(report.good);
    ck_assert_uint_eq(calls, 3);
    options.trusted_count = 1;
    assert_fault_with(&options, 12, "block 3 is signed under a certificate that is not trusted",
                      "only the stranger is trusted");
    certificate_close(stranger);
    key_close(key);
}
END_TEST

#define NEWEST_BLOCK_GONE                                                                          \
    "DELETE FROM entries WHERE seq > 173; DELETE FROM blocks WHERE number > 20;"                   \
    "DELETE FROM evidence WHERE block > 20"

static const struct {
    const char *file;
    const char *sql;
    uint64_t seq;
    const char *words;
} damages[] = {
    /* checkpoints */
    {"signatures.db", "UPDATE checkpoints SET header = flip(header, 50) WHERE block = 8", 62,
     "block 8 is of another header"},
    {"signatures.db", "UPDATE checkpoints SET signature = flip(signature, 40) WHERE block = 8", 62,
     "signature of the checkpoint of block 8"},
    {"signatures.db", "UPDATE checkpoints SET signature = x'' WHERE block = 8", 62,
     "signature of the checkpoint of block 8"},
    {"signatures.db",
     "UPDATE checkpoints SET signature = (SELECT signature FROM checkpoints WHERE block = 3)"
     " WHERE block = 8",
     62, "signature of the checkpoint of block 8"},
    {"signatures.db", "UPDATE checkpoints SET certificate = zeroblob(32) WHERE block = 8", 62,
     "under a certificate that is not there"},
    {"signatures.db", "UPDATE checkpoints SET block = 9 WHERE block = 8", 63, "another header"},
    {"signatures.db", "UPDATE checkpoints SET block = 0 WHERE block = 8", 0, "before the first"},
    {"signatures.db", "UPDATE checkpoints SET block = 22 WHERE block = 8", 184,
     "block 22 was signed and is not there"},
    {"signatures.db", "UPDATE certificates SET der = flip(der, 100)", 0, "not the one of its hash"},
    {"signatures.db", "UPDATE certificates SET sha256 = flip(sha256, 0)", 0, "not the one of its"},
    {"signatures.db", "DELETE FROM certificates", 12, "under a certificate that is not there"},
    {"signatures.db", "PRAGMA user_version = 2", 0, "format that is not known"},
    {"signatures.db", "PRAGMA application_id = 7", 0, "format that is not known"},
    {"signatures.db", "DROP TABLE checkpoints; PRAGMA cache_size = 1", 0, "cannot be read"},
    /* seals */
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 0) WHERE segment = 2", 62,
     "another version"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 4) WHERE segment = 2", 62,
     "another version"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 8) WHERE segment = 2", 62,
     "another ledger"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 24) WHERE segment = 2", 62,
     "another segment"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 32) WHERE segment = 2", 62,
     "another first entry"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 40) WHERE segment = 2", 62,
     "another last entry"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 48) WHERE segment = 2", 62,
     "another first block"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 56) WHERE segment = 2", 62,
     "another last block"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 95) WHERE segment = 2", 62,
     "another hash of the last entry"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 96) WHERE segment = 2", 62,
     "another hash of the last header"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 128) WHERE segment = 2", 62,
     "another root"},
    {"signatures.db", "UPDATE seals SET statement = flip(statement, 159) WHERE segment = 1", 1,
     "another root"},
    {"signatures.db", "UPDATE seals SET signature = flip(signature, 40) WHERE segment = 2", 62,
     "signature of the seal of segment 2"},
    {"signatures.db", "UPDATE seals SET certificate = zeroblob(32) WHERE segment = 2", 62,
     "under a certificate that is not there"},
    {"signatures.db", "DELETE FROM seals WHERE segment = 1", 1, "has no seal, though a later"},
    {"signatures.db", "UPDATE seals SET segment = 3 WHERE segment = 2", 62, "has no seal, though"},
    {"signatures.db",
     "INSERT INTO seals SELECT 3, statement, certificate, signature FROM seals"
     " WHERE segment = 2",
     123, "the seal of segment 3 says another segment"},
    {"signatures.db", "UPDATE seals SET segment = -1 WHERE segment = 1", 0, "before the first"},
    /* segments */
    {"segment-000002.db", "UPDATE entries SET public = flip(public, 70) WHERE seq = 80", 80,
     "does not match its hash"},
    {"segment-000002.db", "UPDATE entries SET body = flip(body, 20) WHERE seq = 62", 62,
     "does not match its hash"},
    {"segment-000002.db", "DELETE FROM entries WHERE seq = 62", 62, "is missing"},
    {"segment-000002.db", "DELETE FROM blocks WHERE number = 8", 62, "block 8 is missing"},
    {"segment-000002.db", "UPDATE entries SET body = NULL, body_seq = 1 WHERE seq = 62", 62,
     "shares a body that is not there"},
    {"segment-000002.db",
     "INSERT INTO entries SELECT 61, public, private, hash, body, body_seq"
     " FROM entries WHERE seq = 62",
     61, "before the segment's first"},
    {"segment-000002.db", "DELETE FROM entries; DELETE FROM blocks; DELETE FROM evidence", 62,
     "segment 2 has no entries"},
    {"segment-000003.db", "DELETE FROM entries; DELETE FROM blocks; DELETE FROM evidence", 123,
     "block 21 was signed and is not there"},
    {"segment-000003.db", NEWEST_BLOCK_GONE, 174, "block 21 was signed and is not there"},
    {"segment-000003.db", "PRAGMA user_version = 2", 123, "is of format 2"},
};

START_TEST(damage_is_found)
{
    static const char *const triggers[] = {"certificates", "checkpoints", "seals"};
    make_signed_ledger();
    for (size_t i = 0; i < 3 && damages[_i].file[1] == 'i'; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "PRAGMA user_version; DROP TRIGGER %s_insert; DROP TRIGGER %s_update;"
                       "DROP TRIGGER %s_delete",
                       triggers[i], triggers[i], triggers[i]);
        ck_assert(tamper_run(directory, damages[_i].file, sql));
    }
    assert_good(SIGNED_ENTRIES);
    ck_assert_msg(tamper_run(directory, damages[_i].file, damages[_i].sql), "%s", damages[_i].sql);
    assert_fault(damages[_i].seq, damages[_i].words, damages[_i].sql);
}
END_TEST

/* Files moved, removed, put there, as a shell can. */
static const struct {
    const char *command;
    uint64_t seq; /* 0 and "": no fault */
    const char *words;
} moves[] = {
    {"mv segment-000002.db x && mv segment-000003.db segment-000002.db &&"
     " mv x segment-000003.db",
     62, "block 8 is missing"},
    {"rm segment-000003.db", 123, "block 21 was signed and is not there"},
    {"rm segment-000002.db", 0, "segment-000002.db is missing"},
    {"rm segment-000001.db", 0, "segment-000001.db is missing"},
    {"cp segment-000003.db segment-000004.db", 123, "before the segment's first"},
    {"echo text > segment-000004.db", 184, "segment-000004.db cannot be opened"},
    {"echo text > signatures.db", 0, "signatures.db cannot be opened"},
    {": > segment-000004.db", 0, ""}, /* a file that is being made */
    {"rm signatures.db", 0, ""},      /* nothing is signed then, and that is told */
};

START_TEST(moved_files_are_found)
{
    make_signed_ledger();
    in_folder(moves[_i].command);
    if (moves[_i].words[0])
        assert_fault(moves[_i].seq, moves[_i].words, moves[_i].command);
    else
        assert_good(SIGNED_ENTRIES);
}
END_TEST

START_TEST(prepared_segment_is_passed_over)
{
    make_signed_ledger();
    ck_assert_int_eq(series_prepare(directory, NULL, 4), FAULT_NONE);
    assert_good(SIGNED_ENTRIES);
    ck_assert_uint_eq(report.segments, 4);
    ck_assert_int_eq(series_prepare(directory, NULL, 5), FAULT_NONE);
    assert_fault(184, "segment 4 has no entries", "two prepared ones");
}
END_TEST

/* A whole segment cut off behind a seal, with the checkpoints that would tell. */
START_TEST(cut_behind_a_seal_is_found)
{
    make_signed_ledger();
    ck_assert(tamper_run(directory, "signatures.db",
                         "DROP TRIGGER checkpoints_delete;"
                         "DELETE FROM checkpoints WHERE block = 21"));
    in_folder("rm segment-000003.db");
    assert_fault(123, "segment 2 was sealed and the one behind it is not there", "cut");
}
END_TEST

/* The whole history written anew, right in itself: only signatures tell it from the true one. */
START_TEST(rewritten_history_is_found)
{
    char other[FOLDER_PATH_BYTES], command[3 * FOLDER_PATH_BYTES];
    ledger_folder_make(other);
    ledger_folder_fill_segments(other, 6, 3, 60, 10);
    make_signed_ledger();
    (void)snprintf(command, sizeof command, "rm segment-* && cp '%s'/segment-* .", other);
    in_folder(command);
    assert_fault(12, "the checkpoint of block 3 is of another header", "rewritten");
    in_folder("rm signatures.db");
    assert_good(SIGNED_ENTRIES);
    ck_assert_uint_eq(report.signed_seq, 0);
    ledger_folder_remove(other);
}
END_TEST

/* --- what opens a segment --------------------------------------------------------------------- */

/* What the entry that opens segment 2 says, and how it lies. */
static const struct {
    uint8_t ledger_id, head, block; /* added to the first byte of each */
    uint64_t format, number;
    const char *words;
} openings[] = {
    {0, 1, 0, 1, 2, "does not continue the one before"},
    {0, 0, 1, 1, 2, "does not continue the one before"},
    {0, 0, 0, 1, 3, "opens segment 3 in the file of segment 2"},
    {0, 0, 0, 2, 2, "opens a segment of format 2"},
    {1, 0, 0, 1, 2, "of another ledger"},
};

static struct journal *begin_journal(void)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ledger_scenario_begin(&scenario, 5);
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    return journal;
}

static void lie_in_body(struct body *body, int index)
{
    struct hash head, block;
    uint8_t id[16];
    struct span field;
    ck_assert(body_find(body_span(body), BODY_PREVIOUS_HEAD, &field));
    memcpy(head.bytes, field.bytes, HASH_BYTES);
    ck_assert(body_find(body_span(body), BODY_PREVIOUS_BLOCK, &field));
    memcpy(block.bytes, field.bytes, HASH_BYTES);
    ck_assert(body_find(body_span(body), BODY_LEDGER_ID, &field));
    memcpy(id, field.bytes, sizeof id);
    head.bytes[0] = (uint8_t)(head.bytes[0] + openings[index].head);
    block.bytes[0] = (uint8_t)(block.bytes[0] + openings[index].block);
    id[0] = (uint8_t)(id[0] + openings[index].ledger_id);
    body_clear(body);
    ck_assert_int_eq(body_put_number(body, BODY_FORMAT_VERSION, openings[index].format),
                     FAULT_NONE);
    ck_assert_int_eq(body_put(body, BODY_LEDGER_ID, span_of(id, sizeof id)), FAULT_NONE);
    ck_assert_int_eq(body_put_number(body, BODY_SEGMENT_NUMBER, openings[index].number),
                     FAULT_NONE);
    ck_assert_int_eq(body_put(body, BODY_PREVIOUS_HEAD, hash_span(&head)), FAULT_NONE);
    ck_assert_int_eq(body_put(body, BODY_PREVIOUS_BLOCK, hash_span(&block)), FAULT_NONE);
}

/* The row is written anew with the right hash: the journal would not take such an entry. */
START_TEST(lie_about_what_came_before_is_found)
{
    struct journal *journal = begin_journal();
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, 30, 10), FAULT_NONE);
    ck_assert_int_eq(ledger_folder_rotate(journal, &scenario, directory, NULL), FAULT_NONE);
    journal_close(journal);
    assert_good(31);

    char body[600], hash[HASH_TEXT_BYTES], sql[800];
    struct entry lie = scenario.entry;
    lie_in_body(&scenario.body, _i);
    lie.body_hash = body_hash(&scenario.body);
    struct hash const lied = entry_hash(&lie);
    hex_print(body_span(&scenario.body), body);
    hash_print(&lied, hash);
    (void)snprintf(sql, sizeof sql, "UPDATE entries SET body = x'%s', hash = x'%s' WHERE seq = 31",
                   body, hash);
    ck_assert(tamper_run(directory, "segment-000002.db", sql));
    assert_fault(31, openings[_i].words, sql);
}
END_TEST

/* --- days ------------------------------------------------------------------------------------- */

#define TOTALS_COUNT 16

/* The day's totals, counted here from the entries as they are made. */
static struct day_close today;

static void count(const struct entry *entry)
{
    uint64_t const minor = (uint64_t)amount_minor(entry->public.amount);
    switch ((enum entry_kind)entry->public.kind) {
    case ENTRY_FUNDED:
        today.funded_count++;
        today.funded_minor += minor;
        today.net_funding_minor += minor;
        break;
    case ENTRY_RESERVED:
        today.reserved_count++;
        today.reserved_minor += minor;
        break;
    case ENTRY_SETTLED:
        today.settled_count++;
        today.settled_minor += minor;
        break;
    case ENTRY_REJECTED:
        today.rejected_count++;
        today.rejected_minor += minor;
        break;
    case ENTRY_EXPIRED:
        today.expired_count++;
        today.expired_minor += minor;
        break;
    case ENTRY_REFUSED: today.refused_count++; break;
    case ENTRY_SEGMENT:
    case ENTRY_JOINED:
    case ENTRY_CERTIFICATE:
    case ENTRY_DAY: break;
    }
}

static void write_counted(struct journal *journal, unsigned entries)
{
    for (unsigned i = 0; i < entries; i++) {
        ck_assert_int_eq(ledger_folder_write(journal, &scenario, 1, 1), FAULT_NONE);
        count(&scenario.entry);
    }
}

static void stand_at_close(void)
{
    today.open_count = scenario.open_count;
    today.open_minor = today.available_balance_minor = today.reserved_balance_minor = 0;
    for (uint32_t i = 0; i < scenario.open_count; i++)
        today.open_minor += (uint64_t)amount_minor(scenario.open[i].public.amount);
    for (unsigned i = 0; i < SCENARIO_PARTICIPANTS; i++) {
        today.available_balance_minor += (uint64_t)scenario.participants[i].available;
        today.reserved_balance_minor += (uint64_t)scenario.participants[i].reserved;
    }
}

static void close_day(struct journal *journal)
{
    scenario.entry = (struct entry){0};
    scenario.entry.public.version = scenario.entry.private.version = ENTRY_VERSION;
    scenario.entry.public.kind = ENTRY_DAY;
    scenario.entry.public.seq = ++scenario.seq;
    scenario.entry.public.time_ns = scenario.time_ns;
    day_write(&today, &scenario.body);
    ck_assert_int_eq(journal_append(journal, &scenario.entry, &scenario.body, NULL), FAULT_NONE);
    ck_assert_int_eq(journal_commit(journal), FAULT_NONE);
}

static struct day day_of(const char *text)
{
    struct day day;
    ck_assert(day_parse(span_of(text, strlen(text)), &day));
    return day;
}

static void begin_day(const char *text)
{
    today = (struct day_close){.day = day_of(text),
                               .first_seq = scenario.seq + 1,
                               .net_funding_minor = today.net_funding_minor};
}

/* A first day with all kinds of entries, closed; a second one up to its close. */
static struct journal *two_days(void)
{
    struct journal *journal = begin_journal();
    today = (struct day_close){0};
    begin_day("2026-11-25");
    write_counted(journal, 400);
    ck_assert(today.refused_count > 0 && today.rejected_count > 0 && today.expired_count > 0);
    stand_at_close();
    close_day(journal);
    begin_day("2026-11-26");
    write_counted(journal, 100);
    stand_at_close();
    return journal;
}

START_TEST(days_add_up)
{
    struct journal *journal = two_days();
    close_day(journal);
    begin_day("2028-02-29"); /* one without entries, and a long night */
    stand_at_close();
    close_day(journal);
    begin_day("2028-03-01");
    write_counted(journal, 10);
    journal_close(journal);
    assert_good(513);
}
END_TEST

static const char *const total_words[TOTALS_COUNT] = {
    "count of reserved",  "sum of reserved amounts",
    "count of settled",   "sum of settled",
    "count of rejected",  "sum of rejected",
    "count of expired",   "sum of expired",
    "count of refused",   "count of funded",
    "sum of funded",      "count of open",
    "sum of open",        "net funding",
    "available balances", "reserved balances",
};

START_TEST(each_control_total_is_checked)
{
    struct journal *journal = two_days();
    uint64_t *const totals[TOTALS_COUNT] = {
#define TOTAL_PLACE(name, tag) &today.name,
        DAY_TOTAL_LIST(TOTAL_PLACE)
#undef TOTAL_PLACE
    };
    *totals[_i] += 1;
    close_day(journal);
    journal_close(journal);
    assert_fault(502, total_words[_i], total_words[_i]);
}
END_TEST

static const struct {
    const char *day;
    int first; /* added to the first entry of the day */
    const char *words;
} day_lies[] = {
    {"2026-11-25", 0, "not after the one closed before"},
    {"2026-11-24", 0, "not after the one closed before"},
    {"2026-13-01", 0, "closes a day that is none"},
    {"2027-02-29", 0, "closes a day that is none"},
    {"2026-11-31", 0, "closes a day that is none"},
    {"2026/11/26", 0, "closes a day that is none"},
    {"2026-11-26", 1, "began with another entry"},
    {"2026-11-26", -1, "began with another entry"},
};

START_TEST(lie_about_a_day_is_found)
{
    struct journal *journal = two_days();
    memcpy(today.day.text, day_lies[_i].day, DAY_TEXT_BYTES);
    today.first_seq += (uint64_t)day_lies[_i].first;
    close_day(journal);
    journal_close(journal);
    assert_fault(502, day_lies[_i].words, day_lies[_i].day);
}
END_TEST

/* A check in another language comes to the same end, over segments, days, checkpoints and seals. */
START_TEST(stranger_agrees)
{
    if (_i == 0)
        make_signed_ledger();
    else
        journal_close(two_days());
    ledger_signed_stranger_agrees(directory);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("verify_signed");
    TCase *cases = tcase_create("verify_signed");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, signatures_are_counted);
    tcase_add_test(cases, only_trusted_certificates_count);
    tcase_add_loop_test(cases, damage_is_found, 0, ROWS(damages));
    tcase_add_loop_test(cases, moved_files_are_found, 0, ROWS(moves));
    tcase_add_test(cases, prepared_segment_is_passed_over);
    tcase_add_test(cases, cut_behind_a_seal_is_found);
    tcase_add_test(cases, rewritten_history_is_found);
    tcase_add_loop_test(cases, lie_about_what_came_before_is_found, 0, ROWS(openings));
    tcase_add_test(cases, days_add_up);
    tcase_add_loop_test(cases, each_control_total_is_checked, 0, TOTALS_COUNT);
    tcase_add_loop_test(cases, lie_about_a_day_is_found, 0, ROWS(day_lies));
    tcase_add_loop_test(cases, stranger_agrees, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
