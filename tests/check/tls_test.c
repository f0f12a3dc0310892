/* tls: our server against our client over memory, and against a stranger's client (openssl
 * s_client) over a socket: WIRE section 1's rules one by one. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/authority.h"
#include "proto/tls/tls.h"
#include "proto/tls/tls_context.h"

#define DAY_NS (INT64_C(86400) * TIME_NS_PER_SECOND)

/* The folder of the suite's keys and certificates: NAME.crt and NAME.key. */
static char folder[] = "/tmp/tls_test.XXXXXX";
static struct hash bank_fingerprint, server_fingerprint;
static struct tls_ticket_seed seed;

static const char *path_of(const char *name, const char *ending)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s%s", folder, name, ending);
    return path;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void issue(const struct authority *authority, enum authority_purpose purpose,
                  const char *name, enum key_kind kind, int64_t not_before_ns, int64_t not_after_ns,
                  struct hash *fingerprint)
{
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    char text[8192];
    ck_assert_int_eq(key_generate(&key, kind), FAULT_NONE);
    ck_assert_int_eq(
        authority_issue(authority, purpose, name, key, not_before_ns, not_after_ns, &certificate),
        FAULT_NONE);
    ck_assert_int_eq(key_print(key, text, sizeof text), FAULT_NONE);
    write_text(path_of(name, ".key"), text);
    ck_assert_int_eq(certificate_print(certificate, text, sizeof text), FAULT_NONE);
    write_text(path_of(name, ".crt"), text);
    if (fingerprint != NULL) *fingerprint = *certificate_fingerprint(certificate);
    certificate_close(certificate);
    key_close(key);
}

static void make_files(void)
{
    struct authority *ours = NULL, *foreign = NULL;
    char text[8192];
    int64_t const now_ns = time_wall_ns(), from_ns = now_ns - DAY_NS, until_ns = now_ns + DAY_NS;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(authority_open(&ours, "ours", from_ns, until_ns), FAULT_NONE);
    ck_assert_int_eq(authority_open(&foreign, "foreign", from_ns, until_ns), FAULT_NONE);
    ck_assert_int_eq(certificate_print(authority_certificate(ours), text, sizeof text), FAULT_NONE);
    write_text(path_of("ca", ".crt"), text);
    ck_assert_int_eq(certificate_print(authority_certificate(foreign), text, sizeof text),
                     FAULT_NONE);
    write_text(path_of("foreign_ca", ".crt"), text);

    issue(ours, AUTHORITY_SERVER, "server", KEY_P256, from_ns, until_ns, &server_fingerprint);
    issue(ours, AUTHORITY_SERVER, "server_rsa", KEY_RSA, from_ns, until_ns, NULL);
    issue(ours, AUTHORITY_CLIENT, "bank", KEY_P256, from_ns, until_ns, &bank_fingerprint);
    issue(ours, AUTHORITY_CLIENT, "other_bank", KEY_RSA, from_ns, until_ns, NULL);
    issue(ours, AUTHORITY_CLIENT, "expired", KEY_P256, from_ns, now_ns - TIME_NS_PER_SECOND, NULL);
    issue(ours, AUTHORITY_CLIENT, "future", KEY_P256, now_ns + DAY_NS / 2, until_ns, NULL);
    issue(foreign, AUTHORITY_CLIENT, "foreign", KEY_P256, from_ns, until_ns, NULL);
    issue(foreign, AUTHORITY_SERVER, "foreign_server", KEY_P256, from_ns, until_ns, NULL);
    authority_close(ours);
    authority_close(foreign);
    ck_assert_int_eq(tls_context_draw_seed(&seed, now_ns), FAULT_NONE);
}

static void remove_files(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct tls_context *open_context(enum tls_role role, const char *name, const char *ca)
{
    struct tls_context *context = NULL;
    const char *words = NULL;
    struct tls_settings const settings = {.role = role,
                                          .certificate_path = path_of(name, ".crt"),
                                          .key_path = path_of(name, ".key"),
                                          .ca_path = path_of(ca, ".crt"),
                                          .ticket_seed = &seed};
    ck_assert_msg(tls_context_open(&context, &settings, &words) == FAULT_NONE, "%s", words);
    return context;
}

/* Carries what `from` has to send to `to`, `piece` bytes at a time; what it reads is added to
 * `plain`.  Returns the last result that was not TLS_READY. */
static enum tls_result carry(struct tls *from, struct tls *to, size_t piece, char *plain,
                             size_t plain_max, size_t *plain_size)
{
    enum tls_result result = TLS_NEEDS_INPUT;
    while (tls_output(from).size > 0 && result != TLS_FAILED) {
        struct span const output = tls_output(from);
        size_t const count = piece < output.size ? piece : output.size;
        struct span input = span_of(output.bytes, count);
        size_t size = 0;
        while ((result = tls_read(to, &input, plain + *plain_size, plain_max - *plain_size,
                                  &size)) == TLS_READY) {
            *plain_size += size;
            ck_assert_uint_lt(*plain_size, plain_max);
        }
        if (result == TLS_NEEDS_INPUT) ck_assert_uint_eq(input.size, 0);
        tls_sent(from, count);
    }
    return result;
}

struct pair {
    struct tls *client, *server;
    enum tls_result client_result, server_result;
};

static struct pair shake_hands(struct tls_context *client, struct tls_context *server,
                               const char *name, size_t piece)
{
    struct pair pair = {.client_result = TLS_NEEDS_INPUT, .server_result = TLS_NEEDS_INPUT};
    char plain[64];
    size_t size = 0;
    ck_assert_int_eq(tls_open(&pair.client, client, name), FAULT_NONE);
    ck_assert_int_eq(tls_open(&pair.server, server, NULL), FAULT_NONE);
    for (int flight = 0; flight < 4; flight++) {
        enum tls_result result = carry(pair.client, pair.server, piece, plain, sizeof plain, &size);
        if (pair.server_result != TLS_FAILED) pair.server_result = result;
        result = carry(pair.server, pair.client, piece, plain, sizeof plain, &size);
        if (pair.client_result != TLS_FAILED) pair.client_result = result;
    }
    ck_assert_uint_eq(size, 0);
    return pair;
}

static void close_pair(struct pair *pair)
{
    tls_close(pair->client);
    tls_close(pair->server);
}

START_TEST(both_sides_know_each_other)
{
    static const size_t pieces[] = {1, 7, 1000, 100000};
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    struct pair pair =
        shake_hands(client, server, _i % 2 == 0 ? "localhost" : "127.0.0.1", pieces[_i]);
    ck_assert(tls_is_established(pair.server) && tls_is_established(pair.client));
    ck_assert(hash_equal(tls_peer_fingerprint(pair.server), &bank_fingerprint));
    ck_assert(hash_equal(tls_peer_fingerprint(pair.client), &server_fingerprint));
    ck_assert(!tls_is_resumed(pair.server));
    ck_assert_str_eq(tls_words(pair.server), "");
    close_pair(&pair);
    tls_context_close(client);
    tls_context_close(server);
}
END_TEST

/* client, its CA, server, its CA, the name expected; who refuses and in what words */
static const struct {
    const char *client, *client_ca, *server, *server_ca, *name;
    bool server_refuses;
    const char *words;
} refusals[] = {
    {"foreign", "ca", "server", "ca", "localhost", true, "unable to get local issuer certificate"},
    {"expired", "ca", "server", "ca", "localhost", true, "certificate has expired"},
    {"future", "ca", "server", "ca", "localhost", true, "certificate is not yet valid"},
    {"server_rsa", "ca", "server", "ca", "localhost", true, "unsuitable certificate purpose"},
    {"bank", "ca", "foreign_server", "ca", "localhost", false,
     "unable to get local issuer certificate"},
    {"bank", "foreign_ca", "server", "ca", "localhost", false,
     "unable to get local issuer certificate"},
    {"bank", "ca", "server", "ca", "switch.example", false, "hostname mismatch"},
    {"bank", "ca", "server", "ca", "127.0.0.2", false, "IP address mismatch"},
    {"bank", "ca", "bank", "ca", "localhost", false, "unsuitable certificate purpose"},
};

START_TEST(certificates_that_do_not_chain_are_refused)
{
    struct tls_context *server =
        open_context(TLS_SERVER, refusals[_i].server, refusals[_i].server_ca);
    struct tls_context *client =
        open_context(TLS_CLIENT, refusals[_i].client, refusals[_i].client_ca);
    struct pair pair = shake_hands(client, server, refusals[_i].name, 100000);
    struct tls *refusing = refusals[_i].server_refuses ? pair.server : pair.client;
    ck_assert(!tls_is_established(refusing));
    ck_assert_ptr_null(tls_peer_fingerprint(refusing));
    ck_assert_str_eq(tls_words(refusing), refusals[_i].words);
    ck_assert_int_eq(pair.server_result, TLS_FAILED);
    ck_assert_int_eq(pair.client_result, TLS_FAILED); /* it was told by an alert */

    struct span plain = SPAN("x"), input = span_of(NULL, 0);
    char byte;
    size_t size = 0;
    ck_assert_int_eq(tls_write(refusing, &plain), TLS_FAILED);
    ck_assert_int_eq(tls_read(refusing, &input, &byte, 1, &size), TLS_FAILED);
    close_pair(&pair);
    tls_context_close(client);
    tls_context_close(server);
}
END_TEST

/* Two loops of one port: a client resumes on the one that it was not on before. */
START_TEST(sessions_resume_on_another_loop_with_the_same_fingerprint)
{
    struct tls_context *loops[] = {open_context(TLS_SERVER, "server", "ca"),
                                   open_context(TLS_SERVER, "server", "ca")};
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    struct tls_context *other = open_context(TLS_CLIENT, "other_bank", "ca");
    for (unsigned i = 0; i < 4; i++) {
        struct pair pair = shake_hands(client, loops[i % 2], "localhost", 100000);
        ck_assert(tls_is_established(pair.server) && tls_is_established(pair.client));
        ck_assert_msg(tls_is_resumed(pair.server) == (i > 0), "round %u", i);
        ck_assert_int_eq(tls_is_resumed(pair.client), i > 0);
        ck_assert(hash_equal(tls_peer_fingerprint(pair.server), &bank_fingerprint));
        ck_assert(hash_equal(tls_peer_fingerprint(pair.client), &server_fingerprint));
        close_pair(&pair);

        pair = shake_hands(other, loops[0], "localhost", 100000);
        ck_assert(tls_is_established(pair.server));
        ck_assert(!hash_equal(tls_peer_fingerprint(pair.server), &bank_fingerprint));
        close_pair(&pair);
    }
    /* A session is for the server that it was made with. */
    struct pair pair = shake_hands(client, loops[0], "127.0.0.1", 100000);
    ck_assert(tls_is_established(pair.server) && !tls_is_resumed(pair.server));
    close_pair(&pair);

    /* Another port has another seed: nothing of it resumes, everything works. */
    ck_assert_int_eq(tls_context_draw_seed(&seed, time_wall_ns()), FAULT_NONE);
    struct tls_context *elsewhere = open_context(TLS_SERVER, "server", "ca");
    pair = shake_hands(client, elsewhere, "127.0.0.1", 100000);
    ck_assert(tls_is_established(pair.server) && !tls_is_resumed(pair.server));
    close_pair(&pair);

    tls_context_close(elsewhere);
    tls_context_close(client);
    tls_context_close(other);
    tls_context_close(loops[0]);
    tls_context_close(loops[1]);
}
END_TEST

/* The keys of tickets turn with the hours; contexts that start from a seed drawn long ago arrive at
 * the same key. */
START_TEST(ticket_keys_turn_alike_on_every_loop)
{
    struct tls_ticket_seed const drawn = seed;
    seed.drawn_ns -= 100 * 3600 * TIME_NS_PER_SECOND;
    struct tls_context *loops[] = {open_context(TLS_SERVER, "server", "ca"),
                                   open_context(TLS_SERVER, "server", "ca")};
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    for (int i = 0; i < 2; i++) {
        struct pair pair = shake_hands(client, loops[i], "localhost", 100000);
        ck_assert(tls_is_established(pair.server));
        ck_assert(tls_is_resumed(pair.server) == (i > 0));
        close_pair(&pair);
    }
    /* The same secret as if it were this hour's is another key: the hours count. */
    seed = drawn;
    struct tls_context *unturned = open_context(TLS_SERVER, "server", "ca");
    struct pair pair = shake_hands(client, unturned, "localhost", 100000);
    ck_assert(tls_is_established(pair.server) && !tls_is_resumed(pair.server));
    close_pair(&pair);
    tls_context_close(client);
    tls_context_close(unturned);
    tls_context_close(loops[0]);
    tls_context_close(loops[1]);
}
END_TEST

/* A ticket does not outlive the certificate that it stands for. */
START_TEST(an_expired_certificate_is_not_resumed)
{
    struct authority *brief = NULL;
    char text[8192];
    int64_t const now_ns = time_wall_ns();
    ck_assert_int_eq(authority_open(&brief, "brief", now_ns - DAY_NS, now_ns + DAY_NS), FAULT_NONE);
    ck_assert_int_eq(certificate_print(authority_certificate(brief), text, sizeof text),
                     FAULT_NONE);
    write_text(path_of("brief_ca", ".crt"), text);
    issue(brief, AUTHORITY_SERVER, "brief_server", KEY_P256, now_ns - DAY_NS, now_ns + DAY_NS,
          NULL);
    issue(brief, AUTHORITY_CLIENT, "brief_bank", KEY_P256, now_ns - DAY_NS,
          now_ns + 2 * TIME_NS_PER_SECOND, NULL);
    struct tls_context *server = open_context(TLS_SERVER, "brief_server", "brief_ca");
    struct tls_context *client = open_context(TLS_CLIENT, "brief_bank", "brief_ca");
    for (int i = 0; i < 2; i++) {
        struct pair pair = shake_hands(client, server, "localhost", 100000);
        ck_assert(tls_is_established(pair.server) && tls_is_resumed(pair.server) == (i > 0));
        close_pair(&pair);
    }
    while (time_wall_ns() < now_ns + 3 * TIME_NS_PER_SECOND) {
        usleep(50000);
    }
    struct pair pair = shake_hands(client, server, "localhost", 100000);
    ck_assert(!tls_is_established(pair.server));
    ck_assert_str_eq(tls_words(pair.server), "certificate has expired");
    close_pair(&pair);
    tls_context_close(client);
    tls_context_close(server);
    authority_close(brief);
}
END_TEST

/* 300 KB each way through an output of 33 KiB, in awkward pieces. */
START_TEST(big_writes_arrive_whole)
{
    static const size_t pieces[] = {3, 1400, 16384, 65536};
    enum { TOTAL = 300 * 1000 };
    static char sent[TOTAL], received[TOTAL + 1];
    for (size_t i = 0; i < TOTAL; i++) {
        sent[i] = (char)(i * 2654435761U >> 13);
    }
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    struct pair pair = shake_hands(client, server, "localhost", 100000);
    for (int way = 0; way < 2; way++) {
        struct tls *from = way == 0 ? pair.client : pair.server;
        struct tls *to = way == 0 ? pair.server : pair.client;
        struct span plain = span_of(sent, TOTAL);
        size_t size = 0;
        enum tls_result result = TLS_NEEDS_FLUSH;
        while (result == TLS_NEEDS_FLUSH) {
            result = tls_write(from, &plain);
            ck_assert_int_eq(carry(from, to, pieces[_i], received, sizeof received, &size),
                             TLS_NEEDS_INPUT);
        }
        ck_assert_int_eq(result, TLS_READY);
        ck_assert_uint_eq(size, TOTAL);
        ck_assert_mem_eq(sent, received, TOTAL);
    }
    close_pair(&pair);
    tls_context_close(client);
    tls_context_close(server);
}
END_TEST

/* What is lent to the kernel stays where it is while more is written behind it. */
START_TEST(output_does_not_move_before_it_is_sent)
{
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    struct pair pair = shake_hands(client, server, "localhost", 100000);
    struct span plain = SPAN("first");
    char copied[256];
    ck_assert_int_eq(tls_write(pair.server, &plain), TLS_READY);
    struct span const lent = tls_output(pair.server);
    memcpy(copied, lent.bytes, lent.size);
    for (int i = 0; i < 100; i++) {
        plain = SPAN("and more");
        ck_assert_int_eq(tls_write(pair.server, &plain), TLS_READY);
        ck_assert_ptr_eq(tls_output(pair.server).bytes, lent.bytes);
    }
    ck_assert_mem_eq(copied, lent.bytes, lent.size);
    tls_sent(pair.server, lent.size);
    ck_assert_ptr_eq(tls_output(pair.server).bytes, lent.bytes + lent.size);
    close_pair(&pair);
    tls_context_close(client);
    tls_context_close(server);
}
END_TEST

START_TEST(ends_are_told_from_cuts)
{
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    struct pair pair = shake_hands(client, server, "localhost", 100000);
    char plain[64];
    size_t size = 0;

    /* A record of which the last byte is missing is never given out. */
    struct span text = SPAN("hello");
    ck_assert_int_eq(tls_write(pair.client, &text), TLS_READY);
    struct span const whole = tls_output(pair.client);
    struct span most = span_of(whole.bytes, whole.size - 1);
    ck_assert_int_eq(tls_read(pair.server, &most, plain, sizeof plain, &size), TLS_NEEDS_INPUT);
    struct span last = span_after(whole, whole.size - 1);
    ck_assert_int_eq(tls_read(pair.server, &last, plain, sizeof plain, &size), TLS_READY);
    ck_assert_uint_eq(size, 5);
    tls_sent(pair.client, whole.size);

    /* A goodbye ends one direction; the other still works. */
    size = 0;
    tls_end(pair.client);
    ck_assert_int_eq(carry(pair.client, pair.server, 100, plain, sizeof plain, &size), TLS_ENDED);
    text = SPAN("late answer");
    ck_assert_int_eq(tls_write(pair.server, &text), TLS_READY);
    ck_assert_int_eq(carry(pair.server, pair.client, 100, plain, sizeof plain, &size),
                     TLS_NEEDS_INPUT);
    ck_assert_uint_eq(size, 11);
    text = SPAN("after the end");
    ck_assert_int_eq(tls_write(pair.client, &text), TLS_FAILED);
    close_pair(&pair);
    tls_context_close(client);
    tls_context_close(server);
}
END_TEST

START_TEST(changed_records_break_the_connection)
{
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    for (size_t at = 0; at < 27; at++) {
        struct pair pair = shake_hands(client, server, "localhost", 100000);
        struct span text = SPAN("hello");
        char plain[64], changed[64];
        size_t size = 0;
        ck_assert_int_eq(tls_write(pair.client, &text), TLS_READY);
        struct span const whole = tls_output(pair.client);
        ck_assert_uint_eq(whole.size, 27); /* 5 head, 5 text, 1 type, 16 seal */
        memcpy(changed, whole.bytes, whole.size);
        changed[at] = (char)(changed[at] ^ 0x40);
        struct span input = span_of(changed, whole.size);
        enum tls_result const result = tls_read(pair.server, &input, plain, sizeof plain, &size);
        /* A longer record than there is waits for the rest; everything else is refused. */
        ck_assert_int_eq(result, at == 3 || at == 4 ? TLS_NEEDS_INPUT : TLS_FAILED);
        ck_assert_uint_eq(size, 0);
        close_pair(&pair);
    }
    tls_context_close(client);
    tls_context_close(server);
}
END_TEST

#define BYTES(literal) .bytes = literal, .size = sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t size;
} garbage[] = {
    {BYTES("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")},
    {BYTES("\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff")},             /* a hello of 16 MiB */
    {BYTES("\x16\x03\x01\x00\x04\x01\x00\x00\x00")},                 /* an empty hello */
    {BYTES("\x15\x03\x03\x00\x02\x02\x28")},                         /* an alert */
    {BYTES("\x17\x03\x03\x00\x05hello")},                            /* data before a handshake */
    {BYTES("\x16\x03\x01\xff\xff\x01\x00\x00\x00\x00\x00\x00")},     /* a record of 64 KiB */
    {BYTES("\x80\x0b\x01\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00")}, /* SSL 2 */
    {BYTES("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
};

START_TEST(garbage_is_refused)
{
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    struct tls *tls = NULL;
    char plain[64];
    size_t size = 0;
    struct span input = span_of(garbage[_i].bytes, garbage[_i].size);
    ck_assert_int_eq(tls_open(&tls, server, NULL), FAULT_NONE);
    ck_assert_int_eq(tls_read(tls, &input, plain, sizeof plain, &size), TLS_FAILED);
    ck_assert_str_ne(tls_words(tls), "");
    tls_end(tls);
    tls_close(tls);
    tls_context_close(server);
}
END_TEST

/* certificate, key, CA, the words */
static const struct {
    const char *certificate, *key, *ca, *words;
} bad_files[] = {
    {"none", "server", "ca", "the certificate's file is missing, or no PEM certificate is in it"},
    {"server", "none", "ca",
     "the key's file is missing, or no unencrypted PEM key of the certificate is in it"},
    {"server", "bank", "ca",
     "the key's file is missing, or no unencrypted PEM key of the certificate is in it"},
    {"server", "server", "none", "the CA's file is missing, or no PEM certificate is in it"},
};

START_TEST(files_that_do_not_fit_are_named)
{
    struct tls_context *context = NULL;
    const char *words = NULL;
    struct tls_settings const settings = {.role = _i % 2 == 0 ? TLS_SERVER : TLS_CLIENT,
                                          .certificate_path =
                                              path_of(bad_files[_i / 2].certificate, ".crt"),
                                          .key_path = path_of(bad_files[_i / 2].key, ".key"),
                                          .ca_path = path_of(bad_files[_i / 2].ca, ".crt"),
                                          .ticket_seed = &seed};
    ck_assert_int_eq(tls_context_open(&context, &settings, &words), FAULT_INVALID);
    ck_assert_str_eq(words, bad_files[_i / 2].words);
}
END_TEST

/* Serves one connection: answers the first text with who came, then ends.  Writes nothing when the
 * handshake fails.  At most 5 s. */
static void serve_one(int listener, struct tls_context *context)
{
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    if (poll(&wait, 1, 5000) != 1) return;
    int const peer = accept(listener, NULL, NULL);
    ck_assert_int_ge(peer, 0);
    struct tls *tls = NULL;
    bool answered = false;
    ck_assert_int_eq(tls_open(&tls, context, NULL), FAULT_NONE);
    enum tls_result result = TLS_NEEDS_INPUT;
    while (result == TLS_NEEDS_INPUT && !answered) {
        char bytes[4096], plain[4096];
        size_t size = 0;
        wait.fd = peer;
        if (poll(&wait, 1, 5000) != 1) break;
        ssize_t const got = read(peer, bytes, sizeof bytes);
        if (got <= 0) break;
        struct span input = span_of(bytes, (size_t)got);
        while ((result = tls_read(tls, &input, plain, sizeof plain, &size)) == TLS_READY) {
            char text[256], who[HASH_TEXT_BYTES];
            if (answered) continue;
            hash_print(tls_peer_fingerprint(tls), who);
            snprintf(text, sizeof text, "HELLO %s %s\n", tls_is_resumed(tls) ? "resumed" : "new",
                     who);
            struct span answer = span_text(text);
            ck_assert_int_eq(tls_write(tls, &answer), TLS_READY);
            tls_end(tls);
            answered = true;
        }
        struct span const output = tls_output(tls);
        if (output.size > 0) {
            (void)!write(peer, output.bytes, output.size);
            tls_sent(tls, output.size);
        }
    }
    tls_close(tls);
    close(peer);
}

/* Listens, serves one connection in a child process, and returns what `openssl s_client OPTIONS`
 * prints on this side when `line` is typed into it. */
static const char *stranger(struct tls_context *context, const char *options, const char *line)
{
    static char output[32768];
    char command[1024];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int const listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);

    pid_t const child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        serve_one(listener, context);
        _exit(0);
    }
    close(listener);
    snprintf(command, sizeof command,
             "cd %s && (echo %s; sleep 0.1) | timeout 5 openssl s_client -connect 127.0.0.1:%d "
             "-CAfile ca.crt %s 2>&1",
             folder, line, ntohs(address.sin_port), options);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t const read = fread(output, 1, sizeof output - 1, pipe);
    output[read] = '\0';
    pclose(pipe);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    return output;
}

#define AS_BANK "-cert bank.crt -key bank.key "

/* server, options of the stranger, what his output must hold, whether he got an answer */
static const struct {
    const char *server, *options, *expected;
    bool is_answered;
} strangers[] = {
    {"server", AS_BANK "-tls1_3", "TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256", true},
    {"server", AS_BANK "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
     "TLS_CHACHA20_POLY1305_SHA256", true},
    {"server", AS_BANK "-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256", "handshake failure", false},
    {"server", AS_BANK "-tls1_2", "TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256", true},
    {"server_rsa", AS_BANK "-tls1_2", "TLSv1.2, Cipher is ECDHE-RSA-AES128-GCM-SHA256", true},
    {"server_rsa", AS_BANK "-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384",
     "Cipher is ECDHE-RSA-AES256-GCM-SHA384", true},
    {"server", AS_BANK "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305",
     "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305", true},
    {"server", AS_BANK "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", "handshake failure", false},
    {"server", AS_BANK "-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM", "handshake failure", false},
    {"server_rsa", AS_BANK "-tls1_2 -cipher AES128-GCM-SHA256", "handshake failure", false},
    {"server_rsa", AS_BANK "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", "handshake failure", false},
    {"server", AS_BANK "-tls1_1 -cipher DEFAULT@SECLEVEL=0", "alert protocol version", false},
    {"server", AS_BANK "-alpn http/1.1", "ALPN protocol: http/1.1", true},
    {"server", AS_BANK "-alpn h2,http/1.1", "ALPN protocol: http/1.1", true},
    {"server", AS_BANK "-alpn h2", "no application protocol", false},
    {"server", AS_BANK "-tls1_2 -alpn h2", "no application protocol", false},
    {"server", AS_BANK, "No ALPN negotiated", true},
    {"server", AS_BANK "-tls1_2", "Compression: NONE", true},
    {"server", AS_BANK "-tls1_2", "Secure Renegotiation IS supported", true},
    {"server", AS_BANK, "ticket lifetime hint: 3600", true},
    {"server", AS_BANK, "CN = ours", true}, /* named as acceptable to the client */
    {"server", "-tls1_3", "alert certificate required", false},
    {"server", "-tls1_2", "handshake failure", false},
    {"server", "-tls1_2 -cert foreign.crt -key foreign.key", "alert unknown ca", false},
    {"server", "-tls1_3 -cert expired.crt -key expired.key", "alert certificate expired", false},
};

START_TEST(strangers_are_served_or_refused)
{
    struct tls_context *server = open_context(TLS_SERVER, strangers[_i].server, "ca");
    const char *output = stranger(server, strangers[_i].options, "hello");
    ck_assert_msg(strstr(output, strangers[_i].expected) != NULL, "%s", output);
    ck_assert_msg((strstr(output, "HELLO new") != NULL) == strangers[_i].is_answered, "%s", output);
    tls_context_close(server);
}
END_TEST

/* The certificate of a resumed session is that of the full handshake, in both versions. */
START_TEST(strangers_resume)
{
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    struct tls_context *first = open_context(TLS_SERVER, "server", "ca");
    struct tls_context *second = open_context(TLS_SERVER, "server", "ca");
    char options[256], expected[128], who[HASH_TEXT_BYTES];
    hash_print(&bank_fingerprint, who);

    snprintf(options, sizeof options, AS_BANK "%s -sess_out session", versions[_i]);
    const char *output = stranger(first, options, "hello");
    snprintf(expected, sizeof expected, "HELLO new %s", who);
    ck_assert_msg(strstr(output, expected) != NULL, "%s", output);

    snprintf(options, sizeof options, AS_BANK "%s -sess_in session", versions[_i]);
    output = stranger(second, options, "hello");
    snprintf(expected, sizeof expected, "HELLO resumed %s", who);
    ck_assert_msg(strstr(output, expected) != NULL, "%s", output);

    /* Showing up with another certificate changes nothing: the session is the bank's. */
    snprintf(options, sizeof options,
             "-cert other_bank.crt -key other_bank.key %s -sess_in session", versions[_i]);
    output = stranger(second, options, "hello");
    ck_assert_msg(strstr(output, expected) != NULL, "%s", output);
    tls_context_close(first);
    tls_context_close(second);
}
END_TEST

/* R typed into s_client asks for a new handshake inside the connection. */
START_TEST(renegotiation_is_refused)
{
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    const char *output = stranger(server, AS_BANK "-tls1_2", "R");
    ck_assert_msg(strstr(output, "RENEGOTIATING") != NULL, "%s", output);
    ck_assert_msg(strstr(output, "no renegotiation") != NULL, "%s", output);
    tls_context_close(server);
}
END_TEST

/* A k typed into s_client changes its keys; how many of them, and whether what follows is answered. */
static const struct {
    unsigned count;
    bool is_answered;
} key_updates[] = {{3, true}, {2 * LIMIT_TLS_KEY_UPDATES, false}};

START_TEST(key_updates_are_bounded)
{
    char lines[256];
    struct tls_context *server = open_context(TLS_SERVER, "server", "ca");
    snprintf(lines, sizeof lines,
             "k; for i in $(seq 2 %u); do sleep 0.01; echo k; done; sleep 0.1; echo hello",
             key_updates[_i].count);
    const char *output = stranger(server, AS_BANK "-tls1_3", lines);
    ck_assert_msg(strstr(output, "KEYUPDATE") != NULL, "%s", output);
    ck_assert_msg((strstr(output, "HELLO new") != NULL) == key_updates[_i].is_answered, "%s",
                  output);
    tls_context_close(server);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_refused)
{
    struct tls_context *client = open_context(TLS_CLIENT, "bank", "ca");
    struct tls *tls = NULL;
    char name[LIMIT_HOST_BYTES + 2];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(tls_open(&tls, client, name), FAULT_INVALID);
    tls_context_close(client);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("tls");
    TCase *memory = tcase_create("memory");
    tcase_set_timeout(memory, 60);
    tcase_add_unchecked_fixture(memory, make_files, remove_files);
    tcase_add_loop_test(memory, both_sides_know_each_other, 0, 4);
    tcase_add_loop_test(memory, certificates_that_do_not_chain_are_refused, 0, COUNT(refusals));
    tcase_add_test(memory, sessions_resume_on_another_loop_with_the_same_fingerprint);
    tcase_add_test(memory, ticket_keys_turn_alike_on_every_loop);
    tcase_add_test(memory, an_expired_certificate_is_not_resumed);
    tcase_add_loop_test(memory, big_writes_arrive_whole, 0, 4);
    tcase_add_test(memory, output_does_not_move_before_it_is_sent);
    tcase_add_test(memory, ends_are_told_from_cuts);
    tcase_add_test(memory, changed_records_break_the_connection);
    tcase_add_loop_test(memory, garbage_is_refused, 0, COUNT(garbage));
    tcase_add_loop_test(memory, files_that_do_not_fit_are_named, 0, 2 * COUNT(bad_files));
    tcase_add_loop_test(memory, strangers_are_served_or_refused, 0, COUNT(strangers));
    tcase_add_loop_test(memory, strangers_resume, 0, 2);
    tcase_add_test(memory, renegotiation_is_refused);
    tcase_add_loop_test(memory, key_updates_are_bounded, 0,
                        sizeof key_updates / sizeof key_updates[0]);
    tcase_add_test(memory, a_name_that_is_too_long_is_refused);
    suite_add_tcase(suite, memory);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
