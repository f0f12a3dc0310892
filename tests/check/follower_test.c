/* follower: a settlement on a real ledger, the follower stepped by hand behind it; starts from
 * snapshots must be as good as starts without, and damage must be found. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/search.h"
#include "ledger/series.h"
#include "ledger/signatures.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "switch/settlement/follower.h"
#include "switch/settlement/lookup.h"
#include "switch/settlement/outbox.h"
#include "switch/settlement/settlement.h"
#include "tests/check/ledger_folder.h"

#define START_NS (INT64_C(1800000000) * TIME_NS_PER_SECOND) /* 2027-01-15T08:00:00Z */
#define HOUR_NS (3600 * TIME_NS_PER_SECOND)
#define DAY_NS (24 * HOUR_NS)
#define BANKS 3

struct house {
    char directory[FOLDER_PATH_BYTES];
    char genesis[FOLDER_PATH_BYTES + 16];
    struct private_key *key;
    struct certificate *certificate, *other;
    struct calendar calendar;
    struct settlement_options options;
    struct published published;
    struct metric_block metrics, follower_metrics;
    struct settlement *settlement;
    struct lookup *lookup;
    struct follower *follower;
    uint64_t snapshot_entries;
    int64_t now_ns;
    uint64_t requests_made;
    uint32_t payments;
};

static struct house house;

/* --- the house -------------------------------------------------------------------------------- */

static void write_genesis(void)
{
    FILE *const file = fopen(house.genesis, "w");
    ck_assert_ptr_nonnull(file);
    (void)fprintf(file, "{\"version\":1,\"participants\":[");
    for (int i = 0; i < BANKS; i++)
        (void)fprintf(file,
                      "%s{\"code\":\"%d\",\"name\":\"Bank\",\"status\":\"active\","
                      "\"balance\":\"1000000.00\"}",
                      i ? "," : "", 10000001 + i);
    (void)fprintf(file, "],\"operators\":[]}");
    (void)fclose(file);
}

static void make_identities(void)
{
    struct authority *authority;
    struct private_key *key;
    int64_t const now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    ck_assert_int_eq(key_generate(&house.key, KEY_P256), FAULT_NONE);
    ck_assert_int_eq(key_generate(&key, KEY_P256), FAULT_NONE);
    ck_assert_int_eq(authority_open(&authority, "test", now_ns, now_ns + DAY_NS), FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "switch", house.key, now_ns,
                                     now_ns + DAY_NS, &house.certificate),
                     FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, AUTHORITY_SIGNING, "other", key, now_ns,
                                     now_ns + DAY_NS, &house.other),
                     FAULT_NONE);
    authority_close(authority);
    key_close(key);
}

static void open_rings(struct settlement_options *options)
{
    ck_assert_int_eq(ring_open(&options->commands[0], LIMIT_COMMAND_RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(ring_open(&options->replies[0], LIMIT_REPLY_RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(ring_open(&options->requests, LIMIT_REPLY_RING_BYTES), FAULT_NONE);
    ck_assert_int_eq(ring_open(&options->results, LIMIT_REPLY_RING_BYTES), FAULT_NONE);
}

static void open_house(const struct certificate *certificate)
{
    struct settlement_options options = {
        .directory = house.directory,
        .genesis_path = house.genesis,
        .engine = {.open_max = 1000,
                   .duplicate_capacity = 20000,
                   .duplicate_window_ns = 36 * HOUR_NS,
                   .clock_tolerance_ns = 12 * HOUR_NS,
                   .clock_ahead_ns = 60 * TIME_NS_PER_SECOND,
                   .deadline_high_ns = 10 * TIME_NS_PER_SECOND,
                   .deadline_normal_ns = 2700 * TIME_NS_PER_SECOND,
                   .currency = {"MXN"}},
        .certificate = certificate,
        .calendar = &house.calendar,
        .segment_entries = 1000000,
        .streams_max = 6,
        .stream_idle_ns = 30 * TIME_NS_PER_SECOND,
        .loop_count = 1,
        .published = &house.published,
        .metrics = &house.metrics,
        .wall_ns = house.now_ns,
        .monotonic_ns = house.now_ns - START_NS,
    };
    char words[SETTLEMENT_WORDS_BYTES];
    open_rings(&options);
    house.options = options;
    if (settlement_open(&house.settlement, &options, words) != FAULT_NONE)
        ck_abort_msg("settlement_open: %s", words);
    struct lookup_options const lookup = {
        .directory = house.directory, .requests = options.requests, .results = options.results};
    ck_assert_int_eq(lookup_open(&house.lookup, &lookup), FAULT_NONE);
}

static void open_follower(void)
{
    struct follower_options const options = {
        .directory = house.directory,
        .engine = house.options.engine,
        .key = house.key,
        .certificate = house.certificate,
        .snapshot_entries = house.snapshot_entries,
        .published = &house.published,
        .metrics = &house.follower_metrics,
    };
    ck_assert_int_eq(follower_open(&house.follower, &options), FAULT_NONE);
}

static void close_house(void)
{
    follower_close(house.follower);
    house.follower = NULL;
    lookup_close(house.lookup);
    settlement_close(house.settlement);
    ring_close(house.options.commands[0]);
    ring_close(house.options.replies[0]);
    ring_close(house.options.requests);
    ring_close(house.options.results);
}

static void restart(const struct certificate *certificate)
{
    close_house();
    open_house(certificate);
}

static void set_up(void)
{
    memset(&house, 0, sizeof house);
    ledger_folder_make(house.directory);
    ck_assert_int_eq(mkdir(house.directory, 0700), 0);
    (void)snprintf(house.genesis, sizeof house.genesis, "%s/genesis.json", house.directory);
    write_genesis();
    make_identities();
    ck_assert_int_eq(calendar_open(&house.calendar, "UTC", 0), FAULT_NONE);
    house.now_ns = START_NS;
    house.snapshot_entries = 20;
    open_house(house.certificate);
    open_follower();
}

static void tear_down(void)
{
    close_house();
    certificate_close(house.certificate);
    certificate_close(house.other);
    key_close(house.key);
    ledger_folder_remove(house.directory);
}

/* --- what happens in it ----------------------------------------------------------------------- */

static enum fault try_turn(void)
{
    struct settlement_turn result;
    return settlement_turn(house.settlement, house.now_ns, house.now_ns - START_NS, &result);
}

static void turn(void)
{
    for (bool did = true; did;) {
        ck_assert_int_eq(try_turn(), FAULT_NONE);
        ck_assert_int_eq(lookup_step(house.lookup, &did), FAULT_NONE);
    }
}

/* Steps until nothing is left, a second apart so that whatever waits for its time comes. */
static void follow(void)
{
    bool did = true;
    for (int idle = 0; idle < 2; idle += !did) {
        house.now_ns += TIME_NS_PER_SECOND;
        ck_assert_int_eq(follower_step(house.follower, house.now_ns - START_NS, &did), FAULT_NONE);
    }
    ck_assert_uint_eq(follower_checked_seq(house.follower),
                      atomic_load(&house.published.durable_seq));
}

static struct participant_code code_of(uint32_t bank)
{
    char text[9];
    struct participant_code code;
    (void)snprintf(text, sizeof text, "%u", 10000001 + bank);
    memcpy(code.text, text, sizeof code.text);
    return code;
}

static void *put(size_t size)
{
    void *const record = ring_claim(house.options.commands[0], size);
    ck_assert_ptr_nonnull(record);
    memset(record, 0, size);
    return record;
}

static void put_body(uint32_t bank, const char *text, uint32_t transfers)
{
    struct body_command *const body = put(sizeof *body);
    *body = (struct body_command){.kind = COMMAND_BODY,
                                  .participant = bank,
                                  .request.value = ++house.requests_made,
                                  .message_count = 1,
                                  .command_count = 1,
                                  .transfer_count = transfers,
                                  .transient_count = 1};
    struct message_command *const message = put(sizeof *message + strlen(text));
    message->kind = COMMAND_MESSAGE;
    message->size = (uint32_t)strlen(text);
    message->sender = code_of(bank);
    message->hash = hash_of(span_text(text));
    memcpy(message + 1, text, strlen(text));
}

static struct max35_text id_of(uint32_t payment)
{
    char text[16];
    struct max35_text id = {0};
    (void)snprintf(text, sizeof text, "E%u", payment);
    ck_assert(identifier_parse_max35(span_text(text), &id));
    return id;
}

static void pay(uint32_t payment, uint32_t payer, uint32_t payee)
{
    char text[64];
    (void)snprintf(text, sizeof text, "<CdtTrfTxInf>E%u</CdtTrfTxInf>", payment);
    put_body(payer, text, 1);
    struct transfer_command *const transfer = put(sizeof *transfer);
    transfer->kind = COMMAND_TRANSFER;
    transfer->sender = transfer->payer_agent = code_of(payer);
    transfer->payee_agent = code_of(payee);
    transfer->amount = amount_of_minor(100 + payment);
    transfer->amount_parse = AMOUNT_PARSE_GOOD;
    memcpy(transfer->currency.text, "MXN", 3);
    transfer->acceptance_ns = house.now_ns;
    transfer->canonical_size = (uint32_t)strlen(text);
    transfer->content_hash = hash_of(span_text(text));
    transfer->id = id_of(payment);
    ring_publish(house.options.commands[0]);
}

static void accept_payment(uint32_t payment, uint32_t payee)
{
    char text[64];
    (void)snprintf(text, sizeof text, "<accept>E%u</accept>", payment);
    put_body(payee, text, 0);
    struct answer_command *const answer = put(sizeof *answer);
    answer->kind = COMMAND_ANSWER;
    answer->sender = code_of(payee);
    answer->accepted = true;
    answer->id = id_of(payment);
    ring_publish(house.options.commands[0]);
}

static void forget_replies(void)
{
    while (ring_next(house.options.replies[0]).bytes)
        continue;
    ring_release(house.options.replies[0]);
}

/* So many payments, each from one bank to the next, of which two thirds are settled, as two turns. */
static void trade(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t const payment = house.payments++, payer = payment % BANKS;
        house.now_ns += TIME_NS_PER_MS;
        pay(payment, payer, (payer + 1) % BANKS);
        turn();
        if (payment % 3 != 0) accept_payment(payment, (payer + 1) % BANKS);
        turn();
        forget_replies();
    }
}

/* What a poll of a new stream brings, as text; what it held is forgotten with the restart. */
static void poll(uint32_t bank, char *text, size_t room)
{
    struct poll_command *const command = put(sizeof *command);
    *command = (struct poll_command){.kind = COMMAND_POLL,
                                     .participant = bank,
                                     .request.value = ++house.requests_made,
                                     .verb = POLL_START,
                                     .messages_max = LIMIT_PARTS};
    ring_publish(house.options.commands[0]);
    turn();
    size_t used = 0;
    for (struct span record; (record = ring_next(house.options.replies[0])).bytes;) {
        uint32_t kind;
        memcpy(&kind, record.bytes, sizeof kind);
        if (kind == REPLY_DELIVERY) {
            const struct delivery *const delivery = (const void *)record.bytes;
            used += (size_t)snprintf(text + used, room - used, "%s:", delivery->resource_id.text);
        } else if (kind == REPLY_ITEM) {
            const struct delivery_item *const item = (const void *)record.bytes;
            used += (size_t)snprintf(text + used, room - used, "%d/%d %.*s%.*s;", item->type,
                                     item->status.status, item->status.id.size,
                                     item->status.id.bytes, (int)item->transfer.size,
                                     item->type == DELIVER_PACS008 ? (const char *)(item + 1) : "");
        }
    }
    ring_release(house.options.replies[0]);
    ck_assert_uint_gt(used, 0);
}

static struct hash live_digest(void)
{
    return engine_digest(settlement_engine(house.settlement));
}

static uint64_t newest_seq(void)
{
    return atomic_load(&house.published.durable_seq);
}

/* --- marks ------------------------------------------------------------------------------------ */

START_TEST(both_states_stay_alike)
{
    for (int round = 0; round < 10; round++) {
        trade(20);
        follow();
    }
    ck_assert(!atomic_load(&house.published.must_halt));
    ck_assert_uint_eq(metric_get(&house.follower_metrics, METRIC_FOLLOWER_LAG), 0);
}
END_TEST

START_TEST(a_state_that_differs_stops_settlement)
{
    bool did;
    trade(5);
    follow();
    struct engine_mark const mark = engine_mark(settlement_engine(house.settlement));
    uint64_t digest[2] = {mark.digest[0], mark.digest[1]};
    digest[_i / 64] ^= UINT64_C(1) << _i % 64;
    published_put_mark(&house.published, mark.seq, digest);
    ck_assert_int_eq(follower_step(house.follower, house.now_ns - START_NS, &did), FAULT_CORRUPT);
    pay(house.payments, 0, 1);
    ck_assert_int_eq(try_turn(), FAULT_CORRUPT);
    ck_assert_uint_eq(newest_seq(), mark.seq); /* nothing more was decided, nothing said */
    ck_assert_ptr_null(ring_next(house.options.replies[0]).bytes);
}
END_TEST

START_TEST(what_is_found_follows_at_once)
{
    struct search *search;
    struct search_payment found;
    struct payment_id id = {.size = 2, .text = "E1"};
    trade(4);
    follow();
    ck_assert_int_eq(search_open(&search, house.directory, NULL), FAULT_NONE);
    ck_assert_int_eq(search_find(search, &id, UINT64_MAX, &found), FAULT_NONE);
    ck_assert_int_eq(found.kind, ENTRY_SETTLED);
    search_close(search);
    ck_assert_uint_eq(metric_get(&house.follower_metrics, METRIC_INDEX_LAG), 0);
}
END_TEST

/* --- snapshots -------------------------------------------------------------------------------- */

/* After trades with a snapshot somewhere between, a start from it and one without it are the same:
 * state, what is delivered, and how it goes on. */
START_TEST(a_start_from_a_snapshot_is_a_start)
{
    static char texts[3][BANKS][16384];
    struct hash digests[3];
    char text[16384];
    trade(10);
    poll(0, text, sizeof text); /* offered before the snapshot, never confirmed */
    trade((uint32_t)_i);
    follow();
    ck_assert_uint_gt(follower_snapshot_seq(house.follower), 0);
    trade(7);
    poll(1, text, sizeof text); /* and behind it */
    for (int round = 0; round < 3; round++) {
        restart(round == 1 ? NULL : house.certificate);
        digests[round] = live_digest();
        for (uint32_t bank = 0; bank < BANKS; bank++)
            poll(bank, texts[round][bank], sizeof texts[round][bank]);
    }
    for (int round = 1; round < 3; round++) {
        ck_assert(hash_equal(&digests[0], &digests[round]));
        for (uint32_t bank = 0; bank < BANKS; bank++)
            ck_assert_str_eq(texts[0][bank], texts[round][bank]);
    }
    open_follower();
    trade(10);
    follow();
}
END_TEST

START_TEST(snapshots_come_as_often_as_wanted)
{
    uint64_t last_seq = 0;
    for (int round = 0; round < 8; round++) {
        trade(12); /* some 28 entries */
        follow();
        ck_assert_uint_gt(follower_snapshot_seq(house.follower), last_seq);
        last_seq = follower_snapshot_seq(house.follower);
    }
    follower_close(house.follower);
    house.snapshot_entries = 0;
    open_follower();
    trade(12);
    follow();
    ck_assert_uint_eq(follower_snapshot_seq(house.follower), last_seq);
}
END_TEST

START_TEST(a_clean_stop_leaves_a_snapshot)
{
    follower_close(house.follower);
    house.snapshot_entries = 1000;
    open_follower();
    trade(20);
    follow();
    ck_assert_uint_eq(follower_snapshot_seq(house.follower), 0);
    trade(60);
    ck_assert_int_eq(follower_finish(house.follower), FAULT_NONE);
    ck_assert_uint_eq(follower_snapshot_seq(house.follower), newest_seq());
    struct hash const digest = live_digest();
    restart(house.certificate);
    struct hash const again = live_digest();
    ck_assert(hash_equal(&digest, &again));
}
END_TEST

static void path_of(uint32_t place, char path[FOLDER_PATH_BYTES + 32])
{
    (void)snprintf(path, FOLDER_PATH_BYTES + 32, "%s/snapshot-%u.bin", house.directory, place);
}

static void flip(uint32_t place, long at)
{
    char path[FOLDER_PATH_BYTES + 32];
    path_of(place, path);
    FILE *const file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
    int const byte = fgetc(file);
    ck_assert_int_eq(fseek(file, at, SEEK_SET), 0);
    ck_assert_int_ne(fputc(byte ^ 0x40, file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}

/* Any damage, in one file or in both, costs nothing but time. */
START_TEST(a_bad_snapshot_is_passed_over)
{
    static const long places[] = {0, 40, 100, 200, 4096, 4200, 5000};
    trade(20);
    follow();
    trade(20);
    follow();
    trade(3);
    struct hash const digest = live_digest();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (unsigned which = 1; which < 4; which++) {
            for (uint32_t place = 1; place <= 2; place++) {
                if (which & place) flip(place, places[i]);
            }
            restart(house.certificate);
            struct hash const again = live_digest();
            ck_assert(hash_equal(&digest, &again));
            for (uint32_t place = 1; place <= 2; place++) {
                if (which & place) flip(place, places[i]);
            }
        }
    }
    restart(house.other);
    struct hash const again = live_digest();
    ck_assert(hash_equal(&digest, &again));
}
END_TEST

/* A snapshot of entries that this copy of the ledger does not have. */
START_TEST(a_snapshot_of_another_chain_is_passed_over)
{
    char copy[FOLDER_PATH_BYTES], ours[FOLDER_PATH_BYTES];
    trade(5);
    close_house();
    ledger_folder_copy(house.directory, copy);
    open_house(house.certificate);
    open_follower();
    trade(40);
    follow();
    ck_assert_uint_gt(follower_snapshot_seq(house.follower), 0);
    close_house();

    /* The copy goes its own way, further than the snapshot, which then lies inside of it. */
    memcpy(ours, house.directory, sizeof ours);
    memcpy(house.directory, copy, sizeof copy);
    house.payments = 5;
    open_house(house.certificate);
    for (int round = 0; round < 2; round++) {
        char from[FOLDER_PATH_BYTES + 32], to[FOLDER_PATH_BYTES + 32], command[1200];
        struct hash const digest = live_digest();
        (void)snprintf(from, sizeof from, "%s/snapshot-1.bin", ours);
        path_of(1, to);
        (void)snprintf(command, sizeof command, "cp %s %s", from, to);
        ck_assert_int_eq(system(command), 0);
        restart(house.certificate);
        struct hash const again = live_digest();
        ck_assert(hash_equal(&digest, &again));
        house.now_ns += TIME_NS_PER_SECOND; /* so that the entries differ */
        trade(60);
    }
    ledger_folder_remove(ours);
}
END_TEST

/* --- days and segments ------------------------------------------------------------------------ */

static uint64_t segment_number(void)
{
    return engine_totals(settlement_engine(house.settlement)).segment_number;
}

static void check_last_day(const char *day)
{
    struct engine_totals const totals = engine_totals(settlement_engine(house.settlement));
    ck_assert_msg(memcmp(totals.last_day.text, day, DAY_TEXT_BYTES) == 0, "%.10s, not %s",
                  totals.last_day.text, day);
}

static struct seal_statement seal_of(uint64_t number)
{
    struct signatures *signatures;
    struct seal_statement statement;
    struct signature signature;
    ck_assert_int_eq(signatures_read(&signatures, house.directory, NULL), FAULT_NONE);
    ck_assert_int_eq(signatures_seal(signatures, number, &statement, &signature), FAULT_NONE);
    signatures_close(signatures);
    return statement;
}

START_TEST(a_day_ends_with_its_segment)
{
    trade(5);
    follow();
    uint64_t const before_seq = newest_seq();
    house.now_ns = START_NS + 16 * HOUR_NS; /* midnight */
    turn();
    check_last_day("2027-01-15");
    ck_assert_uint_eq(segment_number(), 2);
    trade(5);
    follow();
    struct seal_statement const seal = seal_of(1);
    ck_assert_uint_eq(seal.first_seq, 1);
    ck_assert_uint_eq(seal.last_seq, before_seq + 1); /* the `day`, before all else */
    house.now_ns = START_NS + 40 * HOUR_NS - 1;
    turn();
    check_last_day("2027-01-15");
    house.now_ns += 1;
    turn();
    check_last_day("2027-01-16");
    ck_assert_uint_eq(segment_number(), 3);
}
END_TEST

START_TEST(days_that_passed_while_it_was_down_are_one)
{
    trade(5);
    house.now_ns = START_NS + 100 * HOUR_NS;
    restart(house.certificate);
    uint64_t const before_seq = newest_seq();
    turn();
    check_last_day("2027-01-15");
    ck_assert_uint_ge(newest_seq(), before_seq + 1);
    turn();
    check_last_day("2027-01-15");
    house.now_ns = START_NS + 112 * HOUR_NS; /* the end of the 19th */
    turn();
    check_last_day("2027-01-19");
}
END_TEST

/* A crash between the `day` and the `segment`, or a keeper that is late, only delays the segment. */
START_TEST(a_segment_that_is_due_comes_when_it_is_prepared)
{
    follower_close(house.follower);
    house.follower = NULL;
    trade(2);
    house.now_ns = START_NS + 16 * HOUR_NS;
    turn();
    check_last_day("2027-01-15");
    ck_assert_uint_eq(segment_number(), 1);
    trade(2);
    restart(house.certificate);
    turn();
    ck_assert_uint_eq(segment_number(), 1);
    open_follower();
    follow();
    turn();
    ck_assert_uint_eq(segment_number(), 2);
    trade(2);
    follow();
    ck_assert_uint_eq(seal_of(1).segment, 1);
}
END_TEST

START_TEST(a_day_is_not_closed_twice)
{
    trade(2);
    house.now_ns = START_NS + 16 * HOUR_NS;
    turn();
    check_last_day("2027-01-15");
    uint64_t const closed_seq = newest_seq();
    /* From now on days end two hours later: the 16th's first hours would be named 15th again. */
    ck_assert_int_eq(calendar_open(&house.calendar, "Atlantic/South_Georgia", 0), FAULT_NONE);
    restart(house.certificate);
    house.now_ns = START_NS + 18 * HOUR_NS;
    turn();
    check_last_day("2027-01-15");
    ck_assert_uint_le(newest_seq(), closed_seq + 1); /* a segment perhaps, no day */
    house.now_ns = START_NS + 42 * HOUR_NS;
    turn();
    check_last_day("2027-01-16");
}
END_TEST

START_TEST(long_segments_are_followed_by_others)
{
    close_house();
    open_house(house.certificate);
    close_house();
    house.options.segment_entries = 30;
    house.options.wall_ns = house.now_ns;
    house.options.monotonic_ns = house.now_ns - START_NS;
    char words[SETTLEMENT_WORDS_BYTES];
    open_rings(&house.options);
    ck_assert_int_eq(settlement_open(&house.settlement, &house.options, words), FAULT_NONE);
    struct lookup_options const lookup = {.directory = house.directory,
                                          .requests = house.options.requests,
                                          .results = house.options.results};
    ck_assert_int_eq(lookup_open(&house.lookup, &lookup), FAULT_NONE);
    open_follower();
    for (int round = 0; round < 20; round++) {
        trade(10);
        follow();
    }
    ck_assert_uint_gt(segment_number(), 10);
    uint64_t next_seq = 1;
    for (uint64_t number = 1; number < segment_number(); number++) {
        struct seal_statement const seal = seal_of(number);
        ck_assert_uint_eq(seal.first_seq, next_seq);
        ck_assert_uint_le(seal.last_seq - seal.first_seq, 30 + 30);
        next_seq = seal.last_seq + 1;
    }
    struct signatures *signatures;
    struct block_header header;
    struct signature signature;
    ck_assert_int_eq(signatures_read(&signatures, house.directory, NULL), FAULT_NONE);
    ck_assert_int_eq(signatures_newest_checkpoint(signatures, &header, &signature), FAULT_NONE);
    ck_assert_uint_eq(header.last_seq, newest_seq());
    signatures_close(signatures);
    struct hash const digest = live_digest();
    restart(house.certificate);
    struct hash const again = live_digest();
    ck_assert(hash_equal(&digest, &again));
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("follower");
    TCase *const marks = tcase_create("marks");
    tcase_set_timeout(marks, 60); /* every turn is synced, perhaps on a busy disk */
    tcase_add_checked_fixture(marks, set_up, tear_down);
    tcase_add_test(marks, both_states_stay_alike);
    tcase_add_loop_test(marks, a_state_that_differs_stops_settlement, 60, 68);
    tcase_add_test(marks, what_is_found_follows_at_once);
    TCase *const snapshots = tcase_create("snapshots");
    tcase_set_timeout(snapshots, 60);
    tcase_add_checked_fixture(snapshots, set_up, tear_down);
    tcase_add_loop_test(snapshots, a_start_from_a_snapshot_is_a_start, 0, 20);
    tcase_add_test(snapshots, snapshots_come_as_often_as_wanted);
    tcase_add_test(snapshots, a_clean_stop_leaves_a_snapshot);
    tcase_add_test(snapshots, a_bad_snapshot_is_passed_over);
    tcase_add_test(snapshots, a_snapshot_of_another_chain_is_passed_over);
    TCase *const days = tcase_create("days");
    tcase_set_timeout(days, 60);
    tcase_add_checked_fixture(days, set_up, tear_down);
    tcase_add_test(days, a_day_ends_with_its_segment);
    tcase_add_test(days, days_that_passed_while_it_was_down_are_one);
    tcase_add_test(days, a_segment_that_is_due_comes_when_it_is_prepared);
    tcase_add_test(days, a_day_is_not_closed_twice);
    tcase_add_test(days, long_segments_are_followed_by_others);
    suite_add_tcase(suite, marks);
    suite_add_tcase(suite, snapshots);
    suite_add_tcase(suite, days);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
