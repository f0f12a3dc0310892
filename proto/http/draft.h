/* draft: the bytes of a message while it is written into a caller's buffer.
 *
 * Nothing is ever written behind the buffer: what does not fit, and a header value that could
 * break out of its line, mark the draft as failed, once and for all, and the writer looks once at
 * the end.  No allocation.  One thread at a time. */
#ifndef PROTO_HTTP_DRAFT_H
#define PROTO_HTTP_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"

struct draft {
    char *bytes;
    size_t capacity;
    size_t size; /* <= capacity */
    bool failed; /* set once, never cleared; the bytes are then of no use */
};

/* A header field to be written. */
struct draft_field {
    struct span name;
    struct span value;
};

static inline struct draft draft_into(char *bytes, size_t capacity)
{
    return (struct draft){.bytes = bytes, .capacity = capacity};
}

void draft_put(struct draft *draft, struct span bytes);

/* Decimal, no sign, no leading zero. */
void draft_number(struct draft *draft, uint64_t number);

/* "Name: value" and CRLF.  Fails the draft when the value holds a control character but HTAB. */
void draft_field(struct draft *draft, struct span name, struct span value);

/* What has been written so far. */
static inline struct span draft_span(const struct draft *draft)
{
    return span_of(draft->bytes, draft->size);
}

#endif
