/* admin: both ports asked over real sockets, operators' with certificates of a small authority, as a
 * table of requests; the pages' content against known figures; starts that must fail. */
#include <arpa/inet.h>
#include <check.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ledger/reader.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/tls/tls.h"
#include "switch/admin/admin.h"
#include "tests/check/ledger_folder.h"

#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)
#define ANSWER_BYTES (64 * 1024)
#define WAIT_MS 5000
#define LEDGER_ENTRIES 40

/* Whose certificate a client shows. NOBODY's is of the same authority, and no operator's. */
enum who { MAKER, CHECKER, AUDITOR, RTGS, NOBODY, WHO_COUNT };
static const char *const names[WHO_COUNT] = {"maker", "checker", "auditor", "rtgs", "nobody"};

static char folder[] = "/tmp/admin_test.XXXXXX";
#define FOLDER_RANDOM 6 /* what mkdtemp replaces at its end */
static char ledger_directory[FOLDER_PATH_BYTES];
static struct tls_context *contexts[WHO_COUNT];
static char paths[8][128];

static struct config config;
static struct published published;
static struct metric_block blocks[2];
static _Atomic uint64_t acknowledged_seq, publish_rebuilds;
static struct admin *admin;
static uint16_t operators_port, health_port;
static char words[ADMIN_WORDS_BYTES];

static struct {
    char bytes[ANSWER_BYTES + 1]; /* with a zero behind it */
    size_t size;
    int status; /* 0: the connection ended without an answer */
    const char *body;
} answer;

/* ---- Keys, genesis.json, ledger: once for each group ---------------------------------------- */

static const char *path_of(const char *name, const char *ending)
{
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

static void issue(const struct authority *authority, enum authority_purpose purpose,
                  const char *name)
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
    certificate_close(certificate);
    key_close(key);
}

#define GENESIS(operators)                                                                         \
    "{\"version\":1,\"participants\":[{\"code\":\"10000001\",\"name\":\"One\",\"status\":"         \
    "\"active\",\"balance\":\"1.00\"}],\"operators\":[" operators "]}"
#define OPERATOR(name, certificate)                                                                \
    "{\"name\":\"" name "\",\"role\":\"" name "\",\"certificate\":\"" certificate "\"}"

static void prepare(void)
{
    struct authority *authority = NULL;
    char text[8192];
    int64_t const now_ns = time_wall_ns();
    memset(folder + sizeof folder - 1 - FOLDER_RANDOM, 'X', FOLDER_RANDOM);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(authority_open(&authority, "test ca", now_ns - DAY_NS, now_ns + DAY_NS),
                     FAULT_NONE);
    ck_assert_int_eq(certificate_print(authority_certificate(authority), text, sizeof text),
                     FAULT_NONE);
    write_text(path_of("ca", ".crt"), text);
    issue(authority, AUTHORITY_SERVER, "server");
    for (int who = 0; who < WHO_COUNT; who++) {
        issue(authority, AUTHORITY_CLIENT, names[who]);
        const char *why = "";
        struct tls_settings const settings = {
            .role = TLS_CLIENT,
            .certificate_path = path_of(names[who], ".crt"),
            .key_path = path_of(names[who], ".key"),
            .ca_path = path_of("ca", ".crt"),
        };
        ck_assert_msg(tls_context_open(&contexts[who], &settings, &why) == FAULT_NONE, "%s", why);
    }
    authority_close(authority);
    write_text(path_of("genesis", ".json"),
               GENESIS(OPERATOR("maker", "maker.crt") "," OPERATOR("checker", "checker.crt") "," //
                       OPERATOR("auditor", "auditor.crt") "," OPERATOR("rtgs", "rtgs.crt")));
    write_text(path_of("shared", ".json"),
               GENESIS(OPERATOR("maker", "maker.crt") "," OPERATOR("checker", "maker.crt")));
    write_text(path_of("lost", ".json"), GENESIS(OPERATOR("maker", "gone.crt")));
    write_text(path_of("role", ".json"), GENESIS(OPERATOR("king", "maker.crt")));
    ledger_folder_make(ledger_directory);
    ledger_folder_fill(ledger_directory, 1, LEDGER_ENTRIES, 8);
}

static void clean(void)
{
    char command[128];
    for (int who = 0; who < WHO_COUNT; who++) {
        tls_context_close(contexts[who]);
    }
    ledger_folder_remove(ledger_directory);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* ---- One switch's admin: for each test ----------------------------------------------------- */

static void show_books(uint64_t available, uint64_t reserved, uint64_t funding, uint64_t open)
{
    metric_set(&blocks[0], METRIC_AVAILABLE, available);
    metric_set(&blocks[0], METRIC_RESERVED_SUM, reserved);
    metric_set(&blocks[0], METRIC_NET_FUNDING, funding);
    metric_set(&blocks[0], METRIC_OPEN_SUM, open);
}

static struct admin_settings settings_of(const char *genesis)
{
    return (struct admin_settings){
        .config = &config,
        .published = &published,
        .metrics = {&blocks[0], &blocks[1]},
        .metrics_count = 2,
        .genesis_path = path_of(genesis, ".json"),
        .acknowledged_seq = &acknowledged_seq,
        .publish_rebuilds = &publish_rebuilds,
    };
}

static void set_up(void)
{
    memset(&config, 0, sizeof config);
    memset(blocks, 0, sizeof blocks);
    config.admin_listen = (struct config_address){.host = "127.0.0.1"};
    config.admin_metrics_listen = (struct config_address){.host = "127.0.0.1"};
    config.kafka_mode = CONFIG_BROKER_BROKER;
    (void)snprintf(config.admin_certificate, sizeof config.admin_certificate, "%s/server.crt",
                   folder);
    (void)snprintf(config.admin_key, sizeof config.admin_key, "%s/server.key", folder);
    (void)snprintf(config.admin_ca, sizeof config.admin_ca, "%s/ca.crt", folder);
    (void)snprintf(config.ledger_directory, sizeof config.ledger_directory, "%s", ledger_directory);
    memcpy(config.switch_code, "00038166", 9);
    memcpy(config.switch_currency, "MXN", 4);
    atomic_store(&published.state, STATE_SERVING);
    atomic_store(&published.durable_seq, LEDGER_ENTRIES);
    atomic_store(&published.clock_offset_ns, time_wall_ns() - time_monotonic_ns());
    atomic_store(&acknowledged_seq, LEDGER_ENTRIES - 3);
    atomic_store(&publish_rebuilds, 2);
    show_books(900, 100, 1000, 100);
    metric_set(&blocks[0], METRIC_PAYMENTS_OPEN, 7);
    metric_set(&blocks[0], METRIC_LEDGER_SEQ, LEDGER_ENTRIES);
    metric_set(&blocks[0], METRIC_CONNECTIONS_OPEN, 4);
    metric_set(&blocks[1], METRIC_CONNECTIONS_OPEN, 5);
    metric_set(&blocks[1], METRIC_REQUESTS, UINT64_C(18446744073709551610));
}

static uint16_t port_of(const char *url)
{
    return (uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10);
}

static void start(void)
{
    struct admin_settings const settings = settings_of("genesis");
    char operators[ADMIN_URL_BYTES], metrics[ADMIN_URL_BYTES];
    ck_assert_msg(admin_start(&admin, &settings, words) == FAULT_NONE, "%s", words);
    admin_print_urls(admin, operators, metrics);
    ck_assert_int_eq(strncmp(operators, "https://127.0.0.1:", 18), 0);
    ck_assert_int_eq(strncmp(metrics, "http://127.0.0.1:", 17), 0);
    operators_port = port_of(operators);
    health_port = port_of(metrics);
}

static void stop(void)
{
    admin_stop(admin);
    admin = NULL;
}

static void set_up_and_start(void)
{
    set_up();
    start();
}

/* ---- A client ------------------------------------------------------------------------------ */

static int connect_to(uint16_t port)
{
    int const socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval const wait = {.tv_sec = WAIT_MS / 1000};
    struct sockaddr_in const address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    ck_assert_int_ge(socket_fd, 0);
    ck_assert_int_eq(setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    ck_assert_int_eq(connect(socket_fd, (const struct sockaddr *)&address, sizeof address), 0);
    return socket_fd;
}

static void send_output(int socket_fd, struct tls *tls)
{
    while (tls_output(tls).size > 0) {
        struct span const output = tls_output(tls);
        ssize_t const sent = send(socket_fd, output.bytes, output.size, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the peer has closed: what it said is still to be read */
        tls_sent(tls, (size_t)sent);
    }
}

/* Reads plain text into the answer until the peer ends the connection. */
static void exchange_over_tls(int socket_fd, struct tls *tls, struct span request)
{
    char cipher[16384];
    struct span input = {0};
    send_output(socket_fd, tls);
    for (;;) {
        size_t size = 0;
        enum tls_result const result = tls_read(tls, &input, answer.bytes + answer.size,
                                                ANSWER_BYTES - answer.size + 1, &size);
        answer.size += size;
        if (tls_is_established(tls) && request.size > 0) {
            ck_assert_int_eq(tls_write(tls, &request), TLS_READY);
        }
        send_output(socket_fd, tls);
        if (result == TLS_READY) continue;
        if (result != TLS_NEEDS_INPUT) return;
        ssize_t const got = recv(socket_fd, cipher, sizeof cipher, 0);
        if (got <= 0) return;
        input = span_of(cipher, (size_t)got);
    }
}

static void exchange_in_plain(int socket_fd, struct span request)
{
    ck_assert_int_eq(send(socket_fd, request.bytes, request.size, MSG_NOSIGNAL),
                     (ssize_t)request.size);
    for (;;) {
        ssize_t const got =
            recv(socket_fd, answer.bytes + answer.size, ANSWER_BYTES - answer.size, 0);
        if (got <= 0) return;
        answer.size += (size_t)got;
    }
}

static void read_answer(void)
{
    answer.bytes[answer.size] = '\0';
    answer.status = 0;
    (void)sscanf(answer.bytes, "HTTP/1.1 %d ", &answer.status);
    char *const blank = strstr(answer.bytes, "\r\n\r\n");
    answer.body = blank ? blank + 4 : "";
}

/* One request on a connection of its own; to the health port when `who` is NOBODY and the port is
 * that.  `headers`: further ones, each with its CRLF. */
static int ask(uint16_t port, enum who who, const char *method, const char *path,
               const char *headers)
{
    char request[1024];
    int const size =
        snprintf(request, sizeof request,
                 "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path, headers);
    struct span const bytes = span_of(request, (size_t)size);
    int const socket_fd = connect_to(port);
    answer.size = 0;
    if (port == health_port) {
        exchange_in_plain(socket_fd, bytes);
    } else {
        struct tls *tls = NULL;
        ck_assert_int_eq(tls_open(&tls, contexts[who], "127.0.0.1"), FAULT_NONE);
        exchange_over_tls(socket_fd, tls, bytes);
        tls_close(tls);
    }
    ck_assert_int_eq(close(socket_fd), 0);
    read_answer();
    return answer.status;
}

#define SYSTEM "/admin/v1/system"
#define PROBLEM_TYPE "Content-Type: application/problem+json\r\n"
#define JSON_TYPE "Content-Type: application/json\r\n"
#define TEXT_TYPE "Content-Type: text/plain; charset=utf-8\r\n"
#define METRICS_TEXT_TYPE "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"

/* ---- Requests and their answers ------------------------------------------------------------ */

enum port_kind { OPERATORS, HEALTH };

static const struct {
    enum port_kind port;
    enum who who;
    const char *method, *path, *headers;
    int status;
    const char *holds; /* somewhere in the answer */
} requests[] = {
    {OPERATORS, MAKER, "GET", SYSTEM, "", 200, JSON_TYPE},
    {OPERATORS, CHECKER, "GET", SYSTEM, "", 200, "\"role\":\"checker\""},
    {OPERATORS, AUDITOR, "GET", SYSTEM, "", 200, "\"name\":\"auditor\""},
    {OPERATORS, RTGS, "GET", SYSTEM, "", 200, "\"state\":\"serving\""},
    {OPERATORS, MAKER, "GET", SYSTEM "?x=1", "", 200, JSON_TYPE},
    {OPERATORS, MAKER, "GET", SYSTEM, "Accept: application/json\r\n", 200, JSON_TYPE},
    {OPERATORS, MAKER, "GET", SYSTEM, "Content-Length: 3\r\n\r\nabc", 200, JSON_TYPE},
    {OPERATORS, NOBODY, "GET", SYSTEM, "", 403, "urn:cauce:problem:forbidden"},
    {OPERATORS, NOBODY, "GET", SYSTEM, "", 403, PROBLEM_TYPE},
    {OPERATORS, NOBODY, "POST", SYSTEM, "", 403, PROBLEM_TYPE},
    {OPERATORS, NOBODY, "GET", "/", "", 404, PROBLEM_TYPE},
    {OPERATORS, MAKER, "GET", "/", "", 404, "urn:cauce:problem:not-found"},
    {OPERATORS, MAKER, "GET", SYSTEM "/", "", 404, PROBLEM_TYPE},
    {OPERATORS, MAKER, "GET", "/metrics", "", 404, PROBLEM_TYPE},
    {OPERATORS, MAKER, "POST", SYSTEM, "", 405, "Allow: GET, HEAD\r\n"},
    {OPERATORS, MAKER, "DELETE", SYSTEM, "", 405, PROBLEM_TYPE},
    {OPERATORS, MAKER, "get", SYSTEM, "", 405, PROBLEM_TYPE},
    {OPERATORS, MAKER, "POST", SYSTEM, "Accept: text/html\r\n", 405, PROBLEM_TYPE},
    {OPERATORS, MAKER, "GET", SYSTEM, "Accept: text/html\r\n", 406, PROBLEM_TYPE},
    {OPERATORS, MAKER, "GET", SYSTEM, "Bad header\r\n", 400, PROBLEM_TYPE},
    {HEALTH, NOBODY, "GET", "/livez", "", 200, TEXT_TYPE},
    {HEALTH, NOBODY, "GET", "/readyz", "", 200, "\r\n\r\nserving\n"},
    {HEALTH, NOBODY, "GET", "/metrics", "", 200, METRICS_TEXT_TYPE},
    {HEALTH, NOBODY, "GET", "/metrics", "Accept: application/openmetrics-text\r\n", 200,
     METRICS_TEXT_TYPE},
    {HEALTH, NOBODY, "POST", "/metrics", "", 405, "Allow: GET, HEAD\r\n"},
    {HEALTH, NOBODY, "GET", SYSTEM, "", 404, PROBLEM_TYPE},
    {HEALTH, NOBODY, "GET", "/livez/", "", 404, PROBLEM_TYPE},
};

START_TEST(requests_are_answered_as_the_table_says)
{
    uint16_t const port = requests[_i].port == HEALTH ? health_port : operators_port;
    int const status =
        ask(port, requests[_i].who, requests[_i].method, requests[_i].path, requests[_i].headers);
    ck_assert_msg(status == requests[_i].status && strstr(answer.bytes, requests[_i].holds),
                  "%s %s: %d, expected %d with %s:\n%s", requests[_i].method, requests[_i].path,
                  status, requests[_i].status, requests[_i].holds, answer.bytes);
}
END_TEST

START_TEST(a_head_request_gets_no_body)
{
    ck_assert_int_eq(ask(health_port, NOBODY, "HEAD", "/livez", ""), 200);
    ck_assert_str_eq(answer.body, "");
    ck_assert_ptr_nonnull(strstr(answer.bytes, "Content-Length: 8\r\n"));
}
END_TEST

/* ---- What the pages say -------------------------------------------------------------------- */

static json_t *ask_for_system(void)
{
    ck_assert_int_eq(ask(operators_port, AUDITOR, "GET", SYSTEM, ""), 200);
    json_t *const root = json_loads(answer.body, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

static bool holds(const json_t *root, size_t index)
{
    return json_is_true(
        json_object_get(json_array_get(json_object_get(root, "invariants"), index), "holds"));
}

START_TEST(the_system_page_shows_the_published_facts)
{
    json_int_t durable, head, open, connections, acknowledged, lag, rebuilds, uptime;
    json_int_t available, reserved, funding, again, payments;
    const char *hash, *time, *mode, *rule;
    json_t *const root = ask_for_system();
    ck_assert_int_eq(
        json_unpack(root,
                    "{s:s, s:I, s:{s:I, s:s, s:I}, s:[{s:s, s:I, s:I, s:I}, {s:I, s:I}], s:{s:I}, "
                    "s:{s:I}, s:{s:s, s:I, s:I, s:I}}",
                    "time", &time, "uptime_seconds", &uptime, "ledger", "head_seq", &head,
                    "head_hash", &hash, "durable_seq", &durable, "invariants", "rule", &rule,
                    "available_minor", &available, "reserved_minor", &reserved, "net_funding_minor",
                    &funding, "reserved_minor", &again, "open_payments_minor", &payments,
                    "payments", "open", &open, "participants", "connections", &connections,
                    "broker", "mode", &mode, "acknowledged_seq", &acknowledged, "lag", &lag,
                    "rebuilds", &rebuilds),
        0);
    ck_assert_int_eq(head, LEDGER_ENTRIES);
    ck_assert_int_eq(durable, LEDGER_ENTRIES);
    ck_assert_int_eq(open, 7);
    ck_assert_int_eq(connections, 9); /* of both loops */
    ck_assert_int_eq(acknowledged, LEDGER_ENTRIES - 3);
    ck_assert_int_eq(lag, 3);
    ck_assert_int_eq(rebuilds, 2);
    ck_assert_int_eq(available, 900);
    ck_assert_int_eq(reserved, 100);
    ck_assert_int_eq(funding, 1000);
    ck_assert_int_eq(again, 100);
    ck_assert_int_eq(payments, 100);
    ck_assert_int_lt(uptime, 60);
    ck_assert_str_eq(mode, "broker");
    ck_assert(holds(root, 0) && holds(root, 1));

    int64_t shown_ns;
    ck_assert_int_eq(time_parse(span_text(time), &shown_ns), TIME_PARSE_GOOD);
    ck_assert_int_lt(llabs(shown_ns - time_wall_ns()), 10 * TIME_NS_PER_SECOND);

    struct reader *reader;
    struct entry entry;
    char expected[HASH_TEXT_BYTES];
    ck_assert_int_eq(reader_open(&reader, ledger_directory, NULL), FAULT_NONE);
    ck_assert_int_eq(reader_entry(reader, LEDGER_ENTRIES, &entry, NULL), FAULT_NONE);
    hash_print(&entry.hash, expected);
    ck_assert_str_eq(hash, expected);
    reader_close(reader);
    json_decref(root);
}
END_TEST

START_TEST(a_broken_invariant_is_said_after_a_second_of_doubt)
{
    show_books(900, 100, 1001, 100);
    int64_t const before_ns = time_monotonic_ns();
    json_t *root = ask_for_system();
    ck_assert(!holds(root, 0) && holds(root, 1));
    ck_assert_int_ge(time_monotonic_ns() - before_ns,
                     LIMIT_ADMIN_DOUBT_MS * TIME_NS_PER_MS * 9 / 10);
    json_decref(root);

    show_books(900, 100, 1000, 99);
    root = ask_for_system();
    ck_assert(holds(root, 0) && !holds(root, 1));
    json_decref(root);
}
END_TEST

/* Shows books in the middle of a change, then the rest of the change. */
static void *finish_change(void *argument)
{
    (void)argument;
    (void)poll(NULL, 0, 100);
    show_books(900, 100, 1000, 100);
    return NULL;
}

START_TEST(a_look_into_the_middle_of_a_change_is_no_broken_invariant)
{
    pthread_t thread;
    show_books(800, 100, 1000, 200);
    ck_assert_int_eq(pthread_create(&thread, NULL, finish_change, NULL), 0);
    json_t *const root = ask_for_system();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(holds(root, 0) && holds(root, 1));
    json_decref(root);
}
END_TEST

static bool metrics_hold(const char *line)
{
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
    return strstr(answer.body, wanted) != NULL;
}

START_TEST(metrics_are_sums_in_prometheus_form)
{
    ck_assert_int_eq(ask(health_port, NOBODY, "GET", "/metrics", ""), 200);
#define CHECK_METRIC(name, text, type, help)                                                       \
    ck_assert_ptr_nonnull(                                                                         \
        strstr(answer.body, "# HELP " text " " help "\n# TYPE " text " " type "\n" text " "));
    METRIC_LIST(CHECK_METRIC)
#undef CHECK_METRIC
    ck_assert(metrics_hold("cauce_connections_open 9"));
    ck_assert(metrics_hold("cauce_http_requests_total 18446744073709551610"));
    ck_assert(metrics_hold("cauce_available_minor 900"));
    ck_assert(metrics_hold("cauce_events_lag_entries 3"));
    ck_assert(metrics_hold("cauce_build_info{version=\"0.1.0\"} 1"));
    ck_assert(metrics_hold("cauce_serving 1"));

    /* Each line is a comment or a name, perhaps labels, a blank and a number; the last one ends. */
    ck_assert_int_eq(answer.bytes[answer.size - 1], '\n');
    for (char *line = strtok(answer.bytes + (answer.body - answer.bytes), "\n"); line;
         line = strtok(NULL, "\n")) {
        if (line[0] == '#') continue;
        const char *const value = strrchr(line, ' ');
        ck_assert_msg(value && value[1] && strspn(value + 1, "0123456789.") == strlen(value + 1),
                      "%s", line);
    }
}
END_TEST

START_TEST(cpu_and_memory_are_the_process_own)
{
    double seconds;
    unsigned long long bytes;
    ck_assert_int_eq(ask(health_port, NOBODY, "GET", "/metrics", ""), 200);
    const char *const cpu = strstr(answer.body, "\nprocess_cpu_seconds_total ");
    const char *const memory = strstr(answer.body, "\nprocess_resident_memory_bytes ");
    ck_assert(cpu && memory);
    ck_assert_int_eq(sscanf(cpu, "\nprocess_cpu_seconds_total %lf", &seconds), 1);
    ck_assert_int_eq(sscanf(memory, "\nprocess_resident_memory_bytes %llu", &bytes), 1);
    ck_assert(seconds > 0.0 && seconds < 60.0);
    ck_assert(bytes > 1000000);
}
END_TEST

START_TEST(without_kafka_there_is_no_event_stream)
{
    struct admin_settings settings = settings_of("genesis");
    char operators[ADMIN_URL_BYTES], metrics[ADMIN_URL_BYTES];
    config.kafka_mode = CONFIG_BROKER_OFF;
    settings.acknowledged_seq = settings.publish_rebuilds = NULL;
    ck_assert_int_eq(admin_start(&admin, &settings, words), FAULT_NONE);
    admin_print_urls(admin, operators, metrics);
    operators_port = port_of(operators);
    health_port = port_of(metrics);
    ck_assert_int_eq(ask(operators_port, MAKER, "GET", SYSTEM, ""), 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"broker\":{\"mode\":\"off\"}"));
    ck_assert_int_eq(ask(health_port, NOBODY, "GET", "/metrics", ""), 200);
    ck_assert_ptr_null(strstr(answer.body, "cauce_events"));
}
END_TEST

static const struct {
    int state; /* enum switch_state */
    int live, ready;
    const char *word;
} states[] = {
    {STATE_STARTING, 200, 503, "starting\n"},
    {STATE_SERVING, 200, 200, "serving\n"},
    {STATE_STOPPING, 200, 503, "stopping\n"},
    {STATE_FAILED, 503, 503, "failed\n"},
};

START_TEST(health_follows_the_state)
{
    atomic_store(&published.state, states[_i].state);
    ck_assert_int_eq(ask(health_port, NOBODY, "GET", "/livez", ""), states[_i].live);
    ck_assert_str_eq(answer.body, states[_i].word);
    ck_assert_int_eq(ask(health_port, NOBODY, "GET", "/readyz", ""), states[_i].ready);
    ck_assert_str_eq(answer.body, states[_i].word);
    ck_assert_int_eq(ask(health_port, NOBODY, "GET", "/metrics", ""), 200);
    ck_assert(
        metrics_hold(states[_i].state == STATE_SERVING ? "cauce_serving 1" : "cauce_serving 0"));
}
END_TEST

/* ---- Starting and stopping ----------------------------------------------------------------- */

static const struct {
    const char *genesis; /* its stem */
    enum fault fault;
    const char *words; /* part of them */
} starts[] = {
    {"shared", FAULT_INVALID, "two operators share it"},
    {"lost", FAULT_IO, "gone.crt"},
    {"role", FAULT_INVALID, "role"},
};

START_TEST(operators_that_cannot_be_used_stop_the_start)
{
    struct admin_settings const settings = settings_of(starts[_i].genesis);
    enum fault const fault = admin_start(&admin, &settings, words);
    ck_assert_ptr_null(admin);
    ck_assert_msg(fault == starts[_i].fault && strstr(words, starts[_i].words), "%s: %s",
                  fault_name(fault), words);
}
END_TEST

START_TEST(without_genesis_nobody_is_an_operator)
{
    struct admin_settings const settings = settings_of("nowhere");
    char operators[ADMIN_URL_BYTES], metrics[ADMIN_URL_BYTES];
    ck_assert_msg(admin_start(&admin, &settings, words) == FAULT_NONE, "%s", words);
    admin_print_urls(admin, operators, metrics);
    operators_port = port_of(operators);
    health_port = port_of(metrics);
    ck_assert_int_eq(ask(operators_port, MAKER, "GET", SYSTEM, ""), 403);
}
END_TEST

START_TEST(without_a_ledger_the_head_has_no_hash)
{
    (void)snprintf(config.ledger_directory, sizeof config.ledger_directory, "%s/none", folder);
    start();
    ck_assert_int_eq(ask(operators_port, MAKER, "GET", SYSTEM, ""), 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"head_hash\":null"));
}
END_TEST

START_TEST(a_port_in_use_is_said_by_its_key)
{
    struct admin_settings const settings = settings_of("genesis");
    struct admin *second;
    start();
    config.admin_metrics_listen.port = health_port;
    ck_assert_int_eq(admin_start(&second, &settings, words), FAULT_BUSY);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(words, "admin.metrics_listen 127.0.0.1:"));
}
END_TEST

START_TEST(a_key_that_cannot_be_read_is_said)
{
    struct admin_settings const settings = settings_of("genesis");
    (void)snprintf(config.admin_key, sizeof config.admin_key, "%s/none.key", folder);
    ck_assert_int_ne(admin_start(&admin, &settings, words), FAULT_NONE);
    ck_assert_ptr_null(admin);
    ck_assert_ptr_nonnull(strstr(words, "section admin: "));
}
END_TEST

START_TEST(ports_can_be_off)
{
    struct admin_settings const settings = settings_of("genesis");
    char operators[ADMIN_URL_BYTES], metrics[ADMIN_URL_BYTES];
    config.admin_listen = (struct config_address){.off = true};
    config.admin_metrics_listen = (struct config_address){.off = true};
    ck_assert_int_eq(admin_start(&admin, &settings, words), FAULT_NONE);
    admin_print_urls(admin, operators, metrics);
    ck_assert_str_eq(operators, "-");
    ck_assert_str_eq(metrics, "-");
}
END_TEST

START_TEST(a_certificate_of_another_authority_ends_the_handshake)
{
    struct authority *foreign = NULL;
    struct tls_context *const ours = contexts[NOBODY];
    int64_t const now_ns = time_wall_ns();
    const char *why = "";
    ck_assert_int_eq(authority_open(&foreign, "foreign", now_ns - DAY_NS, now_ns + DAY_NS),
                     FAULT_NONE);
    issue(foreign, AUTHORITY_CLIENT, "foreign");
    authority_close(foreign);
    struct tls_settings const settings = {
        .role = TLS_CLIENT,
        .certificate_path = path_of("foreign", ".crt"),
        .key_path = path_of("foreign", ".key"),
        .ca_path = path_of("ca", ".crt"),
    };
    ck_assert_int_eq(tls_context_open(&contexts[NOBODY], &settings, &why), FAULT_NONE);
    int const status = ask(operators_port, NOBODY, "GET", SYSTEM, "");
    tls_context_close(contexts[NOBODY]);
    contexts[NOBODY] = ours;
    ck_assert_int_eq(status, 0);
}
END_TEST

/* One client idles, one is in the second of doubt when the stop comes: neither holds it up. */
static void *ask_in_doubt(void *argument)
{
    (void)argument;
    (void)ask(operators_port, MAKER, "GET", SYSTEM, "");
    return NULL;
}

START_TEST(a_stop_answers_what_is_open_and_ends)
{
    pthread_t thread;
    int const idle_fd = connect_to(health_port);
    show_books(1, 1, 1, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_in_doubt, NULL), 0);
    (void)poll(NULL, 0, 200);
    int64_t const before_ns = time_monotonic_ns();
    stop();
    ck_assert_int_lt(time_monotonic_ns() - before_ns, TIME_NS_PER_SECOND);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"holds\":false"));
    char byte;
    ck_assert_int_eq(recv(idle_fd, &byte, 1, 0), 0);
    ck_assert_int_eq(close(idle_fd), 0);
}
END_TEST

static Suite *admin_suite(void)
{
    Suite *const suite = suite_create("admin");
    TCase *const pages = tcase_create("pages");
    TCase *const begins = tcase_create("start and stop");
    tcase_set_timeout(pages, 30);
    tcase_set_timeout(begins, 30);
    tcase_add_unchecked_fixture(pages, prepare, clean);
    tcase_add_checked_fixture(pages, set_up_and_start, stop);
    tcase_add_loop_test(pages, requests_are_answered_as_the_table_says, 0,
                        sizeof requests / sizeof requests[0]);
    tcase_add_test(pages, a_head_request_gets_no_body);
    tcase_add_test(pages, the_system_page_shows_the_published_facts);
    tcase_add_test(pages, a_broken_invariant_is_said_after_a_second_of_doubt);
    tcase_add_test(pages, a_look_into_the_middle_of_a_change_is_no_broken_invariant);
    tcase_add_test(pages, metrics_are_sums_in_prometheus_form);
    tcase_add_test(pages, cpu_and_memory_are_the_process_own);
    tcase_add_loop_test(pages, health_follows_the_state, 0, sizeof states / sizeof states[0]);
    tcase_add_test(pages, a_certificate_of_another_authority_ends_the_handshake);
    tcase_add_test(pages, a_stop_answers_what_is_open_and_ends);
    suite_add_tcase(suite, pages);

    tcase_add_unchecked_fixture(begins, prepare, clean);
    tcase_add_checked_fixture(begins, set_up, stop);
    tcase_add_loop_test(begins, operators_that_cannot_be_used_stop_the_start, 0,
                        sizeof starts / sizeof starts[0]);
    tcase_add_test(begins, without_kafka_there_is_no_event_stream);
    tcase_add_test(begins, without_genesis_nobody_is_an_operator);
    tcase_add_test(begins, without_a_ledger_the_head_has_no_hash);
    tcase_add_test(begins, a_port_in_use_is_said_by_its_key);
    tcase_add_test(begins, a_key_that_cannot_be_read_is_said);
    tcase_add_test(begins, ports_can_be_off);
    suite_add_tcase(suite, begins);
    return suite;
}

int main(void)
{
    SRunner *const runner = srunner_create(admin_suite());
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
