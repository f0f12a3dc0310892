/* gzip: a body sent with `Content-Encoding: gzip`, decompressed within a bound.
 *
 * Exactly one member with nothing behind it (WIRE section 1).  All memory is taken in gzip_open;
 * a use allocates nothing.  One struct per thread. */
#ifndef PROTO_HTTP_GZIP_H
#define PROTO_HTTP_GZIP_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

struct gzip;

enum gzip_verdict {
    GZIP_GOOD,
    GZIP_TOO_LARGE, /* 413: it would not fit the buffer */
    GZIP_BROKEN     /* 400: not gzip, cut off, a wrong check sum, something behind the member, or in
                       more blocks than LIMIT_GZIP_WORK allows */
};

/* On FAULT_NONE, *out is the caller's until gzip_close. FAULT_MEMORY: no memory. */
MUST_CHECK enum fault gzip_open(struct gzip **out);

/* Decompresses `compressed` into `plain`; *plain_size is good with GZIP_GOOD only. */
MUST_CHECK enum gzip_verdict gzip_inflate(struct gzip *gzip, struct span compressed, char *plain,
                                          size_t plain_max, size_t *plain_size);

/* Accepts NULL. */
void gzip_close(struct gzip *gzip);

#endif
