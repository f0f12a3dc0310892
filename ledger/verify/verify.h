/* verify: re-checks a whole ledger from its first entry, without trusting the code that wrote it.
 *
 * Decoding, linking, Merkle trees and sums are written anew here, from ledger/README.md alone; only
 * SHA-256 comes from proto/crypto.  Checked are: versions, the chain of entries, blocks and their
 * roots, evidence, each participant's own numbering, each payment's life, and every balance.
 *
 * It reads in short transactions, never checkpoints and locks nobody out, so it may run beside a
 * switch at work; what is committed after its start is not looked at. */
#ifndef LEDGER_VERIFY_VERIFY_H
#define LEDGER_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/crypto/hash.h"

#define VERIFY_WORDS_BYTES 240

struct verify_report {
    bool good;
    uint64_t entries;         /* checked and found good */
    uint64_t blocks;          /* likewise */
    uint64_t evidence_absent; /* messages that entries name and whose frames are gone: no fault */
    struct hash head;         /* of the newest entry */
    uint64_t fault_seq;       /* where the first fault is; 0: in no single entry */
    char fault_words[VERIFY_WORDS_BYTES]; /* what is wrong there */
    char
        notes[VERIFY_WORDS_BYTES]; /* files that are none of the ledger's; "" when there are none */
};

/* Checks every file of the ledger in `directory` but those named index*, which can be rebuilt.
 * Fills *report; what cannot be opened or read is a fault in it too. */
void verify_ledger(const char *directory, struct verify_report *report);

#endif
