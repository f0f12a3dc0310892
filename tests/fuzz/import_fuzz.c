/* Whatever stands in a file that is to be imported: each line is read or refused without harm, and what
 * is read of blocks and entries is put together, checked, and seldom good. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/bundle.h"
#include "ops/cauce/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct place {
    struct bundle *bundle;
    struct evidence_writer *messages;
    struct journal_head head;
    bool is_in_block;
};

static void add_entry(struct place *place, const struct line *line)
{
    struct bundle *bundle = place->bundle;
    struct span frame = {0};
    place->is_in_block = bundle_add(bundle, &line->public, &line->private,
                                    span_of(line->bytes, line->size)) == FAULT_NONE;
    if (!place->is_in_block || bundle->count < bundle->header.entry_count) return;
    place->is_in_block = false;
    if (evidence_count(place->messages) > 0 &&
        evidence_frame(place->messages, &frame) != FAULT_NONE)
        abort();
    if (bundle_end(bundle, frame) == FAULT_NONE) place->head = bundle->after;
}

static void take(struct place *place, const struct line *line)
{
    switch (line->record) {
    case LINE_BLOCK:
        evidence_clear(place->messages);
        place->is_in_block =
            bundle_begin(place->bundle, &place->head, line->segment, &line->header) == FAULT_NONE;
        break;
    case LINE_MESSAGE:
        if (evidence_add(place->messages, &line->evidence) != FAULT_NONE)
            evidence_clear(place->messages);
        break;
    case LINE_ENTRY:
        if (place->is_in_block) add_entry(place, line);
        break;
    case LINE_LEDGER:
    case LINE_CERTIFICATE:
    case LINE_CHECKPOINT:
    case LINE_SEAL:
    case LINE_END: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct line line;
    static struct place place;
    const char *words;
    if (place.bundle == NULL &&
        (bundle_open(&place.bundle) != FAULT_NONE || evidence_open(&place.messages) != FAULT_NONE))
        abort();
    place.head = (struct journal_head){0};
    place.is_in_block = false;
    evidence_clear(place.messages);
    struct span rest = span_of(bytes, size);
    while (rest.size > 0) {
        const char *end = memchr(rest.bytes, '\n', rest.size);
        size_t const length = end ? (size_t)(end - rest.bytes) : rest.size;
        if (line_read(&line, span_of(rest.bytes, length), &words) == FAULT_NONE)
            take(&place, &line);
        rest = span_after(rest, end ? length + 1 : length);
    }
    return 0;
}
