/* hex: bytes as hexadecimal digits, lower case both ways (WIRE section 7). */
#ifndef PROTO_CRYPTO_HEX_H
#define PROTO_CRYPTO_HEX_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

/* Writes 2 * bytes.size lower-case digits and a zero.  Assumed: `text` has room for them. */
void hex_print(struct span bytes, char *text);

/* Reads an even number of lower-case digits into text.size / 2 bytes; false, with `bytes` in any
 * state, when `text` is anything else.  Assumed: `bytes` has room for them. */
MUST_CHECK bool hex_parse(struct span text, uint8_t *bytes);

#endif
