/* system: `GET /admin/v1/system` (WIRE section 8): the state of the switch on one page of JSON.
 *
 *   {"state": "serving", "version": "0.1.0", "code": "00038166", "profile": "iso",
 *    "currency": "MXN", "time": "2026-11-21T18:00:00.123Z", "uptime_seconds": 12,
 *    "ledger": {"head_seq": 91, "head_hash": "5e0c...", "durable_seq": 91, "blocks": 17},
 *    "invariants": [
 *      {"name": "conservation", "rule": "available + reserved = net funding",
 *       "available_minor": 1, "reserved_minor": 0, "net_funding_minor": 1, "holds": true},
 *      {"name": "backing", "rule": "reserved = open payments",
 *       "reserved_minor": 0, "open_payments_minor": 0, "holds": true}],
 *    "payments": {"open": 0, "fingerprints": 30},
 *    "participants": {"connections": 8, "streams": 4},
 *    "broker": {"mode": "embedded", "acknowledged_seq": 91, "lag": 0, "rebuilds": 0},
 *    "operator": {"name": "auditor", "role": "auditor"}}
 *
 * The head is the newest durable entry as the ledger has it, or null as its hash while that cannot
 * be read; blocks are those since the start.  `broker` has its mode only while Kafka is off.  Amounts
 * are minor units.
 *
 * Settlement shows the figures of an invariant one after the other, so one look may see some before
 * and some after a payment.  A disagreement of the books stays, one of the look does not: the caller
 * looks again for LIMIT_ADMIN_DOUBT_MS before it answers that an invariant does not hold. */
#ifndef SWITCH_ADMIN_SYSTEM_H
#define SWITCH_ADMIN_SYSTEM_H

#include "proto/base/fault.h"
#include "switch/admin/facts.h"
#include "switch/admin/operator.h"

#define SYSTEM_BYTES (4 * 1024)

/* Whether both invariants hold in these figures. */
bool system_holds(const struct facts_books *books);

/* What the page shows besides the published facts. */
struct system_view {
    const struct facts_books *books;
    const struct operator_identity *caller;
    int64_t uptime_ns;
    uint64_t head_seq;
    const struct hash *head_hash; /* NULL: the ledger did not give it */
};

/* Writes the document.  FAULT_MEMORY: jansson had none.  FAULT_FULL: it does not fit SYSTEM_BYTES. */
MUST_CHECK enum fault system_write(const struct facts *facts, const struct system_view *view,
                                   char text[SYSTEM_BYTES], size_t *size);

#endif
