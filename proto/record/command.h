/* command: what a net loop asks of settlement, as records of a byte ring (switch/ring/ring.h).
 *
 * A POST's body travels as one run of records, published at once:
 *
 *   BODY                          what it holds in total: admission is decided on this alone
 *   { MESSAGE                     one signed message, its bytes as received behind the record
 *     { TRANSFER | ANSWER | BALANCE | REFUSAL }* }*   what the message asks, in its order
 *
 * TRANSFER carries the canonical CdtTrfTxInf behind it, unless that is a run of the message's own
 * bytes.  Polls, receipts and the rest travel as single records.  Every record begins with its kind.
 *
 * Nothing here is stored: the layouts may change with any release.  Times are absolute, in ns. */
#ifndef PROTO_RECORD_COMMAND_H
#define PROTO_RECORD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/limits.h"
#include "proto/crypto/hash.h"
#include "proto/record/identifier.h"
#include "proto/record/refusal.h"

enum command_kind {
    COMMAND_BODY = 1,
    COMMAND_MESSAGE,
    COMMAND_TRANSFER, /* one transaction of a pacs.008 */
    COMMAND_ANSWER,   /* one TxInfAndSts of a pacs.002 */
    COMMAND_BALANCE,  /* a camt.060 that asks for camt.052 */
    COMMAND_REFUSAL,  /* a message that cannot be taken: its admi.002 is to be queued */
    COMMAND_POLL,     /* a GET on a stream, or a DELETE */
    COMMAND_POLL_END, /* the poll's time is up, or its connection is gone */
    COMMAND_RECEIPT   /* a GET of a receipt */
};

/* A PI-ResourceId: 1 to 35 of [A-Za-z0-9-], zeros behind. */
struct resource_id {
    char text[LIMIT_ID_BYTES + 1];
};

/* The loop's name for one request, returned with the reply; settlement does not look into it. */
struct request_id {
    uint64_t value;
};

struct body_command {
    uint32_t kind;
    uint32_t participant; /* index in the registry: the certificate's, which is the path's */
    struct request_id request;
    uint32_t message_count;   /* MESSAGE records that follow, 1 to LIMIT_PARTS */
    uint32_t command_count;   /* TRANSFER, ANSWER, BALANCE and REFUSAL records that follow */
    uint32_t transfer_count;  /* TRANSFERs among them: at most so many payments and fingerprints */
    uint32_t transient_count; /* transient answers that they can cause at most */
    uint32_t dropped_count;   /* messages that are dropped without an answer (admi.002, admi.011) */
};

struct message_command {
    uint32_t kind;
    uint32_t size; /* bytes as received (after gzip and multipart), behind this record */
    struct participant_code sender; /* who signed it */
    struct resource_id resource_id; /* the PI-ResourceId that the 201 gives it */
    struct hash hash;               /* SHA-256 of the bytes */
    struct hash certificate; /* SHA-256 of the certificate that verified it; zeros: unverified */
};

enum transfer_priority { PRIORITY_HIGH, PRIORITY_NORMAL };

/* The transaction as read; the checks of WIRE section 4 are the core's. */
struct transfer_command {
    uint32_t kind;
    uint32_t transaction_index; /* 0-based within the message */
    struct participant_code sender;
    struct participant_code payer_agent; /* zeros: not 8 of [0-9A-Z], so unknown (RC09) */
    struct participant_code payee_agent; /* zeros likewise (RC10) */
    struct amount amount;                /* when amount_parse is good */
    enum amount_parse amount_parse;
    enum transfer_priority priority;
    struct currency currency;
    uint32_t canonical_size;          /* bytes of the canonical CdtTrfTxInf */
    uint32_t canonical_at;            /* where they stand in the message's bytes, or */
    uint32_t canonical_behind;        /* 1: they stand behind this record instead */
    int64_t acceptance_ns;            /* AccptncDtTm */
    struct hash content_hash;         /* SHA-256 of the canonical bytes */
    struct max35_text id;             /* EndToEndId as it came: FF08 is the core's */
    struct max35_text instruction_id; /* InstrId; size 0: absent */
    struct uetr uetr;
};

struct answer_command {
    uint32_t kind;
    uint32_t transaction_index;
    struct participant_code sender;
    bool accepted;        /* ACSP, ACTC or ACWP; else RJCT with a reason */
    struct reason reason; /* of a rejection; never zeros then */
    struct max35_text id; /* OrgnlEndToEndId as it came */
};

struct balance_command {
    uint32_t kind;
    struct participant_code sender;
    struct max35_text query; /* GrpHdr/MsgId of the camt.060 */
};

struct refusal_command {
    uint32_t kind;
    struct refusal refusal; /* with a reference */
};

/* The opaque of a stream's path: which stream, and which of its PI-Pull-Next. */
struct pull_token {
    uint64_t stream; /* random, never 0 */
    uint64_t step;
};

enum poll_verb { POLL_START, POLL_NEXT, POLL_DELETE };

struct poll_command {
    uint32_t kind;
    uint32_t participant;
    struct request_id request;
    enum poll_verb verb;
    uint32_t messages_max;   /* 1, or up to LIMIT_PARTS when the client takes multipart */
    struct pull_token token; /* of POLL_NEXT and POLL_DELETE */
};

struct receipt_command {
    uint32_t kind;
    uint32_t participant;
    struct request_id request;
    struct payment_id id; /* EndToEndId or RtrId */
};

enum poll_end { POLL_TIME_UP, POLL_CONNECTION_LOST };

/* A reply may already be under way: settlement then ignores this, and the loop gets that reply. */
struct poll_end_command {
    uint32_t kind;
    enum poll_end why;
    struct request_id request;
    uint32_t participant;
};

#endif
