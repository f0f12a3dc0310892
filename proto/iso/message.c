/* The table of WIRE section 2, row by row.
 *
 * The happy path of an Envelope is
 *   walk_read        bytes to a document, judged by the schemas in the same pass;
 *   check_shape      Envelope = AppHdr + Document;
 *   check_version    header, MsgDefIdr, Document's namespace: the kind is known from here on;
 *   check_schema     AppHdr and Document by their XSDs, then what sections 4 and 5 demand;
 *   check_sender     Fr, and whose account is asked about;
 *   check_header     To, BizMsgIdr, CreDt, Rltd.
 *
 * Possible failures: each step may refuse, with code, location and words, and none that comes later
 * is asked then. check_version may also find a message that is dropped. */
#include "proto/iso/message.h"

#include <stdlib.h>
#include <string.h>

#include "proto/iso/field.h"
#include "proto/iso/schema/ids.h"
#include "proto/iso/schema/walk.h"

struct message_reader {
    struct xml_document document;
    struct walk walk;
};

enum fault message_open(struct message_reader **out)
{
    struct message_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return FAULT_MEMORY;
    enum fault const fault = document_open(&reader->document);
    if (fault != FAULT_NONE) {
        free(reader);
        return fault;
    }
    *out = reader;
    return FAULT_NONE;
}

void message_close(struct message_reader *reader)
{
    if (reader == NULL) return;
    document_close(&reader->document);
    free(reader);
}

/* Refuses with this code at `node`; false, so that a check can return it. */
static bool refuse(struct refusal *refusal, enum refusal_code code,
                   const struct xml_document *document, uint16_t node, const char *words)
{
    refusal_set(refusal, code, "%s", words);
    field_locate(refusal, document, node);
    return false;
}

static bool refuse_walk(struct refusal *refusal, const struct xml_document *document,
                        const struct walk_error *error)
{
    char words[LIMIT_LOCATION_BYTES + 1];
    walk_words(error, words);
    return refuse(refusal, REFUSAL_SCHEMA, document, error->node, words);
}

/* "The first Envelope/AppHdr/BizMsgIdr" (WIRE section 2), by local names: it is looked for in
 * messages that are refused as well, whatever their namespaces and order. */
static struct span first_business_id(const struct xml_document *document)
{
    if (!span_equal(document_local(document, 0), SPAN("Envelope"))) return (struct span){0};
    for (uint16_t header = document_first(document, 0); header != XML_NONE;
         header = document_next(document, header)) {
        if (!span_equal(document_local(document, header), SPAN("AppHdr"))) continue;
        uint16_t const id = document_child(document, header, SPAN("BizMsgIdr"));
        if (id != XML_NONE) {
            bool const leaf = document_first(document, id) == XML_NONE;
            return leaf ? document_text(document, id) : (struct span){0};
        }
    }
    return (struct span){0};
}

/* Row BADXML. */
static bool parse(struct message_reader *reader, struct span bytes, struct refusal *refusal)
{
    struct reader_error error;
    refusal_refer(refusal, (struct span){0});
    if (walk_read(&reader->walk, &reader->document, bytes, &error) == FAULT_NONE) {
        refusal_refer(refusal, first_business_id(&reader->document));
        return true;
    }
    uint32_t line, column;
    document_position(&reader->document, error.offset, &line, &column);
    refusal_set(refusal, REFUSAL_BADXML, "%s (line %u, column %u)", reader_words(error.kind),
                (unsigned)line, (unsigned)column);
    field_locate(refusal, &reader->document, error.node);
    return false;
}

/* Row "Envelope is not AppHdr + Document". */
static bool check_shape(const struct message_reader *reader, struct refusal *refusal)
{
    const struct walk *const walk = &reader->walk;
    if (walk->shape_error.kind != WALK_ERROR_NONE)
        return refuse_walk(refusal, &reader->document, &walk->shape_error);
    if (walk->root != WALK_ROOT_ENVELOPE || walk->header == XML_NONE ||
        walk->document == XML_NONE) {
        return refuse(refusal, REFUSAL_SCHEMA, &reader->document, 0,
                      "the message is not an Envelope of AppHdr and Document");
    }
    return true;
}

/* "admi.002 and admi.011 from a bank are dropped without an answer", of any version, so that two
 * sides never answer each other's rejections for ever. */
static bool is_dropped(struct span identifier)
{
    return span_starts_with(identifier, SPAN("admi.002.")) ||
           span_starts_with(identifier, SPAN("admi.011."));
}

/* Row VERSION. *kind is written when GOOD. */
static enum message_verdict check_version(const struct message_reader *reader,
                                          enum message_side side, enum catalogue_kind *kind,
                                          struct refusal *refusal)
{
    const struct walk *const walk = &reader->walk;
    const struct xml_document *const document = &reader->document;
    uint16_t const node = document_child(document, walk->header, SPAN("MsgDefIdr"));
    struct span const identifier = document_text(document, node);

    if (side == MESSAGE_BY_SWITCH && is_dropped(identifier)) return MESSAGE_DROPPED;
    if (!walk->header_known) {
        refuse(refusal, REFUSAL_VERSION, document, walk->header,
               "the header is not " CATALOGUE_HEADER);
        return MESSAGE_REFUSED;
    }
    if (node == XML_NONE) {
        /* No version to compare with: the XSD of AppHdr demands the element, so row SCHEMA says
         * so. */
        if (walk->header_error.kind != WALK_ERROR_NONE)
            refuse_walk(refusal, document, &walk->header_error);
        else
            refuse(refusal, REFUSAL_SCHEMA, document, walk->header, "element MsgDefIdr is missing");
        return MESSAGE_REFUSED;
    }
    bool const known = catalogue_find(identifier, kind) == FAULT_NONE;
    bool const taken = known && (side == MESSAGE_BY_SWITCH ? catalogue_is_inward(*kind)
                                                           : catalogue_is_outward(*kind));
    if (!taken) {
        refuse(refusal, REFUSAL_VERSION, document, node, "MsgDefIdr is not in the catalogue");
        return MESSAGE_REFUSED;
    }
    struct span const name =
        document_namespace_name(document, document->nodes[walk->document].namespace);
    if (walk->message == NULL || !span_equal(name, catalogue_namespace(*kind))) {
        refuse(refusal, REFUSAL_VERSION, document, walk->document,
               "the namespace of Document is not that of MsgDefIdr");
        return MESSAGE_REFUSED;
    }
    return MESSAGE_GOOD;
}

/* What sections 4 and 5 demand of a Document beyond its XSD, and its content. */
static bool read_content(const struct xml_document *document, uint16_t node, enum message_side side,
                         struct message *message, struct refusal *refusal)
{
    switch (message->kind) {
    case CATALOGUE_PACS_008:
        return pacs008_read(document, node, &message->content.pacs008, refusal);
    case CATALOGUE_PACS_002:
        return side == MESSAGE_BY_SWITCH
                   ? pacs002_read_answers(document, node, &message->content.pacs002, refusal)
                   : pacs002_read_results(document, node, &message->content.pacs002, refusal);
    case CATALOGUE_CAMT_060:
        return camt060_read(document, node, &message->content.camt060, refusal);
    case CATALOGUE_CAMT_052:
        return camt052_read(document, node, &message->content.camt052, refusal);
    case CATALOGUE_ADMI_002: admi002_read(document, node, &message->content.admi002); return true;
    case CATALOGUE_PACS_004:
    case CATALOGUE_PACS_028:
    case CATALOGUE_CAMT_056:
    case CATALOGUE_CAMT_029:
    case CATALOGUE_CAMT_053:
    case CATALOGUE_CAMT_054:
    case CATALOGUE_CAMT_050:
    case CATALOGUE_CAMT_025:
    case CATALOGUE_PAIN_013:
    case CATALOGUE_PAIN_014:
    case CATALOGUE_ADMI_004:
    case CATALOGUE_ADMI_011:
    case CATALOGUE_COUNT: break;
    }
    return true; /* known by its schema only */
}

/* Row SCHEMA, the second. */
static bool check_schema(const struct message_reader *reader, enum message_side side,
                         struct message *message, struct refusal *refusal)
{
    const struct walk *const walk = &reader->walk;
    const struct xml_document *const document = &reader->document;

    if (walk->header_error.kind != WALK_ERROR_NONE)
        return refuse_walk(refusal, document, &walk->header_error);
    if (walk->document_error.kind != WALK_ERROR_NONE)
        return refuse_walk(refusal, document, &walk->document_error);
    return read_content(document, walk->document, side, message, refusal);
}

/* Row SENDER: "Fr is not the path's code"; and of section 5, "for the sender's own account (else
 * admi.002 SENDER)". */
static bool check_sender(const struct xml_document *document, const struct message_rules *rules,
                         const struct message *message, struct refusal *refusal)
{
    const struct header_found *const header = &message->header;
    if (rules->sender.size > 0 && !span_equal(header->header.sender, rules->sender)) {
        return refuse(refusal, REFUSAL_SENDER, document, header->sender_node,
                      "Fr is not the participant that sent the message");
    }
    if (message->kind != CATALOGUE_CAMT_060) return true;

    /* Fr stands for the sender where the rules name none. */
    const struct camt060 *const camt060 = &message->content.camt060;
    struct span const sender = rules->sender.size > 0 ? rules->sender : header->header.sender;
    if (!span_equal(camt060->account, sender)) {
        return refuse(refusal, REFUSAL_SENDER, document, camt060->account_node,
                      "the account is not the sender's own");
    }
    if (!span_equal(camt060->owner, sender)) {
        return refuse(refusal, REFUSAL_SENDER, document, camt060->owner_node,
                      "the account's owner is not the sender");
    }
    return true;
}

/* The message's own id; bytes == NULL where its kind has none. */
static struct span own_id(const struct message *message)
{
    switch (message->kind) {
    case CATALOGUE_PACS_008: return message->content.pacs008.message_id;
    case CATALOGUE_PACS_002: return message->content.pacs002.message_id;
    case CATALOGUE_CAMT_060: return message->content.camt060.message_id;
    case CATALOGUE_CAMT_052: return message->content.camt052.message_id;
    case CATALOGUE_ADMI_002:
    case CATALOGUE_ADMI_004:
    case CATALOGUE_ADMI_011:
    case CATALOGUE_PACS_004:
    case CATALOGUE_PACS_028:
    case CATALOGUE_CAMT_056:
    case CATALOGUE_CAMT_029:
    case CATALOGUE_CAMT_053:
    case CATALOGUE_CAMT_054:
    case CATALOGUE_CAMT_050:
    case CATALOGUE_CAMT_025:
    case CATALOGUE_PAIN_013:
    case CATALOGUE_PAIN_014:
    case CATALOGUE_COUNT: break;
    }
    return (struct span){0};
}

/* Of row HEADER, what concerns AppHdr alone: CreDt, Rltd. */
static bool check_header_alone(const struct xml_document *document,
                               const struct message_rules *rules, const struct header_found *header,
                               struct refusal *refusal)
{
    if (header->created != TIME_PARSE_GOOD) {
        refusal_set(refusal, REFUSAL_HEADER, "CreDt: %s", field_time_words(header->created));
        field_locate(refusal, document, header->created_node);
        return false;
    }
    /* Both sides lie between 1970 and 2200, so their difference cannot overflow. */
    int64_t const age_ns = rules->now_ns - header->header.created_ns;
    if (rules->age_checked && age_ns > rules->age_max_ns) {
        return refuse(refusal, REFUSAL_HEADER, document, header->created_node,
                      "CreDt is older than the duplicate window");
    }
    if (rules->age_checked && -age_ns > rules->ahead_max_ns) {
        return refuse(refusal, REFUSAL_HEADER, document, header->created_node,
                      "CreDt is ahead of the switch's clock");
    }
    if (header->related_node != XML_NONE) {
        return refuse(refusal, REFUSAL_HEADER, document, header->related_node,
                      "Rltd is not accepted");
    }
    return true;
}

/* Row HEADER. */
static bool check_header(const struct xml_document *document, const struct message_rules *rules,
                         const struct message *message, struct refusal *refusal)
{
    const struct header_found *const header = &message->header;
    if (rules->receiver.size > 0 && !span_equal(header->header.receiver, rules->receiver)) {
        return refuse(refusal, REFUSAL_HEADER, document, header->receiver_node,
                      "To is not the one that the message was sent to");
    }
    struct span const id = own_id(message);
    if (id.bytes != NULL && !span_equal(header->header.business_id, id)) {
        return refuse(refusal, REFUSAL_HEADER, document, header->business_id_node,
                      "BizMsgIdr is not the message's own id");
    }
    return check_header_alone(document, rules, header, refusal);
}

/* All rows between BADXML and SIGNATURE, for what has been parsed. */
static enum message_verdict judge(struct message_reader *reader, struct span bytes,
                                  const struct message_rules *rules, struct message *message,
                                  struct refusal *refusal)
{
    const struct xml_document *const document = &reader->document;

    if (!check_shape(reader, refusal)) return MESSAGE_REFUSED;
    enum message_verdict const verdict =
        check_version(reader, rules->side, &message->kind, refusal);
    if (verdict != MESSAGE_GOOD) return verdict;
    if (!check_schema(reader, rules->side, message, refusal)) return MESSAGE_REFUSED;

    header_read(document, reader->walk.header, &message->header);
    if (!check_sender(document, rules, message, refusal) ||
        !check_header(document, rules, message, refusal)) {
        return MESSAGE_REFUSED;
    }
    message->bytes = bytes;
    message->document = &reader->document;
    message->header_node = reader->walk.header;
    message->document_node = reader->walk.document;
    return MESSAGE_GOOD;
}

enum message_verdict message_read(struct message_reader *reader, struct span bytes,
                                  const struct message_rules *rules, struct message *message,
                                  struct refusal *refusal)
{
    if (!parse(reader, bytes, refusal)) return MESSAGE_REFUSED;
    return judge(reader, bytes, rules, message, refusal);
}

bool message_verify(struct signature_checker *checker, const struct message *message,
                    const struct certificate *const *certificates, size_t certificate_count,
                    size_t *key, struct refusal *refusal)
{
    struct signature_verdict verdict;
    if (signature_check(checker, message->document, message->header_node, certificates,
                        certificate_count, &verdict)) {
        *key = verdict.key;
        return true;
    }
    bool const bound = verdict.flaw == SIGNATURE_FLAW_CANONICAL_LONG;
    refusal_refer(refusal, bound ? (struct span){0} : message->header.header.business_id);
    return refuse(refusal, bound ? REFUSAL_BADXML : REFUSAL_SIGNATURE, message->document,
                  verdict.node, signature_words(verdict.flaw));
}

/* A bare Document: any version of the list, and the demands on those that the switch reads. */
static enum message_verdict judge_document(const struct message_reader *reader,
                                           struct span *identifier, struct message *message,
                                           struct refusal *refusal)
{
    const struct walk *const walk = &reader->walk;
    const struct xml_document *const document = &reader->document;

    if (walk->message == NULL ||
        catalogue_find(walk->message->identifier, &message->kind) != FAULT_NONE) {
        refuse(refusal, REFUSAL_VERSION, document, 0,
               "the namespace of Document is not one of the contract's versions");
        return MESSAGE_REFUSED;
    }
    *identifier = catalogue_identifier(message->kind);
    if (walk->document_error.kind != WALK_ERROR_NONE) {
        refuse_walk(refusal, document, &walk->document_error);
        return MESSAGE_REFUSED;
    }
    bool const good = !catalogue_is_inward(message->kind) ||
                      read_content(document, 0, MESSAGE_BY_SWITCH, message, refusal);
    return good ? MESSAGE_GOOD : MESSAGE_REFUSED;
}

/* A bare AppHdr: its MsgDefIdr speaks of a message that is not there, so it is not looked at. */
static enum message_verdict judge_header(const struct message_reader *reader,
                                         const struct message_rules *rules, struct span *identifier,
                                         struct refusal *refusal)
{
    const struct walk *const walk = &reader->walk;
    const struct xml_document *const document = &reader->document;

    if (!walk->header_known) {
        refuse(refusal, REFUSAL_VERSION, document, 0, "the header is not " CATALOGUE_HEADER);
        return MESSAGE_REFUSED;
    }
    if (walk->header_error.kind != WALK_ERROR_NONE) {
        refuse_walk(refusal, document, &walk->header_error);
        return MESSAGE_REFUSED;
    }
    struct header_found header;
    header_read(document, 0, &header);
    *identifier = SPAN(CATALOGUE_HEADER);
    return check_header_alone(document, rules, &header, refusal) ? MESSAGE_GOOD : MESSAGE_REFUSED;
}

enum message_verdict message_check(struct message_reader *reader, struct span bytes,
                                   const struct message_rules *rules, enum message_part *part,
                                   struct span *identifier, struct message *message,
                                   struct refusal *refusal)
{
    *part = MESSAGE_ENVELOPE;
    if (!parse(reader, bytes, refusal)) return MESSAGE_REFUSED;
    switch (reader->walk.root) {
    case WALK_ROOT_DOCUMENT:
        *part = MESSAGE_DOCUMENT;
        return judge_document(reader, identifier, message, refusal);
    case WALK_ROOT_HEADER:
        *part = MESSAGE_HEADER;
        return judge_header(reader, rules, identifier, refusal);
    case WALK_ROOT_ENVELOPE:
    case WALK_ROOT_OTHER: break;
    }
    switch (judge(reader, bytes, rules, message, refusal)) {
    case MESSAGE_GOOD: *identifier = catalogue_identifier(message->kind); return MESSAGE_GOOD;
    case MESSAGE_REFUSED: return MESSAGE_REFUSED;
    case MESSAGE_DROPPED: break;
    }
    const struct xml_document *const document = &reader->document;
    refuse(refusal, REFUSAL_VERSION, document,
           document_child(document, reader->walk.header, SPAN("MsgDefIdr")),
           "admi.002 and admi.011 from a bank are dropped without an answer");
    return MESSAGE_REFUSED;
}
