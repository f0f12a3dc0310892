/* genesis: reads genesis.json with jansson, strictly.
 *
 * The happy path: one walk over the document; each object's keys are first compared with the list
 * of those it may have, then read one by one; at the end what only the whole shows is checked
 * (codes are unique, indirect participants name a direct one, the sum of balances has room).
 *
 * Possible failures: the first one stops the walk; its line names file and place. */
#include "proto/config/genesis.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/span.h"

#define PLACE_BYTES 96 /* "participants[4095].certificates[7]" */

struct reading {
    struct genesis *genesis;
    const char *path;
    char place[PLACE_BYTES]; /* of the object being read, "" at the top */
    enum fault fault;        /* the first one */
    char *error;
};

/* Keeps the first error: "FILE: PLACE.KEY: words". Always false, so that callers can return it. */
static bool fail(struct reading *reading, enum fault fault, const char *key, const char *format,
                 ...) PRINTF_LIKE(4, 5);

static bool fail(struct reading *reading, enum fault fault, const char *key, const char *format,
                 ...)
{
    if (reading->fault != FAULT_NONE) return false;
    reading->fault = fault;
    const char *dot = reading->place[0] != '\0' && key[0] != '\0' ? "." : "";
    const char *colon = reading->place[0] != '\0' || key[0] != '\0' ? ": " : "";
    int written = snprintf(reading->error, CONFIG_ERROR_BYTES - 128, "%s: %s%s%.60s%s",
                           reading->path, reading->place, dot, key, colon);
    size_t at = written < CONFIG_ERROR_BYTES - 128 ? (size_t)written : CONFIG_ERROR_BYTES - 129;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->error + at, CONFIG_ERROR_BYTES - at, format, arguments);
    va_end(arguments);
    return false;
}

static bool invalid_key(struct reading *reading, const char *key, const char *expected)
{
    return fail(reading, FAULT_INVALID, key, "expected %s", expected);
}

/* True when `object` is an object without other keys than the `allowed`, which end with NULL. */
static bool read_object(struct reading *reading, json_t *object, const char *const *allowed)
{
    if (!json_is_object(object)) return invalid_key(reading, "", "an object");
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t at = 0;
        while (allowed[at] != NULL && strcmp(allowed[at], key) != 0)
            at++;
        if (allowed[at] == NULL) return fail(reading, FAULT_INVALID, key, "unknown key");
    }
    return true;
}

static bool is_null_or_absent(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return value == NULL || json_is_null(value);
}

/* A string of 1 to size - 1 bytes without a zero byte. */
static bool read_text(struct reading *reading, json_t *object, const char *key, char *text,
                      size_t size, const char *expected)
{
    json_t *value = json_object_get(object, key);
    size_t length = json_string_length(value);
    if (!json_is_string(value) || length == 0 || length >= size) {
        return invalid_key(reading, key, expected);
    }
    memcpy(text, json_string_value(value), length + 1);
    return true;
}

static bool read_code(struct reading *reading, json_t *object, const char *key, config_code code)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char expected[] = "a code of 8 characters of 0-9 and A-Z";
    if (!read_text(reading, object, key, code, sizeof(config_code), expected)) return false;
    if (strspn(code, allowed) != 8) return invalid_key(reading, key, expected);
    return true;
}

/* Which of `names`, which end with NULL, the string is; written to *index. */
static bool read_choice(struct reading *reading, json_t *object, const char *key,
                        const char *const *names, const char *expected, size_t *index)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) return invalid_key(reading, key, expected);
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) != 0) continue;
        *index = i;
        return true;
    }
    return invalid_key(reading, key, expected);
}

static bool read_amount(struct reading *reading, json_t *object, const char *key,
                        struct amount *amount)
{
    static const char expected[] = "an amount of 2 decimals as a string, such as \"1000.00\"";
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL || amount_parse(span_text(text), amount) != AMOUNT_PARSE_GOOD ||
        amount_is_negative(*amount)) {
        return invalid_key(reading, key, expected);
    }
    return true;
}

/* A certificate's path as the current folder sees it; the genesis' until genesis_close. */
static bool read_path(struct reading *reading, json_t *value, const char *key, char **path)
{
    config_path joined;
    const char *text = json_string_value(value);
    if (text == NULL || text[0] == '\0' || config_join(joined, reading->path, text) != FAULT_NONE) {
        return invalid_key(reading, key, "the path of a certificate as a string");
    }
    *path = strdup(joined);
    if (*path == NULL) return fail(reading, FAULT_MEMORY, key, "out of memory");
    return true;
}

static bool read_certificates(struct reading *reading, json_t *object, const char *key,
                              struct genesis_certificates *certificates)
{
    json_t *list = json_object_get(object, key);
    if (list == NULL) return true;
    if (!json_is_array(list) || json_array_size(list) > LIMIT_CERTIFICATES) {
        return fail(reading, FAULT_INVALID, key, "expected a list of at most %d certificates",
                    LIMIT_CERTIFICATES);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_path(reading, json_array_get(list, i), key, &certificates->paths[i])) {
            return false;
        }
        certificates->count++;
    }
    return true;
}

static bool read_participant(struct reading *reading, json_t *object,
                             struct genesis_participant *participant)
{
    static const char *const allowed[] = {
        "code", "name",    "status",  "balance", "payment_limit", "pacs008_max", "settles_through",
        "role", "channel", "signing", NULL};
    static const char *const statuses[] = {"active", "suspended", "debit-blocked", NULL};
    static const char *const roles[] = {"rtgs", NULL};
    size_t status = 0;
    size_t role = 0;
    if (!read_object(reading, object, allowed)) return false;
    if (!read_code(reading, object, "code", participant->code)) return false;
    if (!read_text(reading, object, "name", participant->name, sizeof participant->name,
                   "a name of 1 to 560 bytes")) {
        return false;
    }
    if (!read_choice(reading, object, "status", statuses, "active, suspended or debit-blocked",
                     &status)) {
        return false;
    }
    participant->status = (enum genesis_status)status;
    if (!read_amount(reading, object, "balance", &participant->balance)) return false;

    if (!is_null_or_absent(object, "payment_limit")) {
        if (!read_amount(reading, object, "payment_limit", &participant->payment_limit)) {
            return false;
        }
        if (amount_is_zero(participant->payment_limit)) {
            return invalid_key(reading, "payment_limit", "null or an amount above zero");
        }
        participant->has_payment_limit = true;
    }

    participant->pacs008_max = 1;
    json_t *most = json_object_get(object, "pacs008_max");
    if (most != NULL) {
        json_int_t number = json_integer_value(most);
        if (!json_is_integer(most) || number < 1 || number > LIMIT_TRANSACTIONS) {
            return invalid_key(reading, "pacs008_max", "a whole number from 1 to 10");
        }
        participant->pacs008_max = (uint32_t)number;
    }

    if (!is_null_or_absent(object, "settles_through") &&
        !read_code(reading, object, "settles_through", participant->settles_through)) {
        return false;
    }
    if (!is_null_or_absent(object, "role")) {
        if (!read_choice(reading, object, "role", roles, "null or rtgs", &role)) return false;
        participant->is_rtgs = true;
    }
    return read_certificates(reading, object, "channel", &participant->channel) &&
           read_certificates(reading, object, "signing", &participant->signing);
}

static bool read_operator(struct reading *reading, json_t *object,
                          struct genesis_operator *operator)
{
    static const char *const allowed[] = {"name", "role", "certificate", NULL};
    static const char *const roles[] = {"auditor", "maker", "checker", "rtgs", NULL};
    size_t role = 0;
    if (!read_object(reading, object, allowed)) return false;
    if (!read_text(reading, object, "name", operator->name, sizeof operator->name,
                   "a name of 1 to 560 bytes")) {
        return false;
    }
    if (!read_choice(reading, object, "role", roles, "auditor, maker, checker or rtgs", &role)) {
        return false;
    }
    operator->role =(enum genesis_operator_role) role;
    return read_path(reading, json_object_get(object, "certificate"), "certificate",
                     &operator->certificate);
}

/* The list under `key` of the top object, with its bounds checked; *count is its length. */
static bool read_list(struct reading *reading, json_t *root, const char *key, size_t least,
                      size_t most, json_t **list, size_t *count)
{
    *list = json_object_get(root, key);
    *count = json_array_size(*list);
    if (!json_is_array(*list) || *count < least || *count > most) {
        return fail(reading, FAULT_INVALID, key, "expected a list of %zu to %zu objects", least,
                    most);
    }
    return true;
}

static bool read_document(struct reading *reading, json_t *root)
{
    static const char *const allowed[] = {"version", "participants", "operators", NULL};
    struct genesis *genesis = reading->genesis;
    json_t *participants;
    json_t *operators;
    size_t participant_count;
    size_t operator_count;
    if (!read_object(reading, root, allowed)) return false;
    json_t *version = json_object_get(root, "version");
    if (!json_is_integer(version) || json_integer_value(version) != 1) {
        return invalid_key(reading, "version", "1");
    }
    if (!read_list(reading, root, "participants", 1, LIMIT_PARTICIPANTS, &participants,
                   &participant_count) ||
        !read_list(reading, root, "operators", 0, LIMIT_OPERATORS, &operators, &operator_count)) {
        return false;
    }
    genesis->participants = calloc(participant_count, sizeof *genesis->participants);
    genesis->operators = calloc(operator_count + 1, sizeof *genesis->operators);
    if (genesis->participants == NULL || genesis->operators == NULL) {
        return fail(reading, FAULT_MEMORY, "", "out of memory");
    }
    genesis->participant_count = participant_count;
    genesis->operator_count = operator_count;
    for (size_t i = 0; i < participant_count; i++) {
        snprintf(reading->place, PLACE_BYTES, "participants[%zu]", i);
        if (!read_participant(reading, json_array_get(participants, i),
                              &genesis->participants[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < operator_count; i++) {
        snprintf(reading->place, PLACE_BYTES, "operators[%zu]", i);
        if (!read_operator(reading, json_array_get(operators, i), &genesis->operators[i])) {
            return false;
        }
    }
    return true;
}

static int compare_codes(const void *a, const void *b)
{
    const struct genesis_participant *const *left = a;
    const struct genesis_participant *const *right = b;
    return strcmp((*left)->code, (*right)->code);
}

/* The participant of that code among `sorted`, NULL when there is none. */
static const struct genesis_participant *find(const struct genesis_participant **sorted,
                                              size_t count, const config_code code)
{
    struct genesis_participant wanted = {0};
    memcpy(wanted.code, code, sizeof wanted.code);
    const struct genesis_participant *key = &wanted;
    const struct genesis_participant **found =
        bsearch(&key, sorted, count, sizeof *sorted, compare_codes);
    return found == NULL ? NULL : *found;
}

static bool check_participants(struct reading *reading, const struct genesis_participant **sorted)
{
    const struct genesis *genesis = reading->genesis;
    size_t count = genesis->participant_count;
    struct amount sum = amount_of_minor(0);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &genesis->participants[i];
    qsort(sorted, count, sizeof *sorted, compare_codes);
    reading->place[0] = '\0';
    for (size_t i = 1; i < count; i++) {
        if (compare_codes(&sorted[i - 1], &sorted[i]) != 0) continue;
        return fail(reading, FAULT_INVALID, "participants", "the code %s is there twice",
                    sorted[i]->code);
    }
    for (size_t i = 0; i < count; i++) {
        const struct genesis_participant *participant = &genesis->participants[i];
        snprintf(reading->place, PLACE_BYTES, "participants[%zu]", i);
        if (participant->settles_through[0] != '\0') {
            const struct genesis_participant *direct =
                find(sorted, count, participant->settles_through);
            if (direct == NULL || direct->settles_through[0] != '\0') {
                return invalid_key(reading, "settles_through",
                                   "the code of a listed participant that holds its own account");
            }
            if (!amount_is_zero(participant->balance)) {
                return invalid_key(reading, "balance",
                                   "\"0.00\", for it settles through another and has no account");
            }
        }
        /* DESIGN, "The ledger": total net funding is bounded, so no credit can overflow later. */
        if (!amount_add(sum, participant->balance, &sum)) {
            return invalid_key(reading, "balance",
                               "a sum of balances of at most 90000000000000000.00");
        }
    }
    return true;
}

static bool check_operators(struct reading *reading)
{
    const struct genesis *genesis = reading->genesis;
    for (size_t i = 0; i < genesis->operator_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(genesis->operators[i].name, genesis->operators[j].name) != 0) continue;
            snprintf(reading->place, PLACE_BYTES, "operators[%zu]", i);
            return invalid_key(reading, "name", "a name that no other operator has");
        }
    }
    return true;
}

static bool check_whole(struct reading *reading)
{
    const struct genesis_participant **sorted =
        calloc(reading->genesis->participant_count, sizeof *sorted);
    if (sorted == NULL) return fail(reading, FAULT_MEMORY, "", "out of memory");
    bool good = check_participants(reading, sorted) && check_operators(reading);
    free(sorted);
    return good;
}

enum fault genesis_load(struct genesis *genesis, const char *path, char error[CONFIG_ERROR_BYTES])
{
    *genesis = (struct genesis){0};
    error[0] = '\0';
    struct reading reading = {.genesis = genesis, .path = path, .error = error};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fail(&reading, FAULT_IO, "", "cannot be read: %s", strerror(errno));
        return FAULT_IO;
    }
    json_error_t at;
    json_t *root = json_loadf(file, JSON_REJECT_DUPLICATES, &at);
    fclose(file);
    if (root == NULL) {
        fail(&reading, FAULT_INVALID, "", "line %d: %s", at.line, at.text);
        return FAULT_INVALID;
    }
    if (read_document(&reading, root)) (void)check_whole(&reading);
    json_decref(root);
    if (reading.fault != FAULT_NONE) genesis_close(genesis);
    return reading.fault;
}

static void close_certificates(struct genesis_certificates *certificates)
{
    for (size_t i = 0; i < LIMIT_CERTIFICATES; i++)
        free(certificates->paths[i]);
}

void genesis_close(struct genesis *genesis)
{
    for (size_t i = 0; i < genesis->participant_count; i++) {
        close_certificates(&genesis->participants[i].channel);
        close_certificates(&genesis->participants[i].signing);
    }
    for (size_t i = 0; i < genesis->operator_count; i++)
        free(genesis->operators[i].certificate);
    free(genesis->participants);
    free(genesis->operators);
    *genesis = (struct genesis){0};
}
