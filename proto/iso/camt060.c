/* The question for balances. */
#include "proto/iso/camt060.h"

#include "proto/iso/field.h"
#include "proto/iso/schema/ids.h"

#define ELEMENT(name) ID_ReportingRequest5_##name

bool camt060_read(const struct xml_document *document, uint16_t node, struct camt060 *camt060,
                  struct refusal *refusal)
{
    uint16_t root, group, request, name, account, id, other, owner, agent;
    if (!field_demand(document, node, ID_camt_060_Document_AcctRptgReq, &root, refusal) ||
        !field_demand(document, root, ID_AccountReportingRequestV05_GrpHdr, &group, refusal) ||
        !field_demand_text(document, group, ID_GroupHeader77_MsgId, &camt060->message_id,
                           refusal) ||
        !field_demand(document, root, ID_AccountReportingRequestV05_RptgReq, &request, refusal)) {
        return false;
    }
    /* WIRE section 5: "camt.060 asks with one RptgReq". */
    uint16_t const second = document_next(document, request);
    if (second != XML_NONE &&
        document->nodes[second].schema == ID_AccountReportingRequestV05_RptgReq) {
        return field_refuse(refusal, document, second, "more than one RptgReq");
    }
    /* "another ReqdMsgNmId: SCHEMA" */
    if (!field_demand(document, request, ELEMENT(ReqdMsgNmId), &name, refusal) ||
        !field_demand_code(document, name, catalogue_identifier(CATALOGUE_CAMT_052), refusal)) {
        return false;
    }
    /* "Acct/Id/Othr/Id = participant code, AcctOwnr/Agt the sender's code" */
    if (!field_demand(document, request, ELEMENT(Acct), &account, refusal) ||
        !field_demand(document, account, ID_CashAccount38_Id, &id, refusal) ||
        !field_demand(document, id, ID_AccountIdentification4Choice_Othr, &other, refusal) ||
        !field_demand(document, other, ID_GenericAccountIdentification1_Id, &camt060->account_node,
                      refusal) ||
        !field_demand(document, request, ELEMENT(AcctOwnr), &owner, refusal) ||
        !field_demand(document, owner, ID_Party40Choice_Agt, &agent, refusal) ||
        !field_demand_agent(document, agent, &camt060->owner, &camt060->owner_node, refusal)) {
        return false;
    }
    camt060->account = document_text(document, camt060->account_node);
    return true;
}

enum fault camt060_write(struct compose *compose, const struct header *header)
{
    struct writer *const writer = &compose->writer;

    compose_start(compose, CATALOGUE_CAMT_060, header);
    writer_start(writer, SPAN("AcctRptgReq"));
    writer_start(writer, SPAN("GrpHdr"));
    writer_leaf(writer, SPAN("MsgId"), header->business_id);
    field_write_time(writer, SPAN("CreDtTm"), header->created_ns);
    writer_end(writer);
    writer_start(writer, SPAN("RptgReq"));
    writer_leaf(writer, SPAN("ReqdMsgNmId"), catalogue_identifier(CATALOGUE_CAMT_052));
    field_write_account(writer, SPAN("Acct"), header->sender);
    writer_start(writer, SPAN("AcctOwnr"));
    field_write_agent(writer, SPAN("Agt"), header->sender);
    writer_end(writer);
    writer_end(writer);
    writer_end(writer);
    return compose_end(compose);
}
