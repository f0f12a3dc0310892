/* ecdsa: a P-256 signature between its two spellings (RFC 3279, 2.2.3; RFC 4051, 3.4).
 *
 * DER writes an integer with no more bytes than it needs, and one zero byte in front where the
 * highest bit would read as a minus; raw writes always 32.  All lengths stay below 128, so that
 * each is one byte. */
#include "proto/crypto/ecdsa.h"

#include <string.h>

#define DER_SEQUENCE 0x30
#define DER_INTEGER 0x02
#define HALF_BYTES (KEY_P256_RAW_BYTES / 2)

static uint8_t *write_integer(const uint8_t half[HALF_BYTES], uint8_t *out)
{
    size_t skipped = 0;
    while (skipped < HALF_BYTES - 1 && half[skipped] == 0) {
        skipped += 1;
    }
    bool const padded = (half[skipped] & 0x80) != 0;
    *out++ = DER_INTEGER;
    *out++ = (uint8_t)(HALF_BYTES - skipped + padded);
    if (padded) *out++ = 0;
    memcpy(out, half + skipped, HALF_BYTES - skipped);
    return out + HALF_BYTES - skipped;
}

size_t ecdsa_to_der(const uint8_t raw[KEY_P256_RAW_BYTES], uint8_t der[ECDSA_DER_BYTES_MAX])
{
    uint8_t *end = write_integer(raw, der + 2);
    end = write_integer(raw + HALF_BYTES, end);
    der[0] = DER_SEQUENCE;
    der[1] = (uint8_t)(end - der - 2);
    return (size_t)(end - der);
}

/* Returns what follows the integer, or NULL. */
static const uint8_t *read_integer(const uint8_t *in, const uint8_t *end, uint8_t half[HALF_BYTES])
{
    if (end - in < 3 || in[0] != DER_INTEGER) return NULL;
    size_t size = in[1];
    in += 2;
    if (size == 0 || size > HALF_BYTES + 1 || size > (size_t)(end - in)) return NULL;
    if ((in[0] & 0x80) != 0) return NULL; /* negative */
    if (in[0] == 0 && size > 1) {
        if ((in[1] & 0x80) == 0) return NULL; /* a zero that nothing needs */
        in += 1;
        size -= 1;
    }
    if (size > HALF_BYTES) return NULL;
    memset(half, 0, HALF_BYTES - size);
    memcpy(half + HALF_BYTES - size, in, size);
    return in + size;
}

bool ecdsa_to_raw(const uint8_t *der, size_t size, uint8_t raw[KEY_P256_RAW_BYTES])
{
    if (size < 2 || size > ECDSA_DER_BYTES_MAX) return false;
    if (der[0] != DER_SEQUENCE || der[1] != size - 2) return false;
    const uint8_t *end = der + size;
    const uint8_t *next = read_integer(der + 2, end, raw);
    if (next == NULL) return false;
    return read_integer(next, end, raw + HALF_BYTES) == end;
}
