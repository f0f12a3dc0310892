/* verify: re-checks a whole ledger from its first entry, without trusting the code that wrote it.
 *
 * Decoding, linking, Merkle trees and sums are written anew here, from ledger/README.md alone; only
 * SHA-256, signatures and certificates come from proto/crypto.  Checked are: versions, the chain of
 * entries, blocks and their roots, segments, evidence, each participant's own numbering, each payment's
 * life, every balance, control totals of days, and what the switch has signed of all that.
 *
 * It reads in short transactions, never checkpoints and locks nobody out, so it may run beside a
 * switch at work; what is committed after its start is not looked at. */
#ifndef LEDGER_VERIFY_VERIFY_H
#define LEDGER_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/verify/attest.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/hash.h"

#define VERIFY_WORDS_BYTES 240

struct verify_report {
    bool good;
    uint64_t entries;         /* checked and found good */
    uint64_t blocks;          /* likewise */
    uint32_t segment;         /* the one at hand, from 1 */
    uint32_t segments;        /* files of them */
    uint64_t evidence_absent; /* messages that entries name and whose frames are gone: no fault */
    uint64_t signed_seq;      /* entries to this one are under a signature; 0: none is */
    size_t signer_count;
    struct attest_signer signers[ATTEST_SIGNERS_MAX];
    int64_t total_ns;                     /* of the machine's time, of which: */
    int64_t evidence_ns;                  /* for evidence: reading, unpacking, hashing */
    int64_t signatures_ns;                /* for checkpoints and seals */
    struct hash head;                     /* of the newest entry */
    uint64_t fault_seq;                   /* where the first fault is; 0: in no single entry */
    char fault_words[VERIFY_WORDS_BYTES]; /* what is wrong there */
    char
        notes[VERIFY_WORDS_BYTES]; /* files that are none of the ledger's; "" when there are none */
};

struct verify_options {
    const struct certificate *const *trusted; /* the switch's, that alone may have signed */
    size_t trusted_count;                     /* 0: any may */
    /* Called every few thousand entries with what was found so far; NULL: nobody asks. */
    void (*progress)(void *context, const struct verify_report *report);
    void *context;
};

/* Checks every file of the ledger in `directory` but those named index*, which can be rebuilt.
 * Fills *report; what cannot be opened or read is a fault in it too. */
void verify_ledger(const char *directory, struct verify_report *report);

/* The same as `options` say. */
void verify_ledger_with(const char *directory, const struct verify_options *options,
                        struct verify_report *report);

#endif
