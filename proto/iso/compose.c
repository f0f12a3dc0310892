/* The Envelope around a Document, and the signature into it.
 *
 *     <Envelope ...><AppHdr ...>...<Sgntr>|</Sgntr></AppHdr><Document ...>...</Document></Envelope>
 *                                         signature_at
 *
 * compose_sign moves what stands behind signature_at by the Signature's size, which is always the
 * same for one signer, and lets the signature be written into the gap. */
#include "proto/iso/compose.h"

#include <assert.h>
#include <string.h>

void compose_open(struct compose *compose, char *buffer, size_t size)
{
    writer_open(&compose->writer, buffer, size);
    compose->buffer = buffer;
    compose->size = size;
    compose->used = 0;
    compose->signature_at = 0;
}

void compose_start(struct compose *compose, enum catalogue_kind kind, const struct header *header)
{
    struct writer *const writer = &compose->writer;

    assert(compose->used == 0); /* one message per compose_open */
    writer_start_namespace(writer, SPAN("Envelope"), SPAN(CATALOGUE_ENVELOPE_NAMESPACE));
    header_write_start(writer, kind, header);
    compose->signature_at = writer->size;
    header_write_end(writer);
    writer_start_namespace(writer, SPAN("Document"), catalogue_namespace(kind));
}

enum fault compose_end(struct compose *compose)
{
    struct span written;
    writer_end(&compose->writer);
    writer_end(&compose->writer);
    enum fault const fault = writer_finish(&compose->writer, &written);
    if (fault != FAULT_NONE) return fault;
    compose->used = written.size;
    return FAULT_NONE;
}

struct span compose_unsigned(const struct compose *compose)
{
    return span_of(compose->buffer, compose->used);
}

enum fault compose_sign(struct compose *compose, struct signature_signer *signer,
                        struct span *message)
{
    size_t const gap = signature_size(signer);
    size_t const at = compose->signature_at;

    assert(at > 0 && at < compose->used); /* a writer succeeded */
    if (compose->size - compose->used < gap) return FAULT_FULL;

    size_t const behind = compose->used - at;
    memmove(compose->buffer + at + gap, compose->buffer + at, behind);
    enum fault const fault =
        signature_write(signer, span_of(compose->buffer, at),
                        span_of(compose->buffer + at + gap, behind), compose->buffer + at);
    if (fault != FAULT_NONE) return fault;
    compose->used += gap;
    *message = span_of(compose->buffer, compose->used);
    return FAULT_NONE;
}
