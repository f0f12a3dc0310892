/* multipart: several messages in one body, multipart/mixed, both ways (RFC 2046, 5.1; WIRE 1).
 *
 * Reading copies nothing: parts are spans of the body.  A delimiter is a whole line: CRLF (or the
 * start of the body), "--boundary", spaces or tabs, CRLF; the last one has "--" behind the
 * boundary and may end the body instead.  A line that only begins so is content.  Preamble and epilogue are ignored. */
#ifndef PROTO_HTTP_MULTIPART_H
#define PROTO_HTTP_MULTIPART_H

#include <stddef.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/http/draft.h"

/* Where several apply, the first of this list is given (WIRE's order: 415, sizes, 400). */
enum multipart_verdict {
    MULTIPART_GOOD,
    MULTIPART_UNSUPPORTED, /* 415: a part is not application/xml (charset absent or utf-8), or has a
                              Content-Encoding or -Transfer-Encoding but 8bit or binary */
    MULTIPART_TOO_LARGE,   /* 413: more than LIMIT_PARTS parts, or a part above
                              LIMIT_MESSAGE_BYTES */
    MULTIPART_BROKEN,      /* 400: no last delimiter, or the head of a part is malformed */
    MULTIPART_EMPTY        /* 400: no part */
};

/* Splits `body`; an empty part is a part.  parts and *part_count are good with MULTIPART_GOOD only;
 * the spans live as long as the body.  *words says why for the other verdicts; static.
 * Assumed 1 <= boundary.size <= LIMIT_BOUNDARY_BYTES. Time is linear in the body. */
enum multipart_verdict multipart_split(struct span body, struct span boundary,
                                       struct span parts[LIMIT_PARTS], size_t *part_count,
                                       const char **words);

/* The boundary that multipart_write_part uses, and the content type that names it. Static. */
struct span multipart_boundary(void);
struct span multipart_type(void);

/* Appends one part: delimiter, Content-Type, PI-ResourceId (when resource_id is not empty) and the
 * message.  Fails the draft if the message could be taken for a delimiter, which no canonical XML
 * can: it holds no CR. */
void multipart_write_part(struct draft *draft, struct span resource_id, struct span message);

/* Appends the last delimiter. */
void multipart_write_end(struct draft *draft);

/* How many bytes a part or the end adds at most, beyond resource_id and message. */
#define MULTIPART_PART_OVERHEAD_BYTES 128

/* For clients: as multipart_split, and gives each part's PI-ResourceId, empty where it has none. */
enum multipart_verdict multipart_split_answer(struct span body, struct span boundary,
                                              struct span parts[LIMIT_PARTS],
                                              struct span resource_ids[LIMIT_PARTS],
                                              size_t *part_count, const char **words);

#endif
