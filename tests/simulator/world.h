/* world: the switch on a disk that fails, the town around it, and the time.
 *
 * One thread plays all: at each step the scheduler draws who acts next (a bank, a loop, settlement,
 * its reader) and how much time passes.  Now and then the process is killed, the power fails, an
 * operation of the disk is refused, or the switch is stopped and started; each start replays the
 * ledger, and is itself sometimes cut short. */
#ifndef TESTS_SIMULATOR_WORLD_H
#define TESTS_SIMULATOR_WORLD_H

#include <stdint.h>

#include "proto/base/metric.h"
#include "proto/record/published.h"
#include "switch/settlement/lookup.h"
#include "switch/settlement/settlement.h"
#include "tests/simulator/chance.h"
#include "tests/simulator/founding.h"
#include "tests/simulator/town.h"
#include "tests/simulator/truth.h"

struct world_counts {
    uint64_t commands, entries, settled, rejected, expired, refused;
    uint64_t kills, power_losses, refusals, stops, cut_starts, redelivered;
};

struct world {
    struct chance chance;
    struct truth truth;
    struct town town;
    struct settlement_options options;
    struct settlement *settlement; /* NULL: the switch is down */
    struct lookup *lookup;
    struct published published;
    struct metric_block metrics;
    int64_t true_ns; /* what a good clock would say */
    int64_t wall_off_ns;
    int64_t monotonic_ns;
    struct world_counts counts;
};

/* Plays `commands` commands of an episode, then lets everything come to rest, and adds to *counts
 * what happened.  Ends the process with a verdict where something is wrong. */
void world_play(struct world *world, uint64_t seed, uint64_t commands,
                const struct founding *founding, struct world_counts *counts);

#endif
