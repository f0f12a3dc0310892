/* sandbox: see sandbox.h.
 *
 * The happy path of opening: the switch takes a free port of its own, the relay the one of
 * cauce.conf; the other bank connects to the switch directly, so that the wire may be cut without
 * it; only when its stream is open does the relay let the connector through.
 *
 * Possible failures: the switch does not start (its log says why), ends by itself, or the other bank
 * cannot listen.  Then `failure` is set and every sandbox_turn says that it is over. */
#include "ops/cauce/sandbox.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/time.h"
#include "proto/config/genesis.h"

#define TICK_MS 10
#define READY_MS 30000
#define STOP_MS 10000 /* WIRE section 6: 5 s; twice that on a busy machine */
#define ANSWER_MS 15000
#define LOG_LINE_BYTES 4096
#define RESULT_MS 3600000 /* results are looked out for until the run ends: they are in the books */

static void fail(struct sandbox *sandbox, const char *format, ...) PRINTF_LIKE(2, 3);

/* Keeps the first reason. */
static void fail(struct sandbox *sandbox, const char *format, ...)
{
    if (sandbox->failure[0] != '\0') return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sandbox->failure, sizeof sandbox->failure, format, arguments);
    va_end(arguments);
}

/* ---- time ---- */

int64_t sandbox_until(uint64_t ms)
{
    return time_monotonic_ns() + (int64_t)ms * TIME_NS_PER_MS;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* it only ends uv_run */
}

bool sandbox_turn(struct sandbox *sandbox, int64_t end_ns)
{
    if (sandbox->failure[0] != '\0') return false;
    (void)uv_run(&sandbox->loop, UV_RUN_ONCE);
    if (sandbox->process.pid != 0 && !process_is_running(&sandbox->process)) {
        fail(sandbox, "the switch ended by itself with exit code %d; its log is %s",
             sandbox->process.exit_code, sandbox->log_file);
    }
    return sandbox->failure[0] == '\0' && time_monotonic_ns() < end_ns;
}

void sandbox_pause(struct sandbox *sandbox, uint64_t ms)
{
    int64_t const end_ns = sandbox_until(ms);
    while (sandbox_turn(sandbox, end_ns))
        continue;
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    fail(handle->data, "interrupted");
}

/* ---- the other bank ---- */

/* The payment of this id that has come; NULL: none has. */
static struct sandbox_incoming *find_incoming(struct sandbox *sandbox, struct span id)
{
    for (size_t i = 0; i < sandbox->incoming_count; i++) {
        struct sandbox_incoming *const incoming = &sandbox->incoming[i];
        if (span_equal(id, span_of(incoming->end_to_end_id.text, incoming->end_to_end_id_size))) {
            return incoming;
        }
    }
    return NULL;
}

static struct payee_decision decide(void *context, const struct payee_payment *payment)
{
    struct sandbox *const sandbox = context;
    /* Delivered again, before it was answered. */
    if (find_incoming(sandbox, payment->end_to_end_id) != NULL) return sandbox->plan;
    if (sandbox->incoming_count == SANDBOX_PAYMENTS_MAX) {
        fail(sandbox, "the connector has paid more than %d times", SANDBOX_PAYMENTS_MAX);
        return (struct payee_decision){.answer = PAYEE_SILENT};
    }
    struct sandbox_incoming *const incoming = &sandbox->incoming[sandbox->incoming_count++];
    incoming->amount = payment->amount;
    incoming->end_to_end_id_size = payment->end_to_end_id.size;
    memcpy(incoming->end_to_end_id.text, payment->end_to_end_id.bytes, payment->end_to_end_id.size);
    return sandbox->plan;
}

/* A result of a payment that the connector has sent. */
static void note_result(struct sandbox *sandbox, const struct pacs002_transaction *result)
{
    struct sandbox_incoming *const incoming = find_incoming(sandbox, result->end_to_end_id);
    if (incoming == NULL) return;
    if (result->status == PACS002_ACCC) incoming->is_settled = true;
    if (span_equal(result->reason, SPAN("AB03"))) incoming->is_expired = true;
}

static void on_other(void *context, const struct message *message)
{
    struct sandbox *const sandbox = context;
    payer_take(sandbox->payer, message);
    if (message->kind != CATALOGUE_PACS_002) return;
    for (size_t i = 0; i < message->content.pacs002.count; i++)
        note_result(sandbox, &message->content.pacs002.transactions[i]);
}

static void on_payee_failed(void *context, const char *words)
{
    fail(context, "the other bank cannot listen: %s", words);
}

/* The first bank of the environment that can play the connector's partner. */
static bool choose_other(struct sandbox *sandbox)
{
    struct genesis genesis;
    config_path path;
    char words[CONFIG_ERROR_BYTES];
    bool has_code = false;
    environment_path(&sandbox->environment, path, "genesis.json");
    if (genesis_load(&genesis, path, words) != FAULT_NONE) {
        fail(sandbox, "%s", words);
        return false;
    }
    for (size_t i = 0; i < genesis.participant_count; i++) {
        const struct genesis_participant *const participant = &genesis.participants[i];
        if (strcmp(participant->code, sandbox->code) == 0) {
            has_code = true;
        } else if (sandbox->other[0] == '\0' && !participant->is_rtgs &&
                   participant->settles_through[0] == '\0' &&
                   participant->status == GENESIS_ACTIVE && participant->channel.count > 0) {
            memcpy(sandbox->other, participant->code, sizeof sandbox->other);
        }
    }
    genesis_close(&genesis);
    if (!has_code) fail(sandbox, "%s: there is no participant %s", path, sandbox->code);
    if (sandbox->other[0] == '\0') fail(sandbox, "%s: no bank is left to play", path);
    return sandbox->failure[0] == '\0';
}

static bool open_other(struct sandbox *sandbox)
{
    char words[ENVIRONMENT_WORDS_BYTES];
    struct bank_settings const settings = {.loop = &sandbox->loop,
                                           .environment = &sandbox->environment,
                                           .code = sandbox->other,
                                           .channels = 1,
                                           .pipeline_max = 4};
    struct payee_settings payee = {.streams = 1,
                                   .context = sandbox,
                                   .decide = decide,
                                   .failed = on_payee_failed,
                                   .other = on_other};
    if (bank_open(&sandbox->bank, &settings, words) != FAULT_NONE) {
        fail(sandbox, "%s", words);
        return false;
    }
    payee.bank = sandbox->bank;
    enum fault fault = payer_open(&sandbox->payer, sandbox->bank, false);
    if (fault == FAULT_NONE) fault = payee_open(&sandbox->payee, &payee);
    if (fault != FAULT_NONE) fail(sandbox, "%s", fault_words(fault));
    return fault == FAULT_NONE;
}

static void on_paid(struct payer_payment *payment)
{
    struct sandbox_outgoing *const outgoing = payment->context;
    outgoing->is_done = true;
}

struct sandbox_outgoing *sandbox_pay(struct sandbox *sandbox, const struct payer_payment *payment)
{
    if (sandbox->outgoing_count == SANDBOX_PAYMENTS_MAX) {
        fail(sandbox, "more than %d payments", SANDBOX_PAYMENTS_MAX);
        return NULL;
    }
    struct sandbox_outgoing *const outgoing = &sandbox->outgoing[sandbox->outgoing_count];
    outgoing->payment = *payment;
    outgoing->payment.timeout_ms = RESULT_MS;
    outgoing->payment.done = on_paid;
    outgoing->payment.context = outgoing;
    memcpy(outgoing->payment.to.text, sandbox->code, PARTICIPANT_CODE_BYTES);
    enum fault const fault = payer_pay(sandbox->payer, &outgoing->payment);
    if (fault != FAULT_NONE) {
        fail(sandbox, "a payment could not be written: %s", fault_words(fault));
        return NULL;
    }
    sandbox->outgoing_count++;
    return outgoing;
}

size_t sandbox_paid(struct sandbox *sandbox, int64_t minor, struct sandbox_incoming **first)
{
    size_t count = 0;
    for (size_t i = 0; i < sandbox->incoming_count; i++) {
        if (amount_minor(sandbox->incoming[i].amount) != minor) continue;
        if (count++ == 0) *first = &sandbox->incoming[i];
    }
    return count;
}

static void on_balance(void *context, struct amount available, struct amount reserved,
                       const char *words)
{
    struct sandbox *const sandbox = context;
    sandbox->is_asking = false;
    sandbox->available = available;
    sandbox->reserved = reserved;
    if (words != NULL) fail(sandbox, "the other bank got no balance: %s", words);
}

bool sandbox_ask_balance(struct sandbox *sandbox)
{
    sandbox->is_asking = true;
    enum fault const fault = payer_balance(sandbox->payer, ANSWER_MS, on_balance, sandbox);
    if (fault != FAULT_NONE) fail(sandbox, "balance: %s", fault_words(fault));
    int64_t const end_ns = sandbox_until(2 * ANSWER_MS);
    while (sandbox->is_asking && sandbox_turn(sandbox, end_ns))
        continue;
    return sandbox->failure[0] == '\0';
}

/* ---- the switch ---- */

static bool start_switch(struct sandbox *sandbox, bool is_forged)
{
    /* A stream that lost its connection frees its deliveries soon, also for a connector that opens a
     * new one; no broker is needed. */
    const char *sets[PROCESS_SETS_MAX] = {sandbox->listen, "participants.stream_idle_seconds=2",
                                          "kafka.mode=off", "admin.listen=127.0.0.1:0",
                                          "admin.metrics_listen=127.0.0.1:0"};
    char key[128], certificate[128]; /* relative to cauce.conf */
    if (is_forged) {
        (void)snprintf(key, sizeof key, "signing.key=participants/%s/signing.key", sandbox->other);
        (void)snprintf(certificate, sizeof certificate,
                       "signing.certificate=participants/%s/signing.crt", sandbox->other);
        sets[5] = key;
        sets[6] = certificate;
    }
    char words[PROCESS_ERROR_BYTES];
    if (process_start(&sandbox->process, sandbox->config_file, sets, sandbox->log_file, READY_MS,
                      words) != FAULT_NONE) {
        fail(sandbox, "%s", words);
        return false;
    }
    if (!meter_parse_url(sandbox->process.metrics, &sandbox->metrics)) {
        fail(sandbox, "the switch has no metrics port: %s", sandbox->process.metrics);
        return false;
    }
    return true;
}

int64_t sandbox_figure(struct sandbox *sandbox, const char *name)
{
    struct span text;
    double value;
    if (meter_get(&sandbox->metrics, sandbox->metrics_text, sizeof sandbox->metrics_text, &text) !=
            NULL ||
        !meter_find(text, name, &value)) {
        return -1;
    }
    return (int64_t)value;
}

static uint64_t refused_now(struct sandbox *sandbox)
{
    int64_t const refused = sandbox_figure(sandbox, "cauce_messages_refused_total");
    return refused > 0 ? (uint64_t)refused : 0;
}

uint64_t sandbox_refused(struct sandbox *sandbox)
{
    return sandbox->refused_before + refused_now(sandbox);
}

bool sandbox_restart(struct sandbox *sandbox, enum sandbox_restart how)
{
    sandbox->refused_before += refused_now(sandbox);
    if (how == SANDBOX_KILLED) {
        process_kill(&sandbox->process);
    } else {
        int64_t const end_ns = sandbox_until(STOP_MS);
        kill(sandbox->process.pid, SIGTERM);
        /* The relay goes on meanwhile: the switch ends when its answers are away. */
        while (process_is_running(&sandbox->process) && time_monotonic_ns() < end_ns)
            (void)uv_run(&sandbox->loop, UV_RUN_ONCE);
        if (sandbox->process.pid != 0 || sandbox->process.exit_code != 0) {
            process_kill(&sandbox->process);
            fail(sandbox, "the switch did not end cleanly; its log is %s", sandbox->log_file);
        }
    }
    return sandbox->failure[0] == '\0' && start_switch(sandbox, how == SANDBOX_FORGED);
}

/* ---- its log ---- */

long sandbox_log_size(const struct sandbox *sandbox)
{
    FILE *const file = fopen(sandbox->log_file, "re");
    long size = 0;
    if (file == NULL) return 0;
    if (fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    (void)fclose(file);
    return size > 0 ? size : 0;
}

/* Takes the words of a line that tells of a message of the connector's. */
static void take_refusal(const struct sandbox *sandbox, const char *line,
                         char words[SANDBOX_WORDS_BYTES])
{
    char start[64];
    json_t *const object = json_loads(line, 0, NULL);
    const char *const message = json_string_value(json_object_get(object, "message"));
    (void)snprintf(start, sizeof start, "a message of %.8s was refused: ", sandbox->code);
    if (message != NULL && strncmp(message, start, strlen(start)) == 0) {
        (void)snprintf(words, SANDBOX_WORDS_BYTES, "%s", message + strlen(start));
    }
    json_decref(object);
}

void sandbox_refusal_words(struct sandbox *sandbox, long from, char words[SANDBOX_WORDS_BYTES])
{
    char line[LOG_LINE_BYTES];
    FILE *const file = fopen(sandbox->log_file, "re");
    words[0] = '\0';
    if (file == NULL) return;
    if (fseek(file, from, SEEK_SET) == 0) {
        while (fgets(line, sizeof line, file) != NULL)
            take_refusal(sandbox, line, words);
    }
    (void)fclose(file);
}

/* ---- opening and closing ---- */

static bool open_relay(struct sandbox *sandbox)
{
    const struct config_address *const listen = &sandbox->environment.config.participants_listen;
    enum fault const fault = relay_open(&sandbox->relay, &sandbox->loop, listen);
    if (fault == FAULT_BUSY) {
        fail(sandbox, "%s:%u is taken: end the switch that runs there, this program starts its own",
             listen->host, listen->port);
    } else if (fault != FAULT_NONE) {
        fail(sandbox, "%s:%u: %s", listen->host, listen->port, fault_words(fault));
    } else {
        (void)snprintf(sandbox->url, sizeof sandbox->url, "https://%s:%u", listen->host,
                       relay_port(sandbox->relay));
    }
    return fault == FAULT_NONE;
}

static bool open_loop(struct sandbox *sandbox)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&sandbox->loop) < 0) {
        fail(sandbox, "no event loop could be had");
        return false;
    }
    sandbox->has_loop = true;
    (void)uv_timer_init(&sandbox->loop, &sandbox->tick); /* libuv: always 0 */
    (void)uv_timer_start(&sandbox->tick, on_tick, TICK_MS, TICK_MS);
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&sandbox->loop, &sandbox->signals[i]);
        sandbox->signals[i].data = sandbox;
        (void)uv_signal_start(&sandbox->signals[i], on_signal, numbers[i]);
    }
    return true;
}

/* The switch's own port is kept over its restarts. */
static bool learn_address(struct sandbox *sandbox)
{
    char words[ENVIRONMENT_WORDS_BYTES];
    if (environment_open(&sandbox->environment, sandbox->environment.folder,
                         sandbox->process.participants, words) != FAULT_NONE) {
        fail(sandbox, "%s", words);
        return false;
    }
    (void)snprintf(sandbox->listen, sizeof sandbox->listen, "participants.listen=127.0.0.1:%u",
                   sandbox->environment.address.port);
    return true;
}

/* Waits for the stream of the other bank, which is the first of all. */
static bool wait_for_other(struct sandbox *sandbox)
{
    int64_t const end_ns = sandbox_until(ANSWER_MS);
    while (sandbox_figure(sandbox, "cauce_streams_open") < 1) {
        if (sandbox_turn(sandbox, end_ns)) continue;
        fail(sandbox, "the other bank cannot reach the switch");
        return false;
    }
    return true;
}

bool sandbox_open(struct sandbox *sandbox, const char *folder, const char *code,
                  char words[SANDBOX_WORDS_BYTES])
{
    struct environment *const environment = &sandbox->environment;
    environment->folder = folder;
    sandbox->code = code;
    sandbox->process.output = -1;
    environment_path(environment, sandbox->config_file, "cauce.conf");
    environment_path(environment, sandbox->log_file, "conformance.log");
    (void)snprintf(sandbox->listen, sizeof sandbox->listen, "participants.listen=127.0.0.1:0");

    bool good = false;
    if (config_load(&environment->config, sandbox->config_file, NULL, 0, sandbox->failure) ==
            FAULT_NONE &&
        choose_other(sandbox)) {
        sandbox->limit_ms =
            (uint64_t)(environment->config.payments_deadline_high_ns / TIME_NS_PER_MS);
        good = open_loop(sandbox) && open_relay(sandbox) && start_switch(sandbox, false) &&
               learn_address(sandbox) && open_other(sandbox) && wait_for_other(sandbox) &&
               sandbox_ask_balance(sandbox);
    }
    if (good) relay_aim(sandbox->relay, environment->address.port);
    (void)snprintf(words, SANDBOX_WORDS_BYTES, "%s", sandbox->failure);
    return good;
}

static void on_payee_closed(void *context)
{
    struct sandbox *const sandbox = context;
    bank_close(sandbox->bank);
}

static void on_payer_closed(void *context)
{
    struct sandbox *const sandbox = context;
    if (sandbox->payee != NULL)
        payee_close(sandbox->payee, on_payee_closed, sandbox);
    else
        bank_close(sandbox->bank);
}

void sandbox_close(struct sandbox *sandbox)
{
    if (sandbox->has_loop) {
        uv_close((uv_handle_t *)&sandbox->tick, NULL);
        for (size_t i = 0; i < 2; i++)
            uv_close((uv_handle_t *)&sandbox->signals[i], NULL);
        relay_close(sandbox->relay);
        if (sandbox->payer != NULL)
            payer_close(sandbox->payer, on_payer_closed, sandbox);
        else
            bank_close(sandbox->bank);
        (void)uv_run(&sandbox->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&sandbox->loop);
    }
    if (sandbox->process.pid != 0) (void)process_stop(&sandbox->process, STOP_MS);
}
