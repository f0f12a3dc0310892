/* Sums are modulo 2^64, as ledger/README.md has them. */
#include "ledger/verify/totals.h"

#include <stdbool.h>
#include <string.h>

/* By tag, from 19. */
static const char *const other[TOTALS_ALL] = {
    "says another count of reserved entries than its day has",
    "says another sum of reserved amounts than its day has",
    "says another count of settled entries than its day has",
    "says another sum of settled amounts than its day has",
    "says another count of rejected entries than its day has",
    "says another sum of rejected amounts than its day has",
    "says another count of expired entries than its day has",
    "says another sum of expired amounts than its day has",
    "says another count of refused entries than its day has",
    "says another count of funded entries than its day has",
    "says another sum of funded amounts than its day has",
    "says another count of open payments than there are",
    "says another sum of open payments than there is",
    "says another net funding than there is",
    "says another sum of available balances than there is",
    "says another sum of reserved balances than there is",
};

static void add(struct totals *totals, unsigned count_at, const struct layout_entry *entry)
{
    totals->counted[count_at]++;
    totals->counted[count_at + 1] += (uint64_t)entry->amount;
}

void totals_count(struct totals *totals, const struct layout_entry *entry)
{
    if (totals->first_seq == 0) totals->first_seq = entry->seq;
    switch (entry->kind) {
    case LAYOUT_RESERVED: add(totals, 0, entry); break;
    case LAYOUT_SETTLED: add(totals, 2, entry); break;
    case LAYOUT_REJECTED: add(totals, 4, entry); break;
    case LAYOUT_EXPIRED: add(totals, 6, entry); break;
    case LAYOUT_REFUSED: totals->counted[8]++; break;
    case LAYOUT_FUNDED: add(totals, 9, entry); break;
    case LAYOUT_SEGMENT:
    case LAYOUT_JOINED:
    case LAYOUT_CERTIFICATE:
    case LAYOUT_DAY: break;
    }
}

/* Two or four digits as a number; -1: they are none. */
static int digits(const char *text, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        number = 10 * number + (text[i] - '0');
    }
    return number;
}

static bool is_date(struct span text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (text.size != TOTALS_DAY_BYTES || text.bytes[4] != '-' || text.bytes[7] != '-') return false;
    int const year = digits(text.bytes, 4), month = digits(text.bytes + 5, 2);
    int const day = digits(text.bytes + 8, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
    bool const is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + (month == 2 && is_leap);
}

const char *totals_day(struct totals *totals, uint64_t seq, struct span body,
                       const struct totals_close *close)
{
    struct span text;
    uint64_t first_seq, said;
    if (!layout_find(body, LAYOUT_TAG_DAY, &text) || !is_date(text))
        return "closes a day that is none";
    if (memcmp(text.bytes, totals->closed, TOTALS_DAY_BYTES) <= 0)
        return "closes a day that is not after the one closed before";
    uint64_t const begun = totals->first_seq ? totals->first_seq : seq;
    if (!layout_find_number(body, LAYOUT_TAG_DAY_FIRST_SEQ, &first_seq) || first_seq != begun)
        return "says that its day began with another entry";

    uint64_t const at_close[] = {close->open_count, close->open_amount, close->net_funding,
                                 close->available, close->reserved};
    for (unsigned i = 0; i < TOTALS_ALL; i++) {
        uint64_t const here = i < TOTALS_OF_DAY ? totals->counted[i] : at_close[i - TOTALS_OF_DAY];
        if (!layout_find_number(body, (enum layout_tag)(LAYOUT_TAG_DAY_TOTALS + i), &said) ||
            said != here)
            return other[i];
    }
    *totals = (struct totals){0};
    memcpy(totals->closed, text.bytes, TOTALS_DAY_BYTES);
    return NULL;
}
