/* signer: signs SHA-256 digests with a library context that was prepared before. */
#include "proto/crypto/signer.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto/ecdsa.h"
#include "proto/crypto/key_internal.h"

struct signer {
    EVP_PKEY_CTX *context;
    enum key_kind kind;
};

enum fault signer_open(struct signer **out, const struct private_key *key)
{
    struct signer *signer = malloc(sizeof *signer);
    if (signer == NULL) return FAULT_MEMORY;
    signer->kind = key->kind;
    signer->context = key_context(key->pkey, key->kind, KEY_SIGNS);
    if (signer->context == NULL) {
        free(signer);
        return FAULT_CRYPTO;
    }
    *out = signer;
    return FAULT_NONE;
}

enum key_kind signer_kind(const struct signer *signer)
{
    return signer->kind;
}

enum fault signer_sign(struct signer *signer, const struct hash *digest, enum key_encoding encoding,
                       uint8_t signature[KEY_SIGNATURE_BYTES_MAX], size_t *size)
{
    uint8_t made[KEY_SIGNATURE_BYTES_MAX];
    size_t made_size = sizeof made;
    if (EVP_PKEY_sign(signer->context, made, &made_size, digest->bytes, HASH_BYTES) != 1) {
        ERR_clear_error();
        return FAULT_CRYPTO;
    }
    if (signer->kind == KEY_P256 && encoding == KEY_ENCODING_RAW) {
        if (!ecdsa_to_raw(made, made_size, signature)) return FAULT_CRYPTO;
        *size = KEY_P256_RAW_BYTES;
        return FAULT_NONE;
    }
    memcpy(signature, made, made_size);
    *size = made_size;
    return FAULT_NONE;
}

void signer_close(struct signer *signer)
{
    if (signer == NULL) return;
    EVP_PKEY_CTX_free(signer->context);
    free(signer);
}
