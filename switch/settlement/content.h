/* content: the canonical transactions that wait to be forwarded, in one circular buffer.
 *
 * New bytes overwrite the oldest; whoever finds its bytes gone reads the ledger instead (lookup.h).
 * So an offline bank costs no memory, and a bank that is online never waits for a disk.
 *
 * Threads: settlement's.  Memory: taken and touched in content_open. */
#ifndef SWITCH_SETTLEMENT_CONTENT_H
#define SWITCH_SETTLEMENT_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

struct content {
    char *bytes;
    size_t size;
    uint64_t end; /* bytes ever put, gaps included; the buffer holds the last `size` of them */
};

/* FAULT_MEMORY. */
MUST_CHECK enum fault content_open(struct content *content, size_t size);

/* Keeps a copy; the result names it.  Assumed: bytes.size <= size / 2. */
uint64_t content_put(struct content *content, struct span bytes);

/* The bytes put under this name; bytes == NULL: overwritten since. */
struct span content_get(const struct content *content, uint64_t name, size_t size);

/* Accepts one of zeros. */
void content_close(struct content *content);

#endif
