/* Receipts: of every entry of blocks of every shape, the one that was asked for and nobody else's, and
 * nothing in them that can be changed. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/index.h"
#include "ledger/receipt.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/crypto/signer.h"
#include "tests/check/index_history.h"
#include "tests/check/ledger_folder.h"

#define ENTRIES 200
#define LARGE 2300 /* entries of a block whose tree is as high as one can be; messages fill it */
#define HOUR_NS (3600 * TIME_NS_PER_SECOND)

static char directory[FOLDER_PATH_BYTES];
static struct authority *authority;
static struct signer *signer;
static struct certificate *certificate;
static struct reader *reader;
static char text[RECEIPT_TEXT_BYTES_MAX + 1];
static char words[400];

/* --- who signs -------------------------------------------------------------------------------- */

static const char *path_of(const char *name)
{
    static char path[2 * FOLDER_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *content)
{
    FILE *const file = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(content, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_identity(enum key_kind kind, const char *name)
{
    char pem[8192];
    struct private_key *key;
    int64_t const now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    ck_assert_int_eq(key_generate(&key, kind), FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "switch", key, now_ns,
                                     now_ns + HOUR_NS, &certificate),
                     FAULT_NONE);
    ck_assert_int_eq(signer_open(&signer, key), FAULT_NONE);
    ck_assert_int_eq(certificate_print(certificate, pem, sizeof pem), FAULT_NONE);
    write_file(name, pem);
    key_close(key);
}

static void forget_identity(void)
{
    signer_close(signer);
    certificate_close(certificate);
}

static void make_folder(void)
{
    int64_t const now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    ledger_folder_make(directory);
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    ck_assert_int_eq(authority_open(&authority, "CA", now_ns, now_ns + HOUR_NS), FAULT_NONE);
}

static void remove_folder(void)
{
    authority_close(authority);
    ledger_folder_remove(directory);
}

static void open_reader(void)
{
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
}

/* As a loop does; the receipt is then in `text`. */
static void sign(const struct receipt *receipt)
{
    struct receipt_signature signature = {.kind = signer_kind(signer),
                                          .certificate = *certificate_fingerprint(certificate)};
    struct hash const digest = block_header_hash(&receipt->header);
    size_t size;
    ck_assert_int_eq(signer_sign(signer, &digest, KEY_ENCODING_DER, signature.bytes, &size),
                     FAULT_NONE);
    signature.size = (uint32_t)size;
    text[receipt_write(receipt, &signature, text)] = 0;
}

/* `cauce receipt verify` of these bytes; what it prints is then in `words`. */
static int verify(const char *content, const char *certificate_name)
{
    char file[2 * FOLDER_PATH_BYTES], pem[2 * FOLDER_PATH_BYTES];
    write_file("receipt.json", content);
    (void)snprintf(file, sizeof file, "%s", path_of("receipt.json"));
    (void)snprintf(pem, sizeof pem, "%s", path_of(certificate_name));
    (void)fflush(stdout);
    int const out = open(path_of("words"), O_CREAT | O_TRUNC | O_RDWR, 0600);
    int const saved[] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    ck_assert_int_ge(out, 0);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    char *arguments[] = {"receipt", "verify", file, "--cert", pem};
    int const code = receipt_main(5, arguments);
    (void)fflush(stdout);
    for (int i = 0; i < 2; i++) {
        (void)dup2(saved[i], i == 0 ? STDOUT_FILENO : STDERR_FILENO);
        (void)close(saved[i]);
    }
    ssize_t const size = pread(out, words, sizeof words - 1, 0);
    ck_assert_int_ge((int)size, 0);
    words[size] = 0;
    (void)close(out);
    return code;
}

/* --- paths ------------------------------------------------------------------------------------ */

/* Receipts of all settled entries up to `count`, in steps; how many there were. */
static uint32_t verify_all(uint64_t count, uint64_t step)
{
    uint32_t found = 0;
    open_reader();
    for (uint64_t seq = 1; seq <= count; seq += step) {
        struct receipt receipt;
        ck_assert_int_eq(receipt_read(reader, seq, &receipt), FAULT_NONE);
        if (receipt.public.kind != ENTRY_SETTLED) continue;
        sign(&receipt);
        int const code = verify(text, "switch.crt");
        ck_assert_msg(code == 0, "entry %llu: %s", (unsigned long long)seq, words);
        found++;
    }
    reader_close(reader);
    return found;
}

static const uint32_t batches[] = {1, 2, 3, 5, 6, 7, 8, 9, 13, 33, 100};

START_TEST(each_place_in_a_block_has_its_path)
{
    make_identity(KEY_P256, "switch.crt");
    ledger_folder_fill(directory, 3, ENTRIES, batches[_i]);
    ck_assert_uint_gt(verify_all(ENTRIES, 1), 20);
    forget_identity();
}
END_TEST

START_TEST(the_highest_tree_has_twelve_steps)
{
    make_identity(KEY_RSA, "switch.crt");
    ledger_folder_fill(directory, 4, LARGE, LARGE);
    ck_assert_uint_gt(verify_all(LARGE, 47), 5);
    open_reader();
    struct receipt receipt;
    ck_assert_int_eq(receipt_read(reader, 1234, &receipt), FAULT_NONE);
    ck_assert_uint_eq(receipt.path_count, RECEIPT_PATH_MAX);
    reader_close(reader);
    forget_identity();
}
END_TEST

START_TEST(segments_are_spanned)
{
    make_identity(KEY_P256, "switch.crt");
    ledger_folder_fill_segments(directory, 5, 3, 60, 7);
    ck_assert_uint_gt(verify_all(3 * 61 - 1, 1), 20);
    open_reader();
    struct receipt receipt;
    ck_assert_int_eq(receipt_read(reader, 0, &receipt), FAULT_NOT_FOUND);
    ck_assert_int_eq(receipt_read(reader, 100000, &receipt), FAULT_NOT_FOUND);
    reader_close(reader);
    forget_identity();
}
END_TEST

/* --- members ---------------------------------------------------------------------------------- */

#define OTHER_HASH "\"00000000000000000000000000000000000000000000000000000000000000aa\""

/* A member by its path, JSON to stand there (empty: take it out), and the member that is blamed. */
static const struct change {
    const char *path, *value, *words;
} changes[] = {
    {"version", "2", "version is not 1"},
    {"version", "1.0", "version is of another type"},
    {"version", "\"1\"", "version is of another type"},
    {"version", "", "version is missing"},
    {"entry", "", "or lacks one"},
    {"entry.seq", "7", "entry.seq is not"},
    {"entry.seq", "-1", "entry.seq is of"},
    {"entry.seq", "1.5", "entry.seq is of"},
    {"entry.time", "\"2026-11-25T15:28:38.000000000Z\"", "entry.time is not"},
    {"entry.time", "null", "entry.time is of"},
    {"entry.kind", "\"rejected\"", "entry.kind is not"},
    {"entry.payer", "\"10000009\"", "entry.payer is not"},
    {"entry.payer", "\"1000000\"", "entry.payer is not"},
    {"entry.payee", "\"10000009\"", "entry.payee is not"},
    {"entry.payer_agent", "\"10000009\"", "entry.payer_agent is not"},
    {"entry.payee_agent", "\"10000009\"", "entry.payee_agent is not"},
    {"entry.amount_minor", "1", "entry.amount_minor is not"},
    {"entry.amount_minor", "\"1\"", "entry.amount_minor is of"},
    {"entry.currency", "\"USD\"", "entry.currency is not"},
    {"entry.id", "\"E\"", "entry.id is not"},
    {"entry.id", "\"\"", "entry.id is of"},
    {"entry.reason", "\"AB03\"", "entry.reason is not"},
    {"entry.reason", "\"\"", "entry.reason is of"},
    {"entry.reason", "", "entry.reason is missing"},
    {"entry.deadline", "\"2026-11-25T15:28:38.000000000Z\"", "entry.deadline is not"},
    {"entry.opened_by", "1", "entry.opened_by is not"},
    {"entry.opened_by", "null", "entry.opened_by is not"},
    {"entry.returned_seq", "1", "entry.returned_seq is not"},
    {"entry.returned_seq", "0", "entry.returned_seq is of"},
    {"entry.note", "1", "entry. has a member"},
    {"public", "\"AAAA\"", "public is not base64"},
    {"public", "\"\\u0000\"", "receipt.json: line"},
    {"private_hash", OTHER_HASH, "hash is not that of"},
    {"private_hash", "\"00\"", "private_hash is no hash"},
    {"body_hash", OTHER_HASH, "hash is not that of"},
    {"prev_hash", OTHER_HASH, "hash is not that of"},
    {"hash", OTHER_HASH, "hash is not that of"},
    {"path", "[]", "path has too few"},
    {"path", "{}", "path is no list"},
    {"path", "", "or lacks one"},
    {"path.0", "", "entry's place in the block"},
    {"path.0.side", "\"up\"", "path[0].side is not"},
    {"path.0.hash", OTHER_HASH, "path does not lead"},
    {"path.0.hash", "\"x\"", "path[0].hash is no hash"},
    {"path.2.hash", OTHER_HASH, "path does not lead"},
    {"block", "[]", " no object"},
    {"block.header", "\"AAAA\"", "block.header is not base64"},
    {"block.number", "1", "block.number is not"},
    {"block.root", OTHER_HASH, "block.root is not"},
    {"block.previous", OTHER_HASH, "block.previous is not"},
    {"block.first", "1", "block.first is not"},
    {"block.last", "1", "block.last is not"},
    {"block.time", "\"2026-11-25T15:28:38.000000000Z\"", "block.time is not"},
    {"signature.algorithm", "\"rsa-sha256\"", "signature.algorithm is not"},
    {"signature.algorithm", "\"none\"", "signature.algorithm is not"},
    {"signature.value", "\"AAAA\"", "signature.value is not the certificate's"},
    {"signature.value", "\"A\"", "signature.value is not base64"},
    {"signature.certificate_sha256", OTHER_HASH, "signature.certificate_sha256 is not"},
    {"note", "1", " has a member that no receipt has"},
};

/* The text of the receipt with that change; the caller's to free. */
static char *apply(const struct change *change)
{
    char path[64], *rest = path;
    json_error_t error;
    json_t *const receipt = json_loads(text, 0, NULL);
    json_t *holder = receipt;
    ck_assert_ptr_nonnull(receipt);
    (void)snprintf(path, sizeof path, "%s", change->path);
    for (char *dot; (dot = strchr(rest, '.')); rest = dot + 1) {
        *dot = 0;
        holder = json_is_array(holder) ? json_array_get(holder, (size_t)atoi(rest))
                                       : json_object_get(holder, rest);
        ck_assert_ptr_nonnull(holder);
    }
    json_t *const value = change->value[0]
                              ? json_loads(change->value, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error)
                              : NULL;
    if (json_is_array(holder))
        ck_assert_int_eq(json_array_remove(holder, (size_t)atoi(rest)), 0);
    else if (value)
        ck_assert_int_eq(json_object_set_new(holder, rest, value), 0);
    else
        ck_assert_int_eq(json_object_del(holder, rest), 0);
    char *const changed = json_dumps(receipt, 0);
    json_decref(receipt);
    return changed;
}

/* The receipt of an entry with at least three steps, neither the first nor the last of its block. */
static void sign_one(void)
{
    struct receipt receipt = {0};
    open_reader();
    for (uint64_t seq = 100; receipt.public.kind != ENTRY_SETTLED || receipt.path_count < 3 ||
                             seq == receipt.header.last_seq + 1;
         seq++)
        ck_assert_int_eq(receipt_read(reader, seq, &receipt), FAULT_NONE);
    reader_close(reader);
    sign(&receipt);
}

static void make_receipt(void)
{
    ledger_folder_fill(directory, 6, ENTRIES, 16);
    sign_one();
}

START_TEST(each_member_that_is_changed_is_named)
{
    make_identity(KEY_P256, "switch.crt");
    make_receipt();
    ck_assert_int_eq(verify(text, "switch.crt"), 0);
    ck_assert_ptr_nonnull(strstr(words, " amount="));
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *const changed = apply(&changes[i]);
        ck_assert_msg(verify(changed, "switch.crt") == 1 && strstr(words, changes[i].words),
                      "%s = %s: %s", changes[i].path, changes[i].value, words);
        free(changed);
    }
    forget_identity();
}
END_TEST

/* No byte of it can be another: the words may then be JSON's. */
START_TEST(no_letter_can_be_changed)
{
    make_identity(KEY_P256, "switch.crt");
    make_receipt();
    size_t const size = strlen(text);
    for (size_t at = 0; at < size; at++) {
        char const was = text[at];
        text[at] = was == 'A' ? 'B' : 'A';
        ck_assert_msg(verify(text, "switch.crt") == 1, "byte %zu of %s", at, text);
        text[at] = was;
    }
    for (size_t cut = 0; cut < size; cut += 7) {
        char const was = text[cut];
        text[cut] = 0;
        ck_assert_int_eq(verify(text, "switch.crt"), 1);
        text[cut] = was;
    }
    forget_identity();
}
END_TEST

START_TEST(another_certificate_is_another_switch)
{
    make_identity(KEY_P256, "switch.crt");
    make_receipt();
    forget_identity();
    make_identity(KEY_P256, "other.crt");
    ck_assert_int_eq(verify(text, "switch.crt"), 0);
    ck_assert_int_eq(verify(text, "other.crt"), 1);
    ck_assert_ptr_nonnull(strstr(words, "certificate_sha256 is not that of the certificate given"));

    /* One who signs with his own key and names the switch's certificate. */
    char *const named = strdup(text);
    const char *const value = strstr(named, "\"certificate_sha256\"");
    sign_one();
    ck_assert_int_eq(verify(text, "other.crt"), 0);
    (void)strcpy(strstr(text, "\"certificate_sha256\""), value);
    ck_assert_int_eq(verify(text, "switch.crt"), 1);
    ck_assert_ptr_nonnull(strstr(words, "signature.value is not the certificate's"));
    ck_assert_int_eq(verify(text, "absent.crt"), 2);
    free(named);
    forget_identity();
}
END_TEST

/* --- whose ------------------------------------------------------------------------------------ */

static struct history history;

static enum fault index_one(void *context, const struct entry *entry, struct span body)
{
    return index_entry(context, entry, body);
}

static void make_index(uint64_t count)
{
    struct index *index;
    ck_assert_int_eq(index_open(&index, directory, NULL, reader), FAULT_NONE);
    ck_assert_int_eq(reader_walk(reader, 1, count, index_one, index), FAULT_NONE);
    ck_assert_int_eq(index_commit(index), FAULT_NONE);
    index_close(index);
}

static bool is_party(const struct search_payment *payment, struct participant_code code)
{
    return identifier_code_equal(payment->payer, code) ||
           identifier_code_equal(payment->payee, code);
}

/* Sequence of the newest settled payment with this id that is the participant's; 0: none. */
static uint64_t expected_seq(const struct payment_id *id, struct participant_code code)
{
    for (uint32_t k = history.payment_count; k-- > 0;) {
        const struct search_payment *const one = &history.payments[k];
        if (one->kind == ENTRY_SETTLED && is_party(one, code) &&
            span_equal(identifier_payment_id_text(&one->id), identifier_payment_id_text(id)))
            return one->newest_seq;
    }
    return 0;
}

START_TEST(each_bank_gets_its_own)
{
    uint32_t found = 0, absent = 0, again = 0;
    struct search *search;
    struct receipt receipt;
    history_begin(&history, 7);
    history_write(&history, directory, 3000);
    open_reader();
    ck_assert_int_eq(search_open(&search, directory, NULL), FAULT_NONE);
    const struct search_payment *const first = &history.payments[0];
    ck_assert_int_eq(receipt_find(reader, search, first->payer, &first->id, 0, &receipt),
                     FAULT_BUSY);
    make_index(3000);
    for (uint32_t i = 0; i < history.payment_count; i += 3) {
        const struct search_payment *const payment = &history.payments[i];
        for (uint32_t k = 0; k < HISTORY_PARTICIPANTS; k++) {
            struct participant_code const code = history.participants[k].code;
            uint64_t const expected = expected_seq(&payment->id, code);
            /* As the core may say it: not known, or the newest, which may be another's. */
            for (int known = 0; known < 2; known++) {
                uint64_t const seq = known ? payment->newest_seq : 0;
                enum fault const fault =
                    receipt_find(reader, search, code, &payment->id, seq, &receipt);
                if (expected == 0) {
                    ck_assert_int_eq(fault, FAULT_NOT_FOUND);
                    absent++;
                    continue;
                }
                bool const is_it =
                    seq != 0 && payment->kind == ENTRY_SETTLED && is_party(payment, code);
                ck_assert_int_eq(fault, FAULT_NONE);
                ck_assert_uint_eq(receipt.public.seq, is_it ? seq : expected);
                ck_assert(hash_equal(&receipt.private_hash, &(struct hash){0}) == false);
                again += known && !is_it;
                found++;
            }
        }
    }
    ck_assert_uint_gt(found, 300);
    ck_assert_uint_gt(absent, 300);
    ck_assert_uint_gt(again, 5);
    search_close(search);
    reader_close(reader);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("receipt");
    TCase *const tests = tcase_create("receipt");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, each_place_in_a_block_has_its_path, 0,
                        (int)(sizeof batches / sizeof batches[0]));
    tcase_add_test(tests, the_highest_tree_has_twelve_steps);
    tcase_add_test(tests, segments_are_spanned);
    tcase_add_test(tests, each_member_that_is_changed_is_named);
    tcase_add_test(tests, no_letter_can_be_changed);
    tcase_add_test(tests, another_certificate_is_another_switch);
    tcase_add_test(tests, each_bank_gets_its_own);
    suite_add_tcase(suite, tests);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
