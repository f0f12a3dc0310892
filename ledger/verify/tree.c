/* The definition, written as it stands: MTH({d}) = SHA-256(0x00 | d); MTH(D[n]) =
 * SHA-256(0x01 | MTH(D[0:k]) | MTH(D[k:n])), k the largest power of two smaller than n. */
#include "ledger/verify/tree.h"

struct hash tree_root(const struct hash *hashes, uint32_t count)
{
    if (count == 1) {
        struct span const leaf[] = {SPAN("\0"), hash_span(&hashes[0])};
        return hash_parts(leaf, 2);
    }
    uint32_t half = 1;
    while (2 * half < count)
        half *= 2;
    struct hash const left = tree_root(hashes, half);
    struct hash const right = tree_root(hashes + half, count - half);
    struct span const node[] = {SPAN("\1"), hash_span(&left), hash_span(&right)};
    return hash_parts(node, 3);
}
