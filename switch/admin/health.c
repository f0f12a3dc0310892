/* One word of text: the state of the switch. */
#include "switch/admin/health.h"

static void answer(const struct facts *facts, struct exchange *exchange, bool is_good)
{
    struct response const response = {
        .status = is_good ? 200 : 503,
        .content_type = SPAN("text/plain; charset=utf-8"),
    };
    char text[32];
    struct draft draft = draft_into(text, sizeof text);
    draft_put(&draft, span_text(facts_state_text(facts_state(facts))));
    draft_put(&draft, SPAN("\n"));
    exchange_answer_bytes(exchange, &response, draft_span(&draft));
}

void health_answer_live(const struct facts *facts, struct exchange *exchange)
{
    answer(facts, exchange, facts_state(facts) != STATE_FAILED);
}

void health_answer_ready(const struct facts *facts, struct exchange *exchange)
{
    answer(facts, exchange, facts_state(facts) == STATE_SERVING);
}
