/* Frames of evidence: packed in one call from one buffer, unpacked the same way.
 *
 * The happy path: messages are copied behind one another as they are staged; at the commit the
 * buffer becomes one zstd frame.  Possible failures: a message has no room (the caller commits and
 * adds it again to the next frame); a stored frame is not as it was written. */
#include "ledger/evidence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "proto/base/limits.h"
#include "proto/record/block.h"

/* Signed XML shrinks by half whatever the level; the lowest costs the commit least (measured:
 * ledger/README.md, "Why so"). */
#define LEVEL 1

/* The structs are the bytes: little-endian, no padding (proto/record/entry.h refuses others). */
struct frame_head {
    uint32_t version; /* EVIDENCE_VERSION */
    uint32_t count;   /* records that follow */
};

struct record_head {
    struct hash hash;
    struct hash certificate;
    struct participant_code sender;
    int64_t received_ns;
    uint64_t size; /* of the message, whose bytes follow */
};

static_assert(sizeof(struct frame_head) == 8, "the format on disk depends on it");
static_assert(sizeof(struct record_head) == 88, "the format on disk depends on it");

#define RECORDS_MAX BLOCK_ENTRIES_MAX /* an entry is caused by at most one message */
#define UNPACKED_BYTES_MAX                                                                         \
    (sizeof(struct frame_head) + RECORDS_MAX * sizeof(struct record_head) +                        \
     LIMIT_EVIDENCE_BLOCK_BYTES)

struct evidence_writer {
    ZSTD_CCtx *context;
    char *unpacked; /* of UNPACKED_BYTES_MAX bytes */
    char *packed;
    size_t packed_size_max;
    size_t used;          /* of unpacked, the head included */
    size_t message_bytes; /* <= LIMIT_EVIDENCE_BLOCK_BYTES */
    uint32_t count;       /* <= RECORDS_MAX */
    struct hash newest;   /* of the newest record, when count > 0 */
};

enum fault evidence_open(struct evidence_writer **out)
{
    struct evidence_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return FAULT_MEMORY;
    writer->packed_size_max = ZSTD_compressBound(UNPACKED_BYTES_MAX);
    writer->context = ZSTD_createCCtx();
    writer->unpacked = malloc(UNPACKED_BYTES_MAX);
    writer->packed = malloc(writer->packed_size_max);
    if (writer->context == NULL || writer->unpacked == NULL || writer->packed == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->context, ZSTD_c_compressionLevel, LEVEL))) {
        evidence_close(writer);
        return FAULT_MEMORY;
    }
    /* Touched now, so that no commit waits for the first use of a page (of the packed ones, each
     * commit uses the same few again). */
    memset(writer->unpacked, 0, UNPACKED_BYTES_MAX);
    evidence_clear(writer);
    *out = writer;
    return FAULT_NONE;
}

void evidence_close(struct evidence_writer *writer)
{
    if (writer == NULL) return;
    (void)ZSTD_freeCCtx(writer->context);
    free(writer->unpacked);
    free(writer->packed);
    free(writer);
}

void evidence_clear(struct evidence_writer *writer)
{
    writer->used = sizeof(struct frame_head);
    writer->message_bytes = 0;
    writer->count = 0;
}

uint32_t evidence_count(const struct evidence_writer *writer)
{
    return writer->count;
}

enum fault evidence_add(struct evidence_writer *writer, const struct evidence *evidence)
{
    assert(evidence->bytes.size >= 1 && evidence->bytes.size <= LIMIT_MESSAGE_BYTES);
    if (writer->count > 0 && hash_equal(&writer->newest, &evidence->hash)) return FAULT_NONE;
    if (writer->count == RECORDS_MAX ||
        evidence->bytes.size > LIMIT_EVIDENCE_BLOCK_BYTES - writer->message_bytes)
        return FAULT_FULL;

    /* From here nothing can fail. */
    struct record_head const head = {
        .hash = evidence->hash,
        .certificate = evidence->certificate,
        .sender = evidence->sender,
        .received_ns = evidence->received_ns,
        .size = evidence->bytes.size,
    };
    memcpy(writer->unpacked + writer->used, &head, sizeof head);
    memcpy(writer->unpacked + writer->used + sizeof head, evidence->bytes.bytes,
           evidence->bytes.size);
    writer->used += sizeof head + evidence->bytes.size;
    writer->message_bytes += evidence->bytes.size;
    writer->count++;
    writer->newest = evidence->hash;
    return FAULT_NONE;
}

enum fault evidence_frame(struct evidence_writer *writer, struct span *frame)
{
    assert(writer->count >= 1);
    struct frame_head const head = {.version = EVIDENCE_VERSION, .count = writer->count};
    memcpy(writer->unpacked, &head, sizeof head);
    size_t const size = ZSTD_compress2(writer->context, writer->packed, writer->packed_size_max,
                                       writer->unpacked, writer->used);
    if (ZSTD_isError(size)) return FAULT_MEMORY; /* the output always has room */
    *frame = span_of(writer->packed, size);
    return FAULT_NONE;
}

struct evidence_reader {
    ZSTD_DCtx *context;
    char *unpacked; /* of UNPACKED_BYTES_MAX bytes */
    size_t size;    /* of the frame unpacked last; 0: none */
};

enum fault evidence_reader_open(struct evidence_reader **out)
{
    struct evidence_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return FAULT_MEMORY;
    reader->context = ZSTD_createDCtx();
    reader->unpacked = malloc(UNPACKED_BYTES_MAX);
    if (reader->context == NULL || reader->unpacked == NULL) {
        evidence_reader_close(reader);
        return FAULT_MEMORY;
    }
    *out = reader;
    return FAULT_NONE;
}

void evidence_reader_close(struct evidence_reader *reader)
{
    if (reader == NULL) return;
    (void)ZSTD_freeDCtx(reader->context);
    free(reader->unpacked);
    free(reader);
}

enum fault evidence_unpack(struct evidence_reader *reader, struct span frame)
{
    reader->size = 0;
    size_t const size = ZSTD_decompressDCtx(reader->context, reader->unpacked, UNPACKED_BYTES_MAX,
                                            frame.bytes, frame.size);
    struct frame_head head;
    if (ZSTD_isError(size) || size < sizeof head) return FAULT_CORRUPT;
    memcpy(&head, reader->unpacked, sizeof head);
    if (head.version != EVIDENCE_VERSION) return FAULT_VERSION;
    reader->size = size;
    return FAULT_NONE;
}

enum fault evidence_find(struct evidence_reader *reader, const struct hash *hash,
                         struct evidence *evidence)
{
    size_t at = sizeof(struct frame_head);
    while (reader->size > at) {
        struct record_head head;
        if (reader->size - at < sizeof head) return FAULT_CORRUPT;
        memcpy(&head, reader->unpacked + at, sizeof head);
        at += sizeof head;
        if (head.size > reader->size - at) return FAULT_CORRUPT;
        struct span const bytes = span_of(reader->unpacked + at, head.size);
        at += head.size;
        if (!hash_equal(&head.hash, hash)) continue;

        struct hash const again = hash_of(bytes);
        if (!hash_equal(&again, hash)) return FAULT_CORRUPT;
        *evidence = (struct evidence){.hash = head.hash,
                                      .sender = head.sender,
                                      .certificate = head.certificate,
                                      .received_ns = head.received_ns,
                                      .bytes = bytes};
        return FAULT_NONE;
    }
    return FAULT_NOT_FOUND;
}
