/* request: HTTP/1.x requests, read as the bytes come and written (RFC 9112; WIRE section 1).
 *
 * No sockets, no clock, no allocation: a server feeds what it has received and acts on the event.
 *
 *     request_begin -> feed ... REQUEST_HEAD -> decide; request_body_into -> feed ...
 *                   -> REQUEST_COMPLETE -> answer -> request_begin -> feed the rest (pipelining)
 *
 * REQUEST_HEAD always comes first, also for a request without a body, and REQUEST_COMPLETE comes
 * from a later call (which may be given no bytes).  A request that is malformed or beyond a limit
 * gives REQUEST_REFUSED with the problem to answer; then the connection ends and nothing behind
 * may be read as a request.  The verdict does not depend on how the bytes were cut into pieces.
 * Order among resource, certificate, method, length and type is the caller's: the reader says
 * facts about them.  One thread at a time. */
#ifndef PROTO_HTTP_REQUEST_H
#define PROTO_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/http/draft.h"
#include "proto/http/fields.h"
#include "proto/http/payload.h"
#include "proto/http/problem.h"

/* The head of one request.  All spans lie in the reader, until its next request_begin. */
struct request {
    struct span method; /* a token of any length and case, as sent */
    struct span target; /* as sent, at most LIMIT_TARGET_BYTES */
    struct span path;   /* of the target: without scheme and authority, query and fragment */
    bool version_1_0;   /* else 1.1 */
    bool keep_alive;    /* 1.1 and no `Connection: close`; 1.0 is always closed */
    bool
        expect_continue; /* 1.1 with `Expect: 100-continue`: send RESPONSE_CONTINUE to get a body */
    enum payload_framing framing; /* PAYLOAD_NONE, _LENGTH or _CHUNKED */
    uint64_t content_length;      /* of PAYLOAD_LENGTH */
    struct fields fields;
};

enum request_event {
    REQUEST_MORE,      /* all bytes were taken */
    REQUEST_HEAD,      /* reader->request is good; bytes behind the head were not taken */
    REQUEST_BODY_FULL, /* the body is longer than was allowed (413); close after answering */
    REQUEST_COMPLETE,  /* reader->body_size bytes of body; bytes behind were not taken */
    REQUEST_REFUSED    /* reader->problem and ->words; close after answering */
};

/* About 18 KiB; one per connection.  It points into itself: it must stay where it is. */
struct request_reader {
    struct request request;
    enum problem problem; /* of REQUEST_REFUSED: MALFORMED, VERSION, TARGET_TOO_LONG or
                             HEAD_TOO_LARGE */
    const char *words;    /* static, of REQUEST_REFUSED */
    size_t body_size;     /* bytes of body read so far */
    /* The rest is request.c's. */
    uint8_t state;
    bool blank_skipped;
    uint16_t head_size;
    struct payload payload;
    char head[LIMIT_HEAD_BYTES];
};

/* Before the first request and after each REQUEST_COMPLETE. */
void request_begin(struct request_reader *reader);

/* Takes *taken of `bytes` (a prefix) and says what has happened.  After REQUEST_BODY_FULL and
 * REQUEST_REFUSED it takes nothing more and repeats the event. */
enum request_event request_feed(struct request_reader *reader, struct span bytes, size_t *taken);

/* After REQUEST_HEAD: where the body goes and how many bytes of it are allowed, at most
 * LIMIT_BODY_BYTES.  `body` is the caller's and stays his; NULL: the body is counted and thrown
 * away.  Without this call body NULL and LIMIT_BODY_BYTES hold. */
void request_body_into(struct request_reader *reader, char *body, size_t body_max);

/* Whether a byte of the present request has come, a blank line before it aside: from then on
 * request_timeout_seconds runs, before it idle_timeout_seconds. */
bool request_started(const struct request_reader *reader);

/* Writes the head of a request with Host, `fields` and, when body_size >= 0, Content-Length. */
void request_write_head(struct draft *draft, struct span method, struct span target,
                        struct span host, const struct draft_field *fields, size_t field_count,
                        int64_t body_size);

#endif
