/* Days and segments end here.
 *
 * Possible failures: the day was closed before under that name, after a change of zone or closing
 * time (a warning, nothing is closed); the next segment cannot be begun (said, tried again; the
 * journal is as before); a commit fails (the process stops, as after any other). */
#include "switch/settlement/closing.h"

#include <assert.h>
#include <inttypes.h>

#include "proto/base/log.h"
#include "proto/base/time.h"

#define PART "settlement"
#define PREPARED_AGAIN_NS (100 * TIME_NS_PER_MS) /* the keeper makes a file in some ms */
#define RETRY_NS TIME_NS_PER_SECOND

void closing_start(struct settlement *settlement, int64_t newest_ns)
{
    const struct calendar *const calendar = settlement->options.calendar;
    settlement->close_due_ns = calendar ? calendar_next_close_ns(calendar, newest_ns) : INT64_MAX;
}

void closing_entry(struct settlement *settlement, const struct entry *entry)
{
    if (entry->public.kind == ENTRY_DAY) settlement->segment_is_due = true;
    if (entry->public.kind == ENTRY_SEGMENT) settlement->segment_is_due = false;
}

int64_t closing_due_ns(const struct settlement *settlement)
{
    return settlement->close_due_ns;
}

static enum fault close_day(struct settlement *settlement)
{
    struct day const day = calendar_day(settlement->close_due_ns);
    const struct outcome *outcome;
    settlement->close_due_ns =
        calendar_next_close_ns(settlement->options.calendar, settlement->stamp.now_ns);
    enum fault fault = turn_seed(settlement);
    if (fault != FAULT_NONE) return fault;
    fault = engine_day(settlement->engine, &settlement->stamp, day, &outcome);
    if (fault == FAULT_INVALID) {
        LOG(LOG_WARNING, PART, "day %.10s is not closed: it is not after the one closed last",
            day.text);
        return FAULT_NONE;
    }
    if (fault == FAULT_NONE) fault = turn_enter(settlement, outcome, NULL, (struct span){0});
    if (fault == FAULT_NONE) fault = turn_commit(settlement);
    if (fault != FAULT_NONE) return fault;
    LOG(LOG_INFO, PART, "day %.10s is closed by entry %" PRIu64, day.text, settlement->newest_seq);
    settlement->segment_is_due = true;
    settlement->segment_due_ns = 0;
    return FAULT_NONE;
}

static enum fault open_segment(struct settlement *settlement)
{
    const struct journal_head *const head = journal_newest(settlement->journal);
    const struct outcome *outcome;
    enum fault fault = turn_seed(settlement);
    if (fault == FAULT_NONE) {
        fault = engine_segment(settlement->engine, &settlement->stamp, head->ledger_id,
                               engine_totals(settlement->engine).segment_number + 1, &head->hash,
                               &head->block_hash, &outcome);
    }
    return fault == FAULT_NONE ? turn_enter(settlement, outcome, NULL, (struct span){0}) : fault;
}

static enum fault begin_segment(struct settlement *settlement, bool *did)
{
    enum fault const fault = journal_rotate(settlement->journal);
    int64_t const now_ns = settlement->stamp.now_ns;
    switch (fault) {
    case FAULT_NONE:
        settlement->segment_is_due = false;
        *did = true;
        return open_segment(settlement);
    case FAULT_CLOSED: return fault;
    case FAULT_NOT_FOUND:
        settlement->segment_due_ns = now_ns + PREPARED_AGAIN_NS;
        return FAULT_NONE;
    case FAULT_INVALID:
    case FAULT_FULL:
    case FAULT_BUSY:
    case FAULT_MEMORY:
    case FAULT_IO:
    case FAULT_CORRUPT:
    case FAULT_VERSION:
    case FAULT_CRYPTO: break;
    }
    LOG(LOG_ERROR, PART, "the next segment cannot be begun: %s", fault_words(fault));
    settlement->segment_due_ns = now_ns + RETRY_NS;
    return FAULT_NONE;
}

enum fault closing_step(struct settlement *settlement, struct settlement_turn *turn)
{
    assert(journal_staged(settlement->journal) == 0);
    uint64_t const entries_max = settlement->options.segment_entries;
    if (settlement->stamp.now_ns >= settlement->close_due_ns) {
        enum fault const fault = close_day(settlement);
        if (fault != FAULT_NONE) return fault;
        turn->did = true;
    }
    if (entries_max > 0 && journal_segment_entries(settlement->journal) > entries_max)
        settlement->segment_is_due = true;
    if (!settlement->segment_is_due || settlement->stamp.now_ns < settlement->segment_due_ns)
        return FAULT_NONE;
    return begin_segment(settlement, &turn->did);
}
