/* One delivery at a time, composed right where it is kept. */
#include "switch/participant/outbound.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/base/limits.h"
#include "proto/base/log.h"
#include "proto/iso/message.h"
#include "switch/loop/pool.h"
#include "switch/participant/shelf.h"

/* What a message takes beside its transactions: Envelope, AppHdr, GrpHdr, the signature with an
 * RSA-4096 key and certificate, or ten results of a pacs.002. */
#define FRAME_BYTES (32 * 1024)

#define MESSAGE_BYTES_MAX (LIMIT_FORWARD_BYTES + FRAME_BYTES)
static_assert((LIMIT_PARTS + 1) * MESSAGE_BYTES_MAX <= LIMIT_SHELF_BYTES,
              "one poll's messages stay on the shelf until they are sent");
static_assert(POOL_HUGE_BYTES >= LIMIT_PARTS * (MESSAGE_BYTES_MAX + 256) + 4096,
              "and fit a buffer together");

struct outbound {
    struct outbound_settings settings;
    struct message_reader *reader; /* of messages that were read back from the ledger */
    struct shelf *shelf;
    struct message message;
    struct refusal refusal;
    char canonical[LIMIT_FORWARD_BYTES]; /* transactions taken from whole messages */
};

enum fault outbound_open(struct outbound **out, const struct outbound_settings *settings)
{
    *out = NULL;
    struct outbound *const outbound = calloc(1, sizeof *outbound);
    if (!outbound) return FAULT_MEMORY;
    outbound->settings = *settings;
    enum fault fault = message_open(&outbound->reader);
    if (fault == FAULT_NONE) fault = shelf_open(&outbound->shelf);
    if (fault != FAULT_NONE) {
        outbound_close(outbound);
        return fault;
    }
    *out = outbound;
    return FAULT_NONE;
}

void outbound_close(struct outbound *outbound)
{
    if (!outbound) return;
    shelf_close(outbound->shelf);
    message_close(outbound->reader);
    free(outbound);
}

/* The record behind the one taken last; settlement publishes a reply and what belongs to it at
 * once. */
static const void *next_record(struct ring *replies)
{
    struct span const record = ring_next(replies);
    assert(record.bytes);
    return record.bytes;
}

static size_t next_items(struct ring *replies, const struct delivery *delivery,
                         const struct delivery_item *items[LIMIT_TRANSACTIONS])
{
    assert(delivery->item_count >= 1 && delivery->item_count <= LIMIT_TRANSACTIONS);
    for (uint32_t i = 0; i < delivery->item_count; i++) {
        items[i] = next_record(replies);
        assert(items[i]->kind == REPLY_ITEM && items[i]->type == delivery->type);
    }
    return delivery->item_count;
}

void outbound_pass(struct ring *replies)
{
    const struct delivery_item *items[LIMIT_TRANSACTIONS];
    const struct delivery *const delivery = next_record(replies);
    assert(delivery->kind == REPLY_DELIVERY);
    (void)next_items(replies, delivery, items);
}

/* ---- Bodies by type ------------------------------------------------------------------------ */

/* Takes a transaction again from the message that brought it.  It was taken once, so only its XML
 * is looked at again. */
static enum fault take_again(struct outbound *outbound, struct span received, uint32_t index,
                             size_t *used, struct span *bytes)
{
    struct message_rules const rules = {.side = MESSAGE_BY_SWITCH};
    struct message *const message = &outbound->message;
    if (message_read(outbound->reader, received, &rules, message, &outbound->refusal) !=
        MESSAGE_GOOD) {
        return FAULT_INVALID;
    }
    if (message->kind != CATALOGUE_PACS_008 || index >= message->content.pacs008.count) {
        return FAULT_INVALID;
    }
    struct hash content_hash;
    enum fault const fault = pacs008_canonical(
        message->document, &message->content.pacs008.transactions[index],
        outbound->canonical + *used, sizeof outbound->canonical - *used, bytes, &content_hash);
    if (fault == FAULT_NONE) *used += bytes->size;
    return fault;
}

static enum fault write_pacs008(struct outbound *outbound, struct compose *compose,
                                const struct header *header,
                                const struct delivery_item *const *items, size_t count)
{
    struct span transactions[LIMIT_TRANSACTIONS];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const struct transfer_item *const item = &items[i]->transfer;
        transactions[i] = span_of(items[i] + 1, item->size);
        if (!item->whole_message) continue;
        enum fault const fault =
            take_again(outbound, transactions[i], item->transaction_index, &used, &transactions[i]);
        if (fault != FAULT_NONE) return fault;
    }
    return pacs008_forward(compose, header, transactions, count);
}

static enum pacs002_status status_of(enum transaction_status status)
{
    switch (status) {
    case STATUS_ACSP: return PACS002_ACSP;
    case STATUS_ACSC: return PACS002_ACSC;
    case STATUS_ACCC: return PACS002_ACCC;
    case STATUS_RJCT: break;
    }
    return PACS002_RJCT;
}

static enum fault write_pacs002(struct compose *compose, const struct header *header,
                                const struct delivery_item *const *items, size_t count)
{
    struct pacs002_transaction transactions[LIMIT_TRANSACTIONS];
    for (size_t i = 0; i < count; i++) {
        const struct status_item *const item = &items[i]->status;
        bool const is_rejected = item->status == STATUS_RJCT;
        transactions[i] = (struct pacs002_transaction){
            .instruction_id = identifier_max35_text(&item->instruction_id),
            .end_to_end_id = identifier_max35_text(&item->id),
            .uetr = identifier_uetr_text(&item->uetr),
            .status = status_of(item->status),
            .reason = is_rejected ? identifier_reason_text(&item->reason) : (struct span){0},
            .settled_ns = item->settled_ns,
            .settled_seq = item->settled_seq,
        };
    }
    return pacs002_write(compose, header, transactions, count);
}

static enum fault write_admi002(struct compose *compose, const struct header *header,
                                const struct refusal *refusal)
{
    struct admi002 const admi002 = admi002_of_refusal(refusal);
    return admi002_write(compose, header, &admi002);
}

static enum fault write_camt052(struct compose *compose, const struct header *header,
                                const struct balance_item *balance)
{
    struct camt052 const camt052 = {
        .query_id = identifier_max35_text(&balance->query),
        .account = identifier_code_text(&balance->account),
        .currency = identifier_currency_text(&balance->currency),
        .available = balance->available,
        .reserved = balance->reserved,
        .instant_ns = balance->at_ns,
    };
    return camt052_write(compose, header, &camt052);
}

static enum fault write_message(struct outbound *outbound, struct compose *compose,
                                const struct delivery *delivery,
                                const struct delivery_item *const *items, size_t count)
{
    struct header const header = {
        .sender = outbound->settings.switch_code,
        .receiver = identifier_code_text(&delivery->receiver),
        .business_id = span_text(delivery->resource_id.text),
        .created_ns = delivery->created_ns,
    };
    switch (delivery->type) {
    case DELIVER_PACS008: return write_pacs008(outbound, compose, &header, items, count);
    case DELIVER_PACS002: return write_pacs002(compose, &header, items, count);
    case DELIVER_ADMI002: return write_admi002(compose, &header, &items[0]->refusal);
    case DELIVER_CAMT052: break;
    }
    return write_camt052(compose, &header, &items[0]->balance);
}

enum fault outbound_take(struct outbound *outbound, struct ring *replies,
                         struct outbound_message *message)
{
    const struct delivery_item *items[LIMIT_TRANSACTIONS];
    const struct delivery *const delivery = next_record(replies);
    assert(delivery->kind == REPLY_DELIVERY);
    size_t const count = next_items(replies, delivery, items);

    message->resource_id = delivery->resource_id;
    message->bytes = shelf_find(outbound->shelf, &delivery->resource_id);
    if (message->bytes.bytes) return FAULT_NONE;

    struct compose compose;
    char *const room = shelf_room(outbound->shelf, MESSAGE_BYTES_MAX);
    compose_open(&compose, room, MESSAGE_BYTES_MAX);
    enum fault fault = write_message(outbound, &compose, delivery, items, count);
    if (fault == FAULT_NONE) {
        fault = compose_sign(&compose, outbound->settings.signer, &message->bytes);
    }
    if (fault != FAULT_NONE) {
        LOG(LOG_ERROR, "outbound", "message %s could not be made: %s", delivery->resource_id.text,
            fault_words(fault));
        return fault;
    }
    assert(message->bytes.bytes == room);
    shelf_add(outbound->shelf, &delivery->resource_id, message->bytes.size);
    metric_add(outbound->settings.metrics, METRIC_MESSAGES_SIGNED, 1);
    return FAULT_NONE;
}
