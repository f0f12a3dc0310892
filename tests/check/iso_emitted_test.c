/* Everything that the writers emit, in its variants: canonical, signed, and valid by xmllint.
 *
 * The messages go to a folder of their own under $TMPDIR; tests/interop/validate.py judges them, or
 * says why it cannot, and then that test passes as skipped. */
#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/crypto/authority.h"
#include "proto/iso/message.h"
#include "proto/xml/canonical.h"
#include "proto/xml/reader.h"
#include "tests/check/iso_sample.h"

#define SKIPPED 77
#define UETR SPAN("eb6305c9-1f7f-49de-aed0-16487c27b42d")
#define LONG_TEXT SPAN("12345678901234567890123456789012345")

static struct message_reader *reader;
static char buffer[LIMIT_MESSAGE_BYTES];
static struct compose compose;

static const struct header from_switch = {
    .sender = {"00038166", 8},
    .receiver = {"10000001", 8},
    .business_id = {"12345678901234567890123456789012345", 35},
    .created_ns = SAMPLE_NOW_NS};
static const struct header from_bank = {.sender = {"10000001", 8},
                                        .receiver = {"00038166", 8},
                                        .business_id = {"M10000001-1", 11},
                                        .created_ns = 0};

/* One function per variant: each leaves one message in `compose`. */

static enum fault emit_results(void)
{
    static const struct pacs002_transaction results[] = {
        {.instruction_id = {"I1", 2},
         .end_to_end_id = {"E1", 2},
         .uetr = {"eb6305c9-1f7f-49de-aed0-16487c27b42d", 36},
         .status = PACS002_ACSC,
         .settled_ns = SAMPLE_NOW_NS,
         .settled_seq = UINT64_MAX},
        {.end_to_end_id = {"E2", 2},
         .status = PACS002_ACCC,
         .settled_ns = SAMPLE_NOW_NS,
         .settled_seq = 1},
        {.end_to_end_id = {"E3", 2}, .status = PACS002_RJCT, .reason = {"AB03", 4}},
        {.end_to_end_id = {"E4", 2}, .status = PACS002_ACSP},
        {.end_to_end_id = {" <&>\"\t\r\n\xc3\xb1", 10}, .status = PACS002_RJCT, .reason = {"A", 1}},
    };
    return pacs002_write(&compose, &from_switch, results, sizeof results / sizeof *results);
}

static enum fault emit_ten_results(void)
{
    struct pacs002_transaction results[LIMIT_TRANSACTIONS];
    for (size_t i = 0; i < LIMIT_TRANSACTIONS; i++) {
        results[i] = (struct pacs002_transaction){.instruction_id = LONG_TEXT,
                                                  .end_to_end_id = LONG_TEXT,
                                                  .uetr = UETR,
                                                  .status = PACS002_ACSC,
                                                  .settled_ns = SAMPLE_NOW_NS,
                                                  .settled_seq = i + 1};
    }
    return pacs002_write(&compose, &from_switch, results, LIMIT_TRANSACTIONS);
}

static enum fault emit_answers(void)
{
    static const struct pacs002_transaction answers[] = {
        {.end_to_end_id = {"E1", 2}, .status = PACS002_ACSP},
        {.end_to_end_id = {"E2", 2}, .status = PACS002_ACTC},
        {.end_to_end_id = {"E3", 2}, .status = PACS002_ACWP},
        {.end_to_end_id = {"E4", 2}, .status = PACS002_RJCT, .reason = {"AC03", 4}},
    };
    return pacs002_write(&compose, &from_bank, answers, sizeof answers / sizeof *answers);
}

static struct pacs008_order full_order(void)
{
    return (struct pacs008_order){.instruction_id = LONG_TEXT,
                                  .end_to_end_id = LONG_TEXT,
                                  .uetr = UETR,
                                  .amount = amount_of_minor(INT64_C(999999999999999999)),
                                  .currency = SPAN("MXN"),
                                  .accepted_ns = SAMPLE_NOW_NS,
                                  .priority = PACS008_NORM,
                                  .debtor_name = SPAN("Ana & <hijos>"),
                                  .debtor_account = SPAN("1234567890"),
                                  .debtor_agent = SPAN("10000001"),
                                  .creditor_agent = SPAN("10000002"),
                                  .creditor_name = SPAN("Beto \xc3\xb1"),
                                  .creditor_account = SPAN("12345678901234567890123456789012"),
                                  .remittance = SPAN("renta de noviembre")};
}

static enum fault emit_ten_orders(void)
{
    struct pacs008_order orders[LIMIT_TRANSACTIONS];
    for (size_t i = 0; i < LIMIT_TRANSACTIONS; i++)
        orders[i] = full_order();
    return pacs008_write(&compose, &from_bank, orders, LIMIT_TRANSACTIONS);
}

static enum fault emit_small_order(void)
{
    struct pacs008_order const order = {.end_to_end_id = SPAN("E"),
                                        .amount = amount_of_minor(1),
                                        .currency = SPAN("MXN"),
                                        .accepted_ns = 0,
                                        .debtor_agent = SPAN("1"),
                                        .creditor_agent = SPAN("2")};
    return pacs008_write(&compose, &from_bank, &order, 1);
}

/* As received with prefixes, references and other spellings, forwarded under our own header. */
static enum fault emit_forward(void)
{
    static char text[SAMPLE_BYTES], first[LIMIT_CANONICAL_BYTES], second[LIMIT_CANONICAL_BYTES];
    static const struct message_rules rules = {.side = MESSAGE_BY_SWITCH};
    struct message message;
    struct refusal refusal;
    struct span transactions[2];
    struct hash content_hash;

    strcpy(text, SAMPLE_PACS_008);
    sample_edit(text, "<CdtTrfTxInf>",
                "\n<p:CdtTrfTxInf xmlns:p='urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08'>");
    sample_edit(text, "</CdtTrfTxInf>", "</p:CdtTrfTxInf>");
    sample_edit(text, "<Cdtr><Nm>Beto</Nm></Cdtr>",
                "<Cdtr><Nm>&lt;Beto&gt;&#13;</Nm></Cdtr>"
                "<SplmtryData><Envlp><x xmlns=\"\" b='1' a='&lt;'/></Envlp></SplmtryData>");
    ck_assert_int_eq(message_read(reader, span_text(text), &rules, &message, &refusal),
                     MESSAGE_GOOD);
    const struct pacs008_transaction *const read = message.content.pacs008.transactions;
    ck_assert_int_eq(pacs008_canonical(message.document, &read[0], first, sizeof first,
                                       &transactions[0], &content_hash),
                     FAULT_NONE);
    ck_assert_int_eq(pacs008_canonical(message.document, &read[1], second, sizeof second,
                                       &transactions[1], &content_hash),
                     FAULT_NONE);
    return pacs008_forward(&compose, &from_switch, transactions, 2);
}

static enum fault emit_question(void)
{
    return camt060_write(&compose, &from_bank);
}

static enum fault emit_balances(void)
{
    struct camt052 const camt052 = {.query_id = LONG_TEXT,
                                    .account = SPAN("10000001"),
                                    .currency = SPAN("MXN"),
                                    .available = amount_of_minor(INT64_C(999999999999999999)),
                                    .reserved = amount_of_minor(0),
                                    .instant_ns = SAMPLE_NOW_NS};
    return camt052_write(&compose, &from_switch, &camt052);
}

static enum fault emit_refusal(void)
{
    struct admi002 const admi002 = {.reference = LONG_TEXT,
                                    .code = SPAN("SIGNATURE"),
                                    .location = SPAN("/Envelope/AppHdr/Sgntr"),
                                    .words = SPAN("]]> & words")};
    return admi002_write(&compose, &from_switch, &admi002);
}

/* The longest location and words that a refusal can hold. */
static enum fault emit_long_refusal(void)
{
    static struct refusal refusal;
    refusal_set(&refusal, REFUSAL_BADXML, "%0400d", 7);
    char location[REFUSAL_LOCATION_BYTES];
    memset(location, '/', sizeof location);
    refusal_place(&refusal, span_of(location, sizeof location));
    refusal_refer(&refusal, LONG_TEXT);
    struct admi002 const admi002 = admi002_of_refusal(&refusal);
    return admi002_write(&compose, &from_switch, &admi002);
}

static enum fault emit_short_refusal(void)
{
    struct admi002 const admi002 = {.reference = SPAN("R"), .code = SPAN("BADXML")};
    return admi002_write(&compose, &from_switch, &admi002);
}

static enum fault (*const variants[])(void) = {
    emit_results,     emit_ten_results,  emit_answers,       emit_ten_orders,
    emit_small_order, emit_forward,      emit_question,      emit_balances,
    emit_refusal,     emit_long_refusal, emit_short_refusal,
};
#define VARIANTS (sizeof variants / sizeof *variants)

static void open_all(void)
{
    ck_assert_int_eq(message_open(&reader), FAULT_NONE);
}

static void close_all(void)
{
    message_close(reader);
}

/* What is written is its own exclusive canonical form. */
START_TEST(each_is_canonical)
{
    static char canonical[LIMIT_CANONICAL_BYTES];
    struct xml_document document;
    struct reader_error error;
    size_t size;
    compose_open(&compose, buffer, sizeof buffer);
    ck_assert_int_eq(variants[_i](), FAULT_NONE);
    struct span const bytes = compose_unsigned(&compose);
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
    ck_assert_int_eq(reader_parse(&document, bytes, NULL, &error), FAULT_NONE);
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical, &size),
                     FAULT_NONE);
    ck_assert(span_equal(bytes, span_of(canonical, size)));
    document_close(&document);
}
END_TEST

/* A signer of this kind, and its certificate. */
static void make_signer(enum key_kind kind, struct signature_signer **signer,
                        struct certificate **certificate)
{
    int64_t const from_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    int64_t const until_ns = from_ns + 3600 * TIME_NS_PER_SECOND;
    struct authority *authority;
    struct private_key *key;
    ck_assert_int_eq(authority_open(&authority, "CA", from_ns, until_ns), FAULT_NONE);
    ck_assert_int_eq(key_generate(&key, kind), FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "signer", key, from_ns, until_ns,
                                     certificate),
                     FAULT_NONE);
    ck_assert_int_eq(signature_signer_open(signer, key, *certificate), FAULT_NONE);
    key_close(key);
    authority_close(authority);
}

/* Signed by the switch's kind of key and by a bank's, verified by the other side. */
START_TEST(each_is_signed)
{
    static const enum key_kind kinds[] = {KEY_P256, KEY_RSA};
    static const struct message_rules sides[] = {{.side = MESSAGE_BY_SWITCH},
                                                 {.side = MESSAGE_BY_BANK}};
    for (size_t k = 0; k < 2; k++) {
        struct signature_signer *signer;
        struct certificate *certificate;
        struct signature_checker *checker;
        make_signer(kinds[k], &signer, &certificate);
        ck_assert_int_eq(signature_open(&checker, 1), FAULT_NONE);
        for (size_t i = 0; i < VARIANTS; i++) {
            struct message message;
            struct refusal refusal;
            struct span bytes;
            size_t key;
            compose_open(&compose, buffer, sizeof buffer);
            ck_assert_int_eq(variants[i](), FAULT_NONE);
            size_t const before = compose_unsigned(&compose).size;
            ck_assert_int_eq(compose_sign(&compose, signer, &bytes), FAULT_NONE);
            ck_assert_uint_eq(bytes.size, before + signature_size(signer));

            bool const by_switch = variants[i] == emit_answers || variants[i] == emit_ten_orders ||
                                   variants[i] == emit_small_order || variants[i] == emit_question;
            ck_assert_int_eq(
                message_read(reader, bytes, &sides[by_switch ? 0 : 1], &message, &refusal),
                MESSAGE_GOOD);
            const struct certificate *const certificates[] = {certificate};
            ck_assert(message_verify(checker, &message, certificates, 1, &key, &refusal));

            /* No other message has this signature. */
            buffer[compose.used - sizeof "</x></Document></Envelope>"] ^= 1;
            enum message_verdict const verdict =
                message_read(reader, bytes, &sides[by_switch ? 0 : 1], &message, &refusal);
            ck_assert(verdict == MESSAGE_REFUSED ||
                      !message_verify(checker, &message, certificates, 1, &key, &refusal));
        }
        /* A buffer without room for the signature. */
        struct span bytes;
        compose_open(&compose, buffer, sizeof buffer);
        ck_assert_int_eq(emit_question(), FAULT_NONE);
        compose_open(&compose, buffer, compose.used + signature_size(signer) - 1);
        ck_assert_int_eq(emit_question(), FAULT_NONE);
        ck_assert_int_eq(compose_sign(&compose, signer, &bytes), FAULT_FULL);
        signature_close(checker);
        signature_signer_close(signer);
        certificate_close(certificate);
    }
}
END_TEST

/* The row SIGNATURE: what is missing, and that the words reach the refusal. */
START_TEST(signature_is_demanded)
{
    static const char *const edits[][3] = {
        {"</CreDt>", "</CreDt>", "/Envelope/AppHdr"},
        {"</CreDt>", "</CreDt><Sgntr></Sgntr>", "/Envelope/AppHdr/Sgntr"},
        {"</CreDt>", "</CreDt><Sgntr><x xmlns=\"urn:x\"/></Sgntr>", "/Envelope/AppHdr/Sgntr/x"},
    };
    static char text[SAMPLE_BYTES];
    static const struct message_rules rules = {.side = MESSAGE_BY_SWITCH};
    struct signature_signer *signer;
    struct certificate *certificate;
    struct signature_checker *checker;
    make_signer(KEY_P256, &signer, &certificate);
    ck_assert_int_eq(signature_open(&checker, 1), FAULT_NONE);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const struct certificate *const certificates[] = {certificate};
        struct message message;
        struct refusal refusal;
        size_t key;
        strcpy(text, SAMPLE_PACS_008);
        sample_edit(text, edits[i][0], edits[i][1]);
        ck_assert_int_eq(message_read(reader, span_text(text), &rules, &message, &refusal),
                         MESSAGE_GOOD);
        ck_assert(!message_verify(checker, &message, certificates, 1, &key, &refusal));
        ck_assert_int_eq(refusal.code, REFUSAL_SIGNATURE);
        ck_assert(span_equal(refusal_reference(&refusal), SPAN("M1")));
        struct span const location = refusal_location(&refusal);
        ck_assert_msg(span_equal(location, span_text(edits[i][2])), "%.*s", (int)location.size,
                      location.bytes);
        ck_assert_uint_gt(refusal_words(&refusal).size, 0);
    }
    signature_close(checker);
    signature_signer_close(signer);
    certificate_close(certificate);
}
END_TEST

static void write_file(const char *folder, size_t number, struct span bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%02zu.xml", folder, number);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes.bytes, 1, bytes.size, file), bytes.size);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(each_validates)
{
    char folder[] = "/tmp/cauce-emitted-XXXXXX", command[1024];
    struct signature_signer *signer;
    struct certificate *certificate;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    make_signer(KEY_P256, &signer, &certificate);
    for (size_t i = 0; i < VARIANTS; i++) {
        struct span bytes;
        compose_open(&compose, buffer, sizeof buffer);
        ck_assert_int_eq(variants[i](), FAULT_NONE);
        ck_assert_int_eq(compose_sign(&compose, signer, &bytes), FAULT_NONE);
        write_file(folder, i, bytes);
    }
    signature_signer_close(signer);
    certificate_close(certificate);

    const char *const here = __FILE__; /* the repository's root/tests/check/... */
    int const root = (int)(strlen(here) - strlen("tests/check/iso_emitted_test.c"));
    snprintf(command, sizeof command, "python3 %.*stests/interop/validate.py %s", root, here,
             folder);
    int const status = system(command);
    ck_assert(WIFEXITED(status));
    int const code = WEXITSTATUS(status);
    ck_assert_msg(code == 0 || code == SKIPPED, "see the messages in %s", folder);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iso_emitted");
    TCase *tests = tcase_create("emitted");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, each_is_canonical, 0, (int)VARIANTS);
    tcase_add_test(tests, each_is_signed);
    tcase_add_test(tests, signature_is_demanded);
    tcase_add_test(tests, each_validates);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
