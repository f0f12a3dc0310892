/* A server's rows: its connections, the owners whose turn it is, and connections with something to do.
 *
 * The happy path of a turn: server_accept opens connections for the sockets in the door and lets in
 * strangers; server_show shows one request of each owner; server_flush sends answers and reads on
 * behind them.  Each does so much and no more, whatever has come, so that a turn is short.
 * Possible failures: too many connections (one gives way, or the socket is closed and the client
 * comes again), or no memory for one more (likewise). */
#include "switch/loop/server.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/time.h"
#include "switch/loop/connection.h"
#include "switch/loop/loop_internal.h"
#include "switch/loop/server_internal.h"

/* Sockets that wait to be taken over: 32 bytes each, so 2,048, a listening backlog's worth. */
#define DOOR_BYTES (64 * 1024)

#define DATA_BYTES_MAX 256

struct door_record {
    uint64_t origin;
    int socket_fd;
};

enum fault server_open(struct server **out, const struct server_settings *settings)
{
    assert(settings->data_bytes <= DATA_BYTES_MAX && settings->data_bytes % 16 == 0);
    *out = NULL;
    struct server *const server = calloc(1, sizeof *server);
    if (!server) return FAULT_MEMORY;
    server->settings = *settings;
    server->handler = *settings->handler;
    queue_open(&server->connections);
    queue_open(&server->dirty);
    queue_open(&server->turns);
    for (size_t i = 0; i < OWNERS; i++) {
        owner_open(&server->owners[i]);
    }

    enum fault fault = stranger_open(&server->strangers);
    if (fault == FAULT_NONE) fault = pool_open(&server->pool);
    if (fault == FAULT_NONE) fault = ring_open(&server->door, DOOR_BYTES);
    if (fault != FAULT_NONE) goto failed;
    fault = FAULT_MEMORY;
    server->exchanges = calloc(SERVER_EXCHANGES, sizeof *server->exchanges);
    if (!server->exchanges) goto failed;
    if (settings->data_bytes > 0) {
        server->data = calloc(SERVER_EXCHANGES, settings->data_bytes);
        if (!server->data) goto failed;
    }
    (void)uv_timer_init(loop_uv(settings->loop), &server->grace); /* cannot fail */
    server->grace.data = server;
    *out = server;
    return FAULT_NONE;

failed:
    free(server->exchanges);
    ring_close(server->door);
    pool_close(server->pool);
    free(server);
    return fault;
}

enum fault server_adopt(struct server *server, int socket_fd, uint64_t origin)
{
    struct door_record *const record = ring_claim(server->door, sizeof *record);
    if (!record) return FAULT_FULL;
    *record = (struct door_record){.origin = origin, .socket_fd = socket_fd};
    ring_publish(server->door);
    bell_ring(loop_bell(server->settings.loop));
    return FAULT_NONE;
}

uint32_t server_open_count(const struct server *server)
{
    return server->connection_count - server->closing_count;
}

bool server_accept(struct server *server)
{
    bool did = stranger_let_in(server);
    bool took = false;
    for (int i = 0; i < LIMIT_STRANGERS_TAKEN; i++) {
        struct span const record = ring_next(server->door);
        if (!record.bytes) break;
        const struct door_record *const came = (const void *)record.bytes;
        took = did = true;
        if (server->is_stopping) {
            (void)close(came->socket_fd);
        } else if (stranger_make_room(server, came->origin)) {
            connection_open(server, came->socket_fd, came->origin);
        } else {
            connection_count_refused(server);
            (void)close(came->socket_fd);
        }
    }
    if (took) ring_release(server->door);
    return did;
}

bool server_show(struct server *server)
{
    return owner_take_turns(server);
}

/* What becomes dirty meanwhile waits for the next turn: each connection is flushed once in one. */
bool server_flush(struct server *server)
{
    bool did = false;
    struct queue row;
    queue_open(&row);
    queue_move(&server->dirty, &row);
    for (struct queue *link = queue_first(&row); link; link = queue_first(&row)) {
        queue_leave(link);
        connection_flush(QUEUE_OWNER(link, struct connection, dirty));
        did = true;
    }
    return did;
}

/* Calls `act` for every connection; it may close the one that it is given. */
static void for_each(struct server *server, void (*act)(struct connection *connection))
{
    struct queue *next;
    for (struct queue *link = server->connections.next; link != &server->connections; link = next) {
        next = link->next;
        act(QUEUE_OWNER(link, struct connection, all));
    }
}

static void on_grace_over(uv_timer_t *timer)
{
    for_each(timer->data, connection_vanish);
}

static void wake(struct connection *connection)
{
    struct server *const server = connection->server;
    if (connection->state != CONNECTION_OPEN || !connection->waiting) return;
    connection->wait_ns = CONNECTION_NEVER;
    server->handler.time_up(server->handler.context, connection->waiting);
}

void server_stop(struct server *server, int64_t grace_ns)
{
    if (server->is_stopping) return;
    server->is_stopping = true;
    if (server->connection_count == 0) return;
    (void)uv_timer_start(&server->grace, on_grace_over, (uint64_t)(grace_ns / TIME_NS_PER_MS), 0);
    for_each(server, connection_stop);
    for_each(server, wake);
}

uint32_t server_connection_count(const struct server *server)
{
    return server->connection_count;
}

static void on_grace_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void server_close(struct server *server)
{
    if (!server) return;
    assert(server->connection_count == 0);
    for (struct span record = ring_next(server->door); record.bytes;
         record = ring_next(server->door)) {
        (void)close(((const struct door_record *)(const void *)record.bytes)->socket_fd);
    }
    for (uint32_t i = 0; i < server->touched; i++) {
        pool_give(server->pool, &server->exchanges[i].answer);
    }
    free(server->exchanges);
    free(server->data);
    ring_close(server->door);
    pool_close(server->pool);
    uv_close((uv_handle_t *)&server->grace, on_grace_closed);
}
