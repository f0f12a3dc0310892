/* head: where the chain ends, as the newest segment's file says, checked.
 *
 * Inside ledger/ only; the journal's, at a start. */
#ifndef LEDGER_HEAD_H
#define LEDGER_HEAD_H

#include "ledger/journal.h"
#include "ledger/segment.h"
#include "proto/base/fault.h"
#include "proto/record/block.h"

/* Checks the segment's first entry, which says whose ledger it is, and its newest block against the
 * entries in it and the block before, and writes *head; `hashes` is room for those of one block.
 * FAULT_CORRUPT: something is not what its hash says, the log says what.  FAULT_VERSION, FAULT_IO,
 * FAULT_BUSY.  Assumed: `extent` is the segment's, and not all zeros. */
MUST_CHECK enum fault head_read(struct segment *segment, const struct segment_extent *extent,
                                struct hash hashes[BLOCK_ENTRIES_MAX], struct journal_head *head);

#endif
