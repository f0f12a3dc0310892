/* keyring: the participants' signing certificates, parsed once for this loop.
 *
 * The registry has them as DER; a new version of it only adds certificates and takes some out of
 * use, so what was parsed stays and the rest is parsed when the version changes.
 *
 * Threads: the one of its loop. */
#ifndef SWITCH_PARTICIPANT_KEYRING_H
#define SWITCH_PARTICIPANT_KEYRING_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/crypto/certificate.h"
#include "proto/record/registry.h"

struct keyring {
    struct certificate *
        *certificates; /* by the registry's index; NULL: none of signing, or unfit */
    uint32_t count;
    uint32_t version; /* of the registry last seen; 0: none */
};

/* Parses what is new in `registry`; nothing to do when its version was seen before.
 * FAULT_MEMORY: not all could be; the others are there. */
MUST_CHECK enum fault keyring_update(struct keyring *keyring, const struct registry *registry);

/* The active signing certificates of a participant; returns how many. */
size_t keyring_signing(const struct keyring *keyring, const struct registry *registry,
                       uint32_t participant,
                       const struct certificate *certificates[LIMIT_CERTIFICATES]);

/* Accepts a keyring of zeros. */
void keyring_close(struct keyring *keyring);

#endif
