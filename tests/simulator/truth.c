/* The ledger's side comes entry by entry, the banks' side item by item. */
#include "tests/simulator/truth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/reader.h"
#include "tests/simulator/verdict.h"

void truth_open(struct truth *truth, uint32_t payments_max, const struct engine_options *options)
{
    *truth = (struct truth){.count_max = payments_max};
    truth->payments = calloc(payments_max, sizeof *truth->payments);
    VERDICT(truth->payments != NULL, "no memory");
    VERDICT(engine_open(&truth->follower, options) == FAULT_NONE, "no follower");
}

void truth_close(struct truth *truth)
{
    engine_close(truth->follower);
    free(truth->payments);
    *truth = (struct truth){0};
}

void truth_connect(struct truth *truth, const char *directory, const char *vfs)
{
    enum fault const fault = reader_open(&truth->reader, directory, vfs);
    VERDICT(fault == FAULT_NONE, "the ledger cannot be read: %s", fault_words(fault));
}

void truth_disconnect(struct truth *truth)
{
    reader_close(truth->reader);
    truth->reader = NULL;
}

uint32_t truth_account(uint32_t bank)
{
    return bank == TRUTH_BANKS - 1 ? 0 : bank;
}

struct participant_code truth_code(uint32_t bank)
{
    struct participant_code code;
    char text[PARTICIPANT_CODE_BYTES + 1];
    (void)snprintf(text, sizeof text, "1%07" PRIu32, (bank + 1) % 10000000);
    memcpy(code.text, text, sizeof code.text);
    return code;
}

struct max35_text truth_id(const struct truth *truth, uint32_t number)
{
    struct max35_text id = {0};
    id.size =
        (uint8_t)snprintf(id.bytes, sizeof id.bytes,
                          truth->payments[number].has_bad_id ? "P#%" PRIu32 : "P-%" PRIu32, number);
    return id;
}

struct max35_text truth_instruction_id(const struct truth *truth, uint32_t number)
{
    struct max35_text id = {0};
    if (truth->payments[number].has_instruction_id)
        id.size = (uint8_t)snprintf(id.bytes, sizeof id.bytes, "I-%" PRIu32, number);
    return id;
}

struct uetr truth_uetr(const struct truth *truth, uint32_t number)
{
    struct uetr uetr = {0};
    char text[UETR_BYTES + 1];
    if (!truth->payments[number].has_uetr) return uetr;
    (void)snprintf(text, sizeof text, "%08" PRIx32 "-0000-4000-8000-000000000000", number);
    memcpy(uetr.text, text, sizeof uetr.text);
    return uetr;
}

/* The number in "P-12" or "P#12". */
static uint32_t number_of(const struct truth *truth, struct span id)
{
    char text[LIMIT_ID_BYTES + 1] = "";
    if (id.size > 2 && id.size <= LIMIT_ID_BYTES) memcpy(text, id.bytes + 2, id.size - 2);
    char *end = text;
    unsigned long const number = strtoul(text, &end, 10);
    VERDICT(end != text && *end == 0 && number < truth->count, "nobody has sent the id %.*s",
            (int)id.size, id.bytes);
    return (uint32_t)number;
}

/* --- the ledger ------------------------------------------------------------------------------- */

static void open_payment(struct truth *truth, uint32_t number, const struct entry *entry)
{
    struct payment_truth *const payment = &truth->payments[number];
    const struct entry_public *const public = &entry->public;
    VERDICT(payment->opened_seq == 0, "payment %" PRIu32 " is opened twice", number);
    VERDICT(identifier_reason_text(&payment->transient).size == 0,
            "payment %" PRIu32 " takes an id and must not", number);
    payment->opened_seq = public->seq;
    payment->evidence_hash = public->evidence_hash;
    payment->transaction_index = entry->private.transaction_index;
    payment->content_hash = entry->private.content_hash;
    if (public->kind != ENTRY_RESERVED) return;
    VERDICT(
        identifier_code_equal(public->payer, truth_code(payment->sender)) &&
            identifier_code_equal(public->payee, truth_code(truth_account(payment->payee_agent))) &&
            amount_minor(public->amount) == payment->amount_minor,
        "payment %" PRIu32 " is reserved as another", number);
}

static void decide_payment(struct truth *truth, uint32_t number, const struct entry *entry)
{
    struct payment_truth *const payment = &truth->payments[number];
    const struct entry_public *const public = &entry->public;
    VERDICT(payment->decided_seq == 0, "payment %" PRIu32 " is decided twice", number);
    VERDICT(public->kind == ENTRY_REFUSED || public->opened_by == payment->opened_seq,
            "payment %" PRIu32 " is decided, and another was opened", number);
    payment->decided_seq = public->seq;
    payment->decided_kind = public->kind;
    payment->decided_ns = public->time_ns;
    payment->reason = public->reason;
}

static enum fault visit(void *context, const struct entry *entry, struct span body)
{
    struct truth *const truth = context;
    const struct entry_public *const public = &entry->public;
    VERDICT(public->seq == truth->seq + 1, "entry %" PRIu64 " comes after %" PRIu64, public->seq,
            truth->seq);
    VERDICT(hash_equal(&entry->prev_hash, &truth->head),
            "entry %" PRIu64 " is not linked to the one before", public->seq);
    enum fault const fault = engine_apply(truth->follower, entry, body);
    VERDICT(fault == FAULT_NONE, "entry %" PRIu64 " (%s) does not follow: %s", public->seq,
            entry_kind_name(public->kind), fault_words(fault));
    truth->seq = public->seq;
    truth->head = entry->hash;

    struct span const id = identifier_payment_id_text(&public->id);
    switch ((enum entry_kind) public->kind) {
    case ENTRY_SEGMENT:
    case ENTRY_JOINED:
    case ENTRY_CERTIFICATE:
    case ENTRY_FUNDED: break;
    case ENTRY_DAY: truth->day_count++; break;
    case ENTRY_RESERVED: open_payment(truth, number_of(truth, id), entry); break;
    case ENTRY_SETTLED:
        truth->settled_count++;
        decide_payment(truth, number_of(truth, id), entry);
        break;
    case ENTRY_REJECTED:
        truth->rejected_count++;
        decide_payment(truth, number_of(truth, id), entry);
        break;
    case ENTRY_EXPIRED:
        truth->expired_count++;
        decide_payment(truth, number_of(truth, id), entry);
        break;
    case ENTRY_REFUSED:
        truth->refused_count++;
        open_payment(truth, number_of(truth, id), entry);
        decide_payment(truth, number_of(truth, id), entry);
        break;
    }
    return FAULT_NONE;
}

void truth_follow(struct truth *truth)
{
    uint64_t newest;
    enum fault fault = reader_newest_seq(truth->reader, &newest);
    VERDICT(fault == FAULT_NONE, "the ledger's end cannot be read: %s", fault_words(fault));
    VERDICT(newest >= truth->seq, "the ledger had %" PRIu64 " entries and has %" PRIu64, truth->seq,
            newest);
    if (newest == truth->seq) return;
    fault = reader_walk(truth->reader, truth->seq + 1, newest, visit, truth);
    VERDICT(fault == FAULT_NONE, "the ledger cannot be read: %s", fault_words(fault));
}

void truth_check_recovered(struct truth *truth, struct engine *engine)
{
    if (truth->seq > 0) { /* what was read before is still what stands there */
        struct entry entry;
        enum fault const fault = reader_entry(truth->reader, truth->seq, &entry, NULL);
        VERDICT(fault == FAULT_NONE, "entry %" PRIu64 " was committed and is lost: %s", truth->seq,
                fault_words(fault));
        VERDICT(hash_equal(&entry.hash, &truth->head), "entry %" PRIu64 " has become another",
                truth->seq);
    }
    truth_follow(truth);
    VERDICT(engine_totals(engine).last_seq == truth->seq,
            "the core stands before the ledger's end");
    struct hash const own = engine_digest(engine);
    struct hash const follower = engine_digest(truth->follower);
    VERDICT(hash_equal(&own, &follower), "the core has recovered another state");
}

void truth_check_invariants(const struct truth *truth, const struct engine *engine)
{
    struct engine_totals const totals = engine_totals(engine);
    VERDICT(totals.last_seq == truth->seq,
            "the core is at entry %" PRIu64 ", the ledger at %" PRIu64, totals.last_seq,
            truth->seq);
    VERDICT(amount_minor(totals.net_funding) == (TRUTH_BANKS - 1) * TRUTH_FUNDING_MINOR,
            "net funding has changed");
    VERDICT(amount_minor(totals.available) + amount_minor(totals.reserved) ==
                amount_minor(totals.net_funding),
            "the sum of all balances is not the net funding");
    VERDICT(amount_compare(totals.reserved, totals.open_amount) == 0,
            "what is reserved is not the sum of the open payments");
    for (uint32_t bank = 0; bank < engine_participant_count(engine); bank++) {
        struct engine_participant const participant = engine_participant(engine, bank);
        VERDICT(!amount_is_negative(participant.available) &&
                    !amount_is_negative(participant.reserved),
                "a balance is below zero");
    }
}

/* --- the banks -------------------------------------------------------------------------------- */

void truth_acknowledge(struct truth *truth, uint32_t number)
{
    struct payment_truth *const payment = &truth->payments[number];
    payment->is_acknowledged = true;
    VERDICT(payment->opened_seq != 0 || identifier_reason_text(&payment->transient).size > 0,
            "payment %" PRIu32 " was answered 201 and is not in the ledger", number);
}

uint32_t truth_find_forwarded(struct truth *truth, const struct transfer_item *item,
                              struct span bytes)
{
    /* "... id P-12; ..." is what bank.c writes into every transaction. */
    static const char mark[] = "id ";
    const char *const at = memmem(bytes.bytes, bytes.size, mark, sizeof mark - 1);
    const char *start = at;
    if (item->whole_message) { /* the transaction is the n-th in its message */
        for (uint32_t i = 0; i < item->transaction_index && start != NULL; i++)
            start = memmem(start + 1, bytes.size - (size_t)(start + 1 - bytes.bytes), mark,
                           sizeof mark - 1);
    }
    VERDICT(start != NULL, "a forwarded pacs.008 without its transaction");
    start += sizeof mark - 1;
    const char *const end = memchr(start, ';', bytes.size - (size_t)(start - bytes.bytes));
    VERDICT(end != NULL, "a forwarded pacs.008 that was cut");
    uint32_t const number = number_of(truth, span_of(start, (size_t)(end - start)));

    const struct payment_truth *const payment = &truth->payments[number];
    struct hash const hash = hash_of(bytes);
    if (item->whole_message) {
        VERDICT(hash_equal(&hash, &payment->evidence_hash) &&
                    item->transaction_index == payment->transaction_index,
                "payment %" PRIu32 " is forwarded from another message", number);
    } else {
        VERDICT(hash_equal(&hash, &payment->content_hash),
                "payment %" PRIu32 " is forwarded with other bytes", number);
    }
    return number;
}

static void hear_payment(struct truth *truth, uint32_t bank, const struct delivery_item *item,
                         struct span bytes)
{
    uint32_t const number = truth_find_forwarded(truth, &item->transfer, bytes);
    struct payment_truth *const payment = &truth->payments[number];
    VERDICT(payment->opened_seq != 0 && payment->decided_kind != ENTRY_REFUSED,
            "payment %" PRIu32 " is forwarded and not reserved in the ledger", number);
    VERDICT(bank == truth_account(payment->payee_agent),
            "payment %" PRIu32 " is forwarded to another bank", number);
    payment->payee_has_payment = true;
}

/* A result that must be the ledger's. */
static void hear_result(struct payment_truth *payment, uint32_t number, uint32_t bank,
                        const struct status_item *status)
{
    bool const is_payer = bank == payment->sender;
    bool const is_payee = bank == truth_account(payment->payee_agent);
    VERDICT(payment->decided_seq != 0, "payment %" PRIu32 " has a result that is not in the ledger",
            number);
    bool const is_settled = payment->decided_kind == ENTRY_SETTLED;
    VERDICT(is_settled == (status->status != STATUS_RJCT),
            "payment %" PRIu32 " is told to be settled and is not, or the reverse", number);
    if (is_settled) {
        VERDICT(status->status == STATUS_ACSC ? is_payer : is_payee,
                "payment %" PRIu32 ": the result of the other side", number);
        VERDICT(status->settled_seq == payment->decided_seq &&
                    status->settled_ns == payment->decided_ns,
                "payment %" PRIu32 ": another instant or sequence of settlement", number);
    } else {
        VERDICT(identifier_reason_equal(status->reason, payment->reason),
                "payment %" PRIu32 ": another reason than the ledger's", number);
        VERDICT(is_payer || (is_payee && payment->decided_kind != ENTRY_REFUSED),
                "payment %" PRIu32 ": a result to a stranger", number);
    }
    if (is_payer) payment->payer_has_result = true;
    if (is_payee) payment->payee_has_result = true;
}

static void hear_status(struct truth *truth, uint32_t bank, const struct status_item *status)
{
    uint32_t const number = number_of(truth, identifier_max35_text(&status->id));
    struct payment_truth *const payment = &truth->payments[number];
    struct span const reason = identifier_reason_text(&status->reason);

    if (status->status == STATUS_RJCT && span_equal(reason, SPAN("NOOR"))) return;
    struct max35_text const instruction_id = truth_instruction_id(truth, number);
    struct uetr const uetr = truth_uetr(truth, number);
    bool const is_contradicted = status->status == STATUS_RJCT && span_equal(reason, SPAN("DU04"));
    VERDICT(span_equal(identifier_max35_text(&status->instruction_id),
                       identifier_max35_text(&instruction_id)) &&
                memcmp(&status->uetr, &uetr, sizeof uetr) == 0,
            "payment %" PRIu32 ": another InstrId or UETR", number);
    if (is_contradicted) {
        VERDICT(payment->was_contradicted, "payment %" PRIu32 ": DU04 without a reason", number);
        return;
    }
    if (identifier_reason_text(&payment->transient).size > 0) {
        VERDICT(status->status == STATUS_RJCT &&
                    identifier_reason_equal(status->reason, payment->transient) &&
                    bank == payment->sender,
                "payment %" PRIu32 ": %.*s is not its answer", number, (int)reason.size,
                reason.bytes);
        return;
    }
    if (status->status == STATUS_ACSP) {
        VERDICT(bank == payment->sender && payment->opened_seq != 0 &&
                    payment->decided_kind != ENTRY_REFUSED,
                "payment %" PRIu32 ": ACSP and not reserved, or to a stranger", number);
        return;
    }
    hear_result(payment, number, bank, status);
}

void truth_hear(struct truth *truth, uint32_t bank, const struct delivery_item *item,
                struct span bytes)
{
    struct amount sum;
    switch (item->type) {
    case DELIVER_PACS008: hear_payment(truth, bank, item, bytes); break;
    case DELIVER_PACS002: hear_status(truth, bank, &item->status); break;
    case DELIVER_ADMI002:
        VERDICT(item->refusal.code == REFUSAL_SCHEMA, "an admi.002 that nobody caused");
        break;
    case DELIVER_CAMT052:
        VERDICT(identifier_code_equal(item->balance.account, truth_code(bank)),
                "a balance of another");
        VERDICT(amount_add(item->balance.available, item->balance.reserved, &sum) &&
                    amount_minor(sum) <= (TRUTH_BANKS - 1) * TRUTH_FUNDING_MINOR,
                "a balance that cannot be");
        break;
    }
}

void truth_check_end(const struct truth *truth)
{
    for (uint32_t number = 0; number < truth->count; number++) {
        const struct payment_truth *const payment = &truth->payments[number];
        if (payment->opened_seq == 0) {
            VERDICT(!payment->is_acknowledged ||
                        identifier_reason_text(&payment->transient).size > 0,
                    "payment %" PRIu32 " was answered 201 and is not in the ledger", number);
            continue;
        }
        VERDICT(payment->decided_seq != 0, "payment %" PRIu32 " is still open", number);
        VERDICT(payment->payer_has_result, "payment %" PRIu32 ": the payer's bank knows no result",
                number);
        bool const is_settled = payment->decided_kind == ENTRY_SETTLED;
        bool const concerns_payee = is_settled || payment->decided_kind == ENTRY_EXPIRED;
        VERDICT(!concerns_payee || payment->payee_has_result,
                "payment %" PRIu32 ": the payee's bank knows no result", number);
        VERDICT(!is_settled || payment->payee_has_payment || payment->was_guessed,
                "payment %" PRIu32 " is settled and its pacs.008 never came", number);
    }
}
