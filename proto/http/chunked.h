/* chunked: the body framing of `Transfer-Encoding: chunked`, read strictly (RFC 9112, 7.1).
 *
 * Fed with whatever has come, it says which bytes are content.  Chunk sizes are 1 or more hex
 * digits of at most 64 bits with CRLF or ";extension" right behind; extensions are skipped and
 * bounded; a trailer is checked as header fields are, bounded like a head, and thrown away.
 * One thread at a time. */
#ifndef PROTO_HTTP_CHUNKED_H
#define PROTO_HTTP_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/http/fields.h"

enum chunked_event {
    CHUNKED_MORE,     /* all was taken; the body goes on */
    CHUNKED_CONTENT,  /* *content is part of the body; call again with the rest */
    CHUNKED_COMPLETE, /* the last chunk and its trailer were read */
    CHUNKED_BROKEN,   /* malformed; chunked->words says how */
    CHUNKED_TRAILER_TOO_LARGE
};

struct chunked {
    uint8_t state;           /* chunked.c */
    uint64_t left;           /* of the present chunk */
    uint32_t overhead_bytes; /* of size lines, their CRLF aside, beyond 16 digits each */
    uint32_t line_bytes;     /* of the present size line */
    const char *words;       /* static */
    struct fields trailer;
};

void chunked_begin(struct chunked *chunked);

/* Takes *taken of `bytes`.  After CHUNKED_CONTENT and CHUNKED_MORE call again with what follows;
 * after another event no more. */
enum chunked_event chunked_scan(struct chunked *chunked, struct span bytes, size_t *taken,
                                struct span *content);

#endif
