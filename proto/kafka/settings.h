/* settings: librdkafka's configuration object, made alike for producer and consumer.
 *
 * Only for the files of this folder: its types are librdkafka's. */
#ifndef PROTO_KAFKA_SETTINGS_H
#define PROTO_KAFKA_SETTINGS_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/config/config.h"

#define SETTINGS_ERROR_BYTES 256

struct settings_pair {
    const char *name;
    const char *value; /* NULL: left out */
};

/* A configuration with our name, log and `ours`, then `extra`, which wins.
 * On FAULT_NONE *out is the caller's.  FAULT_INVALID: a name or value is not librdkafka's; error
 * names it, never a password's value.  FAULT_MEMORY. */
MUST_CHECK enum fault settings_make(rd_kafka_conf_t **out, const struct settings_pair *ours,
                                    size_t our_count, const struct config_rdkafka *extra,
                                    size_t extra_count, char error[SETTINGS_ERROR_BYTES]);

/* Sets more, over what is there. */
MUST_CHECK enum fault settings_add(rd_kafka_conf_t *conf, const struct settings_pair *pairs,
                                   size_t count, char error[SETTINGS_ERROR_BYTES]);

#endif
