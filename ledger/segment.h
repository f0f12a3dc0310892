/* segment: one file of the ledger: its name, its tables, and its rows as entries and headers.
 *
 * Inside ledger/ only: it shows SQLite's types.  A segment belongs to one thread at a time.  This
 * version of the ledger keeps all entries in segment 1; names and tables are those of many.
 * Format: ledger/README.md. */
#ifndef LEDGER_SEGMENT_H
#define LEDGER_SEGMENT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "ledger/database.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/block.h"
#include "proto/record/entry.h"

#define SEGMENT_FILE "segment-000001.db"
#define SEGMENT_NUMBER 1
#define SEGMENT_FORMAT_VERSION 1          /* PRAGMA user_version; BODY_FORMAT_VERSION */
#define SEGMENT_APPLICATION_ID 0x43617563 /* PRAGMA application_id: "Cauc" */
#define SEGMENT_PAGE_BYTES 8192           /* measured: ledger/README.md, "Why so" */
#define SEGMENT_LEDGER_ID_BYTES 16

struct segment {
    sqlite3 *db;
    const char *part;         /* who speaks in the log; static */
    sqlite3_stmt *rows;       /* entries ?1 to ?2 in order */
    sqlite3_stmt *body;       /* body of entry ?1 */
    sqlite3_stmt *entry_hash; /* hash of entry ?1 */
    sqlite3_stmt *header;     /* header of block ?1 */
    sqlite3_stmt *newest;     /* newest entry's and block's number, NULL when there is none */
};

/* What its first entry says of it. */
struct segment_opening {
    uint64_t number;
    uint8_t ledger_id[SEGMENT_LEDGER_ID_BYTES];
};

/* Opens the file in `directory`; with DATABASE_WRITE makes it and its tables when there are none.
 * FAULT_NOT_FOUND: DATABASE_READ and there is none.  FAULT_CORRUPT: not a file of the ledger.
 * FAULT_VERSION, FAULT_IO, FAULT_MEMORY, FAULT_FULL.  On any fault *segment is closed. */
MUST_CHECK enum fault segment_open(struct segment *segment, const char *part, const char *directory,
                                   const char *vfs, enum database_use use);

/* Numbers of the newest entry and block; 0 while there is none. */
MUST_CHECK enum fault segment_newest(struct segment *segment, uint64_t *seq, uint64_t *block);

/* The header of a block. FAULT_NOT_FOUND, FAULT_CORRUPT, FAULT_VERSION. */
MUST_CHECK enum fault segment_header(struct segment *segment, uint64_t number,
                                     struct block_header *header);

/* The hash that the entry after `seq` names as its prev_hash; zeros for 0. FAULT_NOT_FOUND. */
MUST_CHECK enum fault segment_hash(struct segment *segment, uint64_t seq, struct hash *hash);

/* Starts reading the entries from_seq to to_seq; segment_stop must follow. */
MUST_CHECK enum fault segment_start(struct segment *segment, uint64_t from_seq, uint64_t to_seq);

/* The next of them; *entry's prev_hash, which must hold the hash of the one before, is kept.
 * Everything else in it is set from the row and hashed again; *body is good until the next call.
 * FAULT_NOT_FOUND: there are no more.  FAULT_CORRUPT: the row is not what its hash says, or its
 * sequence is not `seq`.  FAULT_VERSION. */
MUST_CHECK enum fault segment_next(struct segment *segment, uint64_t seq, struct entry *entry,
                                   struct span *body);

/* Ends the reading, and with it the transaction. */
void segment_stop(struct segment *segment);

/* Reads an entry of kind segment. FAULT_CORRUPT: it is none. FAULT_VERSION: of another format. */
MUST_CHECK enum fault segment_read_opening(const struct entry *entry, struct span body,
                                           struct segment_opening *opening);

/* Accepts a segment of zeros. */
void segment_close(struct segment *segment);

#endif
