/* A connection's life: sockets and time on one side, TLS in the middle, exchanges on the other.
 *
 *              +------------------------- one read of the socket -------------------------+
 *   ciphertext |  tls_read  --plain-->  request reader  --exchange-->  handler            |
 *              |                 \--> ahead: what may not be shown yet (connection_flush) |
 *              +--------------------------------------------------------------------------+
 *   ciphertext <--  tls_output  <--tls_write--  answer of the first exchange, in order
 *
 * Answers are only marked when they are given; connection_flush, at the end of the loop's turn,
 * sends them, coalesced: libuv 1.44 finishes one queued write a turn, so it is asked to write at
 * once (uv_try_write) and queues only what the kernel does not take.
 *
 * The happy path: open -> handshake -> request -> handler -> answer -> flush -> next request ...
 * Possible failures, each of which ends in connection_vanish (closed now, what the handler still
 * holds is lost) or in goodbye (the last answer is sent, then up to LIMIT_LINGER_SECONDS are read
 * and thrown away, so that the client sees it): a bad handshake, a malformed or slow request, a
 * peer that leaves or does not read, no buffer.  Nothing that calls back into a handler vanishes
 * the connection beneath it: exchange_cut only marks it for the flush. */
#include "switch/loop/connection.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/time.h"
#include "switch/loop/arrival.h"
#include "switch/loop/loop_internal.h"
#include "switch/loop/sender.h"

/* Reading stops when more than this waits for its turn: one more read, with what TLS holds of a
 * record, still fits. */
#define AHEAD_STOP_BYTES (LIMIT_READ_AHEAD_BYTES - SERVER_READ_BYTES - SERVER_RECORD_BYTES)
static_assert(AHEAD_STOP_BYTES >= 0, "a read may have to be kept whole");

static int64_t now_ns(const struct connection *connection)
{
    return loop_now_ns(connection->server->settings.loop);
}

static void count(struct connection *connection, enum metric metric, uint64_t value)
{
    struct metric_block *const metrics = connection->server->settings.metrics;
    if (metrics) metric_add(metrics, metric, value);
}

static bool is_established(const struct connection *connection)
{
    return !connection->tls || tls_is_established(connection->tls);
}

void connection_touch(struct connection *connection)
{
    queue_append(&connection->server->dirty, &connection->dirty);
}

void connection_release_first(struct connection *connection)
{
    struct exchange *const exchange = connection->first;
    connection->first = exchange->next;
    if (!connection->first) connection->last = NULL;
    connection->exchange_count -= 1;
    exchange_release(exchange);
}

/* ---- Closing ------------------------------------------------------------------------------- */

static void count_open(struct server *server, int change)
{
    server->connection_count += (uint32_t)change;
    struct metric_block *const metrics = server->settings.metrics;
    if (metrics) metric_set(metrics, METRIC_CONNECTIONS_OPEN, server->connection_count);
}

void connection_count_refused(struct server *server)
{
    struct metric_block *const metrics = server->settings.metrics;
    if (metrics) metric_add(metrics, METRIC_CONNECTIONS_REFUSED, 1);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct connection *const connection = handle->data;
    connection->handles_open -= 1;
    if (connection->handles_open > 0) return;
    struct server *const server = connection->server;
    queue_leave(&connection->all);
    queue_leave(&connection->dirty);
    server->closing_count -= 1;
    count_open(server, -1);
    if (server->connection_count == 0) (void)uv_timer_stop(&server->grace);
    tls_close(connection->tls);
    free(connection);
}

void connection_vanish(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSING) return;
    connection->state = CONNECTION_CLOSING;
    struct server *const server = connection->server;
    server->closing_count += 1;
    stranger_leave(connection);
    owner_leave(connection);
    while (connection->first) {
        struct exchange *const exchange = connection->first;
        if (exchange->state != EXCHANGE_OPEN) {
            connection_release_first(connection);
            continue;
        }
        connection->first = exchange->next;
        connection->exchange_count -= 1;
        exchange->connection = NULL;
        exchange->state = EXCHANGE_LOST;
        pool_give(server->pool, &exchange->answer);
        server->handler.lost(server->handler.context, exchange);
    }
    connection->last = connection->reading = connection->waiting = NULL;
    pool_give(server->pool, &connection->body);
    pool_give(server->pool, &connection->ahead);
    uv_close((uv_handle_t *)&connection->socket, on_handle_closed);
    uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static int64_t earliest(const struct connection *connection)
{
    int64_t const all[] = {connection->handshake_ns, connection->request_ns, connection->idle_ns,
                           connection->wait_ns,      connection->stall_ns,   connection->linger_ns};
    int64_t first = CONNECTION_NEVER;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] < first) first = all[i];
    }
    return first;
}

static void on_time(uv_timer_t *timer);

/* The timer is only ever moved to an earlier instant; one that fires too early is set anew. */
static void set_timer(struct connection *connection)
{
    int64_t const first_ns = earliest(connection);
    if (first_ns >= connection->timer_ns) return;
    int64_t const after_ns = first_ns - now_ns(connection);
    connection->timer_ns = first_ns;
    uint64_t const after_ms =
        after_ns <= 0 ? 0 : (uint64_t)((after_ns + TIME_NS_PER_MS - 1) / TIME_NS_PER_MS);
    (void)uv_timer_start(&connection->timer, on_time, after_ms, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct connection *const connection = timer->data;
    if (connection->state == CONNECTION_CLOSING) return;
    int64_t const now = now_ns(connection);
    connection->timer_ns = CONNECTION_NEVER;
    if (connection->handshake_ns <= now) count(connection, METRIC_HANDSHAKES_FAILED, 1);
    if (connection->handshake_ns <= now || connection->idle_ns <= now ||
        connection->stall_ns <= now || connection->linger_ns <= now) {
        if (connection->idle_ns <= now && connection->tls) {
            tls_end(connection->tls);
            (void)sender_push(connection);
        }
        connection_vanish(connection);
        return;
    }
    if (connection->request_ns <= now) {
        arrival_refuse(connection, PROBLEM_SLOW, "the request was not complete in time");
    }
    if (connection->wait_ns <= now) {
        connection->wait_ns = CONNECTION_NEVER;
        struct server *const server = connection->server;
        if (connection->waiting) {
            server->handler.time_up(server->handler.context, connection->waiting);
        }
    }
    connection_flush(connection);
}

/* ---- The socket ---------------------------------------------------------------------------- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct connection *const connection = handle->data;
    bool const may_read = !connection->row || stranger_may_enter(connection);
    *buffer = uv_buf_init(connection->server->read_buffer, may_read ? SERVER_READ_BYTES : 0);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);

static void read_socket(struct connection *connection)
{
    size_t const waiting = connection->ahead.bytes ? connection->ahead_size : 0;
    bool const has_room = connection->state == CONNECTION_LINGERING ||
                          (waiting <= AHEAD_STOP_BYTES && !connection->is_ended);
    bool const wanted = has_room && !connection->is_sated && !queue_holds(&connection->knocking);
    uv_stream_t *const stream = (uv_stream_t *)&connection->socket;
    if (wanted == connection->is_reading) return;
    connection->is_reading = wanted;
    if (wanted) {
        (void)uv_read_start(stream, on_room, on_read); /* cannot fail on an open socket */
    } else {
        (void)uv_read_stop(stream);
    }
}

/* After whatever happened: which deadlines run, and whether the socket is read. */
static void settle(struct connection *connection)
{
    int64_t const now = now_ns(connection);
    const struct server_settings *const settings = &connection->server->settings;
    bool const is_open = connection->state == CONNECTION_OPEN;
    bool const is_asking = request_started(&connection->reader) && !connection->is_last_request &&
                           !queue_holds(&connection->ready);
    if (is_open && is_asking && connection->request_ns == CONNECTION_NEVER) {
        connection->request_ns = now + settings->request_timeout_ns;
    }
    bool const is_idle = is_open && is_established(connection) && !connection->first && !is_asking;
    if (!is_idle) {
        connection->idle_ns = CONNECTION_NEVER;
    } else if (connection->idle_ns == CONNECTION_NEVER) {
        connection->idle_ns = now + settings->idle_timeout_ns;
    }
    read_socket(connection);
    set_timer(connection);
}

void connection_flush(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSING) return;
    if (connection->is_cut) {
        connection_vanish(connection);
        return;
    }
    connection->is_sated = false;
    if (connection->state == CONNECTION_OPEN) sender_send(connection);
    if (connection->state == CONNECTION_OPEN) arrival_go_on(connection);
    /* Behind the last whole request there may have been nothing to wait for. */
    if (connection->state == CONNECTION_OPEN && connection->is_ended) sender_send(connection);
    if (connection->is_cut) connection_vanish(connection);
    if (connection->state != CONNECTION_CLOSING) settle(connection);
}

/* The peer sends no more.  What it has asked is still shown and answered; a poll that waits would
 * wait for nobody, and so would a request that has stalled. */
static void on_end(struct connection *connection)
{
    connection->is_ended = true;
    bool const is_ready = queue_holds(&connection->ready) && !connection->has_stalled;
    bool const is_incomplete = connection->reading && !is_ready;
    if (connection->waiting || is_incomplete || !connection->first) {
        connection_vanish(connection);
        return;
    }
    settle(connection);
}

static void on_handshake_failed(struct connection *connection)
{
    count(connection, METRIC_HANDSHAKES_FAILED, 1);
    LOG(LOG_WARNING, "connection", "a TLS handshake failed: %s", tls_words(connection->tls));
}

/* Ciphertext to plain text to requests; false: the connection is closed or closing. */
static bool decrypt(struct connection *connection, struct span input)
{
    struct server *const server = connection->server;
    for (;;) {
        bool const was_established = tls_is_established(connection->tls);
        size_t size = 0;
        enum tls_result const result = tls_read(connection->tls, &input, server->plain_buffer,
                                                sizeof server->plain_buffer, &size);
        if (!was_established && tls_is_established(connection->tls)) {
            connection->handshake_ns = CONNECTION_NEVER;
            connection_identify(connection);
        }
        switch (result) {
        case TLS_READY: arrival_take(connection, span_of(server->plain_buffer, size)); break;
        case TLS_NEEDS_INPUT: return true;
        case TLS_NEEDS_FLUSH:
            /* Only a peer that makes us answer its handshake messages without reading comes here
             * twice. */
            if (sender_push(connection)) break;
            connection_vanish(connection);
            return false;
        case TLS_ENDED: on_end(connection); return false;
        case TLS_FAILED:
            if (!was_established) on_handshake_failed(connection);
            (void)sender_push(connection); /* the alert */
            connection_vanish(connection);
            return false;
        }
    }
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *const connection = stream->data;
    if (connection->state == CONNECTION_CLOSING || size == 0) return;
    if (size == UV_ENOBUFS) { /* on_room: it knocks */
        read_socket(connection);
        return;
    }
    if (size < 0) {
        bool const is_proper = size == UV_EOF && !connection->tls;
        if (is_proper && connection->state == CONNECTION_OPEN) {
            on_end(connection);
        } else {
            connection_vanish(connection);
        }
        return;
    }
    stranger_heard(connection);
    if (size == SERVER_READ_BYTES) { /* there may be more: others first */
        connection->is_sated = true;
        connection_touch(connection);
        read_socket(connection);
    }
    if (connection->state == CONNECTION_LINGERING) return;
    struct span const bytes = span_of(buffer->base, (size_t)size);
    if (!connection->tls) {
        arrival_take(connection, bytes);
    } else if (!decrypt(connection, bytes)) {
        return;
    }
    /* A flight of the handshake leaves now; answers at the end of the turn. */
    if (!queue_holds(&connection->dirty)) (void)sender_push(connection);
    if (connection->is_cut) connection_vanish(connection);
    if (connection->state != CONNECTION_CLOSING) settle(connection);
}

void connection_identify(struct connection *connection)
{
    struct server *const server = connection->server;
    uint32_t owner;
    if (!connection->row || !server->handler.owner) return;
    const struct hash *const peer = connection->tls ? tls_peer_fingerprint(connection->tls) : NULL;
    connection->is_surplus = false;
    if (!server->handler.owner(server->handler.context, peer, &owner)) return;
    if (owner_join(connection, owner)) {
        stranger_leave(connection);
    } else {
        connection->is_surplus = true;
    }
}

void connection_read_on(struct connection *connection)
{
    settle(connection);
}

void connection_open(struct server *server, int socket_fd, uint64_t origin)
{
    struct connection *const connection = calloc(1, sizeof *connection);
    if (!connection) goto no_memory;
    struct tls_context *const context = server->settings.tls;
    if (context && tls_open(&connection->tls, context, NULL) != FAULT_NONE) goto no_tls;
    uv_loop_t *const loop = loop_uv(server->settings.loop);
    connection->server = server;
    connection->owner = OWNER_STRANGERS;
    if (uv_tcp_init(loop, &connection->socket) != 0) goto no_socket;
    (void)uv_timer_init(loop, &connection->timer); /* cannot fail */
    connection->handles_open = 2;
    connection->socket.data = connection->timer.data = connection->write.data = connection;
    queue_append(&server->connections, &connection->all);
    stranger_join(connection, origin);
    count_open(server, 1);
    connection->request_ns = connection->idle_ns = connection->wait_ns = connection->stall_ns =
        connection->linger_ns = connection->timer_ns = CONNECTION_NEVER;
    connection->handshake_ns =
        context ? now_ns(connection) + server->settings.request_timeout_ns : CONNECTION_NEVER;
    request_begin(&connection->reader);
    if (uv_tcp_open(&connection->socket, socket_fd) != 0) {
        (void)close(socket_fd);
        connection_vanish(connection);
        return;
    }
    (void)uv_tcp_nodelay(&connection->socket, 1); /* without it answers are late, not wrong */
    settle(connection);
    return;

no_socket:
    tls_close(connection->tls);
no_tls:
    free(connection);
no_memory:
    LOG(LOG_ERROR, "connection", "no memory for one more connection: it was closed");
    (void)close(socket_fd);
}

void connection_stop(struct connection *connection)
{
    if (connection->state != CONNECTION_OPEN) return;
    if (connection->first || (is_established(connection) && request_started(&connection->reader))) {
        return; /* its answer will be its last */
    }
    if (connection->tls) {
        tls_end(connection->tls);
        (void)sender_push(connection);
    }
    connection_vanish(connection);
}
