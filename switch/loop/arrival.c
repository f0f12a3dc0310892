/* Requests are read from plain text and shown to the handler, as far as it is their turn.
 *
 * The happy path: request reader -> head -> exchange, buffer for the body -> complete -> the owner's
 * turn (owner.h) -> handler -> the next one.
 * Not read, and kept in `ahead`, is what comes behind a request that is to be shown or that waits, and
 * behind LIMIT_PIPELINED requests without an answer (one, of a stranger).
 * Possible failures: a request that the reader refuses, one that is too large or too slow, or no
 * buffer left: answered with a problem, after which nothing is read as a request. */
#include "switch/loop/arrival.h"

#include <assert.h>
#include <string.h>

#include "proto/http/media.h"

static struct exchange *append_exchange(struct connection *connection)
{
    struct exchange *const exchange = exchange_begin(connection->server, connection);
    if (connection->last) {
        connection->last->next = exchange;
    } else {
        connection->first = exchange;
    }
    connection->last = exchange;
    connection->exchange_count += 1;
    return exchange;
}

/* Answers a request that the handler never sees whole. */
void arrival_refuse(struct connection *connection, enum problem problem, const char *words)
{
    struct exchange *const exchange =
        connection->reading ? connection->reading : append_exchange(connection);
    exchange->closes = true;
    exchange_problem(exchange, problem, span_text(words), NULL, 0);
    connection->reading = NULL;
    connection->request_ns = CONNECTION_NEVER;
}

static bool has_body(const struct request *request)
{
    switch (request->framing) {
    case PAYLOAD_NONE: return false;
    case PAYLOAD_LENGTH: return request->content_length > 0;
    case PAYLOAD_CHUNKED: return true;
    case PAYLOAD_UNTIL_END: break; /* answers only */
    }
    return false;
}

static struct pool_share *share_of(struct connection *connection)
{
    return &connection->server->owners[connection->owner].share;
}

/* What is missing is given back when another request ends, which seldom takes a second. */
static void refuse_for_now(struct exchange *exchange, enum problem problem, const char *words)
{
    struct draft_field const later = {SPAN("Retry-After"), SPAN("1")};
    exchange_problem(exchange, problem, span_text(words), &later, 1);
}

static void on_head(struct connection *connection)
{
    struct server *const server = connection->server;
    const struct request *const request = &connection->reader.request;
    connection_identify(connection);
    struct exchange *const exchange = append_exchange(connection);
    connection->reading = exchange;
    connection->is_body_unread = has_body(request);
    exchange->is_head_only = span_equal(request->method, SPAN("HEAD"));
    exchange->closes = !request->keep_alive;
    struct media_accept accept;
    media_accept_of(&request->fields, &accept);
    if (accept.only_json) exchange->is_json = true;

    if (connection->is_surplus) {
        exchange->closes = true;
        connection_count_refused(server);
        refuse_for_now(exchange, PROBLEM_CONNECTIONS, "this participant has as many as it may");
        return;
    }
    if (!server->handler.head(server->handler.context, exchange, request)) return;
    if (!connection->is_body_unread) return;
    bool const is_sized = request->framing == PAYLOAD_LENGTH;
    if (is_sized && request->content_length > LIMIT_BODY_BYTES) {
        arrival_refuse(connection, PROBLEM_TOO_LARGE, "the body is longer than 640 KiB");
        return;
    }
    size_t const size = is_sized ? (size_t)request->content_length : LIMIT_BODY_BYTES;
    if (pool_take(server->pool, share_of(connection), size, &connection->body) != FAULT_NONE) {
        refuse_for_now(exchange, PROBLEM_OVERLOADED, "no buffer is left for the body");
        return;
    }
    request_body_into(&connection->reader, connection->body.bytes, size);
    connection->is_continue_owed = request->expect_continue;
    if (connection->is_continue_owed) connection_touch(connection);
}

static void next_request(struct connection *connection)
{
    pool_give(connection->server->pool, &connection->body);
    request_begin(&connection->reader);
}

bool arrival_show(struct connection *connection)
{
    struct server *const server = connection->server;
    struct exchange *const exchange = connection->reading;
    struct span const body = span_of(connection->body.bytes, connection->reader.body_size);
    enum server_step const step = server->handler.complete(server->handler.context, exchange,
                                                           &connection->reader.request, body);
    connection->has_stalled = step == SERVER_STALLED;
    if (connection->has_stalled) return false;
    if (step == SERVER_WAITS) connection->waiting = exchange;
    if (exchange->state == EXCHANGE_READING) {
        exchange->state = EXCHANGE_OPEN;
        if (exchange->closes) connection->is_last_request = true;
        if (step == SERVER_LATER) owner_hold(exchange);
    }
    connection->reading = NULL;
    next_request(connection);
    connection_touch(connection);
    if (connection->waiting && connection->is_ended) connection_vanish(connection);
    return true;
}

static void on_complete(struct connection *connection)
{
    connection->request_ns = CONNECTION_NEVER;
    connection->is_body_unread = false;
    connection->is_continue_owed = false;
    if (!connection->reading) { /* it was answered when its head came, and has no body */
        next_request(connection);
        return;
    }
    owner_ready(connection);
}

static bool may_read_requests(const struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN || connection->is_last_request) return false;
    if (connection->waiting || queue_holds(&connection->ready)) return false;
    uint32_t const unanswered_max = connection->row ? 1 : LIMIT_PIPELINED;
    return connection->reading || connection->exchange_count < unanswered_max;
}

/* Reads at most one request from the front of *plain: the next one has to wait for another turn. */
static void read_request(struct connection *connection, struct span *plain)
{
    while (may_read_requests(connection)) {
        size_t taken = 0;
        enum request_event const event = request_feed(&connection->reader, *plain, &taken);
        *plain = span_after(*plain, taken);
        switch (event) {
        case REQUEST_MORE: return;
        case REQUEST_HEAD: on_head(connection); break;
        case REQUEST_COMPLETE:
            on_complete(connection);
            if (queue_holds(&connection->ready) || queue_holds(&connection->dirty)) return;
            break; /* its answer has gone out already, so nothing would bring us back */
        case REQUEST_BODY_FULL:
            arrival_refuse(connection, PROBLEM_TOO_LARGE, "the body is longer than 640 KiB");
            return;
        case REQUEST_REFUSED:
            arrival_refuse(connection, connection->reader.problem, connection->reader.words);
            return;
        }
    }
}

/* Room for so much in `ahead`, where little is most often enough; false: no buffer is left. */
static bool grow_ahead(struct connection *connection, size_t size)
{
    if (connection->ahead.bytes && size <= connection->ahead.size) return true;
    struct pool *const pool = connection->server->pool;
    struct pool_buffer larger;
    if (pool_take(pool, share_of(connection), size, &larger) != FAULT_NONE) return false;
    if (connection->ahead_size > 0) {
        memcpy(larger.bytes, connection->ahead.bytes, connection->ahead_size);
    }
    pool_give(pool, &connection->ahead);
    connection->ahead = larger;
    return true;
}

/* Keeps plain text whose turn has not come; nothing behind a last request is ever looked at. */
static void keep_ahead(struct connection *connection, struct span plain)
{
    if (plain.size == 0 || connection->is_last_request) return;
    if (!connection->ahead.bytes) connection->ahead_size = 0;
    assert(connection->ahead_size + plain.size <= LIMIT_READ_AHEAD_BYTES);
    if (!grow_ahead(connection, connection->ahead_size + plain.size)) {
        connection->is_cut = true;
        return;
    }
    memcpy(connection->ahead.bytes + connection->ahead_size, plain.bytes, plain.size);
    connection->ahead_size += plain.size;
}

void arrival_take(struct connection *connection, struct span plain)
{
    if (!connection->ahead.bytes) read_request(connection, &plain);
    keep_ahead(connection, plain);
}

/* Reads on where answers have made room. */
void arrival_go_on(struct connection *connection)
{
    if (!connection->ahead.bytes) {
        struct span nothing = {0};
        read_request(connection, &nothing);
        return;
    }
    struct span plain = span_of(connection->ahead.bytes, connection->ahead_size);
    read_request(connection, &plain);
    if (plain.size == 0 || connection->is_last_request) {
        pool_give(connection->server->pool, &connection->ahead);
        return;
    }
    /* To the front, so that the room for one more read is behind it. */
    memmove(connection->ahead.bytes, plain.bytes, plain.size);
    connection->ahead_size = plain.size;
}
