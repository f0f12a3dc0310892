/* GETs of receipts as RECEIPT commands, and their replies as signed JSON. */
#include "switch/participant/receipt.h"

#include "proto/record/receipt.h"
#include "switch/participant/session.h"
#include "switch/participant/task.h"

#define RETRY_SECONDS 1 /* each of them takes milliseconds at most */

enum fault receipt_open(struct receipt_maker *maker, const struct private_key *key,
                        const struct certificate *certificate, struct crossing *crossing)
{
    *maker = (struct receipt_maker){.crossing = crossing,
                                    .certificate = *certificate_fingerprint(certificate)};
    return signer_open(&maker->signer, key);
}

void receipt_close(struct receipt_maker *maker)
{
    signer_close(maker->signer);
    maker->signer = NULL;
}

enum server_step receipt_begin(struct receipt_maker *maker, struct exchange *exchange)
{
    const struct task *const task = exchange_data(exchange);
    if (maker->outstanding[task->participant] == LIMIT_OWNER_RECEIPTS) {
        session_refuse_for(exchange, PROBLEM_RATE,
                           SPAN("as many receipts as may be are being looked up"), RETRY_SECONDS);
        return SERVER_ANSWERED;
    }
    if (!crossing_takes_receipt(maker->crossing)) return SERVER_STALLED;

    struct receipt_command *const command = crossing_claim(maker->crossing, sizeof *command, 0);
    command->kind = COMMAND_RECEIPT;
    command->participant = task->participant;
    command->request = (struct request_id){exchange_id(exchange).value};
    command->id = task->id;
    maker->outstanding[task->participant] += 1;
    crossing_send_request(maker->crossing);
    return SERVER_LATER;
}

static void answer(struct receipt_maker *maker, struct exchange *exchange,
                   const struct receipt *receipt)
{
    struct receipt_signature signature = {.kind = signer_kind(maker->signer),
                                          .certificate = maker->certificate};
    struct hash const digest = block_header_hash(&receipt->header);
    size_t size;
    if (signer_sign(maker->signer, &digest, KEY_ENCODING_DER, signature.bytes, &size) !=
        FAULT_NONE) {
        exchange_problem(exchange, PROBLEM_INTERNAL, SPAN("the receipt could not be signed"), NULL,
                         0);
        return;
    }
    signature.size = (uint32_t)size;

    char text[RECEIPT_TEXT_BYTES_MAX];
    struct response const found = {.status = 200, .content_type = SPAN("application/json")};
    exchange_answer_bytes(exchange, &found,
                          span_of(text, receipt_write(receipt, &signature, text)));
}

void receipt_finish(struct receipt_maker *maker, struct exchange *exchange,
                    const struct receipt_reply *reply)
{
    const struct task *const task = exchange_data(exchange);
    crossing_close_request(maker->crossing);
    maker->outstanding[task->participant] -= 1;
    if (exchange_is_lost(exchange)) {
        exchange_forget(exchange);
        return;
    }
    switch (reply->outcome) {
    case RECEIPT_FOUND: answer(maker, exchange, (const struct receipt *)(reply + 1)); return;
    case RECEIPT_UNKNOWN:
        exchange_problem(exchange, PROBLEM_NOT_FOUND,
                         SPAN("no settled payment of the participant has this id"), NULL, 0);
        return;
    case RECEIPT_BUSY:
        session_refuse_for(exchange, PROBLEM_OVERLOADED,
                           SPAN("receipts cannot be looked up at the moment"),
                           reply->retry_after_seconds);
        return;
    case RECEIPT_FAILED: break;
    }
    exchange_problem(exchange, PROBLEM_INTERNAL, SPAN("the entry cannot be read"), NULL, 0);
}
