/* response: see response.h. */
#include "proto/http/response.h"

static struct span reason_phrase(int status)
{
    switch (status) {
#define RESPONSE_CASE(code, phrase)                                                                \
    case code: return SPAN(phrase);
        RESPONSE_STATUS_LIST(RESPONSE_CASE)
#undef RESPONSE_CASE
    }
    return SPAN(""); /* lawful (RFC 9112, 4), for a status that the list lacks */
}

void response_write_head(struct draft *draft, const struct response *response, size_t body_size)
{
    draft_put(draft, SPAN("HTTP/1.1 "));
    draft_number(draft, (uint64_t)response->status);
    draft_put(draft, SPAN(" "));
    draft_put(draft, reason_phrase(response->status));
    draft_put(draft, SPAN("\r\n"));
    if (response->content_type.size > 0) {
        draft_field(draft, SPAN("Content-Type"), response->content_type);
    }
    for (size_t i = 0; i < response->field_count; i++) {
        draft_field(draft, response->fields[i].name, response->fields[i].value);
    }
    if (response->status != 204) {
        draft_put(draft, SPAN("Content-Length: "));
        draft_number(draft, body_size);
        draft_put(draft, SPAN("\r\n"));
    }
    if (response->close) draft_put(draft, SPAN("Connection: close\r\n"));
    draft_put(draft, SPAN("\r\n"));
}
