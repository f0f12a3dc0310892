/* A listening socket watched by its loop; accepted sockets go to servers in turn.
 *
 * The happy path: readable -> accept4 until there is none -> server_adopt of the next in turn.
 * Possible failures: the system has no descriptor left (accepting rests for a moment, the kernel
 * keeps the queue), or a server has too many sockets to take over (the next one gets it; when all
 * have, it is closed and the client comes again). */
#include "switch/loop/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "switch/loop/loop_internal.h"
#include "switch/loop/stranger.h"

#define BACKLOG 1024
#define REST_MS 100
#define ACCEPTS_PER_TURN 64 /* then the loop sees to its other sockets */

struct listener {
    uv_poll_t poll;
    uv_timer_t rest;
    int socket_fd;
    uint16_t port;
    unsigned handles_open;
    size_t server_count;
    size_t next; /* whose turn it is, below server_count */
    struct server *servers[LIMIT_LOOPS];
};

static bool is_transient(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
    struct listener *const listener = timer->data;
    (void)uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void deal(struct listener *listener, int socket_fd, uint64_t origin)
{
    for (size_t i = 0; i < listener->server_count; i++) {
        struct server *const server = listener->servers[listener->next];
        listener->next = (listener->next + 1) % listener->server_count;
        if (server_adopt(server, socket_fd, origin) == FAULT_NONE) return;
    }
    LOG(LOG_WARNING, "listener", "a connection was closed: too many wait to be taken over");
    (void)close(socket_fd);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct listener *const listener = poll->data;
    if (status != 0) return;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t size = sizeof peer;
        int const socket_fd = accept4(listener->socket_fd, (struct sockaddr *)&peer, &size,
                                      SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket_fd >= 0) {
            deal(listener, socket_fd, stranger_origin(&peer));
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        if (is_transient(errno)) continue;
        LOG(LOG_ERROR, "listener", "no connection can be accepted: %s", strerror(errno));
        (void)uv_poll_stop(poll);
        (void)uv_timer_start(&listener->rest, on_rested, REST_MS, 0);
        return;
    }
}

/* Binds the first address that can be bound; -1 with errno set when none can. */
static int bind_one(const struct addrinfo *found)
{
    int error = EADDRNOTAVAIL;
    for (const struct addrinfo *each = found; each; each = each->ai_next) {
        int const socket_fd =
            socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket_fd < 0) {
            error = errno;
            continue;
        }
        int const yes = 1; /* a restart need not wait for old connections to be forgotten */
        (void)setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(socket_fd, each->ai_addr, each->ai_addrlen) == 0 &&
            listen(socket_fd, BACKLOG) == 0) {
            return socket_fd;
        }
        error = errno;
        (void)close(socket_fd);
    }
    errno = error;
    return -1;
}

static uint16_t bound_port(int socket_fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char port[8] = "0";
    if (getsockname(socket_fd, (struct sockaddr *)&address, &size) == 0) {
        (void)getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port,
                          NI_NUMERICSERV);
    }
    return (uint16_t)strtoul(port, NULL, 10);
}

enum fault listener_open(struct listener **out, struct loop *loop, const char *host, uint16_t port,
                         char words[LISTENER_WORDS_BYTES])
{
    *out = NULL;
    char port_text[8];
    (void)snprintf(port_text, sizeof port_text, "%u", (unsigned)port);
    struct addrinfo const wanted = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int const looked_up = getaddrinfo(host, port_text, &wanted, &found);
    if (looked_up != 0) {
        (void)snprintf(words, LISTENER_WORDS_BYTES, "%s", gai_strerror(looked_up));
        return FAULT_IO;
    }
    int const socket_fd = bind_one(found);
    int const error = errno;
    freeaddrinfo(found);
    if (socket_fd < 0) {
        (void)snprintf(words, LISTENER_WORDS_BYTES, "%s", strerror(error));
        return error == EADDRINUSE ? FAULT_BUSY : FAULT_IO;
    }

    struct listener *const listener = calloc(1, sizeof *listener);
    if (!listener || uv_poll_init(loop_uv(loop), &listener->poll, socket_fd) != 0) {
        (void)snprintf(words, LISTENER_WORDS_BYTES, "no memory");
        free(listener);
        (void)close(socket_fd);
        return FAULT_MEMORY;
    }
    (void)uv_timer_init(loop_uv(loop), &listener->rest); /* cannot fail */
    listener->handles_open = 2;
    listener->poll.data = listener->rest.data = listener;
    listener->socket_fd = socket_fd;
    listener->port = bound_port(socket_fd);
    *out = listener;
    return FAULT_NONE;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

enum fault listener_deal(struct listener *listener, struct server *const *servers, size_t count)
{
    if (count == 0 || count > LIMIT_LOOPS) return FAULT_INVALID;
    memcpy(listener->servers, servers, count * sizeof *servers);
    listener->server_count = count;
    return uv_poll_start(&listener->poll, UV_READABLE, on_readable) == 0 ? FAULT_NONE : FAULT_IO;
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *const listener = handle->data;
    listener->handles_open -= 1;
    if (listener->handles_open == 0) free(listener);
}

void listener_close(struct listener *listener)
{
    if (!listener) return;
    (void)uv_poll_stop(&listener->poll);
    (void)close(listener->socket_fd);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    uv_close((uv_handle_t *)&listener->rest, on_closed);
}
