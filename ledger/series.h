/* series: the segments of a ledger in order, and which of them holds what.
 *
 *   segment-000001.db   sealed     read-only; nobody writes to it any more
 *   segment-000002.db   retired    the next one has begun; the keeper is about to seal it
 *   segment-000003.db   open       the newest with entries: the journal writes to it
 *   segment-000004.db   prepared   made ahead of its use, without entries: absent for every reader
 *
 * Files are numbered from 1 without a gap.  An entry or a block is found by halving over the
 * segments' first ones, which are learned when they are first needed.  A few files are kept open.
 *
 * Threads: a series belongs to one thread at a time; series_prepare may be called from any.
 * Format:  ledger/README.md. */
#ifndef LEDGER_SERIES_H
#define LEDGER_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"

#define SERIES_NAME_BYTES 18 /* "segment-000001.db" and its zero */

struct series;
struct segment; /* ledger/segment.h, inside ledger/ only */

/* Writes the name of the file of segment `number`. Assumed: 1 <= number <= LIMIT_SEGMENTS. */
void series_name(uint64_t number, char name[SERIES_NAME_BYTES]);

/* Makes the file of segment `number` with its tables and syncs it and its name, so that
 * journal_rotate only has to open it.  Does nothing when it is there.  To be called by another
 * thread than settlement's, for the segment after the newest, as soon as that has begun.
 * FAULT_FULL: number is above LIMIT_SEGMENTS, or the path is too long.  FAULT_CORRUPT,
 * FAULT_VERSION: there is a file, and it is none of ours.  FAULT_IO, FAULT_BUSY, FAULT_MEMORY. */
MUST_CHECK enum fault series_prepare(const char *directory, const char *vfs, uint64_t number);

/* Number of the last file there is, which may be a prepared one; 0: there is none.  FAULT_CORRUPT: one
 * before it is missing (through the system's VFS; another is not asked for names).  FAULT_FULL, FAULT_IO. */
MUST_CHECK enum fault series_highest(const char *directory, const char *vfs, uint64_t *number);

/* Opens the ledger in `directory`, which must outlive the series, through the SQLite VFS `vfs`
 * (NULL: the system's) to read it.  `part` names the owner in the log and must be static.
 * FAULT_NOT_FOUND: there is no ledger.  FAULT_CORRUPT, FAULT_VERSION: the newest file is none of
 * ours.  FAULT_IO, FAULT_BUSY, FAULT_MEMORY, FAULT_FULL (the path is too long).
 * *out is the caller's until series_close. */
MUST_CHECK enum fault series_open(struct series **out, const char *part, const char *directory,
                                  const char *vfs);

/* Number of the newest segment that has entries, now; 0: none has.  Faults as below. */
MUST_CHECK enum fault series_newest(struct series *series, uint64_t *number);

/* The numbers of the newest entry and block; 0 while there is none. */
MUST_CHECK enum fault series_end(struct series *series, uint64_t *seq, uint64_t *block);

/* The segment that holds, or would hold, entry `seq`, or block `number`; it is the series', and good
 * until its next call.  FAULT_NOT_FOUND: 0, or the ledger is empty or ends before it.  FAULT_CORRUPT: a
 * file is missing or none of ours.  FAULT_VERSION, FAULT_IO, FAULT_BUSY, FAULT_MEMORY. */
MUST_CHECK enum fault series_by_seq(struct series *series, uint64_t seq, struct segment **segment);
MUST_CHECK enum fault series_by_block(struct series *series, uint64_t number,
                                      struct segment **segment);

/* Accepts NULL. */
void series_close(struct series *series);

#endif
