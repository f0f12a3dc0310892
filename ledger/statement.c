/* A participant's entries are walked in runs of INDEX_STRIDE numbers: the index knows where a run
 * ends, the links lead back to where it begins, and then it is shown in order.
 *
 * The happy path: find the balances before and at the end of the day; then per run, collect its
 * entries backwards, check each against the one before, show it.  Possible failures: an entry does
 * not follow (FAULT_CORRUPT, with words), or the reader or the index refuse. */
#include "ledger/statement.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/index.h"
#include "proto/base/log.h"
#include "proto/record/json.h"

#define PART "statement"

static_assert(ENTRY_DAY < STATEMENT_KINDS, "a row for each kind");

/* What is known while a statement is walked. */
struct walk {
    const struct statement *statement;
    struct reader *reader;
    struct statement_balance balance; /* as the entry shown last left it */
    struct statement_totals *totals;
    char *words;
    struct entry run[INDEX_STRIDE];
};

struct statement_effect statement_effect(enum entry_kind kind, enum entry_side side)
{
    bool const is_payer = side == SIDE_PAYER;
    switch (kind) {
    case ENTRY_FUNDED: return (struct statement_effect){.available = is_payer ? 0 : 1};
    case ENTRY_RESERVED:
        return (struct statement_effect){.available = is_payer ? -1 : 0,
                                         .reserved = is_payer ? 1 : 0};
    case ENTRY_SETTLED:
        return (struct statement_effect){.available = is_payer ? 0 : 1,
                                         .reserved = is_payer ? -1 : 0};
    case ENTRY_REJECTED:
    case ENTRY_EXPIRED:
        return (struct statement_effect){.available = is_payer ? 1 : 0,
                                         .reserved = is_payer ? -1 : 0};
    case ENTRY_REFUSED:
    case ENTRY_SEGMENT:
    case ENTRY_JOINED:
    case ENTRY_CERTIFICATE:
    case ENTRY_DAY: break;
    }
    return (struct statement_effect){0};
}

/* The side on which the participant's number is `number`; false: on neither. */
static bool find_side(const struct entry *entry, struct participant_code code, uint64_t number,
                      enum entry_side *found)
{
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry->public.sides[side].number != number) continue;
        if (!identifier_code_equal(entry_participant(entry, side), code)) continue;
        *found = side;
        return true;
    }
    return false;
}

static struct statement_balance balance_after(const struct entry *entry, enum entry_side side)
{
    return (struct statement_balance){
        .number = entry->public.sides[side].number,
        .seq = entry->public.seq,
        .available = entry->private.accounts[side].available,
        .reserved = entry->private.accounts[side].reserved,
    };
}

/* --- opening ---------------------------------------------------------------------------------- */

/* The newest of the participant's entries up to `seq`; zeros: it had none yet. */
static enum fault balance_at(struct reader *reader, struct search *search,
                             struct participant_code code, uint64_t seq,
                             struct statement_balance *balance)
{
    struct search_number place;
    struct entry entry;
    *balance = (struct statement_balance){0};
    enum fault fault = search_place(search, code, seq, &place);
    while (fault == FAULT_NONE && place.number > 0) {
        enum entry_side side;
        fault = reader_entry(reader, place.seq, &entry, NULL);
        if (fault == FAULT_NOT_FOUND ||
            (fault == FAULT_NONE && !find_side(&entry, code, place.number, &side))) {
            LOG(LOG_ERROR, PART,
                "by the index, entry %" PRIu64 " is number %" PRIu64 " of %.*s, which it is not",
                place.seq, place.number, PARTICIPANT_CODE_BYTES, code.text);
            return FAULT_CORRUPT;
        }
        if (fault != FAULT_NONE) return fault;
        if (place.seq <= seq) {
            *balance = balance_after(&entry, side);
            return FAULT_NONE;
        }
        place = (struct search_number){.number = place.number - 1,
                                       .seq = entry.public.sides[side].previous_seq};
    }
    return fault;
}

enum fault statement_open(struct statement *statement, struct reader *reader, struct search *search,
                          struct participant_code code, struct day day)
{
    struct search_day found;
    enum fault fault = search_day(search, day, &found);
    if (fault != FAULT_NONE) return fault;
    *statement = (struct statement){
        .code = code, .day = day, .first_seq = found.first_seq, .last_seq = found.last_seq};
    fault = balance_at(reader, search, code, found.first_seq - 1, &statement->opening);
    if (fault == FAULT_NONE)
        fault = balance_at(reader, search, code, found.last_seq, &statement->closing);
    return fault;
}

/* --- walking ---------------------------------------------------------------------------------- */

PRINTF_LIKE(2, 3) static enum fault broken(struct walk *walk, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(walk->words, STATEMENT_WORDS_BYTES, format, arguments);
    va_end(arguments);
    return FAULT_CORRUPT;
}

/* Reads the entries numbered first to last, which is entry `seq`, into the run. */
static enum fault collect(struct walk *walk, uint64_t first, uint64_t last, uint64_t seq)
{
    assert(first <= last && last - first < INDEX_STRIDE);
    for (uint64_t number = last; number >= first; number--) {
        struct entry *const entry = &walk->run[number - first];
        enum entry_side side;
        enum fault const fault = reader_entry(walk->reader, seq, entry, NULL);
        if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND) return fault;
        if (fault == FAULT_NOT_FOUND || !find_side(entry, walk->statement->code, number, &side))
            return broken(walk, "entry %" PRIu64 " is not the one numbered %" PRIu64, seq, number);
        seq = entry->public.sides[side].previous_seq;
    }
    if (seq != walk->balance.seq)
        return broken(walk,
                      "number %" PRIu64 " links to entry %" PRIu64 ", but the one before it is"
                      " entry %" PRIu64,
                      first, seq, walk->balance.seq);
    return FAULT_NONE;
}

/* Is `after` what the amount makes of `before`, by a factor of -1, 0 or 1? */
static bool follows(struct amount before, struct amount amount, int factor, struct amount after)
{
    struct amount expected = before;
    if (factor > 0 && !amount_add(before, amount, &expected)) return false;
    if (factor < 0 && !amount_subtract(before, amount, &expected)) return false;
    return amount_compare(expected, after) == 0;
}

static void add(struct statement_total *total, struct amount amount)
{
    total->count++;
    total->sum_minor += (uint64_t)amount_minor(amount);
}

/* What leaves both balances together, or comes to them, is a debit or a credit. */
static void count(struct statement_totals *totals, const struct entry *entry, enum entry_side side)
{
    enum entry_kind const kind = (enum entry_kind)entry->public.kind;
    struct statement_effect const effect = statement_effect(kind, side);
    add(&totals->by_kind[kind][side], entry->public.amount);
    if (effect.available + effect.reserved < 0) add(&totals->debits, entry->public.amount);
    if (effect.available + effect.reserved > 0) add(&totals->credits, entry->public.amount);
}

static enum fault take(struct walk *walk, const struct entry *entry, enum entry_side side)
{
    struct statement_balance const after = balance_after(entry, side);
    struct statement_effect const effect =
        statement_effect((enum entry_kind)entry->public.kind, side);
    if (!follows(walk->balance.available, entry->public.amount, effect.available,
                 after.available) ||
        !follows(walk->balance.reserved, entry->public.amount, effect.reserved, after.reserved))
        return broken(walk,
                      "the balances after entry %" PRIu64 ", number %" PRIu64
                      ", do not follow from those before it",
                      after.seq, after.number);
    count(walk->totals, entry, side);
    walk->balance = after;
    return FAULT_NONE;
}

static enum fault show(struct walk *walk, uint64_t first, uint64_t last, statement_visit visit,
                       void *context)
{
    for (uint64_t number = first; number <= last; number++) {
        const struct entry *const entry = &walk->run[number - first];
        enum entry_side side = SIDE_PAYER;
        (void)find_side(entry, walk->statement->code, number, &side); /* collect has seen to it */
        enum fault fault = take(walk, entry, side);
        if (fault == FAULT_NONE) fault = visit(context, entry, side);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

/* Opening, debits and credits make the closing, and it is what the index led to. */
static enum fault balance(struct walk *walk)
{
    const struct statement *const statement = walk->statement;
    const struct statement_balance *const opening = &statement->opening;
    const struct statement_balance *const closing = &statement->closing;
    uint64_t const before =
        (uint64_t)amount_minor(opening->available) + (uint64_t)amount_minor(opening->reserved);
    uint64_t const after =
        (uint64_t)amount_minor(closing->available) + (uint64_t)amount_minor(closing->reserved);
    if (walk->balance.seq != closing->seq ||
        before + walk->totals->credits.sum_minor - walk->totals->debits.sum_minor != after)
        return broken(walk, "opening and entries do not make the closing of number %" PRIu64,
                      closing->number);
    return FAULT_NONE;
}

enum fault statement_walk(const struct statement *statement, struct reader *reader,
                          struct search *search, statement_visit visit, void *context,
                          struct statement_totals *totals, char words[STATEMENT_WORDS_BYTES])
{
    words[0] = 0;
    *totals = (struct statement_totals){0};
    struct walk *walk = malloc(sizeof *walk);
    if (walk == NULL) return FAULT_MEMORY;
    walk->statement = statement;
    walk->reader = reader;
    walk->balance = statement->opening;
    walk->totals = totals;
    walk->words = words;

    enum fault fault = FAULT_NONE;
    uint64_t first = statement->opening.number + 1;
    while (fault == FAULT_NONE && first <= statement->closing.number) {
        /* To the next stored number, or to the closing where that comes first. */
        uint64_t last = (first + INDEX_STRIDE - 1) / INDEX_STRIDE * INDEX_STRIDE;
        uint64_t seq = statement->closing.seq;
        if (last < statement->closing.number)
            fault = search_number(search, statement->code, last, &seq);
        else
            last = statement->closing.number;
        if (fault == FAULT_NOT_FOUND)
            fault = broken(walk, "the index does not know number %" PRIu64, last);
        if (fault == FAULT_NONE) fault = collect(walk, first, last, seq);
        if (fault == FAULT_NONE) fault = show(walk, first, last, visit, context);
        first = last + 1;
    }
    if (fault == FAULT_NONE) fault = balance(walk);
    free(walk);
    return fault;
}

/* --- JSON ------------------------------------------------------------------------------------- */

struct writer {
    statement_sink sink;
    void *context;
    bool has_line; /* an entry was written */
};

PRINTF_LIKE(2, 3) static enum fault print(struct writer *writer, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int const size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof text); /* names, and at most five numbers */
    return writer->sink(writer->context, span_of(text, (size_t)size));
}

static enum fault write_balance(struct writer *writer, const char *name,
                                const struct statement_balance *balance)
{
    return print(writer,
                 "\"%s\":{\"number\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"available_minor\":%" PRId64
                 ",\"reserved_minor\":%" PRId64 "}",
                 name, balance->number, balance->seq, amount_minor(balance->available),
                 amount_minor(balance->reserved));
}

/* The entry as cauce.payments.v1 has it, with the participant's own members behind. */
static enum fault write_entry(void *context, const struct entry *entry, enum entry_side side)
{
    struct writer *const writer = context;
    struct statement_effect const effect =
        statement_effect((enum entry_kind)entry->public.kind, side);
    int64_t const minor = amount_minor(entry->public.amount);
    struct statement_balance const after = balance_after(entry, side);
    char text[JSON_PAYMENT_BYTES_MAX];
    size_t const size = json_payment(entry, text) - 1; /* goes on instead of its "}" */
    enum fault fault = print(writer, "%s\n", writer->has_line ? "," : "");
    writer->has_line = true;
    if (fault == FAULT_NONE) fault = writer->sink(writer->context, span_of(text, size));
    if (fault != FAULT_NONE) return fault;
    return print(writer,
                 ",\"side\":\"%s\",\"number\":%" PRIu64 ",\"available_change_minor\":%" PRId64
                 ",\"reserved_change_minor\":%" PRId64 ",\"available_minor\":%" PRId64
                 ",\"reserved_minor\":%" PRId64 "}",
                 side == SIDE_PAYER ? "payer" : "payee", after.number, effect.available * minor,
                 effect.reserved * minor, amount_minor(after.available),
                 amount_minor(after.reserved));
}

static enum fault write_total(struct writer *writer, const char *name,
                              const struct statement_total *total)
{
    return print(writer, "\"%s\":{\"count\":%" PRIu64 ",\"sum_minor\":%" PRIu64 "}", name,
                 total->count, total->sum_minor);
}

static enum fault write_totals(struct writer *writer, const struct statement_totals *totals)
{
    bool has_any = false;
    enum fault fault = write_total(writer, "debits", &totals->debits);
    if (fault == FAULT_NONE) fault = print(writer, ",");
    if (fault == FAULT_NONE) fault = write_total(writer, "credits", &totals->credits);
    if (fault == FAULT_NONE) fault = print(writer, ",\n\"by_kind\":[");
    for (uint32_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
            const struct statement_total *const total = &totals->by_kind[kind][side];
            if (fault != FAULT_NONE || total->count == 0) continue;
            fault = print(writer,
                          "%s{\"kind\":\"%s\",\"side\":\"%s\",\"count\":%" PRIu64
                          ",\"sum_minor\":%" PRIu64 "}",
                          has_any ? "," : "", entry_kind_name(kind),
                          side == SIDE_PAYER ? "payer" : "payee", total->count, total->sum_minor);
            has_any = true;
        }
    }
    return fault == FAULT_NONE ? print(writer, "]") : fault;
}

enum fault statement_write_json(const struct statement *statement, struct reader *reader,
                                struct search *search, statement_sink sink, void *context,
                                char words[STATEMENT_WORDS_BYTES])
{
    struct writer writer = {.sink = sink, .context = context};
    struct statement_totals totals;
    struct span const day = day_text(&statement->day);
    words[0] = 0;
    enum fault fault = print(&writer, "{\"version\":1,\"participant\":\"%.*s\",",
                             PARTICIPANT_CODE_BYTES, statement->code.text);
    if (fault == FAULT_NONE)
        fault = day.size > 0 ? print(&writer, "\"day\":\"%.*s\",", (int)day.size, day.bytes)
                             : print(&writer, "\"day\":null,");
    if (fault == FAULT_NONE)
        fault = print(&writer, "\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\n",
                      statement->first_seq, statement->last_seq);
    if (fault == FAULT_NONE) fault = write_balance(&writer, "opening", &statement->opening);
    if (fault == FAULT_NONE) fault = print(&writer, ",\n\"entries\":[");
    if (fault == FAULT_NONE)
        fault = statement_walk(statement, reader, search, write_entry, &writer, &totals, words);
    if (fault == FAULT_NONE) fault = print(&writer, "],\n");
    if (fault == FAULT_NONE) fault = write_balance(&writer, "closing", &statement->closing);
    if (fault == FAULT_NONE) fault = print(&writer, ",\n");
    if (fault == FAULT_NONE) fault = write_totals(&writer, &totals);
    return fault == FAULT_NONE ? print(&writer, "}\n") : fault;
}
