/* The relay of conformance runs: what it lets through, what it holds, how it cuts; the switch is a few
 * lines that give back what they get, and can speak by themselves. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "loadtest/bank/relay.h"

#define LARGE_BYTES (1 << 20)

/* One end of a TCP connection, which keeps what it has received. */
struct end {
    uv_tcp_t tcp;
    uv_connect_t connect;
    bool connected, closed;
    int status; /* of the read that ended it */
    size_t size;
    char bytes[LARGE_BYTES + 1];
};

static uv_loop_t loop;
static uv_tcp_t listener;
static struct end *connector, *peer;
static struct relay *relay;
static char sent[LARGE_BYTES];

static void on_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct end *const end = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(end->bytes + end->size, (unsigned)(sizeof end->bytes - end->size));
}

static void on_closed(uv_handle_t *handle)
{
    struct end *const end = handle->data;
    end->closed = true;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct end *const end = stream->data;
    (void)buffer;
    if (size >= 0) {
        end->size += (size_t)size;
    } else if (!uv_is_closing((uv_handle_t *)stream)) {
        end->status = (int)size;
        uv_close((uv_handle_t *)stream, on_closed);
    }
}

static struct end *new_end(void)
{
    struct end *const end = calloc(1, sizeof *end);
    ck_assert_ptr_nonnull(end);
    ck_assert_int_eq(uv_tcp_init(&loop, &end->tcp), 0);
    end->tcp.data = end;
    return end;
}

static void end_end(struct end *end)
{
    if (end == NULL) return;
    if (!end->closed) uv_close((uv_handle_t *)&end->tcp, on_closed);
    while (!end->closed)
        (void)uv_run(&loop, UV_RUN_ONCE);
    free(end);
}

static void on_accepted(uv_stream_t *stream, int status)
{
    ck_assert_int_eq(status, 0);
    end_end(peer);
    peer = new_end();
    ck_assert_int_eq(uv_accept(stream, (uv_stream_t *)&peer->tcp), 0);
    ck_assert_int_eq(uv_read_start((uv_stream_t *)&peer->tcp, on_memory, on_read), 0);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct end *const end = connect->data;
    ck_assert_int_eq(status, 0);
    end->connected = true;
    ck_assert_int_eq(uv_read_start((uv_stream_t *)&end->tcp, on_memory, on_read), 0);
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* it only ends uv_run */
}

/* Lets everything happen that is going to. */
static void settle(void)
{
    uv_timer_t timer;
    (void)uv_timer_init(&loop, &timer);
    (void)uv_timer_start(&timer, on_tick, 5, 5);
    for (int i = 0; i < 20; i++)
        (void)uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}

static struct end *connect_to(uint16_t port)
{
    struct sockaddr_in address;
    struct end *const end = new_end();
    ck_assert_int_eq(uv_ip4_addr("127.0.0.1", port, &address), 0);
    end->connect.data = end;
    ck_assert_int_eq(
        uv_tcp_connect(&end->connect, &end->tcp, (const struct sockaddr *)&address, on_connected),
        0);
    settle();
    return end;
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* what did not go shows in what did not come */
    free(write);
}

static void send_bytes(struct end *end, size_t size)
{
    uv_buf_t buffer = uv_buf_init(sent, (unsigned)size);
    uv_write_t *const write = calloc(1, sizeof *write);
    ck_assert_int_eq(uv_write(write, (uv_stream_t *)&end->tcp, &buffer, 1, on_written), 0);
    settle();
}

static void open_all(void)
{
    struct config_address const here = {.host = "127.0.0.1"};
    struct sockaddr_in address;
    int size = sizeof address;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(uv_tcp_init(&loop, &listener), 0);
    ck_assert_int_eq(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    ck_assert_int_eq(uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&listener, 8, on_accepted), 0);
    ck_assert_int_eq(uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(relay_open(&relay, &loop, &here), FAULT_NONE);
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 2654435761u >> 24);
    relay_aim(relay, ntohs(address.sin_port));
    connector = connect_to(relay_port(relay));
    ck_assert_ptr_nonnull(peer);
}

static void close_all(void)
{
    relay_close(relay);
    end_end(connector);
    end_end(peer);
    connector = peer = NULL;
    uv_close((uv_handle_t *)&listener, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

START_TEST(everything_passes_both_ways)
{
    send_bytes(connector, LARGE_BYTES);
    while (peer->size < LARGE_BYTES)
        (void)uv_run(&loop, UV_RUN_ONCE);
    send_bytes(peer, LARGE_BYTES);
    while (connector->size < LARGE_BYTES)
        (void)uv_run(&loop, UV_RUN_ONCE);
    ck_assert_mem_eq(peer->bytes, sent, LARGE_BYTES);
    ck_assert_mem_eq(connector->bytes, sent, LARGE_BYTES);
    ck_assert_uint_eq(relay_connections(relay), 1);
}
END_TEST

START_TEST(an_end_ends_the_other_side_behind_the_last_byte)
{
    send_bytes(peer, 1000);
    uv_close((uv_handle_t *)&peer->tcp, on_closed);
    settle();
    ck_assert_uint_eq(connector->size, 1000);
    ck_assert_int_eq(connector->status, UV_EOF);
    ck_assert_uint_eq(relay_connections(relay), 0);
}
END_TEST

START_TEST(held_bytes_go_on_or_are_lost)
{
    static const enum relay_direction directions[] = {RELAY_TO_SWITCH, RELAY_TO_CONNECTOR};
    bool const to_switch = directions[_i % 2] == RELAY_TO_SWITCH, cut = _i >= 2;
    struct end *const from = to_switch ? connector : peer, *const to = to_switch ? peer : connector;
    relay_hold(relay, directions[_i % 2]);
    send_bytes(from, RELAY_MESSAGE_BYTES - 1);
    ck_assert(!relay_holds_message(relay));
    send_bytes(from, 1);
    ck_assert(relay_holds_message(relay));
    ck_assert_uint_eq(to->size, 0);
    send_bytes(to, 10); /* the other direction is free */
    ck_assert_uint_eq(from->size, 10);
    if (cut)
        relay_cut(relay);
    else
        relay_disarm(relay);
    settle();
    ck_assert_uint_eq(to->size, cut ? 0 : RELAY_MESSAGE_BYTES);
    ck_assert_int_eq(connector->status, cut ? UV_ECONNRESET : 0);
    ck_assert_int_eq(peer->closed, cut);
}
END_TEST

START_TEST(a_connection_that_comes_while_held_is_held)
{
    relay_hold(relay, RELAY_TO_SWITCH);
    struct end *const second = connect_to(relay_port(relay));
    ck_assert(!relay_holds_message(relay));
    send_bytes(second, 1);
    ck_assert(relay_holds_message(relay));
    ck_assert_uint_eq(peer->size, 0);
    relay_turn(relay);
    settle();
    ck_assert_uint_eq(peer->size, 1);
    send_bytes(peer, 5); /* it has its handshake before it */
    ck_assert_uint_eq(second->size, 5);
    end_end(second);
}
END_TEST

START_TEST(an_armed_relay_holds_behind_a_delivery)
{
    relay_arm(relay);
    send_bytes(peer, RELAY_MESSAGE_BYTES - 1);
    send_bytes(connector, 1); /* two small answers are no delivery */
    send_bytes(peer, RELAY_MESSAGE_BYTES - 1);
    ck_assert(!relay_has_delivered(relay));
    send_bytes(peer, 1);
    ck_assert(relay_has_delivered(relay));
    ck_assert_uint_eq(connector->size, 2 * RELAY_MESSAGE_BYTES - 1);
    send_bytes(connector, 100);
    ck_assert_uint_eq(peer->size, 1);
    relay_turn(relay);
    send_bytes(peer, 10);
    ck_assert_uint_eq(peer->size, 101);
    ck_assert_uint_eq(connector->size, 2 * RELAY_MESSAGE_BYTES - 1);
    relay_cut(relay);
    settle();
    ck_assert_int_eq(connector->status, UV_ECONNRESET);
}
END_TEST

START_TEST(a_handshake_is_no_delivery)
{
    relay_arm(relay);
    struct end *const second = connect_to(relay_port(relay));
    send_bytes(peer, 2 * RELAY_MESSAGE_BYTES);
    ck_assert_uint_eq(second->size, 2 * RELAY_MESSAGE_BYTES);
    ck_assert(!relay_has_delivered(relay));
    end_end(second);
}
END_TEST

START_TEST(without_a_switch_connections_end)
{
    uint16_t const port = relay_port(relay);
    relay_cut(relay);
    settle();
    relay_aim(relay, port == 1 ? 2 : 1); /* nobody listens there */
    struct end *const second = connect_to(port);
    ck_assert(second->closed);
    ck_assert_uint_eq(relay_connections(relay), 0);
    end_end(second);
}
END_TEST

START_TEST(a_taken_port_is_said)
{
    struct relay *second;
    struct config_address const taken = {.host = "127.0.0.1", .port = relay_port(relay)};
    struct config_address const no_address = {.host = "nowhere"};
    ck_assert_int_eq(relay_open(&second, &loop, &taken), FAULT_BUSY);
    ck_assert_int_eq(relay_open(&second, &loop, &no_address), FAULT_INVALID);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("relay");
    TCase *const tcase = tcase_create("relay");
    tcase_add_checked_fixture(tcase, open_all, close_all);
    tcase_add_test(tcase, everything_passes_both_ways);
    tcase_add_test(tcase, an_end_ends_the_other_side_behind_the_last_byte);
    tcase_add_loop_test(tcase, held_bytes_go_on_or_are_lost, 0, 4);
    tcase_add_test(tcase, a_connection_that_comes_while_held_is_held);
    tcase_add_test(tcase, an_armed_relay_holds_behind_a_delivery);
    tcase_add_test(tcase, a_handshake_is_no_delivery);
    tcase_add_test(tcase, without_a_switch_connections_end);
    tcase_add_test(tcase, a_taken_port_is_said);
    suite_add_tcase(suite, tcase);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
