/* fields: see fields.h.
 *
 * One byte, one step:
 *
 *     LINE --token byte--> NAME --":"--> GAP --visible--> VALUE --CR--> VALUE_END --LF--> LINE
 *       |                                 \--------CR-----------------/
 *       |--CR--> BLOCK_END --LF--> complete
 *       \--white space, where lines may be folded--> GAP or VALUE of the line before
 *
 * Possible failures: a byte that has no arrow (malformed), or a bound is reached. */
#include "proto/http/fields.h"

#include <assert.h>

static_assert(LIMIT_HEAD_BYTES <= UINT16_MAX, "offsets of fields are 16 bits wide");

enum state { LINE, NAME, GAP, VALUE, VALUE_END, BLOCK_END };

bool fields_is_token_byte(char byte)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) return true;
    if (byte >= '0' && byte <= '9') return true;
    return byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

/* A byte of a value: visible ASCII, obs-text (RFC 9110, 5.5), space or tab. */
static bool is_value_byte(char byte)
{
    unsigned char const code = (unsigned char)byte;
    return (code >= 0x20 && code != 0x7f) || code == '\t';
}

static bool is_gap(char byte)
{
    return byte == ' ' || byte == '\t';
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

void fields_begin(struct fields *fields, const char *base, size_t at)
{
    assert(at <= LIMIT_HEAD_BYTES);
    fields->base = base;
    fields->size = (uint16_t)at;
    fields->count = 0;
    fields->state = LINE;
    fields->may_fold = false;
    fields->words = "";
}

static enum fields_verdict broken(struct fields *fields, const char *words)
{
    fields->words = words;
    return FIELDS_BROKEN;
}

static enum fields_verdict too_large(struct fields *fields, const char *words)
{
    fields->words = words;
    return FIELDS_TOO_LARGE;
}

/* WIRE section 1, 400: which kind of malformed a byte is that may not stand in a value. */
static const char *value_words(char byte)
{
    return byte == '\n' ? "a line feed without a carriage return before it"
                        : "a control character in a header";
}

/* White space at the start of a line: the field before it is not complete yet. */
static enum fields_verdict go_on(struct fields *fields)
{
    if (!fields->may_fold || fields->count == 0) {
        return broken(fields, "a folded header line, or white space before a name");
    }
    fields->count--;
    struct field *const field = &fields->list[fields->count];
    fields->state = field->value_size == 0 ? GAP : VALUE;
    if (fields->state == GAP) field->value_at = (uint16_t)(fields->size + 1);
    return FIELDS_MORE;
}

/* The first byte of a line. */
static enum fields_verdict begin_line(struct fields *fields, char byte)
{
    if (byte == '\r') {
        fields->state = BLOCK_END;
        return FIELDS_MORE;
    }
    if (is_gap(byte)) return go_on(fields);
    if (byte == '\n') return broken(fields, value_words(byte));
    if (!fields_is_token_byte(byte)) return broken(fields, "a header name that is no token");
    if (fields->count == LIMIT_HEADERS) return too_large(fields, "more than 64 headers");
    fields->list[fields->count] = (struct field){.name_at = fields->size, .name_size = 1};
    fields->state = NAME;
    return FIELDS_MORE;
}

/* Judges the byte at offset fields->size. */
static enum fields_verdict step(struct fields *fields, char byte)
{
    struct field *const field = &fields->list[fields->count]; /* not looked at in state LINE */
    switch ((enum state)fields->state) {
    case LINE: return begin_line(fields, byte);
    case NAME:
        if (byte == ':') {
            fields->state = GAP;
            field->value_at = (uint16_t)(fields->size + 1);
        } else if (fields_is_token_byte(byte)) {
            field->name_size++;
        } else if (is_gap(byte)) {
            return broken(fields, "white space before a colon");
        } else {
            return broken(fields, "a header line without a colon, or a name that is no token");
        }
        return FIELDS_MORE;
    case GAP:
        if (is_gap(byte)) {
            field->value_at = (uint16_t)(fields->size + 1);
        } else if (byte == '\r') {
            fields->state = VALUE_END;
        } else if (is_value_byte(byte)) {
            field->value_size = 1;
            fields->state = VALUE;
        } else {
            return broken(fields, value_words(byte));
        }
        return FIELDS_MORE;
    case VALUE:
        if (byte == '\r') {
            fields->state = VALUE_END;
        } else if (!is_value_byte(byte)) {
            return broken(fields, value_words(byte));
        } else if (!is_gap(byte)) {
            field->value_size = (uint16_t)(fields->size + 1 - field->value_at);
        }
        return FIELDS_MORE;
    case VALUE_END:
    case BLOCK_END:
        if (byte != '\n') return broken(fields, "a carriage return without a line feed behind it");
        if (fields->state == BLOCK_END) return FIELDS_COMPLETE;
        fields->count++;
        fields->state = LINE;
        return FIELDS_MORE;
    }
    return broken(fields, "a state that does not exist"); /* not reached: the switch is complete */
}

enum fields_verdict fields_scan(struct fields *fields, struct span bytes, size_t *taken)
{
    enum fields_verdict verdict = FIELDS_MORE;
    size_t at = 0;
    while (verdict == FIELDS_MORE && at < bytes.size) {
        if (fields->size == LIMIT_HEAD_BYTES) {
            verdict = too_large(fields, "a head above 16 KiB");
            break;
        }
        verdict = step(fields, bytes.bytes[at]);
        fields->size++;
        at++;
    }
    *taken = at;
    return verdict;
}

bool fields_same(struct span a, struct span b)
{
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.bytes[i]) != lower(b.bytes[i])) return false;
    }
    return true;
}

bool fields_next(const struct fields *fields, struct span name, size_t *cursor, struct span *value)
{
    while (*cursor < fields->count) {
        const struct field *const field = &fields->list[(*cursor)++];
        if (fields_same(span_of(fields->base + field->name_at, field->name_size), name)) {
            *value = span_of(fields->base + field->value_at, field->value_size);
            return true;
        }
    }
    *value = (struct span){0};
    return false;
}

bool fields_find(const struct fields *fields, struct span name, struct span *value)
{
    size_t cursor = 0;
    return fields_next(fields, name, &cursor, value);
}

/* The next member of a comma-separated list, white space around it left out; shortens *list. */
static struct span next_member(struct span *list)
{
    const char *const comma = list->size == 0 ? NULL : memchr(list->bytes, ',', list->size);
    size_t const size = comma == NULL ? list->size : (size_t)(comma - list->bytes);
    struct span member = span_of(list->bytes, size);
    *list = span_after(*list, comma == NULL ? size : size + 1);
    while (member.size > 0 && is_gap(member.bytes[0]))
        member = span_after(member, 1);
    while (member.size > 0 && is_gap(member.bytes[member.size - 1]))
        member.size--;
    return member;
}

bool fields_list_holds(const struct fields *fields, struct span name, struct span token)
{
    size_t cursor = 0;
    struct span list;
    while (fields_next(fields, name, &cursor, &list)) {
        while (list.size > 0) {
            if (fields_same(next_member(&list), token)) return true;
        }
    }
    return false;
}
