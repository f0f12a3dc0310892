/* xml_fuzz: any bytes through reader, walker and canonical form.
 *
 * What must hold: nothing is read or written out of bounds (sanitizers); the table is a tree; what
 * is accepted has a canonical form that is accepted too, judged in the same way, and its own
 * canonical form; paths and words fit their buffers. */
#include <stdlib.h>

#include "proto/iso/schema/walk.h"
#include "proto/xml/canonical.h"

static struct xml_document document;
static struct walk walk;
static char first[LIMIT_CANONICAL_BYTES];
static char second[LIMIT_CANONICAL_BYTES];

static void must(bool good)
{
    if (!good) abort();
}

static void check_table(void)
{
    for (uint32_t node = 0; node < document.node_count; node++) {
        const struct xml_node *one = &document.nodes[node];
        must(one->end > node && one->end <= document.node_count);
        must((one->parent == XML_NONE) == (node == 0));
        must(node == 0 || (one->parent < node && one->end <= document.nodes[one->parent].end));
        must(one->attribute_first + one->attribute_count <= document.attribute_count);
    }
}

static void say(const struct walk_error *error)
{
    char words[LIMIT_LOCATION_BYTES + 1];
    char path[XML_PATH_BYTES];
    must(walk_words(error, words) <= LIMIT_LOCATION_BYTES);
    must(document_path(&document, error->node, path) < sizeof path);
}

static size_t canonicalise(char *bytes)
{
    size_t size;
    enum fault fault = canonical_write(&document, 0, XML_NONE, XML_NAMESPACE_NONE, bytes,
                                       LIMIT_CANONICAL_BYTES, &size);
    return fault == FAULT_NONE ? size : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (document.nodes == NULL && document_open(&document) != FAULT_NONE) abort();

    struct reader_error error;
    enum fault fault = walk_read(&walk, &document, span_of(data, size), &error);
    check_table();
    say(&walk.shape_error);
    say(&walk.header_error);
    say(&walk.document_error);
    if (fault != FAULT_NONE) {
        char path[XML_PATH_BYTES];
        document_path(&document, error.node, path);
        must(error.kind != READER_ERROR_NONE && error.offset <= size);
        return 0;
    }

    size_t first_size = canonicalise(first);
    if (first_size == 0 || first_size > LIMIT_MESSAGE_BYTES) return 0;
    enum walk_error_kind kinds[] = {walk.shape_error.kind, walk.header_error.kind,
                                    walk.document_error.kind};
    must(walk_read(&walk, &document, span_of(first, first_size), &error) == FAULT_NONE);
    must(kinds[0] == walk.shape_error.kind && kinds[1] == walk.header_error.kind &&
         kinds[2] == walk.document_error.kind);
    size_t second_size = canonicalise(second);
    must(second_size == first_size && memcmp(first, second, first_size) == 0);
    return 0;
}
