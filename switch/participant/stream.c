/* Requests on streams as POLL commands, and their replies as answers. */
#include "switch/participant/stream.h"

#include <assert.h>

#include "proto/http/multipart.h"
#include "switch/participant/route.h"
#include "switch/participant/session.h"

#define PATH_BYTES 128 /* "/api/v1/out/", a code, "/stream/", an opaque */

enum server_step stream_begin(struct stream *stream, struct exchange *exchange)
{
    const struct task *const task = exchange_data(exchange);
    if (!crossing_takes_poll(stream->crossing)) return SERVER_STALLED;

    struct poll_command *const command = crossing_claim(stream->crossing, sizeof *command, 0);
    command->kind = COMMAND_POLL;
    command->participant = task->participant;
    command->request = (struct request_id){exchange_id(exchange).value};
    command->verb = task->verb;
    command->messages_max = task->wanted == MEDIA_STREAM_ONE ? 1 : LIMIT_PARTS;
    command->token = task->token;
    crossing_send_request(stream->crossing);
    if (task->verb != POLL_DELETE) exchange_wake_after(exchange, stream->poll_ns);
    return SERVER_WAITS;
}

static void send_end(struct stream *stream, struct exchange *exchange, enum poll_end why)
{
    const struct task *const task = exchange_data(exchange);
    struct poll_end_command *const command = crossing_claim(stream->crossing, sizeof *command, 0);
    command->kind = COMMAND_POLL_END;
    command->why = why;
    command->request = (struct request_id){exchange_id(exchange).value};
    command->participant = task->participant;
    crossing_send(stream->crossing);
}

void stream_end(struct stream *stream, struct exchange *exchange)
{
    struct task *const task = exchange_data(exchange);
    if (task->verb == POLL_DELETE || task->is_time_up) return;
    task->is_time_up = true; /* said once: crossing.h counts on it */
    send_end(stream, exchange, POLL_TIME_UP);
}

void stream_lose(struct stream *stream, struct exchange *exchange)
{
    send_end(stream, exchange, POLL_CONNECTION_LOST);
    crossing_close_request(stream->crossing);
    exchange_forget(exchange);
}

/* ---- Answers ------------------------------------------------------------------------------- */

static struct span put_path(struct draft *draft, const struct task *task, struct pull_token token)
{
    char opaque[ROUTE_TOKEN_BYTES];
    route_print_token(token, opaque);
    draft_put(draft, SPAN("/api/v1/out/"));
    draft_put(draft, identifier_code_text(&task->code));
    draft_put(draft, SPAN("/stream/"));
    draft_put(draft, span_of(opaque, sizeof opaque));
    assert(!draft->failed);
    return draft_span(draft);
}

static void write_parts(struct draft *body, const struct outbound_message *messages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        multipart_write_part(body, span_text(messages[i].resource_id.text), messages[i].bytes);
    }
    multipart_write_end(body);
}

static void answer_messages(struct exchange *exchange, struct draft_field pull_next,
                            const struct outbound_message *messages, uint32_t count)
{
    const struct task *const task = exchange_data(exchange);
    bool const is_plain = count == 1 && task->wanted != MEDIA_STREAM_MULTIPART;
    struct draft_field const fields[] = {
        pull_next, {SPAN("PI-ResourceId"), span_text(messages[0].resource_id.text)}};
    if (is_plain) {
        struct response const one = {.status = 200,
                                     .content_type = SPAN("application/xml"),
                                     .fields = fields,
                                     .field_count = 2};
        exchange_answer_bytes(exchange, &one, messages[0].bytes);
        return;
    }

    size_t size = MULTIPART_PART_OVERHEAD_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        size += MULTIPART_PART_OVERHEAD_BYTES + LIMIT_ID_BYTES + messages[i].bytes.size;
    }
    char *room;
    if (exchange_room(exchange, size, &room) != FAULT_NONE) {
        exchange_cut(exchange);
        return;
    }
    struct draft body = draft_into(room, size);
    write_parts(&body, messages, count);
    assert(!body.failed);
    struct response const many = {
        .status = 200, .content_type = multipart_type(), .fields = fields, .field_count = 1};
    exchange_answer(exchange, &many, body.size);
}

static void answer_batch(struct stream *stream, struct exchange *exchange,
                         struct draft_field pull_next, uint32_t count, struct ring *replies)
{
    struct outbound_message messages[LIMIT_PARTS];
    bool is_whole = true;
    for (uint32_t i = 0; i < count; i++) {
        if (outbound_take(stream->outbound, replies, &messages[i]) != FAULT_NONE) is_whole = false;
    }
    if (!is_whole) {
        exchange_problem(exchange, PROBLEM_INTERNAL, SPAN("a message could not be made"), NULL, 0);
        return;
    }
    answer_messages(exchange, pull_next, messages, count);
}

static void pass_batch(uint32_t count, struct ring *replies)
{
    for (uint32_t i = 0; i < count; i++) {
        outbound_pass(replies);
    }
}

void stream_finish(struct stream *stream, struct exchange *exchange, const struct poll_reply *reply,
                   struct ring *replies)
{
    assert(reply->message_count <= LIMIT_PARTS);
    if (!exchange) {
        pass_batch(reply->message_count, replies);
        return;
    }
    crossing_close_request(stream->crossing);
    const struct task *const task = exchange_data(exchange);
    char path_bytes[PATH_BYTES];
    struct draft path = draft_into(path_bytes, sizeof path_bytes);
    struct draft_field const pull_next = {SPAN("PI-Pull-Next"), put_path(&path, task, reply->next)};
    switch (reply->outcome) {
    case POLL_MESSAGES:
        assert(reply->message_count >= 1);
        if (reply->message_count > 1 && task->wanted == MEDIA_STREAM_ONE) {
            /* The GET is a repeat: "406 if neither fits" (WIRE section 1). The batch stays held, and
             * no answer has carried a PI-Pull-Next that would confirm it. */
            pass_batch(reply->message_count, replies);
            exchange_problem(exchange, PROBLEM_NOT_ACCEPTABLE,
                             SPAN("the batch has several messages, which go as multipart/mixed"),
                             NULL, 0);
            return;
        }
        answer_batch(stream, exchange, pull_next, reply->message_count, replies);
        return;
    case POLL_EMPTY: {
        struct response const empty = {.status = 204, .fields = &pull_next, .field_count = 1};
        exchange_answer(exchange, &empty, 0);
        return;
    }
    case POLL_CLOSED: {
        struct response const closed = {.status = 200};
        exchange_answer(exchange, &closed, 0);
        return;
    }
    case POLL_GONE:
        exchange_problem(exchange, PROBLEM_GONE, SPAN("this is not the stream's last PI-Pull-Next"),
                         NULL, 0);
        return;
    case POLL_TOO_MANY: break;
    }
    session_refuse_for(exchange, PROBLEM_STREAMS, SPAN(""), reply->retry_after_seconds);
}
