/* The window of the newest entries, and what a pacs.002 says of one. */
#include "switch/settlement/recent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum fault recent_open(struct recent *recent)
{
    size_t const size = RECENT_ENTRIES * sizeof *recent->entries;
    recent->entries = malloc(size);
    if (!recent->entries) return FAULT_MEMORY;
    memset(recent->entries, 0, size);
    return FAULT_NONE;
}

static struct recent_entry *place(const struct recent *recent, uint64_t seq)
{
    return &recent->entries[seq % RECENT_ENTRIES];
}

struct recent_entry recent_facts(const struct entry *entry, const uint32_t sides[2],
                                 const struct max35_text *instruction_id, const struct uetr *uetr)
{
    return (struct recent_entry){
        .seq = entry->public.seq,
        .kind = entry->public.kind,
        .sides = {sides[0], sides[1]},
        .numbers = {entry->public.sides[0].number, entry->public.sides[1].number},
        .time_ns = entry->public.time_ns,
        .deadline_ns = entry->public.deadline_ns,
        .transaction_index = entry->private.transaction_index,
        .id = entry->public.id,
        .reason = entry->public.reason,
        .instruction_id = *instruction_id,
        .uetr = *uetr,
    };
}

static void link_previous(struct recent *recent, const struct recent_entry *facts, uint32_t side,
                          uint64_t previous_seq)
{
    struct recent_entry *const previous = place(recent, previous_seq);
    if (previous_seq == 0 || previous->seq != previous_seq) return; /* it has left the window */
    for (uint32_t i = 0; i < 2; i++) {
        if (previous->numbers[i] == 0 || previous->sides[i] != facts->sides[side]) continue;
        assert(previous->numbers[i] + 1 == facts->numbers[side]);
        previous->next_seq[i] = facts->seq;
    }
}

struct recent_entry *recent_add(struct recent *recent, const struct recent_entry *facts,
                                const struct entry *entry)
{
    for (uint32_t side = 0; side < 2; side++) {
        if (facts->numbers[side])
            link_previous(recent, facts, side, entry->public.sides[side].previous_seq);
    }
    struct recent_entry *const newest = place(recent, facts->seq);
    *newest = *facts;
    return newest;
}

const struct recent_entry *recent_find(const struct recent *recent, uint64_t seq)
{
    const struct recent_entry *const entry = place(recent, seq);
    return seq != 0 && entry->seq == seq ? entry : NULL;
}

/* WIRE section 4: "settled: pacs.002 ACSC to the payer's bank, ACCC to the payee's bank, both with
 * FctvIntrBkSttlmDt/DtTm = the instant of settlement, and AcctSvcrRef = the sequence of the settling
 * entry"; everything else that is delivered as a pacs.002 is RJCT with its reason. */
struct status_item recent_status(const struct recent_entry *facts, enum entry_side side)
{
    struct status_item item = {.instruction_id = facts->instruction_id, .uetr = facts->uetr};
    item.id.size = facts->id.size;
    memcpy(item.id.bytes, facts->id.text, facts->id.size);
    if (facts->kind == ENTRY_SETTLED) {
        item.status = side == SIDE_PAYER ? STATUS_ACSC : STATUS_ACCC;
        item.settled_ns = facts->time_ns;
        item.settled_seq = facts->seq;
    } else {
        item.status = STATUS_RJCT;
        item.reason = facts->reason;
    }
    return item;
}

void recent_close(struct recent *recent)
{
    free(recent->entries);
    *recent = (struct recent){0};
}
