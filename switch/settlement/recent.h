/* recent: what deliveries need to know of the newest entries, kept in memory.
 *
 * A window over the journal: entry seq stands at seq modulo RECENT_ENTRIES.  Each side's facts are
 * linked to that participant's next entry, so that its queue is walked forwards without a search.
 * What has left the window is read from the ledger (lookup.h), into the same struct.
 *
 * Threads: settlement's.  Memory: taken and touched in recent_open, about 27 MiB. */
#ifndef SWITCH_SETTLEMENT_RECENT_H
#define SWITCH_SETTLEMENT_RECENT_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/entry.h"
#include "proto/record/reply.h"

#define RECENT_ENTRIES 65536 /* a power of two: 6 seconds at 5,000 payments a second */
#define RECENT_NOBODY UINT32_MAX

struct recent_entry {
    uint64_t seq; /* 0: this place is empty */
    uint32_t kind;
    uint32_t sides[2];    /* index of each side's participant, or RECENT_NOBODY */
    uint64_t numbers[2];  /* its own number of this entry; 0: not numbered */
    uint64_t next_seq[2]; /* the entry with that participant's next number; 0: none yet */
    int64_t time_ns;
    int64_t deadline_ns;
    uint32_t transaction_index;
    uint32_t
        content_size; /* of reserved: the canonical transaction, named content_at; 0: not kept */
    uint64_t content_at;
    struct payment_id id;
    struct reason reason;
    struct max35_text instruction_id;
    struct uetr uetr;
};

struct recent {
    struct recent_entry *entries;
};

/* FAULT_MEMORY. */
MUST_CHECK enum fault recent_open(struct recent *recent);

/* The facts of an entry; instruction_id and uetr are the payment's, content is added by the caller. */
struct recent_entry recent_facts(const struct entry *entry, const uint32_t sides[2],
                                 const struct max35_text *instruction_id, const struct uetr *uetr);

/* Puts the newest entry into the window and links its sides' previous entries to it. */
struct recent_entry *recent_add(struct recent *recent, const struct recent_entry *facts,
                                const struct entry *entry);

/* NULL: not in the window. */
const struct recent_entry *recent_find(const struct recent *recent, uint64_t seq);

/* What a pacs.002 says of the payment that this entry decided, to the participant on that side. */
struct status_item recent_status(const struct recent_entry *facts, enum entry_side side);

/* Accepts one of zeros. */
void recent_close(struct recent *recent);

#endif
