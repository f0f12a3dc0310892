/* topology: which threads there are, who is wired to whom, and in which order they start and stop.
 *
 *   net loop 1..n  ==commands==>  settlement  ==requests==>  reader
 *                  <==replies===              <==results===
 *                                     | durable_seq, mark of the state
 *                                     +--> publisher --> Kafka
 *                                     +--> follower --> snapshots, index, seals, checkpoints
 *   disk: looks how much room the ledger has left, and says when no new payments may be taken
 *   admin loop: reads published facts and metrics
 *
 * Threads: all calls belong to main's.  Memory: everything is taken in topology_start. */
#ifndef SWITCH_TOPOLOGY_H
#define SWITCH_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/config/config.h"

#define TOPOLOGY_WORDS_BYTES 1400

struct topology;

/* Builds everything and starts the threads.  FAULT_INVALID: what the configuration names cannot be
 * used; any other fault: the machine, or the ledger, does not let it.  `words` says which and why.
 * *out is the caller's until topology_stop. */
MUST_CHECK enum fault topology_start(struct topology **out, const struct config *config,
                                     const char *genesis_path, char words[TOPOLOGY_WORDS_BYTES]);

/* The line of WIRE section 6: "ready participants=... admin=... metrics=... kafka=...". */
void topology_print_ready(const struct topology *topology);

/* A descriptor that becomes readable when a thread has failed: the process must stop with exit 1. */
int topology_failed_fd(const struct topology *topology);

/* Stops cleanly (WIRE section 6): what has reached the core is answered, waiting polls get 204, then
 * connections close; marks and ledger are stored.  True: no thread had failed.  Accepts NULL. */
bool topology_stop(struct topology *topology);

#endif
