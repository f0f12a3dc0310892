/* shelf: signed messages by their PI-ResourceId, so that a redelivery buys no second signature.
 *
 * One circular buffer: a new message overwrites the oldest.  A bank that stays silent is offered the
 * same bytes again and again; a message that has left the shelf is built and signed anew, with the
 * same content (WIRE section 1, "Streams").
 *
 *   +--------+--------+-----------------------+--------+--------+
 *   | newer  | newest |  room for the next    | oldest | older  |
 *   +--------+--------+-----------------------+--------+--------+
 *
 * Threads: the one of its loop. */
#ifndef SWITCH_PARTICIPANT_SHELF_H
#define SWITCH_PARTICIPANT_SHELF_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/command.h"

struct shelf;

/* LIMIT_SHELF_BYTES of memory. FAULT_MEMORY: they cannot be had. */
MUST_CHECK enum fault shelf_open(struct shelf **out);

/* The message of this id; bytes == NULL: it is not here.  Good until as much as the shelf holds
 * has been added behind it. */
struct span shelf_find(const struct shelf *shelf, const struct resource_id *id);

/* `size` bytes to write the next message into; the oldest are overwritten by it.
 * Assumed size <= LIMIT_SHELF_BYTES / 2. */
char *shelf_room(struct shelf *shelf, size_t size);

/* Keeps the first `size` bytes of the room under this id. */
void shelf_add(struct shelf *shelf, const struct resource_id *id, size_t size);

/* Accepts NULL. */
void shelf_close(struct shelf *shelf);

#endif
