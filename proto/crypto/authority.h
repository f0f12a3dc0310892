/* authority: a small certificate authority, for development environments and tests.
 *
 * Its key is made in memory, used and forgotten: nothing writes it.  A central bank in production
 * uses its own PKI; the switch only needs that one's CA certificate. */
#ifndef PROTO_CRYPTO_AUTHORITY_H
#define PROTO_CRYPTO_AUTHORITY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"

#define AUTHORITY_NAME_BYTES_MAX 64 /* X.520's bound of a common name */

struct authority;

/* What a certificate is for: its keyUsage and extendedKeyUsage. */
enum authority_purpose {
    AUTHORITY_CLIENT, /* TLS client: a participant's channel, an operator */
    AUTHORITY_SERVER, /* TLS server; names localhost, 127.0.0.1 and ::1 */
    AUTHORITY_SIGNING /* signs messages: digitalSignature and nonRepudiation, no TLS */
};

/* Makes a P-256 key and a self-signed certificate for it, valid between the two instants (whole
 * seconds).  `name` becomes the common name, at most AUTHORITY_NAME_BYTES_MAX bytes of UTF-8.
 * On FAULT_NONE *out is the caller's until authority_close.
 * FAULT_INVALID: the name or the times are out of range.  FAULT_CRYPTO: the library refused. */
MUST_CHECK enum fault authority_open(struct authority **out, const char *name,
                                     int64_t not_before_ns, int64_t not_after_ns);

/* The self-signed certificate; the authority's own, until authority_close. */
const struct certificate *authority_certificate(const struct authority *authority);

/* Issues a certificate for `key`, with a random serial number, subject and authority key
 * identifiers.  On FAULT_NONE *out is the caller's until certificate_close. */
MUST_CHECK enum fault authority_issue(const struct authority *authority,
                                      enum authority_purpose purpose, const char *name,
                                      const struct private_key *key, int64_t not_before_ns,
                                      int64_t not_after_ns, struct certificate **out);

/* Writes a PKCS#12 file for a browser: the key, its certificate and the authority's, under
 * `password`.  FAULT_FULL: it does not fit `bytes_max`. */
MUST_CHECK enum fault authority_bundle(const struct authority *authority,
                                       const struct certificate *certificate,
                                       const struct private_key *key, const char *password,
                                       uint8_t *bytes, size_t bytes_max, size_t *size);

/* Accepts NULL. */
void authority_close(struct authority *authority);

#endif
