/* Offsets in bytes, as in the tables of ledger/README.md. */
#include "ledger/verify/layout.h"

#include <string.h>

static uint32_t u16(const char *at)
{
    return (uint32_t)(uint8_t)at[0] | (uint32_t)(uint8_t)at[1] << 8;
}

uint32_t layout_u32(const char *at)
{
    return u16(at) | u16(at + 2) << 16;
}

uint64_t layout_u64(const char *at)
{
    return (uint64_t)layout_u32(at) | (uint64_t)layout_u32(at + 4) << 32;
}

static int64_t i64(const char *at)
{
    return (int64_t)layout_u64(at);
}

static struct hash hash_at(const char *at)
{
    struct hash hash;
    memcpy(hash.bytes, at, sizeof hash.bytes);
    return hash;
}

void layout_read_entry(struct span public_part, struct span private_part,
                       struct layout_entry *entry)
{
    const char *p = public_part.bytes;
    *entry = (struct layout_entry){
        .public_version = layout_u32(p),
        .kind = layout_u32(p + 4),
        .seq = layout_u64(p + 8),
        .time_ns = i64(p + 16),
        .payer_agent = layout_u64(p + 24),
        .payee_agent = layout_u64(p + 32),
        .payer = layout_u64(p + 40),
        .payee = layout_u64(p + 48),
        .amount = i64(p + 56),
        .deadline_ns = i64(p + 120),
        .opened_by = layout_u64(p + 128),
        .returned_seq = layout_u64(p + 136),
        .evidence = hash_at(p + 144),
    };
    uint8_t const id_size = (uint8_t)p[64];
    if (id_size <= 35) entry->id = span_of(p + 65, id_size);
    entry->reason = span_of(p + 100, strnlen(p + 100, 16));
    memcpy(entry->terms, p + 24, 76);      /* agents, participants, amount, id */
    memcpy(entry->terms + 76, p + 116, 4); /* currency */

    const char *q = private_part.bytes;
    entry->private_version = layout_u32(q);
    entry->sender = layout_u64(q + 8);
    for (int side = 0; side < 2; side++) {
        entry->sides[side] = (struct layout_side){
            .number = layout_u64(p + 176 + 16 * side),
            .previous_seq = layout_u64(p + 184 + 16 * side),
            .available = i64(q + 16 + 56 * side),
            .reserved = i64(q + 24 + 56 * side),
        };
    }
}

void layout_read_header(struct span bytes, struct layout_header *header)
{
    const char *p = bytes.bytes;
    *header = (struct layout_header){
        .version = layout_u32(p),
        .count = layout_u32(p + 4),
        .number = layout_u64(p + 8),
        .first_seq = layout_u64(p + 16),
        .last_seq = layout_u64(p + 24),
        .time_ns = i64(p + 32),
        .previous = hash_at(p + 40),
        .root = hash_at(p + 72),
    };
}

static void put_u64(char *at, uint64_t number)
{
    for (int i = 0; i < 8; i++, number >>= 8)
        at[i] = (char)(number & 0xff);
}

void layout_write_seal(const struct layout_seal *seal, char bytes[LAYOUT_SEAL_BYTES])
{
    memset(bytes, 0, LAYOUT_SEAL_BYTES);
    bytes[0] = 1; /* version */
    memcpy(bytes + 8, seal->ledger_id, LAYOUT_LEDGER_ID_BYTES);
    put_u64(bytes + 24, seal->segment);
    put_u64(bytes + 32, seal->first_seq);
    put_u64(bytes + 40, seal->last_seq);
    put_u64(bytes + 48, seal->first_block);
    put_u64(bytes + 56, seal->last_block);
    memcpy(bytes + 64, seal->head.bytes, HASH_BYTES);
    memcpy(bytes + 96, seal->block_head.bytes, HASH_BYTES);
    memcpy(bytes + 128, seal->root.bytes, HASH_BYTES);
}

bool layout_is_body(struct span body)
{
    if (body.size < 2 || u16(body.bytes) != 1) return false;
    uint32_t before = 0;
    size_t at = 2;
    while (at < body.size) {
        if (body.size - at < 4) return false;
        uint32_t const tag = u16(body.bytes + at), size = u16(body.bytes + at + 2);
        if (tag <= before || body.size - at - 4 < size) return false;
        before = tag;
        at += 4 + size;
    }
    return true;
}

bool layout_find(struct span body, enum layout_tag tag, struct span *field)
{
    for (size_t at = 2; at < body.size; at += 4 + u16(body.bytes + at + 2)) {
        if (u16(body.bytes + at) != (uint32_t)tag) continue;
        *field = span_of(body.bytes + at + 4, u16(body.bytes + at + 2));
        return true;
    }
    return false;
}

bool layout_find_number(struct span body, enum layout_tag tag, uint64_t *number)
{
    struct span field;
    if (!layout_find(body, tag, &field) || field.size != 8) return false;
    *number = layout_u64(field.bytes);
    return true;
}
