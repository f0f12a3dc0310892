/* ledger_scenario: a made-up but lawful history of a small switch, entry by entry, for the ledger's
 * suites and its benchmark, so that they need no core.
 *
 * It opens the ledger, lets participants join with certificates and funds, and then lets payments
 * be reserved, settled, rejected, expired and refused at random.  The same seed gives the same
 * history, the messages' bytes included. */
#ifndef TESTS_CHECK_LEDGER_SCENARIO_H
#define TESTS_CHECK_LEDGER_SCENARIO_H

#include <stdint.h>

#include "ledger/evidence.h"
#include "proto/record/body.h"
#include "proto/record/entry.h"

#define SCENARIO_PARTICIPANTS 4
#define SCENARIO_OPEN_MAX 64
#define SCENARIO_MESSAGE_BYTES 3500

struct scenario_participant {
    struct participant_code code;
    int64_t available, reserved; /* minor units */
    uint64_t number, last_seq;
    struct hash certificate; /* of its one certificate, for signing */
};

struct scenario {
    uint64_t random; /* state of the generator */
    uint64_t seq;    /* of the entry made last */
    uint64_t segments;
    uint64_t founded; /* steps of the founding that were made */
    int64_t time_ns;
    struct scenario_participant participants[SCENARIO_PARTICIPANTS];
    struct entry open[SCENARIO_OPEN_MAX]; /* reserved entries that were not decided */
    uint32_t open_count;
    uint64_t payments;

    /* The entry made last; `evidence` is to be used when its hash is not zero. */
    struct entry entry;
    struct body body;
    struct evidence evidence;
    char message[SCENARIO_MESSAGE_BYTES];
};

void ledger_scenario_begin(struct scenario *scenario, uint64_t seed);

/* Makes the next entry: everything in it but its chain. */
void ledger_scenario_next(struct scenario *scenario);

/* Makes the next entry one that opens the next segment. */
void ledger_scenario_segment(struct scenario *scenario, const struct hash *previous_head,
                             const struct hash *previous_block);

/* The evidence of the entry made last; NULL when it has none. */
const struct evidence *ledger_scenario_evidence(const struct scenario *scenario);

#endif
