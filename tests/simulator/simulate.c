/* simulate: the real core, ledger, settlement turn and outbox under a seeded scheduler with virtual
 * time, on a disk in memory that loses power.
 *
 *   simulate [--seed N] [--commands N]      1, 1,000,000
 *
 * Commands are played in episodes of EPISODE_COMMANDS, each with a ledger of its own and the seed
 * after the one before.  A failure names the seed and the commands of its episode, which give the
 * same run again. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "tests/simulator/disk.h"
#include "tests/simulator/founding.h"
#include "tests/simulator/verdict.h"
#include "tests/simulator/world.h"

#define EPISODE_COMMANDS 20000
#define DAY_LEFT_NS (20 * TIME_NS_PER_SECOND)
#define SEGMENT_ENTRIES 1500
#define SNAPSHOT_ENTRIES 1000

static bool read_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == 0 && text[0] != '-';
}

static void show(const struct world_counts *counts, double seconds)
{
    printf("%" PRIu64 " commands in %.1f s: %" PRIu64 " entries, %" PRIu64 " settled, %" PRIu64
           " rejected, %" PRIu64 " expired, %" PRIu64 " refused\n",
           counts->commands, seconds, counts->entries, counts->settled, counts->rejected,
           counts->expired, counts->refused);
    printf("%" PRIu64 " kills, %" PRIu64 " power losses, %" PRIu64 " refused operations, %" PRIu64
           " full disks, %" PRIu64 " clean stops, %" PRIu64 " starts cut short, %" PRIu64
           " messages delivered again\n",
           counts->kills, counts->power_losses, counts->refusals, counts->full_disks, counts->stops,
           counts->cut_starts, counts->redelivered);
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, commands = 1000000;
    for (int i = 1; i < argc; i += 2) {
        uint64_t *const number = strcmp(argv[i], "--seed") == 0       ? &seed
                                 : strcmp(argv[i], "--commands") == 0 ? &commands
                                                                      : NULL;
        if (number == NULL || i + 1 == argc || !read_number(argv[i + 1], number)) {
            fprintf(stderr, "usage: simulate [--seed N] [--commands N]\n");
            return 2;
        }
    }
    struct world *const world = calloc(1, sizeof *world);
    if (world == NULL) {
        fprintf(stderr, "simulate: no memory\n");
        return 1;
    }
    verdict_open();
    disk_open();
    struct founding founding;
    founding_open(&founding);
    struct world_counts counts = {0};
    int64_t const start_ns = time_monotonic_ns();
    for (uint64_t left = commands; left > 0; seed++) {
        uint64_t const episode = left < EPISODE_COMMANDS ? left : EPISODE_COMMANDS;
        struct world_plan const plan = {
            .seed = seed,
            .commands = episode,
            .has_accidents = true,
            .day_left_ns = DAY_LEFT_NS,
            .segment_entries = SEGMENT_ENTRIES,
            .snapshot_entries = SNAPSHOT_ENTRIES,
        };
        char again[80];
        (void)snprintf(again, sizeof again, "simulate --seed %" PRIu64 " --commands %" PRIu64, seed,
                       episode);
        verdict_begin(again);
        world_play(world, &plan, &founding, &counts);
        left -= episode;
    }
    show(&counts, (double)(time_monotonic_ns() - start_ns) / 1e9);
    free(world);
    founding_close(&founding);
    return 0;
}
