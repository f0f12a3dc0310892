/* writer: XML that is already canonical: the exclusive C14N of what it writes equals its bytes.
 *
 * Into one fixed buffer of the caller's.  Overflow is remembered and asked for once, in
 * writer_finish; names are the code's own, texts may be anything lawful in XML and are escaped.
 * Calls out of order (an end without a start) are broken invariants and abort. */
#ifndef PROTO_XML_WRITER_H
#define PROTO_XML_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"

struct writer {
    char *bytes;
    size_t capacity;
    size_t size; /* <= capacity */
    bool full;   /* set once, never cleared */
    unsigned depth;
    struct span open[LIMIT_XML_DEPTH]; /* names of the elements not yet ended; the caller's */
};

/* The buffer stays the caller's. */
void writer_open(struct writer *writer, char *bytes, size_t capacity);

/* <name> */
void writer_start(struct writer *writer, struct span name);

/* <name xmlns="uri">: the default namespace changes here; or with a prefixed name ("ds:Signature"),
 * <ds:Signature xmlns:ds="uri">. */
void writer_start_namespace(struct writer *writer, struct span name, struct span uri);

/* <name attribute="value">: one attribute without prefix. */
void writer_start_attribute(struct writer *writer, struct span name, struct span attribute,
                            struct span value);

/* Characters inside the open element, escaped as C14N does. Assumed valid UTF-8 of XML's Char. */
void writer_text(struct writer *writer, struct span text);

/* Bytes as they are: canonical XML made elsewhere. */
void writer_raw(struct writer *writer, struct span bytes);

/* </name> of the innermost open element. */
void writer_end(struct writer *writer);

/* <name>text</name> */
void writer_leaf(struct writer *writer, struct span name, struct span text);

/* writer_leaf, or nothing when the text is empty: an optional element. */
void writer_leaf_optional(struct writer *writer, struct span name, struct span text);

/* *written = the bytes so far. FAULT_FULL: they did not fit, and *written is empty.
 * Elements may still be open: the place of a signature is found in this way. */
MUST_CHECK enum fault writer_finish(const struct writer *writer, struct span *written);

#endif
