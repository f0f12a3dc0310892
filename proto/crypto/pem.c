/* pem: small files with keys and certificates, read whole. */
#include "proto/crypto/pem.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/limits.h"

enum fault pem_read(struct span *out, const char *path, const char **words)
{
    enum fault fault = FAULT_IO;
    char *bytes = NULL;

    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        *words = "the file cannot be opened";
        return FAULT_IO;
    }
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of a private key in a buffer of stdio's */
    bytes = malloc(LIMIT_PEM_BYTES + 1);
    if (bytes == NULL) {
        *words = "no memory for the file";
        fault = FAULT_MEMORY;
        goto done;
    }
    size_t const size = fread(bytes, 1, LIMIT_PEM_BYTES + 1, file);
    if (ferror(file)) {
        *words = "the file cannot be read";
        goto done;
    }
    if (size > LIMIT_PEM_BYTES) {
        *words = "the file is larger than a key or certificate can be";
        goto done;
    }
    *out = span_of(bytes, size);
    bytes = NULL;
    fault = FAULT_NONE;

done:
    if (bytes != NULL) OPENSSL_cleanse(bytes, LIMIT_PEM_BYTES + 1);
    free(bytes);
    (void)fclose(file);
    return fault;
}

void pem_free(struct span bytes)
{
    if (bytes.bytes == NULL) return;
    OPENSSL_cleanse((char *)bytes.bytes, bytes.size);
    free((char *)bytes.bytes);
}
