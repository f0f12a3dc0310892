/* A table beside the registry's own, index for index. */
#include "switch/participant/keyring.h"

#include <stdlib.h>

#include "proto/base/log.h"

static void parse(struct keyring *keyring, const struct registry_certificate *entry, uint32_t index)
{
    const char *words = "";
    if (entry->purpose != PURPOSE_SIGNING) return;
    if (certificate_parse(&keyring->certificates[index], entry->der, &words) != FAULT_NONE) {
        keyring->certificates[index] = NULL;
        LOG(LOG_ERROR, "keyring", "certificate %u of the registry cannot be used: %s",
            (unsigned)index, words);
    }
}

enum fault keyring_update(struct keyring *keyring, const struct registry *registry)
{
    if (keyring->version == registry->version) return FAULT_NONE;
    if (registry->certificate_count > keyring->count) {
        struct certificate **const grown = realloc(
            keyring->certificates, registry->certificate_count * sizeof *keyring->certificates);
        if (!grown) return FAULT_MEMORY;
        keyring->certificates = grown;
        for (uint32_t i = keyring->count; i < registry->certificate_count; i++) {
            keyring->certificates[i] = NULL;
            parse(keyring, &registry->certificates[i], i);
        }
        keyring->count = registry->certificate_count;
    }
    keyring->version = registry->version;
    return FAULT_NONE;
}

size_t keyring_signing(const struct keyring *keyring, const struct registry *registry,
                       uint32_t participant,
                       const struct certificate *certificates[LIMIT_CERTIFICATES])
{
    const struct registry_participant *const owner = &registry->participants[participant];
    size_t count = 0;
    for (uint32_t i = 0; i < owner->signing_count && i < LIMIT_CERTIFICATES; i++) {
        uint32_t const index = owner->signing[i];
        if (index < keyring->count && keyring->certificates[index]) {
            certificates[count++] = keyring->certificates[index];
        }
    }
    return count;
}

void keyring_close(struct keyring *keyring)
{
    for (uint32_t i = 0; i < keyring->count; i++) {
        certificate_close(keyring->certificates[i]);
    }
    free(keyring->certificates);
    *keyring = (struct keyring){0};
}
