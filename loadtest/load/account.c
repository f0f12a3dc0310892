/* account: a byte for each payment: its end in the low bits, what has been heard in the high ones. */
#include "loadtest/load/account.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    END_MASK = 7,
    SENT = 8,
    TAKEN = 16, /* 201 */
    BODY_REFUSED = 32,
    PAYEE_TOLD = 64,
};

static_assert(ACCOUNT_ENDS <= END_MASK + 1, "ends fit into their bits");

const char *account_end_text(enum account_end end)
{
    static const char *const texts[] = {
#define ACCOUNT_END_TEXT(name, text) [ACCOUNT_##name] = text,
        ACCOUNT_END_LIST(ACCOUNT_END_TEXT)
#undef ACCOUNT_END_TEXT
    };
    return texts[end];
}

void account_count_reason(struct account_reasons *reasons, struct span text, uint64_t count)
{
    size_t const size = text.size < ACCOUNT_REASON_BYTES - 1 ? text.size : ACCOUNT_REASON_BYTES - 1;
    struct span const cut = span_of(text.bytes, size);
    for (size_t i = 0; i < reasons->count; i++) {
        if (!span_equal(span_text(reasons->list[i].text), cut)) continue;
        reasons->list[i].count += count;
        return;
    }
    if (reasons->count == ACCOUNT_REASONS_MAX) {
        /* The last place is for all that no longer fit. */
        struct account_reason *const other = &reasons->list[ACCOUNT_REASONS_MAX - 1];
        memcpy(other->text, "other", sizeof "other");
        other->count += count;
        return;
    }
    struct account_reason *const added = &reasons->list[reasons->count++];
    if (size > 0) memcpy(added->text, cut.bytes, size);
    added->text[size] = '\0';
    added->count = count;
}

enum fault account_open(struct account *account, size_t count)
{
    *account = (struct account){.count = count, .incomplete = count};
    account->payments = calloc(count, 1);
    return account->payments == NULL ? FAULT_MEMORY : FAULT_NONE;
}

void account_close(struct account *account)
{
    free(account->payments);
    account->payments = NULL;
}

static enum account_end end_of(uint8_t payment)
{
    return (enum account_end)(payment & END_MASK);
}

static bool is_complete(uint8_t payment)
{
    if (payment & BODY_REFUSED) return true;
    if (!(payment & TAKEN)) return false;
    switch (end_of(payment)) {
    case ACCOUNT_SETTLED: return (payment & PAYEE_TOLD) != 0;
    case ACCOUNT_REJECTED:
    case ACCOUNT_EXPIRED:
    case ACCOUNT_REFUSED: return true;
    case ACCOUNT_NONE:
    case ACCOUNT_ENDS: break;
    }
    return false;
}

/* The one place where a payment's byte changes. */
static void change(struct account *account, size_t payment, unsigned bits)
{
    assert(payment < account->count);
    uint8_t const before = account->payments[payment];
    uint8_t const after = (uint8_t)(before | bits);
    account->payments[payment] = after;
    if (!is_complete(before) && is_complete(after)) account->incomplete--;
}

void account_sent(struct account *account, size_t payment)
{
    change(account, payment, SENT);
}

void account_taken(struct account *account, size_t payment)
{
    change(account, payment, TAKEN);
}

void account_body_refused(struct account *account, size_t payment, struct span code)
{
    if (!account_result(account, payment, ACCOUNT_REFUSED, code)) return;
    change(account, payment, BODY_REFUSED);
}

bool account_result(struct account *account, size_t payment, enum account_end end, struct span code)
{
    assert(end != ACCOUNT_NONE && payment < account->count);
    enum account_end const standing = end_of(account->payments[payment]);
    if (standing != ACCOUNT_NONE) {
        if (standing == end)
            account->repeats++;
        else
            account->contradictions++;
        return false;
    }
    if (end == ACCOUNT_REFUSED) account_count_reason(&account->refused, code, 1);
    change(account, payment, (unsigned)end);
    return true;
}

void account_payee_told(struct account *account, size_t payment)
{
    change(account, payment, PAYEE_TOLD);
}

struct account_summary account_sum(const struct account *account)
{
    struct account_summary summary = {0};
    for (size_t i = 0; i < account->count; i++) {
        uint8_t const payment = account->payments[i];
        enum account_end const end = end_of(payment);
        summary.sent += (payment & SENT) != 0;
        summary.ends[end]++;
        summary.without_201 += end != ACCOUNT_NONE && !(payment & (TAKEN | BODY_REFUSED));
        bool const told = (payment & PAYEE_TOLD) != 0;
        summary.payee_untold += end == ACCOUNT_SETTLED && !told;
        summary.payee_disagrees += end != ACCOUNT_SETTLED && end != ACCOUNT_NONE && told;
    }
    return summary;
}

bool account_is_clear(const struct account *account, const struct account_summary *summary)
{
    return summary->sent == account->count && summary->ends[ACCOUNT_NONE] == 0 &&
           summary->without_201 == 0 && summary->payee_untold == 0 &&
           summary->payee_disagrees == 0 && account->contradictions == 0;
}
