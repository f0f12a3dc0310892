/* fields: the header fields of one head, read strictly as they come in (RFC 9112, 5).
 *
 * Used for the head of a request and of a response, for the trailer of a chunked body and for the
 * head of a part.  The bytes stay with the caller; a struct fields keeps only where each name and
 * value lies.  What WIRE section 1 calls malformed is refused at the very byte that shows it: bare
 * CR or LF, a folded line, space before the colon, control characters, a name that is no token.
 * So the verdict is the same however the bytes were cut into pieces.  Only the head of a part may
 * have folded lines, where MIME has them (RFC 5322, 2.2.3); their CRLF then stands in the value.
 * One thread at a time. */
#ifndef PROTO_HTTP_FIELDS_H
#define PROTO_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/limits.h"
#include "proto/base/span.h"

/* Offsets from fields->base; all below LIMIT_HEAD_BYTES. */
struct field {
    uint16_t name_at;
    uint16_t name_size;
    uint16_t value_at; /* white space around the value left out */
    uint16_t value_size;
};

enum fields_verdict {
    FIELDS_MORE,     /* all bytes were taken, the blank line has not come yet */
    FIELDS_COMPLETE, /* the blank line was read; what lies behind it was not taken */
    FIELDS_BROKEN,   /* malformed; fields->words says how */
    FIELDS_TOO_LARGE /* more than LIMIT_HEAD_BYTES bytes or LIMIT_HEADERS fields */
};

struct fields {
    const char *base; /* where offset 0 lies; must hold all bytes taken when a field is looked up */
    uint16_t size;    /* offset behind the last byte taken, <= LIMIT_HEAD_BYTES */
    uint16_t count;   /* complete fields in list */
    uint8_t state;    /* fields.c */
    bool may_fold;    /* a line that begins with white space goes on with the value above it; false
                         until the caller, behind fields_begin, says so */
    const char *words; /* static; after FIELDS_BROKEN and FIELDS_TOO_LARGE */
    struct field list[LIMIT_HEADERS];
};

/* Starts a block whose first byte lies at base + at, behind a start line or at 0.
 * Assumed at <= LIMIT_HEAD_BYTES. */
void fields_begin(struct fields *fields, const char *base, size_t at);

/* Takes bytes up to and with the blank line; *taken says how many.  The caller must have put them
 * at base + size (the old size), or put them there before the next look-up.
 * Not to be called again after a verdict other than FIELDS_MORE. */
enum fields_verdict fields_scan(struct fields *fields, struct span bytes, size_t *taken);

/* The value of the first field of this name at *cursor or behind it; *cursor moves behind it, so
 * that repeated calls from 0 give all of them.  Names are compared without case.
 * False, and *value empty, when there is none (an empty value is found, with size 0). */
bool fields_next(const struct fields *fields, struct span name, size_t *cursor, struct span *value);

/* The first value of this name; false as above. */
bool fields_find(const struct fields *fields, struct span name, struct span *value);

/* Whether the comma-separated lists of all fields of this name hold this token, without case. */
bool fields_list_holds(const struct fields *fields, struct span name, struct span token);

/* Whether two names or tokens are equal, ASCII case aside. */
bool fields_same(struct span a, struct span b);

/* Whether a byte may stand in a token (RFC 9110, 5.6.2). */
bool fields_is_token_byte(char byte);

#endif
