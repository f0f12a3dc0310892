/* multipart and media: bodies of several messages, content types and Accept, as tables. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/http/media.h"
#include "proto/http/multipart.h"
#include "proto/http/request.h"

#define XML "Content-Type: application/xml\r\n"
#define CASE(bytes, ...)                                                                           \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, __VA_ARGS__                                                      \
    }

/* All with the boundary "b". */
static const struct {
    const char *bytes;
    size_t size;
    enum multipart_verdict verdict;
    const char *expected; /* the parts, each behind a bar */
} bodies[] = {
    CASE("--b\r\n" XML "\r\none\r\n--b--", MULTIPART_GOOD, "|one"),
    CASE("--b\r\n" XML "\r\none\r\n--b--\r\n", MULTIPART_GOOD, "|one"),
    CASE("--b\r\n" XML "\r\none\r\n--b\r\n" XML "\r\ntwo\r\n--b--\r\n", MULTIPART_GOOD, "|one|two"),
    CASE("preamble\r\n--b\r\n" XML "\r\none\r\n--b--\r\nepilogue", MULTIPART_GOOD, "|one"),
    CASE("\r\n--b\r\n" XML "\r\none\r\n--b--", MULTIPART_GOOD, "|one"),
    CASE("--b \t\r\n" XML "\r\none\r\n--b-- \t\r\n", MULTIPART_GOOD, "|one"),
    CASE("--b\r\n" XML "\r\none\r\n--b-- ", MULTIPART_GOOD, "|one"),
    CASE("--b\r\ncontent-type:application/xml\r\n\r\none\r\n--b--", MULTIPART_GOOD, "|one"),
    CASE("--b\r\n" XML "X: y\r\n\r\n\r\none\r\n\r\n--b--", MULTIPART_GOOD, "|\r\none\r\n"),
    CASE("--b\r\n" XML "Content-Transfer-Encoding: 8BIT\r\n\r\none\r\n--b--", MULTIPART_GOOD,
         "|one"),
    CASE("--b\r\n" XML "Content-Transfer-Encoding: binary\r\n\r\none\r\n--b--", MULTIPART_GOOD,
         "|one"),
    CASE("--b\r\n" XML "Content-Encoding: binary\r\n\r\none\r\n--b--", MULTIPART_GOOD, "|one"),
    CASE("--b\r\nContent-Type: application/xml; charset=\"UTF-8\"\r\n\r\none\r\n--b--",
         MULTIPART_GOOD, "|one"),
    /* Folded lines are MIME's (RFC 5322, 2.2.3). */
    CASE("--b\r\nContent-Type: application/xml;\r\n charset=utf-8\r\n\r\none\r\n--b--",
         MULTIPART_GOOD, "|one"),
    CASE("--b\r\nContent-Type:\r\n\tapplication/xml \r\n ;\r\n  "
         "charset=\"utf-8\"\r\n\r\none\r\n--b--",
         MULTIPART_GOOD, "|one"),
    CASE("--b\r\n" XML "X: y\r\n \r\n z\r\nContent-Transfer-Encoding:\r\n 8bit\r\n\r\none\r\n--b--",
         MULTIPART_GOOD, "|one"),
    CASE("--b\r\n" XML " folded\r\n\r\none\r\n--b--", MULTIPART_UNSUPPORTED, ""),
    /* An empty part is a message, however its blank line is written. */
    CASE("--b\r\n" XML "\r\n\r\n--b--", MULTIPART_GOOD, "|"),
    CASE("--b\r\n" XML "\r\n--b--", MULTIPART_GOOD, "|"),
    CASE("--b\r\n" XML "\r\n--b\r\n" XML "\r\ntwo\r\n--b--", MULTIPART_GOOD, "||two"),
    /* What only begins like a delimiter is content. */
    CASE("--b\r\n" XML "\r\n--bb\r\n--b--", MULTIPART_GOOD, "|--bb"),
    CASE("--b\r\n" XML "\r\none\r\n--b2\r\n--b--", MULTIPART_GOOD, "|one\r\n--b2"),
    CASE("--b\r\n" XML "\r\none\r\n--b-\r\n--b--", MULTIPART_GOOD, "|one\r\n--b-"),
    CASE("--b\r\n" XML "\r\none\r\n--b--x\r\n--b--", MULTIPART_GOOD, "|one\r\n--b--x"),
    CASE("--b\r\n" XML "\r\none\r\n--b x\r\n--b--", MULTIPART_GOOD, "|one\r\n--b x"),
    CASE("--b\r\n" XML "\r\none\n--b\r\n--b--", MULTIPART_GOOD, "|one\n--b"),
    CASE("--b\r\n" XML "\r\none\r\n--b\n\r\n--b--", MULTIPART_GOOD, "|one\r\n--b\n"),
    CASE("--b\r\n" XML "\r\nx--b--\r\n--b--", MULTIPART_GOOD, "|x--b--"),
    CASE("--bb\r\n--b\r\n" XML "\r\none\r\n--b--", MULTIPART_GOOD, "|one"),
    CASE("--b\r\n" XML "\r\n\r\n-\r\n--\r\r\n--b--", MULTIPART_GOOD, "|\r\n-\r\n--\r"),
    /* Broken. */
    CASE("one", MULTIPART_BROKEN, ""),
    CASE("--b", MULTIPART_BROKEN, ""),
    CASE("--b\r\n", MULTIPART_BROKEN, ""),
    CASE("--b\r\n" XML "\r\none", MULTIPART_BROKEN, ""),
    CASE("--b\r\n" XML "\r\none\r\n--b\r\n", MULTIPART_BROKEN, ""),
    CASE("--b\r\n" XML "\r\none\r\n--b--x", MULTIPART_BROKEN, ""),
    CASE("--b\r\n" XML "\r\none\r\n--B--", MULTIPART_BROKEN, ""),
    CASE("--b\n" XML "\r\none\r\n--b--", MULTIPART_EMPTY, ""), /* its first line is preamble */
    CASE("--b\r\n" XML "--b--", MULTIPART_BROKEN, ""),
    CASE("--b\r\n" XML "no colon\r\n\r\none\r\n--b--", MULTIPART_BROKEN, ""),
    CASE("--b\r\n " XML "\r\none\r\n--b--", MULTIPART_BROKEN, ""),
    CASE("--b\r\n" XML " \rX: y\r\n\r\none\r\n--b--", MULTIPART_BROKEN, ""),
    CASE("--b\r\nContent-Type : application/xml\r\n\r\none\r\n--b--", MULTIPART_BROKEN, ""),
    CASE("--b\r\n" XML "\r\none\r\n--b\r\nbad\n\r\n\r\n--b--", MULTIPART_BROKEN, ""),
    CASE("--b\r\n--b--", MULTIPART_BROKEN, ""),
    CASE("--b--", MULTIPART_EMPTY, ""),
    CASE("preamble\r\n--b--\r\n", MULTIPART_EMPTY, ""),
    /* Types and encodings come before everything else. */
    CASE("--b\r\n\r\none\r\n--b--", MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\n\r\n--b--", MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\nContent-Type: text/xml\r\n\r\none\r\n--b--", MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\none\r\n--b--",
         MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\nContent-Type: application/xml; charset=latin1\r\n\r\none\r\n--b--",
         MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\n" XML XML "\r\none\r\n--b--", MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\n" XML "Content-Encoding: gzip\r\n\r\none\r\n--b--", MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\n" XML "Content-Transfer-Encoding: base64\r\n\r\none\r\n--b--",
         MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\n" XML "Content-Transfer-Encoding: 7bit\r\n\r\none\r\n--b--", MULTIPART_UNSUPPORTED,
         ""),
    CASE("--b\r\n" XML "\r\none\r\n--b\r\nContent-Type: a/b\r\n\r\ntwo", MULTIPART_UNSUPPORTED, ""),
    CASE("--b\r\nbad\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--", MULTIPART_UNSUPPORTED, ""),
};

START_TEST(bodies_are_split)
{
    struct span parts[LIMIT_PARTS];
    size_t count;
    const char *words;
    /* In memory of its own, so that the sanitizer sees a read behind it. */
    char *const copy = malloc(bodies[_i].size);
    memcpy(copy, bodies[_i].bytes, bodies[_i].size);
    enum multipart_verdict const verdict =
        multipart_split(span_of(copy, bodies[_i].size), SPAN("b"), parts, &count, &words);
    ck_assert_int_eq(verdict, bodies[_i].verdict);
    if (verdict == MULTIPART_GOOD) {
        char text[256] = "";
        for (size_t i = 0; i < count; i++) {
            size_t const size = strlen(text);
            (void)snprintf(text + size, sizeof text - size, "|%.*s", (int)parts[i].size,
                           parts[i].bytes);
        }
        ck_assert_str_eq(text, bodies[_i].expected);
    } else {
        ck_assert_str_ne(words, "");
    }
    free(copy);
}
END_TEST

static char bytes[(LIMIT_PARTS + 1) * (LIMIT_MESSAGE_BYTES + 1024)];
static char message[LIMIT_MESSAGE_BYTES + 1];

static struct span write_parts(size_t count, size_t size)
{
    struct draft draft = draft_into(bytes, sizeof bytes);
    memset(message, 'm', sizeof message);
    for (size_t i = 0; i < count; i++) {
        char id[24];
        (void)snprintf(id, sizeof id, "id-%zu", i);
        multipart_write_part(&draft, span_text(id), span_of(message, size));
        ck_assert_uint_le(draft.size, (i + 1) * (size + 5 + MULTIPART_PART_OVERHEAD_BYTES));
    }
    multipart_write_end(&draft);
    ck_assert(!draft.failed);
    return draft_span(&draft);
}

START_TEST(what_is_written_is_split)
{
    static const struct {
        size_t count, size;
        enum multipart_verdict verdict;
    } sizes[] = {
        {1, 0, MULTIPART_GOOD},
        {LIMIT_PARTS, 3, MULTIPART_GOOD},
        {LIMIT_PARTS + 1, 3, MULTIPART_TOO_LARGE},
        {1, LIMIT_MESSAGE_BYTES, MULTIPART_GOOD},
        {1, LIMIT_MESSAGE_BYTES + 1, MULTIPART_TOO_LARGE},
        {0, 0, MULTIPART_EMPTY},
    };
    struct span parts[LIMIT_PARTS], ids[LIMIT_PARTS];
    size_t count;
    const char *words;
    struct media_boundary boundary;
    ck_assert_int_eq(media_body(multipart_type(), &boundary), MEDIA_BODY_MULTIPART);
    ck_assert(span_equal(span_of(boundary.bytes, boundary.size), multipart_boundary()));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct span const body = write_parts(sizes[i].count, sizes[i].size);
        ck_assert_int_eq(
            multipart_split_answer(body, multipart_boundary(), parts, ids, &count, &words),
            sizes[i].verdict);
        if (sizes[i].verdict != MULTIPART_GOOD) continue;
        ck_assert_uint_eq(count, sizes[i].count);
        for (size_t j = 0; j < count; j++) {
            ck_assert(span_equal(parts[j], span_of(message, sizes[i].size)));
            ck_assert_int_eq(ids[j].bytes[3], (char)('0' + j));
        }
    }
}
END_TEST

START_TEST(a_delimiter_inside_a_message_fails_the_draft)
{
    struct draft draft = draft_into(bytes, sizeof bytes);
    multipart_write_part(&draft, SPAN(""), SPAN("x\n--cauce-message-boundary"));
    ck_assert(!draft.failed);
    multipart_write_part(&draft, SPAN(""), SPAN("x\r\n--cauce-message-boundary"));
    ck_assert(draft.failed);
    draft = draft_into(bytes, sizeof bytes);
    multipart_write_part(&draft, SPAN(""), SPAN("--cauce-message-boundary"));
    ck_assert(draft.failed);
}
END_TEST

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
    const char *text;
    enum media_body body;
    const char *boundary;
} types[] = {
    {"application/xml", MEDIA_BODY_XML, NULL},
    {"Application/XML", MEDIA_BODY_XML, NULL},
    {"application/xml;charset=utf-8", MEDIA_BODY_XML, NULL},
    {"application/xml ; Charset=\"Utf-8\"", MEDIA_BODY_XML, NULL},
    {"application/xml;", MEDIA_BODY_XML, NULL},
    {"application/xml; version=1.0", MEDIA_BODY_XML, NULL},
    {"application/xml; charset=us-ascii", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml; charset=iso-8859-1", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml; charset=utf-16", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml; charset=utf-8; charset=utf-8", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml; charset", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml; charset=", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml; charset = utf-8", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml charset=utf-8", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml, application/xml", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml; x=\"open", MEDIA_BODY_UNSUPPORTED, NULL},
    {"text/xml", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application/xml+x", MEDIA_BODY_UNSUPPORTED, NULL},
    {"application", MEDIA_BODY_UNSUPPORTED, NULL},
    {"/xml", MEDIA_BODY_UNSUPPORTED, NULL},
    {"", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/mixed; boundary=b", MEDIA_BODY_MULTIPART, "b"},
    {"Multipart/Mixed;BOUNDARY=\"a b\"", MEDIA_BODY_MULTIPART, "a b"},
    {"multipart/mixed; charset=latin1; boundary=b", MEDIA_BODY_MULTIPART, "b"},
    {"multipart/mixed; boundary=\"a\\b\"", MEDIA_BODY_MULTIPART, "ab"},
    {"multipart/mixed; boundary=\"=_:(b)?\"", MEDIA_BODY_MULTIPART, "=_:(b)?"},
    {"multipart/mixed; boundary=" SEVENTY, MEDIA_BODY_MULTIPART, SEVENTY},
    {"multipart/mixed; boundary=\"" SEVENTY "\"", MEDIA_BODY_MULTIPART, SEVENTY},
    {"multipart/mixed; boundary=" SEVENTY "x", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/mixed; boundary=\"\"", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/mixed; boundary=\"a \"", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/mixed; boundary=\"a;b\"", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/mixed; boundary=a; boundary=a", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/mixed; boundary=a:b", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/mixed", MEDIA_BODY_UNSUPPORTED, NULL},
    {"multipart/form-data; boundary=b", MEDIA_BODY_UNSUPPORTED, NULL},
};

START_TEST(types_are_read)
{
    struct media_boundary boundary;
    ck_assert_int_eq(media_body(span_text(types[_i].text), &boundary), types[_i].body);
    if (types[_i].boundary == NULL) return;
    ck_assert(span_equal(span_of(boundary.bytes, boundary.size), span_text(types[_i].boundary)));
}
END_TEST

/* Reads a head of these header lines; the reader keeps it. */
static const struct fields *read_fields(const char *lines)
{
    static struct request_reader reader;
    static char head[2048];
    size_t taken;
    int const size = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);
    request_begin(&reader);
    ck_assert_int_eq(request_feed(&reader, span_of(head, (size_t)size), &taken), REQUEST_HEAD);
    return &reader.request.fields;
}

static const struct {
    const char *lines;
    enum media_stream stream;
    bool json, only_json;
} accepts[] = {
    {"", MEDIA_STREAM_ONE, true, false},
    {"Accept:\r\n", MEDIA_STREAM_ONE, true, false},
    {"Accept: nonsense\r\n", MEDIA_STREAM_ONE, true, false},
    {"Accept: */*\r\n", MEDIA_STREAM_ONE, true, false},
    {"Accept: application/xml\r\n", MEDIA_STREAM_ONE, false, false},
    {"Accept: application/*\r\n", MEDIA_STREAM_ONE, true, false},
    {"Accept: application/xml, multipart/mixed\r\n", MEDIA_STREAM_MANY, false, false},
    {"Accept: multipart/*, application/xml;q=0.1\r\n", MEDIA_STREAM_MANY, false, false},
    {"Accept: multipart/mixed, */*;q=0.1\r\n", MEDIA_STREAM_MANY, true, false},
    {"Accept: application/xml\r\nAccept: multipart/mixed\r\n", MEDIA_STREAM_MANY, false, false},
    {"Accept: Multipart/Mixed\r\n", MEDIA_STREAM_MULTIPART, false, false},
    {"Accept: multipart/*\r\n", MEDIA_STREAM_MULTIPART, false, false},
    {"Accept: multipart/mixed; boundary=\"a,b\"\r\n", MEDIA_STREAM_MULTIPART, false, false},
    {"Accept: application/xml;q=0, */*\r\n", MEDIA_STREAM_MULTIPART, true, false},
    {"Accept: multipart/mixed;q=0, application/xml\r\n", MEDIA_STREAM_ONE, false, false},
    {"Accept: multipart/mixed;q=0, multipart/*, application/xml\r\n", MEDIA_STREAM_ONE, false,
     false},
    {"Accept: multipart/mixed;q=0.000, */*\r\n", MEDIA_STREAM_ONE, true, false},
    {"Accept: multipart/mixed;q=0.001, */*;q=0\r\n", MEDIA_STREAM_MULTIPART, false, false},
    {"Accept: application/xml;q=1.000\r\n", MEDIA_STREAM_ONE, false, false},
    {"Accept: application/xml;q=1.001, text/plain\r\n", MEDIA_STREAM_NEITHER, false, false},
    {"Accept: application/xml;q=x, multipart/mixed\r\n", MEDIA_STREAM_MULTIPART, false, false},
    {"Accept: */*;q=0\r\n", MEDIA_STREAM_NEITHER, false, false},
    {"Accept: text/xml\r\n", MEDIA_STREAM_NEITHER, false, false},
    {"Accept: text/html, application/json\r\n", MEDIA_STREAM_NEITHER, true, false},
    {"Accept: multipart/form-data\r\n", MEDIA_STREAM_NEITHER, false, false},
    {"Accept: application/problem+json\r\n", MEDIA_STREAM_NEITHER, false, true},
    {"Accept: application/json\r\n", MEDIA_STREAM_NEITHER, true, true},
    {"Accept: application/problem+json, application/json;q=0.5\r\n", MEDIA_STREAM_NEITHER, true,
     true},
    {"Accept: application/problem+json, application/xml;q=0\r\n", MEDIA_STREAM_NEITHER, false,
     true},
    {"Accept: application/problem+json, application/xml\r\n", MEDIA_STREAM_ONE, false, false},
    {"Accept: application/problem+json;q=0\r\n", MEDIA_STREAM_NEITHER, false, false},
    {"Accept: application/problem+xml\r\n", MEDIA_STREAM_NEITHER, false, false},
};

START_TEST(accept_is_negotiated)
{
    struct media_accept accept;
    media_accept_of(read_fields(accepts[_i].lines), &accept);
    ck_assert_int_eq(media_stream_of(&accept), accepts[_i].stream);
    ck_assert_int_eq(accept.json, accepts[_i].json);
    ck_assert_int_eq(accept.only_json, accepts[_i].only_json);
}
END_TEST

static const struct {
    const char *lines;
    enum media_encoding encoding;
    enum media_body body;
} bodies_of[] = {
    {"", MEDIA_ENCODING_NONE, MEDIA_BODY_UNSUPPORTED},
    {"Content-Encoding: gzip\r\n" XML, MEDIA_ENCODING_GZIP, MEDIA_BODY_XML},
    {"Content-Encoding: GZip\r\n" XML XML, MEDIA_ENCODING_GZIP, MEDIA_BODY_UNSUPPORTED},
    {"Content-Encoding: gzip, gzip\r\n", MEDIA_ENCODING_UNSUPPORTED, MEDIA_BODY_UNSUPPORTED},
    {"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", MEDIA_ENCODING_UNSUPPORTED,
     MEDIA_BODY_UNSUPPORTED},
    {"Content-Encoding: deflate\r\n", MEDIA_ENCODING_UNSUPPORTED, MEDIA_BODY_UNSUPPORTED},
    {"Content-Encoding: identity\r\n", MEDIA_ENCODING_UNSUPPORTED, MEDIA_BODY_UNSUPPORTED},
    {"Content-Encoding: x-gzip\r\n", MEDIA_ENCODING_UNSUPPORTED, MEDIA_BODY_UNSUPPORTED},
    {"Content-Encoding:\r\n", MEDIA_ENCODING_UNSUPPORTED, MEDIA_BODY_UNSUPPORTED},
};

START_TEST(encodings_are_read)
{
    struct media_boundary boundary;
    const struct fields *const fields = read_fields(bodies_of[_i].lines);
    ck_assert_int_eq(media_encoding_of(fields), bodies_of[_i].encoding);
    ck_assert_int_eq(media_body_of(fields, &boundary), bodies_of[_i].body);
}
END_TEST

#define COUNT(table) (int)(sizeof table / sizeof table[0])

int main(void)
{
    Suite *const suite = suite_create("multipart");
    TCase *const cases = tcase_create("multipart");
    tcase_add_loop_test(cases, bodies_are_split, 0, COUNT(bodies));
    tcase_add_test(cases, what_is_written_is_split);
    tcase_add_test(cases, a_delimiter_inside_a_message_fails_the_draft);
    tcase_add_loop_test(cases, types_are_read, 0, COUNT(types));
    tcase_add_loop_test(cases, accept_is_negotiated, 0, COUNT(accepts));
    tcase_add_loop_test(cases, encodings_are_read, 0, COUNT(bodies_of));
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
