/* The life-cycle table, and the places of the open payments. */
#include "switch/core/payment.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* WIRE section 4, "who gets what":
 *   "pacs.008 again, same content: the standing result again to the sender"
 *   "answer after the end, or a second answer: the standing result again to whoever answered"
 *   "answer to an id unknown, or not from the payee's bank: pacs.002 RJCT NOOR"
 *   "DU04: id used before with other content"
 * A payment refused by rule was never shown to the payee's bank: its id is unknown there. */
static const enum payment_step steps[PAYMENT_STATES][PAYMENT_EVENTS] = {
    /* clang-format off */
    /*                      TRANSFER        REPEAT           ACCEPT            REJECT            DEADLINE       */
    [PAYMENT_UNKNOWN]  = {  STEP_DECIDE,    STEP_IMPOSSIBLE, STEP_NO_ORIGINAL, STEP_NO_ORIGINAL, STEP_IMPOSSIBLE },
    [PAYMENT_RESERVED] = {  STEP_OTHER,     STEP_STANDING,   STEP_SETTLE,      STEP_REJECT,      STEP_EXPIRE     },
    [PAYMENT_SETTLED]  = {  STEP_OTHER,     STEP_STANDING,   STEP_STANDING,    STEP_STANDING,    STEP_IMPOSSIBLE },
    [PAYMENT_REJECTED] = {  STEP_OTHER,     STEP_STANDING,   STEP_STANDING,    STEP_STANDING,    STEP_IMPOSSIBLE },
    [PAYMENT_EXPIRED]  = {  STEP_OTHER,     STEP_STANDING,   STEP_STANDING,    STEP_STANDING,    STEP_IMPOSSIBLE },
    [PAYMENT_REFUSED]  = {  STEP_OTHER,     STEP_STANDING,   STEP_NO_ORIGINAL, STEP_NO_ORIGINAL, STEP_IMPOSSIBLE },
    /* clang-format on */
};

enum payment_step payment_step(enum payment_state state, enum payment_event event)
{
    enum payment_step const step = steps[state][event];
    assert(step != STEP_IMPOSSIBLE);
    return step;
}

bool payment_is_id(const struct payment_id *id)
{
    struct payment_id parsed;
    return id->size <= PAYMENT_ID_BYTES &&
           identifier_parse_payment_id(identifier_payment_id_text(id), &parsed) &&
           memcmp(&parsed, id, sizeof parsed) == 0;
}

enum fault payment_open(struct payment_table *table, uint32_t count_max)
{
    *table = (struct payment_table){.count_max = count_max};
    size_t const payments_size = (size_t)count_max * sizeof *table->payments;
    enum fault const fault =
        pages_open(&table->pages, payments_size + (size_t)count_max * sizeof *table->vacant);
    if (fault != FAULT_NONE) return fault;
    table->payments = table->pages.bytes;
    table->vacant = (uint32_t *)(void *)((char *)table->pages.bytes + payments_size);
    for (uint32_t i = 0; i < count_max; i++)
        table->vacant[i] = count_max - 1 - i;
    return FAULT_NONE;
}

void payment_close(struct payment_table *table)
{
    pages_close(&table->pages);
    *table = (struct payment_table){0};
}

uint32_t payment_next(const struct payment_table *table)
{
    assert(table->count < table->count_max);
    return table->vacant[table->count_max - table->count - 1];
}

void payment_add(struct payment_table *table, const struct payment *payment)
{
    uint32_t const place = payment_next(table);
    bool const good = amount_add(table->open_amount, payment->amount, &table->open_amount);
    assert(good); /* no more is open than the book holds */
    (void)good;

    table->count++;
    table->payments[place] = *payment;
}

const struct payment *payment_at(const struct payment_table *table, uint32_t place)
{
    assert(place < table->count_max);
    return &table->payments[place];
}

void payment_remove(struct payment_table *table, uint32_t place)
{
    assert(table->count > 0 && place < table->count_max);
    bool const good =
        amount_subtract(table->open_amount, table->payments[place].amount, &table->open_amount);
    assert(good && !amount_is_negative(table->open_amount));
    (void)good;

    table->vacant[table->count_max - table->count] = place;
    table->count--;
}
