/* index: index.db beside the segments, in which payments are found by what people know of them.
 *
 *   follower's walk ---> index_entry, index_entry, ... index_commit ---> index.db <--- search.h
 *
 * The ledger itself is found by sequence only.  The index adds ids, participants, days and each
 * participant's own numbers, entry by entry and in the order of the ledger.  It is no part of the
 * books: whatever is wrong with it, it is removed and made anew from the entries.  It holds, in the
 * same transaction as its rows, how far it has come, so a crash costs only the work since the last
 * index_commit.
 *
 * Threads: an index belongs to one thread at a time, the follower's.  Only one may be open in all
 *          processes; any number of searches may read beside it.
 * Files:   DIRECTORY/index.db (with SQLite's -wal and -shm), DIRECTORY/index.lock.
 * Format:  ledger/README.md, "The index". */
#ifndef LEDGER_INDEX_H
#define LEDGER_INDEX_H

#include <stdint.h>

#include "ledger/reader.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/entry.h"
#include "proto/record/identifier.h"

#define INDEX_FILE "index.db"
#define INDEX_APPLICATION_ID 0x43617549 /* PRAGMA application_id: "CauI" */
#define INDEX_VERSION 1                 /* PRAGMA user_version; another one is made anew */

/* Of each participant's own numbers, every so many are stored; those between are found over the
 * links of the entries, at most so many steps back. */
#define INDEX_STRIDE 64

/* Ids are kept in order within so many entries of the ledger, not over all of it, so that a new id
 * goes into pages that are in memory, however large the ledger has become. A look-up asks one such
 * period after the other, the newest first. */
#define INDEX_PERIOD_ENTRIES (UINT64_C(1) << 20)

/* Entries between two commits, where time does not demand one before: a commit costs a write of
 * each page that was touched, and in so many entries each is touched often. */
#define INDEX_BATCH_ENTRIES 65536

struct index;

/* Opens the index of the ledger in `directory` through the SQLite VFS `vfs` (NULL: the system's).
 * Where it is absent, of another version, damaged, or does not belong to the ledger that `reader`
 * reads (another id, or another entry at the place up to which it has come), it is made anew, empty,
 * and the log says why.
 * FAULT_NOT_FOUND: the ledger has no entries yet.  FAULT_BUSY: another process has it open.
 * FAULT_IO, FAULT_CORRUPT (of the ledger), FAULT_MEMORY, FAULT_FULL (the path is too long).
 * `directory` and `vfs` must outlive the index; *out is the caller's until index_close. */
MUST_CHECK enum fault index_open(struct index **out, const char *directory, const char *vfs,
                                 struct reader *reader);

/* Empties the index: the next entry is 1.  FAULT_IO: as after a failed index_entry. */
MUST_CHECK enum fault index_clear(struct index *index);

/* Sequence of the last entry that survives a crash of the process; 0: none.  The newest durable
 * entry's less this one is how far the index is behind. */
uint64_t index_seq(const struct index *index);

/* Sequence of the entry that is expected next; entries since index_seq wait for index_commit. */
uint64_t index_next_seq(const struct index *index);

/* Takes the next entry of the ledger, which must be durable, with its body (empty: none).
 * FAULT_CORRUPT: it does not follow from the entries before, which a verified ledger excludes, or
 * the file is damaged; index_close then removes it.  FAULT_FULL: more participants than
 * LIMIT_PARTICIPANTS.  FAULT_IO, FAULT_BUSY.  After a fault the entries since index_seq are not in
 * the index, and it accepts nothing more (FAULT_CLOSED): close it and open it again.
 * Assumed: entry->public.seq == index_next_seq(index). */
MUST_CHECK enum fault index_entry(struct index *index, const struct entry *entry, struct span body);

/* Stores what was taken.  It waits for the disk only when the write-ahead log has to be moved, once
 * in some commits.  Nothing taken: does nothing.  Faults as above. */
MUST_CHECK enum fault index_commit(struct index *index);

/* Stores nothing that was not committed.  Accepts NULL. */
void index_close(struct index *index);

/* Of an id, 64 bits of its SHA-256, by which its payments are looked up. */
int64_t index_key(const struct payment_id *id);

#endif
