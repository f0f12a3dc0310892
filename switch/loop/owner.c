/* Turns by owner: see owner.h. */
#include "switch/loop/owner.h"

#include <assert.h>

#include "switch/loop/arrival.h"
#include "switch/loop/connection.h"

void owner_open(struct owner *owner)
{
    queue_open(&owner->ready);
}

static struct owner *owner_of(struct server *server, uint32_t number)
{
    assert(number < OWNERS);
    return &server->owners[number];
}

/* Gives the owner its turn, behind the others, if it has something to show and may. */
static void stand_in_line(struct server *server, struct owner *owner)
{
    if (!queue_first(&owner->ready) || owner->outstanding >= LIMIT_OWNER_OUTSTANDING) return;
    if (queue_holds(&owner->turn)) return;
    queue_append(&server->turns, &owner->turn);
    server->turn_count += 1;
}

static void step_out(struct server *server, struct owner *owner)
{
    if (!queue_holds(&owner->turn)) return;
    queue_leave(&owner->turn);
    server->turn_count -= 1;
}

bool owner_join(struct connection *connection, uint32_t number)
{
    struct owner *const owner = owner_of(connection->server, number);
    assert(number != OWNER_STRANGERS && connection->owner == OWNER_STRANGERS);
    if (owner->connections >= LIMIT_OWNER_CONNECTIONS) return false;
    owner->connections += 1;
    connection->owner = number;
    return true;
}

void owner_leave(struct connection *connection)
{
    struct server *const server = connection->server;
    struct owner *const owner = owner_of(server, connection->owner);
    queue_leave(&connection->ready);
    if (!queue_first(&owner->ready)) step_out(server, owner);
    if (connection->owner != OWNER_STRANGERS) owner->connections -= 1;
}

void owner_ready(struct connection *connection)
{
    struct owner *const owner = owner_of(connection->server, connection->owner);
    queue_append(&owner->ready, &connection->ready);
    stand_in_line(connection->server, owner);
}

void owner_hold(struct exchange *exchange)
{
    exchange->is_held = true;
    owner_of(exchange->server, exchange->owner)->outstanding += 1;
}

void owner_let_go(struct exchange *exchange)
{
    if (!exchange->is_held) return;
    struct owner *const owner = owner_of(exchange->server, exchange->owner);
    assert(owner->outstanding > 0);
    exchange->is_held = false;
    owner->outstanding -= 1;
    stand_in_line(exchange->server, owner);
}

/* Its oldest request; false: it has stalled, and is still the first. */
static bool take_turn(struct server *server, struct owner *owner)
{
    struct connection *const connection =
        QUEUE_OWNER(queue_first(&owner->ready), struct connection, ready);
    queue_leave(&connection->ready);
    if (!arrival_show(connection)) {
        queue_append(owner->ready.next, &connection->ready); /* it keeps its place */
        return false;
    }
    step_out(server, owner);
    stand_in_line(server, owner);
    return true;
}

bool owner_take_turns(struct server *server)
{
    bool did = false;
    for (uint32_t left = server->turn_count; left > 0 && server->turn_count > 0; left--) {
        struct queue *const link = queue_first(&server->turns);
        if (!take_turn(server, QUEUE_OWNER(link, struct owner, turn))) break;
        did = true;
    }
    return did;
}
