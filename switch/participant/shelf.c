/* A circular buffer and a table of places in it, where two ids with the same place displace each
 * other: what is lost by that is one signature. */
#include "switch/participant/shelf.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"

#define PLACES 16384 /* a power of two, several times as many as messages fit */

struct place {
    struct resource_id id;
    uint64_t at; /* counted from the beginning of time: the buffer's byte at % LIMIT_SHELF_BYTES */
    size_t size; /* 0: nothing was ever put here */
};

struct shelf {
    uint64_t next;  /* where the next message goes */
    uint64_t room;  /* where the room given last begins */
    uint64_t taken; /* behind all that was ever written: what lies a whole buffer before it is
                           overwritten; room + size of the room given last, or next */
    struct place places[PLACES];
    char bytes[LIMIT_SHELF_BYTES];
};

enum fault shelf_open(struct shelf **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? FAULT_NONE : FAULT_MEMORY;
}

/* FNV-1a over the text. */
static size_t place_of(const struct resource_id *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *byte = id->text; *byte; byte++) {
        hash = (hash ^ (unsigned char)*byte) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32) & (PLACES - 1);
}

struct span shelf_find(const struct shelf *shelf, const struct resource_id *id)
{
    const struct place *const place = &shelf->places[place_of(id)];
    if (place->size == 0 || strcmp(place->id.text, id->text) != 0) return (struct span){0};
    if (shelf->taken - place->at > LIMIT_SHELF_BYTES) return (struct span){0};
    return span_of(shelf->bytes + place->at % LIMIT_SHELF_BYTES, place->size);
}

char *shelf_room(struct shelf *shelf, size_t size)
{
    assert(size <= LIMIT_SHELF_BYTES / 2);
    size_t const to_end = LIMIT_SHELF_BYTES - (size_t)(shelf->next % LIMIT_SHELF_BYTES);
    if (to_end < size) shelf->next += to_end;
    shelf->room = shelf->next;
    if (shelf->taken < shelf->room + size) shelf->taken = shelf->room + size;
    return shelf->bytes + shelf->room % LIMIT_SHELF_BYTES;
}

void shelf_add(struct shelf *shelf, const struct resource_id *id, size_t size)
{
    assert(shelf->room + size <= shelf->taken);
    shelf->places[place_of(id)] = (struct place){.id = *id, .at = shelf->room, .size = size};
    shelf->next = shelf->room + size;
}

void shelf_close(struct shelf *shelf)
{
    free(shelf);
}
