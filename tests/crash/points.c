/* points: an accident at every operation of the disk, one after the other.
 *
 *   points [--every N] [--first N] [--only N] [--jobs N]     1, 0, all of them, the machine's processors
 *
 * One small life of a switch is played once (tests/simulator/world.h): genesis, payments, segments
 * begun and sealed, the end of an accounting day, checkpoints, snapshots, marks, the index, clean stop.
 * Before each operation of the disk the process forks for each accident that can befall it; the
 * child meets it there, restarts where the switch has stopped, and plays on until everything has
 * come to rest, under all that the simulator demands: what was answered is in the ledger, nothing is
 * there by half, the chain is whole, every payment and every bank comes to its end, what was
 * refused has been made good, `cauce verify` finds no fault.  So a point costs what follows it only.
 *
 * The happy path: every child ends with 0.  Possible failures: a child has a verdict, which it has
 * printed with the number of its point, or hangs, or is killed; points goes on and counts it. */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/time.h"
#include "tests/simulator/disk.h"
#include "tests/simulator/founding.h"
#include "tests/simulator/verdict.h"
#include "tests/simulator/world.h"

#define COMMANDS 120
#define SEED 7
#define DAY_LEFT_NS (40 * TIME_NS_PER_MS)
#define SEGMENT_ENTRIES 40
#define SNAPSHOT_ENTRIES 30
#define CHILD_SECONDS 300
#define HUGE_BYTES (2 * 1024 * 1024)
#define JOBS_MAX 64
#define SHOWN_MAX 10 /* failures whose verdicts are shown */

enum { ACCIDENTS = DISK_SHORT + 1, OPERATIONS = DISK_DELETE + 1 };

static const char *const accident_names[ACCIDENTS] = {
    [DISK_KILL] = "kill",          [DISK_POWER] = "power loss", [DISK_REFUSE] = "EIO",
    [DISK_BREAK] = "EIO for good", [DISK_FULL] = "full disk",   [DISK_FULL_ONCE] = "ENOSPC",
    [DISK_SHORT] = "short read",
};

struct point {
    pid_t process; /* 0: free */
    uint64_t number;
    enum disk_accident accident;
    char words[160];
};

static struct {
    uint64_t every, first, only;
    bool has_only;
    uint32_t jobs;
    bool is_child;
    uint64_t numbers; /* points met so far, played or not */
    uint64_t operations[OPERATIONS];
    uint64_t played[ACCIDENTS];
    uint64_t failed;
    uint32_t running;
    struct point points[JOBS_MAX];
} run;

static struct point *place_of(pid_t process)
{
    for (uint32_t i = 0; i < run.jobs; i++) {
        if (run.points[i].process == process) return &run.points[i];
    }
    abort(); /* no more children than places */
}

static void reap(void)
{
    int status;
    pid_t process;
    do
        process = waitpid(-1, &status, 0);
    while (process < 0 && errno == EINTR);
    struct point *const point = place_of(process);
    bool const is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!is_good) {
        run.failed++;
        printf("failed: point %" PRIu64 ", %s, %s %d\n", point->number, point->words,
               WIFEXITED(status) ? "exit" : "signal",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        (void)fflush(stdout);
    }
    point->process = 0;
    run.running--;
}

/* The rest of this child's life has an accident at its beginning. */
static void become_child(const struct point *point)
{
    char again[64];
    run.is_child = true;
    (void)snprintf(again, sizeof again, "points --only %" PRIu64, point->number);
    verdict_fork(run.failed < SHOWN_MAX);
    verdict_begin(again);
    (void)alarm(CHILD_SECONDS);
    disk_watch(NULL);
    disk_arm(point->accident, 0);
}

static bool is_wanted(uint64_t number)
{
    if (run.has_only) return number == run.only;
    return number % run.every == run.first % run.every;
}

/* True in the child. */
static bool play_point(enum disk_accident accident, enum disk_operation operation, const char *name)
{
    uint64_t const number = run.numbers++;
    if (!is_wanted(number)) return false;
    if (run.running == run.jobs) reap();
    struct point *const point = place_of(0);
    *point = (struct point){.number = number, .accident = accident};
    (void)snprintf(point->words, sizeof point->words, "%s at %s of %s", accident_names[accident],
                   disk_operation_name(operation), name);
    point->process = fork();
    VERDICT(point->process >= 0, "no process for another point");
    if (point->process == 0) {
        become_child(point);
        return true;
    }
    run.running++;
    run.played[accident]++;
    return false;
}

static void before_operation(enum disk_operation operation, const char *name)
{
    static const enum disk_accident of_changes[] = {DISK_KILL,  DISK_POWER, DISK_REFUSE,
                                                    DISK_BREAK, DISK_FULL,  DISK_FULL_ONCE};
    run.operations[operation]++;
    if (operation == DISK_READ) {
        (void)play_point(DISK_SHORT, operation, name);
        return;
    }
    for (size_t i = 0; i < sizeof of_changes / sizeof of_changes[0]; i++) {
        if (of_changes[i] == DISK_FULL_ONCE && operation != DISK_WRITE) continue; /* as with EIO */
        if (play_point(of_changes[i], operation, name)) return;
    }
}

static bool read_arguments(int argc, char **argv)
{
    uint64_t jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    run.every = 1;
    for (int i = 1; i < argc; i += 2) {
        uint64_t *const number = strcmp(argv[i], "--every") == 0   ? &run.every
                                 : strcmp(argv[i], "--first") == 0 ? &run.first
                                 : strcmp(argv[i], "--only") == 0  ? &run.only
                                 : strcmp(argv[i], "--jobs") == 0  ? &jobs
                                                                   : NULL;
        char *end = NULL;
        if (number == NULL || i + 1 == argc || argv[i + 1][0] == '-') return false;
        *number = strtoull(argv[i + 1], &end, 10);
        if (end == argv[i + 1] || *end != 0) return false;
        run.has_only = run.has_only || number == &run.only;
    }
    run.jobs = (uint32_t)(jobs < JOBS_MAX ? jobs : JOBS_MAX);
    return run.every > 0 && jobs > 0;
}

static void show(double seconds)
{
    uint64_t played = 0;
    printf("points: %" PRIu64 " writes, %" PRIu64 " syncs, %" PRIu64 " truncations, %" PRIu64
           " deletions, %" PRIu64 " reads; of %" PRIu64 " points\n",
           run.operations[DISK_WRITE], run.operations[DISK_SYNC], run.operations[DISK_TRUNCATE],
           run.operations[DISK_DELETE], run.operations[DISK_READ], run.numbers);
    for (size_t i = 0; i < ACCIDENTS; i++) {
        printf("points: %" PRIu64 " played with %s\n", run.played[i], accident_names[i]);
        played += run.played[i];
    }
    printf("points: %.1f s\npoints: %" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", seconds,
           played - run.failed, run.failed);
}

int main(int argc, char **argv)
{
    /* A start takes some large tables: as mappings of their own they come in huge pages, and starts
     * are most of the work here. */
    (void)mallopt(M_MMAP_THRESHOLD, HUGE_BYTES);
    struct world *const world = calloc(1, sizeof *world);
    if (world == NULL || !read_arguments(argc, argv)) {
        fprintf(stderr, "usage: points [--every N] [--first N] [--only N] [--jobs N]\n");
        return 2;
    }
    struct world_plan const plan = {
        .seed = SEED,
        .commands = COMMANDS,
        .day_left_ns = DAY_LEFT_NS,
        .segment_entries = SEGMENT_ENTRIES,
        .snapshot_entries = SNAPSHOT_ENTRIES,
    };
    struct world_counts counts = {0};
    struct founding founding;
    verdict_open();
    disk_open();
    founding_open(&founding);
    verdict_begin("points");
    disk_watch(before_operation);
    int64_t const start_ns = time_monotonic_ns();
    world_play(world, &plan, &founding, &counts);
    if (run.is_child) _exit(EXIT_SUCCESS);
    while (run.running > 0)
        reap();
    VERDICT(counts.segments >= 3 && counts.days > 0 && counts.snapshot_seq > 0 &&
                counts.settled > 0,
            "the workload has %" PRIu64 " segments, %" PRIu64 " days, a snapshot of entry %" PRIu64,
            counts.segments, counts.days, counts.snapshot_seq);
    show((double)(time_monotonic_ns() - start_ns) / 1e9);
    free(world);
    founding_close(&founding);
    return run.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
