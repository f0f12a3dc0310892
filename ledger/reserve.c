/* One look: measure, find the level, allocate or remove the file.
 *
 * Possible failures: the disk cannot be asked (said once; the level stays), the file cannot be made
 * (the disk is full, or allows no such thing: the level is LOW at least until it can), or not be
 * removed (said; tried at each look). */
#include "ledger/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ledger/database.h"
#include "proto/base/log.h"

#define PART "reserve"
#define FILE_NAME "reserve"
#define MIB (UINT64_C(1024) * 1024)

struct reserve {
    struct reserve_options options;
    char path[DATABASE_PATH_BYTES];
    enum reserve_level level;
    uint64_t room_bytes;
    uint64_t held_bytes;
    bool is_blind; /* the disk could not be asked */
};

static bool ask_system(const char *directory, uint64_t *bytes)
{
    struct statvfs facts;
    if (statvfs(directory, &facts) != 0) return false;
    *bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
    return true;
}

static bool measure(struct reserve *reserve)
{
    bool const is_blind = !reserve->options.room(reserve->options.directory, &reserve->room_bytes);
    if (is_blind && !reserve->is_blind)
        LOG(LOG_ERROR, PART, "the disk of %s cannot be asked for its room: %s",
            reserve->options.directory, strerror(errno));
    reserve->is_blind = is_blind;
    return !is_blind;
}

/* Blocks are what counts: a file with holes holds nothing back. */
static uint64_t bytes_of_file(const struct reserve *reserve)
{
    struct stat facts;
    return stat(reserve->path, &facts) == 0 ? (uint64_t)facts.st_blocks * 512 : 0;
}

static bool remove_file(struct reserve *reserve)
{
    reserve->held_bytes = 0;
    if (unlink(reserve->path) == 0 || errno == ENOENT) return true;
    LOG(LOG_ERROR, PART, "%s cannot be removed: %s", reserve->path, strerror(errno));
    reserve->held_bytes = bytes_of_file(reserve);
    return false;
}

/* One of another size is of an earlier configuration. */
static bool make_file(struct reserve *reserve)
{
    uint64_t const bytes = reserve->options.bytes;
    struct stat facts;
    reserve->held_bytes = bytes_of_file(reserve);
    if (bytes == 0) return remove_file(reserve);
    if (reserve->held_bytes >= bytes && stat(reserve->path, &facts) == 0 &&
        (uint64_t)facts.st_size == bytes)
        return true;
    if (!remove_file(reserve)) return false;
    int const file = open(reserve->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = file < 0 ? errno : posix_fallocate(file, 0, (off_t)bytes);
    if (file >= 0 && close(file) != 0 && error == 0) error = errno;
    if (error == 0) {
        reserve->held_bytes = bytes;
        return true;
    }
    LOG(LOG_ERROR, PART, "a reserve of %" PRIu64 " MiB cannot be held back: %s", bytes / MIB,
        strerror(error));
    (void)remove_file(reserve);
    return false;
}

static void go_low(struct reserve *reserve)
{
    LOG(LOG_WARNING, PART,
        "the ledger's disk has %" PRIu64 " MiB left: no new payments are taken until it has more",
        reserve->room_bytes / MIB);
    reserve->level = RESERVE_LOW;
}

static void go_free(struct reserve *reserve)
{
    uint64_t const held_bytes = reserve->held_bytes;
    if (held_bytes == 0 || !remove_file(reserve)) return;
    LOG(LOG_ERROR, PART,
        "the ledger's disk has %" PRIu64 " MiB left: the reserve of %" PRIu64
        " MiB is freed for payments in flight",
        reserve->room_bytes / MIB, held_bytes / MIB);
    reserve->level = RESERVE_FREED;
}

/* Up again: what the file will take must be there as well. */
static void try_plenty(struct reserve *reserve)
{
    uint64_t const low_bytes = reserve->options.low_bytes;
    uint64_t const missing_bytes = reserve->options.bytes > reserve->held_bytes
                                       ? reserve->options.bytes - reserve->held_bytes
                                       : 0;
    if (reserve->room_bytes < low_bytes + low_bytes / 4 + missing_bytes) return;
    if (!make_file(reserve)) return;
    LOG(LOG_INFO, PART, "the ledger's disk has %" PRIu64 " MiB left: payments are taken again",
        reserve->room_bytes / MIB);
    reserve->level = RESERVE_PLENTY;
}

void reserve_look(struct reserve *reserve)
{
    if (!measure(reserve)) return;
    switch (reserve->level) {
    case RESERVE_PLENTY:
        if (reserve->room_bytes >= reserve->options.low_bytes) return;
        go_low(reserve);
        break;
    case RESERVE_LOW:
    case RESERVE_FREED: try_plenty(reserve); break;
    }
    if (reserve->level == RESERVE_LOW && reserve->room_bytes < reserve->options.last_bytes)
        go_free(reserve);
}

enum fault reserve_open(struct reserve **out, const struct reserve_options *options)
{
    *out = NULL;
    struct reserve *const reserve = calloc(1, sizeof *reserve);
    if (!reserve) return FAULT_MEMORY;
    reserve->options = *options;
    if (!options->room) reserve->options.room = ask_system;
    enum fault fault = database_path(reserve->path, options->directory, FILE_NAME);
    if (fault == FAULT_NONE && !measure(reserve)) fault = FAULT_IO;
    if (fault != FAULT_NONE) {
        reserve_close(reserve);
        return fault;
    }
    reserve->held_bytes = bytes_of_file(reserve);
    bool const has_room =
        reserve->room_bytes + reserve->held_bytes >= options->low_bytes + options->bytes;
    if (!has_room || !make_file(reserve)) go_low(reserve);
    reserve_look(reserve);
    *out = reserve;
    return FAULT_NONE;
}

enum reserve_level reserve_level(const struct reserve *reserve)
{
    return reserve->level;
}

uint64_t reserve_room(const struct reserve *reserve)
{
    return reserve->room_bytes;
}

uint64_t reserve_held(const struct reserve *reserve)
{
    return reserve->held_bytes;
}

void reserve_close(struct reserve *reserve)
{
    free(reserve);
}
