/* Reads the lines word by word, drives the core, and says what happened in the same words. */
#include "tests/cases/story.h"

#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "switch/core/engine.h"

#define SECOND_NS TIME_NS_PER_SECOND
#define START_NS (INT64_C(1795284000) * SECOND_NS) /* 2026-11-21T18:00:00Z */
#define ENTRIES_MAX 256
#define WORDS_MAX 16
#define TEXT_BYTES 256

static const struct bank {
    const char *name, *code, *through;
    int64_t holds_minor;
    const char *limit;
    enum member_status status;
} banks[] = {
    {"A", "10000001", NULL, 100000, NULL, MEMBER_ACTIVE},
    {"B", "10000002", NULL, 100000, NULL, MEMBER_ACTIVE},
    {"C", "10000003", NULL, 100000, NULL, MEMBER_ACTIVE},
    {"L", "10000004", NULL, 100000, "500.00", MEMBER_ACTIVE},
    {"S", "10000005", NULL, 100000, NULL, MEMBER_SUSPENDED},
    {"D", "10000006", NULL, 100000, NULL, MEMBER_DEBIT_BLOCKED},
    {"E", "10000007", NULL, 0, NULL, MEMBER_ACTIVE},
    {"M", "10000008", NULL, AMOUNT_MAX_MINOR - 2000000, NULL, MEMBER_ACTIVE},
    {"A1", "10000101", "A", 0, NULL, MEMBER_ACTIVE},
    {"A2", "10000102", "A", 0, NULL, MEMBER_ACTIVE},
    {"A3", "10000103", "A", 0, "50.00", MEMBER_ACTIVE},
    {"A9", "10000109", "A", 0, NULL, MEMBER_SUSPENDED},
    {"B1", "10000201", "B", 0, NULL, MEMBER_ACTIVE},
    {"L1", "10000401", "L", 0, NULL, MEMBER_ACTIVE},
    {"S1", "10000501", "S", 0, NULL, MEMBER_ACTIVE},
    {"D1", "10000601", "D", 0, NULL, MEMBER_ACTIVE},
};

#define BANKS (sizeof banks / sizeof banks[0])

struct play {
    const struct story *story;
    const char *happens; /* the line that is played */
    struct engine *engine;
    struct stamp stamp;
    uint32_t entry_count;
    struct entry entries[ENTRIES_MAX];
    struct body bodies[ENTRIES_MAX];
};

static const struct engine_options options = {
    .open_max = 64,
    .duplicate_capacity = 64,
    .duplicate_window_ns = 36 * 3600 * SECOND_NS,
    .clock_tolerance_ns = 12 * 3600 * SECOND_NS,
    .clock_ahead_ns = 60 * SECOND_NS,
    .deadline_high_ns = 10 * SECOND_NS,
    .deadline_normal_ns = 45 * 60 * SECOND_NS,
    .currency = {"MXN"},
    .index_key = {1, 2},
};

static struct participant_code code_of(const char *name)
{
    struct participant_code code = {{'9', '9', '9', '9', '9', '9', '9', '9'}}; /* X: nobody */
    for (size_t i = 0; i < BANKS; i++) {
        if (strcmp(banks[i].name, name) == 0) memcpy(code.text, banks[i].code, sizeof code.text);
    }
    return code;
}

static const char *name_of(uint32_t index)
{
    ck_assert_uint_lt(index, BANKS);
    return banks[index].name; /* they join in this order */
}

static struct amount amount_of(const char *text)
{
    struct amount amount;
    ck_assert_int_eq(amount_parse(span_text(text), &amount), AMOUNT_PARSE_GOOD);
    return amount;
}

/* A participant's own entry numbered one less, found by looking at all; its number is 0: none. */
static struct entry_link find_newest_of(const struct play *play, struct participant_code code)
{
    struct entry_link newest = {0};
    for (uint32_t i = 0; i < play->entry_count; i++) {
        const struct entry *const entry = &play->entries[i];
        for (enum entry_side side = SIDE_PAYER; side <= SIDE_PAYEE; side++) {
            if (entry->public.sides[side].number > newest.number &&
                identifier_code_equal(entry_participant(entry, side), code))
                newest = (struct entry_link){.number = entry->public.sides[side].number,
                                             .previous_seq = entry->public.seq};
        }
    }
    return newest;
}

/* The numbering and the balances of a side, and what both sides share. */
static void check_side(const struct play *play, const struct outcome *outcome, enum entry_side side)
{
    const struct entry *const entry = &outcome->entry;
    const struct entry_link *const link = &entry->public.sides[side];
    const struct entry_account *const account = &entry->private.accounts[side];
    if (entry_side_use(entry->public.kind, side) == SIDE_NONE) {
        ck_assert_uint_eq(link->number, 0);
        ck_assert_uint_eq(link->previous_seq, 0);
        ck_assert(amount_is_zero(account->available) && amount_is_zero(account->reserved));
        return;
    }
    struct participant_code const code = entry_participant(entry, side);
    struct entry_link const newest = find_newest_of(play, code);
    ck_assert_uint_eq(link->number, newest.number + 1);
    ck_assert_uint_eq(link->previous_seq, newest.previous_seq);

    struct engine_participant const holder = engine_participant(play->engine, outcome->sides[side]);
    ck_assert(identifier_code_equal(holder.code, code));
    ck_assert_uint_eq(holder.number, link->number);
    ck_assert_uint_eq(holder.last_seq, entry->public.seq);
    ck_assert_int_eq(amount_compare(holder.available, account->available), 0);
    ck_assert_int_eq(amount_compare(holder.reserved, account->reserved), 0);
}

/* An entry that ends a payment names the one that reserved it, and says the same of it. */
static void check_opening(const struct play *play, const struct outcome *outcome)
{
    const struct entry_public *const public = &outcome->entry.public;
    if (public->opened_by == 0) return;
    ck_assert_uint_lt(public->opened_by, public->seq);
    const struct entry_public *const opening = &play->entries[public->opened_by - 1].public;
    ck_assert_uint_eq(opening->kind, ENTRY_RESERVED);
    ck_assert_mem_eq(&opening->id, &public->id, sizeof public->id);
    ck_assert_int_eq(amount_compare(opening->amount, public->amount), 0);
    ck_assert(identifier_code_equal(opening->payer_agent, public->payer_agent) &&
              identifier_code_equal(opening->payee_agent, public->payee_agent));
}

static void check_entry(const struct play *play, const struct outcome *outcome)
{
    const struct entry *const entry = &outcome->entry;
    struct span const salted[] = {span_of(&play->stamp.seed, sizeof play->stamp.seed),
                                  span_of(&entry->public.seq, sizeof entry->public.seq)};
    struct hash const salt = hash_parts(salted, 2);
    struct hash const of_body = body_hash(&outcome->body);
    ck_assert_uint_eq(entry->public.seq, play->entry_count + 1);
    ck_assert_int_eq(entry->public.time_ns, play->stamp.now_ns);
    ck_assert(hash_equal(&entry->private.salt, &salt));
    ck_assert(hash_equal(&entry->body_hash, &of_body));
    check_side(play, outcome, SIDE_PAYER);
    check_side(play, outcome, SIDE_PAYEE);
    check_opening(play, outcome);

    if (entry->public.kind == ENTRY_RESERVED || entry->public.kind == ENTRY_REFUSED) {
        struct span text = {0};
        (void)body_find(body_span(&outcome->body), BODY_INSTRUCTION_ID, &text);
        ck_assert(span_equal(text, identifier_max35_text(&outcome->instruction_id)));
    }
}

static const struct outcome *record(struct play *play, const struct outcome *outcome)
{
    if (outcome->kind != OUTCOME_ENTRY) return outcome;
    ck_assert_uint_lt(play->entry_count, ENTRIES_MAX);
    check_entry(play, outcome);
    play->entries[play->entry_count] = outcome->entry;
    play->bodies[play->entry_count] = outcome->body;
    play->entry_count++;
    return outcome;
}

static void let_banks_join(struct play *play)
{
    const struct outcome *outcome = NULL;
    struct hash const none = {0};
    uint8_t const ledger_id[ENGINE_LEDGER_ID_BYTES] = {1};
    ck_assert_int_eq(
        engine_segment(play->engine, &play->stamp, ledger_id, 1, &none, &none, &outcome),
        FAULT_NONE);
    record(play, outcome);
    for (size_t i = 0; i < BANKS; i++) {
        struct engine_joining joining = {.code = code_of(banks[i].name),
                                         .name = span_text(banks[i].name),
                                         .status = banks[i].status,
                                         .pacs008_max = 1};
        if (banks[i].through != NULL) joining.settles_through = code_of(banks[i].through);
        if (banks[i].limit != NULL) {
            joining.has_payment_limit = true;
            joining.payment_limit = amount_of(banks[i].limit);
        }
        ck_assert_int_eq(engine_join(play->engine, &play->stamp, &joining, &outcome), FAULT_NONE);
        record(play, outcome);
        if (banks[i].holds_minor == 0) continue;
        ck_assert_int_eq(engine_fund(play->engine, &play->stamp, joining.code,
                                     amount_of_minor(banks[i].holds_minor), &outcome),
                         FAULT_NONE);
        record(play, outcome);
    }
}

/* "+9.999999999s", "-12h": nanoseconds, without rounding. */
static int64_t duration_ns(const char *text)
{
    bool const negative = text[0] == '-';
    const char *at = text + (text[0] == '-' || text[0] == '+');
    char *unit;
    int64_t whole = strtoll(at, &unit, 10);
    int64_t billionths = 0;
    if (*unit == '.') {
        int64_t place = 100000000;
        for (unit++; *unit >= '0' && *unit <= '9'; unit++, place /= 10)
            billionths += (*unit - '0') * place;
    }
    int64_t unit_ns = 0;
    if (strcmp(unit, "h") == 0) unit_ns = 3600 * SECOND_NS;
    if (strcmp(unit, "m") == 0) unit_ns = 60 * SECOND_NS;
    if (strcmp(unit, "s") == 0) unit_ns = SECOND_NS;
    if (strcmp(unit, "ms") == 0) unit_ns = TIME_NS_PER_MS;
    if (strcmp(unit, "ns") == 0) unit_ns = 1;
    ck_assert_msg(unit_ns > 0, "not a duration: %s", text);
    int64_t const ns = whole * unit_ns + billionths * (unit_ns / SECOND_NS);
    return negative ? -ns : ns;
}

/* The sequence of the newest entry of a payment other than its reservation; 0: there is none. */
static uint64_t decided_seq(const struct play *play, const char *id)
{
    for (uint32_t i = play->entry_count; i > 0; i--) {
        const struct entry_public *const public = &play->entries[i - 1].public;
        if (public->kind != ENTRY_RESERVED &&
            span_equal(identifier_payment_id_text(&public->id), span_text(id)))
            return public->seq;
    }
    return 0;
}

static void say(char said[TEXT_BYTES], const char *format, ...) PRINTF_LIKE(2, 3);
static void say(char said[TEXT_BYTES], const char *format, ...)
{
    size_t const used = strlen(said);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(said + used, TEXT_BYTES - used, format, arguments);
    va_end(arguments);
}

static void say_entry(char said[TEXT_BYTES], const struct entry *entry)
{
    struct span const reason = identifier_reason_text(&entry->public.reason);
    say(said, "%s", entry_kind_name(entry->public.kind));
    if (reason.size > 0) say(said, " %.*s", (int)reason.size, reason.bytes);
}

static void say_status(const struct play *play, char said[TEXT_BYTES],
                       const struct outcome *outcome)
{
    const char *const receiver = name_of(outcome->receiver);
    struct span const id = identifier_max35_text(&outcome->status.id);
    struct span const reason = identifier_reason_text(&outcome->status.reason);
    if (outcome->standing_seq != 0) {
        ck_assert_uint_le(outcome->standing_seq, play->entry_count);
        char text[LIMIT_ID_BYTES + 1];
        (void)snprintf(text, sizeof text, "%.*s", (int)id.size, id.bytes);
        ck_assert_uint_eq(outcome->standing_seq, decided_seq(play, text));
        say(said, "again ");
        say_entry(said, &play->entries[outcome->standing_seq - 1]);
        say(said, " %s, to %s", text, receiver);
    } else if (outcome->status.status == STATUS_ACSP) {
        say(said, "still reserved, to %s", receiver);
    } else {
        ck_assert_int_eq(outcome->status.status, STATUS_RJCT);
        say(said, "answers %.*s to %s", (int)reason.size, reason.bytes, receiver);
    }
}

static void say_outcome(struct play *play, char said[TEXT_BYTES], const struct outcome *outcome)
{
    char available[AMOUNT_TEXT_BYTES], reserved[AMOUNT_TEXT_BYTES];
    record(play, outcome);
    switch (outcome->kind) {
    case OUTCOME_ENTRY: say_entry(said, &outcome->entry); break;
    case OUTCOME_STATUS: say_status(play, said, outcome); break;
    case OUTCOME_BALANCE:
        amount_print(outcome->balance.available, available);
        amount_print(outcome->balance.reserved, reserved);
        say(said, "balance %s %s", available, reserved);
        break;
    }
}

static struct max35_text text_of(const char *text)
{
    struct max35_text copy = {0};
    ck_assert(identifier_parse_max35(span_text(text), &copy));
    return copy;
}

/* <sender> pays <payee> <amount> as <id> [modifiers] */
static void play_pays(struct play *play, char *words[], size_t count, char said[TEXT_BYTES])
{
    ck_assert_uint_ge(count, 6);
    struct transfer_command transfer = {.kind = COMMAND_TRANSFER,
                                        .sender = code_of(words[0]),
                                        .payer_agent = code_of(words[0]),
                                        .payee_agent = code_of(words[2]),
                                        .priority = PRIORITY_HIGH,
                                        .currency = options.currency,
                                        .acceptance_ns = play->stamp.now_ns,
                                        .id = text_of(words[5])};
    transfer.amount_parse = amount_parse(span_text(words[3]), &transfer.amount);
    for (size_t i = 6; i < count; i++) {
        const char *const modifier = words[i];
        if (strcmp(modifier, "normal") == 0) {
            transfer.priority = PRIORITY_NORMAL;
            continue;
        }
        ck_assert_uint_lt(++i, count);
        if (strcmp(modifier, "for") == 0)
            transfer.payer_agent = code_of(words[i]);
        else if (strcmp(modifier, "in") == 0)
            ck_assert(identifier_parse_currency(span_text(words[i]), &transfer.currency));
        else if (strcmp(modifier, "accepted") == 0)
            transfer.acceptance_ns += duration_ns(words[i]);
        else if (strcmp(modifier, "text") == 0)
            transfer.instruction_id = text_of(words[i]);
        else
            ck_abort_msg("%s: no such modifier: %s", play->story->name, modifier);
    }
    /* Time is left out, so that a payment can be said again later. */
    struct span const content[] = {span_of(&transfer.payer_agent, sizeof transfer.payer_agent),
                                   span_of(&transfer.payee_agent, sizeof transfer.payee_agent),
                                   span_text(words[3]), span_text(words[5]),
                                   identifier_max35_text(&transfer.instruction_id)};
    transfer.content_hash = hash_parts(content, sizeof content / sizeof content[0]);
    struct message_command const message = {.sender = transfer.sender,
                                            .hash = hash_of(span_text(play->happens))};
    ck_assert(engine_room(play->engine, play->stamp.now_ns, 1));
    say_outcome(play, said, engine_transfer(play->engine, &play->stamp, &message, &transfer));
}

/* <bank> accepts <id>, or <bank> rejects <id> <code> */
static void play_answer(struct play *play, char *words[], size_t count, char said[TEXT_BYTES])
{
    bool const accepted = strcmp(words[1], "accepts") == 0;
    ck_assert_uint_eq(count, accepted ? 3 : 4);
    struct answer_command answer = {.kind = COMMAND_ANSWER,
                                    .sender = code_of(words[0]),
                                    .accepted = accepted,
                                    .id = text_of(words[2])};
    if (!accepted) ck_assert(identifier_parse_reason(span_text(words[3]), &answer.reason));
    struct message_command const message = {.sender = answer.sender,
                                            .hash = hash_of(span_text(play->happens))};
    say_outcome(play, said, engine_answer(play->engine, &play->stamp, &message, &answer));
}

static void play_clock(struct play *play, const char *duration, char said[TEXT_BYTES])
{
    play->stamp.now_ns += duration_ns(duration);
    const struct outcome *outcome;
    while ((outcome = engine_expire(play->engine, &play->stamp)) != NULL) {
        ck_assert_uint_eq(outcome->entry.public.kind, ENTRY_EXPIRED);
        record(play, outcome);
        struct span const id = identifier_payment_id_text(&outcome->entry.public.id);
        say(said, "%s %.*s", said[0] ? "" : "expired", (int)id.size, id.bytes);
    }
    if (said[0] == 0) say(said, "nothing");
    ck_assert_int_gt(engine_next_deadline_ns(play->engine), play->stamp.now_ns);
}

static void play_line(struct play *play, const char *happens, char said[TEXT_BYTES])
{
    char text[TEXT_BYTES];
    char *words[WORDS_MAX];
    size_t count = 0;
    (void)snprintf(text, sizeof text, "%s", happens);
    for (char *word = strtok(text, " "); word != NULL && count < WORDS_MAX;
         word = strtok(NULL, " "))
        words[count++] = word;
    ck_assert_uint_ge(count, 2);

    play->happens = happens;
    if (strcmp(words[0], "clock") == 0) {
        play_clock(play, words[1], said);
    } else if (strcmp(words[1], "pays") == 0) {
        play_pays(play, words, count, said);
    } else if (strcmp(words[1], "accepts") == 0 || strcmp(words[1], "rejects") == 0) {
        play_answer(play, words, count, said);
    } else {
        ck_assert_str_eq(words[1], "asks");
        struct balance_command const balance = {.kind = COMMAND_BALANCE,
                                                .sender = code_of(words[0])};
        say_outcome(play, said, engine_balance(play->engine, &play->stamp, &balance));
    }
}

static void check_accounts(const struct play *play, const char *accounts)
{
    char expected[TEXT_BYTES], held[TEXT_BYTES] = "";
    (void)snprintf(expected, sizeof expected, "%s", accounts);
    for (char *word = strtok(expected, ", "); word != NULL; word = strtok(NULL, ", ")) {
        char available[AMOUNT_TEXT_BYTES], reserved[AMOUNT_TEXT_BYTES];
        struct engine_participant const bank =
            engine_participant(play->engine, engine_find(play->engine, code_of(word)));
        amount_print(bank.available, available);
        amount_print(bank.reserved, reserved);
        say(held, "%s%s %s %s", held[0] ? ", " : "", word, available, reserved);
        (void)strtok(NULL, ", ");
        (void)strtok(NULL, ", ");
    }
    ck_assert_msg(strcmp(held, accounts) == 0, "%s: %s: accounts hold \"%s\", not \"%s\"",
                  play->story->name, play->happens, held, accounts);
}

static void check_totals(const struct play *play)
{
    struct engine_totals const totals = engine_totals(play->engine);
    struct amount sum;
    ck_assert(amount_add(totals.available, totals.reserved, &sum));
    ck_assert_int_eq(amount_compare(sum, totals.net_funding), 0);
    ck_assert_int_eq(amount_compare(totals.reserved, totals.open_amount), 0);
    ck_assert_uint_eq(totals.last_seq, play->entry_count);
}

static void replay(const struct play *play)
{
    struct engine *second = NULL;
    ck_assert_int_eq(engine_open(&second, &options), FAULT_NONE);
    for (uint32_t i = 0; i < play->entry_count; i++)
        ck_assert_int_eq(engine_apply(second, &play->entries[i], body_span(&play->bodies[i])),
                         FAULT_NONE);
    struct hash const live = engine_digest(play->engine);
    struct hash const replayed = engine_digest(second);
    ck_assert_msg(hash_equal(&live, &replayed), "%s: the replay came to another state",
                  play->story->name);
    engine_close(second);
}

void story_play(const struct story *story)
{
    struct play *const play = calloc(1, sizeof *play);
    ck_assert_ptr_nonnull(play);
    play->story = story;
    play->stamp = (struct stamp){.now_ns = START_NS, .seed = {{7}}};
    ck_assert_int_eq(engine_open(&play->engine, &options), FAULT_NONE);
    let_banks_join(play);

    for (size_t i = 0; i < STORY_LINES_MAX && story->lines[i][HAPPENS] != NULL; i++) {
        const char *const *const line = story->lines[i];
        char said[TEXT_BYTES] = "";
        play_line(play, line[HAPPENS], said);
        ck_assert_msg(strcmp(said, line[SAYS]) == 0, "%s: %s: the switch says \"%s\", not \"%s\"",
                      story->name, line[HAPPENS], said, line[SAYS]);
        if (line[ACCOUNTS] != NULL) check_accounts(play, line[ACCOUNTS]);
        check_totals(play);
    }
    replay(play);
    engine_close(play->engine);
    free(play);
}
