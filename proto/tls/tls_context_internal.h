/* tls_context_internal: what tls.c knows of its context and the rest of the house does not. */
#ifndef PROTO_TLS_TLS_CONTEXT_INTERNAL_H
#define PROTO_TLS_TLS_CONTEXT_INTERNAL_H

#include <openssl/ssl.h>

#include "proto/base/limits.h"
#include "proto/tls/tls_context.h"
#include "proto/tls/tls_ticket.h"

struct tls_context {
    enum tls_role role;
    SSL_CTX *ssl_context;
    BIO_METHOD *memory;         /* how connections read and write */
    struct tls_tickets tickets; /* server's */

    /* A client's newest session and the server that it is with; NULL before the first. */
    SSL_SESSION *session;
    char session_server[LIMIT_HOST_BYTES + 1];
};

#endif
