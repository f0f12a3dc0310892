/* random: unpredictable bytes from the cryptographic library's generator, for ids, seeds, salts. */
#ifndef PROTO_CRYPTO_RANDOM_H
#define PROTO_CRYPTO_RANDOM_H

#include <stddef.h>

#include "proto/base/fault.h"

/* Fills `size` bytes.  Any thread.  FAULT_CRYPTO: the generator has no entropy; nothing in `bytes`
 * may be used. */
MUST_CHECK enum fault random_fill(void *bytes, size_t size);

#endif
