/* genesis: the participants and operators that an empty ledger begins with (WIRE section 6).
 *
 * genesis.json is read once, before the first entry; afterwards participants, certificates and
 * limits exist only as entries.  Reading is strict: unknown or repeated keys, wrong types, bad
 * codes and bad amounts are errors that name the place.  payment_limit, pacs008_max,
 * settles_through, role, channel and signing may be left out (null, 1, null, null, [], []).
 * Certificates are named here, not opened. */
#ifndef PROTO_CONFIG_GENESIS_H
#define PROTO_CONFIG_GENESIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/config/config.h"

enum genesis_status { GENESIS_ACTIVE, GENESIS_SUSPENDED, GENESIS_DEBIT_BLOCKED };
enum genesis_operator_role { GENESIS_AUDITOR, GENESIS_MAKER, GENESIS_CHECKER, GENESIS_RTGS };

/* Paths usable from the current folder; every certificate is active. */
struct genesis_certificates {
    char *paths[LIMIT_CERTIFICATES];
    size_t count;
};

struct genesis_participant {
    config_code code;
    char name[LIMIT_NAME_BYTES + 1]; /* UTF-8, not empty */
    enum genesis_status status;
    struct amount balance;       /* >= 0; 0 for one that settles through another */
    bool has_payment_limit;      /* false: payment_limit is 0 and means nothing */
    struct amount payment_limit; /* > 0 */
    uint32_t pacs008_max;        /* transactions in one forwarded pacs.008: 1 to 10 */
    config_code settles_through; /* empty: holds its own account; else the code of one that does */
    bool is_rtgs;                /* role "rtgs" */
    struct genesis_certificates channel;
    struct genesis_certificates signing;
};

struct genesis_operator {
    char name[LIMIT_NAME_BYTES + 1]; /* unique, not empty */
    enum genesis_operator_role role;
    char *certificate; /* path usable from the current folder */
};

/* Codes are unique; the balances' sum is within AMOUNT_MAX_MINOR. In the file's order. */
struct genesis {
    struct genesis_participant *participants;
    size_t participant_count; /* 1 to LIMIT_PARTICIPANTS */
    struct genesis_operator *operators;
    size_t operator_count; /* 0 to LIMIT_OPERATORS */
};

/* Reads the file at `path`. On FAULT_NONE *genesis is the caller's until genesis_close.
 * FAULT_INVALID: error names file and place ("genesis.json: participants[2].balance: ...").
 * FAULT_IO: the file cannot be read.  FAULT_MEMORY.  After a fault there is nothing to close. */
MUST_CHECK enum fault genesis_load(struct genesis *genesis, const char *path,
                                   char error[CONFIG_ERROR_BYTES]);

/* Accepts a genesis of zeros. */
void genesis_close(struct genesis *genesis);

#endif
