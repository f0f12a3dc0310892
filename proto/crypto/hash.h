/* hash: SHA-256, the one digest of the switch: chain, blocks, evidence, fingerprints, signatures.
 *
 * Threads: every function may be called from any thread.  Each thread keeps one library context,
 *          taken at its first hash and given back when it ends, so that a hash takes no lock of
 *          ours and none to look the algorithm up.
 * Failure: none.  SHA-256 of bytes in memory cannot fail once a thread's context exists; where
 *          even that cannot be had the process stops, as there is nothing to go on with. */
#ifndef PROTO_CRYPTO_HASH_H
#define PROTO_CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

#define HASH_BYTES 32
#define HASH_TEXT_BYTES (2 * HASH_BYTES + 1) /* lower-case hex and its zero */

struct hash {
    uint8_t bytes[HASH_BYTES];
};

/* SHA-256 of `bytes`, which may be empty. */
struct hash hash_of(struct span bytes);

/* SHA-256 of the parts one behind the other, as if they were one run of bytes. */
struct hash hash_parts(const struct span *parts, size_t count);

/* True when all 32 bytes are the same.  Not for secrets: it takes a shorter time when they differ. */
bool hash_equal(const struct hash *a, const struct hash *b);

/* True for 32 zero bytes, which stand for "no hash" (WIRE section 7: a body that is absent). */
bool hash_is_zero(const struct hash *hash);

/* The hash as a span over its own bytes, good as long as *hash is. */
struct span hash_span(const struct hash *hash);

/* Writes 64 lower-case hexadecimal digits and a zero. */
void hash_print(const struct hash *hash, char text[HASH_TEXT_BYTES]);

/* Reads exactly 64 lower-case hexadecimal digits.  *hash is written only when it returns true. */
MUST_CHECK bool hash_parse(struct span text, struct hash *hash);

/* A digest of bytes that come in pieces.  One is taken at start and used again and again; it
 * belongs to one thread at a time. */
struct hasher;

/* FAULT_MEMORY, FAULT_CRYPTO: the library gave none.  *out is the caller's until hash_close. */
MUST_CHECK enum fault hash_open(struct hasher **out);

/* Starts afresh, whatever was added before. */
void hash_begin(struct hasher *hasher);
void hash_add(struct hasher *hasher, struct span bytes);

/* The digest of what was added since hash_begin; hash_begin must come before the next hash_add. */
struct hash hash_end(struct hasher *hasher);

/* Accepts NULL. */
void hash_close(struct hasher *hasher);

#endif
