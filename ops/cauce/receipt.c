/* cauce receipt verify FILE --cert CRT: does the switch whose certificate this is say what the
 * receipt says?  Offline; FILE is the answer to GET /api/v1/receipts/..., `-` is standard input.
 *
 *   ok seq=N id=ID payer=CODE payee=CODE amount=12.34 MXN time=TIME      exit 0
 *   the first thing wrong                                                exit 1, on standard error
 *
 * Exit 2: wrong usage, or a certificate that cannot be read. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ledger/verify/receipt.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/amount.h"

#define FILE_BYTES_MAX (64 * 1024) /* a receipt has at most 6 KiB */

/* --- JSON into a claim ------------------------------------------------------------------------ */

enum member_kind { MEMBER_TEXT, MEMBER_TEXT_OR_NULL, MEMBER_NUMBER, MEMBER_NUMBER_OR_NULL };

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset; /* in the structure that is filled */
};

#define AT(part, name, kind)                                                                       \
    {                                                                                              \
#name, MEMBER_##kind, offsetof(struct receipt_claim_##part, name)                          \
    }
static const struct member entry_members[] = {
    AT(entry, seq, NUMBER),
    AT(entry, time, TEXT),
    AT(entry, kind, TEXT),
    AT(entry, payer, TEXT),
    AT(entry, payee, TEXT),
    AT(entry, payer_agent, TEXT),
    AT(entry, payee_agent, TEXT),
    AT(entry, amount_minor, NUMBER),
    AT(entry, currency, TEXT),
    AT(entry, id, TEXT),
    AT(entry, reason, TEXT_OR_NULL),
    AT(entry, deadline, TEXT_OR_NULL),
    AT(entry, opened_by, NUMBER_OR_NULL),
    AT(entry, returned_seq, NUMBER_OR_NULL),
};
static const struct member step_members[] = {AT(step, side, TEXT), AT(step, hash, TEXT)};
static const struct member block_members[] = {
    AT(block, header, TEXT),   AT(block, number, NUMBER), AT(block, root, TEXT),
    AT(block, previous, TEXT), AT(block, first, NUMBER),  AT(block, last, NUMBER),
    AT(block, time, TEXT),
};
static const struct member signature_members[] = {
    AT(signature, algorithm, TEXT),
    AT(signature, value, TEXT),
    AT(signature, certificate_sha256, TEXT),
};
static const struct member receipt_members[] = {
    {"version", MEMBER_NUMBER, offsetof(struct receipt_claim, version)},
    {"public", MEMBER_TEXT, offsetof(struct receipt_claim, public_part)},
    {"private_hash", MEMBER_TEXT, offsetof(struct receipt_claim, private_hash)},
    {"body_hash", MEMBER_TEXT, offsetof(struct receipt_claim, body_hash)},
    {"prev_hash", MEMBER_TEXT, offsetof(struct receipt_claim, prev_hash)},
    {"hash", MEMBER_TEXT, offsetof(struct receipt_claim, hash)},
};
#undef AT
#define RECEIPT_PARTS 4 /* entry, path, block, signature */
#define COUNT(members) (sizeof(members) / sizeof(members)[0])

static bool say(const char *part, const char *name, const char *words)
{
    fprintf(stderr, "cauce receipt: %s%s%s\n", part, name, words);
    return false;
}

static bool take_text(const json_t *value, struct span *text)
{
    if (!json_is_string(value) || json_string_length(value) == 0) return false;
    *text = span_of(json_string_value(value), json_string_length(value));
    return true;
}

static bool take_number(const json_t *value, uint64_t least, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < (json_int_t)least) return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool take_member(const json_t *value, const struct member *member, void *into)
{
    char *const at = (char *)into + member->offset;
    switch (member->kind) {
    case MEMBER_TEXT_OR_NULL:
        if (json_is_null(value)) return true;
        return take_text(value, (struct span *)(void *)at);
    case MEMBER_TEXT: return take_text(value, (struct span *)(void *)at);
    case MEMBER_NUMBER_OR_NULL:
        if (json_is_null(value)) return true;
        return take_number(value, 1, (uint64_t *)(void *)at);
    case MEMBER_NUMBER: break;
    }
    return take_number(value, 0, (uint64_t *)(void *)at);
}

/* An object of these members and `others` more, which are not looked at here. */
static bool take_object(const json_t *object, const char *part, const struct member *members,
                        size_t count, size_t others, void *into)
{
    if (!json_is_object(object)) return say(part, "", " is no object");
    for (size_t i = 0; i < count; i++) {
        const char *const name = members[i].name;
        const json_t *const value = json_object_get(object, name);
        if (value == NULL) return say(part, name, " is missing");
        if (!take_member(value, &members[i], into))
            return say(part, name, " is of another type, or empty");
    }
    return json_object_size(object) == count + others ||
           say(part, "", " has a member that no receipt has, or lacks one");
}

static bool take_path(const json_t *path, struct receipt_claim *claim)
{
    if (!json_is_array(path) || json_array_size(path) > RECEIPT_STEPS_MAX)
        return say("path", "", " is no list of at most 12 steps");
    claim->path_count = json_array_size(path);
    for (size_t i = 0; i < claim->path_count; i++) {
        if (!take_object(json_array_get(path, i), "path[].", step_members, COUNT(step_members), 0,
                         &claim->path[i]))
            return false;
    }
    return true;
}

static bool take_receipt(const json_t *receipt, struct receipt_claim *claim)
{
    return take_object(receipt, "", receipt_members, COUNT(receipt_members), RECEIPT_PARTS,
                       claim) &&
           take_object(json_object_get(receipt, "entry"), "entry.", entry_members,
                       COUNT(entry_members), 0, &claim->entry) &&
           take_path(json_object_get(receipt, "path"), claim) &&
           take_object(json_object_get(receipt, "block"), "block.", block_members,
                       COUNT(block_members), 0, &claim->block) &&
           take_object(json_object_get(receipt, "signature"), "signature.", signature_members,
                       COUNT(signature_members), 0, &claim->signature);
}

/* --- the verdict ------------------------------------------------------------------------------ */

static void print_ok(const struct receipt_claim_entry *entry)
{
    char amount[AMOUNT_TEXT_BYTES];
    (void)amount_print(amount_of_minor((int64_t)entry->amount_minor), amount);
    printf("ok seq=%" PRIu64 " id=%.*s payer=%.*s payee=%.*s amount=%s %.*s time=%.*s\n",
           entry->seq, (int)entry->id.size, entry->id.bytes, (int)entry->payer.size,
           entry->payer.bytes, (int)entry->payee.size, entry->payee.bytes, amount,
           (int)entry->currency.size, entry->currency.bytes, (int)entry->time.size,
           entry->time.bytes);
}

static int judge(const json_t *receipt, const struct certificate *certificate)
{
    struct receipt_claim claim = {0};
    char words[RECEIPT_WORDS_BYTES];
    if (!take_receipt(receipt, &claim)) return 1;
    if (!receipt_check(&claim, certificate, words)) {
        (void)say(words, "", "");
        return 1;
    }
    print_ok(&claim.entry);
    return 0;
}

static int verify_file(const char *path, const struct certificate *certificate)
{
    static char text[FILE_BYTES_MAX];
    FILE *const file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t const size = fread(text, 1, sizeof text, file);
    bool const is_whole = !ferror(file) && size < sizeof text;
    if (file != stdin) (void)fclose(file);
    if (!is_whole) {
        (void)say(path, "", ": cannot be read, or is no receipt");
        return 1;
    }
    json_error_t error;
    json_t *const receipt = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (receipt == NULL) {
        fprintf(stderr, "cauce receipt: %s: line %d: %s\n", path, error.line, error.text);
        return 1;
    }
    int const code = judge(receipt, certificate);
    json_decref(receipt);
    return code;
}

static int usage(FILE *where, int code)
{
    fprintf(where, "usage: cauce receipt verify FILE --cert CRT\n");
    return code;
}

int receipt_main(int count, char **arguments)
{
    const char *path = NULL, *certificate_path = NULL, *words = "";
    struct certificate *certificate = NULL;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--help") == 0) return usage(stdout, 0);
    }
    if (count != 5 || strcmp(arguments[1], "verify") != 0) return usage(stderr, 2);
    for (int i = 2; i < count; i++) {
        if (strcmp(arguments[i], "--cert") == 0 && i + 1 < count && !certificate_path)
            certificate_path = arguments[++i];
        else if (!path)
            path = arguments[i];
    }
    if (!path || !certificate_path) return usage(stderr, 2);
    if (certificate_load(&certificate, certificate_path, &words) != FAULT_NONE) {
        fprintf(stderr, "cauce receipt: %s: %s\n", certificate_path, words);
        return 2;
    }
    int const code = verify_file(path, certificate);
    certificate_close(certificate);
    return code;
}
