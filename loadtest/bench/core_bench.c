/* core_bench: what the core costs per payment, reserved and settled, with many others open, and what
 * it costs to save and load the state they leave.
 *
 *   core_bench [PAYMENTS [OPEN]]     1,000,000 payments, 100,000 open
 *
 * A payment is reserved, and the oldest open one is settled, in turn; the table of open payments
 * stays as full as said.  Ids, contents and commands are made ahead of time in small runs, so that
 * only the engine is timed.  The snapshot goes to memory and comes from there: what a disk adds is not
 * the core's. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/bench/demand.h"
#include "loadtest/bench/trade.h"
#include "proto/base/time.h"
#include "switch/core/engine.h"

#define RUN 256
#define START_NS (INT64_C(1795284000) * TIME_NS_PER_SECOND)

static void let_join(struct engine *engine, const struct stamp *stamp)
{
    const struct outcome *outcome;
    struct hash const none = {0};
    uint8_t const ledger_id[ENGINE_LEDGER_ID_BYTES] = {1};
    demand(engine_segment(engine, stamp, ledger_id, 1, &none, &none, &outcome), "segment");
    for (uint32_t bank = 0; bank < TRADE_BANKS; bank++) {
        struct engine_joining const joining = {.code = trade_code(bank),
                                               .name = SPAN("Banco"),
                                               .status = MEMBER_ACTIVE,
                                               .pacs008_max = 1};
        demand(engine_join(engine, stamp, &joining, &outcome), "join");
        demand(
            engine_fund(engine, stamp, joining.code, amount_of_minor(TRADE_FUNDS_MINOR), &outcome),
            "fund");
    }
}

static uint32_t payee_of(uint64_t number)
{
    return (uint32_t)((number * 7 + 1) % TRADE_BANKS);
}

static uint32_t payer_of(uint64_t number)
{
    return (uint32_t)((number * 7 + 1 + 1 + number % (TRADE_BANKS - 1)) % TRADE_BANKS);
}

struct times {
    int64_t reserve_ns;
    int64_t settle_ns;
};

/* RUN payments from `number` on are reserved, and those `open` before them settled. */
static void run(struct engine *engine, struct stamp *stamp, uint64_t number, uint64_t open,
                struct times *times)
{
    static struct transfer_command transfers[RUN];
    static struct answer_command answers[RUN];
    struct message_command const message = {.hash = {{1}}};
    stamp->now_ns += 1000 * RUN;
    for (uint64_t i = 0; i < RUN; i++) {
        transfers[i] =
            trade_transfer(number + i, payer_of(number + i), payee_of(number + i), stamp->now_ns);
        if (number >= open)
            answers[i] = trade_answer(number + i - open, payee_of(number + i - open));
    }
    int64_t const before_ns = time_monotonic_ns();
    for (uint64_t i = 0; i < RUN; i++) {
        const struct outcome *const outcome =
            engine_transfer(engine, stamp, &message, &transfers[i]);
        if (outcome->kind != OUTCOME_ENTRY || outcome->entry.public.kind != ENTRY_RESERVED)
            demand(FAULT_INVALID, "a payment was not reserved");
    }
    int64_t const between_ns = time_monotonic_ns();
    for (uint64_t i = 0; i < RUN && number >= open; i++) {
        const struct outcome *const outcome = engine_answer(engine, stamp, &message, &answers[i]);
        if (outcome->kind != OUTCOME_ENTRY || outcome->entry.public.kind != ENTRY_SETTLED)
            demand(FAULT_INVALID, "a payment was not settled");
    }
    times->reserve_ns += between_ns - before_ns;
    times->settle_ns += time_monotonic_ns() - between_ns;
}

struct stored {
    size_t size;
    size_t room;
    char *bytes;
    size_t at; /* of reading */
};

static enum fault store(void *context, struct span bytes)
{
    struct stored *const stored = context;
    if (bytes.size > stored->room - stored->size) return FAULT_FULL;
    memcpy(stored->bytes + stored->size, bytes.bytes, bytes.size);
    stored->size += bytes.size;
    return FAULT_NONE;
}

static enum fault fetch(void *context, void *bytes, size_t size)
{
    struct stored *const stored = context;
    if (size > stored->size - stored->at) return FAULT_CORRUPT;
    memcpy(bytes, stored->bytes + stored->at, size);
    stored->at += size;
    return FAULT_NONE;
}

static void save_and_load(const struct engine *engine, const struct engine_options *options)
{
    struct engine_totals const totals = engine_totals(engine);
    struct stored stored = {.room = (size_t)totals.fingerprint_count * 32 +
                                    (size_t)totals.open_count * 264 + ((size_t)1 << 24)};
    stored.bytes = malloc(stored.room);
    if (stored.bytes == NULL) demand(FAULT_MEMORY, "a place for the snapshot");
    memset(stored.bytes, 0, stored.room); /* touched before it is timed */

    int64_t const start_ns = time_monotonic_ns();
    demand(engine_save(engine, store, &stored), "save");
    int64_t const saved_ns = time_monotonic_ns();
    struct engine *loaded;
    demand(engine_load(&loaded, options, fetch, &stored), "load");
    int64_t const loaded_ns = time_monotonic_ns();
    printf("snapshot of %" PRIu32 " fingerprints: %.0f MB, saved in %.0f ms, loaded in %.0f ms\n",
           totals.fingerprint_count, (double)stored.size / 1e6, (double)(saved_ns - start_ns) / 1e6,
           (double)(loaded_ns - saved_ns) / 1e6);
    engine_close(loaded);
    free(stored.bytes);
}

int main(int argc, char **argv)
{
    uint64_t const payments = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t const open = (argc > 2 ? strtoull(argv[2], NULL, 10) : 100000) / RUN * RUN;
    if (payments == 0 || open == 0 || open > UINT32_C(1) << 23) {
        fprintf(stderr, "usage: core_bench [PAYMENTS [OPEN]]\n");
        return 2;
    }
    struct engine_options const options = {
        .open_max = (uint32_t)open + RUN,
        .duplicate_capacity = 10000000,
        .duplicate_window_ns = 10 * TIME_NS_PER_SECOND, /* 10 s at a million a second: full */
        .clock_tolerance_ns = TIME_NS_PER_SECOND,
        .clock_ahead_ns = TIME_NS_PER_SECOND,
        .deadline_high_ns = TIME_NS_PER_SECOND,
        .deadline_normal_ns = 2700 * TIME_NS_PER_SECOND,
        .currency = {"MXN"},
        .index_key = {1, 2},
    };
    struct engine *engine;
    int64_t const start_ns = time_monotonic_ns();
    demand(engine_open(&engine, &options), "engine");
    printf("open with %" PRIu32 " fingerprints and %" PRIu32 " open payments: %.0f ms\n",
           options.duplicate_capacity, options.open_max,
           (double)(time_monotonic_ns() - start_ns) / 1e6);

    struct stamp stamp = {.now_ns = START_NS, .seed = {{1}}};
    let_join(engine, &stamp);
    struct times filling = {0}, steady = {0};
    uint64_t number = 0;
    for (; number < open; number += RUN)
        run(engine, &stamp, number, open, &filling);
    uint64_t const first = number;
    for (; number < first + payments; number += RUN)
        run(engine, &stamp, number, open, &steady);

    double const pairs = (double)(number - first);
    printf("%.0f payments, %" PRIu32 " open: reserve %.0f ns, settle %.0f ns, pair %.0f ns\n",
           pairs, engine_totals(engine).open_count, (double)steady.reserve_ns / pairs,
           (double)steady.settle_ns / pairs,
           (double)(steady.reserve_ns + steady.settle_ns) / pairs);
    save_and_load(engine, &options);
    engine_close(engine);
    return 0;
}
