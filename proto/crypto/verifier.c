/* verifier: checks signatures with library contexts that were prepared before.
 *
 * The table is direct-mapped by the key's number.  Numbers are given out one after the other, so
 * that the keys of one registry spread evenly and displace one another only when there are more of
 * them than places. */
#include "proto/crypto/verifier.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "proto/crypto/ecdsa.h"
#include "proto/crypto/key_internal.h"

struct prepared {
    uint64_t number; /* of the key; 0 = the place is empty */
    EVP_PKEY_CTX *context;
};

struct verifier {
    size_t mask; /* places - 1 */
    struct prepared places[];
};

enum fault verifier_open(struct verifier **out, size_t keys_max)
{
    assert(keys_max >= 1 && keys_max <= 65536);
    size_t place_count = 1;
    while (place_count < keys_max) {
        place_count *= 2;
    }
    struct verifier *verifier =
        calloc(1, sizeof *verifier + place_count * sizeof verifier->places[0]);
    if (verifier == NULL) return FAULT_MEMORY;
    verifier->mask = place_count - 1;
    *out = verifier;
    return FAULT_NONE;
}

static EVP_PKEY_CTX *prepare(struct verifier *verifier, const struct public_key *key)
{
    struct prepared *place = &verifier->places[key->number & verifier->mask];
    if (place->number == key->number) return place->context;

    EVP_PKEY_CTX *context = key_context(key->pkey, key->kind, KEY_VERIFIES);
    if (context == NULL) return NULL;
    EVP_PKEY_CTX_free(place->context);
    *place = (struct prepared){.number = key->number, .context = context};
    return context;
}

bool verifier_check(struct verifier *verifier, const struct public_key *key,
                    const struct hash *digest, struct span signature, enum key_encoding encoding)
{
    uint8_t der[ECDSA_DER_BYTES_MAX];
    const uint8_t *bytes = (const uint8_t *)signature.bytes;
    size_t size = signature.size;

    if (key->kind == KEY_P256) {
        switch (encoding) {
        case KEY_ENCODING_RAW:
            if (size != KEY_P256_RAW_BYTES) return false;
            size = ecdsa_to_der(bytes, der);
            bytes = der;
            break;
        case KEY_ENCODING_DER: break; /* the library reads it, strictly */
        }
    }
    EVP_PKEY_CTX *context = prepare(verifier, key);
    if (context == NULL) return false;
    if (EVP_PKEY_verify(context, bytes, size, digest->bytes, HASH_BYTES) == 1) return true;
    ERR_clear_error(); /* left standing it would be taken for a fault of a TLS connection */
    return false;
}

void verifier_close(struct verifier *verifier)
{
    if (verifier == NULL) return;
    for (size_t i = 0; i <= verifier->mask; i++) {
        EVP_PKEY_CTX_free(verifier->places[i].context);
    }
    free(verifier);
}
