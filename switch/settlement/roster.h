/* roster: makes the registry from the ledger's entries: who joined, whose certificates.
 *
 * Threads: settlement's; the registry it makes may be read by any (registry.h).
 * Memory:  the tables in roster_open; a certificate's bytes when it is added. */
#ifndef SWITCH_SETTLEMENT_ROSTER_H
#define SWITCH_SETTLEMENT_ROSTER_H

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/entry.h"
#include "proto/record/registry.h"

struct roster {
    struct registry registry;
};

/* FAULT_MEMORY. */
MUST_CHECK enum fault roster_open(struct roster *roster);

/* Notes an entry of kind joined or certificate; passes over others.
 * FAULT_CORRUPT: its body is not as the core writes it.  FAULT_MEMORY. */
MUST_CHECK enum fault roster_entry(struct roster *roster, const struct entry *entry,
                                   struct span body);

/* The table, to be handed out once all entries were noted. */
const struct registry *roster_registry(struct roster *roster);

/* Accepts one of zeros. */
void roster_close(struct roster *roster);

#endif
