/* profile: the one shape of ds:Signature that WIRE section 3 admits, and the values in it.
 * For this folder. */
#ifndef PROTO_SIGNATURE_PROFILE_H
#define PROTO_SIGNATURE_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"
#include "proto/signature/signature.h"
#include "proto/xml/document.h"

/* The names of the standard, as they must be written.  The list is closed: nothing is looked up. */
#define PROFILE_NAMESPACE "http://www.w3.org/2000/09/xmldsig#"
#define PROFILE_EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"
#define PROFILE_ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define PROFILE_SHA256 "http://www.w3.org/2001/04/xmlenc#sha256"
#define PROFILE_RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define PROFILE_ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

/* A Signature that has the shape. */
struct profile {
    uint16_t namespace; /* the document's number of PROFILE_NAMESPACE */
    uint16_t signature; /* nodes */
    uint16_t signed_info;
    uint16_t method;
    uint16_t digest_value;
    uint16_t signature_value;
    uint16_t key_info;  /* XML_NONE when absent; judged by key_info.c */
    enum key_kind kind; /* of key that the method needs */
    struct hash digest;
    uint8_t value[KEY_SIGNATURE_BYTES_MAX];
    size_t value_size;
};

/* Judges the Signature in the Sgntr of the AppHdr at `header_node`; KeyInfo only in that it is the
 * last element.  On a flaw, *node is where it is. */
enum signature_flaw profile_read(struct profile *profile, const struct xml_document *document,
                                 uint16_t header_node, uint16_t *node);

/* What elements inside a Signature may have beside what the profile demands of them: only Id,
 * without a prefix.  `demanded`: the name of an attribute judged elsewhere; empty for none. */
enum signature_flaw profile_attributes(const struct xml_document *document, uint16_t node,
                                       struct span demanded);

/* Whether a text is only white space (XML 1.0, production 3). */
bool profile_is_white(struct span text);

#endif
