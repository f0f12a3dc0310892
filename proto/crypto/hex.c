/* hex: bytes as hexadecimal digits. */
#include "proto/crypto/hex.h"

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

void hex_print(struct span bytes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t const byte = (uint8_t)bytes.bytes[i];
        text[2 * i] = digits[byte >> 4];
        text[2 * i + 1] = digits[byte & 15];
    }
    text[2 * bytes.size] = '\0';
}

bool hex_parse(struct span text, uint8_t *bytes)
{
    if (text.size % 2 != 0) return false;
    for (size_t i = 0; i < text.size; i += 2) {
        int const high = digit_value(text.bytes[i]), low = digit_value(text.bytes[i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i / 2] = (uint8_t)(high * 16 + low);
    }
    return true;
}
