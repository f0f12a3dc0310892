/* Copies a ledger into a builder.
 *
 * The happy path: fix the end; the block that the copy ends with must be the ledger's; then block by
 * block; then each checkpoint up to the end and each seal below it, of which some may be newer than
 * their blocks; finish, which syncs; and only then does backup.txt say that it is complete.
 *
 * Possible failures: the ledger is damaged (the copy ends before that), the copy is of another ledger,
 * the disk is full.  After a crash the copy is shorter, and the next run goes on. */
#include "ledger/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/builder.h"
#include "ledger/bundle.h"
#include "ledger/database.h"
#include "ledger/segment.h"
#include "ledger/series.h"
#include "ledger/signatures.h"
#include "proto/base/limits.h"
#include "proto/base/log.h"

#define PART "backup"
#define STATE_BYTES 160

struct copy {
    const char *from;
    struct builder *builder;
    struct series *series; /* of `from` */
    struct bundle *bundle;
    backup_progress progress;
    void *context;
    struct backup_report *report;
};

/* --- blocks ----------------------------------------------------------------------------------- */

/* Is the copy the beginning of this ledger?  Its newest header names all that is before it. */
static enum fault demand_same_ledger(const struct copy *copy)
{
    const struct journal_head *head = builder_head(copy->builder);
    struct block_header header = {0};
    struct segment *segment;
    if (head->block_number == 0) return FAULT_NONE;
    enum fault fault = series_by_block(copy->series, head->block_number, &segment);
    if (fault == FAULT_NONE) fault = segment_header(segment, head->block_number, &header);
    if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND) return fault;
    struct hash const hash = block_header_hash(&header);
    if (fault == FAULT_NONE && hash_equal(&hash, &head->block_hash)) return FAULT_NONE;
    LOG(LOG_ERROR, PART, "the copy has a block %" PRIu64 " that %s has not", head->block_number,
        copy->from);
    return FAULT_CORRUPT;
}

static void report_head(const struct copy *copy)
{
    const struct journal_head *head = builder_head(copy->builder);
    copy->report->entries = head->seq;
    copy->report->blocks = head->block_number;
    copy->report->head = head->hash;
}

static enum fault copy_blocks(const struct copy *copy, uint64_t end)
{
    const struct journal_head *head = builder_head(copy->builder);
    enum fault fault = FAULT_NONE;
    while (fault == FAULT_NONE && head->block_number < end) {
        fault = bundle_read(copy->bundle, copy->series, head);
        if (fault == FAULT_NONE) fault = builder_block(copy->builder, copy->bundle);
        if (fault != FAULT_NONE) break;
        copy->report->added_entries += copy->bundle->count;
        copy->report->added_blocks++;
        report_head(copy);
        if (copy->progress) fault = copy->progress(copy->context, copy->report);
    }
    return fault;
}

/* --- signatures ------------------------------------------------------------------------------- */

/* Before the first signature under it. */
static enum fault copy_certificate(const struct copy *copy, struct signatures *signatures,
                                   const struct hash *sha256)
{
    uint8_t der[LIMIT_PEM_BYTES];
    struct certificate *certificate = NULL;
    const char *words = "";
    size_t size;
    enum fault fault = signatures_certificate(signatures, sha256, der, sizeof der, &size);
    if (fault == FAULT_NOT_FOUND) words = "it is not there";
    if (fault == FAULT_NONE) fault = certificate_parse(&certificate, span_of(der, size), &words);
    if (fault == FAULT_NONE) fault = builder_certificate(copy->builder, certificate);
    certificate_close(certificate);
    if (fault != FAULT_NOT_FOUND && fault != FAULT_INVALID) return fault;
    LOG(LOG_ERROR, PART, "a certificate under which the switch has signed: %s", words);
    return FAULT_CORRUPT;
}

static enum fault copy_checkpoints(const struct copy *copy, struct signatures *signatures,
                                   uint64_t end)
{
    struct block_header header = {0};
    struct signature signature;
    struct hash last = {0};
    for (;;) {
        enum fault fault =
            signatures_checkpoint(signatures, header.number + 1, &header, &signature);
        if (fault == FAULT_NOT_FOUND || (fault == FAULT_NONE && header.number > end))
            return FAULT_NONE;
        if (fault == FAULT_NONE && !hash_equal(&last, &signature.certificate))
            fault = copy_certificate(copy, signatures, &signature.certificate);
        if (fault == FAULT_NONE) fault = builder_checkpoint(copy->builder, &header, &signature);
        if (fault != FAULT_NONE) return fault;
        last = signature.certificate;
    }
}

/* Of the segments that are whole in the copy and that another one follows there. */
static enum fault copy_seals(const struct copy *copy, struct signatures *signatures)
{
    uint64_t const newest = builder_head(copy->builder)->segment_number;
    for (uint64_t number = 1; number < newest; number++) {
        struct seal_statement statement;
        struct signature signature;
        enum fault fault = signatures_seal(signatures, number, &statement, &signature);
        if (fault == FAULT_NOT_FOUND) return FAULT_NONE; /* the keeper has not come so far */
        if (fault == FAULT_NONE) fault = copy_certificate(copy, signatures, &signature.certificate);
        if (fault == FAULT_NONE) fault = builder_seal(copy->builder, &statement, &signature);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

static enum fault copy_signatures(const struct copy *copy, uint64_t end)
{
    struct signatures *signatures;
    enum fault fault = signatures_read(&signatures, copy->from, NULL);
    if (fault == FAULT_NOT_FOUND) return FAULT_NONE; /* nothing was signed yet */
    if (fault != FAULT_NONE) return fault;
    fault = copy_checkpoints(copy, signatures, end);
    if (fault == FAULT_NONE) fault = copy_seals(copy, signatures);
    signatures_close(signatures);
    return fault;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum fault copy_all(struct copy *copy)
{
    uint64_t end_seq, end;
    enum fault fault = series_end(copy->series, &end_seq, &end);
    if (fault != FAULT_NONE) return fault;
    if (end == 0) return FAULT_NOT_FOUND;
    copy->report->to_entries = end_seq;
    report_head(copy);
    fault = bundle_open(&copy->bundle);
    if (fault == FAULT_NONE) fault = demand_same_ledger(copy);
    if (fault == FAULT_NONE) fault = copy_blocks(copy, end);
    if (fault == FAULT_NONE) fault = copy_signatures(copy, end);
    bundle_close(copy->bundle);
    return fault;
}

/* --- backup.txt ------------------------------------------------------------------------------- */

/* Replaced in one step, so that it is never half a line. */
static enum fault write_state(const char *directory, const char *line)
{
    char path[DATABASE_PATH_BYTES], temporary[DATABASE_PATH_BYTES];
    enum fault fault = database_path(path, directory, BACKUP_STATE_FILE);
    if (fault == FAULT_NONE) fault = database_path(temporary, directory, BACKUP_STATE_FILE ".new");
    if (fault != FAULT_NONE) return fault;
    int const fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t const size = (ssize_t)strlen(line);
    bool good = fd >= 0 && write(fd, line, (size_t)size) == size && fsync(fd) == 0;
    if (fd >= 0) good = close(fd) == 0 && good;
    if (good && rename(temporary, path) == 0) return database_sync_directory(PART, directory);
    LOG(LOG_ERROR, PART, "cannot write %s: %s", path, strerror(errno));
    return FAULT_IO;
}

static void print_state(const struct backup_report *report, char line[STATE_BYTES])
{
    char head[HASH_TEXT_BYTES];
    hash_print(&report->head, head);
    (void)snprintf(line, STATE_BYTES, "ok entries=%" PRIu64 " blocks=%" PRIu64 " head=%s\n",
                   report->entries, report->blocks, head);
}

/* Empty where there is none, or it cannot be read. */
static void read_state(const char *directory, char line[STATE_BYTES])
{
    char path[DATABASE_PATH_BYTES];
    line[0] = 0;
    if (database_path(path, directory, BACKUP_STATE_FILE) != FAULT_NONE) return;
    int const fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t const size = read(fd, line, STATE_BYTES - 1);
    line[size > 0 ? size : 0] = 0;
    (void)close(fd);
}

static enum fault incomplete(const char *directory)
{
    LOG(LOG_ERROR, PART, "%s/" BACKUP_STATE_FILE " does not say that a backup is complete here",
        directory);
    return FAULT_INVALID;
}

/* --- what the two do -------------------------------------------------------------------------- */

static enum fault open_copy(struct copy *copy, const char *to, enum builder_use use)
{
    struct stat one, other;
    *copy->report = (struct backup_report){0};
    enum fault fault = series_open(&copy->series, PART, copy->from, NULL);
    if (fault != FAULT_NONE) return fault;
    if (stat(copy->from, &one) == 0 && stat(to, &other) == 0 && one.st_dev == other.st_dev &&
        one.st_ino == other.st_ino) {
        LOG(LOG_ERROR, PART, "%s is the ledger itself", to);
        return FAULT_INVALID;
    }
    return builder_open(&copy->builder, to, use);
}

static void close_copy(struct copy *copy)
{
    builder_close(copy->builder);
    series_close(copy->series);
}

enum fault backup_run(const char *ledger, const char *dest, backup_progress progress, void *context,
                      struct backup_report *report)
{
    char line[STATE_BYTES];
    struct copy copy = {.from = ledger, .progress = progress, .context = context, .report = report};
    enum fault fault = open_copy(&copy, dest, BUILDER_ADD);
    if (fault == FAULT_NONE) fault = write_state(dest, "incomplete\n");
    if (fault == FAULT_NONE) fault = copy_all(&copy);
    if (fault == FAULT_NONE) fault = builder_finish(copy.builder);
    print_state(report, line);
    if (fault == FAULT_NONE) fault = write_state(dest, line);
    close_copy(&copy);
    return fault;
}

enum fault backup_restore(const char *backup, const char *ledger, backup_progress progress,
                          void *context, struct backup_report *report)
{
    char says[STATE_BYTES], is[STATE_BYTES];
    struct copy copy = {.from = backup, .progress = progress, .context = context, .report = report};
    *report = (struct backup_report){0};
    read_state(backup, says);
    if (strncmp(says, "ok ", 3) != 0) return incomplete(backup);
    enum fault fault = open_copy(&copy, ledger, BUILDER_NEW);
    if (fault == FAULT_NONE) fault = copy_all(&copy);
    print_state(report, is);
    if (fault == FAULT_NONE && strcmp(says, is) != 0) fault = incomplete(backup);
    if (fault == FAULT_NONE) fault = builder_finish(copy.builder);
    close_copy(&copy);
    return fault;
}
