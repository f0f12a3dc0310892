/* teller: one bank of a load test: its connections for posting, its streams, nothing of business.
 *
 *     teller_open -> ready -> teller_post -> taken, or refused
 *                          -> message ... (teller_post) -> confirmed once the answers have their 201
 *                          -> teller_close -> closed
 *
 * An order is sent once: 429 and 503 mean that nothing of it was processed, and count as refused, so
 * that the load offered stays the one of the schedule.  An answer is sent again after them, when
 * Retry-After has passed, as else the payment would expire.  After another 5xx, 408 or a lost
 * connection the same bytes go again until `post_ms` is over (WIRE section 1).
 * Possible failures: an answer is refused with another 4xx, or a stream is: `failed`.
 *
 * Threads: that of the loop. */
#ifndef LOADTEST_LOAD_TELLER_H
#define LOADTEST_LOAD_TELLER_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/bank/bank.h"
#include "loadtest/bank/stream.h"

#define TELLER_CONNECTIONS_MAX 64
#define TELLER_STREAMS_MAX 6 /* WIRE section 1, streams_max */

struct teller;
struct teller_lane; /* one stream of a teller */

/* One body on its way.  The caller's, untouched by him until taken or refused; so are its bytes. */
struct teller_post {
    struct span body;
    bool multipart;
    bool is_answer;
    size_t group; /* the caller's */

    /* The rest is the teller's. */
    struct channel_exchange exchange;
    struct teller *teller;
    struct teller_lane *lane; /* NULL: it holds up none */
    uint64_t expires_ms;
    uint64_t again_ms; /* when it is sent again, on the loop's clock */
    struct teller_post *next;
};

struct teller_settings {
    uv_loop_t *loop;
    const struct environment *environment;
    const char *code;     /* needed during teller_open only */
    unsigned connections; /* for posting, 1 to TELLER_CONNECTIONS_MAX */
    unsigned streams;     /* 1 to TELLER_STREAMS_MAX, each with a connection of its own */
    uint64_t post_ms;     /* how long a post is tried */
    void *context;
    size_t number; /* the caller's; teller_number gives it back */

    /* Every connection for posting has had an answer. */
    void (*ready)(void *context, struct teller *teller);
    /* 201. */
    void (*taken)(void *context, struct teller_post *post);
    /* It was refused for good with this status. */
    void (*refused)(void *context, struct teller_post *post, int status);
    /* A message of the switch, not verified; bytes are good during the call. */
    void (*message)(void *context, struct teller *teller, struct teller_lane *lane,
                    struct span bytes);
    /* A post had another answer than 201, or none (0); it may still be sent again. */
    void (*mishap)(void *context, int status);
    /* It is over: words say why; teller_close is still due. */
    void (*failed)(void *context, const char *words);
};

/* Begins to connect.  On FAULT_NONE *out is the caller's until teller_close.  Else words say why. */
MUST_CHECK enum fault teller_open(struct teller **out, const struct teller_settings *settings,
                                  char words[ENVIRONMENT_WORDS_BYTES]);

size_t teller_number(const struct teller *teller);

/* Sends an order or an answer; `taken` and the others come later, never from inside.  `lane`: by
 * which the reason for it came, whose batch is then not confirmed before the post's 201, to be given
 * from inside `message` only; else NULL. */
void teller_post(struct teller *teller, struct teller_lane *lane, struct teller_post *post);

/* Whether the message is the switch's: schema, addresses and signature (100 us). False: words. */
MUST_CHECK bool teller_verify(struct teller *teller, struct span bytes,
                              char words[ENVIRONMENT_WORDS_BYTES]);

/* Confirms what was handed over, closes everything and frees the teller, then calls `closed`.  Posts
 * not answered are forgotten.  Assumed: not from inside a callback of the teller. */
void teller_close(struct teller *teller, void (*closed)(void *context));

#endif
