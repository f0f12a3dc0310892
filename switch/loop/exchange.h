/* exchange: one HTTP request and the answer that it gets, now or later.
 *
 *   FREE --head read--> READING --whole--> OPEN --exchange_answer--> ANSWERED --sent--> FREE
 *                          |                 |
 *                          |                 +--connection lost--> LOST --exchange_forget--> FREE
 *                          +--connection lost--> FREE
 *
 * Exchanges live in the slots of their server, a fixed array.  A slot has a generation that grows
 * whenever it is freed, so that the id (generation, slot) names one request for ever: who holds an
 * id, settlement for example, holds nothing, and exchange_find says whether it still lives.
 *
 * Threads: the one of the server's loop. */
#ifndef SWITCH_LOOP_EXCHANGE_H
#define SWITCH_LOOP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/crypto/hash.h"
#include "proto/http/problem.h"
#include "proto/http/response.h"

struct exchange;
struct server;

/* generation << 32 | slot; never 0. */
struct exchange_id {
    uint64_t value;
};

struct exchange_id exchange_id(const struct exchange *exchange);

/* NULL: that exchange is over. */
struct exchange *exchange_find(struct server *server, struct exchange_id id);

/* The handler's own bytes for this exchange (server_settings.data_bytes of them, aligned to 16),
 * zeros when the head is shown. */
void *exchange_data(struct exchange *exchange);

/* SHA-256 of the certificate that the peer proved to hold, also on a resumed session; NULL on a
 * port without TLS, and once the connection is lost. */
const struct hash *exchange_peer(const struct exchange *exchange);

/* The connection is gone: an answer would reach nobody. */
bool exchange_is_lost(const struct exchange *exchange);

/* Calls the handler's time_up in `after_ns`, unless the exchange is answered before.  Only for an
 * exchange that waits (SERVER_WAITS); a later call replaces the time. */
void exchange_wake_after(struct exchange *exchange, int64_t after_ns);

/* `size` bytes in which the caller writes the body of the answer.  FAULT_FULL: no buffer is left. */
MUST_CHECK enum fault exchange_room(struct exchange *exchange, size_t size, char **body);

/* Answers with the body_size bytes that were written to exchange_room (0: no body, no room needed).
 * response->close is set by the server where the connection has to end.  A lost exchange is
 * forgotten instead.  The exchange is over for the handler.  Assumed: not answered yet. */
void exchange_answer(struct exchange *exchange, const struct response *response, size_t body_size);

/* The same with a body that the caller has; it is copied.  Where no buffer is left for it the
 * connection is closed without an answer. */
void exchange_answer_bytes(struct exchange *exchange, const struct response *response,
                           struct span body);

/* Answers with a problem document, in JSON when the request's Accept names nothing else.
 * `fields`: further headers (Allow, Retry-After). */
void exchange_problem(struct exchange *exchange, enum problem problem, struct span detail,
                      const struct draft_field *fields, size_t field_count);

/* Ends the connection without an answer: to the client the outcome is unknown. */
void exchange_cut(struct exchange *exchange);

/* Frees a lost exchange, to which no answer will be given. Assumed exchange_is_lost. */
void exchange_forget(struct exchange *exchange);

#endif
