/* block: the entries of one commit under one Merkle root, each header naming the one before it.
 *
 * Unsigned; checkpoints, seals and receipts sign headers (DESIGN, "The ledger").  The tree is that
 * of RFC 6962: leaf SHA-256(0x00 | entry hash), node SHA-256(0x01 | left | right). */
#ifndef PROTO_RECORD_BLOCK_H
#define PROTO_RECORD_BLOCK_H

#include <assert.h>
#include <stdint.h>

#include "proto/crypto/hash.h"

#define BLOCK_VERSION 1
#define BLOCK_HEADER_BYTES 104
#define BLOCK_ENTRIES_MAX 4096 /* entries of one commit: the journal's batch; also a genesis of 1,000 banks */

/* The struct is the bytes: little-endian, no padding. */
struct block_header {
    uint32_t version;     /* BLOCK_VERSION */
    uint32_t entry_count; /* last_seq - first_seq + 1, 1 to BLOCK_ENTRIES_MAX */
    uint64_t number;      /* 1, 2, 3, ... without a gap over all segments */
    uint64_t first_seq;
    uint64_t last_seq;
    int64_t time_ns;      /* of its last entry */
    struct hash previous; /* SHA-256 of the header before it; zeros before the first */
    struct hash root;     /* over its entries' hashes */
};

static_assert(sizeof(struct block_header) == BLOCK_HEADER_BYTES,
              "the format on disk depends on it");

/* SHA-256 of the header's bytes. */
struct hash block_header_hash(const struct block_header *header);

/* The Merkle root over `count` entry hashes. Assumed 1 <= count <= BLOCK_ENTRIES_MAX. */
struct hash block_root(const struct hash *entry_hashes, uint32_t count);

#endif
