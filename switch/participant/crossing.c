/* The commands ring with its bounds. */
#include "switch/participant/crossing.h"

#include <assert.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/record/command.h"

#define RECORD_HEAD_BYTES 16 /* ring.h: "each counted with 16 bytes more and rounded up to 16" */

static_assert(sizeof(struct poll_end_command) + 2 * RECORD_HEAD_BYTES <= 64,
              "LIMIT_POLL_END_BYTES counts 64 bytes for each");

static bool has_room(struct crossing *crossing, size_t size)
{
    return crossing->outstanding < LIMIT_LOOP_OUTSTANDING &&
           ring_room(crossing->commands) >= size + LIMIT_POLL_END_BYTES;
}

bool crossing_takes_body(struct crossing *crossing)
{
    return has_room(crossing, LIMIT_BODY_COMMAND_BYTES);
}

bool crossing_takes_poll(struct crossing *crossing)
{
    return has_room(crossing, sizeof(struct poll_command) + 2 * RECORD_HEAD_BYTES);
}

bool crossing_takes_receipt(struct crossing *crossing)
{
    return has_room(crossing, sizeof(struct receipt_command) + 2 * RECORD_HEAD_BYTES);
}

void *crossing_claim(struct crossing *crossing, size_t size, size_t behind)
{
    void *const record = ring_claim(crossing->commands, size + behind);
    assert(record);
    memset(record, 0, size);
    return record;
}

void crossing_send(struct crossing *crossing)
{
    ring_publish(crossing->commands);
    crossing->is_silent = true;
}

void crossing_send_request(struct crossing *crossing)
{
    crossing_send(crossing);
    crossing->outstanding += 1;
}

void crossing_close_request(struct crossing *crossing)
{
    assert(crossing->outstanding > 0);
    crossing->outstanding -= 1;
}

void crossing_ring_bell(struct crossing *crossing)
{
    if (!crossing->is_silent) return;
    crossing->is_silent = false;
    bell_ring(crossing->settlement_bell);
}
