/* walk: the watch that judges elements by the tables while the reader finds them.
 *
 * The happy path: each start tag pushes a frame that says how what is inside is judged; the frame
 * of a sequence remembers which of its elements stood last and how often, so that one look forward
 * over the names finds the next; at the end tag what is still demanded must have stood, and a
 * simple type's characters are checked.
 *
 * Possible failures: an error is noted once for each of Envelope, AppHdr and Document; from then on
 * that part is only counted through (mode WALK_SKIP), since later findings would follow from the
 * first. */
#include "proto/iso/schema/walk.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#include "proto/iso/schema/simple.h"
#include "proto/xml/characters.h"

#define XSI_NAMESPACE "http://www.w3.org/2001/XMLSchema-instance"

/* Keeps the first error of a part. */
static void note(struct walk_error *error, enum walk_error_kind kind, uint16_t node,
                 struct span name)
{
    if (error->kind != WALK_ERROR_NONE) return;
    *error = (struct walk_error){.kind = kind, .node = node, .name = name, .instead = XML_NONE};
}

/* The same of an element that is missing below `parent`, where `instead` stands. */
static void note_missing(struct walk_error *error, uint16_t parent, struct span name,
                         uint16_t instead)
{
    if (error->kind != WALK_ERROR_NONE) return;
    note(error, WALK_ERROR_MISSING, parent, name);
    error->instead = instead;
}

/* With the whole message read: an element that was missing in its place and stands further on is
 * not missing; what stood in its place is the offending element. */
static void settle(struct walk_error *error, const struct xml_document *document)
{
    if (error->kind != WALK_ERROR_MISSING || error->instead == XML_NONE) return;
    if (document_child(document, error->node, error->name) == XML_NONE) return;
    error->kind = WALK_ERROR_UNEXPECTED;
    error->node = error->instead;
    error->name = document_local(document, error->instead);
}

/* ---- attributes ---- */

static enum walk_error_kind value_error(const struct schema_simple *type, struct span text)
{
    switch (simple_check(type, text)) {
    case SIMPLE_GOOD: return WALK_ERROR_NONE;
    case SIMPLE_LENGTH: return WALK_ERROR_LENGTH;
    case SIMPLE_PATTERN: return WALK_ERROR_PATTERN;
    case SIMPLE_VALUE: return WALK_ERROR_VALUE;
    case SIMPLE_DIGITS: return WALK_ERROR_DIGITS;
    case SIMPLE_RANGE: return WALK_ERROR_RANGE;
    case SIMPLE_FORM: return WALK_ERROR_FORM;
    }
    return WALK_ERROR_NONE;
}

static bool is_xsi(const struct xml_document *document, const struct xml_attribute *attribute)
{
    return attribute->prefix != 0 &&
           span_equal(document_namespace_name(document, attribute->namespace), SPAN(XSI_NAMESPACE));
}

/* WIRE section 2: xsi:schemaLocation on AppHdr or Document is ignored; every other attribute must
 * be the type's own. */
static void judge_attributes(struct walk *walk, const struct xml_document *document, uint16_t node,
                             const struct schema_type *type, bool is_part_root)
{
    const struct xml_node *element = &document->nodes[node];
    const struct schema_attribute *own =
        type->attribute > 0 ? &tables_attributes[type->attribute - 1] : NULL;
    bool own_stands = false;
    for (unsigned i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &document->attributes[element->attribute_first + i];
        struct span name = span_of(attribute->name, attribute->name_size);
        if (own != NULL && attribute->prefix == 0 && span_equal(name, own->name)) {
            own_stands = true;
            enum walk_error_kind kind = value_error(&tables_simples[own->simple],
                                                    span_of(attribute->value, attribute->size));
            if (kind != WALK_ERROR_NONE) note(walk->part_error, kind, node, name);
        } else if (!(is_part_root && is_xsi(document, attribute) &&
                     span_equal(span_after(name, attribute->local_at), SPAN("schemaLocation")))) {
            note(walk->part_error, WALK_ERROR_ATTRIBUTE, node, name);
        }
    }
    if (own != NULL && own->required && !own_stands) {
        note(walk->part_error, WALK_ERROR_ATTRIBUTE_MISSING, node, own->name);
    }
}

/* Inside a wildcard attributes are free, but for those of xsi, which could change what is
 * judged. */
static void judge_lax_attributes(struct walk *walk, const struct xml_document *document,
                                 uint16_t node)
{
    const struct xml_node *element = &document->nodes[node];
    for (unsigned i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &document->attributes[element->attribute_first + i];
        if (is_xsi(document, attribute)) {
            note(walk->part_error, WALK_ERROR_ATTRIBUTE, node,
                 span_of(attribute->name, attribute->name_size));
        }
    }
}

/* ---- children ---- */

/* Finds `name` among the elements of `type`, from `from` on; 0 when it is not there. */
static uint16_t find_element(const struct schema_type *type, uint16_t from, struct span name)
{
    uint16_t end = (uint16_t)(type->element_first + type->element_count);
    for (uint16_t id = from; id < end; id++) {
        if (span_equal(tables_elements[id].name, name)) return id;
    }
    return 0;
}

/* The first element of a sequence from the frame's place up to `end` that has not stood as often as
 * it must; 0 when there is none. */
static uint16_t find_missing(const struct walk_frame *frame, uint16_t end)
{
    for (uint16_t id = frame->element; id < end; id++) {
        unsigned count = id == frame->element ? frame->count : 0;
        if (count < tables_elements[id].occurs_min) return id;
    }
    return 0;
}

/* Takes the element that comes next in a sequence or choice; its id, 0 after an error. */
static uint16_t take_child(struct walk *walk, struct walk_frame *frame,
                           const struct xml_document *document, uint16_t node)
{
    struct span name = document_local(document, node);
    const struct schema_type *type = frame->type;
    bool sequence = type->content == SCHEMA_SEQUENCE;
    bool chosen = !sequence && frame->count > 0;

    uint16_t id =
        find_element(type, sequence || chosen ? frame->element : type->element_first, name);
    bool again = frame->count > 0 && id == frame->element;
    if (id == 0 || (chosen && !again) ||
        (again && frame->count >= tables_elements[id].occurs_max)) {
        note(walk->part_error, WALK_ERROR_UNEXPECTED, node, name);
        return 0;
    }
    if (document->nodes[node].namespace != walk->part_namespace) {
        note(walk->part_error, WALK_ERROR_NAMESPACE, node, name);
        return 0;
    }
    uint16_t missing = sequence ? find_missing(frame, id) : 0;
    if (missing != 0) {
        note_missing(walk->part_error, document->nodes[node].parent, tables_elements[missing].name,
                     node);
        return 0;
    }
    frame->count = again ? (uint16_t)(frame->count + 1) : 1;
    frame->element = id;
    return id;
}

static void push(struct walk *walk, enum walk_mode mode, const struct schema_type *type)
{
    assert(walk->depth < LIMIT_XML_DEPTH); /* the reader goes no deeper */
    walk->frames[walk->depth++] = (struct walk_frame){
        .mode = mode,
        .type = type,
        .element = type != NULL ? type->element_first : 0,
    };
}

/* Pushes the frame of an element that the schema knows as `id`. */
static void enter(struct walk *walk, struct xml_document *document, uint16_t node, uint16_t id,
                  bool is_part_root)
{
    const struct schema_type *type = &tables_types[tables_elements[id].type];
    document->nodes[node].schema = id;
    if (type->attribute > 0 || document->nodes[node].attribute_count > 0) {
        judge_attributes(walk, document, node, type, is_part_root);
    }
    push(walk, WALK_TYPE, type);
}

/* An element that a wildcard lets stand.  What is lax is judged when there is a declaration for it,
 * and a message's schema declares only its own root. */
static void start_in_wildcard(struct walk *walk, enum walk_mode mode, struct xml_document *document,
                              uint16_t node)
{
    if (mode == WALK_LAX &&
        document_is(document, node, walk->part_namespace, tables_elements[walk->part->root].name)) {
        enter(walk, document, node, walk->part->root, false);
        return;
    }
    judge_lax_attributes(walk, document, node);
    push(walk, mode, NULL);
}

/* An element inside one that is judged by its type. */
static void start_in_type(struct walk *walk, struct walk_frame *frame,
                          struct xml_document *document, uint16_t node)
{
    switch ((enum schema_content)frame->type->content) {
    case SCHEMA_SEQUENCE:
    case SCHEMA_CHOICE: {
        uint16_t id = take_child(walk, frame, document, node);
        if (id != 0) {
            enter(walk, document, node, id, false);
            return;
        }
        break;
    }
    case SCHEMA_SIMPLE:
        note(walk->part_error, WALK_ERROR_NOT_EMPTY, node, document_local(document, node));
        break;
    case SCHEMA_LAX:
    case SCHEMA_SKIP:
        if (frame->count > 0) {
            note(walk->part_error, WALK_ERROR_UNEXPECTED, node, document_local(document, node));
        }
        frame->count = 1;
        start_in_wildcard(walk, frame->type->content == SCHEMA_LAX ? WALK_LAX : WALK_SKIP, document,
                          node);
        return;
    case SCHEMA_SIGNATURE: break;
    }
    push(walk, WALK_SKIP, NULL);
}

/* ---- the parts ---- */

/* AppHdr: judged when it is of the one version that the switch knows. */
static void start_header(struct walk *walk, struct xml_document *document, uint16_t node)
{
    walk->header = node;
    walk->part_namespace = document->nodes[node].namespace;
    walk->part = NULL;
    struct span namespace = document_namespace_name(document, walk->part_namespace);
    walk->header_known = span_equal(namespace, SPAN(WALK_HEADER_NAMESPACE));
    if (!walk->header_known) {
        push(walk, WALK_SKIP, NULL);
        return;
    }
    walk->part = tables_find(namespace);
    walk->part_error = &walk->header_error;
    enter(walk, document, node, walk->part->root, true);
}

/* Document: judged when its namespace is one of the tables'. */
static void start_document(struct walk *walk, struct xml_document *document, uint16_t node)
{
    walk->document = node;
    walk->part_namespace = document->nodes[node].namespace;
    walk->message = tables_find(document_namespace_name(document, walk->part_namespace));
    if (walk->message != NULL &&
        !span_equal(tables_elements[walk->message->root].name, SPAN("Document"))) {
        walk->message = NULL; /* a Document in AppHdr's namespace is of no message */
    }
    walk->part = walk->message;
    if (walk->part == NULL) {
        push(walk, WALK_SKIP, NULL);
        return;
    }
    walk->part_error = &walk->document_error;
    enter(walk, document, node, walk->part->root, true);
}

static void start_root(struct walk *walk, struct xml_document *document, uint16_t node)
{
    struct span local = document_local(document, node);
    const struct xml_node *root = &document->nodes[node];
    if (span_equal(local, SPAN("AppHdr"))) {
        walk->root = WALK_ROOT_HEADER;
        start_header(walk, document, node);
        return;
    }
    if (span_equal(local, SPAN("Document"))) {
        walk->root = WALK_ROOT_DOCUMENT;
        start_document(walk, document, node);
        return;
    }
    struct span namespace = document_namespace_name(document, root->namespace);
    if (!span_equal(local, SPAN("Envelope")) ||
        !span_equal(namespace, SPAN(WALK_ENVELOPE_NAMESPACE))) {
        note(&walk->shape_error, WALK_ERROR_ROOT, node, local);
        push(walk, WALK_SKIP, NULL);
        return;
    }
    walk->root = WALK_ROOT_ENVELOPE;
    /* WIRE section 2: Envelope has no attributes but namespace declarations. */
    if (root->attribute_count > 0) {
        const struct xml_attribute *first = &document->attributes[root->attribute_first];
        note(&walk->shape_error, WALK_ERROR_ATTRIBUTE, node,
             span_of(first->name, first->name_size));
    }
    push(walk, WALK_ENVELOPE, NULL);
}

/* WIRE section 2: Envelope holds exactly AppHdr and Document.  Their versions are judged
 * elsewhere. */
static void start_in_envelope(struct walk *walk, struct walk_frame *frame,
                              struct xml_document *document, uint16_t node)
{
    static const struct span expected[] = {{"AppHdr", 6}, {"Document", 8}};
    struct span local = document_local(document, node);
    unsigned place = frame->count;
    if (place == 0 && span_equal(local, expected[1])) {
        note_missing(&walk->shape_error, document->nodes[node].parent, expected[0], node);
    } else if (place > 1 || !span_equal(local, expected[place])) {
        note(&walk->shape_error, WALK_ERROR_UNEXPECTED, node, local);
    } else {
        frame->count += 1;
        if (place == 0) {
            start_header(walk, document, node);
        } else {
            start_document(walk, document, node);
        }
        return;
    }
    push(walk, WALK_SKIP, NULL);
}

/* ---- the watch ---- */

static bool has_failed(const struct walk *walk)
{
    return walk->part_error->kind != WALK_ERROR_NONE;
}

static void on_start(void *context, struct xml_document *document, uint16_t node)
{
    struct walk *walk = context;
    if (walk->depth == 0) {
        start_root(walk, document, node);
        return;
    }
    struct walk_frame *frame = &walk->frames[walk->depth - 1];
    switch (frame->mode) {
    case WALK_ENVELOPE: start_in_envelope(walk, frame, document, node); return;
    case WALK_TYPE:
        if (has_failed(walk)) break;
        start_in_type(walk, frame, document, node);
        return;
    case WALK_LAX:
        if (has_failed(walk)) break;
        start_in_wildcard(walk, WALK_LAX, document, node);
        return;
    case WALK_SKIP: break;
    }
    push(walk, WALK_SKIP, NULL);
}

static void on_text(void *context, struct xml_document *document, uint16_t node)
{
    struct walk *walk = context;
    const struct walk_frame *frame = &walk->frames[walk->depth - 1];
    if (frame->mode == WALK_LAX || frame->mode == WALK_SKIP) return;
    if (frame->mode == WALK_TYPE &&
        (frame->type->content == SCHEMA_SIMPLE || frame->type->content == SCHEMA_SIGNATURE)) {
        return;
    }
    const struct xml_node *text = &document->nodes[node];
    if (characters_all_space(span_of(text->text, text->size))) return;
    note(frame->mode == WALK_ENVELOPE ? &walk->shape_error : walk->part_error, WALK_ERROR_TEXT,
         text->parent, document_local(document, text->parent));
}

/* What a type still demands when its element ends. */
static void end_of_type(struct walk *walk, const struct walk_frame *frame,
                        const struct xml_document *document, uint16_t node)
{
    const struct schema_type *type = frame->type;
    uint16_t end = (uint16_t)(type->element_first + type->element_count);
    uint16_t missing = 0;
    enum walk_error_kind kind = WALK_ERROR_NONE;
    switch ((enum schema_content)type->content) {
    case SCHEMA_SIMPLE:
        kind = value_error(&tables_simples[type->simple], document_text(document, node));
        break;
    case SCHEMA_SEQUENCE:
        missing = find_missing(frame, end);
        if (missing != 0) {
            note_missing(walk->part_error, node, tables_elements[missing].name, XML_NONE);
        }
        break;
    case SCHEMA_CHOICE:
        kind = frame->count == 0 ? WALK_ERROR_CHOICE : WALK_ERROR_NONE;
        for (uint16_t id = type->element_first; id < end; id++) {
            if (tables_elements[id].occurs_min == 0) kind = WALK_ERROR_NONE;
        }
        break;
    case SCHEMA_LAX:
    case SCHEMA_SKIP: kind = frame->count == 0 ? WALK_ERROR_CHOICE : WALK_ERROR_NONE; break;
    case SCHEMA_SIGNATURE: break;
    }
    if (kind != WALK_ERROR_NONE) note(walk->part_error, kind, node, document_local(document, node));
}

static void on_end(void *context, struct xml_document *document, uint16_t node)
{
    struct walk *walk = context;
    const struct walk_frame *frame = &walk->frames[--walk->depth];
    if (frame->mode == WALK_TYPE) {
        if (!has_failed(walk)) end_of_type(walk, frame, document, node);
    } else if (frame->mode == WALK_ENVELOPE && frame->count < 2) {
        note_missing(&walk->shape_error, node,
                     frame->count == 0 ? SPAN("AppHdr") : SPAN("Document"), XML_NONE);
    }
}

enum fault walk_read(struct walk *walk, struct xml_document *document, struct span message,
                     struct reader_error *error)
{
    struct walk_error none = {
        .kind = WALK_ERROR_NONE, .node = XML_NONE, .name = SPAN(""), .instead = XML_NONE};
    walk->root = WALK_ROOT_OTHER;
    walk->header = XML_NONE;
    walk->document = XML_NONE;
    walk->message = NULL;
    walk->header_known = false;
    walk->shape_error = none;
    walk->header_error = none;
    walk->document_error = none;
    walk->part_error = &walk->shape_error;
    walk->part = NULL;
    walk->depth = 0;

    struct reader_watch watch = {
        .context = walk, .start = on_start, .text = on_text, .end = on_end};
    enum fault fault = reader_parse(document, message, &watch, error);
    settle(&walk->shape_error, document);
    settle(&walk->header_error, document);
    settle(&walk->document_error, document);
    return fault;
}

size_t walk_words(const struct walk_error *error, char words[LIMIT_LOCATION_BYTES + 1])
{
    static const char *const formats[] = {
#define WALK_ERROR_WORDS(name, format) [WALK_ERROR_##name] = format,
        WALK_ERROR_LIST(WALK_ERROR_WORDS)
#undef WALK_ERROR_WORDS
    };
    const char *format = formats[error->kind];
    const char *place = strstr(format, "%s");
    size_t before = place == NULL ? strlen(format) : (size_t)(place - format);
    size_t size = (size_t)snprintf(words, LIMIT_LOCATION_BYTES + 1, "%.*s%.*s%s", (int)before,
                                   format, place == NULL ? 0 : (int)error->name.size,
                                   error->name.bytes, place == NULL ? "" : place + 2);
    assert(size <=
           LIMIT_LOCATION_BYTES); /* a name has 128 bytes at most, the words fewer than 100 */
    return size;
}
