/* trade: banks and the payments between them, as commands, for benchmarks of the core. */
#ifndef LOADTEST_BENCH_TRADE_H
#define LOADTEST_BENCH_TRADE_H

#include <stdint.h>

#include "proto/record/command.h"
#include "proto/record/identifier.h"

#define TRADE_BANKS 64
#define TRADE_FUNDS_MINOR INT64_C(1000000000000) /* of each bank: no payment lacks them */

/* The code of a bank, 0 to TRADE_BANKS - 1. */
struct participant_code trade_code(uint32_t bank);

/* Payment `number`, and its payee's acceptance. */
struct transfer_command trade_transfer(uint64_t number, uint32_t payer, uint32_t payee,
                                       int64_t now_ns);
struct answer_command trade_answer(uint64_t number, uint32_t payee);

#endif
