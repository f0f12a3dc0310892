/* xml_oracle: the reader and the canonical form against libxml2, on random documents.
 *
 * Documents are made by a seeded generator from everything that the dialect has; half of them are
 * then damaged.  The two must agree on whether a document is well-formed, unless the dialect is
 * stricter by design or is one of the differences that proto/xml/README.md lists; where both accept
 * it, Exclusive C14N of the whole, of one element, and of the whole without that element must be
 * the same bytes. */
#include <check.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/xml/canonical.h"
#include "proto/xml/document.h"
#include "proto/xml/names.h"
#include "proto/xml/reader.h"
#include "tests/xml/table.h"

#define ROUNDS 6000

static uint64_t state;

/* xorshift64*: the same documents in every run. */
static unsigned draw(unsigned below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* ---- the generator ---- */

static char made[LIMIT_MESSAGE_BYTES];
static size_t made_size;

static void add(const char *text)
{
    size_t size = strlen(text);
    ck_assert_uint_lt(made_size + size, sizeof made);
    memcpy(made + made_size, text, size);
    made_size += size;
}

static void add_one_of(const char *const *texts, unsigned count)
{
    add(texts[draw(count)]);
}

#define ADD_ONE_OF(...)                                                                            \
    do {                                                                                           \
        static const char *const texts[] = {__VA_ARGS__};                                          \
        add_one_of(texts, sizeof texts / sizeof *texts);                                           \
    } while (0)

static const char *const prefixes[] = {"p", "q", "ds", "a1", "xml", "z-z", "\xc3\xb1"};
#define PREFIXES (sizeof prefixes / sizeof *prefixes)

static void add_space(void)
{
    if (draw(4) == 0) ADD_ONE_OF(" ", "\n", "\t", "\r\n", "  ", "\r");
}

static void add_uri(void)
{
    ADD_ONE_OF("urn:1", "urn:2", "urn:3", "http://www.w3.org/2000/09/xmldsig#", "urn:1",
               "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08", "urn:x?y=%20z");
}

static void add_value(char quote)
{
    for (unsigned i = draw(4); i > 0; i--) {
        if (draw(8) == 0) add(quote == '"' ? "'" : "\"");
        ADD_ONE_OF("v", " ", "\t", "\n", "\r\n", "\r", "&lt;", "&amp;", "&quot;", "&apos;", "&gt;",
                   ">", "&#9;", "&#10;", "&#13;", "&#x20;", "\xc3\xa9", "&#xe9;", "]]>",
                   "\xf0\x9f\x98\x80");
    }
}

static void add_text(void)
{
    for (unsigned i = draw(4); i > 0; i--) {
        ADD_ONE_OF("text", " ", "\n", "\r\n", "\r", "\t", "&lt;", "&gt;", "&amp;", "&quot;",
                   "&apos;", "&#13;", "&#xA;", "&#x1F600;", "\xe2\x82\xac", "]", "]]", "\"", "'",
                   "&#60;", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "&#x85;", "0", "=", "/");
    }
}

static void add_attribute(const char *name, bool is_uri)
{
    ADD_ONE_OF(" ", "\n", "\r\n\t", "  ");
    add(name);
    add_space();
    add("=");
    add_space();
    char quote = draw(2) == 0 ? '"' : '\'';
    add(quote == '"' ? "\"" : "'");
    if (is_uri) {
        add_uri();
    } else {
        add_value(quote);
    }
    add(quote == '"' ? "\"" : "'");
}

/* An element; `bound` has a bit per prefix that is declared here, mostly kept to. */
static void add_element(unsigned depth, unsigned bound)
{
    static const char *const locals[] = {"a", "b", "Document", "x-y", "_", "c.1", "\xc3\x91u"};
    unsigned declared = draw(3) == 0 ? draw(1u << PREFIXES) & draw(1u << PREFIXES) & ~0x10u : 0;
    bool default_namespace = draw(4) == 0;
    bound |= declared | 0x10; /* xml is always bound */

    char name[64];
    const char *local = locals[draw(sizeof locals / sizeof *locals)];
    unsigned prefix = draw(PREFIXES + 4);
    bool prefixed = prefix < PREFIXES && (bound >> prefix & 1) != 0 && prefix != 4;
    snprintf(name, sizeof name, "%s%s%s", prefixed ? prefixes[prefix] : "", prefixed ? ":" : "",
             local);
    add("<");
    add(name);

    unsigned order = draw(2);
    for (unsigned turn = 0; turn < 2; turn++) {
        if (turn == order) {
            for (unsigned i = 0; i < PREFIXES; i++) {
                if ((declared >> i & 1) == 0) continue;
                char declaration[64];
                snprintf(declaration, sizeof declaration, "xmlns:%s", prefixes[i]);
                add_attribute(declaration, true);
            }
            if (default_namespace && draw(3) == 0) {
                add(" xmlns=''");
            } else if (default_namespace) {
                add_attribute("xmlns", true);
            }
        } else {
            unsigned offset = draw(7);
            for (unsigned i = draw(4); i > 0; i--) {
                char attribute[64];
                unsigned own = draw(PREFIXES + 3);
                bool has_prefix = own < PREFIXES && (bound >> own & 1) != 0;
                snprintf(attribute, sizeof attribute, "%s%s%s", has_prefix ? prefixes[own] : "",
                         has_prefix ? ":" : "", locals[(offset + i) % 7]);
                add_attribute(attribute, false);
            }
        }
    }
    add_space();
    if (draw(4) == 0) {
        add("/>");
        return;
    }
    add(">");
    for (unsigned i = draw(depth > 4 ? 1 : 4); i > 0; i--) {
        add_text();
        add_element(depth + 1, bound);
    }
    add_text();
    add("</");
    add(name);
    add_space();
    add(">");
}

static void damage(void)
{
    static const char marks[] = "<>&;\"'=/:]! \r\n?x#\xc3\x80\0-[";
    for (unsigned i = 1 + draw(2); i > 0; i--) {
        size_t at = draw((unsigned)made_size);
        switch (draw(3)) {
        case 0: made[at] = marks[draw(sizeof marks - 1)]; break;
        case 1:
            memmove(made + at, made + at + 1, made_size - at - 1);
            made_size -= made_size > 1;
            break;
        case 2:
            memmove(made + at + 1, made + at, made_size - at);
            made[at] = marks[draw(sizeof marks - 1)];
            made_size += 1;
            break;
        }
    }
}

static void make(unsigned round)
{
    state = UINT64_C(0x9e3779b97f4a7c15) * (round + 1);
    made_size = 0;
    if (draw(8) == 0) add("\xef\xbb\xbf");
    if (draw(3) == 0) {
        ADD_ONE_OF("<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
                   "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\r\n",
                   "<?xml\tversion = '1.0' standalone=\"no\"?>");
    }
    add_space();
    add_element(0, 0);
    add_space();
    if (draw(2) == 0) damage();
}

/* ---- the comparison ---- */

static struct xml_document document;
static char ours[LIMIT_CANONICAL_BYTES];

/* Namespace errors of libxml2 but for "not a valid URI": it judges URIs, we take any text there. */
static unsigned namespace_errors;
static unsigned uri_errors;

static void count_error(void *context, xmlErrorPtr error)
{
    (void)context;
    uri_errors += error->code == XML_WAR_NS_URI;
    namespace_errors += error->domain == XML_FROM_NAMESPACE && error->level > XML_ERR_WARNING &&
                        error->code != XML_WAR_NS_URI;
}

/* libxml2's tree, NULL when it is not well-formed with namespaces. */
static xmlDocPtr oracle_parse(void)
{
    namespace_errors = 0;
    uri_errors = 0;
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    xmlDocPtr tree = xmlCtxtReadMemory(parser, made, (int)made_size, NULL, NULL, XML_PARSE_NONET);
    if (tree != NULL && (!parser->wellFormed || namespace_errors > 0)) {
        xmlFreeDoc(tree);
        tree = NULL;
    }
    xmlFreeParserCtxt(parser);
    return tree;
}

/* What the dialect refuses although XML allows it, or what only a bound refuses. */
static bool is_stricter(enum reader_error_kind kind)
{
    switch (kind) {
    case READER_ERROR_TOO_LONG:
    case READER_ERROR_ENCODING:
    case READER_ERROR_DECLARATION:
    case READER_ERROR_DTD:
    case READER_ERROR_COMMENT:
    case READER_ERROR_INSTRUCTION:
    case READER_ERROR_CDATA:
    case READER_ERROR_NAME_LONG:
    case READER_ERROR_ATTRIBUTES_MANY:
    case READER_ERROR_DEPTH: return true;
    case READER_ERROR_NONE:
    case READER_ERROR_EMPTY:
    case READER_ERROR_CHARACTER:
    case READER_ERROR_MARKUP:
    case READER_ERROR_NAME:
    case READER_ERROR_ATTRIBUTE:
    case READER_ERROR_ATTRIBUTE_TWICE:
    case READER_ERROR_PREFIX:
    case READER_ERROR_NAMESPACE:
    case READER_ERROR_REFERENCE:
    case READER_ERROR_BRACKETS:
    case READER_ERROR_END_TAG:
    case READER_ERROR_OUTSIDE:
    case READER_ERROR_AFTER_ROOT:
    case READER_ERROR_CUT: return false;
    }
    return false;
}

/* A message of check may not be long. */
static size_t shown(size_t size)
{
    return size < 1000 ? size : 1000;
}

struct part {
    xmlNodePtr apex;
    xmlNodePtr excluded;
};

static bool is_below(xmlNodePtr node, xmlNodePtr ancestor)
{
    while (node != NULL && node != ancestor) {
        node = node->parent;
    }
    return node != NULL;
}

static int is_visible(void *context, xmlNodePtr node, xmlNodePtr parent)
{
    const struct part *part = context;
    bool attached = node->type == XML_NAMESPACE_DECL || node->type == XML_ATTRIBUTE_NODE;
    xmlNodePtr element = attached ? parent : node;
    if (part->excluded != NULL && is_below(element, part->excluded)) return 0;
    return is_below(element, part->apex);
}

static xmlNodePtr next_element(xmlNodePtr node, xmlNodePtr root)
{
    do {
        if (node->children != NULL) {
            node = node->children;
        } else {
            while (node != root && node->next == NULL) {
                node = node->parent;
            }
            if (node == root) return NULL;
            node = node->next;
        }
    } while (node->type != XML_ELEMENT_NODE);
    return node;
}

static void compare(unsigned round, xmlDocPtr tree, struct part part, uint16_t apex,
                    uint16_t excluded)
{
    size_t size;
    ck_assert_int_eq(
        canonical_write(&document, apex, excluded, XML_NAMESPACE_NONE, ours, sizeof ours, &size),
        FAULT_NONE);
    xmlOutputBufferPtr buffer = xmlAllocOutputBuffer(NULL);
    ck_assert_int_ge(
        xmlC14NExecute(tree, is_visible, &part, XML_C14N_EXCLUSIVE_1_0, NULL, 0, buffer), 0);
    struct span theirs = span_of(xmlOutputBufferGetContent(buffer), xmlOutputBufferGetSize(buffer));
    ck_assert_msg(span_equal(theirs, span_of(ours, size)),
                  "round %u:\n%.*s\nours:\n%.*s\ntheirs:\n%.*s", round, (int)shown(made_size), made,
                  (int)shown(size), ours, (int)shown(theirs.size), theirs.bytes);
    xmlOutputBufferClose(buffer);
}

/* libxml2 writes "&" in a namespace name as "&#38;", and lets "<" and quotes stand. */
static bool has_plain_namespaces(void)
{
    for (uint32_t i = 0; i < document.names->count; i++) {
        for (size_t j = 0; j < document.names->texts[i].size; j++) {
            if (strchr("&<\"\t\n\r", document.names->texts[i].bytes[j]) != NULL) return false;
        }
    }
    return true;
}

static unsigned accepted_count;

static void compare_round(unsigned round)
{
    struct reader_error error;
    bool good = reader_parse(&document, span_of(made, made_size), NULL, &error) == FAULT_NONE;
    xmlDocPtr tree = oracle_parse();
    if (!good) {
        ck_assert_msg(tree == NULL || is_stricter(error.kind),
                      "round %u: libxml2 takes, we say %s:\n%.*s", round, reader_words(error.kind),
                      (int)shown(made_size), made);
        if (tree != NULL) xmlFreeDoc(tree);
        return;
    }
    ck_assert_msg(tree != NULL, "round %u: we take, libxml2 does not:\n%.*s", round,
                  (int)shown(made_size), made);
    accepted_count += 1;
    /* Of invalid and relative URIs libxml2 has no canonical form. */
    if (!document.relative_namespace && uri_errors == 0 && has_plain_namespaces()) {
        xmlNodePtr root = xmlDocGetRootElement(tree), other = root;
        uint16_t node = 0;
        for (unsigned steps = draw(12); steps > 0; steps--) {
            xmlNodePtr next = next_element(other, root);
            if (next == NULL) break;
            other = next;
            do {
                node += 1;
            } while (document.nodes[node].kind != XML_ELEMENT);
        }
        compare(round, tree, (struct part){root, NULL}, 0, XML_NONE);
        compare(round, tree, (struct part){other, NULL}, node, XML_NONE);
        if (node > 0) compare(round, tree, (struct part){root, other}, 0, node);
    }
    xmlFreeDoc(tree);
}

START_TEST(agrees_on_random_documents)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        make(round);
        compare_round(round);
    }
    ck_assert_uint_gt(accepted_count, ROUNDS / 3);
}
END_TEST

/* What stands in tests/xml and is seen alike: xml_corpus_test compares the whole, here are parts. */
static struct table table;

#define PART_BYTES_MAX 4096 /* of longer documents, parts are more of the same */

START_TEST(agrees_on_parts_of_the_corpus)
{
    unsigned compared = 0;
    for (size_t i = 0; i < table.count; i++) {
        const struct table_case *one = &table.cases[i];
        if (one->difference != NULL || strcmp(one->verdict, "ok") != 0 ||
            !table_expand(one->document, made, PART_BYTES_MAX, &made_size)) {
            continue;
        }
        for (unsigned turn = 0; turn < 4; turn++) {
            state = turn + 1;
            compare_round((unsigned)i);
        }
        compared += 1;
    }
    ck_assert_uint_gt(compared, 200);
}
END_TEST

static void setup(void)
{
    xmlSetStructuredErrorFunc(NULL, count_error);
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
}

static void teardown(void)
{
    document_close(&document);
}

int main(void)
{
    if (!table_read(&table, SOURCE_FOLDER "/tests/xml")) return EXIT_FAILURE;
    Suite *suite = suite_create("xml_oracle");
    TCase *tests = tcase_create("xml_oracle");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, agrees_on_random_documents);
    tcase_add_test(tests, agrees_on_parts_of_the_corpus);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
