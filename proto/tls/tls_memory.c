/* tls_memory: the two ends of a connection's wire, as libssl reads and writes them. */
#include "proto/tls/tls_memory.h"

#include <string.h>

static int read_input(BIO *bio, char *bytes, size_t size, size_t *read)
{
    struct tls_memory *memory = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (memory->input.size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *read = size < memory->input.size ? size : memory->input.size;
    memcpy(bytes, memory->input.bytes, *read);
    memory->input = span_after(memory->input, *read);
    return 1;
}

static int write_output(BIO *bio, const char *bytes, size_t size, size_t *written)
{
    struct tls_memory *memory = BIO_get_data(bio);
    size_t const room = tls_memory_room(memory);
    BIO_clear_retry_flags(bio);
    if (room == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    *written = size < room ? size : room;
    memcpy(memory->output + memory->end, bytes, *written);
    memory->end += *written;
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0; /* the caller sends in its own time */
}

static int create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_memory_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cauce memory");
    if (method == NULL) return NULL;
    if (BIO_meth_set_read_ex(method, read_input) != 1 ||
        BIO_meth_set_write_ex(method, write_output) != 1 ||
        BIO_meth_set_ctrl(method, control) != 1 || BIO_meth_set_create(method, create) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

BIO *tls_memory_bio(const BIO_METHOD *method, struct tls_memory *memory)
{
    BIO *bio = BIO_new(method);
    if (bio != NULL) BIO_set_data(bio, memory);
    return bio;
}

size_t tls_memory_room(const struct tls_memory *memory)
{
    return TLS_MEMORY_OUTPUT_BYTES - memory->end;
}
