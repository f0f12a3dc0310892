/* JSON lines on standard error; a place that repeats itself is counted instead. */
#include "proto/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/base/time.h"

#define LINE_BYTES 2000
#define WORDS_BYTES 1400

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_INFO: return "info";
    case LOG_WARNING: return "warning";
    case LOG_ERROR: return "error";
    case LOG_FATAL: return "fatal";
    }
    return "unknown";
}

/* Copies `words` as the inside of a JSON string; bytes above 0x7e are written as \u00XX so that
 * the line is JSON whatever came in. */
static size_t escape(char *out, size_t size, const char *words)
{
    size_t used = 0;
    for (; *words && used + 7 < size; words++) {
        unsigned char const c = (unsigned char)*words;
        if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < 0x20 || c > 0x7e) {
            used += (size_t)snprintf(out + used, size - used, "\\u%04x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    out[used] = 0;
    return used;
}

void log_write(struct log_site *site, enum log_level level, const char *part, const char *format,
               ...)
{
    long long const now_ns = time_wall_ns();
    long long last_ns = site->written_ns;
    bool const repeats = last_ns != 0 && now_ns >= last_ns && now_ns - last_ns < TIME_NS_PER_SECOND;
    if (level != LOG_FATAL &&
        (repeats || !atomic_compare_exchange_strong(&site->written_ns, &last_ns, now_ns))) {
        site->left_out++;
        return;
    }

    char words[WORDS_BYTES], escaped[WORDS_BYTES + 200], when[TIME_TEXT_BYTES], line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    (void)escape(escaped, sizeof escaped, words);
    (void)time_print_ns(now_ns, when);

    unsigned const left_out = atomic_exchange(&site->left_out, 0);
    char repeated[40] = "";
    if (left_out) (void)snprintf(repeated, sizeof repeated, ",\"left_out\":%u", left_out);
    int length =
        snprintf(line, sizeof line,
                 "{\"time\":\"%s\",\"level\":\"%s\",\"part\":\"%s\",\"message\":\"%s\"%s}\n", when,
                 level_name(level), part, escaped, repeated);
    if (length < 0) return;
    if ((size_t)length >= sizeof line) length = sizeof line - 1;
    ssize_t const written = write(STDERR_FILENO, line, (size_t)length);
    (void)written; /* a log that cannot be written has nowhere to say so */
}
