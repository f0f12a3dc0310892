/* The moves, each with its check. */
#include "switch/core/book.h"

#include <assert.h>

/* Sums and differences that the checks have made sure of. */
static struct amount plus(struct amount a, struct amount b)
{
    struct amount sum = {0};
    bool const good = amount_add(a, b, &sum);
    assert(good);
    (void)good;
    return sum;
}

static struct amount minus(struct amount a, struct amount b)
{
    struct amount difference = {0};
    bool const good = amount_subtract(a, b, &difference);
    assert(good && !amount_is_negative(difference));
    (void)good;
    return difference;
}

static void check_sums(const struct book *book)
{
    assert(amount_compare(plus(book->available, book->reserved), book->net_funding) == 0);
    (void)book;
}

bool book_can_fund(const struct book *book, struct amount amount)
{
    struct amount sum;
    return amount_add(book->net_funding, amount, &sum);
}

bool book_can_credit(const struct book *book, uint32_t payee, struct amount amount)
{
    struct amount sum;
    return amount_add(book->accounts[payee].available, amount, &sum);
}

bool book_can_reserve(const struct book *book, uint32_t payer, struct amount amount)
{
    return amount_compare(book->accounts[payer].available, amount) >= 0;
}

bool book_can_release(const struct book *book, uint32_t payer, struct amount amount)
{
    return amount_compare(book->accounts[payer].reserved, amount) >= 0;
}

void book_fund(struct book *book, uint32_t account, struct amount amount)
{
    struct account *const to = &book->accounts[account];
    book->net_funding = plus(book->net_funding, amount);
    book->available = plus(book->available, amount);
    to->available = plus(to->available, amount);
    check_sums(book);
}

void book_reserve(struct book *book, uint32_t payer, struct amount amount)
{
    struct account *const from = &book->accounts[payer];
    from->available = minus(from->available, amount);
    from->reserved = plus(from->reserved, amount);
    book->available = minus(book->available, amount);
    book->reserved = plus(book->reserved, amount);
    check_sums(book);
}

void book_settle(struct book *book, uint32_t payer, uint32_t payee, struct amount amount)
{
    assert(payer != payee);
    struct account *const from = &book->accounts[payer];
    struct account *const to = &book->accounts[payee];
    from->reserved = minus(from->reserved, amount);
    to->available = plus(to->available, amount);
    book->reserved = minus(book->reserved, amount);
    book->available = plus(book->available, amount);
    check_sums(book);
}

void book_release(struct book *book, uint32_t payer, struct amount amount)
{
    struct account *const from = &book->accounts[payer];
    from->reserved = minus(from->reserved, amount);
    from->available = plus(from->available, amount);
    book->reserved = minus(book->reserved, amount);
    book->available = plus(book->available, amount);
    check_sums(book);
}

void book_number(struct book *book, struct entry *entry, const uint32_t sides[2])
{
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry_side_use(entry->public.kind, side) == SIDE_NONE) continue;
        struct account *const account = &book->accounts[sides[side]];
        account->number++;
        entry->public.sides[side] =
            (struct entry_link){.number = account->number, .previous_seq = account->last_seq};
        entry->private.accounts[side] =
            (struct entry_account){.available = account->available, .reserved = account->reserved};
        account->last_seq = entry->public.seq;
    }
}

void book_sum(const struct book *book, uint32_t count, struct amount *available,
              struct amount *reserved)
{
    *available = *reserved = amount_of_minor(0);
    for (uint32_t i = 0; i < count; i++) {
        bool const good = amount_add(*available, book->accounts[i].available, available) &&
                          amount_add(*reserved, book->accounts[i].reserved, reserved);
        assert(good); /* net funding is bounded */
        (void)good;
    }
}
