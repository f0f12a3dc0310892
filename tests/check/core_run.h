/* core_run: a core of six banks that random commands are put to, and what it said, kept for tests.
 *
 * The same seed gives the same run.  Bank 5 settles through bank 0, bank 3 may pay at most 5.00 at
 * once, bank 4 is the RTGS.  Every step checks the core's invariants. */
#ifndef TESTS_CHECK_CORE_RUN_H
#define TESTS_CHECK_CORE_RUN_H

#include <stdint.h>

#include "proto/crypto/hash.h"
#include "switch/core/engine.h"

#define CORE_RUN_BANKS 6

extern const struct engine_options core_run_options;

/* Every entry with its body, and a hash over all answers that are none. */
struct core_journal {
    uint32_t count;
    uint32_t room;
    struct entry *entries;
    struct span *bodies; /* the journal's */
    struct hash answers;
};

uint32_t core_run_below(uint64_t *random, uint32_t bound);

struct participant_code core_run_code(uint32_t bank);

/* A new core whose banks have joined, with 100.00 each. */
void core_run_begin(struct engine **engine, struct stamp *stamp, struct core_journal *journal);

/* So many commands after one another, at times that go on from *stamp; now and then a day closes. */
void core_run_steps(struct engine *engine, struct stamp *stamp, uint64_t seed, int steps,
                    struct core_journal *journal);

/* One transfer, if there is room. */
void core_run_transfer(struct engine *engine, struct stamp *stamp, uint64_t *random,
                       struct core_journal *journal);

/* Puts the same commands to both, which must answer alike and end alike. */
void core_run_alike(struct engine *first, struct engine *second, const struct stamp *stamp,
                    uint64_t seed, int steps, const struct core_journal *journal);

void core_run_keep(struct core_journal *journal, const struct outcome *outcome);

void core_run_forget(struct core_journal *journal);

#endif
