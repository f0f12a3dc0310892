/* reply: what settlement tells a net loop, as records of a byte ring.  All of it is durable.
 *
 *   BODY_REPLY       the outcome of one POST
 *   POLL_REPLY       the outcome of one stream request, followed at once by
 *     { DELIVERY     one message to build, sign and send
 *       { DELIVERY_ITEM }* }*     its transactions, each with its bytes behind it where it has any
 *   RECEIPT_REPLY    the outcome of a GET of a receipt, the receipt behind it where there is one
 *
 * Everything that makes the message is in these records, so that the same resource id always has
 * the same content, the signature's value aside (WIRE section 1, "Streams"). */
#ifndef PROTO_RECORD_REPLY_H
#define PROTO_RECORD_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/record/command.h"
#include "proto/record/entry.h"
#include "proto/record/refusal.h"

enum reply_kind { REPLY_BODY = 1, REPLY_POLL, REPLY_DELIVERY, REPLY_ITEM, REPLY_RECEIPT };

enum body_outcome {
    BODY_DONE,      /* 201: every message of it has its outcome */
    BODY_TOO_MANY,  /* 429: the participant has too many transient answers waiting */
    BODY_OVERLOADED /* 503: no room for more payments, or the switch is stopping */
};

struct body_reply {
    uint32_t kind;
    enum body_outcome outcome;
    struct request_id request;
    uint32_t retry_after_seconds; /* of BODY_TOO_MANY and BODY_OVERLOADED, at least 1 */
};

enum poll_outcome {
    POLL_MESSAGES, /* 200: message_count DELIVERYs follow */
    POLL_EMPTY,    /* 204 */
    POLL_CLOSED,   /* 200 to a DELETE */
    POLL_GONE,     /* 410 */
    POLL_TOO_MANY  /* 429: streams_max are open */
};

struct poll_reply {
    uint32_t kind;
    enum poll_outcome outcome;
    struct request_id request;
    struct pull_token next;       /* of POLL_MESSAGES and POLL_EMPTY: the new PI-Pull-Next */
    uint32_t message_count;       /* 0 to LIMIT_PARTS */
    uint32_t retry_after_seconds; /* of POLL_TOO_MANY, at least 1 */
};

enum receipt_outcome {
    RECEIPT_FOUND,   /* 200: the record is followed by a struct receipt */
    RECEIPT_UNKNOWN, /* 404: no settled payment of this participant has the id */
    RECEIPT_BUSY,    /* 503: the index is not there, or look-ups are behind */
    RECEIPT_FAILED   /* 500: what the ledger has of it cannot be read */
};

struct receipt_reply {
    uint32_t kind;
    enum receipt_outcome outcome;
    struct request_id request;
    uint32_t retry_after_seconds; /* of RECEIPT_BUSY, at least 1 */
};

enum delivery_type { DELIVER_PACS008, DELIVER_PACS002, DELIVER_ADMI002, DELIVER_CAMT052 };

struct delivery {
    uint32_t kind;
    enum delivery_type type;
    struct participant_code receiver;
    struct resource_id resource_id; /* also BizMsgIdr and GrpHdr/MsgId */
    int64_t created_ns;             /* CreDt and CreDtTm */
    uint32_t item_count;            /* DELIVERY_ITEMs that follow, 1 to LIMIT_TRANSACTIONS */
};

/* What a pacs.002 says of one transaction. */
enum transaction_status {
    STATUS_ACSP, /* reserved, not yet decided (a repeated pacs.008) */
    STATUS_ACSC, /* settled, to the payer's bank */
    STATUS_ACCC, /* settled, to the payee's bank */
    STATUS_RJCT
};

struct status_item {
    struct max35_text id;             /* OrgnlEndToEndId */
    struct max35_text instruction_id; /* OrgnlInstrId; size 0: absent */
    struct uetr uetr;                 /* OrgnlUETR; zeros: absent */
    enum transaction_status status;
    struct reason reason; /* of STATUS_RJCT */
    int64_t settled_ns;   /* of ACSC and ACCC: FctvIntrBkSttlmDt/DtTm */
    uint64_t settled_seq; /* of ACSC and ACCC: AcctSvcrRef */
};

/* A transaction of a pacs.008, its bytes behind the record: either canonical CdtTrfTxInf, or the
 * whole message as received, from which the loop takes it again (read back from the ledger). */
struct transfer_item {
    uint32_t size;
    uint32_t transaction_index; /* within the message as received */
    bool whole_message;
};

struct balance_item {
    struct participant_code account;
    struct max35_text query; /* GrpHdr/MsgId of the camt.060 */
    struct amount available;
    struct amount reserved;
    struct currency currency;
    int64_t at_ns;
};

struct delivery_item {
    uint32_t kind;
    enum delivery_type type;
    union {
        struct transfer_item transfer; /* DELIVER_PACS008 */
        struct status_item status;     /* DELIVER_PACS002 */
        struct refusal refusal;        /* DELIVER_ADMI002 */
        struct balance_item balance;   /* DELIVER_CAMT052 */
    };
};

#endif
