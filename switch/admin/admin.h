/* admin: the operators' side of the switch, on a thread and a libuv loop of its own.
 *
 * Two ports: operators' (HTTPS with their client certificates: GET /admin/v1/system) and health
 * (plain HTTP without a certificate: /livez, /readyz, /metrics).  It reads published facts and adds
 * up the threads' metrics; it changes nothing.
 *
 * Only GET (and HEAD) is taken.  Refusals are problem documents in JSON: 404, 403 (a certificate of
 * admin.ca that is no operator's), 405, 406, tested in that order as in WIRE section 1.  An operator
 * of any role may read the system page.
 *
 * Threads: admin_start, admin_print_urls and admin_stop belong to main's. */
#ifndef SWITCH_ADMIN_ADMIN_H
#define SWITCH_ADMIN_ADMIN_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/metric.h"
#include "proto/config/config.h"
#include "proto/record/published.h"

#define ADMIN_WORDS_BYTES 1280
#define ADMIN_URL_BYTES 300

struct admin;

/* Pointers stay the caller's and outlive the admin. */
struct admin_settings {
    const struct config *config;
    struct published *published;
    /* Settlement's, the follower's, the disk's, each net loop's. */
    const struct metric_block *metrics[LIMIT_LOOPS + 3];
    size_t metrics_count;
    const char *genesis_path; /* whose operators may connect; see operator.h when it is gone */
    /* How far the event stream is, NULL while Kafka is off. */
    const _Atomic uint64_t *acknowledged_seq;
    const _Atomic uint64_t *publish_rebuilds;
};

/* Binds the ports that are not off and starts the thread.  FAULT_BUSY: a port is in use;
 * FAULT_INVALID: a certificate, key or operator of genesis.json cannot be used; FAULT_IO,
 * FAULT_MEMORY, FAULT_CRYPTO.  `words` says which and why. */
MUST_CHECK enum fault admin_start(struct admin **out, const struct admin_settings *settings,
                                  char words[ADMIN_WORDS_BYTES]);

/* "https://127.0.0.1:9443" and "http://127.0.0.1:9100" with the real ports; "-" for what is off. */
void admin_print_urls(const struct admin *admin, char operators[ADMIN_URL_BYTES],
                      char metrics[ADMIN_URL_BYTES]);

/* Answers what is open, within LIMIT_ADMIN_STOP_MS, closes the ports and ends the thread.
 * Accepts NULL. */
void admin_stop(struct admin *admin);

#endif
