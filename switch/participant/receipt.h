/* receipt: a participant's GETs of receipts (WIRE sections 1 and 7).
 *
 *   GET --RECEIPT--> settlement --> reader thread --> settlement --RECEIPT_REPLY--> sign, 200
 *                                                                \-> 404, 503, 500
 *
 * The core knows the sequence within its window, the index what is older; the reader thread collects
 * entry, path and header; the header is signed here, so that nobody else waits for that.
 *
 * The happy path: receipt_begin -> "later" -> receipt_finish with what the reply holds.
 * Possible failures: the participant has asked for many (429); no room towards settlement (the
 * request stalls); the library does not sign (500).  A lost connection changes nothing: the exchange
 * waits for its reply.
 *
 * Threads: the one of its loop. */
#ifndef SWITCH_PARTICIPANT_RECEIPT_H
#define SWITCH_PARTICIPANT_RECEIPT_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"
#include "proto/crypto/signer.h"
#include "proto/record/reply.h"
#include "switch/loop/exchange.h"
#include "switch/loop/server.h"
#include "switch/participant/crossing.h"

struct receipt_maker {
    struct crossing *crossing; /* outlives it */
    struct signer *signer;
    struct hash certificate;                 /* SHA-256 of the signing certificate */
    uint8_t outstanding[LIMIT_PARTICIPANTS]; /* of each, up to LIMIT_OWNER_RECEIPTS */
};

/* FAULT_MEMORY, FAULT_CRYPTO.  Key and certificate may be closed before the maker. */
MUST_CHECK enum fault receipt_open(struct receipt_maker *maker, const struct private_key *key,
                                   const struct certificate *certificate,
                                   struct crossing *crossing);

/* Accepts a maker of zeros. */
void receipt_close(struct receipt_maker *maker);

/* Takes a request that session_admit has let through. */
MUST_CHECK enum server_step receipt_begin(struct receipt_maker *maker, struct exchange *exchange);

/* Settlement's reply, with the receipt behind it where there is one. */
void receipt_finish(struct receipt_maker *maker, struct exchange *exchange,
                    const struct receipt_reply *reply);

#endif
