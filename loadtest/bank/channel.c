/* channel: see channel.h.
 *
 *               channel_send            resolved            connected          handshake over
 *     RESTING ---------------> RESOLVING -------> CONNECTING --------> OPEN ----> requests and answers
 *        ^  \                      |                  |                  |
 *        |   \--- PAUSING <--------+------ LEAVING <--+------------------+   (libuv closes the socket)
 *        |            |  pause over, exchanges wait: RESOLVING
 *        +------------+  none waits
 *
 * The queue holds every exchange that has no answer, oldest first; `sending` is the first of them
 * that is not written yet.  A lost connection only moves `sending` back to the front. */
#include "loadtest/bank/channel.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/http/request.h"
#include "proto/tls/tls.h"

#define HEAD_BYTES 2048 /* of a request: target and a few headers */
#define READ_BYTES (64 * 1024)
#define ANSWER_BYTES (LIMIT_BODY_BYTES + 16 * 1024) /* 10 full messages and their part heads */
#define PAUSE_FIRST_MS 20
#define PAUSE_MAX_MS 1000
#define CONNECT_MS 5000 /* resolving, connecting and handshake together */
#define TICK_MS 50      /* how finely timeouts are looked at */

enum state { RESTING, RESOLVING, CONNECTING, OPEN, LEAVING, PAUSING };

struct channel {
    uv_loop_t *loop;
    struct tls_context *tls_context;
    struct config_address address;
    char host[LIMIT_HOST_BYTES + 16]; /* the Host header */
    unsigned pipeline_max;

    enum state state;
    bool closed;      /* channel_close was called */
    unsigned handles; /* of libuv's, initialised and not closed: they hold the memory */
    uv_tcp_t tcp;     /* good in CONNECTING, OPEN and LEAVING */
    uv_timer_t timer; /* ticks while anything waits */
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_write_t write;
    bool resolving;      /* the resolver has the request: it holds the memory, too */
    bool writing;        /* the front of tls_output is lent to libuv */
    size_t writing_size; /* how much of it */
    uint64_t pause_ms;   /* before the next connection; doubles until an answer comes */
    uint64_t pause_ends_ms;
    uint64_t connect_ends_ms;
    const char *words;

    struct tls *tls; /* NULL but in CONNECTING, OPEN and LEAVING */
    struct channel_exchange *first;
    struct channel_exchange *last;
    struct channel_exchange *sending; /* the first not yet written; NULL: all are */
    unsigned load;                    /* in the queue */
    unsigned unanswered;              /* of these, written */
    bool mid_request;                 /* head_left and body_left are what is left of `sending` */
    struct span head_left;
    struct span body_left;
    char head[HEAD_BYTES];

    struct response_reader reader;
    struct span cipher_left; /* received, not yet read by TLS, as its output is full */
    char *answer;            /* ANSWER_BYTES */
    char cipher[READ_BYTES];
    char plain[READ_BYTES];
};

static void leave(struct channel *channel, const char *words);
static void pump(struct channel *channel);

static void free_when_unused(struct channel *channel)
{
    if (!channel->closed || channel->handles > 0 || channel->resolving) return;
    free(channel->answer);
    free(channel);
}

/* ---- the queue ---- */

static void push(struct channel *channel, struct channel_exchange *exchange)
{
    exchange->next = NULL;
    if (channel->first == NULL)
        channel->first = exchange;
    else
        channel->last->next = exchange;
    channel->last = exchange;
    if (channel->sending == NULL) channel->sending = exchange;
    channel->load++;
}

static struct channel_exchange *pop(struct channel *channel)
{
    struct channel_exchange *const exchange = channel->first;
    channel->first = exchange->next;
    if (channel->first == NULL) channel->last = NULL;
    if (channel->sending == exchange) channel->sending = exchange->next;
    channel->load--;
    return exchange;
}

/* Takes out what is overdue and hands it back.  One that has been written makes the connection
 * useless, as its answer would be taken for the next one's. */
static void give_back_overdue(struct channel *channel)
{
    uint64_t const now_ms = uv_now(channel->loop);
    struct channel_exchange *overdue = NULL, **overdue_end = &overdue;
    struct channel_exchange **link = &channel->first, *before = NULL;
    bool written = true, broken = false;
    while (*link != NULL) {
        struct channel_exchange *const exchange = *link;
        bool const is_sending = exchange == channel->sending;
        if (is_sending) written = false;
        if (exchange->expires_ms > now_ms) {
            before = exchange;
            link = &exchange->next;
            continue;
        }
        if (written || (is_sending && channel->mid_request)) broken = true;
        if (is_sending) channel->sending = exchange->next;
        *link = exchange->next;
        if (channel->last == exchange) channel->last = before;
        channel->load--;
        exchange->next = NULL;
        *overdue_end = exchange;
        overdue_end = &exchange->next;
    }
    if (broken) leave(channel, "the switch did not answer in time");
    while (overdue != NULL && !channel->closed) {
        struct channel_exchange *const exchange = overdue;
        overdue = exchange->next;
        exchange->outcome = CHANNEL_TIMED_OUT;
        exchange->words = channel->words[0] == '\0' ? "no answer in time" : channel->words;
        exchange->done(exchange);
    }
}

/* ---- writing ---- */

static void begin_request(struct channel *channel, const struct channel_exchange *exchange)
{
    struct draft draft = draft_into(channel->head, sizeof channel->head);
    struct draft_field fields[2];
    size_t count = 0;
    bool const has_body = span_equal(exchange->method, SPAN("POST"));
    if (exchange->content_type.size > 0) {
        fields[count++] = (struct draft_field){SPAN("Content-Type"), exchange->content_type};
    }
    if (exchange->accept.size > 0) {
        fields[count++] = (struct draft_field){SPAN("Accept"), exchange->accept};
    }
    request_write_head(&draft, exchange->method, exchange->target, span_text(channel->host), fields,
                       count, has_body ? (int64_t)exchange->body.size : -1);
    /* A head that does not fit is cut off: the switch refuses it, and the exchange times out. */
    channel->head_left = draft_span(&draft);
    channel->body_left = has_body ? exchange->body : SPAN("");
    channel->mid_request = true;
}

/* Hands requests to TLS as far as its output has room. */
static void write_requests(struct channel *channel)
{
    while (channel->sending != NULL && channel->unanswered < channel->pipeline_max) {
        if (!channel->mid_request) begin_request(channel, channel->sending);
        enum tls_result result = TLS_READY;
        if (channel->head_left.size > 0) result = tls_write(channel->tls, &channel->head_left);
        if (result == TLS_READY && channel->body_left.size > 0) {
            result = tls_write(channel->tls, &channel->body_left);
        }
        if (result != TLS_READY) return; /* no room, or a failure that reading will show */
        channel->mid_request = false;
        channel->sending = channel->sending->next;
        channel->unanswered++;
    }
}

/* Sends what TLS has put out; what the socket does not take at once is lent to libuv. */
static void on_written(uv_write_t *write, int status);

static void pump(struct channel *channel)
{
    while (channel->state == OPEN) {
        if (tls_is_established(channel->tls)) write_requests(channel);
        struct span const output = tls_output(channel->tls);
        if (channel->writing || output.size == 0) return;
        uv_stream_t *const stream = (uv_stream_t *)&channel->tcp;
        uv_buf_t buffer = uv_buf_init((char *)output.bytes, (unsigned)output.size);
        int const sent = uv_try_write(stream, &buffer, 1);
        if (sent < 0 && sent != UV_EAGAIN) {
            leave(channel, uv_strerror(sent));
            return;
        }
        size_t const sent_size = sent > 0 ? (size_t)sent : 0;
        tls_sent(channel->tls, sent_size);
        if (sent_size == output.size) continue;
        channel->writing_size = output.size - sent_size;
        buffer = uv_buf_init((char *)output.bytes + sent_size, (unsigned)channel->writing_size);
        channel->write.data = channel;
        int const status = uv_write(&channel->write, stream, &buffer, 1, on_written);
        if (status < 0) {
            leave(channel, uv_strerror(status));
            return;
        }
        channel->writing = true;
    }
}

/* ---- reading ---- */

/* Hands the answer that the reader holds to the exchange that is first in the queue. */
static void deliver(struct channel *channel)
{
    bool const early = channel->unanswered == 0; /* the switch refused before it had all */
    if (early && !channel->mid_request) {
        leave(channel, "the switch sent an answer that nobody asked for");
        return;
    }
    struct channel_exchange *const exchange = pop(channel);
    if (early)
        channel->mid_request = false;
    else
        channel->unanswered--;
    channel->pause_ms = PAUSE_FIRST_MS;
    exchange->outcome = CHANNEL_ANSWERED;
    exchange->status = channel->reader.status;
    exchange->answer = &channel->reader;
    exchange->answer_body = span_of(channel->answer, channel->reader.body_size);
    exchange->words = "";
    bool const usable = channel->reader.keep_alive && !early;
    exchange->done(exchange);
    if (channel->state != OPEN) return;
    if (!usable) leave(channel, "the switch ended the connection");
    response_reader_begin(&channel->reader, channel->answer, ANSWER_BYTES);
}

static void read_answers(struct channel *channel, struct span plain)
{
    while (plain.size > 0 && channel->state == OPEN) {
        size_t taken;
        enum response_reader_event const event =
            response_reader_feed(&channel->reader, plain, &taken);
        plain = span_after(plain, taken);
        switch (event) {
        case RESPONSE_READER_MORE: return;
        case RESPONSE_READER_COMPLETE: deliver(channel); break;
        case RESPONSE_READER_BROKEN: leave(channel, channel->reader.words); return;
        }
    }
}

static void on_memory_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct channel *const channel = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(channel->cipher, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);

/* Gives TLS what is left of the received bytes. */
static void feed(struct channel *channel)
{
    while (channel->state == OPEN) {
        size_t size;
        enum tls_result const result =
            tls_read(channel->tls, &channel->cipher_left, channel->plain, READ_BYTES, &size);
        switch (result) {
        case TLS_READY: read_answers(channel, span_of(channel->plain, size)); continue;
        case TLS_NEEDS_INPUT: pump(channel); return;
        case TLS_NEEDS_FLUSH:
            pump(channel);
            if (channel->state == OPEN && !channel->writing) continue;
            /* on_written goes on from here. */
            if (channel->state == OPEN) (void)uv_read_stop((uv_stream_t *)&channel->tcp);
            return;
        case TLS_ENDED: leave(channel, "the switch ended the connection"); return;
        case TLS_FAILED: {
            const char *const words = tls_words(channel->tls);
            pump(channel); /* the alert */
            leave(channel, words);
            return;
        }
        }
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct channel *const channel = write->data;
    channel->writing = false;
    if (channel->state != OPEN) return;
    if (status < 0) {
        leave(channel, uv_strerror(status));
        return;
    }
    tls_sent(channel->tls, channel->writing_size);
    pump(channel);
    if (channel->state != OPEN || channel->cipher_left.size == 0) return;
    feed(channel);
    if (channel->state != OPEN || channel->cipher_left.size > 0) return;
    (void)uv_read_start((uv_stream_t *)&channel->tcp, on_memory_wanted, on_read);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct channel *const channel = stream->data;
    if (channel->state != OPEN || size == 0) return;
    if (size < 0) {
        const char *const words = response_reader_started(&channel->reader)
                                      ? "the switch cut the connection inside an answer"
                                      : "the switch cut the connection";
        leave(channel, size == UV_EOF ? words : uv_strerror((int)size));
        return;
    }
    channel->cipher_left = span_of(buffer->base, (size_t)size);
    feed(channel);
}

/* ---- connecting and leaving ---- */

static void pause_before_next(struct channel *channel)
{
    channel->state = PAUSING;
    channel->pause_ends_ms = uv_now(channel->loop) + channel->pause_ms;
    channel->pause_ms = channel->pause_ms * 2 < PAUSE_MAX_MS ? channel->pause_ms * 2 : PAUSE_MAX_MS;
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct channel *const channel = handle->data;
    channel->handles--;
    tls_close(channel->tls); /* not earlier: libuv may have been writing from it */
    channel->tls = NULL;
    pause_before_next(channel);
    free_when_unused(channel);
}

/* The one way out of a connection: what had no answer will be sent again. */
static void leave(struct channel *channel, const char *words)
{
    if (channel->state == RESTING || channel->state == PAUSING || channel->state == LEAVING) return;
    channel->words = words;
    channel->sending = channel->first;
    channel->unanswered = 0;
    channel->mid_request = false;
    channel->cipher_left = SPAN("");
    if (channel->state == RESOLVING) {
        if (channel->resolving) (void)uv_cancel((uv_req_t *)&channel->resolve);
        pause_before_next(channel);
        return;
    }
    channel->state = LEAVING;
    uv_close((uv_handle_t *)&channel->tcp, on_tcp_closed);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct channel *const channel = connect->data;
    if (channel->state != CONNECTING) return;
    if (status < 0) {
        leave(channel, uv_strerror(status));
        return;
    }
    channel->state = OPEN;
    response_reader_begin(&channel->reader, channel->answer, ANSWER_BYTES);
    int const started = uv_read_start((uv_stream_t *)&channel->tcp, on_memory_wanted, on_read);
    if (started < 0) {
        leave(channel, uv_strerror(started));
        return;
    }
    pump(channel); /* the first flight */
}

static void connect_to(struct channel *channel, const struct sockaddr *address)
{
    if (uv_tcp_init(channel->loop, &channel->tcp) < 0) {
        leave(channel, "no socket could be had");
        return;
    }
    channel->tcp.data = channel;
    channel->handles++;
    channel->state = CONNECTING;
    (void)uv_tcp_nodelay(&channel->tcp, 1);
    if (tls_open(&channel->tls, channel->tls_context, channel->address.host) != FAULT_NONE) {
        leave(channel, "no TLS connection could be had");
        return;
    }
    channel->connect.data = channel;
    int const status = uv_tcp_connect(&channel->connect, &channel->tcp, address, on_connected);
    if (status < 0) leave(channel, uv_strerror(status));
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
    struct channel *const channel = resolve->data;
    channel->resolving = false;
    if (channel->state == RESOLVING && !channel->closed) {
        if (status < 0)
            leave(channel, uv_strerror(status));
        else
            connect_to(channel, found->ai_addr);
    }
    uv_freeaddrinfo(found);
    free_when_unused(channel);
}

static void start_connection(struct channel *channel)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    const char *const host = channel->address.host;
    channel->state = RESOLVING;
    channel->connect_ends_ms = uv_now(channel->loop) + CONNECT_MS;
    if (uv_ip4_addr(host, channel->address.port, &ipv4) == 0) {
        connect_to(channel, (const struct sockaddr *)&ipv4);
        return;
    }
    if (uv_ip6_addr(host, channel->address.port, &ipv6) == 0) {
        connect_to(channel, (const struct sockaddr *)&ipv6);
        return;
    }
    struct addrinfo const hints = {.ai_socktype = SOCK_STREAM};
    char port[8];
    (void)snprintf(port, sizeof port, "%u", channel->address.port);
    channel->resolve.data = channel;
    int const status =
        uv_getaddrinfo(channel->loop, &channel->resolve, on_resolved, host, port, &hints);
    channel->resolving = status == 0;
    if (status < 0) leave(channel, uv_strerror(status));
}

static void on_tick(uv_timer_t *timer)
{
    struct channel *const channel = timer->data;
    uint64_t const now_ms = uv_now(channel->loop);
    give_back_overdue(channel);
    if (channel->closed) return;
    bool const connecting = channel->state == RESOLVING || channel->state == CONNECTING ||
                            (channel->state == OPEN && !tls_is_established(channel->tls));
    if (connecting && now_ms >= channel->connect_ends_ms) {
        leave(channel, "the connection could not be made in time");
    } else if (channel->state == PAUSING && now_ms >= channel->pause_ends_ms) {
        if (channel->load == 0)
            channel->state = RESTING;
        else if (!channel->resolving)
            start_connection(channel);
    }
    bool const settled = channel->state == RESTING || (channel->state == OPEN && !connecting);
    if (settled && channel->load == 0) (void)uv_timer_stop(timer);
}

/* ---- the public functions ---- */

enum fault channel_open(struct channel **out, const struct channel_settings *settings)
{
    assert(settings->pipeline_max >= 1 && settings->pipeline_max <= LIMIT_PIPELINED);
    struct channel *const channel = calloc(1, sizeof *channel);
    if (channel == NULL) return FAULT_MEMORY;
    channel->answer = malloc(ANSWER_BYTES);
    if (channel->answer == NULL) {
        free(channel);
        return FAULT_MEMORY;
    }
    channel->loop = settings->loop;
    channel->tls_context = settings->tls;
    channel->address = *settings->address;
    channel->pipeline_max = settings->pipeline_max;
    channel->pause_ms = PAUSE_FIRST_MS;
    channel->words = "";
    bool const is_ipv6 = strchr(channel->address.host, ':') != NULL;
    (void)snprintf(channel->host, sizeof channel->host, is_ipv6 ? "[%s]:%u" : "%s:%u",
                   channel->address.host, channel->address.port);
    (void)uv_timer_init(channel->loop, &channel->timer); /* libuv: always 0 */
    channel->timer.data = channel;
    channel->handles = 1;
    *out = channel;
    return FAULT_NONE;
}

void channel_send(struct channel *channel, struct channel_exchange *exchange)
{
    assert(!channel->closed);
    exchange->expires_ms = uv_now(channel->loop) + exchange->timeout_ms;
    push(channel, exchange);
    if (!uv_is_active((uv_handle_t *)&channel->timer)) {
        (void)uv_timer_start(&channel->timer, on_tick, TICK_MS, TICK_MS);
    }
    if (channel->state == RESTING)
        start_connection(channel);
    else
        pump(channel);
}

unsigned channel_load(const struct channel *channel)
{
    return channel->load;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct channel *const channel = handle->data;
    channel->handles--;
    free_when_unused(channel);
}

void channel_close(struct channel *channel)
{
    if (channel == NULL) return;
    if (channel->state == OPEN) {
        tls_end(channel->tls);
        pump(channel);
    }
    channel->closed = true;
    channel->first = channel->last = channel->sending = NULL;
    channel->load = 0;
    leave(channel, "closed");
    uv_close((uv_handle_t *)&channel->timer, on_timer_closed);
}
