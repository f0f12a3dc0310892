/* http_oracle: llhttp as the second opinion on requests that proto/http accepts.
 *
 * What we take as one whole request, llhttp must take as the same request: one parser's request that
 * is another's request and a half is how smuggling begins.  The other way round nothing is asked:
 * llhttp takes more than WIRE section 1 allows (bare CR, folded lines, spaces behind chunk sizes).
 * For the suite and the fuzz target. */
#ifndef TESTS_FUZZ_HTTP_ORACLE_H
#define TESTS_FUZZ_HTTP_ORACLE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stdio.h>

#include "proto/base/limits.h"
#include "proto/http/request.h"

struct http_oracle {
    size_t target_size;
    size_t body_size;
    bool complete;
    char target[LIMIT_TARGET_BYTES];
    char body[LIMIT_BODY_BYTES];
};

static int http_oracle_on_url(llhttp_t *parser, const char *at, size_t size)
{
    struct http_oracle *const oracle = parser->data;
    if (size > sizeof oracle->target - oracle->target_size) return HPE_USER;
    memcpy(oracle->target + oracle->target_size, at, size);
    oracle->target_size += size;
    return 0;
}

static int http_oracle_on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct http_oracle *const oracle = parser->data;
    if (size > sizeof oracle->body - oracle->body_size) return HPE_USER;
    memcpy(oracle->body + oracle->body_size, at, size);
    oracle->body_size += size;
    return 0;
}

/* `Upgrade` is a header like any other here. */
static int http_oracle_on_headers(llhttp_t *parser)
{
    parser->upgrade = 0;
    return 0;
}

static int http_oracle_on_complete(llhttp_t *parser)
{
    struct http_oracle *const oracle = parser->data;
    oracle->complete = true;
    return HPE_PAUSED;
}

/* Whether llhttp can be asked about this request: it knows a closed list of methods, and only
 * targets that are paths are worth comparing. */
static inline bool http_oracle_knows(const struct request *request)
{
    return request->target.bytes[0] == '/' &&
           (span_equal(request->method, SPAN("GET")) || span_equal(request->method, SPAN("POST")) ||
            span_equal(request->method, SPAN("DELETE")) ||
            span_equal(request->method, SPAN("PUT")));
}

/* Whether `at` lies behind the semicolon of a chunk's line: llhttp 8.1 says of some of what stands
 * there that it is no chunk size. */
static inline bool http_oracle_is_in_extension(struct span bytes, const char *at)
{
    if (!at) return false;
    while (at > bytes.bytes && at[-1] != '\n') {
        if (*--at == ';') return true;
    }
    return false;
}

/* llhttp 8.1 takes spaces around the values of Content-Length and Transfer-Encoding, but no tabs; RFC
 * 9110 (5.5 and 5.6.3) has both as white space around any value. */
static inline bool http_oracle_stumbles_at_tabs(struct span bytes, const char *reason)
{
    return memchr(bytes.bytes, '\t', bytes.size) != NULL &&
           (strstr(reason, "in Content-Length") || strstr(reason, "`Transfer-Encoding`"));
}

/* NULL when llhttp reads `bytes` as exactly this request with this body; else what differs. */
static inline const char *http_oracle_compare(struct http_oracle *oracle, struct span bytes,
                                              struct span target, struct span body)
{
    llhttp_settings_t settings;
    llhttp_t parser;
    llhttp_settings_init(&settings);
    settings.on_url = http_oracle_on_url;
    settings.on_body = http_oracle_on_body;
    settings.on_headers_complete = http_oracle_on_headers;
    settings.on_message_complete = http_oracle_on_complete;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = oracle;
    oracle->target_size = oracle->body_size = 0;
    oracle->complete = false;
    llhttp_errno_t const result = llhttp_execute(&parser, bytes.bytes, bytes.size);
    if (result != HPE_OK && result != HPE_PAUSED) {
        /* It judges what chunk extensions and the trailer say, which we throw away unread. */
        const char *const reason = llhttp_get_error_reason(&parser);
        const char *const at = llhttp_get_error_pos(&parser);
        bool const unread = (parser.flags & F_TRAILING) != 0 ||
                            strstr(reason, "in chunk extensions") != NULL ||
                            http_oracle_is_in_extension(bytes, at);
        return unread || http_oracle_stumbles_at_tabs(bytes, reason) ? NULL : reason;
    }
    if (!oracle->complete) return "llhttp waits for more";
    if (result == HPE_PAUSED && llhttp_get_error_pos(&parser) != bytes.bytes + bytes.size) {
        return "llhttp sees the end of the request elsewhere";
    }
    if (!span_equal(span_of(oracle->target, oracle->target_size), target)) return "other target";
    if (!span_equal(span_of(oracle->body, oracle->body_size), body)) return "other body";
    return NULL;
}

#endif
