/* loop: one thread's event loop, asleep when there is nothing to do and awake when a ring has work.
 *
 * A turn of the loop:   sockets and timers -> duty -> sleep, unless the duty found something to do
 *
 * The duty is a function of the owner that drains what other threads have put into its rings and
 * sends what has been answered.  Before the loop sleeps it arms its bell and calls the duty once
 * more, so that a record published meanwhile is not missed (switch/ring/bell.h).  It does not spin
 * before it sleeps: what it waits for is a bank, or a commit that takes five times as long as a
 * wake-up.
 *
 * Threads: all functions belong to the loop's thread but loop_ask_stop and bell_ring on its bell,
 *          which any thread may call.  loop_open may run before, on the thread that starts it.
 * libuv stays inside this folder: other folders never see its types. */
#ifndef SWITCH_LOOP_LOOP_H
#define SWITCH_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "switch/ring/bell.h"

struct loop;

struct loop_duty {
    void *context;
    /* Does what there is to do; true when there was something. */
    bool (*work)(void *context);
};

/* On FAULT_NONE *out is the caller's until loop_close; *duty is copied.
 * FAULT_IO, FAULT_MEMORY: the system gives no event queue or no memory. */
MUST_CHECK enum fault loop_open(struct loop **out, const struct loop_duty *duty);

/* Who publishes to a ring that this loop's duty drains rings this bell afterwards. */
struct bell *loop_bell(struct loop *loop);

/* Runs turns until loop_end has been called and every server and listener on it is closed. */
void loop_run(struct loop *loop);

/* Asks the owner to stop, which its duty sees with loop_is_asked_to_stop. */
void loop_ask_stop(struct loop *loop);
bool loop_is_asked_to_stop(const struct loop *loop);

/* Nothing more will be done here: loop_run returns once all handles are closed. */
void loop_end(struct loop *loop);

/* Monotonic time of the present turn, for time limits only; no relation to the switch's time. */
int64_t loop_now_ns(const struct loop *loop);

/* Assumed: loop_run has returned, or was never called. Accepts NULL. */
void loop_close(struct loop *loop);

#endif
