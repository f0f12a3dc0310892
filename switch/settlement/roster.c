/* Participants and certificates in order of entry. */
#include "switch/settlement/roster.h"

#include <stdlib.h>
#include <string.h>

#include "proto/record/body.h"

#define CERTIFICATES_MAX (LIMIT_PARTICIPANTS * 2 * LIMIT_CERTIFICATES)

enum fault roster_open(struct roster *roster)
{
    *roster = (struct roster){.registry = {.version = 1}};
    roster->registry.participants =
        calloc(LIMIT_PARTICIPANTS, sizeof *roster->registry.participants);
    roster->registry.certificates = calloc(CERTIFICATES_MAX, sizeof *roster->registry.certificates);
    if (roster->registry.participants && roster->registry.certificates) return FAULT_NONE;
    roster_close(roster);
    return FAULT_MEMORY;
}

static enum fault add_certificate(struct registry *registry, const struct entry *entry,
                                  struct span body)
{
    struct span der, purpose;
    uint32_t owner;
    if (!body_find(body, BODY_CERTIFICATE, &der) || !body_find(body, BODY_PURPOSE, &purpose) ||
        registry->certificate_count == CERTIFICATES_MAX ||
        registry_find_code(registry, entry->public.payee_agent, &owner) != FAULT_NONE) {
        return FAULT_CORRUPT;
    }
    char *const copy = malloc(der.size);
    if (!copy) return FAULT_MEMORY;
    memcpy(copy, der.bytes, der.size);

    uint32_t const index = registry->certificate_count;
    bool const signs = span_equal(purpose, SPAN("signing"));
    registry->certificates[index] = (struct registry_certificate){
        .fingerprint = hash_of(der),
        .participant = owner,
        .purpose = signs ? PURPOSE_SIGNING : PURPOSE_CHANNEL,
        .der = span_of(copy, der.size),
    };
    registry->certificate_count += 1;
    struct registry_participant *const participant = &registry->participants[owner];
    if (!signs) return FAULT_NONE;
    if (participant->signing_count == LIMIT_CERTIFICATES) return FAULT_CORRUPT;
    participant->signing[participant->signing_count++] = index;
    return FAULT_NONE;
}

enum fault roster_entry(struct roster *roster, const struct entry *entry, struct span body)
{
    struct registry *const registry = &roster->registry;
    switch (entry->public.kind) {
    case ENTRY_JOINED:
        if (registry->participant_count == LIMIT_PARTICIPANTS) return FAULT_CORRUPT;
        registry->participants[registry->participant_count++] =
            (struct registry_participant){.code = entry->public.payee_agent};
        return FAULT_NONE;
    case ENTRY_CERTIFICATE: return add_certificate(registry, entry, body);
    }
    return FAULT_NONE;
}

const struct registry *roster_registry(struct roster *roster)
{
    return &roster->registry;
}

void roster_close(struct roster *roster)
{
    for (uint32_t i = 0; i < roster->registry.certificate_count; i++) {
        free((void *)(uintptr_t)roster->registry.certificates[i].der.bytes);
    }
    free(roster->registry.participants);
    free(roster->registry.certificates);
    *roster = (struct roster){0};
}
