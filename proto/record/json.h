/* json: an entry as the JSON values of the event topics (WIRE section 9).
 *
 * cauce.ledger.v1 carries the entry readable and as the bytes that are hashed, so that a consumer
 * re-hashes each; cauce.payments.v1 carries a change of a payment's state, without balances.  The
 * schemas stand in proto/record/schema/.  What is absent is null (the body: left out); amounts are
 * whole minor units; times are UTC with nine fraction digits.  Nothing here allocates. */
#ifndef PROTO_RECORD_JSON_H
#define PROTO_RECORD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/span.h"
#include "proto/record/entry.h"

/* The largest values: base64 of all three parts, and 2 KiB for what is readable. */
#define JSON_PAYMENT_BYTES_MAX 2048
#define JSON_ENTRY_BYTES_MAX                                                                       \
    (JSON_PAYMENT_BYTES_MAX +                                                                      \
     (ENTRY_PUBLIC_BYTES + ENTRY_PRIVATE_BYTES + ENTRY_BODY_BYTES_MAX + 6) / 3 * 4)

/* Whether the entry changes a payment's state, so that cauce.payments.v1 carries it. */
bool json_is_payment(const struct entry *entry);

/* The value of cauce.ledger.v1, without a zero behind it; returns its length. `body` is empty when
 * the entry has none. Assumed body.size <= ENTRY_BODY_BYTES_MAX. */
size_t json_entry(const struct entry *entry, struct span body, char text[JSON_ENTRY_BYTES_MAX]);

/* The value of cauce.payments.v1, likewise; statements show entries of other kinds in the same way. */
size_t json_payment(const struct entry *entry, char text[JSON_PAYMENT_BYTES_MAX]);

#endif
