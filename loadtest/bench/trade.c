/* trade: see trade.h. */
#include "loadtest/bench/trade.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/crypto/hash.h"

struct participant_code trade_code(uint32_t bank)
{
    struct participant_code code;
    char text[16];
    (void)snprintf(text, sizeof text, "%08" PRIu32, 10000000 + bank);
    memcpy(code.text, text, sizeof code.text);
    return code;
}

static struct max35_text id_of(uint64_t number)
{
    struct max35_text id = {0};
    id.size = (uint8_t)snprintf(id.bytes, sizeof id.bytes, "E%031" PRIu64, number);
    return id;
}

struct transfer_command trade_transfer(uint64_t number, uint32_t payer, uint32_t payee,
                                       int64_t now_ns)
{
    return (struct transfer_command){
        .kind = COMMAND_TRANSFER,
        .sender = trade_code(payer),
        .payer_agent = trade_code(payer),
        .payee_agent = trade_code(payee),
        .amount = amount_of_minor(1 + (int64_t)(number % 1000)),
        .priority = PRIORITY_NORMAL,
        .currency = {"MXN"},
        .acceptance_ns = now_ns,
        .content_hash = hash_of(span_of(&number, sizeof number)),
        .id = id_of(number),
    };
}

struct answer_command trade_answer(uint64_t number, uint32_t payee)
{
    return (struct answer_command){
        .kind = COMMAND_ANSWER, .sender = trade_code(payee), .accepted = true, .id = id_of(number)};
}
