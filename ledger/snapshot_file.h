/* snapshot_file: a signed file that holds the switch's state as of one entry, so that a start need
 * not replay everything before it.
 *
 *   head       what state it is, the hash of the content, the switch's signature; written last
 *   content    bytes of whoever writes it (switch/settlement/savepoint.h)
 *
 * Two files take turns, so that one is whole while the other is written: snapshot-1.bin and
 * snapshot-2.bin.  A file whose head is zeros was never finished.  No part of the books: with none,
 * or none that is good, a start replays all entries.
 *
 * Threads: each of these belongs to one thread at a time; one writer at a time in all processes.
 * Files go through a SQLite VFS, as all of the ledger's do, so that the simulator can cut its power.
 * Format:  ledger/README.md, "Snapshots". */
#ifndef LEDGER_SNAPSHOT_FILE_H
#define LEDGER_SNAPSHOT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/signer.h"

#define SNAPSHOT_FILES 2
#define SNAPSHOT_FILE_LEDGER_ID_BYTES 16

/* What state it is; the first part of what is signed. */
struct snapshot_facts {
    uint8_t ledger_id[SNAPSHOT_FILE_LEDGER_ID_BYTES];
    uint64_t seq;         /* of the newest entry that is in the state; the last of its block */
    int64_t time_ns;      /* of that entry */
    uint64_t block;       /* number of its block */
    struct hash hash;     /* of that entry */
    uint64_t state_bytes; /* of the content, the first: the core's; the rest are registry_count
                             sequences of 8 bytes */
    uint32_t registry_count;
};

/* Writing.  Every call may answer FAULT_IO, with the reason in the log. */
struct snapshot_writer;

/* Begins to write over file `place` (1 to SNAPSHOT_FILES), whose content is void from here on.
 * FAULT_MEMORY, FAULT_FULL: the path is too long.  *out is the caller's until
 * snapshot_writer_close. */
MUST_CHECK enum fault snapshot_writer_open(struct snapshot_writer **out, const char *directory,
                                           const char *vfs, uint32_t place);

/* Adds to the content.  Bytes reach the disk in slices of SNAPSHOT_SLICE_BYTES, each synced before
 * it returns: *slices is raised by their count, so that the caller can rest between them. */
MUST_CHECK enum fault snapshot_writer_put(struct snapshot_writer *writer, struct span bytes,
                                          uint32_t *slices);

#define SNAPSHOT_SLICE_BYTES (256 * 1024) /* what a commit may have to wait behind */

/* Ends the content, syncs, signs, and writes the head: from then on the file counts.
 * FAULT_CRYPTO: it could not be signed. */
MUST_CHECK enum fault snapshot_writer_finish(struct snapshot_writer *writer,
                                             const struct snapshot_facts *facts,
                                             struct signer *signer,
                                             const struct certificate *certificate);

/* Removes the file unless it was finished.  Accepts NULL. */
void snapshot_writer_close(struct snapshot_writer *writer);

/* Reading. */
struct snapshot_reader;

/* Opens file `place` and reads its head, whose signature must be that of `certificate`'s key.
 * FAULT_NOT_FOUND: there is none, or it was never finished.  FAULT_CORRUPT: it is no snapshot, its
 * size is wrong, or the signature.  FAULT_VERSION: of another format.  FAULT_IO, FAULT_MEMORY,
 * FAULT_FULL: the path is too long; the log says why, but for FAULT_NOT_FOUND.
 * *out is the caller's until snapshot_reader_close. */
MUST_CHECK enum fault snapshot_reader_open(struct snapshot_reader **out, const char *directory,
                                           const char *vfs, uint32_t place,
                                           const struct certificate *certificate,
                                           struct snapshot_facts *facts);

/* The next `size` bytes of the content; not trustworthy before snapshot_reader_end.
 * FAULT_CORRUPT: there are not so many.  FAULT_IO. */
MUST_CHECK enum fault snapshot_reader_get(struct snapshot_reader *reader, void *bytes, size_t size);

/* FAULT_CORRUPT: what was read is not all of the content, or is not what was signed. */
MUST_CHECK enum fault snapshot_reader_end(struct snapshot_reader *reader);

/* Accepts NULL. */
void snapshot_reader_close(struct snapshot_reader *reader);

#endif
