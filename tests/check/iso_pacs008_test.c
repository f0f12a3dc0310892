/* pacs.008: every demand of WIRE section 4, what survives as data, content and forwarding. */
#include <check.h>
#include <stdlib.h>

#include "proto/iso/message.h"
#include "tests/check/iso_sample.h"

#define ROOT "/Envelope/Document/FIToFICstmrCdtTrf"
#define FIRST ROOT "/CdtTrfTxInf[1]"
#define ACCEPTED "<AccptncDtTm>2026-11-21T17:59:59.5Z</AccptncDtTm>"

/* An edit of the sample, and where SCHEMA points; NULL: it is good. */
struct demand {
    const char *find, *replace;
    const char *location;
};

static const struct demand demands[] = {
    /* GrpHdr holds exactly four things */
    {"<NbOfTxs>", "<BtchBookg>true</BtchBookg><NbOfTxs>", ROOT "/GrpHdr/BtchBookg"},
    {"<SttlmInf>", "<CtrlSum>24.68</CtrlSum><SttlmInf>", ROOT "/GrpHdr/CtrlSum"},
    {"<SttlmInf>", "<TtlIntrBkSttlmAmt Ccy=\"MXN\">24.68</TtlIntrBkSttlmAmt><SttlmInf>",
     ROOT "/GrpHdr/TtlIntrBkSttlmAmt"},
    {"<SttlmInf>", "<IntrBkSttlmDt>2026-11-21</IntrBkSttlmDt><SttlmInf>",
     ROOT "/GrpHdr/IntrBkSttlmDt"},
    {"</SttlmInf>", "</SttlmInf><PmtTpInf><InstrPrty>NORM</InstrPrty></PmtTpInf>",
     ROOT "/GrpHdr/PmtTpInf"},
    {"</SttlmInf>", "</SttlmInf><InstgAgt>" SAMPLE_AGENT("10000001") "</InstgAgt>",
     ROOT "/GrpHdr/InstgAgt"},
    {"</SttlmInf>", "</SttlmInf><InstdAgt>" SAMPLE_AGENT("10000001") "</InstdAgt>",
     ROOT "/GrpHdr/InstdAgt"},
    {"</SttlmMtd>", "</SttlmMtd><ClrSys><Cd>ABC</Cd></ClrSys>", ROOT "/GrpHdr/SttlmInf/ClrSys"},
    {"CLRG", "INDA", ROOT "/GrpHdr/SttlmInf/SttlmMtd"},
    {"<SttlmMtd>CLRG</SttlmMtd>", "", ROOT "/GrpHdr/SttlmInf"},
    {"<NbOfTxs>2<", "<NbOfTxs>1<", ROOT "/GrpHdr/NbOfTxs"},
    {"<NbOfTxs>2<", "<NbOfTxs>3<", ROOT "/GrpHdr/NbOfTxs"},
    {"<NbOfTxs>2<", "<NbOfTxs>0<", ROOT "/GrpHdr/NbOfTxs"},
    {"<NbOfTxs>2<", "<NbOfTxs>000000000000002<", NULL},
    {"<NbOfTxs>2<", "<NbOfTxs>999999999999999<", ROOT "/GrpHdr/NbOfTxs"},
    /* GrpHdr/CreDtTm is not a time that the switch reads */
    {"<CreDtTm>2026-11-21T18:00:00.123Z<", "<CreDtTm>2026-11-21T18:00:00<", NULL},
    /* CdtTrfTxInf */
    {"<EndToEndId>E1</EndToEndId>", "", FIRST "/PmtId"},
    {"<IntrBkSttlmAmt Ccy=\"MXN\">12.34</IntrBkSttlmAmt>", "", FIRST},
    {ACCEPTED, "", FIRST},
    {"17:59:59.5Z", "17:59:59.5", FIRST "/AccptncDtTm"},
    {"17:59:59.5Z", "17:59:59.5000000000Z", FIRST "/AccptncDtTm"},
    {"2026-11-21T17:59:59.5Z", "1969-12-31T23:59:59Z", FIRST "/AccptncDtTm"},
    {"2026-11-21T17:59:59.5Z", "2200-01-01T00:00:00Z", FIRST "/AccptncDtTm"},
    {"2026-11-21T17:59:59.5Z", "2026-11-21T25:00:00Z", FIRST "/AccptncDtTm"},
    {"2026-11-21T17:59:59.5Z", "2026-11-21T24:00:00Z", NULL},
    {"SLEV", "SHAR", FIRST "/ChrgBr"},
    {"SLEV", "DEBT", FIRST "/ChrgBr"},
    {"<ChrgBr>SLEV</ChrgBr>", "", FIRST},
    {"<Dbtr><Nm>Ana</Nm></Dbtr>", "", FIRST},
    {"<Dbtr><Nm>Ana</Nm></Dbtr>", "<Dbtr/>", NULL},
    {"<DbtrAgt>" SAMPLE_AGENT("10000001") "</DbtrAgt>", "", FIRST},
    {"<DbtrAgt>" SAMPLE_AGENT("10000001"), "<DbtrAgt><FinInstnId/>", FIRST "/DbtrAgt/FinInstnId"},
    {"<DbtrAgt>" SAMPLE_AGENT("10000001"),
     "<DbtrAgt><FinInstnId><BICFI>AAAAMXMM</BICFI></FinInstnId>", FIRST "/DbtrAgt/FinInstnId"},
    {"<CdtrAgt>" SAMPLE_AGENT("10000002"),
     "<CdtrAgt><FinInstnId><Othr><Id>10000002</Id></Othr></FinInstnId>",
     FIRST "/CdtrAgt/FinInstnId"},
    {"<CdtrAgt>" SAMPLE_AGENT("10000002") "</CdtrAgt>", "", FIRST},
    {"<Cdtr><Nm>Beto</Nm></Cdtr>", "", FIRST},
    {"<Cdtr><Nm>Beto</Nm></Cdtr>", "<Cdtr/>", NULL},
    {"12.34", "-1", FIRST "/IntrBkSttlmAmt"},
    {"12.34", "1.123456", FIRST "/IntrBkSttlmAmt"},
    {" Ccy=\"MXN\"", "", FIRST "/IntrBkSttlmAmt"},
    {"Ccy=\"MXN\"", "Ccy=\"mxn\"", FIRST "/IntrBkSttlmAmt"},
    /* all else as the XSD allows */
    {"</FIToFICstmrCdtTrf>",
     "<SplmtryData><Envlp><x xmlns=\"urn:x\"/></Envlp></SplmtryData></FIToFICstmrCdtTrf>", NULL},
    {"<Cdtr><Nm>Beto</Nm></Cdtr>", "<Cdtr><Nm>Beto</Nm></Cdtr><RmtInf><Ustrd>rent</Ustrd></RmtInf>",
     NULL},
};

static const struct message_rules rules = {
    .side = MESSAGE_BY_SWITCH, .sender = {"10000001", 8}, .receiver = {"00038166", 8}};

static struct message_reader *reader;
static char text[SAMPLE_BYTES];
static struct message message;
static struct refusal refusal;

static void open_reader(void)
{
    ck_assert_int_eq(message_open(&reader), FAULT_NONE);
    strcpy(text, SAMPLE_PACS_008);
}

static void close_reader(void)
{
    message_close(reader);
}

static enum message_verdict read_text(void)
{
    return message_read(reader, span_text(text), &rules, &message, &refusal);
}

START_TEST(each_demand)
{
    const struct demand *demand = &demands[_i];
    sample_edit(text, demand->find, demand->replace);
    enum message_verdict const verdict = read_text();
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
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    ck_assert_uint_eq(message.content.pacs008.count, 2);

    for (int i = 0; i < 8; i++)
        strcat(many, SAMPLE_TRANSACTION("E3"));
    strcat(many, "</FIToFICstmrCdtTrf>");
    sample_edit(text, "</FIToFICstmrCdtTrf>", many);
    sample_edit(text, "<NbOfTxs>2<", "<NbOfTxs>10<");
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    ck_assert_uint_eq(message.content.pacs008.count, 10);

    sample_edit(text, "</FIToFICstmrCdtTrf>", SAMPLE_TRANSACTION("E4") "</FIToFICstmrCdtTrf>");
    sample_edit(text, "<NbOfTxs>10<", "<NbOfTxs>11<");
    ck_assert_int_eq(read_text(), MESSAGE_REFUSED);
    ck_assert(span_equal(refusal_location(&refusal), SPAN(ROOT "/CdtTrfTxInf[11]")));
}
END_TEST

START_TEST(fields)
{
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    const struct pacs008_transaction *transaction = &message.content.pacs008.transactions[1];
    ck_assert(span_equal(message.content.pacs008.message_id, SPAN("M1")));
    ck_assert(span_equal(transaction->instruction_id, SPAN("I-E2")));
    ck_assert(span_equal(transaction->end_to_end_id, SPAN("E2")));
    ck_assert(span_equal(transaction->uetr, SPAN("eb6305c9-1f7f-49de-aed0-16487c27b42d")));
    ck_assert(span_equal(transaction->debtor_agent, SPAN("10000001")));
    ck_assert(span_equal(transaction->creditor_agent, SPAN("10000002")));
    ck_assert(span_equal(transaction->currency, SPAN("MXN")));
    ck_assert_int_eq(transaction->amount_parse, AMOUNT_PARSE_GOOD);
    ck_assert_int_eq(amount_minor(transaction->amount), 1234);
    ck_assert_int_eq(transaction->accepted_ns, SAMPLE_NOW_NS - 623 * TIME_NS_PER_MS);
    ck_assert_int_eq(transaction->priority, PACS008_HIGH);

    sample_edit(text, "<InstrId>I-E1</InstrId>", "");
    sample_edit(text, "<UETR>eb6305c9-1f7f-49de-aed0-16487c27b42d</UETR>", "");
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    ck_assert_uint_eq(message.content.pacs008.transactions[0].instruction_id.size, 0);
    ck_assert_uint_eq(message.content.pacs008.transactions[0].uetr.size, 0);
}
END_TEST

/* What the core refuses with a reason code reaches it as it is. */
struct data_row {
    const char *find, *replace;
    enum amount_parse parse;
    int64_t minor;
    const char *currency, *debtor, *creditor, *id;
};

static const struct data_row data_rows[] = {
    {"12.34", "1.000", AMOUNT_PARSE_GOOD, 100, "MXN", "10000001", "10000002", "E1"},
    {"12.34", " 1.5\n", AMOUNT_PARSE_GOOD, 150, "MXN", "10000001", "10000002", "E1"},
    {"12.34", "+.5", AMOUNT_PARSE_GOOD, 50, "MXN", "10000001", "10000002", "E1"},
    {"12.34", "0", AMOUNT_PARSE_GOOD, 0, "MXN", "10000001", "10000002", "E1"},
    {"12.34", "-0", AMOUNT_PARSE_GOOD, 0, "MXN", "10000001", "10000002", "E1"},
    {"12.34", "1.001", AMOUNT_PARSE_NOT_MONEY, 0, "MXN", "10000001", "10000002", "E1"},
    {"12.34", "12345678901234567", AMOUNT_PARSE_NOT_MONEY, 0, "MXN", "10000001", "10000002", "E1"},
    {"12.34", "1234567890123456.78", AMOUNT_PARSE_GOOD, INT64_C(123456789012345678), "MXN",
     "10000001", "10000002", "E1"},
    {"\"MXN\"", "\"USD\"", AMOUNT_PARSE_GOOD, 1234, "USD", "10000001", "10000002", "E1"},
    {"<DbtrAgt>" SAMPLE_AGENT("10000001"), "<DbtrAgt>" SAMPLE_AGENT("nobody at all"),
     AMOUNT_PARSE_GOOD, 1234, "MXN", "nobody at all", "10000002", "E1"},
    {"<CdtrAgt>" SAMPLE_AGENT("10000002"),
     "<CdtrAgt>" SAMPLE_AGENT("12345678901234567890123456789012345"), AMOUNT_PARSE_GOOD, 1234,
     "MXN", "10000001", "12345678901234567890123456789012345", "E1"},
    {"<EndToEndId>E1<", "<EndToEndId>\xc3\xb1 &amp; *<", AMOUNT_PARSE_GOOD, 1234, "MXN", "10000001",
     "10000002", "\xc3\xb1 & *"},
};

START_TEST(each_survives)
{
    const struct data_row *row = &data_rows[_i];
    sample_edit(text, row->find, row->replace);
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    const struct pacs008_transaction *transaction = &message.content.pacs008.transactions[0];
    ck_assert_int_eq(transaction->amount_parse, row->parse);
    ck_assert_int_eq(amount_minor(transaction->amount), row->minor);
    ck_assert(span_equal(transaction->currency, span_text(row->currency)));
    ck_assert(span_equal(transaction->debtor_agent, span_text(row->debtor)));
    ck_assert(span_equal(transaction->creditor_agent, span_text(row->creditor)));
    ck_assert(span_equal(transaction->end_to_end_id, span_text(row->id)));
}
END_TEST

/* "Priority from the transaction's SttlmPrty, else PmtTpInf/InstrPrty". */
struct priority_row {
    const char *settlement, *instruction; /* NULL: absent */
    enum pacs008_priority priority;
};

static const struct priority_row priority_rows[] = {
    {NULL, NULL, PACS008_HIGH},     {"NORM", NULL, PACS008_NORM},   {"HIGH", NULL, PACS008_HIGH},
    {"URGT", NULL, PACS008_HIGH},   {NULL, "NORM", PACS008_NORM},   {NULL, "HIGH", PACS008_HIGH},
    {"HIGH", "NORM", PACS008_HIGH}, {"URGT", "NORM", PACS008_HIGH}, {"NORM", "HIGH", PACS008_NORM},
};

START_TEST(each_priority)
{
    const struct priority_row *row = &priority_rows[_i];
    char element[128];
    if (row->settlement != NULL) {
        snprintf(element, sizeof element, "<SttlmPrty>%s</SttlmPrty>" ACCEPTED, row->settlement);
        sample_edit(text, ACCEPTED, element);
    }
    if (row->instruction != NULL) {
        snprintf(element, sizeof element, "</PmtId><PmtTpInf><InstrPrty>%s</InstrPrty></PmtTpInf>",
                 row->instruction);
        sample_edit(text, "</PmtId>", element);
    }
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    ck_assert_int_eq(message.content.pacs008.transactions[0].priority, row->priority);
}
END_TEST

static struct span canonical_of(size_t index, char *buffer, struct hash *content_hash)
{
    struct span bytes;
    ck_assert_int_eq(pacs008_canonical(message.document,
                                       &message.content.pacs008.transactions[index], buffer,
                                       LIMIT_CANONICAL_BYTES, &bytes, content_hash),
                     FAULT_NONE);
    return bytes;
}

/* Same content is the same canonical element: spelling does not matter, white space does. */
START_TEST(content_hash)
{
    static char buffer[LIMIT_CANONICAL_BYTES];
    struct hash first, second;
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    struct span const bytes = canonical_of(0, buffer, &first);
    ck_assert(span_equal(bytes, SPAN(SAMPLE_TRANSACTION("E1"))));

    sample_edit(text, "<Nm>Ana</Nm>", "<Nm >&#65;na</Nm >");
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    canonical_of(0, buffer, &second);
    ck_assert(hash_equal(&first, &second));

    sample_edit(text, "<Dbtr>", "<Dbtr>\n");
    ck_assert_int_eq(read_text(), MESSAGE_GOOD);
    canonical_of(0, buffer, &second);
    ck_assert(!hash_equal(&first, &second));
}
END_TEST

/* What is forwarded says the same as what was received: read again, it has the same fields and the
 * same canonical form, also where the bank wrote prefixes and elements without a namespace. */
START_TEST(forwarding)
{
    static char first[LIMIT_CANONICAL_BYTES], second[LIMIT_CANONICAL_BYTES];
    static char buffer[LIMIT_CANONICAL_BYTES];
    static const char *const edits[][2] = {
        {"<FIToFICstmrCdtTrf>", "<FIToFICstmrCdtTrf>"},
        {"<CdtTrfTxInf>",
         "<p:CdtTrfTxInf xmlns:p=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\" "
         "xmlns:q=\"urn:unused\">"},
        {"<Cdtr><Nm>Beto</Nm></Cdtr>",
         "<Cdtr><Nm>B&amp;o &#13;</Nm></Cdtr><SplmtryData><Envlp><x xmlns=\"\" b='1' a='\"'/>"
         "</Envlp></SplmtryData>"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct hash before[2], after;
        struct span transactions[2];
        strcpy(text, SAMPLE_PACS_008);
        sample_edit(text, edits[i][0], edits[i][1]);
        if (strstr(text, "<p:") != NULL) sample_edit(text, "</CdtTrfTxInf>", "</p:CdtTrfTxInf>");
        ck_assert_int_eq(read_text(), MESSAGE_GOOD);
        transactions[0] = canonical_of(0, first, &before[0]);
        transactions[1] = canonical_of(1, second, &before[1]);

        struct compose compose;
        struct header const header = {.sender = SPAN("00038166"),
                                      .receiver = SPAN("10000002"),
                                      .business_id = SPAN("S1"),
                                      .created_ns = SAMPLE_NOW_NS};
        compose_open(&compose, buffer, sizeof buffer);
        ck_assert_int_eq(pacs008_forward(&compose, &header, transactions, 2), FAULT_NONE);

        static const struct message_rules bank_rules = {
            .side = MESSAGE_BY_BANK, .sender = {"00038166", 8}, .receiver = {"10000002", 8}};
        ck_assert_int_eq(
            message_read(reader, compose_unsigned(&compose), &bank_rules, &message, &refusal),
            MESSAGE_GOOD);
        ck_assert_uint_eq(message.content.pacs008.count, 2);
        for (size_t n = 0; n < 2; n++) {
            canonical_of(n, first, &after);
            ck_assert(hash_equal(&before[n], &after));
        }
    }
}
END_TEST

START_TEST(writing)
{
    static char buffer[LIMIT_MESSAGE_BYTES];
    struct compose compose;
    struct header const header = {.sender = SPAN("10000001"),
                                  .receiver = SPAN("00038166"),
                                  .business_id = SPAN("M7"),
                                  .created_ns = SAMPLE_NOW_NS};
    struct pacs008_order const orders[] = {
        {.instruction_id = SPAN("I1"),
         .end_to_end_id = SPAN("E1"),
         .uetr = SPAN("eb6305c9-1f7f-49de-aed0-16487c27b42d"),
         .amount = amount_of_minor(1),
         .currency = SPAN("MXN"),
         .accepted_ns = SAMPLE_NOW_NS,
         .priority = PACS008_NORM,
         .debtor_name = SPAN("A & <B>"),
         .debtor_account = SPAN("1"),
         .debtor_agent = SPAN("10000001"),
         .creditor_agent = SPAN("10000002"),
         .creditor_name = SPAN("C"),
         .creditor_account = SPAN("2"),
         .remittance = SPAN("rent")},
        {.end_to_end_id = SPAN("E2"),
         .amount = amount_of_minor(INT64_C(100000000000)),
         .currency = SPAN("MXN"),
         .accepted_ns = SAMPLE_NOW_NS,
         .debtor_agent = SPAN("10000001"),
         .creditor_agent = SPAN("10000002")},
    };
    compose_open(&compose, buffer, sizeof buffer);
    ck_assert_int_eq(pacs008_write(&compose, &header, orders, 2), FAULT_NONE);
    ck_assert_int_eq(message_read(reader, compose_unsigned(&compose), &rules, &message, &refusal),
                     MESSAGE_GOOD);
    const struct pacs008 *const pacs008 = &message.content.pacs008;
    ck_assert_uint_eq(pacs008->count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct pacs008_transaction *const read = &pacs008->transactions[i];
        ck_assert(span_equal(read->instruction_id, orders[i].instruction_id));
        ck_assert(span_equal(read->end_to_end_id, orders[i].end_to_end_id));
        ck_assert(span_equal(read->uetr, orders[i].uetr));
        ck_assert_int_eq(amount_compare(read->amount, orders[i].amount), 0);
        ck_assert_int_eq(read->accepted_ns, orders[i].accepted_ns);
        ck_assert_int_eq(read->priority, orders[i].priority);
    }

    /* Every smaller buffer is told to be too small. */
    size_t const size = compose_unsigned(&compose).size;
    for (size_t less = 0; less < size; less += 97) {
        compose_open(&compose, buffer, less);
        ck_assert_int_eq(pacs008_write(&compose, &header, orders, 2), FAULT_FULL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iso_pacs008");
    TCase *tests = tcase_create("pacs008");
    tcase_add_checked_fixture(tests, open_reader, close_reader);
    tcase_add_loop_test(tests, each_demand, 0, (int)(sizeof demands / sizeof *demands));
    tcase_add_loop_test(tests, each_survives, 0, (int)(sizeof data_rows / sizeof *data_rows));
    tcase_add_loop_test(tests, each_priority, 0,
                        (int)(sizeof priority_rows / sizeof *priority_rows));
    tcase_add_test(tests, counts);
    tcase_add_test(tests, fields);
    tcase_add_test(tests, content_hash);
    tcase_add_test(tests, forwarding);
    tcase_add_test(tests, writing);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
