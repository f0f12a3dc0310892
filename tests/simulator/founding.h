/* founding: what a simulated ledger begins with: its banks, their money, a signing certificate each.
 *
 * The files have no names in any folder, so that nothing is left behind however a run ends.  The
 * certificates are always the same ones: a run must not depend on anything but its seed. */
#ifndef TESTS_SIMULATOR_FOUNDING_H
#define TESTS_SIMULATOR_FOUNDING_H

#include <stdio.h>

#include "proto/crypto/hash.h"
#include "tests/simulator/truth.h"

#define FOUNDING_PATH_BYTES 64

struct founding {
    char genesis_path[FOUNDING_PATH_BYTES];
    struct hash certificates[TRUTH_BANKS]; /* SHA-256 of the DER */
    FILE *genesis;
    FILE *pems[TRUTH_BANKS];
};

/* Ends the process with a verdict when the system has no temporary files. */
void founding_open(struct founding *founding);
void founding_close(struct founding *founding);

#endif
