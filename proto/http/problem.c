/* problem: see problem.h. */
#include "proto/http/problem.h"

static const struct {
    const char *name;
    int status;
    const char *title;
} problems[] = {
#define PROBLEM_ROW(name, text, status, title) [PROBLEM_##name] = {text, status, title},
    PROBLEM_LIST(PROBLEM_ROW)
#undef PROBLEM_ROW
};

const char *problem_name(enum problem problem)
{
    return problems[problem].name;
}

int problem_status(enum problem problem)
{
    return problems[problem].status;
}

const char *problem_title(enum problem problem)
{
    return problems[problem].title;
}

struct span problem_type(bool json)
{
    return json ? SPAN("application/problem+json") : SPAN("application/problem+xml");
}

/* Appends text that may come from outside: markup characters of the format are escaped, what is
 * not printable ASCII becomes '?'. */
static void put_text(struct draft *draft, struct span text, bool json)
{
    for (size_t i = 0; i < text.size; i++) {
        char const byte = text.bytes[i];
        if (byte < 0x20 || byte > 0x7e) {
            draft_put(draft, SPAN("?"));
        } else if (json && (byte == '"' || byte == '\\')) {
            draft_put(draft, SPAN("\\"));
            draft_put(draft, span_of(&byte, 1));
        } else if (!json && byte == '&') {
            draft_put(draft, SPAN("&amp;"));
        } else if (!json && byte == '<') {
            draft_put(draft, SPAN("&lt;"));
        } else if (!json && byte == '>') {
            draft_put(draft, SPAN("&gt;"));
        } else {
            draft_put(draft, span_of(&byte, 1));
        }
    }
}

/* RFC 9457, appendix B: the same members as elements of namespace urn:ietf:rfc:7807. */
/* WIRE section 1: "type, title, status, detail": every document has one. */
static struct span detail_of(enum problem problem, struct span detail)
{
    return detail.size > 0 ? detail : span_text(problem_title(problem));
}

void problem_write_xml(struct draft *draft, enum problem problem, struct span detail)
{
    draft_put(draft, SPAN("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                          "<problem xmlns=\"urn:ietf:rfc:7807\"><type>urn:cauce:problem:"));
    draft_put(draft, span_text(problem_name(problem)));
    draft_put(draft, SPAN("</type><title>"));
    put_text(draft, span_text(problem_title(problem)), false);
    draft_put(draft, SPAN("</title><status>"));
    draft_number(draft, (uint64_t)problem_status(problem));
    draft_put(draft, SPAN("</status>"));
    draft_put(draft, SPAN("<detail>"));
    put_text(draft, detail_of(problem, detail), false);
    draft_put(draft, SPAN("</detail>"));
    draft_put(draft, SPAN("</problem>\n"));
}

void problem_write_json(struct draft *draft, enum problem problem, struct span detail)
{
    draft_put(draft, SPAN("{\"type\":\"urn:cauce:problem:"));
    draft_put(draft, span_text(problem_name(problem)));
    draft_put(draft, SPAN("\",\"title\":\""));
    put_text(draft, span_text(problem_title(problem)), true);
    draft_put(draft, SPAN("\",\"status\":"));
    draft_number(draft, (uint64_t)problem_status(problem));
    draft_put(draft, SPAN(",\"detail\":\""));
    put_text(draft, detail_of(problem, detail), true);
    draft_put(draft, SPAN("\""));
    draft_put(draft, SPAN("}\n"));
}
