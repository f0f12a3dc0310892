/* tree: RFC 6962's Merkle tree (section 2.1) over hashes that come one by one: the entries of a
 * block, the headers of a segment. */
#ifndef LEDGER_VERIFY_TREE_H
#define LEDGER_VERIFY_TREE_H

#include <stdint.h>

#include "proto/crypto/hash.h"

#define TREE_LEVELS 64

/* Zeros: no leaves. */
struct tree {
    uint64_t leaves;
    struct hash
        roots[TREE_LEVELS]; /* roots[n]: of a full subtree of 2^n leaves, where bit n is set */
};

void tree_add(struct tree *tree, const struct hash *hash);

/* Assumed: it has leaves. */
struct hash tree_root(const struct tree *tree);

#endif
