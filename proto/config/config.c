/* config: reads cauce.conf and --set into typed fields, all by one table.
 *
 * The happy path:
 *   file       inih hands over section, key and value; each is looked up, checked and stored;
 *   overrides  the same for each --set, which may repeat what the file said;
 *   defaults   keys not given are set from the list's text, in the same way;
 *   whole      what is still missing, and what only keys together can show.
 *
 * Possible failures: the first one stops the reading; its line says where and what was expected. */
#include "proto/config/config.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/span.h"
#include "proto/base/time.h"

enum kind {
    KIND_CODE,
    KIND_CURRENCY,
    KIND_ZONE,
    KIND_DAYTIME,
    KIND_COUNT,
    KIND_MS,
    KIND_SECONDS,
    KIND_HOURS,
    KIND_DAYS,
    KIND_ADDRESS,
    KIND_PATH,
    KIND_PROFILE,
    KIND_BROKER,
};

/* How to read one key; beside it stands the public half, at the same index of `keys`. */
struct rule {
    enum kind kind;
    size_t offset; /* of the field in struct config */
    uint64_t least;
    uint64_t most;
};

static const struct config_key keys[] = {
#define KEY(section_name, key_name, kind_name, field, fallback_text, least, most, words_text)      \
    {.section = section_name, .key = key_name, .fallback = fallback_text, .words = words_text},
    CONFIG_LIST(KEY)
#undef KEY
};

static const struct rule rules[] = {
#define RULE(section_name, key_name, kind_name, field, fallback_text, least_value, most_value,     \
             words_text)                                                                           \
    {.kind = KIND_##kind_name,                                                                     \
     .offset = offsetof(struct config, field),                                                     \
     .least = (least_value),                                                                       \
     .most = (most_value)},
    CONFIG_LIST(RULE)
#undef RULE
};

#define KEY_COUNT (sizeof keys / sizeof keys[0])
#define LINE_BYTES 2048 /* of the file: a key and the longest value fit */
#define PLACE_BYTES 256 /* "FILE:LINE" or "--set TEXT" in an error */
#define EXPECTED_BYTES 128

static_assert(LINE_BYTES > LIMIT_CONFIG_NAME_BYTES + LIMIT_CONFIG_VALUE_BYTES + 64,
              "the longest lawful line must fit");

struct reading {
    struct config *config;
    const char *path;
    FILE *file;
    int line;             /* of the file, from 1; 0 while no line was read */
    const char *override; /* the --set being read, else NULL */
    bool given[KEY_COUNT];
    bool failed; /* error is written */
    char *error;
};

/* Keeps the first error: "PLACE: words". Always false, so that callers can return it. */
static bool fail(struct reading *reading, const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(struct reading *reading, const char *format, ...)
{
    if (reading->failed) return false;
    reading->failed = true;
    int written;
    if (reading->override != NULL) {
        written = snprintf(reading->error, PLACE_BYTES, "--set %s: ", reading->override);
    } else if (reading->line > 0) {
        written = snprintf(reading->error, PLACE_BYTES, "%s:%d: ", reading->path, reading->line);
    } else {
        written = snprintf(reading->error, PLACE_BYTES, "%s: ", reading->path);
    }
    size_t at = written < PLACE_BYTES ? (size_t)written : PLACE_BYTES - 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->error + at, CONFIG_ERROR_BYTES - at, format, arguments);
    va_end(arguments);
    return false;
}

static bool all_of(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

#define DIGITS "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"

/* A whole number in decimal without sign, at most 18 digits so that nothing overflows. */
static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    size_t length = strlen(text);
    if (length == 0 || length > 18 || !all_of(text, DIGITS)) return false;
    uint64_t value = strtoull(text, NULL, 10);
    if (value < least || value > most) return false;
    *number = value;
    return true;
}

static bool read_code(const char *text, char *code, size_t length, const char *allowed)
{
    if (strlen(text) != length || !all_of(text, allowed)) return false;
    memcpy(code, text, length + 1);
    return true;
}

/* A name as the IANA data base has them. Where the machine has that data base, it must know it:
 * the C library would silently take UTC instead. */
static bool read_zone(const char *text, config_zone zone)
{
    static const char folder[] = "/usr/share/zoneinfo";
    if (text[0] == '\0' || strlen(text) >= sizeof(config_zone)) return false;
    if (!all_of(text, DIGITS CAPITALS SMALL "_+-/") || text[0] == '/') return false;
    char path[sizeof folder + sizeof(config_zone) + 1];
    snprintf(path, sizeof path, "%s/%s", folder, text);
    if (access(folder, R_OK) == 0 && access(path, R_OK) != 0) return false;
    strcpy(zone, text);
    return true;
}

/* HH:MM, 00:00 to 23:59. */
static bool read_daytime(const char *text, int *minute)
{
    if (strlen(text) != 5 || text[2] != ':' || strspn(text, DIGITS) != 2 ||
        !all_of(text + 3, DIGITS))
        return false;
    int const hours = (text[0] - '0') * 10 + (text[1] - '0');
    int const minutes = (text[3] - '0') * 10 + (text[4] - '0');
    *minute = hours * 60 + minutes;
    return hours < 24 && minutes < 60;
}

/* host:port, [IPv6]:port, or "off" where that is lawful. */
static bool read_address(const char *text, bool may_be_off, struct config_address *address)
{
    *address = (struct config_address){0};
    if (may_be_off && strcmp(text, "off") == 0) {
        address->off = true;
        return true;
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL) return false;
    const char *host = text;
    size_t length = (size_t)(colon - text);
    bool bracketed = length >= 2 && host[0] == '[' && host[length - 1] == ']';
    if (bracketed) {
        host += 1;
        length -= 2;
    }
    uint64_t port;
    if (length == 0 || length > LIMIT_HOST_BYTES || !read_number(colon + 1, 0, 65535, &port)) {
        return false;
    }
    memcpy(address->host, host, length);
    address->host[length] = '\0';
    address->port = (uint16_t)port;
    return all_of(address->host, bracketed ? DIGITS "abcdefABCDEF:." : DIGITS CAPITALS SMALL ".-_");
}

enum fault config_join(config_path joined, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    size_t folder = path[0] == '/' || slash == NULL ? 0 : (size_t)(slash - file) + 1;
    size_t length = strlen(path);
    if (folder + length >= sizeof(config_path)) return FAULT_FULL;
    memcpy(joined, file, folder);
    memcpy(joined + folder, path, length + 1);
    return FAULT_NONE;
}

/* What a value must be, for the error's words. */
static void print_expected(const struct rule *rule, char text[EXPECTED_BYTES])
{
    unsigned long long least = rule->least;
    unsigned long long most = rule->most;
    const char *unit = NULL;
    switch (rule->kind) {
    case KIND_CODE: snprintf(text, EXPECTED_BYTES, "8 characters of 0-9 and A-Z"); return;
    case KIND_CURRENCY: snprintf(text, EXPECTED_BYTES, "3 characters of A-Z"); return;
    case KIND_ZONE:
        snprintf(text, EXPECTED_BYTES, "a time zone such as America/Mexico_City");
        return;
    case KIND_DAYTIME: snprintf(text, EXPECTED_BYTES, "a time from 00:00 to 23:59"); return;
    case KIND_ADDRESS:
        snprintf(text, EXPECTED_BYTES, "host:port%s", rule->most == 1 ? " or off" : "");
        return;
    case KIND_PATH:
        snprintf(text, EXPECTED_BYTES, "a path of 1 to %d bytes", LIMIT_CONFIG_VALUE_BYTES);
        return;
    case KIND_PROFILE: snprintf(text, EXPECTED_BYTES, "iso"); return;
    case KIND_BROKER: snprintf(text, EXPECTED_BYTES, "embedded, broker or off"); return;
    case KIND_COUNT: unit = "a whole number"; break;
    case KIND_MS: unit = "whole milliseconds"; break;
    case KIND_SECONDS: unit = "whole seconds"; break;
    case KIND_HOURS: unit = "whole hours"; break;
    case KIND_DAYS: unit = "whole days"; break;
    }
    snprintf(text, EXPECTED_BYTES, "%s from %llu to %llu", unit, least, most);
}

static bool read_duration(const char *text, const struct rule *rule, int64_t unit_ns, void *field)
{
    uint64_t number;
    if (!read_number(text, rule->least, rule->most, &number)) return false;
    *(int64_t *)field = (int64_t)number * unit_ns;
    return true;
}

/* Reads `text` into the rule's field; false when it is not what the rule expects. */
static bool read_value(struct reading *reading, const struct rule *rule, const char *text)
{
    void *field = (char *)reading->config + rule->offset;
    switch (rule->kind) {
    case KIND_CODE: return read_code(text, field, 8, DIGITS CAPITALS);
    case KIND_CURRENCY: return read_code(text, field, 3, CAPITALS);
    case KIND_ZONE: return read_zone(text, field);
    case KIND_DAYTIME: return read_daytime(text, field);
    case KIND_COUNT: return read_number(text, rule->least, rule->most, field);
    case KIND_MS: return read_duration(text, rule, TIME_NS_PER_MS, field);
    case KIND_SECONDS: return read_duration(text, rule, TIME_NS_PER_SECOND, field);
    case KIND_HOURS: return read_duration(text, rule, 3600 * TIME_NS_PER_SECOND, field);
    case KIND_DAYS: return read_duration(text, rule, 86400 * TIME_NS_PER_SECOND, field);
    case KIND_ADDRESS: return read_address(text, rule->most == 1, field);
    case KIND_PATH: return text[0] != '\0' && config_join(field, reading->path, text) == FAULT_NONE;
    case KIND_PROFILE:
        *(enum config_profile *)field = CONFIG_PROFILE_ISO;
        return strcmp(text, "iso") == 0;
    case KIND_BROKER:
        if (strcmp(text, "embedded") == 0) {
            *(enum config_broker *)field = CONFIG_BROKER_EMBEDDED;
        } else if (strcmp(text, "broker") == 0) {
            *(enum config_broker *)field = CONFIG_BROKER_BROKER;
        } else if (strcmp(text, "off") == 0) {
            *(enum config_broker *)field = CONFIG_BROKER_OFF;
        } else {
            return false;
        }
        return true;
    }
    return false;
}

/* A setting of librdkafka: kept as it is, for only librdkafka knows them all. Its value is never
 * in an error's words, since it may be a password. */
static bool read_rdkafka(struct reading *reading, const char *name, const char *value)
{
    struct config *config = reading->config;
    if (name[0] == '\0' || strlen(name) > LIMIT_CONFIG_NAME_BYTES) {
        return fail(reading, "kafka.rdkafka.%.40s: expected a name of 1 to %d bytes", name,
                    LIMIT_CONFIG_NAME_BYTES);
    }
    if (strlen(value) > LIMIT_CONFIG_VALUE_BYTES) {
        return fail(reading, "kafka.rdkafka.%s: expected a value of at most %d bytes", name,
                    LIMIT_CONFIG_VALUE_BYTES);
    }
    size_t at = 0;
    while (at < config->rdkafka_count && strcmp(config->rdkafka[at].name, name) != 0)
        at++;
    if (at < config->rdkafka_count && reading->override == NULL) {
        return fail(reading, "kafka.rdkafka.%s is given twice: expected it once", name);
    }
    if (at == LIMIT_RDKAFKA_KEYS) {
        return fail(reading, "expected at most %d keys rdkafka.NAME", LIMIT_RDKAFKA_KEYS);
    }
    strcpy(config->rdkafka[at].name, name);
    strcpy(config->rdkafka[at].value, value);
    if (at == config->rdkafka_count) config->rdkafka_count++;
    return true;
}

/* Names what the section has, or which sections there are. */
static bool fail_unknown(struct reading *reading, const char *section, const char *key)
{
    char names[CONFIG_ERROR_BYTES] = "";
    size_t at = 0;
    bool has_section = false;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].section, section) == 0) has_section = true;
    }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *name = has_section ? keys[i].key : keys[i].section;
        bool is_listed = has_section ? strcmp(keys[i].section, section) == 0
                                     : i == 0 || strcmp(keys[i].section, keys[i - 1].section) != 0;
        if (!is_listed || at + strlen(name) + 3 > sizeof names) continue;
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at == 0 ? "" : ", ", name);
    }
    if (!has_section) {
        return fail(reading, "unknown section \"%.40s\": expected one of %s", section, names);
    }
    return fail(reading, "unknown key \"%.40s\": expected one of [%s] %s%s", key, section, names,
                strcmp(section, "kafka") == 0 ? ", rdkafka.NAME" : "");
}

/* One section, key and value, from the file or from --set. */
static bool read_key(struct reading *reading, const char *section, const char *key,
                     const char *value)
{
    static const char prefix[] = "rdkafka.";
    if (strcmp(section, "kafka") == 0 && strncmp(key, prefix, sizeof prefix - 1) == 0) {
        return read_rdkafka(reading, key + sizeof prefix - 1, value);
    }
    size_t at = 0;
    while (at < KEY_COUNT &&
           (strcmp(keys[at].section, section) != 0 || strcmp(keys[at].key, key) != 0)) {
        at++;
    }
    if (at == KEY_COUNT) return fail_unknown(reading, section, key);
    if (reading->given[at] && reading->override == NULL) {
        return fail(reading, "%s.%s is given twice: expected it once", section, key);
    }
    if (!read_value(reading, &rules[at], value)) {
        char expected[EXPECTED_BYTES];
        print_expected(&rules[at], expected);
        return fail(reading, "%s.%s: expected %s, not \"%.100s\"", section, key, expected, value);
    }
    reading->given[at] = true;
    return true;
}

/* inih asks for the next line: as fgets, and counts. A line that does not fit ends the reading. */
static char *next_line(char *line, int size, void *context)
{
    struct reading *reading = context;
    if (reading->failed) return NULL;
    int length = 0;
    int c = EOF;
    while (length < size - 1 && c != '\n') {
        c = getc(reading->file);
        if (c == EOF) break;
        line[length++] = (char)c;
    }
    if (length == 0) return NULL;
    line[length] = '\0';
    reading->line++;
    if (c != '\n' && c != EOF) {
        fail(reading, "expected a line of at most %d bytes", size - 2);
        return NULL;
    }
    if (memchr(line, '\0', (size_t)length) != NULL) {
        fail(reading, "expected text, not a zero byte");
        return NULL;
    }
    return line;
}

static int take_pair(void *context, const char *section, const char *key, const char *value)
{
    struct reading *reading = context;
    if (section[0] == '\0') return fail(reading, "%.40s: expected a [section] before it", key);
    return read_key(reading, section, key, value) ? 1 : 0;
}

static enum fault read_file(struct reading *reading)
{
    reading->file = fopen(reading->path, "re");
    if (reading->file == NULL) {
        fail(reading, "cannot be read: %s", strerror(errno));
        return FAULT_IO;
    }
    /* inih is set through process-wide variables. */
    ini_max_line = LINE_BYTES;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    int first_bad_line = ini_parse_stream(next_line, reading, take_pair, reading);
    bool unreadable = ferror(reading->file) != 0;
    fclose(reading->file);
    if (unreadable) {
        reading->failed = false;
        reading->line = 0;
        fail(reading, "cannot be read: %s", strerror(EIO));
        return FAULT_IO;
    }
    if (reading->failed) return FAULT_INVALID;
    if (first_bad_line != 0) {
        reading->line = first_bad_line;
        fail(reading, "expected [section], key = value, or a comment after # or ;");
        return FAULT_INVALID;
    }
    reading->line = 0;
    return FAULT_NONE;
}

static bool read_override(struct reading *reading, const char *text)
{
    char copy[LINE_BYTES];
    reading->override = text;
    char *dot = NULL;
    char *equals = NULL;
    if (strlen(text) < sizeof copy) {
        strcpy(copy, text);
        dot = strchr(copy, '.');
        equals = dot == NULL ? NULL : strchr(dot, '=');
    }
    if (equals == NULL) return fail(reading, "expected section.key=value");
    *dot = '\0';
    *equals = '\0';
    bool good = read_key(reading, copy, dot + 1, equals + 1);
    reading->override = NULL;
    return good;
}

static bool has_rdkafka(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->rdkafka_count; i++) {
        if (strcmp(config->rdkafka[i].name, name) == 0) return true;
    }
    return false;
}

static bool take_defaults(struct reading *reading)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (reading->given[i] || keys[i].fallback == NULL) continue;
        if (read_value(reading, &rules[i], keys[i].fallback)) continue;
        /* Only the time zone can fail, on a machine whose data base lacks the default. */
        return fail(reading, "%s.%s: expected a value that this machine knows, not the default %s",
                    keys[i].section, keys[i].key, keys[i].fallback);
    }
    return true;
}

/* What must be there, and what keys say only together. */
static bool check_whole(struct reading *reading)
{
    const struct config *config = reading->config;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        bool is_admin = strcmp(keys[i].section, "admin") == 0;
        if (keys[i].fallback != NULL || reading->given[i]) continue;
        if (is_admin && config->admin_listen.off) continue;
        char expected[EXPECTED_BYTES];
        print_expected(&rules[i], expected);
        return fail(reading, "%s.%s is missing: expected %s, %s", keys[i].section, keys[i].key,
                    expected, keys[i].words);
    }
    if (config->kafka_mode == CONFIG_BROKER_BROKER && !has_rdkafka(config, "bootstrap.servers") &&
        !has_rdkafka(config, "metadata.broker.list")) {
        return fail(reading, "kafka.rdkafka.bootstrap.servers is missing: expected host:port of "
                             "the broker, for kafka.mode is broker");
    }
    return true;
}

enum fault config_load(struct config *config, const char *path, const char *const *overrides,
                       size_t override_count, char error[CONFIG_ERROR_BYTES])
{
    memset(config, 0, sizeof *config);
    error[0] = '\0';
    struct reading reading = {.config = config, .path = path, .error = error};
    enum fault fault = read_file(&reading);
    if (fault != FAULT_NONE) return fault;
    for (size_t i = 0; i < override_count; i++) {
        if (!read_override(&reading, overrides[i])) return FAULT_INVALID;
    }
    if (!take_defaults(&reading) || !check_whole(&reading)) return FAULT_INVALID;
    return FAULT_NONE;
}

const struct config_key *config_keys(size_t *count)
{
    *count = KEY_COUNT;
    return keys;
}
