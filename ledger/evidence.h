/* evidence: the signed bytes that caused a block's entries, as one zstd frame per block.
 *
 * A record holds a message as received (after gzip and multipart), who sent it, which certificate
 * verified it and when it came.  Only the SHA-256 of its bytes is chained, in the entries that it
 * caused, so a frame can be archived or erased by law and the chain still holds.
 *
 *   message, message, ... --evidence_add--> records --evidence_frame--> the block's row
 *   the block's row --evidence_unpack--> records --evidence_find--> one message
 *
 * Threads: a writer or a reader of frames belongs to one thread at a time.
 * Memory:  a writer takes all of its own when opened; zstd keeps a workspace of its own beside it.
 * Format:  ledger/README.md, "The evidence frame". */
#ifndef LEDGER_EVIDENCE_H
#define LEDGER_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/crypto/hash.h"
#include "proto/record/identifier.h"

#define EVIDENCE_VERSION 1

/* One message. Assumed: hash is the SHA-256 of bytes; 1 <= bytes.size <= LIMIT_MESSAGE_BYTES. */
struct evidence {
    struct hash hash;
    struct participant_code sender;
    struct hash certificate; /* SHA-256 of the certificate that verified it */
    int64_t received_ns;     /* when its last byte came */
    struct span bytes;
};

struct evidence_writer;

/* FAULT_MEMORY. *out is the caller's until evidence_close. */
MUST_CHECK enum fault evidence_open(struct evidence_writer **out);

/* Copies a record in, unless the newest one is the same message.  FAULT_FULL: it has no room in
 * this frame any more; an empty frame takes any message. */
MUST_CHECK enum fault evidence_add(struct evidence_writer *writer, const struct evidence *evidence);

/* Records added since evidence_clear. */
uint32_t evidence_count(const struct evidence_writer *writer);

/* The frame of what was added, at least one record; the writer's until its next call.
 * FAULT_MEMORY: zstd could not have its workspace. */
MUST_CHECK enum fault evidence_frame(struct evidence_writer *writer, struct span *frame);

/* Starts the next frame. */
void evidence_clear(struct evidence_writer *writer);

/* Accepts NULL. */
void evidence_close(struct evidence_writer *writer);

struct evidence_reader;

/* FAULT_MEMORY. *out is the caller's until evidence_reader_close. */
MUST_CHECK enum fault evidence_reader_open(struct evidence_reader **out);

/* Unpacks a stored frame. FAULT_CORRUPT: it is none of ours. FAULT_VERSION: of another version. */
MUST_CHECK enum fault evidence_unpack(struct evidence_reader *reader, struct span frame);

/* The record with this hash in the frame unpacked last; its bytes, which were hashed again, are
 * the reader's until the next evidence_unpack.  FAULT_NOT_FOUND: not in this frame.
 * FAULT_CORRUPT: the bytes are not those of the hash. */
MUST_CHECK enum fault evidence_find(struct evidence_reader *reader, const struct hash *hash,
                                    struct evidence *evidence);

/* Accepts NULL. */
void evidence_reader_close(struct evidence_reader *reader);

#endif
