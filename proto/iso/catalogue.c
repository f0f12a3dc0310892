/* The catalogue's look-ups: few types, so a walk over the list is enough. */
#include "proto/iso/catalogue.h"

struct catalogue_type {
    struct span identifier;
    struct span name; /* its namespace */
    enum catalogue_direction direction;
};

static const struct catalogue_type types[] = {
#define CATALOGUE_TYPE(kind, text, direction)                                                      \
    [CATALOGUE_##                                                                                  \
        kind] = {{text, sizeof(text) - 1},                                                         \
                 {CATALOGUE_NAMESPACE_START text, sizeof(CATALOGUE_NAMESPACE_START text) - 1},     \
                 CATALOGUE_##direction},
    CATALOGUE_LIST(CATALOGUE_TYPE)
#undef CATALOGUE_TYPE
};

struct span catalogue_identifier(enum catalogue_kind kind)
{
    return types[kind].identifier;
}

struct span catalogue_namespace(enum catalogue_kind kind)
{
    return types[kind].name;
}

bool catalogue_is_inward(enum catalogue_kind kind)
{
    return types[kind].direction == CATALOGUE_INWARD || types[kind].direction == CATALOGUE_BOTH;
}

bool catalogue_is_outward(enum catalogue_kind kind)
{
    return types[kind].direction == CATALOGUE_OUTWARD || types[kind].direction == CATALOGUE_BOTH;
}

enum fault catalogue_find(struct span identifier, enum catalogue_kind *kind)
{
    for (size_t i = 0; i < CATALOGUE_COUNT; i++) {
        if (!span_equal(types[i].identifier, identifier)) continue;
        *kind = (enum catalogue_kind)i;
        return FAULT_NONE;
    }
    return FAULT_NOT_FOUND;
}
