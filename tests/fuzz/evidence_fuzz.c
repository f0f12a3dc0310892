/* Whatever stands in a ledger's file as a frame of evidence or as a body, both readers of it, the
 * ledger's and the auditor's, refuse it or take it without harm, and agree on what they find.
 *
 * The first byte chooses: even, a stored frame; odd, a body. */
#include <stdint.h>
#include <stdlib.h>

#include "ledger/evidence.h"
#include "ledger/verify/frame.h"
#include "ledger/verify/layout.h"
#include "proto/record/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void try_frame(struct span stored)
{
    static struct evidence_reader *reader;
    static struct frame frame;
    if (reader == NULL && (evidence_reader_open(&reader) != FAULT_NONE || !frame_open(&frame)))
        abort();
    bool const unpacked = evidence_unpack(reader, stored) == FAULT_NONE;
    if (frame_read(&frame, stored) != NULL) return; /* the auditor is the stricter one */
    if (!unpacked) abort();
    for (uint32_t i = 0; i < frame.count; i++) {
        struct evidence found;
        if (evidence_find(reader, &frame.records[i].hash, &found) != FAULT_NONE) abort();
        if (frame_name(&frame, &frame.records[i].hash) == NULL) abort();
    }
}

static void try_body(struct span body)
{
    bool const is_body = layout_is_body(body);
    for (uint16_t tag = 0; tag < 40; tag++) {
        struct span mine, theirs;
        bool const found = body_find(body, (enum body_tag)tag, &mine);
        if (!is_body) continue;
        if (found != layout_find(body, (enum layout_tag)tag, &theirs)) abort();
        if (found && !span_equal(mine, theirs)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) return 0;
    struct span const rest = span_of(bytes + 1, size - 1);
    if (bytes[0] % 2 == 0)
        try_frame(rest);
    else
        try_body(rest);
    return 0;
}
