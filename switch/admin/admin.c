/* The admin loop: two ports, their routes, and the thread that runs them.
 *
 *   operators' port, HTTPS --> who is it? --> /admin/v1/system
 *   health port, HTTP      -----------------> /livez, /readyz, /metrics
 *
 * The happy path of a request: head -> resource, operator, method, Accept -> complete -> answered at
 * once.  Only the system page may wait: while its invariants seem broken it is looked at again
 * (system.h).  Possible failures: 404, 403, 405, 406 as problem documents, tested in that order; 500
 * where memory for the document was not to be had.  Start fails as a whole. */
#include "switch/admin/admin.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/reader.h"
#include "proto/base/time.h"
#include "proto/http/media.h"
#include "proto/http/request.h"
#include "proto/tls/tls_context.h"
#include "switch/admin/facts.h"
#include "switch/admin/health.h"
#include "switch/admin/metrics.h"
#include "switch/admin/operator.h"
#include "switch/admin/system.h"
#include "switch/loop/exchange.h"
#include "switch/loop/listener.h"
#include "switch/loop/loop.h"
#include "switch/loop/server.h"

enum admin_port { PORT_OPERATORS, PORT_HEALTH, PORT_COUNT };

/* name, path, port */
#define ADMIN_RESOURCE_LIST(X)                                                                     \
    X(SYSTEM, "/admin/v1/system", OPERATORS)                                                       \
    X(LIVE, "/livez", HEALTH)                                                                      \
    X(READY, "/readyz", HEALTH)                                                                    \
    X(METRICS, "/metrics", HEALTH)

enum admin_resource {
#define RESOURCE_MEMBER(name, path, port) RESOURCE_##name,
    ADMIN_RESOURCE_LIST(RESOURCE_MEMBER)
#undef RESOURCE_MEMBER
        RESOURCE_COUNT
};

static const struct {
    const char *path;
    enum admin_port port;
} resources[RESOURCE_COUNT] = {
#define RESOURCE_ROW(name, path, port) [RESOURCE_##name] = {path, PORT_##port},
    ADMIN_RESOURCE_LIST(RESOURCE_ROW)
#undef RESOURCE_ROW
};

/* What an exchange asks for. */
struct admin_task {
    int64_t doubt_until_ns; /* loop_now_ns; of RESOURCE_SYSTEM; 0: not looked at yet */
    const struct operator_identity *caller; /* of the operators' port */
    enum admin_resource resource;
};
#define TASK_BYTES 32
static_assert(sizeof(struct admin_task) <= TASK_BYTES, "it lies in exchange_data");

/* One port; all NULL where it is off. */
struct port {
    struct admin *admin;
    enum admin_port kind;
    struct tls_context *tls;
    struct server *server;
    struct listener *listener;
};

struct admin {
    struct admin_settings settings;
    struct facts facts;
    struct operator_table operators;
    struct reader *reader; /* NULL: there is no ledger */
    struct loop *loop;
    struct port ports[PORT_COUNT];
    char urls[PORT_COUNT][ADMIN_URL_BYTES];
    pthread_t thread;
    int64_t started_ns; /* loop_now_ns */
    bool is_running;    /* the thread has been started */
    bool is_stopping;
};

/* ---- Requests ------------------------------------------------------------------------------ */

static bool refuse(struct exchange *exchange, enum problem problem, struct span detail)
{
    exchange_problem(exchange, problem, detail, NULL, 0);
    return false;
}

static bool find_resource(enum admin_port port, struct span path, enum admin_resource *resource)
{
    for (int i = 0; i < RESOURCE_COUNT; i++) {
        if (resources[i].port != port || !span_equal(path, span_text(resources[i].path))) continue;
        *resource = (enum admin_resource)i;
        return true;
    }
    return false;
}

static bool is_acceptable(const struct request *request, enum admin_resource resource)
{
    if (resource != RESOURCE_SYSTEM) return true; /* plain text, whatever Accept says */
    struct media_accept accept;
    media_accept_of(&request->fields, &accept);
    return accept.json;
}

static bool on_head(void *context, struct exchange *exchange, const struct request *request)
{
    struct port *const port = context;
    struct admin_task *const task = exchange_data(exchange);
    if (!find_resource(port->kind, request->path, &task->resource)) {
        return refuse(exchange, PROBLEM_NOT_FOUND, SPAN(""));
    }
    if (port->kind == PORT_OPERATORS) {
        task->caller = operator_find(&port->admin->operators, exchange_peer(exchange));
        if (!task->caller) {
            return refuse(exchange, PROBLEM_FORBIDDEN, SPAN("the certificate is no operator's"));
        }
    }
    if (!span_equal(request->method, SPAN("GET")) && !span_equal(request->method, SPAN("HEAD"))) {
        struct draft_field const allow = {SPAN("Allow"), SPAN("GET, HEAD")};
        exchange_problem(exchange, PROBLEM_METHOD, SPAN(""), &allow, 1);
        return false;
    }
    if (!is_acceptable(request, task->resource)) {
        return refuse(exchange, PROBLEM_NOT_ACCEPTABLE, SPAN("the resource is application/json"));
    }
    return true;
}

/* The newest durable entry's hash; false: the ledger does not give it, which it has logged. */
static bool read_head(struct admin *admin, uint64_t seq, struct hash *hash)
{
    struct entry entry;
    if (!admin->reader || seq == 0) return false;
    if (reader_entry(admin->reader, seq, &entry, NULL) != FAULT_NONE) return false;
    *hash = entry.hash;
    return true;
}

static void answer_system(struct port *port, struct exchange *exchange,
                          const struct facts_books *books)
{
    struct admin *const admin = port->admin;
    const struct admin_task *const task = exchange_data(exchange);
    struct hash head_hash;
    struct system_view view = {
        .books = books,
        .caller = task->caller,
        .uptime_ns = loop_now_ns(admin->loop) - admin->started_ns,
        .head_seq =
            atomic_load_explicit(&admin->settings.published->durable_seq, memory_order_acquire),
    };
    if (read_head(admin, view.head_seq, &head_hash)) view.head_hash = &head_hash;

    struct response const found = {.status = 200, .content_type = SPAN("application/json")};
    char text[SYSTEM_BYTES];
    size_t size;
    if (system_write(&admin->facts, &view, text, &size) != FAULT_NONE) {
        exchange_problem(exchange, PROBLEM_INTERNAL, SPAN(""), NULL, 0);
        return;
    }
    exchange_answer_bytes(exchange, &found, span_of(text, size));
}

/* Answers unless there is doubt and time left for another look. */
static enum server_step look_at_system(struct port *port, struct exchange *exchange)
{
    struct admin *const admin = port->admin;
    struct admin_task *const task = exchange_data(exchange);
    struct facts_books const books = facts_books(&admin->facts);
    int64_t const now_ns = loop_now_ns(admin->loop);
    if (task->doubt_until_ns == 0) {
        task->doubt_until_ns = now_ns + LIMIT_ADMIN_DOUBT_MS * TIME_NS_PER_MS;
    }
    if (!system_holds(&books) && now_ns < task->doubt_until_ns && !admin->is_stopping) {
        exchange_wake_after(exchange, LIMIT_ADMIN_LOOK_AGAIN_MS * TIME_NS_PER_MS);
        return SERVER_WAITS;
    }
    answer_system(port, exchange, &books);
    return SERVER_ANSWERED;
}

static enum server_step answer_metrics(struct port *port, struct exchange *exchange)
{
    struct response const found = {.status = 200, .content_type = METRICS_TYPE};
    char text[METRICS_BYTES];
    struct draft draft = draft_into(text, sizeof text);
    metrics_write(&port->admin->facts, &draft);
    assert(!draft.failed); /* names and helps are ours, figures have at most 20 digits */
    exchange_answer_bytes(exchange, &found, draft_span(&draft));
    return SERVER_ANSWERED;
}

static enum server_step on_complete(void *context, struct exchange *exchange,
                                    const struct request *request, struct span body)
{
    (void)request; /* the task has what matters of it */
    (void)body;    /* that of a GET means nothing (RFC 9110, 9.3.1) */
    struct port *const port = context;
    const struct admin_task *const task = exchange_data(exchange);
    switch (task->resource) {
    case RESOURCE_SYSTEM: return look_at_system(port, exchange);
    case RESOURCE_METRICS: return answer_metrics(port, exchange);
    case RESOURCE_LIVE: health_answer_live(&port->admin->facts, exchange); break;
    case RESOURCE_READY: health_answer_ready(&port->admin->facts, exchange); break;
    case RESOURCE_COUNT: assert(false); break; /* not a resource */
    }
    return SERVER_ANSWERED;
}

static void on_time_up(void *context, struct exchange *exchange)
{
    (void)look_at_system(context, exchange);
}

static void on_lost(void *context, struct exchange *exchange)
{
    (void)context;
    exchange_forget(exchange);
}

/* ---- The turn ------------------------------------------------------------------------------ */

static void stop(struct admin *admin)
{
    uint32_t open = 0;
    bool const is_first = !admin->is_stopping;
    admin->is_stopping = true;
    for (int i = 0; i < PORT_COUNT; i++) {
        struct port *const port = &admin->ports[i];
        if (!port->server) continue;
        if (is_first) {
            listener_close(port->listener);
            port->listener = NULL;
            server_stop(port->server, LIMIT_ADMIN_STOP_MS * TIME_NS_PER_MS);
        }
        open += server_connection_count(port->server);
    }
    if (open == 0) loop_end(admin->loop);
}

static bool duty(void *context)
{
    struct admin *const admin = context;
    bool did = false;
    for (int i = 0; i < PORT_COUNT; i++) {
        struct server *const server = admin->ports[i].server;
        if (!server) continue;
        did |= server_accept(server);
        did |= server_show(server);
        did |= server_flush(server);
    }
    if (loop_is_asked_to_stop(admin->loop)) stop(admin);
    return did;
}

static void *thread_main(void *argument)
{
    struct admin *const admin = argument;
    loop_run(admin->loop);
    return NULL;
}

/* ---- Opening and closing ------------------------------------------------------------------- */

static enum fault say(char words[ADMIN_WORDS_BYTES], enum fault fault, const char *what,
                      const char *why)
{
    if (fault != FAULT_NONE) (void)snprintf(words, ADMIN_WORDS_BYTES, "%s: %s", what, why);
    return fault;
}

static enum fault open_tls(struct admin *admin, char words[ADMIN_WORDS_BYTES])
{
    const struct config *const config = admin->settings.config;
    struct tls_ticket_seed seed;
    const char *why = "no entropy";
    enum fault fault = tls_context_draw_seed(&seed, time_wall_ns());
    struct tls_settings const settings = {
        .role = TLS_SERVER,
        .certificate_path = config->admin_certificate,
        .key_path = config->admin_key,
        .ca_path = config->admin_ca,
        .ticket_seed = &seed,
    };
    if (fault == FAULT_NONE) {
        fault = tls_context_open(&admin->ports[PORT_OPERATORS].tls, &settings, &why);
    }
    return say(words, fault, "section admin", why);
}

static enum fault open_port(struct admin *admin, enum admin_port kind, const char *key,
                            const struct config_address *address, char words[ADMIN_WORDS_BYTES])
{
    struct port *const port = &admin->ports[kind];
    struct server_handler const handler = {
        .context = port,
        .head = on_head,
        .complete = on_complete,
        .time_up = on_time_up,
        .lost = on_lost,
    };
    struct server_settings const settings = {
        .loop = admin->loop,
        .tls = port->tls,
        .handler = &handler,
        .data_bytes = TASK_BYTES,
        .request_timeout_ns = LIMIT_ADMIN_REQUEST_SECONDS * TIME_NS_PER_SECOND,
        .idle_timeout_ns = LIMIT_ADMIN_IDLE_SECONDS * TIME_NS_PER_SECOND,
        .problems_in_json = true,
    };
    enum fault fault = server_open(&port->server, &settings);
    if (fault != FAULT_NONE) return say(words, fault, key, fault_words(fault));

    char where[LIMIT_HOST_BYTES + 64], why[LISTENER_WORDS_BYTES] = "no memory";
    (void)snprintf(where, sizeof where, "%s %s:%u", key, address->host, (unsigned)address->port);
    fault = listener_open(&port->listener, admin->loop, address->host, address->port, why);
    if (fault == FAULT_NONE) fault = listener_deal(port->listener, &port->server, 1);
    if (fault != FAULT_NONE) return say(words, fault, where, why);

    bool const is_ipv6 = strchr(address->host, ':') != NULL;
    (void)snprintf(admin->urls[kind], ADMIN_URL_BYTES, "%s://%s%s%s:%u",
                   port->tls ? "https" : "http", is_ipv6 ? "[" : "", address->host,
                   is_ipv6 ? "]" : "", (unsigned)listener_port(port->listener));
    return FAULT_NONE;
}

static enum fault open_ports(struct admin *admin, char words[ADMIN_WORDS_BYTES])
{
    const struct config *const config = admin->settings.config;
    enum fault fault = FAULT_NONE;
    if (!config->admin_listen.off) {
        char why[OPERATOR_WORDS_BYTES];
        fault = operator_load(&admin->operators, admin->settings.genesis_path, why);
        if (fault != FAULT_NONE) return say(words, fault, "operators", why);
        fault = reader_open(&admin->reader, config->ledger_directory, NULL);
        if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND) {
            return say(words, fault, config->ledger_directory, fault_words(fault));
        }
        fault = open_tls(admin, words);
        if (fault == FAULT_NONE) {
            fault = open_port(admin, PORT_OPERATORS, "admin.listen", &config->admin_listen, words);
        }
    }
    if (fault == FAULT_NONE && !config->admin_metrics_listen.off) {
        fault = open_port(admin, PORT_HEALTH, "admin.metrics_listen", &config->admin_metrics_listen,
                          words);
    }
    return fault;
}

/* Signals are main's alone. */
static enum fault start_thread(struct admin *admin)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    admin->is_running = pthread_create(&admin->thread, NULL, thread_main, admin) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (admin->is_running) (void)pthread_setname_np(admin->thread, "admin loop");
    return admin->is_running ? FAULT_NONE : FAULT_MEMORY;
}

enum fault admin_start(struct admin **out, const struct admin_settings *settings,
                       char words[ADMIN_WORDS_BYTES])
{
    *out = NULL;
    words[0] = 0;
    struct admin *const admin = calloc(1, sizeof *admin);
    if (!admin) return say(words, FAULT_MEMORY, "admin", fault_words(FAULT_MEMORY));
    admin->settings = *settings;
    admin->facts = (struct facts){
        .config = settings->config,
        .published = settings->published,
        .metrics = admin->settings.metrics,
        .metrics_count = settings->metrics_count,
        .acknowledged_seq = settings->acknowledged_seq,
        .publish_rebuilds = settings->publish_rebuilds,
    };
    for (int i = 0; i < PORT_COUNT; i++) {
        admin->ports[i].admin = admin;
        admin->ports[i].kind = (enum admin_port)i;
        (void)snprintf(admin->urls[i], ADMIN_URL_BYTES, "-");
    }

    struct loop_duty const work = {.context = admin, .work = duty};
    enum fault fault = loop_open(&admin->loop, &work);
    (void)say(words, fault, "admin loop", fault_words(fault));
    if (fault == FAULT_NONE) {
        admin->started_ns = loop_now_ns(admin->loop);
        fault = open_ports(admin, words);
    }
    if (fault == FAULT_NONE) {
        fault = start_thread(admin);
        (void)say(words, fault, "admin thread", fault_words(fault));
    }
    if (fault != FAULT_NONE) {
        admin_stop(admin);
        return fault;
    }
    *out = admin;
    return FAULT_NONE;
}

void admin_print_urls(const struct admin *admin, char operators[ADMIN_URL_BYTES],
                      char metrics[ADMIN_URL_BYTES])
{
    memcpy(operators, admin->urls[PORT_OPERATORS], ADMIN_URL_BYTES);
    memcpy(metrics, admin->urls[PORT_HEALTH], ADMIN_URL_BYTES);
}

void admin_stop(struct admin *admin)
{
    if (!admin) return;
    if (admin->is_running) {
        loop_ask_stop(admin->loop);
        (void)pthread_join(admin->thread, NULL);
    }
    for (int i = 0; i < PORT_COUNT; i++) {
        listener_close(admin->ports[i].listener);
        server_close(admin->ports[i].server);
    }
    loop_close(admin->loop);
    tls_context_close(admin->ports[PORT_OPERATORS].tls);
    operator_close(&admin->operators);
    reader_close(admin->reader);
    free(admin);
}
