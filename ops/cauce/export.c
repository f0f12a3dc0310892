/* cauce export LEDGERDIR FILE|-: a whole ledger as lines of JSON (line.h), for any program to read and
 * for cauce import to make the same ledger of.
 *
 *   ok entries=N blocks=N head=HEX      exit 0; with - it goes to standard error
 *   what went wrong                     exit 1: the file has no line `end` then
 *
 * Everything is checked against its hash before it is written.  Runs beside a switch at work; what is
 * committed after its start is not exported. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ledger/bundle.h"
#include "ledger/series.h"
#include "ledger/signatures.h"
#include "ops/cauce/line.h"
#include "ops/cauce/outcome.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/log.h"
#include "proto/base/time.h"

#define PART "export"

struct export
{
    FILE *out;
    struct series *series;
    struct bundle *bundle;
    struct signatures *signatures; /* NULL: nothing was signed */
    struct journal_head head;      /* behind what was written */
    struct hash certificate;       /* written last; zeros: none was */
};

/* --- what was signed -------------------------------------------------------------------------- */

static enum fault write_certificate(struct export *export, const struct hash *sha256)
{
    uint8_t der[LIMIT_PEM_BYTES];
    size_t size;
    if (hash_equal(&export->certificate, sha256)) return FAULT_NONE;
    enum fault const fault =
        signatures_certificate(export->signatures, sha256, der, sizeof der, &size);
    if (fault != FAULT_NONE) return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
    line_write_certificate(export->out, sha256, span_of(der, size));
    export->certificate = *sha256;
    return FAULT_NONE;
}

static enum fault write_checkpoint(struct export *export)
{
    struct block_header const *const written = &export->bundle->header;
    struct block_header header;
    struct signature signature;
    if (export->signatures == NULL) return FAULT_NONE;
    enum fault fault =
        signatures_checkpoint(export->signatures, written->number, &header, &signature);
    if (fault == FAULT_NOT_FOUND || (fault == FAULT_NONE && header.number != written->number))
        return FAULT_NONE;
    if (fault == FAULT_NONE && memcmp(&header, written, sizeof header) != 0) {
        LOG(LOG_ERROR, PART, "the checkpoint of block %" PRIu64 " is of another block",
            header.number);
        return FAULT_CORRUPT;
    }
    if (fault == FAULT_NONE) fault = write_certificate(export, &signature.certificate);
    if (fault == FAULT_NONE) line_write_checkpoint(export->out, &header, &signature);
    return fault;
}

/* Of the segment that has just ended. */
static enum fault write_seal(struct export *export)
{
    struct seal_statement statement;
    struct signature signature;
    if (export->signatures == NULL || export->head.segment_number == 0) return FAULT_NONE;
    enum fault fault =
        signatures_seal(export->signatures, export->head.segment_number, &statement, &signature);
    if (fault == FAULT_NOT_FOUND) return FAULT_NONE;
    if (fault == FAULT_NONE) fault = write_certificate(export, &signature.certificate);
    if (fault == FAULT_NONE) line_write_seal(export->out, &statement, &signature);
    return fault;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static enum fault write_entries(const struct export *export)
{
    const struct bundle *bundle = export->bundle;
    struct hash last = {0};
    for (uint32_t i = 0; i < bundle->count; i++) {
        const struct hash *hash = &bundle->entries[i].public.evidence_hash;
        struct evidence evidence;
        if (bundle->frame.size > 0 && !hash_is_zero(hash) && !hash_equal(hash, &last)) {
            enum fault const fault = evidence_find(bundle->evidence, hash, &evidence);
            if (fault != FAULT_NONE) return fault;
            line_write_message(export->out, &evidence);
            last = *hash;
        }
        line_write_entry(export->out, &bundle->entries[i], bundle->bodies[i]);
    }
    return FAULT_NONE;
}

static enum fault write_block(struct export *export)
{
    const struct bundle *bundle = export->bundle;
    enum fault fault = bundle_read(export->bundle, export->series, &export->head);
    if (fault != FAULT_NONE) return fault;
    if (export->head.seq == 0) line_write_ledger(export->out, &bundle->after);
    if (bundle->segment != export->head.segment_number) fault = write_seal(export);
    line_write_block(export->out, bundle->segment, &bundle->header);
    if (fault == FAULT_NONE) fault = write_entries(export);
    if (fault == FAULT_NONE) fault = write_checkpoint(export);
    export->head = bundle->after;
    return fault == FAULT_NONE && ferror(export->out) ? FAULT_IO : fault;
}

static enum fault write_all(struct export *export, const char *directory,
                            struct outcome_progress *progress)
{
    uint64_t end_seq = 0, end = 0;
    enum fault fault = signatures_read(&export->signatures, directory, NULL);
    if (fault == FAULT_NOT_FOUND) fault = FAULT_NONE;
    if (fault == FAULT_NONE) fault = series_end(export->series, &end_seq, &end);
    if (fault == FAULT_NONE && end == 0) fault = FAULT_NOT_FOUND;
    while (fault == FAULT_NONE && export->head.block_number < end) {
        fault = write_block(export);
        outcome_progress(progress, export->head.seq, end_seq);
    }
    if (fault == FAULT_NONE) line_write_end(export->out, &export->head);
    return fault;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* A file that is there is not written over. */
static FILE *open_out(const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "wxe");
    if (out == NULL) fprintf(stderr, "cauce export: %s: %s\n", path, strerror(errno));
    return out;
}

static enum fault close_out(FILE *out)
{
    bool good = fflush(out) == 0 && !ferror(out);
    if (out != stdout) {
        good = fsync(fileno(out)) == 0 && good;
        good = fclose(out) == 0 && good;
    }
    if (!good) fprintf(stderr, "cauce export: cannot write: %s\n", strerror(errno));
    return good ? FAULT_NONE : FAULT_IO;
}

int export_main(int argc, char **argv)
{
    bool const asks = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc != 3 || argv[1][0] == '-' || (argv[2][0] == '-' && argv[2][1] != 0)) {
        fprintf(asks ? stdout : stderr, "usage: cauce export LEDGERDIR FILE|-\n");
        return asks ? 0 : 2;
    }
    struct outcome_progress progress = {.begun_ns = time_monotonic_ns()};
    struct export export = {0};
    enum fault fault = series_open(&export.series, PART, argv[1], NULL);
    if (fault == FAULT_NONE) fault = bundle_open(&export.bundle);
    if (fault == FAULT_NONE && (export.out = open_out(argv[2])) == NULL) fault = FAULT_IO;
    if (fault == FAULT_NONE) fault = write_all(&export, argv[1], &progress);
    if (export.out != NULL) {
        enum fault const closed = close_out(export.out);
        if (fault == FAULT_NONE) fault = closed;
    }
    signatures_close(export.signatures);
    bundle_close(export.bundle);
    series_close(export.series);
    if (fault != FAULT_NONE) return outcome_fault("export", fault, export.head.seq);
    outcome_time(&progress, "exported", export.head.seq);
    outcome_ok(strcmp(argv[2], "-") == 0 ? stderr : stdout, export.head.seq,
               export.head.block_number, &export.head.hash);
    return 0;
}
