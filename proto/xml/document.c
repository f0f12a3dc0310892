/* document: the table of nodes and the ways to walk it.  reader.c fills it. */
#include "proto/xml/document.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/xml/names.h"

static_assert(sizeof(struct xml_node) == 32, "two nodes a cache line");
static_assert(LIMIT_XML_NODES < XML_NONE, "a node's index fits 16 bits");
static_assert(XML_NAMESPACE_NONE == NAMES_EMPTY && XML_NAMESPACE_XML == NAMES_XML_NAMESPACE &&
                  XML_NAMESPACE_ABSENT == NAMES_ABSENT,
              "document.h repeats names.h");

/* Memory of `size` bytes whose pages are there. */
static void *touched(size_t size)
{
    void *memory = malloc(size);
    if (memory != NULL) memset(memory, 1, size);
    return memory;
}

enum fault document_open(struct xml_document *document)
{
    *document = (struct xml_document){0};
    document->nodes = touched(LIMIT_XML_NODES * sizeof *document->nodes);
    document->attributes = touched(LIMIT_XML_ATTRIBUTES_ALL * sizeof *document->attributes);
    document->text = touched(DOCUMENT_TEXT_BYTES);
    document->names = touched(sizeof *document->names);
    if (document->nodes == NULL || document->attributes == NULL || document->text == NULL ||
        document->names == NULL || names_open(document->names) != FAULT_NONE) {
        document_close(document);
        return FAULT_MEMORY;
    }
    return FAULT_NONE;
}

void document_close(struct xml_document *document)
{
    free(document->nodes);
    free(document->attributes);
    free(document->text);
    free(document->names);
    *document = (struct xml_document){0};
}

/* The first element at or after `at` whose parent is `parent`. */
static uint16_t element_from(const struct xml_document *document, uint16_t at, uint16_t parent)
{
    while (at < document->node_count && document->nodes[at].parent == parent) {
        if (document->nodes[at].kind == XML_ELEMENT) return at;
        at = document->nodes[at].end;
    }
    return XML_NONE;
}

uint16_t document_first(const struct xml_document *document, uint16_t node)
{
    if (node == XML_NONE) return XML_NONE;
    return element_from(document, (uint16_t)(node + 1), node);
}

uint16_t document_next(const struct xml_document *document, uint16_t node)
{
    if (node == XML_NONE) return XML_NONE;
    return element_from(document, document->nodes[node].end, document->nodes[node].parent);
}

uint16_t document_child(const struct xml_document *document, uint16_t node, struct span local)
{
    uint16_t child = document_first(document, node);
    while (child != XML_NONE && !span_equal(document_local(document, child), local)) {
        child = document_next(document, child);
    }
    return child;
}

uint16_t document_child_id(const struct xml_document *document, uint16_t node, uint16_t schema)
{
    uint16_t child = document_first(document, node);
    while (child != XML_NONE && document->nodes[child].schema != schema) {
        child = document_next(document, child);
    }
    return child;
}

struct span document_text(const struct xml_document *document, uint16_t node)
{
    if (node == XML_NONE || (uint32_t)node + 1 >= document->node_count) return SPAN("");
    const struct xml_node *first = &document->nodes[node + 1];
    if (first->parent != node || first->kind != XML_TEXT) return SPAN("");
    return span_of(first->text, first->size);
}

struct span document_leaf(const struct xml_document *document, uint16_t node, uint16_t schema)
{
    return document_text(document, document_child_id(document, node, schema));
}

struct span document_local(const struct xml_document *document, uint16_t node)
{
    const struct xml_node *element = &document->nodes[node];
    return span_after(span_of(element->text, element->size), element->local_at);
}

struct span document_namespace_name(const struct xml_document *document, uint16_t namespace)
{
    return document->names->texts[namespace];
}

uint16_t document_namespace(const struct xml_document *document, struct span name)
{
    return names_find(document->names, name);
}

bool document_is(const struct xml_document *document, uint16_t node, uint16_t namespace,
                 struct span local)
{
    if (node == XML_NONE || document->nodes[node].kind != XML_ELEMENT) return false;
    return document->nodes[node].namespace == namespace &&
           span_equal(document_local(document, node), local);
}

const struct xml_attribute *document_attribute(const struct xml_document *document, uint16_t node,
                                               struct span local)
{
    const struct xml_node *element = &document->nodes[node];
    for (unsigned i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &document->attributes[element->attribute_first + i];
        if (attribute->namespace == XML_NAMESPACE_NONE &&
            span_equal(span_of(attribute->name, attribute->name_size), local)) {
            return attribute;
        }
    }
    return NULL;
}

/* A path being written, cut at the character that no longer fits. */
struct path {
    char *bytes;
    size_t size;
    unsigned characters;
};

static void path_add(struct path *path, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        bool begins = ((unsigned char)text.bytes[i] & 0xc0) != 0x80;
        if (begins && path->characters == LIMIT_LOCATION_BYTES) return;
        path->characters += begins;
        path->bytes[path->size++] = text.bytes[i];
    }
}

/* [n] when the element has siblings of its name. */
static void path_add_index(struct path *path, const struct xml_document *document, uint16_t node)
{
    uint16_t parent = document->nodes[node].parent;
    if (parent == XML_NONE) return;
    struct span local = document_local(document, node);
    unsigned before = 0, all = 0;
    for (uint16_t at = document_first(document, parent); at != XML_NONE;
         at = document_next(document, at)) {
        if (!span_equal(document_local(document, at), local)) continue;
        all += 1;
        before += at < node;
    }
    if (all < 2) return;

    char index[16];
    int size = snprintf(index, sizeof index, "[%u]", before + 1);
    path_add(path, span_of(index, (size_t)size));
}

size_t document_path(const struct xml_document *document, uint16_t node, char path[XML_PATH_BYTES])
{
    struct path written = {.bytes = path};
    if (node != XML_NONE && document->nodes[node].kind == XML_TEXT) {
        node = document->nodes[node].parent;
    }
    uint16_t chain[LIMIT_XML_DEPTH];
    unsigned depth = 0;
    for (; node != XML_NONE; node = document->nodes[node].parent) {
        assert(depth < LIMIT_XML_DEPTH); /* the reader goes no deeper */
        chain[depth++] = node;
    }
    while (depth > 0) {
        uint16_t step = chain[--depth];
        path_add(&written, SPAN("/"));
        path_add(&written, document_local(document, step));
        path_add_index(&written, document, step);
    }
    path[written.size] = '\0';
    return written.size;
}

void document_position(const struct xml_document *document, uint32_t offset, uint32_t *line,
                       uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (uint32_t i = 0; i < offset && i < document->message.size; i++) {
        *column += 1;
        if (document->message.bytes[i] == '\n') {
            *line += 1;
            *column = 1;
        }
    }
}
