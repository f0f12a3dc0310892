/* base64: bytes as base64 text (RFC 4648, section 4), as xs:base64Binary has it.
 *
 * Allocates nothing; any thread. */
#ifndef PROTO_CRYPTO_BASE64_H
#define PROTO_CRYPTO_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

/* Characters of the text of `size` bytes, padding included, no zero. */
#define BASE64_TEXT_SIZE(size) (((size) + 2) / 3 * 4)

/* Writes BASE64_TEXT_SIZE(bytes.size) characters without white space and no zero; returns how
 * many.  Assumed: `text` has room for them. */
size_t base64_encode(struct span bytes, char *text);

/* Reads text in which space, tab, CR and LF may stand anywhere (WIRE section 3: JDK 17 writes
 * "&#13;" into signatures).  All else is strict: whole groups of four, padding where it belongs,
 * unused bits zero.  Writes at most `bytes_max` bytes; *size is written only on FAULT_NONE.
 * FAULT_INVALID: not base64.  FAULT_FULL: more than `bytes_max` bytes. */
MUST_CHECK enum fault base64_decode(struct span text, uint8_t *bytes, size_t bytes_max,
                                    size_t *size);

#endif
