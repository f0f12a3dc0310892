/* Look-ups in the table; linear, for a look-up happens once per connection, not per message. */
#include "proto/record/registry.h"

enum fault registry_find_code(const struct registry *registry, struct participant_code code,
                              uint32_t *participant)
{
    for (uint32_t i = 0; i < registry->participant_count; i++) {
        if (!identifier_code_equal(registry->participants[i].code, code)) continue;
        *participant = i;
        return FAULT_NONE;
    }
    return FAULT_NOT_FOUND;
}

enum fault registry_find_channel(const struct registry *registry, const struct hash *fingerprint,
                                 uint32_t *participant)
{
    for (uint32_t i = 0; i < registry->certificate_count; i++) {
        const struct registry_certificate *const certificate = &registry->certificates[i];
        if (certificate->purpose != PURPOSE_CHANNEL ||
            !hash_equal(&certificate->fingerprint, fingerprint))
            continue;
        *participant = certificate->participant;
        return FAULT_NONE;
    }
    return FAULT_NOT_FOUND;
}
