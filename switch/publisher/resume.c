/* resume: asks the broker, and believes it only as far as the ledger agrees.
 *
 * The happy path: the newest records of cauce.ledger.v1 carry sequence and hash; the ledger's entry
 * of that sequence has the same hash; cauce.payments.v1 begins with the ledger's first payment and
 * reaches the last one up to that sequence.
 *
 * Possible failures: no answer (again later); a topic that does not exist (it is made) or is empty
 * (from 1); one that holds another ledger, another chain, or more than this ledger has (a person
 * must look); payments at either end of cauce.payments.v1 that the ledger has and the topic lacks
 * (from 1). */
#include "switch/publisher/resume.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/base/log.h"
#include "switch/publisher/publisher.h"

#define ANSWER_MS 1000 /* a broker in the same house answers in a few */
#define SCAN_MS 3000

/* Records looked at from the end: more than a failing producer can have had under way. */
#define TAIL_RECORDS (2 * LIMIT_PUBLISHER_WINDOW)

/* What the records at one end of a partition say. */
struct found {
    const struct event *event;
    uint64_t highest_seq; /* 0: no record with a ce_id of this ledger */
    uint64_t lowest_seq;
    uint64_t gapless_seq; /* up to it no sequence is left out, from the first record on */
    bool is_foreign;      /* a record names another ledger */
    bool stop_at_first;

    struct reader *reader; /* NULL: hashes are not compared */
    bool differs;          /* a record does not show the hash of the ledger's entry */
};

/* Whether the record shows the hash of the ledger's entry `seq`; unreadable counts as shown, for
 * the walk that follows will say so. */
static bool shows_hash(const struct found *found, uint64_t seq, struct span value)
{
    struct entry entry;
    char hex[HASH_TEXT_BYTES];
    if (reader_entry(found->reader, seq, &entry, NULL) != FAULT_NONE) return true;
    hash_print(&entry.hash, hex);
    return memmem(value.bytes, value.size, hex, HASH_TEXT_BYTES - 1) != NULL;
}

static bool look(void *context, const struct consumer_record *record)
{
    struct found *found = context;
    uint64_t seq;
    bool is_ours;
    if (!event_parse_id(found->event, consumer_header(record, "ce_id"), &seq, &is_ours)) {
        return true; /* somebody else's record: consumers drop it as we do */
    }
    if (!is_ours) {
        found->is_foreign = true;
        return true;
    }
    if (found->reader != NULL) found->differs |= !shows_hash(found, seq, record->value);
    if (found->lowest_seq == 0 || seq < found->lowest_seq) found->lowest_seq = seq;
    if (seq > found->highest_seq) found->highest_seq = seq;
    if (found->gapless_seq == 0 || seq == found->gapless_seq + 1) found->gapless_seq = seq;
    return !found->stop_at_first;
}

/* The records at the end of a partition. */
static enum fault look_at_tail(struct found *found, struct consumer *consumer, const char *topic,
                               int32_t partition, int64_t low, int64_t high, char *error)
{
    int64_t from = high - TAIL_RECORDS > low ? high - TAIL_RECORDS : low;
    return consumer_scan(consumer, topic, partition, from, high, SCAN_MS, look, found, error);
}

/* How many partitions a topic has; where the broker has none of that name it is made, and is then
 * empty: 0.  A broker that refuses may still make it by itself at the first record. */
static enum fault count_partitions(struct consumer *consumer, const char *topic, int wanted,
                                   int32_t *partitions, char error[RESUME_ERROR_BYTES])
{
    enum fault fault = consumer_partitions(consumer, topic, ANSWER_MS, partitions, error);
    if (fault != FAULT_NOT_FOUND) return fault;
    *partitions = 0;
    fault = consumer_make_topic(consumer, topic, wanted, ANSWER_MS, error);
    if (fault == FAULT_NONE) {
        LOG(LOG_INFO, "publisher", "the broker had no topic %s: made it, %d partitions", topic,
            wanted);
    } else if (fault == FAULT_IO) {
        LOG(LOG_WARNING, "publisher", "the broker has no topic and makes none: %s", error);
        fault = FAULT_NONE;
    }
    return fault;
}

static enum fault find_ledger(struct resume *resume, struct consumer *consumer,
                              struct reader *reader, const struct event *event,
                              uint64_t durable_seq, char error[RESUME_ERROR_BYTES])
{
    static const char topic[] = PUBLISHER_TOPIC_LEDGER;
    struct found found = {.event = event, .reader = reader};
    int32_t partitions;
    int64_t low;
    int64_t high;
    resume->ledger_seq = 0;
    enum fault fault = count_partitions(consumer, topic, 1, &partitions, error);
    if (fault != FAULT_NONE || partitions == 0) return fault;
    if (partitions != 1) {
        LOG(LOG_WARNING, "publisher",
            "%s has %d partitions; only the first is used, so that the order is total", topic,
            partitions);
    }
    fault = consumer_bounds(consumer, topic, 0, ANSWER_MS, &low, &high, error);
    if (fault != FAULT_NONE) return fault;
    fault = look_at_tail(&found, consumer, topic, 0, low, high, error);
    if (fault != FAULT_NONE) return fault;

    if (found.is_foreign) {
        snprintf(error, RESUME_ERROR_BYTES, "%s holds entries of another ledger than %s", topic,
                 event->ledger_id);
        return FAULT_CORRUPT;
    }
    if (found.highest_seq > durable_seq) {
        snprintf(error, RESUME_ERROR_BYTES, "%s reaches sequence %llu, this ledger ends at %llu",
                 topic, (unsigned long long)found.highest_seq, (unsigned long long)durable_seq);
        return FAULT_CORRUPT;
    }
    if (found.differs) {
        snprintf(error, RESUME_ERROR_BYTES,
                 "%s holds other entries up to sequence %llu than this ledger", topic,
                 (unsigned long long)found.highest_seq);
        return FAULT_CORRUPT;
    }
    resume->ledger_seq = found.gapless_seq;
    return FAULT_NONE;
}

/* Ends the walk with FAULT_FULL at the first payment. */
static enum fault stop_at_payment(void *context, const struct entry *entry, struct span body)
{
    (void)context;
    (void)body;
    return json_is_payment(entry) ? FAULT_FULL : FAULT_NONE;
}

/* Whether the ledger has a payment entry from `from_seq` to `to_seq`. */
static enum fault has_payment(struct reader *reader, uint64_t from_seq, uint64_t to_seq, bool *has,
                              char error[RESUME_ERROR_BYTES])
{
    *has = false;
    if (from_seq > to_seq) return FAULT_NONE;
    enum fault fault = reader_walk(reader, from_seq, to_seq, stop_at_payment, NULL);
    if (fault == FAULT_FULL) {
        *has = true;
        return FAULT_NONE;
    }
    if (fault != FAULT_NONE) {
        snprintf(error, RESUME_ERROR_BYTES, "the ledger cannot be read: %s", fault_words(fault));
        return FAULT_IO;
    }
    return FAULT_NONE;
}

/* What all partitions of cauce.payments.v1 together say. */
struct payments {
    bool was_used;       /* some partition has or had a record */
    bool is_from_start;  /* no partition has lost its oldest records to retention */
    uint64_t first_seq;  /* the lowest at the partitions' beginnings; 0: none */
    uint64_t newest_seq; /* the highest at the partitions' ends; 0: none */
    bool is_foreign;
};

static enum fault look_at_payments(struct payments *payments, struct consumer *consumer,
                                   const struct event *event, char error[RESUME_ERROR_BYTES])
{
    static const char topic[] = PUBLISHER_TOPIC_PAYMENTS;
    int32_t partitions;
    *payments = (struct payments){.is_from_start = true};
    enum fault fault =
        count_partitions(consumer, topic, PUBLISHER_PAYMENTS_PARTITIONS, &partitions, error);
    for (int32_t i = 0; i < partitions && fault == FAULT_NONE; i++) {
        struct found head = {.event = event, .stop_at_first = true};
        struct found tail = {.event = event};
        int64_t low;
        int64_t high;
        fault = consumer_bounds(consumer, topic, i, ANSWER_MS, &low, &high, error);
        if (fault != FAULT_NONE) break;
        if (high > 0) payments->was_used = true;
        if (low > 0) payments->is_from_start = false;
        fault = consumer_scan(consumer, topic, i, low, high, SCAN_MS, look, &head, error);
        if (fault != FAULT_NONE) break;
        fault = look_at_tail(&tail, consumer, topic, i, low, high, error);
        if (head.lowest_seq != 0 &&
            (payments->first_seq == 0 || head.lowest_seq < payments->first_seq)) {
            payments->first_seq = head.lowest_seq;
        }
        if (tail.highest_seq > payments->newest_seq) payments->newest_seq = tail.highest_seq;
        payments->is_foreign |= head.is_foreign || tail.is_foreign;
    }
    return fault;
}

static enum fault find_payments(struct resume *resume, struct consumer *consumer,
                                struct reader *reader, const struct event *event,
                                char error[RESUME_ERROR_BYTES])
{
    struct payments payments;
    bool is_incomplete = false;
    resume->payments_from = 1;
    enum fault fault = look_at_payments(&payments, consumer, event, error);
    if (fault != FAULT_NONE) return fault;
    if (payments.is_foreign) {
        snprintf(error, RESUME_ERROR_BYTES, "%s holds entries of another ledger than %s",
                 PUBLISHER_TOPIC_PAYMENTS, event->ledger_id);
        return FAULT_CORRUPT;
    }
    if (!payments.was_used || resume->ledger_seq == 0) return FAULT_NONE;

    /* Made anew while we were running: the oldest payments of the ledger are missing. */
    if (payments.is_from_start && payments.first_seq != 0) {
        fault = has_payment(reader, 1, payments.first_seq - 1, &is_incomplete, error);
        if (fault != FAULT_NONE || is_incomplete) return fault;
    }
    /* An earlier filling from 1 was cut off: payments before ledger_seq are missing at the end. */
    if (payments.newest_seq != 0) {
        fault =
            has_payment(reader, payments.newest_seq + 1, resume->ledger_seq, &is_incomplete, error);
        if (fault != FAULT_NONE || is_incomplete) return fault;
    }
    resume->payments_from = resume->ledger_seq + 1;
    return FAULT_NONE;
}

enum fault resume_find(struct resume *resume, struct consumer *consumer, struct reader *reader,
                       const struct event *event, uint64_t durable_seq,
                       char error[RESUME_ERROR_BYTES])
{
    enum fault fault = find_ledger(resume, consumer, reader, event, durable_seq, error);
    if (fault != FAULT_NONE) return fault;
    return find_payments(resume, consumer, reader, event, error);
}
