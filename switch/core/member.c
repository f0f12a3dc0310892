/* The table of members and its index by code. */
#include "switch/core/member.h"

#include <assert.h>
#include <string.h>

static_assert(LIMIT_PARTICIPANTS < UINT16_MAX, "an index and one more fits a place");
static_assert((MEMBER_INDEX_PLACES & (MEMBER_INDEX_PLACES - 1)) == 0, "a power of two");

/* Codes are given out by the operator, not chosen by senders: a plain mixing suffices. */
static uint32_t first_place(struct participant_code code)
{
    uint64_t bits;
    memcpy(&bits, code.text, sizeof bits);
    bits *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(bits >> 40) & (MEMBER_INDEX_PLACES - 1);
}

/* The place where `code` stands, or the empty one where it would. */
static uint32_t place_of(const struct member_table *table, struct participant_code code)
{
    uint32_t place = first_place(code);
    while (table->places[place] != 0 &&
           !identifier_code_equal(table->members[table->places[place] - 1].code, code))
        place = (place + 1) & (MEMBER_INDEX_PLACES - 1);
    return place;
}

uint32_t member_find(const struct member_table *table, struct participant_code code)
{
    uint16_t const found = table->places[place_of(table, code)];
    return found != 0 ? found - 1u : MEMBER_NOBODY;
}

uint32_t member_find_holder(const struct member_table *table, struct participant_code code)
{
    uint32_t const index = member_find(table, code);
    return index != MEMBER_NOBODY && table->members[index].account == index ? index : MEMBER_NOBODY;
}

bool member_settles_on(const struct member_table *table, struct participant_code agent,
                       uint32_t holder)
{
    uint32_t const index = member_find(table, agent);
    return index != MEMBER_NOBODY && table->members[index].account == holder;
}

uint32_t member_add(struct member_table *table, const struct member *member)
{
    uint32_t const place = place_of(table, member->code);
    assert(table->count < LIMIT_PARTICIPANTS && table->places[place] == 0);
    assert(member->account <= table->count);

    table->members[table->count] = *member;
    table->count++;
    table->places[place] = (uint16_t)table->count;
    return table->count - 1;
}

const char *member_status_text(enum member_status status)
{
    switch (status) {
#define STATUS_TEXT(name, text)                                                                    \
    case MEMBER_##name: return text;
        MEMBER_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "";
}

bool member_parse_status(struct span text, enum member_status *status)
{
#define STATUS_PARSE(name, spelling)                                                               \
    if (span_equal(text, SPAN(spelling))) {                                                        \
        *status = MEMBER_##name;                                                                   \
        return true;                                                                               \
    }
    MEMBER_STATUS_LIST(STATUS_PARSE)
#undef STATUS_PARSE
    return false;
}
