/* xml: the table of a document, paths, canonical forms of parts, the writer.  What is accepted and
 * what is refused is in tests/xml. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/xml/canonical.h"
#include "proto/xml/document.h"
#include "proto/xml/names.h"
#include "proto/xml/reader.h"
#include "proto/xml/writer.h"

static struct xml_document document;
static char canonical[LIMIT_CANONICAL_BYTES];

static void setup(void)
{
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
}

static void teardown(void)
{
    document_close(&document);
}

static enum reader_error_kind parse(const char *bytes, size_t size)
{
    struct reader_error error;
    enum fault fault = reader_parse(&document, span_of(bytes, size), NULL, &error);
    ck_assert_int_eq(fault == FAULT_NONE, error.kind == READER_ERROR_NONE);
    return error.kind;
}

static char built[LIMIT_MESSAGE_BYTES];

/* Canonical form can grow without bound where a long namespace is declared once and used often. */
START_TEST(says_full)
{
    size_t size = (size_t)sprintf(built, "<e xmlns:p='urn:");
    memset(built + size, 'x', 10000);
    size += 10000;
    size += (size_t)sprintf(built + size, "'>");
    for (unsigned i = 0; i < 100; i++) {
        size += (size_t)sprintf(built + size, "<p:a/>");
    }
    size += (size_t)sprintf(built + size, "</e>");
    ck_assert_int_eq(parse(built, size), READER_ERROR_NONE);
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical, &size),
                     FAULT_FULL);
    ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(has_no_form_of_relative_namespaces)
{
    size_t size;
    ck_assert_int_eq(parse("<a xmlns='b'/>", 14), READER_ERROR_NONE);
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical, &size),
                     FAULT_INVALID);
}
END_TEST

/* ---- the table ---- */

static struct span part(uint16_t apex, uint16_t excluded, uint16_t context_default)
{
    size_t size;
    ck_assert_int_eq(canonical_write(&document, apex, excluded, context_default, canonical,
                                     sizeof canonical, &size),
                     FAULT_NONE);
    return span_of(canonical, size);
}

/* After 2^32 messages the names of the last ones must not be taken for this one's. */
START_TEST(survives_the_last_turn)
{
    const char *declares = "<p:a xmlns:p='urn:p'/>", *does_not = "<p:a/>";
    document.names->turn = UINT32_MAX - 2;
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(parse(declares, strlen(declares)), READER_ERROR_NONE);
        ck_assert_int_eq(parse(does_not, strlen(does_not)), READER_ERROR_PREFIX);
    }
    ck_assert_uint_lt(document.names->turn, 10);
}
END_TEST

START_TEST(writes_parts)
{
    const char *message =
        "<d xmlns='urn:d' xmlns:p='urn:p'>\n<x a='1'><p:y/><z xmlns=''/></x><s/></d>";
    ck_assert_int_eq(parse(message, strlen(message)), READER_ERROR_NONE);
    uint16_t x = document_child(&document, 0, SPAN("x"));
    uint16_t s = document_child(&document, 0, SPAN("s"));
    uint16_t d_namespace = document.nodes[0].namespace;

    ck_assert(span_equal(part(x, XML_NONE, XML_NAMESPACE_NONE),
                         SPAN("<x xmlns=\"urn:d\" a=\"1\"><p:y xmlns:p=\"urn:p\"></p:y>"
                              "<z xmlns=\"\"></z></x>")));
    /* Inside our own <d xmlns="urn:d"> the apex needs no declaration, z still does. */
    ck_assert(span_equal(part(x, XML_NONE, d_namespace),
                         SPAN("<x a=\"1\"><p:y xmlns:p=\"urn:p\"></p:y><z xmlns=\"\"></z></x>")));
    ck_assert(span_equal(part(0, s, XML_NAMESPACE_NONE),
                         SPAN("<d xmlns=\"urn:d\">\n<x a=\"1\"><p:y xmlns:p=\"urn:p\"></p:y>"
                              "<z xmlns=\"\"></z></x></d>")));
    ck_assert(span_equal(part(0, x, XML_NAMESPACE_NONE), SPAN("<d xmlns=\"urn:d\">\n<s></s></d>")));
}
END_TEST

START_TEST(finds_nodes)
{
    const char *message = "<a xmlns='urn:a' k='v'> <b>1</b><c><d/></c><b> 2 </b>t<p:b "
                          "xmlns:p='urn:p'/></a>";
    ck_assert_int_eq(parse(message, strlen(message)), READER_ERROR_NONE);
    uint16_t first = document_first(&document, 0);
    ck_assert(span_equal(document_text(&document, first), SPAN("1")));
    uint16_t c = document_next(&document, first);
    ck_assert(document_is(&document, c, document_namespace(&document, SPAN("urn:a")), SPAN("c")));
    ck_assert_uint_eq(document_text(&document, c).size, 0);
    uint16_t second = document_next(&document, c);
    ck_assert(span_equal(document_text(&document, second), SPAN(" 2 ")));
    uint16_t last = document_next(&document, second);
    ck_assert(span_equal(document_namespace_name(&document, document.nodes[last].namespace),
                         SPAN("urn:p")));
    ck_assert_uint_eq(document_next(&document, last), XML_NONE);
    ck_assert_uint_eq(document_first(&document, last), XML_NONE);
    ck_assert_uint_eq(document_child(&document, 0, SPAN("nothing")), XML_NONE);
    ck_assert_uint_eq(document_child(&document, XML_NONE, SPAN("a")), XML_NONE);
    ck_assert_uint_eq(document_namespace(&document, SPAN("urn:b")), XML_NAMESPACE_ABSENT);
    const struct xml_attribute *attribute = document_attribute(&document, 0, SPAN("k"));
    ck_assert_ptr_nonnull(attribute);
    ck_assert(span_equal(span_of(attribute->value, attribute->size), SPAN("v")));
    ck_assert_ptr_null(document_attribute(&document, first, SPAN("k")));

    char path[XML_PATH_BYTES];
    document_path(&document, 0, path);
    ck_assert_str_eq(path, "/a");
    document_path(&document, second, path);
    ck_assert_str_eq(path, "/a/b[2]");
    document_path(&document, last, path);
    ck_assert_str_eq(path, "/a/b[3]");
    document_path(&document, document_first(&document, c), path);
    ck_assert_str_eq(path, "/a/c/d");
    ck_assert_uint_eq(document_path(&document, XML_NONE, path), 0);
}
END_TEST

START_TEST(cuts_paths)
{
    /* 5 names of 100 characters of two bytes each; a path has 350 characters. */
    size_t size = 0;
    for (unsigned i = 0; i < 5; i++) {
        built[size++] = '<';
        for (unsigned j = 0; j < 60; j++) {
            memcpy(built + size, "\xc3\xb1", 2);
            size += 2;
        }
        built[size++] = '>';
    }
    struct reader_error error;
    for (unsigned i = 0; i < 3; i++) { /* more of the same */
        memcpy(built + size, built, 122);
        size += 122;
    }
    ck_assert_int_eq(reader_parse(&document, span_of(built, size), NULL, &error), FAULT_INVALID);
    ck_assert_int_eq(error.kind, READER_ERROR_CUT);
    char path[XML_PATH_BYTES];
    size_t length = document_path(&document, error.node, path);
    ck_assert_uint_eq(length, 350 * 2 - 6); /* 6 slashes of one byte: 344 letters of two */
}
END_TEST

START_TEST(says_where)
{
    const char *message = "<a>\n<b>\n  <c>&x;</c></b></a>";
    struct reader_error error;
    ck_assert_int_eq(reader_parse(&document, span_text(message), NULL, &error), FAULT_INVALID);
    uint32_t line, column;
    document_position(&document, error.offset, &line, &column);
    ck_assert_uint_eq(line, 3);
    ck_assert_uint_eq(column, 6);
    char path[XML_PATH_BYTES];
    document_path(&document, error.node, path);
    ck_assert_str_eq(path, "/a/b/c");
}
END_TEST

/* ---- writer ---- */

static char written_bytes[4096];

static struct span write_all(size_t capacity)
{
    struct writer writer;
    writer_open(&writer, written_bytes, capacity);
    writer_start_namespace(&writer, SPAN("Document"), SPAN("urn:a&\"b"));
    writer_start(&writer, SPAN("Grp"));
    writer_leaf(&writer, SPAN("Nm"), SPAN("a<b>&c\"'\r\n\t\xc3\xb1"));
    writer_leaf_optional(&writer, SPAN("No"), SPAN(""));
    writer_leaf(&writer, SPAN("Empty"), SPAN(""));
    writer_start_attribute(&writer, SPAN("Amt"), SPAN("Ccy"), SPAN("M<>&\"'\r\n\tN"));
    writer_text(&writer, SPAN("1.00"));
    writer_end(&writer);
    writer_end(&writer);
    writer_start_namespace(&writer, SPAN("ds:Signature"), SPAN("urn:ds"));
    writer_raw(&writer, SPAN("<ds:Value>x</ds:Value>"));
    writer_end(&writer);
    writer_end(&writer);
    struct span written;
    enum fault fault = writer_finish(&writer, &written);
    ck_assert_int_eq(fault == FAULT_NONE, written.size > 0);
    return written;
}

START_TEST(writes_canonical)
{
    struct span written = write_all(sizeof written_bytes);
    ck_assert_uint_gt(written.size, 0);
    ck_assert_int_eq(parse(written.bytes, written.size), READER_ERROR_NONE);
    ck_assert(span_equal(part(0, XML_NONE, XML_NAMESPACE_NONE), written));
    ck_assert(span_equal(
        document_text(
            &document,
            document_child(&document, document_child(&document, 0, SPAN("Grp")), SPAN("Nm"))),
        SPAN("a<b>&c\"'\r\n\t\xc3\xb1")));
    for (size_t capacity = 0; capacity < written.size; capacity++) {
        ck_assert_uint_eq(write_all(capacity).size, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xml");
    TCase *tests = tcase_create("xml");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, says_full);
    tcase_add_test(tests, has_no_form_of_relative_namespaces);
    tcase_add_test(tests, survives_the_last_turn);
    tcase_add_test(tests, writes_parts);
    tcase_add_test(tests, finds_nodes);
    tcase_add_test(tests, cuts_paths);
    tcase_add_test(tests, says_where);
    tcase_add_test(tests, writes_canonical);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
