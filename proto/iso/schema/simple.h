/* simple: whether characters are a value of a simple type (XML Schema 1.0, part 2).
 *
 * For walk.c.  Pure; linear in the text's length; no allocation. */
#ifndef PROTO_ISO_SCHEMA_SIMPLE_H
#define PROTO_ISO_SCHEMA_SIMPLE_H

#include "proto/base/span.h"
#include "proto/iso/schema/tables.h"

enum simple_verdict {
    SIMPLE_GOOD,
    SIMPLE_LENGTH,  /* minLength, maxLength, length */
    SIMPLE_PATTERN, /* pattern */
    SIMPLE_VALUE,   /* enumeration */
    SIMPLE_DIGITS,  /* totalDigits, fractionDigits */
    SIMPLE_RANGE,   /* minInclusive */
    SIMPLE_FORM     /* not of the built-in type's lexical space */
};

/* `text` is well-formed UTF-8 as the reader decoded it; white space is handled here. */
enum simple_verdict simple_check(const struct schema_simple *type, struct span text);

#endif
