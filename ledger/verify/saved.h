/* saved: snapshots of the switch's state, held against the sums that the entries lead to.
 *
 * A start trusts a snapshot instead of the entries before it, so it must say of every account what
 * they say.  A snapshot whose file is written anew in the meantime is passed over. */
#ifndef LEDGER_VERIFY_SAVED_H
#define LEDGER_VERIFY_SAVED_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/verify/attest.h"
#include "ledger/verify/sums.h"
#include "proto/crypto/hash.h"

#define SAVED_FILES 2
#define SAVED_HEAD_BYTES 680
#define SAVED_WORDS_BYTES 200

struct saved {
    const char *directory; /* outlives it */
    struct {
        char head[SAVED_HEAD_BYTES]; /* as it was when the check began */
        uint64_t seq;                /* of its newest entry; 0: no snapshot, or it was checked */
    } files[SAVED_FILES];
    char words[SAVED_WORDS_BYTES]; /* what is wrong, after a false */
};

/* Reads the heads of DIRECTORY/snapshot-1.bin and -2.bin, which may be absent.  To be done before the
 * segments' ends are fixed: they are made of entries that are on disk, so none may be beyond them. */
bool saved_open(struct saved *saved, const char *directory);

/* After the last entry of each block: checks the snapshots that were made then. */
bool saved_check(struct saved *saved, uint64_t seq, const struct hash *head,
                 const uint8_t ledger_id[LAYOUT_LEDGER_ID_BYTES], const struct sums *sums,
                 struct attest *attest);

/* After the last entry: was each snapshot met? */
bool saved_end(struct saved *saved);

#endif
