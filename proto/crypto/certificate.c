/* certificate: an X.509 certificate, read once into plain fields.
 *
 * Everything is taken out of the library's object when the certificate is parsed, so that asking
 * later costs nothing, cannot fail, and is safe from any thread. */
#include "proto/crypto/certificate.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/key_internal.h"
#include "proto/crypto/pem.h"

struct certificate {
    struct hash fingerprint;
    struct span der; /* this and the next four are our own, from malloc */
    struct span subject;
    struct span issuer;
    struct span serial;
    struct span key_id; /* empty when the certificate has none */
    int64_t not_before_ns;
    int64_t not_after_ns;
    struct public_key key; /* pkey == NULL when it is none for signatures */
};

/* Our own copy; false when there is no memory. */
static bool copy(struct span *to, const void *bytes, size_t size)
{
    char *copied = malloc(size + 1);
    if (copied == NULL) return false;
    if (size > 0) memcpy(copied, bytes, size);
    *to = span_of(copied, size);
    return true;
}

static bool copy_name(struct span *to, const X509_NAME *name)
{
    bool copied = false;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL) return false;
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        char *text = NULL;
        long const size = BIO_get_mem_data(bio, &text);
        copied = size >= 0 && copy(to, text, (size_t)size);
    }
    BIO_free(bio);
    return copied;
}

static bool copy_serial(struct span *to, const ASN1_INTEGER *serial)
{
    bool copied = false;
    BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
    char *text = number == NULL ? NULL : BN_bn2dec(number);
    if (text != NULL) copied = copy(to, text, strlen(text));
    OPENSSL_free(text);
    BN_free(number);
    return copied;
}

static bool read_time(const ASN1_TIME *time, int64_t *instant_ns)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1) return false;
    int64_t const seconds = (int64_t)timegm(&tm);
    if (__builtin_mul_overflow(seconds, TIME_NS_PER_SECOND, instant_ns)) {
        *instant_ns = seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return true;
}

/* Takes the key over when it is one for signatures. */
static void read_key(struct public_key *key, X509 *x509)
{
    EVP_PKEY *pkey = X509_get_pubkey(x509);
    if (pkey == NULL) return;
    if (key_judge(pkey, &key->kind) != NULL) {
        EVP_PKEY_free(pkey);
        return;
    }
    key->pkey = pkey;
    key->number = key_next_number();
}

static enum fault parse_der(struct certificate **out, const unsigned char *der, long size,
                            const char **words)
{
    enum fault fault = FAULT_INVALID;
    struct certificate *certificate = NULL;
    const unsigned char *next = der;

    X509 *x509 = d2i_X509(NULL, &next, size);
    if (x509 == NULL || next != der + size) {
        *words = "not a certificate";
        goto failed;
    }
    certificate = calloc(1, sizeof *certificate);
    if (certificate == NULL) {
        fault = FAULT_MEMORY;
        goto failed;
    }
    if (!read_time(X509_get0_notBefore(x509), &certificate->not_before_ns) ||
        !read_time(X509_get0_notAfter(x509), &certificate->not_after_ns)) {
        *words = "the certificate's validity is not written as it should be";
        goto failed;
    }
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(x509);
    if (!copy(&certificate->der, der, (size_t)size) ||
        !copy_name(&certificate->subject, X509_get_subject_name(x509)) ||
        !copy_name(&certificate->issuer, X509_get_issuer_name(x509)) ||
        !copy_serial(&certificate->serial, X509_get0_serialNumber(x509)) ||
        (key_id != NULL && !copy(&certificate->key_id, ASN1_STRING_get0_data(key_id),
                                 (size_t)ASN1_STRING_length(key_id)))) {
        *words = "the certificate's names cannot be read";
        goto failed;
    }
    certificate->fingerprint = hash_of(certificate->der);
    read_key(&certificate->key, x509);
    X509_free(x509);
    ERR_clear_error();
    *out = certificate;
    return FAULT_NONE;

failed:
    certificate_close(certificate);
    X509_free(x509);
    ERR_clear_error();
    return fault;
}

static enum fault parse_pem(struct certificate **out, struct span pem, const char **words)
{
    enum fault fault = FAULT_INVALID;
    bool found = false;

    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.size);
    if (bio == NULL) return FAULT_MEMORY;
    while (!found) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long size = 0;
        if (PEM_read_bio(bio, &name, &header, &der, &size) != 1) break;
        found = strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0;
        if (found) fault = parse_der(out, der, size, words);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    if (!found) *words = "no PEM certificate";
    BIO_free(bio);
    ERR_clear_error();
    return fault;
}

enum fault certificate_parse(struct certificate **out, struct span bytes, const char **words)
{
    *words = "larger than a certificate can be";
    if (bytes.size > LIMIT_PEM_BYTES) return FAULT_INVALID;
    *words = "no memory for the certificate";
    /* DER begins with a SEQUENCE, 0x30: a PEM text would have to begin with the digit zero. */
    if (bytes.size > 0 && bytes.bytes[0] == 0x30) {
        return parse_der(out, (const unsigned char *)bytes.bytes, (long)bytes.size, words);
    }
    return parse_pem(out, bytes, words);
}

enum fault certificate_load(struct certificate **out, const char *path, const char **words)
{
    struct span bytes;
    enum fault fault = pem_read(&bytes, path, words);
    if (fault != FAULT_NONE) return fault;
    fault = certificate_parse(out, bytes, words);
    pem_free(bytes);
    return fault;
}

void certificate_close(struct certificate *certificate)
{
    if (certificate == NULL) return;
    EVP_PKEY_free(certificate->key.pkey);
    free((char *)certificate->der.bytes);
    free((char *)certificate->subject.bytes);
    free((char *)certificate->issuer.bytes);
    free((char *)certificate->serial.bytes);
    free((char *)certificate->key_id.bytes);
    free(certificate);
}

const struct hash *certificate_fingerprint(const struct certificate *certificate)
{
    return &certificate->fingerprint;
}

struct span certificate_der(const struct certificate *certificate)
{
    return certificate->der;
}

struct span certificate_subject(const struct certificate *certificate)
{
    return certificate->subject;
}

struct span certificate_issuer(const struct certificate *certificate)
{
    return certificate->issuer;
}

struct span certificate_serial(const struct certificate *certificate)
{
    return certificate->serial;
}

struct span certificate_key_id(const struct certificate *certificate)
{
    return certificate->key_id;
}

int64_t certificate_not_before_ns(const struct certificate *certificate)
{
    return certificate->not_before_ns;
}

int64_t certificate_not_after_ns(const struct certificate *certificate)
{
    return certificate->not_after_ns;
}

const struct public_key *certificate_key(const struct certificate *certificate)
{
    return certificate->key.pkey == NULL ? NULL : &certificate->key;
}

bool certificate_fits(const struct certificate *certificate, const struct private_key *key)
{
    if (certificate->key.pkey == NULL) return false;
    bool const fits = EVP_PKEY_eq(certificate->key.pkey, key->pkey) == 1;
    ERR_clear_error();
    return fits;
}

static bool is_white(char character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

static bool is_separator(char character)
{
    return character == ',' || character == ';' || character == '+' || character == '=';
}

/* The characters of a name one by one, white space around its separators and at its ends passed
 * over.  A backslash takes the character behind it with it, whatever that is. */
struct name_cursor {
    struct span rest;
    bool after_separator; /* or at the beginning */
    bool escaped;
};

static int next_of_name(struct name_cursor *cursor)
{
    struct span rest = cursor->rest;
    if (!cursor->escaped) {
        size_t white = 0;
        while (white < rest.size && is_white(rest.bytes[white])) {
            white += 1;
        }
        bool const before_separator = white == rest.size || is_separator(rest.bytes[white]);
        if (cursor->after_separator || before_separator) rest = span_after(rest, white);
    }
    if (rest.size == 0) return -1;

    char const character = rest.bytes[0];
    cursor->rest = span_after(rest, 1);
    cursor->after_separator = !cursor->escaped && is_separator(character);
    cursor->escaped = !cursor->escaped && character == '\\';
    return (unsigned char)character;
}

static bool same_name(struct span a, struct span b)
{
    struct name_cursor at_a = {.rest = a, .after_separator = true};
    struct name_cursor at_b = {.rest = b, .after_separator = true};
    for (;;) {
        int const character = next_of_name(&at_a);
        if (character != next_of_name(&at_b)) return false;
        if (character == -1) return true;
    }
}

bool certificate_has_subject(const struct certificate *certificate, struct span text)
{
    return same_name(certificate->subject, text);
}

bool certificate_has_issuer(const struct certificate *certificate, struct span text)
{
    return same_name(certificate->issuer, text);
}

bool certificate_has_serial(const struct certificate *certificate, struct span text)
{
    while (text.size > 0 && is_white(text.bytes[text.size - 1])) {
        text.size -= 1;
    }
    while (text.size > 0 && is_white(text.bytes[0])) {
        text = span_after(text, 1);
    }
    if (text.size > 0 && text.bytes[0] == '+') text = span_after(text, 1);
    while (text.size > 1 && text.bytes[0] == '0') {
        text = span_after(text, 1);
    }
    return span_equal(certificate->serial, text);
}

enum fault certificate_print(const struct certificate *certificate, char *text, size_t text_max)
{
    enum fault fault = FAULT_CRYPTO;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL) return FAULT_MEMORY;
    if (PEM_write_bio(bio, PEM_STRING_X509, "", (const unsigned char *)certificate->der.bytes,
                      (long)certificate->der.size) <= 0) {
        goto done;
    }
    char *bytes = NULL;
    long const size = BIO_get_mem_data(bio, &bytes);
    if (size <= 0) goto done;
    if ((size_t)size >= text_max) {
        fault = FAULT_FULL;
        goto done;
    }
    memcpy(text, bytes, (size_t)size);
    text[size] = '\0';
    fault = FAULT_NONE;

done:
    BIO_free(bio);
    ERR_clear_error();
    return fault;
}
