/* payment_bench: what a payment costs core and ledger together, without network: chain, blocks, evidence
 * and sync included.
 *
 *   payment_bench rates DIRECTORY [SECONDS]
 *       two-phase payments per second at 1, 10, 100 and 1,000 per commit; payers and payees uniform,
 *       and with half of the load between two hot accounts; with and without messages.
 *
 *   payment_bench flat DIRECTORY [ENTRIES [SECONDS [RATE]]]       20,000,000 entries, 60 s, 300/s
 *       grows a ledger, then commits single payments at a steady pace, one in turn on the grown ledger,
 *       on a new one, and as a bare write and sync of as many bytes, so that whatever else the machine
 *       does hits all three alike.
 *
 *   payment_bench grow DIRECTORY ENTRIES [messages]
 *       only that ledger, in DIRECTORY/grown, for measuring a start on it, or with messages a check:
 *       cauce verify refuses payments without.
 *
 * DIRECTORY must be absent or empty, on the disk to be measured; the ledgers are left there.
 *
 * A turn of N payments reserves N new ones and settles the N of the turn before, in one commit: both
 * phases of each payment are durable before the next begins.  Commands and messages are made ahead of
 * each turn and are not timed, as net loops make them in the switch. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger/journal.h"
#include "loadtest/bench/demand.h"
#include "loadtest/bench/trade.h"
#include "proto/base/time.h"
#include "switch/core/engine.h"
#include "tests/check/ledger_scenario.h"

#define BATCH_MAX 1000
#define MESSAGES (2 * BATCH_MAX) /* one for each entry of the largest turn */
#define SAMPLES_MAX 1000000
#define START_NS (INT64_C(1795284000) * TIME_NS_PER_SECOND)
#define PATH_BYTES 1100

/* So much time passes between two payments that 24 hours hold ten million. */
#define PAYMENT_NS (INT64_C(86400) * TIME_NS_PER_SECOND / 10000000)
#define DAY_IDS 10000000

/* Ids that the core remembers when rates are measured: so few that a short run before the clock
 * starts touches all of their memory.  With DAY_IDS a payment takes two misses of the cache more. */
#define RATE_IDS 100000

/* What one commit of two entries was seen to add to the write-ahead log: a leaf and a root page of
 * entries, one of blocks, each of 8 KiB with its frame header, some of them twice. */
#define BARE_BYTES (3 * (8192 + 24))

struct message {
    struct hash hash;
    char bytes[SCENARIO_MESSAGE_BYTES];
};

/* A core and its ledger. */
struct book {
    struct engine *engine;
    struct journal *journal;
    struct stamp stamp;
    uint64_t number;          /* of the next payment */
    uint32_t open;            /* payments that the turn before has reserved */
    bool is_hot;              /* half of the load is from bank 0 to bank 1 */
    struct message *messages; /* NULL: without */
    struct hash certificates[TRADE_BANKS];
    struct transfer_command transfers[BATCH_MAX];
    struct answer_command answers[BATCH_MAX];
};

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) demand(FAULT_MEMORY, "memory");
    return memory;
}

static int64_t cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TIME_NS_PER_SECOND +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

/* --- payments --------------------------------------------------------------------------------- */

static uint32_t payer_of(const struct book *book, uint64_t number)
{
    return book->is_hot && number % 2 == 0 ? 0 : (uint32_t)(number * 7 % TRADE_BANKS);
}

static uint32_t payee_of(const struct book *book, uint64_t number)
{
    uint32_t const payer = payer_of(book, number);
    if (book->is_hot && number % 2 == 0) return 1;
    return (uint32_t)((payer + 1 + number / TRADE_BANKS % (TRADE_BANKS - 1)) % TRADE_BANKS);
}

/* The commands of the next turn. */
static void prepare(struct book *book, uint32_t batch)
{
    book->stamp.now_ns += PAYMENT_NS * batch;
    for (uint32_t i = 0; i < batch; i++) {
        uint64_t const number = book->number + i;
        book->transfers[i] = trade_transfer(number, payer_of(book, number), payee_of(book, number),
                                            book->stamp.now_ns);
    }
    for (uint32_t i = 0; i < book->open; i++) {
        uint64_t const number = book->number - book->open + i;
        book->answers[i] = trade_answer(number, payee_of(book, number));
    }
}

static void append(struct book *book, const struct outcome *outcome, uint32_t kind,
                   const struct evidence *evidence)
{
    if (outcome->kind != OUTCOME_ENTRY || outcome->entry.public.kind != kind)
        demand(FAULT_INVALID, "a payment was not taken");
    struct entry entry = outcome->entry;
    demand(journal_append(book->journal, &entry, &outcome->body, evidence), "append");
}

/* The message of an entry of the turn, and what the loop would have told settlement about it. */
static struct message_command message_of(struct book *book, uint32_t index, uint32_t bank,
                                         struct evidence *evidence)
{
    struct message_command command = {.kind = COMMAND_MESSAGE, .sender = trade_code(bank)};
    if (book->messages == NULL) return command;
    const struct message *message = &book->messages[index];
    command.hash = message->hash;
    *evidence = (struct evidence){.hash = message->hash,
                                  .certificate = book->certificates[bank],
                                  .sender = command.sender,
                                  .received_ns = book->stamp.now_ns,
                                  .bytes = span_of(message->bytes, sizeof message->bytes)};
    return command;
}

static void turn(struct book *book, uint32_t batch)
{
    struct evidence evidence;
    const struct evidence *const caused = book->messages ? &evidence : NULL;
    if (engine_expire(book->engine, &book->stamp) != NULL) demand(FAULT_INVALID, "expired");
    if (!engine_room(book->engine, book->stamp.now_ns, batch)) demand(FAULT_FULL, "core");
    for (uint32_t i = 0; i < book->open; i++) {
        uint32_t const payee = payee_of(book, book->number - book->open + i);
        struct message_command const message = message_of(book, i, payee, &evidence);
        append(book, engine_answer(book->engine, &book->stamp, &message, &book->answers[i]),
               ENTRY_SETTLED, caused);
    }
    for (uint32_t i = 0; i < batch; i++) {
        uint32_t const payer = payer_of(book, book->number + i);
        struct message_command const message = message_of(book, BATCH_MAX + i, payer, &evidence);
        append(book, engine_transfer(book->engine, &book->stamp, &message, &book->transfers[i]),
               ENTRY_RESERVED, caused);
    }
    demand(journal_commit(book->journal), "commit");
    book->number += batch;
    book->open = batch;
}

/* --- books ------------------------------------------------------------------------------------ */

static void found(struct book *book)
{
    const struct outcome *outcome;
    struct hash const none = {0};
    uint8_t const ledger_id[ENGINE_LEDGER_ID_BYTES] = {1};
    demand(engine_segment(book->engine, &book->stamp, ledger_id, 1, &none, &none, &outcome),
           "segment");
    append(book, outcome, ENTRY_SEGMENT, NULL);
    for (uint32_t bank = 0; bank < TRADE_BANKS; bank++) {
        struct engine_joining const joining = {.code = trade_code(bank),
                                               .name = SPAN("Banco"),
                                               .status = MEMBER_ACTIVE,
                                               .pacs008_max = 1};
        struct span const der = span_of(joining.code.text, PARTICIPANT_CODE_BYTES);
        demand(engine_join(book->engine, &book->stamp, &joining, &outcome), "join");
        append(book, outcome, ENTRY_JOINED, NULL);
        demand(engine_certificate(book->engine, &book->stamp, joining.code, PURPOSE_SIGNING, der,
                                  &outcome),
               "certificate");
        append(book, outcome, ENTRY_CERTIFICATE, NULL);
        book->certificates[bank] = hash_of(der);
        demand(engine_fund(book->engine, &book->stamp, joining.code,
                           amount_of_minor(TRADE_FUNDS_MINOR), &outcome),
               "fund");
        append(book, outcome, ENTRY_FUNDED, NULL);
    }
    demand(journal_commit(book->journal), "commit");
}

static struct book *open_book(const char *directory, uint32_t ids, bool is_hot,
                              struct message *messages)
{
    struct engine_options const core = {
        .open_max = 2 * BATCH_MAX,
        .duplicate_capacity = ids + ids / 5 + 10000,
        .duplicate_window_ns = PAYMENT_NS * ids,
        .clock_tolerance_ns = TIME_NS_PER_SECOND,
        .clock_ahead_ns = TIME_NS_PER_SECOND,
        .deadline_high_ns = TIME_NS_PER_SECOND,
        .deadline_normal_ns = 2700 * TIME_NS_PER_SECOND,
        .currency = {"MXN"},
        .index_key = {1, 2},
    };
    struct journal_options const ledger = {.directory = directory};
    struct journal_head head;
    struct book *book = take(1, sizeof *book);
    book->is_hot = is_hot;
    book->messages = messages;
    book->stamp = (struct stamp){.now_ns = START_NS, .seed = {{1}}};
    demand(engine_open(&book->engine, &core), "engine");
    demand(journal_open(&book->journal, &ledger, &head), directory);
    if (head.seq > 0) demand(FAULT_BUSY, directory);
    found(book);
    return book;
}

static void close_book(struct book *book)
{
    journal_close(book->journal);
    engine_close(book->engine);
    free(book);
}

static struct message *make_messages(void)
{
    static struct scenario scenario;
    struct message *messages = take(MESSAGES, sizeof *messages);
    ledger_scenario_begin(&scenario, 1);
    for (uint32_t i = 0; i < MESSAGES;) {
        ledger_scenario_next(&scenario);
        const struct evidence *evidence = ledger_scenario_evidence(&scenario);
        if (evidence == NULL) continue;
        messages[i].hash = evidence->hash;
        memcpy(messages[i++].bytes, evidence->bytes.bytes, sizeof messages[i].bytes);
    }
    return messages;
}

/* --- times ------------------------------------------------------------------------------------ */

struct times {
    uint64_t count;
    int64_t *each_ns; /* SAMPLES_MAX of them */
};

static int by_value(const void *a, const void *b)
{
    int64_t const left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static double at_share(const struct times *times, double share)
{
    uint64_t const at = (uint64_t)(share * (double)(times->count - 1));
    return (double)times->each_ns[at] / 1e3;
}

static void add_time(struct times *times, int64_t time_ns)
{
    if (times->count < SAMPLES_MAX) times->each_ns[times->count++] = time_ns;
}

static void print_times(const char *what, struct times *times)
{
    qsort(times->each_ns, times->count, sizeof *times->each_ns, by_value);
    printf("%-22s %8" PRIu64 " commits  p50 %7.0f us  p99 %7.0f us  p99.9 %7.0f us  max %7.0f us\n",
           what, times->count, at_share(times, 0.5), at_share(times, 0.99), at_share(times, 0.999),
           at_share(times, 1));
    times->count = 0;
}

/* --- rates ------------------------------------------------------------------------------------ */

static void measure_rate(const char *base, uint32_t batch, bool is_hot, struct message *messages,
                         double seconds, struct times *times)
{
    char directory[PATH_BYTES];
    (void)snprintf(directory, sizeof directory, "%s/%u%s%s", base, batch, is_hot ? "-hot" : "",
                   messages ? "-messages" : "");
    struct book *book = open_book(directory, RATE_IDS, is_hot, messages);
    int64_t busy_ns = 0, busy_cpu_ns = 0;
    for (uint32_t i = 0; i < 2 * RATE_IDS / BATCH_MAX; i++) {
        prepare(book, BATCH_MAX);
        turn(book, BATCH_MAX);
    }
    prepare(book, batch);
    turn(book, batch); /* settles the rest of the large ones */
    demand(journal_idle(book->journal), "checkpoint");
    uint64_t const from = book->number;
    while ((double)busy_ns < seconds * 1e9 && times->count < SAMPLES_MAX) {
        prepare(book, batch);
        int64_t const at_ns = time_monotonic_ns(), at_cpu_ns = cpu_ns();
        turn(book, batch);
        int64_t const took_ns = time_monotonic_ns() - at_ns;
        busy_cpu_ns += cpu_ns() - at_cpu_ns;
        busy_ns += took_ns;
        add_time(times, took_ns);
    }
    double const payments = (double)(book->number - from);
    printf("%5u a commit %-4s %-9s %8.0f payments/s, %7.2f us of CPU each\n    ", batch,
           is_hot ? "hot" : "", messages ? "messages" : "", payments * 1e9 / (double)busy_ns,
           (double)busy_cpu_ns / 1e3 / payments);
    print_times("", times);
    (void)fflush(stdout);
    close_book(book);
}

static void measure_rates(const char *base, double seconds, struct times *times)
{
    static const uint32_t batches[] = {1, 10, 100, 1000};
    struct message *messages = make_messages();
    for (unsigned i = 0; i < 16; i++)
        measure_rate(base, batches[i % 4], i / 4 % 2 == 1, i / 8 == 1 ? messages : NULL, seconds,
                     times);
    free(messages);
}

/* --- flatness --------------------------------------------------------------------------------- */

enum target { GROWN, NEW, BARE, TARGETS };

static const char *const target_names[TARGETS] = {"grown ledger", "new ledger",
                                                  "bare write and sync"};

static void grow(struct book *book, uint64_t entries)
{
    int64_t const from_ns = time_monotonic_ns();
    while (2 * book->number < entries) {
        prepare(book, BATCH_MAX);
        turn(book, BATCH_MAX);
    }
    prepare(book, 1);
    turn(book, 1);
    printf("grown to %" PRIu64 " entries in %.0f s\n", journal_durable_seq(book->journal),
           (double)(time_monotonic_ns() - from_ns) / 1e9);
    (void)fflush(stdout);
}

static struct book *open_grown(const char *base, uint64_t entries, struct message *messages)
{
    char directory[PATH_BYTES];
    (void)snprintf(directory, sizeof directory, "%s/grown", base);
    struct book *book = open_book(directory, DAY_IDS, false, messages);
    grow(book, entries);
    return book;
}

static void wait_until(int64_t until_ns)
{
    int64_t const left_ns = until_ns - time_monotonic_ns();
    struct timespec const pause = {.tv_sec = left_ns / TIME_NS_PER_SECOND,
                                   .tv_nsec = left_ns % TIME_NS_PER_SECOND};
    if (left_ns > 0) (void)nanosleep(&pause, NULL);
}

/* What SQLite's log does: overwrites a file that is there, from its start again when it is long. */
static void write_bare(int file, uint64_t count)
{
    static char bytes[BARE_BYTES];
    off_t const at = (off_t)(count % 500) * BARE_BYTES;
    memset(bytes, (int)(count & 0xff), sizeof bytes);
    if (pwrite(file, bytes, sizeof bytes, at) != BARE_BYTES || fdatasync(file) != 0)
        demand(FAULT_IO, "bare file");
}

/* Each arrival has its instant; what a checkpoint before it takes longer counts as its own wait. */
static void measure_flatness(const char *base, uint64_t entries, double seconds, double rate)
{
    char directory[PATH_BYTES];
    struct book *books[2];
    struct times times[TARGETS], waits[TARGETS];
    for (int i = 0; i < TARGETS; i++) {
        times[i] = (struct times){.each_ns = take(SAMPLES_MAX, sizeof(int64_t))};
        waits[i] = (struct times){.each_ns = take(SAMPLES_MAX, sizeof(int64_t))};
    }
    (void)snprintf(directory, sizeof directory, "%s/bare", base);
    int const file = open(directory, O_RDWR | O_CREAT, 0600);
    if (file < 0) demand(FAULT_IO, directory);
    (void)snprintf(directory, sizeof directory, "%s/new", base);
    books[NEW] = open_book(directory, DAY_IDS, false, NULL);
    books[GROWN] = open_grown(base, entries, NULL);

    int64_t const begin_ns = time_monotonic_ns(), step_ns = (int64_t)(1e9 / rate);
    uint64_t const count = (uint64_t)(seconds * rate);
    for (uint64_t i = 0; i < count; i++) {
        enum target const target = (enum target)(i % TARGETS);
        int64_t const due_ns = begin_ns + (int64_t)i * step_ns;
        if (target != BARE) prepare(books[target], 1);
        wait_until(due_ns);
        int64_t const from_ns = time_monotonic_ns();
        if (target == BARE)
            write_bare(file, i);
        else
            turn(books[target], 1);
        int64_t const done_ns = time_monotonic_ns();
        add_time(&times[target], done_ns - from_ns);
        add_time(&waits[target], done_ns - due_ns);
        if (target != BARE) demand(journal_idle(books[target]->journal), "checkpoint");
    }
    printf("from the call until it is durable:\n");
    for (int i = 0; i < TARGETS; i++)
        print_times(target_names[i], &times[i]);
    printf("from its instant until it is durable, checkpoints of both ledgers in between:\n");
    for (int i = 0; i < TARGETS; i++)
        print_times(target_names[i], &waits[i]);
    for (int i = 0; i < TARGETS; i++) {
        free(times[i].each_ns);
        free(waits[i].each_ns);
    }
    close_book(books[GROWN]);
    close_book(books[NEW]);
    (void)close(file);
}

static int usage(void)
{
    fprintf(stderr, "usage: payment_bench rates DIRECTORY [SECONDS]\n"
                    "       payment_bench flat DIRECTORY [ENTRIES [SECONDS [RATE]]]\n"
                    "       payment_bench grow DIRECTORY ENTRIES [messages]\n");
    return 2;
}

int main(int argc, char **argv)
{
    if (argc < 3) return usage();
    const char *const base = argv[2];
    uint64_t const entries = argc > 3 ? strtoull(argv[3], NULL, 10) : 20000000;
    (void)mkdir(base, 0700);
    if (strcmp(argv[1], "flat") == 0) {
        measure_flatness(base, entries, argc > 4 ? atof(argv[4]) : 60,
                         argc > 5 ? atof(argv[5]) : 300);
    } else if (strcmp(argv[1], "grow") == 0 && argc > 3) {
        struct message *messages = argc > 4 ? make_messages() : NULL;
        close_book(open_grown(base, entries, messages));
        free(messages);
    } else if (strcmp(argv[1], "rates") == 0) {
        struct times times = {.each_ns = take(SAMPLES_MAX, sizeof(int64_t))};
        measure_rates(base, argc > 3 ? atof(argv[3]) : 1, &times);
        free(times.each_ns);
    } else {
        return usage();
    }
    return 0;
}
