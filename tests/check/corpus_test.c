/* corpus: what is signed ahead is what the switch will accept: read, verified and looked at whole. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "loadtest/load/corpus.h"
#include "ops/cauce/dev.h"
#include "proto/base/time.h"
#include "proto/http/multipart.h"
#include "proto/iso/message.h"

#define START_NS INT64_C(1795284000123000000) /* 2026-11-21T18:00:00.123Z */
#define BATCH 3

static char folder[] = "/tmp/cauce-corpus-XXXXXX";
static struct environment environment;
static struct participant_code codes[2];
static struct certificate *certificates[2];
static struct schedule schedule;
static struct corpus corpus;
static struct message_reader *reader;
static struct signature_checker *checker;

static void open_all(void)
{
    char words[CORPUS_WORDS_BYTES];
    char environment_folder[64];
    static char kept[64];
    const char *why;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(environment_folder, sizeof environment_folder, "%s/env", folder);
    strcpy(kept, environment_folder);
    struct dev_settings const dev = {
        .folder = kept, .participants = 2, .balance = amount_of_minor(1000)};
    ck_assert_int_eq(dev_make(&dev), FAULT_NONE);
    ck_assert_int_eq(environment_open(&environment, kept, NULL, words), FAULT_NONE);
    ck_assert(identifier_parse_code(SPAN("10000001"), &codes[0]));
    ck_assert(identifier_parse_code(SPAN("10000002"), &codes[1]));
    for (int i = 0; i < 2; i++) {
        config_path path;
        environment_path(&environment, path, "participants/%.8s/signing.crt", codes[i].text);
        ck_assert_int_eq(certificate_load(&certificates[i], path, &why), FAULT_NONE);
    }
    struct schedule_settings const settings = {.seed = 11,
                                               .rate = 40,
                                               .seconds = 1,
                                               .batch = BATCH,
                                               .banks = 2,
                                               .reject_share = 0.3,
                                               .silent_share = 0.3};
    ck_assert_int_eq(schedule_make(&schedule, &settings), FAULT_NONE);
    struct corpus_settings const of_corpus = {
        .environment = &environment, .schedule = &schedule, .codes = codes, .code_count = 2};
    ck_assert_int_eq(corpus_open(&corpus, &of_corpus), FAULT_NONE);
    ck_assert_int_eq(corpus_sign_answers(&corpus, words), FAULT_NONE);
    /* Twice, as when the first start came too early. */
    ck_assert_int_eq(corpus_sign_orders(&corpus, START_NS - 77, words), FAULT_NONE);
    ck_assert_int_eq(corpus_sign_orders(&corpus, START_NS, words), FAULT_NONE);
    ck_assert_int_eq(message_open(&reader), FAULT_NONE);
    ck_assert_int_eq(signature_open(&checker, 2), FAULT_NONE);
}

static void close_all(void)
{
    char command[128];
    message_close(reader);
    signature_close(checker);
    corpus_close(&corpus);
    schedule_close(&schedule);
    for (int i = 0; i < 2; i++)
        certificate_close(certificates[i]);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* As the switch would: every check of WIRE section 2, the age of CreDt aside. */
static void read_message(struct span bytes, size_t bank, struct message *message)
{
    struct message_rules const rules = {.side = MESSAGE_BY_SWITCH,
                                        .sender = identifier_code_text(&codes[bank]),
                                        .receiver = span_text(environment.config.switch_code)};
    const struct certificate *const certificate = certificates[bank];
    struct refusal refusal;
    size_t key;
    ck_assert_int_eq(message_read(reader, bytes, &rules, message, &refusal), MESSAGE_GOOD);
    ck_assert(message_verify(checker, message, &certificate, 1, &key, &refusal));
}

static void check_order(struct span bytes, size_t number)
{
    static struct message message;
    const struct schedule_payment *const payment = &schedule.payments[number];
    size_t found;
    read_message(bytes, payment->payer, &message);
    ck_assert_int_eq(message.kind, CATALOGUE_PACS_008);
    const struct pacs008 *const pacs008 = &message.content.pacs008;
    ck_assert_uint_eq(pacs008->count, 1);
    ck_assert(corpus_find_id(&corpus, pacs008->transactions[0].end_to_end_id, &found));
    ck_assert_uint_eq(found, number);
    ck_assert(corpus_find_id(&corpus, pacs008->message_id, &found));
    ck_assert_uint_eq(found, number);
    ck_assert_int_eq(amount_minor(pacs008->transactions[0].amount), payment->amount_minor);
    ck_assert(span_equal(pacs008->transactions[0].creditor_agent,
                         identifier_code_text(&codes[payment->payee])));
    /* The message carries milliseconds. */
    int64_t const due_ns = START_NS + payment->due_ns;
    ck_assert_int_eq(pacs008->transactions[0].accepted_ns, due_ns - due_ns % TIME_NS_PER_MS);
}

static void check_answer(struct span bytes, size_t group)
{
    static struct message message;
    size_t silent = 0, found;
    for (size_t i = group * BATCH; i < (group + 1) * BATCH; i++)
        silent += schedule.payments[i].answer == SCHEDULE_SILENT;
    ck_assert((bytes.size == 0) == (silent == BATCH));
    if (silent == BATCH) return;
    read_message(bytes, schedule.payments[group * BATCH].payee, &message);
    ck_assert_int_eq(message.kind, CATALOGUE_PACS_002);
    const struct pacs002 *const pacs002 = &message.content.pacs002;
    ck_assert_uint_eq(pacs002->count, BATCH - silent);
    for (size_t i = 0; i < pacs002->count; i++) {
        const struct pacs002_transaction *const answer = &pacs002->transactions[i];
        ck_assert(corpus_find_id(&corpus, answer->end_to_end_id, &found));
        ck_assert_uint_eq(found / BATCH, group);
        bool const rejects = schedule.payments[found].answer == SCHEDULE_REJECT;
        ck_assert_int_ne(schedule.payments[found].answer, SCHEDULE_SILENT);
        ck_assert_int_eq(answer->status, rejects ? PACS002_RJCT : PACS002_ACSP);
        ck_assert(span_equal(answer->reason, rejects ? SPAN(CORPUS_REJECT_REASON) : SPAN("")));
    }
}

START_TEST(every_message_is_good)
{
    ck_assert_uint_gt(corpus.group_count, 1);
    for (size_t group = 0; group < corpus.group_count; group++) {
        struct span parts[LIMIT_PARTS];
        size_t count;
        const char *words;
        ck_assert_int_eq(
            multipart_split(corpus.orders[group], multipart_boundary(), parts, &count, &words),
            MULTIPART_GOOD);
        ck_assert_uint_eq(count, BATCH);
        for (size_t i = 0; i < count; i++)
            check_order(parts[i], group * BATCH + i);
        check_answer(corpus.answers[group], group);
    }
}
END_TEST

START_TEST(only_our_ids_are_found)
{
    size_t found;
    struct corpus_id id = corpus_make_id(&corpus, 'E', schedule.count - 1);
    ck_assert(corpus_find_id(&corpus, span_of(id.text, sizeof id.text), &found));
    ck_assert_uint_eq(found, schedule.count - 1);
    ck_assert(!corpus_find_id(&corpus, span_of(id.text, sizeof id.text - 1), &found));
    id.text[3] = 'g';
    ck_assert(!corpus_find_id(&corpus, span_of(id.text, sizeof id.text), &found));
    id = corpus_make_id(&corpus, 'E', schedule.count);
    ck_assert(!corpus_find_id(&corpus, span_of(id.text, sizeof id.text), &found));
    struct corpus other = corpus;
    other.run++;
    id = corpus_make_id(&other, 'E', 0);
    ck_assert(!corpus_find_id(&corpus, span_of(id.text, sizeof id.text), &found));
    id = corpus_make_id(&corpus, 'E', 0);
    id.text[CORPUS_ID_BYTES - 1] = ':';
    ck_assert(!corpus_find_id(&corpus, span_of(id.text, sizeof id.text), &found));
}
END_TEST

START_TEST(a_missing_key_is_named)
{
    char words[CORPUS_WORDS_BYTES];
    struct participant_code const strangers[2] = {{"10000001"}, {"99999999"}};
    struct corpus_settings const settings = {
        .environment = &environment, .schedule = &schedule, .codes = strangers, .code_count = 2};
    struct corpus other;
    ck_assert_int_eq(corpus_open(&other, &settings), FAULT_NONE);
    ck_assert_int_eq(corpus_sign_orders(&other, START_NS, words), FAULT_IO);
    ck_assert_ptr_nonnull(strstr(words, "participants/99999999/signing.crt"));
    corpus_close(&other);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("corpus");
    TCase *const cases = tcase_create("corpus");
    tcase_add_unchecked_fixture(cases, open_all, close_all);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_message_is_good);
    tcase_add_test(cases, only_our_ids_are_found);
    tcase_add_test(cases, a_missing_key_is_named);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
