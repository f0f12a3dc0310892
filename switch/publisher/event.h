/* event: one entry as a CloudEvents record of Kafka, in binary mode (WIRE section 9).
 *
 * The value is the JSON of proto/record/json.h, all else travels as headers.  Both topics use
 * ce_id = LEDGER/SEQ and ce_type = cauce.ledger.KIND; they differ in ce_source, since CloudEvents
 * takes records of the same source and id for the same event.  ce_subject is the payment's id, else
 * the participant's code, else left out. */
#ifndef SWITCH_PUBLISHER_EVENT_H
#define SWITCH_PUBLISHER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/base/time.h"
#include "proto/kafka/producer.h"
#include "proto/record/entry.h"
#include "proto/record/json.h"

#define EVENT_LEDGER_ID_BYTES 16
#define EVENT_HEADERS 7
#define EVENT_ID_BYTES (36 + 1 + 20 + 1) /* UUID, slash, sequence and a zero */

/* A record being made; it is large, one is kept and used again. */
struct event {
    struct span key; /* empty: none */
    struct span value;
    struct producer_header headers[EVENT_HEADERS];
    size_t header_count;

    char ledger_id[37]; /* a UUID's text */
    char ledger_source[32];
    char payments_source[32];
    char id[EVENT_ID_BYTES];
    char type[32];
    char time[TIME_TEXT_BYTES];
    char text[JSON_ENTRY_BYTES_MAX];
};

/* Sets what all events of one ledger share. `switch_code` is the switch's own. */
void event_open(struct event *event, const uint8_t ledger_id[EVENT_LEDGER_ID_BYTES],
                const char *switch_code);

/* Makes the record of cauce.ledger.v1; its spans point into *event, *entry stays the caller's and
 * must live as long as they are used. */
void event_make_ledger(struct event *event, const struct entry *entry, struct span body);

/* Makes the record of cauce.payments.v1, likewise. Assumed json_is_payment(entry). */
void event_make_payment(struct event *event, const struct entry *entry);

/* The sequence that a ce_id names; *is_ours says whether it is of this event's ledger.
 * False: not LEDGER/SEQ at all. */
MUST_CHECK bool event_parse_id(const struct event *event, struct span id, uint64_t *seq,
                               bool *is_ours);

#endif
