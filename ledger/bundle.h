/* bundle: one block with all that belongs to it, on its way from one ledger to another: its header,
 * its entries with their bodies, and its evidence.
 *
 *   bundle_read                            from the files of a ledger
 *   bundle_begin, bundle_add, bundle_end   from what somebody says is a block
 *
 * Both check it against where the chain ended before it: each entry is hashed again, the root is
 * computed, every message that an entry names is hashed again, and a segment opens where one must.
 * So whoever holds a good bundle can write it behind that place.
 *
 * Threads: a bundle belongs to one thread at a time.
 * Memory:  about 16 MiB in bundle_open; a frame of evidence may add 9 MiB later. */
#ifndef LEDGER_BUNDLE_H
#define LEDGER_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/evidence.h"
#include "ledger/journal.h"
#include "ledger/series.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/block.h"
#include "proto/record/entry.h"

/* Bodies of one block: the journal's bound, and one that the block shares with an earlier one. */
#define BUNDLE_BODIES_BYTES (4 * 1024 * 1024 + ENTRY_BODY_BYTES_MAX)

struct bundle {
    uint64_t segment; /* number of the one that holds the block */
    struct block_header header;
    uint32_t count;                          /* of entries that are there */
    struct entry entries[BLOCK_ENTRIES_MAX]; /* all their hashes were computed here */
    struct span
        bodies[BLOCK_ENTRIES_MAX];    /* size 0: none; equal ones in a row are the same bytes */
    struct span frame;                /* packed messages; size 0: none */
    struct evidence_reader *evidence; /* they are unpacked in it, where the frame is not empty */
    struct journal_head after;        /* where the chain ends behind the block */

    /* The bundle's own. */
    struct hash hashes[BLOCK_ENTRIES_MAX];
    char *bodies_bytes; /* BUNDLE_BODIES_BYTES */
    size_t bodies_used;
    char *frame_bytes;
    size_t frame_room;
};

/* FAULT_MEMORY. *out is the caller's until bundle_close. */
MUST_CHECK enum fault bundle_open(struct bundle **out);

/* Reads the block behind `before`, which is all zeros before the first.  FAULT_NOT_FOUND: the ledger
 * ends there.  FAULT_CORRUPT, with the reason in the log: it is not as it must be, or does not follow.
 * FAULT_VERSION, FAULT_IO, FAULT_BUSY, FAULT_MEMORY. */
MUST_CHECK enum fault bundle_read(struct bundle *bundle, struct series *series,
                                  const struct journal_head *before);

/* Begins a block of segment `segment` behind `before`.  FAULT_CORRUPT: the header contradicts itself,
 * or does not follow. FAULT_VERSION. */
MUST_CHECK enum fault bundle_begin(struct bundle *bundle, const struct journal_head *before,
                                   uint64_t segment, const struct block_header *header);

/* Adds the next of its entries; computes the rest of it.  FAULT_CORRUPT: it does not follow, or there
 * is one too many, or no switch makes such an entry.  FAULT_VERSION.  FAULT_FULL: the bodies are more
 * than a block has. */
MUST_CHECK enum fault bundle_add(struct bundle *bundle, const struct entry_public *public,
                                 const struct entry_private *private, struct span body);

/* Ends it with its packed messages, which are copied (size 0: none are kept), and checks the whole.
 * Faults as bundle_read. */
MUST_CHECK enum fault bundle_end(struct bundle *bundle, struct span frame);

/* Accepts NULL. */
void bundle_close(struct bundle *bundle);

#endif
