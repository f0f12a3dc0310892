/* tls_context: what all TLS connections of one thread on one port share (WIRE section 1).
 *
 * TLS 1.3, or 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305; both sides show certificates that
 * chain to the configured CA; ALPN http/1.1; no renegotiation, no compression, no early data.
 *
 * Threads: a context and its sessions belong to one thread.  OpenSSL 3.0 takes locks on what is
 *          shared, so each loop opens its own and they have only the tickets' seed in common.
 * Resumption: a server's tickets are good for at most an hour after the full handshake, however
 *          often they were renewed, and only while the client's certificate is valid.  A client
 *          context remembers the newest session of its server and offers it by itself. */
#ifndef PROTO_TLS_TLS_CONTEXT_H
#define PROTO_TLS_TLS_CONTEXT_H

#include <stdint.h>

#include "proto/base/fault.h"

struct tls_context;

enum tls_role { TLS_SERVER, TLS_CLIENT };

/* From which the keys of tickets are derived, so that a client resumes on whichever loop it is
 * dealt to.  Drawn once per port by whoever opens its contexts (random_fill); a secret. */
struct tls_ticket_seed {
    uint8_t bytes[32];
    int64_t drawn_ns; /* wall clock: the first hour's keys belong to this instant */
};

struct tls_settings {
    enum tls_role role;
    const char *certificate_path; /* PEM: ours, then the intermediates if any */
    const char *key_path;         /* PEM, unencrypted */
    const char *ca_path;          /* PEM: one or more certificates that the peer must chain to */
    const struct tls_ticket_seed *ticket_seed; /* a server's; copied. A client needs none */
};

/* Draws a seed.  FAULT_CRYPTO: no entropy. */
MUST_CHECK enum fault tls_context_draw_seed(struct tls_ticket_seed *seed, int64_t now_ns);

/* On FAULT_NONE *out is the caller's until tls_context_close, which must come after tls_close of
 * its sessions.  FAULT_IO, FAULT_INVALID: a file is missing or not what it should be; *words is a
 * static text that says which.  FAULT_CRYPTO, FAULT_MEMORY: the library refused. */
MUST_CHECK enum fault tls_context_open(struct tls_context **out,
                                       const struct tls_settings *settings, const char **words);

/* Accepts NULL. */
void tls_context_close(struct tls_context *context);

#endif
