/* arrival: what comes in on a connection, from plain text to requests shown to the handler.
 *
 * Inside this folder only.  Threads: the server's loop. */
#ifndef SWITCH_LOOP_ARRIVAL_H
#define SWITCH_LOOP_ARRIVAL_H

#include <stdbool.h>

#include "proto/http/problem.h"
#include "switch/loop/connection.h"

/* Takes plain text from the peer; what may not be shown yet is kept. */
void arrival_take(struct connection *connection, struct span plain);

/* Reads on where answers have made room. */
void arrival_go_on(struct connection *connection);

/* Shows the handler its complete request; false: it has stalled, and is to be shown again. */
bool arrival_show(struct connection *connection);

/* Answers the request that is being read, of which the handler will not see more, with a problem;
 * it is the connection's last. */
void arrival_refuse(struct connection *connection, enum problem problem, const char *words);

#endif
