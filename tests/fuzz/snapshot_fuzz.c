/* Whatever stands in a snapshot, it is refused without harm, or it is one that an engine could have
 * saved: then that engine works, and saves the same bytes again (but for a longer window, of which
 * the engine has become one of ours).
 *
 * The input is a snapshot without its digest, which is made to fit: else no input would get far. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/time.h"
#include "switch/core/engine.h"

#define WINDOW_AT 40 /* snapshot.h */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct input {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    struct hash digest; /* of all of it */
};

static enum fault give(void *context, void *bytes, size_t size)
{
    struct input *const input = context;
    if (size == HASH_BYTES && input->at == input->size) {
        memcpy(bytes, &input->digest, HASH_BYTES);
        return FAULT_NONE;
    }
    if (size > input->size - input->at) return FAULT_CORRUPT;
    if (size > 0) memcpy(bytes, input->bytes + input->at, size);
    input->at += size;
    return FAULT_NONE;
}

static enum fault compare(void *context, struct span bytes)
{
    struct input *const input = context;
    if (input->at == input->size) {
        if (!span_equal(bytes, hash_span(&input->digest))) abort();
        return FAULT_NONE;
    }
    if (bytes.size > input->size - input->at ||
        memcmp(bytes.bytes, input->bytes + input->at, bytes.size) != 0)
        abort();
    input->at += bytes.size;
    return FAULT_NONE;
}

/* Time passes until nothing is open, and each step keeps the sums. */
static void let_expire(struct engine *engine)
{
    struct stamp stamp = {.now_ns = engine_totals(engine).last_ns};
    if (stamp.now_ns < engine_next_deadline_ns(engine) && engine_totals(engine).open_count > 0)
        stamp.now_ns = engine_next_deadline_ns(engine);
    (void)engine_room(engine, stamp.now_ns, 10);
    while (engine_totals(engine).open_count > 0) {
        if (engine_expire(engine, &stamp) == NULL) stamp.now_ns = engine_next_deadline_ns(engine);
        struct engine_totals const totals = engine_totals(engine);
        struct amount sum;
        if (!amount_add(totals.available, totals.reserved, &sum) ||
            amount_compare(sum, totals.net_funding) != 0 ||
            amount_compare(totals.reserved, totals.open_amount) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct engine_options options = {
        .open_max = 40,
        .duplicate_capacity = 300,
        .duplicate_window_ns = 600 * TIME_NS_PER_SECOND,
        .clock_tolerance_ns = 300 * TIME_NS_PER_SECOND,
        .clock_ahead_ns = 60 * TIME_NS_PER_SECOND,
        .deadline_high_ns = 10 * TIME_NS_PER_SECOND,
        .deadline_normal_ns = 60 * TIME_NS_PER_SECOND,
        .currency = {"MXN"},
    };
    struct input input = {.bytes = bytes, .size = size, .digest = hash_of(span_of(bytes, size))};
    struct engine *engine = NULL;
    if (engine_load(&engine, &options, give, &input) != FAULT_NONE) return 0;
    if (input.at != size) abort(); /* the digest of all of it has fitted */
    int64_t window_ns;
    memcpy(&window_ns, bytes + WINDOW_AT, sizeof window_ns);
    input.at = 0;
    if (window_ns == options.duplicate_window_ns &&
        engine_save(engine, compare, &input) != FAULT_NONE)
        abort();
    let_expire(engine);
    engine_close(engine);
    return 0;
}
