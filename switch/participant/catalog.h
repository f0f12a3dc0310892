/* catalog: the message types that a participant may send, and those that it may receive, as the
 * document that GET .../catalog answers (WIRE section 1).  Written once at start. */
#ifndef SWITCH_PARTICIPANT_CATALOG_H
#define SWITCH_PARTICIPANT_CATALOG_H

#include "proto/base/span.h"

/* One line of 40 bytes for each of the contract's types at most. */
#define CATALOG_BYTES 2048

struct catalog {
    char inward[CATALOG_BYTES];
    char outward[CATALOG_BYTES];
    size_t inward_size;
    size_t outward_size;
};

void catalog_open(struct catalog *catalog);

static inline struct span catalog_inward(const struct catalog *catalog)
{
    return span_of(catalog->inward, catalog->inward_size);
}

static inline struct span catalog_outward(const struct catalog *catalog)
{
    return span_of(catalog->outward, catalog->outward_size);
}

#endif
