/* duplicate: which end-to-end ids have been used, with what content, and what became of them.
 *
 *   records   a ring in order of insertion     index (open addressing by id)
 *        first                                    +---+---+---+---+---+---+
 *          v                                      |   | 7 |   | 9 | 8 |   |  record + 1; 0: empty
 *   +----+----+----+----+----+----+               +---+---+---+---+---+---+
 *   |    | 7  | 8  | 9  |    |    |
 *   +----+----+----+----+----+----+
 *          \___ groups: runs inserted about the same time, with the newest time of each
 *
 * WIRE section 4: ids are "unique in the whole switch within the duplicate window"; DESIGN: kept "for
 * the window plus clock tolerance; when full, new payments get 503: it never forgets early".  Each
 * insertion takes away up to two records that have outlived the window, oldest first, so that no one
 * payment pays for a night's worth; which ones depends only on the insertions and their times.  An
 * open payment is never forgotten: it, and what is younger, waits.
 *
 * A record holds 12 bytes of the SHA-256 of the id and 12 of the content's, not the texts.
 *
 * Threads: the engine's.  Memory: taken in duplicate_open. */
#ifndef SWITCH_CORE_DUPLICATE_H
#define SWITCH_CORE_DUPLICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/crypto/hash.h"
#include "proto/record/identifier.h"
#include "switch/core/pages.h"
#include "switch/core/payment.h"

#define DUPLICATE_NONE UINT32_MAX
#define DUPLICATE_KEY_BYTES 12
#define DUPLICATE_GROUPS 2048       /* places for groups */
#define DUPLICATE_GROUPS_WINDOW 512 /* groups that a window is divided into */
#define DUPLICATE_NOBODY ((1u << 13) - 1)
#define DUPLICATE_VALUE_MAX ((UINT64_C(1) << 48) - 1)

/* What is known of an id besides its content. */
struct duplicate_mark {
    enum payment_state state;
    uint32_t payee; /* index of the account's holder, whose bank may answer; DUPLICATE_NOBODY */
    uint64_t value; /* reserved: place in the table of open payments; else seq of the entry that
                       decided; up to DUPLICATE_VALUE_MAX */
};

/* What an id is looked up by. */
struct duplicate_key {
    uint8_t bytes[DUPLICATE_KEY_BYTES];
};

struct duplicate_record {
    struct duplicate_key id;
    uint8_t content[DUPLICATE_KEY_BYTES];
    uint64_t mark; /* value 48 bits | payee 13 | state 3, the value lowest */
};

struct duplicate_group {
    int64_t oldest_ns;
    int64_t newest_ns;
    uint64_t end; /* position behind its last record */
};

struct duplicate_table {
    uint32_t capacity;
    uint32_t count;
    uint64_t first; /* position of the oldest record; positions count up for ever, the record of
                       position p stands at p % capacity */
    int64_t window_ns;
    uint64_t key[2];
    uint64_t index_mask;
    struct duplicate_record *records;
    uint32_t *index;
    uint32_t group_first; /* place of the oldest group */
    uint32_t group_count;
    struct duplicate_group groups[DUPLICATE_GROUPS];
    struct pages record_pages;
    struct pages index_pages;
};

/* `capacity` from 1 to 2^30. FAULT_MEMORY. */
MUST_CHECK enum fault duplicate_open(struct duplicate_table *table, uint32_t capacity,
                                     int64_t window_ns, const uint64_t key[2]);

/* Accepts a table of zeros. */
void duplicate_close(struct duplicate_table *table);

struct duplicate_key duplicate_key(const struct payment_id *id);

/* The record of this id, or DUPLICATE_NONE. */
uint32_t duplicate_find(const struct duplicate_table *table, const struct duplicate_key *key);

/* A mark as a record holds it; the layout stands in snapshots (snapshot.h). */
uint64_t duplicate_pack(struct duplicate_mark mark);
struct duplicate_mark duplicate_unpack(uint64_t packed);

struct duplicate_mark duplicate_mark(const struct duplicate_table *table, uint32_t record);

/* What is known of this id; PAYMENT_UNKNOWN, and nobody's, where it is not in the table. */
struct duplicate_mark duplicate_known(const struct duplicate_table *table,
                                      const struct payment_id *id);

/* WIRE section 4: "Same content = same sender and the same canonical CdtTrfTxInf". */
bool duplicate_is_same(const struct duplicate_table *table, uint32_t record,
                       const struct hash *content_hash, struct participant_code sender);

/* True when `count` more insertions surely find a place, at now_ns or later. */
bool duplicate_has_room(const struct duplicate_table *table, int64_t now_ns, uint32_t count);

/* Assumed: duplicate_has_room, the id is not in the table, now_ns never goes back.
 * Returns the record, which stays where it is until it is forgotten. */
uint32_t duplicate_insert(struct duplicate_table *table, int64_t now_ns,
                          const struct duplicate_key *key, const struct hash *content_hash,
                          struct participant_code sender, struct duplicate_mark mark);

void duplicate_set(struct duplicate_table *table, uint32_t record, struct duplicate_mark mark);

/* Forgets an id before its time, for replay of a ledger whose window was shorter. */
void duplicate_forget(struct duplicate_table *table, uint32_t record);

/* Puts records behind those there are, as insertion did before a snapshot was taken of them; the
 * groups are the caller's to set.  FAULT_CORRUPT: an id is in the table already.
 * Assumed: there is room. */
MUST_CHECK enum fault duplicate_restore(struct duplicate_table *table,
                                        const struct duplicate_record *records, uint32_t count);

/* The record in order of insertion, 0 is the oldest. Assumed order < count. */
uint32_t duplicate_at(const struct duplicate_table *table, uint32_t order);

#endif
