/* pacs.002: what a bank may answer (WIRE section 4), what the switch says, both ways. */
#include <check.h>
#include <stdlib.h>

#include "proto/iso/message.h"
#include "tests/check/iso_sample.h"

#define ROOT "/Envelope/Document/FIToFIPmtStsRpt"
#define REASON_INFORMATION "<StsRsnInf><Rsn><Cd>AC03</Cd></Rsn></StsRsnInf>"

/* An edit of the sample, and where SCHEMA points; NULL: it is good. */
struct demand {
    const char *find, *replace;
    const char *location;
};

static const struct demand demands[] = {
    {"ACSP", "ACTC", NULL},
    {"ACSP", "ACWP", NULL},
    {"ACSP</TxSts>", "ACSP</TxSts>" REASON_INFORMATION, NULL},
    {"ACSP", "ACSC", ROOT "/TxInfAndSts[1]/TxSts"},
    {"ACSP", "ACCC", ROOT "/TxInfAndSts[1]/TxSts"},
    {"ACSP", "PDNG", ROOT "/TxInfAndSts[1]/TxSts"},
    {"ACSP", "acsp", ROOT "/TxInfAndSts[1]/TxSts"},
    {"ACSP", "RJCT", ROOT "/TxInfAndSts[1]"},
    {"ACSP<", "ACSP <", ROOT "/TxInfAndSts[1]/TxSts"}, /* 5 characters, the XSD has 4 */
    {"<TxSts>ACSP</TxSts>", "", ROOT "/TxInfAndSts[1]"},
    {"<OrgnlEndToEndId>E2</OrgnlEndToEndId>", "", ROOT "/TxInfAndSts[2]"},
    {"<OrgnlInstrId>I-E1</OrgnlInstrId>", "", NULL},
    {"<Cd>AC03</Cd>", "<Prtry>AC03</Prtry>", ROOT "/TxInfAndSts[2]/StsRsnInf/Rsn"},
    {"<Rsn><Cd>AC03</Cd></Rsn>", "<AddtlInf>x</AddtlInf>", ROOT "/TxInfAndSts[2]/StsRsnInf"},
    {REASON_INFORMATION, "", ROOT "/TxInfAndSts[2]"},
    {REASON_INFORMATION, "<StsRsnInf/>" REASON_INFORMATION, NULL},
    {"AC03", "AC034", ROOT "/TxInfAndSts[2]/StsRsnInf/Rsn/Cd"},
    {"AC03", "\xc3\xb1\xc3\xb1", NULL},
    {"</CreDtTm>", "</CreDtTm><InstgAgt>" SAMPLE_AGENT("10000001") "</InstgAgt>", NULL},
    {"</GrpHdr>",
     "</GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>S1</OrgnlMsgId>"
     "<OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId></OrgnlGrpInfAndSts>",
     NULL},
    /* times that the switch does not read are as the XSD allows */
    {"18:00:00Z", "18:00:00", NULL},
    {"ACSP</TxSts>", "ACSP</TxSts><AccptncDtTm>2026-11-21T18:00:00</AccptncDtTm>", NULL},
    {"ACSP</TxSts>",
     "ACSP</TxSts><FctvIntrBkSttlmDt><DtTm>2026-11-21T18:00:00</DtTm></FctvIntrBkSttlmDt>", NULL},
};

static const struct message_rules switch_rules = {
    .side = MESSAGE_BY_SWITCH, .sender = {"10000001", 8}, .receiver = {"00038166", 8}};
static const struct message_rules bank_rules = {
    .side = MESSAGE_BY_BANK, .sender = {"00038166", 8}, .receiver = {"10000001", 8}};

static struct message_reader *reader;
static char text[SAMPLE_BYTES];
static struct message message;
static struct refusal refusal;

static void open_reader(void)
{
    ck_assert_int_eq(message_open(&reader), FAULT_NONE);
    strcpy(text, SAMPLE_PACS_002);
}

static void close_reader(void)
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

START_TEST(counts)
{
    char many[SAMPLE_BYTES] = "";
    for (int i = 0; i < 8; i++)
        strcat(many, SAMPLE_ANSWER("E3", "ACSP") "</TxInfAndSts>");
    strcat(many, "</FIToFIPmtStsRpt>");
    sample_edit(text, "</FIToFIPmtStsRpt>", many);
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_GOOD);
    ck_assert_uint_eq(message.content.pacs002.count, 10);

    sample_edit(text, "</FIToFIPmtStsRpt>",
                SAMPLE_ANSWER("E4", "ACSP") "</TxInfAndSts></FIToFIPmtStsRpt>");
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_REFUSED);
    ck_assert(span_equal(refusal_location(&refusal), SPAN(ROOT "/TxInfAndSts[11]")));
}
END_TEST

START_TEST(no_transaction)
{
    strcpy(text,
           SAMPLE_ENVELOPE("pacs.002.001.10", "<FIToFIPmtStsRpt><GrpHdr><MsgId>M1</MsgId>"
                                              "<CreDtTm>2026-11-21T18:00:00Z</CreDtTm></GrpHdr>"
                                              "</FIToFIPmtStsRpt>"));
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_REFUSED);
    ck_assert_int_eq(refusal.code, REFUSAL_SCHEMA);
    ck_assert(span_equal(refusal_location(&refusal), SPAN(ROOT)));
}
END_TEST

START_TEST(answers)
{
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_GOOD);
    const struct pacs002_transaction *const read = message.content.pacs002.transactions;
    ck_assert_uint_eq(message.content.pacs002.count, 2);
    ck_assert(span_equal(read[0].instruction_id, SPAN("I-E1")));
    ck_assert(span_equal(read[0].end_to_end_id, SPAN("E1")));
    ck_assert(pacs002_accepts(read[0].status));
    ck_assert(!pacs002_accepts(read[1].status));
    ck_assert(span_equal(read[1].reason, SPAN("AC03")));

    /* The first code that is given counts. */
    sample_edit(text, REASON_INFORMATION,
                "<StsRsnInf><AddtlInf>x</AddtlInf></StsRsnInf>"
                "<StsRsnInf><Rsn><Cd>AC06</Cd></Rsn></StsRsnInf>" REASON_INFORMATION);
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_GOOD);
    ck_assert(span_equal(read[1].reason, SPAN("AC06")));
}
END_TEST

/* All that the switch says, as its bank reads it. */
static const struct pacs002_transaction results[] = {
    {.instruction_id = {"I1", 2},
     .end_to_end_id = {"E1", 2},
     .uetr = {"eb6305c9-1f7f-49de-aed0-16487c27b42d", 36},
     .status = PACS002_ACSC,
     .settled_ns = SAMPLE_NOW_NS,
     .settled_seq = 18},
    {.end_to_end_id = {"E2", 2},
     .status = PACS002_ACCC,
     .settled_ns = SAMPLE_NOW_NS,
     .settled_seq = UINT64_MAX},
    {.end_to_end_id = {"E3", 2}, .status = PACS002_RJCT, .reason = {"AB03", 4}},
    {.end_to_end_id = {"<&>\r\"", 5}, .status = PACS002_RJCT, .reason = {"&", 1}},
    {.end_to_end_id = {"E5", 2}, .status = PACS002_ACSP},
};

START_TEST(results_both_ways)
{
    static char buffer[LIMIT_MESSAGE_BYTES], again[LIMIT_MESSAGE_BYTES];
    size_t const count = sizeof results / sizeof *results;
    struct compose compose;
    struct header const header = {.sender = SPAN("00038166"),
                                  .receiver = SPAN("10000001"),
                                  .business_id = SPAN("S1"),
                                  .created_ns = SAMPLE_NOW_NS};
    compose_open(&compose, buffer, sizeof buffer);
    ck_assert_int_eq(pacs002_write(&compose, &header, results, count), FAULT_NONE);
    struct span const bytes = compose_unsigned(&compose);
    ck_assert_int_eq(message_read(reader, bytes, &bank_rules, &message, &refusal), MESSAGE_GOOD);
    ck_assert_uint_eq(message.content.pacs002.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct pacs002_transaction *const read = &message.content.pacs002.transactions[i];
        ck_assert(span_equal(read->instruction_id, results[i].instruction_id));
        ck_assert(span_equal(read->end_to_end_id, results[i].end_to_end_id));
        ck_assert(span_equal(read->uetr, results[i].uetr));
        ck_assert_int_eq(read->status, results[i].status);
        ck_assert(span_equal(read->reason, results[i].reason));
        ck_assert_int_eq(read->settled_ns, results[i].settled_ns);
        ck_assert_uint_eq(read->settled_seq, results[i].settled_seq);
    }

    /* The same inputs give the same bytes. */
    compose_open(&compose, again, sizeof again);
    ck_assert_int_eq(pacs002_write(&compose, &header, results, count), FAULT_NONE);
    ck_assert(span_equal(bytes, compose_unsigned(&compose)));
}
END_TEST

/* A result is none that a bank may answer, and a bank's answer is no result. */
START_TEST(sides)
{
    struct message_rules rules = bank_rules;
    rules.sender = rules.receiver = SPAN("");
    sample_edit(text, "ACSP", "ACTC");
    ck_assert_int_eq(message_read(reader, span_text(text), &rules, &message, &refusal),
                     MESSAGE_REFUSED);
    ck_assert_int_eq(refusal.code, REFUSAL_SCHEMA);
}
END_TEST

/* AcctSvcrRef of somebody else is no sequence. */
START_TEST(sequences)
{
    static const struct {
        const char *text;
        uint64_t seq;
    } rows[] = {{"1", 1},
                {"18446744073709551615", UINT64_MAX},
                {"18446744073709551616", 0},
                {"-1", 0},
                {"1x", 0}};
    struct message_rules rules = bank_rules;
    rules.sender = rules.receiver = SPAN("");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char element[128];
        snprintf(element, sizeof element, "ACSC</TxSts><AcctSvcrRef>%s</AcctSvcrRef>",
                 rows[i].text);
        strcpy(text, SAMPLE_PACS_002);
        sample_edit(text, "ACSP</TxSts>", element);
        ck_assert_int_eq(message_read(reader, span_text(text), &rules, &message, &refusal),
                         MESSAGE_GOOD);
        ck_assert_uint_eq(message.content.pacs002.transactions[0].settled_seq, rows[i].seq);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iso_pacs002");
    TCase *tests = tcase_create("pacs002");
    tcase_add_checked_fixture(tests, open_reader, close_reader);
    tcase_add_loop_test(tests, each_demand, 0, (int)(sizeof demands / sizeof *demands));
    tcase_add_test(tests, counts);
    tcase_add_test(tests, no_transaction);
    tcase_add_test(tests, answers);
    tcase_add_test(tests, results_both_ways);
    tcase_add_test(tests, sides);
    tcase_add_test(tests, sequences);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
