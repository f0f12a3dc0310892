/* load: see load.h.
 *
 * When to start is a guess: the orders carry their scheduled instants, so the start must be known
 * before they are signed, and signing must be over before it comes.  The answers, signed first, tell
 * how long it takes; a guess that proves too early is made again from what was measured. */
#include "loadtest/load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/config/genesis.h"

#define WARMUP_NS TIME_NS_PER_SECOND
#define CONNECT_NS TIME_NS_PER_SECOND         /* to connect all banks, and */
#define CONNECT_EACH_NS (10 * TIME_NS_PER_MS) /* for each connection besides */
#define STARTS_MAX 3                          /* guesses */

/* What exists during a run. */
struct run {
    struct environment environment;
    struct participant_code *codes;
    size_t bank_count;
    struct schedule schedule;
    struct corpus corpus;
};

static bool is_usable(const struct genesis_participant *participant)
{
    return !participant->is_rtgs && participant->settles_through[0] == '\0' &&
           participant->status == GENESIS_ACTIVE && participant->channel.count > 0 &&
           participant->signing.count > 0;
}

/* The direct and active banks of genesis.json that have keys, or the first of them. */
static enum fault choose_banks(struct run *run, uint32_t wanted, char words[LOAD_WORDS_BYTES])
{
    struct genesis genesis;
    config_path path;
    environment_path(&run->environment, path, "genesis.json");
    enum fault const fault = genesis_load(&genesis, path, words);
    if (fault != FAULT_NONE) return fault;
    run->codes = calloc(genesis.participant_count, sizeof *run->codes);
    for (size_t i = 0; run->codes != NULL && i < genesis.participant_count; i++) {
        if (!is_usable(&genesis.participants[i])) continue;
        if (wanted > 0 && run->bank_count == wanted) break;
        memcpy(run->codes[run->bank_count++].text, genesis.participants[i].code,
               PARTICIPANT_CODE_BYTES);
    }
    genesis_close(&genesis);
    size_t const least = wanted > 2 ? wanted : 2;
    if (run->bank_count >= least) return FAULT_NONE;
    (void)snprintf(words, LOAD_WORDS_BYTES, "%s: %zu direct, active banks with keys, %zu needed",
                   path, run->bank_count, least);
    return run->codes == NULL ? FAULT_MEMORY : FAULT_INVALID;
}

static enum fault make_schedule(struct run *run, const struct load_settings *settings,
                                char words[LOAD_WORDS_BYTES])
{
    struct schedule_settings const schedule = {.seed = settings->seed,
                                               .rate = settings->rate,
                                               .seconds = settings->seconds,
                                               .batch = settings->batch,
                                               .banks = (uint16_t)run->bank_count,
                                               .hot_share = settings->hot_share,
                                               .reject_share = settings->reject_share,
                                               .silent_share = settings->silent_share};
    enum fault const fault = schedule_make(&run->schedule, &schedule);
    if (fault == FAULT_FULL) {
        (void)snprintf(words, LOAD_WORDS_BYTES, "more than %d payments in one run",
                       SCHEDULE_PAYMENTS_MAX);
    } else if (fault != FAULT_NONE) {
        (void)snprintf(words, LOAD_WORDS_BYTES, "%s", fault_words(fault));
    }
    return fault;
}

/* Signs everything and chooses the start, which then lies a little ahead. */
static enum fault sign(struct run *run, struct load_result *result, char words[LOAD_WORDS_BYTES])
{
    const struct load_settings *const settings = &result->settings;
    int64_t const connections =
        (int64_t)run->bank_count * (settings->connections + result->streams);
    int64_t const connect_ns = CONNECT_NS + connections * CONNECT_EACH_NS;
    struct corpus_settings const corpus = {.environment = &run->environment,
                                           .schedule = &run->schedule,
                                           .codes = run->codes,
                                           .code_count = run->bank_count};
    char text[128];
    enum fault fault = corpus_open(&run->corpus, &corpus);
    if (fault != FAULT_NONE) {
        (void)snprintf(words, LOAD_WORDS_BYTES, "%s", fault_words(fault));
        return fault;
    }
    (void)snprintf(text, sizeof text, "signing %zu payments, and their answers, ahead of time",
                   run->schedule.count);
    settings->say(text);
    int64_t const began_ns = time_monotonic_ns();
    fault = corpus_sign_answers(&run->corpus, words);
    if (fault != FAULT_NONE) return fault;

    /* There are as many orders as payments, and one answer for each group. */
    int64_t guess_ns = (time_monotonic_ns() - began_ns) * (int64_t)run->schedule.batch;
    for (unsigned i = 0; i < STARTS_MAX; i++) {
        int64_t const signing_ns = time_monotonic_ns();
        result->start_ns = time_wall_ns() + guess_ns + guess_ns / 2 + 2 * connect_ns;
        fault = corpus_sign_orders(&run->corpus, result->start_ns, words);
        if (fault != FAULT_NONE) return fault;
        guess_ns = time_monotonic_ns() - signing_ns;
        if (time_wall_ns() + connect_ns > result->start_ns) continue;
        result->signing_seconds =
            (double)(time_monotonic_ns() - began_ns) / (double)TIME_NS_PER_SECOND;
        result->signed_messages = run->schedule.count + run->corpus.group_count;
        return FAULT_NONE;
    }
    (void)snprintf(words, LOAD_WORDS_BYTES,
                   "signing ahead took longer than it had just taken, %d times", STARTS_MAX);
    return FAULT_BUSY;
}

static enum fault run_traffic(struct run *run, struct load_result *result,
                              char words[LOAD_WORDS_BYTES])
{
    const struct load_settings *const settings = &result->settings;
    struct traffic_settings traffic = {
        .environment = &run->environment,
        .schedule = &run->schedule,
        .corpus = &run->corpus,
        .codes = run->codes,
        .bank_count = run->bank_count,
        .connections = settings->connections,
        .streams = result->streams,
        .metrics = run->environment.config.admin_metrics_listen,
        .start_ns = result->start_ns,
        .warmup_ns = settings->seconds > 1 ? WARMUP_NS : 0,
        .end_ns = settings->seconds * TIME_NS_PER_SECOND,
    };
    if (settings->metrics != NULL && !meter_parse_url(settings->metrics, &traffic.metrics)) {
        (void)snprintf(words, LOAD_WORDS_BYTES, "%s: expected http://HOST:PORT", settings->metrics);
        return FAULT_INVALID;
    }
    if (traffic.metrics.port == 0)
        traffic.metrics.off = true; /* a free one: nobody told us which */
    result->window_seconds =
        (double)(traffic.end_ns - traffic.warmup_ns) / (double)TIME_NS_PER_SECOND;
    settings->say("running");
    return traffic_run(&traffic, &result->account, &result->figures, words);
}

enum fault load_run(struct load_result *result, const struct load_settings *settings,
                    char words[LOAD_WORDS_BYTES])
{
    struct run *const run = calloc(1, sizeof *run); /* large: it holds a struct config */
    memset(result, 0, sizeof *result);
    result->settings = *settings;
    result->streams =
        settings->connections < TELLER_STREAMS_MAX ? settings->connections : TELLER_STREAMS_MAX;
    if (run == NULL) {
        (void)snprintf(words, LOAD_WORDS_BYTES, "%s", fault_words(FAULT_MEMORY));
        return FAULT_MEMORY;
    }
    enum fault fault = environment_open(&run->environment, settings->folder, settings->url, words);
    if (fault == FAULT_NONE) fault = choose_banks(run, settings->participants, words);
    if (fault == FAULT_NONE) fault = make_schedule(run, settings, words);
    if (fault == FAULT_NONE) fault = sign(run, result, words);
    if (fault == FAULT_NONE && account_open(&result->account, run->schedule.count) != FAULT_NONE) {
        fault = FAULT_MEMORY;
        (void)snprintf(words, LOAD_WORDS_BYTES, "%s", fault_words(fault));
    }
    if (fault == FAULT_NONE) fault = run_traffic(run, result, words);
    if (fault == FAULT_NONE) {
        result->banks = (uint32_t)run->bank_count;
        result->payments = run->schedule.count;
        result->summary = account_sum(&result->account);
        result->clear =
            account_is_clear(&result->account, &result->summary) && result->figures.strange == 0;
    } else {
        load_close(result);
    }
    corpus_close(&run->corpus);
    schedule_close(&run->schedule);
    free(run->codes);
    free(run);
    return fault;
}

void load_close(struct load_result *result)
{
    account_close(&result->account);
}
