/* channel: one TLS connection from a bank to the switch, kept up, over which requests go in order.
 *
 * The happy path: channel_send queues an exchange; the channel connects if it is not connected,
 * writes it (up to `pipeline_max` at once), reads the answer, and calls the exchange's `done`.
 * Possible failures: the connection cannot be made or breaks.  Then the channel connects again after
 * a pause and sends every unanswered exchange again, the same bytes in the same order, which the
 * switch promises is always safe (WIRE section 1); an exchange whose time is up is given back with
 * the last failure's words.  It never blocks its loop.
 *
 * Threads: that of its loop. */
#ifndef LOADTEST_BANK_CHANNEL_H
#define LOADTEST_BANK_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/config/config.h"
#include "proto/http/response_reader.h"
#include "proto/tls/tls_context.h"

struct channel;

enum channel_outcome {
    CHANNEL_ANSWERED, /* status, answer and body are good, during `done` only */
    CHANNEL_TIMED_OUT /* no answer in time: its fate at the switch is unknown; words says why */
};

/* One request and its answer.  The caller's, untouched by him from channel_send until `done`; so are
 * the bytes its spans point to. */
struct channel_exchange {
    struct span method;
    struct span target;
    struct span content_type; /* empty: none */
    struct span accept;       /* empty: none */
    struct span body;         /* of a POST; sent when the method is POST */
    uint64_t timeout_ms;      /* from channel_send to the answer; > 0 */
    void (*done)(struct channel_exchange *exchange);
    void *context; /* the caller's */

    enum channel_outcome outcome;
    int status;
    const struct response_reader *answer; /* its header fields */
    struct span answer_body;
    const char *words; /* static */

    struct channel_exchange *next; /* the channel's */
    uint64_t expires_ms;           /* the channel's, on the loop's clock */
};

struct channel_settings {
    uv_loop_t *loop;
    struct tls_context *tls;              /* client's; must outlive the channel */
    const struct config_address *address; /* copied */
    unsigned pipeline_max;                /* requests unanswered at once, 1 to LIMIT_PIPELINED */
};

/* Connects with the first exchange.  On FAULT_NONE *out is the caller's until channel_close.
 * FAULT_MEMORY: no memory. */
MUST_CHECK enum fault channel_open(struct channel **out, const struct channel_settings *settings);

/* Queues an exchange.  `done` is called later, never from inside. Assumed: not closed. */
void channel_send(struct channel *channel, struct channel_exchange *exchange);

/* Exchanges queued or unanswered. */
unsigned channel_load(const struct channel *channel);

/* Ends the connection and frees the channel once libuv allows; exchanges that are not answered are
 * forgotten, their `done` is not called.  Accepts NULL. */
void channel_close(struct channel *channel);

#endif
