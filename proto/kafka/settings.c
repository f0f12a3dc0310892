/* settings: turns names and values into librdkafka's configuration, and its log into ours. */
#include "proto/kafka/settings.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/log.h"
#include "proto/kafka/thread.h"

/* Called from librdkafka's threads. Its warnings are about somebody outside: the broker. */
static void take_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle;
    (void)level;
    /* librdkafka warns at every start that a setting is experimental that we chose knowingly. */
    if (strstr(text, "enable.gapless.guarantee is experimental") != NULL) return;
    LOG(LOG_WARNING, "kafka", "%s: %s", facility, text);
}

static enum fault set(rd_kafka_conf_t *conf, const char *name, const char *value,
                      char error[SETTINGS_ERROR_BYTES])
{
    char why[SETTINGS_ERROR_BYTES];
    switch (rd_kafka_conf_set(conf, name, value, why, sizeof why)) {
    case RD_KAFKA_CONF_OK: return FAULT_NONE;
    case RD_KAFKA_CONF_UNKNOWN:
        snprintf(error, SETTINGS_ERROR_BYTES, "rdkafka.%s: expected a setting that librdkafka has",
                 name);
        return FAULT_INVALID;
    case RD_KAFKA_CONF_INVALID:
        /* Its words repeat the value, which may be a secret. */
        snprintf(error, SETTINGS_ERROR_BYTES, "rdkafka.%s: expected a value that librdkafka takes",
                 name);
        return FAULT_INVALID;
    }
    return FAULT_INVALID;
}

enum fault settings_add(rd_kafka_conf_t *conf, const struct settings_pair *pairs, size_t count,
                        char error[SETTINGS_ERROR_BYTES])
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].value == NULL) continue;
        enum fault fault = set(conf, pairs[i].name, pairs[i].value, error);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

enum fault settings_make(rd_kafka_conf_t **out, const struct settings_pair *ours, size_t our_count,
                         const struct config_rdkafka *extra, size_t extra_count,
                         char error[SETTINGS_ERROR_BYTES])
{
    static const struct settings_pair always[] = {
        {"client.id", "cauced"}, {"log_level", "4"}, /* warnings and worse */
    };
    thread_prepare();
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (conf == NULL) {
        snprintf(error, SETTINGS_ERROR_BYTES, "out of memory");
        return FAULT_MEMORY;
    }
    rd_kafka_conf_set_log_cb(conf, take_log);
    enum fault fault = settings_add(conf, always, sizeof always / sizeof always[0], error);
    if (fault == FAULT_NONE) fault = settings_add(conf, ours, our_count, error);
    for (size_t i = 0; i < extra_count && fault == FAULT_NONE; i++) {
        fault = set(conf, extra[i].name, extra[i].value, error);
    }
    if (fault != FAULT_NONE) {
        rd_kafka_conf_destroy(conf);
        return fault;
    }
    *out = conf;
    return FAULT_NONE;
}
