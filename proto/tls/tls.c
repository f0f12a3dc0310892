/* tls: one TLS connection over memory.
 *
 * The happy path is: tls_read drives the handshake, which leaves flights in the output; once it is
 * over the peer's certificate is noted; then records are opened and sealed until close_notify.
 * Possible failures: a handshake that breaks WIRE section 1, a record that was tampered with, an
 * alert from the peer.  All end in `failed`, which is never left; the alert that tells the peer is
 * in the output.
 *
 * libssl keeps a queue of errors per thread and reads it to explain a result: it must be empty
 * before each call, and nothing is left in it afterwards. */
#include "proto/tls/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "proto/tls/tls_context_internal.h"
#include "proto/tls/tls_memory.h"

#define RECORD_PLAIN_BYTES (16 * 1024) /* RFC 8446, 5.1 */

/* Room left for what libssl adds: a record's head and seal, a key update before it, an alert. */
#define RECORD_EXTRA_BYTES 256

struct tls {
    SSL *ssl;
    const char *words;    /* static; "" while nothing has failed */
    size_t unfinished;    /* plain bytes of a record that has been sealed but not wholly written */
    bool failed;          /* set once, never cleared */
    bool established;     /* set once */
    bool ending;          /* tls_end was called */
    unsigned key_updates; /* that the peer has sent */
    struct hash peer;     /* once established */
    char server_name[LIMIT_HOST_BYTES + 1]; /* a client's */
    struct tls_memory memory;
};

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* Whose certificate the client wants to see. */
static bool expect_server(SSL *ssl, const char *name)
{
    if (is_address(name)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static const char *library_words(const SSL *ssl)
{
    long const verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason != NULL ? reason : "the connection broke";
}

static enum tls_result fail(struct tls *tls, const char *words)
{
    tls->failed = true;
    tls->words = words;
    ERR_clear_error();
    return TLS_FAILED;
}

/* Notes the peer's certificate when the handshake has just ended.  False: the library has none,
 * which a context that demands one does not let happen, or cannot write it. */
static bool establish(struct tls *tls)
{
    if (tls->established || !SSL_is_init_finished(tls->ssl)) return true;
    X509 *peer = SSL_get0_peer_certificate(tls->ssl);
    if (peer == NULL) return false;
    unsigned char *der = NULL;
    int const size = i2d_X509(peer, &der);
    if (size <= 0) return false;
    tls->peer = hash_of(span_of(der, (size_t)size));
    OPENSSL_free(der);
    tls->established = true;
    return true;
}

/* What a call that did not move bytes means. */
static enum tls_result explain(struct tls *tls, int returned)
{
    switch (SSL_get_error(tls->ssl, returned)) {
    case SSL_ERROR_WANT_READ: return TLS_NEEDS_INPUT;
    case SSL_ERROR_WANT_WRITE: return TLS_NEEDS_FLUSH;
    case SSL_ERROR_ZERO_RETURN: return TLS_ENDED;
    default: return fail(tls, library_words(tls->ssl)); /* numbers, not an enum: all fatal */
    }
}

/* libssl shows every message here.  A peer that changes its keys again and again makes us derive keys,
 * 8 us for 27 bytes, and libssl reads on until the input is used up: so it is. */
static void count_key_updates(int is_ours, int version, int kind, const void *bytes, size_t size,
                              SSL *ssl, void *context)
{
    (void)version, (void)ssl;
    struct tls *tls = context;
    if (is_ours || kind != SSL3_RT_HANDSHAKE || size == 0) return;
    if (*(const unsigned char *)bytes != SSL3_MT_KEY_UPDATE) return;
    tls->key_updates += 1;
    if (tls->key_updates > LIMIT_TLS_KEY_UPDATES) tls->memory.input = span_of(NULL, 0);
}

enum fault tls_open(struct tls **out, struct tls_context *context, const char *server_name)
{
    assert((server_name != NULL) == (context->role == TLS_CLIENT));
    if (server_name != NULL && strlen(server_name) > LIMIT_HOST_BYTES) return FAULT_INVALID;
    /* Not cleared as a whole: 33 KiB of output need not be touched before they are used. */
    struct tls *tls = malloc(sizeof *tls);
    if (tls == NULL) return FAULT_MEMORY;
    tls->words = "";
    tls->unfinished = 0;
    tls->failed = tls->established = tls->ending = false;
    tls->key_updates = 0;
    tls->server_name[0] = '\0';
    tls->memory.input = span_of(NULL, 0);
    tls->memory.start = tls->memory.end = 0;

    ERR_clear_error();
    tls->ssl = SSL_new(context->ssl_context);
    if (tls->ssl == NULL) goto failed;
    BIO *bio = tls_memory_bio(context->memory, &tls->memory);
    if (bio == NULL) goto failed;
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_msg_callback(tls->ssl, count_key_updates);
    SSL_set_msg_callback_arg(tls->ssl, tls);

    switch (context->role) {
    case TLS_SERVER: SSL_set_accept_state(tls->ssl); break;
    case TLS_CLIENT:
        SSL_set_connect_state(tls->ssl);
        memcpy(tls->server_name, server_name, strlen(server_name) + 1);
        SSL_set_app_data(tls->ssl, tls->server_name);
        if (!expect_server(tls->ssl, server_name)) goto failed;
        if (context->session != NULL && strcmp(context->session_server, server_name) == 0) {
            (void)SSL_set_session(tls->ssl, context->session); /* else a full handshake */
        }
        (void)SSL_do_handshake(tls->ssl); /* writes the first flight, then wants input */
        break;
    }
    ERR_clear_error();
    *out = tls;
    return FAULT_NONE;

failed:
    ERR_clear_error();
    tls_close(tls);
    return FAULT_MEMORY;
}

enum tls_result tls_read(struct tls *tls, struct span *input, char *plain, size_t plain_max,
                         size_t *size)
{
    *size = 0;
    if (tls->failed) return TLS_FAILED;

    ERR_clear_error();
    tls->memory.input = *input;
    int const returned = SSL_read_ex(tls->ssl, plain, plain_max, size);
    *input = tls->memory.input;
    tls->memory.input = span_of(NULL, 0);
    if (tls->key_updates > LIMIT_TLS_KEY_UPDATES) {
        *size = 0;
        return fail(tls, "too many changes of keys");
    }

    enum tls_result const result = returned == 1 ? TLS_READY : explain(tls, returned);
    if (result != TLS_FAILED && !establish(tls)) {
        *size = 0;
        return fail(tls, "the peer's certificate cannot be had");
    }
    return result;
}

enum tls_result tls_write(struct tls *tls, struct span *plain)
{
    if (tls->failed || tls->ending) return TLS_FAILED;
    if (!tls->established) return TLS_NEEDS_INPUT;

    while (plain->size > 0) {
        size_t count = tls->unfinished;
        if (count == 0) {
            size_t const room = tls_memory_room(&tls->memory);
            if (room <= RECORD_EXTRA_BYTES) return TLS_NEEDS_FLUSH;
            count = room - RECORD_EXTRA_BYTES;
            if (count > RECORD_PLAIN_BYTES) count = RECORD_PLAIN_BYTES;
            if (count > plain->size) count = plain->size;
        }
        size_t written = 0;
        ERR_clear_error();
        int const returned = SSL_write_ex(tls->ssl, plain->bytes, count, &written);
        if (returned != 1) {
            /* The library holds the sealed record and wants to be asked for the same again. */
            tls->unfinished = count;
            return explain(tls, returned);
        }
        tls->unfinished = 0;
        *plain = span_after(*plain, written);
    }
    return TLS_READY;
}

struct span tls_output(const struct tls *tls)
{
    return span_of(tls->memory.output + tls->memory.start, tls->memory.end - tls->memory.start);
}

void tls_sent(struct tls *tls, size_t count)
{
    struct tls_memory *memory = &tls->memory;
    assert(count <= memory->end - memory->start);
    memory->start += count;
    if (memory->start == memory->end) memory->start = memory->end = 0;
}

void tls_end(struct tls *tls)
{
    if (tls->failed || tls->ending || !tls->established) return;
    tls->ending = true;
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl); /* 0: sent; below 0: the output is full, the peer will see EOF */
    ERR_clear_error();
}

bool tls_is_established(const struct tls *tls)
{
    return tls->established;
}

bool tls_is_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

const struct hash *tls_peer_fingerprint(const struct tls *tls)
{
    return tls->established ? &tls->peer : NULL;
}

const char *tls_words(const struct tls *tls)
{
    return tls->words;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL) return;
    /* libssl calls a session that ends without close_notify not resumable, which RFC 5246 7.2.1
     * no longer asks for: a client that lost its connection is the one that wants to be back soon. */
    if (tls->ssl != NULL && !tls->failed) {
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(tls->ssl);
    free(tls);
}
