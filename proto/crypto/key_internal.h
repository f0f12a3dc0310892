/* key_internal: what the files of this folder know of a key and the rest of the house does not. */
#ifndef PROTO_CRYPTO_KEY_INTERNAL_H
#define PROTO_CRYPTO_KEY_INTERNAL_H

#include <openssl/evp.h>
#include <stdint.h>

#include "proto/crypto/key.h"

struct public_key {
    EVP_PKEY *pkey;
    uint64_t number; /* unique in this process, from 1; how verifiers know it */
    enum key_kind kind;
};

struct private_key {
    EVP_PKEY *pkey;
    enum key_kind kind;
};

/* Judges a library key against WIRE section 3.  NULL: good, and *kind says what it is; else static
 * words that say what is wrong. */
const char *key_judge(EVP_PKEY *pkey, enum key_kind *kind);

/* The number for a new public key. */
uint64_t key_next_number(void);

/* A context for `pkey` prepared to verify, or to sign, SHA-256 digests; NULL when the library
 * refuses.  The caller's, for EVP_PKEY_CTX_free. */
enum key_use { KEY_VERIFIES, KEY_SIGNS };
EVP_PKEY_CTX *key_context(EVP_PKEY *pkey, enum key_kind kind, enum key_use use);

#endif
