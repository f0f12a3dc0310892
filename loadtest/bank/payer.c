/* payer: see payer.h.
 *
 * An order lives from payer_pay until its payment is done and its post is no longer under way,
 * whichever is later: the pacs.002 may overtake the 201, as they come by different connections.
 * The ids of an order differ in their first letter only, so that either finds it. */
#include "loadtest/bank/payer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"

#define SLOTS 4096     /* of the table of orders */
#define TICK_MS 50     /* how finely timeouts are looked at */
#define REPOST_MS 5000 /* beyond the deadline: then the result is asked for */

struct order {
    struct payer *payer;
    struct payer_payment *payment; /* NULL: done, only the post is awaited */
    struct bank_id id;             /* EndToEndId */
    struct bank_post post;
    bool posting;
    bool finishing; /* inside the payment's `done` */
    char *bytes;    /* the signed message */
    int64_t started_ns;
    uint64_t expires_ms;
    uint64_t repost_ms; /* when to ask again, on the loop's clock */
    struct order *next_in_slot;
    struct order *next, *previous; /* of all orders */
};

#define QUESTION_REFUSED "the switch refused the question (admi.002)"

struct question {
    bool open; /* `done` is due, and comes when the post is over, too */
    bool posting;
    bool answered; /* the camt.052 has come */
    bool refused;  /* an admi.002 has come instead */
    struct amount available, reserved;
    struct bank_id id;
    struct bank_post post;
    uint64_t expires_ms;
    void (*done)(void *context, struct amount available, struct amount reserved, const char *words);
    void *context;
};

struct payer {
    struct bank *bank;
    struct stream *stream; /* NULL: it does not listen */
    bool handing;          /* a batch is being handed over */
    bool foreign;          /* it holds a pacs.008 */
    bool closing;
    bool stream_gone;
    const char *stream_words; /* why the stream is over; NULL: it is not */
    char stream_text[BANK_WORDS_BYTES];
    uv_timer_t timer;
    struct order *slots[SLOTS];
    struct order *first;
    struct question question;
    char question_bytes[LIMIT_MESSAGE_BYTES];
    char buffer[LIMIT_MESSAGE_BYTES];
    void (*closed)(void *context);
    void *closed_context;
};

const char *payer_state_text(enum payer_state state)
{
    switch (state) {
    case PAYER_SETTLED: return "settled";
    case PAYER_REJECTED: return "rejected";
    case PAYER_EXPIRED: return "expired";
    case PAYER_UNKNOWN: break;
    }
    return "unknown";
}

/* ---- the table of orders ---- */

/* Our ids end with a decimal counter: its last digits spread well. */
static size_t slot_of(struct span id)
{
    size_t slot = 0;
    for (size_t i = id.size > 6 ? id.size - 6 : 0; i < id.size; i++) {
        slot = slot * 10 + (size_t)(unsigned char)id.bytes[i];
    }
    return slot % SLOTS;
}

/* The order whose id is `id`, its first letter aside; NULL: none. */
static struct order *find(struct payer *payer, struct span id)
{
    if (id.size != LIMIT_ID_BYTES) return NULL;
    struct order *order = payer->slots[slot_of(id)];
    while (order != NULL &&
           !span_equal(span_after(bank_id_text(&order->id), 1), span_after(id, 1))) {
        order = order->next_in_slot;
    }
    return order == NULL || order->payment == NULL ? NULL : order;
}

static void insert(struct payer *payer, struct order *order)
{
    struct order **const slot = &payer->slots[slot_of(bank_id_text(&order->id))];
    order->next_in_slot = *slot;
    *slot = order;
    order->next = payer->first;
    if (order->next != NULL) order->next->previous = order;
    payer->first = order;
}

static void close_when_unused(struct payer *payer);

static void discard(struct order *order)
{
    struct payer *const payer = order->payer;
    struct order **link = &payer->slots[slot_of(bank_id_text(&order->id))];
    while (*link != order)
        link = &(*link)->next_in_slot;
    *link = order->next_in_slot;
    if (order->previous != NULL)
        order->previous->next = order->next;
    else
        payer->first = order->next;
    if (order->next != NULL) order->next->previous = order->previous;
    free(order->bytes);
    free(order);
    close_when_unused(payer);
}

/* The payment has its end: tells its owner, and lets the order go unless its post still needs it. */
static void finish(struct order *order, enum payer_state state, const char *words)
{
    struct payer_payment *const payment = order->payment;
    order->payment = NULL;
    payment->state = state;
    (void)snprintf(payment->words, sizeof payment->words, "%s", words);
    payment->latency_ms = (double)(time_monotonic_ns() - order->started_ns) / TIME_NS_PER_MS;
    order->finishing = true;
    payment->done(payment);
    order->finishing = false;
    if (!order->posting) discard(order);
}

/* ---- posting ---- */

static void on_posted(struct bank_post *post)
{
    struct order *const order = post->context;
    order->posting = false;
    if (order->payment == NULL) {
        discard(order);
        return;
    }
    switch (post->outcome) {
    case BANK_TAKEN:
        order->repost_ms =
            uv_now(bank_loop(order->payer->bank)) + REPOST_MS +
            (uint64_t)(bank_environment(order->payer->bank)->config.payments_deadline_high_ns /
                       TIME_NS_PER_MS);
        return;
    case BANK_REFUSED:
    case BANK_UNKNOWN: break;
    }
    finish(order, PAYER_UNKNOWN, post->words);
}

static void post_order(struct order *order)
{
    uint64_t const now_ms = uv_now(bank_loop(order->payer->bank));
    order->posting = true;
    order->post.timeout_ms = order->expires_ms > now_ms ? order->expires_ms - now_ms : 1;
    bank_post(order->payer->bank, &order->post);
}

enum fault payer_pay(struct payer *payer, struct payer_payment *payment)
{
    struct bank *const bank = payer->bank;
    struct compose compose;
    struct span message;
    struct bank_id const id = bank_new_id(bank, 'E');
    struct bank_id message_id = id;
    message_id.text[0] = 'M';
    struct header const header = bank_header(bank, &message_id);
    struct pacs008_order const pacs008 = {
        .instruction_id = bank_id_text(&id),
        .end_to_end_id = bank_id_text(&id),
        .amount = payment->amount,
        .currency = span_text(bank_environment(bank)->config.switch_currency),
        .accepted_ns = header.created_ns,
        .priority = payment->priority,
        .uetr = payment->uetr,
        .debtor_name = payment->debtor_name,
        .debtor_account = payment->debtor_account,
        .creditor_name = payment->creditor_name,
        .creditor_account = payment->creditor_account,
        .remittance = payment->remittance,
        .debtor_agent = bank_code(bank),
        .creditor_agent = identifier_code_text(&payment->to),
    };
    compose_open(&compose, payer->buffer, sizeof payer->buffer);
    enum fault fault = pacs008_write(&compose, &header, &pacs008, 1);
    if (fault == FAULT_NONE) fault = bank_sign(bank, &compose, &message);
    if (fault != FAULT_NONE) return fault;
    struct order *const order = calloc(1, sizeof *order);
    if (order == NULL) return FAULT_MEMORY;
    order->bytes = malloc(message.size);
    if (order->bytes == NULL) {
        free(order);
        return FAULT_MEMORY;
    }

    /* From here nothing can fail. */
    memcpy(order->bytes, message.bytes, message.size);
    payment->end_to_end_id = id;
    payment->reason = (struct reason){0};
    payment->settled_seq = 0;
    order->payer = payer;
    order->payment = payment;
    order->id = id;
    order->started_ns = time_monotonic_ns();
    order->expires_ms = uv_now(bank_loop(bank)) + payment->timeout_ms;
    order->post.body = span_of(order->bytes, message.size);
    order->post.done = on_posted;
    order->post.context = order;
    insert(payer, order);
    post_order(order);
    return FAULT_NONE;
}

/* ---- the answers ---- */

/* A code as it came, which may be longer than ISO's four characters. */
static struct reason reason_of(struct span code)
{
    struct reason reason = {0};
    memcpy(reason.text, code.bytes,
           code.size < sizeof reason.text ? code.size : sizeof reason.text);
    return reason;
}

static void take_result(struct payer *payer, const struct pacs002_transaction *result)
{
    struct order *const order = find(payer, result->end_to_end_id);
    if (order == NULL) return;
    switch (result->status) {
    case PACS002_ACSC:
        order->payment->settled_seq = result->settled_seq;
        finish(order, PAYER_SETTLED, "");
        return;
    case PACS002_RJCT:
        order->payment->reason = reason_of(result->reason);
        finish(order, span_equal(result->reason, SPAN("AB03")) ? PAYER_EXPIRED : PAYER_REJECTED,
               "");
        return;
    case PACS002_ACSP: /* it stands reserved: go on waiting */
    case PACS002_ACTC:
    case PACS002_ACWP:
    case PACS002_ACCC: return;
    }
}

/* Ends the question, of which the post is over: words == NULL when it was answered. */
static void end_question(struct payer *payer, const char *words)
{
    struct question *const question = &payer->question;
    question->open = false;
    question->done(question->context, question->available, question->reserved, words);
}

/* The camt.052 may overtake the 201. */
static void take_balances(struct payer *payer, const struct camt052 *balances)
{
    struct question *const question = &payer->question;
    if (!question->open || !span_equal(balances->query_id, bank_id_text(&question->id))) return;
    question->answered = true;
    question->available = balances->available;
    question->reserved = balances->reserved;
    if (!question->posting) end_question(payer, NULL);
}

static void take_refusal(struct payer *payer, const struct admi002 *refusal)
{
    struct order *const order = find(payer, refusal->reference);
    if (order != NULL) {
        order->payment->reason = reason_of(refusal->code);
        finish(order, PAYER_REJECTED, "");
    } else if (payer->question.open &&
               span_equal(refusal->reference, bank_id_text(&payer->question.id))) {
        payer->question.refused = true;
        if (!payer->question.posting) end_question(payer, QUESTION_REFUSED);
    }
}

void payer_take(struct payer *payer, const struct message *message)
{
    if (message->kind == CATALOGUE_PACS_002) {
        for (size_t i = 0; i < message->content.pacs002.count; i++) {
            take_result(payer, &message->content.pacs002.transactions[i]);
        }
    } else if (message->kind == CATALOGUE_ADMI_002) {
        take_refusal(payer, &message->content.admi002);
    } else if (message->kind == CATALOGUE_CAMT_052) {
        take_balances(payer, &message->content.camt052);
    }
}

static void on_message(void *context, struct span resource_id, struct span bytes)
{
    struct payer *const payer = context;
    struct message message;
    struct refusal refusal;
    payer->handing = true;
    (void)resource_id; /* a result that comes twice finds no order the second time */
    if (!bank_read(payer->bank, bytes, &message, &refusal)) return;
    if (message.kind == CATALOGUE_PACS_008)
        payer->foreign = true;
    else
        payer_take(payer, &message);
}

static void close_stream(struct payer *payer);

static void on_batch(void *context, struct stream *stream)
{
    struct payer *const payer = context;
    payer->handing = false;
    if (payer->closing) {
        close_stream(payer);
    } else if (payer->foreign) {
        payer->foreign = false;
        stream_abandon(stream);
    } else {
        stream_next(stream);
    }
}

static void on_stream_failed(void *context, struct stream *stream, const char *words)
{
    struct payer *const payer = context;
    (void)stream;
    (void)snprintf(payer->stream_text, sizeof payer->stream_text, "%s", words);
    payer->stream_words = payer->stream_text;
}

/* Gives back what is overdue, or cannot be answered any more; asks again where no result comes. */
static void on_tick(uv_timer_t *timer)
{
    struct payer *const payer = timer->data;
    uint64_t const now_ms = uv_now(timer->loop);
    const char *const words = payer->stream_words;
    struct order *next;
    for (struct order *order = payer->first; order != NULL && !payer->closing; order = next) {
        next = order->next;
        if (order->payment == NULL) continue;
        if (now_ms >= order->expires_ms || words != NULL) {
            finish(order, PAYER_UNKNOWN, words != NULL ? words : "no pacs.002 came in time");
            /* `done` may have added orders, which stand at the front, but taken none away. */
        } else if (!order->posting && now_ms >= order->repost_ms) {
            post_order(order);
        }
    }
    const struct question *const question = &payer->question;
    if (!question->open || question->posting || payer->closing) return;
    if (words != NULL)
        end_question(payer, words);
    else if (now_ms >= question->expires_ms)
        end_question(payer, "no camt.052 came in time");
}

/* ---- balances ---- */

static void on_question_posted(struct bank_post *post)
{
    struct payer *const payer = post->context;
    struct question *const question = &payer->question;
    question->posting = false;
    close_when_unused(payer);
    if (!question->open) return;
    if (question->answered)
        end_question(payer, NULL);
    else if (question->refused)
        end_question(payer, QUESTION_REFUSED);
    else if (post->outcome != BANK_TAKEN)
        end_question(payer, post->words);
}

enum fault payer_balance(struct payer *payer, uint64_t timeout_ms,
                         void (*done)(void *context, struct amount available,
                                      struct amount reserved, const char *words),
                         void *context)
{
    struct question *const question = &payer->question;
    struct compose compose;
    struct span message;
    if (question->open || question->posting) return FAULT_BUSY;
    question->answered = question->refused = false;
    question->id = bank_new_id(payer->bank, 'Q');
    struct header const header = bank_header(payer->bank, &question->id);
    compose_open(&compose, payer->question_bytes, sizeof payer->question_bytes);
    enum fault fault = camt060_write(&compose, &header);
    if (fault == FAULT_NONE) fault = bank_sign(payer->bank, &compose, &message);
    if (fault != FAULT_NONE) return fault;

    /* From here nothing can fail. */
    question->open = true;
    question->posting = true;
    question->done = done;
    question->context = context;
    question->expires_ms = uv_now(bank_loop(payer->bank)) + timeout_ms;
    question->post = (struct bank_post){
        .body = message, .timeout_ms = timeout_ms, .done = on_question_posted, .context = payer};
    bank_post(payer->bank, &question->post);
    return FAULT_NONE;
}

/* ---- opening and closing ---- */

enum fault payer_open(struct payer **out, struct bank *bank, bool listens)
{
    struct payer *const payer = calloc(1, sizeof *payer);
    if (payer == NULL) return FAULT_MEMORY;
    payer->bank = bank;
    if (listens) {
        struct stream_settings const settings = {.bank = bank,
                                                 .many = true,
                                                 .context = payer,
                                                 .message = on_message,
                                                 .batch = on_batch,
                                                 .failed = on_stream_failed};
        enum fault const fault = stream_open(&payer->stream, &settings);
        if (fault != FAULT_NONE) {
            free(payer);
            return fault;
        }
    }
    (void)uv_timer_init(bank_loop(bank), &payer->timer); /* libuv: always 0 */
    payer->timer.data = payer;
    (void)uv_timer_start(&payer->timer, on_tick, TICK_MS, TICK_MS);
    *out = payer;
    return FAULT_NONE;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct payer *const payer = handle->data;
    payer->closed(payer->closed_context);
    free(payer);
}

static void close_when_unused(struct payer *payer)
{
    uv_handle_t *const timer = (uv_handle_t *)&payer->timer;
    if (!payer->closing || !payer->stream_gone || payer->first != NULL || payer->question.posting) {
        return;
    }
    if (!uv_is_closing(timer)) uv_close(timer, on_timer_closed);
}

static void on_stream_closed(void *context)
{
    struct payer *const payer = context;
    payer->stream_gone = true;
    close_when_unused(payer);
}

/* Confirms what was handed over, unless somebody else has to work on it. */
static void close_stream(struct payer *payer)
{
    if (payer->foreign) {
        stream_drop(payer->stream);
        on_stream_closed(payer);
    } else {
        stream_close(payer->stream, on_stream_closed);
    }
}

void payer_close(struct payer *payer, void (*closed)(void *context), void *context)
{
    struct order *next;
    payer->closing = true;
    payer->closed = closed;
    payer->closed_context = context;
    payer->question.open = false;
    (void)uv_timer_stop(&payer->timer);
    for (struct order *order = payer->first; order != NULL; order = next) {
        next = order->next;
        order->payment = NULL;
        if (!order->posting && !order->finishing) discard(order);
    }
    if (payer->stream == NULL) {
        on_stream_closed(payer);
    } else if (!payer->handing) {
        close_stream(payer); /* else on_batch does it */
    }
}
