/* characters: which bytes are UTF-8, which of these are XML characters, which of these make names.
 *
 * For proto/xml only.  XML 1.0, 5th edition, productions 2 (Char), 4 and 4a (NameStartChar,
 * NameChar); Namespaces 1.0, production 4 (NCName). */
#ifndef PROTO_XML_CHARACTERS_H
#define PROTO_XML_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"

enum characters_verdict { CHARACTERS_GOOD, CHARACTERS_NOT_UTF8, CHARACTERS_NOT_XML };

/* Judges a whole message; *bad_at is where the first fault begins.  Overlong forms, surrogates and
 * what lies above U+10FFFF are no UTF-8; control characters, U+FFFE and U+FFFF are no XML. */
enum characters_verdict characters_check(struct span text, size_t *bad_at);

/* Whether a number is an XML character, as a character reference must be. */
bool characters_is_xml(uint32_t code);

/* Writes the UTF-8 of an XML character and returns its length. */
size_t characters_encode(uint32_t code, char bytes[4]);

/* The length of the NCName at `at`, 0 when there is none.  Assumed good text that ends with a
 * zero. */
size_t characters_name(const char *at);

/* What the reader asks of a single byte; one table for speed. */
enum {
    CHARACTERS_SPACE = 1,      /* space, tab, line feed, carriage return */
    CHARACTERS_NAME_START = 2, /* ASCII only */
    CHARACTERS_NAME = 4,       /* ASCII only */
    CHARACTERS_TEXT = 8,       /* goes on in text: all but < & > carriage return and zero */
    CHARACTERS_VALUE = 16,     /* goes on in a value: all but < & " ' white space and zero; space
                                  does */
};

extern const uint8_t characters_table[256];

static inline bool characters_are(char byte, int kinds)
{
    return (characters_table[(unsigned char)byte] & kinds) != 0;
}

static inline bool characters_is_space(char byte)
{
    return characters_are(byte, CHARACTERS_SPACE);
}

/* Whether all of `text` is white space. */
static inline bool characters_all_space(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!characters_is_space(text.bytes[i])) return false;
    }
    return true;
}

#endif
