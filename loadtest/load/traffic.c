/* traffic: see traffic.h.
 *
 *     CONNECTING --all ready--> OFFERING --last group posted--> WAITING --all complete--> CLOSING
 *          +---- start passed ------+------ a bank failed --------+----- patience over -----^
 *
 * libuv's timers know milliseconds only, which is more than a payment takes: the schedule is kept by
 * a timerfd. */
#include "loadtest/load/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loadtest/load/scan.h"
#include "loadtest/load/teller.h"
#include "proto/base/time.h"

#define WAIT_NS (5 * TIME_NS_PER_SECOND) /* beyond the last payment's deadline */
#define TICK_MS 20                       /* how finely the end is looked for */

enum phase { CONNECTING, OFFERING, WAITING, CLOSING };

struct traffic {
    const struct traffic_settings *settings;
    struct account *account;
    struct traffic_figures *figures;
    char *words; /* of the first failure; "": none */
    enum phase phase;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_poll_t alarm;
    int alarm_fd;     /* timerfd */
    int64_t start_ns; /* on the monotonic clock */
    struct teller **tellers;
    size_t open_tellers;
    size_t ready_tellers;
    size_t group_count;
    size_t next_group;                    /* the first that is not posted */
    struct teller_post *orders, *answers; /* by group */
    uint8_t *heard;                       /* by payment: it came to its payee, or never will */
    uint8_t *awaited;                     /* by group: payments that are not heard of yet */
    struct meter *meter;
};

static void fail(struct traffic *traffic, const char *words)
{
    if (traffic->words[0] != '\0') return;
    (void)snprintf(traffic->words, ENVIRONMENT_WORDS_BYTES, "%s", words);
}

static void find_strange(struct traffic *traffic, const char *words)
{
    struct traffic_figures *const figures = traffic->figures;
    if (figures->strange++ > 0) return;
    (void)snprintf(figures->strange_words, sizeof figures->strange_words, "%s", words);
}

/* Since the schedule's start. */
static int64_t elapsed_ns(const struct traffic *traffic)
{
    return time_monotonic_ns() - traffic->start_ns;
}

static bool is_in_window(const struct traffic *traffic, int64_t instant_ns)
{
    return instant_ns >= traffic->settings->warmup_ns && instant_ns < traffic->settings->end_ns;
}

static const struct schedule_payment *payment_of(const struct traffic *traffic, size_t number)
{
    return &traffic->settings->schedule->payments[number];
}

/* ---- offering ---- */

static void set_alarm(struct traffic *traffic, int64_t instant_ns)
{
    int64_t const at_ns = traffic->start_ns + instant_ns;
    struct itimerspec const when = {
        .it_value = {.tv_sec = at_ns / TIME_NS_PER_SECOND, .tv_nsec = at_ns % TIME_NS_PER_SECOND}};
    /* An instant that has passed rings at once; nothing can be wrong with these arguments. */
    (void)timerfd_settime(traffic->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void post_group(struct traffic *traffic, size_t group, int64_t now_ns)
{
    size_t const batch = traffic->settings->schedule->batch;
    const struct schedule_payment *const first = payment_of(traffic, group * batch);
    struct teller_post *const order = &traffic->orders[group];
    *order = (struct teller_post){
        .body = traffic->settings->corpus->orders[group], .multipart = batch > 1, .group = group};
    for (size_t i = 0; i < batch; i++) {
        account_sent(traffic->account, group * batch + i);
        if (!is_in_window(traffic, first->due_ns)) continue;
        traffic->figures->offered++;
        histogram_add(&traffic->figures->lateness, now_ns - first->due_ns);
    }
    teller_post(traffic->tellers[first->payer], NULL, order);
}

/* Posts what is due, and sets the alarm for what is next. */
static void offer(struct traffic *traffic)
{
    size_t const batch = traffic->settings->schedule->batch;
    while (traffic->phase == OFFERING) {
        if (traffic->next_group == traffic->group_count) {
            traffic->phase = WAITING;
            return;
        }
        int64_t const due_ns = payment_of(traffic, traffic->next_group * batch)->due_ns;
        int64_t const now_ns = elapsed_ns(traffic);
        if (due_ns > now_ns) {
            set_alarm(traffic, due_ns);
            return;
        }
        post_group(traffic, traffic->next_group++, now_ns);
    }
}

static void on_alarm(uv_poll_t *alarm, int status, int events)
{
    struct traffic *const traffic = alarm->data;
    uint64_t rings;
    (void)status, (void)events;
    if (read(traffic->alarm_fd, &rings, sizeof rings) < 0) return; /* nothing rang after all */
    offer(traffic);
}

/* ---- what the switch says ---- */

static void on_taken(void *context, struct teller_post *post)
{
    struct traffic *const traffic = context;
    size_t const batch = traffic->settings->schedule->batch;
    int64_t const now_ns = elapsed_ns(traffic);
    if (post->is_answer) return;
    for (size_t i = post->group * batch; i < (post->group + 1) * batch; i++) {
        int64_t const due_ns = payment_of(traffic, i)->due_ns;
        account_taken(traffic->account, i);
        if (is_in_window(traffic, due_ns)) {
            histogram_add(&traffic->figures->submission, now_ns - due_ns);
        }
    }
}

static void on_refused(void *context, struct teller_post *post, int status)
{
    struct traffic *const traffic = context;
    size_t const batch = traffic->settings->schedule->batch;
    char code[16];
    if (post->is_answer) return;
    int const size = snprintf(code, sizeof code, "HTTP %d", status);
    for (size_t i = post->group * batch; i < (post->group + 1) * batch; i++)
        account_body_refused(traffic->account, i, span_of(code, (size_t)size));
}

static void on_mishap(void *context, int status)
{
    struct traffic *const traffic = context;
    char code[16] = "no answer";
    if (status != 0) (void)snprintf(code, sizeof code, "HTTP %d", status);
    account_count_reason(&traffic->figures->mishaps, span_text(code), 1);
}

static void on_failed(void *context, const char *words)
{
    fail(context, words);
}

static void on_ready(void *context, struct teller *teller)
{
    struct traffic *const traffic = context;
    (void)teller;
    traffic->ready_tellers++;
}

/* A payment has come to its payee's bank, or has ended without coming there.  With the last of its
 * group the answer goes out. */
static void hear(struct traffic *traffic, size_t number, struct teller_lane *lane)
{
    size_t const group = number / traffic->settings->schedule->batch;
    struct teller_post *const answer = &traffic->answers[group];
    if (traffic->heard[number]) return; /* delivered again */
    traffic->heard[number] = 1;
    if (--traffic->awaited[group] > 0) return;
    *answer = (struct teller_post){
        .body = traffic->settings->corpus->answers[group], .is_answer = true, .group = group};
    if (answer->body.size == 0) return;
    teller_post(traffic->tellers[payment_of(traffic, number)->payee], lane, answer);
}

static void end_payment(struct traffic *traffic, size_t number, enum account_end end,
                        struct span code)
{
    int64_t const now_ns = elapsed_ns(traffic);
    int64_t const due_ns = payment_of(traffic, number)->due_ns;
    if (!account_result(traffic->account, number, end, code)) return;
    if (is_in_window(traffic, now_ns)) {
        traffic->figures->ended++;
        traffic->figures->settled += end == ACCOUNT_SETTLED;
    }
    if (end == ACCOUNT_SETTLED && is_in_window(traffic, due_ns)) {
        histogram_add(&traffic->figures->settlement, now_ns - due_ns);
    }
    if (end == ACCOUNT_REFUSED) hear(traffic, number, NULL); /* its payee will not */
}

/* WIRE section 4: "no answer in time ... RJCT AB03"; a reason of the payee's bank is passed on;
 * any other code is a rule of the switch. */
static enum account_end end_of_rejection(const struct schedule_payment *payment, struct span reason)
{
    if (span_equal(reason, SPAN("AB03"))) return ACCOUNT_EXPIRED;
    bool const is_payees =
        payment->answer == SCHEDULE_REJECT && span_equal(reason, SPAN(CORPUS_REJECT_REASON));
    return is_payees ? ACCOUNT_REJECTED : ACCOUNT_REFUSED;
}

static void take_result(struct traffic *traffic, size_t bank, size_t number,
                        const struct scan_item *item)
{
    const struct schedule_payment *const payment = payment_of(traffic, number);
    bool const is_payer = bank == payment->payer, is_payee = bank == payment->payee;
    bool const is_rejection = span_equal(item->status, SPAN("RJCT"));
    if (is_payer && span_equal(item->status, SPAN("ACSC"))) {
        end_payment(traffic, number, ACCOUNT_SETTLED, SPAN(""));
    } else if (is_payer && is_rejection) {
        end_payment(traffic, number, end_of_rejection(payment, item->reason), item->reason);
    } else if (is_payee && span_equal(item->status, SPAN("ACCC"))) {
        account_payee_told(traffic->account, number);
    } else if (!is_payee || !is_rejection) {
        /* To the payee's bank RJCT says that its answer came too late, or was for nothing. */
        find_strange(traffic, "a pacs.002 whose status is not for the bank to which it came");
    }
}

static void take_refusal(struct traffic *traffic, size_t number, const struct scan_item *item)
{
    char code[ACCOUNT_REASON_BYTES];
    if (item->id.bytes[0] == 'M') {
        int const size = snprintf(code, sizeof code, "admi.002 %.*s", (int)item->reason.size,
                                  item->reason.bytes);
        size_t const cut = (size_t)size < sizeof code ? (size_t)size : sizeof code - 1;
        end_payment(traffic, number, ACCOUNT_REFUSED, span_of(code, cut));
    } else {
        find_strange(traffic, "an answer was refused with admi.002");
    }
}

static void take_item(struct traffic *traffic, size_t bank, struct teller_lane *lane,
                      enum scan_kind kind, const struct scan_item *item)
{
    size_t number;
    if (!corpus_find_id(traffic->settings->corpus, item->id, &number)) {
        traffic->figures->foreign++;
        return;
    }
    switch (kind) {
    case SCAN_PAYMENTS:
        if (bank == payment_of(traffic, number)->payee)
            hear(traffic, number, lane);
        else
            find_strange(traffic, "a pacs.008 came to a bank that is not its payee's");
        return;
    case SCAN_RESULTS: take_result(traffic, bank, number, item); return;
    case SCAN_REFUSAL: take_refusal(traffic, number, item); return;
    case SCAN_OTHER: return;
    }
}

static void on_message(void *context, struct teller *teller, struct teller_lane *lane,
                       struct span bytes)
{
    struct traffic *const traffic = context;
    struct traffic_figures *const figures = traffic->figures;
    char words[ENVIRONMENT_WORDS_BYTES];
    struct scan scan;
    if (figures->messages++ % TRAFFIC_VERIFY_EVERY == 0) {
        figures->verified++;
        if (!teller_verify(teller, bytes, words)) find_strange(traffic, words);
    }
    if (!scan_message(bytes, &scan)) {
        find_strange(traffic, "a message that is not written as the switch writes");
        return;
    }
    for (size_t i = 0; i < scan.count; i++)
        take_item(traffic, teller_number(teller), lane, scan.kind, &scan.items[i]);
}

/* ---- phases ---- */

static void close_handles(struct traffic *traffic)
{
    uv_close((uv_handle_t *)&traffic->timer, NULL);
    uv_close((uv_handle_t *)&traffic->alarm, NULL);
}

static void on_closed(void *context)
{
    struct traffic *const traffic = context;
    if (--traffic->open_tellers == 0) close_handles(traffic);
}

static void close_all(struct traffic *traffic)
{
    size_t const count = traffic->open_tellers;
    traffic->phase = CLOSING;
    (void)uv_timer_stop(&traffic->timer);
    (void)uv_poll_stop(&traffic->alarm);
    for (size_t i = 0; i < count; i++)
        teller_close(traffic->tellers[i], on_closed);
    if (count == 0) close_handles(traffic);
}

static void begin_offering(struct traffic *traffic)
{
    const struct traffic_settings *const settings = traffic->settings;
    if (meter_start(&traffic->meter, &settings->metrics, traffic->start_ns + settings->warmup_ns,
                    traffic->start_ns + settings->end_ns) != FAULT_NONE) {
        fail(traffic, "no thread could be had");
        return;
    }
    traffic->phase = OFFERING;
    offer(traffic);
}

static void on_tick(uv_timer_t *timer)
{
    struct traffic *const traffic = timer->data;
    const struct traffic_settings *const settings = traffic->settings;
    const struct config *const config = &settings->environment->config;
    int64_t const patience_ns = settings->end_ns + config->payments_deadline_high_ns + WAIT_NS;
    if (traffic->words[0] != '\0') {
        close_all(traffic);
        return;
    }
    switch (traffic->phase) {
    case CONNECTING:
        if (traffic->ready_tellers == settings->bank_count) {
            begin_offering(traffic);
        } else if (elapsed_ns(traffic) >= 0) {
            fail(traffic, "the banks could not be connected in time");
        }
        return;
    case WAITING:
        if (traffic->account->incomplete > 0 && elapsed_ns(traffic) < patience_ns) return;
        close_all(traffic);
        return;
    case OFFERING:
    case CLOSING: return;
    }
}

/* ---- opening ---- */

static enum fault open_tellers(struct traffic *traffic, char words[ENVIRONMENT_WORDS_BYTES])
{
    const struct traffic_settings *const settings = traffic->settings;
    const struct config *const config = &settings->environment->config;
    for (size_t i = 0; i < settings->bank_count; i++) {
        char code[PARTICIPANT_CODE_BYTES + 1] = {0};
        memcpy(code, settings->codes[i].text, PARTICIPANT_CODE_BYTES);
        struct teller_settings const teller = {
            .loop = &traffic->loop,
            .environment = settings->environment,
            .code = code,
            .connections = settings->connections,
            .streams = settings->streams,
            .post_ms = (uint64_t)((config->payments_deadline_high_ns + WAIT_NS) / TIME_NS_PER_MS),
            .context = traffic,
            .number = i,
            .ready = on_ready,
            .taken = on_taken,
            .refused = on_refused,
            .message = on_message,
            .mishap = on_mishap,
            .failed = on_failed,
        };
        enum fault const fault = teller_open(&traffic->tellers[i], &teller, words);
        if (fault != FAULT_NONE) return fault;
        traffic->open_tellers++;
    }
    return FAULT_NONE;
}

static enum fault open_memory(struct traffic *traffic)
{
    const struct schedule *const schedule = traffic->settings->schedule;
    traffic->group_count = schedule->count / schedule->batch;
    traffic->tellers = calloc(traffic->settings->bank_count, sizeof(struct teller *));
    traffic->orders = calloc(traffic->group_count, sizeof *traffic->orders);
    traffic->answers = calloc(traffic->group_count, sizeof *traffic->answers);
    traffic->heard = calloc(schedule->count, 1);
    traffic->awaited = malloc(traffic->group_count);
    if (traffic->tellers == NULL || traffic->orders == NULL || traffic->answers == NULL ||
        traffic->heard == NULL || traffic->awaited == NULL) {
        return FAULT_MEMORY;
    }
    memset(traffic->awaited, (int)schedule->batch, traffic->group_count);
    return FAULT_NONE;
}

static enum fault open_loop(struct traffic *traffic)
{
    traffic->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (traffic->alarm_fd < 0) return FAULT_IO;
    if (uv_loop_init(&traffic->loop) < 0) {
        (void)close(traffic->alarm_fd);
        return FAULT_IO;
    }
    if (uv_poll_init(&traffic->loop, &traffic->alarm, traffic->alarm_fd) < 0) {
        (void)uv_loop_close(&traffic->loop);
        (void)close(traffic->alarm_fd);
        return FAULT_IO;
    }
    traffic->alarm.data = traffic;
    (void)uv_poll_start(&traffic->alarm, UV_READABLE, on_alarm); /* of an fd that it just took */
    (void)uv_timer_init(&traffic->loop, &traffic->timer);        /* libuv: always 0 */
    traffic->timer.data = traffic;
    (void)uv_timer_start(&traffic->timer, on_tick, TICK_MS, TICK_MS);
    return FAULT_NONE;
}

enum fault traffic_run(const struct traffic_settings *settings, struct account *account,
                       struct traffic_figures *figures, char words[ENVIRONMENT_WORDS_BYTES])
{
    struct traffic traffic = {
        .settings = settings, .account = account, .figures = figures, .words = words};
    memset(figures, 0, sizeof *figures);
    words[0] = '\0';
    traffic.start_ns = time_monotonic_ns() + (settings->start_ns - time_wall_ns());
    enum fault fault = open_memory(&traffic);
    if (fault == FAULT_NONE) fault = open_loop(&traffic);
    if (fault != FAULT_NONE) {
        fail(&traffic, fault_words(fault));
        goto done;
    }
    /* What cannot be opened stops the run at the first tick, which closes what could. */
    fault = open_tellers(&traffic, words);
    (void)uv_run(&traffic.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&traffic.loop);
    (void)close(traffic.alarm_fd);
    if (traffic.meter != NULL) meter_finish(traffic.meter, &figures->meter);
    if (fault == FAULT_NONE && words[0] != '\0') fault = FAULT_CLOSED;
done:
    free(traffic.tellers);
    free(traffic.orders);
    free(traffic.answers);
    free(traffic.heard);
    free(traffic.awaited);
    return fault;
}
