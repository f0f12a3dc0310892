/* tls_ticket: the keys under which a server seals its session tickets (RFC 5077, RFC 8446 4.6.1).
 *
 *     seed --hash--> hour 0 --hash--> hour 1 --hash--> hour 2 ...
 *
 * Contexts that start from the same seed hold the same key in the same hour, so a client resumes on
 * any loop without a lock between them.  An hour's secret is forgotten two hours later and cannot
 * be computed from a later one: whoever reads the memory of today cannot open the tickets, and with
 * them the TLS 1.2 sessions, of yesterday.
 *
 * Threads: each context has its own; for this folder. */
#ifndef PROTO_TLS_TLS_TICKET_H
#define PROTO_TLS_TLS_TICKET_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/tls/tls_context.h"

#define TLS_TICKET_NAME_BYTES 16 /* as libssl has it */
#define TLS_TICKET_KEY_BYTES 32

struct tls_ticket_key {
    uint8_t name[TLS_TICKET_NAME_BYTES]; /* public, at the front of a ticket */
    uint8_t cipher[TLS_TICKET_KEY_BYTES];
    uint8_t mac[TLS_TICKET_KEY_BYTES];
};

struct tls_tickets {
    uint8_t secret[32]; /* of `hour` */
    int64_t hour;       /* since 1970 */
    struct tls_ticket_key current;
    struct tls_ticket_key previous; /* the hour before, still opened, no longer used to seal */
    EVP_CIPHER *cipher;
};

/* FAULT_CRYPTO: the library has no AES.  On FAULT_NONE *tickets is for tls_ticket_close. */
MUST_CHECK enum fault tls_ticket_open(struct tls_tickets *tickets,
                                      const struct tls_ticket_seed *seed);

/* Makes `context` seal and open tickets with these keys, and look at what it opened: a session
 * more than LIMIT_TLS_TICKET_SECONDS after its full handshake, or whose client's certificate has
 * expired meanwhile, is not resumed.  `tickets` must outlive the context. */
MUST_CHECK enum fault tls_ticket_serve(SSL_CTX *context, struct tls_tickets *tickets);

/* Goes to the hour of `now_ns`, never back; the callbacks do it by themselves. */
void tls_ticket_turn(struct tls_tickets *tickets, int64_t now_ns);

/* Accepts tickets of zeros; overwrites the secrets. */
void tls_ticket_close(struct tls_tickets *tickets);

#endif
