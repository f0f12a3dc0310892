/* The checks of a head, in the contract's order. */
#include "switch/participant/session.h"

#include "proto/base/limits.h"

/* While it starts or stops: a bank that comes again in a second finds it changed, or gone. */
#define RETRY_SECONDS 1

static bool refuse(struct exchange *exchange, enum problem problem, struct span detail)
{
    exchange_problem(exchange, problem, detail, NULL, 0);
    return false;
}

void session_refuse_for(struct exchange *exchange, enum problem problem, struct span detail,
                        uint32_t seconds)
{
    char digits[12];
    struct draft number = draft_into(digits, sizeof digits);
    draft_number(&number, seconds);
    struct draft_field const later = {SPAN("Retry-After"), draft_span(&number)};
    exchange_problem(exchange, problem, detail, &later, 1);
}

bool session_find_owner(struct session *session, const struct registry *registry,
                        const struct hash *fingerprint, uint32_t *participant)
{
    size_t const place =
        (fingerprint->bytes[0] | (size_t)fingerprint->bytes[1] << 8) & (SESSION_CACHE - 1);
    struct session_found *const found = &session->cache[place];
    if (found->version != registry->version || !hash_equal(&found->fingerprint, fingerprint)) {
        uint32_t owner;
        if (registry_find_channel(registry, fingerprint, &owner) != FAULT_NONE) {
            owner = SESSION_STRANGER;
        }
        *found = (struct session_found){*fingerprint, registry->version, owner};
    }
    *participant = found->participant;
    return found->participant != SESSION_STRANGER;
}

/* "403 any other code that is not the certificate's, whether it exists or not". */
static bool is_owner(struct session *session, const struct registry *registry,
                     const struct exchange *exchange, struct task *task)
{
    const struct hash *const peer = exchange_peer(exchange);
    if (!peer || !session_find_owner(session, registry, peer, &task->participant)) return false;
    return identifier_code_equal(registry->participants[task->participant].code, task->code);
}

/* 406: "On a stream GET, Accept naming only application/problem+json is 406, in JSON". */
static bool is_acceptable(const struct request *request, struct task *task)
{
    struct media_accept accept;
    media_accept_of(&request->fields, &accept);
    switch (task->resource) {
    case ROUTE_START:
    case ROUTE_STREAM:
        task->wanted = media_stream_of(&accept);
        /* The answer to a DELETE has no body that could be unacceptable. */
        return task->verb == POLL_DELETE || task->wanted != MEDIA_STREAM_NEITHER;
    case ROUTE_INWARD:
    case ROUTE_OUTWARD: return accept.xml;
    case ROUTE_RECEIPT: return accept.json;
    case ROUTE_MESSAGES: break; /* nor has a 201 */
    }
    return true;
}

static bool admit_state(struct exchange *exchange, struct published *published,
                        const struct registry *registry)
{
    int const state = atomic_load_explicit(&published->state, memory_order_acquire);
    if (state == STATE_STARTING || !registry) {
        session_refuse_for(exchange, PROBLEM_STARTING, SPAN(""), RETRY_SECONDS);
        return false;
    }
    if (state != STATE_SERVING) {
        session_refuse_for(exchange, PROBLEM_STOPPING, SPAN(""), RETRY_SECONDS);
        return false;
    }
    return true;
}

static bool admit_post(struct exchange *exchange, const struct request *request, struct task *task)
{
    if (request->framing == PAYLOAD_NONE) {
        return refuse(exchange, PROBLEM_LENGTH_REQUIRED, SPAN(""));
    }
    if (request->framing == PAYLOAD_LENGTH && request->content_length > LIMIT_BODY_BYTES) {
        return refuse(exchange, PROBLEM_TOO_LARGE, SPAN("the body is longer than 640 KiB"));
    }
    task->encoding = media_encoding_of(&request->fields);
    if (task->encoding == MEDIA_ENCODING_UNSUPPORTED) {
        return refuse(exchange, PROBLEM_ENCODING, SPAN("Content-Encoding is not gzip"));
    }
    task->type = media_body_of(&request->fields, &task->boundary);
    if (task->type == MEDIA_BODY_UNSUPPORTED) {
        return refuse(exchange, PROBLEM_TYPE,
                      SPAN("Content-Type is neither application/xml nor multipart/mixed"));
    }
    return true;
}

bool session_admit(struct session *session, const struct registry *registry,
                   struct exchange *exchange, const struct request *request)
{
    struct task *const task = exchange_data(exchange);
    struct route route;
    if (!route_find(request->path, &route)) return refuse(exchange, PROBLEM_NOT_FOUND, SPAN(""));
    task->resource = route.resource;
    task->code = route.code;
    if (registry && !is_owner(session, registry, exchange, task)) {
        return refuse(exchange, PROBLEM_FORBIDDEN, SPAN(""));
    }
    if (!route_takes(route.resource, request->method)) {
        struct draft_field const allow = {SPAN("Allow"), route_allow(route.resource)};
        exchange_problem(exchange, PROBLEM_METHOD, SPAN(""), &allow, 1);
        return false;
    }
    if (route.resource == ROUTE_STREAM) {
        task->verb = span_equal(request->method, SPAN("DELETE")) ? POLL_DELETE : POLL_NEXT;
    }
    if (!is_acceptable(request, task)) {
        return refuse(exchange, PROBLEM_NOT_ACCEPTABLE, SPAN(""));
    }
    if (!admit_state(exchange, session->published, registry)) return false;
    if (route.resource == ROUTE_MESSAGES) return admit_post(exchange, request, task);
    if (route.resource == ROUTE_STREAM && !route_parse_token(route.opaque, &task->token)) {
        return refuse(exchange, PROBLEM_GONE, SPAN("this is no PI-Pull-Next of the switch"));
    }
    if (route.resource == ROUTE_RECEIPT && !route_parse_id(route.opaque, &task->id)) {
        return refuse(exchange, PROBLEM_NOT_FOUND, SPAN("this is no id of a payment"));
    }
    return true;
}
