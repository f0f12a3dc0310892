/* journal: the append-only, hash-chained record of every decision; settlement's writing side.
 *
 *   journal_append   stages an entry, its body and the message that caused it
 *   journal_commit   makes all that is staged one block, in one synced transaction
 *   journal_rotate   goes over to the next segment, a file that another thread has made ahead of time
 *
 * Entries are numbered 1, 2, 3, ... without a gap, each carries the hash of the one before it, and
 * each commit closes a block whose header names the one before, so an altered, missing or inserted
 * entry breaks a chain.  Nothing here updates or deletes.
 *
 * Threads: every call belongs to the settlement thread, but journal_durable_seq, which any thread
 *          may make while the journal is open.
 * Memory:  ours is taken in journal_open, appending allocates nothing; SQLite and zstd keep pools
 *          of their own.
 * Files:   the newest DIRECTORY/segment-NNNNNN.db (with SQLite's -wal and -shm), DIRECTORY/lock.
 * Format:  ledger/README.md. */
#ifndef LEDGER_JOURNAL_H
#define LEDGER_JOURNAL_H

#include <stdint.h>

#include "ledger/evidence.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/block.h"
#include "proto/record/body.h"
#include "proto/record/entry.h"

#define JOURNAL_LEDGER_ID_BYTES 16

struct journal;

struct journal_options {   /* both outlive the journal */
    const char *directory; /* made, one level deep, when it is absent and the VFS is the system's */
    const char *vfs;       /* name of a registered SQLite VFS; NULL: the system's */
};

/* Where the chain ends; all zeros while the ledger is empty. */
struct journal_head {
    uint64_t seq;            /* of the newest entry */
    struct hash hash;        /* its hash */
    uint64_t block_number;   /* of the newest block */
    struct hash block_hash;  /* SHA-256 of its header: the next one's `previous` */
    int64_t time_ns;         /* of the newest entry */
    uint64_t segment_number; /* of the open segment, from 1 */
    uint8_t ledger_id[JOURNAL_LEDGER_ID_BYTES]; /* from its first entry */
};

/* Opens the ledger's newest segment, or makes the first, and checks its newest block against the
 * entries in it.  On FAULT_NONE *out is the caller's until journal_close and *head says where the
 * chain ends; otherwise the log says why:
 *   FAULT_BUSY     another process, or another journal of this one, has the ledger open;
 *   FAULT_CORRUPT  the file is no segment, its newest block is not what its entries say, or later
 *                  segments, of which signatures.db knows, are missing;
 *   FAULT_VERSION  the segment's format is not ours;
 *   FAULT_IO, FAULT_MEMORY, FAULT_FULL (the path is too long). */
MUST_CHECK enum fault journal_open(struct journal **out, const struct journal_options *options,
                                   struct journal_head *head);

/* An entry read back; both arguments are good until it returns.  Any fault ends the replay. */
typedef enum fault (*journal_visit)(void *context, const struct entry *entry, struct span body);

/* Every durable entry from `from_seq` (1 or above) on, in order, each hashed again and linked to the one
 * before it, and at last compared with the head.  FAULT_CORRUPT: the chain is broken, the log says
 * where.  FAULT_NOT_FOUND: from_seq is beyond the head + 1.  Else the visitor's fault.
 * Assumed: nothing is staged. */
MUST_CHECK enum fault journal_replay(struct journal *journal, uint64_t from_seq,
                                     journal_visit visit, void *context);

/* Stages an entry that the core has numbered; fills in its body_hash, prev_hash and hash.  The
 * journal keeps copies of everything.  A staged entry is not durable: answer nobody yet.
 *   body      NULL or of size 0: none.  A body equal to that of the entry before is stored once.
 *   evidence  the message that caused it, NULL: none; equal to that of the entry before in this
 *             block, it is stored once.  Its hash is the entry's evidence_hash.
 * FAULT_FULL: BLOCK_ENTRIES_MAX entries are staged, or the message has no room in this block:
 * commit, then append the same again.  (A message whose entries fall into two blocks then stands
 * in both: an entry's evidence is always in its own block.)
 * FAULT_CLOSED: a commit has failed.
 * Assumed: entry->public.seq follows the newest; its time_ns is not before the newest; the first
 * entry of all, and the first after journal_rotate, is of kind segment, made with
 * BODY_FORMAT_VERSION = JOURNAL_FORMAT_VERSION, the next number, and the hashes of the head. */
MUST_CHECK enum fault journal_append(struct journal *journal, struct entry *entry,
                                     const struct body *body, const struct evidence *evidence);

#define JOURNAL_FORMAT_VERSION 1

/* Entries staged since the last commit. */
uint32_t journal_staged(const struct journal *journal);

/* Writes what is staged as one block and syncs; does nothing when nothing is.  On FAULT_NONE it
 * survives power loss.  On FAULT_IO its fate is unknown: the journal accepts nothing more
 * (FAULT_CLOSED), the process must stop, and the next start finds out. */
MUST_CHECK enum fault journal_commit(struct journal *journal);

/* To be called when there is nothing else to do: moves the write-ahead log into the segment once
 * that is worth a sync (JOURNAL_IDLE_WAL_BYTES in journal.c); a commit does it at latest at
 * LIMIT_WAL_BYTES.  Nobody else ever checkpoints (DESIGN, "The ledger").  Faults as journal_commit. */
MUST_CHECK enum fault journal_idle(struct journal *journal);

/* Goes over to the next segment, which must have been prepared (series.h), and lets go of the old
 * one, without a checkpoint: its sealing is the keeper's (seal.h).  Makes nothing, and syncs only
 * the small log of the prepared file, so as not to build on a sync that failed while it was made.
 * The next entry appended must open the segment; until that is committed a start goes on in the old
 * one.  FAULT_NOT_FOUND: it is not prepared; all is as before, try again later.  FAULT_FULL: it would
 * be beyond LIMIT_SEGMENTS; likewise, for ever.  FAULT_CORRUPT, FAULT_VERSION: the prepared file is
 * none, FAULT_IO, FAULT_MEMORY: it cannot be opened; all is as before.  FAULT_CLOSED.
 * Assumed: nothing is staged; the open segment has entries. */
MUST_CHECK enum fault journal_rotate(struct journal *journal);

/* Entries in the open segment, staged ones included; 0 right after journal_rotate. */
uint64_t journal_segment_entries(const struct journal *journal);

/* Where the chain ends, staged entries included; the block is the newest committed one.  Right after
 * journal_rotate the segment_number is still that of the newest entry.  The journal's, until closed. */
const struct journal_head *journal_newest(const struct journal *journal);

/* Sequence of the newest entry that survives power loss; 0 if there is none. */
uint64_t journal_durable_seq(const struct journal *journal);

/* Gives up what is staged, checkpoints unless a commit has failed, and closes.  Accepts NULL. */
void journal_close(struct journal *journal);

#endif
