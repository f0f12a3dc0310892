/* Rows are structs that are the bytes; writer and reader of each stand together.
 *
 * The happy path of a load: the head says how much there is, which is held to the options before
 * memory is taken; then each table row by row, participants first as all else names them; then the
 * sums over all rows are compared, and the digest of the loaded engine with the one stored.
 *
 * Possible failures: the source has no more or cannot be read; a row is not one that the engine
 * could have written; the options have no room for what there is.  In all cases the half-filled
 * engine is closed. */
#include "switch/core/snapshot.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "switch/core/state.h"

#define SNAPSHOT_MAGIC "CauState"
#define SNAPSHOT_VERSION 1
#define RUN_BYTES (64 * 1024) /* what is given or taken at once: 2,048 ids */

struct head {
    char magic[8];
    uint32_t version;
    struct currency currency;
    uint64_t last_seq;
    int64_t last_ns;
    uint64_t segment_number;
    int64_t window_ns;
    uint32_t member_count;
    uint32_t certificate_count;
    uint32_t payment_count;
    uint32_t group_count;
    uint32_t record_count;
    struct day last_day;
    uint8_t zeros[2];
    uint64_t first_seq;
#define HEAD_TOTAL(name, tag) uint64_t name;
    DAY_TOTAL_LIST(HEAD_TOTAL)
#undef HEAD_TOTAL
};

enum member_flag { FLAG_RTGS = 1, FLAG_PAYMENT_LIMIT = 2, FLAGS = 3 };

struct member_row {
    struct participant_code code;
    uint32_t account;
    uint32_t status;
    uint32_t pacs008_max;
    uint32_t flags;
    int64_t payment_limit_minor;
    int64_t available_minor;
    int64_t reserved_minor;
    uint64_t number;
    uint64_t last_seq;
};

struct payment_row {
    uint64_t opened_by;
    int64_t deadline_ns;
    int64_t amount_minor;
    uint32_t payer;
    uint32_t payee;
    struct participant_code agents[2];
    struct payment_id id;
    struct uetr uetr;
    struct max35_text instruction_id;
    uint8_t zeros[3];
};

static_assert(sizeof(struct head) == 216 && offsetof(struct head, first_seq) == 80 &&
                  sizeof(struct member_row) == 64 && sizeof(struct enrolment_certificate) == 40 &&
                  sizeof(struct payment_row) == 264 && sizeof(struct duplicate_group) == 24 &&
                  sizeof(struct duplicate_record) == 32,
              "the layout of version 1");
static_assert(PAYMENT_UNKNOWN == 0 && PAYMENT_RESERVED == 1 && PAYMENT_SETTLED == 2 &&
                  PAYMENT_REJECTED == 3 && PAYMENT_EXPIRED == 4 && PAYMENT_REFUSED == 5 &&
                  MEMBER_ACTIVE == 0 && MEMBER_SUSPENDED == 1 && MEMBER_DEBIT_BLOCKED == 2 &&
                  PURPOSE_CHANNEL == 0 && PURPOSE_SIGNING == 1 && DUPLICATE_NOBODY == 8191,
              "its numbers");

/* --- saving --- */

struct writer {
    struct hasher *hasher;
    engine_sink *sink; /* NULL: only the digest is wanted */
    void *context;
    enum fault fault; /* the sink's first; then nothing more is given to it */
    size_t size;
    uint8_t bytes[RUN_BYTES];
};

static void flush(struct writer *writer)
{
    struct span const run = span_of(writer->bytes, writer->size);
    hash_add(writer->hasher, run);
    if (writer->sink != NULL && writer->fault == FAULT_NONE)
        writer->fault = writer->sink(writer->context, run);
    writer->size = 0;
}

static void put(struct writer *writer, const void *row, size_t size)
{
    if (size > sizeof writer->bytes - writer->size) flush(writer);
    memcpy(writer->bytes + writer->size, row, size);
    writer->size += size;
}

static void put_head(struct writer *writer, const struct engine *engine)
{
    struct day_close const close = state_close_day(engine, engine->last_day);
    struct head head = {
        .magic = SNAPSHOT_MAGIC,
        .version = SNAPSHOT_VERSION,
        .currency = engine->options.currency,
        .last_seq = engine->last_seq,
        .last_ns = engine->last_ns,
        .segment_number = engine->segment_number,
        .window_ns = engine->duplicates.window_ns,
        .member_count = engine->members.count,
        .certificate_count = engine->enrolment.count,
        .payment_count = engine->payments.count,
        .group_count = engine->duplicates.group_count,
        .record_count = engine->duplicates.count,
        .last_day = engine->last_day,
        .first_seq = close.first_seq,
    };
#define PUT_TOTAL(name, tag) head.name = close.name;
    DAY_TOTAL_LIST(PUT_TOTAL)
#undef PUT_TOTAL
    put(writer, &head, sizeof head);
}

static void put_member(struct writer *writer, const struct engine *engine, uint32_t index)
{
    const struct member *const member = &engine->members.members[index];
    const struct account *const account = &engine->book.accounts[index];
    struct member_row const row = {
        .code = member->code,
        .account = member->account,
        .status = (uint32_t)member->status,
        .pacs008_max = member->pacs008_max,
        .flags = (member->is_rtgs ? (uint32_t)FLAG_RTGS : 0) |
                 (member->has_payment_limit ? (uint32_t)FLAG_PAYMENT_LIMIT : 0),
        .payment_limit_minor = amount_minor(member->payment_limit),
        .available_minor = amount_minor(account->available),
        .reserved_minor = amount_minor(account->reserved),
        .number = account->number,
        .last_seq = account->last_seq,
    };
    put(writer, &row, sizeof row);
}

static void put_payment(struct writer *writer, const struct payment *payment)
{
    struct payment_row const row = {
        .opened_by = payment->opened_by,
        .deadline_ns = payment->deadline_ns,
        .amount_minor = amount_minor(payment->amount),
        .payer = payment->payer,
        .payee = payment->payee,
        .agents = {payment->agents[SIDE_PAYER], payment->agents[SIDE_PAYEE]},
        .id = payment->id,
        .uetr = payment->uetr,
        .instruction_id = payment->instruction_id,
    };
    put(writer, &row, sizeof row);
}

/* Open payments in the order of their ids, which is that in which they were opened. */
static void put_payments(struct writer *writer, const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->duplicates.count; i++) {
        struct duplicate_mark const mark =
            duplicate_mark(&engine->duplicates, duplicate_at(&engine->duplicates, i));
        if (mark.state == PAYMENT_RESERVED)
            put_payment(writer, payment_at(&engine->payments, (uint32_t)mark.value));
    }
}

static void put_groups(struct writer *writer, const struct duplicate_table *table)
{
    for (uint32_t i = 0; i < table->group_count; i++) {
        struct duplicate_group row = table->groups[(table->group_first + i) % DUPLICATE_GROUPS];
        row.end -= table->first;
        put(writer, &row, sizeof row);
    }
}

static void put_records(struct writer *writer, const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->duplicates.count; i++) {
        struct duplicate_record row =
            engine->duplicates.records[duplicate_at(&engine->duplicates, i)];
        struct duplicate_mark mark = duplicate_unpack(row.mark);
        if (mark.state == PAYMENT_RESERVED) {
            mark.value = payment_at(&engine->payments, (uint32_t)mark.value)->opened_by;
            row.mark = duplicate_pack(mark);
        }
        put(writer, &row, sizeof row);
    }
}

static struct hash put_state(struct writer *writer, const struct engine *engine)
{
    writer->hasher = engine->hasher;
    writer->fault = FAULT_NONE;
    writer->size = 0;
    hash_begin(writer->hasher);
    put_head(writer, engine);
    for (uint32_t i = 0; i < engine->members.count; i++)
        put_member(writer, engine, i);
    for (uint32_t i = 0; i < engine->enrolment.count; i++)
        put(writer, &engine->enrolment.certificates[i], sizeof(struct enrolment_certificate));
    put_payments(writer, engine);
    put_groups(writer, &engine->duplicates);
    put_records(writer, engine);
    flush(writer);
    return hash_end(writer->hasher);
}

enum fault snapshot_save(const struct engine *engine, engine_sink *sink, void *context)
{
    struct writer writer;
    writer.sink = sink;
    writer.context = context;
    struct hash const digest = put_state(&writer, engine);
    return writer.fault == FAULT_NONE ? sink(context, hash_span(&digest)) : writer.fault;
}

struct hash snapshot_digest(const struct engine *engine)
{
    struct writer writer;
    writer.sink = NULL;
    return put_state(&writer, engine);
}

/* --- loading --- */

struct loading {
    struct engine *engine;
    engine_source *source;
    void *context;
    struct head head;
    uint32_t open_count;                        /* open payments whose id has come */
    struct amount reserved[LIMIT_PARTICIPANTS]; /* by account: what its open payments hold */
};

static bool is_zeros(const void *bytes, size_t size)
{
    static const uint8_t zeros[sizeof(struct max35_text)];
    assert(size <= sizeof zeros);
    return memcmp(bytes, zeros, size) == 0;
}

static bool take_amount(int64_t minor, int64_t least_minor, struct amount *amount)
{
    if (minor < least_minor || minor > AMOUNT_MAX_MINOR) return false;
    *amount = amount_of_minor(minor);
    return true;
}

static enum fault check_options(const struct head *head, const struct engine_options *options)
{
    if (head->window_ns < 0) return FAULT_CORRUPT;
    if (head->window_ns < options->duplicate_window_ns) return FAULT_INVALID;
    if (head->member_count > LIMIT_PARTICIPANTS || head->certificate_count > ENROLMENT_MAX ||
        head->payment_count > options->open_max || head->record_count > options->duplicate_capacity)
        return FAULT_FULL;
    return FAULT_NONE;
}

/* The counts of a day are of entries that there have been. */
static bool is_day(const struct head *head)
{
    struct day parsed;
    bool const is_first = head->first_seq == 1;
    if (is_first ? !is_zeros(&head->last_day, sizeof head->last_day)
                 : !day_parse(span_of(head->last_day.text, DAY_TEXT_BYTES), &parsed))
        return false;
    if (head->first_seq < 1 || head->first_seq > head->last_seq + 1) return false;

    uint64_t left = head->last_seq + 1 - head->first_seq;
    uint64_t const counts[] = {head->reserved_count, head->settled_count, head->rejected_count,
                               head->expired_count,  head->refused_count, head->funded_count};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i] > left) return false;
        left -= counts[i];
    }
    return true;
}

static enum fault check_head(const struct head *head, const struct engine_options *options)
{
    if (memcmp(head->magic, SNAPSHOT_MAGIC, sizeof head->magic) != 0) return FAULT_CORRUPT;
    if (head->version != SNAPSHOT_VERSION) return FAULT_VERSION;
    if (memcmp(&head->currency, &options->currency, sizeof head->currency) != 0)
        return FAULT_INVALID;
    enum fault const fault = check_options(head, options);
    if (fault != FAULT_NONE) return fault;

    /* The first entry is a segment; each row below has an entry of its own behind it. */
    uint64_t const rows =
        (uint64_t)head->member_count + head->certificate_count + head->record_count;
    if (head->last_seq > DUPLICATE_VALUE_MAX || head->segment_number > head->last_seq ||
        (head->segment_number == 0) != (head->last_seq == 0) ||
        rows > head->last_seq - head->segment_number || head->last_ns < 0)
        return FAULT_CORRUPT;
    if (head->payment_count > head->record_count || head->group_count > DUPLICATE_GROUPS ||
        head->group_count > head->record_count ||
        (head->group_count == 0) != (head->record_count == 0) ||
        !is_zeros(head->zeros, sizeof head->zeros) || !is_day(head))
        return FAULT_CORRUPT;
    return FAULT_NONE;
}

static void take_head(struct engine *engine, const struct head *head)
{
    engine->last_seq = head->last_seq;
    engine->last_ns = head->last_ns;
    engine->segment_number = head->segment_number;
    engine->last_day = head->last_day;
    engine->today = (struct day_close){.first_seq = head->first_seq};
#define TAKE_TOTAL(name, tag) engine->today.name = head->name;
    DAY_TOTAL_LIST(TAKE_TOTAL)
#undef TAKE_TOTAL
}

/* The balances and the number that come with a member. */
static bool take_account(struct engine *engine, const struct member_row *row, bool is_holder)
{
    struct account account = {.number = row->number, .last_seq = row->last_seq};
    if (!take_amount(row->available_minor, 0, &account.available) ||
        !take_amount(row->reserved_minor, 0, &account.reserved) ||
        row->last_seq > engine->last_seq || row->number > row->last_seq ||
        (row->number == 0) != (row->last_seq == 0))
        return false;
    if (row->number == 0 && (row->available_minor != 0 || row->reserved_minor != 0)) return false;
    if (!is_holder && row->number != 0) return false;

    struct book *const book = &engine->book;
    if (!amount_add(book->available, account.available, &book->available) ||
        !amount_add(book->reserved, account.reserved, &book->reserved))
        return false;
    book->accounts[engine->members.count] = account;
    return true;
}

static bool take_member(struct loading *loading, const void *bytes)
{
    struct engine *const engine = loading->engine;
    struct member_row row;
    memcpy(&row, bytes, sizeof row);
    struct member member = {.code = row.code,
                            .account = row.account,
                            .status = (enum member_status)row.status,
                            .pacs008_max = row.pacs008_max,
                            .is_rtgs = (row.flags & FLAG_RTGS) != 0,
                            .has_payment_limit = (row.flags & FLAG_PAYMENT_LIMIT) != 0};
    uint32_t const index = engine->members.count;
    if (identifier_code_is_none(row.code) ||
        member_find(&engine->members, row.code) != MEMBER_NOBODY || row.account > index ||
        (row.account != index && engine->members.members[row.account].account != row.account) ||
        row.status > MEMBER_DEBIT_BLOCKED || row.pacs008_max < 1 ||
        row.pacs008_max > LIMIT_TRANSACTIONS || row.flags > FLAGS)
        return false;
    if (member.has_payment_limit ? !take_amount(row.payment_limit_minor, 1, &member.payment_limit)
                                 : row.payment_limit_minor != 0)
        return false;
    if (!take_account(engine, &row, row.account == index)) return false;
    (void)member_add(&engine->members, &member);
    return true;
}

static bool take_certificate(struct loading *loading, const void *bytes)
{
    struct engine *const engine = loading->engine;
    struct enrolment_certificate row;
    memcpy(&row, bytes, sizeof row);
    if (row.member >= engine->members.count || row.purpose > PURPOSE_SIGNING) return false;
    enum certificate_purpose const purpose = (enum certificate_purpose)row.purpose;
    if (enrolment_check(&engine->enrolment, &row.fingerprint, row.member, purpose) != FAULT_NONE)
        return false;
    enrolment_add(&engine->enrolment, &row.fingerprint, row.member, purpose);
    return true;
}

static bool are_texts(const struct payment_row *row)
{
    struct uetr uetr;
    struct max35_text instruction_id;
    bool const is_uetr =
        is_zeros(&row->uetr, sizeof row->uetr) ||
        identifier_parse_uetr(span_of(row->uetr.text, sizeof row->uetr.text), &uetr);
    if (row->instruction_id.size > MAX35_TEXT_BYTES) return false;
    bool const is_instruction_id =
        is_zeros(&row->instruction_id, sizeof row->instruction_id) ||
        (identifier_parse_max35(identifier_max35_text(&row->instruction_id), &instruction_id) &&
         memcmp(&instruction_id, &row->instruction_id, sizeof instruction_id) == 0);
    return is_uetr && is_instruction_id && payment_is_id(&row->id) &&
           is_zeros(row->zeros, sizeof row->zeros);
}

static bool take_payment(struct loading *loading, const void *bytes)
{
    struct engine *const engine = loading->engine;
    struct payment_table *const table = &engine->payments;
    struct payment_row row;
    struct amount amount, open;
    memcpy(&row, bytes, sizeof row);
    uint64_t const before = table->count > 0 ? table->payments[table->count - 1].opened_by : 0;
    if (row.opened_by <= before || row.opened_by > engine->last_seq || row.deadline_ns <= 0 ||
        row.payer >= engine->members.count || row.payee >= engine->members.count ||
        row.payer == row.payee ||
        !member_settles_on(&engine->members, row.agents[SIDE_PAYER], row.payer) ||
        !member_settles_on(&engine->members, row.agents[SIDE_PAYEE], row.payee) ||
        !are_texts(&row) || !take_amount(row.amount_minor, 1, &amount) ||
        !amount_add(loading->reserved[row.payer], amount, &loading->reserved[row.payer]) ||
        !amount_add(table->open_amount, amount, &open))
        return false;

    uint32_t const place = payment_next(table);
    assert(place == table->count); /* none was ever removed */
    payment_add(table, &(struct payment){.opened_by = row.opened_by,
                                         .deadline_ns = row.deadline_ns,
                                         .amount = amount,
                                         .payer = row.payer,
                                         .payee = row.payee,
                                         .agents = {row.agents[SIDE_PAYER], row.agents[SIDE_PAYEE]},
                                         .id = row.id,
                                         .uetr = row.uetr,
                                         .instruction_id = row.instruction_id});
    deadline_add(&engine->deadlines, (struct deadline_item){.deadline_ns = row.deadline_ns,
                                                            .opened_by = row.opened_by,
                                                            .payment = place});
    return true;
}

static bool take_group(struct loading *loading, const void *bytes)
{
    struct duplicate_table *const table = &loading->engine->duplicates;
    struct duplicate_group row;
    memcpy(&row, bytes, sizeof row);
    struct duplicate_group const none = {0};
    const struct duplicate_group *const before =
        table->group_count > 0 ? &table->groups[table->group_count - 1] : &none;
    bool const is_last = table->group_count + 1 == loading->head.group_count;
    if (row.oldest_ns < before->newest_ns || row.newest_ns < row.oldest_ns ||
        row.newest_ns > loading->engine->last_ns || row.end <= before->end ||
        (is_last ? row.end != loading->head.record_count : row.end >= loading->head.record_count))
        return false;
    table->groups[table->group_count++] = row;
    return true;
}

/* What a record says of its payment.  An open one is the next that waits for its id; then the record
 * names its place. */
static bool check_record(struct loading *loading, struct duplicate_record *record,
                         uint32_t position)
{
    struct engine *const engine = loading->engine;
    struct duplicate_mark mark = duplicate_unpack(record->mark);
    switch (mark.state) {
    case PAYMENT_UNKNOWN: return record->mark == 0;
    case PAYMENT_RESERVED: {
        if (loading->open_count == engine->payments.count) return false;
        struct payment *const payment = &engine->payments.payments[loading->open_count];
        struct duplicate_key const key = duplicate_key(&payment->id);
        if (payment->opened_by != mark.value || payment->payee != mark.payee ||
            memcmp(&key, &record->id, sizeof key) != 0)
            return false;
        payment->record = position;
        mark.value = loading->open_count++;
        record->mark = duplicate_pack(mark);
        return true;
    }
    case PAYMENT_SETTLED:
    case PAYMENT_REJECTED:
    case PAYMENT_EXPIRED:
        return mark.value >= 1 && mark.value <= engine->last_seq &&
               mark.payee < engine->members.count &&
               engine->members.members[mark.payee].account == mark.payee;
    case PAYMENT_REFUSED:
        return mark.value >= 1 && mark.value <= engine->last_seq && mark.payee == DUPLICATE_NOBODY;
    }
    return false;
}

static enum fault take_records(struct loading *loading)
{
    struct duplicate_table *const table = &loading->engine->duplicates;
    struct duplicate_record run[RUN_BYTES / sizeof(struct duplicate_record)];
    uint32_t left = loading->head.record_count;
    while (left > 0) {
        uint32_t const count =
            left < sizeof run / sizeof run[0] ? left : sizeof run / sizeof run[0];
        enum fault fault = loading->source(loading->context, run, count * sizeof run[0]);
        for (uint32_t i = 0; i < count && fault == FAULT_NONE; i++) {
            if (!check_record(loading, &run[i], table->count + i)) fault = FAULT_CORRUPT;
        }
        if (fault == FAULT_NONE) fault = duplicate_restore(table, run, count);
        if (fault != FAULT_NONE) return fault;
        left -= count;
    }
    return FAULT_NONE;
}

/* Rows of one table, each judged and taken by `take`. */
static enum fault take_rows(struct loading *loading, uint32_t count, size_t size,
                            bool (*take)(struct loading *loading, const void *bytes))
{
    uint8_t run[RUN_BYTES];
    uint32_t const run_max = (uint32_t)(sizeof run / size);
    while (count > 0) {
        uint32_t const rows = count < run_max ? count : run_max;
        enum fault const fault = loading->source(loading->context, run, rows * size);
        if (fault != FAULT_NONE) return fault;
        for (uint32_t i = 0; i < rows; i++) {
            if (!take(loading, run + i * size)) return FAULT_CORRUPT;
        }
        count -= rows;
    }
    return FAULT_NONE;
}

/* What must hold between the tables. */
static bool check_sums(struct loading *loading)
{
    struct engine *const engine = loading->engine;
    struct book *const book = &engine->book;
    if (!amount_add(book->available, book->reserved, &book->net_funding) ||
        loading->open_count != engine->payments.count)
        return false;
    for (uint32_t i = 0; i < engine->members.count; i++) {
        if (amount_compare(loading->reserved[i], book->accounts[i].reserved) != 0) return false;
    }
    struct day_close const close = state_close_day(engine, engine->last_day);
    bool is_same = true;
#define TOTAL_IS_SAME(name, tag) is_same = is_same && close.name == loading->head.name;
    DAY_TOTAL_LIST(TOTAL_IS_SAME)
#undef TOTAL_IS_SAME
    return is_same;
}

static enum fault take_state(struct loading *loading)
{
    const struct head *const head = &loading->head;
    struct engine *const engine = loading->engine;
    take_head(engine, head);
    enum fault fault =
        take_rows(loading, head->member_count, sizeof(struct member_row), take_member);
    if (fault == FAULT_NONE)
        fault = take_rows(loading, head->certificate_count, sizeof(struct enrolment_certificate),
                          take_certificate);
    if (fault == FAULT_NONE)
        fault = take_rows(loading, head->payment_count, sizeof(struct payment_row), take_payment);
    if (fault == FAULT_NONE)
        fault = take_rows(loading, head->group_count, sizeof(struct duplicate_group), take_group);
    if (fault == FAULT_NONE) fault = take_records(loading);
    if (fault == FAULT_NONE && !check_sums(loading)) fault = FAULT_CORRUPT;

    struct hash stored;
    if (fault == FAULT_NONE) fault = loading->source(loading->context, &stored, sizeof stored);
    if (fault != FAULT_NONE) return fault;
    struct hash const digest = snapshot_digest(engine);
    return hash_equal(&digest, &stored) ? FAULT_NONE : FAULT_CORRUPT;
}

enum fault snapshot_load(struct engine **out, const struct engine_options *options,
                         engine_source *source, void *context)
{
    struct loading loading = {.source = source, .context = context};
    enum fault fault = source(context, &loading.head, sizeof loading.head);
    if (fault == FAULT_NONE) fault = check_head(&loading.head, options);
    if (fault != FAULT_NONE) return fault;

    struct engine_options stored = *options;
    stored.duplicate_window_ns = loading.head.window_ns; /* the digest is of this window */
    fault = engine_open(&loading.engine, &stored);
    if (fault != FAULT_NONE) return fault;
    fault = take_state(&loading);
    if (fault != FAULT_NONE) {
        engine_close(loading.engine);
        return fault;
    }
    struct engine *const engine = loading.engine;
    engine->options = *options;
    engine->duplicates.window_ns = options->duplicate_window_ns;
    for (uint32_t i = 0; i < engine->members.count; i++)
        engine->account_marks[i] = mark_of_account(i, &engine->book.accounts[i]);
    engine->mark = mark_whole(engine);
    *out = engine;
    return FAULT_NONE;
}
