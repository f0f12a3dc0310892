/* MTH({d}) = SHA-256(0x00 | d); MTH(D[n]) = SHA-256(0x01 | MTH(D[0:k]) | MTH(D[k:n])), k the largest
 * power of two smaller than n.  So n leaves are full subtrees of sizes as n's bits say, the largest
 * to the left, each the left sibling of all that follows it. */
#include "ledger/verify/tree.h"

#include <stdbool.h>

static struct hash node(const struct hash *left, const struct hash *right)
{
    struct span const parts[] = {SPAN("\1"), hash_span(left), hash_span(right)};
    return hash_parts(parts, 3);
}

void tree_add(struct tree *tree, const struct hash *hash)
{
    struct span const leaf[] = {SPAN("\0"), hash_span(hash)};
    struct hash root = hash_parts(leaf, 2);
    unsigned level = 0;
    for (uint64_t full = tree->leaves; full & 1; full >>= 1)
        root = node(&tree->roots[level++], &root);
    tree->roots[level] = root;
    tree->leaves++;
}

struct hash tree_root(const struct tree *tree)
{
    unsigned level = 0;
    while (!(tree->leaves >> level & 1))
        level++;
    struct hash root = tree->roots[level];
    for (level++; level < TREE_LEVELS; level++) {
        if (tree->leaves >> level & 1) root = node(&tree->roots[level], &root);
    }
    return root;
}
