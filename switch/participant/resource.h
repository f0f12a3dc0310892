/* resource: PI-ResourceIds of messages received: "R-" and 64 random bits drawn at start, loop,
 * counter, so that none is ever given twice, not even by another process (DESIGN, "The life of a
 * payment").  The prefix keeps them apart from the ids of deliveries. */
#ifndef SWITCH_PARTICIPANT_RESOURCE_H
#define SWITCH_PARTICIPANT_RESOURCE_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/record/command.h"

struct resource_maker {
    uint64_t start; /* random */
    uint32_t loop;  /* below LIMIT_LOOPS */
    uint64_t next;  /* number of the next id */
};

/* FAULT_CRYPTO: no entropy. */
MUST_CHECK enum fault resource_open(struct resource_maker *maker, uint32_t loop);

/* Takes `count` numbers; returns the first. */
uint64_t resource_take(struct resource_maker *maker, uint32_t count);

/* The id with this number. */
struct resource_id resource_id(const struct resource_maker *maker, uint64_t number);

#endif
