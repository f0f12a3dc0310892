/* draft: see draft.h. */
#include "proto/http/draft.h"

void draft_put(struct draft *draft, struct span bytes)
{
    if (draft->failed) return;
    if (bytes.size > draft->capacity - draft->size) {
        draft->failed = true;
        return;
    }
    if (bytes.size > 0) memcpy(draft->bytes + draft->size, bytes.bytes, bytes.size);
    draft->size += bytes.size;
}

void draft_number(struct draft *draft, uint64_t number)
{
    char digits[20]; /* 2^64 has 20 */
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    draft_put(draft, span_of(digits + at, sizeof digits - at));
}

void draft_field(struct draft *draft, struct span name, struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char const code = (unsigned char)value.bytes[i];
        if ((code < 0x20 && code != '\t') || code == 0x7f) draft->failed = true;
    }
    draft_put(draft, name);
    draft_put(draft, SPAN(": "));
    draft_put(draft, value);
    draft_put(draft, SPAN("\r\n"));
}
