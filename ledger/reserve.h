/* reserve: how much room the ledger's disk has left, and a file that holds some of it back.
 *
 *   room of the disk            level
 *   ----------------------      --------------------------------------------------------------
 *   PLENTY                      payments are taken; DIRECTORY/reserve takes its bytes
 *     | below low       ^
 *     v                 |       low and a quarter more, and room for the file again
 *   LOW ----------------+       no new payments; those in flight are answered, or expire
 *     | below last      ^
 *     v                 |
 *   FREED --------------+       as LOW, and the file is removed: its bytes are for payments in flight
 *
 * Going up needs more room than going down, so that a disk at a mark does not make banks' payments
 * come and go.  Nothing has to be restarted when somebody makes room.
 *
 * The file is no part of the books; it may be removed at a stop.
 *
 * Threads: reserve_open and reserve_close on the thread that starts the one that looks; reserve_look
 *          on that one, which may be kept waiting by the disk. */
#ifndef LEDGER_RESERVE_H
#define LEDGER_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"

enum reserve_level { RESERVE_PLENTY, RESERVE_LOW, RESERVE_FREED };

struct reserve_options {
    const char *directory; /* of the ledger, which is there; outlives the reserve */
    uint64_t bytes;        /* of the file; 0: no file, and LOW is the last level */
    uint64_t low_bytes;    /* LIMIT_DISK_LOW_BYTES */
    uint64_t last_bytes;   /* LIMIT_DISK_LAST_BYTES; below low_bytes */
    /* Bytes that the disk of a directory has left for this process; false: it cannot be asked.
     * NULL: the system is asked (statvfs). */
    bool (*room)(const char *directory, uint64_t *bytes);
};

struct reserve;

/* Looks for the first time.  FAULT_MEMORY; FAULT_FULL: the path is too long; FAULT_IO: the disk
 * cannot be asked; the log says why.  *out is the caller's until reserve_close. */
MUST_CHECK enum fault reserve_open(struct reserve **out, const struct reserve_options *options);

/* Looks again, and does what the level demands; the log tells of each change.  A disk that cannot be
 * asked keeps its level. */
void reserve_look(struct reserve *reserve);

enum reserve_level reserve_level(const struct reserve *reserve);

/* Room at the last look; bytes that the file holds back. */
uint64_t reserve_room(const struct reserve *reserve);
uint64_t reserve_held(const struct reserve *reserve);

/* The file stays.  Accepts NULL. */
void reserve_close(struct reserve *reserve);

#endif
