/* canonical: a walk over the table that writes each node in its canonical form.
 *
 * Exclusive C14N declares a namespace at each element that visibly uses its prefix (in its own name
 * or an attribute's), unless the nearest element already written that declared this prefix gave it
 * the same namespace.  `rendered` of names.h holds what each prefix was last declared as; what an
 * element changes there is noted and put back at its end. */
#include "proto/xml/canonical.h"

#include <assert.h>
#include <stdbool.h>

#include "proto/xml/escape.h"
#include "proto/xml/names.h"

struct undo {
    uint16_t prefix;
    uint16_t namespace;
};

struct canonical {
    struct xml_document *document;
    char *at;
    const char *end;
    unsigned depth;
    unsigned undo_count;
    unsigned undo_from[LIMIT_XML_DEPTH];
    struct undo undo[LIMIT_XML_DEPTH * (LIMIT_XML_ATTRIBUTES + 1)];
};

static bool put(struct canonical *canonical, const char *bytes, size_t size)
{
    if ((size_t)(canonical->end - canonical->at) < size) return false;
    if (size > 0) memcpy(canonical->at, bytes, size);
    canonical->at += size;
    return true;
}

static bool put_span(struct canonical *canonical, struct span text)
{
    return put(canonical, text.bytes, text.size);
}

static bool put_escaped(struct canonical *canonical, const char *bytes, size_t size,
                        struct span (*escape)(char))
{
    size_t run = 0; /* where the bytes not yet written begin */
    for (size_t i = 0; i < size; i++) {
        struct span escaped = escape(bytes[i]);
        if (escaped.size == 0) continue;
        if (!put(canonical, bytes + run, i - run) || !put_span(canonical, escaped)) return false;
        run = i + 1;
    }
    return put(canonical, bytes + run, size - run);
}

/* Whether a prefix must be declared here; notes that it will be. */
static bool must_declare(struct canonical *canonical, uint16_t prefix, uint16_t namespace)
{
    uint16_t *rendered = &canonical->document->names->rendered[prefix];
    if (prefix == NAMES_XML || *rendered == namespace) return false;
    canonical->undo[canonical->undo_count++] =
        (struct undo){.prefix = prefix, .namespace = *rendered};
    *rendered = namespace;
    return true;
}

/* Below zero, zero, above zero, by bytes: UTF-8 sorts as its code points do. */
static int compare(struct span a, struct span b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter == 0 ? 0 : memcmp(a.bytes, b.bytes, shorter);
    if (order != 0) return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

static bool put_declarations(struct canonical *canonical, const struct xml_node *node)
{
    struct xml_document *document = canonical->document;
    const struct span *names = document->names->texts;
    const struct xml_attribute *attributes = &document->attributes[node->attribute_first];
    uint16_t prefixes[LIMIT_XML_ATTRIBUTES + 1];
    unsigned count = 0;

    if (must_declare(canonical, node->prefix, node->namespace)) prefixes[count++] = node->prefix;
    for (unsigned i = 0; i < node->attribute_count; i++) {
        uint16_t prefix = attributes[i].prefix;
        if (prefix == NAMES_EMPTY || !must_declare(canonical, prefix, attributes[i].namespace)) {
            continue;
        }
        unsigned place = count++;
        for (; place > 0 && compare(names[prefix], names[prefixes[place - 1]]) < 0; place--) {
            prefixes[place] = prefixes[place - 1];
        }
        prefixes[place] = prefix;
    }
    for (unsigned i = 0; i < count; i++) {
        struct span uri = names[document->names->rendered[prefixes[i]]];
        bool is_default = prefixes[i] == NAMES_EMPTY;
        if (!put_span(canonical, is_default ? SPAN(" xmlns") : SPAN(" xmlns:")) ||
            !put_span(canonical, names[prefixes[i]]) || !put_span(canonical, SPAN("=\"")) ||
            !put_escaped(canonical, uri.bytes, uri.size, escape_value) ||
            !put_span(canonical, SPAN("\""))) {
            return false;
        }
    }
    return true;
}

static struct span attribute_local(const struct xml_attribute *attribute)
{
    return span_after(span_of(attribute->name, attribute->name_size), attribute->local_at);
}

/* C14N 1.0, 2.2: by namespace name, then by local name; without a namespace first. */
static int compare_attributes(const struct span *names, const struct xml_attribute *a,
                              const struct xml_attribute *b)
{
    int order =
        a->namespace == b->namespace ? 0 : compare(names[a->namespace], names[b->namespace]);
    return order != 0 ? order : compare(attribute_local(a), attribute_local(b));
}

static bool put_attributes(struct canonical *canonical, const struct xml_node *node)
{
    struct xml_document *document = canonical->document;
    const struct span *names = document->names->texts;
    const struct xml_attribute *sorted[LIMIT_XML_ATTRIBUTES];
    for (unsigned i = 0; i < node->attribute_count; i++) {
        const struct xml_attribute *attribute = &document->attributes[node->attribute_first + i];
        unsigned place = i;
        for (; place > 0 && compare_attributes(names, attribute, sorted[place - 1]) < 0; place--) {
            sorted[place] = sorted[place - 1];
        }
        sorted[place] = attribute;
    }
    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (!put_span(canonical, SPAN(" ")) ||
            !put(canonical, sorted[i]->name, sorted[i]->name_size) ||
            !put_span(canonical, SPAN("=\"")) ||
            !put_escaped(canonical, sorted[i]->value, sorted[i]->size, escape_value) ||
            !put_span(canonical, SPAN("\""))) {
            return false;
        }
    }
    return true;
}

static bool put_start(struct canonical *canonical, const struct xml_node *node)
{
    assert(canonical->depth < LIMIT_XML_DEPTH); /* the reader goes no deeper */
    canonical->undo_from[canonical->depth++] = canonical->undo_count;
    if (!put_span(canonical, SPAN("<")) || !put(canonical, node->text, node->size)) return false;
    if (!put_declarations(canonical, node)) return false;
    if (node->attribute_count > 0 && !put_attributes(canonical, node)) return false;
    return put_span(canonical, SPAN(">"));
}

static bool put_end(struct canonical *canonical, const struct xml_node *node)
{
    canonical->depth -= 1;
    while (canonical->undo_count > canonical->undo_from[canonical->depth]) {
        struct undo undo = canonical->undo[--canonical->undo_count];
        canonical->document->names->rendered[undo.prefix] = undo.namespace;
    }
    return put_span(canonical, SPAN("</")) && put(canonical, node->text, node->size) &&
           put_span(canonical, SPAN(">"));
}

/* Writes the nodes from `apex` up to its end, closing each element when its last node is behind. */
static bool put_all(struct canonical *canonical, uint16_t apex, uint16_t excluded)
{
    const struct xml_node *nodes = canonical->document->nodes;
    uint16_t open[LIMIT_XML_DEPTH];
    uint16_t node = apex;
    while (node < nodes[apex].end) {
        while (canonical->depth > 0 && nodes[open[canonical->depth - 1]].end <= node) {
            if (!put_end(canonical, &nodes[open[canonical->depth - 1]])) return false;
        }
        const struct xml_node *here = &nodes[node];
        if (node == excluded) {
            node = here->end;
            continue;
        }
        if (here->kind == XML_ELEMENT) {
            open[canonical->depth] = node;
            if (!put_start(canonical, here)) return false;
        } else if (here->plain ? !put(canonical, here->text, here->size)
                               : !put_escaped(canonical, here->text, here->size, escape_text)) {
            return false;
        }
        node += 1;
    }
    while (canonical->depth > 0) {
        if (!put_end(canonical, &nodes[open[canonical->depth - 1]])) return false;
    }
    return true;
}

enum fault canonical_write(struct xml_document *document, uint16_t apex, uint16_t excluded,
                           uint16_t context_default, char *bytes, size_t capacity, size_t *size)
{
    struct canonical canonical;
    canonical.document = document;
    canonical.at = bytes;
    canonical.end = bytes + capacity;
    canonical.depth = 0;
    canonical.undo_count = 0;
    *size = 0;
    if (document->relative_namespace) return FAULT_INVALID;

    /* Nothing is declared yet but the default namespace of the place where the bytes will stand. */
    struct xml_names *names = document->names;
    for (uint32_t i = 0; i < names->count; i++) {
        names->rendered[i] = NAMES_ABSENT;
    }
    names->rendered[NAMES_EMPTY] = context_default;

    if (!put_all(&canonical, apex, excluded)) return FAULT_FULL;
    *size = (size_t)(canonical.at - bytes);
    return FAULT_NONE;
}
