/* Answers and results: one status per transaction, and what goes with it. */
#include "proto/iso/pacs002.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "proto/iso/field.h"
#include "proto/iso/schema/ids.h"

#define ELEMENT(name) ID_PaymentTransaction110_##name
#define SEQUENCE_TEXT_BYTES 21 /* 2^64 - 1 in decimal and a zero */

/* Who wrote the message: each may use its own statuses only. */
enum author { BANK, SWITCH };

struct status {
    struct span text;
    bool from[2]; /* by author */
};

static const struct status statuses[] = {
#define PACS002_STATUS(name, from_bank, from_switch)                                               \
    [PACS002_##name] = {{#name, sizeof(#name) - 1}, {[BANK] = from_bank, [SWITCH] = from_switch}},
    PACS002_STATUS_LIST(PACS002_STATUS)
#undef PACS002_STATUS
};

struct span pacs002_status_text(enum pacs002_status status)
{
    return statuses[status].text;
}

bool pacs002_accepts(enum pacs002_status status)
{
    switch (status) {
    case PACS002_ACSP:
    case PACS002_ACTC:
    case PACS002_ACWP: return true;
    case PACS002_RJCT:
    case PACS002_ACSC:
    case PACS002_ACCC: return false;
    }
    return false;
}

/* "TxSts outside the table ...: admi.002 SCHEMA for the whole message" (WIRE section 4). */
static bool read_status(const struct xml_document *document, uint16_t node, enum author author,
                        enum pacs002_status *status, struct refusal *refusal)
{
    struct span const text = document_text(document, node);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (!statuses[i].from[author] || !span_equal(statuses[i].text, text)) continue;
        *status = (enum pacs002_status)i;
        return true;
    }
    return field_refuse(refusal, document, node, "TxSts %.*s is not accepted here", (int)text.size,
                        text.bytes);
}

/* The first StsRsnInf/Rsn/Cd; empty when there is none. *parent is the innermost element of the
 * first StsRsnInf that is there: where a missing Cd is missed. */
static struct span read_reason(const struct xml_document *document, uint16_t node, uint16_t *parent)
{
    *parent = XML_NONE;
    for (uint16_t child = document_child_id(document, node, ELEMENT(StsRsnInf));
         child != XML_NONE && document->nodes[child].schema == ELEMENT(StsRsnInf);
         child = document_next(document, child)) {
        uint16_t const reason =
            document_child_id(document, child, ID_StatusReasonInformation12_Rsn);
        struct span const code = document_leaf(document, reason, ID_StatusReason6Choice_Cd);
        if (*parent == XML_NONE) *parent = reason != XML_NONE ? reason : child;
        if (code.size > 0) return code;
    }
    if (*parent == XML_NONE) *parent = node;
    return (struct span){0};
}

/* AcctSvcrRef as the switch writes it: a sequence in decimal; 0 for anything else. */
static uint64_t read_sequence(struct span text)
{
    uint64_t sequence = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned const digit = (unsigned)((unsigned char)text.bytes[i]) - '0';
        if (digit > 9 || __builtin_mul_overflow(sequence, 10, &sequence) ||
            __builtin_add_overflow(sequence, digit, &sequence)) {
            return 0;
        }
    }
    return sequence;
}

static bool read_transaction(const struct xml_document *document, uint16_t node, enum author author,
                             struct pacs002_transaction *transaction, struct refusal *refusal)
{
    uint16_t status, reason_parent;
    *transaction = (struct pacs002_transaction){
        .instruction_id = document_leaf(document, node, ELEMENT(OrgnlInstrId)),
        .uetr = document_leaf(document, node, ELEMENT(OrgnlUETR)),
        .reason = read_reason(document, node, &reason_parent),
    };
    if (!field_demand_text(document, node, ELEMENT(OrgnlEndToEndId), &transaction->end_to_end_id,
                           refusal) ||
        !field_demand(document, node, ELEMENT(TxSts), &status, refusal) ||
        !read_status(document, status, author, &transaction->status, refusal)) {
        return false;
    }
    if (transaction->status == PACS002_RJCT && transaction->reason.size == 0)
        return field_refuse(refusal, document, reason_parent, "RJCT without StsRsnInf/Rsn/Cd");
    if (author == BANK) return true;

    uint16_t const settled = document_child_id(document, node, ELEMENT(FctvIntrBkSttlmDt));
    uint16_t const instant = document_child_id(document, settled, ID_DateAndDateTime2Choice_DtTm);
    transaction->settled_seq = read_sequence(document_leaf(document, node, ELEMENT(AcctSvcrRef)));
    return instant == XML_NONE ||
           field_demand_time(document, instant, &transaction->settled_ns, refusal);
}

static bool read(const struct xml_document *document, uint16_t node, enum author author,
                 struct pacs002 *pacs002, struct refusal *refusal)
{
    uint16_t root, group;
    if (!field_demand(document, node, ID_pacs_002_Document_FIToFIPmtStsRpt, &root, refusal) ||
        !field_demand(document, root, ID_FIToFIPaymentStatusReportV10_GrpHdr, &group, refusal) ||
        !field_demand_text(document, group, ID_GroupHeader91_MsgId, &pacs002->message_id,
                           refusal)) {
        return false;
    }
    pacs002->count = 0;
    for (uint16_t child =
             document_child_id(document, root, ID_FIToFIPaymentStatusReportV10_TxInfAndSts);
         child != XML_NONE &&
         document->nodes[child].schema == ID_FIToFIPaymentStatusReportV10_TxInfAndSts;
         child = document_next(document, child)) {
        if (pacs002->count == LIMIT_TRANSACTIONS) {
            return field_refuse(refusal, document, child, "more than %d transactions",
                                LIMIT_TRANSACTIONS);
        }
        if (!read_transaction(document, child, author, &pacs002->transactions[pacs002->count],
                              refusal)) {
            return false;
        }
        pacs002->count++;
    }
    if (pacs002->count == 0)
        return field_refuse(refusal, document, root, "element TxInfAndSts is missing");
    return true;
}

bool pacs002_read_answers(const struct xml_document *document, uint16_t node,
                          struct pacs002 *pacs002, struct refusal *refusal)
{
    return read(document, node, BANK, pacs002, refusal);
}

bool pacs002_read_results(const struct xml_document *document, uint16_t node,
                          struct pacs002 *pacs002, struct refusal *refusal)
{
    return read(document, node, SWITCH, pacs002, refusal);
}

static void write_transaction(struct writer *writer, const struct pacs002_transaction *transaction)
{
    writer_start(writer, SPAN("TxInfAndSts"));
    writer_leaf_optional(writer, SPAN("OrgnlInstrId"), transaction->instruction_id);
    writer_leaf(writer, SPAN("OrgnlEndToEndId"), transaction->end_to_end_id);
    writer_leaf_optional(writer, SPAN("OrgnlUETR"), transaction->uetr);
    writer_leaf(writer, SPAN("TxSts"), pacs002_status_text(transaction->status));
    if (transaction->reason.size > 0) {
        writer_start(writer, SPAN("StsRsnInf"));
        writer_start(writer, SPAN("Rsn"));
        writer_leaf(writer, SPAN("Cd"), transaction->reason);
        writer_end(writer);
        writer_end(writer);
    }
    if (transaction->settled_ns != 0) {
        writer_start(writer, SPAN("FctvIntrBkSttlmDt"));
        field_write_time(writer, SPAN("DtTm"), transaction->settled_ns);
        writer_end(writer);
    }
    if (transaction->settled_seq != 0) {
        char text[SEQUENCE_TEXT_BYTES];
        int const size = snprintf(text, sizeof text, "%" PRIu64, transaction->settled_seq);
        writer_leaf(writer, SPAN("AcctSvcrRef"), span_of(text, (size_t)size));
    }
    writer_end(writer);
}

enum fault pacs002_write(struct compose *compose, const struct header *header,
                         const struct pacs002_transaction *transactions, size_t count)
{
    struct writer *const writer = &compose->writer;

    assert(count >= 1 && count <= LIMIT_TRANSACTIONS);
    compose_start(compose, CATALOGUE_PACS_002, header);
    writer_start(writer, SPAN("FIToFIPmtStsRpt"));
    writer_start(writer, SPAN("GrpHdr"));
    writer_leaf(writer, SPAN("MsgId"), header->business_id);
    field_write_time(writer, SPAN("CreDtTm"), header->created_ns);
    writer_end(writer);
    for (size_t i = 0; i < count; i++)
        write_transaction(writer, &transactions[i]);
    writer_end(writer);
    return compose_end(compose);
}
