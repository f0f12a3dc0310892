/* response: writes the head of an HTTP/1.1 answer; the body, which the caller has, follows it.
 *
 * The client's side is response_reader.h. */
#ifndef PROTO_HTTP_RESPONSE_H
#define PROTO_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/span.h"
#include "proto/http/draft.h"

/* What a client that expects it waits for before it sends its body. */
#define RESPONSE_CONTINUE SPAN("HTTP/1.1 100 Continue\r\n\r\n")

/* status, reason phrase: the statuses that the switch sends (RFC 9110, 15). */
#define RESPONSE_STATUS_LIST(X)                                                                    \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(204, "No Content")                                                                           \
    X(400, "Bad Request")                                                                          \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(406, "Not Acceptable")                                                                       \
    X(408, "Request Timeout")                                                                      \
    X(410, "Gone")                                                                                 \
    X(411, "Length Required")                                                                      \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(500, "Internal Server Error")                                                                \
    X(503, "Service Unavailable")                                                                  \
    X(505, "HTTP Version Not Supported")

struct response {
    int status;                       /* of RESPONSE_STATUS_LIST */
    bool close;                       /* `Connection: close`: the last answer of its connection */
    struct span content_type;         /* empty: none is written */
    const struct draft_field *fields; /* further headers, for example PI-ResourceId */
    size_t field_count;
};

/* Appends status line, headers and blank line.  Content-Length is body_size, and is not written
 * with 204 (RFC 9110, 8.6), which has no body.  Assumed: a status of the list. */
void response_write_head(struct draft *draft, const struct response *response, size_t body_size);

#endif
