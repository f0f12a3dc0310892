/* The hash rule and the table of kinds. */
#include "proto/record/entry.h"

#include <stddef.h>

struct hash entry_private_hash(const struct entry *entry)
{
    return hash_of(span_of(&entry->private, sizeof entry->private));
}

struct hash entry_hash(const struct entry *entry)
{
    struct hash const private_hash = entry_private_hash(entry);
    struct span const parts[] = {
        span_of(&entry->prev_hash, sizeof entry->prev_hash),
        span_of(&entry->public, sizeof entry->public),
        span_of(&private_hash, sizeof private_hash),
        span_of(&entry->body_hash, sizeof entry->body_hash),
    };
    return hash_parts(parts, sizeof parts / sizeof parts[0]);
}

enum entry_side_use entry_side_use(uint32_t kind, enum entry_side side)
{
    switch (kind) {
#define ENTRY_KIND_USE(name, number, text, payer, payee)                                           \
    case ENTRY_##name: return side == SIDE_PAYER ? payer : payee;
        ENTRY_KIND_LIST(ENTRY_KIND_USE)
#undef ENTRY_KIND_USE
    }
    return SIDE_NONE;
}

const char *entry_kind_name(uint32_t kind)
{
    switch (kind) {
#define ENTRY_KIND_NAME(name, number, text, payer, payee)                                          \
    case ENTRY_##name: return text;
        ENTRY_KIND_LIST(ENTRY_KIND_NAME)
#undef ENTRY_KIND_NAME
    }
    return NULL;
}

struct participant_code entry_participant(const struct entry *entry, enum entry_side side)
{
    return side == SIDE_PAYER ? entry->public.payer : entry->public.payee;
}
