/* mark: the state as a sum of rows, kept up to date by whoever changes a row.
 *
 *     mark = sum over accounts, open payments, participants, certificates of mix(row)   modulo 2^64,
 *                                                                                       twice
 *
 * The order of the rows does not count, nor where they stand in memory.  Whoever changes a row
 * replaces its mix (engine_mark in engine.h says what that shows); what is one value for the whole
 * engine is mixed in only when the mark is asked for.
 *
 * Threads: the engine's. */
#ifndef SWITCH_CORE_MARK_H
#define SWITCH_CORE_MARK_H

#include <stdint.h>

#include "switch/core/book.h"
#include "switch/core/engine.h"
#include "switch/core/enrolment.h"
#include "switch/core/member.h"
#include "switch/core/payment.h"

struct mark {
    uint64_t halves[2];
};

/* The mix of one row; index is the participant's, or the certificate's in order of entry. */
struct mark mark_of_account(uint32_t index, const struct account *account);
struct mark mark_of_payment(const struct payment *payment);
struct mark mark_of_member(uint32_t index, const struct member *member);
struct mark mark_of_certificate(uint32_t index, const struct enrolment_certificate *certificate);

static inline void mark_add(struct mark *sum, struct mark row)
{
    sum->halves[0] += row.halves[0];
    sum->halves[1] += row.halves[1];
}

static inline void mark_remove(struct mark *sum, struct mark row)
{
    sum->halves[0] -= row.halves[0];
    sum->halves[1] -= row.halves[1];
}

/* The sum over all rows there are, counted anew. */
struct mark mark_whole(const struct engine *engine);

/* The sum with all that is not in rows. */
struct engine_mark mark_finish(const struct engine *engine, struct mark sum);

#endif
