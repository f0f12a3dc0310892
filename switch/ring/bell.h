/* bell: wakes a thread that sleeps because all its rings are empty.
 *
 * The sleeper says that it will sleep, looks at its rings once more, and only then waits; a producer
 * publishes and then looks whether the sleeper sleeps.  Both put a full fence between the two, so at
 * least one of them sees what the other did: no wake-up is lost (tests/model/ring.pml).  Ringing a
 * thread that is awake costs one load and no system call.
 *
 *   sleeper                                    producer
 *   bell_arm                                   ring_publish
 *   if (all rings are empty) bell_wait         bell_ring
 *   bell_disarm
 *
 * Threads: arm, wait, disarm: the one sleeper's; bell_ring: anybody's. */
#ifndef SWITCH_RING_BELL_H
#define SWITCH_RING_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"

struct bell {
    _Alignas(64) _Atomic bool armed;
    int event_fd; /* an eventfd; a libuv loop may poll it itself and call bell_disarm when it is readable */
};

/* FAULT_IO: the system has no eventfd left. */
MUST_CHECK enum fault bell_open(struct bell *bell);

/* Says that the caller is about to sleep. */
void bell_arm(struct bell *bell);

/* Sleeps until somebody rings, or for `timeout_ns` at most (below 0: for ever). */
void bell_wait(struct bell *bell, int64_t timeout_ns);

/* Says that the caller is awake, and forgets earlier rings. */
void bell_disarm(struct bell *bell);

/* Wakes the sleeper if it sleeps or is about to. */
void bell_ring(struct bell *bell);

/* Accepts a bell whose opening failed. */
void bell_close(struct bell *bell);

#endif
