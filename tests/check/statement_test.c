/* Statements against a plain recount of the same history, as a walk and as JSON, and of ledgers and
 * indexes in which something does not follow. */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/index.h"
#include "ledger/reader.h"
#include "ledger/search.h"
#include "ledger/statement.h"
#include "tests/check/index_history.h"
#include "tests/check/ledger_folder.h"
#include "tests/simulator/tamper.h"

#define ENTRIES 4000

static char directory[FOLDER_PATH_BYTES];
static char words[STATEMENT_WORDS_BYTES];
static struct history *history;
static struct reader *reader;
static struct search *search;
static struct statement statement;
static struct statement_totals totals;

static void make_folder(void)
{
    ledger_folder_make(directory);
    history = malloc(sizeof *history);
    ck_assert_ptr_nonnull(history);
    history_begin(history, 5);
    reader = NULL;
    search = NULL;
}

static void remove_folder(void)
{
    search_close(search);
    reader_close(reader);
    ledger_folder_remove(directory);
    free(history);
}

static enum fault index_one(void *context, const struct entry *entry, struct span body)
{
    return index_entry(context, entry, body);
}

static void open_all(uint32_t entries)
{
    struct index *index;
    history_write(history, directory, entries);
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(index_open(&index, directory, NULL, reader), FAULT_NONE);
    ck_assert_int_eq(reader_walk(reader, 1, entries, index_one, index), FAULT_NONE);
    ck_assert_int_eq(index_commit(index), FAULT_NONE);
    index_close(index);
    ck_assert_int_eq(search_open(&search, directory, NULL), FAULT_NONE);
}

/* The participant's side of an entry; -1: none of them. */
static int side_of(const struct entry *entry, struct participant_code code)
{
    for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
        if (entry->public.sides[side].number != 0 &&
            identifier_code_equal(entry_participant(entry, side), code))
            return (int)side;
    }
    return -1;
}

struct visited {
    uint64_t seq;   /* of the entry visited last */
    uint64_t count; /* visited */
};

static enum fault follow(void *context, const struct entry *entry, enum entry_side side)
{
    struct visited *visited = context;
    ck_assert_int_eq(side_of(entry, statement.code), (int)side);
    /* None of the participant's was left out. */
    for (uint64_t seq = visited->seq + 1; seq < entry->public.seq; seq++)
        ck_assert_int_lt(side_of(&history->entries[seq - 1], statement.code), 0);
    const struct entry *expected = &history->entries[entry->public.seq - 1];
    ck_assert_mem_eq(&entry->public, &expected->public, sizeof entry->public);
    visited->seq = entry->public.seq;
    visited->count++;
    return FAULT_NONE;
}

/* Balances, and totals by kind, of the participant from first_seq to last_seq. */
static void recount(struct statement *expected, struct statement_totals *sums)
{
    *sums = (struct statement_totals){0};
    expected->opening = expected->closing = (struct statement_balance){0};
    for (uint64_t seq = 1; seq <= statement.last_seq; seq++) {
        const struct entry *entry = &history->entries[seq - 1];
        int const side = side_of(entry, statement.code);
        if (side < 0) continue;
        expected->closing = (struct statement_balance){
            .number = entry->public.sides[side].number,
            .seq = seq,
            .available = entry->private.accounts[side].available,
            .reserved = entry->private.accounts[side].reserved,
        };
        if (seq < statement.first_seq) {
            expected->opening = expected->closing;
            continue;
        }
        uint64_t const minor = (uint64_t)amount_minor(entry->public.amount);
        struct statement_total *all[] = {&sums->by_kind[entry->public.kind][side], NULL};
        if (entry->public.kind == ENTRY_FUNDED) all[1] = &sums->credits;
        if (entry->public.kind == ENTRY_SETTLED)
            all[1] = side == SIDE_PAYER ? &sums->debits : &sums->credits;
        for (size_t i = 0; i < 2 && all[i]; i++) {
            all[i]->count++;
            all[i]->sum_minor += minor;
        }
    }
}

static void assert_balance(const struct statement_balance *a, const struct statement_balance *b)
{
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_uint_eq(a->seq, b->seq);
    ck_assert(amount_compare(a->available, b->available) == 0);
    ck_assert(amount_compare(a->reserved, b->reserved) == 0);
}

static void check_statement(struct participant_code code, struct day day, uint64_t *entries)
{
    struct statement expected;
    struct statement_totals sums;
    ck_assert_int_eq(statement_open(&statement, reader, search, code, day), FAULT_NONE);
    recount(&expected, &sums);
    assert_balance(&statement.opening, &expected.opening);
    assert_balance(&statement.closing, &expected.closing);
    struct visited visited = {.seq = statement.first_seq - 1};
    ck_assert_int_eq(statement_walk(&statement, reader, search, follow, &visited, &totals, words),
                     FAULT_NONE);
    ck_assert_int_eq(words[0], 0);
    ck_assert_uint_eq(visited.count, expected.closing.number - expected.opening.number);
    ck_assert_mem_eq(&totals, &sums, sizeof sums);
    *entries += visited.count;
}

START_TEST(statements_are_a_recount)
{
    /* Of days with fewer entries than a run of numbers, and with many runs. */
    static const uint64_t day_entries[] = {40, 300, 2100, 100000};
    history->day_entries = day_entries[_i];
    open_all(ENTRIES);
    for (unsigned p = 0; p < HISTORY_PARTICIPANTS; p++) {
        uint64_t entries = 0;
        for (uint32_t i = 0; i < history->day_count; i++)
            check_statement(history->participants[p].code, history->days[i].day, &entries);
        check_statement(history->participants[p].code, (struct day){0}, &entries);
        ck_assert_uint_eq(entries, history->participants[p].number); /* days leave nothing out */
    }
}
END_TEST

START_TEST(no_statement_where_there_is_nothing)
{
    struct participant_code const known = history->participants[0].code;
    ck_assert_int_eq(search_open(&search, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(statement_open(&statement, reader, search, known, (struct day){0}),
                     FAULT_BUSY); /* no index, so the reader is not asked */
    search_close(search);
    open_all(ENTRIES);
    ck_assert_int_eq(statement_open(&statement, reader, search, known, (struct day){"2030-01-01"}),
                     FAULT_NOT_FOUND);
    ck_assert_int_eq(statement_open(&statement, reader, search,
                                    (struct participant_code){"99999999"}, (struct day){0}),
                     FAULT_NOT_FOUND);
}
END_TEST

static enum fault stop(void *context, const struct entry *entry, enum entry_side side)
{
    (void)entry;
    (void)side;
    return ++*(int *)context == 3 ? FAULT_FULL : FAULT_NONE;
}

START_TEST(visitor_ends_the_walk)
{
    int visits = 0;
    open_all(ENTRIES);
    ck_assert_int_eq(statement_open(&statement, reader, search, history->participants[0].code,
                                    history->days[3].day),
                     FAULT_NONE);
    ck_assert_int_eq(statement_walk(&statement, reader, search, stop, &visits, &totals, words),
                     FAULT_FULL);
    ck_assert_int_eq(visits, 3);
}
END_TEST

/* --- what does not follow --------------------------------------------------------------------- */

/* The entries that are altered are those that participant 10000001 numbered so. */
#define ALTERED 500
#define RUN_START (ALTERED / INDEX_STRIDE * INDEX_STRIDE + 1)

static struct entry_link *link_numbered(struct entry *entry, uint64_t number, int *side)
{
    *side = side_of(entry, history->participants[0].code);
    if (*side < 0 || entry->public.sides[*side].number != number) return NULL;
    return &entry->public.sides[*side];
}

static void wrong_available(struct entry *entry)
{
    int side;
    if (link_numbered(entry, ALTERED, &side))
        entry->private.accounts[side].available =
            amount_of_minor(amount_minor(entry->private.accounts[side].available) + 1);
}

static void wrong_reserved(struct entry *entry)
{
    int side;
    if (link_numbered(entry, ALTERED, &side))
        entry->private.accounts[side].reserved =
            amount_of_minor(amount_minor(entry->private.accounts[side].reserved) - 1);
}

static void huge_amount(struct entry *entry)
{
    int side;
    if (link_numbered(entry, ALTERED, &side)) entry->public.amount = amount_of_minor(INT64_MAX);
}

static void wrong_link(struct entry *entry)
{
    int side;
    struct entry_link *link = link_numbered(entry, ALTERED, &side);
    if (link) link->previous_seq -= 1;
}

static void wrong_link_of_a_run(struct entry *entry)
{
    int side;
    struct entry_link *link = link_numbered(entry, RUN_START, &side);
    if (link) link->previous_seq -= 1;
}

static void link_to_nowhere(struct entry *entry)
{
    int side;
    struct entry_link *link = link_numbered(entry, ALTERED, &side);
    if (link) link->previous_seq = 1000000;
}

static const struct {
    void (*alter)(struct entry *entry);
    const char *sql, *words; /* done to the index; in what is said. NULL: statement_open refuses */
} broken[] = {
    {wrong_available, NULL, "number 500, do not follow"},
    {wrong_reserved, NULL, "number 500, do not follow"},
    {huge_amount, NULL, "number 500, do not follow"},
    {wrong_link, NULL, "is not the one numbered 499"},
    {wrong_link_of_a_run, NULL, "number 449 links to entry"},
    {link_to_nowhere, NULL, "entry 1000000 is not the one numbered 499"},
    {NULL, "UPDATE numbers SET seq = seq - 1 WHERE participant = 1 AND number = 512",
     "is not the one numbered 512"},
    {NULL, "DELETE FROM numbers WHERE participant = 1 AND number = 512",
     "the index does not know number 512"},
    {NULL, "UPDATE numbers SET seq = seq + 1 WHERE participant = 1", NULL},
    {NULL, "UPDATE days SET first_seq = seq + 1", NULL},
};

static enum fault open_and_walk(void)
{
    struct visited visited = {0};
    enum fault const fault = statement_open(&statement, reader, search,
                                            history->participants[0].code, history->days[0].day);
    if (fault != FAULT_NONE) return fault;
    return statement_walk(&statement, reader, search, follow, &visited, &totals, words);
}

START_TEST(what_does_not_follow_is_told)
{
    history->day_entries = ENTRIES - 1000;
    history->alter = broken[_i].alter;
    open_all(ENTRIES);
    if (broken[_i].sql) ck_assert(tamper_run(directory, INDEX_FILE, broken[_i].sql));
    words[0] = 0;
    enum fault const fault = open_and_walk();
    ck_assert_int_eq(fault, FAULT_CORRUPT);
    if (broken[_i].words)
        ck_assert_msg(strstr(words, broken[_i].words) != NULL, "%s", words);
    else
        ck_assert_int_eq(words[0], 0);
}
END_TEST

/* --- JSON ------------------------------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t size, room;
    size_t left; /* the sink refuses what goes beyond */
};

static enum fault append(void *context, struct span bytes)
{
    struct text *text = context;
    if (bytes.size > text->left) return FAULT_IO;
    text->left -= bytes.size;
    if (text->size + bytes.size > text->room) {
        text->room = 2 * (text->size + bytes.size);
        text->bytes = realloc(text->bytes, text->room);
        ck_assert_ptr_nonnull(text->bytes);
    }
    memcpy(text->bytes + text->size, bytes.bytes, bytes.size);
    text->size += bytes.size;
    return FAULT_NONE;
}

static int64_t integer(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    ck_assert_msg(json_is_integer(value), "%s", name);
    return json_integer_value(value);
}

static void assert_json_balance(const json_t *object, const struct statement_balance *balance)
{
    ck_assert_uint_eq((uint64_t)integer(object, "number"), balance->number);
    ck_assert_uint_eq((uint64_t)integer(object, "seq"), balance->seq);
    ck_assert_int_eq(integer(object, "available_minor"), amount_minor(balance->available));
    ck_assert_int_eq(integer(object, "reserved_minor"), amount_minor(balance->reserved));
}

static void check_json(const struct text *text)
{
    json_error_t error;
    json_t *all = json_loadb(text->bytes, text->size, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(all != NULL, "%s at line %d", error.text, error.line);
    const json_t *entries = json_object_get(all, "entries");
    ck_assert_int_eq(integer(all, "version"), 1);
    assert_json_balance(json_object_get(all, "opening"), &statement.opening);
    assert_json_balance(json_object_get(all, "closing"), &statement.closing);
    ck_assert_uint_eq(json_array_size(entries),
                      statement.closing.number - statement.opening.number);

    int64_t available = amount_minor(statement.opening.available);
    int64_t reserved = amount_minor(statement.opening.reserved);
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const struct entry *expected = &history->entries[integer(entry, "seq") - 1];
        struct span const reason = identifier_reason_text(&expected->public.reason);
        const char *text_of_reason = json_string_value(json_object_get(entry, "reason"));
        ck_assert(span_equal(span_text(text_of_reason ? text_of_reason : ""), reason));
        ck_assert_uint_eq((uint64_t)integer(entry, "number"), statement.opening.number + 1 + i);
        ck_assert_int_eq(integer(entry, "amount_minor"), amount_minor(expected->public.amount));
        available += integer(entry, "available_change_minor");
        reserved += integer(entry, "reserved_change_minor");
        ck_assert_int_eq(integer(entry, "available_minor"), available);
        ck_assert_int_eq(integer(entry, "reserved_minor"), reserved);
    }
    int64_t const change = integer(json_object_get(all, "credits"), "sum_minor") -
                           integer(json_object_get(all, "debits"), "sum_minor");
    ck_assert_int_eq(available + reserved, amount_minor(statement.opening.available) +
                                               amount_minor(statement.opening.reserved) + change);
    int64_t counted = 0;
    const json_t *kinds = json_object_get(all, "by_kind");
    for (size_t i = 0; i < json_array_size(kinds); i++)
        counted += integer(json_array_get(kinds, i), "count");
    ck_assert_uint_eq((uint64_t)counted, json_array_size(entries));
    json_decref(all);
}

START_TEST(json_says_the_same)
{
    open_all(ENTRIES);
    for (unsigned p = 0; p < HISTORY_PARTICIPANTS; p++) {
        for (uint32_t i = 0; i < 3; i++) {
            struct day const day = i < 2 ? history->days[5 * i].day : (struct day){0};
            struct text text = {.left = SIZE_MAX};
            ck_assert_int_eq(
                statement_open(&statement, reader, search, history->participants[p].code, day),
                FAULT_NONE);
            ck_assert_int_eq(statement_write_json(&statement, reader, search, append, &text, words),
                             FAULT_NONE);
            check_json(&text);
            /* A sink that refuses ends it, wherever. */
            for (size_t left = 0; left < text.size; left += 1 + text.size / 20) {
                struct text part = {.left = left};
                ck_assert_int_eq(
                    statement_write_json(&statement, reader, search, append, &part, words),
                    FAULT_IO);
                free(part.bytes);
            }
            free(text.bytes);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statement");
    TCase *cases = tcase_create("statement");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, statements_are_a_recount, 0, 4);
    tcase_add_test(cases, no_statement_where_there_is_nothing);
    tcase_add_test(cases, visitor_ends_the_walk);
    tcase_add_loop_test(cases, what_does_not_follow_is_told, 0, sizeof broken / sizeof broken[0]);
    tcase_add_test(cases, json_says_the_same);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
