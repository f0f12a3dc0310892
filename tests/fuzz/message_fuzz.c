/* Any bytes as a message: a verdict, and what follows from it holds.
 *
 *   refused   the admi.002 that says so is one that a bank can take;
 *   good      a pacs.008 is forwarded as it was: its transactions, read again, are the same. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/iso/message.h"

static struct message_reader *reader, *bank;
static char buffer[LIMIT_CANONICAL_BYTES + LIMIT_MESSAGE_BYTES];

static const struct header header = {.sender = {"00038166", 8},
                                     .receiver = {"10000001", 8},
                                     .business_id = {"S1", 2},
                                     .created_ns = INT64_C(1795284000123000000)};
static const struct message_rules bank_rules = {
    .side = MESSAGE_BY_BANK, .sender = {"00038166", 8}, .receiver = {"10000001", 8}};

/* What the bank reads of `compose`. */
static void read_by_bank(const struct compose *compose, struct message *message)
{
    struct refusal refusal;
    struct span const bytes = compose_unsigned(compose);
    enum message_verdict const verdict = message_read(bank, bytes, &bank_rules, message, &refusal);
    if (verdict != MESSAGE_GOOD) abort();
}

static void answer(struct refusal *refusal)
{
    struct compose compose;
    struct message message;
    if (refusal_reference(refusal).size == 0) refusal_refer(refusal, SPAN("R1"));
    struct admi002 const admi002 = admi002_of_refusal(refusal);
    compose_open(&compose, buffer, sizeof buffer);
    if (admi002_write(&compose, &header, &admi002) != FAULT_NONE) abort();
    read_by_bank(&compose, &message);
    if (!span_equal(message.content.admi002.code, admi002.code)) abort();
    if (!span_equal(message.content.admi002.reference, admi002.reference)) abort();
}

/* Left aside: what has no canonical form within its bound (a signature check refuses it), and what
 * our own Envelope makes longer than a message that we read. */
static void forward(struct message *message)
{
    static char canonical[LIMIT_CANONICAL_BYTES], again[LIMIT_CANONICAL_BYTES];
    const struct pacs008 *const pacs008 = &message->content.pacs008;
    for (size_t i = 0; i < pacs008->count; i++) {
        struct compose compose;
        struct message forwarded;
        struct span bytes, read;
        struct hash before, after;
        if (pacs008_canonical(message->document, &pacs008->transactions[i], canonical,
                              sizeof canonical, &bytes, &before) != FAULT_NONE) {
            continue;
        }
        compose_open(&compose, buffer, sizeof buffer);
        if (pacs008_forward(&compose, &header, &bytes, 1) != FAULT_NONE) abort();
        if (compose_unsigned(&compose).size > LIMIT_MESSAGE_BYTES) continue;
        read_by_bank(&compose, &forwarded);
        if (pacs008_canonical(forwarded.document, &forwarded.content.pacs008.transactions[0], again,
                              sizeof again, &read, &after) != FAULT_NONE) {
            abort();
        }
        if (!hash_equal(&before, &after)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct message_rules rules = {.side = MESSAGE_BY_SWITCH};
    struct message message;
    struct refusal refusal;
    if (size > LIMIT_MESSAGE_BYTES) return 0;
    if (reader == NULL &&
        (message_open(&reader) != FAULT_NONE || message_open(&bank) != FAULT_NONE))
        abort();

    switch (message_read(reader, span_of(data, size), &rules, &message, &refusal)) {
    case MESSAGE_REFUSED: answer(&refusal); break;
    case MESSAGE_GOOD:
        if (message.kind == CATALOGUE_PACS_008) forward(&message);
        break;
    case MESSAGE_DROPPED: break;
    }
    return 0;
}
