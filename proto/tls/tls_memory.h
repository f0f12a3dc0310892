/* tls_memory: the two ends of a connection's wire, as libssl reads and writes them.
 *
 *     the caller's span --input--> libssl --output--> bytes[start, end) --> the caller
 *
 * Input is read where the caller has it, for as long as one tls_read lasts: libssl copies what it
 * takes into its record buffer, and that is the only copy.  Output gathers in one piece of memory
 * that never moves what has not been sent. For this folder. */
#ifndef PROTO_TLS_TLS_MEMORY_H
#define PROTO_TLS_TLS_MEMORY_H

#include <openssl/bio.h>

#include "proto/base/span.h"

/* Ciphertext that waits to be sent: one record of the largest size (16 KiB and 256 bytes) while
 * another is on its way to the kernel. */
#define TLS_MEMORY_OUTPUT_BYTES (33 * 1024)

struct tls_memory {
    struct span input; /* empty outside tls_read */
    size_t start;      /* <= end; both 0 when everything has been sent */
    size_t end;        /* <= TLS_MEMORY_OUTPUT_BYTES */
    char output[TLS_MEMORY_OUTPUT_BYTES];
};

/* How libssl is told to use a struct tls_memory; NULL when it refuses.  For BIO_meth_free. */
BIO_METHOD *tls_memory_method(void);

/* A BIO of that method over `memory`, which must outlive it; NULL when there is no memory. */
BIO *tls_memory_bio(const BIO_METHOD *method, struct tls_memory *memory);

/* Bytes that the output still has room for. */
size_t tls_memory_room(const struct tls_memory *memory);

#endif
