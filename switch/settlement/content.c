/* A circular buffer whose oldest bytes are given up. */
#include "switch/settlement/content.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum fault content_open(struct content *content, size_t size)
{
    *content = (struct content){.bytes = malloc(size), .size = size};
    if (!content->bytes) return FAULT_MEMORY;
    memset(content->bytes, 0, size);
    return FAULT_NONE;
}

uint64_t content_put(struct content *content, struct span bytes)
{
    assert(bytes.size <= content->size / 2);
    size_t const to_end = content->size - (size_t)(content->end % content->size);
    if (bytes.size > to_end) content->end += to_end; /* never split */
    uint64_t const name = content->end;
    memcpy(content->bytes + name % content->size, bytes.bytes, bytes.size);
    content->end += bytes.size;
    return name;
}

struct span content_get(const struct content *content, uint64_t name, size_t size)
{
    if (name + size > content->end || content->end - name > content->size) return (struct span){0};
    return span_of(content->bytes + name % content->size, size);
}

void content_close(struct content *content)
{
    free(content->bytes);
    *content = (struct content){0};
}
