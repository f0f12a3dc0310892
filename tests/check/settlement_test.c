/* settlement: bodies and polls put into its rings by hand, a real ledger under it, replies read back.
 *
 * The harness plays the net loops and the reader thread on one thread: each turn, then each pending
 * look-up, so every test is exact and repeatable. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/index.h"
#include "ledger/reader.h"
#include "proto/base/time.h"
#include "proto/record/block.h"
#include "proto/record/receipt.h"
#include "switch/settlement/clock.h"
#include "switch/settlement/lookup.h"
#include "switch/settlement/outbox.h"
#include "switch/settlement/settlement.h"

#define START_NS (INT64_C(1800000000) * TIME_NS_PER_SECOND)
#define DEADLINE_NS (10 * TIME_NS_PER_SECOND)

/* Participants by index, in genesis' order. */
enum { ALFA, BETA, GAMA };
static const char *const codes[] = {"10000001", "10000002", "10000003"};

struct house {
    char directory[64];
    char genesis[96];
    struct ring *commands, *replies, *requests, *results;
    struct published published;
    struct metric_block metrics;
    struct settlement *settlement;
    struct lookup *lookup;
    int64_t now_ns;
    uint64_t requests_made;
};

static struct house house;

static void write_genesis(int participants)
{
    FILE *const file = fopen(house.genesis, "w");
    ck_assert_ptr_nonnull(file);
    (void)fprintf(file, "{\"version\":1,\"participants\":[");
    for (int i = 0; i < participants; i++) {
        (void)fprintf(file,
                      "%s{\"code\":\"%d\",\"name\":\"Bank\",\"status\":\"active\",\"balance\":"
                      "\"1000000.00\"}",
                      i ? "," : "", 10000001 + i);
    }
    (void)fprintf(file, "],\"operators\":[]}");
    (void)fclose(file);
}

static enum fault try_open(char words[SETTLEMENT_WORDS_BYTES])
{
    ck_assert_int_eq(ring_open(&house.commands, LIMIT_COMMAND_RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(ring_open(&house.replies, LIMIT_REPLY_RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(ring_open(&house.requests, LIMIT_REPLY_RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(ring_open(&house.results, LIMIT_REPLY_RING_BYTES), FAULT_NONE);
    struct settlement_options options = {
        .directory = house.directory,
        .genesis_path = house.genesis,
        .engine = {.open_max = 1000,
                   .duplicate_capacity = 200000,
                   .duplicate_window_ns = 36 * 3600 * TIME_NS_PER_SECOND,
                   .clock_tolerance_ns = 12 * 3600 * TIME_NS_PER_SECOND,
                   .clock_ahead_ns = 60 * TIME_NS_PER_SECOND,
                   .deadline_high_ns = DEADLINE_NS,
                   .deadline_normal_ns = 2700 * TIME_NS_PER_SECOND,
                   .currency = {"MXN"}},
        .streams_max = 6,
        .stream_idle_ns = 30 * TIME_NS_PER_SECOND,
        .loop_count = 1,
        .commands = {house.commands},
        .replies = {house.replies},
        .requests = house.requests,
        .results = house.results,
        .published = &house.published,
        .metrics = &house.metrics,
        .wall_ns = house.now_ns,
        .monotonic_ns = house.now_ns - START_NS,
    };
    return settlement_open(&house.settlement, &options, words);
}

static void open_house(void)
{
    char words[SETTLEMENT_WORDS_BYTES];
    if (try_open(words) != FAULT_NONE) ck_abort_msg("settlement_open: %s", words);
    struct lookup_options const lookup_options = {
        .directory = house.directory, .requests = house.requests, .results = house.results};
    ck_assert_int_eq(lookup_open(&house.lookup, &lookup_options), FAULT_NONE);
}

static void close_house(void)
{
    lookup_close(house.lookup);
    settlement_close(house.settlement);
    ring_close(house.commands);
    ring_close(house.replies);
    ring_close(house.requests);
    ring_close(house.results);
}

static void make_folder(void)
{
    memset(&house, 0, sizeof house);
    (void)snprintf(house.directory, sizeof house.directory, "/tmp/cauce-settlement-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(house.directory));
    (void)snprintf(house.genesis, sizeof house.genesis, "%s/genesis.json", house.directory);
    house.now_ns = START_NS;
}

static void set_up(void)
{
    make_folder();
    write_genesis(3);
    open_house();
}

static void tear_down(void)
{
    close_house();
    DIR *const folder = opendir(house.directory);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[400];
        (void)snprintf(path, sizeof path, "%s/%s", house.directory, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(folder);
    (void)rmdir(house.directory);
}

static void restart(void)
{
    close_house();
    open_house();
}

/* One turn, and whatever the reader thread would do after it, until nothing is left. */
static void turn(void)
{
    for (bool did = true; did;) {
        struct settlement_turn result;
        ck_assert_int_eq(
            settlement_turn(house.settlement, house.now_ns, house.now_ns - START_NS, &result),
            FAULT_NONE);
        ck_assert_int_eq(lookup_step(house.lookup, &did), FAULT_NONE);
        did = did || result.did;
    }
    struct engine_totals const totals = engine_totals(settlement_engine(house.settlement));
    ck_assert_int_eq(amount_minor(totals.available) + amount_minor(totals.reserved),
                     amount_minor(totals.net_funding));
    ck_assert_int_eq(amount_compare(totals.reserved, totals.open_amount), 0);
    ck_assert_uint_eq(atomic_load(&house.published.durable_seq), totals.last_seq);
}

static struct participant_code code_of(int participant)
{
    struct participant_code code;
    memcpy(code.text, codes[participant], sizeof code.text);
    return code;
}

static void *put(size_t size)
{
    void *const record = ring_claim(house.commands, size);
    ck_assert_ptr_nonnull(record);
    memset(record, 0, size);
    return record;
}

/* A body of one message of `sender` whose bytes are `text`. */
static void put_body(int sender, const char *text, uint32_t transfers)
{
    struct body_command *const body = put(sizeof *body);
    body->kind = COMMAND_BODY;
    body->participant = (uint32_t)sender;
    body->request.value = ++house.requests_made;
    body->message_count = 1;
    body->command_count = 1;
    body->transfer_count = transfers;
    body->transient_count = 1;
    struct message_command *const message = put(sizeof *message + strlen(text));
    message->kind = COMMAND_MESSAGE;
    message->size = (uint32_t)strlen(text);
    message->sender = code_of(sender);
    message->hash = hash_of(span_text(text));
    memcpy(message + 1, text, strlen(text));
}

static struct max35_text max35(const char *text)
{
    struct max35_text copy = {0};
    if (text[0]) ck_assert(identifier_parse_max35(span_text(text), &copy));
    return copy;
}

static void pay(int payer, int payee, const char *id, int64_t minor)
{
    char text[200];
    (void)snprintf(text, sizeof text, "<message><CdtTrfTxInf>%s %lld</CdtTrfTxInf></message>", id,
                   (long long)minor);
    put_body(payer, text, 1);
    struct transfer_command *const transfer = put(sizeof *transfer);
    transfer->kind = COMMAND_TRANSFER;
    transfer->sender = code_of(payer);
    transfer->payer_agent = code_of(payer);
    transfer->payee_agent = code_of(payee);
    transfer->amount = amount_of_minor(minor);
    transfer->amount_parse = AMOUNT_PARSE_GOOD;
    memcpy(transfer->currency.text, "MXN", 3);
    transfer->acceptance_ns = house.now_ns;
    transfer->canonical_at = 9; /* behind "<message>" */
    transfer->canonical_size = (uint32_t)strlen(text) - 9 - 10;
    transfer->content_hash = hash_of(span_text(text));
    transfer->id = max35(id);
    transfer->instruction_id = max35("INSTR-1");
    ring_publish(house.commands);
}

static void reply_to(int payee, const char *id, bool accepted, const char *reason)
{
    char text[200];
    (void)snprintf(text, sizeof text, "<answer>%s %d</answer>", id, accepted);
    put_body(payee, text, 0);
    struct answer_command *const answer = put(sizeof *answer);
    answer->kind = COMMAND_ANSWER;
    answer->sender = code_of(payee);
    answer->accepted = accepted;
    if (!accepted) (void)!identifier_parse_reason(span_text(reason), &answer->reason);
    answer->id = max35(id);
    ring_publish(house.commands);
}

static uint64_t poll(int participant, enum poll_verb verb, struct pull_token token)
{
    struct poll_command *const command = put(sizeof *command);
    command->kind = COMMAND_POLL;
    command->participant = (uint32_t)participant;
    command->request.value = ++house.requests_made;
    command->verb = verb;
    command->messages_max = LIMIT_PARTS;
    command->token = token;
    ring_publish(house.commands);
    return house.requests_made;
}

static void poll_end(int participant, uint64_t request, enum poll_end why)
{
    struct poll_end_command *const command = put(sizeof *command);
    command->kind = COMMAND_POLL_END;
    command->participant = (uint32_t)participant;
    command->request.value = request;
    command->why = why;
    ring_publish(house.commands);
}

static enum body_outcome body_outcome(void)
{
    struct span const record = ring_next(house.replies);
    ck_assert_ptr_nonnull(record.bytes);
    const struct body_reply *const reply = (const void *)record.bytes;
    ck_assert_uint_eq(reply->kind, REPLY_BODY);
    ring_release(house.replies);
    return reply->outcome;
}

/* The answer to a poll, flattened to text: "A2...:ACSC E1; A8...:<CdtTrfTxInf>..." */
struct batch {
    struct poll_reply reply;
    char ids[LIMIT_PARTS][36];
    char text[4000];
};

static const char *status_text(enum transaction_status status)
{
    switch (status) {
    case STATUS_ACSP: return "ACSP";
    case STATUS_ACSC: return "ACSC";
    case STATUS_ACCC: return "ACCC";
    case STATUS_RJCT: return "RJCT";
    }
    return "";
}

static void describe(struct batch *batch, const struct delivery_item *item)
{
    size_t const used = strlen(batch->text);
    char *const at = batch->text + used;
    size_t const room = sizeof batch->text - used;
    switch (item->type) {
    case DELIVER_PACS008:
        (void)snprintf(at, room, "%.*s;", (int)item->transfer.size, (const char *)(item + 1));
        break;
    case DELIVER_PACS002:
        (void)snprintf(at, room, "%s%s%.16s %.*s%s;", status_text(item->status.status),
                       item->status.reason.text[0] ? "/" : "", item->status.reason.text,
                       item->status.id.size, item->status.id.bytes,
                       item->status.instruction_id.size ? " INSTR" : "");
        break;
    case DELIVER_ADMI002: (void)snprintf(at, room, "admi.002;"); break;
    case DELIVER_CAMT052: (void)snprintf(at, room, "camt.052;"); break;
    }
}

/* False: nothing has been answered yet. */
static bool take_batch(struct batch *batch)
{
    memset(batch, 0, sizeof *batch);
    struct span record = ring_next(house.replies);
    if (!record.bytes) return false;
    memcpy(&batch->reply, record.bytes, sizeof batch->reply);
    ck_assert_uint_eq(batch->reply.kind, REPLY_POLL);
    for (uint32_t i = 0; i < batch->reply.message_count; i++) {
        record = ring_next(house.replies);
        struct delivery delivery;
        memcpy(&delivery, record.bytes, sizeof delivery);
        ck_assert_uint_eq(delivery.kind, REPLY_DELIVERY);
        (void)snprintf(batch->ids[i], sizeof batch->ids[i], "%s", delivery.resource_id.text);
        for (uint32_t k = 0; k < delivery.item_count; k++) {
            record = ring_next(house.replies);
            ck_assert_uint_eq(((const struct delivery_item *)(const void *)record.bytes)->kind,
                              REPLY_ITEM);
            describe(batch, (const void *)record.bytes);
        }
    }
    ring_release(house.replies);
    return true;
}

static struct batch batch_of(int participant, enum poll_verb verb, struct pull_token token)
{
    struct batch batch;
    (void)poll(participant, verb, token);
    turn();
    ck_assert(take_batch(&batch));
    return batch;
}

static struct pull_token const no_token;

static void pay_now(int payer, int payee, const char *id, int64_t minor)
{
    pay(payer, payee, id, minor);
    turn();
    ck_assert_int_eq(body_outcome(), BODY_DONE);
}

static void answer_now(int payee, const char *id, bool accepted, const char *reason)
{
    reply_to(payee, id, accepted, reason);
    turn();
    ck_assert_int_eq(body_outcome(), BODY_DONE);
}

/* Half a genesis would hide the banks of its other half for ever. */
START_TEST(a_genesis_is_one_block_or_none)
{
    char words[SETTLEMENT_WORDS_BYTES];
    tear_down();
    make_folder();
    write_genesis(BLOCK_ENTRIES_MAX / 2); /* joining and funds each, and the segment */
    ck_assert_int_eq(try_open(words), FAULT_FULL);
    ck_assert_ptr_nonnull(strstr(words, "one block"));
    ring_close(house.commands);
    ring_close(house.replies);
    ring_close(house.requests);
    ring_close(house.results);
    write_genesis(3); /* nothing of it was left behind */
    open_house();
    ck_assert_uint_eq(engine_participant_count(settlement_engine(house.settlement)), 3);
}
END_TEST

START_TEST(a_payment_reaches_both_banks)
{
    pay_now(ALFA, BETA, "E1", 1234);
    struct batch batch = batch_of(BETA, POLL_START, no_token);
    ck_assert_int_eq(batch.reply.outcome, POLL_MESSAGES);
    ck_assert_str_eq(batch.text, "<CdtTrfTxInf>E1 1234</CdtTrfTxInf>;");

    answer_now(BETA, "E1", true, "");
    struct batch const payee = batch_of(BETA, POLL_NEXT, batch.reply.next);
    ck_assert_str_eq(payee.text, "ACCC E1 INSTR;");
    struct batch const payer = batch_of(ALFA, POLL_START, no_token);
    ck_assert_str_eq(payer.text, "ACSC E1 INSTR;");
    ck_assert_str_ne(payer.ids[0], payee.ids[0]);

    ck_assert_int_eq(batch_of(BETA, POLL_DELETE, payee.reply.next).reply.outcome, POLL_CLOSED);
    ck_assert_uint_eq(outbox_unconfirmed(settlement_outbox(house.settlement), BETA), 0);
    ck_assert_uint_eq(outbox_unconfirmed(settlement_outbox(house.settlement), ALFA), 1);
    ck_assert_uint_eq(outbox_unoffered(settlement_outbox(house.settlement)), 1); /* GAMA's funds */
    struct engine_participant const beta =
        engine_participant(settlement_engine(house.settlement), BETA);
    ck_assert_int_eq(amount_minor(beta.available), 100000000 + 1234);
}
END_TEST

START_TEST(a_rejection_and_a_deadline_release_the_funds)
{
    pay_now(ALFA, BETA, "E1", 500);
    answer_now(BETA, "E1", false, "AC03");
    pay_now(ALFA, BETA, "E2", 700);
    house.now_ns += DEADLINE_NS;
    turn();
    answer_now(BETA, "E2", true, ""); /* too late: the standing result again */
    struct batch const payer = batch_of(ALFA, POLL_START, no_token);
    ck_assert_str_eq(payer.text, "RJCT/AC03 E1 INSTR;RJCT/AB03 E2 INSTR;");
    /* Neither pacs.008 was delivered in time: the payee hears of E2 only that it is over, twice. */
    struct batch const payee = batch_of(BETA, POLL_START, no_token);
    ck_assert_str_eq(payee.text, "RJCT/AB03 E2 INSTR;RJCT/AB03 E2 INSTR;");
    ck_assert_int_eq(
        amount_minor(engine_participant(settlement_engine(house.settlement), ALFA).available),
        100000000);
}
END_TEST

START_TEST(a_waiting_stream_is_served_when_something_comes)
{
    struct batch batch;
    uint64_t const request = poll(BETA, POLL_START, no_token);
    turn();
    ck_assert(!take_batch(&batch));
    pay(ALFA, BETA, "E1", 1);
    turn();
    ck_assert_int_eq(body_outcome(), BODY_DONE); /* the 201 is not behind the delivery */
    ck_assert(take_batch(&batch));
    ck_assert_uint_eq(batch.reply.request.value, request);
    ck_assert_uint_eq(batch.reply.message_count, 1);

    uint64_t const next = poll(BETA, POLL_NEXT, batch.reply.next);
    turn();
    struct batch empty;
    ck_assert(!take_batch(&empty));
    poll_end(BETA, next, POLL_TIME_UP);
    turn();
    ck_assert(take_batch(&empty));
    ck_assert_int_eq(empty.reply.outcome, POLL_EMPTY);
    ck_assert_uint_ne(empty.reply.next.step, batch.reply.next.step);
}
END_TEST

START_TEST(a_repeated_get_gives_the_same_batch)
{
    pay_now(ALFA, BETA, "E1", 1);
    struct batch const first = batch_of(BETA, POLL_START, no_token);
    pay_now(ALFA, BETA, "E2", 2);
    struct batch const second = batch_of(BETA, POLL_NEXT, first.reply.next);
    ck_assert_str_eq(second.text, "<CdtTrfTxInf>E2 2</CdtTrfTxInf>;");
    pay_now(ALFA, BETA, "E3", 3);
    struct batch const again = batch_of(BETA, POLL_NEXT, first.reply.next);
    ck_assert_str_eq(again.text, second.text);
    ck_assert_str_eq(again.ids[0], second.ids[0]);
    ck_assert_uint_eq(again.reply.next.step, second.reply.next.step);
    struct batch const third = batch_of(BETA, POLL_NEXT, second.reply.next);
    ck_assert_str_eq(third.text, "<CdtTrfTxInf>E3 3</CdtTrfTxInf>;");
    ck_assert_int_eq(batch_of(BETA, POLL_NEXT, first.reply.next).reply.outcome, POLL_GONE);
    struct pull_token const unknown = {.stream = 42, .step = 1};
    ck_assert_int_eq(batch_of(BETA, POLL_NEXT, unknown).reply.outcome, POLL_GONE);
    ck_assert_int_eq(batch_of(ALFA, POLL_NEXT, third.reply.next).reply.outcome,
                     POLL_GONE); /* not one's own */
    ck_assert_int_eq(batch_of(BETA, POLL_DELETE, second.reply.next).reply.outcome, POLL_GONE);
    ck_assert_int_eq(batch_of(BETA, POLL_DELETE, third.reply.next).reply.outcome, POLL_CLOSED);
    ck_assert_int_eq(batch_of(BETA, POLL_DELETE, third.reply.next).reply.outcome, POLL_GONE);
}
END_TEST

START_TEST(a_step_answered_204_never_confirms_what_came_with_its_repeat)
{
    struct batch batch;
    pay_now(ALFA, BETA, "E0", 1);
    struct batch const first = batch_of(BETA, POLL_START, no_token);
    uint64_t const waits = poll(BETA, POLL_NEXT, first.reply.next);
    turn();
    poll_end(BETA, waits, POLL_TIME_UP);
    turn();
    ck_assert(take_batch(&batch));
    struct pull_token const of_empty = batch.reply.next;

    (void)poll(BETA, POLL_NEXT, first.reply.next); /* the 204 was lost: waits again */
    turn();
    ck_assert(!take_batch(&batch));
    pay_now(ALFA, BETA, "E1", 1);
    ck_assert(take_batch(&batch));
    ck_assert_str_eq(batch.text, "<CdtTrfTxInf>E1 1</CdtTrfTxInf>;");
    ck_assert_int_eq(batch_of(BETA, POLL_NEXT, of_empty).reply.outcome, POLL_GONE);
    ck_assert_uint_eq(outbox_unconfirmed(settlement_outbox(house.settlement), BETA), 1);
}
END_TEST

START_TEST(a_newer_request_takes_over)
{
    struct batch batch;
    pay_now(ALFA, BETA, "E1", 1);
    struct batch const first = batch_of(BETA, POLL_START, no_token);
    uint64_t const older = poll(BETA, POLL_NEXT, first.reply.next);
    turn();
    uint64_t const newer = poll(BETA, POLL_NEXT, first.reply.next);
    turn();
    ck_assert(take_batch(&batch));
    ck_assert_uint_eq(batch.reply.request.value, older);
    ck_assert_int_eq(batch.reply.outcome, POLL_GONE);
    (void)poll(BETA, POLL_DELETE, first.reply.next); /* the last that was handed out */
    turn();
    ck_assert(take_batch(&batch));
    ck_assert_uint_eq(batch.reply.request.value, newer);
    ck_assert_int_eq(batch.reply.outcome, POLL_GONE);
    ck_assert(take_batch(&batch));
    ck_assert_int_eq(batch.reply.outcome, POLL_CLOSED);
}
END_TEST

START_TEST(a_get_whose_connection_is_gone_can_be_deleted)
{
    struct batch batch;
    pay_now(ALFA, BETA, "E1", 1);
    struct batch const first = batch_of(BETA, POLL_START, no_token);
    uint64_t const waits = poll(BETA, POLL_NEXT, first.reply.next);
    turn();
    poll_end(BETA, waits, POLL_CONNECTION_LOST);
    turn();
    ck_assert(!take_batch(&batch));
    ck_assert_int_eq(batch_of(BETA, POLL_DELETE, first.reply.next).reply.outcome, POLL_CLOSED);
    ck_assert_int_eq(batch_of(BETA, POLL_NEXT, first.reply.next).reply.outcome, POLL_GONE);
    ck_assert_uint_eq(outbox_unconfirmed(settlement_outbox(house.settlement), BETA), 0);
}
END_TEST

START_TEST(the_seventh_stream_and_what_a_dead_one_held)
{
    struct batch batch;
    pay_now(ALFA, BETA, "E1", 1);
    struct batch const held = batch_of(BETA, POLL_START, no_token); /* answered, never used */
    for (int i = 0; i < 5; i++)
        (void)poll(BETA, POLL_START, no_token);
    turn();
    ck_assert(!take_batch(&batch));
    /* The seventh: the first is reclaimed, and what it held goes to one that waits already. */
    (void)poll(BETA, POLL_START, no_token);
    turn();
    ck_assert(take_batch(&batch));
    ck_assert_str_eq(batch.text, held.text);
    ck_assert_str_eq(batch.ids[0], held.ids[0]);
    ck_assert_int_eq(batch_of(BETA, POLL_NEXT, held.reply.next).reply.outcome, POLL_GONE);
    struct pull_token const used = batch.reply.next;
    (void)poll(BETA, POLL_NEXT, used); /* now all six wait */
    turn();
    ck_assert(!take_batch(&batch));
    ck_assert_int_eq(batch_of(BETA, POLL_START, no_token).reply.outcome, POLL_TOO_MANY);

    pay_now(ALFA, BETA, "E2", 2); /* goes to the oldest wait */
    ck_assert(take_batch(&batch));
    house.now_ns += 9 * TIME_NS_PER_SECOND;
    turn();
    ck_assert_uint_eq(outbox_unconfirmed(settlement_outbox(house.settlement), BETA), 1);
    house.now_ns += 22 * TIME_NS_PER_SECOND; /* idle: offered to another, the payment expired too */
    turn();
    struct batch next;
    ck_assert(take_batch(&next));
    if (strcmp(next.ids[0], batch.ids[0]) != 0) ck_assert(take_batch(&next));
    ck_assert_str_eq(next.ids[0], batch.ids[0]);
}
END_TEST

START_TEST(after_a_restart_the_same_id_has_the_same_content)
{
    pay_now(ALFA, BETA, "E1", 1234);
    struct batch const before = batch_of(BETA, POLL_START, no_token);
    restart();
    struct batch const after = batch_of(BETA, POLL_START, no_token);
    ck_assert_str_eq(after.ids[0], before.ids[0]);
    /* The transaction was read back with its whole message; the loop takes it out again. */
    ck_assert_str_eq(after.text, "<message><CdtTrfTxInf>E1 1234</CdtTrfTxInf></message>;");
    answer_now(BETA, "E1", true, "");
    struct batch const confirmed = batch_of(BETA, POLL_NEXT, after.reply.next);
    ck_assert_str_eq(confirmed.text, "ACCC E1 INSTR;");
    restart();
    struct batch const again = batch_of(BETA, POLL_START, no_token);
    ck_assert_str_eq(again.text, "ACCC E1 INSTR;"); /* E1 itself was confirmed before the restart */
    ck_assert_str_eq(again.ids[0], confirmed.ids[0]);
}
END_TEST

START_TEST(a_restart_expires_what_was_not_delivered)
{
    pay_now(ALFA, BETA, "E1", 1234);
    close_house();
    house.now_ns += DEADLINE_NS;
    open_house();
    turn();
    ck_assert_str_eq(batch_of(BETA, POLL_START, no_token).text, "RJCT/AB03 E1 INSTR;");
    ck_assert_str_eq(batch_of(ALFA, POLL_START, no_token).text, "RJCT/AB03 E1 INSTR;");
}
END_TEST

/* All of one bank's payments become due at once: another's body has its outcome in the same turn, and
 * an answer to one that is still to be released is late. */
START_TEST(many_deadlines_are_spread_over_turns)
{
    char id[20];
    for (int i = 0; i < 900; i++) {
        (void)snprintf(id, sizeof id, "E%d", i);
        pay_now(ALFA, BETA, id, 1);
    }
    house.now_ns += DEADLINE_NS;
    pay(GAMA, BETA, "OTHER", 5);
    reply_to(BETA, "E899", true, "");
    struct settlement_turn one;
    ck_assert_int_eq(settlement_turn(house.settlement, house.now_ns, house.now_ns - START_NS, &one),
                     FAULT_NONE);
    ck_assert(one.did);
    ck_assert_int_le(one.due_ns, house.now_ns);
    uint32_t const left = engine_totals(settlement_engine(house.settlement)).open_count;
    ck_assert_uint_gt(left, 1);
    ck_assert_uint_lt(left, 900);
    ck_assert_int_eq(body_outcome(), BODY_DONE);
    ck_assert_int_eq(body_outcome(), BODY_DONE);
    turn();
    ck_assert_uint_eq(engine_totals(settlement_engine(house.settlement)).open_count, 1);
    ck_assert_int_eq(
        amount_minor(engine_participant(settlement_engine(house.settlement), ALFA).available),
        100000000);

    restart();
    turn();
    ck_assert_uint_eq(engine_totals(settlement_engine(house.settlement)).open_count, 1);
}
END_TEST

START_TEST(standing_results_are_read_from_memory_or_ledger)
{
    pay_now(ALFA, BETA, "E1", 5);
    pay_now(ALFA, BETA, "E1", 5); /* reserved still */
    ck_assert_str_eq(batch_of(ALFA, POLL_START, no_token).text, "ACSP E1 INSTR;");
    answer_now(BETA, "E1", true, "");
    restart();
    pay_now(ALFA, BETA, "E1", 5);
    answer_now(BETA, "E1", true, "");
    struct batch const payer = batch_of(ALFA, POLL_START, no_token);
    ck_assert_str_eq(payer.text, "ACSC E1 INSTR;ACSC E1 INSTR;");
    struct batch const payee = batch_of(BETA, POLL_START, no_token);
    ck_assert_ptr_nonnull(strstr(payee.text, "ACCC E1 INSTR;ACCC E1 INSTR;"));
}
END_TEST

START_TEST(answers_without_entries_are_bounded)
{
    for (int i = 0; i < LIMIT_TRANSIENT_EACH; i++)
        answer_now(BETA, "UNKNOWN", true, "");
    reply_to(BETA, "UNKNOWN", true, "");
    turn();
    ck_assert_int_eq(body_outcome(), BODY_TOO_MANY);
    pay_now(ALFA, GAMA, "E1", 1); /* others do not feel it */
    struct batch const batch = batch_of(BETA, POLL_START, no_token);
    ck_assert_uint_eq(batch.reply.message_count, LIMIT_PARTS);
    ck_assert_int_eq(batch_of(BETA, POLL_DELETE, batch.reply.next).reply.outcome, POLL_CLOSED);
    answer_now(BETA, "UNKNOWN", true, "");
}
END_TEST

START_TEST(open_payments_are_bounded)
{
    char id[20];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof id, "E%d", i);
        pay_now(ALFA, BETA, id, 1);
    }
    pay(ALFA, BETA, "ONE-MORE", 1);
    turn();
    ck_assert_int_eq(body_outcome(), BODY_OVERLOADED);
    answer_now(BETA, "E7", true, ""); /* answers pass, and make room */
    pay_now(ALFA, BETA, "ONE-MORE", 1);
}
END_TEST

/* Everything on a new stream of this participant is the results of payments E`next` and on, once and
 * in order.  Returns how many messages they came in. */
static int take_results(int participant, int next, int end)
{
    int messages = 0;
    struct batch batch = batch_of(participant, POLL_START, no_token);
    while (next < end) {
        ck_assert_uint_gt(batch.reply.message_count, 0);
        messages += (int)batch.reply.message_count;
        for (const char *at = batch.text; *at; at = strchr(at, ';') + 1) {
            char expected[40];
            (void)snprintf(expected, sizeof expected, "ACSC E%d INSTR;", next++);
            if (strncmp(at, expected, strlen(expected)) != 0)
                ck_abort_msg("%s instead of %s", at, expected);
        }
        batch = batch_of(participant, next < end ? POLL_NEXT : POLL_DELETE, batch.reply.next);
    }
    ck_assert_int_eq(next, end);
    return messages;
}

static void settle(int next, int end)
{
    char id[20];
    for (int i = next; i < end; i++) {
        (void)snprintf(id, sizeof id, "E%d", i);
        pay(ALFA, BETA, id, 1);
        reply_to(BETA, id, true, "");
        if (i % 100 == 99 || i == end - 1) turn();
        while (ring_next(house.replies).bytes) {
        }
        ring_release(house.replies);
    }
}

/* More entries than the window holds, so that the queue is found again over the ledger's links. */
START_TEST(a_bank_far_behind_gets_everything_in_order)
{
    int const payments = RECENT_ENTRIES / 2 + 2000;
    settle(0, payments);
    (void)take_results(ALFA, 0, payments);
    /* Only what has left the window: own entries, each read on the way to a page and in its page, and
     * for each second one, a result, the settling entry and the one that it settles. */
    uint64_t const left = 2 * (uint64_t)payments - RECENT_ENTRIES;
    ck_assert_uint_gt(lookup_entries_read(house.lookup), left);
    ck_assert_uint_le(lookup_entries_read(house.lookup), left * 3 + 1000);
}
END_TEST

/* Copies what a crash would leave of the marks, or puts it back. */
static void copy_marks(const char *from_ending, const char *to_ending)
{
    static const char *const files[] = {"marks.db", "marks.db-wal"};
    for (size_t i = 0; i < 2; i++) {
        char from[128], to[128], bytes[4096];
        (void)snprintf(from, sizeof from, "%s/%s%s", house.directory, files[i], from_ending);
        (void)snprintf(to, sizeof to, "%s/%s%s", house.directory, files[i], to_ending);
        FILE *const in = fopen(from, "rb"), *const out = fopen(to, "wb");
        ck_assert(in && out);
        for (size_t size; (size = fread(bytes, 1, sizeof bytes, in)) > 0;)
            ck_assert_uint_eq(fwrite(bytes, 1, size, out), size);
        (void)fclose(in);
        ck_assert_int_eq(fclose(out), 0);
    }
}

/* What may have been offered before a crash comes under the same ids, what cannot have been is grouped
 * as ever, and the marks that tell the two apart are as old as they can be. */
START_TEST(a_backlog_is_grouped_after_a_crash_where_it_was_never_offered)
{
    int const payments = OUTBOX_AHEAD; /* twice as many own numbers */
    turn();                            /* stores the first marks */
    copy_marks("", ".crash");
    settle(0, 1);
    struct batch const first = batch_of(ALFA, POLL_START, no_token);
    settle(1, 2);
    struct batch const second = batch_of(ALFA, POLL_NEXT, first.reply.next);
    ck_assert_str_eq(second.text, "ACSC E1 INSTR;");
    settle(2, payments);

    close_house();
    copy_marks(".crash", "");
    open_house();
    struct batch const again = batch_of(ALFA, POLL_START, no_token);
    ck_assert_uint_eq(again.reply.message_count, LIMIT_PARTS);
    ck_assert_str_eq(again.ids[0], first.ids[0]);
    ck_assert_str_eq(again.ids[1], second.ids[0]);
    restart();
    int const messages = take_results(ALFA, 0, payments);
    int const single = OUTBOX_AHEAD / 2; /* every second number of ALFA's is a result */
    ck_assert_int_ge(messages, single);
    ck_assert_int_lt(messages, single + (payments - single) / 4);
}
END_TEST

/* Own numbers up to `newest` while nobody listens, then all of them by seeks.  Returns how many entries
 * these read. */
static uint64_t reads_of_a_return(uint64_t newest, const struct recent *nothing)
{
    static struct queue queue;
    static struct queue_walk walk;
    static struct queue_page page;
    struct queue_item item;
    uint64_t reads = 0;
    queue_start(&queue, 0, 1);
    for (uint64_t number = 1; number <= newest; number++)
        queue_append(&queue, number, number * 3);
    for (uint64_t number = 1; number <= newest; number++) {
        if (queue_peek(&queue, nothing, &item) == QUEUE_ABSENT) {
            struct queue_seek const seek = queue_seek(&queue, queue.cursor);
            ck_assert_uint_eq(seek.number, number);
            ck_assert_uint_eq(seek.known_seq, seek.known_number * 3);
            for (uint64_t at = seek.known_number; at >= seek.number; at--, reads++) {
                struct queue_item const met = {.number = at, .seq = at * 3};
                queue_walk_met(&walk, &seek, &met);
            }
            queue_walk_page(&walk, &seek, &page);
            queue_found(&queue, &page);
        }
        ck_assert_int_eq(queue_peek(&queue, nothing, &item), QUEUE_READY);
        ck_assert_uint_eq(item.number, number);
        ck_assert_uint_eq(item.seq, number * 3);
        queue_advance(&queue, nothing);
    }
    ck_assert_int_eq(queue_peek(&queue, nothing, &item), QUEUE_EMPTY);
    return reads;
}

/* Whatever is behind, each own entry is read about twice. */
static void ask_receipt(int participant, const char *id)
{
    struct receipt_command *const command = put(sizeof *command);
    command->kind = COMMAND_RECEIPT;
    command->participant = (uint32_t)participant;
    command->request.value = ++house.requests_made;
    ck_assert(identifier_parse_payment_id(span_text(id), &command->id));
    ring_publish(house.commands);
}

/* The outcome of what was asked last; `receipt` where there is one. */
static enum receipt_outcome take_receipt(struct receipt *receipt)
{
    struct span const record = ring_next(house.replies);
    ck_assert_ptr_nonnull(record.bytes);
    const struct receipt_reply *const reply = (const void *)record.bytes;
    enum receipt_outcome const outcome = reply->outcome;
    ck_assert_uint_eq(reply->kind, REPLY_RECEIPT);
    ck_assert_uint_eq(reply->request.value, house.requests_made);
    ck_assert_uint_eq(record.size - sizeof *reply, outcome == RECEIPT_FOUND ? sizeof *receipt : 0);
    if (outcome == RECEIPT_BUSY) ck_assert_uint_ge(reply->retry_after_seconds, 1);
    if (outcome == RECEIPT_FOUND) memcpy(receipt, reply + 1, sizeof *receipt);
    ring_release(house.replies);
    return outcome;
}

static enum receipt_outcome receipt_of(int participant, const char *id, struct receipt *receipt)
{
    ask_receipt(participant, id);
    turn();
    return take_receipt(receipt);
}

static void settle_one(const char *id)
{
    pay(ALFA, BETA, id, 100);
    turn();
    ck_assert_int_eq(body_outcome(), BODY_DONE);
    reply_to(BETA, id, true, "");
}

START_TEST(a_receipt_is_there_in_the_turn_that_settles)
{
    struct receipt receipt;
    settle_one("E1");
    ask_receipt(ALFA, "E1"); /* before that turn */
    turn();
    ck_assert_int_eq(body_outcome(), BODY_DONE);
    ck_assert_int_eq(take_receipt(&receipt), RECEIPT_FOUND);
    ck_assert_uint_eq(receipt.public.kind, ENTRY_SETTLED);
    ck_assert_uint_eq(receipt.public.seq, atomic_load(&house.published.durable_seq));
    ck_assert(identifier_code_equal(receipt.public.payee, code_of(BETA)));
    ck_assert_int_eq(receipt_of(BETA, "E1", &receipt), RECEIPT_FOUND);
}
END_TEST

static enum fault index_one(void *context, const struct entry *entry, struct span body)
{
    return index_entry(context, entry, body);
}

/* What the follower does in the running switch. */
static void make_index(void)
{
    struct reader *reader;
    struct index *index;
    ck_assert_int_eq(reader_open(&reader, house.directory, NULL), FAULT_NONE);
    ck_assert_int_eq(index_open(&index, house.directory, NULL, reader), FAULT_NONE);
    ck_assert_int_eq(
        reader_walk(reader, 1, atomic_load(&house.published.durable_seq), index_one, index),
        FAULT_NONE);
    ck_assert_int_eq(index_commit(index), FAULT_NONE);
    index_close(index);
    reader_close(reader);
}

START_TEST(a_young_ledger_needs_no_index)
{
    struct receipt receipt;
    settle_one("E1");
    turn();
    ck_assert_int_eq(body_outcome(), BODY_DONE);
    ck_assert_int_eq(receipt_of(GAMA, "E1", &receipt), RECEIPT_UNKNOWN);
    ck_assert_int_eq(receipt_of(ALFA, "E2", &receipt), RECEIPT_UNKNOWN);

    /* When the core has forgotten, only the index can tell. */
    house.now_ns += 40 * 3600 * TIME_NS_PER_SECOND;
    settle_one("E2");
    turn();
    ck_assert_int_eq(body_outcome(), BODY_DONE);
    ck_assert_int_eq(receipt_of(ALFA, "E2", &receipt), RECEIPT_FOUND);
    ck_assert_int_eq(receipt_of(ALFA, "E1", &receipt), RECEIPT_BUSY);
    ck_assert_int_eq(receipt_of(GAMA, "E2", &receipt), RECEIPT_BUSY);
    make_index();
    ck_assert_int_eq(receipt_of(ALFA, "E1", &receipt), RECEIPT_FOUND);
    ck_assert(span_equal(identifier_payment_id_text(&receipt.public.id), SPAN("E1")));
    ck_assert_int_eq(receipt_of(GAMA, "E1", &receipt), RECEIPT_UNKNOWN);
    ck_assert_int_eq(receipt_of(ALFA, "E3", &receipt), RECEIPT_UNKNOWN);
}
END_TEST

START_TEST(a_return_reads_own_entries_twice)
{
    static uint64_t const behind[] = {1, 63, 64, 65, 1000, 33001, 300000};
    struct recent nothing;
    ck_assert_int_eq(recent_open(&nothing), FAULT_NONE);
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        ck_assert_uint_le(reads_of_a_return(behind[i], &nothing),
                          behind[i] * 2 + behind[i] / 10 + 1);
    recent_close(&nothing);
}
END_TEST

START_TEST(the_clock_slews_and_never_goes_back)
{
    struct clock clock;
    int64_t behind_ns;
    ck_assert_int_eq(
        clock_start(&clock, START_NS, 1000, START_NS + CLOCK_BEHIND_MAX_NS + 1, &behind_ns),
        FAULT_INVALID);
    ck_assert_int_eq(behind_ns, CLOCK_BEHIND_MAX_NS + 1);
    ck_assert_int_eq(
        clock_start(&clock, START_NS, 0, START_NS + 5 * TIME_NS_PER_SECOND, &behind_ns),
        FAULT_NONE);
    int64_t last_ns = START_NS + 5 * TIME_NS_PER_SECOND;
    ck_assert_int_eq(clock_now_ns(&clock, START_NS, 0), last_ns);
    /* The wall clock steps an hour ahead: a second stays a second, give or take half a millisecond. */
    for (int64_t s = 1; s <= 100; s++) {
        int64_t const now_ns = clock_now_ns(&clock, START_NS + (s + 3600) * TIME_NS_PER_SECOND,
                                            s * TIME_NS_PER_SECOND);
        ck_assert_int_ge(now_ns - last_ns, TIME_NS_PER_SECOND);
        ck_assert_int_le(now_ns - last_ns, TIME_NS_PER_SECOND + 500000);
        last_ns = now_ns;
    }
    /* And a day back: never backwards, slowly towards it. */
    for (int64_t s = 101; s <= 200; s++) {
        int64_t const now_ns =
            clock_now_ns(&clock, START_NS - 86400 * TIME_NS_PER_SECOND, s * TIME_NS_PER_SECOND);
        ck_assert_int_ge(now_ns - last_ns, TIME_NS_PER_SECOND - 500000);
        ck_assert_int_lt(now_ns - last_ns, TIME_NS_PER_SECOND);
        last_ns = now_ns;
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("settlement");
    TCase *const cases = tcase_create("settlement");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_genesis_is_one_block_or_none);
    tcase_add_test(cases, a_payment_reaches_both_banks);
    tcase_add_test(cases, a_rejection_and_a_deadline_release_the_funds);
    tcase_add_test(cases, a_waiting_stream_is_served_when_something_comes);
    tcase_add_test(cases, a_repeated_get_gives_the_same_batch);
    tcase_add_test(cases, a_step_answered_204_never_confirms_what_came_with_its_repeat);
    tcase_add_test(cases, a_newer_request_takes_over);
    tcase_add_test(cases, a_get_whose_connection_is_gone_can_be_deleted);
    tcase_add_test(cases, the_seventh_stream_and_what_a_dead_one_held);
    tcase_add_test(cases, after_a_restart_the_same_id_has_the_same_content);
    tcase_add_test(cases, a_restart_expires_what_was_not_delivered);
    tcase_add_test(cases, many_deadlines_are_spread_over_turns);
    tcase_add_test(cases, standing_results_are_read_from_memory_or_ledger);
    tcase_add_test(cases, answers_without_entries_are_bounded);
    tcase_add_test(cases, open_payments_are_bounded);
    tcase_add_test(cases, a_bank_far_behind_gets_everything_in_order);
    tcase_add_test(cases, a_backlog_is_grouped_after_a_crash_where_it_was_never_offered);
    tcase_add_test(cases, a_receipt_is_there_in_the_turn_that_settles);
    tcase_add_test(cases, a_young_ledger_needs_no_index);
    suite_add_tcase(suite, cases);
    TCase *const pure = tcase_create("pure");
    tcase_set_timeout(pure, 120);
    tcase_add_test(pure, a_return_reads_own_entries_twice);
    tcase_add_test(pure, the_clock_slews_and_never_goes_back);
    suite_add_tcase(suite, pure);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
