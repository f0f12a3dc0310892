/* stream: see stream.h.
 *
 *     ASKING --200--> HANDING --batch--> HOLDING --stream_next--> ASKING
 *        +--204, 410--> ASKING
 *        +--429, 5xx--> PAUSING --> ASKING
 *        +--other-----> OVER
 *     any --stream_close--> ENDING --> gone
 *
 * Possible failures: see stream.h; lost connections are the channel's matter. */
#include "loadtest/bank/stream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http/media.h"
#include "proto/http/multipart.h"

#define TARGET_BYTES 512 /* of a PI-Pull-Next: a path with an opaque part */
#define ANSWER_MS 15000  /* beyond poll_seconds: then the connection is of no use */
#define AGAIN_MS 200     /* after a 5xx that names no time */
#define AWAY_MS 500      /* after a batch was left to others: time for them to take it */
#define GOODBYE_MS 2000  /* for the DELETE */

enum state { ASKING, HANDING, HOLDING, PAUSING, OVER, ENDING };

struct stream {
    struct stream_settings settings;
    enum state state;
    struct channel *channel;
    struct channel_exchange exchange;
    uv_timer_t timer;
    char start[64];            /* target of stream/start */
    char target[TARGET_BYTES]; /* of the next GET, or of the DELETE: the last PI-Pull-Next */
    bool opened;               /* target is a PI-Pull-Next */
    void (*closed)(void *context);
};

static void on_answer(struct channel_exchange *exchange);

static void ask(struct stream *stream)
{
    const struct config *const config = &bank_environment(stream->settings.bank)->config;
    stream->state = ASKING;
    stream->exchange = (struct channel_exchange){
        .method = SPAN("GET"),
        .target = span_text(stream->target),
        .accept = stream->settings.many ? SPAN("application/xml, multipart/mixed")
                                        : SPAN("application/xml"),
        .timeout_ms = (uint64_t)(config->participants_poll_ns / TIME_NS_PER_MS) + ANSWER_MS,
        .done = on_answer,
        .context = stream,
    };
    channel_send(stream->channel, &stream->exchange);
}

/* The next GET opens a new stream. */
static void begin(struct stream *stream)
{
    (void)snprintf(stream->target, sizeof stream->target, "%s", stream->start);
    stream->opened = false;
}

static void on_pause_over(uv_timer_t *timer)
{
    struct stream *const stream = timer->data;
    if (stream->state == PAUSING) ask(stream);
}

static void pause_then_ask(struct stream *stream, uint64_t pause_ms)
{
    stream->state = PAUSING;
    (void)uv_timer_start(&stream->timer, on_pause_over, pause_ms, 0);
}

static void fail(struct stream *stream, const char *words)
{
    stream->state = OVER;
    stream->settings.failed(stream->settings.context, stream, words);
}

/* Takes over PI-Pull-Next; false: there is none that could be used. */
static bool take_next(struct stream *stream, const struct response_reader *answer)
{
    struct span next;
    if (!fields_find(&answer->fields, SPAN("pi-pull-next"), &next)) return false;
    if (next.size == 0 || next.size >= TARGET_BYTES || next.bytes[0] != '/') return false;
    memcpy(stream->target, next.bytes, next.size);
    stream->target[next.size] = '\0';
    stream->opened = true;
    return true;
}

/* Hands over each message of a 200, then the batch. */
static void take_batch(struct stream *stream, const struct channel_exchange *exchange)
{
    struct span messages[LIMIT_PARTS], ids[LIMIT_PARTS];
    size_t count = 1;
    struct media_boundary boundary;
    const char *words = "";
    enum media_body const type = media_body_of(&exchange->answer->fields, &boundary);
    if (type == MEDIA_BODY_XML) {
        messages[0] = exchange->answer_body;
        (void)fields_find(&exchange->answer->fields, SPAN("pi-resourceid"), &ids[0]);
    } else if (type != MEDIA_BODY_MULTIPART ||
               multipart_split_answer(exchange->answer_body, span_of(boundary.bytes, boundary.size),
                                      messages, ids, &count, &words) != MULTIPART_GOOD) {
        fail(stream, "the switch sent a batch that is neither XML nor multipart");
        return;
    }
    stream->state = HANDING;
    for (size_t i = 0; i < count && stream->state == HANDING; i++) {
        stream->settings.message(stream->settings.context, ids[i], messages[i]);
    }
    if (stream->state != HANDING) return; /* dropped from inside */
    stream->state = HOLDING;
    stream->settings.batch(stream->settings.context, stream);
}

static void on_answer(struct channel_exchange *exchange)
{
    struct stream *const stream = exchange->context;
    if (exchange->outcome == CHANNEL_TIMED_OUT) {
        pause_then_ask(stream, AGAIN_MS);
        return;
    }
    int const status = exchange->status;
    if (status == 200 || status == 204) {
        if (!take_next(stream, exchange->answer)) {
            fail(stream, "the switch sent a batch without a usable PI-Pull-Next");
        } else if (status == 200) {
            take_batch(stream, exchange);
        } else {
            ask(stream);
        }
    } else if (status == 410) {
        begin(stream);
        ask(stream);
    } else if (status == 429 || status == 503) {
        pause_then_ask(stream, bank_retry_after_ms(exchange->answer));
    } else if (status == 408 || status >= 500) {
        pause_then_ask(stream, AGAIN_MS);
    } else {
        char words[BANK_WORDS_BYTES];
        bank_problem_words(words, status, exchange->answer_body);
        fail(stream, words);
    }
}

enum fault stream_open(struct stream **out, const struct stream_settings *settings)
{
    struct stream *const stream = calloc(1, sizeof *stream);
    if (stream == NULL) return FAULT_MEMORY;
    stream->settings = *settings;
    enum fault const fault = bank_channel(settings->bank, &stream->channel);
    if (fault != FAULT_NONE) {
        free(stream);
        return fault;
    }
    struct span const code = bank_code(settings->bank);
    (void)snprintf(stream->start, sizeof stream->start, "/api/v1/out/%.*s/stream/start",
                   (int)code.size, code.bytes);
    (void)uv_timer_init(bank_loop(settings->bank), &stream->timer); /* libuv: always 0 */
    stream->timer.data = stream;
    begin(stream);
    ask(stream);
    *out = stream;
    return FAULT_NONE;
}

void stream_next(struct stream *stream)
{
    assert(stream->state == HOLDING);
    ask(stream);
}

void stream_abandon(struct stream *stream)
{
    assert(stream->state == HOLDING);
    begin(stream);
    pause_then_ask(stream, AWAY_MS);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct stream *const stream = handle->data;
    if (stream->closed != NULL) stream->closed(stream->settings.context);
    free(stream);
}

void stream_drop(struct stream *stream)
{
    if (stream == NULL) return;
    stream->state = OVER;
    channel_close(stream->channel);
    uv_close((uv_handle_t *)&stream->timer, on_timer_closed);
}

static void on_goodbye(struct channel_exchange *exchange)
{
    stream_drop(exchange->context);
}

void stream_close(struct stream *stream, void (*closed)(void *context))
{
    assert(stream->state != HANDING);
    stream->closed = closed;
    if (!stream->opened || stream->state == OVER) {
        stream_drop(stream);
        return;
    }
    /* A GET that waits holds up its connection: the DELETE takes another. */
    if (stream->state == ASKING) {
        struct channel *other;
        if (bank_channel(stream->settings.bank, &other) != FAULT_NONE) {
            stream_drop(stream);
            return;
        }
        channel_close(stream->channel);
        stream->channel = other;
    }
    stream->state = ENDING;
    (void)uv_timer_stop(&stream->timer);
    stream->exchange = (struct channel_exchange){
        .method = SPAN("DELETE"),
        .target = span_text(stream->target),
        .timeout_ms = GOODBYE_MS,
        .done = on_goodbye,
        .context = stream,
    };
    channel_send(stream->channel, &stream->exchange);
}
