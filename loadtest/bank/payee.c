/* payee: see payee.h.
 *
 * A message's way: read and verified -> its answer written and signed, a struct answer -> at once, or
 * after the delay, posted -> 201: told to the owner, its PI-ResourceId remembered.  A stream goes on
 * when its batch is complete and none of its answers is under way.
 * Possible failures: the post stays unknown (the batch is left unconfirmed and comes again), or is
 * refused with 4xx (the payee is over: something is set up wrongly). */
#include "loadtest/bank/payee.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_MAX 6 /* WIRE section 1, streams_max */
#define POST_MS 30000 /* for one answer; HIGH payments have expired by then */
#define SEEN_SLOTS                                                                                 \
    16384 /* remembered ids; a collision forgets one, which costs a repeated answer,
                            to which the switch gives the standing result */

/* One stream and how far it is with its batch. */
struct lane {
    struct payee *payee;
    struct stream *stream; /* NULL: closed */
    bool handing;          /* a batch is being handed over */
    bool holding;          /* its batch is complete, stream_next is due */
    bool lost;             /* an answer of the batch stayed unknown */
    unsigned posting;      /* answers of the batch under way, delayed ones not counted */
};

struct answered {
    struct bank_id end_to_end_id; /* as it came, cut at 35 bytes */
    size_t end_to_end_id_size;
    struct participant_code from;
    struct amount amount;
    struct payee_decision decision;
};

/* The answer to one pacs.008. */
struct answer {
    struct payee *payee;
    struct lane *lane; /* NULL when delayed */
    struct bank_post post;
    struct bank_id resource_id;
    size_t resource_id_size;
    uint64_t due_ms;
    struct answer *next; /* among the delayed, the first due first */
    size_t count;
    struct answered transactions[LIMIT_TRANSACTIONS];
    char *bytes; /* the signed pacs.002, of malloc; NULL when all are silent */
};

struct payee {
    struct payee_settings settings;
    struct lane lanes[STREAMS_MAX];
    unsigned open_lanes;
    unsigned posting; /* answers under way, of all lanes and delayed */
    uint64_t strange;
    bool over;
    bool closing;
    struct answer *delayed, *delayed_last;
    uv_timer_t timer;
    void (*closed)(void *context);
    void *closed_context;
    char buffer[LIMIT_MESSAGE_BYTES];
    struct {
        uint8_t size;
        char text[LIMIT_ID_BYTES];
    } seen[SEEN_SLOTS];
};

/* ---- ids that have been answered ---- */

static size_t seen_slot(struct span id)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a: short keys, no adversary but the switch */
    for (size_t i = 0; i < id.size; i++) {
        hash = (hash ^ (unsigned char)id.bytes[i]) * 0x100000001b3;
    }
    return (size_t)(hash % SEEN_SLOTS);
}

static bool is_seen(const struct payee *payee, struct span id)
{
    size_t const slot = seen_slot(id);
    return id.size > 0 && span_equal(span_of(payee->seen[slot].text, payee->seen[slot].size), id);
}

static void remember(struct payee *payee, struct span id)
{
    if (id.size == 0 || id.size > LIMIT_ID_BYTES) return;
    size_t const slot = seen_slot(id);
    payee->seen[slot].size = (uint8_t)id.size;
    memcpy(payee->seen[slot].text, id.bytes, id.size);
}

/* ---- the end ---- */

static void free_answer(struct answer *answer)
{
    free(answer->bytes);
    free(answer);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct payee *const payee = handle->data;
    struct answer *next;
    for (struct answer *answer = payee->delayed; answer != NULL; answer = next) {
        next = answer->next;
        free_answer(answer);
    }
    payee->closed(payee->closed_context);
    free(payee);
}

static void close_when_unused(struct payee *payee)
{
    uv_handle_t *const timer = (uv_handle_t *)&payee->timer;
    if (!payee->closing || payee->open_lanes > 0 || payee->posting > 0) return;
    if (!uv_is_closing(timer)) uv_close(timer, on_timer_closed);
}

static void on_stream_closed(void *context)
{
    struct lane *const lane = context;
    lane->payee->open_lanes--;
    close_when_unused(lane->payee);
}

/* Lets the stream go on when nothing of its batch is under way, or closes it. */
static void go_on(struct lane *lane)
{
    struct stream *const stream = lane->stream;
    if (stream == NULL || lane->handing || lane->posting > 0) return;
    if (lane->payee->closing) {
        lane->stream = NULL;
        /* What stayed unknown must not be confirmed. */
        if (lane->lost) {
            stream_drop(stream);
            on_stream_closed(lane);
        } else {
            stream_close(stream, on_stream_closed);
        }
        return;
    }
    if (!lane->holding) return;
    lane->holding = false;
    bool const lost = lane->lost;
    lane->lost = false;
    if (lost)
        stream_abandon(stream);
    else
        stream_next(stream);
}

static void fail(struct payee *payee, const char *words)
{
    if (payee->over) return;
    payee->over = true;
    for (unsigned i = 0; i < payee->settings.streams; i++)
        payee->lanes[i].lost = true;
    payee->settings.failed(payee->settings.context, words);
}

/* ---- answering ---- */

static struct payee_payment payment_of(const struct answered *transaction)
{
    return (struct payee_payment){
        .end_to_end_id = span_of(transaction->end_to_end_id.text, transaction->end_to_end_id_size),
        .from = identifier_code_text(&transaction->from),
        .amount = transaction->amount,
        .answer = transaction->decision.answer,
    };
}

static void tell(struct payee *payee, const struct answer *answer)
{
    if (payee->settings.answered == NULL) return;
    for (size_t i = 0; i < answer->count; i++) {
        struct payee_payment const payment = payment_of(&answer->transactions[i]);
        payee->settings.answered(payee->settings.context, &payment);
    }
}

static void on_posted(struct bank_post *post)
{
    struct answer *const answer = post->context;
    struct payee *const payee = answer->payee;
    struct lane *const lane = answer->lane;
    payee->posting--;
    if (lane != NULL) lane->posting--;
    switch (post->outcome) {
    case BANK_TAKEN:
        remember(payee, span_of(answer->resource_id.text, answer->resource_id_size));
        tell(payee, answer);
        break;
    case BANK_UNKNOWN:
        if (lane != NULL) lane->lost = true;
        break;
    case BANK_REFUSED: fail(payee, post->words); break;
    }
    free_answer(answer);
    if (lane != NULL) go_on(lane);
    close_when_unused(payee);
}

static void post_answer(struct answer *answer)
{
    answer->payee->posting++;
    if (answer->lane != NULL) answer->lane->posting++;
    bank_post(answer->payee->settings.bank, &answer->post);
}

static void on_due(uv_timer_t *timer)
{
    struct payee *const payee = timer->data;
    uint64_t const now_ms = uv_now(timer->loop);
    while (payee->delayed != NULL && payee->delayed->due_ms <= now_ms) {
        struct answer *const answer = payee->delayed;
        payee->delayed = answer->next;
        post_answer(answer);
    }
    if (payee->delayed != NULL) {
        (void)uv_timer_start(timer, on_due, payee->delayed->due_ms - now_ms, 0);
    }
}

/* Puts the answer where its time is: nearly always last, as most have the same delay. */
static void put_off(struct answer *answer, uint64_t delay_ms)
{
    struct payee *const payee = answer->payee;
    struct answer **link = &payee->delayed;
    answer->due_ms = uv_now(payee->timer.loop) + delay_ms;
    if (payee->delayed != NULL && payee->delayed_last->due_ms <= answer->due_ms) {
        link = &payee->delayed_last->next;
    }
    while (*link != NULL && (*link)->due_ms <= answer->due_ms)
        link = &(*link)->next;
    answer->next = *link;
    *link = answer;
    if (answer->next == NULL) payee->delayed_last = answer;
    if (payee->delayed == answer) (void)uv_timer_start(&payee->timer, on_due, delay_ms, 0);
}

static struct payee_decision decide(struct payee *payee, const struct answered *transaction)
{
    const struct payee_settings *const settings = &payee->settings;
    if (settings->decide != NULL) {
        struct payee_payment const payment = payment_of(transaction);
        return settings->decide(settings->context, &payment);
    }
    return (struct payee_decision){.answer = settings->answer,
                                   .reject_reason = settings->reject_reason,
                                   .delay_ms = settings->delay_ms};
}

static void decide_transactions(struct answer *answer, const struct pacs008 *pacs008)
{
    answer->count = pacs008->count;
    for (size_t i = 0; i < pacs008->count; i++) {
        const struct pacs008_transaction *const from = &pacs008->transactions[i];
        struct answered *const to = &answer->transactions[i];
        size_t const size = from->end_to_end_id.size;
        to->end_to_end_id_size = size < LIMIT_ID_BYTES ? size : LIMIT_ID_BYTES;
        memcpy(to->end_to_end_id.text, from->end_to_end_id.bytes, to->end_to_end_id_size);
        if (!identifier_parse_code(from->debtor_agent, &to->from)) {
            to->from = (struct participant_code){0};
        }
        to->amount = from->amount;
        to->decision = decide(answer->payee, to);
    }
}

/* Writes and signs one pacs.002 for the transactions of a pacs.008 that are not met with silence.
 * No bytes: all are. */
static enum fault write_answer(struct answer *answer, const struct pacs008 *pacs008)
{
    struct payee *const payee = answer->payee;
    struct bank *const bank = payee->settings.bank;
    struct pacs002_transaction results[LIMIT_TRANSACTIONS] = {0};
    struct compose compose;
    struct span message;
    size_t count = 0;
    for (size_t i = 0; i < pacs008->count; i++) {
        const struct payee_decision *const decision = &answer->transactions[i].decision;
        struct pacs002_transaction *const result = &results[count];
        if (decision->answer == PAYEE_SILENT) continue;
        result->instruction_id = pacs008->transactions[i].instruction_id;
        result->end_to_end_id = pacs008->transactions[i].end_to_end_id;
        result->uetr = pacs008->transactions[i].uetr;
        result->status = decision->answer == PAYEE_ACCEPT ? PACS002_ACSP : PACS002_RJCT;
        if (decision->answer == PAYEE_REJECT) {
            result->reason = identifier_reason_text(&decision->reject_reason);
        }
        count++;
    }
    if (count == 0) return FAULT_NONE;
    struct bank_id const id = bank_new_id(bank, 'M');
    struct header const header = bank_header(bank, &id);
    compose_open(&compose, payee->buffer, sizeof payee->buffer);
    enum fault fault = pacs002_write(&compose, &header, results, count);
    if (fault == FAULT_NONE) fault = bank_sign(bank, &compose, &message);
    if (fault != FAULT_NONE) return fault;
    answer->bytes = malloc(message.size);
    if (answer->bytes == NULL) return FAULT_MEMORY;
    memcpy(answer->bytes, message.bytes, message.size);
    answer->post.body = span_of(answer->bytes, message.size);
    return FAULT_NONE;
}

static uint64_t longest_delay_ms(const struct answer *answer)
{
    uint64_t longest_ms = 0;
    for (size_t i = 0; i < answer->count; i++) {
        uint64_t const delay_ms = answer->transactions[i].decision.delay_ms;
        if (delay_ms > longest_ms) longest_ms = delay_ms;
    }
    return longest_ms;
}

static void take_payments(struct lane *lane, struct span resource_id, const struct pacs008 *pacs008)
{
    struct payee *const payee = lane->payee;
    if (is_seen(payee, resource_id)) return; /* delivered again, and answered already */
    struct answer *const answer = calloc(1, sizeof *answer);
    if (answer == NULL) {
        fail(payee, fault_words(FAULT_MEMORY));
        return;
    }
    answer->payee = payee;
    answer->resource_id_size =
        resource_id.size < LIMIT_ID_BYTES ? resource_id.size : LIMIT_ID_BYTES;
    memcpy(answer->resource_id.text, resource_id.bytes, answer->resource_id_size);
    answer->post.timeout_ms = POST_MS;
    answer->post.done = on_posted;
    answer->post.context = answer;
    decide_transactions(answer, pacs008);
    enum fault const fault = write_answer(answer, pacs008);
    if (fault != FAULT_NONE) {
        fail(payee, fault_words(fault));
        free_answer(answer);
        return;
    }
    uint64_t const delay_ms = longest_delay_ms(answer);
    if (answer->bytes == NULL) {
        remember(payee, resource_id);
        tell(payee, answer);
        free_answer(answer);
    } else if (delay_ms > 0) {
        remember(payee, resource_id);
        put_off(answer, delay_ms);
    } else {
        answer->lane = lane;
        post_answer(answer);
    }
}

static void on_message(void *context, struct span resource_id, struct span bytes)
{
    struct lane *const lane = context;
    struct payee *const payee = lane->payee;
    struct message message;
    struct refusal refusal;
    lane->handing = true;
    if (payee->over) return;
    if (!bank_read(payee->settings.bank, bytes, &message, &refusal)) {
        payee->strange++;
        return;
    }
    if (message.kind == CATALOGUE_PACS_008) {
        take_payments(lane, resource_id, &message.content.pacs008);
    } else if (payee->settings.other != NULL) {
        payee->settings.other(payee->settings.context, &message);
    }
}

static void on_batch(void *context, struct stream *stream)
{
    struct lane *const lane = context;
    (void)stream;
    lane->handing = false;
    lane->holding = true;
    if (!lane->payee->over || lane->payee->closing) go_on(lane);
}

static void on_stream_failed(void *context, struct stream *stream, const char *words)
{
    struct lane *const lane = context;
    (void)stream;
    fail(lane->payee, words);
}

/* ---- opening and closing ---- */

enum fault payee_open(struct payee **out, const struct payee_settings *settings)
{
    assert(settings->streams >= 1 && settings->streams <= STREAMS_MAX);
    struct payee *const payee = calloc(1, sizeof *payee);
    if (payee == NULL) return FAULT_MEMORY;
    payee->settings = *settings;
    for (unsigned i = 0; i < settings->streams; i++) {
        struct lane *const lane = &payee->lanes[i];
        struct stream_settings const stream = {.bank = settings->bank,
                                               .many = true,
                                               .context = lane,
                                               .message = on_message,
                                               .batch = on_batch,
                                               .failed = on_stream_failed};
        lane->payee = payee;
        enum fault const fault = stream_open(&lane->stream, &stream);
        if (fault != FAULT_NONE) {
            while (i-- > 0)
                stream_drop(payee->lanes[i].stream);
            free(payee);
            return fault;
        }
        payee->open_lanes++;
    }
    (void)uv_timer_init(bank_loop(settings->bank), &payee->timer); /* libuv: always 0 */
    payee->timer.data = payee;
    *out = payee;
    return FAULT_NONE;
}

uint64_t payee_strange(const struct payee *payee)
{
    return payee->strange;
}

void payee_close(struct payee *payee, void (*closed)(void *context), void *context)
{
    payee->closing = true;
    payee->closed = closed;
    payee->closed_context = context;
    (void)uv_timer_stop(&payee->timer);
    for (unsigned i = 0; i < payee->settings.streams; i++)
        go_on(&payee->lanes[i]);
}
