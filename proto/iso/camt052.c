/* The balances now. */
#include "proto/iso/camt052.h"

#include "proto/iso/field.h"
#include "proto/iso/schema/ids.h"

#define ITAV SPAN("ITAV") /* ISO ExternalBalanceType1Code: interim available */
#define BLCK SPAN("BLCK") /* blocked */

static struct span balance_code(const struct xml_document *document, uint16_t balance)
{
    uint16_t const type = document_child_id(document, balance, ID_CashBalance8_Tp);
    uint16_t const choice = document_child_id(document, type, ID_BalanceType13_CdOrPrtry);
    return document_leaf(document, choice, ID_BalanceType10Choice_Cd);
}

/* One Bal: its amount into *amount, its currency and instant into *camt052. */
static bool read_balance(const struct xml_document *document, uint16_t report, struct span code,
                         struct camt052 *camt052, struct amount *amount, struct refusal *refusal)
{
    uint16_t balance, node, date;
    if (!field_demand(document, report, ID_AccountReport25_Bal, &balance, refusal)) return false;
    while (balance != XML_NONE && (document->nodes[balance].schema != ID_AccountReport25_Bal ||
                                   !span_equal(balance_code(document, balance), code))) {
        balance = document_next(document, balance);
    }
    if (balance == XML_NONE) {
        return field_refuse(refusal, document, report, "no Bal of type %.*s", (int)code.size,
                            code.bytes);
    }
    if (!field_demand(document, balance, ID_CashBalance8_Amt, &node, refusal)) return false;
    if (amount_parse(field_trim(document_text(document, node)), amount) != AMOUNT_PARSE_GOOD)
        return field_refuse(refusal, document, node, "Amt is not money of 2 decimals");
    const struct xml_attribute *currency = document_attribute(document, node, SPAN("Ccy"));
    if (currency == NULL) return field_refuse(refusal, document, node, "attribute Ccy is missing");
    camt052->currency = span_of(currency->value, currency->size);
    return field_demand(document, balance, ID_CashBalance8_CdtDbtInd, &node, refusal) &&
           field_demand_code(document, node, SPAN("CRDT"), refusal) &&
           field_demand(document, balance, ID_CashBalance8_Dt, &date, refusal) &&
           field_demand(document, date, ID_DateAndDateTime2Choice_DtTm, &node, refusal) &&
           field_demand_time(document, node, &camt052->instant_ns, refusal);
}

bool camt052_read(const struct xml_document *document, uint16_t node, struct camt052 *camt052,
                  struct refusal *refusal)
{
    uint16_t root, group, query, report, account, id, other;
    return field_demand(document, node, ID_camt_052_Document_BkToCstmrAcctRpt, &root, refusal) &&
           field_demand(document, root, ID_BankToCustomerAccountReportV08_GrpHdr, &group,
                        refusal) &&
           field_demand_text(document, group, ID_GroupHeader81_MsgId, &camt052->message_id,
                             refusal) &&
           field_demand(document, group, ID_GroupHeader81_OrgnlBizQry, &query, refusal) &&
           field_demand_text(document, query, ID_OriginalBusinessQuery1_MsgId, &camt052->query_id,
                             refusal) &&
           field_demand(document, root, ID_BankToCustomerAccountReportV08_Rpt, &report, refusal) &&
           field_demand(document, report, ID_AccountReport25_Acct, &account, refusal) &&
           field_demand(document, account, ID_CashAccount39_Id, &id, refusal) &&
           field_demand(document, id, ID_AccountIdentification4Choice_Othr, &other, refusal) &&
           field_demand_text(document, other, ID_GenericAccountIdentification1_Id,
                             &camt052->account, refusal) &&
           read_balance(document, report, ITAV, camt052, &camt052->available, refusal) &&
           read_balance(document, report, BLCK, camt052, &camt052->reserved, refusal);
}

static void write_balance(struct writer *writer, struct span code, struct amount amount,
                          const struct camt052 *camt052)
{
    writer_start(writer, SPAN("Bal"));
    writer_start(writer, SPAN("Tp"));
    writer_start(writer, SPAN("CdOrPrtry"));
    writer_leaf(writer, SPAN("Cd"), code);
    writer_end(writer);
    writer_end(writer);
    field_write_amount(writer, SPAN("Amt"), amount, camt052->currency);
    writer_leaf(writer, SPAN("CdtDbtInd"), SPAN("CRDT"));
    writer_start(writer, SPAN("Dt"));
    field_write_time(writer, SPAN("DtTm"), camt052->instant_ns);
    writer_end(writer);
    writer_end(writer);
}

enum fault camt052_write(struct compose *compose, const struct header *header,
                         const struct camt052 *camt052)
{
    struct writer *const writer = &compose->writer;

    compose_start(compose, CATALOGUE_CAMT_052, header);
    writer_start(writer, SPAN("BkToCstmrAcctRpt"));
    writer_start(writer, SPAN("GrpHdr"));
    writer_leaf(writer, SPAN("MsgId"), header->business_id);
    field_write_time(writer, SPAN("CreDtTm"), header->created_ns);
    writer_start(writer, SPAN("OrgnlBizQry"));
    writer_leaf(writer, SPAN("MsgId"), camt052->query_id);
    writer_end(writer);
    writer_end(writer);
    writer_start(writer, SPAN("Rpt"));
    writer_leaf(writer, SPAN("Id"), header->business_id);
    field_write_account(writer, SPAN("Acct"), camt052->account);
    write_balance(writer, ITAV, camt052->available, camt052);
    write_balance(writer, BLCK, camt052->reserved, camt052);
    writer_end(writer);
    writer_end(writer);
    return compose_end(compose);
}
