/* signer: one thread's means to sign SHA-256 digests with one private key.
 *
 * Threads: a signer belongs to one thread; several may be made of one key. */
#ifndef PROTO_CRYPTO_SIGNER_H
#define PROTO_CRYPTO_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"

struct signer;

/* On FAULT_NONE *out is the caller's until signer_close; `key` may be closed before it.
 * FAULT_MEMORY, FAULT_CRYPTO: the library gave no context. */
MUST_CHECK enum fault signer_open(struct signer **out, const struct private_key *key);

enum key_kind signer_kind(const struct signer *signer);

/* Signs `digest`: RSA as PKCS#1 v1.5, P-256 in the encoding asked for.  *size is at most
 * KEY_SIGNATURE_BYTES_MAX.  FAULT_CRYPTO: the library (no entropy) refused; nothing was signed. */
MUST_CHECK enum fault signer_sign(struct signer *signer, const struct hash *digest,
                                  enum key_encoding encoding,
                                  uint8_t signature[KEY_SIGNATURE_BYTES_MAX], size_t *size);

/* Accepts NULL. */
void signer_close(struct signer *signer);

#endif
