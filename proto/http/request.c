/* request: see request.h.
 *
 *     BLANK (one empty line is passed over) -> LINE -> FIELDS -> REQUEST_HEAD -> BODY -> DONE
 *
 * Possible failures: malformed or beyond a limit (REFUSED), or a body longer than allowed (FULL);
 * both are ends, as nothing behind them may be read as a request.
 *
 * Why this is not a library's: what WIRE section 1 refuses leaves a general parser nothing to
 * decide; the one that Debian ships accepts bare CR as a line's end and folded headers, takes
 * white space behind chunk sizes, and knows a closed list of methods, while an unknown method must
 * come through to be answered with 404, 403 or 405.  It is the oracle in tests/fuzz/http_oracle.h
 * instead, for the suite and the fuzz target. */
#include "proto/http/request.h"

enum state { BLANK, BLANK_END, LINE, LINE_END, FIELDS, BODY, DONE, FULL, REFUSED };

void request_begin(struct request_reader *reader)
{
    reader->state = BLANK;
    reader->blank_skipped = false;
    reader->head_size = 0;
    reader->body_size = 0;
    reader->words = "";
}

bool request_started(const struct request_reader *reader)
{
    return reader->state != BLANK && reader->state != BLANK_END;
}

static enum request_event refuse(struct request_reader *reader, enum problem problem,
                                 const char *words)
{
    reader->state = REFUSED;
    reader->problem = problem;
    reader->words = words;
    return REQUEST_REFUSED;
}

static enum request_event malformed(struct request_reader *reader, const char *words)
{
    return refuse(reader, PROBLEM_MALFORMED, words);
}

/* What the target names: RFC 9112, 3.2 lets a client send a whole URL, too. */
static struct span path_of(struct span target)
{
    struct span path = target;
    if (target.size > 0 && target.bytes[0] != '/') {
        const char *const authority = memmem(target.bytes, target.size, "://", 3);
        if (authority == NULL) return target; /* "*", or what no resource is called */
        path = span_after(target, (size_t)(authority - target.bytes) + 3);
        const char *const slash = memchr(path.bytes, '/', path.size);
        if (slash == NULL) return SPAN("/");
        path = span_after(path, (size_t)(slash - path.bytes));
    }
    for (size_t i = 0; i < path.size; i++) {
        if (path.bytes[i] == '?' || path.bytes[i] == '#') path.size = i;
    }
    return path;
}

/* "HTTP/1.1": *minor of version 1; malformed, or 505 for another version that is well-formed. */
static enum request_event judge_version(struct request_reader *reader, struct span version)
{
    if (span_equal(version, SPAN("HTTP/1.1")) || span_equal(version, SPAN("HTTP/1.0"))) {
        reader->request.version_1_0 = version.bytes[7] == '0';
        return REQUEST_MORE;
    }
    bool well_formed = span_starts_with(version, SPAN("HTTP/")) && version.size > 5;
    for (size_t i = 5; well_formed && i < version.size; i++) {
        char const byte = version.bytes[i];
        well_formed = (byte >= '0' && byte <= '9') || (byte == '.' && i > 5);
    }
    if (!well_formed) return malformed(reader, "a request line that does not end with a version");
    return refuse(reader, PROBLEM_VERSION, "the version is neither 1.0 nor 1.1");
}

/* The request line, its CRLF left out: exactly method, target and version, one space between. */
static enum request_event judge_line(struct request_reader *reader, struct span line)
{
    const char *const first = memchr(line.bytes, ' ', line.size);
    if (first == NULL) return malformed(reader, "a request line without a target");
    struct span const method = span_of(line.bytes, (size_t)(first - line.bytes));
    struct span const rest = span_after(line, method.size + 1);
    const char *const second = memchr(rest.bytes, ' ', rest.size);
    if (second == NULL) return malformed(reader, "a request line without a version");
    struct span const target = span_of(rest.bytes, (size_t)(second - rest.bytes));
    if (method.size == 0 || target.size == 0) {
        return malformed(reader, "a request line with spaces out of place");
    }
    for (size_t i = 0; i < method.size; i++) {
        if (!fields_is_token_byte(method.bytes[i])) {
            return malformed(reader, "a method that is no token");
        }
    }
    enum request_event const verdict = judge_version(reader, span_after(rest, target.size + 1));
    if (verdict != REQUEST_MORE) return verdict;
    if (target.size > LIMIT_TARGET_BYTES) {
        return refuse(reader, PROBLEM_TARGET_TOO_LONG, "a target above 4 KiB");
    }
    reader->request.method = method;
    reader->request.target = target;
    reader->request.path = path_of(target);
    return REQUEST_MORE;
}

/* The line alone is longer than a head may be: is it the target, or the whole? */
static enum request_event judge_long_line(struct request_reader *reader)
{
    const char *const first = memchr(reader->head, ' ', reader->head_size);
    if (first != NULL) {
        size_t const rest_size = (size_t)(reader->head + reader->head_size - (first + 1));
        const char *const second = memchr(first + 1, ' ', rest_size);
        size_t const target_size = second == NULL ? rest_size : (size_t)(second - (first + 1));
        if (target_size > LIMIT_TARGET_BYTES) {
            return refuse(reader, PROBLEM_TARGET_TOO_LONG, "a target above 4 KiB");
        }
    }
    return refuse(reader, PROBLEM_HEAD_TOO_LARGE, "a request line above 16 KiB");
}

/* One byte of the blank line before a request, or of the request line. */
static enum request_event step_line(struct request_reader *reader, char byte)
{
    if (reader->state == BLANK_END || reader->state == LINE_END) {
        if (byte != '\n') {
            return malformed(reader, "a carriage return without a line feed behind it");
        }
        if (reader->state == BLANK_END) {
            reader->blank_skipped = true;
            reader->state = BLANK;
            return REQUEST_MORE;
        }
        if (reader->head_size == LIMIT_HEAD_BYTES) return judge_long_line(reader);
        reader->head[reader->head_size++] = byte;
        reader->state = FIELDS;
        fields_begin(&reader->request.fields, reader->head, reader->head_size);
        return judge_line(reader, span_of(reader->head, (size_t)reader->head_size - 2));
    }
    if (byte == '\n') return malformed(reader, "a line feed without a carriage return before it");
    if (reader->state == BLANK) {
        if (byte == '\r') {
            /* RFC 9112, 2.2: a server should pass over an empty line before a request. */
            if (reader->blank_skipped) return malformed(reader, "empty lines before a request");
            reader->state = BLANK_END;
            return REQUEST_MORE;
        }
        reader->state = LINE;
    }
    if (byte == '\r') {
        reader->state = LINE_END;
    } else if (byte < ' ' || byte > '~') {
        return malformed(reader, "a byte in the request line that is not printable ASCII");
    }
    if (reader->head_size == LIMIT_HEAD_BYTES) return judge_long_line(reader);
    reader->head[reader->head_size++] = byte;
    return REQUEST_MORE;
}

/* A host as URIs have it (RFC 3986, 3.2.2), perhaps empty; its fine structure nobody reads. */
static bool is_host(struct span host)
{
    for (size_t i = 0; i < host.size; i++) {
        char const byte = host.bytes[i];
        bool const alphanumeric = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                                  (byte >= '0' && byte <= '9');
        if (!alphanumeric && strchr("-._~!$&'()*+,;=%:[]", byte) == NULL) return false;
    }
    return true;
}

/* WIRE section 1, 400: "no Host (in HTTP/1.1) or two". */
static enum request_event judge_host(struct request_reader *reader)
{
    const struct fields *const fields = &reader->request.fields;
    size_t cursor = 0;
    struct span host, second;
    if (!fields_next(fields, SPAN("host"), &cursor, &host)) {
        return reader->request.version_1_0 ? REQUEST_MORE : malformed(reader, "no Host header");
    }
    if (!is_host(host)) return malformed(reader, "a Host header that names no host");
    if (fields_next(fields, SPAN("host"), &cursor, &second)) {
        return malformed(reader, "two Host headers");
    }
    return REQUEST_MORE;
}

/* The head has been read: judges it as a whole. */
static enum request_event judge_head(struct request_reader *reader)
{
    struct request *const request = &reader->request;
    const char *words = "";
    enum request_event const verdict = judge_host(reader);
    if (verdict != REQUEST_MORE) return verdict;
    request->content_length = 0;
    if (!payload_framing_of(&request->fields, &request->framing, &request->content_length,
                            &words)) {
        return malformed(reader, words);
    }
    /* RFC 9112, 6.1: in 1.0 its framing is to be taken as faulty. */
    if (request->version_1_0 && request->framing == PAYLOAD_CHUNKED) {
        return malformed(reader, "Transfer-Encoding in HTTP/1.0");
    }

    /* From here nothing can fail. */
    request->keep_alive = !request->version_1_0 &&
                          !fields_list_holds(&request->fields, SPAN("connection"), SPAN("close"));
    request->expect_continue =
        !request->version_1_0 &&
        fields_list_holds(&request->fields, SPAN("expect"), SPAN("100-continue"));
    reader->state = BODY;
    request_body_into(reader, NULL, LIMIT_BODY_BYTES);
    return REQUEST_HEAD;
}

static enum request_event feed_fields(struct request_reader *reader, struct span bytes,
                                      size_t *taken)
{
    struct fields *const fields = &reader->request.fields;
    enum fields_verdict const verdict = fields_scan(fields, bytes, taken);
    memcpy(reader->head + reader->head_size, bytes.bytes, *taken);
    reader->head_size = fields->size;
    switch (verdict) {
    case FIELDS_MORE: return REQUEST_MORE;
    case FIELDS_COMPLETE: return judge_head(reader);
    case FIELDS_BROKEN: return malformed(reader, fields->words);
    case FIELDS_TOO_LARGE: break;
    }
    return refuse(reader, PROBLEM_HEAD_TOO_LARGE, fields->words);
}

static enum request_event feed_body(struct request_reader *reader, struct span bytes, size_t *taken)
{
    enum payload_event const event = payload_feed(&reader->payload, bytes, taken);
    reader->body_size = reader->payload.size;
    switch (event) {
    case PAYLOAD_MORE: return REQUEST_MORE;
    case PAYLOAD_COMPLETE: reader->state = DONE; return REQUEST_COMPLETE;
    case PAYLOAD_FULL: reader->state = FULL; return REQUEST_BODY_FULL;
    case PAYLOAD_BROKEN: return malformed(reader, reader->payload.words);
    case PAYLOAD_TRAILER_TOO_LARGE: break;
    }
    return refuse(reader, PROBLEM_HEAD_TOO_LARGE, reader->payload.words);
}

enum request_event request_feed(struct request_reader *reader, struct span bytes, size_t *taken)
{
    enum request_event event = REQUEST_MORE;
    *taken = 0;
    if (bytes.bytes == NULL) bytes = SPAN("");
    while (event == REQUEST_MORE) {
        struct span const rest = span_after(bytes, *taken);
        size_t step = 0;
        switch ((enum state)reader->state) {
        case BLANK:
        case BLANK_END:
        case LINE:
        case LINE_END:
            if (rest.size == 0) return REQUEST_MORE;
            step = 1;
            event = step_line(reader, rest.bytes[0]);
            break;
        case FIELDS:
            if (rest.size == 0) return REQUEST_MORE;
            event = feed_fields(reader, rest, &step);
            break;
        case BODY:
            event = feed_body(reader, rest, &step);
            *taken += step;
            return event;
        case DONE: return REQUEST_COMPLETE;
        case FULL: return REQUEST_BODY_FULL;
        case REFUSED: return REQUEST_REFUSED;
        }
        *taken += step;
    }
    return event;
}

void request_body_into(struct request_reader *reader, char *body, size_t body_max)
{
    size_t const max = body_max < LIMIT_BODY_BYTES ? body_max : LIMIT_BODY_BYTES;
    payload_begin(&reader->payload, reader->request.framing, reader->request.content_length, body,
                  max);
}

void request_write_head(struct draft *draft, struct span method, struct span target,
                        struct span host, const struct draft_field *fields, size_t field_count,
                        int64_t body_size)
{
    draft_put(draft, method);
    draft_put(draft, SPAN(" "));
    draft_put(draft, target);
    draft_put(draft, SPAN(" HTTP/1.1\r\n"));
    draft_field(draft, SPAN("Host"), host);
    for (size_t i = 0; i < field_count; i++) {
        draft_field(draft, fields[i].name, fields[i].value);
    }
    if (body_size >= 0) {
        draft_put(draft, SPAN("Content-Length: "));
        draft_number(draft, (uint64_t)body_size);
        draft_put(draft, SPAN("\r\n"));
    }
    draft_put(draft, SPAN("\r\n"));
}
