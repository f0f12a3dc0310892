/* builder: writes a copy of a ledger, block by block, into a directory: for backup, restore, import.
 *
 *   builder_open       where does the chain end there?  Nothing there: at zeros
 *   builder_block      writes a block that was checked behind that place (bundle.h)
 *   builder_...        what was signed, each signature checked, against what was written
 *   builder_finish     all of it is on the disk, in the segments' own files, sealed ones read-only
 *
 * Many blocks make one transaction: whatever happens, what is there is the beginning of the ledger,
 * whole blocks, and BUILDER_ADD goes on behind it.  BUILDER_NEW works in DIRECTORY.partial, and only
 * builder_finish gives that its name, so that no switch can start on half a ledger.
 *
 * Threads: a builder belongs to one thread.  One at a time may work in a directory, and no journal
 *          then.  The system's files only. */
#ifndef LEDGER_BUILDER_H
#define LEDGER_BUILDER_H

#include "ledger/bundle.h"
#include "ledger/journal.h"
#include "ledger/signatures.h"
#include "proto/base/fault.h"
#include "proto/crypto/certificate.h"

enum builder_use {
    BUILDER_ADD, /* goes on behind what is there; the directory is made when absent */
    BUILDER_NEW  /* the directory must be absent or empty */
};

struct builder;

/* Every call may answer, with the reason in the log: FAULT_IO, FAULT_MEMORY, FAULT_BUSY.
 *
 * `directory` outlives the builder.  FAULT_INVALID: it may not be used as asked.  FAULT_BUSY: a switch,
 * or another builder, works there.  FAULT_CORRUPT, FAULT_VERSION: what is there is no ledger of ours.
 * FAULT_FULL: the path is too long.  *out is the caller's until builder_close. */
MUST_CHECK enum fault builder_open(struct builder **out, const char *directory,
                                   enum builder_use use);

/* Where the chain ends, what is not committed included; all zeros while there is nothing. */
const struct journal_head *builder_head(const struct builder *builder);

/* The header of a block that was written. FAULT_NOT_FOUND, FAULT_CORRUPT, FAULT_VERSION. */
MUST_CHECK enum fault builder_header(struct builder *builder, uint64_t number,
                                     struct block_header *header);

/* Writes a block.  Assumed: it was read or put together behind builder_head. */
MUST_CHECK enum fault builder_block(struct builder *builder, const struct bundle *bundle);

/* Stores a certificate of the switch, of which signatures that follow may be. */
MUST_CHECK enum fault builder_certificate(struct builder *builder,
                                          const struct certificate *certificate);

/* Stores a checkpoint. FAULT_CORRUPT: it is not of a block that was written, or was not signed by the
 * certificate that it names.  FAULT_NOT_FOUND: that certificate was not stored. */
MUST_CHECK enum fault builder_checkpoint(struct builder *builder, const struct block_header *header,
                                         const struct signature *signature);

/* Stores a seal and makes the segment read-only; no block may be added to that afterwards.  Faults
 * likewise. */
MUST_CHECK enum fault builder_seal(struct builder *builder, const struct seal_statement *statement,
                                   const struct signature *signature);

/* Commits and syncs all, and gives it its name.  Only builder_close may follow. */
MUST_CHECK enum fault builder_finish(struct builder *builder);

/* Gives up what was not committed.  Accepts NULL. */
void builder_close(struct builder *builder);

#endif
