/* document: one XML message as a table of its elements and texts, in document order.
 *
 * What is digested, validated and read is this one table, so that no part of a message can mean
 * one thing to the signature and another to the switch.  proto/xml/README.md draws it.
 *
 * Memory: all is taken in document_open and used again for each message; nothing is allocated
 * and nothing big is cleared per message.  Names and texts point into the document's own copy of
 * the message, in which references and line ends are decoded in place: they live until the next
 * reader_parse of the document.
 * Threads: a document belongs to one thread. */
#ifndef PROTO_XML_DOCUMENT_H
#define PROTO_XML_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"

#define XML_NONE UINT16_MAX         /* no such node */
#define XML_NAMESPACE_NONE 0        /* the namespace of an element or attribute that is in none */
#define XML_NAMESPACE_XML 1         /* what the prefix xml stands for */
#define XML_NAMESPACE_ABSENT 0xffff /* document_namespace: the message never declares it */

/* The path of a node at most, WIRE section 2: 350 characters of up to 4 bytes, and a zero. */
#define XML_PATH_BYTES (LIMIT_LOCATION_BYTES * 4 + 1)

enum xml_kind { XML_ELEMENT, XML_TEXT };

/* A node is named by its index; the root element is node 0. */
struct xml_node {
    const char *text;         /* element: its name as written; text: its characters, decoded */
    uint32_t size;            /* bytes of `text` */
    uint32_t offset;          /* where it begins in the message */
    uint16_t parent;          /* XML_NONE for the root */
    uint16_t end;             /* one past its last descendant; the next sibling when that has the
                                 same parent; a text's is the next node */
    uint16_t namespace;       /* element: interned in this document, XML_NAMESPACE_NONE */
    uint16_t prefix;          /* element: its prefix, interned in this document, 0 = none */
    uint16_t attribute_first; /* element: its attributes, namespace declarations left out */
    uint16_t schema;          /* element: what proto/iso/schema/ids.h calls it, 0 = unknown there */
    uint8_t attribute_count;
    uint8_t local_at; /* element: where the local name begins in `text` */
    uint8_t kind;     /* enum xml_kind */
    bool plain;       /* text: holds none of & < > and carriage return */
};

struct xml_attribute {
    const char *name;   /* as written */
    const char *value;  /* decoded and normalised (XML 1.0, 3.3.3, CDATA) */
    uint32_t size;      /* bytes of `value` */
    uint16_t namespace; /* XML_NAMESPACE_NONE without a prefix */
    uint16_t prefix;    /* 0 = none */
    uint8_t name_size;
    uint8_t local_at;
};

struct xml_names; /* prefixes and namespace names, each once: names.h */

struct xml_document {
    struct span message;              /* the bytes last parsed, as received; the caller's */
    struct xml_node *nodes;           /* LIMIT_XML_NODES of them */
    struct xml_attribute *attributes; /* LIMIT_XML_ATTRIBUTES_ALL of them */
    char *text;                       /* the copy, DOCUMENT_TEXT_BYTES */
    struct xml_names *names;
    uint32_t node_count;
    uint32_t attribute_count;
    bool relative_namespace; /* a namespace name without a scheme is declared somewhere */
};

/* The copy ends with zeros, so that scanning and comparing a name need no bound. */
#define DOCUMENT_TEXT_BYTES (LIMIT_MESSAGE_BYTES + 2 * LIMIT_XML_NAME_BYTES)

/* Takes the memory for one message at a time, about 2 MB, and touches it.
 * FAULT_MEMORY: it cannot be had. */
MUST_CHECK enum fault document_open(struct xml_document *document);

/* Accepts a document of zeros. */
void document_close(struct xml_document *document);

/* The first element below `node` (the element itself not counted); XML_NONE when there is none. */
uint16_t document_first(const struct xml_document *document, uint16_t node);

/* The next element after `node` below the same parent; XML_NONE when there is none. */
uint16_t document_next(const struct xml_document *document, uint16_t node);

/* The first child of `node` with this local name, whatever its namespace: for messages that the
 * schema walker has found valid.  XML_NONE when there is none, or when node is XML_NONE. */
uint16_t document_child(const struct xml_document *document, uint16_t node, struct span local);

/* The first child of `node` with this id of proto/iso/schema/ids.h; XML_NONE as above. */
uint16_t document_child_id(const struct xml_document *document, uint16_t node, uint16_t schema);

/* The characters of an element that holds only text, white space as written; empty for an empty
 * element, for XML_NONE, and for one that begins with an element. */
struct span document_text(const struct xml_document *document, uint16_t node);

/* document_text of the child with this id: the usual way to read a leaf. */
struct span document_leaf(const struct xml_document *document, uint16_t node, uint16_t schema);

/* The local name of an element. */
struct span document_local(const struct xml_document *document, uint16_t node);

/* The namespace name of an id of this document: element's or attribute's `namespace`. */
struct span document_namespace_name(const struct xml_document *document, uint16_t namespace);

/* The id that this document has for a namespace name, XML_NAMESPACE_ABSENT when it has none. */
uint16_t document_namespace(const struct xml_document *document, struct span name);

/* Whether `node` is an element with this namespace id and local name. */
bool document_is(const struct xml_document *document, uint16_t node, uint16_t namespace,
                 struct span local);

/* The attribute of an element in no namespace with this name; NULL when it has none. */
const struct xml_attribute *document_attribute(const struct xml_document *document, uint16_t node,
                                               struct span local);

/* Writes the path of local names from the root to `node`, with [n] among siblings of the same
 * local name, cut at 350 characters, and a zero:
 * "/Envelope/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[2]" (WIRE section 2, ErrLctn).  Empty for
 * XML_NONE.  A text node's is its parent's. Returns the length without the zero. */
size_t document_path(const struct xml_document *document, uint16_t node, char path[XML_PATH_BYTES]);

/* Line and column (in bytes), both from 1, of a place in the message.
 * Assumed that the message's bytes still live. */
void document_position(const struct xml_document *document, uint32_t offset, uint32_t *line,
                       uint32_t *column);

#endif
