/* From the bytes to the signature, and at each step what is readable held against the bytes:
 *
 *   public --entry's hash--> leaf --path--> root, which must be the header's --signature--> the switch
 *
 * The steps must also be those of this entry's place in its block, so that the sequence is proved
 * twice. */
#include "ledger/verify/receipt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ledger/verify/layout.h"
#include "proto/base/time.h"
#include "proto/crypto/base64.h"
#include "proto/crypto/hash.h"
#include "proto/crypto/key.h"
#include "proto/crypto/verifier.h"

#define BLOCK_ENTRIES_MAX 4096

struct check {
    const struct receipt_claim *claim;
    char *words;
    char public_part[LAYOUT_PUBLIC_BYTES];
    char header_bytes[LAYOUT_HEADER_BYTES];
    struct layout_header header;
    struct hash hash; /* of the entry */
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct check *check, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check->words, RECEIPT_WORDS_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* --- members ---------------------------------------------------------------------------------- */

/* Exactly `size` bytes, without white space. */
static bool read_base64(struct check *check, const char *name, struct span text, char *bytes,
                        size_t size)
{
    size_t found = 0;
    if (text.size == BASE64_TEXT_SIZE(size) &&
        base64_decode(text, (uint8_t *)bytes, size, &found) == FAULT_NONE && found == size)
        return true;
    return wrong(check, "%s is not base64 of %zu bytes", name, size);
}

static bool read_hash(struct check *check, const char *name, struct span text, struct hash *hash)
{
    return hash_parse(text, hash) || wrong(check, "%s is no hash", name);
}

static bool is_number(struct check *check, const char *name, uint64_t said, uint64_t stored)
{
    return said == stored || wrong(check, "%s is not what the bytes say", name);
}

static bool is_text(struct check *check, const char *name, struct span said, struct span stored)
{
    return span_equal(said, stored) || wrong(check, "%s is not what the bytes say", name);
}

static bool is_time(struct check *check, const char *name, struct span said, uint64_t stored_ns)
{
    char text[TIME_TEXT_BYTES];
    size_t const size = stored_ns == 0 ? 0 : time_print_ns((int64_t)stored_ns, text);
    return is_text(check, name, said, span_of(text, size));
}

static bool is_hash(struct check *check, const char *name, struct span said,
                    const struct hash *stored)
{
    struct hash hash;
    return read_hash(check, name, said, &hash) &&
           (hash_equal(&hash, stored) || wrong(check, "%s is not what the bytes say", name));
}

/* A text of up to `max` bytes, zeros behind it. */
static struct span text_at(const struct check *check, size_t at, size_t max)
{
    const char *text = check->public_part + at;
    return span_of(text, strnlen(text, max));
}

/* --- the entry -------------------------------------------------------------------------------- */

static bool check_entry(struct check *check)
{
    const struct receipt_claim_entry *const said = &check->claim->entry;
    const char *const bytes = check->public_part;
    if (!read_base64(check, "public", check->claim->public_part, check->public_part,
                     sizeof check->public_part))
        return false;
    if (layout_u32(bytes) != 1) return wrong(check, "public is of a version that is not known");
    if (layout_u32(bytes + 4) != LAYOUT_SETTLED)
        return wrong(check, "the entry is not of a settled payment");
    size_t const id_size = (uint8_t)bytes[64];
    if (id_size > 35) return wrong(check, "public has an id that is too long");
    return is_number(check, "entry.seq", said->seq, layout_u64(bytes + 8)) &&
           is_time(check, "entry.time", said->time, layout_u64(bytes + 16)) &&
           is_text(check, "entry.kind", said->kind, SPAN("settled")) &&
           is_text(check, "entry.payer_agent", said->payer_agent, text_at(check, 24, 8)) &&
           is_text(check, "entry.payee_agent", said->payee_agent, text_at(check, 32, 8)) &&
           is_text(check, "entry.payer", said->payer, text_at(check, 40, 8)) &&
           is_text(check, "entry.payee", said->payee, text_at(check, 48, 8)) &&
           is_number(check, "entry.amount_minor", said->amount_minor, layout_u64(bytes + 56)) &&
           is_text(check, "entry.id", said->id, span_of(bytes + 65, id_size)) &&
           is_text(check, "entry.reason", said->reason, text_at(check, 100, 16)) &&
           is_text(check, "entry.currency", said->currency, text_at(check, 116, 4)) &&
           is_time(check, "entry.deadline", said->deadline, layout_u64(bytes + 120)) &&
           is_number(check, "entry.opened_by", said->opened_by, layout_u64(bytes + 128)) &&
           is_number(check, "entry.returned_seq", said->returned_seq, layout_u64(bytes + 136));
}

static bool check_hash(struct check *check)
{
    const struct receipt_claim *const claim = check->claim;
    struct hash private_hash, body_hash, prev_hash, said;
    if (!read_hash(check, "private_hash", claim->private_hash, &private_hash) ||
        !read_hash(check, "body_hash", claim->body_hash, &body_hash) ||
        !read_hash(check, "prev_hash", claim->prev_hash, &prev_hash) ||
        !read_hash(check, "hash", claim->hash, &said))
        return false;
    struct span const parts[] = {hash_span(&prev_hash),
                                 span_of(check->public_part, sizeof check->public_part),
                                 hash_span(&private_hash), hash_span(&body_hash)};
    check->hash = hash_parts(parts, 4);
    return hash_equal(&check->hash, &said) ||
           wrong(check, "hash is not that of prev_hash, public, private_hash and body_hash");
}

/* --- the block -------------------------------------------------------------------------------- */

static bool check_block(struct check *check)
{
    const struct receipt_claim_block *const said = &check->claim->block;
    struct layout_header *const header = &check->header;
    if (!read_base64(check, "block.header", said->header, check->header_bytes,
                     sizeof check->header_bytes))
        return false;
    layout_read_header(span_of(check->header_bytes, sizeof check->header_bytes), header);
    if (header->version != 1) return wrong(check, "block.header is of a version that is not known");
    if (header->count < 1 || header->count > BLOCK_ENTRIES_MAX ||
        header->last_seq - header->first_seq != header->count - 1)
        return wrong(check, "block.header has a count that is not its entries'");
    if (check->claim->entry.seq < header->first_seq || check->claim->entry.seq > header->last_seq)
        return wrong(check, "the block does not hold the entry");
    return is_number(check, "block.number", said->number, header->number) &&
           is_hash(check, "block.root", said->root, &header->root) &&
           is_hash(check, "block.previous", said->previous, &header->previous) &&
           is_number(check, "block.first", said->first, header->first_seq) &&
           is_number(check, "block.last", said->last, header->last_seq) &&
           is_time(check, "block.time", said->time, (uint64_t)header->time_ns);
}

/* RFC 6962's tree level by level: nodes are paired from the left, and an odd last one goes up as it
 * is.  `place` is where the entry's node stands among the `count` of a level. */
static bool check_path(struct check *check)
{
    const struct receipt_claim *const claim = check->claim;
    uint64_t place = claim->entry.seq - check->header.first_seq, count = check->header.count;
    struct span const leaf[] = {SPAN("\0"), hash_span(&check->hash)};
    struct hash reached = hash_parts(leaf, 2);
    size_t step = 0;
    for (; count > 1; count = (count + 1) / 2, place /= 2) {
        if (place == count - 1 && count % 2 == 1) continue;
        struct span const side = place % 2 == 1 ? SPAN("left") : SPAN("right");
        struct hash sibling;
        if (step == claim->path_count)
            return wrong(check, "path has too few steps for the entry's place in the block");
        if (!span_equal(claim->path[step].side, side))
            return wrong(check, "path[%zu].side is not that of the entry's place in the block",
                         step);
        if (!hash_parse(claim->path[step].hash, &sibling))
            return wrong(check, "path[%zu].hash is no hash", step);
        struct span const node[] = {SPAN("\1"), hash_span(place % 2 == 1 ? &sibling : &reached),
                                    hash_span(place % 2 == 1 ? &reached : &sibling)};
        reached = hash_parts(node, 3);
        step += 1;
    }
    if (step < claim->path_count)
        return wrong(check, "path has too many steps for the entry's place in the block");
    return hash_equal(&reached, &check->header.root) ||
           wrong(check, "path does not lead from hash to the header's root");
}

/* --- the signature ---------------------------------------------------------------------------- */

static bool is_signed(const struct check *check, const struct public_key *key,
                      const uint8_t *signature, size_t size)
{
    struct verifier *verifier = NULL;
    struct hash const digest = hash_of(span_of(check->header_bytes, sizeof check->header_bytes));
    if (verifier_open(&verifier, 1) != FAULT_NONE) return false;
    bool const good =
        verifier_check(verifier, key, &digest, span_of(signature, size), KEY_ENCODING_DER);
    verifier_close(verifier);
    return good;
}

static bool check_signature(struct check *check, const struct certificate *certificate)
{
    const struct receipt_claim_signature *const said = &check->claim->signature;
    const struct public_key *const key = certificate_key(certificate);
    struct hash fingerprint;
    uint8_t signature[KEY_SIGNATURE_BYTES_MAX];
    size_t size = 0;
    if (!read_hash(check, "signature.certificate_sha256", said->certificate_sha256, &fingerprint))
        return false;
    if (!hash_equal(&fingerprint, certificate_fingerprint(certificate)))
        return wrong(check, "signature.certificate_sha256 is not that of the certificate given");
    if (key == NULL) return wrong(check, "the certificate has a key that does not sign");
    if (!span_equal(said->algorithm,
                    key_kind(key) == KEY_RSA ? SPAN("rsa-sha256") : SPAN("ecdsa-sha256")))
        return wrong(check, "signature.algorithm is not that of the certificate's key");
    if (base64_decode(said->value, signature, sizeof signature, &size) != FAULT_NONE ||
        said->value.size != BASE64_TEXT_SIZE(size))
        return wrong(check, "signature.value is not base64 of a signature");
    return is_signed(check, key, signature, size) ||
           wrong(check, "signature.value is not the certificate's over block.header");
}

bool receipt_check(const struct receipt_claim *claim, const struct certificate *certificate,
                   char words[RECEIPT_WORDS_BYTES])
{
    struct check check = {.claim = claim, .words = words};
    words[0] = 0;
    if (claim->version != 1) return wrong(&check, "version is not 1");
    return check_entry(&check) && check_hash(&check) && check_block(&check) && check_path(&check) &&
           check_signature(&check, certificate);
}
