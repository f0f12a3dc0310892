/* simple: one function per built-in type for its form, then the facets.
 *
 * Forms are those of XML Schema 1.0, part 2, section 3.2, as libxml2 reads them too, but for the
 * differences that proto/xml/README.md lists. */
#include "proto/iso/schema/simple.h"

#include <stdbool.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* White space at both ends taken off: of what is judged here only base64 may hold any within, so
 * this is all that "collapse" changes. */
static struct span trimmed(struct span text)
{
    while (text.size > 0 && is_space(text.bytes[0])) {
        text = span_after(text, 1);
    }
    while (text.size > 0 && is_space(text.bytes[text.size - 1])) {
        text.size -= 1;
    }
    return text;
}

/* ---- forms of dates and times (3.2.7 to 3.2.11) ---- */

/* Takes exactly `count` digits off the front. */
static bool take_number(struct span *text, size_t count, unsigned *number)
{
    if (text->size < count) return false;
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text->bytes[i])) return false;
        *number = *number * 10 + (unsigned)(text->bytes[i] - '0');
    }
    *text = span_after(*text, count);
    return true;
}

static bool take_byte(struct span *text, char byte)
{
    if (text->size == 0 || text->bytes[0] != byte) return false;
    *text = span_after(*text, 1);
    return true;
}

/* -?YYYY, or more digits when the first is not zero; there is no year 0000.  Only what leap years
 * need of it is given: the year modulo 400. */
static bool take_year(struct span *text, unsigned *year_in_400)
{
    (void)take_byte(text, '-');
    size_t digits = 0;
    unsigned value = 0;
    bool zero = true;
    while (digits < text->size && is_digit(text->bytes[digits])) {
        unsigned digit = (unsigned)(text->bytes[digits] - '0');
        value = (value * 10 + digit) % 400;
        zero = zero && digit == 0;
        digits += 1;
    }
    if (digits < 4 || zero || (digits > 4 && text->bytes[0] == '0')) return false;
    *text = span_after(*text, digits);
    *year_in_400 = value;
    return true;
}

static bool take_month(struct span *text, unsigned *month)
{
    return take_byte(text, '-') && take_number(text, 2, month) && *month >= 1 && *month <= 12;
}

static bool take_date(struct span *text)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day;
    if (!take_year(text, &year) || !take_month(text, &month)) return false;
    if (!take_byte(text, '-') || !take_number(text, 2, &day)) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year == 0);
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* hh:mm:ss and a fraction; 24:00:00 is midnight. */
static bool take_time(struct span *text)
{
    unsigned hour, minute, second;
    if (!take_number(text, 2, &hour) || !take_byte(text, ':') || !take_number(text, 2, &minute) ||
        !take_byte(text, ':') || !take_number(text, 2, &second)) {
        return false;
    }
    bool fraction = false;
    if (take_byte(text, '.')) {
        size_t digits = 0;
        for (; digits < text->size && is_digit(text->bytes[digits]); digits++) {
            fraction = fraction || text->bytes[digits] != '0';
        }
        if (digits == 0) return false;
        *text = span_after(*text, digits);
    }
    if (hour == 24) return minute == 0 && second == 0 && !fraction;
    return hour < 24 && minute < 60 && second < 60;
}

/* Nothing, Z, or an offset of at most 14 hours; and nothing behind it. */
static bool ends_with_zone(struct span text)
{
    if (text.size == 0) return true;
    if (take_byte(&text, 'Z')) return text.size == 0;
    unsigned hour, minute;
    if (!take_byte(&text, '+') && !take_byte(&text, '-')) return false;
    if (!take_number(&text, 2, &hour) || !take_byte(&text, ':') ||
        !take_number(&text, 2, &minute) || text.size > 0) {
        return false;
    }
    return minute < 60 && hour * 60 + minute <= 14 * 60;
}

/* ---- forms of numbers and others ---- */

struct decimal {
    bool negative; /* and not zero */
    size_t total;  /* significant digits: XML Schema's totalDigits of the value */
    size_t fraction;
};

/* 3.2.3; digits are counted in the value, so zeros at both ends do not count. */
static bool read_decimal(struct span text, struct decimal *decimal)
{
    bool negative = take_byte(&text, '-');
    if (!negative) (void)take_byte(&text, '+');
    size_t digits = 0, whole = 0, fraction = 0, at = 0;
    for (; at < text.size && is_digit(text.bytes[at]); at++) {
        digits += 1;
        whole += whole > 0 || text.bytes[at] != '0';
    }
    if (at < text.size && text.bytes[at] == '.') {
        size_t point = at++;
        for (; at < text.size && is_digit(text.bytes[at]); at++) {
            digits += 1;
            if (text.bytes[at] != '0') fraction = at - point;
        }
    }
    if (digits == 0 || at < text.size) return false;
    decimal->total = whole + fraction;
    decimal->fraction = fraction;
    decimal->negative = negative && decimal->total > 0;
    return true;
}

static bool is_boolean(struct span text)
{
    return span_equal(text, SPAN("true")) || span_equal(text, SPAN("false")) ||
           span_equal(text, SPAN("1")) || span_equal(text, SPAN("0"));
}

static int base64_value(char byte)
{
    if (byte >= 'A' && byte <= 'Z') return byte - 'A';
    if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26;
    if (is_digit(byte)) return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* 3.2.16: groups of four, padded, bits that stand for nothing zero. *octets is what it encodes. */
static bool read_base64(struct span text, size_t *octets)
{
    size_t letters = 0, padding = 0;
    int last = 0;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.bytes[i];
        if (is_space(byte)) continue;
        if (byte == '=') {
            padding += 1;
            continue;
        }
        last = base64_value(byte);
        if (last < 0 || padding > 0) return false;
        letters += 1;
    }
    if (padding > 2 || (letters + padding) % 4 != 0) return false;
    if (padding == 1 && (last & 3) != 0) return false;
    if (padding == 2 && (last & 15) != 0) return false;
    *octets = letters * 3 / 4;
    return true;
}

/* ---- facets ---- */

static size_t character_count(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.bytes[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool matches(const struct schema_pattern *pattern, struct span text)
{
    unsigned state = 0;
    for (size_t i = 0; i < text.size; i++) {
        state =
            pattern
                ->moves[state * pattern->classes + pattern->class_of[(unsigned char)text.bytes[i]]];
        if (state == SCHEMA_DEAD) return false;
    }
    return (pattern->accepting >> state & 1) != 0;
}

static bool is_listed(const struct schema_simple *type, struct span text)
{
    for (unsigned i = 0; i < type->enumeration_count; i++) {
        if (span_equal(tables_values[type->enumeration + i], text)) return true;
    }
    return false;
}

static enum simple_verdict check_decimal(const struct schema_simple *type, struct span text)
{
    struct decimal decimal;
    if (!read_decimal(text, &decimal)) return SIMPLE_FORM;
    if (type->total_digits > 0 && decimal.total > type->total_digits) return SIMPLE_DIGITS;
    if (type->fraction_digits != SCHEMA_ANY_DIGITS && decimal.fraction > type->fraction_digits) {
        return SIMPLE_DIGITS;
    }
    if (type->has_min_inclusive && decimal.negative) return SIMPLE_RANGE;
    return SIMPLE_GOOD;
}

/* The form of the built-in type, and the facets that depend on it; `text` is trimmed where the type
 * collapses white space. */
static enum simple_verdict check_form(const struct schema_simple *type, struct span text)
{
    size_t length = 0;
    unsigned ignored;
    switch ((enum schema_builtin)type->builtin) {
    case SCHEMA_STRING: length = character_count(text); break;
    case SCHEMA_DECIMAL: return check_decimal(type, text);
    case SCHEMA_BOOLEAN: return is_boolean(text) ? SIMPLE_GOOD : SIMPLE_FORM;
    case SCHEMA_DATE: return take_date(&text) && ends_with_zone(text) ? SIMPLE_GOOD : SIMPLE_FORM;
    case SCHEMA_DATE_TIME:
        return take_date(&text) && take_byte(&text, 'T') && take_time(&text) && ends_with_zone(text)
                   ? SIMPLE_GOOD
                   : SIMPLE_FORM;
    case SCHEMA_TIME: return take_time(&text) && ends_with_zone(text) ? SIMPLE_GOOD : SIMPLE_FORM;
    case SCHEMA_YEAR_MONTH:
        return take_year(&text, &ignored) && take_month(&text, &ignored) && ends_with_zone(text)
                   ? SIMPLE_GOOD
                   : SIMPLE_FORM;
    case SCHEMA_BASE64:
        if (!read_base64(text, &length)) return SIMPLE_FORM;
        break;
    }
    return length < type->length_min || length > type->length_max ? SIMPLE_LENGTH : SIMPLE_GOOD;
}

enum simple_verdict simple_check(const struct schema_simple *type, struct span text)
{
    if (type->builtin != SCHEMA_STRING) text = trimmed(text);
    enum simple_verdict verdict = check_form(type, text);
    if (verdict != SIMPLE_GOOD) return verdict;
    if (type->pattern > 0 && !matches(&tables_patterns[type->pattern - 1], text)) {
        return SIMPLE_PATTERN;
    }
    if (type->enumeration_count > 0 && !is_listed(type, text)) return SIMPLE_VALUE;
    return SIMPLE_GOOD;
}
