/* session: who is asking, and whether that may be asked: the statuses that a head alone decides.
 *
 * The certificate that the TLS peer has proved to hold names the participant, on every request
 * anew and on resumed sessions too: a certificate that is taken out of the registry is refused at
 * the next request of a connection that is still open.
 *
 * Threads: the one of its loop. */
#ifndef SWITCH_PARTICIPANT_SESSION_H
#define SWITCH_PARTICIPANT_SESSION_H

#include <stdbool.h>

#include "proto/http/request.h"
#include "proto/record/published.h"
#include "proto/record/registry.h"
#include "switch/loop/exchange.h"
#include "switch/participant/task.h"

/* A registry is searched from its start, once for a certificate; this remembers what was found, a
 * stranger too, in the version in which it was found. */
#define SESSION_CACHE 1024 /* a power of two: the connections of most loops */

struct session_found {
    struct hash fingerprint;
    uint32_t version;     /* of the registry; 0: nothing */
    uint32_t participant; /* SESSION_STRANGER: nobody's */
};
#define SESSION_STRANGER UINT32_MAX

struct session {
    struct published *published; /* the caller's */
    struct session_found cache[SESSION_CACHE];
};

/* Whose channel certificate this is, in this version of the registry. False: nobody's. */
MUST_CHECK bool session_find_owner(struct session *session, const struct registry *registry,
                                   const struct hash *fingerprint, uint32_t *participant);

/* True: the exchange's task says what is asked, and by whom.  False: an answer was given (WIRE
 * section 1, "Statuses, tested in this order", from 404 to 415).
 * `registry` may be NULL: settlement has none yet. */
MUST_CHECK bool session_admit(struct session *session, const struct registry *registry,
                              struct exchange *exchange, const struct request *request);

/* Answers with a problem that carries Retry-After. */
void session_refuse_for(struct exchange *exchange, enum problem problem, struct span detail,
                        uint32_t seconds);

#endif
