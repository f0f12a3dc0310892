/* world: the switch on a disk that fails, the town around it, and the time.
 *
 * One thread plays all: at each step the scheduler draws who acts next (a bank, a loop, settlement,
 * its reader, its follower) and how much time passes.  An accounting day ends on the way, segments
 * are begun and sealed, blocks signed, snapshots written, the index is fed.  Now and then the process
 * is killed, the power fails, an operation of the disk is refused, the disk is full for a while, or
 * the switch is stopped and started; each start goes on from snapshot and ledger, and is itself
 * sometimes cut short. */
#ifndef TESTS_SIMULATOR_WORLD_H
#define TESTS_SIMULATOR_WORLD_H

#include <stdint.h>

#include "proto/base/metric.h"
#include "proto/record/calendar.h"
#include "proto/record/published.h"
#include "switch/settlement/follower.h"
#include "switch/settlement/lookup.h"
#include "switch/settlement/settlement.h"
#include "tests/simulator/chance.h"
#include "tests/simulator/founding.h"
#include "tests/simulator/town.h"
#include "tests/simulator/truth.h"

struct world_plan {
    uint64_t seed;
    uint64_t commands;   /* to be played before all comes to rest */
    bool has_accidents;  /* drawn by the scheduler; else only what others arm */
    int64_t day_left_ns; /* the accounting day ends so long after the start */
    uint64_t segment_entries;
    uint64_t snapshot_entries;
};

struct world_counts {
    uint64_t commands, entries, settled, rejected, expired, refused;
    uint64_t days;
    uint64_t segments, snapshot_seq; /* of the last world played: the newest */
    uint64_t kills, power_losses, refusals, full_disks, stops, cut_starts, redelivered;
};

struct world {
    struct world_plan plan;
    const struct founding *founding;
    struct chance chance;
    struct truth truth;
    struct town town;
    struct settlement_options options;
    struct settlement *settlement; /* NULL: the switch is down */
    struct lookup *lookup;
    struct follower *follower;
    struct calendar calendar;
    uint32_t ill_steps; /* since the disk is full, or broken */
    struct published published;
    struct metric_block metrics;
    int64_t true_ns; /* what a good clock would say */
    int64_t wall_off_ns;
    int64_t monotonic_ns;
    struct world_counts counts;
};

/* Plays an episode, then lets everything come to rest, loses power once more, and adds to *counts what
 * happened.  Ends the process with a verdict where something is wrong. */
void world_play(struct world *world, const struct world_plan *plan, const struct founding *founding,
                struct world_counts *counts);

#endif
