/* report: see report.h.  JSON is written by hand: every text in it is a code or ours. */
#include "loadtest/load/report.h"

#include <inttypes.h>

#include "proto/base/time.h"

/* The percentiles that are shown, everywhere. */
static const struct {
    const char *text;
    const char *key;
    double share;
} shown[] = {{"p50", "p50_ms", 0.5},
             {"p90", "p90_ms", 0.9},
             {"p99", "p99_ms", 0.99},
             {"p99.9", "p999_ms", 0.999}};

#define SHOWN_COUNT (sizeof shown / sizeof *shown)

static double ms_of(int64_t time_ns)
{
    return (double)time_ns / (double)TIME_NS_PER_MS;
}

double report_switch_us(const struct load_result *result)
{
    const struct meter_figures *const meter = &result->figures.meter;
    if (!meter->has_switch || meter->switch_settled == 0) return 0;
    return (double)meter->switch_cpu_us / (double)meter->switch_settled;
}

double report_own_us(const struct load_result *result)
{
    if (result->figures.settled == 0) return 0;
    return (double)result->figures.meter.own_cpu_us / (double)result->figures.settled;
}

/* ---- for people ---- */

static void print_times(FILE *out, const char *name, const struct histogram *histogram)
{
    fprintf(out, "  %-11s", name);
    for (size_t i = 0; i < SHOWN_COUNT; i++)
        fprintf(out, " %9.3f", ms_of(histogram_percentile_ns(histogram, shown[i].share)));
    fprintf(out, " %9.3f  %9" PRIu64 "\n", ms_of(histogram->longest_ns), histogram->count);
}

static void print_reasons(FILE *out, const char *words, const struct account_reasons *reasons)
{
    if (reasons->count == 0) return;
    fprintf(out, "  %s:", words);
    for (size_t i = 0; i < reasons->count; i++)
        fprintf(out, "%s %s %" PRIu64, i > 0 ? "," : "", reasons->list[i].text,
                reasons->list[i].count);
    fprintf(out, "\n");
}

static void print_account(FILE *out, const struct load_result *result)
{
    const struct account_summary *const summary = &result->summary;
    const struct traffic_figures *const figures = &result->figures;
    fprintf(out, "  payments   %" PRIu64 ":", result->payments);
    for (int end = ACCOUNT_SETTLED; end < ACCOUNT_ENDS; end++)
        fprintf(out, " %s %" PRIu64 ",", account_end_text((enum account_end)end),
                summary->ends[end]);
    fprintf(out, " %s %" PRIu64 "\n", account_end_text(ACCOUNT_NONE), summary->ends[ACCOUNT_NONE]);
    print_reasons(out, "refused by code", &result->account.refused);
    print_reasons(out, "answers to posts other than 201", &figures->mishaps);
    fprintf(out,
            "  messages   %" PRIu64 " from the switch, %" PRIu64
            " of them verified in full, %" PRIu64 " not good\n",
            figures->messages, figures->verified, figures->strange);
    if (figures->strange_words[0] != '\0') fprintf(out, "  not good: %s\n", figures->strange_words);
    if (figures->foreign > 0)
        fprintf(out, "  ids of earlier runs or other programs: %" PRIu64 "\n", figures->foreign);
    if (result->clear) {
        fprintf(out, "  every payment is accounted for, at both banks\n");
        return;
    }
    fprintf(out,
            "  NOT ACCOUNTED FOR: unknown %" PRIu64 ", without 201 %" PRIu64
            ", payee not told %" PRIu64 ",\n  payee told otherwise %" PRIu64
            ", contradictory results %" PRIu64 "\n",
            summary->ends[ACCOUNT_NONE], summary->without_201, summary->payee_untold,
            summary->payee_disagrees, result->account.contradictions);
}

static void print_processors(FILE *out, const struct load_result *result)
{
    const struct meter_figures *const meter = &result->figures.meter;
    if (meter->has_switch && meter->switch_settled > 0) {
        double const settled = (double)meter->switch_settled;
        fprintf(out,
                "  CPU        switch %.0f us per settled payment (%.0f%% of one core),"
                " this program %.0f us\n",
                report_switch_us(result),
                (double)meter->switch_cpu_us / result->window_seconds / 1e4, report_own_us(result));
        fprintf(out,
                "  switch     %.2f commits and %.2f signatures per settled payment,"
                " %" PRIu64 " MiB resident\n",
                (double)meter->switch_blocks / settled, (double)meter->switch_signed / settled,
                meter->switch_resident >> 20);
    } else {
        fprintf(out, "  CPU        switch unknown (%s), this program %.0f us per settled payment\n",
                meter->has_switch ? "nothing settled" : meter->words, report_own_us(result));
    }
}

void report_print(FILE *out, const struct load_result *result)
{
    const struct load_settings *const settings = &result->settings;
    const struct traffic_figures *const figures = &result->figures;
    fprintf(out,
            "%" PRIu32 " banks, %" PRIu32 " payments/s for %" PRIu32 " s in bodies of %" PRIu32
            " (Poisson, seed %" PRIu64 ")\n",
            result->banks, settings->rate, settings->seconds, settings->batch, settings->seed);
    fprintf(out,
            "hot %.2f, rejected %.2f, silent %.2f; per bank %" PRIu32 " connections and %" PRIu32
            " streams\n",
            settings->hot_share, settings->reject_share, settings->silent_share,
            settings->connections, result->streams);
    fprintf(out, "%" PRIu64 " messages signed ahead in %.1f s; times and rates are of %s%.0f s\n\n",
            result->signed_messages, result->signing_seconds,
            settings->seconds > 1 ? "all but the first second, " : "", result->window_seconds);
    fprintf(out, "  offered    %.1f/s\n", (double)figures->offered / result->window_seconds);
    fprintf(out, "  achieved   %.1f/s, of these settled %.1f/s\n\n",
            (double)figures->ended / result->window_seconds,
            (double)figures->settled / result->window_seconds);
    fprintf(out, "  ms         ");
    for (size_t i = 0; i < SHOWN_COUNT; i++)
        fprintf(out, " %9s", shown[i].text);
    fprintf(out, " %9s  %9s\n", "max", "payments");
    print_times(out, "submission", &figures->submission);
    print_times(out, "settlement", &figures->settlement);
    print_times(out, "lateness", &figures->lateness);
    fprintf(out, "\n");
    print_account(out, result);
    fprintf(out, "\n");
    print_processors(out, result);
}

/* ---- for programs ---- */

static void write_times(FILE *out, const char *name, const struct histogram *histogram)
{
    fprintf(out, "  \"%s\": {\"count\": %" PRIu64, name, histogram->count);
    for (size_t i = 0; i < SHOWN_COUNT; i++)
        fprintf(out, ", \"%s\": %.3f", shown[i].key,
                ms_of(histogram_percentile_ns(histogram, shown[i].share)));
    fprintf(out, ", \"max_ms\": %.3f},\n", ms_of(histogram->longest_ns));
}

/* A code of the switch, in which whatever would break a JSON string or a page is replaced. */
static void write_code(FILE *out, const char *code)
{
    for (; *code != '\0'; code++) {
        bool const plain = *code >= ' ' && *code <= '~' && *code != '"' && *code != '\\';
        fputc(plain ? *code : '?', out);
    }
}

static void write_reasons(FILE *out, const char *name, const struct account_reasons *reasons)
{
    fprintf(out, "  \"%s\": {", name);
    for (size_t i = 0; i < reasons->count; i++) {
        fprintf(out, "%s\"", i > 0 ? ", " : "");
        write_code(out, reasons->list[i].text);
        fprintf(out, "\": %" PRIu64, reasons->list[i].count);
    }
    fprintf(out, "},\n");
}

static void write_settings(FILE *out, const struct load_result *result)
{
    const struct load_settings *const settings = &result->settings;
    char start[TIME_TEXT_BYTES];
    (void)time_print_ms(result->start_ns, start);
    fprintf(out,
            "  \"start\": \"%s\",\n  \"settings\": {\"rate\": %" PRIu32 ", \"seconds\": %" PRIu32
            ", \"banks\": %" PRIu32 ", \"batch\": %" PRIu32 ", \"connections\": %" PRIu32
            ", \"streams\": %" PRIu32 ", \"hot\": %.4f, \"reject\": %.4f, \"silent\": %.4f"
            ", \"seed\": %" PRIu64 "},\n",
            start, settings->rate, settings->seconds, result->banks, settings->batch,
            settings->connections, result->streams, settings->hot_share, settings->reject_share,
            settings->silent_share, settings->seed);
}

static void write_processors(FILE *out, const struct load_result *result)
{
    const struct meter_figures *const meter = &result->figures.meter;
    if (meter->has_switch) {
        fprintf(out,
                "  \"switch\": {\"cpu_us\": %" PRId64 ", \"settled\": %" PRIu64
                ", \"cpu_us_per_settled\": %.1f, \"commits\": %" PRIu64 ", \"signed\": %" PRIu64
                ", \"resident_bytes\": %" PRIu64 "},\n",
                meter->switch_cpu_us, meter->switch_settled, report_switch_us(result),
                meter->switch_blocks, meter->switch_signed, meter->switch_resident);
    } else {
        fprintf(out, "  \"switch\": null,\n");
    }
    fprintf(out, "  \"generator\": {\"cpu_us\": %" PRId64 ", \"cpu_us_per_settled\": %.1f},\n",
            meter->own_cpu_us, report_own_us(result));
}

void report_write_json(FILE *out, const struct load_result *result)
{
    const struct account_summary *const summary = &result->summary;
    const struct traffic_figures *const figures = &result->figures;
    fprintf(out, "{\n  \"version\": 1,\n");
    write_settings(out, result);
    fprintf(out,
            "  \"window_seconds\": %.3f,\n  \"offered_per_second\": %.3f,\n"
            "  \"achieved_per_second\": %.3f,\n  \"settled_per_second\": %.3f,\n",
            result->window_seconds, (double)figures->offered / result->window_seconds,
            (double)figures->ended / result->window_seconds,
            (double)figures->settled / result->window_seconds);
    write_times(out, "submission", &figures->submission);
    write_times(out, "settlement", &figures->settlement);
    write_times(out, "lateness", &figures->lateness);
    fprintf(out, "  \"payments\": {\"sent\": %" PRIu64, summary->sent);
    for (int end = 0; end < ACCOUNT_ENDS; end++)
        fprintf(out, ", \"%s\": %" PRIu64, account_end_text((enum account_end)end),
                summary->ends[end]);
    fprintf(out,
            ", \"without_201\": %" PRIu64 ", \"payee_untold\": %" PRIu64
            ", \"payee_disagrees\": %" PRIu64 ", \"contradictions\": %" PRIu64
            ", \"repeats\": %" PRIu64 "},\n",
            summary->without_201, summary->payee_untold, summary->payee_disagrees,
            result->account.contradictions, result->account.repeats);
    write_reasons(out, "refused", &result->account.refused);
    write_reasons(out, "mishaps", &figures->mishaps);
    fprintf(out,
            "  \"messages\": {\"received\": %" PRIu64 ", \"verified\": %" PRIu64
            ", \"not_good\": %" PRIu64 ", \"foreign\": %" PRIu64 "},\n",
            figures->messages, figures->verified, figures->strange, figures->foreign);
    write_processors(out, result);
    fprintf(out, "  \"clear\": %s\n}\n", result->clear ? "true" : "false");
}
