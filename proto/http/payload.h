/* payload: the body of one request or answer while it arrives, into a bounded buffer.
 *
 * How a body is delimited is where request smuggling lives, so both directions share this one
 * reading of RFC 9112, 6 with WIRE section 1's refusals: two Content-Length, Content-Length with
 * Transfer-Encoding, any Transfer-Encoding but exactly one `chunked`, lengths above 64 bits.
 * One thread at a time. */
#ifndef PROTO_HTTP_PAYLOAD_H
#define PROTO_HTTP_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/http/chunked.h"
#include "proto/http/fields.h"

enum payload_framing {
    PAYLOAD_NONE,   /* neither length nor chunked: a request has no body (411 for a POST) */
    PAYLOAD_LENGTH, /* so many bytes, which may be 0 or beyond every limit */
    PAYLOAD_CHUNKED,
    PAYLOAD_UNTIL_END /* an answer's, delimited by the end of its connection */
};

enum payload_event {
    PAYLOAD_MORE, /* all bytes were taken */
    PAYLOAD_COMPLETE,
    PAYLOAD_FULL,             /* longer than was allowed */
    PAYLOAD_BROKEN,           /* malformed; payload->words says how */
    PAYLOAD_TRAILER_TOO_LARGE /* payload->words */
};

struct payload {
    enum payload_framing framing;
    uint64_t left; /* bytes of PAYLOAD_LENGTH to come */
    char *bytes;   /* the caller's; NULL: counted and thrown away */
    size_t max;
    size_t size; /* read so far, <= max */
    const char *words;
    struct chunked chunked;
};

/* Says how the head delimits its body; never PAYLOAD_UNTIL_END.  *length is written with
 * PAYLOAD_LENGTH.  False: malformed, *words says how (static). */
bool payload_framing_of(const struct fields *fields, enum payload_framing *framing,
                        uint64_t *length, const char **words);

/* Starts a body; `length` is that of PAYLOAD_LENGTH. */
void payload_begin(struct payload *payload, enum payload_framing framing, uint64_t length,
                   char *bytes, size_t max);

/* Takes *taken of `bytes`.  May be called with none: says at once when nothing is to come. */
enum payload_event payload_feed(struct payload *payload, struct span bytes, size_t *taken);

#endif
