/* The ring, its index, and the groups that say how old the records are. */
#include "switch/core/duplicate.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define VALUE_BITS 48
#define PAYEE_BITS 13
#define EVICTIONS_PER_INSERTION 2

static_assert(sizeof(struct duplicate_record) == 32, "two in a cache line");
static_assert(PAYMENT_STATES <= 8, "a state fits 3 bits");

enum fault duplicate_open(struct duplicate_table *table, uint32_t capacity, int64_t window_ns,
                          const uint64_t key[2])
{
    assert(capacity >= 1 && capacity <= UINT32_C(1) << 30);
    *table = (struct duplicate_table){
        .capacity = capacity, .window_ns = window_ns, .key = {key[0], key[1] | 1}};
    uint64_t places = 2;
    while (places < 2 * (uint64_t)capacity)
        places *= 2;
    table->index_mask = places - 1;

    enum fault fault = pages_open(&table->record_pages, capacity * sizeof *table->records);
    if (fault == FAULT_NONE) fault = pages_open(&table->index_pages, places * sizeof *table->index);
    if (fault != FAULT_NONE) {
        duplicate_close(table);
        return fault;
    }
    table->records = table->record_pages.bytes;
    table->index = table->index_pages.bytes;
    return FAULT_NONE;
}

void duplicate_close(struct duplicate_table *table)
{
    pages_close(&table->record_pages);
    pages_close(&table->index_pages);
    *table = (struct duplicate_table){0};
}

struct duplicate_key duplicate_key(const struct payment_id *id)
{
    struct hash const hash = hash_of(identifier_payment_id_text(id));
    struct duplicate_key key;
    memcpy(key.bytes, hash.bytes, sizeof key.bytes);
    return key;
}

/* The key of the table is secret: a bank that chooses its ids cannot make them stand together. */
static uint64_t first_place(const struct duplicate_table *table, const struct duplicate_key *key)
{
    uint64_t bits;
    memcpy(&bits, key->bytes, sizeof bits);
    bits = (bits ^ table->key[0]) * table->key[1];
    bits = (bits ^ bits >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return bits >> 29 & table->index_mask;
}

static bool key_equal(const struct duplicate_key *a, const struct duplicate_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

uint32_t duplicate_find(const struct duplicate_table *table, const struct duplicate_key *key)
{
    for (uint64_t place = first_place(table, key); table->index[place] != 0;
         place = (place + 1) & table->index_mask) {
        uint32_t const record = table->index[place] - 1;
        if (key_equal(&table->records[record].id, key)) return record;
    }
    return DUPLICATE_NONE;
}

uint64_t duplicate_pack(struct duplicate_mark mark)
{
    assert(mark.value <= DUPLICATE_VALUE_MAX && mark.payee <= DUPLICATE_NOBODY);
    return mark.value | (uint64_t)mark.payee << VALUE_BITS |
           (uint64_t)mark.state << (VALUE_BITS + PAYEE_BITS);
}

struct duplicate_mark duplicate_unpack(uint64_t packed)
{
    return (struct duplicate_mark){
        .state = (enum payment_state)(packed >> (VALUE_BITS + PAYEE_BITS)),
        .payee = (uint32_t)(packed >> VALUE_BITS) & DUPLICATE_NOBODY,
        .value = packed & DUPLICATE_VALUE_MAX,
    };
}

struct duplicate_mark duplicate_mark(const struct duplicate_table *table, uint32_t record)
{
    return duplicate_unpack(table->records[record].mark);
}

/* Mixing the sender's code in by exclusive or leaves a second content as hard to find as before. */
static void fill_content(uint8_t content[DUPLICATE_KEY_BYTES], const struct hash *content_hash,
                         struct participant_code sender)
{
    memcpy(content, content_hash->bytes, DUPLICATE_KEY_BYTES);
    for (size_t i = 0; i < PARTICIPANT_CODE_BYTES; i++)
        content[i] ^= (uint8_t)sender.text[i];
}

struct duplicate_mark duplicate_known(const struct duplicate_table *table,
                                      const struct payment_id *id)
{
    struct duplicate_key const key = duplicate_key(id);
    uint32_t const record = duplicate_find(table, &key);
    return record == DUPLICATE_NONE
               ? (struct duplicate_mark){.state = PAYMENT_UNKNOWN, .payee = DUPLICATE_NOBODY}
               : duplicate_mark(table, record);
}

bool duplicate_is_same(const struct duplicate_table *table, uint32_t record,
                       const struct hash *content_hash, struct participant_code sender)
{
    uint8_t content[DUPLICATE_KEY_BYTES];
    fill_content(content, content_hash, sender);
    return memcmp(table->records[record].content, content, sizeof content) == 0;
}

static uint32_t record_of(const struct duplicate_table *table, uint64_t position)
{
    return (uint32_t)(position % table->capacity);
}

static const struct duplicate_group *group_at(const struct duplicate_table *table, uint32_t order)
{
    assert(order < table->group_count);
    return &table->groups[(table->group_first + order) % DUPLICATE_GROUPS];
}

/* A record may go when all of its group have outlived the window, unless its payment is open. */
static bool may_go(const struct duplicate_table *table, const struct duplicate_group *group,
                   uint64_t position, int64_t now_ns)
{
    return now_ns - group->newest_ns > table->window_ns &&
           duplicate_mark(table, record_of(table, position)).state != PAYMENT_RESERVED;
}

bool duplicate_has_room(const struct duplicate_table *table, int64_t now_ns, uint32_t count)
{
    uint32_t const free = table->capacity - table->count;
    if (count <= free) return true;
    if (count > table->capacity) return false;

    uint64_t const end = table->first + (count - free);
    uint32_t group = 0;
    for (uint64_t position = table->first; position < end; position++) {
        while (position >= group_at(table, group)->end)
            group++;
        if (!may_go(table, group_at(table, group), position, now_ns)) return false;
    }
    return true;
}

/* Empties the place of `record` in the index and moves up those that it kept from their own. */
static void index_remove(struct duplicate_table *table, uint32_t record)
{
    uint64_t hole = first_place(table, &table->records[record].id);
    while (table->index[hole] != record + 1) {
        assert(table->index[hole] != 0);
        hole = (hole + 1) & table->index_mask;
    }
    for (uint64_t place = (hole + 1) & table->index_mask; table->index[place] != 0;
         place = (place + 1) & table->index_mask) {
        uint64_t const home = first_place(table, &table->records[table->index[place] - 1].id);
        uint64_t const from_home = (place - home) & table->index_mask;
        uint64_t const from_hole = (place - hole) & table->index_mask;
        if (from_home < from_hole) continue; /* its own place is behind the hole */
        table->index[hole] = table->index[place];
        hole = place;
    }
    table->index[hole] = 0;
}

static void evict(struct duplicate_table *table, int64_t now_ns)
{
    for (int i = 0; i < EVICTIONS_PER_INSERTION && table->count > 0; i++) {
        if (!may_go(table, group_at(table, 0), table->first, now_ns)) return;
        uint32_t const record = record_of(table, table->first);
        if (duplicate_mark(table, record).state != PAYMENT_UNKNOWN) index_remove(table, record);
        table->first++;
        table->count--;
        if (table->first < group_at(table, 0)->end) continue;
        table->group_first = (table->group_first + 1) % DUPLICATE_GROUPS;
        table->group_count--;
    }
}

/* The newest group takes the record while it is young, or when there is no place for another: then
 * its records are kept longer than needed, never shorter. */
static void add_to_group(struct duplicate_table *table, int64_t now_ns)
{
    uint64_t const end = table->first + table->count;
    if (table->group_count > 0) {
        struct duplicate_group *const newest =
            &table->groups[(table->group_first + table->group_count - 1) % DUPLICATE_GROUPS];
        assert(now_ns >= newest->newest_ns);
        if (now_ns - newest->oldest_ns <= table->window_ns / DUPLICATE_GROUPS_WINDOW ||
            table->group_count == DUPLICATE_GROUPS) {
            newest->newest_ns = now_ns;
            newest->end = end;
            return;
        }
    }
    table->groups[(table->group_first + table->group_count) % DUPLICATE_GROUPS] =
        (struct duplicate_group){.oldest_ns = now_ns, .newest_ns = now_ns, .end = end};
    table->group_count++;
}

uint32_t duplicate_insert(struct duplicate_table *table, int64_t now_ns,
                          const struct duplicate_key *key, const struct hash *content_hash,
                          struct participant_code sender, struct duplicate_mark mark)
{
    evict(table, now_ns);
    assert(table->count < table->capacity); /* duplicate_has_room */

    uint64_t place = first_place(table, key);
    while (table->index[place] != 0)
        place = (place + 1) & table->index_mask;
    uint32_t const record = record_of(table, table->first + table->count);
    table->index[place] = record + 1;
    table->records[record] = (struct duplicate_record){.id = *key, .mark = duplicate_pack(mark)};
    fill_content(table->records[record].content, content_hash, sender);
    table->count++;
    add_to_group(table, now_ns);
    return record;
}

void duplicate_set(struct duplicate_table *table, uint32_t record, struct duplicate_mark mark)
{
    table->records[record].mark = duplicate_pack(mark);
}

void duplicate_forget(struct duplicate_table *table, uint32_t record)
{
    assert(duplicate_mark(table, record).state != PAYMENT_RESERVED);
    index_remove(table, record);
    duplicate_set(table, record, (struct duplicate_mark){.state = PAYMENT_UNKNOWN});
}

/* The places in the index are random: all of them are asked for before the first is used. */
enum fault duplicate_restore(struct duplicate_table *table, const struct duplicate_record *records,
                             uint32_t count)
{
    assert(count <= table->capacity - table->count);
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&table->index[first_place(table, &records[i].id)], 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t const record = record_of(table, table->first + table->count);
        table->records[record] = records[i];
        table->count++;
        if (duplicate_unpack(records[i].mark).state == PAYMENT_UNKNOWN) continue; /* forgotten */

        uint64_t place = first_place(table, &records[i].id);
        for (; table->index[place] != 0; place = (place + 1) & table->index_mask) {
            if (key_equal(&table->records[table->index[place] - 1].id, &records[i].id))
                return FAULT_CORRUPT;
        }
        table->index[place] = record + 1;
    }
    return FAULT_NONE;
}

uint32_t duplicate_at(const struct duplicate_table *table, uint32_t order)
{
    assert(order < table->count);
    return record_of(table, table->first + order);
}
