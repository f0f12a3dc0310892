/* Posts first, then streams, then what comes back. */
#include "tests/simulator/town.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "tests/simulator/verdict.h"

#define PARCELS (UINT32_C(1) << 17)
#define TEXT_BYTES 4096

void town_open(struct town *town, struct chance *chance, struct truth *truth,
               const struct hash *certificates)
{
    *town = (struct town){
        .chance = chance, .truth = truth, .certificates = certificates, .parcel_mask = PARCELS - 1};
    for (uint32_t loop = 0; loop < TOWN_LOOPS; loop++)
        VERDICT(ring_open(&town->commands[loop], LIMIT_COMMAND_RING_BYTES) == FAULT_NONE &&
                    ring_open(&town->replies[loop], LIMIT_REPLY_RING_BYTES) == FAULT_NONE,
                "no memory");
    town->parcels = calloc(PARCELS, sizeof *town->parcels);
    VERDICT(town->parcels != NULL, "no memory");
}

void town_close(struct town *town)
{
    for (uint32_t loop = 0; loop < TOWN_LOOPS; loop++) {
        ring_close(town->commands[loop]);
        ring_close(town->replies[loop]);
    }
    free(town->parcels);
    *town = (struct town){0};
}

static struct request_id next_request(struct town *town)
{
    return (struct request_id){++town->request_count};
}

/* --- what is posted --------------------------------------------------------------------------- */

static void draw_payment(struct town *town, uint32_t bank, struct payment_truth *payment)
{
    struct chance *const chance = town->chance;
    *payment = (struct payment_truth){
        .sender = truth_account(bank),
        .payer_agent = bank,
        .payee_agent = chance_is(chance, 1, 20)
                           ? bank
                           : (bank + 1 + chance_below(chance, TRUTH_BANKS - 1)) % TRUTH_BANKS,
        .amount_minor = 1 + chance_below(chance, 500000),
        .priority = chance_is(chance, 1, 4) ? PRIORITY_NORMAL : PRIORITY_HIGH,
        .acceptance_ns = town->now_ns - chance_below(chance, 1000) * TIME_NS_PER_MS,
        .has_instruction_id = chance_is(chance, 1, 2),
        .has_uetr = chance_is(chance, 1, 2),
    };
    switch (chance_below(chance, 40)) { /* now and then one that breaks a rule */
    case 0:
        payment->payer_agent = TRUTH_BANKS;
        payment->transient = REASON("RC09");
        break;
    case 1:
        payment->payer_agent = (payment->sender + 1) % (TRUTH_BANKS - 1);
        payment->transient = REASON("AGNT");
        break;
    case 2:
        payment->has_bad_id = true;
        payment->transient = REASON("FF08");
        break;
    case 3: payment->payee_agent = TRUTH_BANKS; break;
    case 4: payment->amount_minor = 0; break;
    case 5: payment->amount_minor = 2 * TRUTH_BANKS * TRUTH_FUNDING_MINOR; break;
    default: break;
    }
}

/* A payment that was sent lately, by this bank; count: there is none at hand. */
static uint32_t recent_payment(const struct town *town, uint32_t sender)
{
    const struct truth *const truth = town->truth;
    for (uint32_t back = 1; back <= truth->count && back <= 40; back++) {
        const struct payment_truth *const payment = &truth->payments[truth->count - back];
        if (payment->sender == sender && town->now_ns - payment->acceptance_ns < TOWN_REMEMBER_NS &&
            chance_is(town->chance, 1, 4))
            return truth->count - back;
    }
    return truth->count;
}

static struct ask draw_payment_ask(struct town *town, uint32_t bank)
{
    struct truth *const truth = town->truth;
    if (chance_is(town->chance, 1, 10)) {
        uint32_t const number = recent_payment(town, truth_account(bank));
        if (number < truth->count) {
            struct payment_truth *const payment = &truth->payments[number];
            bool const contradicts = payment->opened_seq != 0 && chance_is(town->chance, 1, 3);
            payment->was_contradicted = payment->was_contradicted || contradicts;
            return (struct ask){.payment = number, .is_contradiction = contradicts};
        }
    }
    draw_payment(town, bank, &truth->payments[truth->count]);
    return (struct ask){.payment = truth->count++};
}

/* Mostly of what waits to be answered, now and then of anything. */
static struct ask draw_answer(struct town *town, uint32_t bank)
{
    struct ask ask = {.is_acceptance = chance_is(town->chance, 3, 4)};
    if (town->inbox_counts[bank] > 0 && chance_is(town->chance, 19, 20)) {
        uint32_t const at = chance_below(town->chance, town->inbox_counts[bank]);
        ask.payment = town->inboxes[bank][at];
        town->inboxes[bank][at] = town->inboxes[bank][--town->inbox_counts[bank]];
    } else {
        ask.payment =
            town->truth->count - 1 -
            chance_below(town->chance, town->truth->count < 200 ? town->truth->count : 200);
        struct payment_truth *const payment = &town->truth->payments[ask.payment];
        payment->was_guessed = payment->was_guessed || !payment->payee_has_payment;
    }
    return ask;
}

static void draw_message(struct town *town, uint32_t bank, struct town_message *message)
{
    struct truth *const truth = town->truth;
    bool const may_pay = truth->count + TOWN_ASKS <= truth->count_max;
    uint32_t const holder = truth_account(bank);
    *message = (struct town_message){.number = ++town->message_count,
                                     .ask_count = 1 + chance_below(town->chance, TOWN_ASKS)};
    uint32_t const kind = chance_below(town->chance, 20);
    bool const answers = town->inbox_counts[holder] > 0 ? kind < 12 || town->is_quiet : kind < 1;
    if (answers && truth->count > 0) {
        message->kind = ASK_ANSWER;
        for (uint32_t i = 0; i < message->ask_count; i++)
            message->asks[i] = draw_answer(town, holder);
    } else if (kind < 18 && may_pay) {
        message->kind = ASK_PAYMENT;
        for (uint32_t i = 0; i < message->ask_count; i++)
            message->asks[i] = draw_payment_ask(town, bank);
    } else {
        message->kind = kind == 19 ? ASK_REFUSAL : ASK_BALANCE;
        message->ask_count = 1;
    }
}

static struct post *draw_post(struct town *town)
{
    for (uint32_t i = 0; i < TOWN_POSTS; i++) {
        struct post *const post = &town->posts[i];
        if (post->state != POST_FREE) continue;
        uint32_t const bank = chance_below(town->chance, TRUTH_BANKS);
        uint32_t const holder = truth_account(bank);
        if (town->is_quiet && town->inbox_counts[holder] == 0) return NULL;
        *post = (struct post){
            .state = POST_READY,
            .bank = holder,
            .made_ns = town->now_ns,
            .message_count = town->is_quiet ? 1 : 1 + chance_below(town->chance, TOWN_MESSAGES)};
        for (uint32_t at = 0; at < post->message_count; at++)
            draw_message(town, bank, &post->messages[at]);
        return post;
    }
    return NULL;
}

/* --- how it is written ------------------------------------------------------------------------ */

struct text {
    size_t size;
    char bytes[TEXT_BYTES];
};

/* The transaction, from its number alone: the same bytes whenever it is sent. */
static void write_transaction(const struct town *town, const struct ask *ask, struct text *text)
{
    const struct payment_truth *const payment = &town->truth->payments[ask->payment];
    struct max35_text const id = truth_id(town->truth, ask->payment);
    int const written = snprintf(
        text->bytes + text->size, sizeof text->bytes - text->size,
        "<transaction from=%" PRIu32 " to=%" PRIu32 " minor=%" PRId64 " word=%d id %.*s; %*s>",
        payment->payer_agent, payment->payee_agent, payment->amount_minor, ask->is_contradiction,
        (int)id.size, id.bytes, (int)(ask->payment % 300), "");
    text->size += (size_t)written;
}

static struct participant_code code_or_nobody(uint32_t bank)
{
    return bank < TRUTH_BANKS ? truth_code(bank) : (struct participant_code){{0}};
}

static struct transfer_command transfer_of(const struct town *town, const struct post *post,
                                           const struct ask *ask)
{
    const struct payment_truth *const payment = &town->truth->payments[ask->payment];
    return (struct transfer_command){
        .kind = COMMAND_TRANSFER,
        .sender = truth_code(post->bank),
        .payer_agent = code_or_nobody(payment->payer_agent),
        .payee_agent = code_or_nobody(payment->payee_agent),
        .amount = amount_of_minor(payment->amount_minor),
        .amount_parse = AMOUNT_PARSE_GOOD,
        .priority = payment->priority,
        .currency = {"MXN"},
        .acceptance_ns = payment->acceptance_ns,
        .id = truth_id(town->truth, ask->payment),
        .instruction_id = truth_instruction_id(town->truth, ask->payment),
        .uetr = truth_uetr(town->truth, ask->payment),
    };
}

static bool claim_copy(struct ring *ring, const void *record, size_t size, struct span behind)
{
    char *const to = ring_claim(ring, size + behind.size);
    if (to == NULL) return false;
    memcpy(to, record, size);
    if (behind.size > 0) memcpy(to + size, behind.bytes, behind.size);
    return true;
}

static bool send_ask(const struct town *town, const struct post *post,
                     const struct town_message *message, uint32_t index, size_t text_at,
                     const struct text *text)
{
    struct ring *const ring = town->commands[post->loop];
    const struct ask *const ask = &message->asks[index];
    struct participant_code const sender = truth_code(post->bank);
    struct span const none = {0};
    switch (message->kind) {
    case ASK_PAYMENT: {
        struct transfer_command transfer = transfer_of(town, post, ask);
        struct text canonical = {0};
        write_transaction(town, ask, &canonical);
        struct span const bytes = span_of(canonical.bytes, canonical.size);
        transfer.transaction_index = index;
        transfer.content_hash = hash_of(bytes);
        transfer.canonical_size = (uint32_t)canonical.size;
        transfer.canonical_behind = message->number % 5 == 0;
        transfer.canonical_at = (uint32_t)text_at;
        VERDICT(memcmp(text->bytes + text_at, canonical.bytes, canonical.size) == 0,
                "the town writes one transaction in two ways");
        return claim_copy(ring, &transfer, sizeof transfer,
                          transfer.canonical_behind ? bytes : none);
    }
    case ASK_ANSWER: {
        struct answer_command const answer = {.kind = COMMAND_ANSWER,
                                              .transaction_index = index,
                                              .sender = sender,
                                              .accepted = ask->is_acceptance,
                                              .reason = ask->is_acceptance ? (struct reason){{0}}
                                                                           : REASON("AC03"),
                                              .id = truth_id(town->truth, ask->payment)};
        return claim_copy(ring, &answer, sizeof answer, none);
    }
    case ASK_BALANCE: {
        struct balance_command const balance = {
            .kind = COMMAND_BALANCE, .sender = sender, .query = {.size = 1, .bytes = "Q"}};
        return claim_copy(ring, &balance, sizeof balance, none);
    }
    case ASK_REFUSAL: {
        struct refusal_command const refusal = {
            .kind = COMMAND_REFUSAL,
            .refusal = {.code = REFUSAL_SCHEMA, .reference_size = 1, .reference = "R"}};
        return claim_copy(ring, &refusal, sizeof refusal, none);
    }
    }
    return false;
}

static bool send_message(const struct town *town, const struct post *post,
                         const struct town_message *message)
{
    struct text text = {0};
    size_t starts[TOWN_ASKS] = {0};
    text.size =
        (size_t)snprintf(text.bytes, sizeof text.bytes, "<message %" PRIu64 ">", message->number);
    for (uint32_t i = 0; i < message->ask_count; i++) {
        starts[i] = text.size;
        if (message->kind == ASK_PAYMENT) write_transaction(town, &message->asks[i], &text);
    }
    struct span const bytes = span_of(text.bytes, text.size);
    struct message_command command = {.kind = COMMAND_MESSAGE,
                                      .size = (uint32_t)text.size,
                                      .sender = truth_code(post->bank),
                                      .hash = hash_of(bytes),
                                      .certificate = town->certificates[post->bank]};
    (void)snprintf(command.resource_id.text, sizeof command.resource_id.text, "M%" PRIu64,
                   message->number);
    if (!claim_copy(town->commands[post->loop], &command, sizeof command, bytes)) return false;
    for (uint32_t i = 0; i < message->ask_count; i++) {
        if (!send_ask(town, post, message, i, starts[i], &text)) return false;
    }
    return true;
}

static void send_post(struct town *town, struct post *post)
{
    post->loop = chance_below(town->chance, TOWN_LOOPS);
    post->request = next_request(town);
    struct body_command body = {.kind = COMMAND_BODY,
                                .participant = post->bank,
                                .request = post->request,
                                .message_count = post->message_count};
    for (uint32_t i = 0; i < post->message_count; i++) {
        const struct town_message *const message = &post->messages[i];
        body.command_count += message->ask_count;
        if (message->kind == ASK_PAYMENT) body.transfer_count += message->ask_count;
    }
    body.transient_count = body.command_count;

    struct ring *const ring = town->commands[post->loop];
    bool fits = claim_copy(ring, &body, sizeof body, (struct span){0});
    for (uint32_t i = 0; i < post->message_count && fits; i++)
        fits = send_message(town, post, &post->messages[i]);
    if (!fits) { /* back-pressure: later */
        ring_abandon(ring);
        return;
    }
    ring_publish(ring);
    post->state = POST_IN_FLIGHT;
    town->command_count += body.command_count;
}

static struct post *ready_post(struct town *town)
{
    struct post *oldest = NULL;
    for (uint32_t i = 0; i < TOWN_POSTS; i++) {
        struct post *const post = &town->posts[i];
        if (post->state != POST_READY) continue;
        if (town->now_ns - post->made_ns > TOWN_PATIENCE_NS) {
            post->state = POST_FREE; /* given up: its fate stays unknown to the bank */
            continue;
        }
        if (oldest == NULL || post->made_ns < oldest->made_ns) oldest = post;
    }
    return oldest;
}

void town_post(struct town *town)
{
    struct post *post = chance_is(town->chance, 1, 2) || town->is_quiet ? ready_post(town) : NULL;
    if (post == NULL) post = draw_post(town);
    if (post != NULL) send_post(town, post);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void send_poll(struct town *town, uint32_t bank, struct client *client, enum poll_verb verb,
                      struct pull_token token)
{
    client->loop = chance_below(town->chance, TOWN_LOOPS);
    client->verb = verb;
    client->request = next_request(town);
    struct poll_command const poll = {
        .kind = COMMAND_POLL,
        .participant = bank,
        .request = client->request,
        .verb = verb,
        .messages_max = chance_is(town->chance, 1, 4) ? 1 : 1 + chance_below(town->chance, 10),
        .token = token};
    struct ring *const ring = town->commands[client->loop];
    if (!claim_copy(ring, &poll, sizeof poll, (struct span){0})) {
        ring_abandon(ring);
        return;
    }
    ring_publish(ring);
    town->command_count++;
    client->is_waiting = true;
    if (verb != POLL_DELETE) client->asked = token;
}

static void ask_client(struct town *town, uint32_t bank, struct client *client)
{
    struct pull_token const start = {0};
    if (client->is_waiting) return;
    if (client->has_lost && client->asked.stream != 0) {
        send_poll(town, bank, client, POLL_NEXT, client->asked); /* the same batch again */
        return;
    }
    if (!client->is_open) {
        *client = (struct client){0};
        send_poll(town, bank, client, POLL_START, start);
        return;
    }
    switch (town->is_quiet ? 9 : chance_below(town->chance, 40)) {
    case 0: send_poll(town, bank, client, POLL_DELETE, client->next); break;
    case 1: *client = (struct client){0}; break; /* walks away; the stream is left to idle */
    default: send_poll(town, bank, client, POLL_NEXT, client->next); break;
    }
}

void town_poll(struct town *town)
{
    uint32_t const bank = chance_below(town->chance, TRUTH_BANKS);
    uint32_t const client = chance_below(town->chance, town->is_quiet ? 1 : TOWN_CLIENTS);
    ask_client(town, bank, &town->clients[bank][client]);
}

void town_end_poll(struct town *town)
{
    uint32_t const bank = chance_below(town->chance, TRUTH_BANKS);
    struct client *const client = &town->clients[bank][chance_below(town->chance, TOWN_CLIENTS)];
    if (!client->is_waiting || client->verb == POLL_DELETE) return;
    bool const is_lost = !town->is_quiet && chance_is(town->chance, 1, 4);
    struct poll_end_command const end = {.kind = COMMAND_POLL_END,
                                         .why = is_lost ? POLL_CONNECTION_LOST : POLL_TIME_UP,
                                         .request = client->request,
                                         .participant = bank};
    struct ring *const ring = town->commands[client->loop];
    if (!claim_copy(ring, &end, sizeof end, (struct span){0})) {
        ring_abandon(ring);
        return;
    }
    ring_publish(ring);
    town->command_count++;
    if (!is_lost) return;
    client->is_waiting = false; /* an answer under way finds nobody */
    client->has_lost = client->asked.stream != 0;
    client->lost_count = 0;
    client->is_open = false;
}

/* --- what comes back -------------------------------------------------------------------------- */

static void take_body_reply(struct town *town, const struct body_reply *reply)
{
    for (uint32_t i = 0; i < TOWN_POSTS; i++) {
        struct post *const post = &town->posts[i];
        if (post->state != POST_IN_FLIGHT || post->request.value != reply->request.value) continue;
        if (reply->outcome != BODY_DONE) {
            VERDICT(reply->retry_after_seconds >= 1, "a refusal without Retry-After");
            post->state = POST_READY;
            return;
        }
        for (uint32_t m = 0; m < post->message_count; m++) {
            for (uint32_t a = 0; a < post->messages[m].ask_count; a++) {
                if (post->messages[m].kind == ASK_PAYMENT)
                    truth_acknowledge(town->truth, post->messages[m].asks[a].payment);
            }
        }
        post->state = POST_FREE;
        return;
    }
    verdict_fail("an answer to a body that nobody waits for");
}

static struct client *find_client(struct town *town, struct request_id request, uint32_t *bank)
{
    for (*bank = 0; *bank < TRUTH_BANKS; (*bank)++) {
        for (uint32_t i = 0; i < TOWN_CLIENTS; i++) {
            struct client *const client = &town->clients[*bank][i];
            if (client->is_waiting && client->request.value == request.value) return client;
        }
    }
    return NULL;
}

static struct parcel_truth *find_parcel(struct town *town, const struct resource_id *id)
{
    struct hash const hash = hash_of(span_of(id->text, strnlen(id->text, sizeof id->text)));
    uint32_t place;
    memcpy(&place, hash.bytes, sizeof place);
    for (place &= town->parcel_mask; town->parcels[place].id.text[0] != 0;
         place = (place + 1) & town->parcel_mask) {
        if (memcmp(&town->parcels[place].id, id, sizeof *id) == 0) break;
    }
    return &town->parcels[place];
}

/* What came with the token that was asked is confirmed. */
static void confirm_batch(struct town *town, struct client *client)
{
    for (uint32_t i = 0; i < client->batch_count; i++) {
        struct parcel_truth *const parcel = find_parcel(town, &client->batch[i]);
        parcel->confirmed_epoch = town->epoch;
        parcel->confirmed_request = town->request_count;
    }
    client->batch_count = 0;
}

/* The content of an item as far as the same id must always have the same. */
static struct hash content_of(struct town *town, const struct delivery_item *item,
                              struct span bytes)
{
    const struct status_item *const status = &item->status;
    switch (item->type) {
    case DELIVER_PACS008: {
        uint32_t const number = truth_find_forwarded(town->truth, &item->transfer, bytes);
        return hash_of(span_of(&number, sizeof number));
    }
    case DELIVER_PACS002: {
        struct span const parts[] = {identifier_max35_text(&status->id),
                                     identifier_max35_text(&status->instruction_id),
                                     identifier_uetr_text(&status->uetr),
                                     span_of(&status->status, sizeof status->status),
                                     identifier_reason_text(&status->reason),
                                     span_of(&status->settled_ns, 8),
                                     span_of(&status->settled_seq, 8)};
        return hash_parts(parts, sizeof parts / sizeof parts[0]);
    }
    case DELIVER_ADMI002:
    case DELIVER_CAMT052: break;
    }
    return (struct hash){{0}};
}

/* Writes the id of a message with this own number alone: digits of base 36 and "-0". */
static void print_alone(char *at, uint64_t number)
{
    char digits[13];
    unsigned count = 0;
    for (; number; number /= 36)
        digits[count++] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 36];
    while (count)
        *at++ = digits[--count];
    memcpy(at, "-0", 3);
}

/* "Delivered again under the same id with the same content [...] (after a restart of the switch,
 * messages that carried several transactions may come grouped otherwise)" (WIRE section 1): so what
 * came alone never comes in a group afterwards.  The numbers are in the id: PREFIX-FIRST-MASK. */
static void check_group(struct town *town, const struct resource_id *id)
{
    struct resource_id alone = *id;
    char *const digits = strchr(alone.text, '-') + 1;
    char *end;
    uint64_t const first = strtoull(digits, &end, 36);
    uint64_t const mask = strtoull(end + 1, NULL, 36);
    for (uint64_t others = mask << 1 | 1, number = first; others; others >>= 1, number++) {
        if ((others & 1) == 0) continue;
        memset(digits, 0, sizeof alone.text - (size_t)(digits - alone.text));
        print_alone(digits, number);
        VERDICT(find_parcel(town, &alone)->id.text[0] == 0, "%s was alone and is now in %s",
                alone.text, id->text);
    }
}

/* Reads a message's records; hears it unless the bank has lost it.  `request`: that it answers. */
static struct resource_id take_delivery(struct town *town, uint32_t loop, uint32_t bank,
                                        struct request_id request, bool is_heard)
{
    struct span const record = ring_next(town->replies[loop]);
    const struct delivery *const delivery = (const void *)record.bytes;
    VERDICT(delivery != NULL && delivery->kind == REPLY_DELIVERY, "an answer without its messages");
    VERDICT(identifier_code_equal(delivery->receiver, truth_code(bank)),
            "a message of another bank");
    struct span const head[] = {span_of(&delivery->type, sizeof delivery->type),
                                span_of(&delivery->created_ns, sizeof delivery->created_ns)};
    struct hash content = hash_parts(head, 2);
    for (uint32_t i = 0; i < delivery->item_count; i++) {
        struct span const next = ring_next(town->replies[loop]);
        const struct delivery_item *const item = (const void *)next.bytes;
        VERDICT(item != NULL && item->kind == REPLY_ITEM && item->type == delivery->type,
                "a message without its items");
        struct span const bytes = span_of(item + 1, next.size - sizeof *item);
        struct hash const of_item = content_of(town, item, bytes);
        struct span const both[] = {hash_span(&content), hash_span(&of_item)};
        content = hash_parts(both, 2);
        if (is_heard) truth_hear(town->truth, bank, item, bytes);
        if (is_heard && item->type == DELIVER_PACS008 && town->inbox_counts[bank] < TOWN_INBOX &&
            chance_is(town->chance, 9, 10))
            town->inboxes[bank][town->inbox_counts[bank]++] =
                truth_find_forwarded(town->truth, &item->transfer, bytes);
    }

    if (delivery->item_count > 1) check_group(town, &delivery->resource_id);
    struct parcel_truth *const known = find_parcel(town, &delivery->resource_id);
    if (known->id.text[0] == 0) {
        VERDICT(town->parcel_count < PARCELS / 2, "more messages than the town has room for");
        town->parcel_count++;
        *known = (struct parcel_truth){.id = delivery->resource_id, .content = content};
    } else {
        town->redelivered_count++;
        VERDICT(hash_equal(&known->content, &content), "%s has come with another content",
                known->id.text);
        /* The answer to an older request may have been under way: its stream was reclaimed. */
        VERDICT(known->confirmed_epoch != town->epoch || request.value <= known->confirmed_request,
                "%s was confirmed and has come again", known->id.text);
    }
    return delivery->resource_id;
}

static void check_repeat(const struct client *client, const struct resource_id *ids, uint32_t count)
{
    if (client->lost_count == 0) return; /* it was empty, or nobody knows */
    VERDICT(count == client->lost_count, "the same GET has another batch");
    for (uint32_t i = 0; i < count; i++)
        VERDICT(memcmp(&ids[i], &client->lost[i], sizeof ids[i]) == 0,
                "the same GET has another batch");
}

static void take_poll_reply(struct town *town, uint32_t loop, const struct poll_reply *reply)
{
    uint32_t bank;
    struct poll_reply const answer = *reply;
    struct client *const client = find_client(town, answer.request, &bank);
    bool const is_lost = client == NULL || (!town->is_quiet && chance_is(town->chance, 1, 30));
    struct resource_id ids[LIMIT_PARTS];
    uint32_t const count = answer.outcome == POLL_MESSAGES ? answer.message_count : 0;
    VERDICT(count <= LIMIT_PARTS && (answer.outcome != POLL_MESSAGES || count > 0),
            "a batch of a size that cannot be");
    if (client == NULL) { /* the bank has gone: the loop throws the answer away */
        for (uint32_t i = 0; i < count; i++) {
            const struct delivery *const delivery =
                (const void *)ring_next(town->replies[loop]).bytes;
            for (uint32_t item = delivery->item_count; item > 0; item--)
                (void)ring_next(town->replies[loop]);
        }
        return;
    }

    client->is_waiting = false;
    bool const was_repeat = client->has_lost;
    if (answer.outcome == POLL_GONE || answer.outcome == POLL_TOO_MANY ||
        answer.outcome == POLL_CLOSED) {
        if (answer.outcome == POLL_CLOSED) confirm_batch(town, client);
        *client = (struct client){0};
        return;
    }
    confirm_batch(town, client); /* that step was taken, by this GET or by the one it repeats */
    for (uint32_t i = 0; i < count; i++)
        ids[i] = take_delivery(town, loop, bank, answer.request, !is_lost);
    if (was_repeat && !town->is_stopping) check_repeat(client, ids, count);
    if (is_lost) {
        client->is_open = false;
        client->has_lost = client->asked.stream != 0;
        client->lost_count = count;
        memcpy(client->lost, ids, count * sizeof *ids);
        client->batch_count = 0;
        return;
    }
    client->is_open = true;
    client->has_lost = false;
    client->next = answer.next;
    client->batch_count = count;
    memcpy(client->batch, ids, count * sizeof *ids);
}

void town_drain(struct town *town, uint32_t loop)
{
    for (;;) {
        struct span const record = ring_next(town->replies[loop]);
        if (record.bytes == NULL) break;
        uint32_t kind;
        memcpy(&kind, record.bytes, sizeof kind);
        if (kind == REPLY_BODY) {
            take_body_reply(town, (const void *)record.bytes);
        } else {
            VERDICT(kind == REPLY_POLL, "an answer of unknown kind");
            take_poll_reply(town, loop, (const void *)record.bytes);
        }
    }
    ring_release(town->replies[loop]);
}

static void empty_ring(struct ring *ring)
{
    ring_abandon(ring);
    while (ring_next(ring).bytes != NULL)
        continue;
    ring_release(ring);
}

void town_forget(struct town *town)
{
    for (uint32_t loop = 0; loop < TOWN_LOOPS; loop++) {
        ring_abandon(town->replies[loop]); /* what was not shown to the loop is gone */
        if (chance_is(town->chance, 1, 2)) town_drain(town, loop);
        empty_ring(town->commands[loop]);
        empty_ring(town->replies[loop]);
    }
    for (uint32_t i = 0; i < TOWN_POSTS; i++) { /* unknown: the same bytes again */
        if (town->posts[i].state == POST_IN_FLIGHT) town->posts[i].state = POST_READY;
    }
    for (uint32_t bank = 0; bank < TRUTH_BANKS; bank++) {
        for (uint32_t i = 0; i < TOWN_CLIENTS; i++) {
            struct client *const client = &town->clients[bank][i];
            client->is_waiting = false;
            client->batch_count = 0;
            client->has_lost = false;
            if (chance_is(town->chance, 1, 2)) *client = (struct client){0};
        }
    }
}

bool town_is_at_rest(const struct town *town)
{
    for (uint32_t i = 0; i < TOWN_POSTS; i++) {
        if (town->posts[i].state != POST_FREE) return false;
    }
    return true;
}
