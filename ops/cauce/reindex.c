/* cauce reindex LEDGERDIR: makes the index of a ledger anew from its entries.
 *
 *   ok entries=N                        exit 0
 *   what went wrong                     exit 1; the index then ends where the work ended
 *
 * For a ledger that no switch is running on, such as a copy: a switch that starts makes an index that
 * is missing or unfit by itself, beside its work. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger/index.h"
#include "ledger/reader.h"
#include "ops/cauce/outcome.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"

struct work {
    struct index *index;
    uint64_t to_seq;
    struct outcome_progress progress;
};

static enum fault take(void *context, const struct entry *entry, struct span body)
{
    struct work *const work = context;
    enum fault fault = index_entry(work->index, entry, body);
    if (fault == FAULT_NONE && entry->public.seq % INDEX_BATCH_ENTRIES == 0) {
        fault = index_commit(work->index);
        outcome_progress(&work->progress, entry->public.seq, work->to_seq);
    }
    return fault;
}

/* From entry 1 to what is the newest one when it begins. */
static enum fault reindex(struct reader *reader, struct index *index, uint64_t *entries)
{
    struct work work = {.index = index, .progress = {.begun_ns = time_monotonic_ns()}};
    enum fault fault = reader_newest_seq(reader, &work.to_seq);
    if (fault == FAULT_NONE) fault = index_clear(index);
    if (fault == FAULT_NONE) fault = reader_walk(reader, 1, work.to_seq, take, &work);
    if (fault == FAULT_NONE) fault = index_commit(index);
    *entries = index_seq(index);
    if (fault == FAULT_NONE) outcome_time(&work.progress, "indexed", *entries);
    return fault;
}

int reindex_main(int argc, char **argv)
{
    bool const asks = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(asks ? stdout : stderr, "usage: cauce reindex LEDGERDIR\n");
        return asks ? 0 : 2;
    }
    struct reader *reader = NULL;
    struct index *index = NULL;
    uint64_t entries = 0;
    enum fault fault = reader_open(&reader, argv[1], NULL);
    if (fault == FAULT_NONE) fault = index_open(&index, argv[1], NULL, reader);
    if (fault == FAULT_NONE) fault = reindex(reader, index, &entries);
    index_close(index);
    reader_close(reader);

    if (fault == FAULT_NONE)
        printf("ok entries=%" PRIu64 "\n", entries);
    else if (fault == FAULT_NOT_FOUND)
        fprintf(stderr, "cauce reindex: there is no ledger with entries in %s\n", argv[1]);
    else if (fault == FAULT_BUSY)
        fprintf(stderr, "cauce reindex: a switch is running on %s and keeps its index\n", argv[1]);
    else
        return outcome_fault("reindex", fault, entries);
    return fault == FAULT_NONE ? 0 : 1;
}
