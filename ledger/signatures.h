/* signatures: what the switch has signed of its ledger, in signatures.db beside the segments.
 *
 *   checkpoint   a signed block header: everything up to that block is as the switch said then
 *   seal         a signed statement about a whole segment that is written no more
 *
 * Both are signatures over the stored bytes: SHA-256 with ECDSA as DER or with RSA PKCS#1 v1.5, as
 * `openssl dgst -sha256 -verify` takes them.  Rows are only added; the certificates are kept beside
 * them, so that an auditor needs nothing else but to know which certificates are the switch's.
 *
 * Threads: one of these belongs to one thread at a time.  Only one may be open for writing, the
 *          keeper's; any number to read.
 * Files:   DIRECTORY/signatures.db (with SQLite's -wal and -shm).
 * Format:  ledger/README.md, "Signatures". */
#ifndef LEDGER_SIGNATURES_H
#define LEDGER_SIGNATURES_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"
#include "proto/record/block.h"

#define SEAL_VERSION 1
#define SEAL_BYTES 160
#define SEAL_LEDGER_ID_BYTES 16

/* What a seal says of a segment.  The struct is the bytes: little-endian, no padding. */
struct seal_statement {
    uint32_t version; /* SEAL_VERSION */
    uint32_t zeros;
    uint8_t ledger_id[SEAL_LEDGER_ID_BYTES];
    uint64_t segment;
    uint64_t first_seq, last_seq;
    uint64_t first_block, last_block;
    struct hash head;       /* hash of the last entry */
    struct hash block_head; /* SHA-256 of the last block's header */
    struct hash root;       /* RFC 6962 over the hashes of its block headers */
};

static_assert(sizeof(struct seal_statement) == SEAL_BYTES, "the format on disk depends on it");

struct signature {
    struct hash certificate; /* SHA-256 of the certificate whose key made it */
    uint32_t size;           /* 1 to KEY_SIGNATURE_BYTES_MAX */
    uint8_t bytes[KEY_SIGNATURE_BYTES_MAX];
};

struct signatures;

/* Every call may answer, with the reason in the log: FAULT_IO, FAULT_BUSY (somebody else holds the
 * file), FAULT_MEMORY, FAULT_CORRUPT (the file, or a row, is none of ours).
 *
 * Opens the file to write, or makes it, and stores the certificate unless it is there; `key` is its
 * private half, and may be closed afterwards.  FAULT_VERSION: of another format.  FAULT_CRYPTO: the
 * key cannot sign.  FAULT_FULL: the path is too long.  *out is the caller's until signatures_close. */
MUST_CHECK enum fault signatures_open(struct signatures **out, const char *directory,
                                      const char *vfs, const struct private_key *key,
                                      const struct certificate *certificate);

/* Opens the file of a copy of a ledger, or makes it, to store what another has signed. Otherwise as above. */
MUST_CHECK enum fault signatures_open_copy(struct signatures **out, const char *directory,
                                           const char *vfs);

/* Opens it to read. FAULT_NOT_FOUND: there is none yet. Otherwise as above. */
MUST_CHECK enum fault signatures_read(struct signatures **out, const char *directory,
                                      const char *vfs);

/* Signs a header and stores it; where that block has a checkpoint already, that one stays and nothing
 * is done.  Returns when it is on disk.  FAULT_CRYPTO: it could not be signed.
 * FAULT_CORRUPT: the one that is there is of another header.  Assumed: opened to write. */
MUST_CHECK enum fault signatures_put_checkpoint(struct signatures *signatures,
                                                const struct block_header *header);

/* The same of a segment's seal. */
MUST_CHECK enum fault signatures_put_seal(struct signatures *signatures,
                                          const struct seal_statement *statement);

/* The same three with a signature that is there already, and which is for the caller to check: for
 * copies, which sync less, so that only signatures_finish_copy makes them durable.  What is stored already
 * stays.  FAULT_INVALID: a signature of an impossible size.  Assumed: opened with signatures_open_copy. */
MUST_CHECK enum fault signatures_copy_certificate(struct signatures *signatures,
                                                  const struct certificate *certificate);
MUST_CHECK enum fault signatures_copy_checkpoint(struct signatures *signatures,
                                                 const struct block_header *header,
                                                 const struct signature *signature);
MUST_CHECK enum fault signatures_copy_seal(struct signatures *signatures,
                                           const struct seal_statement *statement,
                                           const struct signature *signature);

MUST_CHECK enum fault signatures_finish_copy(struct signatures *signatures);

/* The first checkpoint whose block is `block` or later.  FAULT_NOT_FOUND: there is none. */
MUST_CHECK enum fault signatures_checkpoint(struct signatures *signatures, uint64_t block,
                                            struct block_header *header,
                                            struct signature *signature);

/* The newest one. FAULT_NOT_FOUND: there is none. */
MUST_CHECK enum fault signatures_newest_checkpoint(struct signatures *signatures,
                                                   struct block_header *header,
                                                   struct signature *signature);

/* The seal of segment `number`. FAULT_NOT_FOUND. */
MUST_CHECK enum fault signatures_seal(struct signatures *signatures, uint64_t number,
                                      struct seal_statement *statement,
                                      struct signature *signature);

/* Number of the newest segment that has a seal; 0: none has. */
MUST_CHECK enum fault signatures_newest_seal(struct signatures *signatures, uint64_t *number);

/* The certificate (DER) of that SHA-256, hashed again, copied into `der`.
 * FAULT_NOT_FOUND.  FAULT_FULL: it is larger than `der_max` (LIMIT_PEM_BYTES holds any). */
MUST_CHECK enum fault signatures_certificate(struct signatures *signatures,
                                             const struct hash *sha256, uint8_t *der,
                                             size_t der_max, size_t *size);

/* Accepts NULL. */
void signatures_close(struct signatures *signatures);

#endif
