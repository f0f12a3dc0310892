/* media: see media.h. */
#include "proto/http/media.h"

#define QUALITY_MAX 1000

/* A parameter's value as it stands: a token, or the inside of a quoted string with its escapes. */
struct parameter {
    struct span name;
    struct span value;
};

/* White space; CRLF stands only in a folded line of a part's head (fields.h). */
static void skip_gap(struct span *rest)
{
    while (rest->size > 0 && memchr(" \t\r\n", rest->bytes[0], 4)) {
        *rest = span_after(*rest, 1);
    }
}

/* A token from the front of *rest; empty when there is none. */
static struct span take_token(struct span *rest)
{
    size_t size = 0;
    while (size < rest->size && fields_is_token_byte(rest->bytes[size]))
        size++;
    struct span const token = span_of(rest->bytes, size);
    *rest = span_after(*rest, size);
    return token;
}

static bool take_byte(struct span *rest, char byte)
{
    if (rest->size == 0 || rest->bytes[0] != byte) return false;
    *rest = span_after(*rest, 1);
    return true;
}

/* The inside of a quoted string, whose first quote has been taken; false: it does not end. */
static bool take_quoted(struct span *rest, struct span *inside)
{
    for (size_t i = 0; i < rest->size; i++) {
        if (rest->bytes[i] == '\\') {
            i++;
        } else if (rest->bytes[i] == '"') {
            *inside = span_of(rest->bytes, i);
            *rest = span_after(*rest, i + 1);
            return true;
        }
    }
    return false;
}

/* "type/subtype"; false: it is not. */
static bool take_type(struct span *rest, struct span *type, struct span *subtype)
{
    skip_gap(rest);
    *type = take_token(rest);
    if (type->size == 0 || !take_byte(rest, '/')) return false;
    *subtype = take_token(rest);
    return subtype->size > 0;
}

enum taken { TAKEN_ONE, TAKEN_NONE, TAKEN_MALFORMED };

/* The next parameter of RFC 9110, 5.6.6, of a list that goes up to the end or to a comma. */
static enum taken take_parameter(struct span *rest, struct parameter *parameter)
{
    for (;;) {
        skip_gap(rest);
        if (rest->size == 0 || rest->bytes[0] == ',') return TAKEN_NONE;
        if (!take_byte(rest, ';')) return TAKEN_MALFORMED;
        skip_gap(rest);
        if (rest->size > 0 && rest->bytes[0] != ';' && rest->bytes[0] != ',') break;
    }
    parameter->name = take_token(rest);
    if (parameter->name.size == 0 || !take_byte(rest, '=')) return TAKEN_MALFORMED;
    if (take_byte(rest, '"')) {
        return take_quoted(rest, &parameter->value) ? TAKEN_ONE : TAKEN_MALFORMED;
    }
    parameter->value = take_token(rest);
    return parameter->value.size > 0 ? TAKEN_ONE : TAKEN_MALFORMED;
}

/* bchars of RFC 2046, 5.1.1. */
static bool is_boundary_byte(char byte)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) return true;
    if (byte >= '0' && byte <= '9') return true;
    return byte != '\0' && strchr("'()+_,-./:=? ", byte) != NULL;
}

/* Copies a boundary, its escapes undone; false: it is none. */
static bool read_boundary(struct span value, struct media_boundary *boundary)
{
    boundary->size = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.bytes[i] == '\\') i++; /* take_quoted: another byte follows */
        if (boundary->size == LIMIT_BOUNDARY_BYTES || !is_boundary_byte(value.bytes[i])) {
            return false;
        }
        boundary->bytes[boundary->size++] = value.bytes[i];
    }
    return boundary->size > 0 && boundary->bytes[boundary->size - 1] != ' ';
}

enum media_body media_body(struct span content_type, struct media_boundary *boundary)
{
    struct span rest = content_type, type, subtype;
    if (!take_type(&rest, &type, &subtype)) return MEDIA_BODY_UNSUPPORTED;
    bool const is_xml = fields_same(type, SPAN("application")) && fields_same(subtype, SPAN("xml"));
    bool const is_multipart =
        fields_same(type, SPAN("multipart")) && fields_same(subtype, SPAN("mixed"));
    bool has_charset = false, has_boundary = false;
    for (;;) {
        struct parameter parameter;
        enum taken const taken = take_parameter(&rest, &parameter);
        if (taken == TAKEN_NONE) break;
        if (taken == TAKEN_MALFORMED) return MEDIA_BODY_UNSUPPORTED;
        if (is_xml && fields_same(parameter.name, SPAN("charset"))) {
            if (has_charset || !fields_same(parameter.value, SPAN("utf-8"))) {
                return MEDIA_BODY_UNSUPPORTED;
            }
            has_charset = true;
        } else if (is_multipart && fields_same(parameter.name, SPAN("boundary"))) {
            if (has_boundary || !read_boundary(parameter.value, boundary)) {
                return MEDIA_BODY_UNSUPPORTED;
            }
            has_boundary = true;
        }
    }
    if (rest.size > 0) return MEDIA_BODY_UNSUPPORTED; /* a comma: two types */
    if (is_xml) return MEDIA_BODY_XML;
    return has_boundary ? MEDIA_BODY_MULTIPART : MEDIA_BODY_UNSUPPORTED;
}

enum media_body media_body_of(const struct fields *fields, struct media_boundary *boundary)
{
    size_t cursor = 0;
    struct span type, second;
    if (!fields_next(fields, SPAN("content-type"), &cursor, &type)) return MEDIA_BODY_UNSUPPORTED;
    if (fields_next(fields, SPAN("content-type"), &cursor, &second)) return MEDIA_BODY_UNSUPPORTED;
    return media_body(type, boundary);
}

enum media_encoding media_encoding_of(const struct fields *fields)
{
    size_t cursor = 0;
    struct span encoding, second;
    if (!fields_next(fields, SPAN("content-encoding"), &cursor, &encoding)) {
        return MEDIA_ENCODING_NONE;
    }
    if (fields_next(fields, SPAN("content-encoding"), &cursor, &second)) {
        return MEDIA_ENCODING_UNSUPPORTED;
    }
    return fields_same(encoding, SPAN("gzip")) ? MEDIA_ENCODING_GZIP : MEDIA_ENCODING_UNSUPPORTED;
}

/* qvalue of RFC 9110, 12.4.2, in thousandths; -1: it is none. */
static int read_quality(struct span text)
{
    int quality = 0, unit = QUALITY_MAX;
    if (text.size == 0 || text.size > 5) return -1;
    for (size_t i = 0; i < text.size; i++) {
        char const byte = text.bytes[i];
        if (i == 1) {
            if (byte != '.') return -1;
            continue;
        }
        if (byte < '0' || byte > '9') return -1;
        quality += (byte - '0') * unit;
        unit /= 10;
    }
    return quality <= QUALITY_MAX ? quality : -1;
}

/* A media range and its quality. */
struct range {
    struct span type;
    struct span subtype;
    int quality;
};

/* The next well-formed member of an Accept list; malformed ones are passed over. */
static bool take_range(struct span *rest, struct range *range)
{
    while (rest->size > 0) {
        enum taken taken = TAKEN_MALFORMED;
        struct parameter parameter;
        range->quality = QUALITY_MAX;
        if (take_type(rest, &range->type, &range->subtype)) {
            while ((taken = take_parameter(rest, &parameter)) == TAKEN_ONE) {
                if (fields_same(parameter.name, SPAN("q"))) {
                    range->quality = read_quality(parameter.value);
                }
            }
        }
        while (rest->size > 0 && !take_byte(rest, ','))
            *rest = span_after(*rest, 1);
        if (taken == TAKEN_NONE && range->quality >= 0) return true;
    }
    return false;
}

/* What is known of one type that could be sent: the most specific range so far. */
struct wanted {
    struct span type;
    struct span subtype;
    int specificity; /* 0: no range matched; 1 all; 2 type with a star; 3 the type itself */
    int quality;
};

static void match(struct wanted *wanted, const struct range *range)
{
    bool const any_subtype = span_equal(range->subtype, SPAN("*"));
    int specificity = 0;
    if (span_equal(range->type, SPAN("*")) && any_subtype) {
        specificity = 1;
    } else if (fields_same(range->type, wanted->type)) {
        if (any_subtype) {
            specificity = 2;
        } else if (fields_same(range->subtype, wanted->subtype)) {
            specificity = 3;
        }
    }
    if (specificity > wanted->specificity) {
        wanted->specificity = specificity;
        wanted->quality = range->quality;
    } else if (specificity > 0 && specificity == wanted->specificity &&
               range->quality > wanted->quality) {
        wanted->quality = range->quality;
    }
}

/* application/json, application/problem+json and their like. */
static bool names_json(const struct range *range)
{
    struct span const suffix = SPAN("+json");
    struct span const subtype = range->subtype;
    if (!fields_same(range->type, SPAN("application"))) return false;
    if (fields_same(subtype, SPAN("json"))) return true;
    return subtype.size > suffix.size &&
           fields_same(span_after(subtype, subtype.size - suffix.size), suffix);
}

void media_accept_of(const struct fields *fields, struct media_accept *accept)
{
    struct wanted xml = {.type = SPAN("application"), .subtype = SPAN("xml")};
    struct wanted multipart = {.type = SPAN("multipart"), .subtype = SPAN("mixed")};
    struct wanted json = {.type = SPAN("application"), .subtype = SPAN("json")};
    bool any = false, named_json = false, named_other = false;
    size_t cursor = 0;
    struct span list;
    while (fields_next(fields, SPAN("accept"), &cursor, &list)) {
        struct range range;
        while (take_range(&list, &range)) {
            any = true;
            match(&xml, &range);
            match(&multipart, &range);
            match(&json, &range);
            if (range.quality > 0) {
                if (names_json(&range))
                    named_json = true;
                else
                    named_other = true;
            }
        }
    }
    *accept = (struct media_accept){
        .xml = !any || xml.quality > 0,
        .multipart = !any || multipart.quality > 0,
        .multipart_named = multipart.specificity >= 2 && multipart.quality > 0,
        .json = !any || json.quality > 0,
        .only_json = named_json && !named_other,
    };
}

enum media_stream media_stream_of(const struct media_accept *accept)
{
    if (accept->xml) return accept->multipart_named ? MEDIA_STREAM_MANY : MEDIA_STREAM_ONE;
    return accept->multipart ? MEDIA_STREAM_MULTIPART : MEDIA_STREAM_NEITHER;
}
