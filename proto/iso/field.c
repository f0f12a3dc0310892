/* Demands on a valid Document: each finds its element or says which one is missing or unlike. */
#include "proto/iso/field.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/iso/schema/ids.h"
#include "proto/iso/schema/tables.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct span field_trim(struct span text)
{
    while (text.size > 0 && is_space(text.bytes[0]))
        text = span_after(text, 1);
    while (text.size > 0 && is_space(text.bytes[text.size - 1]))
        text.size--;
    return text;
}

void field_locate(struct refusal *refusal, const struct xml_document *document, uint16_t node)
{
    char path[XML_PATH_BYTES];
    refusal_place(refusal, span_of(path, document_path(document, node, path)));
}

bool field_refuse(struct refusal *refusal, const struct xml_document *document, uint16_t node,
                  const char *format, ...)
{
    char words[REFUSAL_WORDS_BYTES + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    refusal_set(refusal, REFUSAL_SCHEMA, "%s", words);
    field_locate(refusal, document, node);
    return false;
}

bool field_demand(const struct xml_document *document, uint16_t parent, uint16_t schema,
                  uint16_t *child, struct refusal *refusal)
{
    *child = document_child_id(document, parent, schema);
    if (*child != XML_NONE) return true;
    struct span const name = tables_elements[schema].name;
    return field_refuse(refusal, document, parent, "element %.*s is missing", (int)name.size,
                        name.bytes);
}

bool field_demand_text(const struct xml_document *document, uint16_t parent, uint16_t schema,
                       struct span *text, struct refusal *refusal)
{
    uint16_t child;
    if (!field_demand(document, parent, schema, &child, refusal)) return false;
    *text = document_text(document, child);
    return true;
}

bool field_demand_code(const struct xml_document *document, uint16_t node, struct span code,
                       struct refusal *refusal)
{
    if (span_equal(document_text(document, node), code)) return true;
    struct span const name = document_local(document, node);
    return field_refuse(refusal, document, node, "%.*s must be %.*s", (int)name.size, name.bytes,
                        (int)code.size, code.bytes);
}

bool field_demand_only(const struct xml_document *document, uint16_t parent,
                       const uint16_t *schemas, size_t count, struct refusal *refusal)
{
    for (uint16_t child = document_first(document, parent); child != XML_NONE;
         child = document_next(document, child)) {
        bool known = false;
        for (size_t i = 0; i < count; i++) {
            if (document->nodes[child].schema == schemas[i]) known = true;
        }
        if (known) continue;
        struct span const name = document_local(document, child);
        return field_refuse(refusal, document, child, "element %.*s is not accepted here",
                            (int)name.size, name.bytes);
    }
    return true;
}

const char *field_time_words(enum time_parse result)
{
    switch (result) {
    case TIME_PARSE_GOOD: return "good";
    case TIME_PARSE_NOT_TIME: return "not a date and time";
    case TIME_PARSE_NO_ZONE: return "neither Z nor an offset";
    case TIME_PARSE_FRACTION: return "more than 9 fraction digits";
    case TIME_PARSE_OUT_OF_RANGE: return "not between 1970 and 2199";
    }
    return "not a date and time";
}

bool field_demand_time(const struct xml_document *document, uint16_t node, int64_t *instant_ns,
                       struct refusal *refusal)
{
    enum time_parse const result =
        time_parse(field_trim(document_text(document, node)), instant_ns);
    if (result == TIME_PARSE_GOOD) return true;
    struct span const name = document_local(document, node);
    return field_refuse(refusal, document, node, "%.*s: %s", (int)name.size, name.bytes,
                        field_time_words(result));
}

bool field_demand_agent(const struct xml_document *document, uint16_t agent, struct span *code,
                        uint16_t *code_node, struct refusal *refusal)
{
    uint16_t institution, member;
    if (!field_demand(document, agent, ID_BranchAndFinancialInstitutionIdentification6_FinInstnId,
                      &institution, refusal) ||
        !field_demand(document, institution, ID_FinancialInstitutionIdentification18_ClrSysMmbId,
                      &member, refusal) ||
        !field_demand(document, member, ID_ClearingSystemMemberIdentification2_MmbId, code_node,
                      refusal)) {
        return false;
    }
    *code = document_text(document, *code_node);
    return true;
}

void field_write_time(struct writer *writer, struct span name, int64_t instant_ns)
{
    char text[TIME_TEXT_BYTES];
    size_t const size = time_print_ms(instant_ns, text);
    writer_leaf(writer, name, span_of(text, size));
}

void field_write_agent(struct writer *writer, struct span name, struct span code)
{
    writer_start(writer, name);
    writer_start(writer, SPAN("FinInstnId"));
    writer_start(writer, SPAN("ClrSysMmbId"));
    writer_leaf(writer, SPAN("MmbId"), code);
    writer_end(writer);
    writer_end(writer);
    writer_end(writer);
}

void field_write_account(struct writer *writer, struct span name, struct span account)
{
    writer_start(writer, name);
    writer_start(writer, SPAN("Id"));
    writer_start(writer, SPAN("Othr"));
    writer_leaf(writer, SPAN("Id"), account);
    writer_end(writer);
    writer_end(writer);
    writer_end(writer);
}

void field_write_amount(struct writer *writer, struct span name, struct amount amount,
                        struct span currency)
{
    char text[AMOUNT_TEXT_BYTES];
    size_t const size = amount_print(amount, text);
    writer_start_attribute(writer, name, SPAN("Ccy"), currency);
    writer_text(writer, span_of(text, size));
    writer_end(writer);
}
