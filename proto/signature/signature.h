/* signature: the XML signature of an Envelope, profile iso (WIRE section 3), judged and written.
 *
 * One ds:Signature in Envelope/AppHdr/Sgntr covers the whole Envelope but itself: one Reference
 * URI="" with the transforms enveloped-signature and exclusive C14N, SHA-256, signed with RSA
 * (PKCS#1 v1.5) or ECDSA P-256.  Nothing of the Signature is interpreted: every element stands
 * where it must and says what it must, or the message is refused.  What is digested is the node
 * table from which the message is read, so a signature cannot vouch for other content than that.
 *
 * Threads: a checker and a signer belong to one thread each.
 * Memory:  all of ours is taken in the open functions; a check or a signature allocates nothing but
 *          what libcrypto's big numbers take. */
#ifndef PROTO_SIGNATURE_SIGNATURE_H
#define PROTO_SIGNATURE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"
#include "proto/xml/document.h"

/* Name, words for admi.002 RsnDesc: why a signature is not good, most basic first. */
#define SIGNATURE_FLAW_LIST(X)                                                                     \
    X(NONE, "the signature is good")                                                               \
    X(MISSING, "AppHdr has no Sgntr with a ds:Signature in it")                                    \
    X(PLACE, "Sgntr holds something other than one ds:Signature")                                  \
    X(SECOND, "a second ds:Signature in the message")                                              \
    X(ELEMENT, "an element that the signature profile does not have at this place")                \
    X(ELEMENT_MISSING, "an element that the signature profile demands is missing")                 \
    X(ATTRIBUTE, "an attribute that the signature profile does not have")                          \
    X(ATTRIBUTE_MISSING, "an attribute that the signature profile demands is missing")             \
    X(ID_TWICE, "an Id stands twice in the signature")                                             \
    X(TEXT, "text where the signature profile has elements only")                                  \
    X(CANONICALIZATION, "SignedInfo must be canonicalised with exclusive C14N without comments")   \
    X(METHOD, "the signature method is neither rsa-sha256 nor ecdsa-sha256")                       \
    X(REFERENCE_SECOND, "more than one Reference")                                                 \
    X(URI, "the Reference's URI is not \"\"")                                                      \
    X(TRANSFORM, "the transforms are not enveloped-signature, then exclusive C14N")                \
    X(DIGEST_METHOD, "the digest method is not SHA-256")                                           \
    X(BASE64, "not base64, or not of the size that this value has")                                \
    X(KEY_INFO, "KeyInfo holds something other than X509Data of the accepted kinds")               \
    X(KEY_INFO_LONG, "KeyInfo names more than 64 certificates")                                    \
    X(CANONICAL_LONG, "the canonical form is too long")                                            \
    X(NO_KEY, "the sender has no registered key that KeyInfo names and the method can use")        \
    X(DIGEST, "the digest does not fit the content")                                               \
    X(VALUE, "the signature value does not fit a registered key of the sender")

enum signature_flaw {
#define SIGNATURE_FLAW_MEMBER(name, words) SIGNATURE_FLAW_##name,
    SIGNATURE_FLAW_LIST(SIGNATURE_FLAW_MEMBER)
#undef SIGNATURE_FLAW_MEMBER
};

struct signature_verdict {
    enum signature_flaw flaw;
    uint16_t node;  /* for ErrLctn: the element at fault, or the parent of one that is missing */
    uint16_t named; /* how many of the sender's certificates KeyInfo named; 0: all were tried */
    size_t key;     /* SIGNATURE_FLAW_NONE: index of the certificate that verified */
};

/* The words of the list. Static. */
const char *signature_words(enum signature_flaw flaw);

struct signature_checker;

/* Keeps up to `keys_max` keys prepared (verifier.h).  On FAULT_NONE *out is the caller's until
 * signature_close.  FAULT_MEMORY, FAULT_CRYPTO: none to be had. */
MUST_CHECK enum fault signature_open(struct signature_checker **out, size_t keys_max);

/* Accepts NULL. */
void signature_close(struct signature_checker *checker);

/* Judges the signature of an Envelope whose root is node 0 and whose AppHdr is `header_node`.
 * `certificates`: the sender's active ones for signing, at most LIMIT_CERTIFICATES; those with keys
 * that cannot sign are passed over.  True, with verdict->key, when one of them made the signature;
 * else false, with flaw and node.
 * CANONICAL_LONG is no fault of the signature: WIRE section 2 calls it BADXML (a bound exceeded).
 * Assumed: `header_node` is an element of the document. */
MUST_CHECK bool signature_check(struct signature_checker *checker, struct xml_document *document,
                                uint16_t header_node, const struct certificate *const *certificates,
                                size_t certificate_count, struct signature_verdict *verdict);

struct signature_signer;

/* A signer with `key`, which shows `certificate` in KeyInfo.  On FAULT_NONE *out is the caller's
 * until signature_signer_close; key and certificate may be closed before it.
 * FAULT_INVALID: the certificate is not the key's.  FAULT_MEMORY, FAULT_CRYPTO: none to be had. */
MUST_CHECK enum fault signature_signer_open(struct signature_signer **out,
                                            const struct private_key *key,
                                            const struct certificate *certificate);

/* Bytes of every Signature element that this signer writes: always the same number. */
size_t signature_size(const struct signature_signer *signer);

/* Writes the Signature element for the canonical Envelope that is `before`, the place of the
 * Signature, and `after`: all bytes up to and with "<Sgntr>", and all from "</Sgntr>" on.
 * `bytes` has room for signature_size bytes, all of which are written; it may not overlap the two.
 * FAULT_CRYPTO: the library refused to sign; what `bytes` holds is not a signature. */
MUST_CHECK enum fault signature_write(struct signature_signer *signer, struct span before,
                                      struct span after, char *bytes);

/* Accepts NULL. */
void signature_signer_close(struct signature_signer *signer);

#endif
