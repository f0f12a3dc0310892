/* connection: one client's socket: TLS, requests in, answers out, in order and within bounds.
 *
 * Inside this folder only.  Threads: the server's loop. */
#ifndef SWITCH_LOOP_CONNECTION_H
#define SWITCH_LOOP_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/http/request.h"
#include "proto/tls/tls.h"
#include "switch/loop/server_internal.h"

/* OPEN --last answer sent, or refused--> LINGERING --peer closed, or time is up--> CLOSING */
enum connection_state {
    CONNECTION_OPEN,
    CONNECTION_LINGERING, /* all is said: what still comes is thrown away */
    CONNECTION_CLOSING    /* libuv lets it go, then it is freed */
};

/* Instants of loop_now_ns; CONNECTION_NEVER: not running. */
#define CONNECTION_NEVER INT64_MAX

struct connection {
    struct server *server;
    struct queue all, dirty; /* links in the server's rows */
    struct queue ready;      /* link in its owner's: its request is to be shown */
    struct queue silent, silent_of_row, knocking; /* links of a stranger */
    struct stranger_row *row;                     /* NULL: it is none */
    uint32_t owner;                               /* OWNER_STRANGERS while it is one */
    uv_tcp_t socket;
    uv_timer_t timer; /* fires at the earliest deadline below, or before */
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct tls *tls; /* NULL: plain HTTP */
    enum connection_state state;

    /* Requests. */
    struct exchange *first, *last; /* oldest first */
    uint32_t exchange_count;
    struct exchange *reading; /* the last one, while its request is incomplete and unanswered */
    struct exchange *waiting; /* nothing behind it is shown: the handler's SERVER_WAITS */
    struct pool_buffer body;
    struct pool_buffer ahead; /* plain text that came before its turn */
    size_t ahead_size;
    bool is_reading;       /* the socket is being read */
    bool is_let_in;        /* a stranger whose next read is granted */
    bool is_surplus;       /* a stranger only because its owner has too many */
    bool is_sated;         /* it was read as much as one turn allows */
    bool has_stalled;      /* the request to be shown was, and stalled */
    bool is_body_unread;   /* between the head and the end of a request with a body */
    bool is_continue_owed; /* 100 Continue is to be sent when the request is the first */
    bool is_last_request;  /* nothing more is read as a request */
    bool is_ended;         /* the peer has said that it sends no more */
    bool is_cut;           /* to be closed at the next flush */
    bool is_writing;       /* libuv has write_size bytes of the output */
    bool is_shut;          /* our direction is shut down */
    size_t write_size;
    struct span plain_output; /* without TLS: what is to be sent, of `first` or static */

    int64_t handshake_ns; /* deadlines */
    int64_t request_ns;
    int64_t idle_ns;
    int64_t wait_ns;
    int64_t stall_ns;
    int64_t linger_ns;
    int64_t timer_ns; /* when `timer` fires; never later than the earliest of them */
    uint8_t handles_open;

    struct request_reader reader;
};

/* Takes over a connected socket; on a fault the socket is closed. */
void connection_open(struct server *server, int socket_fd, uint64_t origin);

/* Asks the handler whose it is, if that is not known yet.
 * Assumed: established. */
void connection_identify(struct connection *connection);

/* Watches its socket again where it may be read. */
void connection_read_on(struct connection *connection);

/* One connection more was refused or closed to keep room. */
void connection_count_refused(struct server *server);

/* Sends what can be sent, shows what can be shown. */
void connection_flush(struct connection *connection);

/* Its oldest exchange is over. Assumed: there is one. */
void connection_release_first(struct connection *connection);

/* Says goodbye where it has no request, else after its answers. */
void connection_stop(struct connection *connection);

/* Closes now; open exchanges are lost. */
void connection_vanish(struct connection *connection);

/* An exchange of it was answered, or is to be cut: flush it at the end of the turn. */
void connection_touch(struct connection *connection);

#endif
