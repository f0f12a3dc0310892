/* amount: money, in minor units of the switch's one currency (hundredths).
 *
 * Only this file touches the field; arithmetic is checked and its result must be looked at.
 * Range: -AMOUNT_MAX_MINOR to AMOUNT_MAX_MINOR.  Total net funding stays within the same bound
 * (DESIGN, "The ledger"), so that a sum of balances cannot overflow. */
#ifndef PROTO_BASE_AMOUNT_H
#define PROTO_BASE_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

#define AMOUNT_MAX_MINOR INT64_C(9000000000000000000)
#define AMOUNT_TEXT_BYTES 24 /* "-90000000000000000.00" and its zero */

struct amount {
    int64_t minor; /* amount.c and the layouts of proto/record only */
};

static inline struct amount amount_of_minor(int64_t minor)
{
    return (struct amount){.minor = minor};
}

static inline int64_t amount_minor(struct amount amount)
{
    return amount.minor;
}

/* False, and *sum unchanged, when the sum leaves the range. */
MUST_CHECK bool amount_add(struct amount a, struct amount b, struct amount *sum);

/* False, and *difference unchanged, when a - b leaves the range. */
MUST_CHECK bool amount_subtract(struct amount a, struct amount b, struct amount *difference);

/* Below zero, zero, above zero as a < b, a == b, a > b. */
int amount_compare(struct amount a, struct amount b);

bool amount_is_zero(struct amount amount);
bool amount_is_negative(struct amount amount);

/* What a decimal number from outside is, as money of 2 decimals. */
enum amount_parse {
    AMOUNT_PARSE_GOOD,
    AMOUNT_PARSE_NOT_DECIMAL, /* not [+-]?digits[.digits], xs:decimal's form */
    AMOUNT_PARSE_NOT_MONEY,   /* more than 2 decimals that are not zero, or more than 16 integer
                                 digits, leading zeros aside (WIRE section 4, AM12) */
};

/* Reads xs:decimal without white space; "1.000" is 1.00, ".5" and "5." are decimals too.
 * *amount is written only when the result is AMOUNT_PARSE_GOOD. */
MUST_CHECK enum amount_parse amount_parse(struct span text, struct amount *amount);

/* Writes "12.34" or "-0.05" with a zero behind it; returns its length without the zero. */
size_t amount_print(struct amount amount, char text[AMOUNT_TEXT_BYTES]);

#endif
