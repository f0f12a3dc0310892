/* request_fuzz: arbitrary bytes as a connection's requests.
 *
 * The story that the reader tells (heads, bodies, refusals) must be the same for the bytes given
 * whole, one by one, and in pieces of changing size; what it accepts, llhttp must accept alike. */
#include <stdint.h>
#include <stdlib.h>

#include "tests/fuzz/http_oracle.h"

static struct request_reader reader;
static struct http_oracle oracle;
static char body[LIMIT_BODY_BYTES];

/* The whole story as one number. */
struct story {
    uint64_t hash;
    size_t used;
};

static void tell(struct story *story, const void *bytes, size_t size)
{
    const unsigned char *const at = bytes;
    for (size_t i = 0; i < size; i++)
        story->hash = (story->hash ^ at[i]) * 0x100000001b3;
}

static void tell_number(struct story *story, uint64_t number)
{
    tell(story, &number, sizeof number);
}

static void tell_head(struct story *story, const struct request *request)
{
    const struct fields *const fields = &request->fields;
    tell(story, request->method.bytes, request->method.size);
    tell(story, request->target.bytes, request->target.size);
    tell(story, request->path.bytes, request->path.size);
    tell_number(story, request->framing);
    tell_number(story, request->content_length);
    tell_number(story, (uint64_t)request->keep_alive << 1 | request->expect_continue);
    for (size_t i = 0; i < fields->count; i++) {
        tell(story, fields->base + fields->list[i].name_at, fields->list[i].name_size);
        tell(story, fields->base + fields->list[i].value_at, fields->list[i].value_size);
    }
}

static void ask_oracle(struct span bytes)
{
    if (!http_oracle_knows(&reader.request)) return;
    const char *const words =
        http_oracle_compare(&oracle, bytes, reader.request.target, span_of(body, reader.body_size));
    if (words == NULL) return;
    fprintf(stderr, "llhttp: %s\n", words);
    abort();
}

/* Pieces of `piece` bytes; 0: of 1, 2, 3 ... bytes. */
static struct story read_all(struct span bytes, size_t piece)
{
    struct story story = {.hash = 0xcbf29ce484222325};
    size_t given = 0, begin = 0, step = 1;
    request_begin(&reader);
    for (;;) {
        size_t taken;
        enum request_event const event =
            request_feed(&reader, span_of(bytes.bytes + story.used, given - story.used), &taken);
        if (taken > given - story.used) abort();
        story.used += taken;
        if (event != REQUEST_MORE) tell_number(&story, event);
        switch (event) {
        case REQUEST_MORE: {
            if (story.used != given) abort();
            if (given == bytes.size) return story;
            size_t const wanted = piece == 0 ? step++ : piece;
            given = bytes.size - given < wanted ? bytes.size : given + wanted;
            break;
        }
        case REQUEST_HEAD:
            tell_head(&story, &reader.request);
            request_body_into(&reader, body, sizeof body);
            break;
        case REQUEST_COMPLETE:
            tell(&story, body, reader.body_size);
            if (piece > 1) ask_oracle(span_of(bytes.bytes + begin, story.used - begin));
            begin = story.used;
            request_begin(&reader);
            break;
        case REQUEST_BODY_FULL: return story;
        case REQUEST_REFUSED: tell_number(&story, reader.problem); return story;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span const bytes = span_of(data, size);
    struct story const whole = read_all(bytes, size + 2);
    struct story const single = read_all(bytes, 1);
    struct story const growing = read_all(bytes, 0);
    if (whole.hash != single.hash || whole.hash != growing.hash) abort();
    /* After a body that is too long, how much was taken may differ; then nothing is read. */
    return 0;
}
