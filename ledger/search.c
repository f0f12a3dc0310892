/* Questions to index.db over a read-only connection, each in one short transaction.
 *
 * The happy path of a question: see that the open file is still the index, else open the one that is;
 * begin, look things up, end.  Possible failures: there is no index yet (FAULT_BUSY), a row is not
 * what the writer writes (FAULT_CORRUPT), or SQLite refuses; `answer` ends the transaction on all of
 * these ways. */
#include "ledger/search.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/index.h"
#include "ledger/index_schema.h"
#include "proto/base/limits.h"
#include "proto/base/log.h"

#define PART "search"

/* Columns of a payment, in the order in which read_payment takes them. */
#define PAYMENT                                                                                    \
    "p.seq, p.kind, p.amount_minor, p.newest_seq, p.time_ns, p.newest_ns, p.payer, p.payee,"       \
    " p.payer_agent, p.payee_agent, p.id, p.reason, p.returned_seq"

struct search {
    char path[DATABASE_PATH_BYTES];
    const char *vfs;
    sqlite3 *db; /* NULL: none is open */
    sqlite3_stmt *begin, *end, *seen;
    sqlite3_stmt *participant; /* ordinal, newest number and its seq of code ?1 */
    sqlite3_stmt *code;        /* of ordinal ?1 */
    sqlite3_stmt *by_id;       /* payments of period ?1 and key ?2 before seq ?3, newest first */
    sqlite3_stmt *by_party, *by_kind,
        *by_seq;           /* payments of ?1 from seq ?2 to before ?3, likewise */
    sqlite3_stmt *at;      /* seq and time of the first payment from seq ?1 on */
    sqlite3_stmt *returns; /* of the original settled by entry ?1 */
    sqlite3_stmt *day, *last_day;
    sqlite3_stmt *number; /* seq of number ?2 of ordinal ?1 */
};

/* --- the file --------------------------------------------------------------------------------- */

static void disconnect(struct search *search)
{
    sqlite3_stmt *statement;
    while (search->db && (statement = sqlite3_next_stmt(search->db, NULL)) != NULL)
        (void)sqlite3_finalize(statement);
    (void)sqlite3_close(search->db);
    search->db = NULL;
}

static enum fault prepare_all(struct search *search)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&search->begin, "BEGIN"},
        {&search->end, "ROLLBACK"},
        {&search->seen, "SELECT seq FROM ledger"},
        {&search->participant, "SELECT ordinal, number, seq FROM participants WHERE code = ?1"},
        {&search->code, "SELECT code FROM participants WHERE ordinal = ?1"},
        {&search->by_id,
         "SELECT " PAYMENT " FROM ids AS i CROSS JOIN payments AS p ON p.seq = i.seq"
         " WHERE i.period = ?1 AND i.key = ?2 AND i.seq < ?3 ORDER BY i.seq DESC"},
        {&search->by_party,
         "SELECT " PAYMENT " FROM parties AS i CROSS JOIN payments AS p ON p.seq = i.seq"
         " WHERE i.participant = ?1 AND i.seq >= ?2 AND i.seq < ?3 ORDER BY i.seq DESC"},
        {&search->by_kind, "SELECT " PAYMENT " FROM payments AS p INDEXED BY unsettled"
                           " WHERE p.kind = ?1 AND p.kind <> 6 AND p.seq >= ?2 AND p.seq < ?3"
                           " ORDER BY p.seq DESC"},
        {&search->by_seq, "SELECT " PAYMENT " FROM payments AS p WHERE p.seq >= ?2 AND p.seq < ?3"
                          " ORDER BY p.seq DESC"},
        {&search->at, "SELECT seq, time_ns FROM payments WHERE seq >= ?1 ORDER BY seq LIMIT 1"},
        {&search->returns, "SELECT settled_minor, open_minor FROM returns WHERE original = ?1"},
        {&search->day, "SELECT first_seq, seq FROM days WHERE day = ?1"},
        {&search->last_day, "SELECT first_seq, seq FROM days ORDER BY day DESC LIMIT 1"},
        {&search->number, "SELECT seq FROM numbers WHERE participant = ?1 AND number = ?2"},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        enum fault const fault =
            database_prepare(search->db, PART, statements[i].sql, statements[i].statement);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

/* The file was removed since it was opened, to be made anew?  Only the system's VFS can tell. */
static bool is_gone(struct search *search)
{
    int moved = 0;
    return sqlite3_file_control(search->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}

static enum fault connect(struct search *search)
{
    if (search->db && is_gone(search)) disconnect(search);
    if (search->db) return FAULT_NONE;
    enum fault fault = database_open(&search->db, PART, search->path, search->vfs, DATABASE_READ);
    if (fault == FAULT_NONE)
        fault = database_check(search->db, PART, INDEX_FILE, &index_schema, false);
    if (fault == FAULT_NONE) fault = prepare_all(search);
    if (fault != FAULT_NONE) disconnect(search);
    /* Absent, still empty, or of a version that the writer will replace. */
    return fault == FAULT_NOT_FOUND || fault == FAULT_VERSION ? FAULT_BUSY : fault;
}

/* The result of a step that is no row: the end of the rows, or why there are none. */
static enum fault ended(struct search *search, int result)
{
    return result == SQLITE_DONE ? FAULT_NOT_FOUND
                                 : database_failed(search->db, PART, "search", result);
}

/* One row with up to three numbers; FAULT_NOT_FOUND: there is none. */
static enum fault one_row(struct search *search, sqlite3_stmt *statement, uint64_t numbers[],
                          int count)
{
    int const result = sqlite3_step(statement);
    enum fault const fault = result == SQLITE_ROW ? FAULT_NONE : ended(search, result);
    for (int i = 0; fault == FAULT_NONE && i < count; i++)
        numbers[i] = (uint64_t)sqlite3_column_int64(statement, i);
    (void)sqlite3_reset(statement);
    return fault;
}

static enum fault seen(struct search *search, uint64_t *seq)
{
    enum fault const fault = one_row(search, search->seen, seq, 1);
    return fault == FAULT_NOT_FOUND ? FAULT_BUSY : fault; /* nobody has claimed it yet */
}

static enum fault ask(struct search *search)
{
    enum fault fault = connect(search);
    if (fault != FAULT_NONE) return fault;
    int const result = database_step(search->begin);
    return result == SQLITE_OK ? FAULT_NONE : database_failed(search->db, PART, "begin", result);
}

static enum fault answer(struct search *search, enum fault fault)
{
    if (search->db && !sqlite3_get_autocommit(search->db)) (void)database_step(search->end);
    if (fault == FAULT_CORRUPT)
        LOG(LOG_ERROR, PART, "%s is damaged; it can be made anew", search->path);
    if (fault == FAULT_CORRUPT || fault == FAULT_IO) disconnect(search);
    return fault;
}

enum fault search_open(struct search **out, const char *directory, const char *vfs)
{
    struct search *search = calloc(1, sizeof *search);
    if (search == NULL) return FAULT_MEMORY;
    search->vfs = vfs;
    enum fault const fault = database_path(search->path, directory, INDEX_FILE);
    if (fault == FAULT_NONE)
        *out = search;
    else
        free(search);
    return fault;
}

void search_close(struct search *search)
{
    if (search == NULL) return;
    disconnect(search);
    free(search);
}

enum fault search_seen(struct search *search, uint64_t *seq)
{
    enum fault fault = ask(search);
    if (fault == FAULT_NONE) fault = seen(search, seq);
    return answer(search, fault);
}

/* --- payments --------------------------------------------------------------------------------- */

static struct span column_text(sqlite3_stmt *row, int column)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    return span_of(text, text ? (size_t)sqlite3_column_bytes(row, column) : 0);
}

/* The code of the ordinal in a column; none for NULL. */
static enum fault read_code(struct search *search, sqlite3_stmt *row, int column,
                            struct participant_code *code)
{
    *code = (struct participant_code){0};
    if (sqlite3_column_type(row, column) == SQLITE_NULL) return FAULT_NONE;
    (void)sqlite3_bind_int64(search->code, 1, sqlite3_column_int64(row, column));
    int const result = sqlite3_step(search->code);
    enum fault fault = FAULT_NONE;
    if (result != SQLITE_ROW)
        fault = result == SQLITE_DONE ? FAULT_CORRUPT : ended(search, result);
    else if (!identifier_parse_code(column_text(search->code, 0), code))
        fault = FAULT_CORRUPT;
    (void)sqlite3_reset(search->code);
    return fault;
}

static bool read_agent(sqlite3_stmt *row, int column, struct participant_code participant,
                       struct participant_code *agent)
{
    *agent = participant;
    return sqlite3_column_type(row, column) == SQLITE_NULL ||
           identifier_parse_code(column_text(row, column), agent);
}

static bool is_payment_kind(int64_t kind)
{
    return kind >= ENTRY_RESERVED && kind <= ENTRY_REFUSED;
}

static enum fault read_payment(struct search *search, sqlite3_stmt *row,
                               struct search_payment *payment)
{
    int64_t const kind = sqlite3_column_int64(row, 1);
    struct span const reason = column_text(row, 11);
    *payment = (struct search_payment){
        .seq = (uint64_t)sqlite3_column_int64(row, 0),
        .newest_seq = (uint64_t)sqlite3_column_int64(row, 3),
        .kind = (enum entry_kind)kind,
        .time_ns = sqlite3_column_int64(row, 4),
        .newest_ns = sqlite3_column_int64(row, 5),
        .amount = amount_of_minor(sqlite3_column_int64(row, 2)),
        .returned_seq = (uint64_t)sqlite3_column_int64(row, 12),
    };
    if (!is_payment_kind(kind) || !identifier_parse_payment_id(column_text(row, 10), &payment->id))
        return FAULT_CORRUPT;
    if (reason.size > REASON_BYTES) return FAULT_CORRUPT;
    if (reason.size > 0) memcpy(payment->reason.text, reason.bytes, reason.size);
    enum fault fault = read_code(search, row, 6, &payment->payer);
    if (fault == FAULT_NONE) fault = read_code(search, row, 7, &payment->payee);
    if (fault != FAULT_NONE) return fault;
    return read_agent(row, 8, payment->payer, &payment->payer_agent) &&
                   read_agent(row, 9, payment->payee, &payment->payee_agent)
               ? FAULT_NONE
               : FAULT_CORRUPT;
}

static bool is_same_id(const struct payment_id *a, const struct payment_id *b)
{
    return span_equal(identifier_payment_id_text(a), identifier_payment_id_text(b));
}

/* In a transaction.  Other ids with the same 64 bits are passed over. */
static enum fault find(struct search *search, const struct payment_id *id, uint64_t before_seq,
                       struct search_payment *payment)
{
    uint64_t newest;
    enum fault fault = seen(search, &newest);
    if (fault != FAULT_NONE) return fault;
    if (newest == 0 || before_seq <= 1) return FAULT_NOT_FOUND;
    if (before_seq > newest) before_seq = newest + 1;
    int64_t const key = index_key(id);
    for (uint64_t period = (before_seq - 1) / INDEX_PERIOD_ENTRIES + 1; period-- > 0;) {
        (void)sqlite3_bind_int64(search->by_id, 1, (sqlite3_int64)period);
        (void)sqlite3_bind_int64(search->by_id, 2, key);
        (void)sqlite3_bind_int64(search->by_id, 3, (sqlite3_int64)before_seq);
        int result;
        bool is_found = false;
        fault = FAULT_NONE;
        while (fault == FAULT_NONE && !is_found &&
               (result = sqlite3_step(search->by_id)) == SQLITE_ROW) {
            fault = read_payment(search, search->by_id, payment);
            is_found = fault == FAULT_NONE && is_same_id(&payment->id, id);
        }
        if (fault == FAULT_NONE && !is_found) fault = ended(search, result);
        (void)sqlite3_reset(search->by_id);
        if (fault != FAULT_NOT_FOUND) return fault;
    }
    return FAULT_NOT_FOUND;
}

enum fault search_find(struct search *search, const struct payment_id *id, uint64_t before_seq,
                       struct search_payment *payment)
{
    enum fault fault = ask(search);
    if (fault == FAULT_NONE) fault = find(search, id, before_seq, payment);
    return answer(search, fault);
}

enum fault search_original(struct search *search, const struct payment_id *id,
                           struct search_original *original)
{
    uint64_t sums[2] = {0, 0}, before_seq = UINT64_MAX;
    enum fault fault = ask(search);
    if (fault == FAULT_NONE) fault = seen(search, &original->seen_seq);
    while (fault == FAULT_NONE) {
        fault = find(search, id, before_seq, &original->payment);
        if (fault == FAULT_NONE && original->payment.kind == ENTRY_SETTLED) break;
        before_seq = original->payment.seq;
    }
    if (fault == FAULT_NONE) {
        (void)sqlite3_bind_int64(search->returns, 1, (sqlite3_int64)original->payment.newest_seq);
        fault = one_row(search, search->returns, sums, 2);
        if (fault == FAULT_NOT_FOUND) fault = FAULT_NONE; /* nothing was returned */
    }
    original->returned = amount_of_minor((int64_t)sums[0]);
    original->returning = amount_of_minor((int64_t)sums[1]);
    return answer(search, fault);
}

/* --- pages ------------------------------------------------------------------------------------ */

struct page {
    const struct search_query *query;
    uint32_t count, visited, examined;
    search_visit visit;
    void *context;
    uint64_t next;
};

/* As *next of search_page when the page ends behind payment `seq`. */
static bool is_full(struct page *page, uint64_t seq)
{
    if (page->visited < page->count && page->examined < LIMIT_SEARCH_EXAMINED) return false;
    page->next = seq;
    return true;
}

static bool is_wanted(const struct search_query *query, int64_t kind, struct amount amount)
{
    return (!query->has_kind || kind == query->kind) && amount_compare(amount, query->min) >= 0 &&
           (!query->has_max || amount_compare(amount, query->max) <= 0);
}

static bool is_party(const struct search_payment *payment, struct participant_code code)
{
    return identifier_code_equal(payment->payer, code) ||
           identifier_code_equal(payment->payee, code) ||
           identifier_code_equal(payment->payer_agent, code) ||
           identifier_code_equal(payment->payee_agent, code);
}

/* The first sequence from which all payments were opened at `time_ns` or later: times never fall. */
static enum fault first_at(struct search *search, int64_t time_ns, uint64_t *seq)
{
    uint64_t low = 1, high;
    enum fault fault = seen(search, &high);
    if (fault != FAULT_NONE) return fault;
    high++;
    while (low < high) {
        uint64_t const middle = low + (high - low) / 2;
        uint64_t row[2];
        (void)sqlite3_bind_int64(search->at, 1, (sqlite3_int64)middle);
        fault = one_row(search, search->at, row, 2);
        if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND) return fault;
        if (fault == FAULT_NOT_FOUND || (int64_t)row[1] >= time_ns)
            high = middle;
        else
            low = row[0] + 1;
    }
    *seq = low;
    return FAULT_NONE;
}

/* An id has a handful of payments at most, over all time. */
static enum fault page_of_id(struct search *search, struct page *page, uint64_t from_seq,
                             uint64_t before_seq)
{
    const struct search_query *const query = page->query;
    struct search_payment payment;
    bool const is_of_party = !identifier_code_is_none(query->participant);
    enum fault fault = FAULT_NONE;
    while (fault == FAULT_NONE) {
        fault = find(search, &query->id, before_seq, &payment);
        if (fault == FAULT_NOT_FOUND || payment.seq < from_seq) return FAULT_NONE;
        if (fault != FAULT_NONE) break;
        page->examined++;
        if (is_wanted(query, payment.kind, payment.amount) &&
            (!is_of_party || is_party(&payment, query->participant))) {
            page->visited++;
            fault = page->visit(page->context, &payment);
        }
        if (fault == FAULT_NONE && is_full(page, payment.seq)) break;
        before_seq = payment.seq;
    }
    return fault;
}

/* In a transaction: ordinal, newest number, and its entry. */
static enum fault find_participant(struct search *search, struct participant_code code,
                                   uint64_t row[3])
{
    struct span const text = identifier_code_text(&code);
    (void)sqlite3_bind_text(search->participant, 1, text.bytes, (int)text.size, SQLITE_STATIC);
    return one_row(search, search->participant, row, 3);
}

/* Chooses the rows that have least to be passed over. FAULT_NOT_FOUND: there is no such participant. */
static enum fault choose(struct search *search, const struct search_query *query,
                         sqlite3_stmt **rows)
{
    if (!identifier_code_is_none(query->participant)) {
        uint64_t participant[3];
        enum fault const fault = find_participant(search, query->participant, participant);
        if (fault != FAULT_NONE) return fault;
        *rows = search->by_party;
        (void)sqlite3_bind_int64(*rows, 1, (sqlite3_int64)participant[0]);
    } else if (query->has_kind && query->kind != ENTRY_SETTLED) {
        *rows = search->by_kind;
        (void)sqlite3_bind_int64(*rows, 1, query->kind);
    } else {
        *rows = search->by_seq;
    }
    return FAULT_NONE;
}

static enum fault page_of_rows(struct search *search, struct page *page, uint64_t from_seq,
                               uint64_t before_seq)
{
    sqlite3_stmt *rows;
    struct search_payment payment;
    enum fault fault = choose(search, page->query, &rows);
    if (fault != FAULT_NONE) return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
    (void)sqlite3_bind_int64(rows, 2, (sqlite3_int64)from_seq);
    (void)sqlite3_bind_int64(rows, 3, (sqlite3_int64)before_seq);
    while (fault == FAULT_NONE) {
        int const result = sqlite3_step(rows);
        if (result != SQLITE_ROW) {
            fault = ended(search, result);
            break;
        }
        page->examined++;
        if (is_wanted(page->query, sqlite3_column_int64(rows, 1),
                      amount_of_minor(sqlite3_column_int64(rows, 2)))) {
            fault = read_payment(search, rows, &payment);
            if (fault == FAULT_NONE) fault = page->visit(page->context, &payment);
            page->visited++;
        }
        if (fault == FAULT_NONE && is_full(page, (uint64_t)sqlite3_column_int64(rows, 0))) break;
    }
    (void)sqlite3_reset(rows);
    return fault == FAULT_NOT_FOUND ? FAULT_NONE : fault;
}

enum fault search_page(struct search *search, const struct search_query *query, uint32_t count,
                       search_visit visit, void *context, uint64_t *next)
{
    struct page page = {.query = query, .count = count, .visit = visit, .context = context};
    uint64_t from_seq = 1;
    uint64_t before_seq =
        query->before_seq == 0 || query->before_seq > INT64_MAX ? INT64_MAX : query->before_seq;
    enum fault fault = ask(search);
    if (fault == FAULT_NONE && query->from_ns > 0)
        fault = first_at(search, query->from_ns, &from_seq);
    if (fault == FAULT_NONE && query->to_ns > 0) {
        uint64_t to_seq;
        fault = first_at(search, query->to_ns, &to_seq);
        if (fault == FAULT_NONE && to_seq < before_seq) before_seq = to_seq;
    }
    if (fault == FAULT_NONE && count > 0)
        fault = query->id.size > 0 ? page_of_id(search, &page, from_seq, before_seq)
                                   : page_of_rows(search, &page, from_seq, before_seq);
    *next = page.next;
    return answer(search, fault);
}

void search_print_cursor(uint64_t next, char text[SEARCH_CURSOR_BYTES])
{
    (void)snprintf(text, SEARCH_CURSOR_BYTES, "%016" PRIx64, next);
}

bool search_parse_cursor(struct span text, uint64_t *before_seq)
{
    uint64_t value = 0;
    if (text.size != SEARCH_CURSOR_BYTES - 1) return false;
    for (size_t i = 0; i < text.size; i++) {
        char const c = text.bytes[i];
        bool const is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'a' && c <= 'f')) return false;
        value = value << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    if (value == 0) return false;
    *before_seq = value;
    return true;
}

/* --- days and numbers ------------------------------------------------------------------------- */

static enum fault closed_day(struct search *search, struct day day, struct search_day *found)
{
    uint64_t row[2];
    struct span const text = day_text(&day);
    (void)sqlite3_bind_text(search->day, 1, text.bytes, (int)text.size, SQLITE_STATIC);
    enum fault const fault = one_row(search, search->day, row, 2);
    if (fault != FAULT_NONE) return fault;
    if (row[0] == 0 || row[1] < row[0]) return FAULT_CORRUPT;
    *found = (struct search_day){.first_seq = row[0], .last_seq = row[1] - 1, .is_closed = true};
    return FAULT_NONE;
}

static enum fault open_day(struct search *search, struct search_day *found)
{
    uint64_t row[2] = {0, 0}, newest;
    enum fault fault = seen(search, &newest);
    if (fault == FAULT_NONE) fault = one_row(search, search->last_day, row, 2);
    if (fault != FAULT_NONE && fault != FAULT_NOT_FOUND) return fault; /* no day was closed yet */
    *found = (struct search_day){.first_seq = row[1] + 1, .last_seq = newest};
    return FAULT_NONE;
}

enum fault search_day(struct search *search, struct day day, struct search_day *found)
{
    enum fault fault = ask(search);
    if (fault == FAULT_NONE)
        fault = day_text(&day).size > 0 ? closed_day(search, day, found) : open_day(search, found);
    return answer(search, fault);
}

static enum fault find_number(struct search *search, uint64_t ordinal, uint64_t number,
                              uint64_t *seq)
{
    (void)sqlite3_bind_int64(search->number, 1, (sqlite3_int64)ordinal);
    (void)sqlite3_bind_int64(search->number, 2, (sqlite3_int64)number);
    return one_row(search, search->number, seq, 1);
}

/* The first stored number whose entry is at or behind `seq`, found by halving; else the newest. */
static enum fault find_place(struct search *search, const uint64_t participant[3], uint64_t seq,
                             struct search_number *place)
{
    uint64_t low = 1, high = participant[1] / INDEX_STRIDE + 1;
    *place = (struct search_number){.number = participant[1], .seq = participant[2]};
    while (low < high) {
        uint64_t const middle = low + (high - low) / 2;
        uint64_t stored;
        enum fault const fault =
            find_number(search, participant[0], middle * INDEX_STRIDE, &stored);
        if (fault != FAULT_NONE) return fault == FAULT_NOT_FOUND ? FAULT_CORRUPT : fault;
        if (stored >= seq) {
            high = middle;
            *place = (struct search_number){.number = middle * INDEX_STRIDE, .seq = stored};
        } else {
            low = middle + 1;
        }
    }
    return FAULT_NONE;
}

enum fault search_place(struct search *search, struct participant_code code, uint64_t seq,
                        struct search_number *place)
{
    uint64_t participant[3];
    enum fault fault = ask(search);
    if (fault == FAULT_NONE) fault = find_participant(search, code, participant);
    if (fault == FAULT_NONE) fault = find_place(search, participant, seq, place);
    return answer(search, fault);
}

enum fault search_number(struct search *search, struct participant_code code, uint64_t number,
                         uint64_t *seq)
{
    assert(number % INDEX_STRIDE == 0);
    uint64_t participant[3];
    enum fault fault = ask(search);
    if (fault == FAULT_NONE) fault = find_participant(search, code, participant);
    if (fault == FAULT_NONE) fault = find_number(search, participant[0], number, seq);
    return answer(search, fault);
}
