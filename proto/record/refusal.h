/* refusal: why a message cannot be taken, as admi.002 says it (WIRE section 2, the table).
 *
 * A refusal is filled while a message is read and copied out of it: it stays good when the message
 * is gone, travels in records, and waits in settlement until the bank asks. Plain data; whoever
 * holds it owns it. Its size is paid for each answer that waits, so it holds no more than this. */
#ifndef PROTO_RECORD_REFUSAL_H
#define PROTO_RECORD_REFUSAL_H

#include <assert.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"

/* RjctgPtyRsn, in the order in which they are tested but for SCHEMA, which is tested twice. */
#define REFUSAL_LIST(X)                                                                            \
    X(BADXML)    /* not well-formed in the closed dialect                                       */ \
    X(SCHEMA)    /* not as the envelope, the XSDs, or WIRE sections 4 and 5 demand              */ \
    X(VERSION)   /* a header, a message or a namespace that is not in the catalogue          */    \
    X(SENDER)    /* Fr is not who sent it, or it asks about another's account                */    \
    X(HEADER)    /* To, BizMsgIdr, CreDt or Rltd                                             */    \
    X(SIGNATURE) /* Sgntr missing, empty, or not as WIRE section 3                           */

enum refusal_code {
#define REFUSAL_MEMBER(name) REFUSAL_##name,
    REFUSAL_LIST(REFUSAL_MEMBER)
#undef REFUSAL_MEMBER
};

#define REFUSAL_REFERENCE_BYTES (4 * LIMIT_ID_BYTES) /* 35 characters of UTF-8 */
#define REFUSAL_LOCATION_BYTES LIMIT_LOCATION_BYTES  /* names outside ASCII make it cut earlier */
#define REFUSAL_WORDS_BYTES 159                      /* a sentence and two names of ISO's */

struct refusal {
    enum refusal_code code;
    uint16_t location_size; /* 0: there is no element to point at */
    uint8_t reference_size; /* 0: BizMsgIdr cannot be read; then the PI-ResourceId stands for it */
    uint8_t words_size;
    char reference[REFUSAL_REFERENCE_BYTES];
    char location[REFUSAL_LOCATION_BYTES];
    char words[REFUSAL_WORDS_BYTES];
};

static_assert(sizeof(struct refusal) <= 700, "LIMIT_TRANSIENT counts on it");
static_assert(REFUSAL_REFERENCE_BYTES <= UINT8_MAX && REFUSAL_WORDS_BYTES <= UINT8_MAX,
              "their sizes are bytes");

/* "BADXML". Static. */
struct span refusal_text(enum refusal_code code);

/* Parts of *refusal, good as long as it is; empty where there is none. */
struct span refusal_reference(const struct refusal *refusal);
struct span refusal_location(const struct refusal *refusal);
struct span refusal_words(const struct refusal *refusal);

/* Sets the code and the words, the latter cut at 159 bytes; clears the location, keeps the
 * reference. Bytes of the words that are not printable ASCII become '?': they end in RsnDesc, which
 * must be text. */
void refusal_set(struct refusal *refusal, enum refusal_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Sets the reference if it is 1 to 35 characters, else clears it. Assumed: UTF-8. */
void refusal_refer(struct refusal *refusal, struct span reference);

/* Sets the location, cut at 350 bytes between two characters; an empty one clears it.
 * Assumed: UTF-8. */
void refusal_place(struct refusal *refusal, struct span location);

#endif
