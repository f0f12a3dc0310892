/* camt.060 and camt.052 (WIRE section 5), admi.002 (section 2): demands, and both ways. */
#include <check.h>
#include <stdlib.h>

#include "proto/iso/message.h"
#include "tests/check/iso_sample.h"

#define ROOT "/Envelope/Document/AcctRptgReq"
#define REQUEST                                                                                    \
    "<RptgReq><ReqdMsgNmId>camt.052.001.08</ReqdMsgNmId>"                                          \
    "<Acct><Id><Othr><Id>10000001</Id></Othr></Id></Acct>"                                         \
    "<AcctOwnr><Agt>" SAMPLE_AGENT("10000001") "</Agt></AcctOwnr></RptgReq>"

/* An edit of the sample, and where SCHEMA points; NULL: it is good. */
struct demand {
    const char *find, *replace;
    const char *location;
};

static const struct demand demands[] = {
    {"</RptgReq>", "</RptgReq>" REQUEST, ROOT "/RptgReq[2]"},
    {"camt.052.001.08<", "camt.053.001.08<", ROOT "/RptgReq/ReqdMsgNmId"},
    {"camt.052.001.08<", "camt.052.001.09<", ROOT "/RptgReq/ReqdMsgNmId"},
    {"camt.052.001.08<", "camt.052<", ROOT "/RptgReq/ReqdMsgNmId"},
    {"<Acct><Id><Othr><Id>10000001</Id></Othr></Id></Acct>", "", ROOT "/RptgReq"},
    {"<Othr><Id>10000001</Id></Othr>", "<IBAN>MX0010000001</IBAN>", ROOT "/RptgReq/Acct/Id"},
    {"<AcctOwnr><Agt>" SAMPLE_AGENT("10000001") "</Agt>", "<AcctOwnr><Pty><Nm>x</Nm></Pty>",
     ROOT "/RptgReq/AcctOwnr"},
    {"<Agt>" SAMPLE_AGENT("10000001"), "<Agt><FinInstnId><Nm>x</Nm></FinInstnId>",
     ROOT "/RptgReq/AcctOwnr/Agt/FinInstnId"},
    {"<RptgReq>", "<RptgReq><Id>R1</Id>", NULL},
    {"</AcctOwnr>", "</AcctOwnr><ReqdBalTp><CdOrPrtry><Cd>ITAV</Cd></CdOrPrtry></ReqdBalTp>", NULL},
};

static const struct message_rules switch_rules = {
    .side = MESSAGE_BY_SWITCH, .sender = {"10000001", 8}, .receiver = {"00038166", 8}};
static const struct message_rules bank_rules = {
    .side = MESSAGE_BY_BANK, .sender = {"00038166", 8}, .receiver = {"10000001", 8}};

static struct message_reader *reader;
static char text[SAMPLE_BYTES], buffer[LIMIT_MESSAGE_BYTES];
static struct message message;
static struct refusal refusal;
static struct compose compose;

static void open_all(void)
{
    ck_assert_int_eq(message_open(&reader), FAULT_NONE);
    strcpy(text, SAMPLE_CAMT_060);
    compose_open(&compose, buffer, sizeof buffer);
}

static void close_all(void)
{
    message_close(reader);
}

START_TEST(each_demand)
{
    const struct demand *demand = &demands[_i];
    sample_edit(text, demand->find, demand->replace);
    enum message_verdict const verdict =
        message_read(reader, span_text(text), &switch_rules, &message, &refusal);
    if (demand->location == NULL) {
        ck_assert_int_eq(verdict, MESSAGE_GOOD);
        return;
    }
    ck_assert_int_eq(verdict, MESSAGE_REFUSED);
    ck_assert_int_eq(refusal.code, REFUSAL_SCHEMA);
    struct span const location = refusal_location(&refusal);
    ck_assert_msg(span_equal(location, span_text(demand->location)), "%.*s, expected %s",
                  (int)location.size, location.bytes, demand->location);
}
END_TEST

START_TEST(question)
{
    struct header const header = {.sender = SPAN("10000001"),
                                  .receiver = SPAN("00038166"),
                                  .business_id = SPAN("Q1"),
                                  .created_ns = SAMPLE_NOW_NS};
    ck_assert_int_eq(camt060_write(&compose, &header), FAULT_NONE);
    ck_assert_int_eq(
        message_read(reader, compose_unsigned(&compose), &switch_rules, &message, &refusal),
        MESSAGE_GOOD);
    ck_assert_int_eq(message.kind, CATALOGUE_CAMT_060);
    ck_assert(span_equal(message.content.camt060.message_id, SPAN("Q1")));
    ck_assert(span_equal(message.content.camt060.account, SPAN("10000001")));
}
END_TEST

static const struct header switch_header = {.sender = {"00038166", 8},
                                            .receiver = {"10000001", 8},
                                            .business_id = {"S1", 2},
                                            .created_ns = SAMPLE_NOW_NS};

START_TEST(balances)
{
    struct camt052 const camt052 = {.query_id = SPAN("Q1"),
                                    .account = SPAN("10000001"),
                                    .currency = SPAN("MXN"),
                                    .available = amount_of_minor(INT64_C(123456789012345678)),
                                    .reserved = amount_of_minor(5),
                                    .instant_ns = SAMPLE_NOW_NS};
    ck_assert_int_eq(camt052_write(&compose, &switch_header, &camt052), FAULT_NONE);
    ck_assert_int_eq(
        message_read(reader, compose_unsigned(&compose), &bank_rules, &message, &refusal),
        MESSAGE_GOOD);
    const struct camt052 *const read = &message.content.camt052;
    ck_assert(span_equal(read->message_id, SPAN("S1")));
    ck_assert(span_equal(read->query_id, camt052.query_id));
    ck_assert(span_equal(read->account, camt052.account));
    ck_assert(span_equal(read->currency, camt052.currency));
    ck_assert_int_eq(amount_compare(read->available, camt052.available), 0);
    ck_assert_int_eq(amount_compare(read->reserved, camt052.reserved), 0);
    ck_assert_int_eq(read->instant_ns, camt052.instant_ns);
}
END_TEST

/* A bank does not take a report that lacks one of the two balances. */
START_TEST(balance_missing)
{
    struct camt052 const camt052 = {
        .query_id = SPAN("Q1"), .account = SPAN("10000001"), .currency = SPAN("MXN")};
    ck_assert_int_eq(camt052_write(&compose, &switch_header, &camt052), FAULT_NONE);
    struct span const bytes = compose_unsigned(&compose);
    snprintf(text, sizeof text, "%.*s", (int)bytes.size, bytes.bytes);
    sample_edit(text, "BLCK", "ITBD");
    ck_assert_int_eq(message_read(reader, span_text(text), &bank_rules, &message, &refusal),
                     MESSAGE_REFUSED);
    ck_assert(
        span_equal(refusal_location(&refusal), SPAN("/Envelope/Document/BkToCstmrAcctRpt/Rpt")));
}
END_TEST

/* A refusal of the switch's as the bank hears it, with and without a location. */
START_TEST(refusals)
{
    static const char *const locations[] = {"/Envelope/Document", ""};
    for (size_t i = 0; i < 2; i++) {
        struct refusal said;
        refusal_refer(&said, SPAN("M1"));
        refusal_set(&said, REFUSAL_SCHEMA, "element %s is \xc3\xb1 missing", "<X>");
        refusal_place(&said, span_text(locations[i]));
        struct admi002 const admi002 = admi002_of_refusal(&said);
        compose_open(&compose, buffer, sizeof buffer);
        ck_assert_int_eq(admi002_write(&compose, &switch_header, &admi002), FAULT_NONE);
        ck_assert_int_eq(
            message_read(reader, compose_unsigned(&compose), &bank_rules, &message, &refusal),
            MESSAGE_GOOD);
        const struct admi002 *const read = &message.content.admi002;
        ck_assert(span_equal(read->reference, SPAN("M1")));
        ck_assert(span_equal(read->code, SPAN("SCHEMA")));
        ck_assert(span_equal(read->location, span_text(locations[i])));
        ck_assert(span_equal(read->words, SPAN("element <X> is ?? missing")));
    }
}
END_TEST

/* Words are cut at 159, references are 35 characters at most, a location is cut at 350 bytes and
 * between characters. */
START_TEST(refusal_bounds)
{
    char words[2000];
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    refusal_set(&refusal, REFUSAL_BADXML, "%s", words);
    ck_assert_uint_eq(refusal_words(&refusal).size, 159);
    refusal_refer(&refusal, span_of(words, 35));
    ck_assert_uint_eq(refusal_reference(&refusal).size, 35);
    refusal_refer(&refusal, span_of(words, 36));
    ck_assert_uint_eq(refusal_reference(&refusal).size, 0);
    refusal_place(&refusal, span_of(words, 350));
    ck_assert_uint_eq(refusal_location(&refusal).size, 350);
    refusal_place(&refusal, span_of(words, 351));
    ck_assert_uint_eq(refusal_location(&refusal).size, 350);
    memcpy(words + 348, "\xe2\x82\xac", 3);
    refusal_place(&refusal, span_of(words, 400));
    ck_assert_uint_eq(refusal_location(&refusal).size, 348);
    refusal_place(&refusal, span_of(words, 351 - 3));
    ck_assert_uint_eq(refusal_location(&refusal).size, 348);
    refusal_place(&refusal, (struct span){0});
    ck_assert_uint_eq(refusal_location(&refusal).size, 0);
}
END_TEST

/* Both catalogs of WIRE section 1 come from one list. */
START_TEST(catalogue)
{
    enum catalogue_kind kind;
    ck_assert_int_eq(catalogue_find(SPAN("camt.060.001.05"), &kind), FAULT_NONE);
    ck_assert(catalogue_is_inward(kind) && !catalogue_is_outward(kind));
    ck_assert_int_eq(catalogue_find(SPAN("admi.002.001.01"), &kind), FAULT_NONE);
    ck_assert(!catalogue_is_inward(kind) && catalogue_is_outward(kind));
    ck_assert_int_eq(catalogue_find(SPAN("pacs.004.001.10"), &kind), FAULT_NONE);
    ck_assert(!catalogue_is_inward(kind) && !catalogue_is_outward(kind));
    ck_assert_int_eq(catalogue_find(SPAN("pacs.008.001.0"), &kind), FAULT_NOT_FOUND);
    ck_assert(span_equal(catalogue_namespace(CATALOGUE_PACS_002),
                         SPAN("urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iso_report");
    TCase *tests = tcase_create("report");
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, each_demand, 0, (int)(sizeof demands / sizeof *demands));
    tcase_add_test(tests, question);
    tcase_add_test(tests, balances);
    tcase_add_test(tests, balance_missing);
    tcase_add_test(tests, refusals);
    tcase_add_test(tests, refusal_bounds);
    tcase_add_test(tests, catalogue);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
