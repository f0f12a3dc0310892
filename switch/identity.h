/* identity: the key with which the switch signs, and its certificate, as section signing names them.
 *
 * Messages are signed by the net loops with signers of their own; this is for the ledger's files:
 * checkpoints, seals, snapshots.
 *
 * Threads: main's; what it holds may be read by any. */
#ifndef SWITCH_IDENTITY_H
#define SWITCH_IDENTITY_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/config/config.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"

struct identity {
    struct private_key *key;
    struct certificate *certificate;
};

/* FAULT_INVALID, FAULT_IO: one of the files cannot be used, or the key is another certificate's;
 * `words`, of `words_bytes`, says which and why.  Of zeros before; identity_close in any case. */
MUST_CHECK enum fault identity_load(struct identity *identity, const struct config *config,
                                    char *words, size_t words_bytes);

/* Accepts one of zeros. */
void identity_close(struct identity *identity);

#endif
