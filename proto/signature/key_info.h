/* key_info: which of the sender's certificates ds:KeyInfo names (WIRE section 3).
 *
 * KeyInfo is advice from whoever wrote the message: it chooses among certificates that are
 * registered, and brings in none.  For this folder. */
#ifndef PROTO_SIGNATURE_KEY_INFO_H
#define PROTO_SIGNATURE_KEY_INFO_H

#include <stddef.h>
#include <stdint.h>

#include "proto/crypto/certificate.h"
#include "proto/signature/signature.h"
#include "proto/xml/document.h"

/* Judges the KeyInfo at `key_info` and sets bit i of *named for each certificate i that any part of
 * it names.  `namespace` is the document's number of the xmldsig namespace.  `scratch`: memory for
 * what is decoded, LIMIT_MESSAGE_BYTES of it.  On a flaw, *node is where it is. */
enum signature_flaw key_info_read(const struct xml_document *document, uint16_t key_info,
                                  uint16_t namespace, const struct certificate *const *certificates,
                                  size_t certificate_count, uint8_t *scratch, uint32_t *named,
                                  uint16_t *node);

#endif
