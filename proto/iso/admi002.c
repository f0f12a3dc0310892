/* Message rejections. */
#include "proto/iso/admi002.h"

#include "proto/iso/schema/ids.h"

void admi002_read(const struct xml_document *document, uint16_t node, struct admi002 *admi002)
{
    uint16_t const root = document_child_id(document, node, ID_admi_002_Document_admi_002_001_01);
    uint16_t const related = document_child_id(document, root, ID_admi_002_001_01_RltdRef);
    uint16_t const reason = document_child_id(document, root, ID_admi_002_001_01_Rsn);
    *admi002 = (struct admi002){
        .reference = document_leaf(document, related, ID_MessageReference_Ref),
        .code = document_leaf(document, reason, ID_RejectionReason2_RjctgPtyRsn),
        .location = document_leaf(document, reason, ID_RejectionReason2_ErrLctn),
        .words = document_leaf(document, reason, ID_RejectionReason2_RsnDesc),
    };
}

struct admi002 admi002_of_refusal(const struct refusal *refusal)
{
    return (struct admi002){
        .reference = refusal_reference(refusal),
        .code = refusal_text(refusal->code),
        .location = refusal_location(refusal),
        .words = refusal_words(refusal),
    };
}

enum fault admi002_write(struct compose *compose, const struct header *header,
                         const struct admi002 *admi002)
{
    struct writer *const writer = &compose->writer;

    compose_start(compose, CATALOGUE_ADMI_002, header);
    writer_start(writer, SPAN("admi.002.001.01"));
    writer_start(writer, SPAN("RltdRef"));
    writer_leaf(writer, SPAN("Ref"), admi002->reference);
    writer_end(writer);
    writer_start(writer, SPAN("Rsn"));
    writer_leaf(writer, SPAN("RjctgPtyRsn"), admi002->code);
    writer_leaf_optional(writer, SPAN("ErrLctn"), admi002->location);
    writer_leaf_optional(writer, SPAN("RsnDesc"), admi002->words);
    writer_end(writer);
    writer_end(writer);
    return compose_end(compose);
}
