/* walk: one valid message, and per line one edit of it with what the walker must say. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/iso/schema/ids.h"
#include "proto/iso/schema/walk.h"

#define HEADER                                                                                     \
    "<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\">"                            \
    "<Fr><FIId><FinInstnId><ClrSysMmbId><MmbId>10000001</MmbId></ClrSysMmbId></FinInstnId>"        \
    "</FIId></Fr><To><FIId><FinInstnId><ClrSysMmbId><MmbId>00038166</MmbId></ClrSysMmbId>"         \
    "</FinInstnId></FIId></To><BizMsgIdr>M1</BizMsgIdr><MsgDefIdr>pacs.008.001.08</MsgDefIdr>"     \
    "<CreDt>2026-11-21T18:00:00.123Z</CreDt><Sgntr><s:Signature "                                  \
    "xmlns:s=\"http://www.w3.org/2000/09/xmldsig#\"/></Sgntr></AppHdr>"

#define DOCUMENT                                                                                   \
    "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\"><FIToFICstmrCdtTrf>"       \
    "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-21T18:00:00.123Z</CreDtTm><NbOfTxs>1</NbOfTxs>"     \
    "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>"                                      \
    "<CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId></PmtId>"                                      \
    "<IntrBkSttlmAmt Ccy=\"MXN\">12.34</IntrBkSttlmAmt><ChrgBr>SLEV</ChrgBr>"                      \
    "<Dbtr><Nm>Ana</Nm><PstlAdr><Ctry>MX</Ctry><AdrLine>1</AdrLine></PstlAdr></Dbtr>"              \
    "<DbtrAgt><FinInstnId><ClrSysMmbId><MmbId>10000001</MmbId></ClrSysMmbId></FinInstnId>"         \
    "</DbtrAgt><CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>10000002</MmbId></ClrSysMmbId>"            \
    "</FinInstnId></CdtrAgt><Cdtr><Nm>Luis</Nm></Cdtr>"                                            \
    "<SplmtryData><Envlp><x:x xmlns:x=\"urn:x\" y=\"1\">t<x:z/></x:x></Envlp></SplmtryData>"       \
    "</CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"

#define MESSAGE "<Envelope xmlns=\"urn:cauce:envelope:1\">" HEADER DOCUMENT "</Envelope>"

enum part { GOOD, SHAPE, HEAD, DOC };

#define TRANSFER "/Envelope/Document/FIToFICstmrCdtTrf"

/* The first place of `from` becomes `to`; then the part that is wrong, its error, path and name. */
static const struct {
    const char *from;
    const char *to;
    enum part part;
    enum walk_error_kind kind;
    const char *path;
    const char *name;
} edits[] = {
    {"", "", GOOD, WALK_ERROR_NONE, "", ""},
    /* The shape of Envelope. */
    {"</AppHdr><Document", "</AppHdr> \n<Document", GOOD, WALK_ERROR_NONE, "", ""},
    {"</AppHdr><Document", "</AppHdr>x<Document", SHAPE, WALK_ERROR_TEXT, "/Envelope", "Envelope"},
    {"envelope:1\"", "envelope:1\" a=\"\"", SHAPE, WALK_ERROR_ATTRIBUTE, "/Envelope", "a"},
    {"envelope:1", "envelope:2", SHAPE, WALK_ERROR_ROOT, "/Envelope", "Envelope"},
    {"</Document>", "</Document><Document/>", SHAPE, WALK_ERROR_UNEXPECTED, "/Envelope/Document[2]",
     "Document"},
    {"</Document>", "</Document><X/>", SHAPE, WALK_ERROR_UNEXPECTED, "/Envelope/X", "X"},
    {HEADER, "", SHAPE, WALK_ERROR_MISSING, "/Envelope", "AppHdr"},
    {DOCUMENT, "", SHAPE, WALK_ERROR_MISSING, "/Envelope", "Document"},
    {HEADER DOCUMENT, "", SHAPE, WALK_ERROR_MISSING, "/Envelope", "AppHdr"},
    {HEADER DOCUMENT, DOCUMENT HEADER, SHAPE, WALK_ERROR_UNEXPECTED, "/Envelope/Document",
     "Document"},
    {HEADER, HEADER HEADER, SHAPE, WALK_ERROR_UNEXPECTED, "/Envelope/AppHdr[2]", "AppHdr"},
    /* AppHdr. */
    {"<BizMsgIdr>M1</BizMsgIdr>", "", HEAD, WALK_ERROR_MISSING, "/Envelope/AppHdr", "BizMsgIdr"},
    {"<BizMsgIdr>M1</BizMsgIdr>", "<BizMsgIdr/>", HEAD, WALK_ERROR_LENGTH,
     "/Envelope/AppHdr/BizMsgIdr", "BizMsgIdr"},
    {"123Z</CreDt>", "123</CreDt>", GOOD, WALK_ERROR_NONE, "",
     ""}, /* no zone: HEADER, by proto/iso */
    {"2026-11-21T18", "2026-11-31T18", HEAD, WALK_ERROR_FORM, "/Envelope/AppHdr/CreDt", "CreDt"},
    {"<Fr>", "<Fr a='1'>", HEAD, WALK_ERROR_ATTRIBUTE, "/Envelope/AppHdr/Fr", "a"},
    {"<s:Signature", "t<s:Signature", GOOD, WALK_ERROR_NONE, "", ""},
    {"<s:Signature xmlns:s=\"http://www.w3.org/2000/09/xmldsig#\"/>", "", GOOD, WALK_ERROR_NONE, "",
     ""},
    {"</BizMsgIdr>", "</BizMsgIdr><Other/>", HEAD, WALK_ERROR_UNEXPECTED, "/Envelope/AppHdr/Other",
     "Other"},
    {"<Fr>", "<Fr>x", HEAD, WALK_ERROR_TEXT, "/Envelope/AppHdr/Fr", "Fr"},
    /* Document. */
    {"<MsgId>M1</MsgId>", "", DOC, WALK_ERROR_MISSING, TRANSFER "/GrpHdr", "MsgId"},
    {"<MsgId>M1</MsgId>", "<MsgId>M1</MsgId><MsgId>M1</MsgId>", DOC, WALK_ERROR_UNEXPECTED,
     TRANSFER "/GrpHdr/MsgId[2]", "MsgId"},
    {"<MsgId>M1</MsgId><CreDtTm>2026-11-21T18:00:00.123Z</CreDtTm>",
     "<CreDtTm>2026-11-21T18:00:00.123Z</CreDtTm><MsgId>M1</MsgId>", DOC, WALK_ERROR_UNEXPECTED,
     TRANSFER "/GrpHdr/CreDtTm", "CreDtTm"},
    {"<MsgId>M1</MsgId>", "<MsgID>M1</MsgID>", DOC, WALK_ERROR_UNEXPECTED, TRANSFER "/GrpHdr/MsgID",
     "MsgID"},
    {"<MsgId>M1</MsgId>", "<MsgId xmlns=\"\">M1</MsgId>", DOC, WALK_ERROR_NAMESPACE,
     TRANSFER "/GrpHdr/MsgId", "MsgId"},
    {"<MsgId>M1</MsgId>", "<MsgId>M1<b/></MsgId>", DOC, WALK_ERROR_NOT_EMPTY,
     TRANSFER "/GrpHdr/MsgId/b", "b"},
    {"<MsgId>M1", "<MsgId>123456789-123456789-123456789-\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1",
     GOOD, WALK_ERROR_NONE, "", ""},
    {"<MsgId>M1", "<MsgId>123456789-123456789-123456789-123456", DOC, WALK_ERROR_LENGTH,
     TRANSFER "/GrpHdr/MsgId", "MsgId"},
    {"<NbOfTxs>1", "<NbOfTxs> 1", DOC, WALK_ERROR_PATTERN, TRANSFER "/GrpHdr/NbOfTxs", "NbOfTxs"},
    {"<NbOfTxs>1", "<NbOfTxs>1&#10;", DOC, WALK_ERROR_PATTERN, TRANSFER "/GrpHdr/NbOfTxs",
     "NbOfTxs"},
    /* White space around a date is collapsed (XML Schema 1.0, part 2, 4.3.6); libxml2 minds it. */
    {"<CreDtTm>2026-11-21T18:00:00.123Z", "<CreDtTm>\n 2026-11-21T18:00:00.123Z ", GOOD,
     WALK_ERROR_NONE, "", ""},
    {"<CreDtTm>2026-11-21T18:00:00.123Z", "<CreDtTm>2026-11-21 T18:00:00.123Z", DOC,
     WALK_ERROR_FORM, TRANSFER "/GrpHdr/CreDtTm", "CreDtTm"},
    {"CLRG", "CLRX", DOC, WALK_ERROR_VALUE, TRANSFER "/GrpHdr/SttlmInf/SttlmMtd", "SttlmMtd"},
    {"<CdtTrfTxInf>", "<CdtTrfTxInf> \r\n\t&#13;", GOOD, WALK_ERROR_NONE, "", ""},
    {"<CdtTrfTxInf>", "<CdtTrfTxInf>.", DOC, WALK_ERROR_TEXT, TRANSFER "/CdtTrfTxInf",
     "CdtTrfTxInf"},
    {" Ccy=\"MXN\"", "", DOC, WALK_ERROR_ATTRIBUTE_MISSING, TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt",
     "Ccy"},
    {"Ccy=\"MXN\"", "Ccy=\"mxn\"", DOC, WALK_ERROR_PATTERN, TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt",
     "Ccy"},
    {"Ccy=\"MXN\"", "Ccy=\"MXN\" x=\"\"", DOC, WALK_ERROR_ATTRIBUTE,
     TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt", "x"},
    {"Ccy=\"MXN\"", "x:Ccy=\"MXN\" xmlns:x=\"urn:x\"", DOC, WALK_ERROR_ATTRIBUTE,
     TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt", "x:Ccy"},
    {"12.34", " +0012.3400000\n", GOOD, WALK_ERROR_NONE, "", ""},
    {"12.34", "12.345678", DOC, WALK_ERROR_DIGITS, TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt",
     "IntrBkSttlmAmt"},
    {"12.34", "1234567890123456789", DOC, WALK_ERROR_DIGITS, TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt",
     "IntrBkSttlmAmt"},
    {"12.34", "123456789012345678", GOOD, WALK_ERROR_NONE, "", ""},
    {"12.34", "-0.00", GOOD, WALK_ERROR_NONE, "", ""},
    {"12.34", "-0.01", DOC, WALK_ERROR_RANGE, TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt",
     "IntrBkSttlmAmt"},
    {"12.34", "1e2", DOC, WALK_ERROR_FORM, TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt",
     "IntrBkSttlmAmt"},
    {"12.34", "", DOC, WALK_ERROR_FORM, TRANSFER "/CdtTrfTxInf/IntrBkSttlmAmt", "IntrBkSttlmAmt"},
    {"<FinInstnId><ClrSysMmbId><MmbId>10000002", "<FinInstnId><X/><ClrSysMmbId><MmbId>10000002",
     DOC, WALK_ERROR_UNEXPECTED, TRANSFER "/CdtTrfTxInf/CdtrAgt/FinInstnId/X", "X"},
    {"<Cdtr><Nm>Luis</Nm></Cdtr>", "<Cdtr/>", GOOD, WALK_ERROR_NONE, "", ""},
    {"<Cdtr><Nm>Luis</Nm></Cdtr>", "", DOC, WALK_ERROR_MISSING, TRANSFER "/CdtTrfTxInf", "Cdtr"},
    {"<Nm>Luis</Nm>", "<Id><PrvtId/></Id><Nm>Luis</Nm>", DOC, WALK_ERROR_UNEXPECTED,
     TRANSFER "/CdtTrfTxInf/Cdtr/Nm", "Nm"},
    {"<Nm>Luis</Nm>", "<Id/>", DOC, WALK_ERROR_CHOICE, TRANSFER "/CdtTrfTxInf/Cdtr/Id", "Id"},
    {"<Nm>Luis</Nm>", "<Id><OrgId/><PrvtId/></Id>", DOC, WALK_ERROR_UNEXPECTED,
     TRANSFER "/CdtTrfTxInf/Cdtr/Id/PrvtId", "PrvtId"},
    {"<Nm>Luis</Nm>", "<Id><OrgId/><OrgId/></Id>", DOC, WALK_ERROR_UNEXPECTED,
     TRANSFER "/CdtTrfTxInf/Cdtr/Id/OrgId[2]", "OrgId"},
    {"<AdrLine>1</AdrLine>",
     "<AdrLine>1</AdrLine><AdrLine>2</AdrLine><AdrLine>3</AdrLine><AdrLine>4</AdrLine>"
     "<AdrLine>5</AdrLine><AdrLine>6</AdrLine><AdrLine>7</AdrLine>",
     GOOD, WALK_ERROR_NONE, "", ""},
    {"<AdrLine>1</AdrLine>",
     "<AdrLine>1</AdrLine><AdrLine>2</AdrLine><AdrLine>3</AdrLine><AdrLine>4</AdrLine>"
     "<AdrLine>5</AdrLine><AdrLine>6</AdrLine><AdrLine>7</AdrLine><AdrLine>8</AdrLine>",
     DOC, WALK_ERROR_UNEXPECTED, TRANSFER "/CdtTrfTxInf/Dbtr/PstlAdr/AdrLine[8]", "AdrLine"},
    /* Wildcards. */
    {"<x:z/>", "<x:z/> t <y z='1'/>", GOOD, WALK_ERROR_NONE, "", ""},
    {"</Envlp>", "<b/></Envlp>", DOC, WALK_ERROR_UNEXPECTED,
     TRANSFER "/CdtTrfTxInf/SplmtryData/Envlp/b", "b"},
    {"<x:x xmlns:x=\"urn:x\" y=\"1\">t<x:z/></x:x>", "", DOC, WALK_ERROR_CHOICE,
     TRANSFER "/CdtTrfTxInf/SplmtryData/Envlp", "Envlp"},
    {"<x:x xmlns:x=\"urn:x\" y=\"1\">t<x:z/></x:x>", "<a/>t", DOC, WALK_ERROR_TEXT,
     TRANSFER "/CdtTrfTxInf/SplmtryData/Envlp", "Envlp"},
    {"<x:z/>", "<Document/>", DOC, WALK_ERROR_MISSING,
     TRANSFER "/CdtTrfTxInf/SplmtryData/Envlp/x/Document", "FIToFICstmrCdtTrf"},
    {"<x:x xmlns:x=\"urn:x\" y=\"1\">t<x:z/></x:x>", "<Document/>", DOC, WALK_ERROR_MISSING,
     TRANSFER "/CdtTrfTxInf/SplmtryData/Envlp/Document", "FIToFICstmrCdtTrf"},
    {"<x:z/>", "<x:Document/>", GOOD, WALK_ERROR_NONE, "", ""},
    /* WIRE section 2 on attributes of xsi. */
    {"<Document xmlns=",
     "<Document xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:schemaLocation=\"a b\" "
     "xmlns=",
     GOOD, WALK_ERROR_NONE, "", ""},
    {"<AppHdr xmlns=",
     "<AppHdr xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:schemaLocation=\"a b\" "
     "xmlns=",
     GOOD, WALK_ERROR_NONE, "", ""},
    {"<Document xmlns=",
     "<Document xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"false\" xmlns=", DOC,
     WALK_ERROR_ATTRIBUTE, "/Envelope/Document", "i:nil"},
    {"<Document xmlns=", "<Document xmlns:i=\"urn:i\" i:schemaLocation=\"a b\" xmlns=", DOC,
     WALK_ERROR_ATTRIBUTE, "/Envelope/Document", "i:schemaLocation"},
    {"<GrpHdr>",
     "<GrpHdr xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:schemaLocation=\"a b\">", DOC,
     WALK_ERROR_ATTRIBUTE, TRANSFER "/GrpHdr", "i:schemaLocation"},
    {"<x:z/>", "<x:z xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"q\"/>", DOC,
     WALK_ERROR_ATTRIBUTE, TRANSFER "/CdtTrfTxInf/SplmtryData/Envlp/x/z", "i:type"},
};

static struct xml_document document;
static struct walk walk;

static void setup(void)
{
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
}

static void teardown(void)
{
    document_close(&document);
}

static enum fault read_text(const char *message)
{
    struct reader_error error;
    return walk_read(&walk, &document, span_text(message), &error);
}

START_TEST(judges)
{
    static const char message[] = MESSAGE;
    static char edited[16384];
    const char *at = strstr(message, edits[_i].from);
    ck_assert_ptr_nonnull(at);
    snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - message), message, edits[_i].to,
             at + strlen(edits[_i].from));
    ck_assert_int_eq(read_text(edited), FAULT_NONE);

    const struct walk_error *errors[] = {NULL, &walk.shape_error, &walk.header_error,
                                         &walk.document_error};
    for (enum part part = SHAPE; part <= DOC; part++) {
        char words[LIMIT_LOCATION_BYTES + 1];
        char path[XML_PATH_BYTES];
        walk_words(errors[part], words);
        document_path(&document, errors[part]->node, path);
        enum walk_error_kind expected = part == edits[_i].part ? edits[_i].kind : WALK_ERROR_NONE;
        ck_assert_msg(errors[part]->kind == expected, "%s -> %s: %s %s", edits[_i].from,
                      edits[_i].to, path, words);
        if (part != edits[_i].part) continue;
        ck_assert_str_eq(path, edits[_i].path);
        ck_assert(span_equal(errors[part]->name, span_text(edits[_i].name)));
    }
}
END_TEST

START_TEST(finds_parts)
{
    ck_assert_int_eq(read_text(MESSAGE), FAULT_NONE);
    ck_assert_int_eq(walk.root, WALK_ROOT_ENVELOPE);
    ck_assert(walk.header_known);
    ck_assert(span_equal(walk.message->identifier, SPAN("pacs.008.001.08")));
    ck_assert(span_equal(document_local(&document, walk.header), SPAN("AppHdr")));

    uint16_t transfer =
        document_child_id(&document, walk.document, ID_pacs_008_Document_FIToFICstmrCdtTrf);
    uint16_t group =
        document_child_id(&document, transfer, ID_FIToFICustomerCreditTransferV08_GrpHdr);
    ck_assert(span_equal(document_leaf(&document, group, ID_GroupHeader93_MsgId), SPAN("M1")));
    ck_assert_uint_eq(document_leaf(&document, group, ID_GroupHeader93_CtrlSum).size, 0);

    ck_assert_int_eq(read_text(HEADER), FAULT_NONE);
    ck_assert_int_eq(walk.root, WALK_ROOT_HEADER);
    ck_assert_int_eq(walk.header_error.kind, WALK_ERROR_NONE);
    ck_assert_uint_eq(walk.document, XML_NONE);

    ck_assert_int_eq(read_text(DOCUMENT), FAULT_NONE);
    ck_assert_int_eq(walk.root, WALK_ROOT_DOCUMENT);
    ck_assert_int_eq(walk.document_error.kind, WALK_ERROR_NONE);
    ck_assert_uint_eq(walk.header, XML_NONE);

    ck_assert_int_eq(read_text("<Other/>"), FAULT_NONE);
    ck_assert_int_eq(walk.root, WALK_ROOT_OTHER);
    ck_assert_int_eq(walk.shape_error.kind, WALK_ERROR_ROOT);

    ck_assert_int_eq(
        read_text("<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pacs.008.001.07'/>"),
        FAULT_NONE);
    ck_assert_ptr_null(walk.message);
    ck_assert_int_eq(walk.document_error.kind, WALK_ERROR_NONE);
    ck_assert_int_eq(
        read_text("<Document xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.02'/>"),
        FAULT_NONE);
    ck_assert_ptr_null(walk.message);
    ck_assert_int_eq(read_text("<AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.03'/>"),
                     FAULT_NONE);
    ck_assert(!walk.header_known);
}
END_TEST

/* pacs.004's MndtRltdInf is a choice of elements that may all be absent. */
START_TEST(takes_an_empty_choice)
{
    ck_assert_int_eq(
        read_text(
            "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pacs.004.001.10'><PmtRtr><GrpHdr>"
            "<MsgId>x</MsgId><CreDtTm>2026-11-21T12:00:00Z</CreDtTm><NbOfTxs>0</NbOfTxs>"
            "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr><TxInf>"
            "<RtrdIntrBkSttlmAmt Ccy='MXN'>1</RtrdIntrBkSttlmAmt><OrgnlTxRef><MndtRltdInf/>"
            "</OrgnlTxRef></TxInf></PmtRtr></Document>"),
        FAULT_NONE);
    ck_assert_int_eq(walk.document_error.kind, WALK_ERROR_NONE);
}
END_TEST

/* Both parts wrong: each keeps its own first error, and BADXML is found behind them. */
START_TEST(keeps_first_errors)
{
    ck_assert_int_eq(
        read_text("<Envelope xmlns='urn:cauce:envelope:1'>"
                  "<AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.02'><Bad/>"
                  "<Worse/></AppHdr>"
                  "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10'>"
                  "<Ugly/></Document><More/></Envelope>"),
        FAULT_NONE);
    char path[XML_PATH_BYTES];
    document_path(&document, walk.header_error.node, path);
    ck_assert_str_eq(path, "/Envelope/AppHdr/Bad");
    document_path(&document, walk.document_error.node, path);
    ck_assert_str_eq(path, "/Envelope/Document/Ugly");
    document_path(&document, walk.shape_error.node, path);
    ck_assert_str_eq(path, "/Envelope/More");
    ck_assert_int_eq(read_text("<Other><a></Other>"), FAULT_INVALID);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("walk");
    TCase *tests = tcase_create("walk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, judges, 0, COUNT(edits));
    tcase_add_test(tests, finds_parts);
    tcase_add_test(tests, takes_an_empty_choice);
    tcase_add_test(tests, keeps_first_errors);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
