/* config: what cauce.conf and --set say, as typed fields (WIRE section 6).
 *
 * One list of keys serves both programs: the fields of struct config, the reading, the checking
 * and the commented file that `cauce dev` writes all come from CONFIG_LIST.  The file is INI;
 * comments begin with ; or # at the start of a line, or with a blank and ; behind a value.
 * Relative paths are from the file's folder, those of --set too.  Unknown keys, repeated keys and
 * values out of range are errors that name the file and line (or --set) and what was expected.
 *
 * Threads: config_load belongs to the main thread, before others start; afterwards struct config
 *          is read by all and written by nobody. */
#ifndef PROTO_CONFIG_CONFIG_H
#define PROTO_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"

/* section, key, kind, field, default (NULL: must be given), least, most, what it is for.
 *
 * Kinds: CODE 8 of [0-9A-Z]; CURRENCY 3 of [A-Z]; ZONE a name of the IANA time zones; DAYTIME
 * HH:MM, kept as minutes after midnight; COUNT a whole number; MS, SECONDS, HOURS, DAYS a whole
 * number of that unit, kept in nanoseconds; ADDRESS host:port, or `off` where that is lawful
 * (most = 1); PATH; PROFILE; BROKER. */
#define CONFIG_LIST(X)                                                                             \
    X("switch", "code", CODE, switch_code, "00038166", 0, 0,                                       \
      "the switch's own code, in every Fr it writes and every To it accepts")                      \
    X("switch", "profile", PROFILE, switch_profile, "iso", 0, 0,                                   \
      "the message profile of the whole switch")                                                   \
    X("switch", "currency", CURRENCY, switch_currency, "MXN", 0, 0,                                \
      "the one currency that it settles, with 2 decimals")                                         \
    X("switch", "timezone", ZONE, switch_timezone, "America/Mexico_City", 0, 0,                    \
      "where the accounting day begins and ends")                                                  \
    X("switch", "day_close", DAYTIME, switch_day_close_minute, "00:00", 0, 0,                      \
      "when the accounting day ends, by the clock of that zone")                                   \
    X("switch", "loops", COUNT, switch_loops, "0", 0, LIMIT_LOOPS,                                 \
      "net loops; 0 is one less than the machine's cores, at least 1")                             \
    X("participants", "listen", ADDRESS, participants_listen, "127.0.0.1:8443", 0, 0,              \
      "where banks connect; port 0 takes a free one")                                              \
    X("participants", "certificate", PATH, participants_certificate, NULL, 0, 0,                   \
      "the switch's certificate towards banks, PEM")                                               \
    X("participants", "key", PATH, participants_key, NULL, 0, 0, "its private key, PEM (PKCS#8)")  \
    X("participants", "ca", PATH, participants_ca, NULL, 0, 0,                                     \
      "the authority that issues the banks' channel certificates, PEM")                            \
    X("participants", "poll_seconds", SECONDS, participants_poll_ns, "10", 0, 300,                 \
      "how long a poll waits for messages before its 204")                                         \
    X("participants", "stream_idle_seconds", SECONDS, participants_stream_idle_ns, "30", 1, 3600,  \
      "a stream without a waiting GET for so long is gone")                                        \
    X("participants", "streams_max", COUNT, participants_streams_max, "6", 1, LIMIT_STREAMS,       \
      "streams of one participant; the next gets 429")                                             \
    X("participants", "rate_tokens", COUNT, participants_rate_tokens, "3750", 0, 1000000000,       \
      "size of a participant's token bucket; 0 is unlimited")                                      \
    X("participants", "rate_refill", COUNT, participants_rate_refill, "750", 1, 1000000000,        \
      "tokens that come back per second; a message costs 1, a pacs.002 0.2")                       \
    X("participants", "request_timeout_seconds", SECONDS, participants_request_timeout_ns, "10",   \
      1, 600, "a request's time from its first byte to its last")                                  \
    X("participants", "idle_timeout_seconds", SECONDS, participants_idle_timeout_ns, "120", 1,     \
      86400, "a keep-alive connection without a request for so long is closed")                    \
    X("signing", "certificate", PATH, signing_certificate, NULL, 0, 0,                             \
      "the certificate of the key that signs the switch's messages, PEM")                          \
    X("signing", "key", PATH, signing_key, NULL, 0, 0, "that key, PEM (PKCS#8)")                   \
    X("payments", "deadline_high_ms", MS, payments_deadline_high_ns, "10000", 1, 86400000,         \
      "time limit of HIGH payments, from the earlier of AccptncDtTm and receipt")                  \
    X("payments", "deadline_normal_ms", MS, payments_deadline_normal_ns, "2700000", 1, 86400000,   \
      "time limit of NORM payments, from receipt")                                                 \
    X("payments", "clock_tolerance_seconds", SECONDS, payments_clock_tolerance_ns, "43200", 0,     \
      604800, "how far AccptncDtTm may lie behind the switch's clock")                             \
    X("payments", "clock_ahead_seconds", SECONDS, payments_clock_ahead_ns, "60", 0, 3600,          \
      "how far CreDt and AccptncDtTm may lie ahead of it")                                         \
    X("payments", "duplicate_window_hours", HOURS, payments_duplicate_window_ns, "24", 24, 744,    \
      "how long an end-to-end id stays taken")                                                     \
    X("payments", "duplicate_capacity", COUNT, payments_duplicate_capacity, "10000000", 1,         \
      1000000000, "ids remembered for that window; when full, new payments get 503")               \
    X("payments", "open_max", COUNT, payments_open_max, "100000", 1, 100000000,                    \
      "payments open at once; when full, new ones get 503")                                        \
    X("payments", "return_window_days", DAYS, payments_return_window_ns, "90", 1, 3650,            \
      "how long a settled payment may be returned")                                                \
    X("ledger", "directory", PATH, ledger_directory, NULL, 0, 0,                                   \
      "the ledger's folder; made when it is not there")                                            \
    X("ledger", "segment_entries", COUNT, ledger_segment_entries, "20000000", 1, 1000000000000,    \
      "entries after which a new file of the ledger is begun; a day's end begins one anyway")      \
    X("ledger", "snapshot_entries", COUNT, ledger_snapshot_entries, "1000000", 0, 1000000000000,   \
      "entries between two snapshots, which keep starts short; 0 writes none")                     \
    X("ledger", "reserve_mib", COUNT, ledger_reserve_mib, "64", 0, 1048576,                        \
      "room held back on the ledger's disk, to settle what is in flight when it is full")          \
    X("kafka", "mode", BROKER, kafka_mode, "embedded", 0, 0,                                       \
      "where events go; embedded is for development, it forgets")                                  \
    X("admin", "listen", ADDRESS, admin_listen, "127.0.0.1:9443", 0, 1,                            \
      "where operators connect; port 0 takes a free one")                                          \
    X("admin", "metrics_listen", ADDRESS, admin_metrics_listen, "127.0.0.1:9100", 0, 1,            \
      "health and metrics, plain HTTP without a certificate")                                      \
    X("admin", "certificate", PATH, admin_certificate, NULL, 0, 0,                                 \
      "the switch's certificate towards operators, PEM")                                           \
    X("admin", "key", PATH, admin_key, NULL, 0, 0, "its private key, PEM (PKCS#8)")                \
    X("admin", "ca", PATH, admin_ca, NULL, 0, 0,                                                   \
      "the authority that issues the operators' certificates, PEM")

enum config_profile { CONFIG_PROFILE_ISO }; /* this build has no profile spi */
enum config_broker { CONFIG_BROKER_EMBEDDED, CONFIG_BROKER_BROKER, CONFIG_BROKER_OFF };

/* host:port. An IPv6 host is written in brackets and kept without them. */
struct config_address {
    char host[LIMIT_HOST_BYTES + 1];
    uint16_t port; /* 0: any free one */
    bool off;      /* do not listen; host and port are empty */
};

/* One rdkafka.NAME = value of section kafka, passed to librdkafka as it is. */
struct config_rdkafka {
    char name[LIMIT_CONFIG_NAME_BYTES + 1]; /* without "rdkafka." */
    char value[LIMIT_CONFIG_VALUE_BYTES + 1];
};

typedef char config_code[9];
typedef char config_currency[4];
typedef char config_zone[64];
typedef char config_path[LIMIT_CONFIG_VALUE_BYTES + 1];

#define CONFIG_TYPE_CODE config_code
#define CONFIG_TYPE_CURRENCY config_currency
#define CONFIG_TYPE_ZONE config_zone
#define CONFIG_TYPE_DAYTIME int
#define CONFIG_TYPE_COUNT uint64_t
#define CONFIG_TYPE_MS int64_t
#define CONFIG_TYPE_SECONDS int64_t
#define CONFIG_TYPE_HOURS int64_t
#define CONFIG_TYPE_DAYS int64_t
#define CONFIG_TYPE_ADDRESS struct config_address
#define CONFIG_TYPE_PATH config_path
#define CONFIG_TYPE_PROFILE enum config_profile
#define CONFIG_TYPE_BROKER enum config_broker

/* The fields are those of CONFIG_LIST: config.participants_poll_ns and so on. Paths are usable
 * from the current folder. It holds no pointers; it is large (keep it static, or on the heap). */
struct config {
#define CONFIG_FIELD(section, key, kind, field, fallback, least, most, words)                      \
    CONFIG_TYPE_##kind field;
    CONFIG_LIST(CONFIG_FIELD)
#undef CONFIG_FIELD
    struct config_rdkafka rdkafka[LIMIT_RDKAFKA_KEYS]; /* in the file's order */
    size_t rdkafka_count;
};

#define CONFIG_ERROR_BYTES 512 /* an error's line and its zero; longer ones are cut */

/* Reads the file at `path`, then `overrides` ("section.key=value", the section ends at the first
 * dot), of which a later one wins over an earlier one; then checks that nothing is missing.
 * FAULT_INVALID: error says file, line (or --set) and what was expected, without a line feed.
 * FAULT_IO: the file cannot be read; error says why.  *config is unspecified after a fault. */
MUST_CHECK enum fault config_load(struct config *config, const char *path,
                                  const char *const *overrides, size_t override_count,
                                  char error[CONFIG_ERROR_BYTES]);

/* One key as the list has it, for who writes or explains a file. */
struct config_key {
    const char *section;
    const char *key;
    const char *fallback; /* NULL: must be given */
    const char *words;
};

/* The keys in the list's order; a section's keys are together. Static. */
const struct config_key *config_keys(size_t *count);

/* Joins a path from a file with that file's folder: an absolute path stays as it is.
 * FAULT_FULL: longer than a config_path holds. */
MUST_CHECK enum fault config_join(config_path joined, const char *file, const char *path);

#endif
