/* index_bench: what the index costs: entries per second of CPU, bytes on disk, and look-ups.
 *
 *   index_bench DIRECTORY [ENTRIES] [PARTICIPANTS] [BATCH]     an absent or empty directory
 *
 * ENTRIES (4,000,000) of payments between PARTICIPANTS (900), drawn evenly, are given to the index
 * in commits of BATCH (65,536): each a reserved and, 500 payments later, a settled entry, with ids as
 * banks make them, EndToEndId of 32 characters.  They are made up on the way, which is not counted.
 * Nothing but entry 1 is in the ledger itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "ledger/index.h"
#include "ledger/journal.h"
#include "ledger/reader.h"
#include "ledger/search.h"
#include "loadtest/bench/demand.h"
#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "tests/check/ledger_scenario.h"

#define DELAY 500 /* payments open at a time */
#define LOOKUPS 2000
#define CHUNK 1024 /* entries made at a time; a BATCH ends behind a whole chunk */

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

static int64_t clock_ns(clockid_t which)
{
    struct timespec now;
    (void)clock_gettime(which, &now);
    return now.tv_sec * TIME_NS_PER_SECOND + now.tv_nsec;
}

/* Entry 1, so that there is a ledger whose index it can be. */
static void found(const char *directory, struct entry *first)
{
    static struct scenario scenario;
    struct journal *journal;
    struct journal_head head;
    struct journal_options const options = {.directory = directory};
    demand(journal_open(&journal, &options, &head), "open");
    if (head.seq > 0) {
        fprintf(stderr, "%s is not empty\n", directory);
        exit(1);
    }
    ledger_scenario_begin(&scenario, 1);
    ledger_scenario_next(&scenario);
    demand(journal_append(journal, &scenario.entry, &scenario.body, NULL), "append");
    demand(journal_commit(journal), "commit");
    *first = scenario.entry;
    journal_close(journal);
}

struct town {
    uint32_t count;
    uint64_t seq, payments;
    uint64_t numbers[LIMIT_PARTICIPANTS];
    struct entry open[DELAY];
    struct payment_id sample[LOOKUPS]; /* ids drawn from all over */
};

static struct participant_code code_of(uint32_t index)
{
    char text[16];
    struct participant_code code;
    (void)snprintf(text, sizeof text, "%08" PRIu32, 10000001 + index);
    memcpy(code.text, text, sizeof code.text);
    return code;
}

static void write_id(struct town *town, uint32_t payer, struct payment_id *id)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t const minute = town->payments / 60000;
    char text[40];
    (void)snprintf(text, sizeof text, "E%08" PRIu32 "202611%02u%02u%02u", 10000001 + payer,
                   (unsigned)(minute / 1440 % 30 + 1), (unsigned)(minute / 60 % 24),
                   (unsigned)(minute % 60));
    for (size_t i = 21; i < 32; i++)
        text[i] = letters[draw(sizeof letters - 1)];
    id->size = 32;
    memcpy(id->text, text, 32);
}

static void number_side(struct town *town, struct entry *entry, enum entry_side side)
{
    struct participant_code const code = entry_participant(entry, side);
    char text[9] = {0};
    memcpy(text, code.text, 8);
    entry->public.sides[side].number = ++town->numbers[strtoul(text, NULL, 10) - 10000001];
}

/* The next entry: participants first, then payments, opened and settled in turn. */
static void make(struct town *town, struct entry *entry)
{
    town->seq++;
    if (town->seq <= town->count + 1) {
        *entry = (struct entry){.public = {.kind = ENTRY_JOINED}};
        entry->public.payee = code_of((uint32_t)town->seq - 2);
    } else if (town->payments < DELAY || town->seq % 2 == 0) {
        uint32_t const payer = (uint32_t)draw(town->count);
        uint32_t const payee = (payer + 1 + (uint32_t)draw(town->count - 1)) % town->count;
        struct entry *const open = &town->open[town->payments % DELAY];
        *open = (struct entry){.public = {.kind = ENTRY_RESERVED}};
        open->public.payer = open->public.payer_agent = code_of(payer);
        open->public.payee = open->public.payee_agent = code_of(payee);
        open->public.amount = amount_of_minor((int64_t)draw(10000000) + 1);
        write_id(town, payer, &open->public.id);
        open->public.seq = town->seq;
        town->payments++;
        *entry = *open;
    } else {
        *entry = town->open[town->payments % DELAY];
        entry->public.opened_by = entry->public.seq;
        entry->public.kind = ENTRY_SETTLED;
    }
    entry->public.seq = town->seq;
    entry->public.time_ns = INT64_C(1795000000000000000) + (int64_t)town->seq * 500000;
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry->public.kind != ENTRY_JOINED) number_side(town, entry, side);
    }
}

static enum fault count_payment(void *context, const struct search_payment *payment)
{
    (void)payment;
    ++*(uint32_t *)context;
    return FAULT_NONE;
}

static void look_up(const char *directory, const struct town *town)
{
    struct search *search;
    struct search_payment payment;
    struct payment_id absent = {.size = 6, .text = "absent"};
    uint64_t next;
    demand(search_open(&search, directory, NULL), "open search");
    int64_t begun = clock_ns(CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < LOOKUPS; i++)
        demand(search_find(search, &town->sample[i], UINT64_MAX, &payment), "find");
    printf("find an id: %" PRId64 " ns; ", (clock_ns(CLOCK_MONOTONIC) - begun) / LOOKUPS);
    begun = clock_ns(CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < LOOKUPS; i++) {
        if (search_find(search, &absent, UINT64_MAX, &payment) != FAULT_NOT_FOUND) exit(1);
    }
    printf("one that is not there: %" PRId64 " ns\n",
           (clock_ns(CLOCK_MONOTONIC) - begun) / LOOKUPS);

    struct search_query const queries[] = {
        {.has_kind = true, .kind = ENTRY_SETTLED},
        {.participant = code_of(0)},
        {.has_kind = true, .kind = ENTRY_RESERVED},
        {.from_ns = INT64_C(1795000000000000000), .to_ns = INT64_C(1795000100000000000)},
        {.min = amount_of_minor(10000001)},
    };
    static const char *const names[] = {"settled", "participant", "open", "time", "amount (none)"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        uint32_t count = 0;
        begun = clock_ns(CLOCK_MONOTONIC);
        demand(search_page(search, &queries[i], 100, count_payment, &count, &next), "page");
        printf("page of %s: %" PRIu32 " payments, %" PRId64 " us\n", names[i], count,
               (clock_ns(CLOCK_MONOTONIC) - begun) / 1000);
    }
    search_close(search);
}

static int64_t file_bytes(const char *directory)
{
    char path[1200];
    struct stat stat_of;
    (void)snprintf(path, sizeof path, "%s/%s", directory, INDEX_FILE);
    return stat(path, &stat_of) == 0 ? stat_of.st_size : 0;
}

static uint64_t argument(int argc, char **argv, int at, uint64_t otherwise)
{
    return argc > at ? strtoull(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    static struct town town;
    struct reader *reader;
    struct index *index;
    struct entry entry;
    if (argc < 2) {
        fprintf(stderr, "usage: index_bench DIRECTORY [ENTRIES] [PARTICIPANTS] [BATCH]\n");
        return 2;
    }
    uint64_t const entries = argument(argc, argv, 2, 4000000);
    town.count = (uint32_t)argument(argc, argv, 3, 900);
    uint64_t const batch = argument(argc, argv, 4, INDEX_BATCH_ENTRIES);
    if (town.count < 2 || town.count > LIMIT_PARTICIPANTS || entries < 10 * LOOKUPS || batch == 0)
        return 2;
    found(argv[1], &entry);
    demand(reader_open(&reader, argv[1], NULL), "open reader");
    demand(index_open(&index, argv[1], NULL, reader), "open index");
    demand(index_entry(index, &entry, (struct span){0}), "index");
    town.seq = 1;

    int64_t cpu_ns = 0, commit_ns = 0, most_ns = 0;
    uint64_t commits = 0;
    for (uint64_t done = 1; done < entries;) {
        static struct entry made[CHUNK];
        uint64_t count = 0;
        while (count < CHUNK && done + count < entries) {
            make(&town, &made[count]);
            if (made[count].public.kind == ENTRY_RESERVED)
                town.sample[draw(LOOKUPS)] = made[count].public.id;
            count++;
        }
        int64_t const begun_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        for (uint64_t i = 0; i < count; i++)
            demand(index_entry(index, &made[i], (struct span){0}), "index");
        done += count;
        if (index_next_seq(index) - index_seq(index) > batch || done == entries) {
            int64_t const commit_begun_ns = clock_ns(CLOCK_MONOTONIC);
            demand(index_commit(index), "commit");
            int64_t const took_ns = clock_ns(CLOCK_MONOTONIC) - commit_begun_ns;
            commit_ns += took_ns;
            commits++;
            if (took_ns > most_ns) most_ns = took_ns;
        }
        cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun_ns;
    }
    index_close(index);
    reader_close(reader);
    printf("%" PRIu64 " entries, %" PRIu32 " participants, %" PRIu64 " a commit: %" PRId64
           " entries/s of CPU, %" PRId64 " bytes an entry, commits %" PRId64
           " ms on average, %" PRId64 " at most\n",
           entries, town.count, batch, (int64_t)entries * 1000000 / (cpu_ns / 1000),
           file_bytes(argv[1]) / (int64_t)entries, commit_ns / 1000000 / (int64_t)commits,
           most_ns / 1000000);
    look_up(argv[1], &town);
    return 0;
}
