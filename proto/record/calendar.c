/* Local dates by the C library, which knows the zones and their history. */
#include "proto/record/calendar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/time.h"

enum fault calendar_open(struct calendar *calendar, const char *zone, int close_minute)
{
    assert(close_minute >= 0 && close_minute < CALENDAR_MINUTES);
    if (setenv("TZ", zone, 1) != 0) return FAULT_MEMORY;
    tzset();
    calendar->close_minute = close_minute;
    return FAULT_NONE;
}

static struct tm local_of(int64_t instant_ns)
{
    time_t const seconds = (time_t)(instant_ns / TIME_NS_PER_SECOND);
    struct tm local = {0};
    (void)localtime_r(&seconds, &local);
    return local;
}

/* The end of the date `days` after that of `local`; mktime makes the 32nd of a month the 1st. */
static int64_t close_of(const struct calendar *calendar, const struct tm *local, int days)
{
    struct tm close = {
        .tm_year = local->tm_year,
        .tm_mon = local->tm_mon,
        .tm_mday = local->tm_mday + days,
        .tm_hour = calendar->close_minute / 60,
        .tm_min = calendar->close_minute % 60,
        .tm_isdst = -1,
    };
    return (int64_t)mktime(&close) * TIME_NS_PER_SECOND;
}

int64_t calendar_next_close_ns(const struct calendar *calendar, int64_t after_ns)
{
    struct tm const local = local_of(after_ns);
    int days = 0;
    int64_t close_ns = close_of(calendar, &local, days);
    while (close_ns <= after_ns)
        close_ns = close_of(calendar, &local, ++days);
    return close_ns;
}

struct day calendar_day(int64_t close_ns)
{
    struct tm const local = local_of(close_ns - TIME_NS_PER_SECOND);
    char text[48];
    struct day day = {0};
    size_t const size = strftime(text, sizeof text, "%Y-%m-%d", &local);
    assert(size == DAY_TEXT_BYTES);
    memcpy(day.text, text, size);
    return day;
}
