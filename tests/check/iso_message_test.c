/* The table of WIRE section 2: each row, its order, its locations and its references. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/iso/message.h"
#include "tests/check/iso_sample.h"

#define HEAD "urn:iso:std:iso:20022:tech:xsd:head.001.001.02"
#define FR "<Fr>" SAMPLE_PARTY("10000001") "</Fr>"
#define TO "<To>" SAMPLE_PARTY("00038166") "</To>"
#define CREDT "<CreDt>2026-11-21T18:00:00.123Z</CreDt>"
#define ID "<BizMsgIdr>M1</BizMsgIdr>"
#define GRP "<GrpHdr><MsgId>M1</MsgId>"
#define FAR_NS "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.09"

#define DEEP_10 "<a><a><a><a><a><a><a><a><a><a>"
#define DEEP_60 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10

/* A lawful message, up to two edits of it, and what is said: "" is good, "drop" is dropped. */
struct row {
    const char *base;
    const char *find, *replace;
    const char *find_too, *replace_too;
    const char *code;
    const char *location;
    const char *reference;
};

#define P8 SAMPLE_PACS_008
#define P2 SAMPLE_PACS_002
#define C60 SAMPLE_CAMT_060
#define A2 SAMPLE_ADMI_002

static const struct row rows[] = {
    /* lawful as they are, and lawful spellings */
    {P8, NULL, NULL, NULL, NULL, "", NULL, NULL},
    {P2, NULL, NULL, NULL, NULL, "", NULL, NULL},
    {C60, NULL, NULL, NULL, NULL, "", NULL, NULL},
    {P8, "<Envelope", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Envelope", NULL, NULL, "", NULL,
     NULL},
    {P8, "M1</MsgId>", "&#77;1</MsgId>", NULL, NULL, "", NULL, NULL},
    {P8, CREDT, "<CreDt> 2026-11-21T19:00:00+01:00\n</CreDt>", NULL, NULL, "", NULL, NULL},
    {P8, CREDT, "<BizSvc>x</BizSvc>" CREDT "<Prty>HIGH</Prty>", NULL, NULL, "", NULL, NULL},
    {P8, "<AppHdr ",
     "<AppHdr xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
     "xsi:schemaLocation=\"a b\" ",
     NULL, NULL, "", NULL, NULL},
    {P8, "<NbOfTxs>2<", "<NbOfTxs>02<", NULL, NULL, "", NULL, NULL},

    /* BADXML: before all, and its reference is never read from the message */
    {P8, "</Envelope>", "", NULL, NULL, "BADXML", NULL, ""},
    {P8, "<Envelope", "<!DOCTYPE x><Envelope", NULL, NULL, "BADXML", "", ""},
    {P8, "<Envelope", "<?xml version=\"1.1\"?><Envelope", NULL, NULL, "BADXML", "", ""},
    {P8, "M1</MsgId>", "<![CDATA[M1]]></MsgId>", NULL, NULL, "BADXML",
     "/Envelope/Document/FIToFICstmrCdtTrf/GrpHdr/MsgId", ""},
    {P8, "<AppHdr", "<!-- --><AppHdr", NULL, NULL, "BADXML", "/Envelope", ""},
    {P8, "<Document", "<x/><Document", "</Envelope>", "</Envelope>text", "BADXML", NULL, ""},
    {P8, "M1</MsgId>", DEEP_60 "M1</MsgId>", NULL, NULL, "BADXML", NULL, ""},

    /* Envelope = AppHdr + Document */
    {P8, "urn:cauce:envelope:1", "urn:cauce:envelope:2", NULL, NULL, "SCHEMA", "/Envelope", "M1"},
    {P8, "<Envelope ", "<Envelope a=\"b\" ", NULL, NULL, "SCHEMA", "/Envelope", "M1"},
    {P8, "</Envelope>", "<x xmlns=\"urn:x\"/></Envelope>", NULL, NULL, "SCHEMA", "/Envelope/x",
     "M1"},
    {P8, "<Document", "text<Document", NULL, NULL, "SCHEMA", "/Envelope", "M1"},
    {P8, "<AppHdr", "<AppHdr xmlns=\"" HEAD "\"/><AppHdr", NULL, NULL, "SCHEMA",
     "/Envelope/AppHdr[2]", "M1"},
    {P8, "</Envelope>", "<x xmlns=\"urn:x\"/></Envelope>", "pacs.008.001.08</MsgDefIdr>",
     "pacs.008.001.09</MsgDefIdr>", "SCHEMA", "/Envelope/x", "M1"},

    /* VERSION, and that it comes before the XSDs */
    {P8, "head.001.001.02", "head.001.001.03", NULL, NULL, "VERSION", "/Envelope/AppHdr", "M1"},
    {P8, "head.001.001.02", "head.001.001.01", FR, "", "VERSION", "/Envelope/AppHdr", "M1"},
    {P8, "pacs.008.001.08</MsgDefIdr>", "pacs.008.001.09</MsgDefIdr>", NULL, NULL, "VERSION",
     "/Envelope/AppHdr/MsgDefIdr", "M1"},
    {P8, "pacs.008.001.08</MsgDefIdr>", "pacs.004.001.10</MsgDefIdr>", NULL, NULL, "VERSION",
     "/Envelope/AppHdr/MsgDefIdr", "M1"},
    {P8, "pacs.008.001.08</MsgDefIdr>", "camt.052.001.08</MsgDefIdr>", NULL, NULL, "VERSION",
     "/Envelope/AppHdr/MsgDefIdr", "M1"},
    {P8, "pacs.008.001.08</MsgDefIdr>", " pacs.008.001.08</MsgDefIdr>", NULL, NULL, "VERSION",
     "/Envelope/AppHdr/MsgDefIdr", "M1"},
    {P8, "pacs.008.001.08</MsgDefIdr>", "pacs.002.001.10</MsgDefIdr>", NULL, NULL, "VERSION",
     "/Envelope/Document", "M1"},
    {P8, "pacs.008.001.08\"", "pacs.008.001.09\"", NULL, NULL, "VERSION", "/Envelope/Document",
     "M1"},
    {P8, "pacs.008.001.08\"", "pacs.008.001.09\"", FR, "", "VERSION", "/Envelope/Document", "M1"},
    {P8, "pacs.008.001.08</MsgDefIdr>", "pacs.008.001.09</MsgDefIdr>", GRP, "<GrpHdr>", "VERSION",
     "/Envelope/AppHdr/MsgDefIdr", "M1"},

    /* dropped, before anything that would be answered */
    {A2, NULL, NULL, NULL, NULL, "drop", NULL, NULL},
    {A2, "10000001", "10000009", NULL, NULL, "drop", NULL, NULL},
    {A2, "<RltdRef>", "<x>", "</RltdRef>", "</x>", "drop", NULL, NULL},
    {A2, "admi.002.001.01</MsgDefIdr>", "admi.011.001.01</MsgDefIdr>", NULL, NULL, "drop", NULL,
     NULL},

    /* SCHEMA: AppHdr, Document, and that they come before SENDER and HEADER */
    {P8, "<MsgDefIdr>pacs.008.001.08</MsgDefIdr>", "", NULL, NULL, "SCHEMA", "/Envelope/AppHdr",
     "M1"},
    {P8, FR, "", NULL, NULL, "SCHEMA", "/Envelope/AppHdr", "M1"},
    {P8, ID, "", NULL, NULL, "SCHEMA", "/Envelope/AppHdr", ""},
    {P8, ID, "<BizMsgIdr></BizMsgIdr>", NULL, NULL, "SCHEMA", "/Envelope/AppHdr/BizMsgIdr", ""},
    {P8, ID, "<BizMsgIdr>123456789012345678901234567890123456</BizMsgIdr>", NULL, NULL, "SCHEMA",
     "/Envelope/AppHdr/BizMsgIdr", ""},
    {P8, CREDT, "<CreDt>yesterday</CreDt>", NULL, NULL, "SCHEMA", "/Envelope/AppHdr/CreDt", "M1"},
    {P8, CREDT, CREDT "<Prty a=\"b\">HIGH</Prty>", NULL, NULL, "SCHEMA", "/Envelope/AppHdr/Prty",
     "M1"},
    {P8, "<MsgId>M1</MsgId>", "<MsgId></MsgId>", NULL, NULL, "SCHEMA",
     "/Envelope/Document/FIToFICstmrCdtTrf/GrpHdr/MsgId", "M1"},
    {P8, "<MsgId>M1</MsgId>", "", FR, "<Fr>" SAMPLE_PARTY("10000009") "</Fr>", "SCHEMA",
     "/Envelope/Document/FIToFICstmrCdtTrf/GrpHdr", "M1"},
    {P8, "SLEV", "SHAR", FR, "<Fr>" SAMPLE_PARTY("10000009") "</Fr>", "SCHEMA",
     "/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[1]/ChrgBr", "M1"},
    {P2, "ACSP", "ACSC", TO, "<To>" SAMPLE_PARTY("10000009") "</To>", "SCHEMA",
     "/Envelope/Document/FIToFIPmtStsRpt/TxInfAndSts[1]/TxSts", "M1"},

    /* SENDER, and that it comes before HEADER */
    {P8, FR, "<Fr>" SAMPLE_PARTY("10000009") "</Fr>", NULL, NULL, "SENDER", "/Envelope/AppHdr/Fr",
     "M1"},
    {P8, FR, "<Fr>" SAMPLE_PARTY(" 10000001") "</Fr>", NULL, NULL, "SENDER", "/Envelope/AppHdr/Fr",
     "M1"},
    {P8, FR, "<Fr><OrgId><Nm>10000001</Nm></OrgId></Fr>", NULL, NULL, "SENDER",
     "/Envelope/AppHdr/Fr", "M1"},
    {P8, FR, "<Fr>" SAMPLE_PARTY("10000009") "</Fr>", TO, "<To>" SAMPLE_PARTY("10000009") "</To>",
     "SENDER", "/Envelope/AppHdr/Fr", "M1"},
    {C60, "<Othr><Id>10000001", "<Othr><Id>10000002", NULL, NULL, "SENDER",
     "/Envelope/Document/AcctRptgReq/RptgReq/Acct/Id/Othr/Id", "M1"},
    {C60, "<Othr><Id>10000001", "<Othr><Id>10000002", ID, "<BizMsgIdr>M2</BizMsgIdr>", "SENDER",
     "/Envelope/Document/AcctRptgReq/RptgReq/Acct/Id/Othr/Id", "M2"},
    {C60, "<Agt>" SAMPLE_AGENT("10000001"), "<Agt>" SAMPLE_AGENT("10000002"), NULL, NULL, "SENDER",
     "/Envelope/Document/AcctRptgReq/RptgReq/AcctOwnr/Agt/FinInstnId/ClrSysMmbId/MmbId", "M1"},

    /* HEADER */
    {P8, TO, "<To>" SAMPLE_PARTY("10000002") "</To>", NULL, NULL, "HEADER", "/Envelope/AppHdr/To",
     "M1"},
    {P8, ID, "<BizMsgIdr>M2</BizMsgIdr>", NULL, NULL, "HEADER", "/Envelope/AppHdr/BizMsgIdr", "M2"},
    {P2, ID, "<BizMsgIdr>M2</BizMsgIdr>", NULL, NULL, "HEADER", "/Envelope/AppHdr/BizMsgIdr", "M2"},
    {C60, ID, "<BizMsgIdr>M2</BizMsgIdr>", NULL, NULL, "HEADER", "/Envelope/AppHdr/BizMsgIdr",
     "M2"},
    {P8, CREDT, "<CreDt>2026-11-21T18:00:00</CreDt>", NULL, NULL, "HEADER",
     "/Envelope/AppHdr/CreDt", "M1"},
    {P8, CREDT, "<CreDt>2026-11-21T18:00:00.1234567890Z</CreDt>", NULL, NULL, "HEADER",
     "/Envelope/AppHdr/CreDt", "M1"},
    {P8, CREDT, "<CreDt>2026-11-21T18:00:00.123456789Z</CreDt>", NULL, NULL, "", NULL, NULL},
    {P8, CREDT, "<CreDt>1969-11-21T18:00:00Z</CreDt>", NULL, NULL, "HEADER",
     "/Envelope/AppHdr/CreDt", "M1"},
    {P8, CREDT, "<CreDt>2200-01-01T00:00:00Z</CreDt>", NULL, NULL, "HEADER",
     "/Envelope/AppHdr/CreDt", "M1"},
    {P8, CREDT, "<CreDt>2026-11-20T18:00:00.123Z</CreDt>", NULL, NULL, "", NULL, NULL},
    {P8, CREDT, "<CreDt>2026-11-20T18:00:00.122Z</CreDt>", NULL, NULL, "HEADER",
     "/Envelope/AppHdr/CreDt", "M1"},
    {P8, CREDT, "<CreDt>2026-11-21T18:01:00.123Z</CreDt>", NULL, NULL, "", NULL, NULL},
    {P8, CREDT, "<CreDt>2026-11-21T18:01:00.123000001Z</CreDt>", NULL, NULL, "HEADER",
     "/Envelope/AppHdr/CreDt", "M1"},
    {P8, CREDT, "<CreDt>2026-11-20T24:00:00-10:00</CreDt>", NULL, NULL, "", NULL, NULL},
    {P8, CREDT, CREDT "<Rltd>" FR TO ID "<MsgDefIdr>pacs.008.001.08</MsgDefIdr>" CREDT "</Rltd>",
     NULL, NULL, "HEADER", "/Envelope/AppHdr/Rltd", "M1"},
    {P8, CREDT, "<CreDt>2026-11-21T18:00:00</CreDt>", ID, "<BizMsgIdr>M2</BizMsgIdr>", "HEADER",
     "/Envelope/AppHdr/BizMsgIdr", "M2"},
};

static const struct message_rules switch_rules = {
    .side = MESSAGE_BY_SWITCH,
    .sender = {"10000001", 8},
    .receiver = {"00038166", 8},
    .age_checked = true,
    .now_ns = SAMPLE_NOW_NS,
    .age_max_ns = 24 * 3600 * TIME_NS_PER_SECOND,
    .ahead_max_ns = 60 * TIME_NS_PER_SECOND,
};

static struct message_reader *reader;
static char text[SAMPLE_BYTES];

static void open_reader(void)
{
    ck_assert_int_eq(message_open(&reader), FAULT_NONE);
}

static void close_reader(void)
{
    message_close(reader);
}

START_TEST(each_row)
{
    const struct row *row = &rows[_i];
    struct message message;
    struct refusal refusal;
    char said[8] = "";

    strcpy(text, row->base);
    if (row->find != NULL) sample_edit(text, row->find, row->replace);
    if (row->find_too != NULL) sample_edit(text, row->find_too, row->replace_too);
    enum message_verdict const verdict =
        message_read(reader, span_text(text), &switch_rules, &message, &refusal);
    if (verdict == MESSAGE_DROPPED) strcpy(said, "drop");
    if (verdict != MESSAGE_REFUSED) {
        ck_assert_str_eq(said, row->code);
        return;
    }
    struct span const code = refusal_text(refusal.code);
    struct span const location = refusal_location(&refusal);
    struct span const words = refusal_words(&refusal);
    struct span const reference = refusal_reference(&refusal);
    ck_assert_msg(span_equal(code, span_text(row->code)), "row %d: %.*s %.*s: %.*s, expected %s",
                  _i, (int)code.size, code.bytes, (int)location.size, location.bytes,
                  (int)words.size, words.bytes, row->code);
    if (row->location != NULL) {
        ck_assert_msg(span_equal(location, span_text(row->location)),
                      "row %d: at %.*s, expected %s", _i, (int)location.size, location.bytes,
                      row->location);
    }
    ck_assert_msg(span_equal(reference, span_text(row->reference)), "row %d: reference %.*s", _i,
                  (int)reference.size, reference.bytes);
    ck_assert(words.size > 0 && words.size <= 350);
}
END_TEST

/* 35 characters of up to 4 bytes are a reference, 36 are not. */
START_TEST(reference_is_counted_in_characters)
{
    struct message message;
    struct refusal refusal;
    char id[512] = "<BizMsgIdr>";
    for (int i = 0; i < 35; i++)
        strcat(id, "\xf0\x9f\x92\xb6");
    strcat(id, "</BizMsgIdr>");
    strcpy(text, SAMPLE_PACS_008);
    sample_edit(text, ID, id);
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_REFUSED);
    ck_assert_int_eq(refusal.code, REFUSAL_HEADER);
    ck_assert_uint_eq(refusal_reference(&refusal).size, 140);

    sample_edit(text, "</BizMsgIdr>", "\xf0\x9f\x92\xb6</BizMsgIdr>");
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_REFUSED);
    ck_assert_int_eq(refusal.code, REFUSAL_SCHEMA);
    ck_assert_uint_eq(refusal_reference(&refusal).size, 0);
}
END_TEST

/* The first BizMsgIdr counts, also of a message whose Envelope is not one. */
START_TEST(first_business_id)
{
    static const char *const texts[][2] = {
        {"<Envelope><AppHdr><BizMsgIdr>A</BizMsgIdr><BizMsgIdr>B</BizMsgIdr></AppHdr></Envelope>",
         "A"},
        {"<Envelope><AppHdr/><AppHdr><BizMsgIdr>B</BizMsgIdr></AppHdr></Envelope>", "B"},
        {"<e:Envelope xmlns:e='u'><h:AppHdr xmlns:h='v'><h:BizMsgIdr>C</h:BizMsgIdr>"
         "</h:AppHdr></e:Envelope>",
         "C"},
        {"<Envelope><AppHdr><BizMsgIdr>A<b/></BizMsgIdr></AppHdr></Envelope>", ""},
        {"<Envelope><Document><BizMsgIdr>A</BizMsgIdr></Document></Envelope>", ""},
        {"<Other><AppHdr><BizMsgIdr>A</BizMsgIdr></AppHdr></Other>", ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct message message;
        struct refusal refusal;
        ck_assert_int_eq(
            message_read(reader, span_text(texts[i][0]), &switch_rules, &message, &refusal),
            MESSAGE_REFUSED);
        ck_assert_int_eq(refusal.code, REFUSAL_SCHEMA);
        ck_assert_msg(span_equal(refusal_reference(&refusal), span_text(texts[i][1])), "%s",
                      texts[i][0]);
    }
}
END_TEST

/* Envelope = AppHdr + Document, in whole texts: whatever is posted is expected to be an Envelope. */
#define OPEN "<Envelope xmlns=\"urn:cauce:envelope:1\">"
#define DOCUMENT "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\"/>"

START_TEST(shapes)
{
    static const char *const texts[][2] = {
        {OPEN "</Envelope>", "/Envelope"},
        {OPEN SAMPLE_HEADER("pacs.008.001.08") "</Envelope>", "/Envelope"},
        {OPEN DOCUMENT "</Envelope>", "/Envelope"},
        {OPEN DOCUMENT SAMPLE_HEADER("pacs.008.001.08") "</Envelope>", "/Envelope/Document"},
        {OPEN SAMPLE_HEADER("pacs.008.001.08") DOCUMENT DOCUMENT "</Envelope>",
         "/Envelope/Document[2]"},
        {OPEN OPEN "</Envelope></Envelope>", "/Envelope/Envelope"},
        {SAMPLE_HEADER("pacs.008.001.08"), "/AppHdr"},
        {DOCUMENT, "/Document"},
        {"<Other/>", "/Other"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct message message;
        struct refusal refusal;
        ck_assert_int_eq(
            message_read(reader, span_text(texts[i][0]), &switch_rules, &message, &refusal),
            MESSAGE_REFUSED);
        ck_assert_int_eq(refusal.code, REFUSAL_SCHEMA);
        struct span const location = refusal_location(&refusal);
        ck_assert_msg(span_equal(location, span_text(texts[i][1])), "%s: %.*s", texts[i][0],
                      (int)location.size, location.bytes);
    }
}
END_TEST

/* White space alone, and an empty part (WIRE sections 1 and 2). */
START_TEST(nothing_is_badxml)
{
    static const char *const texts[] = {"", " \r\n\t "};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct message message;
        struct refusal refusal;
        ck_assert_int_eq(
            message_read(reader, span_text(texts[i]), &switch_rules, &message, &refusal),
            MESSAGE_REFUSED);
        ck_assert_int_eq(refusal.code, REFUSAL_BADXML);
        ck_assert_uint_eq(refusal.location_size, 0);
    }
}
END_TEST

/* What message_read gives besides the content. */
START_TEST(header_is_given)
{
    struct message message;
    struct refusal refusal;
    strcpy(text, SAMPLE_PACS_008);
    ck_assert_int_eq(message_read(reader, span_text(text), &switch_rules, &message, &refusal),
                     MESSAGE_GOOD);
    ck_assert_int_eq(message.kind, CATALOGUE_PACS_008);
    ck_assert(span_equal(message.header.header.sender, SPAN("10000001")));
    ck_assert(span_equal(message.header.header.receiver, SPAN("00038166")));
    ck_assert(span_equal(message.header.header.business_id, SPAN("M1")));
    ck_assert_int_eq(message.header.header.created_ns, SAMPLE_NOW_NS);
    ck_assert_uint_eq(message.bytes.size, strlen(text));
}
END_TEST

/* `cauce message check`: bare parts and which rows do not look at them. */
struct part_row {
    const char *text;
    const char *said;
};

#define BARE(identifier, content)                                                                  \
    "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:" identifier "\">" content "</Document>"
#define BARE_RESULT                                                                                \
    BARE("admi.002.001.01", "<admi.002.001.01><RltdRef><Ref>X</Ref></RltdRef><Rsn>"                \
                            "<RjctgPtyRsn>SCHEMA</RjctgPtyRsn></Rsn></admi.002.001.01>")

static const struct part_row part_rows[] = {
    {SAMPLE_PACS_008, "ok pacs.008.001.08"},
    {SAMPLE_PACS_002, "ok pacs.002.001.10"},
    {SAMPLE_HEADER("pacs.008.001.08"), "ok head.001.001.02"},
    {SAMPLE_HEADER("camt.053.001.08"), "ok head.001.001.02"},
    {BARE_RESULT, "ok admi.002.001.01"},
    {BARE("admi.011.001.01", "<SysEvtAck><MsgId>A</MsgId></SysEvtAck>"), "ok admi.011.001.01"},
    {BARE("admi.011.001.01", "<SysEvtAck/>"), "SCHEMA /Document/SysEvtAck"},
    {BARE("pacs.002.001.10", "<FIToFIPmtStsRpt><GrpHdr><MsgId>A</MsgId>"
                             "<CreDtTm>2026-11-21T18:00:00</CreDtTm></GrpHdr></FIToFIPmtStsRpt>"),
     "SCHEMA /Document/FIToFIPmtStsRpt"},
    {BARE("pacs.008.001.09", "<x/>"), "VERSION /Document"},
    {"<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.03\"/>", "VERSION /AppHdr"},
    {"<AppHdr xmlns=\"" HEAD "\"/>", "SCHEMA /AppHdr"},
    {"<Other/>", "SCHEMA /Other"},
    {"<Other>", "BADXML /Other"},
};

START_TEST(each_part)
{
    static const struct message_rules rules = {.side = MESSAGE_BY_SWITCH};
    struct message message;
    struct refusal refusal;
    enum message_part part;
    struct span identifier;
    char said[512];

    struct span const bytes = span_text(part_rows[_i].text);
    enum message_verdict const verdict =
        message_check(reader, bytes, &rules, &part, &identifier, &message, &refusal);
    ck_assert_int_ne(verdict, MESSAGE_DROPPED);
    if (verdict == MESSAGE_GOOD) {
        snprintf(said, sizeof said, "ok %.*s", (int)identifier.size, identifier.bytes);
    } else {
        struct span const code = refusal_text(refusal.code);
        struct span const location = refusal_location(&refusal);
        snprintf(said, sizeof said, "%.*s %.*s", (int)code.size, code.bytes, (int)location.size,
                 location.bytes);
    }
    ck_assert_str_eq(said, part_rows[_i].said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iso_message");
    TCase *table = tcase_create("table");
    tcase_add_checked_fixture(table, open_reader, close_reader);
    tcase_add_loop_test(table, each_row, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_loop_test(table, each_part, 0, (int)(sizeof part_rows / sizeof *part_rows));
    tcase_add_test(table, reference_is_counted_in_characters);
    tcase_add_test(table, first_business_id);
    tcase_add_test(table, shapes);
    tcase_add_test(table, nothing_is_badxml);
    tcase_add_test(table, header_is_given);
    suite_add_tcase(suite, table);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
