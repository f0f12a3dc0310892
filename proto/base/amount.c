/* Money as checked integers of minor units. */
#include "proto/base/amount.h"

#include <stdio.h>

#define INTEGER_DIGITS_MAX 16 /* WIRE section 4, AM12 */

static bool in_range(int64_t minor)
{
    return minor >= -AMOUNT_MAX_MINOR && minor <= AMOUNT_MAX_MINOR;
}

bool amount_add(struct amount a, struct amount b, struct amount *sum)
{
    int64_t minor;
    if (__builtin_add_overflow(a.minor, b.minor, &minor) || !in_range(minor)) return false;
    sum->minor = minor;
    return true;
}

bool amount_subtract(struct amount a, struct amount b, struct amount *difference)
{
    int64_t minor;
    if (__builtin_sub_overflow(a.minor, b.minor, &minor) || !in_range(minor)) return false;
    difference->minor = minor;
    return true;
}

int amount_compare(struct amount a, struct amount b)
{
    return (a.minor > b.minor) - (a.minor < b.minor);
}

bool amount_is_zero(struct amount amount)
{
    return amount.minor == 0;
}

bool amount_is_negative(struct amount amount)
{
    return amount.minor < 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum amount_parse amount_parse(struct span text, struct amount *amount)
{
    size_t at = 0;
    bool negative = false;
    if (at < text.size && (text.bytes[at] == '+' || text.bytes[at] == '-'))
        negative = text.bytes[at++] == '-';

    int64_t minor = 0;
    size_t digits = 0, integer_digits = 0, decimals = 0;
    bool money = true;
    for (; at < text.size && is_digit(text.bytes[at]); at++, digits++) {
        if (integer_digits > 0 || text.bytes[at] != '0') integer_digits++;
        if (integer_digits > INTEGER_DIGITS_MAX) money = false;
        if (money) minor = minor * 10 + (text.bytes[at] - '0');
    }
    if (at < text.size && text.bytes[at] == '.') {
        at++;
        for (; at < text.size && is_digit(text.bytes[at]); at++, digits++, decimals++) {
            if (decimals >= 2 && text.bytes[at] != '0') money = false;
            if (money && decimals < 2) minor = minor * 10 + (text.bytes[at] - '0');
        }
    }
    if (at != text.size || digits == 0) return AMOUNT_PARSE_NOT_DECIMAL;
    if (!money) return AMOUNT_PARSE_NOT_MONEY;
    for (size_t place = decimals; place < 2; place++)
        minor *= 10;
    amount->minor = negative ? -minor : minor;
    return AMOUNT_PARSE_GOOD;
}

size_t amount_print(struct amount amount, char text[AMOUNT_TEXT_BYTES])
{
    uint64_t const size = amount.minor < 0 ? 0 - (uint64_t)amount.minor : (uint64_t)amount.minor;
    int const length =
        snprintf(text, AMOUNT_TEXT_BYTES, "%s%llu.%02llu", amount.minor < 0 ? "-" : "",
                 (unsigned long long)(size / 100), (unsigned long long)(size % 100));
    return (size_t)length;
}
