/* Field by field, for padding has no value. */
#include "switch/core/digest.h"

static void add_bytes(struct hasher *hasher, const void *bytes, size_t size)
{
    hash_add(hasher, span_of(bytes, size));
}

static void add_number(struct hasher *hasher, uint64_t number)
{
    add_bytes(hasher, &number, sizeof number);
}

static void add_amount(struct hasher *hasher, struct amount amount)
{
    add_number(hasher, (uint64_t)amount_minor(amount));
}

static void add_members(struct hasher *hasher, const struct engine *engine)
{
    add_number(hasher, engine->members.count);
    for (uint32_t i = 0; i < engine->members.count; i++) {
        const struct member *const member = &engine->members.members[i];
        add_bytes(hasher, member->code.text, sizeof member->code.text);
        add_number(hasher, member->account);
        add_number(hasher, (uint64_t)member->status);
        add_number(hasher, member->pacs008_max);
        add_number(hasher, member->is_rtgs);
        add_number(hasher, member->has_payment_limit);
        add_amount(hasher, member->payment_limit);

        const struct account *const account = &engine->book.accounts[i];
        add_amount(hasher, account->available);
        add_amount(hasher, account->reserved);
        add_number(hasher, account->number);
        add_number(hasher, account->last_seq);
    }
    add_number(hasher, engine->enrolment.count);
    for (uint32_t i = 0; i < engine->enrolment.count; i++) {
        const struct enrolment_certificate *const certificate = &engine->enrolment.certificates[i];
        add_bytes(hasher, &certificate->fingerprint, sizeof certificate->fingerprint);
        add_number(hasher, certificate->member);
        add_number(hasher, certificate->purpose);
    }
}

static void add_payment(struct hasher *hasher, const struct payment *payment)
{
    add_number(hasher, payment->opened_by);
    add_number(hasher, (uint64_t)payment->deadline_ns);
    add_amount(hasher, payment->amount);
    add_number(hasher, payment->payer);
    add_number(hasher, payment->payee);
    add_bytes(hasher, payment->agents, sizeof payment->agents);
    add_bytes(hasher, &payment->id, sizeof payment->id);
    add_bytes(hasher, &payment->uetr, sizeof payment->uetr);
    add_bytes(hasher, &payment->instruction_id, sizeof payment->instruction_id);
}

/* Every id in order of insertion, an open one with its payment. */
static void add_ids(struct hasher *hasher, const struct engine *engine)
{
    const struct duplicate_table *const table = &engine->duplicates;
    add_number(hasher, table->count);
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t const at = duplicate_at(table, i);
        const struct duplicate_record *const record = &table->records[at];
        struct duplicate_mark const mark = duplicate_mark(table, at);
        add_bytes(hasher, &record->id, sizeof record->id);
        add_bytes(hasher, record->content, sizeof record->content);
        add_number(hasher, (uint64_t)mark.state);
        add_number(hasher, mark.payee);
        if (mark.state == PAYMENT_RESERVED)
            add_payment(hasher, payment_at(&engine->payments, (uint32_t)mark.value));
        else
            add_number(hasher, mark.value);
    }
}

static void add_groups(struct hasher *hasher, const struct duplicate_table *table)
{
    add_number(hasher, table->group_count);
    for (uint32_t i = 0; i < table->group_count; i++) {
        const struct duplicate_group *const group =
            &table->groups[(table->group_first + i) % DUPLICATE_GROUPS];
        add_number(hasher, (uint64_t)group->oldest_ns);
        add_number(hasher, (uint64_t)group->newest_ns);
        add_number(hasher, group->end - table->first);
    }
}

struct hash digest_of(struct engine *engine)
{
    struct hasher *const hasher = engine->hasher;
    hash_begin(hasher);
    add_number(hasher, engine->last_seq);
    add_number(hasher, (uint64_t)engine->last_ns);
    add_number(hasher, engine->segment_number);
    add_amount(hasher, engine->book.net_funding);
    add_bytes(hasher, &engine->last_day, sizeof engine->last_day);
    add_number(hasher, engine->today.first_seq);
#define ADD_TOTAL(name, tag) add_number(hasher, engine->today.name);
    DAY_TOTAL_LIST(ADD_TOTAL)
#undef ADD_TOTAL
    add_members(hasher, engine);
    add_ids(hasher, engine);
    add_groups(hasher, &engine->duplicates);
    return hash_end(hasher);
}
