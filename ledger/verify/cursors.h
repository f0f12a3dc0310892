/* cursors: how far participants have confirmed their deliveries, as marks.db says, held against the
 * entries that there are. */
#ifndef LEDGER_VERIFY_CURSORS_H
#define LEDGER_VERIFY_CURSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/verify/layout.h"
#include "ledger/verify/sums.h"

#define CURSORS_WORDS_BYTES 160

struct cursor {
    uint64_t code; /* the 8 bytes of the participant's */
    uint64_t next; /* the first of its own numbers that was not offered yet */
};

struct cursors {
    struct cursor *each;
    size_t count;
    uint8_t ledger_id[LAYOUT_LEDGER_ID_BYTES];
    char words[CURSORS_WORDS_BYTES]; /* what is wrong, after a false */
};

/* Reads DIRECTORY/marks.db, which may be absent.  To be done before the segments' ends are fixed: a
 * switch at work moves its marks behind its entries, so none may then be beyond them. */
bool cursors_read(struct cursors *cursors, const char *directory);

/* Is each a participant's, and none beyond its entries, which would hide its next deliveries? */
bool cursors_check(struct cursors *cursors, const struct sums *sums,
                   const uint8_t ledger_id[LAYOUT_LEDGER_ID_BYTES]);

/* Accepts cursors of zeros. */
void cursors_close(struct cursors *cursors);

#endif
