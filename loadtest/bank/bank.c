/* bank: see bank.h.
 *
 * A post's way: sent by the channel with the shortest queue -> 201: done.
 * Possible failures: 429, 503 and other 5xx, after which the same bytes go again when the pause is
 * over (the post waits in the list `waiting`, looked at by one timer); another 4xx, which is final;
 * no answer until the post's time is up. */
#include "loadtest/bank/bank.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "proto/crypto/random.h"
#include "proto/http/multipart.h"

#define CHANNELS_MAX 64
#define AGAIN_MS 200 /* before a resend after a 5xx that names no time */
#define RETRY_MAX_MS 60000
#define TICK_MS 20    /* how finely `waiting` is looked at */
#define SWITCH_KEYS 4 /* prepared by the checker */

struct bank {
    uv_loop_t *loop;
    const struct environment *environment;
    struct participant_code code;
    char target[64]; /* of POST */
    uint64_t drawn;  /* part of every id */
    uint64_t counter;

    struct tls_context *tls;
    struct signature_signer *signer;
    struct signature_checker *checker;
    struct certificate *switch_certificate;
    struct message_reader *reader;

    struct channel *channels[CHANNELS_MAX];
    unsigned channel_count;
    unsigned pipeline_max;
    uv_timer_t timer;
    struct bank_post *waiting; /* in no order */
};

/* ---- opening and closing ---- */

static void free_bank(struct bank *bank)
{
    tls_context_close(bank->tls);
    signature_signer_close(bank->signer);
    signature_close(bank->checker);
    certificate_close(bank->switch_certificate);
    message_close(bank->reader);
    free(bank);
}

static enum fault say(char words[ENVIRONMENT_WORDS_BYTES], enum fault fault, const char *path,
                      const char *why)
{
    (void)snprintf(words, ENVIRONMENT_WORDS_BYTES, "%.*s: %s", (int)sizeof(config_path), path, why);
    return fault;
}

static enum fault open_tls(struct bank *bank, char words[ENVIRONMENT_WORDS_BYTES])
{
    config_path certificate, key, authority;
    const char *why = "";
    const char *const code = bank->code.text;
    environment_path(bank->environment, certificate, "participants/%.8s/channel.crt", code);
    environment_path(bank->environment, key, "participants/%.8s/channel.key", code);
    environment_path(bank->environment, authority, "ca.crt");
    struct tls_settings const settings = {
        .role = TLS_CLIENT, .certificate_path = certificate, .key_path = key, .ca_path = authority};
    enum fault const fault = tls_context_open(&bank->tls, &settings, &why);
    return fault == FAULT_NONE ? fault : say(words, fault, certificate, why);
}

static enum fault open_signer(struct bank *bank, char words[ENVIRONMENT_WORDS_BYTES])
{
    config_path certificate_path, key_path;
    struct certificate *certificate = NULL;
    struct private_key *key = NULL;
    const char *why = "";
    const char *const code = bank->code.text;
    environment_path(bank->environment, certificate_path, "participants/%.8s/signing.crt", code);
    environment_path(bank->environment, key_path, "participants/%.8s/signing.key", code);

    enum fault fault = certificate_load(&certificate, certificate_path, &why);
    if (fault != FAULT_NONE) return say(words, fault, certificate_path, why);
    fault = key_load(&key, key_path, &why);
    if (fault != FAULT_NONE) {
        (void)say(words, fault, key_path, why);
    } else {
        fault = signature_signer_open(&bank->signer, key, certificate);
        if (fault != FAULT_NONE) (void)say(words, fault, key_path, "is not its certificate's key");
    }
    key_close(key);
    certificate_close(certificate);
    return fault;
}

static enum fault open_checker(struct bank *bank, char words[ENVIRONMENT_WORDS_BYTES])
{
    config_path path;
    const char *why = "";
    environment_path(bank->environment, path, "switch/signing.crt");
    enum fault fault = certificate_load(&bank->switch_certificate, path, &why);
    if (fault != FAULT_NONE) return say(words, fault, path, why);
    fault = signature_open(&bank->checker, SWITCH_KEYS);
    if (fault == FAULT_NONE) fault = message_open(&bank->reader);
    return fault == FAULT_NONE ? fault : say(words, fault, "bank", fault_words(fault));
}

enum fault bank_channel(struct bank *bank, struct channel **out)
{
    struct channel_settings const settings = {.loop = bank->loop,
                                              .tls = bank->tls,
                                              .address = &bank->environment->address,
                                              .pipeline_max = bank->pipeline_max};
    return channel_open(out, &settings);
}

static enum fault open_channels(struct bank *bank, unsigned count)
{
    while (bank->channel_count < count) {
        enum fault const fault = bank_channel(bank, &bank->channels[bank->channel_count]);
        if (fault != FAULT_NONE) return fault;
        bank->channel_count++;
    }
    return FAULT_NONE;
}

enum fault bank_open(struct bank **out, const struct bank_settings *settings,
                     char words[ENVIRONMENT_WORDS_BYTES])
{
    assert(settings->channels >= 1 && settings->channels <= CHANNELS_MAX);
    struct participant_code code;
    if (!identifier_parse_code(span_text(settings->code), &code)) {
        return say(words, FAULT_INVALID, settings->code, "a code is 8 of 0-9 and A-Z");
    }
    struct bank *const bank = calloc(1, sizeof *bank);
    if (bank == NULL) return say(words, FAULT_MEMORY, "bank", fault_words(FAULT_MEMORY));
    bank->loop = settings->loop;
    bank->environment = settings->environment;
    bank->code = code;
    bank->pipeline_max = settings->pipeline_max;
    (void)snprintf(bank->target, sizeof bank->target, "/api/v1/in/%.8s/msgs", code.text);

    enum fault fault = open_tls(bank, words);
    if (fault == FAULT_NONE) fault = open_signer(bank, words);
    if (fault == FAULT_NONE) fault = open_checker(bank, words);
    if (fault != FAULT_NONE) {
        free_bank(bank);
        return fault;
    }
    (void)uv_timer_init(bank->loop, &bank->timer); /* libuv: always 0 */
    bank->timer.data = bank;
    fault = random_fill(&bank->drawn, sizeof bank->drawn);
    if (fault == FAULT_NONE) fault = open_channels(bank, settings->channels);
    if (fault != FAULT_NONE) {
        (void)say(words, fault, "bank", fault_words(fault));
        bank_close(bank);
        return fault;
    }
    *out = bank;
    return FAULT_NONE;
}

static void on_last_closed(uv_handle_t *handle)
{
    free_bank(handle->data);
}

/* TLS contexts must outlive their connections, and libuv closes handles in no order that it promises
 * within one turn: so the bank goes one turn after its timer. */
static void on_timer_closed(uv_handle_t *handle)
{
    struct bank *const bank = handle->data;
    (void)uv_timer_init(bank->loop, &bank->timer);
    uv_close(handle, on_last_closed);
}

void bank_close(struct bank *bank)
{
    if (bank == NULL) return;
    for (unsigned i = 0; i < bank->channel_count; i++)
        channel_close(bank->channels[i]);
    uv_close((uv_handle_t *)&bank->timer, on_timer_closed);
}

/* ---- what a bank is ---- */

uv_loop_t *bank_loop(const struct bank *bank)
{
    return bank->loop;
}

const struct environment *bank_environment(const struct bank *bank)
{
    return bank->environment;
}

struct span bank_code(const struct bank *bank)
{
    return identifier_code_text(&bank->code);
}

struct bank_id bank_new_id(struct bank *bank, char kind)
{
    char text[LIMIT_ID_BYTES + 1];
    struct bank_id id;
    bank->counter++;
    (void)snprintf(text, sizeof text, "%c%.8s%016llX%010llu", kind, bank->code.text,
                   (unsigned long long)bank->drawn,
                   (unsigned long long)(bank->counter % 10000000000ull));
    memcpy(id.text, text, sizeof id.text);
    return id;
}

struct span bank_id_text(const struct bank_id *id)
{
    return span_of(id->text, sizeof id->text);
}

struct header bank_header(const struct bank *bank, const struct bank_id *id)
{
    return (struct header){.sender = bank_code(bank),
                           .receiver = span_text(bank->environment->config.switch_code),
                           .business_id = bank_id_text(id),
                           .created_ns = time_wall_ns()};
}

enum fault bank_sign(struct bank *bank, struct compose *compose, struct span *message)
{
    return compose_sign(compose, bank->signer, message);
}

bool bank_read(struct bank *bank, struct span bytes, struct message *message,
               struct refusal *refusal)
{
    const struct certificate *const certificate = bank->switch_certificate;
    struct message_rules const rules = {.side = MESSAGE_BY_BANK,
                                        .sender = span_text(bank->environment->config.switch_code),
                                        .receiver = bank_code(bank)};
    size_t key;
    if (bytes.size > LIMIT_MESSAGE_BYTES) {
        refusal_set(refusal, REFUSAL_BADXML, "the message is longer than 64 KiB");
        return false;
    }
    return message_read(bank->reader, bytes, &rules, message, refusal) == MESSAGE_GOOD &&
           message_verify(bank->checker, message, &certificate, 1, &key, refusal);
}

/* ---- posting ---- */

static void send_post(struct bank_post *post);

/* Ends the post; words are cut. */
static void finish(struct bank_post *post, enum bank_outcome outcome, const char *words)
{
    post->outcome = outcome;
    if (post->words != words) (void)snprintf(post->words, sizeof post->words, "%s", words);
    post->done(post);
}

static void on_tick(uv_timer_t *timer)
{
    struct bank *const bank = timer->data;
    uint64_t const now_ms = uv_now(bank->loop);
    struct bank_post *due = NULL, **link = &bank->waiting;
    while (*link != NULL) {
        struct bank_post *const post = *link;
        if (post->again_ms > now_ms) {
            link = &post->next;
            continue;
        }
        *link = post->next;
        post->next = due;
        due = post;
    }
    if (bank->waiting == NULL) (void)uv_timer_stop(timer);
    while (due != NULL && !uv_is_closing((uv_handle_t *)timer)) {
        struct bank_post *const post = due;
        due = post->next;
        if (now_ms >= post->expires_ms)
            finish(post, BANK_UNKNOWN, post->words);
        else
            send_post(post);
    }
}

static void send_again(struct bank_post *post, uint64_t pause_ms)
{
    struct bank *const bank = post->bank;
    uint64_t const again_ms = uv_now(bank->loop) + pause_ms;
    post->again_ms = again_ms < post->expires_ms ? again_ms : post->expires_ms;
    post->next = bank->waiting;
    bank->waiting = post;
    if (!uv_is_active((uv_handle_t *)&bank->timer)) {
        (void)uv_timer_start(&bank->timer, on_tick, TICK_MS, TICK_MS);
    }
}

uint64_t bank_retry_after_ms(const struct response_reader *answer)
{
    struct span text;
    uint64_t seconds = 0;
    (void)fields_find(&answer->fields, SPAN("retry-after"), &text);
    for (size_t i = 0; i < text.size && seconds <= RETRY_MAX_MS / 1000; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') break;
        seconds = seconds * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    uint64_t const wait_ms = seconds * 1000;
    if (wait_ms < 1000) return 1000;
    return wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS;
}

/* What stands between two marks; empty when they do not occur. */
static struct span between(struct span text, struct span start, struct span end)
{
    const char *const from =
        text.size == 0 ? NULL : memmem(text.bytes, text.size, start.bytes, start.size);
    if (from == NULL) return SPAN("");
    struct span const rest = span_after(text, (size_t)(from - text.bytes) + start.size);
    const char *const to =
        rest.size == 0 ? NULL : memmem(rest.bytes, rest.size, end.bytes, end.size);
    return to == NULL ? SPAN("") : span_of(rest.bytes, (size_t)(to - rest.bytes));
}

void bank_problem_words(char words[BANK_WORDS_BYTES], int status, struct span document)
{
    struct span const title = between(document, SPAN("<title>"), SPAN("</title>"));
    struct span const detail = between(document, SPAN("<detail>"), SPAN("</detail>"));
    (void)snprintf(words, BANK_WORDS_BYTES, "%d %.*s%s%.*s", status,
                   (int)(title.size < 100 ? title.size : 100), title.bytes,
                   detail.size > 0 ? ": " : "", (int)(detail.size < 120 ? detail.size : 120),
                   detail.bytes);
}

/* Splits "id, id" of a 201. */
static void keep_ids(struct bank_post *post, const struct response_reader *answer)
{
    struct span list;
    size_t used = 0;
    post->id_count = 0;
    (void)fields_find(&answer->fields, SPAN("pi-resourceid"), &list);
    while (list.size > 0 && post->id_count < LIMIT_PARTS) {
        size_t size = 0;
        while (size < list.size && list.bytes[size] != ',' && list.bytes[size] != ' ')
            size++;
        if (size > LIMIT_ID_BYTES) return;
        if (size > 0) {
            memcpy(post->id_text + used, list.bytes, size);
            post->ids[post->id_count++] = span_of(post->id_text + used, size);
            used += size;
        }
        list = span_after(list, size < list.size ? size + 1 : size);
    }
}

static void on_answer(struct channel_exchange *exchange)
{
    struct bank_post *const post = exchange->context;
    if (exchange->outcome == CHANNEL_TIMED_OUT) {
        finish(post, BANK_UNKNOWN, exchange->words);
        return;
    }
    post->status = exchange->status;
    if (exchange->status == 201) {
        keep_ids(post, exchange->answer);
        finish(post, BANK_TAKEN, "");
        return;
    }
    bank_problem_words(post->words, exchange->status, exchange->answer_body);
    /* WIRE section 1: nothing was processed, come again; or unknown, the same bytes are safe. */
    if (exchange->status == 429 || exchange->status == 503) {
        send_again(post, bank_retry_after_ms(exchange->answer));
    } else if (exchange->status == 408 || exchange->status >= 500) {
        send_again(post, AGAIN_MS);
    } else {
        finish(post, BANK_REFUSED, post->words);
    }
}

static void send_post(struct bank_post *post)
{
    struct bank *const bank = post->bank;
    struct channel *best = bank->channels[0];
    for (unsigned i = 1; i < bank->channel_count; i++) {
        if (channel_load(bank->channels[i]) < channel_load(best)) best = bank->channels[i];
    }
    post->attempts++;
    post->exchange = (struct channel_exchange){
        .method = SPAN("POST"),
        .target = span_text(bank->target),
        .content_type = post->multipart ? multipart_type() : SPAN("application/xml"),
        .body = post->body,
        .timeout_ms = post->expires_ms - uv_now(bank->loop),
        .done = on_answer,
        .context = post,
    };
    channel_send(best, &post->exchange);
}

void bank_post(struct bank *bank, struct bank_post *post)
{
    assert(post->timeout_ms > 0);
    post->bank = bank;
    post->status = 0;
    post->attempts = 0;
    post->id_count = 0;
    post->words[0] = '\0';
    post->expires_ms = uv_now(bank->loop) + post->timeout_ms;
    send_post(post);
}
