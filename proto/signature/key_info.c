/* key_info: which of the sender's certificates ds:KeyInfo names.
 *
 *     KeyInfo > X509Data+ > (X509Certificate | X509IssuerSerial | X509SKI | X509SubjectName)*
 *
 * Several may be named, by several parts, a chain's CA among them that nobody registered: what any
 * part names is a candidate.  A name spelled otherwise than RFC 2253 names nobody, which only means
 * that all certificates are tried; so does an empty element, as xmlsec1 leaves those of its template
 * that it does not fill.
 *
 * Parts are counted, an X509Data without any as one: that bounds all elements of a KeyInfo. */
#include "proto/signature/key_info.h"

#include "proto/base/limits.h"
#include "proto/crypto/base64.h"
#include "proto/crypto/hash.h"
#include "proto/signature/profile.h"

struct reading {
    const struct xml_document *document;
    uint16_t namespace;
    const struct certificate *const *certificates;
    size_t certificate_count;
    uint8_t *scratch;
    uint32_t named;
    unsigned part_count;
    uint16_t *node; /* where the flaw is */
};

/* An element of the standard's namespace with no attribute but Id, and with nothing but white space
 * between its elements; or with text only, when `is_text`. */
static enum signature_flaw judge_element(const struct reading *reading, uint16_t node, bool is_text)
{
    const struct xml_document *document = reading->document;
    *reading->node = node;
    if (document->nodes[node].namespace != reading->namespace) return SIGNATURE_FLAW_KEY_INFO;
    if (is_text) {
        if (document_first(document, node) != XML_NONE) return SIGNATURE_FLAW_KEY_INFO;
    } else {
        for (uint32_t i = (uint32_t)node + 1; i < document->nodes[node].end;
             i = document->nodes[i].end) {
            const struct xml_node *child = &document->nodes[i];
            if (child->kind == XML_TEXT && !profile_is_white(span_of(child->text, child->size))) {
                return SIGNATURE_FLAW_TEXT;
            }
        }
    }
    return profile_attributes(document, node, span_of(NULL, 0));
}

static bool is_named(const struct reading *reading, uint16_t node, const char *name)
{
    return span_equal(document_local(reading->document, node), span_text(name));
}

static enum signature_flaw read_certificate(struct reading *reading, uint16_t node)
{
    size_t size = 0;
    if (base64_decode(document_text(reading->document, node), reading->scratch, LIMIT_MESSAGE_BYTES,
                      &size) != FAULT_NONE) {
        return SIGNATURE_FLAW_BASE64;
    }
    struct hash const fingerprint = hash_of(span_of(reading->scratch, size));
    for (size_t i = 0; i < reading->certificate_count; i++) {
        if (hash_equal(&fingerprint, certificate_fingerprint(reading->certificates[i]))) {
            reading->named |= UINT32_C(1) << i;
        }
    }
    return SIGNATURE_FLAW_NONE;
}

static enum signature_flaw read_key_id(struct reading *reading, uint16_t node)
{
    size_t size = 0;
    if (base64_decode(document_text(reading->document, node), reading->scratch, LIMIT_MESSAGE_BYTES,
                      &size) != FAULT_NONE) {
        return SIGNATURE_FLAW_BASE64;
    }
    if (size == 0) return SIGNATURE_FLAW_NONE; /* not the same as "no identifier" */
    struct span const key_id = span_of(reading->scratch, size);
    for (size_t i = 0; i < reading->certificate_count; i++) {
        if (span_equal(key_id, certificate_key_id(reading->certificates[i]))) {
            reading->named |= UINT32_C(1) << i;
        }
    }
    return SIGNATURE_FLAW_NONE;
}

static void read_subject(struct reading *reading, uint16_t node)
{
    struct span const subject = document_text(reading->document, node);
    for (size_t i = 0; i < reading->certificate_count; i++) {
        if (certificate_has_subject(reading->certificates[i], subject)) {
            reading->named |= UINT32_C(1) << i;
        }
    }
}

static enum signature_flaw read_issuer_serial(struct reading *reading, uint16_t node)
{
    const struct xml_document *document = reading->document;
    uint16_t const issuer = document_first(document, node);
    if (issuer == XML_NONE) return SIGNATURE_FLAW_NONE;
    uint16_t const serial = document_next(document, issuer);
    if (serial == XML_NONE || document_next(document, serial) != XML_NONE ||
        !is_named(reading, issuer, "X509IssuerName") ||
        !is_named(reading, serial, "X509SerialNumber")) {
        return SIGNATURE_FLAW_KEY_INFO;
    }
    enum signature_flaw flaw = judge_element(reading, issuer, true);
    if (flaw == SIGNATURE_FLAW_NONE) flaw = judge_element(reading, serial, true);
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;

    for (size_t i = 0; i < reading->certificate_count; i++) {
        if (certificate_has_serial(reading->certificates[i], document_text(document, serial)) &&
            certificate_has_issuer(reading->certificates[i], document_text(document, issuer))) {
            reading->named |= UINT32_C(1) << i;
        }
    }
    return SIGNATURE_FLAW_NONE;
}

static enum signature_flaw count_part(struct reading *reading)
{
    reading->part_count += 1;
    return reading->part_count <= LIMIT_KEY_INFO_PARTS ? SIGNATURE_FLAW_NONE
                                                       : SIGNATURE_FLAW_KEY_INFO_LONG;
}

static enum signature_flaw read_part(struct reading *reading, uint16_t node)
{
    bool const is_issuer_serial = is_named(reading, node, "X509IssuerSerial");
    enum signature_flaw flaw = judge_element(reading, node, !is_issuer_serial);
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    flaw = count_part(reading);
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;

    if (is_issuer_serial) return read_issuer_serial(reading, node);
    if (is_named(reading, node, "X509Certificate")) return read_certificate(reading, node);
    if (is_named(reading, node, "X509SKI")) return read_key_id(reading, node);
    if (is_named(reading, node, "X509SubjectName")) {
        read_subject(reading, node);
        return SIGNATURE_FLAW_NONE;
    }
    return SIGNATURE_FLAW_KEY_INFO; /* X509CRL and what else there may be */
}

static enum signature_flaw read_data(struct reading *reading, uint16_t data)
{
    *reading->node = data;
    if (!is_named(reading, data, "X509Data")) return SIGNATURE_FLAW_KEY_INFO;
    enum signature_flaw flaw = judge_element(reading, data, false);
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    uint16_t part = document_first(reading->document, data);
    if (part == XML_NONE) return count_part(reading);
    for (; part != XML_NONE; part = document_next(reading->document, part)) {
        flaw = read_part(reading, part);
        if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    }
    return SIGNATURE_FLAW_NONE;
}

enum signature_flaw key_info_read(const struct xml_document *document, uint16_t key_info,
                                  uint16_t namespace, const struct certificate *const *certificates,
                                  size_t certificate_count, uint8_t *scratch, uint32_t *named,
                                  uint16_t *node)
{
    struct reading reading = {.document = document,
                              .namespace = namespace,
                              .certificates = certificates,
                              .certificate_count = certificate_count,
                              .scratch = scratch,
                              .node = node};
    enum signature_flaw flaw = judge_element(&reading, key_info, false);
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    uint16_t data = document_first(document, key_info);
    if (data == XML_NONE) return SIGNATURE_FLAW_KEY_INFO;
    for (; data != XML_NONE; data = document_next(document, data)) {
        flaw = read_data(&reading, data);
        if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    }
    *named = reading.named;
    return SIGNATURE_FLAW_NONE;
}
