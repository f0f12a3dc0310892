/* One zstd frame: u32 version, u32 count, then per message 88 bytes of head and its bytes. */
#include "ledger/verify/frame.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "ledger/verify/layout.h"

#define HEAD_BYTES 8
#define RECORD_HEAD_BYTES 88
#define MESSAGES_BYTES_MAX (8 * 1024 * 1024)
#define UNPACKED_BYTES_MAX (HEAD_BYTES + FRAME_RECORDS_MAX * RECORD_HEAD_BYTES + MESSAGES_BYTES_MAX)

bool frame_open(struct frame *frame)
{
    frame->count = 0;
    frame->context = ZSTD_createDCtx();
    frame->unpacked = malloc(UNPACKED_BYTES_MAX);
    return frame->context != NULL && frame->unpacked != NULL;
}

void frame_close(struct frame *frame)
{
    (void)ZSTD_freeDCtx(frame->context);
    free(frame->unpacked);
}

const char *frame_read(struct frame *frame, struct span stored)
{
    frame->count = 0;
    frame->next = 0;
    size_t const size = ZSTD_decompressDCtx(frame->context, frame->unpacked, UNPACKED_BYTES_MAX,
                                            stored.bytes, stored.size);
    if (ZSTD_isError(size)) return "evidence cannot be unpacked";
    if (size < HEAD_BYTES) return "evidence is cut off";
    if (layout_u32(frame->unpacked) != 1) return "evidence has a version that is not known";
    uint32_t const count = layout_u32(frame->unpacked + 4);
    if (count < 1 || count > FRAME_RECORDS_MAX) return "evidence has an impossible count";

    size_t at = HEAD_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        const char *head = frame->unpacked + at;
        if (size - at < RECORD_HEAD_BYTES) return "evidence is cut off";
        uint64_t const message_size = layout_u64(head + 80);
        at += RECORD_HEAD_BYTES;
        if (message_size > size - at) return "evidence is cut off";
        struct frame_record *record = &frame->records[i];
        *record = (struct frame_record){
            .hash = hash_of(span_of(frame->unpacked + at, message_size)),
            .sender = layout_u64(head + 64),
        };
        memcpy(record->certificate.bytes, head + 32, HASH_BYTES);
        at += message_size;
        if (!span_equal(span_of(head, HASH_BYTES), hash_span(&record->hash)))
            return "evidence does not match its own hash";
    }
    if (at != size) return "evidence holds more than its messages";
    frame->count = count;
    return NULL;
}

const struct frame_record *frame_name(struct frame *frame, const struct hash *hash)
{
    for (uint32_t i = 0; i < frame->count; i++) {
        uint32_t const at = (frame->next + i) % frame->count;
        if (!hash_equal(&frame->records[at].hash, hash)) continue;
        frame->records[at].is_named = true;
        frame->next = at;
        return &frame->records[at];
    }
    return NULL;
}

bool frame_all_named(const struct frame *frame)
{
    for (uint32_t i = 0; i < frame->count; i++) {
        if (!frame->records[i].is_named) return false;
    }
    return true;
}
