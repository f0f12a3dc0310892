/* receipt: writes the JSON member by member into the caller's buffer.
 *
 * No check of room is made while writing: every member has a largest size, and the assert below pins
 * their sum.  Nothing written here needs an escape: numbers, base64, hexadecimal; the entry is
 * json.h's. */
#include "proto/record/receipt.h"

#include "proto/base/time.h"
#include "proto/crypto/base64.h"
#include "proto/record/json.h"

#define STEP_BYTES_MAX (sizeof "{\"side\":\"right\",\"hash\":\"\"}," + 2 * HASH_BYTES)
#define NAMES_BYTES_MAX 512 /* of all members but the entry's and the path's, with their signs */
static_assert(JSON_PAYMENT_BYTES_MAX + BASE64_TEXT_SIZE(ENTRY_PUBLIC_BYTES) +
                      BASE64_TEXT_SIZE(BLOCK_HEADER_BYTES) +
                      BASE64_TEXT_SIZE(KEY_SIGNATURE_BYTES_MAX) +
                      RECEIPT_PATH_MAX * STEP_BYTES_MAX + 7 * HASH_TEXT_BYTES + 4 * 20 +
                      TIME_TEXT_BYTES + NAMES_BYTES_MAX <
                  RECEIPT_TEXT_BYTES_MAX,
              "the longest receipt fits");

/* Where the next byte goes. */
struct cursor {
    char *at;
};

static void put(struct cursor *cursor, const char *text)
{
    size_t const size = strlen(text);
    memcpy(cursor->at, text, size);
    cursor->at += size;
}

static void put_hash(struct cursor *cursor, const char *before, const struct hash *hash)
{
    char text[HASH_TEXT_BYTES];
    hash_print(hash, text);
    put(cursor, before);
    put(cursor, "\"");
    put(cursor, text);
    put(cursor, "\"");
}

static void put_base64(struct cursor *cursor, const char *before, struct span bytes)
{
    put(cursor, before);
    put(cursor, "\"");
    cursor->at += base64_encode(bytes, cursor->at);
    put(cursor, "\"");
}

static void put_number(struct cursor *cursor, const char *before, uint64_t number)
{
    char digits[21];
    char *first = &digits[sizeof digits - 1];
    *first = 0;
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    put(cursor, before);
    put(cursor, first);
}

static void put_entry(struct cursor *cursor, const struct receipt *receipt)
{
    struct entry const entry = {.public = receipt->public};
    put(cursor, "\"entry\":");
    cursor->at += json_payment(&entry, cursor->at);
    put_base64(cursor, ",\"public\":", span_of(&receipt->public, sizeof receipt->public));
    put_hash(cursor, ",\"private_hash\":", &receipt->private_hash);
    put_hash(cursor, ",\"body_hash\":", &receipt->body_hash);
    put_hash(cursor, ",\"prev_hash\":", &receipt->prev_hash);
    put_hash(cursor, ",\"hash\":", &receipt->hash);
}

static void put_path(struct cursor *cursor, const struct receipt *receipt)
{
    put(cursor, ",\"path\":[");
    for (uint32_t i = 0; i < receipt->path_count; i++) {
        const struct receipt_step *const step = &receipt->path[i];
        put(cursor, i > 0 ? "," : "");
        put(cursor, step->is_left ? "{\"side\":\"left\"" : "{\"side\":\"right\"");
        put_hash(cursor, ",\"hash\":", &step->hash);
        put(cursor, "}");
    }
    put(cursor, "]");
}

static void put_block(struct cursor *cursor, const struct block_header *header)
{
    char time[TIME_TEXT_BYTES];
    (void)time_print_ns(header->time_ns, time);
    put_base64(cursor, ",\"block\":{\"header\":", span_of(header, sizeof *header));
    put_number(cursor, ",\"number\":", header->number);
    put_hash(cursor, ",\"root\":", &header->root);
    put_hash(cursor, ",\"previous\":", &header->previous);
    put_number(cursor, ",\"first\":", header->first_seq);
    put_number(cursor, ",\"last\":", header->last_seq);
    put(cursor, ",\"time\":\"");
    put(cursor, time);
    put(cursor, "\"}");
}

static void put_signature(struct cursor *cursor, const struct receipt_signature *signature)
{
    put(cursor, ",\"signature\":{\"algorithm\":");
    put(cursor, signature->kind == KEY_RSA ? "\"rsa-sha256\"" : "\"ecdsa-sha256\"");
    put_base64(cursor, ",\"value\":", span_of(signature->bytes, signature->size));
    put_hash(cursor, ",\"certificate_sha256\":", &signature->certificate);
    put(cursor, "}");
}

size_t receipt_write(const struct receipt *receipt, const struct receipt_signature *signature,
                     char text[RECEIPT_TEXT_BYTES_MAX])
{
    assert(receipt->path_count <= RECEIPT_PATH_MAX && signature->size <= KEY_SIGNATURE_BYTES_MAX);
    struct cursor cursor = {.at = text};
    put_number(&cursor, "{\"version\":", RECEIPT_VERSION);
    put(&cursor, ",");
    put_entry(&cursor, receipt);
    put_path(&cursor, receipt);
    put_block(&cursor, &receipt->header);
    put_signature(&cursor, signature);
    put(&cursor, "}");
    return (size_t)(cursor.at - text);
}
