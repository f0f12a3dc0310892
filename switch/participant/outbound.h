/* outbound: deliveries from settlement, built, signed and kept: the switch's own messages.
 *
 *   DELIVERY + ITEMs --(on the shelf?)--> compose -> sign -> shelf -> an answer's body
 *
 * The same delivery gives the same message, the signature's value aside: everything in it comes from
 * the records.  What was signed once is taken from the shelf as long as it is there.
 *
 * Threads: the one of its loop. Memory: all of it is taken in outbound_open. */
#ifndef SWITCH_PARTICIPANT_OUTBOUND_H
#define SWITCH_PARTICIPANT_OUTBOUND_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/metric.h"
#include "proto/base/span.h"
#include "proto/record/reply.h"
#include "proto/signature/signature.h"
#include "switch/ring/ring.h"

struct outbound;

/* All pointers stay the caller's and outlive the outbound. */
struct outbound_settings {
    struct span switch_code; /* Fr */
    struct signature_signer *signer;
    struct metric_block *metrics;
};

struct outbound_message {
    struct resource_id resource_id;
    struct span bytes; /* on the shelf: good for the messages of one poll's reply */
};

/* On FAULT_NONE *out is the caller's until outbound_close. FAULT_MEMORY. */
MUST_CHECK enum fault outbound_open(struct outbound **out,
                                    const struct outbound_settings *settings);

/* Takes the next DELIVERY and its items from the ring, where they stand right behind the record
 * taken last, and makes the message of them.
 * FAULT_INVALID: an item's transaction is not in its message; FAULT_FULL: longer than a message may
 * be; FAULT_CRYPTO: the library refused to sign.  The records have been taken all the same. */
MUST_CHECK enum fault outbound_take(struct outbound *outbound, struct ring *replies,
                                    struct outbound_message *message);

/* Passes over a DELIVERY and its items. */
void outbound_pass(struct ring *replies);

/* Accepts NULL. */
void outbound_close(struct outbound *outbound);

#endif
