/* savepoint: the state of the core as of one entry, in a snapshot file, and back at a start.
 *
 *   follower --engine_save + sequences of entries joined and certificate--> snapshot_file
 *   start    <--engine_load + those entries, read from the ledger---------- snapshot_file
 *
 * A savepoint can never be worse than none: what is not signed by the configured certificate, does
 * not hash to what was signed, was made of another chain, or does not fit the configuration is named
 * in the log and passed over; then the older one is taken, and at last a full replay.
 *
 * Threads: savepoint_write the follower's; savepoint_read any one at a start. */
#ifndef SWITCH_SETTLEMENT_SAVEPOINT_H
#define SWITCH_SETTLEMENT_SAVEPOINT_H

#include <stdint.h>

#include "ledger/reader.h"
#include "ledger/snapshot_file.h"
#include "proto/base/fault.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/signer.h"
#include "switch/core/engine.h"

/* Sequences of the entries joined and certificate, ascending: what the registry is made of. */
struct savepoint_registry {
    uint64_t *seqs; /* of SAVEPOINT_REGISTRY_MAX */
    uint32_t count;
};

#define SAVEPOINT_REGISTRY_MAX (LIMIT_PARTICIPANTS * (1 + 2 * LIMIT_CERTIFICATES))

/* FAULT_MEMORY. */
MUST_CHECK enum fault savepoint_registry_open(struct savepoint_registry *registry);

/* Notes an entry if it is one of those.  FAULT_FULL: more than the core lets in. */
MUST_CHECK enum fault savepoint_registry_entry(struct savepoint_registry *registry,
                                               const struct entry *entry);

/* Accepts one of zeros. */
void savepoint_registry_close(struct savepoint_registry *registry);

/* Called after each slice that was written and synced.  A fault ends the writing. */
typedef enum fault (*savepoint_rest)(void *context);

struct savepoint_options {
    const char *directory;
    const char *vfs; /* NULL: the system's */
    const struct certificate *certificate;
};

/* Writes the state of `engine`, which has seen entries up to the last of a block, over the older of
 * the two files.  `hash` is that of its newest entry.  The faults are snapshot_file.h's, the
 * reader's, and those of `rest`; what was begun is then removed. */
MUST_CHECK enum fault savepoint_write(const struct savepoint_options *options,
                                      const struct engine *engine,
                                      const struct savepoint_registry *registry,
                                      const struct hash *hash, struct reader *reader,
                                      struct signer *signer, savepoint_rest rest, void *context);

/* The newest savepoint that is good: *engine is the caller's, *registry holds its sequences (it
 * must be open, and what was in it is replaced), *hash is that of the newest entry in it.
 * FAULT_NOT_FOUND: there is none; replay all.  FAULT_MEMORY. */
MUST_CHECK enum fault savepoint_read(const struct savepoint_options *options,
                                     const struct engine_options *engine_options,
                                     struct reader *reader, struct engine **engine,
                                     struct savepoint_registry *registry, struct hash *hash);

#endif
