/* reader: bytes to a document, or the first thing in them that the closed dialect has not.
 *
 * One strict pass over UTF-8.  Accepted: elements, attributes, namespaces, text, predefined
 * entities and character references, an XML declaration, a byte-order mark.  Everything else of XML
 * (DTD, comment, processing instruction, CDATA, other encodings, XML 1.1) is refused, and so is
 * what breaks XML 1.0 (5th edition), Namespaces 1.0 or a bound (WIRE section 2: BADXML).
 *
 * During the pass a watch may look on: the schema walker judges the message while it is read.
 * Cost: linear in the message's size, whatever it holds. */
#ifndef PROTO_XML_READER_H
#define PROTO_XML_READER_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/xml/document.h"

/* Name, words for admi.002 RsnDesc. */
#define READER_ERROR_LIST(X)                                                                       \
    X(NONE, "none")                                                                                \
    X(TOO_LONG, "the message is longer than 64 KiB")                                               \
    X(EMPTY, "there is no element")                                                                \
    X(ENCODING, "not UTF-8")                                                                       \
    X(CHARACTER, "a character that XML 1.0 does not allow")                                        \
    X(DECLARATION, "the XML declaration is not version 1.0, encoding UTF-8")                       \
    X(DTD, "a document type declaration is not accepted")                                          \
    X(COMMENT, "a comment is not accepted")                                                        \
    X(INSTRUCTION, "a processing instruction is not accepted")                                     \
    X(CDATA, "a CDATA section is not accepted")                                                    \
    X(MARKUP, "malformed markup")                                                                  \
    X(NAME, "not a name")                                                                          \
    X(NAME_LONG, "a name is longer than 128 bytes")                                                \
    X(ATTRIBUTE, "malformed attribute")                                                            \
    X(ATTRIBUTE_TWICE, "an attribute stands twice")                                                \
    X(ATTRIBUTES_MANY, "more than 32 attributes and namespace declarations on an element")         \
    X(PREFIX, "a prefix is not declared")                                                          \
    X(NAMESPACE, "a namespace declaration that is not lawful")                                     \
    X(REFERENCE, "a reference that is not predefined, or to no lawful character")                  \
    X(BRACKETS, "]]> in text")                                                                     \
    X(DEPTH, "deeper than 64 elements")                                                            \
    X(END_TAG, "an end tag that does not match its start tag")                                     \
    X(OUTSIDE, "text outside the root element")                                                    \
    X(AFTER_ROOT, "something other than white space after the root element")                       \
    X(CUT, "the message ends inside an element")

enum reader_error_kind {
#define READER_ERROR_MEMBER(name, words) READER_ERROR_##name,
    READER_ERROR_LIST(READER_ERROR_MEMBER)
#undef READER_ERROR_MEMBER
};

struct reader_error {
    enum reader_error_kind kind;
    uint32_t offset; /* in the message, where reading stopped */
    uint16_t node;   /* the innermost element open there; XML_NONE before the root */
};

/* Who looks on.  Each call comes once the node is complete as far as said; `context` is the
 * watch's own.  The document may be read, its schema fields written, nothing else changed. */
struct reader_watch {
    void *context;
    /* A start tag has been read: name, namespace and attributes are known. */
    void (*start)(void *context, struct xml_document *document, uint16_t node);
    /* A run of text between two tags. */
    void (*text)(void *context, struct xml_document *document, uint16_t node);
    /* The element's end tag has been read. */
    void (*end)(void *context, struct xml_document *document, uint16_t node);
};

/* Reads `message` into `document`, which forgets the one before.  `watch` may be NULL.  The bytes
 * stay the caller's; the document works on a copy.
 * FAULT_INVALID: refused; *error says where and why, and the document holds what came before. */
MUST_CHECK enum fault reader_parse(struct xml_document *document, struct span message,
                                   const struct reader_watch *watch, struct reader_error *error);

/* The words of the list. Static. */
const char *reader_words(enum reader_error_kind kind);

#endif
