/* tables: the official ISO 20022 schemas as constant tables, made by generate.py from the XSDs.
 *
 * All messages share one set of types, since ISO gives a type that changes another name.  Ids of
 * elements are in ids.h: ID_<complex type>_<element>, and ID_<message>_<element> for roots. */
#ifndef PROTO_ISO_SCHEMA_TABLES_H
#define PROTO_ISO_SCHEMA_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/span.h"

/* How the characters of a simple type are read, before its facets (XML Schema 1.0 part 2). */
enum schema_builtin {
    SCHEMA_STRING, /* white space is kept; of all others it is collapsed */
    SCHEMA_DECIMAL,
    SCHEMA_BOOLEAN,
    SCHEMA_DATE,
    SCHEMA_DATE_TIME,
    SCHEMA_TIME,
    SCHEMA_YEAR_MONTH,
    SCHEMA_BASE64,
};

#define SCHEMA_UNBOUNDED UINT16_MAX

/* A simple type with its facets; 0 means "no such facet" unless said. */
struct schema_simple {
    const char *name;        /* ISO's name of the type, for words */
    uint8_t builtin;         /* enum schema_builtin */
    bool has_min_inclusive;  /* minInclusive is 0 wherever ISO has one */
    uint8_t total_digits;    /* 0 = any */
    uint8_t fraction_digits; /* SCHEMA_ANY_DIGITS = any */
    uint32_t length_min;     /* in characters; of SCHEMA_BASE64 in octets */
    uint32_t length_max;     /* SCHEMA_ANY_LENGTH = any */
    uint16_t pattern;        /* 1 + index into tables_patterns, 0 = none */
    uint16_t enumeration;    /* first of its values in tables_values, sorted by bytes */
    uint16_t enumeration_count;
};

#define SCHEMA_ANY_DIGITS UINT8_MAX
#define SCHEMA_ANY_LENGTH UINT32_MAX

/* A pattern as a deterministic automaton: state 0 is the start; next = moves[state * classes +
 * class of the byte]; class 0 is every byte that no pattern move takes; SCHEMA_DEAD = no match any
 * more. */
struct schema_pattern {
    const char *source;      /* as in the XSD, for words */
    const uint8_t *class_of; /* 256: class of each byte */
    const uint8_t *moves;
    uint64_t accepting; /* bit per state; at most 64 states */
    uint8_t classes;
};

#define SCHEMA_DEAD UINT8_MAX

enum schema_content {
    SCHEMA_SIMPLE,   /* text; attributes when there are any */
    SCHEMA_SEQUENCE, /* its elements in order */
    SCHEMA_CHOICE, /* one of its elements, often where that may be; none where one may be absent */
    SCHEMA_LAX,    /* one element of any namespace; within it only this message's root is judged */
    SCHEMA_SKIP,   /* one element of any namespace, not judged */
    SCHEMA_SIGNATURE /* anything: the signature floor judges it */
};

/* A complex type, or a simple one in its place as the type of an element. */
struct schema_type {
    uint8_t content;        /* enum schema_content */
    uint8_t attribute;      /* 1 + index into tables_attributes, 0 = none; ISO has one at most */
    uint16_t simple;        /* SCHEMA_SIMPLE: index into tables_simples */
    uint16_t element_first; /* its elements in tables_elements, in order */
    uint16_t element_count;
};

/* An element in its place.  Its index in tables_elements is its id. */
struct schema_element {
    struct span name;
    uint16_t type; /* index into tables_types */
    uint16_t occurs_min;
    uint16_t occurs_max; /* SCHEMA_UNBOUNDED */
};

struct schema_attribute {
    struct span name;
    uint16_t simple;
    bool required;
};

/* A message version: its namespace and its root element. */
struct schema_message {
    struct span identifier; /* "pacs.008.001.08" */
    struct span namespace;  /* "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08" */
    uint16_t root;          /* id of its root element, Document or AppHdr */
};

extern const struct schema_simple tables_simples[];
extern const struct schema_pattern tables_patterns[];
extern const struct span tables_values[];
extern const struct schema_type tables_types[];
extern const struct schema_element tables_elements[];
extern const struct schema_attribute tables_attributes[];
extern const struct schema_message tables_messages[];
extern const unsigned tables_message_count;

/* The message of a namespace name, NULL when it is not one of WIRE section 2's list. */
const struct schema_message *tables_find(struct span namespace);

#endif
