/* market: four banks that pay one another through a switch, and keep their own books against it.
 *
 * Every bank pays random others at a steady pace and accepts what comes in.  Every two seconds, at
 * the beginning and at the end, paying pauses until nothing is open and all balances are asked: then
 * the invariants must hold to the cent.
 *
 * Threads: one, which market_run keeps until the end. */
#ifndef OPS_CAUCE_MARKET_H
#define OPS_CAUCE_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/environment.h"
#include "ops/cauce/view.h"

#define MARKET_TICK_MS 5 /* one payment each: 200/s */
#define MARKET_WORDS_BYTES 512

struct market_settings {
    const struct environment *environment; /* of a switch that is ready */
    bool is_fresh;     /* the ledger holds nothing but genesis: its balances are the funding */
    uint32_t seconds;  /* 0: until SIGINT or SIGTERM */
    struct view *view; /* the facts are kept here; bank_count 0 until the banks are known */
    /* Called every MARKET_TICK_MS, counted from 1; the words why the market must end, else NULL. */
    const char *(*watch)(void *context, uint64_t tick);
    void *context;
};

/* Runs to the end. False: something was not as it must be; words says what. */
bool market_run(const struct market_settings *settings, char words[MARKET_WORDS_BYTES]);

#endif
