/* hash: SHA-256 over OpenSSL's EVP interface, arranged so that a hash locks nothing.
 *
 * OpenSSL 3.0 looks an algorithm up under a lock whenever it is named implicitly.  Here each
 * context is initialised once with a fetched algorithm and from then on restarted without naming
 * it.  OpenSSL 3.0 still takes new memory for its state at each restart: 112 bytes that the thread
 * has just given back, about a tenth of a hash of 200 bytes. */
#include "proto/crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "proto/base/log.h"
#include "proto/crypto/hex.h"

struct hasher {
    EVP_MD_CTX *context; /* always initialised with SHA-256 */
};

static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static _Thread_local struct hasher *thread_hasher; /* closed by thread_key's destructor */

static void close_thread_hasher(void *hasher)
{
    thread_hasher = NULL;
    hash_close(hasher);
}

static void make_thread_key(void)
{
    if (pthread_key_create(&thread_key, close_thread_hasher) != 0) abort();
}

static struct hasher *hasher_of_thread(void)
{
    if (thread_hasher != NULL) return thread_hasher;

    struct hasher *hasher = NULL;
    (void)pthread_once(&thread_key_once, make_thread_key);
    if (hash_open(&hasher) != FAULT_NONE || pthread_setspecific(thread_key, hasher) != 0) {
        LOG(LOG_FATAL, "hash", "SHA-256 cannot be had from the cryptographic library");
        abort();
    }
    thread_hasher = hasher;
    return hasher;
}

static void require(int library_result)
{
    if (library_result == 1) return;
    LOG(LOG_FATAL, "hash", "the cryptographic library refused to compute SHA-256");
    abort();
}

enum fault hash_open(struct hasher **out)
{
    struct hasher *hasher = calloc(1, sizeof *hasher);
    if (hasher == NULL) return FAULT_MEMORY;

    enum fault fault = FAULT_CRYPTO;
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256 == NULL) goto failed;
    hasher->context = EVP_MD_CTX_new();
    if (hasher->context == NULL) {
        fault = FAULT_MEMORY;
        goto failed;
    }
    if (EVP_DigestInit_ex2(hasher->context, sha256, NULL) != 1) goto failed;
    EVP_MD_free(sha256); /* the context holds its own reference */
    *out = hasher;
    return FAULT_NONE;

failed:
    EVP_MD_free(sha256);
    hash_close(hasher);
    return fault;
}

void hash_begin(struct hasher *hasher)
{
    require(EVP_DigestInit_ex2(hasher->context, NULL, NULL));
}

void hash_add(struct hasher *hasher, struct span bytes)
{
    require(EVP_DigestUpdate(hasher->context, bytes.bytes, bytes.size));
}

struct hash hash_end(struct hasher *hasher)
{
    struct hash hash;
    require(EVP_DigestFinal_ex(hasher->context, hash.bytes, NULL));
    return hash;
}

void hash_close(struct hasher *hasher)
{
    if (hasher == NULL) return;
    EVP_MD_CTX_free(hasher->context);
    free(hasher);
}

struct hash hash_of(struct span bytes)
{
    return hash_parts(&bytes, 1);
}

struct hash hash_parts(const struct span *parts, size_t count)
{
    struct hasher *hasher = hasher_of_thread();
    hash_begin(hasher);
    for (size_t i = 0; i < count; i++) {
        hash_add(hasher, parts[i]);
    }
    return hash_end(hasher);
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

bool hash_is_zero(const struct hash *hash)
{
    static const struct hash zero;
    return hash_equal(hash, &zero);
}

struct span hash_span(const struct hash *hash)
{
    return span_of(hash->bytes, HASH_BYTES);
}

void hash_print(const struct hash *hash, char text[HASH_TEXT_BYTES])
{
    hex_print(hash_span(hash), text);
}

bool hash_parse(struct span text, struct hash *hash)
{
    if (text.size != 2 * (size_t)HASH_BYTES) return false;
    struct hash parsed;
    if (!hex_parse(text, parsed.bytes)) return false;
    *hash = parsed;
    return true;
}
