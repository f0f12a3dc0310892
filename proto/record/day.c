/* A date is checked by the reader of times; the totals go through one list of fields and tags. */
#include "proto/record/day.h"

#include <assert.h>
#include <string.h>

#include "proto/base/time.h"

bool day_parse(struct span text, struct day *day)
{
    if (text.size != DAY_TEXT_BYTES) return false;
    char midnight[] = "2026-11-25T00:00:00Z";
    int64_t instant_ns;
    memcpy(midnight, text.bytes, DAY_TEXT_BYTES);
    if (time_parse(span_of(midnight, sizeof midnight - 1), &instant_ns) != TIME_PARSE_GOOD)
        return false;
    memcpy(day->text, text.bytes, DAY_TEXT_BYTES);
    return true;
}

struct span day_text(const struct day *day)
{
    return span_of(day->text, day->text[0] ? DAY_TEXT_BYTES : 0);
}

int day_compare(struct day a, struct day b)
{
    return memcmp(a.text, b.text, sizeof a.text); /* fields of fixed width, largest first */
}

static void put(struct body *body, enum body_tag tag, struct span bytes)
{
    enum fault const fault = body_put(body, tag, bytes);
    assert(fault == FAULT_NONE); /* a day takes some 230 bytes */
    (void)fault;
}

void day_write(const struct day_close *close, struct body *body)
{
    body_clear(body);
    put(body, BODY_DAY, day_text(&close->day));
    put(body, BODY_DAY_FIRST_SEQ, span_of(&close->first_seq, sizeof close->first_seq));
#define DAY_TOTAL_PUT(name, tag) put(body, tag, span_of(&close->name, sizeof close->name));
    DAY_TOTAL_LIST(DAY_TOTAL_PUT)
#undef DAY_TOTAL_PUT
}

bool day_read(struct span body, struct day_close *close)
{
    struct span text;
    if (!body_find(body, BODY_DAY, &text) || !day_parse(text, &close->day) ||
        !body_find_number(body, BODY_DAY_FIRST_SEQ, &close->first_seq))
        return false;
#define DAY_TOTAL_FIND(name, tag)                                                                  \
    if (!body_find_number(body, tag, &close->name)) return false;
    DAY_TOTAL_LIST(DAY_TOTAL_FIND)
#undef DAY_TOTAL_FIND
    return true;
}
