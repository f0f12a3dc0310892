/* xml: accepted spellings with their canonical form, refused ones with the reason, bounds,
 * paths. */
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

/* A spelling, and the canonical form of the whole. */
static const struct {
    const char *message;
    const char *canonical;
} accepted[] = {
    {"<a/>", "<a></a>"},
    {"\xef\xbb\xbf<a/>", "<a></a>"},
    {"<?xml version=\"1.0\"?><a/>", "<a></a>"},
    {"<?xml version='1.0' encoding='utf-8'?>\r\n<a/>\r\n", "<a></a>"},
    {"<?xml \t version = \"1.0\" \n encoding = \"Utf-8\" standalone = 'no' ?> <a/> ", "<a></a>"},
    {"<?xml version=\"1.0\" standalone=\"yes\"?><a/>", "<a></a>"},
    {"<a ></a\n>", "<a></a>"},
    {"<a><b/>\n <c>x</c>\r\n</a>", "<a><b></b>\n <c>x</c>\n</a>"},
    {"<a>x\ry\r\nz&#13;&#x0D;</a>", "<a>x\ny\nz&#xD;&#xD;</a>"},
    {"<a>&lt;&gt;&amp;&apos;&quot;</a>", "<a>&lt;&gt;&amp;'\"</a>"},
    {"<a>&#65;&#x42;&#xe9;&#x20AC;&#x1F600;</a>", "<a>AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80</a>"},
    {"<a>]] ]>&#93;&#93;>]&#93;></a>", "<a>]] ]&gt;]]&gt;]]&gt;</a>"},
    {"<a>\r\nx]></a>", "<a>\nx]&gt;</a>"},
    {"<a>\x7f</a>", "<a>\x7f</a>"},
    {"<a b='1' a=\"2\"/>", "<a a=\"2\" b=\"1\"></a>"},
    {"<a b = '\"' c=\"'\"/>", "<a b=\"&quot;\" c=\"'\"></a>"},
    {"<a b=' x\ty\r\nz\rw&#9;&#10;&#13;&lt;>'/>", "<a b=\" x y z w&#x9;&#xA;&#xD;&lt;>\"></a>"},
    {"<a xmlns='urn:d'><b xmlns='urn:d'/></a>", "<a xmlns=\"urn:d\"><b></b></a>"},
    {"<a xmlns='urn:d'><b xmlns=''><c/></b><d/></a>",
     "<a xmlns=\"urn:d\"><b xmlns=\"\"><c></c></b><d></d></a>"},
    {"<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b/><p:c><p:d/></p:c></a>",
     "<a><p:b xmlns:p=\"urn:p\"></p:b><p:c xmlns:p=\"urn:p\"><p:d></p:d></p:c></a>"},
    {"<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2'><p:c/></p:b><p:d/></p:a>",
     "<p:a xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\"><p:c></p:c></p:b><p:d></p:d></p:a>"},
    {"<a xmlns:z='urn:1' xmlns:b='urn:2' z:x='1' b:y='2' n='0'/>",
     "<a xmlns:b=\"urn:2\" xmlns:z=\"urn:1\" n=\"0\" z:x=\"1\" b:y=\"2\"></a>"},
    {"<z:a xmlns:z='urn:1' xmlns:b='urn:1' b:x='1' z:y='2'/>",
     "<z:a xmlns:b=\"urn:1\" xmlns:z=\"urn:1\" b:x=\"1\" z:y=\"2\"></z:a>"},
    {"<a xml:lang='es' xml:space='preserve'> </a>",
     "<a xml:lang=\"es\" xml:space=\"preserve\"> </a>"},
    {"<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:id='i'/>", "<a xml:id=\"i\"></a>"},
    {"<\xc3\xb1o x\xc2\xb7='1'/>", "<\xc3\xb1o x\xc2\xb7=\"1\"></\xc3\xb1o>"},
    {"<a.-_1/>", "<a.-_1></a.-_1>"},
    {"<a xmlns='urn:&amp;&quot;'/>", "<a xmlns=\"urn:&amp;&quot;\"></a>"},
    {"<a xmlns:p='urn:1'><b xmlns:p='urn:2' p:x=''/><p:c/></a>",
     "<a><b xmlns:p=\"urn:2\" p:x=\"\"></b><p:c xmlns:p=\"urn:1\"></p:c></a>"},
};

START_TEST(accepts)
{
    ck_assert_int_eq(parse(accepted[_i].message, strlen(accepted[_i].message)), READER_ERROR_NONE);
    size_t size;
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical - 1, &size),
                     FAULT_NONE);
    canonical[size] = '\0';
    ck_assert_str_eq(canonical, accepted[_i].canonical);

    /* What is canonical stays as it is. */
    char *again = strdup(canonical);
    ck_assert_int_eq(parse(again, size), READER_ERROR_NONE);
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical - 1, &size),
                     FAULT_NONE);
    ck_assert_uint_eq(size, strlen(again));
    ck_assert_int_eq(memcmp(canonical, again, size), 0);
    free(again);
}
END_TEST

#define REFUSED(text, kind)                                                                        \
    {                                                                                              \
        text, sizeof(text) - 1, READER_ERROR_##kind                                                \
    }
static const struct {
    const char *message;
    size_t size;
    enum reader_error_kind kind;
} refused[] = {
    REFUSED("", EMPTY),
    REFUSED(" \r\n\t", EMPTY),
    REFUSED("\xef\xbb\xbf", EMPTY),
    REFUSED("x", OUTSIDE),
    REFUSED("x<a/>", OUTSIDE),
    REFUSED("\xef\xbb<a/>", ENCODING),
    REFUSED("\xff\xfe<\0a\0/\0>\0", ENCODING),
    REFUSED("<\0a\0/\0>\0", CHARACTER),
    REFUSED("<a>\0</a>", CHARACTER),
    REFUSED("<a>\x01</a>", CHARACTER),
    REFUSED("<a>\x0b</a>", CHARACTER),
    REFUSED("<a>\x1f</a>", CHARACTER),
    REFUSED("<a>\xc0\xaf</a>", ENCODING),
    REFUSED("<a>\xc1\xbf</a>", ENCODING),
    REFUSED("<a>\xe0\x9f\xbf</a>", ENCODING),
    REFUSED("<a>\xf0\x8f\xbf\xbf</a>", ENCODING),
    REFUSED("<a>\xed\xa0\x80</a>", ENCODING),
    REFUSED("<a>\xf4\x90\x80\x80</a>", ENCODING),
    REFUSED("<a>\xf8\x88\x80\x80\x80</a>", ENCODING),
    REFUSED("<a>\x80</a>", ENCODING),
    REFUSED("<a>\xe2\x82</a>", ENCODING),
    REFUSED("<a/>\xe2", ENCODING),
    REFUSED("<a>\xef\xbf\xbe</a>", CHARACTER),
    REFUSED("<a>\xef\xbf\xbf</a>", CHARACTER),
    REFUSED("<?xml version='1.1'?><a/>", DECLARATION),
    REFUSED("<?xml version='1.0.0'?><a/>", DECLARATION),
    REFUSED("<?xml encoding='UTF-8'?><a/>", DECLARATION),
    REFUSED("<?xml version='1.0' encoding='UTF-8'>", DECLARATION),
    REFUSED("<?xml version='1.0\" ?><a/>", DECLARATION),
    REFUSED("<?xml version='1.0'encoding='UTF-8'?><a/>", DECLARATION),
    REFUSED("<?xml version='1.0' standalone='maybe'?><a/>", DECLARATION),
    REFUSED("<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>", DECLARATION),
    REFUSED("<?xml version='1.0' encoding='UTF-16'?><a/>", ENCODING),
    REFUSED("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", ENCODING),
    REFUSED("<?xml version='1.0' encoding='UTF8'?><a/>", ENCODING),
    REFUSED(" <?xml version='1.0'?><a/>", INSTRUCTION),
    REFUSED("<?XML version='1.0'?><a/>", INSTRUCTION),
    REFUSED("<?xml-stylesheet href='a'?><a/>", INSTRUCTION),
    REFUSED("<?xml version='1.0'?><?xml version='1.0'?><a/>", INSTRUCTION),
    REFUSED("<a><?p?></a>", INSTRUCTION),
    REFUSED("<a/><?p?>", INSTRUCTION),
    REFUSED("<!DOCTYPE a><a/>", DTD),
    REFUSED("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", DTD),
    REFUSED("<a><!DOCTYPE a></a>", DTD),
    REFUSED("<!-- c --><a/>", COMMENT),
    REFUSED("<a><!-- c --></a>", COMMENT),
    REFUSED("<a/><!-- c -->", COMMENT),
    REFUSED("<a><![CDATA[x]]></a>", CDATA),
    REFUSED("<a><!x></a>", MARKUP),
    REFUSED("<a>&e;</a>", REFERENCE),
    REFUSED("<a>&</a>", REFERENCE),
    REFUSED("<a>&amp</a>", REFERENCE),
    REFUSED("<a>& amp;</a>", REFERENCE),
    REFUSED("<a>&#;</a>", REFERENCE),
    REFUSED("<a>&#x;</a>", REFERENCE),
    REFUSED("<a>&#0;</a>", REFERENCE),
    REFUSED("<a>&#1;</a>", REFERENCE),
    REFUSED("<a>&#X41;</a>", REFERENCE),
    REFUSED("<a>&#xD800;</a>", REFERENCE),
    REFUSED("<a>&#xFFFE;</a>", REFERENCE),
    REFUSED("<a>&#x110000;</a>", REFERENCE),
    REFUSED("<a>&#99999999999999999999;</a>", REFERENCE),
    REFUSED("<a>&#65</a>", REFERENCE),
    REFUSED("<a b='&e;'/>", REFERENCE),
    REFUSED("<a>]]></a>", BRACKETS),
    REFUSED("<a>]]]></a>", BRACKETS),
    REFUSED("<a>&lt;]]></a>", BRACKETS),
    REFUSED("<a>\r\n]]></a>", BRACKETS),
    REFUSED("<a>>]]></a>", BRACKETS),
    REFUSED("<a", CUT),
    REFUSED("<a>", CUT),
    REFUSED("<a>x", CUT),
    REFUSED("<a b", ATTRIBUTE),
    REFUSED("<a b='", CUT),
    REFUSED("<a b='x", CUT),
    REFUSED("<a></a", END_TAG),
    REFUSED("<a></", END_TAG),
    REFUSED("<a></b>", END_TAG),
    REFUSED("<a></ab>", END_TAG),
    REFUSED("<a></ a>", END_TAG),
    REFUSED("<a></a b='1'>", END_TAG),
    REFUSED("<a><b></a></b>", END_TAG),
    REFUSED("<a xmlns:p='urn:1' xmlns:q='urn:1'><p:b></q:b></a>", END_TAG),
    REFUSED("<", NAME),
    REFUSED("<>", NAME),
    REFUSED("< a/>", NAME),
    REFUSED("<1/>", NAME),
    REFUSED("<-a/>", NAME),
    REFUSED("</a>", NAME),
    REFUSED("<:a/>", NAME),
    REFUSED("<a:/>", NAME),
    REFUSED("<a><p:b xmlns:p:q='urn:1'/></a>", ATTRIBUTE),
    REFUSED("<a:b:c xmlns:a='urn:1'/>", MARKUP),
    REFUSED("<\xc2\xb7/>", NAME),
    REFUSED("<\xc3\x97/>", NAME),
    REFUSED("<a/ >", MARKUP),
    REFUSED("<a b='1'c='2'/>", MARKUP),
    REFUSED("<a b/>", ATTRIBUTE),
    REFUSED("<a b=1/>", ATTRIBUTE),
    REFUSED("<a b='<'/>", ATTRIBUTE),
    REFUSED("<a ='1'/>", NAME),
    REFUSED("<a b='1' b='2'/>", ATTRIBUTE_TWICE),
    REFUSED("<a xmlns='urn:1' xmlns='urn:2'/>", ATTRIBUTE_TWICE),
    REFUSED("<a xmlns:p='urn:1' xmlns:p='urn:1'/>", ATTRIBUTE_TWICE),
    REFUSED("<a xmlns:p='urn:1' xmlns:q='urn:1' p:x='1' q:x='2'/>", ATTRIBUTE_TWICE),
    REFUSED("<p:a/>", PREFIX),
    REFUSED("<a p:b='1'/>", PREFIX),
    REFUSED("<a><b xmlns:p='urn:1'/><p:c/></a>", PREFIX),
    REFUSED("<xmlns:a/>", PREFIX),
    REFUSED("<a xmlns:p=''/>", NAMESPACE),
    REFUSED("<a xmlns:xmlns='urn:1'/>", NAMESPACE),
    REFUSED("<a xmlns:xml='urn:1'/>", NAMESPACE),
    REFUSED("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", NAMESPACE),
    REFUSED("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", NAMESPACE),
    REFUSED("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", NAMESPACE),
    REFUSED("<a xmlns='http://www.w3.org/2000/xmlns/'/>", NAMESPACE),
    REFUSED("<a/><b/>", AFTER_ROOT),
    REFUSED("<a/>x", AFTER_ROOT),
    REFUSED("<a/>&#32;", AFTER_ROOT),
    REFUSED("<a/></a>", AFTER_ROOT),
};

START_TEST(refuses)
{
    enum reader_error_kind kind = parse(refused[_i].message, refused[_i].size);
    ck_assert_msg(kind == refused[_i].kind, "%s: '%s' instead of '%s'", refused[_i].message,
                  reader_words(kind), reader_words(refused[_i].kind));
}
END_TEST

/* Cut at each byte: a part of a message is never a message. */
START_TEST(refuses_every_cut)
{
    const char *whole = accepted[_i].message;
    size_t end = strlen(whole);
    while (whole[end - 1] != '>') {
        end -= 1;
    }
    for (size_t size = 0; size < end; size++) {
        ck_assert_int_ne(parse(whole, size), READER_ERROR_NONE);
    }
}
END_TEST

/* ---- bounds: at the bound accepted, one above refused ---- */

static char built[LIMIT_MESSAGE_BYTES + 2];

static size_t build_depth(unsigned depth)
{
    size_t size = 0;
    for (unsigned i = 0; i < depth; i++) {
        size += (size_t)sprintf(built + size, "<e>");
    }
    for (unsigned i = 0; i < depth; i++) {
        size += (size_t)sprintf(built + size, "</e>");
    }
    return size;
}

static size_t build_attributes(unsigned attributes, unsigned declarations)
{
    size_t size = (size_t)sprintf(built, "<e");
    for (unsigned i = 0; i < attributes; i++) {
        size += (size_t)sprintf(built + size, " a%u=''", i);
    }
    for (unsigned i = 0; i < declarations; i++) {
        size += (size_t)sprintf(built + size, " xmlns:p%u='urn:x'", i);
    }
    return size + (size_t)sprintf(built + size, "/>");
}

static size_t build_name(unsigned bytes)
{
    built[0] = '<';
    memset(built + 1, 'n', bytes);
    memcpy(built + 1 + bytes, "/>", 2);
    return bytes + 3;
}

static size_t build_text(size_t message_bytes)
{
    memset(built, 'x', message_bytes);
    memcpy(built, "<e>", 3);
    memcpy(built + message_bytes - 4, "</e>", 4);
    return message_bytes;
}

START_TEST(holds_bounds)
{
    ck_assert_int_eq(parse(built, build_depth(LIMIT_XML_DEPTH)), READER_ERROR_NONE);
    ck_assert_int_eq(parse(built, build_depth(LIMIT_XML_DEPTH + 1)), READER_ERROR_DEPTH);
    ck_assert_int_eq(parse(built, build_attributes(32, 0)), READER_ERROR_NONE);
    ck_assert_int_eq(parse(built, build_attributes(16, 16)), READER_ERROR_NONE);
    ck_assert_int_eq(parse(built, build_attributes(0, 32)), READER_ERROR_NONE);
    ck_assert_int_eq(parse(built, build_attributes(33, 0)), READER_ERROR_ATTRIBUTES_MANY);
    ck_assert_int_eq(parse(built, build_attributes(16, 17)), READER_ERROR_ATTRIBUTES_MANY);
    ck_assert_int_eq(parse(built, build_attributes(0, 33)), READER_ERROR_ATTRIBUTES_MANY);
    ck_assert_int_eq(parse(built, build_name(LIMIT_XML_NAME_BYTES)), READER_ERROR_NONE);
    ck_assert_int_eq(parse(built, build_name(LIMIT_XML_NAME_BYTES + 1)), READER_ERROR_NAME_LONG);
    ck_assert_int_eq(parse(built, build_text(LIMIT_MESSAGE_BYTES)), READER_ERROR_NONE);
    ck_assert_int_eq(parse(built, build_text(LIMIT_MESSAGE_BYTES + 1)), READER_ERROR_TOO_LONG);
}
END_TEST

/* The messages that fill a table of the document the most: none may pass its end. */
static size_t build_dense(unsigned form)
{
    size_t size = (size_t)sprintf(built, "<e>");
    for (unsigned i = 0; size + 40 < LIMIT_MESSAGE_BYTES; i++) {
        switch (form) {
        case 0: size += (size_t)sprintf(built + size, "x<a/>"); break;
        case 1: size += (size_t)sprintf(built + size, "<a/>"); break;
        case 2:
            size += (size_t)sprintf(built + size, "<a");
            for (char name = 'a'; name < 'a' + 26 && size + 40 < LIMIT_MESSAGE_BYTES; name++) {
                size += (size_t)sprintf(built + size, " %c=''", name);
            }
            size += (size_t)sprintf(built + size, "/>");
            break;
        case 3: size += (size_t)sprintf(built + size, "<a xmlns:p%x='u:%x'/>", i, i); break;
        case 4: size += (size_t)sprintf(built + size, ">"); break;
        case 5: size += (size_t)sprintf(built + size, "&#13;"); break;
        }
    }
    return size + (size_t)sprintf(built + size, "</e>");
}

START_TEST(takes_dense_messages)
{
    ck_assert_int_eq(parse(built, build_dense((unsigned)_i)), READER_ERROR_NONE);
    size_t size;
    ck_assert_int_eq(canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, canonical,
                                     sizeof canonical, &size),
                     FAULT_NONE);
}
END_TEST

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

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *suite = suite_create("xml");
    TCase *tests = tcase_create("xml");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(tests, refuses, 0, COUNT(refused));
    tcase_add_loop_test(tests, refuses_every_cut, 0, COUNT(accepted));
    tcase_add_test(tests, holds_bounds);
    tcase_add_loop_test(tests, takes_dense_messages, 0, 6);
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
