/* keyring: which certificates are registered, and to whom.
 *
 * WIRE section 1: a certificate's "SHA-256 [is] registered to exactly one participant".  The loops
 * look certificates up in the registry that settlement makes of the same entries; the keyring only
 * keeps what must be known to refuse an entry.
 *
 * Threads: the engine's.  Memory: taken in keyring_open. */
#ifndef SWITCH_CORE_KEYRING_H
#define SWITCH_CORE_KEYRING_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/crypto/hash.h"
#include "proto/record/registry.h"
#include "switch/core/pages.h"

#define KEYRING_PURPOSES 2 /* of enum certificate_purpose */
#define KEYRING_MAX (LIMIT_PARTICIPANTS * LIMIT_CERTIFICATES * KEYRING_PURPOSES)

struct keyring_certificate {
    struct hash fingerprint; /* SHA-256 of its DER */
    uint32_t member;
    uint32_t purpose; /* enum certificate_purpose */
};

struct keyring {
    uint32_t count;
    struct keyring_certificate *certificates; /* KEYRING_MAX places, in order of entry */
    uint8_t counts[LIMIT_PARTICIPANTS][KEYRING_PURPOSES];
    struct pages pages;
};

MUST_CHECK enum fault keyring_open(struct keyring *keyring);

/* Accepts a keyring of zeros. */
void keyring_close(struct keyring *keyring);

/* Whether the certificate may be added.  FAULT_BUSY: it is registered already, for this purpose or
 * to another member.  FAULT_FULL: the member has LIMIT_CERTIFICATES for this purpose.
 * Looks at every certificate there is: they are added at start, and by hand. */
MUST_CHECK enum fault keyring_check(const struct keyring *keyring, const struct hash *fingerprint,
                                    uint32_t member, enum certificate_purpose purpose);

/* Assumed: keyring_check has said FAULT_NONE. */
void keyring_add(struct keyring *keyring, const struct hash *fingerprint, uint32_t member,
                 enum certificate_purpose purpose);

#endif
