/* An eventfd behind a flag: ringing somebody who is awake costs no system call. */
#include "switch/ring/bell.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000

enum fault bell_open(struct bell *bell)
{
    atomic_init(&bell->armed, false);
    bell->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return bell->event_fd < 0 ? FAULT_IO : FAULT_NONE;
}

void bell_arm(struct bell *bell)
{
    /* The store, then the look at the rings: both are sequentially consistent with bell_ring's
     * publish and load, so one of the two sides sees the other. */
    atomic_store_explicit(&bell->armed, true, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
}

void bell_wait(struct bell *bell, int64_t timeout_ns)
{
    struct pollfd wanted = {.fd = bell->event_fd, .events = POLLIN};
    struct timespec const timeout = {
        .tv_sec = (time_t)(timeout_ns / NS_PER_SECOND),
        .tv_nsec = (long)(timeout_ns % NS_PER_SECOND),
    };
    /* An early return, by a signal for example, is as good as a ring: the caller looks again. */
    (void)ppoll(&wanted, 1, timeout_ns < 0 ? NULL : &timeout, NULL);
}

void bell_disarm(struct bell *bell)
{
    atomic_store_explicit(&bell->armed, false, memory_order_relaxed);
    uint64_t rings;
    ssize_t const got = read(bell->event_fd, &rings, sizeof rings);
    (void)got; /* nothing to read is the usual case */
}

void bell_ring(struct bell *bell)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&bell->armed, memory_order_seq_cst)) return;
    if (!atomic_exchange_explicit(&bell->armed, false, memory_order_seq_cst)) return;
    uint64_t const one = 1;
    ssize_t const put = write(bell->event_fd, &one, sizeof one);
    (void)put; /* it fails only when the counter is full, and then the sleeper is awake anyway */
}

void bell_close(struct bell *bell)
{
    if (bell->event_fd >= 0) (void)close(bell->event_fd);
    bell->event_fd = -1;
}
