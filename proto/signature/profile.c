/* profile: the one shape of ds:Signature that WIRE section 3 admits.
 *
 * The shape is a table in document order, and so is the message: the two are walked side by side.
 * Whatever stands where the table has something else is a flaw, so that no element is skipped,
 * none is looked for, and an attacker cannot place one where this file does not look. */
#include "proto/signature/profile.h"

#include "proto/crypto/base64.h"

enum place {
    SIGNATURE,
    SIGNED_INFO,
    CANONICALIZATION_METHOD,
    SIGNATURE_METHOD,
    REFERENCE,
    TRANSFORMS,
    TRANSFORM_ENVELOPED,
    TRANSFORM_EXCLUSIVE,
    DIGEST_METHOD,
    DIGEST_VALUE,
    SIGNATURE_VALUE,
    PLACE_COUNT
};

/* name, the place of its parent; the one attribute it must have, the value of it, the flaw when the
 * value is another; whether it holds text. SignatureMethod has two values: see judge_method. */
static const struct shape {
    const char *name;
    enum place parent;
    const char *attribute;
    const char *value;
    enum signature_flaw flaw;
    bool is_text;
} shapes[PLACE_COUNT] = {
    [SIGNATURE] = {"Signature", SIGNATURE, NULL, NULL, SIGNATURE_FLAW_ELEMENT, false},
    [SIGNED_INFO] = {"SignedInfo", SIGNATURE, NULL, NULL, SIGNATURE_FLAW_ELEMENT, false},
    [CANONICALIZATION_METHOD] = {"CanonicalizationMethod", SIGNED_INFO, "Algorithm",
                                 PROFILE_EXCLUSIVE, SIGNATURE_FLAW_CANONICALIZATION, false},
    [SIGNATURE_METHOD] = {"SignatureMethod", SIGNED_INFO, "Algorithm", NULL, SIGNATURE_FLAW_METHOD,
                          false},
    [REFERENCE] = {"Reference", SIGNED_INFO, "URI", "", SIGNATURE_FLAW_URI, false},
    [TRANSFORMS] = {"Transforms", REFERENCE, NULL, NULL, SIGNATURE_FLAW_TRANSFORM, false},
    [TRANSFORM_ENVELOPED] = {"Transform", TRANSFORMS, "Algorithm", PROFILE_ENVELOPED,
                             SIGNATURE_FLAW_TRANSFORM, false},
    [TRANSFORM_EXCLUSIVE] = {"Transform", TRANSFORMS, "Algorithm", PROFILE_EXCLUSIVE,
                             SIGNATURE_FLAW_TRANSFORM, false},
    [DIGEST_METHOD] = {"DigestMethod", REFERENCE, "Algorithm", PROFILE_SHA256,
                       SIGNATURE_FLAW_DIGEST_METHOD, false},
    [DIGEST_VALUE] = {"DigestValue", REFERENCE, NULL, NULL, SIGNATURE_FLAW_ELEMENT, true},
    [SIGNATURE_VALUE] = {"SignatureValue", SIGNATURE, NULL, NULL, SIGNATURE_FLAW_ELEMENT, true},
};

bool profile_is_white(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        char const character = text.bytes[i];
        if (character != ' ' && character != '\t' && character != '\r' && character != '\n') {
            return false;
        }
    }
    return true;
}

static struct span text_of(const struct xml_node *node)
{
    return span_of(node->text, node->size);
}

/* The place of a signature is part of the rule (WIRE section 3): AppHdr right below the root, in it
 * one Sgntr, in that one ds:Signature and white space. */
static enum signature_flaw find_signature(struct profile *profile,
                                          const struct xml_document *document, uint16_t header_node,
                                          uint16_t *node)
{
    *node = header_node;
    if (document->nodes[header_node].parent != 0) return SIGNATURE_FLAW_PLACE;
    uint16_t const sgntr = document_child(document, header_node, SPAN("Sgntr"));
    if (sgntr == XML_NONE) return SIGNATURE_FLAW_MISSING;
    for (uint16_t next = document_next(document, sgntr); next != XML_NONE;
         next = document_next(document, next)) {
        *node = next;
        if (span_equal(document_local(document, next), SPAN("Sgntr"))) return SIGNATURE_FLAW_PLACE;
    }

    *node = sgntr;
    uint16_t const signature = document_first(document, sgntr);
    if (signature == XML_NONE) return SIGNATURE_FLAW_MISSING;
    *node = signature;
    if (!document_is(document, signature, profile->namespace, SPAN("Signature"))) {
        return SIGNATURE_FLAW_PLACE;
    }
    if (document_next(document, signature) != XML_NONE) {
        *node = document_next(document, signature);
        return SIGNATURE_FLAW_PLACE;
    }
    for (uint32_t i = (uint32_t)sgntr + 1; i < document->nodes[sgntr].end;
         i = document->nodes[i].end) {
        if (document->nodes[i].kind == XML_TEXT &&
            !profile_is_white(text_of(&document->nodes[i]))) {
            *node = sgntr;
            return SIGNATURE_FLAW_PLACE;
        }
    }
    profile->signature = signature;
    return SIGNATURE_FLAW_NONE;
}

/* WIRE section 3 refuses "a second signature anywhere". */
static enum signature_flaw find_second(const struct profile *profile,
                                       const struct xml_document *document, uint16_t *node)
{
    for (uint32_t i = 0; i < document->node_count; i++) {
        if (document->nodes[i].kind != XML_ELEMENT || i == profile->signature) continue;
        if (document_is(document, (uint16_t)i, profile->namespace, SPAN("Signature"))) {
            *node = (uint16_t)i;
            return SIGNATURE_FLAW_SECOND;
        }
    }
    return SIGNATURE_FLAW_NONE;
}

enum signature_flaw profile_attributes(const struct xml_document *document, uint16_t node,
                                       struct span demanded)
{
    const struct xml_node *element = &document->nodes[node];
    for (unsigned i = 0; i < element->attribute_count; i++) {
        const struct xml_attribute *attribute = &document->attributes[element->attribute_first + i];
        struct span const name = span_of(attribute->name, attribute->name_size);
        if (attribute->namespace != XML_NAMESPACE_NONE) return SIGNATURE_FLAW_ATTRIBUTE;
        if (!span_equal(name, SPAN("Id")) && !span_equal(name, demanded)) {
            return SIGNATURE_FLAW_ATTRIBUTE;
        }
    }
    return SIGNATURE_FLAW_NONE;
}

static enum signature_flaw judge_attributes(const struct xml_document *document, uint16_t node,
                                            const struct shape *shape, struct span *value)
{
    struct span const demanded =
        shape->attribute == NULL ? span_of(NULL, 0) : span_text(shape->attribute);
    enum signature_flaw const flaw = profile_attributes(document, node, demanded);
    if (flaw != SIGNATURE_FLAW_NONE || shape->attribute == NULL) return flaw;

    const struct xml_attribute *attribute = document_attribute(document, node, demanded);
    if (attribute == NULL) return SIGNATURE_FLAW_ATTRIBUTE_MISSING;
    *value = span_of(attribute->value, attribute->size);
    if (shape->value != NULL && !span_equal(*value, span_text(shape->value))) return shape->flaw;
    return SIGNATURE_FLAW_NONE;
}

static enum signature_flaw judge_method(struct profile *profile, struct span algorithm)
{
    if (span_equal(algorithm, SPAN(PROFILE_RSA_SHA256))) {
        profile->kind = KEY_RSA;
    } else if (span_equal(algorithm, SPAN(PROFILE_ECDSA_SHA256))) {
        profile->kind = KEY_P256;
    } else {
        return SIGNATURE_FLAW_METHOD;
    }
    return SIGNATURE_FLAW_NONE;
}

/* The next element in document order below the Signature, XML_NONE when there is none left. Texts
 * on the way must be white, but in elements that hold text. */
static enum signature_flaw next_element(const struct xml_document *document, uint16_t signature,
                                        uint16_t last, bool last_is_text, uint16_t *found)
{
    for (uint32_t i = (uint32_t)last + 1; i < document->nodes[signature].end; i++) {
        const struct xml_node *node = &document->nodes[i];
        if (node->kind == XML_ELEMENT) {
            *found = (uint16_t)i;
            return SIGNATURE_FLAW_NONE;
        }
        if (last_is_text && node->parent == last) continue;
        if (!profile_is_white(text_of(node))) {
            *found = node->parent;
            return SIGNATURE_FLAW_TEXT;
        }
    }
    *found = XML_NONE;
    return SIGNATURE_FLAW_NONE;
}

/* Something else stands where the table has `expected`: the most telling flaw, and its node. */
static enum signature_flaw misplaced(const struct xml_document *document, const uint16_t *places,
                                     enum place expected, uint16_t found, uint16_t *node)
{
    uint16_t const parent = places[shapes[expected].parent];
    bool const in_transforms = expected == TRANSFORM_ENVELOPED || expected == TRANSFORM_EXCLUSIVE ||
                               (expected == DIGEST_METHOD && found != XML_NONE &&
                                document->nodes[found].parent == places[TRANSFORMS]);
    *node = found;
    if (in_transforms) {
        *node = places[TRANSFORMS];
        return SIGNATURE_FLAW_TRANSFORM;
    }
    /* `found` begins behind the end of the parent: what was expected in it is not there. */
    if (found == XML_NONE || found >= document->nodes[parent].end) {
        *node = parent;
        return SIGNATURE_FLAW_ELEMENT_MISSING;
    }
    if (expected == SIGNATURE_VALUE && document->nodes[found].parent == places[SIGNED_INFO] &&
        span_equal(document_local(document, found), SPAN("Reference"))) {
        return SIGNATURE_FLAW_REFERENCE_SECOND;
    }
    return SIGNATURE_FLAW_ELEMENT;
}

static enum signature_flaw walk(struct profile *profile, const struct xml_document *document,
                                uint16_t *node)
{
    uint16_t places[PLACE_COUNT];
    uint16_t found = profile->signature;
    enum signature_flaw flaw = SIGNATURE_FLAW_NONE;

    for (enum place place = SIGNATURE; place < PLACE_COUNT; place++) {
        const struct shape *shape = &shapes[place];
        if (place != SIGNATURE) {
            flaw = next_element(document, profile->signature, found, shapes[place - 1].is_text,
                                &found);
            *node = found;
            if (flaw != SIGNATURE_FLAW_NONE) return flaw;
            if (found == XML_NONE || document->nodes[found].parent != places[shape->parent] ||
                !document_is(document, found, profile->namespace, span_text(shape->name))) {
                return misplaced(document, places, place, found, node);
            }
        }
        places[place] = found;

        struct span value = span_of(NULL, 0);
        *node = found;
        flaw = judge_attributes(document, found, shape, &value);
        if (flaw == SIGNATURE_FLAW_NONE && place == SIGNATURE_METHOD) {
            flaw = judge_method(profile, value);
        }
        if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    }

    /* Behind SignatureValue: KeyInfo or nothing, and behind that nothing (no ds:Object). */
    profile->key_info = XML_NONE;
    flaw = next_element(document, profile->signature, found, true, &found);
    *node = found;
    if (flaw != SIGNATURE_FLAW_NONE) return flaw;
    if (found != XML_NONE) {
        if (document->nodes[found].parent != profile->signature ||
            !document_is(document, found, profile->namespace, SPAN("KeyInfo"))) {
            return SIGNATURE_FLAW_ELEMENT;
        }
        profile->key_info = found;
        uint16_t const last = (uint16_t)(document->nodes[found].end - 1);
        flaw = next_element(document, profile->signature, last, false, &found);
        *node = found;
        if (flaw != SIGNATURE_FLAW_NONE) return flaw;
        if (found != XML_NONE) return SIGNATURE_FLAW_ELEMENT;
    }

    profile->signed_info = places[SIGNED_INFO];
    profile->method = places[SIGNATURE_METHOD];
    profile->digest_value = places[DIGEST_VALUE];
    profile->signature_value = places[SIGNATURE_VALUE];
    return SIGNATURE_FLAW_NONE;
}

static enum signature_flaw read_values(struct profile *profile, const struct xml_document *document,
                                       uint16_t *node)
{
    size_t size = 0;
    *node = profile->digest_value;
    if (base64_decode(document_text(document, profile->digest_value), profile->digest.bytes,
                      HASH_BYTES, &size) != FAULT_NONE ||
        size != HASH_BYTES) {
        return SIGNATURE_FLAW_BASE64;
    }
    *node = profile->signature_value;
    if (base64_decode(document_text(document, profile->signature_value), profile->value,
                      sizeof profile->value, &profile->value_size) != FAULT_NONE ||
        profile->value_size == 0) {
        return SIGNATURE_FLAW_BASE64;
    }
    return SIGNATURE_FLAW_NONE;
}

enum signature_flaw profile_read(struct profile *profile, const struct xml_document *document,
                                 uint16_t header_node, uint16_t *node)
{
    profile->namespace = document_namespace(document, SPAN(PROFILE_NAMESPACE));
    enum signature_flaw flaw = find_signature(profile, document, header_node, node);
    if (flaw == SIGNATURE_FLAW_NONE) flaw = find_second(profile, document, node);
    if (flaw == SIGNATURE_FLAW_NONE) flaw = walk(profile, document, node);
    if (flaw == SIGNATURE_FLAW_NONE) flaw = read_values(profile, document, node);
    return flaw;
}
