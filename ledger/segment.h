/* segment: one file of the ledger: its tables, and its rows as entries, headers and frames.
 *
 * Inside ledger/ only: it shows SQLite's types.  A segment belongs to one thread at a time.  Which
 * one holds what is for series.h.
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

#define SEGMENT_FORMAT_VERSION 1          /* PRAGMA user_version; BODY_FORMAT_VERSION */
#define SEGMENT_APPLICATION_ID 0x43617563 /* PRAGMA application_id: "Cauc" */
#define SEGMENT_PAGE_BYTES 8192           /* measured: ledger/README.md, "Why so" */
#define SEGMENT_LEDGER_ID_BYTES 16

struct segment {
    sqlite3 *db;              /* NULL: it is closed */
    uint64_t number;          /* from 1 */
    const char *part;         /* who speaks in the log; static */
    sqlite3_stmt *rows;       /* entries ?1 to ?2 in order */
    sqlite3_stmt *body;       /* body of entry ?1 */
    sqlite3_stmt *entry_hash; /* hash of entry ?1 */
    sqlite3_stmt *header;     /* header of block ?1 */
    sqlite3_stmt *frame;      /* evidence of block ?1 */
    sqlite3_stmt *extent;     /* numbers of the first and newest entry and block, NULL: none */
};

struct segment_extent {
    uint64_t first_seq, last_seq; /* 0: there are no entries */
    uint64_t first_block, last_block;
};

/* What its first entry says of it. */
struct segment_opening {
    uint64_t number;
    uint8_t ledger_id[SEGMENT_LEDGER_ID_BYTES];
    struct hash previous_head;  /* of the entry before it; zeros: none */
    struct hash previous_block; /* of the block header before it; zeros: none */
};

/* Opens the file of segment `number` in `directory`; DATABASE_WRITE makes it and its tables when there
 * are none.  FAULT_NOT_FOUND: another use, and there are none.  FAULT_CORRUPT: not a file of the
 * ledger.  FAULT_VERSION, FAULT_IO, FAULT_MEMORY, FAULT_FULL; FAULT_BUSY: another connection is making
 * or recovering it.  On any fault *segment is closed. */
MUST_CHECK enum fault segment_open(struct segment *segment, const char *part, const char *directory,
                                   const char *vfs, uint64_t number, enum database_use use);

/* The first and the newest entry and block. */
MUST_CHECK enum fault segment_extent(struct segment *segment, struct segment_extent *extent);

/* The header of a block. FAULT_NOT_FOUND, FAULT_CORRUPT, FAULT_VERSION. */
MUST_CHECK enum fault segment_header(struct segment *segment, uint64_t number,
                                     struct block_header *header);

/* The same from its stored bytes. FAULT_CORRUPT, FAULT_VERSION. */
MUST_CHECK enum fault segment_read_header(const struct segment *segment, uint64_t number,
                                          struct span bytes, struct block_header *header);

/* The evidence frame of a block; segment_stop must follow, until which it is good.
 * FAULT_NOT_FOUND: it has none. */
MUST_CHECK enum fault segment_frame(struct segment *segment, uint64_t block, struct span *frame);

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

/* Reads the segment's first entry, hashed over the head that its body repeats, so that no other file
 * is needed.  FAULT_NOT_FOUND: it has no entries.  FAULT_CORRUPT: it does not open this segment.
 * FAULT_VERSION. */
MUST_CHECK enum fault segment_first(struct segment *segment, struct segment_opening *opening);

/* Reads an entry of kind segment. FAULT_CORRUPT: it is none. FAULT_VERSION: of another format. */
MUST_CHECK enum fault segment_read_opening(const struct entry *entry, struct span body,
                                           struct segment_opening *opening);

/* Accepts a segment of zeros, and one that is closed. */
void segment_close(struct segment *segment);

#endif
