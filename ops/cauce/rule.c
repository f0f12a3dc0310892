/* rule: see rule.h. */
#include "ops/cauce/rule.h"

struct payee_decision rule_decide(struct amount amount, uint64_t limit_ms)
{
    switch (amount_minor(amount)) {
    case RULE_REJECT_MINOR:
        return (struct payee_decision){.answer = PAYEE_REJECT, .reject_reason = REASON("AC03")};
    case RULE_LATE_MINOR:
        return (struct payee_decision){.answer = PAYEE_ACCEPT, .delay_ms = limit_ms + RULE_LATE_MS};
    case RULE_SILENT_MINOR: return (struct payee_decision){.answer = PAYEE_SILENT};
    default: return (struct payee_decision){.answer = PAYEE_ACCEPT};
    }
}
