/* base64: bytes as base64 text (RFC 4648, section 4). */
#include "proto/crypto/base64.h"

enum {
    WHITE = 64, /* passed over */
    PADDING = 65,
    NO_DIGIT = 66
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Value of each character; rows of 16 as in an ASCII table. */
static const uint8_t values[256] = {
    66, 66, 66, 66, 66, 66, 66, 66, 66, 64, 64, 66, 66, 64, 66, 66, /* tab, LF, CR */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
    64, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 62, 66, 66, 66, 63, /* space + / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66, 66, 66, 65, 66, 66, /* 0-9 = */
    66, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, /* A-O */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 66, 66, 66, 66, 66, /* P-Z */
    66, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, /* a-o */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 66, 66, 66, 66, 66, /* p-z */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* above ASCII */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, /* */
};

size_t base64_encode(struct span bytes, char *text)
{
    const uint8_t *in = (const uint8_t *)bytes.bytes;
    size_t left = bytes.size;
    char *out = text;
    for (; left >= 3; left -= 3, in += 3) {
        uint32_t const group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = digits[group >> 6 & 63];
        *out++ = digits[group & 63];
    }
    if (left > 0) {
        uint32_t const group = (uint32_t)in[0] << 16 | (left == 2 ? (uint32_t)in[1] << 8 : 0);
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left == 2 ? digits[group >> 6 & 63] : '=';
        *out++ = '=';
    }
    return (size_t)(out - text);
}

enum fault base64_decode(struct span text, uint8_t *bytes, size_t bytes_max, size_t *size)
{
    uint32_t group = 0;       /* the digits of the group so far, 6 bits each */
    unsigned digit_count = 0; /* of the group, 0 to 3 between characters */
    unsigned padding_count = 0;
    size_t written = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t const value = values[(uint8_t)text.bytes[i]];
        if (value < 64) {
            if (padding_count > 0) return FAULT_INVALID; /* a digit behind the padding */
            group = group << 6 | value;
            if (++digit_count < 4) continue;
            if (bytes_max - written < 3) return FAULT_FULL;
            bytes[written++] = (uint8_t)(group >> 16);
            bytes[written++] = (uint8_t)(group >> 8);
            bytes[written++] = (uint8_t)group;
            group = 0;
            digit_count = 0;
        } else if (value == PADDING) {
            padding_count += 1;
        } else if (value == NO_DIGIT) {
            return FAULT_INVALID;
        }
    }

    if (digit_count == 0) {
        if (padding_count != 0) return FAULT_INVALID;
    } else if (digit_count == 2) { /* one byte and 4 bits without meaning */
        if (padding_count != 2 || (group & 15) != 0) return FAULT_INVALID;
        if (bytes_max - written < 1) return FAULT_FULL;
        bytes[written++] = (uint8_t)(group >> 4);
    } else if (digit_count == 3) { /* two bytes and 2 bits without meaning */
        if (padding_count != 1 || (group & 3) != 0) return FAULT_INVALID;
        if (bytes_max - written < 2) return FAULT_FULL;
        bytes[written++] = (uint8_t)(group >> 10);
        bytes[written++] = (uint8_t)(group >> 2);
    } else {
        return FAULT_INVALID;
    }
    *size = written;
    return FAULT_NONE;
}
