/* verdict: what the walker says of each file whose name comes on standard input, one line each:
 * "NAME ok", "NAME SCHEMA PATH: WORDS" or "NAME BADXML PATH: WORDS".  For samples.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/iso/schema/walk.h"

static struct xml_document document;
static struct walk walk;
static char bytes[LIMIT_MESSAGE_BYTES + 1]; /* one more, so that a longer file is seen as such */

static bool read_file(const char *name, struct span *content)
{
    FILE *file = fopen(name, "rb");
    if (file == NULL) return false;
    *content = span_of(bytes, fread(bytes, 1, sizeof bytes, file));
    bool good = ferror(file) == 0;
    fclose(file);
    return good;
}

static void say(const char *name, const char *code, uint16_t node, const char *words)
{
    char path[XML_PATH_BYTES];
    document_path(&document, node, path);
    printf("%s %s %s: %s\n", name, code, path, words);
}

static void judge(const char *name, struct span content)
{
    struct reader_error error;
    if (walk_read(&walk, &document, content, &error) != FAULT_NONE) {
        say(name, "BADXML", error.node, reader_words(error.kind));
        return;
    }
    const struct walk_error *errors[] = {&walk.shape_error, &walk.header_error,
                                         &walk.document_error};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i]->kind == WALK_ERROR_NONE) continue;
        char words[LIMIT_LOCATION_BYTES + 1];
        walk_words(errors[i], words);
        say(name, "SCHEMA", errors[i]->node, words);
        return;
    }
    if (walk.document != XML_NONE && walk.message == NULL) {
        say(name, "SCHEMA", walk.document, "no schema for this namespace");
        return;
    }
    printf("%s ok\n", name);
}

int main(void)
{
    if (document_open(&document) != FAULT_NONE) {
        fprintf(stderr, "verdict: no memory\n");
        return EXIT_FAILURE;
    }
    char name[4096];
    while (fgets(name, sizeof name, stdin) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        struct span content;
        if (!read_file(name, &content)) {
            fprintf(stderr, "verdict: cannot read %s\n", name);
            return EXIT_FAILURE;
        }
        judge(name, content);
    }
    document_close(&document);
    return EXIT_SUCCESS;
}
