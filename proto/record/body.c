/* Tagged fields: written in ascending order, found by walking. */
#include "proto/record/body.h"

#include <assert.h>
#include <string.h>

#define VERSION_BYTES 2
#define FIELD_HEAD_BYTES 4

static void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value & 0xff);
    at[1] = (uint8_t)(value >> 8);
}

static uint16_t get_u16(const char *at)
{
    return (uint16_t)((uint8_t)at[0] | (uint16_t)(uint8_t)at[1] << 8);
}

void body_clear(struct body *body)
{
    body->size = 0;
}

enum fault body_put(struct body *body, enum body_tag tag, struct span bytes)
{
    uint32_t const start = body->size ? body->size : VERSION_BYTES;
    if (bytes.size > ENTRY_BODY_BYTES_MAX - FIELD_HEAD_BYTES - start) return FAULT_FULL;

    put_u16(body->bytes, BODY_VERSION);
    put_u16(body->bytes + start, (uint16_t)tag);
    put_u16(body->bytes + start + 2, (uint16_t)bytes.size);
    if (bytes.size) memcpy(body->bytes + start + FIELD_HEAD_BYTES, bytes.bytes, bytes.size);
    body->size = start + FIELD_HEAD_BYTES + (uint32_t)bytes.size;
    return FAULT_NONE;
}

enum fault body_put_number(struct body *body, enum body_tag tag, uint64_t number)
{
    return body_put(body, tag, span_of(&number, sizeof number)); /* little-endian: entry.h */
}

struct span body_span(const struct body *body)
{
    return span_of(body->bytes, body->size);
}

struct hash body_hash(const struct body *body)
{
    return body->size ? hash_of(body_span(body)) : (struct hash){0};
}

bool body_find(struct span stored, enum body_tag tag, struct span *bytes)
{
    if (stored.size < VERSION_BYTES || get_u16(stored.bytes) != BODY_VERSION) return false;
    size_t at = VERSION_BYTES;
    while (stored.size - at >= FIELD_HEAD_BYTES) {
        size_t const size = get_u16(stored.bytes + at + 2);
        if (size > stored.size - at - FIELD_HEAD_BYTES) return false;
        if (get_u16(stored.bytes + at) == tag) {
            *bytes = span_of(stored.bytes + at + FIELD_HEAD_BYTES, size);
            return true;
        }
        at += FIELD_HEAD_BYTES + size;
    }
    return false;
}

bool body_find_number(struct span stored, enum body_tag tag, uint64_t *number)
{
    struct span bytes;
    if (!body_find(stored, tag, &bytes) || bytes.size != sizeof *number) return false;
    memcpy(number, bytes.bytes, sizeof *number);
    return true;
}
