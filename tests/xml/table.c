/* table: lines to rows, escapes to bytes. */
#include "tests/xml/table.h"

#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/xml/characters.h"

/* ---- rows ---- */

/* Cuts spaces at both ends of a text, in place. */
static char *trim(char *text)
{
    text += strspn(text, " ");
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == ' ') {
        size -= 1;
    }
    text[size] = '\0';
    return text;
}

/* "VERDICT [~DIFFERENCE] | NAME | DOCUMENT". false when it is no such. */
static bool read_row(struct table_case *one, char *line)
{
    char *name = strchr(line, '|');
    if (name == NULL) return false;
    *name++ = '\0';
    char *document = strchr(name, '|');
    if (document == NULL) return false;
    *document++ = '\0';
    if (*document == ' ') document += 1;

    char *difference = strchr(line, '~');
    if (difference != NULL) *difference++ = '\0';
    one->verdict = trim(line);
    one->difference = difference == NULL ? NULL : trim(difference);
    one->name = trim(name);
    one->document = document;
    one->canonical = NULL;
    return one->verdict[0] != '\0' && one->name[0] != '\0';
}

static bool read_line(struct table *table, const char *file, unsigned number, char *line)
{
    if (line[0] == '\0' || line[0] == '#') return true;
    if (line[strlen(line) - 1] == ' ') return false; /* nobody would see it: \x20 */
    if (strncmp(line, "= ", 2) == 0) {
        struct table_case *last = table->count == 0 ? NULL : &table->cases[table->count - 1];
        if (last == NULL || last->file != file || last->canonical != NULL) return false;
        last->canonical = line + 2;
        return true;
    }
    if (table->count == TABLE_CASES_MAX) return false;
    struct table_case *one = &table->cases[table->count];
    if (!read_row(one, line)) return false;
    one->file = file;
    one->line = number;
    table->count += 1;
    return true;
}

/* The file's text, the caller's; NULL when it cannot be read. */
static char *load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    char *text = NULL;
    size_t size = 0;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static bool read_file(struct table *table, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *file = strdup(slash == NULL ? path : slash + 1);
    char *line = load(path); /* kept: rows point into it */
    if (file == NULL || line == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        return false;
    }
    for (unsigned number = 1; *line != '\0'; number++) {
        char *end = line + strcspn(line, "\n");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        if (!read_line(table, file, number, line)) {
            fprintf(stderr, "%s:%u: not a row\n", path, number);
            return false;
        }
        line = next;
    }
    return true;
}

bool table_read(struct table *table, const char *folder)
{
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/*.txt", folder);
    glob_t paths;
    bool good = glob(pattern, 0, NULL, &paths) == 0;
    if (!good) fprintf(stderr, "no tables in %s\n", folder);
    table->count = 0;
    for (size_t i = 0; good && i < paths.gl_pathc; i++) {
        good = read_file(table, paths.gl_pathv[i]);
    }
    globfree(&paths);
    return good;
}

/* ---- escapes ---- */

struct expansion {
    const char *at;
    char *bytes;
    size_t capacity;
    size_t size;
};

static bool put(struct expansion *expansion, const char *bytes, size_t size)
{
    if (expansion->capacity - expansion->size < size) return false;
    memcpy(expansion->bytes + expansion->size, bytes, size);
    expansion->size += size;
    return true;
}

/* What stands behind a backslash, but for repetitions. */
static bool expand_escape(struct expansion *expansion, unsigned turn)
{
    char text[16];
    char *end;
    char byte;
    switch (*expansion->at++) {
    case 'n': return put(expansion, "\n", 1);
    case 'r': return put(expansion, "\r", 1);
    case 't': return put(expansion, "\t", 1);
    case '\\': return put(expansion, "\\", 1);
    case '}': return put(expansion, "}", 1);
    case 'i': return put(expansion, text, (size_t)snprintf(text, sizeof text, "%u", turn));
    case 'x':
        snprintf(text, sizeof text, "%.2s", expansion->at);
        byte = (char)strtoul(text, &end, 16);
        if (end != text + 2) return false;
        expansion->at += 2;
        return put(expansion, &byte, 1);
    case 'u':
        if (*expansion->at++ != '{') return false;
        uint32_t code = (uint32_t)strtoul(expansion->at, &end, 16);
        if (end == expansion->at || *end != '}') return false;
        expansion->at = end + 1;
        return put(expansion, text, characters_encode(code, text));
    default: return false;
    }
}

/* Up to the text's end, or to the "}" of the repetition that is at its `turn`. */
static bool expand_run(struct expansion *expansion, unsigned turn)
{
    while (*expansion->at != '\0' && (turn == 0 || *expansion->at != '}')) {
        if (*expansion->at != '\\') {
            if (!put(expansion, expansion->at++, 1)) return false;
            continue;
        }
        expansion->at += 1;
        if (*expansion->at < '0' || *expansion->at > '9') {
            if (!expand_escape(expansion, turn)) return false;
            continue;
        }
        char *body;
        unsigned turns = (unsigned)strtoul(expansion->at, &body, 10);
        if (turns == 0 || *body++ != '{') return false;
        for (unsigned i = 1; i <= turns; i++) {
            expansion->at = body;
            if (!expand_run(expansion, i) || *expansion->at++ != '}') return false;
        }
    }
    return true;
}

bool table_expand(const char *escaped, char *bytes, size_t capacity, size_t *size)
{
    struct expansion expansion = {.at = escaped, .bytes = bytes, .capacity = capacity};
    if (!expand_run(&expansion, 0)) return false;
    *size = expansion.size;
    return true;
}
