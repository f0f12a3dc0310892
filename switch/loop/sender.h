/* sender: what leaves a connection: answers in their order, and its last words.
 *
 * Inside this folder only.  Threads: the server's loop. */
#ifndef SWITCH_LOOP_SENDER_H
#define SWITCH_LOOP_SENDER_H

#include <stdbool.h>

#include "switch/loop/connection.h"

/* Sends the output; true when nothing of it is left.  False: the rest follows by itself, or the
 * connection has vanished. */
bool sender_push(struct connection *connection);

/* Sends all answers whose turn has come; after the last one, says goodbye.
 * Assumed: the connection is open. */
void sender_send(struct connection *connection);

#endif
