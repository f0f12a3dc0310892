/* pem: small files with keys and certificates, read whole.  For this folder. */
#ifndef PROTO_CRYPTO_PEM_H
#define PROTO_CRYPTO_PEM_H

#include "proto/base/fault.h"
#include "proto/base/span.h"

/* Reads the file at `path`.  On FAULT_NONE out->bytes is the caller's, for pem_free.
 * FAULT_IO: it cannot be read, or is larger than LIMIT_PEM_BYTES; *words says which. */
MUST_CHECK enum fault pem_read(struct span *out, const char *path, const char **words);

/* Overwrites the bytes, which may be a private key, and frees them. Accepts an empty span. */
void pem_free(struct span bytes);

#endif
