/* dev: a development environment: keys, certificates, genesis.json and cauce.conf (WIRE section 6).
 *
 * The happy path:
 *   one authority is made in memory and issues every certificate; its key is then forgotten;
 *   the switch, each participant and each operator get their folder of files;
 *   genesis.json names the participants and operators;
 *   cauce.conf is written last: where it stands, everything else does.
 *
 * Possible failures: the folder has a cauce.conf already, or a file cannot be written.  Either is
 * said once; what was made before stays and is overwritten by the next try. */
#include "ops/cauce/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"
#include "proto/config/config.h"
#include "proto/crypto/authority.h"

#define INDIRECT_CODE "10000101"
#define RTGS_CODE "90000001"
#define BUNDLE_PASSWORD "cauce"
#define SECONDS_PER_DAY 86400
#define DAYS_BEFORE 1          /* a machine whose clock is behind can use them at once */
#define DAYS_VALID (5 * 365)   /* longer than any environment lives */
#define FILE_BYTES (16 * 1024) /* of one key or certificate, PEM or PKCS#12 */
#define NAME_BYTES 256         /* of a file within the environment */

struct making {
    const struct dev_settings *settings;
    struct authority *authority;
    int64_t not_before_ns;
    int64_t not_after_ns;
};

static const char *const operators[] = {"maker", "checker", "auditor", "rtgs"};
#define OPERATOR_COUNT (sizeof operators / sizeof operators[0])

/* What a development environment says other than the defaults. */
static const struct {
    const char *section;
    const char *key;
    const char *value;
} choices[] = {
    {"participants", "certificate", "switch/channel.crt"},
    {"participants", "key", "switch/channel.key"},
    {"participants", "ca", "ca.crt"},
    {"participants", "rate_tokens", "0"},
    {"signing", "certificate", "switch/signing.crt"},
    {"signing", "key", "switch/signing.key"},
    {"ledger", "directory", "ledger"},
    {"kafka", "mode", "embedded"},
    {"admin", "certificate", "switch/channel.crt"},
    {"admin", "key", "switch/channel.key"},
    {"admin", "ca", "ca.crt"},
};

void dev_code(uint32_t index, char code[DEV_CODE_BYTES])
{
    uint32_t number = 10000001 + index;
    if (number >= 10000101) number++;
    snprintf(code, DEV_CODE_BYTES, "%u", number % 100000000);
}

/* Says why on standard error; false, so that callers can return it. */
static bool fail(const char *path, const char *why)
{
    fprintf(stderr, "cauce dev: %s: %s\n", path, why);
    return false;
}

static bool make_folder(const struct making *making, const char *name)
{
    char path[LIMIT_CONFIG_VALUE_BYTES];
    snprintf(path, sizeof path, "%s/%s", making->settings->folder, name);
    if (mkdir(path, 0755) != 0 && errno != EEXIST) return fail(path, strerror(errno));
    return true;
}

/* Writes a file of the environment whole; `mode` is 0600 for what holds a private key. */
static bool write_file(const struct making *making, const char *name, const void *bytes,
                       size_t size, mode_t mode)
{
    char path[LIMIT_CONFIG_VALUE_BYTES];
    snprintf(path, sizeof path, "%s/%s", making->settings->folder, name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (descriptor < 0) return fail(path, strerror(errno));
    ssize_t written = write(descriptor, bytes, size);
    int error = written < 0 ? errno : ENOSPC;
    if (close(descriptor) != 0 && written >= 0) {
        written = -1;
        error = errno;
    }
    return written == (ssize_t)size || fail(path, strerror(error));
}

/* Makes a key and its certificate: STEM.key, STEM.crt, and for a browser STEM.p12. */
static bool make_pair(const struct making *making, const char *stem, enum authority_purpose purpose,
                      enum key_kind kind, const char *subject, bool with_bundle)
{
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    char name[NAME_BYTES + 4];
    char text[FILE_BYTES];
    uint8_t bundle[FILE_BYTES];
    size_t bundle_size;
    bool good = false;
    enum fault fault = key_generate(&key, kind);
    if (fault == FAULT_NONE) {
        fault = authority_issue(making->authority, purpose, subject, key, making->not_before_ns,
                                making->not_after_ns, &certificate);
    }
    if (fault == FAULT_NONE) fault = key_print(key, text, sizeof text);
    if (fault != FAULT_NONE) goto done;
    snprintf(name, sizeof name, "%s.key", stem);
    if (!write_file(making, name, text, strlen(text), 0600)) goto failed;

    fault = certificate_print(certificate, text, sizeof text);
    if (fault != FAULT_NONE) goto done;
    snprintf(name, sizeof name, "%s.crt", stem);
    if (!write_file(making, name, text, strlen(text), 0644)) goto failed;

    if (with_bundle) {
        fault = authority_bundle(making->authority, certificate, key, BUNDLE_PASSWORD, bundle,
                                 sizeof bundle, &bundle_size);
        if (fault != FAULT_NONE) goto done;
        snprintf(name, sizeof name, "%s.p12", stem);
        if (!write_file(making, name, bundle, bundle_size, 0600)) goto failed;
    }
done:
    good = fault == FAULT_NONE || fail(stem, fault_words(fault));
failed:
    certificate_close(certificate);
    key_close(key);
    return good;
}

static bool make_participant(const struct making *making, const char *code)
{
    char name[NAME_BYTES];
    char subject[AUTHORITY_NAME_BYTES_MAX + 1];
    snprintf(name, sizeof name, "participants/%s", code);
    if (!make_folder(making, name)) return false;
    snprintf(name, sizeof name, "participants/%s/channel", code);
    snprintf(subject, sizeof subject, "%s channel", code);
    if (!make_pair(making, name, AUTHORITY_CLIENT, KEY_P256, subject, false)) return false;
    snprintf(name, sizeof name, "participants/%s/signing", code);
    snprintf(subject, sizeof subject, "%s signing", code);
    /* Banks best sign with RSA: verifying it is the cheapest (DESIGN, "Dependencies"). */
    return make_pair(making, name, AUTHORITY_SIGNING, KEY_RSA, subject, false);
}

static bool make_keys(const struct making *making)
{
    char text[FILE_BYTES];
    char name[NAME_BYTES];
    char code[DEV_CODE_BYTES];
    enum fault fault =
        certificate_print(authority_certificate(making->authority), text, sizeof text);
    if (fault != FAULT_NONE) return fail("ca.crt", fault_words(fault));
    if (!write_file(making, "ca.crt", text, strlen(text), 0644)) return false;
    if (!make_folder(making, "switch") ||
        !make_pair(making, "switch/channel", AUTHORITY_SERVER, KEY_P256, "cauced", false) ||
        !make_pair(making, "switch/signing", AUTHORITY_SIGNING, KEY_P256, "cauced signing",
                   false)) {
        return false;
    }
    if (!make_folder(making, "participants")) return false;
    for (uint32_t i = 0; i < making->settings->participants; i++) {
        dev_code(i, code);
        if (!make_participant(making, code)) return false;
    }
    if (!make_participant(making, RTGS_CODE)) return false;
    if (!make_folder(making, "operators")) return false;
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        snprintf(name, sizeof name, "operators/%s", operators[i]);
        if (!make_pair(making, name, AUTHORITY_CLIENT, KEY_P256, operators[i], true)) return false;
    }
    return true;
}

static void print_participant(FILE *file, const char *code, const char *name, const char *balance,
                              const char *settles_through, const char *role, bool has_files)
{
    fprintf(
        file,
        "    {\"code\": \"%s\", \"name\": \"%s\", \"status\": \"active\", \"balance\": \"%s\",\n"
        "     \"payment_limit\": null, \"pacs008_max\": 1, \"settles_through\": %s%s%s, "
        "\"role\": %s%s%s,\n",
        code, name, balance, settles_through != NULL ? "\"" : "",
        settles_through != NULL ? settles_through : "null", settles_through != NULL ? "\"" : "",
        role != NULL ? "\"" : "", role != NULL ? role : "null", role != NULL ? "\"" : "");
    if (has_files) {
        fprintf(file,
                "     \"channel\": [\"participants/%s/channel.crt\"],\n"
                "     \"signing\": [\"participants/%s/signing.crt\"]}",
                code, code);
    } else {
        fprintf(file, "     \"channel\": [], \"signing\": []}");
    }
}

static void print_genesis(const struct making *making, FILE *file)
{
    char balance[AMOUNT_TEXT_BYTES];
    char code[DEV_CODE_BYTES];
    char name[64];
    amount_print(making->settings->balance, balance);
    fprintf(file, "{\n  \"version\": 1,\n  \"participants\": [\n");
    for (uint32_t i = 0; i < making->settings->participants; i++) {
        dev_code(i, code);
        snprintf(name, sizeof name, "Bank %s", code);
        print_participant(file, code, name, balance, NULL, NULL, true);
        fprintf(file, ",\n");
    }
    print_participant(file, INDIRECT_CODE, "Indirect bank " INDIRECT_CODE, "0.00", "10000001", NULL,
                      false);
    fprintf(file, ",\n");
    print_participant(file, RTGS_CODE, "Real-time gross settlement", "0.00", NULL, "rtgs", true);
    fprintf(file, "\n  ],\n  \"operators\": [\n");
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        fprintf(file,
                "    {\"name\": \"%s\", \"role\": \"%s\", \"certificate\": "
                "\"operators/%s.crt\"}%s\n",
                operators[i], operators[i], operators[i], i + 1 < OPERATOR_COUNT ? "," : "");
    }
    fprintf(file, "  ]\n}\n");
}

static const char *chosen_value(const struct config_key *key)
{
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(choices[i].section, key->section) == 0 &&
            strcmp(choices[i].key, key->key) == 0) {
            return choices[i].value;
        }
    }
    return NULL;
}

/* Every key with its words; those that stay at their default are comments, ready to be changed. */
static void print_config(const struct making *making, FILE *file)
{
    (void)making;
    size_t count;
    const struct config_key *keys = config_keys(&count);
    fprintf(file,
            "# A development environment of the Cauce switch, made by `cauce dev`.\n"
            "#   run it:    cauced -c cauce.conf\n"
            "#   pay in it: cauce bank -c . --as 10000001 pay --to 10000002 --amount 12.34\n"
            "# Relative paths are from this file's folder. Keys behind # show their default.\n"
            "# `--set section.key=value` on the command line wins over this file.\n");
    for (size_t i = 0; i < count; i++) {
        const char *value = chosen_value(&keys[i]);
        if (i == 0 || strcmp(keys[i].section, keys[i - 1].section) != 0) {
            fprintf(file, "\n[%s]\n", keys[i].section);
        }
        fprintf(file, "# %s%s%s%s\n", keys[i].words,
                value != NULL && keys[i].fallback != NULL ? " (default " : "",
                value != NULL && keys[i].fallback != NULL ? keys[i].fallback : "",
                value != NULL && keys[i].fallback != NULL ? ")" : "");
        fprintf(file, "%s%s = %s\n", value != NULL ? "" : "#", keys[i].key,
                value != NULL ? value : keys[i].fallback);
        if (strcmp(keys[i].section, "kafka") == 0 && strcmp(keys[i].key, "mode") == 0) {
            fprintf(file, "# a real broker: mode = broker, and any setting of librdkafka\n"
                          "#rdkafka.bootstrap.servers = 127.0.0.1:9092\n");
        }
    }
}

/* Makes a text file with `print`. */
static bool make_text(const struct making *making, const char *name,
                      void (*print)(const struct making *making, FILE *file))
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) return fail(name, strerror(errno));
    print(making, memory);
    bool good = fclose(memory) == 0 ? write_file(making, name, text, size, 0644)
                                    : fail(name, strerror(errno));
    free(text);
    return good;
}

/* Makes the folder itself with those above it. */
static bool make_path(const char *folder)
{
    char path[LIMIT_CONFIG_VALUE_BYTES];
    size_t length = strlen(folder);
    if (length == 0 || length + NAME_BYTES > sizeof path) return fail(folder, "bad folder name");
    memcpy(path, folder, length + 1);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST) return fail(path, strerror(errno));
        *slash = '/';
    }
    if (mkdir(path, 0755) != 0 && errno != EEXIST) return fail(path, strerror(errno));
    return true;
}

enum fault dev_make(const struct dev_settings *settings)
{
    char config_file[LIMIT_CONFIG_VALUE_BYTES];
    if (!make_path(settings->folder)) return FAULT_IO;
    snprintf(config_file, sizeof config_file, "%s/cauce.conf", settings->folder);
    if (access(config_file, F_OK) == 0) {
        fail(settings->folder, "has a cauce.conf already; it is left as it is");
        return FAULT_BUSY;
    }
    int64_t now_ns = time_wall_ns() / TIME_NS_PER_SECOND * TIME_NS_PER_SECOND;
    struct making making = {
        .settings = settings,
        .not_before_ns = now_ns - DAYS_BEFORE * SECONDS_PER_DAY * TIME_NS_PER_SECOND,
        .not_after_ns = now_ns + DAYS_VALID * SECONDS_PER_DAY * TIME_NS_PER_SECOND,
    };
    enum fault fault = authority_open(&making.authority, "Cauce development authority",
                                      making.not_before_ns, making.not_after_ns);
    if (fault != FAULT_NONE) {
        fail("authority", fault_words(fault));
        return fault;
    }
    bool good = make_keys(&making) && make_text(&making, "genesis.json", print_genesis) &&
                make_text(&making, "cauce.conf", print_config);
    authority_close(making.authority);
    return good ? FAULT_NONE : FAULT_IO;
}

static const char usage[] =
    "usage: cauce dev DIR [--participants N] [--profile iso] [--balance AMOUNT]\n"
    "  makes a ready-to-run environment in DIR: certificates, genesis.json and cauce.conf\n"
    "  --participants N    banks with an account, 1 to 4094 (default 4)\n"
    "  --balance AMOUNT    what each of them begins with (default 1000000.00)\n"
    "  --profile iso       the message profile; this build has no other\n";

static int refuse_usage(const char *words, const char *value)
{
    fprintf(stderr, "cauce dev: %s%s\n%s", words, value, usage);
    return 2;
}

static bool read_participants(const char *text, uint32_t *participants)
{
    if (text[0] == '\0' || strlen(text) > 4 || text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    *participants = (uint32_t)strtoul(text, NULL, 10);
    return *participants >= 1 && *participants <= DEV_PARTICIPANTS_MAX;
}

static bool read_balance(const char *text, struct amount *balance)
{
    return amount_parse(span_text(text), balance) == AMOUNT_PARSE_GOOD &&
           !amount_is_negative(*balance);
}

int dev_main(int count, char **arguments)
{
    static const struct option options[] = {
        {"participants", required_argument, NULL, 'n'},
        {"profile", required_argument, NULL, 'p'},
        {"balance", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct dev_settings settings = {.participants = 4, .balance = amount_of_minor(100000000)};
    int option;
    opterr = 0;
    while ((option = getopt_long(count, arguments, ":h", options, NULL)) != -1) {
        switch (option) {
        case 'n':
            if (!read_participants(optarg, &settings.participants)) {
                return refuse_usage("--participants: expected a number from 1 to 4094, not ",
                                    optarg);
            }
            break;
        case 'p':
            if (strcmp(optarg, "spi") == 0) {
                fprintf(stderr, "cauce dev: --profile spi: this build has the profile iso only\n");
                return 2;
            }
            if (strcmp(optarg, "iso") != 0) {
                return refuse_usage("--profile: expected iso, not ", optarg);
            }
            break;
        case 'b':
            if (!read_balance(optarg, &settings.balance)) {
                return refuse_usage("--balance: expected an amount such as 1000.00, not ", optarg);
            }
            break;
        case 'h': fputs(usage, stdout); return 0;
        case ':': return refuse_usage("a value is missing behind ", arguments[optind - 1]);
        default: return refuse_usage("unknown option ", arguments[optind - 1]);
        }
    }
    if (optind + 1 != count) return refuse_usage("expected one folder", "");
    settings.folder = arguments[optind];
    if (amount_minor(settings.balance) > AMOUNT_MAX_MINOR / settings.participants) {
        return refuse_usage("--balance: expected a sum of at most 90000000000000000.00", "");
    }
    if (dev_make(&settings) != FAULT_NONE) return 1;
    printf("%s is ready: run the switch with `cauced -c %s/cauce.conf`\n", settings.folder,
           settings.folder);
    return 0;
}
