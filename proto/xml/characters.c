/* characters: one table for bytes of ASCII, ranges for the rest.
 *
 * characters_check looks at eight bytes at a time; only a word that holds something other than
 * printable ASCII is looked at byte by byte. */
#include "proto/xml/characters.h"

/* Kinds of bytes, from what production each has: D digits, "-", "."; N letters, "_";
 * ":" is markup. */
enum {
    Z = 0,
    S = CHARACTERS_SPACE | CHARACTERS_TEXT,
    B = CHARACTERS_SPACE | CHARACTERS_TEXT | CHARACTERS_VALUE,
    R = CHARACTERS_SPACE,
    T = CHARACTERS_TEXT | CHARACTERS_VALUE,
    Q = CHARACTERS_TEXT,
    G = CHARACTERS_VALUE,
    D = CHARACTERS_NAME | CHARACTERS_TEXT | CHARACTERS_VALUE,
    N = CHARACTERS_NAME_START | CHARACTERS_NAME | CHARACTERS_TEXT | CHARACTERS_VALUE,
};

const uint8_t characters_table[256] = {
    Z, Z, Z, Z, Z, Z, Z, Z, Z, S, S, Z, Z, R, Z, Z, /* 00: tab, line feed, carriage return */
    Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, /* 10 */
    B, T, Q, T, T, T, Z, Q, T, T, T, T, T, D, D, T, /* 20: space " & ' - . */
    D, D, D, D, D, D, D, D, D, D, T, T, Z, T, G, T, /* 30: digits < > */
    T, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, /* 40: letters */
    N, N, N, N, N, N, N, N, N, N, N, T, T, T, T, N, /* 50: letters _ */
    T, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, /* 60: letters */
    N, N, N, N, N, N, N, N, N, N, N, T, T, T, T, T, /* 70: letters; 7f is a lawful character */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* 80: parts of UTF-8 */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* 90 */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* a0 */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* b0 */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* c0 */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* d0 */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* e0 */
    T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, /* f0 */
};

bool characters_is_xml(uint32_t code)
{
    if (code < 0x20) return code == 0x9 || code == 0xa || code == 0xd;
    if (code < 0xd800) return true;
    return (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

size_t characters_encode(uint32_t code, char bytes[4])
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        bytes[0] = (char)(0xc0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        bytes[0] = (char)(0xe0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    bytes[0] = (char)(0xf0 | code >> 18);
    bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* Reads one character of more than one byte (RFC 3629, section 4). Its length, 0 when it is
 * none. */
static size_t decode(struct span text, size_t at, uint32_t *code)
{
    unsigned char lead = (unsigned char)text.bytes[at];
    size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || length > text.size - at) return 0;
    uint32_t value = lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char byte = (unsigned char)text.bytes[at + i];
        if ((byte & 0xc0) != 0x80) return 0;
        value = value << 6 | (byte & 0x3fu);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 0;
    *code = value;
    return length;
}

/* Whether the eight bytes at `at` are all 0x20 to 0x7f. */
static bool word_is_printable(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t below_space = (word - UINT64_C(0x2020202020202020)) & ~word;
    return ((word | below_space) & UINT64_C(0x8080808080808080)) == 0;
}

enum characters_verdict characters_check(struct span text, size_t *bad_at)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.size - at >= 8 && word_is_printable(text.bytes + at)) {
            at += 8;
            continue;
        }
        size_t word_end = text.size - at < 8 ? text.size : at + 8;
        while (at < word_end) {
            uint32_t code = (unsigned char)text.bytes[at];
            size_t length = code < 0x80 ? 1 : decode(text, at, &code);
            *bad_at = at;
            if (length == 0) return CHARACTERS_NOT_UTF8;
            if (!characters_is_xml(code)) return CHARACTERS_NOT_XML;
            at += length;
        }
    }
    return CHARACTERS_GOOD;
}

struct range {
    uint32_t first, last;
};

/* Production 4, what is not ASCII. */
static const struct range name_starts[] = {
    {0xc0, 0xd6},     {0xd8, 0xf6},     {0xf8, 0x2ff},    {0x370, 0x37d},
    {0x37f, 0x1fff},  {0x200c, 0x200d}, {0x2070, 0x218f}, {0x2c00, 0x2fef},
    {0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff},
};

/* Production 4a, beyond production 4. */
static const struct range name_parts[] = {{0xb7, 0xb7}, {0x300, 0x36f}, {0x203f, 0x2040}};

static bool is_in(uint32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) return true;
    }
    return false;
}

static bool is_name_character(uint32_t code, bool first)
{
    if (is_in(code, name_starts, sizeof name_starts / sizeof *name_starts)) return true;
    return !first && is_in(code, name_parts, sizeof name_parts / sizeof *name_parts);
}

size_t characters_name(const char *at)
{
    size_t size = 0;
    for (;;) {
        bool first = size == 0;
        char byte = at[size];
        if (characters_are(byte, first ? CHARACTERS_NAME_START : CHARACTERS_NAME)) {
            size += 1;
            continue;
        }
        if ((unsigned char)byte < 0x80) return size;
        uint32_t code;
        size_t length = decode(span_of(at + size, 4), 0, &code);
        if (length == 0 || !is_name_character(code, first)) return size;
        size += length;
    }
}
