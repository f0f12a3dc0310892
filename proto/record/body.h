/* body: the part of an entry that has no fixed size, as tagged fields.
 *
 *   u16 version | { u16 tag | u16 size | bytes }*        little-endian, tags ascending, each at most once
 *
 * A reader passes over tags that it does not know.  Numbers are 8 bytes little-endian. */
#ifndef PROTO_RECORD_BODY_H
#define PROTO_RECORD_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/entry.h"

#define BODY_VERSION 1

/* Never renumber; append only. */
enum body_tag {
    BODY_INSTRUCTION_ID = 1,   /* text: InstrId of a reserved or refused transaction */
    BODY_UETR = 2,             /* text: its UETR */
    BODY_ORIGINAL_ID = 3,      /* text: of a return, the id of the original */
    BODY_CERTIFICATE = 4,      /* DER */
    BODY_PURPOSE = 5,          /* text: "channel" or "signing" */
    BODY_NAME = 6,             /* text: the participant's name */
    BODY_STATUS = 7,           /* text: "active", "suspended" or "debit-blocked" */
    BODY_PAYMENT_LIMIT = 8,    /* number: minor units; absent: no limit */
    BODY_PACS008_MAX = 9,      /* number: transactions in one forwarded pacs.008 */
    BODY_SETTLES_THROUGH = 10, /* text: code of the settlement participant; absent: itself */
    BODY_ROLE = 11,            /* text: "rtgs"; absent: none */
    BODY_FORMAT_VERSION = 12,  /* number: of a segment */
    BODY_LEDGER_ID = 13,       /* 16 bytes */
    BODY_SEGMENT_NUMBER = 14,  /* number: 1, 2, 3, ... */
    BODY_PREVIOUS_HEAD = 15,  /* 32 bytes: hash of the last entry before the segment; zeros: none */
    BODY_PREVIOUS_BLOCK = 16, /* 32 bytes: hash of the last block header before it; zeros: none */
    BODY_DAY = 17,            /* text: the accounting day that is closed, "2026-11-25" */
    BODY_DAY_FIRST_SEQ = 18, /* number: seq of the day's first entry; day.h says more of the rest */
    BODY_DAY_RESERVED_COUNT = 19, /* numbers: the day's entries by kind, and their amounts' sums */
    BODY_DAY_RESERVED_AMOUNT = 20,
    BODY_DAY_SETTLED_COUNT = 21,
    BODY_DAY_SETTLED_AMOUNT = 22,
    BODY_DAY_REJECTED_COUNT = 23,
    BODY_DAY_REJECTED_AMOUNT = 24,
    BODY_DAY_EXPIRED_COUNT = 25,
    BODY_DAY_EXPIRED_AMOUNT = 26,
    BODY_DAY_REFUSED_COUNT = 27,
    BODY_DAY_FUNDED_COUNT = 28,
    BODY_DAY_FUNDED_AMOUNT = 29,
    BODY_DAY_OPEN_COUNT = 30, /* numbers: payments open at the close, and their amounts' sum */
    BODY_DAY_OPEN_AMOUNT = 31,
    BODY_DAY_NET_FUNDING = 32, /* numbers: at the close, over all accounts */
    BODY_DAY_AVAILABLE = 33,
    BODY_DAY_RESERVED = 34,
};

struct body {
    uint32_t size; /* 0: there is no body */
    uint8_t bytes[ENTRY_BODY_BYTES_MAX];
};

/* Starts an empty body. */
void body_clear(struct body *body);

/* Adds a field. FAULT_FULL: no room. Assumed: tag above those added before. */
MUST_CHECK enum fault body_put(struct body *body, enum body_tag tag, struct span bytes);
MUST_CHECK enum fault body_put_number(struct body *body, enum body_tag tag, uint64_t number);

/* The bytes, empty when nothing was put. */
struct span body_span(const struct body *body);

/* SHA-256 of the bytes; zeros when there are none. */
struct hash body_hash(const struct body *body);

/* Finds a field in stored bytes; false when it is absent or the bytes are no body of ours. */
bool body_find(struct span stored, enum body_tag tag, struct span *bytes);
bool body_find_number(struct span stored, enum body_tag tag, uint64_t *number);

#endif
