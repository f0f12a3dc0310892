/* R-0123456789abcdef-02-1f4: at most 2 + 16 + 1 + 2 + 1 + 13 = 35 characters. */
#include "switch/participant/resource.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "proto/base/limits.h"
#include "proto/crypto/random.h"

#define NUMBER_MAX (UINT64_C(1) << 52) /* 13 hexadecimal digits: 140 years at a million a second */

enum fault resource_open(struct resource_maker *maker, uint32_t loop)
{
    assert(loop < LIMIT_LOOPS);
    *maker = (struct resource_maker){.loop = loop, .next = 1};
    return random_fill(&maker->start, sizeof maker->start);
}

uint64_t resource_take(struct resource_maker *maker, uint32_t count)
{
    uint64_t const first = maker->next;
    maker->next += count;
    assert(maker->next < NUMBER_MAX);
    return first;
}

struct resource_id resource_id(const struct resource_maker *maker, uint64_t number)
{
    struct resource_id id = {0};
    (void)snprintf(id.text, sizeof id.text, "R-%016" PRIx64 "-%02x-%" PRIx64, maker->start,
                   (unsigned)maker->loop, number);
    return id;
}
