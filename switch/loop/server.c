/* A server's rows of connections: all, the stalled ones, and those with something to do.
 *
 * The happy path of a turn: server_accept opens connections for the sockets in the door; server_retry
 * shows stalled requests again; server_flush sends answers and shows what had to wait for them.
 * Possible failures: too many connections (the socket is closed, the client comes again), or no
 * memory for one more (likewise). */
#include "switch/loop/server.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/time.h"
#include "switch/loop/arrival.h"
#include "switch/loop/connection.h"
#include "switch/loop/loop_internal.h"
#include "switch/loop/server_internal.h"

/* Sockets that wait to be taken over: 32 bytes each, so 2,048, a listening backlog's worth. */
#define DOOR_BYTES (64 * 1024)
#define DATA_BYTES_MAX 256

enum fault server_open(struct server **out, const struct server_settings *settings)
{
    assert(settings->data_bytes <= DATA_BYTES_MAX && settings->data_bytes % 16 == 0);
    *out = NULL;
    struct server *const server = calloc(1, sizeof *server);
    if (!server) return FAULT_MEMORY;
    server->settings = *settings;
    server->handler = *settings->handler;
    queue_open(&server->connections);
    queue_open(&server->stalled);
    queue_open(&server->dirty);

    enum fault fault = pool_open(&server->pool);
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

enum fault server_adopt(struct server *server, int socket_fd)
{
    int *const record = ring_claim(server->door, sizeof *record);
    if (!record) return FAULT_FULL;
    *record = socket_fd;
    ring_publish(server->door);
    bell_ring(loop_bell(server->settings.loop));
    return FAULT_NONE;
}

bool server_accept(struct server *server)
{
    bool did = false;
    for (struct span record = ring_next(server->door); record.bytes;
         record = ring_next(server->door)) {
        int const socket_fd = *(const int *)(const void *)record.bytes;
        did = true;
        if (server->is_stopping || server->connection_count == LIMIT_LOOP_CONNECTIONS) {
            if (!server->is_stopping) {
                LOG(LOG_WARNING, "server", "a connection was refused: %d are open",
                    LIMIT_LOOP_CONNECTIONS);
            }
            (void)close(socket_fd);
            continue;
        }
        connection_open(server, socket_fd);
    }
    if (did) ring_release(server->door);
    return did;
}

bool server_retry(struct server *server)
{
    bool did = false;
    for (struct queue *link = queue_first(&server->stalled); link;
         link = queue_first(&server->stalled)) {
        if (!arrival_retry(QUEUE_OWNER(link, struct connection, stalled))) break;
        did = true;
    }
    return did;
}

bool server_flush(struct server *server)
{
    bool did = false;
    for (struct queue *link = queue_first(&server->dirty); link;
         link = queue_first(&server->dirty)) {
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
        (void)close(*(const int *)(const void *)record.bytes);
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
