/* certificate: an X.509 certificate as the switch needs it: its fingerprint, names, times and key.
 *
 * A certificate is immutable; any thread may read it.  It says nothing about trust: what makes it
 * good for the channel is the CA (proto/tls), what makes it good for signing is its registration.
 * Words: see key.h. */
#ifndef PROTO_CRYPTO_CERTIFICATE_H
#define PROTO_CRYPTO_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"

struct certificate;

/* Reads one certificate, PEM (the first of the text) or DER (nothing behind it).
 * On FAULT_NONE *out is the caller's until certificate_close.  FAULT_INVALID: not a certificate. */
MUST_CHECK enum fault certificate_parse(struct certificate **out, struct span bytes,
                                        const char **words);

/* The same from a file.  FAULT_IO: it cannot be read, or is larger than LIMIT_PEM_BYTES. */
MUST_CHECK enum fault certificate_load(struct certificate **out, const char *path,
                                       const char **words);

/* Accepts NULL. */
void certificate_close(struct certificate *certificate);

/* SHA-256 of the DER: what WIRE section 1 calls the certificate's SHA-256. */
const struct hash *certificate_fingerprint(const struct certificate *certificate);

/* What it gives here is good until certificate_close. */
struct span certificate_der(const struct certificate *certificate);
struct span certificate_subject(const struct certificate *certificate); /* RFC 2253 text */
struct span certificate_issuer(const struct certificate *certificate);  /* RFC 2253 text */
struct span certificate_serial(const struct certificate *certificate);  /* decimal */

/* The SubjectKeyIdentifier's bytes; empty when there is none. */
struct span certificate_key_id(const struct certificate *certificate);

/* Validity, both ends included; times after 2262 read as INT64_MAX. */
int64_t certificate_not_before_ns(const struct certificate *certificate);
int64_t certificate_not_after_ns(const struct certificate *certificate);

/* NULL when the key is none that WIRE section 3 admits for signatures; such a certificate can
 * still be a channel's. */
const struct public_key *certificate_key(const struct certificate *certificate);

/* True when `key` is the private half of this certificate's key. */
MUST_CHECK bool certificate_fits(const struct certificate *certificate,
                                 const struct private_key *key);

/* Whether a name from outside (ds:X509SubjectName, ds:X509IssuerName) is this certificate's: RFC
 * 2253 text, spaces around separators aside.  Other spellings of the same name are not recognised,
 * which costs a caller who tries all certificates then only time. */
bool certificate_has_subject(const struct certificate *certificate, struct span text);
bool certificate_has_issuer(const struct certificate *certificate, struct span text);

/* Whether `text` is the serial number in decimal, white space around it, a plus sign and leading
 * zeros aside. */
bool certificate_has_serial(const struct certificate *certificate, struct span text);

/* Writes PEM with a zero behind it.  FAULT_FULL: it does not fit `text_max` bytes. */
MUST_CHECK enum fault certificate_print(const struct certificate *certificate, char *text,
                                        size_t text_max);

#endif
