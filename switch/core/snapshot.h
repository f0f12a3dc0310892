/* snapshot: the engine's state as a stream of bytes, and back.
 *
 * The bytes depend on the entries and the duplicate window only: places in memory are not in them.
 * They begin with a head and end with the SHA-256 of all that comes before it, which is the engine's
 * digest.  Integers are little-endian; times are nanoseconds since 1970-01-01T00:00:00Z, amounts
 * minor units, participants indices in order of joining; texts are followed by zeros.
 *
 *   head, 216 bytes
 *     0   8   "CauState"                     48  4   count of participants
 *     8   4   version, 1                     52  4   count of certificates
 *    12   4   currency                       56  4   count of open payments
 *    16   8   seq of the newest entry        60  4   count of groups
 *    24   8   its time                       64  4   count of ids
 *    32   8   number of the segment          68  10  accounting day closed last; zeros: none
 *    40   8   duplicate window, ns           78  2   zeros
 *    80   8   seq of the first entry of the day that is open
 *    88  16x8 its totals, as a `day` entry would write them now: tags 19 to 34 of ledger/README.md
 *
 *   participant, 64 bytes each, in order of joining
 *     0   8   code                           20  4   1: RTGS, 2: has a payment limit, 3: both
 *     8   4   holder of its account          24  8   payment limit, or 0
 *    12   4   0 active, 1 suspended,         32  8   available       (the last four: zeros where
 *             2 debit-blocked                40  8   reserved         another holds its account)
 *    16   4   pacs.008 in one message        48  8   its newest own number; 56: seq of that entry
 *
 *   certificate, 40 bytes each, in order of entry
 *     0  32   SHA-256 of its DER             32  4   owner           36  4   0 channel, 1 signing
 *
 *   open payment, 264 bytes each, in order of seq
 *     0   8   seq of its reserved entry      32  16  agents of payer and payee
 *     8   8   deadline                       48  1+35   size and text of the id
 *    16   8   amount                         84  36     UETR, or zeros
 *    24   4   holder of the payer's account 120  1+140  size and text of InstrId
 *    28   4   of the payee's                261  3      zeros
 *
 *   group of ids, 24 bytes each, oldest first: runs of ids that came about the same time
 *     0   8   time of its oldest id           8  8   of its newest
 *    16   8   count of ids up to its last, from the oldest id of all
 *
 *   id, 32 bytes each, oldest first
 *     0  12   start of the SHA-256 of the id
 *    12  12   start of that of the content, exclusive or the sender's code
 *    24   8   48 bits: seq of the reserved entry while open, then of the one that decided; 13 bits:
 *             holder of the payee's account, 8191: none; 3 bits: 1 open, 2 settled, 3 rejected,
 *             4 expired, 5 refused, 0 forgotten before its time (the other bits are then zeros)
 *
 *   digest, 32 bytes
 *
 * Threads: the engine's. */
#ifndef SWITCH_CORE_SNAPSHOT_H
#define SWITCH_CORE_SNAPSHOT_H

#include "proto/base/fault.h"
#include "proto/crypto/hash.h"
#include "switch/core/engine.h"

/* engine_save. */
MUST_CHECK enum fault snapshot_save(const struct engine *engine, engine_sink *sink, void *context);

/* engine_load. */
MUST_CHECK enum fault snapshot_load(struct engine **out, const struct engine_options *options,
                                    engine_source *source, void *context);

/* engine_digest: what a snapshot would end with. */
struct hash snapshot_digest(const struct engine *engine);

#endif
