/* facts: what the other threads publish about themselves, as the admin loop reads it.
 *
 * Each figure is an atomic of its own, so several of them together may be from different instants,
 * for example while settlement is in the middle of showing new balances.  What compares figures
 * therefore looks again before it believes that they disagree (system.h).
 *
 * Threads: the admin loop reads; nothing here is written. */
#ifndef SWITCH_ADMIN_FACTS_H
#define SWITCH_ADMIN_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/metric.h"
#include "proto/config/config.h"
#include "proto/record/published.h"

/* The project's version; tests/floors compares it with CMakeLists.txt's. */
#define FACTS_VERSION "0.1.0"

/* Pointers as in struct admin_settings. */
struct facts {
    const struct config *config;
    struct published *published;
    const struct metric_block *const *metrics;
    size_t metrics_count;
    const _Atomic uint64_t *acknowledged_seq; /* NULL while Kafka is off */
    const _Atomic uint64_t *publish_rebuilds; /* likewise */
};

/* One metric, summed over all blocks. */
uint64_t facts_sum(const struct facts *facts, enum metric metric);

enum switch_state facts_state(const struct facts *facts);

/* "serving". Static. */
const char *facts_state_text(enum switch_state state);

/* Entries that are durable and not yet acknowledged by the broker; 0 while Kafka is off. */
uint64_t facts_lag(const struct facts *facts);

/* The books' sums that belong together (DESIGN, "Invariants"). */
struct facts_books {
    struct amount available, reserved, net_funding, open;
    bool is_conserved; /* available + reserved = net funding */
    bool is_backed;    /* reserved = the sum of the open payments */
};

struct facts_books facts_books(const struct facts *facts);

#endif
