/* Rows of strangers by silence, and the door at which they knock: see stranger.h.
 *
 * The happy path: accepted -> join -> readable -> step -> ... -> its owner is known -> leave.
 * Possible failures: it gives way to a newer one, or its time limit closes it (connection.c). */
#include "switch/loop/stranger.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/log.h"
#include "proto/crypto/random.h"
#include "switch/loop/connection.h"

#define ROW_BITS 10
static_assert(STRANGER_ROWS == 1 << ROW_BITS, "a row is the top bits of a hash");

/* An IPv4 address in the place of an IPv6 prefix that is never routed (RFC 4291, 2.5.5). */
#define IPV4_MARK ((uint64_t)0xffff << 32)

uint64_t stranger_origin(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *const four = (const struct sockaddr_in *)(const void *)address;
        return IPV4_MARK | ntohl(four->sin_addr.s_addr);
    }
    if (address->ss_family != AF_INET6) return 0;
    const struct sockaddr_in6 *const six = (const struct sockaddr_in6 *)(const void *)address;
    const uint8_t *const bytes = six->sin6_addr.s6_addr;
    size_t const first = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) ? 12 : 0;
    size_t const count = first > 0 ? 4 : 8;
    uint64_t origin = 0;
    for (size_t i = first; i < first + count; i++) {
        origin = origin << 8 | bytes[i];
    }
    return first > 0 ? IPV4_MARK | origin : origin;
}

enum fault stranger_open(struct strangers *strangers)
{
    enum fault const fault = random_fill(&strangers->secret, sizeof strangers->secret);
    strangers->secret |= 1;
    queue_open(&strangers->silent);
    queue_open(&strangers->knocking);
    for (size_t i = 0; i < STRANGER_ROWS; i++) {
        queue_open(&strangers->rows[i].silent);
    }
    return fault;
}

static struct stranger_row *row_of(struct strangers *strangers, uint64_t origin)
{
    return &strangers->rows[(origin * strangers->secret) >> (64 - ROW_BITS)];
}

/* Closes the connection of this link, which is the first of a row by silence. */
static void give_way(struct connection *connection)
{
    connection_count_refused(connection->server);
    connection_vanish(connection);
}

bool stranger_make_room(struct server *server, uint64_t origin)
{
    struct strangers *const strangers = &server->strangers;
    struct stranger_row *const row = row_of(strangers, origin);
    if (row->count >= LIMIT_STRANGERS_EACH) {
        LOG(LOG_WARNING, "server", "%d connections of one address are not known: one gives way",
            LIMIT_STRANGERS_EACH);
        struct queue *const longest = queue_first(&row->silent);
        if (!longest) return false;
        give_way(QUEUE_OWNER(longest, struct connection, silent_of_row));
    }
    if (server_open_count(server) >= LIMIT_LOOP_CONNECTIONS) {
        LOG(LOG_WARNING, "server", "%d connections are open: one that is not known gives way",
            LIMIT_LOOP_CONNECTIONS);
        struct queue *const longest = queue_first(&strangers->silent);
        if (!longest) return false;
        give_way(QUEUE_OWNER(longest, struct connection, silent));
    }
    return true;
}

static void be_silent(struct connection *connection)
{
    queue_append(&connection->server->strangers.silent, &connection->silent);
    queue_append(&connection->row->silent, &connection->silent_of_row);
}

static void break_silence(struct connection *connection)
{
    queue_leave(&connection->silent);
    queue_leave(&connection->silent_of_row);
}

void stranger_join(struct connection *connection, uint64_t origin)
{
    connection->row = row_of(&connection->server->strangers, origin);
    connection->row->count += 1;
    be_silent(connection);
}

void stranger_leave(struct connection *connection)
{
    if (!connection->row) return;
    break_silence(connection);
    queue_leave(&connection->knocking);
    assert(connection->row->count > 0);
    connection->row->count -= 1;
    connection->row = NULL;
}

bool stranger_may_enter(struct connection *connection)
{
    struct strangers *const strangers = &connection->server->strangers;
    if (connection->is_let_in) {
        connection->is_let_in = false;
        return true;
    }
    if (strangers->steps > 0 && !queue_first(&strangers->knocking)) {
        strangers->steps -= 1;
        return true;
    }
    break_silence(connection);
    queue_append(&strangers->knocking, &connection->knocking);
    return false;
}

void stranger_heard(struct connection *connection)
{
    if (!connection->row || queue_holds(&connection->knocking)) return;
    break_silence(connection);
    be_silent(connection);
}

bool stranger_let_in(struct server *server)
{
    struct strangers *const strangers = &server->strangers;
    bool did = false;
    strangers->steps = LIMIT_STRANGER_STEPS;
    for (; strangers->steps > 0; strangers->steps--) {
        struct queue *const link = queue_first(&strangers->knocking);
        if (!link) break;
        struct connection *const connection = QUEUE_OWNER(link, struct connection, knocking);
        queue_leave(link);
        be_silent(connection);
        connection->is_let_in = true;
        connection_read_on(connection);
        did = true;
    }
    return did;
}
