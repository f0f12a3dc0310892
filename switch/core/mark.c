/* A row is read as words, in pairs: the sum of the pairs' products, each word with a key of its row
 * and place (NH, of the UMAC family: a changed word changes the sum), then multiplied once more so
 * that sums of rows do not cancel.  One multiplication per 16 bytes, none waiting for another. */
#include "switch/core/mark.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "switch/core/state.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)
#define PLACES_PER_ROW                                                                             \
    64 /* words of a row, and two keys for its end; keys belong to one row only */
#define PAIR_BYTES (2 * sizeof(uint64_t))
#define WHOLE_WORDS 40

static_assert(offsetof(struct payment, instruction_id) ==
                  3 * 8 + 2 * 4 + 2 * sizeof(struct participant_code) + sizeof(struct payment_id) +
                      sizeof(struct uetr),
              "what is mixed of a payment has no padding");
static_assert(offsetof(struct payment, record) % PAIR_BYTES == 0, "and can be read in pairs");

__extension__ typedef unsigned __int128 wide;

/* Open payments share one index: each says itself which it is, by the seq that opened it. */
enum row { ROW_ACCOUNT, ROW_MEMBER, ROW_CERTIFICATE, ROW_PAYMENT, ROW_WHOLE };

static uint64_t first_place(enum row row, uint32_t index)
{
    return ((uint64_t)row << 32 | index) * PLACES_PER_ROW;
}

static uint64_t key(uint64_t place)
{
    return (2 * place + 1) * GOLDEN;
}

static wide product(const uint64_t pair[2], uint64_t place)
{
    return (wide)(pair[0] ^ key(place)) * (pair[1] ^ key(place + 1));
}

static struct mark finish(wide sum, uint64_t place)
{
    uint64_t const halves[2] = {(uint64_t)sum, (uint64_t)(sum >> 64)};
    wide const end = product(halves, place);
    return (struct mark){{(uint64_t)end, (uint64_t)(end >> 64)}};
}

/* Assumed: count is even, below PLACES_PER_ROW - 1. */
static struct mark mix(enum row row, uint32_t index, const uint64_t *words, size_t count)
{
    uint64_t const place = first_place(row, index);
    wide sum = 0;
    for (size_t i = 0; i < count; i += 2)
        sum += product(&words[i], place + i);
    return finish(sum, place + count);
}

struct mark mark_of_account(uint32_t index, const struct account *account)
{
    uint64_t const words[] = {(uint64_t)amount_minor(account->available),
                              (uint64_t)amount_minor(account->reserved), account->number,
                              account->last_seq};
    return mix(ROW_ACCOUNT, index, words, sizeof words / sizeof words[0]);
}

/* In place, and no further than InstrId goes: behind it there are zeros. */
struct mark mark_of_payment(const struct payment *payment)
{
    size_t const text = payment->instruction_id.size <= MAX35_TEXT_BYTES
                            ? payment->instruction_id.size
                            : MAX35_TEXT_BYTES;
    size_t const size = offsetof(struct payment, instruction_id.bytes) + text;
    size_t const pairs = (size + PAIR_BYTES - 1) / PAIR_BYTES;
    uint64_t const place = first_place(ROW_PAYMENT, 0);
    wide sum = 0;
    for (size_t i = 0; i < pairs; i++) {
        uint64_t pair[2];
        memcpy(pair, (const char *)payment + i * PAIR_BYTES, PAIR_BYTES);
        sum += product(pair, place + 2 * i);
    }
    return finish(sum, place + 2 * pairs);
}

struct mark mark_of_member(uint32_t index, const struct member *member)
{
    uint64_t words[6] = {0,
                         member->account,
                         (uint64_t)member->status,
                         member->pacs008_max,
                         (uint64_t)member->is_rtgs | (uint64_t)member->has_payment_limit << 1,
                         (uint64_t)amount_minor(member->payment_limit)};
    memcpy(&words[0], member->code.text, sizeof member->code.text);
    return mix(ROW_MEMBER, index, words, sizeof words / sizeof words[0]);
}

struct mark mark_of_certificate(uint32_t index, const struct enrolment_certificate *certificate)
{
    uint64_t words[6] = {certificate->member, certificate->purpose};
    memcpy(&words[2], &certificate->fingerprint, sizeof certificate->fingerprint);
    return mix(ROW_CERTIFICATE, index, words, sizeof words / sizeof words[0]);
}

struct mark mark_whole(const struct engine *engine)
{
    struct mark sum = {{0}};
    for (uint32_t i = 0; i < engine->members.count; i++) {
        mark_add(&sum, mark_of_member(i, &engine->members.members[i]));
        mark_add(&sum, mark_of_account(i, &engine->book.accounts[i]));
    }
    for (uint32_t i = 0; i < engine->enrolment.count; i++)
        mark_add(&sum, mark_of_certificate(i, &engine->enrolment.certificates[i]));
    for (uint32_t i = 0; i < engine->deadlines.count; i++) {
        uint32_t const place = engine->deadlines.items[i].payment;
        mark_add(&sum, mark_of_payment(payment_at(&engine->payments, place)));
    }
    return sum;
}

struct engine_mark mark_finish(const struct engine *engine, struct mark sum)
{
    struct day_close const close = state_close_day(engine, engine->last_day);
    uint64_t words[WHOLE_WORDS] = {sum.halves[0],           sum.halves[1],
                                   engine->last_seq,        (uint64_t)engine->last_ns,
                                   engine->segment_number,  engine->members.count,
                                   engine->enrolment.count, engine->deadlines.count,
                                   close.first_seq};
    size_t count = 9;
    memcpy(&words[count], close.day.text, sizeof close.day.text);
    count += 2;
#define MARK_TOTAL(name, tag) words[count++] = close.name;
    DAY_TOTAL_LIST(MARK_TOTAL)
#undef MARK_TOTAL
    assert(count <= WHOLE_WORDS);
    struct mark const whole = mix(ROW_WHOLE, 0, words, WHOLE_WORDS);
    return (struct engine_mark){.seq = engine->last_seq,
                                .digest = {whole.halves[0], whole.halves[1]}};
}
