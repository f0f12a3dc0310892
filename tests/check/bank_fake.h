/* bank_fake: a switch of a few lines for the suite of loadtest/bank: it takes posts and gives what
 * its test has queued, over real TLS on a free port, in the test's own loop.
 *
 * What goes wrong is the test's choice: the next posts or polls may be answered with a status, or
 * their connection cut. */
#ifndef TESTS_CHECK_BANK_FAKE_H
#define TESTS_CHECK_BANK_FAKE_H

#include <stdbool.h>
#include <uv.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/iso/message.h"

#define FAKE_POSTS_MAX 64
#define FAKE_QUEUE_MAX 64

enum bank_fake_mishap {
    FAKE_NONE,
    FAKE_CUT,     /* the connection is cut when the request has been read */
    FAKE_SILENCE, /* it is never answered */
    FAKE_503,     /* with Retry-After: 1 */
    FAKE_500,
    FAKE_403,
    FAKE_410
};

struct bank_fake;

/* `folder` is an environment of dev_make. The fake plays its switch. */
struct bank_fake *bank_fake_open(uv_loop_t *loop, const char *folder);
uint16_t bank_fake_port(const struct bank_fake *fake);

/* Cuts every connection, stops listening, and frees once the loop has run. */
void bank_fake_close(struct bank_fake *fake);

/* What befalls the next posts, or the next GETs of a stream, one each. */
void bank_fake_spoil_post(struct bank_fake *fake, enum bank_fake_mishap mishap);
void bank_fake_spoil_poll(struct bank_fake *fake, enum bank_fake_mishap mishap);

/* Called for each post that is answered with 201, before the answer. May queue messages. */
typedef void bank_fake_taker(struct bank_fake *fake, struct span body, void *context);
void bank_fake_on_post(struct bank_fake *fake, bank_fake_taker *taker, void *context);

/* All posts whose body was read, good or spoilt, in their order. */
size_t bank_fake_post_count(const struct bank_fake *fake);
struct span bank_fake_post(const struct bank_fake *fake, size_t index);

/* Queues a message for the bank's stream. */
void bank_fake_queue(struct bank_fake *fake, struct span resource_id, struct span message);

/* Messages confirmed, connections accepted, and DELETEs, so far. */
size_t bank_fake_confirmed(const struct bank_fake *fake);
size_t bank_fake_connections(const struct bank_fake *fake);
size_t bank_fake_deletes(const struct bank_fake *fake);

/* Header and signature of the switch; the writer is the test's. `code` is the receiver. */
struct header bank_fake_header(struct bank_fake *fake, struct span code);
struct span bank_fake_sign(struct bank_fake *fake, struct compose *compose);

/* Reads a bank's message. */
struct message *bank_fake_read(struct bank_fake *fake, struct span bytes);

#endif
