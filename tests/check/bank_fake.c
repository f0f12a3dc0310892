/* bank_fake: see bank_fake.h. */
#include "tests/check/bank_fake.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/time.h"
#include "proto/http/media.h"
#include "proto/http/multipart.h"
#include "proto/http/request.h"
#include "proto/http/response.h"
#include "proto/tls/tls.h"

#define PEERS_MAX 32

struct peer {
    struct bank_fake *fake;
    uv_tcp_t tcp;
    struct tls *tls;
    bool closing;
    bool polling; /* its GET waits for a message */
    bool many;
    struct request_reader reader;
    char body[LIMIT_BODY_BYTES];
    char input[65536];
};

struct bank_fake {
    uv_loop_t *loop;
    uv_tcp_t listener;
    struct tls_context *tls;
    struct signature_signer *signer;
    struct message_reader *reader;
    struct message message;
    struct peer *peers[PEERS_MAX];
    size_t peer_count, closed_count;
    bool closing;

    enum bank_fake_mishap post_mishaps[8], poll_mishaps[8];
    size_t post_mishap_count, poll_mishap_count;
    bank_fake_taker *taker;
    void *taker_context;
    struct span posts[FAKE_POSTS_MAX]; /* each allocated */
    size_t post_count;

    struct {
        char id[LIMIT_ID_BYTES + 1];
        struct span bytes; /* allocated */
    } queue[FAKE_QUEUE_MAX];
    size_t queued, sent, confirmed;
    unsigned step; /* of the stream's PI-Pull-Next */
    size_t deletes;
    unsigned ids;
    char id_text[LIMIT_ID_BYTES + 1];
};

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *const peer = handle->data;
    struct bank_fake *const fake = peer->fake;
    tls_close(peer->tls);
    peer->tls = NULL;
    fake->closed_count++;
}

static void cut(struct peer *peer)
{
    if (peer->closing) return;
    peer->closing = true;
    peer->polling = false;
    uv_close((uv_handle_t *)&peer->tcp, on_peer_closed);
}

/* The test's answers are small: the socket's buffer takes them. */
static void flush(struct peer *peer)
{
    for (;;) {
        struct span const output = tls_output(peer->tls);
        if (output.size == 0) return;
        uv_buf_t const buffer = uv_buf_init((char *)output.bytes, (unsigned)output.size);
        int const sent = uv_try_write((uv_stream_t *)&peer->tcp, &buffer, 1);
        if (sent == UV_EAGAIN) continue;
        if (sent < 0) {
            cut(peer);
            return;
        }
        tls_sent(peer->tls, (size_t)sent);
    }
}

static void answer(struct peer *peer, int status, struct span type,
                   const struct draft_field *fields, size_t count, struct span body)
{
    static char bytes[LIMIT_BODY_BYTES + LIMIT_HEAD_BYTES];
    struct draft draft = draft_into(bytes, sizeof bytes);
    struct response const response = {
        .status = status, .content_type = type, .fields = fields, .field_count = count};
    response_write_head(&draft, &response, body.size);
    draft_put(&draft, body);
    ck_assert(!draft.failed);
    struct span plain = draft_span(&draft);
    while (plain.size > 0 && !peer->closing) {
        enum tls_result const result = tls_write(peer->tls, &plain);
        ck_assert(result == TLS_READY || result == TLS_NEEDS_FLUSH);
        flush(peer);
    }
}

/* True: the request has had its mishap. */
static bool mishap(struct peer *peer, enum bank_fake_mishap *mishaps, size_t *count)
{
    if (*count == 0) return false;
    enum bank_fake_mishap const next = mishaps[0];
    (*count)--;
    memmove(mishaps, mishaps + 1, *count * sizeof *mishaps);
    struct draft_field const again[] = {{SPAN("Retry-After"), SPAN("1")}};
    struct span const problem = SPAN("<problem xmlns=\"urn:ietf:rfc:7807\"><title>the title</title>"
                                     "<detail>the detail</detail></problem>");
    struct span const type = SPAN("application/problem+xml");
    switch (next) {
    case FAKE_NONE: return false;
    case FAKE_CUT: cut(peer); return true;
    case FAKE_SILENCE: return true;
    case FAKE_503: answer(peer, 503, type, again, 1, problem); return true;
    case FAKE_500: answer(peer, 500, type, NULL, 0, problem); return true;
    case FAKE_403: answer(peer, 403, type, NULL, 0, problem); return true;
    case FAKE_410: answer(peer, 410, type, NULL, 0, problem); return true;
    }
    return false;
}

static struct span keep(struct span bytes)
{
    char *const copy = malloc(bytes.size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes.bytes, bytes.size);
    return span_of(copy, bytes.size);
}

static void take_post(struct peer *peer)
{
    struct bank_fake *const fake = peer->fake;
    struct span const body = span_of(peer->body, peer->reader.body_size);
    ck_assert_uint_lt(fake->post_count, FAKE_POSTS_MAX);
    fake->posts[fake->post_count++] = keep(body);
    if (mishap(peer, fake->post_mishaps, &fake->post_mishap_count)) return;
    if (fake->taker != NULL) fake->taker(fake, body, fake->taker_context);
    struct draft_field const fields[] = {{SPAN("PI-ResourceId"), SPAN("in-1, in-2")}};
    answer(peer, 201, SPAN(""), fields, 1, SPAN(""));
}

/* Answers a GET that waits, when there is something for it. */
static void serve_poll(struct peer *peer)
{
    struct bank_fake *const fake = peer->fake;
    if (!peer->polling || peer->closing || fake->sent == fake->queued) return;
    static char body[LIMIT_BODY_BYTES];
    char next[64];
    peer->polling = false;
    (void)snprintf(next, sizeof next, "/stream/%u", ++fake->step);
    struct draft_field fields[2] = {{SPAN("PI-Pull-Next"), span_text(next)}};
    size_t const count = fake->queued - fake->sent;
    if (!peer->many || count == 1) {
        fields[1] =
            (struct draft_field){SPAN("PI-ResourceId"), span_text(fake->queue[fake->sent].id)};
        fake->sent++;
        answer(peer, 200, SPAN("application/xml"), fields, 2, fake->queue[fake->sent - 1].bytes);
        return;
    }
    struct draft draft = draft_into(body, sizeof body);
    for (size_t i = 0; i < LIMIT_PARTS && fake->sent < fake->queued; i++, fake->sent++) {
        multipart_write_part(&draft, span_text(fake->queue[fake->sent].id),
                             fake->queue[fake->sent].bytes);
    }
    multipart_write_end(&draft);
    ck_assert(!draft.failed);
    answer(peer, 200, multipart_type(), fields, 1, draft_span(&draft));
}

static void serve_polls(struct bank_fake *fake)
{
    for (size_t i = 0; i < fake->peer_count; i++)
        serve_poll(fake->peers[i]);
}

static void take_poll(struct peer *peer)
{
    struct bank_fake *const fake = peer->fake;
    const struct request *const request = &peer->reader.request;
    struct media_accept accept;
    char last[64];
    media_accept_of(&request->fields, &accept);
    peer->many = accept.multipart_named;
    if (mishap(peer, fake->poll_mishaps, &fake->poll_mishap_count)) return;
    (void)snprintf(last, sizeof last, "/stream/%u", fake->step);
    if (span_equal(request->path, span_text(last))) {
        fake->confirmed = fake->sent;
    } else {
        fake->sent = fake->confirmed; /* a new stream, or the last GET again */
    }
    if (span_equal(request->method, SPAN("DELETE"))) {
        fake->deletes++;
        answer(peer, 200, SPAN(""), NULL, 0, SPAN(""));
        return;
    }
    peer->polling = true;
    serve_poll(peer);
}

static void read_requests(struct peer *peer, struct span plain)
{
    while (!peer->closing) {
        size_t taken;
        enum request_event const event = request_feed(&peer->reader, plain, &taken);
        plain = span_after(plain, taken);
        switch (event) {
        case REQUEST_MORE: return;
        case REQUEST_HEAD: request_body_into(&peer->reader, peer->body, sizeof peer->body); break;
        case REQUEST_COMPLETE:
            if (span_equal(peer->reader.request.method, SPAN("POST")))
                take_post(peer);
            else
                take_poll(peer);
            request_begin(&peer->reader);
            break;
        case REQUEST_BODY_FULL:
        case REQUEST_REFUSED: ck_abort_msg("the bank's request: %s", peer->reader.words);
        }
    }
}

static void on_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct peer *const peer = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(peer->input, sizeof peer->input);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct peer *const peer = stream->data;
    static char plain[65536];
    if (size < 0) {
        cut(peer);
        return;
    }
    struct span cipher = span_of(buffer->base, (size_t)size);
    while (!peer->closing) {
        size_t plain_size;
        enum tls_result const result =
            tls_read(peer->tls, &cipher, plain, sizeof plain, &plain_size);
        flush(peer);
        if (result == TLS_READY)
            read_requests(peer, span_of(plain, plain_size));
        else if (result == TLS_NEEDS_INPUT)
            return;
        else if (result != TLS_NEEDS_FLUSH)
            cut(peer);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct bank_fake *const fake = listener->data;
    ck_assert_int_eq(status, 0);
    ck_assert_uint_lt(fake->peer_count, PEERS_MAX);
    struct peer *const peer = calloc(1, sizeof *peer);
    ck_assert_ptr_nonnull(peer);
    fake->peers[fake->peer_count++] = peer;
    peer->fake = fake;
    request_begin(&peer->reader);
    ck_assert_int_eq(uv_tcp_init(fake->loop, &peer->tcp), 0);
    peer->tcp.data = peer;
    ck_assert_int_eq(uv_accept(listener, (uv_stream_t *)&peer->tcp), 0);
    ck_assert_int_eq(tls_open(&peer->tls, fake->tls, NULL), FAULT_NONE);
    ck_assert_int_eq(uv_read_start((uv_stream_t *)&peer->tcp, on_memory, on_read), 0);
}

struct bank_fake *bank_fake_open(uv_loop_t *loop, const char *folder)
{
    struct bank_fake *const fake = calloc(1, sizeof *fake);
    struct sockaddr_in address;
    struct tls_ticket_seed seed;
    struct certificate *certificate;
    struct private_key *key;
    char paths[5][256];
    const char *words = "";
    static const char *const names[] = {"switch/channel.crt", "switch/channel.key", "ca.crt",
                                        "switch/signing.crt", "switch/signing.key"};
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    }
    fake->loop = loop;
    ck_assert_int_eq(tls_context_draw_seed(&seed, time_wall_ns()), FAULT_NONE);
    struct tls_settings const settings = {.role = TLS_SERVER,
                                          .certificate_path = paths[0],
                                          .key_path = paths[1],
                                          .ca_path = paths[2],
                                          .ticket_seed = &seed};
    ck_assert_int_eq(tls_context_open(&fake->tls, &settings, &words), FAULT_NONE);
    ck_assert_int_eq(certificate_load(&certificate, paths[3], &words), FAULT_NONE);
    ck_assert_int_eq(key_load(&key, paths[4], &words), FAULT_NONE);
    ck_assert_int_eq(signature_signer_open(&fake->signer, key, certificate), FAULT_NONE);
    key_close(key);
    certificate_close(certificate);
    ck_assert_int_eq(message_open(&fake->reader), FAULT_NONE);
    ck_assert_int_eq(uv_tcp_init(loop, &fake->listener), 0);
    fake->listener.data = fake;
    ck_assert_int_eq(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    ck_assert_int_eq(uv_tcp_bind(&fake->listener, (const struct sockaddr *)&address, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&fake->listener, 16, on_connection), 0);
    return fake;
}

uint16_t bank_fake_port(const struct bank_fake *fake)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    ck_assert_int_eq(uv_tcp_getsockname(&fake->listener, (struct sockaddr *)&address, &size), 0);
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

static void on_listener_closed(uv_handle_t *handle)
{
    (void)handle;
}

void bank_fake_close(struct bank_fake *fake)
{
    for (size_t i = 0; i < fake->peer_count; i++)
        cut(fake->peers[i]);
    uv_close((uv_handle_t *)&fake->listener, on_listener_closed);
    while (uv_loop_alive(fake->loop))
        (void)uv_run(fake->loop, UV_RUN_ONCE);
    ck_assert_uint_eq(fake->closed_count, fake->peer_count);
    for (size_t i = 0; i < fake->peer_count; i++)
        free(fake->peers[i]);
    for (size_t i = 0; i < fake->post_count; i++)
        free((char *)fake->posts[i].bytes);
    for (size_t i = 0; i < fake->queued; i++)
        free((char *)fake->queue[i].bytes.bytes);
    signature_signer_close(fake->signer);
    message_close(fake->reader);
    tls_context_close(fake->tls);
    free(fake);
}

void bank_fake_spoil_post(struct bank_fake *fake, enum bank_fake_mishap mishap_next)
{
    fake->post_mishaps[fake->post_mishap_count++] = mishap_next;
}

void bank_fake_spoil_poll(struct bank_fake *fake, enum bank_fake_mishap mishap_next)
{
    fake->poll_mishaps[fake->poll_mishap_count++] = mishap_next;
}

void bank_fake_on_post(struct bank_fake *fake, bank_fake_taker *taker, void *context)
{
    fake->taker = taker;
    fake->taker_context = context;
}

size_t bank_fake_post_count(const struct bank_fake *fake)
{
    return fake->post_count;
}

struct span bank_fake_post(const struct bank_fake *fake, size_t index)
{
    ck_assert_uint_lt(index, fake->post_count);
    return fake->posts[index];
}

void bank_fake_queue(struct bank_fake *fake, struct span resource_id, struct span message)
{
    ck_assert_uint_lt(fake->queued, FAKE_QUEUE_MAX);
    (void)snprintf(fake->queue[fake->queued].id, sizeof fake->queue[0].id, "%.*s",
                   (int)resource_id.size, resource_id.bytes);
    fake->queue[fake->queued++].bytes = keep(message);
    serve_polls(fake);
}

size_t bank_fake_confirmed(const struct bank_fake *fake)
{
    return fake->confirmed;
}

size_t bank_fake_connections(const struct bank_fake *fake)
{
    return fake->peer_count;
}

size_t bank_fake_deletes(const struct bank_fake *fake)
{
    return fake->deletes;
}

struct header bank_fake_header(struct bank_fake *fake, struct span code)
{
    int const size = snprintf(fake->id_text, sizeof fake->id_text, "S%u", ++fake->ids);
    return (struct header){.sender = SPAN("00038166"),
                           .receiver = code,
                           .business_id = span_of(fake->id_text, (size_t)size),
                           .created_ns = time_wall_ns()};
}

struct span bank_fake_sign(struct bank_fake *fake, struct compose *compose)
{
    struct span message;
    ck_assert_int_eq(compose_sign(compose, fake->signer, &message), FAULT_NONE);
    return message;
}

struct message *bank_fake_read(struct bank_fake *fake, struct span bytes)
{
    struct message_rules const rules = {.side = MESSAGE_BY_SWITCH, .receiver = SPAN("00038166")};
    struct refusal refusal;
    enum message_verdict const verdict =
        message_read(fake->reader, bytes, &rules, &fake->message, &refusal);
    ck_assert_msg(verdict == MESSAGE_GOOD, "%.*s: %.*s", (int)refusal_location(&refusal).size,
                  refusal_location(&refusal).bytes, (int)refusal_words(&refusal).size,
                  refusal_words(&refusal).bytes);
    return &fake->message;
}
