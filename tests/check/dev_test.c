/* dev: an environment as the contract lists it: files, certificates, genesis and configuration. */
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/cauce/dev.h"
#include "proto/config/config.h"
#include "proto/config/genesis.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"

static char parent[] = "/tmp/cauce-dev-XXXXXX";
static char folder[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

/* One environment of two banks for all tests; RSA keys take their time. */
static void make_environment(void)
{
    ck_assert_ptr_nonnull(mkdtemp(parent));
    snprintf(folder, sizeof folder, "%s/deep/er", parent);
    const struct dev_settings settings = {
        .folder = folder, .participants = 2, .balance = amount_of_minor(12345)};
    ck_assert_int_eq(dev_make(&settings), FAULT_NONE);
}

static void remove_environment(void)
{
    nftw(parent, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* WIRE section 6: each pair, the kind of its key, and whether a browser's file stands beside. */
static const struct {
    const char *stem;
    enum key_kind kind;
    bool has_bundle;
} pairs[] = {
    {"switch/channel", KEY_P256, false},
    {"switch/signing", KEY_P256, false},
    {"participants/10000001/channel", KEY_P256, false},
    {"participants/10000001/signing", KEY_RSA, false},
    {"participants/10000002/channel", KEY_P256, false},
    {"participants/10000002/signing", KEY_RSA, false},
    {"participants/90000001/channel", KEY_P256, false},
    {"participants/90000001/signing", KEY_RSA, false},
    {"operators/maker", KEY_P256, true},
    {"operators/checker", KEY_P256, true},
    {"operators/auditor", KEY_P256, true},
    {"operators/rtgs", KEY_P256, true},
};

START_TEST(pairs_fit_and_keys_are_private)
{
    char path[128];
    const char *words;
    struct stat status;
    struct certificate *certificate;
    struct private_key *key;
    snprintf(path, sizeof path, "%s/%s.crt", folder, pairs[_i].stem);
    ck_assert_int_eq(certificate_load(&certificate, path, &words), FAULT_NONE);
    ck_assert_uint_gt(certificate_key_id(certificate).size, 0);
    snprintf(path, sizeof path, "%s/%s.key", folder, pairs[_i].stem);
    ck_assert_int_eq(key_load(&key, path, &words), FAULT_NONE);
    ck_assert_int_eq(key_private_kind(key), pairs[_i].kind);
    ck_assert(certificate_fits(certificate, key));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/%s.p12", folder, pairs[_i].stem);
    ck_assert_int_eq(access(path, F_OK) == 0, pairs[_i].has_bundle);
    key_close(key);
    certificate_close(certificate);
}
END_TEST

START_TEST(genesis_is_read_back)
{
    static const struct {
        const char *code;
        int64_t balance_minor;
        const char *settles_through;
        bool is_rtgs;
        size_t certificates;
    } expected[] = {
        {"10000001", 12345, "", false, 1},
        {"10000002", 12345, "", false, 1},
        {"10000101", 0, "10000001", false, 0},
        {"90000001", 0, "", true, 1},
    };
    static const struct {
        const char *name;
        enum genesis_operator_role role;
    } operators[] = {{"maker", GENESIS_MAKER},
                     {"checker", GENESIS_CHECKER},
                     {"auditor", GENESIS_AUDITOR},
                     {"rtgs", GENESIS_RTGS}};
    struct genesis genesis;
    char path[128];
    char error[CONFIG_ERROR_BYTES];
    snprintf(path, sizeof path, "%s/genesis.json", folder);
    ck_assert_msg(genesis_load(&genesis, path, error) == FAULT_NONE, "%s", error);
    ck_assert_uint_eq(genesis.participant_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct genesis_participant *participant = &genesis.participants[i];
        ck_assert_str_eq(participant->code, expected[i].code);
        ck_assert_int_eq(amount_minor(participant->balance), expected[i].balance_minor);
        ck_assert_str_eq(participant->settles_through, expected[i].settles_through);
        ck_assert_int_eq(participant->is_rtgs, expected[i].is_rtgs);
        ck_assert_int_eq(participant->status, GENESIS_ACTIVE);
        ck_assert(!participant->has_payment_limit);
        ck_assert_uint_eq(participant->pacs008_max, 1);
        ck_assert_uint_eq(participant->channel.count, expected[i].certificates);
        ck_assert_uint_eq(participant->signing.count, expected[i].certificates);
        for (size_t j = 0; j < participant->signing.count; j++) {
            ck_assert_int_eq(access(participant->signing.paths[j], R_OK), 0);
            ck_assert_int_eq(access(participant->channel.paths[j], R_OK), 0);
        }
    }
    ck_assert_uint_eq(genesis.operator_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(genesis.operators[i].name, operators[i].name);
        ck_assert_int_eq(genesis.operators[i].role, operators[i].role);
        ck_assert_int_eq(access(genesis.operators[i].certificate, R_OK), 0);
    }
    genesis_close(&genesis);
}
END_TEST

START_TEST(configuration_is_read_back)
{
    static struct config config;
    char path[128];
    char error[CONFIG_ERROR_BYTES];
    snprintf(path, sizeof path, "%s/cauce.conf", folder);
    ck_assert_msg(config_load(&config, path, NULL, 0, error) == FAULT_NONE, "%s", error);
    ck_assert_uint_eq(config.participants_rate_tokens, 0);
    ck_assert_int_eq(config.kafka_mode, CONFIG_BROKER_EMBEDDED);
    ck_assert_uint_eq(config.participants_listen.port, 8443);
    const char *const files[] = {config.participants_certificate,
                                 config.participants_key,
                                 config.participants_ca,
                                 config.signing_certificate,
                                 config.signing_key,
                                 config.admin_certificate,
                                 config.admin_key,
                                 config.admin_ca};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        ck_assert_int_eq(access(files[i], R_OK), 0);
    }
    snprintf(path, sizeof path, "%s/ledger", folder);
    ck_assert_str_eq(config.ledger_directory, path);
}
END_TEST

START_TEST(an_environment_is_not_made_twice)
{
    const struct dev_settings settings = {
        .folder = folder, .participants = 1, .balance = amount_of_minor(1)};
    char path[128];
    struct stat before;
    struct stat after;
    snprintf(path, sizeof path, "%s/genesis.json", folder);
    ck_assert_int_eq(stat(path, &before), 0);
    ck_assert_int_eq(dev_make(&settings), FAULT_BUSY);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}
END_TEST

static const struct {
    uint32_t index;
    const char *code;
} codes[] = {{0, "10000001"}, {99, "10000100"}, {100, "10000102"}, {4093, "10004095"}};

START_TEST(codes_leave_out_the_indirect_participant)
{
    char code[DEV_CODE_BYTES];
    dev_code(codes[_i].index, code);
    ck_assert_str_eq(code, codes[_i].code);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("dev");
    tcase_set_timeout(cases, 30);
    tcase_add_unchecked_fixture(cases, make_environment, remove_environment);
    tcase_add_loop_test(cases, pairs_fit_and_keys_are_private, 0, sizeof pairs / sizeof pairs[0]);
    tcase_add_test(cases, genesis_is_read_back);
    tcase_add_test(cases, configuration_is_read_back);
    tcase_add_test(cases, an_environment_is_not_made_twice);
    tcase_add_loop_test(cases, codes_leave_out_the_indirect_participant, 0,
                        sizeof codes / sizeof codes[0]);
    Suite *suite = suite_create("dev");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
