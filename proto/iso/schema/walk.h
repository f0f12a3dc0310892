/* walk: judges a message by the official schemas while the reader reads it.
 *
 * It takes an Envelope of AppHdr and Document, or one of the two alone (`cauce message check`),
 * finds the tables by namespace, and keeps the first error of each part aside: which of them counts
 * is decided by the order of WIRE section 2's table, in proto/iso.  What is inside Sgntr is not
 * judged here but by proto/signature.  Each element judged gets its id of ids.h in `schema`. */
#ifndef PROTO_ISO_SCHEMA_WALK_H
#define PROTO_ISO_SCHEMA_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/iso/schema/tables.h"
#include "proto/xml/document.h"
#include "proto/xml/reader.h"

#define WALK_ENVELOPE_NAMESPACE "urn:cauce:envelope:1"
#define WALK_HEADER_NAMESPACE "urn:iso:std:iso:20022:tech:xsd:head.001.001.02"

/* Name, words for admi.002 RsnDesc; %s is the name of the element or attribute. */
#define WALK_ERROR_LIST(X)                                                                         \
    X(NONE, "none")                                                                                \
    X(ROOT, "the root element is not Envelope")                                                    \
    X(MISSING, "element %s is missing")                                                            \
    X(CHOICE, "%s holds none of the elements of which it needs one")                               \
    X(UNEXPECTED, "element %s is not expected here")                                               \
    X(NAMESPACE, "element %s is in another namespace")                                             \
    X(TEXT, "text between the elements of %s")                                                     \
    X(NOT_EMPTY, "element in %s, which holds only text")                                           \
    X(ATTRIBUTE, "attribute %s is not expected here")                                              \
    X(ATTRIBUTE_MISSING, "attribute %s is missing")                                                \
    X(LENGTH, "%s is shorter or longer than its type allows")                                      \
    X(PATTERN, "%s does not match the pattern of its type")                                        \
    X(VALUE, "%s is not one of the values of its type")                                            \
    X(DIGITS, "%s has more digits than its type allows")                                           \
    X(RANGE, "%s is below the least value of its type")                                            \
    X(FORM, "%s does not have the form of its type")

enum walk_error_kind {
#define WALK_ERROR_MEMBER(name, words) WALK_ERROR_##name,
    WALK_ERROR_LIST(WALK_ERROR_MEMBER)
#undef WALK_ERROR_MEMBER
};

struct walk_error {
    enum walk_error_kind kind; /* WALK_ERROR_NONE: this part is as it should be */
    uint16_t node;             /* the offending element, or the parent of a missing one */
    struct span name;          /* what the words speak of; lives as long as the document */
    uint16_t instead; /* MISSING: the element that stood in its place, XML_NONE for the end */
};

/* What the root element is. */
enum walk_root { WALK_ROOT_ENVELOPE, WALK_ROOT_HEADER, WALK_ROOT_DOCUMENT, WALK_ROOT_OTHER };

/* How the children of an open element are judged. */
enum walk_mode {
    WALK_ENVELOPE, /* Envelope: AppHdr, then Document */
    WALK_TYPE,     /* by its type */
    WALK_LAX,      /* any, but the message's own root element is judged again */
    WALK_SKIP      /* any */
};

struct walk_frame {
    const struct schema_type *type; /* WALK_TYPE */
    uint16_t element;               /* sequence or choice: id of the element that stood last */
    uint16_t count;                 /* how often that one has stood; else how many children */
    enum walk_mode mode;
};

struct walk {
    /* The verdict, good once walk_read has returned FAULT_NONE. */
    enum walk_root root;
    uint16_t header;                      /* AppHdr, XML_NONE when there is none */
    uint16_t document;                    /* Document, XML_NONE when there is none */
    const struct schema_message *message; /* of Document's namespace; NULL when it is not known,
                                              and then the Document has not been judged */
    bool header_known;                    /* AppHdr is of head.001.001.02; else not judged */
    struct walk_error shape_error;        /* Envelope is not AppHdr + Document */
    struct walk_error header_error;       /* AppHdr breaks its schema */
    struct walk_error document_error;     /* Document breaks its schema */

    /* The state of the pass: walk.c's own. */
    struct walk_error *part_error;     /* where an error of AppHdr or Document goes, while in one */
    const struct schema_message *part; /* whose tables judge it */
    uint16_t part_namespace;
    unsigned depth;
    struct walk_frame frames[LIMIT_XML_DEPTH];
};

/* Reads and judges `message` in one pass; see reader_parse for who owns what.
 * FAULT_INVALID: BADXML; *error says why, and the verdict is only about what came before.
 * FAULT_NONE: well-formed; look at the verdict. */
MUST_CHECK enum fault walk_read(struct walk *walk, struct xml_document *document,
                                struct span message, struct reader_error *error);

/* Writes the words of an error, with a zero, at most 350 bytes without it; returns the length. */
size_t walk_words(const struct walk_error *error, char words[LIMIT_LOCATION_BYTES + 1]);

#endif
