/* A table from code to ordinal by open addressing; nothing ever leaves it. */
#include "ledger/party.h"

#include <assert.h>
#include <string.h>

static_assert((PARTY_SLOTS & (PARTY_SLOTS - 1)) == 0 && LIMIT_PARTICIPANTS <= UINT16_MAX,
              "see PARTY_SLOTS and slots");

void party_clear(struct party_table *table)
{
    table->count = 0;
    memset(table->slots, 0, sizeof table->slots);
}

/* The code's slot, or the free one where it would be. */
static uint32_t slot_of(const struct party_table *table, struct participant_code code)
{
    uint64_t bits;
    memcpy(&bits, code.text, sizeof bits);
    /* Codes differ in few bits: a multiplication by the golden ratio spreads them. */
    uint32_t slot = (uint32_t)((bits * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (PARTY_SLOTS - 1);
    while (table->slots[slot] != 0 &&
           !identifier_code_equal(table->parties[table->slots[slot] - 1].code, code))
        slot = (slot + 1) & (PARTY_SLOTS - 1);
    return slot;
}

uint16_t party_find(const struct party_table *table, struct participant_code code)
{
    return table->slots[slot_of(table, code)];
}

enum fault party_add(struct party_table *table, const struct party *party)
{
    uint32_t const slot = slot_of(table, party->code);
    if (table->slots[slot] != 0) return FAULT_CORRUPT;
    if (table->count == LIMIT_PARTICIPANTS) return FAULT_FULL;
    table->parties[table->count++] = *party;
    table->slots[slot] = (uint16_t)table->count;
    return FAULT_NONE;
}
