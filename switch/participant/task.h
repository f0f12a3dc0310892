/* task: what this loop knows of one request of a participant, from its head to its answer.
 *
 * A task lies in the data of its exchange (switch/loop/exchange.h) and lives as long:
 *
 *   slot      exchange (server's)           task (ours)
 *   0         generation 7, OPEN            a POST, at settlement
 *   1         generation 3, READING         a poll, body still to come
 *   2         generation 9, FREE            -
 *
 * Settlement is given the exchange's id (generation, slot) as request_id and gives it back with its
 * reply.  A POST's exchange stays until its reply has come, also when the connection is lost, so
 * that what is outstanding is counted; a lost poll's is freed at once, and a reply that was already
 * under way finds another generation there and is passed over. */
#ifndef SWITCH_PARTICIPANT_TASK_H
#define SWITCH_PARTICIPANT_TASK_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/http/media.h"
#include "proto/record/command.h"
#include "switch/participant/route.h"

struct task {
    enum route_resource resource;
    uint32_t participant; /* index in the registry: the certificate's and the path's */
    struct participant_code code;

    /* Of a stream's request. */
    enum poll_verb verb;
    enum media_stream wanted;
    struct pull_token token;
    bool is_time_up; /* settlement has been told */

    /* Of a receipt. */
    struct payment_id id;

    /* Of a POST. */
    enum media_encoding encoding;
    enum media_body type;
    struct media_boundary boundary;
    uint64_t resource_first; /* number of its first PI-ResourceId */
    uint32_t message_count;
    uint32_t fifths; /* what it costs (bucket.h) */
};

#define TASK_BYTES ((sizeof(struct task) + 15) / 16 * 16)

static_assert(TASK_BYTES <= 256, "server_settings.data_bytes is at most 256");

#endif
