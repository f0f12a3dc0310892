/* WIRE section 4's table of reasons, a sentence of it above each check. */
#include "switch/core/rule.h"

#include <stdlib.h>
#include <string.h>

struct reason rule_reason(enum rule rule)
{
    switch (rule) {
    case RULE_NONE: break;
#define RULE_REASON(name, answer)                                                                  \
    case RULE_##name: return REASON(#name);
        RULE_LIST(RULE_REASON)
#undef RULE_REASON
    }
    return (struct reason){0};
}

enum rule rule_of_sender(const struct engine *engine, const struct transfer_command *transfer,
                         struct rule_facts *facts)
{
    const struct member_table *const members = &engine->members;
    *facts = (struct rule_facts){.payee_agent = STATE_NOBODY, .payee = STATE_NOBODY};

    /* "RC09: payer's agent unknown" */
    facts->payer_agent = member_find(members, transfer->payer_agent);
    if (facts->payer_agent == MEMBER_NOBODY) return RULE_RC09;
    facts->payer = members->members[facts->payer_agent].account;

    /* "AGNT: sender may not act for the payer's agent"; "The sender is DbtrAgt or the settlement
     * participant it settles through": in either case the holder of the account, for one that
     * settles through another has no account and no deliveries of its own to be answered with. */
    if (!identifier_code_equal(members->members[facts->payer].code, transfer->sender))
        return RULE_AGNT;

    /* "FF08: bad end-to-end id"; "EndToEndId [...]: 1-35 of [A-Za-z0-9._/:+-]" */
    if (!identifier_parse_payment_id(identifier_max35_text(&transfer->id), &facts->id))
        return RULE_FF08;
    return RULE_NONE;
}

static enum rule of_parties(const struct member_table *members,
                            const struct transfer_command *transfer, struct rule_facts *facts)
{
    /* "RC10: payee's agent unknown" */
    facts->payee_agent = member_find(members, transfer->payee_agent);
    if (facts->payee_agent == MEMBER_NOBODY) return RULE_RC10;
    facts->payee = members->members[facts->payee_agent].account;

    /* "AG10, AG11: payer's participant suspended or debit-blocked / payee's suspended (its own
     * status, or that of the one it settles through)" */
    if (members->members[facts->payer_agent].status != MEMBER_ACTIVE ||
        members->members[facts->payer].status != MEMBER_ACTIVE)
        return RULE_AG10;
    if (members->members[facts->payee_agent].status == MEMBER_SUSPENDED ||
        members->members[facts->payee].status == MEMBER_SUSPENDED)
        return RULE_AG11;

    /* "AG12: payer and payee settle on the same account" */
    if (facts->payer == facts->payee) return RULE_AG12;
    return RULE_NONE;
}

static bool is_above_limit(const struct member *member, struct amount amount)
{
    return member->has_payment_limit && amount_compare(amount, member->payment_limit) > 0;
}

static enum rule of_amount(const struct engine *engine, const struct transfer_command *transfer,
                           const struct rule_facts *facts)
{
    /* "AM03: currency" */
    if (memcmp(&transfer->currency, &engine->options.currency, sizeof transfer->currency) != 0)
        return RULE_AM03;

    /* "AM12: more than 2 decimals that are not zero (1.000 is 1.00), more than 16 integer digits,
     * or a credit that would overflow"; the XSD has no negative amounts, and we take none. */
    if (transfer->amount_parse != AMOUNT_PARSE_GOOD || amount_is_negative(transfer->amount) ||
        !book_can_credit(&engine->book, facts->payee, transfer->amount))
        return RULE_AM12;

    /* "AM01: zero" */
    if (amount_is_zero(transfer->amount)) return RULE_AM01;

    /* "AM14: above the participant's per-payment limit": that of the payer's agent, or of the one
     * whose account it moves. */
    if (is_above_limit(&engine->members.members[facts->payer_agent], transfer->amount) ||
        is_above_limit(&engine->members.members[facts->payer], transfer->amount))
        return RULE_AM14;
    return RULE_NONE;
}

/* "HIGH: deadline_high_ms from the earlier of AccptncDtTm and receipt; NORM: deadline_normal_ms from
 * receipt." */
static int64_t deadline_ns(const struct engine_options *options, int64_t now_ns,
                           const struct transfer_command *transfer)
{
    switch (transfer->priority) {
    case PRIORITY_HIGH:
        return (transfer->acceptance_ns < now_ns ? transfer->acceptance_ns : now_ns) +
               options->deadline_high_ns;
    case PRIORITY_NORMAL: return now_ns + options->deadline_normal_ns;
    }
    abort(); /* the list has no other */
}

static enum rule of_time(const struct engine_options *options, int64_t now_ns,
                         const struct transfer_command *transfer, struct rule_facts *facts)
{
    /* "AccptncDtTm may lie at most clock_tolerance_seconds behind and clock_ahead_seconds ahead of
     * the switch's clock", else DT02 */
    if (now_ns - transfer->acceptance_ns > options->clock_tolerance_ns ||
        transfer->acceptance_ns - now_ns > options->clock_ahead_ns)
        return RULE_DT02;

    /* "AB03: the deadline has already passed"; "at or after the deadline is late" */
    facts->deadline_ns = deadline_ns(options, now_ns, transfer);
    if (now_ns >= facts->deadline_ns) return RULE_AB03;
    return RULE_NONE;
}

enum rule rule_of_payment(const struct engine *engine, int64_t now_ns,
                          const struct transfer_command *transfer, struct rule_facts *facts)
{
    enum rule rule = of_parties(&engine->members, transfer, facts);
    if (rule == RULE_NONE) rule = of_amount(engine, transfer, facts);
    if (rule == RULE_NONE) rule = of_time(&engine->options, now_ns, transfer, facts);
    if (rule != RULE_NONE) return rule;

    /* "AM04: not enough available funds" */
    if (!book_can_reserve(&engine->book, facts->payer, transfer->amount)) return RULE_AM04;
    return RULE_NONE;
}
