/* reader: one strict pass from bytes to the table of nodes.
 *
 * The happy path:
 *   copy        the message into the document, with zeros behind it: a zero is no XML character, so
 *               every scan stops there without a bound of its own;
 *   check       that it is UTF-8 and holds only XML characters, which nothing below looks at again;
 *   prolog      byte-order mark, XML declaration, white space;
 *   content     start tag, text, end tag, ..., until the root is closed; texts and values that hold
 *               references or line ends are decoded in place, where they can only get shorter;
 *   epilog      white space.
 *
 * Namespaces: names.h gives each prefix a number; `bound` says what it stands for now.  A start tag
 * that declares prefixes notes what they stood for before, and its end tag puts that back.
 *
 * Possible failures: any of reader.h's list.  The first one ends the pass; elements still open are
 * closed in the table so that a path to them can be written. */
#include "proto/xml/reader.h"

#include <assert.h>

#include "proto/xml/characters.h"
#include "proto/xml/names.h"

/* What a prefix stood for before an element that is open declared it anew. */
struct undo {
    uint16_t prefix;
    uint16_t namespace;
};

struct reader {
    struct xml_document *document;
    const struct reader_watch *watch;
    struct reader_error *error;
    char *at;      /* in document->text; a zero stands at the message's end */
    uint16_t open; /* the innermost open element */
    unsigned depth;
    unsigned undo_count;
    unsigned undo_from[LIMIT_XML_DEPTH]; /* per open element, its first note in `undo` */
    struct undo undo[LIMIT_XML_DEPTH * LIMIT_XML_ATTRIBUTES];
};

const char *reader_words(enum reader_error_kind kind)
{
    static const char *const words[] = {
#define READER_ERROR_WORDS(name, words) [READER_ERROR_##name] = words,
        READER_ERROR_LIST(READER_ERROR_WORDS)
#undef READER_ERROR_WORDS
    };
    return words[kind];
}

static bool fail(struct reader *reader, enum reader_error_kind kind)
{
    *reader->error = (struct reader_error){
        .kind = kind,
        .offset = (uint32_t)(reader->at - reader->document->text),
        .node = reader->open,
    };
    return false;
}

static bool skip_space(struct reader *reader)
{
    const char *before = reader->at;
    while (characters_is_space(*reader->at)) {
        reader->at += 1;
    }
    return reader->at != before;
}

static bool take(struct reader *reader, struct span text)
{
    /* The zeros behind the message make this safe, and unequal, at its end. */
    if (memcmp(reader->at, text.bytes, text.size) != 0) return false;
    reader->at += text.size;
    return true;
}

static bool take_byte(struct reader *reader, char byte)
{
    if (*reader->at != byte) return false;
    reader->at += 1;
    return true;
}

/* ---- prolog ---- */

/* Eq and the quoted value of a pseudo-attribute; false when there is none. */
static bool take_quoted(struct reader *reader, struct span *value)
{
    skip_space(reader);
    if (!take_byte(reader, '=')) return false;
    skip_space(reader);
    char quote = *reader->at;
    if (quote != '"' && quote != '\'') return false;
    const char *begin = ++reader->at;
    while (*reader->at != quote) {
        if (*reader->at == '\0') return false;
        reader->at += 1;
    }
    *value = span_of(begin, (size_t)(reader->at - begin));
    reader->at += 1;
    return true;
}

static bool is_utf8(struct span name)
{
    static const char upper[] = "UTF-8";
    if (name.size != sizeof upper - 1) return false;
    for (size_t i = 0; i < name.size; i++) {
        char letter = name.bytes[i];
        if (letter >= 'a' && letter <= 'z') letter = (char)(letter - 'a' + 'A');
        if (letter != upper[i]) return false;
    }
    return true;
}

/* XML 1.0, production 23, with the values that WIRE section 2 accepts. */
static bool read_declaration(struct reader *reader)
{
    struct span value;
    if (!skip_space(reader) || !take(reader, SPAN("version")) || !take_quoted(reader, &value) ||
        !span_equal(value, SPAN("1.0"))) {
        return fail(reader, READER_ERROR_DECLARATION);
    }
    bool space = skip_space(reader);
    if (space && take(reader, SPAN("encoding"))) {
        if (!take_quoted(reader, &value)) return fail(reader, READER_ERROR_DECLARATION);
        if (!is_utf8(value)) return fail(reader, READER_ERROR_ENCODING);
        space = skip_space(reader);
    }
    if (space && take(reader, SPAN("standalone"))) {
        if (!take_quoted(reader, &value)) return fail(reader, READER_ERROR_DECLARATION);
        if (!span_equal(value, SPAN("yes")) && !span_equal(value, SPAN("no"))) {
            return fail(reader, READER_ERROR_DECLARATION);
        }
        skip_space(reader);
    }
    return take(reader, SPAN("?>")) || fail(reader, READER_ERROR_DECLARATION);
}

/* What "<!" and "<?" begin is nowhere accepted; the words say which it was. */
static bool fail_markup(struct reader *reader)
{
    const char *at = reader->at;
    if (at[1] == '?') return fail(reader, READER_ERROR_INSTRUCTION);
    if (strncmp(at, "<!--", 4) == 0) return fail(reader, READER_ERROR_COMMENT);
    if (strncmp(at, "<![CDATA[", 9) == 0) return fail(reader, READER_ERROR_CDATA);
    if (strncmp(at, "<!DOCTYPE", 9) == 0) return fail(reader, READER_ERROR_DTD);
    return fail(reader, READER_ERROR_MARKUP);
}

static bool read_prolog(struct reader *reader)
{
    (void)take(reader, SPAN("\xef\xbb\xbf"));
    if (memcmp(reader->at, "<?xml", 5) == 0 && characters_is_space(reader->at[5])) {
        reader->at += 5;
        if (!read_declaration(reader)) return false;
    }
    skip_space(reader);
    if (*reader->at == '\0') return fail(reader, READER_ERROR_EMPTY);
    if (*reader->at != '<') return fail(reader, READER_ERROR_OUTSIDE);
    if (reader->at[1] == '!' || reader->at[1] == '?') return fail_markup(reader);
    return true;
}

/* ---- references ---- */

/* XML 1.0, production 66: the character of "&#...;", 0 when there is no such. */
static uint32_t take_character(struct reader *reader)
{
    uint32_t code = 0;
    uint32_t base = 10;
    if (*reader->at == 'x') {
        base = 16;
        reader->at += 1;
    }
    const char *begin = reader->at;
    for (;; reader->at += 1) {
        char byte = *reader->at;
        uint32_t digit;
        if (byte >= '0' && byte <= '9') {
            digit = (uint32_t)(byte - '0');
        } else if (base == 16 && byte >= 'a' && byte <= 'f') {
            digit = (uint32_t)(byte - 'a' + 10);
        } else if (base == 16 && byte >= 'A' && byte <= 'F') {
            digit = (uint32_t)(byte - 'A' + 10);
        } else {
            break;
        }
        code = code * base + digit;
        if (code > 0x10ffff) return 0;
    }
    if (reader->at == begin || !take_byte(reader, ';') || !characters_is_xml(code)) return 0;
    return code;
}

/* Decodes the reference at reader->at to *to, which moves; the result is never longer. */
static bool take_reference(struct reader *reader, char **to)
{
    static const struct {
        struct span name;
        char character;
    } predefined[] = {{{"&lt;", 4}, '<'},
                      {{"&gt;", 4}, '>'},
                      {{"&amp;", 5}, '&'},
                      {{"&quot;", 6}, '"'},
                      {{"&apos;", 6}, '\''}};

    if (take(reader, SPAN("&#"))) {
        uint32_t code = take_character(reader);
        if (code == 0) return fail(reader, READER_ERROR_REFERENCE);
        *to += characters_encode(code, *to);
        return true;
    }
    for (size_t i = 0; i < sizeof predefined / sizeof *predefined; i++) {
        if (take(reader, predefined[i].name)) {
            *(*to)++ = predefined[i].character;
            return true;
        }
    }
    return fail(reader, READER_ERROR_REFERENCE);
}

/* A carriage return, alone or before a line feed, is a line feed (XML 1.0, 2.11). */
static void take_line_end(struct reader *reader)
{
    reader->at += reader->at[1] == '\n' ? 2 : 1;
}

/* ---- nodes ---- */

static uint16_t add_node(struct reader *reader, uint8_t kind, const char *text, size_t size)
{
    struct xml_document *document = reader->document;
    assert(document->node_count < LIMIT_XML_NODES); /* limits.h counts the bytes that one takes */
    uint16_t node = (uint16_t)document->node_count++;
    document->nodes[node] = (struct xml_node){
        .text = text,
        .size = (uint32_t)size,
        .offset = (uint32_t)(text - document->text),
        .parent = reader->open,
        .end = (uint16_t)(node + 1),
        .kind = kind,
        .attribute_first = (uint16_t)document->attribute_count,
    };
    return node;
}

/* The slow half of read_text: from the first reference, line end or ">" on. */
static bool decode_text(struct reader *reader, char *begin, char **end, bool *plain)
{
    char *to = reader->at;
    /* "]]" may stand before the place where the fast half stopped; later ones are counted here,
     * since decoding writes over the bytes behind. */
    unsigned brackets = 0;
    for (const char *back = to; back > begin && back[-1] == ']' && brackets < 2; back--) {
        brackets += 1;
    }
    while (*reader->at != '<' && *reader->at != '\0') {
        char byte = *reader->at;
        if (byte == '&') {
            char *decoded = to;
            if (!take_reference(reader, &to)) return false;
            *plain = *plain && !(to - decoded == 1 && (*decoded == '&' || *decoded == '<' ||
                                                       *decoded == '>' || *decoded == '\r'));
            brackets = 0;
        } else if (byte == '\r') {
            *to++ = '\n';
            take_line_end(reader);
            brackets = 0;
        } else {
            if (byte == '>') {
                if (brackets >= 2) return fail(reader, READER_ERROR_BRACKETS);
                *plain = false;
            }
            brackets = byte == ']' ? brackets + 1 : 0;
            *to++ = byte;
            reader->at += 1;
        }
    }
    *end = to;
    return true;
}

/* Text up to the next tag, which there must be. */
static bool read_text(struct reader *reader)
{
    char *begin = reader->at;
    char *at = begin;
    while (characters_are(*at, CHARACTERS_TEXT)) {
        at += 1;
    }
    reader->at = at;
    char *end = at;
    bool plain = true;
    if (*at != '<' && *at != '\0' && !decode_text(reader, begin, &end, &plain)) return false;
    if (*reader->at == '\0') return fail(reader, READER_ERROR_CUT);

    uint16_t node = add_node(reader, XML_TEXT, begin, (size_t)(end - begin));
    reader->document->nodes[node].plain = plain;
    if (reader->watch != NULL) reader->watch->text(reader->watch->context, reader->document, node);
    return true;
}

/* ---- start tags ---- */

/* A name as written, prefix and local part (Namespaces 1.0, production 7); what was wrong
 * otherwise. */
static bool take_name(struct reader *reader, struct span *name, uint8_t *local_at)
{
    const char *begin = reader->at;
    size_t size = characters_name(begin);
    size_t local = 0;
    if (size > 0 && begin[size] == ':') {
        local = size + 1;
        size_t rest = characters_name(begin + local);
        if (rest == 0) return fail(reader, READER_ERROR_NAME);
        size = local + rest;
    }
    if (size == 0) return fail(reader, READER_ERROR_NAME);
    if (size > LIMIT_XML_NAME_BYTES) return fail(reader, READER_ERROR_NAME_LONG);
    reader->at += size;
    *name = span_of(begin, size);
    *local_at = (uint8_t)local;
    return true;
}

/* Eq and an attribute's value, decoded and normalised in place (XML 1.0, 3.3.3, type CDATA). */
static bool take_value(struct reader *reader, struct span *value)
{
    skip_space(reader);
    if (!take_byte(reader, '=')) return fail(reader, READER_ERROR_ATTRIBUTE);
    skip_space(reader);
    char quote = *reader->at;
    if (quote != '"' && quote != '\'') return fail(reader, READER_ERROR_ATTRIBUTE);
    char *begin = ++reader->at;
    while (characters_are(*reader->at, CHARACTERS_VALUE)) {
        reader->at += 1;
    }
    char *to = reader->at;
    while (*reader->at != quote) {
        char byte = *reader->at;
        if (byte == '\0') return fail(reader, READER_ERROR_CUT);
        if (byte == '<') return fail(reader, READER_ERROR_ATTRIBUTE);
        if (byte == '&') {
            if (!take_reference(reader, &to)) return false;
        } else if (byte == '\r') {
            *to++ = ' ';
            take_line_end(reader);
        } else {
            *to++ = byte == '\n' || byte == '\t' ? ' ' : byte;
            reader->at += 1;
        }
    }
    reader->at += 1;
    *value = span_of(begin, (size_t)(to - begin));
    return true;
}

/* RFC 3986, 4.2: a reference without a scheme is relative. */
static bool is_relative(struct span uri)
{
    for (size_t i = 0; i < uri.size; i++) {
        char byte = uri.bytes[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool other = (byte >= '0' && byte <= '9') || byte == '+' || byte == '-' || byte == '.';
        if (byte == ':') return i == 0;
        if (!letter && (i == 0 || !other)) return true;
    }
    return uri.size > 0;
}

/* A namespace declaration (Namespaces 1.0, sections 3 and 5): `prefix` stands for `uri` from
 * here. */
static bool declare(struct reader *reader, struct span prefix, struct span uri)
{
    struct xml_names *names = reader->document->names;
    uint16_t prefix_name = names_intern(names, prefix);
    uint16_t uri_name = names_intern(names, uri);
    if (prefix_name == NAMES_XMLNS || uri_name == NAMES_XMLNS_NAMESPACE ||
        (prefix_name == NAMES_XML) != (uri_name == NAMES_XML_NAMESPACE) ||
        (prefix_name != NAMES_EMPTY && uri_name == NAMES_EMPTY)) {
        return fail(reader, READER_ERROR_NAMESPACE);
    }
    for (unsigned i = reader->undo_from[reader->depth - 1]; i < reader->undo_count; i++) {
        if (reader->undo[i].prefix == prefix_name) {
            return fail(reader, READER_ERROR_ATTRIBUTE_TWICE);
        }
    }
    if (is_relative(uri)) reader->document->relative_namespace = true;
    assert(reader->undo_count < LIMIT_XML_DEPTH * LIMIT_XML_ATTRIBUTES); /* both are bounded */
    reader->undo[reader->undo_count++] =
        (struct undo){.prefix = prefix_name, .namespace = names->bound[prefix_name]};
    names->bound[prefix_name] = uri_name;
    return true;
}

static bool read_attribute(struct reader *reader, struct xml_node *node)
{
    struct xml_document *document = reader->document;
    struct span name, value;
    uint8_t local_at;
    if (!take_name(reader, &name, &local_at) || !take_value(reader, &value)) return false;

    if (span_equal(name, SPAN("xmlns"))) return declare(reader, SPAN(""), value);
    if (span_starts_with(name, SPAN("xmlns:"))) return declare(reader, span_after(name, 6), value);

    assert(document->attribute_count < LIMIT_XML_ATTRIBUTES_ALL); /* limits.h counts the bytes */
    document->attributes[document->attribute_count++] = (struct xml_attribute){
        .name = name.bytes,
        .value = value.bytes,
        .size = (uint32_t)value.size,
        .name_size = (uint8_t)name.size,
        .local_at = local_at,
    };
    node->attribute_count += 1;
    return true;
}

/* The number of a name's prefix and what it stands for. */
static bool resolve(struct reader *reader, const char *name, uint8_t local_at, uint16_t *prefix,
                    uint16_t *namespace)
{
    const struct xml_names *names = reader->document->names;
    uint16_t found = names_find(names, span_of(name, local_at - 1u));
    if (found == NAMES_ABSENT || names->bound[found] == NAMES_ABSENT) {
        return fail(reader, READER_ERROR_PREFIX);
    }
    *prefix = found;
    *namespace = names->bound[found];
    return true;
}

static bool resolve_attributes(struct reader *reader, struct xml_node *node)
{
    struct xml_attribute *attributes = &reader->document->attributes[node->attribute_first];
    for (unsigned i = 0; i < node->attribute_count; i++) {
        struct xml_attribute *one = &attributes[i];
        if (one->local_at > 0 &&
            !resolve(reader, one->name, one->local_at, &one->prefix, &one->namespace)) {
            return false;
        }
        struct span local = span_after(span_of(one->name, one->name_size), one->local_at);
        for (unsigned j = 0; j < i; j++) {
            const struct xml_attribute *other = &attributes[j];
            if (other->namespace == one->namespace &&
                span_equal(span_after(span_of(other->name, other->name_size), other->local_at),
                           local)) {
                return fail(reader, READER_ERROR_ATTRIBUTE_TWICE);
            }
        }
    }
    return true;
}

static void close_element(struct reader *reader)
{
    struct xml_document *document = reader->document;
    uint16_t node = reader->open;
    document->nodes[node].end = (uint16_t)document->node_count;
    if (reader->watch != NULL) reader->watch->end(reader->watch->context, document, node);

    reader->depth -= 1;
    while (reader->undo_count > reader->undo_from[reader->depth]) {
        struct undo undo = reader->undo[--reader->undo_count];
        document->names->bound[undo.prefix] = undo.namespace;
    }
    reader->open = document->nodes[node].parent;
}

static bool read_start_tag(struct reader *reader)
{
    if (reader->depth == LIMIT_XML_DEPTH) return fail(reader, READER_ERROR_DEPTH);
    reader->at += 1;
    struct span name;
    uint8_t local_at;
    if (!take_name(reader, &name, &local_at)) return false;

    uint16_t index = add_node(reader, XML_ELEMENT, name.bytes, name.size);
    struct xml_node *node = &reader->document->nodes[index];
    node->local_at = local_at;
    reader->open = index;
    reader->undo_from[reader->depth++] = reader->undo_count;

    unsigned attributes = 0;
    bool space = skip_space(reader);
    while (*reader->at != '>' && *reader->at != '/') {
        if (*reader->at == '\0') return fail(reader, READER_ERROR_CUT);
        if (!space) return fail(reader, READER_ERROR_MARKUP);
        if (attributes++ == LIMIT_XML_ATTRIBUTES) {
            return fail(reader, READER_ERROR_ATTRIBUTES_MANY);
        }
        if (!read_attribute(reader, node)) return false;
        space = skip_space(reader);
    }
    if (local_at > 0) {
        if (!resolve(reader, node->text, local_at, &node->prefix, &node->namespace)) return false;
    } else {
        node->namespace = reader->document->names->bound[NAMES_EMPTY];
    }
    if (node->attribute_count > 0 && !resolve_attributes(reader, node)) return false;

    bool empty = take_byte(reader, '/');
    if (!take_byte(reader, '>')) return fail(reader, READER_ERROR_MARKUP);
    if (reader->watch != NULL) {
        reader->watch->start(reader->watch->context, reader->document, index);
    }
    if (empty) close_element(reader);
    return true;
}

static bool read_end_tag(struct reader *reader)
{
    const struct xml_node *node = &reader->document->nodes[reader->open];
    const char *name = reader->at + 2;
    if (memcmp(name, node->text, node->size) != 0) return fail(reader, READER_ERROR_END_TAG);
    reader->at += 2 + node->size;
    skip_space(reader);
    if (!take_byte(reader, '>')) return fail(reader, READER_ERROR_END_TAG);
    close_element(reader);
    return true;
}

/* ---- the whole ---- */

static bool read_content(struct reader *reader)
{
    if (!read_start_tag(reader)) return false;
    while (reader->depth > 0) {
        if (*reader->at != '<' && !read_text(reader)) return false;
        switch (reader->at[1]) {
        case '/':
            if (!read_end_tag(reader)) return false;
            break;
        case '!':
        case '?': return fail_markup(reader);
        default:
            if (!read_start_tag(reader)) return false;
        }
    }
    return true;
}

static bool read_epilog(struct reader *reader)
{
    reader->open = 0;
    skip_space(reader);
    if (*reader->at == '\0') return true;
    if (*reader->at == '<' && (reader->at[1] == '!' || reader->at[1] == '?')) {
        return fail_markup(reader);
    }
    return fail(reader, READER_ERROR_AFTER_ROOT);
}

/* Copies the message to where the pass reads it, and judges its characters. */
static bool take_message(struct reader *reader, struct span message)
{
    struct xml_document *document = reader->document;
    if (message.size > LIMIT_MESSAGE_BYTES) return fail(reader, READER_ERROR_TOO_LONG);
    if (message.size > 0) memcpy(document->text, message.bytes, message.size);
    memset(document->text + message.size, 0, DOCUMENT_TEXT_BYTES - LIMIT_MESSAGE_BYTES);

    size_t bad_at = 0;
    switch (characters_check(span_of(document->text, message.size), &bad_at)) {
    case CHARACTERS_GOOD: return true;
    case CHARACTERS_NOT_UTF8: reader->at += bad_at; return fail(reader, READER_ERROR_ENCODING);
    case CHARACTERS_NOT_XML: reader->at += bad_at; return fail(reader, READER_ERROR_CHARACTER);
    }
    return false;
}

enum fault reader_parse(struct xml_document *document, struct span message,
                        const struct reader_watch *watch, struct reader_error *error)
{
    struct reader reader;
    reader.document = document;
    reader.watch = watch;
    reader.error = error;
    reader.at = document->text;
    reader.open = XML_NONE;
    reader.depth = 0;
    reader.undo_count = 0;

    document->message = message;
    document->node_count = 0;
    document->attribute_count = 0;
    document->relative_namespace = false;
    names_reset(document->names);
    *error = (struct reader_error){.kind = READER_ERROR_NONE, .node = XML_NONE};

    if (take_message(&reader, message) && read_prolog(&reader) && read_content(&reader) &&
        read_epilog(&reader)) {
        return FAULT_NONE;
    }
    for (uint16_t node = reader.open; node != XML_NONE; node = document->nodes[node].parent) {
        document->nodes[node].end = (uint16_t)document->node_count;
    }
    return FAULT_INVALID;
}
