/* replay: whether a stored entry follows from the state, and what its post needs.
 *
 * An entry records results; configuration has no say in whether it follows, but for the currency and
 * for the sizes of the tables.  What is checked here is what engine.c made sure of when it wrote the
 * entry, and nothing read from disk is trusted before it is checked.
 *
 * Threads: the engine's. */
#ifndef SWITCH_CORE_REPLAY_H
#define SWITCH_CORE_REPLAY_H

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/entry.h"
#include "switch/core/state.h"

/* FAULT_NONE: *posting is ready for state_post.  The faults are engine_apply's.  An id that the
 * window still holds, though the entry uses it anew, is forgotten here: the window was shorter when
 * the entry was written. */
MUST_CHECK enum fault replay_check(struct engine *engine, const struct entry *entry,
                                   struct span body, struct posting *posting);

#endif
