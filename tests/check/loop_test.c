/* loop: the server over plain sockets, with a handler that does as the test says: what it shows of
 * requests, when, and what becomes of those whose connection is gone. */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "switch/loop/listener.h"
#include "switch/loop/loop.h"
#include "switch/loop/pool.h"
#include "switch/loop/server.h"
#include "switch/loop/stranger.h"

#define HOST "Host: localhost\r\n"

/* What the handler does is in the path: /now answers, /later is answered when the test releases it,
 * /wait likewise but nothing behind it is shown, /stall stalls until released, /big is a large
 * answer, /cut closes the connection. */
static struct {
    pthread_t thread;
    struct loop *loop;
    struct server *server;
    struct listener *listener;
    _Atomic int shown;   /* requests that were complete */
    _Atomic int lost;    /* calls of lost */
    _Atomic int release; /* exchanges that may be answered now */
    _Atomic bool unstalled;
    _Atomic int owner; /* of connections whose first request comes now; below 0: nobody's */
    _Atomic int connections;
    int order[8]; /* owners of the first requests that were shown; the loop thread's */
    struct exchange_id held[512]; /* the loop thread's, oldest first */
    int held_count;
} world;

#define BIG_BYTES (2 * 1024 * 1024)

static void answer_text(struct exchange *exchange, const char *text)
{
    struct response const found = {.status = 200, .content_type = SPAN("text/plain")};
    exchange_answer_bytes(exchange, &found, span_text(text));
}

static bool on_owner(void *context, const struct hash *peer, uint32_t *owner)
{
    (void)context;
    ck_assert_ptr_null(peer); /* there is no TLS here */
    int const now = atomic_load(&world.owner);
    *owner = (uint32_t)now;
    return now >= 0;
}

static bool on_head(void *context, struct exchange *exchange, const struct request *request)
{
    (void)context;
    int const owner = atomic_load(&world.owner);
    *(uint32_t *)exchange_data(exchange) = (uint32_t)owner;
    if (!span_equal(request->path, SPAN("/refused"))) return true;
    exchange_problem(exchange, PROBLEM_TYPE, SPAN(""), NULL, 0);
    return false;
}

static enum server_step on_complete(void *context, struct exchange *exchange,
                                    const struct request *request, struct span body)
{
    (void)context;
    if (span_equal(request->path, SPAN("/stall")) && !atomic_load(&world.unstalled)) {
        return SERVER_STALLED;
    }
    int const place = atomic_load(&world.shown);
    if (place < 8) world.order[place] = (int)*(uint32_t *)exchange_data(exchange);
    atomic_fetch_add(&world.shown, 1);
    if (span_equal(request->path, SPAN("/later")) || span_equal(request->path, SPAN("/wait"))) {
        world.held[world.held_count++] = exchange_id(exchange);
        return span_equal(request->path, SPAN("/wait")) ? SERVER_WAITS : SERVER_LATER;
    }
    if (span_equal(request->path, SPAN("/cut"))) {
        exchange_cut(exchange);
    } else if (span_equal(request->path, SPAN("/big"))) {
        char *room;
        ck_assert_int_eq(exchange_room(exchange, BIG_BYTES, &room), FAULT_NONE);
        memset(room, 'b', BIG_BYTES);
        struct response const found = {.status = 200};
        exchange_answer(exchange, &found, BIG_BYTES);
    } else {
        char text[64];
        (void)snprintf(text, sizeof text, "%zu bytes", body.size);
        answer_text(exchange, text);
    }
    return SERVER_ANSWERED;
}

static void on_lost(void *context, struct exchange *exchange)
{
    (void)context;
    ck_assert(exchange_is_lost(exchange));
    struct exchange_id const id = exchange_id(exchange);
    atomic_fetch_add(&world.lost, 1);
    ck_assert_ptr_eq(exchange_find(world.server, id), exchange);
    exchange_forget(exchange);
    ck_assert_ptr_null(exchange_find(world.server, id));
}

static bool release_held(void)
{
    bool did = false;
    while (world.held_count > 0 && atomic_load(&world.release) > 0) {
        struct exchange *const exchange = exchange_find(world.server, world.held[0]);
        world.held_count -= 1;
        memmove(world.held, world.held + 1, (size_t)world.held_count * sizeof world.held[0]);
        atomic_fetch_sub(&world.release, 1);
        if (exchange) answer_text(exchange, "released");
        did = true;
    }
    return did;
}

static bool duty(void *context)
{
    (void)context;
    bool did = release_held();
    did |= server_accept(world.server);
    did |= server_show(world.server);
    did |= server_flush(world.server);
    atomic_store(&world.connections, (int)server_connection_count(world.server));
    if (loop_is_asked_to_stop(world.loop)) {
        listener_close(world.listener);
        world.listener = NULL;
        server_stop(world.server, TIME_NS_PER_SECOND / 2);
        if (server_connection_count(world.server) == 0) loop_end(world.loop);
    }
    return did;
}

static void *run(void *context)
{
    loop_run(world.loop);
    return context;
}

static void start(void)
{
    char words[LISTENER_WORDS_BYTES] = "";
    memset(&world, 0, sizeof world);
    struct loop_duty const work = {.work = duty};
    ck_assert_int_eq(loop_open(&world.loop, &work), FAULT_NONE);
    struct server_handler const handler = {
        .owner = on_owner, .head = on_head, .complete = on_complete, .lost = on_lost};
    struct server_settings const settings = {
        .loop = world.loop,
        .handler = &handler,
        .data_bytes = 16,
        .request_timeout_ns = 2 * TIME_NS_PER_SECOND,
        .idle_timeout_ns = 5 * TIME_NS_PER_SECOND,
        .problems_in_json = true,
    };
    ck_assert_int_eq(server_open(&world.server, &settings), FAULT_NONE);
    ck_assert_msg(listener_open(&world.listener, world.loop, "127.0.0.1", 0, words) == FAULT_NONE,
                  "%s", words);
    ck_assert_int_eq(listener_deal(world.listener, &world.server, 1), FAULT_NONE);
    ck_assert_int_eq(pthread_create(&world.thread, NULL, run, NULL), 0);
}

static void stop(void)
{
    loop_ask_stop(world.loop);
    ck_assert_int_eq(pthread_join(world.thread, NULL), 0);
    server_close(world.server);
    loop_close(world.loop);
}

static void release(int count)
{
    atomic_fetch_add(&world.release, count);
    bell_ring(loop_bell(world.loop));
}

static void wait_until(const _Atomic int *value, int wanted)
{
    for (int i = 0; i < 300 && atomic_load(value) != wanted; i++) {
        (void)poll(NULL, 0, 10);
    }
    ck_assert_int_eq(atomic_load(value), wanted);
}

/* ---- A client ---- */

static int dial(void)
{
    int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in const address = {.sin_family = AF_INET,
                                        .sin_port = htons(listener_port(world.listener)),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval const limit = {.tv_sec = 5};
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

static void say(int fd, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t const sent = send(fd, bytes.bytes, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes = span_after(bytes, (size_t)sent);
    }
}

static void ask(int fd, const char *path)
{
    char request[256];
    int const size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
    say(fd, span_of(request, (size_t)size));
}

/* All that comes until the peer closes or `pattern` has been seen `count` times. */
static char heard[BIG_BYTES + 4096];
static size_t hear(int fd, const char *pattern, int count)
{
    size_t size = 0;
    for (;;) {
        int found = 0;
        const char *at = heard;
        while ((at = memmem(at, size - (size_t)(at - heard), pattern, strlen(pattern)))) {
            found += 1;
            at += 1;
        }
        if (found >= count) return size;
        ssize_t const got = recv(fd, heard + size, sizeof heard - size - 1, 0);
        if (got <= 0) return size;
        size += (size_t)got;
        heard[size] = 0;
    }
}

static bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

/* ---- Tests ---- */

START_TEST(a_request_may_come_byte_by_byte)
{
    static const char request[] = "POST /now HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"
                                  "GET /now HTTP/1.1\r\n" HOST "\r\n";
    start();
    int const fd = dial();
    for (size_t i = 0; i < sizeof request - 1; i++) {
        say(fd, span_of(request + i, 1));
    }
    (void)hear(fd, "bytes", 2);
    ck_assert_ptr_nonnull(strstr(heard, "5 bytes"));
    ck_assert_ptr_nonnull(strstr(heard, "0 bytes"));
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(only_so_many_are_shown_before_the_first_answer)
{
    start();
    int const fd = dial();
    for (int i = 0; i < 2 * LIMIT_PIPELINED; i++) {
        ask(fd, "/later");
    }
    wait_until(&world.shown, LIMIT_PIPELINED);
    (void)poll(NULL, 0, 50);
    ck_assert_int_eq(atomic_load(&world.shown), LIMIT_PIPELINED);
    release(1);
    wait_until(&world.shown, LIMIT_PIPELINED + 1);
    release(2 * LIMIT_PIPELINED - 1);
    (void)hear(fd, "released", 2 * LIMIT_PIPELINED);
    ck_assert_int_eq(atomic_load(&world.shown), 2 * LIMIT_PIPELINED);
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(nothing_is_shown_behind_one_that_waits)
{
    enum { MANY = 2000 }; /* more than is kept ahead: the rest stays with the kernel */
    start();
    int const fd = dial();
    ask(fd, "/wait");
    for (int i = 0; i < MANY; i++) {
        ask(fd, "/now");
    }
    wait_until(&world.shown, 1);
    (void)poll(NULL, 0, 100);
    ck_assert_int_eq(atomic_load(&world.shown), 1);
    release(1);
    (void)hear(fd, "0 bytes", MANY);
    ck_assert_int_eq(atomic_load(&world.shown), 1 + MANY);
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(answers_keep_the_order_of_requests)
{
    start();
    int const fd = dial();
    ask(fd, "/later");
    ask(fd, "/now");
    wait_until(&world.shown, 2);
    release(1);
    (void)hear(fd, "0 bytes", 1);
    ck_assert(strstr(heard, "released") < strstr(heard, "0 bytes"));
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(a_stalled_request_is_shown_again)
{
    start();
    int const first = dial(), second = dial();
    ask(first, "/stall");
    (void)poll(NULL, 0, 50);
    ask(second, "/now"); /* could be answered, but is not let past */
    ask(second, "/stall");
    (void)poll(NULL, 0, 50);
    ck_assert_int_eq(atomic_load(&world.shown), 0);
    atomic_store(&world.unstalled, true);
    release(0);
    (void)hear(first, "0 bytes", 1);
    (void)hear(second, "0 bytes", 2);
    ck_assert_int_eq(atomic_load(&world.shown), 3);
    (void)close(first);
    (void)close(second);
    stop();
}
END_TEST

START_TEST(a_lost_connection_loses_its_exchanges)
{
    start();
    int fd = dial();
    ask(fd, "/wait");
    wait_until(&world.shown, 1);
    (void)close(fd);
    wait_until(&world.lost, 1);
    wait_until(&world.connections, 0);
    /* In the midst of a body, and while stalled: the handler has nothing to lose. */
    fd = dial();
    say(fd, SPAN("POST /now HTTP/1.1\r\n" HOST "Content-Length: 500\r\n\r\nhalf"));
    (void)poll(NULL, 0, 50);
    (void)close(fd);
    wait_until(&world.connections, 0);
    fd = dial();
    ask(fd, "/stall");
    (void)poll(NULL, 0, 50);
    (void)close(fd);
    wait_until(&world.connections, 0);
    ck_assert_int_eq(atomic_load(&world.lost), 1);
    release(1); /* the first one's: found over */
    stop();
}
END_TEST

START_TEST(a_slow_reader_gets_all_of_a_big_answer)
{
    start();
    int const fd = dial();
    int const small = 64 * 1024;
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    ask(fd, "/big");
    ask(fd, "/now");
    (void)poll(NULL, 0, 100);
    size_t const size = hear(fd, "0 bytes", 1);
    ck_assert_uint_gt(size, BIG_BYTES);
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(a_refused_body_is_read_to_its_end)
{
    static char body[LIMIT_BODY_BYTES];
    start();
    int const fd = dial();
    char head[128];
    int const size =
        snprintf(head, sizeof head, "POST /refused HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                 sizeof body);
    say(fd, span_of(head, (size_t)size));
    say(fd, span_of(body, sizeof body)); /* all of it can be sent, and the answer is still there */
    (void)hear(fd, "\"status\":415", 1);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 415 "));
    ck_assert_ptr_nonnull(strstr(heard, "Connection: close"));
    ck_assert(is_closed(fd));
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(a_cut_connection_gets_no_answer)
{
    start();
    int const fd = dial();
    ask(fd, "/cut");
    ck_assert_uint_eq(hear(fd, "HTTP", 1), 0);
    wait_until(&world.connections, 0);
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(half_a_connection_still_gets_its_answer)
{
    start();
    int const fd = dial();
    ask(fd, "/later");
    wait_until(&world.shown, 1);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    (void)poll(NULL, 0, 50);
    release(1);
    (void)hear(fd, "released", 1);
    ck_assert_ptr_nonnull(strstr(heard, "released"));
    ck_assert(is_closed(fd));
    (void)close(fd);
    stop();
}
END_TEST

START_TEST(a_stop_has_its_bounds)
{
    start();
    int const idle = dial(), open = dial(), half = dial();
    ask(open, "/later");
    say(half, SPAN("POST /now HTTP/1.1\r\n"));
    wait_until(&world.shown, 1);
    int64_t const began_ns = time_monotonic_ns();
    stop(); /* nobody answers /later: it is lost when the grace is over */
    int64_t const took_ns = time_monotonic_ns() - began_ns;
    ck_assert_int_ge(took_ns, 450 * TIME_NS_PER_MS);
    ck_assert_int_lt(took_ns, 2 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(atomic_load(&world.lost), 1);
    (void)close(idle);
    (void)close(open);
    (void)close(half);
}
END_TEST

START_TEST(a_port_in_use_is_busy)
{
    char words[LISTENER_WORDS_BYTES] = "";
    struct listener *second = NULL;
    start();
    ck_assert_int_eq(
        listener_open(&second, world.loop, "127.0.0.1", listener_port(world.listener), words),
        FAULT_BUSY);
    ck_assert_str_eq(words, "Address already in use");
    ck_assert_int_eq(listener_open(&second, world.loop, "no.such.host.invalid", 0, words),
                     FAULT_IO);
    stop();
}
END_TEST

static size_t borrow_all(struct pool *pool, struct pool_share *share, struct pool_buffer *buffers)
{
    size_t count = 0;
    while (pool_take(pool, share, 1, &buffers[count]) == FAULT_NONE) {
        ck_assert(count == 0 || buffers[count].size >= buffers[count - 1].size);
        buffers[count].bytes[0] = 'x';
        buffers[count].bytes[buffers[count].size - 1] = 'x';
        count += 1;
    }
    return count;
}

START_TEST(a_pool_lends_the_next_larger_size_and_each_a_share)
{
    struct pool *pool = NULL;
    static struct pool_buffer buffers[4096];
    static struct pool_share shares[4];
    ck_assert_int_eq(pool_open(&pool), FAULT_NONE);
    size_t count = borrow_all(pool, &shares[0], buffers);
    ck_assert_uint_eq(count, 512 + 64 + 32 + 2);
    for (size_t i = 1; i < 4; i++) {
        count += borrow_all(pool, &shares[i], buffers + count);
    }
    ck_assert_uint_eq(count, 2048 + 256 + 128 + 4);
    ck_assert_uint_eq(pool_lent(pool), count);
    pool_give(pool, &buffers[0]);
    ck_assert_ptr_null(buffers[0].bytes);
    struct pool_buffer large;
    ck_assert_int_eq(pool_take(pool, &shares[0], LIMIT_BODY_BYTES, &large), FAULT_FULL);
    ck_assert_int_eq(pool_take(pool, &shares[1], 1, &large), FAULT_FULL);
    ck_assert_int_eq(pool_take(pool, &shares[0], 16 * 1024, &buffers[0]), FAULT_NONE);
    for (size_t i = 0; i < count; i++) {
        pool_give(pool, &buffers[i]);
    }
    pool_give(pool, &buffers[0]); /* it holds none: nothing happens */
    ck_assert_uint_eq(pool_lent(pool), 0);
    pool_close(pool);
}
END_TEST

/* ---- Owners and strangers ---- */

/* Connections whose first request, given, is of this owner. */
static void dial_many(int owner, const char *path, int *fds, int count)
{
    atomic_store(&world.owner, owner);
    for (int i = 0; i < count; i++) {
        fds[i] = dial();
        ask(fds[i], path);
    }
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
}

START_TEST(owners_take_turns_whatever_each_has_sent)
{
    int fds[5], other[2];
    start();
    dial_many(0, "/stall", fds, 5);
    (void)poll(NULL, 0, 100);
    dial_many(1, "/stall", other, 2);
    (void)poll(NULL, 0, 100);
    ck_assert_int_eq(atomic_load(&world.shown), 0);
    atomic_store(&world.unstalled, true);
    release(0);
    wait_until(&world.shown, 7);
    static const int expected[] = {0, 1, 0, 1, 0, 0, 0};
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(world.order[i], expected[i]);
    }
    close_all(fds, 5);
    close_all(other, 2);
    stop();
}
END_TEST

START_TEST(one_owner_has_only_so_many_outstanding)
{
    enum { MANY = LIMIT_OWNER_OUTSTANDING / LIMIT_PIPELINED + 4 };
    int fds[MANY], other;
    start();
    dial_many(0, "/later", fds, MANY);
    for (int i = 0; i < MANY; i++) {
        for (int j = 1; j < LIMIT_PIPELINED; j++) {
            ask(fds[i], "/later");
        }
    }
    wait_until(&world.shown, LIMIT_OWNER_OUTSTANDING);
    (void)poll(NULL, 0, 100);
    ck_assert_int_eq(atomic_load(&world.shown), LIMIT_OWNER_OUTSTANDING);
    dial_many(1, "/now", &other, 1);
    (void)hear(other, "0 bytes", 1);
    release(MANY * LIMIT_PIPELINED);
    for (int i = 0; i < MANY; i++) {
        (void)hear(fds[i], "released", LIMIT_PIPELINED);
    }
    ck_assert_int_eq(atomic_load(&world.shown), 1 + MANY * LIMIT_PIPELINED);
    close_all(fds, MANY);
    (void)close(other);
    stop();
}
END_TEST

START_TEST(one_owner_has_only_so_many_connections)
{
    static int fds[LIMIT_OWNER_CONNECTIONS];
    int other;
    start();
    dial_many(0, "/now", fds, LIMIT_OWNER_CONNECTIONS);
    wait_until(&world.shown, LIMIT_OWNER_CONNECTIONS);
    dial_many(0, "/now", &other, 1);
    (void)hear(other, "\"status\":429", 1);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 429 "));
    ck_assert_ptr_nonnull(strstr(heard, "Retry-After: 1\r\n"));
    ck_assert(is_closed(other));
    (void)close(other);
    dial_many(1, "/now", &other, 1);
    ck_assert_uint_gt(hear(other, "0 bytes", 1), 0);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 200 "));
    (void)close(other);
    (void)close(fds[0]);
    wait_until(&world.connections, LIMIT_OWNER_CONNECTIONS - 1);
    dial_many(0, "/now", &other, 1);
    (void)hear(other, "0 bytes", 1);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 200 "));
    close_all(fds + 1, LIMIT_OWNER_CONNECTIONS - 1);
    (void)close(other);
    stop();
}
END_TEST

START_TEST(the_longest_silent_stranger_gives_way)
{
    static int fds[LIMIT_STRANGERS_EACH];
    int known, newest;
    start();
    dial_many(3, "/now", &known, 1);
    (void)hear(known, "0 bytes", 1);
    atomic_store(&world.owner, -1);
    for (int i = 0; i < LIMIT_STRANGERS_EACH; i++) {
        fds[i] = dial();
    }
    wait_until(&world.connections, 1 + LIMIT_STRANGERS_EACH);
    ask(fds[0], "/now"); /* it speaks, so that the second is silent longest */
    (void)hear(fds[0], "0 bytes", 1);
    newest = dial();
    ck_assert(is_closed(fds[1]));
    ask(newest, "/now");
    (void)hear(newest, "0 bytes", 1);
    ask(fds[0], "/now");
    (void)hear(fds[0], "0 bytes", 1);
    ask(known, "/now"); /* whoever is known is not concerned */
    (void)hear(known, "0 bytes", 1);
    ck_assert_int_eq(atomic_load(&world.shown), 5);
    close_all(fds, LIMIT_STRANGERS_EACH);
    (void)close(known);
    (void)close(newest);
    stop();
}
END_TEST

START_TEST(addresses_have_their_origin)
{
    static const struct {
        const char *one, *other;
        bool is_same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"192.0.2.1", "::c000:201", false},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::1", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t origins[2];
        for (int j = 0; j < 2; j++) {
            const char *const text = j == 0 ? rows[i].one : rows[i].other;
            struct sockaddr_storage address = {0};
            struct sockaddr_in *const four = (struct sockaddr_in *)&address;
            struct sockaddr_in6 *const six = (struct sockaddr_in6 *)&address;
            if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
                address.ss_family = AF_INET;
            } else {
                address.ss_family = AF_INET6;
                ck_assert_int_eq(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
            }
            origins[j] = stranger_origin(&address);
        }
        ck_assert_msg((origins[0] == origins[1]) == rows[i].is_same, "%s, %s", rows[i].one,
                      rows[i].other);
    }
}
END_TEST

int main(void)
{
    /* Both ends of every connection are here. */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    Suite *const suite = suite_create("loop");
    TCase *const server = tcase_create("server");
    tcase_set_timeout(server, 20);
    tcase_add_test(server, a_request_may_come_byte_by_byte);
    tcase_add_test(server, only_so_many_are_shown_before_the_first_answer);
    tcase_add_test(server, nothing_is_shown_behind_one_that_waits);
    tcase_add_test(server, answers_keep_the_order_of_requests);
    tcase_add_test(server, a_stalled_request_is_shown_again);
    tcase_add_test(server, a_lost_connection_loses_its_exchanges);
    tcase_add_test(server, a_slow_reader_gets_all_of_a_big_answer);
    tcase_add_test(server, a_refused_body_is_read_to_its_end);
    tcase_add_test(server, a_cut_connection_gets_no_answer);
    tcase_add_test(server, half_a_connection_still_gets_its_answer);
    tcase_add_test(server, a_stop_has_its_bounds);
    tcase_add_test(server, a_port_in_use_is_busy);
    tcase_add_test(server, a_pool_lends_the_next_larger_size_and_each_a_share);
    tcase_add_test(server, owners_take_turns_whatever_each_has_sent);
    tcase_add_test(server, one_owner_has_only_so_many_outstanding);
    tcase_add_test(server, one_owner_has_only_so_many_connections);
    tcase_add_test(server, the_longest_silent_stranger_gives_way);
    tcase_add_test(server, addresses_have_their_origin);
    suite_add_tcase(suite, server);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
