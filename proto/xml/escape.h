/* escape: what a character is written as in canonical XML (C14N 1.0, 2.3, "Text Nodes" and
 * "Attribute Nodes").  For proto/xml only; canonical.c and writer.c must agree. */
#ifndef PROTO_XML_ESCAPE_H
#define PROTO_XML_ESCAPE_H

#include "proto/base/span.h"

/* In text; empty when the character stands for itself. */
static inline struct span escape_text(char byte)
{
    switch (byte) {
    case '&': return SPAN("&amp;");
    case '<': return SPAN("&lt;");
    case '>': return SPAN("&gt;");
    case '\r': return SPAN("&#xD;");
    default: return SPAN("");
    }
}

/* In an attribute's value; empty when the character stands for itself. */
static inline struct span escape_value(char byte)
{
    switch (byte) {
    case '&': return SPAN("&amp;");
    case '<': return SPAN("&lt;");
    case '"': return SPAN("&quot;");
    case '\t': return SPAN("&#x9;");
    case '\n': return SPAN("&#xA;");
    case '\r': return SPAN("&#xD;");
    default: return SPAN("");
    }
}

#endif
