/* Instants: xs:dateTime in, RFC 3339 out, and the two clocks of the system. */
#include "proto/base/time.h"

#include <stdio.h>
#include <time.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define YEAR_FIRST 1970
#define YEAR_LAST 2199
#define OFFSET_MINUTES_MAX (14 * 60) /* XML Schema part 2, 3.2.7.3 */

/* Days from 1970-01-01 to the given day of the proleptic Gregorian calendar; the year begins in
 * March here, so that the leap day is the last of its year. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    if (month <= 2) year -= 1;
    int64_t const era = (year >= 0 ? year : year - 399) / 400;
    int64_t const year_of_era = year - era * 400;
    int64_t const day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t const day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool const leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Reads exactly `digits` decimal digits at *at and moves it on. */
static bool read_number(struct span text, size_t *at, size_t digits, int64_t *number)
{
    if (text.size - *at < digits) return false;
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        char const c = text.bytes[*at + i];
        if (c < '0' || c > '9') return false;
        *number = *number * 10 + (c - '0');
    }
    *at += digits;
    return true;
}

static bool read_mark(struct span text, size_t *at, char mark)
{
    if (*at >= text.size || text.bytes[*at] != mark) return false;
    *at += 1;
    return true;
}

/* Reads ".123456789"; *digits is how many there were, *fraction_ns the first nine of them. */
static bool read_fraction(struct span text, size_t *at, size_t *digits, int64_t *fraction_ns)
{
    *digits = 0;
    *fraction_ns = 0;
    if (!read_mark(text, at, '.')) return true;
    int64_t place = TIME_NS_PER_SECOND / 10;
    for (; *at < text.size && text.bytes[*at] >= '0' && text.bytes[*at] <= '9';
         *at += 1, *digits += 1) {
        *fraction_ns += place * (text.bytes[*at] - '0');
        place /= 10;
    }
    return *digits > 0;
}

enum time_parse time_parse(struct span text, int64_t *instant_ns)
{
    size_t at = 0, fraction_digits;
    int64_t year, month, day, hour, minute, second, fraction_ns;

    /* A year of other than four digits is xs:dateTime, but not a year that the switch reads. */
    size_t const sign = text.size > 0 && text.bytes[0] == '-' ? 1 : 0;
    size_t year_digits = 0;
    while (sign + year_digits < text.size && text.bytes[sign + year_digits] >= '0' &&
           text.bytes[sign + year_digits] <= '9') {
        year_digits++;
    }
    bool const far_year = sign > 0 || year_digits > 4;
    if (year_digits < 4) return TIME_PARSE_NOT_TIME;
    if (far_year) {
        at = sign + year_digits - 4;
        if (year_digits > 4 && text.bytes[sign] == '0') return TIME_PARSE_NOT_TIME;
    }
    if (!read_number(text, &at, 4, &year) || !read_mark(text, &at, '-') ||
        !read_number(text, &at, 2, &month) || !read_mark(text, &at, '-') ||
        !read_number(text, &at, 2, &day) || !read_mark(text, &at, 'T') ||
        !read_number(text, &at, 2, &hour) || !read_mark(text, &at, ':') ||
        !read_number(text, &at, 2, &minute) || !read_mark(text, &at, ':') ||
        !read_number(text, &at, 2, &second) ||
        !read_fraction(text, &at, &fraction_digits, &fraction_ns)) {
        return TIME_PARSE_NOT_TIME;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return TIME_PARSE_NOT_TIME;
    bool const end_of_day = hour == 24 && minute == 0 && second == 0 && fraction_ns == 0;
    if ((hour > 23 && !end_of_day) || minute > 59 || second > 59) return TIME_PARSE_NOT_TIME;

    int64_t offset_minutes = 0;
    if (at == text.size) return TIME_PARSE_NO_ZONE;
    if (!read_mark(text, &at, 'Z')) {
        bool const behind = text.bytes[at] == '-';
        int64_t offset_hour, offset_minute;
        if (text.bytes[at] != '+' && !behind) return TIME_PARSE_NOT_TIME;
        at += 1;
        if (!read_number(text, &at, 2, &offset_hour) || !read_mark(text, &at, ':') ||
            !read_number(text, &at, 2, &offset_minute) || offset_minute > 59) {
            return TIME_PARSE_NOT_TIME;
        }
        offset_minutes = offset_hour * 60 + offset_minute;
        if (offset_minutes > OFFSET_MINUTES_MAX) return TIME_PARSE_NOT_TIME;
        if (behind) offset_minutes = -offset_minutes;
    }
    if (at != text.size) return TIME_PARSE_NOT_TIME;
    if (fraction_digits > 9) return TIME_PARSE_FRACTION;
    if (far_year || year < YEAR_FIRST - 1 || year > YEAR_LAST + 1) return TIME_PARSE_OUT_OF_RANGE;

    int64_t const seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 +
                            minute * 60 + second - offset_minutes * 60;
    if (seconds < 0 || seconds >= days_from_civil(YEAR_LAST + 1, 1, 1) * SECONDS_PER_DAY)
        return TIME_PARSE_OUT_OF_RANGE;
    *instant_ns = seconds * TIME_NS_PER_SECOND + fraction_ns;
    return TIME_PARSE_GOOD;
}

static void civil_from_seconds(int64_t seconds, struct tm *civil)
{
    time_t const when = (time_t)seconds;
    (void)gmtime_r(&when, civil);
}

size_t time_print_ms(int64_t instant_ns, char text[TIME_TEXT_BYTES])
{
    struct tm civil;
    civil_from_seconds(instant_ns / TIME_NS_PER_SECOND, &civil);
    return (size_t)snprintf(text, TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                            (unsigned)(civil.tm_year + 1900) % 10000u,
                            (unsigned)(civil.tm_mon + 1) % 100u, (unsigned)civil.tm_mday % 100u,
                            (unsigned)civil.tm_hour % 100u, (unsigned)civil.tm_min % 100u,
                            (unsigned)civil.tm_sec % 100u,
                            (unsigned)(instant_ns % TIME_NS_PER_SECOND / TIME_NS_PER_MS) % 1000u);
}

size_t time_print_ns(int64_t instant_ns, char text[TIME_TEXT_BYTES])
{
    struct tm civil;
    civil_from_seconds(instant_ns / TIME_NS_PER_SECOND, &civil);
    return (size_t)snprintf(text, TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ",
                            (unsigned)(civil.tm_year + 1900) % 10000u,
                            (unsigned)(civil.tm_mon + 1) % 100u, (unsigned)civil.tm_mday % 100u,
                            (unsigned)civil.tm_hour % 100u, (unsigned)civil.tm_min % 100u,
                            (unsigned)civil.tm_sec % 100u,
                            (unsigned)(instant_ns % TIME_NS_PER_SECOND));
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * TIME_NS_PER_SECOND + now.tv_nsec;
}

int64_t time_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t time_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
