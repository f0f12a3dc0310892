/* The header: a fixed order of few elements, both ways. */
#include "proto/iso/header.h"

#include "proto/iso/field.h"
#include "proto/iso/schema/ids.h"

/* Fr or To: the code stands in FIId/FinInstnId/ClrSysMmbId/MmbId, any other party is no one. */
static struct span party_code(const struct xml_document *document, uint16_t party)
{
    uint16_t node = document_child_id(document, party, ID_Party44Choice_FIId);
    node = document_child_id(document, node,
                             ID_BranchAndFinancialInstitutionIdentification6_FinInstnId);
    node = document_child_id(document, node, ID_FinancialInstitutionIdentification18_ClrSysMmbId);
    return document_leaf(document, node, ID_ClearingSystemMemberIdentification2_MmbId);
}

void header_read(const struct xml_document *document, uint16_t node, struct header_found *found)
{
    *found = (struct header_found){
        .sender_node = document_child_id(document, node, ID_BusinessApplicationHeaderV02_Fr),
        .receiver_node = document_child_id(document, node, ID_BusinessApplicationHeaderV02_To),
        .business_id_node =
            document_child_id(document, node, ID_BusinessApplicationHeaderV02_BizMsgIdr),
        .created_node = document_child_id(document, node, ID_BusinessApplicationHeaderV02_CreDt),
        .signature_node = document_child_id(document, node, ID_BusinessApplicationHeaderV02_Sgntr),
        .related_node = document_child_id(document, node, ID_BusinessApplicationHeaderV02_Rltd),
    };
    found->header.sender = party_code(document, found->sender_node);
    found->header.receiver = party_code(document, found->receiver_node);
    found->header.business_id = document_text(document, found->business_id_node);
    found->created = time_parse(field_trim(document_text(document, found->created_node)),
                                &found->header.created_ns);
}

static void write_party(struct writer *writer, struct span name, struct span code)
{
    writer_start(writer, name);
    field_write_agent(writer, SPAN("FIId"), code);
    writer_end(writer);
}

void header_write_start(struct writer *writer, enum catalogue_kind kind,
                        const struct header *header)
{
    writer_start_namespace(writer, SPAN("AppHdr"),
                           SPAN(CATALOGUE_NAMESPACE_START CATALOGUE_HEADER));
    write_party(writer, SPAN("Fr"), header->sender);
    write_party(writer, SPAN("To"), header->receiver);
    writer_leaf(writer, SPAN("BizMsgIdr"), header->business_id);
    writer_leaf(writer, SPAN("MsgDefIdr"), catalogue_identifier(kind));
    field_write_time(writer, SPAN("CreDt"), header->created_ns);
    writer_start(writer, SPAN("Sgntr"));
}

void header_write_end(struct writer *writer)
{
    writer_end(writer);
    writer_end(writer);
}
