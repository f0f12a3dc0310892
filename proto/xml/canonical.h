/* canonical: Exclusive XML Canonicalization 1.0, without comments, of any part of a document.
 *
 * Written from the same table that the message is read from, so what is digested is what is read
 * (WIRE section 3; https://www.w3.org/TR/xml-exc-c14n/, InclusiveNamespaces PrefixList empty). */
#ifndef PROTO_XML_CANONICAL_H
#define PROTO_XML_CANONICAL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/limits.h"
#include "proto/base/span.h"
#include "proto/xml/document.h"

/* Writes the canonical form of element `apex` and what it holds into `bytes`; *size is its length.
 * `excluded`: an element left out with all that it holds (the enveloped signature), or XML_NONE.
 * `context_default`: the id of the namespace that is already the default one where the bytes will
 * stand, XML_NAMESPACE_NONE for none.  With an own Document's namespace there, what is written can
 * be put inside that `<Document xmlns="...">` and the whole is canonical again.
 * Size: LIMIT_CANONICAL_BYTES hold what WIRE's dialect makes of any sane message.
 * FAULT_FULL: `capacity` is too small; refuse the message as BADXML.
 * FAULT_INVALID: the message declares a relative namespace name, of which there is no canonical
 * form (C14N 1.0, 1.3); *size is 0. */
MUST_CHECK enum fault canonical_write(struct xml_document *document, uint16_t apex,
                                      uint16_t excluded, uint16_t context_default, char *bytes,
                                      size_t capacity, size_t *size);

#endif
