/* engine: where money moves, and nowhere else: commands in, decisions out.
 *
 *     transfer, answer, deadline --> the checks of WIRE section 4 --> an entry, or an answer
 *                                                                          |
 *     entries of the ledger ---------------------------------------> the same state
 *
 * The engine reads no clock, does no I/O, starts no thread and allocates nothing after engine_open:
 * the same commands with the same stamps give the same entries, and the same entries give the same
 * state.  An entry changes the state before the ledger has it; nobody may hear of an outcome until
 * the entry, and every entry before it, is durable.
 *
 * Threads: one at a time; live it is settlement's, a second engine may be a follower's.
 * Memory:  all of it is taken, and touched, in engine_open: 32 bytes and up to 16 of index per
 *          fingerprint, about 350 bytes per open payment. */
#ifndef SWITCH_CORE_ENGINE_H
#define SWITCH_CORE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/record/body.h"
#include "proto/record/command.h"
#include "proto/record/day.h"
#include "proto/record/entry.h"
#include "proto/record/registry.h"
#include "proto/record/reply.h"
#include "switch/core/member.h"

#define ENGINE_NOBODY UINT32_MAX     /* no participant's index */
#define ENGINE_NO_DEADLINE INT64_MAX /* no payment is open */
#define ENGINE_LEDGER_ID_BYTES 16
#define ENGINE_CERTIFICATE_BYTES_MAX (ENTRY_BODY_BYTES_MAX - 64) /* the rest is its purpose */

struct engine;

struct engine_options {
    uint32_t open_max;           /* payments open at once, 1 to 2^30 */
    uint32_t duplicate_capacity; /* fingerprints, 1 to 2^30 */
    int64_t duplicate_window_ns; /* how long an id is remembered: the configured hours and the
                                    clock tolerance */
    int64_t clock_tolerance_ns;  /* AccptncDtTm may lie so far behind */
    int64_t clock_ahead_ns;      /* and so far ahead */
    int64_t deadline_high_ns;    /* above 0 */
    int64_t deadline_normal_ns;  /* above 0 */
    struct currency currency;
    uint64_t index_key[2]; /* random, drawn at each start: where ids stand in memory, so that nobody
                              can choose ids that collide; no result depends on it */
};

/* On FAULT_NONE *out is the caller's until engine_close.  FAULT_MEMORY. */
MUST_CHECK enum fault engine_open(struct engine **out, const struct engine_options *options);

/* Accepts NULL. */
void engine_close(struct engine *engine);

/* What settlement draws once per turn. */
struct stamp {
    int64_t now_ns;   /* never before the time of the newest entry */
    struct hash seed; /* random; the salts of the turn's entries come of it */
};

enum outcome_kind {
    OUTCOME_ENTRY,  /* a new entry: to be appended, then delivered as its kind says */
    OUTCOME_STATUS, /* transient: one pacs.002 item for one participant; nothing changed */
    OUTCOME_BALANCE /* transient: one camt.052 for one participant; nothing changed */
};

/* What a command led to.  It belongs to the engine and is good until its next call. */
struct outcome {
    enum outcome_kind kind;

    /* Of OUTCOME_ENTRY. */
    struct entry entry; /* all but prev_hash and hash, which the journal fills in */
    struct body body;   /* its body; size 0: none */
    uint32_t sides[2];  /* by enum entry_side: index of entry.public.payer and .payee, or
                           ENGINE_NOBODY */

    /* The payment's InstrId and UETR, for pacs.002, whatever the kind of outcome; absent where the
     * payment has none, and in a standing result to the payee's bank (below). */
    struct max35_text instruction_id;
    struct uetr uetr;

    /* Of OUTCOME_STATUS and OUTCOME_BALANCE: who gets it. */
    uint32_t receiver; /* index */

    /* Of OUTCOME_STATUS.
     * standing_seq 0: `status` is complete.
     * Else it is the seq of the entry that decided the payment (settled, rejected, expired or
     * refused; perhaps one of this very turn) and `status` has only its id: the caller takes
     * status, reason, settled_ns and settled_seq from that entry, for `side`.  On the payer's side
     * instruction_id and uetr are in place; on the payee's they stand in the body of the entry that
     * the deciding one names in opened_by. */
    struct status_item status;
    uint64_t standing_seq;
    enum entry_side side; /* the receiver's */

    /* Of OUTCOME_BALANCE. */
    struct balance_item balance;
};

/* True when so many more transfers surely find a place among the open payments and among the
 * fingerprints.  To be asked for a whole body before its first command (DESIGN, "What the outside
 * hears"); what fingerprints have outlived the window at `now_ns` counts as room. */
bool engine_room(const struct engine *engine, int64_t now_ns, uint32_t transfer_count);

/* The commands.  `message` names the message whose part the command is (its hash is the entry's
 * evidence).  Assumed: both senders are the same participant that has joined; for transfers,
 * engine_room has said yes; for answers, engine_expire_answered was asked at this stamp.
 * Never NULL. */
const struct outcome *engine_transfer(struct engine *engine, const struct stamp *stamp,
                                      const struct message_command *message,
                                      const struct transfer_command *transfer);
const struct outcome *engine_answer(struct engine *engine, const struct stamp *stamp,
                                    const struct message_command *message,
                                    const struct answer_command *answer);
const struct outcome *engine_balance(struct engine *engine, const struct stamp *stamp,
                                     const struct balance_command *balance);

/* Releases one payment whose deadline is now or has passed, the longest due first.
 * NULL: none is due. */
const struct outcome *engine_expire(struct engine *engine, const struct stamp *stamp);

/* The same of the payment that an answer names, before the answer is taken: it is late, however many
 * payments are due before that one.  NULL: the sender has no such payment, or it is not due. */
const struct outcome *engine_expire_answered(struct engine *engine, const struct stamp *stamp,
                                             const struct answer_command *answer);

/* The next instant at which engine_expire has something to do, or ENGINE_NO_DEADLINE. */
int64_t engine_next_deadline_ns(const struct engine *engine);

/* The entries of genesis, of segments and days, and of the operators' commands later.  The first
 * entry of all is a segment.  On FAULT_NONE *out is an OUTCOME_ENTRY; on any fault nothing has changed. */

/* `number` is 1 for the first segment, then one more each time.
 * FAULT_INVALID: another number was due. */
MUST_CHECK enum fault engine_segment(struct engine *engine, const struct stamp *stamp,
                                     const uint8_t ledger_id[ENGINE_LEDGER_ID_BYTES],
                                     uint64_t number, const struct hash *previous_head,
                                     const struct hash *previous_block, const struct outcome **out);

struct engine_joining {
    struct participant_code code;
    struct span name; /* UTF-8, 1 to LIMIT_NAME_BYTES */
    enum member_status status;
    bool has_payment_limit;
    struct amount payment_limit;             /* above 0; when has_payment_limit */
    uint32_t pacs008_max;                    /* 1 to LIMIT_TRANSACTIONS */
    struct participant_code settles_through; /* zeros: holds its own account */
    bool is_rtgs;
};

/* A participant with an empty account.  Its index is the count of those before it.
 * FAULT_BUSY: the code has joined already, or is the code of nobody.  FAULT_NOT_FOUND: the one it
 * settles through has not joined (let holders of accounts join first) or holds no account itself.
 * FAULT_INVALID: a value out of its range.  FAULT_FULL: LIMIT_PARTICIPANTS have joined. */
MUST_CHECK enum fault engine_join(struct engine *engine, const struct stamp *stamp,
                                  const struct engine_joining *joining, const struct outcome **out);

/* A certificate of a participant, `der` at most ENGINE_CERTIFICATE_BYTES_MAX bytes.
 * FAULT_NOT_FOUND: no such participant.  FAULT_BUSY: the certificate is registered already, for
 * this purpose or to somebody else (WIRE section 1: "registered to exactly one participant").
 * FAULT_FULL: it has LIMIT_CERTIFICATES for this purpose.  FAULT_INVALID: too long, or empty. */
MUST_CHECK enum fault engine_certificate(struct engine *engine, const struct stamp *stamp,
                                         struct participant_code code,
                                         enum certificate_purpose purpose, struct span der,
                                         const struct outcome **out);

/* Money from outside the switch into a participant's account.
 * FAULT_NOT_FOUND: no such participant, or it holds no account itself.  FAULT_INVALID: the amount
 * is not above 0.  FAULT_FULL: total net funding would exceed AMOUNT_MAX_MINOR. */
MUST_CHECK enum fault engine_fund(struct engine *engine, const struct stamp *stamp,
                                  struct participant_code code, struct amount amount,
                                  const struct outcome **out);

/* Closes an accounting day: an entry with the day's control totals (proto/record/day.h).
 * FAULT_INVALID: the day is not after the one closed last, or none. */
MUST_CHECK enum fault engine_day(struct engine *engine, const struct stamp *stamp, struct day day,
                                 const struct outcome **out);

/* Replay: brings the state from before a stored entry to after it, by the same functions as live.
 * `body` is its stored body, empty for none; their hashes have been checked.
 * FAULT_CORRUPT: the entry does not follow from those before it.  FAULT_VERSION: the entry's
 * version or kind is none of ours.  FAULT_INVALID: it is in another currency than configured.
 * FAULT_FULL: open_max or duplicate_capacity is smaller than what the ledger needs.
 * After any fault the engine is good for nothing but engine_close. */
MUST_CHECK enum fault engine_apply(struct engine *engine, const struct entry *entry,
                                   struct span body);

/* The entry that engine_apply has just taken, as the outcome it was when it was decided (sides,
 * instruction_id, uetr), its body left out: the caller has that.
 * Assumed: engine_apply was the last call. */
const struct outcome *engine_applied(const struct engine *engine);

/* A participant as it is now. */
struct engine_participant {
    struct participant_code code;
    enum member_status status; /* its own */
    uint32_t account;          /* index of the holder of the account it settles on; may be itself */
    uint32_t pacs008_max;
    bool is_rtgs;
    struct amount available; /* its own account's; 0 when it settles through another */
    struct amount reserved;
    uint64_t number;   /* its newest own number; 0: it has no entries */
    uint64_t last_seq; /* the entry with that number */
};

uint32_t engine_participant_count(const struct engine *engine);

/* Assumed index < engine_participant_count. */
struct engine_participant engine_participant(const struct engine *engine, uint32_t index);

/* Index of a participant, or ENGINE_NOBODY. */
uint32_t engine_find(const struct engine *engine, struct participant_code code);

/* Seq of the entry that settled the payment with this id, perhaps one of this very turn.
 * 0: no id that is remembered; or the payment that took it is not settled. */
uint64_t engine_settled_seq(const struct engine *engine, const struct payment_id *id);

/* What must always hold: available + reserved = net_funding, and reserved = open_amount. */
struct engine_totals {
    struct amount net_funding;
    struct amount available;   /* summed over all accounts now */
    struct amount reserved;    /* likewise */
    struct amount open_amount; /* summed over the open payments, by their own table */
    uint32_t open_count;
    uint32_t fingerprint_count;
    uint64_t last_seq; /* of the newest entry; 0: none */
    int64_t last_ns;   /* its time */
    uint64_t segment_number;
    struct day last_day; /* the accounting day closed last; none before the first */
};

struct engine_totals engine_totals(const struct engine *engine);

/* SHA-256 over the whole state in an order that depends only on the entries: two engines of the
 * same options that have seen the same entries have the same digest. */
struct hash engine_digest(const struct engine *engine);

/* What the newest entry made of the state, in two words that cost nothing to ask for.
 * It covers accounts, open payments, participants, certificates, funding, the counters of the day,
 * segment, time and seq; not the duplicate window, which depends on options.  Engines that have seen
 * the same entries have the same mark, whatever their options.  Each entry replaces what the
 * accounts that it changes had in the mark by what they hold in memory then, and takes a payment out
 * as it stands in memory: damage to either shows with its next change.  Against faults, not against
 * forgery. */
struct engine_mark {
    uint64_t seq;
    uint64_t digest[2];
};

struct engine_mark engine_mark(const struct engine *engine);

/* Takes `bytes`, which are good for the call only.  A fault ends the saving. */
typedef enum fault engine_sink(void *context, struct span bytes);

/* Writes the whole state, duplicate window included, as snapshot.h lays it out: what replay of all
 * entries would make.  The bytes depend only on the entries and on duplicate_window_ns.  About 32
 * bytes per fingerprint and 270 per open payment, in runs of up to 64 KiB.  The faults are the
 * sink's. */
MUST_CHECK enum fault engine_save(const struct engine *engine, engine_sink *sink, void *context);

/* Fills `bytes` with the next `size` of what was saved.  FAULT_CORRUPT: there are not so many. */
typedef enum fault engine_source(void *context, void *bytes, size_t size);

/* Opens an engine with the state that engine_save wrote; reads nothing behind it.  Nothing that is
 * read is trusted: every value is held to what replay holds entries to, and the digest over all of
 * it must be that of the loaded state.  On FAULT_NONE *out is the caller's until engine_close.
 * FAULT_CORRUPT: the bytes are not as saved.  FAULT_VERSION: another layout.  FAULT_INVALID: another
 * currency, or the window was shorter than these options want it, so that it has forgotten ids:
 * replay the entries.  FAULT_FULL: open_max or duplicate_capacity is smaller than what was saved.
 * FAULT_MEMORY, and the source's own. */
MUST_CHECK enum fault engine_load(struct engine **out, const struct engine_options *options,
                                  engine_source *source, void *context);

#endif
