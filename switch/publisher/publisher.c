/* publisher: one thread between the ledger and Kafka.
 *
 * The happy path, turn by turn:
 *   read     entries up to durable_seq enter the window; payments go to cauce.payments.v1 at once;
 *   release  the window's oldest entries whose payment record is acknowledged, or that have none,
 *            go to cauce.ledger.v1, in order;
 *   poll     reports come in: they open the way for `release` and move acknowledged_seq.
 *
 *            acknowledged_seq      released           read               durable_seq
 *   ledger  ........|.................|.................|..................|
 *                   in flight to       waiting for       still only in
 *                   cauce.ledger.v1    cauce.payments.v1 the ledger
 *
 * Possible failures: librdkafka's queue is full (the turn ends, the next goes on); the producer
 * fails (it is closed, the window forgotten, resume.c says where to go on); the broker does not
 * answer or its topic does not fit (asked again later); the ledger cannot be read (tried again, or
 * given up where its bytes are corrupt).  Nothing here is ever waited for by settlement. */
#include "switch/publisher/publisher.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger/reader.h"
#include "proto/base/limits.h"
#include "proto/base/log.h"
#include "proto/base/time.h"
#include "proto/kafka/consumer.h"
#include "proto/kafka/producer.h"
#include "proto/record/body.h"
#include "switch/publisher/event.h"
#include "switch/publisher/resume.h"

#define WINDOW LIMIT_PUBLISHER_WINDOW
#define IDLE_MS_MAX 10         /* how late an idle publisher notices a commit, at most */
#define RETRY_MS 1000          /* after a broker that does not answer */
#define REFUSED_RETRY_MS 10000 /* after a topic that does not fit: a person has to act meanwhile */
#define NAP_MS 20              /* how late a waiting publisher notices that it shall stop */

static_assert((WINDOW & (WINDOW - 1)) == 0, "sequences are mapped to slots by their low bits");

enum topic_tag { TAG_LEDGER = 0, TAG_PAYMENTS = 1 }; /* the lowest bit of a record's tag */

/* An entry between its reading and its record in cauce.ledger.v1. */
struct slot {
    struct entry entry;
    struct body body;
    bool is_clear; /* nothing in another topic has to be acknowledged first */
};

struct publisher {
    struct publisher_settings settings;
    _Atomic int64_t stop_by_ns; /* monotonic; 0: go on */
    pthread_t thread;

    /* All below is the thread's own. */
    struct reader *reader;
    struct consumer *consumer;
    struct producer *producer;
    struct producer_topic *ledger_topic;
    struct producer_topic *payments_topic;
    struct event *event;
    struct slot *window; /* WINDOW slots; sequence s in slot s % WINDOW */
    struct resume resume;
    uint64_t read_next;     /* lowest sequence not in the window yet */
    uint64_t release_next;  /* lowest sequence not sent to cauce.ledger.v1; <= read_next */
    uint64_t errors_before; /* of the producers before this one */
    bool has_run;           /* acknowledged_seq is from reports, not only from the broker */
};

static void set_state(struct publisher *publisher, enum publisher_state state)
{
    atomic_store_explicit(&publisher->settings.meters->state, (int)state, memory_order_relaxed);
}

static enum publisher_state state_of(const struct publisher *publisher)
{
    return (enum publisher_state)atomic_load_explicit(&publisher->settings.meters->state,
                                                      memory_order_relaxed);
}

static uint64_t durable_seq(const struct publisher *publisher)
{
    return atomic_load_explicit(publisher->settings.durable_seq, memory_order_acquire);
}

static uint64_t acknowledged_seq(const struct publisher *publisher)
{
    return atomic_load_explicit(&publisher->settings.meters->acknowledged_seq,
                                memory_order_relaxed);
}

static bool is_stopping(struct publisher *publisher)
{
    return atomic_load_explicit(&publisher->stop_by_ns, memory_order_acquire) != 0;
}

static bool is_past_stop(struct publisher *publisher)
{
    int64_t stop_by_ns = atomic_load_explicit(&publisher->stop_by_ns, memory_order_acquire);
    return stop_by_ns != 0 && time_monotonic_ns() >= stop_by_ns;
}

/* Waits, but not longer than it takes to be told to stop. */
static void nap(struct publisher *publisher, int wait_ms)
{
    for (int slept_ms = 0; slept_ms < wait_ms && !is_stopping(publisher); slept_ms += NAP_MS) {
        nanosleep(&(struct timespec){.tv_nsec = NAP_MS * TIME_NS_PER_MS}, NULL);
    }
}

static struct slot *slot_of(struct publisher *publisher, uint64_t seq)
{
    return &publisher->window[seq & (WINDOW - 1)];
}

/* A record's fate, inside producer_poll. A failed producer's are of no interest. */
static void take_report(void *context, struct producer_topic *topic, uint64_t tag,
                        bool acknowledged)
{
    (void)topic;
    struct publisher *publisher = context;
    uint64_t const seq = tag >> 1;
    const char *words;
    if (!acknowledged || producer_failed(publisher->producer, &words)) return;
    if ((tag & 1) == TAG_PAYMENTS) {
        assert(seq >= publisher->release_next && seq < publisher->read_next);
        slot_of(publisher, seq)->is_clear = true;
        return;
    }
    /* One partition, one producer that keeps its order. */
    assert(seq == acknowledged_seq(publisher) + 1);
    atomic_store_explicit(&publisher->settings.meters->acknowledged_seq, seq, memory_order_release);
}

static enum fault send(struct publisher *publisher, enum topic_tag tag, uint64_t seq)
{
    const struct event *event = publisher->event;
    return tag == TAG_LEDGER ? producer_send(publisher->producer, publisher->ledger_topic, 0,
                                             event->key, event->value, event->headers,
                                             event->header_count, seq << 1 | TAG_LEDGER)
                             : producer_send(publisher->producer, publisher->payments_topic, -1,
                                             event->key, event->value, event->headers,
                                             event->header_count, seq << 1 | TAG_PAYMENTS);
}

/* The walk's visitor: an entry enters the window, its payment record goes out. */
static enum fault take_entry(void *context, const struct entry *entry, struct span body)
{
    struct publisher *publisher = context;
    uint64_t const seq = entry->public.seq;
    struct slot *slot = slot_of(publisher, seq);
    assert(seq == publisher->read_next && body.size <= sizeof slot->body.bytes);
    bool const is_payment = json_is_payment(entry);
    if (is_payment) {
        event_make_payment(publisher->event, entry);
        enum fault fault = send(publisher, TAG_PAYMENTS, seq);
        if (fault != FAULT_NONE) return fault;
    }

    /* From here nothing can fail. */
    slot->entry = *entry;
    slot->body.size = (uint32_t)body.size;
    if (body.size > 0) memcpy(slot->body.bytes, body.bytes, body.size);
    slot->is_clear = !is_payment;
    publisher->read_next = seq + 1;
    return FAULT_NONE;
}

static enum fault read_entries(struct publisher *publisher)
{
    uint64_t last = durable_seq(publisher);
    uint64_t const room_to = publisher->release_next + WINDOW - 1;
    if (last > room_to) last = room_to;
    if (publisher->read_next > last) return FAULT_NONE;
    return reader_walk(publisher->reader, publisher->read_next, last, take_entry, publisher);
}

static enum fault release_entries(struct publisher *publisher)
{
    while (publisher->release_next < publisher->read_next) {
        uint64_t const seq = publisher->release_next;
        struct slot *slot = slot_of(publisher, seq);
        if (!slot->is_clear) return FAULT_NONE;
        if (seq > publisher->resume.ledger_seq) {
            event_make_ledger(publisher->event, &slot->entry, body_span(&slot->body));
            enum fault fault = send(publisher, TAG_LEDGER, seq);
            if (fault != FAULT_NONE) return fault;
        }
        publisher->release_next = seq + 1;
    }
    return FAULT_NONE;
}

static void close_producer(struct publisher *publisher)
{
    if (publisher->producer == NULL) return;
    publisher->errors_before += producer_errors(publisher->producer);
    producer_close(publisher->producer, 0);
    publisher->producer = NULL;
}

static enum fault open_producer(struct publisher *publisher, char error[PRODUCER_ERROR_BYTES])
{
    const struct producer_settings settings = {
        .bootstrap = publisher->settings.bootstrap,
        .extra = publisher->settings.config->rdkafka,
        .extra_count = publisher->settings.config->rdkafka_count,
        .report = take_report,
        .report_context = publisher,
    };
    enum fault fault = producer_open(&publisher->producer, &settings, error);
    if (fault != FAULT_NONE) return fault;
    fault = producer_topic(publisher->producer, PUBLISHER_TOPIC_LEDGER, &publisher->ledger_topic);
    if (fault != FAULT_NONE) return fault;
    return producer_topic(publisher->producer, PUBLISHER_TOPIC_PAYMENTS,
                          &publisher->payments_topic);
}

static enum fault open_consumer(struct publisher *publisher, char error[CONSUMER_ERROR_BYTES])
{
    const struct consumer_settings settings = {
        .bootstrap = publisher->settings.bootstrap,
        .extra = publisher->settings.config->rdkafka,
        .extra_count = publisher->settings.config->rdkafka_count,
    };
    return consumer_open(&publisher->consumer, &settings, error);
}

/* The ledger as it is after its first commit: before it there is nothing to publish. */
static enum fault open_ledger(struct publisher *publisher, char error[RESUME_ERROR_BYTES])
{
    uint8_t ledger_id[EVENT_LEDGER_ID_BYTES];
    if (publisher->reader != NULL) return FAULT_NONE;
    enum fault fault =
        reader_open(&publisher->reader, publisher->settings.config->ledger_directory, NULL);
    if (fault == FAULT_NONE) fault = reader_ledger_id(publisher->reader, ledger_id);
    if (fault == FAULT_NONE) {
        event_open(publisher->event, ledger_id, publisher->settings.config->switch_code);
        return FAULT_NONE;
    }
    reader_close(publisher->reader);
    publisher->reader = NULL;
    snprintf(error, RESUME_ERROR_BYTES, "the ledger cannot be read: %s", fault_words(fault));
    return FAULT_IO;
}

/* Asks the broker where to go on and opens the producer. */
static enum fault connect(struct publisher *publisher, char error[RESUME_ERROR_BYTES])
{
    enum fault fault = open_ledger(publisher, error);
    if (fault == FAULT_NONE) fault = open_consumer(publisher, error);
    if (fault != FAULT_NONE) return fault;
    fault = resume_find(&publisher->resume, publisher->consumer, publisher->reader,
                        publisher->event, durable_seq(publisher), error);
    consumer_close(publisher->consumer);
    publisher->consumer = NULL;
    /* The first time it is publisher_start's. */
    if (fault == FAULT_NONE && publisher->producer == NULL) {
        fault = open_producer(publisher, error);
    }
    if (fault != FAULT_NONE) {
        close_producer(publisher);
        return fault;
    }

    /* What the broker holds beyond what this process has seen acknowledged may have gaps, for the
     * producer before failed there: it is sent again. */
    if (publisher->has_run && publisher->resume.ledger_seq > acknowledged_seq(publisher)) {
        publisher->resume.ledger_seq = acknowledged_seq(publisher);
        if (publisher->resume.payments_from > publisher->resume.ledger_seq + 1) {
            publisher->resume.payments_from = publisher->resume.ledger_seq + 1;
        }
    }
    publisher->has_run = true;
    publisher->read_next = publisher->resume.payments_from;
    publisher->release_next = publisher->resume.payments_from;
    atomic_store_explicit(&publisher->settings.meters->acknowledged_seq,
                          publisher->resume.ledger_seq, memory_order_release);
    LOG(LOG_INFO, "publisher",
        "the broker holds sequences up to %llu; payments are sent from %llu on",
        (unsigned long long)publisher->resume.ledger_seq,
        (unsigned long long)publisher->resume.payments_from);
    return FAULT_NONE;
}

/* State CONNECTING or REFUSED: one try, and a pause where it failed. */
static void try_to_connect(struct publisher *publisher)
{
    char error[RESUME_ERROR_BYTES] = "";
    if (durable_seq(publisher) == 0) {
        nap(publisher, NAP_MS);
        return;
    }
    enum fault fault = connect(publisher, error);
    if (fault == FAULT_NONE) {
        set_state(publisher, PUBLISHER_RUNNING);
        return;
    }
    atomic_fetch_add_explicit(&publisher->settings.meters->errors, 1, memory_order_relaxed);
    publisher->errors_before++;
    set_state(publisher, fault == FAULT_CORRUPT ? PUBLISHER_REFUSED : PUBLISHER_CONNECTING);
    LOG(LOG_ERROR, "publisher", "events wait in the ledger: %s", error);
    nap(publisher, fault == FAULT_CORRUPT ? REFUSED_RETRY_MS : RETRY_MS);
}

/* Leaves RUNNING after a failure of the ledger or of the producer. */
static void handle_failure(struct publisher *publisher, enum fault fault)
{
    const char *words;
    if (producer_failed(publisher->producer, &words)) {
        LOG(LOG_ERROR, "publisher", "the producer failed after sequence %llu, it is built anew: %s",
            (unsigned long long)acknowledged_seq(publisher), words);
        atomic_fetch_add_explicit(&publisher->settings.meters->rebuilds, 1, memory_order_relaxed);
        close_producer(publisher);
        set_state(publisher, PUBLISHER_CONNECTING);
        return;
    }
    LOG(LOG_ERROR, "publisher", "sequence %llu cannot be published: %s",
        (unsigned long long)publisher->read_next, fault_words(fault));
    atomic_fetch_add_explicit(&publisher->settings.meters->errors, 1, memory_order_relaxed);
    publisher->errors_before++;
    if (fault == FAULT_CORRUPT || fault == FAULT_INVALID) {
        close_producer(publisher);
        set_state(publisher, PUBLISHER_STOPPED);
        return;
    }
    nap(publisher, RETRY_MS);
}

/* State RUNNING: one turn. `*idle_ms` grows while nothing happens. */
static void run_turn(struct publisher *publisher, int *idle_ms)
{
    uint64_t const read_before = publisher->read_next;
    uint64_t const released_before = publisher->release_next;
    const char *words;
    enum fault fault = read_entries(publisher);
    if (fault == FAULT_NONE || fault == FAULT_FULL) fault = release_entries(publisher);
    bool const moved =
        publisher->read_next != read_before || publisher->release_next != released_before;
    *idle_ms = moved ? 0 : *idle_ms < IDLE_MS_MAX ? *idle_ms + 1 : IDLE_MS_MAX;
    producer_poll(publisher->producer, *idle_ms);
    atomic_store_explicit(&publisher->settings.meters->errors,
                          publisher->errors_before + producer_errors(publisher->producer),
                          memory_order_relaxed);
    bool const is_good = fault == FAULT_NONE || fault == FAULT_FULL;
    if (!is_good || producer_failed(publisher->producer, &words)) handle_failure(publisher, fault);
}

/* Whether the thread goes on: told to stop, it first sends what is durable, in its time. */
static bool has_work(struct publisher *publisher)
{
    if (!is_stopping(publisher)) return state_of(publisher) != PUBLISHER_STOPPED;
    return state_of(publisher) == PUBLISHER_RUNNING && !is_past_stop(publisher) &&
           acknowledged_seq(publisher) < durable_seq(publisher);
}

static void *run(void *context)
{
    struct publisher *publisher = context;
    int idle_ms = 0;
    while (has_work(publisher)) {
        if (state_of(publisher) == PUBLISHER_RUNNING) {
            run_turn(publisher, &idle_ms);
        } else {
            try_to_connect(publisher);
        }
    }
    close_producer(publisher);
    set_state(publisher, PUBLISHER_STOPPED);
    return NULL;
}

static void free_publisher(struct publisher *publisher)
{
    reader_close(publisher->reader);
    free(publisher->window);
    free(publisher->event);
    free(publisher);
}

enum fault publisher_start(struct publisher **out, const struct publisher_settings *settings,
                           char error[PUBLISHER_ERROR_BYTES])
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    enum fault fault = FAULT_MEMORY;
    snprintf(error, PUBLISHER_ERROR_BYTES, "out of memory");
    if (publisher == NULL) return fault;
    publisher->settings = *settings;
    publisher->event = calloc(1, sizeof *publisher->event);
    publisher->window = calloc(WINDOW, sizeof *publisher->window);
    if (publisher->event == NULL || publisher->window == NULL) goto failed;
    set_state(publisher, PUBLISHER_CONNECTING);

    /* Bad settings show at once, while somebody looks at the terminal. */
    fault = open_producer(publisher, error);
    if (fault != FAULT_NONE) goto failed;
    fault = FAULT_IO;
    snprintf(error, PUBLISHER_ERROR_BYTES, "no thread could be had");
    if (pthread_create(&publisher->thread, NULL, run, publisher) != 0) goto failed;
    *out = publisher;
    return FAULT_NONE;

failed:
    close_producer(publisher);
    free_publisher(publisher);
    return fault;
}

void publisher_stop(struct publisher *publisher, int flush_ms)
{
    if (publisher == NULL) return;
    atomic_store_explicit(&publisher->stop_by_ns, time_monotonic_ns() + flush_ms * TIME_NS_PER_MS,
                          memory_order_release);
    pthread_join(publisher->thread, NULL);
    free_publisher(publisher);
}
