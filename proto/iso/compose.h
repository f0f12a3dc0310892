/* compose: one message to send, from the caller's buffer to signed bytes.
 *
 * The writers of the message files (pacs008_write ...) put a whole canonical Envelope, its Sgntr
 * still empty, into the buffer of a compose; compose_sign then sets the Signature into its place:
 *
 *     struct compose compose;
 *     compose_open(&compose, buffer, sizeof buffer);
 *     fault = pacs002_write(&compose, &header, results, count);
 *     if (fault == FAULT_NONE) fault = compose_sign(&compose, signer, &message);
 *
 * The same inputs give the same bytes, the signature's value aside (WIRE section 1, redelivery).
 * What is written is its own exclusive canonical form, so it is hashed as it stands.
 * Nothing is allocated. A compose belongs to one thread; its bytes live in the caller's buffer. */
#ifndef PROTO_ISO_COMPOSE_H
#define PROTO_ISO_COMPOSE_H

#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/iso/catalogue.h"
#include "proto/iso/header.h"
#include "proto/signature/signature.h"
#include "proto/xml/writer.h"

struct compose {
    struct writer writer;
    char *buffer;
    size_t size;         /* of the buffer */
    size_t used;         /* bytes of the Envelope */
    size_t signature_at; /* where the Signature belongs: 0 < signature_at < used */
};

/* Takes the buffer, which the caller keeps alive and does not touch while he composes.  Of it, the
 * Envelope, AppHdr and GrpHdr take less than 4 KiB, the Signature signature_size; the rest is what
 * the Document holds. */
void compose_open(struct compose *compose, char *buffer, size_t size);

/* For the message files: Envelope, AppHdr and the start tag of Document; then its end and the
 * Envelope's. FAULT_FULL: the buffer is too small. */
void compose_start(struct compose *compose, enum catalogue_kind kind, const struct header *header);
MUST_CHECK enum fault compose_end(struct compose *compose);

/* The Envelope without a signature, good until compose_sign. Assumed: a writer succeeded. */
struct span compose_unsigned(const struct compose *compose);

/* Signs; *message is in the buffer. Assumed: a writer succeeded, and once per writer.
 * FAULT_FULL: the signature does not fit. FAULT_CRYPTO: the library refused to sign. */
MUST_CHECK enum fault compose_sign(struct compose *compose, struct signature_signer *signer,
                                   struct span *message);

#endif
