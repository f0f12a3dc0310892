/* page: the table of report.h, as text, under a plot in SVG. */
#include "loadtest/load/page.h"

#include <inttypes.h>

#include "loadtest/load/report.h"
#include "proto/base/time.h"

/* The plot's frame, in the SVG's units. */
#define LEFT 70.0
#define RIGHT 860.0
#define TOP 20.0
#define BOTTOM 380.0
#define RARITY_MAX 1e5 /* at the right end: one in so many, p99.999 */
#define STEPS_PER_TEN 40

/* Where a plot begins and ends upwards, in ns. */
struct scale {
    double least_ns, most_ns;
};

/* log2 for value >= 1, to 2^-20: enough for a pixel, and libm is not needed for more. */
static double log2_of(double value)
{
    double result = 0;
    while (value >= 2) {
        value /= 2;
        result += 1;
    }
    for (double bit = 0.5; bit > 1e-6; bit /= 2) {
        value *= value;
        if (value < 2) continue;
        value /= 2;
        result += bit;
    }
    return result;
}

/* `rarity`: 1 / (1 - share), 1 to RARITY_MAX. */
static double x_of(double rarity)
{
    return LEFT + (RIGHT - LEFT) * log2_of(rarity) / log2_of(RARITY_MAX);
}

static double y_of(const struct scale *scale, double time_ns)
{
    double const bounded = time_ns > scale->least_ns ? time_ns : scale->least_ns;
    return BOTTOM - (BOTTOM - TOP) * log2_of(bounded / scale->least_ns) /
                        log2_of(scale->most_ns / scale->least_ns);
}

/* Whole powers of ten around everything that is shown; at least one from 0.1 ms. */
static struct scale scale_of(const struct traffic_figures *figures)
{
    struct scale scale = {.least_ns = 1e5, .most_ns = 1e6};
    double const longest_ns = figures->submission.longest_ns > figures->settlement.longest_ns
                                  ? (double)figures->submission.longest_ns
                                  : (double)figures->settlement.longest_ns;
    while (scale.most_ns < longest_ns)
        scale.most_ns *= 10;
    return scale;
}

static void write_grid(FILE *out, const struct scale *scale)
{
    static const struct {
        double rarity;
        const char *text;
    } marks[] = {{1, "0"},       {2, "50%"},      {10, "90%"},     {100, "99%"},
                 {1e3, "99.9%"}, {1e4, "99.99%"}, {1e5, "99.999%"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        double const x = x_of(marks[i].rarity);
        fprintf(out,
                "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
                x, TOP, x, BOTTOM, x, BOTTOM + 18, marks[i].text);
    }
    for (double time_ns = scale->least_ns; time_ns <= scale->most_ns * 1.001; time_ns *= 10) {
        double const y = y_of(scale, time_ns);
        fprintf(out,
                "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g ms</text>\n",
                LEFT, y, RIGHT, y, LEFT - 6, y + 4, time_ns / (double)TIME_NS_PER_MS);
    }
}

/* A line through the percentiles, up to the rarest of which there is at least one payment. */
static void write_curve(FILE *out, const struct scale *scale, const struct histogram *histogram,
                        const char *class)
{
    double const step = 1.0592537251772889; /* the 40th root of 10: STEPS_PER_TEN of them */
    double const rarest =
        (double)histogram->count < RARITY_MAX ? (double)histogram->count : RARITY_MAX;
    if (histogram->count == 0) return;
    fprintf(out, "<polyline class=\"%s\" points=\"", class);
    double rarity = 1;
    for (unsigned i = 0; rarity <= rarest; i++, rarity *= step) {
        int64_t const time_ns = histogram_percentile_ns(histogram, 1 - 1 / rarity);
        fprintf(out, "%.1f,%.1f ", x_of(rarity), y_of(scale, (double)time_ns));
    }
    fprintf(out, "%.1f,%.1f\"/>\n", x_of(rarest),
            y_of(scale, (double)histogram_percentile_ns(histogram, 1 - 1 / RARITY_MAX)));
}

static void write_plot(FILE *out, const struct traffic_figures *figures)
{
    struct scale const scale = scale_of(figures);
    fprintf(out,
            "<svg viewBox=\"0 0 900 430\" role=\"img\" aria-label=\"Percentiles of both times; "
            "the table below has the figures\">\n");
    write_grid(out, &scale);
    write_curve(out, &scale, &figures->submission, "submission");
    write_curve(out, &scale, &figures->settlement, "settlement");
    fprintf(out, "<line class=\"submission\" x1=\"90\" y1=\"415\" x2=\"120\" y2=\"415\"/>"
                 "<text x=\"126\" y=\"419\">submission: scheduled to 201</text>\n"
                 "<line class=\"settlement\" x1=\"380\" y1=\"415\" x2=\"410\" y2=\"415\"/>"
                 "<text x=\"416\" y=\"419\">settlement: scheduled to the payer's bank having its "
                 "confirmation</text>\n</svg>\n");
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>Cauce: load test</title>\n<style>\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b2a33;background:#fff}\n"
    "pre{background:#f2f5f6;padding:1rem;overflow-x:auto;line-height:1.35}\n"
    "svg{width:100%;height:auto}svg text{font-size:12px;fill:#44555f}\n"
    ".grid{stroke:#d5dde1;stroke-width:1}\n"
    ".submission,.settlement{fill:none;stroke-width:2}\n"
    ".submission{stroke:#b35900;stroke-dasharray:6 3}.settlement{stroke:#00629b}\n"
    "</style></head><body>\n";

/* The table is plain text but for what came from the switch, which could hold anything. */
static void write_escaped(FILE *out, FILE *text)
{
    for (int byte = fgetc(text); byte != EOF; byte = fgetc(text)) {
        if (byte == '<')
            fputs("&lt;", out);
        else if (byte == '&')
            fputs("&amp;", out);
        else
            fputc(byte, out);
    }
}

void page_write(FILE *out, const struct load_result *result)
{
    char start[TIME_TEXT_BYTES];
    FILE *const text = tmpfile();
    (void)time_print_ms(result->start_ns, start);
    fputs(head, out);
    fprintf(out, "<h1>Cauce: load test</h1>\n<p>Started %s, %" PRIu64 " payments: %s.</p>\n", start,
            result->payments,
            result->clear ? "every one accounted for, at both banks"
                          : "<strong>not every one accounted for</strong>");
    write_plot(out, &result->figures);
    if (text != NULL) {
        report_print(text, result);
        rewind(text);
        fputs("<pre>", out);
        write_escaped(out, text);
        fputs("</pre>\n", out);
        (void)fclose(text);
    }
    fputs("</body></html>\n", out);
}
