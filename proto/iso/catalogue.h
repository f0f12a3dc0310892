/* catalogue: the message types of the contract and which way each one travels (WIRE section 2,
 * "Versions").
 *
 * A type that no direction names is known by its schema only: the switch refuses it with VERSION
 * and leaves it out of both catalogs (WIRE section 1), `cauce message check` still knows its bare
 * Document. Static tables; any thread. */
#ifndef PROTO_ISO_CATALOGUE_H
#define PROTO_ISO_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"

/* What stands before the identifier in every ISO 20022 namespace. */
#define CATALOGUE_NAMESPACE_START "urn:iso:std:iso:20022:tech:xsd:"
#define CATALOGUE_HEADER "head.001.001.02"
#define CATALOGUE_ENVELOPE_NAMESPACE "urn:cauce:envelope:1"

enum catalogue_direction {
    CATALOGUE_NOWHERE, /* schema only */
    CATALOGUE_INWARD,  /* banks send it, the switch reads it */
    CATALOGUE_OUTWARD, /* the switch sends it, banks read it */
    CATALOGUE_BOTH,
};

/* name, identifier (MsgDefIdr, and the end of the namespace), direction */
#define CATALOGUE_LIST(X)                                                                          \
    X(PACS_008, "pacs.008.001.08", BOTH)                                                           \
    X(PACS_002, "pacs.002.001.10", BOTH)                                                           \
    X(PACS_004, "pacs.004.001.10", NOWHERE)                                                        \
    X(PACS_028, "pacs.028.001.03", NOWHERE)                                                        \
    X(CAMT_056, "camt.056.001.08", NOWHERE)                                                        \
    X(CAMT_029, "camt.029.001.09", NOWHERE)                                                        \
    X(CAMT_060, "camt.060.001.05", INWARD)                                                         \
    X(CAMT_052, "camt.052.001.08", OUTWARD)                                                        \
    X(CAMT_053, "camt.053.001.08", NOWHERE)                                                        \
    X(CAMT_054, "camt.054.001.08", NOWHERE)                                                        \
    X(CAMT_050, "camt.050.001.05", NOWHERE)                                                        \
    X(CAMT_025, "camt.025.001.05", NOWHERE)                                                        \
    X(PAIN_013, "pain.013.001.07", NOWHERE)                                                        \
    X(PAIN_014, "pain.014.001.07", NOWHERE)                                                        \
    X(ADMI_002, "admi.002.001.01", OUTWARD)                                                        \
    X(ADMI_004, "admi.004.001.02", NOWHERE)                                                        \
    X(ADMI_011, "admi.011.001.01", NOWHERE)

enum catalogue_kind {
#define CATALOGUE_MEMBER(name, identifier, direction) CATALOGUE_##name,
    CATALOGUE_LIST(CATALOGUE_MEMBER)
#undef CATALOGUE_MEMBER
        CATALOGUE_COUNT
};

/* "pacs.008.001.08". Static. */
struct span catalogue_identifier(enum catalogue_kind kind);

/* "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08". Static. */
struct span catalogue_namespace(enum catalogue_kind kind);

/* Whether banks may send it to the switch; whether the switch may send it to them. */
bool catalogue_is_inward(enum catalogue_kind kind);
bool catalogue_is_outward(enum catalogue_kind kind);

/* The kind of exactly this MsgDefIdr. FAULT_NOT_FOUND: none of the list; *kind unchanged. */
MUST_CHECK enum fault catalogue_find(struct span identifier, enum catalogue_kind *kind);

#endif
