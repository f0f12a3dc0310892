/* A ledger whose switch has signed it. */
#include "tests/check/ledger_signed.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/reader.h"
#include "ledger/seal.h"
#include "ledger/signatures.h"
#include "ledger/verify/verify.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "tests/check/ledger_folder.h"
#include "tests/check/ledger_scenario.h"
#include "tests/simulator/tamper.h"

#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)

static struct scenario scenario;
static struct private_key *key;
static struct certificate *certificate;

struct certificate *ledger_signed_issue(const struct private_key *of, const char *name)
{
    struct authority *authority;
    struct certificate *issued;
    int64_t const now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    ck_assert_int_eq(authority_open(&authority, "test", now_ns, now_ns + DAY_NS), FAULT_NONE);
    ck_assert_int_eq(
        authority_issue(authority, AUTHORITY_SIGNING, name, of, now_ns, now_ns + DAY_NS, &issued),
        FAULT_NONE);
    authority_close(authority);
    return issued;
}

const struct certificate *ledger_signed_certificate(void)
{
    return certificate;
}

struct journal *ledger_signed_open(const char *directory)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    ck_assert_int_eq(journal_open(&journal, &options, &head), FAULT_NONE);
    return journal;
}

void ledger_signed_write(struct journal *journal, uint32_t count)
{
    ck_assert_int_eq(ledger_folder_write(journal, &scenario, count, 10), FAULT_NONE);
}

void ledger_signed_segment(struct journal *journal, const char *directory)
{
    if (journal_newest(journal)->seq > 0)
        ck_assert_int_eq(ledger_folder_rotate(journal, &scenario, directory, NULL), FAULT_NONE);
    else
        ledger_signed_write(journal, 1);
    ledger_signed_write(journal, 60);
}

static struct signatures *open_signatures(const char *directory)
{
    struct signatures *signatures;
    ck_assert_int_eq(signatures_open(&signatures, directory, NULL, key, certificate), FAULT_NONE);
    return signatures;
}

void ledger_signed_checkpoint(const char *directory, uint64_t block)
{
    struct reader *reader;
    struct block_header header;
    struct signatures *signatures = open_signatures(directory);
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(reader_block(reader, block, &header), FAULT_NONE);
    ck_assert_int_eq(signatures_put_checkpoint(signatures, &header), FAULT_NONE);
    reader_close(reader);
    signatures_close(signatures);
}

void ledger_signed_seal(const char *directory, uint64_t segment)
{
    struct seal *seal;
    struct signatures *signatures = open_signatures(directory);
    bool done = false;
    ck_assert_int_eq(seal_begin(&seal, signatures, directory, NULL, segment), FAULT_NONE);
    while (!done)
        ck_assert_int_eq(seal_step(seal, &done), FAULT_NONE);
    seal_close(seal);
    signatures_close(signatures);
}

void ledger_signed_make(const char *directory)
{
    ck_assert_int_eq(key_generate(&key, KEY_P256), FAULT_NONE);
    certificate = ledger_signed_issue(key, "switch");
    ledger_scenario_begin(&scenario, 5);
    struct journal *journal = ledger_signed_open(directory);
    for (int i = 0; i < 3; i++)
        ledger_signed_segment(journal, directory);
    journal_close(journal);
    ledger_signed_checkpoint(directory, 3);
    ledger_signed_checkpoint(directory, 8);
    ledger_signed_checkpoint(directory, 21);
    ledger_signed_seal(directory, 1);
    ledger_signed_seal(directory, 2);
}

void ledger_signed_end(void)
{
    certificate_close(certificate);
    key_close(key);
    certificate = NULL;
    key = NULL;
}

/* --- comparing -------------------------------------------------------------------------------- */

void ledger_signed_stranger_agrees(const char *directory)
{
    static struct verify_report verdict;
    char command[2 * FOLDER_PATH_BYTES], line[256] = "", expected[256], head[HASH_TEXT_BYTES];
    if (system("command -v python3 >/dev/null") != 0) {
        puts("skipped: there is no python3 for the stranger's check");
        return;
    }
    verify_ledger(directory, &verdict);
    ck_assert(verdict.good);
    hash_print(&verdict.head, head);
    (void)snprintf(expected, sizeof expected, "ok entries=%" PRIu64 " blocks=%" PRIu64 " head=%s\n",
                   verdict.entries, verdict.blocks, head);
    (void)snprintf(command, sizeof command, "python3 tests/interop/ledger_chain.py '%s'",
                   directory);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, output));
    ck_assert_int_eq(pclose(output), 0);
    ck_assert_str_eq(line, expected);
}

static struct hash head_of(const char *directory, uint64_t entries)
{
    static struct verify_report verdict;
    verify_ledger(directory, &verdict);
    ck_assert_msg(verdict.good, "%s: entry %" PRIu64 ": %s", directory, verdict.fault_seq,
                  verdict.fault_words);
    ck_assert_uint_eq(verdict.entries, entries);
    ck_assert_uint_eq(verdict.evidence_absent, 0);
    return verdict.head;
}

void ledger_signed_equal(const char *one, const char *other, uint64_t entries)
{
    static const struct {
        const char *file, *sql;
    } counts[] = {
        {"", "SELECT count(*) FROM entries"},
        {"", "SELECT count(*) FROM entries WHERE body NOT NULL OR body_seq NOT NULL"},
        {"", "SELECT count(*) FROM blocks"},
        {"", "SELECT ifnull(sum(length(frame)), 0) FROM evidence"},
        {"signatures.db", "SELECT count(*) FROM certificates"},
        {"signatures.db", "SELECT count(*) || sum(block) FROM checkpoints"},
        {"signatures.db", "SELECT count(*) || sum(segment) FROM seals"},
    };
    struct hash const head = head_of(one, entries), same = head_of(other, entries);
    ck_assert(hash_equal(&head, &same));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (int number = 1; number <= 3; number++) {
            char name[32];
            (void)snprintf(name, sizeof name, "segment-%06d.db", number);
            const char *file = counts[i].file[0] ? counts[i].file : name;
            ck_assert_msg(tamper_count(one, file, counts[i].sql) ==
                              tamper_count(other, file, counts[i].sql),
                          "%s: %s", file, counts[i].sql);
        }
    }
}
