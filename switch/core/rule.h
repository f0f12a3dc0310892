/* rule: the checks of a payment, in the order of WIRE section 4, each with its reason code.
 *
 * Nothing here changes anything.  The checks come in two runs, for between them the engine looks the
 * id up: a payment that is known already gets its standing result, or DU04, before the second run.
 *
 * Threads: the engine's. */
#ifndef SWITCH_CORE_RULE_H
#define SWITCH_CORE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/record/command.h"
#include "proto/record/identifier.h"
#include "switch/core/state.h"

/* In the order of the checks.  TRANSIENT: the answer is no entry and takes no id (DESIGN, "What the
 * outside hears"); ENTRY: it is a `refused` entry.  NOOR answers a pacs.002 and stands last. */
#define RULE_LIST(X)                                                                               \
    X(RC09, TRANSIENT) /* payer's agent unknown */                                                 \
    X(AGNT, TRANSIENT) /* sender may not act for the payer's agent */                              \
    X(FF08, TRANSIENT) /* bad end-to-end id */                                                     \
    X(DU04, TRANSIENT) /* id used before with other content */                                     \
    X(RC10, ENTRY)     /* payee's agent unknown */                                                 \
    X(AG10, ENTRY)     /* payer's participant suspended or debit-blocked */                        \
    X(AG11, ENTRY)     /* payee's participant suspended */                                         \
    X(AG12, ENTRY)     /* payer and payee settle on the same account */                            \
    X(AM03, ENTRY)     /* currency */                                                              \
    X(AM12, ENTRY)     /* not an amount of money, or a credit that would overflow */               \
    X(AM01, ENTRY)     /* zero */                                                                  \
    X(AM14, ENTRY)     /* above the participant's per-payment limit */                             \
    X(DT02, ENTRY)     /* AccptncDtTm out of tolerance */                                          \
    X(AB03, ENTRY)     /* the deadline has already passed */                                       \
    X(AM04, ENTRY)     /* not enough available funds */                                            \
    X(NOOR, TRANSIENT) /* an answer to no payment of the answering bank */

enum rule {
    RULE_NONE,
#define RULE_MEMBER(name, answer) RULE_##name,
    RULE_LIST(RULE_MEMBER)
#undef RULE_MEMBER
};

/* The code; zeros for RULE_NONE. */
struct reason rule_reason(enum rule rule);

/* What the checks found out on their way; a field counts from the check that sets it on. */
struct rule_facts {
    uint32_t payer_agent; /* index; after RC09 */
    uint32_t payer;       /* index of its account's holder; after RC09 */
    struct payment_id id; /* after FF08 */
    uint32_t payee_agent; /* after RC10; STATE_NOBODY before */
    uint32_t payee;       /* likewise */
    int64_t deadline_ns;  /* after DT02 */
};

/* RC09, AGNT, FF08; RULE_NONE: none of them. */
enum rule rule_of_sender(const struct engine *engine, const struct transfer_command *transfer,
                         struct rule_facts *facts);

/* RC10 to AM04; RULE_NONE: the payment may be reserved.  `facts` as rule_of_sender left them.
 * Assumed 0 <= acceptance_ns, before the year 2200. */
enum rule rule_of_payment(const struct engine *engine, int64_t now_ns,
                          const struct transfer_command *transfer, struct rule_facts *facts);

#endif
