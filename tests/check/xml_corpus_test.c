/* xml_corpus: the documents of tests/xml through our reader and canonical form, and through
 * libxml2's.
 *
 * Each row says what we say of a document.  Where libxml2 says otherwise, or writes another
 * canonical form, the row names a difference of the list in proto/xml/README.md; a difference that
 * is not named fails, and so does a named one that is none. */
#include <check.h>
#include <glob.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/xml/canonical.h"
#include "proto/xml/document.h"
#include "proto/xml/reader.h"
#include "tests/xml/table.h"

#define CORPUS SOURCE_FOLDER "/tests/xml"
#define DOCUMENTS_MIN 300
#define CUT_BYTES_MAX 1000              /* longer ones are not cut at every byte */
#define DOCUMENT_BYTES_MAX (256 * 1024) /* some are above the bound of a message */

static struct table table;
static glob_t envelopes;

static struct xml_document document;
static char message[DOCUMENT_BYTES_MAX];
static char ours[LIMIT_CANONICAL_BYTES];
static char again[LIMIT_CANONICAL_BYTES];
static char expected[LIMIT_CANONICAL_BYTES];

/* What one of the two says of a document. */
struct opinion {
    bool read;        /* well-formed, with namespaces */
    bool has_form;    /* only what is read can have one */
    struct span form; /* canonical */
};

static const char *error_name(enum reader_error_kind kind)
{
    static const char *const names[] = {
#define ERROR_NAME(name, words) [READER_ERROR_##name] = #name,
        READER_ERROR_LIST(ERROR_NAME)
#undef ERROR_NAME
    };
    return names[kind];
}

/* Our form of what was read last; false when it has none. */
static bool canonicalise(char *bytes, struct span *form)
{
    size_t size;
    if (canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, bytes, LIMIT_CANONICAL_BYTES,
                        &size) != FAULT_NONE) {
        return false;
    }
    *form = span_of(bytes, size);
    return true;
}

/* The opinion, and its name in the tables. */
static const char *ask_ours(struct span bytes, struct opinion *opinion)
{
    struct reader_error error;
    *opinion = (struct opinion){0};
    opinion->read = reader_parse(&document, bytes, NULL, &error) == FAULT_NONE;
    ck_assert_int_eq(opinion->read, error.kind == READER_ERROR_NONE);
    ck_assert_uint_le(error.offset, bytes.size);
    if (!opinion->read) return error_name(error.kind);
    opinion->has_form = canonicalise(ours, &opinion->form);
    return opinion->has_form ? "ok" : "formless";
}

/* opinion->form is libxml2's, for forget_libxml2. */
static void ask_libxml2(struct span bytes, struct opinion *opinion)
{
    *opinion = (struct opinion){0};
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    xmlDocPtr tree =
        xmlCtxtReadMemory(parser, bytes.bytes, (int)bytes.size, NULL, NULL, XML_PARSE_NONET);
    opinion->read = tree != NULL && parser->wellFormed && parser->nsWellFormed;
    xmlChar *form = NULL;
    int size = -1;
    if (opinion->read) {
        size = xmlC14NDocDumpMemory(tree, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, &form);
    }
    opinion->has_form = size >= 0;
    if (size >= 0) opinion->form = span_of((const char *)form, (size_t)size);
    xmlFreeDoc(tree);
    xmlFreeParserCtxt(parser);
}

static void forget_libxml2(struct opinion *opinion)
{
    xmlFree((void *)(uintptr_t)opinion->form.bytes);
    opinion->form = SPAN("");
}

static bool differ(const struct opinion *a, const struct opinion *b)
{
    if (a->read != b->read || a->has_form != b->has_form) return true;
    return a->has_form && !span_equal(a->form, b->form);
}

/* What is canonical is read, and is its own canonical form. */
static void check_form_is_fixed(struct span form)
{
    if (form.size > LIMIT_MESSAGE_BYTES) return;
    struct reader_error error;
    struct span second;
    ck_assert_int_eq(reader_parse(&document, form, NULL, &error), FAULT_NONE);
    ck_assert(canonicalise(again, &second));
    ck_assert(span_equal(form, second));
}

/* Cut anywhere before its last tag's end, a document is none. */
static void check_no_part_is_read(struct span whole)
{
    struct reader_error error;
    while (whole.bytes[whole.size - 1] != '>') {
        whole.size -= 1; /* white space behind the root */
    }
    for (size_t size = 0; size < whole.size; size++) {
        ck_assert_int_eq(reader_parse(&document, span_of(whole.bytes, size), NULL, &error),
                         FAULT_INVALID);
    }
}

/* A message of check may not be long. */
static int shown(struct span text)
{
    return text.size < 1000 ? (int)text.size : 1000;
}

START_TEST(each_case)
{
    const struct table_case *one = &table.cases[_i];
    size_t size;
    ck_assert_msg(table_expand(one->document, message, sizeof message, &size),
                  "%s:%u: malformed escape", one->file, one->line);
    struct opinion mine, theirs;
    const char *verdict = ask_ours(span_of(message, size), &mine);
    ck_assert_msg(strcmp(verdict, one->verdict) == 0, "%s:%u, %s: we say %s", one->file, one->line,
                  one->name, verdict);
    if (one->canonical != NULL) {
        ck_assert(table_expand(one->canonical, expected, sizeof expected, &size));
        ck_assert_msg(mine.has_form && span_equal(mine.form, span_of(expected, size)),
                      "%s:%u, %s:\nours %.*s", one->file, one->line, one->name, shown(mine.form),
                      mine.form.bytes);
    }
    ck_assert(table_expand(one->document, message, sizeof message, &size));
    ask_libxml2(span_of(message, size), &theirs);
    ck_assert_msg(differ(&mine, &theirs) == (one->difference != NULL),
                  "%s:%u, %s: we say %s, libxml2 %s\nours   %.*s\ntheirs %.*s", one->file,
                  one->line, one->name, verdict,
                  theirs.has_form ? "ok" : (theirs.read ? "formless" : "no"), shown(mine.form),
                  mine.form.bytes, shown(theirs.form), theirs.form.bytes);
    forget_libxml2(&theirs);
    if (mine.has_form) check_form_is_fixed(mine.form);
    if (mine.read && size <= CUT_BYTES_MAX) check_no_part_is_read(span_of(message, size));
}
END_TEST

/* Messages as the libraries of banks write them: both read them alike. */
START_TEST(each_envelope)
{
    FILE *file = fopen(envelopes.gl_pathv[_i], "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(message, 1, sizeof message, file);
    fclose(file);
    struct opinion mine, theirs;
    ck_assert_msg(strcmp(ask_ours(span_of(message, size), &mine), "ok") == 0, "%s",
                  envelopes.gl_pathv[_i]);
    ask_libxml2(span_of(message, size), &theirs);
    ck_assert_msg(!differ(&mine, &theirs), "%s:\nours   %.*s\ntheirs %.*s", envelopes.gl_pathv[_i],
                  shown(mine.form), mine.form.bytes, shown(theirs.form), theirs.form.bytes);
    forget_libxml2(&theirs);
    check_form_is_fixed(mine.form);
}
END_TEST

/* ---- the corpus as a whole ---- */

START_TEST(documents_and_names_are_distinct)
{
    for (size_t i = 0; i < table.count; i++) {
        const struct table_case *one = &table.cases[i];
        for (size_t j = 0; j < i; j++) {
            const struct table_case *other = &table.cases[j];
            ck_assert_msg(strcmp(one->document, other->document) != 0, "%s:%u and %s:%u are one",
                          one->file, one->line, other->file, other->line);
            ck_assert_msg(strcmp(one->file, other->file) != 0 ||
                              strcmp(one->name, other->name) != 0,
                          "%s:%u: a name that line %u has", one->file, one->line, other->line);
        }
    }
    ck_assert_uint_ge(table.count, DOCUMENTS_MIN);
}
END_TEST

/* Every kind of refusal has a row. */
START_TEST(every_error_is_tried)
{
    for (int kind = READER_ERROR_NONE + 1; kind <= READER_ERROR_CUT; kind++) {
        const char *name = error_name((enum reader_error_kind)kind);
        size_t i = 0;
        while (i < table.count && strcmp(table.cases[i].verdict, name) != 0) {
            i += 1;
        }
        ck_assert_msg(i < table.count, "no document is refused as %s", name);
    }
}
END_TEST

/* The list is the rows "| `NAME` | what libxml2 does | what is said here | why |" below this heading
 * of proto/xml/README.md. */
#define LIST_HEADING "## Where libxml2"
#define LIST_MAX 32

struct listed {
    char name[64];
    char here[256]; /* names the verdicts that differ in this way */
    bool used;
};

static unsigned read_list(struct listed list[LIST_MAX])
{
    char line[4096];
    unsigned count = 0;
    bool inside = false;
    FILE *file = fopen(SOURCE_FOLDER "/proto/xml/README.md", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "## ", 3) == 0) {
            inside = strncmp(line, LIST_HEADING, sizeof LIST_HEADING - 1) == 0;
        }
        struct listed *one = &list[count];
        if (!inside ||
            sscanf(line, "| `%63[a-z-]` | %*[^|]| %255[^|]|", one->name, one->here) != 2) {
            continue;
        }
        one->used = false;
        count += 1;
        ck_assert_uint_lt(count, LIST_MAX);
    }
    fclose(file);
    return count;
}

START_TEST(differences_are_those_of_the_list)
{
    struct listed list[LIST_MAX];
    unsigned count = read_list(list);
    for (size_t i = 0; i < table.count; i++) {
        const struct table_case *one = &table.cases[i];
        if (one->difference == NULL) continue;
        unsigned at = 0;
        while (at < count && strcmp(list[at].name, one->difference) != 0) {
            at += 1;
        }
        ck_assert_msg(at < count && strstr(list[at].here, one->verdict) != NULL,
                      "%s:%u: proto/xml/README.md lists no difference `%s` with %s here", one->file,
                      one->line, one->difference, one->verdict);
        list[at].used = true;
    }
    for (unsigned i = 0; i < count; i++) {
        ck_assert_msg(list[i].used, "no document shows the difference `%s`", list[i].name);
    }
}
END_TEST

static void ignore_error(void *context, xmlErrorPtr error)
{
    (void)context;
    (void)error;
}

/* No document makes libxml2 read a file or call a server. */
static xmlParserInputPtr load_nothing(const char *url, const char *id, xmlParserCtxtPtr parser)
{
    (void)url;
    (void)id;
    (void)parser;
    return NULL;
}

static void setup(void)
{
    xmlSetStructuredErrorFunc(NULL, ignore_error);
    xmlSetExternalEntityLoader(load_nothing);
    ck_assert_int_eq(document_open(&document), FAULT_NONE);
}

static void teardown(void)
{
    document_close(&document);
}

int main(void)
{
    if (!table_read(&table, CORPUS)) return EXIT_FAILURE;
    if (glob(CORPUS "/envelopes/*.xml", 0, NULL, &envelopes) != 0) {
        fprintf(stderr, "no envelopes in %s\n", CORPUS);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("xml_corpus");
    TCase *tests = tcase_create("xml_corpus");
    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, each_case, 0, (int)table.count);
    tcase_add_loop_test(tests, each_envelope, 0, (int)envelopes.gl_pathc);
    tcase_add_test(tests, documents_and_names_are_distinct);
    tcase_add_test(tests, every_error_is_tried);
    tcase_add_test(tests, differences_are_those_of_the_list);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* a process per document would be minutes */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    globfree(&envelopes);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
