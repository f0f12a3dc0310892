/* signature: what is refused and in which words, as a table of changes to a good message; what may
 * be spelled otherwise; and every byte of a signed Envelope changed in turn. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/crypto/base64.h"
#include "proto/signature/signature.h"
#include "proto/xml/document.h"
#include "proto/xml/reader.h"

#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)
#define BEFORE                                                                                     \
    "<Envelope xmlns=\"urn:cauce:envelope:1\">"                                                    \
    "<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\">"                            \
    "<BizMsgIdr>M1</BizMsgIdr><Sgntr>"
#define AFTER                                                                                      \
    "</Sgntr></AppHdr><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\">"         \
    "<Amt Ccy=\"MXN\">12.34</Amt><Nm>Ma\xc3\xb1"                                                   \
    "ana &amp; S\xc3\xa9</Nm></Document></Envelope>"

/* The sender's registered certificates: two RSA, one P-256; and a stranger's of each. */
enum { RSA, RSA_OTHER, P256, REGISTERED_COUNT, STRANGER = REGISTERED_COUNT, KEY_COUNT };
static struct private_key *keys[KEY_COUNT];
static struct certificate *certificates[KEY_COUNT];
static struct signature_signer *signers[KEY_COUNT];
static const struct certificate *registered[REGISTERED_COUNT];
static struct authority *authority;
static struct signature_checker *checker;
static struct xml_document document;

static void open_all(void)
{
    static const enum key_kind kinds[KEY_COUNT] = {KEY_RSA, KEY_RSA, KEY_P256, KEY_P256};
    static const char *const names[KEY_COUNT] = {"first", "second", "third", "stranger"};
    int64_t const now_ns = time_wall_ns();
    ck_assert_int_eq(authority_open(&authority, "test authority", now_ns, now_ns + DAY_NS),
                     FAULT_NONE);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        ck_assert_int_eq(key_generate(&keys[i], kinds[i]), FAULT_NONE);
        ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, names[i], keys[i], now_ns,
                                         now_ns + DAY_NS, &certificates[i]),
                         FAULT_NONE);
        ck_assert_int_eq(signature_signer_open(&signers[i], keys[i], certificates[i]), FAULT_NONE);
        if (i < REGISTERED_COUNT) registered[i] = certificates[i];
    }
    ck_assert_int_eq(signature_open(&checker, 8), FAULT_NONE);
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
}

static void close_all(void)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        signature_signer_close(signers[i]);
        certificate_close(certificates[i]);
        key_close(keys[i]);
    }
    authority_close(authority);
    signature_close(checker);
    document_close(&document);
}

/* The signed Envelope, with a zero behind it. */
static size_t sign(struct signature_signer *signer, struct span before, struct span after,
                   char *message)
{
    size_t const size = signature_size(signer);
    memcpy(message, before.bytes, before.size);
    ck_assert_int_eq(signature_write(signer, before, after, message + before.size), FAULT_NONE);
    memcpy(message + before.size + size, after.bytes, after.size);
    message[before.size + size + after.size] = '\0';
    return before.size + size + after.size;
}

static bool check(struct span message, size_t registered_count, struct signature_verdict *verdict)
{
    struct reader_error error;
    if (reader_parse(&document, message, NULL, &error) != FAULT_NONE) {
        *verdict = (struct signature_verdict){.flaw = SIGNATURE_FLAW_MISSING, .node = XML_NONE};
        return false;
    }
    uint16_t const header = document_child(&document, 0, SPAN("AppHdr"));
    if (header == XML_NONE) {
        *verdict = (struct signature_verdict){.flaw = SIGNATURE_FLAW_MISSING, .node = XML_NONE};
        return false;
    }
    return signature_check(checker, &document, header, registered, registered_count, verdict);
}

/* Replaces the first `from` in `message`, in place; what is not there is the test's own mistake. */
static void replace(char *message, const char *from, const char *to)
{
    char *at = strstr(message, from);
    ck_assert_msg(at != NULL, "%s is not in the message", from);
    size_t const from_size = strlen(from), to_size = strlen(to), rest = strlen(at + from_size);
    memmove(at + to_size, at + from_size, rest + 1);
    memcpy(at, to, to_size);
}

START_TEST(what_is_signed_is_good)
{
    char message[16384];
    struct signature_verdict verdict;
    size_t const size = sign(signers[_i], SPAN(BEFORE), SPAN(AFTER), message);
    bool const good = check(span_of(message, size), REGISTERED_COUNT, &verdict);
    if (_i == STRANGER) {
        ck_assert(!good);
        ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_VALUE); /* names nobody: all are tried */
        ck_assert_uint_eq(verdict.named, 0);
        return;
    }
    ck_assert_msg(good, "%s", signature_words(verdict.flaw));
    ck_assert_uint_eq(verdict.key, (size_t)_i);
    ck_assert_uint_eq(verdict.named, 1);
    ck_assert(!check(span_of(message, size), 0, &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_NO_KEY);
}
END_TEST

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define EXC "http://www.w3.org/2001/10/xml-exc-c14n#"
#define C14N_EMPTY(algorithm)                                                                      \
    "<ds:CanonicalizationMethod Algorithm=\"" algorithm "\"></ds:CanonicalizationMethod>"
#define TRANSFORM(algorithm) "<ds:Transform Algorithm=\"" algorithm "\"></ds:Transform>"
#define ENVELOPED DSIG "enveloped-signature"
#define METHOD(algorithm) "<ds:SignatureMethod Algorithm=\"" algorithm "\">"
#define RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define SHA256 "http://www.w3.org/2001/04/xmlenc#sha256"
#define KEY_INFO_END "</ds:KeyInfo>"
#define X509_START "<ds:X509Data><ds:X509Certificate>"
#define SECOND "<ds:Signature xmlns:ds=\"" DSIG "\"></ds:Signature>"

/* from, to: a change to the message signed with RSA; the flaw and the element that it is at. */
static const struct {
    const char *from, *to;
    enum signature_flaw flaw;
    const char *path; /* from the root's children on */
} refusals[] = {
    /* the place */
    {"<Sgntr>", "<Sgntr>text", SIGNATURE_FLAW_PLACE, "/AppHdr/Sgntr"},
    {"</Sgntr>", "text</Sgntr>", SIGNATURE_FLAW_PLACE, "/AppHdr/Sgntr"},
    {"<Sgntr>", "<Sgntr><Other/>", SIGNATURE_FLAW_PLACE, "/AppHdr/Sgntr/Other"},
    {"</Sgntr>", "<Other/></Sgntr>", SIGNATURE_FLAW_PLACE, "/AppHdr/Sgntr/Other"},
    {"</Sgntr>", SECOND "</Sgntr>", SIGNATURE_FLAW_PLACE, "/AppHdr/Sgntr/Signature[2]"},
    {"<Sgntr>", "<Sgntr></Sgntr><Sgntr>", SIGNATURE_FLAW_PLACE, "/AppHdr/Sgntr[2]"},
    {"</Sgntr>", "</Sgntr><Sgntr></Sgntr>", SIGNATURE_FLAW_PLACE, "/AppHdr/Sgntr[2]"},
    {"xmlns:ds=\"" DSIG "\"", "xmlns:ds=\"urn:other\"", SIGNATURE_FLAW_PLACE,
     "/AppHdr/Sgntr/Signature"},
    /* a second signature anywhere */
    {"<BizMsgIdr>", SECOND "<BizMsgIdr>", SIGNATURE_FLAW_SECOND, "/AppHdr/Signature"},
    {"<Amt ", SECOND "<Amt ", SIGNATURE_FLAW_SECOND, "/Document/Signature"},
    {"</Document>", "</Document>" SECOND, SIGNATURE_FLAW_SECOND, "/Signature"},
    {KEY_INFO_END, KEY_INFO_END "<ds:Object>" SECOND "</ds:Object>", SIGNATURE_FLAW_SECOND,
     "/AppHdr/Sgntr/Signature/Object/Signature"},
    {"<ds:X509Data>", "<ds:X509Data>" SECOND, SIGNATURE_FLAW_SECOND,
     "/AppHdr/Sgntr/Signature/KeyInfo/X509Data/Signature"},
    /* elements */
    {"<ds:SignedInfo>", "<ds:Object></ds:Object><ds:SignedInfo>", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/Object"},
    {KEY_INFO_END, KEY_INFO_END "<ds:Object></ds:Object>", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/Object"},
    {KEY_INFO_END, KEY_INFO_END "<ds:KeyInfo/>", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/KeyInfo[2]"},
    {"<ds:KeyInfo>", "<ds:Manifest/><ds:KeyInfo>", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/Manifest"},
    {"</ds:DigestValue>", "<x/></ds:DigestValue>", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue/x"},
    {"</ds:SignatureValue>", "<x/></ds:SignatureValue>", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/SignatureValue/x"},
    {"</ds:SignatureMethod>", "<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>",
     SIGNATURE_FLAW_ELEMENT, "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod/HMACOutputLength"},
    {"</ds:CanonicalizationMethod>",
     "<ec:InclusiveNamespaces xmlns:ec=\"" EXC "\" PrefixList=\"ds\"/></ds:CanonicalizationMethod>",
     SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/SignedInfo/CanonicalizationMethod/InclusiveNamespaces"},
    {"</ds:Transform></ds:Transforms>",
     "<ec:InclusiveNamespaces xmlns:ec=\"" EXC
     "\" PrefixList=\"\"/></ds:Transform></ds:Transforms>",
     SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms/Transform[2]/InclusiveNamespaces"},
    {"</ds:Transform><ds:Transform", "<ds:XPath>1</ds:XPath></ds:Transform><ds:Transform",
     SIGNATURE_FLAW_TRANSFORM, "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms"},
    {"</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo></ds:SignedInfo>", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/SignedInfo[2]"},
    {"<ds:DigestValue>", "<ds:DigestValue xmlns:ds=\"urn:other\">", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue"},
    /* references */
    {"</ds:Reference>", "</ds:Reference><ds:Reference URI=\"\"></ds:Reference>",
     SIGNATURE_FLAW_REFERENCE_SECOND, "/AppHdr/Sgntr/Signature/SignedInfo/Reference[2]"},
    {"URI=\"\"", "URI=\"#d\"", SIGNATURE_FLAW_URI, "/AppHdr/Sgntr/Signature/SignedInfo/Reference"},
    {"URI=\"\"", "URI=\"#xpointer(/)\"", SIGNATURE_FLAW_URI,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference"},
    {"URI=\"\"", "URI=\"http://example.org/\"", SIGNATURE_FLAW_URI,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference"},
    {"URI=\"\"", "URI=\" \"", SIGNATURE_FLAW_URI, "/AppHdr/Sgntr/Signature/SignedInfo/Reference"},
    {" URI=\"\"", "", SIGNATURE_FLAW_ATTRIBUTE_MISSING,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference"},
    {" URI=\"\"", " URI=\"\" Type=\"" DSIG "Object\"", SIGNATURE_FLAW_ATTRIBUTE,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference"},
    /* algorithms */
    {C14N_EMPTY(EXC), C14N_EMPTY("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
     SIGNATURE_FLAW_CANONICALIZATION, "/AppHdr/Sgntr/Signature/SignedInfo/CanonicalizationMethod"},
    {C14N_EMPTY(EXC), C14N_EMPTY("http://www.w3.org/2006/12/xml-c14n11"),
     SIGNATURE_FLAW_CANONICALIZATION, "/AppHdr/Sgntr/Signature/SignedInfo/CanonicalizationMethod"},
    {C14N_EMPTY(EXC), C14N_EMPTY(EXC "WithComments"), SIGNATURE_FLAW_CANONICALIZATION,
     "/AppHdr/Sgntr/Signature/SignedInfo/CanonicalizationMethod"},
    {C14N_EMPTY(EXC), "", SIGNATURE_FLAW_ELEMENT,
     "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), METHOD(DSIG "rsa-sha1"), SIGNATURE_FLAW_METHOD,
     "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), METHOD(DSIG "hmac-sha1"), SIGNATURE_FLAW_METHOD,
     "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), METHOD("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
     SIGNATURE_FLAW_METHOD, "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), METHOD("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"),
     SIGNATURE_FLAW_METHOD, "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), METHOD("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
     SIGNATURE_FLAW_METHOD, "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), METHOD(RSA_SHA256 " "), SIGNATURE_FLAW_METHOD,
     "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), "<ds:SignatureMethod>", SIGNATURE_FLAW_ATTRIBUTE_MISSING,
     "/AppHdr/Sgntr/Signature/SignedInfo/SignatureMethod"},
    {METHOD(RSA_SHA256), METHOD("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
     SIGNATURE_FLAW_NO_KEY, "/AppHdr/Sgntr/Signature/KeyInfo"},
    {SHA256, DSIG "sha1", SIGNATURE_FLAW_DIGEST_METHOD,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestMethod"},
    {SHA256, "http://www.w3.org/2001/04/xmlenc#sha512", SIGNATURE_FLAW_DIGEST_METHOD,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestMethod"},
    /* transforms */
    {TRANSFORM(ENVELOPED), "", SIGNATURE_FLAW_TRANSFORM,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms/Transform"},
    {TRANSFORM(EXC), "", SIGNATURE_FLAW_TRANSFORM,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms"},
    {TRANSFORM(ENVELOPED) TRANSFORM(EXC), TRANSFORM(EXC) TRANSFORM(ENVELOPED),
     SIGNATURE_FLAW_TRANSFORM,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms/Transform[1]"},
    {TRANSFORM(EXC), TRANSFORM(EXC) TRANSFORM(EXC), SIGNATURE_FLAW_TRANSFORM,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms"},
    {TRANSFORM(EXC), TRANSFORM("http://www.w3.org/TR/1999/REC-xslt-19991116"),
     SIGNATURE_FLAW_TRANSFORM,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms/Transform[2]"},
    {TRANSFORM(EXC), TRANSFORM("http://www.w3.org/TR/1999/REC-xpath-19991116"),
     SIGNATURE_FLAW_TRANSFORM,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms/Transform[2]"},
    {TRANSFORM(EXC), TRANSFORM(EXC "WithComments"), SIGNATURE_FLAW_TRANSFORM,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms/Transform[2]"},
    {"<ds:Transforms>" TRANSFORM(ENVELOPED) TRANSFORM(EXC) "</ds:Transforms>", "",
     SIGNATURE_FLAW_ELEMENT, "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestMethod"},
    /* attributes, ids, text */
    {"<ds:SignedInfo>", "<ds:SignedInfo x=\"1\">", SIGNATURE_FLAW_ATTRIBUTE,
     "/AppHdr/Sgntr/Signature/SignedInfo"},
    {"<ds:SignedInfo>", "<ds:SignedInfo xml:id=\"a\">", SIGNATURE_FLAW_ATTRIBUTE,
     "/AppHdr/Sgntr/Signature/SignedInfo"},
    {"<ds:SignedInfo>", "<ds:SignedInfo ID=\"a\">", SIGNATURE_FLAW_ATTRIBUTE,
     "/AppHdr/Sgntr/Signature/SignedInfo"},
    {"<ds:KeyInfo>", "<ds:KeyInfo ds:Id=\"a\">", SIGNATURE_FLAW_ATTRIBUTE,
     "/AppHdr/Sgntr/Signature/KeyInfo"},
    {X509_START, "<ds:X509Data><ds:X509Certificate a=\"b\">", SIGNATURE_FLAW_ATTRIBUTE,
     "/AppHdr/Sgntr/Signature/KeyInfo/X509Data/X509Certificate"},
    {"<ds:SignatureValue>", "<ds:SignatureValue Encoding=\"x\">", SIGNATURE_FLAW_ATTRIBUTE,
     "/AppHdr/Sgntr/Signature/SignatureValue"},
    {"<ds:SignatureValue>", "text<ds:SignatureValue>", SIGNATURE_FLAW_TEXT,
     "/AppHdr/Sgntr/Signature"},
    {"<ds:Transforms>", "<ds:Transforms>text", SIGNATURE_FLAW_TEXT,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/Transforms"},
    {"</ds:Signature>", "text</ds:Signature>", SIGNATURE_FLAW_TEXT, "/AppHdr/Sgntr/Signature"},
    {"<ds:X509Data>", "text<ds:X509Data>", SIGNATURE_FLAW_TEXT, "/AppHdr/Sgntr/Signature/KeyInfo"},
    /* base64 */
    {"<ds:DigestValue>", "<ds:DigestValue>=", SIGNATURE_FLAW_BASE64,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue"},
    {"<ds:DigestValue>", "<ds:DigestValue>AAAA", SIGNATURE_FLAW_BASE64,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue"},
    {"<ds:SignatureValue>", "<ds:SignatureValue>-", SIGNATURE_FLAW_BASE64,
     "/AppHdr/Sgntr/Signature/SignatureValue"},
    {"<ds:SignatureValue>", "<ds:SignatureValue>AAAA", SIGNATURE_FLAW_VALUE,
     "/AppHdr/Sgntr/Signature/SignatureValue"},
    {X509_START, X509_START "-", SIGNATURE_FLAW_BASE64,
     "/AppHdr/Sgntr/Signature/KeyInfo/X509Data/X509Certificate"},
    /* KeyInfo */
    {"<ds:X509Data>", "<ds:KeyName>first</ds:KeyName><ds:X509Data>", SIGNATURE_FLAW_KEY_INFO,
     "/AppHdr/Sgntr/Signature/KeyInfo/KeyName"},
    {"<ds:X509Data>", "<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue><ds:X509Data>",
     SIGNATURE_FLAW_KEY_INFO, "/AppHdr/Sgntr/Signature/KeyInfo/KeyValue"},
    {"<ds:X509Data>", "<ds:RetrievalMethod/><ds:X509Data>", SIGNATURE_FLAW_KEY_INFO,
     "/AppHdr/Sgntr/Signature/KeyInfo/RetrievalMethod"},
    {"<ds:X509Data>", "<x:Token xmlns:x=\"urn:x\"/><ds:X509Data>", SIGNATURE_FLAW_KEY_INFO,
     "/AppHdr/Sgntr/Signature/KeyInfo/Token"},
    {X509_START, "<ds:X509Data><ds:X509CRL>AAAA</ds:X509CRL><ds:X509Certificate>",
     SIGNATURE_FLAW_KEY_INFO, "/AppHdr/Sgntr/Signature/KeyInfo/X509Data/X509CRL"},
    {X509_START, "<ds:X509Data><ds:X509Certificate><x/>", SIGNATURE_FLAW_KEY_INFO,
     "/AppHdr/Sgntr/Signature/KeyInfo/X509Data/X509Certificate"},
    {X509_START,
     "<ds:X509Data><ds:X509IssuerSerial><ds:X509SerialNumber>1</ds:X509SerialNumber>"
     "</ds:X509IssuerSerial><ds:X509Certificate>",
     SIGNATURE_FLAW_KEY_INFO, "/AppHdr/Sgntr/Signature/KeyInfo/X509Data/X509IssuerSerial"},
    /* the content */
    {"<BizMsgIdr>M1", "<BizMsgIdr>M2", SIGNATURE_FLAW_DIGEST,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue"},
    {"12.34", "12.35", SIGNATURE_FLAW_DIGEST,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue"},
    {"<Amt ", " <Amt ", SIGNATURE_FLAW_DIGEST,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue"},
    {"<Sgntr>", "<Sgntr> ", SIGNATURE_FLAW_DIGEST,
     "/AppHdr/Sgntr/Signature/SignedInfo/Reference/DigestValue"},
};

START_TEST(what_is_not_the_profile_is_refused)
{
    char message[16384], path[XML_PATH_BYTES];
    struct signature_verdict verdict;
    sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
    replace(message, refusals[_i].from, refusals[_i].to);
    ck_assert(!check(span_text(message), REGISTERED_COUNT, &verdict));
    ck_assert_str_eq(signature_words(verdict.flaw), signature_words(refusals[_i].flaw));
    document_path(&document, verdict.node, path);
    ck_assert(span_starts_with(span_text(path), SPAN("/Envelope")));
    ck_assert_str_eq(path + strlen("/Envelope"), refusals[_i].path);
}
END_TEST

/* from, to: changes that mean the same, or that nothing signs. */
static const struct {
    const char *from, *to;
} lawful[] = {
    {"<Envelope", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Envelope"},
    {"<Envelope xmlns=\"urn:cauce:envelope:1\">",
     "<Envelope xmlns:e='urn:x' xmlns:e2=\"urn:y\" xmlns=\"urn:cauce:envelope:1\">"},
    {"12.34", "&#49;2.34"},
    {"\xc3\xb1", "&#xF1;"},
    {"<ds:SignatureValue>", "<ds:SignatureValue>\r\n  &#13;\t"},
    {"</ds:SignatureValue>", "&#13;\n</ds:SignatureValue>"},
    {"<ds:SignatureValue>", "<ds:SignatureValue Id=\"v\">"},
    {"<ds:KeyInfo>", "\n   <ds:KeyInfo Id='k'>\n   "},
    {X509_START, "<ds:X509Data Id=\"d\">\n<ds:X509Certificate Id=\"c\">\n"},
    {"</ds:X509Certificate>", "&#13;\n</ds:X509Certificate>"},
    {"<ds:X509Data>", "<ds:X509Data/><ds:X509Data>"},
    {"<ds:X509Data>", "<ds:X509Data><ds:X509IssuerSerial/><ds:X509SKI/><ds:X509SubjectName/>"},
    {"</ds:SignedInfo>", "</ds:SignedInfo>\n"},
    {"<Nm>", "<Nm\n>"},
    {"Ccy=\"MXN\"", "Ccy = 'MX&#78;'"},
    {"</Nm>", "</Nm  >"},
};

START_TEST(what_means_the_same_is_good)
{
    char message[16384];
    struct signature_verdict verdict;
    sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
    replace(message, lawful[_i].from, lawful[_i].to);
    ck_assert_msg(check(span_text(message), REGISTERED_COUNT, &verdict), "%s",
                  signature_words(verdict.flaw));
    ck_assert_uint_eq(verdict.key, RSA);
}
END_TEST

START_TEST(ids_are_unique)
{
    char message[16384];
    struct signature_verdict verdict;
    sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
    replace(message, "<ds:SignatureValue>", "<ds:SignatureValue Id=\"a\">");
    replace(message, "<ds:KeyInfo>", "<ds:KeyInfo Id=\"b\">");
    ck_assert(check(span_text(message), REGISTERED_COUNT, &verdict));
    replace(message, "Id=\"b\"", "Id=\"&#97;\"");
    ck_assert(!check(span_text(message), REGISTERED_COUNT, &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_ID_TWICE);
}
END_TEST

/* Puts `data` in place of KeyInfo; NULL leaves it out. */
static void set_key_info(char *message, const char *data)
{
    char *start = strstr(message, "<ds:KeyInfo>"), *end = strstr(message, KEY_INFO_END);
    char rest[4096];
    snprintf(rest, sizeof rest, "%s", end + strlen(KEY_INFO_END));
    if (data == NULL) {
        sprintf(start, "%s", rest);
    } else {
        sprintf(start, "<ds:KeyInfo>%s" KEY_INFO_END "%s", data, rest);
    }
}

static const char *base64_of(struct span bytes)
{
    static char texts[2][8192];
    static unsigned next;
    char *text = texts[next++ % 2];
    text[base64_encode(bytes, text)] = '\0';
    return text;
}

/* Which certificates a KeyInfo names, and what follows: the message is always signed with the
 * second of two RSA keys. `named`: bits. */
enum form {
    FORM_NONE,
    FORM_CERTIFICATE,
    FORM_CERTIFICATE_AND_AUTHORITY,
    FORM_STRANGER,
    FORM_KEY_ID,
    FORM_SUBJECT,
    FORM_ISSUER_SERIAL,
    FORM_ISSUER_SERIAL_SPACED,
    FORM_OTHER_ISSUER,
    FORM_TWO_DATA,
    FORM_COUNT
};

static void write_form(enum form form, const struct certificate *of, char *data, size_t data_max)
{
    const char *const start = "<ds:X509Data>", *const end = "</ds:X509Data>";
    struct span const subject = certificate_subject(of), issuer = certificate_issuer(of);
    struct span const serial = certificate_serial(of);
    switch (form) {
    case FORM_NONE: break;
    case FORM_CERTIFICATE:
        snprintf(data, data_max, "%s<ds:X509Certificate>%s</ds:X509Certificate>%s", start,
                 base64_of(certificate_der(of)), end);
        break;
    case FORM_CERTIFICATE_AND_AUTHORITY:
        snprintf(data, data_max,
                 "%s<ds:X509Certificate>%s</ds:X509Certificate>"
                 "<ds:X509Certificate>%s</ds:X509Certificate>%s",
                 start, base64_of(certificate_der(authority_certificate(authority))),
                 base64_of(certificate_der(of)), end);
        break;
    case FORM_STRANGER:
        snprintf(data, data_max, "%s<ds:X509Certificate>%s</ds:X509Certificate>%s", start,
                 base64_of(certificate_der(certificates[STRANGER])), end);
        break;
    case FORM_KEY_ID:
        snprintf(data, data_max, "%s<ds:X509SKI>%s</ds:X509SKI>%s", start,
                 base64_of(certificate_key_id(of)), end);
        break;
    case FORM_SUBJECT:
        snprintf(data, data_max, "%s<ds:X509SubjectName>%.*s</ds:X509SubjectName>%s", start,
                 (int)subject.size, subject.bytes, end);
        break;
    case FORM_ISSUER_SERIAL:
        snprintf(data, data_max,
                 "%s<ds:X509IssuerSerial><ds:X509IssuerName>%.*s</ds:X509IssuerName>"
                 "<ds:X509SerialNumber>%.*s</ds:X509SerialNumber></ds:X509IssuerSerial>%s",
                 start, (int)issuer.size, issuer.bytes, (int)serial.size, serial.bytes, end);
        break;
    case FORM_ISSUER_SERIAL_SPACED:
        snprintf(data, data_max,
                 "%s <ds:X509IssuerSerial>\n<ds:X509IssuerName> CN=test authority, O=Cauce "
                 "</ds:X509IssuerName>\n<ds:X509SerialNumber>\n%.*s </ds:X509SerialNumber> "
                 "</ds:X509IssuerSerial> %s",
                 start, (int)serial.size, serial.bytes, end);
        break;
    case FORM_OTHER_ISSUER:
        snprintf(data, data_max,
                 "%s<ds:X509IssuerSerial><ds:X509IssuerName>CN=other</ds:X509IssuerName>"
                 "<ds:X509SerialNumber>%.*s</ds:X509SerialNumber></ds:X509IssuerSerial>%s",
                 start, (int)serial.size, serial.bytes, end);
        break;
    case FORM_TWO_DATA:
        snprintf(data, data_max,
                 "%s<ds:X509SubjectName>CN=nobody</ds:X509SubjectName>%s"
                 "%s<ds:X509SubjectName>%.*s</ds:X509SubjectName>%s",
                 start, end, start, (int)subject.size, subject.bytes, end);
        break;
    case FORM_COUNT: break;
    }
}

START_TEST(key_info_chooses_among_registered_keys)
{
    enum form const form = (enum form)_i;
    bool const names_one = form != FORM_NONE && form != FORM_STRANGER && form != FORM_OTHER_ISSUER;
    char message[16384], data[8192];
    struct signature_verdict verdict;

    /* The key that signed is named, or nobody is: good. */
    sign(signers[RSA_OTHER], SPAN(BEFORE), SPAN(AFTER), message);
    write_form(form, certificates[RSA_OTHER], data, sizeof data);
    set_key_info(message, form == FORM_NONE ? NULL : data);
    ck_assert_msg(check(span_text(message), REGISTERED_COUNT, &verdict), "%s",
                  signature_words(verdict.flaw));
    ck_assert_uint_eq(verdict.key, RSA_OTHER);
    ck_assert_uint_eq(verdict.named, names_one ? 1 : 0);

    /* Another registered key is named: only that is tried. */
    write_form(form, certificates[RSA], data, sizeof data);
    sign(signers[RSA_OTHER], SPAN(BEFORE), SPAN(AFTER), message);
    set_key_info(message, form == FORM_NONE ? NULL : data);
    ck_assert_int_eq(check(span_text(message), REGISTERED_COUNT, &verdict), !names_one);
    if (names_one) ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_VALUE);
}
END_TEST

START_TEST(key_info_is_not_empty)
{
    char message[16384];
    struct signature_verdict verdict;
    sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
    set_key_info(message, "");
    ck_assert(!check(span_text(message), REGISTERED_COUNT, &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_KEY_INFO);
}
END_TEST

START_TEST(key_info_is_bounded)
{
    static char message[LIMIT_MESSAGE_BYTES], data[LIMIT_MESSAGE_BYTES];
    struct signature_verdict verdict;
    for (int count = LIMIT_KEY_INFO_PARTS; count <= LIMIT_KEY_INFO_PARTS + 1; count++) {
        size_t size = 0;
        for (int i = 0; i < count; i++) {
            size += (size_t)snprintf(data + size, sizeof data - size,
                                     "<ds:X509Data Id=\"d%d\"><ds:X509IssuerSerial Id=\"s%d\">"
                                     "<ds:X509IssuerName Id=\"n%d\">CN=a</ds:X509IssuerName>"
                                     "<ds:X509SerialNumber Id=\"r%d\">1</ds:X509SerialNumber>"
                                     "</ds:X509IssuerSerial></ds:X509Data>",
                                     i, i, i, i);
        }
        sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
        set_key_info(message, data);
        replace(message, "<ds:SignatureValue>", "<ds:SignatureValue Id=\"v\">");
        replace(message, "<ds:KeyInfo>", "<ds:KeyInfo Id=\"k\">");
        bool const good = check(span_text(message), REGISTERED_COUNT, &verdict);
        ck_assert_int_eq(good, count == LIMIT_KEY_INFO_PARTS);
        if (!good) ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_KEY_INFO_LONG);
    }
}
END_TEST

/* Ids are compared each with each: no spelling may bring more of them than there is room for. */
START_TEST(ids_are_bounded)
{
    static const char *const forms[] = {
        "<ds:X509Data Id=\"d%d\"></ds:X509Data>",
        "<ds:X509Data Id=\"d%d\"><ds:X509SKI/></ds:X509Data>",
        "<ds:KeyName Id=\"d%d\"/>",
    };
    static char message[LIMIT_MESSAGE_BYTES + 16384], data[LIMIT_MESSAGE_BYTES];
    struct signature_verdict verdict;
    size_t size = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (int i = 0; i < 2 * LIMIT_SIGNATURE_IDS; i++) {
        size += (size_t)snprintf(data + size, sizeof data - size, forms[_i], i);
    }
#pragma GCC diagnostic pop
    sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
    set_key_info(message, data);
    ck_assert(!check(span_text(message), REGISTERED_COUNT, &verdict));
    ck_assert_int_eq(verdict.flaw,
                     _i == 2 ? SIGNATURE_FLAW_KEY_INFO : SIGNATURE_FLAW_KEY_INFO_LONG);
}
END_TEST

/* Signature wrapping: the signed content moved aside, other content in its place. Each shape keeps
 * a signature that is good for what it was made for. */
static const struct {
    const char *name, *before, *after;
} wrappings[] = {
    {"signed envelope inside a new one",
     "<Envelope xmlns=\"urn:cauce:envelope:1\">"
     "<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\"><Sgntr></Sgntr></AppHdr>"
     "<Document>",
     "</Document></Envelope>"},
    {"signed envelope in the new one's Sgntr",
     "<Envelope xmlns=\"urn:cauce:envelope:1\">"
     "<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\"><Sgntr>",
     "</Sgntr></AppHdr><Document>forged</Document></Envelope>"},
    {"signed envelope behind a forged header",
     "<Envelope xmlns=\"urn:cauce:envelope:1\">"
     "<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\"/>",
     "</Envelope>"},
};

START_TEST(wrapped_messages_are_refused)
{
    char message[16384], wrapped[32768];
    struct signature_verdict verdict;
    sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
    snprintf(wrapped, sizeof wrapped, "%s%s%s", wrappings[_i].before, message, wrappings[_i].after);
    ck_assert(!check(span_text(wrapped), REGISTERED_COUNT, &verdict));
    ck_assert_msg(verdict.node != XML_NONE, "%s: not even XML", wrappings[_i].name);
}
END_TEST

/* The good Signature moved out of its place: its digest, of all but itself, still fits. */
START_TEST(a_moved_signature_is_refused)
{
    static const char *const places[] = {"<BizMsgIdr>", "</AppHdr>", "<Amt ", "</Document>",
                                         "</Envelope>"};
    char message[16384], signature[8192], target[8192];
    struct signature_verdict verdict;
    sign(signers[RSA], SPAN(BEFORE), SPAN(AFTER), message);
    const char *start = strstr(message, "<ds:Signature xmlns"), *end = strstr(message, "</Sgntr>");
    snprintf(signature, sizeof signature, "%.*s", (int)(end - start), start);
    replace(message, signature, "");
    snprintf(target, sizeof target, "%s%s", signature, places[_i]);
    replace(message, places[_i], target);
    ck_assert(!check(span_text(message), REGISTERED_COUNT, &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_MISSING);
}
END_TEST

/* Sgntr below something else than AppHdr: a bare header, or one that is deeper. */
START_TEST(the_header_is_right_below_the_root)
{
    char message[16384];
    struct signature_verdict verdict;
    struct reader_error error;
    sign(signers[RSA],
         SPAN("<AppHdr xmlns=\"urn:iso:std:iso:20022:tech:xsd:head.001.001.02\"><Sgntr>"),
         SPAN("</Sgntr></AppHdr>"), message);
    ck_assert_int_eq(reader_parse(&document, span_text(message), NULL, &error), FAULT_NONE);
    ck_assert(!signature_check(checker, &document, 0, registered, REGISTERED_COUNT, &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_PLACE);
}
END_TEST

START_TEST(a_missing_signature_is_named)
{
    static const char *const texts[] = {
        "<Envelope><AppHdr><Sgntr/></AppHdr></Envelope>",
        "<Envelope><AppHdr><Sgntr> \n </Sgntr></AppHdr></Envelope>",
        "<Envelope><AppHdr><Sgntr>text</Sgntr></AppHdr></Envelope>",
        "<Envelope><AppHdr/></Envelope>",
    };
    struct signature_verdict verdict;
    char path[XML_PATH_BYTES];
    ck_assert(!check(span_text(texts[_i]), REGISTERED_COUNT, &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_MISSING);
    document_path(&document, verdict.node, path);
    ck_assert_str_eq(path, _i == 3 ? "/Envelope/AppHdr" : "/Envelope/AppHdr/Sgntr");
}
END_TEST

/* Every byte of a signed Envelope, three ways: what it says must have changed in nothing, or the
 * message is refused. KeyInfo and white space are not signed, so a change may be harmless there. */
START_TEST(no_byte_can_be_changed)
{
    char message[16384];
    struct signature_verdict verdict;
    size_t const size = sign(signers[_i], SPAN(BEFORE), SPAN(AFTER), message);
    const char *key_info = strstr(message, "<ds:KeyInfo>"), *end = strstr(message, KEY_INFO_END);
    size_t const from = (size_t)(key_info - message), to = (size_t)(end - message);
    size_t accepted = 0;
    static const char flips[] = {0x01, 0x20, 0x04};
    for (size_t at = 0; at < size; at++) {
        for (size_t flip = 0; flip < sizeof flips; flip++) {
            message[at] = (char)(message[at] ^ flips[flip]);
            bool const good = check(span_of(message, size), REGISTERED_COUNT, &verdict);
            if (good) {
                ck_assert_msg(at >= from && at < to, "byte %zu, %c", at, message[at]);
                accepted += 1;
            }
            message[at] = (char)(message[at] ^ flips[flip]);
        }
    }
    ck_assert(check(span_of(message, size), REGISTERED_COUNT, &verdict));
    ck_assert_uint_gt(accepted, 0); /* a KeyInfo that names nobody is good */
}
END_TEST

START_TEST(a_signer_needs_its_own_certificate)
{
    struct signature_signer *signer = NULL;
    ck_assert_int_eq(signature_signer_open(&signer, keys[RSA], certificates[RSA_OTHER]),
                     FAULT_INVALID);
    ck_assert_int_eq(signature_signer_open(&signer, keys[RSA], certificates[P256]), FAULT_INVALID);
}
END_TEST

/* Long messages whose canonical form grows are a bound exceeded, not a crash. */
START_TEST(a_canonical_form_that_is_too_long_is_said)
{
    static char before[LIMIT_MESSAGE_BYTES], message[LIMIT_MESSAGE_BYTES + 16384];
    struct signature_verdict verdict;
    size_t size = (size_t)snprintf(before, sizeof before, "<Envelope xmlns:");
    memset(before + size, 'p', 100);
    size += 100;
    size += (size_t)snprintf(before + size, sizeof before - size, "=\"");
    memset(before + size, 'u', 20000);
    size += 20000;
    size += (size_t)snprintf(before + size, sizeof before - size, "\"><AppHdr><Sgntr>");
    size =
        sign(signers[P256], span_of(before, size), SPAN("</Sgntr></AppHdr></Envelope>"), message);
    char *end = strstr(message, "</Envelope>");
    for (int i = 0; i < 20; i++) {
        *end++ = '<';
        memset(end, 'p', 100);
        end += 100;
        end += sprintf(end, ":a/>");
    }
    sprintf(end, "</Envelope>");
    ck_assert(!check(span_text(message), REGISTERED_COUNT, &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_CANONICAL_LONG);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("signature");
    TCase *tests = tcase_create("signature");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, what_is_signed_is_good, 0, KEY_COUNT);
    tcase_add_loop_test(tests, what_is_not_the_profile_is_refused, 0, COUNT(refusals));
    tcase_add_loop_test(tests, what_means_the_same_is_good, 0, COUNT(lawful));
    tcase_add_test(tests, ids_are_unique);
    tcase_add_loop_test(tests, key_info_chooses_among_registered_keys, 0, FORM_COUNT);
    tcase_add_test(tests, key_info_is_not_empty);
    tcase_add_test(tests, key_info_is_bounded);
    tcase_add_loop_test(tests, ids_are_bounded, 0, 3);
    tcase_add_loop_test(tests, wrapped_messages_are_refused, 0, COUNT(wrappings));
    tcase_add_loop_test(tests, a_moved_signature_is_refused, 0, 5);
    tcase_add_test(tests, the_header_is_right_below_the_root);
    tcase_add_loop_test(tests, a_missing_signature_is_named, 0, 4);
    tcase_add_loop_test(tests, no_byte_can_be_changed, 0, REGISTERED_COUNT);
    tcase_add_test(tests, a_signer_needs_its_own_certificate);
    tcase_add_test(tests, a_canonical_form_that_is_too_long_is_said);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
