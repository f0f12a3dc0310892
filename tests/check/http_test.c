/* http: requests and answers, read whole, byte by byte and cut in two at every place, with one
 * verdict; smuggling, limits, pipelining; what is accepted is put before llhttp, too. */
#include <check.h>
#include <stdlib.h>

#include "proto/http/problem.h"
#include "proto/http/request.h"
#include "proto/http/response.h"
#include "proto/http/response_reader.h"
#include "tests/fuzz/http_oracle.h"

#define TRANSCRIPT_BYTES 4096

struct transcript {
    char text[TRANSCRIPT_BYTES];
    size_t size;
};

static void note(struct transcript *transcript, const char *mark, struct span text)
{
    size_t const room = sizeof transcript->text - transcript->size;
    int const size = snprintf(transcript->text + transcript->size, room, "%s%.*s", mark,
                              (int)text.size, text.bytes);
    ck_assert_int_lt(size, (int)room);
    transcript->size += (size_t)size;
}

static char body[LIMIT_BODY_BYTES];
static struct http_oracle oracle;

static void note_head(struct transcript *transcript, const struct request *request)
{
    static const char *const framings[] = {
        [PAYLOAD_NONE] = "-", [PAYLOAD_LENGTH] = "L", [PAYLOAD_CHUNKED] = "C"};
    note(transcript, "[", request->method);
    note(transcript, " ", request->path);
    note(transcript, " ", span_text(framings[request->framing]));
    note(transcript, request->version_1_0 ? " 1.0" : "", SPAN(""));
    note(transcript, request->keep_alive ? "" : " close", SPAN(""));
    note(transcript, request->expect_continue ? " expect" : "", SPAN(""));
}

/* Reads everything as a server would, `first` bytes at once and then pieces of `step`; the events
 * become text: "[POST /x L=hello]" per request, "!malformed" for a refusal, "..." when more is
 * wanted. */
static void read_requests(struct span bytes, size_t first, size_t step,
                          struct transcript *transcript)
{
    static struct request_reader reader;
    size_t given = first, used = 0, begin = 0;
    transcript->size = 0;
    request_begin(&reader);
    for (;;) {
        size_t taken;
        enum request_event const event =
            request_feed(&reader, span_of(bytes.bytes + used, given - used), &taken);
        ck_assert_uint_le(taken, given - used);
        used += taken;
        switch (event) {
        case REQUEST_MORE:
            ck_assert_uint_eq(used, given);
            if (given == bytes.size) {
                if (request_started(&reader)) note(transcript, "...", SPAN(""));
                return;
            }
            given = given + step < bytes.size ? given + step : bytes.size;
            break;
        case REQUEST_HEAD:
            note_head(transcript, &reader.request);
            request_body_into(&reader, body, sizeof body);
            break;
        case REQUEST_COMPLETE:
            note(transcript, "=", span_of(body, reader.body_size < 40 ? reader.body_size : 40));
            note(transcript, "]", SPAN(""));
            if (http_oracle_knows(&reader.request)) {
                const char *const words =
                    http_oracle_compare(&oracle, span_of(bytes.bytes + begin, used - begin),
                                        reader.request.target, span_of(body, reader.body_size));
                ck_assert_msg(words == NULL, "llhttp: %s", words);
            }
            begin = used;
            request_begin(&reader);
            break;
        case REQUEST_BODY_FULL: note(transcript, "!full", SPAN("")); return;
        case REQUEST_REFUSED:
            note(transcript, "!", span_text(problem_name(reader.problem)));
            ck_assert_str_ne(reader.words, "");
            return;
        }
    }
}

static void expect_requests(struct span bytes, const char *expected)
{
    struct transcript transcript = {0};
    read_requests(bytes, bytes.size, 1, &transcript);
    ck_assert_str_eq(transcript.text, expected);
    read_requests(bytes, 0, 1, &transcript);
    ck_assert_str_eq(transcript.text, expected);
    for (size_t cut = 1; cut < bytes.size && bytes.size < 400; cut++) {
        read_requests(bytes, cut, bytes.size, &transcript);
        ck_assert_str_eq(transcript.text, expected);
    }
}

#define GET "GET /a HTTP/1.1\r\nHost: h\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define CASE(bytes, expected)                                                                      \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, expected                                                         \
    }

static const struct {
    const char *bytes;
    size_t size;
    const char *expected;
} requests[] = {
    /* What is good. */
    CASE(GET "\r\n", "[GET /a -=]"),
    CASE("GET /a HTTP/1.1\r\nhOST:h\r\n\r\n", "[GET /a -=]"),
    CASE("GET /a HTTP/1.1\r\nHost: \t h:1 \t\r\n\r\n", "[GET /a -=]"),
    CASE("GET /a HTTP/1.1\r\nHost:\r\n\r\n", "[GET /a -=]"),
    CASE("\r\n" GET "\r\n", "[GET /a -=]"),
    CASE("GET /a?b=/c HTTP/1.1\r\nHost: h\r\n\r\n", "[GET /a -=]"),
    CASE("GET https://h:1/a/b?c HTTP/1.1\r\nHost: h\r\n\r\n", "[GET /a/b -=]"),
    CASE("GET https://h HTTP/1.1\r\nHost: h\r\n\r\n", "[GET / -=]"),
    CASE("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "[OPTIONS * -=]"),
    CASE("BREW /a HTTP/1.1\r\nHost: h\r\n\r\n", "[BREW /a -=]"),
    CASE("get /a HTTP/1.1\r\nHost: h\r\n\r\n", "[get /a -=]"),
    CASE("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", "[HEAD /a -=]"),
    CASE("GET /a HTTP/1.0\r\n\r\n", "[GET /a - 1.0 close=]"),
    CASE("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "[GET /a - 1.0 close=]"),
    CASE(GET "Connection: foo, Close\r\n\r\n", "[GET /a - close=]"),
    CASE(GET "X: caf\xc3\xa9\r\n\r\n", "[GET /a -=]"),
    CASE(GET "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n", "[GET /a -=]"),
    CASE(POST "Content-Length: 5\r\n\r\nhello", "[POST /a L=hello]"),
    CASE(POST "Content-Length: 0\r\n\r\n", "[POST /a L=]"),
    CASE(POST "Content-Length: 00005\r\n\r\nhello", "[POST /a L=hello]"),
    CASE(POST "\r\n", "[POST /a -=]"),
    CASE(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", "[POST /a L expect=x]"),
    CASE(GET "Content-Length: 2\r\n\r\nxy", "[GET /a L=xy]"),
    CASE(CHUNKED "5\r\nhello\r\n0\r\n\r\n", "[POST /a C=hello]"),
    CASE(CHUNKED "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "[POST /a C=hello]"),
    CASE(CHUNKED "A\r\n0123456789\r\n0\r\n\r\n", "[POST /a C=0123456789]"),
    CASE(CHUNKED "a\r\n0123456789\r\n000\r\n\r\n", "[POST /a C=0123456789]"),
    CASE(CHUNKED "5;ext=\"a b\";x\r\nhello\r\n0\r\n\r\n", "[POST /a C=hello]"),
    CASE(CHUNKED "5\r\nhello\r\n0\r\nX-Check: 1\r\n\r\n", "[POST /a C=hello]"),
    CASE(CHUNKED "0\r\n\r\n", "[POST /a C=]"),
    CASE(POST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "[POST /a C=]"),
    /* Pipelining, also with one empty line between. */
    CASE(GET "\r\n" POST "Content-Length: 1\r\n\r\nx" GET "\r\n",
         "[GET /a -=][POST /a L=x][GET /a -=]"),
    CASE(CHUNKED "1\r\nx\r\n0\r\n\r\n" GET "\r\n", "[POST /a C=x][GET /a -=]"),
    CASE(POST "Content-Length: 1\r\n\r\nx\r\n" GET "\r\n", "[POST /a L=x][GET /a -=]"),
    /* What is not complete. */
    CASE("", ""),
    CASE("\r\n", ""),
    CASE("GET /a HT", "..."),
    CASE(GET, "..."),
    CASE(POST "Content-Length: 5\r\n\r\nhell", "[POST /a L..."),
    CASE(CHUNKED "5\r\nhello\r\n0\r\n", "[POST /a C..."),
    /* Lines. */
    CASE("GET /a HTTP/1.1\nHost: h\n\n", "!malformed"),
    CASE("GET /a HTTP/1.1\r\nHost: h\n\r\n", "!malformed"),
    CASE(GET "\n", "!malformed"),
    CASE(GET "X: a\rY: b\r\n\r\n", "!malformed"),
    CASE(GET "\rX: b\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/1.1\rHost: h\r\n\r\n", "!malformed"),
    CASE("\n" GET "\r\n", "!malformed"),
    CASE("\r\n\r\n" GET "\r\n", "!malformed"),
    CASE("\rGET /a HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE(GET "X: a\r\n folded\r\n\r\n", "!malformed"),
    CASE(GET "X: a\r\n\tfolded\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/1.1\r\n Host: h\r\n\r\n", "!malformed"),
    CASE(GET "X : a\r\n\r\n", "!malformed"),
    CASE(GET "Content-Length : 3\r\n\r\nabc", "!malformed"),
    CASE(GET "X\t: a\r\n\r\n", "!malformed"),
    CASE(GET ": a\r\n\r\n", "!malformed"),
    CASE(GET "X\r\n\r\n", "!malformed"),
    CASE(GET "X(): a\r\n\r\n", "!malformed"),
    CASE(GET "X\0Y: a\r\n\r\n", "!malformed"),
    CASE(GET "X: a\0b\r\n\r\n", "!malformed"),
    CASE(GET "X: a\x01\r\n\r\n", "!malformed"),
    CASE(GET "X: \x7f\r\n\r\n", "!malformed"),
    CASE(GET "X\xc3: a\r\n\r\n", "!malformed"),
    /* The request line. */
    CASE("GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a  HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE(" GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/1.1 \r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a\x80 HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("G@T /a HTTP/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a http/1.1\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/1.x\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/\r\nHost: h\r\n\r\n", "!malformed"),
    CASE("\x16\x03\x01\x02", "!malformed"),
    CASE("GET /a HTTP/2.0\r\nHost: h\r\n\r\n", "!version"),
    CASE("GET /a HTTP/1.2\r\nHost: h\r\n\r\n", "!version"),
    CASE("GET /a HTTP/0.9\r\nHost: h\r\n\r\n", "!version"),
    CASE("GET /a HTTP/11\r\nHost: h\r\n\r\n", "!version"),
    CASE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!version"),
    /* Host. */
    CASE("GET /a HTTP/1.1\r\n\r\n", "!malformed"),
    CASE(GET "Host: h\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/1.0\r\nHost: h\r\nhost: i\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", "!malformed"),
    CASE("GET /a HTTP/1.1\r\nHost: h/x\r\n\r\n", "!malformed"),
    /* Framing: the ways to smuggle. */
    CASE(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "!malformed"),
    CASE(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "!malformed"),
    CASE(POST "Content-Length: 5, 5\r\n\r\nhello", "!malformed"),
    CASE(POST "Content-Length: +5\r\n\r\nhello", "!malformed"),
    CASE(POST "Content-Length: -1\r\n\r\nhello", "!malformed"),
    CASE(POST "Content-Length: 0x5\r\n\r\nhello", "!malformed"),
    CASE(POST "Content-Length: 5 \x0c\r\n\r\nhello", "!malformed"),
    CASE(POST "Content-Length: \r\n\r\n", "!malformed"),
    CASE(POST "Content-Length: 18446744073709551616\r\n\r\n", "!malformed"),
    CASE(POST "Content-Length: 18446744073709551615\r\n\r\n", "[POST /a L!full"),
    CASE(POST "Content-Length: 655361\r\n\r\n", "[POST /a L!full"),
    CASE(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: identity\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: chunked, identity\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: xchunked\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: chunked;q=1\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
         "!malformed"),
    CASE(POST "Transfer-Encoding:\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "!malformed"),
    CASE(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", "!malformed"),
    CASE("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!malformed"),
    /* Chunks. */
    CASE(CHUNKED "\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "g\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "+5\r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "-5\r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED " 5\r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5 \r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5\rhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5\r\nhelloX\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5\r\nhelloX\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5\r\nhello\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5\r\nhello\r0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "5;a\0b\r\nhello\r\n0\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "10000000000000000\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n", "[POST /a C=hello]"),
    CASE(CHUNKED "FFFFFFFFFFFFFFFF\r\nhello", "[POST /a C..."),
    CASE(CHUNKED "0\r\nX : a\r\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "0\r\nX: a\n\r\n", "[POST /a C!malformed"),
    CASE(CHUNKED "0\r\n\n", "[POST /a C!malformed"),
    /* Nothing behind a refusal is read. */
    CASE(GET "X: a\r\n b\r\n\r\n" GET "\r\n", "!malformed"),
};

START_TEST(requests_have_one_verdict)
{
    expect_requests(span_of(requests[_i].bytes, requests[_i].size), requests[_i].expected);
}
END_TEST

/* Builds `before`, `filler` times `fill`, `behind`. */
static struct span build(char *bytes, const char *before, char fill, size_t filler,
                         const char *behind)
{
    size_t const before_size = strlen(before), behind_size = strlen(behind);
    memcpy(bytes, before, before_size);
    memset(bytes + before_size, fill, filler);
    memcpy(bytes + before_size + filler, behind, behind_size);
    return span_of(bytes, before_size + filler + behind_size);
}

static char large[LIMIT_BODY_BYTES + 64 * 1024];

START_TEST(bounds_pass_at_the_bound)
{
    struct transcript transcript = {0};
    /* Target: 4,096 bytes. */
    struct span bytes = build(large, "GET /", 'a', LIMIT_TARGET_BYTES - 1,
                              " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    static struct request_reader reader;
    size_t taken;
    request_begin(&reader);
    ck_assert_int_eq(request_feed(&reader, bytes, &taken), REQUEST_HEAD);
    ck_assert_uint_eq(reader.request.target.size, LIMIT_TARGET_BYTES);
    bytes = build(large, "GET /", 'a', LIMIT_TARGET_BYTES, " HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_requests(bytes, "!target-too-long");
    bytes = build(large, "GET /", 'a', 20000, " HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_requests(bytes, "!target-too-long");
    /* A method has no bound of its own, nor has a line with a version in it. */
    bytes = build(large, "", 'a', 20000, " / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_requests(bytes, "!head-too-large");
    bytes = build(large, "", 'a', LIMIT_HEAD_BYTES - 23, " / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_requests(bytes, "!head-too-large");
    bytes = build(large, "GET /", 'a', LIMIT_TARGET_BYTES, " HTTP/2.0\r\nHost: h\r\n\r\n");
    expect_requests(bytes, "!version");

    /* Head: 16,384 bytes with the blank line. */
    size_t const frame = sizeof(GET "X: \r\n\r\n") - 1;
    bytes = build(large, GET "X: ", 'a', LIMIT_HEAD_BYTES - frame, "\r\n\r\n");
    ck_assert_uint_eq(bytes.size, LIMIT_HEAD_BYTES);
    expect_requests(bytes, "[GET /a -=]");
    bytes = build(large, GET "X: ", 'a', LIMIT_HEAD_BYTES - frame + 1, "\r\n\r\n");
    expect_requests(bytes, "!head-too-large");

    /* Headers: 64. */
    size_t size = sizeof(GET) - 1;
    memcpy(large, GET, size);
    for (int i = 1; i < LIMIT_HEADERS; i++, size += 6) {
        memcpy(large + size, "X: a\r\n", 6);
    }
    memcpy(large + size, "\r\n", 2);
    expect_requests(span_of(large, size + 2), "[GET /a -=]");
    memcpy(large + size, "X: a\r\n\r\n", 8);
    expect_requests(span_of(large, size + 8), "!head-too-large");

    /* Body: 655,360 bytes, as length and in chunks. */
    bytes = build(large, POST "Content-Length: 655360\r\n\r\n", 'b', LIMIT_BODY_BYTES, "");
    read_requests(bytes, bytes.size, 1, &transcript);
    ck_assert_ptr_nonnull(strstr(transcript.text, "[POST /a L=bbbb"));
    bytes = build(large, CHUNKED "A0000\r\n", 'b', LIMIT_BODY_BYTES, "\r\n0\r\n\r\n");
    read_requests(bytes, 100, 1000, &transcript);
    ck_assert_ptr_nonnull(strstr(transcript.text, "[POST /a C=bbbb"));
    bytes = build(large, CHUNKED "A0001\r\n", 'b', LIMIT_BODY_BYTES + 1, "\r\n0\r\n\r\n");
    read_requests(bytes, 100, 1000, &transcript);
    ck_assert_str_eq(transcript.text, "[POST /a C!full");

    /* Chunk extensions, and trailers. */
    bytes = build(large, CHUNKED "1;", 'e', LIMIT_CHUNK_OVERHEAD_BYTES + 20, "\r\nx\r\n0\r\n\r\n");
    expect_requests(bytes, "[POST /a C!malformed");
    bytes = build(large, CHUNKED "0\r\nX: ", 'e', LIMIT_HEAD_BYTES, "\r\n\r\n");
    expect_requests(bytes, "[POST /a C!head-too-large");
}
END_TEST

START_TEST(headers_are_found)
{
    static struct request_reader reader;
    struct span const bytes = SPAN(GET "Accept: a\r\nX:\r\naccept:  b , C \r\n\r\n");
    struct span value;
    size_t taken, cursor = 0;
    request_begin(&reader);
    ck_assert(!request_started(&reader));
    ck_assert_int_eq(request_feed(&reader, bytes, &taken), REQUEST_HEAD);
    ck_assert(request_started(&reader));
    const struct fields *const fields = &reader.request.fields;
    ck_assert_uint_eq(fields->count, 4);
    ck_assert(fields_next(fields, SPAN("ACCEPT"), &cursor, &value));
    ck_assert(span_equal(value, SPAN("a")));
    ck_assert(fields_next(fields, SPAN("ACCEPT"), &cursor, &value));
    ck_assert(span_equal(value, SPAN("b , C")));
    ck_assert(!fields_next(fields, SPAN("ACCEPT"), &cursor, &value));
    ck_assert(fields_find(fields, SPAN("x"), &value));
    ck_assert_uint_eq(value.size, 0);
    ck_assert(!fields_find(fields, SPAN("y"), &value));
    ck_assert(fields_list_holds(fields, SPAN("accept"), SPAN("c")));
    ck_assert(fields_list_holds(fields, SPAN("accept"), SPAN("A")));
    ck_assert(!fields_list_holds(fields, SPAN("accept"), SPAN("b , c")));
}
END_TEST

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *bytes;
    size_t size;
    const char *expected; /* status, body, keep-alive as +; then the next; ! broken, ... more */
} answers[] = {
    CASE(OK_HEAD "Content-Length: 2\r\n\r\nhi", "200=hi+"),
    CASE("HTTP/1.1 204 No Content\r\n\r\n", "204=+"),
    CASE("HTTP/1.1 204\r\nContent-Length: 5\r\n\r\n", "204=+"),
    CASE("HTTP/1.1 201 Created\r\nContent-Length: 0\r\nPI-ResourceId: x\r\n\r\n", "201=+"),
    CASE("HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD "Content-Length: 1\r\n\r\nx", "200=x+"),
    CASE(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200=hi+"),
    CASE(OK_HEAD "Content-Length: 1\r\n\r\nxHTTP/1.1 204 \r\n\r\n", "200=x+204=+"),
    CASE(OK_HEAD "Content-Length: 0\r\nConnection: close\r\n\r\n", "200="),
    CASE("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200="),
    CASE(OK_HEAD "\r\nuntil the end", "200=until the end"),
    CASE(OK_HEAD "Content-Length: 3\r\n\r\nhi", "!"),
    CASE(OK_HEAD "X: 1\n\r\n", "!"),
    CASE(OK_HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "!"),
    CASE("HTTP/2 200\r\n\r\n", "!"),
    CASE("HTTP/1.1 20 OK\r\n\r\n", "!"),
    CASE("HTTP/1.1 2000\r\n\r\n", "!"),
    CASE("HTTP/1.1 999 Odd\r\n\r\n", "!"),
    CASE("SSH-2.0-x\r\n\r\n", "!"),
    CASE("HTTP/1.1 200 OK\n", "!"),
};

static void read_answers(struct span bytes, size_t step, struct transcript *transcript)
{
    static struct response_reader reader;
    size_t given = 0, used = 0;
    transcript->size = 0;
    transcript->text[0] = '\0';
    response_reader_begin(&reader, body, 100);
    for (;;) {
        size_t taken = 0;
        enum response_reader_event event;
        if (given == bytes.size && used == given) {
            if (!response_reader_started(&reader)) return;
            event = response_reader_end(&reader);
        } else {
            if (used == given) given = given + step < bytes.size ? given + step : bytes.size;
            event =
                response_reader_feed(&reader, span_of(bytes.bytes + used, given - used), &taken);
            used += taken;
        }
        if (event == RESPONSE_READER_MORE) continue;
        if (event == RESPONSE_READER_BROKEN) {
            ck_assert_str_ne(reader.words, "");
            note(transcript, "!", SPAN(""));
            return;
        }
        char status[8];
        (void)snprintf(status, sizeof status, "%d=", reader.status);
        note(transcript, status, span_of(body, reader.body_size));
        note(transcript, reader.keep_alive ? "+" : "", SPAN(""));
        if (!reader.keep_alive) return;
        response_reader_begin(&reader, body, 100);
    }
}

START_TEST(answers_have_one_verdict)
{
    struct span const bytes = span_of(answers[_i].bytes, answers[_i].size);
    struct transcript transcript;
    for (size_t step = 1; step <= bytes.size; step++) {
        read_answers(bytes, step, &transcript);
        ck_assert_str_eq(transcript.text, answers[_i].expected);
    }
}
END_TEST

START_TEST(a_body_beyond_the_buffer_breaks_an_answer)
{
    struct transcript transcript;
    struct span const bytes = build(large, OK_HEAD "Content-Length: 101\r\n\r\n", 'x', 101, "");
    read_answers(bytes, 10, &transcript);
    ck_assert_str_eq(transcript.text, "!");
}
END_TEST

START_TEST(what_is_written_is_read)
{
    char bytes[1024];
    struct draft draft = draft_into(bytes, sizeof bytes);
    struct draft_field const fields[] = {{SPAN("PI-ResourceId"), SPAN("a, b")}};
    struct response const response = {
        .status = 201, .content_type = SPAN("application/xml"), .fields = fields, .field_count = 1};
    response_write_head(&draft, &response, 2);
    draft_put(&draft, SPAN("hi"));
    ck_assert(!draft.failed);
    struct transcript transcript;
    read_answers(draft_span(&draft), 7, &transcript);
    ck_assert_str_eq(transcript.text, "201=hi+");

    draft = draft_into(bytes, sizeof bytes);
    request_write_head(&draft, SPAN("POST"), SPAN("/x"), SPAN("h:1"), fields, 1, 2);
    draft_put(&draft, SPAN("hi"));
    expect_requests(draft_span(&draft), "[POST /x L=hi]");

    /* A value cannot break out of its line, and nothing is written behind the buffer. */
    draft = draft_into(bytes, sizeof bytes);
    draft_field(&draft, SPAN("X"), SPAN("a\r\nSet-Cookie: b"));
    ck_assert(draft.failed);
    draft = draft_into(bytes, 4);
    draft_put(&draft, SPAN("1234"));
    ck_assert(!draft.failed);
    draft_number(&draft, 5);
    ck_assert(draft.failed);
    ck_assert_uint_eq(draft.size, 4);
    draft = draft_into(bytes, 20);
    draft_number(&draft, UINT64_MAX);
    ck_assert(span_equal(draft_span(&draft), SPAN("18446744073709551615")));
}
END_TEST

START_TEST(problems_are_documents)
{
    char bytes[1024];
    struct draft draft = draft_into(bytes, sizeof bytes);
    problem_write_xml(&draft, PROBLEM_FORBIDDEN, SPAN("<a>\"&\x01\xff"));
    ck_assert(span_equal(
        draft_span(&draft),
        SPAN("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<problem xmlns=\"urn:ietf:rfc:7807\">"
             "<type>urn:cauce:problem:forbidden</type>"
             "<title>The certificate does not entitle to this resource</title>"
             "<status>403</status><detail>&lt;a&gt;\"&amp;?"
             "?</detail></problem>\n")));
    draft = draft_into(bytes, sizeof bytes);
    problem_write_json(&draft, PROBLEM_GONE, SPAN("\"\\\n"));
    ck_assert(span_equal(draft_span(&draft),
                         SPAN("{\"type\":\"urn:cauce:problem:gone\",\"title\":\"The stream or this "
                              "step of it is gone\",\"status\":410,\"detail\":\"\\\"\\\\?\"}\n")));
    draft = draft_into(bytes, sizeof bytes);
    problem_write_json(&draft, PROBLEM_RATE, SPAN(""));
    ck_assert_ptr_nonnull(memmem(draft.bytes, draft.size, "\"detail\":\"T", 11)); /* its title */
    /* Every problem's status has a reason phrase. */
#define PROBLEM_STATUS(name, text, code, words)                                                    \
    draft = draft_into(bytes, sizeof bytes);                                                       \
    response_write_head(&draft, &(struct response){.status = problem_status(PROBLEM_##name)}, 0);  \
    ck_assert_msg(memmem(bytes, draft.size, " \r\n", 3) == NULL, "%d has no reason", code);
    PROBLEM_LIST(PROBLEM_STATUS)
#undef PROBLEM_STATUS
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("http");
    TCase *const cases = tcase_create("http");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, requests_have_one_verdict, 0, sizeof requests / sizeof requests[0]);
    tcase_add_test(cases, bounds_pass_at_the_bound);
    tcase_add_test(cases, headers_are_found);
    tcase_add_loop_test(cases, answers_have_one_verdict, 0, sizeof answers / sizeof answers[0]);
    tcase_add_test(cases, a_body_beyond_the_buffer_breaks_an_answer);
    tcase_add_test(cases, what_is_written_is_read);
    tcase_add_test(cases, problems_are_documents);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
