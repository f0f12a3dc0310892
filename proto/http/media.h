/* media: content types in, and what Accept allows out (RFC 9110, 8.3 and 12.5.1; WIRE section 1).
 *
 * Qualities are thousandths; no floating point. Spans point into what was read. */
#ifndef PROTO_HTTP_MEDIA_H
#define PROTO_HTTP_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/http/fields.h"

enum media_body {
    MEDIA_BODY_XML,        /* application/xml, charset absent or utf-8 in any case */
    MEDIA_BODY_MULTIPART,  /* multipart/mixed with a good boundary */
    MEDIA_BODY_UNSUPPORTED /* 415 */
};

/* Judges the Content-Type of a body or part.  Other parameters are ignored; one that comes twice,
 * or a malformed list of them, is MEDIA_BODY_UNSUPPORTED.  `boundary` (room for it; the caller's) is
 * written for MEDIA_BODY_MULTIPART: 1 to 70 of RFC 2046's characters, not ending with a space. */
struct media_boundary {
    char bytes[LIMIT_BOUNDARY_BYTES];
    uint8_t size;
};
enum media_body media_body(struct span content_type, struct media_boundary *boundary);

/* The Content-Type of a request or response: as above; absent or given twice is unsupported. */
enum media_body media_body_of(const struct fields *fields, struct media_boundary *boundary);

enum media_encoding {
    MEDIA_ENCODING_NONE,
    MEDIA_ENCODING_GZIP,
    MEDIA_ENCODING_UNSUPPORTED /* 415: anything but exactly one gzip, in any case */
};

/* The Content-Encoding of a request. */
enum media_encoding media_encoding_of(const struct fields *fields);

/* What the Accept fields of a request allow. */
struct media_accept {
    bool xml;             /* application/xml may be sent */
    bool multipart;       /* multipart/mixed may be sent */
    bool multipart_named; /* ... and multipart/mixed or multipart/ * itself was named */
    bool json;            /* application/json may be sent */
    bool only_json;       /* it names JSON (application/json or +json) and nothing else: problems go
                             out as JSON */
};

/* The most specific range that matches decides; q=0 forbids.  Malformed members are passed over;
 * no Accept field, or none with a well-formed member, allows everything and names nothing. */
void media_accept_of(const struct fields *fields, struct media_accept *accept);

enum media_stream {
    MEDIA_STREAM_ONE,       /* one message, plain application/xml */
    MEDIA_STREAM_MANY,      /* up to LIMIT_PARTS as multipart/mixed; a single one as plain XML */
    MEDIA_STREAM_MULTIPART, /* up to LIMIT_PARTS, always as multipart/mixed */
    MEDIA_STREAM_NEITHER    /* 406 */
};

/* How a stream's GET is answered (WIRE section 1, "Streams"). */
enum media_stream media_stream_of(const struct media_accept *accept);

#endif
