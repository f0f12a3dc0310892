/* span: a run of bytes that belongs to somebody else.
 *
 * A span owns nothing: who made the bytes says how long they live.  The bytes end with no zero.
 * The empty span may have bytes == NULL. */
#ifndef PROTO_BASE_SPAN_H
#define PROTO_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *bytes;
    size_t size;
};

/* SPAN("text") is the span of a string literal, its zero left out. */
#define SPAN(literal) ((struct span){.bytes = "" literal, .size = sizeof(literal) - 1})

static inline struct span span_of(const void *bytes, size_t size)
{
    return (struct span){.bytes = bytes, .size = size};
}

/* The span of a zero-terminated string. */
static inline struct span span_text(const char *text)
{
    return (struct span){.bytes = text, .size = strlen(text)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

static inline bool span_starts_with(struct span whole, struct span start)
{
    return whole.size >= start.size &&
           (start.size == 0 || memcmp(whole.bytes, start.bytes, start.size) == 0);
}

/* What is left of `whole` after its first `count` bytes. Assumed count <= whole.size. */
static inline struct span span_after(struct span whole, size_t count)
{
    /* Zero is not added to NULL either, which C leaves undefined. */
    return (struct span){.bytes = count ? whole.bytes + count : whole.bytes,
                         .size = whole.size - count};
}

#endif
