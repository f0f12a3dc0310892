/* json: the two event values byte by byte, escapes, the largest entry, and hashes made again. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/crypto/base64.h"
#include "proto/record/json.h"

static char text[JSON_ENTRY_BYTES_MAX + 1];

static struct participant_code code(const char *letters)
{
    struct participant_code parsed = {0};
    ck_assert(identifier_parse_code(span_text(letters), &parsed));
    return parsed;
}

/* A settled payment of 12.34 from an indirect bank, as the core writes it. */
static struct entry settled(void)
{
    struct entry entry = {
        .public = {.version = ENTRY_VERSION,
                   .kind = ENTRY_SETTLED,
                   .seq = 21,
                   .payer_agent = code("10000101"),
                   .payee_agent = code("10000002"),
                   .payer = code("10000001"),
                   .payee = code("10000002"),
                   .amount = amount_of_minor(1234),
                   .opened_by = 20},
        .private = {.version = ENTRY_VERSION},
    };
    ck_assert_int_eq(time_parse(SPAN("2026-11-21T18:00:00.123456789Z"), &entry.public.time_ns),
                     TIME_PARSE_GOOD);
    ck_assert(identifier_parse_payment_id(SPAN("E1/a+b"), &entry.public.id));
    ck_assert(identifier_parse_currency(SPAN("MXN"), &entry.public.currency));
    entry.private.accounts[SIDE_PAYER].available = amount_of_minor(98766);
    entry.private.accounts[SIDE_PAYEE].available = amount_of_minor(101234);
    entry.private.accounts[SIDE_PAYEE].reserved = amount_of_minor(5);
    entry.prev_hash = hash_of(SPAN("before"));
    entry.hash = entry_hash(&entry);
    return entry;
}

START_TEST(a_settled_entry_reads_so)
{
    static const char readable[] =
        "{\"seq\":21,\"time\":\"2026-11-21T18:00:00.123456789Z\",\"kind\":\"settled\","
        "\"payer\":\"10000001\",\"payee\":\"10000002\",\"payer_agent\":\"10000101\","
        "\"payee_agent\":\"10000002\",\"amount_minor\":1234,\"currency\":\"MXN\","
        "\"id\":\"E1/a+b\",\"reason\":null,\"deadline\":null,\"opened_by\":20,"
        "\"returned_seq\":null";
    static const char balances[] =
        ",\"balances\":[{\"participant\":\"10000001\",\"available_minor\":98766,"
        "\"reserved_minor\":0},{\"participant\":\"10000002\",\"available_minor\":101234,"
        "\"reserved_minor\":5}],\"prev_hash\":\"";
    struct entry const entry = settled();
    size_t length = json_payment(&entry, text);
    text[length] = '\0';
    ck_assert_uint_eq(length, strlen(readable) + 1);
    ck_assert_mem_eq(text, readable, strlen(readable));
    ck_assert_str_eq(text + strlen(readable), "}");

    length = json_entry(&entry, (struct span){0}, text);
    text[length] = '\0';
    ck_assert_mem_eq(text, readable, strlen(readable));
    ck_assert_mem_eq(text + strlen(readable), balances, strlen(balances));
    ck_assert_ptr_null(strstr(text, "\"body\""));
    ck_assert_int_eq(text[length - 1], '}');
}
END_TEST

/* The bytes of a base64 field of the JSON in `text`. */
static size_t decode(const char *name, uint8_t *bytes, size_t bytes_max)
{
    size_t size = 0;
    const char *at = strstr(text, name);
    ck_assert_ptr_nonnull(at);
    at += strlen(name);
    ck_assert_int_eq(
        base64_decode(span_of(at, (size_t)(strchr(at, '"') - at)), bytes, bytes_max, &size),
        FAULT_NONE);
    return size;
}

START_TEST(the_hash_can_be_made_again)
{
    static uint8_t public[ENTRY_PUBLIC_BYTES];
    static uint8_t private[ENTRY_PRIVATE_BYTES];
    static uint8_t body[ENTRY_BODY_BYTES_MAX];
    static const char stored[] = "\1\0a body \0 of bytes";
    struct entry entry = settled();
    struct span const body_bytes = span_of(stored, sizeof stored);
    entry.body_hash = hash_of(body_bytes);
    entry.hash = entry_hash(&entry);
    size_t const length = json_entry(&entry, body_bytes, text);
    text[length] = '\0';
    ck_assert_uint_eq(decode("\"public\":\"", public, sizeof public), sizeof public);
    ck_assert_uint_eq(decode("\"private\":\"", private, sizeof private), sizeof private);
    ck_assert_uint_eq(decode("\"body\":\"", body, sizeof body), sizeof stored);

    struct hash const private_hash = hash_of(span_of(private, sizeof private));
    struct hash const body_hash = hash_of(span_of(body, sizeof stored));
    struct span const parts[] = {hash_span(&entry.prev_hash), span_of(public, sizeof public),
                                 hash_span(&private_hash), hash_span(&body_hash)};
    struct hash const hash = hash_parts(parts, 4);
    char hex[HASH_TEXT_BYTES];
    hash_print(&hash, hex);
    char *stated = strstr(text, "\"hash\":\"");
    ck_assert_ptr_nonnull(stated);
    ck_assert_mem_eq(stated + 8, hex, HASH_TEXT_BYTES - 1);
}
END_TEST

START_TEST(reasons_are_escaped)
{
    struct entry entry = settled();
    entry.public.kind = ENTRY_REJECTED;
    entry.public.reason = REASON("\"\\\xC3\xA1\t");
    size_t const length = json_payment(&entry, text);
    text[length] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "\"reason\":\"\\u0022\\u005c\xC3\xA1\\u0009\""));
}
END_TEST

START_TEST(the_largest_entry_fits)
{
    static uint8_t body[ENTRY_BODY_BYTES_MAX];
    struct entry entry = settled();
    memset(body, 0xFF, sizeof body);
    entry.public.kind = ENTRY_CERTIFICATE; /* the longest name */
    entry.public.seq = UINT64_MAX;
    entry.public.opened_by = UINT64_MAX;
    entry.public.returned_seq = UINT64_MAX;
    entry.public.deadline_ns = entry.public.time_ns;
    entry.public.amount = amount_of_minor(-AMOUNT_MAX_MINOR);
    memset(entry.public.reason.text, '\1', sizeof entry.public.reason.text);
    ck_assert_uint_lt(json_entry(&entry, span_of(body, sizeof body), text), JSON_ENTRY_BYTES_MAX);
    entry.public.kind = ENTRY_RESERVED;
    entry.private.accounts[SIDE_PAYER].available = amount_of_minor(-AMOUNT_MAX_MINOR);
    entry.private.accounts[SIDE_PAYER].reserved = amount_of_minor(-AMOUNT_MAX_MINOR);
    ck_assert_uint_lt(json_entry(&entry, span_of(body, sizeof body), text), JSON_ENTRY_BYTES_MAX);
    ck_assert_uint_lt(json_payment(&entry, text), JSON_PAYMENT_BYTES_MAX);
}
END_TEST

static const struct {
    enum entry_kind kind;
    bool is_payment;
} kinds[] = {
    {ENTRY_SEGMENT, false}, {ENTRY_JOINED, false},  {ENTRY_CERTIFICATE, false},
    {ENTRY_FUNDED, false},  {ENTRY_RESERVED, true}, {ENTRY_SETTLED, true},
    {ENTRY_REJECTED, true}, {ENTRY_EXPIRED, true},  {ENTRY_REFUSED, true},
    {ENTRY_DAY, false},
};

START_TEST(payments_are_told_apart)
{
    struct entry entry = settled();
    entry.public.kind = kinds[_i].kind;
    ck_assert_int_eq(json_is_payment(&entry), kinds[_i].is_payment);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("json");
    tcase_add_test(cases, a_settled_entry_reads_so);
    tcase_add_test(cases, the_hash_can_be_made_again);
    tcase_add_test(cases, reasons_are_escaped);
    tcase_add_test(cases, the_largest_entry_fits);
    tcase_add_loop_test(cases, payments_are_told_apart, 0, sizeof kinds / sizeof kinds[0]);
    Suite *suite = suite_create("json");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
