/* schedule: gaps between groups are exponential; everything else is uniform. */
#include "loadtest/load/schedule.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/base/limits.h"
#include "proto/base/time.h"

/* Steele, Lea and Flood's SplitMix64: small, and the same everywhere. */
static uint64_t draw(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* 0 <= result < 1 */
static double draw_share(uint64_t *state)
{
    return (double)(draw(state) >> 11) * 0x1p-53;
}

/* 0 <= result < bound; the bias of a small bound is below 2^-32. */
static uint32_t draw_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((draw(state) >> 32) * bound >> 32);
}

/* Exponential with mean 1, by von Neumann's comparisons: a falling run that begins with x has an
 * odd length with probability exp(-x); each even run adds 1.  It needs no logarithm. */
static double draw_exponential(uint64_t *state)
{
    for (double whole = 0;; whole += 1) {
        double const first = draw_share(state);
        double last = first;
        unsigned length = 1;
        for (double next = draw_share(state); next < last; next = draw_share(state)) {
            last = next;
            length++;
        }
        if (length % 2 == 1) return whole + first;
    }
}

static enum schedule_answer draw_answer(const struct schedule_settings *settings, uint64_t *state)
{
    double const share = draw_share(state);
    if (share < settings->reject_share) return SCHEDULE_REJECT;
    return share < settings->reject_share + settings->silent_share ? SCHEDULE_SILENT
                                                                   : SCHEDULE_ACCEPT;
}

/* The payments of one group. */
static void fill(struct schedule_payment *payments, const struct schedule_settings *settings,
                 uint64_t *state, int64_t due_ns)
{
    uint16_t payer = 0, payee = 1;
    if (draw_share(state) >= settings->hot_share) {
        payer = (uint16_t)draw_below(state, settings->banks);
        uint32_t const step = 1 + draw_below(state, settings->banks - 1U);
        payee = (uint16_t)((payer + step) % settings->banks);
    }
    for (uint32_t i = 0; i < settings->batch; i++) {
        payments[i] = (struct schedule_payment){
            .due_ns = due_ns,
            .payer = payer,
            .payee = payee,
            .amount_minor = (uint16_t)(1 + draw_below(state, SCHEDULE_AMOUNT_MAX_MINOR)),
            .answer = (uint8_t)draw_answer(settings, state),
        };
    }
}

enum fault schedule_make(struct schedule *schedule, const struct schedule_settings *settings)
{
    assert(settings->banks >= 2 && settings->batch >= 1 && settings->batch <= LIMIT_PARTS);
    uint64_t state = settings->seed;
    int64_t const end_ns = (int64_t)settings->seconds * TIME_NS_PER_SECOND;
    double const mean_ns =
        (double)TIME_NS_PER_SECOND * (double)settings->batch / (double)settings->rate;
    size_t capacity = 0;
    double due_ns = 0;
    *schedule = (struct schedule){.batch = settings->batch};
    for (;;) {
        due_ns += draw_exponential(&state) * mean_ns;
        /* One group at least: a run without payments has nothing to say. */
        if (due_ns >= (double)end_ns && schedule->count > 0) return FAULT_NONE;
        if (due_ns >= (double)end_ns) due_ns = (double)end_ns - 1;
        if (schedule->count + settings->batch > SCHEDULE_PAYMENTS_MAX) {
            schedule_close(schedule);
            return FAULT_FULL;
        }
        if (schedule->count + settings->batch > capacity) {
            capacity = capacity * 2 + 1000;
            void *const grown = realloc(schedule->payments, capacity * sizeof *schedule->payments);
            if (grown == NULL) {
                schedule_close(schedule);
                return FAULT_MEMORY;
            }
            schedule->payments = grown;
        }
        fill(schedule->payments + schedule->count, settings, &state, (int64_t)due_ns);
        schedule->count += settings->batch;
    }
}

void schedule_close(struct schedule *schedule)
{
    free(schedule->payments);
    *schedule = (struct schedule){0};
}
