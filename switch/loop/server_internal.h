/* server_internal: a server and its exchanges as the files of this folder share them. */
#ifndef SWITCH_LOOP_SERVER_INTERNAL_H
#define SWITCH_LOOP_SERVER_INTERNAL_H

#include <uv.h>

#include "proto/base/limits.h"
#include "switch/loop/owner.h"
#include "switch/loop/pool.h"
#include "switch/loop/queue.h"
#include "switch/loop/server.h"
#include "switch/loop/stranger.h"
#include "switch/ring/ring.h"

/* Every connection has LIMIT_PIPELINED exchanges, and lost ones still wait for settlement. */
#define SERVER_EXCHANGES (LIMIT_LOOP_CONNECTIONS * LIMIT_PIPELINED + LIMIT_LOOP_OUTSTANDING)

/* Room before the body for the head of an answer: 10 resource ids and a path take 1 KiB. */
#define EXCHANGE_HEAD_BYTES 2048

/* What one read of a socket takes at most, and one TLS record holds. */
#define SERVER_READ_BYTES (32 * 1024)
#define SERVER_RECORD_BYTES (16 * 1024 + 256)

enum exchange_state {
    EXCHANGE_FREE,
    EXCHANGE_READING,  /* its request is not complete, or stalled */
    EXCHANGE_OPEN,     /* the handler has it */
    EXCHANGE_ANSWERED, /* its answer waits for its turn, or is being sent */
    EXCHANGE_LOST      /* the handler has it, the connection is gone */
};

struct connection;

struct exchange {
    struct server *server;
    struct connection *connection; /* NULL when FREE or LOST */
    struct exchange *next;         /* behind it on its connection, or in the list of free ones */
    uint32_t slot;
    uint32_t generation; /* never 0 */
    uint32_t owner;      /* whose it is: owner.h */
    enum exchange_state state;
    bool is_head_only;            /* a HEAD request: no body is sent */
    bool is_json;                 /* problems go out as JSON */
    bool closes;                  /* its answer is the connection's last */
    bool is_held;                 /* counted as outstanding of its owner */
    struct pool_buffer answer;    /* head and body */
    size_t answer_at, answer_end; /* what of it is still to be sent */
};

struct server {
    struct server_settings settings;
    struct server_handler handler;
    struct pool *pool;
    struct ring *door; /* sockets handed over by the listener's thread */
    uv_timer_t grace;
    bool is_stopping;
    uint32_t connection_count;
    uint32_t closing_count;   /* of these are given back to libuv */
    struct queue connections; /* all of them */
    struct queue dirty;       /* something is to be sent or read on */
    struct queue turns;       /* owners that have something to be shown */
    uint32_t turn_count;
    struct strangers strangers;
    struct owner owners[OWNERS];
    struct exchange *exchanges; /* SERVER_EXCHANGES */
    struct exchange *free;
    uint32_t touched; /* exchanges below it have been used before */
    char *data;       /* data_bytes for each */
    char read_buffer[SERVER_READ_BYTES];
    char plain_buffer[SERVER_RECORD_BYTES];
};

/* server.c. Its connections but those that are closing. */
uint32_t server_open_count(const struct server *server);

/* exchange.c. A new exchange for the connection; zeros in its data. */
struct exchange *exchange_begin(struct server *server, struct connection *connection);

/* Frees it, its answer too. */
void exchange_release(struct exchange *exchange);

#endif
