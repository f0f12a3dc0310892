/* time: instants as nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
 *
 * Inside, every instant is an int64_t named *_ns; outside, RFC 3339.  The core reads no clock:
 * only settlement stamps time (DESIGN, "Threads and rings"). */
#ifndef PROTO_BASE_TIME_H
#define PROTO_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

#define TIME_NS_PER_SECOND INT64_C(1000000000)
#define TIME_NS_PER_MS INT64_C(1000000)
#define TIME_TEXT_BYTES 32 /* "2026-11-21T18:00:00.123456789Z" and its zero, rounded up */

/* What a time from outside is (WIRE section 2: zone required, 0 to 9 fraction digits). */
enum time_parse {
    TIME_PARSE_GOOD,
    TIME_PARSE_NOT_TIME,    /* not xs:dateTime's form, or no such day or hour */
    TIME_PARSE_NO_ZONE,     /* neither Z nor an offset of at most 14 hours */
    TIME_PARSE_FRACTION,    /* more than 9 fraction digits */
    TIME_PARSE_OUT_OF_RANGE /* before 1970 or after 2199 */
};

/* Reads xs:dateTime without white space. 24:00:00 is the next day's midnight.
 * *instant_ns is written only when the result is TIME_PARSE_GOOD. */
MUST_CHECK enum time_parse time_parse(struct span text, int64_t *instant_ns);

/* Writes UTC with milliseconds, "2026-11-21T18:00:00.123Z", cut, never rounded up; with a zero.
 * Returns the length without the zero. Assumed 0 <= instant_ns, before the year 2200. */
size_t time_print_ms(int64_t instant_ns, char text[TIME_TEXT_BYTES]);

/* The same with nine fraction digits. */
size_t time_print_ns(int64_t instant_ns, char text[TIME_TEXT_BYTES]);

/* The system's clocks. Of the switch's threads, only settlement's clock.c and log.c call these. */
int64_t time_wall_ns(void);
int64_t time_monotonic_ns(void);

#endif
