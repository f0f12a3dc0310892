/* town: the banks, and the net loops between them and the switch.
 *
 * A bank posts bodies of messages, resends the same bytes when it does not know their fate, opens
 * streams, confirms, repeats, loses answers and connections, and walks away.  It keeps what it has
 * heard, which truth.h compares with the ledger.  In place of XML a transaction is a short text.
 *
 *   posts    READY --send--> IN_FLIGHT --201--> free;  429, 503 or a crash: READY again
 *   clients  one per stream of a bank: closed, open, or waiting for the answer to a GET */
#ifndef TESTS_SIMULATOR_TOWN_H
#define TESTS_SIMULATOR_TOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/time.h"
#include "proto/record/command.h"
#include "proto/record/reply.h"
#include "switch/ring/ring.h"
#include "tests/simulator/chance.h"
#include "tests/simulator/truth.h"

#define TOWN_LOOPS 2
#define TOWN_POSTS 48
#define TOWN_MESSAGES 3 /* of one post */
#define TOWN_ASKS 3     /* of one message */
#define TOWN_CLIENTS 4  /* of one bank: one more than streams_max */
#define TOWN_STREAMS 3
#define TOWN_INBOX 64
#define TOWN_REMEMBER_NS (100 * TIME_NS_PER_SECOND) /* payments this young are repeated */
#define TOWN_PATIENCE_NS (50 * TIME_NS_PER_SECOND)  /* posts this old are given up */

enum ask_kind { ASK_PAYMENT, ASK_ANSWER, ASK_BALANCE, ASK_REFUSAL };

struct ask {
    uint32_t payment;
    bool is_contradiction; /* of a payment: its id with other content */
    bool is_acceptance;    /* of an answer */
};

struct town_message {
    uint64_t number; /* decides its bytes */
    enum ask_kind kind;
    uint32_t ask_count;
    struct ask asks[TOWN_ASKS];
};

enum post_state { POST_FREE, POST_READY, POST_IN_FLIGHT };

struct post {
    enum post_state state;
    uint32_t bank;
    uint32_t loop;
    struct request_id request;
    int64_t made_ns;
    uint32_t message_count;
    struct town_message messages[TOWN_MESSAGES];
};

struct client {
    bool is_open; /* `next` can be asked */
    bool is_waiting;
    uint32_t loop;
    enum poll_verb verb; /* of the last request */
    struct request_id request;
    struct pull_token asked; /* of the last GET; zeros: start */
    struct pull_token next;
    uint32_t batch_count; /* what came with `next`, not confirmed yet */
    struct resource_id batch[LIMIT_PARTS];
    bool has_lost; /* the last answer was lost on its way; it held: */
    uint32_t lost_count;
    struct resource_id lost[LIMIT_PARTS];
};

/* A message that was delivered. */
struct parcel_truth {
    struct resource_id id; /* "": this place is free */
    struct hash content;
    uint32_t confirmed_epoch;   /* the start of the switch in which it was confirmed; 0: never */
    uint64_t confirmed_request; /* the newest request when the bank knew that it was confirmed */
};

struct town {
    struct chance *chance;
    struct truth *truth;
    const struct hash *certificates; /* by bank: with which it signs */
    struct ring *commands[TOWN_LOOPS];
    struct ring *replies[TOWN_LOOPS];
    int64_t now_ns;
    uint32_t epoch; /* starts of the switch */
    uint64_t command_count;
    uint64_t request_count;
    uint64_t message_count;
    bool is_quiet;    /* no payment is begun and nothing is lost any more */
    bool is_stopping; /* waiting GETs get 204, whatever their stream holds */
    struct post posts[TOWN_POSTS];
    struct client clients[TRUTH_BANKS][TOWN_CLIENTS];
    uint32_t inbox_counts[TRUTH_BANKS];
    uint32_t inboxes[TRUTH_BANKS][TOWN_INBOX]; /* payments to be answered */
    uint32_t parcel_count;
    uint32_t parcel_mask;
    struct parcel_truth *parcels;
    uint64_t redelivered_count;
};

/* The rings are opened here. */
void town_open(struct town *town, struct chance *chance, struct truth *truth,
               const struct hash *certificates);
void town_close(struct town *town);

/* One thing that some bank does now. */
void town_post(struct town *town);
void town_poll(struct town *town);
void town_end_poll(struct town *town);

/* A loop takes what it was told. */
void town_drain(struct town *town, uint32_t loop);

/* The switch has gone and the next one has recovered.  A loop had perhaps still passed on what it
 * was shown, so that the banks know it; the rest of the rings is lost. */
void town_forget(struct town *town);

/* True when no bank waits for the fate of a post. */
bool town_is_at_rest(const struct town *town);

#endif
