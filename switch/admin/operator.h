/* operator: who may use the operators' port: the holders of genesis.json's operator certificates.
 *
 * An operator is known by the SHA-256 of the certificate that he proved to hold in the handshake;
 * a certificate of the same CA that no operator has is refused (403).
 *
 * Threads: loaded by main's before the admin loop runs, then read by that loop only. */
#ifndef SWITCH_ADMIN_OPERATOR_H
#define SWITCH_ADMIN_OPERATOR_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/config/genesis.h"
#include "proto/crypto/hash.h"

#define OPERATOR_WORDS_BYTES 1200

struct operator_identity {
    struct hash fingerprint;
    enum genesis_operator_role role;
    char name[LIMIT_NAME_BYTES + 1];
};

struct operator_table {
    struct operator_identity *list;
    size_t count;
};

/* Reads the operators of the genesis.json at `path` and their certificates.  A switch whose ledger
 * is no longer empty goes on without the file: then there are no operators, and the log says so.
 * On FAULT_NONE the table is the caller's until operator_close.  FAULT_INVALID: genesis.json, or a
 * certificate that it names for an operator, cannot be used, or two operators share one; FAULT_IO:
 * a certificate cannot be read; FAULT_MEMORY.  `words` says which. */
MUST_CHECK enum fault operator_load(struct operator_table *table, const char *path,
                                    char words[OPERATOR_WORDS_BYTES]);

/* NULL: nobody's.  `fingerprint` may be NULL too. */
const struct operator_identity *operator_find(const struct operator_table *table,
                                              const struct hash *fingerprint);

/* "maker": as genesis.json has it. Static. */
const char *operator_role_text(enum genesis_operator_role role);

/* Accepts a table of zeros. */
void operator_close(struct operator_table *table);

#endif
