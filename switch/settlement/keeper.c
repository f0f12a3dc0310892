/* Prepares, seals, signs.
 *
 * The happy path is keeper_step: three duties, each with the time before which it is not tried.
 * Possible failures: the disk refuses (the log says so, the duty waits a second), a reader holds the
 * segment to be sealed (likewise), its blocks do not follow from one another (FAULT_CORRUPT). */
#include "switch/settlement/keeper.h"

#include <inttypes.h>
#include <stdlib.h>

#include "ledger/seal.h"
#include "ledger/series.h"
#include "ledger/signatures.h"
#include "proto/base/log.h"
#include "proto/base/time.h"

#define PART "keeper"
#define CHECKPOINT_EVERY_NS                                                                        \
    TIME_NS_PER_SECOND /* DESIGN: "a checkpoint every second with traffic" */
#define RETRY_NS TIME_NS_PER_SECOND

struct keeper {
    struct keeper_options options;
    struct signatures *signatures;
    uint64_t segment;        /* the newest that has begun; 0: not known yet */
    uint64_t prepared;       /* the newest that is prepared */
    uint64_t to_seal;        /* the oldest that is not, or may not wholly be; those before are */
    struct seal *seal;       /* of to_seal, under way */
    uint64_t checkpoint_seq; /* the newest entry under a checkpoint of this keeper */
    int64_t prepare_due_ns, seal_due_ns, checkpoint_due_ns;
};

enum fault keeper_open(struct keeper **out, const struct keeper_options *options)
{
    *out = NULL;
    struct keeper *const keeper = calloc(1, sizeof *keeper);
    if (!keeper) return FAULT_MEMORY;
    keeper->options = *options;
    enum fault fault = signatures_open(&keeper->signatures, options->directory, options->vfs,
                                       options->key, options->certificate);
    if (fault == FAULT_NONE) fault = signatures_newest_seal(keeper->signatures, &keeper->to_seal);
    if (fault != FAULT_NONE) {
        keeper_close(keeper);
        return fault;
    }
    /* The newest sealed one again: a crash may have cut short what follows the signature. */
    if (keeper->to_seal == 0) keeper->to_seal = 1;
    *out = keeper;
    return FAULT_NONE;
}

void keeper_start(struct keeper *keeper, uint64_t segment_number)
{
    keeper->segment = segment_number;
}

void keeper_entry(struct keeper *keeper, const struct entry *entry)
{
    if (entry->public.kind == ENTRY_SEGMENT) {
        keeper->segment += 1;
        keeper->prepare_due_ns = keeper->seal_due_ns = 0;
    }
    if (entry->public.kind == ENTRY_DAY) keeper_checkpoint(keeper, entry->public.seq);
}

static enum fault sign(struct keeper *keeper, uint64_t durable_seq)
{
    struct block_header header;
    enum fault fault = reader_block_of(keeper->options.reader, durable_seq, &header);
    if (fault == FAULT_NONE) fault = signatures_put_checkpoint(keeper->signatures, &header);
    if (fault != FAULT_NONE) {
        LOG(LOG_ERROR, PART, "the block of entry %" PRIu64 " has no checkpoint: %s", durable_seq,
            fault_words(fault));
        return fault;
    }
    keeper->checkpoint_seq = header.last_seq;
    metric_set(keeper->options.metrics, METRIC_CHECKPOINT_SEQ, header.last_seq);
    return FAULT_NONE;
}

void keeper_checkpoint(struct keeper *keeper, uint64_t durable_seq)
{
    if (durable_seq > keeper->checkpoint_seq) (void)!sign(keeper, durable_seq);
}

static bool prepare(struct keeper *keeper, int64_t now_ns)
{
    if (keeper->prepared > keeper->segment || now_ns < keeper->prepare_due_ns) return false;
    uint64_t const number = keeper->segment + 1;
    enum fault const fault = series_prepare(keeper->options.directory, keeper->options.vfs, number);
    if (fault == FAULT_NONE) {
        keeper->prepared = number;
        return true;
    }
    LOG(LOG_ERROR, PART, "segment %" PRIu64 " is not prepared: %s", number, fault_words(fault));
    keeper->prepare_due_ns = now_ns + RETRY_NS;
    return false;
}

/* Begins, or goes on with, the sealing of one segment. */
static enum fault seal_some(struct keeper *keeper)
{
    bool is_done = false;
    enum fault fault =
        keeper->seal ? FAULT_NONE
                     : seal_begin(&keeper->seal, keeper->signatures, keeper->options.directory,
                                  keeper->options.vfs, keeper->to_seal);
    if (fault == FAULT_NONE) fault = seal_step(keeper->seal, &is_done);
    if (fault != FAULT_NONE || is_done) {
        seal_close(keeper->seal);
        keeper->seal = NULL;
    }
    if (!is_done) return fault;
    LOG(LOG_INFO, PART, "segment %" PRIu64 " is sealed", keeper->to_seal);
    keeper->to_seal += 1;
    return FAULT_NONE;
}

static enum fault seal_retired(struct keeper *keeper, int64_t now_ns, bool *did)
{
    if (keeper->to_seal >= keeper->segment || now_ns < keeper->seal_due_ns) return FAULT_NONE;
    enum fault const fault = seal_some(keeper);
    if (fault == FAULT_NONE) {
        *did = true;
        return FAULT_NONE;
    }
    LOG(fault == FAULT_CORRUPT ? LOG_FATAL : LOG_ERROR, PART,
        "segment %" PRIu64 " is not sealed: %s", keeper->to_seal, fault_words(fault));
    keeper->seal_due_ns = now_ns + RETRY_NS;
    return fault == FAULT_CORRUPT ? fault : FAULT_NONE;
}

enum fault keeper_step(struct keeper *keeper, uint64_t durable_seq, int64_t now_ns, bool *did)
{
    if (keeper->segment == 0) return FAULT_NONE;
    *did |= prepare(keeper, now_ns);
    if (durable_seq > keeper->checkpoint_seq && now_ns >= keeper->checkpoint_due_ns) {
        *did |= sign(keeper, durable_seq) == FAULT_NONE;
        keeper->checkpoint_due_ns = now_ns + CHECKPOINT_EVERY_NS;
    }
    return seal_retired(keeper, now_ns, did);
}

void keeper_close(struct keeper *keeper)
{
    if (!keeper) return;
    seal_close(keeper->seal);
    signatures_close(keeper->signatures);
    free(keeper);
}
