/* cauce import FILE|- LEDGERDIR: makes a ledger of an exported one (line.h), for a switch to start on.
 *
 *   ok entries=N blocks=N head=HEX      exit 0: what cauce verify says of LEDGERDIR
 *   fault seq=N: words                  exit 1: likewise
 *   what went wrong                     exit 1: there is no LEDGERDIR, at most LEDGERDIR.partial
 *
 * Nothing in the file is believed: hashes, roots and links are computed from the bytes, signatures are
 * checked, and at the end the auditor's own code walks what was made. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/builder.h"
#include "ledger/bundle.h"
#include "ledger/evidence.h"
#include "ops/cauce/line.h"
#include "ops/cauce/outcome.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"

struct import {
    FILE *in;
    uint64_t number; /* of the line at hand */
    const char *words;
    struct builder *builder;
    struct bundle *bundle;
    struct evidence_writer *messages; /* of the block at hand */
    bool is_begun;                    /* the first line was read */
    bool is_in_block;
    bool is_message_new; /* the next line must be the entry that the message at hand caused */
    bool is_ended;
    struct hash message;
    uint8_t ledger_id[JOURNAL_LEDGER_ID_BYTES];
    struct line line;
    char text[LINE_BYTES_MAX + 2]; /* with its line feed and a zero */
};

static enum fault wrong(struct import *import, const char *words)
{
    import->words = words;
    return FAULT_INVALID;
}

/* --- records ---------------------------------------------------------------------------------- */

static enum fault take_ledger(struct import *import)
{
    if (import->is_begun) return wrong(import, "begins a second ledger");
    import->is_begun = true;
    memcpy(import->ledger_id, import->line.ledger_id, sizeof import->ledger_id);
    return FAULT_NONE;
}

static enum fault take_block(struct import *import)
{
    import->words = "is a block that does not follow";
    evidence_clear(import->messages);
    import->is_in_block = true;
    return bundle_begin(import->bundle, builder_head(import->builder), import->line.segment,
                        &import->line.header);
}

static enum fault take_message(struct import *import)
{
    if (import->is_message_new) return wrong(import, "is a message behind a message");
    import->is_message_new = true;
    import->message = import->line.evidence.hash;
    import->words = "is a message too many for a block";
    return evidence_add(import->messages, &import->line.evidence);
}

/* The block is whole. */
static enum fault write_block(struct import *import)
{
    struct bundle *bundle = import->bundle;
    struct span frame = {0};
    enum fault fault = FAULT_NONE;
    import->is_in_block = false;
    import->words = "ends a block that is not what its header says";
    if (evidence_count(import->messages) > 0) fault = evidence_frame(import->messages, &frame);
    if (fault == FAULT_NONE) fault = bundle_end(bundle, frame);
    if (fault != FAULT_NONE) return fault;
    if (memcmp(bundle->after.ledger_id, import->ledger_id, sizeof import->ledger_id) != 0)
        return wrong(import, "is of another ledger than the first line says");
    import->words = "cannot be written";
    return builder_block(import->builder, bundle);
}

static enum fault take_entry(struct import *import)
{
    const struct line *line = &import->line;
    struct bundle *bundle = import->bundle;
    if (import->is_message_new && !hash_equal(&import->message, &line->public.evidence_hash))
        return wrong(import, "is behind a message that did not cause it");
    import->is_message_new = false;
    import->words = "is an entry that does not follow, or that no switch makes";
    enum fault const fault =
        bundle_add(bundle, &line->public, &line->private, span_of(line->bytes, line->size));
    if (fault != FAULT_NONE) return fault;
    if (!hash_equal(&bundle->entries[bundle->count - 1].hash, &line->hash))
        return wrong(import, "has another hash than its bytes lead to");
    return bundle->count == bundle->header.entry_count ? write_block(import) : FAULT_NONE;
}

static enum fault take_certificate(struct import *import)
{
    struct certificate *certificate = NULL;
    const char *words = ""; /* no sentence of a line's */
    enum fault fault =
        certificate_parse(&certificate, span_of(import->line.bytes, import->line.size), &words);
    if (fault == FAULT_NONE)
        fault = builder_certificate(import->builder, certificate);
    else
        import->words = "is a certificate that cannot be read";
    certificate_close(certificate);
    return fault;
}

static enum fault take_end(struct import *import)
{
    const struct journal_head *head = builder_head(import->builder);
    import->is_ended = true;
    return head->seq > 0 && import->line.entries == head->seq &&
                   import->line.blocks == head->block_number &&
                   hash_equal(&import->line.hash, &head->hash)
               ? FAULT_NONE
               : wrong(import, "says another end than the lines before it lead to");
}

static enum fault take(struct import *import)
{
    enum line_record const record = import->line.record;
    bool const is_of_block = record == LINE_ENTRY || record == LINE_MESSAGE;
    if (import->is_ended) return wrong(import, "is behind the last one");
    if (!import->is_begun && record != LINE_LEDGER)
        return wrong(import, "is not how an exported ledger begins");
    if (is_of_block != import->is_in_block) return wrong(import, "is out of its place");
    import->words = "is not what its signature or its block says";
    switch (record) {
    case LINE_LEDGER: return take_ledger(import);
    case LINE_BLOCK: return take_block(import);
    case LINE_MESSAGE: return take_message(import);
    case LINE_ENTRY: return take_entry(import);
    case LINE_CERTIFICATE: return take_certificate(import);
    case LINE_CHECKPOINT:
        return builder_checkpoint(import->builder, &import->line.header, &import->line.signature);
    case LINE_SEAL:
        return builder_seal(import->builder, &import->line.statement, &import->line.signature);
    case LINE_END: return take_end(import);
    }
    return FAULT_INVALID;
}

/* --- the file --------------------------------------------------------------------------------- */

/* FAULT_NOT_FOUND: there is no further line. */
static enum fault read_line(struct import *import, struct span *text)
{
    if (fgets(import->text, sizeof import->text, import->in) == NULL) {
        import->words = "cannot be read";
        return ferror(import->in) ? FAULT_IO : FAULT_NOT_FOUND;
    }
    import->number++;
    size_t const size = strlen(import->text);
    if (size == 0 || import->text[size - 1] != '\n')
        return wrong(import, "is longer than a line may be, or does not end");
    *text = span_of(import->text, size - 1);
    return FAULT_NONE;
}

static enum fault read_all(struct import *import, struct outcome_progress *progress)
{
    struct span text;
    enum fault fault = FAULT_NONE;
    while (fault == FAULT_NONE) {
        fault = read_line(import, &text);
        if (fault == FAULT_NONE) fault = line_read(&import->line, text, &import->words);
        if (fault == FAULT_NONE) fault = take(import);
        outcome_progress(progress, builder_head(import->builder)->seq, 0);
    }
    if (fault != FAULT_NOT_FOUND) return fault;
    if (import->is_ended) return FAULT_NONE;
    import->number++;
    return wrong(import, "is missing: the file is not whole");
}

static enum fault make(struct import *import, const char *directory,
                       struct outcome_progress *progress)
{
    enum fault fault = builder_open(&import->builder, directory, BUILDER_NEW);
    if (fault == FAULT_NONE) fault = bundle_open(&import->bundle);
    if (fault == FAULT_NONE) fault = evidence_open(&import->messages);
    if (fault != FAULT_NONE) return fault;
    fault = read_all(import, progress);
    if (fault == FAULT_NONE) return builder_finish(import->builder);
    fprintf(stderr, "cauce import: line %" PRIu64 " %s\n", import->number, import->words);
    return fault;
}

static int import_from(const char *path, const char *directory)
{
    struct outcome_progress progress = {.begun_ns = time_monotonic_ns()};
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL) return outcome_fault("import", FAULT_MEMORY, 0);
    import->words = "";
    import->in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    enum fault fault = FAULT_IO;
    uint64_t entries = 0;
    if (import->in == NULL)
        fprintf(stderr, "cauce import: %s: %s\n", path, strerror(errno));
    else
        fault = make(import, directory, &progress);
    if (import->builder) entries = builder_head(import->builder)->seq;
    if (import->in != NULL && import->in != stdin) (void)fclose(import->in);
    evidence_close(import->messages);
    bundle_close(import->bundle);
    builder_close(import->builder);
    free(import);
    if (fault != FAULT_NONE) return outcome_fault("import", fault, entries);
    outcome_time(&progress, "imported", entries);
    return outcome_verify(directory);
}

int import_main(int argc, char **argv)
{
    bool const asks = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 3 || argv[2][0] == '-' || (argv[1][0] == '-' && argv[1][1] != 0)) {
        fprintf(asks ? stdout : stderr, "usage: cauce import FILE|- LEDGERDIR\n");
        return asks ? 0 : 2;
    }
    return import_from(argv[1], argv[2]);
}
