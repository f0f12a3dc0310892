/* registry: who takes part and which certificates are theirs, as one immutable table.
 *
 * Settlement makes it from the ledger's entries; net loops read it (identity of a TLS peer, keys of
 * a signer).  A change makes a new table with a higher version; nothing in a table ever changes, so
 * any thread may read one.  The table is settlement's; it lives as long as the process. */
#ifndef PROTO_RECORD_REGISTRY_H
#define PROTO_RECORD_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/crypto/hash.h"
#include "proto/record/identifier.h"

enum certificate_purpose { PURPOSE_CHANNEL, PURPOSE_SIGNING };

struct registry_certificate {
    struct hash fingerprint; /* SHA-256 of its DER */
    uint32_t participant;    /* index of its owner */
    enum certificate_purpose purpose;
    struct span der; /* the registry's */
};

struct registry_participant {
    struct participant_code code;
    uint32_t signing[LIMIT_CERTIFICATES]; /* indices of its active signing certificates */
    uint32_t signing_count;
};

struct registry {
    uint32_t version; /* 1, 2, 3, ... */
    uint32_t participant_count;
    uint32_t certificate_count;
    struct registry_participant
        *participants; /* index = the participant's for good, in order of joining */
    struct registry_certificate *certificates; /* in order of entry */
};

/* Index of the participant with this code. FAULT_NOT_FOUND: there is none. */
MUST_CHECK enum fault registry_find_code(const struct registry *registry,
                                         struct participant_code code, uint32_t *participant);

/* Whose channel certificate this is. FAULT_NOT_FOUND: nobody's. */
MUST_CHECK enum fault registry_find_channel(const struct registry *registry,
                                            const struct hash *fingerprint, uint32_t *participant);

#endif
