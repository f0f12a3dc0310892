/* The slots of a server's exchanges, and answers put into words.
 *
 * An answer lies in one buffer of the pool, its head right before its body:
 *
 *   | unused | head ... | body ...        |
 *            ^answer_at ^EXCHANGE_HEAD_BYTES
 *
 * so that a large body is written where it will be sent from.  Failure: no buffer is left; then the
 * connection is cut, which to the client means that the outcome is unknown. */
#include "switch/loop/exchange.h"

#include <assert.h>
#include <string.h>

#include "switch/loop/connection.h"
#include "switch/loop/server_internal.h"

/* The longest problem document with its detail cut. */
#define PROBLEM_DETAIL_BYTES 512
#define PROBLEM_BYTES 4096

struct exchange *exchange_begin(struct server *server, struct connection *connection)
{
    struct exchange *exchange = server->free;
    if (exchange) {
        server->free = exchange->next;
    } else {
        assert(server->touched < SERVER_EXCHANGES); /* connections and outstanding are bounded */
        exchange = &server->exchanges[server->touched];
        exchange->slot = server->touched++;
        exchange->generation = 1;
    }
    *exchange = (struct exchange){
        .server = server,
        .connection = connection,
        .slot = exchange->slot,
        .generation = exchange->generation,
        .owner = connection->owner,
        .state = EXCHANGE_READING,
        .is_json = server->settings.problems_in_json,
    };
    if (server->settings.data_bytes > 0) {
        memset(exchange_data(exchange), 0, server->settings.data_bytes);
    }
    return exchange;
}

void exchange_release(struct exchange *exchange)
{
    struct server *const server = exchange->server;
    owner_let_go(exchange);
    pool_give(server->pool, &exchange->answer);
    exchange->state = EXCHANGE_FREE;
    exchange->connection = NULL;
    exchange->generation += 1;
    if (exchange->generation == 0) exchange->generation = 1;
    exchange->next = server->free;
    server->free = exchange;
}

struct exchange_id exchange_id(const struct exchange *exchange)
{
    return (struct exchange_id){(uint64_t)exchange->generation << 32 | exchange->slot};
}

struct exchange *exchange_find(struct server *server, struct exchange_id id)
{
    uint32_t const slot = (uint32_t)id.value;
    if (slot >= server->touched) return NULL;
    struct exchange *const exchange = &server->exchanges[slot];
    if (exchange->generation != id.value >> 32) return NULL;
    return exchange->state == EXCHANGE_FREE ? NULL : exchange;
}

void *exchange_data(struct exchange *exchange)
{
    struct server *const server = exchange->server;
    return server->data + (size_t)exchange->slot * server->settings.data_bytes;
}

const struct hash *exchange_peer(const struct exchange *exchange)
{
    struct connection *const connection = exchange->connection;
    return connection && connection->tls ? tls_peer_fingerprint(connection->tls) : NULL;
}

bool exchange_is_lost(const struct exchange *exchange)
{
    return exchange->state == EXCHANGE_LOST;
}

void exchange_wake_after(struct exchange *exchange, int64_t after_ns)
{
    if (exchange_is_lost(exchange)) return;
    struct connection *const connection = exchange->connection;
    connection->wait_ns = loop_now_ns(exchange->server->settings.loop) + after_ns;
    connection_touch(connection);
}

enum fault exchange_room(struct exchange *exchange, size_t size, char **body)
{
    struct server *const server = exchange->server;
    pool_give(server->pool, &exchange->answer);
    enum fault const fault = pool_take(server->pool, &server->owners[exchange->owner].share,
                                       EXCHANGE_HEAD_BYTES + size, &exchange->answer);
    if (fault == FAULT_NONE) *body = exchange->answer.bytes + EXCHANGE_HEAD_BYTES;
    return fault;
}

static void count(struct server *server, int status)
{
    struct metric_block *const metrics = server->settings.metrics;
    if (!metrics) return;
    metric_add(metrics, METRIC_REQUESTS, 1);
    if (status >= 400) metric_add(metrics, METRIC_REQUESTS_REFUSED, 1);
}

void exchange_answer(struct exchange *exchange, const struct response *response, size_t body_size)
{
    assert(exchange->state != EXCHANGE_FREE && exchange->state != EXCHANGE_ANSWERED);
    struct connection *const connection = exchange->connection;
    if (!connection) {
        exchange_release(exchange);
        return;
    }
    char *body;
    if (!exchange->answer.bytes && exchange_room(exchange, 0, &body) != FAULT_NONE) {
        exchange_cut(exchange);
        return;
    }

    /* WIRE section 1: "When a refusal comes before the body has been read, the answer carries
     * Connection: close". */
    bool const is_body_unread = exchange->state == EXCHANGE_READING && connection->is_body_unread;
    struct response last = *response;
    last.close =
        response->close || exchange->closes || is_body_unread || exchange->server->is_stopping;
    char head_bytes[EXCHANGE_HEAD_BYTES];
    struct draft head = draft_into(head_bytes, sizeof head_bytes);
    response_write_head(&head, &last, body_size);
    assert(!head.failed); /* the headers are ours and bounded */
    assert(EXCHANGE_HEAD_BYTES + body_size <= exchange->answer.size);

    /* From here on nothing can fail. */
    owner_let_go(exchange);
    exchange->answer_at = EXCHANGE_HEAD_BYTES - head.size;
    exchange->answer_end = EXCHANGE_HEAD_BYTES + (exchange->is_head_only ? 0 : body_size);
    memcpy(exchange->answer.bytes + exchange->answer_at, head.bytes, head.size);
    exchange->closes = last.close;
    exchange->state = EXCHANGE_ANSWERED;
    if (exchange->closes) connection->is_last_request = true;
    if (connection->reading == exchange) connection->reading = NULL;
    if (connection->waiting == exchange) {
        connection->waiting = NULL;
        connection->wait_ns = CONNECTION_NEVER;
    }
    count(exchange->server, last.status);
    connection_touch(connection);
}

void exchange_answer_bytes(struct exchange *exchange, const struct response *response,
                           struct span body)
{
    char *room;
    if (exchange_room(exchange, body.size, &room) != FAULT_NONE) {
        exchange_cut(exchange);
        return;
    }
    if (body.size > 0) memcpy(room, body.bytes, body.size);
    exchange_answer(exchange, response, body.size);
}

void exchange_problem(struct exchange *exchange, enum problem problem, struct span detail,
                      const struct draft_field *fields, size_t field_count)
{
    char bytes[PROBLEM_BYTES];
    struct draft document = draft_into(bytes, sizeof bytes);
    struct span const cut = span_of(
        detail.bytes, detail.size < PROBLEM_DETAIL_BYTES ? detail.size : PROBLEM_DETAIL_BYTES);
    if (exchange->is_json) {
        problem_write_json(&document, problem, cut);
    } else {
        problem_write_xml(&document, problem, cut);
    }
    assert(!document.failed); /* an escaped byte takes at most 6 */
    struct response const response = {
        .status = problem_status(problem),
        .content_type = problem_type(exchange->is_json),
        .fields = fields,
        .field_count = field_count,
    };
    exchange_answer_bytes(exchange, &response, draft_span(&document));
}

void exchange_cut(struct exchange *exchange)
{
    struct connection *const connection = exchange->connection;
    if (!connection) {
        exchange_release(exchange);
        return;
    }
    /* Answered with nothing: the flush closes the connection before its turn comes. */
    owner_let_go(exchange);
    pool_give(exchange->server->pool, &exchange->answer);
    exchange->answer_at = exchange->answer_end = 0;
    exchange->state = EXCHANGE_ANSWERED;
    exchange->closes = true;
    if (connection->reading == exchange) connection->reading = NULL;
    if (connection->waiting == exchange) connection->waiting = NULL;
    connection->is_last_request = true;
    connection->is_cut = true;
    connection_touch(connection);
}

void exchange_forget(struct exchange *exchange)
{
    assert(exchange_is_lost(exchange));
    exchange_release(exchange);
}
