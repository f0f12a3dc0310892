/* From genesis.json to the first block. */
#include "switch/settlement/opening.h"

#include <stdio.h>
#include <string.h>

#include "ledger/journal.h"
#include "proto/config/genesis.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/random.h"

static_assert(JOURNAL_LEDGER_ID_BYTES == ENGINE_LEDGER_ID_BYTES, "one ledger id");

static enum fault say(char words[SETTLEMENT_WORDS_BYTES], enum fault fault, const char *what,
                      const char *whose)
{
    (void)snprintf(words, SETTLEMENT_WORDS_BYTES, "genesis: %s of %s: %s", what, whose,
                   fault_words(fault));
    return fault;
}

static enum fault enter(struct settlement *settlement, const struct outcome *outcome)
{
    return turn_enter(settlement, outcome, NULL, (struct span){0});
}

static struct participant_code code_of(const config_code text)
{
    struct participant_code code = {0};
    (void)!identifier_parse_code(span_text(text),
                                 &code); /* empty: nobody; the file's reader has checked it */
    return code;
}

static enum member_status status_of(enum genesis_status status)
{
    switch (status) {
    case GENESIS_ACTIVE: return MEMBER_ACTIVE;
    case GENESIS_SUSPENDED: return MEMBER_SUSPENDED;
    case GENESIS_DEBIT_BLOCKED: return MEMBER_DEBIT_BLOCKED;
    }
    return MEMBER_SUSPENDED;
}

static enum fault join(struct settlement *settlement, const struct genesis_participant *participant,
                       char *words)
{
    struct engine_joining const joining = {
        .code = code_of(participant->code),
        .name = span_text(participant->name),
        .status = status_of(participant->status),
        .has_payment_limit = participant->has_payment_limit,
        .payment_limit = participant->payment_limit,
        .pacs008_max = participant->pacs008_max,
        .settles_through = code_of(participant->settles_through),
        .is_rtgs = participant->is_rtgs,
    };
    const struct outcome *outcome;
    enum fault const fault =
        engine_join(settlement->engine, &settlement->stamp, &joining, &outcome);
    if (fault != FAULT_NONE) return say(words, fault, "joining", participant->code);
    return enter(settlement, outcome);
}

static enum fault register_all(struct settlement *settlement,
                               const struct genesis_participant *participant,
                               const struct genesis_certificates *certificates,
                               enum certificate_purpose purpose, char *words)
{
    for (size_t i = 0; i < certificates->count; i++) {
        struct certificate *certificate;
        const char *why = "";
        enum fault fault = certificate_load(&certificate, certificates->paths[i], &why);
        if (fault != FAULT_NONE) {
            (void)snprintf(words, SETTLEMENT_WORDS_BYTES, "genesis: %s: %s", certificates->paths[i],
                           why);
            return FAULT_INVALID;
        }
        const struct outcome *outcome;
        fault =
            engine_certificate(settlement->engine, &settlement->stamp, code_of(participant->code),
                               purpose, certificate_der(certificate), &outcome);
        fault = fault == FAULT_NONE ? enter(settlement, outcome)
                                    : say(words, fault, "a certificate", participant->code);
        certificate_close(certificate);
        if (fault != FAULT_NONE) return fault;
    }
    return FAULT_NONE;
}

static enum fault fund(struct settlement *settlement, const struct genesis_participant *participant,
                       char *words)
{
    if (amount_is_zero(participant->balance)) return FAULT_NONE;
    const struct outcome *outcome;
    enum fault const fault =
        engine_fund(settlement->engine, &settlement->stamp, code_of(participant->code),
                    participant->balance, &outcome);
    if (fault != FAULT_NONE) return say(words, fault, "the balance", participant->code);
    return enter(settlement, outcome);
}

static enum fault write_participants(struct settlement *settlement, const struct genesis *genesis,
                                     char *words)
{
    enum fault fault = FAULT_NONE;
    /* Holders of accounts first, so that who settles through another finds it. */
    for (int indirect = 0; indirect < 2; indirect++) {
        for (size_t i = 0; i < genesis->participant_count && fault == FAULT_NONE; i++) {
            const struct genesis_participant *const participant = &genesis->participants[i];
            if ((participant->settles_through[0] != 0) != indirect) continue;
            fault = join(settlement, participant, words);
        }
    }
    for (size_t i = 0; i < genesis->participant_count && fault == FAULT_NONE; i++) {
        const struct genesis_participant *const participant = &genesis->participants[i];
        fault =
            register_all(settlement, participant, &participant->channel, PURPOSE_CHANNEL, words);
        if (fault == FAULT_NONE)
            fault = register_all(settlement, participant, &participant->signing, PURPOSE_SIGNING,
                                 words);
        if (fault == FAULT_NONE) fault = fund(settlement, participant, words);
    }
    return fault;
}

enum fault opening_write(struct settlement *settlement, const char *path, int64_t now_ns,
                         char words[SETTLEMENT_WORDS_BYTES])
{
    struct genesis genesis;
    enum fault fault = genesis_load(&genesis, path, words);
    if (fault != FAULT_NONE) return FAULT_INVALID;

    uint8_t ledger_id[ENGINE_LEDGER_ID_BYTES];
    settlement->stamp.now_ns = now_ns;
    fault = random_fill(ledger_id, sizeof ledger_id);
    if (fault == FAULT_NONE)
        fault = random_fill(&settlement->stamp.seed, sizeof settlement->stamp.seed);
    if (fault == FAULT_NONE) {
        struct hash const nothing = {0};
        const struct outcome *outcome;
        fault = engine_segment(settlement->engine, &settlement->stamp, ledger_id, 1, &nothing,
                               &nothing, &outcome);
        if (fault == FAULT_NONE) fault = enter(settlement, outcome);
    }
    if (fault == FAULT_NONE) fault = write_participants(settlement, &genesis, words);
    if (fault == FAULT_NONE) fault = turn_commit(settlement);
    genesis_close(&genesis);
    if (fault == FAULT_FULL && words[0] == 0) {
        (void)snprintf(words, SETTLEMENT_WORDS_BYTES,
                       "genesis: its participants and certificates are more than one block takes "
                       "(%d entries, 4 MiB of certificates)",
                       BLOCK_ENTRIES_MAX);
    }
    return fault;
}
