/* genesis: documents as a table of JSON and either nothing wrong or the error's words. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/config/genesis.h"

static char folder[] = "/tmp/cauce-genesis-XXXXXX";
static char path[64];
static struct genesis genesis;
static char error[CONFIG_ERROR_BYTES];

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/genesis.json", folder);
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static enum fault load(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return genesis_load(&genesis, path, error);
}

START_TEST(every_field_is_read)
{
    ck_assert_msg(
        load("{\"version\":1,\"participants\":[{\"code\":\"10000001\",\"name\":\"Banco Á\","
             "\"status\":\"debit-blocked\",\"balance\":\"1000000.00\",\"payment_limit\":"
             "\"50000.00\",\"pacs008_max\":10,\"settles_through\":null,\"role\":\"rtgs\","
             "\"channel\":[\"a.crt\",\"/b.crt\"],\"signing\":[\"c.crt\"]},"
             "{\"code\":\"10000101\",\"name\":\"Caja\",\"status\":\"active\",\"balance\":\"0\","
             "\"settles_through\":\"10000001\"}],\"operators\":[{\"name\":\"maker\",\"role\":"
             "\"maker\",\"certificate\":\"m.crt\"},{\"name\":\"c\",\"role\":\"checker\","
             "\"certificate\":\"c.crt\"}]}") == FAULT_NONE,
        "%s", error);
    char expected[128];
    const struct genesis_participant *bank = &genesis.participants[0];
    ck_assert_uint_eq(genesis.participant_count, 2);
    ck_assert_str_eq(bank->code, "10000001");
    ck_assert_str_eq(bank->name, "Banco Á");
    ck_assert_int_eq(bank->status, GENESIS_DEBIT_BLOCKED);
    ck_assert_int_eq(amount_minor(bank->balance), 100000000);
    ck_assert(bank->has_payment_limit);
    ck_assert_int_eq(amount_minor(bank->payment_limit), 5000000);
    ck_assert_uint_eq(bank->pacs008_max, 10);
    ck_assert_str_eq(bank->settles_through, "");
    ck_assert(bank->is_rtgs);
    ck_assert_uint_eq(bank->channel.count, 2);
    snprintf(expected, sizeof expected, "%s/a.crt", folder);
    ck_assert_str_eq(bank->channel.paths[0], expected);
    ck_assert_str_eq(bank->channel.paths[1], "/b.crt");
    ck_assert_uint_eq(bank->signing.count, 1);
    const struct genesis_participant *indirect = &genesis.participants[1];
    ck_assert_str_eq(indirect->settles_through, "10000001");
    ck_assert(!indirect->has_payment_limit && !indirect->is_rtgs);
    ck_assert_uint_eq(indirect->pacs008_max, 1);
    ck_assert_uint_eq(indirect->channel.count + indirect->signing.count, 0);
    ck_assert_uint_eq(genesis.operator_count, 2);
    ck_assert_str_eq(genesis.operators[0].name, "maker");
    ck_assert_int_eq(genesis.operators[0].role, GENESIS_MAKER);
    snprintf(expected, sizeof expected, "%s/m.crt", folder);
    ck_assert_str_eq(genesis.operators[0].certificate, expected);
    genesis_close(&genesis);
}
END_TEST

#define ONE(fields)                                                                                \
    "{\"version\":1,\"participants\":[{\"code\":\"10000001\",\"name\":\"A\",\"status\":\"active\"" \
    ",\"balance\":\"1.00\"" fields "}],\"operators\":[]}"
#define PERSON(fields)                                                                             \
    "{\"version\":1,\"participants\":[{\"code\":\"10000001\",\"name\":\"A\",\"status\":\"active\"" \
    ",\"balance\":\"1.00\"}],\"operators\":[" fields "]}"
#define BANK(code, balance)                                                                        \
    "{\"code\":\"" code "\",\"name\":\"A\",\"status\":\"active\",\"balance\":\"" balance "\"}"
#define BANKS(list) "{\"version\":1,\"participants\":[" list "],\"operators\":[]}"
#define AMOUNT "expected an amount of 2 decimals as a string, such as \"1000.00\""

static const struct {
    const char *json;
    const char *error; /* behind "FILE: " */
} bad[] = {
    {"", "line 1: '[' or '{' expected near end of file"},
    {"{\"version\":1,\"version\":1}", "line 1: duplicate object key near '\"version\"'"},
    {"[]", "expected an object"},
    {"{}", "version: expected 1"},
    {"{\"version\":2}", "version: expected 1"},
    {"{\"version\":\"1\"}", "version: expected 1"},
    {"{\"version\":1,\"colour\":1}", "colour: unknown key"},
    {"{\"version\":1}", "participants: expected a list of 1 to 4096 objects"},
    {"{\"version\":1,\"participants\":[],\"operators\":[]}",
     "participants: expected a list of 1 to 4096 objects"},
    {"{\"version\":1,\"participants\":[1]}", "operators: expected a list of 0 to 256 objects"},
    {"{\"version\":1,\"participants\":[1],\"operators\":[]}",
     "participants[0]: expected an object"},
    {BANKS("{}"), "participants[0].code: expected a code of 8 characters of 0-9 and A-Z"},
    {BANKS("{\"code\":10000001}"),
     "participants[0].code: expected a code of 8 characters of 0-9 and A-Z"},
    {BANKS("{\"code\":\"1000000a\"}"),
     "participants[0].code: expected a code of 8 characters of 0-9 and A-Z"},
    {BANKS("{\"code\":\"100000012\"}"),
     "participants[0].code: expected a code of 8 characters of 0-9 and A-Z"},
    {BANKS("{\"code\":\"10000001\",\"name\":\"\"}"),
     "participants[0].name: expected a name of 1 to 560 bytes"},
    {BANKS("{\"code\":\"10000001\",\"name\":\"A\",\"status\":\"dead\"}"),
     "participants[0].status: expected active, suspended or debit-blocked"},
    {BANKS(BANK("10000001", "-1.00")), "participants[0].balance: " AMOUNT},
    {BANKS(BANK("10000001", "1.001")), "participants[0].balance: " AMOUNT},
    {BANKS(BANK("10000001", "1e3")), "participants[0].balance: " AMOUNT},
    {BANKS("{\"code\":\"10000001\",\"name\":\"A\",\"status\":\"active\",\"balance\":1.5}"),
     "participants[0].balance: " AMOUNT},
    {ONE(",\"limit\":1"), "participants[0].limit: unknown key"},
    {ONE(",\"payment_limit\":1"), "participants[0].payment_limit: " AMOUNT},
    {ONE(",\"payment_limit\":\"0.00\""),
     "participants[0].payment_limit: expected null or an amount above zero"},
    {ONE(",\"pacs008_max\":0"),
     "participants[0].pacs008_max: expected a whole number from 1 to 10"},
    {ONE(",\"pacs008_max\":11"),
     "participants[0].pacs008_max: expected a whole number from 1 to 10"},
    {ONE(",\"pacs008_max\":null"),
     "participants[0].pacs008_max: expected a whole number from 1 to 10"},
    {ONE(",\"settles_through\":\"\""),
     "participants[0].settles_through: expected a code of 8 characters of 0-9 and A-Z"},
    {ONE(",\"settles_through\":\"10000001\""),
     "participants[0].settles_through: expected the code of a listed participant that holds its "
     "own account"},
    {ONE(",\"settles_through\":\"10000009\""),
     "participants[0].settles_through: expected the code of a listed participant that holds its "
     "own account"},
    {ONE(",\"role\":\"bank\""), "participants[0].role: expected null or rtgs"},
    {ONE(",\"channel\":\"a.crt\""),
     "participants[0].channel: expected a list of at most 8 certificates"},
    {ONE(",\"signing\":[1]"), "participants[0].signing: expected the path of a certificate as a "
                              "string"},
    {BANKS(BANK("10000001", "1") "," BANK("10000002", "1") "," BANK("10000001", "1")),
     "participants: the code 10000001 is there twice"},
    {BANKS(BANK("10000001", "1") ",{\"code\":\"10000002\",\"name\":\"A\",\"status\":\"active\","
                                 "\"balance\":\"1\",\"settles_through\":\"10000001\"}"),
     "participants[1].balance: expected \"0.00\", for it settles through another and has no "
     "account"},
    {PERSON("{\"name\":\"a\",\"role\":\"boss\",\"certificate\":\"c\"}"),
     "operators[0].role: expected auditor, maker, checker or rtgs"},
    {PERSON("{\"name\":\"a\",\"role\":\"maker\"}"),
     "operators[0].certificate: expected the path of a certificate as a string"},
    {PERSON("{\"name\":\"a\",\"role\":\"maker\",\"certificate\":\"c\",\"x\":1}"),
     "operators[0].x: unknown key"},
    {PERSON("{\"name\":\"a\",\"role\":\"maker\",\"certificate\":\"c\"},"
            "{\"name\":\"a\",\"role\":\"checker\",\"certificate\":\"d\"}"),
     "operators[1].name: expected a name that no other operator has"},
};

START_TEST(bad_documents_are_refused_with_their_place)
{
    char expected[CONFIG_ERROR_BYTES];
    ck_assert_int_eq(load(bad[_i].json), FAULT_INVALID);
    snprintf(expected, sizeof expected, "%s: %s", path, bad[_i].error);
    ck_assert_str_eq(error, expected);
    ck_assert_ptr_null(genesis.participants);
}
END_TEST

START_TEST(the_sum_of_balances_has_a_bound)
{
    /* 9 x 10^18 minor units: ninety times 10^15 - 0.00 and one minor unit more. */
    static char json[16384];
    size_t at = (size_t)snprintf(json, sizeof json, "{\"version\":1,\"participants\":[");
    for (int i = 0; i < 90; i++) {
        at += (size_t)snprintf(json + at, sizeof json - at,
                               "{\"code\":\"100000%02d\",\"name\":\"A\",\"status\":\"active\","
                               "\"balance\":\"1000000000000000.00\"},",
                               i);
    }
    size_t tail = at;
    snprintf(json + tail, sizeof json - tail, "%s", BANK("20000001", "0") "],\"operators\":[]}");
    ck_assert_msg(load(json) == FAULT_NONE, "%s", error);
    genesis_close(&genesis);
    snprintf(json + tail, sizeof json - tail, "%s", BANK("20000001", "0.01") "],\"operators\":[]}");
    ck_assert_int_eq(load(json), FAULT_INVALID);
    ck_assert_ptr_nonnull(strstr(error, "participants[90].balance: expected a sum of balances"));
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert_int_eq(genesis_load(&genesis, "/nowhere/genesis.json", error), FAULT_IO);
    ck_assert_str_eq(error, "/nowhere/genesis.json: cannot be read: No such file or directory");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("genesis");
    tcase_add_unchecked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, every_field_is_read);
    tcase_add_loop_test(cases, bad_documents_are_refused_with_their_place, 0,
                        sizeof bad / sizeof bad[0]);
    tcase_add_test(cases, the_sum_of_balances_has_a_bound);
    tcase_add_test(cases, a_missing_file_is_named);
    Suite *suite = suite_create("genesis");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
