/* net_fixture: what a test of the net loops needs around them: keys and certificates, a registry, a
 * settlement that answers as it is told, and a bank's TLS connection that sends and reads bytes.
 *
 * The settlement double runs on a thread of its own and speaks over real rings; what it has seen and
 * how it answers are shared under one lock.  Every wait is bounded. */
#ifndef TESTS_CHECK_NET_FIXTURE_H
#define TESTS_CHECK_NET_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/http/response_reader.h"
#include "proto/record/command.h"
#include "proto/record/reply.h"
#include "switch/participant/net_loop.h"

#define FIXTURE_LOOPS 2
#define FIXTURE_ANSWER_BYTES (3 * 1024 * 1024)
#define FIXTURE_SEEN 256

/* Two participants: 10000001 and 10000002; banks[2] has a channel certificate of the CA that is
 * nobody's. */
enum fixture_bank { BANK_ONE, BANK_TWO, BANK_NOBODY, BANK_COUNT };

struct fixture_seen {
    uint32_t loop;
    uint32_t bodies, messages, transfers, answers, balances, refusals, dropped;
    uint32_t polls, ends_time_up, ends_lost;
    struct message_command message; /* the last of each */
    struct transfer_command transfer;
    struct answer_command answer;
    struct balance_command balance;
    struct refusal_command refusal;
    struct poll_command poll;
    char canonical[2048];             /* of the last transfer, cut */
    uint32_t per_loop[FIXTURE_LOOPS]; /* bodies and polls */
};

/* One message that the next poll gets. */
struct fixture_delivery {
    struct delivery delivery;
    struct delivery_item item;
    struct span behind; /* bytes behind the item; the test's */
};

/* Starts from `config` as set by fixture_config_defaults and changed by the test. */
extern struct config fixture_config;
extern struct published fixture_published;

/* Makes keys, certificates and the temporary folder once for the whole suite. */
void fixture_prepare(void);
void fixture_clean(void);

/* A switch of `loops` loops with its settlement double; then its end. */
void fixture_start(size_t loops);
void fixture_stop(void);

/* Asks the loops to stop and waits until they have; returns how long it took. */
int64_t fixture_stop_loops(void);

/* How the double behaves. */
void fixture_answer_bodies(enum body_outcome outcome, uint32_t retry_after_seconds);
void fixture_hold(bool is_held); /* true: it takes nothing from its rings */
void fixture_deliver(const struct fixture_delivery *deliveries, uint32_t count);
/* The same for a GET that is a repeat: it gets the batch whole, however many messages it takes. */
void fixture_deliver_again(const struct fixture_delivery *deliveries, uint32_t count);
void fixture_answer_polls(enum poll_outcome outcome); /* POLL_MESSAGES: wait, as usual */
struct fixture_seen fixture_seen(void);

/* Waits up to 3 s for the double to have seen it. */
void fixture_wait_for_polls(uint32_t count);
void fixture_wait_for_lost(uint32_t count);

/* Takes 10000001's certificates out of the registry, as a new version of it. */
void fixture_revoke_bank_one(void);

uint16_t fixture_port(void);
uint64_t fixture_metric(enum metric metric);
const struct certificate *fixture_switch_certificate(void);

/* ---- A bank's connection ---- */

struct bank_line;

/* A TLS connection on 127.0.0.1; NULL when the handshake fails. */
struct bank_line *bank_line_open(enum fixture_bank bank);
bool bank_line_is_resumed(const struct bank_line *line);
void bank_line_send(struct bank_line *line, struct span bytes);

/* Reads one answer, at most 5 s: its status, 0 when the connection ended first. */
int bank_line_answer(struct bank_line *line);
struct span bank_line_body(const struct bank_line *line);
struct span bank_line_field(const struct bank_line *line, const char *name);

/* The next plain bytes, whatever they are; empty at the end of the connection. */
struct span bank_line_raw(struct bank_line *line);

/* True when the peer ends the connection within 5 s, nothing more having come. */
bool bank_line_is_ended(struct bank_line *line);
void bank_line_close(struct bank_line *line);

/* ---- Messages ---- */

/* A signed pacs.008 of 10000001 with this id; the bytes are the caller's buffer's. */
struct span fixture_payment(char *buffer, size_t size, const char *id);

/* The same with `behind` as the last thing in its transaction, signed as it then stands. */
struct span fixture_payment_with(char *buffer, size_t size, const char *id, const char *behind);

#endif
