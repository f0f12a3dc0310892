/* teller: see teller.h.
 *
 * A lane is a stream and how far it is with its batch: HANDING (messages are being handed over),
 * then HOLDING until none of its answers is under way, then the stream goes on. */
#include "loadtest/load/teller.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http/multipart.h"

#define AGAIN_MS 200     /* after a 5xx that names no time */
#define TICK_MS 20       /* how finely `waiting` is looked at */
#define GREETING_MS 5000 /* for the first exchange of a connection */

struct teller_lane {
    struct teller *teller;
    struct stream *stream; /* NULL: closed */
    bool holding;          /* its batch is complete, stream_next is due */
    unsigned posting;      /* answers of the batch under way */
};

struct teller {
    struct teller_settings settings;
    struct bank *bank;
    char target[64];          /* of POST */
    char greeting_target[64]; /* of the first GET of each connection */
    struct channel *channels[TELLER_CONNECTIONS_MAX];
    struct channel_exchange greetings[TELLER_CONNECTIONS_MAX];
    unsigned channel_count;
    unsigned greeted;
    struct teller_lane lanes[TELLER_STREAMS_MAX];
    unsigned open_lanes;
    uv_timer_t timer;
    struct teller_post *waiting; /* to be sent again, in no order */
    void (*closed)(void *context);
};

size_t teller_number(const struct teller *teller)
{
    return teller->settings.number;
}

bool teller_verify(struct teller *teller, struct span bytes, char words[ENVIRONMENT_WORDS_BYTES])
{
    struct message message;
    struct refusal refusal;
    if (bank_read(teller->bank, bytes, &message, &refusal)) return true;
    struct span const why = refusal_words(&refusal);
    (void)snprintf(words, ENVIRONMENT_WORDS_BYTES, "a message of the switch is not good: %.*s",
                   (int)why.size, why.bytes);
    return false;
}

/* ---- posting ---- */

static void on_answer(struct channel_exchange *exchange);

static void send_post(struct teller_post *post)
{
    struct teller *const teller = post->teller;
    uint64_t const now_ms = uv_now(teller->settings.loop);
    struct channel *best = teller->channels[0];
    for (unsigned i = 1; i < teller->channel_count; i++) {
        if (channel_load(teller->channels[i]) < channel_load(best)) best = teller->channels[i];
    }
    post->exchange = (struct channel_exchange){
        .method = SPAN("POST"),
        .target = span_text(teller->target),
        .content_type = post->multipart ? multipart_type() : SPAN("application/xml"),
        .body = post->body,
        .timeout_ms = post->expires_ms > now_ms ? post->expires_ms - now_ms : 1,
        .done = on_answer,
        .context = post,
    };
    channel_send(best, &post->exchange);
}

void teller_post(struct teller *teller, struct teller_lane *lane, struct teller_post *post)
{
    post->teller = teller;
    post->lane = lane;
    post->expires_ms = uv_now(teller->settings.loop) + teller->settings.post_ms;
    if (lane != NULL) lane->posting++;
    send_post(post);
}

static void on_tick(uv_timer_t *timer)
{
    struct teller *const teller = timer->data;
    uint64_t const now_ms = uv_now(teller->settings.loop);
    struct teller_post **link = &teller->waiting;
    while (*link != NULL) {
        struct teller_post *const post = *link;
        if (post->again_ms > now_ms) {
            link = &post->next;
            continue;
        }
        *link = post->next;
        send_post(post);
    }
    if (teller->waiting == NULL) (void)uv_timer_stop(timer);
}

static void send_again(struct teller_post *post, uint64_t pause_ms)
{
    struct teller *const teller = post->teller;
    post->again_ms = uv_now(teller->settings.loop) + pause_ms;
    post->next = teller->waiting;
    teller->waiting = post;
    if (!uv_is_active((uv_handle_t *)&teller->timer)) {
        (void)uv_timer_start(&teller->timer, on_tick, TICK_MS, TICK_MS);
    }
}

/* Lets the stream go on when nothing of its batch is under way. */
static void go_on(struct teller_lane *lane)
{
    if (!lane->holding || lane->posting > 0) return;
    lane->holding = false;
    stream_next(lane->stream);
}

static void release(struct teller_post *post)
{
    if (post->lane == NULL) return;
    post->lane->posting--;
    go_on(post->lane);
}

static void refuse(struct teller_post *post, const struct channel_exchange *exchange)
{
    const struct teller_settings *const settings = &post->teller->settings;
    char words[BANK_WORDS_BYTES];
    bank_problem_words(words, exchange->status, exchange->answer_body);
    settings->refused(settings->context, post, exchange->status);
    if (post->is_answer) settings->failed(settings->context, words);
}

static void on_answer(struct channel_exchange *exchange)
{
    struct teller_post *const post = exchange->context;
    const struct teller_settings *const settings = &post->teller->settings;
    if (exchange->outcome == CHANNEL_TIMED_OUT) {
        settings->mishap(settings->context, 0);
        release(post); /* nothing more can be done; the account knows it as unknown */
        return;
    }
    int const status = exchange->status;
    if (status == 201) {
        settings->taken(settings->context, post);
        release(post);
        return;
    }
    settings->mishap(settings->context, status);
    if (post->is_answer && (status == 429 || status == 503)) {
        send_again(post, bank_retry_after_ms(exchange->answer));
    } else if (status == 408 || (status >= 500 && status != 503)) {
        send_again(post, AGAIN_MS);
    } else {
        refuse(post, exchange);
    }
}

/* ---- streams ---- */

static void on_message(void *context, struct span resource_id, struct span bytes)
{
    struct teller_lane *const lane = context;
    struct teller *const teller = lane->teller;
    (void)resource_id; /* what comes again is recognised by the ids in it */
    teller->settings.message(teller->settings.context, teller, lane, bytes);
}

static void on_batch(void *context, struct stream *stream)
{
    struct teller_lane *const lane = context;
    (void)stream;
    lane->holding = true;
    go_on(lane);
}

static void on_stream_failed(void *context, struct stream *stream, const char *words)
{
    struct teller_lane *const lane = context;
    (void)stream;
    lane->teller->settings.failed(lane->teller->settings.context, words);
}

/* ---- opening and closing ---- */

/* A connection is up: TLS and all, before the first payment needs it. */
static void on_greeted(struct channel_exchange *exchange)
{
    struct teller *const teller = exchange->context;
    const struct teller_settings *const settings = &teller->settings;
    if (exchange->outcome == CHANNEL_TIMED_OUT) {
        settings->failed(settings->context, exchange->words);
    } else if (exchange->status != 200) {
        char words[BANK_WORDS_BYTES];
        bank_problem_words(words, exchange->status, exchange->answer_body);
        settings->failed(settings->context, words);
    } else if (++teller->greeted == teller->channel_count) {
        settings->ready(settings->context, teller);
    }
}

static void greet(struct teller *teller, unsigned i)
{
    teller->greetings[i] = (struct channel_exchange){
        .method = SPAN("GET"),
        .target = span_text(teller->greeting_target),
        .accept = SPAN("application/xml"),
        .timeout_ms = GREETING_MS,
        .done = on_greeted,
        .context = teller,
    };
    channel_send(teller->channels[i], &teller->greetings[i]);
}

static enum fault open_all(struct teller *teller)
{
    const struct teller_settings *const settings = &teller->settings;
    while (teller->channel_count < settings->connections) {
        enum fault const fault =
            bank_channel(teller->bank, &teller->channels[teller->channel_count]);
        if (fault != FAULT_NONE) return fault;
        teller->channel_count++;
    }
    while (teller->open_lanes < settings->streams) {
        struct teller_lane *const lane = &teller->lanes[teller->open_lanes];
        struct stream_settings const stream = {.bank = teller->bank,
                                               .many = true,
                                               .context = lane,
                                               .message = on_message,
                                               .batch = on_batch,
                                               .failed = on_stream_failed};
        lane->teller = teller;
        enum fault const fault = stream_open(&lane->stream, &stream);
        if (fault != FAULT_NONE) return fault;
        teller->open_lanes++;
    }
    return FAULT_NONE;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct teller *const teller = handle->data;
    for (unsigned i = 0; i < teller->channel_count; i++)
        channel_close(teller->channels[i]);
    bank_close(teller->bank);
    if (teller->closed != NULL) teller->closed(teller->settings.context);
    free(teller);
}

enum fault teller_open(struct teller **out, const struct teller_settings *settings,
                       char words[ENVIRONMENT_WORDS_BYTES])
{
    assert(settings->connections >= 1 && settings->connections <= TELLER_CONNECTIONS_MAX);
    assert(settings->streams >= 1 && settings->streams <= TELLER_STREAMS_MAX);
    struct teller *const teller = calloc(1, sizeof *teller);
    if (teller == NULL) {
        (void)snprintf(words, ENVIRONMENT_WORDS_BYTES, "%s", fault_words(FAULT_MEMORY));
        return FAULT_MEMORY;
    }
    teller->settings = *settings;
    (void)snprintf(teller->target, sizeof teller->target, "/api/v1/in/%.8s/msgs", settings->code);
    (void)snprintf(teller->greeting_target, sizeof teller->greeting_target,
                   "/api/v1/in/%.8s/catalog", settings->code);
    /* The bank's own connection for posting stays unused, hence closed: ours are seen from here. */
    struct bank_settings const bank = {.loop = settings->loop,
                                       .environment = settings->environment,
                                       .code = settings->code,
                                       .channels = 1,
                                       .pipeline_max = LIMIT_PIPELINED};
    enum fault fault = bank_open(&teller->bank, &bank, words);
    if (fault != FAULT_NONE) {
        free(teller);
        return fault;
    }
    (void)uv_timer_init(settings->loop, &teller->timer); /* libuv: always 0 */
    teller->timer.data = teller;
    fault = open_all(teller);
    if (fault != FAULT_NONE) {
        (void)snprintf(words, ENVIRONMENT_WORDS_BYTES, "%s", fault_words(fault));
        for (unsigned i = 0; i < teller->open_lanes; i++)
            stream_drop(teller->lanes[i].stream);
        uv_close((uv_handle_t *)&teller->timer, on_timer_closed);
        return fault;
    }
    for (unsigned i = 0; i < teller->channel_count; i++)
        greet(teller, i);
    *out = teller;
    return FAULT_NONE;
}

static void on_stream_closed(void *context)
{
    struct teller_lane *const lane = context;
    struct teller *const teller = lane->teller;
    if (--teller->open_lanes > 0) return;
    uv_close((uv_handle_t *)&teller->timer, on_timer_closed);
}

void teller_close(struct teller *teller, void (*closed)(void *context))
{
    teller->closed = closed;
    (void)uv_timer_stop(&teller->timer);
    teller->waiting = NULL;
    for (unsigned i = 0; i < teller->settings.streams; i++) {
        teller->lanes[i].holding = false;
        stream_close(teller->lanes[i].stream, on_stream_closed);
    }
}
