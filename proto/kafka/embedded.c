/* embedded: librdkafka's mock cluster behind a handle that does nothing else. */
#include "proto/kafka/embedded.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/log.h"
#include "proto/kafka/settings.h"

#define ALL_BROKERS (-1)
#define API_PRODUCE 0 /* Kafka protocol guide, "Api Keys" */

struct embedded {
    rd_kafka_t *handle; /* only carries the cluster */
    rd_kafka_mock_cluster_t *cluster;
};

enum fault embedded_open(struct embedded **out, const struct embedded_topic *topics,
                         size_t topic_count, char error[EMBEDDED_ERROR_BYTES])
{
    rd_kafka_conf_t *conf = NULL;
    struct embedded *embedded = calloc(1, sizeof *embedded);
    enum fault fault = FAULT_MEMORY;
    snprintf(error, EMBEDDED_ERROR_BYTES, "out of memory");
    if (embedded == NULL) goto failed;
    fault = settings_make(&conf, NULL, 0, NULL, 0, error);
    if (fault != FAULT_NONE) goto failed;
    fault = FAULT_IO;
    embedded->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, EMBEDDED_ERROR_BYTES);
    if (embedded->handle == NULL) goto failed;
    conf = NULL; /* the handle's now */
    embedded->cluster = rd_kafka_mock_cluster_new(embedded->handle, 1);
    if (embedded->cluster == NULL) {
        snprintf(error, EMBEDDED_ERROR_BYTES, "no port on 127.0.0.1 could be had");
        goto failed;
    }
    for (size_t i = 0; i < topic_count; i++) {
        rd_kafka_resp_err_t code =
            rd_kafka_mock_topic_create(embedded->cluster, topics[i].name, topics[i].partitions, 1);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        snprintf(error, EMBEDDED_ERROR_BYTES, "%s: %s", topics[i].name, rd_kafka_err2str(code));
        goto failed;
    }
    LOG(LOG_WARNING, "kafka",
        "the embedded broker on %s is for development only: it keeps events in memory and forgets "
        "the oldest beyond 5 MiB of a partition",
        embedded_address(embedded));
    *out = embedded;
    return FAULT_NONE;

failed:
    if (conf != NULL) rd_kafka_conf_destroy(conf);
    embedded_close(embedded);
    return fault;
}

const char *embedded_address(const struct embedded *embedded)
{
    return rd_kafka_mock_cluster_bootstraps(embedded->cluster);
}

void embedded_set_down(struct embedded *embedded, bool down)
{
    if (down) {
        rd_kafka_mock_broker_set_down(embedded->cluster, ALL_BROKERS);
    } else {
        rd_kafka_mock_broker_set_up(embedded->cluster, ALL_BROKERS);
    }
}

void embedded_fail_next(struct embedded *embedded, enum embedded_failure failure, size_t count)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    switch (failure) {
    case EMBEDDED_NOT_ENOUGH_REPLICAS: code = RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; break;
    case EMBEDDED_UNKNOWN_PRODUCER: code = RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID; break;
    case EMBEDDED_OUT_OF_SEQUENCE: code = RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER; break;
    }
    for (size_t i = 0; i < count; i++) {
        rd_kafka_mock_push_request_errors_array(embedded->cluster, API_PRODUCE, 1, &code);
    }
}

void embedded_close(struct embedded *embedded)
{
    if (embedded == NULL) return;
    if (embedded->cluster != NULL) rd_kafka_mock_cluster_destroy(embedded->cluster);
    if (embedded->handle != NULL) rd_kafka_destroy(embedded->handle);
    free(embedded);
}
