/* day: an accounting day, and the control totals with which its `day` entry closes it.
 *
 * A day is a date by the clock of the switch's own time zone, which whoever closes it knows; here it
 * is a name.  Days are closed in ascending order, some may be missing.  The entries of a day are
 * those behind the `day` entry before (or behind the start) up to its own, which does not count.
 *
 * ledger/README.md has the tags of the body.  Plain data; any thread. */
#ifndef PROTO_RECORD_DAY_H
#define PROTO_RECORD_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/body.h"

#define DAY_TEXT_BYTES 10

/* "2026-11-25"; zeros: none. */
struct day {
    char text[DAY_TEXT_BYTES];
};

/* Reads a date of the years 1970 to 2199; *day is written only when it returns true. */
MUST_CHECK bool day_parse(struct span text, struct day *day);

/* The text, empty for none; it lives as long as *day. */
struct span day_text(const struct day *day);

/* Below zero, zero, above zero as a is before, is, or is after b; none is before all others. */
int day_compare(struct day a, struct day b);

/* The totals and their tags.  First the entries of the day by kind: how many, and the sum of their
 * amounts; then what stood at the close: open payments, net funding, and both balances summed over
 * all accounts.  Sums are of minor units, modulo 2^64: money that goes round can make the sum of a
 * day larger than all the money there is, and modulo 2^64 the sums still add up
 * (reserved = settled + rejected + expired + what more is open than a day before). */
#define DAY_TOTAL_LIST(X)                                                                          \
    X(reserved_count, BODY_DAY_RESERVED_COUNT)                                                     \
    X(reserved_minor, BODY_DAY_RESERVED_AMOUNT)                                                    \
    X(settled_count, BODY_DAY_SETTLED_COUNT)                                                       \
    X(settled_minor, BODY_DAY_SETTLED_AMOUNT)                                                      \
    X(rejected_count, BODY_DAY_REJECTED_COUNT)                                                     \
    X(rejected_minor, BODY_DAY_REJECTED_AMOUNT)                                                    \
    X(expired_count, BODY_DAY_EXPIRED_COUNT)                                                       \
    X(expired_minor, BODY_DAY_EXPIRED_AMOUNT)                                                      \
    X(refused_count, BODY_DAY_REFUSED_COUNT)                                                       \
    X(funded_count, BODY_DAY_FUNDED_COUNT)                                                         \
    X(funded_minor, BODY_DAY_FUNDED_AMOUNT)                                                        \
    X(open_count, BODY_DAY_OPEN_COUNT)                                                             \
    X(open_minor, BODY_DAY_OPEN_AMOUNT)                                                            \
    X(net_funding_minor, BODY_DAY_NET_FUNDING)                                                     \
    X(available_balance_minor, BODY_DAY_AVAILABLE)                                                 \
    X(reserved_balance_minor, BODY_DAY_RESERVED)

/* What a `day` entry says. */
struct day_close {
    struct day day;
    uint64_t first_seq; /* of the day's first entry; 1 for the first day */
#define DAY_TOTAL_FIELD(name, tag) uint64_t name;
    DAY_TOTAL_LIST(DAY_TOTAL_FIELD)
#undef DAY_TOTAL_FIELD
};

/* Writes the body of a `day` entry, which always has room. */
void day_write(const struct day_close *close, struct body *body);

/* Reads one; false: a field is missing, or is no such thing.  *close is then undefined. */
MUST_CHECK bool day_read(struct span body, struct day_close *close);

#endif
