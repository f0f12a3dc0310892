/* ledger_signed: a ledger of three segments with checkpoints and seals, for suites of copies and of
 * verify.
 *
 * Each segment has 61 entries: the one that opens it, a block by itself, and 60 in blocks of 10.  So
 * block 8 is entry 62 and opens segment 2, block 15 is entry 123 and opens segment 3, and block 21 is the
 * last, of entries 174 to 183.  Blocks 3, 8 and 21 have checkpoints, segments 1 and 2 have seals. */
#ifndef TESTS_CHECK_LEDGER_SIGNED_H
#define TESTS_CHECK_LEDGER_SIGNED_H

#include <stdint.h>

#include "ledger/journal.h"
#include "proto/crypto/certificate.h"

#define SIGNED_ENTRIES 183
#define SIGNED_BLOCKS 21

/* Makes it in `directory`; the key is kept until ledger_signed_end, which may be called without one. */
void ledger_signed_make(const char *directory);
void ledger_signed_end(void);

/* The certificate under which it was signed. */
const struct certificate *ledger_signed_certificate(void);

/* A certificate for signing with this key, of an authority of its own; the caller's. */
struct certificate *ledger_signed_issue(const struct private_key *key, const char *name);

struct journal *ledger_signed_open(const char *directory);

/* Appends entries in blocks of 10; a whole segment, with the entry that opens it. */
void ledger_signed_write(struct journal *journal, uint32_t count);
void ledger_signed_segment(struct journal *journal, const char *directory);

void ledger_signed_checkpoint(const char *directory, uint64_t block);
void ledger_signed_seal(const char *directory, uint64_t segment);

/* Fails the test unless a check in another language (tests/interop/ledger_chain.py) finds the ledger
 * good, and ends as verify does.  Says so and does nothing where there is no python3. */
void ledger_signed_stranger_agrees(const char *directory);

/* Fails the test unless both are good ledgers of `entries` with the same head, rows and signatures. */
void ledger_signed_equal(const char *one, const char *other, uint64_t entries);

#endif
