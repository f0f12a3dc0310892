/* Relaxed reads of published figures, and what follows from them. */
#include "switch/admin/facts.h"

uint64_t facts_sum(const struct facts *facts, enum metric metric)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < facts->metrics_count; i++) {
        sum += metric_get(facts->metrics[i], metric);
    }
    return sum;
}

enum switch_state facts_state(const struct facts *facts)
{
    return (enum switch_state)atomic_load_explicit(&facts->published->state, memory_order_acquire);
}

const char *facts_state_text(enum switch_state state)
{
    switch (state) {
    case STATE_STARTING: return "starting";
    case STATE_SERVING: return "serving";
    case STATE_STOPPING: return "stopping";
    case STATE_FAILED: break;
    }
    return "failed";
}

uint64_t facts_lag(const struct facts *facts)
{
    if (!facts->acknowledged_seq) return 0;
    /* In this order: what was acknowledged is durable, so the difference is never below zero. */
    uint64_t const acknowledged =
        atomic_load_explicit(facts->acknowledged_seq, memory_order_acquire);
    uint64_t const durable =
        atomic_load_explicit(&facts->published->durable_seq, memory_order_acquire);
    return durable > acknowledged ? durable - acknowledged : 0;
}

static struct amount sum_of(const struct facts *facts, enum metric metric)
{
    return amount_of_minor((int64_t)facts_sum(facts, metric));
}

struct facts_books facts_books(const struct facts *facts)
{
    struct facts_books books = {
        .available = sum_of(facts, METRIC_AVAILABLE),
        .reserved = sum_of(facts, METRIC_RESERVED_SUM),
        .net_funding = sum_of(facts, METRIC_NET_FUNDING),
        .open = sum_of(facts, METRIC_OPEN_SUM),
    };
    struct amount held;
    books.is_conserved = amount_add(books.available, books.reserved, &held) &&
                         amount_compare(held, books.net_funding) == 0;
    books.is_backed = amount_compare(books.reserved, books.open) == 0;
    return books;
}
