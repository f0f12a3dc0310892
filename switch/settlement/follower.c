/* The follower's steps.
 *
 * The happy path: the first step makes the engine, from the newest good snapshot or empty; each
 * later one reads entries up to settlement's published mark, applies them, and at the mark compares;
 * the index gets the same entries; the keeper does its duties; when enough entries have come, the
 * engine is saved, slice by slice, the keeper's duties going on between the slices.
 *
 * Possible failures: an entry does not follow, a mark differs, a stored row is not what its hash says
 * (`halt`: settlement must stop); the disk refuses (said, tried again a second later); the index is
 * damaged or held (likewise: nobody's payment depends on it). */
#include "switch/settlement/follower.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ledger/index.h"
#include "ledger/reader.h"
#include "proto/base/limits.h"
#include "proto/base/log.h"
#include "proto/base/time.h"
#include "proto/crypto/signer.h"
#include "switch/settlement/keeper.h"
#include "switch/settlement/savepoint.h"

#define PART "follower"
#define STEP_ENTRIES 8192 /* of one walk: some 10 ms */
#define RETRY_NS TIME_NS_PER_SECOND
#define INDEX_COMMIT_NS (500 * TIME_NS_PER_MS) /* how late a search may be at most, idle */
#define REST_NS (20 * TIME_NS_PER_MS)          /* behind each slice: 12 MiB a second */

struct follower {
    struct follower_options options;
    struct savepoint_options savepoint;
    struct reader *reader;
    struct signer *signer;
    struct keeper *keeper;
    struct savepoint_registry registry;
    struct engine *engine; /* NULL before the first step */
    struct index *index;   /* NULL: to be opened */
    struct hash hash;      /* of the engine's newest entry */
    uint64_t seq;          /* of that entry */
    uint64_t checked_seq;
    uint64_t snapshot_seq;
    int64_t read_due_ns, index_due_ns, snapshot_due_ns, index_commit_due_ns;
    int64_t deadline_ns; /* of follower_finish; 0: none */
};

enum fault follower_open(struct follower **out, const struct follower_options *options)
{
    *out = NULL;
    struct follower *const follower = calloc(1, sizeof *follower);
    if (!follower) return FAULT_MEMORY;
    follower->options = *options;
    follower->savepoint = (struct savepoint_options){
        .directory = options->directory, .vfs = options->vfs, .certificate = options->certificate};
    enum fault fault = reader_open(&follower->reader, options->directory, options->vfs);
    if (fault == FAULT_NONE) fault = signer_open(&follower->signer, options->key);
    if (fault == FAULT_NONE) fault = savepoint_registry_open(&follower->registry);
    struct keeper_options const keeper = {
        .directory = options->directory,
        .vfs = options->vfs,
        .key = options->key,
        .certificate = options->certificate,
        .reader = follower->reader,
        .metrics = options->metrics,
    };
    if (fault == FAULT_NONE) fault = keeper_open(&follower->keeper, &keeper);
    if (fault != FAULT_NONE) {
        follower_close(follower);
        return fault;
    }
    *out = follower;
    return FAULT_NONE;
}

void follower_step_back(void)
{
    enum { WHO_THREAD = 1, CLASS_BEST_EFFORT = 2 << 13, LOWEST = 7, NICE = 10 };
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of the calling thread only, on Linux */
    (void)syscall(SYS_ioprio_set, WHO_THREAD, 0, CLASS_BEST_EFFORT | LOWEST);
}

/* Settlement's next turn fails, and with it the process. */
static enum fault halt(struct follower *follower, enum fault fault)
{
    atomic_store(&follower->options.published->must_halt, true);
    return fault;
}

/* --- the engine ------------------------------------------------------------------------------- */

static void say_memory(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        LOG(LOG_INFO, PART, "both engines are in memory; the process takes %ld MiB",
            usage.ru_maxrss / 1024);
}

static enum fault make_engine(struct follower *follower)
{
    enum fault fault =
        savepoint_read(&follower->savepoint, &follower->options.engine, follower->reader,
                       &follower->engine, &follower->registry, &follower->hash);
    if (fault == FAULT_NOT_FOUND) fault = engine_open(&follower->engine, &follower->options.engine);
    if (fault != FAULT_NONE) {
        LOG(LOG_FATAL, PART, "no second engine can be made: %s", fault_words(fault));
        return halt(follower, fault);
    }
    follower->seq = follower->snapshot_seq = engine_totals(follower->engine).last_seq;
    keeper_start(follower->keeper, engine_totals(follower->engine).segment_number);
    metric_set(follower->options.metrics, METRIC_SNAPSHOT_SEQ, follower->snapshot_seq);
    say_memory();
    return FAULT_NONE;
}

/* --- the index -------------------------------------------------------------------------------- */

static void drop_index(struct follower *follower, enum fault fault, int64_t now_ns)
{
    LOG(LOG_ERROR, PART, "the index is left for a second: %s", fault_words(fault));
    index_close(follower->index);
    follower->index = NULL;
    follower->index_due_ns = now_ns + RETRY_NS;
}

static enum fault put_index(struct follower *follower, const struct entry *entry, struct span body)
{
    if (!follower->index || entry->public.seq != index_next_seq(follower->index)) return FAULT_NONE;
    enum fault fault = index_entry(follower->index, entry, body);
    if (fault == FAULT_NONE &&
        index_next_seq(follower->index) - index_seq(follower->index) > INDEX_BATCH_ENTRIES)
        fault = index_commit(follower->index);
    return fault;
}

static enum fault visit_for_index(void *context, const struct entry *entry, struct span body)
{
    return put_index(context, entry, body);
}

/* Opens it when that is due, and lets it catch up where it is behind the engine. */
static void feed_index(struct follower *follower, int64_t now_ns, bool *did)
{
    const struct follower_options *const options = &follower->options;
    enum fault fault = FAULT_NONE;
    if (!follower->index) {
        if (now_ns < follower->index_due_ns) return;
        fault = index_open(&follower->index, options->directory, options->vfs, follower->reader);
        if (fault != FAULT_NONE) {
            follower->index = NULL;
            drop_index(follower, fault, now_ns);
            return;
        }
    }
    uint64_t const next_seq = index_next_seq(follower->index);
    if (next_seq <= follower->seq) {
        uint64_t const last_seq = next_seq + STEP_ENTRIES - 1;
        fault = reader_walk(follower->reader, next_seq,
                            last_seq < follower->seq ? last_seq : follower->seq, visit_for_index,
                            follower);
        *did = true;
    }
    if (fault == FAULT_NONE && now_ns >= follower->index_commit_due_ns) {
        fault = index_commit(follower->index);
        follower->index_commit_due_ns = now_ns + INDEX_COMMIT_NS;
    }
    if (fault != FAULT_NONE) drop_index(follower, fault, now_ns);
}

/* --- following -------------------------------------------------------------------------------- */

struct following {
    struct follower *follower;
    int64_t now_ns;
    bool is_close; /* to the mark: the index comes along; else it would only make the engine late */
};

static enum fault take_entry(void *context, const struct entry *entry, struct span body)
{
    const struct following *const following = context;
    struct follower *const follower = following->follower;
    enum fault fault = engine_apply(follower->engine, entry, body);
    if (fault == FAULT_NONE) fault = savepoint_registry_entry(&follower->registry, entry);
    if (fault != FAULT_NONE) {
        LOG(LOG_FATAL, PART, "entry %" PRIu64 " does not follow from those before it: %s",
            entry->public.seq, fault_words(fault));
        return halt(follower, fault);
    }
    follower->seq = entry->public.seq;
    follower->hash = entry->hash;
    keeper_entry(follower->keeper, entry);
    if (following->is_close) fault = put_index(follower, entry, body);
    if (fault != FAULT_NONE) drop_index(follower, fault, following->now_ns);
    return FAULT_NONE;
}

static enum fault compare(struct follower *follower, const uint64_t live[2])
{
    struct engine_mark const mine = engine_mark(follower->engine);
    if (mine.digest[0] == live[0] && mine.digest[1] == live[1]) {
        follower->checked_seq = follower->seq;
        return FAULT_NONE;
    }
    LOG(LOG_FATAL, PART,
        "the live state is not what the ledger's entries make: at entry %" PRIu64
        " it has the mark %016" PRIx64 "%016" PRIx64 ", its replay %016" PRIx64 "%016" PRIx64
        "; settlement stops",
        follower->seq, live[0], live[1], mine.digest[0], mine.digest[1]);
    return halt(follower, FAULT_CORRUPT);
}

/* Whether the reader's fault is the ledger's, or only the moment's. */
static enum fault reading_failed(struct follower *follower, enum fault fault, int64_t now_ns)
{
    if (fault == FAULT_CORRUPT || fault == FAULT_VERSION || fault == FAULT_NOT_FOUND) {
        LOG(LOG_FATAL, PART, "the ledger cannot be read behind entry %" PRIu64 ": %s",
            follower->seq, fault_words(fault));
        return halt(follower, FAULT_CORRUPT);
    }
    LOG(LOG_ERROR, PART, "the ledger cannot be read behind entry %" PRIu64 " now: %s",
        follower->seq, fault_words(fault));
    follower->read_due_ns = now_ns + RETRY_NS;
    return FAULT_NONE;
}

/* Up to the mark, or so far as one step goes. */
static enum fault follow(struct follower *follower, int64_t now_ns, bool *did)
{
    struct following following = {.follower = follower, .now_ns = now_ns};
    uint64_t mark_seq, live[2];
    if (now_ns < follower->read_due_ns ||
        !published_mark(follower->options.published, &mark_seq, live))
        return FAULT_NONE;
    if (mark_seq > follower->seq) {
        uint64_t const step_seq = follower->seq + STEP_ENTRIES;
        following.is_close = step_seq >= mark_seq;
        enum fault const fault =
            reader_walk(follower->reader, follower->seq + 1,
                        step_seq < mark_seq ? step_seq : mark_seq, take_entry, &following);
        if (atomic_load(&follower->options.published->must_halt)) return fault;
        if (fault != FAULT_NONE) return reading_failed(follower, fault, now_ns);
        *did = true;
    }
    return mark_seq == follower->seq ? compare(follower, live) : FAULT_NONE;
}

/* --- snapshots -------------------------------------------------------------------------------- */

static uint64_t durable_seq(const struct follower *follower)
{
    return atomic_load_explicit(&follower->options.published->durable_seq, memory_order_acquire);
}

/* Between two slices. */
static enum fault rest(void *context)
{
    struct follower *const follower = context;
    bool did = false;
    int64_t const now_ns = time_monotonic_ns();
    if (follower->deadline_ns != 0) return now_ns < follower->deadline_ns ? FAULT_NONE : FAULT_BUSY;
    if (!follower->options.is_paced) return FAULT_NONE;
    enum fault const fault = keeper_step(follower->keeper, durable_seq(follower), now_ns, &did);
    if (fault != FAULT_NONE) return halt(follower, fault);
    struct timespec const pause = {.tv_nsec = REST_NS};
    (void)nanosleep(&pause, NULL);
    struct published *const published = follower->options.published;
    int const state = atomic_load(&published->state);
    bool const is_over =
        state == STATE_STOPPING || state == STATE_FAILED || atomic_load(&published->is_disk_low);
    return is_over ? FAULT_BUSY : FAULT_NONE;
}

static void write_snapshot(struct follower *follower, int64_t now_ns)
{
    enum fault const fault =
        savepoint_write(&follower->savepoint, follower->engine, &follower->registry,
                        &follower->hash, follower->reader, follower->signer, rest, follower);
    if (fault == FAULT_NONE) {
        follower->snapshot_seq = follower->seq;
        metric_set(follower->options.metrics, METRIC_SNAPSHOT_SEQ, follower->snapshot_seq);
        LOG(LOG_INFO, PART, "a snapshot as of entry %" PRIu64 " is written", follower->seq);
        return;
    }
    if (fault != FAULT_BUSY)
        LOG(LOG_ERROR, PART, "no snapshot as of entry %" PRIu64 ": %s", follower->seq,
            fault_words(fault));
    follower->snapshot_due_ns = now_ns + RETRY_NS;
}

/* Only a state that was compared is kept. */
static bool snapshot_is_due(const struct follower *follower, uint64_t every_entries, int64_t now_ns)
{
    return follower->options.snapshot_entries > 0 && follower->checked_seq == follower->seq &&
           follower->seq > follower->snapshot_seq &&
           !atomic_load(&follower->options.published->is_disk_low) &&
           follower->seq - follower->snapshot_seq >= every_entries &&
           now_ns >= follower->snapshot_due_ns;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void show_gauges(const struct follower *follower)
{
    struct metric_block *const metrics = follower->options.metrics;
    uint64_t const newest_seq = durable_seq(follower);
    uint64_t const indexed_seq = follower->index ? index_seq(follower->index) : 0;
    metric_set(metrics, METRIC_FOLLOWER_LAG, newest_seq - follower->checked_seq);
    metric_set(metrics, METRIC_INDEX_LAG, newest_seq - indexed_seq);
}

enum fault follower_step(struct follower *follower, int64_t now_ns, bool *did)
{
    *did = false;
    if (!follower->engine) {
        *did = true;
        return make_engine(follower);
    }
    enum fault fault = follow(follower, now_ns, did);
    if (fault != FAULT_NONE) return fault;
    if (follower->seq == follower->checked_seq) feed_index(follower, now_ns, did);
    fault = keeper_step(follower->keeper, durable_seq(follower), now_ns, did);
    if (fault != FAULT_NONE) return halt(follower, fault);
    if (snapshot_is_due(follower, follower->options.snapshot_entries, now_ns)) {
        write_snapshot(follower, now_ns);
        *did = true;
    }
    show_gauges(follower);
    return atomic_load(&follower->options.published->must_halt) ? FAULT_CORRUPT : FAULT_NONE;
}

enum fault follower_finish(struct follower *follower)
{
    uint64_t const newest_seq = durable_seq(follower);
    if (!follower->engine) return FAULT_NONE; /* it has not come to its first step */
    follower->deadline_ns = time_monotonic_ns() + LIMIT_FOLLOWER_STOP_MS * TIME_NS_PER_MS;
    follower->read_due_ns = follower->snapshot_due_ns = 0;
    for (int64_t now_ns = 0; follower->checked_seq < newest_seq && now_ns < follower->deadline_ns;
         now_ns = time_monotonic_ns()) {
        bool did = false;
        enum fault const fault = follow(follower, time_monotonic_ns(), &did);
        if (fault != FAULT_NONE) return fault;
        if (follower->read_due_ns != 0) break; /* the disk refuses */
    }
    if (follower->index && index_commit(follower->index) != FAULT_NONE)
        LOG(LOG_ERROR, PART, "the index's newest entries are not stored");
    keeper_checkpoint(follower->keeper, newest_seq);
    uint64_t const every_entries = follower->options.snapshot_entries / 10;
    if (snapshot_is_due(follower, every_entries, time_monotonic_ns()))
        write_snapshot(follower, time_monotonic_ns());
    return FAULT_NONE;
}

uint64_t follower_checked_seq(const struct follower *follower)
{
    return follower->checked_seq;
}

uint64_t follower_snapshot_seq(const struct follower *follower)
{
    return follower->snapshot_seq;
}

void follower_close(struct follower *follower)
{
    if (!follower) return;
    index_close(follower->index);
    engine_close(follower->engine);
    keeper_close(follower->keeper);
    savepoint_registry_close(&follower->registry);
    signer_close(follower->signer);
    reader_close(follower->reader);
    free(follower);
}
