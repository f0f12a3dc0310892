/* tree: the root of a block's entries by RFC 6962's own definition, section 2.1. */
#ifndef LEDGER_VERIFY_TREE_H
#define LEDGER_VERIFY_TREE_H

#include <stdint.h>

#include "proto/crypto/hash.h"

/* The root over `count` hashes of entries. Assumed: 1 <= count. */
struct hash tree_root(const struct hash *hashes, uint32_t count);

#endif
