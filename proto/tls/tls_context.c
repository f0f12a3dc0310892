/* tls_context: the rules of WIRE section 1 told to libssl, once per thread and port. */
#include "proto/tls/tls_context.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto/random.h"
#include "proto/tls/tls_context_internal.h"
#include "proto/tls/tls_memory.h"

/* WIRE section 1: "TLS 1.3, or 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305". AES-128 comes
 * first: it is the fastest here, and 0xC02F is what PIX's banks are built for. */
static const char ciphers_of_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                     "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                     "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_of_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

static const unsigned char http_1_1[] = "\x08http/1.1"; /* RFC 7301 wire form, zero aside */
#define HTTP_1_1_BYTES (sizeof http_1_1 - 1)

/* Sessions are bound to what they were made for; ports are told apart by their tickets' seeds. */
static const unsigned char session_context[] = "cauce";

enum fault tls_context_draw_seed(struct tls_ticket_seed *seed, int64_t now_ns)
{
    seed->drawn_ns = now_ns;
    return random_fill(seed->bytes, sizeof seed->bytes);
}

/* WIRE section 1: "ALPN offers http/1.1 only". A client that offers others but not this one gets
 * the alert no_application_protocol; one that offers nothing speaks HTTP/1.1. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
                           const unsigned char *offered, unsigned int offered_size, void *context)
{
    (void)ssl, (void)context;
    unsigned char *found = NULL;
    if (SSL_select_next_proto(&found, chosen_size, http_1_1, HTTP_1_1_BYTES, offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/* Stands where the library would ask the terminal for a password. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static enum fault set_rules(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Partial writes and moving buffers: tls_write hands over what has room, from spans that move.
     * RELEASE_BUFFERS: a connection that waits, as polls do nearly always, then holds some 26 KiB
     * of libssl's instead of 50; taking the buffers back for a record costs two malloc, 0.1 us
     * beside 1.5 for the record.
     * NO_AUTO_CHAIN: we show the certificates of our file, not what libssl finds in the CA's. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_max_cert_list(context, LIMIT_TLS_CHAIN_BYTES);
    SSL_CTX_set_verify_depth(context, LIMIT_TLS_CHAIN_DEPTH);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    /* The configured certificate is the anchor, also when it is not self-signed. */
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, ciphers_of_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(context, ciphers_of_1_3) != 1 ||
        SSL_CTX_set1_groups_list(context, groups) != 1) {
        return FAULT_CRYPTO;
    }
    return FAULT_NONE;
}

static enum fault load_files(SSL_CTX *context, const struct tls_settings *settings,
                             const char **words)
{
    if (SSL_CTX_use_certificate_chain_file(context, settings->certificate_path) != 1) {
        *words = "the certificate's file is missing, or no PEM certificate is in it";
        return FAULT_INVALID;
    }
    if (SSL_CTX_use_PrivateKey_file(context, settings->key_path, SSL_FILETYPE_PEM) != 1) {
        *words = "the key's file is missing, or no unencrypted PEM key of the certificate is in it";
        return FAULT_INVALID;
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        *words = "the key is not the certificate's";
        return FAULT_INVALID;
    }
    if (SSL_CTX_load_verify_file(context, settings->ca_path) != 1) {
        *words = "the CA's file is missing, or no PEM certificate is in it";
        return FAULT_INVALID;
    }
    return FAULT_NONE;
}

static enum fault set_server(struct tls_context *tls, const struct tls_settings *settings)
{
    SSL_CTX *context = tls->ssl_context;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(settings->ca_path);
    if (names == NULL) return FAULT_CRYPTO;
    SSL_CTX_set_client_CA_list(context, names); /* now the context's; browsers choose by it */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets only */
    if (SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1) != 1) {
        return FAULT_CRYPTO;
    }
    enum fault const fault = tls_ticket_open(&tls->tickets, settings->ticket_seed);
    if (fault != FAULT_NONE) return fault;
    return tls_ticket_serve(context, &tls->tickets);
}

/* Keeps the newest session, with the name of the server that tls.c left in the connection. */
static int remember_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *server_name = SSL_get_app_data(ssl);
    SSL_SESSION_free(context->session);
    context->session = session;
    (void)snprintf(context->session_server, sizeof context->session_server, "%s", server_name);
    return 1; /* the session is ours now */
}

static enum fault set_client(struct tls_context *tls)
{
    SSL_CTX *context = tls->ssl_context;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, remember_session);
    SSL_CTX_set_app_data(context, tls);
    /* Unlike its neighbours this one returns 0 for success. */
    return SSL_CTX_set_alpn_protos(context, http_1_1, HTTP_1_1_BYTES) == 0 ? FAULT_NONE
                                                                           : FAULT_CRYPTO;
}

enum fault tls_context_open(struct tls_context **out, const struct tls_settings *settings,
                            const char **words)
{
    assert(settings->role == TLS_CLIENT || settings->ticket_seed != NULL);
    *words = "the TLS library refused";
    struct tls_context *tls = calloc(1, sizeof *tls);
    if (tls == NULL) return FAULT_MEMORY;
    tls->role = settings->role;

    enum fault fault = FAULT_CRYPTO;
    tls->memory = tls_memory_method();
    if (tls->memory == NULL) goto failed;
    switch (settings->role) {
    case TLS_SERVER: tls->ssl_context = SSL_CTX_new(TLS_server_method()); break;
    case TLS_CLIENT: tls->ssl_context = SSL_CTX_new(TLS_client_method()); break;
    }
    if (tls->ssl_context == NULL) goto failed;
    fault = set_rules(tls->ssl_context);
    if (fault != FAULT_NONE) goto failed;
    fault = load_files(tls->ssl_context, settings, words);
    if (fault != FAULT_NONE) goto failed;
    switch (settings->role) {
    case TLS_SERVER: fault = set_server(tls, settings); break;
    case TLS_CLIENT: fault = set_client(tls); break;
    }
    if (fault != FAULT_NONE) goto failed;
    *out = tls;
    return FAULT_NONE;

failed:
    ERR_clear_error();
    tls_context_close(tls);
    return fault;
}

void tls_context_close(struct tls_context *context)
{
    if (context == NULL) return;
    SSL_SESSION_free(context->session);
    SSL_CTX_free(context->ssl_context);
    BIO_meth_free(context->memory);
    tls_ticket_close(&context->tickets);
    free(context);
}
