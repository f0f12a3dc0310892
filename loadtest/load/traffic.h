/* traffic: the run itself: orders go out when the schedule says, answers when the orders arrive.
 *
 * The happy path:
 *   connect    every bank connects and opens its streams, before the start;
 *   offer      at each scheduled instant, told by a timer of nanoseconds, the group is posted,
 *              whatever became of the earlier ones: an open loop;
 *   answer     the payee's bank posts the group's answer when all its payments have come;
 *   wait       after the last arrival, until every payment is complete (account.h);
 *   close      streams are confirmed and closed.
 * Possible failures: a bank cannot connect in time or is shut out (words); payments that are not
 * complete when their deadline and WAIT_NS have passed stay so, and the account shows them.
 *
 * All banks share one thread and one loop: on a machine that the switch shares, more would only take
 * processors from it. */
#ifndef LOADTEST_LOAD_TRAFFIC_H
#define LOADTEST_LOAD_TRAFFIC_H

#include <stdint.h>

#include "loadtest/bank/environment.h"
#include "loadtest/load/account.h"
#include "loadtest/load/corpus.h"
#include "loadtest/load/histogram.h"
#include "loadtest/load/meter.h"
#include "loadtest/load/schedule.h"

#define TRAFFIC_VERIFY_EVERY 100 /* messages of the switch: one is read and verified in full */

struct traffic_settings {
    const struct environment *environment;
    const struct schedule *schedule;
    const struct corpus *corpus;
    const struct participant_code *codes; /* of the banks that the schedule numbers */
    size_t bank_count;
    unsigned connections;          /* of each bank, for posting */
    unsigned streams;              /* of each bank */
    struct config_address metrics; /* of the switch; may be off */
    int64_t start_ns;              /* wall clock: the schedule's 0 */
    int64_t warmup_ns;             /* from the start: arrivals that no time is taken of */
    int64_t end_ns;                /* from the start: of the schedule */
};

/* "In the window" means between warmup_ns and end_ns. */
struct traffic_figures {
    struct histogram submission; /* scheduled -> 201, of payments due in the window */
    struct histogram settlement; /* scheduled -> the payer's bank has its ACSC, likewise */
    struct histogram lateness; /* scheduled -> handed to the connection: this program's own share */
    uint64_t offered;          /* payments due in the window */
    uint64_t ended;            /* payments whose result came in the window */
    uint64_t settled;          /* of these settled */
    uint64_t messages;         /* received from the switch, in the whole run */
    uint64_t verified;         /* of these read and verified in full */
    uint64_t strange;          /* of these not good, or not for whom they came to */
    uint64_t foreign;          /* ids of earlier runs or other programs */
    struct account_reasons mishaps;              /* answers to posts other than 201, by status */
    char strange_words[ENVIRONMENT_WORDS_BYTES]; /* of the first strange one; "": none */
    struct meter_figures meter;
};

/* Runs to the end.  `account` is open, for every payment of the schedule.  FAULT_NONE: the run came
 * to its end; the account says whether all is well.  Else words say what stopped it. */
MUST_CHECK enum fault traffic_run(const struct traffic_settings *settings, struct account *account,
                                  struct traffic_figures *figures,
                                  char words[ENVIRONMENT_WORDS_BYTES]);

#endif
