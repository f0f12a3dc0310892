/* entry: one decision of the core, as it is hashed, stored, published and replayed.
 *
 *      public (208 bytes)            private (192)                body (optional)
 *      what a receipt shows          balances, brakes, salt       InstrId, UETR, certificate, text
 *            |                             |                          |
 *            |                          SHA-256                    SHA-256 (zeros when none)
 *            |                             |                          |
 *   prev_hash | public | private_hash | body_hash  --SHA-256-->  hash  (the next entry's prev_hash)
 *
 * The structs ARE the bytes: little-endian, no padding, no field ever moves.  An entry records
 * results, never something to be recomputed from configuration (DESIGN, "The ledger").
 * ledger/README.md lists every byte for readers in other languages. */
#ifndef PROTO_RECORD_ENTRY_H
#define PROTO_RECORD_ENTRY_H

#include <assert.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/crypto/hash.h"
#include "proto/record/identifier.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "entries are little-endian and are used in place: this machine needs a conversion first"
#endif

#define ENTRY_VERSION 1
#define ENTRY_PUBLIC_BYTES 208
#define ENTRY_PRIVATE_BYTES 192
#define ENTRY_BODY_BYTES_MAX 8192 /* a certificate in DER is the largest */
#define ENTRY_BRAKES 5            /* fields kept for the outflow brakes (AM13) */

/* What one side of an entry means to the participant on it. */
enum entry_side_use {
    SIDE_NONE,    /* the entry does not concern this side: it takes no number of that participant */
    SIDE_COUNTED, /* numbered, but nothing is delivered */
    SIDE_PACS008, /* numbered, delivered as pacs.008 */
    SIDE_PACS002  /* numbered, delivered as pacs.002 */
};

/* Kinds: number on disk, name in events, use of the payer's side, use of the payee's side.
 * Never reorder; append only.  (WIRE section 4 says who gets what.) */
#define ENTRY_KIND_LIST(X)                                                                         \
    X(SEGMENT, 1, "segment", SIDE_NONE, SIDE_NONE)                                                 \
    X(JOINED, 2, "joined", SIDE_NONE, SIDE_NONE)                                                   \
    X(CERTIFICATE, 3, "certificate", SIDE_NONE, SIDE_NONE)                                         \
    X(FUNDED, 4, "funded", SIDE_NONE, SIDE_COUNTED)                                                \
    X(RESERVED, 5, "reserved", SIDE_COUNTED, SIDE_PACS008)                                         \
    X(SETTLED, 6, "settled", SIDE_PACS002, SIDE_PACS002)                                           \
    X(REJECTED, 7, "rejected", SIDE_PACS002, SIDE_COUNTED)                                         \
    X(EXPIRED, 8, "expired", SIDE_PACS002, SIDE_PACS002)                                           \
    X(REFUSED, 9, "refused", SIDE_PACS002, SIDE_NONE)                                              \
    X(DAY, 10, "day", SIDE_NONE, SIDE_NONE)

enum entry_kind {
#define ENTRY_KIND_MEMBER(name, number, text, payer, payee) ENTRY_##name = number,
    ENTRY_KIND_LIST(ENTRY_KIND_MEMBER)
#undef ENTRY_KIND_MEMBER
};

enum entry_side { SIDE_PAYER, SIDE_PAYEE };

/* One participant's own gapless numbering: 1, 2, 3, ...; 0: this side is not numbered. */
struct entry_link {
    uint64_t number;
    uint64_t previous_seq; /* of that participant's entry numbered one less; 0: this is its first */
};

/* All of it is shown on receipts and published.  joined, certificate and funded name their
 * participant as payee. */
struct entry_public {
    uint32_t version;                    /* ENTRY_VERSION */
    uint32_t kind;                       /* enum entry_kind */
    uint64_t seq;                        /* 1, 2, 3, ... without a gap over all segments */
    int64_t time_ns;                     /* when it was decided */
    struct participant_code payer_agent; /* DbtrAgt as the message names it; zeros: not a code */
    struct participant_code payee_agent; /* CdtrAgt likewise */
    struct participant_code payer; /* the participant on whose account the payer's agent settles */
    struct participant_code payee; /* likewise; zeros when there is none */
    struct amount amount;
    struct payment_id id; /* EndToEndId or RtrId */
    struct reason reason; /* of rejected, expired, refused */
    struct currency currency;
    int64_t deadline_ns;        /* of reserved: answers at or after it are late; else 0 */
    uint64_t opened_by;         /* of settled, rejected, expired: seq of its reserved entry */
    uint64_t returned_seq;      /* of a return: seq of the settled entry of the original */
    struct hash evidence_hash;  /* SHA-256 of the message as received that caused it; zeros: none */
    struct entry_link sides[2]; /* by enum entry_side */
};

struct entry_account {
    struct amount available; /* after this entry; of a side with SIDE_NONE: 0 */
    struct amount reserved;
    int64_t brakes[ENTRY_BRAKES]; /* 0 until the outflow brakes are built */
};

struct entry_private {
    uint32_t version;           /* ENTRY_VERSION */
    uint32_t transaction_index; /* 0-based, within its message */
    struct participant_code
        sender; /* who sent the message that caused it; zeros: the switch itself */
    struct entry_account accounts[2];
    struct hash content_hash; /* SHA-256 of the canonical CdtTrfTxInf; of reserved and refused */
    struct hash salt;         /* SHA-256(seed of the turn | seq), so that a receipt's private_hash
                                       cannot be tried out balance by balance */
};

static_assert(sizeof(struct entry_public) == ENTRY_PUBLIC_BYTES,
              "the format on disk depends on it");
static_assert(sizeof(struct entry_private) == ENTRY_PRIVATE_BYTES,
              "the format on disk depends on it");

struct entry {
    struct entry_public public;
    struct entry_private private;
    struct hash body_hash; /* zeros: no body */
    struct hash prev_hash;
    struct hash hash;
};

/* SHA-256 of the private part. */
struct hash entry_private_hash(const struct entry *entry);

/* The rule above over the entry's fields; entry->hash itself is not read. */
struct hash entry_hash(const struct entry *entry);

/* What the kind means to a side; SIDE_NONE for a number that is no kind. */
enum entry_side_use entry_side_use(uint32_t kind, enum entry_side side);

/* The kind's name as events spell it ("reserved"); NULL for a number that is no kind. Static. */
const char *entry_kind_name(uint32_t kind);

/* Whose account a side is. */
struct participant_code entry_participant(const struct entry *entry, enum entry_side side);

#endif
