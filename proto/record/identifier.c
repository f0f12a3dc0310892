/* Reading identifiers from text, and their text back. */
#include "proto/record/identifier.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

bool identifier_parse_code(struct span text, struct participant_code *code)
{
    if (text.size != PARTICIPANT_CODE_BYTES) return false;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.bytes[i]) && !is_upper(text.bytes[i])) return false;
    }
    memcpy(code->text, text.bytes, PARTICIPANT_CODE_BYTES);
    return true;
}

/* WIRE section 4: "EndToEndId and RtrId: 1-35 of [A-Za-z0-9._/:+-]". */
bool identifier_parse_payment_id(struct span text, struct payment_id *id)
{
    if (text.size < 1 || text.size > PAYMENT_ID_BYTES) return false;
    for (size_t i = 0; i < text.size; i++) {
        char const c = text.bytes[i];
        if (!is_digit(c) && !is_upper(c) && !is_lower(c) && (c == 0 || !strchr("._/:+-", c)))
            return false;
    }
    *id = (struct payment_id){.size = (uint8_t)text.size};
    memcpy(id->text, text.bytes, text.size);
    return true;
}

bool identifier_parse_reason(struct span text, struct reason *reason)
{
    if (text.size < 1 || text.size > REASON_BYTES || memchr(text.bytes, 0, text.size)) return false;
    *reason = (struct reason){0};
    memcpy(reason->text, text.bytes, text.size);
    return true;
}

bool identifier_parse_max35(struct span text, struct max35_text *copy)
{
    if (text.size < 1 || text.size > MAX35_TEXT_BYTES) return false;
    *copy = (struct max35_text){.size = (uint8_t)text.size};
    memcpy(copy->bytes, text.bytes, text.size);
    return true;
}

bool identifier_parse_uetr(struct span text, struct uetr *uetr)
{
    if (text.size != UETR_BYTES) return false;
    for (size_t i = 0; i < text.size; i++) {
        bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
        char const c = text.bytes[i];
        if (dash ? c != '-' : !is_digit(c) && !(c >= 'a' && c <= 'f')) return false;
    }
    memcpy(uetr->text, text.bytes, UETR_BYTES);
    return true;
}

bool identifier_parse_currency(struct span text, struct currency *currency)
{
    if (text.size != CURRENCY_BYTES - 1) return false;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_upper(text.bytes[i])) return false;
    }
    *currency = (struct currency){0};
    memcpy(currency->text, text.bytes, text.size);
    return true;
}

struct span identifier_code_text(const struct participant_code *code)
{
    return span_of(code->text, code->text[0] ? PARTICIPANT_CODE_BYTES : 0);
}

struct span identifier_payment_id_text(const struct payment_id *id)
{
    return span_of(id->text, id->size);
}

struct span identifier_reason_text(const struct reason *reason)
{
    return span_of(reason->text, strnlen(reason->text, REASON_BYTES));
}

struct span identifier_max35_text(const struct max35_text *text)
{
    return span_of(text->bytes, text->size);
}

struct span identifier_uetr_text(const struct uetr *uetr)
{
    return span_of(uetr->text, uetr->text[0] ? UETR_BYTES : 0);
}

struct span identifier_currency_text(const struct currency *currency)
{
    return span_of(currency->text, strnlen(currency->text, CURRENCY_BYTES));
}

bool identifier_code_equal(struct participant_code a, struct participant_code b)
{
    return memcmp(a.text, b.text, PARTICIPANT_CODE_BYTES) == 0;
}

bool identifier_code_is_none(struct participant_code code)
{
    return code.text[0] == 0;
}

bool identifier_reason_equal(struct reason a, struct reason b)
{
    return memcmp(a.text, b.text, REASON_BYTES) == 0;
}
