/* health: `GET /livez` and `GET /readyz`, for whoever supervises the process. */
#ifndef SWITCH_ADMIN_HEALTH_H
#define SWITCH_ADMIN_HEALTH_H

#include "switch/admin/facts.h"
#include "switch/loop/exchange.h"

/* 200 while the process is worth keeping: the admin loop beats, or there would be no answer, and
 * no thread has failed; else 503. */
void health_answer_live(const struct facts *facts, struct exchange *exchange);

/* 200 while the switch serves participants; 503 while it starts, stops or has failed. */
void health_answer_ready(const struct facts *facts, struct exchange *exchange);

#endif
