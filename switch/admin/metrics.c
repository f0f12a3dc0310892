/* One # HELP, one # TYPE and one sample a metric.  No floating point: seconds are written from
 * microseconds. */
#include "switch/admin/metrics.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void put_head(struct draft *draft, struct span name, struct span type, struct span help)
{
    draft_put(draft, SPAN("# HELP "));
    draft_put(draft, name);
    draft_put(draft, SPAN(" "));
    draft_put(draft, help);
    draft_put(draft, SPAN("\n# TYPE "));
    draft_put(draft, name);
    draft_put(draft, SPAN(" "));
    draft_put(draft, type);
    draft_put(draft, SPAN("\n"));
}

static void put_number(struct draft *draft, struct span name, uint64_t value)
{
    draft_put(draft, name);
    draft_put(draft, SPAN(" "));
    draft_number(draft, value);
    draft_put(draft, SPAN("\n"));
}

/* Seconds with six decimals, as in 12.034500. */
static void put_seconds(struct draft *draft, struct span name, uint64_t value_us)
{
    char text[48];
    int const size =
        snprintf(text, sizeof text, " %llu.%06llu\n", (unsigned long long)(value_us / 1000000),
                 (unsigned long long)(value_us % 1000000));
    draft_put(draft, name);
    draft_put(draft, span_of(text, (size_t)size));
}

static uint64_t us_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* 0 when the system does not say. */
static uint64_t resident_bytes(void)
{
    FILE *const file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    unsigned long long total, resident;
    int const read = fscanf(file, "%llu %llu", &total, &resident);
    (void)fclose(file);
    return read == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void put_process(struct draft *draft)
{
    struct span const seconds = SPAN("process_cpu_seconds_total");
    struct span const resident = SPAN("process_resident_memory_bytes");
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        put_head(draft, seconds, SPAN("counter"), SPAN("user and system CPU time of the switch"));
        put_seconds(draft, seconds, us_of(usage.ru_utime) + us_of(usage.ru_stime));
    }
    put_head(draft, resident, SPAN("gauge"), SPAN("resident memory of the switch"));
    put_number(draft, resident, resident_bytes());
}

static void put_events(const struct facts *facts, struct draft *draft)
{
    struct span const acknowledged = SPAN("cauce_events_acknowledged_seq");
    struct span const lag = SPAN("cauce_events_lag_entries");
    struct span const rebuilds = SPAN("cauce_events_producer_rebuilds_total");
    if (!facts->acknowledged_seq) return;
    put_head(draft, acknowledged, SPAN("gauge"),
             SPAN("sequence up to which the broker holds every entry"));
    put_number(draft, acknowledged, atomic_load(facts->acknowledged_seq));
    put_head(draft, lag, SPAN("gauge"), SPAN("durable entries that the broker does not hold yet"));
    put_number(draft, lag, facts_lag(facts));
    put_head(draft, rebuilds, SPAN("counter"), SPAN("producers built anew after a failure"));
    put_number(draft, rebuilds, atomic_load(facts->publish_rebuilds));
}

static void put_build(const struct facts *facts, struct draft *draft)
{
    struct span const build = SPAN("cauce_build_info");
    struct span const up = SPAN("cauce_serving");
    put_head(draft, build, SPAN("gauge"), SPAN("1, with the version as a label"));
    draft_put(draft, SPAN("cauce_build_info{version=\"" FACTS_VERSION "\"} 1\n"));
    put_head(draft, up, SPAN("gauge"), SPAN("1 while the switch takes requests"));
    put_number(draft, up, facts_state(facts) == STATE_SERVING ? 1 : 0);
}

void metrics_write(const struct facts *facts, struct draft *draft)
{
#define METRICS_PUT(name, text, type, help)                                                        \
    put_head(draft, SPAN(text), SPAN(type), SPAN(help));                                           \
    put_number(draft, SPAN(text), facts_sum(facts, METRIC_##name));
    METRIC_LIST(METRICS_PUT)
#undef METRICS_PUT
    put_events(facts, draft);
    put_process(draft);
    put_build(facts, draft);
}
