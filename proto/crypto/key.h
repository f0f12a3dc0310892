/* key: the public and private keys of signatures: RSA of 2,048 to 4,096 bits and EC P-256.
 *
 * WIRE section 3 admits no others.  Keys are immutable and may be shared by threads; what a thread
 * needs to use one quickly is its verifier (verifier.h) or its signer (signer.h).
 *
 * Words: functions that read input from outside set *words, on a fault, to a static text that says
 *        what was wrong; it depends on nothing but the input. */
#ifndef PROTO_CRYPTO_KEY_H
#define PROTO_CRYPTO_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

#define KEY_SIGNATURE_BYTES_MAX 512 /* of RSA with 4,096 bits */
#define KEY_P256_RAW_BYTES 64       /* r and s, 32 bytes each, big-endian (RFC 4051, 3.4) */

enum key_kind { KEY_RSA, KEY_P256 };

/* How a P-256 signature is written; an RSA signature (PKCS#1 v1.5) is the same in both. */
enum key_encoding {
    KEY_ENCODING_RAW, /* r || s, as XML signatures have it */
    KEY_ENCODING_DER  /* ECDSA-Sig-Value, as `openssl dgst -verify` takes it (WIRE section 7) */
};

struct public_key; /* belongs to its certificate (certificate.h) */
struct private_key;

enum key_kind key_kind(const struct public_key *key);

/* Reads an unencrypted PEM private key, PKCS#8 ("BEGIN PRIVATE KEY"; WIRE section 6).
 * On FAULT_NONE *out is the caller's until key_close.
 * FAULT_INVALID: not such PEM, or a key of another kind or size; *words says which. */
MUST_CHECK enum fault key_parse(struct private_key **out, struct span pem, const char **words);

/* The same from a file.  FAULT_IO: it cannot be read, or is larger than LIMIT_PEM_BYTES. */
MUST_CHECK enum fault key_load(struct private_key **out, const char *path, const char **words);

/* Makes a new key: RSA of 2,048 bits (0.1 to 1 s) or P-256.  FAULT_CRYPTO: the library refused. */
MUST_CHECK enum fault key_generate(struct private_key **out, enum key_kind kind);

/* Writes the key as PKCS#8 PEM, unencrypted, with a zero behind it.
 * FAULT_FULL: it does not fit `text_max` bytes. */
MUST_CHECK enum fault key_print(const struct private_key *key, char *text, size_t text_max);

enum key_kind key_private_kind(const struct private_key *key);

/* Accepts NULL. */
void key_close(struct private_key *key);

#endif
