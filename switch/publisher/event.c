/* event: fills the headers and the value of one record. */
#include "switch/publisher/event.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proto/crypto/hex.h"

#define UUID_BYTES 36

void event_open(struct event *event, const uint8_t ledger_id[EVENT_LEDGER_ID_BYTES],
                const char *switch_code)
{
    char hex[2 * EVENT_LEDGER_ID_BYTES + 1];
    memset(event, 0, sizeof *event);
    hex_print(span_of(ledger_id, EVENT_LEDGER_ID_BYTES), hex);
    snprintf(event->ledger_id, sizeof event->ledger_id, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
    snprintf(event->ledger_source, sizeof event->ledger_source, "urn:cauce:%.8s:ledger",
             switch_code);
    snprintf(event->payments_source, sizeof event->payments_source, "urn:cauce:%.8s:payments",
             switch_code);
}

static void add_header(struct event *event, const char *name, struct span value)
{
    assert(event->header_count < EVENT_HEADERS);
    event->headers[event->header_count++] = (struct producer_header){.name = name, .value = value};
}

static void make_headers(struct event *event, const struct entry *entry, const char *source)
{
    struct span subject = identifier_payment_id_text(&entry->public.id);
    if (subject.size == 0) subject = identifier_code_text(&entry->public.payee);
    int id_size = snprintf(event->id, sizeof event->id, "%s/%llu", event->ledger_id,
                           (unsigned long long)entry->public.seq);
    int type_size = snprintf(event->type, sizeof event->type, "cauce.ledger.%s",
                             entry_kind_name(entry->public.kind));
    size_t time_size = time_print_ns(entry->public.time_ns, event->time);

    event->header_count = 0;
    add_header(event, "ce_specversion", SPAN("1.0"));
    add_header(event, "ce_id", span_of(event->id, (size_t)id_size));
    add_header(event, "ce_source", span_text(source));
    add_header(event, "ce_type", span_of(event->type, (size_t)type_size));
    add_header(event, "ce_time", span_of(event->time, time_size));
    if (subject.size > 0) add_header(event, "ce_subject", subject);
    add_header(event, "content-type", SPAN("application/json"));
}

void event_make_ledger(struct event *event, const struct entry *entry, struct span body)
{
    make_headers(event, entry, event->ledger_source);
    event->key = (struct span){0};
    event->value = span_of(event->text, json_entry(entry, body, event->text));
}

void event_make_payment(struct event *event, const struct entry *entry)
{
    make_headers(event, entry, event->payments_source);
    event->key = identifier_payment_id_text(&entry->public.id);
    event->value = span_of(event->text, json_payment(entry, event->text));
}

bool event_parse_id(const struct event *event, struct span id, uint64_t *seq, bool *is_ours)
{
    if (id.size < UUID_BYTES + 2 || id.bytes[UUID_BYTES] != '/') return false;
    struct span const digits = span_after(id, UUID_BYTES + 1);
    uint64_t number = 0;
    if (digits.size > 19) return false; /* so that the number below cannot overflow */
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') return false;
        number = number * 10 + (uint64_t)(digits.bytes[i] - '0');
    }
    *is_ours = memcmp(id.bytes, event->ledger_id, UUID_BYTES) == 0;
    *seq = number;
    return number > 0;
}
