/* cauce statement LEDGERDIR CODE DAY [--json]: a participant's accounting day from the ledger, also
 * beside a running switch.  DAY is a closed day, 2026-11-25, or `open`.
 *
 * Opening, every entry by the participant's own numbering, closing, totals; each balance is checked
 * against the amounts.  Exit 0; 1 and why, also where the books do not balance; 2 on wrong usage. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger/reader.h"
#include "ledger/search.h"
#include "ledger/statement.h"
#include "ops/cauce/subcommand.h"
#include "proto/base/time.h"

static int usage(FILE *out)
{
    fprintf(out, "usage: cauce statement LEDGERDIR CODE DAY|open [--json]\n");
    return out == stdout ? 0 : 2;
}

static enum fault write_text(void *context, struct span text)
{
    return fwrite(text.bytes, 1, text.size, context) == text.size ? FAULT_NONE : FAULT_IO;
}

/* --- for people ------------------------------------------------------------------------------- */

static void print_balance(const char *name, const struct statement_balance *balance)
{
    char available[AMOUNT_TEXT_BYTES], reserved[AMOUNT_TEXT_BYTES];
    (void)amount_print(balance->available, available);
    (void)amount_print(balance->reserved, reserved);
    printf("%s number=%" PRIu64 " seq=%" PRIu64 " available=%s reserved=%s\n", name,
           balance->number, balance->seq, available, reserved);
}

static enum fault print_entry(void *context, const struct entry *entry, enum entry_side side)
{
    char time[TIME_TEXT_BYTES], amount[AMOUNT_TEXT_BYTES];
    char available[AMOUNT_TEXT_BYTES], reserved[AMOUNT_TEXT_BYTES];
    const struct entry_public *const public = &entry->public;
    struct participant_code const other =
        entry_participant(entry, side == SIDE_PAYER ? SIDE_PAYEE : SIDE_PAYER);
    struct span const code = identifier_code_text(&other);
    struct span const id = identifier_payment_id_text(&public->id);
    struct span const reason = identifier_reason_text(&public->reason);
    (void)context;
    (void)time_print_ms(public->time_ns, time);
    (void)amount_print(public->amount, amount);
    (void)amount_print(entry->private.accounts[side].available, available);
    (void)amount_print(entry->private.accounts[side].reserved, reserved);
    int const size =
        printf("%8" PRIu64 " %10" PRIu64 " %s %-8s %-4s %8.*s %18s %18s %18s %.*s %.*s\n",
               public->sides[side].number, public->seq, time, entry_kind_name(public->kind),
               side == SIDE_PAYER ? "to" : "from", (int)code.size, code.bytes ? code.bytes : "",
               amount, available, reserved, (int)id.size, id.bytes, (int)reason.size, reason.bytes);
    return size > 0 ? FAULT_NONE : FAULT_IO;
}

static void print_total(const char *name, const struct statement_total *total)
{
    /* A sum modulo 2^64 of hundredths. */
    printf("%s count=%" PRIu64 " sum=%" PRIu64 ".%02" PRIu64 "\n", name, total->count,
           total->sum_minor / 100, total->sum_minor % 100);
}

static void print_totals(const struct statement_totals *totals)
{
    print_total("debits", &totals->debits);
    print_total("credits", &totals->credits);
    for (uint32_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
            char name[64];
            if (totals->by_kind[kind][side].count == 0) continue;
            (void)snprintf(name, sizeof name, "%s as %s", entry_kind_name(kind),
                           side == SIDE_PAYER ? "payer" : "payee");
            print_total(name, &totals->by_kind[kind][side]);
        }
    }
}

static enum fault print_statement(const struct statement *statement, struct reader *reader,
                                  struct search *search, char words[STATEMENT_WORDS_BYTES])
{
    struct statement_totals totals;
    print_balance("opening", &statement->opening);
    enum fault const fault =
        statement_walk(statement, reader, search, print_entry, NULL, &totals, words);
    if (fault != FAULT_NONE) return fault;
    print_balance("closing", &statement->closing);
    print_totals(&totals);
    return FAULT_NONE;
}

/* --- command line ----------------------------------------------------------------------------- */

static const char *explain(enum fault fault)
{
    switch (fault) {
    case FAULT_NOT_FOUND: return "no such ledger, participant, or closed day";
    case FAULT_BUSY: return "there is no index yet; `cauce reindex LEDGERDIR` makes one";
    case FAULT_NONE:
    case FAULT_INVALID:
    case FAULT_FULL:
    case FAULT_CLOSED:
    case FAULT_MEMORY:
    case FAULT_IO:
    case FAULT_CORRUPT:
    case FAULT_VERSION:
    case FAULT_CRYPTO: break;
    }
    return fault_words(fault);
}

int statement_main(int argc, char **argv)
{
    struct participant_code code;
    struct day day = {0};
    bool const is_json = argc == 5 && strcmp(argv[4], "--json") == 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return usage(stdout);
    if (argc != 4 && !is_json) return usage(stderr);
    if (!identifier_parse_code(span_text(argv[2]), &code)) return usage(stderr);
    if (strcmp(argv[3], "open") != 0 && !day_parse(span_text(argv[3]), &day)) return usage(stderr);

    struct reader *reader = NULL;
    struct search *search = NULL;
    struct statement statement;
    char words[STATEMENT_WORDS_BYTES] = "";
    enum fault fault = reader_open(&reader, argv[1], NULL);
    if (fault == FAULT_NONE) fault = search_open(&search, argv[1], NULL);
    if (fault == FAULT_NONE) fault = statement_open(&statement, reader, search, code, day);
    if (fault == FAULT_NONE)
        fault = is_json
                    ? statement_write_json(&statement, reader, search, write_text, stdout, words)
                    : print_statement(&statement, reader, search, words);
    if (fault == FAULT_NONE && fflush(stdout) != 0) fault = FAULT_IO;
    search_close(search);
    reader_close(reader);
    if (fault != FAULT_NONE)
        fprintf(stderr, "cauce statement: %s\n", words[0] ? words : explain(fault));
    return fault == FAULT_NONE ? 0 : 1;
}
