/* Paths taken apart from the left; nothing but a receipt's id is decoded, so each other resource has
 * one spelling. */
#include "switch/participant/route.h"

#include <string.h>

static const struct span allow[] = {
#define ROUTE_ALLOW(name, text) SPAN_OF_LITERAL(text),
#define SPAN_OF_LITERAL(text)                                                                      \
    {                                                                                              \
        .bytes = "" text, .size = sizeof(text) - 1                                                 \
    }
    ROUTE_LIST(ROUTE_ALLOW)
#undef ROUTE_ALLOW
};

/* Takes `prefix` from the front of *rest. */
static bool take(struct span *rest, struct span prefix)
{
    if (!span_starts_with(*rest, prefix)) return false;
    *rest = span_after(*rest, prefix.size);
    return true;
}

static bool take_code(struct span *rest, struct participant_code *code)
{
    if (rest->size < PARTICIPANT_CODE_BYTES) return false;
    if (!identifier_parse_code(span_of(rest->bytes, PARTICIPANT_CODE_BYTES), code)) return false;
    *rest = span_after(*rest, PARTICIPANT_CODE_BYTES);
    return true;
}

/* {code}/{id} */
static bool find_receipt(struct span rest, struct route *route)
{
    if (!take_code(&rest, &route->code) || !take(&rest, SPAN("/"))) return false;
    route->resource = ROUTE_RECEIPT;
    route->opaque = rest;
    return rest.size > 0 && !memchr(rest.bytes, '/', rest.size);
}

bool route_find(struct span path, struct route *route)
{
    struct span rest = path;
    if (!take(&rest, SPAN("/api/v1/"))) return false;
    if (take(&rest, SPAN("receipts/"))) return find_receipt(rest, route);
    bool const is_inward = take(&rest, SPAN("in/"));
    if (!is_inward && !take(&rest, SPAN("out/"))) return false;
    if (!take_code(&rest, &route->code)) return false;

    route->opaque = (struct span){0};
    if (span_equal(rest, SPAN("/catalog"))) {
        route->resource = is_inward ? ROUTE_INWARD : ROUTE_OUTWARD;
        return true;
    }
    if (is_inward) {
        route->resource = ROUTE_MESSAGES;
        return span_equal(rest, SPAN("/msgs"));
    }
    if (!take(&rest, SPAN("/stream/")) || rest.size == 0) return false;
    if (memchr(rest.bytes, '/', rest.size)) return false;
    bool const is_start = span_equal(rest, SPAN("start"));
    route->resource = is_start ? ROUTE_START : ROUTE_STREAM;
    route->opaque = rest;
    return true;
}

struct span route_allow(enum route_resource resource)
{
    return allow[resource];
}

bool route_takes(enum route_resource resource, struct span method)
{
    switch (resource) {
    case ROUTE_MESSAGES: return span_equal(method, SPAN("POST"));
    case ROUTE_STREAM: return span_equal(method, SPAN("GET")) || span_equal(method, SPAN("DELETE"));
    case ROUTE_START:
    case ROUTE_INWARD:
    case ROUTE_OUTWARD:
    case ROUTE_RECEIPT: break;
    }
    return span_equal(method, SPAN("GET"));
}

static void print_number(uint64_t number, char text[16])
{
    for (size_t i = 0; i < 16; i++) {
        text[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
    }
}

static bool parse_number(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 16; i++) {
        char const digit = text[i];
        if (digit >= '0' && digit <= '9') {
            value = value << 4 | (uint64_t)(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            value = value << 4 | (uint64_t)(digit - 'a' + 10);
        } else {
            return false;
        }
    }
    *number = value;
    return true;
}

void route_print_token(struct pull_token token, char text[ROUTE_TOKEN_BYTES])
{
    print_number(token.stream, text);
    print_number(token.step, text + 16);
}

bool route_parse_token(struct span text, struct pull_token *token)
{
    struct pull_token parsed;
    if (text.size != ROUTE_TOKEN_BYTES) return false;
    if (!parse_number(text.bytes, &parsed.stream)) return false;
    if (!parse_number(text.bytes + 16, &parsed.step)) return false;
    if (parsed.stream == 0) return false;
    *token = parsed;
    return true;
}

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
}

bool route_parse_id(struct span text, struct payment_id *id)
{
    char decoded[PAYMENT_ID_BYTES];
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (size == sizeof decoded) return false;
        decoded[size] = text.bytes[i];
        if (text.bytes[i] == '%') {
            if (text.size - i < 3) return false;
            int const high = digit_of(text.bytes[i + 1]), low = digit_of(text.bytes[i + 2]);
            if (high < 0 || low < 0) return false;
            decoded[size] = (char)(high << 4 | low);
            i += 2;
        }
        size += 1;
    }
    return identifier_parse_payment_id(span_of(decoded, size), id);
}
