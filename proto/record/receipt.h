/* receipt: a settled entry with the way from its hash to the root of its block (WIRE section 7).
 *
 *   prev_hash | public | private_hash | body_hash --> hash --path--> root in header <-- signature
 *
 * Who holds a receipt needs the switch's certificate and nothing else to prove what the ledger says
 * of one payment.  Of the private part there is only the hash, so no balance and no name shows.
 * Format: ledger/README.md, "Receipts".  Nothing here allocates; any thread. */
#ifndef PROTO_RECORD_RECEIPT_H
#define PROTO_RECORD_RECEIPT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"
#include "proto/record/block.h"
#include "proto/record/entry.h"

#define RECEIPT_VERSION 1
#define RECEIPT_PATH_MAX 12 /* levels of the tree over a block of BLOCK_ENTRIES_MAX entries */
static_assert(BLOCK_ENTRIES_MAX == 1 << RECEIPT_PATH_MAX, "the longest path");

/* A sibling on the way up. */
struct receipt_step {
    bool is_left; /* it stands on the left of what was reached */
    struct hash hash;
};

struct receipt {
    struct entry_public public;
    struct hash private_hash;
    struct hash body_hash;
    struct hash prev_hash;
    struct hash hash;
    struct block_header header;                 /* of the block that holds the entry */
    uint32_t path_count;                        /* 0 to RECEIPT_PATH_MAX */
    struct receipt_step path[RECEIPT_PATH_MAX]; /* from the leaf to the root */
};

/* The switch's word for the header, by the key of the named certificate. */
struct receipt_signature {
    enum key_kind kind;
    struct hash certificate; /* SHA-256 of its DER */
    uint32_t size;
    uint8_t bytes[KEY_SIGNATURE_BYTES_MAX]; /* over the header's bytes; ECDSA in DER */
};

/* 2 KiB for what is readable of the entry, 12 steps of 96, a signature of 684, all else 1,500. */
#define RECEIPT_TEXT_BYTES_MAX (6 * 1024)

/* The receipt as JSON, without a zero behind it; returns its length.
 * Assumed: an entry of a payment; as the ledger gave it. */
size_t receipt_write(const struct receipt *receipt, const struct receipt_signature *signature,
                     char text[RECEIPT_TEXT_BYTES_MAX]);

#endif
