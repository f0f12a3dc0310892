/* corpus: every thread takes the next group, signs with its own copy of the bank's key, and keeps
 * the bytes in memory of their exact size.
 *
 * Possible failures: a key that cannot be read, no memory.  The first one's words are kept and all
 * threads stop. */
#include "loadtest/load/corpus.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/key.h"
#include "proto/crypto/random.h"
#include "proto/http/multipart.h"
#include "proto/iso/compose.h"
#include "proto/iso/pacs002.h"
#include "proto/iso/pacs008.h"

#define THREADS_MAX 64

/* What all threads of one signing share. */
struct signing {
    struct corpus *corpus;
    bool orders; /* else answers */
    int64_t start_ns;
    atomic_size_t next_group;
    atomic_int fault; /* enum fault, of the first that failed */
    pthread_mutex_t lock;
    char *words; /* under the lock */
};

/* One thread's own. */
struct worker {
    struct signing *signing;
    struct signature_signer **signers; /* by bank; NULL: not needed yet */
    char message[LIMIT_MESSAGE_BYTES];
    char body[LIMIT_BODY_BYTES];
};

/* ---- ids ---- */

struct corpus_id corpus_make_id(const struct corpus *corpus, char kind, size_t number)
{
    char text[CORPUS_ID_BYTES + 1];
    struct corpus_id id;
    (void)snprintf(text, sizeof text, "%c%016llX%010llu", kind, (unsigned long long)corpus->run,
                   (unsigned long long)number % 10000000000ULL);
    memcpy(id.text, text, sizeof id.text);
    return id;
}

bool corpus_find_id(const struct corpus *corpus, struct span id, size_t *number)
{
    uint64_t run = 0;
    size_t found = 0;
    if (id.size != CORPUS_ID_BYTES) return false;
    for (size_t i = 1; i < 17; i++) {
        char const byte = id.bytes[i];
        bool const is_digit = byte >= '0' && byte <= '9';
        if (!is_digit && (byte < 'A' || byte > 'F')) return false;
        run = run << 4 | (uint64_t)(is_digit ? byte - '0' : byte - 'A' + 10);
    }
    for (size_t i = 17; i < CORPUS_ID_BYTES; i++) {
        if (id.bytes[i] < '0' || id.bytes[i] > '9') return false;
        found = found * 10 + (size_t)(id.bytes[i] - '0');
    }
    *number = found;
    return run == corpus->run && found < corpus->settings.schedule->count;
}

static struct span id_text(const struct corpus_id *id)
{
    return span_of(id->text, sizeof id->text);
}

/* ---- keys ---- */

static enum fault say(struct signing *signing, enum fault fault, const char *what, const char *why)
{
    int none = FAULT_NONE;
    if (atomic_compare_exchange_strong(&signing->fault, &none, (int)fault)) {
        (void)pthread_mutex_lock(&signing->lock);
        (void)snprintf(signing->words, CORPUS_WORDS_BYTES, "%s: %s", what, why);
        (void)pthread_mutex_unlock(&signing->lock);
    }
    return fault;
}

static enum fault open_signer(struct worker *worker, size_t bank)
{
    struct signing *const signing = worker->signing;
    const struct corpus_settings *const settings = &signing->corpus->settings;
    config_path certificate_path, key_path;
    struct certificate *certificate = NULL;
    struct private_key *key = NULL;
    const char *why = "";
    const char *const code = settings->codes[bank].text;
    environment_path(settings->environment, certificate_path, "participants/%.8s/signing.crt",
                     code);
    environment_path(settings->environment, key_path, "participants/%.8s/signing.key", code);

    enum fault fault = certificate_load(&certificate, certificate_path, &why);
    if (fault != FAULT_NONE) return say(signing, fault, certificate_path, why);
    fault = key_load(&key, key_path, &why);
    if (fault != FAULT_NONE) {
        (void)say(signing, fault, key_path, why);
    } else {
        fault = signature_signer_open(&worker->signers[bank], key, certificate);
        if (fault != FAULT_NONE) {
            (void)say(signing, fault, key_path, "is not its certificate's key");
        }
    }
    key_close(key);
    certificate_close(certificate);
    return fault;
}

/* Signs what a writer put into `compose`; *message is in the worker's buffer. */
static enum fault sign(struct worker *worker, struct compose *compose, size_t bank,
                       struct span *message)
{
    if (worker->signers[bank] == NULL) {
        enum fault const fault = open_signer(worker, bank);
        if (fault != FAULT_NONE) return fault;
    }
    return compose_sign(compose, worker->signers[bank], message);
}

static enum fault keep(struct span bytes, struct span *kept)
{
    char *const copy = malloc(bytes.size);
    if (copy == NULL) return FAULT_MEMORY;
    memcpy(copy, bytes.bytes, bytes.size);
    *kept = span_of(copy, bytes.size);
    return FAULT_NONE;
}

/* ---- orders and answers ---- */

static struct header header_of(const struct corpus *corpus, size_t bank, const struct corpus_id *id,
                               int64_t created_ns)
{
    const struct corpus_settings *const settings = &corpus->settings;
    return (struct header){.sender = identifier_code_text(&settings->codes[bank]),
                           .receiver = span_text(settings->environment->config.switch_code),
                           .business_id = id_text(id),
                           .created_ns = created_ns};
}

/* One payment as a signed pacs.008, in the size that banks send (about 3.5 KB). */
static enum fault write_order(struct worker *worker, size_t number, struct span *message)
{
    const struct signing *const signing = worker->signing;
    const struct corpus *const corpus = signing->corpus;
    const struct corpus_settings *const settings = &corpus->settings;
    const struct schedule_payment *const payment = &settings->schedule->payments[number];
    int64_t const due_ns = signing->start_ns + payment->due_ns;
    struct corpus_id const id = corpus_make_id(corpus, 'E', number);
    struct corpus_id const message_id = corpus_make_id(corpus, 'M', number);
    struct header const header = header_of(corpus, payment->payer, &message_id, due_ns);
    struct pacs008_order const order = {
        .instruction_id = id_text(&id),
        .end_to_end_id = id_text(&id),
        .amount = amount_of_minor(payment->amount_minor),
        .currency = span_text(settings->environment->config.switch_currency),
        .accepted_ns = due_ns,
        .priority = PACS008_HIGH,
        .debtor_name = SPAN("Mercado de la Ribera, S.A. de C.V."),
        .debtor_account = SPAN("002180700012345678"),
        .debtor_agent = identifier_code_text(&settings->codes[payment->payer]),
        .creditor_agent = identifier_code_text(&settings->codes[payment->payee]),
        .creditor_name = SPAN("Taller de Cauces y Acequias"),
        .creditor_account = SPAN("014180655100098765"),
        .remittance = SPAN("Factura 2026-000417, segunda entrega"),
    };
    struct compose compose;
    compose_open(&compose, worker->message, sizeof worker->message);
    enum fault fault = pacs008_write(&compose, &header, &order, 1);
    if (fault == FAULT_NONE) fault = sign(worker, &compose, payment->payer, message);
    return fault;
}

static enum fault make_order(struct worker *worker, size_t group)
{
    struct corpus *const corpus = worker->signing->corpus;
    size_t const batch = corpus->settings.schedule->batch;
    struct draft body = draft_into(worker->body, sizeof worker->body);
    struct span message = SPAN("");
    for (size_t i = 0; i < batch; i++) {
        enum fault const fault = write_order(worker, group * batch + i, &message);
        if (fault != FAULT_NONE) return fault;
        if (batch > 1) multipart_write_part(&body, SPAN(""), message);
    }
    if (batch == 1) return keep(message, &corpus->orders[group]);
    multipart_write_end(&body);
    return body.failed ? FAULT_FULL : keep(draft_span(&body), &corpus->orders[group]);
}

static enum fault make_answer(struct worker *worker, size_t group)
{
    struct corpus *const corpus = worker->signing->corpus;
    const struct schedule *const schedule = corpus->settings.schedule;
    const struct schedule_payment *const payments = schedule->payments + group * schedule->batch;
    struct pacs002_transaction results[LIMIT_TRANSACTIONS] = {0};
    struct corpus_id ids[LIMIT_TRANSACTIONS];
    size_t count = 0;
    for (size_t i = 0; i < schedule->batch; i++) {
        if (payments[i].answer == SCHEDULE_SILENT) continue;
        bool const accepts = payments[i].answer == SCHEDULE_ACCEPT;
        ids[count] = corpus_make_id(corpus, 'E', group * schedule->batch + i);
        results[count].instruction_id = results[count].end_to_end_id = id_text(&ids[count]);
        results[count].status = accepts ? PACS002_ACSP : PACS002_RJCT;
        if (!accepts) results[count].reason = SPAN(CORPUS_REJECT_REASON);
        count++;
    }
    if (count == 0) return FAULT_NONE;

    struct corpus_id const message_id = corpus_make_id(corpus, 'A', group * schedule->batch);
    struct header const header = header_of(corpus, payments->payee, &message_id, time_wall_ns());
    struct compose compose;
    struct span message;
    compose_open(&compose, worker->message, sizeof worker->message);
    enum fault fault = pacs002_write(&compose, &header, results, count);
    if (fault == FAULT_NONE) fault = sign(worker, &compose, payments->payee, &message);
    return fault == FAULT_NONE ? keep(message, &corpus->answers[group]) : fault;
}

/* ---- threads ---- */

static void *work(void *context)
{
    struct signing *const signing = context;
    struct corpus *const corpus = signing->corpus;
    size_t const banks = corpus->settings.code_count;
    struct worker *const worker = malloc(sizeof *worker);
    struct signature_signer **const signers = calloc(banks, sizeof(struct signature_signer *));
    if (worker == NULL || signers == NULL) {
        (void)say(signing, FAULT_MEMORY, "signing", fault_words(FAULT_MEMORY));
        goto done;
    }
    worker->signing = signing;
    worker->signers = signers;
    while (atomic_load(&signing->fault) == FAULT_NONE) {
        size_t const group = atomic_fetch_add(&signing->next_group, 1);
        if (group >= corpus->group_count) break;
        enum fault const fault =
            signing->orders ? make_order(worker, group) : make_answer(worker, group);
        if (fault != FAULT_NONE) (void)say(signing, fault, "signing", fault_words(fault));
    }
    for (size_t i = 0; i < banks; i++)
        signature_signer_close(signers[i]);
done:
    free(signers);
    free(worker);
    return NULL;
}

static enum fault sign_all(struct signing *signing)
{
    pthread_t threads[THREADS_MAX];
    long const cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t const wanted = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
    size_t started = 0;
    (void)pthread_mutex_init(&signing->lock, NULL);
    /* This thread is one of them; fewer than wanted only take longer. */
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, work, signing) == 0)
        started++;
    (void)work(signing);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_mutex_destroy(&signing->lock);
    return (enum fault)atomic_load(&signing->fault);
}

static void let_go(struct span *bodies, size_t count)
{
    for (size_t i = 0; bodies != NULL && i < count; i++) {
        free((char *)bodies[i].bytes);
        bodies[i] = (struct span){0};
    }
}

enum fault corpus_sign_answers(struct corpus *corpus, char words[CORPUS_WORDS_BYTES])
{
    struct signing signing = {.corpus = corpus, .orders = false, .words = words};
    return sign_all(&signing);
}

enum fault corpus_sign_orders(struct corpus *corpus, int64_t start_ns,
                              char words[CORPUS_WORDS_BYTES])
{
    struct signing signing = {
        .corpus = corpus, .orders = true, .start_ns = start_ns, .words = words};
    let_go(corpus->orders, corpus->group_count);
    return sign_all(&signing);
}

/* ---- opening and closing ---- */

enum fault corpus_open(struct corpus *corpus, const struct corpus_settings *settings)
{
    size_t const groups = settings->schedule->count / settings->schedule->batch;
    *corpus = (struct corpus){.settings = *settings, .group_count = groups};
    corpus->orders = calloc(groups, sizeof *corpus->orders);
    corpus->answers = calloc(groups, sizeof *corpus->answers);
    enum fault fault = FAULT_MEMORY;
    if (corpus->orders == NULL || corpus->answers == NULL) goto failed;
    fault = random_fill(&corpus->run, sizeof corpus->run);
    if (fault != FAULT_NONE) goto failed;
    return FAULT_NONE;
failed:
    corpus_close(corpus);
    return fault;
}

void corpus_close(struct corpus *corpus)
{
    let_go(corpus->orders, corpus->group_count);
    let_go(corpus->answers, corpus->group_count);
    free(corpus->orders);
    free(corpus->answers);
    *corpus = (struct corpus){0};
}

uint64_t corpus_bytes(const struct corpus *corpus)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < corpus->group_count; i++)
        bytes += corpus->orders[i].size + corpus->answers[i].size;
    return bytes;
}
