/* intake: a POST's body on its way from bytes to commands (WIRE sections 1 and 2).
 *
 *   body -> gunzip -> parts -> each: read, schema, verify -> MESSAGE and its commands, or REFUSAL
 *        -> BODY and all of it published at once -> ... -> BODY_REPLY -> 201, 429 or 503
 *
 * The happy path: intake_begin answers "later", settlement replies, intake_finish answers 201 with
 * the ids in the order of the parts and charges the bucket.
 * Possible failures: the ring or the outstanding requests have no room (the request stalls and its
 * socket is read no more); the body is refused whole (413, 415, 400, 429), nothing of it is sent; a
 * message is refused by itself, which is a command too, as its admi.002 is queued by settlement.
 *
 * Threads: the one of its loop. Memory: all of it is taken in intake_open. */
#ifndef SWITCH_PARTICIPANT_INTAKE_H
#define SWITCH_PARTICIPANT_INTAKE_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/metric.h"
#include "proto/record/published.h"
#include "proto/record/registry.h"
#include "proto/record/reply.h"
#include "switch/loop/exchange.h"
#include "switch/loop/server.h"
#include "switch/participant/bucket.h"
#include "switch/participant/crossing.h"
#include "switch/participant/task.h"

struct intake;

/* All pointers stay the caller's and outlive the intake. */
struct intake_settings {
    uint32_t loop;           /* the loop's index */
    struct span switch_code; /* To must be it */
    int64_t age_max_ns;      /* of CreDt */
    int64_t ahead_max_ns;    /* of CreDt */
    struct crossing *crossing;
    struct published *published;
    struct bucket_table *buckets;
    struct metric_block *metrics;
};

/* On FAULT_NONE *out is the caller's until intake_close. FAULT_MEMORY, FAULT_CRYPTO. */
MUST_CHECK enum fault intake_open(struct intake **out, const struct intake_settings *settings);

/* Takes the body of a POST that session_admit has let through. */
MUST_CHECK enum server_step intake_begin(struct intake *intake, const struct registry *registry,
                                         struct exchange *exchange, struct span body);

/* Settlement's reply to it; the exchange may be lost. */
void intake_finish(struct intake *intake, struct exchange *exchange,
                   const struct body_reply *reply);

/* Accepts NULL. */
void intake_close(struct intake *intake);

#endif
