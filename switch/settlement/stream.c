/* Streams: which batch a bank holds, which step it may ask, and who waits. */
#include "switch/settlement/stream.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/crypto/random.h"

struct stream_set {
    struct stream *streams; /* streams_max of them */
};

struct stream_table {
    struct stream_options options;
    uint32_t member_count;
    uint32_t open_count;
    uint64_t waiting_orders; /* handed out */
    uint64_t confirmed;
    struct stream_set members[LIMIT_PARTICIPANTS];
};

enum fault stream_open(struct stream_table **out, const struct stream_options *options)
{
    assert(options->streams_max >= 1 && options->streams_max <= LIMIT_STREAMS);
    *out = calloc(1, sizeof **out);
    if (!*out) return FAULT_MEMORY;
    (*out)->options = *options;
    return FAULT_NONE;
}

enum fault stream_join(struct stream_table *table)
{
    assert(table->member_count < LIMIT_PARTICIPANTS);
    struct stream *const streams = calloc(table->options.streams_max, sizeof *streams);
    if (!streams) return FAULT_MEMORY;
    table->members[table->member_count++].streams = streams;
    return FAULT_NONE;
}

static struct stream_answer answer_of(uint32_t loop, struct request_id request,
                                      enum poll_outcome outcome)
{
    return (struct stream_answer){
        .loop = loop, .reply = {.kind = REPLY_POLL, .outcome = outcome, .request = request}};
}

static void confirm_held(struct stream_table *table, uint32_t participant, struct stream *stream)
{
    for (uint32_t i = 0; i < stream->held_count; i++)
        outbox_confirm(table->options.outbox, participant, stream->held[i]);
    table->confirmed += stream->held_count;
    stream->held_count = 0;
}

/* The stream ends; what it holds goes back to the outbox. */
static void give_up(struct stream_table *table, uint32_t participant, struct stream *stream)
{
    for (uint32_t i = 0; i < stream->held_count; i++)
        outbox_give_back(table->options.outbox, participant, stream->held[i]);
    *stream = (struct stream){0};
    table->open_count -= 1;
}

static bool is_idle(const struct stream_table *table, const struct stream *stream, int64_t now_ns)
{
    return stream->id && !stream->is_waiting &&
           now_ns - stream->last_use_ns >= table->options.idle_ns;
}

/* A free place, or that of an idle stream, or, where streams_max are open, of "the oldest that is not
 * waiting and whose first PI-Pull-Next was never used" (WIRE section 1). NULL: there is none. */
static struct stream *place_for_new(struct stream_table *table, uint32_t participant,
                                    int64_t now_ns)
{
    struct stream *const streams = table->members[participant].streams;
    struct stream *unused = NULL;
    for (uint32_t i = 0; i < table->options.streams_max; i++) {
        struct stream *const stream = &streams[i];
        if (is_idle(table, stream, now_ns)) give_up(table, participant, stream);
        if (stream->id == 0) return stream;
        if (stream->is_waiting || stream->is_used) continue;
        if (!unused || stream->last_use_ns < unused->last_use_ns) unused = stream;
    }
    if (unused) give_up(table, participant, unused);
    return unused;
}

static void begin_wait(struct stream_table *table, struct stream *stream,
                       const struct poll_command *poll, uint32_t loop)
{
    stream->is_waiting = true;
    stream->is_repeat = stream->held_count > 0;
    stream->loop = loop;
    stream->request = poll->request;
    stream->messages_max = poll->messages_max;
    stream->waiting_order = ++table->waiting_orders;
    outbox_stir(table->options.outbox, poll->participant);
}

static struct stream *find(struct stream_table *table, const struct poll_command *poll,
                           int64_t now_ns)
{
    struct stream *const streams = table->members[poll->participant].streams;
    for (uint32_t i = 0; i < table->options.streams_max; i++) {
        if (streams[i].id == 0 || streams[i].id != poll->token.stream) continue;
        if (!is_idle(table, &streams[i], now_ns)) return &streams[i];
        give_up(table, poll->participant, &streams[i]);
    }
    return NULL;
}

static uint32_t start(struct stream_table *table, const struct poll_command *poll, uint32_t loop,
                      int64_t now_ns, struct stream_answer *answer, enum fault *fault)
{
    struct stream *const stream = place_for_new(table, poll->participant, now_ns);
    if (!stream) {
        *answer = answer_of(loop, poll->request, POLL_TOO_MANY);
        answer->reply.retry_after_seconds = 1;
        return 1;
    }
    *stream = (struct stream){.last_use_ns = now_ns};
    *fault = random_fill(&stream->id, sizeof stream->id);
    if (*fault != FAULT_NONE) return 0;
    if (stream->id == 0) stream->id = 1;
    table->open_count += 1;
    begin_wait(table, stream, poll, loop);
    return 0;
}

/* WIRE section 1: "Repeating the last GET gives the same batch again (one that was answered 204 waits
 * again) and confirms nothing more; a newer request on the same URL takes over and the older gets
 * 410.  An older or unknown URL under one's own code: 410, nothing changes; so for a GET that waits
 * when its stream is DELETEd." */
uint32_t stream_poll(struct stream_table *table, const struct poll_command *poll, uint32_t loop,
                     int64_t now_ns, struct stream_answer answers[STREAM_ANSWERS_MAX],
                     enum fault *fault)
{
    assert(poll->participant < table->member_count && poll->messages_max >= 1 &&
           poll->messages_max <= LIMIT_PARTS);
    *fault = FAULT_NONE;
    if (poll->verb == POLL_START) return start(table, poll, loop, now_ns, &answers[0], fault);

    struct stream *const stream = find(table, poll, now_ns);
    uint64_t const step = poll->token.step;
    bool const is_next = stream && step != 0 && step == stream->next_step;
    bool const is_asked = stream && step != 0 && step == stream->asked_step;
    /* Until a GET is answered, its own URL is the last that was handed out, also when its connection
     * is gone. */
    bool const is_last = is_next || (is_asked && stream->next_step == 0);
    if (!is_next && !is_asked) {
        answers[0] = answer_of(loop, poll->request, POLL_GONE);
        return 1;
    }

    uint32_t count = 0;
    if (poll->verb == POLL_DELETE) {
        if (!is_last) {
            answers[0] = answer_of(loop, poll->request, POLL_GONE);
            return 1;
        }
        if (stream->is_waiting)
            answers[count++] = answer_of(stream->loop, stream->request, POLL_GONE);
        if (is_next) confirm_held(table, poll->participant, stream);
        give_up(table, poll->participant, stream);
        answers[count++] = answer_of(loop, poll->request, POLL_CLOSED);
        return count;
    }

    if (stream->is_waiting) answers[count++] = answer_of(stream->loop, stream->request, POLL_GONE);
    if (is_next) {
        confirm_held(table, poll->participant, stream);
        stream->asked_step = step;
        stream->next_step = 0;
        stream->is_used = true;
    }
    begin_wait(table, stream, poll, loop);
    return count;
}

uint32_t stream_poll_end(struct stream_table *table, const struct poll_end_command *end,
                         uint32_t loop, int64_t now_ns,
                         struct stream_answer answers[STREAM_ANSWERS_MAX])
{
    struct stream *const streams = table->members[end->participant].streams;
    for (uint32_t i = 0; i < table->options.streams_max; i++) {
        struct stream *const stream = &streams[i];
        if (!stream->id || !stream->is_waiting || stream->loop != loop ||
            stream->request.value != end->request.value)
            continue;
        switch (end->why) {
        case POLL_TIME_UP:
            if (stream->is_repeat) return 0; /* a batch to be sent again: its answer is due */
            answers[0] = stream_answer(stream, now_ns);
            return 1;
        case POLL_CONNECTION_LOST:
            stream->is_waiting = false;
            stream->last_use_ns = now_ns;
            /* Nobody can know the name of a stream whose first answer never went out. */
            if (stream->steps == 0) give_up(table, end->participant, stream);
            return 0;
        }
    }
    return 0; /* its answer is under way */
}

struct stream *stream_waiting(struct stream_table *table, uint32_t participant, uint64_t after)
{
    struct stream *const streams = table->members[participant].streams;
    struct stream *next = NULL;
    for (uint32_t i = 0; i < table->options.streams_max; i++) {
        struct stream *const stream = &streams[i];
        if (!stream->id || !stream->is_waiting || stream->waiting_order <= after) continue;
        if (!next || stream->waiting_order < next->waiting_order) next = stream;
    }
    return next;
}

bool stream_repeats(const struct stream *stream)
{
    return stream->is_waiting && stream->is_repeat;
}

struct stream_answer stream_answer(struct stream *stream, int64_t now_ns)
{
    assert(stream->is_waiting);
    /* The same batch again keeps the step that came with it; anything else gets a new one. */
    if (!stream->is_repeat) stream->next_step = ++stream->steps;
    stream->is_waiting = false;
    stream->last_use_ns = now_ns;
    struct stream_answer answer =
        answer_of(stream->loop, stream->request, stream->held_count ? POLL_MESSAGES : POLL_EMPTY);
    answer.reply.next = (struct pull_token){.stream = stream->id, .step = stream->next_step};
    answer.reply.message_count = stream->held_count;
    return answer;
}

void stream_sweep(struct stream_table *table, int64_t now_ns)
{
    for (uint32_t member = 0; member < table->member_count && table->open_count; member++) {
        struct stream *const streams = table->members[member].streams;
        for (uint32_t i = 0; i < table->options.streams_max; i++) {
            if (is_idle(table, &streams[i], now_ns)) give_up(table, member, &streams[i]);
        }
    }
}

void stream_end_all(struct stream_table *table, int64_t now_ns,
                    void (*say)(void *context, const struct stream_answer *), void *context)
{
    for (uint32_t member = 0; member < table->member_count; member++) {
        struct stream *const streams = table->members[member].streams;
        for (uint32_t i = 0; i < table->options.streams_max; i++) {
            if (!streams[i].id || !streams[i].is_waiting) continue;
            struct stream_answer answer = stream_answer(&streams[i], now_ns);
            answer.reply.outcome = POLL_EMPTY; /* what it holds is delivered after the restart */
            answer.reply.message_count = 0;
            say(context, &answer);
        }
    }
}

uint32_t stream_count(const struct stream_table *table)
{
    return table->open_count;
}

uint64_t stream_confirmed(const struct stream_table *table)
{
    return table->confirmed;
}

void stream_close(struct stream_table *table)
{
    if (!table) return;
    for (uint32_t i = 0; i < table->member_count; i++)
        free(table->members[i].streams);
    free(table);
}
