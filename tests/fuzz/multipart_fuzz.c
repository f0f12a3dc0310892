/* multipart_fuzz: a line with a content type, then the body that it describes.
 *
 * Parts must lie inside the body, in order and apart; written out again they must split into the
 * same parts.  Bodies that are no multipart are tried as gzip. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/http/gzip.h"
#include "proto/http/media.h"
#include "proto/http/multipart.h"

static char written[LIMIT_BODY_BYTES * 2];
static char plain[LIMIT_BODY_BYTES];

static void check_parts(struct span body, const struct span *parts, size_t count)
{
    const char *behind = body.bytes;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size == 0) continue;
        if (parts[i].bytes < behind) abort();
        behind = parts[i].bytes + parts[i].size;
        if (behind > body.bytes + body.size) abort();
    }
}

static void check_round_trip(const struct span *parts, size_t count)
{
    struct span again[LIMIT_PARTS];
    size_t again_count;
    const char *words;
    struct draft draft = draft_into(written, sizeof written);
    for (size_t i = 0; i < count; i++)
        multipart_write_part(&draft, SPAN("id"), parts[i]);
    multipart_write_end(&draft);
    if (draft.failed) return;
    if (multipart_split(draft_span(&draft), multipart_boundary(), again, &again_count, &words) !=
        MULTIPART_GOOD) {
        abort();
    }
    if (again_count != count) abort();
    for (size_t i = 0; i < count; i++) {
        if (!span_equal(parts[i], again[i])) abort();
    }
}

static void try_gzip(struct span body)
{
    static struct gzip *gzip;
    size_t size;
    if (gzip == NULL && gzip_open(&gzip) != FAULT_NONE) abort();
    if (gzip_inflate(gzip, body, plain, sizeof plain, &size) == GZIP_GOOD && size > sizeof plain) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *const line_end = size == 0 ? NULL : memchr(data, '\n', size);
    if (line_end == NULL) return 0;
    struct span const type = span_of(data, (size_t)(line_end - data));
    struct span const body = span_of(line_end + 1, size - type.size - 1);
    struct span parts[LIMIT_PARTS];
    struct media_boundary boundary;
    size_t count;
    const char *words;
    if (media_body(type, &boundary) != MEDIA_BODY_MULTIPART) {
        try_gzip(body);
        return 0;
    }
    if (multipart_split(body, span_of(boundary.bytes, boundary.size), parts, &count, &words) ==
        MULTIPART_GOOD) {
        if (count == 0) abort();
        check_parts(body, parts, count);
        check_round_trip(parts, count);
    }
    return 0;
}
