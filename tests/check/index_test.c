/* The index and what is searched in it, against plain arrays of the same history; and that it goes on
 * after each end it may come to. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/index.h"
#include "ledger/reader.h"
#include "ledger/search.h"
#include "proto/base/limits.h"
#include "tests/check/index_history.h"
#include "tests/check/ledger_folder.h"
#include "tests/simulator/fault_vfs.h"
#include "tests/simulator/tamper.h"

#define ENTRIES 4000

static char directory[FOLDER_PATH_BYTES];
static struct history *history;
static struct search_payment payment;

static void make_folder(void)
{
    ledger_folder_make(directory);
    history = malloc(sizeof *history);
    ck_assert_ptr_nonnull(history);
    history_begin(history, 5);
}

static void remove_folder(void)
{
    ledger_folder_remove(directory);
    free(history);
}

static enum fault index_one(void *context, const struct entry *entry, struct span body)
{
    return index_entry(context, entry, body);
}

/* Opens the index, takes the entries up to `to_seq` into it in commits of `batch`, and closes it.
 * The first fault; *from_seq is what it had before. */
static enum fault index_up_to(const char *vfs, uint64_t to_seq, uint64_t batch, uint64_t *from_seq)
{
    struct reader *reader = NULL;
    struct index *index = NULL;
    enum fault fault = reader_open(&reader, directory, NULL);
    if (fault == FAULT_NONE) fault = index_open(&index, directory, vfs, reader);
    if (fault == FAULT_NONE) *from_seq = index_seq(index);
    while (fault == FAULT_NONE && index_seq(index) < to_seq) {
        uint64_t const from = index_next_seq(index);
        uint64_t const to = from + batch - 1 < to_seq ? from + batch - 1 : to_seq;
        fault = reader_walk(reader, from, to, index_one, index);
        if (fault == FAULT_NONE) fault = index_commit(index);
    }
    index_close(index);
    reader_close(reader);
    return fault;
}

static void demand_index(uint64_t to_seq, uint64_t batch, uint64_t expected_from)
{
    uint64_t from = UINT64_MAX;
    ck_assert_int_eq(index_up_to(NULL, to_seq, batch, &from), FAULT_NONE);
    ck_assert_uint_eq(from, expected_from);
}

static struct search *open_search(void)
{
    struct search *search;
    ck_assert_int_eq(search_open(&search, directory, NULL), FAULT_NONE);
    return search;
}

static void assert_same(const struct search_payment *a, const struct search_payment *b)
{
    ck_assert_uint_eq(a->seq, b->seq);
    ck_assert_uint_eq(a->newest_seq, b->newest_seq);
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_int_eq(a->time_ns, b->time_ns);
    ck_assert_int_eq(a->newest_ns, b->newest_ns);
    ck_assert(identifier_code_equal(a->payer_agent, b->payer_agent));
    ck_assert(identifier_code_equal(a->payee_agent, b->payee_agent));
    ck_assert(identifier_code_equal(a->payer, b->payer));
    ck_assert(identifier_code_equal(a->payee, b->payee));
    ck_assert(amount_compare(a->amount, b->amount) == 0);
    ck_assert(span_equal(identifier_payment_id_text(&a->id), identifier_payment_id_text(&b->id)));
    ck_assert(identifier_reason_equal(a->reason, b->reason));
    ck_assert_uint_eq(a->returned_seq, b->returned_seq);
}

static bool has_id(const struct search_payment *one, const struct payment_id *id)
{
    return span_equal(identifier_payment_id_text(&one->id), identifier_payment_id_text(id));
}

START_TEST(each_payment_is_found_by_its_id)
{
    history_write(history, directory, ENTRIES);
    demand_index(ENTRIES, (uint64_t)_i, 0);
    struct search *search = open_search();
    uint64_t seen = 0;
    uint32_t again = 0;
    ck_assert_int_eq(search_seen(search, &seen), FAULT_NONE);
    ck_assert_uint_eq(seen, ENTRIES);
    for (uint32_t i = 0; i < history->payment_count; i++) {
        /* All with this id, newest first. */
        const struct payment_id *id = &history->payments[i].id;
        uint64_t before = UINT64_MAX;
        for (uint32_t k = history->payment_count; k-- > 0;) {
            if (!has_id(&history->payments[k], id)) continue;
            ck_assert_int_eq(search_find(search, id, before, &payment), FAULT_NONE);
            assert_same(&payment, &history->payments[k]);
            again += before != UINT64_MAX;
            before = payment.seq;
        }
        ck_assert_int_eq(search_find(search, id, before, &payment), FAULT_NOT_FOUND);
    }
    ck_assert_uint_gt(again, 50);
    struct payment_id const absent = {.size = 2, .text = "E-"};
    ck_assert_int_eq(search_find(search, &absent, UINT64_MAX, &payment), FAULT_NOT_FOUND);
    ck_assert_int_eq(search_find(search, &absent, 0, &payment), FAULT_NOT_FOUND);
    search_close(search);
}
END_TEST

/* Each original of the history up to here; how many there are with open returns. */
static uint32_t check_originals(struct search *search)
{
    uint32_t originals = 0, returned = 0, returning = 0;
    for (uint32_t i = 0; i < history->payment_count; i++) {
        struct search_original original;
        const struct search_payment *expected = NULL;
        for (uint32_t k = 0; k < history->payment_count; k++) {
            if (has_id(&history->payments[k], &history->payments[i].id) &&
                history->payments[k].kind == ENTRY_SETTLED)
                expected = &history->payments[k];
        }
        enum fault const fault = search_original(search, &history->payments[i].id, &original);
        ck_assert_int_eq(fault, expected ? FAULT_NONE : FAULT_NOT_FOUND);
        if (expected == NULL) continue;
        int64_t settled_minor, open_minor;
        history_returns(history, expected->newest_seq, &settled_minor, &open_minor);
        assert_same(&original.payment, expected);
        ck_assert_uint_eq(original.seen_seq, history->seq);
        ck_assert_int_eq(amount_minor(original.returned), settled_minor);
        ck_assert_int_eq(amount_minor(original.returning), open_minor);
        originals++;
        returned += settled_minor > 0;
        returning += open_minor > 0;
    }
    ck_assert_uint_gt(originals, 100);
    ck_assert_uint_gt(returned, 20);
    return returning;
}

START_TEST(originals_come_with_what_was_returned)
{
    struct search *search = open_search();
    uint32_t returning = 0;
    history_write(history, directory, 1900);
    for (uint64_t from = 0; history->seq < 2400; from = history->seq) {
        if (from > 0) history_write(history, directory, 100);
        demand_index(history->seq, 1000, from);
        returning += check_originals(search);
    }
    ck_assert_uint_gt(returning, 0);
    search_close(search);
}
END_TEST

/* --- pages ------------------------------------------------------------------------------------ */

#define MS INT64_C(1000000)
#define BEGUN INT64_C(1795000000000000000)
#define CODE(text)                                                                                 \
    {                                                                                              \
        text                                                                                       \
    }

static const struct search_query queries[] = {
    {.before_seq = 0},
    {.before_seq = 1000},
    {.before_seq = UINT64_MAX},
    {.before_seq = 1},
    {.id = {.size = 3, .text = "E42"}},
    {.id = {.size = 4, .text = "E300"}, .participant = CODE("10000001")},
    {.id = {.size = 4, .text = "E300"}, .has_kind = true, .kind = ENTRY_REJECTED},
    {.id = {.size = 2, .text = "X1"}},
    {.participant = CODE("10000001")},
    {.participant = CODE("10000101")},
    {.participant = CODE("9999999X")}, /* named by somebody, but no participant */
    {.participant = CODE("10000002"), .has_kind = true, .kind = ENTRY_EXPIRED},
    {.has_kind = true, .kind = ENTRY_RESERVED},
    {.has_kind = true, .kind = ENTRY_SETTLED},
    {.has_kind = true, .kind = ENTRY_REJECTED, .from_ns = BEGUN + 900 * MS},
    {.has_kind = true, .kind = ENTRY_EXPIRED},
    {.has_kind = true, .kind = ENTRY_REFUSED, .participant = CODE("10000003")},
    {.has_kind = true, .kind = ENTRY_FUNDED},
    {.from_ns = BEGUN + 1000 * MS},
    {.to_ns = BEGUN + 1000 * MS},
    {.from_ns = BEGUN + 1000 * MS, .to_ns = BEGUN + 1200 * MS},
    {.from_ns = BEGUN + 1000 * MS, .to_ns = BEGUN + 1000 * MS},
    {.from_ns = BEGUN + 1000 * MS, .to_ns = BEGUN + 1001 * MS},
    {.from_ns = BEGUN + 3600000 * MS},
    {.to_ns = 1},
    {.from_ns = BEGUN + 500 * MS, .participant = CODE("10000004"), .before_seq = 2000},
    {.min = {900000}},
    {.has_max = true, .max = {50000}},
    {.min = {400000}, .has_max = true, .max = {410000}, .participant = CODE("10000001")},
    {.min = {5}, .has_max = true, .max = {4}},
};

static bool is_wanted(const struct search_query *query, const struct search_payment *one)
{
    struct participant_code const code = query->participant;
    bool const is_known = code.text[0] == '1';
    bool const is_party = is_known && (identifier_code_equal(one->payer, code) ||
                                       identifier_code_equal(one->payee, code) ||
                                       identifier_code_equal(one->payer_agent, code) ||
                                       identifier_code_equal(one->payee_agent, code));
    return (query->before_seq == 0 || one->seq < query->before_seq) &&
           (query->id.size == 0 || has_id(one, &query->id)) &&
           (identifier_code_is_none(code) || is_party) &&
           (!query->has_kind || one->kind == query->kind) && one->time_ns >= query->from_ns &&
           (query->to_ns == 0 || one->time_ns < query->to_ns) &&
           amount_compare(one->amount, query->min) >= 0 &&
           (!query->has_max || amount_compare(one->amount, query->max) <= 0);
}

struct found {
    uint32_t count, place; /* visited; place in the history of the next payment to come, and one */
    const struct search_query *query;
};

static enum fault expect(void *context, const struct search_payment *one)
{
    struct found *found = context;
    while (found->place > 0 && !is_wanted(found->query, &history->payments[found->place - 1]))
        found->place--;
    ck_assert_uint_gt(found->place, 0);
    assert_same(one, &history->payments[--found->place]);
    found->count++;
    return FAULT_NONE;
}

START_TEST(pages_have_what_was_asked_for)
{
    static const uint32_t sizes[] = {1, 7, 100000};
    history_write(history, directory, ENTRIES);
    demand_index(ENTRIES, 1000, 0);
    struct search *search = open_search();
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            struct search_query query = queries[i];
            struct found found = {.place = history->payment_count, .query = &queries[i]};
            uint64_t next = 0;
            do {
                uint32_t const before = found.count;
                ck_assert_int_eq(search_page(search, &query, sizes[k], expect, &found, &next),
                                 FAULT_NONE);
                ck_assert_uint_le(found.count - before, sizes[k]);
                ck_assert(next == 0 || query.before_seq == 0 || next < query.before_seq);
                query.before_seq = next;
            } while (next != 0);
            uint32_t expected = 0;
            for (uint32_t p = 0; p < history->payment_count; p++)
                expected += is_wanted(&queries[i], &history->payments[p]);
            ck_assert_msg(found.count == expected, "query %zu: %u, expected %u", i, found.count,
                          expected);
        }
    }
    search_close(search);
}
END_TEST

static enum fault stop(void *context, const struct search_payment *one)
{
    (void)context;
    (void)one;
    return FAULT_CLOSED;
}

START_TEST(rare_payments_come_by_short_pages)
{
    history->day_entries = 5000;
    history_write(history, directory, 50000);
    demand_index(50000, INDEX_BATCH_ENTRIES, 0);
    ck_assert_uint_gt(history->payment_count, LIMIT_SEARCH_EXAMINED);
    struct search *search = open_search();
    struct search_query query = {.min = amount_of_minor(990000)};
    struct found found = {.place = history->payment_count, .query = &query};
    struct search_query asked = query;
    uint64_t next = 0;
    uint32_t pages = 0;
    do {
        ck_assert_int_eq(search_page(search, &asked, 100000, expect, &found, &next), FAULT_NONE);
        asked.before_seq = next;
        pages++;
    } while (next != 0);
    ck_assert_uint_eq(pages, history->payment_count / LIMIT_SEARCH_EXAMINED + 1);
    ck_assert_uint_gt(found.count, 10);
    /* The visitor's fault ends a page, and a page of nothing asks nothing. */
    ck_assert_int_eq(search_page(search, &query, 5, stop, NULL, &next), FAULT_CLOSED);
    ck_assert_int_eq(search_page(search, &query, 0, stop, NULL, &next), FAULT_NONE);
    ck_assert_uint_eq(next, 0);
    search_close(search);
}
END_TEST

START_TEST(cursors_are_text)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "0000000000000000",
                                      "00000000000000001",
                                      "000000000000000G",
                                      "000000000000000A",
                                      "-000000000000001"};
    char text[SEARCH_CURSOR_BYTES];
    uint64_t seq = 0;
    search_print_cursor(UINT64_C(0x1234567890abcdef), text);
    ck_assert(search_parse_cursor(span_text(text), &seq));
    ck_assert_uint_eq(seq, UINT64_C(0x1234567890abcdef));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!search_parse_cursor(span_text(bad[i]), &seq));
}
END_TEST

/* --- days and numbers ------------------------------------------------------------------------- */

START_TEST(days_and_numbers_are_found)
{
    history_write(history, directory, ENTRIES);
    demand_index(ENTRIES, 1000, 0);
    struct search *search = open_search();
    struct search_day day;
    for (uint32_t i = 0; i < history->day_count; i++) {
        ck_assert_int_eq(search_day(search, history->days[i].day, &day), FAULT_NONE);
        ck_assert_uint_eq(day.first_seq, history->days[i].first_seq);
        ck_assert_uint_eq(day.last_seq, history->days[i].seq - 1);
        ck_assert(day.is_closed);
    }
    ck_assert_int_eq(search_day(search, (struct day){"2027-01-01"}, &day), FAULT_NOT_FOUND);
    ck_assert_int_eq(search_day(search, (struct day){0}, &day), FAULT_NONE);
    ck_assert_uint_eq(day.first_seq, history->days[history->day_count - 1].seq + 1);
    ck_assert_uint_eq(day.last_seq, ENTRIES);
    ck_assert(!day.is_closed);

    for (unsigned p = 0; p < HISTORY_PARTICIPANTS; p++) {
        struct participant_code const code = history->participants[p].code;
        uint64_t number = 0;
        for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
            const struct entry *entry = &history->entries[seq - 1];
            for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
                if (entry->public.sides[side].number == 0 ||
                    !identifier_code_equal(entry_participant(entry, side), code))
                    continue;
                number = entry->public.sides[side].number;
                if (number % INDEX_STRIDE != 0) continue;
                uint64_t stored = 0;
                ck_assert_int_eq(search_number(search, code, number, &stored), FAULT_NONE);
                ck_assert_uint_eq(stored, seq);
            }
            struct search_number place;
            ck_assert_int_eq(search_place(search, code, seq, &place), FAULT_NONE);
            ck_assert_uint_ge(place.number, number);
            ck_assert_uint_le(place.number, number + INDEX_STRIDE);
        }
        uint64_t none;
        ck_assert_uint_eq(number, history->participants[p].number);
        ck_assert_int_eq(search_number(search, code, 1024 * INDEX_STRIDE, &none), FAULT_NOT_FOUND);
    }
    struct search_number place;
    struct participant_code const stranger = {"00000000"};
    ck_assert_int_eq(search_place(search, stranger, 1, &place), FAULT_NOT_FOUND);
    search_close(search);
}
END_TEST

/* --- beginnings and ends ---------------------------------------------------------------------- */

/* All that is in the index, as one number. */
static long long sum_of_all(void)
{
    static const char sql[] =
        "SELECT (SELECT seq FROM ledger) * 31 + (SELECT total(number * ordinal + seq) FROM "
        "participants)"
        " + (SELECT sum(seq * kind + newest_seq + newest_ns % 1000003 + amount_minor"
        " + coalesce(payer, 0) + 7 * coalesce(payee, 0) + length(id)"
        " + coalesce(length(reason), 0) + coalesce(returned_seq, 0)) FROM payments)"
        " + (SELECT sum(seq * 3 + key % 1000003) FROM ids)"
        " + (SELECT sum(participant * seq) FROM parties)"
        " + (SELECT sum(participant * seq + number) FROM numbers)"
        " + (SELECT sum(original + 5 * settled_minor + 11 * open_minor) FROM returns)"
        " + (SELECT sum(first_seq * 13 + seq) FROM days)";
    return tamper_count(directory, INDEX_FILE, sql);
}

START_TEST(it_goes_on_where_it_was)
{
    history_write(history, directory, ENTRIES);
    demand_index(ENTRIES, ENTRIES, 0);
    long long const whole = sum_of_all();
    ck_assert_int_gt(whole, 0);

    /* In many small steps, with entries taken and not committed before each end. */
    struct reader *reader;
    struct index *index;
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(index_open(&index, directory, NULL, reader), FAULT_NONE);
    ck_assert_int_eq(index_clear(index), FAULT_NONE);
    ck_assert_uint_eq(index_next_seq(index), 1);
    uint64_t committed = 0;
    while (committed < ENTRIES) {
        ck_assert_uint_eq(index_seq(index), committed);
        uint64_t const to = committed + 317 < ENTRIES ? committed + 317 : ENTRIES;
        ck_assert_int_eq(reader_walk(reader, committed + 1, to, index_one, index), FAULT_NONE);
        ck_assert_uint_eq(index_next_seq(index), to + 1);
        ck_assert_uint_eq(index_seq(index), committed);
        ck_assert_int_eq(index_commit(index), FAULT_NONE);
        ck_assert_int_eq(index_commit(index), FAULT_NONE); /* nothing to do */
        committed = to;
        if (to + 100 <= ENTRIES)
            ck_assert_int_eq(reader_walk(reader, to + 1, to + 100, index_one, index), FAULT_NONE);
        index_close(index);
        ck_assert_int_eq(index_open(&index, directory, NULL, reader), FAULT_NONE);
    }
    index_close(index);
    reader_close(reader);
    ck_assert_int_eq(sum_of_all(), whole);
}
END_TEST

START_TEST(one_writes_and_many_read)
{
    struct reader *reader;
    struct index *index, *second = NULL;
    uint64_t seen;
    struct search *search = open_search();
    ck_assert_int_eq(search_seen(search, &seen), FAULT_BUSY); /* not even a folder */
    history_write(history, directory, 1000);
    ck_assert_int_eq(search_seen(search, &seen), FAULT_BUSY);
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(index_open(&index, directory, NULL, reader), FAULT_NONE);
    ck_assert_int_eq(index_open(&second, directory, NULL, reader), FAULT_BUSY);
    ck_assert_ptr_null(second);

    ck_assert_int_eq(search_seen(search, &seen), FAULT_NONE);
    ck_assert_uint_eq(seen, 0);
    ck_assert_int_eq(search_find(search, &history->payments[0].id, UINT64_MAX, &payment),
                     FAULT_NOT_FOUND);
    ck_assert_int_eq(reader_walk(reader, 1, 1000, index_one, index), FAULT_NONE);
    ck_assert_int_eq(search_seen(search, &seen), FAULT_NONE);
    ck_assert_uint_eq(seen, 0);
    ck_assert_int_eq(index_commit(index), FAULT_NONE);
    ck_assert_int_eq(search_seen(search, &seen), FAULT_NONE);
    ck_assert_uint_eq(seen, 1000);

    /* Who had the old file open sees that there is another one. */
    ck_assert_int_eq(index_clear(index), FAULT_NONE);
    ck_assert_int_eq(search_seen(search, &seen), FAULT_NONE);
    ck_assert_uint_eq(seen, 0);
    ck_assert_int_eq(reader_walk(reader, 1, 1000, index_one, index), FAULT_NONE);
    ck_assert_int_eq(index_commit(index), FAULT_NONE);
    ck_assert_int_eq(search_find(search, &history->payments[0].id, UINT64_MAX, &payment),
                     FAULT_NONE);
    index_close(index);
    reader_close(reader);
    search_close(search);
}
END_TEST

START_TEST(ledger_without_entries_has_no_index)
{
    history_write(history, directory, 0);
    uint64_t from;
    ck_assert_int_eq(index_up_to(NULL, 0, 1, &from), FAULT_NOT_FOUND);
}
END_TEST

static const struct {
    const char *shell, *sql; /* what is done to the index */
    uint64_t kept;           /* entries that it still has afterwards */
} unfit[] = {
    {"true", NULL, ENTRIES},
    {"rm -f index.db*", NULL, 0},
    {"rm -f index.db-wal index.db-shm index.lock", NULL, ENTRIES},
    {"echo 'This is no database, and longer than its head.' >index.db", NULL, 0},
    {": >index.db", NULL, 0},
    {"head -c 3000 index.db >part && mv part index.db", NULL, 0},
    {"head -c 30000 index.db >part && mv part index.db", NULL, 0},
    {"cp segment-000001.db index.db", NULL, 0},
    {NULL, "PRAGMA user_version = 2; UPDATE ledger SET one = 1", 0},
    {NULL, "PRAGMA application_id = 7; UPDATE ledger SET one = 1", 0},
    {NULL, "UPDATE ledger SET id = x'00112233445566778899aabbccddeeff'", 0},
    {NULL, "UPDATE ledger SET hash = flip(hash, 3)", 0},
    {NULL, "UPDATE ledger SET hash = x'00'", 0},
    {NULL, "UPDATE ledger SET seq = seq + 1", 0}, /* beyond the ledger's end */
    {NULL, "UPDATE ledger SET seq = seq - 1", 0},
    {NULL, "UPDATE ledger SET seq = -1", 0},
    {NULL, "DELETE FROM ledger", 0},
    {NULL, "UPDATE participants SET code = 'X' WHERE ordinal = 2", 0},
    {NULL, "UPDATE participants SET ordinal = 77 WHERE ordinal = 2", 0},
    {NULL, "DROP TABLE days; UPDATE ledger SET one = 1", 0},
};

START_TEST(what_is_unfit_is_made_anew)
{
    history_write(history, directory, ENTRIES);
    demand_index(ENTRIES, ENTRIES, 0);
    long long const whole = sum_of_all();
    if (unfit[_i].shell) {
        char command[3 * FOLDER_PATH_BYTES];
        (void)snprintf(command, sizeof command, "cd '%s' && %s", directory, unfit[_i].shell);
        ck_assert_int_eq(system(command), 0);
    } else {
        ck_assert(tamper_run(directory, INDEX_FILE, unfit[_i].sql));
    }
    demand_index(ENTRIES, ENTRIES, unfit[_i].kept);
    ck_assert_int_eq(sum_of_all(), whole);
}
END_TEST

static const char *const damaged[] = {
    "UPDATE payments SET kind = 1",
    "UPDATE payments SET payer = 99",
    "UPDATE payments SET id = ''",
    "UPDATE payments SET payer_agent = 'abc'",
    "UPDATE payments SET reason = '12345678901234567'",
    "UPDATE participants SET code = 'x' || ordinal",
};

START_TEST(damaged_rows_are_told)
{
    history_write(history, directory, 1000);
    demand_index(1000, 1000, 0);
    ck_assert(tamper_run(directory, INDEX_FILE, damaged[_i]));
    struct search *search = open_search();
    struct search_query const all = {0};
    struct found found = {.query = &all};
    uint64_t next;
    ck_assert_int_eq(search_page(search, &all, 1, expect, &found, &next), FAULT_CORRUPT);
    search_close(search);
}
END_TEST

/* Entries that do not follow from what the index has. */
static void undecided(struct entry *entry)
{
    *entry = history->entries[history->payments[0].newest_seq - 1];
    entry->public.opened_by = 1;
}
static void decided_twice(struct entry *entry)
{
    *entry = history->entries[history->payments[0].newest_seq - 1];
}
static void joined_twice(struct entry *entry)
{
    *entry = history->entries[1];
}
static void misnumbered(struct entry *entry)
{
    *entry = history->entries[6]; /* funded */
    entry->public.sides[SIDE_PAYEE].number = 77777;
}
static void of_a_stranger(struct entry *entry)
{
    *entry = history->entries[6];
    entry->public.payee.text[0] = '9';
}
static void without_id(struct entry *entry)
{
    *entry = history->entries[history->payments[0].seq - 1];
    entry->public.id.size = 0;
}
static void with_long_id(struct entry *entry)
{
    *entry = history->entries[history->payments[0].seq - 1];
    entry->public.id.size = 200;
}
static void day_without_body(struct entry *entry)
{
    *entry = history->entries[history->days[0].seq - 1];
}
static void of_no_kind(struct entry *entry)
{
    *entry = history->entries[6];
    entry->public.kind = 200;
}

static void (*const strange[])(struct entry *) = {
    undecided,  decided_twice, joined_twice,     misnumbered, of_a_stranger,
    without_id, with_long_id,  day_without_body, of_no_kind,
};

START_TEST(entries_that_do_not_follow_are_refused)
{
    history_write(history, directory, 1000);
    ck_assert_int_ne(history->payments[0].kind, ENTRY_REFUSED);
    struct reader *reader;
    struct index *index;
    struct entry entry;
    ck_assert_int_eq(reader_open(&reader, directory, NULL), FAULT_NONE);
    ck_assert_int_eq(index_open(&index, directory, NULL, reader), FAULT_NONE);
    ck_assert_int_eq(reader_walk(reader, 1, 900, index_one, index), FAULT_NONE);
    ck_assert_int_eq(index_commit(index), FAULT_NONE);
    strange[_i](&entry);
    entry.public.seq = 901;
    ck_assert_int_eq(index_entry(index, &entry, (struct span){0}), FAULT_CORRUPT);
    ck_assert_int_eq(index_entry(index, &entry, (struct span){0}), FAULT_CLOSED);
    ck_assert_int_eq(index_commit(index), FAULT_CLOSED);
    ck_assert_uint_eq(index_seq(index), 900);
    index_close(index);
    reader_close(reader);
    demand_index(1000, 1000, 0); /* it was made anew */
}
END_TEST

START_TEST(each_io_may_fail)
{
    ck_assert(fault_vfs_register());
    history_write(history, directory, 1500);
    demand_index(1500, 200, 0);
    long long const whole = sum_of_all();
    bool const for_good = _i == 1;
    bool failed = true;
    uint64_t nth = 0;
    char command[3 * FOLDER_PATH_BYTES];
    (void)snprintf(command, sizeof command, "cd '%s' && rm -f index*", directory);
    while (failed) {
        uint64_t from = 0;
        nth += 1 + nth / 16; /* all of the first, then some */
        ck_assert_int_eq(system(command), 0);
        ck_assert_int_eq(index_up_to(NULL, 700, 700, &from), FAULT_NONE);
        fault_vfs_fail(nth, for_good);
        enum fault const fault = index_up_to(FAULT_VFS_NAME, 1500, 200, &from);
        failed = fault_vfs_has_failed();
        fault_vfs_fail(0, false);
        if (!failed) ck_assert_int_eq(fault, FAULT_NONE);
        ck_assert_msg(index_up_to(NULL, 1500, 200, &from) == FAULT_NONE, "after call %" PRIu64,
                      nth);
        ck_assert_msg(sum_of_all() == whole, "after call %" PRIu64, nth);
    }
    ck_assert_uint_gt(nth, 60);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index");
    TCase *cases = tcase_create("index");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, each_payment_is_found_by_its_id, 999, 1001);
    tcase_add_test(cases, originals_come_with_what_was_returned);
    tcase_add_test(cases, pages_have_what_was_asked_for);
    tcase_add_test(cases, rare_payments_come_by_short_pages);
    tcase_add_test(cases, cursors_are_text);
    tcase_add_test(cases, days_and_numbers_are_found);
    tcase_add_test(cases, it_goes_on_where_it_was);
    tcase_add_test(cases, one_writes_and_many_read);
    tcase_add_test(cases, ledger_without_entries_has_no_index);
    tcase_add_loop_test(cases, what_is_unfit_is_made_anew, 0, sizeof unfit / sizeof unfit[0]);
    tcase_add_loop_test(cases, damaged_rows_are_told, 0, sizeof damaged / sizeof damaged[0]);
    tcase_add_loop_test(cases, entries_that_do_not_follow_are_refused, 0,
                        sizeof strange / sizeof strange[0]);
    tcase_add_loop_test(cases, each_io_may_fail, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int const failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
