/* Refusals: a code, whom it answers, where and why, all copied and cut to what admi.002 holds. */
#include "proto/iso/refusal.h"

#include <stdarg.h>
#include <stdio.h>

struct span refusal_text(enum refusal_code code)
{
    static const struct span texts[] = {
#define REFUSAL_TEXT(name) [REFUSAL_##name] = {#name, sizeof(#name) - 1},
        REFUSAL_LIST(REFUSAL_TEXT)
#undef REFUSAL_TEXT
    };
    return texts[code];
}

struct span refusal_reference(const struct refusal *refusal)
{
    return span_of(refusal->reference, refusal->reference_size);
}

struct span refusal_location(const struct refusal *refusal)
{
    return span_of(refusal->location, refusal->location_size);
}

struct span refusal_words(const struct refusal *refusal)
{
    return span_of(refusal->words, refusal->words_size);
}

void refusal_set(struct refusal *refusal, enum refusal_code code, const char *format, ...)
{
    char words[REFUSAL_WORDS_BYTES + 1];
    va_list arguments;
    va_start(arguments, format);
    int const length = vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);

    refusal->code = code;
    refusal->location_size = 0;
    refusal->words_size = 0;
    if (length <= 0) return;
    size_t const size = (size_t)length < REFUSAL_WORDS_BYTES ? (size_t)length : REFUSAL_WORDS_BYTES;
    for (size_t i = 0; i < size; i++) {
        bool const printable = words[i] >= ' ' && words[i] <= '~';
        refusal->words[i] = printable ? words[i] : '?';
    }
    refusal->words_size = (uint16_t)size;
}

void refusal_refer(struct refusal *refusal, struct span reference)
{
    refusal->reference_size = 0;
    if (reference.size == 0 || reference.size > REFUSAL_REFERENCE_BYTES) return;
    size_t characters = 0;
    for (size_t i = 0; i < reference.size; i++) {
        /* Bytes 10xxxxxx go on with a character of UTF-8, all others begin one. */
        if (((unsigned char)reference.bytes[i] & 0xc0U) != 0x80U) characters++;
    }
    if (characters > LIMIT_ID_BYTES) return;
    memcpy(refusal->reference, reference.bytes, reference.size);
    refusal->reference_size = (uint16_t)reference.size;
}

void refusal_locate(struct refusal *refusal, const struct xml_document *document, uint16_t node)
{
    refusal->location_size = (uint16_t)document_path(document, node, refusal->location);
}
