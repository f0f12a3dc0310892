/* tls_ticket: the keys under which a server seals its session tickets.
 *
 * The happy path is: at the end of a handshake libssl asks `use_key` to seal a ticket; when the
 * client comes back it asks `use_key` to open it, then `judge` whether to take it.
 * Possible failures: a ticket of an unknown key, of another hour, or judged too old.  None is an
 * error: the handshake goes on as a full one. */
#include "proto/tls/tls_ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/random.h"

#define HOUR_NS (3600 * TIME_NS_PER_SECOND)

static struct hash derive(const uint8_t secret[32], struct span label)
{
    struct span const parts[] = {span_of(secret, 32), label};
    return hash_parts(parts, 2);
}

static void derive_key(struct tls_ticket_key *key, const uint8_t secret[32])
{
    struct hash hash = derive(secret, SPAN("name"));
    memcpy(key->name, hash.bytes, sizeof key->name);
    hash = derive(secret, SPAN("cipher"));
    memcpy(key->cipher, hash.bytes, sizeof key->cipher);
    hash = derive(secret, SPAN("mac"));
    memcpy(key->mac, hash.bytes, sizeof key->mac);
    OPENSSL_cleanse(&hash, sizeof hash);
}

void tls_ticket_turn(struct tls_tickets *tickets, int64_t now_ns)
{
    while (tickets->hour < now_ns / HOUR_NS) {
        struct hash next = derive(tickets->secret, SPAN("next hour"));
        memcpy(tickets->secret, next.bytes, sizeof tickets->secret);
        OPENSSL_cleanse(&next, sizeof next);
        tickets->hour += 1;
        tickets->previous = tickets->current;
        derive_key(&tickets->current, tickets->secret);
    }
}

enum fault tls_ticket_open(struct tls_tickets *tickets, const struct tls_ticket_seed *seed)
{
    memset(tickets, 0, sizeof *tickets);
    tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (tickets->cipher == NULL) return FAULT_CRYPTO;
    memcpy(tickets->secret, seed->bytes, sizeof tickets->secret);
    tickets->hour = seed->drawn_ns / HOUR_NS;
    derive_key(&tickets->current, tickets->secret);
    tickets->previous = tickets->current;
    return FAULT_NONE;
}

/* libssl's protocol: 1 goes on, 2 goes on and sends a new ticket, 0 ignores the ticket, -1 breaks
 * the handshake. */
static int use_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int sealing)
{
    struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    /* libssl itself reads the system's clock for tickets and certificates; here it only chooses
     * the key. */
    tls_ticket_turn(tickets, time_wall_ns());

    struct tls_ticket_key *key = &tickets->current;
    int result = 1;
    if (sealing) {
        if (random_fill(iv, (size_t)EVP_CIPHER_get_iv_length(tickets->cipher)) != FAULT_NONE) {
            return -1;
        }
        memcpy(name, key->name, sizeof key->name);
    } else if (memcmp(name, key->name, sizeof key->name) != 0) {
        key = &tickets->previous;
        if (memcmp(name, key->name, sizeof key->name) != 0) return 0;
        result = 2;
    }

    char digest[] = "SHA256";
    OSSL_PARAM const parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
    if (EVP_CipherInit_ex2(cipher, tickets->cipher, key->cipher, iv, sealing, NULL) != 1) return -1;
    return result;
}

/* Stamps a session with the time of its full handshake; a renewed ticket keeps the first stamp. */
static int stamp(SSL *ssl, void *context)
{
    (void)context;
    SSL_SESSION *session = SSL_get_session(ssl);
    void *data = NULL;
    size_t size = 0;
    if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) == 1 && size == sizeof(int64_t)) {
        return 1;
    }
    int64_t const now_ns = time_wall_ns();
    return SSL_SESSION_set1_ticket_appdata(session, &now_ns, sizeof now_ns);
}

static bool is_fresh(SSL_SESSION *session)
{
    void *data = NULL;
    size_t size = 0;
    int64_t stamped_ns = 0;
    if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size != sizeof stamped_ns) {
        return false;
    }
    memcpy(&stamped_ns, data, sizeof stamped_ns);
    int64_t const age_ns = time_wall_ns() - stamped_ns;
    /* Below zero the clock was set back, and nothing can be said about the age. */
    if (age_ns < 0 || age_ns > LIMIT_TLS_TICKET_SECONDS * TIME_NS_PER_SECOND) return false;

    X509 *peer = SSL_SESSION_get0_peer(session);
    return peer != NULL && X509_cmp_current_time(X509_get0_notAfter(peer)) > 0;
}

static SSL_TICKET_RETURN judge(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                               size_t name_size, SSL_TICKET_STATUS status, void *context)
{
    (void)ssl, (void)name, (void)name_size, (void)context;
    switch (status) {
    case SSL_TICKET_SUCCESS:
    case SSL_TICKET_SUCCESS_RENEW:
        /* Always a new one: clients of TLS 1.3 use a ticket once (RFC 8446, C.4). */
        return is_fresh(session) ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_IGNORE_RENEW;
    case SSL_TICKET_EMPTY: /* the client takes tickets and has none */
    case SSL_TICKET_NO_DECRYPT: /* not ours, or too old */ return SSL_TICKET_RETURN_IGNORE_RENEW;
    default: break; /* numbers, not an enum: what is left are errors of the library */
    }
    return SSL_TICKET_RETURN_IGNORE;
}

enum fault tls_ticket_serve(SSL_CTX *context, struct tls_tickets *tickets)
{
    SSL_CTX_set_app_data(context, tickets);
    SSL_CTX_set_timeout(context, LIMIT_TLS_TICKET_SECONDS);
    if (SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key) != 1 ||
        SSL_CTX_set_session_ticket_cb(context, stamp, judge, NULL) != 1) {
        return FAULT_CRYPTO;
    }
    return FAULT_NONE;
}

void tls_ticket_close(struct tls_tickets *tickets)
{
    EVP_CIPHER_free(tickets->cipher);
    OPENSSL_cleanse(tickets, sizeof *tickets);
}
