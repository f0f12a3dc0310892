/* consumer: metadata, bounds and short scans through librdkafka's simple consumer.
 *
 * Every call goes to the broker and waits for it; topics are made through its admin API.  Possible failures: it does not answer in time,
 * has no leader for the partition or is not there at all (FAULT_BUSY); it does not know the topic
 * (FAULT_NOT_FOUND); it refuses for a reason that time does not mend (FAULT_IO). */
#include "proto/kafka/consumer.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/time.h"
#include "proto/kafka/settings.h"

struct consumer {
    rd_kafka_t *handle;
};

/* What the caller can do about an error of librdkafka; its words go to `error`. */
static enum fault fault_of(rd_kafka_resp_err_t code, const char *topic,
                           char error[CONSUMER_ERROR_BYTES])
{
    snprintf(error, CONSUMER_ERROR_BYTES, "%s: %s", topic, rd_kafka_err2str(code));
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
        return FAULT_NOT_FOUND;
    }
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
        code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__RESOLVE ||
        code == RD_KAFKA_RESP_ERR__WAIT_CACHE || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
        code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
        code == RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE ||
        code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT) {
        return FAULT_BUSY;
    }
    return FAULT_IO;
}

enum fault consumer_open(struct consumer **out, const struct consumer_settings *settings,
                         char error[CONSUMER_ERROR_BYTES])
{
    const struct settings_pair ours[] = {
        {"bootstrap.servers", settings->bootstrap},
        {"fetch.wait.max.ms", "10"}, /* a scan's last fetch holds up the next scan for so long */
        {"fetch.error.backoff.ms", "50"},
    };
    static const struct settings_pair last[] = {
        {"enable.partition.eof", "true"}, /* tells the end where the last offsets hold no record */
        {"isolation.level", "read_committed"},
        {"enable.auto.commit", "false"},
    };
    rd_kafka_conf_t *conf = NULL;
    struct consumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL) {
        snprintf(error, CONSUMER_ERROR_BYTES, "out of memory");
        return FAULT_MEMORY;
    }
    enum fault fault = settings_make(&conf, ours, sizeof ours / sizeof ours[0], settings->extra,
                                     settings->extra_count, error);
    if (fault == FAULT_NONE) {
        fault = settings_add(conf, last, sizeof last / sizeof last[0], error);
    }
    if (fault != FAULT_NONE) goto failed;
    fault = FAULT_INVALID;
    consumer->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, CONSUMER_ERROR_BYTES);
    if (consumer->handle == NULL) goto failed;
    *out = consumer;
    return FAULT_NONE;

failed:
    if (conf != NULL) rd_kafka_conf_destroy(conf);
    free(consumer);
    return fault;
}

enum fault consumer_partitions(struct consumer *consumer, const char *topic, int wait_ms,
                               int32_t *count, char error[CONSUMER_ERROR_BYTES])
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer->handle, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    if (handle == NULL) return fault_of(rd_kafka_last_error(), topic, error);
    rd_kafka_resp_err_t code = rd_kafka_metadata(consumer->handle, 0, handle, &metadata, wait_ms);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fault_of(code, topic, error);
    code = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                    : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *count = code == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? FAULT_NONE : fault_of(code, topic, error);
}

/* The one result of a CreateTopics answer; its words go to `error`. */
static enum fault take_creation(rd_kafka_event_t *answer, const char *topic,
                                char error[CONSUMER_ERROR_BYTES])
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(answer);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t count;
        const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(answer);
        const rd_kafka_topic_result_t **topics =
            rd_kafka_CreateTopics_result_topics(result, &count);
        if (count == 1) code = rd_kafka_topic_result_error(topics[0]);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return FAULT_NONE;
    enum fault const fault = fault_of(code, topic, error);
    return code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ? FAULT_BUSY : fault;
}

enum fault consumer_make_topic(struct consumer *consumer, const char *topic, int partitions,
                               int wait_ms, char error[CONSUMER_ERROR_BYTES])
{
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, partitions, -1, error, CONSUMER_ERROR_BYTES);
    if (wanted == NULL) return FAULT_IO;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->handle);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(consumer->handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    /* Both bounds are lawful for any wait of ours. */
    (void)rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, NULL, 0);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, wait_ms, NULL, 0);
    rd_kafka_CreateTopics(consumer->handle, &wanted, 1, options, queue);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, 2 * wait_ms);
    enum fault const fault = answer == NULL ? fault_of(RD_KAFKA_RESP_ERR__TIMED_OUT, topic, error)
                                            : take_creation(answer, topic, error);
    rd_kafka_event_destroy(answer);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    return fault;
}

enum fault consumer_bounds(struct consumer *consumer, const char *topic, int32_t partition,
                           int wait_ms, int64_t *low, int64_t *high,
                           char error[CONSUMER_ERROR_BYTES])
{
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(consumer->handle, topic, partition, low, high, wait_ms);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? FAULT_NONE : fault_of(code, topic, error);
}

struct span consumer_header(const struct consumer_record *record, const char *name)
{
    const rd_kafka_headers_t *headers = record->headers;
    const void *value;
    size_t size;
    if (headers == NULL ||
        rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return (struct span){0};
    }
    return span_of(value, size);
}

/* Shows one message; false when the caller has seen enough. */
static bool show(rd_kafka_message_t *message, consumer_visit *visit, void *context)
{
    rd_kafka_headers_t *headers = NULL;
    (void)rd_kafka_message_headers(message, &headers); /* none: headers stays NULL */
    const struct consumer_record record = {
        .partition = message->partition,
        .offset = message->offset,
        .key = span_of(message->key, message->key_len),
        .value = span_of(message->payload, message->len),
        .headers = headers,
    };
    return visit(context, &record);
}

enum fault consumer_scan(struct consumer *consumer, const char *topic, int32_t partition,
                         int64_t from, int64_t end, int wait_ms, consumer_visit *visit,
                         void *context, char error[CONSUMER_ERROR_BYTES])
{
    if (from >= end) return FAULT_NONE;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer->handle, topic, NULL);
    if (handle == NULL) return fault_of(rd_kafka_last_error(), topic, error);
    if (rd_kafka_consume_start(handle, partition, from) != 0) {
        rd_kafka_topic_destroy(handle);
        return fault_of(rd_kafka_last_error(), topic, error);
    }
    int64_t const deadline_ns = time_monotonic_ns() + wait_ms * TIME_NS_PER_MS;
    enum fault fault = FAULT_NONE;
    bool more = true;
    while (more) {
        int64_t const left_ns = deadline_ns - time_monotonic_ns();
        if (left_ns <= 0) {
            fault = fault_of(RD_KAFKA_RESP_ERR__TIMED_OUT, topic, error);
            break;
        }
        rd_kafka_message_t *message =
            rd_kafka_consume(handle, partition, (int)(left_ns / TIME_NS_PER_MS) + 1);
        if (message == NULL) continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            more = false;
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            fault = fault_of(message->err, topic, error);
            more = false;
        } else if (message->offset < end) {
            more = show(message, visit, context) && message->offset + 1 < end;
        } else {
            more = false;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(handle, partition);
    rd_kafka_topic_destroy(handle);
    return fault;
}

void consumer_close(struct consumer *consumer)
{
    if (consumer == NULL) return;
    rd_kafka_destroy(consumer->handle);
    free(consumer);
}
