/* random: unpredictable bytes from the cryptographic library's generator. */
#include "proto/crypto/random.h"

#include <limits.h>
#include <openssl/rand.h>

enum fault random_fill(void *bytes, size_t size)
{
    if (size > INT_MAX) return FAULT_CRYPTO;
    return RAND_bytes(bytes, (int)size) == 1 ? FAULT_NONE : FAULT_CRYPTO;
}
