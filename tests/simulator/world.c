/* Start, steps, accidents, rest. */
#include "tests/simulator/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/signatures.h"
#include "ledger/verify/verify.h"
#include "proto/base/time.h"
#include "switch/settlement/outbox.h"
#include "tests/simulator/disk.h"
#include "tests/simulator/verdict.h"

#define DIRECTORY "/ledger"
#define CLOSE_MINUTE (18 * 60) /* FOUNDING_START_NS is the end of a day */
#define ACCIDENT_STEPS 1500    /* one accident in so many steps */
#define REST_ROUNDS 200000
#define ILL_STEPS 400 /* of a full or a broken disk, until somebody makes room or exchanges it */

static struct settlement_options options_of(struct world *world)
{
    struct settlement_options options = {
        .directory = DIRECTORY,
        .vfs = DISK_VFS,
        .genesis_path = world->founding->genesis_path,
        .engine = {.open_max = 200 + chance_below(&world->chance, 2000),
                   .duplicate_capacity = 2000 + chance_below(&world->chance, 4000),
                   .duplicate_window_ns = 120 * TIME_NS_PER_SECOND,
                   .clock_tolerance_ns = 300 * TIME_NS_PER_SECOND,
                   .clock_ahead_ns = 60 * TIME_NS_PER_SECOND,
                   .deadline_high_ns = 10 * TIME_NS_PER_SECOND,
                   .deadline_normal_ns = 60 * TIME_NS_PER_SECOND,
                   .currency = {"MXN"},
                   .index_key = {chance_next(&world->chance), chance_next(&world->chance)}},
        .certificate = world->founding->certificate,
        .calendar = &world->calendar,
        .segment_entries = world->plan.segment_entries,
        .streams_max = TOWN_STREAMS,
        .stream_idle_ns = 5 * TIME_NS_PER_SECOND,
        .loop_count = TOWN_LOOPS,
        .published = &world->published,
        .metrics = &world->metrics,
    };
    for (uint32_t loop = 0; loop < TOWN_LOOPS; loop++) {
        options.commands[loop] = world->town.commands[loop];
        options.replies[loop] = world->town.replies[loop];
    }
    VERDICT(ring_open(&options.requests, LIMIT_REPLY_RING_BYTES) == FAULT_NONE &&
                ring_open(&options.results, LIMIT_REPLY_RING_BYTES) == FAULT_NONE,
            "no memory");
    return options;
}

static void pass_time(struct world *world, int64_t ns)
{
    world->true_ns += ns;
    world->monotonic_ns += ns;
    world->town.now_ns = world->true_ns;
}

static int64_t wall_ns(const struct world *world)
{
    return world->true_ns + world->wall_off_ns;
}

static void empty_ring(struct ring *ring)
{
    ring_abandon(ring);
    while (ring_next(ring).bytes != NULL)
        continue;
    ring_release(ring);
}

/* The process is gone: what it had in memory goes with it. */
static void go_down(struct world *world)
{
    lookup_close(world->lookup);
    follower_close(world->follower);
    settlement_close(world->settlement);
    truth_disconnect(&world->truth);
    world->lookup = NULL;
    world->follower = NULL;
    world->settlement = NULL;
    empty_ring(world->options.requests);
    empty_ring(world->options.results);
    world->published = (struct published){0};
    disk_restart();
    pass_time(world, chance_below(&world->chance, 3000) * TIME_NS_PER_MS);
    world->monotonic_ns = chance_below(&world->chance, 1000000);
}

/* Settlement, its reader and its follower, as topology.c opens them. */
static enum fault open_switch(struct world *world, char words[SETTLEMENT_WORDS_BYTES])
{
    world->options.wall_ns = wall_ns(world);
    world->options.monotonic_ns = world->monotonic_ns;
    enum fault fault = settlement_open(&world->settlement, &world->options, words);
    if (fault != FAULT_NONE) return fault;
    struct lookup_options const lookup_options = {.directory = DIRECTORY,
                                                  .vfs = DISK_VFS,
                                                  .requests = world->options.requests,
                                                  .results = world->options.results};
    struct follower_options const follower_options = {
        .directory = DIRECTORY,
        .vfs = DISK_VFS,
        .engine = world->options.engine,
        .key = world->founding->key,
        .certificate = world->founding->certificate,
        .snapshot_entries = world->plan.snapshot_entries,
        .published = &world->published,
        .metrics = &world->metrics,
    };
    fault = lookup_open(&world->lookup, &lookup_options);
    if (fault == FAULT_NONE) fault = follower_open(&world->follower, &follower_options);
    if (fault != FAULT_NONE)
        (void)snprintf(words, SETTLEMENT_WORDS_BYTES, "reader or follower: %s", fault_words(fault));
    return fault;
}

/* Starts the switch, perhaps cut short once or twice on the way. */
static void go_up(struct world *world, bool may_fail)
{
    for (;;) {
        char words[SETTLEMENT_WORDS_BYTES];
        if (may_fail && world->plan.has_accidents && chance_is(&world->chance, 1, 4))
            disk_arm(chance_is(&world->chance, 1, 2) ? DISK_KILL : DISK_POWER,
                     chance_below(&world->chance, 12));
        enum fault const fault = open_switch(world, words);
        if (fault == FAULT_NONE && !disk_is_down()) break;
        VERDICT(disk_has_struck(), "the switch does not start: %s", words);
        world->counts.cut_starts++;
        disk_make_room();
        go_down(world);
    }
    disk_disarm();
    disk_spare(true);
    truth_connect(&world->truth, DIRECTORY, DISK_VFS);
    truth_check_recovered(&world->truth, settlement_engine(world->settlement));
    disk_spare(false);
    town_forget(&world->town);
    world->town.epoch++;
}

static void restart(struct world *world, bool may_fail)
{
    go_down(world);
    go_up(world, may_fail);
}

/* A thread's step is over: true, the process goes on. */
static bool goes_on(struct world *world, const char *what, enum fault fault)
{
    if (fault == FAULT_NONE && !disk_is_down()) return true;
    VERDICT(disk_has_struck(), "%s stopped by itself: %s", what, fault_words(fault));
    restart(world, true);
    return false;
}

/* One turn of settlement, and what must hold after it. */
static void turn(struct world *world)
{
    struct settlement_turn done;
    enum fault const fault =
        settlement_turn(world->settlement, wall_ns(world), world->monotonic_ns, &done);
    if (!goes_on(world, "settlement", fault)) return;
    disk_spare(true);
    truth_follow(&world->truth);
    disk_spare(false);
    VERDICT(atomic_load(&world->published.durable_seq) == world->truth.seq,
            "the published sequence is not the ledger's end");
    truth_check_invariants(&world->truth, settlement_engine(world->settlement));
}

static void look_up(struct world *world)
{
    bool did;
    (void)goes_on(world, "the reader", lookup_step(world->lookup, &did));
}

static void follow(struct world *world)
{
    bool did;
    (void)goes_on(world, "the follower", follower_step(world->follower, world->monotonic_ns, &did));
}

static void stop_cleanly(struct world *world)
{
    struct settlement_turn done;
    settlement_end_polls(world->settlement, &done);
    world->town.is_stopping = true;
    for (uint32_t loop = 0; loop < TOWN_LOOPS; loop++)
        town_drain(&world->town, loop);
    world->town.is_stopping = false;
    enum fault const fault = follower_finish(world->follower);
    VERDICT(fault == FAULT_NONE || disk_has_struck(), "the follower's last look: %s",
            fault_words(fault));
    restart(world, true);
}

static void meet_accident(struct world *world)
{
    uint32_t const operations = chance_below(&world->chance, 60);
    switch (chance_below(&world->chance, 7)) {
    case 0: /* between two turns */
        world->counts.kills++;
        disk_fail(DISK_KILL);
        restart(world, true);
        break;
    case 1:
        world->counts.power_losses++;
        disk_fail(DISK_POWER);
        restart(world, true);
        break;
    case 2:
        world->counts.kills++;
        disk_arm(DISK_KILL, operations);
        break;
    case 3:
        world->counts.power_losses++;
        disk_arm(DISK_POWER, operations);
        break;
    case 4:
        world->counts.refusals++;
        disk_arm(chance_is(&world->chance, 1, 2) ? DISK_REFUSE : DISK_FULL_ONCE, operations);
        break;
    case 5:
        world->counts.full_disks++;
        disk_arm(DISK_FULL, operations);
        break;
    default:
        world->counts.stops++;
        stop_cleanly(world);
        break;
    }
}

/* Mostly microseconds; sometimes long enough for deadlines; now and then the wall clock is set. */
static void draw_time(struct world *world)
{
    uint32_t const kind = chance_below(&world->chance, 5000);
    if (kind == 0)
        pass_time(world, chance_below(&world->chance, 5000) * TIME_NS_PER_MS);
    else if (kind < 50)
        pass_time(world, chance_below(&world->chance, 50) * TIME_NS_PER_MS);
    else
        pass_time(world, chance_below(&world->chance, 200000));
    if (kind == 4999)
        world->wall_off_ns = ((int64_t)chance_below(&world->chance, 8000) - 4000) * TIME_NS_PER_MS;
}

static void heal_disk(struct world *world)
{
    world->ill_steps = disk_is_full() || disk_is_broken() ? world->ill_steps + 1 : 0;
    /* The thread that watches the disk would see it, sooner or later. */
    atomic_store(&world->published.is_disk_low, disk_is_full() && world->ill_steps > ILL_STEPS / 2);
    if (world->ill_steps < ILL_STEPS) return;
    disk_make_room();
    if (disk_is_broken()) restart(world, true);
}

static void step(struct world *world)
{
    draw_time(world);
    heal_disk(world);
    uint32_t const who = chance_below(&world->chance, 100);
    if (who < 30)
        town_post(&world->town);
    else if (who < 55)
        town_poll(&world->town);
    else if (who < 60)
        town_end_poll(&world->town);
    else if (who < 75)
        town_drain(&world->town, chance_below(&world->chance, TOWN_LOOPS));
    else if (who < 80)
        look_up(world);
    else if (who < 85)
        follow(world);
    else
        turn(world);
}

/* The number of the newest sealed segment, 0: none is. */
static uint64_t newest_seal(void)
{
    struct signatures *signatures;
    uint64_t number = 0;
    disk_spare(true);
    if (signatures_read(&signatures, DIRECTORY, DISK_VFS) == FAULT_NONE) {
        if (signatures_newest_seal(signatures, &number) != FAULT_NONE) number = 0;
        signatures_close(signatures);
    }
    disk_spare(false);
    return number;
}

/* Everything behind settlement's back has caught up, whatever had been refused. */
static bool is_followed(struct world *world)
{
    uint64_t const seq = world->truth.seq;
    return follower_checked_seq(world->follower) == seq &&
           seq - follower_snapshot_seq(world->follower) <= world->plan.snapshot_entries &&
           metric_get(&world->metrics, METRIC_INDEX_LAG) == 0 &&
           metric_get(&world->metrics, METRIC_CHECKPOINT_SEQ) == seq &&
           newest_seal() + 1 == engine_totals(settlement_engine(world->settlement)).segment_number;
}

static bool is_at_rest(struct world *world)
{
    if (!town_is_at_rest(&world->town) ||
        engine_totals(settlement_engine(world->settlement)).open_count > 0)
        return false;
    const struct outbox *const outbox = settlement_outbox(world->settlement);
    for (uint32_t bank = 0; bank < TRUTH_BANKS; bank++) {
        if (outbox_unconfirmed(outbox, bank) > 0) return false;
    }
    return is_followed(world);
}

/* Nothing fails any more and nothing new is begun: everything must come to its end. */
static void come_to_rest(struct world *world)
{
    disk_disarm();
    world->town.is_quiet = true;
    uint32_t round = 0;
    for (; round < REST_ROUNDS && !is_at_rest(world); round++) {
        step(world);
        if (round % 64 == 0) pass_time(world, 300 * TIME_NS_PER_MS);
    }
    VERDICT(round < REST_ROUNDS,
            "the switch does not come to rest: %" PRIu32 " payments open, %sfollowed",
            engine_totals(settlement_engine(world->settlement)).open_count,
            is_followed(world) ? "" : "not ");
    disk_spare(true);
    truth_follow(&world->truth);
    disk_spare(false);
    truth_check_invariants(&world->truth, settlement_engine(world->settlement));
    truth_check_end(&world->truth);
    world->counts.segments = engine_totals(settlement_engine(world->settlement)).segment_number;
    world->counts.snapshot_seq = follower_snapshot_seq(world->follower);
    disk_fail(DISK_POWER);
    restart(world, false); /* and a last start finds the same */
}

/* What lived through all that, looked at by the auditor's own code. */
static void verify_copy(const struct world *world)
{
    struct verify_report report;
    char directory[] = "/tmp/cauce-simulate-XXXXXX";
    VERDICT(mkdtemp(directory) != NULL && disk_copy_out(directory), "no place for a copy in /tmp");
    struct verify_options const options = {
        .trusted = (const struct certificate *const[]){world->founding->certificate},
        .trusted_count = 1,
    };
    disk_be_default(false);
    verify_ledger_with(directory, &options, &report);
    disk_be_default(true);
    VERDICT(report.good, "verify, of the copy in %s: entry %" PRIu64 ": %s", directory,
            report.fault_seq, report.fault_words);
    VERDICT(report.entries == world->truth.seq && hash_equal(&report.head, &world->truth.head) &&
                report.evidence_absent == 0,
            "verify has read another ledger from %s", directory);
    VERDICT(report.segments >= world->counts.segments && report.signed_seq > 0,
            "verify has seen %" PRIu32 " segments, signed up to entry %" PRIu64, report.segments,
            report.signed_seq);
    VERDICT(disk_remove_copy(directory), "%s cannot be removed", directory);
}

static void add_counts(const struct world *world, struct world_counts *counts)
{
    counts->commands += world->town.command_count;
    counts->entries += world->truth.seq;
    counts->settled += world->truth.settled_count;
    counts->rejected += world->truth.rejected_count;
    counts->expired += world->truth.expired_count;
    counts->refused += world->truth.refused_count;
    counts->redelivered += world->town.redelivered_count;
    counts->kills += world->counts.kills;
    counts->power_losses += world->counts.power_losses;
    counts->refusals += world->counts.refusals;
    counts->full_disks += world->counts.full_disks;
    counts->days += world->truth.day_count;
    counts->segments = world->counts.segments;
    counts->snapshot_seq = world->counts.snapshot_seq;
    counts->stops += world->counts.stops;
    counts->cut_starts += world->counts.cut_starts;
}

void world_play(struct world *world, const struct world_plan *plan, const struct founding *founding,
                struct world_counts *counts)
{
    memset(world, 0, sizeof *world);
    world->plan = *plan;
    world->founding = founding;
    world->chance.state = plan->seed;
    world->true_ns = FOUNDING_START_NS - plan->day_left_ns;
    world->town.now_ns = world->true_ns;
    VERDICT(calendar_open(&world->calendar, "UTC", CLOSE_MINUTE) == FAULT_NONE, "no memory");
    disk_format(chance_next(&world->chance));
    town_open(&world->town, &world->chance, &world->truth, founding->certificates);
    world->options = options_of(world);
    truth_open(&world->truth, (uint32_t)plan->commands + TOWN_ASKS, &world->options.engine);
    pass_time(world, 0);
    go_up(world, true);

    while (world->town.command_count < plan->commands) {
        verdict_at(world->town.command_count);
        step(world);
        if (plan->has_accidents && chance_is(&world->chance, 1, ACCIDENT_STEPS))
            meet_accident(world);
    }
    come_to_rest(world);
    add_counts(world, counts);

    lookup_close(world->lookup);
    follower_close(world->follower);
    truth_disconnect(&world->truth);
    settlement_close(world->settlement);
    verify_copy(world);
    truth_close(&world->truth);
    ring_close(world->options.requests);
    ring_close(world->options.results);
    town_close(&world->town);
}
