/* meter: see meter.h.  One blocking GET a reading, on a connection of its own. */
#include "loadtest/load/meter.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/time.h"
#include "proto/http/response_reader.h"

#define PATIENCE_SECONDS 3

struct reading {
    int64_t own_cpu_us;
    bool good; /* the rest is */
    double cpu_seconds, settled, blocks, signed_messages, resident;
    char words[METER_WORDS_BYTES];
};

struct meter {
    struct config_address address;
    int64_t instants_ns[2];
    struct reading readings[2];
    pthread_t thread;
    char text[METER_TEXT_BYTES];
};

bool meter_parse_url(const char *url, struct config_address *address)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) return false;
    const char *const host = url + sizeof scheme - 1;
    size_t const authority = strcspn(host, "/");
    const char *const colon = memrchr(host, ':', authority);
    if (colon == NULL) return false;
    char *end;
    unsigned long const port = strtoul(colon + 1, &end, 10);
    bool const is_bracketed = host[0] == '[' && colon[-1] == ']';
    const char *const name = is_bracketed ? host + 1 : host;
    size_t const size = (size_t)(colon - name) - (is_bracketed ? 1 : 0);
    if (end != host + authority || colon[1] < '0' || colon[1] > '9' || port == 0 ||
        port > UINT16_MAX || colon == host || size == 0 || size > LIMIT_HOST_BYTES) {
        return false;
    }
    memset(address, 0, sizeof *address);
    memcpy(address->host, name, size);
    address->port = (uint16_t)port;
    return true;
}

bool meter_find(struct span text, const char *name, double *value)
{
    size_t const size = strlen(name);
    while (text.size > 0) {
        const char *const newline = memchr(text.bytes, '\n', text.size);
        if (newline == NULL) return false; /* each line of the format ends with one */
        size_t const line = (size_t)(newline - text.bytes);
        if (line > size + 1 && memcmp(text.bytes, name, size) == 0 && text.bytes[size] == ' ') {
            char *end;
            *value = strtod(text.bytes + size + 1, &end); /* stops at the newline */
            return end == newline;
        }
        text = span_after(text, line + 1);
    }
    return false;
}

/* ---- one reading ---- */

static int connect_to(const struct config_address *address)
{
    struct addrinfo const hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    struct timeval const patience = {.tv_sec = PATIENCE_SECONDS};
    char port[8];
    (void)snprintf(port, sizeof port, "%u", address->port);
    if (getaddrinfo(address->host, port, &hints, &found) != 0) return -1;
    int const peer = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer >= 0) {
        (void)setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        (void)setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(peer, found->ai_addr, found->ai_addrlen) != 0) {
            (void)close(peer);
            freeaddrinfo(found);
            return -1;
        }
    }
    freeaddrinfo(found);
    return peer;
}

const char *meter_get(const struct config_address *address, char *text, size_t size,
                      struct span *body)
{
    static const char request[] =
        "GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n\r\n";
    struct response_reader reader;
    char bytes[16 * 1024];
    const char *words = "the metrics port cannot be reached";
    int const peer = connect_to(address);
    if (peer < 0) return words;
    words = "the metrics port does not answer";
    if (send(peer, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)sizeof request - 1) {
        goto done;
    }
    /* One byte of room is left, so that a number at the text's very end has one behind it. */
    response_reader_begin(&reader, text, size - 1);
    for (enum response_reader_event event = RESPONSE_READER_MORE;
         event != RESPONSE_READER_COMPLETE;) {
        size_t taken;
        ssize_t const got = recv(peer, bytes, sizeof bytes, 0);
        if (got < 0) goto done;
        event = got == 0 ? response_reader_end(&reader)
                         : response_reader_feed(&reader, span_of(bytes, (size_t)got), &taken);
        if (event == RESPONSE_READER_BROKEN || (event == RESPONSE_READER_MORE && got == 0)) {
            goto done;
        }
    }
    words = reader.status == 200 ? NULL : "the metrics port refuses";
    text[reader.body_size] = '\0';
    *body = span_of(text, reader.body_size);
done:
    (void)close(peer);
    return words;
}

static int64_t own_cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void read_metrics(struct meter *meter, struct reading *reading)
{
    struct span text;
    reading->own_cpu_us = own_cpu_us();
    const char *words = "there is no metrics port (admin.metrics_listen)";
    if (!meter->address.off)
        words = meter_get(&meter->address, meter->text, sizeof meter->text, &text);
    if (words == NULL) {
        reading->good =
            meter_find(text, "process_cpu_seconds_total", &reading->cpu_seconds) &&
            meter_find(text, "cauce_payments_settled_total", &reading->settled) &&
            meter_find(text, "cauce_ledger_blocks_total", &reading->blocks) &&
            meter_find(text, "cauce_messages_signed_total", &reading->signed_messages) &&
            meter_find(text, "process_resident_memory_bytes", &reading->resident);
        words = "the metrics port does not say what is needed";
    }
    if (!reading->good) (void)snprintf(reading->words, sizeof reading->words, "%s", words);
}

/* ---- the thread ---- */

static void sleep_until(int64_t instant_ns)
{
    struct timespec const until = {.tv_sec = instant_ns / TIME_NS_PER_SECOND,
                                   .tv_nsec = instant_ns % TIME_NS_PER_SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}

static void *work(void *context)
{
    struct meter *const meter = context;
    for (size_t i = 0; i < 2; i++) {
        sleep_until(meter->instants_ns[i]);
        read_metrics(meter, &meter->readings[i]);
    }
    return NULL;
}

enum fault meter_start(struct meter **out, const struct config_address *address, int64_t first_ns,
                       int64_t second_ns)
{
    struct meter *const meter = calloc(1, sizeof *meter);
    if (meter == NULL) return FAULT_MEMORY;
    meter->address = *address;
    meter->instants_ns[0] = first_ns;
    meter->instants_ns[1] = second_ns;
    if (pthread_create(&meter->thread, NULL, work, meter) != 0) {
        free(meter);
        return FAULT_MEMORY;
    }
    *out = meter;
    return FAULT_NONE;
}

void meter_finish(struct meter *meter, struct meter_figures *figures)
{
    (void)pthread_join(meter->thread, NULL);
    const struct reading *const first = &meter->readings[0], *const second = &meter->readings[1];
    *figures = (struct meter_figures){.has_switch = first->good && second->good,
                                      .own_cpu_us = second->own_cpu_us - first->own_cpu_us};
    if (figures->has_switch) {
        figures->switch_cpu_us =
            (int64_t)((second->cpu_seconds - first->cpu_seconds) * 1000000.0 + 0.5);
        figures->switch_settled = (uint64_t)(second->settled - first->settled);
        figures->switch_blocks = (uint64_t)(second->blocks - first->blocks);
        figures->switch_signed = (uint64_t)(second->signed_messages - first->signed_messages);
        figures->switch_resident = (uint64_t)second->resident;
    } else {
        memcpy(figures->words, first->good ? second->words : first->words, METER_WORDS_BYTES);
    }
    free(meter);
}
