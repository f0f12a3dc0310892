/* disk: an SQLite VFS in memory that can lose power, be killed under, refuse an operation, break, or
 * be full.
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
 * A sync that is refused drops what it should have written, as Linux does: what was written is still
 * read, later syncs are good and do not write it, and with the power it is gone.
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
    DISK_KILL,      /* the process ends before it: this and every later operation fails */
    DISK_POWER,     /* likewise, and what was not synced is old, new or torn */
    DISK_REFUSE,    /* this operation fails (EIO), later ones do not */
    DISK_BREAK,     /* this and every later change fails (EIO), until disk_restart */
    DISK_FULL,      /* no file grows any more (ENOSPC), until disk_make_room */
    DISK_FULL_ONCE, /* this write fails (ENOSPC), later ones do not; no write: DISK_REFUSE */
    DISK_SHORT      /* the next read brings only a part (EIO for the rest), later ones all */
};

/* What is about to be done. */
enum disk_operation { DISK_READ, DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_DELETE };
const char *disk_operation_name(enum disk_operation operation);

/* Registers the VFS, with an empty disk. To be called once. */
void disk_open(void);

/* Whether SQLite opens here what names no VFS; true from disk_open on. */
void disk_be_default(bool is_default);

/* Empties the disk and takes its chances, and SQLite's, from `seed`. Assumed: no file is open. */
void disk_format(uint64_t seed);

/* Lets `accident` befall the write, truncation, sync or deletion that comes after `operations` more
 * of them; 0: the next one.  DISK_SHORT counts reads. */
void disk_arm(enum disk_accident accident, uint32_t operations);

/* Calls `watch` before each operation, reads included; it may arm an accident for it.  NULL: nobody. */
void disk_watch(void (*watch)(enum disk_operation operation, const char *name));

/* While true nothing is watched, counted, or befallen: somebody looks on from outside. */
void disk_spare(bool is_spared);

/* True from DISK_BREAK on, until disk_restart. */
bool disk_is_broken(void);

/* True from DISK_FULL on; room is made. */
bool disk_is_full(void);
void disk_make_room(void);

/* Kills or cuts the power now, between operations. */
void disk_fail(enum disk_accident accident);

/* True from a kill or power loss on, until disk_restart. */
bool disk_is_down(void);

/* True when an armed accident has happened since disk_arm, or still goes on. */
bool disk_has_struck(void);

/* No accident any more. */
void disk_disarm(void);

/* After every file was closed: what survives is what the next opening finds. Disarms; a broken disk
 * is whole again, a full one is still full. */
void disk_restart(void);

/* Copies every file into the system's `directory`, for programs that read those; and removes the
 * copies and the directory.  False: the system refused. */
MUST_CHECK bool disk_copy_out(const char *directory);
MUST_CHECK bool disk_remove_copy(const char *directory);

/* Bytes of all files, and operations so far: for reports. */
uint64_t disk_bytes(void);
uint64_t disk_operations(void);

#endif
