/* A plain list and two counts a member. */
#include "switch/core/keyring.h"

#include <assert.h>
#include <stddef.h>

static_assert(PURPOSE_CHANNEL < KEYRING_PURPOSES && PURPOSE_SIGNING < KEYRING_PURPOSES,
              "every purpose has its count");

enum fault keyring_open(struct keyring *keyring)
{
    *keyring = (struct keyring){0};
    enum fault const fault =
        pages_open(&keyring->pages, (size_t)KEYRING_MAX * sizeof *keyring->certificates);
    keyring->certificates = keyring->pages.bytes;
    return fault;
}

void keyring_close(struct keyring *keyring)
{
    pages_close(&keyring->pages);
    *keyring = (struct keyring){0};
}

enum fault keyring_check(const struct keyring *keyring, const struct hash *fingerprint,
                         uint32_t member, enum certificate_purpose purpose)
{
    for (uint32_t i = 0; i < keyring->count; i++) {
        const struct keyring_certificate *const known = &keyring->certificates[i];
        if (hash_equal(&known->fingerprint, fingerprint) &&
            (known->member != member || known->purpose == (uint32_t)purpose))
            return FAULT_BUSY;
    }
    if (keyring->counts[member][purpose] == LIMIT_CERTIFICATES) return FAULT_FULL;
    return FAULT_NONE;
}

void keyring_add(struct keyring *keyring, const struct hash *fingerprint, uint32_t member,
                 enum certificate_purpose purpose)
{
    assert(keyring->count < KEYRING_MAX);
    assert(keyring->counts[member][purpose] < LIMIT_CERTIFICATES);
    keyring->certificates[keyring->count++] = (struct keyring_certificate){
        .fingerprint = *fingerprint, .member = member, .purpose = (uint32_t)purpose};
    keyring->counts[member][purpose]++;
}
