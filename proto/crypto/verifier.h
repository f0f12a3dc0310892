/* verifier: one thread's means to check signatures over SHA-256 digests.
 *
 * Preparing OpenSSL for a key costs about as much as a fifth of an RSA check, so a verifier keeps
 * the prepared contexts of the keys that it met last.  A key is known by a number of its own, never
 * by its address: a key that was closed cannot be mistaken for one made later at the same place,
 * and its context merely waits to be displaced.
 *
 * Threads: a verifier belongs to one thread; the keys may be shared.
 * Memory:  the table is taken in verifier_open; a key met for the first time costs one context of
 *          the library's. */
#ifndef PROTO_CRYPTO_VERIFIER_H
#define PROTO_CRYPTO_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"

struct verifier;

/* Keeps up to `keys_max` prepared keys; assumed 1 <= keys_max <= 65,536, rounded up to a power of
 * two.  On FAULT_NONE *out is the caller's until verifier_close. */
MUST_CHECK enum fault verifier_open(struct verifier **out, size_t keys_max);

/* True when `signature` is `key`'s over `digest`.  False for every other signature, of any size
 * and content, and when the library cannot prepare the key. */
MUST_CHECK bool verifier_check(struct verifier *verifier, const struct public_key *key,
                               const struct hash *digest, struct span signature,
                               enum key_encoding encoding);

/* Accepts NULL. */
void verifier_close(struct verifier *verifier);

#endif
