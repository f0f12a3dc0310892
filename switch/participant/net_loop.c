/* A loop's thread: its parts, and the turn in which they do their work.
 *
 * Who owns a request:
 *
 *   exchange (server)        lives from the head to the sent answer, or until it is forgotten
 *     +- task (its data)     who asks for what
 *   request_id (settlement)  = the exchange's id, slot and generation: a name, no hold
 *
 * so that a reply to a request that is over finds nobody and is passed over.  Bytes received belong
 * to the connection until intake has copied them into the commands ring; bytes of deliveries belong
 * to the replies ring until the end of the turn; signed bytes belong to the shelf.
 *
 * The happy path is duty(): it fits a screen.  Possible failures end with the request that they
 * concern; a loop has none of its own after net_loop_open. */
#include "switch/participant/net_loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/log.h"
#include "proto/base/time.h"
#include "proto/signature/signature.h"
#include "switch/loop/listener.h"
#include "switch/loop/loop.h"
#include "switch/loop/server.h"
#include "switch/participant/catalog.h"
#include "switch/participant/crossing.h"
#include "switch/participant/intake.h"
#include "switch/participant/outbound.h"
#include "switch/participant/receipt.h"
#include "switch/participant/session.h"
#include "switch/participant/stream.h"
#include "switch/participant/task.h"

struct net_loop {
    struct net_loop_settings settings;
    struct loop *loop;
    struct tls_context *tls;
    struct server *server;
    struct listener *listener; /* of the loop that accepts; NULL for the others */
    struct signature_signer *signer;
    struct session session;
    struct crossing crossing;
    struct intake *intake;
    struct outbound *outbound;
    struct stream stream;
    struct receipt_maker receipts;
    struct catalog catalog;
    bool is_stopping;
};

/* ---- The turn ------------------------------------------------------------------------------ */

static const struct registry *registry_now(struct net_loop *net_loop)
{
    return atomic_load_explicit(net_loop->settings.registry, memory_order_acquire);
}

static void take_body_reply(struct net_loop *net_loop, const struct body_reply *reply)
{
    struct exchange *const exchange =
        exchange_find(net_loop->server, (struct exchange_id){reply->request.value});
    crossing_close_request(&net_loop->crossing);
    assert(exchange); /* a POST's exchange waits for its reply */
    intake_finish(net_loop->intake, exchange, reply);
}

static void take_poll_reply(struct net_loop *net_loop, const struct poll_reply *reply)
{
    struct exchange *const exchange =
        exchange_find(net_loop->server, (struct exchange_id){reply->request.value});
    stream_finish(&net_loop->stream, exchange, reply, net_loop->settings.replies);
}

static void take_receipt_reply(struct net_loop *net_loop, const struct receipt_reply *reply)
{
    struct exchange *const exchange =
        exchange_find(net_loop->server, (struct exchange_id){reply->request.value});
    assert(exchange); /* it waits for its reply, as a POST's */
    receipt_finish(&net_loop->receipts, exchange, reply);
}

/* All of settlement's replies, always, also when no socket is read. */
static bool take_replies(struct net_loop *net_loop)
{
    struct ring *const replies = net_loop->settings.replies;
    struct span record = ring_next(replies);
    if (!record.bytes) return false;
    for (; record.bytes; record = ring_next(replies)) {
        uint32_t const kind = *(const uint32_t *)(const void *)record.bytes;
        if (kind == REPLY_BODY) {
            take_body_reply(net_loop, (const struct body_reply *)(const void *)record.bytes);
        } else if (kind == REPLY_RECEIPT) {
            take_receipt_reply(net_loop, (const struct receipt_reply *)(const void *)record.bytes);
        } else {
            assert(kind == REPLY_POLL); /* deliveries are taken with their poll */
            take_poll_reply(net_loop, (const struct poll_reply *)(const void *)record.bytes);
        }
    }
    ring_release(replies);
    return true;
}

static void stop(struct net_loop *net_loop)
{
    if (!net_loop->is_stopping) {
        net_loop->is_stopping = true;
        listener_close(net_loop->listener);
        net_loop->listener = NULL;
        server_stop(net_loop->server, LIMIT_STOP_SECONDS * TIME_NS_PER_SECOND);
    }
    /* The server stays until net_loop_close: the accepting loop may still hand a socket over. */
    if (server_connection_count(net_loop->server) == 0) loop_end(net_loop->loop);
}

static bool duty(void *context)
{
    struct net_loop *const net_loop = context;
    bool did = take_replies(net_loop);
    did |= server_accept(net_loop->server);
    did |= server_show(net_loop->server);
    did |= server_flush(net_loop->server);
    if (loop_is_asked_to_stop(net_loop->loop)) stop(net_loop);
    crossing_ring_bell(&net_loop->crossing);
    return did;
}

/* ---- Requests ------------------------------------------------------------------------------ */

/* The registry knows a new certificate at once; a withdrawn one is refused by the session. */
static bool owner_of(void *context, const struct hash *peer, uint32_t *participant)
{
    struct net_loop *const net_loop = context;
    const struct registry *const registry = registry_now(net_loop);
    return registry && peer && session_find_owner(&net_loop->session, registry, peer, participant);
}

static bool on_head(void *context, struct exchange *exchange, const struct request *request)
{
    struct net_loop *const net_loop = context;
    return session_admit(&net_loop->session, registry_now(net_loop), exchange, request);
}

static enum server_step answer_catalog(struct exchange *exchange, struct span catalog)
{
    struct response const found = {.status = 200, .content_type = SPAN("application/xml")};
    exchange_answer_bytes(exchange, &found, catalog);
    return SERVER_ANSWERED;
}

static enum server_step on_complete(void *context, struct exchange *exchange,
                                    const struct request *request, struct span body)
{
    (void)request; /* the task has what matters of it */
    struct net_loop *const net_loop = context;
    const struct task *const task = exchange_data(exchange);
    switch (task->resource) {
    case ROUTE_MESSAGES:
        return intake_begin(net_loop->intake, registry_now(net_loop), exchange, body);
    case ROUTE_START:
    case ROUTE_STREAM: return stream_begin(&net_loop->stream, exchange);
    case ROUTE_RECEIPT: return receipt_begin(&net_loop->receipts, exchange);
    case ROUTE_INWARD: return answer_catalog(exchange, catalog_inward(&net_loop->catalog));
    case ROUTE_OUTWARD: break;
    }
    return answer_catalog(exchange, catalog_outward(&net_loop->catalog));
}

static void on_time_up(void *context, struct exchange *exchange)
{
    struct net_loop *const net_loop = context;
    stream_end(&net_loop->stream, exchange);
}

static void on_lost(void *context, struct exchange *exchange)
{
    struct net_loop *const net_loop = context;
    const struct task *const task = exchange_data(exchange);
    switch (task->resource) {
    case ROUTE_START:
    case ROUTE_STREAM: stream_lose(&net_loop->stream, exchange); break;
    case ROUTE_MESSAGES:
    case ROUTE_RECEIPT: break; /* its exchange stays until its reply has come */
    case ROUTE_INWARD:
    case ROUTE_OUTWARD: break; /* answered at once: cannot be */
    }
}

/* ---- Opening and closing ------------------------------------------------------------------- */

static enum fault open_signer(struct net_loop *net_loop, char words[NET_LOOP_WORDS_BYTES])
{
    const struct config *const config = net_loop->settings.config;
    struct certificate *certificate = NULL;
    struct private_key *key = NULL;
    const char *why = "";
    const char *path = config->signing_certificate;
    enum fault fault = certificate_load(&certificate, path, &why);
    if (fault == FAULT_NONE) {
        path = config->signing_key;
        fault = key_load(&key, path, &why);
    }
    if (fault == FAULT_NONE) {
        fault = signature_signer_open(&net_loop->signer, key, certificate);
        if (fault == FAULT_NONE) {
            fault = receipt_open(&net_loop->receipts, key, certificate, &net_loop->crossing);
        }
        if (fault == FAULT_INVALID) why = "it is not the key of the signing certificate";
    }
    if (fault != FAULT_NONE) (void)snprintf(words, NET_LOOP_WORDS_BYTES, "%s: %s", path, why);
    key_close(key);
    certificate_close(certificate);
    return fault;
}

static enum fault open_tls(struct net_loop *net_loop, char words[NET_LOOP_WORDS_BYTES])
{
    const struct config *const config = net_loop->settings.config;
    struct tls_settings const settings = {
        .role = TLS_SERVER,
        .certificate_path = config->participants_certificate,
        .key_path = config->participants_key,
        .ca_path = config->participants_ca,
        .ticket_seed = net_loop->settings.ticket_seed,
    };
    const char *why = "";
    enum fault const fault = tls_context_open(&net_loop->tls, &settings, &why);
    if (fault != FAULT_NONE) {
        (void)snprintf(words, NET_LOOP_WORDS_BYTES, "section participants: %s", why);
    }
    return fault;
}

static enum fault open_server(struct net_loop *net_loop)
{
    const struct config *const config = net_loop->settings.config;
    struct server_handler const handler = {
        .context = net_loop,
        .owner = owner_of,
        .head = on_head,
        .complete = on_complete,
        .time_up = on_time_up,
        .lost = on_lost,
    };
    struct server_settings const settings = {
        .loop = net_loop->loop,
        .tls = net_loop->tls,
        .handler = &handler,
        .data_bytes = TASK_BYTES,
        .request_timeout_ns = config->participants_request_timeout_ns,
        .idle_timeout_ns = config->participants_idle_timeout_ns,
        .metrics = net_loop->settings.metrics,
    };
    return server_open(&net_loop->server, &settings);
}

static enum fault open_parts(struct net_loop *net_loop)
{
    const struct net_loop_settings *const settings = &net_loop->settings;
    const struct config *const config = settings->config;
    net_loop->session.published = settings->published;
    net_loop->crossing = (struct crossing){
        .commands = settings->commands,
        .settlement_bell = settings->settlement_bell,
    };
    struct intake_settings const intake = {
        .loop = settings->index,
        .switch_code = span_text(config->switch_code),
        .age_max_ns = config->payments_duplicate_window_ns,
        .ahead_max_ns = config->payments_clock_ahead_ns,
        .crossing = &net_loop->crossing,
        .published = settings->published,
        .buckets = settings->buckets,
        .metrics = settings->metrics,
    };
    struct outbound_settings const outbound = {
        .switch_code = span_text(config->switch_code),
        .signer = net_loop->signer,
        .metrics = settings->metrics,
    };
    enum fault fault = intake_open(&net_loop->intake, &intake);
    if (fault == FAULT_NONE) fault = outbound_open(&net_loop->outbound, &outbound);
    net_loop->stream = (struct stream){
        .poll_ns = config->participants_poll_ns,
        .crossing = &net_loop->crossing,
        .outbound = net_loop->outbound,
    };
    catalog_open(&net_loop->catalog);
    return fault;
}

enum fault net_loop_open(struct net_loop **out, const struct net_loop_settings *settings,
                         char words[NET_LOOP_WORDS_BYTES])
{
    *out = NULL;
    words[0] = 0;
    struct net_loop *const net_loop = calloc(1, sizeof *net_loop);
    if (!net_loop) return FAULT_MEMORY;
    net_loop->settings = *settings;
    struct loop_duty const work = {.context = net_loop, .work = duty};
    enum fault fault = open_signer(net_loop, words);
    if (fault == FAULT_NONE) fault = open_tls(net_loop, words);
    if (fault == FAULT_NONE) fault = loop_open(&net_loop->loop, &work);
    if (fault == FAULT_NONE) fault = open_server(net_loop);
    if (fault == FAULT_NONE) fault = open_parts(net_loop);
    if (fault != FAULT_NONE) {
        if (words[0] == 0) (void)snprintf(words, NET_LOOP_WORDS_BYTES, "%s", fault_words(fault));
        net_loop_close(net_loop);
        return fault;
    }
    *out = net_loop;
    return FAULT_NONE;
}

struct bell *net_loop_bell(struct net_loop *net_loop)
{
    return loop_bell(net_loop->loop);
}

enum fault net_loop_listen(struct net_loop *const *loops, size_t count, uint16_t *port,
                           char words[NET_LOOP_WORDS_BYTES])
{
    assert(count >= 1 && count <= LIMIT_LOOPS);
    struct net_loop *const acceptor = loops[0];
    const struct config_address *const address = &acceptor->settings.config->participants_listen;
    char why[LISTENER_WORDS_BYTES] = "no memory";
    enum fault fault =
        listener_open(&acceptor->listener, acceptor->loop, address->host, address->port, why);
    if (fault == FAULT_NONE) {
        struct server *servers[LIMIT_LOOPS];
        for (size_t i = 0; i < count; i++) {
            servers[i] = loops[i]->server;
        }
        *port = listener_port(acceptor->listener);
        fault = listener_deal(acceptor->listener, servers, count);
    }
    if (fault != FAULT_NONE) {
        (void)snprintf(words, NET_LOOP_WORDS_BYTES, "participants.listen %s:%u: %s", address->host,
                       (unsigned)address->port, why);
    }
    return fault;
}

void net_loop_run(struct net_loop *net_loop)
{
    loop_run(net_loop->loop);
}

void net_loop_stop(struct net_loop *net_loop)
{
    loop_ask_stop(net_loop->loop);
}

void net_loop_close(struct net_loop *net_loop)
{
    if (!net_loop) return;
    listener_close(net_loop->listener);
    server_close(net_loop->server);
    loop_close(net_loop->loop);
    intake_close(net_loop->intake);
    outbound_close(net_loop->outbound);
    signature_signer_close(net_loop->signer);
    receipt_close(&net_loop->receipts);
    tls_context_close(net_loop->tls);
    free(net_loop);
}
