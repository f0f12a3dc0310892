/* Requests are read from plain text and shown to the handler, as far as it is their turn.
 *
 * The happy path: request reader -> head -> exchange, buffer for the body -> complete -> handler.
 * Not shown, and kept in `ahead`, is what comes behind a request that waits or has stalled, and
 * behind LIMIT_PIPELINED requests without an answer.
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

static void on_head(struct connection *connection)
{
    struct server *const server = connection->server;
    const struct request *const request = &connection->reader.request;
    struct exchange *const exchange = append_exchange(connection);
    connection->reading = exchange;
    connection->is_body_unread = has_body(request);
    exchange->is_head_only = span_equal(request->method, SPAN("HEAD"));
    exchange->closes = !request->keep_alive;
    struct media_accept accept;
    media_accept_of(&request->fields, &accept);
    if (accept.only_json) exchange->is_json = true;

    if (!server->handler.head(server->handler.context, exchange, request)) return;
    if (!connection->is_body_unread) return;
    bool const is_sized = request->framing == PAYLOAD_LENGTH;
    if (is_sized && request->content_length > LIMIT_BODY_BYTES) {
        arrival_refuse(connection, PROBLEM_TOO_LARGE, "the body is longer than 640 KiB");
        return;
    }
    size_t const size = is_sized ? (size_t)request->content_length : LIMIT_BODY_BYTES;
    if (pool_take(server->pool, size, &connection->body) != FAULT_NONE) {
        struct draft_field const later = {SPAN("Retry-After"), SPAN("1")};
        exchange_problem(exchange, PROBLEM_OVERLOADED, SPAN("no buffer is left for the body"),
                         &later, 1);
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

/* Shows the handler the complete request; false: it has stalled. */
static bool show(struct connection *connection)
{
    struct server *const server = connection->server;
    struct exchange *const exchange = connection->reading;
    struct span const body = span_of(connection->body.bytes, connection->reader.body_size);
    switch (server->handler.complete(server->handler.context, exchange, &connection->reader.request,
                                     body)) {
    case SERVER_STALLED: return false;
    case SERVER_WAITS: connection->waiting = exchange; break;
    case SERVER_LATER:
    case SERVER_ANSWERED: break;
    }
    if (exchange->state == EXCHANGE_READING) {
        exchange->state = EXCHANGE_OPEN;
        if (exchange->closes) connection->is_last_request = true;
    }
    connection->reading = NULL;
    next_request(connection);
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
    /* Whoever comes later does not go first, or a large body might never find its room. */
    struct queue *const row = &connection->server->stalled;
    if (queue_first(row) || !show(connection)) queue_append(row, &connection->stalled);
}

static bool may_read_requests(const struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN || connection->is_last_request) return false;
    if (connection->waiting || queue_holds(&connection->stalled)) return false;
    return connection->reading || connection->exchange_count < LIMIT_PIPELINED;
}

/* Reads requests from the front of *plain, as far as they may be shown. */
static void read_requests(struct connection *connection, struct span *plain)
{
    while (may_read_requests(connection)) {
        size_t taken = 0;
        enum request_event const event = request_feed(&connection->reader, *plain, &taken);
        *plain = span_after(*plain, taken);
        switch (event) {
        case REQUEST_MORE: return;
        case REQUEST_HEAD: on_head(connection); break;
        case REQUEST_COMPLETE: on_complete(connection); break;
        case REQUEST_BODY_FULL:
            arrival_refuse(connection, PROBLEM_TOO_LARGE, "the body is longer than 640 KiB");
            return;
        case REQUEST_REFUSED:
            arrival_refuse(connection, connection->reader.problem, connection->reader.words);
            return;
        }
    }
}

/* Keeps plain text whose turn has not come; nothing behind a last request is ever looked at. */
static void keep_ahead(struct connection *connection, struct span plain)
{
    if (plain.size == 0 || connection->is_last_request) return;
    if (!connection->ahead.bytes) {
        connection->ahead_size = 0;
        if (pool_take(connection->server->pool, LIMIT_READ_AHEAD_BYTES, &connection->ahead) !=
            FAULT_NONE) {
            connection->is_cut = true;
            return;
        }
    }
    assert(connection->ahead_size + plain.size <= connection->ahead.size);
    memcpy(connection->ahead.bytes + connection->ahead_size, plain.bytes, plain.size);
    connection->ahead_size += plain.size;
}

void arrival_take(struct connection *connection, struct span plain)
{
    if (!connection->ahead.bytes) read_requests(connection, &plain);
    keep_ahead(connection, plain);
}

/* Reads on where answers have made room. */
void arrival_go_on(struct connection *connection)
{
    if (!connection->ahead.bytes) {
        struct span nothing = {0};
        read_requests(connection, &nothing);
        return;
    }
    struct span plain = span_of(connection->ahead.bytes, connection->ahead_size);
    read_requests(connection, &plain);
    if (plain.size == 0 || connection->is_last_request) {
        pool_give(connection->server->pool, &connection->ahead);
        return;
    }
    /* To the front, so that the room for one more read is behind it. */
    memmove(connection->ahead.bytes, plain.bytes, plain.size);
    connection->ahead_size = plain.size;
}

bool arrival_retry(struct connection *connection)
{
    queue_leave(&connection->stalled);
    if (!show(connection)) {
        /* Still the oldest: it keeps its place. */
        struct queue *const row = &connection->server->stalled;
        queue_append(row->next, &connection->stalled);
        return false;
    }
    connection_touch(connection);
    return true;
}
