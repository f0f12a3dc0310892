/* problem: the errors of the HTTP interface as RFC 9457 documents, in XML and in JSON.
 *
 * The one list of problems: NAME of `urn:cauce:problem:NAME`, status, title (WIRE section 1,
 * "Errors").  The detail says what is wrong with this request; it may quote bytes from outside. */
#ifndef PROTO_HTTP_PROBLEM_H
#define PROTO_HTTP_PROBLEM_H

#include <stdbool.h>

#include "proto/base/span.h"
#include "proto/http/draft.h"

/* In the order in which WIRE section 1 tests them, as far as it gives one. */
#define PROBLEM_LIST(X)                                                                            \
    X(MALFORMED, "malformed", 400, "The request is not well-formed HTTP")                          \
    X(VERSION, "version", 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here")                       \
    X(TARGET_TOO_LONG, "target-too-long", 414, "The request target is longer than 4 KiB")          \
    X(HEAD_TOO_LARGE, "head-too-large", 431, "The head is above 16 KiB or 64 headers")             \
    X(NOT_FOUND, "not-found", 404, "There is no such resource")                                    \
    X(FORBIDDEN, "forbidden", 403, "The certificate does not entitle to this resource")            \
    X(METHOD, "method", 405, "The resource does not take this method")                             \
    X(NOT_ACCEPTABLE, "not-acceptable", 406, "Accept names nothing that can be sent")              \
    X(STARTING, "starting", 503, "The switch is starting")                                         \
    X(STOPPING, "stopping", 503, "The switch is stopping")                                         \
    X(OVERLOADED, "overloaded", 503, "The switch has no room for this request now")                \
    X(LENGTH_REQUIRED, "length-required", 411, "A POST needs Content-Length or chunked")           \
    X(TOO_LARGE, "too-large", 413, "The body, a message or the number of parts is too large")      \
    X(ENCODING, "encoding", 415, "The only content encoding is gzip")                              \
    X(TYPE, "type", 415, "The content type is not application/xml or multipart/mixed")             \
    X(EMPTY, "empty", 400, "The body is empty")                                                    \
    X(GZIP, "gzip", 400, "The body is not exactly one gzip member")                                \
    X(MULTIPART, "multipart", 400, "The multipart body is broken or has no part")                  \
    X(RATE, "rate", 429, "The participant's rate or its places for answers are used up")           \
    X(STREAMS, "streams", 429, "The participant has all its streams open")                         \
    X(CONNECTIONS, "connections", 429, "The participant has all its connections open")             \
    X(SLOW, "slow", 408, "The request took too long to arrive")                                    \
    X(GONE, "gone", 410, "The stream or this step of it is gone")                                  \
    X(INTERNAL, "internal", 500, "The switch could not answer; the outcome is unknown")

enum problem {
#define PROBLEM_MEMBER(name, text, status, title) PROBLEM_##name,
    PROBLEM_LIST(PROBLEM_MEMBER)
#undef PROBLEM_MEMBER
};

/* "forbidden"; static. */
const char *problem_name(enum problem problem);

/* 400 to 599. */
int problem_status(enum problem problem);

/* The title; static. */
const char *problem_title(enum problem problem);

/* Appends the document.  Bytes of `detail` that may not stand in a document (control characters,
 * what is not ASCII) are written as '?', so that it is always well-formed; empty: the title says all
 * that there is to say, and stands there too. */
void problem_write_xml(struct draft *draft, enum problem problem, struct span detail);
void problem_write_json(struct draft *draft, enum problem problem, struct span detail);

/* The content type of a document in XML or in JSON; static. */
struct span problem_type(bool json);

#endif
