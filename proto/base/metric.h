/* metric: what the switch counts, one list for the counters, their names and their help texts.
 *
 * Each thread owns one block and is the only one that writes to it; the admin loop adds the blocks
 * up when somebody asks.  Relaxed atomics: a figure may be a moment old, never torn. */
#ifndef PROTO_BASE_METRIC_H
#define PROTO_BASE_METRIC_H

#include <stdatomic.h>
#include <stdint.h>

/* name, name in Prometheus, type, help */
#define METRIC_LIST(X)                                                                             \
    X(CONNECTIONS_OPEN, "cauce_connections_open", "gauge",                                         \
      "TLS connections of participants now open")                                                  \
    X(HANDSHAKES_FAILED, "cauce_tls_handshakes_failed_total", "counter",                           \
      "TLS handshakes that did not end well")                                                      \
    X(CONNECTIONS_REFUSED, "cauce_connections_refused_total", "counter",                           \
      "connections of participants' port closed or refused to keep room for others")               \
    X(REQUESTS, "cauce_http_requests_total", "counter", "HTTP requests of participants answered")  \
    X(REQUESTS_REFUSED, "cauce_http_requests_refused_total", "counter",                            \
      "of these with a status of 400 or above")                                                    \
    X(MESSAGES_RECEIVED, "cauce_messages_received_total", "counter", "messages read from bodies")  \
    X(MESSAGES_REFUSED, "cauce_messages_refused_total", "counter",                                 \
      "of these answered with admi.002")                                                           \
    X(MESSAGES_SIGNED, "cauce_messages_signed_total", "counter",                                   \
      "messages built and signed by the switch")                                                   \
    X(RESERVED, "cauce_payments_reserved_total", "counter", "payments whose funds were reserved")  \
    X(SETTLED, "cauce_payments_settled_total", "counter", "payments settled")                      \
    X(REJECTED, "cauce_payments_rejected_total", "counter",                                        \
      "payments rejected by the payee's bank")                                                     \
    X(EXPIRED, "cauce_payments_expired_total", "counter", "payments released by their deadline")   \
    X(REFUSED, "cauce_payments_refused_total", "counter",                                          \
      "payments refused by rule, with an entry")                                                   \
    X(TRANSIENT, "cauce_transient_answers_total", "counter", "answers without an entry")           \
    X(PAYMENTS_OPEN, "cauce_payments_open", "gauge", "payments reserved and not yet decided")      \
    X(FINGERPRINTS, "cauce_duplicate_fingerprints", "gauge", "ids kept in the duplicate window")   \
    X(LEDGER_SEQ, "cauce_ledger_seq", "gauge", "sequence of the newest durable entry")             \
    X(BLOCKS, "cauce_ledger_blocks_total", "counter", "commits of the ledger since the start")     \
    X(COMMIT_NS, "cauce_ledger_commit_nanoseconds_total", "counter",                               \
      "time spent in commits since the start")                                                     \
    X(STREAMS_OPEN, "cauce_streams_open", "gauge", "delivery streams now open")                    \
    X(DELIVERIES_CONFIRMED, "cauce_deliveries_confirmed_total", "counter",                         \
      "messages confirmed by their receiver")                                                      \
    X(COMMANDS_WAITING, "cauce_commands_waiting_bytes", "gauge",                                   \
      "bytes of commands in the rings to settlement")                                              \
    X(DELIVERIES_WAITING, "cauce_deliveries_waiting", "gauge",                                     \
      "entries to be delivered or passed over that no stream was offered yet")                     \
    X(TRANSIENT_WAITING, "cauce_transient_answers_waiting", "gauge",                               \
      "answers without an entry that are not confirmed yet")                                       \
    X(FOLLOWER_LAG, "cauce_follower_lag_entries", "gauge",                                         \
      "entries since the newest at which live state and replay were found alike")                  \
    X(INDEX_LAG, "cauce_index_lag_entries", "gauge", "entries that searches do not find yet")      \
    X(CHECKPOINT_SEQ, "cauce_checkpoint_seq", "gauge",                                             \
      "newest entry under a block header that was signed since the start")                         \
    X(SNAPSHOT_SEQ, "cauce_snapshot_seq", "gauge", "entry up to which the newest snapshot goes")   \
    X(DISK_FREE, "cauce_ledger_disk_free_bytes", "gauge", "room that the ledger's disk has left")  \
    X(DISK_RESERVE, "cauce_ledger_disk_reserve_bytes", "gauge",                                    \
      "room held back on it for payments in flight")                                               \
    X(DISK_LOW, "cauce_ledger_disk_low", "gauge",                                                  \
      "1 while no new payments are taken because of the ledger's disk, else 0")                    \
    X(NET_FUNDING, "cauce_net_funding_minor", "gauge", "net funding, minor units")                 \
    X(AVAILABLE, "cauce_available_minor", "gauge", "sum of available balances, minor units")       \
    X(RESERVED_SUM, "cauce_reserved_minor", "gauge", "sum of reserved balances, minor units")      \
    X(OPEN_SUM, "cauce_open_payments_minor", "gauge", "sum of the open payments, minor units")

enum metric {
#define METRIC_MEMBER(name, text, type, help) METRIC_##name,
    METRIC_LIST(METRIC_MEMBER)
#undef METRIC_MEMBER
        METRIC_COUNT
};

struct metric_block {
    _Alignas(64) _Atomic uint64_t values[METRIC_COUNT];
};

static inline void metric_add(struct metric_block *block, enum metric metric, uint64_t count)
{
    uint64_t const now = atomic_load_explicit(&block->values[metric], memory_order_relaxed);
    atomic_store_explicit(&block->values[metric], now + count, memory_order_relaxed);
}

static inline void metric_set(struct metric_block *block, enum metric metric, uint64_t value)
{
    atomic_store_explicit(&block->values[metric], value, memory_order_relaxed);
}

static inline uint64_t metric_get(const struct metric_block *block, enum metric metric)
{
    return atomic_load_explicit(&block->values[metric], memory_order_relaxed);
}

#endif
