/* founding: what a simulated ledger begins with: its banks, their money, a signing certificate each,
 * and the key with which the switch signs.
 *
 * The files have no names in any folder, so that nothing is left behind however a run ends.  The
 * certificates are always the same ones: a run must not depend on anything but its seed.  The switch's
 * key is new in each process, and RSA, whose signatures have all one size. */
#ifndef TESTS_SIMULATOR_FOUNDING_H
#define TESTS_SIMULATOR_FOUNDING_H

#include <stdio.h>

#include "proto/crypto/certificate.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"
#include "tests/simulator/truth.h"

#define FOUNDING_PATH_BYTES 64
#define FOUNDING_START_NS INT64_C(1795284000000000000) /* 2026-11-21T18:00:00Z */

struct founding {
    char genesis_path[FOUNDING_PATH_BYTES];
    struct hash certificates[TRUTH_BANKS]; /* SHA-256 of the DER */
    struct private_key *key;
    struct certificate *certificate; /* of that key */
    FILE *genesis;
    FILE *pems[TRUTH_BANKS];
};

/* Ends the process with a verdict when the system has no temporary files. */
void founding_open(struct founding *founding);
void founding_close(struct founding *founding);

#endif
