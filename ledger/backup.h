/* backup: a second copy of a ledger, made beside a switch at work, and a ledger made of one again.
 *
 *   backup_run       LEDGER --blocks and signatures, each checked--> DEST     again: only what is new
 *   backup_restore   DEST   --likewise----------------------------> LEDGER   a new one
 *
 * DEST has a ledger's files, which `cauce verify` checks as any, and backup.txt, one line: "incomplete"
 * while a run is at work or was cut short, which the next one makes good, else
 * "ok entries=N blocks=N head=HEX".  Whatever happens, DEST is the beginning of the ledger.
 *
 * A run copies up to the block that is the newest when it begins, in short reads that hold no
 * checkpoint back.  Marks, index and snapshots are not copied (ledger/README.md says why).
 *
 * Threads: any, none twice into one directory at a time. */
#ifndef LEDGER_BACKUP_H
#define LEDGER_BACKUP_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/crypto/hash.h"

#define BACKUP_STATE_FILE "backup.txt"

struct backup_report {
    uint64_t entries, blocks;             /* in the copy */
    struct hash head;                     /* of its newest entry */
    uint64_t added_entries, added_blocks; /* of these by this run */
    uint64_t to_entries;                  /* where it will end */
};

/* Called after each block; a fault ends the run as if it were its own.  NULL: nobody asks. */
typedef enum fault (*backup_progress)(void *context, const struct backup_report *report);

/* Copies what is new.  Faults, with the reason in the log:
 *   FAULT_NOT_FOUND  there is no ledger with entries in `ledger`;
 *   FAULT_INVALID    `dest` cannot be used, or is the ledger itself;
 *   FAULT_CORRUPT    something is not what its hash or signature says, or `dest` is of another ledger;
 *   FAULT_BUSY       another process works in `dest`;
 *   FAULT_VERSION, FAULT_IO, FAULT_MEMORY, FAULT_FULL (a path is too long). */
MUST_CHECK enum fault backup_run(const char *ledger, const char *dest, backup_progress progress,
                                 void *context, struct backup_report *report);

/* Makes a ledger in `ledger`, which must be absent or empty, from a complete backup, and checks that it
 * leads to the head that the backup names.  Faults likewise; FAULT_INVALID also: the backup is not
 * complete. */
MUST_CHECK enum fault backup_restore(const char *backup, const char *ledger,
                                     backup_progress progress, void *context,
                                     struct backup_report *report);

#endif
