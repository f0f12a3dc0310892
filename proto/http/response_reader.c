/* response_reader: see response_reader.h.
 *
 *     LINE -> FIELDS -> BODY -> DONE, and back to LINE after an interim answer (1xx)
 *
 * Possible failures: what is malformed, a head beyond LIMIT_HEAD_BYTES, or a body beyond the buffer;
 * then the connection is of no more use, as where the next answer begins is not known. */
#include "proto/http/response_reader.h"

enum state { LINE, LINE_END, FIELDS, BODY, DONE, BROKEN };

/* A status line is "HTTP/1.1 200 " and a reason that nobody reads. */
#define LINE_BYTES_MAX 512

static void begin_head(struct response_reader *reader)
{
    reader->state = LINE;
    reader->head_size = 0;
}

void response_reader_begin(struct response_reader *reader, char *body, size_t body_max)
{
    reader->status = 0;
    reader->words = "";
    reader->body_size = 0;
    payload_begin(&reader->payload, PAYLOAD_NONE, 0, body, body_max);
    begin_head(reader);
}

bool response_reader_started(const struct response_reader *reader)
{
    return reader->state != LINE || reader->head_size > 0;
}

static enum response_reader_event broken(struct response_reader *reader, const char *words)
{
    reader->state = BROKEN;
    reader->words = words;
    return RESPONSE_READER_BROKEN;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1.1 201 Created", its CRLF left out; the space behind the status may be missing. */
static enum response_reader_event judge_line(struct response_reader *reader, struct span line)
{
    const char *const at = line.bytes;
    if (line.size < 12 || !span_starts_with(line, SPAN("HTTP/1.")) || !is_digit(at[7]) ||
        at[8] != ' ' || !is_digit(at[9]) || !is_digit(at[10]) || !is_digit(at[11]) ||
        (line.size > 12 && at[12] != ' ')) {
        return broken(reader, "a status line that is not one of HTTP/1.x");
    }
    reader->status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    reader->keep_alive = at[7] != '0';
    if (reader->status < 100 || reader->status > 599) return broken(reader, "no such status");
    return RESPONSE_READER_MORE;
}

static enum response_reader_event step_line(struct response_reader *reader, char byte)
{
    if (reader->head_size == LINE_BYTES_MAX) return broken(reader, "a status line without an end");
    reader->head[reader->head_size++] = byte;
    if (reader->state == LINE_END) {
        if (byte != '\n') return broken(reader, "a carriage return without a line feed behind it");
        reader->state = FIELDS;
        fields_begin(&reader->fields, reader->head, reader->head_size);
        return judge_line(reader, span_of(reader->head, (size_t)reader->head_size - 2));
    }
    if (byte == '\r') {
        reader->state = LINE_END;
    } else if (((unsigned char)byte < ' ' && byte != '\t') || byte == 0x7f) {
        return broken(reader, "a control character in the status line");
    }
    return RESPONSE_READER_MORE;
}

/* The head has been read: says how the body is delimited (RFC 9112, 6.3). */
static enum response_reader_event judge_head(struct response_reader *reader)
{
    enum payload_framing framing;
    uint64_t length = 0;
    const char *words = "";
    if (reader->status < 200) {
        begin_head(reader);
        return RESPONSE_READER_MORE;
    }
    if (!payload_framing_of(&reader->fields, &framing, &length, &words)) {
        return broken(reader, words);
    }
    if (reader->status == 204 || reader->status == 304) {
        framing = PAYLOAD_NONE;
    } else if (framing == PAYLOAD_NONE) {
        framing = PAYLOAD_UNTIL_END;
    }
    if (framing == PAYLOAD_UNTIL_END ||
        fields_list_holds(&reader->fields, SPAN("connection"), SPAN("close"))) {
        reader->keep_alive = false;
    }
    payload_begin(&reader->payload, framing, length, reader->payload.bytes, reader->payload.max);
    reader->state = BODY;
    return RESPONSE_READER_MORE;
}

static enum response_reader_event feed_fields(struct response_reader *reader, struct span bytes,
                                              size_t *taken)
{
    enum fields_verdict const verdict = fields_scan(&reader->fields, bytes, taken);
    memcpy(reader->head + reader->head_size, bytes.bytes, *taken);
    reader->head_size = reader->fields.size;
    switch (verdict) {
    case FIELDS_MORE: return RESPONSE_READER_MORE;
    case FIELDS_COMPLETE: return judge_head(reader);
    case FIELDS_BROKEN:
    case FIELDS_TOO_LARGE: break;
    }
    return broken(reader, reader->fields.words);
}

static enum response_reader_event feed_body(struct response_reader *reader, struct span bytes,
                                            size_t *taken)
{
    enum payload_event const event = payload_feed(&reader->payload, bytes, taken);
    reader->body_size = reader->payload.size;
    switch (event) {
    case PAYLOAD_MORE: return RESPONSE_READER_MORE;
    case PAYLOAD_COMPLETE: reader->state = DONE; return RESPONSE_READER_COMPLETE;
    case PAYLOAD_FULL: return broken(reader, "a body longer than the buffer for it");
    case PAYLOAD_BROKEN:
    case PAYLOAD_TRAILER_TOO_LARGE: break;
    }
    return broken(reader, reader->payload.words);
}

enum response_reader_event response_reader_feed(struct response_reader *reader, struct span bytes,
                                                size_t *taken)
{
    enum response_reader_event event = RESPONSE_READER_MORE;
    *taken = 0;
    if (bytes.bytes == NULL) bytes = SPAN("");
    while (event == RESPONSE_READER_MORE) {
        struct span const rest = span_after(bytes, *taken);
        size_t step = 0;
        switch ((enum state)reader->state) {
        case LINE:
        case LINE_END:
            if (rest.size == 0) return RESPONSE_READER_MORE;
            step = 1;
            event = step_line(reader, rest.bytes[0]);
            break;
        case FIELDS:
            if (rest.size == 0) return RESPONSE_READER_MORE;
            event = feed_fields(reader, rest, &step);
            break;
        case BODY:
            event = feed_body(reader, rest, &step);
            *taken += step;
            return event;
        case DONE: return RESPONSE_READER_COMPLETE;
        case BROKEN: return RESPONSE_READER_BROKEN;
        }
        *taken += step;
    }
    return event;
}

enum response_reader_event response_reader_end(struct response_reader *reader)
{
    if (reader->state == DONE) return RESPONSE_READER_COMPLETE;
    if (reader->state == BODY && reader->payload.framing == PAYLOAD_UNTIL_END) {
        reader->state = DONE;
        return RESPONSE_READER_COMPLETE;
    }
    return broken(reader, "the connection ended inside an answer");
}
