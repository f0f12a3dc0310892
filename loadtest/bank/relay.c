/* relay: see relay.h.
 *
 *     connector <--tcp--> wire: two lanes, each with a buffer <--tcp--> switch
 *
 * A lane reads into its buffer and writes what the buffer has, one at a time: while libuv writes, it
 * does not read, so that a slow reader slows the sender down.  A held lane reads until its buffer is
 * full and writes nothing.
 * Possible failures: the switch does not listen, or either side ends.  Then the other one is ended
 * too, as soon as what was read before has been written. */
#include "loadtest/bank/relay.h"

#include <stdlib.h>
#include <string.h>

#define LANE_BYTES (64 * 1024)
#define BACKLOG 64

struct wire;

/* One direction of a wire: from `from` to `to`. */
struct lane {
    struct wire *wire;
    uv_tcp_t *from, *to;
    uv_write_t write;
    bool is_open; /* connected on both sides */
    bool is_reading;
    bool is_writing; /* the front of the buffer is lent to libuv */
    bool is_ended;   /* `from` has ended: what is left is written, then the wire ends */
    bool is_held;
    size_t size; /* bytes in the buffer */
    char bytes[LANE_BYTES];
};

struct wire {
    struct relay *relay;
    struct wire *next, *previous;
    uv_tcp_t connector, peer; /* peer: the switch */
    uv_connect_t connect;
    unsigned handles; /* of libuv's, not closed: they hold the memory */
    bool is_ending;
    bool came_held;         /* what goes to the switch was held when it came */
    bool is_watched;        /* it was there when the relay was armed */
    size_t delivered_bytes; /* to the connector since it last said something */
    struct lane lanes[2];   /* by enum relay_direction */
};

struct relay {
    uv_loop_t *loop;
    uv_tcp_t listener;
    uint16_t port;
    uint16_t switch_port; /* 0: not known */
    bool is_armed;
    bool has_delivered;
    bool holds_to_switch; /* connections that come are held, too */
    bool is_closed;
    unsigned wires;
    struct wire *first;
};

static void pump(struct lane *lane);

static void free_when_unused(struct relay *relay)
{
    if (relay->is_closed && relay->first == NULL) free(relay);
}

/* ---- the end of a wire ---- */

static void on_side_closed(uv_handle_t *handle)
{
    struct wire *const wire = handle->data;
    struct relay *const relay = wire->relay;
    if (--wire->handles > 0) return;
    if (wire->previous != NULL)
        wire->previous->next = wire->next;
    else
        relay->first = wire->next;
    if (wire->next != NULL) wire->next->previous = wire->previous;
    free(wire);
    free_when_unused(relay);
}

/* With `reset` the connector sees its connection break, not end. */
static void end_wire(struct wire *wire, bool reset)
{
    if (wire->is_ending) return;
    wire->is_ending = true;
    wire->relay->wires--;
    if (!reset || uv_tcp_close_reset(&wire->connector, on_side_closed) != 0) {
        uv_close((uv_handle_t *)&wire->connector, on_side_closed);
    }
    uv_close((uv_handle_t *)&wire->peer, on_side_closed);
}

/* ---- bytes ---- */

static void on_memory_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct wire *const wire = handle->data;
    struct lane *const lane =
        &wire->lanes[handle == (uv_handle_t *)&wire->connector ? RELAY_TO_SWITCH
                                                               : RELAY_TO_CONNECTOR];
    (void)suggested;
    *buffer = uv_buf_init(lane->bytes + lane->size, (unsigned)(LANE_BYTES - lane->size));
}

static void hold_lanes(struct relay *relay, enum relay_direction direction)
{
    for (struct wire *wire = relay->first; wire != NULL; wire = wire->next)
        wire->lanes[direction].is_held = true;
}

/* Looks for the delivery that an armed relay waits for. */
static void watch(struct lane *lane, size_t size)
{
    struct wire *const wire = lane->wire;
    struct relay *const relay = wire->relay;
    if (lane == &wire->lanes[RELAY_TO_SWITCH]) {
        wire->delivered_bytes = 0;
        return;
    }
    wire->delivered_bytes += size;
    if (!relay->is_armed || !wire->is_watched || wire->delivered_bytes < RELAY_MESSAGE_BYTES) {
        return;
    }
    relay->is_armed = false;
    relay->has_delivered = true;
    relay->holds_to_switch = true;
    hold_lanes(relay, RELAY_TO_SWITCH);
}

static void stop_reading(struct lane *lane)
{
    lane->is_reading = false;
    (void)uv_read_stop((uv_stream_t *)lane->from); /* libuv: always 0 */
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct wire *const wire = stream->data;
    struct lane *const lane =
        &wire->lanes[stream == (uv_stream_t *)&wire->connector ? RELAY_TO_SWITCH
                                                               : RELAY_TO_CONNECTOR];
    (void)buffer;
    if (wire->is_ending || size == 0) return;
    if (size < 0) {
        stop_reading(lane);
        lane->is_ended = true;
    } else {
        lane->size += (size_t)size;
        watch(lane, (size_t)size);
    }
    pump(lane);
}

static void on_written(uv_write_t *write, int status)
{
    struct lane *const lane = write->data;
    lane->is_writing = false;
    lane->size = 0;
    if (status < 0)
        end_wire(lane->wire, false);
    else
        pump(lane);
}

static bool read_on(struct lane *lane)
{
    if (lane->is_reading) return true;
    lane->is_reading = true;
    return uv_read_start((uv_stream_t *)lane->from, on_memory_wanted, on_read) == 0;
}

/* Writes what the lane has, unless it is held; else reads on where there is room. */
static void pump(struct lane *lane)
{
    struct wire *const wire = lane->wire;
    if (wire->is_ending || !lane->is_open || lane->is_writing) return;
    if (lane->size > 0 && !lane->is_held) {
        uv_buf_t const buffer = uv_buf_init(lane->bytes, (unsigned)lane->size);
        stop_reading(lane);
        lane->write.data = lane;
        lane->is_writing = true;
        if (uv_write(&lane->write, (uv_stream_t *)lane->to, &buffer, 1, on_written) < 0) {
            end_wire(wire, false);
        }
    } else if (lane->is_ended) {
        end_wire(wire, false); /* what a held lane has is lost, as with the connection */
    } else if (lane->size == LANE_BYTES) {
        stop_reading(lane);
    } else if (!read_on(lane)) {
        end_wire(wire, false);
    }
}

/* ---- a new wire ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct wire *const wire = connect->data;
    if (wire->is_ending) return;
    if (status < 0) {
        end_wire(wire, false);
        return;
    }
    (void)uv_tcp_nodelay(&wire->peer, 1);
    for (int i = 0; i < 2; i++)
        wire->lanes[i].is_open = true;
    for (int i = 0; i < 2; i++)
        pump(&wire->lanes[i]);
}

static void begin_wire(struct wire *wire)
{
    struct relay *const relay = wire->relay;
    struct sockaddr_in address;
    struct lane *const to_switch = &wire->lanes[RELAY_TO_SWITCH];
    struct lane *const to_connector = &wire->lanes[RELAY_TO_CONNECTOR];
    to_switch->wire = to_connector->wire = wire;
    to_switch->from = to_connector->to = &wire->connector;
    to_switch->to = to_connector->from = &wire->peer;
    to_switch->is_held = wire->came_held = relay->holds_to_switch;
    wire->next = relay->first;
    if (wire->next != NULL) wire->next->previous = wire;
    relay->first = wire;
    relay->wires++;
    wire->connect.data = wire;
    if (uv_accept((uv_stream_t *)&relay->listener, (uv_stream_t *)&wire->connector) < 0 ||
        relay->switch_port == 0 || uv_ip4_addr("127.0.0.1", relay->switch_port, &address) < 0 ||
        uv_tcp_connect(&wire->connect, &wire->peer, (const struct sockaddr *)&address,
                       on_connected) < 0) {
        end_wire(wire, false);
        return;
    }
    (void)uv_tcp_nodelay(&wire->connector, 1);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct relay *const relay = listener->data;
    if (status < 0 || relay->is_closed) return;
    struct wire *const wire = calloc(1, sizeof *wire);
    if (wire == NULL) return; /* it waits in the backlog until the next one comes */
    wire->relay = relay;
    if (uv_tcp_init(relay->loop, &wire->connector) < 0) {
        free(wire);
        return;
    }
    (void)uv_tcp_init(relay->loop, &wire->peer); /* libuv: fails only where the first would */
    wire->connector.data = wire->peer.data = wire;
    wire->handles = 2;
    begin_wire(wire);
}

/* ---- the public functions ---- */

static void on_unused(uv_handle_t *handle)
{
    free(handle->data);
}

static enum fault listen_on(struct relay *relay, const struct config_address *listen)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    if (uv_ip4_addr(listen->host, listen->port, (struct sockaddr_in *)&address) < 0 &&
        uv_ip6_addr(listen->host, listen->port, (struct sockaddr_in6 *)&address) < 0) {
        return FAULT_INVALID;
    }
    /* libuv tells of a port that is taken when it is listened on. */
    if (uv_tcp_bind(&relay->listener, (const struct sockaddr *)&address, 0) < 0) return FAULT_IO;
    int const status = uv_listen((uv_stream_t *)&relay->listener, BACKLOG, on_connection);
    if (status == UV_EADDRINUSE) return FAULT_BUSY;
    if (status < 0 ||
        uv_tcp_getsockname(&relay->listener, (struct sockaddr *)&address, &size) < 0) {
        return FAULT_IO;
    }
    relay->port =
        ntohs(address.ss_family == AF_INET ? ((const struct sockaddr_in *)&address)->sin_port
                                           : ((const struct sockaddr_in6 *)&address)->sin6_port);
    return FAULT_NONE;
}

enum fault relay_open(struct relay **out, uv_loop_t *loop, const struct config_address *listen)
{
    struct relay *const relay = calloc(1, sizeof *relay);
    if (relay == NULL) return FAULT_MEMORY;
    relay->loop = loop;
    if (uv_tcp_init(loop, &relay->listener) < 0) {
        free(relay);
        return FAULT_IO;
    }
    relay->listener.data = relay;
    enum fault const fault = listen_on(relay, listen);
    if (fault != FAULT_NONE) {
        uv_close((uv_handle_t *)&relay->listener, on_unused);
        return fault;
    }
    *out = relay;
    return FAULT_NONE;
}

uint16_t relay_port(const struct relay *relay)
{
    return relay->port;
}

void relay_aim(struct relay *relay, uint16_t port)
{
    relay->switch_port = port;
}

unsigned relay_connections(const struct relay *relay)
{
    return relay->wires;
}

void relay_arm(struct relay *relay)
{
    relay->is_armed = true;
    relay->has_delivered = false;
    for (struct wire *wire = relay->first; wire != NULL; wire = wire->next) {
        wire->is_watched = true;
        wire->delivered_bytes = 0;
    }
}

bool relay_has_delivered(const struct relay *relay)
{
    return relay->has_delivered;
}

void relay_hold(struct relay *relay, enum relay_direction direction)
{
    if (direction == RELAY_TO_SWITCH) relay->holds_to_switch = true;
    hold_lanes(relay, direction);
}

bool relay_holds_message(const struct relay *relay)
{
    for (const struct wire *wire = relay->first; wire != NULL; wire = wire->next) {
        size_t const least = wire->came_held ? 1 : RELAY_MESSAGE_BYTES;
        for (int i = 0; i < 2; i++) {
            if (wire->lanes[i].is_held && wire->lanes[i].size >= least) return true;
        }
    }
    return false;
}

static void release(struct relay *relay, enum relay_direction direction)
{
    struct wire *next;
    for (struct wire *wire = relay->first; wire != NULL; wire = next) {
        next = wire->next;
        wire->lanes[direction].is_held = false;
        pump(&wire->lanes[direction]);
    }
}

void relay_disarm(struct relay *relay)
{
    relay->is_armed = false;
    relay->holds_to_switch = false;
    release(relay, RELAY_TO_SWITCH);
    release(relay, RELAY_TO_CONNECTOR);
}

void relay_turn(struct relay *relay)
{
    relay->is_armed = false;
    relay->holds_to_switch = false;
    for (struct wire *wire = relay->first; wire != NULL; wire = wire->next)
        wire->lanes[RELAY_TO_CONNECTOR].is_held = !wire->came_held;
    release(relay, RELAY_TO_SWITCH);
}

void relay_cut(struct relay *relay)
{
    relay->is_armed = false;
    relay->holds_to_switch = false;
    for (struct wire *wire = relay->first; wire != NULL; wire = wire->next)
        end_wire(wire, true);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct relay *const relay = handle->data;
    relay->is_closed = true;
    free_when_unused(relay);
}

void relay_close(struct relay *relay)
{
    if (relay == NULL) return;
    relay_cut(relay);
    uv_close((uv_handle_t *)&relay->listener, on_listener_closed);
}
