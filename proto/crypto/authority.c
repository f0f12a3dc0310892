/* authority: a small certificate authority, for development environments and tests.
 *
 * Certificates follow RFC 5280: version 3, a random serial of 16 bytes, SHA-256, key identifiers on
 * both sides, keyUsage critical. */
#include "proto/crypto/authority.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/crypto/key_internal.h"
#include "proto/crypto/random.h"

#define SERIAL_BYTES 16 /* RFC 5280, 4.1.2.2: at most 20; 64 random bits are the least asked for */

struct authority {
    struct private_key *key;
    struct certificate *certificate;
    X509 *x509;
};

struct extension {
    int nid;
    const char *value; /* as in openssl's configuration */
};

static const struct extension authority_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
};

static const struct extension client_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "clientAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

static const struct extension server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

static const struct extension signing_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature,nonRepudiation"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

static bool add_extensions(X509 *x509, X509 *issuer, const struct extension *extensions,
                           size_t count)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        if (extension == NULL) return false;
        int const added = X509_add_ext(x509, extension, -1);
        X509_EXTENSION_free(extension);
        if (added != 1) return false;
    }
    return true;
}

static bool add_purpose(X509 *x509, X509 *issuer, enum authority_purpose purpose)
{
    switch (purpose) {
    case AUTHORITY_CLIENT:
        return add_extensions(x509, issuer, client_extensions,
                              sizeof client_extensions / sizeof client_extensions[0]);
    case AUTHORITY_SERVER:
        return add_extensions(x509, issuer, server_extensions,
                              sizeof server_extensions / sizeof server_extensions[0]);
    case AUTHORITY_SIGNING:
        return add_extensions(x509, issuer, signing_extensions,
                              sizeof signing_extensions / sizeof signing_extensions[0]);
    }
    return false;
}

static bool set_serial(X509 *x509)
{
    uint8_t bytes[SERIAL_BYTES];
    if (random_fill(bytes, sizeof bytes) != FAULT_NONE) return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and always of the same length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool const set =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return set;
}

/* Everything but issuer, extensions and signature. */
static X509 *draft(const char *name, EVP_PKEY *pkey, int64_t not_before_ns, int64_t not_after_ns)
{
    X509 *x509 = X509_new();
    if (x509 == NULL) return NULL;
    X509_NAME *subject = X509_get_subject_name(x509);
    if (X509_set_version(x509, X509_VERSION_3) != 1 || !set_serial(x509) ||
        ASN1_TIME_set(X509_getm_notBefore(x509), not_before_ns / TIME_NS_PER_SECOND) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(x509), not_after_ns / TIME_NS_PER_SECOND) == NULL ||
        X509_set_pubkey(x509, pkey) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Cauce", -1,
                                   -1, 0) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                   -1, 0) != 1) {
        X509_free(x509);
        return NULL;
    }
    return x509;
}

static enum fault to_certificate(struct certificate **out, const X509 *x509)
{
    unsigned char *der = NULL;
    const char *words = NULL;
    int const size = i2d_X509(x509, &der);
    if (size <= 0) return FAULT_CRYPTO;
    enum fault const fault = certificate_parse(out, span_of(der, (size_t)size), &words);
    OPENSSL_free(der);
    return fault;
}

static X509 *of_certificate(const struct certificate *certificate)
{
    struct span const der = certificate_der(certificate);
    const unsigned char *next = (const unsigned char *)der.bytes;
    return d2i_X509(NULL, &next, (long)der.size);
}

static bool is_in_range(const char *name, int64_t not_before_ns, int64_t not_after_ns)
{
    size_t const size = strlen(name);
    return size >= 1 && size <= AUTHORITY_NAME_BYTES_MAX && not_before_ns >= 0 &&
           not_before_ns <= not_after_ns;
}

enum fault authority_open(struct authority **out, const char *name, int64_t not_before_ns,
                          int64_t not_after_ns)
{
    if (!is_in_range(name, not_before_ns, not_after_ns)) return FAULT_INVALID;
    struct authority *authority = calloc(1, sizeof *authority);
    if (authority == NULL) return FAULT_MEMORY;

    enum fault fault = key_generate(&authority->key, KEY_P256);
    if (fault != FAULT_NONE) goto failed;

    fault = FAULT_CRYPTO;
    EVP_PKEY *pkey = authority->key->pkey;
    authority->x509 = draft(name, pkey, not_before_ns, not_after_ns);
    if (authority->x509 == NULL) goto failed;
    if (X509_set_issuer_name(authority->x509, X509_get_subject_name(authority->x509)) != 1 ||
        !add_extensions(authority->x509, authority->x509, authority_extensions,
                        sizeof authority_extensions / sizeof authority_extensions[0]) ||
        X509_sign(authority->x509, pkey, EVP_sha256()) == 0) {
        goto failed;
    }
    fault = to_certificate(&authority->certificate, authority->x509);
    if (fault != FAULT_NONE) goto failed;
    *out = authority;
    return FAULT_NONE;

failed:
    ERR_clear_error();
    authority_close(authority);
    return fault;
}

const struct certificate *authority_certificate(const struct authority *authority)
{
    return authority->certificate;
}

enum fault authority_issue(const struct authority *authority, enum authority_purpose purpose,
                           const char *name, const struct private_key *key, int64_t not_before_ns,
                           int64_t not_after_ns, struct certificate **out)
{
    if (!is_in_range(name, not_before_ns, not_after_ns)) return FAULT_INVALID;
    enum fault fault = FAULT_CRYPTO;
    X509 *x509 = draft(name, key->pkey, not_before_ns, not_after_ns);
    if (x509 == NULL) goto done;
    if (X509_set_issuer_name(x509, X509_get_subject_name(authority->x509)) != 1 ||
        !add_purpose(x509, authority->x509, purpose) ||
        X509_sign(x509, authority->key->pkey, EVP_sha256()) == 0) {
        goto done;
    }
    fault = to_certificate(out, x509);

done:
    X509_free(x509);
    ERR_clear_error();
    return fault;
}

enum fault authority_bundle(const struct authority *authority,
                            const struct certificate *certificate, const struct private_key *key,
                            const char *password, uint8_t *bytes, size_t bytes_max, size_t *size)
{
    enum fault fault = FAULT_CRYPTO;
    PKCS12 *bundle = NULL;
    unsigned char *der = NULL;
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *x509 = of_certificate(certificate);
    if (chain == NULL || x509 == NULL || sk_X509_push(chain, authority->x509) == 0) goto done;

    struct span const subject = certificate_subject(certificate);
    char label[256];
    size_t const label_size = subject.size < sizeof label ? subject.size : sizeof label - 1;
    memcpy(label, subject.bytes, label_size);
    label[label_size] = '\0';
    bundle = PKCS12_create(password, label, key->pkey, x509, chain, 0, 0, 0, 0, 0);
    if (bundle == NULL) goto done;
    int const der_size = i2d_PKCS12(bundle, &der);
    if (der_size <= 0) goto done;
    if ((size_t)der_size > bytes_max) {
        fault = FAULT_FULL;
        goto done;
    }
    memcpy(bytes, der, (size_t)der_size);
    *size = (size_t)der_size;
    fault = FAULT_NONE;

done:
    OPENSSL_free(der);
    PKCS12_free(bundle);
    X509_free(x509);
    sk_X509_free(chain); /* the certificate in it is the authority's */
    ERR_clear_error();
    return fault;
}

void authority_close(struct authority *authority)
{
    if (authority == NULL) return;
    X509_free(authority->x509);
    certificate_close(authority->certificate);
    key_close(authority->key);
    free(authority);
}
