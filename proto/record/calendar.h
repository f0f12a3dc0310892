/* calendar: when an accounting day ends, and what it is called.
 *
 * A day ends when the clock on the wall in the switch's time zone shows the closing time, and is
 * named by the date that it showed just before: with a closing time of 00:00 a day is a date; with
 * 18:00 what comes in the evening belongs to the next date.  Where summer time makes days of 23 or 25
 * hours, or skips the closing time, there is still one end a date.
 *
 * Threads: calendar_open on the main thread before others start: the C library has one time zone for
 *          the whole process, and nothing else in it reads local time.  The others on any. */
#ifndef PROTO_RECORD_CALENDAR_H
#define PROTO_RECORD_CALENDAR_H

#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/record/day.h"

#define CALENDAR_MINUTES 1440 /* of a day */

struct calendar {
    int close_minute; /* after midnight by the wall's clock, 0 to CALENDAR_MINUTES - 1 */
};

/* `zone` is a name of the IANA time zones that this machine knows (proto/config checks that).
 * FAULT_MEMORY. */
MUST_CHECK enum fault calendar_open(struct calendar *calendar, const char *zone, int close_minute);

/* The first end of a day after `after_ns`. Assumed: of the years 1970 to 2199. */
int64_t calendar_next_close_ns(const struct calendar *calendar, int64_t after_ns);

/* The day that ends at `close_ns`, which calendar_next_close_ns has given. */
struct day calendar_day(int64_t close_ns);

#endif
