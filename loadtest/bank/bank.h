/* bank: one participant towards the switch: its keys, its connections, its messages.
 *
 *     bank_open -> bank_compose + a writer of proto/iso + bank_sign -> bank_post -> 201
 *     bank_read: a received message, its signature checked against the switch's certificate
 *
 * bank_post sends the same bytes until the switch has answered for good: after a lost connection,
 * after 5xx, and after 429 and 503 when Retry-After has passed (WIRE section 1).
 *
 * Threads: that of its loop.  Nothing blocks. */
#ifndef LOADTEST_BANK_BANK_H
#define LOADTEST_BANK_BANK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "loadtest/bank/channel.h"
#include "loadtest/bank/environment.h"
#include "proto/base/limits.h"
#include "proto/iso/compose.h"
#include "proto/iso/message.h"
#include "proto/record/identifier.h"

#define BANK_RESOURCE_IDS_BYTES ((LIMIT_ID_BYTES + 2) * LIMIT_PARTS)

struct bank;

struct bank_settings {
    uv_loop_t *loop;
    const struct environment *environment; /* must outlive the bank */
    const char *code;                      /* its keys lie in participants/CODE */
    unsigned channels;                     /* connections for posting, 1 to 64 */
    unsigned pipeline_max;                 /* posts unanswered on each at once, 1 to 16 */
};

/* Reads keys and certificates; connects with the first request.  On FAULT_NONE *out is the caller's
 * until bank_close.  Other faults: words says which file, and why. */
MUST_CHECK enum fault bank_open(struct bank **out, const struct bank_settings *settings,
                                char words[ENVIRONMENT_WORDS_BYTES]);

/* Ends its connections; posts not answered are forgotten.  Close streams before.  The memory goes
 * once the loop has run.  Accepts NULL. */
void bank_close(struct bank *bank);

uv_loop_t *bank_loop(const struct bank *bank);
const struct environment *bank_environment(const struct bank *bank);
struct span bank_code(const struct bank *bank);

/* A new identifier, 35 characters of [A-Z0-9]: `kind` ('M' message, 'E' payment), the bank's code,
 * 64 random bits drawn at bank_open, a counter. */
struct bank_id {
    char text[LIMIT_ID_BYTES];
};
struct bank_id bank_new_id(struct bank *bank, char kind);
struct span bank_id_text(const struct bank_id *id);

/* The header of a message to the switch: `id` as BizMsgIdr (the caller's, in place until written),
 * CreDt now. */
struct header bank_header(const struct bank *bank, const struct bank_id *id);

/* Signs what a writer of proto/iso put into `compose`, with the bank's signing key. */
MUST_CHECK enum fault bank_sign(struct bank *bank, struct compose *compose, struct span *message);

/* Reads a message that the switch sent.  True: *message is good until the next bank_read.
 * False: it is not valid, not for this bank, or not signed by the switch; *refusal says why. */
MUST_CHECK bool bank_read(struct bank *bank, struct span bytes, struct message *message,
                          struct refusal *refusal);

enum bank_outcome {
    BANK_TAKEN,   /* 201: every message has its outcome on the switch's disk; ids are good */
    BANK_REFUSED, /* 4xx: nothing of it was processed; status, and words from the problem document */
    BANK_UNKNOWN  /* no final answer in time; send the same bytes again to know */
};

#define BANK_WORDS_BYTES 256

/* One body on its way.  The caller's, untouched by him until `done`; so is what body points to. */
struct bank_post {
    struct span body;
    bool multipart;      /* written with multipart.h; else one message */
    uint64_t timeout_ms; /* for all attempts together */
    void (*done)(struct bank_post *post);
    void *context; /* the caller's */

    enum bank_outcome outcome;
    int status;        /* of the last answer; 0: there was none */
    unsigned attempts; /* requests sent, resends of the channel not counted */
    size_t id_count;   /* of BANK_TAKEN: PI-ResourceId of each part, in their order */
    struct span ids[LIMIT_PARTS];
    char id_text[BANK_RESOURCE_IDS_BYTES];
    char words[BANK_WORDS_BYTES]; /* with a zero; why not */

    /* The rest is the bank's. */
    struct bank *bank;
    struct channel_exchange exchange;
    uint64_t expires_ms;
    uint64_t again_ms; /* when it is sent again, on the loop's clock */
    struct bank_post *next;
};

/* `done` is called later, never from inside. */
void bank_post(struct bank *bank, struct bank_post *post);

/* Seconds of an answer's Retry-After, at least 1 and at most 60; 1 where it has none. */
uint64_t bank_retry_after_ms(const struct response_reader *answer);

/* What a problem document says: "403 title: detail" with a zero, cut. */
void bank_problem_words(char words[BANK_WORDS_BYTES], int status, struct span document);

/* A connection of its own to the switch, with this bank's certificate: for streams. */
MUST_CHECK enum fault bank_channel(struct bank *bank, struct channel **out);

#endif
