/* signature: the XML signature of an Envelope, judged and written.
 *
 * Judging, cheapest first:
 *     shape     the Signature is the one that the profile admits (profile.c);
 *     key       KeyInfo narrows down the sender's certificates (key_info.c);
 *     digest    the canonical Envelope without its Signature has the digest that is signed;
 *     value     one of the certificates' keys made the signature over the canonical SignedInfo.
 * Possible failures: each step's flaws, after which nothing else is looked at.
 *
 * Writing: the element is a text made once with two holes, the digest and the value.  SignedInfo's
 * canonical form differs from that text only in its start tag, where exclusive C14N repeats the
 * declaration of ds. */
#include "proto/signature/signature.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/crypto/base64.h"
#include "proto/crypto/signer.h"
#include "proto/crypto/verifier.h"
#include "proto/signature/key_info.h"
#include "proto/signature/profile.h"
#include "proto/xml/canonical.h"

struct signature_checker {
    struct verifier *verifier;
    char canonical[LIMIT_CANONICAL_BYTES]; /* also what KeyInfo's base64 decodes to */
};

static_assert(LIMIT_CANONICAL_BYTES >= LIMIT_MESSAGE_BYTES, "key_info_read's scratch");
static_assert(LIMIT_CERTIFICATES <= 32, "certificates named by KeyInfo are bits of uint32_t");

const char *signature_words(enum signature_flaw flaw)
{
    switch (flaw) {
#define SIGNATURE_FLAW_WORDS(name, words)                                                          \
    case SIGNATURE_FLAW_##name: return words;
        SIGNATURE_FLAW_LIST(SIGNATURE_FLAW_WORDS)
#undef SIGNATURE_FLAW_WORDS
    }
    return "";
}

enum fault signature_open(struct signature_checker **out, size_t keys_max)
{
    struct signature_checker *checker = malloc(sizeof *checker);
    if (checker == NULL) return FAULT_MEMORY;
    memset(checker->canonical, 0, sizeof checker->canonical); /* touched before it is used */
    enum fault const fault = verifier_open(&checker->verifier, keys_max);
    if (fault != FAULT_NONE) {
        free(checker);
        return fault;
    }
    *out = checker;
    return FAULT_NONE;
}

void signature_close(struct signature_checker *checker)
{
    if (checker == NULL) return;
    verifier_close(checker->verifier);
    free(checker);
}

/* WIRE section 3: "Attributes Id inside ds:Signature are allowed when unique." There are no more
 * than LIMIT_SIGNATURE_IDS elements in a Signature that the two readers before let through; were one
 * of them to let more through, it is a flaw here, not an overrun. */
static enum signature_flaw judge_ids(const struct xml_document *document, uint16_t signature,
                                     uint16_t *node)
{
    struct span ids[LIMIT_SIGNATURE_IDS];
    size_t count = 0;
    for (uint32_t i = signature; i < document->nodes[signature].end; i++) {
        if (document->nodes[i].kind != XML_ELEMENT) continue;
        const struct xml_attribute *attribute =
            document_attribute(document, (uint16_t)i, SPAN("Id"));
        if (attribute == NULL) continue;
        *node = (uint16_t)i;
        struct span const id = span_of(attribute->value, attribute->size);
        for (size_t j = 0; j < count; j++) {
            if (span_equal(ids[j], id)) return SIGNATURE_FLAW_ID_TWICE;
        }
        if (count == LIMIT_SIGNATURE_IDS) return SIGNATURE_FLAW_KEY_INFO_LONG;
        ids[count++] = id;
    }
    return SIGNATURE_FLAW_NONE;
}

/* Of the certificates that KeyInfo names, or of all where it names none, those whose keys the
 * method can use, as bits. */
static uint32_t candidates(const struct certificate *const *certificates, size_t count,
                           uint32_t named, enum key_kind kind)
{
    uint32_t usable = 0;
    for (size_t i = 0; i < count; i++) {
        const struct public_key *key = certificate_key(certificates[i]);
        if (named != 0 && (named >> i & 1) == 0) continue;
        if (key != NULL && key_kind(key) == kind) usable |= UINT32_C(1) << i;
    }
    return usable;
}

static bool digest_canonical(struct signature_checker *checker, struct xml_document *document,
                             uint16_t apex, uint16_t excluded, struct hash *digest)
{
    size_t size = 0;
    if (canonical_write(document, apex, excluded, XML_NAMESPACE_NONE, checker->canonical,
                        sizeof checker->canonical, &size) != FAULT_NONE) {
        return false;
    }
    *digest = hash_of(span_of(checker->canonical, size));
    return true;
}

static enum signature_flaw judge(struct signature_checker *checker, struct xml_document *document,
                                 uint16_t header_node,
                                 const struct certificate *const *certificates, size_t count,
                                 struct signature_verdict *verdict)
{
    struct profile profile;
    struct hash digest;
    uint32_t named = 0;

    enum signature_flaw flaw = profile_read(&profile, document, header_node, &verdict->node);
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    if (profile.key_info != XML_NONE) {
        flaw = key_info_read(document, profile.key_info, profile.namespace, certificates, count,
                             (uint8_t *)checker->canonical, &named, &verdict->node);
        if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    }
    verdict->named = (uint16_t)__builtin_popcount(named);
    flaw = judge_ids(document, profile.signature, &verdict->node);
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;

    verdict->node = profile.key_info != XML_NONE ? profile.key_info : profile.method;
    uint32_t const usable = candidates(certificates, count, named, profile.kind);
    if (usable == 0) return SIGNATURE_FLAW_NO_KEY;

    verdict->node = profile.digest_value;
    if (!digest_canonical(checker, document, 0, profile.signature, &digest)) {
        return SIGNATURE_FLAW_CANONICAL_LONG;
    }
    if (!hash_equal(&digest, &profile.digest)) return SIGNATURE_FLAW_DIGEST;

    verdict->node = profile.signature_value;
    if (!digest_canonical(checker, document, profile.signed_info, XML_NONE, &digest)) {
        return SIGNATURE_FLAW_CANONICAL_LONG;
    }
    for (size_t i = 0; i < count; i++) {
        if ((usable >> i & 1) == 0) continue;
        if (verifier_check(checker->verifier, certificate_key(certificates[i]), &digest,
                           span_of(profile.value, profile.value_size), KEY_ENCODING_RAW)) {
            verdict->node = profile.signature;
            verdict->key = i;
            return SIGNATURE_FLAW_NONE;
        }
    }
    return SIGNATURE_FLAW_VALUE;
}

bool signature_check(struct signature_checker *checker, struct xml_document *document,
                     uint16_t header_node, const struct certificate *const *certificates,
                     size_t certificate_count, struct signature_verdict *verdict)
{
    assert(certificate_count <= LIMIT_CERTIFICATES);
    *verdict = (struct signature_verdict){.node = header_node};
    verdict->flaw = judge(checker, document, header_node, certificates, certificate_count, verdict);
    return verdict->flaw == SIGNATURE_FLAW_NONE;
}

#define DIGEST_TEXT_BYTES BASE64_TEXT_SIZE(HASH_BYTES)

/* The element's parts, in order; the method comes after METHOD_START, the digest after
 * METHOD_END, the value after SIGNED_INFO_END, the certificate after VALUE_END. */
#define ELEMENT_START "<ds:Signature xmlns:ds=\"" PROFILE_NAMESPACE "\"><ds:SignedInfo>"
#define METHOD_START                                                                               \
    "<ds:CanonicalizationMethod Algorithm=\"" PROFILE_EXCLUSIVE                                    \
    "\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\""
#define METHOD_END                                                                                 \
    "\"></ds:SignatureMethod><ds:Reference URI=\"\"><ds:Transforms>"                               \
    "<ds:Transform Algorithm=\"" PROFILE_ENVELOPED "\"></ds:Transform>"                            \
    "<ds:Transform Algorithm=\"" PROFILE_EXCLUSIVE "\"></ds:Transform>"                            \
    "</ds:Transforms><ds:DigestMethod Algorithm=\"" PROFILE_SHA256                                 \
    "\"></ds:DigestMethod><ds:DigestValue>"
#define SIGNED_INFO_END "</ds:DigestValue></ds:Reference></ds:SignedInfo>"
#define VALUE_START "<ds:SignatureValue>"
#define VALUE_END "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
#define ELEMENT_END "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"

/* What the canonical SignedInfo begins with, in place of "<ds:SignedInfo>". */
#define SIGNED_INFO_START "<ds:SignedInfo xmlns:ds=\"" PROFILE_NAMESPACE "\">"

struct signature_signer {
    struct signer *signer;
    char *text;             /* the element, zeros in its holes */
    size_t size;            /* of the text */
    size_t method_at;       /* where METHOD_START begins: the rest of SignedInfo */
    size_t digest_at;       /* DIGEST_TEXT_BYTES are left free here */
    size_t signed_info_end; /* one past SignedInfo */
    size_t value_at;        /* BASE64_TEXT_SIZE(value_size) are left free here */
    size_t value_size;      /* bytes of every signature by this key */
};

/* Appends to the text, or only counts where there is none yet. */
static void append(struct signature_signer *signer, struct span part)
{
    if (signer->text != NULL) memcpy(signer->text + signer->size, part.bytes, part.size);
    signer->size += part.size;
}

static void append_base64(struct signature_signer *signer, struct span bytes)
{
    if (signer->text != NULL) base64_encode(bytes, signer->text + signer->size);
    signer->size += BASE64_TEXT_SIZE(bytes.size);
}

static void lay_out(struct signature_signer *signer, const struct certificate *certificate)
{
    signer->size = 0;
    append(signer, SPAN(ELEMENT_START));
    signer->method_at = signer->size;
    append(signer, SPAN(METHOD_START));
    switch (signer_kind(signer->signer)) {
    case KEY_RSA: append(signer, SPAN(PROFILE_RSA_SHA256)); break;
    case KEY_P256: append(signer, SPAN(PROFILE_ECDSA_SHA256)); break;
    }
    append(signer, SPAN(METHOD_END));
    signer->digest_at = signer->size;
    signer->size += DIGEST_TEXT_BYTES;
    append(signer, SPAN(SIGNED_INFO_END));
    signer->signed_info_end = signer->size;
    append(signer, SPAN(VALUE_START));
    signer->value_at = signer->size;
    signer->size += BASE64_TEXT_SIZE(signer->value_size);
    append(signer, SPAN(VALUE_END));
    append_base64(signer, certificate_der(certificate));
    append(signer, SPAN(ELEMENT_END));
}

enum fault signature_signer_open(struct signature_signer **out, const struct private_key *key,
                                 const struct certificate *certificate)
{
    if (!certificate_fits(certificate, key)) return FAULT_INVALID;
    struct signature_signer *signer = calloc(1, sizeof *signer);
    if (signer == NULL) return FAULT_MEMORY;

    enum fault fault = signer_open(&signer->signer, key);
    if (fault != FAULT_NONE) goto failed;

    /* One signature to learn the size of all, and that the key can sign. */
    uint8_t value[KEY_SIGNATURE_BYTES_MAX];
    struct hash const probe = hash_of(span_of(NULL, 0));
    fault = signer_sign(signer->signer, &probe, KEY_ENCODING_RAW, value, &signer->value_size);
    if (fault != FAULT_NONE) goto failed;

    lay_out(signer, certificate); /* counts */
    signer->text = calloc(1, signer->size);
    if (signer->text == NULL) {
        fault = FAULT_MEMORY;
        goto failed;
    }
    lay_out(signer, certificate);
    *out = signer;
    return FAULT_NONE;

failed:
    signature_signer_close(signer);
    return fault;
}

size_t signature_size(const struct signature_signer *signer)
{
    return signer->size;
}

enum fault signature_write(struct signature_signer *signer, struct span before, struct span after,
                           char *bytes)
{
    struct span const envelope[] = {before, after};
    struct hash const digest = hash_parts(envelope, 2);
    memcpy(bytes, signer->text, signer->size);
    base64_encode(hash_span(&digest), bytes + signer->digest_at);

    struct span const signed_info[] = {
        SPAN(SIGNED_INFO_START),
        span_of(bytes + signer->method_at, signer->signed_info_end - signer->method_at)};
    struct hash const signed_digest = hash_parts(signed_info, 2);

    uint8_t value[KEY_SIGNATURE_BYTES_MAX];
    size_t value_size = 0;
    enum fault const fault =
        signer_sign(signer->signer, &signed_digest, KEY_ENCODING_RAW, value, &value_size);
    if (fault != FAULT_NONE) return fault;
    assert(value_size == signer->value_size);
    base64_encode(span_of(value, value_size), bytes + signer->value_at);
    return FAULT_NONE;
}

void signature_signer_close(struct signature_signer *signer)
{
    if (signer == NULL) return;
    signer_close(signer->signer);
    free(signer->text);
    free(signer);
}
