/* truth: what must be so: every payment as its banks know it, and as the ledger has it.
 *
 *   the ledger, entry by entry --> a second core (the follower) and the payments here
 *   what banks hear            --> compared with the payments here
 *
 * The ledger is read after each turn through a connection of its own, so it holds what is committed
 * and nothing else: a bank that hears of anything not in it has heard too early. */
#ifndef TESTS_SIMULATOR_TRUTH_H
#define TESTS_SIMULATOR_TRUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/record/entry.h"
#include "proto/record/reply.h"
#include "switch/core/engine.h"

#define TRUTH_BANKS 6 /* the last settles through the first */
#define TRUTH_FUNDING_MINOR INT64_C(100000000)

/* A payment, or what was meant to be one; its number is its place. */
struct payment_truth {
    /* As it is sent. */
    uint32_t sender;      /* bank */
    uint32_t payer_agent; /* bank, or TRUTH_BANKS: nobody */
    uint32_t payee_agent; /* likewise */
    int64_t amount_minor;
    enum transfer_priority priority;
    int64_t acceptance_ns;
    bool has_instruction_id, has_uetr;
    bool has_bad_id;
    struct reason transient; /* the answer that takes no id, which it must get; zeros: none */
    bool was_contradicted;   /* its id was sent with other content */
    bool was_guessed;        /* its payee's bank has answered before it had heard of it */

    /* As the ledger has it. */
    uint64_t opened_seq;  /* of its reserved or refused entry; 0: none */
    uint64_t decided_seq; /* of its settled, rejected, expired or refused entry; 0: none */
    uint32_t decided_kind;
    int64_t decided_ns;
    struct reason reason;
    struct hash evidence_hash; /* of the message that opened it */
    uint32_t transaction_index;
    struct hash content_hash;

    /* As its banks know it. */
    bool is_acknowledged;  /* a 201 has come for it */
    bool payer_has_result; /* the final one */
    bool payee_has_payment;
    bool payee_has_result;
};

struct truth {
    struct payment_truth *payments;
    uint32_t count;
    uint32_t count_max;
    struct engine *follower;
    struct reader *reader;
    uint64_t seq; /* the newest entry that was read */
    struct hash head;
    uint64_t settled_count, rejected_count, expired_count, refused_count, day_count;
};

void truth_open(struct truth *truth, uint32_t payments_max, const struct engine_options *options);
void truth_close(struct truth *truth);

/* Opens and closes the connection to the ledger, around each start of the switch. */
void truth_connect(struct truth *truth, const char *directory, const char *vfs);
void truth_disconnect(struct truth *truth);

/* The account's holder of a bank. */
uint32_t truth_account(uint32_t bank);
struct participant_code truth_code(uint32_t bank);

/* The id, InstrId and UETR of a payment; those that it has not are empty. */
struct max35_text truth_id(const struct truth *truth, uint32_t number);
struct max35_text truth_instruction_id(const struct truth *truth, uint32_t number);
struct uetr truth_uetr(const struct truth *truth, uint32_t number);

/* Reads on to the ledger's end. */
void truth_follow(struct truth *truth);

/* A start is over: nothing that was committed is lost, and the core's state is the follower's. */
void truth_check_recovered(struct truth *truth, struct engine *engine);

/* The invariants of DESIGN, "The ledger", on the core between turns. */
void truth_check_invariants(const struct truth *truth, const struct engine *engine);

/* A 201 has come for a payment: what it needs is in the ledger. */
void truth_acknowledge(struct truth *truth, uint32_t number);

/* A bank has received one item of a message. */
void truth_hear(struct truth *truth, uint32_t bank, const struct delivery_item *item,
                struct span bytes);

/* The payment that a forwarded pacs.008 item is; its bytes are compared with what was sent. */
uint32_t truth_find_forwarded(struct truth *truth, const struct transfer_item *item,
                              struct span bytes);

/* Everything was delivered and confirmed: every payment has come to its end, and its banks know. */
void truth_check_end(const struct truth *truth);

#endif
