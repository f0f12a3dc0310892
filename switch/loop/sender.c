/* Answers go through TLS into the socket; what the kernel does not take at once, libuv writes.
 *
 * The happy path: sender_send -> put (tls_write) -> sender_push (uv_try_write) -> the exchange is
 * over -> the next.  Possible failures: the socket is full (uv_write has the rest, after_write goes
 * on), or broken (the connection vanishes). */
#include "switch/loop/sender.h"

#include "proto/base/time.h"
#include "switch/loop/loop_internal.h"

/* While the server stops, a peer has this long to read its last answer. */
#define STOP_LINGER_NS (TIME_NS_PER_SECOND / 2)

static struct span output(const struct connection *connection)
{
    return connection->tls ? tls_output(connection->tls) : connection->plain_output;
}

static void output_sent(struct connection *connection, size_t size)
{
    if (connection->tls) {
        tls_sent(connection->tls, size);
    } else {
        connection->plain_output = span_after(connection->plain_output, size);
    }
}

static void after_write(uv_write_t *write, int status);

static void start_stall(struct connection *connection)
{
    connection->stall_ns =
        loop_now_ns(connection->server->settings.loop) + LIMIT_STALL_SECONDS * TIME_NS_PER_SECOND;
}

/* Sends the output; true when nothing of it is left. */
bool sender_push(struct connection *connection)
{
    uv_stream_t *const stream = (uv_stream_t *)&connection->socket;
    for (;;) {
        struct span const bytes = output(connection);
        if (bytes.size == 0) return true;
        if (connection->is_writing || connection->state == CONNECTION_CLOSING) return false;
        uv_buf_t const buffer = uv_buf_init((char *)(uintptr_t)bytes.bytes, (unsigned)bytes.size);
        int const taken = uv_try_write(stream, &buffer, 1);
        if (taken >= 0) {
            output_sent(connection, (size_t)taken);
            continue;
        }
        if (taken != UV_EAGAIN ||
            uv_write(&connection->write, stream, &buffer, 1, after_write) != 0) {
            connection_vanish(connection);
            return false;
        }
        connection->is_writing = true;
        connection->write_size = bytes.size;
        /* Runs until the whole answer is out: a client that sips would hold its buffer for ever. */
        if (connection->stall_ns == CONNECTION_NEVER) start_stall(connection);
        return false;
    }
}

/* Nothing is said any more: when all is sent our direction is shut down, and what the peer still
 * sends is thrown away until it closes, or for a while.  Closing at once could cost it the answer:
 * unread bytes make the kernel send a reset. */
static void shut(struct connection *connection)
{
    if (connection->is_shut || !sender_push(connection)) return;
    connection->is_shut = true;
    if (uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->socket, NULL) != 0) {
        connection_vanish(connection);
    }
}

static void goodbye(struct connection *connection)
{
    connection->state = CONNECTION_LINGERING;
    connection->is_last_request = true;
    connection->request_ns = connection->idle_ns = CONNECTION_NEVER;
    connection->linger_ns =
        loop_now_ns(connection->server->settings.loop) +
        (connection->server->is_stopping ? STOP_LINGER_NS
                                         : LIMIT_LINGER_SECONDS * TIME_NS_PER_SECOND);
    if (connection->tls) tls_end(connection->tls);
    shut(connection);
}

/* Moves bytes of an answer towards the socket; false: the output has to be sent first. */
static bool put(struct connection *connection, struct span *bytes)
{
    if (!connection->tls) {
        if (connection->plain_output.size > 0) return false;
        connection->plain_output = *bytes;
        *bytes = span_after(*bytes, bytes->size);
        return true;
    }
    switch (tls_write(connection->tls, bytes)) {
    case TLS_READY: return true;
    case TLS_NEEDS_FLUSH: return false;
    case TLS_NEEDS_INPUT: /* no request comes before the handshake is over */
    case TLS_ENDED:
    case TLS_FAILED: break;
    }
    connection->is_cut = true;
    return false;
}

/* The first exchange is answered: sends of it what can be sent; true when all of it is on its way
 * and the exchange is over. */
static bool send_first(struct connection *connection)
{
    struct exchange *const first = connection->first;
    struct span rest =
        span_of(first->answer.bytes + first->answer_at, first->answer_end - first->answer_at);
    while (rest.size > 0) {
        if (put(connection, &rest)) continue;
        first->answer_at = first->answer_end - rest.size;
        if (connection->is_cut || !sender_push(connection)) return false;
    }
    first->answer_at = first->answer_end;
    /* Without TLS the answer itself is the output: its buffer is needed until it is sent. */
    if (!connection->tls && !sender_push(connection)) return false;
    return true;
}

/* Sends all answers whose turn has come. */
void sender_send(struct connection *connection)
{
    while (connection->first && connection->first->state == EXCHANGE_ANSWERED) {
        if (!send_first(connection)) return;
        bool const was_last = connection->first->closes;
        connection_release_first(connection);
        /* A small answer is over once TLS has it, though the client may take nothing any more. */
        connection->stall_ns = CONNECTION_NEVER;
        if (connection->is_writing) start_stall(connection);
        if (was_last) {
            goodbye(connection);
            return;
        }
    }
    if (connection->is_continue_owed && connection->reading &&
        connection->first == connection->reading) {
        struct span interim = RESPONSE_CONTINUE;
        if (put(connection, &interim)) connection->is_continue_owed = false;
    }
    bool const is_over = (connection->is_ended && !connection->ahead.bytes) ||
                         (connection->server->is_stopping && !request_started(&connection->reader));
    bool const will_be_incomplete = connection->is_ended && connection->first &&
                                    connection->first == connection->reading &&
                                    !queue_holds(&connection->ready);
    if (is_over && (!connection->first || will_be_incomplete)) {
        goodbye(connection);
        return;
    }
    if (sender_push(connection)) connection->stall_ns = CONNECTION_NEVER;
}

static void after_write(uv_write_t *write, int status)
{
    struct connection *const connection = write->data;
    if (connection->state == CONNECTION_CLOSING) return;
    connection->is_writing = false;
    if (status != 0) {
        connection_vanish(connection);
        return;
    }
    output_sent(connection, connection->write_size);
    if (connection->state == CONNECTION_LINGERING) shut(connection);
    connection_flush(connection);
}
