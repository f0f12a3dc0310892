/* gzip: see gzip.h.
 *
 * The member is inflated block by block, and the blocks are counted: one that brings its own codes
 * costs about a microsecond however little it holds, and 640 KiB have room for 49,000 of them.
 *
 * zlib asks for its memory through hooks; they hand out pieces of the block taken in gzip_open. */
#include "proto/http/gzip.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "proto/base/limits.h"

/* What inflate may ask for: its state, about 7 KiB, and a window of 32 KiB (zlib.h, inflateInit2),
 * with room for another release's state. */
#define BLOCK_BYTES (64 * 1024)

struct gzip {
    z_stream stream;
    size_t used; /* of block */
    _Alignas(max_align_t) char block[BLOCK_BYTES];
};

static voidpf take(voidpf opaque, uInt items, uInt size)
{
    struct gzip *const gzip = opaque;
    size_t const alignment = _Alignof(max_align_t);
    size_t const bytes = ((size_t)items * size + alignment - 1) / alignment * alignment;
    if (bytes > BLOCK_BYTES - gzip->used) return Z_NULL;
    void *const piece = gzip->block + gzip->used;
    gzip->used += bytes;
    return piece;
}

/* The whole block is given back by gzip_close. */
static void give_back(voidpf opaque, voidpf piece)
{
    (void)opaque;
    (void)piece;
}

enum fault gzip_open(struct gzip **out)
{
    struct gzip *const gzip = calloc(1, sizeof *gzip);
    if (gzip == NULL) return FAULT_MEMORY;
    gzip->stream.zalloc = take;
    gzip->stream.zfree = give_back;
    gzip->stream.opaque = gzip;
    /* 16: the gzip format only, neither zlib nor raw deflate. */
    if (inflateInit2(&gzip->stream, 16 + MAX_WBITS) != Z_OK) {
        free(gzip);
        return FAULT_MEMORY;
    }
    *out = gzip;
    return FAULT_NONE;
}

/* What the block that begins where the stream stands costs, in empty blocks of known codes.  Its kind
 * are the second and third bit (RFC 1951, 3.2.3); `unused` bits of the byte before are among them. */
static uint32_t work_of_block(const z_stream *stream)
{
    unsigned const unused = (unsigned)stream->data_type & 7;
    unsigned bits = unused == 0 ? 0U : (unsigned)stream->next_in[-1] >> (8 - unused);
    if (stream->avail_in > 0) bits |= (unsigned)stream->next_in[0] << unused;
    bool const brings_codes = (bits >> 1 & 3) == 2;
    return brings_codes ? LIMIT_GZIP_CODES_WORK : 1;
}

/* inflate, within the bound on work; Z_DATA_ERROR beyond it. */
static int inflate_blocks(z_stream *stream)
{
    uint32_t work = 0;
    for (;;) {
        int const result = inflate(stream, Z_BLOCK);
        bool const is_between = (stream->data_type & 128) != 0;
        if (result != Z_OK || !is_between) return result;
        bool const was_last = (stream->data_type & 64) != 0;
        if (!was_last) work += work_of_block(stream);
        if (work > LIMIT_GZIP_WORK) return Z_DATA_ERROR;
    }
}

enum gzip_verdict gzip_inflate(struct gzip *gzip, struct span compressed, char *plain,
                               size_t plain_max, size_t *plain_size)
{
    if (compressed.size > UINT_MAX || plain_max > UINT_MAX) return GZIP_TOO_LARGE;
    if (inflateReset(&gzip->stream) != Z_OK) return GZIP_BROKEN;
    z_stream *const stream = &gzip->stream;
    stream->next_in = (z_const Bytef *)compressed.bytes;
    stream->avail_in = (uInt)compressed.size;
    stream->next_out = (Bytef *)plain;
    stream->avail_out = (uInt)plain_max;

    int const result = inflate_blocks(stream);
    if (result == Z_STREAM_END) {
        *plain_size = plain_max - stream->avail_out;
        return stream->avail_in == 0 ? GZIP_GOOD : GZIP_BROKEN;
    }
    /* Not at its end with the buffer full: it is too large, unless it is the input that ended. */
    if ((result == Z_BUF_ERROR || result == Z_OK) && stream->avail_out == 0 &&
        stream->avail_in > 0) {
        return GZIP_TOO_LARGE;
    }
    return GZIP_BROKEN;
}

void gzip_close(struct gzip *gzip)
{
    if (gzip == NULL) return;
    (void)inflateEnd(&gzip->stream);
    free(gzip);
}
