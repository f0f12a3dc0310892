/* chunked: see chunked.h.
 *
 *     SIZE_FIRST -> SIZE --CR--> SIZE_END --LF, not 0--> CONTENT --> CONTENT_CR -> CONTENT_LF
 *       ^            \--";"--> EXTENSION --CR--/   \                                  |
 *       |                                           \--LF, 0--> TRAILER -> complete   |
 *       \------------------------------------------------------------------------------/
 *
 * Possible failures: a byte that has no arrow, a size above 64 bits, too much of what is no
 * content, or a trailer that is malformed or too large. */
#include "proto/http/chunked.h"

enum state { SIZE_FIRST, SIZE, EXTENSION, SIZE_END, CONTENT, CONTENT_CR, CONTENT_LF, TRAILER };

/* Digits of a size line that cost nothing: 64 bits in hexadecimal. */
#define SIZE_DIGITS 16

void chunked_begin(struct chunked *chunked)
{
    chunked->state = SIZE_FIRST;
    chunked->left = 0;
    chunked->overhead_bytes = 0;
    chunked->line_bytes = 0;
    chunked->words = "";
}

static enum chunked_event broken(struct chunked *chunked, const char *words)
{
    chunked->words = words;
    return CHUNKED_BROKEN;
}

/* -1: not a hex digit. */
static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

static enum chunked_event step_size(struct chunked *chunked, char byte)
{
    int const digit = hex_digit(byte);
    if (digit >= 0) {
        if (chunked->left > UINT64_MAX >> 4) return broken(chunked, "a chunk size above 64 bits");
        chunked->left = chunked->left << 4 | (uint64_t)digit;
        chunked->state = SIZE;
    } else if (chunked->state == SIZE_FIRST) {
        return broken(chunked, "a chunk without a size");
    } else if (byte == ';') {
        chunked->state = EXTENSION;
    } else if (byte == '\r') {
        chunked->state = SIZE_END;
    } else {
        return broken(chunked, "a chunk size that is not hexadecimal digits");
    }
    return CHUNKED_MORE;
}

/* One byte of framing: everything but content and trailer. */
static enum chunked_event step(struct chunked *chunked, char byte)
{
    switch ((enum state)chunked->state) {
    case SIZE_FIRST:
    case SIZE:
    case EXTENSION:
        /* Leading zeros and extensions: lawful without a bound, so they get one. */
        if (++chunked->line_bytes > SIZE_DIGITS + 1 &&
            ++chunked->overhead_bytes > LIMIT_CHUNK_OVERHEAD_BYTES) {
            return broken(chunked, "chunk extensions above 4 KiB");
        }
        if (chunked->state != EXTENSION) return step_size(chunked, byte);
        if (byte == '\r') {
            chunked->state = SIZE_END;
        } else if ((byte < ' ' || byte > '~') && byte != '\t') {
            return broken(chunked, "a chunk extension that is not printable ASCII");
        }
        return CHUNKED_MORE;
    case SIZE_END:
        if (byte != '\n') return broken(chunked, "a chunk size that does not end with CRLF");
        if (chunked->left == 0) {
            fields_begin(&chunked->trailer, NULL, 0);
            chunked->state = TRAILER;
        } else {
            chunked->state = CONTENT;
        }
        return CHUNKED_MORE;
    case CONTENT_CR:
        if (byte != '\r') return broken(chunked, "a chunk longer than its size");
        chunked->state = CONTENT_LF;
        return CHUNKED_MORE;
    case CONTENT_LF:
        if (byte != '\n') return broken(chunked, "a chunk longer than its size");
        chunked->line_bytes = 0;
        chunked->state = SIZE_FIRST;
        return CHUNKED_MORE;
    case CONTENT:
    case TRAILER: break; /* chunked_scan takes these by the run */
    }
    return broken(chunked, "a state that does not exist"); /* not reached */
}

static enum chunked_event scan_trailer(struct chunked *chunked, struct span bytes, size_t *taken)
{
    enum fields_verdict const verdict = fields_scan(&chunked->trailer, bytes, taken);
    switch (verdict) {
    case FIELDS_MORE: return CHUNKED_MORE;
    case FIELDS_COMPLETE: return CHUNKED_COMPLETE;
    case FIELDS_BROKEN: return broken(chunked, chunked->trailer.words);
    case FIELDS_TOO_LARGE: break;
    }
    chunked->words = chunked->trailer.words;
    return CHUNKED_TRAILER_TOO_LARGE;
}

enum chunked_event chunked_scan(struct chunked *chunked, struct span bytes, size_t *taken,
                                struct span *content)
{
    *taken = 0;
    *content = (struct span){0};
    while (*taken < bytes.size) {
        if (chunked->state == TRAILER) {
            size_t trailer_taken;
            enum chunked_event const event =
                scan_trailer(chunked, span_after(bytes, *taken), &trailer_taken);
            *taken += trailer_taken;
            return event;
        }
        if (chunked->state == CONTENT) {
            size_t const here = bytes.size - *taken;
            size_t const size = chunked->left < here ? (size_t)chunked->left : here;
            *content = span_of(bytes.bytes + *taken, size);
            *taken += size;
            chunked->left -= size;
            if (chunked->left == 0) chunked->state = CONTENT_CR;
            return CHUNKED_CONTENT;
        }
        enum chunked_event const event = step(chunked, bytes.bytes[(*taken)++]);
        if (event != CHUNKED_MORE) return event;
    }
    return CHUNKED_MORE;
}
