/* Fingerprints of a handful of certificates, looked up one by one. */
#include "switch/admin/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/log.h"
#include "proto/crypto/certificate.h"

static enum fault say(char words[OPERATOR_WORDS_BYTES], enum fault fault, const char *what,
                      const char *why)
{
    (void)snprintf(words, OPERATOR_WORDS_BYTES, "%s: %s", what, why);
    return fault;
}

static enum fault add(struct operator_table *table, const struct genesis_operator *source,
                      char words[OPERATOR_WORDS_BYTES])
{
    struct certificate *certificate = NULL;
    const char *why = "";
    enum fault const fault = certificate_load(&certificate, source->certificate, &why);
    if (fault != FAULT_NONE) return say(words, fault, source->certificate, why);
    struct operator_identity const identity = {
        .fingerprint = *certificate_fingerprint(certificate),
        .role = source->role,
    };
    certificate_close(certificate);
    if (operator_find(table, &identity.fingerprint)) {
        return say(words, FAULT_INVALID, source->certificate, "two operators share it");
    }

    /* From here on nothing can fail. */
    struct operator_identity *const added = &table->list[table->count++];
    *added = identity;
    memcpy(added->name, source->name, sizeof added->name);
    return FAULT_NONE;
}

enum fault operator_load(struct operator_table *table, const char *path,
                         char words[OPERATOR_WORDS_BYTES])
{
    *table = (struct operator_table){0};
    struct genesis genesis;
    char error[CONFIG_ERROR_BYTES];
    enum fault fault = genesis_load(&genesis, path, error);
    if (fault == FAULT_IO) {
        LOG(LOG_WARNING, "admin", "%s: the operators' port lets nobody in", error);
        return FAULT_NONE;
    }
    if (fault != FAULT_NONE) {
        (void)snprintf(words, OPERATOR_WORDS_BYTES, "%s", error);
        return fault;
    }
    if (genesis.operator_count > 0) {
        table->list = calloc(genesis.operator_count, sizeof *table->list);
        if (!table->list) fault = say(words, FAULT_MEMORY, path, fault_words(FAULT_MEMORY));
    }
    for (size_t i = 0; i < genesis.operator_count && fault == FAULT_NONE; i++) {
        fault = add(table, &genesis.operators[i], words);
    }
    genesis_close(&genesis);
    if (fault != FAULT_NONE) operator_close(table);
    return fault;
}

const struct operator_identity *operator_find(const struct operator_table *table,
                                              const struct hash *fingerprint)
{
    for (size_t i = 0; fingerprint && i < table->count; i++) {
        if (hash_equal(&table->list[i].fingerprint, fingerprint)) return &table->list[i];
    }
    return NULL;
}

const char *operator_role_text(enum genesis_operator_role role)
{
    switch (role) {
    case GENESIS_AUDITOR: return "auditor";
    case GENESIS_MAKER: return "maker";
    case GENESIS_CHECKER: return "checker";
    case GENESIS_RTGS: break;
    }
    return "rtgs";
}

void operator_close(struct operator_table *table)
{
    free(table->list);
    *table = (struct operator_table){0};
}
