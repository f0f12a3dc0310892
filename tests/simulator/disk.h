/* disk: an SQLite VFS in memory that can lose power, be killed under, or refuse an operation.
 *
 *   write --> live pages --xSync--> durable pages
 *                |                      |
 *                '--- power is lost ----+--> each page since its file's last sync: as it was, as it
 *                                            is, or a mixture sector by sector
 *
 * After a power loss what was not synced is old, new or torn, in any combination: writes of different
 * pages keep no order.  A file that was never synced may or may not be there; one deleted may come back
 * unless its folder was synced with the deletion; a size not synced may be the old, the new, or one
 * between.
 * After a kill everything written is there, locks and shared memory are gone.
 *
 * There is one disk a process; the VFS "simulated" becomes SQLite's default, so that SQLite's own
 * random numbers come from the seed too.
 *
 * Threads: one. */
#ifndef TESTS_SIMULATOR_DISK_H
#define TESTS_SIMULATOR_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "tests/simulator/chance.h"

#define DISK_VFS "simulated"

/* What happens to the operation that the countdown ends on. */
enum disk_accident {
    DISK_KILL,  /* the process ends before it: this and every later operation fails */
    DISK_POWER, /* likewise, and what was not synced is old, new or torn */
    DISK_REFUSE /* this operation fails, later ones do not */
};

/* Registers the VFS, with an empty disk. To be called once. */
void disk_open(void);

/* Whether SQLite opens here what names no VFS; true from disk_open on. */
void disk_be_default(bool is_default);

/* Empties the disk and takes its chances, and SQLite's, from `seed`. Assumed: no file is open. */
void disk_format(uint64_t seed);

/* Lets `accident` befall the write, truncation, sync or deletion that comes after `operations` more
 * of them; 0: the next one. */
void disk_arm(enum disk_accident accident, uint32_t operations);

/* Kills or cuts the power now, between operations. */
void disk_fail(enum disk_accident accident);

/* True from a kill or power loss on, until disk_restart. */
bool disk_is_down(void);

/* True when an armed accident has happened since disk_arm. */
bool disk_has_struck(void);

/* No accident any more. */
void disk_disarm(void);

/* After every file was closed: what survives is what the next opening finds. Disarms. */
void disk_restart(void);

/* Copies every file into the system's `directory`, for programs that read those; and removes the
 * copies and the directory.  False: the system refused. */
MUST_CHECK bool disk_copy_out(const char *directory);
MUST_CHECK bool disk_remove_copy(const char *directory);

/* Bytes of all files, and operations so far: for reports. */
uint64_t disk_bytes(void);
uint64_t disk_operations(void);

#endif
