/* identifier: who and what a payment names, each kind a type of its own, so that swapped arguments
 * do not compile.
 *
 * All are plain bytes of fixed size, zeros behind the text; they stand in entries on disk as they
 * are here (ledger/README.md), so no field may move. */
#ifndef PROTO_RECORD_IDENTIFIER_H
#define PROTO_RECORD_IDENTIFIER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

#define PARTICIPANT_CODE_BYTES 8
#define PAYMENT_ID_BYTES 35
#define REASON_BYTES                                                                               \
    16 /* a code of up to 4 characters of up to 4 bytes (ISO: ExternalStatusReason1Code) */
#define MAX35_TEXT_BYTES 140 /* 35 characters of up to 4 bytes (ISO: Max35Text) */
#define UETR_BYTES 36
#define CURRENCY_BYTES 4

/* A participant, or its settlement participant: 8 of [0-9A-Z] (WIRE section 1); zeros: nobody. */
struct participant_code {
    char text[PARTICIPANT_CODE_BYTES];
};

/* EndToEndId or RtrId: 1 to 35 of [A-Za-z0-9._/:+-] (WIRE section 4); size 0: none. */
struct payment_id {
    uint8_t size;
    char text[PAYMENT_ID_BYTES];
};

/* A reason code as ISO or a bank spells it, up to 4 characters; zeros: none. */
struct reason {
    char text[REASON_BYTES];
};

/* Any Max35Text that is passed on as it came: InstrId, an id that may be malformed, a MsgId. */
struct max35_text {
    uint8_t size; /* bytes, 0 to 140; 0: absent */
    char bytes[MAX35_TEXT_BYTES];
};

/* UETR: a lower-case UUID of version 4, the XSD sees to it; zeros: absent. */
struct uetr {
    char text[UETR_BYTES];
};

/* ISO 4217, three letters and a zero; zeros: none. */
struct currency {
    char text[CURRENCY_BYTES];
};

static_assert(sizeof(struct participant_code) == 8, "the format on disk depends on it");
static_assert(sizeof(struct payment_id) == 36, "the format on disk depends on it");
static_assert(sizeof(struct reason) == 16, "the format on disk depends on it");
static_assert(sizeof(struct currency) == 4, "the format on disk depends on it");

/* Each *_parse writes its result only when it returns true; false: the text is not of that form. */
MUST_CHECK bool identifier_parse_code(struct span text, struct participant_code *code);
MUST_CHECK bool identifier_parse_payment_id(struct span text, struct payment_id *id);
MUST_CHECK bool identifier_parse_reason(struct span text, struct reason *reason);
MUST_CHECK bool
identifier_parse_max35(struct span text,
                       struct max35_text *copy); /* bytes, not characters, are counted */
MUST_CHECK bool identifier_parse_uetr(struct span text, struct uetr *uetr);
MUST_CHECK bool identifier_parse_currency(struct span text, struct currency *currency);

/* The text without what pads it; it lives as long as *what is pointed to. */
struct span identifier_code_text(const struct participant_code *code);
struct span identifier_payment_id_text(const struct payment_id *id);
struct span identifier_reason_text(const struct reason *reason);
struct span identifier_max35_text(const struct max35_text *text);
struct span identifier_uetr_text(const struct uetr *uetr);
struct span identifier_currency_text(const struct currency *currency);

bool identifier_code_equal(struct participant_code a, struct participant_code b);
bool identifier_code_is_none(struct participant_code code);
bool identifier_reason_equal(struct reason a, struct reason b);

/* REASON("AB03") is a reason of a literal of at most 16 bytes. */
#define REASON(literal) ((struct reason){.text = literal})

#endif
