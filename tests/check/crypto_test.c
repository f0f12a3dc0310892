/* crypto: digests, texts of bytes, keys, signatures both ways, certificates and their issue. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/crypto/base64.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/hex.h"
#include "proto/crypto/random.h"
#include "proto/crypto/signer.h"
#include "proto/crypto/verifier.h"

#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)

/* FIPS 180-4 examples, and the million a's in pieces. */
static const struct {
    const char *text;
    const char *hex;
} digests[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(digests_are_sha256)
{
    struct span const whole = span_text(digests[_i].text);
    struct hash hash = hash_of(whole), read;
    char text[HASH_TEXT_BYTES];
    hash_print(&hash, text);
    ck_assert_str_eq(text, digests[_i].hex);
    ck_assert(hash_parse(span_text(digests[_i].hex), &read));
    ck_assert(hash_equal(&hash, &read));

    for (size_t cut = 0; cut <= whole.size; cut++) {
        struct span const parts[] = {{whole.bytes, cut}, span_after(whole, cut)};
        hash = hash_parts(parts, 2);
        ck_assert(hash_equal(&hash, &read));
    }
}
END_TEST

START_TEST(digests_come_in_pieces)
{
    struct hasher *hasher = NULL;
    char block[1000];
    memset(block, 'a', sizeof block);
    ck_assert_int_eq(hash_open(&hasher), FAULT_NONE);
    hash_begin(hasher);
    hash_add(hasher, SPAN("forgotten by the next begin"));
    for (int round = 0; round < 2; round++) {
        hash_begin(hasher);
        for (int i = 0; i < 1000; i++) {
            hash_add(hasher, span_of(block, sizeof block));
        }
        struct hash const hash = hash_end(hasher);
        char text[HASH_TEXT_BYTES];
        hash_print(&hash, text);
        ck_assert_str_eq(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    hash_close(hasher);
}
END_TEST

static void *hash_in_thread(void *argument)
{
    struct hash *out = argument;
    for (int i = 0; i < 1000; i++) {
        *out = hash_of(SPAN("abc"));
    }
    return NULL;
}

START_TEST(digests_are_the_same_in_every_thread)
{
    pthread_t threads[4];
    struct hash results[4];
    struct hash const expected = hash_of(SPAN("abc"));
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hash_in_thread, &results[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(hash_equal(&results[i], &expected));
    }
}
END_TEST

static const char *const not_hashes[] = {
    "",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
    "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
    "ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    " a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};

START_TEST(hashes_are_read_strictly)
{
    struct hash hash = {.bytes = {1}};
    ck_assert(!hash_parse(span_text(not_hashes[_i]), &hash));
    ck_assert_int_eq(hash.bytes[0], 1);
    ck_assert(!hash_is_zero(&hash));
    hash = (struct hash){0};
    ck_assert(hash_is_zero(&hash));
}
END_TEST

/* text, fault, what it decodes to */
static const struct {
    const char *text;
    enum fault fault;
    const char *bytes;
} base64_texts[] = {
    {"", FAULT_NONE, ""},
    {"Zg==", FAULT_NONE, "f"},
    {"Zm8=", FAULT_NONE, "fo"},
    {"Zm9v", FAULT_NONE, "foo"},
    {"Zm9vYg==", FAULT_NONE, "foob"},
    {"Zm9vYmE=", FAULT_NONE, "fooba"},
    {"Zm9vYmFy", FAULT_NONE, "foobar"},
    {" Z\tm\r\n9 v \r", FAULT_NONE, "foo"},
    {"Zm8 = \r\n", FAULT_NONE, "fo"},
    {"Z g = =", FAULT_NONE, "f"},
    {"/+/+", FAULT_NONE, "\xff\xef\xfe"},
    {"Zg=", FAULT_INVALID, NULL},
    {"Zg", FAULT_INVALID, NULL},
    {"Z", FAULT_INVALID, NULL},
    {"Z===", FAULT_INVALID, NULL},
    {"=", FAULT_INVALID, NULL},
    {"====", FAULT_INVALID, NULL},
    {"Zm9v=", FAULT_INVALID, NULL},
    {"Zm9v====", FAULT_INVALID, NULL},
    {"Zg==Zg==", FAULT_INVALID, NULL},
    {"Zg==Z", FAULT_INVALID, NULL},
    {"Zg===", FAULT_INVALID, NULL},
    {"Zm8==", FAULT_INVALID, NULL},
    {"Zh==", FAULT_INVALID, NULL}, /* unused bits set */
    {"Zm9=", FAULT_INVALID, NULL},
    {"Zm-v", FAULT_INVALID, NULL},
    {"Zm_v", FAULT_INVALID, NULL},
    {"Zm\v9v", FAULT_INVALID, NULL},
    {"Zm\xa0"
     "9v",
     FAULT_INVALID, NULL},
    {"Zm9vYmFyeA==", FAULT_FULL, NULL}, /* seven bytes into six */
    {"Zm9vYmFyeHl6", FAULT_FULL, NULL},
};

START_TEST(base64_is_read_strictly)
{
    uint8_t bytes[6];
    size_t size = 99;
    ck_assert_int_eq(base64_decode(span_text(base64_texts[_i].text), bytes, sizeof bytes, &size),
                     base64_texts[_i].fault);
    if (base64_texts[_i].bytes == NULL) {
        ck_assert_uint_eq(size, 99);
        return;
    }
    ck_assert_uint_eq(size, strlen(base64_texts[_i].bytes));
    ck_assert_mem_eq(bytes, base64_texts[_i].bytes, size);
}
END_TEST

START_TEST(base64_and_hex_come_back)
{
    uint8_t bytes[257], read[257];
    char text[BASE64_TEXT_SIZE(sizeof bytes)], digits[2 * sizeof bytes + 1];
    ck_assert_int_eq(random_fill(bytes, sizeof bytes), FAULT_NONE);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        size_t read_size = 0;
        size_t const text_size = base64_encode(span_of(bytes, size), text);
        ck_assert_uint_eq(text_size, BASE64_TEXT_SIZE(size));
        ck_assert_int_eq(base64_decode(span_of(text, text_size), read, size, &read_size),
                         FAULT_NONE);
        ck_assert_uint_eq(read_size, size);
        ck_assert(size == 0 || memcmp(bytes, read, size) == 0);

        hex_print(span_of(bytes, size), digits);
        memset(read, 0, sizeof read);
        ck_assert(hex_parse(span_of(digits, 2 * size), read));
        ck_assert(size == 0 || memcmp(bytes, read, size) == 0);
    }
}
END_TEST

START_TEST(random_bytes_differ)
{
    uint8_t first[32] = {0}, second[32] = {0};
    ck_assert_int_eq(random_fill(first, sizeof first), FAULT_NONE);
    ck_assert_int_eq(random_fill(second, sizeof second), FAULT_NONE);
    ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

/* Made once: an RSA key takes up to a second. */
static struct private_key *rsa, *p256;
static struct certificate *rsa_certificate, *p256_certificate;
static struct authority *authority;
static int64_t now_ns;

static void make_keys(void)
{
    now_ns = time_wall_ns();
    ck_assert_int_eq(key_generate(&rsa, KEY_RSA), FAULT_NONE);
    ck_assert_int_eq(key_generate(&p256, KEY_P256), FAULT_NONE);
    ck_assert_int_eq(authority_open(&authority, "test authority", now_ns - DAY_NS, now_ns + DAY_NS),
                     FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "10000001 signing", rsa,
                                     now_ns - DAY_NS, now_ns + DAY_NS, &rsa_certificate),
                     FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SERVER, "switch", p256, now_ns - DAY_NS,
                                     now_ns + DAY_NS, &p256_certificate),
                     FAULT_NONE);
}

static void close_keys(void)
{
    key_close(rsa);
    key_close(p256);
    certificate_close(rsa_certificate);
    certificate_close(p256_certificate);
    authority_close(authority);
}

static const struct {
    bool is_rsa;
    enum key_encoding encoding;
} ways[] = {
    {true, KEY_ENCODING_RAW},
    {true, KEY_ENCODING_DER},
    {false, KEY_ENCODING_RAW},
    {false, KEY_ENCODING_DER},
};

START_TEST(signatures_verify_and_nothing_else_does)
{
    const struct private_key *key = ways[_i].is_rsa ? rsa : p256;
    const struct public_key *own =
        certificate_key(ways[_i].is_rsa ? rsa_certificate : p256_certificate);
    const struct public_key *other =
        certificate_key(ways[_i].is_rsa ? p256_certificate : rsa_certificate);
    enum key_encoding const encoding = ways[_i].encoding;
    struct signer *signer = NULL;
    struct verifier *verifier = NULL;
    ck_assert_int_eq(signer_open(&signer, key), FAULT_NONE);
    ck_assert_int_eq(verifier_open(&verifier, 1),
                     FAULT_NONE); /* the two keys displace each other */

    for (uint8_t round = 0; round < 20; round++) {
        struct hash const digest = hash_of(span_of(&round, 1));
        struct hash const other_digest = hash_of(SPAN("other"));
        uint8_t signature[KEY_SIGNATURE_BYTES_MAX];
        size_t size = 0;
        ck_assert_int_eq(signer_sign(signer, &digest, encoding, signature, &size), FAULT_NONE);
        if (ways[_i].is_rsa) ck_assert_uint_eq(size, 256);
        if (!ways[_i].is_rsa && encoding == KEY_ENCODING_RAW) ck_assert_uint_eq(size, 64);

        struct span const made = span_of(signature, size);
        ck_assert(verifier_check(verifier, own, &digest, made, encoding));
        ck_assert(!verifier_check(verifier, own, &other_digest, made, encoding));
        ck_assert(!verifier_check(verifier, other, &digest, made, encoding));
        ck_assert(!verifier_check(verifier, own, &digest, span_of(signature, size - 1), encoding));
        ck_assert(!verifier_check(verifier, own, &digest, span_of(NULL, 0), encoding));
        size_t const at = round * size / 20;
        signature[at] ^= 1;
        ck_assert(!verifier_check(verifier, own, &digest, made, encoding));
        signature[at] ^= 1;
        ck_assert(verifier_check(verifier, own, &digest, made, encoding));
    }
    signer_close(signer);
    verifier_close(verifier);
}
END_TEST

/* Raw ECDSA values at the edges: zero, the order, all ones; none may pass, none may crash. */
START_TEST(odd_ecdsa_values_are_refused)
{
    struct verifier *verifier = NULL;
    struct hash const digest = hash_of(SPAN("odd"));
    uint8_t raw[65];
    ck_assert_int_eq(verifier_open(&verifier, 4), FAULT_NONE);
    static const uint8_t fills[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (size_t r = 0; r < sizeof fills; r++) {
        for (size_t s = 0; s < sizeof fills; s++) {
            memset(raw, fills[r], 32);
            memset(raw + 32, fills[s], 33);
            ck_assert(!verifier_check(verifier, certificate_key(p256_certificate), &digest,
                                      span_of(raw, 64), KEY_ENCODING_RAW));
            ck_assert(!verifier_check(verifier, certificate_key(p256_certificate), &digest,
                                      span_of(raw, 65), KEY_ENCODING_RAW));
            ck_assert(!verifier_check(verifier, certificate_key(p256_certificate), &digest,
                                      span_of(raw, 64), KEY_ENCODING_DER));
        }
    }
    verifier_close(verifier);
}
END_TEST

START_TEST(keys_are_written_and_read)
{
    const struct private_key *key = _i == 0 ? rsa : p256;
    const struct certificate *own = _i == 0 ? rsa_certificate : p256_certificate;
    const struct certificate *other = _i == 0 ? p256_certificate : rsa_certificate;
    char text[4096];
    const char *words = NULL;
    struct private_key *read = NULL;
    ck_assert_int_eq(key_print(key, text, sizeof text), FAULT_NONE);
    ck_assert(span_starts_with(span_text(text), SPAN("-----BEGIN PRIVATE KEY-----\n")));
    ck_assert_int_eq(key_print(key, text, strlen(text)), FAULT_FULL);
    ck_assert_int_eq(key_print(key, text, sizeof text), FAULT_NONE);
    ck_assert_int_eq(key_parse(&read, span_text(text), &words), FAULT_NONE);
    ck_assert_int_eq(key_private_kind(read), _i == 0 ? KEY_RSA : KEY_P256);
    ck_assert(certificate_fits(own, read));
    ck_assert(!certificate_fits(other, read));
    key_close(read);
}
END_TEST

/* An encrypted key must neither be taken nor ask the terminal. */
static const char encrypted_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjKrSxTQvYb1QICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEDP4CwhC4PnHbgDPgpgEY9wEgZBb\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

START_TEST(what_is_no_key_is_refused)
{
    static const char *const texts[] = {
        "", "nonsense", encrypted_key,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    const char *words = NULL;
    ck_assert_int_eq(key_parse(&key, span_text(texts[_i]), &words), FAULT_INVALID);
    ck_assert_str_eq(words, "not an unencrypted PEM private key");
    ck_assert_int_eq(certificate_parse(&certificate, span_text(texts[_i]), &words), FAULT_INVALID);
    ck_assert_str_eq(words, "no PEM certificate");
}
END_TEST

/* Runs the command-line tool, an independent reader; returns its first 8 KiB of output. */
static const char *output_of(const char *command)
{
    static char output[8192];
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t const size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = '\0';
    ck_assert_msg(pclose(pipe) == 0, "%s: %s", command, output);
    return output;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* Kinds and sizes outside WIRE section 3, made by the tool. */
static const struct {
    const char *options;
    const char *words; /* NULL: good */
} made_keys[] = {
    {"-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "the RSA key has less than 2,048 bits"},
    {"-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3", NULL},
    {"-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt "
     "rsa_keygen_pubexp:36893488147419103235",
     "the RSA key's exponent is even, 1 or above 64 bits"},
    {"-algorithm RSA -pkeyopt rsa_keygen_bits:4096", NULL},
    {"-algorithm RSA -pkeyopt rsa_keygen_bits:4104", "the RSA key has more than 4,096 bits"},
    {"-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "the EC key is on another curve than P-256"},
    {"-algorithm EC -pkeyopt ec_paramgen_curve:P-256", NULL},
    {"-algorithm ED25519", "the key is neither RSA nor EC P-256"},
};

START_TEST(only_the_keys_of_the_contract_are_taken)
{
    char command[256];
    snprintf(command, sizeof command, "openssl genpkey %s 2>/dev/null", made_keys[_i].options);
    const char *text = output_of(command);
    struct private_key *key = NULL;
    const char *words = NULL;
    enum fault const fault = key_parse(&key, span_text(text), &words);
    if (made_keys[_i].words == NULL) {
        struct signer *signer = NULL;
        struct hash const digest = hash_of(SPAN("probe"));
        uint8_t signature[KEY_SIGNATURE_BYTES_MAX];
        size_t size = 0;
        ck_assert_int_eq(fault, FAULT_NONE);
        ck_assert_int_eq(signer_open(&signer, key), FAULT_NONE);
        ck_assert_int_eq(signer_sign(signer, &digest, KEY_ENCODING_RAW, signature, &size),
                         FAULT_NONE);
        ck_assert_uint_gt(size, 0);
        signer_close(signer);
    } else {
        ck_assert_int_eq(fault, FAULT_INVALID);
        ck_assert_str_eq(words, made_keys[_i].words);
    }
    key_close(key);
}
END_TEST

START_TEST(certificates_are_read)
{
    char text[8192];
    const char *words = NULL;
    struct certificate *read = NULL;
    ck_assert_int_eq(certificate_print(rsa_certificate, text, sizeof text), FAULT_NONE);
    ck_assert_int_eq(certificate_parse(&read, span_text(text), &words), FAULT_NONE);
    ck_assert(hash_equal(certificate_fingerprint(read), certificate_fingerprint(rsa_certificate)));
    struct hash const of_der = hash_of(certificate_der(read));
    ck_assert(hash_equal(certificate_fingerprint(read), &of_der));
    ck_assert(span_equal(certificate_subject(read), SPAN("CN=10000001 signing,O=Cauce")));
    ck_assert(span_equal(certificate_issuer(read), SPAN("CN=test authority,O=Cauce")));
    ck_assert_uint_eq(certificate_key_id(read).size, 20);
    ck_assert_int_eq(certificate_not_after_ns(read) / TIME_NS_PER_SECOND,
                     (now_ns + DAY_NS) / TIME_NS_PER_SECOND);
    ck_assert_int_eq(certificate_not_before_ns(read) / TIME_NS_PER_SECOND,
                     (now_ns - DAY_NS) / TIME_NS_PER_SECOND);
    ck_assert_int_eq(key_kind(certificate_key(read)), KEY_RSA);

    /* DER is taken too, but nothing may stand behind it. */
    struct certificate *again = NULL;
    char der[4096];
    struct span const whole = certificate_der(read);
    memcpy(der, whole.bytes, whole.size);
    der[whole.size] = 0;
    ck_assert_int_eq(certificate_parse(&again, span_of(der, whole.size), &words), FAULT_NONE);
    certificate_close(again);
    ck_assert_int_eq(certificate_parse(&again, span_of(der, whole.size + 1), &words),
                     FAULT_INVALID);
    for (size_t cut = 1; cut < whole.size; cut += 7) {
        ck_assert_int_eq(certificate_parse(&again, span_of(der, cut), &words), FAULT_INVALID);
    }
    certificate_close(read);
}
END_TEST

/* A channel's certificate may have a key that WIRE section 3 has no use for. */
START_TEST(certificates_with_other_keys_are_read)
{
    struct certificate *certificate = NULL;
    const char *words = NULL;
    const char *text = output_of("openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null "
                                 "-subj '/CN=channel' 2>/dev/null");
    ck_assert_int_eq(certificate_parse(&certificate, span_text(text), &words), FAULT_NONE);
    ck_assert(span_equal(certificate_subject(certificate), SPAN("CN=channel")));
    ck_assert_ptr_null(certificate_key(certificate));
    ck_assert(!certificate_fits(certificate, rsa));
    certificate_close(certificate);
}
END_TEST

static const struct {
    const char *text;
    bool is_same;
} names[] = {
    {"CN=10000001 signing,O=Cauce", true},
    {"CN=10000001 signing, O=Cauce", true},
    {"  CN = 10000001 signing ,\n  O = Cauce  ", true},
    {"CN=10000001  signing,O=Cauce", false},
    {"CN=10000001signing,O=Cauce", false},
    {"O=Cauce,CN=10000001 signing", false},
    {"CN=10000001 signing", false},
    {"CN=10000001 signing,O=Cauce,", false},
    {"CN=10000001 signing\\,O=Cauce", false},
    {"", false},
};

START_TEST(names_are_compared)
{
    ck_assert_int_eq(certificate_has_subject(rsa_certificate, span_text(names[_i].text)),
                     names[_i].is_same);
    ck_assert(!certificate_has_issuer(rsa_certificate, span_text(names[_i].text)));
}
END_TEST

START_TEST(serials_are_compared)
{
    char text[128];
    struct span const serial = certificate_serial(rsa_certificate);
    int const size = (int)serial.size;
    ck_assert(certificate_has_serial(rsa_certificate, serial));
    ck_assert(!certificate_has_serial(p256_certificate, serial));
    snprintf(text, sizeof text, " \n+000%.*s ", size, serial.bytes);
    ck_assert(certificate_has_serial(rsa_certificate, span_text(text)));
    snprintf(text, sizeof text, "%.*s0", size, serial.bytes);
    ck_assert(!certificate_has_serial(rsa_certificate, span_text(text)));
    ck_assert(!certificate_has_serial(rsa_certificate, SPAN("")));
    ck_assert(!certificate_has_serial(rsa_certificate, SPAN("+")));
}
END_TEST

/* What is issued must satisfy other people's tools. */
START_TEST(issued_certificates_satisfy_openssl)
{
    char folder[] = "/tmp/crypto_test.XXXXXX", path[128], command[512], text[8192];
    ck_assert_ptr_nonnull(mkdtemp(folder));

    ck_assert_int_eq(certificate_print(authority_certificate(authority), text, sizeof text),
                     FAULT_NONE);
    snprintf(path, sizeof path, "%s/ca.crt", folder);
    write_file(path, text, strlen(text));
    ck_assert_int_eq(certificate_print(p256_certificate, text, sizeof text), FAULT_NONE);
    snprintf(path, sizeof path, "%s/leaf.crt", folder);
    write_file(path, text, strlen(text));

    snprintf(command, sizeof command,
             "cd %s && openssl verify -x509_strict -purpose sslserver -verify_hostname localhost "
             "-CAfile ca.crt leaf.crt 2>&1 && openssl verify -verify_ip 127.0.0.1 -CAfile ca.crt "
             "leaf.crt 2>&1",
             folder);
    output_of(command);
    snprintf(command, sizeof command,
             "cd %s && openssl verify -purpose sslclient -CAfile ca.crt "
             "leaf.crt >/dev/null 2>&1 && echo taken || echo refused",
             folder);
    ck_assert_str_eq(output_of(command), "refused\n");

    uint8_t bundle[8192];
    size_t size = 0;
    ck_assert_int_eq(
        authority_bundle(authority, p256_certificate, p256, "cauce", bundle, sizeof bundle, &size),
        FAULT_NONE);
    snprintf(path, sizeof path, "%s/maker.p12", folder);
    write_file(path, bundle, size);
    snprintf(command, sizeof command,
             "cd %s && openssl pkcs12 -in maker.p12 -passin pass:cauce -nodes 2>&1", folder);
    const char *output = output_of(command);
    ck_assert_ptr_nonnull(strstr(output, "BEGIN PRIVATE KEY"));
    ck_assert_ptr_nonnull(strstr(output, "CN = test authority"));
    ck_assert_int_eq(
        authority_bundle(authority, p256_certificate, p256, "cauce", bundle, 10, &size),
        FAULT_FULL);

    snprintf(command, sizeof command, "rm -r %s", folder);
    output_of(command);
}
END_TEST

START_TEST(files_that_are_not_there_are_named)
{
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    const char *words = NULL;
    ck_assert_int_eq(key_load(&key, "/nonexistent/key", &words), FAULT_IO);
    ck_assert_str_eq(words, "the file cannot be opened");
    ck_assert_int_eq(certificate_load(&certificate, "/dev/zero", &words), FAULT_IO);
    ck_assert_str_eq(words, "the file is larger than a key or certificate can be");
}
END_TEST

START_TEST(names_and_times_of_issue_are_bounded)
{
    struct authority *refused = NULL;
    char name[AUTHORITY_NAME_BYTES_MAX + 2];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(authority_open(&refused, name, 0, DAY_NS), FAULT_INVALID);
    ck_assert_int_eq(authority_open(&refused, "", 0, DAY_NS), FAULT_INVALID);
    ck_assert_int_eq(authority_open(&refused, "backwards", DAY_NS, 0), FAULT_INVALID);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("crypto");

    TCase *bytes = tcase_create("bytes");
    tcase_add_loop_test(bytes, digests_are_sha256, 0, COUNT(digests));
    tcase_add_test(bytes, digests_come_in_pieces);
    tcase_add_test(bytes, digests_are_the_same_in_every_thread);
    tcase_add_loop_test(bytes, hashes_are_read_strictly, 0, COUNT(not_hashes));
    tcase_add_loop_test(bytes, base64_is_read_strictly, 0, COUNT(base64_texts));
    tcase_add_test(bytes, base64_and_hex_come_back);
    tcase_add_test(bytes, random_bytes_differ);
    suite_add_tcase(suite, bytes);

    TCase *keys = tcase_create("keys");
    tcase_set_timeout(keys, 60);
    tcase_add_unchecked_fixture(keys, make_keys, close_keys);
    tcase_add_loop_test(keys, signatures_verify_and_nothing_else_does, 0, COUNT(ways));
    tcase_add_test(keys, odd_ecdsa_values_are_refused);
    tcase_add_loop_test(keys, keys_are_written_and_read, 0, 2);
    tcase_add_loop_test(keys, what_is_no_key_is_refused, 0, 4);
    tcase_add_loop_test(keys, only_the_keys_of_the_contract_are_taken, 0, COUNT(made_keys));
    tcase_add_test(keys, certificates_are_read);
    tcase_add_test(keys, certificates_with_other_keys_are_read);
    tcase_add_loop_test(keys, names_are_compared, 0, COUNT(names));
    tcase_add_test(keys, serials_are_compared);
    tcase_add_test(keys, issued_certificates_satisfy_openssl);
    tcase_add_test(keys, files_that_are_not_there_are_named);
    tcase_add_test(keys, names_and_times_of_issue_are_bounded);
    suite_add_tcase(suite, keys);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
