/* receipt: is what a receipt says of a payment what the switch has signed?  Written from
 * ledger/README.md ("Receipts"), with the certificate as the only thing that is believed. */
#ifndef LEDGER_VERIFY_RECEIPT_H
#define LEDGER_VERIFY_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/crypto/certificate.h"

#define RECEIPT_STEPS_MAX 12 /* a block has at most 4,096 entries */
#define RECEIPT_WORDS_BYTES 160

/* A receipt's members, as they were read.  Texts are the caller's and not empty; where the receipt
 * has null, the text is empty, or the number 0. */
struct receipt_claim {
    uint64_t version;
    struct receipt_claim_entry {
        uint64_t seq;
        struct span time, kind, payer, payee, payer_agent, payee_agent;
        uint64_t amount_minor;
        struct span currency, id, reason, deadline;
        uint64_t opened_by, returned_seq;
    } entry;
    struct span public_part, private_hash, body_hash, prev_hash, hash;
    size_t path_count;
    struct receipt_claim_step {
        struct span side, hash;
    } path[RECEIPT_STEPS_MAX];
    struct receipt_claim_block {
        struct span header;
        uint64_t number;
        struct span root, previous;
        uint64_t first, last;
        struct span time;
    } block;
    struct receipt_claim_signature {
        struct span algorithm, value, certificate_sha256;
    } signature;
};

/* True: the holder of the certificate's key has signed all that the claim says.  False: `words` name
 * the first member that is wrong, and how. */
bool receipt_check(const struct receipt_claim *claim, const struct certificate *certificate,
                   char words[RECEIPT_WORDS_BYTES]);

#endif
