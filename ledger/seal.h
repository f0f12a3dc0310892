/* seal: closes a segment for ever, once the next one has begun: everything into its one file, a
 * signed statement of what is in it, and nobody may write to it any more.
 *
 *   seal_begin   checkpoint: the write-ahead log goes into the file and is emptied; synced
 *   seal_step    reads some of its block headers, linked to one another; at the last one signs and
 *                stores the statement (signatures.h), makes the file read-only (0444) and removes
 *                what SQLite left beside it
 *
 * Doing it again does no harm, and finishes what a crash cut short: at a start, seal again from the
 * newest sealed segment on (signatures_newest_seal).  The work is cut into steps so that the keeper,
 * which has other duties, is never away for long.
 *
 * Threads: the keeper's, the only one that writes to a segment after the journal has left it.
 * Through a VFS other than the system's the file's mode stays as it is. */
#ifndef LEDGER_SEAL_H
#define LEDGER_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/signatures.h"
#include "proto/base/fault.h"

struct seal;

/* Begins to seal segment `number` of the ledger in `directory`; all arguments outlive the seal.
 * FAULT_NOT_FOUND: there is no such segment, or the one after it has no entries yet: it is the
 * journal's.  FAULT_BUSY: a reader holds an old state of it; try again later.
 * FAULT_CORRUPT, FAULT_VERSION, FAULT_IO, FAULT_MEMORY, FAULT_FULL: the log says why.
 * *out is the caller's until seal_close. */
MUST_CHECK enum fault seal_begin(struct seal **out, struct signatures *signatures,
                                 const char *directory, const char *vfs, uint64_t number);

/* Goes on, for some milliseconds; *done: it is sealed.  FAULT_CORRUPT: its blocks do not follow from
 * one another; nothing was signed.  FAULT_CRYPTO: it could not be signed.  FAULT_IO, FAULT_BUSY,
 * FAULT_MEMORY.  After a fault, or when done, only seal_close may follow; it may be begun again. */
MUST_CHECK enum fault seal_step(struct seal *seal, bool *done);

/* Seals a segment of a copy with a seal that is there already: compares its statement with what is in
 * the segment, stores it, and makes the file read-only.  All in one call, for who has no other duty.
 * FAULT_CORRUPT: the statement says something else.  FAULT_NOT_FOUND: there is no such segment.
 * FAULT_INVALID: a signature of an impossible size.  Otherwise as above.  Assumed: `signatures` was
 * opened with signatures_open_copy; the signature was checked. */
MUST_CHECK enum fault seal_copy(struct signatures *signatures, const char *directory,
                                const struct seal_statement *statement,
                                const struct signature *signature);

/* Accepts NULL. */
void seal_close(struct seal *seal);

#endif
