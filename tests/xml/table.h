/* table: reads the tables of documents of this folder; README.md says how they are written.
 *
 * One thread. What is read stays until the process ends. */
#ifndef TESTS_XML_TABLE_H
#define TESTS_XML_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* A row. Texts end with zeros; `document` and `canonical` are as written, with their escapes. */
struct table_case {
    const char *file; /* without its folder */
    unsigned line;
    const char *verdict;    /* "ok", "formless", or a name of reader.h's list */
    const char *difference; /* from libxml2, a name of proto/xml/README.md; NULL = none */
    const char *name;
    const char *document;
    const char *canonical; /* NULL when the row does not say it */
};

#define TABLE_CASES_MAX 2000

struct table {
    size_t count;
    struct table_case cases[TABLE_CASES_MAX];
};

/* Reads the rows of all tables (*.txt) of a folder. false: there is none, one cannot be read, or a
 * line is no row; standard error says which. */
bool table_read(struct table *table, const char *folder);

/* Writes what an escaped text stands for; *size is its length. false: an escape is malformed, or
 * `capacity` is too small. */
bool table_expand(const char *escaped, char *bytes, size_t capacity, size_t *size);

#endif
