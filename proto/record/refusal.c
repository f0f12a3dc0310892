/* Refusals: a code, whom it answers, where and why, all copied and cut to what admi.002 holds. */
#include "proto/record/refusal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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
    refusal->words_size = (uint8_t)size;
}

/* Bytes 10xxxxxx go on with a character of UTF-8, all others begin one. */
static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0U) != 0x80U;
}

void refusal_refer(struct refusal *refusal, struct span reference)
{
    refusal->reference_size = 0;
    if (reference.size == 0 || reference.size > REFUSAL_REFERENCE_BYTES) return;
    size_t characters = 0;
    for (size_t i = 0; i < reference.size; i++) {
        if (begins_character(reference.bytes[i])) characters++;
    }
    if (characters > LIMIT_ID_BYTES) return;
    memcpy(refusal->reference, reference.bytes, reference.size);
    refusal->reference_size = (uint8_t)reference.size;
}

void refusal_place(struct refusal *refusal, struct span location)
{
    size_t size = location.size;
    if (size > REFUSAL_LOCATION_BYTES) {
        size = REFUSAL_LOCATION_BYTES;
        while (size > 0 && !begins_character(location.bytes[size]))
            size -= 1;
    }
    if (size > 0) memcpy(refusal->location, location.bytes, size);
    refusal->location_size = (uint16_t)size;
}
