/* json: writes the two values field by field into the caller's buffer.
 *
 * No check of room is made while writing: every field has a largest size, and the asserts below
 * pin their sum. */
#include "proto/record/json.h"

#include <assert.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/crypto/base64.h"

/* Where the next byte goes. */
struct cursor {
    char *at;
};

/* The readable fields at their largest: names and punctuation, eight numbers of 20 digits, six
 * codes of 8, ids of 35, a reason whose 16 bytes are all escaped (6 each), two times of 30. */
#define READABLE_BYTES_MAX (512 + 8 * 20 + 6 * 8 + 35 + 16 * 6 + 2 * TIME_TEXT_BYTES)
#define BALANCES_BYTES_MAX (2 * (80 + 8 + 2 * 20))
#define HASHES_BYTES_MAX (100 + 2 * HASH_TEXT_BYTES)
static_assert(READABLE_BYTES_MAX + BALANCES_BYTES_MAX + HASHES_BYTES_MAX < JSON_PAYMENT_BYTES_MAX,
              "the readable fields fit");

static void put(struct cursor *cursor, struct span bytes)
{
    if (bytes.size == 0) return;
    memcpy(cursor->at, bytes.bytes, bytes.size);
    cursor->at += bytes.size;
}

/* ,"name": and the first of an object without the comma. */
static void put_name(struct cursor *cursor, const char *name)
{
    if (cursor->at[-1] != '{') put(cursor, SPAN(","));
    put(cursor, SPAN("\""));
    put(cursor, span_text(name));
    put(cursor, SPAN("\":"));
}

/* A string; bytes below space, quote and backslash are escaped, all else is UTF-8 already. */
static void put_string(struct cursor *cursor, struct span text)
{
    static const char digits[] = "0123456789abcdef";
    put(cursor, SPAN("\""));
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            *cursor->at++ = (char)byte;
        } else {
            put(cursor, SPAN("\\u00"));
            *cursor->at++ = digits[byte >> 4];
            *cursor->at++ = digits[byte & 15];
        }
    }
    put(cursor, SPAN("\""));
}

static void put_text(struct cursor *cursor, const char *name, struct span text)
{
    put_name(cursor, name);
    if (text.size == 0) {
        put(cursor, SPAN("null"));
    } else {
        put_string(cursor, text);
    }
}

static void put_unsigned(struct cursor *cursor, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (count > 0)
        *cursor->at++ = digits[--count];
}

static void put_minor(struct cursor *cursor, const char *name, struct amount amount)
{
    int64_t minor = amount_minor(amount);
    put_name(cursor, name);
    if (minor < 0) put(cursor, SPAN("-"));
    put_unsigned(cursor, minor < 0 ? (uint64_t)-minor : (uint64_t)minor);
}

static void put_number_or_null(struct cursor *cursor, const char *name, uint64_t number)
{
    put_name(cursor, name);
    if (number == 0) {
        put(cursor, SPAN("null"));
    } else {
        put_unsigned(cursor, number);
    }
}

static void put_time_or_null(struct cursor *cursor, const char *name, int64_t time_ns)
{
    char text[TIME_TEXT_BYTES];
    put_text(cursor, name,
             time_ns == 0 ? (struct span){0} : span_of(text, time_print_ns(time_ns, text)));
}

static void put_hash(struct cursor *cursor, const char *name, const struct hash *hash)
{
    char text[HASH_TEXT_BYTES];
    hash_print(hash, text);
    put_text(cursor, name, span_of(text, HASH_TEXT_BYTES - 1));
}

static void put_base64(struct cursor *cursor, const char *name, struct span bytes)
{
    put_name(cursor, name);
    put(cursor, SPAN("\""));
    cursor->at += base64_encode(bytes, cursor->at);
    put(cursor, SPAN("\""));
}

/* What both topics say, "{" included. */
static void put_public(struct cursor *cursor, const struct entry_public *public)
{
    const char *kind = entry_kind_name(public->kind);
    assert(kind != NULL); /* the core writes no other, the ledger checks what it reads */
    put(cursor, SPAN("{"));
    put_name(cursor, "seq");
    put_unsigned(cursor, public->seq);
    put_time_or_null(cursor, "time", public->time_ns);
    put_text(cursor, "kind", span_text(kind));
    put_text(cursor, "payer", identifier_code_text(&public->payer));
    put_text(cursor, "payee", identifier_code_text(&public->payee));
    put_text(cursor, "payer_agent", identifier_code_text(&public->payer_agent));
    put_text(cursor, "payee_agent", identifier_code_text(&public->payee_agent));
    put_minor(cursor, "amount_minor", public->amount);
    put_text(cursor, "currency", identifier_currency_text(&public->currency));
    put_text(cursor, "id", identifier_payment_id_text(&public->id));
    put_text(cursor, "reason", identifier_reason_text(&public->reason));
    put_time_or_null(cursor, "deadline", public->deadline_ns);
    put_number_or_null(cursor, "opened_by", public->opened_by);
    put_number_or_null(cursor, "returned_seq", public->returned_seq);
}

static void put_balances(struct cursor *cursor, const struct entry *entry)
{
    put_name(cursor, "balances");
    put(cursor, SPAN("["));
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry_side_use(entry->public.kind, side) == SIDE_NONE) continue;
        const struct participant_code participant = entry_participant(entry, side);
        if (identifier_code_is_none(participant)) continue;
        if (cursor->at[-1] != '[') put(cursor, SPAN(","));
        put(cursor, SPAN("{"));
        put_text(cursor, "participant", identifier_code_text(&participant));
        put_minor(cursor, "available_minor", entry->private.accounts[side].available);
        put_minor(cursor, "reserved_minor", entry->private.accounts[side].reserved);
        put(cursor, SPAN("}"));
    }
    put(cursor, SPAN("]"));
}

bool json_is_payment(const struct entry *entry)
{
    switch ((enum entry_kind)entry->public.kind) {
    case ENTRY_RESERVED:
    case ENTRY_SETTLED:
    case ENTRY_REJECTED:
    case ENTRY_EXPIRED:
    case ENTRY_REFUSED: return true;
    case ENTRY_SEGMENT:
    case ENTRY_JOINED:
    case ENTRY_CERTIFICATE:
    case ENTRY_FUNDED:
    case ENTRY_DAY: return false;
    }
    return false;
}

size_t json_entry(const struct entry *entry, struct span body, char text[JSON_ENTRY_BYTES_MAX])
{
    assert(body.size <= ENTRY_BODY_BYTES_MAX);
    struct cursor cursor = {.at = text};
    put_public(&cursor, &entry->public);
    put_balances(&cursor, entry);
    put_hash(&cursor, "prev_hash", &entry->prev_hash);
    put_base64(&cursor, "public", span_of(&entry->public, sizeof entry->public));
    put_base64(&cursor, "private", span_of(&entry->private, sizeof entry->private));
    if (body.size > 0) put_base64(&cursor, "body", body);
    put_hash(&cursor, "hash", &entry->hash);
    put(&cursor, SPAN("}"));
    return (size_t)(cursor.at - text);
}

size_t json_payment(const struct entry *entry, char text[JSON_PAYMENT_BYTES_MAX])
{
    struct cursor cursor = {.at = text};
    put_public(&cursor, &entry->public);
    put(&cursor, SPAN("}"));
    return (size_t)(cursor.at - text);
}
