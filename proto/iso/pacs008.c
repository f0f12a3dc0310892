/* Payment orders: what section 4 demands is checked in document order, the rest is taken as data. */
#include "proto/iso/pacs008.h"

#include <assert.h>

#include "proto/iso/field.h"
#include "proto/iso/schema/ids.h"
#include "proto/xml/canonical.h"

#define ELEMENT(name) ID_CreditTransferTransaction39_##name

/* "NbOfTxs (= their number)": up to 15 digits by the XSD, zeros in front allowed. */
static bool is_number(struct span digits, size_t number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.size; i++)
        value = value * 10 + (uint64_t)(digits.bytes[i] - '0');
    return value == number;
}

/* WIRE section 4: "GrpHdr holds exactly MsgId, CreDtTm, NbOfTxs (= their number) and
 * SttlmInf/SttlmMtd = CLRG." */
static bool read_group(const struct xml_document *document, uint16_t root, struct pacs008 *pacs008,
                       struct refusal *refusal)
{
    static const uint16_t of_group[] = {ID_GroupHeader93_MsgId, ID_GroupHeader93_CreDtTm,
                                        ID_GroupHeader93_NbOfTxs, ID_GroupHeader93_SttlmInf};
    static const uint16_t of_settlement[] = {ID_SettlementInstruction7_SttlmMtd};
    uint16_t group, number, settlement, method;

    if (!field_demand(document, root, ID_FIToFICustomerCreditTransferV08_GrpHdr, &group, refusal) ||
        !field_demand_only(document, group, of_group, sizeof of_group / sizeof *of_group,
                           refusal) ||
        !field_demand_text(document, group, ID_GroupHeader93_MsgId, &pacs008->message_id,
                           refusal) ||
        !field_demand(document, group, ID_GroupHeader93_NbOfTxs, &number, refusal) ||
        !field_demand(document, group, ID_GroupHeader93_SttlmInf, &settlement, refusal) ||
        !field_demand_only(document, settlement, of_settlement, 1, refusal) ||
        !field_demand(document, settlement, ID_SettlementInstruction7_SttlmMtd, &method, refusal) ||
        !field_demand_code(document, method, SPAN("CLRG"), refusal)) {
        return false;
    }
    size_t count = 0;
    for (uint16_t node = document_next(document, group); node != XML_NONE;
         node = document_next(document, node)) {
        if (document->nodes[node].schema != ID_FIToFICustomerCreditTransferV08_CdtTrfTxInf) break;
        if (count == LIMIT_TRANSACTIONS) {
            return field_refuse(refusal, document, node, "more than %d transactions",
                                LIMIT_TRANSACTIONS);
        }
        pacs008->transactions[count++].node = node;
    }
    pacs008->count = count;
    if (count == 0) return field_refuse(refusal, document, root, "no transaction");
    if (!is_number(document_text(document, number), count)) {
        return field_refuse(refusal, document, number,
                            "NbOfTxs is not the number of transactions, %zu", count);
    }
    return true;
}

/* "Priority from the transaction's SttlmPrty, else PmtTpInf/InstrPrty (NORM; anything else, URGT
 * too, counts as HIGH)" (WIRE section 4). */
static enum pacs008_priority read_priority(const struct xml_document *document, uint16_t node)
{
    struct span priority = document_leaf(document, node, ELEMENT(SttlmPrty));
    if (priority.size == 0) {
        priority = document_leaf(document, document_child_id(document, node, ELEMENT(PmtTpInf)),
                                 ID_PaymentTypeInformation28_InstrPrty);
    }
    return span_equal(priority, SPAN("NORM")) ? PACS008_NORM : PACS008_HIGH;
}

/* WIRE section 4: "Each CdtTrfTxInf needs EndToEndId, IntrBkSttlmAmt, AccptncDtTm, ChrgBr = SLEV,
 * DbtrAgt and CdtrAgt by ClrSysMmbId/MmbId, Dbtr, Cdtr". */
static bool read_transaction(const struct xml_document *document,
                             struct pacs008_transaction *transaction, struct refusal *refusal)
{
    uint16_t const node = transaction->node;
    uint16_t id, amount, accepted, bearer, debtor, debtor_agent, creditor, creditor_agent, code;

    if (!field_demand(document, node, ELEMENT(PmtId), &id, refusal) ||
        !field_demand_text(document, id, ID_PaymentIdentification7_EndToEndId,
                           &transaction->end_to_end_id, refusal) ||
        !field_demand(document, node, ELEMENT(IntrBkSttlmAmt), &amount, refusal) ||
        !field_demand(document, node, ELEMENT(AccptncDtTm), &accepted, refusal) ||
        !field_demand_time(document, accepted, &transaction->accepted_ns, refusal) ||
        !field_demand(document, node, ELEMENT(ChrgBr), &bearer, refusal) ||
        !field_demand_code(document, bearer, SPAN("SLEV"), refusal) ||
        !field_demand(document, node, ELEMENT(Dbtr), &debtor, refusal) ||
        !field_demand(document, node, ELEMENT(DbtrAgt), &debtor_agent, refusal) ||
        !field_demand_agent(document, debtor_agent, &transaction->debtor_agent, &code, refusal) ||
        !field_demand(document, node, ELEMENT(CdtrAgt), &creditor_agent, refusal) ||
        !field_demand_agent(document, creditor_agent, &transaction->creditor_agent, &code,
                            refusal) ||
        !field_demand(document, node, ELEMENT(Cdtr), &creditor, refusal)) {
        return false;
    }
    const struct xml_attribute *currency = document_attribute(document, amount, SPAN("Ccy"));
    if (currency == NULL)
        return field_refuse(refusal, document, amount, "attribute Ccy is missing");
    transaction->currency = span_of(currency->value, currency->size);
    transaction->amount = amount_of_minor(0);
    transaction->amount_parse =
        amount_parse(field_trim(document_text(document, amount)), &transaction->amount);
    transaction->instruction_id = document_leaf(document, id, ID_PaymentIdentification7_InstrId);
    transaction->uetr = document_leaf(document, id, ID_PaymentIdentification7_UETR);
    transaction->priority = read_priority(document, node);
    return true;
}

bool pacs008_read(const struct xml_document *document, uint16_t node, struct pacs008 *pacs008,
                  struct refusal *refusal)
{
    uint16_t root;
    if (!field_demand(document, node, ID_pacs_008_Document_FIToFICstmrCdtTrf, &root, refusal) ||
        !read_group(document, root, pacs008, refusal)) {
        return false;
    }
    for (size_t i = 0; i < pacs008->count; i++) {
        if (!read_transaction(document, &pacs008->transactions[i], refusal)) return false;
    }
    return true;
}

enum fault pacs008_canonical(struct xml_document *document,
                             const struct pacs008_transaction *transaction, char *buffer,
                             size_t size, struct span *bytes, struct hash *content_hash)
{
    uint16_t const context = document->nodes[transaction->node].namespace;
    size_t written;
    enum fault const fault =
        canonical_write(document, transaction->node, XML_NONE, context, buffer, size, &written);
    if (fault != FAULT_NONE) return fault;
    *bytes = span_of(buffer, written);
    *content_hash = hash_of(*bytes);
    return FAULT_NONE;
}

/* From the Envelope to the end of GrpHdr. */
static void write_start(struct compose *compose, const struct header *header, size_t count)
{
    static const struct span numbers[] = {
        [1] = {"1", 1}, [2] = {"2", 1}, [3] = {"3", 1}, [4] = {"4", 1}, [5] = {"5", 1},
        [6] = {"6", 1}, [7] = {"7", 1}, [8] = {"8", 1}, [9] = {"9", 1}, [10] = {"10", 2},
    };
    static_assert(sizeof numbers / sizeof *numbers == LIMIT_TRANSACTIONS + 1, "one for each count");
    struct writer *const writer = &compose->writer;

    assert(count >= 1 && count <= LIMIT_TRANSACTIONS);
    compose_start(compose, CATALOGUE_PACS_008, header);
    writer_start(writer, SPAN("FIToFICstmrCdtTrf"));
    writer_start(writer, SPAN("GrpHdr"));
    writer_leaf(writer, SPAN("MsgId"), header->business_id);
    field_write_time(writer, SPAN("CreDtTm"), header->created_ns);
    writer_leaf(writer, SPAN("NbOfTxs"), numbers[count]);
    writer_start(writer, SPAN("SttlmInf"));
    writer_leaf(writer, SPAN("SttlmMtd"), SPAN("CLRG"));
    writer_end(writer);
    writer_end(writer);
}

static enum fault write_end(struct compose *compose)
{
    writer_end(&compose->writer);
    return compose_end(compose);
}

enum fault pacs008_forward(struct compose *compose, const struct header *header,
                           const struct span *transactions, size_t count)
{
    write_start(compose, header, count);
    for (size_t i = 0; i < count; i++)
        writer_raw(&compose->writer, transactions[i]);
    return write_end(compose);
}

/* Dbtr or Cdtr: the element is required, its name is not. */
static void write_party(struct writer *writer, struct span element, struct span name)
{
    writer_start(writer, element);
    writer_leaf_optional(writer, SPAN("Nm"), name);
    writer_end(writer);
}

static void write_order(struct writer *writer, const struct pacs008_order *order)
{
    writer_start(writer, SPAN("CdtTrfTxInf"));
    writer_start(writer, SPAN("PmtId"));
    writer_leaf_optional(writer, SPAN("InstrId"), order->instruction_id);
    writer_leaf(writer, SPAN("EndToEndId"), order->end_to_end_id);
    writer_leaf_optional(writer, SPAN("UETR"), order->uetr);
    writer_end(writer);
    field_write_amount(writer, SPAN("IntrBkSttlmAmt"), order->amount, order->currency);
    if (order->priority == PACS008_NORM) writer_leaf(writer, SPAN("SttlmPrty"), SPAN("NORM"));
    field_write_time(writer, SPAN("AccptncDtTm"), order->accepted_ns);
    writer_leaf(writer, SPAN("ChrgBr"), SPAN("SLEV"));
    write_party(writer, SPAN("Dbtr"), order->debtor_name);
    if (order->debtor_account.size > 0)
        field_write_account(writer, SPAN("DbtrAcct"), order->debtor_account);
    field_write_agent(writer, SPAN("DbtrAgt"), order->debtor_agent);
    field_write_agent(writer, SPAN("CdtrAgt"), order->creditor_agent);
    write_party(writer, SPAN("Cdtr"), order->creditor_name);
    if (order->creditor_account.size > 0)
        field_write_account(writer, SPAN("CdtrAcct"), order->creditor_account);
    if (order->remittance.size > 0) {
        writer_start(writer, SPAN("RmtInf"));
        writer_leaf(writer, SPAN("Ustrd"), order->remittance);
        writer_end(writer);
    }
    writer_end(writer);
}

enum fault pacs008_write(struct compose *compose, const struct header *header,
                         const struct pacs008_order *orders, size_t count)
{
    write_start(compose, header, count);
    for (size_t i = 0; i < count; i++)
        write_order(&compose->writer, &orders[i]);
    return write_end(compose);
}
