/* signature against xmlsec1, an independent implementation: it verifies ours, we verify its, in the
 * spellings that banks' libraries use; and what it signs lawfully but outside our profile we refuse.
 * Skipped where the program xmlsec1 is not installed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/signature/signature.h"
#include "proto/xml/canonical.h"
#include "proto/xml/document.h"
#include "proto/xml/reader.h"

#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)

enum { RSA, P256, KEY_COUNT };
static const char *const names[KEY_COUNT] = {"rsa", "p256"};
static struct private_key *keys[KEY_COUNT];
static struct certificate *certificates[KEY_COUNT];
static const struct certificate *registered[KEY_COUNT];
static struct signature_signer *signers[KEY_COUNT];
static struct signature_checker *checker;
static struct xml_document document;
static char folder[] = "/tmp/signature_oracle.XXXXXX";

static void write_file(const char *name, const char *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static size_t read_file(const char *name, char *bytes, size_t bytes_max)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t const size = fread(bytes, 1, bytes_max, file);
    ck_assert_int_eq(fclose(file), 0);
    return size;
}

/* Runs a command in the folder; its exit code, its words in the file `words`. */
static int run(const char *command)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "cd %s && %s >words 2>&1", folder, command);
    return system(whole);
}

static const char *words(void)
{
    static char text[4096];
    text[read_file("words", text, sizeof text - 1)] = '\0';
    return text;
}

static void open_all(void)
{
    static const enum key_kind kinds[KEY_COUNT] = {KEY_RSA, KEY_P256};
    struct authority *authority = NULL;
    char text[8192], file[32];
    int64_t const now_ns = time_wall_ns();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(
        authority_open(&authority, "oracle authority", now_ns - DAY_NS, now_ns + DAY_NS),
        FAULT_NONE);
    ck_assert_int_eq(certificate_print(authority_certificate(authority), text, sizeof text),
                     FAULT_NONE);
    write_file("ca.crt", text, strlen(text));
    for (size_t i = 0; i < KEY_COUNT; i++) {
        ck_assert_int_eq(key_generate(&keys[i], kinds[i]), FAULT_NONE);
        ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, names[i], keys[i],
                                         now_ns - DAY_NS, now_ns + DAY_NS, &certificates[i]),
                         FAULT_NONE);
        ck_assert_int_eq(signature_signer_open(&signers[i], keys[i], certificates[i]), FAULT_NONE);
        registered[i] = certificates[i];
        ck_assert_int_eq(certificate_print(certificates[i], text, sizeof text), FAULT_NONE);
        snprintf(file, sizeof file, "%s.crt", names[i]);
        write_file(file, text, strlen(text));
        ck_assert_int_eq(key_print(keys[i], text, sizeof text), FAULT_NONE);
        snprintf(file, sizeof file, "%s.key", names[i]);
        write_file(file, text, strlen(text));
    }
    authority_close(authority);
    ck_assert_int_eq(signature_open(&checker, 8), FAULT_NONE);
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
}

static void close_all(void)
{
    char command[64];
    for (size_t i = 0; i < KEY_COUNT; i++) {
        signature_signer_close(signers[i]);
        certificate_close(certificates[i]);
        key_close(keys[i]);
    }
    signature_close(checker);
    document_close(&document);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static bool check(struct span message, struct signature_verdict *verdict)
{
    struct reader_error error;
    ck_assert_msg(reader_parse(&document, message, NULL, &error) == FAULT_NONE, "%s: %.*s",
                  reader_words(error.kind), (int)message.size, message.bytes);
    uint16_t const header = document_child(&document, 0, SPAN("AppHdr"));
    ck_assert_uint_ne(header, XML_NONE);
    return signature_check(checker, &document, header, registered, KEY_COUNT, verdict);
}

/* Envelopes in spellings that all say something else byte by byte; %s is the Signature. */
static const char *const envelopes[] = {
    "<Envelope xmlns=\"urn:cauce:envelope:1\"><AppHdr xmlns=\"urn:h\"><Sgntr>%s</Sgntr></AppHdr>"
    "<Document xmlns=\"urn:d\"><A Ccy=\"MXN\">12.34</A></Document></Envelope>",
    "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n"
    "<e:Envelope xmlns:e=\"urn:cauce:envelope:1\" xmlns:h=\"urn:h\" xmlns:unused=\"urn:u\">\r\n"
    "  <h:AppHdr>\r\n    <h:Sgntr>%s</h:Sgntr>\r\n  </h:AppHdr>\r\n"
    "  <Document xmlns='urn:d'>\r\n    <A z='1' Ccy='MXN'  b=\"&#9;x\">1&amp;2&lt;3&#13;</A>\r\n"
    "  </Document>\r\n</e:Envelope>\r\n",
    "\xef\xbb\xbf<a:Envelope xmlns:a=\"urn:cauce:envelope:1\" xmlns:b=\"urn:cauce:envelope:1\">"
    "<b:AppHdr xmlns=\"urn:x\"><Sgntr xmlns=\"urn:h\">\n%s\n</Sgntr></b:AppHdr>"
    "<Document xmlns=\"urn:d\"><A xmlns=\"\">Caf\xc3\xa9 &#x20AC; &gt; &quot; &apos;</A>"
    "<p:B xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" q:z=\"1\" p:a=\"2\" "
    "c=\"3\"/></Document></a:Envelope>",
};
#define ENVELOPES (sizeof envelopes / sizeof envelopes[0])

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define EXC "http://www.w3.org/2001/10/xml-exc-c14n#"
#define C14N "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
#define SHA256 "http://www.w3.org/2001/04/xmlenc#sha256"

/* Signature templates for xmlsec1 to fill: %s is the method. */
#define TEMPLATE(c14n, method, reference, digest, key_info)                                        \
    "<Signature xmlns=\"" DSIG "\"><SignedInfo><CanonicalizationMethod Algorithm=\"" c14n          \
    "\"/><SignatureMethod Algorithm=\"" method "\"/>" reference                                    \
    "<DigestMethod Algorithm=\"" digest                                                            \
    "\"/><DigestValue/></Reference></SignedInfo><SignatureValue/>" key_info "</Signature>"
#define REFERENCE(uri, transforms)                                                                 \
    "<Reference URI=\"" uri "\"><Transforms>" transforms "</Transforms>"
#define T(algorithm) "<Transform Algorithm=\"" algorithm "\"/>"
#define PLAIN REFERENCE("", T(DSIG "enveloped-signature") T(EXC))

static const char *const templates[] = {
    TEMPLATE(EXC, "%s", PLAIN, SHA256, ""),
    TEMPLATE(EXC, "%s", PLAIN, SHA256, "<KeyInfo><X509Data/></KeyInfo>"),
    TEMPLATE(EXC, "%s", PLAIN, SHA256,
             "<KeyInfo>\n<X509Data>\n<X509Certificate/>\n</X509Data>\n</KeyInfo>"),
    TEMPLATE(EXC, "%s", PLAIN, SHA256,
             "<KeyInfo><X509Data><X509IssuerSerial/></X509Data></KeyInfo>"),
    TEMPLATE(EXC, "%s", PLAIN, SHA256,
             "<KeyInfo><X509Data><X509SKI/><X509SubjectName/></X509Data></KeyInfo>"),
    TEMPLATE(EXC, "%s", PLAIN, SHA256,
             "<KeyInfo Id=\"k\"><X509Data><X509IssuerSerial/><X509SKI/><X509SubjectName/>"
             "<X509Certificate/></X509Data></KeyInfo>"),
    "<s:Signature xmlns:s=\"" DSIG "\" xmlns:unused=\"urn:unused\" Id=\"S1\">\r\n  <s:SignedInfo "
    "Id='I1'>\r\n    <s:CanonicalizationMethod Algorithm='" EXC "'> </s:CanonicalizationMethod>\r\n"
    "    <s:SignatureMethod\r\n Algorithm='%s'/>\r\n    <s:Reference Id='R1' URI=''>\r\n"
    "      <s:Transforms>\r\n        <s:Transform Algorithm='" DSIG "enveloped-signature'/>\r\n"
    "        <s:Transform Algorithm='" EXC "'></s:Transform>\r\n      </s:Transforms>\r\n"
    "      <s:DigestMethod Algorithm='" SHA256 "'/>\r\n      <s:DigestValue></s:DigestValue>\r\n"
    "    </s:Reference>\r\n  </s:SignedInfo>\r\n  <s:SignatureValue Id='V1'/>\r\n</s:Signature>",
};
#define TEMPLATES (sizeof templates / sizeof templates[0])

/* Puts a template into an envelope, lets xmlsec1 sign it, and returns what it wrote. */
static struct span signed_by_xmlsec(const char *envelope, const char *signature, size_t key)
{
    static char message[LIMIT_MESSAGE_BYTES];
    char whole[16384], command[256];
    int const size = snprintf(whole, sizeof whole, envelope, signature);
    write_file("template.xml", whole, (size_t)size);
    snprintf(command, sizeof command,
             "xmlsec1 --sign --privkey-pem %s.key,%s.crt --output signed.xml template.xml",
             names[key], names[key]);
    ck_assert_msg(run(command) == 0, "%s: %s", whole, words());
    return span_of(message, read_file("signed.xml", message, sizeof message));
}

START_TEST(we_accept_what_xmlsec1_signs)
{
    size_t const key = (size_t)_i % KEY_COUNT;
    const char *envelope = envelopes[(size_t)_i / KEY_COUNT % ENVELOPES];
    const char *template = templates[(size_t)_i / KEY_COUNT / ENVELOPES];
    char signature[4096];
    struct signature_verdict verdict;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(signature, sizeof signature, template, key == RSA ? RSA_SHA256 : ECDSA_SHA256);
#pragma GCC diagnostic pop
    struct span const message = signed_by_xmlsec(envelope, signature, key);
    ck_assert_msg(check(message, &verdict), "%s: %.*s", signature_words(verdict.flaw),
                  (int)message.size, message.bytes);
    ck_assert_uint_eq(verdict.key, key);
    bool const names_one = strstr(template, "X509Data") != NULL;
    ck_assert_uint_eq(verdict.named, names_one ? 1 : 0);

    /* One byte of the content less, and both refuse. */
    static char changed[LIMIT_MESSAGE_BYTES];
    memcpy(changed, message.bytes, message.size);
    char *at = strstr(changed, "/Document>");
    ck_assert_ptr_nonnull(at);
    while (*at != '<' || at[1] == '/') {
        at--;
    }
    at = strchr(at, '>') + 1;
    ptrdiff_t const tail = changed + message.size - at;
    memmove(at + 1, at, (size_t)tail);
    *at = ' ';
    ck_assert(!check(span_of(changed, message.size + 1), &verdict));
    ck_assert_int_eq(verdict.flaw, SIGNATURE_FLAW_DIGEST);
    write_file("changed.xml", changed, message.size + 1);
    char command[256];
    snprintf(command, sizeof command, "xmlsec1 --verify --pubkey-cert-pem %s.crt changed.xml",
             names[key]);
    ck_assert_int_ne(run(command), 0);
}
END_TEST

/* Our signature at the place of an envelope's %s, in whatever spelling the envelope has: the bytes
 * before and after are canonicalised first, as a writer of ours would have written them. */
START_TEST(xmlsec1_accepts_what_we_sign)
{
    size_t const key = (size_t)_i % KEY_COUNT;
    char spelled[8192], canonical[8192], command[256];
    static char message[32768];
    struct reader_error error;
    size_t size = 0;
    snprintf(spelled, sizeof spelled, envelopes[(size_t)_i / KEY_COUNT], "HERE");
    ck_assert_int_eq(reader_parse(&document, span_text(spelled), NULL, &error), FAULT_NONE);
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical, &size),
                     FAULT_NONE);
    canonical[size] = '\0';
    const char *place = strstr(canonical, "HERE");
    ck_assert_ptr_nonnull(place);
    struct span const before = span_of(canonical, (size_t)(place - canonical));
    struct span const after = span_text(place + strlen("HERE"));

    memcpy(message, before.bytes, before.size);
    size = before.size;
    ck_assert_int_eq(signature_write(signers[key], before, after, message + size), FAULT_NONE);
    size += signature_size(signers[key]);
    memcpy(message + size, after.bytes, after.size);
    size += after.size;
    write_file("ours.xml", message, size);

    snprintf(command, sizeof command, "xmlsec1 --verify --pubkey-cert-pem %s.crt ours.xml",
             names[key]);
    ck_assert_msg(run(command) == 0, "%s", words());
    /* Also by the certificate in KeyInfo, chained to the CA. */
    ck_assert_msg(run("xmlsec1 --verify --trusted-pem ca.crt ours.xml") == 0, "%s", words());
    snprintf(command, sizeof command, "xmlsec1 --verify --pubkey-cert-pem %s.crt ours.xml",
             names[1 - key]);
    ck_assert_int_ne(run(command), 0);

    struct signature_verdict verdict;
    ck_assert_msg(check(span_of(message, size), &verdict), "%s", signature_words(verdict.flaw));
    ck_assert_uint_eq(verdict.key, key);
}
END_TEST

/* Good XML signatures that WIRE section 3 does not admit: xmlsec1 makes and accepts them. */
static const struct {
    const char *template;
    enum signature_flaw flaw;
} outside[] = {
    {TEMPLATE(C14N, RSA_SHA256, PLAIN, SHA256, ""), SIGNATURE_FLAW_CANONICALIZATION},
    {TEMPLATE(EXC "WithComments", RSA_SHA256, PLAIN, SHA256, ""), SIGNATURE_FLAW_CANONICALIZATION},
    {TEMPLATE(EXC, RSA_SHA256, REFERENCE("", T(DSIG "enveloped-signature")), SHA256, ""),
     SIGNATURE_FLAW_TRANSFORM},
    {TEMPLATE(EXC, RSA_SHA256, REFERENCE("", T(DSIG "enveloped-signature") T(C14N)), SHA256, ""),
     SIGNATURE_FLAW_TRANSFORM},
    {TEMPLATE(EXC, RSA_SHA256, REFERENCE("", T(DSIG "enveloped-signature") T(EXC)),
              "http://www.w3.org/2001/04/xmlenc#sha512", ""),
     SIGNATURE_FLAW_DIGEST_METHOD},
    {TEMPLATE(EXC, RSA_SHA256, PLAIN, DSIG "sha1", ""), SIGNATURE_FLAW_DIGEST_METHOD},
    {TEMPLATE(EXC, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", PLAIN, SHA256, ""),
     SIGNATURE_FLAW_METHOD},
    {TEMPLATE(EXC, RSA_SHA256, PLAIN, SHA256, "<KeyInfo><KeyValue/></KeyInfo>"),
     SIGNATURE_FLAW_KEY_INFO},
    {TEMPLATE(EXC, RSA_SHA256, PLAIN, SHA256, "<KeyInfo><KeyName>a</KeyName></KeyInfo>"),
     SIGNATURE_FLAW_KEY_INFO},
    {TEMPLATE(EXC, RSA_SHA256, PLAIN, SHA256, "<Object><x/></Object>"), SIGNATURE_FLAW_ELEMENT},
    {TEMPLATE(EXC, RSA_SHA256, "<Reference URI=\"#o\"><Transforms>" T(EXC) "</Transforms>", SHA256,
              "<Object Id=\"o\">signed, but not the Envelope</Object>"),
     SIGNATURE_FLAW_URI},
    {TEMPLATE(EXC, RSA_SHA256,
              PLAIN "<DigestMethod Algorithm=\"" SHA256 "\"/><DigestValue/></Reference>" PLAIN,
              SHA256, ""),
     SIGNATURE_FLAW_REFERENCE_SECOND},
};
#define OUTSIDE (sizeof outside / sizeof outside[0])

START_TEST(we_refuse_what_is_good_outside_the_profile)
{
    struct signature_verdict verdict;
    struct span const message = signed_by_xmlsec(envelopes[0], outside[_i].template, RSA);
    ck_assert_msg(run("xmlsec1 --verify --pubkey-cert-pem rsa.crt signed.xml") == 0, "%s", words());
    ck_assert(!check(message, &verdict));
    ck_assert_str_eq(signature_words(verdict.flaw), signature_words(outside[_i].flaw));
}
END_TEST

/* A signature made elsewhere in the Envelope verifies for xmlsec1, which does not know its place. */
START_TEST(we_refuse_a_good_signature_in_another_place)
{
    static const char *const places[] = {
        "<Envelope><AppHdr><Sgntr/>%s</AppHdr><Document/></Envelope>",
        "<Envelope><AppHdr><Sgntr/></AppHdr><Document>%s</Document></Envelope>",
        "<Envelope><AppHdr><Sgntr/></AppHdr><Document/>%s</Envelope>",
        "<Envelope><AppHdr><Sgntr><Sgntr>%s</Sgntr></Sgntr></AppHdr><Document/></Envelope>",
    };
    struct signature_verdict verdict;
    struct span const message =
        signed_by_xmlsec(places[_i], TEMPLATE(EXC, RSA_SHA256, PLAIN, SHA256, ""), RSA);
    ck_assert_msg(run("xmlsec1 --verify --pubkey-cert-pem rsa.crt signed.xml") == 0, "%s", words());
    ck_assert(!check(message, &verdict));
    ck_assert_int_eq(verdict.flaw, _i == 3 ? SIGNATURE_FLAW_PLACE : SIGNATURE_FLAW_MISSING);
}
END_TEST

int main(void)
{
    if (system("xmlsec1 --version >/dev/null 2>&1") != 0) {
        puts("skipped: the program xmlsec1 is not installed (Debian: apt-get install xmlsec1)");
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("signature_oracle");
    TCase *tests = tcase_create("xmlsec1");
    tcase_set_timeout(tests, 60);
    tcase_add_unchecked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, we_accept_what_xmlsec1_signs, 0,
                        (int)(TEMPLATES * ENVELOPES * KEY_COUNT));
    tcase_add_loop_test(tests, xmlsec1_accepts_what_we_sign, 0, (int)(ENVELOPES * KEY_COUNT));
    tcase_add_loop_test(tests, we_refuse_what_is_good_outside_the_profile, 0, (int)OUTSIDE);
    tcase_add_loop_test(tests, we_refuse_a_good_signature_in_another_place, 0, 4);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
