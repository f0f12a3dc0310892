/* response_reader: the client's side: answers read as the bytes come, bounded (RFC 9112).
 *
 * Interim answers (1xx) are skipped.  A body is delimited by chunked, Content-Length or, failing
 * both, the end of the connection.  As strict as request.h; no allocation.  One thread at a time. */
#ifndef PROTO_HTTP_RESPONSE_READER_H
#define PROTO_HTTP_RESPONSE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/http/fields.h"
#include "proto/http/payload.h"

enum response_reader_event {
    RESPONSE_READER_MORE,     /* all bytes were taken */
    RESPONSE_READER_COMPLETE, /* bytes behind the answer were not taken */
    RESPONSE_READER_BROKEN    /* reader->words says how; the connection is of no more use */
};

/* About 18 KiB.  It points into itself: it must stay where it is. */
struct response_reader {
    int status;           /* 200 to 599 when complete */
    bool keep_alive;      /* the connection can be used for another request */
    struct fields fields; /* good from completion until the next response_reader_begin */
    const char *words;    /* static; after RESPONSE_READER_BROKEN */
    size_t body_size;     /* bytes of body read so far */
    /* The rest is response_reader.c's. */
    uint8_t state;
    uint16_t head_size;
    struct payload payload;
    char head[LIMIT_HEAD_BYTES];
};

/* Before each answer (to a GET, POST or DELETE; an answer to HEAD would be misread).  `body`, the
 * caller's, takes at most body_max bytes of body; a longer one is RESPONSE_READER_BROKEN. */
void response_reader_begin(struct response_reader *reader, char *body, size_t body_max);

enum response_reader_event response_reader_feed(struct response_reader *reader, struct span bytes,
                                                size_t *taken);

/* The peer has closed the connection: COMPLETE when only that ended the body, else BROKEN. */
enum response_reader_event response_reader_end(struct response_reader *reader);

/* Whether any byte of the answer has come. */
bool response_reader_started(const struct response_reader *reader);

#endif
