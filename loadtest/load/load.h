/* load: one load test from its settings to its result (`cauce load`, WIRE section 9).
 *
 *     environment -> schedule -> corpus (signed ahead) -> traffic -> result
 *
 * Both banks' roles are played; each payment's times count from the instant for which it was
 * scheduled, whatever the switch did in the meantime, so that a switch that stalls cannot hide it by
 * being asked less. */
#ifndef LOADTEST_LOAD_LOAD_H
#define LOADTEST_LOAD_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/load/account.h"
#include "loadtest/load/teller.h"
#include "loadtest/load/traffic.h"

#define LOAD_WORDS_BYTES ENVIRONMENT_WORDS_BYTES

struct load_settings {
    const char *folder;    /* made by `cauce dev` */
    const char *url;       /* "https://HOST:PORT"; NULL: the file's */
    const char *metrics;   /* "http://HOST:PORT"; NULL: the file's */
    uint32_t rate;         /* payments per second */
    uint32_t seconds;      /* of arrivals, the first of which is a warm-up if more follow */
    uint32_t participants; /* the first so many; 0: all that are direct and active */
    uint32_t connections;  /* of each bank for posting; as many streams, at most 6 */
    uint32_t batch;        /* payments in a body */
    double hot_share;      /* schedule.h */
    double reject_share;
    double silent_share;
    uint64_t seed;
    void (*say)(const char *words); /* what is going on, for a person who waits */
};

struct load_result {
    struct load_settings settings;
    uint64_t payments;
    uint64_t signed_messages; /* ahead of the run */
    double signing_seconds;
    uint32_t banks;
    uint32_t streams;      /* of each bank */
    double window_seconds; /* in which times and rates are taken */
    int64_t start_ns;      /* wall clock */
    struct account account;
    struct account_summary summary;
    struct traffic_figures figures;
    bool clear; /* every payment has its end, no contradiction, no message that is not good */
};

/* On FAULT_NONE *result, which is large, is the caller's until load_close.  Else words say why, and
 * there is nothing to close. */
MUST_CHECK enum fault load_run(struct load_result *result, const struct load_settings *settings,
                               char words[LOAD_WORDS_BYTES]);

void load_close(struct load_result *result);

#endif
