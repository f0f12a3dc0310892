/* A plain list and two counts a member. */
#include "switch/core/enrolment.h"

#include <assert.h>
#include <stddef.h>

static_assert(PURPOSE_CHANNEL < ENROLMENT_PURPOSES && PURPOSE_SIGNING < ENROLMENT_PURPOSES,
              "every purpose has its count");

enum fault enrolment_open(struct enrolment *enrolment)
{
    *enrolment = (struct enrolment){0};
    enum fault const fault =
        pages_open(&enrolment->pages, (size_t)ENROLMENT_MAX * sizeof *enrolment->certificates);
    enrolment->certificates = enrolment->pages.bytes;
    return fault;
}

void enrolment_close(struct enrolment *enrolment)
{
    pages_close(&enrolment->pages);
    *enrolment = (struct enrolment){0};
}

enum fault enrolment_check(const struct enrolment *enrolment, const struct hash *fingerprint,
                           uint32_t member, enum certificate_purpose purpose)
{
    for (uint32_t i = 0; i < enrolment->count; i++) {
        const struct enrolment_certificate *const known = &enrolment->certificates[i];
        if (hash_equal(&known->fingerprint, fingerprint) &&
            (known->member != member || known->purpose == (uint32_t)purpose))
            return FAULT_BUSY;
    }
    if (enrolment->counts[member][purpose] == LIMIT_CERTIFICATES) return FAULT_FULL;
    return FAULT_NONE;
}

void enrolment_add(struct enrolment *enrolment, const struct hash *fingerprint, uint32_t member,
                   enum certificate_purpose purpose)
{
    assert(enrolment->count < ENROLMENT_MAX);
    assert(enrolment->counts[member][purpose] < LIMIT_CERTIFICATES);
    enrolment->certificates[enrolment->count++] = (struct enrolment_certificate){
        .fingerprint = *fingerprint, .member = member, .purpose = (uint32_t)purpose};
    enrolment->counts[member][purpose]++;
}
