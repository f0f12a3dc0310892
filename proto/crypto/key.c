/* key: the public and private keys of signatures, judged when they come in, trusted afterwards. */
#include "proto/crypto/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/crypto/key_internal.h"
#include "proto/crypto/pem.h"

/* With an exponent of 1 every message is its own signature, and a long one makes each check as
 * dear as a signature. */
static bool exponent_is_sound(const EVP_PKEY *pkey)
{
    BIGNUM *exponent = NULL;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1) return false;
    bool const sound = BN_is_odd(exponent) && !BN_is_one(exponent) && BN_num_bits(exponent) <= 64;
    BN_free(exponent);
    return sound;
}

const char *key_judge(EVP_PKEY *pkey, enum key_kind *kind)
{
    /* WIRE section 3: "rsa-sha256 (2,048 to 4,096 bits), ecdsa-sha256 (P-256 ...)". */
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        int const bits = EVP_PKEY_get_bits(pkey);
        if (bits < 2048) return "the RSA key has less than 2,048 bits";
        if (bits > 4096) return "the RSA key has more than 4,096 bits";
        if (!exponent_is_sound(pkey)) return "the RSA key's exponent is even, 1 or above 64 bits";
        *kind = KEY_RSA;
        return NULL;
    }
    if (EVP_PKEY_is_a(pkey, "EC")) {
        char group[64];
        if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                           NULL) != 1 ||
            strcmp(group, SN_X9_62_prime256v1) != 0) {
            return "the EC key is on another curve than P-256";
        }
        *kind = KEY_P256;
        return NULL;
    }
    return "the key is neither RSA nor EC P-256";
}

uint64_t key_next_number(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

EVP_PKEY_CTX *key_context(EVP_PKEY *pkey, enum key_kind kind, enum key_use use)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (context == NULL) goto failed;
    switch (use) {
    case KEY_VERIFIES:
        if (EVP_PKEY_verify_init(context) != 1) goto failed;
        break;
    case KEY_SIGNS:
        if (EVP_PKEY_sign_init(context) != 1) goto failed;
        break;
    }
    if (EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) != 1) goto failed;
    if (kind == KEY_RSA && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1) {
        goto failed;
    }
    return context;

failed:
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

enum key_kind key_kind(const struct public_key *key)
{
    return key->kind;
}

enum key_kind key_private_kind(const struct private_key *key)
{
    return key->kind;
}

/* Takes over `pkey`, also when it fails. */
static enum fault wrap(struct private_key **out, EVP_PKEY *pkey, enum key_kind kind)
{
    struct private_key *key = malloc(sizeof *key);
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return FAULT_MEMORY;
    }
    *key = (struct private_key){.pkey = pkey, .kind = kind};
    *out = key;
    return FAULT_NONE;
}

/* Stands where the library would ask the terminal for a password. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

enum fault key_parse(struct private_key **out, struct span pem, const char **words)
{
    *words = "not an unencrypted PEM private key";
    if (pem.size > LIMIT_PEM_BYTES) return FAULT_INVALID;
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.size);
    if (bio == NULL) return FAULT_MEMORY;
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (pkey == NULL) return FAULT_INVALID;

    enum key_kind kind;
    const char *wrong = key_judge(pkey, &kind);
    if (wrong != NULL) {
        *words = wrong;
        EVP_PKEY_free(pkey);
        return FAULT_INVALID;
    }
    *words = "no memory for the key";
    return wrap(out, pkey, kind);
}

enum fault key_load(struct private_key **out, const char *path, const char **words)
{
    struct span pem;
    enum fault fault = pem_read(&pem, path, words);
    if (fault != FAULT_NONE) return fault;
    fault = key_parse(out, pem, words);
    pem_free(pem);
    return fault;
}

enum fault key_generate(struct private_key **out, enum key_kind kind)
{
    EVP_PKEY *pkey = NULL;
    switch (kind) {
    case KEY_RSA: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048); break;
    case KEY_P256: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"); break;
    }
    if (pkey == NULL) {
        ERR_clear_error();
        return FAULT_CRYPTO;
    }
    return wrap(out, pkey, kind);
}

enum fault key_print(const struct private_key *key, char *text, size_t text_max)
{
    enum fault fault = FAULT_CRYPTO;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL) return FAULT_MEMORY;
    if (PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) goto done;
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

void key_close(struct private_key *key)
{
    if (key == NULL) return;
    EVP_PKEY_free(key->pkey);
    free(key);
}
