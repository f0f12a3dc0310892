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
#include <unistd.h>

#include "ledger/index.h"
#include "ledger/reader.h"
#include "ops/cauce/subcommand.h"

struct progress {
    struct index *index;
    uint64_t to_seq;
    bool is_shown;
};

static enum fault take(void *context, const struct entry *entry, struct span body)
{
    struct progress *const progress = context;
    enum fault fault = index_entry(progress->index, entry, body);
    if (fault == FAULT_NONE && entry->public.seq % INDEX_BATCH_ENTRIES == 0) {
        fault = index_commit(progress->index);
        if (progress->is_shown)
            fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries", entry->public.seq,
                    progress->to_seq);
    }
    return fault;
}

/* From entry 1 to what is the newest one when it begins. */
static enum fault reindex(struct reader *reader, struct index *index, uint64_t *entries)
{
    struct progress progress = {.index = index, .is_shown = isatty(STDERR_FILENO) != 0};
    enum fault fault = reader_newest_seq(reader, &progress.to_seq);
    if (fault == FAULT_NONE) fault = index_clear(index);
    if (fault == FAULT_NONE) fault = reader_walk(reader, 1, progress.to_seq, take, &progress);
    if (fault == FAULT_NONE) fault = index_commit(index);
    if (progress.is_shown) fprintf(stderr, "\r%40s\r", "");
    *entries = index_seq(index);
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
        fprintf(stderr, "cauce reindex: stopped behind entry %" PRIu64 ": %s\n", entries,
                fault_words(fault));
    return fault == FAULT_NONE ? 0 : 1;
}
