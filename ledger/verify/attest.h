/* attest: what the switch has signed, as signatures.db says, held against the blocks that there are.
 *
 *   checkpoint   its header must be the stored block's, and its signature by the named certificate
 *   seal         its statement must be what the segment's blocks lead to, likewise signed
 *
 * What is signed and is not there was cut off: the one damage that the segments alone cannot show. */
#ifndef LEDGER_VERIFY_ATTEST_H
#define LEDGER_VERIFY_ATTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/verify/layout.h"
#include "proto/base/span.h"
#include "proto/crypto/certificate.h"

#define ATTEST_WORDS_BYTES 200
#define ATTEST_SIGNERS_MAX 64 /* certificates of one switch: one a year */

/* One of the switch's certificates, and what was found signed under it. */
struct attest_signer {
    struct hash certificate; /* its SHA-256 */
    uint64_t checkpoints, seals;
};

struct attest;

/* Opens DIRECTORY/signatures.db, which may be absent, and fixes how much of it is looked at.  To be
 * done before the segments' ends are fixed: a switch at work signs only blocks that are on disk, so
 * none may then be beyond them.  `trusted`: the certificates that may have signed; none: any.
 * NULL: no memory.  Otherwise the caller's until attest_close; *good: false, and attest_words say
 * what is wrong. */
struct attest *attest_open(const char *directory, const struct certificate *const *trusted,
                           size_t trusted_count, bool *good);

/* What is wrong, after a false. */
const char *attest_words(const struct attest *attest);

/* Takes the next block: checks its checkpoint, when it has one. */
bool attest_block(struct attest *attest, uint64_t number, struct span header, uint64_t last_seq);

/* Takes what a segment's blocks lead to: checks its seal, when it has or must have one. */
bool attest_segment(struct attest *attest, const struct layout_seal *seal);

/* Checks the signature of a snapshot.  Where there is no signatures.db nobody knows by whom it may be,
 * and it passes. */
bool attest_saved(struct attest *attest, struct span certificate, struct span bytes,
                  struct span signature);

/* After the last: is there anything signed that was not met?  `last_segment` has entries. */
bool attest_end(struct attest *attest, uint64_t last_block, uint64_t last_segment);

/* The certificates under which something was signed; *signers is attest's. */
size_t attest_signers(const struct attest *attest, const struct attest_signer **signers);

/* Everything up to this entry is under a signature that was checked; 0: nothing is. */
uint64_t attest_seq(const struct attest *attest);

/* Accepts NULL. */
void attest_close(struct attest *attest);

#endif
