/* The document is built with jansson, which escapes what an operator's name may hold. */
#include "switch/admin/system.h"

#include <jansson.h>

#include "proto/base/time.h"

bool system_holds(const struct facts_books *books)
{
    return books->is_conserved && books->is_backed;
}

static const char *mode_text(enum config_broker mode)
{
    switch (mode) {
    case CONFIG_BROKER_EMBEDDED: return "embedded";
    case CONFIG_BROKER_BROKER: return "broker";
    case CONFIG_BROKER_OFF: break;
    }
    return "off";
}

static const char *profile_text(enum config_profile profile)
{
    switch (profile) {
    case CONFIG_PROFILE_ISO: break;
    }
    return "iso";
}

static json_t *ledger_of(const struct facts *facts, const struct system_view *view)
{
    char head[HASH_TEXT_BYTES];
    if (view->head_hash) hash_print(view->head_hash, head);
    uint64_t const durable =
        atomic_load_explicit(&facts->published->durable_seq, memory_order_acquire);
    return json_pack("{s:I, s:s?, s:I, s:I}", "head_seq", (json_int_t)view->head_seq, "head_hash",
                     view->head_hash ? head : NULL, "durable_seq", (json_int_t)durable, "blocks",
                     (json_int_t)facts_sum(facts, METRIC_BLOCKS));
}

static json_t *invariants_of(const struct facts_books *books)
{
    json_int_t const reserved = amount_minor(books->reserved);
    return json_pack(
        "[{s:s, s:s, s:I, s:I, s:I, s:b}, {s:s, s:s, s:I, s:I, s:b}]", "name", "conservation",
        "rule", "available + reserved = net funding", "available_minor",
        (json_int_t)amount_minor(books->available), "reserved_minor", reserved, "net_funding_minor",
        (json_int_t)amount_minor(books->net_funding), "holds", books->is_conserved, "name",
        "backing", "rule", "reserved = open payments", "reserved_minor", reserved,
        "open_payments_minor", (json_int_t)amount_minor(books->open), "holds", books->is_backed);
}

static json_t *broker_of(const struct facts *facts)
{
    const char *const mode = mode_text(facts->config->kafka_mode);
    if (!facts->acknowledged_seq) return json_pack("{s:s}", "mode", mode);
    return json_pack("{s:s, s:I, s:I, s:I}", "mode", mode, "acknowledged_seq",
                     (json_int_t)atomic_load(facts->acknowledged_seq), "lag",
                     (json_int_t)facts_lag(facts), "rebuilds",
                     (json_int_t)atomic_load(facts->publish_rebuilds));
}

enum fault system_write(const struct facts *facts, const struct system_view *view,
                        char text[SYSTEM_BYTES], size_t *size)
{
    const struct config *const config = facts->config;
    char now_text[TIME_TEXT_BYTES];
    (void)time_print_ms(published_now_ns(facts->published), now_text);

    /* "o" takes the parts over, also when it fails; a part that is NULL makes it fail. */
    json_t *const root = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:{s:I, s:I}, s:{s:I, s:I}, "
        "s:{s:I, s:I, s:I}, s:o, s:{s:s, "
        "s:s}}",
        "state", facts_state_text(facts_state(facts)), "version", FACTS_VERSION, "code",
        config->switch_code, "profile", profile_text(config->switch_profile), "currency",
        config->switch_currency, "time", now_text, "uptime_seconds",
        (json_int_t)(view->uptime_ns / TIME_NS_PER_SECOND), "ledger", ledger_of(facts, view),
        "invariants", invariants_of(view->books), "payments", "open",
        (json_int_t)facts_sum(facts, METRIC_PAYMENTS_OPEN), "fingerprints",
        (json_int_t)facts_sum(facts, METRIC_FINGERPRINTS), "participants", "connections",
        (json_int_t)facts_sum(facts, METRIC_CONNECTIONS_OPEN), "streams",
        (json_int_t)facts_sum(facts, METRIC_STREAMS_OPEN), "queues", "commands_bytes",
        (json_int_t)facts_sum(facts, METRIC_COMMANDS_WAITING), "deliveries",
        (json_int_t)facts_sum(facts, METRIC_DELIVERIES_WAITING), "transient_answers",
        (json_int_t)facts_sum(facts, METRIC_TRANSIENT_WAITING), "broker", broker_of(facts),
        "operator", "name", view->caller->name, "role", operator_role_text(view->caller->role));
    if (!root) return FAULT_MEMORY;
    size_t const needed = json_dumpb(root, text, SYSTEM_BYTES, JSON_COMPACT);
    json_decref(root);
    if (needed == 0) return FAULT_MEMORY;
    if (needed > SYSTEM_BYTES) return FAULT_FULL;
    *size = needed;
    return FAULT_NONE;
}
