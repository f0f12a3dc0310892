/* ledger_bench: what the ledger costs: commits of 1 to 1,000 entries with and without messages,
 * replay, reading by sequence, and the independent check.
 *
 *   ledger_bench DIRECTORY [SECONDS]     an absent or empty directory on the disk to be measured
 *   ledger_bench DIRECTORY --segments M N
 *                                        one ledger of M segments with N commits of one entry each:
 *                                        commits at a rotation and without, sealing, look-ups
 *
 * Each case writes a ledger of its own below DIRECTORY for SECONDS (1); they are left there.  The
 * entries are those of tests/check/ledger_scenario.h: a lawful history, one message per entry. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ledger/journal.h"
#include "ledger/reader.h"
#include "ledger/seal.h"
#include "ledger/series.h"
#include "ledger/signatures.h"
#include "ledger/verify/verify.h"
#include "loadtest/bench/demand.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "tests/check/ledger_scenario.h"

#define COMMITS_MAX 1000000
#define HISTORY 20000 /* entries made ahead of time, so that making them is not measured */

struct made {
    struct entry entry;
    struct body body;
    struct evidence evidence;
};

static int64_t cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TIME_NS_PER_SECOND +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

static int by_value(const void *a, const void *b)
{
    int64_t const left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static off_t file_bytes(const char *directory)
{
    char path[1200];
    struct stat stat_of;
    (void)snprintf(path, sizeof path, "%s/segment-000001.db", directory);
    return stat(path, &stat_of) == 0 ? stat_of.st_size : 0;
}

/* Makes the next entries of the history into `made`, each with its own copy of its message. */
static void make(struct scenario *scenario, struct made *made, char *messages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ledger_scenario_next(scenario);
        made[i].entry = scenario->entry;
        made[i].body.size = scenario->body.size;
        memcpy(made[i].body.bytes, scenario->body.bytes, scenario->body.size);
        made[i].evidence = scenario->evidence;
        char *copy = messages + (size_t)i * SCENARIO_MESSAGE_BYTES;
        memcpy(copy, scenario->message, SCENARIO_MESSAGE_BYTES);
        made[i].evidence.bytes = span_of(copy, SCENARIO_MESSAGE_BYTES);
    }
}

static enum fault count_entry(void *context, const struct entry *entry, struct span body)
{
    (void)entry;
    (void)body;
    ++*(uint64_t *)context;
    return FAULT_NONE;
}

static void measure_reading(const char *directory, uint64_t entries)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    demand(journal_open(&journal, &options, &head), "open again");
    uint64_t seen = 0;
    int64_t at_ns = time_monotonic_ns();
    demand(journal_replay(journal, 1, count_entry, &seen), "replay");
    int64_t const replay_ns = time_monotonic_ns() - at_ns;

    struct reader *reader;
    demand(reader_open(&reader, directory, NULL), "reader");
    at_ns = time_monotonic_ns();
    demand(reader_walk(reader, 1, entries, count_entry, &seen), "walk");
    int64_t const walk_ns = time_monotonic_ns() - at_ns;
    static struct entry entry;
    static struct body body;
    static char buffer[65536];
    struct evidence evidence;
    uint64_t const picks = 2000;
    uint64_t messages = 0;
    at_ns = time_monotonic_ns();
    for (uint64_t i = 0; i < picks; i++)
        demand(reader_entry(reader, 1 + i * 7919 % entries, &entry, &body), "entry");
    int64_t const entry_ns = time_monotonic_ns() - at_ns;
    at_ns = time_monotonic_ns();
    for (uint64_t i = 0; i < picks; i++) {
        demand(reader_entry(reader, 1 + i * 7919 % entries, &entry, &body), "entry");
        enum fault const fault = reader_message(reader, &entry, buffer, sizeof buffer, &evidence);
        if (fault != FAULT_NOT_FOUND) demand(fault, "message");
        messages += fault == FAULT_NONE;
    }
    int64_t const message_ns = time_monotonic_ns() - at_ns;
    reader_close(reader);
    journal_close(journal);

    printf("    replay %.0f/s, walk %.0f/s, entry %.1f us, entry and message %.1f us (%" PRIu64
           " found)\n",
           (double)entries * 1e9 / (double)replay_ns, (double)entries * 1e9 / (double)walk_ns,
           (double)entry_ns / 1e3 / (double)picks, (double)message_ns / 1e3 / (double)picks,
           messages);
}

static void measure_verify(const char *directory)
{
    struct verify_report report;
    int64_t const at_ns = time_monotonic_ns();
    verify_ledger(directory, &report);
    int64_t const verify_ns = time_monotonic_ns() - at_ns;
    printf("    verify %.0f entries/s: %s\n", (double)report.entries * 1e9 / (double)verify_ns,
           report.good ? "good" : report.fault_words);
}

static void measure(const char *base, uint32_t batch, bool with_evidence, double seconds,
                    struct made *made, char *messages, int64_t *commit_ns)
{
    char directory[1100];
    (void)snprintf(directory, sizeof directory, "%s/%u%s", base, batch,
                   with_evidence ? "-messages" : "");
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    demand(journal_open(&journal, &options, &head), directory);

    static struct scenario scenario;
    ledger_scenario_begin(&scenario, 1);
    uint64_t entries = 0, commits = 0;
    int64_t busy_ns = 0, busy_cpu_ns = 0;
    while ((double)busy_ns < seconds * 1e9 && commits < COMMITS_MAX) {
        uint32_t const count = HISTORY / batch * batch;
        make(&scenario, made, messages, count);
        int64_t const start_ns = time_monotonic_ns(), start_cpu_ns = cpu_ns();
        for (uint32_t i = 0; i < count && commits < COMMITS_MAX;) {
            int64_t const from_ns = time_monotonic_ns();
            if ((double)(busy_ns + from_ns - start_ns) >= seconds * 1e9) break;
            for (uint32_t n = 0; n < batch; n++, i++) {
                struct entry *entry = &made[i].entry;
                bool const caused = !hash_is_zero(&entry->public.evidence_hash);
                if (!with_evidence) entry->public.evidence_hash = (struct hash){0};
                demand(journal_append(journal, entry, &made[i].body,
                                      caused && with_evidence ? &made[i].evidence : NULL),
                       "append");
            }
            demand(journal_commit(journal), "commit");
            commit_ns[commits++] = time_monotonic_ns() - from_ns;
            entries += batch;
        }
        busy_ns += time_monotonic_ns() - start_ns;
        busy_cpu_ns += cpu_ns() - start_cpu_ns;
    }
    journal_close(journal);
    qsort(commit_ns, commits, sizeof *commit_ns, by_value);
    printf("%5u per commit %-9s %8.0f entries/s  commit p50 %6.0f us  p99 %7.0f us  max %7.0f us  "
           "%5.2f us CPU/entry  %5.0f bytes/entry\n",
           batch, with_evidence ? "+messages" : "", (double)entries * 1e9 / (double)busy_ns,
           (double)commit_ns[commits / 2] / 1e3, (double)commit_ns[commits * 99 / 100] / 1e3,
           (double)commit_ns[commits - 1] / 1e3, (double)busy_cpu_ns / 1e3 / (double)entries,
           (double)file_bytes(directory) / (double)entries);
    measure_reading(directory, entries);
    if (with_evidence) measure_verify(directory); /* without, the entries name no messages */
}

/* --- many segments ---------------------------------------------------------------------------- */

struct times {
    uint64_t count;
    int64_t *ns;
};

static struct times times_for(uint64_t most)
{
    struct times const times = {.ns = calloc(most, sizeof(int64_t))};
    if (times.ns == NULL) exit(1);
    return times;
}

static void show(const char *what, struct times times)
{
    qsort(times.ns, times.count, sizeof *times.ns, by_value);
    printf("%-34s %8" PRIu64 "  p50 %7.1f us  p99 %7.1f us  max %8.1f us\n", what, times.count,
           (double)times.ns[times.count / 2] / 1e3, (double)times.ns[times.count * 99 / 100] / 1e3,
           (double)times.ns[times.count - 1] / 1e3);
}

static void append(struct journal *journal, struct scenario *scenario)
{
    demand(journal_append(journal, &scenario->entry, &scenario->body,
                          ledger_scenario_evidence(scenario)),
           "append");
}

/* As settlement does: over to the next segment, its opening and what follows in one commit. */
static void commit_over(struct journal *journal, struct scenario *scenario)
{
    const struct journal_head *head = journal_newest(journal);
    demand(journal_rotate(journal), "rotate");
    ledger_scenario_segment(scenario, &head->hash, &head->block_hash);
    append(journal, scenario);
    demand(journal_commit(journal), "commit");
}

static void write_segments(const char *directory, uint64_t segments, uint64_t commits)
{
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    static struct scenario scenario;
    struct times prepared = times_for(segments), over = times_for(segments);
    struct times plain = times_for(segments * commits);
    ledger_scenario_begin(&scenario, 1);
    demand(journal_open(&journal, &options, &head), directory);
    for (uint64_t number = 1; number <= segments; number++) {
        int64_t at_ns = time_monotonic_ns();
        if (number > 1) {
            demand(series_prepare(directory, NULL, number), "prepare");
            prepared.ns[prepared.count++] = time_monotonic_ns() - at_ns;
            at_ns = time_monotonic_ns();
            commit_over(journal, &scenario);
            over.ns[over.count++] = time_monotonic_ns() - at_ns;
        }
        for (uint64_t i = 0; i < commits; i++) {
            ledger_scenario_next(&scenario);
            at_ns = time_monotonic_ns();
            append(journal, &scenario);
            demand(journal_commit(journal), "commit");
            plain.ns[plain.count++] = time_monotonic_ns() - at_ns;
        }
    }
    journal_close(journal);
    show("commit", plain);
    show("rotate and commit", over);
    show("prepare (another thread's)", prepared);
    free(plain.ns);
    free(over.ns);
    free(prepared.ns);
}

static void seal_all(const char *directory, uint64_t segments)
{
    struct private_key *key;
    struct authority *authority;
    struct certificate *certificate;
    struct signatures *signatures;
    struct times sealed = times_for(segments);
    int64_t const from_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    int64_t const to_ns = from_ns + 3600 * TIME_NS_PER_SECOND;
    demand(key_generate(&key, KEY_P256), "key");
    demand(authority_open(&authority, "bench", from_ns, to_ns), "authority");
    demand(
        authority_issue(authority, AUTHORITY_SIGNING, "bench", key, from_ns, to_ns, &certificate),
        "certificate");
    demand(signatures_open(&signatures, directory, NULL, key, certificate), "signatures");
    for (uint64_t number = 1; number < segments; number++) {
        struct seal *seal;
        bool done = false;
        int64_t const at_ns = time_monotonic_ns();
        demand(seal_begin(&seal, signatures, directory, NULL, number), "seal");
        while (!done)
            demand(seal_step(seal, &done), "seal");
        seal_close(seal);
        sealed.ns[sealed.count++] = time_monotonic_ns() - at_ns;
    }
    show("seal (the keeper's)", sealed);
    signatures_close(signatures);
    certificate_close(certificate);
    authority_close(authority);
    key_close(key);
    free(sealed.ns);
}

static void look_up(const char *what, struct reader *reader, uint64_t first, uint64_t count)
{
    static struct entry entry;
    static struct body body;
    uint64_t const picks = 5000;
    struct times times = times_for(picks);
    for (uint64_t i = 0; i < picks; i++) {
        uint64_t const seq = first + i * 7919 % count;
        int64_t const at_ns = time_monotonic_ns();
        demand(reader_entry(reader, seq, &entry, &body), "entry");
        times.ns[times.count++] = time_monotonic_ns() - at_ns;
    }
    show(what, times);
    free(times.ns);
}

static void measure_segments(const char *directory, uint64_t segments, uint64_t commits)
{
    uint64_t const each = commits + 1, entries = segments * each - 1; /* the first opens itself */
    struct reader *reader;
    if (segments < 2 || commits < 1) {
        fprintf(stderr, "ledger_bench: at least 2 segments of 1 commit\n");
        exit(2);
    }
    write_segments(directory, segments, commits);
    seal_all(directory, segments);
    int64_t const at_ns = time_monotonic_ns();
    demand(reader_open(&reader, directory, NULL), "reader");
    printf("%-34s %8s  %11.1f us\n", "open a reader", "",
           (double)(time_monotonic_ns() - at_ns) / 1e3);
    look_up("entry of the newest segment", reader, entries - commits + 1, commits);
    look_up("entry of one sealed segment", reader, 2, commits > 1 ? commits - 1 : 1);
    look_up("entry of any segment", reader, 1, entries);
    look_up("the same once more", reader, 1, entries);
    reader_close(reader);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: ledger_bench DIRECTORY [SECONDS | --segments M N]\n");
        return 2;
    }
    if (argc == 5 && strcmp(argv[2], "--segments") == 0) {
        measure_segments(argv[1], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
        return 0;
    }
    double const seconds = argc > 2 ? atof(argv[2]) : 1;
    struct made *made = calloc(HISTORY, sizeof *made);
    char *messages = calloc(HISTORY, SCENARIO_MESSAGE_BYTES);
    int64_t *commit_ns = calloc(COMMITS_MAX, sizeof *commit_ns);
    if (made == NULL || messages == NULL || commit_ns == NULL) return 1;
    (void)mkdir(argv[1], 0700);
    static const uint32_t batches[] = {1, 10, 100, 1000};
    for (int with_evidence = 0; with_evidence < 2; with_evidence++) {
        for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++)
            measure(argv[1], batches[i], with_evidence, seconds, made, messages, commit_ns);
    }
    free(made);
    free(messages);
    free(commit_ns);
    return 0;
}
