/* producer: librdkafka's idempotent producer, bounded and with its failures surfaced.
 *
 * The happy path:
 *   producer_send   copies the record into librdkafka's queue;
 *   librdkafka      sends it, again where it must, keeping each partition's order;
 *   producer_poll   hands over the reports: acknowledged.
 *
 * Possible failures: the queue is full (FAULT_FULL: poll, then try again); the broker is away
 * (librdkafka tries again; errors are counted); a record is given up or idempotence is lost (see
 * `failed`: nothing more is accepted, the owner opens another producer). */
#include "proto/kafka/producer.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/kafka/settings.h"

static_assert(sizeof(void *) >= sizeof(uint64_t), "tags travel as librdkafka's opaque pointers");

#define HEADERS_MAX 8

struct producer_topic {
    struct producer_topic *next;
    rd_kafka_topic_t *handle;
};

struct producer {
    rd_kafka_t *handle;
    struct producer_topic *topics;
    producer_report *report;
    void *report_context;
    size_t reported; /* by the producer_poll that runs */
    uint64_t errors;
    bool failed;  /* set once, never cleared */
    bool closing; /* what is dropped now is not reported */
    char words[PRODUCER_ERROR_BYTES];
};

/* The one place where a producer fails. The first words stay. */
static void fail(struct producer *producer, const char *what, const char *why)
{
    if (producer->failed) return;
    producer->failed = true;
    (void)snprintf(producer->words, sizeof producer->words, "%.60s: %.180s", what, why);
}

/* librdkafka's report of one record, inside producer_poll and producer_close. */
static void take_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *context)
{
    (void)handle;
    struct producer *producer = context;
    if (producer->closing) return;
    bool acknowledged = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!acknowledged) fail(producer, "a record was given up", rd_kafka_err2str(message->err));
    producer->reported++;
    producer->report(producer->report_context, rd_kafka_topic_opaque(message->rkt),
                     (uint64_t)(uintptr_t)message->_private, acknowledged);
}

/* librdkafka's errors that belong to no record, inside producer_poll and producer_close. */
static void take_error(rd_kafka_t *handle, int error, const char *reason, void *context)
{
    struct producer *producer = context;
    producer->errors++;
    if (error != RD_KAFKA_RESP_ERR__FATAL) return;
    char why[PRODUCER_ERROR_BYTES];
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(handle, why, sizeof why);
    fail(producer, rd_kafka_err2name(cause), cause == RD_KAFKA_RESP_ERR_NO_ERROR ? reason : why);
}

enum fault producer_open(struct producer **out, const struct producer_settings *settings,
                         char error[PRODUCER_ERROR_BYTES])
{
    char queue[16];
    char queue_kib[16];
    snprintf(queue, sizeof queue, "%d", LIMIT_KAFKA_QUEUE);
    snprintf(queue_kib, sizeof queue_kib, "%d", LIMIT_KAFKA_QUEUE_KIB);
    const struct settings_pair ours[] = {
        {"queue.buffering.max.messages", queue},
        {"queue.buffering.max.kbytes", queue_kib},
        {"linger.ms", "2"},                /* half a batch of a busy switch; unseen by people */
        {"partitioner", "murmur2_random"}, /* as Java's clients place keys */
        {"message.timeout.ms", "0"},       /* records wait for a broker that is away, in order */
        {"bootstrap.servers", settings->bootstrap},
    };
    /* What the promise of this file rests on, after everything else so that it wins: a record that
     * is given up stops all behind it. */
    static const struct settings_pair last[] = {
        {"enable.idempotence", "true"},
        {"enable.gapless.guarantee", "true"},
    };

    rd_kafka_conf_t *conf = NULL;
    struct producer *producer = calloc(1, sizeof *producer);
    if (producer == NULL) {
        snprintf(error, PRODUCER_ERROR_BYTES, "out of memory");
        return FAULT_MEMORY;
    }
    producer->report = settings->report;
    producer->report_context = settings->report_context;
    enum fault fault = settings_make(&conf, ours, sizeof ours / sizeof ours[0], settings->extra,
                                     settings->extra_count, error);
    if (fault == FAULT_NONE) fault = settings_add(conf, last, 2, error);
    if (fault != FAULT_NONE) goto failed;
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, take_report);
    rd_kafka_conf_set_error_cb(conf, take_error);

    fault = FAULT_INVALID; /* settings that contradict each other show only here */
    producer->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, PRODUCER_ERROR_BYTES);
    if (producer->handle == NULL) goto failed;
    *out = producer;
    return FAULT_NONE;

failed:
    if (conf != NULL) rd_kafka_conf_destroy(conf);
    free(producer);
    return fault;
}

enum fault producer_topic(struct producer *producer, const char *name, struct producer_topic **out)
{
    for (struct producer_topic *topic = producer->topics; topic != NULL; topic = topic->next) {
        if (strcmp(rd_kafka_topic_name(topic->handle), name) != 0) continue;
        *out = topic;
        return FAULT_NONE;
    }
    struct producer_topic *topic = calloc(1, sizeof *topic);
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(producer->handle);
    if (topic == NULL || conf == NULL) goto failed;
    rd_kafka_topic_conf_set_opaque(conf, topic);
    topic->handle = rd_kafka_topic_new(producer->handle, name, conf);
    if (topic->handle == NULL) goto failed;
    topic->next = producer->topics;
    producer->topics = topic;
    *out = topic;
    return FAULT_NONE;

failed:
    if (conf != NULL) rd_kafka_topic_conf_destroy(conf);
    free(topic);
    return FAULT_INVALID;
}

enum fault producer_send(struct producer *producer, struct producer_topic *topic, int32_t partition,
                         struct span key, struct span value, const struct producer_header *headers,
                         size_t header_count, uint64_t tag)
{
    assert(header_count <= HEADERS_MAX);
    if (producer->failed) return FAULT_CLOSED;

    rd_kafka_vu_t fields[6 + HEADERS_MAX];
    size_t count = 0;
    fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic->handle};
    fields[count++] = (rd_kafka_vu_t){
        .vtype = RD_KAFKA_VTYPE_PARTITION,
        .u.i32 = partition < 0 ? RD_KAFKA_PARTITION_UA : partition,
    };
    fields[count++] = (rd_kafka_vu_t){
        .vtype = RD_KAFKA_VTYPE_KEY,
        .u.mem = {.ptr = (void *)(uintptr_t)key.bytes, .size = key.size},
    };
    fields[count++] = (rd_kafka_vu_t){
        .vtype = RD_KAFKA_VTYPE_VALUE,
        .u.mem = {.ptr = (void *)(uintptr_t)value.bytes, .size = value.size},
    };
    fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
    fields[count++] =
        (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)tag};
    for (size_t i = 0; i < header_count; i++) {
        fields[count++] = (rd_kafka_vu_t){
            .vtype = RD_KAFKA_VTYPE_HEADER,
            .u.header = {.name = headers[i].name,
                         .val = headers[i].value.bytes,
                         .size = (ssize_t)headers[i].value.size},
        };
    }

    rd_kafka_error_t *refused = rd_kafka_produceva(producer->handle, fields, count);
    if (refused == NULL) return FAULT_NONE;
    rd_kafka_resp_err_t code = rd_kafka_error_code(refused);
    enum fault fault = FAULT_CLOSED;
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        fault = FAULT_FULL;
    } else if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        fault = FAULT_INVALID;
    } else {
        fail(producer, "a record was refused", rd_kafka_error_string(refused));
    }
    rd_kafka_error_destroy(refused);
    return fault;
}

size_t producer_poll(struct producer *producer, int wait_ms)
{
    producer->reported = 0;
    rd_kafka_poll(producer->handle, wait_ms);
    return producer->reported;
}

bool producer_failed(const struct producer *producer, const char **words)
{
    *words = producer->failed ? producer->words : NULL;
    return producer->failed;
}

uint64_t producer_errors(const struct producer *producer)
{
    return producer->errors;
}

void producer_close(struct producer *producer, int flush_ms)
{
    if (producer == NULL) return;
    if (!producer->failed) rd_kafka_flush(producer->handle, flush_ms);
    producer->closing = true;
    rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(producer->handle, 0);
    while (producer->topics != NULL) {
        struct producer_topic *topic = producer->topics;
        producer->topics = topic->next;
        rd_kafka_topic_destroy(topic->handle);
        free(topic);
    }
    rd_kafka_destroy(producer->handle);
    free(producer);
}
