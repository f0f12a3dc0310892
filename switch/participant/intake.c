/* The statuses that a body decides, in the contract's order, then its messages one by one.
 *
 * Until crossing_send nothing has happened that anybody can see: a body is either handed over whole
 * or not at all.  A message's canonical transactions are all made before its first record is
 * claimed, so that what does not fit is a refusal and never half a message. */
#include "switch/participant/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/log.h"
#include "proto/http/gzip.h"
#include "proto/http/multipart.h"
#include "proto/iso/message.h"
#include "switch/participant/keyring.h"
#include "switch/participant/resource.h"
#include "switch/participant/session.h"

/* Prepared keys: two for each of a thousand participants. */
#define INTAKE_KEYS 2048

#define MESSAGE_FIFTHS BUCKET_FIFTHS
#define PACS002_FIFTHS 1

static_assert(LIMIT_PARTS * (sizeof(struct message_command) + 32) +
                      LIMIT_PARTS * LIMIT_TRANSACTIONS * (sizeof(struct transfer_command) + 32) +
                      LIMIT_PARTS * (sizeof(struct refusal_command) + 32) +
                      sizeof(struct body_command) + 32 <=
                  128 * 1024,
              "LIMIT_BODY_COMMAND_BYTES counts 128 KiB for the records");
static_assert(sizeof(struct answer_command) <= sizeof(struct transfer_command) &&
                  sizeof(struct balance_command) <= sizeof(struct transfer_command),
              "the largest of a message's commands is the transfer");

struct intake {
    struct intake_settings settings;
    struct resource_maker resources;
    struct keyring keyring;
    struct gzip *gzip;
    struct message_reader *reader;
    struct signature_checker *checker;
    struct message message;
    struct refusal refusal;
    char plain[LIMIT_BODY_BYTES];          /* what came out of gzip */
    char canonical[LIMIT_CANONICAL_BYTES]; /* transactions of one message */
};

enum fault intake_open(struct intake **out, const struct intake_settings *settings)
{
    *out = NULL;
    struct intake *const intake = calloc(1, sizeof *intake);
    if (!intake) return FAULT_MEMORY;
    intake->settings = *settings;
    enum fault fault = resource_open(&intake->resources, settings->loop);
    if (fault == FAULT_NONE) fault = gzip_open(&intake->gzip);
    if (fault == FAULT_NONE) fault = message_open(&intake->reader);
    if (fault == FAULT_NONE) fault = signature_open(&intake->checker, INTAKE_KEYS);
    if (fault != FAULT_NONE) {
        intake_close(intake);
        return fault;
    }
    *out = intake;
    return FAULT_NONE;
}

void intake_close(struct intake *intake)
{
    if (!intake) return;
    signature_close(intake->checker);
    message_close(intake->reader);
    gzip_close(intake->gzip);
    keyring_close(&intake->keyring);
    free(intake);
}

/* ---- The body ------------------------------------------------------------------------------ */

static bool refuse(struct exchange *exchange, enum problem problem, struct span detail)
{
    exchange_problem(exchange, problem, detail, NULL, 0);
    return false;
}

/* *body becomes what was sent before compression; false: answered. */
static bool inflate(struct intake *intake, struct exchange *exchange, struct span *body)
{
    const struct task *const task = exchange_data(exchange);
    if (body->size == 0) return refuse(exchange, PROBLEM_EMPTY, SPAN(""));
    if (task->encoding == MEDIA_ENCODING_NONE) return true;
    size_t size = 0;
    switch (gzip_inflate(intake->gzip, *body, intake->plain, sizeof intake->plain, &size)) {
    case GZIP_GOOD: break;
    case GZIP_TOO_LARGE:
        return refuse(exchange, PROBLEM_TOO_LARGE, SPAN("decompressed, it is above 640 KiB"));
    case GZIP_BROKEN: return refuse(exchange, PROBLEM_GZIP, SPAN(""));
    }
    *body = span_of(intake->plain, size);
    if (size == 0) return refuse(exchange, PROBLEM_EMPTY, SPAN("decompressed, it is empty"));
    return true;
}

/* The body's messages; false: answered. */
static bool split(struct exchange *exchange, struct span body, struct span parts[LIMIT_PARTS],
                  size_t *part_count)
{
    const struct task *const task = exchange_data(exchange);
    if (task->type == MEDIA_BODY_XML) {
        if (body.size > LIMIT_MESSAGE_BYTES) {
            return refuse(exchange, PROBLEM_TOO_LARGE, SPAN("the message is above 64 KiB"));
        }
        parts[0] = body;
        *part_count = 1;
        return true;
    }
    const char *words = "";
    struct span const boundary = span_of(task->boundary.bytes, task->boundary.size);
    switch (multipart_split(body, boundary, parts, part_count, &words)) {
    case MULTIPART_GOOD: return true;
    case MULTIPART_UNSUPPORTED: return refuse(exchange, PROBLEM_TYPE, span_text(words));
    case MULTIPART_TOO_LARGE: return refuse(exchange, PROBLEM_TOO_LARGE, span_text(words));
    case MULTIPART_BROKEN:
    case MULTIPART_EMPTY: break;
    }
    return refuse(exchange, PROBLEM_MULTIPART, span_text(words));
}

/* ---- One message --------------------------------------------------------------------------- */

/* What writing a body needs beside the intake. */
struct body_draft {
    const struct registry *registry;
    struct task *task;
    struct body_command *command; /* claimed first, filled last */
    int64_t now_ns;
};

static void put_message(struct intake *intake, struct body_draft *draft, struct span bytes,
                        const struct resource_id *id, const struct hash *certificate)
{
    struct message_command *const command =
        crossing_claim(intake->settings.crossing, sizeof *command, bytes.size);
    command->kind = COMMAND_MESSAGE;
    command->size = (uint32_t)bytes.size;
    command->sender = draft->task->code;
    command->resource_id = *id;
    command->hash = hash_of(bytes);
    if (certificate) command->certificate = *certificate;
    if (bytes.size > 0) memcpy(command + 1, bytes.bytes, bytes.size);
    draft->command->message_count += 1;
}

static void put_refusal(struct intake *intake, struct body_draft *draft,
                        const struct resource_id *id)
{
    struct refusal *const found = &intake->refusal;
    /* WIRE section 2: "RltdRef/Ref = the first Envelope/AppHdr/BizMsgIdr, or the PI-ResourceId where
     * that cannot be read or is not 1-35 characters". */
    if (refusal_reference(found).size == 0) refusal_refer(found, span_text(id->text));
    struct refusal_command *const command =
        crossing_claim(intake->settings.crossing, sizeof *command, 0);
    command->kind = COMMAND_REFUSAL;
    command->refusal = *found;
    draft->command->command_count += 1;
    metric_add(intake->settings.metrics, METRIC_MESSAGES_REFUSED, 1);
    struct span const code = refusal_text(found->code);
    LOG(LOG_WARNING, "intake", "a message of %.8s was refused: %.*s %.*s %.*s",
        draft->task->code.text, (int)code.size, code.bytes, (int)found->location_size,
        found->location, (int)found->words_size, found->words);
}

/* Zeros for an agent that is no code: the core knows no such participant. */
static struct participant_code agent_of(struct span text)
{
    struct participant_code code = {0};
    if (!identifier_parse_code(text, &code)) return (struct participant_code){0};
    return code;
}

/* ISO's lengths have been validated: a text that does not fit is empty, which the core refuses. */
static struct max35_text text_of(struct span text)
{
    struct max35_text copy = {0};
    if (text.size == 0 || !identifier_parse_max35(text, &copy)) return (struct max35_text){0};
    return copy;
}

struct canonical {
    struct span bytes;
    struct hash hash;
};

/* The canonical form of all transactions; false: they are longer than a message's may be. */
static bool canonicalise(struct intake *intake, struct canonical forms[LIMIT_TRANSACTIONS])
{
    const struct pacs008 *const pacs008 = &intake->message.content.pacs008;
    size_t used = 0;
    for (size_t i = 0; i < pacs008->count; i++) {
        enum fault const fault = pacs008_canonical(
            intake->message.document, &pacs008->transactions[i], intake->canonical + used,
            sizeof intake->canonical - used, &forms[i].bytes, &forms[i].hash);
        if (fault != FAULT_NONE || forms[i].bytes.size > LIMIT_TRANSACTION_BYTES) return false;
        used += forms[i].bytes.size;
    }
    return true;
}

static void put_transfer(struct intake *intake, struct body_draft *draft, size_t index,
                         const struct canonical *form)
{
    const struct message *const message = &intake->message;
    const struct pacs008_transaction *const transaction =
        &message->content.pacs008.transactions[index];
    /* Bytes that came in canonical form stand in the message already, from the '<' on that is before
     * the element's name. */
    uint32_t const at = message->document->nodes[transaction->node].offset - 1;
    bool const is_there = span_starts_with(span_after(message->bytes, at), form->bytes);

    struct transfer_command *const command =
        crossing_claim(intake->settings.crossing, sizeof *command, is_there ? 0 : form->bytes.size);
    command->kind = COMMAND_TRANSFER;
    command->transaction_index = (uint32_t)index;
    command->sender = draft->task->code;
    command->payer_agent = agent_of(transaction->debtor_agent);
    command->payee_agent = agent_of(transaction->creditor_agent);
    command->amount = transaction->amount;
    command->amount_parse = transaction->amount_parse;
    command->priority = transaction->priority == PACS008_NORM ? PRIORITY_NORMAL : PRIORITY_HIGH;
    if (!identifier_parse_currency(transaction->currency, &command->currency)) {
        command->currency = (struct currency){0}; /* AM03 */
    }
    command->canonical_size = (uint32_t)form->bytes.size;
    command->canonical_at = is_there ? at : 0;
    command->canonical_behind = is_there ? 0 : 1;
    command->acceptance_ns = transaction->accepted_ns;
    command->content_hash = form->hash;
    command->id = text_of(transaction->end_to_end_id);
    command->instruction_id = text_of(transaction->instruction_id);
    if (!identifier_parse_uetr(transaction->uetr, &command->uetr)) {
        command->uetr = (struct uetr){0}; /* absent */
    }
    if (!is_there) memcpy(command + 1, form->bytes.bytes, form->bytes.size);
    draft->command->command_count += 1;
    draft->command->transfer_count += 1;
}

static void put_answer(struct intake *intake, struct body_draft *draft, size_t index)
{
    const struct pacs002_transaction *const answer =
        &intake->message.content.pacs002.transactions[index];
    struct answer_command *const command =
        crossing_claim(intake->settings.crossing, sizeof *command, 0);
    command->kind = COMMAND_ANSWER;
    command->transaction_index = (uint32_t)index;
    command->sender = draft->task->code;
    command->accepted = pacs002_accepts(answer->status);
    if (!command->accepted && !identifier_parse_reason(answer->reason, &command->reason)) {
        assert(false); /* pacs002_read_answers gives 1 to 4 characters */
    }
    command->id = text_of(answer->end_to_end_id);
    draft->command->command_count += 1;
}

static void put_balance(struct intake *intake, struct body_draft *draft)
{
    struct balance_command *const command =
        crossing_claim(intake->settings.crossing, sizeof *command, 0);
    command->kind = COMMAND_BALANCE;
    command->sender = draft->task->code;
    command->query = text_of(intake->message.content.camt060.message_id);
    draft->command->command_count += 1;
}

/* The last rows of WIRE section 2's table: the signature, and bounds that show only now.
 * *certificate is the one that verified.  False: intake->refusal says why. */
static bool verify(struct intake *intake, const struct body_draft *draft,
                   struct canonical forms[LIMIT_TRANSACTIONS],
                   const struct certificate **certificate)
{
    const struct certificate *certificates[LIMIT_CERTIFICATES];
    size_t const count =
        keyring_signing(&intake->keyring, draft->registry, draft->task->participant, certificates);
    size_t key = 0;
    if (!message_verify(intake->checker, &intake->message, certificates, count, &key,
                        &intake->refusal)) {
        return false;
    }
    *certificate = certificates[key];
    if (intake->message.kind == CATALOGUE_PACS_008 && !canonicalise(intake, forms)) {
        /* "BADXML: ... a bound exceeded (Ref = PI-ResourceId)": put_refusal fills it in. */
        refusal_set(&intake->refusal, REFUSAL_BADXML,
                    "the canonical form of a transaction is too long");
        refusal_refer(&intake->refusal, (struct span){0});
        return false;
    }
    return true;
}

/* Writes the commands of the message that was read and verified. */
static void put_commands(struct intake *intake, struct body_draft *draft,
                         const struct canonical forms[LIMIT_TRANSACTIONS])
{
    const struct message *const message = &intake->message;
    if (message->kind == CATALOGUE_PACS_008) {
        for (size_t i = 0; i < message->content.pacs008.count; i++) {
            put_transfer(intake, draft, i, &forms[i]);
        }
    } else if (message->kind == CATALOGUE_PACS_002) {
        for (size_t i = 0; i < message->content.pacs002.count; i++) {
            put_answer(intake, draft, i);
        }
    } else {
        assert(message->kind == CATALOGUE_CAMT_060); /* the last of the inward catalogue */
        put_balance(intake, draft);
    }
}

static void take_message(struct intake *intake, struct body_draft *draft, struct span bytes,
                         const struct resource_id *id)
{
    struct message_rules const rules = {
        .side = MESSAGE_BY_SWITCH,
        .sender = identifier_code_text(&draft->task->code),
        .receiver = intake->settings.switch_code,
        .age_checked = true,
        .now_ns = draft->now_ns,
        .age_max_ns = intake->settings.age_max_ns,
        .ahead_max_ns = intake->settings.ahead_max_ns,
    };
    struct canonical forms[LIMIT_TRANSACTIONS];
    const struct certificate *certificate = NULL;
    draft->task->fifths += MESSAGE_FIFTHS;
    switch (message_read(intake->reader, bytes, &rules, &intake->message, &intake->refusal)) {
    case MESSAGE_GOOD:
        if (!verify(intake, draft, forms, &certificate)) break;
        if (intake->message.kind == CATALOGUE_PACS_002) {
            draft->task->fifths -= MESSAGE_FIFTHS - PACS002_FIFTHS;
        }
        put_message(intake, draft, bytes, id, certificate_fingerprint(certificate));
        put_commands(intake, draft, forms);
        return;
    case MESSAGE_DROPPED:
        put_message(intake, draft, bytes, id, NULL);
        draft->command->dropped_count += 1;
        return;
    case MESSAGE_REFUSED: break;
    }
    put_message(intake, draft, bytes, id, NULL);
    put_refusal(intake, draft, id);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void send_body(struct intake *intake, const struct registry *registry,
                      struct exchange *exchange, const struct span *parts, size_t part_count)
{
    struct task *const task = exchange_data(exchange);
    struct body_draft draft = {
        .registry = registry,
        .task = task,
        .command = crossing_claim(intake->settings.crossing, sizeof(struct body_command), 0),
        .now_ns = published_now_ns(intake->settings.published),
    };
    task->message_count = (uint32_t)part_count;
    task->resource_first = resource_take(&intake->resources, task->message_count);
    for (size_t i = 0; i < part_count; i++) {
        struct resource_id const id = resource_id(&intake->resources, task->resource_first + i);
        take_message(intake, &draft, parts[i], &id);
    }
    draft.command->kind = COMMAND_BODY;
    draft.command->participant = task->participant;
    draft.command->request = (struct request_id){exchange_id(exchange).value};
    /* Every command causes one transient answer at most: a refusal that takes no id, a standing
     * result, a balance or an admi.002. */
    draft.command->transient_count = draft.command->command_count;
    crossing_send_request(intake->settings.crossing);
    metric_add(intake->settings.metrics, METRIC_MESSAGES_RECEIVED, part_count);
}

enum server_step intake_begin(struct intake *intake, const struct registry *registry,
                              struct exchange *exchange, struct span body)
{
    struct task *const task = exchange_data(exchange);
    if (!crossing_takes_body(intake->settings.crossing)) return SERVER_STALLED;
    if (keyring_update(&intake->keyring, registry) != FAULT_NONE) return SERVER_STALLED;

    struct span parts[LIMIT_PARTS];
    size_t part_count = 0;
    if (!inflate(intake, exchange, &body)) return SERVER_ANSWERED;
    if (!split(exchange, body, parts, &part_count)) return SERVER_ANSWERED;
    uint32_t wait_seconds = 1;
    if (!bucket_admits(intake->settings.buckets, task->participant,
                       published_now_ns(intake->settings.published), &wait_seconds)) {
        session_refuse_for(exchange, PROBLEM_RATE, SPAN("too many messages"), wait_seconds);
        return SERVER_ANSWERED;
    }

    /* From here on nothing can fail. */
    send_body(intake, registry, exchange, parts, part_count);
    return SERVER_LATER;
}

/* "PI-ResourceId: id[, id...] in the order of the parts". */
static void answer_created(struct intake *intake, struct exchange *exchange,
                           const struct task *task)
{
    char bytes[LIMIT_PARTS * (LIMIT_ID_BYTES + 2)];
    struct draft ids = draft_into(bytes, sizeof bytes);
    for (uint32_t i = 0; i < task->message_count; i++) {
        struct resource_id const id = resource_id(&intake->resources, task->resource_first + i);
        if (i > 0) draft_put(&ids, SPAN(", "));
        draft_put(&ids, span_text(id.text));
    }
    assert(!ids.failed);
    struct draft_field const field = {SPAN("PI-ResourceId"), draft_span(&ids)};
    struct response const created = {.status = 201, .fields = &field, .field_count = 1};
    exchange_answer(exchange, &created, 0);
}

void intake_finish(struct intake *intake, struct exchange *exchange, const struct body_reply *reply)
{
    const struct task *const task = exchange_data(exchange);
    switch (reply->outcome) {
    case BODY_DONE:
        /* WIRE section 1: "charged after processing, so it may go below zero". */
        bucket_charge(intake->settings.buckets, task->participant,
                      published_now_ns(intake->settings.published), task->fifths);
        answer_created(intake, exchange, task);
        return;
    case BODY_TOO_MANY:
        session_refuse_for(exchange, PROBLEM_RATE, SPAN("too many answers wait to be taken"),
                           reply->retry_after_seconds);
        return;
    case BODY_OVERLOADED: break;
    }
    session_refuse_for(exchange, PROBLEM_OVERLOADED, SPAN("there is no room for more payments"),
                       reply->retry_after_seconds);
}
