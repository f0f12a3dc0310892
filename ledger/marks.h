/* marks: how far each participant has confirmed its deliveries, in marks.db beside the segments.
 *
 * A participant's own numbered entries are its queue.  Its mark says: everything below `cursor` was
 * offered, and of that only the numbers in `outstanding` are not confirmed yet.
 *
 * Marks are no part of the books: losing them only repeats deliveries, and banks drop repeats by
 * PI-ResourceId.  So rows are replaced in place.  What is stored survives power loss all the same, as
 * settlement counts on it: beyond the stored cursor and a bound nothing was ever offered, and so may be
 * grouped after a restart (switch/settlement/outbox.h).
 *
 * Threads: one, settlement's.   Files: DIRECTORY/marks.db (with SQLite's -wal and -shm).
 * Format:  ledger/README.md, "Marks". */
#ifndef LEDGER_MARKS_H
#define LEDGER_MARKS_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/record/identifier.h"

#define MARKS_LEDGER_ID_BYTES 16

struct mark {
    struct participant_code code;
    uint64_t cursor;                         /* first own number that was not offered yet, from 1 */
    uint32_t outstanding_count;              /* 0 to LIMIT_OUTSTANDING */
    uint64_t outstanding[LIMIT_OUTSTANDING]; /* own numbers below cursor, ascending */
};

struct marks;

/* Opens or makes the marks of the ledger `ledger_id` in `directory` through the SQLite VFS `vfs`
 * (NULL: the system's).  Marks of another ledger, which could hide deliveries, are thrown away,
 * and the log says so.  FAULT_CORRUPT: the file is damaged; removing it only repeats deliveries.
 * FAULT_VERSION: its format is not ours.  FAULT_IO, FAULT_MEMORY, FAULT_FULL (the path is too long).
 * *out is the caller's until marks_close. */
MUST_CHECK enum fault marks_open(struct marks **out, const char *directory, const char *vfs,
                                 const uint8_t ledger_id[MARKS_LEDGER_ID_BYTES]);

/* Gets each stored mark, good until it returns.  Any fault ends the load. */
typedef enum fault (*marks_visit)(void *context, const struct mark *mark);

/* All marks, in order of code.  Where the ledger is an older copy than the marks, a cursor may lie
 * beyond the participant's newest number: the caller bounds it.  FAULT_CORRUPT: a row is no mark. */
MUST_CHECK enum fault marks_load(struct marks *marks, marks_visit visit, void *context);

/* Stages a changed mark, replacing the one stored of the same participant.
 * FAULT_IO: nothing staged since the last marks_commit is kept; the marks may be used again.
 * Assumed: the mark is as its struct says. */
MUST_CHECK enum fault marks_put(struct marks *marks, const struct mark *mark);

/* Stores what was staged, in one transaction, and waits for the disk.  FAULT_IO as above. */
MUST_CHECK enum fault marks_commit(struct marks *marks);

/* Stores nothing that is only staged.  Accepts NULL. */
void marks_close(struct marks *marks);

#endif
