/* names: open addressing with linear probing over a keyed hash (names.h says why). */
#include "proto/xml/names.h"

#include <assert.h>

#include "proto/crypto/random.h"

static_assert((NAMES_SLOTS & (NAMES_SLOTS - 1)) == 0, "slots are found by a mask");
static_assert(LIMIT_XML_NAMES < NAMES_SLOTS * 7 / 10, "probing stays short");
static_assert(LIMIT_XML_NAMES < NAMES_ABSENT, "a number fits 16 bits");

static const struct span known[NAMES_KNOWN_COUNT] = {
    [NAMES_EMPTY] = {"", 0},
    [NAMES_XML_NAMESPACE] = {"http://www.w3.org/XML/1998/namespace", 36},
    [NAMES_XML] = {"xml", 3},
    [NAMES_XMLNS] = {"xmlns", 5},
    [NAMES_XMLNS_NAMESPACE] = {"http://www.w3.org/2000/xmlns/", 29},
};

/* Both halves of a 128-bit product, folded: no difference of two inputs survives it for every
 * key. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t slot_of(const struct xml_names *names, struct span text)
{
    uint64_t hash = names->key[0] ^ text.size;
    const char *at = text.bytes;
    size_t left = text.size;
    for (; left > 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = fold(hash ^ word, names->key[1]);
    }
    uint64_t word = 0;
    if (left > 0) memcpy(&word, at, left);
    return (uint32_t)fold(hash ^ word, names->key[1]) & (NAMES_SLOTS - 1);
}

/* The slot that holds `text`, or the free one where it belongs. */
static uint32_t find_slot(const struct xml_names *names, struct span text)
{
    uint32_t at = slot_of(names, text);
    while (names->slots[at].turn == names->turn &&
           !span_equal(names->texts[names->slots[at].name], text)) {
        at = (at + 1) & (NAMES_SLOTS - 1);
    }
    return at;
}

/* Gives `text` the next number, in a free slot. */
static uint16_t add(struct xml_names *names, struct span text, uint32_t slot)
{
    assert(names->count < LIMIT_XML_NAMES);
    uint16_t name = (uint16_t)names->count++;
    names->texts[name] = text;
    names->bound[name] = NAMES_ABSENT;
    names->slots[slot] = (struct names_slot){.turn = names->turn, .name = name};
    return name;
}

enum fault names_open(struct xml_names *names)
{
    if (random_fill(names->key, sizeof names->key) != FAULT_NONE) return FAULT_MEMORY;
    names->key[1] |= 1;
    names->turn = 1;
    names->count = 0;
    memset(names->slots, 0, sizeof names->slots);
    for (unsigned i = 0; i < NAMES_KNOWN_COUNT; i++) {
        uint32_t slot = find_slot(names, known[i]);
        names->known[i] = (uint16_t)slot;
        (void)add(names, known[i], slot);
    }
    names_reset(names);
    return FAULT_NONE;
}

void names_reset(struct xml_names *names)
{
    names->turn += 1;
    if (names->turn == 0) { /* after 2^32 messages old turns would look like new ones */
        memset(names->slots, 0, sizeof names->slots);
        names->turn = 1;
    }
    names->count = 0;
    for (unsigned i = 0; i < NAMES_KNOWN_COUNT; i++) {
        (void)add(names, known[i], names->known[i]);
    }
    names->bound[NAMES_EMPTY] = NAMES_EMPTY;
    names->bound[NAMES_XML] = NAMES_XML_NAMESPACE;
}

uint16_t names_intern(struct xml_names *names, struct span text)
{
    uint32_t slot = find_slot(names, text);
    if (names->slots[slot].turn == names->turn) return names->slots[slot].name;
    return add(names, text, slot);
}

uint16_t names_find(const struct xml_names *names, struct span text)
{
    uint32_t slot = find_slot(names, text);
    return names->slots[slot].turn == names->turn ? names->slots[slot].name : NAMES_ABSENT;
}
