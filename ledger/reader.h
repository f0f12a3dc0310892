/* reader: looks into the ledger without disturbing settlement.
 *
 * Read-only connections in short transactions that never checkpoint: publisher, settlement's reader
 * thread, admin and export each have their own.  Everything read is checked against its hash.  A
 * reader sees what is committed; whether it may speak of it is for the published durable_seq.
 *
 * Threads: a reader belongs to one thread at a time; any number of readers may be open.
 * Format:  ledger/README.md. */
#ifndef LEDGER_READER_H
#define LEDGER_READER_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/evidence.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/block.h"
#include "proto/record/body.h"
#include "proto/record/entry.h"

#define READER_LEDGER_ID_BYTES 16

struct reader;

/* Every call may answer, with the reason in the log:
 *   FAULT_CORRUPT  what is stored does not match its hash;
 *   FAULT_IO       the operating system or SQLite refused; the reader may be used again;
 *   FAULT_BUSY     another process has been recovering the file for 5 s; likewise.
 *
 * Opens the ledger in `directory` through the SQLite VFS named `vfs` (NULL: the system's).
 * FAULT_NOT_FOUND: there is no ledger.  FAULT_VERSION: its format is not ours.
 * FAULT_MEMORY.  FAULT_FULL: the path is too long.  *out is the caller's until reader_close. */
MUST_CHECK enum fault reader_open(struct reader **out, const char *directory, const char *vfs);

/* Sequence of the newest committed entry; 0 while the ledger is empty. */
MUST_CHECK enum fault reader_newest_seq(struct reader *reader, uint64_t *seq);

/* The ledger's 16 random bytes, written as a UUID in events.  FAULT_NOT_FOUND: it is empty. */
MUST_CHECK enum fault reader_ledger_id(struct reader *reader, uint8_t id[READER_LEDGER_ID_BYTES]);

/* The entry numbered `seq`, all its fields, and its body (size 0: none; NULL: not wanted).
 * FAULT_NOT_FOUND: 0, or beyond the newest. */
MUST_CHECK enum fault reader_entry(struct reader *reader, uint64_t seq, struct entry *entry,
                                   struct body *body);

/* An entry passed on; both arguments are good until it returns.  Any fault ends the walk. */
typedef enum fault (*reader_visit)(void *context, const struct entry *entry, struct span body);

/* The entries from_seq to to_seq, both included, in order and linked to one another, in short
 * transactions.  The visitor is called outside of any, may take its time, and may use this reader,
 * except for another walk.  FAULT_NOT_FOUND: the ledger ends before to_seq; what it has was visited.
 * Else the visitor's fault.  Assumed: 1 <= from_seq. */
MUST_CHECK enum fault reader_walk(struct reader *reader, uint64_t from_seq, uint64_t to_seq,
                                  reader_visit visit, void *context);

/* The message that caused `entry`, hashed again, copied into `buffer` of `size` bytes
 * (LIMIT_MESSAGE_BYTES hold any); *evidence points into it.
 * FAULT_NOT_FOUND: the entry has none, or it was archived or erased.  FAULT_FULL: no room. */
MUST_CHECK enum fault reader_message(struct reader *reader, const struct entry *entry, void *buffer,
                                     size_t size, struct evidence *evidence);

/* The header of the block numbered `number`.  FAULT_NOT_FOUND: 0, or beyond the newest. */
MUST_CHECK enum fault reader_block(struct reader *reader, uint64_t number,
                                   struct block_header *header);

/* The header of the block that holds the entry numbered `seq`.  FAULT_NOT_FOUND likewise. */
MUST_CHECK enum fault reader_block_of(struct reader *reader, uint64_t seq,
                                      struct block_header *header);

/* Accepts NULL. */
void reader_close(struct reader *reader);

#endif
