/* field: what the message files read and write again and again: an element that the contract
 * demands, a code, a time, an agent's code.
 *
 * Reading works on documents that the schema walker has found valid, by the ids of
 * schema/ids.h. A demand that is not met fills the refusal with SCHEMA, the location that WIRE
 * section 2 names (the element, or the parent of a missing one) and words. */
#ifndef PROTO_ISO_FIELD_H
#define PROTO_ISO_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/amount.h"
#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/base/time.h"
#include "proto/record/refusal.h"
#include "proto/xml/document.h"
#include "proto/xml/writer.h"

/* `text` without the white space around it: what XML Schema's "collapse" leaves of a decimal or a
 * time, which have none inside. */
struct span field_trim(struct span text);

/* Points the refusal at `node`: the path of local names (xml/document.h); XML_NONE: at nothing. */
void field_locate(struct refusal *refusal, const struct xml_document *document, uint16_t node);

/* Refuses `node` with SCHEMA and these words; false, so that a reader can return it. */
bool field_refuse(struct refusal *refusal, const struct xml_document *document, uint16_t node,
                  const char *format, ...) PRINTF_LIKE(4, 5);

/* The child `schema` of `parent`. False: it is missing, and that is refused. */
MUST_CHECK bool field_demand(const struct xml_document *document, uint16_t parent, uint16_t schema,
                             uint16_t *child, struct refusal *refusal);

/* The text of the child `schema` of `parent`. False as above. */
MUST_CHECK bool field_demand_text(const struct xml_document *document, uint16_t parent,
                                  uint16_t schema, struct span *text, struct refusal *refusal);

/* Refuses the element unless its text is exactly `code`. */
MUST_CHECK bool field_demand_code(const struct xml_document *document, uint16_t node,
                                  struct span code, struct refusal *refusal);

/* Refuses the first child of `parent` that is none of `schemas`. */
MUST_CHECK bool field_demand_only(const struct xml_document *document, uint16_t parent,
                                  const uint16_t *schemas, size_t count, struct refusal *refusal);

/* A time that the switch reads. False: no zone, more than 9 fraction digits, or outside 1970 to
 * 2199, and that is refused. */
MUST_CHECK bool field_demand_time(const struct xml_document *document, uint16_t node,
                                  int64_t *instant_ns, struct refusal *refusal);

/* FinInstnId/ClrSysMmbId/MmbId of an agent (BranchAndFinancialInstitutionIdentification6). False:
 * some of it is missing, and that is refused at the innermost that is there. */
MUST_CHECK bool field_demand_agent(const struct xml_document *document, uint16_t agent,
                                   struct span *code, uint16_t *code_node, struct refusal *refusal);

/* What is wrong with a time, for people. Static. */
const char *field_time_words(enum time_parse result);

/* <name>2026-11-21T18:00:00.123Z</name> */
void field_write_time(struct writer *writer, struct span name, int64_t instant_ns);

/* <name><FinInstnId><ClrSysMmbId><MmbId>code</MmbId></ClrSysMmbId></FinInstnId></name> */
void field_write_agent(struct writer *writer, struct span name, struct span code);

/* <name><Id><Othr><Id>account</Id></Othr></Id></name> */
void field_write_account(struct writer *writer, struct span name, struct span account);

/* <name Ccy="currency">12.34</name> */
void field_write_amount(struct writer *writer, struct span name, struct amount amount,
                        struct span currency);

#endif
