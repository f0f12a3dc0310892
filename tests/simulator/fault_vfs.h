/* fault_vfs: a SQLite VFS over the system's that fails the n-th call, for the suites that fail
 * every I/O in turn (STYLE, habit 35).
 *
 * Counted are the calls that can fail for a reason outside the program: open, read, write, sync,
 * truncate, the size of a file, deletion, and the mapping of shared memory.  One thread only. */
#ifndef TESTS_SIMULATOR_FAULT_VFS_H
#define TESTS_SIMULATOR_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_VFS_NAME "fault"

/* Makes the VFS known to SQLite under FAULT_VFS_NAME; again is no harm. False: SQLite refused. */
bool fault_vfs_register(void);

/* From now on the n-th counted call fails, and, when `for_good`, every later one too, as of a disk
 * that is gone; 0: none fails.  Starts the count anew. */
void fault_vfs_fail(uint64_t nth, bool for_good);

/* While `fail` is true, every sync fails, and nothing else does. */
void fault_vfs_fail_syncs(bool fail);

/* True when a call has failed since fault_vfs_fail. */
bool fault_vfs_has_failed(void);

#endif
