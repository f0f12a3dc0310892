/* Finds the segment of an entry or a block, and keeps a few files open.
 *
 * The happy path of a look-up: is it within what was seen of the newest segment?  Then halve over the
 * segments' first entries; a file that is not open takes the place of the one used longest ago.
 *
 * Possible failures: a file is missing, or none of ours (FAULT_CORRUPT, FAULT_VERSION); SQLite refuses
 * (FAULT_IO, FAULT_BUSY), after which the series may be used again.
 *
 * A file that a later one follows is written by nobody but the keeper, which moves its write-ahead log
 * into it: when there is no log any more it is read without locks (DATABASE_IMMUTABLE). */
#include "ledger/series.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"
#include "ledger/segment.h"
#include "proto/base/log.h"

/* Files kept open: the newest, the prepared one, and as many older ones as returns and look-ups of a
 * day touch at a time; each takes a page cache of up to 2 MiB. */
#define OPEN_MAX 8

struct start { /* of a segment; zeros: not known yet */
    uint64_t seq, block;
};

struct series {
    const char *part, *directory, *vfs;
    uint64_t newest;             /* segment with entries; 0: none */
    uint64_t end_seq, end_block; /* of the newest, as seen last */
    struct start *starts;        /* of segment 1, 2, ... */
    uint64_t starts_room;
    struct segment open[OPEN_MAX];
    uint64_t used[OPEN_MAX]; /* when it was used last, by `uses` */
    uint64_t uses;
};

void series_name(uint64_t number, char name[SERIES_NAME_BYTES])
{
    assert(number >= 1 && number <= LIMIT_SEGMENTS);
    (void)snprintf(name, SERIES_NAME_BYTES, "segment-%06u.db", (unsigned)number);
}

static enum fault segment_path(char path[DATABASE_PATH_BYTES], const char *directory,
                               uint64_t number, const char *suffix)
{
    char name[SERIES_NAME_BYTES], whole[SERIES_NAME_BYTES + 8];
    series_name(number, name);
    (void)snprintf(whole, sizeof whole, "%s%s", name, suffix);
    return database_path(path, directory, whole);
}

static enum fault is_there(const char *directory, const char *vfs, uint64_t number,
                           const char *suffix, bool *exists)
{
    char path[DATABASE_PATH_BYTES];
    *exists = false;
    if (number > LIMIT_SEGMENTS) return FAULT_NONE;
    enum fault const fault = segment_path(path, directory, number, suffix);
    return fault == FAULT_NONE ? database_exists(path, vfs, exists) : fault;
}

/* The number in a file's name; 0: it is no segment's. */
static uint64_t number_of(const char *name)
{
    static const char digits[] = "0123456789";
    size_t const before = strlen("segment-");
    char same[SERIES_NAME_BYTES];
    if (strncmp(name, "segment-", before) != 0 || strspn(name + before, digits) != 6) return 0;
    uint64_t const number = strtoul(name + before, NULL, 10);
    if (number == 0) return 0;
    series_name(number, same);
    return strcmp(name, same) == 0 ? number : 0;
}

/* A file that is missing would otherwise make an older one look like the newest, and the journal go on
 * there: so all names are looked at. */
static enum fault list_files(const char *directory, uint64_t *highest)
{
    uint64_t count = 0;
    *highest = 0;
    DIR *opened = opendir(directory);
    if (opened == NULL) {
        if (errno == ENOENT || errno == ENOTDIR) return FAULT_NONE;
        LOG(LOG_ERROR, "series", "cannot read %s: %s", directory, strerror(errno));
        return FAULT_IO;
    }
    for (const struct dirent *file; (file = readdir(opened)) != NULL;) {
        uint64_t const number = number_of(file->d_name);
        count += number > 0;
        if (number > *highest) *highest = number;
    }
    (void)closedir(opened);
    if (count == *highest) return FAULT_NONE;
    LOG(LOG_ERROR, "series", "%s has %" PRIu64 " of %" PRIu64 " segments: some are missing",
        directory, count, *highest);
    return FAULT_CORRUPT;
}

/* What cannot be listed is asked for by name, twice as far each time, and then halved. */
static enum fault probe_files(const char *directory, const char *vfs, uint64_t *highest)
{
    uint64_t low = 0, high = 1; /* low is there, or 0 */
    bool exists = true;
    while (exists) {
        enum fault const fault = is_there(directory, vfs, high, "", &exists);
        if (fault != FAULT_NONE) return fault;
        if (exists) {
            low = high;
            high *= 2;
        }
    }
    while (high - low > 1) {
        uint64_t const middle = low + (high - low) / 2;
        enum fault const fault = is_there(directory, vfs, middle, "", &exists);
        if (fault != FAULT_NONE) return fault;
        if (exists)
            low = middle;
        else
            high = middle;
    }
    *highest = low;
    return FAULT_NONE;
}

enum fault series_highest(const char *directory, const char *vfs, uint64_t *number)
{
    char path[DATABASE_PATH_BYTES];
    enum fault const fault = segment_path(path, directory, LIMIT_SEGMENTS, "");
    if (fault != FAULT_NONE) return fault;
    return vfs == NULL ? list_files(directory, number) : probe_files(directory, vfs, number);
}

/* SQLite syncs the file, the write-ahead log that holds its tables and the names of both; the log
 * stays, so that the journal's first commit has no file to make. */
enum fault series_prepare(const char *directory, const char *vfs, uint64_t number)
{
    static const char part[] = "keeper";
    struct segment segment;
    if (number > LIMIT_SEGMENTS) return FAULT_FULL;
    enum fault const fault = segment_open(&segment, part, directory, vfs, number, DATABASE_WRITE);
    if (fault != FAULT_NONE) return fault;
    segment_close(&segment);
    return vfs == NULL ? database_sync_directory(part, directory) : FAULT_NONE;
}

/* --- files ------------------------------------------------------------------------------------ */

static void let_go(struct series *series, uint64_t number)
{
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (series->open[i].db && series->open[i].number == number) segment_close(&series->open[i]);
        if (series->open[i].db == NULL) series->used[i] = 0;
    }
}

static enum fault open_file(struct series *series, uint64_t number, struct segment **segment)
{
    size_t place = 0;
    series->uses++;
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (series->open[i].db && series->open[i].number == number) {
            series->used[i] = series->uses;
            *segment = &series->open[i];
            return FAULT_NONE;
        }
        if (series->used[i] < series->used[place]) place = i;
    }
    bool has_log = true;
    enum fault fault = is_there(series->directory, series->vfs, number, "-wal", &has_log);
    if (fault != FAULT_NONE) return fault;
    bool const is_final = number < series->newest && !has_log;
    if (series->open[place].db) segment_close(&series->open[place]);
    series->used[place] = 0;
    fault = segment_open(&series->open[place], series->part, series->directory, series->vfs, number,
                         is_final ? DATABASE_IMMUTABLE : DATABASE_READ);
    if (fault != FAULT_NONE) return fault;
    series->used[place] = series->uses;
    *segment = &series->open[place];
    return FAULT_NONE;
}

/* A file before the newest must be there. */
static enum fault open_older(struct series *series, uint64_t number, struct segment **segment)
{
    enum fault const fault = open_file(series, number, segment);
    if (fault != FAULT_NOT_FOUND) return fault;
    LOG(LOG_ERROR, series->part, "segment %" PRIu64 " of %s is missing", number, series->directory);
    return FAULT_CORRUPT;
}

/* Only the last file may be without entries. */
static enum fault empty(struct series *series, uint64_t number)
{
    LOG(LOG_ERROR, series->part, "segment %" PRIu64 " of %s is empty, and not the last", number,
        series->directory);
    return FAULT_CORRUPT;
}

/* --- the end ---------------------------------------------------------------------------------- */

static enum fault make_room(struct series *series, uint64_t number)
{
    if (number <= series->starts_room) return FAULT_NONE;
    uint64_t const room = 2 * number;
    struct start *starts = realloc(series->starts, room * sizeof *starts);
    if (starts == NULL) return FAULT_MEMORY;
    memset(starts + series->starts_room, 0, (room - series->starts_room) * sizeof *starts);
    series->starts = starts;
    series->starts_room = room;
    return FAULT_NONE;
}

/* Has the segment after the newest begun?  One that is only prepared has not. */
static enum fault advance(struct series *series, bool *advanced)
{
    uint64_t const next = series->newest + 1;
    struct segment_extent extent = {0};
    struct segment *segment;
    bool exists;
    *advanced = false;
    enum fault fault = is_there(series->directory, series->vfs, next, "", &exists);
    if (fault != FAULT_NONE || !exists) return fault;
    fault = open_file(series, next, &segment);
    if (fault == FAULT_NOT_FOUND) return FAULT_NONE; /* it is being made */
    if (fault == FAULT_NONE) fault = segment_extent(segment, &extent);
    if (fault == FAULT_NONE && extent.last_seq > 0) fault = make_room(series, next);
    if (fault != FAULT_NONE || extent.last_seq == 0) return fault;

    let_go(series, series->newest); /* opened again it may be final */
    series->newest = next;
    *advanced = true;
    return FAULT_NONE;
}

static enum fault look_at_end(struct series *series)
{
    struct segment *segment;
    struct segment_extent extent;
    bool advanced = true;
    while (advanced) {
        enum fault const fault = advance(series, &advanced);
        if (fault != FAULT_NONE) return fault;
    }
    if (series->newest == 0) return FAULT_NONE;
    enum fault fault = open_older(series, series->newest, &segment);
    if (fault == FAULT_NONE) fault = segment_extent(segment, &extent);
    if (fault == FAULT_NONE && extent.last_seq == 0) fault = empty(series, series->newest);
    if (fault != FAULT_NONE) return fault;
    series->end_seq = extent.last_seq;
    series->end_block = extent.last_block;
    return FAULT_NONE;
}

enum fault series_newest(struct series *series, uint64_t *number)
{
    enum fault const fault = look_at_end(series);
    *number = series->newest;
    return fault;
}

enum fault series_end(struct series *series, uint64_t *seq, uint64_t *block)
{
    enum fault const fault = look_at_end(series);
    *seq = series->end_seq;
    *block = series->end_block;
    return fault;
}

/* --- finding ---------------------------------------------------------------------------------- */

static enum fault learn(struct series *series, uint64_t number, struct start *start)
{
    struct start *known = &series->starts[number - 1];
    if (known->seq == 0) {
        struct segment *segment;
        struct segment_extent extent;
        enum fault fault = open_older(series, number, &segment);
        if (fault == FAULT_NONE) fault = segment_extent(segment, &extent);
        if (fault != FAULT_NONE) return fault;
        if (extent.first_seq == 0 || extent.first_block == 0) return empty(series, number);
        *known = (struct start){.seq = extent.first_seq, .block = extent.first_block};
    }
    *start = *known;
    return FAULT_NONE;
}

/* The last segment that begins at or before entry `seq`, or, when that is 0, block `block`.  Most of
 * what is asked for is in the newest, so that is tried first. */
static enum fault find(struct series *series, uint64_t seq, uint64_t block,
                       struct segment **segment)
{
    uint64_t low = 1, high = series->newest + 1; /* low holds it, or the ledger lacks its first */
    uint64_t middle = series->newest;
    while (high - low > 1) {
        struct start start;
        enum fault const fault = learn(series, middle, &start);
        if (fault != FAULT_NONE) return fault;
        if (seq ? start.seq <= seq : start.block <= block)
            low = middle;
        else
            high = middle;
        middle = low + (high - low) / 2;
    }
    return open_older(series, low, segment);
}

enum fault series_by_seq(struct series *series, uint64_t seq, struct segment **segment)
{
    if (seq == 0) return FAULT_NOT_FOUND;
    if (seq > series->end_seq) {
        enum fault const fault = look_at_end(series);
        if (fault != FAULT_NONE) return fault;
        if (seq > series->end_seq) return FAULT_NOT_FOUND;
    }
    return find(series, seq, 0, segment);
}

enum fault series_by_block(struct series *series, uint64_t number, struct segment **segment)
{
    if (number == 0) return FAULT_NOT_FOUND;
    if (number > series->end_block) {
        enum fault const fault = look_at_end(series);
        if (fault != FAULT_NONE) return fault;
        if (number > series->end_block) return FAULT_NOT_FOUND;
    }
    return find(series, 0, number, segment);
}

/* --- opening ---------------------------------------------------------------------------------- */

/* The newest file may be a prepared one; the one before it must have entries, unless there is none. */
static enum fault find_newest(struct series *series)
{
    uint64_t highest;
    struct segment *segment;
    enum fault fault = series_highest(series->directory, series->vfs, &highest);
    if (fault != FAULT_NONE) return fault;
    if (highest == 0) return FAULT_NOT_FOUND;
    fault = make_room(series, highest);
    if (fault != FAULT_NONE) return fault;
    series->newest = highest - 1;
    if (highest > 1) return look_at_end(series);

    fault = open_file(series, 1, &segment);
    return fault == FAULT_NONE ? look_at_end(series) : fault;
}

enum fault series_open(struct series **out, const char *part, const char *directory,
                       const char *vfs)
{
    struct series *series = calloc(1, sizeof *series);
    if (series == NULL) return FAULT_MEMORY;
    series->part = part;
    series->directory = directory;
    series->vfs = vfs;
    enum fault const fault = find_newest(series);
    if (fault == FAULT_NONE)
        *out = series;
    else
        series_close(series);
    return fault;
}

void series_close(struct series *series)
{
    if (series == NULL) return;
    for (size_t i = 0; i < OPEN_MAX; i++)
        segment_close(&series->open[i]);
    free(series->starts);
    free(series);
}
