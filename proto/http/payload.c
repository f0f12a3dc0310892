/* payload: see payload.h. */
#include "proto/http/payload.h"

/* Digits only, at most 64 bits. */
static bool parse_length(struct span text, uint64_t *length)
{
    uint64_t value = 0;
    if (text.size == 0) return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') return false;
        uint64_t const digit = (uint64_t)(text.bytes[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *length = value;
    return true;
}

bool payload_framing_of(const struct fields *fields, enum payload_framing *framing,
                        uint64_t *length, const char **words)
{
    struct span coding, second, text;
    size_t coding_cursor = 0, length_cursor = 0;
    bool const has_coding = fields_next(fields, SPAN("transfer-encoding"), &coding_cursor, &coding);
    bool const has_length = fields_next(fields, SPAN("content-length"), &length_cursor, &text);

    if (has_coding && has_length) {
        *words = "Content-Length together with Transfer-Encoding";
        return false;
    }
    if (has_coding) {
        if (!fields_same(coding, SPAN("chunked")) ||
            fields_next(fields, SPAN("transfer-encoding"), &coding_cursor, &second)) {
            *words = "a Transfer-Encoding other than chunked";
            return false;
        }
        *framing = PAYLOAD_CHUNKED;
        return true;
    }
    if (!has_length) {
        *framing = PAYLOAD_NONE;
        return true;
    }
    if (fields_next(fields, SPAN("content-length"), &length_cursor, &second)) {
        *words = "two Content-Length headers";
        return false;
    }
    if (!parse_length(text, length)) {
        *words = "a Content-Length that is not digits of at most 64 bits";
        return false;
    }
    *framing = PAYLOAD_LENGTH;
    return true;
}

void payload_begin(struct payload *payload, enum payload_framing framing, uint64_t length,
                   char *bytes, size_t max)
{
    payload->framing = framing;
    payload->left = framing == PAYLOAD_LENGTH ? length : 0;
    payload->bytes = bytes;
    payload->max = max;
    payload->size = 0;
    payload->words = "";
    if (framing == PAYLOAD_CHUNKED) chunked_begin(&payload->chunked);
}

/* False: it does not fit. */
static bool keep(struct payload *payload, struct span content)
{
    if (content.size > payload->max - payload->size) return false;
    if (payload->bytes != NULL && content.size > 0) {
        memcpy(payload->bytes + payload->size, content.bytes, content.size);
    }
    payload->size += content.size;
    return true;
}

static enum payload_event feed_length(struct payload *payload, struct span bytes, size_t *taken)
{
    if (payload->left > payload->max - payload->size) return PAYLOAD_FULL;
    *taken = payload->left < bytes.size ? (size_t)payload->left : bytes.size;
    payload->left -= *taken;
    if (!keep(payload, span_of(bytes.bytes, *taken))) return PAYLOAD_FULL;
    return payload->left == 0 ? PAYLOAD_COMPLETE : PAYLOAD_MORE;
}

static enum payload_event feed_chunked(struct payload *payload, struct span bytes, size_t *taken)
{
    for (;;) {
        size_t step;
        struct span content;
        enum chunked_event const event =
            chunked_scan(&payload->chunked, span_after(bytes, *taken), &step, &content);
        *taken += step;
        payload->words = payload->chunked.words;
        switch (event) {
        case CHUNKED_MORE: return PAYLOAD_MORE;
        case CHUNKED_CONTENT:
            if (!keep(payload, content)) return PAYLOAD_FULL;
            break;
        case CHUNKED_COMPLETE: return PAYLOAD_COMPLETE;
        case CHUNKED_BROKEN: return PAYLOAD_BROKEN;
        case CHUNKED_TRAILER_TOO_LARGE: return PAYLOAD_TRAILER_TOO_LARGE;
        }
    }
}

enum payload_event payload_feed(struct payload *payload, struct span bytes, size_t *taken)
{
    *taken = 0;
    switch (payload->framing) {
    case PAYLOAD_NONE: return PAYLOAD_COMPLETE;
    case PAYLOAD_LENGTH: return feed_length(payload, bytes, taken);
    case PAYLOAD_CHUNKED: return feed_chunked(payload, bytes, taken);
    case PAYLOAD_UNTIL_END: break;
    }
    *taken = bytes.size;
    return keep(payload, bytes) ? PAYLOAD_MORE : PAYLOAD_FULL;
}
