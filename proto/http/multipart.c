/* multipart: see multipart.h.
 *
 *     preamble CRLF --b CRLF  head CRLF CRLF message  CRLF --b CRLF  head ...  CRLF --b-- epilogue
 *
 * The delimiters are found first, then each part's head is read between two of them.  Possible
 * failures: one of the verdicts; all parts are looked at, so that their order decides nothing. */
#include "proto/http/multipart.h"

#include <assert.h>

#include "proto/http/fields.h"
#include "proto/http/media.h"

#define BOUNDARY "cauce-message-boundary"

struct delimiter {
    size_t at;     /* where the part before it ends */
    size_t behind; /* where the part behind it begins */
    bool last;
};

/* Whether the line whose "--boundary" ends at `end` goes on as a delimiter's may. */
static bool is_delimiter_line(struct span body, size_t end, struct delimiter *delimiter)
{
    struct span rest = span_after(body, end);
    delimiter->last = span_starts_with(rest, SPAN("--"));
    if (delimiter->last) rest = span_after(rest, 2);
    while (rest.size > 0 && (rest.bytes[0] == ' ' || rest.bytes[0] == '\t')) {
        rest = span_after(rest, 1);
    }
    delimiter->behind = body.size;
    if (rest.size == 0) return delimiter->last;
    delimiter->behind = body.size - rest.size + 2;
    return span_starts_with(rest, SPAN("\r\n"));
}

/* The first delimiter at `from` or behind it.  `mark` is CRLF "--boundary". */
static bool find_delimiter(struct span body, struct span mark, size_t from,
                           struct delimiter *delimiter)
{
    struct span const first_mark = span_after(mark, 2); /* the body's start needs no CRLF */
    if (from == 0 && span_starts_with(body, first_mark) &&
        is_delimiter_line(body, first_mark.size, delimiter)) {
        delimiter->at = 0;
        return true;
    }
    while (from < body.size) {
        const char *const found =
            memmem(body.bytes + from, body.size - from, mark.bytes, mark.size);
        if (found == NULL) return false;
        delimiter->at = (size_t)(found - body.bytes);
        if (is_delimiter_line(body, delimiter->at + mark.size, delimiter)) return true;
        from = delimiter->at + 2;
    }
    return false;
}

/* WIRE section 1: "no Content-Encoding or -Transfer-Encoding inside parts but 8bit/binary". */
static bool encoding_is_plain(const struct fields *fields, struct span name)
{
    size_t cursor = 0;
    struct span encoding;
    while (fields_next(fields, name, &cursor, &encoding)) {
        if (!fields_same(encoding, SPAN("8bit")) && !fields_same(encoding, SPAN("binary"))) {
            return false;
        }
    }
    return true;
}

/* What has been found wrong, in the order of enum multipart_verdict. */
struct findings {
    const char *unsupported;
    const char *too_large;
    const char *broken;
};

/* Reads the part between body[from] and the delimiter at body[at]; the CRLF that begins the
 * delimiter may be the blank line of a part that has nothing behind it. */
static struct span read_part(struct span body, size_t from, size_t at, struct span *resource_id,
                             struct findings *findings)
{
    size_t const head_end = at + 2 < body.size ? at + 2 : body.size;
    size_t taken = 0;
    struct fields fields;
    struct media_boundary ignored;
    fields_begin(&fields, body.bytes + from, 0);
    fields.may_fold = true;
    if (fields_scan(&fields, span_of(body.bytes + from, head_end - from), &taken) !=
        FIELDS_COMPLETE) {
        findings->broken = "the head of a part is malformed, too large or has no end";
        return (struct span){0};
    }
    if (media_body_of(&fields, &ignored) != MEDIA_BODY_XML) {
        findings->unsupported = "a part is not application/xml in UTF-8";
    }
    if (!encoding_is_plain(&fields, SPAN("content-encoding")) ||
        !encoding_is_plain(&fields, SPAN("content-transfer-encoding"))) {
        findings->unsupported = "a part has an encoding other than 8bit or binary";
    }
    (void)fields_find(&fields, SPAN("pi-resourceid"), resource_id);
    size_t const start = from + taken;
    struct span const message = span_of(body.bytes + start, start < at ? at - start : 0);
    if (message.size > LIMIT_MESSAGE_BYTES) findings->too_large = "a message above 64 KiB";
    return message;
}

static enum multipart_verdict judge(const struct findings *findings, size_t count,
                                    const char **words)
{
    *words = "";
    if (findings->unsupported != NULL) {
        *words = findings->unsupported;
        return MULTIPART_UNSUPPORTED;
    }
    if (findings->too_large != NULL) {
        *words = findings->too_large;
        return MULTIPART_TOO_LARGE;
    }
    if (findings->broken != NULL) {
        *words = findings->broken;
        return MULTIPART_BROKEN;
    }
    if (count == 0) {
        *words = "a multipart body without a part";
        return MULTIPART_EMPTY;
    }
    return MULTIPART_GOOD;
}

enum multipart_verdict multipart_split_answer(struct span body, struct span boundary,
                                              struct span parts[LIMIT_PARTS],
                                              struct span resource_ids[LIMIT_PARTS],
                                              size_t *part_count, const char **words)
{
    char mark_bytes[4 + LIMIT_BOUNDARY_BYTES] = "\r\n--";
    assert(boundary.size >= 1 && boundary.size <= LIMIT_BOUNDARY_BYTES);
    memcpy(mark_bytes + 4, boundary.bytes, boundary.size);
    struct span const mark = span_of(mark_bytes, 4 + boundary.size);

    struct findings findings = {0};
    struct delimiter delimiter;
    size_t count = 0;
    bool open = find_delimiter(body, mark, 0, &delimiter);
    if (!open) findings.broken = "the boundary does not occur";
    while (open && !delimiter.last) {
        size_t const from = delimiter.behind;
        struct span resource_id, message;
        open = find_delimiter(body, mark, from, &delimiter);
        if (!open) {
            findings.broken = "there is no last delimiter";
            delimiter.at = body.size;
        }
        message = read_part(body, from, delimiter.at, &resource_id, &findings);
        if (count == LIMIT_PARTS) {
            findings.too_large = "more than 10 parts";
        } else {
            parts[count] = message;
            resource_ids[count] = resource_id;
            count++;
        }
    }
    *part_count = count;
    return judge(&findings, count, words);
}

enum multipart_verdict multipart_split(struct span body, struct span boundary,
                                       struct span parts[LIMIT_PARTS], size_t *part_count,
                                       const char **words)
{
    struct span resource_ids[LIMIT_PARTS]; /* a bank's parts have none */
    return multipart_split_answer(body, boundary, parts, resource_ids, part_count, words);
}

struct span multipart_boundary(void)
{
    return SPAN(BOUNDARY);
}

struct span multipart_type(void)
{
    return SPAN("multipart/mixed; boundary=" BOUNDARY);
}

void multipart_write_part(struct draft *draft, struct span resource_id, struct span message)
{
    /* A delimiter needs "--" after CRLF, or at the start. */
    if (span_starts_with(message, SPAN("--" BOUNDARY)) ||
        (message.size > 0 && memmem(message.bytes, message.size, "\r\n--" BOUNDARY,
                                    sizeof "\r\n--" BOUNDARY - 1) != NULL)) {
        draft->failed = true;
    }
    draft_put(draft, SPAN("--" BOUNDARY "\r\nContent-Type: application/xml\r\n"));
    if (resource_id.size > 0) draft_field(draft, SPAN("PI-ResourceId"), resource_id);
    draft_put(draft, SPAN("\r\n"));
    draft_put(draft, message);
    draft_put(draft, SPAN("\r\n"));
}

void multipart_write_end(struct draft *draft)
{
    draft_put(draft, SPAN("--" BOUNDARY "--\r\n"));
}
