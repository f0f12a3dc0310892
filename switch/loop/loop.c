/* A libuv loop whose sleep is guarded by a bell.
 *
 * libuv calls `prepare` right before it waits for sockets and `check` right after.  An active idle
 * handle makes it look at the sockets without waiting, so a turn in which the duty found work is
 * followed by another one at once.
 *
 * The happy path: prepare -> duty -> arm the bell -> duty once more finds nothing -> wait -> check
 * disarms.  Possible failures: none after loop_open; a duty that always reports work keeps the loop
 * awake, which is what it asks for. */
#include "switch/loop/loop.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/time.h"
#include "switch/loop/loop_internal.h"

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* active: the next turn does not wait */
    uv_poll_t ring; /* the bell's eventfd */
    struct bell bell;
    struct loop_duty duty;
    bool is_armed;
    bool is_ended;
    _Atomic bool is_asked_to_stop;
};

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

struct bell *loop_bell(struct loop *loop)
{
    return &loop->bell;
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* The bell is silenced in `check`; this handle only ends the wait. */
static void on_ring(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

static void before_waiting(uv_prepare_t *prepare)
{
    struct loop *const loop = prepare->data;
    (void)loop->duty.work(loop->duty.context);
    if (loop->is_ended) return;
    bell_arm(&loop->bell);
    loop->is_armed = true;
    bool const worked = loop->duty.work(loop->duty.context);
    if (loop->is_ended) return;
    if (worked) {
        (void)uv_idle_start(&loop->idle, on_idle); /* cannot fail with a callback */
    } else {
        (void)uv_idle_stop(&loop->idle);
    }
}

static void after_waiting(uv_check_t *check)
{
    struct loop *const loop = check->data;
    if (!loop->is_armed) return;
    loop->is_armed = false;
    bell_disarm(&loop->bell);
}

enum fault loop_open(struct loop **out, const struct loop_duty *duty)
{
    *out = NULL;
    struct loop *const loop = aligned_alloc(_Alignof(struct loop), sizeof *loop);
    if (!loop) return FAULT_MEMORY;
    *loop = (struct loop){.duty = *duty};

    enum fault fault = bell_open(&loop->bell);
    if (fault != FAULT_NONE) goto no_bell;
    fault = FAULT_IO;
    if (uv_loop_init(&loop->uv) != 0) goto no_loop;
    if (uv_poll_init(&loop->uv, &loop->ring, loop->bell.event_fd) != 0) goto no_poll;

    /* From here on nothing can fail: these functions only register what is given to them. */
    (void)uv_poll_start(&loop->ring, UV_READABLE, on_ring);
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    (void)uv_check_init(&loop->uv, &loop->check);
    (void)uv_idle_init(&loop->uv, &loop->idle);
    loop->prepare.data = loop;
    loop->check.data = loop;
    (void)uv_prepare_start(&loop->prepare, before_waiting);
    (void)uv_check_start(&loop->check, after_waiting);
    *out = loop;
    return FAULT_NONE;

no_poll:
    (void)uv_loop_close(&loop->uv);
no_loop:
    bell_close(&loop->bell);
no_bell:
    free(loop);
    return fault;
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    assert(loop->is_ended);
}

void loop_ask_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->is_asked_to_stop, true, memory_order_release);
    bell_ring(&loop->bell);
}

bool loop_is_asked_to_stop(const struct loop *loop)
{
    return atomic_load_explicit(&loop->is_asked_to_stop, memory_order_acquire);
}

void loop_end(struct loop *loop)
{
    if (loop->is_ended) return;
    loop->is_ended = true;
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->ring, NULL);
}

int64_t loop_now_ns(const struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv) * TIME_NS_PER_MS;
}

void loop_close(struct loop *loop)
{
    if (!loop) return;
    loop_end(loop);
    /* What is closing needs one more turn to be gone. */
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int const status = uv_loop_close(&loop->uv);
    assert(status == 0); /* else somebody has left a handle on the loop */
    (void)status;
    bell_close(&loop->bell);
    free(loop);
}
