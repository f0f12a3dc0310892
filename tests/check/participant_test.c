/* participant: a real TLS client against the net loops, a settlement double behind them. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/iso/message.h"
#include "switch/participant/route.h"
#include "switch/participant/shelf.h"
#include "tests/check/net_fixture.h"

#define MSGS "/api/v1/in/10000001/msgs"
#define OUT "/api/v1/out/10000001/stream/"
#define HOST "Host: localhost\r\n"
#define XML "Content-Type: application/xml\r\n"

static char request_bytes[2 * LIMIT_BODY_BYTES];

/* A request with Content-Length and body. */
static struct span post_to(const char *path, const char *fields, struct span body)
{
    int const head = snprintf(request_bytes, sizeof request_bytes,
                              "POST %s HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n", path,
                              fields, body.size);
    memcpy(request_bytes + head, body.bytes, body.size);
    return span_of(request_bytes, (size_t)head + body.size);
}

static struct span get(const char *path, const char *fields)
{
    int const size = snprintf(request_bytes, sizeof request_bytes,
                              "GET %s HTTP/1.1\r\n" HOST "%s\r\n", path, fields);
    return span_of(request_bytes, (size_t)size);
}

static bool holds(struct span whole, const char *part)
{
    return part[0] == 0 || (whole.size > 0 && memmem(whole.bytes, whole.size, part, strlen(part)));
}

/* ---- Heads and small bodies as a table ---------------------------------------------------- */

static const struct {
    const char *request;
    int status;
    const char *problem; /* of its type, or what the body holds; "" anything */
    bool ends;           /* the connection is closed behind the answer */
} requests[] = {
    {"GET /api/v1/in/10000001/catalog HTTP/1.1\r\n" HOST "\r\n", 200,
     "<Catalog><Message>pacs.008.001.08</Message>", false},
    {"GET /api/v1/out/10000001/catalog?x=1 HTTP/1.1\r\n" HOST "\r\n", 200,
     "<Message>camt.052.001.08</Message>", false},
    {"GET / HTTP/1.1\r\n" HOST "\r\n", 404, "urn:cauce:problem:not-found", false},
    {"GET /api/v1/in/1000000/catalog HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"GET /api/v1/in/1000000a/catalog HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"GET /api/v1/out/10000001/msgs HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"GET /api/v1/in/10000001/stream/start HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"GET " OUT " HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"GET /api/v1/receipts/10000001 HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"GET /api/v1/receipts/10000001/ HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"GET /api/v1/receipts/10000001/E/1 HTTP/1.1\r\n" HOST "\r\n", 404, "such resource", false},
    {"GET /api/v1/receipts/10000002/E1 HTTP/1.1\r\n" HOST "\r\n", 403, "forbidden", false},
    {"GET /api/v1/receipts/10000002/%2 HTTP/1.1\r\n" HOST "\r\n", 403, "forbidden", false},
    {"DELETE /api/v1/receipts/10000001/E1 HTTP/1.1\r\n" HOST "\r\n", 405, "method", false},
    {"GET /api/v1/receipts/10000001/%2 HTTP/1.1\r\n" HOST "Accept: application/xml\r\n\r\n", 406,
     "not-acceptable", false},
    {"GET /api/v1/receipts/10000001/%2 HTTP/1.1\r\n" HOST "\r\n", 404, "no id", false},
    {"GET /api/v1/receipts/10000001/%2x HTTP/1.1\r\n" HOST "\r\n", 404, "no id", false},
    {"GET /api/v1/receipts/10000001/a%20b HTTP/1.1\r\n" HOST "\r\n", 404, "no id", false},
    {"GET /api/v1/receipts/10000001/unknown HTTP/1.1\r\n" HOST "\r\n", 404, "no settled payment",
     false},
    {"GET /api/v1/receipts/10000001/bu%73y HTTP/1.1\r\n" HOST "\r\n", 503, "overloaded", false},
    {"GET /api/v1/receipts/10000001/failed HTTP/1.1\r\n" HOST "\r\n", 500, "internal", false},
    {"GET /api/v1/receipts/10000001/a%00 HTTP/1.1\r\n" HOST "\r\n", 404, "no id", false},
    {"GET /api/v1/receipts/10000001/123456789012345678901234567890123456 HTTP/1.1\r\n" HOST "\r\n",
     404, "no id", false},
    {"GET /api/v1/in/10000002/catalog HTTP/1.1\r\n" HOST "\r\n", 403, "forbidden", false},
    {"GET /api/v1/in/99999999/catalog HTTP/1.1\r\n" HOST "\r\n", 403, "forbidden", false},
    {"PUT /api/v1/in/10000002/nothing HTTP/1.1\r\n" HOST "\r\n", 404, "not-found", false},
    {"PUT /api/v1/in/10000002/msgs HTTP/1.1\r\n" HOST "\r\n", 403, "forbidden", false},
    {"GET " MSGS " HTTP/1.1\r\n" HOST "\r\n", 405, "method", false},
    {"OPTIONS " MSGS " HTTP/1.1\r\n" HOST "\r\n", 405, "method", false},
    {"POST " OUT "start HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 405, "method", true},
    {"GET /api/v1/in/10000001/catalog HTTP/1.1\r\n" HOST "Accept: text/html\r\n\r\n", 406,
     "not-acceptable", false},
    {"GET " OUT "start HTTP/1.1\r\n" HOST "Accept: application/problem+json\r\n\r\n", 406,
     "\"status\":406", false},
    {"GET " OUT "nonsense HTTP/1.1\r\n" HOST "\r\n", 410, "gone", false},
    {"GET " OUT "0000000000000000000000000000000G HTTP/1.1\r\n" HOST "\r\n", 410, "gone", false},
    {"DELETE " OUT "nonsense HTTP/1.1\r\n" HOST "\r\n", 410, "gone", false},
    {"DELETE " OUT "start HTTP/1.1\r\n" HOST "\r\n", 405, "method", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML "\r\n", 411, "length-required", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML "Content-Length: 655361\r\n\r\n", 413, "too-large",
     true},
    {"POST " MSGS " HTTP/1.1\r\n" HOST "Content-Type: text/xml\r\nContent-Length: 655361\r\n\r\n",
     413, "too-large", true},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML "Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
     415, "encoding", true},
    {"POST " MSGS " HTTP/1.1\r\n" HOST "Content-Type: text/xml\r\nContent-Length: 3\r\n\r\nabc",
     415, "urn:cauce:problem:type", true},
    {"POST " MSGS " HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 415, "problem:type", true},
    {"POST " MSGS " HTTP/1.1\r\n" HOST "Content-Type: text/xml\r\nContent-Length: 0\r\n\r\n", 415,
     "problem:type", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML "Content-Length: 0\r\n\r\n", 400, "empty", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "empty", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
     400, "gzip", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST
     "Content-Type: multipart/mixed; boundary=b\r\nContent-Length: 3\r\n\r\nabc",
     400, "multipart", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST
     "Content-Type: multipart/mixed; boundary=b\r\nContent-Length: 50\r\n\r\n"
     "--b\r\nContent-Type: text/plain\r\n\r\nabcdefghij\r\n--b--",
     415, "problem:type", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML "Content-Length: 3\r\n\r\n<a>", 201, "", false},
    {"POST " MSGS " HTTP/1.1\r\n" HOST XML
     "Transfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\n0\r\n\r\n",
     201, "", false},
    {"POST " MSGS " HTTP/1.0\r\n" XML "Content-Length: 3\r\n\r\n<a>", 201, "", true},
    {"GET /api/v1/in/10000001/catalog HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200, "",
     true},
    {"GET /api/v1/in/10000001/catalog HTTP/1.1\r\n\r\n", 400, "malformed", true},
    {"GET /api/v1/in/10000001/catalog HTTP/2.0\r\n" HOST "\r\n", 505, "version", true},
    {"POST " MSGS " HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, "malformed", true},
};

START_TEST(each_request_gets_its_status)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    ck_assert_ptr_nonnull(line);
    bank_line_send(line, span_text(requests[_i].request));
    ck_assert_int_eq(bank_line_answer(line), requests[_i].status);
    struct span const body = bank_line_body(line);
    ck_assert_msg(holds(body, requests[_i].problem), "%.*s", (int)body.size, body.bytes);
    if (requests[_i].status == 405) ck_assert_uint_gt(bank_line_field(line, "Allow").size, 0);
    bool const says_close = span_equal(bank_line_field(line, "Connection"), SPAN("close"));
    ck_assert_int_eq(says_close, requests[_i].ends);
    if (requests[_i].ends) {
        ck_assert(bank_line_is_ended(line));
    } else {
        bank_line_send(line, get("/api/v1/in/10000001/catalog", ""));
        ck_assert_int_eq(bank_line_answer(line), 200);
    }
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_head_request_has_no_body)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    bank_line_send(line, SPAN("HEAD /api/v1/in/10000001/catalog HTTP/1.1\r\n" HOST "\r\n"));
    struct span const raw = bank_line_raw(line);
    ck_assert(holds(raw, "HTTP/1.1 405 "));
    ck_assert(holds(raw, "Allow: GET\r\n"));
    ck_assert(span_equal(span_after(raw, raw.size - 4), SPAN("\r\n\r\n")));
    bank_line_close(line);
    fixture_stop();
}
END_TEST

/* ---- Identity ------------------------------------------------------------------------------- */

START_TEST(the_certificate_is_looked_up_on_every_request)
{
    fixture_start(1);
    struct bank_line *line = bank_line_open(BANK_ONE);
    bank_line_send(line, get("/api/v1/in/10000001/catalog", ""));
    ck_assert_int_eq(bank_line_answer(line), 200);
    bank_line_close(line);
    line = bank_line_open(BANK_ONE);
    ck_assert(bank_line_is_resumed(line));
    bank_line_send(line, get("/api/v1/in/10000001/catalog", ""));
    ck_assert_int_eq(bank_line_answer(line), 200);
    bank_line_send(line, get("/api/v1/in/10000002/catalog", ""));
    ck_assert_int_eq(bank_line_answer(line), 403);
    fixture_revoke_bank_one();
    bank_line_send(line, get("/api/v1/in/10000001/catalog", ""));
    ck_assert_int_eq(bank_line_answer(line), 403);
    bank_line_close(line);

    line = bank_line_open(BANK_NOBODY);
    bank_line_send(line, get("/api/v1/in/10000001/catalog", ""));
    ck_assert_int_eq(bank_line_answer(line), 403);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(other_states_are_503)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    atomic_store(&fixture_published.state, STATE_STARTING);
    bank_line_send(line, get(OUT "start", ""));
    ck_assert_int_eq(bank_line_answer(line), 503);
    ck_assert(holds(bank_line_body(line), "starting"));
    ck_assert(span_equal(bank_line_field(line, "Retry-After"), SPAN("1")));
    atomic_store(&fixture_published.state, STATE_STOPPING);
    bank_line_send(line, post_to(MSGS, XML, SPAN("<a/>")));
    ck_assert_int_eq(bank_line_answer(line), 503);
    ck_assert(holds(bank_line_body(line), "stopping"));
    bank_line_close(line);
    fixture_stop();
}
END_TEST

/* ---- Bodies --------------------------------------------------------------------------------- */

START_TEST(a_payment_becomes_a_transfer)
{
    char bytes[16384];
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct span const message = fixture_payment(bytes, sizeof bytes, "E1");
    bank_line_send(line, post_to(MSGS, XML, message));
    ck_assert_int_eq(bank_line_answer(line), 201);
    struct fixture_seen const seen = fixture_seen();
    ck_assert_uint_eq(seen.bodies, 1);
    ck_assert_uint_eq(seen.transfers, 1);
    struct span const words = refusal_words(&seen.refusal.refusal);
    ck_assert_msg(seen.refusals == 0, "%.*s", (int)words.size, words.bytes);
    ck_assert(span_equal(bank_line_field(line, "PI-ResourceId"),
                         span_text(seen.message.resource_id.text)));
    struct hash const hash = hash_of(message);
    ck_assert(hash_equal(&seen.message.hash, &hash));
    ck_assert(!hash_is_zero(&seen.message.certificate));
    ck_assert(span_equal(identifier_max35_text(&seen.transfer.id), SPAN("E1")));
    ck_assert(span_equal(identifier_code_text(&seen.transfer.sender), SPAN("10000001")));
    ck_assert(span_equal(identifier_code_text(&seen.transfer.payee_agent), SPAN("10000002")));
    ck_assert_int_eq(amount_minor(seen.transfer.amount), 1234);
    /* What our own writer wrote is canonical: its bytes are not sent twice. */
    ck_assert_uint_eq(seen.transfer.canonical_behind, 0);
    ck_assert(holds(span_text(seen.canonical), "<CdtTrfTxInf><PmtId>"));
    struct hash const content = hash_of(span_of(seen.canonical, seen.transfer.canonical_size));
    ck_assert(hash_equal(&seen.transfer.content_hash, &content));
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(another_spelling_is_made_canonical)
{
    char bytes[16384], spelled[16384];
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct span const message = fixture_payment(bytes, sizeof bytes, "E1");
    const char *const at = memmem(message.bytes, message.size, "<CdtTrfTxInf>", 13);
    ck_assert_ptr_nonnull(at);
    size_t const before = (size_t)(at + 12 - message.bytes);
    int const size = snprintf(spelled, sizeof spelled, "%.*s\n%.*s", (int)before, message.bytes,
                              (int)(message.size - before), message.bytes + before);
    bank_line_send(line, post_to(MSGS, XML, span_of(spelled, (size_t)size)));
    ck_assert_int_eq(bank_line_answer(line), 201);
    struct fixture_seen const seen = fixture_seen();
    ck_assert_uint_eq(seen.transfers, 1);
    ck_assert_uint_eq(seen.transfer.canonical_behind, 1);
    ck_assert(holds(span_text(seen.canonical), "<CdtTrfTxInf><PmtId>"));
    ck_assert(holds(message, seen.canonical));
    bank_line_close(line);
    fixture_stop();
}
END_TEST

/* A namespace name that stands once in the message and ten times in its canonical form. */
static const struct {
    size_t name_bytes;
    bool is_taken;
} far_namespaces[] = {
    {6000, true},  /* 60 KiB */
    {7000, false}, /* 70 KiB: above a transaction's 64 */
    {24000, false} /* 240 KiB: still below a message's 256 */
};

START_TEST(a_transaction_has_a_bound)
{
    static char behind[40000], bytes[LIMIT_MESSAGE_BYTES];
    size_t size = (size_t)sprintf(behind, "<SplmtryData><Envlp><e xmlns:p=\"urn:");
    memset(behind + size, 'n', far_namespaces[_i].name_bytes);
    size += far_namespaces[_i].name_bytes;
    size += (size_t)sprintf(behind + size, "\">");
    for (int i = 0; i < 10; i++) {
        size += (size_t)sprintf(behind + size, "<p:a></p:a>");
    }
    (void)sprintf(behind + size, "</e></Envlp></SplmtryData>");
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    bank_line_send(line,
                   post_to(MSGS, XML, fixture_payment_with(bytes, sizeof bytes, "E1", behind)));
    ck_assert_int_eq(bank_line_answer(line), 201);
    struct fixture_seen const seen = fixture_seen();
    ck_assert_uint_eq(seen.transfers, far_namespaces[_i].is_taken);
    if (!far_namespaces[_i].is_taken) {
        ck_assert_int_eq(seen.refusal.refusal.code, REFUSAL_BADXML);
        /* WIRE section 2: "a bound exceeded (Ref = PI-ResourceId)". */
        ck_assert(span_equal(refusal_reference(&seen.refusal.refusal),
                             bank_line_field(line, "PI-ResourceId")));
    }
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(parts_get_their_ids_in_order)
{
    char bytes[16384];
    static char body[65536];
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct span const message = fixture_payment(bytes, sizeof bytes, "E1");
    int const size = snprintf(body, sizeof body,
                              "--b\r\nContent-Type: application/xml\r\n\r\n%.*s\r\n"
                              "--b\r\nContent-Type: application/xml\r\n\r\n<broken\r\n"
                              "--b\r\nContent-Type: application/xml\r\n\r\n\r\n--b--\r\n",
                              (int)message.size, message.bytes);
    bank_line_send(line, post_to(MSGS, "Content-Type: multipart/mixed; boundary=\"b\"\r\n",
                                 span_of(body, (size_t)size)));
    ck_assert_int_eq(bank_line_answer(line), 201);
    struct fixture_seen const seen = fixture_seen();
    ck_assert_uint_eq(seen.messages, 3);
    ck_assert_uint_eq(seen.transfers, 1);
    ck_assert_uint_eq(seen.refusals, 2);
    ck_assert_int_eq(seen.refusal.refusal.code, REFUSAL_BADXML);
    struct span const ids = bank_line_field(line, "PI-ResourceId");
    struct span const last = span_text(seen.message.resource_id.text);
    ck_assert(span_equal(span_after(ids, ids.size - last.size), last));
    /* Nothing could be read of it: its admi.002 cites the PI-ResourceId. */
    ck_assert(span_equal(refusal_reference(&seen.refusal.refusal), last));
    ck_assert_uint_eq(fixture_metric(METRIC_MESSAGES_RECEIVED), 3);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_gzipped_message_is_kept_as_it_was_before)
{
    static const char gzipped[] =
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\x49\xd4\xb7\x03\x00\xd4\x1c\xd1\x01"
        "\x04\x00\x00\x00"; /* "<a/>" */
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    bank_line_send(line, post_to(MSGS, XML "Content-Encoding: gzip\r\n",
                                 span_of(gzipped, sizeof gzipped - 1)));
    ck_assert_int_eq(bank_line_answer(line), 201);
    struct fixture_seen const seen = fixture_seen();
    struct hash const hash = hash_of(SPAN("<a/>"));
    ck_assert(hash_equal(&seen.message.hash, &hash));
    ck_assert_int_eq(seen.refusal.refusal.code, REFUSAL_SCHEMA);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_location_is_cut_between_characters)
{
    char body[1024];
    size_t size = 0;
    fixture_start(1);
    for (int depth = 0; depth < 4; depth++) {
        body[size++] = '<';
        for (int i = 0; i < 60; i++) {
            memcpy(body + size, "\xc3\xb1", 2);
            size += 2;
        }
        body[size++] = '>';
    }
    struct bank_line *const line = bank_line_open(BANK_ONE);
    bank_line_send(line, post_to(MSGS, XML, span_of(body, size)));
    ck_assert_int_eq(bank_line_answer(line), 201);
    struct fixture_seen const seen = fixture_seen();
    ck_assert_int_eq(seen.refusal.refusal.code, REFUSAL_BADXML);
    /* Two names of 121 bytes with their slash, the third cut at 350: a slash and 53 characters. */
    ck_assert_uint_eq(refusal_location(&seen.refusal.refusal).size, 349);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_signature_of_another_is_refused)
{
    char bytes[16384];
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct span const message = fixture_payment(bytes, sizeof bytes, "E1");
    char *const amount = memmem(message.bytes, message.size, "12.34", 5);
    ck_assert_ptr_nonnull(amount);
    amount[0] = '9';
    bank_line_send(line, post_to(MSGS, XML, message));
    ck_assert_int_eq(bank_line_answer(line), 201);
    struct fixture_seen const seen = fixture_seen();
    ck_assert_uint_eq(seen.transfers, 0);
    ck_assert_int_eq(seen.refusal.refusal.code, REFUSAL_SIGNATURE);
    ck_assert(span_equal(refusal_reference(&seen.refusal.refusal), SPAN("E1")));
    ck_assert(hash_is_zero(&seen.message.certificate));
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(settlement_may_refuse_a_body)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    fixture_answer_bodies(BODY_TOO_MANY, 3);
    bank_line_send(line, post_to(MSGS, XML, SPAN("<a/>")));
    ck_assert_int_eq(bank_line_answer(line), 429);
    ck_assert(span_equal(bank_line_field(line, "Retry-After"), SPAN("3")));
    fixture_answer_bodies(BODY_OVERLOADED, 2);
    bank_line_send(line, post_to(MSGS, XML, SPAN("<a/>")));
    ck_assert_int_eq(bank_line_answer(line), 503);
    ck_assert(span_equal(bank_line_field(line, "Retry-After"), SPAN("2")));
    ck_assert_uint_eq(fixture_metric(METRIC_REQUESTS_REFUSED), 2);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(an_empty_bucket_refuses)
{
    fixture_config.participants_rate_tokens = 2;
    fixture_config.participants_rate_refill = 1;
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    int const expected[] = {201, 201, 429, 429};
    for (size_t i = 0; i < 4; i++) {
        bank_line_send(line, post_to(MSGS, XML, SPAN("<a/>")));
        ck_assert_int_eq(bank_line_answer(line), expected[i]);
    }
    ck_assert(span_equal(bank_line_field(line, "Retry-After"), SPAN("1")));
    (void)poll(NULL, 0, 1100);
    bank_line_send(line, post_to(MSGS, XML, SPAN("<a/>")));
    ck_assert_int_eq(bank_line_answer(line), 201);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_client_that_expects_it_hears_continue)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    bank_line_send(line, SPAN("POST " MSGS " HTTP/1.1\r\n" HOST XML
                              "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
    ck_assert(span_equal(bank_line_raw(line), SPAN("HTTP/1.1 100 Continue\r\n\r\n")));
    bank_line_send(line, SPAN("<a/>"));
    ck_assert_int_eq(bank_line_answer(line), 201);
    bank_line_send(line, SPAN("POST " MSGS " HTTP/1.1\r\n" HOST
                              "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
    ck_assert_int_eq(bank_line_answer(line), 415);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

/* ---- Streams -------------------------------------------------------------------------------- */

static struct fixture_delivery result_for_one(const char *resource_id)
{
    struct fixture_delivery delivery = {
        .delivery = {.kind = REPLY_DELIVERY,
                     .type = DELIVER_PACS002,
                     .created_ns = time_wall_ns(),
                     .item_count = 1},
        .item = {.kind = REPLY_ITEM, .type = DELIVER_PACS002},
    };
    struct status_item *const status = &delivery.item.status;
    ck_assert(identifier_parse_code(SPAN("10000001"), &delivery.delivery.receiver));
    (void)snprintf(delivery.delivery.resource_id.text, sizeof delivery.delivery.resource_id.text,
                   "%s", resource_id);
    ck_assert(identifier_parse_max35(SPAN("E1"), &status->id));
    status->status = STATUS_RJCT;
    status->reason = REASON("AM04");
    return delivery;
}

/* What a bank makes of it: parsed, verified against the switch's certificate. */
static void check_message(struct span bytes, enum catalogue_kind kind, const char *part)
{
    struct message_reader *reader = NULL;
    struct signature_checker *checker = NULL;
    static struct message message;
    static struct refusal refusal;
    struct message_rules const rules = {
        .side = MESSAGE_BY_BANK, .sender = SPAN("00038166"), .receiver = SPAN("10000001")};
    const struct certificate *const certificate = fixture_switch_certificate();
    size_t key = 0;
    ck_assert_int_eq(message_open(&reader), FAULT_NONE);
    ck_assert_int_eq(signature_open(&checker, 1), FAULT_NONE);
    enum message_verdict const verdict = message_read(reader, bytes, &rules, &message, &refusal);
    ck_assert_msg(verdict == MESSAGE_GOOD, "%.*s: %.*s", (int)refusal.words_size, refusal.words,
                  (int)bytes.size, bytes.bytes);
    ck_assert_int_eq(message.kind, kind);
    ck_assert(message_verify(checker, &message, &certificate, 1, &key, &refusal));
    ck_assert(holds(bytes, part));
    signature_close(checker);
    message_close(reader);
}

START_TEST(a_poll_waits_and_is_told_that_nothing_came)
{
    fixture_config.participants_poll_ns = 200 * TIME_NS_PER_MS;
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    int64_t const began_ns = time_monotonic_ns();
    bank_line_send(line, get(OUT "start", ""));
    ck_assert_int_eq(bank_line_answer(line), 204);
    ck_assert_int_ge(time_monotonic_ns() - began_ns, 190 * TIME_NS_PER_MS);
    struct span const next = bank_line_field(line, "PI-Pull-Next");
    ck_assert(span_starts_with(next, SPAN(OUT "0000000000001234")));
    char path[128];
    (void)snprintf(path, sizeof path, "%.*s", (int)next.size, next.bytes);
    bank_line_send(line, get(path, ""));
    ck_assert_int_eq(bank_line_answer(line), 204);
    struct fixture_seen const seen = fixture_seen();
    ck_assert_int_eq(seen.poll.verb, POLL_NEXT);
    ck_assert_uint_eq(seen.poll.token.stream, 0x1234);
    ck_assert_uint_eq(seen.ends_time_up, 2);
    int const size =
        snprintf(request_bytes, sizeof request_bytes, "DELETE %s HTTP/1.1\r\n" HOST "\r\n", path);
    bank_line_send(line, span_of(request_bytes, (size_t)size));
    ck_assert_int_eq(bank_line_answer(line), 200);
    ck_assert_int_eq(fixture_seen().poll.verb, POLL_DELETE);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_message_goes_plain_and_again_the_same)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct fixture_delivery const delivery = result_for_one("D-1");
    static char first[65536];
    bank_line_send(line, get(OUT "start", ""));
    fixture_wait_for_polls(1);
    fixture_deliver(&delivery, 1);
    ck_assert_int_eq(bank_line_answer(line), 200);
    ck_assert(span_equal(bank_line_field(line, "PI-ResourceId"), SPAN("D-1")));
    ck_assert(span_equal(bank_line_field(line, "Content-Type"), SPAN("application/xml")));
    struct span const body = bank_line_body(line);
    memcpy(first, body.bytes, body.size);
    size_t const first_size = body.size;
    check_message(body, CATALOGUE_PACS_002, "<Cd>AM04</Cd>");
    ck_assert_uint_eq(fixture_seen().poll.messages_max, 1);

    bank_line_send(line, get(OUT "start", "Accept: multipart/mixed\r\n"));
    ck_assert_int_eq(bank_line_answer(line), 200);
    ck_assert(span_starts_with(bank_line_field(line, "Content-Type"), SPAN("multipart/mixed")));
    ck_assert(memmem(bank_line_body(line).bytes, bank_line_body(line).size, first, first_size));
    ck_assert(holds(bank_line_body(line), "PI-ResourceId: D-1\r\n"));
    ck_assert_uint_eq(fixture_metric(METRIC_MESSAGES_SIGNED), 1);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(several_messages_go_as_parts)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct fixture_delivery deliveries[LIMIT_PARTS];
    for (int i = 0; i < LIMIT_PARTS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "D-%d", i);
        deliveries[i] = result_for_one(id);
    }
    fixture_deliver(deliveries, LIMIT_PARTS);
    bank_line_send(line, get(OUT "start", "Accept: multipart/mixed, application/xml\r\n"));
    ck_assert_int_eq(bank_line_answer(line), 200);
    for (int i = 0; i < LIMIT_PARTS; i++) {
        ck_assert(holds(bank_line_body(line), deliveries[i].delivery.resource_id.text));
    }
    ck_assert_uint_eq(fixture_metric(METRIC_MESSAGES_SIGNED), LIMIT_PARTS);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

/* The GET is repeated and takes one message only, while the stream's batch has two: nothing of it is
 * confirmed or regrouped, and the same GET with the former Accept gets the batch. */
START_TEST(a_repeat_that_takes_no_parts_is_406)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct fixture_delivery const batch[] = {result_for_one("D-1"), result_for_one("D-2")};
    static const struct {
        const char *accept;
        int status;
    } repeats[] = {{"Accept: multipart/mixed\r\n", 200},
                   {"", 406},
                   {"Accept: application/xml\r\n", 406},
                   {"Accept: multipart/*\r\n", 200}};
    for (size_t i = 0; i < sizeof repeats / sizeof *repeats; i++) {
        fixture_deliver_again(batch, 2);
        bank_line_send(line, get(OUT "00000000000012340000000000000001", repeats[i].accept));
        ck_assert_int_eq(bank_line_answer(line), repeats[i].status);
        struct span const body = bank_line_body(line);
        bool const is_batch = repeats[i].status == 200;
        ck_assert(holds(body, is_batch ? "PI-ResourceId: D-2\r\n" : "not-acceptable"));
        ck_assert_int_eq(bank_line_field(line, "PI-Pull-Next").size > 0, is_batch);
    }
    /* Those that nobody took were not signed. */
    ck_assert_uint_eq(fixture_metric(METRIC_MESSAGES_SIGNED), 2);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_transaction_is_taken_again_from_its_message)
{
    char bytes[16384], canonical[8192];
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    struct span const message = fixture_payment(bytes, sizeof bytes, "E1");
    const char *const from = memmem(message.bytes, message.size, "<CdtTrfTxInf>", 13);
    const char *const to = memmem(message.bytes, message.size, "</CdtTrfTxInf>", 14);
    ck_assert(from && to);
    size_t const size = (size_t)(to + 14 - from);
    memcpy(canonical, from, size);
    canonical[size] = 0;

    struct fixture_delivery delivery = result_for_one("D-1");
    delivery.delivery.type = delivery.item.type = DELIVER_PACS008;
    delivery.item.transfer = (struct transfer_item){
        .size = (uint32_t)message.size, .transaction_index = 0, .whole_message = true};
    delivery.behind = message;
    fixture_deliver(&delivery, 1);
    bank_line_send(line, get(OUT "start", ""));
    ck_assert_int_eq(bank_line_answer(line), 200);
    check_message(bank_line_body(line), CATALOGUE_PACS_008, canonical);

    (void)snprintf(delivery.delivery.resource_id.text, 8, "D-2");
    delivery.item.transfer = (struct transfer_item){.size = (uint32_t)size};
    delivery.behind = span_of(canonical, size);
    fixture_deliver(&delivery, 1);
    bank_line_send(line, get(OUT "start", ""));
    ck_assert_int_eq(bank_line_answer(line), 200);
    check_message(bank_line_body(line), CATALOGUE_PACS_008, canonical);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(settlement_may_refuse_a_poll)
{
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    fixture_answer_polls(POLL_TOO_MANY);
    bank_line_send(line, get(OUT "start", ""));
    ck_assert_int_eq(bank_line_answer(line), 429);
    ck_assert(span_equal(bank_line_field(line, "Retry-After"), SPAN("7")));
    fixture_answer_polls(POLL_GONE);
    bank_line_send(line, get(OUT "00000000000012340000000000000001", ""));
    ck_assert_int_eq(bank_line_answer(line), 410);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_lost_connection_ends_its_poll)
{
    fixture_start(2);
    for (uint32_t i = 1; i <= 4; i++) {
        struct bank_line *const line = bank_line_open(BANK_ONE);
        bank_line_send(line, get(OUT "start", ""));
        fixture_wait_for_polls(i);
        bank_line_close(line);
        fixture_wait_for_lost(i);
    }
    /* Connections are dealt in turn. */
    struct fixture_seen const seen = fixture_seen();
    ck_assert_uint_eq(seen.per_loop[0], 2);
    ck_assert_uint_eq(seen.per_loop[1], 2);
    fixture_stop();
}
END_TEST

/* ---- Pipelining, bounds, time --------------------------------------------------------------- */

START_TEST(what_is_pipelined_behind_a_poll_waits)
{
    fixture_config.participants_poll_ns = 300 * TIME_NS_PER_MS;
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    bank_line_send(line, get(OUT "start", ""));
    bank_line_send(line, post_to(MSGS, XML, SPAN("<a/>")));
    for (int i = 0; i < 20; i++) {
        bank_line_send(line, get("/api/v1/in/10000001/catalog", ""));
    }
    fixture_wait_for_polls(1);
    (void)poll(NULL, 0, 100);
    ck_assert_uint_eq(fixture_seen().bodies, 0);
    ck_assert_int_eq(bank_line_answer(line), 204);
    ck_assert_int_eq(bank_line_answer(line), 201);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(bank_line_answer(line), 200);
    }
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(posts_are_answered_in_order)
{
    static char bodies[64][65536];
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    for (int i = 0; i < 40; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "E%d", i);
        struct span const message = fixture_payment(bodies[i], sizeof bodies[i], id);
        bank_line_send(line, post_to(MSGS, XML, message));
    }
    unsigned long long previous = 0;
    for (int i = 0; i < 40; i++) {
        ck_assert_int_eq(bank_line_answer(line), 201);
        struct span const id = bank_line_field(line, "PI-ResourceId");
        char number[40];
        (void)snprintf(number, sizeof number, "%.*s", (int)id.size, id.bytes);
        unsigned long long const now = strtoull(strrchr(number, '-') + 1, NULL, 16);
        ck_assert_uint_eq(now, previous + 1);
        previous = now;
    }
    ck_assert_uint_eq(fixture_seen().transfers, 40);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_full_ring_is_back_pressure)
{
    enum { LINES = 30 };
    static char body[LIMIT_BODY_BYTES];
    static struct bank_line *lines[LINES];
    size_t size = 0;
    for (int i = 0; i < LIMIT_PARTS; i++) {
        size += (size_t)snprintf(body + size, sizeof body - size,
                                 "--b\r\nContent-Type: application/xml\r\n\r\n");
        memset(body + size, 'x', 65000);
        size += 65000;
        size += (size_t)snprintf(body + size, sizeof body - size, "\r\n");
    }
    size += (size_t)snprintf(body + size, sizeof body - size, "--b--");
    fixture_start(1);
    fixture_hold(true);
    /* 30 bodies of 635 KiB are more than the ring of 16 MiB takes. */
    for (int i = 0; i < LINES; i++) {
        lines[i] = bank_line_open(BANK_ONE);
        bank_line_send(lines[i], post_to(MSGS, "Content-Type: multipart/mixed; boundary=b\r\n",
                                         span_of(body, size)));
    }
    (void)poll(NULL, 0, 200);
    ck_assert_uint_eq(fixture_metric(METRIC_REQUESTS), 0);
    ck_assert_uint_lt(fixture_metric(METRIC_MESSAGES_RECEIVED), LINES * LIMIT_PARTS);
    ck_assert_uint_gt(fixture_metric(METRIC_MESSAGES_RECEIVED), LIMIT_PARTS);
    fixture_hold(false);
    for (int i = 0; i < LINES; i++) {
        ck_assert_int_eq(bank_line_answer(lines[i]), 201);
        bank_line_close(lines[i]);
    }
    ck_assert_uint_eq(fixture_seen().messages, LINES * LIMIT_PARTS);
    fixture_stop();
}
END_TEST

START_TEST(a_slow_request_is_408)
{
    fixture_config.participants_request_timeout_ns = 300 * TIME_NS_PER_MS;
    fixture_start(1);
    struct bank_line *line = bank_line_open(BANK_ONE);
    bank_line_send(line, SPAN("POST " MSGS " HTTP/1.1\r\n" HOST XML "Content-Length: 9\r\n\r\n<a"));
    ck_assert_int_eq(bank_line_answer(line), 408);
    ck_assert(span_equal(bank_line_field(line, "Connection"), SPAN("close")));
    ck_assert(bank_line_is_ended(line));
    bank_line_close(line);
    line = bank_line_open(BANK_ONE);
    bank_line_send(line, SPAN("GET /api"));
    ck_assert_int_eq(bank_line_answer(line), 408);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

#define RECEIPT "GET /api/v1/receipts/10000001/unknown HTTP/1.1\r\n" HOST "\r\n"
#define RECEIPTS_4 RECEIPT RECEIPT RECEIPT RECEIPT
#define RECEIPTS_12 RECEIPTS_4 RECEIPTS_4 RECEIPTS_4

START_TEST(receipts_of_one_bank_are_bounded)
{
    struct bank_line *lines[4];
    uint32_t looked_up = 0, too_many = 0;
    fixture_start(1);
    fixture_hold(true);
    for (size_t i = 0; i < 4; i++) {
        lines[i] = bank_line_open(BANK_ONE);
        bank_line_send(lines[i], SPAN(RECEIPTS_12));
    }
    for (int i = 0; fixture_metric(METRIC_REQUESTS) < 48 - LIMIT_OWNER_RECEIPTS && i < 300; i++)
        (void)poll(NULL, 0, 10); /* those that are refused at once */
    fixture_hold(false);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 12; k++) {
            int const status = bank_line_answer(lines[i]);
            looked_up += status == 404;
            too_many += status == 429;
            if (status == 429)
                ck_assert(span_equal(bank_line_field(lines[i], "Retry-After"), SPAN("1")));
        }
    }
    ck_assert_uint_eq(looked_up, LIMIT_OWNER_RECEIPTS);
    ck_assert_uint_eq(too_many, 48 - LIMIT_OWNER_RECEIPTS);

    /* Then there is room again, also behind clients that went. */
    bank_line_send(lines[0], SPAN(RECEIPTS_12));
    bank_line_close(lines[0]);
    bank_line_send(lines[1], SPAN(RECEIPTS_12));
    for (size_t k = 0; k < 12; k++)
        ck_assert_int_eq(bank_line_answer(lines[1]), 404);
    for (size_t i = 1; i < 4; i++)
        bank_line_close(lines[i]);
    fixture_stop();
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
    fixture_config.participants_idle_timeout_ns = 300 * TIME_NS_PER_MS;
    fixture_start(1);
    struct bank_line *const line = bank_line_open(BANK_ONE);
    (void)poll(NULL, 0, 150);
    bank_line_send(line, get("/api/v1/in/10000001/catalog", ""));
    ck_assert_int_eq(bank_line_answer(line), 200);
    int64_t const began_ns = time_monotonic_ns();
    ck_assert(bank_line_is_ended(line));
    ck_assert_int_ge(time_monotonic_ns() - began_ns, 250 * TIME_NS_PER_MS);
    bank_line_close(line);
    fixture_stop();
}
END_TEST

START_TEST(a_clean_stop_answers_waiting_polls)
{
    fixture_start(2);
    struct bank_line *const waiting = bank_line_open(BANK_ONE);
    struct bank_line *const idle = bank_line_open(BANK_TWO);
    bank_line_send(waiting, get(OUT "start", ""));
    fixture_wait_for_polls(1);
    ck_assert_int_lt(fixture_stop_loops(), 2 * TIME_NS_PER_SECOND);
    ck_assert_int_eq(bank_line_answer(waiting), 204);
    ck_assert(span_equal(bank_line_field(waiting, "Connection"), SPAN("close")));
    ck_assert(bank_line_is_ended(waiting));
    ck_assert(bank_line_is_ended(idle));
    bank_line_close(waiting);
    bank_line_close(idle);
    fixture_stop();
}
END_TEST

/* ---- Parts ---------------------------------------------------------------------------------- */

START_TEST(a_bucket_fills_with_time)
{
    struct bucket_table *table = NULL;
    uint32_t seconds = 0;
    int64_t const start = 1000 * TIME_NS_PER_SECOND;
    ck_assert_int_eq(bucket_open(&table, 3, 7), FAULT_NONE);
    for (int i = 0; i < 3; i++) {
        ck_assert(bucket_admits(table, 5, start, &seconds));
        bucket_charge(table, 5, start, BUCKET_FIFTHS);
    }
    ck_assert(!bucket_admits(table, 5, start, &seconds));
    ck_assert_uint_eq(seconds, 1);
    ck_assert(bucket_admits(table, 6, start, &seconds));
    ck_assert(bucket_admits(table, 5, start + TIME_NS_PER_SECOND / 7, &seconds));
    /* Ten messages at once take it seven below zero: a second and a bit. */
    bucket_charge(table, 5, start, 7 * BUCKET_FIFTHS);
    ck_assert(!bucket_admits(table, 5, start, &seconds));
    ck_assert_uint_eq(seconds, 2);
    /* A pacs.002 costs a fifth. */
    int64_t const later = start + 100 * TIME_NS_PER_SECOND;
    for (int i = 0; i < 15; i++) {
        ck_assert(bucket_admits(table, 5, later, &seconds));
        bucket_charge(table, 5, later, 1);
    }
    ck_assert(!bucket_admits(table, 5, later, &seconds));
    bucket_close(table);
    ck_assert_int_eq(bucket_open(&table, 0, 1), FAULT_NONE);
    bucket_charge(table, 0, start, 1000000);
    ck_assert(bucket_admits(table, 0, start, &seconds));
    bucket_close(table);
}
END_TEST

START_TEST(a_shelf_forgets_the_oldest)
{
    struct shelf *shelf = NULL;
    size_t const size = LIMIT_SHELF_BYTES / 8;
    struct resource_id id = {0};
    ck_assert_int_eq(shelf_open(&shelf), FAULT_NONE);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id.text, sizeof id.text, "D-%d", i);
        ck_assert_ptr_null(shelf_find(shelf, &id).bytes);
        char *const room = shelf_room(shelf, size + 1000);
        memset(room, 'a' + i, size);
        shelf_add(shelf, &id, size);
        struct span const found = shelf_find(shelf, &id);
        ck_assert_uint_eq(found.size, size);
        ck_assert_int_eq(found.bytes[size - 1], 'a' + i);
    }
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id.text, sizeof id.text, "D-%d", i);
        struct span const found = shelf_find(shelf, &id);
        if (i < 12) ck_assert_ptr_null(found.bytes);
        if (i >= 14) ck_assert_ptr_nonnull(found.bytes);
        if (found.bytes) ck_assert_int_eq(found.bytes[0], 'a' + i);
    }
    shelf_close(shelf);
}
END_TEST

START_TEST(a_token_reads_as_it_was_written)
{
    char text[ROUTE_TOKEN_BYTES];
    struct pull_token token = {.stream = UINT64_C(0xfedcba9876543210), .step = 255}, read;
    route_print_token(token, text);
    ck_assert(span_equal(span_of(text, sizeof text), SPAN("fedcba987654321000000000000000ff")));
    ck_assert(route_parse_token(span_of(text, sizeof text), &read));
    ck_assert_uint_eq(read.stream, token.stream);
    ck_assert_uint_eq(read.step, token.step);
    ck_assert(!route_parse_token(SPAN("00000000000000000000000000000001"), &read));
    ck_assert(!route_parse_token(SPAN("fedcba987654321000000000000000fF"), &read));
    ck_assert(!route_parse_token(SPAN("fedcba98765432100000000000000ff"), &read));
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("participant");
    TCase *const loops = tcase_create("net loops");
    tcase_set_timeout(loops, 30);
    tcase_add_unchecked_fixture(loops, fixture_prepare, fixture_clean);
    tcase_add_loop_test(loops, each_request_gets_its_status, 0,
                        sizeof requests / sizeof requests[0]);
    tcase_add_test(loops, a_head_request_has_no_body);
    tcase_add_test(loops, the_certificate_is_looked_up_on_every_request);
    tcase_add_test(loops, other_states_are_503);
    tcase_add_test(loops, a_payment_becomes_a_transfer);
    tcase_add_test(loops, another_spelling_is_made_canonical);
    tcase_add_loop_test(loops, a_transaction_has_a_bound, 0,
                        sizeof far_namespaces / sizeof far_namespaces[0]);
    tcase_add_test(loops, parts_get_their_ids_in_order);
    tcase_add_test(loops, a_gzipped_message_is_kept_as_it_was_before);
    tcase_add_test(loops, a_location_is_cut_between_characters);
    tcase_add_test(loops, a_signature_of_another_is_refused);
    tcase_add_test(loops, settlement_may_refuse_a_body);
    tcase_add_test(loops, an_empty_bucket_refuses);
    tcase_add_test(loops, a_client_that_expects_it_hears_continue);
    tcase_add_test(loops, a_poll_waits_and_is_told_that_nothing_came);
    tcase_add_test(loops, a_message_goes_plain_and_again_the_same);
    tcase_add_test(loops, several_messages_go_as_parts);
    tcase_add_test(loops, a_repeat_that_takes_no_parts_is_406);
    tcase_add_test(loops, a_transaction_is_taken_again_from_its_message);
    tcase_add_test(loops, settlement_may_refuse_a_poll);
    tcase_add_test(loops, a_lost_connection_ends_its_poll);
    tcase_add_test(loops, what_is_pipelined_behind_a_poll_waits);
    tcase_add_test(loops, posts_are_answered_in_order);
    tcase_add_test(loops, a_full_ring_is_back_pressure);
    tcase_add_test(loops, a_slow_request_is_408);
    tcase_add_test(loops, receipts_of_one_bank_are_bounded);
    tcase_add_test(loops, an_idle_connection_is_closed);
    tcase_add_test(loops, a_clean_stop_answers_waiting_polls);
    suite_add_tcase(suite, loops);
    TCase *const parts = tcase_create("parts");
    tcase_add_test(parts, a_bucket_fills_with_time);
    tcase_add_test(parts, a_shelf_forgets_the_oldest);
    tcase_add_test(parts, a_token_reads_as_it_was_written);
    suite_add_tcase(suite, parts);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
