/* Two PEM files that must belong together. */
#include "switch/identity.h"

#include <stdio.h>

enum fault identity_load(struct identity *identity, const struct config *config, char *words,
                         size_t words_bytes)
{
    const char *why = "";
    const char *path = config->signing_certificate;
    enum fault fault = certificate_load(&identity->certificate, path, &why);
    if (fault == FAULT_NONE) {
        path = config->signing_key;
        fault = key_load(&identity->key, path, &why);
    }
    if (fault == FAULT_NONE && !certificate_fits(identity->certificate, identity->key)) {
        why = "it is not the key of the signing certificate";
        fault = FAULT_INVALID;
    }
    if (fault != FAULT_NONE) (void)snprintf(words, words_bytes, "%s: %s", path, why);
    return fault;
}

void identity_close(struct identity *identity)
{
    certificate_close(identity->certificate);
    key_close(identity->key);
    *identity = (struct identity){0};
}
