/* route: the paths that participants may ask for, and with which methods (WIRE section 1). */
#ifndef SWITCH_PARTICIPANT_ROUTE_H
#define SWITCH_PARTICIPANT_ROUTE_H

#include <stdbool.h>

#include "proto/base/span.h"
#include "proto/record/command.h"
#include "proto/record/identifier.h"

/* name, what Allow says of it */
#define ROUTE_LIST(X)                                                                              \
    X(MESSAGES, "POST")      /* /api/v1/in/{code}/msgs */                                          \
    X(START, "GET")          /* /api/v1/out/{code}/stream/start */                                 \
    X(STREAM, "GET, DELETE") /* /api/v1/out/{code}/stream/{opaque} */                              \
    X(INWARD, "GET")         /* /api/v1/in/{code}/catalog */                                       \
    X(OUTWARD, "GET")        /* /api/v1/out/{code}/catalog */                                      \
    X(RECEIPT, "GET")        /* /api/v1/receipts/{code}/{id} */

enum route_resource {
#define ROUTE_MEMBER(name, allow) ROUTE_##name,
    ROUTE_LIST(ROUTE_MEMBER)
#undef ROUTE_MEMBER
};

struct route {
    enum route_resource resource;
    struct participant_code code;
    struct span opaque; /* of ROUTE_STREAM, and the id of ROUTE_RECEIPT as it stands in the path;
                           1 byte or more; lies in the path */
};

/* False: there is no such path, or its code is not 8 of [0-9A-Z] (404). */
MUST_CHECK bool route_find(struct span path, struct route *route);

/* "GET, DELETE". Static. */
struct span route_allow(enum route_resource resource);

/* Whether the resource takes this method. */
bool route_takes(enum route_resource resource, struct span method);

#define ROUTE_TOKEN_BYTES 32 /* of an opaque: stream and step in lower-case hexadecimal */

/* The opaque of a PI-Pull-Next, without a zero. */
void route_print_token(struct pull_token token, char text[ROUTE_TOKEN_BYTES]);

/* False: not one of ours (410). */
MUST_CHECK bool route_parse_token(struct span text, struct pull_token *token);

/* The id of a receipt's path, percent-encoded (RFC 3986, 2.1).  False: no id of a payment (404). */
MUST_CHECK bool route_parse_id(struct span text, struct payment_id *id);

#endif
