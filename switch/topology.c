/* The wiring of the threads; nothing else in the switch knows who is on the other end of a ring.
 *
 * The happy path: rings and bells, then settlement with its ledger (which may refuse), then the
 * reader, the follower, the loops, the operators' ports, the publisher; threads start last, the port
 * is open before `ready` is said.
 * Stopping goes the other way: loops end while settlement still answers them.
 * Possible failures: each part says why it cannot be opened; what was opened is closed again.  A
 * thread that fails later rings failed_fd and answers nobody any more. */
#include "switch/topology.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ledger/reserve.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"
#include "proto/base/time.h"
#include "proto/crypto/random.h"
#include "proto/kafka/embedded.h"
#include "proto/tls/tls_context.h"
#include "switch/admin/admin.h"
#include "switch/identity.h"
#include "switch/participant/bucket.h"
#include "switch/participant/net_loop.h"
#include "switch/publisher/publisher.h"
#include "switch/ring/bell.h"
#include "switch/ring/ring.h"
#include "switch/settlement/follower.h"
#include "switch/settlement/lookup.h"
#include "switch/settlement/settlement.h"

#define SPIN_NS                                                                                    \
    (20 * INT64_C(1000)) /* a sleeper's wake-up costs 12 us: busy that long before sleeping */
#define FLUSH_MS 1000    /* what the publisher may send at a stop */
#define FOLLOW_EVERY_NS                                                                            \
    (10 * TIME_NS_PER_MS) /* the follower looks so often when it has nothing to do */

struct loop_thread {
    pthread_t thread;
    bool is_running;
    struct net_loop *net_loop;
    struct ring *commands;
    struct ring *replies;
    struct metric_block metrics;
};

/* A thread that sleeps on a bell when it has nothing to do. */
struct worker {
    struct bell bell;
    pthread_t thread;
    bool is_running;
    atomic_bool must_stop;
};

struct topology {
    const struct config *config;
    struct published published;
    const struct registry *_Atomic registry;
    int failed_fd;
    atomic_bool has_failed;

    struct worker settling;
    struct settlement *settlement;
    struct metric_block settlement_metrics;
    atomic_bool settlement_must_end_polls;

    struct worker reading;
    struct lookup *lookup;
    struct ring *requests;
    struct ring *results;

    struct identity identity;
    struct calendar calendar;
    struct worker following;
    struct follower *follower;
    struct metric_block follower_metrics;

    struct worker watching; /* the disk */
    struct reserve *reserve;
    struct metric_block disk_metrics;

    struct bucket_table *buckets;
    uint32_t loop_count;
    struct loop_thread loops[LIMIT_LOOPS];
    uint16_t port;

    struct embedded *embedded;
    struct publisher *publisher;
    struct publisher_meters publisher_meters;
    struct admin *admin;
};

static void fail(struct topology *topology)
{
    uint64_t const one = 1;
    atomic_store(&topology->has_failed, true);
    atomic_store(&topology->published.state, STATE_FAILED);
    ssize_t const put = write(topology->failed_fd, &one, sizeof one);
    (void)put;
}

static bool must_stop(struct worker *worker)
{
    return atomic_load_explicit(&worker->must_stop, memory_order_relaxed);
}

/* ---- settlement's thread ---- */

static void ring_touched(struct topology *topology, const struct settlement_turn *turn)
{
    for (uint32_t i = 0; i < topology->loop_count; i++) {
        if (turn->touched[i]) bell_ring(net_loop_bell(topology->loops[i].net_loop));
    }
    if (turn->reader_touched) bell_ring(&topology->reading.bell);
}

static bool take_turn(struct topology *topology, struct settlement_turn *turn)
{
    if (settlement_turn(topology->settlement, time_wall_ns(), time_monotonic_ns(), turn) !=
        FAULT_NONE)
        return false;
    if (atomic_exchange(&topology->settlement_must_end_polls, false)) {
        ring_touched(topology, turn);
        settlement_end_polls(topology->settlement, turn);
    }
    ring_touched(topology, turn);
    return true;
}

/* Turns as long as there is something to do, a little longer, then sleep until somebody rings or
 * something is due. */
static void *settlement_main(void *argument)
{
    struct topology *const topology = argument;
    struct settlement_turn turn;
    int64_t busy_ns = time_monotonic_ns();
    while (!must_stop(&topology->settling)) {
        if (!take_turn(topology, &turn)) goto failed;
        if (turn.did) busy_ns = time_monotonic_ns();
        if (turn.did || time_monotonic_ns() - busy_ns < SPIN_NS) continue;

        bell_arm(&topology->settling.bell);
        if (!take_turn(topology, &turn)) goto failed;
        if (!turn.did && turn.due_ns > turn.now_ns)
            bell_wait(&topology->settling.bell, turn.due_ns - turn.now_ns);
        bell_disarm(&topology->settling.bell);
    }
    return NULL;

failed:
    fail(topology);
    return NULL;
}

/* ---- the reader's thread ---- */

static void *reader_main(void *argument)
{
    struct topology *const topology = argument;
    while (!must_stop(&topology->reading)) {
        bool did;
        bell_arm(&topology->reading.bell);
        enum fault const fault = lookup_step(topology->lookup, &did);
        if (fault != FAULT_NONE) {
            fail(topology);
            return NULL;
        }
        if (did) {
            bell_ring(&topology->settling.bell);
        } else {
            bell_wait(&topology->reading.bell, TIME_NS_PER_SECOND);
        }
        bell_disarm(&topology->reading.bell);
    }
    return NULL;
}

/* ---- the follower's thread ---- */

static void *follower_main(void *argument)
{
    struct topology *const topology = argument;
    follower_step_back();
    while (!must_stop(&topology->following)) {
        bool did;
        bell_arm(&topology->following.bell);
        if (follower_step(topology->follower, time_monotonic_ns(), &did) != FAULT_NONE) goto failed;
        if (!did) bell_wait(&topology->following.bell, FOLLOW_EVERY_NS);
        bell_disarm(&topology->following.bell);
    }
    if (follower_finish(topology->follower) == FAULT_NONE) return NULL;

failed:
    fail(topology);
    bell_ring(&topology->settling.bell);
    return NULL;
}

/* ---- the disk's thread ---- */

static void show_reserve(struct topology *topology)
{
    const struct reserve *const reserve = topology->reserve;
    bool const is_low = reserve_level(reserve) != RESERVE_PLENTY;
    atomic_store_explicit(&topology->published.is_disk_low, is_low, memory_order_relaxed);
    metric_set(&topology->disk_metrics, METRIC_DISK_FREE, reserve_room(reserve));
    metric_set(&topology->disk_metrics, METRIC_DISK_RESERVE, reserve_held(reserve));
    metric_set(&topology->disk_metrics, METRIC_DISK_LOW, is_low);
}

/* By itself, as every other thread may wait for a full disk just when this is to be seen. */
static void *disk_main(void *argument)
{
    struct topology *const topology = argument;
    while (!must_stop(&topology->watching)) {
        bell_arm(&topology->watching.bell);
        reserve_look(topology->reserve);
        show_reserve(topology);
        bell_wait(&topology->watching.bell, LIMIT_DISK_LOOK_MS * TIME_NS_PER_MS);
        bell_disarm(&topology->watching.bell);
    }
    return NULL;
}

static void *loop_main(void *argument)
{
    net_loop_run(argument);
    return NULL;
}

/* Signals are main's alone. */
static bool start_thread(pthread_t *thread, const char *name, void *(*function)(void *),
                         void *argument)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool const good = pthread_create(thread, NULL, function, argument) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (good) (void)pthread_setname_np(*thread, name);
    return good;
}

/* ---- opening ---- */

static enum fault say(char words[TOPOLOGY_WORDS_BYTES], enum fault fault, const char *what)
{
    if (fault != FAULT_NONE)
        (void)snprintf(words, TOPOLOGY_WORDS_BYTES, "%s: %s", what, fault_words(fault));
    return fault;
}

static uint32_t loop_count_of(const struct config *config)
{
    if (config->switch_loops) return (uint32_t)config->switch_loops;
    long const cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 2 ? (uint32_t)(cores - 1 < LIMIT_LOOPS ? cores - 1 : LIMIT_LOOPS) : 1;
}

static enum fault open_rings(struct topology *topology)
{
    enum fault fault = bell_open(&topology->settling.bell);
    if (fault == FAULT_NONE) fault = bell_open(&topology->reading.bell);
    if (fault == FAULT_NONE) fault = bell_open(&topology->following.bell);
    if (fault == FAULT_NONE) fault = bell_open(&topology->watching.bell);
    if (fault == FAULT_NONE) fault = ring_open(&topology->requests, LIMIT_REPLY_RING_BYTES);
    if (fault == FAULT_NONE) fault = ring_open(&topology->results, LIMIT_REPLY_RING_BYTES);
    for (uint32_t i = 0; i < topology->loop_count && fault == FAULT_NONE; i++) {
        fault = ring_open(&topology->loops[i].commands, LIMIT_COMMAND_RING_BYTES);
        if (fault == FAULT_NONE)
            fault = ring_open(&topology->loops[i].replies, LIMIT_REPLY_RING_BYTES);
    }
    return fault;
}

static struct engine_options engine_options_of(const struct config *config)
{
    struct engine_options options = {
        .open_max = (uint32_t)config->payments_open_max,
        .duplicate_capacity = (uint32_t)config->payments_duplicate_capacity,
        .duplicate_window_ns =
            config->payments_duplicate_window_ns + config->payments_clock_tolerance_ns,
        .clock_tolerance_ns = config->payments_clock_tolerance_ns,
        .clock_ahead_ns = config->payments_clock_ahead_ns,
        .deadline_high_ns = config->payments_deadline_high_ns,
        .deadline_normal_ns = config->payments_deadline_normal_ns,
    };
    memcpy(options.currency.text, config->switch_currency, sizeof options.currency.text);
    return options;
}

static enum fault open_settlement(struct topology *topology, const char *genesis_path, char *words)
{
    const struct config *const config = topology->config;
    struct settlement_options options = {
        .directory = config->ledger_directory,
        .genesis_path = genesis_path,
        .engine = engine_options_of(config),
        .certificate = topology->identity.certificate,
        .calendar = &topology->calendar,
        .segment_entries = config->ledger_segment_entries,
        .streams_max = (uint32_t)config->participants_streams_max,
        .stream_idle_ns = config->participants_stream_idle_ns,
        .loop_count = topology->loop_count,
        .requests = topology->requests,
        .results = topology->results,
        .published = &topology->published,
        .metrics = &topology->settlement_metrics,
        .wall_ns = time_wall_ns(),
        .monotonic_ns = time_monotonic_ns(),
    };
    for (uint32_t i = 0; i < topology->loop_count; i++) {
        options.commands[i] = topology->loops[i].commands;
        options.replies[i] = topology->loops[i].replies;
    }
    enum fault fault = random_fill(options.engine.index_key, sizeof options.engine.index_key);
    if (fault != FAULT_NONE) return say(words, fault, "randomness");
    fault = settlement_open(&topology->settlement, &options, words);
    if (fault != FAULT_NONE) return fault;
    atomic_store(&topology->registry, settlement_registry(topology->settlement));

    struct lookup_options const lookup_options = {.directory = config->ledger_directory,
                                                  .requests = topology->requests,
                                                  .results = topology->results};
    return say(words, lookup_open(&topology->lookup, &lookup_options), "reading the ledger");
}

static enum fault open_follower(struct topology *topology, char *words)
{
    const struct config *const config = topology->config;
    struct follower_options options = {
        .directory = config->ledger_directory,
        .engine = engine_options_of(config),
        .key = topology->identity.key,
        .certificate = topology->identity.certificate,
        .snapshot_entries = config->ledger_snapshot_entries,
        .is_paced = true,
        .published = &topology->published,
        .metrics = &topology->follower_metrics,
    };
    enum fault fault = random_fill(options.engine.index_key, sizeof options.engine.index_key);
    if (fault == FAULT_NONE) fault = follower_open(&topology->follower, &options);
    return say(words, fault, "following the ledger");
}

static enum fault open_reserve(struct topology *topology, char *words)
{
    const struct config *const config = topology->config;
    struct reserve_options const options = {
        .directory = config->ledger_directory,
        .bytes = config->ledger_reserve_mib * 1024 * 1024,
        .low_bytes = LIMIT_DISK_LOW_BYTES,
        .last_bytes = LIMIT_DISK_LAST_BYTES,
    };
    enum fault const fault = reserve_open(&topology->reserve, &options);
    if (fault == FAULT_NONE) show_reserve(topology);
    return say(words, fault, "the room of the ledger's disk");
}

static enum fault open_loops(struct topology *topology, char *words)
{
    const struct config *const config = topology->config;
    struct tls_ticket_seed seed;
    struct net_loop *net_loops[LIMIT_LOOPS];
    enum fault fault = tls_context_draw_seed(&seed, time_wall_ns());
    if (fault == FAULT_NONE) {
        fault = bucket_open(&topology->buckets, config->participants_rate_tokens,
                            config->participants_rate_refill);
    }
    if (fault != FAULT_NONE) return say(words, fault, "net loops");
    for (uint32_t i = 0; i < topology->loop_count; i++) {
        struct loop_thread *const loop = &topology->loops[i];
        struct net_loop_settings const settings = {
            .index = i,
            .config = config,
            .ticket_seed = &seed,
            .commands = loop->commands,
            .settlement_bell = &topology->settling.bell,
            .replies = loop->replies,
            .published = &topology->published,
            .registry = &topology->registry,
            .buckets = topology->buckets,
            .metrics = &loop->metrics,
        };
        fault = net_loop_open(&loop->net_loop, &settings, words);
        if (fault != FAULT_NONE) return fault;
        net_loops[i] = loop->net_loop;
    }
    return net_loop_listen(net_loops, topology->loop_count, &topology->port, words);
}

static enum fault open_publisher(struct topology *topology, char *words)
{
    static const struct embedded_topic topics[] = {
        {PUBLISHER_TOPIC_LEDGER, 1}, {PUBLISHER_TOPIC_PAYMENTS, PUBLISHER_PAYMENTS_PARTITIONS}};
    const struct config *const config = topology->config;
    if (config->kafka_mode == CONFIG_BROKER_OFF) return FAULT_NONE;
    char error[EMBEDDED_ERROR_BYTES + PUBLISHER_ERROR_BYTES] = "";
    enum fault fault = FAULT_NONE;
    if (config->kafka_mode == CONFIG_BROKER_EMBEDDED)
        fault = embedded_open(&topology->embedded, topics, 2, error);
    struct publisher_settings const settings = {
        .config = config,
        .bootstrap = topology->embedded ? embedded_address(topology->embedded) : NULL,
        .durable_seq = &topology->published.durable_seq,
        .meters = &topology->publisher_meters,
    };
    if (fault == FAULT_NONE) fault = publisher_start(&topology->publisher, &settings, error);
    if (fault != FAULT_NONE) (void)snprintf(words, TOPOLOGY_WORDS_BYTES, "kafka: %s", error);
    return fault;
}

static enum fault open_admin(struct topology *topology, const char *genesis_path, char *words)
{
    struct admin_settings settings = {
        .config = topology->config,
        .published = &topology->published,
        .genesis_path = genesis_path,
    };
    if (topology->config->kafka_mode != CONFIG_BROKER_OFF) {
        settings.acknowledged_seq = &topology->publisher_meters.acknowledged_seq;
        settings.publish_rebuilds = &topology->publisher_meters.rebuilds;
    }
    settings.metrics[settings.metrics_count++] = &topology->settlement_metrics;
    settings.metrics[settings.metrics_count++] = &topology->follower_metrics;
    settings.metrics[settings.metrics_count++] = &topology->disk_metrics;
    for (uint32_t i = 0; i < topology->loop_count; i++)
        settings.metrics[settings.metrics_count++] = &topology->loops[i].metrics;
    return admin_start(&topology->admin, &settings, words);
}

static enum fault start_threads(struct topology *topology)
{
    const struct {
        struct worker *worker;
        const char *name;
        void *(*function)(void *);
    } workers[] = {
        {&topology->settling, "settlement", settlement_main},
        {&topology->reading, "reader", reader_main},
        {&topology->following, "follower", follower_main},
        {&topology->watching, "disk", disk_main},
    };
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        struct worker *const worker = workers[i].worker;
        worker->is_running =
            start_thread(&worker->thread, workers[i].name, workers[i].function, topology);
        if (!worker->is_running) return FAULT_MEMORY;
    }
    for (uint32_t i = 0; i < topology->loop_count; i++) {
        struct loop_thread *const loop = &topology->loops[i];
        loop->is_running = start_thread(&loop->thread, "net loop", loop_main, loop->net_loop);
        if (!loop->is_running) return FAULT_MEMORY;
    }
    return FAULT_NONE;
}

enum fault topology_start(struct topology **out, const struct config *config,
                          const char *genesis_path, char words[TOPOLOGY_WORDS_BYTES])
{
    *out = NULL;
    words[0] = 0;
    struct topology *const topology = aligned_alloc(64, (sizeof *topology + 63) / 64 * 64);
    if (!topology) return say(words, FAULT_MEMORY, "start");
    memset(topology, 0, sizeof *topology);
    topology->config = config;
    topology->loop_count = loop_count_of(config);
    topology->settling.bell.event_fd = topology->reading.bell.event_fd = -1;
    topology->following.bell.event_fd = topology->watching.bell.event_fd = -1;
    topology->failed_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    enum fault fault = topology->failed_fd < 0 ? FAULT_IO : FAULT_NONE;
    if (fault == FAULT_NONE) fault = open_rings(topology);
    if (fault != FAULT_NONE) (void)say(words, fault, "rings");
    if (fault == FAULT_NONE)
        fault = identity_load(&topology->identity, config, words, TOPOLOGY_WORDS_BYTES);
    if (fault == FAULT_NONE) {
        fault = say(words,
                    calendar_open(&topology->calendar, config->switch_timezone,
                                  config->switch_day_close_minute),
                    "time zone");
    }
    if (fault == FAULT_NONE) fault = open_settlement(topology, genesis_path, words);
    if (fault == FAULT_NONE) fault = open_reserve(topology, words);
    if (fault == FAULT_NONE) fault = open_follower(topology, words);
    if (fault == FAULT_NONE) fault = open_loops(topology, words);
    /* Ports first: one that is in use is said at once, while a broker takes seconds to leave. */
    if (fault == FAULT_NONE) fault = open_admin(topology, genesis_path, words);
    if (fault == FAULT_NONE) fault = open_publisher(topology, words);
    if (fault == FAULT_NONE) fault = say(words, start_threads(topology), "threads");
    if (fault != FAULT_NONE) {
        (void)topology_stop(topology);
        return fault;
    }
    atomic_store(&topology->published.state, STATE_SERVING);
    *out = topology;
    return FAULT_NONE;
}

void topology_print_ready(const struct topology *topology)
{
    const struct config *const config = topology->config;
    char admin[ADMIN_URL_BYTES], metrics[ADMIN_URL_BYTES];
    admin_print_urls(topology->admin, admin, metrics);
    const char *kafka = "-";
    if (topology->embedded) kafka = embedded_address(topology->embedded);
    for (size_t i = 0; !topology->embedded && topology->publisher && i < config->rdkafka_count;
         i++) {
        if (strcmp(config->rdkafka[i].name, "bootstrap.servers") == 0)
            kafka = config->rdkafka[i].value;
    }
    bool const is_ipv6 = strchr(config->participants_listen.host, ':') != NULL;
    (void)printf("ready participants=https://%s%s%s:%u admin=%s metrics=%s kafka=%s\n",
                 is_ipv6 ? "[" : "", config->participants_listen.host, is_ipv6 ? "]" : "",
                 topology->port, admin, metrics, kafka);
    (void)fflush(stdout);
}

int topology_failed_fd(const struct topology *topology)
{
    return topology->failed_fd;
}

/* ---- stopping ---- */

static void stop_loops(struct topology *topology)
{
    atomic_store(&topology->settlement_must_end_polls, true);
    bell_ring(&topology->settling.bell);
    for (uint32_t i = 0; i < topology->loop_count; i++) {
        if (topology->loops[i].is_running) net_loop_stop(topology->loops[i].net_loop);
    }
    for (uint32_t i = 0; i < topology->loop_count; i++) {
        if (topology->loops[i].is_running) (void)pthread_join(topology->loops[i].thread, NULL);
    }
}

static void stop_worker(struct worker *worker)
{
    atomic_store(&worker->must_stop, true);
    bell_ring(&worker->bell);
    if (worker->is_running) (void)pthread_join(worker->thread, NULL);
}

bool topology_stop(struct topology *topology)
{
    if (!topology) return true;
    if (!atomic_load(&topology->has_failed))
        atomic_store(&topology->published.state, STATE_STOPPING);
    stop_loops(topology);
    stop_worker(&topology->settling);
    stop_worker(&topology->reading);
    stop_worker(&topology->following);
    stop_worker(&topology->watching);
    admin_stop(topology->admin);
    publisher_stop(topology->publisher, FLUSH_MS);
    embedded_close(topology->embedded);

    for (uint32_t i = 0; i < topology->loop_count; i++)
        net_loop_close(topology->loops[i].net_loop);
    bucket_close(topology->buckets);
    lookup_close(topology->lookup);
    follower_close(topology->follower);
    reserve_close(topology->reserve);
    settlement_close(topology->settlement);
    identity_close(&topology->identity);
    for (uint32_t i = 0; i < topology->loop_count; i++) {
        ring_close(topology->loops[i].commands);
        ring_close(topology->loops[i].replies);
    }
    ring_close(topology->requests);
    ring_close(topology->results);
    bell_close(&topology->settling.bell);
    bell_close(&topology->reading.bell);
    bell_close(&topology->following.bell);
    bell_close(&topology->watching.bell);
    if (topology->failed_fd >= 0) (void)close(topology->failed_fd);
    bool const good = !atomic_load(&topology->has_failed);
    free(topology);
    return good;
}
