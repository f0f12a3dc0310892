/* Keys, double, and bank's line for net_fixture.h. */
#include "tests/check/net_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/iso/message.h"
#include "proto/tls/tls.h"
#include "proto/xml/canonical.h"
#include "proto/xml/reader.h"

#define RING_BYTES (1024 * 1024)
#define WAIT_MS 5000
#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)

struct config fixture_config;
struct published fixture_published;

static char folder[] = "/tmp/net_fixture.XXXXXX";
static struct certificate *channel[BANK_COUNT];
static struct certificate *signing[2];
static struct certificate *switch_signing;
static struct signature_signer *bank_signer;
static struct tls_context *bank_contexts[BANK_COUNT];
static struct tls_ticket_seed seed;
static const char *const names[BANK_COUNT] = {"10000001", "10000002", "nobody"};

/* ---- Keys ---- */

static const char *path_of(const char *name, const char *ending)
{
    static char paths[8][128];
    static unsigned next;
    char *const path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s%s", folder, name, ending);
    return path;
}

static void write_text(const char *path, const char *text)
{
    FILE *const file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static struct certificate *issue(const struct authority *authority, enum authority_purpose purpose,
                                 const char *name, struct signature_signer **signer)
{
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    char text[8192];
    int64_t const now_ns = time_wall_ns();
    ck_assert_int_eq(key_generate(&key, KEY_P256), FAULT_NONE);
    ck_assert_int_eq(authority_issue(authority, purpose, name, key, now_ns - DAY_NS,
                                     now_ns + DAY_NS, &certificate),
                     FAULT_NONE);
    ck_assert_int_eq(key_print(key, text, sizeof text), FAULT_NONE);
    write_text(path_of(name, ".key"), text);
    ck_assert_int_eq(certificate_print(certificate, text, sizeof text), FAULT_NONE);
    write_text(path_of(name, ".crt"), text);
    if (signer) ck_assert_int_eq(signature_signer_open(signer, key, certificate), FAULT_NONE);
    key_close(key);
    return certificate;
}

void fixture_prepare(void)
{
    struct authority *authority = NULL;
    char text[8192];
    int64_t const now_ns = time_wall_ns();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(authority_open(&authority, "test ca", now_ns - DAY_NS, now_ns + DAY_NS),
                     FAULT_NONE);
    ck_assert_int_eq(certificate_print(authority_certificate(authority), text, sizeof text),
                     FAULT_NONE);
    write_text(path_of("ca", ".crt"), text);
    certificate_close(issue(authority, AUTHORITY_SERVER, "server", NULL));
    switch_signing = issue(authority, AUTHORITY_SIGNING, "switch", NULL);
    for (int bank = 0; bank < BANK_COUNT; bank++) {
        channel[bank] = issue(authority, AUTHORITY_CLIENT, names[bank], NULL);
    }
    signing[BANK_ONE] = issue(authority, AUTHORITY_SIGNING, "one-signing", &bank_signer);
    signing[BANK_TWO] = issue(authority, AUTHORITY_SIGNING, "two-signing", NULL);
    authority_close(authority);
    ck_assert_int_eq(tls_context_draw_seed(&seed, now_ns), FAULT_NONE);
    for (int bank = 0; bank < BANK_COUNT; bank++) {
        const char *words = "";
        struct tls_settings const settings = {
            .role = TLS_CLIENT,
            .certificate_path = path_of(names[bank], ".crt"),
            .key_path = path_of(names[bank], ".key"),
            .ca_path = path_of("ca", ".crt"),
        };
        ck_assert_int_eq(tls_context_open(&bank_contexts[bank], &settings, &words), FAULT_NONE);
    }
}

void fixture_clean(void)
{
    char command[128];
    for (int bank = 0; bank < BANK_COUNT; bank++) {
        certificate_close(channel[bank]);
        tls_context_close(bank_contexts[bank]);
    }
    certificate_close(signing[BANK_ONE]);
    certificate_close(signing[BANK_TWO]);
    certificate_close(switch_signing);
    signature_signer_close(bank_signer);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

const struct certificate *fixture_switch_certificate(void)
{
    return switch_signing;
}

/* ---- Registry ---- */

static struct registry_participant participants[2];
static struct registry_certificate certificates[4];
static struct registry registries[2];
static const struct registry *_Atomic registry;

static void fill_registry(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert(identifier_parse_code(span_text(names[i]), &participants[i].code));
        participants[i].signing[0] = 2 * i + 1;
        participants[i].signing_count = 1;
        const struct certificate *const pair[] = {channel[i], signing[i]};
        for (uint32_t j = 0; j < 2; j++) {
            certificates[2 * i + j] = (struct registry_certificate){
                .fingerprint = *certificate_fingerprint(pair[j]),
                .participant = i,
                .purpose = j == 0 ? PURPOSE_CHANNEL : PURPOSE_SIGNING,
                .der = certificate_der(pair[j]),
            };
        }
    }
    registries[0] = (struct registry){1, 2, 4, participants, certificates};
    atomic_store(&registry, &registries[0]);
}

void fixture_revoke_bank_one(void)
{
    static struct registry_certificate left[4];
    memcpy(left, certificates, sizeof left);
    memset(&left[0].fingerprint, 0, sizeof left[0].fingerprint);
    registries[1] = (struct registry){2, 2, 4, participants, left};
    atomic_store(&registry, &registries[1]);
}

/* ---- The double ---- */

static struct {
    pthread_mutex_t lock;
    struct fixture_seen seen;
    enum body_outcome outcome;
    enum poll_outcome polls;
    uint32_t retry_after_seconds;
    bool is_held;
    bool is_ended;
    struct fixture_delivery deliveries[LIMIT_PARTS];
    uint32_t delivery_count;
    bool is_repeat; /* they are the batch that a stream holds already */
    struct poll_command waiting[64];
    uint32_t waiting_loop[64];
    uint32_t waiting_count;
    uint64_t step;
} settlement = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t loop_count;
static struct net_loop *loops[FIXTURE_LOOPS];
static struct ring *commands[FIXTURE_LOOPS], *replies[FIXTURE_LOOPS];
static struct metric_block metrics[FIXTURE_LOOPS];
static struct bell settlement_bell;
static struct bucket_table *buckets;
static pthread_t settlement_thread, loop_threads[FIXTURE_LOOPS];
static bool is_running[FIXTURE_LOOPS];
static uint16_t port;

static void put_reply(uint32_t loop, const void *record, size_t size, struct span behind)
{
    char *const room = ring_claim(replies[loop], size + behind.size);
    ck_assert_ptr_nonnull(room);
    memcpy(room, record, size);
    if (behind.size > 0) memcpy(room + size, behind.bytes, behind.size);
}

static void answer_poll(uint32_t loop, const struct poll_command *poll, enum poll_outcome outcome)
{
    uint32_t const count = outcome != POLL_MESSAGES ? 0
                           : settlement.is_repeat || settlement.delivery_count < poll->messages_max
                               ? settlement.delivery_count
                               : poll->messages_max;
    struct poll_reply const reply = {
        .kind = REPLY_POLL,
        .outcome = outcome,
        .request = poll->request,
        .next = {.stream = 0x1234, .step = ++settlement.step},
        .message_count = count,
        .retry_after_seconds = 7,
    };
    put_reply(loop, &reply, sizeof reply, (struct span){0});
    for (uint32_t i = 0; i < count; i++) {
        const struct fixture_delivery *const each = &settlement.deliveries[i];
        put_reply(loop, &each->delivery, sizeof each->delivery, (struct span){0});
        put_reply(loop, &each->item, sizeof each->item, each->behind);
    }
}

static void take_poll(uint32_t loop, const struct poll_command *poll)
{
    settlement.seen.polls += 1;
    settlement.seen.per_loop[loop] += 1;
    settlement.seen.poll = *poll;
    if (poll->verb == POLL_DELETE) {
        answer_poll(loop, poll, POLL_CLOSED);
    } else if (settlement.polls != POLL_MESSAGES) {
        answer_poll(loop, poll, settlement.polls);
    } else if (settlement.delivery_count > 0) {
        answer_poll(loop, poll, POLL_MESSAGES);
    } else {
        ck_assert_uint_lt(settlement.waiting_count, 64);
        settlement.waiting_loop[settlement.waiting_count] = loop;
        settlement.waiting[settlement.waiting_count++] = *poll;
    }
}

static void take_poll_end(const struct poll_end_command *end)
{
    bool const is_lost = end->why == POLL_CONNECTION_LOST;
    settlement.seen.ends_lost += is_lost;
    settlement.seen.ends_time_up += !is_lost;
    for (uint32_t i = 0; i < settlement.waiting_count; i++) {
        if (settlement.waiting[i].request.value != end->request.value) continue;
        uint32_t const loop = settlement.waiting_loop[i];
        if (!is_lost) answer_poll(loop, &settlement.waiting[i], POLL_EMPTY);
        settlement.waiting_count -= 1;
        settlement.waiting[i] = settlement.waiting[settlement.waiting_count];
        settlement.waiting_loop[i] = settlement.waiting_loop[settlement.waiting_count];
        return;
    }
}

static void keep_canonical(const struct transfer_command *transfer, const char *message_bytes)
{
    const char *const from = transfer->canonical_behind ? (const char *)(transfer + 1)
                                                        : message_bytes + transfer->canonical_at;
    size_t const max = sizeof settlement.seen.canonical - 1;
    size_t const size = transfer->canonical_size < max ? transfer->canonical_size : max;
    memcpy(settlement.seen.canonical, from, size);
    settlement.seen.canonical[size] = 0;
}

static void take_body(uint32_t loop, const struct body_command *body)
{
    struct fixture_seen *const seen = &settlement.seen;
    const char *message_bytes = NULL;
    uint32_t messages = 0, found = 0;
    for (uint32_t left = body->message_count + body->command_count; left > 0; left--) {
        struct span const record = ring_next(commands[loop]);
        ck_assert_ptr_nonnull(record.bytes);
        const void *const at = record.bytes;
        switch ((enum command_kind) * (const uint32_t *)at) {
        case COMMAND_MESSAGE:
            seen->message = *(const struct message_command *)at;
            message_bytes = record.bytes + sizeof(struct message_command);
            ck_assert_uint_eq(record.size, sizeof(struct message_command) + seen->message.size);
            messages += 1;
            break;
        case COMMAND_TRANSFER:
            seen->transfers += 1;
            seen->transfer = *(const struct transfer_command *)at;
            keep_canonical(at, message_bytes);
            found += 1;
            break;
        case COMMAND_ANSWER:
            seen->answers += 1;
            seen->answer = *(const struct answer_command *)at;
            break;
        case COMMAND_BALANCE:
            seen->balances += 1;
            seen->balance = *(const struct balance_command *)at;
            break;
        case COMMAND_REFUSAL:
            seen->refusals += 1;
            seen->refusal = *(const struct refusal_command *)at;
            break;
        case COMMAND_BODY:
        case COMMAND_POLL:
        case COMMAND_POLL_END:
        case COMMAND_RECEIPT: ck_abort_msg("a record of another kind in a body");
        }
    }
    ck_assert_uint_eq(messages, body->message_count);
    ck_assert_uint_eq(found, body->transfer_count);
    seen->bodies += 1;
    seen->messages += messages;
    seen->dropped += body->dropped_count;
    seen->per_loop[loop] += 1;
    struct body_reply const reply = {.kind = REPLY_BODY,
                                     .outcome = settlement.outcome,
                                     .request = body->request,
                                     .retry_after_seconds = settlement.retry_after_seconds};
    put_reply(loop, &reply, sizeof reply, (struct span){0});
}

/* The id says what becomes of it. */
static void take_receipt(uint32_t loop, const struct receipt_command *receipt)
{
    struct span const id = identifier_payment_id_text(&receipt->id);
    struct receipt_reply const reply = {.kind = REPLY_RECEIPT,
                                        .outcome = span_equal(id, SPAN("unknown")) ? RECEIPT_UNKNOWN
                                                   : span_equal(id, SPAN("busy"))  ? RECEIPT_BUSY
                                                                                   : RECEIPT_FAILED,
                                        .request = receipt->request,
                                        .retry_after_seconds = 7};
    put_reply(loop, &reply, sizeof reply, (struct span){0});
}

static bool take_commands(uint32_t loop)
{
    struct span record = ring_next(commands[loop]);
    if (!record.bytes) return false;
    for (; record.bytes; record = ring_next(commands[loop])) {
        const void *const at = record.bytes;
        uint32_t const kind = *(const uint32_t *)at;
        if (kind == COMMAND_BODY) {
            take_body(loop, at);
        } else if (kind == COMMAND_POLL) {
            take_poll(loop, at);
        } else if (kind == COMMAND_RECEIPT) {
            take_receipt(loop, at);
        } else {
            ck_assert_uint_eq(kind, COMMAND_POLL_END);
            take_poll_end(at);
        }
    }
    ring_release(commands[loop]);
    return true;
}

static bool offer(void)
{
    if (settlement.delivery_count == 0 || settlement.waiting_count == 0) return false;
    while (settlement.waiting_count > 0) {
        settlement.waiting_count -= 1;
        answer_poll(settlement.waiting_loop[settlement.waiting_count],
                    &settlement.waiting[settlement.waiting_count], POLL_MESSAGES);
    }
    return true;
}

static void *settle(void *unused)
{
    for (;;) {
        bell_arm(&settlement_bell);
        pthread_mutex_lock(&settlement.lock);
        bool did = false;
        for (uint32_t loop = 0; loop < loop_count && !settlement.is_held; loop++) {
            did |= take_commands(loop);
        }
        if (!settlement.is_held) did |= offer();
        bool const is_ended = settlement.is_ended;
        pthread_mutex_unlock(&settlement.lock);
        for (uint32_t loop = 0; did && loop < loop_count; loop++) {
            ring_publish(replies[loop]);
            bell_ring(net_loop_bell(loops[loop]));
        }
        if (is_ended) return unused;
        if (!did) bell_wait(&settlement_bell, 50 * TIME_NS_PER_MS);
        bell_disarm(&settlement_bell);
    }
}

/* Changes the double under its lock. */
#define CHANGE(statement)                                                                          \
    do {                                                                                           \
        pthread_mutex_lock(&settlement.lock);                                                      \
        statement;                                                                                 \
        pthread_mutex_unlock(&settlement.lock);                                                    \
        bell_ring(&settlement_bell);                                                               \
    } while (0)

void fixture_answer_bodies(enum body_outcome outcome, uint32_t retry_after_seconds)
{
    CHANGE(settlement.outcome = outcome; settlement.retry_after_seconds = retry_after_seconds);
}

void fixture_answer_polls(enum poll_outcome outcome)
{
    CHANGE(settlement.polls = outcome);
}

void fixture_hold(bool is_held)
{
    CHANGE(settlement.is_held = is_held);
}

void fixture_deliver(const struct fixture_delivery *deliveries, uint32_t count)
{
    CHANGE(if (count > 0) memcpy(settlement.deliveries, deliveries, count * sizeof *deliveries);
           settlement.delivery_count = count; settlement.is_repeat = false);
}

void fixture_deliver_again(const struct fixture_delivery *deliveries, uint32_t count)
{
    fixture_deliver(deliveries, count);
    CHANGE(settlement.is_repeat = true);
}

struct fixture_seen fixture_seen(void)
{
    struct fixture_seen seen;
    CHANGE(seen = settlement.seen);
    return seen;
}

void fixture_wait_for_polls(uint32_t count)
{
    for (int i = 0; i < 300 && fixture_seen().polls < count; i++) {
        (void)poll(NULL, 0, 10);
    }
    ck_assert_uint_ge(fixture_seen().polls, count);
}

void fixture_wait_for_lost(uint32_t count)
{
    for (int i = 0; i < 300 && fixture_seen().ends_lost < count; i++) {
        (void)poll(NULL, 0, 10);
    }
    ck_assert_uint_eq(fixture_seen().ends_lost, count);
}

/* ---- The switch ---- */

static void *run_loop(void *context)
{
    net_loop_run(context);
    return NULL;
}

static void set_config(void)
{
    struct config *const config = &fixture_config;
    strcpy(config->switch_code, "00038166");
    strcpy(config->participants_listen.host, "127.0.0.1");
    strcpy(config->participants_certificate, path_of("server", ".crt"));
    strcpy(config->participants_key, path_of("server", ".key"));
    strcpy(config->participants_ca, path_of("ca", ".crt"));
    strcpy(config->signing_certificate, path_of("switch", ".crt"));
    strcpy(config->signing_key, path_of("switch", ".key"));
    config->payments_duplicate_window_ns = DAY_NS;
    config->payments_clock_ahead_ns = 60 * TIME_NS_PER_SECOND;
    if (config->participants_poll_ns == 0) config->participants_poll_ns = 10 * TIME_NS_PER_SECOND;
    if (config->participants_request_timeout_ns == 0) {
        config->participants_request_timeout_ns = 10 * TIME_NS_PER_SECOND;
    }
    if (config->participants_idle_timeout_ns == 0) {
        config->participants_idle_timeout_ns = 120 * TIME_NS_PER_SECOND;
    }
    if (config->participants_rate_refill == 0) config->participants_rate_refill = 1;
}

void fixture_start(size_t count)
{
    char words[NET_LOOP_WORDS_BYTES];
    set_config();
    fill_registry();
    loop_count = count;
    memset(&settlement.seen, 0, sizeof settlement.seen);
    settlement.outcome = BODY_DONE;
    settlement.polls = POLL_MESSAGES;
    settlement.is_held = settlement.is_ended = settlement.is_repeat = false;
    settlement.delivery_count = settlement.waiting_count = 0;
    atomic_store(&fixture_published.clock_offset_ns, time_wall_ns() - time_monotonic_ns());
    atomic_store(&fixture_published.state, STATE_SERVING);
    memset(metrics, 0, sizeof metrics);
    ck_assert_int_eq(bell_open(&settlement_bell), FAULT_NONE);
    ck_assert_int_eq(bucket_open(&buckets, fixture_config.participants_rate_tokens,
                                 fixture_config.participants_rate_refill),
                     FAULT_NONE);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(ring_open(&commands[i], LIMIT_COMMAND_RING_BYTES), FAULT_NONE);
        ck_assert_int_eq(ring_open(&replies[i], RING_BYTES), FAULT_NONE);
        struct net_loop_settings const settings = {
            .index = i,
            .config = &fixture_config,
            .ticket_seed = &seed,
            .commands = commands[i],
            .settlement_bell = &settlement_bell,
            .replies = replies[i],
            .published = &fixture_published,
            .registry = &registry,
            .buckets = buckets,
            .metrics = &metrics[i],
        };
        enum fault const fault = net_loop_open(&loops[i], &settings, words);
        ck_assert_msg(fault == FAULT_NONE, "%s", words);
    }
    ck_assert_msg(net_loop_listen(loops, count, &port, words) == FAULT_NONE, "%s", words);
    ck_assert_int_eq(pthread_create(&settlement_thread, NULL, settle, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(pthread_create(&loop_threads[i], NULL, run_loop, loops[i]), 0);
        is_running[i] = true;
    }
}

int64_t fixture_stop_loops(void)
{
    int64_t const began_ns = time_monotonic_ns();
    atomic_store(&fixture_published.state, STATE_STOPPING);
    for (size_t i = 0; i < loop_count; i++) {
        net_loop_stop(loops[i]);
    }
    for (size_t i = 0; i < loop_count; i++) {
        if (is_running[i]) ck_assert_int_eq(pthread_join(loop_threads[i], NULL), 0);
        is_running[i] = false;
    }
    return time_monotonic_ns() - began_ns;
}

void fixture_stop(void)
{
    (void)fixture_stop_loops();
    CHANGE(settlement.is_ended = true);
    ck_assert_int_eq(pthread_join(settlement_thread, NULL), 0);
    for (size_t i = 0; i < loop_count; i++) {
        net_loop_close(loops[i]);
        ring_close(commands[i]);
        ring_close(replies[i]);
    }
    bucket_close(buckets);
    bell_close(&settlement_bell);
    fixture_config = (struct config){0};
}

uint16_t fixture_port(void)
{
    return port;
}

uint64_t fixture_metric(enum metric metric)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < loop_count; i++) {
        sum += metric_get(&metrics[i], metric);
    }
    return sum;
}

/* ---- The bank's line ---- */

struct bank_line {
    int socket_fd;
    struct tls *tls;
    struct response_reader reader;
    bool is_ended;
    char cipher[16 * 1024];
    struct span input; /* of cipher, not yet decrypted */
    char plain[16 * 1024];
    struct span unread; /* of plain, not yet read as an answer */
    char body[FIXTURE_ANSWER_BYTES];
};

static bool send_output(struct bank_line *line)
{
    for (struct span output = tls_output(line->tls); output.size > 0;
         output = tls_output(line->tls)) {
        ssize_t const sent = send(line->socket_fd, output.bytes, output.size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        tls_sent(line->tls, (size_t)sent);
    }
    return true;
}

/* Fills line->unread; false at the end of the connection. */
static bool read_plain(struct bank_line *line)
{
    for (;;) {
        size_t size = 0;
        enum tls_result const result =
            tls_read(line->tls, &line->input, line->plain, sizeof line->plain, &size);
        (void)send_output(line);
        if (result == TLS_READY) {
            line->unread = span_of(line->plain, size);
            return true;
        }
        if (result == TLS_NEEDS_FLUSH) continue;
        if (result != TLS_NEEDS_INPUT) return false;
        struct pollfd wanted = {.fd = line->socket_fd, .events = POLLIN};
        if (poll(&wanted, 1, WAIT_MS) != 1) return false;
        ssize_t const got = recv(line->socket_fd, line->cipher, sizeof line->cipher, 0);
        if (got <= 0) return false;
        line->input = span_of(line->cipher, (size_t)got);
    }
}

struct bank_line *bank_line_open(enum fixture_bank bank)
{
    struct bank_line *const line = calloc(1, sizeof *line);
    ck_assert_ptr_nonnull(line);
    line->socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in const address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    ck_assert_int_eq(connect(line->socket_fd, (const struct sockaddr *)&address, sizeof address),
                     0);
    ck_assert_int_eq(tls_open(&line->tls, bank_contexts[bank], "127.0.0.1"), FAULT_NONE);
    response_reader_begin(&line->reader, line->body, sizeof line->body);
    (void)send_output(line);
    while (!tls_is_established(line->tls)) {
        size_t size = 0;
        enum tls_result const result =
            tls_read(line->tls, &line->input, line->plain, sizeof line->plain, &size);
        if (!send_output(line) || result == TLS_FAILED) {
            bank_line_close(line);
            return NULL;
        }
        if (tls_is_established(line->tls)) break;
        ssize_t const got = recv(line->socket_fd, line->cipher, sizeof line->cipher, 0);
        ck_assert_int_gt(got, 0);
        line->input = span_of(line->cipher, (size_t)got);
    }
    return line;
}

bool bank_line_is_resumed(const struct bank_line *line)
{
    return tls_is_resumed(line->tls);
}

void bank_line_send(struct bank_line *line, struct span bytes)
{
    while (bytes.size > 0) {
        enum tls_result const result = tls_write(line->tls, &bytes);
        ck_assert(result == TLS_READY || result == TLS_NEEDS_FLUSH);
        if (!send_output(line)) return; /* the peer has closed: the answer tells */
    }
}

int bank_line_answer(struct bank_line *line)
{
    response_reader_begin(&line->reader, line->body, sizeof line->body);
    for (;;) {
        size_t taken = 0;
        enum response_reader_event const event =
            response_reader_feed(&line->reader, line->unread, &taken);
        line->unread = span_after(line->unread, taken);
        if (event == RESPONSE_READER_COMPLETE) return line->reader.status;
        ck_assert_msg(event != RESPONSE_READER_BROKEN, "%s", line->reader.words);
        if (!read_plain(line)) return 0;
    }
}

struct span bank_line_body(const struct bank_line *line)
{
    return span_of(line->body, line->reader.body_size);
}

struct span bank_line_field(const struct bank_line *line, const char *name)
{
    struct span value = {0};
    (void)fields_find(&line->reader.fields, span_text(name), &value);
    return value;
}

struct span bank_line_raw(struct bank_line *line)
{
    return read_plain(line) ? line->unread : (struct span){0};
}

bool bank_line_is_ended(struct bank_line *line)
{
    int64_t const began_ns = time_monotonic_ns();
    bool const has_more = line->unread.size > 0 || read_plain(line);
    return !has_more && time_monotonic_ns() - began_ns < WAIT_MS * TIME_NS_PER_MS;
}

void bank_line_close(struct bank_line *line)
{
    tls_close(line->tls);
    (void)close(line->socket_fd);
    free(line);
}

/* ---- Messages ---- */

struct span fixture_payment(char *buffer, size_t size, const char *id)
{
    int64_t const now_ns = time_wall_ns();
    struct header const header = {
        .sender = SPAN("10000001"),
        .receiver = SPAN("00038166"),
        .business_id = span_text(id),
        .created_ns = now_ns,
    };
    struct pacs008_order const order = {
        .instruction_id = SPAN("instruction"),
        .end_to_end_id = span_text(id),
        .amount = amount_of_minor(1234),
        .currency = SPAN("MXN"),
        .accepted_ns = now_ns,
        .priority = PACS008_HIGH,
        .debtor_name = SPAN("Ana"),
        .debtor_agent = SPAN("10000001"),
        .creditor_agent = SPAN("10000002"),
        .creditor_name = SPAN("Beto"),
    };
    struct compose compose;
    struct span message;
    compose_open(&compose, buffer, size);
    ck_assert_int_eq(pacs008_write(&compose, &header, &order, 1), FAULT_NONE);
    ck_assert_int_eq(compose_sign(&compose, bank_signer, &message), FAULT_NONE);
    return message;
}

/* Signs an Envelope in any spelling: what is signed is its canonical form, and the Signature goes
 * into the spelling. Both have their Sgntr empty, and no attribute or text that looks like it. */
static struct span sign(char *spelled, size_t size, size_t max)
{
    static char canonical[LIMIT_CANONICAL_BYTES], signature[8192];
    static const char place[] = "</Sgntr>";
    struct xml_document document = {0};
    struct reader_error error;
    size_t canonical_size = 0;
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
    ck_assert_int_eq(reader_parse(&document, span_of(spelled, size), NULL, &error), FAULT_NONE);
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical, &canonical_size),
                     FAULT_NONE);
    document_close(&document);
    const char *const at = memmem(canonical, canonical_size, place, sizeof place - 1);
    char *const gap = memmem(spelled, size, place, sizeof place - 1);
    size_t const added = signature_size(bank_signer);
    ck_assert(at && gap && added <= sizeof signature && size + added <= max);
    ck_assert_int_eq(signature_write(bank_signer, span_of(canonical, (size_t)(at - canonical)),
                                     span_of(at, canonical_size - (size_t)(at - canonical)),
                                     signature),
                     FAULT_NONE);
    memmove(gap + added, gap, size - (size_t)(gap - spelled));
    memcpy(gap, signature, added);
    return span_of(spelled, size + added);
}

struct span fixture_payment_with(char *buffer, size_t size, const char *id, const char *behind)
{
    char bytes[16384];
    struct span const payment = fixture_payment(bytes, sizeof bytes, id);
    const char *const from = memmem(payment.bytes, payment.size, "<ds:Signature", 13);
    const char *const to = memmem(payment.bytes, payment.size, "</Sgntr>", 8);
    const char *const end = memmem(payment.bytes, payment.size, "</CdtTrfTxInf>", 14);
    ck_assert(from && to && end);
    int const spelled =
        snprintf(buffer, size, "%.*s%.*s%s%.*s", (int)(from - payment.bytes), payment.bytes,
                 (int)(end - to), to, behind, (int)(payment.bytes + payment.size - end), end);
    ck_assert_int_lt(spelled, (int)size);
    return sign(buffer, (size_t)spelled, size);
}
