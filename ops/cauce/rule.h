/* rule: what a connector under test answers to an incoming payment, by its amount.
 *
 * A sandbox cannot look into a bank's books, so the amount says what they are to answer: the bank's
 * engineer sets her test system up so, and `cauce bank serve --by-amount` does the same. */
#ifndef OPS_CAUCE_RULE_H
#define OPS_CAUCE_RULE_H

#include <stdint.h>

#include "loadtest/bank/payee.h"
#include "proto/base/amount.h"

/* amount in minor units, in words, what to do with it. */
#define RULE_LIST(X)                                                                               \
    X(REJECT, 6603, "66.03", "reject it with AC03")                                                \
    X(LATE, 6645, "66.45", "accept it, but only after its time limit")                             \
    X(SILENT, 6699, "66.99", "do not answer it")

enum rule {
#define RULE_MEMBER(name, minor, text, words) RULE_##name##_MINOR = minor,
    RULE_LIST(RULE_MEMBER)
#undef RULE_MEMBER
};

#define RULE_LATE_MS 1000 /* beyond the time limit: surely late */

/* All other amounts are accepted at once.  `limit_ms`: payments.deadline_high_ms. */
struct payee_decision rule_decide(struct amount amount, uint64_t limit_ms);

#endif
