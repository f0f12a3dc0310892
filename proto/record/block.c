/* The hash of a header and the Merkle root of a commit. */
#include "proto/record/block.h"

#include <string.h>

struct hash block_header_hash(const struct block_header *header)
{
    return hash_of(span_of(header, sizeof *header));
}

static struct hash leaf(const struct hash *entry_hash)
{
    uint8_t const mark = 0x00;
    struct span const parts[] = {span_of(&mark, 1), span_of(entry_hash, sizeof *entry_hash)};
    return hash_parts(parts, 2);
}

static struct hash node(const struct hash *left, const struct hash *right)
{
    uint8_t const mark = 0x01;
    struct span const parts[] = {span_of(&mark, 1), span_of(left, sizeof *left),
                                 span_of(right, sizeof *right)};
    return hash_parts(parts, 3);
}

/* Level by level from the leaves.  RFC 6962 splits at the largest power of two below the count;
 * pairing from the left and carrying an odd last node up unchanged builds the same tree. */
struct hash block_root(const struct hash *entry_hashes, uint32_t count)
{
    assert(count >= 1 && count <= BLOCK_ENTRIES_MAX);
    struct hash level[BLOCK_ENTRIES_MAX];
    for (uint32_t i = 0; i < count; i++)
        level[i] = leaf(&entry_hashes[i]);
    while (count > 1) {
        uint32_t const pairs = count / 2;
        for (uint32_t i = 0; i < pairs; i++)
            level[i] = node(&level[2 * i], &level[2 * i + 1]);
        if (count % 2) level[pairs] = level[count - 1];
        count = pairs + count % 2;
    }
    return level[0];
}
