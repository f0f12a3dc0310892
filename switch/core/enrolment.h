/* enrolment: which certificates are registered, and to whom.
 *
 * WIRE section 1: a certificate's "SHA-256 [is] registered to exactly one participant".  The loops
 * look certificates up in the registry that settlement makes of the same entries; the enrolment only
 * keeps what must be known to refuse an entry.
 *
 * Threads: the engine's.  Memory: taken in enrolment_open. */
#ifndef SWITCH_CORE_ENROLMENT_H
#define SWITCH_CORE_ENROLMENT_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/crypto/hash.h"
#include "proto/record/registry.h"
#include "switch/core/pages.h"

#define ENROLMENT_PURPOSES 2 /* of enum certificate_purpose */
#define ENROLMENT_MAX (LIMIT_PARTICIPANTS * LIMIT_CERTIFICATES * ENROLMENT_PURPOSES)

struct enrolment_certificate {
    struct hash fingerprint; /* SHA-256 of its DER */
    uint32_t member;
    uint32_t purpose; /* enum certificate_purpose */
};

struct enrolment {
    uint32_t count;
    struct enrolment_certificate *certificates; /* ENROLMENT_MAX places, in order of entry */
    uint8_t counts[LIMIT_PARTICIPANTS][ENROLMENT_PURPOSES];
    struct pages pages;
};

MUST_CHECK enum fault enrolment_open(struct enrolment *enrolment);

/* Accepts a enrolment of zeros. */
void enrolment_close(struct enrolment *enrolment);

/* Whether the certificate may be added.  FAULT_BUSY: it is registered already, for this purpose or
 * to another member.  FAULT_FULL: the member has LIMIT_CERTIFICATES for this purpose.
 * Looks at every certificate there is: they are added at start, and by hand. */
MUST_CHECK enum fault enrolment_check(const struct enrolment *enrolment,
                                      const struct hash *fingerprint, uint32_t member,
                                      enum certificate_purpose purpose);

/* Assumed: enrolment_check has said FAULT_NONE. */
void enrolment_add(struct enrolment *enrolment, const struct hash *fingerprint, uint32_t member,
                   enum certificate_purpose purpose);

#endif
