/* snapshot_bench: what commits feel while a snapshot of a full-size state is being written.
 *
 *   snapshot_bench LEDGER [ENTRIES [SECONDS [RATE]]]                        10,000,000 entries, 60 s, 300/s
 *
 * LEDGER must be absent or empty, on the disk to be measured.  A core is given so many entries (two a
 * payment) without a ledger in between being timed; then single payments of two entries each are
 * committed at a steady pace, while a thread of the follower's priority writes snapshots of a second
 * core of the same state, as the follower does: one in every other interval of SECONDS/6, so that
 * whatever else the machine does hits commits with and without alike.  Latency counts from the
 * instant at which a payment was due. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ledger/journal.h"
#include "ledger/reader.h"
#include "loadtest/bench/demand.h"
#include "loadtest/bench/trade.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "switch/core/engine.h"
#include "switch/settlement/savepoint.h"

#define BATCH 1000 /* entries of a block while it grows, at most */
#define INTERVALS 6
#define SAMPLES_MAX 1000000
#define START_NS (INT64_C(1795284000) * TIME_NS_PER_SECOND)
#define PAYMENT_NS (INT64_C(86400) * TIME_NS_PER_SECOND / 10000000)
#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)
#define REST_NS (20 * TIME_NS_PER_MS) /* as in switch/settlement/follower.c */

static struct {
    const char *directory;
    struct engine *live, *second;
    struct journal *journal;
    struct savepoint_registry registry;
    struct stamp stamp;
    uint64_t payment;
    struct hash second_hash; /* of the second core's newest entry */
    struct private_key *key;
    struct certificate *certificate;
    atomic_bool must_write, must_stop, is_writing;
    uint32_t written;
    int64_t writing_ns;
    int64_t samples[2][SAMPLES_MAX]; /* [1]: while a snapshot was being written */
    size_t counts[2];
} bench;

/* Into the ledger, and as long as the state grows into the second core. */
static void enter(const struct outcome *outcome, bool grows)
{
    struct entry entry = outcome->entry;
    struct body const body = outcome->body;
    demand(journal_append(bench.journal, &entry, &body, NULL), "append");
    if (journal_staged(bench.journal) >= BATCH) demand(journal_commit(bench.journal), "commit");
    if (!grows) return;
    demand(engine_apply(bench.second, &entry, body_span(&body)), "the second core");
    demand(savepoint_registry_entry(&bench.registry, &entry), "registry");
    bench.second_hash = entry.hash;
}

static void found(void)
{
    static const uint8_t id[ENGINE_LEDGER_ID_BYTES] = {1};
    struct hash const nothing = {0};
    const struct outcome *outcome;
    demand(engine_segment(bench.live, &bench.stamp, id, 1, &nothing, &nothing, &outcome),
           "segment");
    enter(outcome, true);
    for (uint32_t bank = 0; bank < TRADE_BANKS; bank++) {
        struct engine_joining const joining = {
            .code = trade_code(bank), .name = SPAN("Bank"), .pacs008_max = 10};
        demand(engine_join(bench.live, &bench.stamp, &joining, &outcome), "join");
        enter(outcome, true);
        demand(engine_fund(bench.live, &bench.stamp, trade_code(bank),
                           amount_of_minor(TRADE_FUNDS_MINOR), &outcome),
               "fund");
        enter(outcome, true);
    }
}

static uint32_t payer_of(uint64_t payment)
{
    return (uint32_t)(payment % TRADE_BANKS);
}

static uint32_t payee_of(uint64_t payment)
{
    return (uint32_t)((payment + 1 + payment / TRADE_BANKS % (TRADE_BANKS - 1)) % TRADE_BANKS);
}

static const struct outcome *reserve(uint64_t payment)
{
    struct message_command const message = {.sender = trade_code(payer_of(payment))};
    struct transfer_command const transfer =
        trade_transfer(payment, payer_of(payment), payee_of(payment), bench.stamp.now_ns);
    return engine_transfer(bench.live, &bench.stamp, &message, &transfer);
}

static const struct outcome *settle(uint64_t payment)
{
    struct message_command const message = {.sender = trade_code(payee_of(payment))};
    struct answer_command const answer = trade_answer(payment, payee_of(payment));
    return engine_answer(bench.live, &bench.stamp, &message, &answer);
}

static void pay(bool grows)
{
    bench.stamp.now_ns += PAYMENT_NS;
    enter(reserve(bench.payment), grows);
    enter(settle(bench.payment), grows);
    bench.payment += 1;
}

/* --- the writer ------------------------------------------------------------------------------- */

static enum fault rest(void *context)
{
    (void)context;
    struct timespec const pause = {.tv_nsec = REST_NS};
    (void)nanosleep(&pause, NULL);
    return atomic_load(&bench.must_stop) ? FAULT_BUSY : FAULT_NONE;
}

static void *write_snapshots(void *argument)
{
    struct reader *const reader = argument;
    struct savepoint_options const options = {.directory = bench.directory,
                                              .certificate = bench.certificate};
    struct signer *signer;
    demand(signer_open(&signer, bench.key), "signer");
    (void)setpriority(PRIO_PROCESS, 0, 10);
    (void)syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7);
    while (!atomic_load(&bench.must_stop)) {
        if (!atomic_exchange(&bench.must_write, false)) {
            (void)rest(NULL);
            continue;
        }
        int64_t const before_ns = time_monotonic_ns();
        atomic_store(&bench.is_writing, true);
        enum fault const fault = savepoint_write(&options, bench.second, &bench.registry,
                                                 &bench.second_hash, reader, signer, rest, NULL);
        atomic_store(&bench.is_writing, false);
        if (fault == FAULT_BUSY) break;
        demand(fault, "snapshot");
        bench.written += 1;
        bench.writing_ns += time_monotonic_ns() - before_ns;
    }
    signer_close(signer);
    return NULL;
}

/* --- figures ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int64_t const left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print(const char *name, int64_t *samples, size_t count)
{
    if (count == 0) return;
    qsort(samples, count, sizeof *samples, compare);
    (void)printf("%-20s p50 %7.3f   p90 %7.3f   p99 %7.3f   max %8.3f ms   %zu commits\n", name,
                 (double)samples[count / 2] / 1e6, (double)samples[count * 9 / 10] / 1e6,
                 (double)samples[count * 99 / 100] / 1e6, (double)samples[count - 1] / 1e6, count);
}

static void measure(double seconds, double rate)
{
    int64_t const every_ns = (int64_t)(1e9 / rate), start_ns = time_monotonic_ns();
    int64_t const interval_ns = (int64_t)(seconds * 1e9) / INTERVALS;
    int interval = -1;
    for (int64_t due_ns = start_ns; due_ns - start_ns < interval_ns * INTERVALS;
         due_ns += every_ns) {
        int64_t wait_ns = due_ns - time_monotonic_ns();
        if (wait_ns > 0) {
            struct timespec const pause = {.tv_sec = wait_ns / 1000000000,
                                           .tv_nsec = wait_ns % 1000000000};
            (void)nanosleep(&pause, NULL);
        }
        int const now = (int)((due_ns - start_ns) / interval_ns);
        if (now != interval && now % 2 == 1) atomic_store(&bench.must_write, true);
        interval = now;
        bool const is_writing = atomic_load(&bench.is_writing);
        pay(false);
        demand(journal_commit(bench.journal), "commit");
        int const kind = is_writing ? 1 : 0;
        if (bench.counts[kind] < SAMPLES_MAX)
            bench.samples[kind][bench.counts[kind]++] = time_monotonic_ns() - due_ns;
    }
}

static void make_identity(void)
{
    struct authority *authority;
    int64_t const now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    demand(key_generate(&bench.key, KEY_P256), "key");
    demand(authority_open(&authority, "bench", now_ns, now_ns + DAY_NS), "authority");
    demand(authority_issue(authority, AUTHORITY_SIGNING, "switch", bench.key, now_ns,
                           now_ns + DAY_NS, &bench.certificate),
           "certificate");
    authority_close(authority);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: snapshot_bench LEDGER [ENTRIES [SECONDS [RATE]]]\n");
        return 2;
    }
    bench.directory = argv[1];
    uint64_t const entries = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
    double const seconds = argc > 3 ? atof(argv[3]) : 60, rate = argc > 4 ? atof(argv[4]) : 300;
    struct engine_options const options = {
        .open_max = 100000,
        .duplicate_capacity = (uint32_t)(entries / 2 + (uint64_t)(seconds * rate) + 1000000),
        .duplicate_window_ns = 36 * 3600 * TIME_NS_PER_SECOND,
        .clock_tolerance_ns = DAY_NS / 2,
        .clock_ahead_ns = 60 * TIME_NS_PER_SECOND,
        .deadline_high_ns = 10 * TIME_NS_PER_SECOND,
        .deadline_normal_ns = 2700 * TIME_NS_PER_SECOND,
        .currency = {"MXN"},
    };
    struct journal_options const journal = {.directory = bench.directory};
    struct journal_head head;
    bench.stamp.now_ns = START_NS;
    make_identity();
    demand(engine_open(&bench.live, &options), "core");
    demand(engine_open(&bench.second, &options), "core");
    demand(savepoint_registry_open(&bench.registry), "registry");
    demand(journal_open(&bench.journal, &journal, &head), "ledger");
    if (head.seq != 0) demand(FAULT_INVALID, "LEDGER is not empty");
    found();
    while (engine_totals(bench.live).last_seq < entries)
        pay(true);
    demand(journal_commit(bench.journal), "commit");
    (void)printf("%" PRIu64 " entries, %u ids in the window\n", engine_totals(bench.live).last_seq,
                 engine_totals(bench.live).fingerprint_count);

    pthread_t thread;
    struct reader *reader;
    demand(reader_open(&reader, bench.directory, NULL), "reader");
    if (pthread_create(&thread, NULL, write_snapshots, reader) != 0) abort();
    measure(seconds, rate);
    atomic_store(&bench.must_stop, true);
    (void)pthread_join(thread, NULL);
    print("without a snapshot", bench.samples[0], bench.counts[0]);
    print("while one is written", bench.samples[1], bench.counts[1]);
    if (bench.written > 0)
        (void)printf("%u snapshots, %.1f s each\n", bench.written,
                     (double)bench.writing_ns / 1e9 / bench.written);
    reader_close(reader);
    journal_close(bench.journal);
    savepoint_registry_close(&bench.registry);
    engine_close(bench.second);
    engine_close(bench.live);
    certificate_close(bench.certificate);
    key_close(bench.key);
    return EXIT_SUCCESS;
}
