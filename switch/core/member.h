/* member: who takes part, with what status and limits, and on whose account each settles.
 *
 * Participants get indices 0, 1, 2, ... in order of joining and keep them for good.  A participant
 * holds its own account, or settles on that of one who does ("indirect", WIRE section 6).
 *
 * Threads: the engine's.  Memory: LIMIT_PARTICIPANTS places inside the struct. */
#ifndef SWITCH_CORE_MEMBER_H
#define SWITCH_CORE_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/record/identifier.h"

/* Status and its text in entries and configuration (WIRE section 6, genesis.json). */
#define MEMBER_STATUS_LIST(X)                                                                      \
    X(ACTIVE, "active")                                                                            \
    X(SUSPENDED, "suspended")                                                                      \
    X(DEBIT_BLOCKED, "debit-blocked")

enum member_status {
#define MEMBER_STATUS_MEMBER(name, text) MEMBER_##name,
    MEMBER_STATUS_LIST(MEMBER_STATUS_MEMBER)
#undef MEMBER_STATUS_MEMBER
};

#define MEMBER_NOBODY UINT32_MAX
#define MEMBER_INDEX_PLACES (2 * LIMIT_PARTICIPANTS)

struct member {
    struct participant_code code;
    uint32_t account; /* index of the holder of its account; itself when it holds one */
    enum member_status status;
    uint32_t pacs008_max; /* 1 to LIMIT_TRANSACTIONS */
    bool is_rtgs;
    bool has_payment_limit;
    struct amount payment_limit;
};

struct member_table {
    uint32_t count;
    struct member members[LIMIT_PARTICIPANTS];
    uint16_t places[MEMBER_INDEX_PLACES]; /* open addressing by code: index + 1; 0: empty */
};

/* Index of the member with this code, or MEMBER_NOBODY. */
uint32_t member_find(const struct member_table *table, struct participant_code code);

/* Index of a member that holds its own account, or MEMBER_NOBODY. */
uint32_t member_find_holder(const struct member_table *table, struct participant_code code);

/* Whether `agent` is a member that settles on the account of `holder`. */
bool member_settles_on(const struct member_table *table, struct participant_code agent,
                       uint32_t holder);

/* Adds a member; its index is the count before.  Assumed: the code is new and not zeros, there is
 * room, and its account's holder is a member or itself. */
uint32_t member_add(struct member_table *table, const struct member *member);

/* "active" and so on. Static. */
const char *member_status_text(enum member_status status);

/* False: no such status; *status is then unchanged. */
MUST_CHECK bool member_parse_status(struct span text, enum member_status *status);

#endif
